//! One training run from labels to a calibrated head with its out-of-fold score, in slices.
//!
//! For the default logistic head it does what the learner's polish does (`train/polish.rs`), number by number; a test
//! holds it to that.

use super::evaluate::metrics::surprise;
use super::features::matrix::Features;
use super::model::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::model::fitting::{Fitting, FittingError, Prepared};
pub use super::model::folds::OutOfFoldRow;
use super::model::folds::{FOLDS, assign_folds, only_class};
use super::model::head::TrainedHead;
use super::model::linear::ABSENT_INTERCEPT;
use super::model::logistic::Progress;
use super::model::projection::{Projection, ProjectionFit};
use super::model::spec::{HeadParams, HeadSpec};
use super::predict::{likeliest, softmax};
use ndarray::{Array2, Axis};
use std::collections::BTreeMap;

mod early_stopping;

use early_stopping::EarlyStopping;

/// What an experiment leads to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Trained on all labels.
    pub head: TrainedHead,
    /// The calibration temperature, above 0.
    pub temperature: f64,
    /// Rows ascending. Empty where there are too few labels to hold any out.
    pub out_of_fold: Vec<OutOfFoldRow>,
    /// Share of these predicted right, 0 to 1; NaN if there are none.
    pub out_of_fold_accuracy: f64,
    /// Mean −ln p of their labels, with the temperature fitted to these very rows; NaN if there are none.
    pub out_of_fold_log_loss: f64,
    /// Curves as (metric, step, value): `training_loss` by iteration or epoch, `out_of_fold_log_loss` by epoch,
    /// `leave_one_out_squared_error` by place in `model::ridge::STRENGTHS`.
    pub steps: Vec<(String, u32, f64)>,
    /// Whether there were so many classes and labels that the class means had to do, see `model::logistic`.
    pub class_means: bool,
}

/// An experiment under way. The same features must come with every call.
#[derive(Debug)]
pub struct Experiment {
    spec: HeadSpec,
    seed: u64,
    classes: usize,
    /// Sorted by row, so the order in which labels came plays no part.
    labels: Vec<(usize, usize)>,
    folds: Vec<usize>,
    /// Without a projection all fits see the same rows.
    shared: Option<Prepared>,
    stage: Stage,
    head: Option<TrainedHead>,
    held_out: HeldOut,
    /// How long the network trains.
    epochs: u32,
    steps: Vec<(String, u32, f64)>,
    failure: Option<FittingError>,
    progress: f64,
    /// Whether it ends after the part it began with, see [`Experiment::apart`].
    alone: bool,
    class_means: bool,
}

/// Which labels a fit is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// All but this fold's.
    WithoutFold(usize),
}

#[derive(Debug)]
enum Stage {
    Begin(Part),
    Project(Part, Box<ProjectionFit>),
    Fit(Part, Prepared, Fitting),
    /// Predicts the fold's labels, from a place in its list on.
    Predict(usize, Box<TrainedHead>, Vec<usize>, usize),
    /// A network's folds train side by side, to find out for how long.
    Epochs(Box<EarlyStopping>),
    Done,
}

/// Out-of-fold logits by label.
#[derive(Debug, Default)]
struct HeldOut {
    logits: BTreeMap<usize, Vec<f32>>,
}

