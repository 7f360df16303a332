//! EfficientNet-Lite0 up to its pooled features (Tan and Le, "EfficientNet", 2019; the Lite variants drop
//! squeeze-and-excitation and use ReLU6). ImageNet weights with the batch norms folded in, see `xtask/models/`.

use super::NetworkError;
use super::arithmetic::{Arithmetic, Float, Integer};
use super::lanes;
use super::network::Network;
use super::weights::Weights;
use crate::pipeline::features::image::{CROP_SIDE, Crop};

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

/// The network, ready to embed. Holds about 9 MB of weights (of floats, 14) and 8 MB to work in for each thread that embeds.
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

impl<A: Arithmetic, L: lanes::Lanes> Embed for Network<A, L> {
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
        let network = fastest::<Integer>(&Weights::open(bytes)?)?;
        Ok(Lite0 { network })
    }

    /// The same with a choice of numbers.
    ///
    /// # Errors
    /// As [`Lite0::load`].
    pub fn load_as(bytes: &[u8], precision: Precision) -> Result<Lite0, NetworkError> {
        match precision {
            Precision::Integer => Lite0::load(bytes),
            Precision::Float => Ok(Lite0 { network: fastest::<Float>(&Weights::open(bytes)?)? }),
        }
    }

    /// The 1280 pooled features of a crop, each 0 to 6.
    pub fn embed(&self, crop: &Crop) -> Vec<f32> {
        self.network.embed(crop.rgb())
    }
}

/// In the widest instruction set that this processor has.
fn fastest<A: Arithmetic>(weights: &Weights) -> Result<Box<dyn Embed>, NetworkError> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        Ok(Box::new(Network::<A, lanes::Avx2>::load(weights, CROP_SIDE)?))
    } else {
        Ok(Box::new(Network::<A, lanes::Sse2>::load(weights, CROP_SIDE)?))
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return Ok(Box::new(Network::<A, lanes::Simd128>::load(weights, CROP_SIDE)?));
    #[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
    Ok(Box::new(Network::<A, lanes::Portable>::load(weights, CROP_SIDE)?))
}
