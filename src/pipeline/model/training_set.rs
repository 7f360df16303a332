//! The labelled rows as a head trains on them: gathered, centred, scaled, with only the sparse columns that occur.

use crate::pipeline::features::matrix::{Features, SparseRow};
use ndarray::{Array2, ArrayView1, ArrayView2, s};

/// How features are scaled before the L2 penalty sees them. The penalty is not indifferent to scale, the
/// extractors' scales differ, and one strength `c` should suit all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// As they come: scikit-learn's behaviour.
    AsGiven,
    /// Each half (dense, sparse) is multiplied by one number that makes the mean squared distance of the training
    /// rows from their mean 1.
    UnitSpread,
}

/// What an intercept's parameter is multiplied by, on features of unit spread. Those share their variance among all columns; a
/// column of ones for the intercept would outweigh every one of them, and L-BFGS would need twice as many iterations.
/// Evaluations until within 0.1 % of the optimum, on embeddings of 1,000 photos: 30 with 1, 16 with 0.55, 13 with 0.25, 15
/// with 0.1.
const INTERCEPT_SCALE: f64 = 0.25;

/// At most so many weights of the sparse half, classes times columns: 16 MB of f32, and fifteen times that while L-BFGS fits them.
/// Where more columns occur, those that the fewest training rows have are left out (a vocabulary cut by document frequency):
/// from 32 classes on at the 2¹⁷ columns that 20,000 short texts have, and never with 16 or fewer.
const MOST_SPARSE_WEIGHTS: usize = 4 << 20;

/// Rows whose sparse entries are also kept in the order of their columns: a sum over rows then reads and writes each column's once,
/// and not with every entry. So few that their residuals stay in the cache.
pub(super) const BLOCK: usize = 512;

/// One number of a block's sparse rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// Compact.
    pub column: u32,
    /// Within the block.
    pub row: u32,
    pub value: f32,
}

/// Rows and classes to train on. Dense columns are centred (with an unpenalised intercept the optimum is the same,
/// and L-BFGS needs 2–3 times fewer iterations); sparse ones never are, they would no longer be sparse.
#[derive(Debug, Clone)]
pub struct TrainingSet {
    dense: Array2<f32>,
    sparse: Vec<SparseRow>,
    /// The same entries, block by block of [`BLOCK`] rows, those of a column together.
    blocks: Vec<Vec<Entry>>,
    targets: Vec<usize>,
    classes: usize,
    centre: Vec<f32>,
    dense_scale: f32,
    sparse_scale: f32,
    intercept_scale: f64,
    columns: ColumnMap,
}

/// Which of the many hashed columns occur in the training rows, numbered in order of first appearance.
#[derive(Debug, Clone)]
struct ColumnMap {
    /// Hashed column → compact column, [`UNSEEN`] where it does not occur, [`LEFT_OUT`] where there are too many.
    compact: Vec<u32>,
    /// Compact column → hashed column.
    hashed: Vec<u32>,
    /// How many columns may be numbered.
    most: usize,
}

const UNSEEN: u32 = u32::MAX;
const LEFT_OUT: u32 = u32::MAX - 1;

impl ColumnMap {
    /// For these rows and so many classes.
    fn of(features: &Features, rows: &[usize], classes: usize) -> Self {
        let most = MOST_SPARSE_WEIGHTS / classes.max(1);
        let mut map = Self { compact: vec![UNSEEN; features.sparse_columns], hashed: Vec::new(), most };
        if features.sparse_columns <= most {
            return map;
        }
        let mut rows_with = vec![0u32; features.sparse_columns];
        for &row in rows {
            features.sparse[row].indices.iter().for_each(|&column| rows_with[column as usize] += 1);
        }
        let mut occurring: Vec<u32> =
            (0..features.sparse_columns as u32).filter(|&column| rows_with[column as usize] > 0).collect();
        if occurring.len() > most {
            // The most frequent stay; of equals the lower numbers, which a hash has made random.
            occurring.select_nth_unstable_by_key(most, |&column| (u32::MAX - rows_with[column as usize], column));
            occurring[most..].iter().for_each(|&column| map.compact[column as usize] = LEFT_OUT);
        }
        map
    }

    fn compact(&mut self, row: &SparseRow, scale: f32) -> SparseRow {
        let mut compact = SparseRow::default();
        for (&column, &value) in row.indices.iter().zip(&row.values) {
            let slot = &mut self.compact[column as usize];
            if *slot == UNSEEN {
                if self.hashed.len() < self.most {
                    *slot = self.hashed.len() as u32;
                    self.hashed.push(column);
                } else {
                    *slot = LEFT_OUT;
                }
            }
            if *slot != LEFT_OUT {
                compact.indices.push(*slot);
                compact.values.push(value * scale);
            }
        }
        compact
    }
}

