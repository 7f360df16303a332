//! The interval of the calibration error covers, from one audit on: at least 93 of 100 that claim 95.

use hone::pipeline::evaluate::{Estimate, calibration_estimate, expected_calibration_error};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often a prediction is right, given the probability that was claimed for it.
type Truth = fn(f64) -> f64;

/// A model that means what it says; one that boasts; one that is shy; one that boasts where it is sure and is shy where it is not;
/// one whose claims say nothing; and one that boasts and is shy in turns.
const MODELS: [(&str, Truth); 6] = [
    ("honest", |claimed| claimed),
    ("boasting", |claimed| 0.5 + 0.6 * (claimed - 0.5)),
    ("shy", |claimed| (claimed + 0.15).min(1.0)),
    ("both", |claimed| if claimed > 0.75 { claimed - 0.12 } else { claimed + 0.12 }),
    ("deaf", |_| 0.7),
    (
        "waving",
        |claimed| if ((claimed * 8.0) as u32).is_multiple_of(2) { claimed - 0.1 } else { (claimed + 0.1).min(1.0) },
    ),
];

/// Claims of a model of two classes, evenly from ½ to 1, and what came of them.
fn audits(count: usize, truth: Truth, random: &mut ChaCha8Rng) -> (Array2<f32>, Vec<usize>) {
    let claims: Vec<f64> = (0..count).map(|_| random.random_range(0.5..1.0)).collect();
    let targets = claims.iter().map(|&claimed| usize::from(random.random::<f64>() >= truth(claimed))).collect();
    let of = |(row, class): (usize, usize)| if class == 0 { claims[row] as f32 } else { 1.0 - claims[row] as f32 };
    (Array2::from_shape_fn((count, 2), of), targets)
}

/// The mean gap over all claims: what infinitely many audits in infinitely many bins would give.
fn true_error(truth: Truth) -> f64 {
    const STEPS: u32 = 10_000;
    let claims = (0..STEPS).map(|step| 0.5 + 0.5 * (f64::from(step) + 0.5) / f64::from(STEPS));
    claims.map(|claimed| (truth(claimed) - claimed).abs()).sum::<f64>() / f64::from(STEPS)
}

/// The middle 95 % of the errors of resamples, as one would do without a thought.
fn plain_bootstrap(probabilities: &Array2<f32>, targets: &[usize], random: &mut ChaCha8Rng) -> (f64, f64) {
    let rows = targets.len();
    let mut found: Vec<f64> = (0..200)
        .map(|_| {
            let drawn: Vec<usize> = (0..rows).map(|_| random.random_range(0..rows)).collect();
            let of = |(row, class): (usize, usize)| probabilities[(drawn[row], class)];
            let targets: Vec<usize> = drawn.iter().map(|&row| targets[row]).collect();
            expected_calibration_error(&Array2::from_shape_fn((rows, 2), of), &targets)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    (found[4], found[195])
}

#[test]
fn the_calibration_error_is_covered_from_one_audit_on_and_the_plain_bootstrap_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(31);
    const RUNS: u32 = 300;
    let mut naive_worst: f64 = 1.0;
    for (name, truth) in MODELS {
        let error = true_error(truth);
        for count in [1, 3, 10, 20, 60, 200] {
            let (mut held, mut naive) = (0, 0);
            for _ in 0..RUNS {
                let (probabilities, targets) = audits(count, truth, &mut random);
                let Estimate { estimate, low, high } = calibration_estimate(&probabilities, &targets);
                assert!(low <= estimate && estimate <= high && low < high, "{name}, {count}: {low} {estimate} {high}");
                held += u32::from(low <= error && error <= high);
                let (low, high) = plain_bootstrap(&probabilities, &targets, &mut random);
                naive += u32::from(low <= error && error <= high);
            }
            let share = |held: u32| f64::from(held) / f64::from(RUNS);
            naive_worst = naive_worst.min(share(naive));
            assert!(share(held) >= 0.93, "{name}, {count} audits: {:.3}", share(held));
        }
    }
    assert!(naive_worst < 0.5, "{naive_worst}");
}
