//! The model as two files: its weights, and a card that says all one needs to apply them.

use crate::pipeline::item::Kind;
use crate::pipeline::label::Class;
use crate::pipeline::model::head::{LINEAR_USAGE, TrainedHead};
use serde::{Deserialize, Serialize};

/// What [`ModelCard::format`] says.
pub const MODEL_FORMAT: &str = "hone-model";
/// The version of a card whose head is linear.
pub const MODEL_FORMAT_VERSION: u32 = 1;
/// The version of a card with any other head, and the newest that this release reads.
pub const NEWEST_FORMAT_VERSION: u32 = 2;
/// The card's file name.
pub const CARD_FILE: &str = "model.json";
/// The weights' file name.
pub const TENSORS_FILE: &str = "model.safetensors";

/// What the weights mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// [`MODEL_FORMAT`].
    pub format: String,
    /// See [`format_version`].
    pub format_version: u32,
    /// The release of Hone that wrote it.
    pub release: String,
    /// The project it was trained in.
    pub project: String,
    /// What it classifies.
    pub kind: Kind,
    /// The classes in the order of the weights' rows.
    pub classes: Vec<Class>,
    /// Which features it reads: they must come from this very extractor.
    pub feature_id: String,
    /// How an item becomes features, in words.
    pub preprocessing: String,
    /// For tables: the columns it reads, in order. For texts out of a table: the one that holds the text.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The column that the training labels came from, if they came from one and it is known.
    #[serde(default)]
    pub label_column: Option<String>,
    /// For tables: the fitted encoder.
    #[serde(default)]
    pub encoder: Option<serde_json::Value>,
    /// Divides the logits before the softmax.
    pub temperature: f64,
    /// How many labels it learnt from.
    pub labels: u32,
    /// How to apply it, for a reader without Hone.
    #[serde(default = "usage")]
    pub usage: String,
}

/// How the tensors of a linear head make a prediction; see [`TrainedHead::usage`] for the others.
pub fn usage() -> String {
    LINEAR_USAGE.into()
}

/// The version that a card must have for its head: releases that know linear heads alone refuse the others by it.
pub fn format_version(head: &TrainedHead) -> u32 {
    match head {
        TrainedHead::Linear(_) => MODEL_FORMAT_VERSION,
        _ => NEWEST_FORMAT_VERSION,
    }
}

impl ModelCard {
    /// Reads a card.
    ///
    /// # Errors
    /// Says, for the user, why this is not a card that this release can read.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let card: Self = serde_json::from_slice(json)
            .map_err(|error| format!("This is not the card of a Hone model ({error}). Export the model anew."))?;
        if card.format != MODEL_FORMAT {
            return Err(format!("This is not the card of a Hone model: its format is “{}”.", card.format));
        }
        if card.format_version > NEWEST_FORMAT_VERSION {
            return Err(format!("This model was made by a newer Hone ({}). Update Hone to use it.", card.release));
        }
        Ok(card)
    }
}

/// The files of an exported model with their names: the card as JSON, the weights as they are.
pub fn model_files(card: &ModelCard, tensors: &[u8]) -> Vec<(String, Vec<u8>)> {
    // Text and numbers always serialise; a temperature that is no number becomes null.
    let json = serde_json::to_vec_pretty(card).unwrap_or_default();
    vec![(CARD_FILE.into(), json), (TENSORS_FILE.into(), tensors.to_vec())]
}
