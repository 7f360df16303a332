//! Precision, recall and F1 of each class, with intervals.

use super::interval::Estimate;
use serde::{Deserialize, Serialize};

/// How well one class is told from the others. All intervals are exact, at 95 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Rows that truly are of the class.
    pub occurs: usize,
    /// Rows predicted as it.
    pub predicted: usize,
    /// Rows that are both.
    pub right: usize,
    /// The share right of those predicted; `None` if it is never predicted.
    pub precision: Option<Estimate>,
    /// The share right of those that truly are; `None` if it never occurs.
    pub recall: Option<Estimate>,
    /// The harmonic mean of the two, 2 · right / (occurs + predicted); `None` if it neither occurs nor is predicted.
    ///
    /// With s the share right of the rows that are predicted as the class or are of it, F1 = 2 s / (1 + s), which rises
    /// with s; so the exact interval of s gives that of F1, honest also at 0 and 1, where a bootstrap has no width.
    pub f1: Option<Estimate>,
}

/// One score a class, from the K × K counts of rows of true class i predicted as class j.
pub fn class_scores(confusion: &[Vec<usize>]) -> Vec<ClassScore> {
    (0..confusion.len())
        .map(|class| {
            let occurs: usize = confusion[class].iter().sum();
            let predicted: usize = confusion.iter().map(|row| row[class]).sum();
            let right = confusion[class][class];
            let f1 = Estimate::of_share(right, occurs + predicted - right).map(|shared| {
                let to_f1 = |share: f64| 2.0 * share / (1.0 + share);
                Estimate { estimate: to_f1(shared.estimate), low: to_f1(shared.low), high: to_f1(shared.high) }
            });
            ClassScore {
                occurs,
                predicted,
                right,
                precision: Estimate::of_share(right, predicted),
                recall: Estimate::of_share(right, occurs),
                f1,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_classes_without_any() {
        let scores = class_scores(&[vec![8, 2, 0], vec![0, 0, 0], vec![0, 0, 5]]);
        let [first, second, third] = scores.as_slice() else { panic!("three classes") };
        assert_eq!((first.occurs, first.predicted, first.right), (10, 8, 8));
        assert_eq!(first.recall.map(|recall| recall.estimate), Some(0.8));
        assert!(first.f1.is_some_and(|f1| (f1.estimate - 16.0 / 18.0).abs() < 1e-12 && f1.low < 0.8 && f1.high < 1.0));
        assert_eq!((second.recall, second.precision.map(|precision| precision.estimate)), (None, Some(0.0)));
        assert!(third.f1.is_some_and(|f1| f1.estimate == 1.0 && f1.low > 0.5 && f1.low < 0.8), "not without width");
        assert_eq!(class_scores(&[vec![3, 0], vec![0, 0]])[1].f1, None);
    }
}
