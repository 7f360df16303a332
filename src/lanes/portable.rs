//! Plain Rust over arrays: what every target has, and what the others are tested against.

use super::Lanes;

/// Four lanes, in whatever the compiler makes of them.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")),
    allow(dead_code, reason = "there the tests alone use it")
)]
pub struct Portable;

const WIDTH: usize = 4;

/// Added to an f32 below 2²² in size, its bits are those of this number plus the rounded value.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest integers, of values within ±32767.
#[inline(always)]
fn rounded(values: [f32; WIDTH]) -> [i16; WIDTH] {
    values.map(|value| ((value + ROUNDER).to_bits() as i32 - ROUNDER.to_bits() as i32) as i16)
}

impl Lanes for Portable {
    const WIDTH: usize = WIDTH;
    type Floats = [f32; WIDTH];
    type Integers = [i32; WIDTH];
    type Pairs = [[i16; 2]; WIDTH];

    #[inline(always)]
    unsafe fn run(kernel: impl FnOnce()) {
        kernel();
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Floats {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Floats {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<Self::Floats>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(values: Self::Floats, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self::Floats>().write_unaligned(values) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    unsafe fn smaller(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        std::array::from_fn(|lane| if b[lane] < a[lane] { b[lane] } else { a[lane] })
    }

    #[inline(always)]
    unsafe fn larger(a: Self::Floats, b: Self::Floats) -> Self::Floats {
        std::array::from_fn(|lane| if a[lane] < b[lane] { b[lane] } else { a[lane] })
    }

    #[inline(always)]
    unsafe fn store_rounded(values: Self::Floats, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[i16; WIDTH]>().write_unaligned(rounded(values)) }
    }

    #[inline(always)]
    unsafe fn store_firsts(values: Self::Floats, to: *mut i16) {
        let pairs = rounded(values).map(|first| [first, 0]);
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self::Pairs>().write_unaligned(pairs) }
    }

    #[inline(always)]
    unsafe fn store_seconds(values: Self::Floats, to: *mut i16) {
        let seconds = rounded(values);
        // SAFETY: the caller's promise.
        unsafe {
            let pairs = to.cast::<Self::Pairs>().read_unaligned();
            let pairs: Self::Pairs = std::array::from_fn(|lane| [pairs[lane][0], pairs[lane][1] | seconds[lane]]);
            to.cast::<Self::Pairs>().write_unaligned(pairs);
        }
    }

    #[inline(always)]
    unsafe fn no_integers() -> Self::Integers {
        [0; WIDTH]
    }

    #[inline(always)]
    unsafe fn load_pairs(from: *const i16) -> Self::Pairs {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<Self::Pairs>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn splat_pair(from: *const i16) -> Self::Pairs {
        // SAFETY: the caller's promise.
        [unsafe { from.cast::<[i16; 2]>().read_unaligned() }; WIDTH]
    }

    #[inline(always)]
    unsafe fn dot_add(sum: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers {
        std::array::from_fn(|lane| {
            let product = |place: usize| i32::from(a[lane][place]) * i32::from(b[lane][place]);
            sum[lane].wrapping_add(product(0) + product(1))
        })
    }

    #[inline(always)]
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    unsafe fn subtract_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers {
        std::array::from_fn(|lane| a[lane].wrapping_sub(b[lane]))
    }

    #[inline(always)]
    unsafe fn store_integers(integers: Self::Integers, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self::Integers>().write_unaligned(integers) }
    }

    #[inline(always)]
    unsafe fn to_floats(integers: Self::Integers) -> Self::Floats {
        integers.map(|integer| integer as f32)
    }
}
