//! How well each label goes with its probabilities: cleanlab 2.9's three scores.

use super::confident_learning::thresholds;
use super::rounding::{TOLERANCE, ascending, pairwise_sum};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// A score of a label, 0 to 1; low is suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelQuality {
    /// The probability of the label.
    #[default]
    SelfConfidence,
    /// (probability of the label − the greatest other + 1) / 2.
    NormalizedMargin,
    /// ln(1 + e)/e with e the entropy of the probabilities, as a share of the greatest possible, over the probability of
    /// the label.
    ConfidenceWeightedEntropy,
}

impl LabelQuality {
    /// All of them.
    pub const ALL: [LabelQuality; 3] =
        [LabelQuality::SelfConfidence, LabelQuality::NormalizedMargin, LabelQuality::ConfidenceWeightedEntropy];

    /// cleanlab's name of it.
    pub fn word(self) -> &'static str {
        match self {
            LabelQuality::SelfConfidence => "self_confidence",
            LabelQuality::NormalizedMargin => "normalized_margin",
            LabelQuality::ConfidenceWeightedEntropy => "confidence_weighted_entropy",
        }
    }

    /// The one of this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quality| quality.word() == word)
    }
}

/// The score of each label.
///
/// `adjust` first takes from each class's probability its threshold (see [`thresholds`]) and adds the greatest one, so
/// that a class the model is seldom sure of is not suspicious as a whole. cleanlab refuses that for the weighted entropy;
/// here that score stays as it is.
///
/// # Panics
/// If labels and probabilities do not go together, see [`check`](super::confident_learning::check).
pub fn label_quality_scores(
    labels: &[usize],
    probabilities: ArrayView2<f64>,
    method: LabelQuality,
    adjust: bool,
) -> Vec<f64> {
    let adjusted = (adjust && method != LabelQuality::ConfidenceWeightedEntropy)
        .then(|| adjusted(probabilities, &thresholds(labels, probabilities)));
    let probabilities = adjusted.as_ref().map_or(probabilities, |adjusted| adjusted.view());
    let score = match method {
        LabelQuality::SelfConfidence => |row: ArrayView1<f64>, label: usize| row[label],
        LabelQuality::NormalizedMargin => normalized_margin,
        LabelQuality::ConfidenceWeightedEntropy => confidence_weighted_entropy,
    };
    probabilities.rows().into_iter().zip(labels).map(|(row, &label)| score(row, label)).collect()
}

/// The places where `mask` is set, the most suspicious first.
///
/// # Panics
/// As [`label_quality_scores`], or if the mask is of another length.
pub fn ranked(labels: &[usize], probabilities: ArrayView2<f64>, mask: &[bool], method: LabelQuality) -> Vec<usize> {
    assert_eq!(mask.len(), labels.len(), "a mark for each label");
    let scores = label_quality_scores(labels, probabilities, method, false);
    let places: Vec<usize> = (0..labels.len()).filter(|&place| mask[place]).collect();
    let of_places: Vec<f64> = places.iter().map(|&place| scores[place]).collect();
    ascending(&of_places).into_iter().map(|at| places[at]).collect()
}

fn adjusted(probabilities: ArrayView2<f64>, thresholds: &[f64]) -> Array2<f64> {
    let greatest = thresholds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut adjusted = probabilities.to_owned();
    for mut row in adjusted.rows_mut() {
        row.iter_mut().zip(thresholds).for_each(|(value, threshold)| *value = *value - threshold + greatest);
        let sum = pairwise_sum(&row.to_vec());
        row /= sum;
    }
    adjusted
}

fn normalized_margin(row: ArrayView1<f64>, label: usize) -> f64 {
    let others = row.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, &value)| value);
    (row[label] - others.fold(f64::NEG_INFINITY, f64::max) + 1.0) / 2.0
}

fn confidence_weighted_entropy(row: ArrayView1<f64>, label: usize) -> f64 {
    let terms: Vec<f64> = row.iter().map(|&p| if p == 0.0 { 0.0 } else { p * p.ln() }).collect();
    let entropy = -pairwise_sum(&terms) / (row.len() as f64).ln();
    let weighted = entropy / row[label].max(TOLERANCE);
    (weighted + 1.0).ln() / weighted.max(TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn each_score_puts_the_wrong_label_first() {
        let labels = [0, 1, 1];
        let probabilities = array![[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]];
        for method in LabelQuality::ALL {
            assert_eq!(LabelQuality::from_word(method.word()), Some(method));
            let order = ranked(&labels, probabilities.view(), &[true; 3], method);
            assert_eq!((order[0], order.len()), (2, 3), "{}", method.word());
            let masked = ranked(&labels, probabilities.view(), &[true, true, false], method);
            assert_eq!(masked.len(), 2);
        }
    }

    #[test]
    fn scores_by_hand() {
        let probabilities = array![[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]];
        let of = |method| label_quality_scores(&[1, 0], probabilities.view(), method, false);
        assert_eq!(of(LabelQuality::SelfConfidence), [0.25, 0.0]);
        assert_eq!(of(LabelQuality::NormalizedMargin), [0.375, 0.0]);
        let entropy = 1.5 * 2.0_f64.ln() / 3.0_f64.ln() / 0.25;
        let weighted = of(LabelQuality::ConfidenceWeightedEntropy);
        assert!((weighted[0] - (entropy + 1.0).ln() / entropy).abs() < 1e-12 && weighted[1] == 0.0, "{weighted:?}");
    }
}
