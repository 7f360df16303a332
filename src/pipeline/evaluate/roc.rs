//! The area under the ROC curve.

use ndarray::{Array2, ArrayView1};

/// As scikit-learn's `roc_auc_score`: for two classes of the second class's probability, for more the mean over classes
/// of each class against the rest (`multi_class="ovr"`, macro), here over the classes that occur but are not all there
/// is. 0.5 is chance, 1 perfect. `None` if no class can be told from the rest.
pub fn roc_auc(probabilities: &Array2<f32>, targets: &[usize]) -> Option<f64> {
    let first = if probabilities.ncols() == 2 { 1 } else { 0 };
    let areas: Vec<f64> = (first..probabilities.ncols())
        .filter_map(|class| {
            let positive: Vec<bool> = targets.iter().map(|&target| target == class).collect();
            area(probabilities.column(class), &positive)
        })
        .collect();
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

/// The chance that a positive row scores above a negative one, ties counting half: the Mann–Whitney statistic by mean
/// ranks, which is the area under the curve (Hanley & McNeil, 1982).
fn area(scores: ArrayView1<f32>, positive: &[bool]) -> Option<f64> {
    let positives = positive.iter().filter(|&&positive| positive).count();
    let negatives = positive.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..positive.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut rank_sum = 0.0;
    let mut before = 0;
    for ties in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let rank = before as f64 + (ties.len() + 1) as f64 / 2.0;
        rank_sum += rank * ties.iter().filter(|&&row| positive[row]).count() as f64;
        before += ties.len();
    }
    let (positives, negatives) = (positives as f64, negatives as f64);
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn chance_perfection_and_ties() {
        let check = |second: [f32; 4], expected: f64| {
            let probabilities =
                Array2::from_shape_fn((4, 2), |(row, class)| if class == 1 { second[row] } else { 1.0 - second[row] });
            assert_eq!(roc_auc(&probabilities, &[0, 0, 1, 1]), Some(expected), "{second:?}");
        };
        check([0.1, 0.2, 0.3, 0.4], 1.0);
        check([0.4, 0.3, 0.2, 0.1], 0.0);
        check([0.5, 0.5, 0.5, 0.5], 0.5);
        check([0.1, 0.3, 0.3, 0.4], 0.875);
    }

    #[test]
    fn a_class_that_never_occurs_is_left_out() {
        let probabilities = arr2(&[[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]]);
        assert_eq!(roc_auc(&probabilities, &[0, 1, 1]), Some(1.0));
        assert_eq!(roc_auc(&probabilities, &[1, 1, 1]), None);
    }
}
