//! The first convolution: from the image's bytes, one line of windows at a time, as a matrix product.

use super::arena::{Arena, ArenaSizes, clear_margin};
use super::arithmetic::Arithmetic;
use super::lanes::Lanes;
use super::pointwise::{Plane, Pointwise};
use super::weights::Weights;
use super::{Activation, NetworkError, Padding};

pub(super) const STEM_CHANNELS: usize = 32;
const KERNEL: usize = 3;
const STRIDE: usize = 2;
const COLOURS: usize = 3;
/// Values in one line of a window.
const WINDOW_LINE: usize = KERNEL * COLOURS;

/// A 3 × 3 convolution of stride 2 with its bias and ReLU6.
#[derive(Debug)]
pub(super) struct Stem<A: Arithmetic, L: Lanes> {
    product: Pointwise<A, L>,
    padding: Padding,
}

impl<A: Arithmetic, L: Lanes> Stem<A, L> {
    /// Reads `stem.weight` (out × colour × row × column) and `stem.bias`; for square images of `side` pixels.
    pub(super) fn load(weights: &Weights, side: usize) -> Result<Self, NetworkError> {
        let taps = KERNEL * KERNEL;
        let stored = weights.read("stem.weight", &[STEM_CHANNELS, COLOURS, KERNEL, KERNEL])?;
        let bias = weights.read("stem.bias", &[STEM_CHANNELS])?;
        // A window has the colours innermost.
        let by_tap: Vec<f32> = stored
            .chunks_exact(COLOURS * taps)
            .flat_map(|kernel| {
                (0..taps).flat_map(move |tap| (0..COLOURS).map(move |colour| kernel[colour * taps + tap]))
            })
            .collect();
        let product = Pointwise::new(&by_tap, bias, COLOURS * taps, Activation::Relu6);
        Ok(Stem { product, padding: Padding::same(side, KERNEL, STRIDE) })
    }

    /// Pixels along a side of the output.
    pub(super) fn side_out(&self) -> usize {
        self.padding.side_out
    }

    /// What it needs of an arena.
    pub(super) fn sizes(&self) -> ArenaSizes {
        let pixels = self.padding.side_padded.pow(2) * COLOURS;
        ArenaSizes { pixels, windows: self.padding.side_out * self.product.columns_in(), ..ArenaSizes::default() }
    }

    /// Convolves `rgb`, side × side × 3 bytes, into `arena.wide`, padded as `next` says.
    pub(super) fn forward(&self, rgb: &[u8], arena: &mut Arena<A>, next: &Padding) {
        let Padding { side_in, side_out, before, side_padded } = self.padding;
        // What lies outside the image is zero *after* the scaling.
        clear_margin(&mut arena.pixels, &self.padding, COLOURS);
        for (y, bytes) in rgb.chunks_exact(side_in * COLOURS).enumerate() {
            let start = ((y + before) * side_padded + before) * COLOURS;
            for (pixel, byte) in arena.pixels[start..start + bytes.len()].iter_mut().zip(bytes) {
                *pixel = A::pixel(*byte);
            }
        }
        clear_margin(&mut arena.wide, next, STEM_CHANNELS);
        for y in 0..side_out {
            let line = side_padded * COLOURS;
            let pixels = &arena.pixels[y * STRIDE * line..(y * STRIDE + KERNEL) * line];
            for (x, window) in arena.windows.chunks_exact_mut(self.product.columns_in()).enumerate() {
                for (row, part) in window.as_chunks_mut::<WINDOW_LINE>().0.iter_mut().enumerate() {
                    let from = row * line + x * STRIDE * COLOURS;
                    part.copy_from_slice(&pixels[from..from + WINDOW_LINE]);
                }
            }
            self.product.forward(Plane {
                input: &arena.windows,
                unit: A::PIXEL_UNIT,
                lines: 1,
                length: side_out,
                output: &mut arena.wide,
                first: ((y + next.before) * next.side_padded + next.before) * STEM_CHANNELS,
                line: 0,
                residual: false,
            });
        }
    }
}
