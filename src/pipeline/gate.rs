//! The gate: a new model replaces the old one only where it is proven better.
//!
//! Invariant: compares two models on audits that neither was trained on, pair by pair, and may be asked after every
//! audit. It never says that two models are alike: what is not proven is not proven.

use super::evaluate::Estimate;
use super::evaluate::metrics::surprise;
use super::predict::likeliest;
use super::triage::evidence::uniform_mixture;
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

/// The evidence that promotes. Of two models that are right equally often, the challenger is promoted with a
/// probability of at most one in this many, however often one looks.
pub const EVIDENCE_NEEDED: f64 = 20.0;
/// No class may risk to lose more than this share of its audits.
pub const TOLERATED_LOSS: f64 = 0.05;
/// A class with fewer audits is not judged by itself.
pub const LEAST_CLASS_AUDITS: usize = 20;
/// Beyond this, counting audits that are still needed promises nothing.
const MOST_AUDITS_NEEDED: u64 = 100_000;
/// Of a 95 % interval: the normal distribution's 97.5 % quantile.
pub const QUANTILE: f64 = 1.959_963_984_540_054;

/// What the gate says of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassState {
    /// Nothing speaks against the challenger.
    Passed,
    /// The challenger is behind and may be so by more than 5 points.
    Vetoed,
    /// Fewer than 20 audits: not judged by itself.
    Skipped,
}

/// The two models on the audits of one true class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassComparison {
    /// The true class.
    pub class: usize,
    /// Audits of it, at least 1.
    pub audits: usize,
    /// Challenger's minus champion's share right, −1 to 1.
    pub difference: f64,
    /// Lower end of the paired 95 % interval of the difference, see [`Verdict::difference`].
    pub low: f64,
    /// What follows from it.
    pub state: ClassState,
}

/// The comparison of a challenger with the champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Audits compared, at least 1.
    pub audits: usize,
    /// Audits that only the challenger got right.
    pub wins: u64,
    /// Audits that only the champion got right.
    pub losses: u64,
    /// The evidence that the challenger wins more often than it loses, from 0 up; see [`gate`].
    pub e_value: f64,
    /// Whether the challenger should replace the champion.
    pub promote: bool,
    /// The champion's share right, with its exact 95 % interval.
    pub champion: Estimate,
    /// The challenger's.
    pub challenger: Estimate,
    /// Challenger's minus champion's share right, −1 to 1, with the paired 95 % interval of Bonett & Price ("Adjusted Wald
    /// confidence interval for a difference of binomial proportions based on paired data", 2012), which adds one win and
    /// one loss: among the intervals that Fagerland, Lydersen & Laake recommend for small samples (2014).
    pub difference: Estimate,
    /// The champion's mean −ln p of the true class.
    pub champion_log_loss: f64,
    /// The challenger's.
    pub challenger_log_loss: f64,
    /// One entry for each class that occurs, by ascending number.
    pub classes: Vec<ClassComparison>,
    /// How many further audits with wins and losses in the same proportion would make the evidence suffice; 0 if it does.
    /// `None` if the challenger is not ahead, or so little that 100,000 more would not do.
    pub audits_needed: Option<u64>,
}