impl TrainingSet {
    /// Gathers the rows of `labels`, each a (row, class) with class < `classes`.
    ///
    /// # Panics
    /// If a row or a class is out of range.
    pub fn gather(features: &Features, labels: &[(usize, usize)], classes: usize, scaling: Scaling) -> Self {
        let rows: Vec<usize> = labels.iter().map(|&(row, _)| row).collect();
        let columns = features.dense.ncols();
        let mut values = Vec::with_capacity(rows.len() * columns);
        let mut sums = vec![0.0f64; columns];
        for &row in &rows {
            let row = features.dense.row(row);
            let row = row.as_standard_layout();
            let row = row.as_slice().expect("row-major");
            values.extend_from_slice(row);
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let count = rows.len().max(1) as f64;
        let centre: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
        let mut squares = 0.0;
        for row in values.chunks_exact_mut(columns.max(1)) {
            row.iter_mut().zip(&centre).for_each(|(value, centre)| *value -= centre);
            squares += sum_of_squares(row);
        }
        let mut dense = Array2::from_shape_vec((rows.len(), columns), values).expect("n × d");
        let (dense_scale, sparse_scale) = match scaling {
            Scaling::AsGiven => (1.0, 1.0),
            Scaling::UnitSpread => {
                (unit_spread(squares, rows.len()), unit_spread(sparse_spread(features, &rows), rows.len()))
            }
        };
        dense *= dense_scale;
        let mut set = Self {
            dense,
            sparse: Vec::new(),
            blocks: Vec::new(),
            targets: Vec::with_capacity(labels.len()),
            classes,
            centre,
            dense_scale,
            sparse_scale,
            intercept_scale: if scaling == Scaling::UnitSpread { INTERCEPT_SCALE } else { 1.0 },
            columns: ColumnMap::of(features, &rows, classes),
        };
        for &(row, class) in labels {
            set.push_target_and_sparse(features, row, class);
        }
        set.blocks = (0..set.sparse.len()).step_by(BLOCK).map(|first| set.block(first)).collect();
        set
    }

    /// Adds one more labelled row. Centre and scales stay as they were gathered: the centre changes no optimum, and
    /// the next gathering renews the scales.
    pub fn push(&mut self, features: &Features, row: usize, class: usize) {
        let mut dense = &features.dense.row(row) - &ArrayView1::from(&self.centre);
        dense *= self.dense_scale;
        self.dense.push_row(dense.view()).expect("rows of one project are equally wide");
        self.classes = self.classes.max(class + 1);
        self.push_target_and_sparse(features, row, class);
        if let Some(last) = self.sparse.len().checked_sub(1) {
            self.blocks.truncate(last / BLOCK);
            self.blocks.push(self.block(last / BLOCK * BLOCK));
        }
    }

    /// The entries of the rows from `first` on, by column, then by row.
    fn block(&self, first: usize) -> Vec<Entry> {
        let rows = self.sparse[first..].iter().take(BLOCK).zip(0..);
        let mut entries: Vec<Entry> = rows
            .flat_map(|(of_row, row)| {
                of_row.indices.iter().zip(&of_row.values).map(move |(&column, &value)| Entry { column, row, value })
            })
            .collect();
        entries.sort_unstable_by_key(|entry| (entry.column, entry.row));
        entries
    }

    fn push_target_and_sparse(&mut self, features: &Features, row: usize, class: usize) {
        assert!(class < self.classes, "class {class} of {}", self.classes);
        self.targets.push(class);
        if features.sparse_columns > 0 {
            self.sparse.push(self.columns.compact(&features.sparse[row], self.sparse_scale));
        }
    }

    /// n.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether nothing is labelled.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// K, with and without labels.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes of the rows.
    pub fn targets(&self) -> &[usize] {
        &self.targets
    }

    /// How many numbers the rows have: n d and the sparse halves' entries.
    pub fn entries(&self) -> usize {
        self.dense.len() + self.sparse.iter().map(|row| row.indices.len()).sum::<usize>()
    }

    /// d.
    pub fn dense_columns(&self) -> usize {
        self.dense.ncols()
    }

    /// How many sparse columns occur.
    pub fn sparse_columns(&self) -> usize {
        self.columns.hashed.len()
    }

    /// The width of the whole sparse half.
    pub fn hashed_columns(&self) -> usize {
        self.columns.compact.len()
    }

    /// Centred and scaled dense rows.
    pub(super) fn dense_rows(&self, rows: std::ops::Range<usize>) -> ArrayView2<'_, f32> {
        self.dense.slice(s![rows, ..])
    }

    /// A scaled sparse row in compact columns; `None` where there is no sparse half.
    pub(super) fn sparse_row(&self, row: usize) -> Option<&SparseRow> {
        self.sparse.get(row)
    }

