//! The layers in their order, in one arithmetic and one instruction set.

use super::arena::{Arena, ArenaSizes, Arenas, clear_margin};
use super::arithmetic::Arithmetic;
use super::depthwise::Depthwise;
use super::lanes::Lanes;
use super::lite0::{EMBEDDING_COLUMNS, STAGES, Stage};
use super::pointwise::{Plane, Pointwise};
use super::stem::{STEM_CHANNELS, Stem};
use super::weights::Weights;
use super::{Activation, NetworkError, Padding};

/// What an image goes through.
#[derive(Debug)]
pub(super) struct Network<A: Arithmetic, L: Lanes> {
    stem: Stem<A, L>,
    blocks: Vec<Block<A, L>>,
    head: Pointwise<A, L>,
    /// Pixels along a side of the head's input.
    side: usize,
    arenas: Arenas<A>,
}

/// An inverted residual block: widen, convolve each channel, narrow.
#[derive(Debug)]
struct Block<A: Arithmetic, L: Lanes> {
    /// The first block of all does not widen: the stem has written its wide activations.
    expand: Option<Pointwise<A, L>>,
    depthwise: Depthwise<A, L>,
    project: Pointwise<A, L>,
    padding: Padding,
    channels_in: usize,
    channels_wide: usize,
    channels_out: usize,
}

impl<A: Arithmetic, L: Lanes> Network<A, L> {
    /// For square images of `side` pixels.
    pub(super) fn load(weights: &Weights, side: usize) -> Result<Self, NetworkError> {
        let stem = Stem::load(weights, side)?;
        let mut blocks: Vec<Block<A, L>> = Vec::new();
        let (mut channels, mut side) = (STEM_CHANNELS, stem.side_out());
        for stage in &STAGES {
            for place in 0..stage.blocks {
                let name = format!("blocks.{}", blocks.len());
                let padding = Padding::same(side, stage.kernel, if place == 0 { stage.stride } else { 1 });
                blocks.push(Block::load(weights, &name, channels, padding, stage)?);
                (channels, side) = (stage.channels, padding.side_out);
            }
        }
        let head = Pointwise::load(weights, "head", channels, EMBEDDING_COLUMNS, Activation::Relu6)?;
        let mut sizes = stem.sizes();
        sizes.wide = side * side * EMBEDDING_COLUMNS;
        for block in &blocks {
            let needs = block.sizes();
            sizes.stream = sizes.stream.max(needs.stream);
            sizes.wide = sizes.wide.max(needs.wide);
            sizes.convolved = sizes.convolved.max(needs.convolved);
        }
        Ok(Network { stem, blocks, head, side, arenas: Arenas::new(sizes) })
    }

    /// `rgb` is side × side × 3 bytes.
    pub(super) fn embed(&self, rgb: &[u8]) -> Vec<f32> {
        self.arenas.with(|arena| {
            if let Some(first) = self.blocks.first() {
                self.stem.forward(rgb, arena, &first.padding);
            }
            for block in &self.blocks {
                block.forward(arena);
            }
            self.pool(arena)
        })
    }

    /// The head and the mean over its pixels.
    fn pool(&self, arena: &mut Arena<A>) -> Vec<f32> {
        let pixels = self.side * self.side;
        let values = pixels * self.head.columns_in();
        let (input, unit) = A::inputs::<L>(&arena.stream[..values], &mut arena.inputs[..values]);
        let output = &mut arena.wide[..pixels * EMBEDDING_COLUMNS];
        self.head.forward(Plane { input, unit, lines: 1, length: pixels, output, first: 0, line: 0, residual: false });
        let mut pooled = vec![0.0; EMBEDDING_COLUMNS];
        for pixel in output.chunks_exact(EMBEDDING_COLUMNS) {
            pooled.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        pooled.iter_mut().for_each(|sum| *sum /= pixels as f32);
        pooled
    }
}

impl<A: Arithmetic, L: Lanes> Block<A, L> {
    fn load(
        weights: &Weights,
        name: &str,
        channels_in: usize,
        padding: Padding,
        stage: &Stage,
    ) -> Result<Self, NetworkError> {
        let (wide, stride) = (channels_in * stage.expansion, padding.side_in / padding.side_out);
        let expand = if stage.expansion > 1 {
            Some(Pointwise::load(weights, &format!("{name}.expand"), channels_in, wide, Activation::Relu6)?)
        } else {
            None
        };
        Ok(Block {
            expand,
            depthwise: Depthwise::load(weights, &format!("{name}.depthwise"), wide, stage.kernel, stride)?,
            project: Pointwise::load(weights, &format!("{name}.project"), wide, stage.channels, Activation::Linear)?,
            padding,
            channels_in,
            channels_wide: wide,
            channels_out: stage.channels,
        })
    }

    fn sizes(&self) -> ArenaSizes {
        let Padding { side_in, side_out, side_padded, .. } = self.padding;
        ArenaSizes {
            stream: (side_in * side_in * self.channels_in).max(side_out * side_out * self.channels_out),
            wide: side_padded * side_padded * self.channels_wide,
            convolved: side_out * side_out * self.channels_wide,
            ..ArenaSizes::default()
        }
    }

    /// From the stream (the first block: from the wide activations) to the stream.
    fn forward(&self, arena: &mut Arena<A>) {
        let Padding { side_in, side_out, before, side_padded } = self.padding;
        if let Some(expand) = &self.expand {
            let values = side_in * side_in * self.channels_in;
            let (input, unit) = A::inputs::<L>(&arena.stream[..values], &mut arena.inputs[..values]);
            clear_margin(&mut arena.wide, &self.padding, self.channels_wide);
            expand.forward(Plane {
                input,
                unit,
                lines: side_in,
                length: side_in,
                output: &mut arena.wide,
                first: (before * side_padded + before) * self.channels_wide,
                line: side_padded * self.channels_wide,
                residual: false,
            });
        }
        let convolved = &mut arena.convolved[..side_out * side_out * self.channels_wide];
        self.depthwise.forward(&arena.wide, &self.padding, convolved);
        self.project.forward(Plane {
            input: convolved,
            unit: 6.0 / A::SIX,
            lines: 1,
            length: side_out * side_out,
            output: &mut arena.stream,
            first: 0,
            line: 0,
            // Where both have the same shape, the input is added to the output.
            residual: self.expand.is_some() && side_in == side_out && self.channels_in == self.channels_out,
        });
    }
}
