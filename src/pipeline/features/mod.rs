//! From content to numbers: one frozen vector an item, computed once and cached by content hash.
//!
//! Invariant: nothing here knows of labels or models.

pub mod matrix;
pub mod geometry;

pub mod image;
pub mod tokenizer;
pub mod ngrams;
pub mod text;
pub mod cell;
pub mod table;

/// How wide the dense half of an extractor's vectors is; `None` for an extractor that this release does not know, and for a table's,
/// which is fitted to its columns.
pub fn dense_columns(feature_id: &str) -> Option<usize> {
    match feature_id {
        image::NETWORK_FEATURE_ID => Some(image::NETWORK_COLUMNS),
        image::FALLBACK_FEATURE_ID => Some(image::FALLBACK_COLUMNS),
        text::WEIGHTS_FEATURE_ID | text::FALLBACK_FEATURE_ID => Some(text::TEXT_DENSE_COLUMNS),
        _ => None,
    }
}
