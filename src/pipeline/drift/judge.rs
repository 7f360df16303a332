//! From evidence to a state: does the model hold on a batch, is it to be watched, has it deteriorated, or is too little known?

use super::accuracy::FEWEST_ROWS;
use super::report::NoEstimate;
use crate::pipeline::evaluate::{Estimate, clopper_pearson, tails::binomial_at_most, too_few};
use crate::pipeline::triage::evidence::uniform_mixture;
use serde::{Deserialize, Serialize};

/// An audit that decides asks at least so many items …
pub const LEAST_AUDIT: u32 = 60;
/// … and at most so many: beyond, a person's time is better spent on labels.
pub const MOST_AUDIT: u32 = 150;
/// Where a complete audit leaves it open, so many more are asked.
const FURTHER_AUDIT: u32 = 30;
/// Evidence that settles the matter before the audit is complete, valid however often one looks (Ville's inequality).
const EVIDENCE_NEEDED: f64 = 20.0;
/// The normal quantiles of a one-sided level of 5 % and of a power of 80 %.
const LEVEL_QUANTILE: f64 = 1.644_853_626_951_472;
const POWER_QUANTILE: f64 = 0.841_621_233_572_914;
/// A complete audit that is smaller than the largest condemns a model only if so few right ones have a smaller chance at the
/// acceptable level.
const CHANCE: f64 = 0.05;

/// Where the model stands on a batch. The worse state is the greater one; what is not known is not bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// There are too few items, audits or labels to say anything.
    TooSmall,
    /// An estimate or an audit speaks for it, and nothing against it.
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
            State::TooSmall => "too small to say",
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
    /// The accuracy that the model's own confidence promises, with its band, or why there is none.
    pub estimate: Result<Estimate, NoEstimate>,
    /// Audits of the batch, drawn at random, that the model had right, and all of them.
    pub audited: Option<(u64, u64)>,
    /// Items in it.
    pub items: u64,
    /// The acceptable level: the accuracy below which the model has deteriorated, above 0 and below 1. `None` while nobody
    /// set one and the model was not measured well enough to set it by itself.
    pub floor: Option<f64>,
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

