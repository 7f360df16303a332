//! The labels in the order in which a person should look at them.
//!
//! Confident learning counts well and flags too little of what people get wrong; a ranking shows them first all the same.
//! [`suspects`] joins five kinds of evidence on whether a label is right:
//!
//! 1. the model's out-of-fold probabilities p;
//! 2. those of the class means, r, each label left out (`class_means.rs`). Both together: √(p·r), scaled to 1;
//! 3. the second opinion of the k nearest labels, q_c = (votes for c + k·share of c)/(2k): as many votes again as they
//!    cast, in the classes' shares. The joint opinion is √(p·r)·√q, scaled to 1: half of their weight, because all
//!    read the same features;
//! 4. how clean the given class is: c_k, the share of its labels that the confident joint of 1 and 2 leaves on the diagonal,
//!    shrunk towards that of all classes, ĉ;
//! 5. how hard the label was to learn: m, the area under its margin (`margin_area.rs`).
//!
//! score = σ(logit(joint opinion of the given label) + logit(c_k) − logit(ĉ) + m/4). What is not there plays no part.
//! Flags and numbers are of p alone: cleanlab's.
//!
//! Average precision on labels that are a single vote of one person, truth the clear majority (≥ 80 %) of some twenty or
//! a hundred others, the same probabilities for all, mean ± standard deviation of five draws of the vote:
//!
//! | | tweets | review sentences |
//! | --- | --- | --- |
//! | self-confidence (cleanlab's default order) | .533 ± .033 | .285 ± .029 |
//! | the model alone | .584 ± .029 | .331 ± .034 |
//! | model and neighbours | .605 ± .033 | .352 ± .036 |
//! | all | .619 ± .028 | .355 ± .034 |
//!
//! In every draw each of the first three is ahead of the one above, the last in nine of ten. `tests/promises/suspects.rs` measures it
//! again; docs/label-quality.md has more, also on planted errors, where the last line gains most.

use super::confident_learning::{confident_joint, expected_errors};
use super::filter::{FilterOptions, find_label_issues};
use super::rounding::ascending;
use crate::pipeline::predict::likeliest;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// How many labels of ordinary cleanness each class's cleanness is shrunk with.
const ORDINARY_LABELS: f64 = 20.0;

/// Probabilities are kept this far from 0 and 1, so that no evidence is final.
const LEAST_PROBABILITY: f64 = 1e-6;

/// What the area under the margin counts, beside a logit.
const MARGIN_WEIGHT: f64 = 0.25;

/// What is known of n labels beside their classes; all but the first may be missing.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// n × K out-of-fold probabilities.
    pub probabilities: ArrayView2<'a, f64>,
    /// n × K probabilities by the class means, see [`ClassMeans`](super::class_means::ClassMeans).
    pub class_means: Option<ArrayView2<'a, f64>>,
    /// The classes of each label's nearest labelled neighbours, see
    /// [`NeighbourVotes`](super::neighbour_votes::NeighbourVotes).
    pub neighbour_votes: Option<&'a [Vec<usize>]>,
    /// The area under each label's margin, see [`MarginArea`](super::margin_area::MarginArea).
    pub margins: Option<&'a [f64]>,
}

impl<'a> Evidence<'a> {
    /// Out-of-fold probabilities and nothing else.
    pub fn of(probabilities: ArrayView2<'a, f64>) -> Self {
        Self { probabilities, class_means: None, neighbour_votes: None, margins: None }
    }
}

/// What the nearest labels say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourVote {
    /// How many of them are of the given class.
    pub given: usize,
    /// How many are of the suggested class.
    pub suggested: usize,
    /// How many there are.
    pub of: usize,
}

/// Who speaks against a label: the model, if another class is likelier; the neighbours, if more of them are of another
/// class than of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Both.
    Both,
    /// The model alone, or there is no second opinion.
    ModelOnly,
    /// The neighbours alone.
    NeighboursOnly,
    /// Nobody.
    Neither,
}

/// A label and what speaks against it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// Its place among the labels.
    pub index: usize,
    /// Its class.
    pub given: usize,
    /// What it may rather be: of the other classes the one that model and neighbours together hold likeliest.
    pub suggested: usize,
    /// The model's out-of-fold probability of the given class.
    pub given_probability: f64,
    /// The same of the suggested class.
    pub suggested_probability: f64,
    /// 0 to 1; low is suspicious. See the head of this file.
    pub score: f64,
    /// The second opinion; `None` where there is none.
    pub neighbour_vote: Option<NeighbourVote>,
    /// Whether confident learning counts it as an issue (`prune_by_noise_rate`).
    pub flagged: bool,
    /// Who speaks against it.
    pub agreement: Agreement,
}

/// All labels, ranked, and the numbers above the list.
#[derive(Debug, Clone, PartialEq)]
pub struct SuspectReport {
    /// Every label once, the most suspicious first; of equals the first label first.
    pub ranked: Vec<Suspect>,
    /// How many confident learning counts as issues.
    pub flagged: usize,
    /// How many have another likeliest class.
    pub wide: usize,
    /// How many are estimated to be wrong, see [`expected_errors`](super::confident_learning::expected_errors).
    pub expected_errors: f64,
}

