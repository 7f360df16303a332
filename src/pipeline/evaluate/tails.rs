//! How likely at most so many errors are: the tails behind every exact interval and certificate.
//!
//! Summed term by term from the likeliest term outwards, so that neither large counts nor tiny tails lose digits: the
//! usual continued fraction of the incomplete beta function converges too slowly beyond some 10⁵ trials.

use statrs::function::factorial::ln_factorial;

/// Terms below this share of the sum so far cannot change it any more.
const NEGLIGIBLE: f64 = 1e-18;

/// P(X ≤ `successes`) for X binomial: `trials` independent trials that each succeed with `probability`, 0 to 1.
pub fn binomial_at_most(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes >= trials || probability <= 0.0 {
        return 1.0;
    }
    if probability >= 1.0 {
        return 0.0;
    }
    let n = trials as f64;
    let odds = probability / (1.0 - probability);
    let start = successes.min(((n + 1.0) * probability) as u64);
    let ln_first =
        ln_choose(trials, start) + start as f64 * probability.ln() + (trials - start) as f64 * (-probability).ln_1p();
    let up = |at: f64| (n - at) / (at + 1.0) * odds;
    sum_around(ln_first, start, 0, successes, up)
}

/// P(X ≤ `found`) for X hypergeometric: `drawn` items drawn without replacement from `population`, of which `marked`
/// are marked; X of those drawn are marked. Neither `drawn` nor `marked` may exceed `population`.
pub fn hypergeometric_at_most(found: u64, drawn: u64, marked: u64, population: u64) -> f64 {
    let (least, most) = ((drawn + marked).saturating_sub(population), drawn.min(marked));
    if found >= most {
        return 1.0;
    }
    if found < least {
        return 0.0;
    }
    let (n, d, unmarked) = (drawn as f64, marked as f64, (population - marked) as f64);
    let mode = (n + 1.0) * (d + 1.0) / (population as f64 + 2.0);
    let start = found.min((mode as u64).clamp(least, most));
    let ln_first =
        ln_choose(marked, start) + ln_choose(population - marked, drawn - start) - ln_choose(population, drawn);
    let up = |at: f64| (d - at) * (n - at) / ((at + 1.0) * (unmarked - n + at + 1.0));
    sum_around(ln_first, start, least, found, up)
}

/// Sums the terms `least..=most` of a distribution with one peak, given the logarithm of the term at `start` and the
/// ratio `up(j)` of the terms at j + 1 and j.
fn sum_around(ln_first: f64, start: u64, least: u64, most: u64, up: impl Fn(f64) -> f64) -> f64 {
    let mut sum = 1.0;
    let mut term = 1.0;
    for at in (least..start).rev() {
        term /= up(at as f64);
        sum += term;
        if term < sum * NEGLIGIBLE {
            break;
        }
    }
    term = 1.0;
    for at in start..most {
        term *= up(at as f64);
        sum += term;
        if term < sum * NEGLIGIBLE {
            break;
        }
    }
    (ln_first.exp() * sum).min(1.0)
}

/// ln of n over k.
pub(crate) fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// See `tests/golden/statistics/make.py`.
    #[test]
    fn agrees_with_scipy() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../tests/golden/statistics/counts.json")).expect("golden file");
        let cases = |name: &str| -> Vec<Vec<f64>> { serde_json::from_value(golden[name].clone()).expect("cases") };
        let near = |found: f64, expected: f64, case: &[f64]| {
            assert!((found - expected).abs() <= 1e-8 * expected, "{case:?}: {found}");
        };
        for case in cases("binomial_at_most") {
            near(binomial_at_most(case[0] as u64, case[1] as u64, case[2]), case[3], &case);
        }
        for case in cases("hypergeometric_at_most") {
            let [found, drawn, marked, population] = [0, 1, 2, 3].map(|place| case[place] as u64);
            near(hypergeometric_at_most(found, drawn, marked, population), case[4], &case);
        }
    }

    #[test]
    fn small_cases_by_hand() {
        let check = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        check(binomial_at_most(0, 59, 0.05), 0.95f64.powi(59));
        check(binomial_at_most(1, 3, 0.5), 0.5);
        check(binomial_at_most(3, 3, 0.5), 1.0);
        check(binomial_at_most(2, 3, 1.0), 0.0);
        check(binomial_at_most(0, 3, 0.0), 1.0);
        check(hypergeometric_at_most(0, 2, 1, 4), 0.5);
        check(hypergeometric_at_most(1, 2, 1, 4), 1.0);
        check(hypergeometric_at_most(0, 4, 1, 4), 0.0);
        check(hypergeometric_at_most(1, 3, 2, 5), 0.7);
    }

    #[test]
    fn both_tails_add_up_to_one() {
        for (trials, probability) in [(10, 0.3), (1_000, 0.01), (200_000, 0.5)] {
            let below = (trials as f64 * probability) as u64;
            // P(X ≤ k) + P(n − X ≤ n − k − 1) = 1.
            let sum = binomial_at_most(below, trials, probability)
                + binomial_at_most(trials - below - 1, trials, 1.0 - probability);
            assert!((sum - 1.0).abs() < 1e-8, "{trials}: {sum}");
        }
    }
}
