//! Stored shapes and their way to and from the pipeline's types.
//!
//! Every field added later needs `#[serde(default)]`: an old record must always be readable.

use crate::pipeline::import::plan::Problem;
use crate::pipeline::item::{Item, Kind};
use crate::pipeline::label::Class;
use crate::protocol::Options;
use serde::{Deserialize, Serialize};

/// One project's head matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// A ULID.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The names of the content columns, for tables.
    pub columns: Vec<String>,
    /// In creation order.
    pub classes: Vec<Class>,
    /// How the queue asks.
    pub options: Options,
    /// Milliseconds since the epoch.
    pub created_ms: f64,
    /// Milliseconds since the epoch.
    pub changed_ms: f64,
    /// Items, for the start screen.
    pub items: u32,
    /// Labelled by people, for the start screen.
    pub labelled: u32,
    /// The fitted table encoder as JSON, for tables once fitted.
    #[serde(default)]
    pub encoder: Option<String>,
}

/// One item at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// Its place in the project, from 0.
    pub index: u32,
    /// The item.
    pub item: Item,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Its place in the project, from 0.
    pub index: u32,
    /// What was imported, in words.
    pub name: String,
    /// Items that came in.
    pub items: u32,
    /// Items left out because they were already there.
    pub duplicates: u32,
    /// All that was wrong.
    pub problems: Vec<Problem>,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
}

/// The head as last polished, so that a reopened project predicts before it has trained again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Counts refits.
    pub version: u32,
    /// Which features it reads.
    pub feature_id: String,
    /// The class keys, in weight order.
    pub classes: Vec<String>,
    /// safetensors bytes: `weights` (K × columns, f32), `intercepts` (K, f32).
    #[serde(with = "serde_bytes")]
    pub tensors: Vec<u8>,
    /// The calibration temperature.
    pub temperature: f64,
    /// How many labels it learnt from.
    pub labels: u32,
    /// Out-of-fold share right, by number of labels.
    pub curve: Vec<(u32, f64)>,
}