/// Ranks n labels by all that is known of them.
///
/// # Panics
/// If labels and probabilities do not go together, see [`check`](super::confident_learning::check), or the rest of the evidence is
/// of other labels or classes.
pub fn suspects(labels: &[usize], evidence: &Evidence) -> SuspectReport {
    let Evidence { probabilities, class_means, neighbour_votes, margins } = *evidence;
    let classes = probabilities.ncols();
    assert!(class_means.is_none_or(|means| means.dim() == probabilities.dim()), "an opinion of each label and class");
    assert!(neighbour_votes.is_none_or(|votes| votes.len() == labels.len()), "votes for each label");
    assert!(margins.is_none_or(|margins| margins.len() == labels.len()), "a margin for each label");
    let flags = find_label_issues(labels, probabilities, &FilterOptions::default());
    let opinions = with_class_means(probabilities, class_means);
    let joint = confident_joint(labels, opinions.view());
    let ordinary = (joint.diag().sum() as f64 + 1.0) / (labels.len() as f64 + 2.0);
    let cleanness = |class: usize| {
        let count = joint.row(class).sum() as f64;
        (joint[[class, class]] as f64 + ORDINARY_LABELS * ordinary) / (count + ORDINARY_LABELS)
    };
    let cleaner: Vec<f64> = (0..classes).map(|class| log_odds(cleanness(class)) - log_odds(ordinary)).collect();
    let shares = shares(labels, classes);
    let unranked: Vec<Suspect> = (0..labels.len())
        .map(|index| {
            let (given, row) = (labels[index], probabilities.row(index));
            let votes = neighbour_votes.map(|votes| counts(&votes[index], classes));
            let opinion = joint_opinion(opinions.row(index), votes.as_ref(), &shares);
            let learnt = margins.map_or(0.0, |margins| MARGIN_WEIGHT * margins[index]);
            let suggested = likeliest_other(opinion.view(), given);
            let neighbour_vote = votes.as_ref().map(|votes| NeighbourVote {
                given: votes[given],
                suggested: votes[suggested],
                of: votes.iter().sum(),
            });
            let by_model = likeliest(row) != given;
            let by_neighbours = votes.as_ref().is_some_and(|votes| votes.iter().any(|&count| count > votes[given]));
            Suspect {
                index,
                given,
                suggested,
                given_probability: row[given],
                suggested_probability: row[suggested],
                score: probability(log_odds(opinion[given]) + cleaner[given] + learnt),
                neighbour_vote,
                flagged: flags[index],
                agreement: match (by_model, by_neighbours) {
                    (true, true) => Agreement::Both,
                    (true, false) => Agreement::ModelOnly,
                    (false, true) => Agreement::NeighboursOnly,
                    (false, false) => Agreement::Neither,
                },
            }
        })
        .collect();
    let scores: Vec<f64> = unranked.iter().map(|suspect| suspect.score).collect();
    SuspectReport {
        flagged: flags.iter().filter(|&&flagged| flagged).count(),
        wide: unranked.iter().filter(|suspect| likeliest(probabilities.row(suspect.index)) != suspect.given).count(),
        expected_errors: expected_errors(labels, probabilities),
        ranked: ascending(&scores).into_iter().map(|at| unranked[at]).collect(),
    }
}

/// Each class's share of the labels, one more label of each class counted.
fn shares(labels: &[usize], classes: usize) -> Array1<f64> {
    let counts = counts(labels, classes);
    counts.mapv(|count| (count + 1) as f64 / (labels.len() + classes) as f64)
}

fn counts(of: &[usize], classes: usize) -> Array1<usize> {
    let mut counts = Array1::zeros(classes);
    of.iter().for_each(|&class| counts[class] += 1);
    counts
}

/// √(p·r), scaled to 1; p where there are no means.
fn with_class_means(probabilities: ArrayView2<f64>, class_means: Option<ArrayView2<f64>>) -> Array2<f64> {
    let Some(class_means) = class_means else { return probabilities.to_owned() };
    let bounded = |p: &f64| p.max(LEAST_PROBABILITY);
    let mut opinions = (probabilities.map(bounded) * class_means.map(bounded)).mapv(f64::sqrt);
    opinions.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
    opinions
}

fn joint_opinion(row: ArrayView1<f64>, votes: Option<&Array1<usize>>, shares: &Array1<f64>) -> Array1<f64> {
    let mut opinion = row.mapv(|p| p.max(LEAST_PROBABILITY));
    if let Some(votes) = votes.filter(|votes| votes.sum() > 0) {
        let all = votes.sum() as f64;
        let share_of_votes = votes.mapv(|count| count as f64) + &(shares * all);
        opinion *= &share_of_votes.mapv(|share| (share / (2.0 * all)).sqrt());
    }
    let total = opinion.sum();
    opinion / total
}

fn likeliest_other(opinion: ArrayView1<f64>, given: usize) -> usize {
    let mut others = opinion.to_owned();
    others[given] = f64::NEG_INFINITY;
    likeliest(others.view())
}

