//! The inverted residual block: widen, convolve each channel, narrow.
//!
//! The wide activations of the first blocks are megabytes. So that they stay in the cache between one layer and the next, a
//! block is computed in bands of a few lines: each is widened, convolved and narrowed before the next is begun.

use super::arena::{Arena, ArenaSizes};
use super::arithmetic::Arithmetic;
use super::depthwise::Depthwise;
use super::lite0::Stage;
use super::pointwise::{Plane, Pointwise};
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
        let line_bytes = padding.side_padded * channels_wide * size_of::<f32>();
        let lines_in = BAND_BYTES / line_bytes;
        let band = (lines_in.saturating_sub(kernel) / stride + 1).min(padding.side_out);
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
        let stream_in = match &self.widen {
            Widen::Image(_) => 0,
            Widen::Stream(_) => side_in * side_in * self.channels_in,
        };
        let own = ArenaSizes {
            stream: stream_in.max(side_out * side_out * self.channels_out),
            wide: self.padding.lines_in(self.band, self.kernel, self.stride) * side_padded * self.channels_wide,
            convolved: self.band * side_out * self.channels_wide,
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
        let line = self.padding.side_padded * self.channels_wide;
        let mut done = 0;
        for top in (0..side_out).step_by(self.band) {
            let lines = self.band.min(side_out - top);
            let first = top * self.stride;
            let needed = first..first + self.padding.lines_in(lines, self.kernel, self.stride);
            // The last lines of one band are the first of the next.
            let kept = done - first.min(done);
            arena.wide.copy_within((self.band * self.stride) * line..(self.band * self.stride + kept) * line, 0);
            self.widen(first + kept..needed.end, kept, unit, arena);
            done = needed.end;
            let convolved = &mut arena.convolved[..lines * side_out * self.channels_wide];
            self.depthwise.forward(&arena.wide, &self.padding, lines, convolved);
            self.project.forward(Plane {
                input: convolved,
                unit: 6.0 / A::SIX,
                lines: 1,
                length: lines * side_out,
                output: &mut arena.stream,
                first: top * side_out * self.channels_out,
                line: 0,
                residual: self.is_residual(),
            });
        }
    }

    /// Where both have the same shape, the input is added to the output.
    fn is_residual(&self) -> bool {
        let widens = matches!(self.widen, Widen::Stream(_));
        widens && self.stride == 1 && self.channels_in == self.channels_out
    }

    /// Computes these lines of the padded wide activations; the first goes to line `place` of the band.
    fn widen(&self, lines: Range<usize>, place: usize, unit: f32, arena: &mut Arena<A>) {
        let Padding { side_in, before, side_padded, .. } = self.padding;
        let line = side_padded * self.channels_wide;
        let (left, right) = (before * self.channels_wide, (before + side_in) * self.channels_wide);
        let band = arena.wide[place * line..].chunks_exact_mut(line);
        for (padded, values) in lines.clone().zip(band) {
            if padded < before || padded >= before + side_in {
                values.fill(0.0);
            } else {
                values[..left].fill(0.0);
                values[right..].fill(0.0);
            }
        }
        let inside = lines.start.max(before)..lines.end.min(before + side_in);
        let first = (place + inside.start - lines.start) * line + left;
        let inside = inside.start - before..inside.end - before;
        match &self.widen {
            Widen::Image(stem) => {
                stem.forward(&arena.pixels, &mut arena.windows, inside, &mut arena.wide, first, line);
            }
            Widen::Stream(expand) => {
                let start = inside.start * side_in * expand.columns_in();
                let (lines, output) = (inside.len(), &mut arena.wide);
                let input = &arena.inputs[start..];
                expand.forward(Plane { input, unit, lines, length: side_in, output, first, line, residual: false });
            }
        }
    }
}
