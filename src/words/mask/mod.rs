//! Masking (RFC 6455, section 5.3): octet `i` XOR key octet `i mod 4`, from any phase.
//!
//! This file has the key and its arithmetic. The work on memory is in `kernel`, once for all instruction sets; what an
//! instruction set has to offer is in a file of its own.

mod kernel;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
mod scalar;
mod vector;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86;

use crate::words::simd::Level;

/// A masking key, turned so that its first octet meets the next octet of the payload.
///
/// ```
/// use sockless::words::{mask::Mask, simd::Level};
///
/// let mask = Mask::new([0x37, 0xFA, 0x21, 0x3D]);
/// let mut payload = [0x7F, 0x9F, 0x4D, 0x51, 0x58];
/// mask.apply(Level::detect(), &mut payload);
/// assert_eq!(&payload, b"Hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask([u8; 4]);

impl Mask {
    /// The key at the start of a frame's payload.
    #[inline]
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// The key as it meets the payload `octets` further on.
    #[inline]
    #[must_use]
    pub const fn advanced(self, octets: usize) -> Self {
        // The remainder first: `octets` may be too long for an `u32`.
        let word = u32::from_le_bytes(self.0).rotate_right(8 * (octets % 4) as u32);
        Self(word.to_le_bytes())
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of
    //# the original data ("original-octet-i") with octet at index i modulo 4 of the
    //# masking key ("masking-key-octet-j"):
    /// Masks or unmasks in place.
    #[inline]
    pub fn apply(self, level: Level, payload: &mut [u8]) {
        kernel::apply::<false>(self, level, payload);
    }

    /// Masks or unmasks in place, and tells whether the result is all ASCII.
    #[inline]
    pub fn apply_and_check_ascii(self, level: Level, payload: &mut [u8]) -> bool {
        kernel::apply::<true>(self, level, payload)
    }

    /// Masks or unmasks from one place into another, in one pass.
    ///
    /// # Panics
    ///
    /// If the two don't have the same length.
    #[inline]
    pub fn copy(self, level: Level, from: &[u8], to: &mut [u8]) {
        kernel::copy::<false>(self, level, from, to);
    }

    /// Masks or unmasks from one place into another, in one pass, and tells whether the result is all ASCII.
    ///
    /// # Panics
    ///
    /// If the two don't have the same length.
    #[inline]
    pub fn copy_and_check_ascii(self, level: Level, from: &[u8], to: &mut [u8]) -> bool {
        kernel::copy::<true>(self, level, from, to)
    }

    /// Appends the masked or unmasked payload to `out`, in one pass.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append(self, level: Level, payload: &[u8], out: &mut alloc::vec::Vec<u8>) {
        kernel::append::<false>(self, level, payload, out);
    }

    /// Appends the masked or unmasked payload to `out`, in one pass, and tells whether what was appended is all ASCII.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append_and_check_ascii(
        self,
        level: Level,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
    ) -> bool {
        kernel::append::<true>(self, level, payload, out)
    }

    /// Appends the first `front_len` octets of `front` to `out`, and behind them the masked payload.
    ///
    /// # Panics
    ///
    /// If `front_len` is more than 16.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append_behind(
        self,
        level: Level,
        front: [u8; 16],
        front_len: usize,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
    ) {
        kernel::append_behind(front, front_len, self, level, payload, out);
    }

    /// The key as a word of memory: its octets lie in the word as they lie in the payload.
    #[inline(always)]
    const fn word(self) -> u32 {
        u32::from_ne_bytes(self.0)
    }
}
