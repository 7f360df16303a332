//! The class shares of a sample without labels, from what a calibrated model says of it.

use ndarray::Array2;

/// Rounds at most; a weak model needs some tens.
const ROUNDS: usize = 100;
/// Shares are found once no share moves by more than this in a round.
const STILL: f64 = 2e-5;

/// The shares π of K classes that make the sample most plausible, by expectation–maximisation (Saerens, Latinne & Decaestecker,
/// "Adjusting the outputs of a classifier to new a priori probabilities", 2002), from `start`.
///
/// `posteriors` are n × K probabilities calibrated where the classes have the shares `source`, all positive; each row counts
/// `weights` times. The answer holds under label shift: what the items of a class look like has not changed, only how many there
/// are. Without rows it is `start`.
pub fn class_shares(posteriors: &Array2<f64>, weights: &[f64], source: &[f64], start: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut shares = start.to_vec();
    if total <= 0.0 {
        return shares;
    }
    let mut next = vec![0.0; shares.len()];
    let mut ratios = vec![0.0; shares.len()];
    // Plain slices: this is where a comparison spends its time.
    let rows = posteriors.as_standard_layout();
    let rows = rows.as_slice().unwrap_or(&[]);
    for _ in 0..ROUNDS {
        ratios.iter_mut().zip(&shares).zip(source).for_each(|((ratio, share), source)| *ratio = share / source);
        next.fill(0.0);
        for (row, weight) in rows.chunks_exact(shares.len()).zip(weights) {
            let sum: f64 = row.iter().zip(&ratios).map(|(p, ratio)| p * ratio).sum();
            if *weight > 0.0 && sum > 0.0 {
                let factor = weight / (total * sum);
                next.iter_mut().zip(row).for_each(|(next, p)| *next += factor * p);
            }
        }
        next.iter_mut().zip(&ratios).for_each(|(next, ratio)| *next *= ratio);
        let moved = next.iter().zip(&shares).fold(0.0f64, |most, (next, share)| most.max((next - share).abs()));
        std::mem::swap(&mut shares, &mut next);
        if moved < STILL {
            break;
        }
    }
    shares
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
        let found = class_shares(&posteriors, &vec![1.0; 4000], &equal, &equal);
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
        let (a, b) =
            (class_shares(&posteriors, &weights, &equal, &equal), class_shares(&twice, &[1.0; 60], &equal, &equal));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
        assert_eq!(class_shares(&posteriors, &[0.0; 50], &equal, &[0.2, 0.3, 0.5]), [0.2, 0.3, 0.5]);
    }

    #[test]
    fn new_shares_by_bayes() {
        let row = ndarray::arr1(&[0.5, 0.5]);
        assert!((adjusted(row.view(), 0, &[0.5, 0.5], &[0.9, 0.1]) - 0.9).abs() < 1e-12);
        assert!((adjusted(row.view(), 1, &[0.2, 0.8], &[0.2, 0.8]) - 0.5).abs() < 1e-12);
    }
}
