//! Numeric targets: learning and judging a number (a temperature, a price) where the rest of the pipeline has classes.
//!
//! Invariant: sees feature rows, row numbers and finite numbers; never an item, a label's source or a clock. What it
//! says of its own accuracy it says of rows it had not seen.

pub mod target;
pub mod ridge;
#[cfg(feature = "engine")]
pub mod mlp;
pub mod metrics;
pub mod conformal;
pub mod model;
pub mod learner;
pub mod rank;
pub mod suspects;
pub mod issues;

pub use conformal::{Conformal, Interval, accept, share_within};
pub use issues::{IssueRanking, NumericIssue};
pub use learner::{NumericLearner, NumericLearnerConfig, NumericPrediction};
pub use metrics::{NumericScores, scores};
pub use model::{NumericHead, NumericModel};
pub use rank::{NumericRanked, NumericRanker};
pub use ridge::{RidgeRegressionFit, RidgeRegressor};
pub use target::{TargetError, canonical, parse};

use crate::pipeline::model::least_squares::MOST_SIDE;

/// Why nothing can be learnt from these labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegressionError {
    /// Too few to leave one out and learn from the rest.
    #[error("{labels} rows have a number, {needed} are needed before anything is learnt: label a few more")]
    TooFewLabels {
        /// Rows with a number.
        labels: usize,
        /// How many it takes.
        needed: usize,
    },
    /// More memory than a browser should give.
    #[error(
        "the regression would need a matrix of {0} rows, more than the {MOST_SIDE} it may take; reduce the features or use a network"
    )]
    TooWide(usize),
    /// Arithmetic with these numbers is not to be had.
    #[error("a label is not a finite number below 1e100 in size; correct or remove it")]
    NotFinite,
    /// The network could not be made.
    #[error("the network could not be trained; the numbers learnt so far stand, try again or use ridge")]
    Network,
}

/// Fewer labels teach nothing.
pub const LEAST_LABELS: usize = 3;

/// Labels by ascending row, one a row (the last given), so that the order in which they came plays no part.
///
/// # Errors
/// If there are too few, or one is no finite number of usable size.
pub fn checked_labels(labels: &[(usize, f64)]) -> Result<Vec<(usize, f64)>, RegressionError> {
    let by_row: std::collections::BTreeMap<usize, f64> = labels.iter().copied().collect();
    if by_row.len() < LEAST_LABELS {
        return Err(RegressionError::TooFewLabels { labels: by_row.len(), needed: LEAST_LABELS });
    }
    if by_row.values().any(|value| !target::is_usable(*value)) {
        return Err(RegressionError::NotFinite);
    }
    Ok(by_row.into_iter().collect())
}

/// Mean and standard deviation of values; the deviation is 1 where they do not vary, so that dividing by it is safe.
pub(crate) fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().map(|value| value / count).sum::<f64>();
    let deviation = values.map(|value| (value - mean).powi(2) / count).sum::<f64>().sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}

#[cfg(test)]
pub(crate) mod simulated;
