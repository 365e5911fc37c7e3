//! The choice of the masking kernel: by the payload's length, and for long ones by the SIMD level; in place, or from one place into
//! another. The algorithms are in `vector`.
#![allow(
    unsafe_code,
    reason = "kernels take raw pointers, so that one serves both in place and into fresh memory"
)]

use super::vector::{Vector, ends};
use super::{Mask, scalar};
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
use crate::words::simd::Instructions;
use crate::words::simd::Level;

/// A vector of 16 octets that every CPU has which this build is for. Targets without floating point lack SSE2 and NEON.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
type Baseline = core::arch::x86_64::__m128i;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
type Baseline = core::arch::aarch64::uint8x16_t;
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
)))]
type Baseline = scalar::Pair;

/// Up to here a payload is done in line, with the baseline's vectors: a call through the level would cost more than wider
/// vectors save.
const SHORT: usize = 128;

/// The most octets that [`append_behind`] puts in front of a payload.
#[cfg(feature = "alloc")]
pub(super) const FRONT: usize = 16;

/// Masks in place. With `CHECK`, tells whether the result is ASCII; without, says so.
#[inline(always)]
pub(super) fn apply<const CHECK: bool>(mask: Mask, level: Level, payload: &mut [u8]) -> bool {
    let len = payload.len();
    let at = payload.as_mut_ptr();
    // SAFETY: `len` octets at `at` are readable, initialised and writable: they are `payload`. Source and destination are
    // the same pointer.
    unsafe { run::<CHECK>(mask, level, at, at, len) }
}

/// Masks from one place into another. `CHECK` as for [`apply`].
#[inline(always)]
pub(super) fn copy<const CHECK: bool>(
    mask: Mask,
    level: Level,
    from: &[u8],
    to: &mut [u8],
) -> bool {
    assert!(from.len() == to.len(), "masking from one length into another");
    // SAFETY: `from` is readable and initialised, `to` as long and writable; a shared and a unique borrow are disjoint.
    unsafe { run::<CHECK>(mask, level, from.as_ptr(), to.as_mut_ptr(), from.len()) }
}

/// Appends the masked payload. `CHECK` as for [`apply`].
#[cfg(feature = "alloc")]
#[inline(always)]
pub(super) fn append<const CHECK: bool>(
    mask: Mask,
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
    let ascii =
        unsafe { run::<CHECK>(mask, level, payload.as_ptr(), spare.as_mut_ptr().cast(), len) };
    // SAFETY: `run` has initialised `len` octets after the vector's length, and they are within its capacity. The sum
    // can't overflow: it is at most the capacity.
    unsafe { out.set_len(out.len() + len) };
    ascii
}

/// Appends the first `front_len` octets of `front`, and behind them the masked payload: a frame with room made once.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(super) fn append_behind(
    front: [u8; FRONT],
    front_len: usize,
    mask: Mask,
    level: Level,
    payload: &[u8],
    out: &mut alloc::vec::Vec<u8>,
) {
    assert!(front_len <= FRONT, "more of the front than there is");
    let len = payload.len();
    // A slice has at most `isize::MAX` octets, so that the sum can't overflow.
    out.reserve(FRONT + len);
    let spare = out.spare_capacity_mut();
    debug_assert!(spare.len() >= FRONT + len);
    let at = spare.as_mut_ptr().cast::<u8>();
    // SAFETY: after `reserve`, `FRONT + len` octets at `at` are writable, so that the front fits, whole as it is stored, and
    // the payload behind `front_len` of its octets; `payload` is readable and initialised, and a shared and a unique borrow
    // are disjoint.
    unsafe {
        at.cast::<[u8; FRONT]>().write_unaligned(front);
        run::<false>(mask, level, payload.as_ptr(), at.add(front_len), len);
    }
    // SAFETY: the store and `run` have initialised `front_len + len` octets after the vector's length, and they are within its
    // capacity.
    unsafe { out.set_len(out.len() + front_len + len) };
}

/// Masks `len` octets from `src` to `dst`, and initialises all of `dst`.
///
/// # Safety
///
/// `len` octets at `src` are readable and initialised, `len` octets at `dst` are writable, and the two are either the same
/// or disjoint.
#[inline(always)]
unsafe fn run<const CHECK: bool>(
    mask: Mask,
    level: Level,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise is what both ask for; their lengths are the conditions here; the baseline's
    // instructions are there on every CPU that this build is for.
    unsafe {
        if len < Baseline::WIDTH {
            tiny::<CHECK>(mask, src, dst, len)
        } else if len <= 2 * Baseline::WIDTH {
            ends::<Baseline, 1, CHECK>(mask, src, dst, len)
        } else if len <= SHORT {
            short::<CHECK>(mask, src, dst, len)
        } else {
            long::<CHECK>(mask, level, src, dst, len)
        }
    }
}

/// [`run`] for less than 16 octets.
///
/// # Safety
///
/// As for [`run`], and `len` < 16.
#[inline(always)]
unsafe fn tiny<const CHECK: bool>(mask: Mask, src: *const u8, dst: *mut u8, len: usize) -> bool {
    // SAFETY: the widths of both vectors are at most `len`, and twice the width at least; the vectors are of portable
    // code. In the last branch `len` is 1, 2 or 3: its first, middle and last octet are within it, and are all of it.
    unsafe {
        if len >= 8 {
            ends::<u64, 1, CHECK>(mask, src, dst, len)
        } else if len >= 4 {
            ends::<u32, 1, CHECK>(mask, src, dst, len)
        } else if len > 0 {
            let (middle, last) = (len / 2, len - 1);
            let first_octet = *src ^ mask.0[0];
            let middle_octet = *src.add(middle) ^ mask.0[middle];
            let last_octet = *src.add(last) ^ mask.0[last];
            *dst = first_octet;
            *dst.add(middle) = middle_octet;
            *dst.add(last) = last_octet;
            !CHECK || (first_octet | middle_octet | last_octet).is_ascii()
        } else {
            true
        }
    }
}

/// [`run`] for 33 to 128 octets.
///
/// # Safety
///
/// As for [`run`], and `len` in 33..=128.
#[inline]
unsafe fn short<const CHECK: bool>(mask: Mask, src: *const u8, dst: *mut u8, len: usize) -> bool {
    // SAFETY: the caller's promise; the lengths fit: 33..=64 is 2 to 4 widths, 65..=128 is 4 to 8; every CPU that
    // this build is for has the baseline's instructions.
    unsafe {
        if len <= 4 * Baseline::WIDTH {
            ends::<Baseline, 2, CHECK>(mask, src, dst, len)
        } else {
            ends::<Baseline, 4, CHECK>(mask, src, dst, len)
        }
    }
}

/// [`run`] for more than 128 octets: here the level counts.
///
/// # Safety
///
/// As for [`run`], and `len` > 128.
#[inline(never)]
unsafe fn long<const CHECK: bool>(
    mask: Mask,
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
            Instructions::Sse2 => super::x86::sse2::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Instructions::Avx2 => super::x86::avx2::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Instructions::Avx512 => super::x86::avx512::<CHECK>(mask, src, dst, len),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Instructions::Neon => super::neon::neon::<CHECK>(mask, src, dst, len),
            _ => scalar::scalar::<CHECK>(mask, src, dst, len),
        }
    }
}
