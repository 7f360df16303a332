//! All that is told of a model on labelled rows it has not seen.

use super::class_score::{ClassScore, class_scores};
use super::interval::Estimate;
use super::reliability::{ReliabilityBin, calibration_estimate, reliability};
use super::roc::roc_auc;
use crate::pipeline::predict::likeliest;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Probabilities are kept this far from 0 in the log-loss: the resolution of f32.
const LEAST_PROBABILITY: f64 = f32::EPSILON as f64;

/// All that `hone evaluate` tells of a model on labelled rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Expected calibration error, see [`super::expected_calibration_error`].
    pub calibration_error: f64,
    /// The same with a 95 % bootstrap interval.
    pub calibration: Estimate,
    /// Area under the ROC curve, see [`roc_auc`]; `None` if all rows are of one class.
    pub roc_auc: Option<f64>,
    /// Precision, recall and F1, one entry a class.
    pub classes: Vec<ClassScore>,
    /// The reliability diagram, by ascending probability.
    pub reliability: Vec<ReliabilityBin>,
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
        log_loss += surprise(row[target]);
        let squares = row.iter().enumerate().map(|(class, &p)| (f64::from(p) - f64::from(class == target)).powi(2));
        brier += squares.sum::<f64>();
    }
    let rows = targets.len();
    let right: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let calibration = calibration_estimate(probabilities, targets);
    Some(Evaluation {
        rows,
        accuracy: Estimate::of_share(right, rows)?,
        balanced_accuracy: balanced_accuracy(&confusion),
        macro_f1: macro_f1(&confusion),
        log_loss: log_loss / rows as f64,
        brier: brier / rows as f64,
        calibration_error: calibration.estimate,
        calibration,
        roc_auc: roc_auc(probabilities, targets),
        classes: class_scores(&confusion),
        reliability: reliability(probabilities, targets),
        confusion,
    })
}

/// −ln p of the true class; what the model called impossible costs as much as the least probability that f32 resolves
/// beside 1.
pub(crate) fn surprise(probability: f32) -> f64 {
    -f64::from(probability).max(LEAST_PROBABILITY).ln()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// See `tests/golden/learn/make.py`.
    #[test]
    fn agrees_with_scikit_learn() {
        let golden: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/golden/learn/metrics.json")).expect("golden file");
        for case in &golden {
            let rows: Vec<Vec<f32>> = serde_json::from_value(case["probabilities"].clone()).expect("rows");
            let targets: Vec<usize> = serde_json::from_value(case["targets"].clone()).expect("targets");
            let probabilities = Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, class)| rows[row][class]);
            let found = evaluate(&probabilities, &targets).expect("rows");
            let near = |metric: &str, found: f64| {
                let expected = case[metric].as_f64().expect("a number");
                assert!((found - expected).abs() < 1e-9, "{}, {metric}: {found}, not {expected}", case["name"]);
            };
            near("accuracy", found.accuracy.estimate);
            near("balanced_accuracy", found.balanced_accuracy);
            near("macro_f1", found.macro_f1);
            near("log_loss", found.log_loss);
            near("brier", found.brier);
            near("roc_auc", found.roc_auc.expect("several classes occur"));
            assert_eq!(serde_json::to_value(&found.confusion).ok().as_ref(), Some(&case["confusion"]));
            for (class, score) in found.classes.iter().enumerate() {
                let expected = [&case["precision"][class], &case["recall"][class], &case["f1"][class]];
                for (found, expected) in [score.precision, score.recall, score.f1].into_iter().zip(expected) {
                    // scikit-learn calls what is undefined 0.
                    let found = found.map_or(0.0, |found| found.estimate);
                    assert!((found - expected.as_f64().expect("a number")).abs() < 1e-9, "{} {class}", case["name"]);
                }
            }
        }
        assert!(golden.len() >= 4);
    }
}
