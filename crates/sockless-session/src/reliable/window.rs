//! How much may be outstanding (section 5 of the specification).

use super::number::LAST;

/// How much may be outstanding: sent, and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// Messages: at least one, at most 2^53 - 1.
    pub messages: u64,
    /// Octets: at least one, at most 2^53 - 1. One message may be outstanding whatever its length.
    pub bytes: u64,
}

impl Window {
    /// A window. What is outside of 1 to 2^53 - 1 is brought inside.
    pub const fn new(messages: u64, bytes: u64) -> Self {
        Self { messages: clamp(messages), bytes: clamp(bytes) }
    }

    /// Whether so much may be outstanding.
    pub(crate) fn allows(self, messages: u64, bytes: u64) -> bool {
        messages <= self.messages && (messages <= 1 || bytes <= self.bytes)
    }

    /// Whether so much is a quarter or more.
    pub(crate) fn is_quarter(self, messages: u64, bytes: u64) -> bool {
        messages.saturating_mul(4) >= self.messages || bytes.saturating_mul(4) >= self.bytes
    }
}

const fn clamp(value: u64) -> u64 {
    match value {
        0 => 1,
        1..=LAST => value,
        _ => LAST,
    }
}
