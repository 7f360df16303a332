//! Evidence that may be watched: an e-process, valid however often one looks and whenever one stops.
//!
//! An e-process is a non-negative quantity that starts at 1 and, as long as the budget is broken, is expected not to
//! grow. By Ville's inequality it then *ever* reaches 1/delta with a probability of at most delta (Ramdas, Grünwald,
//! Vovk & Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023). So it may be looked at after
//! every audit, and a certificate issued at the first crossing keeps its promise.

use super::budget::Budget;
use super::certificate::least;
use statrs::function::factorial::ln_factorial;

/// The evidence, from 0 up, that at most a share `alpha` (above 0, below 1) is wrong, after `audits` of which `errors`
/// were wrong. Certify once it reaches 1/delta. At most `f64::MAX`, which also stands for certainty; 0 if the errors
/// found already break the budget of a finite population, or if alpha is out of range.
///
/// **Without a population**: E = \[∫₀^α p^k (1−p)^(n−k) dp / α\] / \[α^k (1−α)^(n−k)\], the likelihood of the audits under
/// an error share drawn uniformly from 0 to alpha over that under alpha. Each audit multiplies E by the ratio of two
/// predictions, m/α for an error and (1−m)/(1−α) otherwise, where m, the mean of a distribution on \[0, α\], is at most
/// α. The factor of an error is the smaller one, so under a true share of at least α the expected factor is at most 1.
///
/// **With a population** of N items, audited without replacement, D0 = ⌊αN⌋ + 1 wrong ones being the least that break
/// the budget: E = mean over D in 0..D0 of P(audits | D) / P(audits | D0). After n audits with k errors the next one is
/// predicted an error with probability (D−k)/(N−n) for each D, so with a mean m ≤ m0 = (D0−k)/(N−n), and again an error
/// multiplies E by m/m0 ≤ 1 and the opposite by (1−m)/(1−m0) ≥ 1. If in truth D ≥ D0 are wrong, an error is at least as
/// likely as m0, so the expected factor is at most m0·m/m0 + (1−m0)·(1−m)/(1−m0) = 1.
///
/// More errors than audits count as all audits, more audits than items as all items.
pub fn e_value(audits: u64, errors: u64, alpha: f64, population: Option<u64>) -> f64 {
    if !(alpha > 0.0 && alpha < 1.0) {
        return 0.0;
    }
    let errors = errors.min(audits);
    match population {
        None => uniform_mixture(audits as f64, errors as f64, alpha),
        Some(population) => finite_mixture(audits, errors, Budget::breaking_count(alpha, population), population),
    }
}

/// How many further audits, all without an error, take [`e_value`] to 1/delta; 0 if it is there. `None` if it cannot be
/// reached any more: the errors found break the budget of the finite population.
pub fn audits_needed(audits: u64, errors: u64, budget: Budget, population: Option<u64>) -> Option<u64> {
    let most = population.map_or(1 << 40, |population| population.saturating_sub(audits));
    least(0, most, |more| e_value(audits + more, errors, budget.alpha(), population) >= 1.0 / budget.delta())
}

/// The mixture for independent audits; counts may be fractions.
///
/// Term by term: ∫₀^α p^k (1−p)^(n−k) dp = α^(k+1) (1−α)^(n−k+1) / (k+1) · Σ_j α^j Π_{i=1..j} (n+1+i)/(k+1+i) (DLMF
/// 8.17.7 after Euler's transformation), and what stands before the sum cancels but for (1−α)/(k+1). All terms are
/// positive: nothing cancels, nothing underflows.
pub(crate) fn uniform_mixture(audits: f64, errors: f64, alpha: f64) -> f64 {
    let (mut sum, mut term, mut number) = (1.0_f64, 1.0_f64, 1.0);
    loop {
        let ratio = alpha * (audits + 1.0 + number) / (errors + 1.0 + number);
        term *= ratio;
        sum += term;
        // Ratios only fall towards alpha, so the rest is at most a geometric series.
        if !sum.is_finite() || (ratio < 1.0 && term * ratio < sum * (1.0 - ratio) * 1e-16) {
            break;
        }
        number += 1.0;
    }
    (sum * (1.0 - alpha) / (errors + 1.0)).min(f64::MAX)
}

