//! How much a peer may send. The limits are enforced in `open_message` and `fast_decode`; on transformed messages by the
//! extension, within the budget that `connection::receive_transform` makes of them.

/// Limits on what the peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest payload of a data frame, in bytes on the wire. 16 MiB by default.
    pub frame: u64,
    /// The longest message, in bytes after reassembly and decompression. 16 MiB by default.
    ///
    /// It holds for a message that is delivered in parts as well: what is to be longer than memory needs a greater limit here, and for
    /// its frames.
    pub message: u64,
}

impl Limits {
    /// The default limits: 16 MiB for a frame, 16 MiB for a message.
    pub const DEFAULT: Self = Self { frame: 16 << 20, message: 16 << 20 };

    /// The same limits, except that a frame's payload may have at most this many bytes.
    #[must_use]
    pub const fn with_frame(mut self, bytes: u64) -> Self {
        self.frame = bytes;
        self
    }

    /// The same limits, except that a message may have at most this many bytes.
    #[must_use]
    pub const fn with_message(mut self, bytes: u64) -> Self {
        self.message = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
