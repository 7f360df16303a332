//! Tests whether two samples come from one distribution, and how far apart they are.

use super::report::Test;
use crate::pipeline::evaluate::tails::hypergeometric_at_most;
use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_ur;

/// Up to so many pairs of rows the Kolmogorov–Smirnov p-value is exact; it costs one multiply-add a pair.
const EXACT_PAIRS: usize = 1 << 20;
/// Below this an exact p-value, 1 − P, has lost its digits.
const LEAST_EXACT: f64 = 1e-9;
/// Cells of a χ² test must expect this many rows (Cochran, "The χ² test of goodness of fit", 1952); others are pooled.
const LEAST_EXPECTED: f64 = 5.0;

/// The two-sample Kolmogorov–Smirnov test, two-sided: `statistic` is the largest distance of the two empirical distribution
/// functions, 0 to 1. The p-value is exact for samples without ties (lattice paths, counted as Hodges, "The significance
/// probability of the Smirnov two-sample test", 1958) up to about a million pairs, else Kolmogorov's limit; with ties both are too
/// large, never too small. `None` if a sample is empty.
pub fn kolmogorov_smirnov(left: &[f64], right: &[f64]) -> Option<Test> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let (left, right) = (sorted(left), sorted(right));
    let (m, n) = (left.len(), right.len());
    let (mut at_left, mut at_right, mut distance) = (0, 0, 0.0f64);
    while at_left < m && at_right < n {
        let value = if left[at_left].total_cmp(&right[at_right]).is_le() { left[at_left] } else { right[at_right] };
        while at_left < m && left[at_left].total_cmp(&value).is_le() {
            at_left += 1;
        }
        while at_right < n && right[at_right].total_cmp(&value).is_le() {
            at_right += 1;
        }
        distance = distance.max((at_left as f64 / m as f64 - at_right as f64 / n as f64).abs());
    }
    let exact = (m * n <= EXACT_PAIRS).then(|| smirnov_tail(distance, m, n)).filter(|&p| p > LEAST_EXACT);
    let p = exact.unwrap_or_else(|| kolmogorov_tail(distance * ((m * n) as f64 / (m + n) as f64).sqrt()));
    Some(Test::new(distance, p))
}

/// P(D ≥ `distance`) for samples of `m` and `n` rows without ties: one minus the share of lattice paths from (0, 0) to (m, n) that
/// stay nearer to the diagonal. Each step's share is kept, not the count, so that nothing overflows.
fn smirnov_tail(distance: f64, m: usize, n: usize) -> f64 {
    let (rows, columns) = (m as f64, n as f64);
    // Distances are multiples of 1/(mn); half a multiple below the one found separates it from the next smaller.
    let limit = (0.5 + (distance * rows * columns - 1e-7).floor()) / (rows * columns);
    let mut inside: Vec<f64> = (0..=n).map(|j| f64::from(u8::from(j as f64 / columns <= limit))).collect();
    for i in 1..=m {
        let share = i as f64 / rows;
        let weight = i as f64 / (i + n) as f64;
        inside[0] = if share > limit { 0.0 } else { weight * inside[0] };
        for j in 1..=n {
            let apart = (share - j as f64 / columns).abs();
            inside[j] = if apart > limit { 0.0 } else { weight * inside[j] + inside[j - 1] };
        }
    }
    (1.0 - inside[n]).clamp(0.0, 1.0)
}

