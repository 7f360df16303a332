//! One polish, in slices: the full fit, the folds, the temperature, the pool.

use super::LearnerConfig;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::calibration::{PRIOR_DEVIATION, fit_temperature};
use crate::pipeline::model::folds::{FOLDS, OutOfFoldRow, assign_folds};
use crate::pipeline::model::linear::Linear;
use crate::pipeline::model::logistic::{Fit, Logistic, Progress};
use crate::pipeline::model::training_set::TrainingSet;
use crate::pipeline::predict::{likeliest, softmax};
use ndarray::{Array2, Axis};

/// A polish under way.
#[derive(Debug, Clone)]
pub(super) struct Polish {
    set: TrainingSet,
    /// The feature row of each of the set's.
    rows: Vec<usize>,
    logistic: Logistic,
    folds: Vec<usize>,
    stage: Stage,
    head: Option<Linear>,
    held_out: HeldOut,
    /// Logits of the pool's rows so far.
    logits: Array2<f32>,
    temperature: f64,
}

#[derive(Debug, Clone)]
enum Stage {
    Full(Fit),
    /// The fold's number and its fit; `None` until begun.
    Fold(usize, Option<Fit>),
    Predict,
}

/// Out-of-fold logits of the rows that could be held out.
#[derive(Debug, Clone)]
struct HeldOut {
    /// Places in the set.
    places: Vec<usize>,
    logits: Array2<f32>,
    targets: Vec<usize>,
    right: usize,
    total: usize,
}

/// What a polish leads to.
pub(super) struct Polished {
    pub head: Linear,
    pub logits: Array2<f32>,
    pub temperature: f64,
    pub out_of_fold: Option<f64>,
    pub held_out: Vec<OutOfFoldRow>,
    pub labels: usize,
}

impl Polish {
    /// `None` if fewer than two classes have a label. `labels` are sorted by row, so the order in which they were
    /// given cannot matter.
    pub fn begin(
        features: &Features,
        labels: &[(usize, usize)],
        classes: usize,
        config: &LearnerConfig,
        start: Option<&Linear>,
    ) -> Option<Self> {
        let set = TrainingSet::gather(features, labels, classes, config.head.params().scaling);
        let full = config.head.begin(&set, None, start)?;
        Some(Self {
            folds: assign_folds(labels, config.seed),
            rows: labels.iter().map(|&(row, _)| row).collect(),
            logistic: config.head,
            stage: Stage::Full(full),
            head: None,
            held_out: HeldOut {
                places: Vec::new(),
                logits: Array2::zeros((0, classes)),
                targets: Vec::new(),
                right: 0,
                total: 0,
            },
            logits: Array2::zeros((0, classes)),
            temperature: 1.0,
            set,
        })
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, features: &Features, work: usize) -> bool {
        match &mut self.stage {
            Stage::Full(fit) => {
                if fit.step(&self.set, work) == Progress::Done {
                    self.head = Some(fit.head(&self.set));
                    self.stage = Stage::Fold(0, None);
                }
            }
            Stage::Fold(fold, Some(fit)) => {
                if fit.step(&self.set, work) == Progress::Done {
                    let rows: Vec<usize> = (0..self.set.len()).filter(|&row| self.folds[row] == *fold).collect();
                    self.held_out.add(&self.set, fit, &rows);
                    self.stage = Stage::Fold(*fold + 1, None);
                }
            }
            Stage::Fold(fold, None) if *fold < FOLDS => {
                // From zero: the full fit has seen what this one must not.
                let used: Vec<bool> = self.folds.iter().map(|other| other != fold).collect();
                let some_held_out = used.contains(&false);
                let fit = if some_held_out { self.logistic.begin(&self.set, Some(&used), None) } else { None };
                self.stage = Stage::Fold(*fold + usize::from(fit.is_none()), fit);
            }
            Stage::Fold(..) => {
                self.temperature = fit_temperature(&self.held_out.logits, &self.held_out.targets, PRIOR_DEVIATION);
                self.stage = Stage::Predict;
            }
            Stage::Predict => {
                let Some(head) = &self.head else { return true };
                let known = self.logits.nrows();
                let per_row = head.classes() * (features.dense_columns() + 1);
                let rows = known..(known + (work / per_row).max(64)).min(features.len());
                let new = head.logits_of_rows(features, rows);
                self.logits.append(Axis(0), new.view()).expect("as many classes");
                return self.logits.nrows() >= features.len();
            }
        }
        false
    }

    /// The result, once [`Polish::step`] returned true.
    pub fn finish(self) -> Polished {
        let HeldOut { places, logits, targets, right, total } = self.held_out;
        let probabilities = softmax(&logits, self.temperature);
        let held_out = places
            .iter()
            .zip(targets)
            .zip(probabilities.rows())
            .map(|((&place, target), row)| OutOfFoldRow { row: self.rows[place], target, probabilities: row.to_vec() });
        Polished {
            held_out: held_out.collect(),
            head: self.head.expect("a finished polish has a head"),
            logits: self.logits,
            temperature: self.temperature,
            out_of_fold: (total > 0).then(|| right as f64 / total as f64),
            labels: self.set.len(),
        }
    }
}

impl HeldOut {
    /// A held-out row whose class the fit never saw is wrong by necessity; it says nothing on temperature.
    fn add(&mut self, set: &TrainingSet, fit: &Fit, rows: &[usize]) {
        let logits = fit.logits(set, rows);
        for (row, logits) in rows.iter().zip(logits.rows()) {
            let target = set.targets()[*row];
            self.total += 1;
            self.right += usize::from(likeliest(logits) == target);
            if fit.active()[target] {
                self.logits.push_row(logits).expect("as many classes");
                self.targets.push(target);
                self.places.push(*row);
            }
        }
    }
}
