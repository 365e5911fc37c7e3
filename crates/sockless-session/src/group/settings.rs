//! How a group treats its members, and what it counts.

use core::fmt;

/// What happens to a plain member whose queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The oldest payload of the queue makes room: for a feed in which the latest counts. The default.
    #[default]
    DropOldest,
    /// The new payload is dropped: for a log whose beginning counts.
    DropNewest,
    /// The member is to be closed with 1013.
    Close,
}

/// What happens to a reliable member whose session's queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is to be closed with 1013: it comes back, and its session with it. The default.
    #[default]
    Close,
    /// It learns of the gap, at its place in the stream.
    Gap,
}

/// How a group treats its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What happens to a plain member whose queue is full.
    pub policy: Policy,
    /// What happens to a reliable member whose session's queue is full.
    pub overflow: Overflow,
    /// How many payloads wait for a plain member: 64 by default, at least one.
    pub queue: usize,
    /// How many members there may be: 100,000 by default.
    pub members: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let (policy, overflow) = (Policy::default(), Overflow::default());
        Self { policy, overflow, queue: 64, members: 100_000 }
    }
}

impl Settings {
    /// The same settings with another policy for plain members.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same settings with another policy for reliable members.
    #[must_use]
    pub fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The same settings with another length of the queues.
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue.max(1);
        self
    }

    /// The same settings with another limit on members.
    #[must_use]
    pub fn with_members(mut self, members: usize) -> Self {
        self.members = members;
        self
    }
}

/// Why nobody has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinError {
    /// There are as many members as there may be.
    Full,
    /// This one is a member already.
    Already,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the group is full",
            Self::Already => "it is a member already",
        })
    }
}

impl core::error::Error for JoinError {}

/// What a group has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Broadcasts.
    pub broadcasts: u64,
    /// Payloads that were queued, or taken at once, for all members together.
    pub queued: u64,
    /// Payloads that were dropped because a queue was full.
    pub dropped: u64,
    /// Payloads that took the place of an older one with the same key.
    pub coalesced: u64,
    /// Payloads that a reliable member learns of as a gap.
    pub gaps: u64,
    /// Members that were to be closed.
    pub closed: u64,
    /// Members that have joined, and left.
    pub joined: u64,
    /// Members that have left.
    pub left: u64,
}
