//! What may happen now: the states of the two halves (RFC 6455, sections 5.5.1 and 7). It knows no bytes and no time.

use super::failure::Failure;
use super::outcome::{CloseStatus, Initiator};

/// The receiving half.
///
/// ```text
///        the peer's Close
/// Open ───────────────────▶ Closed
///  ├──────────────────────▶ Failed ◀── the application hears of it ──┐
///  │   a violation, or the end of the stream                         │
///  ├──────────────────────▶ Failing ─────────────────────────────────┘
///  │   output has stalled
///  └──────────────────────▶ Over
///      the closing handshake has taken too long
/// ```
///
/// In all of them but `Open` what arrives is thrown away unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiving {
    /// Frames are read.
    Open,
    /// The peer's Close frame has arrived.
    Closed(CloseStatus),
    /// The connection has failed on the sending side, and the application has not heard of it.
    Failing(Failure),
    /// The connection has failed.
    Failed(Failure),
    /// The closing handshake has taken too long.
    Over,
}

/// The end of the peer's stream: whether it has been reached, and whether the sending half has been told. It can be told before, where
/// what comes ahead of the end can't be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    #[default]
    Ahead,
    AheadAndTold,
    Reached,
    ReachedAndTold,
}

impl Ending {
    pub(crate) fn is_reached(self) -> bool {
        matches!(self, Self::Reached | Self::ReachedAndTold)
    }

    /// The end has been reached, if `eof` says so.
    pub(crate) fn reach_if(&mut self, eof: bool) {
        *self = match *self {
            Self::Ahead if eof => Self::Reached,
            Self::AheadAndTold if eof => Self::ReachedAndTold,
            same => same,
        };
    }

    /// Remembers that the sending half is told; whether that is new.
    pub(crate) fn tell(&mut self) -> bool {
        let before = *self;
        *self = match before {
            Self::Ahead | Self::AheadAndTold => Self::AheadAndTold,
            Self::Reached | Self::ReachedAndTold => Self::ReachedAndTold,
        };
        *self != before
    }
}

/// The sending half.
///
/// ```text
///        close, or the reply to the peer's
/// Open ─────────────────────────────────────▶ Closed
///  │ └─ the peer's Close, held, or a frame of ours is open ─▶ Held ─ close ─▶ Closed
///  │
///  └──────────────────────▶ Failed
///      a failure
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Messages may be sent.
    Open,
    /// The peer's Close frame has arrived; messages may be sent until it is answered. With `reply`, that happens by itself once
    /// the frame under way is complete.
    Held {
        /// What the reply will say.
        reply: Option<CloseStatus>,
    },
    /// A Close frame is queued: nothing may follow it but pongs, as long as the peer's has not arrived.
    Closed {
        /// What the Close frame says.
        status: CloseStatus,
        /// Whether it was sent before the peer's arrived.
        first: bool,
        /// Whether the peer's has arrived.
        answered: bool,
    },
    /// The connection has failed: nothing may be sent.
    Failed {
        /// What the Close frame says, if one could be sent.
        status: CloseStatus,
        /// Whether a Close frame was due, but could not be put into the middle of a frame.
        blocked: bool,
        /// Why.
        failure: Failure,
    },
    /// The closing handshake has taken too long: nothing may be sent.
    Over {
        /// What the Close frame said, if it was written.
        status: CloseStatus,
        /// Who began the handshake.
        initiator: Option<Initiator>,
    },
}

impl Sending {
    /// What our Close frame says, if there is one.
    pub(crate) fn status(self) -> CloseStatus {
        match self {
            Self::Closed { status, .. }
            | Self::Failed { status, .. }
            | Self::Over { status, .. } => status,
            Self::Open | Self::Held { .. } => CloseStatus::Absent,
        }
    }
}
