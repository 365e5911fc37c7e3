//! A channel as one node knows it: a copy of the newest part of its history, kept without holes. What a subscriber makes of it is in
//! `subscription`; when it is read is decided in `following`.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

use super::watch::Watch;
use crate::delivery::Subscriber;
use crate::history::History;
use crate::position::Position;
use crate::request::Page;
use crate::retention::Retention;

/// A channel that somebody follows or watches.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    /// Which one by this name it is. What was asked for an earlier one says nothing about this one.
    pub(super) serial: u64,
    /// Whether the broker has said that it pushes what happens here.
    pub(super) fed: bool,
    /// What has been read and pushed so far; `None` before the first reading.
    pub(super) copy: Option<History>,
    /// What lies after the first offset up to the second is known to be gone from the broker.
    hole: (u64, u64),
    /// The highest offset of this epoch that an answer has named. It will be pushed, or else it is read.
    promised: u64,
    /// Whether a reading is on its way.
    pub(super) reading: bool,
    /// Whether something has arrived since that the reading may not show.
    pub(super) again: bool,
    pub(super) subscribers: BTreeSet<Subscriber>,
    /// Those of them that haven't started yet.
    pub(super) starting: BTreeSet<Subscriber>,
    pub(super) watch: Option<Watch>,
}

/// What a push or a reading did to the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing that matters.
    Same,
    /// There are newer publications than before.
    Newer,
    /// It can't be joined to what there is: the channel has to be read.
    Apart,
    /// The channel has another epoch.
    Renewed,
}

impl Channel {
    pub(super) fn new(name: Arc<str>, serial: u64) -> Self {
        Self {
            name,
            serial,
            fed: false,
            copy: None,
            hole: (0, 0),
            promised: 0,
            reading: false,
            again: false,
            subscribers: BTreeSet::new(),
            starting: BTreeSet::new(),
            watch: None,
        }
    }

    /// The newest position that is known.
    pub(super) fn position(&self) -> Option<Position> {
        self.copy.as_ref().map(History::position)
    }

    /// An answer has named this position. Returns whether it is news.
    pub(super) fn promise(&mut self, position: Position) -> bool {
        let Some(copy) = &self.copy else { return false };
        if copy.epoch() == position.epoch() {
            self.promised = self.promised.max(position.offset());
        }
        copy.epoch() != position.epoch() || self.is_owed()
    }

    /// Whether something that an answer has named hasn't arrived.
    pub(super) fn is_owed(&self) -> bool {
        self.copy.as_ref().is_some_and(|copy| copy.top() < self.promised)
    }

    /// Where a subscriber at `cursor` goes on without missing anything that could still be had, if what follows is known to be gone.
    pub(super) fn past_hole(&self, cursor: u64) -> Option<u64> {
        let (from, to) = self.hole;
        (from <= cursor && cursor < to).then_some(to)
    }

    /// Something was pushed.
    pub(super) fn pushed(
        &mut self,
        position: Position,
        payload: Bytes,
        retention: &Retention,
        now: Duration,
    ) -> Outcome {
        let Some(copy) = &mut self.copy else { return Outcome::Apart };
        if position.epoch() != copy.epoch() {
            return Outcome::Apart;
        }
        if position.offset() <= copy.top() {
            return Outcome::Same;
        }
        if position.offset() > copy.top() + 1 {
            return Outcome::Apart;
        }
        copy.append(payload, retention, now);
        Outcome::Newer
    }

    /// A reading has come back that began at the newest position.
    pub(super) fn read(&mut self, page: Page, retention: &Retention, now: Duration) -> Outcome {
        let Some(copy) = &mut self.copy else {
            let mut copy = History::new(page.epoch, page.base);
            copy.jump(page.top);
            self.copy = Some(copy);
            return Outcome::Newer;
        };
        let renewed = page.epoch != copy.epoch();
        if renewed {
            *copy = History::new(page.epoch, page.base);
            (self.hole, self.promised) = ((0, 0), 0);
        }
        let before = copy.top();
        let nothing_came = page.entries.is_empty();
        for (offset, payload) in page.entries {
            if offset <= copy.top() {
                continue;
            }
            if offset > copy.top() + 1 {
                self.hole = (copy.top(), offset - 1);
                copy.jump(offset - 1);
            }
            copy.append(payload, retention, now);
        }
        if nothing_came && page.top > copy.top() {
            // Nothing came, though there is a newer offset: what was published up to it is gone.
            self.hole = (copy.top(), page.top);
            copy.jump(page.top);
        }
        match (renewed, copy.top() > before) {
            (true, _) => Outcome::Renewed,
            (false, true) => Outcome::Newer,
            (false, false) => Outcome::Same,
        }
    }

    /// Whether nobody follows and nobody watches it.
    pub(super) fn is_unused(&self) -> bool {
        self.subscribers.is_empty() && self.watch.is_none()
    }
}
