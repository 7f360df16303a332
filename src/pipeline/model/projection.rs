//! Fewer dimensions: the principal directions of the training rows, found in slices.

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rounds of subspace iteration; the spectra of embeddings fall fast, and the third round changes no head's accuracy.
const ROUNDS: usize = 3;
/// The directions are found on at most this many rows, evenly spread.
const MOST_ROWS: usize = 2048;
/// Rows multiplied at a time.
const CHUNK: usize = 64;

/// z = (x − mean) · basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// d numbers.
    pub mean: Array1<f32>,
    /// d × k, orthonormal columns.
    pub basis: Array2<f32>,
}

impl Projection {
    /// k.
    pub fn dimensions(&self) -> usize {
        self.basis.ncols()
    }

    /// n × k from n × d.
    pub fn project(&self, mut rows: Array2<f32>) -> Array2<f32> {
        rows -= &self.mean;
        rows.dot(&self.basis).as_standard_layout().into_owned()
    }
}

/// A projection being found: subspace iteration from a seeded random start (Halko, Martinsson & Tropp, "Finding
/// structure with randomness", 2011, algorithm 4.4). The basis spans the leading principal directions; within that
/// span it is not turned to the axes, which no head here minds.
#[derive(Debug, Clone)]
pub struct ProjectionFit {
    /// Centred rows.
    rows: Array2<f32>,
    mean: Array1<f32>,
    basis: Array2<f32>,
    sum: Array2<f32>,
    round: usize,
    next_row: usize,
}

impl ProjectionFit {
    /// Towards `dimensions` directions of these n × d rows.
    pub fn new(rows: Array2<f32>, dimensions: usize, seed: u64) -> Self {
        let mut rows = rows;
        if rows.nrows() > MOST_ROWS {
            let chosen: Vec<usize> = (0..MOST_ROWS).map(|place| place * rows.nrows() / MOST_ROWS).collect();
            rows = rows.select(Axis(0), &chosen);
        }
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        rows -= &mean;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut basis = Array2::from_shape_fn((rows.ncols(), dimensions), |_| random.random_range(-1.0..1.0f32));
        orthonormalise(&mut basis);
        let sum = Array2::zeros(basis.dim());
        Self { rows, mean, basis, sum, round: 0, next_row: 0 }
    }

    /// Works until about `work` multiply-adds are done; true when the projection is ready.
    pub fn step(&mut self, work: usize) -> bool {
        let per_row = 2 * self.basis.len().max(1);
        let mut left = work / per_row;
        while self.round < ROUNDS {
            let end = (self.next_row + CHUNK).min(self.rows.nrows());
            let chunk = self.rows.slice(s![self.next_row..end, ..]);
            self.sum += &chunk.t().dot(&chunk.dot(&self.basis));
            self.next_row = end;
            if end == self.rows.nrows() {
                // Directions without any spread stay as they were drawn, so that the basis keeps its width.
                let most = self.sum.iter().fold(1e-20f32, |most, x| x.abs().max(most));
                self.sum.scaled_add(1e-6 * most, &self.basis);
                std::mem::swap(&mut self.basis, &mut self.sum);
                orthonormalise(&mut self.basis);
                self.sum.fill(0.0);
                (self.round, self.next_row) = (self.round + 1, 0);
            }
            left = left.saturating_sub(CHUNK);
            if left == 0 {
                break;
            }
        }
        self.round >= ROUNDS
    }

    /// The projection, once [`ProjectionFit::step`] returned true.
    pub fn finish(self) -> Projection {
        Projection { mean: self.mean, basis: self.basis }
    }
}

/// Modified Gram–Schmidt on the columns, twice, which is as good as orthogonal in f32.
fn orthonormalise(basis: &mut Array2<f32>) {
    let mut columns: Array2<f32> = basis.t().as_standard_layout().into_owned();
    for _ in 0..2 {
        for at in 0..columns.nrows() {
            let (before, mut rest) = columns.view_mut().split_at(Axis(0), at);
            let mut column = rest.row_mut(0);
            for earlier in before.rows() {
                let overlap = dot(earlier, column.view());
                column.scaled_add(-overlap, &earlier);
            }
            let length = dot(column.view(), column.view()).sqrt();
            if length > 0.0 {
                column /= length;
            }
        }
    }
    basis.assign(&columns.t());
}

fn dot(a: ArrayView1<f32>, b: ArrayView1<f32>) -> f32 {
    a.dot(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose spread is 5, 3 and 1 along three known directions, and 0.05 elsewhere.
    fn rows() -> Array2<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut rows = Array2::from_shape_fn((300, 40), |_| random.random_range(-0.05..0.05f32));
        for mut row in rows.rows_mut() {
            for (column, spread) in [(7, 5.0), (20, 3.0), (33, 1.0)] {
                row[column] += spread * random.random_range(-1.0..1.0f32) + 2.0;
            }
        }
        rows
    }

    #[test]
    fn the_widest_directions_are_found_in_any_slices() {
        let whole = |work| {
            let mut fit = ProjectionFit::new(rows(), 3, 5);
            let mut slices = 1;
            while !fit.step(work) {
                slices += 1;
            }
            (fit.finish(), slices)
        };
        let (projection, _) = whole(usize::MAX);
        let (sliced, slices) = whole(1);
        assert!(slices > 10 && sliced == projection, "{slices} slices");
        for column in [7, 20, 33] {
            let kept: f32 = projection.basis.row(column).iter().map(|weight| weight * weight).sum();
            assert!(kept > 0.99, "column {column}: {kept}");
        }
        let gram = projection.basis.t().dot(&projection.basis);
        let off = (&gram - &Array2::<f32>::eye(3)).iter().fold(0.0f32, |most, x| x.abs().max(most));
        assert!(off < 1e-5, "{off}");
        let projected = projection.project(rows());
        assert!(projected.mean_axis(Axis(0)).expect("rows").iter().all(|mean| mean.abs() < 1e-4));
    }

    #[test]
    fn more_dimensions_than_the_rows_span_are_still_orthonormal() {
        let mut fit = ProjectionFit::new(rows().slice(s![..4, ..]).to_owned(), 10, 1);
        while !fit.step(1000) {}
        let basis = fit.finish().basis;
        let gram = basis.t().dot(&basis);
        assert!((0..10).all(|k| (gram[[k, k]] - 1.0).abs() < 1e-4), "{gram}");
    }
}
