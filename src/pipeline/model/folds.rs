//! Which labels are held out together: five folds, the same however the labels came.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Each label is predicted by a fit on the other four fifths.
pub const FOLDS: usize = 5;

/// A training label as it was predicted by a fit that had not seen it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFoldRow {
    /// The row of the features.
    pub row: usize,
    /// Its label.
    pub target: usize,
    /// K calibrated probabilities.
    pub probabilities: Vec<f32>,
}

/// A fold for each (row, class): within each class by a seeded hash of the row, dealt round, so that every fold has
/// its share of every class and the order of labelling plays no part.
pub fn assign_folds(labels: &[(usize, usize)], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let keys: Vec<(usize, u64)> = labels.iter().map(|&(row, class)| (class, row_hash(seed, row))).collect();
    order.sort_by_key(|&index| (keys[index], labels[index].0));
    let mut folds = vec![0; labels.len()];
    for (place, &index) in order.iter().enumerate() {
        folds[index] = place % FOLDS;
    }
    folds
}

/// A number that seed and row decide, as good as random.
pub fn row_hash(seed: u64, row: usize) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(row as u64);
    random.next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_share_out_every_class_and_ignore_the_order() {
        let labels: Vec<(usize, usize)> = (0..60).map(|row| (row * 3, usize::from(row % 6 == 0))).collect();
        let folds = assign_folds(&labels, 9);
        for (class, per_fold) in [(0, 10), (1, 2)] {
            for fold in 0..FOLDS {
                let count = labels.iter().zip(&folds).filter(|((_, c), f)| *c == class && **f == fold).count();
                assert_eq!(count, per_fold, "class {class}, fold {fold}");
            }
        }
        let reversed: Vec<(usize, usize)> = labels.iter().rev().copied().collect();
        let expected: Vec<usize> = folds.into_iter().rev().collect();
        assert_eq!(assign_folds(&reversed, 9), expected);
    }
}
