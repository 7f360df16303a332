//! A certificate is false with a probability of at most delta, also under watching.

use crate::learner::{CLASSES, draw_task, predictions};
use hone::pipeline::predict::softmax;
use hone::pipeline::triage::{Budget, OutOfFold, certify, e_value, propose};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ALPHA: f64 = 0.05;
const DELTA: f64 = 0.05;

/// Whether looking after each audit ever certifies: by the e-process, and by the fixed-n rule used as if it allowed that.
fn watch(audits: impl Iterator<Item = bool>, population: Option<u64>) -> (bool, bool) {
    let budget = Budget::new(ALPHA, DELTA).expect("a budget");
    let (mut number, mut errors) = (0, 0);
    let (mut by_evidence, mut by_peeking) = (false, false);
    for wrong in audits {
        number += 1;
        errors += u64::from(wrong);
        by_evidence |= e_value(number, errors, ALPHA, population) >= 1.0 / DELTA;
        by_peeking |= certify(number, errors, budget, population).expect("counts").certified;
    }
    (by_evidence, by_peeking)
}

fn shares(runs: u32, mut run: impl FnMut() -> (bool, bool)) -> (f64, f64) {
    let (mut first, mut second) = (0, 0);
    for _ in 0..runs {
        let (one, other) = run();
        first += u32::from(one);
        second += u32::from(other);
    }
    (f64::from(first) / f64::from(runs), f64::from(second) / f64::from(runs))
}

#[test]
fn watching_certifies_no_broken_budget() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    // As many errors as just break the budget: the hardest case.
    let (evidence, peeking) = shares(600, || watch((0..600).map(|_| random.random::<f64>() < ALPHA), None));
    println!("infinite: e-process {evidence}, peeking {peeking}");
    assert!(evidence <= DELTA, "{evidence}");
    assert!(peeking >= 0.12, "the fixed-n rule, watched, breaks its promise: {peeking}");

    let mut items: Vec<bool> = (0..300).map(|item| item < 16).collect();
    let (evidence, peeking) = shares(600, || {
        items.shuffle(&mut random);
        watch(items.iter().copied(), Some(300))
    });
    println!("finite: e-process {evidence}, peeking {peeking}");
    assert!(evidence <= DELTA, "{evidence}");
    assert!(peeking >= 0.12, "{peeking}");
}

#[test]
fn watching_certifies_what_is_good() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let (infinite, _) = shares(200, || watch((0..200).map(|_| random.random::<f64>() < 0.01), None));
    assert!(infinite >= 0.7, "{infinite}");
    let mut items: Vec<bool> = (0..300).map(|item| item < 3).collect();
    let (finite, _) = shares(200, || {
        items.shuffle(&mut random);
        watch(items[..150].iter().copied(), Some(300))
    });
    assert!(finite >= 0.9, "{finite}");
}

#[test]
fn one_look_certifies_no_broken_budget() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let budget = Budget::new(ALPHA, DELTA).expect("a budget");
    for audits in [59, 93, 200] {
        let (certified, naive) = shares(4000, || {
            let errors = (0..audits).filter(|_| random.random::<f64>() < ALPHA * 1.0001).count() as u64;
            // The naive rule: the share of errors looks good.
            (certify(audits, errors, budget, None).expect("counts").certified, errors as f64 / audits as f64 <= ALPHA)
        });
        assert!(certified <= DELTA + 0.01, "{audits}: {certified}");
        assert!(naive >= 0.3, "{naive}");
    }
}

/// The least probability above which the rows' own error is at most alpha.
fn naive_threshold(rows: &[OutOfFold]) -> Option<f32> {
    let mut rows: Vec<(f32, bool)> = rows.iter().map(|row| (row.probability, row.right)).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut wrong = 0;
    let mut best = None;
    for (above, row) in rows.iter().enumerate() {
        wrong += usize::from(!row.1);
        if wrong as f64 <= ALPHA * (above + 1) as f64 {
            best = Some(row.0);
        }
    }
    best
}

/// Few labels, a model, a proposal, a frozen set, audits from it, and a certificate or none.
#[test]
fn the_whole_flow_keeps_its_promise_and_a_naive_threshold_does_not() {
    const RUNS: u64 = 150;
    const LABELS: usize = 90;
    let (mut certified, mut false_certificates, mut accepted) = (0, 0, 0.0);
    let (mut naive_out_of_fold, mut naive_in_sample) = (0, 0);
    for seed in 0..RUNS {
        let mut random = ChaCha8Rng::seed_from_u64(1000 + seed);
        let task = draw_task(&mut random, 1500, 2.4);
        let labelled: Vec<usize> = (0..LABELS).collect();
        let head = task.fit(&labelled, None).expect("several classes");
        let (out_of_fold, temperature) = task.out_of_fold(&labelled);
        let all = predictions(&softmax(&head.logits(&task.features), temperature), &task.targets);
        let (in_sample, pool) = all.split_at(LABELS);
        let accept = |threshold: Option<f32>| -> Vec<bool> {
            let Some(threshold) = threshold else { return Vec::new() };
            pool.iter().filter(|row| row.probability >= threshold).map(|row| !row.right).collect()
        };
        let broken = |set: &[bool]| set.iter().filter(|&&wrong| wrong).count() as f64 > ALPHA * set.len() as f64;
        naive_out_of_fold += u32::from(broken(&accept(naive_threshold(&out_of_fold))));
        naive_in_sample += u32::from(broken(&accept(naive_threshold(in_sample))));

        let mut frozen = accept(propose(&out_of_fold, CLASSES, ALPHA, false)[0]);
        frozen.shuffle(&mut random);
        let audits = frozen.iter().copied().take(200);
        if watch(audits, Some(frozen.len() as u64)).0 {
            certified += 1;
            accepted += frozen.len() as f64 / pool.len() as f64;
            false_certificates += u32::from(broken(&frozen));
        }
    }
    let share = |count: u32| f64::from(count) / RUNS as f64;
    println!(
        "certified {}, share accepted {:.2}, false {}; naive out of fold {}, in sample {}",
        share(certified),
        accepted / f64::from(certified),
        share(false_certificates),
        share(naive_out_of_fold),
        share(naive_in_sample)
    );
    assert!(share(false_certificates) <= DELTA, "{}", share(false_certificates));
    assert!(share(certified) >= 0.4, "proposals pass often enough to be worth auditing: {}", share(certified));
    assert!(share(naive_out_of_fold) >= 0.3 && share(naive_in_sample) >= 0.3);
}
