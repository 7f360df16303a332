//! The pointwise (1 × 1) convolution: a matrix product whose rows are pixels, with its bias, activation and residual
//! fused, computed in tiles of 5 pixels × two vectors of outputs that stay in registers from the first input to the last.
//! Where rows are long, two tiles and two panels of weights at a time are multiplied by Strassen's method.

use super::arithmetic::Arithmetic;
use super::outputs::{End, Ending, Kind, Output, Scales, Target};
use super::strassen::{COMBINED, Operands, Tile, combine_inputs, combine_weights, product_of};
use super::weights::Weights;
use super::{Activation, NetworkError};
use crate::lanes::Lanes;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Pixels in a tile at most: with two vectors of outputs, 10 sums. Two weights, an input and a product besides make 14
/// of the 16 registers that SSE and AVX have (V8 keeps one of them).
const TALLEST: usize = 5;
/// Vectors of outputs in a tile at most.
const WIDEST: usize = 2;
/// Bytes of inputs that all outputs are computed of before going on to the next: half of a first-level cache.
const BLOCK_BYTES: usize = 16 << 10;
/// Pixels of two tiles.
pub(super) const PAIR: usize = 2 * TALLEST;
/// A last pair that is not full pays from so many pixels on.
const FEWEST_OF_PAIR: usize = 8;
/// Pairs that all outputs are computed of before going on to the next ones.
const PAIRS: usize = 5;
/// The fewest columns in and out with which Strassen's method saves more than it costs.
const LONG: [usize; 2] = [80, 64];

/// A matrix product with a bias, followed by an activation.
#[derive(Debug)]
pub(super) struct Pointwise<A: Arithmetic, L: Lanes> {
    /// A multiple of the arithmetic's step.
    columns_in: usize,
    columns_out: usize,
    /// A panel for each tile's width of outputs; in it, a run of `STEP` weights for each output, for each step of the
    /// inputs: what the kernel reads, in the order it reads it.
    panels: Vec<A::Value>,
    /// What Strassen's method adds to each two panels; nothing if it isn't used.
    combined: Vec<A::Value>,
    /// What a 1 among an output's weights means.
    units: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    lanes: PhantomData<L>,
}

