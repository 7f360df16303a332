//! Intervals cover: at least 93 of 100 that claim 95.

use crate::learner::{draw_task, label_the_uncertain};
use hone::pipeline::evaluate::{Estimate, WeighedLoss, audit_accuracy, clopper_pearson, hypergeometric_interval, lure};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many intervals held the truth.
#[derive(Default)]
struct Coverage {
    held: u32,
    all: u32,
}

impl Coverage {
    fn count(&mut self, low: f64, high: f64, truth: f64) {
        self.held += u32::from(low <= truth && truth <= high);
        self.all += 1;
    }

    fn share(&self) -> f64 {
        f64::from(self.held) / f64::from(self.all)
    }
}

#[test]
fn the_binomial_interval_covers_and_the_textbook_one_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (audits, truth) in [(20, 0.9), (60, 0.97), (60, 0.7), (200, 0.95)] {
        let (mut exact, mut textbook) = (Coverage::default(), Coverage::default());
        for _ in 0..2000 {
            let right = (0..audits).filter(|_| random.random::<f64>() < truth).count() as u64;
            let (low, high) = clopper_pearson(right, audits, 0.95);
            exact.count(low, high, truth);
            let share = right as f64 / audits as f64;
            let half = 1.96 * (share * (1.0 - share) / audits as f64).sqrt();
            textbook.count(share - half, share + half, truth);
        }
        assert!(exact.share() >= 0.93, "{audits} of {truth}: {}", exact.share());
        assert!(truth != 0.97 || textbook.share() < 0.9, "{}", textbook.share());
    }
}

#[test]
fn the_finite_interval_covers_and_is_narrower() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for (audits, right_items, population) in [(30, 72, 80), (60, 285, 300), (100, 90, 120)] {
        let truth = f64::from(right_items) / f64::from(population);
        let mut items: Vec<bool> = (0..population).map(|item| item < right_items).collect();
        let (mut coverage, mut too_narrow) = (Coverage::default(), Coverage::default());
        let (mut width, mut infinite_width) = (0.0, 0.0);
        for _ in 0..1000 {
            items.shuffle(&mut random);
            let right = items[..audits].iter().filter(|&&right| right).count() as u64;
            let (low, high) = hypergeometric_interval(right, audits as u64, population as u64, 0.95);
            coverage.count(low, high, truth);
            width += high - low;
            // Whoever counts too small a population trusts the audits too much.
            let (low, high) = hypergeometric_interval(right, audits as u64, audits as u64 + 5, 0.95);
            too_narrow.count(low, high, truth);
            let (low, high) = clopper_pearson(right, audits as u64, 0.95);
            infinite_width += high - low;
        }
        assert!(coverage.share() >= 0.93, "{audits} of {population}: {}", coverage.share());
        assert!(too_narrow.share() < 0.9, "{}", too_narrow.share());
        assert!(width < infinite_width);
    }
}

/// Audits drawn more often where the model is unsure: LURE takes the weight off again, the mean of the audits does not.
#[test]
fn lure_covers_under_any_draw_and_the_plain_mean_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (mut covered, mut naive) = (Coverage::default(), Coverage::default());
    let mut error = 0.0;
    const RUNS: u32 = 400;
    for seed in 0..RUNS {
        let unsure: Vec<f64> = (0..500).map(|_| random.random::<f64>().powi(3)).collect();
        let losses: Vec<f64> =
            unsure.iter().map(|&unsure| f64::from(u8::from(random.random::<f64>() < 0.5 * unsure))).collect();
        let truth = losses.iter().sum::<f64>() / losses.len() as f64;
        let mut left: Vec<usize> = (0..500).collect();
        let mut audits = Vec::new();
        for _ in 0..80 {
            let weight = |row: usize| unsure[row] + 0.1;
            let total: f64 = left.iter().map(|&row| weight(row)).sum();
            let mut at = random.random::<f64>() * total;
            let place = left.iter().position(|&row| {
                at -= weight(row);
                at <= 0.0
            });
            let row = left.swap_remove(place.unwrap_or(left.len() - 1));
            audits.push(WeighedLoss { loss: losses[row], probability: weight(row) / total });
        }
        let found = lure(500, &audits, 0.95, u64::from(seed)).expect("audits");
        covered.count(found.low, found.high, truth);
        error += (found.estimate - truth) / f64::from(RUNS);
        let wrong = audits.iter().map(|audit| audit.loss).sum::<f64>() as u64;
        let (low, high) = clopper_pearson(wrong, 80, 0.95);
        naive.count(low, high, truth);
    }
    println!("LURE {:.3}, mean error {error:.4}, plain mean {:.3}", covered.share(), naive.share());
    assert!(covered.share() >= 0.93, "{}", covered.share());
    assert!(error.abs() < 0.005, "{error}");
    assert!(naive.share() < 0.7, "{}", naive.share());
}

