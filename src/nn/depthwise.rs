//! The depthwise convolution: each channel is convolved with its own small kernel.
//!
//! Its input is stored in groups of as many lines as the arithmetic multiplies at once (integers: two), the lines' values of
//! a pixel and channel side by side. So one load brings what one product needs, whichever line an output begins at; for
//! each of these beginnings the kernel is stored once, its missing lines as zeros.
//!
//! Seven neighbouring outputs of a vector of channels are computed together, so that an input and a weight once loaded
//! serve several sums. The input has a margin of zeros; no output asks whether it is near an edge.

use super::arithmetic::Arithmetic;
use super::weights::Weights;
use super::{NetworkError, Padding};
use crate::lanes::Lanes;

/// Outputs of a line that are computed together. Every side of this network is a multiple.
const TOGETHER: usize = 7;

/// One depthwise convolution with its bias, followed by ReLU6.
#[derive(Debug)]
pub(super) struct Depthwise<A: Arithmetic, L: Lanes> {
    kernel: usize,
    stride: usize,
    channels: usize,
    /// For each line of a group that an output may begin at.
    beginnings: Vec<Beginning<A>>,
    /// For each channel: what a 1 among its sums is as a stored output.
    units: Vec<f32>,
    /// In stored outputs.
    bias: Vec<f32>,
    lanes: std::marker::PhantomData<L>,
}

/// The kernels for outputs that begin at one line of a group.
#[derive(Debug)]
struct Beginning<A: Arithmetic> {
    /// Groups that the kernel lies in.
    groups: usize,
    /// For each vector of channels: groups × kernel × lanes × lines of a group.
    weights: Vec<A::Value>,
}

impl<A: Arithmetic> Beginning<A> {
    /// `rows` has kernel × kernel weights for each channel; outputs begin at line `line`.
    fn new<L: Lanes>(rows: &[Vec<A::Value>], kernel: usize, line: usize) -> Self {
        let groups = (line + kernel).div_ceil(A::STEP);
        let mut weights = Vec::with_capacity(rows.len() * groups * kernel * A::STEP);
        for vector in rows.chunks_exact(L::WIDTH) {
            for (group, tap) in (0..groups).flat_map(|group| (0..kernel).map(move |tap| (group, tap))) {
                for row in vector {
                    weights.extend((group * A::STEP..(group + 1) * A::STEP).map(|place| {
                        let of_kernel = place.checked_sub(line).filter(|of_kernel| *of_kernel < kernel);
                        of_kernel.map(|of_kernel| row[of_kernel * kernel + tap]).unwrap_or_default()
                    }));
                }
            }
        }
        Beginning { groups, weights }
    }
}

