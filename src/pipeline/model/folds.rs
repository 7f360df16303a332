//! Which labels are held out together: five folds, the same however the labels came.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

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

/// The same for items some of which are much alike: a fold for each (row, class), so that the rows of a `group` (any number
/// that they share, and only they) are in one fold. A model that saw a duplicate of what it predicts has seen the answer.
///
/// Groups of at least two labels are dealt first, the largest first, then by a seeded hash: each to the fold that has the
/// fewest labels of the group's classes, of equals to the one with the fewest labels. The others follow as in
/// [`assign_folds`], each to the fold with the fewest of its class. So without groups the folds are those of
/// [`assign_folds`]; and if no group mixes classes, the numbers of a class's labels in any two folds differ by no more than
/// the class's largest group (or 1). The order of labelling plays no part.
pub fn assign_grouped_folds(labels: &[(usize, usize)], group: impl Fn(usize) -> usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, &(row, _)) in labels.iter().enumerate() {
        members.entry(group(row)).or_default().push(index);
    }
    let (mut together, mut single): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
        members.into_values().partition(|members| members.len() > 1);
    let lowest = |members: &[usize]| members.iter().map(|&index| labels[index].0).min().unwrap_or(0);
    together.sort_by_cached_key(|members| {
        let row = lowest(members);
        (std::cmp::Reverse(members.len()), row_hash(seed, row), row)
    });
    single.sort_by_cached_key(|members| {
        let (row, class) = labels[members[0]];
        (class, row_hash(seed, row), row)
    });
    let classes = labels.iter().map(|&(_, class)| class + 1).max().unwrap_or(0);
    let mut of_class = vec![[0usize; FOLDS]; classes];
    let mut of_all = [0usize; FOLDS];
    let mut folds = vec![0; labels.len()];
    for members in together.iter().chain(&single) {
        let mut own: Vec<usize> = members.iter().map(|&index| labels[index].1).collect();
        own.sort_unstable();
        own.dedup();
        let held = |fold: usize| own.iter().map(|&class| of_class[class][fold]).sum::<usize>();
        let fold = (0..FOLDS).min_by_key(|&fold| (held(fold), of_all[fold])).unwrap_or(0);
        for &index in members {
            folds[index] = fold;
            of_class[labels[index].1][fold] += 1;
            of_all[fold] += 1;
        }
    }
    folds
}

/// The one class of these; `None` if they are of several, or there are none.
pub fn only_class(mut classes: impl Iterator<Item = usize>) -> Option<usize> {
    let first = classes.next()?;
    classes.all(|class| class == first).then_some(first)
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn grouped_folds_split_no_group_and_stay_balanced(
            groups in prop::collection::vec((0usize..4, 1usize..6), 0..60),
            seed in 0u64..1000,
        ) {
            // (class, size) of each group: no group mixes classes.
            let mut labels = Vec::new();
            let mut group_of_row = Vec::new();
            for (group, &(class, size)) in groups.iter().enumerate() {
                for _ in 0..size {
                    labels.push((group_of_row.len(), class));
                    group_of_row.push(group);
                }
            }
            let folds = assign_grouped_folds(&labels, |row| group_of_row[row], seed);
            for (&(row, _), &fold) in labels.iter().zip(&folds) {
                let first = group_of_row.iter().position(|&group| group == group_of_row[row]).expect("itself");
                prop_assert_eq!(fold, folds[first]);
            }
            for class in 0..4 {
                let largest = groups.iter().filter(|group| group.0 == class).map(|group| group.1).max().unwrap_or(0);
                let mut counts = [0usize; FOLDS];
                labels.iter().zip(&folds).filter(|((_, of), _)| *of == class).for_each(|(_, &fold)| counts[fold] += 1);
                let (most, least) = (counts.iter().max().expect("folds"), counts.iter().min().expect("folds"));
                prop_assert!(most - least <= largest, "class {}: {:?}, largest group {}", class, counts, largest);
            }
            let reversed: Vec<(usize, usize)> = labels.iter().rev().copied().collect();
            let expected: Vec<usize> = folds.into_iter().rev().collect();
            prop_assert_eq!(assign_grouped_folds(&reversed, |row| group_of_row[row], seed), expected);
        }

        #[test]
        fn groups_that_mix_classes_are_not_split_either(
            rows in prop::collection::vec((0usize..12, 0usize..3), 1..80),
        ) {
            let labels: Vec<(usize, usize)> = rows.iter().enumerate().map(|(row, &(_, class))| (row, class)).collect();
            let folds = assign_grouped_folds(&labels, |row| rows[row].0, 3);
            for (a, b) in (0..rows.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                prop_assert!(rows[a].0 != rows[b].0 || folds[a] == folds[b]);
            }
        }

        #[test]
        fn without_groups_the_folds_are_the_plain_ones(classes in prop::collection::vec(0usize..5, 0..90)) {
            let labels: Vec<(usize, usize)> = classes.iter().enumerate().map(|(row, &class)| (row * 7 % 97, class)).collect();
            prop_assert_eq!(assign_grouped_folds(&labels, |row| row, 5), assign_folds(&labels, 5));
        }
    }
}
