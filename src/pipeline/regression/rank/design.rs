//! The algebra of choosing: what is known of the weights, and what one more row would add.

use crate::pipeline::model::tridiagonal::Tridiagonalisation;
use ndarray::{Array1, Array2, ArrayView1, Axis};

/// Stands in the column of the intercept: so large that the prior hardly holds it back, as in the regression.
const INTERCEPT: f64 = 5.0;

/// What labelled rows tell of the weights: λI + Σ zzᵀ, with z a row about the pool's centre, of mean squared length 1, and
/// an intercept.
#[derive(Debug, Clone)]
pub(super) struct Information {
    centre: Array1<f32>,
    scale: f64,
    /// M, the mean of zzᵀ over the pool.
    moment: Array2<f64>,
    strength: f64,
    /// Σ zzᵀ.
    sum: Array2<f64>,
    rows: usize,
}

/// P = (λI + Σ zzᵀ)⁻¹, and what it says of candidates.
#[derive(Debug, Clone)]
pub(super) struct Design {
    centre: Array1<f32>,
    scale: f64,
    moment: Array2<f64>,
    covariance: Array2<f64>,
    /// The pool's mean variance: tr(PM).
    mean_variance: f64,
    /// z of each candidate, a row each.
    vectors: Array2<f64>,
    /// P z.
    images: Array2<f64>,
    /// zᵀ P z.
    variances: Vec<f64>,
    /// zᵀ P M P z.
    reductions: Vec<f64>,
    chosen: Vec<bool>,
    weighed: usize,
}

impl Information {
    /// Of no label yet; `references` stand for the pool.
    pub fn new(references: Array2<f32>, strength: f64) -> Self {
        let count = references.nrows().max(1) as f64;
        let centre = references.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(references.ncols()));
        let spread: f64 = (&references - &centre).iter().map(|&value| f64::from(value).powi(2)).sum();
        let scale = if spread > 0.0 { (count / spread).sqrt() } else { 1.0 };
        let seen = view(&references, &centre, scale);
        let side = seen.ncols();
        Self { centre, scale, moment: seen.t().dot(&seen) / count, strength, sum: Array2::zeros((side, side)), rows: 0 }
    }

    /// Takes in labelled rows.
    pub fn add(&mut self, rows: &Array2<f32>) {
        let seen = view(rows, &self.centre, self.scale);
        // Row by row, so that however they are cut into calls, sums are rounded the same.
        for row in seen.rows() {
            for (mut line, &value) in self.sum.rows_mut().into_iter().zip(row) {
                line.scaled_add(value, &row);
            }
        }
        self.rows += rows.nrows();
    }

    /// Rows taken in.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Multiply-adds that taking in a row costs; of 64 bits, so they count double.
    pub fn work_per_row(&self) -> usize {
        2 * self.sum.len()
    }

    /// Multiply-adds of [`Information::design`].
    pub fn work_of_inverting(&self) -> usize {
        8 * self.sum.len() * self.sum.nrows()
    }

    /// Ready to weigh so many candidates.
    pub fn design(self, candidates: usize) -> Design {
        let side = self.sum.nrows();
        let mut reduction = Tridiagonalisation::new(self.sum);
        while !reduction.step(usize::MAX) {}
        let reduced = reduction.finish();
        let shifted = reduced.shifted(self.strength);
        let mut covariance = Array2::zeros((side, side));
        for column in 0..side {
            let solved = Array1::from(shifted.solve(reduced.basis.row(column).to_vec()));
            covariance.column_mut(column).assign(&reduced.basis.dot(&solved));
        }
        Design {
            mean_variance: (&covariance * &self.moment).sum(),
            centre: self.centre,
            scale: self.scale,
            moment: self.moment,
            covariance,
            vectors: Array2::zeros((candidates, side)),
            images: Array2::zeros((candidates, side)),
            variances: Vec::with_capacity(candidates),
            reductions: Vec::with_capacity(candidates),
            chosen: vec![false; candidates],
            weighed: 0,
        }
    }
}

impl Design {
    /// Candidates weighed.
    pub fn weighed(&self) -> usize {
        self.weighed
    }

