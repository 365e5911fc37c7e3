//! Which rooms a client was in at which position. What is sent to rooms is decided elsewhere.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The rooms that a client has joined and left, as far back as is remembered.
#[derive(Clone, Debug, Default)]
pub(in crate::socket) struct Membership {
    changes: VecDeque<Change>,
    /// What was joined and left before this offset is not remembered.
    from: u64,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Change {
    /// It counts for what has a higher offset.
    after: u64,
    room: Arc<str>,
    joined: bool,
}

/// The rooms of a client, from one offset to the next.
pub(in crate::socket) struct Replay<'m> {
    rooms: BTreeSet<Arc<str>>,
    changes: &'m VecDeque<Change>,
    next: usize,
}

impl Membership {
    /// A client that has changed nothing up to an offset.
    pub(in crate::socket) fn new(from: u64) -> Self {
        Self { changes: VecDeque::new(), from, bytes: 0 }
    }

    /// The client has joined a room, or left one, when the newest offset was this. At most so many changes are remembered, and none
    /// of them for what the history has forgotten.
    pub(in crate::socket) fn note(
        &mut self,
        after: u64,
        room: Arc<str>,
        joined: bool,
        most: usize,
    ) {
        self.bytes += room.len();
        self.changes.push_back(Change { after, room, joined });
        while self.changes.len() > most
            && let Some(change) = self.changes.pop_front()
        {
            self.from = self.from.max(change.after + 1);
            self.bytes -= change.room.len();
        }
    }

    /// Changes, with what isn't remembered before them. `None` if they aren't in order.
    pub(in crate::socket) fn of(from: u64, changes: Vec<(u64, Arc<str>, bool)>) -> Option<Self> {
        let bytes = changes.iter().map(|(_, room, _)| room.len()).sum();
        let ordered = changes.iter().is_sorted_by_key(|(after, ..)| *after);
        let changes = changes.into_iter();
        let changes = changes.map(|(after, room, joined)| Change { after, room, joined }).collect();
        ordered.then_some(Self { changes, from, bytes })
    }

    /// What [`of`](Self::of) makes it of.
    pub(in crate::socket) fn parts(
        &self,
    ) -> (u64, impl ExactSizeIterator<Item = (u64, &Arc<str>, bool)>) {
        let changes = self.changes.iter();
        (self.from, changes.map(|change| (change.after, &change.room, change.joined)))
    }

    /// Forgets what doesn't matter to anybody who asks for what comes after this offset.
    pub(in crate::socket) fn forget_before(&mut self, offset: u64) {
        while self.changes.front().is_some_and(|change| change.after < offset)
            && let Some(change) = self.changes.pop_front()
        {
            self.from = self.from.max(change.after + 1);
            self.bytes -= change.room.len();
        }
    }

    /// How many bytes the names in it have.
    pub(in crate::socket) fn len(&self) -> usize {
        self.bytes
    }

    /// The rooms from an offset on, for a client that is in these rooms now. `None` if it isn't remembered.
    pub(in crate::socket) fn since(
        &self,
        offset: u64,
        mut rooms: BTreeSet<Arc<str>>,
    ) -> Option<Replay<'_>> {
        if offset < self.from {
            return None;
        }
        let next = self.changes.partition_point(|change| change.after <= offset);
        for change in self.changes.range(next..).rev() {
            match change.joined {
                true => rooms.remove(&change.room),
                false => rooms.insert(change.room.clone()),
            };
        }
        Some(Replay { rooms, changes: &self.changes, next })
    }
}

impl Replay<'_> {
    /// The rooms that a publication of this offset has found the client in. Offsets are asked for in their order.
    pub(in crate::socket) fn at(&mut self, offset: u64) -> &BTreeSet<Arc<str>> {
        while let Some(change) = self.changes.get(self.next).filter(|c| c.after < offset) {
            match change.joined {
                true => self.rooms.insert(change.room.clone()),
                false => self.rooms.remove(&change.room),
            };
            self.next += 1;
        }
        &self.rooms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(names: &[&str]) -> BTreeSet<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn rooms_are_known_as_they_were() {
        let mut membership = Membership::new(3);
        membership.note(3, "a".into(), true, 9);
        membership.note(5, "b".into(), true, 9);
        membership.note(5, "a".into(), false, 9);
        membership.note(8, "a".into(), true, 9);
        let now = rooms(&["a", "b", "id"]);
        let mut replay = membership.since(3, now.clone()).expect("remembered");
        assert_eq!(*replay.at(4), rooms(&["a", "id"]));
        assert_eq!(*replay.at(5), rooms(&["a", "id"]));
        assert_eq!(*replay.at(6), rooms(&["b", "id"]));
        assert_eq!(*replay.at(9), now);
        let mut replay = membership.since(6, now.clone()).expect("remembered");
        assert_eq!(*replay.at(7), rooms(&["b", "id"]));
        assert!(membership.since(2, now).is_none(), "from before it came");
    }

    #[test]
    fn what_is_forgotten_is_not_made_up() {
        let mut membership = Membership::new(0);
        for offset in 0..5 {
            membership.note(offset, "a".into(), offset % 2 == 0, 2);
        }
        assert_eq!(membership.len(), 2);
        assert!(membership.since(2, rooms(&["a"])).is_none());
        let mut replay = membership.since(3, rooms(&["a"])).expect("remembered");
        assert_eq!(*replay.at(4), rooms(&[]));
        assert_eq!(*replay.at(5), rooms(&["a"]));
    }
}
