//! Rows of unit length, so that a product of two is their cosine.

use crate::pipeline::features::matrix::Features;
use ndarray::ArrayViewMut1;

/// Scales every row to length 1, its two halves, where both are there, to the same length: neither may drown the other.
/// A half of zeros stays one.
pub fn to_unit_rows(features: &mut Features) {
    let both = features.dense_columns() > 0 && features.sparse_columns > 0;
    let half = if both { 0.5f32.sqrt() } else { 1.0 };
    for row in features.dense.rows_mut() {
        to_length(row, half);
    }
    for row in &mut features.sparse {
        to_length(ArrayViewMut1::from(&mut row.values), half);
    }
}

fn to_length(mut row: ArrayViewMut1<f32>, length: f32) {
    let now = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    if now > 0.0 {
        row *= length / now;
    }
}
