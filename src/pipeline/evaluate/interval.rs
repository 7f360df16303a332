//! A share with its interval, and the exact intervals.

use super::tails::{binomial_at_most, hypergeometric_at_most};
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

/// A number with its interval. Shares are 0 to 1, differences of shares −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was observed.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// The share `right` of `total` with its exact 95 % interval; `None` of nothing.
    pub fn of_share(right: usize, total: usize) -> Option<Self> {
        let (low, high) = clopper_pearson(right as u64, total as u64, 0.95);
        (total > 0).then(|| Self { estimate: right as f64 / total as f64, low, high })
    }

    /// One minus it: of an error rate, the accuracy.
    pub fn complement(self) -> Self {
        Self { estimate: 1.0 - self.estimate, low: 1.0 - self.high, high: 1.0 - self.low }
    }
}

/// The exact interval (low, high) of a binomial share (Clopper & Pearson, 1934): it covers the truth with at least
/// `confidence`, 0 to 1, whatever the truth. Without trials, all of \[0, 1\].
pub fn clopper_pearson(right: u64, total: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    let low = 1.0 - binomial_upper_bound(total - right, total, tail);
    (low, binomial_upper_bound(right, total, tail))
}

/// Clopper & Pearson's 95 % interval (low, high) for `right` of `total`, neither of which need be whole, as for weighed draws (Korn &
/// Graubard, "Confidence intervals for proportions with small expected number of positive counts", 1998): the quantiles of
/// Beta(right, total − right + 1) and Beta(right + 1, total − right).
pub fn clopper_pearson_of(right: f64, total: f64) -> (f64, f64) {
    let wrong = (total - right).max(0.0);
    (1.0 - beta_upper_bound(wrong, right), beta_upper_bound(right, wrong))
}

/// The largest share under which at most `found`, and `rest` of the other kind, still have a chance of 2.5 %.
fn beta_upper_bound(found: f64, rest: f64) -> f64 {
    if rest <= 1e-9 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if beta_reg(found + 1.0, rest, middle) < 0.975 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The largest probability under which at most `successes` of `total` trials still have the chance `tail`: the exact
/// one-sided upper bound at confidence 1 − `tail`.
pub fn binomial_upper_bound(successes: u64, total: u64, tail: f64) -> f64 {
    if successes >= total {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    // The tail falls as the probability rises, so bisection cannot fail; 60 halvings are below the resolution of f64.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if binomial_at_most(successes, total, middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The exact interval (low, high) of the share right among `population` items, of which `total` were drawn at random
/// without replacement and `right` of these were right (Buonaccorsi, 1987: by inverting the two tail tests, each at
/// half the error). It covers the truth with at least `confidence`, whatever the truth, and shrinks to a point when
/// everything was drawn. A population below `total` counts as `total`; without draws, all of \[0, 1\].
pub fn hypergeometric_interval(right: u64, total: u64, population: u64, confidence: f64) -> (f64, f64) {
    if total == 0 {
        return (0.0, 1.0);
    }
    let tail = (1.0 - confidence) / 2.0;
    let population = population.max(total);
    let most_wrong = hypergeometric_upper_bound(total - right, total, population, tail);
    let most_right = hypergeometric_upper_bound(right, total, population, tail);
    ((population - most_wrong) as f64 / population as f64, most_right as f64 / population as f64)
}

/// The largest number of marked items among `population` under which at most `found` marked ones among `drawn` still
/// have a chance above `tail`.
pub fn hypergeometric_upper_bound(found: u64, drawn: u64, population: u64, tail: f64) -> u64 {
    // At least what was found is marked, and what was drawn and not marked is not.
    let (mut low, mut high) = (found, population - (drawn - found));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if hypergeometric_at_most(found, drawn, middle, population) > tail {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_interval_of_counts_that_need_not_be_whole_is_the_exact_one_where_they_are() {
        for (right, total) in [(0, 20), (1, 20), (19, 20), (20, 20), (7, 9)] {
            let ((low, high), (low_of, high_of)) =
                (clopper_pearson(right, total, 0.95), clopper_pearson_of(right as f64, total as f64));
            assert!((low - low_of).abs() < 1e-9 && (high - high_of).abs() < 1e-9, "{right} of {total}");
        }
        let (low, high) = clopper_pearson_of(18.5, 20.0);
        assert!(clopper_pearson(18, 20, 0.95).0 < low && high < clopper_pearson(19, 20, 0.95).1);
    }

    #[test]
    fn exact_intervals() {
        // scipy.stats.binomtest(k, n).proportion_ci(method="exact")
        let cases = [
            (0, 10, 0.0, 0.308_497),
            (10, 10, 0.691_503, 1.0),
            (45, 60, 0.621_404, 0.852_814),
            (935, 1000, 0.917_899, 0.949_480),
        ];
        for (right, total, low, high) in cases {
            let found = clopper_pearson(right, total, 0.95);
            assert!((found.0 - low).abs() < 1e-6 && (found.1 - high).abs() < 1e-6, "{right}/{total}: {found:?}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    }

    /// See `tests/golden/statistics/make.py`.
    #[test]
    fn agrees_with_scipy() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../tests/golden/statistics/counts.json")).expect("golden file");
        let near = |found: f64, expected: f64, case: &[f64]| {
            assert!((found - expected).abs() < 1e-9, "{case:?}: {found}");
        };
        let cases = |name: &str| -> Vec<Vec<f64>> { serde_json::from_value(golden[name].clone()).expect("cases") };
        for case in cases("clopper_pearson") {
            let (low, high) = clopper_pearson(case[0] as u64, case[1] as u64, 0.95);
            near(low, case[2], &case);
            near(high, case[3], &case);
        }
        for case in cases("hypergeometric_interval") {
            let (low, high) = hypergeometric_interval(case[0] as u64, case[1] as u64, case[2] as u64, 0.95);
            near(low, case[3], &case);
            near(high, case[4], &case);
        }
        for case in cases("upper_bound") {
            near(binomial_upper_bound(case[0] as u64, case[1] as u64, case[2]), case[3], &case);
        }
    }

    #[test]
    fn a_finite_population_narrows_the_interval_down_to_a_point() {
        let width = |population| {
            let (low, high) = hypergeometric_interval(54, 60, population, 0.95);
            assert!((0.0..=0.9).contains(&low) && (0.9..=1.0).contains(&high), "{population}: {low} {high}");
            high - low
        };
        assert_eq!(hypergeometric_interval(54, 60, 60, 0.95), (0.9, 0.9));
        assert!(width(80) < width(200) && width(200) < width(2_000));
        let (low, high) = clopper_pearson(54, 60, 0.95);
        assert!((width(1_000_000) - (high - low)).abs() < 1e-4);
        assert_eq!(hypergeometric_interval(0, 0, 10, 0.95), (0.0, 1.0));
    }
}
