//! Vectors of portable code: machine words, which run on every CPU.
#![allow(unsafe_code, reason = "loads and stores through the kernel's raw pointers")]

use super::key::MaskKey;
use super::vector::{Vector, mask_in_one_pass};

/// The portable kernel.
///
/// # Safety
///
/// As for [`mask_in_one_pass`] over `u64`.
pub(super) unsafe fn mask_by_words<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise, and the vectors are of portable code.
    unsafe { mask_in_one_pass::<u64, CHECK>(mask, src, dst, len) }
}

macro_rules! word {
    ($word:ty, $splat:expr) => {
        impl Vector for $word {
            const WIDTH: usize = size_of::<Self>();

            #[inline(always)]
            unsafe fn splat(word: u32) -> Self {
                Self::from(word) * $splat
            }

            #[inline(always)]
            unsafe fn load(at: *const u8) -> Self {
                // SAFETY: the caller's promise; an integer has no invalid values, and the read need not be aligned.
                unsafe { at.cast::<Self>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store(self, at: *mut u8) {
                // SAFETY: the caller's promise; the write need not be aligned.
                unsafe { at.cast::<Self>().write_unaligned(self) }
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                self ^ other
            }

            #[inline(always)]
            unsafe fn or(self, other: Self) -> Self {
                self | other
            }

            #[inline(always)]
            unsafe fn is_ascii(self) -> bool {
                self & (Self::MAX / 0xFF * 0x80) == 0
            }
        }
    };
}

word!(u32, 1);
word!(u64, 0x1_0000_0001);

/// Sixteen octets, for architectures without vectors of that width.
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
#[derive(Clone, Copy)]
pub(super) struct Pair(u64, u64);

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
impl Vector for Pair {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: portable code.
        let half = unsafe { u64::splat(word) };
        Self(half, half)
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: the caller promises 16 octets, of which each half is 8.
        unsafe { Self(u64::load(at), u64::load(at.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: the caller promises 16 octets, of which each half is 8.
        unsafe {
            self.0.store(at);
            self.1.store(at.add(8));
        }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        Self(self.0 ^ other.0, self.1 ^ other.1)
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: portable code.
        unsafe { (self.0 | self.1).is_ascii() }
    }
}
