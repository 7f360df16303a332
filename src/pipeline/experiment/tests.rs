//! Every head from labels to outcome, and the default against the learner.

use super::*;
use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use crate::pipeline::item::Kind;
use crate::pipeline::model::logistic::ClassWeight;
use crate::pipeline::model::spec::FeatureOptions;
use crate::pipeline::train::{Learner, LearnerConfig};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Noisy clusters of three unevenly frequent classes; with a sparse half, a column of the class beside random ones.
fn clusters(rows: usize, sparse_columns: usize) -> (Features, Vec<(usize, usize)>) {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut features = Features::new(8, sparse_columns);
    let labels: Vec<(usize, usize)> = (0..rows).map(|row| (row, [0, 1, 0, 2, 0, 1][row % 6])).collect();
    for &(_, class) in &labels {
        let dense = (0..8).map(|j| 2.0 + random.random_range(-1.0..1.0f32) + if j % 3 == class { 0.8 } else { 0.0 });
        let dense = dense.collect();
        let mut sparse = SparseRow::default();
        if sparse_columns > 0 {
            sparse.indices = vec![class as u32, random.random_range(10..sparse_columns as u32)];
            sparse.values = vec![0.3, 0.7];
        }
        features.push(FeatureVector { dense, sparse });
    }
    (features, labels)
}

/// Every head, and options that take other paths.
fn specs(kind: Kind) -> Vec<HeadSpec> {
    let mut specs: Vec<HeadSpec> =
        HeadSpec::WORDS.iter().filter_map(|word| HeadSpec::named(word, kind)).map(smaller).collect();
    let reduced: Vec<HeadSpec> = specs
        .iter()
        .map(|spec| HeadSpec { features: FeatureOptions { dimensions: Some(4), ..spec.features }, ..spec.clone() })
        .collect();
    let balanced: Vec<HeadSpec> = specs
        .iter()
        .map(|spec| HeadSpec { class_weight: ClassWeight::Balanced, ..spec.clone() })
        .filter(|spec| spec.check().is_ok())
        .collect();
    specs.extend(reduced);
    specs.extend(balanced);
    specs
}

fn smaller(spec: HeadSpec) -> HeadSpec {
    let head = match spec.head {
        HeadParams::Mlp { weight_decay, .. } => {
            HeadParams::Mlp { hidden: 16, weight_decay, learning_rate: 0.01, epochs: 40 }
        }
        HeadParams::Forest { depth, .. } => HeadParams::Forest { trees: 40, depth },
        other => other,
    };
    HeadSpec { head, ..spec }
}

#[test]
fn the_default_is_what_the_learner_polishes() {
    for (kind, sparse_columns) in [(Kind::Table, 0), (Kind::Text, 5000)] {
        let (features, mut labels) = clusters(90, sparse_columns);
        // A class with a single label is held out as the polish does it.
        labels[7].1 = 3;
        let mut learner = Learner::new(4, LearnerConfig::for_kind(kind, 5));
        learner.set_labels(labels.clone());
        while learner.polish_due() {
            learner.step(&features);
        }
        let outcome = run(&features, &labels, 4, &HeadSpec::default_for(kind), 5).expect("labels of four classes");
        assert_eq!(outcome.head.linear(), learner.head());
        // The same held-out logits, summed up in another order.
        assert!((outcome.temperature / learner.temperature() - 1.0).abs() < 1e-12, "{}", outcome.temperature);
        assert_eq!(Some(outcome.out_of_fold_accuracy), learner.out_of_fold());
        assert_eq!(outcome.out_of_fold.len(), 90);
    }
}

#[test]
fn every_head_learns_deterministically_in_any_slices_and_in_any_order() {
    for (kind, sparse_columns) in [(Kind::Table, 0), (Kind::Text, 300)] {
        let (features, labels) = clusters(150, sparse_columns);
        let training: Vec<(usize, usize)> = labels[..100].to_vec();
        for spec in specs(kind) {
            let name = format!("{} on {}", spec.name(), kind.word());
            let outcome = run(&features, &training, 4, &spec, 3).unwrap_or_else(|error| panic!("{name}: {error}"));
            let reversed: Vec<(usize, usize)> = training.iter().rev().copied().collect();
            let mut sliced = Experiment::begin(&features, &reversed, 4, &spec, 3).expect("as before");
            let (mut slices, mut before) = (0, 0.0);
            while !sliced.step(&features, 5000) {
                slices += 1;
                assert!(sliced.progress() >= before && sliced.progress() <= 1.0, "{name}: progress falls");
                before = sliced.progress();
            }
            let again = sliced.finish();
            assert!(slices > 10, "{name}: {slices} slices");
            assert_eq!(again.out_of_fold, outcome.out_of_fold, "{name}");
            assert_eq!((again.temperature, &again.steps), (outcome.temperature, &outcome.steps), "{name}");
            assert!(outcome.head.fits(&features) && outcome.head.classes() == 4, "{name}");
            let logits = outcome.head.logits_of_rows(&features, 100..150);
            assert_eq!(logits, again.head.logits_of_rows(&features, 100..150), "{name}");
            let probabilities = softmax(&logits, outcome.temperature);
            assert_eq!(probabilities.column(3).sum(), 0.0, "{name}: a class without labels");
            let right = (0..50).filter(|&at| likeliest(probabilities.row(at)) == labels[100 + at].1).count();
            assert!(right >= 33, "{name}: {right} of 50, half are of one class");
            let off = (right as f64 / 50.0 - outcome.out_of_fold_accuracy).abs();
            assert!(off < 0.2, "{name}: out of fold {}, truth {right} of 50", outcome.out_of_fold_accuracy);
            assert!(outcome.out_of_fold_log_loss < 1.0, "{name}: {}", outcome.out_of_fold_log_loss);
        }
    }
}

