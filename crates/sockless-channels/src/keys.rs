//! The idempotency keys of one channel: which publication was made under which key. How long they are kept is in `retention`.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use bytes::Bytes;

use crate::position::Position;
use crate::retention::Retention;

/// The keys that are remembered, each with the position of its publication.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    positions: BTreeMap<Bytes, Position>,
    /// In the order in which they were remembered, each with its time.
    order: VecDeque<(Duration, Bytes)>,
}

impl Keys {
    /// Where the publication with this key is.
    pub(crate) fn position(&self, key: &[u8]) -> Option<Position> {
        self.positions.get(key).copied()
    }

    /// Remembers a key, and forgets the oldest ones beyond the limit.
    pub(crate) fn remember(
        &mut self,
        key: Bytes,
        position: Position,
        retention: &Retention,
        now: Duration,
    ) {
        if self.positions.insert(key.clone(), position).is_none() {
            self.order.push_back((now, key));
        }
        while self.order.len() > retention.keys() {
            self.forget_oldest();
        }
    }

    /// Forgets the keys that are too old.
    pub(crate) fn expire(&mut self, retention: &Retention, now: Duration) {
        while self.expires_at(retention).is_some_and(|at| now >= at) {
            self.forget_oldest();
        }
    }

    /// When the oldest key becomes too old.
    pub(crate) fn expires_at(&self, retention: &Retention) -> Option<Duration> {
        Some(self.order.front()?.0.saturating_add(retention.key_age()))
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.positions.remove(&key);
        }
    }
}
