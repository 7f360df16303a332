//! Items to feature rows, by the same extractors as in the browser.

use super::arguments::RunArguments;
use super::cache::VectorCache;
use super::dataset::Dataset;
use super::failure::Failure;
use super::input::{Entry, Input};
use super::output::remark;
use super::photo::crop_of_file;
use super::progress::Progress;
use super::weights::{self, IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS};
use crate::nn::{EMBEDDING_COLUMNS, Lite0};
use crate::pipeline::features::image::{FALLBACK_COLUMNS, FALLBACK_FEATURE_ID, NETWORK_FEATURE_ID, fallback_vector};
use crate::pipeline::features::matrix::{FeatureVector, Features};
use crate::pipeline::features::table::{TABLE_FEATURE_ID, TableEncoder};
use crate::pipeline::features::text::{self, NGRAM_COLUMNS, TextEncoder};
use crate::pipeline::import::plan::Problem;
use crate::pipeline::item::{Content, Kind};
use rayon::prelude::*;
use std::path::Path;

/// What makes vectors of items.
pub enum Extractor {
    /// The image network.
    Network(Box<Lite0>),
    /// Colour and gradient histograms, where the network's weights are missing.
    Histograms,
    /// Token embeddings, where their weights are there, beside hashed n-grams.
    Text(Box<TextEncoder>),
    /// An encoder fitted to a table's columns.
    Table(TableEncoder),
}

impl Extractor {
    /// The best extractor for a dataset that a model will be trained on; says so if it is only the second best. For
    /// tables it is fitted to the rows.
    ///
    /// # Errors
    /// If weights are there and damaged.
    pub fn for_training(dataset: &Dataset, run: &RunArguments) -> Result<Self, Failure> {
        let folder = weights::folder(run.weights.as_deref())?;
        let extractor = match dataset.kind {
            Kind::Image => network(folder.as_deref())?.map_or(Extractor::Histograms, Extractor::Network),
            Kind::Text => {
                Extractor::Text(Box::new(text_encoder(folder.as_deref())?.unwrap_or_else(TextEncoder::without_weights)))
            }
            Kind::Table => Extractor::fit_table(dataset),
        };
        match (&extractor, dataset.kind) {
            (Extractor::Histograms, _) => remark(
                "the image network's weights are not installed; using colour and gradient histograms, which are far less accurate. `cargo xtask models` installs the weights",
            ),
            (Extractor::Text(encoder), _) if encoder.feature_id() == text::FALLBACK_FEATURE_ID => remark(
                "the text embeddings are not installed; using hashed n-grams alone, which need more labels. `cargo xtask models` installs the embeddings",
            ),
            _ => {}
        }
        Ok(extractor)
    }

    /// The extractor whose features a saved model reads.
    ///
    /// # Errors
    /// If its weights are not installed, or are of another release than the model's.
    pub fn for_model(feature_id: &str, encoder: Option<&TableEncoder>, run: &RunArguments) -> Result<Self, Failure> {
        if let Some(encoder) = encoder {
            return Ok(Extractor::Table(encoder.clone()));
        }
        if feature_id == FALLBACK_FEATURE_ID {
            return Ok(Extractor::Histograms);
        }
        let plain = TextEncoder::without_weights();
        if feature_id == plain.feature_id() {
            return Ok(Extractor::Text(Box::new(plain)));
        }
        let folder = weights::folder(run.weights.as_deref())?;
        let found = if feature_id == NETWORK_FEATURE_ID {
            network(folder.as_deref())?.map(Extractor::Network)
        } else {
            text_encoder(folder.as_deref())?.map(|encoder| Extractor::Text(Box::new(encoder)))
        };
        match found {
            Some(extractor) if extractor.feature_id() == feature_id => Ok(extractor),
            Some(_) => Err(Failure::data(format!(
                "the model reads the features “{feature_id}”, which this release of Hone does not make. Train it again, or use the release that made it"
            ))),
            None => Err(Failure::data(format!(
                "the model reads the features “{feature_id}”, whose weights are not installed. Run `cargo xtask models`, or say where they are with --weights"
            ))),
        }
    }

    fn fit_table(dataset: &Dataset) -> Self {
        Extractor::Table(TableEncoder::fit(&dataset.content_columns, dataset.entries.iter().map(cells)))
    }

    /// Names the features: vectors of one id are comparable, of two are not.
    pub fn feature_id(&self) -> String {
        match self {
            Extractor::Network(_) => NETWORK_FEATURE_ID.into(),
            Extractor::Histograms => FALLBACK_FEATURE_ID.into(),
            Extractor::Text(encoder) => encoder.feature_id().into(),
            Extractor::Table(_) => TABLE_FEATURE_ID.into(),
        }
    }

    /// The fitted encoder, for tables.
    pub fn table_encoder(&self) -> Option<&TableEncoder> {
        match self {
            Extractor::Table(encoder) => Some(encoder),
            Extractor::Network(_) | Extractor::Histograms | Extractor::Text(_) => None,
        }
    }

