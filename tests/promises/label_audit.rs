//! The error rate of labels is as a label audit says, and a ranking holds as many wrong labels as was forecast.

use hone::pipeline::evaluate::tails::binomial_at_most;
use hone::pipeline::quality::label_audit::LabelAudit;
use hone::pipeline::quality::precision_forecast::{Reviewed, forecast, next_ranks};
use hone::pipeline::quality::suspects::{Evidence, suspects};
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Labels of two classes, which of them are wrong, and what a model says of them.
struct Labels {
    given: Vec<usize>,
    wrong: Vec<bool>,
    probabilities: Array2<f64>,
}

impl Labels {
    /// `parts`: how many labels, the share of them that is wrong, and the model's probability of the given class where it is wrong and
    /// where it is right.
    fn of(parts: &[(usize, f64, f64, f64)], random: &mut ChaCha8Rng) -> Self {
        let mut labels = Self { given: Vec::new(), wrong: Vec::new(), probabilities: Array2::zeros((0, 2)) };
        for &(count, share, if_wrong, if_right) in parts {
            for _ in 0..count {
                let (given, wrong) = (random.random_range(0..2), random.random::<f64>() < share);
                let mean: f64 = if wrong { if_wrong } else { if_right };
                let p = (mean + random.random_range(-0.04..0.04)).clamp(0.01, 0.99);
                let row = if given == 0 { [p, 1.0 - p] } else { [1.0 - p, p] };
                labels.probabilities.push_row(ndarray::aview1(&row)).expect("two columns");
                labels.given.push(given);
                labels.wrong.push(wrong);
            }
        }
        labels
    }

    fn wrong(&self) -> usize {
        self.wrong.iter().filter(|&&wrong| wrong).count()
    }
}

/// Asks `number` labels again, drawn at random; one in `unsure` answers is “not sure”.
fn audit(wrong: &[bool], number: usize, unsure: f64, random: &mut ChaCha8Rng) -> LabelAudit {
    let mut order: Vec<usize> = (0..wrong.len()).collect();
    order.shuffle(random);
    let mut found = LabelAudit { labels: wrong.len(), ..LabelAudit::default() };
    for &label in &order[..number] {
        *(match () {
            () if random.random::<f64>() < unsure => &mut found.unsure,
            () if wrong[label] => &mut found.different,
            () => &mut found.same,
        }) += 1;
    }
    found
}

/// A model that learnt the errors of some kind of item counts too few, one that gets hard items wrong too many.
#[test]
fn the_label_audit_holds_the_error_rate_and_the_models_count_does_not() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    const RUNS: usize = 150;
    // Learnt errors: where labels are wrong the model agrees with them. Hard items: right labels that it would give otherwise.
    for (name, parts) in [
        ("errors that were learnt", [(70, 0.8, 0.8, 0.7), (530, 0.01, 0.2, 0.9)]),
        ("hard items", [(120, 0.0, 0.5, 0.12), (480, 0.03, 0.1, 0.95)]),
    ] {
        let (mut held, mut counted, mut factor) = (0, 0, 0.0);
        for _ in 0..RUNS {
            let labels = Labels::of(&parts, &mut random);
            let rate = audit(&labels.wrong, 120, 0.05, &mut random).error_rate().expect("answers");
            let truth = labels.wrong() as f64 / 600.0;
            held += usize::from(rate.share.low <= truth && truth <= rate.share.high);
            let count = suspects(&labels.given, &Evidence::of(labels.probabilities.view())).expected_errors / 600.0;
            counted += usize::from(rate.share.low <= count && count <= rate.share.high);
            factor += count / truth / RUNS as f64;
        }
        let share = |count: usize| count as f64 / RUNS as f64;
        println!("{name}: audit {:.3}; model's count {:.3}, {factor:.2} of the truth", share(held), share(counted));
        assert!(share(held) >= 0.93, "{name}: {}", share(held));
        assert!(share(counted) < 0.3 && !(0.6..1.6).contains(&factor), "{name}: {} {factor}", share(counted));
    }
}

/// What a textbook would say of what comes: it is as what was.
fn naive_interval(found: usize, reviewed: usize, next: usize) -> (usize, usize) {
    let share = found as f64 / reviewed as f64;
    let quantile =
        |part: f64| (0..next).find(|&wrong| binomial_at_most(wrong as u64, next as u64, share) >= part).unwrap_or(next);
    (quantile(0.05), quantile(0.95))
}

#[test]
fn the_forecast_holds_what_the_ranking_brings_and_the_precision_so_far_does_not() {
    const NEXT: usize = 100;
    const LABELS: usize = 2000;
    const RUNS: usize = 25;
    /// How likely the label at a rank is wrong.
    type Precision = fn(f64) -> f64;
    // A cliff right behind the last label seen can be foreseen by nobody; from here on none comes within a third of what was seen.
    let shapes: [(&str, Precision); 6] = [
        ("flat", |_| 0.3),
        ("flat and low", |_| 0.03),
        ("steep", |rank| 0.02 + 0.88 * (-rank / 15.0).exp()),
        ("a cliff at 75", |rank| if rank < 75.0 { 0.8 } else { 0.03 }),
        ("logistic in log rank", |rank| 0.9 / (1.0 + ((rank + 1.0) / 80.0).powf(1.5))),
        ("as people err", |rank| PEOPLES_ERRORS[(rank as usize / 40).min(PEOPLES_ERRORS.len() - 1)]),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let (mut all_held, mut all) = (0, 0);
    for (name, precision) in shapes {
        let (mut held, mut naive, mut runs) = (0, 0, 0);
        for reviewed in [10, 20, 40, 100, 300] {
            for _ in 0..RUNS {
                let wrong: Vec<bool> =
                    (0..LABELS).map(|rank| random.random::<f64>() < precision(rank as f64)).collect();
                // A few are left out, for later.
                let seen: Vec<Reviewed> = (0..reviewed + reviewed / 10)
                    .filter(|rank| rank % 11 != 7)
                    .map(|rank| Reviewed { rank, wrong: wrong[rank] })
                    .collect();
                let next = next_ranks(&seen, LABELS, NEXT);
                let truth = next.iter().filter(|&&rank| wrong[rank]).count();
                let found = forecast(&seen, &next);
                held += usize::from((found.low..=found.high).contains(&truth));
                let (low, high) = naive_interval(found.found, found.reviewed, NEXT);
                naive += usize::from((low..=high).contains(&truth));
                runs += 1;
            }
        }
        let share = |count: usize| count as f64 / runs as f64;
        println!("{name}: forecast {:.3}, as so far {:.3}", share(held), share(naive));
        assert!(share(held) >= 0.9, "{name}: {}", share(held));
        assert!(share(naive) < if name.starts_with("flat") { 0.8 } else { 0.5 }, "{name}, naive: {}", share(naive));
        (all_held, all) = (all_held + held, all + runs);
    }
    assert!(all_held as f64 / all as f64 >= 0.93);
}

/// The share of wrong labels by forty ranks, where each label is one vote of one person (`docs/label-quality.md`): tweets, mean of three
/// draws.
const PEOPLES_ERRORS: [f64; 17] =
    [0.88, 0.61, 0.53, 0.32, 0.27, 0.22, 0.12, 0.08, 0.08, 0.12, 0.12, 0.12, 0.03, 0.07, 0.04, 0.06, 0.02];
