//! A numeric target: what is predicted, and how good that is.

use super::Interval;
use serde::{Deserialize, Serialize};

/// A predicted number, in the target's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueSuggestion {
    /// The number, with as many digits as the interval gives a meaning.
    pub value: f64,
    /// Lower end of the interval that holds the truth nine times in ten; `None` while labels are too few to say.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The three of them, as in "12.4 (10.1–14.7)"; a dash for an interval that is not known.
    pub words: String,
}

/// How far off predictions of a numeric target are. Of intervals, an end that is not known is infinite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NumericFigures {
    /// Mean absolute error, in the target's unit.
    pub mae: Option<Interval>,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: Option<Interval>,
    /// The share of the variance that is explained, at most 1.
    pub r2: Option<Interval>,
}

/// What is known of the model of a numeric target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumericState {
    /// Labels it has learnt from.
    pub labels: u32,
    /// Audits that measure it.
    pub audits: u32,
    /// On training labels, each predicted without itself: not what holds for items that nobody labelled.
    pub out_of_fold: NumericFigures,
    /// On the blind audits; nothing below ten of them.
    pub on_audits: NumericFigures,
    /// Imported test labels that measure it, which are not blind.
    pub tests: u32,
    /// On these; nothing below ten of them.
    pub on_tests: NumericFigures,
    /// The share of audits that were predicted to within the tolerance.
    pub within_tolerance: Option<Interval>,
    /// Items without a label whose interval reaches no further than the tolerance to either side.
    pub acceptable: u32,
    /// Why the model could not be made anew, or why there is none.
    pub problem: Option<String>,
}
