//! Outliers: items that are far from all others.
//!
//! The rule is that of cleanlab's Datalab (2.9, `outlier` on features, its default threshold): the mean cosine distance
//! to the 10 nearest neighbours lies above Q3 + 1.7·IQR of that mean over all items. Here cosines are about the pool's
//! centre. It is a rule of thumb: of normally distributed means, 1 in 880 lies beyond.

use super::neighbours::Neighbours;

/// How many interquartile ranges above the third quartile.
const RANGES: f64 = 1.7;

/// An item that is far from what it should be near to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// Its row.
    pub row: usize,
    /// Its mean cosine distance to its nearest neighbours, 0 to 2.
    pub distance: f32,
    /// What that must exceed.
    pub limit: f32,
}

/// The outliers, farthest first, by the mean over the k neighbours that `neighbours` keeps (10 is Datalab's).
///
/// None where the means hardly differ (an interquartile range of 0, as when most items are equal): then the rule would
/// call everything else an outlier.
pub fn outliers(neighbours: &Neighbours) -> Vec<Outlier> {
    let means: Vec<(usize, f32)> = (0..neighbours.len())
        .filter_map(|row| Some((row, mean(neighbours.nearest(row).map(|near| near.distance))?)))
        .collect();
    let Some(limit) = tukey_limit(means.iter().map(|&(_, distance)| distance)) else { return Vec::new() };
    farthest(means.into_iter().map(|(row, distance)| Outlier { row, distance, limit }))
}

/// Those beyond their limits, the one that exceeds it most first.
pub(super) fn farthest(all: impl Iterator<Item = Outlier>) -> Vec<Outlier> {
    let mut found: Vec<Outlier> = all.filter(|one| one.distance > one.limit).collect();
    let excess = |one: &Outlier| one.distance / one.limit;
    found.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(a.row.cmp(&b.row)));
    found
}

/// `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (count, sum) = values.fold((0usize, 0.0f64), |(count, sum), value| (count + 1, sum + f64::from(value)));
    (count > 0).then(|| (sum / count as f64) as f32)
}

/// Q3 + 1.7·IQR (Tukey's fence, there with 1.5); `None` if the interquartile range is 0.
pub(super) fn tukey_limit(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f64> = values.map(f64::from).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (first, third) = (quantile(&values, 0.25)?, quantile(&values, 0.75)?);
    (third - first > f64::from(f32::EPSILON)).then_some((third + RANGES * (third - first)) as f32)
}

/// The quantile of ascending values, interpolated between the two nearest (type 7 of Hyndman & Fan, 1996; NumPy's
/// default).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = sorted.len().checked_sub(1)? as f64 * share;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::super::test_data::{clusters, neighbours, normal};
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn planted_outliers_are_found_first() {
        let (mut features, _) = clusters(12, 1500, 100, 0.5, 21);
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..20 {
            let dense = (0..100).map(|_| 0.1 * normal(&mut random)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        let found = outliers(&neighbours(&features, 10));
        let first = found.iter().take(20).filter(|one| one.row >= 1500).count();
        assert_eq!(first, 20, "all planted ones lead");
        assert!(found.len() <= 20 + 8, "and few others follow: {}", found.len());
        assert!(found.iter().all(|one| one.distance > one.limit && one.limit == found[0].limit));
    }

    #[test]
    fn where_most_are_equal_there_is_no_outlier() {
        let (mut features, _) = clusters(1, 3, 10, 0.5, 2);
        let equal = features.dense.row(0).to_vec();
        for _ in 0..50 {
            features.push(FeatureVector { dense: equal.clone(), sparse: SparseRow::default() });
        }
        assert_eq!(outliers(&neighbours(&features, 10)), []);
        assert_eq!(outliers(&neighbours(&features.select(&[]), 10)), []);
        assert_eq!(outliers(&neighbours(&features.select(&[1]), 10)), []);
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8, 16, 32], [0.25, 0.75]) = [2.5, 14]
        let values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        assert_eq!((quantile(&values, 0.25), quantile(&values, 0.75)), (Some(2.5), Some(14.0)));
        assert_eq!((quantile(&[], 0.5), quantile(&[3.0], 0.25)), (None, Some(3.0)));
        let limit = tukey_limit(values.into_iter().map(|value| value as f32)).expect("they differ");
        assert!((limit - (14.0 + 1.7 * 11.5)).abs() < 1e-5, "{limit}");
    }
}
