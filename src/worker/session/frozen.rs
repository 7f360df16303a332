//! A frozen model: the champion or a challenger, as its run left it, and what it says of the items.

use super::audits::{Audited, share_right};
use super::cards::likeliest;
use super::{Project, SessionError};
use crate::pipeline::experiment::{OutOfFoldRow, Outcome};
use crate::pipeline::export::model_card::TENSORS_FILE;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::{ContentHash, Item};
use crate::pipeline::log::Run;
use crate::pipeline::model::calibration::is_temperature;
use crate::pipeline::model::head::TrainedHead;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::predict::softmax;
use crate::pipeline::triage::OutOfFold;
use crate::protocol::{ClassIndex, DeployedModel, ItemIndex};
use crate::storage::Store;
use crate::storage::records::BatchRecord;
use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// What a run's model is, beside its weights: the artifact of this name.
pub(super) const CONFIG_FILE: &str = "config.json";
/// The calibrated out-of-fold probabilities of each training label: the artifact of this name.
pub(super) const HELD_OUT_FILE: &str = "held_out.json";
/// What releases before it wrote in its place: predicted class, probability, whether it is right.
const OUT_OF_FOLD_FILE: &str = "out_of_fold.json";

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
    /// What was predicted of each training label without it.
    pub held_out: Vec<HeldOut>,
    /// The same in short; all there is of a model of an earlier release.
    pub out_of_fold: Vec<OutOfFold>,
    /// Calibrated probabilities of the feature rows so far.
    probabilities: Array2<f32>,
}

/// A training label as it was predicted by a model that had not seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HeldOut {
    /// Its place when the model was made; set anew when the model is loaded.
    pub item: ItemIndex,
    /// What it is, wherever it is now; earlier releases did not write it.
    #[serde(default)]
    pub hash: Option<ContentHash>,
    /// The label's class.
    pub class: usize,
    /// Calibrated.
    pub probabilities: Vec<f32>,
}

impl HeldOut {
    /// Of each label that was held out; `item_of` gives the item of a feature row.
    pub fn of_outcome(outcome: &Outcome, item_of: &[ItemIndex], items: &[Item]) -> Vec<HeldOut> {
        let row = |row: &OutOfFoldRow| HeldOut {
            item: item_of[row.row],
            hash: items.get(item_of[row.row] as usize).map(|item| item.hash),
            class: row.target,
            probabilities: row.probabilities.clone(),
        };
        outcome.out_of_fold.iter().map(row).collect()
    }

    fn in_short(&self) -> Option<OutOfFold> {
        let (class, probability) = likeliest(ArrayView1::from(&self.probabilities))?;
        let class = usize::from(class);
        Some(OutOfFold { class, probability, right: class == self.class })
    }
}

impl Frozen {
    /// From an experiment that has just ended.
    pub fn of_outcome(
        run: &Run,
        config: ModelConfig,
        outcome: &Outcome,
        item_of: &[ItemIndex],
        items: &[Item],
    ) -> Self {
        let held_out = HeldOut::of_outcome(outcome, item_of, items);
        let out_of_fold = held_out.iter().filter_map(HeldOut::in_short).collect();
        Self { out_of_fold, held_out, ..Self::new(run, config, outcome.head.clone()) }
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
        let held_out = store.artifact(project, &run.id, HELD_OUT_FILE).await?.unwrap_or_default();
        let in_short = store.artifact(project, &run.id, OUT_OF_FOLD_FILE).await?.unwrap_or_default();
        let Ok(config) = serde_json::from_slice::<ModelConfig>(&config) else { return Ok(None) };
        let Ok(head) = TrainedHead::from_tensors(&tensors) else { return Ok(None) };
        // Classes are only ever added, so an older model's are the first of today's.
        let known = config.classes.len() <= classes.len() && config.classes.iter().zip(classes).all(|(a, b)| a == b);
        let count = config.classes.len();
        let sound = head.classes() == count && is_temperature(config.temperature);
        if config.feature_id != feature_id || !known || !sound {
            return Ok(None);
        }
        let mut held_out: Vec<HeldOut> = serde_json::from_slice(&held_out).unwrap_or_default();
        held_out.retain(|row| {
            let probabilities = &row.probabilities;
            row.class < count && probabilities.len() == count && probabilities.iter().all(|p| (0.0..=1.0).contains(p))
        });
        let in_short: Vec<(usize, f32, bool)> = serde_json::from_slice(&in_short).unwrap_or_default();
        let out_of_fold = match held_out.is_empty() {
            false => held_out.iter().filter_map(HeldOut::in_short).collect(),
            true => {
                let opinion = |(class, probability, right)| OutOfFold { class, probability, right };
                in_short.into_iter().map(opinion).collect()
            }
        };
        Ok(Some(Self { out_of_fold, held_out, ..Self::new(run, config, head) }))
    }

    fn new(run: &Run, config: ModelConfig, head: TrainedHead) -> Self {
        let probabilities = Array2::zeros((0, head.classes()));
        Self {
            run: run.id.clone(),
            number: run.number,
            config,
            head,
            held_out: Vec::new(),
            out_of_fold: Vec::new(),
            probabilities,
        }
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

impl Project {
    /// A frozen model as the page shows it.
    pub(super) fn deployed(&self, model: &Frozen, audited: &[Audited], tested: &[Audited]) -> DeployedModel {
        let share = |measured: &[Audited]| share_right(measured, |one| Some(model.prediction(one.row)?.0));
        let (audit, test) = (share(audited), share(tested));
        DeployedModel {
            run: model.run.clone(),
            number: model.number,
            name: model.config.spec.name(),
            labels: model.config.labels,
            audit,
            test,
        }
    }

    /// Gives what was held out its places of now: imports may have been removed since.
    pub(super) fn place_held_out(&self, model: &mut Frozen) {
        let are_moved = self.batches.iter().any(BatchRecord::is_out);
        model.held_out.retain_mut(|held| match held.hash {
            Some(hash) => self.by_hash.get(&hash).map(|&item| held.item = item).is_some(),
            None => !are_moved && (held.item as usize) < self.items.len(),
        });
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
