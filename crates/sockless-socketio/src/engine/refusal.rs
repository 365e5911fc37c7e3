//! Why a request is refused: the numbered errors of the protocol's reference, and those that HTTP has.

use alloc::format;
use core::{error, fmt};

use super::request::Answer;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The transport is missing, unknown or not offered: error 0.
    Transport,
    /// There is no such session, or it has ended: error 1.
    Session,
    /// A session begins with GET: error 2.
    Method,
    /// The request doesn't fit the session, or breaks a rule: error 3.
    Request,
    /// The origin is not allowed: error 4, with status 403.
    Forbidden,
    /// The version of the protocol is missing, or not 4: error 5.
    Version,
    /// The body has more bytes than allowed: status 413.
    TooLarge,
    /// There are as many sessions as allowed, or the server is stopping: status 503.
    Unavailable,
}

impl Refusal {
    /// The number that the protocol's reference has for it.
    pub fn code(self) -> Option<u8> {
        match self {
            Self::Transport => Some(0),
            Self::Session => Some(1),
            Self::Method => Some(2),
            Self::Request => Some(3),
            Self::Forbidden => Some(4),
            Self::Version => Some(5),
            Self::TooLarge | Self::Unavailable => None,
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
            _ => 400,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Transport => "Transport unknown",
            Self::Session => "Session ID unknown",
            Self::Method => "Bad handshake method",
            Self::Request => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::Version => "Unsupported protocol version",
            Self::TooLarge => "Payload too large",
            Self::Unavailable => "Service unavailable",
        }
    }

    /// The answer.
    pub fn answer(self) -> Answer {
        match self.code() {
            Some(code) => {
                let body = format!("{{\"code\":{code},\"message\":\"{}\"}}", self.message());
                Answer::new(self.status(), "application/json", body)
            }
            None => Answer::new(self.status(), "text/plain; charset=UTF-8", self.message()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl error::Error for Refusal {}
