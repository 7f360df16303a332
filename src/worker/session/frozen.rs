//! A frozen model: the champion or a challenger, as its run left it, and what it says of the items.

use super::audits::{Audited, share_right};
use super::cards::likeliest;
use super::{Project, SessionError};
use crate::pipeline::experiment::Outcome;
use crate::pipeline::export::model_card::TENSORS_FILE;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::log::Run;
use crate::pipeline::model::head::TrainedHead;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::predict::softmax;
use crate::pipeline::triage::OutOfFold;
use crate::protocol::{ClassIndex, DeployedModel};
use crate::storage::Store;
use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// What a run's model is, beside its weights: the artifact of this name.
pub(super) const CONFIG_FILE: &str = "config.json";
/// The calibrated out-of-fold opinion on each training label: the artifact of this name.
pub(super) const OUT_OF_FOLD_FILE: &str = "out_of_fold.json";

/// Multiply-adds of one slice of prediction: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;

/// How a model was made and is to be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelConfig {
    pub spec: HeadSpec,
    /// The extractor whose features it reads.
    pub feature_id: String,
    /// The class keys, in the order of its outputs.
    pub classes: Vec<String>,
    pub temperature: f64,
    /// Labels it was trained on.
    pub labels: u32,
}

/// A model that no longer learns.
#[derive(Debug, Clone)]
pub(super) struct Frozen {
    pub run: String,
    pub number: u32,
    pub config: ModelConfig,
    pub head: TrainedHead,
    pub out_of_fold: Vec<OutOfFold>,
    /// Calibrated probabilities of the feature rows so far.
    probabilities: Array2<f32>,
}

impl Frozen {
    /// From an experiment that has just ended.
    pub fn of_outcome(run: &Run, config: ModelConfig, outcome: &Outcome) -> Self {
        Self::new(run, config, outcome.head.clone(), out_of_fold(outcome))
    }

    /// From the store; `None` if the run has no model that fits these features and classes.
    pub async fn load(
        store: &Store,
        project: &str,
        run: &Run,
        feature_id: &str,
        classes: &[&str],
    ) -> Result<Option<Self>, SessionError> {
        let (Some(config), Some(tensors)) = (
            store.artifact(project, &run.id, CONFIG_FILE).await?,
            store.artifact(project, &run.id, TENSORS_FILE).await?,
        ) else {
            return Ok(None);
        };
        let held_out = store.artifact(project, &run.id, OUT_OF_FOLD_FILE).await?.unwrap_or_default();
        let Ok(config) = serde_json::from_slice::<ModelConfig>(&config) else { return Ok(None) };
        let Ok(head) = TrainedHead::from_tensors(&tensors) else { return Ok(None) };
        // Classes are only ever added, so an older model's are the first of today's.
        let known = config.classes.len() <= classes.len() && config.classes.iter().zip(classes).all(|(a, b)| a == b);
        if config.feature_id != feature_id || !known {
            return Ok(None);
        }
        let held_out: Vec<(usize, f32, bool)> = serde_json::from_slice(&held_out).unwrap_or_default();
        let out_of_fold =
            held_out.into_iter().map(|(class, probability, right)| OutOfFold { class, probability, right }).collect();
        Ok(Some(Self::new(run, config, head, out_of_fold)))
    }

    fn new(run: &Run, config: ModelConfig, head: TrainedHead, out_of_fold: Vec<OutOfFold>) -> Self {
        let probabilities = Array2::zeros((0, head.classes()));
        Self { run: run.id.clone(), number: run.number, config, head, out_of_fold, probabilities }
    }

    /// One slice of prediction; `false` if there was nothing to predict.
    pub fn predict(&mut self, features: &Features) -> bool {
        if self.is_complete(features) {
            return false;
        }
        let known = self.probabilities.nrows();
        let rows = (SLICE_WORK / self.head.work_per_row().max(1)).max(16);
        let logits = self.head.logits_of_rows(features, known..(known + rows).min(features.len()));
        let new = softmax(&logits, self.config.temperature);
        self.probabilities.append(Axis(0), new.view()).expect("as many classes");
        true
    }

    /// Whether every feature row is predicted.
    pub fn is_complete(&self, features: &Features) -> bool {
        !self.head.fits(features) || self.probabilities.nrows() >= features.len()
    }

    /// Calibrated probabilities of a feature row, once it is predicted.
    pub fn row(&self, row: usize) -> Option<ArrayView1<'_, f32>> {
        (row < self.probabilities.nrows()).then(|| self.probabilities.row(row))
    }

    /// The likeliest class of a feature row and its probability.
    pub fn prediction(&self, row: usize) -> Option<(ClassIndex, f32)> {
        likeliest(self.row(row)?)
    }
}

/// The predicted class of each held-out training label, its calibrated probability, and whether it is right.
pub(super) fn out_of_fold(outcome: &Outcome) -> Vec<OutOfFold> {
    let opinion = |row: &crate::pipeline::experiment::OutOfFoldRow| {
        let (class, probability) = likeliest(ArrayView1::from(&row.probabilities))?;
        let class = usize::from(class);
        Some(OutOfFold { class, probability, right: class == row.target })
    };
    outcome.out_of_fold.iter().filter_map(opinion).collect()
}

impl Project {
    /// A frozen model as the page shows it.
    pub(super) fn deployed(&self, model: &Frozen, audited: &[Audited]) -> DeployedModel {
        let audit = share_right(audited, |audit| Some(model.prediction(audit.row)?.0));
        DeployedModel {
            run: model.run.clone(),
            number: model.number,
            name: model.config.spec.name(),
            labels: model.config.labels,
            audit,
        }
    }

    /// One slice of what frozen models think of new items; `false` if they know all.
    pub(super) fn predict_frozen(&mut self) -> bool {
        let features = &self.features;
        let lags = |model: &Option<Frozen>| model.as_ref().is_some_and(|model| !model.is_complete(features));
        let model = if lags(&self.champion) { &mut self.champion } else { &mut self.challenger };
        let Some(model) = model else { return false };
        let worked = model.predict(features);
        if worked && model.is_complete(features) {
            self.touch();
        }
        worked
    }
}
