//! What is asked of the labels beside the model that predicts, in slices.

use super::class_means::ClassMeans;
use super::margin_area::MarginArea;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::Kind;
use crate::pipeline::model::logistic::LogisticParams;
use crate::pipeline::model::spec::{HeadParams, HeadSpec};
use ndarray::Array2;

/// The class means' opinion of labels and their margins, under way: one pass and one fit, about half of what the
/// out-of-fold probabilities cost. The same features must come with every call.
#[derive(Debug, Clone)]
pub struct Opinions {
    labels: Vec<(usize, usize)>,
    classes: usize,
    /// The penalty of the head that predicts.
    c: f64,
    stage: Stage,
    class_means: Array2<f64>,
}

/// One after the other, so that the labelled rows are copied once at a time.
#[derive(Debug, Clone)]
enum Stage {
    Means(Box<ClassMeans>),
    Margins(Box<MarginArea>),
}

impl Opinions {
    /// Prepares both for `labels`, each a (row, class) with class < `classes`, no row twice; of items of this kind.
    pub fn new(features: &Features, labels: &[(usize, usize)], classes: usize, kind: Kind) -> Self {
        let c = match HeadSpec::default_for(kind).head {
            HeadParams::Logistic { c } => c,
            _ => LogisticParams::default().c,
        };
        let stage = Stage::Means(Box::new(ClassMeans::new(features, labels, classes)));
        Self { labels: labels.to_vec(), classes, c, stage, class_means: Array2::zeros((0, classes)) }
    }

    /// About `work` multiply-adds; true when everything is done.
    pub fn step(&mut self, features: &Features, work: usize) -> bool {
        match &mut self.stage {
            Stage::Margins(margins) => margins.step(work),
            Stage::Means(means) => {
                if means.step(work) {
                    self.class_means = means.finish();
                    let margins = MarginArea::new(features, &self.labels, self.classes, self.c);
                    self.stage = Stage::Margins(Box::new(margins));
                }
                false
            }
        }
    }

    /// n × K probabilities by the class means and n areas under the margin, in the order of the labels, once
    /// [`Opinions::step`] returned true: what [`Evidence`](super::suspects::Evidence) wants.
    pub fn finish(self) -> (Array2<f64>, Vec<f64>) {
        let margins = match &self.stage {
            Stage::Margins(margins) => margins.finish(),
            Stage::Means(_) => vec![0.0; self.labels.len()],
        };
        (self.class_means, margins)
    }
}

/// Both at once.
pub fn opinions(features: &Features, labels: &[(usize, usize)], classes: usize, kind: Kind) -> (Array2<f64>, Vec<f64>) {
    let mut opinions = Opinions::new(features, labels, classes, kind);
    while !opinions.step(features, usize::MAX) {}
    opinions.finish()
}