/// The acceptable level that nobody set: five points below the accuracy that the model was measured at, or the lower end of
/// its interval if that is lower, in whole per cent from 1 to 99 %.
///
/// `None` if it was never measured, and if that is less than `largest`, 0 to 1: the share of the most frequent class, which
/// always guessing it has right. To be content with less than that is for a person to say.
pub fn acceptable_level(accuracy: Option<Estimate>, largest: f64) -> Option<f64> {
    let accuracy = accuracy?;
    let level = accuracy.low.min(accuracy.estimate - TOLERATED_LOSS);
    let level = ((level * 100.0).floor() / 100.0).clamp(0.01, 0.99);
    (level >= largest).then_some(level)
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
/// planned by [`audit_size`] is complete; a smaller audit than the largest condemns only what chance hardly explains, and one of
/// fewer than 20 says nothing.
///
/// **Before that**, the model has deteriorated if even the upper end of the estimate's band lies below the floor; it is
/// to be watched if the data moved, if nothing can be estimated because its items are unlike the reference's, or if the estimate
/// itself lies below. It is healthy if the estimate is good and its band narrow enough to say so. Otherwise too little is known.
pub fn judge(evidence: &Evidence) -> Judgement {
    let Evidence { moved, estimate, audited, items, floor } = *evidence;
    let Some(floor) = floor else { return without_level(evidence) };
    let planned = match estimate {
        // Nobody knows what to expect: a first audit tells how large a second would have to be.
        Err(NoEstimate::Unlike) => u64::from(LEAST_AUDIT).min(items) as u32,
        estimate => audit_size(estimate.ok().map(|estimate| estimate.estimate), floor, items),
    };
    let (right, total) = audited.unwrap_or((0, 0));
    let left = left_to_audit(items, total);
    if let Some(state) = by_audits(right, total, planned, floor) {
        let further = MOST_AUDIT.saturating_sub(total as u32).min(FURTHER_AUDIT).min(left);
        return Judgement {
            state,
            by_audit: true,
            sentence: audited_sentence(state, right, total, evidence, floor),
            audits_needed: (state == State::Watch && further > 0).then_some(further),
        };
    }
    let more = (planned > 0).then(|| planned.saturating_sub(total as u32).max(1).min(left));
    let more = more.filter(|&more| more > 0);
    let (state, audits_needed) = match estimate {
        Ok(estimate) if estimate.high < floor => (State::Deteriorated, more),
        Ok(estimate) if moved || estimate.estimate < floor => (State::Watch, more),
        Ok(estimate) if is_vague(estimate) => (State::TooSmall, more),
        Ok(_) => (State::Healthy, None),
        Err(NoEstimate::FewItems) => (State::TooSmall, None),
        Err(NoEstimate::Unlike) => (State::Watch, more),
        Err(_) if moved => (State::Watch, more),
        Err(_) => (State::TooSmall, None),
    };
    Judgement { state, by_audit: false, sentence: estimated_sentence(state, evidence, floor), audits_needed }
}

/// Without a level nothing can be below it.
fn without_level(evidence: &Evidence) -> Judgement {
    let unlike = evidence.estimate == Err(NoEstimate::Unlike);
    let (state, sentence) = if evidence.items < FEWEST_ROWS as u64 {
        (State::TooSmall, few_items(evidence.items))
    } else if unlike {
        (State::Watch, UNLIKE.to_owned())
    } else if evidence.moved {
        (State::Watch, "Watch: the data moved, and there is no acceptable level to hold the model to. Set one, or audit what it was trained on.".into())
    } else {
        let why = "Too small to say: the model was measured on too little for an acceptable level above what always guessing the largest class gives. Audit it, or set a level.";
        (State::TooSmall, why.into())
    };
    let asked =
        audit_size(None, 0.5, evidence.items).min(left_to_audit(evidence.items, evidence.audited.map_or(0, |of| of.1)));
    Judgement { state, by_audit: false, sentence, audits_needed: (state == State::Watch && asked > 0).then_some(asked) }
}

fn left_to_audit(items: u64, audited: u64) -> u32 {
    u32::try_from(items.saturating_sub(audited)).unwrap_or(u32::MAX)
}

/// Whether a band is wider than the interval of an audit that would be too few.
pub fn is_vague(estimate: Estimate) -> bool {
    estimate.high - estimate.low > WIDEST_BAND
}

/// The exact interval of 10 right ones among 20, the widest that 20 audits have.
const WIDEST_BAND: f64 = 0.456;

fn by_audits(right: u64, total: u64, planned: u32, floor: f64) -> Option<State> {
    if total == 0 {
        return None;
    }
    let evidence = |against: u64, level: f64| uniform_mixture(total as f64, against as f64, level) >= EVIDENCE_NEEDED;
    if evidence(total - right, 1.0 - floor) {
        return Some(State::Healthy);
    }
    if evidence(right, floor) {
        return Some(State::Deteriorated);
    }
    if total < u64::from(planned) || too_few(total as usize) {
        return None;
    }
    if right as f64 >= floor * total as f64 {
        return Some(State::Healthy);
    }
    let largest = total >= u64::from(MOST_AUDIT);
    (largest || binomial_at_most(right, total, floor) <= CHANCE).then_some(State::Deteriorated).or(Some(State::Watch))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn with_band(estimate: f64, low: f64, high: f64) -> String {
    format!("{} ({:.1}–{:.1})", percent(estimate), low * 100.0, high * 100.0)
}

/// What is said of items that no record of the model holds for.
const UNLIKE: &str = "Watch: its accuracy cannot be estimated, for these items are unlike any that the champion was checked on. An audit decides.";

fn few_items(items: u64) -> String {
    let noun = if items == 1 { "item" } else { "items" };
    format!("Too small to say: {items} {noun}. From {FEWEST_ROWS} on they are compared.")
}

fn audited_sentence(state: State, right: u64, total: u64, evidence: &Evidence, floor: f64) -> String {
    let (low, high) = clopper_pearson(right, total, 0.95);
    let share = with_band(right as f64 / total as f64, low, high);
    let floor = percent(floor);
    match state {
        State::Deteriorated => {
            format!("Deteriorated: {share} right on {total} audits of it, and {floor} is acceptable.")
        }
        State::Watch => format!(
            "Watch: {share} right on {total} audits of it; that is below the acceptable {floor}, but chance may explain it."
        ),
        _ if evidence.moved => {
            format!("Healthy: the data moved, but {share} are right on {total} audits of it; {floor} is acceptable.")
        }
        _ => format!("Healthy: {share} right on {total} audits of it; {floor} is acceptable."),
    }
}

fn estimated_sentence(state: State, evidence: &Evidence, floor: f64) -> String {
    let floor = percent(floor);
    let estimate = match evidence.estimate {
        Ok(estimate) => estimate,
        Err(NoEstimate::Unlike) => return UNLIKE.into(),
        Err(_) if state == State::Watch => {
            return "Watch: the data moved, and no estimate can be made. An audit decides.".into();
        }
        Err(NoEstimate::FewItems) => return few_items(evidence.items),
        Err(NoEstimate::FewLabels) => {
            return "Too small to say: no test says that the data moved, but too few labels are held out for an estimate.".into();
        }
    };
    let Estimate { estimate, low, high } = estimate;
    let share = with_band(estimate, low, high);
    match state {
        State::Deteriorated => format!(
            "Deteriorated by the model’s own confidence: {share} right are expected, and {floor} is acceptable. An audit makes sure."
        ),
        State::Watch if evidence.moved => format!(
            "Watch: the data moved. {share} right are expected; {floor} is acceptable. Only an audit can tell whether the model holds."
        ),
        State::Watch => format!("Watch: {share} right are expected, and {floor} is acceptable. An audit decides."),
        State::TooSmall => format!(
            "Too small to say: anything from {:.1} to {} may be right; {floor} is acceptable. An audit would tell.",
            low * 100.0,
            percent(high)
        ),
        State::Healthy => format!("Healthy: {share} right are expected; {floor} is acceptable."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: f64 = 0.8;

    fn estimate(estimate: f64) -> Estimate {
        Estimate { estimate, low: estimate - 0.05, high: estimate + 0.05 }
    }

    fn judged(moved: bool, expected: Option<f64>, audited: Option<(u64, u64)>) -> Judgement {
        let estimate = expected.map(estimate).ok_or(NoEstimate::FewLabels);
        judge(&Evidence { moved, estimate, audited, items: 500, floor: Some(FLOOR) })
    }

    #[test]
    fn estimates_decide_until_audits_do() {
        use State::{Deteriorated, Healthy, TooSmall, Watch};
        let cases = [
            ("as before", false, Some(0.9), None, Healthy, false),
            ("it moved", true, Some(0.9), None, Watch, true),
            ("the estimate fell a little", false, Some(0.78), None, Watch, true),
            ("the whole band is below", true, Some(0.7), None, Deteriorated, true),
            ("nothing is known", false, None, None, TooSmall, false),
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
            ("planned audit, a little below: chance may be", true, Some(0.65), Some((47, 60)), Watch, true),
            ("planned audit, far below", true, Some(0.65), Some((40, 60)), Deteriorated, false),
            ("the largest audit, a little below", true, Some(0.79), Some((119, 150)), Deteriorated, false),
        ];
        for (name, moved, expected, audited, state, asks) in cases {
            let judgement = judged(moved, expected, audited);
            assert_eq!((judgement.state, judgement.audits_needed.is_some()), (state, asks), "{name}: {judgement:?}");
            assert!(judgement.sentence.to_lowercase().starts_with(state.word()), "{name}: {}", judgement.sentence);
        }
    }

    #[test]
    fn an_acceptable_level_leaves_room() {
        let level = |estimate, low| acceptable_level(Some(Estimate { estimate, low, high: 1.0 }), 0.0);
        let levels = [level(0.917, 0.9), level(0.917, 0.8), level(0.02, 0.0)];
        assert_eq!(levels, [Some(0.86), Some(0.8), Some(0.01)]);
        assert_eq!(acceptable_level(None, 0.0), None);
        // 10 right of 13, where the largest class has two thirds: less than always guessing it has right.
        assert_eq!(acceptable_level(Estimate::of_share(10, 13), 0.66), None);
    }

    #[test]
    fn too_little_is_not_called_healthy_and_not_condemned() {
        let judged =
            |estimate, audited, items, floor| judge(&Evidence { moved: false, estimate, audited, items, floor });
        for (right, items) in [(0, 1), (1, 2), (2, 5), (12, 19)] {
            let found = judged(Err(NoEstimate::FewItems), Some((right, items)), items, Some(0.8));
            assert!(found.state == State::TooSmall && found.sentence.contains("From 20 on"), "{found:?}");
        }
        let vague = Estimate { estimate: 0.85, low: 0.5, high: 0.99 };
        let found = judged(Ok(vague), None, 30, Some(0.8));
        assert!(found.state == State::TooSmall && found.sentence.contains("from 50.0 to 99.0 %"), "{found:?}");
        let unlike = judged(Err(NoEstimate::Unlike), None, 800, Some(0.5));
        assert!(unlike.state == State::Watch && unlike.audits_needed == Some(60), "{unlike:?}");
        assert!(unlike.sentence.contains("cannot be estimated"), "{unlike:?}");
        let no_level = judged(Ok(estimate(0.9)), None, 800, None);
        assert!(no_level.state == State::TooSmall && no_level.audits_needed.is_none(), "{no_level:?}");
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
                if judgement.by_audit && judgement.state != State::Watch {
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
