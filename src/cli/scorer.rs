//! A model's predictions for items, piece by piece and on all cores: features live only as long as they are needed.

use super::arguments::RunArguments;
use super::cache::VectorCache;
use super::embed::Extractor;
use super::failure::Failure;
use super::input::{Entry, Input};
use super::model_file::SavedModel;
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::import::ProblemList;
use crate::pipeline::import::plan::Problem;
use crate::pipeline::predict::softmax;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

/// What one core takes at a time.
const BLOCK: usize = 64;

/// A model with what makes the features that it reads.
pub struct Scorer<'m> {
    model: &'m SavedModel,
    extractor: Extractor,
    cache: VectorCache,
}

/// The predictions for the items of a piece.
#[derive(Default)]
pub struct Scored {
    /// The items, in order; those that could not be embedded are gone.
    pub entries: Vec<Entry>,
    /// Calibrated, one row an item, one column a class.
    pub probabilities: Vec<Vec<f32>>,
    /// The dense half of each item's features, if it was asked for.
    pub dense: Vec<Vec<f32>>,
}

impl<'m> Scorer<'m> {
    /// For the items of `input`.
    ///
    /// # Errors
    /// If the data is of another kind, lacks columns, or the features cannot be made here.
    pub fn new(model: &'m SavedModel, input: &Input, run: &RunArguments) -> Result<Self, Failure> {
        model.must_read(input.kind, &input.content_columns)?;
        let extractor = Extractor::for_model(&model.feature_id, model.encoder.as_ref(), run)?;
        let cache = extractor.cache(run);
        Ok(Self { model, extractor, cache })
    }

    /// The predictions for these items, and the dense features, too, if they are to be kept. An item that cannot be embedded
    /// is a problem.
    ///
    /// # Errors
    /// If the model was made for other features.
    pub fn score(
        &self,
        input: &Input,
        entries: Vec<Entry>,
        keep_features: bool,
        problems: &mut ProblemList,
    ) -> Result<Scored, Failure> {
        let blocks: Vec<Result<Block, Failure>> =
            entries.par_chunks(BLOCK).map(|block| self.block(input, block, keep_features)).collect();
        let mut scored = Scored::default();
        let mut entries = entries.into_iter();
        for block in blocks {
            let Block { refused, probabilities, dense } = block?;
            for why in refused {
                let Some(entry) = entries.next() else { break };
                match why {
                    None => scored.entries.push(entry),
                    Some(why) => problems.push(Problem::of_file(&entry.item.name, why)),
                }
            }
            scored.probabilities.extend(probabilities);
            scored.dense.extend(dense);
        }
        Ok(scored)
    }

    fn block(&self, input: &Input, entries: &[Entry], keep_features: bool) -> Result<Block, Failure> {
        let vectors: Vec<Result<FeatureVector, String>> =
            entries.iter().map(|entry| self.extractor.vector(input, entry, &self.cache)).collect();
        let refused = vectors.iter().map(|vector| vector.as_ref().err().cloned()).collect();
        let mut vectors = vectors.into_iter().flatten().peekable();
        let Some(first) = vectors.peek() else {
            return Ok(Block { refused, probabilities: Vec::new(), dense: Vec::new() });
        };
        let mut features = self.extractor.no_features(first.dense.len());
        vectors.for_each(|vector| features.push(vector));
        self.model.must_fit(&features)?;
        let probabilities = softmax(&self.model.head.logits(&features), self.model.temperature);
        let dense = if keep_features { rows_of(&features.dense) } else { Vec::new() };
        Ok(Block { refused, probabilities: rows_of(&probabilities), dense })
    }
}

struct Block {
    /// Of each item, why it has no row.
    refused: Vec<Option<String>>,
    probabilities: Vec<Vec<f32>>,
    dense: Vec<Vec<f32>>,
}

fn rows_of(matrix: &Array2<f32>) -> Vec<Vec<f32>> {
    matrix.axis_iter(Axis(0)).map(|row| row.to_vec()).collect()
}

/// Rows of one width as a matrix; the width matters where there is no row.
pub fn matrix_of(rows: &[Vec<f32>], width: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows.len(), width), |(row, column)| rows[row][column])
}
