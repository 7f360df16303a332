//! The bootstrap (Efron, 1979): how much a statistic varies when its rows are drawn anew with replacement.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Enough for the ends of a 95 % interval to be stable to about a twentieth of its width.
const REPLICATES: usize = 600;

/// The statistic of `REPLICATES` resamples, ascending. Each resample is as many row numbers below `rows`, at least 1.
pub fn replicates(rows: usize, seed: u64, mut statistic: impl FnMut(&[usize]) -> f64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut resample = vec![0; rows];
    let mut found: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            resample.fill_with(|| random.random_range(0..rows));
            statistic(&resample)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// The two quantiles of ascending values between which the share `confidence` lies.
pub fn middle_of(values: &[f64], confidence: f64) -> (f64, f64) {
    let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
    let tail = (1.0 - confidence) / 2.0;
    (at(tail), at(1.0 - tail))
}
