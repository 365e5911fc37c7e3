//! The masking algorithms, over any [`Vector`].
//!
//! No octet is handled alone. The vectors at both ends are loaded before anything is stored and stored after everything else, so
//! they may overlap what is between them: where two stores overlap, they store the same. What is between them is stored at
//! aligned addresses, which is twice as fast at 64 octets a store. The choice by length and level is in `kernel`.
#![allow(
    unsafe_code,
    reason = "vectors are loaded through raw pointers, so that one kernel serves both in place and into fresh memory"
)]

use super::key::MaskKey;

/// A register of octets.
pub(super) trait Vector: Copy {
    /// The number of octets: a power of two, at least 4.
    const WIDTH: usize;

    /// The word, repeated.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions of this vector. All functions here require that.
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

/// Masks a payload that is covered by `N` vectors at each end, which may overlap.
///
/// # Safety
///
/// As for [`mask_in_one_pass`]; `len` is at least `N` and at most `2 * N` widths of `V`; and the CPU has the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn mask_from_both_ends<V: Vector, const N: usize, const CHECK: bool>(
    mask: MaskKey,
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

/// Masks `len` octets, of at least one vector, from `src` to `dst`. With `CHECK`, returns whether the result is ASCII; without
/// it, returns true.
///
/// # Safety
///
/// `len` octets at `src` are readable and initialised, `len` octets at `dst` are writable, and the two are either the same or
/// disjoint; `len` is at least the width of `V`; and the CPU has the instructions of `V`. It is to be inlined into a
/// function that is compiled for them.
#[inline(always)]
pub(super) unsafe fn mask_in_one_pass<V: Vector, const CHECK: bool>(
    mask: MaskKey,
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
