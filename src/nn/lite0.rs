//! EfficientNet-Lite0 up to its pooled features (Tan and Le, "EfficientNet", 2019; the Lite variants drop
//! squeeze-and-excitation and use ReLU6). ImageNet weights with the batch norms folded in, see `xtask/models/`.

use super::depthwise::Depthwise;
use super::pointwise::Pointwise;
use super::weights::{Weights, transposed};
use super::{Activation, Activations, NetworkError, same_padding};
use crate::pipeline::features::image::{CROP_SIDE, Crop};

/// The width of an embedding.
pub const EMBEDDING_COLUMNS: usize = 1280;

const STEM_CHANNELS: usize = 32;
const STEM_KERNEL: usize = 3;
const STEM_STRIDE: usize = 2;

/// One row of the network's plan: blocks in a row that end in the same number of channels.
struct Stage {
    blocks: usize,
    kernel: usize,
    /// Of the first block; the others keep the side.
    stride: usize,
    /// How many times wider than its input a block is inside.
    expansion: usize,
    channels: usize,
}

const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
];

/// The network, ready to embed. Holds about 14 MB; one instance a worker.
#[derive(Debug)]
pub struct Lite0 {
    stem: Pointwise,
    blocks: Vec<Block>,
    head: Pointwise,
}

/// An inverted residual block: widen, convolve each channel, narrow.
#[derive(Debug)]
struct Block {
    /// The first block of all does not widen.
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
    /// Whether the input is added to the output: where both have the same shape.
    residual: bool,
}

impl Lite0 {
    /// Builds the network from the bytes of `lite0.safetensors`.
    ///
    /// # Errors
    /// [`NetworkError`] when the bytes are not those weights: names the tensor and both shapes.
    pub fn load(bytes: &[u8]) -> Result<Lite0, NetworkError> {
        let weights = Weights::open(bytes)?;
        let mut blocks = Vec::new();
        let mut channels = STEM_CHANNELS;
        for stage in &STAGES {
            for place in 0..stage.blocks {
                let name = format!("blocks.{}", blocks.len());
                let stride = if place == 0 { stage.stride } else { 1 };
                blocks.push(Block::load(&weights, &name, channels, stride, stage)?);
                channels = stage.channels;
            }
        }
        Ok(Lite0 {
            stem: load_stem(&weights)?,
            blocks,
            head: Pointwise::load(&weights, "head", channels, EMBEDDING_COLUMNS, Activation::Relu6)?,
        })
    }

    /// The 1280 pooled features of a crop, each 0 to 6.
    ///
    /// # Errors
    /// [`NetworkError::Compute`] when candle refuses, which no crop makes it do.
    pub fn embed(&self, crop: &Crop) -> Result<Vec<f32>, NetworkError> {
        let (side, unfolded) = unfold(crop);
        let values = self.stem.forward(unfolded)?;
        let mut activations = Activations { side, values };
        for block in &self.blocks {
            activations = block.forward(activations)?;
        }
        let values = self.head.forward(activations.values)?;
        let mut pooled = vec![0.0; EMBEDDING_COLUMNS];
        for pixel in values.chunks_exact(EMBEDDING_COLUMNS) {
            pooled.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        }
        let pixels = (activations.side * activations.side) as f32;
        pooled.iter_mut().for_each(|sum| *sum /= pixels);
        Ok(pooled)
    }
}

impl Block {
    fn load(
        weights: &Weights,
        name: &str,
        channels: usize,
        stride: usize,
        stage: &Stage,
    ) -> Result<Block, NetworkError> {
        let wide = channels * stage.expansion;
        let expand = if stage.expansion > 1 {
            Some(Pointwise::load(weights, &format!("{name}.expand"), channels, wide, Activation::Relu6)?)
        } else {
            None
        };
        let depthwise = Depthwise::load(weights, &format!("{name}.depthwise"), wide, stage.kernel, stride)?;
        let project = Pointwise::load(weights, &format!("{name}.project"), wide, stage.channels, Activation::Linear)?;
        Ok(Block { expand, depthwise, project, residual: stride == 1 && channels == stage.channels })
    }

    fn forward(&self, input: Activations) -> Result<Activations, NetworkError> {
        let kept = self.residual.then(|| input.values.clone());
        let widened = match &self.expand {
            Some(expand) => Activations { side: input.side, values: expand.forward(input.values)? },
            None => input,
        };
        let convolved = self.depthwise.forward(&widened);
        let mut values = self.project.forward(convolved.values)?;
        if let Some(kept) = kept {
            values.iter_mut().zip(kept).for_each(|(value, kept)| *value += kept);
        }
        Ok(Activations { side: convolved.side, values })
    }
}

/// The first convolution as a matrix product over unfolded windows.
fn load_stem(weights: &Weights) -> Result<Pointwise, NetworkError> {
    let taps = STEM_KERNEL * STEM_KERNEL;
    let stored = weights.read("stem.weight", &[STEM_CHANNELS, 3, STEM_KERNEL, STEM_KERNEL])?;
    let bias = weights.read("stem.bias", &[STEM_CHANNELS])?;
    // Stored as out × colour × tap; the unfolded windows have the colours innermost.
    let by_tap: Vec<f32> = stored.chunks_exact(3 * taps).flat_map(|kernel| transposed(kernel, 3, taps)).collect();
    Pointwise::new(transposed(&by_tap, STEM_CHANNELS, 3 * taps), bias, 3 * taps, Activation::Relu6)
}

/// The 3 × 3 windows of a crop, two pixels apart, one a row: returns the output's side and side² × 27 values, scaled to
/// −1..1 as the network was trained. What lies outside the crop is zero *after* the scaling.
fn unfold(crop: &Crop) -> (usize, Vec<f32>) {
    let (side, before) = same_padding(CROP_SIDE, STEM_KERNEL, STEM_STRIDE);
    let row_length = STEM_KERNEL * 3;
    let mut windows = vec![0.0; side * side * STEM_KERNEL * row_length];
    for (place, window) in windows.chunks_exact_mut(STEM_KERNEL * row_length).enumerate() {
        let (y, x) = (place / side * STEM_STRIDE, place % side * STEM_STRIDE);
        for (tap, value) in window.iter_mut().enumerate() {
            let row = (y + tap / row_length).wrapping_sub(before);
            let column = (x + tap % row_length / 3).wrapping_sub(before);
            if row < CROP_SIDE && column < CROP_SIDE {
                let byte = crop.rgb()[(row * CROP_SIDE + column) * 3 + tap % 3];
                *value = (f32::from(byte) - 127.5) / 127.5;
            }
        }
    }
    (side, windows)
}
