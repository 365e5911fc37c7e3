//! The limits on a peer's head, in bytes, fields and time, for both roles. Those on
//! bytes and fields are enforced in `head_scan` and `request`, the time in `head_reader`.

use core::time::Duration;

/// HeadLimits on what the peer may send before the connection is open.
///
/// ```
/// use core::time::Duration;
/// use sockless::handshake::HeadLimits;
///
/// let limits = HeadLimits::default().with_head(8 * 1024).with_timeout(Duration::from_secs(5));
/// assert_eq!(limits.fields, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadLimits {
    /// The most bytes of a head, from the start line to the empty line: 16 KiB by default.
    pub head: usize,
    /// The most header fields: 100 by default. Up to 32 need 1 KiB of stack while a head is parsed, more need 8 KiB.
    pub fields: u8,
    /// How long the peer may take for its head: ten seconds by default.
    pub timeout: Option<Duration>,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head: 16 * 1024, fields: 100, timeout: Some(Duration::from_secs(10)) }
    }
}

impl HeadLimits {
    /// The same limits with another number of bytes.
    #[must_use]
    pub const fn with_head(mut self, bytes: usize) -> Self {
        self.head = bytes;
        self
    }

    /// The same limits with another number of fields.
    #[must_use]
    pub const fn with_fields(mut self, fields: u8) -> Self {
        self.fields = fields;
        self
    }

    /// The same limits with another time.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same limits without a deadline.
    #[must_use]
    pub const fn without_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }
}