impl<A: Arithmetic, L: Lanes> Depthwise<A, L> {
    /// Reads `NAME.weight` (channels × 1 × kernel × kernel) and `NAME.bias` (channels). Kernels are 3 × 3 or 5 × 5, strides
    /// 1 or 2, the channels a multiple of the lanes.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self, NetworkError> {
        let stored = weights.read(&format!("{name}.weight"), &[channels, 1, kernel, kernel])?;
        Ok(Self::new(&stored, &weights.read(&format!("{name}.bias"), &[channels])?, kernel, stride))
    }

    /// `weights` is channels × kernel × kernel, `bias` has an entry for each channel.
    fn new(weights: &[f32], bias: &[f32], kernel: usize, stride: usize) -> Self {
        let (channels, taps) = (bias.len(), kernel * kernel);
        assert!(weights.len() == channels * taps && channels.is_multiple_of(L::WIDTH));
        // Inputs and outputs are stored in the same units, so those cancel in the products.
        let (rows, units): (Vec<Vec<A::Value>>, Vec<f32>) =
            weights.chunks_exact(taps).map(|weights| A::weights(weights, 1)).unzip();
        let beginnings = (0..A::STEP).map(|line| Beginning::new::<L>(&rows, kernel, line)).collect();
        let bias = bias.iter().map(|bias| bias * (A::SIX / 6.0)).collect();
        Self { kernel, stride, channels, beginnings, units, bias, lanes: std::marker::PhantomData }
    }

    /// Convolves a band of lines: `input` holds them and what lies around them, groups of lines × side padded × channels × lines of
    /// a group, in stored units; `output` takes `lines` × side out × channels.
    pub(super) fn forward(&self, input: &[A::Value], padding: &Padding, lines: usize, output: &mut [A::Value]) {
        let (side, channels) = (padding.side_out, self.channels);
        let (pixel, group) = (channels * A::STEP, padding.side_padded * channels * A::STEP);
        assert!(input.len() >= padding.lines_in(lines, self.kernel, self.stride).div_ceil(A::STEP) * group);
        assert!(output.len() >= lines * side * channels);
        assert!(side.is_multiple_of(TOGETHER) && (side - 1) * self.stride + self.kernel <= padding.side_padded);
        for y in 0..lines {
            let first = y * self.stride;
            for x in (0..side).step_by(TOGETHER) {
                let seven = Seven::<A, L> {
                    layer: self,
                    beginning: &self.beginnings[first % A::STEP],
                    // SAFETY: by the assertions, the windows of seven outputs from (x, y) on lie within the input, and the
                    // outputs within the output.
                    input: unsafe { input.as_ptr().add(first / A::STEP * group + x * self.stride * pixel) },
                    group,
                    output: unsafe { output.as_mut_ptr().add((y * side + x) * channels) },
                };
                // SAFETY: as above.
                unsafe {
                    match (self.kernel, self.stride) {
                        (3, 1) => seven.compute::<3, 1>(),
                        (3, 2) => seven.compute::<3, 2>(),
                        (5, 1) => seven.compute::<5, 1>(),
                        (5, 2) => seven.compute::<5, 2>(),
                        other => unreachable!("the plan has no kernel and stride {other:?}"),
                    }
                }
            }
        }
    }
}

/// Seven neighbouring outputs.
struct Seven<'a, A: Arithmetic, L: Lanes> {
    layer: &'a Depthwise<A, L>,
    beginning: &'a Beginning<A>,
    input: *const A::Value,
    /// From one group of lines to the next.
    group: usize,
    output: *mut A::Value,
}

impl<A: Arithmetic, L: Lanes> Seven<'_, A, L> {
    /// All channels. A small function, called often: browsers optimise function by function, and only what is called again.
    ///
    /// # Safety
    /// The windows and the outputs must be there.
    #[inline(never)]
    unsafe fn compute<const KERNEL: usize, const STRIDE: usize>(&self) {
        // SAFETY: the caller's promise; a network is made for what the processor has.
        unsafe {
            L::run(
                #[inline(always)]
                || {
                    for channel in (0..self.layer.channels).step_by(L::WIDTH) {
                        self.kernel::<KERNEL, STRIDE>(channel);
                    }
                },
            );
        }
    }

    #[inline(always)]
    unsafe fn kernel<const KERNEL: usize, const STRIDE: usize>(&self, channel: usize) {
        let (channels, groups) = (self.layer.channels, self.beginning.groups);
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [A::nothing::<L>(); TOGETHER];
            let mut weights = self.beginning.weights.as_ptr().add(channel * groups * KERNEL * A::STEP);
            let mut input = self.input.add(channel * A::STEP);
            for _ in 0..groups {
                if STRIDE == 1 {
                    add_by_column::<A, L, KERNEL>(&mut sums, input, weights, channels);
                } else {
                    add_by_tap::<A, L, KERNEL, STRIDE>(&mut sums, input, weights, channels);
                }
                input = input.add(self.group);
                weights = weights.add(KERNEL * L::WIDTH * A::STEP);
            }
            let unit = L::load(self.layer.units.as_ptr().add(channel));
            let bias = L::load(self.layer.bias.as_ptr().add(channel));
            let (zero, six) = (L::splat(0.0), L::splat(A::SIX));
            for (place, sum) in sums.into_iter().enumerate() {
                let value = L::add(L::multiply(A::to_floats::<L>(sum), unit), bias);
                A::store::<L>(L::smaller(L::larger(value, zero), six), self.output.add(place * channels + channel));
            }
        }
    }
}