/// ln(p/(1 − p)), finite.
pub(super) fn log_odds(probability: f64) -> f64 {
    let within = probability.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
    (within / (1.0 - within)).ln()
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// Twenty labels of two classes; the model is sure of each but doubts the labels 4 and 7.
    fn doubted() -> (Vec<usize>, Array2<f64>) {
        let labels: Vec<usize> = (0..20).map(|i| i % 2).collect();
        let probabilities = Array2::from_shape_fn((20, 2), |(row, class)| {
            let of_label = if row == 4 || row == 7 { 0.1 } else { 0.9 };
            if class == labels[row] { of_label } else { 1.0 - of_label }
        });
        (labels, probabilities)
    }

    #[test]
    fn the_doubted_labels_come_first_and_all_are_there() {
        let (labels, probabilities) = doubted();
        let report = suspects(&labels, &Evidence::of(probabilities.view()));
        let order: Vec<usize> = report.ranked.iter().map(|suspect| suspect.index).collect();
        assert_eq!((&order[..2], order.len()), (&[4, 7][..], 20));
        assert_eq!((report.flagged, report.wide, report.expected_errors), (2, 2, 2.0));
        let first = report.ranked[0];
        assert_eq!((first.given, first.suggested, first.flagged), (0, 1, true));
        assert_eq!((first.given_probability, first.agreement), (0.1, Agreement::ModelOnly));
        assert!(first.score < 0.3 && first.neighbour_vote.is_none());
        assert_eq!(report.ranked[5].agreement, Agreement::Neither);
    }

    #[test]
    fn the_neighbours_decide_between_equal_doubts() {
        let (labels, probabilities) = doubted();
        let votes: Vec<Vec<usize>> = (0..20)
            .map(|i| match i {
                4 => vec![0, 0, 0, 1],
                7 => vec![0, 0, 0, 1],
                9 => vec![0, 0, 0, 0],
                _ => vec![labels[i]; 4],
            })
            .collect();
        let evidence = Evidence { neighbour_votes: Some(&votes), ..Evidence::of(probabilities.view()) };
        let report = suspects(&labels, &evidence);
        let first: Vec<(usize, Agreement)> = report.ranked[..3].iter().map(|s| (s.index, s.agreement)).collect();
        let expected = [(7, Agreement::Both), (4, Agreement::ModelOnly), (9, Agreement::NeighboursOnly)];
        assert_eq!(first, expected);
        assert_eq!(report.ranked[0].neighbour_vote, Some(NeighbourVote { given: 1, suggested: 3, of: 4 }));
    }

    #[test]
    fn class_means_and_margins_decide_between_equal_doubts() {
        let (labels, probabilities) = doubted();
        let first = |class_means: Option<&Array2<f64>>, margins: Option<&[f64]>| {
            let class_means = class_means.map(|means| means.view());
            let report = suspects(&labels, &Evidence { class_means, margins, ..Evidence::of(probabilities.view()) });
            [report.ranked[0], report.ranked[1]].map(|suspect| suspect.index)
        };
        let mut means = Array2::from_elem((20, 2), 0.5);
        means[[7, labels[7]]] = 0.3;
        means[[7, 1 - labels[7]]] = 0.7;
        assert_eq!(first(Some(&means), None), [7, 4]);
        let margins: Vec<f64> = (0..20).map(|label| if label == 4 { 1.0 } else { 0.5 }).collect();
        assert_eq!(first(None, Some(&margins)), [7, 4]);
        assert_eq!(first(None, None), [4, 7]);
    }

    #[test]
    fn labels_of_an_unclean_class_are_more_suspicious() {
        // Half of what is called 1 is likelier 0; what is called 0 is clean.
        let labels: Vec<usize> = (0..80).map(|i| usize::from(i >= 40)).collect();
        let probabilities = Array2::from_shape_fn((80, 2), |(row, class)| {
            let of_zero = if row % 20 == 19 {
                0.5
            } else if row < 60 {
                0.9
            } else {
                0.1
            };
            if class == 0 { of_zero } else { 1.0 - of_zero }
        });
        let report = suspects(&labels, &Evidence::of(probabilities.view()));
        let score = |index: usize| report.ranked.iter().find(|s| s.index == index).expect("all are ranked").score;
        assert!(score(59) < score(19) - 0.1, "{} {}", score(59), score(19));
    }

    #[test]
    fn no_evidence_is_final() {
        let probabilities = array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let evidence = Evidence {
            class_means: Some(probabilities.view()),
            neighbour_votes: Some(&[vec![], vec![], vec![], vec![]]),
            margins: Some(&[40.0, 40.0, -40.0, 0.0]),
            ..Evidence::of(probabilities.view())
        };
        let report = suspects(&[0, 1, 1, 1], &evidence);
        assert!(report.ranked.iter().all(|suspect| suspect.score > 0.0 && suspect.score < 1.0), "{report:?}");
        assert_eq!((report.ranked[0].index, report.ranked[0].suggested), (2, 0));
    }
}