/// Compares two models on the same audits, in the order audited: the true classes, and each model's calibrated
/// probabilities, n × K. A model with fewer columns than the other does not know the last classes: probability 0.
/// `None` without audits.
///
/// With w audits that only the challenger got right and l that only the champion did, the evidence is
/// E = 2^(w+l+1) · B(w+1, l+1) · (1 − I_½(w+1, l+1)): the likelihood of wins and losses under a chance of a win drawn
/// uniformly from ½ to 1, over that under ½. It is an e-process (see [`super::triage::evidence`]) for "the challenger
/// wins no more often than it loses", so it may be watched: McNemar's test, watched, promotes a model that is no better
/// in one of five comparisons.
///
/// The challenger is promoted iff E ≥ 20, no class is vetoed and its log-loss is not the larger one. A class of at least
/// 20 audits is vetoed if the challenger is behind in it and the lower end of the paired interval lies below −5 points.
/// (That end alone would veto a class without a single loss up to 53 audits; and where the challenger has three times as
/// many wins as losses, 54 % of classes with 40 audits. With "is behind" it vetoes 6 % of these, and 95 % of classes
/// that lose 10 points.)
pub fn gate(truth: &[usize], champion: &Array2<f32>, challenger: &Array2<f32>) -> Option<Verdict> {
    let audits = truth.len().min(champion.nrows()).min(challenger.nrows());
    if audits == 0 {
        return None;
    }
    let truth = &truth[..audits];
    let mut per_class = vec![Pairs::default(); truth.iter().max()? + 1];
    let (mut champion_log_loss, mut challenger_log_loss) = (0.0, 0.0);
    for (row, &class) in truth.iter().enumerate() {
        let (old, new) = (champion.row(row), challenger.row(row));
        per_class[class].add(is_right(old, class), is_right(new, class));
        champion_log_loss += surprise(probability(old, class)) / audits as f64;
        challenger_log_loss += surprise(probability(new, class)) / audits as f64;
    }
    let all = per_class.iter().fold(Pairs::default(), |sum, pairs| sum.plus(*pairs));
    let classes: Vec<ClassComparison> = per_class
        .iter()
        .enumerate()
        .filter(|(_, pairs)| pairs.audits > 0)
        .map(|(class, pairs)| pairs.compare(class))
        .collect();
    let e_value = evidence(all.wins as f64, all.losses as f64);
    let vetoed = classes.iter().any(|class| class.state == ClassState::Vetoed);
    Some(Verdict {
        audits,
        wins: all.wins as u64,
        losses: all.losses as u64,
        e_value,
        promote: e_value >= EVIDENCE_NEEDED && !vetoed && challenger_log_loss <= champion_log_loss,
        champion: Estimate::of_share(all.both + all.losses, audits)?,
        challenger: Estimate::of_share(all.both + all.wins, audits)?,
        difference: all.difference(),
        champion_log_loss,
        challenger_log_loss,
        classes,
        audits_needed: audits_needed(all),
    })
}

fn probability(row: ArrayView1<f32>, class: usize) -> f32 {
    row.get(class).copied().unwrap_or(0.0)
}

fn is_right(row: ArrayView1<f32>, class: usize) -> bool {
    !row.is_empty() && likeliest(row) == class
}

/// How often each model was right.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    audits: usize,
    both: usize,
    wins: usize,
    losses: usize,
}

impl Pairs {
    fn add(&mut self, champion: bool, challenger: bool) {
        self.audits += 1;
        self.both += usize::from(champion && challenger);
        self.wins += usize::from(!champion && challenger);
        self.losses += usize::from(champion && !challenger);
    }

    fn plus(self, other: Self) -> Self {
        Self {
            audits: self.audits + other.audits,
            both: self.both + other.both,
            wins: self.wins + other.wins,
            losses: self.losses + other.losses,
        }
    }

    fn difference(self) -> Estimate {
        paired_difference(self.audits, self.wins, self.losses)
    }

    fn compare(self, class: usize) -> ClassComparison {
        let Estimate { estimate: difference, low, .. } = self.difference();
        let state = if self.audits < LEAST_CLASS_AUDITS {
            ClassState::Skipped
        } else if difference < 0.0 && low < -TOLERATED_LOSS {
            ClassState::Vetoed
        } else {
            ClassState::Passed
        };
        ClassComparison { class, audits: self.audits, difference, low, state }
    }
}

/// Of two models on the same `audits` (at least 1), the second one's share right minus the first one's, −1 to 1: `wins` that
/// only the second had right, `losses` that only the first had. 95 % interval of Bonett & Price, see
/// [`Verdict::difference`].
pub fn paired_difference(audits: usize, wins: usize, losses: usize) -> Estimate {
    let (audits, wins, losses) = (audits as f64, wins as f64, losses as f64);
    let (wins_adjusted, losses_adjusted) = ((wins + 1.0) / (audits + 2.0), (losses + 1.0) / (audits + 2.0));
    let centre = wins_adjusted - losses_adjusted;
    let variance = (wins_adjusted + losses_adjusted - centre * centre) / (audits + 2.0);
    let half = QUANTILE * variance.sqrt();
    let estimate = (wins - losses) / audits;
    Estimate { estimate, low: (centre - half).max(-1.0).min(estimate), high: (centre + half).min(1.0).max(estimate) }
}

/// The mixture of triage with a budget of ½: 1 − I_½(w+1, l+1) = I_½(l+1, w+1).
fn evidence(wins: f64, losses: f64) -> f64 {
    uniform_mixture(wins + losses, losses, 0.5)
}

