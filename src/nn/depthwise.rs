//! The depthwise convolution: each channel is convolved with its own small kernel.
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
    /// For each vector of channels: kernel × kernel × lanes, in units of what the outputs are stored in.
    weights: Vec<f32>,
    /// In the same units.
    bias: Vec<f32>,
    kinds: std::marker::PhantomData<(A, L)>,
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
        // One stored unit is 6 / SIX of the network's.
        let scale = A::SIX / 6.0;
        let mut packed = Vec::with_capacity(weights.len());
        for vector in weights.chunks_exact(L::WIDTH * taps) {
            for tap in 0..taps {
                packed.extend((0..L::WIDTH).map(|lane| vector[lane * taps + tap] * scale));
            }
        }
        let bias = bias.iter().map(|bias| bias * scale).collect();
        Self { kernel, stride, channels, weights: packed, bias, kinds: std::marker::PhantomData }
    }

    /// Convolves a band of lines: `input` holds them and what lies around them, lines × side padded × channels, `output` takes
    /// `lines` × side out × channels.
    pub(super) fn forward(&self, input: &[f32], padding: &Padding, lines: usize, output: &mut [A::Value]) {
        let (side, channels) = (padding.side_out, self.channels);
        let line = padding.side_padded * channels;
        assert!(input.len() >= padding.lines_in(lines, self.kernel, self.stride) * line);
        assert!(output.len() >= lines * side * channels);
        assert!(side.is_multiple_of(TOGETHER) && (side - 1) * self.stride + self.kernel <= padding.side_padded);
        for y in 0..lines {
            for x in (0..side).step_by(TOGETHER) {
                let seven = Seven::<A, L> {
                    layer: self,
                    // SAFETY: by the assertions, the windows of seven outputs from (x, y) on lie within the input, and the
                    // outputs within the output.
                    input: unsafe { input.as_ptr().add(y * self.stride * line + x * self.stride * channels) },
                    line,
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
    input: *const f32,
    line: usize,
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
        let channels = self.layer.channels;
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [L::load(self.layer.bias.as_ptr().add(channel)); TOGETHER];
            let mut weights = self.layer.weights.as_ptr().add(channel * KERNEL * KERNEL);
            let mut input = self.input.add(channel);
            // The layer's number, not the constant: unrolled, this loop would need more registers than there are.
            for _ in 0..self.layer.kernel {
                if STRIDE == 1 {
                    add_by_column::<L, KERNEL>(&mut sums, input, weights, channels);
                } else {
                    add_by_tap::<L, KERNEL, STRIDE>(&mut sums, input, weights, channels);
                }
                input = input.add(self.line);
                weights = weights.add(KERNEL * L::WIDTH);
            }
            let (zero, six) = (L::splat(0.0), L::splat(A::SIX));
            for (place, sum) in sums.into_iter().enumerate() {
                A::store::<L>(L::smaller(L::larger(sum, zero), six), self.output.add(place * channels + channel));
            }
        }
    }
}

/// Adds one line of the kernel at stride 1: most columns lie under `KERNEL` outputs, so each is loaded once.
#[inline(always)]
unsafe fn add_by_column<L: Lanes, const KERNEL: usize>(
    sums: &mut [L::Floats; TOGETHER],
    mut input: *const f32,
    weights: *const f32,
    channels: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let taps: [L::Floats; KERNEL] = std::array::from_fn(|tap| L::load(weights.add(tap * L::WIDTH)));
        for column in 0..TOGETHER - 1 + KERNEL {
            let value = L::load(input);
            for (tap, weight) in taps.iter().enumerate() {
                if column >= tap && column - tap < TOGETHER {
                    let sum = &mut sums[column - tap];
                    *sum = L::add(*sum, L::multiply(value, *weight));
                }
            }
            input = input.add(channels);
        }
    }
}

/// Adds one line of the kernel at a wider stride: columns lie under so few outputs that a weight at a time is better.
#[inline(always)]
unsafe fn add_by_tap<L: Lanes, const KERNEL: usize, const STRIDE: usize>(
    sums: &mut [L::Floats; TOGETHER],
    input: *const f32,
    weights: *const f32,
    channels: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for tap in 0..KERNEL {
            let weight = L::load(weights.add(tap * L::WIDTH));
            let mut from = input.add(tap * channels);
            for sum in sums.iter_mut() {
                *sum = L::add(*sum, L::multiply(L::load(from), weight));
                from = from.add(STRIDE * channels);
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

    fn output<A: Arithmetic<Value: PartialEq>, L: Lanes>(side: usize, kernel: usize, stride: usize) -> Vec<A::Value> {
        let padding = Padding::same(side, kernel, stride);
        let mut input = vec![0.0; padding.side_padded.pow(2) * CHANNELS];
        for (place, value) in wave(side * side * CHANNELS, 0.11).into_iter().enumerate() {
            let (pixel, channel) = (place / CHANNELS, place % CHANNELS);
            let (y, x) = (pixel / side + padding.before, pixel % side + padding.before);
            input[(y * padding.side_padded + x) * CHANNELS + channel] = value;
        }
        let mut output = vec![A::Value::default(); padding.side_out.pow(2) * CHANNELS];
        layer::<A, L>(kernel, stride).forward(&input, &padding, padding.side_out, &mut output);
        // In bands, it computes the same.
        let line = padding.side_padded * CHANNELS;
        let mut banded = Vec::new();
        for y in 0..padding.side_out {
            let mut lines = vec![A::Value::default(); padding.side_out * CHANNELS];
            layer::<A, L>(kernel, stride).forward(&input[y * stride * line..], &padding, 1, &mut lines);
            banded.extend(lines);
        }
        assert!(banded == output, "{side} {kernel} {stride}");
        output
    }

    /// The definition, pixel by pixel, with zeros outside the image.
    fn expected(side: usize, kernel: usize, stride: usize) -> Vec<f32> {
        let Padding { side_out, before, .. } = Padding::same(side, kernel, stride);
        let (weights, bias) = (wave(CHANNELS * kernel * kernel, 0.37), wave(CHANNELS, 0.7));
        let input = wave(side * side * CHANNELS, 0.11);
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
                assert!((integer - exact).abs() < 0.51 * unit, "{side} {kernel} {stride}: {integer} ≠ {exact}");
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
