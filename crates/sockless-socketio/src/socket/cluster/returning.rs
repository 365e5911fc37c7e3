//! Clients that come back and were accepted: what they have missed is gathered from the stream, and what was done to them meanwhile is done to
//! their records. Not too many at once: others wait for their turn.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use sockless_channels::{Delivery, Position, Recovery, Start, Subscriber};

use super::coming::Claimed;
use super::deed::{Deed, Entry};
use super::state::{State, stream_name};
use crate::engine::Frame;
use crate::entropy::Entropy;
use crate::socket::admitting::granted;
use crate::socket::output::Event;
use crate::socket::packet::{Packet, Writer};
use crate::socket::recovery::Record;
use crate::socket::server::Server;
use crate::socket::sockets::{Kept, Socket};

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
    /// Whether there is something to be read for it: those who only wait until the stream comes to where they are keep nobody waiting.
    reads: bool,
    /// Whether not all of it is there.
    failed: bool,
}

impl<E: Entropy> Server<E> {
    /// Begins to gather for those whose turn it is.
    pub(super) fn take_turns(&mut self, now: Duration) {
        loop {
            while let Some(cluster) = &mut self.cluster
                && cluster.returns.values().filter(|its| its.reads).count()
                    < cluster.settings.returning
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

    fn begin_return(&mut self, socket: Socket, now: Duration) -> Option<()> {
        let cluster = self.cluster.as_mut()?;
        let Claimed { claim, fetched, data } = cluster.claims.get(&socket)?;
        let namespace = &self.sockets.get(socket)?.namespace;
        let newest = cluster.newest(namespace)?;
        let stream = cluster.streams.get(namespace)?;
        let (record, at, fetched) = match (self.records.get(&claim.pid), fetched) {
            (Some(record), None) if record.namespace == *namespace => {
                (record.clone(), stream.known_to(&record.id)?, false)
            }
            (_, Some(snapshot)) => (snapshot.record.clone(), snapshot.at, true),
            _ => return None,
        };
        // What another server has may be of an epoch of which this one hasn't heard yet.
        if record.since.epoch() != at.epoch() || !fetched && at.epoch() != newest.epoch() {
            return None;
        }
        let said = match &claim.offset {
            Some(offset) => Some(offset.parse::<Position>().ok()?),
            None => None,
        };
        let from = record.resumes_in_epoch(said);
        let start = Position::new(at.epoch(), from.min(at.offset()));
        let subscriber =
            cluster.node.subscribe(&stream_name(namespace), Start::After(start)).ok()?;
        let until = now.saturating_add(cluster.settings.patience);
        let (pid, data) = (claim.pid.clone(), data.clone());
        cluster.claims.remove(&socket);
        let rooms_before = record.rooms.clone();
        let its = Return {
            subscriber,
            until,
            pid,
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
            reads: true,
            failed: false,
        };
        // Its record stays, for the case that it goes before it has all, and comes back once more.
        cluster.returns.insert(socket, its);
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
            its.reads = !its.started
                || newest.is_some_and(|newest| {
                    newest.epoch() == its.at.epoch() && its.at.offset() < newest.offset()
                });
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
        let Some(session) = asks.map(|seat| seat.session) else { return };
        if !failed {
            let data = granted(&record.id, Some(&pid));
            let connect = Packet::Connect { namespace: namespace.clone(), data };
            let mut all = self.writer.packet(&connect).to_vec();
            all.extend(frames);
            if self.engine.send(session, &all).is_ok() {
                self.seat(socket, pid, record, at, fetched, now);
                self.events.push_back(Event::Accepted { socket, position: at });
                return;
            }
        }
        if let Some((record, _)) = self.records.take(&pid) {
            self.forget_record(&record);
        }
        self.accept_instead(socket, said, fetched, seen, now);
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
            (seat.known_data, seat.data) = (data.clone(), data);
            seat.recovered = true;
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
}

impl State {
    /// Nothing more is gathered for a client, which has gone.
    pub(super) fn return_no_more(&mut self, socket: Socket) {
        if let Some(its) = self.returns.remove(&socket) {
            self.node.unsubscribe(its.subscriber);
        }
    }
}

impl Return {
    pub(super) fn pid(&self) -> &Arc<str> {
        &self.pid
    }

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
            // Another server has had it since.
            Deed::Moved => self.fetched = true,
            Deed::Event { .. } | Deed::Ask { .. } => {}
        }
        Some(())
    }
}
