//! The depthwise convolution: each channel is convolved with its own small kernel.
//!
//! candle does this as one convolution a channel, which takes 143 of a whole pass's 179 ms in a browser; this loop
//! over channels innermost takes a small fraction of that.

use super::weights::{Weights, transposed};
use super::{Activations, NetworkError, same_padding};

/// Channels summed together. Every width in this network is a multiple of it, and 16 sums fit the registers of every
/// instruction set in use, so that the compiler turns the loop into vector instructions.
const LANES: usize = 16;

/// One depthwise convolution with its bias, followed by ReLU6.
#[derive(Debug)]
pub(super) struct Depthwise {
    kernel: usize,
    stride: usize,
    channels: usize,
    /// kernel × kernel × channels, channels innermost.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Depthwise {
    /// Reads `NAME.weight` (channels × 1 × kernel × kernel) and `NAME.bias` (channels).
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Depthwise, NetworkError> {
        let stored = weights.read(&format!("{name}.weight"), &[channels, 1, kernel, kernel])?;
        Ok(Depthwise {
            kernel,
            stride,
            channels,
            weights: transposed(&stored, channels, kernel * kernel),
            bias: weights.read(&format!("{name}.bias"), &[channels])?,
        })
    }

    /// Convolves; the side shrinks by the stride, the channels stay.
    pub(super) fn forward(&self, input: &Activations) -> Activations {
        let (side, before) = same_padding(input.side, self.kernel, self.stride);
        let mut values = vec![0.0; side * side * self.channels];
        for (place, pixel) in values.chunks_exact_mut(self.channels).enumerate() {
            let rows = window(place / side * self.stride, before, self.kernel, input.side);
            let columns = window(place % side * self.stride, before, self.kernel, input.side);
            for (group, out) in pixel.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                *out = self.sum(input, &rows, &columns, group * LANES);
            }
        }
        Activations { side, values }
    }

    /// The sums of one output pixel over `LANES` channels from `channel` on. A small function of its own: browsers
    /// optimise function by function, and this one is called often enough to be optimised at once.
    fn sum(&self, input: &Activations, rows: &Window, columns: &Window, channel: usize) -> [f32; LANES] {
        let mut sums = [0.0; LANES];
        sums.copy_from_slice(&self.bias[channel..channel + LANES]);
        for row in 0..rows.length {
            let mut from = ((rows.input + row) * input.side + columns.input) * self.channels + channel;
            let mut with = ((rows.tap + row) * self.kernel + columns.tap) * self.channels + channel;
            for _ in 0..columns.length {
                let values = &input.values[from..from + LANES];
                let weights = &self.weights[with..with + LANES];
                for lane in 0..LANES {
                    sums[lane] += values[lane] * weights[lane];
                }
                from += self.channels;
                with += self.channels;
            }
        }
        sums.map(|sum| sum.clamp(0.0, 6.0))
    }
}

/// The part of a kernel that lies on the image, along one side.
struct Window {
    /// The first input pixel under it.
    input: usize,
    /// The kernel's tap that lies on that pixel.
    tap: usize,
    /// How many taps lie on the image.
    length: usize,
}

/// `start` is the padded position of the kernel's first tap, `before` the zeros ahead of the image.
fn window(start: usize, before: usize, kernel: usize, side: usize) -> Window {
    let tap = before.saturating_sub(start);
    let input = (start + tap) - before;
    Window { input, tap, length: (kernel - tap).min(side - input) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel, with zeros outside the image.
    fn plain(layer: &Depthwise, input: &Activations) -> Vec<f32> {
        let (side, before) = same_padding(input.side, layer.kernel, layer.stride);
        let mut values = Vec::new();
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            for channel in 0..layer.channels {
                let mut sum = layer.bias[channel];
                for (ky, kx) in (0..layer.kernel).flat_map(|ky| (0..layer.kernel).map(move |kx| (ky, kx))) {
                    let row = (y * layer.stride + ky).wrapping_sub(before);
                    let column = (x * layer.stride + kx).wrapping_sub(before);
                    if row < input.side && column < input.side {
                        sum += input.values[(row * input.side + column) * layer.channels + channel]
                            * layer.weights[(ky * layer.kernel + kx) * layer.channels + channel];
                    }
                }
                values.push(sum.clamp(0.0, 6.0));
            }
        }
        values
    }

    #[test]
    fn equals_the_definition_at_every_edge() {
        for (side, kernel, stride) in [(9, 3, 1), (9, 3, 2), (8, 3, 2), (9, 5, 1), (8, 5, 2), (2, 5, 1)] {
            let channels = 2 * LANES;
            let wave = |count: usize| (0..count).map(|n| (n as f32 * 0.37).sin()).collect::<Vec<_>>();
            let layer =
                Depthwise { kernel, stride, channels, weights: wave(kernel * kernel * channels), bias: wave(channels) };
            let input = Activations { side, values: wave(side * side * channels) };
            let (found, expected) = (layer.forward(&input).values, plain(&layer, &input));
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5, "{side} {kernel} {stride}: {found} ≠ {expected}");
            }
        }
    }
}
