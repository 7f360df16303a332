//! Any head being fitted: one door to all of them, in slices.

use super::forest::ForestFit;
use super::head::TrainedHead;
use super::knn::Knn;
use super::linear::Linear;
use super::logistic::{ClassWeight, Fit, LogisticParams, Progress};
use super::mlp_fit::{MlpFit, MlpParams};
use super::projection::Projection;
use super::prototype::PrototypeFit;
use super::ridge::{MOST_SIDE, RidgeFit, gram_side};
use super::sparse_weights::SparseWeights;
use super::spec::{HeadParams, HeadSpec};
use super::training_set::{Scaling, TrainingSet};
use super::view::FeatureView;
use super::weights::ClassCounts;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array1, Array2, Axis};
use std::sync::Arc;

/// Labelled rows as heads train on them, in one view of the features.
#[derive(Debug, Clone)]
pub struct Prepared {
    view: FeatureView,
    /// For heads that read rows as they are.
    rows: Arc<Features>,
    /// For heads that read them centred and scaled.
    set: Arc<TrainingSet>,
}

impl Prepared {
    /// Gathers the rows of `labels`, each a (row, class).
    pub fn gather(
        features: &Features,
        labels: &[(usize, usize)],
        classes: usize,
        spec: &HeadSpec,
        projection: Option<Projection>,
    ) -> Self {
        let view = FeatureView { projection, ..FeatureView::of(features, spec.features) };
        let rows: Vec<usize> = labels.iter().map(|&(row, _)| row).collect();
        let seen = view.look_at(features, &rows);
        let renumbered: Vec<(usize, usize)> = labels.iter().map(|&(_, class)| class).enumerate().collect();
        let set = TrainingSet::gather(&seen, &renumbered, classes, Scaling::UnitSpread);
        let centred =
            matches!(spec.head, HeadParams::Logistic { .. } | HeadParams::Ridge { .. } | HeadParams::Mlp { .. });
        let rows = if centred { Features::new(0, 0) } else { seen };
        Self { view, rows: Arc::new(rows), set: Arc::new(set) }
    }

    /// The labelled rows, centred and scaled.
    pub fn set(&self) -> &TrainingSet {
        &self.set
    }

    /// A network trained on these rows as a head for the features they were gathered from.
    pub fn head_of(&self, mlp: super::mlp::Mlp) -> TrainedHead {
        TrainedHead::Mlp(self.view.clone(), mlp)
    }
}

/// Why a fit cannot begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FittingError {
    /// There is nothing to tell apart.
    #[error("fewer than two classes have a label; label at least one item of a second class")]
    OneClass,
    /// More memory than a browser should give.
    #[error(
        "ridge would need a matrix of {0} rows, more than the {MOST_SIDE} it may take; leave the n-grams out or reduce the dense half"
    )]
    TooWide(usize),
    /// The network could not be made.
    #[error("the network could not be trained ({0})")]
    Network(String),
}

/// A fit under way.
#[derive(Debug)]
pub enum Fitting {
    /// See [`Fit`].
    Logistic(Box<Fit>, ClassWeight),
    /// See [`RidgeFit`].
    Ridge(Box<RidgeFit>, ClassWeight),
    /// See [`PrototypeFit`].
    Prototype(Box<PrototypeFit>),
    /// Nothing to do: it only remembers.
    Knn(Box<Knn>),
    /// For so many epochs, see [`MlpFit`].
    Mlp(Box<MlpFit>, u32),
    /// See [`ForestFit`].
    Forest(Box<ForestFit>),
}

impl Fitting {
    /// To the rows that `used` keeps. `epochs`: how long a network trains.
    ///
    /// # Errors
    /// If fewer than two classes have a used row, or the fit would be too large.
    pub fn begin(
        prepared: &Prepared,
        used: &[bool],
        spec: &HeadSpec,
        epochs: u32,
        seed: u64,
    ) -> Result<Self, FittingError> {
        let (set, rows, weight) = (&*prepared.set, &*prepared.rows, spec.class_weight);
        let (targets, classes) = (set.targets(), set.classes());
        let fitting = match spec.head {
            HeadParams::Logistic { c } => {
                let params = LogisticParams { c, class_weight: weight, ..LogisticParams::default() };
                // A checked spec has a C that a logistic regression accepts.
                let fit = params.check().ok().and_then(|logistic| logistic.begin(set, Some(used), None));
                fit.map(|fit| Fitting::Logistic(Box::new(fit), weight))
            }
            HeadParams::Ridge { lambda } => {
                let side = gram_side(set, used);
                if side > MOST_SIDE {
                    return Err(FittingError::TooWide(side));
                }
                RidgeFit::begin(set, used, lambda, weight).map(|fit| Fitting::Ridge(Box::new(fit), weight))
            }
            HeadParams::Prototype { shrinkage } => PrototypeFit::begin(rows, targets, used, classes, shrinkage)
                .map(|fit| Fitting::Prototype(Box::new(fit))),
            HeadParams::Knn { k } => Knn::fit(rows, targets, used, classes, k).map(|knn| Fitting::Knn(Box::new(knn))),
            HeadParams::Mlp { hidden, weight_decay, learning_rate, .. } => {
                let params = MlpParams { hidden, weight_decay, learning_rate, class_weight: weight, seed };
                let fit = MlpFit::begin(set, used, params).ok_or(FittingError::OneClass)?;
                let fit = fit.map_err(|error| FittingError::Network(error.to_string()))?;
                Some(Fitting::Mlp(Box::new(fit), epochs))
            }
            HeadParams::Forest { trees, depth } => {
                ForestFit::begin(rows.dense.view(), targets, used, classes, (trees, depth), weight, seed)
                    .map(|fit| Fitting::Forest(Box::new(fit)))
            }
        };
        fitting.ok_or(FittingError::OneClass)
    }

