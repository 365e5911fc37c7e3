//! The stream of one namespace as this server has followed it, and what of this server's own hasn't come back in it yet. What an entry means is
//! in `passing`.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use sockless_channels::{Position, Subscriber};

use crate::socket::packet::Frames;
use crate::socket::recovery::Recovery;
use crate::socket::sockets::Socket;

/// What this server has written and hasn't read yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) aim: Aim,
    /// Where it is, once the broker has said so.
    published: Option<Position>,
}

/// What there is to do if it can't be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// The application hears that nobody gets this event.
    Event(String),
    /// The socket with this id is not what the application takes it for.
    Change(Arc<str>),
    /// The same, where something was put to it.
    Data(Arc<str>),
    /// The client with this id, which this server has claimed, may be another server's.
    Claim { id: Arc<str> },
    /// It is done all the same, here.
    Disconnect { socket: Socket, close: bool },
    /// Nothing.
    Nothing,
}

/// Something that is sent by this server alone, after what it has written before.
#[derive(Debug)]
struct Parked {
    after: u64,
    socket: Socket,
    frames: Frames,
}

/// A room that is joined or left by an entry that hasn't passed.
#[derive(Debug)]
struct Change {
    number: u64,
    room: Arc<str>,
    joined: bool,
}

/// When a record was written last.
#[derive(Clone, Copy, Debug)]
struct Written {
    turn: u64,
    offset: u64,
    bytes: u64,
    at: Duration,
}

/// A namespace's stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) subscriber: Subscriber,
    pub(super) side: Subscriber,
    /// The last entry that has passed; `None` before it is known where the stream is.
    pub(super) at: Option<Position>,
    /// How many bytes have passed.
    passed: u64,
    next: u64,
    pub(super) pending: BTreeMap<u64, Pending>,
    parked: VecDeque<Parked>,
    /// Rooms that this server's sockets have joined and left by entries that haven't passed, by the sockets' ids.
    changes: BTreeMap<Arc<str>, VecDeque<Change>>,
    /// How many entries that haven't passed claim a client, or put something to it, by its id.
    claims: BTreeMap<Arc<str>, u32>,
    puts: BTreeMap<Arc<str>, u32>,
    /// The accepted sockets of this server.
    pub(super) ids: BTreeMap<Arc<str>, Socket>,
    /// The private ids of those clients of this server that are away.
    pub(super) away: BTreeMap<Arc<str>, Arc<str>>,
    /// Up to which offset those clients have everything that have more than what has passed.
    ahead: BTreeMap<Arc<str>, u64>,
    /// Sockets that were accepted before it was known where the stream is.
    pub(super) waiting: BTreeSet<Socket>,
    written: BTreeMap<Arc<str>, Written>,
    order: BTreeMap<u64, Arc<str>>,
    turn: u64,
}

