//! The scoring of a pool by a head.

use hone::pipeline::features::matrix::Features;
use hone::pipeline::model::linear::Linear;
use hone::pipeline::model::logistic::{Logistic, Progress};
use hone::pipeline::model::training_set::TrainingSet;
use hone::pipeline::predict::softmax;
use ndarray::Array2;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A head and the pool that it scores.
#[wasm_bindgen]
pub struct Scoring {
    head: Linear,
    pool: Features,
}

#[wasm_bindgen]
impl Scoring {
    /// `features` is rows × `columns`, `classes` a class for each row: the head learns from them. The pool are the same rows,
    /// over and over, until there are `pool` of them.
    ///
    /// # Errors
    /// When the numbers do not fit together, or there is nothing to tell apart.
    #[wasm_bindgen(constructor)]
    pub fn new(features: Vec<f32>, columns: usize, classes: &[u32], pool: usize) -> Result<Scoring, JsError> {
        let repeated: Vec<f32> = features.iter().copied().cycle().take(pool * columns).collect();
        let known = dense(features, columns)?;
        let labels: Vec<(usize, usize)> = classes.iter().map(|&class| class as usize).enumerate().collect();
        let count = labels.iter().map(|(_, class)| class + 1).max().unwrap_or(0);
        let logistic = Logistic::default();
        let set = TrainingSet::gather(&known, &labels, count, logistic.params().scaling);
        let fit = logistic.begin(&set, None, None);
        let mut fit = fit.ok_or_else(|| JsError::new("fewer than two classes have a row"))?;
        while fit.step(&set, usize::MAX) == Progress::Working {}
        Ok(Scoring { head: fit.head(&set), pool: dense(repeated, columns)? })
    }

    /// How many classes the head tells apart.
    pub fn classes(&self) -> usize {
        self.head.classes()
    }

    /// All probabilities of the pool, as they are computed whenever the head is new; their sum, which is the number of rows.
    pub fn score(&self) -> f32 {
        softmax(&self.head.logits(&self.pool), 1.0).rows().into_iter().map(|row| row.sum()).sum()
    }
}

fn dense(numbers: Vec<f32>, columns: usize) -> Result<Features, JsError> {
    let mut features = Features::new(columns, 0);
    features.dense = Array2::from_shape_vec((numbers.len() / columns, columns), numbers)?;
    Ok(features)
}
