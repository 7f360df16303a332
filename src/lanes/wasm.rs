//! WebAssembly's fixed-width vectors, which every browser in use has. Its *relaxed* ones are left alone: the integer kernels
//! gain nothing from them, and what they compute differs between machines.

use super::Lanes;
use core::arch::wasm32::*;

/// Four lanes.
#[derive(Debug, Clone, Copy)]
pub struct Simd128;

/// Added to an f32 below 2²² in size, its bits are those of this number plus the rounded value. To convert would be half a
/// dozen instructions, for the sake of NaN.
const ROUNDER: f32 = 12_582_912.0;

impl Lanes for Simd128 {
    const WIDTH: usize = 4;
    type Floats = v128;
    type Integers = v128;
    type Pairs = v128;

    #[inline(always)]
    unsafe fn run(kernel: impl FnOnce()) {
        kernel();
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> v128 {
        f32x4_splat(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> v128 {
        // SAFETY: the caller's promise; these loads need no alignment.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(values: v128, to: *mut f32) {
        // SAFETY: the caller's promise; these stores need no alignment.
        unsafe { v128_store(to.cast(), values) }
    }

    #[inline(always)]
    unsafe fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    unsafe fn multiply(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    // One instruction each, where `min` and `max` with their rules for NaN and −0 are several.
    #[inline(always)]
    unsafe fn smaller(a: v128, b: v128) -> v128 {
        f32x4_pmin(a, b)
    }

    #[inline(always)]
    unsafe fn larger(a: v128, b: v128) -> v128 {
        f32x4_pmax(a, b)
    }

    #[inline(always)]
    unsafe fn store_rounded(values: v128, to: *mut i16) {
        let rounder = f32x4_splat(ROUNDER);
        let rounded = i32x4_sub(f32x4_add(values, rounder), rounder);
        // SAFETY: the caller's promise: room for four i16, which are eight bytes.
        unsafe { v128_store64_lane::<0>(i16x8_narrow_i32x4(rounded, rounded), to.cast()) }
    }

    #[inline(always)]
    unsafe fn store_firsts(values: v128, to: *mut i16) {
        let rounder = f32x4_splat(ROUNDER);
        // SAFETY: the caller's promise; these stores need no alignment.
        unsafe { v128_store(to.cast(), i32x4_sub(f32x4_add(values, rounder), rounder)) }
    }

    #[inline(always)]
    unsafe fn store_seconds(values: v128, to: *mut i16) {
        // The lower half of the rounder's own bits is zero: shifted, nothing is left of it.
        let rounded = i32x4_shl(f32x4_add(values, f32x4_splat(ROUNDER)), 16);
        // SAFETY: the caller's promise; these loads and stores need no alignment.
        unsafe { v128_store(to.cast(), v128_or(v128_load(to.cast()), rounded)) }
    }

    #[inline(always)]
    unsafe fn no_integers() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> v128 {
        // SAFETY: the caller's promise; these loads need no alignment.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> v128 {
        // SAFETY: the caller's promise; these loads need no alignment.
        unsafe { v128_load32_splat(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot_add(sum: v128, a: v128, b: v128) -> v128 {
        i32x4_add(sum, i32x4_dot_i16x8(a, b))
    }

    #[inline(always)]
    unsafe fn add_integers(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline(always)]
    unsafe fn subtract_integers(a: v128, b: v128) -> v128 {
        i32x4_sub(a, b)
    }

    #[inline(always)]
    unsafe fn store_integers(integers: v128, to: *mut i32) {
        // SAFETY: the caller's promise; these stores need no alignment.
        unsafe { v128_store(to.cast(), integers) }
    }

    #[inline(always)]
    unsafe fn to_floats(integers: v128) -> v128 {
        f32x4_convert_i32x4(integers)
    }
}
