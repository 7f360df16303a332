//! A first head in one pass, for the seconds until there is a better one.

use super::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::folds::row_hash;
use super::linear::Linear;
use super::products::rows_by_classes;
use super::sparse_weights::SparseWeights;
use super::training_set::TrainingSet;
use ndarray::{Array2, Axis};

/// Multiply-adds spent on finding out how sure it may be.
const CALIBRATION_WORK: usize = 20 << 20;
/// Rows that this takes at least and at most.
const FEWEST_CALIBRATED: usize = 50;
const MOST_CALIBRATED: usize = 1000;
/// The within-class variance counts as that of so many independent directions, before the temperature corrects it.
const DIRECTIONS: f64 = 10.0;

/// The mean of each class's used rows, on centred, scaled features.
struct Means {
    /// K × d.
    dense: Array2<f32>,
    /// K for each compact column of the sparse half.
    sparse: Vec<f32>,
    /// Rows of each class.
    counts: Vec<usize>,
    /// Squared length of each.
    squares: Vec<f64>,
}

impl Means {
    fn of(set: &TrainingSet, is_used: impl Fn(usize) -> bool) -> Self {
        let (classes, columns) = (set.classes(), set.dense_columns());
        let mut dense = Array2::<f32>::zeros((classes, columns));
        let mut sparse = vec![0.0f32; classes * set.sparse_columns()];
        let mut counts = vec![0usize; classes];
        let rows = set.dense_rows(0..set.len());
        for (at, (row, &class)) in rows.rows().into_iter().zip(set.targets()).enumerate().filter(|(at, _)| is_used(*at))
        {
            dense.row_mut(class).scaled_add(1.0, &row);
            entries(set, at).for_each(|(column, value)| sparse[column * classes + class] += value);
            counts[class] += 1;
        }
        let share = |class: usize| 1.0 / counts[class].max(1) as f32;
        dense.rows_mut().into_iter().enumerate().for_each(|(class, mut sum)| sum *= share(class));
        sparse
            .chunks_mut(classes)
            .flat_map(|column| column.iter_mut().enumerate())
            .for_each(|(class, sum)| *sum *= share(class));
        let square = |x: &f32| f64::from(*x).powi(2);
        let mut squares: Vec<f64> = dense.rows().into_iter().map(|mean| mean.iter().map(square).sum()).collect();
        sparse.iter().zip((0..classes).cycle()).for_each(|(mean, class)| squares[class] += square(mean));
        Self { dense, sparse, counts, squares }
    }

    /// Products of some rows with each mean, n × K.
    fn products(&self, set: &TrainingSet, rows: &[usize]) -> Array2<f32> {
        let classes = self.counts.len();
        let seen = set.dense_rows(0..set.len()).select(Axis(0), rows);
        let mut products = rows_by_classes(seen.view(), self.dense.view());
        for (mut product, &row) in products.rows_mut().into_iter().zip(rows) {
            for (column, value) in entries(set, row) {
                let means = &self.sparse[column * classes..][..classes];
                product.iter_mut().zip(means).for_each(|(product, mean)| *product += value * mean);
            }
        }
        products
    }
}

/// The sparse half of a row.
fn entries(set: &TrainingSet, row: usize) -> impl Iterator<Item = (usize, f32)> {
    let row = set.sparse_row(row).into_iter();
    row.flat_map(|row| row.indices.iter().map(|&column| column as usize).zip(row.values.iter().copied()))
}

fn square_of_row(set: &TrainingSet, row: usize) -> f64 {
    let dense: f64 = set.dense_rows(row..row + 1).iter().map(|&x| f64::from(x).powi(2)).sum();
    dense + entries(set, row).map(|(_, value)| f64::from(value).powi(2)).sum::<f64>()
}

/// Nearest class mean: linear discriminant analysis with a covariance that is a multiple of the identity (Hastie, Tibshirani &
/// Friedman, "The Elements of Statistical Learning", 2009, §4.3), its sharpness fitted to rows of the training set each left out of
/// its own mean. Costs as many additions as the rows have numbers and a bounded calibration, whatever the number of classes. Sees
/// the rows that `used` keeps (all, if `None`); `seed` decides which of them calibrate. `None` unless two classes have rows.
pub fn rough_head(set: &TrainingSet, used: Option<&[bool]>, seed: u64) -> Option<Linear> {
    let is_used = |row: usize| used.is_none_or(|used| used[row]);
    let (classes, columns) = (set.classes(), set.dense_columns());
    let means = Means::of(set, is_used);
    let total: usize = means.counts.iter().sum();
    let present: Vec<usize> = (0..classes).filter(|&class| means.counts[class] > 0).collect();
    if present.len() < 2 {
        return None;
    }
    // Σ‖x − m‖² = Σ‖x‖² − Σ n‖m‖².
    let of_rows: f64 = (0..set.len()).filter(|&row| is_used(row)).map(|row| square_of_row(set, row)).sum();
    let of_means: f64 = means.counts.iter().zip(&means.squares).map(|(&count, square)| count as f64 * square).sum();
    // One row a class leaves no variance to see; the rows as a whole have one of about 1.
    let freedom = total.saturating_sub(present.len());
    let variance = if freedom > 0 { (of_rows - of_means).max(0.0) / freedom as f64 } else { 1.0 };
    let sharpness = DIRECTIONS / variance.max(1e-6);
    let logarithms: Vec<f64> = means.counts.iter().map(|&count| (count as f64 / total as f64).ln()).collect();
    let chosen = calibration_rows(set, used, seed, &means.counts, means.dense.len());
    let temperature = temperature(set, &chosen, &means, sharpness, &logarithms);
    let scale = sharpness / temperature;
    let (centre, dense_scale, sparse_scale) = set.transformation();
    let mut head = Linear::absent(classes, columns, set.hashed_columns());
    for &class in &present {
        let weights = means.dense.row(class).mapv(|mean| (f64::from(mean) * scale) as f32 * dense_scale);
        let shift: f64 =
            weights.iter().zip(centre).map(|(&weight, &centre)| f64::from(weight) * f64::from(centre)).sum();
        head.intercepts[class] = (logarithms[class] / temperature - scale * means.squares[class] / 2.0 - shift) as f32;
        head.dense.row_mut(class).assign(&weights);
    }
    let sparse: Vec<f32> = means.sparse.iter().map(|&mean| (f64::from(mean) * scale) as f32 * sparse_scale).collect();
    head.sparse = SparseWeights::of_columns(classes, set.hashed_columns(), set.hashed_column(), &sparse);
    Some(head)
}