#[test]
fn balanced_training_keeps_the_classes_shares() {
    // With the prior put back, mean probabilities are near the true shares ½, ⅓, ⅙ though every class counted the same.
    let (features, labels) = clusters(300, 0);
    for spec in specs(Kind::Table).into_iter().filter(|spec| spec.class_weight == ClassWeight::Balanced) {
        let outcome = run(&features, &labels, 3, &spec, 1).expect("three classes");
        let probabilities = softmax(&outcome.head.logits(&features), outcome.temperature);
        for (class, share) in [(0, 0.5), (1, 1.0 / 3.0), (2, 1.0 / 6.0)] {
            let mean = f64::from(probabilities.column(class).sum()) / 300.0;
            assert!((mean - share).abs() < 0.06, "{}: class {class}: {mean}", spec.name());
        }
    }
}

#[test]
fn curves_are_kept() {
    let (features, labels) = clusters(60, 0);
    for (word, metric) in [
        ("logistic", "training_loss"),
        ("ridge", "leave_one_out_squared_error"),
        ("mlp", "training_loss"),
        ("mlp", "out_of_fold_log_loss"),
    ] {
        let spec = smaller(HeadSpec::named(word, Kind::Table).expect("a word"));
        let outcome = run(&features, &labels, 3, &spec, 1).expect("three classes");
        let curve: Vec<u32> = outcome.steps.iter().filter(|(name, ..)| name == metric).map(|&(_, at, _)| at).collect();
        assert!(curve.len() > 3 && curve.windows(2).all(|pair| pair[0] < pair[1]), "{word}: {curve:?}");
    }
}

#[test]
fn too_few_labels_to_hold_out_still_train() {
    let (features, labels) = clusters(30, 0);
    for spec in specs(Kind::Table) {
        let outcome = run(&features, &labels[..2], 3, &spec, 1).expect("two classes");
        assert!(outcome.out_of_fold.is_empty() && outcome.out_of_fold_log_loss.is_nan(), "{}", spec.name());
        assert!((outcome.temperature - 1.0).abs() < 1e-3);
        let logits = outcome.head.logits(&features);
        // Both labels are among the ten nearest of any row, so k-NN cannot tell.
        if !matches!(spec.head, HeadParams::Knn { .. }) {
            assert_eq!((likeliest(logits.row(0)), likeliest(logits.row(1))), (0, 1), "{}", spec.name());
        }
    }
}

#[test]
fn what_cannot_be_trained_is_told() {
    let (features, labels) = clusters(30, 0);
    let default = HeadSpec::default_for(Kind::Table);
    let check = |labels: &[(usize, usize)], spec: &HeadSpec, word: &str| {
        let refusal = Experiment::begin(&features, labels, 3, spec, 1).expect_err("it cannot be");
        assert!(refusal.contains(word), "{refusal}");
    };
    check(&[(0, 0), (2, 0)], &default, "two classes");
    check(&[(0, 0), (99, 1)], &default, "does not exist");
    let with = |features| HeadSpec { features, ..default.clone() };
    check(&labels, &with(FeatureOptions { dimensions: Some(8), ..FeatureOptions::ALL }), "8 columns");
    check(&labels, &with(FeatureOptions { dense: false, ..FeatureOptions::ALL }), "no sparse half");
    check(&labels, &HeadSpec { head: HeadParams::Knn { k: 0 }, ..default.clone() }, "k must");
}

#[test]
fn clearly_better_is_more_than_luck() {
    let (features, labels) = clusters(120, 0);
    let plain = run(&features, &labels, 3, &HeadSpec::default_for(Kind::Table), 1).expect("three classes");
    // The same predictions, surer of the truth in so many rows and less sure in so many others.
    let moved = |better: usize, worse: usize| {
        let mut outcome = plain.clone();
        for (at, row) in outcome.out_of_fold.iter_mut().enumerate() {
            let factor = if at < better {
                1.25
            } else if at < better + worse {
                0.8
            } else {
                1.0
            };
            row.probabilities[row.target] *= factor;
        }
        outcome
    };
    for (better, worse, expected) in
        [(0, 0, false), (60, 0, true), (60, 57, false), (60, 30, true), (30, 60, false), (1, 0, false), (15, 0, false)]
    {
        let found = moved(better, worse).clearly_better_than(&plain);
        assert_eq!(found, expected, "{better} better, {worse} worse");
    }
}

#[test]
fn fits_side_by_side_lead_to_the_same() {
    for (kind, sparse_columns) in [(Kind::Table, 0), (Kind::Text, 500)] {
        let (features, labels) = clusters(80, sparse_columns);
        for spec in specs(kind) {
            let whole = run(&features, &labels, 3, &spec, 2).expect("labels of three classes");
            let mut pieces = Experiment::begin(&features, &labels, 3, &spec, 2).expect("three classes").apart();
            // The last first: no piece waits for another.
            pieces.iter_mut().rev().for_each(|piece| while !piece.step(&features, 1000) {});
            let joined = Experiment::joined(pieces).expect("finished pieces");
            assert_eq!(joined.head.logits(&features), whole.head.logits(&features), "{}", spec.name());
            assert_eq!(
                (joined.out_of_fold, joined.temperature),
                (whole.out_of_fold, whole.temperature),
                "{}",
                spec.name()
            );
            assert_eq!(joined.steps.len(), whole.steps.len(), "{}", spec.name());
        }
    }
}
