//! The class shares of a sample without labels, from what a calibrated model says of it.

use ndarray::Array2;

/// Rounds at most: a model that tells nothing needs as many as the sample has rows to one of the prior, fewer by extrapolation.
const ROUNDS: usize = 200;
/// Shares are found once no share moves by more than this in a round.
const STILL: f64 = 2e-5;

/// The shares π of K classes that the sample makes most plausible: the mode of their posterior, by expectation–maximisation (Saerens,
/// Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002) from `start`.
///
/// `posteriors` are n × K probabilities calibrated where the classes have the shares `source`, all positive; each row counts
/// `weights` times. `prior` are K positive numbers of items that count as seen before the sample (a Dirichlet prior): without them the
/// maximum lies on the boundary whenever a weak model can hardly tell, and a class would be called certain or absent.
/// The answer holds under label shift: what the items of a class look like has not changed, only how many there are.
/// Without rows it is the prior's.
///
/// With row weights drawn from the exponential distribution and prior counts from gamma distributions around theirs, the modes
/// are draws from the posterior (Newton & Raftery, "Approximate Bayesian inference with the weighted likelihood bootstrap", 1994):
/// exactly where the model is always sure, and where it tells nothing.
pub fn class_shares(
    posteriors: &Array2<f64>,
    weights: &[f64],
    source: &[f64],
    prior: &[f64],
    start: &[f64],
) -> Vec<f64> {
    let total = weights.iter().sum::<f64>() + prior.iter().sum::<f64>();
    // Plain slices: this is where a comparison spends its time.
    let rows = posteriors.as_standard_layout();
    let rows = rows.as_slice().unwrap_or(&[]);
    let mut ratios = vec![0.0; start.len()];
    let mut round = |shares: &[f64]| {
        ratios.iter_mut().zip(shares).zip(source).for_each(|((ratio, share), source)| *ratio = share / source);
        let mut next = vec![0.0; shares.len()];
        for (row, weight) in rows.chunks_exact(shares.len()).zip(weights) {
            let sum: f64 = row.iter().zip(&ratios).map(|(p, ratio)| p * ratio).sum();
            if *weight > 0.0 && sum > 0.0 {
                next.iter_mut().zip(row).for_each(|(next, p)| *next += weight / sum * p);
            }
        }
        next.iter_mut()
            .zip(&ratios)
            .zip(prior)
            .for_each(|((next, ratio), prior)| *next = (*next * ratio + prior) / total);
        next
    };
    let mut shares = start.to_vec();
    for _ in 0..ROUNDS / 3 {
        let first = round(&shares);
        let second = round(&first);
        let moved = farthest(&second, &first);
        shares = if moved < STILL { second } else { round(&extrapolated(&shares, &first, second)) };
        if moved < STILL {
            break;
        }
    }
    shares
}

/// Where two rounds from `before` lead to (Varadhan & Roland, "Simple and globally convergent methods for accelerating the
/// convergence of any EM algorithm", 2008, third step length); `second` if that is no set of shares.
fn extrapolated(before: &[f64], first: &[f64], second: Vec<f64>) -> Vec<f64> {
    let steps = || before.iter().zip(first).zip(&second).map(|((x, y), z)| (y - x, (z - y) - (y - x)));
    let (length, bend) = steps().fold((0.0, 0.0), |(r, v), (step, bend)| (r + step * step, v + bend * bend));
    if bend <= 0.0 {
        return second;
    }
    let stride = (length / bend).sqrt().max(1.0);
    let ahead: Vec<f64> =
        before.iter().zip(steps()).map(|(x, (step, bend))| x + 2.0 * stride * step + stride * stride * bend).collect();
    if ahead.iter().all(|&share| share > 0.0) { ahead } else { second }
}

fn farthest(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).fold(0.0f64, |most, (one, other)| most.max((one - other).abs()))
}

