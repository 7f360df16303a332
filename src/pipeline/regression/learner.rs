//! The learner of a numeric target: labels in, predictions with intervals out, in steps short enough for a worker.
//!
//! A refit always begins from all labels, so the same labels give the same model, however they came.

use super::metrics::{NumericScores, scores};
use super::model::{NumericFit, NumericHead, NumericModel};
use super::target::is_usable;
use super::{LEAST_LABELS, RegressionError};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::logistic::Progress;
use crate::pipeline::train::Step;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Multiply-adds of one [`NumericLearner::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;

/// What a learner is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumericLearnerConfig {
    /// Decides folds and first weights of a network; ridge leaves nothing to chance.
    pub seed: u64,
    /// What is trained.
    pub head: NumericHead,
    /// How often an interval should hold the truth, above 0 and below 1.
    pub confidence: f64,
}

impl Default for NumericLearnerConfig {
    fn default() -> Self {
        Self { seed: 0, head: NumericHead::default(), confidence: 0.9 }
    }
}

/// A prediction, in the target's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumericPrediction {
    /// The number.
    pub value: f64,
    /// Lower end of the interval; infinite while labels are too few to say (below 9 at a confidence of 90 %).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl NumericPrediction {
    /// Its interval, for [`super::accept`].
    pub fn interval(&self) -> super::Interval {
        super::Interval { low: self.low, high: self.high }
    }
}

/// The session's door to training on numbers. Rows are those of the features handed in, which only ever grow between
/// calls (a change of features is a new learner).
#[derive(Debug)]
pub struct NumericLearner {
    config: NumericLearnerConfig,
    labels: BTreeMap<usize, f64>,
    model: Option<NumericModel>,
    predictions: Vec<NumericPrediction>,
    out_of_fold: Vec<(usize, f64)>,
    scores: Option<NumericScores>,
    version: u32,
    learnt: u32,
    curve: Vec<(u32, f64)>,
    /// Labels changed since the last refit began.
    due: bool,
    refit: Option<Refit>,
    problem: Option<RegressionError>,
}

/// A refit under way.
#[derive(Debug)]
enum Refit {
    Fit(NumericFit),
    /// Predicting the pool, so far.
    Predict(Box<NumericModel>, Vec<NumericPrediction>),
}

impl NumericLearner {
    /// Knows nothing yet.
    pub fn new(config: NumericLearnerConfig) -> Self {
        Self {
            config,
            labels: BTreeMap::new(),
            model: None,
            predictions: Vec::new(),
            out_of_fold: Vec::new(),
            scores: None,
            version: 0,
            learnt: 0,
            curve: Vec::new(),
            due: false,
            refit: None,
            problem: None,
        }
    }

    /// All training labels, each (row, number): on opening, after an undo, a correction, a bulk decision. The model follows
    /// with the next refit; until then the present one stands, unless too few labels are left. A refit under way is
    /// dropped.
    ///
    /// A row named twice has its last number; what is no finite number of usable size is left out.
    pub fn set_labels(&mut self, labels: &[(usize, f64)]) {
        let labels: BTreeMap<usize, f64> = labels.iter().copied().filter(|&(_, value)| is_usable(value)).collect();
        if labels == self.labels {
            return;
        }
        self.labels = labels;
        self.refit = None;
        self.due = true;
        if self.labels.len() < LEAST_LABELS {
            self.forget();
        }
    }

    /// One more label, or another for its row; the model follows with the next refit. Audits are never passed in.
    pub fn observe(&mut self, row: usize, value: f64) {
        if is_usable(value) && self.labels.insert(row, value) != Some(value) {
            self.due = true;
        }
    }

    /// The pool grew: predicts the new rows. Costs nothing if there are none.
    pub fn refresh(&mut self, features: &Features) {
        if let Some(model) = self.model.as_ref().filter(|model| model.fits(features))
            && self.predictions.len() < features.len()
        {
            predict(model, features, features.len(), self.config.confidence, &mut self.predictions);
        }
    }

    /// One slice of background work. Call it until it is idle, with room for other work in between.
    ///
    /// # Panics
    /// If a label's row is out of the features' range.
    pub fn step(&mut self, features: &Features) -> Step {
        match self.refit.take() {
            None if self.refit_due() => {
                self.due = false;
                let labels: Vec<(usize, f64)> = self.labels.iter().map(|(&row, &value)| (row, value)).collect();
                match NumericFit::begin(self.config.head, features, &labels, self.config.seed) {
                    Ok(fit) => {
                        self.problem = None;
                        self.refit = Some(Refit::Fit(fit));
                        Step::Working
                    }
                    Err(problem) => self.give_up(problem),
                }
            }
            None => {
                self.refresh(features);
                Step::Idle
            }
            Some(Refit::Fit(mut fit)) => match fit.step(SLICE_WORK) {
                Ok(Progress::Working) => {
                    self.refit = Some(Refit::Fit(fit));
                    Step::Working
                }
                Ok(Progress::Done) => match fit.finish() {
                    Some(model) => {
                        self.refit = Some(Refit::Predict(Box::new(model), Vec::new()));
                        Step::Working
                    }
                    None => self.give_up(RegressionError::Network),
                },
                Err(problem) => self.give_up(problem),
            },
            Some(Refit::Predict(model, mut predictions)) => {
                let most = predictions.len() + (SLICE_WORK / model.work_per_row().max(1)).max(64);
                predict(&model, features, most.min(features.len()), self.config.confidence, &mut predictions);
                if predictions.len() < features.len() {
                    self.refit = Some(Refit::Predict(model, predictions));
                    return Step::Working;
                }
                self.take_over(*model, predictions);
                Step::Polished
            }
        }
    }

    /// Whether [`NumericLearner::step`] has something to do: labels changed since the last refit, or one is under way.
    pub fn refit_due(&self) -> bool {
        self.refit.is_some() || (self.due && self.labels.len() >= LEAST_LABELS)
    }

    /// Whether a refit is under way.
    pub fn refitting(&self) -> bool {
        self.refit.is_some()
    }

    /// Of one row; `None` before the first model, and for rows that came since the last [`NumericLearner::refresh`].
    pub fn predict(&self, row: usize) -> Option<NumericPrediction> {
        self.predictions.get(row).copied()
    }

    /// Of all rows, in their order; empty before the first model.
    pub fn predictions(&self) -> &[NumericPrediction] {
        &self.predictions
    }

    /// The labels of the last refit as fits without them predict them, (row, number), rows ascending: of ridge by exact
    /// leave-one-out, of a network by five folds.
    pub fn out_of_fold(&self) -> &[(usize, f64)] {
        &self.out_of_fold
    }

    /// How far off the out-of-fold predictions are: a figure on *training labels*, not on what nobody labelled. `None`
    /// below ten labels.
    pub fn scores(&self) -> Option<NumericScores> {
        self.scores
    }

    /// The model; `None` before the first refit.
    pub fn model(&self) -> Option<&NumericModel> {
        self.model.as_ref()
    }

    /// Counts refits.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How many labels the model has learnt from.
    pub fn labels(&self) -> u32 {
        self.learnt
    }

    /// The out-of-fold RMSE by number of labels: one point a refit with scores, labels ascending.
    pub fn curve(&self) -> &[(u32, f64)] {
        &self.curve
    }

    /// Why the last refit led to nothing; the model before it stands.
    pub fn problem(&self) -> Option<RegressionError> {
        self.problem
    }

    fn take_over(&mut self, model: NumericModel, predictions: Vec<NumericPrediction>) {
        let held_out = model.out_of_fold();
        let labels: Vec<f64> = held_out.iter().map(|left| left.label).collect();
        let predicted: Vec<f64> = held_out.iter().map(|left| left.predicted).collect();
        self.out_of_fold = held_out.iter().map(|left| (left.row, left.predicted)).collect();
        self.scores = scores(&labels, &predicted);
        self.learnt = labels.len() as u32;
        self.version += 1;
        if let Some(scores) = self.scores {
            self.curve.retain(|&(labels, _)| labels < self.learnt);
            self.curve.push((self.learnt, scores.rmse.estimate));
        }
        self.predictions = predictions;
        self.model = Some(model);
    }

    fn give_up(&mut self, problem: RegressionError) -> Step {
        self.problem = Some(problem);
        Step::Idle
    }

    fn forget(&mut self) {
        self.model = None;
        self.predictions.clear();
        self.out_of_fold.clear();
        self.scores = None;
        self.learnt = 0;
    }
}

/// Adds predictions until there are `rows`.
fn predict(
    model: &NumericModel,
    features: &Features,
    rows: usize,
    confidence: f64,
    predictions: &mut Vec<NumericPrediction>,
) {
    let conformal = model.conformal(1.0 - confidence);
    let new = predictions.len()..rows;
    let values = model.predict_rows(features, new.clone()).into_iter().zip(model.scale_of_rows(features, new));
    predictions.extend(values.map(|(value, scale)| {
        let interval = conformal.interval(value, scale);
        NumericPrediction { value, low: interval.low, high: interval.high }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::regression::simulated::{Noise, linear_data};

    fn settle(learner: &mut NumericLearner, features: &Features) -> usize {
        let mut polished = 0;
        loop {
            match learner.step(features) {
                Step::Idle => return polished,
                Step::Polished => polished += 1,
                Step::Working | Step::Rough => {}
            }
        }
    }

    #[test]
    fn the_same_labels_give_the_same_model_however_they_came() {
        let (features, labels) = linear_data(1, 120, 6, Noise::Uneven);
        let mut at_once = NumericLearner::new(NumericLearnerConfig::default());
        at_once.set_labels(&labels[..60]);
        assert_eq!(settle(&mut at_once, &features), 1);

        let mut one_by_one = NumericLearner::new(NumericLearnerConfig::default());
        one_by_one.set_labels(&labels[55..70]);
        settle(&mut one_by_one, &features);
        for &(row, value) in labels[..60].iter().rev() {
            one_by_one.observe(row, value + 1.0);
            one_by_one.step(&features);
            one_by_one.observe(row, value);
        }
        settle(&mut one_by_one, &features);
        assert_ne!(at_once.predictions(), one_by_one.predictions());
        one_by_one.set_labels(&labels[..60]);
        settle(&mut one_by_one, &features);
        assert_eq!(at_once.predictions(), one_by_one.predictions());
        assert_eq!(at_once.scores(), one_by_one.scores());
        assert!(one_by_one.version() > at_once.version());
        assert_eq!(settle(&mut one_by_one, &features), 0, "nothing is due");
    }

    #[test]
    fn predictions_come_with_intervals_that_hold_and_rows_that_came_later() {
        let (features, labels) = linear_data(2, 300, 6, Noise::Even);
        let first = features.select(&(0..200).collect::<Vec<_>>());
        let mut learner = NumericLearner::new(NumericLearnerConfig::default());
        assert_eq!(learner.predict(0), None);
        learner.set_labels(&labels[..80]);
        settle(&mut learner, &first);
        assert_eq!((learner.labels(), learner.predictions().len(), learner.predict(200)), (80, 200, None));
        learner.refresh(&features);
        let held = (80..300).filter(|&row| {
            let prediction = learner.predict(row).expect("predicted");
            assert!(prediction.interval().contains(prediction.value));
            prediction.interval().contains(labels[row].1)
        });
        assert!(held.count() as f64 / 220.0 > 0.85);
        let scores = learner.scores().expect("80 labels");
        assert!(scores.rmse.low < 1.0 && scores.rmse.high > 1.0, "{scores:?}: the noise has deviation 1");
        assert_eq!(learner.out_of_fold().len(), 80);
        assert_eq!(learner.curve(), [(80, scores.rmse.estimate)]);
    }

    #[test]
    fn few_and_unusable_labels_are_borne() {
        let (features, labels) = linear_data(3, 30, 4, Noise::Even);
        let mut learner = NumericLearner::new(NumericLearnerConfig::default());
        learner.set_labels(&[(0, 1.0), (1, f64::INFINITY), (2, f64::NAN), (3, 1.0)]);
        assert_eq!((settle(&mut learner, &features), learner.refit_due()), (0, false));
        learner.observe(4, 3.0);
        settle(&mut learner, &features);
        let prediction = learner.predict(7).expect("three labels");
        assert!(prediction.value.is_finite() && prediction.low == f64::NEG_INFINITY && learner.scores().is_none());
        learner.set_labels(&labels[..2]);
        assert_eq!((learner.predict(7), learner.labels()), (None, 0));
    }

    /// `cargo test --release --no-default-features --lib regression::learner -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn time_of_a_refit_and_of_its_longest_slice() {
        for (labelled, pool, columns) in [(200, 20_000, 1280), (1000, 20_000, 1280), (5000, 20_000, 256)] {
            let (features, labels) = linear_data(1, pool, columns, Noise::Even);
            let mut learner = NumericLearner::new(NumericLearnerConfig::default());
            learner.set_labels(&labels[..labelled]);
            let (start, mut longest, mut slices) = (std::time::Instant::now(), std::time::Duration::ZERO, 0);
            loop {
                let slice = std::time::Instant::now();
                let step = learner.step(&features);
                longest = longest.max(slice.elapsed());
                slices += 1;
                if step == Step::Idle {
                    break;
                }
            }
            println!("{labelled} × {columns}: {:?}, {slices} slices, longest {longest:?}", start.elapsed());
            let candidates: Vec<usize> = (labelled..pool).collect();
            let rows: Vec<usize> = (0..labelled).collect();
            let mut ranker = super::super::NumericRanker::new(1);
            ranker.begin(&rows, &candidates, None, 8);
            let (start, mut longest) = (std::time::Instant::now(), std::time::Duration::ZERO);
            loop {
                let slice = std::time::Instant::now();
                let done = ranker.step(&features).is_some();
                longest = longest.max(slice.elapsed());
                if done {
                    break;
                }
            }
            println!("ranking: {:?}, longest {longest:?}", start.elapsed());
        }
    }

    #[cfg(feature = "engine")]
    #[test]
    fn a_network_learns_in_the_same_way() {
        let (features, labels) = linear_data(4, 60, 4, Noise::Even);
        let params = super::super::mlp::MlpRegressionParams { hidden: 8, epochs: 5, ..Default::default() };
        let config = NumericLearnerConfig { head: NumericHead::Mlp(params), ..NumericLearnerConfig::default() };
        let mut learner = NumericLearner::new(config);
        learner.set_labels(&labels[..4]);
        assert_eq!(settle(&mut learner, &features), 0);
        assert_eq!(learner.problem(), Some(RegressionError::TooFewLabels { labels: 4, needed: 5 }));
        learner.set_labels(&labels[..40]);
        assert_eq!((settle(&mut learner, &features), learner.problem()), (1, None));
        assert_eq!((learner.predictions().len(), learner.out_of_fold().len()), (60, 40));
    }
}
