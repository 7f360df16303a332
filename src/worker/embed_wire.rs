//! What the session worker and an embed worker say to each other.

use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use crate::pipeline::item::Kind;
use serde::{Deserialize, Serialize};

/// What the session worker asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// Get ready for a kind. Attachments: the weights' files, each an `ArrayBuffer`; none for the stand-in.
    Load(Kind),
    /// Embed an image. Attachment: its `Blob`.
    Image,
    /// Embed texts.
    Texts(Vec<String>),
}

/// What the embed worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// To `Load`.
    Loaded {
        /// Names the vectors in the cache.
        feature_id: String,
    },
    /// To `Image`. Attachment: a thumbnail, if the image is larger than one.
    Image {
        /// Its features.
        vector: Vec<f32>,
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Brightness, contrast and so on: see [`crate::pipeline::drift::looks::Looks`].
        looks: [f32; 6],
    },
    /// To `Texts`, in their order.
    Texts(Vec<TextVector>),
    /// Any: why not, for people.
    Failed(String),
}

/// A [`FeatureVector`] on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextVector {
    dense: Vec<f32>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl From<FeatureVector> for TextVector {
    fn from(vector: FeatureVector) -> Self {
        Self { dense: vector.dense, indices: vector.sparse.indices, values: vector.sparse.values }
    }
}

impl From<TextVector> for FeatureVector {
    fn from(vector: TextVector) -> Self {
        Self { dense: vector.dense, sparse: SparseRow { indices: vector.indices, values: vector.values } }
    }
}
