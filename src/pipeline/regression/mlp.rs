//! A network with one hidden layer, trained to a number by squared error.
//!
//! For how long is decided out of fold: the folds' networks train side by side until they no longer predict the labels held
//! out from them any better; then one network trains on all labels for the best number of epochs.

use super::conformal::Conformal;
use super::ridge::LeftOut;
use super::{RegressionError, checked_labels, mean_and_deviation};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::folds::{FOLDS, assign_folds};
use crate::pipeline::model::logistic::{ClassWeight, Progress};
use crate::pipeline::model::mlp::Mlp;
use crate::pipeline::model::mlp_fit::{MlpFit, MlpParams};
use crate::pipeline::model::training_set::{Scaling, TrainingSet};
use ndarray::{Axis, s};
use std::ops::Range;

/// Epochs without a better one before training ends.
const PATIENCE: u32 = 15;

/// How a network for a number is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MlpRegressionParams {
    /// Hidden units, at least 1.
    pub hidden: usize,
    /// AdamW's decoupled weight decay, at least 0.
    pub weight_decay: f64,
    /// AdamW's step size, above 0, at most 1.
    pub learning_rate: f64,
    /// Epochs at most, at least 1.
    pub epochs: u32,
}

impl Default for MlpRegressionParams {
    fn default() -> Self {
        Self { hidden: 64, weight_decay: 0.01, learning_rate: 0.003, epochs: 200 }
    }
}

/// A fit under way.
#[derive(Debug)]
pub struct MlpRegressionFit {
    params: MlpParams,
    most_epochs: u32,
    set: TrainingSet,
    /// The labelled rows as they are, for predicting them.
    seen: Features,
    labels: Vec<(usize, f64)>,
    mean: f64,
    deviation: f64,
    folds: Vec<usize>,
    networks: Vec<Network>,
    /// Which network trains next; when all have, the epoch is over.
    turn: usize,
    epoch: u32,
    /// The network whose turn it is after its epoch, and how many of its held-out labels are predicted.
    evaluation: Option<(Mlp, usize)>,
    /// Standardised out-of-fold predictions of the present epoch, by label.
    predicted: Vec<f64>,
    best: Option<Best>,
    full: Option<MlpFit>,
    done: Option<Mlp>,
}

#[derive(Debug)]
struct Network {
    fit: MlpFit,
    /// Labels held out from it.
    places: Vec<usize>,
}

#[derive(Debug)]
struct Best {
    epoch: u32,
    loss: f64,
    predicted: Vec<f64>,
}

/// What predicts a number from the dense half of features.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpRegressor {
    mlp: Mlp,
    mean: f64,
    deviation: f64,
    epochs: u32,
    out_of_fold: Vec<LeftOut>,
}

/// Fits at once, see [`MlpRegressionFit`].
///
/// # Errors
/// As [`MlpRegressionFit::begin`].
pub fn fit(
    features: &Features,
    labels: &[(usize, f64)],
    params: MlpRegressionParams,
    seed: u64,
) -> Result<MlpRegressor, RegressionError> {
    let mut fit = MlpRegressionFit::begin(features, labels, params, seed)?;
    while fit.step(usize::MAX)? == Progress::Working {}
    fit.finish().ok_or(RegressionError::Network)
}

