//! A masking key and its arithmetic (RFC 6455, section 5.3). Memory is not known here.

use core::fmt;

/// A masking key, rotated so that its first octet masks the next octet of the payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key at the start of a frame's payload.
    #[inline(always)]
    pub(super) const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// The key rotated for the payload `octets` further on.
    #[inline(always)]
    pub(super) const fn advanced(self, octets: usize) -> Self {
        // The remainder first: `octets` may be too long for an `u32`.
        let word = u32::from_le_bytes(self.0).rotate_right(8 * (octets % 4) as u32);
        Self(word.to_le_bytes())
    }

    /// The octet that masks octet `index` of the payload, of the first four.
    #[inline(always)]
    pub(super) const fn octet(self, index: usize) -> u8 {
        self.0[index]
    }

    /// The key as a word whose octets are in memory order.
    #[inline(always)]
    pub(super) const fn word(self) -> u32 {
        u32::from_ne_bytes(self.0)
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
