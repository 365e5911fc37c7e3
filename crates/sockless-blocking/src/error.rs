//! What can go wrong with an open connection. What can go wrong before is with those who open one.

use std::{fmt, io};

use sockless::connection::{Failure, SendError};
use sockless::frame::{Misuse, Violation};

/// What can go wrong with an open connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The stream below.
    Io(io::Error),
    /// The peer sent more than the configuration allows; it has been answered with close code 1009. How much that was, as far as it is known, is in the outcome:
    /// [`announced`](sockless::Outcome::announced). If such messages are to be expected, raise the limit, by `with_max_message` of the options or in
    /// [`Limits`](sockless::Limits).
    Limit(Limit),
    /// The connection has failed. Everything that the peer had to be told has been sent.
    Failed(Failure),
    /// What was to be sent breaks a rule: a reason that is too long, a message inside another one, or one over the limit on waiting output.
    Send(SendError),
    /// The connection has ended, or is closing.
    Closed,
    /// The time of the call is over, and nothing has come of it: nothing was received, or the message was not queued. The call may be made again.
    TimedOut,
    /// The time of the call is over, and the message is queued: it will be sent once, by the calls that follow, so don't send it again.
    Unwritten,
}

/// A limit on what the peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::frame`](sockless::Limits): the longest payload of a frame.
    Frame,
    /// [`Limits::message`](sockless::Limits): the longest message.
    Message,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "the limit on frames (Limits::frame)",
            Self::Message => "the limit on messages (Limits::message)",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Limit(limit) => write!(f, "the peer went over {limit}"),
            Self::Failed(failure) => failure.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Closed => f.write_str("the connection has ended"),
            Self::TimedOut => f.write_str("the time of the call is over"),
            Self::Unwritten => f.write_str("the message is queued, and was not written in time"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Failed(failure) => Some(failure),
            Self::Send(error) => Some(error),
            Self::Limit(_) | Self::Closed | Self::TimedOut | Self::Unwritten => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Violation(Violation::FrameTooLong) => Self::Limit(Limit::Frame),
            Failure::Violation(Violation::MessageTooLong) => Self::Limit(Limit::Message),
            failure => Self::Failed(failure),
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Misuse(Misuse::Closed) => Self::Closed,
            error => Self::Send(error),
        }
    }
}

/// For what is read and written in parts: a call that took too long is [`TimedOut`](io::ErrorKind::TimedOut), and may be made again.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::TimedOut => Self::new(io::ErrorKind::TimedOut, error),
            error => Self::other(error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
