//! What a model says of labels that it was not trained on: the probabilities that confident learning needs.

use crate::pipeline::experiment::{Experiment, OutOfFoldRow};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::spec::HeadSpec;
use ndarray::Array2;
use std::collections::HashMap;

/// Out-of-fold probabilities under way: an [`Experiment`] on the labels, five folds, calibrated. The same features must
/// come with every call.
///
/// Calibrated, because they are shown, and because it makes no difference that lasts: with two classes the temperature changes
/// no order by self-confidence; with three, average precision on people's errors was .606 calibrated and .611 not on
/// tweets, .353 and .350 on review sentences (docs/label-quality.md).
#[derive(Debug)]
pub struct OutOfFold {
    experiment: Experiment,
    labels: Vec<(usize, usize)>,
    classes: usize,
}

impl OutOfFold {
    /// Prepares them for `labels`, each a (row, class) with class < `classes`, no row twice.
    ///
    /// # Errors
    /// As [`Experiment::begin`].
    pub fn new(
        features: &Features,
        labels: &[(usize, usize)],
        classes: usize,
        spec: &HeadSpec,
        seed: u64,
    ) -> Result<Self, String> {
        let experiment = Experiment::begin(features, labels, classes, spec, seed)?;
        Ok(Self { experiment, labels: labels.to_vec(), classes })
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, features: &Features, work: usize) -> bool {
        self.experiment.step(features, work)
    }

    /// How much is done, 0 to 1; never falls.
    pub fn progress(&self) -> f64 {
        self.experiment.progress()
    }

    /// n × K probabilities, a row for each label in the order given, once [`OutOfFold::step`] returned true.
    ///
    /// A label that is the only one of its class cannot be held out: no fit without it knows the class. Its row says
    /// nothing, 1/K each.
    ///
    /// # Errors
    /// Says why no model came of it.
    pub fn finish(self) -> Result<Array2<f64>, String> {
        let held_out = self.experiment.try_finish()?.out_of_fold;
        Ok(of_labels(&self.labels, self.classes, &held_out))
    }
}

/// The probabilities of a finished experiment as [`OutOfFold::finish`] gives them.
pub fn of_labels(labels: &[(usize, usize)], classes: usize, held_out: &[OutOfFoldRow]) -> Array2<f64> {
    let known: HashMap<usize, &OutOfFoldRow> = held_out.iter().map(|row| (row.row, row)).collect();
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&(_, class)| counts[class] += 1);
    let mut probabilities = Array2::from_elem((labels.len(), classes), 1.0 / classes as f64);
    for (&(row, class), mut into) in labels.iter().zip(probabilities.rows_mut()) {
        if let Some(row) = known.get(&row).filter(|_| counts[class] > 1) {
            into.iter_mut().zip(&row.probabilities).for_each(|(into, &p)| *into = f64::from(p));
        }
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use crate::pipeline::item::Kind;

    fn points(places: &[f32]) -> Features {
        let mut features = Features::new(1, 0);
        places.iter().for_each(|&x| features.push(FeatureVector { dense: vec![x], sparse: SparseRow::default() }));
        features
    }

    #[test]
    fn a_wrong_label_is_improbable_out_of_fold_and_a_lonely_class_says_nothing() {
        let places: Vec<f32> = (0..24).map(|i| if i % 2 == 0 { -1.0 } else { 1.0 } + 0.01 * i as f32).collect();
        let features = points(&places);
        let mut labels: Vec<(usize, usize)> = (0..24).map(|row| (row, row % 2)).rev().collect();
        labels[3].1 = 1 - labels[3].1;
        labels[5].1 = 2;
        let spec = HeadSpec::default_for(Kind::Table);
        let mut whole = OutOfFold::new(&features, &labels, 3, &spec, 1).expect("two classes");
        while !whole.step(&features, usize::MAX) {}
        let probabilities = whole.finish().expect("a model");
        assert_eq!(probabilities.dim(), (24, 3));
        for (at, &(_, class)) in labels.iter().enumerate() {
            let p = probabilities[[at, class]];
            match at {
                3 => assert!(p < 0.3, "{p}"),
                5 => assert_eq!(p, 1.0 / 3.0),
                _ => assert!(p > 0.5, "{at}: {p}"),
            }
        }
        let mut sliced = OutOfFold::new(&features, &labels, 3, &spec, 1).expect("two classes");
        while !sliced.step(&features, 1) {}
        assert_eq!(sliced.finish().expect("a model"), probabilities);
    }
}
