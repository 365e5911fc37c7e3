//! Why a connection failed, and the close code for each failure. Those of violations are in `frame::violation`.

use core::{error, fmt};

use crate::frame::Violation;
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
}

impl Failure {
    /// The code for the Close frame that fails the connection; `None` where none is sent.
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::Violation(violation) => Some(violation.close_code()),
            Self::CorruptMessage => Some(CloseCode::INVALID_PAYLOAD),
            Self::Unresponsive => Some(CloseCode::INTERNAL_ERROR),
            Self::Stalled | Self::EndOfStream => None,
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
