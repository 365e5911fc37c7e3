//! The states of the two halves and of the end of the peer's stream, and every transition between them (RFC 6455, sections 5.5.1 and 7). No bytes
//! and no time here. When the transport is half-closed or closed is decided in `joined`; with the
//! halves apart, by their driver.

use super::close_status::{CloseStatus, Initiator};
use super::failure::Failure;

#[cfg(test)]
mod tests;

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

/// What changes the state of the receiving half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceivingChange {
    /// The peer's Close frame has arrived.
    PeerClosed(CloseStatus),
    /// What has arrived is wrong, or the stream has ended, and the application hears of it.
    Failed(Failure),
    /// Output has stalled: the application will hear of it.
    Stalled,
    /// The application hears of a failure on the sending side.
    Told,
    /// The closing handshake has taken too long.
    TimedOut,
}

impl Receiving {
    /// The state after `change`. In most states most changes change nothing.
    #[must_use]
    pub(crate) const fn after(self, change: ReceivingChange) -> Self {
        match (self, change) {
            (Self::Open, ReceivingChange::PeerClosed(status)) => Self::Closed(status),
            (Self::Open, ReceivingChange::Failed(failure)) => Self::Failed(failure),
            (Self::Open, ReceivingChange::Stalled) => Self::Failing(Failure::Stalled),
            (Self::Open, ReceivingChange::TimedOut) => Self::Over,
            (Self::Failing(failure), ReceivingChange::Told) => Self::Failed(failure),
            (unchanged, _) => unchanged,
        }
    }
}

/// The end of the peer's stream: whether it has been reached, and whether the sending half knows of it. The sending half can know first:
/// while the caller has a message's buffer, the input before the end is kept and can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    #[default]
    Ahead,
    /// It has arrived, and the sending half knows of it, but input before it is still to be read.
    AheadAndTold,
    Reached,
    ReachedAndTold,
}

impl StreamEnd {
    /// Whether the end has been reached.
    pub(crate) const fn is_reached(self) -> bool {
        matches!(self, Self::Reached | Self::ReachedAndTold)
    }

    /// What is known after the end has been reached.
    #[must_use]
    pub(crate) const fn reached(self) -> Self {
        match self {
            Self::Ahead | Self::Reached => Self::Reached,
            Self::AheadAndTold | Self::ReachedAndTold => Self::ReachedAndTold,
        }
    }

    /// What is known after the sending half has learned of the end.
    #[must_use]
    pub(crate) const fn told(self) -> Self {
        match self {
            Self::Ahead | Self::AheadAndTold => Self::AheadAndTold,
            Self::Reached | Self::ReachedAndTold => Self::ReachedAndTold,
        }
    }
}

/// The sending half.
///
/// ```text
///       close, or the answer to the peer's Close
/// Open ──────────────────────────────────────────────────────▶ Closed
///  │ │  idle, inside a frame               the frame's end       ▲ ▲
///  │ ├──────────────────────────▶ Leaving ───────────────────────┘ │
///  │ │                               │ the peer's Close            │
///  │ │  the peer's Close, held or    ▼                             │
///  │ └──────────────────────────▶ Held ────────────────────────────┘
///  │    inside a frame               close, or the frame's end
///  │
///  │    a failure, from every state but Over
///  ├──────────────────────────▶ Failed
///  │    the closing handshake has taken too long, from every state but Failed
///  └──────────────────────────▶ Over
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Messages may be sent.
    Open,
    /// No data has come for too long; our Close frame waits for the end of the open frame.
    Leaving,
    /// The peer's Close frame has arrived; messages may be sent until it is answered. With `reply`, that happens by itself at the end
    /// of the open frame.
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
        /// What the Close frame says, if there is one.
        status: CloseStatus,
        /// Who began the handshake.
        initiator: Option<Initiator>,
    },
}

