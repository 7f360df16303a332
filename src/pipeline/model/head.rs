//! A trained head of any kind: feature rows in, logits out.

use super::forest::Forest;
use super::knn::Knn;
use super::linear::Linear;
use super::mlp::Mlp;
use super::prototype::Prototype;
use super::view::FeatureView;
use crate::pipeline::features::matrix::Features;
use ndarray::Array2;
use std::ops::Range;

/// What training leads to.
#[derive(Debug, Clone)]
pub enum TrainedHead {
    /// Logistic or ridge: reads the features as they are, whatever it was trained to look at.
    Linear(Linear),
    /// Class means.
    Prototype(FeatureView, Prototype),
    /// Labelled rows that vote.
    Knn(FeatureView, Box<Knn>),
    /// A network.
    Mlp(FeatureView, Mlp),
    /// Trees.
    Forest(FeatureView, Forest),
}

impl TrainedHead {
    /// One word for what it is, as stored with it.
    pub fn word(&self) -> &'static str {
        match self {
            TrainedHead::Linear(_) => "linear",
            TrainedHead::Prototype(..) => "prototype",
            TrainedHead::Knn(..) => "knn",
            TrainedHead::Mlp(..) => "mlp",
            TrainedHead::Forest(..) => "forest",
        }
    }

    /// K.
    pub fn classes(&self) -> usize {
        match self {
            TrainedHead::Linear(linear) => linear.classes(),
            TrainedHead::Prototype(_, prototype) => prototype.0.classes(),
            TrainedHead::Knn(_, knn) => knn.offsets.len(),
            TrainedHead::Mlp(_, mlp) => mlp.output_bias.len(),
            TrainedHead::Forest(_, forest) => forest.offsets.len(),
        }
    }

    /// Dense plus sparse width of the features it was made for.
    pub fn columns(&self) -> usize {
        match self.view() {
            Some(view) => view.dense_columns + view.sparse_columns,
            None => self.linear().map_or(0, Linear::columns),
        }
    }

    /// Whether it was made for features of these widths.
    pub fn fits(&self, features: &Features) -> bool {
        match (self.view(), self.linear()) {
            (Some(view), _) => view.fits(features),
            (None, linear) => linear.is_some_and(|linear| linear.fits(features)),
        }
    }

    /// The uncalibrated logits of a run of rows, one row each; [`super::linear::ABSENT_INTERCEPT`] for classes that no
    /// training label had.
    ///
    /// # Panics
    /// If the features' widths are not the head's (see [`TrainedHead::fits`]), or the run ends past the last row.
    pub fn logits_of_rows(&self, features: &Features, rows: Range<usize>) -> Array2<f32> {
        let seen = |view: &FeatureView| view.look_at(features, &rows.clone().collect::<Vec<_>>());
        match self {
            TrainedHead::Linear(linear) => linear.logits_of_rows(features, rows),
            TrainedHead::Prototype(view, prototype) => prototype.logits(seen(view)),
            TrainedHead::Knn(view, knn) => knn.logits(seen(view)),
            TrainedHead::Mlp(view, mlp) => mlp.logits(seen(view).dense.view()),
            TrainedHead::Forest(view, forest) => forest.logits(seen(view).dense.view()),
        }
    }

    /// n × K uncalibrated logits of all rows.
    pub fn logits(&self, features: &Features) -> Array2<f32> {
        self.logits_of_rows(features, 0..features.len())
    }

    /// About how many multiply-adds predicting one row costs; a sparse half counts as some hundred columns.
    pub fn work_per_row(&self) -> usize {
        const SPARSE_ENTRIES: usize = 300;
        let of_linear = |linear: &Linear| {
            let sparse = if linear.sparse.ncols() > 0 { SPARSE_ENTRIES } else { 0 };
            linear.classes() * (linear.dense.ncols() + sparse + 1)
        };
        let model = match self {
            TrainedHead::Linear(linear) => of_linear(linear),
            TrainedHead::Prototype(_, prototype) => of_linear(&prototype.0),
            TrainedHead::Knn(_, knn) => knn.work_per_row(),
            TrainedHead::Mlp(_, mlp) => mlp.work_per_row(),
            TrainedHead::Forest(_, forest) => forest.work_per_row(),
        };
        model + self.view().map_or(0, FeatureView::work_per_row)
    }

    /// The linear head inside, if it is one.
    pub fn linear(&self) -> Option<&Linear> {
        match self {
            TrainedHead::Linear(linear) => Some(linear),
            _ => None,
        }
    }

    /// What it sees of the features; `None` for a linear head, which sees them all.
    pub fn view(&self) -> Option<&FeatureView> {
        match self {
            TrainedHead::Linear(_) => None,
            TrainedHead::Prototype(view, _)
            | TrainedHead::Knn(view, _)
            | TrainedHead::Mlp(view, _)
            | TrainedHead::Forest(view, _) => Some(view),
        }
    }
}
