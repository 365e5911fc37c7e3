//! How a connection ended, and what a connection wants of its driver until then.

use core::time::Duration;

use super::failure::Failure;
use crate::words::close_code::CloseCode;

/// What a Close frame said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CloseStatus {
    /// There was no Close frame.
    #[default]
    Absent,
    /// There was a Close frame without a code.
    Empty,
    /// There was a Close frame with this code.
    Code(CloseCode),
}

impl CloseStatus {
    /// Whether there was a Close frame.
    pub const fn is_present(self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The code in the frame.
    pub const fn code(self) -> Option<CloseCode> {
        match self {
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The number that RFC 6455, section 7.1.5, gives this: the code in the frame, 1005 where there was no code, 1006 where there
    /// was no frame.
    pub const fn number(self) -> u16 {
        match self {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
            //# If _The WebSocket Connection is Closed_ and no Close control frame was
            //# received by the endpoint (such as could occur if the underlying transport
            //# connection is lost), _The WebSocket Connection Close Code_ is considered
            //# to be 1006.
            Self::Absent => 1006,
            Self::Empty => 1005,
            Self::Code(code) => code.get(),
        }
    }
}

impl From<Option<CloseCode>> for CloseStatus {
    fn from(code: Option<CloseCode>) -> Self {
        code.map_or(Self::Empty, Self::Code)
    }
}

/// Who began the closing handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This endpoint.
    Local,
    /// The peer.
    Remote,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// It has not ended.
    Open,
    /// The closing handshake.
    Closed,
    /// The closing handshake, which took too long.
    TimedOut,
    /// A failure.
    Failed(Failure),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The Close frame that was sent, the whole of it.
    pub sent: CloseStatus,
    /// The Close frame that was received.
    pub received: CloseStatus,
    /// Who began the closing handshake: `None` without one. Where both began at once, each says that it was itself.
    pub initiator: Option<Initiator>,
    /// Why the connection ended.
    pub cause: Cause,
    /// Whether a Close frame was due but could not be sent, because a frame was open whose payload was incomplete.
    pub close_blocked: bool,
}

impl Outcome {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4
    //# If the TCP connection was closed after the WebSocket closing handshake was
    //# completed, the WebSocket connection is said to have been closed _cleanly_.
    /// Whether both endpoints' Close frames were seen.
    pub const fn clean(&self) -> bool {
        self.sent.is_present() && self.received.is_present()
    }

    /// Joins the ends of the two halves of a connection.
    pub fn join(receiver: ReceiverEnd, sender: SenderEnd) -> Self {
        let both = sender.sent.is_present() && receiver.received.is_present();
        let cause = match receiver.failure {
            Some(failure) => Cause::Failed(failure),
            None if both => Cause::Closed,
            // The transport was lost, or stalled, after the peer's Close frame and with ours unwritten.
            None => match sender.failure {
                Some(failure) => Cause::Failed(failure),
                None if sender.over => Cause::TimedOut,
                None => Cause::Open,
            },
        };
        Self {
            sent: sender.sent,
            received: receiver.received,
            initiator: sender.initiator,
            cause,
            close_blocked: sender.close_blocked,
        }
    }
}

/// How the receiving half stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverEnd {
    /// The Close frame that was received.
    pub(crate) received: CloseStatus,
    pub(crate) failure: Option<Failure>,
    /// Whether the peer's stream has ended.
    pub(crate) eof: bool,
}

impl ReceiverEnd {
    /// Why the connection has failed, if it has.
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Whether nothing will come any more: the peer's Close frame has arrived, or the connection has failed.
    pub const fn is_ended(&self) -> bool {
        self.received.is_present() || self.failure.is_some()
    }
}

/// How the sending half stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderEnd {
    /// The Close frame that was sent, once it has been written whole.
    pub(crate) sent: CloseStatus,
    pub(crate) initiator: Option<Initiator>,
    /// Whether a Close frame is queued or written.
    pub(crate) closed: bool,
    pub(crate) close_blocked: bool,
    /// Why it has failed, if it has: by what the receiving half has found, or because the transport is gone or stalled.
    pub(crate) failure: Option<Failure>,
    /// Whether the closing handshake has taken too long, or output has stalled.
    pub(crate) over: bool,
}

impl SenderEnd {
    /// Whether nothing will be written any more: output has stalled, or the closing handshake has taken too long.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether nothing will be sent any more but what is queued.
    pub const fn is_ended(&self) -> bool {
        self.closed || self.close_blocked
    }
}

/// What a connection wants of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Bytes to go in or out, or time to pass.
    Io {
        /// Input is welcome. If not, messages are held while output waits, or input is kept that has to be used first. Input that is
        /// handed in all the same is copied.
        read: bool,
        /// Output is waiting.
        write: bool,
        /// Poll again at this time, if nothing arrives before it: with [`Input::none`](crate::Input::none), and at once if it has passed.
        deadline: Option<Duration>,
    },
    /// All output has been written, and there will be no more: half-close the stream, then say so with `shut`.
    ShutdownWrite,
    /// Close the stream. The connection has ended, and this is how.
    Done(Outcome),
}
