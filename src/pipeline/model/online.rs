//! The at-once update: one label folded in by Sherman–Morrison, well under a frame.

use super::linear::Linear;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use std::collections::HashSet;

/// Wider than this, the inverse (width² numbers) costs more than a few iterations of a real fit.
pub const WIDEST: usize = 2048;
/// The intercept is all but unpenalised.
const INTERCEPT_PENALTY: f32 = 0.01;
/// Rows looked at to find the centre and the spread.
const SAMPLE: usize = 1024;

/// The inverse of a bound on the loss's curvature, P = (λI + ½ Σ x xᵀ)⁻¹ over the labelled rows x (centred, of unit
/// spread, with a 1 for the intercept). ½ bounds the softmax's curvature (Böhning, "Multinomial logistic regression
/// algorithm", 1992), so a step u = P x along the residual never overshoots. P does not depend on the classes, and so
/// survives every refit and every change of mind.
///
/// Rows taken back stay in P: it only makes the next steps a little shorter, until the next refit ends the matter.
#[derive(Debug, Clone)]
pub struct OnlineUpdate {
    inverse: Array2<f32>,
    centre: Array1<f32>,
    scale: f32,
    included: HashSet<usize>,
}

/// How weights and intercept of a class move for each unit of its residual, for raw features.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// One a dense column.
    pub weights: Array1<f32>,
    /// The intercept's share.
    pub intercept: f32,
}

impl OnlineUpdate {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        4 * self.inverse.len() + 16 * self.included.len()
    }

    /// Nothing labelled yet; `c` as for the logistic regression, on features of unit spread.
    pub fn new(features: &Features, c: f64) -> Self {
        let stride = features.len().div_ceil(SAMPLE).max(1);
        let rows: Vec<usize> = (0..features.len()).step_by(stride).collect();
        let sample = features.dense.select(Axis(0), &rows);
        let centre = sample.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(features.dense_columns()));
        let squares: f64 = (&sample - &centre).iter().map(|&value| f64::from(value).powi(2)).sum();
        let spread = squares / rows.len().max(1) as f64;
        let scale = if spread > 1e-12 { (1.0 / spread.sqrt()) as f32 } else { 1.0 };
        let mut inverse = Array2::eye(features.dense_columns() + 1) * c as f32;
        inverse[[features.dense_columns(), features.dense_columns()]] = 1.0 / INTERCEPT_PENALTY;
        Self { inverse, centre, scale, included: HashSet::new() }
    }

    /// Whether the row's curvature is in P.
    pub fn includes(&self, row: usize) -> bool {
        self.included.contains(&row)
    }

    /// How many rows are in P.
    pub fn included(&self) -> usize {
        self.included.len()
    }

    /// Multiply-adds to include one row.
    pub fn cost(&self) -> usize {
        2 * self.inverse.len()
    }

    /// Adds a row to P: P ← P − ½ (P x)(P x)ᵀ / (1 + ½ xᵀ P x). A second time changes nothing.
    pub fn include(&mut self, features: &Features, row: usize) {
        if !self.includes(row) {
            self.add(features, row);
        }
    }

    /// u = P x of a row, expressed for raw features; the row is included first, if it is not.
    pub fn direction(&mut self, features: &Features, row: usize) -> Direction {
        let u = match self.includes(row) {
            true => self.inverse.dot(&self.augmented(features, row)),
            false => self.add(features, row),
        };
        let columns = self.centre.len();
        let weights = u.slice(ndarray::s![..columns]).to_owned() * self.scale;
        let intercept = u[columns] - weights.dot(&self.centre);
        Direction { weights, intercept }
    }

    /// Adds a row that is not in P, and returns P x with the new P, which is P x / (1 + ½ xᵀ P x) with the old.
    fn add(&mut self, features: &Features, row: usize) -> Array1<f32> {
        self.included.insert(row);
        let x = self.augmented(features, row);
        let px = self.inverse.dot(&x);
        let shrinking = 1.0 / (1.0 + 0.5 * x.dot(&px));
        for (mut inverse_row, &p) in self.inverse.rows_mut().into_iter().zip(&px) {
            inverse_row.scaled_add(-0.5 * shrinking * p, &px);
        }
        px * shrinking
    }

    fn augmented(&self, features: &Features, row: usize) -> Array1<f32> {
        let scaled = (&features.dense.row(row) - &self.centre) * self.scale;
        scaled.into_iter().chain([1.0]).collect()
    }
}

