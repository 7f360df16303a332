//! The pointwise (1 × 1) convolution: a matrix product whose rows are pixels, with its bias, activation and residual
//! fused, computed in tiles of 5 pixels × two vectors of outputs that stay in registers from the first input to the last.

use super::arithmetic::Arithmetic;
use super::weights::Weights;
use super::{Activation, NetworkError};
use crate::lanes::Lanes;

/// Pixels in a tile at most: with two vectors of outputs, 10 sums. Two weights, an input and a product besides make 14
/// of the 16 registers that SSE and AVX have (V8 keeps one of them).
const TALLEST: usize = 5;
/// Vectors of outputs in a tile at most.
const WIDEST: usize = 2;
/// Bytes of inputs that all outputs are computed of before going on to the next: half of a first-level cache.
const BLOCK_BYTES: usize = 16 << 10;

/// A matrix product with a bias, followed by an activation.
#[derive(Debug)]
pub(super) struct Pointwise<A: Arithmetic, L: Lanes> {
    /// A multiple of the arithmetic's step.
    columns_in: usize,
    columns_out: usize,
    /// A panel for each tile's width of outputs; in it, a run of `STEP` weights for each output, for each step of the
    /// inputs: what the kernel reads, in the order it reads it.
    panels: Vec<A::Value>,
    /// What a 1 among an output's weights means.
    units: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    lanes: std::marker::PhantomData<L>,
}

/// Where a product's inputs come from and its outputs go to.
pub(super) struct Plane<'a, V> {
    /// Pixels × columns in, without gaps.
    pub input: &'a [V],
    /// What a stored 1 of the input means.
    pub unit: f32,
    /// Lines of pixels.
    pub lines: usize,
    /// Pixels in a line.
    pub length: usize,
    /// Where pixels × columns out go; with `residual`, they are added to what is there.
    pub output: &'a mut [f32],
    /// The first pixel's place in `output`.
    pub first: usize,
    /// From one line's first pixel to the next one's, in `output`.
    pub line: usize,
    /// Whether the output is added to.
    pub residual: bool,
}

impl<A: Arithmetic, L: Lanes> Pointwise<A, L> {
    /// Reads `NAME.weight` (columns out × columns in × 1 × 1) and `NAME.bias` (columns out).
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        columns_in: usize,
        columns_out: usize,
        activation: Activation,
    ) -> Result<Self, NetworkError> {
        let stored = weights.read(&format!("{name}.weight"), &[columns_out, columns_in, 1, 1])?;
        let bias = weights.read(&format!("{name}.bias"), &[columns_out])?;
        Ok(Self::new(&stored, bias, columns_in, activation))
    }

    /// `weights` is columns out × columns in, row-major; `bias` has an entry for each column out, whose number is a
    /// multiple of the lanes. Inputs have [`Pointwise::columns_in`] columns, the added ones of any content.
    pub(super) fn new(weights: &[f32], bias: Vec<f32>, columns_in: usize, activation: Activation) -> Self {
        let columns_out = bias.len();
        assert!(weights.len() == columns_in * columns_out && columns_out.is_multiple_of(L::WIDTH));
        let padded = columns_in.next_multiple_of(A::STEP * A::UNROLL);
        let (rows, units): (Vec<Vec<A::Value>>, Vec<f32>) = weights.chunks_exact(columns_in).map(A::weights).unzip();
        let mut panels = Vec::with_capacity(padded * columns_out);
        for panel in rows.chunks(WIDEST * L::WIDTH) {
            for step in (0..padded).step_by(A::STEP) {
                for row in panel {
                    panels.extend((step..step + A::STEP).map(|column| row.get(column).copied().unwrap_or_default()));
                }
            }
        }
        let lanes = std::marker::PhantomData;
        Self { columns_in: padded, columns_out, panels, units, bias, activation, lanes }
    }

    /// Columns of an input's row, with those that were added to fill the last step.
    pub(super) fn columns_in(&self) -> usize {
        self.columns_in
    }

    /// Computes all pixels of a plane.
    pub(super) fn forward(&self, plane: Plane<'_, A::Value>) {
        let (lines, length) = (plane.lines, plane.length);
        assert!(plane.input.len() >= lines * length * self.columns_in, "{} inputs", plane.input.len());
        let end = plane.first + lines.saturating_sub(1) * plane.line + length * self.columns_out;
        assert!(plane.output.len() >= end, "{} outputs", plane.output.len());
        let block = (BLOCK_BYTES / (self.columns_in * size_of::<A::Value>())).max(TALLEST);
        // Whole lines, or else a part of one that tiles fill.
        let (block_lines, block_length) =
            if block >= length { (block / length, length) } else { (1, block / TALLEST * TALLEST) };
        let width = WIDEST * L::WIDTH;
        let output = plane.output.as_mut_ptr();
        for from_line in (0..lines).step_by(block_lines) {
            let mut from = 0;
            while from < length {
                // No tile of one or two pixels at a line's end: those use the registers badly.
                let left = length - from;
                let count = if left < block_length + TALLEST { left } else { block_length };
                for column in (0..self.columns_out).step_by(width) {
                    for line in from_line..(from_line + block_lines).min(lines) {
                        let mut pixel = from;
                        while pixel < from + count {
                            let rows = tile_height(from + count - pixel);
                            let place = line * length + pixel;
                            // SAFETY: rows `place` to `place + rows` of the input and their outputs from `column` on lie
                            // within the slices, by the two assertions above.
                            unsafe {
                                self.tile(
                                    rows,
                                    column,
                                    plane.input.as_ptr().add(place * self.columns_in),
                                    plane.unit,
                                    output.add(plane.first + line * plane.line + pixel * self.columns_out + column),
                                    plane.residual,
                                );
                            }
                            pixel += rows;
                        }
                    }
                }
                from += count;
            }
        }
    }

    /// One tile: `rows` pixels, outputs from `column` on.
    unsafe fn tile(
        &self,
        rows: usize,
        column: usize,
        input: *const A::Value,
        unit: f32,
        output: *mut f32,
        residual: bool,
    ) {
        let tile = Tile {
            input,
            columns_in: self.columns_in,
            weights: self.panels[column * self.columns_in..].as_ptr(),
            units: self.units[column..].as_ptr(),
            bias: self.bias[column..].as_ptr(),
            unit,
            output,
            columns_out: self.columns_out,
            residual,
            rectified: self.activation == Activation::Relu6,
        };
        let wide = self.columns_out - column > L::WIDTH;
        // SAFETY: the caller's promise.
        unsafe {
            match (rows, wide) {
                (5, true) => tile.compute::<A, L, 5, 2>(),
                (4, true) => tile.compute::<A, L, 4, 2>(),
                (3, true) => tile.compute::<A, L, 3, 2>(),
                (2, true) => tile.compute::<A, L, 2, 2>(),
                (_, true) => tile.compute::<A, L, 1, 2>(),
                (5, false) => tile.compute::<A, L, 5, 1>(),
                (4, false) => tile.compute::<A, L, 4, 1>(),
                (3, false) => tile.compute::<A, L, 3, 1>(),
                (2, false) => tile.compute::<A, L, 2, 1>(),
                (_, false) => tile.compute::<A, L, 1, 1>(),
            }
        }
    }
}

