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

/// What [`TrainedHead::usage`] says of a linear head.
pub const LINEAR_USAGE: &str = "probabilities = softmax((features · weightsᵀ + intercepts) / temperature); \
     model.safetensors holds the weights as `dense` (classes × dense features, f32) and `intercepts` (classes, f32); those of the \
     sparse half as `sparse` (classes × columns that occur) with `sparse_columns` (u32): which feature each is, the others weigh 0";

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
            TrainedHead::Knn(_, knn) => knn.shares.len(),
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
            let sparse = if linear.sparse.width() > 0 { SPARSE_ENTRIES } else { 0 };
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

    /// How the tensors in its file make a prediction, for a reader without Hone.
    pub fn usage(&self) -> String {
        let file = "model.safetensors holds";
        let model = match self {
            TrainedHead::Linear(_) => return LINEAR_USAGE.into(),
            TrainedHead::Prototype(..) => format!(
                "logits = x · [dense, sparse]ᵀ + intercepts, where the dense and the sparse half of x are each scaled to \
                 the same length and x as a whole to length 1; {file} the class means, of unit length times their \
                 sharpness, as `dense` (classes × dense features, f32), `sparse` (classes × columns that occur) with \
                 `sparse_columns` (u32): which sparse feature each is, and `intercepts` (classes)"
            ),
            TrainedHead::Knn(..) => format!(
                "logits = ln((v + shares) / (k + 1)), or −10000 where v + shares is 0, where v counts by class the k rows \
                 nearest to x by cosine (k is in the metadata; the two halves of x are each scaled to the same length and x \
                 as a whole to length 1); {file} the rows so scaled as `rows` (n × dense features) and, row by row from \
                 `sparse_starts` on, `sparse_columns` and `sparse_values`, their classes as `row_classes`, and by class \
                 `shares`"
            ),
            TrainedHead::Mlp(..) => format!(
                "logits = max(0, x · hidden_weightsᵀ + hidden_bias) · output_weightsᵀ + output_bias; {file} these, f32 \
                 (hidden × features, hidden, classes × hidden, classes)"
            ),
            TrainedHead::Forest(..) => format!(
                "logits = ln(mean over trees of the leaf's shares) + offsets; each tree starts at its entry in `roots`, goes \
                 to `left` where x[columns] ≤ thresholds and else to `right`, until `columns` is 4294967295: there `left` \
                 is the row of `leaves` (leaves × classes); {file} these by node, and `offsets` by class"
            ),
        };
        let projected = match self.view().and_then(|view| view.projection.as_ref()) {
            Some(_) => "; the dense half of x is (dense features − projection_mean) · projection_basis",
            None => "",
        };
        let half = match self.view() {
            Some(FeatureView { dense: true, sparse: true, .. }) | None => {
                "x is the dense and the sparse features side by side"
            }
            Some(FeatureView { dense: true, .. }) => "x is the dense features alone",
            Some(_) => "x is the sparse features alone",
        };
        format!("probabilities = softmax(logits / temperature); {model}; {half}{projected}")
    }
}