    /// Weighs the next candidates.
    pub fn weigh(&mut self, rows: &Array2<f32>) {
        let seen = view(rows, &self.centre, self.scale);
        for row in seen.rows() {
            let image = self.covariance.dot(&row);
            self.variances.push(row.dot(&image).max(0.0));
            self.reductions.push(image.dot(&self.moment.dot(&image)).max(0.0));
            self.vectors.row_mut(self.weighed).assign(&row);
            self.images.row_mut(self.weighed).assign(&image);
            self.weighed += 1;
        }
    }

    /// The candidate that lowers the pool's mean variance most, the first of equals: (place, its variance, the share of the
    /// pool's mean variance that it takes away). From then on it counts as labelled. `None` if none is left.
    pub fn choose(&mut self) -> Option<(usize, f64, f64)> {
        let gain = |place: usize| self.reductions[place] / (1.0 + self.variances[place]);
        let left = (0..self.weighed).filter(|&place| !self.chosen[place]);
        let best = left.reduce(|best, place| if gain(place) > gain(best) { place } else { best })?;
        let found = (best, self.variances[best], (gain(best) / self.mean_variance.max(f64::MIN_POSITIVE)).min(1.0));
        self.chosen[best] = true;
        self.label(best);
        Some(found)
    }

    /// Multiply-adds that weighing a row costs.
    pub fn work_per_row(&self) -> usize {
        4 * self.covariance.len()
    }

    /// Multiply-adds that choosing costs.
    pub fn work_of_choosing(&self) -> usize {
        6 * self.vectors.len() + 4 * self.covariance.len()
    }

    /// P ← P − P z zᵀ P / (1 + zᵀPz), and all that follows from P.
    fn label(&mut self, place: usize) {
        let direction = self.images.row(place).to_owned();
        let denominator = 1.0 + self.variances[place];
        self.mean_variance -= self.reductions[place] / denominator;
        let moved = self.moment.dot(&direction);
        let length = direction.dot(&moved);
        let candidates = self.vectors.rows().into_iter().zip(self.images.rows_mut());
        for (at, (vector, mut image)) in candidates.enumerate() {
            let share = vector.dot(&direction) / denominator;
            self.variances[at] = (self.variances[at] - share * share * denominator).max(0.0);
            let reduction = self.reductions[at] - 2.0 * share * image.dot(&moved) + share * share * length;
            self.reductions[at] = reduction.max(0.0);
            image.scaled_add(-share, &direction);
        }
    }
}

/// Rows about the centre, scaled, with an intercept.
fn view(rows: &Array2<f32>, centre: &Array1<f32>, scale: f64) -> Array2<f64> {
    let columns = rows.ncols();
    let value = |row: ArrayView1<f32>, column: usize| match column < columns {
        true => f64::from(row[column] - centre[column]) * scale,
        false => INTERCEPT,
    };
    Array2::from_shape_fn((rows.nrows(), columns + 1), |(row, column)| value(rows.row(row), column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn what_is_chosen_lowers_the_mean_variance_by_as_much_as_it_says() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let pool = Array2::from_shape_fn((60, 4), |_| random.random_range(-1.0..3.0f32));
        let design_of = |labelled: &[usize]| {
            let mut information = Information::new(pool.clone(), 0.5);
            information.add(&pool.select(Axis(0), labelled));
            information.design(60)
        };
        let mut design = design_of(&[0, 7, 9]);
        design.weigh(&pool);
        let mut labelled = vec![0, 7, 9];
        for _ in 0..4 {
            let before = design_of(&labelled).mean_variance;
            // By brute force: the candidate after which the mean variance is least.
            let after = |row: usize| design_of(&[&labelled[..], &[row]].concat()).mean_variance;
            let left: Vec<usize> = (0..60).filter(|&row| !design.chosen[row]).collect();
            let best = left.into_iter().min_by(|&a, &b| after(a).total_cmp(&after(b))).expect("some are left");
            let (place, variance, gain) = design.choose().expect("some are left");
            assert_eq!(place, best);
            assert!((gain - (1.0 - after(best) / before)).abs() < 1e-9, "{gain}");
            assert!(variance > 0.0);
            labelled.push(place);
            assert!((design.mean_variance - design_of(&labelled).mean_variance).abs() < 1e-9);
        }
    }
}