/// What changes the state of the sending half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendingChange {
    /// Our Close frame has been queued.
    CloseQueued(CloseStatus),
    /// No data has come for too long, and our Close frame has to wait for the end of the open frame.
    Idle,
    /// The peer's Close frame has arrived, and the application will answer it.
    PeerClosedAndHeld,
    /// The peer's Close frame has arrived, and our answer, which says this, has to wait for the end of the open frame.
    PeerClosedInFrame(CloseStatus),
    /// The peer's Close frame has arrived after ours, or ours, which says this, has been queued as the answer.
    PeerClosed(CloseStatus),
    /// The connection has failed; `close` says what became of the Close frame that gives the reason.
    Failed { failure: Failure, close: FailureClose },
    /// The closing handshake has taken too long.
    TimedOut,
}

/// What became of the Close frame that says why a connection has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureClose {
    /// There is none for this failure, or in this state.
    NotDue,
    /// It has been queued.
    Queued(CloseStatus),
    /// A frame is open.
    Blocked,
}

impl Sending {
    /// The state after `change`.
    #[must_use]
    pub(crate) const fn after(self, change: SendingChange) -> Self {
        use SendingChange as Change;
        match (self, change) {
            (Self::Open | Self::Leaving, Change::CloseQueued(status)) => {
                Self::Closed { status, first: true, answered: false }
            }
            (Self::Held { .. }, Change::CloseQueued(status)) => {
                Self::Closed { status, first: false, answered: true }
            }
            (Self::Open, Change::Idle) => Self::Leaving,
            (Self::Open | Self::Leaving, Change::PeerClosedAndHeld) => Self::Held { reply: None },
            (Self::Open | Self::Leaving, Change::PeerClosedInFrame(status)) => {
                Self::Held { reply: Some(status) }
            }
            (Self::Open | Self::Leaving, Change::PeerClosed(status)) => {
                Self::Closed { status, first: false, answered: true }
            }
            (
                Self::Closed { status, first, .. },
                Change::PeerClosed(_) | Change::PeerClosedAndHeld | Change::PeerClosedInFrame(_),
            ) => Self::Closed { status, first, answered: true },
            (Self::Open | Self::Leaving, Change::Failed { failure, close }) => match close {
                FailureClose::NotDue => {
                    Self::Failed { status: CloseStatus::Absent, blocked: false, failure }
                }
                FailureClose::Queued(status) => Self::Failed { status, blocked: false, failure },
                FailureClose::Blocked => {
                    Self::Failed { status: CloseStatus::Absent, blocked: true, failure }
                }
            },
            (Self::Held { .. } | Self::Closed { .. }, Change::Failed { failure, .. }) => {
                Self::Failed { status: self.close_status(), blocked: false, failure }
            }
            (
                Self::Open | Self::Leaving | Self::Held { .. } | Self::Closed { .. },
                Change::TimedOut,
            ) => Self::Over { status: self.close_status(), initiator: self.initiator() },
            (unchanged, _) => unchanged,
        }
    }

    /// Whether the peer's Close frame has not arrived, nor ours been queued, and the connection has not failed.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Leaving)
    }

    /// Whether our Close frame is queued, or there will be none.
    pub(crate) const fn is_ended(self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Failed { .. } | Self::Over { .. })
    }

    /// What our Close frame says, once it is queued.
    pub(crate) const fn close_status(self) -> CloseStatus {
        match self {
            Self::Closed { status, .. }
            | Self::Failed { status, .. }
            | Self::Over { status, .. } => status,
            Self::Open | Self::Leaving | Self::Held { .. } => CloseStatus::Absent,
        }
    }

    /// Who began the closing handshake, if it has begun.
    pub(crate) const fn initiator(self) -> Option<Initiator> {
        match self {
            Self::Closed { first: true, .. } => Some(Initiator::Local),
            Self::Closed { first: false, .. } | Self::Held { .. } => Some(Initiator::Remote),
            Self::Failed { status, .. } if status.is_present() => Some(Initiator::Local),
            Self::Over { initiator, .. } => initiator,
            Self::Open | Self::Leaving | Self::Failed { .. } => None,
        }
    }

    /// Why the connection has failed, if it has.
    pub(crate) const fn failure(self) -> Option<Failure> {
        match self {
            Self::Failed { failure, .. } => Some(failure),
            _ => None,
        }
    }
}