/// The probability of `class` where the classes have the shares `shares`, from a row of probabilities where they have the shares
/// `source`: p π / π₀, normalised.
pub fn adjusted(row: ndarray::ArrayView1<f64>, class: usize, source: &[f64], shares: &[f64]) -> f64 {
    let weigh = |class: usize| row[class] * shares[class] / source[class];
    let sum: f64 = (0..row.len()).map(weigh).sum();
    if sum > 0.0 { weigh(class) / sum } else { row[class] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// One number a row, normal around 0, 1.5 or 3 by class; exact posteriors where the classes are equally frequent.
    fn sample(rows: usize, shares: [f64; 3], seed: u64) -> (Array2<f64>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut posteriors = Array2::zeros((rows, 3));
        let mut truth = Vec::new();
        for mut row in posteriors.rows_mut() {
            let draw: f64 = random.random();
            let class = usize::from(draw > shares[0]) + usize::from(draw > shares[0] + shares[1]);
            let normal: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            let x = 1.5 * class as f64 + normal;
            row.iter_mut().enumerate().for_each(|(k, p)| *p = (-(x - 1.5 * k as f64).powi(2) / 2.0).exp());
            let sum = row.sum();
            row /= sum;
            truth.push(class);
        }
        (posteriors, truth)
    }

    #[test]
    fn shares_are_found_where_counting_predictions_is_far_off() {
        let (posteriors, truth) = sample(4000, [0.1, 0.2, 0.7], 3);
        let equal = [1.0 / 3.0; 3];
        let found = class_shares(&posteriors, &vec![1.0; 4000], &equal, &[1.0; 3], &equal);
        let mut counted = [0.0; 3];
        for row in posteriors.rows() {
            counted[crate::pipeline::predict::likeliest(row)] += 1.0 / 4000.0;
        }
        for (class, found) in found.iter().enumerate() {
            let share = truth.iter().filter(|&&of| of == class).count() as f64 / 4000.0;
            assert!((found - share).abs() < 0.03, "class {class}: {found} for {share}");
        }
        assert!((counted[2] - 0.7f64).abs() > 0.04, "{counted:?}");
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn weights_are_repeats_and_nothing_changes_nothing() {
        let (posteriors, _) = sample(50, [0.5, 0.3, 0.2], 5);
        let equal = [1.0 / 3.0; 3];
        let twice = ndarray::concatenate![ndarray::Axis(0), posteriors, posteriors.slice(ndarray::s![..10, ..])];
        let weights: Vec<f64> = (0..50).map(|row| if row < 10 { 2.0 } else { 1.0 }).collect();
        let found = |rows, weights: &[f64]| class_shares(rows, weights, &equal, &[0.5; 3], &equal);
        let (a, b) = (found(&posteriors, &weights), found(&twice, &[1.0; 60]));
        assert!(farthest(&a, &b) < 1e-9, "{a:?} {b:?}");
        let untouched = class_shares(&posteriors, &[0.0; 50], &equal, &[2.0, 3.0, 5.0], &equal);
        assert!(farthest(&untouched, &[0.2, 0.3, 0.5]) < 1e-12, "{untouched:?}");
    }

    /// Where nothing can be told the prior stays; where everything can, items and prior add up.
    #[test]
    fn what_is_not_told_stays_as_it_was_thought() {
        let prior = [6.0, 4.0];
        let flat = Array2::from_elem((300, 2), 0.5);
        let found = class_shares(&flat, &[1.0; 300], &[0.5, 0.5], &prior, &[0.02, 0.98]);
        assert!(farthest(&found, &[0.6, 0.4]) < 0.01, "{found:?}");
        let sure = Array2::from_shape_fn((30, 2), |(row, class)| f64::from(u8::from((row < 20) == (class == 0))));
        let found = class_shares(&sure, &[1.0; 30], &[0.5, 0.5], &prior, &[0.5, 0.5]);
        assert!(farthest(&found, &[26.0 / 40.0, 14.0 / 40.0]) < 1e-9, "{found:?}");
        // One row, hardly told: the maximum of the likelihood alone is (1, 0).
        let one = class_shares(&ndarray::arr2(&[[0.55, 0.45]]), &[1.0], &[0.5, 0.5], &prior, &[0.5, 0.5]);
        assert!((0.6..0.62).contains(&one[0]), "{one:?}");
    }

    #[test]
    fn new_shares_by_bayes() {
        let row = ndarray::arr1(&[0.5, 0.5]);
        assert!((adjusted(row.view(), 0, &[0.5, 0.5], &[0.9, 0.1]) - 0.9).abs() < 1e-12);
        assert!((adjusted(row.view(), 1, &[0.2, 0.8], &[0.2, 0.8]) - 0.5).abs() < 1e-12);
    }
}
