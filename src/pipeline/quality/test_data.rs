//! What several tests of this folder look at.

use super::Neighbours;
use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows about `groups` random centres of about unit length, dealt round, with noise of about the length `spread`; and the
/// group of each row.
pub fn clusters(groups: usize, rows: usize, columns: usize, spread: f32, seed: u64) -> (Features, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let size = 1.0 / (columns as f32).sqrt();
    let centres: Vec<Vec<f32>> =
        (0..groups).map(|_| (0..columns).map(|_| size * normal(&mut random)).collect()).collect();
    let mut features = Features::new(columns, 0);
    for row in 0..rows {
        let dense = centres[row % groups].iter().map(|centre| centre + spread * size * normal(&mut random)).collect();
        features.push(FeatureVector { dense, sparse: SparseRow::default() });
    }
    (features, (0..rows).map(|row| row % groups).collect())
}

/// `rows` rows in `groups` groups, to some of which a copy was added: `copies` more rows with noise of `noise` × the length
/// of the rows' own noise; and the pairs (original, copy).
pub fn planted_copies(
    rows: usize,
    groups: usize,
    copies: usize,
    noise: f32,
    seed: u64,
) -> (Features, Vec<(usize, usize)>) {
    let (mut features, _) = clusters(groups, rows, 100, 0.6, seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed + 1);
    let mut pairs = Vec::new();
    for copy in 0..copies {
        let original = copy * (rows / copies);
        let dense =
            features.dense.row(original).iter().map(|value| value + noise * 0.06 * normal(&mut random)).collect();
        features.push(FeatureVector { dense, sparse: SparseRow::default() });
        pairs.push((original, rows + copy));
    }
    (features, pairs)
}

/// The k nearest neighbours of all rows.
pub fn neighbours(features: &Features, k: usize) -> Neighbours {
    let mut found = Neighbours::new(k, 0);
    while !found.step(features) {}
    found
}

/// A standard normal number (Box & Muller, 1958).
pub fn normal(random: &mut ChaCha8Rng) -> f32 {
    let (radius, angle) = (random.random::<f32>().max(1e-9), random.random::<f32>());
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
}
