//! How much an item stands for another: the Gaussian kernel exp(−d²/h²), eight references at a time.
//!
//! Ranking after a label evaluates it up to 17 million times. The same bits come out on every machine, so the same
//! labels give the same queue in every browser and on the command line.

use super::fixed::{SQUARED_ONE, Squared};

const TOGETHER: usize = 8;
/// Where the kernel has fallen below one in a million, it counts as nothing: d² = 14 h².
const REACH: f32 = 14.0;
/// exp(−87) is about the least normal f32.
const LEAST: f32 = -87.0;
/// Adding this to a number below 2²² leaves its nearest integer in the low bits.
const ROUNDING: f32 = 12_582_912.0;

/// eˣ for x ≤ 0, at least e⁻⁸⁷. The relative error is below 10⁻⁶ within [`REACH`].
///
/// x = (n + r) ln 2 with an integer n and |r| ≤ ½: 2ⁿ is put together from bits, 2ʳ is its Taylor polynomial.
#[inline(always)]
fn exponentials(x: [f32; TOGETHER]) -> [f32; TOGETHER] {
    const SERIES: [f32; 7] =
        [1.540_353e-4, 1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 2.402_265e-1, 6.931_472e-1, 1.0];
    let mut powers = [0.0; TOGETHER];
    for (power, x) in powers.iter_mut().zip(x) {
        let x = if x > LEAST { x } else { LEAST };
        let in_twos = x * std::f32::consts::LOG2_E;
        let rounded = in_twos + ROUNDING;
        let r = in_twos - (rounded - ROUNDING);
        let series = SERIES.iter().fold(0.0f32, |sum, coefficient| sum * r + coefficient);
        *power = f32::from_bits(series.to_bits().wrapping_add(rounded.to_bits() << 23));
    }
    powers
}

/// No item is near: farther than any two unit vectors but opposite ones.
pub(super) const NOTHING_NEAR: Squared = Squared::MAX;

/// What every candidate's gain is reckoned from: each reference's weight, and what stands for it already. All is filled up to
/// whole eights by references that count for nothing.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// −1/h², for distances as they are stored.
    inverse: f32,
    squared: Vec<Squared>,
    /// Nearer than this an item would raise what stands for the reference.
    limits: Vec<Squared>,
    kernels: Vec<f32>,
    weights: Vec<f32>,
}

impl Standing {
    /// - `width_squared`: h², above 0.
    /// - `nearest`: for each reference the squared distance to the nearest labelled item, [`NOTHING_NEAR`] without one.
    /// - `weights`: one for each reference.
    pub fn new(width_squared: f32, mut nearest: Vec<Squared>, mut weights: Vec<f32>) -> Self {
        let inverse = -1.0 / (width_squared * SQUARED_ONE);
        let reach = (REACH * width_squared * SQUARED_ONE).min(NOTHING_NEAR.into()) as Squared;
        let references = nearest.len().next_multiple_of(TOGETHER);
        nearest.resize(references, 0);
        weights.resize(references, 0.0);
        let limits = nearest.iter().map(|&squared| squared.min(reach)).collect();
        let kernels = nearest.iter().map(|&squared| kernel(squared, inverse)).collect();
        Self { inverse, squared: nearest, limits, kernels, weights }
    }

    /// For each reference the squared distance to the nearest item that is labelled or was chosen.
    pub fn nearest(&self) -> &[Squared] {
        &self.squared
    }

    /// How much an item at these squared distances would raise Σ_j u_j max_i k(x_i, x_j).
    pub fn gain(&self, squared: &[Squared]) -> f32 {
        let mut sums = [0.0f32; TOGETHER];
        let (squared, limits) = (eights(squared), eights(&self.limits));
        let (kernels, weights) = (eights(&self.kernels), eights(&self.weights));
        assert!(squared.len() == limits.len(), "a distance for each reference");
        for (((squared, limits), kernels), weights) in squared.iter().zip(limits).zip(kernels).zip(weights) {
            // Most references are stood for by something nearer or are out of reach, so most eights need no kernel at all.
            let counts = squared.iter().zip(limits).fold(false, |any, (squared, limit)| any | (squared < limit));
            if counts {
                self.add(squared, kernels, weights, &mut sums);
            }
        }
        sums.iter().sum()
    }

