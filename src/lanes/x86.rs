//! x86-64: SSE2, which all of them have, and AVX2, which is asked for at run time.

use super::Lanes;
use core::arch::x86_64::*;

/// Four lanes.
#[derive(Debug, Clone, Copy)]
pub struct Sse2;

// SAFETY of every operation here: SSE2 is part of x86-64; what pointers point to is the caller's promise.
impl Lanes for Sse2 {
    const WIDTH: usize = 4;
    type Floats = __m128;
    type Integers = __m128i;
    type Pairs = __m128i;

    #[inline(always)]
    unsafe fn run(kernel: impl FnOnce()) {
        kernel();
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m128 {
        unsafe { _mm_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m128 {
        unsafe { _mm_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(values: __m128, to: *mut f32) {
        unsafe { _mm_storeu_ps(to, values) }
    }

    #[inline(always)]
    unsafe fn add(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn multiply(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn smaller(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_min_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn larger(a: __m128, b: __m128) -> __m128 {
        unsafe { _mm_max_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn store_rounded(values: __m128, to: *mut i16) {
        unsafe {
            let rounded = _mm_cvtps_epi32(values);
            _mm_storel_epi64(to.cast(), _mm_packs_epi32(rounded, rounded))
        }
    }

    #[inline(always)]
    unsafe fn store_firsts(values: __m128, to: *mut i16) {
        unsafe { _mm_storeu_si128(to.cast(), _mm_cvtps_epi32(values)) }
    }

    #[inline(always)]
    unsafe fn store_seconds(values: __m128, to: *mut i16) {
        unsafe {
            let seconds = _mm_slli_epi32(_mm_cvtps_epi32(values), 16);
            _mm_storeu_si128(to.cast(), _mm_or_si128(_mm_loadu_si128(to.cast()), seconds))
        }
    }

    #[inline(always)]
    unsafe fn no_integers() -> __m128i {
        unsafe { _mm_setzero_si128() }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> __m128i {
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> __m128i {
        unsafe { _mm_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot_add(sum: __m128i, a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_add_epi32(sum, _mm_madd_epi16(a, b)) }
    }

    #[inline(always)]
    unsafe fn add_integers(a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn subtract_integers(a: __m128i, b: __m128i) -> __m128i {
        unsafe { _mm_sub_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn store_integers(integers: __m128i, to: *mut i32) {
        unsafe { _mm_storeu_si128(to.cast(), integers) }
    }

    #[inline(always)]
    unsafe fn to_floats(integers: __m128i) -> __m128 {
        unsafe { _mm_cvtepi32_ps(integers) }
    }
}

/// Eight lanes.
#[derive(Debug, Clone, Copy)]
pub struct Avx2;

#[target_feature(enable = "avx2")]
fn with_avx2(kernel: impl FnOnce()) {
    kernel();
}

// SAFETY of every operation here: called inside `run`, whose caller promised that the processor has AVX2.
impl Lanes for Avx2 {
    const WIDTH: usize = 8;
    type Floats = __m256;
    type Integers = __m256i;
    type Pairs = __m256i;

    #[inline(always)]
    unsafe fn run(kernel: impl FnOnce()) {
        // SAFETY: the caller's promise.
        unsafe { with_avx2(kernel) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(values: __m256, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, values) }
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn multiply(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn smaller(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn larger(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(b, a) }
    }

    #[inline(always)]
    unsafe fn store_rounded(values: __m256, to: *mut i16) {
        unsafe {
            let rounded = _mm256_cvtps_epi32(values);
            let (low, high) = (_mm256_castsi256_si128(rounded), _mm256_extracti128_si256::<1>(rounded));
            _mm_storeu_si128(to.cast(), _mm_packs_epi32(low, high));
        }
    }

    #[inline(always)]
    unsafe fn store_firsts(values: __m256, to: *mut i16) {
        unsafe { _mm256_storeu_si256(to.cast(), _mm256_cvtps_epi32(values)) }
    }

    #[inline(always)]
    unsafe fn store_seconds(values: __m256, to: *mut i16) {
        unsafe {
            let seconds = _mm256_slli_epi32(_mm256_cvtps_epi32(values), 16);
            _mm256_storeu_si256(to.cast(), _mm256_or_si256(_mm256_loadu_si256(to.cast()), seconds))
        }
    }

    #[inline(always)]
    unsafe fn no_integers() -> __m256i {
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> __m256i {
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot_add(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)) }
    }

    #[inline(always)]
    unsafe fn add_integers(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn subtract_integers(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_sub_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn store_integers(integers: __m256i, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), integers) }
    }

    #[inline(always)]
    unsafe fn to_floats(integers: __m256i) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(integers) }
    }
}
