//! Clients that have gone and may come back. Those that are there are in `sockets`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use sockless_channels::Position;

use super::membership::Membership;
use super::settings::Recovery;
use crate::socket::namespace::Namespace;

/// What a client gets back.
#[derive(Clone, Debug)]
pub(in crate::socket) struct Record {
    pub(in crate::socket) namespace: Namespace,
    /// The id of its socket, which others know.
    pub(in crate::socket) id: Arc<str>,
    /// Its position when it got its private id.
    pub(in crate::socket) since: Position,
    pub(in crate::socket) rooms: BTreeSet<Arc<str>>,
    pub(in crate::socket) membership: Membership,
    pub(in crate::socket) data: Option<Arc<str>>,
}

impl Record {
    fn len(&self) -> usize {
        let rooms: usize = self.rooms.iter().map(|room| room.len()).sum();
        let data = self.data.as_ref().map_or(0, |data| data.len());
        rooms + self.membership.len() + data
    }

    /// The client has joined rooms, or left them, by something that has this position.
    pub(in crate::socket) fn change(
        &mut self,
        rooms: &[String],
        joined: bool,
        position: Position,
        most: usize,
    ) {
        for name in rooms {
            let room: Arc<str> = name.as_str().into();
            let changed = match joined {
                true => self.rooms.insert(room.clone()),
                false => self.rooms.remove(&room),
            };
            if changed {
                self.membership.note(position.offset(), room, joined, most);
            }
        }
    }

    /// From which offset on the client has to get what was sent, where another epoch makes all clients new: a position of another epoch is
    /// from before.
    pub(in crate::socket) fn resumes_in_epoch(&self, said: Option<Position>) -> u64 {
        let said = said.filter(|said| said.epoch() == self.since.epoch());
        said.map_or(0, Position::offset).max(self.since.offset())
    }

    /// From where on the client has to get what was sent, if its last event has left it with this offset.
    ///
    /// A client that has none has got nothing since it has its private id. One that has an offset of another epoch, or one from before,
    /// has kept it from the time before.
    pub(in crate::socket) fn resumes_at(
        &self,
        offset: Option<&str>,
        newest: Position,
    ) -> Option<Position> {
        let Some(offset) = offset else { return Some(self.since) };
        let said: Position = offset.parse().ok()?;
        let later = said.epoch() == newest.epoch()
            && (newest.epoch() != self.since.epoch() || said.offset() > self.since.offset());
        Some(if later { said } else { self.since })
    }
}

/// The clients that may come back, by their private ids.
#[derive(Debug, Default)]
pub(in crate::socket) struct Records {
    records: BTreeMap<Arc<str>, (Record, Duration)>,
    /// Until when each may come back.
    dues: BTreeSet<(Duration, Arc<str>)>,
    bytes: usize,
}

impl Records {
    /// Remembers a client. Those that are over a limit come out.
    pub(in crate::socket) fn keep(
        &mut self,
        pid: Arc<str>,
        record: Record,
        until: Duration,
        recovery: &Recovery,
    ) -> impl Iterator<Item = Record> + use<'_> {
        self.bytes += record.len();
        self.dues.insert((until, pid.clone()));
        self.records.insert(pid, (record, until));
        let (clients, bytes) = (recovery.clients, recovery.client_bytes);
        core::iter::from_fn(move || {
            let over = self.records.len() > clients || self.bytes > bytes;
            if over { self.first() } else { None }
        })
    }

    /// The client with this private id, which is forgotten with that, and until when it could have come back.
    pub(in crate::socket) fn take(&mut self, pid: &str) -> Option<(Record, Duration)> {
        let (pid, (record, until)) = self.records.remove_entry(pid)?;
        self.dues.remove(&(until, pid));
        self.bytes -= record.len();
        Some((record, until))
    }

    /// The client with this private id.
    pub(in crate::socket) fn get(&self, pid: &str) -> Option<&Record> {
        Some(&self.records.get(pid)?.0)
    }

    /// Changes what is remembered of a client.
    pub(in crate::socket) fn change(&mut self, pid: &str, change: impl FnOnce(&mut Record)) {
        if let Some((record, _)) = self.records.get_mut(pid) {
            self.bytes -= record.len();
            change(record);
            self.bytes += record.len();
        }
    }

    fn first(&mut self) -> Option<Record> {
        let (_, pid) = self.dues.first()?.clone();
        Some(self.take(&pid)?.0)
    }

    /// One whose time is up.
    pub(in crate::socket) fn expire(&mut self, now: Duration) -> Option<Record> {
        if self.deadline()? > now { None } else { self.first() }
    }

    pub(in crate::socket) fn deadline(&self) -> Option<Duration> {
        Some(self.dues.first()?.0)
    }

    /// How many there are, and their bytes.
    pub(in crate::socket) fn held(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }
}
