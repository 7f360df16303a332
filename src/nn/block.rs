//! The inverted residual block: widen, convolve each channel, narrow.
//!
//! The wide activations of the first blocks are megabytes. So that they stay in the cache between one layer and the next, a
//! block is computed in bands of a few lines: each is widened, convolved and narrowed before the next is begun.

use super::arena::{Arena, ArenaSizes};
use super::arithmetic::Arithmetic;
use super::depthwise::Depthwise;
use super::lite0::Stage;
use super::outputs::Output;
use super::pointwise::{PAIR, Plane, Pointwise};
use super::stem::Stem;
use super::weights::Weights;
use super::{Activation, NetworkError, Padding};
use crate::lanes::Lanes;
use std::ops::Range;

/// Bytes of a band's wide activations at most, unless one line needs more: part of a second-level cache.
const BAND_BYTES: usize = 384 << 10;

#[derive(Debug)]
pub(super) struct Block<A: Arithmetic, L: Lanes> {
    widen: Widen<A, L>,
    depthwise: Depthwise<A, L>,
    project: Pointwise<A, L>,
    kernel: usize,
    stride: usize,
    padding: Padding,
    channels_in: usize,
    channels_wide: usize,
    channels_out: usize,
    /// Lines of the output that are computed together.
    band: usize,
}

/// Where a block's wide activations come from.
#[derive(Debug)]
pub(super) enum Widen<A: Arithmetic, L: Lanes> {
    /// The first block does not widen: it begins with the image's first convolution.
    Image(Stem<A, L>),
    /// From what flows between blocks.
    Stream(Pointwise<A, L>),
}

impl<A: Arithmetic, L: Lanes> Block<A, L> {
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        widen: Widen<A, L>,
        padding: Padding,
        stage: &Stage,
        channels_in: usize,
    ) -> Result<Self, NetworkError> {
        let (kernel, stride) = (stage.kernel, padding.side_in / padding.side_out);
        let channels_wide = channels_in * stage.expansion;
        let line_bytes = padding.side_padded * channels_wide * size_of::<A::Value>();
        let lines_in = BAND_BYTES / line_bytes;
        // Every band begins with a whole group of lines.
        let band = (lines_in.saturating_sub(kernel) / stride + 1).next_multiple_of(A::STEP).min(padding.side_out);
        let name_of = |part: &str| format!("{name}.{part}");
        Ok(Block {
            widen,
            depthwise: Depthwise::load(weights, &name_of("depthwise"), channels_wide, kernel, stride)?,
            project: Pointwise::load(weights, &name_of("project"), channels_wide, stage.channels, Activation::Linear)?,
            kernel,
            stride,
            padding,
            channels_in,
            channels_wide,
            channels_out: stage.channels,
            band,
        })
    }

    /// What it needs of an arena.
    pub(super) fn sizes(&self) -> ArenaSizes {
        let Padding { side_in, side_out, side_padded, .. } = self.padding;
        let (pixels, expand) = match &self.widen {
            Widen::Image(_) => (0, None),
            Widen::Stream(expand) => (side_in * side_in, Some(expand)),
        };
        let own = ArenaSizes {
            stream: (pixels * self.channels_in).max(side_out * side_out * self.channels_out),
            inputs: pixels.next_multiple_of(PAIR) * expand.map_or(0, Pointwise::columns_in),
            scratch: self.project.scratch().max(expand.map_or(0, Pointwise::scratch)),
            wide: self.padding.lines_in(self.band, self.kernel, self.stride).next_multiple_of(A::STEP)
                * side_padded
                * self.channels_wide,
            convolved: (self.band * side_out).next_multiple_of(PAIR) * self.channels_wide,
            ..ArenaSizes::default()
        };
        match &self.widen {
            Widen::Image(stem) => own.or_larger(stem.sizes()),
            Widen::Stream(_) => own,
        }
    }

    /// From the stream (the first block: from the image, side × side × 3 bytes) to the stream.
    pub(super) fn forward(&self, rgb: &[u8], arena: &mut Arena<A>) {
        let side_out = self.padding.side_out;
        let unit = match &self.widen {
            Widen::Image(stem) => {
                stem.prepare(rgb, &mut arena.pixels);
                A::PIXEL_UNIT
            }
            Widen::Stream(expand) => {
                let values = self.padding.side_in.pow(2) * expand.columns_in();
                A::inputs::<L>(&arena.stream[..values], &mut arena.inputs[..values])
            }
        };
        let group = self.group();
        let mut done = 0;
        for top in (0..side_out).step_by(self.band) {
            let lines = self.band.min(side_out - top);
            let first = top * self.stride;
            let end = first + self.padding.lines_in(lines, self.kernel, self.stride);
            // The last lines of one band are the first of the next.
            let kept = done - first.min(done);
            let from = self.band * self.stride / A::STEP;
            arena.wide.copy_within(from * group..(from + kept.div_ceil(A::STEP)) * group, 0);
            self.widen(first + kept..end, kept, unit, arena);
            done = end;
            self.depthwise.forward(&arena.wide, &self.padding, lines, &mut arena.convolved);
            let (output, residual) = (&mut arena.stream, self.is_residual());
            self.project.forward(Plane {
                input: &arena.convolved,
                unit: 6.0 / A::SIX,
                scratch: &mut arena.scratch,
                lines: 1,
                length: lines * side_out,
                output: if residual { Output::Residual(output) } else { Output::Stream(output) },
                first: top * side_out * self.channels_out,
                line: 0,
            });
        }
    }

    /// Values in a group of lines of the padded wide activations.
    fn group(&self) -> usize {
        self.padding.side_padded * self.channels_wide * A::STEP
    }

    /// Where both have the same shape, the input is added to the output.
    fn is_residual(&self) -> bool {
        let widens = matches!(self.widen, Widen::Stream(_));
        widens && self.stride == 1 && self.channels_in == self.channels_out
    }

    /// Computes these lines of the padded wide activations; the first goes to line `place` of the band.
    fn widen(&self, lines: Range<usize>, place: usize, unit: f32, arena: &mut Arena<A>) {
        let Padding { side_in, before, .. } = self.padding;
        let group = self.group();
        let pixel = self.channels_wide * A::STEP;
        let (left, right) = (before * pixel, (before + side_in) * pixel);
        let inside = lines.start.max(before)..lines.end.min(before + side_in);
        // Groups that no line was yet written to: a line inside writes all that lies between the margins of its own, and
        // zeros for the lines of its group that follow.
        let fresh = place.next_multiple_of(A::STEP);
        for line in (lines.start + fresh - place..lines.end).step_by(A::STEP) {
            let values = &mut arena.wide[(place + line - lines.start) / A::STEP * group..][..group];
            if inside.contains(&line) {
                values[..left].fill(A::Value::default());
                values[right..].fill(A::Value::default());
            } else {
                values.fill(A::Value::default());
            }
        }
        let place = place + inside.start - lines.start;
        let inside = inside.start - before..inside.end - before;
        match &self.widen {
            Widen::Image(stem) => {
                let Arena { pixels, windows, wide, .. } = arena;
                stem.forward(pixels, windows, inside, wide, place, left, group);
            }
            Widen::Stream(expand) => expand.forward(Plane {
                input: &arena.inputs[inside.start * side_in * expand.columns_in()..],
                unit,
                scratch: &mut arena.scratch,
                lines: inside.len(),
                length: side_in,
                output: Output::Wide { groups: &mut arena.wide, place: place % A::STEP },
                first: place / A::STEP * group + left,
                line: group,
            }),
        }
    }
}
