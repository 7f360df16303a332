//! Temperature scaling on out-of-fold logits.

use ndarray::{Array2, ArrayView1};

/// Standard deviation of the prior on ln T: with few out-of-fold logits T stays near 1, and about 95 % of the
/// prior's mass lies between 0.37 and 2.7. Any likelihood of more than some 30 rows outweighs it.
pub const PRIOR_DEVIATION: f64 = 0.5;

/// Temperatures are sought between 1/20 and 20.
const LARGEST: f64 = 20.0;

/// The temperature T that makes softmax(logits / T) most plausible: minimises the summed −ln p of the targets plus
/// (ln T)² / 2σ² with σ = `prior_deviation`, a Gaussian prior on ln T (the method: Guo et al., "On calibration
/// of modern neural networks", 2017). The logits must be of rows the head did not train on: in-sample ones look
/// too sure. No rows: T = 1.
pub fn fit_temperature(logits: &Array2<f32>, targets: &[usize], prior_deviation: f64) -> f64 {
    let objective = |log_temperature: f64| {
        let inverse = (-log_temperature).exp();
        let losses = logits.rows().into_iter().zip(targets).map(|(row, &target)| loss(row, target, inverse));
        losses.sum::<f64>() + 0.5 * (log_temperature / prior_deviation).powi(2)
    };
    golden_section(objective, -LARGEST.ln(), LARGEST.ln()).exp()
}

/// −ln softmax(logits · inverse)\[target\].
fn loss(logits: ArrayView1<f32>, target: usize, inverse: f64) -> f64 {
    let top = f64::from(logits.fold(f32::NEG_INFINITY, |top, &logit| top.max(logit)));
    let sum: f64 = logits.iter().map(|&logit| ((f64::from(logit) - top) * inverse).exp()).sum();
    sum.ln() - (f64::from(logits[target]) - top) * inverse
}

/// Narrows [low, high] around a minimum to within 1e-4.
fn golden_section(function: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (function(left), function(right));
    while high - low > 1e-4 {
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
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::predict::softmax;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

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
        assert!((none - 1.0).abs() < 1e-3, "{none}");
    }
}
