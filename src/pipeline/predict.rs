//! Calibrated probabilities for the pool, and what a label changed.

use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

/// n × K calibrated probabilities: softmax(logits / temperature), row by row.
pub fn softmax(logits: &Array2<f32>, temperature: f64) -> Array2<f32> {
    let mut probabilities = logits.as_standard_layout().into_owned();
    let inverse = (1.0 / temperature) as f32;
    for mut row in probabilities.rows_mut() {
        let row = row.as_slice_mut().expect("row-major");
        let top = row.iter().fold(f32::NEG_INFINITY, |top, &logit| top.max(logit));
        row.iter_mut().for_each(|logit| *logit = ((*logit - top) * inverse).exp());
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|probability| *probability /= sum);
    }
    probabilities
}

/// The two likeliest classes of an item; of equals, the lower number first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopTwo {
    /// The likeliest class.
    pub first: usize,
    /// Its probability.
    pub first_probability: f32,
    /// The next.
    pub second: usize,
    /// Its probability.
    pub second_probability: f32,
}

impl TopTwo {
    /// Of one row of at least two probabilities.
    pub fn of(probabilities: ArrayView1<f32>) -> Self {
        let (mut first, mut second) = ((0, f32::NEG_INFINITY), (0, f32::NEG_INFINITY));
        for (class, &probability) in probabilities.iter().enumerate() {
            if probability > first.1 {
                (first, second) = ((class, probability), first);
            } else if probability > second.1 {
                second = (class, probability);
            }
        }
        Self { first: first.0, first_probability: first.1, second: second.0, second_probability: second.1 }
    }

    /// 1 − (p₁ − p₂): 0 if sure, 1 if two classes are equally likely.
    pub fn uncertainty(&self) -> f32 {
        1.0 - (self.first_probability - self.second_probability)
    }
}

/// The likeliest class of one row, the lowest of equals; 0 for an empty row.
pub fn likeliest<P: Copy + PartialOrd>(values: ArrayView1<P>) -> usize {
    let mut all = values.iter().copied().enumerate();
    let Some(mut best) = all.next() else { return 0 };
    for (class, value) in all {
        let best_is_number = best.1.partial_cmp(&best.1).is_some();
        if value > best.1 || !best_is_number {
            best = (class, value);
        }
    }
    best.0
}

/// What a label changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelEffect {
    /// Unlabelled items whose prediction flipped.
    pub flipped: u32,
    /// Change of the mean top probability over unlabelled items, −1 to 1.
    pub confidence_moved: f64,
    /// How many unlabelled items were compared.
    pub compared: u32,
}

/// What changed between two predictions, over the rows `compared`. A change of the most likely class is a flip.
pub fn effect(before: &Array2<f32>, after: &Array2<f32>, compared: impl Iterator<Item = usize>) -> LabelEffect {
    let mut effect = LabelEffect::default();
    for row in compared {
        let (old, new) = (before.row(row), after.row(row));
        let (old_class, new_class) = (likeliest(old), likeliest(new));
        effect.flipped += u32::from(old_class != new_class);
        effect.confidence_moved += f64::from(new[new_class]) - f64::from(old[old_class]);
        effect.compared += 1;
    }
    if effect.compared > 0 {
        effect.confidence_moved /= f64::from(effect.compared);
    }
    effect
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn temperature_softens_and_absent_classes_stay_at_zero() {
        let logits = arr2(&[[2.0, 0.0, crate::pipeline::model::linear::ABSENT_INTERCEPT]]);
        let sharp = softmax(&logits, 1.0);
        let soft = softmax(&logits, 20.0);
        assert!((sharp[[0, 0]] - 0.880_797).abs() < 1e-5);
        assert!(soft[[0, 0]] < 0.53 && soft[[0, 2]] == 0.0);
    }

    #[test]
    fn top_two_of_any_order() {
        for (row, first, second) in [([0.2, 0.5, 0.3], 1, 2), ([0.5, 0.2, 0.3], 0, 2), ([0.4, 0.4, 0.2], 0, 1)] {
            let top = TopTwo::of(ArrayView1::from(&row));
            assert_eq!((top.first, top.second), (first, second), "{row:?}");
        }
    }

    #[test]
    fn the_effect_counts_only_the_compared_rows() {
        let before = arr2(&[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]);
        let after = arr2(&[[0.1, 0.9], [0.3, 0.7], [0.1, 0.9]]);
        let effect = effect(&before, &after, [1, 2].into_iter());
        assert_eq!((effect.flipped, effect.compared), (1, 2));
        assert!((effect.confidence_moved - 0.1).abs() < 1e-6);
    }
}
