//! Who has to be woken when. Nobody is looked at before it is due, and nothing is removed: an entry that no longer counts is
//! skipped when its time comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// When to wake whom.
///
/// A client has at most one entry that counts, which its `wake` names. A deadline that moves on, as that of a keepalive does with
/// every byte that arrives, needs no new entry: the client is woken at the old time, has nothing to do, and is entered anew.
#[derive(Debug, Default)]
pub struct Timers(BinaryHeap<Reverse<(Duration, usize)>>);

impl Timers {
    /// Sees to it that a client is woken at `deadline`, or before.
    pub fn set(&mut self, key: usize, wake: &mut Option<Duration>, deadline: Option<Duration>) {
        if let Some(at) = deadline
            && wake.is_none_or(|wake| at < wake)
        {
            *wake = Some(at);
            self.0.push(Reverse((at, key)));
        }
    }

    /// The time of the first entry.
    pub fn next(&self) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes out the first entry that is due.
    pub fn due(&mut self, now: Duration) -> Option<(Duration, usize)> {
        let first = self.0.peek_mut()?;
        let Reverse((at, _)) = *first;
        (at <= now).then(|| std::collections::binary_heap::PeekMut::pop(first).0)
    }
}
