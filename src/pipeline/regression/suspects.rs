//! How likely each number is right, by cleanlab 2.9's `cleanlab.regression.rank.get_label_quality_scores`: 1 for surely,
//! 0 for surely not. A golden test holds both methods to it.

use super::mean_and_deviation;
use ndarray::ArrayView1;

/// How much more an odd residual counts than an odd label.
const RESIDUAL_SCALE: f64 = 5.0;
/// The share of rows that are neighbours; each row is one of its own.
const NEIGHBOURS: f64 = 0.5;
/// Of average distances: the least that one is divided by.
const LEAST_DISTANCE: f64 = 1e-6;

/// e to the power of −|prediction − label|: "residual". It depends on the target's unit; its ranking does not.
pub fn residual_scores(labels: &[f64], predictions: &[f64]) -> Vec<f64> {
    labels.iter().zip(predictions).map(|(label, prediction)| (-(prediction - label).abs()).exp()).collect()
}

/// "OUTRE" (Zhou, Mueller & Kumar, "Detecting Errors in Numerical Data via any Regression Model", 2023), at once.
pub fn outre_scores(labels: &[f64], predictions: &[f64]) -> Vec<f64> {
    let mut outre = Outre::new(labels, predictions);
    while !outre.step(usize::MAX) {}
    outre.finish()
}

/// OUTRE in slices: rows are points (label, residual), both standardised, the residual stretched by 5; a row is the odder,
/// the farther half of the rows are from it on average.
#[derive(Debug, Clone)]
pub struct Outre {
    points: Vec<(f64, f64)>,
    averages: Vec<f64>,
}

impl Outre {
    /// Of labels and out-of-fold predictions, row by row.
    pub fn new(labels: &[f64], predictions: &[f64]) -> Self {
        let residuals: Vec<f64> =
            labels.iter().zip(predictions).map(|(label, prediction)| prediction - label).collect();
        let labels = standardised(&labels[..residuals.len()]);
        let residuals = standardised(&residuals);
        let points = labels.into_iter().zip(residuals.into_iter().map(|residual| RESIDUAL_SCALE * residual)).collect();
        Self { points, averages: Vec::new() }
    }

    /// Works until about `work` multiply-adds are done, at least one row; true when all are.
    pub fn step(&mut self, work: usize) -> bool {
        // A distance and its part in finding the nearest cost about ten.
        let rows = (work / (10 * self.points.len()).max(1)).max(1);
        let neighbours = (NEIGHBOURS * self.points.len() as f64).ceil() as usize;
        for _ in 0..rows {
            let Some(&(label, residual)) = self.points.get(self.averages.len()) else { break };
            let mut squares: Vec<f64> =
                self.points.iter().map(|other| (other.0 - label).powi(2) + (other.1 - residual).powi(2)).collect();
            squares.select_nth_unstable_by(neighbours - 1, f64::total_cmp);
            self.averages
                .push(squares[..neighbours].iter().map(|square| square.sqrt()).sum::<f64>() / neighbours as f64);
        }
        self.averages.len() == self.points.len()
    }

    /// The scores, once [`Outre::step`] returned true: e to the power of −(average distance / its median).
    pub fn finish(self) -> Vec<f64> {
        let mut sorted = self.averages.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => return Vec::new(),
            count if count % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        };
        let precision = (100.0 * f64::EPSILON).sqrt();
        let score = |average: &f64| match *average < precision {
            true => 1.0,
            false => (-average / median.max(LEAST_DISTANCE)).exp(),
        };
        self.averages.iter().map(score).collect()
    }
}

fn standardised(values: &[f64]) -> Vec<f64> {
    let (mean, deviation) = mean_and_deviation(values.iter().copied());
    values.iter().map(|value| (value - mean) / deviation).collect()
}

/// The mean precision at each true row, going down a ranking by ascending score (scikit-learn's `average_precision_score`
/// of the negated scores, where no two are equal): 1 if all true rows come first. NaN if no row is true.
pub fn average_precision(scores: ArrayView1<f64>, is_true: impl Fn(usize) -> bool) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut found, mut sum) = (0, 0.0);
    for (place, &row) in order.iter().enumerate() {
        if is_true(row) {
            found += 1;
            sum += f64::from(found) / (place + 1) as f64;
        }
    }
    sum / f64::from(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// See `tests/golden/quality/regression_make.py`.
    #[test]
    fn agrees_with_cleanlab() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../tests/golden/quality/regression_suspects.json")).expect("JSON");
        let cases = golden.as_array().expect("cases");
        for (number, case) in cases.iter().enumerate() {
            let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).expect("numbers") };
            let (labels, predictions) = (numbers("labels"), numbers("predictions"));
            for (method, found) in
                [("outre", outre_scores(&labels, &predictions)), ("residual", residual_scores(&labels, &predictions))]
            {
                let expected = numbers(method);
                assert_eq!(found.len(), expected.len());
                for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!((found - expected).abs() < 1e-6, "{number}, {method} {row}: {found} for {expected}");
                }
            }
        }
        assert!(cases.len() >= 50);
    }

    #[test]
    fn slices_change_nothing_and_nothing_has_no_scores() {
        let labels: Vec<f64> = (0..40).map(|row| f64::from(row) * 1.3).collect();
        let predictions: Vec<f64> = labels.iter().map(|label| label + (label * 7.0).sin()).collect();
        let mut sliced = Outre::new(&labels, &predictions);
        let mut slices = 1;
        while !sliced.step(1) {
            slices += 1;
        }
        assert_eq!((sliced.finish(), slices), (outre_scores(&labels, &predictions), 40));
        assert!(outre_scores(&[], &[]).is_empty());
        assert_eq!(outre_scores(&[3.0], &[4.0]), [1.0]);
    }

    #[test]
    fn average_precision_by_hand() {
        let scores = ndarray::arr1(&[0.9, 0.1, 0.5, 0.3]);
        assert!((average_precision(scores.view(), |row| row == 1 || row == 2) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    }
}
