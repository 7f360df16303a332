//! The heads: small classifiers over frozen features. Each is deterministic given its seed.
//!
//! Invariant: a head sees feature rows and class numbers, never items, labels' sources or a clock.

pub mod spec;
pub mod view;
pub mod projection;
pub mod folds;
pub mod training_set;
pub mod weights;
pub mod sparse_weights;
pub mod linear;
pub mod products;
pub mod lbfgs;
pub mod logistic;
pub mod rough;
pub mod online;
pub mod least_squares;
pub mod ridge;
pub mod tridiagonal;
pub mod cosine;
pub mod prototype;
pub mod knn;
pub mod forest;
pub mod mlp;
#[cfg(feature = "engine")]
pub mod mlp_fit;
pub mod head;
pub mod calibration;
#[cfg(feature = "engine")]
pub mod fitting;

#[cfg(feature = "engine")]
pub mod tensors;
#[cfg(feature = "engine")]
pub mod head_tensors;
