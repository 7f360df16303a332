//! What an MLflow tracking server must be told of the experiment log, for the page and the script that tell it.
//!
//! A [`PushPlan`] holds runs and nothing else: no item, no item's name, no label. It is made within MLflow's limits
//! (`mlflow.utils.validation`): at most 1,000 metrics, 100 parameters and 100 tags and 1 MB a request, names of letters,
//! digits and `_ - . / ` space up to 250 characters, parameters up to 6,000 and tags up to 8,000 characters. What had to
//! be changed for that is listed in [`PushPlan::changes`].
//!
//! Each run carries the tags `hone.run_id`, by which a second push finds it, and `hone.content`, the hash of all that is
//! to be pushed, which is set last: a run that has it needs no second push.

mod batches;
mod keys;

use crate::pipeline::item::ContentHash;
use crate::pipeline::log::canonical::canonical_json;
use crate::pipeline::log::run::{Artifact, Run, RunStatus, any_number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use batches::batches;
use keys::{Keys, cut};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What [`PushPlan::format`] says.
pub const PUSH_FORMAT: &str = "hone-mlflow";
/// The version of the plan that this release writes.
pub const PUSH_FORMAT_VERSION: u32 = 1;
/// The plan's name in the zip.
pub const PLAN_FILE: &str = "plan.json";
/// The script's name in the zip.
pub const SCRIPT_FILE: &str = "import_runs.py";
/// A run that leaves this file becomes a version of the registered model.
pub const MODEL_ARTIFACT: &str = super::model_card::TENSORS_FILE;

const SCRIPT: &str = include_str!("mlflow/import_runs.py");
const READ_ME: &str = include_str!("mlflow/README.txt");

const MAX_EXPERIMENT_NAME: usize = 500;
const MAX_PARAM_VALUE: usize = 6_000;
const MAX_TAG_VALUE: usize = 8_000;

/// What to push.
#[derive(Debug, Clone, Copy)]
pub struct PushRequest<'a> {
    /// The experiment's name on the server, usually the project's.
    pub experiment: &'a str,
    /// The project's id: what the pushed runs are known by, whatever the experiment is called.
    pub project: &'a str,
    /// The registered model's name; no model is registered if it is empty.
    pub registered_model: &'a str,
    /// The runs, in any order.
    pub runs: &'a [Run],
    /// The id of the champion's run.
    pub champion: Option<&'a str>,
    /// The id of the challenger's run.
    pub challenger: Option<&'a str>,
}

/// What an MLflow server must be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushPlan {
    /// [`PUSH_FORMAT`].
    pub format: String,
    /// [`PUSH_FORMAT_VERSION`] at the time of writing.
    pub format_version: u32,
    /// The experiment's name on the server.
    pub experiment: String,
    /// The project's id.
    pub project: String,
    /// The registered model's name; empty for none.
    pub registered_model: String,
    /// The runs; parents before their children.
    pub runs: Vec<PushRun>,
    /// Which run's model is which.
    pub aliases: Aliases,
    /// What had to be changed to please MLflow, one sentence each.
    pub changes: Vec<String>,
}

/// Hone's ids of the runs whose models get MLflow's aliases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aliases {
    /// The model in use.
    pub champion: Option<String>,
    /// The model that may replace it.
    pub challenger: Option<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushRun {
    /// Hone's id of it.
    pub run_id: String,
    /// What people call it.
    pub name: String,
    /// MLflow's word: `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// Milliseconds since 1970.
    pub start_time: i64,
    /// Milliseconds since 1970; none while it runs.
    pub end_time: Option<i64>,
    /// Hone's id of the run it is part of, if that is pushed, too: to become `mlflow.parentRunId`.
    pub parent: Option<String>,
    /// The hash of all of this run, to become the tag `hone.content`.
    pub content: String,
    /// Whether its files are a version of the registered model.
    pub registers_model: bool,
    /// Parameters, metrics and tags in portions, each fit for one `runs/log-batch`.
    pub batches: Vec<Batch>,
    /// Its files.
    pub artifacts: Vec<PushArtifact>,
}

/// One request's parameters, metrics and tags, named as MLflow's REST interface names them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Parameters.
    pub params: Vec<KeyValue>,
    /// Metrics.
    pub metrics: Vec<PushMetric>,
    /// Tags.
    pub tags: Vec<KeyValue>,
}

