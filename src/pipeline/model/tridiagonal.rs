//! A symmetric matrix as Q T Qᵀ with T tridiagonal: then (A + λI)⁻¹ costs next to nothing for as many λ as wanted.

use ndarray::{Array2, Axis, s};

/// A reduction under way (Householder; Golub & Van Loan, Matrix Computations, algorithm 8.3.1). It costs 5/3 m³
/// multiply-adds for an m × m matrix, in slices of one column, in the matrix's own memory.
#[derive(Debug, Clone)]
pub struct Tridiagonalisation {
    /// What is left to reduce to the lower right; reflection k lies in row k, right of the diagonal. In the second phase
    /// Q grows from the lower right.
    matrix: Array2<f64>,
    diagonal: Vec<f64>,
    off_diagonal: Vec<f64>,
    /// 2 / vᵀv of each reflection; 0 where none was needed.
    scales: Vec<f64>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Reduce(usize),
    /// How many reflections are still to be put into Q.
    Accumulate(usize),
    Done,
}

/// A = Q T Qᵀ.
#[derive(Debug, Clone)]
pub struct Tridiagonal {
    /// Q, m × m.
    pub basis: Array2<f64>,
    diagonal: Vec<f64>,
    off_diagonal: Vec<f64>,
}

/// T + λI, factored as L D Lᵀ.
#[derive(Debug, Clone)]
pub struct Shifted {
    /// D.
    pivots: Vec<f64>,
    /// Below the diagonal of L.
    factors: Vec<f64>,
}

impl Tridiagonalisation {
    /// Of a symmetric m × m matrix.
    pub fn new(matrix: Array2<f64>) -> Self {
        let side = matrix.nrows();
        Self {
            // A product of narrow matrices may lie column by column; rows are what is read here.
            matrix: matrix.as_standard_layout().into_owned(),
            diagonal: vec![0.0; side],
            off_diagonal: vec![0.0; side.saturating_sub(1)],
            scales: vec![0.0; side],
            phase: Phase::Reduce(0),
        }
    }

    /// Works until about `work` multiply-adds are done, at least one column; true when all is done.
    pub fn step(&mut self, work: usize) -> bool {
        let mut left = work;
        let side = self.matrix.nrows();
        loop {
            let done = match self.phase {
                Phase::Reduce(column) if column < side => {
                    self.reduce(column);
                    self.phase = Phase::Reduce(column + 1);
                    3 * (side - column).pow(2)
                }
                Phase::Reduce(_) => {
                    self.phase = Phase::Accumulate(side);
                    0
                }
                Phase::Accumulate(0) => {
                    self.phase = Phase::Done;
                    0
                }
                Phase::Accumulate(count) => {
                    self.accumulate(count - 1);
                    self.phase = Phase::Accumulate(count - 1);
                    2 * (side - count).pow(2)
                }
                Phase::Done => return true,
            };
            left = left.saturating_sub(done);
            if left == 0 && !matches!(self.phase, Phase::Done) {
                return false;
            }
        }
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        let side = self.matrix.nrows().max(1) as f64;
        match self.phase {
            Phase::Reduce(column) => 0.6 * (1.0 - (1.0 - column as f64 / side).powi(3)),
            Phase::Accumulate(count) => 0.6 + 0.4 * (1.0 - count as f64 / side).powi(3),
            Phase::Done => 1.0,
        }
    }

    /// The result, once [`Tridiagonalisation::step`] returned true.
    pub fn finish(self) -> Tridiagonal {
        Tridiagonal { basis: self.matrix, diagonal: self.diagonal, off_diagonal: self.off_diagonal }
    }

    fn reduce(&mut self, column: usize) {
        self.diagonal[column] = self.matrix[[column, column]];
        let side = self.matrix.nrows();
        if column + 1 >= side {
            return;
        }
        // By symmetry the row is the column.
        let mut reflection: Vec<f64> = self.matrix.slice(s![column, column + 1..]).to_vec();
        let rest: f64 = reflection[1..].iter().map(|value| value * value).sum();
        if rest == 0.0 {
            self.off_diagonal[column] = reflection[0];
            return;
        }
        let length = (reflection[0] * reflection[0] + rest).sqrt();
        let target = if reflection[0] > 0.0 { -length } else { length };
        reflection[0] -= target;
        let scale = 2.0 / (reflection[0] * reflection[0] + rest);
        (self.off_diagonal[column], self.scales[column]) = (target, scale);
        let mut block = self.matrix.slice_mut(s![column + 1.., column + 1..]);
        let mut image: Vec<f64> =
            block.rows().into_iter().map(|row| scale * dot(row.as_slice().expect("row-major"), &reflection)).collect();
        let half = 0.5 * scale * dot(&image, &reflection);
        image.iter_mut().zip(&reflection).for_each(|(image, v)| *image -= half * v);
        for (at, mut row) in block.axis_iter_mut(Axis(0)).enumerate() {
            let (v, w) = (reflection[at], image[at]);
            for ((value, other_v), other_w) in row.iter_mut().zip(&reflection).zip(&image) {
                *value -= v * other_w + w * other_v;
            }
        }
        self.matrix.slice_mut(s![column, column + 1..]).iter_mut().zip(reflection).for_each(|(to, v)| *to = v);
    }

