//! How far off predictions are: MAE, RMSE and R², with intervals that hold.
//!
//! Absolute and squared errors are skewed, so "mean ± 1.96 standard errors" and the percentile bootstrap hold too
//! rarely when rows are few (of 95 % intervals of the RMSE at 30 rows: in 89 to 91 % of simulations). So all three are
//! studentised on the logarithmic scale (the bootstrap-t; Efron & Tibshirani, "An Introduction to the Bootstrap", 1993,
//! chapter 12): with θ = ln MAE, ln RMSE or ln(1 − R²), s its standard error by the delta method, and the same of each
//! resample as θ*, s*, the interval is θ − s · quantiles of (θ* − θ)/s*.

use crate::pipeline::evaluate::Estimate;
use crate::pipeline::evaluate::bootstrap::{middle_of, replicates};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// With fewer rows no interval of these holds what it promises.
pub const LEAST_ROWS: usize = 10;
/// The normal distribution's 97.5 % quantile.
const NORMAL: f64 = 1.959_963_984_540_054;
/// With more rows the studentised statistic is normal, as good as, and resampling would take long.
const MOST_RESAMPLED: usize = 500;
/// Decides the resamples: the same rows give the same interval.
const SEED: u64 = 0x6d65_7472;

/// What is told of numeric predictions on rows that the model had not seen. Each comes with its 95 % interval, whose
/// upper end (of R²: the lower) is infinite where so many errors are exactly 0 that the rest bounds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumericScores {
    /// How many rows, at least [`LEAST_ROWS`].
    pub rows: usize,
    /// Mean absolute error, in the target's unit.
    pub mae: Estimate,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: Estimate,
    /// 1 − squared errors / squared deviations from the mean: 1 at best, 0 for always saying the mean, below 0 for
    /// worse. `None` if the labels do not vary.
    pub r2: Option<Estimate>,
}

/// Compares labels with predictions, row by row. `None` for fewer than [`LEAST_ROWS`] rows.
pub fn scores(labels: &[f64], predictions: &[f64]) -> Option<NumericScores> {
    let rows = labels.len().min(predictions.len());
    if rows < LEAST_ROWS {
        return None;
    }
    let errors: Vec<f64> = labels.iter().zip(predictions).map(|(label, prediction)| label - prediction).collect();
    let labels = &labels[..rows];
    let varies = labels.iter().any(|label| *label != labels[0]);
    Some(NumericScores {
        rows,
        mae: interval(rows, |resample| mean_absolute(&errors, resample), f64::exp),
        rmse: interval(rows, |resample| root_mean_square(&errors, resample), f64::exp),
        r2: varies.then(|| interval(rows, |resample| unexplained(&errors, labels, resample), |log| 1.0 - log.exp())),
    })
}

/// The root of the mean square, 0 of nothing.
pub fn root_mean_square_of(errors: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = errors.fold((0, 0.0), |(count, sum), error| (count + 1, sum + error * error));
    if count == 0 { 0.0 } else { (sum / f64::from(count)).sqrt() }
}

/// The bootstrap-t interval of a (logarithmic) statistic that comes with its standard error, back on its own scale.
fn interval(rows: usize, statistic: impl Fn(&[usize]) -> (f64, f64), back: impl Fn(f64) -> f64) -> Estimate {
    let all: Vec<usize> = (0..rows).collect();
    let (theta, error) = statistic(&all);
    let estimate = back(theta);
    // All errors alike: no resample differs.
    if !theta.is_finite() || error == 0.0 {
        return Estimate { estimate, low: estimate, high: estimate };
    }
    if rows > MOST_RESAMPLED {
        let ends = [back(theta - NORMAL * error), back(theta + NORMAL * error)];
        return Estimate { estimate, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) };
    }
    let studentised = replicates(rows, SEED, |resample| {
        let (other, other_error) = statistic(resample);
        match other - theta {
            0.0 => 0.0,
            difference if other_error > 0.0 => difference / other_error,
            // A resample without spread: as far off as can be.
            difference => difference.signum() * f64::INFINITY,
        }
    });
    let (low, high) = middle_of(&studentised, expanded(0.95, rows));
    let ends = [back(theta - high * error), back(theta - low * error)];
    Estimate { estimate, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) }
}

/// The share of the bootstrap distribution to keep, a little more than `confidence`: resamples of n rows vary too little
/// by (n − 1)/n, and a normal quantile knows nothing of an estimated spread (Hesterberg, "What teachers should know about
/// the bootstrap", 2015, section 4.3). 96.2 % instead of 95 % of 30 rows.
fn expanded(confidence: f64, rows: usize) -> f64 {
    let count = rows as f64;
    let (Ok(student), normal) = (StudentsT::new(0.0, 1.0, count - 1.0), Normal::standard()) else { return confidence };
    let quantile = student.inverse_cdf((1.0 + confidence) / 2.0) * (count / (count - 1.0)).sqrt();
    2.0 * normal.cdf(quantile) - 1.0
}

