//! In which numbers the matrix products are computed: 32-bit floats, or 16-bit integers with 32-bit sums.
//!
//! The integers take about three quarters of the time, on any processor that multiplies pairs of i16. Nothing can
//! overflow, whatever the image: inputs are bounded by [`LARGEST`], and the weights are scaled so that even the worst
//! input stays below 2³¹. No calibration is needed either: a rectified value lies in 0..6, and what is not rectified is
//! scaled by its own largest magnitude, image by image.

use crate::lanes::Lanes;
use std::fmt::Debug;

/// How numbers are stored and multiplied.
///
/// # Safety
/// The methods ask what those of [`Lanes`] ask, and `store` and `load` the same for `Value`.
pub(super) trait Arithmetic: Copy + Send + Sync + Debug + 'static {
    /// An input of a matrix product.
    type Value: Copy + Default + Send + Sync + Debug;
    /// A vector of inputs, or of weights.
    type Factors<L: Lanes>: Copy;
    /// A vector of sums.
    type Sums<L: Lanes>: Copy;

    /// Inputs that one lane multiplies at once; a row's length is a multiple. Lines of wide activations are stored in groups
    /// of as many, side by side (see `depthwise`).
    const STEP: usize;
    /// Steps in one turn of the innermost loop.
    const UNROLL: usize;
    /// What the number 6, the largest of a rectified layer, is stored as.
    const SIX: f32;
    /// What a stored 1 of [`Arithmetic::pixel`] means.
    const PIXEL_UNIT: f32;

    /// A byte of the image, 0 to 255, on the network's scale of −1..1 divided by `PIXEL_UNIT`.
    fn pixel(byte: u8) -> Self::Value;
    /// Whether Strassen's multiplication computes the same as the plain one (see `strassen`).
    const EXACT: bool;

    /// One output's weights as stored, and what a stored 1 means. Sums and differences of as many as `together` can be
    /// stored, too.
    fn weights(weights: &[f32], together: usize) -> (Vec<Self::Value>, f32);
    /// a + b, of inputs or weights.
    fn sum(a: Self::Value, b: Self::Value) -> Self::Value;
    /// a − b, of inputs or weights.
    fn difference(a: Self::Value, b: Self::Value) -> Self::Value;
    /// Stores values of any size as as many inputs; returns what a stored 1 means.
    fn inputs<L: Lanes>(values: &[f32], stored: &mut [Self::Value]) -> f32;

    /// Zeros.
    unsafe fn nothing<L: Lanes>() -> Self::Sums<L>;
    /// `STEP` weights a lane.
    unsafe fn load<L: Lanes>(from: *const Self::Value) -> Self::Factors<L>;
    /// `STEP` inputs, the same in every lane.
    unsafe fn splat<L: Lanes>(from: *const Self::Value) -> Self::Factors<L>;
    /// sums + inputs · weights.
    unsafe fn multiply_add<L: Lanes>(
        sums: Self::Sums<L>,
        inputs: Self::Factors<L>,
        weights: Self::Factors<L>,
    ) -> Self::Sums<L>;
    /// a + b in each lane.
    unsafe fn plus<L: Lanes>(a: Self::Sums<L>, b: Self::Sums<L>) -> Self::Sums<L>;
    /// a − b in each lane.
    unsafe fn minus<L: Lanes>(a: Self::Sums<L>, b: Self::Sums<L>) -> Self::Sums<L>;
    /// The sums as floats.
    unsafe fn to_floats<L: Lanes>(sums: Self::Sums<L>) -> L::Floats;
    /// Stores floats, given in units of the stored 1, as inputs.
    unsafe fn store<L: Lanes>(values: L::Floats, to: *mut Self::Value);
    /// Stores rectified floats as inputs of the depthwise convolution, `STEP` values apart: those of a group's line `place`,
    /// whose later lines get zeros.
    unsafe fn store_in_group<L: Lanes>(values: L::Floats, to: *mut Self::Value, place: usize);
}

/// 32-bit floats throughout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Float;

impl Arithmetic for Float {
    type Value = f32;
    type Factors<L: Lanes> = L::Floats;
    type Sums<L: Lanes> = L::Floats;
    const STEP: usize = 1;
    const UNROLL: usize = 1;
    const SIX: f32 = 6.0;
    const PIXEL_UNIT: f32 = 1.0;
    const EXACT: bool = false;

    fn pixel(byte: u8) -> f32 {
        (f32::from(byte) - 127.5) / 127.5
    }

    fn weights(weights: &[f32], _together: usize) -> (Vec<f32>, f32) {
        (weights.to_vec(), 1.0)
    }

    fn sum(a: f32, b: f32) -> f32 {
        a + b
    }

    fn difference(a: f32, b: f32) -> f32 {
        a - b
    }

    fn inputs<L: Lanes>(values: &[f32], stored: &mut [f32]) -> f32 {
        stored.copy_from_slice(values);
        1.0
    }

