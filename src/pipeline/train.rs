//! The learner: labels in, a calibrated head out, in steps short enough for a worker.
//!
//! A label is folded in at once and roughly; a polish follows in slices: a full refit from all labels, five
//! out-of-fold fits, the temperature, the pool's probabilities. The polish never chains on earlier updates, so
//! the same labels give the same model, however they came.

use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::linear::Linear;
use crate::pipeline::model::logistic::Logistic;
use crate::pipeline::model::online::{self, OnlineUpdate};
use crate::pipeline::model::training_set::TrainingSet;
use crate::pipeline::predict::{LabelEffect, effect, softmax};
use ndarray::{Array2, ArrayView1, Axis, concatenate, s};
use std::collections::{BTreeMap, HashSet};

mod polish;

use polish::Polish;

/// Multiply-adds of one [`Learner::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;
/// Multiply-adds that [`Learner::observe`] may spend on including rows or on iterations.
const AT_ONCE_WORK: usize = 40 << 20;

/// What a learner is made with.
#[derive(Debug, Clone)]
pub struct LearnerConfig {
    /// Decides the folds.
    pub seed: u64,
    /// The head.
    pub head: Logistic,
}

impl Default for LearnerConfig {
    fn default() -> Self {
        Self { seed: 0, head: Logistic::default() }
    }
}

/// What one slice of background work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing was due.
    Idle,
    /// Something was done, more is due.
    Working,
    /// A polish has just ended: head, temperature and all probabilities are new.
    Polished,
}

/// The session's only door to training. Rows are those of the features handed in, which only ever grow between calls
/// (a change of features is a new learner); classes are numbers below `classes`.
#[derive(Debug, Clone)]
pub struct Learner {
    config: LearnerConfig,
    classes: usize,
    labels: BTreeMap<usize, usize>,
    excluded: HashSet<usize>,
    head: Option<Linear>,
    temperature: f64,
    logits: Option<Array2<f32>>,
    probabilities: Option<Array2<f32>>,
    version: u32,
    learnt: u32,
    curve: Vec<(u32, f64)>,
    out_of_fold: Option<f64>,
    /// Labels changed since the last polish began.
    due: bool,
    polish: Option<Polish>,
    /// Labels that came while the polish was under way: it does not know them.
    meanwhile: Vec<(usize, usize)>,
    online: Option<OnlineUpdate>,
    /// The labelled rows gathered for quick refits; dropped when labels are set anew.
    gathered: Option<TrainingSet>,
}

impl Learner {
    /// Knows nothing yet.
    pub fn new(classes: usize, config: LearnerConfig) -> Learner {
        Learner {
            config,
            classes,
            labels: BTreeMap::new(),
            excluded: HashSet::new(),
            head: None,
            temperature: 1.0,
            logits: None,
            probabilities: None,
            version: 0,
            learnt: 0,
            curve: Vec::new(),
            out_of_fold: None,
            due: false,
            polish: None,
            meanwhile: Vec::new(),
            online: None,
            gathered: None,
        }
    }

    /// Makes room for more classes; a class without labels has probability 0. Classes never shrink.
    pub fn set_classes(&mut self, classes: usize) {
        self.classes = self.classes.max(classes);
        if let Some(head) = &mut self.head {
            head.grow(self.classes);
        }
        for (table, absent) in
            [(&mut self.logits, crate::pipeline::model::linear::ABSENT_INTERCEPT), (&mut self.probabilities, 0.0)]
        {
            if let Some(table) = table {
                let missing = Array2::from_elem((table.nrows(), self.classes - table.ncols()), absent);
                *table = concatenate![Axis(1), *table, missing];
            }
        }
    }

    /// Takes over a stored head, so that a reopened project predicts (after [`Learner::refresh`]) before it trains.
    pub fn restore(&mut self, head: Linear, temperature: f64, version: u32, labels: u32, curve: Vec<(u32, f64)>) {
        self.out_of_fold = curve.last().map(|&(_, share)| share);
        self.head = Some(head);
        self.temperature = temperature;
        self.version = version;
        self.learnt = labels;
        self.curve = curve;
        self.logits = None;
        self.probabilities = None;
        let classes = self.head.as_ref().map_or(0, Linear::classes);
        self.set_classes(classes.max(self.classes));
    }

