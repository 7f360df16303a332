//! Confident learning: how many labels are likely wrong, and which class for which (Northcutt, Jiang, Chuang: *Confident
//! Learning: Estimating Uncertainty in Dataset Labels*, 2021), to the letter of cleanlab 2.9.
//!
//! All of it reads n labels and n × K probabilities that were predicted out of sample. What cleanlab leaves to the
//! processor, the order of equals in a sort, is here the order of the rows.

use super::rounding::{TOLERANCE, pairwise_sum, round_preserving_sum};
use crate::pipeline::predict::likeliest;
use ndarray::{Array2, ArrayView2};

/// The threshold of a class that no label names: no probability reaches it.
const NO_LABELS: f64 = 2.0;

/// The least threshold, which must be above the tolerance.
const LEAST_THRESHOLD: f64 = 2.0 * TOLERANCE;

/// Whether labels and probabilities can be looked at: as many of both, at least two classes, every label among them, every
/// probability between 0 and 1, at least two classes with a label. The functions of this folder panic or mislead otherwise.
///
/// # Errors
/// Says what is wrong and where, and what would be right.
pub fn check(labels: &[usize], probabilities: ArrayView2<f64>) -> Result<(), String> {
    let (rows, classes) = probabilities.dim();
    if labels.len() != rows {
        return Err(format!(
            "there are {} labels and {rows} rows of probabilities; each label needs one row",
            labels.len()
        ));
    }
    if rows == 0 {
        return Err("there are no labels".into());
    }
    if classes < 2 {
        return Err("the probabilities have fewer than two columns; each class needs one".into());
    }
    if let Some(row) = labels.iter().position(|&label| label >= classes) {
        return Err(format!(
            "row {row} has the label {}, and the probabilities have {classes} columns; labels count from 0",
            labels[row]
        ));
    }
    if labels.iter().all(|&label| label == labels[0]) {
        return Err(format!("every label is {}; labels of at least two classes are needed", labels[0]));
    }
    let in_range = |value: &f64| (-TOLERANCE..=1.0 + TOLERANCE).contains(value);
    match probabilities.indexed_iter().find(|(_, value)| !in_range(value)) {
        Some(((row, column), value)) => {
            Err(format!("the probability in row {row}, column {column} is {value}; probabilities lie between 0 and 1"))
        }
        None => Ok(()),
    }
}

/// For each class the mean probability of it over the labels that name it; 2 for a class that none names.
///
/// # Panics
/// As all functions here: if labels and probabilities do not go together, see [`check`].
pub fn thresholds(labels: &[usize], probabilities: ArrayView2<f64>) -> Vec<f64> {
    let mut of_class = vec![Vec::new(); probabilities.ncols()];
    for (row, &label) in labels.iter().enumerate() {
        of_class[label].push(probabilities[[row, label]]);
    }
    let mean = |own: Vec<f64>| if own.is_empty() { NO_LABELS } else { pairwise_sum(&own) / own.len() as f64 };
    of_class.into_iter().map(|own| mean(own).max(LEAST_THRESHOLD)).collect()
}

/// The class that each row confidently is: the one class whose probability reaches its threshold, the likeliest class if
/// several do, `None` if none does.
pub fn confident_classes(labels: &[usize], probabilities: ArrayView2<f64>) -> Vec<Option<usize>> {
    let thresholds = thresholds(labels, probabilities);
    let confident = |row: ndarray::ArrayView1<f64>| {
        let reaches = |&class: &usize| row[class] >= thresholds[class] - TOLERANCE;
        let mut hits = (0..row.len()).filter(reaches);
        match (hits.next(), hits.next()) {
            // Not the likeliest of the hits: the likeliest of all.
            (Some(_), Some(_)) => Some(likeliest(row)),
            (hit, _) => hit,
        }
    };
    probabilities.rows().into_iter().map(confident).collect()
}

