//! The public operations that mask or unmask octets in memory.
//!
//! The arithmetic of the key is in `key`; which code does the work is chosen in `kernel`. Frames are not known here.

use super::kernel;
use super::key::MaskKey;
use crate::words::simd::Level;

/// A masking key, rotated so that its first octet masks the next octet of the payload.
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
pub struct Mask(MaskKey);

impl Mask {
    /// The key at the start of a frame's payload.
    #[inline]
    pub const fn new(key: [u8; 4]) -> Self {
        Self(MaskKey::new(key))
    }

    /// The key rotated for the payload `octets` further on.
    #[inline]
    #[must_use]
    pub const fn advanced(self, octets: usize) -> Self {
        Self(self.0.advanced(octets))
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of
    //# the original data ("original-octet-i") with octet at index i modulo 4 of the
    //# masking key ("masking-key-octet-j"):
    /// Masks or unmasks in place.
    #[inline]
    pub fn apply(self, level: Level, payload: &mut [u8]) {
        kernel::mask_in_place::<false>(self.0, level, payload);
    }

    /// Masks or unmasks in place, and returns whether the result is all ASCII.
    #[inline]
    pub fn apply_and_check_ascii(self, level: Level, payload: &mut [u8]) -> bool {
        kernel::mask_in_place::<true>(self.0, level, payload)
    }

    /// Masks or unmasks from one slice into another, in one pass.
    ///
    /// # Panics
    ///
    /// If the two don't have the same length.
    #[inline]
    pub fn copy(self, level: Level, from: &[u8], to: &mut [u8]) {
        kernel::mask_into::<false>(self.0, level, from, to);
    }

    /// Masks or unmasks from one slice into another, in one pass, and returns whether the result is all ASCII.
    ///
    /// # Panics
    ///
    /// If the two don't have the same length.
    #[inline]
    pub fn copy_and_check_ascii(self, level: Level, from: &[u8], to: &mut [u8]) -> bool {
        kernel::mask_into::<true>(self.0, level, from, to)
    }

    /// Appends the masked or unmasked payload to `out`, in one pass.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append(self, level: Level, payload: &[u8], out: &mut alloc::vec::Vec<u8>) {
        kernel::append_masked::<false>(self.0, level, payload, out);
    }

    /// Appends the masked or unmasked payload to `out`, in one pass, and returns whether what was appended is all ASCII.
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn append_and_check_ascii(
        self,
        level: Level,
        payload: &[u8],
        out: &mut alloc::vec::Vec<u8>,
    ) -> bool {
        kernel::append_masked::<true>(self.0, level, payload, out)
    }

    /// Appends the first `front_len` octets of `front` to `out`, then the masked payload.
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
        kernel::append_masked_after(front, front_len, self.0, level, payload, out);
    }
}
