//! A first head in one pass, for the seconds until there is a better one.

use super::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::folds::row_hash;
use super::linear::Linear;
use super::products::rows_by_classes;
use super::training_set::TrainingSet;
use ndarray::{Array2, Axis};

/// Multiply-adds spent on finding out how sure it may be.
const CALIBRATION_WORK: usize = 20 << 20;
/// Rows that this takes at least and at most.
const FEWEST_CALIBRATED: usize = 50;
const MOST_CALIBRATED: usize = 1000;
/// The within-class variance counts as that of so many independent directions, before the temperature corrects it.
const DIRECTIONS: f64 = 10.0;

/// Nearest class mean on the dense half: linear discriminant analysis with a covariance that is a multiple of the identity (Hastie,
/// Tibshirani & Friedman, "The Elements of Statistical Learning", 2009, §4.3), its sharpness fitted to rows of the training set each
/// left out of its own mean. Costs n d + K d multiply-adds and a bounded calibration, whatever the number of classes; the sparse
/// half is not read. `seed` decides which rows calibrate. `None` unless two classes have rows.
pub fn rough_head(set: &TrainingSet, seed: u64) -> Option<Linear> {
    let (classes, columns) = (set.classes(), set.dense_columns());
    let rows = set.dense_rows(0..set.len());
    let mut means = Array2::<f32>::zeros((classes, columns));
    let mut counts = vec![0usize; classes];
    for (row, &class) in rows.rows().into_iter().zip(set.targets()) {
        means.row_mut(class).scaled_add(1.0, &row);
        counts[class] += 1;
    }
    let present: Vec<usize> = (0..classes).filter(|&class| counts[class] > 0).collect();
    if present.len() < 2 {
        return None;
    }
    for &class in &present {
        means.row_mut(class).mapv_inplace(|sum| sum / counts[class] as f32);
    }
    let within: f64 = rows
        .rows()
        .into_iter()
        .zip(set.targets())
        .map(|(row, &class)| {
            let squares = row.iter().zip(means.row(class)).map(|(x, mean)| f64::from(x - mean).powi(2));
            squares.sum::<f64>()
        })
        .sum();
    // One row a class leaves no variance to see; the rows as a whole have one of about 1.
    let freedom = set.len().saturating_sub(present.len());
    let variance = if freedom > 0 { within / freedom as f64 } else { 1.0 };
    let sharpness = DIRECTIONS / variance.max(1e-6);
    let logarithms: Vec<f64> = counts.iter().map(|&count| (count as f64 / set.len() as f64).ln()).collect();
    let squares: Vec<f64> =
        means.rows().into_iter().map(|mean| mean.iter().map(|&x| f64::from(x).powi(2)).sum()).collect();
    let temperature = temperature(set, seed, &means, &counts, sharpness, &squares, &logarithms);
    let scale = sharpness / temperature;
    let (centre, dense_scale, _) = set.transformation();
    let mut head = Linear::absent(classes, columns, set.hashed_columns());
    for class in present {
        let weights = means.row(class).mapv(|mean| (f64::from(mean) * scale) as f32 * dense_scale);
        let shift: f64 =
            weights.iter().zip(centre).map(|(&weight, &centre)| f64::from(weight) * f64::from(centre)).sum();
        head.intercepts[class] = (logarithms[class] / temperature - scale * squares[class] / 2.0 - shift) as f32;
        head.dense.row_mut(class).assign(&weights);
    }
    Some(head)
}

/// The temperature that makes some rows most plausible, each by the means without it.
fn temperature(
    set: &TrainingSet,
    seed: u64,
    means: &Array2<f32>,
    counts: &[usize],
    sharpness: f64,
    squares: &[f64],
    logarithms: &[f64],
) -> f64 {
    let most = (CALIBRATION_WORK / means.len().max(1)).clamp(FEWEST_CALIBRATED, MOST_CALIBRATED);
    let mut chosen: Vec<usize> = (0..set.len()).filter(|&row| counts[set.targets()[row]] > 1).collect();
    chosen.sort_by_cached_key(|&row| row_hash(seed, row));
    chosen.truncate(most);
    let rows = set.dense_rows(0..set.len()).select(Axis(0), &chosen);
    let products = rows_by_classes(rows.view(), means.view());
    let targets: Vec<usize> = chosen.iter().map(|&row| set.targets()[row]).collect();
    let mut logits = Array2::from_elem(products.dim(), super::linear::ABSENT_INTERCEPT);
    for (place, &target) in targets.iter().enumerate() {
        let own: f64 = rows.row(place).iter().map(|&x| f64::from(x).powi(2)).sum();
        for class in (0..counts.len()).filter(|&class| counts[class] > 0) {
            let (mut product, mut square) = (f64::from(products[[place, class]]), squares[class]);
            if class == target {
                // The mean without the row: (n m − x) / (n − 1).
                let (n, left) = (counts[class] as f64, counts[class] as f64 - 1.0);
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
            let head = rough_head(&set, 1).expect("several classes");
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
        let head = rough_head(&set(&labels), 1).expect("four classes");
        assert!(head.logits(&features).iter().all(|logit| logit.is_finite()));
        assert!(!head.knows(4) && likeliest(head.logits(&features).row(2)) == 2);
        assert_eq!(rough_head(&set(&labels[..1]), 1), None);
    }
}