/// How many of `left` pixels the next tile takes: 5, unless that left 1 or 2.
fn tile_height(left: usize) -> usize {
    match left {
        6 => 3,
        7 => 4,
        _ => left.min(TALLEST),
    }
}

/// A tile's place in its layer.
struct Tile<V> {
    input: *const V,
    columns_in: usize,
    weights: *const V,
    units: *const f32,
    bias: *const f32,
    unit: f32,
    output: *mut f32,
    columns_out: usize,
    residual: bool,
    rectified: bool,
}

impl<V> Tile<V> {
    /// A small function of its own, called often: browsers optimise function by function, and only what is called again.
    ///
    /// # Safety
    /// `ROWS` rows of inputs, a panel of `VECTORS` vectors of weights with their units and biases, and `ROWS` rows of outputs
    /// must be there.
    #[inline(never)]
    unsafe fn compute<A: Arithmetic<Value = V>, L: Lanes, const ROWS: usize, const VECTORS: usize>(&self) {
        // SAFETY: the caller's promise; a network is made for what the processor has.
        unsafe {
            L::run(
                #[inline(always)]
                || self.kernel::<A, L, ROWS, VECTORS>(),
            );
        }
    }

    #[inline(always)]
    unsafe fn kernel<A: Arithmetic<Value = V>, L: Lanes, const ROWS: usize, const VECTORS: usize>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[A::nothing::<L>(); VECTORS]; ROWS];
            let (mut input, mut weights) = (self.input, self.weights);
            for _ in 0..self.columns_in / (A::STEP * A::UNROLL) {
                for step in 0..A::UNROLL {
                    let weights = weights.add(step * VECTORS * L::WIDTH * A::STEP);
                    let panel: [A::Factors<L>; VECTORS] =
                        std::array::from_fn(|vector| A::load::<L>(weights.add(vector * L::WIDTH * A::STEP)));
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let value = A::splat::<L>(input.add(step * A::STEP + row * self.columns_in));
                        for (sum, weights) in sums.iter_mut().zip(panel) {
                            *sum = A::multiply_add::<L>(*sum, value, weights);
                        }
                    }
                }
                input = input.add(A::STEP * A::UNROLL);
                weights = weights.add(A::UNROLL * VECTORS * L::WIDTH * A::STEP);
            }
            for vector in 0..VECTORS {
                let place = vector * L::WIDTH;
                let unit = L::multiply(L::load(self.units.add(place)), L::splat(self.unit));
                let bias = L::load(self.bias.add(place));
                for (row, sums) in sums.iter().enumerate() {
                    let to = self.output.add(row * self.columns_out + place);
                    let mut value = L::add(L::multiply(A::to_floats::<L>(sums[vector]), unit), bias);
                    if self.rectified {
                        value = L::smaller(L::larger(value, L::splat(0.0)), L::splat(6.0));
                    }
                    if self.residual {
                        value = L::add(value, L::load(to));
                    }
                    L::store(value, to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Portable;
    use crate::nn::arithmetic::{Float, Integer};

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|n| (n as f32 * step).sin()).collect()
    }

    /// A layer over `lines` × `length` pixels, its output laid out with a gap after each line; what was there is 0.25.
    fn output<A: Arithmetic, L: Lanes>(case: &Case) -> Vec<f32> {
        let weights = wave(case.columns_in * case.columns_out, 0.37);
        let layer = Pointwise::<A, L>::new(&weights, wave(case.columns_out, 0.7), case.columns_in, case.activation);
        let rows = wave(case.lines * case.length * case.columns_in, 0.11);
        let mut padded = Vec::new();
        for row in rows.chunks_exact(case.columns_in) {
            padded.extend_from_slice(row);
            // The weights of the added columns are zero: what stands there must not matter.
            padded.resize(padded.len() + layer.columns_in() - case.columns_in, 0.5);
        }
        let mut buffer = vec![A::Value::default(); padded.len()];
        padded.resize(padded.len().next_multiple_of(16), 0.0);
        buffer.resize(padded.len(), A::Value::default());
        let unit = A::inputs::<L>(&padded, &mut buffer);
        let line = case.length * case.columns_out + 3;
        let mut output = vec![0.25; 5 + case.lines * line];
        let (lines, length, residual) = (case.lines, case.length, case.residual);
        layer.forward(Plane { input: &buffer, unit, lines, length, output: &mut output, first: 5, line, residual });
        output
    }

    struct Case {
        lines: usize,
        length: usize,
        columns_in: usize,
        columns_out: usize,
        activation: Activation,
        residual: bool,
    }

    fn cases() -> Vec<Case> {
        let shapes = [(1, 1), (1, 2), (3, 7), (2, 14), (1, 49), (4, 28), (2, 113)];
        let widths = [(27, 32), (16, 96), (96, 24), (672, 40), (2, 8)];
        let case = |(lines, length), (columns_in, columns_out)| {
            let residual = lines % 2 == 0;
            let activation = if residual { Activation::Linear } else { Activation::Relu6 };
            Case { lines, length, columns_in, columns_out, activation, residual }
        };
        shapes.into_iter().flat_map(|shape| widths.map(|width| case(shape, width))).collect()
    }

    /// The definition, in f64.
    fn expected(case: &Case) -> Vec<f32> {
        let (weights, bias) = (wave(case.columns_in * case.columns_out, 0.37), wave(case.columns_out, 0.7));
        let input = wave(case.lines * case.length * case.columns_in, 0.11);
        let line = case.length * case.columns_out + 3;
        let mut output = vec![0.25; 5 + case.lines * line];
        for (pixel, row) in input.chunks_exact(case.columns_in).enumerate() {
            for (column, weights) in weights.chunks_exact(case.columns_in).enumerate() {
                let dot: f64 = row.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let sum = dot as f32 + bias[column];
                let value = if case.activation == Activation::Relu6 { sum.clamp(0.0, 6.0) } else { sum };
                let place = 5 + pixel / case.length * line + pixel % case.length * case.columns_out + column;
                output[place] = if case.residual { output[place] + value } else { value };
            }
        }
        output
    }

    #[test]
    fn equals_the_definition_and_writes_nothing_else() {
        for case in cases() {
            let exact = expected(&case);
            let check = |name: &str, found: Vec<f32>, tolerance: f32| {
                for (place, (found, exact)) in found.iter().zip(&exact).enumerate() {
                    let Case { lines, length, columns_in, columns_out, .. } = case;
                    assert!(
                        (found - exact).abs() <= tolerance,
                        "{name}, {lines} × {length} × {columns_in} → {columns_out}, {place}: {found} ≠ {exact}"
                    );
                }
            };
            check("floats", output::<Float, Portable>(&case), 1e-4);
            // Up to half a unit for each input and each weight, of either sign: they mostly cancel.
            check("integers", output::<Integer, Portable>(&case), 1e-3 * (case.columns_in as f32).sqrt());
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_instruction_set_computes_the_same_bits() {
        use crate::lanes::{Avx2, Sse2};
        for case in cases() {
            let (floats, integers) = (output::<Float, Portable>(&case), output::<Integer, Portable>(&case));
            assert!(floats == output::<Float, Sse2>(&case) && integers == output::<Integer, Sse2>(&case));
            if std::arch::is_x86_feature_detected!("avx2") {
                assert!(floats == output::<Float, Avx2>(&case) && integers == output::<Integer, Avx2>(&case));
            }
        }
    }

    #[test]
    fn no_tile_at_the_end_of_a_line_is_short() {
        for length in 8..200 {
            let mut left = length;
            while left > 0 {
                let height = tile_height(left);
                assert!((3..=TALLEST).contains(&height), "{height} of {left}");
                left -= height;
            }
        }
    }
}
