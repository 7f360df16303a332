//! From evidence to a state: does the model hold on a batch, is it to be watched, or has it deteriorated?

use crate::pipeline::evaluate::{Estimate, clopper_pearson};
use crate::pipeline::triage::evidence::uniform_mixture;
use serde::{Deserialize, Serialize};

/// An audit that decides asks at least so many items …
pub const LEAST_AUDIT: u32 = 60;
/// … and at most so many: beyond, a person's time is better spent on labels.
pub const MOST_AUDIT: u32 = 150;
/// Evidence that settles the matter before the audit is complete, valid however often one looks (Ville's inequality).
const EVIDENCE_NEEDED: f64 = 20.0;
/// The normal quantiles of a one-sided level of 5 % and of a power of 80 %.
const LEVEL_QUANTILE: f64 = 1.644_853_626_951_472;
const POWER_QUANTILE: f64 = 0.841_621_233_572_914;

/// Where the model stands on a batch. The worse state is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing speaks against it, or an audit speaks for it.
    Healthy,
    /// The data moved or the estimate fell: an audit has to decide.
    Watch,
    /// It is below the acceptable level.
    Deteriorated,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Healthy => "healthy",
            State::Watch => "watch",
            State::Deteriorated => "deteriorated",
        }
    }
}

/// What is known of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Whether a test says that it differs from the reference.
    pub moved: bool,
    /// The accuracy that the model's own confidence promises, with its band.
    pub estimate: Option<Estimate>,
    /// Audits of the batch, drawn at random, that the model had right, and all of them.
    pub audited: Option<(u64, u64)>,
    /// Items in it.
    pub items: u64,
    /// The acceptable level: the accuracy below which the model has deteriorated, above 0 and below 1.
    pub floor: f64,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The state.
    pub state: State,
    /// Whether audits decided it, rather than an estimate.
    pub by_audit: bool,
    /// In one plain sentence.
    pub sentence: String,
    /// How many more audits would decide; `None` if nothing is to be decided.
    pub audits_needed: Option<u32>,
}

/// A model may lose so much of the accuracy it was measured at before it has deteriorated.
const TOLERATED_LOSS: f64 = 0.05;
/// The acceptable level of a model that was never measured.
const UNKNOWN_LEVEL: f64 = 0.5;

/// The acceptable level that nobody set: five points below the accuracy that the model was measured at, or the lower end of
/// its interval if that is lower, in whole per cent from 1 to 99 %. One half if it was never measured.
pub fn acceptable_level(accuracy: Option<Estimate>) -> f64 {
    accuracy.map_or(UNKNOWN_LEVEL, |accuracy| {
        let level = accuracy.low.min(accuracy.estimate - TOLERATED_LOSS);
        ((level * 100.0).floor() / 100.0).clamp(0.01, 0.99)
    })
}

/// How many audits, 60 to 150, tell an accuracy of `expected` from `floor`: the size of a one-sided test of level 5 %
/// and power 80 % for one share (Fleiss, Levin & Paik, "Statistical Methods for Rates and Proportions", 2003, §2.2).
/// At most as many as there are items.
pub fn audit_size(expected: Option<f64>, floor: f64, items: u64) -> u32 {
    let size = expected.map_or(f64::INFINITY, |expected| {
        let spread = |share: f64| (share * (1.0 - share)).sqrt();
        let quantiles = LEVEL_QUANTILE * spread(floor) + POWER_QUANTILE * spread(expected.clamp(0.0, 1.0));
        (quantiles / (expected - floor)).powi(2).ceil()
    });
    let size = size.clamp(f64::from(LEAST_AUDIT), f64::from(MOST_AUDIT)) as u64;
    size.min(items) as u32
}