    #[inline(always)]
    unsafe fn nothing<L: Lanes>() -> L::Floats {
        unsafe { L::splat(0.0) }
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const f32) -> L::Floats {
        unsafe { L::load(from) }
    }

    #[inline(always)]
    unsafe fn splat<L: Lanes>(from: *const f32) -> L::Floats {
        unsafe { L::splat(*from) }
    }

    #[inline(always)]
    unsafe fn multiply_add<L: Lanes>(sums: L::Floats, inputs: L::Floats, weights: L::Floats) -> L::Floats {
        unsafe { L::add(sums, L::multiply(inputs, weights)) }
    }

    #[inline(always)]
    unsafe fn plus<L: Lanes>(a: L::Floats, b: L::Floats) -> L::Floats {
        unsafe { L::add(a, b) }
    }

    #[inline(always)]
    unsafe fn minus<L: Lanes>(a: L::Floats, b: L::Floats) -> L::Floats {
        unsafe { L::add(a, L::multiply(b, L::splat(-1.0))) }
    }

    #[inline(always)]
    unsafe fn to_floats<L: Lanes>(sums: L::Floats) -> L::Floats {
        sums
    }

    #[inline(always)]
    unsafe fn store<L: Lanes>(values: L::Floats, to: *mut f32) {
        unsafe { L::store(values, to) }
    }

    #[inline(always)]
    unsafe fn store_in_group<L: Lanes>(values: L::Floats, to: *mut f32, _place: usize) {
        unsafe { L::store(values, to) }
    }
}

/// No stored input is larger. The more bits an input has, the fewer are left for the weights of a long row: of 2047, 4095,
/// 8191, 16383 and 32767 this one leaves the least error (cosine with floats 0.999998; with 32767, 0.99992).
const LARGEST: f32 = 4095.0;

/// 16-bit integers, summed in 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integer;

impl Arithmetic for Integer {
    type Value = i16;
    type Factors<L: Lanes> = L::Pairs;
    type Sums<L: Lanes> = L::Integers;
    const STEP: usize = 2;
    const UNROLL: usize = 2;
    const SIX: f32 = LARGEST;
    const PIXEL_UNIT: f32 = 1.0 / 255.0;
    const EXACT: bool = true;

    fn pixel(byte: u8) -> i16 {
        // (byte − 127.5) / 127.5 exactly.
        2 * i16::from(byte) - 255
    }

    fn sum(a: i16, b: i16) -> i16 {
        a.wrapping_add(b)
    }

    fn difference(a: i16, b: i16) -> i16 {
        a.wrapping_sub(b)
    }

    fn weights(weights: &[f32], together: usize) -> (Vec<i16>, f32) {
        let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        if largest == 0.0 {
            return (vec![0; weights.len()], 0.0);
        }
        // The worst input is ±LARGEST everywhere, with the weights' signs; rounding adds half at most to each weight.
        let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
        let bound = f64::from(i32::MAX) / f64::from(LARGEST) - weights.len() as f64 / 2.0;
        let widest = f64::from(i16::MAX / together as i16);
        let scale = (widest / f64::from(largest)).min(bound / sum);
        let stored = weights.iter().map(|&weight| (f64::from(weight) * scale).round() as i16).collect();
        (stored, (1.0 / scale) as f32)
    }

    fn inputs<L: Lanes>(values: &[f32], stored: &mut [i16]) -> f32 {
        let largest = largest_magnitude::<L>(values);
        // Of nothing but zeros, any scale gives zeros. What is not finite is no activation of these weights.
        let scale = if largest > 0.0 && largest.is_finite() { LARGEST / largest } else { 0.0 };
        scale_and_round::<L>(values, scale, stored);
        if scale > 0.0 { 1.0 / scale } else { 0.0 }
    }

    #[inline(always)]
    unsafe fn nothing<L: Lanes>() -> L::Integers {
        unsafe { L::no_integers() }
    }

    #[inline(always)]
    unsafe fn load<L: Lanes>(from: *const i16) -> L::Pairs {
        unsafe { L::load_pairs(from) }
    }

    #[inline(always)]
    unsafe fn splat<L: Lanes>(from: *const i16) -> L::Pairs {
        unsafe { L::splat_pair(from) }
    }

    #[inline(always)]
    unsafe fn multiply_add<L: Lanes>(sums: L::Integers, inputs: L::Pairs, weights: L::Pairs) -> L::Integers {
        unsafe { L::dot_add(sums, inputs, weights) }
    }

    #[inline(always)]
    unsafe fn plus<L: Lanes>(a: L::Integers, b: L::Integers) -> L::Integers {
        unsafe { L::add_integers(a, b) }
    }

    #[inline(always)]
    unsafe fn minus<L: Lanes>(a: L::Integers, b: L::Integers) -> L::Integers {
        unsafe { L::subtract_integers(a, b) }
    }

