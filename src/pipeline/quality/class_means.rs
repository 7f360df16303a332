//! How like the other labels of each class a labelled item is.

use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::calibration::{PRIOR_DEVIATION, fit_temperature};
use crate::pipeline::model::logistic::Progress;
use crate::pipeline::model::prototype::PrototypeFit;
use crate::pipeline::predict::softmax;
use ndarray::{Array1, Array2};

/// How far a class's mean is drawn to that of all labels: by so many labels.
const SHRINKAGE: f64 = 0.5;

/// The class means' opinion of labels under way: the prototype head's, each label exactly left out, in one pass over the
/// labels (see [`PrototypeFit`]).
///
/// A mean cannot be bent towards a single wrong label, as a fit that separates the classes can: where errors are planted means
/// rank better than the logistic head, where people err, mostly of what is hard, worse. Together they are better than the head
/// wherever it was measured (docs/label-quality.md). Means know nothing of how frequent classes are, so the classes' shares come in as
/// a prior; without it the joint ranking lost where one class has half of the labels.
#[derive(Debug, Clone)]
pub struct ClassMeans {
    /// `None` if fewer than two classes have a label: there is nothing to tell apart.
    fit: Option<PrototypeFit>,
    targets: Vec<usize>,
    classes: usize,
}

impl ClassMeans {
    /// Prepares them for `labels`, each a (row, class) with class < `classes`, no row twice.
    pub fn new(features: &Features, labels: &[(usize, usize)], classes: usize) -> Self {
        let rows: Vec<usize> = labels.iter().map(|&(row, _)| row).collect();
        let targets: Vec<usize> = labels.iter().map(|&(_, class)| class).collect();
        let used = vec![true; targets.len()];
        let fit = PrototypeFit::begin(&features.select(&rows), &targets, &used, classes, SHRINKAGE);
        Self { fit, targets, classes }
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, work: usize) -> bool {
        self.fit.as_mut().is_none_or(|fit| fit.step(work) == Progress::Done)
    }

    /// n × K calibrated probabilities, a row for each label in the order given, once [`ClassMeans::step`] returned true.
    ///
    /// A label that is the only one of its class has no mean but its own. Its row says nothing, 1/K each.
    pub fn finish(&self) -> Array2<f64> {
        let nothing = 1.0 / self.classes as f64;
        let Some(fit) = &self.fit else { return Array2::from_elem((self.targets.len(), self.classes), nothing) };
        let mut counts = Array1::<f64>::zeros(self.classes);
        self.targets.iter().for_each(|&class| counts[class] += 1.0);
        let logits = fit.left_out();
        let temperature = fit_temperature(&logits, &self.targets, PRIOR_DEVIATION);
        let mut probabilities = softmax(&logits, temperature).mapv(f64::from) * &counts;
        for (mut row, &class) in probabilities.rows_mut().into_iter().zip(&self.targets) {
            let total = row.sum();
            if counts[class] < 2.0 || total == 0.0 {
                row.fill(nothing);
            } else {
                row /= total;
            }
        }
        probabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    /// Points on the unit circle.
    fn at_angles(angles: impl Iterator<Item = f32>) -> Features {
        let mut features = Features::new(2, 0);
        angles.for_each(|angle| {
            features.push(FeatureVector { dense: vec![angle.cos(), angle.sin()], sparse: SparseRow::default() });
        });
        features
    }

    fn opinion(features: &Features, labels: &[(usize, usize)], classes: usize, work: usize) -> Array2<f64> {
        let mut means = ClassMeans::new(features, labels, classes);
        while !means.step(work) {}
        means.finish()
    }

    #[test]
    fn a_wrong_label_is_unlike_its_class_and_a_lonely_class_says_nothing() {
        let features = at_angles((0..24).map(|i| if i % 2 == 0 { 0.1 } else { 1.4 } + 0.01 * i as f32));
        let mut labels: Vec<(usize, usize)> = (0..24).map(|row| (row, row % 2)).rev().collect();
        labels[3].1 = 1 - labels[3].1;
        labels[5].1 = 2;
        let probabilities = opinion(&features, &labels, 4, usize::MAX);
        assert_eq!(probabilities.dim(), (24, 4));
        for (at, &(_, class)) in labels.iter().enumerate() {
            let p = probabilities[[at, class]];
            match at {
                3 => assert!(p < 0.1, "{p}"),
                5 => assert_eq!(p, 0.25),
                _ => assert!(p > 0.6, "{at}: {p}"),
            }
        }
        assert_eq!(probabilities[[0, 3]], 0.0, "no label, no opinion");
        assert_eq!(opinion(&features, &labels, 4, 1), probabilities, "slices change nothing");
    }

    #[test]
    fn one_class_is_no_opinion() {
        let features = at_angles([0.1, 0.2, 0.3].into_iter());
        assert_eq!(opinion(&features, &[(0, 1), (2, 1)], 2, 1), Array2::from_elem((2, 2), 0.5));
        assert_eq!(opinion(&features, &[], 2, 1).dim(), (0, 2));
    }
}
