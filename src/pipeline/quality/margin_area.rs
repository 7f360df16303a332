//! How hard each label was to learn: the area under its margin.

use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::logistic::{Fit, LogisticParams, Progress};
use crate::pipeline::model::training_set::{Scaling, TrainingSet};
use ndarray::ArrayView1;

/// The penalty is so much weaker than that of the head that predicts: in the end nearly every label is learnt, the wrong ones
/// last.
const WEAKER: f64 = 10.0;
/// Line searches at most; by then about everything is learnt.
const MOST_ITERATIONS: usize = 60;
/// Rows looked at in one go, at least: what comes before the first of them costs as much.
const CHUNK: usize = 64;

/// The margins of labels under way: a logistic regression with a weak penalty is fitted to all of them, and after each
/// iteration every label's margin is noted, the logit of its class minus the highest of the others. Their mean over the iterations
/// is the area under the margin (Pleiss, Zhang, Elenberg, Weinberger: *Identifying Mislabeled Data using the Area Under the Margin
/// Ranking*, 2020): a label that agrees with the others is learnt early, with a wide margin; a wrong one has to be learnt against them.
///
/// It costs about as much as half of the out-of-fold pass.
#[derive(Debug, Clone)]
pub struct MarginArea {
    set: TrainingSet,
    /// `None` if fewer than two classes have a label.
    fit: Option<Fit>,
    /// How many iterations were noted, and how many labels of the next.
    noted: (usize, usize),
    sums: Vec<f64>,
}

impl MarginArea {
    /// Prepares them for `labels`, each a (row, class) with class < `classes`, no row twice. `c` is the head's, as in
    /// [`LogisticParams`].
    pub fn new(features: &Features, labels: &[(usize, usize)], classes: usize, c: f64) -> Self {
        let params = LogisticParams { c: c * WEAKER, max_iterations: MOST_ITERATIONS, ..LogisticParams::default() };
        let set = TrainingSet::gather(features, labels, classes, Scaling::UnitSpread);
        let fit = params.check().ok().and_then(|logistic| logistic.begin(&set, None, None));
        Self { set, fit, noted: (0, 0), sums: vec![0.0; labels.len()] }
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, work: usize) -> bool {
        let Some(fit) = &mut self.fit else { return true };
        let rows = self.set.len();
        let of_row = self.set.classes() * (self.set.entries() / rows + 1);
        let mut left = work;
        while left > 0 {
            let mut looked_at = CHUNK;
            // Small steps of the fit, so that the margins of every iteration are noted however the work is sliced.
            if fit.iterations() > self.noted.0 {
                looked_at = CHUNK.max(left / of_row).min(rows - self.noted.1);
                let next: Vec<usize> = (self.noted.1..self.noted.1 + looked_at).collect();
                let logits = fit.logits(&self.set, &next);
                for (logits, &row) in logits.rows().into_iter().zip(&next) {
                    self.sums[row] += margin(logits, self.set.targets()[row]);
                }
                let (iteration, end) = (self.noted.0, self.noted.1 + looked_at);
                self.noted = if end == rows { (iteration + 1, 0) } else { (iteration, end) };
            } else if fit.step(&self.set, 1) == Progress::Done && fit.iterations() == self.noted.0 {
                return true;
            }
            left = left.saturating_sub(looked_at * of_row);
        }
        false
    }

    /// How much is done, 0 to 1, if it takes all iterations.
    pub fn progress(&self) -> f64 {
        self.noted.0 as f64 / MOST_ITERATIONS as f64
    }

    /// The mean margin of each label in the order given, once [`MarginArea::step`] returned true; 0 if there is nothing to tell
    /// apart.
    pub fn finish(&self) -> Vec<f64> {
        let iterations = self.noted.0.max(1) as f64;
        self.sums.iter().map(|sum| sum / iterations).collect()
    }
}

/// The logit of `class` minus the highest of the others.
fn margin(logits: ArrayView1<f32>, class: usize) -> f64 {
    let others = logits.iter().enumerate().filter(|&(other, _)| other != class);
    f64::from(logits[class]) - f64::from(others.fold(f32::NEG_INFINITY, |most, (_, &logit)| most.max(logit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    fn points(places: impl Iterator<Item = f32>) -> Features {
        let mut features = Features::new(2, 0);
        places.for_each(|x| features.push(FeatureVector { dense: vec![x, x * x], sparse: SparseRow::default() }));
        features
    }

    fn areas(features: &Features, labels: &[(usize, usize)], work: usize) -> Vec<f64> {
        let mut area = MarginArea::new(features, labels, 3, 10.0);
        let mut before = 0.0;
        while !area.step(work) {
            assert!(area.progress() >= before);
            before = area.progress();
        }
        area.finish()
    }

    #[test]
    fn a_wrong_label_has_the_narrowest_margin_however_the_work_is_sliced() {
        let features = points((0..200).map(|i| if i % 2 == 0 { -1.0 } else { 1.0 } + 0.004 * i as f32));
        let mut labels: Vec<(usize, usize)> = (0..200).map(|row| (row, row % 2)).rev().collect();
        labels[17].1 = 1 - labels[17].1;
        let found = areas(&features, &labels, usize::MAX);
        let narrowest = (0..200).min_by(|&a, &b| found[a].total_cmp(&found[b]));
        assert!(narrowest == Some(17) && found[17] < 0.0, "{narrowest:?}");
        assert!(found.iter().filter(|&&margin| margin > 1.0).count() > 150);
        for work in [1, 700] {
            assert_eq!(areas(&features, &labels, work), found);
        }
    }

    #[test]
    fn one_class_has_no_margins() {
        let features = points([0.0, 1.0, 2.0].into_iter());
        assert_eq!(areas(&features, &[(0, 1), (2, 1)], 1), [0.0, 0.0]);
        assert!(areas(&features, &[], 1).is_empty());
    }
}
