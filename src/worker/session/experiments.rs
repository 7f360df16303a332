//! Experiments in the background: a training run, or a search (`search.rs`). Each is logged, and none is run twice.

use super::baseline::Baseline;
use super::deployment::Successor;
use super::frozen::{CONFIG_FILE, Frozen, HELD_OUT_FILE, ModelConfig};
use super::gain::Measuring;
use super::project::SEED;
use super::runs::metric;
use super::search::Searching;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::experiment::{Experiment, Outcome};
use crate::pipeline::export::model_card::TENSORS_FILE;
use crate::pipeline::gate::spelt;
use crate::pipeline::log::{Artifact, Fingerprinted, Run, RunKind, RunStatus, fingerprint, finished_twin, merkle_root};
use crate::pipeline::model::spec::HeadSpec;
use crate::protocol::{ExperimentReply, SearchState};
use std::collections::BTreeMap;

/// Multiply-adds of one slice: 10–25 ms of wasm.
pub(super) const SLICE_WORK: usize = 20 << 20;

/// The metric that a search minimises.
pub(super) const SCORE: &str = "out_of_fold_log_loss";

/// What is under way.
#[derive(Default)]
pub(super) struct Experiments {
    training: Option<Trial>,
    pub(super) searching: Option<Searching>,
    /// Measures what a review gained.
    pub(super) measuring: Option<Measuring>,
    /// Measures what random labels would have given, once a training run has ended.
    pub(super) baseline: Option<Baseline>,
    /// How the last search of this visit ended.
    pub(super) last_search: Option<SearchState>,
    /// The challenger whose passing of the gate was told already.
    told: Option<String>,
    /// When the page was last told how a search gets on.
    told_ms: f64,
}

/// One experiment under way, and its run.
pub(super) struct Trial {
    pub run: Run,
    pub spec: HeadSpec,
    pub experiment: Experiment,
    pub labels: u32,
}

/// Labels as they were when an experiment or a search began: what is given meanwhile is for the next one.
pub(super) struct TrainingData {
    /// Feature row and class.
    pub rows: Vec<(usize, usize)>,
    /// What identifies them.
    pub root: [u8; 32],
}

impl Experiments {
    /// The training run under way, in words.
    pub fn training(&self) -> Option<String> {
        self.training.as_ref().map(|trial| format!("Training r{}: {}", trial.run.number, trial.run.name))
    }

    /// The search under way, or the last one.
    pub fn search_state(&self) -> Option<SearchState> {
        match &self.searching {
            Some(searching) => Some(searching.state()),
            None => self.last_search.clone(),
        }
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        self.training.is_some() || self.searching.is_some() || self.measuring.is_some()
    }

    /// What is under way as a job: its title, its share done (0 to 1).
    pub fn progress(&self) -> Option<(String, f64)> {
        if let Some(trial) = &self.training {
            return Some((format!("Training r{}", trial.run.number), trial.experiment.progress()));
        }
        if let Some(measuring) = &self.measuring {
            return Some(measuring.progress());
        }
        self.searching.as_ref().map(Searching::progress)
    }
}