impl Experiment {
    /// Prepares a run on `labels`, each a (row, class) with class < `classes`; a row named twice has its last class.
    ///
    /// # Errors
    /// Says, for the user, why it cannot be: a hyper-parameter out of range, fewer than two classes with a label, a
    /// spec that asks for features that are not there.
    pub fn begin(
        features: &Features,
        labels: &[(usize, usize)],
        classes: usize,
        spec: &HeadSpec,
        seed: u64,
    ) -> Result<Self, String> {
        spec.check()?;
        spec.check_against(features)?;
        let labels: BTreeMap<usize, usize> = labels.iter().copied().collect();
        let labels: Vec<(usize, usize)> = labels.into_iter().collect();
        if labels.iter().any(|&(row, class)| row >= features.len() || class >= classes) {
            return Err("a label is of an item or a class that does not exist; reload the project".into());
        }
        let folds = assign_folds(&labels, seed);
        let (head, epochs) = (None, 0);
        let stage = Stage::Begin(Part::All);
        let (held_out, steps) = (HeldOut::default(), Vec::new());
        let mut experiment = Self {
            spec: spec.clone(),
            seed,
            classes,
            labels,
            folds,
            shared: None,
            stage,
            head,
            held_out,
            epochs,
            steps,
            failure: None,
            progress: 0.0,
            alone: false,
            class_means: false,
        };
        if spec.features.dimensions.is_none() {
            experiment.shared = Some(experiment.prepare(features, None));
        }
        experiment.can_begin(features)?;
        if matches!(spec.head, HeadParams::Mlp { .. }) {
            experiment.stage = Stage::Epochs(Box::new(EarlyStopping::new(spec)));
        }
        Ok(experiment)
    }

    /// The same experiment, just begun, in pieces that can run side by side, each an experiment that ends with its own fit;
    /// [`Experiment::joined`] puts them together. A network's folds wait for one another: it stays whole.
    pub fn apart(self) -> Vec<Self> {
        if self.is_network() {
            return vec![self];
        }
        let part = |part: Part| Self {
            spec: self.spec.clone(),
            seed: self.seed,
            classes: self.classes,
            labels: self.labels.clone(),
            folds: self.folds.clone(),
            shared: self.shared.clone(),
            stage: Stage::Begin(part),
            head: None,
            held_out: HeldOut::default(),
            epochs: self.epochs,
            steps: Vec::new(),
            failure: None,
            progress: 0.0,
            alone: true,
            class_means: false,
        };
        std::iter::once(Part::All).chain((0..FOLDS).map(Part::WithoutFold)).map(part).collect()
    }

    /// The outcome of finished pieces, the same to the bit as that of the whole.
    ///
    /// # Errors
    /// As [`Experiment::try_finish`].
    pub fn joined(pieces: Vec<Self>) -> Result<Outcome, String> {
        let whole = pieces.into_iter().reduce(|mut whole, piece| {
            whole.head = whole.head.or(piece.head);
            whole.held_out.logits.extend(piece.held_out.logits);
            whole.steps.extend(piece.steps);
            whole.failure = whole.failure.or(piece.failure);
            whole.class_means |= piece.class_means;
            whole
        });
        whole.ok_or("an experiment without a piece")?.try_finish()
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, features: &Features, work: usize) -> bool {
        let done = self.slice(features, work);
        self.progress = self.progress.max(self.share_done());
        done
    }

    /// How much is done, 0 to 1; an estimate that never falls.
    pub fn progress(&self) -> f64 {
        self.progress
    }

