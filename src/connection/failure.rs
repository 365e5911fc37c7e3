//! Why a connection failed, and the close code for each failure. Those of violations are in `frame::violation`.

use core::{error, fmt};

use crate::frame::{Limits, Violation};
use crate::words::close_code::CloseCode;

/// Why a connection failed. A failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The peer broke a rule of framing or text, or went over a limit.
    Violation(Violation),
    /// A compressed message is not what the extension's specification asks for.
    CorruptMessage,
    /// The peer has been silent in spite of a ping.
    Unresponsive,
    /// Output waited, and the peer took none of it for the write timeout.
    Stalled,
    /// The stream ended before both Close frames had been exchanged.
    EndOfStream,
    /// The client's request was answered with something else than a connection: it has never been open. Only a connection that was made to
    /// [carry that answer](crate::handshake::Refusal::into_connection) fails so.
    Refused,
}

impl Failure {
    /// The code for the Close frame that fails the connection; `None` where none is sent.
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::Violation(violation) => Some(violation.close_code()),
            Self::CorruptMessage => Some(CloseCode::INVALID_PAYLOAD),
            Self::Unresponsive => Some(CloseCode::INTERNAL_ERROR),
            Self::Stalled | Self::EndOfStream | Self::Refused => None,
        }
    }
}

impl Failure {
    /// The failure in words, with the number of the limit that was gone over and the setter that moves it, where it is one. `limits` are those of the
    /// connection: the error itself has no number, because each connection would keep room for it. What the peer asked for is in the outcome, whose
    /// [`failure_in_words`](super::Outcome::failure_in_words) says it too.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sockless::{Config, Connection, Event, Input, Limits};
    ///
    /// let config = Config::default().with_limits(Limits::default().with_frame(100));
    /// let mut connection = Connection::server(config.clone());
    /// // A client announces 125 bytes.
    /// let mut arrived = *b"\x82\xFD\0\0\0\0";
    /// let Some(Event::Failed(failure)) = connection.poll(&mut Input::new(&mut arrived), Duration::ZERO) else { panic!() };
    /// assert_eq!(
    ///     failure.with_limits(&config.limits).to_string(),
    ///     "the peer announced a frame over `Limits::frame`, which is 100 bytes (`Limits::with_frame`)",
    /// );
    /// ```
    pub fn with_limits(self, limits: &Limits) -> impl fmt::Display + use<> {
        self.in_words(limits, None)
    }

    /// The failure in words, with what the peer asked for, if that is known.
    pub(super) fn in_words(self, limits: &Limits, announced: Option<u64>) -> InWords {
        InWords { failure: self, limits: *limits, announced }
    }
}

/// A failure in words, with the numbers of its limit.
pub(super) struct InWords {
    failure: Failure,
    limits: Limits,
    announced: Option<u64>,
}

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)?;
        let (limit, setter) = match self.failure {
            Failure::Violation(Violation::FrameTooLong) => (self.limits.frame, "with_frame"),
            Failure::Violation(Violation::MessageTooLong) => (self.limits.message, "with_message"),
            _ => return Ok(()),
        };
        write!(f, ", which is {limit} bytes (`Limits::{setter}`)")?;
        match self.announced {
            Some(announced) => write!(f, ": it announced {announced}"),
            None => Ok(()),
        }
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::CorruptMessage => {
                f.write_str("the peer sent a compressed message that can't be decompressed")
            }
            Self::Unresponsive => f.write_str("the peer did not answer a ping"),
            Self::Stalled => f.write_str("the peer took none of the waiting output for too long"),
            Self::EndOfStream => f.write_str("the stream ended without a Close frame"),
            Self::Refused => f.write_str("the request was answered, and no connection was opened"),
        }
    }
}

impl error::Error for Failure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            _ => None,
        }
    }
}
