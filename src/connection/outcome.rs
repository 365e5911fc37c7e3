//! How a connection ended, put together in [`Outcome::join`] from what has become of its halves.

use core::fmt;

use super::close_status::{CloseStatus, Initiator};
use super::failure::Failure;
use super::state::Sending;
use crate::frame::Limits;

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
    /// How many bytes the peer announced, in a frame or in the frames of a message together, if that is what went over a limit. What a compressed
    /// message would have come to is not known.
    pub announced: Option<u64>,
    /// Whether a failure's Close frame could not be sent, because a frame was open whose payload was incomplete.
    pub close_blocked: bool,
}

impl Outcome {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4
    //# If the TCP connection was closed after the WebSocket closing handshake was
    //# completed, the WebSocket connection is said to have been closed _cleanly_.
    /// Whether both endpoints' Close frames were seen. That says nothing of what they meant: a peer that has refused all that it was sent
    /// says why in its Close frame, whose code is in [`received`](Self::received), and the closing handshake is complete.
    pub const fn clean(&self) -> bool {
        self.sent.is_present() && self.received.is_present()
    }

    /// The failure in words, if it was one: with the number of the limit that the peer went over, what the peer asked for, and the setter that moves the
    /// limit, where it is one. `limits` are those of the connection.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sockless::{Config, Connection, Event, Input, Limits};
    ///
    /// let config = Config::default().with_limits(Limits::default().with_frame(100));
    /// let mut connection = Connection::server(config.clone());
    /// // A client announces 125 bytes.
    /// let mut arrived = *b"\x82\xFD\0\0\0\0";
    /// assert!(matches!(connection.poll(&mut Input::new(&mut arrived), Duration::ZERO), Some(Event::Failed(_))));
    /// let outcome = connection.outcome();
    /// assert_eq!(outcome.announced, Some(125));
    /// assert_eq!(
    ///     outcome.failure_in_words(&config.limits).unwrap().to_string(),
    ///     "the peer announced a frame over `Limits::frame`, which is 100 bytes (`Limits::with_frame`): it announced 125",
    /// );
    /// ```
    pub fn failure_in_words(&self, limits: &Limits) -> Option<impl fmt::Display + use<>> {
        match self.cause {
            Cause::Failed(failure) => Some(failure.in_words(limits, self.announced)),
            _ => None,
        }
    }

    /// What the ends of a connection's two halves come to together; before the end too, with [`Cause::Open`].
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
            announced: receiver.announced,
            close_blocked: sender.close_blocked,
        }
    }
}

/// What has become of the receiving half so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverEnd {
    /// The Close frame that was received.
    received: CloseStatus,
    failure: Option<Failure>,
    /// How many bytes were announced where that was more than a limit allows.
    announced: Option<u64>,
    /// Whether the peer's stream has ended.
    eof: bool,
}

impl ReceiverEnd {
    pub(super) const fn new(
        received: CloseStatus,
        failure: Option<Failure>,
        announced: Option<u64>,
        eof: bool,
    ) -> Self {
        Self { received, failure, announced, eof }
    }

    /// Whether the peer's stream has ended.
    pub(super) const fn has_stream_ended(&self) -> bool {
        self.eof
    }

    /// Why the connection has failed, if it has.
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Whether nothing will come any more: the peer's Close frame has arrived, or the connection has failed.
    pub const fn is_ended(&self) -> bool {
        self.received.is_present() || self.failure.is_some()
    }
}

/// What has become of the sending half so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderEnd {
    /// The Close frame that was sent, once it has been written whole.
    sent: CloseStatus,
    initiator: Option<Initiator>,
    /// Whether our Close frame is queued, or there will be none.
    ended: bool,
    close_blocked: bool,
    /// Why it has failed, if it has: by what the receiving half has found, or because the transport is gone or stalled.
    failure: Option<Failure>,
    /// Whether the closing handshake has taken too long, or output has stalled.
    over: bool,
}

impl SenderEnd {
    /// What has become of a half in this state. `written` says whether its Close frame has been, `over` whether a deadline has passed.
    pub(super) fn new(state: Sending, written: bool, over: bool) -> Self {
        Self {
            sent: if written { state.close_status() } else { CloseStatus::Absent },
            initiator: state.initiator(),
            ended: state.is_ended(),
            close_blocked: matches!(state, Sending::Failed { blocked: true, .. }),
            failure: state.failure(),
            over,
        }
    }

    /// Whether nothing will be written any more: output has stalled, or the closing handshake has taken too long.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether nothing will be sent any more but what is queued.
    pub const fn is_ended(&self) -> bool {
        self.ended
    }
}
