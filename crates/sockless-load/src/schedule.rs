//! When each connection sends. All of it is known before the run begins: no answer changes it, so that a server that stalls can't
//! delay what it is asked (an open loop).

use std::time::Duration;

use crate::span::nanoseconds;

/// How messages are spread over the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The time from one message to the next: of each connection, or of each group.
    pub every: Duration,
    /// Whether the members of a group take turns; otherwise each of them sends.
    pub turns: bool,
    /// How many connections there are.
    pub connections: u32,
    /// How many are in a group. The last one may have fewer.
    pub group: u32,
    /// How many of a group send: the first ones.
    pub senders: u32,
}

/// The messages of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Of the first message.
    first: u64,
    /// From one to the next.
    step: u64,
    count: u32,
}

impl Schedule {
    /// The schedule of the connection with this number, within this time.
    ///
    /// Those who send in the same rhythm are spread evenly over it, so that they don't all send at once.
    pub fn new(pattern: &Pattern, connection: u32, duration: Duration) -> Self {
        let every = nanoseconds(pattern.every).max(1);
        let (group, member) = (connection / pattern.group, connection % pattern.group);
        let size = size(pattern, group);
        let senders = pattern.senders.min(size);
        if member >= senders {
            return Self { first: 0, step: every, count: 0 };
        }
        let (first, step) = if pattern.turns {
            let groups = pattern.connections.div_ceil(pattern.group);
            let phase = portion(every, group, groups);
            (phase + every * u64::from(member), every * u64::from(senders))
        } else {
            (portion(every, connection, pattern.connections), every)
        };
        let all = Self { first, step, count: u32::MAX };
        Self { count: all.count_before(nanoseconds(duration)), ..all }
    }

    /// How many messages there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many are planned before this time.
    pub fn count_before(&self, end: u64) -> u32 {
        let count = end.saturating_sub(self.first).div_ceil(self.step);
        u32::try_from(count).unwrap_or(u32::MAX).min(self.count)
    }

    /// When the message with this sequence is to be sent, in nanoseconds since the measurement began.
    pub fn planned(&self, sequence: u32) -> Option<u64> {
        (sequence < self.count).then(|| self.first + self.step * u64::from(sequence))
    }
}

/// How many members a group has.
pub fn size(pattern: &Pattern, group: u32) -> u32 {
    pattern.group.min(pattern.connections.saturating_sub(group.saturating_mul(pattern.group)))
}

/// The part of a whole that belongs to one of many.
fn portion(whole: u64, one: u32, of: u32) -> u64 {
    let part = u128::from(whole) * u128::from(one) / u128::from(of.max(1));
    u64::try_from(part).unwrap_or(whole)
}
