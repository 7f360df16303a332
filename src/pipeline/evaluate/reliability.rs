//! Whether probabilities mean what they say.

use super::bootstrap::{middle_of, replicates};
use super::interval::{Estimate, clopper_pearson};
use crate::pipeline::predict::TopTwo;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Bins of the expected calibration error, at most: each has at least [`DIAGRAM_ROWS`] rows, or their chance alone would be read
/// as a gap.
const ERROR_BINS: usize = 15;
/// The reliability diagram has at most this many bins, each of at least [`DIAGRAM_ROWS`] rows: with fewer rows a bin's
/// interval spans most of the diagram.
const DIAGRAM_BINS: usize = 10;
/// See [`DIAGRAM_BINS`].
const DIAGRAM_ROWS: usize = 10;
/// The bootstrap's seed: any will do, as long as the same rows give the same interval.
const SEED: u64 = 15;

/// One bin of the reliability diagram: rows whose predicted class has a similar probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The least probability in the bin, 0 to 1.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// The mean probability: what the model promises.
    pub mean_probability: f64,
    /// How many rows.
    pub rows: usize,
    /// The share predicted right, what came of it, with its exact 95 % interval.
    pub right: Estimate,
}

/// The probability of the predicted class, ascending, and whether the prediction is right.
fn tops(probabilities: &Array2<f32>, targets: &[usize]) -> Vec<(f64, bool)> {
    let mut rows: Vec<(f64, bool)> = probabilities
        .rows()
        .into_iter()
        .zip(targets)
        .map(|(row, &target)| {
            let top = TopTwo::of(row);
            (f64::from(top.first_probability), top.first == target)
        })
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows
}

/// Cuts sorted rows into (nearly) equally large bins.
fn cut<T>(rows: &[T], bins: usize) -> impl Iterator<Item = &[T]> {
    (0..bins).map(move |bin| &rows[bin * rows.len() / bins..(bin + 1) * rows.len() / bins])
}

/// The reliability diagram of n × K probabilities, by ascending probability of the predicted class: bins of (nearly) as
/// many rows each, at most 10. None without rows.
pub fn reliability(probabilities: &Array2<f32>, targets: &[usize]) -> Vec<ReliabilityBin> {
    let rows = tops(probabilities, targets);
    let bins = (rows.len() / DIAGRAM_ROWS).clamp(usize::from(!rows.is_empty()), DIAGRAM_BINS);
    let bin = |rows: &[(f64, bool)]| {
        let right = Estimate::of_share(rows.iter().filter(|row| row.1).count(), rows.len())?;
        let mean_probability = rows.iter().map(|row| row.0).sum::<f64>() / rows.len() as f64;
        Some(ReliabilityBin { low: rows[0].0, high: rows[rows.len() - 1].0, mean_probability, rows: rows.len(), right })
    };
    cut(&rows, bins).filter_map(bin).collect()
}

/// Equal-mass expected calibration error (Nguyen & O'Connor, 2015): rows sorted by the probability of the predicted
/// class are cut into 15 bins of (nearly) as many rows, fewer if they would have fewer than 10 each; the mean over rows of
/// |share right − mean probability| of their bin. 0 is perfectly calibrated; with few rows it is biased upwards.
pub fn expected_calibration_error(probabilities: &Array2<f32>, targets: &[usize]) -> f64 {
    error_of(&tops(probabilities, targets))
}

fn error_of(sorted: &[(f64, bool)]) -> f64 {
    let gap = |rows: &[(f64, bool)]| rows.iter().map(|&(p, right)| f64::from(right) - p).sum::<f64>().abs();
    let bins = (sorted.len() / DIAGRAM_ROWS).clamp(1, ERROR_BINS);
    cut(sorted, bins).map(gap).sum::<f64>() / sorted.len().max(1) as f64
}

