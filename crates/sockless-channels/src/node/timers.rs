//! Which thing of a node is due when: each has at most one time. What happens then is decided elsewhere.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::time::Duration;

use crate::delivery::{Look, Subscriber};

/// What can be due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A channel is to be read.
    Check(Arc<str>),
    /// A channel's replica has something that is too old.
    Expire(Arc<str>),
    /// Something is to be read for a subscriber that was refused before.
    Page(Subscriber),
    /// A channel's members are to be read.
    Watch(Arc<str>),
    /// The same, once, after the broker has refused it.
    Look(Look),
    /// A member is to be refreshed: channel and name.
    Refresh(Arc<str>, Arc<str>),
}

/// All times, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Duration, Timer)>,
    times: BTreeMap<Timer, Duration>,
}

impl Timers {
    /// Makes something due at a time, whatever it was before.
    pub(super) fn set(&mut self, timer: Timer, at: Duration) {
        if let Some(before) = self.times.insert(timer.clone(), at) {
            if before == at {
                return;
            }
            self.order.remove(&(before, timer.clone()));
        }
        self.order.insert((at, timer));
    }

    /// Makes something due at a time, unless it is due before that.
    pub(super) fn advance(&mut self, timer: Timer, at: Duration) {
        if self.times.get(&timer).is_none_or(|before| at < *before) {
            self.set(timer, at);
        }
    }

    /// Makes it due no more.
    pub(super) fn clear(&mut self, timer: &Timer) {
        if let Some((timer, at)) = self.times.remove_entry(timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// When the next thing is due.
    pub(super) fn next(&self) -> Option<Duration> {
        Some(self.order.first()?.0)
    }

    /// The next thing that is due by now; it is due no more.
    pub(super) fn due(&mut self, now: Duration) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.times.remove(&timer);
        Some(timer)
    }
}
