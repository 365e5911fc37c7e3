//! Clients that come to a server of a cluster: their records, until the application has accepted them. What those get that come back is gathered
//! in `returning`.
//!
//! ```text
//! asks --(a record is wanted)--> fetched --> the application hears of it
//!   accepts --(nothing is claimed)--> new
//!   accepts --> waits for its turn in `returning` --> recovered, or new
//! ```

use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use serde::{Deserialize, Deserializer};
use sockless_channels::{Look, Members, Position};

use super::deed::Deed;
use super::snapshot::Snapshot;
use super::state::{State, fits, record_name};
use super::stream::Aim;
use crate::engine::Session;
use crate::entropy::Entropy;
use crate::socket::admitting::granted;
use crate::socket::namespace::Namespace;
use crate::socket::output::{DisconnectReason, EmitError, Event};
use crate::socket::packet::Packet;
use crate::socket::recovery::{Audience, Membership};
use crate::socket::server::Server;
use crate::socket::sockets::{Kept, Socket};

/// What a client that comes back says, beside its authentication.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claim {
    #[serde(deserialize_with = "shared")]
    pub(super) pid: Arc<str>,
    #[serde(default)]
    pub(super) offset: Option<String>,
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

/// What a client claims that the application hasn't accepted yet. Its record is in `records`, unless another server had it; or there is none, and
/// all that counts is what the client says it has.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) claim: Claim,
    pub(super) fetched: Option<Snapshot>,
    /// What the application sees that was put to it in its former life.
    pub(super) data: Option<Arc<str>>,
}

