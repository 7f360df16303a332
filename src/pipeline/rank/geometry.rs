//! Where items lie to each other: dense features on the unit sphere, narrowed where they are wide.

use crate::pipeline::features::matrix::Features;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Wider rows are projected to this many dimensions at random, which keeps distances to within a few per cent
/// (Johnson & Lindenstrauss; signs instead of Gaussians after Achlioptas, 2003).
const DIMENSIONS: usize = 256;

/// Unit vectors of all rows so far.
#[derive(Debug, Clone)]
pub(super) struct Geometry {
    seed: u64,
    /// d × [`DIMENSIONS`], where d is larger.
    projection: Option<Array2<f32>>,
    vectors: Array2<f32>,
}

impl Geometry {
    pub fn new(seed: u64) -> Self {
        Self { seed, projection: None, vectors: Array2::zeros((0, 0)) }
    }

    /// Adds the rows that are missing, as far as `work` multiply-adds reach; true when all are there.
    pub fn extend(&mut self, features: &Features, work: &mut usize) -> bool {
        let columns = features.dense_columns();
        if self.vectors.nrows() == 0 {
            self.projection = (columns > DIMENSIONS).then(|| random_signs(self.seed, columns));
            self.vectors = Array2::zeros((0, columns.min(DIMENSIONS)));
        }
        while self.vectors.nrows() < features.len() {
            if *work == 0 {
                return false;
            }
            let known = self.vectors.nrows();
            let rows = features.dense.slice(s![known..(known + 256).min(features.len()), ..]);
            let mut new = match &self.projection {
                Some(projection) => rows.dot(projection),
                None => rows.to_owned(),
            };
            *work = work.saturating_sub(rows.len() * self.vectors.ncols());
            new.rows_mut().into_iter().for_each(|mut row| {
                let length = row.dot(&row).sqrt();
                if length > 0.0 {
                    row /= length;
                }
            });
            self.vectors.append(Axis(0), new.view()).expect("as many dimensions");
        }
        true
    }

    pub fn rows(&self) -> usize {
        self.vectors.nrows()
    }

    pub fn dimensions(&self) -> usize {
        self.vectors.ncols()
    }

    pub fn vector(&self, row: usize) -> ArrayView1<'_, f32> {
        self.vectors.row(row)
    }

    pub fn select(&self, rows: &[usize]) -> Array2<f32> {
        self.vectors.select(Axis(0), rows)
    }
}

/// ‖a − b‖² of each row of `others` to `vector`, all of unit length; never below 0.
pub(super) fn squared_distances(vector: ArrayView1<f32>, others: &Array2<f32>) -> Array1<f32> {
    others.dot(&vector).mapv_into(|cosine| (2.0 - 2.0 * cosine).max(0.0))
}

fn random_signs(seed: u64, columns: usize) -> Array2<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let size = 1.0 / (DIMENSIONS as f32).sqrt();
    Array2::from_shape_simple_fn((columns, DIMENSIONS), || if random.random::<bool>() { size } else { -size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    #[test]
    fn a_projection_keeps_distances_and_slices_change_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut features = Features::new(1280, 0);
        for _ in 0..300 {
            let dense = (0..1280).map(|_| random.random_range(0.0..1.0f32).powi(4)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        let mut whole = Geometry::new(5);
        assert!(whole.extend(&features, &mut usize::MAX.clone()));
        let mut sliced = Geometry::new(5);
        while !sliced.extend(&features, &mut 1) {}
        assert_eq!(whole.vectors, sliced.vectors);
        let unit = |row: usize| {
            let row = features.dense.row(row);
            &row / row.dot(&row).sqrt()
        };
        for (a, b) in [(0, 1), (5, 250), (299, 17)] {
            let true_cosine = unit(a).dot(&unit(b));
            let cosine = whole.vector(a).dot(&whole.vector(b));
            assert!((true_cosine - cosine).abs() < 0.15, "{true_cosine} {cosine}");
        }
    }
}