/// The state of a batch.
///
/// **Audits decide**, for only labels see that the same item now means another class (concept drift). They decide early
/// where the evidence for either side reaches 20: an e-process in each direction (see [`crate::pipeline::triage`]'s
/// evidence), so that looking after every answer costs nothing. Otherwise the observed share decides once the audit
/// planned by [`audit_size`] is complete.
///
/// **Before that**, the model has deteriorated if even the upper end of the estimate's band lies below the floor; it is
/// to be watched if the data moved or the estimate itself lies below; else it is healthy.
pub fn judge(evidence: &Evidence) -> Judgement {
    let Evidence { moved, estimate, audited, items, floor } = *evidence;
    let planned = audit_size(estimate.map(|estimate| estimate.estimate), floor, items);
    let (right, total) = audited.unwrap_or((0, 0));
    if let Some(state) = by_audits(right, total, planned, floor) {
        return Judgement {
            state,
            by_audit: true,
            sentence: audited_sentence(state, right, total, evidence),
            audits_needed: None,
        };
    }
    let more = (planned > 0).then(|| planned.saturating_sub(total as u32).max(1));
    let below = |share: fn(&Estimate) -> f64| estimate.as_ref().is_some_and(|estimate| share(estimate) < floor);
    let (state, audits_needed) = if below(|estimate| estimate.high) {
        (State::Deteriorated, more)
    } else if moved || below(|estimate| estimate.estimate) {
        (State::Watch, more)
    } else {
        (State::Healthy, None)
    };
    Judgement { state, by_audit: false, sentence: estimated_sentence(state, evidence), audits_needed }
}

