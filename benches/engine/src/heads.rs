//! The training of a head.

use hone::pipeline::features::matrix::Features;
use hone::pipeline::model::logistic::{Fit, Logistic, LogisticParams, Progress};
use hone::pipeline::model::training_set::{Scaling, TrainingSet};
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
