//! What can be wrong with the extensions in a server's answer.
//!
//! An extension reports it too, so it is below `negotiation`, which finds it.

use core::fmt;

use super::header::Malformed;

/// Why a client can't accept the extensions in a server's answer.
///
/// In each case the client has to fail the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerError {
    /// The header doesn't follow its grammar.
    Malformed(Malformed),
    /// The server uses an extension that was not offered.
    NotOffered,
    /// The server uses an extension twice.
    Repeated,
    /// A parameter is unknown, repeated, or has a value that is missing or not allowed.
    InvalidParameter,
    /// The parameters are valid, but don't follow from what was offered.
    NotAsOffered,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::NotOffered => f.write_str("an extension that was not offered"),
            Self::Repeated => f.write_str("an extension used twice"),
            Self::InvalidParameter => f.write_str("an invalid parameter of an extension"),
            Self::NotAsOffered => {
                f.write_str("extension parameters that do not follow from the offer")
            }
        }
    }
}

impl core::error::Error for AnswerError {}

impl From<Malformed> for AnswerError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}
