//! Validation over AVX2 and AVX-512, for the bulk of a piece.
//!
//! The method is that of John Keiser and Daniel Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2020): three
//! table lookups tell which errors an octet and the one before it may be part of, and only an error that all three agree on
//! is one. What the octets two and three places before ask for is compared with that. Here the neighbours are loaded from
//! memory, one place further down each, where the paper shuffles registers: loads have ports of their own.
#![allow(
    unsafe_code,
    reason = "vector instructions, and loads through raw pointers at any offset"
)]

use core::arch::x86_64::*;

use super::{CHUNK, CONTEXT};

/// Whether the text is right from its fourth octet on, given that its first three are. It must not end within a code point:
/// one that is cut is not noticed.
///
/// # Safety
///
/// The CPU has AVX2. The text is at least as long as a chunk and its context.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2(text: &[u8]) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for AVX2.
    unsafe { is_valid::<__m256i>(text) }
}

/// As [`avx2`].
///
/// # Safety
///
/// The CPU has AVX-512 F and BW. The text is at least as long as a chunk and its context.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn avx512(text: &[u8]) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for AVX-512 F and BW.
    unsafe { is_valid::<__m512i>(text) }
}

/// See [`avx2`].
///
/// # Safety
///
/// The CPU has the instructions of `V`, for which the caller is compiled. The text is at least as long as a chunk and its
/// context.
#[inline(always)]
unsafe fn is_valid<V: Vector>(text: &[u8]) -> bool {
    let (start, len) = (text.as_ptr(), text.len());
    debug_assert!(len >= CONTEXT + CHUNK);
    // SAFETY: a chunk begins at 3 or later, and ends at `len` or before. The first does by the caller's promise, which also is
    // what the last needs, as it begins at `len - CHUNK`. The others do by the condition of the loop: `at` is 68 at least
    // from the first on, and only grows by what was seen to be there.
    unsafe {
        let mut wrong = V::splat(0);
        let mut calm = true;
        if !is_ascii::<V>(start, CONTEXT + CHUNK) {
            wrong = chunk::<V>(start.add(CONTEXT));
            calm = false;
        }
        // Some octets are seen twice, so that those after them lie as vectors like it best.
        let mut at = CONTEXT + CHUNK;
        at -= start.add(at).addr() % V::WIDTH;
        while len - at >= CHUNK {
            // Where there was ASCII, there will be more.
            if calm && len - at >= RUN && is_ascii::<V>(start.add(at - CONTEXT), CONTEXT + RUN) {
                at += RUN;
                continue;
            }
            calm = is_ascii::<V>(start.add(at - CONTEXT), CONTEXT + CHUNK);
            if !calm {
                wrong = wrong.or(chunk::<V>(start.add(at)));
            }
            at += CHUNK;
        }
        if at < len {
            wrong = wrong.or(chunk::<V>(start.add(len - CHUNK)));
        }
        wrong.is_zero()
    }
}

/// Octets that are skipped in one go in a run of ASCII.
const RUN: usize = 4 * CHUNK;

/// Whether `len` octets are ASCII.
///
/// # Safety
///
/// The CPU has the instructions of `V`. `len` octets at `at` are readable and initialised; it is at least a width.
#[inline(always)]
unsafe fn is_ascii<V: Vector>(at: *const u8, len: usize) -> bool {
    // SAFETY: the first vector is within `len` octets by the caller's promise. The others end where the octets end: they
    // are as many as are whole, and what they leave at the start is less than a width, which the first one has seen.
    unsafe {
        let mut seen = V::load(at);
        let rest = len % V::WIDTH;
        for n in 0..len / V::WIDTH {
            seen = seen.or(V::load(at.add(rest + n * V::WIDTH)));
        }
        seen.is_ascii()
    }
}