    fn slice(&mut self, features: &Features, work: usize) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => return true,
            Stage::Begin(part) => self.stage = self.begin_part(features, part),
            Stage::Project(part, mut fit) => {
                self.stage = if fit.step(work) {
                    let prepared = self.prepare(features, Some(fit.finish()));
                    self.begin_fit(part, prepared)
                } else {
                    Stage::Project(part, fit)
                };
            }
            Stage::Fit(part, prepared, mut fitting) => {
                let mut curve = Vec::new();
                let progress = fitting.step(&prepared, work, &mut curve);
                if part == Part::All {
                    self.steps.extend(curve);
                }
                self.stage = match progress {
                    Ok(Progress::Working) => Stage::Fit(part, prepared, fitting),
                    Ok(Progress::Done) => self.end_fit(part, &prepared, &fitting),
                    Err(failure) => self.fail(failure),
                };
            }
            Stage::Predict(fold, head, places, next) => {
                self.stage = self.predict(features, fold, head, places, next, work);
            }
            Stage::Epochs(mut stopping) => {
                self.stage = match stopping.step(self, features, work) {
                    Ok(false) => Stage::Epochs(stopping),
                    Ok(true) => {
                        let (epochs, logits) = stopping.finish(&mut self.steps);
                        self.epochs = epochs;
                        self.held_out.logits = logits;
                        Stage::Begin(Part::All)
                    }
                    Err(failure) => self.fail(failure),
                };
            }
        }
        matches!(self.stage, Stage::Done)
    }

    fn share_done(&self) -> f64 {
        let fits = (FOLDS + 1) as f64;
        let of_part = |part: &Part, within: f64| match part {
            _ if self.is_network() => (FOLDS as f64 + within) / fits,
            Part::All => within / fits,
            Part::WithoutFold(fold) => ((fold + 1) as f64 + within) / fits,
        };
        match &self.stage {
            Stage::Begin(part) => of_part(part, 0.0),
            Stage::Project(part, _) => of_part(part, 0.05),
            Stage::Fit(part, prepared, fitting) => of_part(part, 0.1 + 0.8 * fitting.progress(prepared)),
            Stage::Predict(fold, ..) => of_part(&Part::WithoutFold(*fold), 0.95),
            Stage::Epochs(stopping) => stopping.progress() * FOLDS as f64 / fits,
            Stage::Done => 1.0,
        }
    }

    /// The outcome, once [`Experiment::step`] returned true.
    ///
    /// # Panics
    /// If it has not.
    pub fn finish(self) -> Outcome {
        self.try_finish().expect("a finished experiment")
    }

    /// As [`Experiment::finish`], for those who want to hear of a fault of the arithmetic.
    ///
    /// # Errors
    /// Says why no head came of it.
    pub fn try_finish(self) -> Result<Outcome, String> {
        if let Some(failure) = self.failure {
            return Err(failure.to_string());
        }
        let certain = self.certain_logits();
        let Self { head, labels, classes, steps, mut held_out, class_means, .. } = self;
        held_out.logits.extend(certain);
        let head = head.ok_or("the experiment has not ended")?;
        let rows: Vec<(usize, usize)> = held_out.logits.keys().map(|&place| labels[place]).collect();
        let all = held_out.logits.values().flatten().copied().collect();
        let logits = Array2::from_shape_vec((rows.len(), classes), all).map_err(|error| error.to_string())?;
        // A label whose class the fit never saw is wrong by necessity; it says nothing on temperature.
        let told: Vec<usize> =
            (0..rows.len()).filter(|&at| logits[[at, rows[at].1]] > ABSENT_INTERCEPT / 2.0).collect();
        let targets: Vec<usize> = told.iter().map(|&at| rows[at].1).collect();
        let temperature = fit_temperature(&logits.select(Axis(0), &told), &targets, PRIOR_DEVIATION);
        let probabilities = softmax(&logits, temperature);
        let count = rows.len() as f64;
        let scored = || probabilities.rows().into_iter().zip(&rows).zip(logits.rows());
        let right = scored().filter(|((_, (_, target)), logits)| likeliest(*logits) == *target).count();
        let loss: f64 = scored().map(|((row, &(_, target)), _)| surprise(row[target])).sum();
        let out_of_fold = scored()
            .map(|((row, &(index, target)), _)| OutOfFoldRow { row: index, target, probabilities: row.to_vec() })
            .collect();
        Ok(Outcome {
            head,
            temperature,
            out_of_fold,
            out_of_fold_accuracy: right as f64 / count,
            out_of_fold_log_loss: loss / count,
            steps,
            class_means,
        })
    }

    /// Logits of labels whose fold leaves one class to the others, as in [`super::train`]'s polish; none where nothing could be
    /// held out at all.
    fn certain_logits(&self) -> Vec<(usize, Vec<f32>)> {
        if self.held_out.logits.is_empty() {
            return Vec::new();
        }
        let of_fold = |fold: usize| {
            let (held, used): (Vec<usize>, Vec<usize>) =
                (0..self.labels.len()).partition(|&place| self.folds[place] == fold);
            let only = only_class(used.iter().map(|&place| self.labels[place].1));
            only.map_or_else(Vec::new, |only| {
                let mut logits = vec![ABSENT_INTERCEPT; self.classes];
                logits[only] = 0.0;
                held.into_iter().map(|place| (place, logits.clone())).collect()
            })
        };
        (0..FOLDS).flat_map(of_fold).collect()
    }

    fn is_network(&self) -> bool {
        matches!(self.spec.head, HeadParams::Mlp { .. })
    }

    /// Found out before the work: whether a fit to all labels could begin.
    fn can_begin(&self, features: &Features) -> Result<(), String> {
        let mut present = vec![false; self.classes];
        self.labels.iter().for_each(|&(_, class)| present[class] = true);
        if present.iter().filter(|&&present| present).count() < 2 {
            return Err(FittingError::OneClass.to_string());
        }
        if let (HeadParams::Ridge { .. }, Some(prepared)) = (&self.spec.head, &self.shared) {
            let used = vec![true; self.labels.len()];
            Fitting::begin(prepared, &used, &self.spec, 0, self.seed).map_err(|error| error.to_string())?;
        }
        debug_assert!(features.len() >= self.labels.len());
        Ok(())
    }

    fn prepare(&self, features: &Features, projection: Option<Projection>) -> Prepared {
        Prepared::gather(features, &self.labels, self.classes, &self.spec, projection)
    }

    fn used(&self, part: Part) -> Vec<bool> {
        self.folds.iter().map(|&fold| part != Part::WithoutFold(fold)).collect()
    }

    fn projection_of(&self, features: &Features, part: Part, dimensions: usize) -> ProjectionFit {
        let used = self.used(part);
        let rows: Vec<usize> =
            self.labels.iter().zip(used).filter(|(_, used)| *used).map(|(&(row, _), _)| row).collect();
        ProjectionFit::new(features.dense.select(Axis(0), &rows), dimensions, self.seed)
    }

    fn begin_part(&mut self, features: &Features, part: Part) -> Stage {
        match (self.spec.features.dimensions, &self.shared) {
            (Some(dimensions), _) => Stage::Project(part, Box::new(self.projection_of(features, part, dimensions))),
            (None, Some(prepared)) => {
                let prepared = prepared.clone();
                self.begin_fit(part, prepared)
            }
            (None, None) => self.begin_fit(part, self.prepare(features, None)),
        }
    }

    fn begin_fit(&mut self, part: Part, prepared: Prepared) -> Stage {
        let used = self.used(part);
        // A fold without labels leaves nothing to predict.
        if part != Part::All && !used.contains(&false) {
            return self.after(part);
        }
        match (Fitting::begin(&prepared, &used, &self.spec, self.epochs, self.seed), part) {
            (Ok(fitting), _) => Stage::Fit(part, prepared, fitting),
            // Without the fold one class is left: its labels cannot be held out.
            (Err(FittingError::OneClass), Part::WithoutFold(_)) => self.after(part),
            (Err(failure), _) => self.fail(failure),
        }
    }

    fn end_fit(&mut self, part: Part, prepared: &Prepared, fitting: &Fitting) -> Stage {
        let Part::WithoutFold(fold) = part else {
            self.class_means = fitting.is_class_means();
            return match fitting.head(prepared) {
                Ok(head) => {
                    self.head = Some(head);
                    if self.is_network() { Stage::Done } else { self.after(part) }
                }
                Err(failure) => self.fail(failure),
            };
        };
        let places: Vec<usize> = (0..self.labels.len()).filter(|&place| self.folds[place] == fold).collect();
        if let Some(logits) = fitting.held_out_logits(prepared, &places) {
            self.held_out.add(&places, &logits);
            return self.after(part);
        }
        match fitting.head(prepared) {
            Ok(head) => Stage::Predict(fold, Box::new(head), places, 0),
            Err(failure) => self.fail(failure),
        }
    }

    fn predict(
        &mut self,
        features: &Features,
        fold: usize,
        head: Box<TrainedHead>,
        places: Vec<usize>,
        next: usize,
        work: usize,
    ) -> Stage {
        let end = (next + (work / head.work_per_row().max(1)).max(1)).min(places.len());
        let rows: Vec<usize> = places[next..end].iter().map(|&place| self.labels[place].0).collect();
        let logits = head.logits(&features.select(&rows));
        self.held_out.add(&places[next..end], &logits);
        if end < places.len() { Stage::Predict(fold, head, places, end) } else { self.after(Part::WithoutFold(fold)) }
    }

    fn after(&self, part: Part) -> Stage {
        let next = match part {
            Part::All => 0,
            Part::WithoutFold(fold) => fold + 1,
        };
        if self.alone || next >= FOLDS { Stage::Done } else { Stage::Begin(Part::WithoutFold(next)) }
    }

    fn fail(&mut self, failure: FittingError) -> Stage {
        self.failure = Some(failure);
        Stage::Done
    }
}

