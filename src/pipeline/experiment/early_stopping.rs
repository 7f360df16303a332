//! For how long a network trains: until the folds' networks, side by side, no longer predict the labels held out from
//! them any better.
//!
//! The out-of-fold predictions are those of the best epoch. Choosing this one number on them flatters the score by
//! next to nothing; holding out a further part of few labels would cost more.

use super::{Experiment, FOLDS, Part};
use crate::pipeline::evaluate::metrics::surprise;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::fitting::{FittingError, Prepared};
use crate::pipeline::model::head::TrainedHead;
use crate::pipeline::model::mlp_fit::{MlpFit, MlpParams};
use crate::pipeline::model::projection::ProjectionFit;
use crate::pipeline::model::spec::{HeadParams, HeadSpec};
use crate::pipeline::predict::softmax;
use std::collections::BTreeMap;

/// Epochs without a better one before training ends.
const PATIENCE: u32 = 15;

/// The folds' networks.
#[derive(Debug)]
pub(super) struct EarlyStopping {
    params: MlpParams,
    most_epochs: u32,
    /// Folds whose networks are still to be begun.
    waiting: Vec<usize>,
    projection: Option<(usize, Box<ProjectionFit>)>,
    networks: Vec<Network>,
    /// Which network trains next; when all have, the epoch is over.
    turn: usize,
    epoch: u32,
    /// The network whose turn it is after its epoch, and how many of its held-out labels are predicted.
    evaluation: Option<(TrainedHead, usize)>,
    /// Logits of the present epoch by label.
    logits: BTreeMap<usize, Vec<f32>>,
    /// Mean out-of-fold loss by epoch.
    losses: Vec<f64>,
    best: Option<(u32, f64, BTreeMap<usize, Vec<f32>>)>,
}

#[derive(Debug)]
struct Network {
    prepared: Prepared,
    fit: MlpFit,
    /// Labels held out from it.
    places: Vec<usize>,
}

impl EarlyStopping {
    /// For a spec whose head is a network.
    pub fn new(spec: &HeadSpec) -> Self {
        let (hidden, weight_decay, learning_rate, epochs) = match spec.head {
            HeadParams::Mlp { hidden, weight_decay, learning_rate, epochs } => {
                (hidden, weight_decay, learning_rate, epochs as u32)
            }
            _ => (1, 0.0, 0.0, 0),
        };
        Self {
            params: MlpParams { hidden, weight_decay, learning_rate, class_weight: spec.class_weight, seed: 0 },
            most_epochs: epochs,
            waiting: (0..FOLDS).rev().collect(),
            projection: None,
            networks: Vec::new(),
            turn: 0,
            epoch: 0,
            evaluation: None,
            logits: BTreeMap::new(),
            losses: Vec::new(),
            best: None,
        }
    }

    /// A part of one network's epoch; true when training longer is no use.
    pub fn step(&mut self, experiment: &Experiment, features: &Features, work: usize) -> Result<bool, FittingError> {
        if let Some((fold, mut fit)) = self.projection.take() {
            if fit.step(work) {
                self.add_network(experiment, fold, experiment.prepare(features, Some(fit.finish())))?;
            } else {
                self.projection = Some((fold, fit));
            }
            return Ok(false);
        }
        if let Some(fold) = self.waiting.pop() {
            match (experiment.spec.features.dimensions, &experiment.shared) {
                (Some(dimensions), _) => {
                    let fit = experiment.projection_of(features, Part::WithoutFold(fold), dimensions);
                    self.projection = Some((fold, Box::new(fit)));
                }
                (None, Some(prepared)) => self.add_network(experiment, fold, prepared.clone())?,
                (None, None) => self.add_network(experiment, fold, experiment.prepare(features, None))?,
            }
            return Ok(false);
        }
        if self.networks.is_empty() {
            // Nothing can be held out; a network of few rows has learnt them by the middle of its time.
            self.best = Some((self.most_epochs.div_ceil(2), f64::NAN, BTreeMap::new()));
            return Ok(true);
        }
        let failed = |error: candle_core::Error| FittingError::Network(error.to_string());
        let network = &mut self.networks[self.turn];
        let Some((head, next)) = &mut self.evaluation else {
            if network.fit.step(network.prepared.set(), work).map_err(failed)? {
                let mlp = network.fit.head(network.prepared.set()).map_err(failed)?;
                self.evaluation = Some((network.prepared.head_of(mlp), 0));
            }
            return Ok(false);
        };
        let end = (*next + (work / head.work_per_row().max(1)).max(1)).min(network.places.len());
        let places = &network.places[*next..end];
        let rows: Vec<usize> = places.iter().map(|&place| experiment.labels[place].0).collect();
        let logits = head.logits(&features.select(&rows));
        self.logits.extend(places.iter().copied().zip(logits.rows().into_iter().map(|row| row.to_vec())));
        *next = end;
        if end < network.places.len() {
            return Ok(false);
        }
        self.evaluation = None;
        self.turn += 1;
        if self.turn < self.networks.len() {
            return Ok(false);
        }
        self.turn = 0;
        Ok(self.end_epoch(experiment))
    }

    /// How much is done, 0 to 1, if it takes all epochs.
    pub fn progress(&self) -> f64 {
        let of_epoch = self.turn as f64 / self.networks.len().max(1) as f64;
        (f64::from(self.epoch) + of_epoch) / f64::from(self.most_epochs).max(1.0)
    }

    /// The best number of epochs and the out-of-fold logits after it; the curve goes to `steps`.
    pub fn finish(self, steps: &mut Vec<(String, u32, f64)>) -> (u32, BTreeMap<usize, Vec<f32>>) {
        let curve = self.losses.iter().zip(1..);
        steps.extend(curve.map(|(&loss, epoch)| ("out_of_fold_log_loss".to_string(), epoch, loss)));
        self.best.map_or((self.most_epochs, BTreeMap::new()), |(epochs, _, logits)| (epochs, logits))
    }

    fn add_network(&mut self, experiment: &Experiment, fold: usize, prepared: Prepared) -> Result<(), FittingError> {
        let used = experiment.used(Part::WithoutFold(fold));
        let places: Vec<usize> = (0..used.len()).filter(|&place| !used[place]).collect();
        let params = MlpParams { seed: experiment.seed, ..self.params };
        if let (false, Some(fit)) = (places.is_empty(), MlpFit::begin(prepared.set(), &used, params)) {
            let fit = fit.map_err(|error| FittingError::Network(error.to_string()))?;
            self.networks.push(Network { prepared, fit, places });
        }
        Ok(())
    }

    fn end_epoch(&mut self, experiment: &Experiment) -> bool {
        self.epoch += 1;
        let logits = std::mem::take(&mut self.logits);
        let all = logits.values().flatten().copied().collect();
        let table = ndarray::Array2::from_shape_vec((logits.len(), experiment.classes), all).expect("K a label");
        let probabilities = softmax(&table, 1.0);
        let rows = probabilities.rows().into_iter().zip(logits.keys());
        let sum: f64 = rows.map(|(row, &place)| surprise(row[experiment.labels[place].1])).sum();
        let loss = sum / logits.len() as f64;
        self.losses.push(loss);
        if self.best.as_ref().is_none_or(|(_, least, _)| loss < *least) {
            self.best = Some((self.epoch, loss, logits));
        }
        let since_best = self.epoch - self.best.as_ref().map_or(0, |(epoch, ..)| *epoch);
        self.epoch >= self.most_epochs || since_best >= PATIENCE
    }
}