/// A parameter or a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyValue {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A metric at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushMetric {
    /// Its name.
    pub key: String,
    /// Its value; `NaN`, `Infinity` and `-Infinity` are written as text, as protobuf's JSON has them.
    #[serde(with = "any_number")]
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The step.
    pub step: i64,
}

/// A file of a run. Its bytes are in `base64`, or in `file`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushArtifact {
    /// Its name within the run.
    pub path: String,
    /// Its media type.
    pub mime: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its bytes, in base64 with padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The file beside the plan that holds its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Makes the plan. `bytes_of` gives a run's file; one that is not there any more is left out, and [`PushPlan::changes`]
/// says so.
pub fn push_plan(request: &PushRequest, mut bytes_of: impl FnMut(&Run, &Artifact) -> Option<Vec<u8>>) -> PushPlan {
    let mut changes = Vec::new();
    let ids: BTreeSet<&str> = request.runs.iter().map(|run| run.id.as_str()).collect();
    let project = keys::plain_id(request.project);
    let mut runs = Vec::new();
    for run in parents_first(request.runs) {
        let mut pushed = push_run(run, &project, &mut changes, &mut bytes_of);
        pushed.parent = run.parent.clone().filter(|parent| ids.contains(parent.as_str()));
        pushed.registers_model &= !request.registered_model.trim().is_empty();
        pushed.content = content_of(&pushed);
        runs.push(pushed);
    }
    let mut alias = |name: &str, wanted: Option<&str>| {
        let id = wanted?;
        let found = runs.iter().find(|run| run.run_id == id && run.registers_model);
        if found.is_none() && !request.registered_model.trim().is_empty() {
            changes.push(format!("The {name}'s model is not among the files pushed, so no version is called {name}."));
        }
        found.map(|run| run.run_id.clone())
    };
    let aliases =
        Aliases { champion: alias("champion", request.champion), challenger: alias("challenger", request.challenger) };
    PushPlan {
        format: PUSH_FORMAT.into(),
        format_version: PUSH_FORMAT_VERSION,
        experiment: experiment_name(request.experiment, &mut changes),
        project,
        registered_model: keys::model_name(request.registered_model, &mut changes),
        runs,
        aliases,
        changes,
    }
}

/// The same plan as files for a zip: the plan as JSON, each run's files beside it, and a script that pushes them with
/// nothing but Python's standard library.
pub fn mlflow_zip_files(plan: &PushPlan) -> Vec<(String, Vec<u8>)> {
    let mut plan = plan.clone();
    let mut files = Vec::new();
    for run in &mut plan.runs {
        for artifact in &mut run.artifacts {
            // A plan made by `push_plan` holds well-formed base64; any other artifact stays as it is.
            if let Some(bytes) = artifact.base64.as_ref().and_then(|text| STANDARD.decode(text).ok()) {
                let file = format!("artifacts/{}/{}", keys::plain_id(&run.run_id), artifact.path);
                artifact.base64 = None;
                artifact.file = Some(file.clone());
                files.push((file, bytes));
            }
        }
    }
    // Text and numbers always serialise.
    let json = serde_json::to_vec_pretty(&plan).unwrap_or_default();
    let own = [(PLAN_FILE, json), (SCRIPT_FILE, SCRIPT.into()), ("README.txt", READ_ME.into())];
    own.into_iter().map(|(name, bytes)| (name.to_string(), bytes)).chain(files).collect()
}