    /// All training labels, each (row, class): on opening, after an undo, a relabelling, a bulk decision. The model
    /// follows with the next polish; until then the present one stands, unless fewer than two classes are left.
    ///
    /// A row named twice has its last class. Classes beyond the known ones make room for themselves.
    pub fn set_labels(&mut self, labels: Vec<(usize, usize)>) {
        let labels: BTreeMap<usize, usize> = labels.into_iter().collect();
        if labels == self.labels {
            return;
        }
        let most = labels.values().max().map_or(0, |&class| class + 1);
        self.set_classes(most);
        self.labels = labels;
        self.gathered = None;
        self.polish = None;
        self.meanwhile.clear();
        self.due = true;
        if self.labelled_classes() < 2 {
            self.forget_model();
        }
    }

    /// Rows that are not counted as unlabelled: audits, for which the model's opinion must not show.
    pub fn set_excluded(&mut self, rows: Vec<usize>) {
        self.excluded = rows.into_iter().collect();
    }

    /// Folds one label in at once, and says what it changed among the unlabelled rows. Audits are never passed in.
    ///
    /// Dense features: a Sherman–Morrison step and one matrix–vector product over the pool. Sparse ones, a class
    /// seen for the first time, or a model not yet caught up: a few iterations of the real fit, from where it stands.
    pub fn observe(&mut self, features: &Features, row: usize, class: usize) -> LabelEffect {
        self.set_classes(class + 1);
        self.refresh(features);
        let relabelled = self.labels.insert(row, class).is_some();
        self.due = true;
        if self.polish.is_some() {
            self.meanwhile.push((row, class));
        }
        match &mut self.gathered {
            Some(set) if !relabelled => set.push(features, row, class),
            gathered => *gathered = None,
        }
        if self.labelled_classes() < 2 {
            return LabelEffect::default();
        }
        let before = self.probabilities.clone();
        if !self.fold_in(features, row, class) {
            self.refit_briefly(features);
        }
        self.learnt = self.labels.len() as u32;
        self.calibrate();
        match (before, &self.probabilities) {
            (Some(before), Some(after)) => effect(&before, after, self.unlabelled_rows(features.len())),
            _ => LabelEffect::default(),
        }
    }

    /// The pool grew: predicts the new rows. Costs nothing if there are none.
    pub fn refresh(&mut self, features: &Features) {
        let Some(head) = self.head.as_ref().filter(|head| head.fits(features)) else {
            return;
        };
        let known = self.logits.as_ref().map_or(0, Array2::nrows);
        if self.probabilities.is_some() && known >= features.len() {
            return;
        }
        let new = head.logits_of_rows(features, known..features.len());
        self.logits = Some(match self.logits.take() {
            Some(old) => concatenate![Axis(0), old, new],
            None => new,
        });
        self.calibrate();
    }

    /// One slice of background work. Call it until it is idle, with room for other work in between.
    pub fn step(&mut self, features: &Features) -> Step {
        let Some(polish) = &mut self.polish else {
            return self.begin_polish(features);
        };
        if !polish.step(features, SLICE_WORK) {
            return Step::Working;
        }
        self.finish_polish(features);
        Step::Polished
    }

    /// Whether [`Learner::step`] has something to do: labels changed since the last polish, one is under way, or the
    /// at-once update has rows to catch up with.
    pub fn polish_due(&self) -> bool {
        self.polish.is_some() || (self.due && self.labelled_classes() >= 2) || self.lags()
    }

    /// Whether a polish is under way.
    pub fn polishing(&self) -> bool {
        self.polish.is_some()
    }

    /// n × K calibrated probabilities; `None` before two classes have a label.
    pub fn probabilities(&self) -> Option<&Array2<f32>> {
        self.probabilities.as_ref()
    }

    /// The head; `None` before two classes have a label.
    pub fn head(&self) -> Option<&Linear> {
        self.head.as_ref()
    }

    /// The calibration temperature, above 0; 1 before the first polish.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Counts polishes, restored ones included.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How many labels the head has learnt from.
    pub fn labels(&self) -> u32 {
        self.learnt
    }

    /// Out-of-fold share of labels predicted right, by number of labels: one point a polish, labels ascending.
    pub fn curve(&self) -> &[(u32, f64)] {
        &self.curve
    }

    /// Out-of-fold share right at the last polish, 0 to 1; `None` while there are too few labels to hold any out.
    pub fn out_of_fold(&self) -> Option<f64> {
        self.out_of_fold
    }

    fn labelled_classes(&self) -> usize {
        self.labels.values().collect::<HashSet<_>>().len()
    }

    fn unlabelled_rows(&self, rows: usize) -> impl Iterator<Item = usize> {
        (0..rows).filter(|row| !self.labels.contains_key(row) && !self.excluded.contains(row))
    }

    fn forget_model(&mut self) {
        self.head = None;
        self.logits = None;
        self.probabilities = None;
        self.out_of_fold = None;
        self.temperature = 1.0;
        self.learnt = 0;
    }

