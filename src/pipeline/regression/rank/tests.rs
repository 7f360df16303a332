use super::*;
use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use crate::pipeline::features::table::TableEncoder;
use crate::pipeline::regression::metrics::root_mean_square_of;
use crate::pipeline::regression::ridge::fit;
use crate::pipeline::regression::simulated::{Noise, linear_data};
use rand::seq::SliceRandom;

fn rank(
    ranker: &mut NumericRanker,
    features: &Features,
    labelled: &[usize],
    candidates: &[usize],
    want: usize,
) -> Vec<NumericRanked> {
    ranker.begin(labelled, candidates, None, want);
    loop {
        if let Some(ranked) = ranker.step(features) {
            return ranked;
        }
    }
}

#[test]
fn what_most_rows_are_like_comes_before_what_is_merely_far_off() {
    let mut features = Features::new(2, 0);
    // Two directions: 60 rows differ along the first, one lies far out along the second.
    for row in 0..60 {
        let dense = vec![row as f32 / 30.0 - 1.0, 0.0];
        features.push(FeatureVector { dense, sparse: SparseRow::default() });
    }
    features.push(FeatureVector { dense: vec![0.0, 3.0], sparse: SparseRow::default() });
    let candidates: Vec<usize> = (0..61).collect();
    let ranked = rank(&mut NumericRanker::new(0), &features, &[29, 30], &candidates, 2);
    assert!(ranked.iter().all(|ranked| ranked.row < 60), "{ranked:?}");
    assert!(ranked.iter().all(|ranked| ranked.gain > 0.0 && ranked.gain < 1.0));
}

#[test]
fn odd_pools_wide_rows_and_growth() {
    let empty = Features::new(2, 0);
    assert!(rank(&mut NumericRanker::new(0), &empty, &[], &[], 3).is_empty());
    assert_eq!(NumericRanker::new(0).step(&empty), Some(Vec::new()));
    let mut blank = Features::new(0, 0);
    (0..5).for_each(|_| blank.push(FeatureVector::default()));
    assert_eq!(rank(&mut NumericRanker::new(0), &blank, &[0], &[1, 2, 3], 2).len(), 2);
    let (features, _) = linear_data(4, 300, 200, Noise::Even);
    let mut grown = NumericRanker::new(5);
    let first = features.select(&(0..100).collect::<Vec<_>>());
    rank(&mut grown, &first, &[1], &[2, 3], 1);
    let candidates: Vec<usize> = (10..300).collect();
    let found = rank(&mut grown, &features, &[1, 2], &candidates, 4);
    assert_eq!(found, rank(&mut NumericRanker::new(5), &features, &[1, 2], &candidates, 4));
    let mut rows: Vec<usize> = rank(&mut grown, &features, &[1, 2], &[5, 6], 10).iter().map(|r| r.row).collect();
    rows.sort_unstable();
    assert_eq!(rows, [5, 6]);
}

/// Columns but one of a table with a header as features; that one as numbers. Rows without a number are left out.
pub(super) fn table(text: &str, target: &str) -> (Features, Vec<f64>) {
    let mut lines =
        text.lines().filter(|line| !line.is_empty()).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let mut columns = lines.next().expect("a header");
    let place = columns.iter().position(|column| column == target).expect("the column");
    columns.remove(place);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for mut row in lines {
        if let Ok(label) = crate::pipeline::regression::parse(&row.remove(place)) {
            labels.push(label);
            rows.push(row);
        }
    }
    let encoder = TableEncoder::fit(&columns, rows.iter().map(Vec::as_slice));
    let mut features = Features::new(encoder.columns_out().len(), 0);
    rows.iter().for_each(|row| {
        features.push(FeatureVector { dense: encoder.encode(row), sparse: SparseRow::default() });
    });
    (features, labels)
}

/// The mean RMSE on the held-out third at each number of labels: (asked by the ranker, at random).
pub(super) fn simulate(features: &Features, labels: &[f64], at: &[usize], seeds: u64) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); at.len()];
    for seed in 0..seeds {
        let mut rows: Vec<usize> = (0..labels.len()).collect();
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let (held_out, pool) = rows.split_at(labels.len() / 3);
        let off = |labelled: &[usize]| {
            let known: Vec<(usize, f64)> = labelled.iter().map(|&row| (row, labels[row])).collect();
            let model = fit(features, &known, None).expect("labels");
            let predicted = model.predict(features);
            (root_mean_square_of(held_out.iter().map(|&row| predicted[row] - labels[row])), model.strength())
        };
        let mut asked: Vec<usize> = pool[..4].to_vec();
        let mut ranker = NumericRanker::new(seed);
        while asked.len() < at[at.len() - 1] {
            let (_, strength) = off(&asked);
            let candidates: Vec<usize> = pool.iter().copied().filter(|row| !asked.contains(row)).collect();
            ranker.begin(&asked, &candidates, Some(strength), 1);
            let ranked = loop {
                if let Some(ranked) = ranker.step(features) {
                    break ranked;
                }
            };
            asked.extend(ranked.iter().map(|ranked| ranked.row));
        }
        for (sum, &count) in sums.iter_mut().zip(at) {
            sum.0 += off(&asked[..count]).0 / seeds as f64;
            sum.1 += off(&pool[..count]).0 / seeds as f64;
        }
    }
    sums
}

#[test]
fn asking_by_gain_beats_asking_at_random() {
    let penguins = concat!(
        include_str!("../../../../tests/golden/cli/penguins-train.csv"),
        "\n",
        include_str!("../../../../tests/golden/cli/penguins-test.csv")
    );
    let (features, labels) = table(penguins, "body_mass_g");
    let found = simulate(&features, &labels, &[10, 20, 40], 24);
    println!("penguins, body mass: RMSE (asked, random) at 10, 20, 40 labels: {found:.0?}");
    assert!(found.iter().all(|(asked, random)| asked < random), "{found:?}");
    let (features, labels) = linear_data(9, 400, 12, Noise::Even);
    let labels: Vec<f64> = labels.into_iter().map(|(_, label)| label).collect();
    let found = simulate(&features, &labels, &[15, 30, 60], 12);
    println!("linear, 12 columns: RMSE (asked, random) at 15, 30, 60 labels: {found:.3?}");
    assert!(found[..2].iter().all(|(asked, random)| asked < random), "{found:?}");
}