impl MlpRegressionFit {
    /// Prepares a fit to `labels`, each a (row, number). The order of labels plays no part; a row named twice has its last
    /// number. The seed decides folds, first weights and the order of rows.
    ///
    /// # Errors
    /// If there are fewer labels than folds, one is not usable, or the network cannot be made.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn begin(
        features: &Features,
        labels: &[(usize, f64)],
        params: MlpRegressionParams,
        seed: u64,
    ) -> Result<Self, RegressionError> {
        let labels = checked_labels(labels)?;
        if labels.len() < FOLDS {
            return Err(RegressionError::TooFewLabels { labels: labels.len(), needed: FOLDS });
        }
        let rows: Vec<usize> = labels.iter().map(|&(row, _)| row).collect();
        let dense = features.dense.select(Axis(0), &rows);
        let seen = Features { dense, sparse: Vec::new(), sparse_columns: 0 };
        let places: Vec<(usize, usize)> = (0..rows.len()).map(|place| (place, 0)).collect();
        let (mean, deviation) = mean_and_deviation(labels.iter().map(|&(_, label)| label));
        let MlpRegressionParams { hidden, weight_decay, learning_rate, epochs } = params;
        let mut fit = Self {
            params: MlpParams { hidden, weight_decay, learning_rate, class_weight: ClassWeight::Equal, seed },
            most_epochs: epochs,
            set: TrainingSet::gather(&seen, &places, 1, Scaling::UnitSpread),
            seen,
            folds: assign_folds(&rows.iter().map(|&row| (row, 0)).collect::<Vec<_>>(), seed),
            predicted: vec![0.0; labels.len()],
            labels,
            mean,
            deviation,
            networks: Vec::new(),
            turn: 0,
            epoch: 0,
            evaluation: None,
            best: None,
            full: None,
            done: None,
        };
        for fold in 0..FOLDS {
            let used: Vec<bool> = fit.folds.iter().map(|&other| other != fold).collect();
            let places = (0..used.len()).filter(|&place| !used[place]).collect();
            let network = fit.network(&used)?;
            fit.networks.push(Network { fit: network, places });
        }
        Ok(fit)
    }

    /// Works until about `work` multiply-adds are done, at least one minibatch.
    ///
    /// # Errors
    /// If the network's arithmetic fails, which would be a fault of Hone's.
    pub fn step(&mut self, work: usize) -> Result<Progress, RegressionError> {
        if self.done.is_some() {
            return Ok(Progress::Done);
        }
        if let Some(full) = &mut self.full {
            full.step(&self.set, work).map_err(failed)?;
            let epochs = self.best.as_ref().map_or(1, |best| best.epoch);
            if full.epoch() < epochs {
                return Ok(Progress::Working);
            }
            self.done = Some(full.head(&self.set).map_err(failed)?);
            return Ok(Progress::Done);
        }
        let network = &mut self.networks[self.turn];
        let Some((mlp, next)) = &mut self.evaluation else {
            if network.fit.step(&self.set, work).map_err(failed)? {
                self.evaluation = Some((network.fit.head(&self.set).map_err(failed)?, 0));
            }
            return Ok(Progress::Working);
        };
        let end = (*next + (work / mlp.work_per_row().max(1)).max(1)).min(network.places.len());
        let places = &network.places[*next..end];
        let values = mlp.logits(self.seen.dense.select(Axis(0), places).view());
        places.iter().zip(&values).for_each(|(&place, &value)| self.predicted[place] = f64::from(value));
        *next = end;
        if end == network.places.len() {
            self.evaluation = None;
            self.turn = (self.turn + 1) % self.networks.len();
            if self.turn == 0 && self.end_epoch() {
                self.full = Some(self.network(&vec![true; self.labels.len()])?);
            }
        }
        Ok(Progress::Working)
    }

    /// How much is done, 0 to 1, if it takes all epochs.
    pub fn progress(&self) -> f64 {
        match (&self.done, &self.full) {
            (Some(_), _) => 1.0,
            (None, Some(full)) => 0.9 + 0.1 * f64::from(full.epoch()) / f64::from(self.most_epochs),
            (None, None) => 0.9 * f64::from(self.epoch) / f64::from(self.most_epochs),
        }
    }

    /// The regressor; `None` before [`MlpRegressionFit::step`] is done.
    pub fn finish(self) -> Option<MlpRegressor> {
        let (mlp, best) = (self.done?, self.best?);
        let (mean, deviation) = (self.mean, self.deviation);
        let out_of_fold = self.labels.iter().zip(&best.predicted).map(|(&(row, label), predicted)| LeftOut {
            row,
            label,
            predicted: mean + deviation * predicted,
            scale: deviation,
            freedom: 1.0,
        });
        Some(MlpRegressor { out_of_fold: out_of_fold.collect(), mlp, mean, deviation, epochs: best.epoch })
    }

    fn network(&self, used: &[bool]) -> Result<MlpFit, RegressionError> {
        let values = self.labels.iter().map(|&(_, label)| ((label - self.mean) / self.deviation) as f32).collect();
        MlpFit::begin_values(&self.set, used, values, self.params).map_err(failed)
    }

    /// Whether training longer is no use.
    fn end_epoch(&mut self) -> bool {
        self.epoch += 1;
        let squares = self.labels.iter().zip(&self.predicted);
        let loss = squares.map(|(label, predicted)| ((label.1 - self.mean) / self.deviation - predicted).powi(2)).sum();
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { epoch: self.epoch, loss, predicted: self.predicted.clone() });
        }
        let since_best = self.epoch - self.best.as_ref().map_or(0, |best| best.epoch);
        self.epoch >= self.most_epochs || since_best >= PATIENCE
    }
}

impl MlpRegressor {
    /// One number a row, in the target's unit.
    ///
    /// # Panics
    /// If the dense half is not as wide as the one it was fitted to.
    pub fn predict(&self, features: &Features) -> Vec<f64> {
        self.predict_rows(features, 0..features.len())
    }