/// Where a product's inputs come from and its outputs go to.
pub(super) struct Plane<'a, V> {
    /// Pixels × columns in, without gaps. If there is more, up to [`PAIR`] pixels of any content (other than what no input is
    /// stored as), the last pixels are computed faster.
    pub input: &'a [V],
    /// What a stored 1 of the input means.
    pub unit: f32,
    /// Room to work in: [`Pointwise::scratch`] values.
    pub scratch: &'a mut [V],
    /// Lines of pixels.
    pub lines: usize,
    /// Pixels in a line.
    pub length: usize,
    /// Where pixels × columns out go.
    pub output: Output<'a, V>,
    /// The first pixel's place in the output.
    pub first: usize,
    /// From one line's first pixel to the next one's in the output; if that is wide, from one group's to the next one's.
    pub line: usize,
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
        let halves = padded.is_multiple_of(2 * A::STEP * A::UNROLL);
        let strassen = A::EXACT && halves && padded >= LONG[0] && columns_out >= LONG[1];
        let together = if strassen { 2 } else { 1 };
        let rows = weights.chunks_exact(columns_in).map(|row| A::weights(row, together));
        let (rows, units): (Vec<Vec<A::Value>>, Vec<f32>) = rows.unzip();
        let mut panels = Vec::with_capacity(padded * columns_out);
        for panel in rows.chunks(WIDEST * L::WIDTH) {
            for step in (0..padded).step_by(A::STEP) {
                for row in panel {
                    panels.extend((step..step + A::STEP).map(|column| row.get(column).copied().unwrap_or_default()));
                }
            }
        }
        let mut combined = Vec::new();
        if strassen {
            let panel = padded * WIDEST * L::WIDTH;
            for two in panels.chunks_exact(2 * panel) {
                combined.extend(combine_weights::<A>(&two[..panel], &two[panel..]));
            }
        }
        Self { columns_in: padded, columns_out, panels, combined, units, bias, activation, lanes: PhantomData }
    }

    /// Values that [`Pointwise::forward`] needs to work in.
    pub(super) fn scratch(&self) -> usize {
        if self.combined.is_empty() { 0 } else { PAIRS * COMBINED * TALLEST * self.columns_in / 2 }
    }

    /// Columns of an input's row, with those that were added to fill the last step.
    pub(super) fn columns_in(&self) -> usize {
        self.columns_in
    }

    /// Computes all pixels of a plane.
    pub(super) fn forward(&self, plane: Plane<'_, A::Value>) {
        let pixels = plane.lines * plane.length;
        assert!(plane.input.len() >= pixels * self.columns_in, "{} inputs", plane.input.len());
        let values = plane.length * self.columns_out;
        let pass = Pass {
            input: plane.input,
            ending: Ending { unit: plane.unit, rectified: self.activation == Activation::Relu6 },
            pixels,
            length: plane.length,
            target: Target::<A>::new(plane.output, plane.first, plane.line, plane.lines, values),
        };
        // Panels of weights that there are two of, and pixels that are computed with them.
        let mut columns = 0;
        let mut paired = 0;
        if !self.combined.is_empty() {
            let two = 2 * WIDEST * L::WIDTH;
            columns = self.columns_out / two * two;
            let rows = plane.input.len() / self.columns_in;
            let pairs =
                pixels / PAIR + usize::from(pixels % PAIR >= FEWEST_OF_PAIR && rows >= pixels.next_multiple_of(PAIR));
            paired = pixels.min(pairs * PAIR);
            self.pairs(&pass, pairs, columns, plane.scratch);
        }
        self.tiles(&pass, 0..paired, columns..self.columns_out);
        self.tiles(&pass, paired..pixels, 0..self.columns_out);
    }

    /// Computes the first `pairs` pairs of tiles, but for pixels that are not there, and the first `columns` outputs of each.
    fn pairs(&self, pass: &Pass<'_, A>, pairs: usize, columns: usize, scratch: &mut [A::Value]) {
        let (values, size) = (PAIR * self.columns_in, COMBINED * TALLEST * self.columns_in / 2);
        let (panel, two) = (self.columns_in * WIDEST * L::WIDTH, 2 * WIDEST * L::WIDTH);
        let mut products = MaybeUninit::<[Tile<A, L, TALLEST, WIDEST>; 7]>::uninit();
        for block in (0..pairs).step_by(PAIRS) {
            let count = PAIRS.min(pairs - block);
            let rows = &pass.input[block * values..][..count * values];
            for (rows, combined) in rows.chunks_exact(values).zip(scratch.chunks_exact_mut(size)) {
                combine_inputs::<A, TALLEST>(rows, combined);
            }
            let mut ends = [pass.target.end; PAIRS * PAIR];
            let (first, last) = (block * PAIR, pass.pixels.min((block + count) * PAIR));
            for (end, pixel) in ends.iter_mut().zip(first..last) {
                // SAFETY: this pixel is there, as `Target::new` has checked.
                *end = unsafe { pass.target.at(pixel / pass.length, pixel % pass.length * self.columns_out) };
            }
            for column in (0..columns).step_by(two) {
                for pair in 0..count {
                    let pixels = PAIR.min(last - first - pair * PAIR);
                    let operands = Operands {
                        rows: rows[pair * values..].as_ptr(),
                        columns: self.columns_in,
                        inputs: scratch[pair * size..][..size].as_ptr(),
                        panels: self.panels[column * self.columns_in..][..2 * panel].as_ptr(),
                        weights: self.combined[column / two * COMBINED * panel / 2..][..COMBINED * panel / 2].as_ptr(),
                    };
                    // SAFETY: the slices just taken are what the operands need; all seven products are written before they
                    // are read; the outputs of these pixels from `column` on are there. A network is made for what the
                    // processor has.
                    unsafe {
                        operands.multiply::<A, L, TALLEST, WIDEST>(products.as_mut_ptr());
                        let ends = &ends[pair * PAIR..][..pixels];
                        let products = products.assume_init_ref();
                        pass.ending.pair::<A, L, TALLEST, WIDEST>(
                            products,
                            self.scales(column),
                            pass.target.kind,
                            ends,
                            column,
                        );
                    }
                }
            }
        }
    }

    /// Computes some pixels, some outputs of each.
    fn tiles(&self, pass: &Pass<'_, A>, pixels: Range<usize>, columns: Range<usize>) {
        if pixels.is_empty() || columns.is_empty() {
            return;
        }
        let length = pass.length;
        let block = (BLOCK_BYTES / (self.columns_in * size_of::<A::Value>())).max(TALLEST);
        // Whole lines, or else a part of one that tiles fill.
        let (block_lines, block_length) =
            if block >= length { (block / length, length) } else { (1, block / TALLEST * TALLEST) };
        let (from_line, to_line) = (pixels.start / length, pixels.end.div_ceil(length));
        for from_line in (from_line..to_line).step_by(block_lines) {
            let mut from = 0;
            while from < length {
                // No tile of one or two pixels at a line's end: those use the registers badly.
                let left = length - from;
                let count = if left < block_length + TALLEST { left } else { block_length };
                for column in columns.clone().step_by(WIDEST * L::WIDTH) {
                    for line in from_line..(from_line + block_lines).min(to_line) {
                        let mut place = (line * length + from).max(pixels.start);
                        let end = (line * length + from + count).min(pixels.end);
                        while place < end {
                            let (rows, tiles) = strip(end - place);
                            // SAFETY: the strip's rows of the input, from `place` on, lie within the slice as `forward` has checked,
                            // and their outputs from `column` on within theirs, as `Target::new` has.
                            unsafe {
                                let input = pass.input.as_ptr().add(place * self.columns_in);
                                let end = pass.target.at(line, (place - line * length) * self.columns_out + column);
                                self.strip((rows, tiles), column, input, pass, end);
                            }
                            place += rows * tiles;
                        }
                    }
                }
                from += count;
            }
        }
    }

    /// Tiles in a row, each of so many pixels; outputs from `column` on.
    unsafe fn strip(
        &self,
        (rows, tiles): (usize, usize),
        column: usize,
        input: *const A::Value,
        Pass { ending, target, .. }: &Pass<'_, A>,
        end: End,
    ) {
        let strip = Strip {
            tiles,
            input,
            columns_in: self.columns_in,
            weights: self.panels[column * self.columns_in..].as_ptr(),
            scales: self.scales(column),
            ending,
            kind: target.kind,
            end,
            columns_out: self.columns_out,
        };
        let wide = self.columns_out - column > L::WIDTH;
        // SAFETY: the caller's promise.
        unsafe {
            match (rows, wide) {
                (5, true) => strip.compute::<A, L, 5, 2>(),
                (4, true) => strip.compute::<A, L, 4, 2>(),
                (3, true) => strip.compute::<A, L, 3, 2>(),
                (2, true) => strip.compute::<A, L, 2, 2>(),
                (_, true) => strip.compute::<A, L, 1, 2>(),
                (5, false) => strip.compute::<A, L, 5, 1>(),
                (4, false) => strip.compute::<A, L, 4, 1>(),
                (3, false) => strip.compute::<A, L, 3, 1>(),
                (2, false) => strip.compute::<A, L, 2, 1>(),
                (_, false) => strip.compute::<A, L, 1, 1>(),
            }
        }
    }

    /// Of the outputs from `column` on.
    fn scales(&self, column: usize) -> Scales<'_> {
        Scales { units: &self.units[column..], bias: &self.bias[column..] }
    }
}