/// P(K ≥ x) of Kolmogorov's distribution: 2 Σ (−1)^(j−1) exp(−2 j² x²); for small x by its theta transform.
fn kolmogorov_tail(x: f64) -> f64 {
    if x < 1e-3 {
        return 1.0;
    }
    if x < 1.0 {
        let factor = (2.0 * std::f64::consts::PI).sqrt() / x;
        let exponent = -std::f64::consts::PI.powi(2) / (8.0 * x * x);
        let below: f64 = (1..=5).map(|j| (f64::from(2 * j - 1).powi(2) * exponent).exp()).sum();
        return (1.0 - factor * below).clamp(0.0, 1.0);
    }
    let term = |j: i32| f64::from(1 - 2 * ((j - 1) % 2)) * (-2.0 * f64::from(j * j) * x * x).exp();
    (2.0 * (1..=5).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// Pearson's χ² test that two samples share one distribution over categories: `left` and `right` count the same categories.
/// Those in which either sample expects fewer than 5 rows are pooled, and if that is still too few, with the rarest other one. Of two
/// categories it is Fisher's exact test, whose `statistic` is χ² all the same. `None` if fewer than two categories are left: nothing
/// can be compared.
pub fn chi_squared(left: &[u64], right: &[u64]) -> Option<Test> {
    let (all_left, all_right): (u64, u64) = (left.iter().sum(), right.iter().sum());
    let all = (all_left + all_right) as f64;
    if all_left == 0 || all_right == 0 {
        return None;
    }
    let smaller_share = all_left.min(all_right) as f64 / all;
    let cells = left.iter().copied().zip(right.iter().copied()).filter(|(left, right)| left + right > 0);
    let is_rare = |cell: &(u64, u64)| (cell.0 + cell.1) as f64 * smaller_share < LEAST_EXPECTED;
    let (rare, mut cells): (Vec<_>, Vec<_>) = cells.partition(is_rare);
    if !rare.is_empty() {
        let pooled = rare.iter().fold((0u64, 0u64), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
        let few = is_rare(&pooled) && cells.len() > 1;
        match cells.iter_mut().min_by_key(|cell| cell.0 + cell.1).filter(|_| few) {
            Some(rarest) => *rarest = (rarest.0 + pooled.0, rarest.1 + pooled.1),
            None => cells.push(pooled),
        }
    }
    if cells.len() < 2 {
        return None;
    }
    let (share_left, share_right) = (all_left as f64 / all, all_right as f64 / all);
    let statistic: f64 = cells
        .iter()
        .map(|&(left, right)| {
            let (expected_left, expected_right) =
                ((left + right) as f64 * share_left, (left + right) as f64 * share_right);
            (left as f64 - expected_left).powi(2) / expected_left
                + (right as f64 - expected_right).powi(2) / expected_right
        })
        .sum();
    let p = match cells[..] {
        [(marked_left, marked_right), _] => fisher((marked_left, all_left), (marked_right, all_right)),
        _ => gamma_ur((cells.len() - 1) as f64 / 2.0, statistic / 2.0),
    };
    Some(Test::new(statistic, p))
}

/// Fisher's exact test, two-sided: (marked, of) on either side. The smaller tail, doubled.
pub fn fisher(left: (u64, u64), right: (u64, u64)) -> f64 {
    let (marked, population) = (left.0 + right.0, left.1 + right.1);
    let low = hypergeometric_at_most(left.0, left.1, marked, population);
    let high = hypergeometric_at_most(right.0, right.1, marked, population);
    (2.0 * low.min(high)).min(1.0)
}

/// The Mann–Whitney test that values of `right` are larger than those of `left` (Mann & Whitney, 1947), one-sided, by the normal
/// approximation with the correction for ties and continuity. `statistic` is the chance that a value of `right` exceeds one of
/// `left`, equals counting half, 0 to 1: the area under the ROC curve. `None` if a sample is empty.
pub fn mann_whitney(left: &[f64], right: &[f64]) -> Option<Test> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        left.iter().map(|&value| (value, false)).chain(right.iter().map(|&value| (value, true))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut above, mut ties, mut seen_left, mut at) = (0.0, 0.0, 0.0, 0);
    while at < all.len() {
        let end = at + all[at..].iter().take_while(|other| other.0 == all[at].0).count().max(1);
        let size = (end - at) as f64;
        let of_right = all[at..end].iter().filter(|value| value.1).count() as f64;
        above += of_right * (seen_left + (size - of_right) / 2.0);
        ties += size.powi(3) - size;
        seen_left += size - of_right;
        at = end;
    }
    let (m, n) = (left.len() as f64, right.len() as f64);
    let count = m + n;
    let variance = m * n / 12.0 * (count + 1.0 - ties / (count * (count - 1.0)).max(1.0));
    let excess = above - m * n / 2.0 - 0.5;
    let p = if variance > 0.0 { normal_tail(excess / variance.sqrt()) } else { 1.0 };
    Some(Test::new(above / (m * n), p))
}

/// P(Z ≥ z) of a standard normal.
pub(super) fn normal_tail(z: f64) -> f64 {
    erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The population stability index, Σ (b − r) ln(b / r) over the shares r and b of the same categories in two samples (the symmetrised
/// Kullback–Leibler divergence; Jeffreys, 1946). Half a row is added to each category, so that an empty one does not
/// make it infinite. By custom below 0.1 is called stable, above 0.25 a shift; unlike a p-value it tells the size, whatever the
/// number of rows. 0 if a sample is empty.
pub fn population_stability_index(reference: &[u64], batch: &[u64]) -> f64 {
    let categories = reference.len() as f64;
    let (all_reference, all_batch): (u64, u64) = (reference.iter().sum(), batch.iter().sum());
    if all_reference == 0 || all_batch == 0 {
        return 0.0;
    }
    let share = |count: u64, all: u64| (count as f64 + 0.5) / (all as f64 + 0.5 * categories);
    reference
        .iter()
        .zip(batch)
        .map(|(&reference, &batch)| {
            let (r, b) = (share(reference, all_reference), share(batch, all_batch));
            (b - r) * (b / r).ln()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1e-3), "{found}, not {expected}");
    }

    #[test]
    fn smirnov_is_scipys() {
        // scipy.stats.ks_2samp(left, right, method="exact")
        let left: Vec<f64> = (0..12).map(|i| f64::from(i * i % 17) + 0.01 * f64::from(i)).collect();
        let right: Vec<f64> = (0..9).map(|i| 4.0 + f64::from(i * 7 % 13) + 0.003 * f64::from(i)).collect();
        let found = kolmogorov_smirnov(&left, &right).expect("both have rows");
        near(found.statistic, 1.0 / 3.0);
        near(found.p, 0.546_623_345_694_553_2);
        near(kolmogorov_smirnov(&right, &left).expect("both have rows").p, found.p);
        // scipy.stats.kstwobign.sf
        let limits = [
            (0.3, 0.999_990_694_198_665_5),
            (0.7, 0.711_235_195_029_689_3),
            (1.2, 0.112_249_666_707_249_66),
            (2.5, 7.453_306_344_157_342e-6),
        ];
        limits.iter().for_each(|&(x, p)| near(kolmogorov_tail(x), p));
        assert_eq!(kolmogorov_smirnov(&[], &right), None);
        let same = kolmogorov_smirnov(&left, &left).expect("rows");
        assert_eq!((same.statistic, same.p), (0.0, 1.0));
    }

    #[test]
    fn the_exact_tail_meets_its_limit() {
        let left: Vec<f64> = (0..900).map(f64::from).collect();
        for shift in [30.5, 60.5, 90.5] {
            let right: Vec<f64> = left.iter().map(|value| value + shift).collect();
            let exact = kolmogorov_smirnov(&left, &right).expect("rows");
            let limit = kolmogorov_tail(exact.statistic * 450f64.sqrt());
            assert!((exact.p / limit - 1.0).abs() < 0.08, "{} {limit}", exact.p);
        }
        let apart = kolmogorov_smirnov(&left, &left.iter().map(|value| value + 450.5).collect::<Vec<_>>());
        assert!(apart.is_some_and(|test| test.p > 0.0 && test.p < 1e-80), "tiny ones keep their order: {apart:?}");
    }

    #[test]
    fn counts_are_compared_as_scipy_does() {
        // scipy.stats.chi2_contingency([[30, 14, 9, 40], [12, 20, 15, 8]], correction=False)
        let found = chi_squared(&[30, 14, 9, 40], &[12, 20, 15, 8]).expect("four categories");
        near(found.statistic, 23.391_765_308_273_847);
        near(found.p, 3.345_909_083_089_983e-5);
        // scipy.stats.fisher_exact([[3, 7], [18, 2]], alternative="less"), doubled.
        near(fisher((3, 10), (18, 20)), 2.0 * 0.001_657_213_351_366_274_7);
        near(fisher((18, 20), (3, 10)), 2.0 * 0.001_657_213_351_366_274_7);
        assert_eq!(fisher((0, 5), (0, 9)), 1.0);
        let two = chi_squared(&[3, 7], &[18, 2]).expect("two categories");
        near(two.p, 2.0 * 0.001_657_213_351_366_274_7);
        // The last three expect 1.5 rows or fewer a side; together 3 still, so they join the rarest other one.
        assert_eq!(chi_squared(&[30, 27, 1, 2, 0], &[27, 30, 0, 1, 2]), chi_squared(&[33, 27], &[30, 30]));
        assert_eq!((chi_squared(&[5], &[9]), chi_squared(&[0, 0], &[1, 2]), chi_squared(&[], &[])), (None, None, None));
    }

    #[test]
    fn mann_whitney_is_scipys() {
        // scipy.stats.mannwhitneyu(right, left, alternative="greater", method="asymptotic")
        let found = mann_whitney(&[5.0, 3.0, 3.0, 8.0, 2.0, 9.0], &[3.0, 7.0, 9.0, 9.0, 4.0]).expect("rows");
        near(found.statistic, 2.0 / 3.0);
        assert!((found.p - 0.201_312_621_116_576_6).abs() < 1e-9, "{}", found.p);
        assert_eq!(mann_whitney(&[1.0; 4], &[1.0; 3]).map(|test| (test.statistic, test.p)), Some((0.5, 1.0)));
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }

    #[test]
    fn the_stability_index_tells_the_size() {
        // Shares .5, .3, .2 and .4, .3, .3: .1 ln(.5/.4) + .1 ln(.3/.2) = 0.0628, up to the half rows.
        let found = population_stability_index(&[5000, 3000, 2000], &[4000, 3000, 3000]);
        assert!((found - 0.062_86).abs() < 1e-4, "{found}");
        assert!(population_stability_index(&[50, 50, 0], &[50, 40, 10]).is_finite());
        assert_eq!(population_stability_index(&[0, 0], &[3, 4]), 0.0);
    }
}
