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
