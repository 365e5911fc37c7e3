//! What a caller can ask for that can't be done. Nothing has changed then.

use core::{error, fmt};

/// A call that a node refuses. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// A name of a channel or a member that is empty, or longer than [`LONGEST_NAME`](crate::LONGEST_NAME).
    Name,
    /// An idempotency key that is empty, or longer than [`LONGEST_KEY`](crate::LONGEST_KEY).
    Key,
    /// A publication, or what a member shows, that is longer than [`Config::with_payload`](crate::Config::with_payload) allows.
    Payload,
    /// There are as many channels as [`Config::with_channels`](crate::Config::with_channels) allows.
    Channels,
    /// There are as many subscribers as [`Config::with_subscribers`](crate::Config::with_subscribers) allows.
    Subscribers,
    /// As many publications wait as [`Config::with_publications`](crate::Config::with_publications) allows: a moment later there may be room.
    Full,
    /// There are as many members as [`Config::with_members`](crate::Config::with_members) allows.
    Members,
    /// The channel is watched already: what has changed comes out once.
    Watched,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name has 1 to 255 bytes",
            Self::Key => "an idempotency key has 1 to 128 bytes",
            Self::Payload => "the payload is longer than allowed",
            Self::Channels => "no more channels are allowed",
            Self::Subscribers => "no more subscribers are allowed",
            Self::Full => "too many publications are waiting",
            Self::Watched => "the channel is watched already",
            Self::Members => "no more members are allowed",
        })
    }
}

impl error::Error for Misuse {}
