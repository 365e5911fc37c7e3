//! What can be wrong with a trace.

use std::{error, fmt};

/// Why a trace can't be read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// It does not begin as a trace does.
    NoTrace,
    /// It is of another version.
    Version(u8),
    /// It ends before its last record.
    Truncated,
    /// The record at this byte is not what was written.
    Changed(usize),
    /// The record at this byte makes no sense.
    Malformed(usize),
    /// Something follows its last record, at this byte.
    Trailing(usize),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTrace => f.write_str("not a trace"),
            Self::Version(version) => write!(f, "a trace of version {version}"),
            Self::Truncated => f.write_str("the trace ends before its last record"),
            Self::Changed(at) => write!(f, "the record at byte {at} has been changed"),
            Self::Malformed(at) => write!(f, "the record at byte {at} makes no sense"),
            Self::Trailing(at) => write!(f, "something follows the last record, at byte {at}"),
        }
    }
}

impl error::Error for Damage {}
