//! A model that is no better is promoted with a probability of at most one in twenty, also under watching.

use hone::pipeline::gate::{EVIDENCE_NEEDED, gate};
use ndarray::{Array2, s};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CLASSES: usize = 3;

/// What looking after every audit led to.
#[derive(Default)]
struct Watched {
    promoted: bool,
    evidence: bool,
    mcnemar: bool,
}

/// Both models are right on most audits; only the challenger on a share `wins`, only the champion on a share `losses`,
/// neither on one in twenty.
fn watch(seed: u64, audits: usize, wins: f64, losses: f64) -> Watched {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let truth: Vec<usize> = (0..audits).map(|_| random.random_range(0..CLASSES)).collect();
    let right: Vec<(bool, bool)> = (0..audits)
        .map(|_| match random.random::<f64>() {
            draw if draw < wins => (false, true),
            draw if draw < wins + losses => (true, false),
            draw => (draw < 0.95, draw < 0.95),
        })
        .collect();
    let answers = |right: &dyn Fn(usize) -> bool| {
        Array2::from_shape_fn((audits, CLASSES), |(row, class)| {
            let answer = if right(row) { truth[row] } else { (truth[row] + 1) % CLASSES };
            if class == answer { 0.8 } else { 0.1 }
        })
    };
    let (champion, challenger) = (answers(&|row| right[row].0), answers(&|row| right[row].1));
    let mut watched = Watched::default();
    for seen in 1..=audits {
        let part = |probabilities: &Array2<f32>| probabilities.slice(s![..seen, ..]).to_owned();
        let verdict = gate(&truth[..seen], &part(&champion), &part(&challenger)).expect("audits");
        watched.promoted |= verdict.promote;
        watched.evidence |= verdict.e_value >= EVIDENCE_NEEDED;
        let (wins, losses) = (verdict.wins as f64, verdict.losses as f64);
        // McNemar's test at 5 %: (w − l)² / (w + l) against χ² with one degree of freedom.
        watched.mcnemar |= wins > losses && (wins - losses).powi(2) / (wins + losses) > 3.841;
    }
    watched
}

fn share(runs: u64, seed: u64, audits: usize, wins: f64, losses: f64) -> (f64, f64, f64) {
    let (mut promoted, mut evidence, mut mcnemar) = (0.0, 0.0, 0.0);
    for run in 0..runs {
        let watched = watch(seed + run, audits, wins, losses);
        promoted += f64::from(watched.promoted) / runs as f64;
        evidence += f64::from(watched.evidence) / runs as f64;
        mcnemar += f64::from(watched.mcnemar) / runs as f64;
    }
    (promoted, evidence, mcnemar)
}

#[test]
fn models_as_good_as_each_other_are_not_promoted() {
    let (promoted, evidence, mcnemar) = share(300, 1, 300, 0.1, 0.1);
    println!("no better: promoted {promoted:.3}, evidence {evidence:.3}, McNemar {mcnemar:.3}");
    assert!(promoted <= evidence && evidence <= 0.05, "{promoted} {evidence}");
    assert!(mcnemar >= 0.15, "{mcnemar}");
}

#[test]
fn real_improvements_are_promoted() {
    let (promoted, evidence, _) = share(80, 5000, 250, 0.12, 0.03);
    println!("better: promoted {promoted:.3}, evidence {evidence:.3}");
    assert!(promoted >= 0.8, "{promoted}, by evidence alone {evidence}");
}
