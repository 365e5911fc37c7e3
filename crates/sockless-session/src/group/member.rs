//! What a group knows of one member.

use alloc::collections::VecDeque;

use super::settings::Policy;

/// What kind of member it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// It has a queue in the group.
    Plain,
    /// Its session's queue is its own.
    Reliable,
}

/// A member's place.
#[derive(Debug)]
pub(super) enum Place<P, K> {
    Plain(Queue<P, K>),
    Reliable {
        /// How many payloads it has to learn of as a gap.
        gap: u64,
    },
    /// It is to be closed, and gets nothing any more.
    Closing,
}

/// What waits for a plain member.
#[derive(Debug)]
pub(super) struct Queue<P, K>(VecDeque<(Option<K>, P)>);

/// What has become of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Queued,
    /// It took the place of an older one.
    Coalesced,
    /// An older one, or this one, was dropped.
    Dropped,
    /// There is no room, and the member is to be closed.
    Overflow,
}

impl<P, K: PartialEq> Queue<P, K> {
    pub(super) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn push(&mut self, policy: Policy, most: usize, key: Option<K>, payload: P) -> Fate {
        // The newest of its kind is what counts. It keeps the older one's place, so that a busy key doesn't wait for ever.
        if key.is_some()
            && let Some(place) = self.0.iter_mut().find(|(other, _)| *other == key)
        {
            place.1 = payload;
            return Fate::Coalesced;
        }
        let mut fate = Fate::Queued;
        if self.0.len() >= most {
            match policy {
                Policy::DropOldest => drop(self.0.pop_front()),
                Policy::DropNewest => return Fate::Dropped,
                Policy::Close => return Fate::Overflow,
            }
            fate = Fate::Dropped;
        }
        self.0.push_back((key, payload));
        fate
    }

    pub(super) fn pop(&mut self) -> Option<P> {
        let (_, payload) = self.0.pop_front()?;
        if self.0.is_empty() {
            // Most members are idle most of the time.
            self.0 = VecDeque::new();
        }
        Some(payload)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
