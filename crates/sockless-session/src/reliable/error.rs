//! What can go wrong, by who is to blame: the peer ([`Violation`]), our caller ([`Misuse`], [`SendError`]), or nobody.

use core::fmt;

/// The peer has broken the protocol (section 13 of the specification). The connection is to be closed with 4400 and
/// [`reason`](Self::reason); the session is unharmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A message that the specification doesn't describe.
    Malformed,
    /// A message that isn't allowed in this state, or from this side.
    Unexpected,
    /// An ack, or a bye, for what was never sent.
    AckAhead,
    /// A bye whose number is less than what has been acknowledged.
    AckBack,
    /// More is outstanding than the window allows.
    WindowExceeded,
    /// A request to send again that is out of range, or one too many.
    BadAgain,
    /// A position that wasn't asked for.
    BadPosition,
    /// A numbered message after the greatest number.
    NumbersExhausted,
    /// Too many openings on one connection.
    TooManyOpenings,
}

impl Violation {
    /// The word for the Close frame.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unexpected => "unexpected",
            Self::AckAhead => "ack-ahead",
            Self::AckBack => "ack-back",
            Self::WindowExceeded => "window",
            Self::BadAgain => "again",
            Self::BadPosition => "position",
            Self::NumbersExhausted => "numbers",
            Self::TooManyOpenings => "openings",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer broke the session's protocol: ")?;
        f.write_str(self.reason())
    }
}

impl core::error::Error for Violation {}

/// Why a message can't be taken from a connection. Either way the connection is to be closed, with
/// [`close_reason`](Self::close_reason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkError {
    /// A newer connection carries the session, or this one was given up before.
    Superseded,
    /// The peer has broken the protocol.
    Violation(Violation),
}

impl LinkError {
    /// What to put into the Close frame.
    pub const fn close_reason(self) -> CloseReason {
        match self {
            Self::Superseded => CloseReason::Superseded,
            Self::Violation(violation) => CloseReason::Violation(violation),
        }
    }
}

impl From<Violation> for LinkError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superseded => f.write_str("a newer connection carries this session"),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

impl core::error::Error for LinkError {}

/// Why a connection is to be closed (section 14 of the specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The session has ended.
    Done,
    /// There is no room for the session.
    Full,
    /// The peer has broken the protocol.
    Violation(Violation),
    /// The peer hasn't answered in time.
    Silent,
    /// A newer connection carries the session.
    Superseded,
}

impl CloseReason {
    /// The code for the Close frame.
    pub const fn code(self) -> u16 {
        match self {
            Self::Done => 1000,
            Self::Full => 1013,
            Self::Violation(_) => 4400,
            Self::Silent => 4408,
            Self::Superseded => 4409,
        }
    }

    /// The reason for the Close frame.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Violation(violation) => violation.reason(),
            _ => "",
        }
    }
}

/// A call that isn't allowed now. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The session has ended, or is about to.
    Ended,
    /// This is for a client alone.
    NotAClient,
    /// The number is out of the range that the call allows.
    OutOfRange,
    /// A request to send again is open already.
    AlreadyAsked,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the session has ended",
            Self::NotAClient => "only a client connects",
            Self::OutOfRange => "the number is out of range",
            Self::AlreadyAsked => "a request to send again is open already",
        })
    }
}

impl core::error::Error for Misuse {}

/// Why a message can't be taken for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The queue is at its limit. [`Event::Room`](super::Event::Room) says when there is room again.
    QueueFull,
    /// The session has ended, or is about to.
    Ended,
    /// The greatest number has been used.
    NumbersExhausted,
    /// Too many requests wait for their replies.
    TooManyRequests,
    /// There is no request with this number.
    NoSuchRequest,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the queue is full",
            Self::Ended => "the session has ended",
            Self::NumbersExhausted => "the greatest number has been used",
            Self::TooManyRequests => "too many requests wait for their replies",
            Self::NoSuchRequest => "there is no such request",
        })
    }
}

impl core::error::Error for SendError {}

/// A message that was not taken, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure<M> {
    /// The message.
    pub message: M,
    /// Why it was not taken.
    pub error: SendError,
}

impl<M> fmt::Display for SendFailure<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<M: fmt::Debug> core::error::Error for SendFailure<M> {}

/// Why a session can't be resumed, or opened (section 4 of the specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// The server doesn't know the session.
    Unknown,
    /// The session has ended.
    Ended,
    /// There was a later attempt.
    Stale,
    /// The states of the two sides don't fit each other.
    Diverged,
    /// There is no room for another session.
    Full,
}

impl Denial {
    pub(crate) const ALL: [Self; 5] =
        [Self::Unknown, Self::Ended, Self::Stale, Self::Diverged, Self::Full];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ended => "ended",
            Self::Stale => "stale",
            Self::Diverged => "diverged",
            Self::Full => "full",
        }
    }
}