/// A queue that takes the hard items away between audits.
#[test]
fn the_audit_estimate_covers_under_an_uncertain_queue() {
    for (items, labels, runs) in [(600, 240, 150), (600, 90, 150)] {
        let (mut covered, mut plain, mut chosen) = (Coverage::default(), Coverage::default(), Coverage::default());
        let (mut error, mut plain_error) = (0.0, 0.0);
        for seed in 0..runs {
            let mut random = ChaCha8Rng::seed_from_u64(100 + seed);
            let task = draw_task(&mut random, items, 2.2);
            let run = label_the_uncertain(&mut random, &task, labels, 0.15);
            let Some(Estimate { estimate, low, high }) =
                audit_accuracy(&run.audits, run.undecided, Some(run.out_of_fold))
            else {
                continue;
            };
            covered.count(low, high, run.truth);
            error += (estimate - run.truth) / runs as f64;
            let audits = run.audits.len() as u64;
            let right = run.audits.iter().filter(|audit| audit.loss == 0.0).count() as u64;
            let (low, high) = clopper_pearson(right, audits, 0.95);
            plain.count(low, high, run.truth);
            plain_error += (right as f64 / audits as f64 - run.truth) / runs as f64;
            let right = (run.out_of_fold * run.labels as f64).round() as u64;
            let (low, high) = clopper_pearson(right, run.labels as u64, 0.95);
            chosen.count(low, high, run.truth);
        }
        println!(
            "{labels} of {items}: estimate {:.3} ({error:+.4}), plain mean {:.3} ({plain_error:+.4}), chosen labels {:.3}",
            covered.share(),
            plain.share(),
            chosen.share()
        );
        assert!(covered.share() >= 0.93, "{labels} labels: {}", covered.share());
        assert!(error.abs() < 0.015, "{labels} labels: {error}");
        assert!(chosen.share() < 0.1, "accuracy on chosen labels: {}", chosen.share());
        assert!(plain_error < error - 0.01, "the plain mean leans further: {plain_error}, {error}");
    }
}

/// Few audits of a good model, and no queue between them: most runs see no error at all.
#[test]
fn the_audit_estimate_covers_with_few_audits_of_a_good_model_and_a_bootstrap_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    for (accuracy, audits) in [(0.9, 10), (0.97, 20), (0.97, 60), (0.99, 40), (0.6, 20)] {
        let (mut covered, mut bootstrap) = (Coverage::default(), Coverage::default());
        for seed in 0..600 {
            let population = 400;
            let losses: Vec<f64> =
                (0..population).map(|_| f64::from(u8::from(random.random::<f64>() > accuracy))).collect();
            let truth = 1.0 - losses.iter().sum::<f64>() / f64::from(population);
            let drawn: Vec<WeighedLoss> = (0..audits)
                .map(|number| WeighedLoss {
                    loss: losses[number],
                    probability: 1.0 / (f64::from(population) - number as f64),
                })
                .collect();
            let found = audit_accuracy(&drawn, population as usize - audits, None).expect("audits");
            covered.count(found.low, found.high, truth);
            let found = lure(population as usize, &drawn, 0.95, seed).expect("audits");
            bootstrap.count(1.0 - found.high, 1.0 - found.low, truth);
        }
        println!("{accuracy} by {audits}: {:.3}, bootstrap {:.3}", covered.share(), bootstrap.share());
        assert!(covered.share() >= 0.93, "{accuracy} by {audits}: {}", covered.share());
        assert!(audits != 20 || accuracy < 0.9 || bootstrap.share() < 0.93, "{}", bootstrap.share());
    }
}
