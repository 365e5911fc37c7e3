//! The masking kernel: one algorithm over any [`Vector`], in place or from one place into another.
//!
//! Whatever the length, no octet is handled alone but in payloads of less than four. Both ends are loaded before anything is
//! stored and stored after everything else, so that they may overlap what lies between them: where two stores meet, they
//! store the same. What lies between is stored at aligned addresses, which is worth a factor of two at 64 octets a store.
#![allow(
    unsafe_code,
    reason = "vectors are loaded through raw pointers, so that one kernel serves both in place and into fresh memory"
)]

use super::{Mask, scalar};
use crate::words::simd::{Instructions, Level};

/// A register full of octets.
pub(super) trait Vector: Copy {
    /// Octets in it: a power of two, and at least 4.
    const WIDTH: usize;

    /// The word, over and over.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions of this vector. So for all functions here.
    unsafe fn splat(word: u32) -> Self;

    /// The octets at `at`, which need not be aligned.
    ///
    /// # Safety
    ///
    /// `WIDTH` octets at `at` are readable and initialised.
    unsafe fn load(at: *const u8) -> Self;

    /// Puts the octets at `at`, which need not be aligned.
    ///
    /// # Safety
    ///
    /// `WIDTH` octets at `at` are writable.
    unsafe fn store(self, at: *mut u8);

    /// Exclusive or.
    ///
    /// # Safety
    ///
    /// As for [`splat`](Self::splat).
    unsafe fn xor(self, other: Self) -> Self;

    /// Inclusive or.
    ///
    /// # Safety
    ///
    /// As for [`splat`](Self::splat).
    unsafe fn or(self, other: Self) -> Self;

    /// Whether no octet has its highest bit set.
    ///
    /// # Safety
    ///
    /// As for [`splat`](Self::splat).
    unsafe fn is_ascii(self) -> bool;
}

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

/// [`run`] for payloads of which `N` vectors at either end, overlapping or not, are the whole.
///
/// # Safety
///
/// As for [`run`]; `len` is at least `N` and at most `2 * N` widths of `V`; and the CPU has the instructions of `V`.
#[inline(always)]
unsafe fn ends<V: Vector, const N: usize, const CHECK: bool>(
    mask: Mask,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    debug_assert!((N * V::WIDTH..=2 * N * V::WIDTH).contains(&len));
    // SAFETY: offsets go from 0 up to `N` widths, and from `len` down by `N` widths: at most `len` by the caller's
    // promise, so that all accesses are within it. Everything is loaded before anything is stored.
    unsafe {
        let key = V::splat(mask.word());
        // `len - n * WIDTH` is the offset, of which only the remainder by 4 counts, and WIDTH is a multiple of that.
        let back_key = V::splat(mask.advanced(len).word());
        let (mut front, mut back) = ([key; N], [back_key; N]);
        for n in 0..N {
            front[n] = V::load(src.add(n * V::WIDTH)).xor(key);
            back[n] = V::load(src.add(len - (n + 1) * V::WIDTH)).xor(back_key);
        }
        let mut seen = front[0].or(back[0]);
        for n in 0..N {
            front[n].store(dst.add(n * V::WIDTH));
            back[n].store(dst.add(len - (n + 1) * V::WIDTH));
            seen = seen.or(front[n].or(back[n]));
        }
        !CHECK || seen.is_ascii()
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

/// [`run`] for any payload of at least one vector.
///
/// # Safety
///
/// As for [`run`]; `len` is at least the width of `V`; and the CPU has the instructions of `V`. It is to be inlined into a
/// function that is compiled for them.
#[inline(always)]
pub(super) unsafe fn pass<V: Vector, const CHECK: bool>(
    mask: Mask,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    debug_assert!(len >= V::WIDTH);
    // SAFETY: the front is at 0 and the back ends at `len`, which is at least a width. `at` only grows while all that is
    // accessed from it ends at or before `len`. In place, the loops load what nothing has stored to yet: stores so far went
    // to lower offsets from `start` on, and both ends are in registers until the end. Stores initialise all of `dst`: the
    // front does up to `start`, which is at most a width; the loops up to `at`; and the back the rest, which is less than
    // a width.
    unsafe {
        let front = V::load(src).xor(V::splat(mask.word()));
        let last = len - V::WIDTH;
        let back = V::load(src.add(last)).xor(V::splat(mask.advanced(last).word()));
        let mut seen = front.or(back);

        let start = V::WIDTH - dst.addr() % V::WIDTH;
        let key = V::splat(mask.advanced(start).word());
        let mut at = start;
        while len - at >= 4 * V::WIDTH {
            let a = V::load(src.add(at)).xor(key);
            let b = V::load(src.add(at + V::WIDTH)).xor(key);
            let c = V::load(src.add(at + 2 * V::WIDTH)).xor(key);
            let d = V::load(src.add(at + 3 * V::WIDTH)).xor(key);
            a.store(dst.add(at));
            b.store(dst.add(at + V::WIDTH));
            c.store(dst.add(at + 2 * V::WIDTH));
            d.store(dst.add(at + 3 * V::WIDTH));
            if CHECK {
                seen = seen.or(a.or(b).or(c.or(d)));
            }
            at += 4 * V::WIDTH;
        }
        while len - at >= V::WIDTH {
            let a = V::load(src.add(at)).xor(key);
            a.store(dst.add(at));
            if CHECK {
                seen = seen.or(a);
            }
            at += V::WIDTH;
        }

        front.store(dst);
        back.store(dst.add(last));
        !CHECK || seen.is_ascii()
    }
}
