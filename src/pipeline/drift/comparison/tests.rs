use super::*;
use crate::pipeline::drift::column::Column;
use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use ndarray::s;

/// Three groups of 60-dimensional rows, and a model that knows them; `shift` moves the second half of the rows.
fn world(rows: usize, shift: f32, seed: u64) -> (Features, Input) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut features = Features::new(60, 0);
    let mut held_out = Vec::new();
    let mut probabilities = Array2::zeros((rows, 3));
    for row in 0..rows {
        let class = row % 3;
        let moved = if row >= rows / 2 { shift } else { 0.0 };
        let mut dense: Vec<f32> = (0..60).map(|_| random.random_range(-1.0..1.0) + moved).collect();
        dense[class] += 2.0;
        features.push(FeatureVector { dense: dense.clone(), sparse: SparseRow::default() });
        let scores: Vec<f32> = (0..3).map(|k| (2.0 * dense[k]).exp()).collect();
        let sum: f32 = scores.iter().sum();
        let of_row: Vec<f32> = scores.iter().map(|score| score / sum).collect();
        probabilities.row_mut(row).assign(&ndarray::arr1(&of_row));
        if row < rows / 2 {
            held_out.push((of_row, class));
        }
    }
    let (reference, batch): (Vec<usize>, Vec<usize>) = (0..rows).partition(|&row| row < rows / 2);
    let column =
        |rows: &[usize]| Column::Number(rows.iter().map(|&row| Some(f64::from(features.dense[[row, 9]]))).collect());
    let columns = vec![NamedColumn { name: "ninth".into(), reference: column(&reference), batch: column(&batch) }];
    let input = Input {
        reference_probabilities: probabilities.select(Axis(0), &reference),
        batch_probabilities: probabilities.select(Axis(0), &batch),
        reference,
        batch,
        held_out,
        columns,
    };
    (features, input)
}

fn whole(features: &Features, input: Input) -> Report {
    let mut comparison = Comparison::new(input, 3);
    let mut progress = 0.0;
    loop {
        let report = comparison.step(features);
        assert!(comparison.progress() >= progress && comparison.progress() <= 1.0, "{progress}");
        progress = comparison.progress();
        if let Some(report) = report {
            assert!(comparison.step(features).is_none() && progress == 1.0);
            return report;
        }
    }
}

#[test]
fn a_like_batch_is_like_and_a_moved_one_is_not() {
    let (features, input) = world(600, 0.0, 1);
    let same = whole(&features, input.clone());
    assert!(!same.moved && same.outputs.len() == 3 && same.tests.len() == 5, "{:?}", same.tests);
    assert_eq!(same, whole(&features, input), "the same seed, the same report");
    let truth = 0.93;
    let accuracy = same.accuracy.expect("held-out rows");
    assert!((accuracy.estimate - truth).abs() < 0.06 && accuracy.low < accuracy.high, "{accuracy:?}");

    let (features, input) = world(600, 0.5, 2);
    let moved = whole(&features, input);
    assert!(moved.moved && moved.separation.is_some_and(|found| found.auc.low > 0.9), "{:?}", moved.tests);
    assert_eq!(moved.accuracy, Err(NoEstimate::Unlike));
    let column = &moved.columns[0];
    assert!(column.test.alarms() && moved.distance.is_some_and(|test| test.alarms()), "{moved:?}");
    assert!(
        moved.novel.len() == 48
            && moved.novel.iter().all(|novel| novel.row >= 300 && novel.nearest.iter().all(|&row| row < 300))
    );
    let corrected: Vec<f64> = moved.tests.iter().map(|(_, test)| test.corrected).collect();
    assert!(corrected.is_sorted());
}

#[test]
fn what_is_too_little_is_left_out() {
    let (features, mut input) = world(60, 0.0, 1);
    input.held_out.truncate(10);
    input.batch.truncate(6);
    input.batch_probabilities = input.batch_probabilities.slice(s![..6, ..]).to_owned();
    let found = whole(&features, input.clone());
    assert!(found.accuracy == Err(NoEstimate::FewItems) && found.separation.is_none() && found.distance.is_none());
    assert!(found.classes.len() == 3 && found.classes.iter().all(|class| class.estimated.is_none()));
    assert!(found.novel.len() == 6 && !found.moved, "{found:?}");
    input.batch.clear();
    input.batch_probabilities = Array2::zeros((0, 3));
    input.columns.clear();
    let nothing = whole(&features, input);
    assert!(nothing.novel.is_empty() && !nothing.moved);
}
