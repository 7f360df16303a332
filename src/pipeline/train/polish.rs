//! One polish, in slices: the full fit, the folds, the temperature, the pool.

use super::LearnerConfig;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::calibration::{PRIOR_DEVIATION, fit_temperature};
use crate::pipeline::model::folds::{FOLDS, OutOfFoldRow, assign_folds, only_class};
use crate::pipeline::model::linear::{ABSENT_INTERCEPT, Linear};
use crate::pipeline::model::logistic::{Fit, Logistic, Progress};
use crate::pipeline::model::rough::rough_head;
use crate::pipeline::model::training_set::TrainingSet;
use crate::pipeline::predict::{likeliest, softmax};
use ndarray::{Array1, Array2, Axis};

/// Classes times numbers in the features from which on a polish, of some two hundred times as many multiply-adds, takes seconds.
const LONG: usize = 20 << 20;

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
    /// Logits of the pool's rows so far, by the head.
    logits: Array2<f32>,
    temperature: f64,
    /// How much is done, 0 to 1; never falls.
    progress: f64,
}

/// What a slice of a polish led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polishing {
    Working,
    /// There is a head that has predicted the pool, not calibrated yet: the one of the class means, or the full fit's.
    Predicts,
    Done,
}

#[derive(Debug, Clone)]
enum Stage {
    /// The class means are predicting the pool; the full fit waits. Only where there is no head yet.
    Rough(Fit),
    Full(Fit),
    /// The full fit's head is predicting the pool.
    Predict,
    /// The fold's number and its fit; `None` until begun.
    Fold(usize, Option<Fit>),
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
        let head = if start.is_none() { rough_head(&set, None, config.seed) } else { None };
        Some(Self {
            folds: assign_folds(labels, config.seed),
            rows: labels.iter().map(|&(row, _)| row).collect(),
            logistic: config.head,
            stage: if head.is_some() { Stage::Rough(full) } else { Stage::Full(full) },
            head,
            held_out: HeldOut {
                places: Vec::new(),
                logits: Array2::zeros((0, classes)),
                targets: Vec::new(),
                right: 0,
                total: 0,
            },
            logits: Array2::zeros((0, classes)),
            temperature: 1.0,
            progress: 0.0,
            set,
        })
    }

    /// About `work` multiply-adds.
    pub fn step(&mut self, features: &Features, work: usize) -> Polishing {
        let result = self.slice(features, work);
        self.progress = self.progress.max(self.share_done());
        result
    }

    /// How much is done, 0 to 1; an estimate that never falls.
    pub fn progress(&self) -> f64 {
        self.progress
    }

    /// Whether it takes some seconds.
    pub fn is_long(&self) -> bool {
        self.set.classes() * self.set.entries() > LONG
    }

    fn share_done(&self) -> f64 {
        // The fit to all labels and each fold's see as many rows.
        let fits = (FOLDS + 1) as f64;
        match &self.stage {
            Stage::Rough(_) => 0.0,
            Stage::Full(fit) => fit.progress(&self.set) / fits,
            Stage::Predict => 1.0 / fits,
            Stage::Fold(fold, fit) => {
                (1.0 + *fold as f64 + fit.as_ref().map_or(0.0, |fit| fit.progress(&self.set))) / fits
            }
        }
    }

    /// What has predicted the pool so far, once [`Polishing::Predicts`] was returned.
    pub fn predicting(&self) -> Option<(&Linear, &Array2<f32>)> {
        self.head.as_ref().map(|head| (head, &self.logits))
    }

    fn slice(&mut self, features: &Features, work: usize) -> Polishing {
        match &mut self.stage {
            Stage::Rough(_) => {
                if self.predict(features, work) {
                    let stage = std::mem::replace(&mut self.stage, Stage::Predict);
                    self.stage = if let Stage::Rough(fit) = stage { Stage::Full(fit) } else { stage };
                    return Polishing::Predicts;
                }
            }
            Stage::Full(fit) => {
                if fit.step(&self.set, work) == Progress::Done {
                    let head = fit.head(&self.set);
                    self.logits = Array2::zeros((0, head.classes()));
                    self.head = Some(head);
                    self.stage = Stage::Predict;
                }
            }
            Stage::Predict => {
                if self.predict(features, work) {
                    self.stage = Stage::Fold(0, None);
                    return Polishing::Predicts;
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
                self.hold_out_the_rest();
                self.temperature = fit_temperature(&self.held_out.logits, &self.held_out.targets, PRIOR_DEVIATION);
                // Rows that came meanwhile.
                while !self.predict(features, work) {}
                return Polishing::Done;
            }
        }
        Polishing::Working
    }

    /// Predicts more rows of the pool; true once all are.
    fn predict(&mut self, features: &Features, work: usize) -> bool {
        let Some(head) = &self.head else { return true };
        let known = self.logits.nrows();
        let per_row = head.classes() * (features.dense_columns() + 1);
        let rows = known..(known + (work / per_row).max(64)).min(features.len());
        let new = head.logits_of_rows(features, rows);
        self.logits.append(Axis(0), new.view()).expect("as many classes");
        self.logits.nrows() >= features.len()
    }

    /// Labels of a fold without which one class is left: whatever is trained on the others says that class, which is wrong of the
    /// rare ones. Left out, they would make the share right look better than it is.
    fn hold_out_the_rest(&mut self) {
        if self.held_out.total == 0 {
            return;
        }
        for fold in 0..FOLDS {
            let (held, used): (Vec<usize>, Vec<usize>) = (0..self.set.len()).partition(|&row| self.folds[row] == fold);
            if let Some(only) = only_class(used.iter().map(|&row| self.set.targets()[row])) {
                self.held_out.add_certain(&self.set, only, &held);
            }
        }
    }

    /// The result, once [`Polish::step`] returned [`Polishing::Done`].
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
    /// Rows that are all taken for this class.
    fn add_certain(&mut self, set: &TrainingSet, class: usize, rows: &[usize]) {
        let mut logits = Array1::from_elem(set.classes(), ABSENT_INTERCEPT);
        logits[class] = 0.0;
        for &row in rows {
            self.total += 1;
            if set.targets()[row] == class {
                self.right += 1;
                self.logits.push_row(logits.view()).expect("as many classes");
                self.targets.push(class);
                self.places.push(row);
            }
        }
    }

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
