//! Which labels are issues: all ways to decide that cleanlab 2.9 knows.

use super::confident_learning::{confident_classes, confident_joint};
use super::label_quality::{LabelQuality, label_quality_scores};
use super::rounding::{TOLERANCE, ascending, pairwise_sum};
use crate::pipeline::predict::likeliest;
use ndarray::{Array2, ArrayView2};

/// How it is decided which labels are issues. Names and meanings are cleanlab's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterBy {
    /// For each pair of classes as many labels as the confident joint expects to be confused, those with the largest
    /// margin between the two.
    #[default]
    PruneByNoiseRate,
    /// For each class as many labels as the confident joint expects to be wrong, those least probable.
    PruneByClass,
    /// What both of these flag.
    Both,
    /// What is confidently of another class.
    ConfidentLearning,
    /// Where the likeliest class is another.
    PredictedNeqGiven,
    /// As many as [`FilterBy::ConfidentLearning`] flags, those with the least margin.
    LowNormalizedMargin,
    /// As many as [`FilterBy::ConfidentLearning`] flags, those with the least self-confidence.
    LowSelfConfidence,
}

impl FilterBy {
    /// All of them.
    pub const ALL: [FilterBy; 7] = [
        FilterBy::PruneByNoiseRate,
        FilterBy::PruneByClass,
        FilterBy::Both,
        FilterBy::ConfidentLearning,
        FilterBy::PredictedNeqGiven,
        FilterBy::LowNormalizedMargin,
        FilterBy::LowSelfConfidence,
    ];

    /// cleanlab's name of it.
    pub fn word(self) -> &'static str {
        match self {
            FilterBy::PruneByNoiseRate => "prune_by_noise_rate",
            FilterBy::PruneByClass => "prune_by_class",
            FilterBy::Both => "both",
            FilterBy::ConfidentLearning => "confident_learning",
            FilterBy::PredictedNeqGiven => "predicted_neq_given",
            FilterBy::LowNormalizedMargin => "low_normalized_margin",
            FilterBy::LowSelfConfidence => "low_self_confidence",
        }
    }

    /// The one of this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.word() == word)
    }
}

/// What to flag, with cleanlab's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterOptions {
    /// How to decide.
    pub filter_by: FilterBy,
    /// Which share of the expected errors to flag, 0 to 1. The three ways that prune read it, the others do not.
    pub frac_noise: f64,
    /// Classes with this many labels or fewer are left alone, and this many of each class are never counted as errors. The
    /// three ways that prune read it.
    pub min_examples_per_class: usize,
}

impl Default for FilterOptions {
    fn default() -> Self {
        Self { filter_by: FilterBy::default(), frac_noise: 1.0, min_examples_per_class: 1 }
    }
}

/// For each label whether it is an issue.
///
/// # Panics
/// If labels and probabilities do not go together, see [`check`](super::confident_learning::check).
pub fn find_label_issues(labels: &[usize], probabilities: ArrayView2<f64>, options: &FilterOptions) -> Vec<bool> {
    let pruning = || Pruning::new(labels, probabilities, options);
    let mut issues = match options.filter_by {
        FilterBy::PruneByNoiseRate => pruning().by_noise_rate(),
        FilterBy::PruneByClass => pruning().by_class(),
        FilterBy::Both => {
            let pruning = pruning();
            pruning.by_noise_rate().into_iter().zip(pruning.by_class()).map(|(rate, class)| rate && class).collect()
        }
        FilterBy::ConfidentLearning => off_diagonal(labels, probabilities),
        FilterBy::PredictedNeqGiven => {
            probabilities.rows().into_iter().zip(labels).map(|(row, &label)| likeliest(row) != label).collect()
        }
        // These two count as many as confident learning leaves, and flag them even where the label is the likeliest class.
        FilterBy::LowNormalizedMargin => return lowest(labels, probabilities, LabelQuality::NormalizedMargin),
        FilterBy::LowSelfConfidence => return lowest(labels, probabilities, LabelQuality::SelfConfidence),
    };
    unflag_likely(&mut issues, labels, probabilities);
    issues
}

/// A label that is, but for rounding, the likeliest class is no issue.
fn unflag_likely(issues: &mut [bool], labels: &[usize], probabilities: ArrayView2<f64>) {
    for ((issue, &label), row) in issues.iter_mut().zip(labels).zip(probabilities.rows()) {
        let mut row = row.to_owned();
        row[label] += TOLERANCE;
        *issue &= likeliest(row.view()) != label;
    }
}