    #[inline(always)]
    unsafe fn to_floats<L: Lanes>(sums: L::Integers) -> L::Floats {
        unsafe { L::to_floats(sums) }
    }

    #[inline(always)]
    unsafe fn store<L: Lanes>(values: L::Floats, to: *mut i16) {
        unsafe { L::store_rounded(values, to) }
    }

    #[inline(always)]
    unsafe fn store_in_group<L: Lanes>(values: L::Floats, to: *mut i16, place: usize) {
        // SAFETY: the caller's promise.
        unsafe { if place == 0 { L::store_firsts(values, to) } else { L::store_seconds(values, to) } }
    }
}

/// The largest |value|; the number of values is a multiple of the lanes.
fn largest_magnitude<L: Lanes>(values: &[f32]) -> f32 {
    let vectors = values.chunks_exact(L::WIDTH);
    assert!(vectors.remainder().is_empty(), "{} values", values.len());
    // As wide as any vector.
    let mut ends = [[0.0f32; 16]; 2];
    // SAFETY: each vector has `WIDTH` values, and so has either end; a network is made for what the processor has.
    unsafe {
        L::run(
            #[inline(always)]
            || {
                let (mut low, mut high) = (L::splat(0.0), L::splat(0.0));
                for vector in vectors {
                    let vector = L::load(vector.as_ptr());
                    low = L::smaller(low, vector);
                    high = L::larger(high, vector);
                }
                L::store(low, ends[0].as_mut_ptr());
                L::store(high, ends[1].as_mut_ptr());
            },
        );
    }
    ends.as_flattened().iter().fold(0.0, |largest, end| largest.max(end.abs()))
}

/// round(value · scale); the number of values is a multiple of the lanes.
fn scale_and_round<L: Lanes>(values: &[f32], scale: f32, rounded: &mut [i16]) {
    assert!(values.len() == rounded.len() && values.len().is_multiple_of(L::WIDTH), "{} values", values.len());
    // SAFETY: each vector has `WIDTH` values on either side; a network is made for what the processor has.
    unsafe {
        L::run(
            #[inline(always)]
            || {
                let scale = L::splat(scale);
                for (from, to) in values.chunks_exact(L::WIDTH).zip(rounded.chunks_exact_mut(L::WIDTH)) {
                    L::store_rounded(L::multiply(L::load(from.as_ptr()), scale), to.as_mut_ptr());
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;

    #[test]
    fn no_input_overflows_the_sum() {
        // A long row, an uneven one, one of equal weights, one of a single large weight.
        let wave = |length: usize| (0..length).map(|n| (n as f32 * 0.37).sin()).collect::<Vec<f32>>();
        let mut peak = wave(1152);
        peak[7] = 1000.0;
        let rows = [wave(1152), wave(27), vec![1e-3; 960], peak, vec![1.0; 2]];
        for (weights, together) in rows.iter().flat_map(|weights| [(weights, 1), (weights, 2)]) {
            let (stored, unit) = Integer::weights(weights, together);
            let worst: i64 = stored.iter().map(|weight| i64::from(*weight).abs() * LARGEST as i64).sum();
            assert!(worst <= i64::from(i32::MAX), "{worst}");
            // Nor can the sum of `together` weights overflow, and no more bits are given away than that needs.
            let widest = stored.iter().map(|weight| usize::from(weight.unsigned_abs())).max().expect("weights");
            assert!(widest * together <= i16::MAX as usize, "{widest}");
            let most = i16::MAX as usize / together;
            assert!(worst > i64::from(i32::MAX) / 2 || widest == most, "{worst}, {widest}");
            for (weight, stored) in weights.iter().zip(&stored) {
                assert!((f32::from(*stored) * unit - weight).abs() <= unit * 0.5001, "{weight}");
            }
        }
        assert_eq!(Integer::weights(&[0.0; 4], 1), (vec![0; 4], 0.0));
    }

    #[test]
    fn inputs_are_scaled_by_their_own_largest_magnitude() {
        let values = [0.5, -3.0, 0.0, 1.0, 2.0, 2.999, -0.001, 1.5];
        let mut stored = [0; 8];
        let unit = Integer::inputs::<Portable>(&values, &mut stored);
        assert_eq!(stored[1], -(LARGEST as i16));
        for (value, stored) in values.iter().zip(stored) {
            assert!((f32::from(stored) * unit - value).abs() <= unit * 0.5001, "{value}");
        }
        assert_eq!(Integer::inputs::<Portable>(&[0.0; 8], &mut stored), 0.0);
        assert_eq!(stored, [0; 8]);
    }

    #[test]
    fn a_pixel_means_the_same_in_both() {
        for byte in 0..=255 {
            let stored = f32::from(Integer::pixel(byte)) * Integer::PIXEL_UNIT;
            assert!((stored - Float::pixel(byte) * Float::PIXEL_UNIT).abs() < 1e-6, "{byte}");
        }
    }
}
