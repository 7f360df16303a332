//! The layers in their order, in one arithmetic and one instruction set.

use super::arena::{Arena, ArenaSizes, Arenas};
use super::arithmetic::Arithmetic;
use super::block::{Block, Widen};
use super::lite0::{EMBEDDING_COLUMNS, STAGES};
use super::outputs::Output;
use super::pointwise::{PAIR, Plane, Pointwise};
use super::stem::{STEM_CHANNELS, Stem};
use super::weights::Weights;
use super::{Activation, NetworkError, Padding};
use crate::lanes::Lanes;

/// What an image goes through.
#[derive(Debug)]
pub(super) struct Network<A: Arithmetic, L: Lanes> {
    /// The first one begins at the image.
    blocks: Vec<Block<A, L>>,
    head: Pointwise<A, L>,
    /// Pixels along a side of the head's input.
    side: usize,
    arenas: Arenas<A>,
}

impl<A: Arithmetic, L: Lanes> Network<A, L> {
    /// For square images of `side` pixels.
    pub(super) fn load(weights: &Weights, side: usize) -> Result<Self, NetworkError> {
        let stem = Stem::load(weights, side)?;
        let (mut channels, mut side) = (STEM_CHANNELS, stem.side_out());
        let mut stem = Some(stem);
        let mut blocks: Vec<Block<A, L>> = Vec::new();
        for stage in &STAGES {
            for place in 0..stage.blocks {
                let name = format!("blocks.{}", blocks.len());
                let padding = Padding::same(side, stage.kernel, if place == 0 { stage.stride } else { 1 });
                let wide = channels * stage.expansion;
                let widen = match stem.take() {
                    Some(stem) => Widen::Image(stem),
                    None => {
                        let name = format!("{name}.expand");
                        Widen::Stream(Pointwise::load(weights, &name, channels, wide, Activation::Relu6)?)
                    }
                };
                blocks.push(Block::load(weights, &name, widen, padding, stage, channels)?);
                (channels, side) = (stage.channels, padding.side_out);
            }
        }
        let head = Pointwise::load(weights, "head", channels, EMBEDDING_COLUMNS, Activation::Relu6)?;
        let mut sizes: ArenaSizes =
            blocks.iter().map(Block::sizes).fold(Default::default(), |sum, needs| needs.or_larger(sum));
        sizes = sizes.or_larger(ArenaSizes {
            stream: side * side * EMBEDDING_COLUMNS,
            inputs: (side * side).next_multiple_of(PAIR) * head.columns_in(),
            scratch: head.scratch(),
            ..ArenaSizes::default()
        });
        Ok(Network { blocks, head, side, arenas: Arenas::new(sizes) })
    }

    /// `rgb` is side × side × 3 bytes.
    pub(super) fn embed(&self, rgb: &[u8]) -> Vec<f32> {
        self.arenas.with(|arena| {
            for block in &self.blocks {
                block.forward(rgb, arena);
            }
            self.pool(arena)
        })
    }

    /// The head and the mean over its pixels.
    fn pool(&self, arena: &mut Arena<A>) -> Vec<f32> {
        let pixels = self.side * self.side;
        let values = pixels * self.head.columns_in();
        let unit = A::inputs::<L>(&arena.stream[..values], &mut arena.inputs[..values]);
        let output = &mut arena.stream[..pixels * EMBEDDING_COLUMNS];
        self.head.forward(Plane {
            input: &arena.inputs,
            unit,
            scratch: &mut arena.scratch,
            lines: 1,
            length: pixels,
            output: Output::Stream(output),
            first: 0,
            line: 0,
        });
        let mut pooled = vec![0.0; EMBEDDING_COLUMNS];
        for pixel in output.chunks_exact(EMBEDDING_COLUMNS) {
            pooled.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        pooled.iter_mut().for_each(|sum| *sum /= pixels as f32);
        pooled
    }
}