/// A plane whose sizes have been checked.
struct Pass<'a, A: Arithmetic> {
    input: &'a [A::Value],
    ending: Ending,
    pixels: usize,
    length: usize,
    target: Target<A>,
}

/// The next tiles of `left` pixels: how many each takes, and how many such there are. All take 5, but the last two if those
/// left 1 or 2.
fn strip(left: usize) -> (usize, usize) {
    match (left, left % TALLEST) {
        (..=TALLEST, _) => (left, 1),
        (6, _) => (3, 2),
        (7, _) => (4, 1),
        (_, 1 | 2) => (TALLEST, left / TALLEST - 1),
        _ => (TALLEST, left / TALLEST),
    }
}

/// Tiles one after another, and their place in the layer.
struct Strip<'a, V> {
    tiles: usize,
    input: *const V,
    columns_in: usize,
    weights: *const V,
    scales: Scales<'a>,
    ending: &'a Ending,
    kind: Kind,
    end: End,
    columns_out: usize,
}

impl<V> Strip<'_, V> {
    /// A small function of its own, called often: browsers optimise function by function, and only what is called again.
    ///
    /// # Safety
    /// For each tile `ROWS` rows of inputs and `ROWS` rows of outputs must be there, and a panel of `VECTORS` vectors of weights
    /// with their scales.
    #[inline(never)]
    unsafe fn compute<A: Arithmetic<Value = V>, L: Lanes, const ROWS: usize, const VECTORS: usize>(&self) {
        // SAFETY: the caller's promise; a network is made for what the processor has. (Each end has a loop of its own, without
        // a question in it.)
        unsafe {
            L::run(
                #[inline(always)]
                || match (self.kind, self.end.of_group) {
                    (Kind::Stream, _) => self.kernel::<A, L, ROWS, VECTORS>(Kind::Stream, 0),
                    (Kind::Residual, _) => self.kernel::<A, L, ROWS, VECTORS>(Kind::Residual, 0),
                    (Kind::Wide, 0) => self.kernel::<A, L, ROWS, VECTORS>(Kind::Wide, 0),
                    (Kind::Wide, _) => self.kernel::<A, L, ROWS, VECTORS>(Kind::Wide, 1),
                },
            );
        }
    }

    #[inline(always)]
    unsafe fn kernel<A: Arithmetic<Value = V>, L: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        kind: Kind,
        of_group: usize,
    ) {
        let end = End { to: self.end.to, of_group };
        // SAFETY: the caller's promise.
        unsafe {
            for tile in 0..self.tiles {
                let input = self.input.add(tile * ROWS * self.columns_in);
                let sums = product_of::<A, L, ROWS, VECTORS>(input, self.columns_in, self.weights, self.columns_in);
                for vector in 0..VECTORS {
                    let place = vector * L::WIDTH;
                    let ending = self.ending.vector::<L>(self.scales, place, kind.scale::<A>());
                    for (row, sums) in sums.iter().enumerate() {
                        let place = (tile * ROWS + row) * self.columns_out + place;
                        kind.store::<A, L>(ending.outputs::<A>(sums[vector]), end, place);
                    }
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

    /// A case's input as stored, and what a stored 1 means.
    fn input<A: Arithmetic, L: Lanes>(case: &Case, layer: &Pointwise<A, L>) -> (Vec<A::Value>, f32) {
        let rows = wave(case.lines * case.length * case.columns_in, 0.11);
        let mut padded = Vec::new();
        for row in rows.chunks_exact(case.columns_in) {
            padded.extend_from_slice(row);
            // The weights of the added columns are zero: what stands there must not matter.
            padded.resize(padded.len() + layer.columns_in() - case.columns_in, 0.5);
        }
        if case.lines > 1 {
            // Whole pairs of tiles: what stands there must not matter either.
            padded.resize((case.lines * case.length).next_multiple_of(PAIR) * layer.columns_in(), 0.7);
        }
        let mut buffer = vec![A::Value::default(); padded.len()];
        padded.resize(padded.len().next_multiple_of(16), 0.0);
        buffer.resize(padded.len(), A::Value::default());
        let unit = A::inputs::<L>(&padded, &mut buffer);
        (buffer, unit)
    }

    /// A layer over `lines` × `length` pixels, its output laid out with a gap after each line; what was there is 0.25.
    fn output<A: Arithmetic, L: Lanes>(case: &Case) -> Vec<f32> {
        let weights = wave(case.columns_in * case.columns_out, 0.37);
        let layer = Pointwise::<A, L>::new(&weights, wave(case.columns_out, 0.7), case.columns_in, case.activation);
        let (buffer, unit) = input(case, &layer);
        let line = case.length * case.columns_out + 3;
        let mut output = vec![0.25; 5 + case.lines * line];
        let to = if case.residual { Output::Residual(&mut output) } else { Output::Stream(&mut output) };
        let (lines, length) = (case.lines, case.length);
        let scratch = &mut vec![A::Value::default(); layer.scratch()];
        layer.forward(Plane { input: &buffer, unit, scratch, lines, length, output: to, first: 5, line });
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
        let shapes = [(1, 1), (1, 2), (3, 7), (2, 14), (1, 49), (7, 7), (4, 28), (2, 113)];
        // The last ones are long enough for Strassen's method: with panels in pairs, and with one left over.
        let widths = [(27, 32), (16, 96), (96, 24), (672, 40), (2, 8), (80, 64), (112, 80), (480, 112)];
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

    /// A rectified layer over a case, its lines in groups from line `place` of the first one on; a gap after each group.
    fn groups<A: Arithmetic, L: Lanes>(case: &Case, place: usize) -> Vec<A::Value> {
        let weights = wave(case.columns_in * case.columns_out, 0.37);
        let layer = Pointwise::<A, L>::new(&weights, wave(case.columns_out, 0.7), case.columns_in, Activation::Relu6);
        let (buffer, unit) = input(case, &layer);
        let line = (case.length * case.columns_out + 3) * A::STEP;
        let mut groups = vec![A::Value::default(); 5 + (place + case.lines).div_ceil(A::STEP) * line];
        let output = Output::Wide { groups: &mut groups, place };
        let (lines, length) = (case.lines, case.length);
        let scratch = &mut vec![A::Value::default(); layer.scratch()];
        layer.forward(Plane { input: &buffer, unit, scratch, lines, length, output, first: 5, line });
        groups
    }

    #[test]
    fn lines_go_side_by_side_into_groups() {
        for case in cases() {
            let case = Case { activation: Activation::Relu6, residual: false, ..case };
            let (line, row) = (case.length * case.columns_out + 3, case.length * case.columns_out);
            let floats = groups::<Float, Portable>(&case, 0);
            for place in 0..2 {
                let integers = groups::<Integer, Portable>(&case, place);
                let mut expected = vec![0; integers.len()];
                for (count, floats) in floats[5..].chunks(line).enumerate() {
                    let (group, of_group) = ((place + count) / 2, (place + count) % 2);
                    for (value, float) in floats[..row].iter().enumerate() {
                        expected[5 + (group * line + value) * 2 + of_group] = (float * Integer::SIX / 6.0) as i16;
                    }
                }
                let tolerance = 2.0 + 0.7 * (case.columns_in as f32).sqrt();
                for (found, expected) in integers.iter().zip(&expected) {
                    assert!(f32::from(found - expected).abs() <= tolerance, "{found} ≠ {expected}");
                    assert!(*expected != 0 || f32::from(*found) <= tolerance);
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_instruction_set_computes_the_same_bits() {
        use crate::lanes::{Avx2, Sse2};
        for case in cases() {
            let (floats, integers) = (output::<Float, Portable>(&case), output::<Integer, Portable>(&case));
            assert!(floats == output::<Float, Sse2>(&case) && integers == output::<Integer, Sse2>(&case));
            let avx2 = std::arch::is_x86_feature_detected!("avx2");
            if avx2 {
                assert!(floats == output::<Float, Avx2>(&case) && integers == output::<Integer, Avx2>(&case));
            }
            for place in 0..2 {
                let portable = groups::<Integer, Portable>(&case, place);
                assert!(portable == groups::<Integer, Sse2>(&case, place));
                assert!(!avx2 || portable == groups::<Integer, Avx2>(&case, place));
            }
        }
    }

    #[test]
    fn no_tile_at_the_end_of_a_line_is_short() {
        for length in 1..200 {
            let mut left = length;
            while left > 0 {
                let (rows, tiles) = strip(left);
                assert!(rows <= TALLEST && (rows >= 3 || length < 3) && tiles > 0, "{tiles} × {rows} of {left}");
                left -= rows * tiles;
            }
        }
    }
}
