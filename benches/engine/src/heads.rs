//! Heads: the training of one, and the scoring of a pool by one.

use hone::pipeline::features::matrix::Features;
use hone::pipeline::model::linear::Linear;
use hone::pipeline::model::logistic::{Fit, Logistic, LogisticParams, Progress};
use hone::pipeline::model::training_set::{Scaling, TrainingSet};
use hone::pipeline::predict::softmax;
use ndarray::Array2;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The training of a head from nothing, on features that are centred and scaled to unit spread.
#[wasm_bindgen]
pub struct Training {
    set: TrainingSet,
    fit: Fit,
}

#[wasm_bindgen]
impl Training {
    /// `features` is rows × `columns`, `classes` a class for each row; stops when no component of the gradient exceeds
    /// `tolerance`.
    ///
    /// # Errors
    /// When the numbers do not fit together, or there is nothing to tell apart.
    #[wasm_bindgen(constructor)]
    pub fn new(
        features: Vec<f32>,
        columns: usize,
        classes: &[u32],
        c: f64,
        tolerance: f64,
    ) -> Result<Training, JsError> {
        let dense = Array2::from_shape_vec((classes.len(), columns), features)?;
        let mut all = Features::new(columns, 0);
        all.dense = dense;
        let labels: Vec<(usize, usize)> = classes.iter().map(|&class| class as usize).enumerate().collect();
        let count = labels.iter().map(|(_, class)| class + 1).max().unwrap_or(0);
        let set = TrainingSet::gather(&all, &labels, count, Scaling::UnitSpread);
        let logistic = LogisticParams { c, tolerance, max_iterations: 10_000, ..LogisticParams::default() }.check()?;
        let fit = logistic_fit(&logistic, &set)?;
        Ok(Training { set, fit })
    }

    /// Works for about `work` multiply-adds, at least for one chunk of rows; whether there is more to do.
    pub fn step(&mut self, work: usize) -> bool {
        self.fit.step(&self.set, work) == Progress::Working
    }

    /// The mean loss and the penalty at the best point so far.
    pub fn loss(&self) -> f64 {
        self.fit.loss()
    }

    /// Line searches so far.
    pub fn iterations(&self) -> usize {
        self.fit.iterations()
    }
}

fn logistic_fit(logistic: &Logistic, set: &TrainingSet) -> Result<Fit, JsError> {
    logistic.begin(set, None, None).ok_or_else(|| JsError::new("fewer than two classes have a row"))
}

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
        let mut training = Training::new(features, columns, classes, 10.0, 1e-4)?;
        while training.step(usize::MAX) {}
        let head = training.fit.head(&training.set);
        let mut all = Features::new(columns, 0);
        all.dense = Array2::from_shape_vec((pool, columns), repeated)?;
        Ok(Scoring { head, pool: all })
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
