//! Masking (RFC 6455, section 5.3): octet `i` XOR key octet `i mod 4`, from any phase.

use crate::words::simd::Level;

/// A masking key, turned so that its first octet meets the next octet of the payload.
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
        let word = u32::from_le_bytes(self.0).rotate_right(8 * (octets as u32 % 4));
        Self(word.to_le_bytes())
    }

    /// Masks or unmasks in place.
    #[inline]
    pub fn apply(self, _level: Level, payload: &mut [u8]) {
        for (i, octet) in payload.iter_mut().enumerate() {
            *octet ^= self.0[i % 4];
        }
    }

    /// Masks or unmasks in place, and tells whether the result is all ASCII.
    #[inline]
    pub fn apply_and_check_ascii(self, level: Level, payload: &mut [u8]) -> bool {
        self.apply(level, payload);
        payload.is_ascii()
    }

    /// Appends the masked or unmasked payload to `out`, in one pass.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append(self, level: Level, payload: &[u8], out: &mut alloc::vec::Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(payload);
        self.apply(level, &mut out[start..]);
    }
}
