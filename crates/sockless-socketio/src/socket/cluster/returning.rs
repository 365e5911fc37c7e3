//! Clients that come to a server of a cluster: their records, what they have missed, and their seats.
//!
//! ```text
//! asks --(a record is wanted)--> fetched --> the application hears of it
//!   accepts --(nothing is claimed)--> new
//!   accepts --> waits for its turn --> what it has missed is gathered --> recovered
//!                                              (not all of it is there) --> new
//! ```

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer};
use sockless_channels::{Delivery, Look, Members, Position, Recovery, Start, Subscriber};

use super::deed::{Deed, Entry};
use super::snapshot::Snapshot;
use super::state::{fits, record_name, stream_name};
use super::stream::Aim;
use crate::engine::{Frame, Session};
use crate::entropy::Entropy;
use crate::socket::admitting::granted;
use crate::socket::namespace::Namespace;
use crate::socket::output::{DisconnectReason, EmitError, Event};
use crate::socket::packet::{Packet, Writer};
use crate::socket::recovery::{Audience, Membership, Record};
use crate::socket::server::Server;
use crate::socket::sockets::{Kept, Socket};

/// What a client that comes back says, beside its authentication.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claim {
    #[serde(deserialize_with = "shared")]
    pid: Arc<str>,
    #[serde(default)]
    offset: Option<String>,
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    Ok(String::deserialize(deserializer)?.into())
}

/// A client whose record is waited for.
#[derive(Debug)]
pub(super) struct Fetch {
    look: Look,
    pub(super) until: Duration,
    auth: Option<String>,
    claim: Claim,
}

/// What a client claims that the application hasn't accepted yet. Its record is in `records`, unless another server had it.
#[derive(Debug)]
pub(super) struct Claimed {
    claim: Claim,
    fetched: Option<Snapshot>,
    /// What the application sees that was put to it in its former life.
    data: Option<Arc<str>>,
}

/// A client for which it is gathered what it has missed.
#[derive(Debug)]
pub(super) struct Return {
    subscriber: Subscriber,
    pub(super) until: Duration,
    pid: Arc<str>,
    /// As of `at`.
    record: Record,
    at: Position,
    /// As of when it was read.
    rooms_before: BTreeSet<Arc<str>>,
    before: u64,
    /// After which offset it has to get what was sent.
    from: u64,
    said: Option<Position>,
    fetched: bool,
    data: Option<Arc<str>>,
    started: bool,
    frames: Vec<Frame>,
    /// Whether not all of it is there.
    failed: bool,
}