/// ln of the mean of what `value` says of the rows, with the standard error of that logarithm.
fn log_mean(rows: &[usize], value: impl Fn(usize) -> f64) -> (f64, f64) {
    let count = rows.len() as f64;
    let mean = rows.iter().map(|&row| value(row)).sum::<f64>() / count;
    let square = rows.iter().map(|&row| (value(row) - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean.ln(), if mean > 0.0 { (square / count).sqrt() / mean } else { 0.0 })
}

fn mean_absolute(errors: &[f64], rows: &[usize]) -> (f64, f64) {
    log_mean(rows, |row| errors[row].abs())
}

fn root_mean_square(errors: &[f64], rows: &[usize]) -> (f64, f64) {
    let (log, error) = log_mean(rows, |row| errors[row] * errors[row]);
    (log / 2.0, error / 2.0)
}

/// ln(1 − R²) = ln Σe² − ln Σ(y − ȳ)², whose standard error is that of the mean of e²/mean e² − (y − ȳ)²/variance.
fn unexplained(errors: &[f64], labels: &[f64], rows: &[usize]) -> (f64, f64) {
    let count = rows.len() as f64;
    let mean = rows.iter().map(|&row| labels[row]).sum::<f64>() / count;
    let squares = rows.iter().map(|&row| errors[row] * errors[row]).sum::<f64>() / count;
    let variance = rows.iter().map(|&row| (labels[row] - mean).powi(2)).sum::<f64>() / count;
    if squares == 0.0 || variance == 0.0 {
        return (squares.ln() - variance.ln(), 0.0);
    }
    let influence =
        rows.iter().map(|&row| (errors[row] * errors[row] / squares - (labels[row] - mean).powi(2) / variance).powi(2));
    let error = (influence.sum::<f64>() / (count - 1.0) / count).sqrt();
    (squares.ln() - variance.ln(), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    /// See `tests/golden/quality/regression_make.py`.
    #[test]
    fn agrees_with_scikit_learn() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../tests/golden/quality/regression_metrics.json")).expect("JSON");
        let cases = golden.as_array().expect("cases");
        for case in cases {
            let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).expect("numbers") };
            let found = scores(&numbers("labels"), &numbers("predictions")).expect("enough rows");
            let r2 = found.r2.expect("labels vary");
            for (name, found) in [("mae", found.mae), ("rmse", found.rmse), ("r2", r2)] {
                let expected = case[name].as_f64().expect("a number");
                let off = (found.estimate - expected).abs() / expected.abs().max(1.0);
                assert!(off < 1e-9, "{name}: {} for {expected}", found.estimate);
                assert!(found.low <= found.estimate && found.estimate <= found.high);
            }
        }
        assert!(cases.len() >= 5);
    }

    fn normal(random: &mut ChaCha8Rng) -> f64 {
        (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
    }

    /// In which share of simulations the intervals hold the truth: MAE, RMSE, R², and the RMSE by mean ± 1.96 standard
    /// errors of the squared errors. Errors are normal, or of two sizes.
    fn coverage(rows: usize, runs: usize, mixed: bool) -> [f64; 4] {
        let mut random = ChaCha8Rng::seed_from_u64(2 * rows as u64 + u64::from(mixed));
        let mut held = [0usize; 4];
        // One row in five is twice as far off: mean square 0.8 + 0.2 · 4.
        let (mean_square, mean_size): (f64, f64) = if mixed { (1.6, 1.2) } else { (1.0, 1.0) };
        let signal = 2.0f64;
        let truths = [
            mean_size * (2.0 / std::f64::consts::PI).sqrt(),
            mean_square.sqrt(),
            1.0 - mean_square / (signal * signal + mean_square),
        ];
        for _ in 0..runs {
            let predictions: Vec<f64> = (0..rows).map(|_| signal * normal(&mut random)).collect();
            let label = |prediction: &f64| {
                let size = if mixed && random.random::<f64>() < 0.2 { 2.0 } else { 1.0 };
                prediction + size * normal(&mut random)
            };
            let labels: Vec<f64> = predictions.iter().map(label).collect();
            let found = scores(&labels, &predictions).expect("enough rows");
            let holds = |estimate: Estimate, truth: f64| estimate.low <= truth && truth <= estimate.high;
            held[0] += usize::from(holds(found.mae, truths[0]));
            held[1] += usize::from(holds(found.rmse, truths[1]));
            held[2] += usize::from(holds(found.r2.expect("labels vary"), truths[2]));
            let squares: Vec<f64> = labels.iter().zip(&predictions).map(|(a, b)| (a - b).powi(2)).collect();
            let (log, error) = log_mean(&(0..rows).collect::<Vec<_>>(), |row| squares[row]);
            let (mean, reach) = (log.exp(), 1.96 * error * log.exp());
            held[3] += usize::from((mean - reach..=mean + reach).contains(&truths[1].powi(2)));
        }
        held.map(|held| held as f64 / runs as f64)
    }

    #[test]
    fn intervals_hold_what_they_promise() {
        for mixed in [false, true] {
            for rows in [30, 200, 501] {
                let [mae, rmse, r2, naive] = coverage(rows, 800, mixed);
                println!("{rows} rows, mixed {mixed}: MAE {mae:.3}, RMSE {rmse:.3}, R² {r2:.3}; naive RMSE {naive:.3}");
                assert!(mae >= 0.93 && rmse >= 0.93 && r2 >= 0.93, "{rows} {mixed}: {mae} {rmse} {r2}");
                assert!(rows > 30 || naive < 0.93, "the naive interval fails: {naive}");
            }
        }
    }

    #[test]
    fn odd_rows_have_scores_or_none() {
        assert_eq!(scores(&[1.0; 9], &[1.0; 9]), None);
        let perfect = scores(&[2.0; 10], &[2.0; 10]).expect("ten rows");
        assert_eq!((perfect.mae.estimate, perfect.rmse.high, perfect.r2), (0.0, 0.0, None));
        let labels: Vec<f64> = (0..12).map(f64::from).collect();
        let mut predictions = labels.clone();
        predictions[3] = 9.0;
        let one_off = scores(&labels, &predictions).expect("twelve rows");
        assert!((one_off.mae.estimate - 0.5).abs() < 1e-12 && one_off.mae.high.is_infinite());
    }
}
