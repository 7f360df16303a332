//! The heads: small classifiers over frozen features. Each is deterministic given its seed.

pub mod linear;
pub mod logistic;
pub mod online;

pub mod calibration;

#[cfg(feature = "engine")]
pub mod tensors;