/// What is wrong with the octets of a chunk: zero if nothing is.
///
/// # Safety
///
/// The CPU has the instructions of `V`. A chunk at `at`, and the context before it, are readable and initialised.
#[inline(always)]
unsafe fn chunk<V: Vector>(at: *const u8) -> V {
    const { assert!(CHUNK.is_multiple_of(V::WIDTH)) }
    // SAFETY: the vectors lie within the chunk and its context.
    unsafe {
        let mut wrong = V::splat(0);
        for n in 0..CHUNK / V::WIDTH {
            wrong = wrong.or(check::<V>(at.add(n * V::WIDTH)));
        }
        wrong
    }
}

/// What is wrong with the octets of one vector.
///
/// # Safety
///
/// The CPU has the instructions of `V`. A vector at `at`, and the context before it, are readable and initialised.
#[inline(always)]
unsafe fn check<V: Vector>(at: *const u8) -> V {
    // SAFETY: the vectors begin at most three octets earlier.
    unsafe {
        let input = V::load(at);
        let before = V::load(at.sub(1));
        let before_2 = V::load(at.sub(2));
        let before_3 = V::load(at.sub(3));
        let low = V::splat(0x0F);
        let pairs = V::table(&BEFORE_HIGH)
            .lookup(before.shift_right_4().and(low))
            .and(V::table(&BEFORE_LOW).lookup(before.and(low)))
            .and(V::table(&HIGH).lookup(input.shift_right_4().and(low)));
        // The highest bit where the octet two places before leads three or more, or the one three places before leads four:
        // there, and only there, two continuations in a row are right.
        let third = before_2.saturating_sub(V::splat(0xE0 - 0x80));
        let fourth = before_3.saturating_sub(V::splat(0xF0 - 0x80));
        let asked = third.or(fourth).and(V::splat(0x80));
        asked.xor(pairs)
    }
}

// The errors that two octets in a row may be part of.
/// A lead, then no continuation.
const TOO_SHORT: u8 = 1 << 0;
/// ASCII, then a continuation.
const TOO_LONG: u8 = 1 << 1;
/// E0, then a continuation below A0.
const OVERLONG_3: u8 = 1 << 2;
/// F4 and a continuation above 8F, or a greater lead.
const TOO_LARGE: u8 = 1 << 3;
/// ED, then a continuation above 9F.
const SURROGATE: u8 = 1 << 4;
/// C0 or C1.
const OVERLONG_2: u8 = 1 << 5;
/// A lead greater than F4, then a continuation below 90.
const TOO_LARGE_1000: u8 = 1 << 6;
/// F0, then a continuation below 90. It shares its bit with the one before, which another first octet tells apart.
const OVERLONG_4: u8 = 1 << 6;
/// Two continuations, which is an error or not by what is before them.
const TWO_CONTINUATIONS: u8 = 1 << 7;
/// Errors for which the low half of the first octet doesn't matter.
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/// By the high half of the octet before.
const BEFORE_HIGH: [u8; 16] = {
    let mut table = [TOO_LONG; 16];
    table[0x8] = TWO_CONTINUATIONS;
    table[0x9] = TWO_CONTINUATIONS;
    table[0xA] = TWO_CONTINUATIONS;
    table[0xB] = TWO_CONTINUATIONS;
    table[0xC] = TOO_SHORT | OVERLONG_2;
    table[0xD] = TOO_SHORT;
    table[0xE] = TOO_SHORT | OVERLONG_3 | SURROGATE;
    table[0xF] = TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4;
    table
};

/// By the low half of the octet before.
const BEFORE_LOW: [u8; 16] = {
    let mut table = [ANY_LOW | TOO_LARGE | TOO_LARGE_1000; 16];
    table[0x0] = ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4;
    table[0x1] = ANY_LOW | OVERLONG_2;
    table[0x2] = ANY_LOW;
    table[0x3] = ANY_LOW;
    table[0x4] = ANY_LOW | TOO_LARGE;
    table[0xD] = ANY_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE;
    table
};

/// By the high half of the octet.
const HIGH: [u8; 16] = {
    const CONTINUATION: u8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
    let mut table = [TOO_SHORT; 16];
    table[0x8] = CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4;
    table[0x9] = CONTINUATION | OVERLONG_3 | TOO_LARGE;
    table[0xA] = CONTINUATION | SURROGATE | TOO_LARGE;
    table[0xB] = CONTINUATION | SURROGATE | TOO_LARGE;
    table
};

