//! Data whose truth is known, for tests.

use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How errors are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// Of deviation 1 everywhere.
    Even,
    /// Of deviation e^x, x the first feature.
    Uneven,
}

/// A draw from the standard normal distribution.
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt() * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Rows of `columns` normal features, and y = Σ x_j / √d · 2 + noise for each.
pub fn linear_data(seed: u64, rows: usize, columns: usize, noise: Noise) -> (Features, Vec<(usize, f64)>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut features = Features::new(columns, 0);
    let labels = (0..rows)
        .map(|row| {
            let dense: Vec<f32> = (0..columns).map(|_| normal(&mut random) as f32).collect();
            let signal = 2.0 * dense.iter().map(|&x| f64::from(x)).sum::<f64>() / (columns as f64).sqrt();
            let size = if noise == Noise::Uneven { f64::from(dense[0]).exp() } else { 1.0 };
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
            (row, signal + size * normal(&mut random))
        })
        .collect();
    (features, labels)
}
