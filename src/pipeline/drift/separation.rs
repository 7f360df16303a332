//! Can a classifier tell the batch from the reference? A linear one, and only on rows it was not fitted to.

use super::cholesky::Cholesky;
use super::corrections::bonferroni;
use super::report::{Separation, Test};
use super::two_sample::mann_whitney;
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::gate::QUANTILE;
use ndarray::{Array1, Array2, ArrayView1, Axis};

/// Below this many rows on either side a classifier learns nothing.
pub const FEWEST_ROWS: usize = 20;
/// From this area on, surely, the batch is another kind of data: a model's held-out record on the reference says nothing of it.
const UNLIKE: f64 = 0.6;
/// How far variances are drawn towards their mean, at least; with fewer rows more.
const SHRINKAGE: f64 = 0.1;

impl Separation {
    /// Whether the batch's items are unlike the reference's, beyond doubt.
    pub fn is_unlike(&self) -> bool {
        self.auc.low > UNLIKE
    }
}

/// The classifier two-sample test (Lopez-Paz & Oquab, "Revisiting classifier two-sample tests", 2017) with Fisher's linear
/// discriminant: n × k and m × k rows in any order that does not depend on their content, split into two halves each. The discriminant of
/// one half scores the other, and the other way round; on each half the Mann–Whitney test asks whether the batch's rows score higher. The
/// p-value is twice the smaller of the two: valid however they depend on each other. `None` with fewer than 20 rows on a side.
///
/// Costs (n + m) k² multiply-adds.
pub fn separation(reference: &Array2<f32>, batch: &Array2<f32>) -> Option<Separation> {
    if reference.nrows() < FEWEST_ROWS || batch.nrows() < FEWEST_ROWS {
        return None;
    }
    let half = |rows: &Array2<f32>, parity: usize| {
        rows.select(Axis(0), &(parity..rows.nrows()).step_by(2).collect::<Vec<_>>())
    };
    let (mut area, mut variance, mut p) = (0.0, 0.0, 1.0f64);
    for parity in 0..2 {
        let direction = discriminant(&half(reference, parity), &half(batch, parity));
        let scores = |rows: &Array2<f32>| -> Vec<f64> {
            half(rows, 1 - parity).rows().into_iter().map(|row| along(row, &direction)).collect()
        };
        let (of_reference, of_batch) = (scores(reference), scores(batch));
        let test = mann_whitney(&of_reference, &of_batch)?;
        area += test.statistic / 2.0;
        variance += variance_of_area(&of_reference, &of_batch) / 4.0;
        p = p.min(test.p);
    }
    let margin = QUANTILE * variance.sqrt();
    let auc = Estimate { estimate: area, low: (area - margin).max(0.0), high: (area + margin).min(1.0) };
    Some(Separation { auc, test: Test::new(area, bonferroni(p, 2)) })
}

/// Σ⁻¹ (mean of the batch − mean of the reference), with the two covariances weighing the same and drawn towards a multiple of the
/// identity.
fn discriminant(reference: &Array2<f32>, batch: &Array2<f32>) -> Vec<f64> {
    let size = reference.ncols();
    let mut covariance = Array2::<f64>::zeros((size, size));
    let mut mean_of = |rows: &Array2<f32>| -> Array1<f64> {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(size));
        let centred = rows - &mean;
        let scale = 0.5 / rows.nrows() as f64;
        covariance.zip_mut_with(&centred.t().dot(&centred), |sum, &x| *sum += scale * f64::from(x));
        mean.mapv(f64::from)
    };
    let difference = -mean_of(reference) + mean_of(batch);
    let spread = covariance.diag().sum() / size.max(1) as f64;
    let fewest = reference.nrows().min(batch.nrows()) as f64;
    let added = spread * SHRINKAGE.max(size as f64 / (2.0 * fewest)) + f64::MIN_POSITIVE;
    covariance.diag_mut().mapv_inplace(|variance| variance + added);
    Cholesky::of(covariance).solve(&difference.to_vec())
}

fn along(row: ArrayView1<f32>, direction: &[f64]) -> f64 {
    row.iter().zip(direction).map(|(&x, weight)| f64::from(x) * weight).sum()
}

/// The variance of the area under the ROC curve from its placements (DeLong, DeLong & Clarke-Pearson, 1988).
fn variance_of_area(reference: &[f64], batch: &[f64]) -> f64 {
    let of_sample = |own: &[f64], other: &[f64]| {
        let mut other = other.to_vec();
        other.sort_unstable_by(f64::total_cmp);
        let below = |value: &f64| {
            let (less, at_most) = (other.partition_point(|x| x < value), other.partition_point(|x| x <= value));
            (less + at_most) as f64 / (2 * other.len()) as f64
        };
        let placements: Vec<f64> = own.iter().map(below).collect();
        let count = placements.len() as f64;
        let mean = placements.iter().sum::<f64>() / count;
        placements.iter().map(|place| (place - mean).powi(2)).sum::<f64>() / ((count - 1.0).max(1.0) * count)
    };
    of_sample(reference, batch) + of_sample(batch, reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn rows(count: usize, shift: f32, random: &mut ChaCha8Rng) -> Array2<f32> {
        let mut rows = Array2::from_shape_simple_fn((count, 24), || random.random_range(-1.0..1.0f32));
        rows.column_mut(7).mapv_inplace(|x| x + shift);
        rows
    }

    #[test]
    fn what_moved_is_told_apart_and_what_did_not_is_not() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let (mut found, mut alarms, mut seen) = (0, 0, 0);
        for _ in 0..300 {
            let reference = rows(120, 0.0, &mut random);
            let (same, moved) = (rows(60, 0.0, &mut random), rows(60, 1.0, &mut random));
            found += usize::from(separation(&reference, &moved).expect("rows").test.p < 0.05);
            alarms += usize::from(separation(&reference, &same).expect("rows").test.p < 0.05);
            // Naive: the rows that the discriminant was fitted to.
            let direction = discriminant(&reference, &same);
            let scores =
                |rows: &Array2<f32>| rows.rows().into_iter().map(|row| along(row, &direction)).collect::<Vec<_>>();
            seen += usize::from(mann_whitney(&scores(&reference), &scores(&same)).expect("rows").p < 0.05);
        }
        // 15 are to be expected; 28 have a chance of 0.1 %.
        assert!(found >= 290 && alarms <= 28 && seen > 250, "{found} {alarms} {seen}");
    }

    #[test]
    fn the_area_has_an_interval_and_few_rows_have_none() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let (reference, moved) = (rows(400, 0.0, &mut random), rows(300, 1.0, &mut random));
        // Two uniform distributions of width 2, one shifted by 1: the area is 7/8.
        let found = separation(&reference, &moved).expect("rows");
        assert!(found.auc.low < 0.875 && 0.8 < found.auc.low && found.auc.high < 0.93, "{found:?}");
        assert_eq!(separation(&reference, &rows(19, 0.0, &mut random)), None);
        let flat = Array2::zeros((30, 4));
        assert_eq!(separation(&flat, &flat).map(|found| found.test.p), Some(1.0));
    }
}