fn push_run(
    run: &Run,
    project: &str,
    changes: &mut Vec<String>,
    bytes_of: &mut impl FnMut(&Run, &Artifact) -> Option<Vec<u8>>,
) -> PushRun {
    let label = run.label();
    let mut keys = Keys::new(&label, "parameter");
    let params: Vec<KeyValue> = run
        .params
        .iter()
        .map(|(key, value)| {
            let key = keys.accepted(key, changes);
            let value = cut(value, MAX_PARAM_VALUE, &format!("{label}: the parameter {key}"), changes);
            KeyValue { key, value }
        })
        .collect();
    let mut keys = Keys::new(&label, "metric");
    let metrics = run.metrics.iter().map(|metric| PushMetric {
        key: keys.accepted(&metric.key, changes),
        value: metric.value,
        timestamp: milliseconds(metric.time_ms),
        step: i64::from(metric.step),
    });
    let metrics: Vec<PushMetric> = metrics.collect();
    let tags = tags(run, project, changes);
    let artifacts: Vec<PushArtifact> = run
        .artifacts
        .iter()
        .filter_map(|artifact| {
            let Some(bytes) = bytes_of(run, artifact) else {
                changes.push(format!("{label}: the file {} is not stored any more; it is left out.", artifact.path));
                return None;
            };
            Some(PushArtifact {
                path: keys::artifact_path(&artifact.path),
                mime: artifact.mime.clone(),
                sha256: ContentHash::of(&bytes).to_hex(),
                base64: Some(STANDARD.encode(bytes)),
                file: None,
            })
        })
        .collect();
    let name = if run.name.trim().is_empty() { label.clone() } else { format!("{label} {}", run.name.trim()) };
    PushRun {
        run_id: run.id.clone(),
        name: cut(&name, MAX_EXPERIMENT_NAME, &format!("{label}: the name"), changes),
        status: match run.status {
            RunStatus::Running => "RUNNING",
            RunStatus::Finished => "FINISHED",
            RunStatus::Failed => "FAILED",
            RunStatus::Cancelled => "KILLED",
        }
        .into(),
        start_time: milliseconds(run.start_ms),
        end_time: run.end_ms.map(milliseconds),
        parent: None,
        content: String::new(),
        registers_model: artifacts.iter().any(|artifact| artifact.path == MODEL_ARTIFACT),
        batches: batches(params, metrics, tags),
        artifacts,
    }
}

/// The run's own tags, then ours, which win.
fn tags(run: &Run, project: &str, changes: &mut Vec<String>) -> Vec<KeyValue> {
    let label = run.label();
    let mut own = vec![
        ("hone.run_id", run.id.clone()),
        ("hone.project", project.into()),
        ("hone.run", label.clone()),
        ("hone.kind", run.kind.word().into()),
    ];
    let optional = [
        ("hone.fingerprint", run.fingerprint.clone()),
        ("hone.parent", run.parent.clone()),
        ("hone.error", run.error.clone()),
        ("mlflow.note.content", Some(run.note.clone()).filter(|note| !note.is_empty())),
    ];
    own.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
    // What is set by the push itself.
    let reserved = ["hone.content", "mlflow.runName", "mlflow.parentRunId"];
    let mut keys = Keys::new(&label, "tag");
    for key in own.iter().map(|(key, _)| *key).chain(reserved) {
        keys.reserve(key);
    }
    let mut tags = Vec::new();
    for (key, value) in own {
        let what = format!("{label}: the tag {key}");
        tags.push(KeyValue { key: key.into(), value: cut(&value, MAX_TAG_VALUE, &what, changes) });
    }
    for (key, value) in &run.tags {
        let key = keys.accepted(key, changes);
        let value = cut(value, MAX_TAG_VALUE, &format!("{label}: the tag {key}"), changes);
        tags.push(KeyValue { key, value });
    }
    tags
}

/// Each parent before its children, else in order of number. A run whose ancestors go in a circle comes last.
fn parents_first(runs: &[Run]) -> Vec<&Run> {
    let mut left: Vec<&Run> = runs.iter().collect();
    left.sort_by(|a, b| a.number.cmp(&b.number).then_with(|| a.id.cmp(&b.id)));
    let mut sorted: Vec<&Run> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<&str> = left.iter().map(|run| run.id.as_str()).collect();
        let (ready, waits): (Vec<&Run>, Vec<&Run>) =
            left.iter().partition(|run| run.parent.as_deref().is_none_or(|parent| !waiting.contains(parent)));
        if ready.is_empty() {
            sorted.extend(waits);
            break;
        }
        sorted.extend(ready);
        left = waits;
    }
    sorted
}

/// The hash of everything in the run but the bytes of its files, which are there by their own hashes.
fn content_of(run: &PushRun) -> String {
    let mut run = run.clone();
    run.content = String::new();
    for artifact in &mut run.artifacts {
        artifact.base64 = None;
    }
    // Metrics that are no number are written as text, so there is always JSON.
    ContentHash::of(canonical_json(&run).unwrap_or_default().as_bytes()).to_hex()
}

fn experiment_name(name: &str, changes: &mut Vec<String>) -> String {
    let name = if name.trim().is_empty() { "Hone" } else { name.trim() };
    cut(name, MAX_EXPERIMENT_NAME, "The experiment's name", changes)
}

/// MLflow's times are whole milliseconds and not negative.
fn milliseconds(time_ms: f64) -> i64 {
    // Saturates, and takes what is no number for 0.
    (time_ms as i64).max(0)
}

#[cfg(test)]
mod tests;
