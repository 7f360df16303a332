//! The experiment log: what was tried, with what, and what came of it.
//!
//! Its shape is MLflow's (runs with parameters, metrics by step, tags and artifacts), so that nothing is lost when runs
//! are pushed there (`export/mlflow.rs`). A fingerprint of everything that decides a result lets an experiment that was
//! already run be answered from the log.

pub mod run;
pub mod canonical;
pub mod fingerprint;
pub mod find;
pub mod query;
pub mod compare;

pub use compare::{ComparedRow, Comparison, RowGroup, compare};
pub use find::{CACHE_HIT_OF, finished_twin};
pub use fingerprint::{Fingerprinted, fingerprint, folds_root, ids_root, merkle_root};
pub use query::{Query, QueryError};
pub use run::{Artifact, Metric, Run, RunKind, RunStatus};