    /// Q ← H Q for the reflection of `column`, on the block that is not the identity.
    fn accumulate(&mut self, column: usize) {
        let side = self.matrix.nrows();
        let reflection: Vec<f64> = self.matrix.slice(s![column, column + 1..]).to_vec();
        let scale = self.scales[column];
        if column + 1 < side && scale > 0.0 {
            let mut block = self.matrix.slice_mut(s![column + 1.., column + 1..]);
            let mut image = vec![0.0; reflection.len()];
            for (row, v) in block.rows().into_iter().zip(&reflection) {
                image.iter_mut().zip(row).for_each(|(image, value)| *image += v * value);
            }
            for (mut row, v) in block.rows_mut().into_iter().zip(&reflection) {
                row.iter_mut().zip(&image).for_each(|(value, image)| *value -= scale * v * image);
            }
        }
        self.matrix.slice_mut(s![column, column..]).fill(0.0);
        self.matrix.slice_mut(s![column.., column]).fill(0.0);
        self.matrix[[column, column]] = 1.0;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Tridiagonal {
    /// T + `shift` I, which must be positive definite; rounding that would make it less is cut off.
    pub fn shifted(&self, shift: f64) -> Shifted {
        let least = shift.abs() * 1e-9 + f64::MIN_POSITIVE;
        let mut pivots = Vec::with_capacity(self.diagonal.len());
        let mut factors = Vec::with_capacity(self.off_diagonal.len());
        let mut carried = 0.0;
        for (at, diagonal) in self.diagonal.iter().enumerate() {
            let pivot = (diagonal + shift - carried).max(least);
            pivots.push(pivot);
            if let Some(off) = self.off_diagonal.get(at) {
                factors.push(off / pivot);
                carried = off * off / pivot;
            }
        }
        Shifted { pivots, factors }
    }
}

impl Shifted {
    /// x with (T + λI) x = b.
    pub fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        for at in 1..b.len() {
            b[at] -= self.factors[at - 1] * b[at - 1];
        }
        b.iter_mut().zip(&self.pivots).for_each(|(value, pivot)| *value /= pivot);
        for at in (1..b.len()).rev() {
            b[at - 1] -= self.factors[at - 1] * b[at];
        }
        b
    }

    /// bᵀ (T + λI)⁻¹ b.
    pub fn quadratic_form<'a>(&self, b: impl IntoIterator<Item = &'a f64>) -> f64 {
        let (mut carried, mut sum) = (0.0, 0.0);
        for (at, value) in b.into_iter().enumerate() {
            let factor = if at == 0 { 0.0 } else { self.factors[at - 1] };
            carried = value - factor * carried;
            sum += carried * carried / self.pivots[at];
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn positive(side: usize, rank: usize) -> Array2<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(side as u64);
        let factor = Array2::from_shape_fn((side, rank), |_| random.random_range(-1.0..1.0));
        factor.dot(&factor.t())
    }

    #[test]
    fn solves_as_the_whole_matrix_does_for_any_shift_and_slices() {
        for (side, rank) in [(1, 1), (2, 2), (3, 1), (30, 30), (30, 7)] {
            let matrix = positive(side, rank);
            let mut reduction = Tridiagonalisation::new(matrix.clone());
            while !reduction.step(1) {}
            let reduced = reduction.finish();
            let unit = reduced.basis.t().dot(&reduced.basis) - Array2::<f64>::eye(side);
            assert!(unit.iter().all(|off| off.abs() < 1e-12), "Q is orthogonal");
            for shift in [1e-4, 0.5, 20.0] {
                let shifted = reduced.shifted(shift);
                let b = Array1::from_shape_fn(side, |at| (at as f64).sin() + 0.3);
                let rotated = reduced.basis.t().dot(&b);
                let x = reduced.basis.dot(&Array1::from(shifted.solve(rotated.to_vec())));
                let left = matrix.dot(&x) + &(&x * shift) - &b;
                assert!(left.iter().all(|off| off.abs() < 1e-8), "{side}, {shift}: {left}");
                let form = shifted.quadratic_form(&rotated);
                assert!((form - b.dot(&x)).abs() < 1e-8 * form.abs().max(1.0), "{form}");
            }
        }
    }
}
