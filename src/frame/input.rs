//! The bytes that arrived: the caller's buffer, given out from the front.

use core::fmt;

/// What has arrived from the peer: bytes in the caller's own buffer, or the news that there will be no more.
///
/// Decoding happens in place, so that what is taken from an input borrows the caller's buffer and nothing else.
#[derive(Default)]
pub struct Input<'b> {
    rest: &'b mut [u8],
    eof: bool,
}

impl<'b> Input<'b> {
    /// Bytes that arrived.
    #[inline]
    pub fn new(arrived: &'b mut [u8]) -> Self {
        Self { rest: arrived, eof: false }
    }

    /// Nothing arrived; only time has passed.
    #[inline]
    pub fn none() -> Self {
        Self { rest: &mut [], eof: false }
    }

    /// The peer's stream has ended: a read returned zero bytes, or the connection was reset.
    #[inline]
    pub fn eof() -> Self {
        Self { rest: &mut [], eof: true }
    }

    /// Whether the peer's stream has ended.
    #[inline]
    pub const fn is_eof(&self) -> bool {
        self.eof
    }

    /// How many bytes have not been consumed.
    #[inline]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether all bytes have been consumed.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that have not been consumed, for a caller that stops early: they are to be handed in again, first.
    #[inline]
    pub fn into_rest(self) -> &'b mut [u8] {
        self.rest
    }

    /// The bytes that have not been consumed, to look at.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) const fn peek(&self) -> &[u8] {
        self.rest
    }

    /// Consumes `count` bytes, or all if there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> &'b mut [u8] {
        let rest = core::mem::take(&mut self.rest);
        let (taken, rest) = rest.split_at_mut(count.min(rest.len()));
        self.rest = rest;
        taken
    }

    /// Consumes a frame that lies whole here: its header, which is skipped, and its payload.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn take_frame(&mut self, header: usize, len: usize) -> &'b mut [u8] {
        let rest = core::mem::take(&mut self.rest);
        let (frame, rest) = rest.split_at_mut(header + len);
        self.rest = rest;
        &mut frame[header..]
    }

    /// Consumes one byte.
    #[inline]
    pub(crate) fn take_byte(&mut self) -> Option<u8> {
        match self.take(1) {
            [byte] => Some(*byte),
            _ => None,
        }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("len", &self.rest.len()).field("eof", &self.eof).finish()
    }
}
