//! A linear head: weights and intercepts, and the logits they give.

use super::products::rows_by_classes;
use super::sparse_weights::SparseWeights;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut2, Axis, s};

/// The intercept of a class that no training label has: so low that its probability is 0 at any temperature, yet
/// finite, so that it survives every file format.
pub const ABSENT_INTERCEPT: f32 = -1e4;

/// Logits = weights · features + intercept, for K classes over d dense and (maybe) many sparse columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// K × d weights of the dense columns.
    pub dense: Array2<f32>,
    /// Of the sparse half; of width 0 where there is none.
    pub sparse: SparseWeights,
    /// One a class; [`ABSENT_INTERCEPT`] where the class had no label.
    pub intercepts: Vec<f32>,
}

impl Linear {
    /// A head that knows no class yet: all weights 0, every class absent.
    pub fn absent(classes: usize, dense_columns: usize, sparse_columns: usize) -> Self {
        Self {
            dense: Array2::zeros((classes, dense_columns)),
            sparse: SparseWeights::absent(classes, sparse_columns),
            intercepts: vec![ABSENT_INTERCEPT; classes],
        }
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.intercepts.len()
    }

    /// Dense plus sparse width.
    pub fn columns(&self) -> usize {
        self.dense.ncols() + self.sparse.width()
    }

    /// Whether the head was made for features of these widths.
    pub fn fits(&self, features: &Features) -> bool {
        self.dense.ncols() == features.dense_columns() && self.sparse.width() == features.sparse_columns
    }

    /// Whether the class had a training label.
    pub fn knows(&self, class: usize) -> bool {
        self.intercepts.get(class).is_some_and(|&intercept| intercept > ABSENT_INTERCEPT / 2.0)
    }

    /// Adds absent classes until there are `classes`.
    pub fn grow(&mut self, classes: usize) {
        let missing = classes.saturating_sub(self.classes());
        if missing == 0 {
            return;
        }
        let known = classes - missing;
        let mut dense = Array2::zeros((classes, self.dense.ncols()));
        dense.slice_mut(s![..known, ..]).assign(&self.dense);
        self.dense = dense;
        let picked: Vec<Option<usize>> = (0..classes).map(|class| (class < known).then_some(class)).collect();
        self.sparse = self.sparse.picked(&picked);
        self.intercepts.extend(std::iter::repeat_n(ABSENT_INTERCEPT, missing));
    }

    /// A head with these of its classes, in this order; `None` is an absent one.
    ///
    /// # Panics
    /// If a class is beyond its own.
    pub fn picked(&self, classes: &[Option<usize>]) -> Self {
        let mut head = Self::absent(classes.len(), self.dense.ncols(), self.sparse.width());
        head.sparse = self.sparse.picked(classes);
        for (class, &from) in classes.iter().enumerate() {
            let Some(from) = from else { continue };
            head.dense.row_mut(class).assign(&self.dense.row(from));
            head.intercepts[class] = self.intercepts[from];
        }
        head
    }

    /// n × K logits of all rows, uncalibrated.
    pub fn logits(&self, features: &Features) -> Array2<f32> {
        self.logits_of_rows(features, 0..features.len())
    }

    /// The logits of a run of rows, one row each.
    ///
    /// # Panics
    /// If the features' widths are not the head's (see [`Linear::fits`]), or the run ends past the last row.
    pub fn logits_of_rows(&self, features: &Features, rows: std::ops::Range<usize>) -> Array2<f32> {
        let mut logits = rows_by_classes(features.dense.slice(s![rows.clone(), ..]), self.dense.view());
        for mut row in logits.rows_mut() {
            row += &ArrayView1::from(&self.intercepts);
        }
        if !self.sparse.is_empty() {
            self.add_sparse(features, rows, logits.view_mut());
        }
        logits
    }

    /// The K logits of one row.
    pub fn logits_of_row(&self, features: &Features, row: usize) -> Array1<f32> {
        self.logits_of_rows(features, row..row + 1).remove_axis(Axis(0))
    }

    fn add_sparse(&self, features: &Features, rows: std::ops::Range<usize>, mut logits: ArrayViewMut2<f32>) {
        for (mut out, row) in logits.rows_mut().into_iter().zip(rows) {
            let sparse = &features.sparse[row];
            for (&column, &value) in sparse.indices.iter().zip(&sparse.values) {
                if let Some(weights) = self.sparse.column(column) {
                    out.scaled_add(value, &ArrayView1::from(weights));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    fn features() -> Features {
        let mut features = Features::new(2, 3);
        for i in 0..70 {
            features.push(FeatureVector {
                dense: vec![i as f32, 1.0],
                sparse: SparseRow { indices: vec![i % 3], values: vec![2.0] },
            });
        }
        features
    }

    #[test]
    fn dense_sparse_and_intercept_add_up() {
        let mut head = Linear::absent(3, 2, 3);
        head.dense.row_mut(1).assign(&ArrayView1::from(&[1.0, 10.0]));
        head.sparse = SparseWeights::of_columns(3, 3, &[1], &[0.0, 100.0, 0.0]);
        head.intercepts[1] = 0.5;
        let features = features();
        let all = head.logits(&features);
        assert_eq!(all[[0, 1]], 0.0 + 10.0 + 0.5);
        assert_eq!(all[[4, 1]], 4.0 + 10.0 + 200.0 + 0.5);
        assert_eq!(all.row(4), head.logits_of_row(&features, 4));
        assert!(head.knows(1) && !head.knows(0));
    }

    #[test]
    fn classes_are_picked_by_where_they_were() {
        let mut head = Linear::absent(2, 2, 3);
        head.dense.row_mut(1).fill(4.0);
        head.sparse = SparseWeights::of_columns(2, 3, &[2], &[0.0, 7.0]);
        head.intercepts = vec![1.0, 2.0];
        let picked = head.picked(&[Some(1), None, Some(0)]);
        assert_eq!((picked.dense[[0, 1]], picked.sparse.get(0, 2)), (4.0, 7.0));
        assert_eq!(picked.intercepts, [2.0, ABSENT_INTERCEPT, 1.0]);
    }

    #[test]
    fn growing_keeps_what_was_learnt() {
        let mut head = Linear::absent(1, 2, 3);
        head.dense[[0, 0]] = 3.0;
        head.intercepts[0] = 1.0;
        head.grow(3);
        assert_eq!((head.classes(), head.dense[[0, 0]], head.intercepts[0]), (3, 3.0, 1.0));
        assert!(!head.knows(2));
    }
}
