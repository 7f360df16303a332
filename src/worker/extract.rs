//! The feature extractors of the kinds that need weights, and their stand-ins for when the weights are missing.

use crate::nn::Lite0;
use crate::pipeline::features::image::{self, Crop, fallback_vector};
use crate::pipeline::features::text::TextEncoder;
use crate::pipeline::item::Kind;

/// Where a kind's weights lie beside the page, in the order that [`ImageExtractor::load`] and [`load_texts`] take them.
pub fn weight_files(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Image => &["models/lite0.safetensors"],
        Kind::Text => &["models/text.safetensors", "models/text-tokenizer.bin"],
        // A table's encoder is fitted to its own rows.
        Kind::Table => &[],
    }
}

/// Turns a crop into a vector.
#[derive(Debug)]
pub enum ImageExtractor {
    /// EfficientNet-Lite0.
    Network(Box<Lite0>),
    /// Colour and edge histograms.
    Histograms,
}

impl ImageExtractor {
    /// From the weights' files, or the stand-in if there is none.
    ///
    /// # Errors
    /// Says what is wrong with the weights.
    pub fn load(files: &[Vec<u8>]) -> Result<ImageExtractor, String> {
        match files {
            [] => Ok(ImageExtractor::Histograms),
            [weights, ..] => Lite0::load(weights)
                .map(|network| ImageExtractor::Network(Box::new(network)))
                .map_err(|error| error.to_string()),
        }
    }

    /// Names its vectors in the cache.
    pub fn feature_id(&self) -> &'static str {
        match self {
            ImageExtractor::Network(_) => image::NETWORK_FEATURE_ID,
            ImageExtractor::Histograms => image::FALLBACK_FEATURE_ID,
        }
    }

    /// The crop's features.
    pub fn vector(&self, crop: &Crop) -> Vec<f32> {
        match self {
            ImageExtractor::Network(network) => network.embed(crop),
            ImageExtractor::Histograms => fallback_vector(crop),
        }
    }
}

/// The text encoder from the weights' files, or the stand-in if there is none.
///
/// # Errors
/// Says what is wrong with the weights.
pub fn load_texts(files: &[Vec<u8>]) -> Result<TextEncoder, String> {
    match files {
        [weights, tokenizer, ..] => TextEncoder::load(weights, tokenizer).map_err(|error| error.to_string()),
        _ => Ok(TextEncoder::without_weights()),
    }
}

/// What a kind's features are, for the screen: with its weights or without.
pub fn words(kind: Kind, with_weights: bool) -> &'static str {
    match (kind, with_weights) {
        (Kind::Image, true) => "EfficientNet-Lite0, trained on ImageNet",
        (Kind::Image, false) => "colour and edge histograms",
        (Kind::Text, true) => "WordLlama token vectors and hashed n-grams",
        (Kind::Text, false) => "hashed n-grams",
        (Kind::Table, _) => "standardised numbers and one-hot categories",
    }
}
