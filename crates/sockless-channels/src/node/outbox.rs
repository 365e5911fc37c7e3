//! Publications that wait for what becomes of them. How they get to the broker is decided elsewhere.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

use crate::delivery::{Event, Fate, PublicationId};
use crate::position::Position;

/// A publication that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) channel: Arc<str>,
    pub(super) key: Bytes,
    pub(super) payload: Bytes,
    expires: Duration,
    /// How often it has been sent. After the first time the broker may have it.
    sent: u32,
}

/// The publications of a node, in the order in which they were made, and what became of earlier ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    waiting: BTreeMap<PublicationId, Waiting>,
    unsent: BTreeSet<PublicationId>,
    events: VecDeque<Event>,
    bytes: usize,
    next: u64,
}

impl Outbox {
    /// How many there are, with those whose event hasn't been taken.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.events.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(
        &mut self,
        channel: Arc<str>,
        key: Bytes,
        payload: Bytes,
        expires: Duration,
    ) -> PublicationId {
        let id = PublicationId(self.next);
        self.next += 1;
        self.bytes += payload.len();
        self.waiting.insert(id, Waiting { channel, key, payload, expires, sent: 0 });
        self.unsent.insert(id);
        id
    }

    /// The oldest one that has to be sent; it counts as sent from here on.
    pub(super) fn send(&mut self) -> Option<(PublicationId, &Waiting)> {
        let id = self.unsent.pop_first()?;
        let waiting = self.waiting.get_mut(&id)?;
        waiting.sent = waiting.sent.saturating_add(1);
        Some((id, waiting))
    }

    /// The connection was lost before the answer came: it has to be sent again, in its place.
    pub(super) fn again(&mut self, id: PublicationId) {
        if self.waiting.contains_key(&id) {
            self.unsent.insert(id);
        }
    }

    /// The broker says where it is.
    pub(super) fn published(
        &mut self,
        publication: PublicationId,
        position: Position,
        repeated: bool,
    ) {
        if self.remove(publication) {
            self.events.push_back(Event::Published { publication, position, repeated });
        }
    }

    /// The broker has refused it. If it was tried before, the broker may have it from then.
    pub(super) fn refused(&mut self, publication: PublicationId) {
        let tries = self.waiting.get(&publication).map_or(0, |waiting| waiting.sent);
        self.give_up(publication, if tries > 1 { Fate::Unknown } else { Fate::Refused });
    }

    /// Gives up those that have been tried for too long.
    pub(super) fn expire(&mut self, now: Duration) {
        while self.expires_at().is_some_and(|at| now >= at) {
            let Some((&publication, waiting)) = self.waiting.first_key_value() else { break };
            let fate = if waiting.sent > 0 { Fate::Unknown } else { Fate::Unsent };
            self.give_up(publication, fate);
        }
    }

    /// When the oldest one is given up: all are tried for the same time.
    pub(super) fn expires_at(&self) -> Option<Duration> {
        Some(self.waiting.first_key_value()?.1.expires)
    }

    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn give_up(&mut self, publication: PublicationId, fate: Fate) {
        if self.remove(publication) {
            self.events.push_back(Event::Unpublished { publication, fate });
        }
    }

    fn remove(&mut self, id: PublicationId) -> bool {
        self.unsent.remove(&id);
        let removed = self.waiting.remove(&id);
        self.bytes -= removed.as_ref().map_or(0, |waiting| waiting.payload.len());
        removed.is_some()
    }
}