impl HeldOut {
    fn add(&mut self, places: &[usize], logits: &Array2<f32>) {
        for (place, row) in places.iter().zip(logits.rows()) {
            self.logits.insert(*place, row.to_vec());
        }
    }
}

impl Outcome {
    /// Whether its out-of-fold log-loss is below another's by more than luck: by more than two standard errors of their
    /// paired difference, and by more than (ln n)/n, the price of one label missed with all the certainty that n labels
    /// can justify. Of many heads one is always luckiest, and n labels cannot show what goes wrong less than once in n.
    /// With less, searches on half of the penguins came back with networks whose log-loss was 0.006 lower out of fold and
    /// 0.017 higher on the other half (means of four halves).
    ///
    /// Both outcomes must be of the same labels and seed; labels that only one held out are not compared.
    pub fn clearly_better_than(&self, other: &Outcome) -> bool {
        let losses = |outcome: &Outcome| -> BTreeMap<usize, f64> {
            outcome.out_of_fold.iter().map(|row| (row.row, surprise(row.probabilities[row.target]))).collect()
        };
        let theirs = losses(other);
        let gains: Vec<f64> =
            losses(self).into_iter().filter_map(|(row, loss)| theirs.get(&row).map(|other| other - loss)).collect();
        let count = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0);
        count > 1.0 && mean > (2.0 * (variance / count).sqrt()).max(count.ln() / count)
    }
}