/// A private id as this crate draws them: what else somebody makes up isn't asked for.
fn is_drawn(pid: &str) -> bool {
    pid.len() == 22 && pid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl<E: Entropy> Server<E> {
    /// A client asks for a namespace.
    pub(in crate::socket) fn asks_in_cluster(
        &mut self,
        session: Session,
        namespace: Namespace,
        auth: Option<String>,
        now: Duration,
    ) {
        let followed = fits(&namespace)
            && self.cluster.as_mut().is_some_and(|cluster| cluster.follow(&namespace).is_ok());
        if !followed {
            let data = Some("{\"message\":\"Invalid namespace\"}".into());
            let _ = self.answer(session, &Packet::ConnectError { namespace, data }, now);
            return;
        }
        let claim = auth.as_deref().and_then(|auth| serde_json::from_str::<Claim>(auth).ok());
        let claim = claim.filter(|claim| is_drawn(&claim.pid));
        let before = claim.as_ref().and_then(|claim| self.sockets.by_pid(&claim.pid));
        if let Some(before) = before.and_then(|before| self.session(before)) {
            // Its end wasn't noticed.
            self.drop_session(before, DisconnectReason::ForcedServerClose, now);
        }
        let id = self.engine.draw_id();
        let socket = self.sockets.add(session, namespace.clone(), id);
        // The session may have been the one that was dropped.
        let Some(connection) = self.connections.get_mut(session.0) else {
            self.sockets.remove(socket);
            return;
        };
        connection.sockets.push((namespace.clone(), socket));
        let Some(claim) = claim else { return self.announce(socket, namespace, auth, None) };
        if self.records.get(&claim.pid).is_some_and(|record| record.namespace == namespace) {
            return self.announce(socket, namespace, auth, Some((claim, None)));
        }
        let Some(cluster) = &mut self.cluster else { return };
        let Ok(look) = cluster.node.look(&record_name(&claim.pid)) else {
            return self.announce(socket, namespace, auth, None);
        };
        let until = now.saturating_add(cluster.settings.patience);
        cluster.looks.insert(look, socket);
        cluster.fetches.insert(socket, Fetch { look, until, auth, claim });
    }

    /// The application hears of a client.
    fn announce(
        &mut self,
        socket: Socket,
        namespace: Namespace,
        auth: Option<String>,
        claim: Option<(Claim, Option<Snapshot>)>,
    ) {
        if let Some((claim, fetched)) = claim
            && let Some(cluster) = &mut self.cluster
        {
            let record = match &fetched {
                Some(snapshot) => Some(&snapshot.record),
                None => self.records.get(&claim.pid),
            };
            let mut data = None;
            if let (Some(record), Some(seat)) = (record, self.sockets.get_mut(socket)) {
                seat.id = record.id.clone();
                seat.data = record.data.clone();
                data = record.data.clone();
            }
            cluster.claims.insert(socket, Claimed { claim, fetched, data });
        }
        self.events.push_back(Event::Connect { socket, namespace, auth });
    }

    /// It is known what is recorded of a client.
    pub(super) fn fetched(&mut self, look: Look, members: Members) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some(socket) = cluster.looks.remove(&look) else { return };
        let Some(fetch) = cluster.fetches.remove(&socket) else { return };
        let Some(namespace) = self.sockets.get(socket).map(|seat| seat.namespace.clone()) else {
            return;
        };
        let epoch = cluster.newest(&namespace).map(Position::epoch);
        // Servers that have had it one after the other may all have a record of it still. Each is true for its position.
        let newest = members
            .into_iter()
            .filter_map(|(_, info)| Snapshot::decode(info))
            .filter(|its| its.record.namespace == namespace)
            .max_by_key(|its| (Some(its.at.epoch()) == epoch, its.at.offset()));
        let claim = newest.map(|snapshot| (fetch.claim, Some(snapshot)));
        self.announce(socket, namespace, fetch.auth, claim);
    }

    /// A record isn't waited for any more.
    pub(super) fn fetch_no_more(&mut self, socket: Socket) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some(fetch) = cluster.fetches.remove(&socket) else { return };
        cluster.looks.remove(&fetch.look);
        cluster.node.look_away(fetch.look);
        if let Some(seat) = self.sockets.get(socket) {
            let namespace = seat.namespace.clone();
            self.announce(socket, namespace, fetch.auth, None);
        }
    }

    /// A socket that wasn't accepted goes. Returns whether the application has heard of it.
    pub(in crate::socket) fn unask(&mut self, socket: Socket) -> bool {
        let Some(cluster) = &mut self.cluster else { return true };
        cluster.claims.remove(&socket);
        cluster.queue.retain(|its| *its != socket);
        for stream in cluster.streams.values_mut() {
            stream.waiting.remove(&socket);
        }
        match cluster.fetches.remove(&socket) {
            Some(fetch) => {
                cluster.looks.remove(&fetch.look);
                cluster.node.look_away(fetch.look);
                false
            }
            None => true,
        }
    }

    /// The application accepts a client. An [`Event::Accepted`] follows.
    pub(in crate::socket) fn accept_in_cluster(
        &mut self,
        socket: Socket,
        now: Duration,
    ) -> Result<(), EmitError> {
        let seat = self.sockets.get(socket).filter(|seat| !seat.accepted);
        let namespace = seat.ok_or(EmitError::Disconnected)?.namespace.clone();
        let Some(cluster) = &mut self.cluster else { return Err(EmitError::Disconnected) };
        let Some(stream) = cluster.streams.get_mut(&namespace) else {
            return Err(EmitError::Disconnected);
        };
        if stream.at.is_none() {
            stream.waiting.insert(socket);
        } else if cluster.claims.contains_key(&socket) {
            if !cluster.queue.contains(&socket) && !cluster.returns.contains_key(&socket) {
                cluster.queue.push_back(socket);
            }
            self.take_turns(now);
        } else if !cluster.returns.contains_key(&socket) {
            return self.accept_new(socket, None, now);
        }
        Ok(())
    }

    /// Begins to gather for those whose turn it is.
    pub(super) fn take_turns(&mut self, now: Duration) {
        loop {
            while let Some(cluster) = &mut self.cluster
                && cluster.returns.len() < cluster.settings.returning
                && let Some(socket) = cluster.queue.pop_front()
            {
                if self.begin_return(socket, now).is_none() {
                    self.refuse_claim(socket, now);
                }
            }
            if !self.gather(now) {
                return;
            }
        }
    }

    /// The position that a client says it has, if it can be one of the stream as it is now.
    fn claimed_offset(&self, socket: Socket) -> Option<Position> {
        let claim = &self.cluster.as_ref()?.claims.get(&socket)?.claim;
        claim.offset.as_deref()?.parse().ok()
    }

    /// What a client has claimed can't be given: its record is no use any more.
    fn refuse_claim(&mut self, socket: Socket, now: Duration) {
        let said = self.claimed_offset(socket);
        let claimed = self.cluster.as_mut().and_then(|its| its.claims.remove(&socket));
        let Some(Claimed { claim, fetched, data }) = claimed else { return };
        if let Some((record, _)) = self.records.take(&claim.pid) {
            self.forget_record(&record);
        }
        self.accept_instead(socket, said, fetched.is_some(), data, now);
    }

    /// A client that isn't recovered is somebody new, with the id that the application knows. Whoever has had that id before it gives it up.
    fn accept_instead(
        &mut self,
        socket: Socket,
        said: Option<Position>,
        fetched: bool,
        data: Option<Arc<str>>,
        now: Duration,
    ) {
        if let (Some(seat), Some(data)) = (self.sockets.get_mut(socket), data)
            && seat.data.as_ref().is_some_and(|its| Arc::ptr_eq(its, &data))
        {
            seat.data = None;
        }
        if self.accept_new(socket, said, now).is_ok()
            && fetched
            && let Some((namespace, id)) = self.whose(socket)
        {
            self.claim(&namespace, id, socket, now);
        }
    }

    fn begin_return(&mut self, socket: Socket, now: Duration) -> Option<()> {
        let cluster = self.cluster.as_mut()?;
        let Claimed { claim, fetched, data } = cluster.claims.get(&socket)?;
        let namespace = &self.sockets.get(socket)?.namespace;
        let newest = cluster.newest(namespace)?;
        let stream = cluster.streams.get(namespace)?;
        let (record, at, fetched) = match (self.records.get(&claim.pid), fetched) {
            (Some(record), _) if record.namespace == *namespace => {
                (record.clone(), stream.known_to(&record.id)?, false)
            }
            (_, Some(snapshot)) => (snapshot.record.clone(), snapshot.at, true),
            _ => return None,
        };
        if at.epoch() != newest.epoch() || record.since.epoch() != newest.epoch() {
            return None;
        }
        let said = match &claim.offset {
            Some(offset) => Some(offset.parse::<Position>().ok()?),
            None => None,
        };
        let from = record.resumes_in_epoch(said);
        let start = Position::new(newest.epoch(), from.min(at.offset()));
        let subscriber =
            cluster.node.subscribe(&stream_name(namespace), Start::After(start)).ok()?;
        let until = now.saturating_add(cluster.settings.patience);
        let (pid, data) = (claim.pid.clone(), data.clone());
        cluster.claims.remove(&socket);
        let rooms_before = record.rooms.clone();
        let its = Return {
            subscriber,
            until,
            pid: pid.clone(),
            record,
            before: at.offset(),
            at: start,
            rooms_before,
            from,
            said,
            fetched,
            data,
            started: false,
            frames: Vec::new(),
            failed: false,
        };
        cluster.returns.insert(socket, its);
        if !fetched && let Some((record, _)) = self.records.take(&pid) {
            // What passes from now on is read for it alone.
            if let Some(stream) = self.cluster.as_mut()?.stream(&record.namespace) {
                stream.away.remove(&record.id);
            }
        }
        Some(())
    }

    /// Reads on for those for whom it is gathered, and seats those who have all. Returns whether there are any.
    fn gather(&mut self, now: Duration) -> bool {
        let Some(cluster) = &mut self.cluster else { return false };
        let mut done = Vec::new();
        let (most, writer) = (cluster.recovery.changes, &mut self.writer);
        for (socket, its) in &mut cluster.returns {
            while !its.failed
                && let Some(delivery) = cluster.node.delivery(its.subscriber)
            {
                its.take(delivery, most, writer);
            }
            let namespace = &its.record.namespace;
            let newest = cluster.streams.get(namespace).and_then(|stream| stream.at);
            let is_there = newest.is_some_and(|newest| {
                its.started
                    && its.at.epoch() == newest.epoch()
                    && its.at.offset() >= newest.offset().max(its.before).max(its.from)
            });
            if its.failed || is_there || now >= its.until {
                its.failed |= !is_there;
                done.push(*socket);
            }
        }
        let any = !done.is_empty();
        done.into_iter().for_each(|socket| self.end_return(socket, now));
        any
    }

    /// A client has all that it has missed, or can't have it.
    fn end_return(&mut self, socket: Socket, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some(its) = cluster.returns.remove(&socket) else { return };
        cluster.node.unsubscribe(its.subscriber);
        let Return { pid, record, at, said, fetched, data: seen, frames, failed, .. } = its;
        let namespace = record.namespace.clone();
        let asks = self.sockets.get(socket).filter(|seat| !seat.accepted);
        let session = asks.map(|seat| seat.session);
        let until = now.saturating_add(cluster.recovery.window);
        if failed {
            if !fetched {
                self.unrecord(&namespace, &pid);
            }
        } else if let Some(session) = session {
            let data = granted(&record.id, Some(&pid));
            let connect = Packet::Connect { namespace: namespace.clone(), data };
            let mut all = self.writer.packet(&connect).to_vec();
            all.extend(frames);
            if self.engine.send(session, &all).is_ok() {
                self.seat(socket, pid, record, at, fetched, now);
                self.events.push_back(Event::Accepted { socket, position: at });
                return;
            }
            if !fetched {
                self.unrecord(&namespace, &pid);
            }
        } else if !fetched {
            // It has gone meanwhile, and may come back again.
            self.keep_away(pid, record, at, until, now);
        }
        if session.is_some() {
            self.accept_instead(socket, said, fetched, seen, now);
        }
    }

    /// A client has its rooms again.
    fn seat(
        &mut self,
        socket: Socket,
        pid: Arc<str>,
        record: Record,
        at: Position,
        fetched: bool,
        now: Duration,
    ) {
        let Record { namespace, id, since, rooms, membership, data } = record;
        self.sockets.accept(socket);
        if !rooms.contains(&id) {
            self.sockets.leave(socket, &id);
        }
        rooms.iter().for_each(|room| drop(self.sockets.join(socket, room)));
        if let Some(seat) = self.sockets.get_mut(socket) {
            (seat.recovered, seat.data) = (true, data);
            let session = seat.session;
            self.connected(session);
        }
        self.sockets.keep(socket, Kept { pid: pid.clone(), since, membership });
        self.is_here(socket, &namespace, &id, at, now);
        if fetched {
            self.claim(&namespace, id, socket, now);
        }
        self.record(&namespace, &pid, now);
    }

    /// An accepted socket of this server has everything up to a position.
    fn is_here(
        &mut self,
        socket: Socket,
        namespace: &Namespace,
        id: &Arc<str>,
        at: Position,
        now: Duration,
    ) {
        let Some(stream) = self.cluster.as_mut().and_then(|its| its.stream(namespace)) else {
            return;
        };
        stream.is_ahead(id, at.offset());
        let former = stream.ids.insert(id.clone(), socket);
        // One of a former life, whose end wasn't noticed.
        if let Some(former) = former.filter(|former| *former != socket) {
            self.let_go(former, now);
        }
    }

    /// A client that another server has had is here now.
    fn claim(&mut self, namespace: &Namespace, id: Arc<str>, socket: Socket, now: Duration) {
        let aim = Aim::Claim { id: id.clone() };
        if self.write(namespace, Audience::One(id), Deed::Moved, aim).is_err()
            && let Some(session) = self.session(socket)
        {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
    }

    /// A client is somebody new. What it has said to have isn't sent to it.
    fn accept_new(
        &mut self,
        socket: Socket,
        said: Option<Position>,
        now: Duration,
    ) -> Result<(), EmitError> {
        let seat = self.sockets.get(socket).ok_or(EmitError::Disconnected)?;
        let (session, namespace, id) = (seat.session, seat.namespace.clone(), seat.id.clone());
        let newest = self.newest(&namespace).ok_or(EmitError::Disconnected)?;
        // It keeps what it has said, so it is after that: what lies before it can't be told from what it has had.
        let said = said.filter(|said| said.epoch() == newest.epoch());
        let since = match said {
            Some(said) if said.offset() > newest.offset() => said,
            _ => newest,
        };
        let pid = self.engine.draw_id();
        let data = granted(&id, Some(&pid));
        self.answer(session, &Packet::Connect { namespace: namespace.clone(), data }, now)?;
        self.sockets.accept(socket);
        self.connected(session);
        let membership = Membership::new(since.offset());
        self.sockets.keep(socket, Kept { pid: pid.clone(), since, membership });
        self.is_here(socket, &namespace, &id, since, now);
        self.record(&namespace, &pid, now);
        self.events.push_back(Event::Accepted { socket, position: since });
        Ok(())
    }

    /// A client of this server's is away, and may come back until a time. Its record is as of a position.
    pub(in crate::socket) fn keep_away(
        &mut self,
        pid: Arc<str>,
        record: Record,
        at: Position,
        until: Duration,
        now: Duration,
    ) {
        let Some(stream) = self.cluster.as_mut().and_then(|its| its.stream(&record.namespace))
        else {
            return;
        };
        let is_current = stream
            .known_to(&record.id)
            .is_some_and(|known| known.epoch() == at.epoch() && at.offset() >= known.offset());
        if !is_current {
            let namespace = record.namespace.clone();
            return self.unrecord(&namespace, &pid);
        }
        stream.away.insert(record.id.clone(), pid.clone());
        stream.is_ahead(&record.id, at.offset());
        let namespace = record.namespace.clone();
        self.keep_record(pid.clone(), record, until, now);
        if self.records.get(&pid).is_some() {
            self.record(&namespace, &pid, now);
        }
    }

    /// A client doesn't come back any more.
    pub(in crate::socket) fn away_no_more(&mut self, record: &Record) {
        let stream = self.cluster.as_mut().and_then(|its| its.stream(&record.namespace));
        if let Some(pid) = stream.and_then(|stream| stream.away.remove(&record.id)) {
            self.unrecord(&record.namespace, &pid);
        }
        self.unfollow(&record.namespace);
    }

    /// A namespace that nobody here needs, and that wasn't named from the beginning, is followed no more.
    fn unfollow(&mut self, namespace: &Namespace) {
        if !self.known.contains(namespace)
            && let Some(cluster) = &mut self.cluster
        {
            cluster.unfollow(namespace);
        }
    }

    /// A socket goes.
    pub(in crate::socket) fn remove_in_cluster(
        &mut self,
        socket: Socket,
        reason: DisconnectReason,
        now: Duration,
    ) -> Option<(Session, Namespace)> {
        let is_known = self.unask(socket);
        let seat = self.sockets.get_mut(socket)?;
        let (namespace, id) = (seat.namespace.clone(), seat.id.clone());
        let kept = seat.kept.take();
        let record = kept.map(|Kept { pid, since, membership }| {
            let (rooms, data) = (seat.rooms.clone(), seat.data.clone());
            let (namespace, id) = (namespace.clone(), id.clone());
            (pid, Record { namespace, id, since, rooms, membership, data })
        });
        let cluster = self.cluster.as_mut()?;
        let window = cluster.recovery.window;
        let stream = cluster.stream(&namespace);
        let at = stream.and_then(|stream| {
            if stream.ids.get(&id) == Some(&socket) {
                stream.ids.remove(&id);
            }
            stream.known_to(&id)
        });
        if let (Some((pid, record)), Some(at)) = (record, at) {
            self.sockets.forget_pid(&pid);
            match reason.is_recoverable() {
                true => self.keep_away(pid, record, at, now.saturating_add(window), now),
                false => {
                    self.unrecord(&namespace, &pid);
                    let by_client = matches!(
                        reason,
                        DisconnectReason::ClientNamespaceDisconnect | DisconnectReason::ParseError
                    );
                    if by_client {
                        self.write_gone(&namespace, id);
                    }
                }
            }
        }
        let place = self.unseat(socket);
        if is_known {
            self.events.push_back(Event::Disconnect { socket, reason });
        }
        self.unfollow(&namespace);
        place
    }

    /// It is known where a stream is: those who wait for that are accepted.
    pub(super) fn started(&mut self, namespace: &Namespace, now: Duration) {
        let stream = self.cluster.as_mut().and_then(|its| its.stream(namespace));
        let waiting = stream.map(|stream| core::mem::take(&mut stream.waiting));
        for socket in waiting.into_iter().flatten() {
            let _ = self.accept_in_cluster(socket, now);
        }
    }
}