fn by_audits(right: u64, total: u64, planned: u32, floor: f64) -> Option<State> {
    if total == 0 {
        return None;
    }
    let share = right as f64 / total as f64;
    let evidence = |against: u64, level: f64| uniform_mixture(total as f64, against as f64, level) >= EVIDENCE_NEEDED;
    let holds = evidence(total - right, 1.0 - floor);
    let fails = evidence(right, floor);
    match (total >= u64::from(planned), holds, fails) {
        (_, true, _) => Some(State::Healthy),
        (_, _, true) => Some(State::Deteriorated),
        (true, ..) => Some(if share >= floor { State::Healthy } else { State::Deteriorated }),
        (false, ..) => None,
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn with_band(estimate: f64, low: f64, high: f64) -> String {
    format!("{} ({:.1}–{:.1})", percent(estimate), low * 100.0, high * 100.0)
}

fn audited_sentence(state: State, right: u64, total: u64, evidence: &Evidence) -> String {
    let (low, high) = clopper_pearson(right, total, 0.95);
    let share = with_band(right as f64 / total as f64, low, high);
    let floor = percent(evidence.floor);
    match state {
        State::Deteriorated => {
            format!("Deteriorated: {share} right on {total} audits of it, and {floor} is acceptable.")
        }
        _ if evidence.moved => {
            format!("Healthy: the data moved, but {share} are right on {total} audits of it; {floor} is acceptable.")
        }
        _ => format!("Healthy: {share} right on {total} audits of it; {floor} is acceptable."),
    }
}

fn estimated_sentence(state: State, evidence: &Evidence) -> String {
    let floor = percent(evidence.floor);
    let Some(Estimate { estimate, low, high }) = evidence.estimate else {
        return match state {
            State::Healthy => "Healthy as far as can be told: too few items to compare.".into(),
            _ => "Watch: the data moved, and no estimate can be made. An audit decides.".into(),
        };
    };
    let share = with_band(estimate, low, high);
    match state {
        State::Deteriorated => format!(
            "Deteriorated by the model’s own confidence: {share} right are expected, and {floor} is acceptable. An audit makes sure."
        ),
        State::Watch if estimate < evidence.floor => {
            format!("Watch: {share} right are expected, and {floor} is acceptable. An audit decides.")
        }
        State::Watch => format!(
            "Watch: the data moved. {share} right are expected; {floor} is acceptable. Only an audit can tell whether the model holds."
        ),
        State::Healthy => format!("Healthy: {share} right are expected; {floor} is acceptable."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: f64 = 0.8;

    fn estimate(estimate: f64) -> Option<Estimate> {
        Some(Estimate { estimate, low: estimate - 0.05, high: estimate + 0.05 })
    }

    fn judged(moved: bool, expected: Option<f64>, audited: Option<(u64, u64)>) -> Judgement {
        let estimate = expected.and_then(estimate);
        judge(&Evidence { moved, estimate, audited, items: 500, floor: FLOOR })
    }

    #[test]
    fn estimates_decide_until_audits_do() {
        use State::{Deteriorated, Healthy, Watch};
        let cases = [
            ("as before", false, Some(0.9), None, Healthy, false),
            ("it moved", true, Some(0.9), None, Watch, true),
            ("the estimate fell a little", false, Some(0.78), None, Watch, true),
            ("the whole band is below", true, Some(0.7), None, Deteriorated, true),
            ("nothing is known", false, None, None, Healthy, false),
            ("some audits don't decide", true, Some(0.85), Some((17, 20)), Watch, true),
            ("all of a few audits wrong", true, Some(0.9), Some((3, 15)), Deteriorated, false),
            ("it moved, and holds", true, Some(0.9), Some((70, 70)), Healthy, false),
            (
                "concept drift: nothing moved, labels say otherwise",
                false,
                Some(0.92),
                Some((60, 100)),
                Deteriorated,
                false,
            ),
            ("planned audit, a little above", true, Some(0.9), Some((67, 83)), Healthy, false),
            ("planned audit, a little below", true, Some(0.65), Some((47, 60)), Deteriorated, false),
        ];
        for (name, moved, expected, audited, state, asks) in cases {
            let judgement = judged(moved, expected, audited);
            assert_eq!((judgement.state, judgement.audits_needed.is_some()), (state, asks), "{name}: {judgement:?}");
            assert!(judgement.sentence.to_lowercase().starts_with(state.word()), "{name}: {}", judgement.sentence);
        }
    }

    #[test]
    fn an_acceptable_level_leaves_room() {
        let level = |estimate, low| acceptable_level(Some(Estimate { estimate, low, high: 1.0 }));
        assert_eq!([level(0.917, 0.9), level(0.917, 0.8), level(0.02, 0.0)], [0.86, 0.8, 0.01]);
        assert_eq!(acceptable_level(None), 0.5);
    }

    #[test]
    fn the_audit_is_as_large_as_the_question_is_hard() {
        assert_eq!(audit_size(Some(0.5), 0.8, 500), 60);
        assert_eq!(audit_size(Some(0.8), 0.8, 500), 150);
        assert_eq!(audit_size(None, 0.8, 500), 150);
        let between = audit_size(Some(0.9), 0.8, 500);
        assert!((60..150).contains(&between), "{between}");
        assert_eq!(audit_size(Some(0.9), 0.8, 40), 40, "no more than there are");
        // By hand: (1.645·√.16 + .842·√.09)² / .01 = .8302 / .01.
        assert_eq!(between, 83);
    }

    /// The audit is watched from its first answer on. Deciding by the share so far, as one would naively, condemns
    /// models that hold.
    #[test]
    fn watching_the_audit_costs_little() {
        use rand::{Rng, SeedableRng};
        const RUNS: u32 = 2_000;
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(8);
        let mut run = |accuracy: f64| {
            let (mut right, mut naive) = (0, false);
            for total in 1..=MOST_AUDIT.into() {
                right += u64::from(random.random::<f64>() < accuracy);
                naive |= total >= 20 && (right as f64) < FLOOR * total as f64;
                let judgement = judged(true, Some(FLOOR), Some((right, total)));
                if judgement.by_audit {
                    return (judgement.state, naive);
                }
            }
            unreachable!("the planned audit decides")
        };
        let (mut condemned, mut naively, mut missed) = (0, 0, 0);
        for _ in 0..RUNS {
            let (state, naive) = run(FLOOR + 0.06);
            condemned += u32::from(state == State::Deteriorated);
            naively += u32::from(naive);
            missed += u32::from(run(FLOOR - 0.08).0 == State::Healthy);
        }
        let share = |count: u32| f64::from(count) / f64::from(RUNS);
        let (condemned, naively, missed) = (share(condemned), share(naively), share(missed));
        assert!(condemned < 0.05 && missed < 0.05, "condemned {condemned:.3}, missed {missed:.3}");
        assert!(naively > 2.0 * condemned, "naively {naively:.3}, condemned {condemned:.3}");
    }
}