fn finite_mixture(audits: u64, errors: u64, breaking: u64, population: u64) -> f64 {
    let audits = audits.min(population);
    let errors = errors.min(audits);
    let right = audits - errors;
    if population == 0 {
        return 1.0;
    }
    if errors >= breaking {
        return 0.0;
    }
    if right > population - breaking {
        return f64::MAX;
    }
    // ln P(audits | D), but for what does not depend on D.
    let ln_likelihood = |wrong: u64| {
        ln_factorial(wrong) - ln_factorial(wrong - errors) + ln_factorial(population - wrong)
            - ln_factorial(population - wrong - right)
    };
    let against = ln_likelihood(breaking);
    let sum: f64 = (errors..breaking).map(|wrong| (ln_likelihood(wrong) - against).exp()).sum();
    (sum / breaking as f64).min(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// See `tests/golden/statistics/make.py`.
    #[test]
    fn agrees_with_fifty_digits() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../tests/golden/statistics/counts.json")).expect("golden file");
        let cases = |name: &str| -> Vec<Vec<f64>> { serde_json::from_value(golden[name].clone()).expect("cases") };
        let near = |found: f64, expected: f64, case: &[f64]| {
            assert!((found - expected).abs() <= 1e-9 * expected, "{case:?}: {found}");
        };
        for case in cases("e_value") {
            near(e_value(case[0] as u64, case[1] as u64, case[2], None), case[3], &case);
        }
        for case in cases("finite_e_value") {
            let [audits, errors, breaking, population] = [0, 1, 2, 3].map(|place| case[place] as u64);
            near(finite_mixture(audits, errors, breaking, population), case[4], &case);
        }
    }

    #[test]
    fn by_hand() {
        let check = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12, "{found}, {expected}");
        check(e_value(0, 0, 0.05, None), 1.0);
        check(e_value(0, 0, 0.05, Some(40)), 1.0);
        // One right: ((1 − (1−α)²)/2α)/(1−α).
        check(e_value(1, 0, 0.2, None), (1.0 - 0.64) / 0.4 / 0.8);
        // One error: α²/2/α/α.
        check(e_value(1, 1, 0.2, None), 0.5);
        // N = 4, α = ¼: D0 = 2. One right: mean of 4/4 and 3/4 over 2/4.
        check(e_value(1, 0, 0.25, Some(4)), 1.75);
        check(e_value(2, 0, 0.25, Some(4)), (1.0 + 0.5) / 2.0 / (1.0 / 6.0));
        assert_eq!(e_value(3, 0, 0.25, Some(4)), f64::MAX, "three of four are right: certain");
        assert_eq!(e_value(3, 2, 0.25, Some(4)), 0.0, "two of four are wrong: broken");
    }

    #[test]
    fn large_counts_neither_overflow_nor_vanish() {
        assert_eq!(e_value(1_000_000, 0, 0.05, None), f64::MAX);
        let hopeless = e_value(10_000, 9_000, 0.05, None);
        assert!(hopeless > 0.0 && hopeless < 1e-3, "{hopeless}");
        assert!(e_value(100_000, 4_000, 0.05, Some(1_000_000)) > 1e20);
        let (finite, infinite) = (e_value(90, 1, 0.05, Some(100_000_000 / 100)), e_value(90, 1, 0.05, None));
        assert!((finite / infinite - 1.0).abs() < 1e-3, "{finite} {infinite}");
    }

    #[test]
    fn no_audit_is_expected_to_raise_it_while_the_budget_is_broken() {
        // Exactly, for every state: the expected factor is at most 1.
        let check = |audits: u64, errors: u64, wrong_next: f64, population: Option<u64>| {
            let now = e_value(audits, errors, 0.1, population);
            let expected = wrong_next * e_value(audits + 1, errors + 1, 0.1, population)
                + (1.0 - wrong_next) * e_value(audits + 1, errors, 0.1, population);
            assert!(expected <= now * (1.0 + 1e-9), "{errors}/{audits} of {population:?}: {now} to {expected}");
        };
        for audits in 0..40 {
            for errors in 0..=audits {
                for share in [0.1, 0.15, 0.6] {
                    check(audits, errors, share, None);
                }
                // 50 items, of which 6 or more wrong ones break 10 %.
                for wrong in [6_u64, 7, 20] {
                    if errors <= wrong && audits - errors <= 50 - wrong {
                        check(audits, errors, (wrong - errors) as f64 / (50 - audits) as f64, Some(50));
                    }
                }
            }
        }
    }

    #[test]
    fn needed_audits_are_just_enough() {
        let budget = Budget::new(0.05, 0.05).expect("a budget");
        for (audits, errors, population) in [(0, 0, None), (30, 1, None), (80, 3, Some(500)), (0, 0, Some(30))] {
            let more = audits_needed(audits, errors, budget, population).expect("possible");
            assert!(e_value(audits + more, errors, 0.05, population) >= 20.0);
            assert!(e_value(audits + more - 1, errors, 0.05, population) < 20.0);
        }
        assert_eq!(audits_needed(500, 0, budget, None), Some(0));
        assert_eq!(audits_needed(10, 2, budget, Some(30)), None, "two of 30 are more than 5 %");
    }
}
