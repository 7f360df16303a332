//! The experiment log as the page sees it.

use serde::{Deserialize, Serialize};

/// Which runs, in which order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunQuery {
    /// `metrics.accuracy > 0.9 and params.head = "ridge"`; empty for all.
    pub expression: String,
    /// A column: `number`, `name`, `kind`, `status`, `start_time`, `metrics.…`, `params.…` or `tags.…`.
    pub sort: String,
    /// Largest first.
    pub descending: bool,
}

/// One run, for the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its ULID.
    pub id: String,
    /// r12.
    pub number: u32,
    /// What was tried, in words.
    pub name: String,
    /// `train`, `search`, `trial`, …
    pub kind: String,
    /// `running`, `finished`, `failed`, `cancelled`.
    pub status: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The number of the run it belongs to.
    pub parent: Option<u32>,
    /// The SHA-256 of all that decides the result.
    pub fingerprint: Option<String>,
    /// Hyper-parameters and other settings, by name.
    pub params: Vec<(String, String)>,
    /// Latest value of each metric, by name.
    pub metrics: Vec<(String, f64)>,
    /// Tags, by name.
    pub tags: Vec<(String, String)>,
    /// Files: path and size in bytes.
    pub artifacts: Vec<(String, u64)>,
    /// `champion` or `challenger`, if it is one.
    pub alias: Option<String>,
    /// When it began, milliseconds since the epoch.
    pub start_ms: f64,
    /// When it ended.
    pub end_ms: Option<f64>,
    /// What the user wrote about it.
    pub note: String,
}

/// Runs side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunComparison {
    /// The runs, in the order asked for.
    pub runs: Vec<RunRow>,
    /// What is compared: parameters first, then metrics, then tags.
    pub rows: Vec<ComparedRow>,
    /// Metrics with more than one step.
    pub curves: Vec<MetricCurve>,
    /// Axes for parallel coordinates: numeric parameters and metrics on which the runs have values.
    pub axes: Vec<ParallelAxis>,
}

/// One property of all compared runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRow {
    /// `parameters`, `metrics` or `tags`.
    pub group: String,
    /// Its name.
    pub key: String,
    /// One value a run.
    pub values: Vec<Option<String>>,
    /// Whether they differ.
    pub differs: bool,
}

/// A metric by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricCurve {
    /// The run's number.
    pub run: u32,
    /// The metric.
    pub key: String,
    /// Step and value, by step.
    pub points: Vec<(u32, f64)>,
}

/// One axis of the parallel coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelAxis {
    /// `params.c`, `metrics.accuracy`.
    pub key: String,
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// One value a run, in the order of the runs.
    pub values: Vec<Option<f64>>,
}

/// What came of the wish to run an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExperimentReply {
    /// It is under way.
    Started {
        /// The run's number.
        number: u32,
    },
    /// It was run before: here is the stored run.
    FromLog {
        /// The stored run's id.
        run: String,
        /// Its number.
        number: u32,
        /// In words, with its result.
        sentence: String,
    },
}