impl Session {
    /// Trains the champion's kind of model on all labels, unless the log has that very experiment.
    pub(super) async fn train(&mut self, anyway: bool, now_ms: f64) -> Result<ExperimentReply, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        project.may_experiment()?;
        let data = project.training_data();
        let spec = project.spec_to_train();
        let fingerprint = project.fingerprint(&spec, &data, Some(project.audits_root()));
        if let Some(twin) = finished_twin(&project.runs, &fingerprint).filter(|_| !anyway) {
            let reply = from_log(twin);
            project.record.deployment.labels_at_last_run = data.rows.len() as u32;
            project.touch();
            return Ok(reply);
        }
        let mut run = project.new_run(RunKind::Train, &spec.name(), None, now_ms);
        project.describe(&mut run, &spec, &data, fingerprint, anyway);
        let trial = project.begin_trial(run, spec, &data)?;
        let number = trial.run.number;
        self.keep_run(trial.run.clone(), &[]).await?;
        let project = self.opened_mut()?;
        project.record.deployment.labels_at_last_run = trial.labels;
        project.experiments.training = Some(trial);
        project.touch();
        Ok(ExperimentReply::Started { number })
    }

    /// Stops what is under way; finished trials stay in the log.
    pub async fn stop_experiments(&mut self, now_ms: f64) -> Result<(), SessionError> {
        if let Some(trial) = self.opened_mut()?.experiments.training.take() {
            self.keep_run(ended(trial.run, RunStatus::Cancelled, now_ms), &[]).await?;
        }
        if let Some(searching) = self.opened_mut()?.experiments.searching.take() {
            self.stop_search(searching, now_ms).await?;
        }
        if let Some(measuring) = self.opened_mut()?.experiments.measuring.take() {
            self.stop_gain(measuring, now_ms).await?;
        }
        self.opened_mut()?.touch();
        Ok(())
    }

    /// One slice of experiments; `false` if there is nothing to do.
    pub(super) async fn step_experiments(&mut self, now_ms: f64) -> Result<bool, SessionError> {
        let read_only = self.read_only;
        let Some(project) = self.open.as_mut() else { return Ok(false) };
        if project.experiments.training.is_some() {
            self.step_training(now_ms).await?;
            return Ok(true);
        }
        if let Some(searching) = project.experiments.searching.take() {
            self.step_search(searching, now_ms).await?;
            return Ok(true);
        }
        if let Some(measuring) = project.experiments.measuring.take() {
            self.step_gain(measuring, now_ms).await?;
            return Ok(true);
        }
        if project.experiments.baseline.is_some() {
            self.step_baseline(now_ms).await?;
            return Ok(true);
        }
        if read_only {
            return Ok(false);
        }
        if project.health_is_news() {
            return self.log_changes(now_ms).await;
        }
        if self.conclude_labelling(now_ms).await? {
            return Ok(true);
        }
        let project = self.opened_mut()?;
        if project.gate_is_news() {
            self.tell_verdict(now_ms).await?;
            return Ok(true);
        }
        if !project.retraining_due() {
            return Ok(project.step_ways());
        }
        // The pipeline runs by itself: train → evaluate → gate → ask for promotion.
        match self.train(false, now_ms).await {
            Ok(_) => Ok(true),
            // What can't be trained now is not tried again before something has changed.
            Err(SessionError::Refused(_)) => Ok(self.opened_mut()?.step_ways()),
            Err(error) => Err(error),
        }
    }

    async fn step_training(&mut self, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        let Some(trial) = &mut project.experiments.training else { return Ok(()) };
        if !trial.experiment.step(&project.features, SLICE_WORK) {
            return Ok(());
        }
        let Some(trial) = project.experiments.training.take() else { return Ok(()) };
        let Trial { run, spec, experiment, labels } = trial;
        let outcome = experiment.finish();
        let config = project.model_config(spec, &outcome, labels);
        let run = ended(run, RunStatus::Finished, now_ms);
        project.experiments.baseline = Baseline::new(&run.id, project.audited().len());
        self.challenge(run, config, outcome, now_ms).await
    }

    /// Logs a finished model with all its figures and files, and brings it to the gate.
    pub(super) async fn challenge(
        &mut self,
        mut run: Run,
        config: ModelConfig,
        outcome: Outcome,
        now_ms: f64,
    ) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        let model = Frozen::of_outcome(&run, config, &outcome, &project.item_of, &project.items);
        let mut files = model_artifacts(&model)?;
        // A search's best trial has been logged but for its audits and files.
        if run.metrics.is_empty() {
            log_outcome(&mut run, &outcome, now_ms);
        }
        if let Some(evaluation) = project.evaluate_head(&model) {
            super::evaluation::log_evaluation(&mut run, &evaluation, now_ms);
            let matrix = serde_json::json!({ "classes": project.class_names(), "rows_are_true": evaluation.confusion });
            files.push(("confusion_matrix.json".into(), serde_json::to_vec(&matrix).unwrap_or_default()));
        }
        if let Some(test) = project.test_share(&model) {
            super::evaluation::log_test(&mut run, &test, now_ms);
        }
        run.artifacts = files.iter().map(|(path, bytes)| artifact(path, bytes)).collect();
        self.keep_run(run, &files).await?;
        let project = self.opened_mut()?;
        let first = project.champion.is_none();
        project.record.deployment.challenger = Some(model.run.clone());
        project.challenger = Some(model);
        project.touch();
        self.save_record(now_ms).await?;
        if first {
            return self.deploy(Successor::Challenger, "first model", now_ms).await;
        }
        // Its opinion on the pool follows in slices; then the gate is heard, and again with every audit.
        Ok(())
    }

    /// Says that the challenger has passed the gate, or promotes it if the user wants that done.
    async fn tell_verdict(&mut self, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        let Some(compared) = project.verdict() else { return Ok(()) };
        let Some(challenger) = &project.challenger else { return Ok(()) };
        let number = challenger.number;
        project.experiments.told = Some(challenger.run.clone());
        if project.record.options.auto_promote {
            return self.promote(now_ms).await;
        }
        self.notice(format!(
            "r{number} has passed the gate and may be promoted (evidence {}).",
            spelt(compared.verdict.e_value)
        ));
        Ok(())
    }
}