    /// The at-once step; false if it is not to be had.
    fn fold_in(&mut self, features: &Features, row: usize, class: usize) -> bool {
        let (Some(head), Some(logits)) = (&mut self.head, &mut self.logits) else { return false };
        if features.sparse_columns > 0 || features.dense_columns() > online::WIDEST || !head.knows(class) {
            return false;
        }
        let online = self.online.get_or_insert_with(|| OnlineUpdate::new(features, self.config.head.params().c));
        let missing: Vec<usize> = self.labels.keys().copied().filter(|&row| !online.includes(row)).collect();
        if missing.len() * online.cost() > AT_ONCE_WORK {
            return false;
        }
        missing.into_iter().for_each(|row| online.include(features, row));
        let residual = residual(logits.row(row), class);
        let direction = online.direction(features, row);
        direction.move_head(head, residual.view());
        direction.move_logits(features, residual.view(), logits);
        true
    }

    /// A few iterations over all labels, from where the head stands, and the pool predicted anew.
    fn refit_briefly(&mut self, features: &Features) {
        let labels: Vec<(usize, usize)> = self.labels.iter().map(|(&row, &class)| (row, class)).collect();
        let scaling = self.config.head.params().scaling;
        let classes = self.classes;
        let set = match &mut self.gathered {
            Some(set) if set.classes() == classes => set,
            gathered => gathered.insert(TrainingSet::gather(features, &labels, classes, scaling)),
        };
        let start = self.head.as_ref().filter(|head| head.fits(features));
        let Some(mut fit) = self.config.head.begin(set, None, start) else { return };
        fit.step(set, AT_ONCE_WORK);
        let head = fit.head(set);
        self.logits = Some(head.logits(features));
        self.head = Some(head);
    }

    /// Renews the probabilities from the logits.
    fn calibrate(&mut self) {
        self.probabilities = self.logits.as_ref().map(|logits| softmax(logits, self.temperature));
    }

    fn begin_polish(&mut self, features: &Features) -> Step {
        if self.due && self.labelled_classes() >= 2 {
            self.due = false;
            let labels: Vec<(usize, usize)> = self.labels.iter().map(|(&row, &class)| (row, class)).collect();
            let start = self.head.as_ref().filter(|head| head.fits(features));
            self.polish = Polish::begin(features, &labels, self.classes, &self.config, start);
            return Step::Working;
        }
        self.catch_up(features)
    }

    /// Includes labelled rows in the online update, so that the next label finds it ready.
    fn catch_up(&mut self, features: &Features) -> Step {
        if !self.lags() {
            return Step::Idle;
        }
        let online = self.online.get_or_insert_with(|| OnlineUpdate::new(features, self.config.head.params().c));
        let most = (SLICE_WORK / online.cost()).max(1);
        let missing: Vec<usize> = self.labels.keys().copied().filter(|&row| !online.includes(row)).take(most).collect();
        missing.into_iter().for_each(|row| online.include(features, row));
        Step::Working
    }

    /// Whether labelled rows are missing from the at-once update, where there can be one.
    fn lags(&self) -> bool {
        let fits = |head: &Linear| head.sparse.ncols() == 0 && head.dense.ncols() <= online::WIDEST;
        self.head.as_ref().is_some_and(fits)
            && self.online.as_ref().is_none_or(|online| self.labels.keys().any(|&row| !online.includes(row)))
    }

    fn finish_polish(&mut self, features: &Features) {
        let Some(polish) = self.polish.take() else { return };
        let result = polish.finish();
        self.learnt = result.labels as u32;
        self.version += 1;
        self.temperature = result.temperature;
        self.out_of_fold = result.out_of_fold;
        if let Some(share) = result.out_of_fold {
            self.curve.retain(|&(labels, _)| labels < self.learnt);
            self.curve.push((self.learnt, share));
        }
        self.head = Some(result.head);
        self.logits = Some(result.logits);
        self.probabilities = None;
        self.set_classes(self.classes);
        self.refresh(features);
        for (row, class) in std::mem::take(&mut self.meanwhile) {
            if !self.fold_in(features, row, class) {
                self.refit_briefly(features);
                break;
            }
        }
        self.learnt = self.learnt.max(self.labels.len() as u32);
        self.calibrate();
    }
}

/// One-hot minus probabilities, by the head's own (uncalibrated) opinion.
fn residual(logits: ArrayView1<f32>, class: usize) -> ndarray::Array1<f32> {
    let logits = logits.insert_axis(Axis(0)).to_owned();
    let mut residual = softmax(&logits, 1.0).slice(s![0, ..]).mapv(|probability| -probability);
    residual[class] += 1.0;
    residual
}