impl Direction {
    /// Moves a head: ΔW = u (y − p)ᵀ. `residual` is one-hot minus probabilities, one a class.
    pub fn move_head(&self, head: &mut Linear, residual: ArrayView1<f32>) {
        for ((mut weights, intercept), &part) in
            head.dense.rows_mut().into_iter().zip(&mut head.intercepts).zip(residual)
        {
            weights.scaled_add(part, &self.weights);
            *intercept += self.intercept * part;
        }
    }

    /// Moves the logits of a pool as moving the head would: one matrix–vector product for all classes.
    pub fn move_logits(&self, features: &Features, residual: ArrayView1<f32>, logits: &mut Array2<f32>) {
        let mut steps = features.dense.dot(&self.weights);
        steps += self.intercept;
        for (mut row, &step) in logits.rows_mut().into_iter().zip(&steps) {
            row.scaled_add(step, &residual);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn features(rows: usize, columns: usize) -> Features {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut features = Features::new(columns, 0);
        for _ in 0..rows {
            let dense = (0..columns).map(|_| random.random_range(0.0..3.0)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        features
    }

    #[test]
    fn the_inverse_is_the_inverse() {
        let features = features(40, 5);
        let mut online = OnlineUpdate::new(&features, 10.0);
        let mut curvature = Array2::<f32>::eye(6) * 0.1;
        curvature[[5, 5]] = INTERCEPT_PENALTY;
        for row in 0..30 {
            online.include(&features, row);
            online.include(&features, row);
            let x = online.augmented(&features, row).insert_axis(Axis(1));
            curvature = curvature + x.dot(&x.t()) * 0.5;
        }
        let difference = online.inverse.dot(&curvature) - Array2::<f32>::eye(6);
        assert!(difference.iter().all(|value| value.abs() < 1e-3), "{difference}");
    }

    #[test]
    fn logits_move_as_the_head_does() {
        let features = features(20, 4);
        let mut online = OnlineUpdate::new(&features, 10.0);
        online.include(&features, 3);
        let mut head = Linear::absent(3, 4, 0);
        head.intercepts = vec![0.0; 3];
        let mut logits = head.logits(&features);
        let residual = Array1::from(vec![-0.3, 0.9, -0.6]);
        let direction = online.direction(&features, 3);
        direction.move_head(&mut head, residual.view());
        direction.move_logits(&features, residual.view(), &mut logits);
        let expected = head.logits(&features);
        assert!((&logits - &expected).iter().all(|difference| difference.abs() < 1e-4));
        assert!(expected[[3, 1]] > expected[[3, 0]], "the label's class gains");
    }

    /// `cargo test --release --no-default-features --lib online -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn time_of_one_label_on_a_pool_of_20_000() {
        let features = features(20_000, 1280);
        let mut online = OnlineUpdate::new(&features, 10.0);
        let mut head = Linear::absent(10, 1280, 0);
        let mut logits = head.logits(&features);
        let residual = Array1::from_elem(10, 0.1);
        let start = std::time::Instant::now();
        for row in 0..10 {
            online.include(&features, row);
            let direction = online.direction(&features, row);
            direction.move_head(&mut head, residual.view());
            direction.move_logits(&features, residual.view(), &mut logits);
        }
        println!("one label, 1280 columns, pool of 20,000: {:?}", start.elapsed() / 10);
    }
}