pub(super) fn from_log(twin: &Run) -> ExperimentReply {
    let result = match (twin.metric("accuracy"), twin.metric("out_of_fold_accuracy")) {
        (Some(accuracy), _) => format!(": {:.1} % on its audits", accuracy * 100.0),
        (None, Some(share)) => format!(": {:.1} % of training labels out of fold", share * 100.0),
        (None, None) => String::new(),
    };
    ExperimentReply::FromLog {
        run: twin.id.clone(),
        number: twin.number,
        sentence: format!("The log has this very experiment as r{}{result}. It was not run again.", twin.number),
    }
}

pub(super) fn ended(mut run: Run, status: RunStatus, now_ms: f64) -> Run {
    run.status = status;
    run.end_ms = Some(now_ms);
    run
}

pub(super) fn log_outcome(run: &mut Run, outcome: &Outcome, now_ms: f64) {
    let mut add = |key: &str, value: f64, step: u32| run.metrics.push(metric(key, value, step, now_ms));
    // With too few labels to hold any out there is no such figure.
    if !outcome.out_of_fold.is_empty() {
        add("out_of_fold_accuracy", outcome.out_of_fold_accuracy, 0);
        add(SCORE, outcome.out_of_fold_log_loss, 0);
    }
    add("temperature", outcome.temperature, 0);
    if outcome.class_means {
        run.tags.insert("fit".into(), "class means: too many classes and labels for a logistic regression".into());
    }
    for (key, step, value) in &outcome.steps {
        // The run's result must not be taken for a point of its curve.
        let key = if key == SCORE { "out_of_fold_log_loss_by_epoch" } else { key };
        add(key, *value, *step);
    }
}

fn model_artifacts(model: &Frozen) -> Result<Vec<(String, Vec<u8>)>, SessionError> {
    let tensors = model.head.to_tensors().map_err(|error| SessionError::Refused(error.to_string()))?;
    Ok(vec![
        (TENSORS_FILE.into(), tensors),
        (CONFIG_FILE.into(), serde_json::to_vec_pretty(&model.config).unwrap_or_default()),
        (HELD_OUT_FILE.into(), serde_json::to_vec(&model.held_out).unwrap_or_default()),
    ])
}

fn artifact(path: &str, bytes: &[u8]) -> Artifact {
    let mime = if path.ends_with(".json") { "application/json" } else { "application/octet-stream" };
    let sha256 = crate::pipeline::item::ContentHash::of(bytes).to_hex();
    Artifact { path: path.into(), mime: mime.into(), bytes: bytes.len() as u64, sha256 }
}

impl Project {
    /// The rows that train, with their classes.
    pub(super) fn training_rows(&self) -> Vec<(usize, usize)> {
        let class = |(row, &item): (usize, &u32)| Some((row, usize::from(self.training_class(item)?)));
        self.item_of.iter().enumerate().filter_map(class).collect()
    }

    pub(super) fn may_experiment(&self) -> Result<(), SessionError> {
        self.must_have_classes("Training runs and searches are")?;
        if let Some((title, _)) = self.experiments.progress() {
            return refused(format!("{title} is under way. Nothing else was begun. Wait for it, or stop it."));
        }
        let rows = self.training_rows();
        if rows.iter().all(|(_, class)| Some(*class) == rows.first().map(|first| first.1)) {
            return refused("A model needs labels of at least two classes. Nothing was begun. Label some more first.");
        }
        Ok(())
    }

    /// The labels that train now, and what identifies them.
    pub(super) fn training_data(&self) -> TrainingData {
        let leaves = self.item_of.iter().filter_map(|&item| {
            self.training_class(item)?;
            let label = self.labels[item as usize].label.as_ref()?;
            Some((self.items[item as usize].hash, label.class.clone(), label.event.clone()))
        });
        TrainingData { root: merkle_root(leaves), rows: self.training_rows() }
    }

