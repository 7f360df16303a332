//! Weak slices: parts of the labelled items that the model gets wrong more often than the rest.

use crate::pipeline::evaluate::interval::Estimate;
use crate::pipeline::evaluate::slice::Slice;
use crate::pipeline::evaluate::tails::hypergeometric_at_most;

/// The chance that any slice is named though none is worse than its rest.
pub const FALSE_ALARM: f64 = 0.05;

/// A slice and its members. Slices may overlap: classes, batches and values of a column together.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    /// What its items share.
    pub name: String,
    /// Places among the items that were predicted out of fold, each once.
    pub members: Vec<usize>,
}

/// A slice that is worse than the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakSlice {
    /// The slice, with its share right and the exact 95 % interval of that alone.
    pub slice: Slice,
    /// Where it was in what was given.
    pub place: usize,
    /// The share right of all other items.
    pub rest: Estimate,
    /// The chance of so few right in the slice if it were no worse than the rest, times the number of slices not yet
    /// named, 0 to [`FALSE_ALARM`].
    pub p_value: f64,
}

/// The slices that are significantly worse than the rest, the surest first.
///
/// `right`: for each labelled item, whether it was predicted right out of fold. Each slice is compared with all other items
/// by Fisher's exact test, one-sided: given how many are right in all, those in the slice are hypergeometric if it is no
/// different. By Holm's procedure (1979) the chance to name any slice that is no worse is at most 5 %, however the slices
/// overlap. A slice without items, or of all items, cannot be compared and isn't counted.
pub fn weak_slices(right: &[bool], slices: &[Membership]) -> Vec<WeakSlice> {
    let all_right = right.iter().filter(|&&right| right).count();
    let mut compared = Vec::new();
    for (place, slice) in slices.iter().enumerate() {
        let size = slice.members.len();
        let slice_right = slice.members.iter().filter(|&&member| right[member]).count();
        let rest = Estimate::of_share(all_right - slice_right, right.len() - size);
        let (Some(accuracy), Some(rest)) = (Estimate::of_share(slice_right, size), rest) else { continue };
        let p_value = hypergeometric_at_most(slice_right as u64, size as u64, all_right as u64, right.len() as u64);
        let slice = Slice { name: slice.name.clone(), rows: size, accuracy };
        compared.push(WeakSlice { slice, place, rest, p_value });
    }
    compared.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then(a.place.cmp(&b.place)));
    let count = compared.len();
    let mut largest: f64 = 0.0;
    for (named, slice) in compared.iter_mut().enumerate() {
        largest = largest.max(slice.p_value * (count - named) as f64);
        slice.p_value = largest;
    }
    compared.retain(|slice| slice.p_value <= FALSE_ALARM);
    compared
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// 400 items in 5 classes, 3 batches and 8 values of a column.
    fn memberships(random: &mut ChaCha8Rng) -> Vec<Membership> {
        let mut slices = Vec::new();
        for (kind, values) in [("class", 5), ("batch", 3), ("column", 8)] {
            let of_item: Vec<usize> = (0..400).map(|_| random.random_range(0..values)).collect();
            slices.extend((0..values).map(|value| Membership {
                name: format!("{kind} {value}"),
                members: (0..400).filter(|&item| of_item[item] == value).collect(),
            }));
        }
        slices
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised() {
        let mut random = ChaCha8Rng::seed_from_u64(12);
        let (mut alarms, mut lower, mut uncorrected) = (0, 0, 0);
        let runs = 1000;
        for _ in 0..runs {
            let slices = memberships(&mut random);
            let right: Vec<bool> = (0..400).map(|_| random.random::<f64>() < 0.85).collect();
            alarms += usize::from(!weak_slices(&right, &slices).is_empty());
            let single = |slice: &Membership| weak_slices(&right, std::slice::from_ref(slice));
            uncorrected += usize::from(slices.iter().any(|slice| !single(slice).is_empty()));
            let share = |members: &[usize]| {
                members.iter().filter(|&&member| right[member]).count() as f64 / members.len() as f64
            };
            let all: Vec<usize> = (0..400).collect();
            // Not even any lower share, but one lower by five points.
            lower += usize::from(slices.iter().any(|slice| share(&slice.members) < share(&all) - 0.05));
        }
        assert!(alarms <= runs / 20, "{alarms} false alarms in {runs}");
        assert!(alarms >= runs / 200, "{alarms}: so careful as to be useless");
        assert!(lower > runs / 2, "a lower mean alone: {lower}");
        assert!(uncorrected > runs / 5, "without correction: {uncorrected}");
    }

    #[test]
    fn a_slice_that_is_worse_is_named() {
        let mut random = ChaCha8Rng::seed_from_u64(13);
        let mut found = 0;
        for _ in 0..100 {
            let slices = memberships(&mut random);
            let weak = 4;
            let right: Vec<bool> = (0..400)
                .map(|item| random.random::<f64>() < if slices[weak].members.contains(&item) { 0.6 } else { 0.9 })
                .collect();
            let named = weak_slices(&right, &slices);
            found +=
                usize::from(named.first().is_some_and(|slice| slice.place == weak && slice.slice.name == "class 4"));
            assert!(named.iter().all(|slice| slice.slice.accuracy.estimate < slice.rest.estimate));
        }
        assert!(found >= 95, "{found} of 100");
    }

    #[test]
    fn the_test_is_fishers() {
        // scipy.stats.fisher_exact([[3, 7], [18, 2]], alternative="less").pvalue
        let right: Vec<bool> = (0..30).map(|item| if item < 10 { item < 3 } else { item < 28 }).collect();
        let slice = |members: std::ops::Range<usize>| Membership { name: "s".into(), members: members.collect() };
        let found = weak_slices(&right, &[slice(0..10), slice(10..10), slice(0..30)]);
        assert_eq!(found.len(), 1);
        assert!((found[0].p_value - 0.001_657_213_351_366).abs() < 1e-9, "{}", found[0].p_value);
        assert_eq!((found[0].slice.rows, found[0].rest.estimate), (10, 0.9));
        assert_eq!(weak_slices(&[], &[]), []);
    }
}
