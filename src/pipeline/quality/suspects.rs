//! The labels in the order in which a person should look at them.
//!
//! Confident learning counts well and flags too little of what people get wrong; a ranking shows them first all the same.
//! [`suspects`] joins three kinds of evidence on whether a label is right:
//!
//! 1. the model's out-of-fold probabilities p;
//! 2. the second opinion of the k nearest labels, q_c = (votes for c + k·share of c)/(2k): as many votes again as they
//!    cast, in the classes' shares. The joint opinion is p·√q, scaled to 1: half of their weight, because model and
//!    neighbours read the same features;
//! 3. how clean the given class is: c_k, the share of its labels that the confident joint leaves on the diagonal,
//!    shrunk towards that of all classes, ĉ.
//!
//! score = σ(logit(joint opinion of the given label) + logit(c_k) − logit(ĉ)).
//!
//! Average precision on labels that are a single vote of one person, truth the clear majority (≥ 80 %) of some twenty or
//! a hundred others, the same probabilities for all, mean ± standard deviation of five draws of the vote:
//!
//! | | tweets | review sentences |
//! | --- | --- | --- |
//! | self-confidence (cleanlab's default order) | .534 ± .033 | .285 ± .029 |
//! | without the neighbours | .584 ± .029 | .331 ± .034 |
//! | all | .606 ± .034 | .353 ± .036 |
//!
//! In every draw each line is ahead of the one above. `tests/promises/suspects.rs` measures it again; docs/label-quality.md has
//! more.

use super::confident_learning::confident_joint;
use super::filter::{FilterOptions, find_label_issues};
use super::rounding::ascending;
use crate::pipeline::predict::likeliest;
use ndarray::{Array1, ArrayView1, ArrayView2};

/// How many labels of ordinary cleanness each class's cleanness is shrunk with.
const ORDINARY_LABELS: f64 = 20.0;

/// Probabilities are kept this far from 0 and 1, so that no evidence is final.
const LEAST_PROBABILITY: f64 = 1e-6;

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

/// Ranks n labels by n × K out-of-fold probabilities and, if given, by the classes of each label's nearest labelled
/// neighbours (see [`NeighbourVotes`](super::neighbour_votes::NeighbourVotes)).
///
/// # Panics
/// If labels and probabilities do not go together, see [`check`](super::confident_learning::check), or the votes are of
/// other labels or classes.
pub fn suspects(
    labels: &[usize],
    probabilities: ArrayView2<f64>,
    neighbour_votes: Option<&[Vec<usize>]>,
) -> SuspectReport {
    let classes = probabilities.ncols();
    assert!(neighbour_votes.is_none_or(|votes| votes.len() == labels.len()), "votes for each label");
    let joint = confident_joint(labels, probabilities);
    let on_diagonal = joint.diag().sum() as f64;
    let flags = find_label_issues(labels, probabilities, &FilterOptions::default());
    let ordinary = (on_diagonal + 1.0) / (labels.len() as f64 + 2.0);
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
            let opinion = joint_opinion(row, votes.as_ref(), &shares);
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
                score: probability(log_odds(opinion[given]) + cleaner[given]),
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
        expected_errors: labels.len() as f64 - on_diagonal,
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
        let report = suspects(&labels, probabilities.view(), None);
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
        let report = suspects(&labels, probabilities.view(), Some(&votes));
        let first: Vec<(usize, Agreement)> = report.ranked[..3].iter().map(|s| (s.index, s.agreement)).collect();
        let expected = [(7, Agreement::Both), (4, Agreement::ModelOnly), (9, Agreement::NeighboursOnly)];
        assert_eq!(first, expected);
        assert_eq!(report.ranked[0].neighbour_vote, Some(NeighbourVote { given: 1, suggested: 3, of: 4 }));
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
        let report = suspects(&labels, probabilities.view(), None);
        let score = |index: usize| report.ranked.iter().find(|s| s.index == index).expect("all are ranked").score;
        assert!(score(59) < score(19) - 0.1, "{} {}", score(59), score(19));
    }

    #[test]
    fn no_evidence_is_final() {
        let probabilities = array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let report = suspects(&[0, 1, 1, 1], probabilities.view(), Some(&[vec![], vec![], vec![], vec![]]));
        assert!(report.ranked.iter().all(|suspect| suspect.score > 0.0 && suspect.score < 1.0), "{report:?}");
        assert_eq!((report.ranked[0].index, report.ranked[0].suggested), (2, 0));
    }
}
