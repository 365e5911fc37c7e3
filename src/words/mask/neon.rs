//! Vectors of AArch64: NEON.
#![allow(
    unsafe_code,
    reason = "vector instructions, and loads and stores through the kernel's raw pointers"
)]

use core::arch::aarch64::*;

use super::key::MaskKey;
use super::vector::{Vector, mask_in_one_pass};

/// The kernel over NEON.
///
/// # Safety
///
/// As for [`mask_in_one_pass`] over 16 octets.
#[target_feature(enable = "neon")]
pub(super) unsafe fn mask_by_neon<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for NEON.
    unsafe { mask_in_one_pass::<uint8x16_t, CHECK>(mask, src, dst, len) }
}

impl Vector for uint8x16_t {
    const WIDTH: usize = size_of::<Self>();

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the caller promises the instructions.
        unsafe { vreinterpretq_u8_u32(vdupq_n_u32(word)) }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: the caller promises the instructions and the octets; the load need not be aligned.
        unsafe { vld1q_u8(at) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: the caller promises the instructions and the octets; the store need not be aligned.
        unsafe { vst1q_u8(at, self) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises the instructions.
        unsafe { veorq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: the caller promises the instructions.
        unsafe { vorrq_u8(self, other) }
    }

    #[inline(always)]
    unsafe fn is_ascii(self) -> bool {
        // SAFETY: the caller promises the instructions.
        unsafe { vmaxvq_u8(self) < 0x80 }
    }
}
