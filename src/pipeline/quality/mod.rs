//! Whether the labels can be trusted.

pub mod annotators;