/// Some used rows, drawn at random, of classes that have another row.
fn calibration_rows(
    set: &TrainingSet,
    used: Option<&[bool]>,
    seed: u64,
    counts: &[usize],
    work_per_row: usize,
) -> Vec<usize> {
    let most = (CALIBRATION_WORK / work_per_row.max(1)).clamp(FEWEST_CALIBRATED, MOST_CALIBRATED);
    let is_used = |row: usize| used.is_none_or(|used| used[row]);
    let mut chosen: Vec<usize> = (0..set.len()).filter(|&row| is_used(row) && counts[set.targets()[row]] > 1).collect();
    chosen.sort_by_cached_key(|&row| row_hash(seed, row));
    chosen.truncate(most);
    chosen
}

/// The temperature that makes some rows most plausible, each by the means without it.
fn temperature(set: &TrainingSet, chosen: &[usize], means: &Means, sharpness: f64, logarithms: &[f64]) -> f64 {
    let products = means.products(set, chosen);
    let targets: Vec<usize> = chosen.iter().map(|&row| set.targets()[row]).collect();
    let mut logits = Array2::from_elem(products.dim(), super::linear::ABSENT_INTERCEPT);
    for (place, &target) in targets.iter().enumerate() {
        let own = square_of_row(set, chosen[place]);
        for class in (0..means.counts.len()).filter(|&class| means.counts[class] > 0) {
            let (mut product, mut square) = (f64::from(products[[place, class]]), means.squares[class]);
            if class == target {
                // The mean without the row: (n m − x) / (n − 1).
                let (n, left) = (means.counts[class] as f64, means.counts[class] as f64 - 1.0);
                square = (n * n * square - 2.0 * n * product + own) / (left * left);
                product = (n * product - own) / left;
            }
            logits[[place, class]] = (sharpness * (product - square / 2.0) + logarithms[class]) as f32;
        }
    }
    fit_temperature(&logits, &targets, PRIOR_DEVIATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
    use crate::pipeline::model::training_set::Scaling;
    use crate::pipeline::predict::{likeliest, softmax};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// `classes` clusters in 24 dimensions, around points that are far from 0.
    fn clusters(rows: usize, classes: usize, seed: u64) -> (Features, Vec<(usize, usize)>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut centres = ChaCha8Rng::seed_from_u64(1);
        let centres = Array2::from_shape_simple_fn((classes, 24), || centres.random_range(4.0..6.0f32));
        let mut features = Features::new(24, 0);
        for row in 0..rows {
            let dense = centres.row(row % classes).iter().map(|x| x + random.random_range(-1.6..1.6)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        (features, (0..rows).map(|row| (row, row % classes)).collect())
    }

    #[test]
    fn it_is_often_right_and_about_as_often_as_it_says() {
        for classes in [2, 5, 40] {
            let (features, labels) = clusters(classes * 12, classes, 2);
            let set = TrainingSet::gather(&features, &labels, classes, Scaling::UnitSpread);
            let head = rough_head(&set, None, 1).expect("several classes");
            let (new, truth) = clusters(1000, classes, 3);
            let said = softmax(&head.logits(&new), 1.0);
            let right =
                said.rows().into_iter().zip(&truth).filter(|(row, (_, class))| likeliest(*row) == *class).count();
            let sure: f64 = said.rows().into_iter().map(|row| f64::from(row[likeliest(row)])).sum::<f64>() / 1000.0;
            let share = right as f64 / 1000.0;
            assert!(share > 0.6 && (share - sure).abs() < 0.12, "{classes} classes: {share} right, {sure} sure");
        }
    }

    #[test]
    fn one_label_a_class_is_enough_and_one_class_is_not() {
        let (features, labels) = clusters(4, 4, 2);
        let set = |labels: &[(usize, usize)]| TrainingSet::gather(&features, labels, 5, Scaling::UnitSpread);
        let head = rough_head(&set(&labels), None, 1).expect("four classes");
        assert!(head.logits(&features).iter().all(|logit| logit.is_finite()));
        assert!(!head.knows(4) && likeliest(head.logits(&features).row(2)) == 2);
        assert_eq!(rough_head(&set(&labels[..1]), None, 1), None);
    }
}