fn audits_needed(pairs: Pairs) -> Option<u64> {
    let (audits, wins, losses) = (pairs.audits as f64, pairs.wins as f64, pairs.losses as f64);
    if wins <= losses {
        return (evidence(wins, losses) >= EVIDENCE_NEEDED).then_some(0);
    }
    let suffice = |more: u64| {
        let factor = 1.0 + more as f64 / audits;
        evidence(wins * factor, losses * factor) >= EVIDENCE_NEEDED
    };
    super::triage::certificate::least(0, MOST_AUDITS_NEEDED, suffice)
}

impl Verdict {
    /// The verdict in words, with the names of all classes by number and of the two models.
    pub fn sentence(&self, class_names: &[String], champion: &str, challenger: &str) -> String {
        let name = |class: usize| class_names.get(class).map_or_else(|| format!("class {}", class + 1), String::clone);
        let (wins, losses, evidence) = (self.wins, self.losses, spelt(self.e_value));
        let vetoes = listed(self.classes.iter().filter(|class| class.state == ClassState::Vetoed).map(|class| {
            let points = -100.0 * class.difference;
            format!("{} loses {points:.1} points", name(class.class))
        }));
        let mut text = if self.promote {
            format!(
                "Promote {challenger}: right where {champion} is wrong on {}, the other way round on {losses} (evidence {evidence}, needs {EVIDENCE_NEEDED}).",
                counted(wins)
            )
        } else if self.e_value >= EVIDENCE_NEEDED && !vetoes.is_empty() {
            format!("Vetoed: {vetoes}.")
        } else if self.e_value >= EVIDENCE_NEEDED {
            format!(
                "Not proven: {challenger} is right more often (evidence {evidence}, needs {EVIDENCE_NEEDED}), but its probabilities are worse (log-loss {:.3}, {champion}: {:.3}).",
                self.challenger_log_loss, self.champion_log_loss
            )
        } else if let Some(needed) = self.audits_needed {
            let audits = if needed == 1 { "1 more audit" } else { &format!("{needed} more audits") };
            format!("Not proven: {audits} like these would do (evidence {evidence}, needs {EVIDENCE_NEEDED}).")
        } else {
            format!(
                "Not proven: {challenger} is right where {champion} is wrong on {}, the other way round on {losses}.",
                counted(wins)
            )
        };
        if self.e_value < EVIDENCE_NEEDED && !vetoes.is_empty() {
            text += &format!(" Besides, {vetoes}.");
        }
        let skipped = self.classes.iter().filter(|class| class.state == ClassState::Skipped);
        let skipped = listed(skipped.map(|class| format!("{} ({})", name(class.class), class.audits)));
        if !skipped.is_empty() {
            text += &format!(" Not judged by class, for fewer than {LEAST_CLASS_AUDITS} audits: {skipped}.");
        }
        text
    }
}

fn counted(audits: u64) -> String {
    if audits == 1 { "1 audit".into() } else { format!("{audits} audits") }
}

/// Evidence as people read it: beyond a million the digits say nothing.
pub fn spelt(evidence: f64) -> String {
    match evidence {
        evidence if evidence > 1e6 => "over a million".into(),
        evidence if evidence >= EVIDENCE_NEEDED => format!("{:.0}", evidence.floor()),
        evidence => format!("{:.1}", (evidence * 10.0).floor() / 10.0),
    }
}

