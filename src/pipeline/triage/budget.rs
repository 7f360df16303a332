//! What the user allows to go wrong.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The error budget: among the accepted items at most a share alpha may be wrong, and a certificate may say so falsely
/// with a probability of at most delta.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
pub struct Budget {
    alpha: f64,
    delta: f64,
}

/// Why triage cannot count with these numbers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TriageError {
    /// Alpha out of range.
    #[error("the error budget alpha must lie between 0 and 1, such as 0.05 for 5 %; got {0}")]
    Alpha(f64),
    /// Delta out of range.
    #[error(
        "delta, the chance of a false certificate, must lie between 0 and 1, such as 0.05 for 95 % confidence; got {0}"
    )]
    Delta(f64),
    /// More errors than audits.
    #[error("{errors} errors in {audits} audits cannot be: each error is one of the audits")]
    MoreErrorsThanAudits {
        /// Errors found.
        errors: u64,
        /// Items audited.
        audits: u64,
    },
    /// More audits than items.
    #[error("{audits} audits of {population} items cannot be: each item is audited at most once")]
    MoreAuditsThanItems {
        /// Items audited.
        audits: u64,
        /// Items there are.
        population: u64,
    },
    /// No items.
    #[error("there is nothing to certify: the set holds no item")]
    NoItems,
}

impl Budget {
    /// Checks that both lie between 0 and 1, ends excluded.
    ///
    /// # Errors
    /// Says which does not.
    pub fn new(alpha: f64, delta: f64) -> Result<Self, TriageError> {
        let within = |share: f64| share > 0.0 && share < 1.0;
        match (within(alpha), within(delta)) {
            (false, _) => Err(TriageError::Alpha(alpha)),
            (_, false) => Err(TriageError::Delta(delta)),
            _ => Ok(Self { alpha, delta }),
        }
    }

    /// The share of accepted items that may be wrong.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The probability with which a certificate may be false.
    pub fn delta(self) -> f64 {
        self.delta
    }

    /// The least number of wrong items among `population` that breaks the budget: the least whole number above alpha
    /// times the population. (Both are rounded numbers; a product that misses a whole number by rounding counts as it.)
    pub(crate) fn breaking_count(alpha: f64, population: u64) -> u64 {
        ((alpha * population as f64 + 1e-9).floor() as u64 + 1).min(population)
    }
}

impl TryFrom<(f64, f64)> for Budget {
    type Error = TriageError;

    fn try_from((alpha, delta): (f64, f64)) -> Result<Self, TriageError> {
        Self::new(alpha, delta)
    }
}

impl From<Budget> for (f64, f64) {
    fn from(budget: Budget) -> Self {
        (budget.alpha, budget.delta)
    }
}

/// What the certificate `number`, counted from 1, may spend of `delta`: 6 delta / (π² number²). All certificates
/// together then spend at most delta, as Σ 1/j² = π²/6. Number 0 counts as 1.
pub fn spent_delta(delta: f64, number: u32) -> f64 {
    6.0 * delta / (PI * f64::from(number.max(1))).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shares_between_0_and_1_are_a_budget() {
        assert!(Budget::new(0.05, 0.05).is_ok());
        for wrong in [0.0, 1.0, -0.1, 5.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Budget::new(wrong, 0.05), Err(TriageError::Alpha(_))), "{wrong}");
            assert!(matches!(Budget::new(0.05, wrong), Err(TriageError::Delta(_))), "{wrong}");
        }
        assert!(serde_json::from_str::<Budget>("[0.05, 2.0]").is_err(), "a stored budget is checked, too");
        assert_eq!(serde_json::from_str::<Budget>("[0.05, 0.1]").ok(), Budget::new(0.05, 0.1).ok());
    }

    #[test]
    fn the_budget_is_broken_by_the_next_whole_item() {
        for (alpha, population, expected) in
            [(0.05, 100, 6), (0.05, 119, 6), (0.29, 100, 30), (0.07, 100, 8), (0.01, 5, 1)]
        {
            assert_eq!(Budget::breaking_count(alpha, population), expected, "{alpha} of {population}");
        }
    }

    #[test]
    fn all_certificates_together_spend_delta() {
        let sum: f64 = (1..100_000).map(|number| spent_delta(0.05, number)).sum();
        assert!(sum < 0.05 && sum > 0.0499, "{sum}");
        assert!((spent_delta(0.05, 1) - 0.030_396).abs() < 1e-6);
    }
}
