//! The choice of the masking kernel: by the payload's length, and for a long one by the SIMD level.
//!
//! The algorithms are in `vector`, the instruction sets in their own files; what a payload means is not known here.
#![allow(
    unsafe_code,
    reason = "kernels take raw pointers, so that one serves both in place and into fresh memory"
)]

use super::key::MaskKey;
use super::scalar;
use super::vector::{Vector, mask_from_both_ends};
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
use crate::words::simd::Instructions;
use crate::words::simd::Level;

/// A vector of 16 octets that every CPU of the target supports. Targets without floating point have neither SSE2 nor NEON.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
type Baseline = core::arch::x86_64::__m128i;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
type Baseline = core::arch::aarch64::uint8x16_t;
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
type Baseline = scalar::Pair;

/// Up to this length a payload is masked inline with the baseline's vectors: choosing by the level would cost more than wider
/// vectors save.
const SHORT: usize = 128;

/// The most octets that [`append_masked_after`] puts before a payload.
#[cfg(feature = "alloc")]
pub(super) const FRONT: usize = 16;

/// Masks in place. With `CHECK`, returns whether the result is ASCII; without it, returns true.
#[inline(always)]
pub(super) fn mask_in_place<const CHECK: bool>(
    mask: MaskKey,
    level: Level,
    payload: &mut [u8],
) -> bool {
    let len = payload.len();
    let at = payload.as_mut_ptr();
    // SAFETY: `len` octets at `at` are readable, initialised and writable: they are `payload`. Source and destination are
    // the same pointer.
    unsafe { mask_octets::<CHECK>(mask, level, at, at, len) }
}

/// Masks from one slice into another. `CHECK` as for [`mask_in_place`].
#[inline(always)]
pub(super) fn mask_into<const CHECK: bool>(
    mask: MaskKey,
    level: Level,
    from: &[u8],
    to: &mut [u8],
) -> bool {
    assert!(from.len() == to.len(), "masking from one length into another");
    // SAFETY: `from` is readable and initialised, `to` as long and writable; a shared and a unique borrow are disjoint.
    unsafe { mask_octets::<CHECK>(mask, level, from.as_ptr(), to.as_mut_ptr(), from.len()) }
}

/// Appends the masked payload to a vector. `CHECK` as for [`mask_in_place`].
#[cfg(feature = "alloc")]
#[inline(always)]
pub(super) fn append_masked<const CHECK: bool>(
    mask: MaskKey,
    level: Level,
    payload: &[u8],
    out: &mut alloc::vec::Vec<u8>,
) -> bool {
    let len = payload.len();
    out.reserve(len);
    let spare = out.spare_capacity_mut();
    debug_assert!(spare.len() >= len);
    // SAFETY: `payload` is readable and initialised; after `reserve`, `spare` has at least `len` writable octets; a shared
    // and a unique borrow are disjoint.
    let ascii = unsafe {
        mask_octets::<CHECK>(mask, level, payload.as_ptr(), spare.as_mut_ptr().cast(), len)
    };
    // SAFETY: `mask_octets` has initialised `len` octets after the vector's length, and they are within its capacity. The sum
    // can't overflow: it is at most the capacity.
    unsafe { out.set_len(out.len() + len) };
    ascii
}

/// Appends the first `front_len` octets of `front`, then the masked payload, so that a frame needs only one reservation.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(super) fn append_masked_after(
    front: [u8; FRONT],
    front_len: usize,
    mask: MaskKey,
    level: Level,
    payload: &[u8],
    out: &mut alloc::vec::Vec<u8>,
) {
    assert!(front_len <= FRONT, "more octets than the front has");
    let len = payload.len();
    // A slice has at most `isize::MAX` octets, so that the sum can't overflow.
    out.reserve(FRONT + len);
    let spare = out.spare_capacity_mut();
    debug_assert!(spare.len() >= FRONT + len);
    let at = spare.as_mut_ptr().cast::<u8>();
    // SAFETY: after `reserve`, `FRONT + len` octets at `at` are writable, so that the front fits, which is stored as a whole, and
    // so does the payload after the first `front_len` of its octets; `payload` is readable and initialised, and a shared and a
    // unique borrow are disjoint.
    unsafe {
        at.cast::<[u8; FRONT]>().write_unaligned(front);
        mask_octets::<false>(mask, level, payload.as_ptr(), at.add(front_len), len);
    }
    // SAFETY: the store and `mask_octets` have initialised `front_len + len` octets after the vector's length, and they are within its
    // capacity.
    unsafe { out.set_len(out.len() + front_len + len) };
}