    pub(super) fn begin_trial(&self, run: Run, spec: HeadSpec, data: &TrainingData) -> Result<Trial, SessionError> {
        let classes = self.record.classes.len();
        let experiment = Experiment::begin(&self.features, &data.rows, classes, &spec, SEED);
        let experiment = experiment.map_err(|error| SessionError::Refused(format!("{error} Nothing was begun.")))?;
        Ok(Trial { run, spec, experiment, labels: data.rows.len() as u32 })
    }

    pub(super) fn spec_to_train(&self) -> HeadSpec {
        let default = || HeadSpec::default_for(self.record.kind);
        self.champion.as_ref().map_or_else(default, |champion| champion.config.spec.clone())
    }

    /// What identifies the answered audits and the imported test labels.
    pub(super) fn audits_root(&self) -> [u8; 32] {
        merkle_root(self.audited().into_iter().chain(self.tested()).filter_map(|audit| {
            let labels = &self.labels[audit.item as usize];
            let answer = labels.audit.as_ref().or(labels.test.as_ref())?;
            Some((self.items[audit.item as usize].hash, answer.class.clone(), answer.event.clone()))
        }))
    }

    /// All that decides the result of an experiment. What is also measured on the audits depends on them, too.
    pub(super) fn fingerprint(&self, spec: &HeadSpec, data: &TrainingData, audits: Option<[u8; 32]>) -> String {
        let features = match &self.record.encoder {
            Some(encoder) => {
                format!("{} {}", self.feature_id(), crate::pipeline::item::ContentHash::of(encoder.as_bytes()))
            }
            None => self.feature_id().to_string(),
        };
        let params = self.experiment_params(spec);
        fingerprint(&Fingerprinted {
            features: &features,
            preprocessing: &self.source.words,
            data: data.root,
            audits,
            // The seed decides them.
            folds: None,
            params: &params,
            strategy: self.record.options.strategy.word(),
            seed: SEED,
            numeric: "f32",
        })
    }

    fn experiment_params(&self, spec: &HeadSpec) -> BTreeMap<String, String> {
        let mut params = spec.params();
        params.insert("classes".into(), self.record.classes.len().to_string());
        params
    }

    pub(super) fn describe(
        &self,
        run: &mut Run,
        spec: &HeadSpec,
        data: &TrainingData,
        fingerprint: String,
        anyway: bool,
    ) {
        run.params.extend(self.experiment_params(spec));
        run.params.insert("labels".into(), data.rows.len().to_string());
        run.params.insert("features".into(), self.feature_id().to_string());
        run.params.insert("strategy".into(), self.record.options.strategy.word().into());
        run.params.insert("seed".into(), SEED.to_string());
        if let Some(twin) = finished_twin(&self.runs, &fingerprint).filter(|_| anyway) {
            run.tags.insert("repeats".into(), twin.label());
        }
        run.fingerprint = Some(fingerprint);
    }

    pub(super) fn model_config(&self, spec: HeadSpec, outcome: &Outcome, labels: u32) -> ModelConfig {
        ModelConfig {
            spec,
            feature_id: self.feature_id().to_string(),
            classes: self.record.classes.iter().map(|class| class.key.clone()).take(outcome.head.classes()).collect(),
            temperature: outcome.temperature,
            labels,
        }
    }

    pub(super) fn is_deployed(&self, run: &str) -> bool {
        [&self.champion, &self.challenger].into_iter().flatten().any(|model| model.run == run)
    }

    /// Training labels given since the last training run.
    pub(super) fn labels_since_run(&self) -> u32 {
        (self.training_rows().len() as u32).saturating_sub(self.record.deployment.labels_at_last_run)
    }

    /// Whether the challenger has passed the gate since anybody was told.
    fn gate_is_news(&self) -> bool {
        let Some(challenger) = &self.challenger else { return false };
        self.experiments.told.as_ref() != Some(&challenger.run)
            && challenger.is_complete(&self.features)
            && self.verdict().is_some_and(|compared| compared.verdict.promote)
    }

    fn retraining_due(&self) -> bool {
        let every = self.record.options.retrain_after;
        every > 0
            && self.pending_count() == 0
            && !self.experiments.is_busy()
            && self.labels_since_run() >= every
            && self.may_experiment().is_ok()
    }

    /// The page wants to see a search move, but not thirty times a second.
    pub(super) fn touch_now_and_then(&mut self, now_ms: f64) {
        const EVERY_MS: f64 = 500.0;
        if now_ms - self.experiments.told_ms >= EVERY_MS {
            self.experiments.told_ms = now_ms;
            self.touch();
        }
    }
}