/// `a, b and c`.
fn listed(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Audits of two classes: (class, champion right, challenger right, how many).
    fn verdict(groups: &[(usize, bool, bool, usize)]) -> Verdict {
        verdict_as_sure(groups, 0.8)
    }

    /// The champion gives its answer 0.8, the challenger `sure`.
    fn verdict_as_sure(groups: &[(usize, bool, bool, usize)], sure: f32) -> Verdict {
        let rows: Vec<_> = groups.iter().flat_map(|&(class, old, new, times)| vec![(class, old, new); times]).collect();
        let truth: Vec<usize> = rows.iter().map(|row| row.0).collect();
        let answers =
            |right: &dyn Fn(usize) -> bool, sure: f32| {
                Array2::from_shape_fn((rows.len(), 2), |(row, class)| {
                    if (class == rows[row].0) == right(row) { sure } else { 1.0 - sure }
                })
            };
        gate(&truth, &answers(&|row| rows[row].1, 0.8), &answers(&|row| rows[row].2, sure)).expect("audits")
    }

    fn said(verdict: &Verdict) -> String {
        verdict.sentence(&["bird".into(), "fish".into()], "r12", "r13")
    }

    #[test]
    fn evidence_by_hand() {
        // w = 1: 2² · B(2, 1) · (1 − I_½(2, 1)) = 4 · ½ · ¾.
        assert!((evidence(1.0, 0.0) - 1.5).abs() < 1e-12);
        assert!((evidence(0.0, 1.0) - 0.5).abs() < 1e-12);
        assert!((evidence(0.0, 0.0) - 1.0).abs() < 1e-12);
        // w wins alone: (2^(w+1) − 1) / (w + 1); 7 give 31.875, 6 give 18.1.
        assert!((evidence(7.0, 0.0) - 31.875).abs() < 1e-9);
    }

    #[test]
    fn verdicts_and_their_sentences() {
        let better = verdict(&[
            (0, true, true, 30),
            (1, true, true, 30),
            (0, false, true, 8),
            (1, false, true, 6),
            (1, true, false, 2),
        ]);
        assert!(better.promote && better.audits_needed == Some(0), "{better:?}");
        assert_eq!(
            said(&better),
            "Promote r13: right where r12 is wrong on 14 audits, the other way round on 2 (evidence 64, needs 20)."
        );
        assert!((better.difference.estimate - 12.0 / 76.0).abs() < 1e-12 && better.difference.low > 0.03);

        let early = verdict(&[(0, true, true, 30), (0, false, true, 5), (1, true, true, 15)]);
        let needed = early.audits_needed.expect("it is ahead");
        // 62 audits with 6.2 wins: (2^7.2 − 1) / 7.2 = 20.3; 61 with 6.1: 19.2.
        assert!(!early.promote && needed == 12, "{early:?}");
        assert_eq!(
            said(&early),
            format!(
                "Not proven: {needed} more audits like these would do (evidence 10.5, needs 20). Not judged by class, for fewer than 20 audits: fish (15)."
            )
        );

        let vetoed = verdict(&[
            (0, false, true, 20),
            (0, true, true, 20),
            (1, true, true, 44),
            (1, true, false, 5),
            (1, false, true, 1),
        ]);
        assert!(!vetoed.promote && vetoed.e_value > 20.0, "{vetoed:?}");
        assert_eq!(said(&vetoed), "Vetoed: fish loses 8.0 points.");

        let behind = verdict(&[(0, true, true, 30), (0, true, false, 2), (0, false, true, 1)]);
        assert_eq!((behind.promote, behind.audits_needed), (false, None));
        assert_eq!(
            said(&behind),
            "Not proven: r13 is right where r12 is wrong on 1 audit, the other way round on 2. Besides, bird loses 3.0 points."
        );

        let boasting = verdict_as_sure(&[(0, true, true, 30), (0, false, true, 9), (0, false, false, 21)], 0.9999);
        assert!(!boasting.promote && boasting.e_value > 20.0);
        assert!(
            said(&boasting).starts_with("Not proven: r13 is right more often (evidence 102, needs 20), but"),
            "{}",
            said(&boasting)
        );
    }

    #[test]
    fn a_class_without_a_loss_is_not_vetoed() {
        let few = verdict(&[(0, true, true, 20), (1, false, true, 8)]);
        assert_eq!(
            few.classes.iter().map(|class| class.state).collect::<Vec<_>>(),
            [ClassState::Passed, ClassState::Skipped]
        );
        assert!(few.promote, "{few:?}");
    }

    #[test]
    fn a_class_that_came_later_is_unknown_to_the_champion() {
        let truth = [2, 2, 0];
        let champion = Array2::from_shape_vec((3, 2), vec![0.6, 0.4, 0.3, 0.7, 0.9, 0.1]).expect("3 × 2");
        let challenger = Array2::from_shape_fn((3, 3), |(row, class)| if class == truth[row] { 0.8 } else { 0.1 });
        let found = gate(&truth, &champion, &challenger).expect("audits");
        assert_eq!((found.wins, found.losses), (2, 0));
        assert!(found.champion_log_loss > 10.0 && found.challenger_log_loss < 0.3, "impossible, but it happened");
        assert_eq!(found.classes.iter().map(|class| class.class).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(gate(&[], &champion, &challenger), None);
    }

    #[test]
    fn needed_audits_shrink_with_the_lead() {
        let needed = |wins, losses| {
            verdict(&[(0, true, true, 30), (0, false, true, wins), (0, true, false, losses)]).audits_needed
        };
        assert!(needed(5, 0) < needed(4, 1) && needed(4, 1) < needed(4, 2));
        assert_eq!((needed(3, 3), needed(2, 5)), (None, None));
    }
}