    #[inline(always)]
    fn add(
        &self,
        squared: &[Squared; TOGETHER],
        kernels: &[f32; TOGETHER],
        weights: &[f32; TOGETHER],
        sums: &mut [f32; TOGETHER],
    ) {
        let mut scaled = [0.0; TOGETHER];
        for (scaled, &squared) in scaled.iter_mut().zip(squared) {
            *scaled = f32::from(squared) * self.inverse;
        }
        let new = exponentials(scaled);
        for lane in 0..TOGETHER {
            // What is farther than the nearest, or than the reach, adds nothing or next to nothing.
            let more = new[lane] - kernels[lane];
            sums[lane] += if more > 0.0 { more * weights[lane] } else { 0.0 };
        }
    }

    /// Takes the item at these squared distances as labelled.
    pub fn choose(&mut self, squared: &[Squared]) {
        for (reference, &squared) in squared.iter().enumerate() {
            if squared < self.squared[reference] {
                self.squared[reference] = squared;
                self.limits[reference] = self.limits[reference].min(squared);
                self.kernels[reference] = kernel(squared, self.inverse);
            }
        }
    }
}

/// Zero where nothing is near.
fn kernel(squared: Squared, inverse: f32) -> f32 {
    if squared == NOTHING_NEAR { 0.0 } else { exponentials([f32::from(squared) * inverse; TOGETHER])[0] }
}

fn eights<T>(values: &[T]) -> &[[T; TOGETHER]] {
    values.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_exact_to_the_last_places() {
        let mut worst = 0.0f64;
        for step in 0..14_000 {
            let x = -(step as f32) / 1000.0;
            let (found, expected) = (exponentials([x; TOGETHER])[3], f64::from(x).exp());
            worst = worst.max(((f64::from(found) - expected) / expected).abs());
        }
        assert!(worst < 1e-6, "{worst}");
        assert_eq!(exponentials([0.0; TOGETHER]), [1.0; TOGETHER]);
        assert!(exponentials([f32::NEG_INFINITY; TOGETHER])[0] < 1e-37);
    }

    /// The definition, in f64: Σ_j u_j (max(k_new, k_old) − k_old).
    fn plain(width_squared: f32, nearest: &[Squared], weights: &[f32], squared: &[Squared]) -> f64 {
        let kernel = |squared: Squared| match squared {
            NOTHING_NEAR => 0.0,
            near => (-f64::from(near) / f64::from(width_squared * SQUARED_ONE)).exp(),
        };
        let gains = nearest.iter().zip(weights).zip(squared);
        gains.map(|((&near, &weight), &new)| f64::from(weight) * (kernel(new) - kernel(near)).max(0.0)).sum()
    }

    #[test]
    fn gains_are_those_of_the_definition_before_and_after_a_choice() {
        for (references, width_squared) in [(1usize, 1.0), (7, 0.3), (8, 0.05), (29, 0.6), (200, 0.01)] {
            let wave = |step: f32| (0..references).map(|at| ((at as f32 * step).sin() + 1.0) * 0.7).collect::<Vec<_>>();
            let distances = |step| {
                let mut distances: Vec<Squared> =
                    wave(step).into_iter().map(|squared| (squared * SQUARED_ONE) as Squared).collect();
                // As those that fill up have it: at some distance from everything.
                distances.resize(references.next_multiple_of(TOGETHER), 2 << 14);
                distances
            };
            let (weights, squared, chosen) = (wave(0.3), distances(1.3), distances(2.1));
            let mut nearest = distances(0.7);
            nearest.truncate(references);
            nearest[0] = NOTHING_NEAR;
            let mut standing = Standing::new(width_squared, nearest.clone(), weights.clone());
            for _ in 0..2 {
                let expected = plain(width_squared, standing.nearest(), &weights, &squared);
                let found = f64::from(standing.gain(&squared));
                assert!((found - expected).abs() < 1e-4 * (1.0 + expected), "{references}: {found} ≠ {expected}");
                standing.choose(&chosen);
            }
            let least: Vec<Squared> = nearest.iter().zip(&chosen).map(|(a, b)| *a.min(b)).collect();
            assert_eq!(standing.nearest()[..references], least);
            assert_eq!(standing.gain(&chosen), 0.0, "what is labelled gains nothing");
        }
    }
}
