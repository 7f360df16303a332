//! The first convolution: from the image's bytes, one line of windows at a time, as a matrix product.

use super::arena::ArenaSizes;
use super::arithmetic::Arithmetic;
use super::outputs::Output;
use super::pointwise::{Plane, Pointwise};
use super::weights::Weights;
use super::{Activation, NetworkError, Padding};
use crate::lanes::Lanes;
use std::ops::Range;

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

    /// Takes `rgb`, side × side × 3 bytes, into `pixels`.
    pub(super) fn prepare(&self, rgb: &[u8], pixels: &mut [A::Value]) {
        let Padding { side_in, before, side_padded, .. } = self.padding;
        // What lies outside the image is zero *after* the scaling.
        pixels.fill(A::Value::default());
        for (y, bytes) in rgb.chunks_exact(side_in * COLOURS).enumerate() {
            let start = ((y + before) * side_padded + before) * COLOURS;
            for (pixel, byte) in pixels[start..start + bytes.len()].iter_mut().zip(bytes) {
                *pixel = A::pixel(*byte);
            }
        }
    }

    /// Convolves what was prepared: these lines of the output go to `groups`, as of its line `place`; the first pixel of each
    /// group of lines is `first` values after its beginning, and the groups are `line` values long. `windows` is room to work
    /// in.
    #[allow(clippy::too_many_arguments, reason = "a place in a buffer takes four")]
    pub(super) fn forward(
        &self,
        pixels: &[A::Value],
        windows: &mut [A::Value],
        lines: Range<usize>,
        groups: &mut [A::Value],
        place: usize,
        first: usize,
        line: usize,
    ) {
        let Padding { side_out, side_padded, .. } = self.padding;
        let pixel_line = side_padded * COLOURS;
        for (place, y) in (place..).zip(lines) {
            let pixels = &pixels[y * STRIDE * pixel_line..(y * STRIDE + KERNEL) * pixel_line];
            for (x, window) in windows.chunks_exact_mut(self.product.columns_in()).enumerate() {
                for (row, part) in window.as_chunks_mut::<WINDOW_LINE>().0.iter_mut().enumerate() {
                    let from = row * pixel_line + x * STRIDE * COLOURS;
                    part.copy_from_slice(&pixels[from..from + WINDOW_LINE]);
                }
            }
            self.product.forward(Plane {
                input: windows,
                unit: A::PIXEL_UNIT,
                scratch: &mut [],
                lines: 1,
                length: side_out,
                output: Output::Wide { groups, place: place % A::STEP },
                first: first + place / A::STEP * line,
                line,
            });
        }
    }
}