    /// Where this extractor's vectors are kept between runs.
    pub fn cache(&self, run: &RunArguments) -> VectorCache {
        if run.no_cache { VectorCache::off() } else { VectorCache::of_user(&self.feature_id()) }
    }

    /// No rows yet, as wide as this extractor's vectors are.
    pub fn no_features(&self, dense_columns: usize) -> Features {
        let sparse_columns = if matches!(self, Extractor::Text(_)) { NGRAM_COLUMNS } else { 0 };
        Features::new(dense_columns, sparse_columns)
    }

    /// The features of every item, on all cores. Items whose vector cannot be made leave the dataset, with a problem.
    ///
    /// # Errors
    /// If no item is left.
    pub fn embed(&self, dataset: &mut Dataset, run: &RunArguments) -> Result<Features, Failure> {
        let entries = std::mem::take(&mut dataset.entries);
        let (entries, features) = self.embed_entries(entries, dataset, run)?;
        dataset.entries = entries;
        Ok(features)
    }

    /// The same of some of a dataset's items, which were taken out of it.
    ///
    /// # Errors
    /// If no item is left.
    pub fn embed_entries(
        &self,
        entries: Vec<Entry>,
        dataset: &mut Dataset,
        run: &RunArguments,
    ) -> Result<(Vec<Entry>, Features), Failure> {
        let cache = self.cache(run);
        let progress = Progress::new("item", entries.len() as u64);
        let vectors: Vec<Result<FeatureVector, String>> = entries
            .par_iter()
            .map(|entry| {
                let vector = self.vector(&dataset.input, entry, &cache);
                progress.read(1);
                progress.advance(1);
                vector
            })
            .collect();
        progress.end();
        let width = vectors.iter().flatten().map(|vector| vector.dense.len()).next();
        let Some(width) = width else {
            let why = vectors.into_iter().find_map(Result::err).unwrap_or_default();
            return Err(Failure::data(format!("no item of {} can be used: {why}", dataset.name)));
        };
        let mut features = self.no_features(width);
        let mut kept = Vec::with_capacity(vectors.len());
        for (entry, vector) in entries.into_iter().zip(vectors) {
            match vector {
                Ok(vector) => {
                    features.push(vector);
                    kept.push(entry);
                }
                Err(why) => dataset.problems.push(Problem::of_file(&entry.item.name, why)),
            }
        }
        Ok((kept, features))
    }

    /// The vector of one item.
    ///
    /// # Errors
    /// Says why it cannot be made.
    pub fn vector(&self, input: &Input, entry: &Entry, cache: &VectorCache) -> Result<FeatureVector, String> {
        let dense = match self {
            Extractor::Network(network) => {
                cached(input, entry, cache, EMBEDDING_COLUMNS, |bytes| Ok(network.embed(&crop_of_file(bytes)?)))?
            }
            Extractor::Histograms => {
                cached(input, entry, cache, FALLBACK_COLUMNS, |bytes| Ok(fallback_vector(&crop_of_file(bytes)?)))?
            }
            Extractor::Text(encoder) => {
                return match &entry.item.content {
                    Content::Text(text) => Ok(encoder.encode(text)),
                    Content::Image | Content::Row(_) => Err("left out: it is not a text".into()),
                };
            }
            Extractor::Table(encoder) => encoder.encode(cells(entry)),
        };
        Ok(FeatureVector { dense, ..FeatureVector::default() })
    }
}

fn cells(entry: &Entry) -> &[String] {
    match &entry.item.content {
        Content::Row(cells) => cells,
        Content::Image | Content::Text(_) => &[],
    }
}

fn cached(
    input: &Input,
    entry: &Entry,
    cache: &VectorCache,
    columns: usize,
    compute: impl FnOnce(&[u8]) -> Result<Vec<f32>, String>,
) -> Result<Vec<f32>, String> {
    if let Some(vector) = cache.get(entry.item.hash, columns) {
        return Ok(vector);
    }
    let vector = compute(&input.image_bytes(entry)?)?;
    cache.put(entry.item.hash, &vector);
    Ok(vector)
}

fn network(folder: Option<&Path>) -> Result<Option<Box<Lite0>>, Failure> {
    let Some(bytes) = weights::read(folder, IMAGE_WEIGHTS)? else { return Ok(None) };
    Lite0::load(&bytes).map(|network| Some(Box::new(network))).map_err(|error| Failure::data(error.to_string()))
}

fn text_encoder(folder: Option<&Path>) -> Result<Option<TextEncoder>, Failure> {
    let (Some(weights), Some(tokenizer)) =
        (weights::read(folder, TEXT_WEIGHTS)?, weights::read(folder, TEXT_TOKENIZER)?)
    else {
        return Ok(None);
    };
    TextEncoder::load(&weights, &tokenizer).map(Some).map_err(|error| Failure::data(error.to_string()))
}