/// A private id as this crate draws them: what else somebody makes up isn't asked for.
fn is_drawn(pid: &str) -> bool {
    pid.len() == 22 && pid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl State {
    /// The socket that has come back with this private id and isn't accepted yet.
    fn claimant(&self, pid: &Arc<str>) -> Option<Socket> {
        let socket = *self.claimants.get(pid)?;
        self.is_claimant(pid, socket).then_some(socket)
    }

    fn is_claimant(&self, pid: &Arc<str>, socket: Socket) -> bool {
        let fetch = self.fetches.get(&socket).map(|its| &its.claim.pid);
        let claim = fetch.or_else(|| Some(&self.claims.get(&socket)?.claim.pid));
        claim.or_else(|| Some(self.returns.get(&socket)?.pid())) == Some(pid)
    }

    /// A socket comes back. Those that don't wait any more are forgotten now and then.
    fn add_claimant(&mut self, pid: Arc<str>, socket: Socket) {
        let waiting = self.fetches.len() + self.claims.len() + self.returns.len();
        if self.claimants.len() > 2 * waiting + 64 {
            let mut claimants = core::mem::take(&mut self.claimants);
            claimants.retain(|pid, socket| self.is_claimant(pid, *socket));
            self.claimants = claimants;
        }
        self.claimants.insert(pid, socket);
    }
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
        let before = claim.as_ref().and_then(|claim| {
            let accepted = self.sockets.by_pid(&claim.pid);
            accepted.or_else(|| self.cluster.as_ref()?.claimant(&claim.pid))
        });
        let before = before.filter(|before| self.namespace(*before) == Some(&namespace));
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
        if let Some(cluster) = &mut self.cluster {
            cluster.add_claimant(claim.pid.clone(), socket);
        }
        // One that has more than this server knows of has been elsewhere since: there is a newer record of it.
        let newest = self.newest(&namespace);
        let said = claim.offset.as_deref().and_then(|offset| offset.parse::<Position>().ok());
        let was_elsewhere = said.zip(newest).is_some_and(|(said, newest)| {
            said.epoch() == newest.epoch() && said.offset() > newest.offset()
        });
        if !was_elsewhere && self.is_record_in(&claim.pid, &namespace) {
            return self.announce(socket, namespace, auth, Some((claim, None)));
        }
        let Some(cluster) = &mut self.cluster else { return };
        let Ok(look) = cluster.node.look(&record_name(&claim.pid)) else {
            return self.announce(socket, namespace, auth, Some((claim, None)));
        };
        let until = now.saturating_add(cluster.settings.patience);
        cluster.looks.insert(look, socket);
        cluster.fetches.insert(socket, Fetch { look, until, auth, claim });
    }

    fn is_record_in(&self, pid: &str, namespace: &Namespace) -> bool {
        self.records.get(pid).is_some_and(|record| record.namespace == *namespace)
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
                None => self.records.get(&claim.pid).filter(|its| its.namespace == namespace),
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
        self.announce(socket, namespace, fetch.auth, Some((fetch.claim, newest)));
    }

    /// A record isn't waited for any more.
    pub(super) fn fetch_no_more(&mut self, socket: Socket) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some(fetch) = cluster.fetches.remove(&socket) else { return };
        cluster.looks.remove(&fetch.look);
        cluster.node.look_away(fetch.look);
        if let Some(seat) = self.sockets.get(socket) {
            let namespace = seat.namespace.clone();
            self.announce(socket, namespace, fetch.auth, Some((fetch.claim, None)));
        }
    }

    /// Another server has had a client that waits here for its turn: what is known of it is a record like any other server's now.
    pub(super) fn keep_for_claimant(&mut self, pid: &Arc<str>) {
        let Some(cluster) = &mut self.cluster else { return };
        if let Some(socket) = cluster.claimants.get(pid)
            && let Some(claimed) = cluster.claims.get_mut(socket)
            && claimed.claim.pid == *pid
            && claimed.fetched.is_none()
            && let Some(record) = self.records.get(pid)
            && self.sockets.get(*socket).is_some_and(|seat| seat.namespace == record.namespace)
            && let Some(stream) = cluster.streams.get(&record.namespace)
            && let Some(at) = stream.known_to(&record.id)
        {
            claimed.fetched = Some(Snapshot { record: record.clone(), at });
        }
    }

    /// A socket that wasn't accepted goes. Returns whether the application has heard of it.
    pub(in crate::socket) fn unask(&mut self, socket: Socket) -> bool {
        let Some(cluster) = &mut self.cluster else { return true };
        cluster.claims.remove(&socket);
        cluster.queue.retain(|its| *its != socket);
        cluster.return_no_more(socket);
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
        } else if let Some(Claimed { claim, fetched, .. }) = cluster.claims.get(&socket) {
            let is_here =
                self.records.get(&claim.pid).is_some_and(|its| its.namespace == namespace);
            if fetched.is_none() && !is_here {
                self.refuse_claim(socket, now);
                return Ok(());
            }
            if !cluster.queue.contains(&socket) && !cluster.returns.contains_key(&socket) {
                cluster.queue.push_back(socket);
            }
            self.take_turns(now);
        } else if !cluster.returns.contains_key(&socket) {
            return self.accept_new(socket, None, now);
        }
        Ok(())
    }

    /// It is known where a stream is: those who wait for that are accepted.
    pub(super) fn started(&mut self, namespace: &Namespace, now: Duration) {
        let stream = self.cluster.as_mut().and_then(|its| its.stream(namespace));
        let waiting = stream.map(|stream| core::mem::take(&mut stream.waiting));
        for socket in waiting.into_iter().flatten() {
            let _ = self.accept_in_cluster(socket, now);
        }
    }

    /// The position that a client says it has, if it can be one of the stream as it is now.
    fn claimed_offset(&self, socket: Socket) -> Option<Position> {
        let claim = &self.cluster.as_ref()?.claims.get(&socket)?.claim;
        claim.offset.as_deref()?.parse().ok()
    }

    /// What a client has claimed can't be given: its record is no use any more.
    pub(super) fn refuse_claim(&mut self, socket: Socket, now: Duration) {
        let said = self.claimed_offset(socket);
        let claimed = self.cluster.as_mut().and_then(|its| its.claims.remove(&socket));
        let Some(Claimed { claim, fetched, data }) = claimed else { return };
        if let Some(namespace) = self.namespace(socket).cloned()
            && self.is_record_in(&claim.pid, &namespace)
            && let Some((record, _)) = self.records.take(&claim.pid)
        {
            self.forget_record(&record);
        }
        self.accept_instead(socket, said, fetched.is_some(), data, now);
    }

    /// A client that isn't recovered is somebody new, with the id that the application knows. Whoever has had that id before it gives it up.
    pub(super) fn accept_instead(
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
        if let Some(seat) = self.sockets.get_mut(socket) {
            seat.known_data = seat.data.clone();
        }
        self.connected(session);
        let membership = Membership::new(since.offset());
        self.sockets.keep(socket, Kept { pid: pid.clone(), since, membership });
        self.is_here(socket, &namespace, &id, since, now);
        self.record(&namespace, &pid, now);
        self.events.push_back(Event::Accepted { socket, position: since });
        Ok(())
    }

    /// A client that another server has had is here now.
    pub(super) fn claim(
        &mut self,
        namespace: &Namespace,
        id: Arc<str>,
        socket: Socket,
        now: Duration,
    ) {
        let aim = Aim::Claim { id: id.clone() };
        if self.write(namespace, Audience::One(id), Deed::Moved, aim).is_err()
            && let Some(session) = self.session(socket)
        {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
    }

    /// An accepted socket of this server has everything up to a position.
    pub(super) fn is_here(
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
        stream.forget(id);
        stream.is_ahead(id, at.offset());
        let away = stream.away.remove(id);
        let former = stream.ids.insert(id.clone(), socket);
        // What was kept of a former life.
        if let Some(pid) = away {
            self.records.take(&pid);
            if self.sockets.by_pid(&pid).is_none() {
                self.unrecord(namespace, &pid);
            }
        }
        // One of a former life, whose end wasn't noticed.
        if let Some(former) = former.filter(|former| *former != socket) {
            self.let_go(former, now);
        }
    }
}
