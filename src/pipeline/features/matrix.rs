//! The features of many items, one row an item.

use ndarray::{Array2, ArrayView1};

/// The non-zero entries of one wide row (hashed n-grams), indices strictly increasing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseRow {
    /// Column numbers, each below the matrix's `sparse_columns`.
    pub indices: Vec<u32>,
    /// The values at those columns.
    pub values: Vec<f32>,
}

/// The vector of one item: always a dense half, for texts also a sparse one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureVector {
    /// Drives distances and, with the sparse half, the heads.
    pub dense: Vec<f32>,
    /// Empty for images and tables.
    pub sparse: SparseRow,
}

impl FeatureVector {
    /// Whether it is what an extractor could have made: finite numbers, and sparse entries whose columns rise.
    pub fn is_sound(&self) -> bool {
        let SparseRow { indices, values } = &self.sparse;
        self.dense.iter().chain(values).all(|value| value.is_finite())
            && indices.len() == values.len()
            && indices.windows(2).all(|pair| pair[0] < pair[1])
    }
}

/// The features of n items. Row i belongs to item i. The dense half alone drives distances (diversity, map,
/// neighbours); a head sees both halves side by side, dense columns first.
#[derive(Debug, Clone)]
pub struct Features {
    /// n × d, row-major.
    pub dense: Array2<f32>,
    /// n rows where the kind has a sparse half, none otherwise.
    pub sparse: Vec<SparseRow>,
    /// The width of the sparse half; 0 where there is none.
    pub sparse_columns: usize,
}

impl Features {
    /// No rows yet: `dense_columns` wide, with a sparse half of `sparse_columns` (0 for none).
    pub fn new(dense_columns: usize, sparse_columns: usize) -> Self {
        Self { dense: Array2::zeros((0, dense_columns)), sparse: Vec::new(), sparse_columns }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.dense.nrows()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of the dense half.
    pub fn dense_columns(&self) -> usize {
        self.dense.ncols()
    }

    /// Dense plus sparse width: what a head's weight vector has an entry for.
    pub fn columns(&self) -> usize {
        self.dense_columns() + self.sparse_columns
    }

    /// Whether it can be a row: sound and as wide as the others. What was stored or came in a file need not be.
    pub fn accepts(&self, vector: &FeatureVector) -> bool {
        let last = vector.sparse.indices.last();
        vector.is_sound()
            && vector.dense.len() == self.dense_columns()
            && last.is_none_or(|&last| (last as usize) < self.sparse_columns)
    }

    /// Adds one row at the end.
    ///
    /// # Panics
    /// If the vector's widths are not this matrix's (see [`Features::accepts`]): rows of one project come from one extractor.
    pub fn push(&mut self, vector: FeatureVector) {
        self.dense.push_row(ArrayView1::from(&vector.dense)).expect("a row as wide as the matrix");
        if self.sparse_columns > 0 {
            assert!(vector.sparse.indices.last().is_none_or(|&last| (last as usize) < self.sparse_columns));
            self.sparse.push(vector.sparse);
        }
    }

    /// The rows `rows`, in that order, as a matrix of their own.
    pub fn select(&self, rows: &[usize]) -> Features {
        Features {
            dense: self.dense.select(ndarray::Axis(0), rows),
            sparse: if self.sparse_columns > 0 {
                rows.iter().map(|&row| self.sparse[row].clone()).collect()
            } else {
                Vec::new()
            },
            sparse_columns: self.sparse_columns,
        }
    }
}
