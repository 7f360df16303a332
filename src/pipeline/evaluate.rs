//! Honest numbers: metrics and intervals.

use super::predict::{TopTwo, likeliest};
use ndarray::Array2;
use statrs::function::beta::beta_reg;

/// Bins of the expected calibration error.
const BINS: usize = 15;
/// Probabilities are kept this far from 0 in the log-loss: the resolution of f32.
const LEAST_PROBABILITY: f64 = f32::EPSILON as f64;

/// A share with its interval, all 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The share observed.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// All that `hone evaluate` tells of a model on labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Rows evaluated.
    pub rows: usize,
    /// Share predicted right, with its exact 95 % interval.
    pub accuracy: Estimate,
    /// Mean of the classes' recalls, over classes that occur.
    pub balanced_accuracy: f64,
    /// Mean of the classes' F1, over classes that occur or are predicted; a class never hit counts 0.
    pub macro_f1: f64,
    /// Mean −ln p of the true class.
    pub log_loss: f64,
    /// Mean over rows of Σ_k (p_k − y_k)²: 0 to 2.
    pub brier: f64,
    /// Expected calibration error, see [`expected_calibration_error`].
    pub calibration_error: f64,
    /// K × K: rows of true class i predicted as class j.
    pub confusion: Vec<Vec<usize>>,
}

/// Compares n × K probabilities with the n true classes, each below K. `None` if there is nothing to compare.
pub fn evaluate(probabilities: &Array2<f32>, targets: &[usize]) -> Option<Evaluation> {
    if targets.is_empty() || probabilities.ncols() < 2 {
        return None;
    }
    let classes = probabilities.ncols();
    let mut confusion = vec![vec![0; classes]; classes];
    let (mut log_loss, mut brier) = (0.0, 0.0);
    for (row, &target) in probabilities.rows().into_iter().zip(targets) {
        confusion[target][likeliest(row)] += 1;
        log_loss -= f64::from(row[target]).max(LEAST_PROBABILITY).ln();
        let squares = row.iter().enumerate().map(|(class, &p)| (f64::from(p) - f64::from(class == target)).powi(2));
        brier += squares.sum::<f64>();
    }
    let rows = targets.len();
    let right: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let (low, high) = clopper_pearson(right as u64, rows as u64, 0.95);
    Some(Evaluation {
        rows,
        accuracy: Estimate { estimate: right as f64 / rows as f64, low, high },
        balanced_accuracy: balanced_accuracy(&confusion),
        macro_f1: macro_f1(&confusion),
        log_loss: log_loss / rows as f64,
        brier: brier / rows as f64,
        calibration_error: expected_calibration_error(probabilities, targets),
        confusion,
    })
}

/// The exact (Clopper–Pearson) interval (low, high) of a binomial share: it covers the truth with at least
/// `confidence`, 0 to 1, whatever the truth. Without trials, all of \[0, 1\].
pub fn clopper_pearson(right: u64, total: u64, confidence: f64) -> (f64, f64) {
    let (k, n, tail) = (right as f64, total as f64, (1.0 - confidence) / 2.0);
    let low = if right == 0 { 0.0 } else { beta_quantile(k, n - k + 1.0, tail) };
    let high = if right == total { 1.0 } else { beta_quantile(k + 1.0, n - k, 1.0 - tail) };
    (low, high)
}

/// The x at which the Beta(a, b) distribution reaches `probability`, by bisection: its function rises, so this cannot
/// fail, and 60 halvings are below the resolution of f64 near 1.
fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if beta_reg(a, b, middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

fn balanced_accuracy(confusion: &[Vec<usize>]) -> f64 {
    let recalls = confusion.iter().enumerate().filter_map(|(class, row)| {
        let total: usize = row.iter().sum();
        (total > 0).then(|| row[class] as f64 / total as f64)
    });
    mean(recalls)
}

fn macro_f1(confusion: &[Vec<usize>]) -> f64 {
    let scores = (0..confusion.len()).filter_map(|class| {
        let occurs: usize = confusion[class].iter().sum();
        let predicted: usize = confusion.iter().map(|row| row[class]).sum();
        (occurs + predicted > 0).then(|| 2.0 * confusion[class][class] as f64 / (occurs + predicted) as f64)
    });
    mean(scores)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// Equal-mass expected calibration error (Nguyen & O'Connor, 2015): rows sorted by the probability of the predicted
/// class are cut into 15 bins of (nearly) as many rows; the mean over rows of |share right − mean probability| of
/// their bin. 0 is perfectly calibrated; with few rows it is biased upwards.
pub fn expected_calibration_error(probabilities: &Array2<f32>, targets: &[usize]) -> f64 {
    let mut rows: Vec<(f32, bool)> = probabilities
        .rows()
        .into_iter()
        .zip(targets)
        .map(|(row, &target)| {
            let top = TopTwo::of(row);
            (top.first_probability, top.first == target)
        })
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bins = BINS.min(rows.len());
    let error: f64 = (0..bins)
        .map(|bin| {
            let rows = &rows[bin * rows.len() / bins..(bin + 1) * rows.len() / bins];
            rows.iter().map(|&(p, right)| f64::from(right) - f64::from(p)).sum::<f64>().abs()
        })
        .sum();
    error / rows.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    fn near(name: &str, found: f64, expected: &Value) {
        let expected = expected.as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-6, "{name}: {found}, scikit-learn {expected}");
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/learn/metrics.json")).expect("golden file");
        let rows: Vec<Vec<f32>> = serde_json::from_value(golden["probabilities"].clone()).expect("rows");
        let targets: Vec<usize> = serde_json::from_value(golden["targets"].clone()).expect("targets");
        let probabilities = Array2::from_shape_fn((rows.len(), 4), |(row, class)| rows[row][class]);
        let found = evaluate(&probabilities, &targets).expect("rows");
        near("accuracy", found.accuracy.estimate, &golden["accuracy"]);
        near("balanced accuracy", found.balanced_accuracy, &golden["balanced_accuracy"]);
        near("macro F1", found.macro_f1, &golden["macro_f1"]);
        near("log-loss", found.log_loss, &golden["log_loss"]);
        near("Brier", found.brier, &golden["brier"]);
        assert_eq!(serde_json::to_value(&found.confusion).ok().as_ref(), Some(&golden["confusion"]));
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
            assert!((found.0 - low).abs() < 1e-5 && (found.1 - high).abs() < 1e-5, "{right}/{total}: {found:?}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    }

    #[test]
    fn calibration_error_tells_honest_from_boasting() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let honest = Array2::from_shape_fn((6000, 2), |(row, class)| {
            let p = 0.5 + 0.5 * row as f32 / 6000.0;
            if class == 0 { p } else { 1.0 - p }
        });
        let targets: Vec<usize> =
            honest.rows().into_iter().map(|row| usize::from(random.random::<f32>() > row[0])).collect();
        let boasting = honest.mapv(|p| if p > 0.5 { 0.99 } else { 0.01 });
        let (low, high) =
            (expected_calibration_error(&honest, &targets), expected_calibration_error(&boasting, &targets));
        assert!(low < 0.03, "{low}");
        assert!((0.2..0.3).contains(&high), "{high}");
    }
}