/// The calibrated confident joint, K × K: how many labels of the row's class are estimated to be of the column's class. Each
/// row adds up to the number of its labels.
pub fn confident_joint(labels: &[usize], probabilities: ArrayView2<f64>) -> Array2<i64> {
    let classes = probabilities.ncols();
    let mut joint = Array2::<i64>::zeros((classes, classes));
    for (&label, confident) in labels.iter().zip(confident_classes(labels, probabilities)) {
        if let Some(class) = confident {
            joint[[label, class]] += 1;
        }
    }
    joint.diag_mut().mapv_inplace(|count| count.max(1));
    calibrated(&joint, labels)
}

/// How many labels are estimated to be wrong: the sum beside the diagonal of [`confident_joint`].
pub fn expected_errors(labels: &[usize], probabilities: ArrayView2<f64>) -> f64 {
    let joint = confident_joint(labels, probabilities);
    (joint.sum() - joint.diag().sum()) as f64
}

/// Each row scaled to the number of its labels, then all to the number of all labels, then rounded.
fn calibrated(joint: &Array2<i64>, labels: &[usize]) -> Array2<i64> {
    let classes = joint.nrows();
    let mut counts = vec![0.0; classes];
    labels.iter().for_each(|&label| counts[label] += 1.0);
    let of_row = |row: usize| joint.row(row).sum() as f64;
    let scaled = Array2::from_shape_fn((classes, classes), |(row, column)| {
        joint[[row, column]] as f64 / of_row(row) * counts[row]
    });
    // Column by column, as the library's matrix lies in memory: the order decides the last bit.
    let total = pairwise_sum(&scaled.t().iter().copied().collect::<Vec<_>>()).max(f64::MIN_POSITIVE);
    let scaled = scaled.mapv_into(|count| count / total * labels.len() as f64);
    let mut rounded = Array2::zeros((classes, classes));
    for (row, mut counts) in scaled.rows().into_iter().zip(rounded.rows_mut()) {
        counts.assign(&ndarray::Array1::from(round_preserving_sum(&row.to_vec())));
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn one_hit_is_taken_of_several_the_likeliest_of_none_none() {
        // Thresholds: 0.6, 0.3, and 2 for the class without labels.
        let labels = [0, 0, 1, 1];
        let probabilities = array![[0.8, 0.1, 0.1], [0.4, 0.35, 0.25], [0.65, 0.32, 0.03], [0.1, 0.28, 0.62]];
        assert_eq!(thresholds(&labels, probabilities.view()), [0.6000000000000001, 0.30000000000000004, 2.0]);
        assert_eq!(confident_classes(&labels, probabilities.view()), [Some(0), Some(1), Some(0), None]);
        let joint = confident_joint(&labels, probabilities.view());
        assert_eq!(joint, array![[1, 1, 0], [1, 1, 0], [0, 0, 0]]);
        assert_eq!(expected_errors(&labels, probabilities.view()), 2.0);
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let good = array![[0.9, 0.1], [0.2, 0.8]];
        let refused = |labels: &[usize], probabilities: &Array2<f64>, words: &str| {
            let why = check(labels, probabilities.view()).expect_err(words);
            assert!(why.contains(words), "{why}");
        };
        assert_eq!(check(&[0, 1], good.view()), Ok(()));
        refused(&[0, 1, 1], &good, "3 labels and 2 rows");
        refused(&[0, 2], &good, "row 1 has the label 2");
        refused(&[1, 1], &good, "every label is 1");
        refused(&[0, 1], &array![[0.9, f64::NAN], [0.2, 0.8]], "row 0, column 1 is NaN");
        refused(&[0, 1], &array![[0.9, 0.1], [1.2, 0.8]], "row 1, column 0 is 1.2");
        refused(&[0, 0], &array![[1.0], [1.0]], "fewer than two columns");
        refused(&[], &Array2::zeros((0, 2)), "no labels");
    }
}
