//! Small symmetric systems of equations.

use ndarray::Array2;

/// The lower triangle L of A = L Lᵀ.
#[derive(Debug, Clone, PartialEq)]
pub struct Cholesky(Array2<f64>);

impl Cholesky {
    /// Factors a symmetric positive definite matrix, of which the lower triangle is read. A pivot that rounding has made 0 or negative
    /// becomes tiny: its direction is then all but left out of solutions.
    pub fn of(mut matrix: Array2<f64>) -> Self {
        let size = matrix.nrows();
        let tiny = 1e-12 * matrix.diag().iter().fold(f64::MIN_POSITIVE, |most, &x| most.max(x));
        for column in 0..size {
            for row in column..size {
                let known: f64 = (0..column).map(|k| matrix[[row, k]] * matrix[[column, k]]).sum();
                let rest = matrix[[row, column]] - known;
                matrix[[row, column]] = if row == column {
                    if rest > tiny { rest.sqrt() } else { 1e150 }
                } else {
                    rest / matrix[[column, column]]
                };
            }
        }
        Self(matrix)
    }

    /// x of A x = `right`.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let size = self.0.nrows();
        let mut x = right.to_vec();
        for row in 0..size {
            let known: f64 = (0..row).map(|k| self.0[[row, k]] * x[k]).sum();
            x[row] = (x[row] - known) / self.0[[row, row]];
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|k| self.0[[k, row]] * x[k]).sum();
            x[row] = (x[row] - known) / self.0[[row, row]];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_can_be_solved() {
        let matrix = Array2::from_shape_vec((3, 3), vec![4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0]).expect("3 × 3");
        let wanted = [1.0, -2.0, 0.5];
        let right: Vec<f64> =
            matrix.rows().into_iter().map(|row| row.iter().zip(wanted).map(|(a, x)| a * x).sum()).collect();
        let found = Cholesky::of(matrix).solve(&right);
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-12), "{found:?}");
        let singular = Array2::from_elem((2, 2), 1.0);
        let found = Cholesky::of(singular).solve(&[2.0, 2.0]);
        assert!((found[0] - 2.0).abs() < 1e-9 && found[1].abs() < 1e-9, "{found:?}");
    }
}
