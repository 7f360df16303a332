//! Text features, and how accurate a head is on features of whatever origin.

use hone::pipeline::features::matrix::{FeatureVector, Features};
use hone::pipeline::features::text::{NGRAM_COLUMNS, TEXT_DENSE_COLUMNS, TextEncoder};
use hone::pipeline::item::Kind;
use hone::pipeline::rank::Strategy;
use hone::pipeline::simulate::{Simulation, simulate};
use ndarray::Array2;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The text encoder.
#[wasm_bindgen]
pub struct Texts {
    encoder: TextEncoder,
}

#[wasm_bindgen]
impl Texts {
    /// From the bytes of `text.safetensors` and `text-tokenizer.bin`.
    ///
    /// # Errors
    /// When the bytes are not those files.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], tokenizer: &[u8]) -> Result<Texts, JsError> {
        Ok(Texts { encoder: TextEncoder::load(weights, tokenizer)? })
    }

    /// The features of these texts, both halves.
    pub fn encode(&self, texts: Vec<String>) -> Encoded {
        Encoded { vectors: texts.iter().map(|text| self.encoder.encode(text)).collect() }
    }
}

/// The features of some texts.
#[wasm_bindgen]
pub struct Encoded {
    vectors: Vec<FeatureVector>,
}

/// Labelled features, to learn from a few of them and be measured on others.
#[wasm_bindgen]
pub struct Labelled {
    features: Features,
    targets: Vec<usize>,
    classes: usize,
}

#[wasm_bindgen]
impl Labelled {
    /// Hone's own features of texts; `classes` has a class for each.
    pub fn texts(encoded: Encoded, classes: &[u32]) -> Labelled {
        let mut features = Features::new(TEXT_DENSE_COLUMNS, NGRAM_COLUMNS);
        encoded.vectors.into_iter().for_each(|vector| features.push(vector));
        Labelled::of(features, classes)
    }

    /// Any features, rows × `columns`.
    ///
    /// # Errors
    /// When there are more numbers or fewer.
    pub fn dense(features: Vec<f32>, columns: usize, classes: &[u32]) -> Result<Labelled, JsError> {
        let mut all = Features::new(columns, 0);
        all.dense = Array2::from_shape_vec((classes.len(), columns), features)?;
        Ok(Labelled::of(all, classes))
    }

    fn of(features: Features, classes: &[u32]) -> Labelled {
        let targets: Vec<usize> = classes.iter().map(|&class| class as usize).collect();
        Labelled { features, classes: targets.iter().max().map_or(0, |most| most + 1), targets }
    }

    /// The share predicted right of a stratified third that is held out, after `labels` labels drawn at random from the rest.
    /// The seed decides both, whatever the features are. The head is the one for texts, or the default one.
    pub fn accuracy(&self, labels: usize, seed: u32, for_texts: bool) -> f64 {
        let curve = simulate(&Simulation {
            features: &self.features,
            targets: &self.targets,
            classes: self.classes,
            test: None,
            kind: if for_texts { Kind::Text } else { Kind::Image },
            strategy: Strategy::Random,
            budget: labels,
            batch: labels,
            seed: seed.into(),
        });
        curve.accuracy.last().copied().unwrap_or(0.0)
    }
}
