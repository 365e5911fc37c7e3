//! Vectors of x86-64: SSE2, AVX2 and AVX-512.
#![allow(
    unsafe_code,
    reason = "vector instructions, and loads and stores through the kernel's raw pointers"
)]

use core::arch::x86_64::*;

use super::key::MaskKey;
use super::vector::{Vector, mask_in_one_pass};

/// The kernel over SSE2.
///
/// # Safety
///
/// As for [`mask_in_one_pass`] over 16 octets.
#[target_feature(enable = "sse2")]
pub(super) unsafe fn mask_by_sse2<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for SSE2.
    unsafe { mask_in_one_pass::<__m128i, CHECK>(mask, src, dst, len) }
}

/// The kernel over AVX2.
///
/// # Safety
///
/// As for [`mask_in_one_pass`] over 32 octets, and the CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn mask_by_avx2<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for AVX2.
    unsafe { mask_in_one_pass::<__m256i, CHECK>(mask, src, dst, len) }
}

/// The kernel over AVX-512.
///
/// # Safety
///
/// As for [`mask_in_one_pass`] over 64 octets, and the CPU has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn mask_by_avx512<const CHECK: bool>(
    mask: MaskKey,
    src: *const u8,
    dst: *mut u8,
    len: usize,
) -> bool {
    // SAFETY: the caller's promise, and this function is compiled for AVX-512 F.
    unsafe { mask_in_one_pass::<__m512i, CHECK>(mask, src, dst, len) }
}

macro_rules! vector {
    ($vector:ty, $splat:ident, $load:ident, $store:ident, $xor:ident, $or:ident, |$v:ident| $is_ascii:expr) => {
        impl Vector for $vector {
            const WIDTH: usize = size_of::<Self>();

            #[inline(always)]
            unsafe fn splat(word: u32) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $splat(word.cast_signed()) }
            }

            #[inline(always)]
            unsafe fn load(at: *const u8) -> Self {
                // SAFETY: the caller promises the instructions and the octets; the load need not be aligned.
                unsafe { $load(at.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, at: *mut u8) {
                // SAFETY: the caller promises the instructions and the octets; the store need not be aligned.
                unsafe { $store(at.cast(), self) }
            }

            #[inline(always)]
            unsafe fn xor(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $xor(self, other) }
            }

            #[inline(always)]
            unsafe fn or(self, other: Self) -> Self {
                // SAFETY: the caller promises the instructions.
                unsafe { $or(self, other) }
            }

            #[inline(always)]
            unsafe fn is_ascii(self) -> bool {
                let $v = self;
                // SAFETY: the caller promises the instructions.
                unsafe { $is_ascii }
            }
        }
    };
}

vector!(
    __m128i,
    _mm_set1_epi32,
    _mm_loadu_si128,
    _mm_storeu_si128,
    _mm_xor_si128,
    _mm_or_si128,
    |v| _mm_movemask_epi8(v) == 0
);
vector!(
    __m256i,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_xor_si256,
    _mm256_or_si256,
    |v| _mm256_movemask_epi8(v) == 0
);
vector!(
    __m512i,
    _mm512_set1_epi32,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_xor_si512,
    _mm512_or_si512,
    |v| _mm512_test_epi32_mask(v, _mm512_set1_epi32(0x8080_8080_u32.cast_signed())) == 0
);
