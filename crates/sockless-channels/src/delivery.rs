//! What a subscriber gets, and what the node says besides. Values only.

use alloc::sync::Arc;
use core::fmt;

use bytes::Bytes;

use crate::position::Position;

/// Where a subscriber wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Now,
    /// With the oldest publication that is kept.
    Oldest,
    /// After this position, which an earlier subscription has handed out.
    After(Position),
}

/// What a subscriber gets: first [`Started`](Self::Started), then publications in order, and between two of them a
/// [`Gap`](Self::Gap) where something may be missing.
///
/// Each carries the position at which the subscriber is afterwards: that is what a client keeps to come back with.
#[derive(Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The subscription has begun.
    Started {
        /// Where.
        position: Position,
        /// Whether what was published since the position that the subscriber came with follows.
        recovery: Recovery,
    },
    /// Something was published.
    Publication {
        /// Where it is.
        position: Position,
        /// What was published.
        payload: Bytes,
    },
    /// What was published between the two positions may be missing.
    Gap {
        /// The last position before the gap.
        after: Position,
        /// Where it goes on.
        position: Position,
        /// Why.
        loss: Loss,
    },
}

impl Delivery {
    /// Where the subscriber is afterwards.
    pub fn position(&self) -> Position {
        match self {
            Self::Started { position, .. }
            | Self::Publication { position, .. }
            | Self::Gap { position, .. } => *position,
        }
    }
}

impl fmt::Debug for Delivery {
    /// Shows no payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { position, recovery } => f
                .debug_struct("Started")
                .field("position", position)
                .field("recovery", recovery)
                .finish(),
            Self::Publication { position, payload } => f
                .debug_struct("Publication")
                .field("position", position)
                .field("len", &payload.len())
                .finish(),
            Self::Gap { after, position, loss } => f
                .debug_struct("Gap")
                .field("after", after)
                .field("position", position)
                .field("loss", loss)
                .finish(),
        }
    }
}

/// Whether a subscriber that comes with a position gets everything since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It came without one.
    Fresh,
    /// Everything since follows.
    Recovered,
    /// Something may be missing before what follows.
    NotRecovered(Loss),
}

/// Why something may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The channel has another epoch: the broker was forgotten, restored or replaced, so that offsets say nothing.
    Epoch,
    /// Publications after the position are no longer kept.
    Trimmed,
    /// The position lies ahead of all that was published: it isn't one of this channel.
    Ahead,
}

/// What a node says that isn't for one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The publication is in the channel's history.
    Published {
        /// Which one.
        publication: PublicationId,
        /// Where it is.
        position: Position,
        /// Whether the broker had it already, under the same key.
        repeated: bool,
    },
    /// The publication is given up.
    Unpublished {
        /// Which one.
        publication: PublicationId,
        /// What is known of it.
        fate: Fate,
    },
}

/// What is known of a publication that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was never sent, so it is nowhere.
    Unsent,
    /// The broker has refused it, so it is nowhere.
    Refused,
    /// It was sent, and nobody knows what became of it. Publishing it again with the same key makes it certain.
    Unknown,
}

/// A change of who is present in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody is present, or shows something else than before.
    Present {
        /// The member's name.
        member: Arc<str>,
        /// What it shows.
        info: Bytes,
    },
    /// Somebody is present no longer.
    Absent {
        /// The member's name.
        member: Arc<str>,
    },
}

/// Names a question who is present in a channel, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Look(pub(crate) u64);

/// Names a subscriber of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscriber(pub(crate) u64);

/// Names a publication of a node until it is known what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicationId(pub(crate) u64);
