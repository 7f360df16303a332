//! The feature extractors of the kinds that need weights, and their stand-ins for when the weights are missing.

use crate::nn::Lite0;
use crate::nn::lite0::EMBEDDING_COLUMNS;
use crate::pipeline::features::image::{self, Crop, fallback_vector};
use crate::pipeline::features::text::{self, TextEncoder};
use crate::pipeline::item::Kind;
use crate::worker::session::FeatureSource;

const _: () = assert!(image::NETWORK_COLUMNS == EMBEDDING_COLUMNS, "the network's width is known without the network");

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

/// The features that a kind has with its weights.
pub fn expected_source(kind: Kind) -> FeatureSource {
    let (id, words) = match kind {
        Kind::Image => (image::NETWORK_FEATURE_ID, "EfficientNet-Lite0, trained on ImageNet"),
        Kind::Text => (text::WEIGHTS_FEATURE_ID, "WordLlama token vectors and hashed n-grams"),
        Kind::Table => return FeatureSource::table(),
    };
    FeatureSource { id: id.into(), words: words.into(), warning: None }
}

/// The features that a kind has while its weights can't be had, for `reason`.
pub fn stand_in_source(kind: Kind, reason: &str) -> FeatureSource {
    let (id, words) = match kind {
        Kind::Image => (image::FALLBACK_FEATURE_ID, "colour and edge histograms"),
        Kind::Text => (text::FALLBACK_FEATURE_ID, "hashed n-grams"),
        Kind::Table => return FeatureSource::table(),
    };
    let warning = format!(
        "The model files could not be loaded, so plain {words} are used: suggestions will be less accurate. \
         Labels are safe either way. Reload the page while online to try again. ({reason})"
    );
    FeatureSource { id: id.into(), words: words.into(), warning: Some(warning) }
}