    /// The entries of the block that begins at row `first`, by column, then by row; none where there is no sparse half.
    pub(super) fn sparse_block(&self, first: usize) -> &[Entry] {
        self.blocks.get(first / BLOCK).map_or(&[], |block| block)
    }

    /// The hashed column behind each compact one.
    pub(super) fn hashed_column(&self) -> &[u32] {
        &self.columns.hashed
    }

    /// What the intercepts' parameters are multiplied by: it changes how soon a fit converges, and not what to.
    pub(super) fn intercept_scale(&self) -> f64 {
        self.intercept_scale
    }

    /// What was subtracted from the dense columns, and by what each half was multiplied: (centre, dense, sparse).
    pub(super) fn transformation(&self) -> (&[f32], f32, f32) {
        (&self.centre, self.dense_scale, self.sparse_scale)
    }
}

/// Eight sums side by side: one addition need not wait for the one before.
fn sum_of_squares(values: &[f32]) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &value)| *sum += f64::from(value) * f64::from(value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>()
}

/// The number that makes the mean squared distance from the mean 1, given the sum of squares about the mean of n
/// rows; 1 where the rows do not differ.
fn unit_spread(sum_of_squares: f64, rows: usize) -> f32 {
    let spread = sum_of_squares / rows.saturating_sub(1).max(1) as f64;
    if spread > 1e-12 { (1.0 / spread.sqrt()) as f32 } else { 1.0 }
}

/// Sum of squares of the sparse rows about their mean, by Σ‖x‖² − ‖Σx‖²/n.
fn sparse_spread(features: &Features, rows: &[usize]) -> f64 {
    if features.sparse_columns == 0 {
        return 0.0;
    }
    let mut sum = vec![0.0f64; features.sparse_columns];
    let mut squares = 0.0;
    for &row in rows {
        let row = &features.sparse[row];
        for (&column, &value) in row.indices.iter().zip(&row.values) {
            sum[column as usize] += f64::from(value);
            squares += f64::from(value).powi(2);
        }
    }
    let mean_part = sum.iter().map(|total| total * total).sum::<f64>() / rows.len().max(1) as f64;
    (squares - mean_part).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::FeatureVector;

    fn features() -> Features {
        let mut features = Features::new(2, 1 << 18);
        for (x, column) in [(3.0, 200_000), (5.0, 7), (100.0, 9), (7.0, 7)] {
            let sparse = SparseRow { indices: vec![column], values: vec![4.0] };
            features.push(FeatureVector { dense: vec![x, 1.0], sparse });
        }
        features
    }

    #[test]
    fn only_occurring_columns_are_kept() {
        let mut set = TrainingSet::gather(&features(), &[(0, 0), (1, 1)], 2, Scaling::AsGiven);
        assert_eq!((set.sparse_columns(), set.hashed_column()), (2, &[200_000, 7][..]));
        set.push(&features(), 3, 1);
        assert_eq!((set.len(), set.sparse_columns()), (3, 2));
    }

    #[test]
    fn with_many_classes_the_rarest_columns_are_left_out() {
        let mut features = Features::new(1, 1 << 18);
        for row in 0..200u32 {
            // Column 3 is in every row, 1,000 to 1,099 in two each, the others in one.
            let sparse = SparseRow { indices: vec![3, 1000 + row % 100, 5000 + row], values: vec![1.0; 3] };
            features.push(FeatureVector { dense: vec![row as f32], sparse });
        }
        let labels: Vec<(usize, usize)> = (0..200).map(|row| (row, row)).collect();
        let few = TrainingSet::gather(&features, &labels, 200, Scaling::AsGiven);
        assert_eq!(few.sparse_columns(), 301);
        let mut set = TrainingSet::gather(&features, &labels, MOST_SPARSE_WEIGHTS / 101, Scaling::AsGiven);
        let mut kept = set.hashed_column().to_vec();
        kept.sort_unstable();
        assert_eq!(kept, std::iter::once(3).chain(1000..1100).collect::<Vec<u32>>());
        assert_eq!(set.sparse_row(7).map(|row| row.indices.len()), Some(2));
        features.push(FeatureVector { dense: vec![0.0], sparse: SparseRow { indices: vec![9], values: vec![1.0] } });
        set.push(&features, 200, 0);
        assert_eq!(set.sparse_columns(), 101, "a row that comes later brings no more");
    }

    #[test]
    fn unit_spread_makes_the_mean_squared_distance_one() {
        let set = TrainingSet::gather(&features(), &[(0, 0), (1, 1), (3, 1)], 2, Scaling::UnitSpread);
        let squares: f32 = set.dense_rows(0..3).iter().map(|value| value * value).sum();
        assert!((squares / 2.0 - 1.0).abs() < 1e-5, "{squares}");
        let alone = TrainingSet::gather(&features(), &[(0, 0)], 2, Scaling::UnitSpread);
        assert!(alone.dense_rows(0..1).iter().all(|value| value.is_finite()));
    }
}
