//! The part of the features that a head reads: one half or both, the dense one perhaps in fewer dimensions.

use super::projection::Projection;
use super::spec::FeatureOptions;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array2, Axis};

/// What a head sees of feature rows. It is stored with the head.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureView {
    /// The dense width of the features it looks at.
    pub dense_columns: usize,
    /// Their sparse width; 0 where there is no sparse half.
    pub sparse_columns: usize,
    /// Whether the dense half is read.
    pub dense: bool,
    /// Whether the sparse half is read.
    pub sparse: bool,
    /// What reduces the dense half.
    pub projection: Option<Projection>,
}

impl FeatureView {
    /// Of these features, without reducing any (see [`FeatureView::projection`]).
    pub fn of(features: &Features, options: FeatureOptions) -> Self {
        Self {
            dense_columns: features.dense_columns(),
            sparse_columns: features.sparse_columns,
            dense: options.dense,
            sparse: options.sparse && features.sparse_columns > 0,
            projection: None,
        }
    }

    /// Whether it was made for features of these widths.
    pub fn fits(&self, features: &Features) -> bool {
        self.dense_columns == features.dense_columns() && self.sparse_columns == features.sparse_columns
    }

    /// The dense width of what is seen.
    pub fn seen_dense_columns(&self) -> usize {
        match &self.projection {
            _ if !self.dense => 0,
            Some(projection) => projection.dimensions(),
            None => self.dense_columns,
        }
    }

    /// The sparse width of what is seen.
    pub fn seen_sparse_columns(&self) -> usize {
        if self.sparse { self.sparse_columns } else { 0 }
    }

    /// The rows `rows` as the head sees them.
    pub fn look_at(&self, features: &Features, rows: &[usize]) -> Features {
        let dense = match &self.projection {
            _ if !self.dense => Array2::zeros((rows.len(), 0)),
            Some(projection) => projection.project(features.dense.select(Axis(0), rows)),
            None => features.dense.select(Axis(0), rows),
        };
        let sparse =
            if self.sparse { rows.iter().map(|&row| features.sparse[row].clone()).collect() } else { Vec::new() };
        Features { dense, sparse, sparse_columns: self.seen_sparse_columns() }
    }

    /// Multiply-adds that looking at one row costs.
    pub fn work_per_row(&self) -> usize {
        self.projection.as_ref().map_or(0, |projection| projection.dimensions() * self.dense_columns)
    }
}