/// The expected calibration error with a 95 % bootstrap interval, which holds the error that infinitely many rows in infinitely narrow
/// bins would have (`tests/promises/calibration.rs`, 1 to 200 rows; of gaps that change their sign within a bin of more rows it
/// holds what bins can show). A resample is as much further from calibration as the rows are from the truth, so the lower end is the
/// reversed one (Davison & Hinkley's "basic"), which takes that bias off again; it is cut at 0. The upper end is not below the
/// estimate and half the resamples' spread: where a model boasts of some rows and is shy of others, bins that hold both hide a part of
/// the error, and there is less bias to take off. It also holds every gap between the mean probability and a share right that the exact
/// interval of that share leaves open: without this, one audit or audits that are all right would have an interval without width.
pub fn calibration_estimate(probabilities: &Array2<f32>, targets: &[usize]) -> Estimate {
    let rows = tops(probabilities, targets);
    let estimate = error_of(&rows);
    if rows.is_empty() {
        return Estimate { estimate, low: 0.0, high: 1.0 };
    }
    let mut times = vec![0_usize; rows.len()];
    let mut resampled = Vec::with_capacity(rows.len());
    let found = replicates(rows.len(), SEED, |resample| {
        // Counting instead of sorting: the rows are sorted already.
        times.fill(0);
        resample.iter().for_each(|&row| times[row] += 1);
        resampled.clear();
        rows.iter().zip(&times).for_each(|(&row, &times)| resampled.extend(std::iter::repeat_n(row, times)));
        error_of(&resampled)
    });
    let (low, high) = middle_of(&found, 0.95);
    let reversed = |end: f64| (2.0 * estimate - end).clamp(0.0, 1.0);
    let (least, most) = open_gaps(&rows);
    let spread = (estimate + 0.5 * (high - low)).min(1.0);
    Estimate { estimate, low: reversed(high).min(estimate).min(least), high: reversed(low).max(spread).max(most) }
}

/// The least and the largest gap between the mean probability and a share right within its exact interval.
fn open_gaps(rows: &[(f64, bool)]) -> (f64, f64) {
    let mean = rows.iter().map(|row| row.0).sum::<f64>() / rows.len() as f64;
    let right = rows.iter().filter(|row| row.1).count() as u64;
    let (low, high) = clopper_pearson(right, rows.len() as u64, 0.95);
    ((low - mean).max(mean - high).max(0.0), (mean - low).abs().max((high - mean).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Two classes; the first one's probability rises from ½ to 1 and is true.
    fn honest(rows: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let honest = Array2::from_shape_fn((rows, 2), |(row, class)| {
            let p = 0.5 + 0.5 * row as f32 / rows as f32;
            if class == 0 { p } else { 1.0 - p }
        });
        let targets = honest.rows().into_iter().map(|row| usize::from(random.random::<f32>() > row[0])).collect();
        (honest, targets)
    }

    #[test]
    fn calibration_error_tells_honest_from_boasting() {
        let (honest, targets) = honest(6000, 11);
        let boasting = honest.mapv(|p| if p > 0.5 { 0.99 } else { 0.01 });
        let (low, high) = (calibration_estimate(&honest, &targets), calibration_estimate(&boasting, &targets));
        assert!(low.estimate < 0.03 && low.low < 0.005, "{low:?}");
        assert!((0.2..0.3).contains(&high.estimate) && high.low > 0.2 && high.high < 0.3, "{high:?}");
        assert_eq!(low.estimate, expected_calibration_error(&honest, &targets));
    }

    /// 1 to 60 audits of honest probabilities: no interval is a point, and 19 of 20 hold no gap at all.
    #[test]
    fn few_rows_leave_doubt() {
        let (mut held, mut naive_held, runs) = (0, 0, 300);
        for seed in 0..runs {
            let (probabilities, targets) = honest(1 + seed as usize % 60, seed);
            let Estimate { estimate, low, high } = calibration_estimate(&probabilities, &targets);
            assert!(low <= estimate && estimate <= high && high - low > 0.05, "{low} {estimate} {high}");
            held += usize::from(low < 1e-9);
            // Naive: the bootstrap by itself.
            let rows = tops(&probabilities, &targets);
            let found = replicates(rows.len(), SEED, |resample| {
                error_of(&resample.iter().map(|&row| rows[row]).collect::<Vec<_>>())
            });
            naive_held += usize::from(2.0 * estimate - middle_of(&found, 0.95).1 <= 1e-9);
        }
        assert!(held >= 270 && naive_held < held, "{held}, naively {naive_held}, of {runs}");
    }

    #[test]
    fn bins_hold_all_rows_and_as_many_each() {
        for (rows, bins) in [(0, 0), (1, 1), (19, 1), (45, 4), (1000, 10)] {
            let (probabilities, targets) = honest(rows, 3);
            let found = reliability(&probabilities, &targets);
            assert_eq!(found.len(), bins, "{rows} rows");
            assert_eq!(found.iter().map(|bin| bin.rows).sum::<usize>(), rows);
            assert!(found.iter().all(|bin| (bin.low..=bin.high).contains(&bin.mean_probability)));
        }
    }

    #[test]
    fn nine_of_ten_bins_of_honest_probabilities_hold_the_promise() {
        let (mut held, mut all) = (0, 0);
        for seed in 0..40 {
            let (probabilities, targets) = honest(300, seed);
            let bins = reliability(&probabilities, &targets);
            all += bins.len();
            held += bins.iter().filter(|bin| (bin.right.low..=bin.right.high).contains(&bin.mean_probability)).count();
        }
        assert!(held as f64 >= 0.93 * all as f64, "{held} of {all}");
    }
}