    /// Works until about `work` multiply-adds are done. What is worth a curve is added to `steps`.
    ///
    /// # Errors
    /// If the network's arithmetic fails, which would be a fault of Hone's.
    pub fn step(
        &mut self,
        prepared: &Prepared,
        work: usize,
        steps: &mut Vec<(String, u32, f64)>,
    ) -> Result<Progress, FittingError> {
        let set = &*prepared.set;
        let progress = match self {
            Fitting::Logistic(fit, _) => {
                // Small steps, so that the loss of every iteration is seen however the work is sliced.
                let mut left = work;
                loop {
                    let before = fit.iterations();
                    let progress = fit.step(set, 1);
                    if fit.iterations() > before {
                        steps.push(("training_loss".into(), fit.iterations() as u32, fit.loss()));
                    }
                    left = left.saturating_sub(logistic_work(set));
                    if left == 0 || progress == Progress::Done {
                        break progress;
                    }
                }
            }
            Fitting::Ridge(fit, _) => {
                let known = fit.errors().len();
                let progress = fit.step(set, work);
                let new = fit.errors().iter().enumerate().skip(known);
                steps.extend(new.map(|(at, &error)| ("leave_one_out_squared_error".into(), at as u32, error)));
                progress
            }
            Fitting::Prototype(fit) => fit.step(work),
            Fitting::Knn(_) => Progress::Done,
            Fitting::Mlp(fit, epochs) => {
                if fit.step(set, work).map_err(|error| FittingError::Network(error.to_string()))? {
                    steps.push(("training_loss".into(), fit.epoch(), fit.training_loss()));
                }
                if fit.epoch() >= *epochs { Progress::Done } else { Progress::Working }
            }
            Fitting::Forest(fit) => fit.step(work),
        };
        Ok(progress)
    }

    /// How much is done, 0 to 1; an estimate where nobody knows.
    pub fn progress(&self, prepared: &Prepared) -> f64 {
        match self {
            Fitting::Logistic(fit, _) => fit.progress(&prepared.set),
            Fitting::Ridge(fit, _) => fit.progress(),
            Fitting::Prototype(fit) => fit.progress(),
            Fitting::Knn(_) => 1.0,
            Fitting::Mlp(fit, epochs) => {
                (f64::from(fit.epoch()) + fit.progress_in_epoch()) / f64::from(*epochs).max(1.0)
            }
            Fitting::Forest(fit) => fit.progress(),
        }
    }

    /// The head, once [`Fitting::step`] is done.
    ///
    /// # Errors
    /// If the network's arithmetic fails, which would be a fault of Hone's.
    pub fn head(&self, prepared: &Prepared) -> Result<TrainedHead, FittingError> {
        let (set, view) = (&*prepared.set, &prepared.view);
        Ok(match self {
            Fitting::Logistic(fit, weight) => {
                let mut head = fit.head(set);
                add_prior(&mut head, &prior(set, fit.used(), *weight));
                TrainedHead::Linear(in_full(head, view))
            }
            Fitting::Ridge(fit, weight) => TrainedHead::Linear(in_full(fit.head(set, *weight), view)),
            Fitting::Prototype(fit) => {
                let head = fit.head().ok_or(FittingError::OneClass)?;
                TrainedHead::Prototype(view.clone(), head)
            }
            Fitting::Knn(knn) => TrainedHead::Knn(view.clone(), knn.clone()),
            Fitting::Mlp(fit, _) => {
                let mlp = fit.head(set).map_err(|error| FittingError::Network(error.to_string()))?;
                TrainedHead::Mlp(view.clone(), mlp)
            }
            Fitting::Forest(fit) => TrainedHead::Forest(view.clone(), fit.head()),
        })
    }