/// Masks `len` octets from `src` to `dst`, and initialises all of `dst`. With `CHECK`, returns whether the result is ASCII; without it,
/// returns true.
///
/// # Safety
///
/// `len` octets at `src` are readable and initialised, `len` octets at `dst` are writable, and the two are either the same
/// or disjoint.
#[inline(always)]
unsafe fn mask_octets<const CHECK: bool>(
    mask: MaskKey,
    level: Level,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise is what all four require; the conditions here ensure their lengths; every CPU of the target
    // has the baseline's instructions.
    unsafe {
        if len < Baseline::WIDTH {
            mask_tiny::<CHECK>(mask, src, dst, len)
        } else if len <= 2 * Baseline::WIDTH {
            mask_from_both_ends::<Baseline, 1, CHECK>(mask, src, dst, len)
        } else if len <= SHORT {
            mask_short::<CHECK>(mask, src, dst, len)
        } else {
            mask_long::<CHECK>(mask, level, src, dst, len)
        }
    }
}

/// [`mask_octets`] for fewer than 16 octets.
///
/// # Safety
///
/// As for [`mask_octets`], and `len` < 16.
#[inline(always)]
unsafe fn mask_tiny<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the widths of both vectors are at most `len`, and twice the width at least; the vectors are of portable
    // code. In the last branch `len` is 1, 2 or 3: its first, middle and last octet are within it, and are all of it.
    unsafe {
        if len >= 8 {
            mask_from_both_ends::<u64, 1, CHECK>(mask, src, dst, len)
        } else if len >= 4 {
            mask_from_both_ends::<u32, 1, CHECK>(mask, src, dst, len)
        } else if len > 0 {
            let (middle, last) = (len / 2, len - 1);
            let first_octet = *src ^ mask.octet(0);
            let middle_octet = *src.add(middle) ^ mask.octet(middle);
            let last_octet = *src.add(last) ^ mask.octet(last);
            *dst = first_octet;
            *dst.add(middle) = middle_octet;
            *dst.add(last) = last_octet;
            !CHECK || (first_octet | middle_octet | last_octet).is_ascii()
        } else {
            true
        }
    }
}

/// [`mask_octets`] for 33 to 128 octets.
///
/// # Safety
///
/// As for [`mask_octets`], and `len` in 33..=128.
#[inline]
unsafe fn mask_short<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise; the lengths fit: 33..=64 is 2 to 4 widths, 65..=128 is 4 to 8; every CPU of the target has
    // the baseline's instructions.
    unsafe {
        if len <= 4 * Baseline::WIDTH {
            mask_from_both_ends::<Baseline, 2, CHECK>(mask, src, dst, len)
        } else {
            mask_from_both_ends::<Baseline, 4, CHECK>(mask, src, dst, len)
        }
    }
}

/// [`mask_octets`] for more than 128 octets, by the level.
///
/// # Safety
///
/// As for [`mask_octets`], and `len` > 128.
#[inline(never)]
unsafe fn mask_long<const CHECK: bool>(
    mask: MaskKey,
    level: Level,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise; `len` is more than any vector's width; and a `Level` exists only for instructions
    // that the CPU has.
    unsafe {
        match level.instructions() {
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Instructions::Sse2 => super::x86::mask_by_sse2::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Instructions::Avx2 => super::x86::mask_by_avx2::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Instructions::Avx512 => super::x86::mask_by_avx512::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Instructions::Neon => super::neon::mask_by_neon::<CHECK>(mask, src, dst, len),
            _ => scalar::mask_by_words::<CHECK>(mask, src, dst, len),
        }
    }
}