/// Adds one group of the kernel's lines at stride 1: most columns lie under `KERNEL` outputs, so each is loaded once.
#[inline(always)]
unsafe fn add_by_column<A: Arithmetic, L: Lanes, const KERNEL: usize>(
    sums: &mut [A::Sums<L>; TOGETHER],
    mut input: *const A::Value,
    weights: *const A::Value,
    channels: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let taps: [A::Factors<L>; KERNEL] =
            std::array::from_fn(|tap| A::load::<L>(weights.add(tap * L::WIDTH * A::STEP)));
        for column in 0..TOGETHER - 1 + KERNEL {
            let value = A::load::<L>(input);
            for (tap, weight) in taps.iter().enumerate() {
                if column >= tap && column - tap < TOGETHER {
                    let sum = &mut sums[column - tap];
                    *sum = A::multiply_add::<L>(*sum, value, *weight);
                }
            }
            input = input.add(channels * A::STEP);
        }
    }
}

/// Adds one group of the kernel's lines at a wider stride: columns lie under so few outputs that a weight at a time is better.
#[inline(always)]
unsafe fn add_by_tap<A: Arithmetic, L: Lanes, const KERNEL: usize, const STRIDE: usize>(
    sums: &mut [A::Sums<L>; TOGETHER],
    input: *const A::Value,
    weights: *const A::Value,
    channels: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for tap in 0..KERNEL {
            let weight = A::load::<L>(weights.add(tap * L::WIDTH * A::STEP));
            let mut from = input.add(tap * channels * A::STEP);
            for sum in sums.iter_mut() {
                *sum = A::multiply_add::<L>(*sum, A::load::<L>(from), weight);
                from = from.add(STRIDE * channels * A::STEP);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;
    use crate::nn::arithmetic::{Float, Integer};

    const CHANNELS: usize = 16;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|n| 2.0 * (n as f32 * step).sin()).collect()
    }

    fn layer<A: Arithmetic, L: Lanes>(kernel: usize, stride: usize) -> Depthwise<A, L> {
        Depthwise::new(&wave(CHANNELS * kernel * kernel, 0.37), &wave(CHANNELS, 0.7), kernel, stride)
    }

    /// The input, side × side × channels: rectified, and what the integers can tell apart.
    fn input(side: usize) -> Vec<f32> {
        let scale = Integer::SIX / 6.0;
        wave(side * side * CHANNELS, 0.11).into_iter().map(|value| (value.max(0.0) * scale).round() / scale).collect()
    }

    /// The same as it is stored.
    fn stored<A: Arithmetic>(side: usize) -> Vec<A::Value> {
        let values: Vec<f32> = input(side).into_iter().map(|value| value * (A::SIX / 6.0)).collect();
        let mut stored = vec![A::Value::default(); values.len()];
        for (from, to) in values.chunks_exact(Portable::WIDTH).zip(stored.chunks_exact_mut(Portable::WIDTH)) {
            // SAFETY: either has a vector's values, and this instruction set is everywhere.
            unsafe { A::store::<Portable>(Portable::load(from.as_ptr()), to.as_mut_ptr()) };
        }
        stored
    }

    fn output<A: Arithmetic<Value: PartialEq>, L: Lanes>(side: usize, kernel: usize, stride: usize) -> Vec<A::Value> {
        let padding = Padding::same(side, kernel, stride);
        let group = padding.side_padded * CHANNELS * A::STEP;
        // A line more than any output reads, so that every band has whole groups.
        let mut input = vec![A::Value::default(); (padding.side_padded + 1).div_ceil(A::STEP) * group];
        for (place, value) in stored::<A>(side).into_iter().enumerate() {
            let (pixel, channel) = (place / CHANNELS, place % CHANNELS);
            let (y, x) = (pixel / side + padding.before, pixel % side + padding.before);
            input[y / A::STEP * group + (x * CHANNELS + channel) * A::STEP + y % A::STEP] = value;
        }
        let mut output = vec![A::Value::default(); padding.side_out.pow(2) * CHANNELS];
        layer::<A, L>(kernel, stride).forward(&input, &padding, padding.side_out, &mut output);
        // In bands, it computes the same.
        let mut banded = Vec::new();
        for y in (0..padding.side_out).step_by(A::STEP) {
            let count = A::STEP.min(padding.side_out - y);
            let mut lines = vec![A::Value::default(); count * padding.side_out * CHANNELS];
            layer::<A, L>(kernel, stride).forward(&input[y * stride / A::STEP * group..], &padding, count, &mut lines);
            banded.extend(lines);
        }
        assert!(banded == output, "{side} {kernel} {stride}");
        output
    }

    /// The definition, pixel by pixel, with zeros outside the image.
    fn expected(side: usize, kernel: usize, stride: usize) -> Vec<f32> {
        let Padding { side_out, before, .. } = Padding::same(side, kernel, stride);
        let (weights, bias) = (wave(CHANNELS * kernel * kernel, 0.37), wave(CHANNELS, 0.7));
        let input = input(side);
        let mut values = Vec::new();
        for (y, x) in (0..side_out).flat_map(|y| (0..side_out).map(move |x| (y, x))) {
            for channel in 0..CHANNELS {
                let mut sum = bias[channel];
                for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                    let row = (y * stride + ky).wrapping_sub(before);
                    let column = (x * stride + kx).wrapping_sub(before);
                    if row < side && column < side {
                        sum += input[(row * side + column) * CHANNELS + channel]
                            * weights[(channel * kernel + ky) * kernel + kx];
                    }
                }
                values.push(sum.clamp(0.0, 6.0));
            }
        }
        values
    }

    const CASES: [(usize, usize, usize); 6] = [(7, 3, 1), (14, 3, 2), (28, 3, 2), (14, 5, 1), (28, 5, 2), (7, 5, 1)];

    #[test]
    fn equals_the_definition_at_every_edge() {
        for (side, kernel, stride) in CASES {
            let exact = expected(side, kernel, stride);
            let floats = output::<Float, Portable>(side, kernel, stride);
            let integers = output::<Integer, Portable>(side, kernel, stride);
            assert!(floats.len() == exact.len() && integers.len() == exact.len());
            let unit = 6.0 / Integer::SIX;
            for ((exact, float), integer) in exact.iter().zip(floats).zip(integers) {
                assert!((float - exact).abs() < 1e-5, "{side} {kernel} {stride}: {float} ≠ {exact}");
                let integer = f32::from(integer) * unit;
                assert!((integer - exact).abs() < 0.7 * unit, "{side} {kernel} {stride}: {integer} ≠ {exact}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_instruction_set_computes_the_same_bits() {
        use crate::lanes::{Avx2, Sse2};
        for (side, kernel, stride) in CASES {
            let floats = output::<Float, Portable>(side, kernel, stride);
            let integers = output::<Integer, Portable>(side, kernel, stride);
            assert!(floats == output::<Float, Sse2>(side, kernel, stride));
            assert!(integers == output::<Integer, Sse2>(side, kernel, stride));
            if std::arch::is_x86_feature_detected!("avx2") {
                assert!(floats == output::<Float, Avx2>(side, kernel, stride));
                assert!(integers == output::<Integer, Avx2>(side, kernel, stride));
            }
        }
    }
}