impl Return {
    /// What the node gives out for it.
    fn take(&mut self, delivery: Delivery, most: usize, writer: &mut Writer) {
        match delivery {
            Delivery::Started { position, recovery: Recovery::Recovered } => {
                (self.at, self.started) = (position, true);
            }
            Delivery::Publication { position, payload } => {
                match Entry::decode(payload)
                    .and_then(|entry| self.replay(entry, position, most, writer))
                {
                    Some(()) => self.at = position,
                    None => self.failed = true,
                }
            }
            Delivery::Started { .. } | Delivery::Gap { .. } => self.failed = true,
        }
    }

    /// Does to the record what was done to the client, and gathers what it gets. `None` if it doesn't come back.
    fn replay(
        &mut self,
        entry: Entry,
        position: Position,
        most: usize,
        writer: &mut Writer,
    ) -> Option<()> {
        let Entry { audience, deed, .. } = entry;
        let offset = position.offset();
        let record = &mut self.record;
        let is_news = offset > self.before;
        match deed {
            Deed::Event { name, payload } if offset > self.from => {
                let is_meant = match is_news {
                    true => audience.has(&record.id, &record.rooms),
                    false => {
                        let rooms = self.rooms_before.clone();
                        let mut replay = record.membership.since(offset - 1, rooms)?;
                        audience.has(&record.id, replay.at(offset))
                    }
                };
                if is_meant {
                    let payload = payload.after(position);
                    let event = writer.event(&record.namespace, None, &name, &payload);
                    self.frames.extend_from_slice(&event);
                }
            }
            _ if !is_news || !audience.has(&record.id, &record.rooms) => {}
            Deed::Join(rooms) => record.change(&rooms, true, position, most),
            Deed::Leave(rooms) => record.change(&rooms, false, position, most),
            Deed::Data(json) => record.data = Some(json),
            Deed::Disconnect { .. } => return None,
            Deed::Event { .. } | Deed::Ask { .. } | Deed::Moved => {}
        }
        Some(())
    }
}