fn off_diagonal(labels: &[usize], probabilities: ArrayView2<f64>) -> Vec<bool> {
    let confident = confident_classes(labels, probabilities);
    confident.into_iter().zip(labels).map(|(class, label)| class.is_some_and(|class| class != *label)).collect()
}

fn lowest(labels: &[usize], probabilities: ArrayView2<f64>, method: LabelQuality) -> Vec<bool> {
    let mut confident = off_diagonal(labels, probabilities);
    unflag_likely(&mut confident, labels, probabilities);
    let count = confident.into_iter().filter(|&issue| issue).count();
    let scores = label_quality_scores(labels, probabilities, method, false);
    let mut issues = vec![false; labels.len()];
    ascending(&scores)[..count].iter().for_each(|&place| issues[place] = true);
    issues
}

/// What the two prunings share.
struct Pruning<'a> {
    probabilities: ArrayView2<'a, f64>,
    /// For each class the places of its labels.
    of_class: Vec<Vec<usize>>,
    /// K × K: how many labels of the row's class to take for the column's class.
    counts: Array2<i64>,
    min_examples: usize,
    labels: usize,
}

impl<'a> Pruning<'a> {
    fn new(labels: &[usize], probabilities: ArrayView2<'a, f64>, options: &FilterOptions) -> Self {
        let mut of_class = vec![Vec::new(); probabilities.ncols()];
        labels.iter().enumerate().for_each(|(place, &label)| of_class[label].push(place));
        let min_examples = options.min_examples_per_class;
        let counts = prune_counts(&confident_joint(labels, probabilities), min_examples, options.frac_noise);
        Self { probabilities, of_class, counts, min_examples, labels: labels.len() }
    }

    /// Classes that have labels to spare, with the places of these. The library drops what it finds in a class of one.
    fn classes(&self) -> impl Iterator<Item = (usize, &Vec<usize>)> {
        let least = self.min_examples.max(1);
        self.of_class.iter().enumerate().filter(move |(_, places)| places.len() > least)
    }

    fn by_class(&self) -> Vec<bool> {
        let mut issues = vec![false; self.labels];
        for (class, places) in self.classes() {
            let count = places.len() as i64 - self.counts[[class, class]];
            let own: Vec<f64> = places.iter().map(|&place| self.probabilities[[place, class]]).collect();
            flag(&mut issues, places, &own, count);
        }
        issues
    }

    fn by_noise_rate(&self) -> Vec<bool> {
        let mut issues = vec![false; self.labels];
        for (class, places) in self.classes() {
            for other in (0..self.probabilities.ncols()).filter(|&other| other != class) {
                let count = self.counts[[class, other]];
                if count > 0 {
                    let row = |&place: &usize| self.probabilities.row(place);
                    let margins: Vec<f64> = places.iter().map(row).map(|row| -(row[other] - row[class])).collect();
                    flag(&mut issues, places, &margins, count);
                }
            }
        }
        issues
    }
}

/// Flags the `count` places with the least values.
fn flag(issues: &mut [bool], places: &[usize], values: &[f64], count: i64) {
    let count = usize::try_from(count).unwrap_or(0);
    ascending(values).into_iter().take(count).for_each(|at| issues[places[at]] = true);
}

/// The confident joint with at least `least` on the diagonal, and everything beside it times `frac_noise`.
fn prune_counts(joint: &Array2<i64>, least: usize, frac_noise: f64) -> Array2<i64> {
    let mut counts = joint.mapv(|count| count as f64);
    for (class, mut row) in counts.rows_mut().into_iter().enumerate() {
        let diagonal = row[class].max(least as f64);
        let added = diagonal - row[class];
        let filled = row.iter().filter(|count| **count != 0.0).count();
        let share = added / (filled as f64 - 1.0).max(1.0);
        row.mapv_inplace(|count| (count - share).max(0.0));
        row[class] = diagonal;
        // What is taken off beside the diagonal goes on it. Then the fractions are cut off, not rounded.
        let before = row.to_vec();
        row.mapv_inplace(|count| count * frac_noise);
        row[class] = diagonal;
        let taken: Vec<f64> = before.iter().zip(&row).map(|(before, after)| before - after).collect();
        row[class] = diagonal + pairwise_sum(&taken);
        row.mapv_inplace(f64::trunc);
    }
    // The library rounds once more by column, which leaves whole numbers as they are.
    counts.mapv_into_any(|count| count as i64)
}
