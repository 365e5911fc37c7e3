//! What a node asks of a broker, what it gets for an answer, and what arrives unasked. Values only: who decides is in `node` and `broker`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use crate::position::{Epoch, Position};

/// What the driver of a [`Node`](crate::Node) has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Connect to the broker, then say [`connected`](crate::Node::connected) or [`disconnected`](crate::Node::disconnected).
    Connect,
    /// Give the connection up: it doesn't answer. Nothing is to be said about it afterwards.
    Disconnect,
    /// Send a request over the connection, in the order in which requests come out. Its answer goes to
    /// [`answer`](crate::Node::answer).
    Send(RequestId, Request),
}

/// Names a request, so that its answer is known from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

impl RequestId {
    /// Its number; no two requests of a node have the same.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a node asks of a broker.
///
/// Everything that names a channel's history carries two things that let the broker notice that it has forgotten something: the
/// highest position that the node has `seen`, and a `fresh` epoch for the channel to go on with if it has to begin a new one.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// Push from now on what is published in a channel.
    Subscribe {
        /// The channel.
        channel: Arc<str>,
    },
    /// Push it no more.
    Unsubscribe {
        /// The channel.
        channel: Arc<str>,
    },
    /// Publish.
    Publish {
        /// The channel.
        channel: Arc<str>,
        /// The idempotency key: publishing with a key that the channel remembers changes nothing.
        key: Bytes,
        /// What is published.
        payload: Bytes,
        /// The highest position that the node has seen in this channel.
        seen: Option<Position>,
        /// The epoch of the channel if it begins, or begins again.
        fresh: Epoch,
    },
    /// Read a part of a channel's history, or only ask how far it goes.
    Read {
        /// The channel.
        channel: Arc<str>,
        /// Where to read.
        from: ReadFrom,
        /// The most publications to read.
        count: usize,
        /// The most bytes of payload to read; one publication is read whatever its size.
        bytes: usize,
        /// The highest position that the node has seen in this channel.
        seen: Option<Position>,
        /// The epoch of the channel if it begins, or begins again.
        fresh: Epoch,
    },
    /// A member is present in a channel, for a time.
    Enter {
        /// The channel.
        channel: Arc<str>,
        /// The member's name.
        member: Arc<str>,
        /// What others see of the member.
        info: Bytes,
        /// How long it is present unless this is said again.
        lifetime: Duration,
        /// The epoch of the channel if it begins, or begins again.
        fresh: Epoch,
    },
    /// A member has left a channel.
    Leave {
        /// The channel.
        channel: Arc<str>,
        /// The member's name.
        member: Arc<str>,
    },
    /// Who is present in a channel?
    Members {
        /// The channel.
        channel: Arc<str>,
    },
}

impl Request {
    /// The channel that this is about.
    pub fn channel(&self) -> &Arc<str> {
        match self {
            Self::Subscribe { channel }
            | Self::Unsubscribe { channel }
            | Self::Publish { channel, .. }
            | Self::Read { channel, .. }
            | Self::Enter { channel, .. }
            | Self::Leave { channel, .. }
            | Self::Members { channel } => channel,
        }
    }
}

impl fmt::Debug for Request {
    /// Shows no payload and no key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Subscribe { .. } => "Subscribe",
            Self::Unsubscribe { .. } => "Unsubscribe",
            Self::Publish { .. } => "Publish",
            Self::Read { .. } => "Read",
            Self::Enter { .. } => "Enter",
            Self::Leave { .. } => "Leave",
            Self::Members { .. } => "Members",
        };
        let mut shown = f.debug_struct(name);
        shown.field("channel", self.channel());
        match self {
            Self::Publish { payload, seen, .. } => {
                shown.field("len", &payload.len()).field("seen", seen);
            }
            Self::Read { from, count, seen, .. } => {
                shown.field("from", from).field("count", count).field("seen", seen);
            }
            Self::Enter { member, .. } | Self::Leave { member, .. } => {
                shown.field("member", member);
            }
            Self::Subscribe { .. } | Self::Unsubscribe { .. } | Self::Members { .. } => {}
        }
        shown.finish()
    }
}

/// Where a [`Request::Read`] begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// Nowhere: only the channel's epoch and newest offset are wanted.
    Newest,
    /// With the oldest publication that is kept.
    Oldest,
    /// After this position. If the channel has another epoch: where that one began.
    After(Position),
}

/// What a broker answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a [`Request::Publish`]: where the publication is.
    Published {
        /// Its position.
        position: Position,
        /// Whether it had been published already, under the same key.
        repeated: bool,
    },
    /// To a [`Request::Read`].
    Page(Page),
    /// To a [`Request::Members`]: their names and what they show of themselves.
    Members(Vec<(Arc<str>, Bytes)>),
    /// To all others: it is done.
    Done,
    /// The broker can't do it now: it has no room, or doesn't allow it.
    Refused,
}

/// A part of a channel's history.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The channel's epoch.
    pub epoch: Epoch,
    /// The offset after which the epoch began.
    pub base: u64,
    /// The newest offset.
    pub top: u64,
    /// Offsets and payloads, the oldest first. An offset that is absent between where the reading began and the last one is gone.
    pub entries: Vec<(u64, Bytes)>,
}

impl fmt::Debug for Page {
    /// Shows no payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("epoch", &self.epoch)
            .field("base", &self.base)
            .field("top", &self.top)
            .field("first", &self.entries.first().map(|entry| entry.0))
            .field("count", &self.entries.len())
            .finish()
    }
}

/// What a broker sends unasked to those that have subscribed.
///
/// It is for speed alone. Pushes may be lost, doubled or late: what a node believes is what it reads.
#[derive(Clone, PartialEq, Eq)]
pub enum Push {
    /// Something was published.
    Publication {
        /// The channel.
        channel: Arc<str>,
        /// Where it is.
        position: Position,
        /// What was published.
        payload: Bytes,
    },
    /// A channel has begun a new epoch.
    Epoch {
        /// The channel.
        channel: Arc<str>,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Somebody has entered or left a channel, or shows something else.
    Presence {
        /// The channel.
        channel: Arc<str>,
    },
}

impl Push {
    /// The channel that this is about.
    pub fn channel(&self) -> &Arc<str> {
        match self {
            Self::Publication { channel, .. }
            | Self::Epoch { channel, .. }
            | Self::Presence { channel } => channel,
        }
    }
}

impl fmt::Debug for Push {
    /// Shows no payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Push");
        shown.field("channel", self.channel());
        match self {
            Self::Publication { position, .. } => shown.field("position", position),
            Self::Epoch { epoch, .. } => shown.field("epoch", epoch),
            Self::Presence { .. } => shown.field("presence", &true),
        };
        shown.finish()
    }
}
