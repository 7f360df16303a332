//! Temperature scaling on out-of-fold logits.

use ndarray::{Array2, ArrayView1};

/// Standard deviation of the prior on ln T: with few out-of-fold logits T stays near 1, and about 95 % of the
/// prior's mass lies between 0.37 and 2.7. Any likelihood of more than some 30 rows outweighs it.
pub const PRIOR_DEVIATION: f64 = 0.5;

/// Temperatures are sought between 1/20 and 20.
const LARGEST: f64 = 20.0;

/// Golden section narrows ln T to this; Newton's method, which needs a start near the minimum, does the rest.
const NEAR: f64 = 0.05;

/// ln T is exact to this.
const EXACT: f64 = 1e-9;

/// The temperatures that are believed of a model that comes in a file; those that are fitted here lie well within.
const BELIEVED: std::ops::RangeInclusive<f64> = 1e-3..=1e3;

/// Whether a model can be asked at this temperature: near 0, or no number, every probability would be none.
pub fn is_temperature(temperature: f64) -> bool {
    BELIEVED.contains(&temperature)
}

/// The temperature T that makes softmax(logits / T) most plausible: minimises the summed −ln p of the targets plus
/// (ln T)² / 2σ² with σ = `prior_deviation`, a Gaussian prior on ln T (the method: Guo et al., "On calibration
/// of modern neural networks", 2017). The logits must be of rows the head did not train on: in-sample ones look
/// too sure. No rows: T = 1.
pub fn fit_temperature(logits: &Array2<f32>, targets: &[usize], prior_deviation: f64) -> f64 {
    if targets.is_empty() {
        return 1.0;
    }
    let objective = |log_temperature: f64| {
        let inverse = (-log_temperature).exp();
        let losses = logits.rows().into_iter().zip(targets).map(|(row, &target)| loss(row, target, inverse));
        losses.sum::<f64>() + 0.5 * (log_temperature / prior_deviation).powi(2)
    };
    let slopes = |log_temperature: f64| {
        let inverse = (-log_temperature).exp();
        let prior = prior_deviation.powi(-2);
        let start = (log_temperature * prior, prior);
        logits.rows().into_iter().zip(targets).fold(start, |(first, second), (row, &target)| {
            let (row_first, row_second) = loss_slopes(row, target, inverse);
            (first + row_first, second + row_second)
        })
    };
    let (low, high) = golden_section(objective, -LARGEST.ln(), LARGEST.ln());
    newton(slopes, low, high).exp()
}

/// −ln softmax(logits · inverse)\[target\].
fn loss(logits: ArrayView1<f32>, target: usize, inverse: f64) -> f64 {
    let top = f64::from(logits.fold(f32::NEG_INFINITY, |top, &logit| top.max(logit)));
    let sum: f64 = logits.iter().map(|&logit| ((f64::from(logit) - top) * inverse).exp()).sum();
    sum.ln() - (f64::from(logits[target]) - top) * inverse
}

/// The first and second derivative of [`loss`] by ln T = −ln `inverse`. With s = `inverse` · logits and moments under the
/// softmax of s: s\[target\] − E s, and E s − s\[target\] + Var s.
fn loss_slopes(logits: ArrayView1<f32>, target: usize, inverse: f64) -> (f64, f64) {
    let top = f64::from(logits.fold(f32::NEG_INFINITY, |top, &logit| top.max(logit)));
    let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
    for &logit in logits {
        let scaled = (f64::from(logit) - top) * inverse;
        let weight = scaled.exp();
        sum += weight;
        mean += weight * scaled;
        square += weight * scaled * scaled;
    }
    mean /= sum;
    let first = (f64::from(logits[target]) - top) * inverse - mean;
    (first, square / sum - mean * mean - first)
}

/// Narrows [low, high] around a minimum to within [`NEAR`].
fn golden_section(function: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> (f64, f64) {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (function(left), function(right));
    while high - low > NEAR {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = function(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = function(right);
        }
    }
    (low, high)
}

/// The point in [low, high] where the first of `slopes` is 0, to within [`EXACT`]; the end nearest to it, if there is
/// none. Newton's steps, halving instead where one would leave what is left of the bracket.
fn newton(slopes: impl Fn(f64) -> (f64, f64), mut low: f64, mut high: f64) -> f64 {
    let mut at = (low + high) / 2.0;
    while high - low > EXACT {
        let (first, second) = slopes(at);
        if first > 0.0 {
            high = at;
        } else {
            low = at;
        }
        let next = at - first / second;
        let next = if second > 0.0 && low <= next && next <= high { next } else { (low + high) / 2.0 };
        let step = (next - at).abs();
        at = next;
        if step < EXACT {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::predict::softmax;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    /// Logits whose true temperature is `temperature`: targets are drawn from softmax(logits / temperature).
    fn draw(rows: usize, temperature: f64) -> (Array2<f32>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let logits = Array2::from_shape_fn((rows, 3), |_| random.random_range(-4.0..4.0));
        let probabilities = softmax(&logits, temperature);
        let targets = probabilities.rows().into_iter().map(|row| {
            let draw: f32 = random.random();
            usize::from(draw > row[0]) + usize::from(draw > row[0] + row[1])
        });
        let targets = targets.collect();
        (logits, targets)
    }

    #[test]
    fn recovers_the_temperature_the_targets_were_drawn_with() {
        for temperature in [0.5, 1.0, 3.0] {
            let (logits, targets) = draw(4000, temperature);
            let found = fit_temperature(&logits, &targets, PRIOR_DEVIATION);
            assert!((found / temperature - 1.0).abs() < 0.08, "{found} for {temperature}");
        }
    }

    #[test]
    fn few_rows_stay_near_one_and_none_at_one() {
        let sure_and_right = Array2::from_shape_fn((3, 2), |(_, class)| if class == 0 { 2.0 } else { 0.0 });
        let few = fit_temperature(&sure_and_right, &[0, 0, 0], PRIOR_DEVIATION);
        assert!((0.6..1.0).contains(&few), "{few}");
        let none = fit_temperature(&Array2::zeros((0, 2)), &[], PRIOR_DEVIATION);
        assert_eq!(none, 1.0);
    }

    /// See `tests/golden/statistics/make.py`.
    #[test]
    fn agrees_with_scipy_and_scikit_learn() {
        let golden: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/golden/statistics/temperature.json"))
                .expect("golden file");
        for case in &golden {
            let rows: Vec<Vec<f32>> = serde_json::from_value(case["logits"].clone()).expect("rows");
            let targets: Vec<usize> = serde_json::from_value(case["targets"].clone()).expect("targets");
            let logits = Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, class)| rows[row][class]);
            let check = |found: f64, expected: &Value| {
                let expected = expected.as_f64().expect("a number");
                assert!((found - expected).abs() < 1e-6, "{}: {found}, not {expected}", case["name"]);
            };
            check(fit_temperature(&logits, &targets, PRIOR_DEVIATION), &case["with_prior"]);
            check(fit_temperature(&logits, &targets, 1e9), &case["without_prior"]);
            check(fit_temperature(&logits, &targets, 1e9), &case["scikit_learn"]);
        }
        assert!(golden.len() >= 4);
    }

    #[test]
    fn a_temperature_without_optimum_ends_at_the_limit() {
        let always_right = Array2::from_shape_fn((9, 2), |(_, class)| if class == 0 { 2.0 } else { 0.0 });
        assert!(fit_temperature(&always_right, &[0; 9], 1e9) < 0.053);
        assert!(fit_temperature(&always_right, &[1; 9], 1e9) > 19.0);
    }
}