/// A whole experiment at once.
///
/// # Errors
/// As [`Experiment::begin`].
pub fn run(
    features: &Features,
    labels: &[(usize, usize)],
    classes: usize,
    spec: &HeadSpec,
    seed: u64,
) -> Result<Outcome, String> {
    let mut experiment = Experiment::begin(features, labels, classes, spec, seed)?;
    while !experiment.step(features, usize::MAX) {}
    experiment.try_finish()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod measurement {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use crate::pipeline::item::Kind;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The slowest slice of every head: `cargo test --release -p hone --lib slowest_slice -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn table_of_the_slowest_slice() {
        for (kind, dense, sparse_entries) in [(Kind::Image, 1280, 0), (Kind::Text, 256, 250), (Kind::Table, 40, 0)] {
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let sparse_columns = if sparse_entries > 0 { 1 << 18 } else { 0 };
            let mut features = Features::new(dense, sparse_columns);
            let labels: Vec<(usize, usize)> = (0..1500).map(|row| (row, row % 10)).collect();
            for &(_, class) in &labels {
                let row = (0..dense).map(|j| random.random_range(0.0..1.0f32) + f32::from(j % 10 == class));
                let row = row.collect();
                let mut indices: Vec<u32> = (0..sparse_entries).map(|_| random.random_range(0..1 << 18)).collect();
                indices.sort_unstable();
                indices.dedup();
                let sparse = SparseRow { values: vec![0.05; indices.len()], indices };
                features.push(FeatureVector { dense: row, sparse });
            }
            for word in HeadSpec::WORDS {
                let spec = HeadSpec::named(word, kind).expect("a word");
                let mut experiment = Experiment::begin(&features, &labels, 10, &spec, 1).expect("ten classes");
                let (begun, mut slowest, mut slices) = (std::time::Instant::now(), std::time::Duration::ZERO, 0);
                let mut done = false;
                while !done {
                    let slice = std::time::Instant::now();
                    done = experiment.step(&features, 20 << 20);
                    slowest = slowest.max(slice.elapsed());
                    slices += 1;
                }
                println!("{} {word}: {slices} slices, slowest {slowest:?}, in all {:?}", kind.word(), begun.elapsed());
            }
        }
    }
}
