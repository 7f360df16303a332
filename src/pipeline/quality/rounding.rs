//! Adding and rounding as numpy does it, to the last bit: confident learning rounds counts, and a sum that differs in its
//! last digit may tip a half the other way.

/// How far sums may be apart and still be the same count; cleanlab's `FLOATING_POINT_COMPARISON`.
pub(super) const TOLERANCE: f64 = 1e-6;

/// Up to this many numbers are added in eight interleaved sums; more are halved first.
const BLOCK: usize = 128;

/// The sum as numpy's `add.reduce` makes it over contiguous numbers: pairwise, from eight interleaved sums.
pub(super) fn pairwise_sum(values: &[f64]) -> f64 {
    let count = values.len();
    if count < 8 {
        return values.iter().sum();
    }
    if count > BLOCK {
        let half = count / 2;
        let (first, second) = values.split_at(half - half % 8);
        return pairwise_sum(first) + pairwise_sum(second);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = eights[0];
    for eight in &eights[1..] {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

/// Whole numbers near `values` with the same (rounded) sum: each is rounded, halves to even; then those that were rounded
/// the furthest the wrong way move by one. Among equals the first moves down first, and the last up first.
pub(super) fn round_preserving_sum(values: &[f64]) -> Vec<i64> {
    let mut rounded: Vec<f64> = values.iter().map(|value| value.round_ties_even()).collect();
    let wanted = pairwise_sum(values).round_ties_even();
    loop {
        let missing = wanted - pairwise_sum(&rounded).round_ties_even();
        if values.is_empty() || missing.abs() <= TOLERANCE {
            return rounded.into_iter().map(|count| count as i64).collect();
        }
        let gains: Vec<f64> = values.iter().zip(&rounded).map(|(value, count)| value - count).collect();
        let mut order = ascending(&gains);
        if missing > 0.0 {
            order.reverse();
        }
        for &place in order.iter().take(missing.abs() as usize) {
            rounded[place] += missing.signum();
        }
    }
}

/// The places of `values` from the least to the greatest; of equals the first comes first.
///
/// numpy's default sort leaves the order of equals to the processor it runs on (its vectorised sorts are not stable); this
/// is its `kind="stable"`.
pub(super) fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // `total_cmp` would put −0 before 0.
    order.sort_by(|&a, &b| values[a].partial_cmp(&values[b]).unwrap_or(std::cmp::Ordering::Equal));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_their_sum() {
        for (values, expected) in [
            (&[0.5, 1.5, 2.0][..], &[0, 2, 2][..]),
            (&[3.5, 3.5, 0.0], &[3, 4, 0]),
            (&[2.5, 2.5, 2.0], &[2, 3, 2]),
            (&[0.4, 0.4, 0.4], &[0, 0, 1]),
            (&[0.6, 0.6, 0.6], &[0, 1, 1]),
            (&[0.0, 5.0], &[0, 5]),
            (&[], &[]),
        ] {
            assert_eq!(round_preserving_sum(values), expected, "{values:?}");
        }
    }

    #[test]
    fn sums_of_any_length_are_right() {
        for count in [0, 1, 7, 8, 9, 127, 128, 129, 1000] {
            let values: Vec<f64> = (0..count).map(|i| f64::from(i) * 0.25).collect();
            assert_eq!(pairwise_sum(&values), f64::from(count * (count - 1)) / 8.0, "{count}");
        }
    }

    #[test]
    fn equals_keep_their_order() {
        assert_eq!(ascending(&[1.0, 0.0, -0.0, 1.0, 0.0]), [1, 2, 4, 0, 3]);
    }
}