    /// See [`Fit::is_class_means`].
    pub fn is_class_means(&self) -> bool {
        matches!(self, Fitting::Logistic(fit, _) if fit.is_class_means())
    }

    /// Logits of held-out labels straight from the training set, where that is to be had.
    pub fn held_out_logits(&self, prepared: &Prepared, places: &[usize]) -> Option<Array2<f32>> {
        match self {
            Fitting::Logistic(fit, weight) => {
                let mut logits = fit.logits(&prepared.set, places);
                let prior = prior(&prepared.set, fit.used(), *weight);
                logits.rows_mut().into_iter().for_each(|mut row| row += &prior);
                Some(logits)
            }
            _ => None,
        }
    }
}

/// What one chunk of rows costs a logistic regression.
fn logistic_work(set: &TrainingSet) -> usize {
    const CHUNK: usize = 256;
    let entries = set.sparse_row(0).map_or(0, |row| row.indices.len());
    2 * set.classes() * CHUNK.min(set.len()) * (set.dense_columns() + entries + 1)
}

fn prior(set: &TrainingSet, used: impl Iterator<Item = bool>, weight: ClassWeight) -> Array1<f32> {
    let used: Vec<bool> = used.collect();
    let counts = ClassCounts::of(set, &used);
    let log_prior = |class| counts.as_ref().map_or(0.0, |counts| counts.log_prior(class, weight) as f32);
    (0..set.classes()).map(log_prior).collect()
}

fn add_prior(head: &mut Linear, prior: &Array1<f32>) {
    head.intercepts.iter_mut().zip(prior).for_each(|(intercept, prior)| *intercept += prior);
}

/// A head for what the view shows as one for all features: weights of the reduced dense half are unfolded, halves that
/// are not read get weights of 0.
fn in_full(head: Linear, view: &FeatureView) -> Linear {
    let classes = head.classes();
    let mut intercepts = head.intercepts;
    let dense = match &view.projection {
        _ if !view.dense => Array2::zeros((classes, view.dense_columns)),
        None => head.dense,
        Some(projection) => {
            let dense = head.dense.dot(&projection.basis.t());
            for (intercept, shift) in intercepts.iter_mut().zip(dense.dot(&projection.mean)) {
                *intercept -= shift;
            }
            dense.as_standard_layout().into_owned()
        }
    };
    let sparse = if view.sparse { head.sparse } else { SparseWeights::absent(classes, view.sparse_columns) };
    debug_assert_eq!(dense.len_of(Axis(0)), classes);
    Linear { dense, sparse, intercepts }
}

#[cfg(test)]
mod tests {
    use super::super::spec::FeatureOptions;
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use crate::pipeline::item::Kind;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_linear_head_for_a_part_of_the_features_is_one_for_all_of_them() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut features = Features::new(12, 40);
        for row in 0..60u32 {
            let sparse = SparseRow { indices: vec![row % 2, 5 + row % 30], values: vec![0.3, 0.4] };
            let dense = (0..12).map(|j| random.random_range(0.0..2.0f32) + ((row + j) % 2) as f32).collect();
            features.push(FeatureVector { dense, sparse });
        }
        let labels: Vec<(usize, usize)> = (0..60).map(|row| (row, row % 2)).collect();
        for (word, options) in [
            ("logistic", FeatureOptions::DENSE),
            ("ridge", FeatureOptions { dense: false, ..FeatureOptions::ALL }),
            ("ridge", FeatureOptions { dimensions: Some(4), ..FeatureOptions::ALL }),
        ] {
            let spec = HeadSpec { features: options, ..HeadSpec::named(word, Kind::Text).expect("a word") };
            let projection = options.dimensions.map(|dimensions| {
                let mut fit = super::super::projection::ProjectionFit::new(features.dense.clone(), dimensions, 1);
                while !fit.step(usize::MAX) {}
                fit.finish()
            });
            let prepared = Prepared::gather(&features, &labels, 2, &spec, projection);
            let mut fitting = Fitting::begin(&prepared, &[true; 60], &spec, 0, 1).expect("two classes");
            while fitting.step(&prepared, usize::MAX, &mut Vec::new()) == Ok(Progress::Working) {}
            let TrainedHead::Linear(full) = fitting.head(&prepared).expect("done") else { panic!("a linear head") };
            assert!(full.fits(&features));
            let seen = prepared.view.look_at(&features, &(0..60).collect::<Vec<_>>());
            let expected = match &fitting {
                Fitting::Logistic(fit, _) => fit.head(&prepared.set).logits(&seen),
                Fitting::Ridge(fit, weight) => fit.head(&prepared.set, *weight).logits(&seen),
                other => panic!("{other:?}"),
            };
            let off = (&full.logits(&features) - &expected).iter().fold(0.0f32, |most, x| x.abs().max(most));
            assert!(off < 1e-3, "{word}: {off}");
        }
    }
}
