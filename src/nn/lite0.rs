//! EfficientNet-Lite0 up to its pooled features (Tan and Le, "EfficientNet", 2019; the Lite variants drop
//! squeeze-and-excitation and use ReLU6). ImageNet weights with the batch norms folded in, see `xtask/models/`.

use super::NetworkError;
use super::arithmetic::{Arithmetic, Float, Integer};
use super::network::Network;
use super::weights::Weights;
use crate::lanes::{Job, Lanes, fastest};
use crate::pipeline::features::image::{CROP_SIDE, Crop};
use std::marker::PhantomData;

/// The width of an embedding.
pub const EMBEDDING_COLUMNS: usize = 1280;

/// One row of the network's plan: blocks in a row that end in the same number of channels.
pub(super) struct Stage {
    pub blocks: usize,
    pub kernel: usize,
    /// Of the first block; the others keep the side.
    pub stride: usize,
    /// How many times wider than its input a block is inside.
    pub expansion: usize,
    pub channels: usize,
}

pub(super) const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
];

/// In which numbers the network's matrix products, nine tenths of its work, are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 16-bit integers with 32-bit sums: what the app and the command line use. Their embeddings' cosine with those of
    /// 32-bit floats exceeds 0.99999.
    #[default]
    Integer,
    /// 32-bit floats: to compare with.
    Float,
}

/// The network, ready to embed. Holds about 15 MB of weights (half of them sums, see `strassen`; of floats, 14) and 2 MB to
/// work in for each thread that embeds.
///
/// Equal crops have equal embeddings, to the bit, on every machine and in every browser.
#[derive(Debug)]
pub struct Lite0 {
    network: Box<dyn Embed>,
}

/// A network of whichever arithmetic and instruction set.
trait Embed: std::fmt::Debug + Send + Sync {
    fn embed(&self, rgb: &[u8]) -> Vec<f32>;
}

impl<A: Arithmetic, L: Lanes> Embed for Network<A, L> {
    fn embed(&self, rgb: &[u8]) -> Vec<f32> {
        Network::embed(self, rgb)
    }
}

impl Lite0 {
    /// Builds the network from the bytes of `lite0.safetensors`.
    ///
    /// # Errors
    /// [`NetworkError`] when the bytes are not those weights: names the tensor and both shapes.
    pub fn load(bytes: &[u8]) -> Result<Lite0, NetworkError> {
        load::<Integer>(bytes)
    }

    /// The same with a choice of numbers.
    ///
    /// # Errors
    /// As [`Lite0::load`].
    pub fn load_as(bytes: &[u8], precision: Precision) -> Result<Lite0, NetworkError> {
        match precision {
            Precision::Integer => load::<Integer>(bytes),
            Precision::Float => load::<Float>(bytes),
        }
    }

    /// The 1280 pooled features of a crop, each 0 to 6.
    pub fn embed(&self, crop: &Crop) -> Vec<f32> {
        self.network.embed(crop.rgb())
    }
}

/// Loads a network in one arithmetic.
struct Loading<'a, A> {
    weights: &'a Weights<'a>,
    arithmetic: PhantomData<A>,
}

impl<A: Arithmetic> Job for Loading<'_, A> {
    type Output = Result<Box<dyn Embed>, NetworkError>;

    fn perform<L: Lanes>(self) -> Self::Output {
        Ok(Box::new(Network::<A, L>::load(self.weights, CROP_SIDE)?))
    }
}

fn load<A: Arithmetic>(bytes: &[u8]) -> Result<Lite0, NetworkError> {
    let weights = &Weights::open(bytes)?;
    Ok(Lite0 { network: fastest(Loading::<A> { weights, arithmetic: PhantomData })? })
}