/// A register full of octets.
///
/// # Safety
///
/// All of its functions ask that the CPU has the vector's instructions, and `load` that `WIDTH` octets are readable.
#[allow(
    clippy::missing_safety_doc,
    reason = "the trait says it for all of them"
)]
trait Vector: Copy {
    const WIDTH: usize;
    unsafe fn splat(octet: u8) -> Self;
    /// The table, once in every 16 octets.
    unsafe fn table(table: &[u8; 16]) -> Self;
    unsafe fn load(at: *const u8) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    unsafe fn xor(self, other: Self) -> Self;
    unsafe fn saturating_sub(self, other: Self) -> Self;
    /// Shifts pairs of octets; bits from the one come into the other.
    unsafe fn shift_right_4(self) -> Self;
    /// The table's octets at these indices, which are below 16.
    unsafe fn lookup(self, indices: Self) -> Self;
    unsafe fn is_ascii(self) -> bool;
    unsafe fn is_zero(self) -> bool;
}

macro_rules! vector {
    ($vector:ty, $splat:ident, $broadcast:ident, $load:ident, $and:ident, $or:ident, $xor:ident, $sub:ident, $shift:ident,
     $shuffle:ident, |$v:ident| $is_ascii:expr, $is_zero:expr) => {
        impl Vector for $vector {
            const WIDTH: usize = size_of::<Self>();

            #[inline(always)]
            unsafe fn splat(octet: u8) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $splat(octet.cast_signed()) }
            }

            #[inline(always)]
            unsafe fn table(table: &[u8; 16]) -> Self {
                // SAFETY: the caller promises the instructions; the table is 16 octets, which need not be aligned.
                unsafe { $broadcast(_mm_loadu_si128(table.as_ptr().cast())) }
            }

            #[inline(always)]
            unsafe fn load(at: *const u8) -> Self {
                // SAFETY: the caller promises the instructions and the octets, which need not be aligned.
                unsafe { $load(at.cast()) }
            }

            #[inline(always)]
            unsafe fn and(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $and(self, other) }
            }

            #[inline(always)]
            unsafe fn or(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $or(self, other) }
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $xor(self, other) }
            }

            #[inline(always)]
            unsafe fn saturating_sub(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $sub(self, other) }
            }

            #[inline(always)]
            unsafe fn shift_right_4(self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $shift::<4>(self) }
            }

            #[inline(always)]
            unsafe fn lookup(self, indices: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $shuffle(self, indices) }
            }

            #[inline(always)]
            unsafe fn is_ascii(self) -> bool {
                let $v = self;
                // SAFETY: the caller promises the instructions.
                unsafe { $is_ascii }
            }

            #[inline(always)]
            unsafe fn is_zero(self) -> bool {
                let $v = self;
                // SAFETY: the caller promises the instructions.
                unsafe { $is_zero }
            }
        }
    };
}

vector!(
    __m256i,
    _mm256_set1_epi8,
    _mm256_broadcastsi128_si256,
    _mm256_loadu_si256,
    _mm256_and_si256,
    _mm256_or_si256,
    _mm256_xor_si256,
    _mm256_subs_epu8,
    _mm256_srli_epi16,
    _mm256_shuffle_epi8,
    |v| _mm256_movemask_epi8(v) == 0,
    _mm256_testz_si256(v, v) == 1
);
vector!(
    __m512i,
    _mm512_set1_epi8,
    _mm512_broadcast_i32x4,
    _mm512_loadu_si512,
    _mm512_and_si512,
    _mm512_or_si512,
    _mm512_xor_si512,
    _mm512_subs_epu8,
    _mm512_srli_epi16,
    _mm512_shuffle_epi8,
    |v| _mm512_movepi8_mask(v) == 0,
    _mm512_test_epi32_mask(v, v) == 0
);