    /// The numbers of a run of rows.
    ///
    /// # Panics
    /// As [`MlpRegressor::predict`], or if the run ends past the last row.
    pub fn predict_rows(&self, features: &Features, rows: Range<usize>) -> Vec<f64> {
        let values = self.mlp.logits(features.dense.slice(s![rows, ..]));
        values.iter().map(|&value| self.mean + self.deviation * f64::from(value)).collect()
    }

    /// Whether it was fitted to features of these widths.
    pub fn fits(&self, features: &Features) -> bool {
        self.mlp.hidden_weights.ncols() == features.dense_columns()
    }

    /// Multiply-adds that one row costs.
    pub fn work_per_row(&self) -> usize {
        self.mlp.work_per_row()
    }

    /// For how many epochs it was trained.
    pub fn epochs(&self) -> u32 {
        self.epochs
    }

    /// In units of the target, what [`LeftOut::scale`] is of every row.
    pub fn scale(&self) -> f64 {
        self.deviation
    }

    /// Its labels as the networks that were trained without their fold predict them, by ascending row.
    pub fn out_of_fold(&self) -> &[LeftOut] {
        &self.out_of_fold
    }

    /// Intervals that miss with a probability of `alpha`, above 0 and below 1. The residuals are those of networks that
    /// have seen four fifths of the labels; this one has seen all, so that they are rather a little too wide.
    pub fn conformal(&self, alpha: f64) -> Conformal {
        Conformal::fit(self.out_of_fold.iter().map(|left| (left.residual(), left.scale)), alpha)
    }
}

/// candle tells of shapes that do not fit, which is nothing a person could act on.
fn failed(_: candle_core::Error) -> RegressionError {
    RegressionError::Network
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use crate::pipeline::regression::metrics::root_mean_square_of;
    use crate::pipeline::regression::ridge;
    use crate::pipeline::regression::simulated::normal;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// y = 100 + 30 · x₀ x₁ + noise of deviation 3: nothing for a linear model.
    fn product(rows: usize) -> (Features, Vec<(usize, f64)>) {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let mut features = Features::new(3, 0);
        let labels = (0..rows)
            .map(|row| {
                let dense: Vec<f32> = (0..3).map(|_| random.random_range(-1.5..1.5)).collect();
                let value = 100.0 + 30.0 * f64::from(dense[0] * dense[1]) + 3.0 * normal(&mut random);
                features.push(FeatureVector { dense, sparse: SparseRow::default() });
                (row, value)
            })
            .collect();
        (features, labels)
    }

    #[test]
    fn learns_what_no_plane_is_the_same_in_any_slices_and_orders() {
        let (features, labels) = product(400);
        let params = MlpRegressionParams { epochs: 60, learning_rate: 0.01, ..MlpRegressionParams::default() };
        let trained = fit(&features, &labels[..300], params, 4).expect("labels");
        let off = |predicted: Vec<f64>| {
            root_mean_square_of(predicted.iter().zip(&labels).skip(300).map(|(value, label)| value - label.1))
        };
        let by_ridge = ridge::fit(&features, &labels[..300], None).expect("labels");
        let (network, plane) = (off(trained.predict(&features)), off(by_ridge.predict(&features)));
        println!("root mean square error: network {network:.2} after {} epochs, ridge {plane:.2}", trained.epochs());
        assert!(network < 8.0 && plane > 20.0, "{network} {plane}");
        let out_of_fold = root_mean_square_of(trained.out_of_fold().iter().map(LeftOut::residual));
        assert!((out_of_fold / network - 1.0).abs() < 0.35, "{out_of_fold} {network}");
        let intervals = trained.conformal(0.1);
        let fresh = trained.predict_rows(&features, 300..400);
        let held = fresh
            .iter()
            .zip(&labels[300..])
            .filter(|&(&value, label)| intervals.interval(value, trained.scale()).contains(label.1));
        assert!(held.count() >= 84);

        let few = MlpRegressionParams { epochs: 3, ..params };
        let whole = fit(&features, &labels[..60], few, 4).expect("labels");
        let mut reversed: Vec<(usize, f64)> = labels[..60].to_vec();
        reversed.reverse();
        let mut sliced = MlpRegressionFit::begin(&features, &reversed, few, 4).expect("labels");
        while sliced.step(1).expect("shapes fit") == Progress::Working {}
        assert_eq!(Some(whole), sliced.finish());
    }

    #[test]
    fn fewer_labels_than_folds_are_refused() {
        let (features, labels) = product(4);
        let found = fit(&features, &labels, MlpRegressionParams::default(), 0);
        assert_eq!(found, Err(RegressionError::TooFewLabels { labels: 4, needed: 5 }));
    }
}
