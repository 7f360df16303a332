//! The heads: small classifiers over frozen features. Each is deterministic given its seed.
//!
//! Invariant: a head sees feature rows and class numbers, never items, labels' sources or a clock.

pub mod linear;
pub mod training_set;
pub mod lbfgs;
pub mod logistic;
pub mod online;
pub mod calibration;

#[cfg(feature = "engine")]
pub mod tensors;
