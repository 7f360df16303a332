use super::*;
use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use crate::pipeline::model::training_set::Scaling;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A set and two outputs of each row.
fn data(rows: usize, dense: usize, sparse: u32) -> (Features, TrainingSet, Array2<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut features = Features::new(dense, sparse as usize);
    for row in 0..rows {
        let values: Vec<f32> = (0..dense).map(|_| random.random_range(0.0..4.0f32)).collect();
        let mut entries = SparseRow::default();
        if sparse > 0 {
            entries.indices = vec![row as u32 % 3, random.random_range(3..sparse)];
            entries.values = vec![0.5, random.random_range(0.1..1.0)];
        }
        features.push(FeatureVector { dense: values, sparse: entries });
    }
    let outputs = Array2::from_shape_fn((rows, 2), |(row, output)| {
        f64::from(features.dense[[row, 0]]) * (output as f64 - 0.5) + random.random_range(0.0..1.0)
    });
    let labels: Vec<(usize, usize)> = (0..rows).map(|row| (row, 0)).collect();
    (features.clone(), TrainingSet::gather(&features, &labels, 1, Scaling::UnitSpread), outputs)
}

fn fit(set: &TrainingSet, outputs: &Array2<f64>, rows: &[usize], roots: Vec<f64>, strength: f64) -> LeastSquares {
    let outputs = outputs.select(Axis(0), rows);
    let mut fit = LeastSquares::begin(set, rows.to_vec(), outputs, roots, vec![strength]);
    while fit.step(set, usize::MAX) == Progress::Working {}
    fit
}

/// The outputs of one row by a fit.
fn values(fit: &LeastSquares, set: &TrainingSet, row: usize) -> Vec<f64> {
    let (weights, mut intercepts) = fit.weights(set);
    for (column, value) in entries(set, row) {
        intercepts.iter_mut().zip(weights.row(column)).for_each(|(b, weight)| *b += value * weight);
    }
    intercepts
}

#[test]
fn leave_one_out_is_what_refits_without_the_row_say() {
    for (rows, dense, sparse) in [(24, 5, 0), (12, 30, 0), (18, 4, 50), (40, 3, 12)] {
        let (_, set, outputs) = data(rows, dense, sparse);
        let every: Vec<usize> = (0..rows).collect();
        for strength in [0.1, 3.0] {
            let all = fit(&set, &outputs, &every, vec![1.0; rows], strength);
            assert_eq!(all.primal, dense + set.sparse_columns() < rows);
            let left_out = all.left_out().expect("done");
            for row in 0..rows {
                let others: Vec<usize> = every.iter().copied().filter(|&other| other != row).collect();
                let without = fit(&set, &outputs, &others, vec![1.0; rows - 1], strength);
                for (output, expected) in values(&without, &set, row).iter().enumerate() {
                    let found = left_out[[row, output]];
                    assert!((found - expected).abs() < 1e-4, "{rows}×{dense}: {found} for {expected}");
                }
            }
        }
    }
}

#[test]
fn weighted_leave_one_out_keeps_the_weights() {
    let (_, set, outputs) = data(36, 5, 0);
    let every: Vec<usize> = (0..36).collect();
    let roots: Vec<f64> = (0..36).map(|row| [0.6, 1.0, 1.7][row % 3]).collect();
    let all = fit(&set, &outputs, &every, roots.clone(), 1.0);
    for row in [0, 2, 4] {
        // Leaving a row out is giving it no weight.
        let mut without = roots.clone();
        without[row] = 1e-6;
        let without = fit(&set, &outputs, &every, without, 1.0);
        for (output, expected) in values(&without, &set, row).iter().enumerate() {
            let found = all.left_out().expect("done")[[row, output]];
            assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
        }
    }
}

#[test]
fn primal_and_dual_agree_and_slices_change_nothing() {
    let (features, set, outputs) = data(60, 8, 20);
    let every: Vec<usize> = (0..60).collect();
    for roots in [vec![1.0; 60], (0..60).map(|row| 0.5 + row as f64 / 40.0).collect()] {
        let primal = fit(&set, &outputs, &every, roots.clone(), 0.3);
        let mut dual = LeastSquares::begin(&set, every.clone(), outputs.clone(), roots, vec![0.3]);
        dual.primal = false;
        dual.stage = Stage::Gram(Array2::zeros((60, 60)), 0);
        let mut slices = 1;
        while dual.step(&set, 1) == Progress::Working {
            slices += 1;
        }
        assert!(slices > 100, "{slices}");
        let values = |fit: &LeastSquares| fit.head(&set, 2.0, &[0.0, 1.0]).logits(&features);
        let off = (&values(&primal) - &values(&dual)).iter().fold(0.0f32, |most, off| off.abs().max(most));
        assert!(off < 1e-3, "{off}");
    }
}

#[test]
fn other_outputs_of_the_same_rows_need_no_new_matrix() {
    for (rows, dense) in [(30, 4), (10, 20)] {
        let (_, set, outputs) = data(rows, dense, 0);
        let every: Vec<usize> = (0..rows).collect();
        let other = outputs.mapv(|value| value.powi(2) - 1.0);
        let mut again = LeastSquares::begin(&set, every, outputs, vec![1.0; rows], STRENGTHS.to_vec());
        let mut anew = again.clone();
        anew.refit(other.clone());
        while again.step(&set, 1) == Progress::Working {}
        again.refit(other);
        for fit in [&mut again, &mut anew] {
            while fit.step(&set, usize::MAX) == Progress::Working {}
        }
        assert_eq!(again.left_out(), anew.left_out());
        assert_eq!(again.errors(), anew.errors());
    }
}