impl Stream {
    pub(super) fn new(subscriber: Subscriber, side: Subscriber) -> Self {
        Self {
            subscriber,
            side,
            at: None,
            passed: 0,
            next: 0,
            pending: BTreeMap::new(),
            parked: VecDeque::new(),
            changes: BTreeMap::new(),
            claims: BTreeMap::new(),
            puts: BTreeMap::new(),
            ids: BTreeMap::new(),
            away: BTreeMap::new(),
            ahead: BTreeMap::new(),
            waiting: BTreeSet::new(),
            written: BTreeMap::new(),
            order: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Whether nobody needs it.
    pub(super) fn is_unused(&self) -> bool {
        self.ids.is_empty()
            && self.away.is_empty()
            && self.pending.is_empty()
            && self.waiting.is_empty()
    }

    /// The number of the next entry of this server's.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn wrote(&mut self, aim: Aim) {
        match &aim {
            Aim::Claim { id } => *self.claims.entry(id.clone()).or_default() += 1,
            Aim::Data(id) => *self.puts.entry(id.clone()).or_default() += 1,
            _ => {}
        }
        self.pending.insert(self.next, Pending { aim, published: None });
        self.next += 1;
    }

    /// The entry that was written last changes whether a socket is in a room.
    pub(super) fn changes(&mut self, id: &Arc<str>, room: &str, joined: bool) {
        let changes = self.changes.entry(id.clone()).or_default();
        changes.push_back(Change { number: self.next - 1, room: room.into(), joined });
    }

    /// What is still to happen to the rooms of a socket.
    pub(super) fn coming(&self, id: &str) -> impl Iterator<Item = (&Arc<str>, bool)> {
        let changes = self.changes.get(id);
        changes.into_iter().flatten().map(|change| (&change.room, change.joined))
    }

    /// An entry has passed, which may be one of this server's own.
    pub(super) fn passed(&mut self, position: Position, bytes: usize, own: Option<u64>) {
        self.at = Some(position);
        self.passed += bytes as u64;
        self.ahead.retain(|_, at| *at >= position.offset());
        if let Some(number) = own {
            self.settle(number);
        }
    }

    /// The broker says where an entry of this server's is.
    pub(super) fn published(&mut self, number: u64, position: Position) {
        let Some(pending) = self.pending.get_mut(&number) else { return };
        pending.published = Some(position);
        if self.at.is_some_and(|at| is_past(at, position)) {
            self.settle(number);
        }
    }

    /// What lies between may have had entries of this server's in it.
    pub(super) fn skipped_to(&mut self, position: Position) {
        self.at = Some(position);
        (self.written, self.order) = (BTreeMap::new(), BTreeMap::new());
        self.ahead.clear();
        let past = |its: &Pending| its.published.is_some_and(|its| is_past(position, its));
        let past: Vec<_> =
            self.pending.iter().filter(|(_, its)| past(its)).map(|(number, _)| *number).collect();
        past.into_iter().for_each(|number| drop(self.settle(number)));
    }

    /// An entry isn't waited for any more.
    pub(super) fn settle(&mut self, number: u64) -> Option<Pending> {
        let pending = self.pending.remove(&number)?;
        match &pending.aim {
            Aim::Change(id) => {
                if let Some(changes) = self.changes.get_mut(id) {
                    changes.retain(|change| change.number != number);
                    if changes.is_empty() {
                        self.changes.remove(id);
                    }
                }
            }
            Aim::Claim { id } => one_less(&mut self.claims, id),
            Aim::Data(id) => one_less(&mut self.puts, id),
            _ => {}
        }
        Some(pending)
    }

    /// Whether a client is claimed by an entry that hasn't passed.
    pub(super) fn is_claiming(&self, id: &str) -> bool {
        self.claims.contains_key(id)
    }

    /// Whether something is put to a socket by an entry that hasn't passed.
    pub(super) fn has_data_coming(&self, id: &str) -> bool {
        self.puts.contains_key(id)
    }

    /// Keeps something until what was written before it has passed. What needn't wait comes back.
    pub(super) fn park(&mut self, socket: Socket, frames: Frames) -> Option<Frames> {
        let Some((&after, _)) = self.pending.last_key_value() else { return Some(frames) };
        self.parked.push_back(Parked { after, socket, frames });
        None
    }

    pub(super) fn parked(&self) -> usize {
        self.parked.len()
    }

    /// What has waited long enough.
    pub(super) fn unpark(&mut self) -> Option<(Socket, Frames)> {
        let parked = self.parked.front()?;
        if self.pending.first_key_value().is_some_and(|(&oldest, _)| oldest <= parked.after) {
            return None;
        }
        self.parked.pop_front().map(|parked| (parked.socket, parked.frames))
    }

    /// A client has everything up to an offset, though it hasn't passed here.
    pub(super) fn is_ahead(&mut self, id: &Arc<str>, offset: u64) {
        if self.at.is_some_and(|at| at.offset() < offset) {
            self.ahead.insert(id.clone(), offset);
        }
    }

    /// A client isn't this server's any more.
    pub(super) fn forget(&mut self, id: &str) {
        self.ahead.remove(id);
    }

    /// Up to where what has passed is known to a client, in the socket's or the record's state.
    pub(super) fn known_to(&self, id: &str) -> Option<Position> {
        let at = self.at?;
        let offset = self.ahead.get(id).copied().unwrap_or_default();
        Some(Position::new(at.epoch(), at.offset().max(offset)))
    }

    /// Whether an entry is new to a client of this server's.
    pub(super) fn is_new_to(&self, id: &str, offset: u64) -> bool {
        self.ahead.get(id).is_none_or(|at| *at < offset)
    }

    /// A record has been written.
    pub(super) fn recorded(&mut self, pid: &Arc<str>, now: Duration) {
        let offset = self.at.map_or(0, Position::offset);
        self.turn += 1;
        let written = Written { turn: self.turn, offset, bytes: self.passed, at: now };
        if let Some(before) = self.written.insert(pid.clone(), written) {
            self.order.remove(&before.turn);
        }
        self.order.insert(self.turn, pid.clone());
    }

    /// A record is needed no more.
    pub(super) fn unrecorded(&mut self, pid: &str) {
        if let Some(before) = self.written.remove(pid) {
            self.order.remove(&before.turn);
        }
    }

    /// A record that is to be written again, before so much has passed that it says nothing any more.
    pub(super) fn aging(&self, recovery: &Recovery, now: Duration) -> Option<Arc<str>> {
        let (_, pid) = self.order.first_key_value()?;
        let written = self.written.get(pid)?;
        let entries = self.at?.offset().saturating_sub(written.offset);
        let old = entries >= (recovery.events as u64).div_ceil(2)
            || self.passed - written.bytes >= recovery.bytes as u64 / 2
            || entries > 0 && now >= written.at.saturating_add(recovery.window / 2);
        old.then(|| pid.clone())
    }

    /// When a record has grown old by time.
    pub(super) fn deadline(&self, recovery: &Recovery) -> Option<Duration> {
        let (_, pid) = self.order.first_key_value()?;
        let written = self.written.get(pid)?;
        let moved = self.at?.offset() > written.offset;
        moved.then(|| written.at.saturating_add(recovery.window / 2))
    }
}

fn one_less(counts: &mut BTreeMap<Arc<str>, u32>, id: &str) {
    if let Some(count) = counts.get_mut(id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(id);
        }
    }
}

/// Whether a stream that is at a position has gone past another one, or can't come to it any more.
fn is_past(at: Position, other: Position) -> bool {
    other.epoch() != at.epoch() || other.offset() <= at.offset()
}
