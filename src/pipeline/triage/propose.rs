//! Where to put the threshold: a proposal, to be frozen and audited. It promises nothing by itself.

use serde::{Deserialize, Serialize};

/// A training label as predicted by a model that had not seen it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutOfFold {
    /// The predicted class.
    pub class: usize,
    /// Its calibrated probability, 0 to 1.
    pub probability: f32,
    /// Whether the prediction is the label.
    pub right: bool,
}

/// The out-of-fold error above the threshold may be at most this part of the budget.
///
/// An error share at the budget passes no audit, and the least threshold that seems to keep any margin was chosen
/// because it looked good on few labels. From 120 seeded runs each (three overlapping classes, 3,000 items, at most 200
/// audits, watched by the e-process, alpha = delta = 5 %); the last figure, the mean share of items accepted under a
/// certificate, is what counts:
///
/// | margin | 60 labels: certified, share | 120 | 300 |
/// | --- | --- | --- | --- |
/// | 3/4 | .19, .09 | .13, .08 | .08, .06 |
/// | 1/2 | .29, .11 | .33, .18 | .23, .15 |
/// | 1/3 | .42, .16 | .48, .24 | .46, .27 |
/// | 1/5 | .42, .16 | .68, .27 | .71, .35 |
/// | 3/20 | .42, .16 | .69, .27 | .72, .32 |
///
/// Adding half an error or a whole one to the count gave less at every margin: with few labels nothing is proposed.
const MARGIN: f64 = 0.2;

/// With fewer out-of-fold predictions above a threshold, none wrong says nothing.
const LEAST_ROWS: usize = 10;

/// The least threshold for each predicted class, one entry a class: accept what is predicted as it with at least this
/// calibrated probability. With `by_class` each class has its own, else all have the same. It is the least at which the
/// out-of-fold error above it is at most a fifth of `alpha`; `None` for a class that has none: it is asked, not accepted.
/// Rows whose class is not below `classes` are ignored.
pub fn propose(out_of_fold: &[OutOfFold], classes: usize, alpha: f64, by_class: bool) -> Vec<Option<f32>> {
    let of_class = |class: Option<usize>| {
        let rows = out_of_fold.iter().filter(|row| row.class < classes && class.is_none_or(|class| row.class == class));
        least_threshold(rows.map(|row| (row.probability, row.right)).collect(), alpha)
    };
    if by_class { (0..classes).map(|class| of_class(Some(class))).collect() } else { vec![of_class(None); classes] }
}

fn least_threshold(mut rows: Vec<(f32, bool)>, alpha: f64) -> Option<f32> {
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut above, mut wrong, mut best) = (0, 0, None);
    // Equal probabilities are accepted together or not at all.
    for ties in rows.chunk_by(|a, b| a.0 == b.0) {
        above += ties.len();
        wrong += ties.iter().filter(|row| !row.1).count();
        if above >= LEAST_ROWS && wrong as f64 <= MARGIN * alpha * above as f64 {
            best = Some(ties[0].0);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(class: usize, right: impl IntoIterator<Item = (f32, bool)>) -> Vec<OutOfFold> {
        right.into_iter().map(|(probability, right)| OutOfFold { class, probability, right }).collect()
    }

    #[test]
    fn the_threshold_lies_just_above_the_first_error_that_is_too_many() {
        let falling = |count: u16, wrong_below: f32| {
            (0..count).map(move |row| 1.0 - f32::from(row) / 100.0).map(move |p| (p, p >= wrong_below))
        };
        let check = |found: Vec<Option<f32>>, expected: &[Option<f32>]| assert_eq!(found, expected);
        check(propose(&rows(0, falling(40, 0.8)), 2, 0.05, true), &[Some(0.8), None]);
        check(propose(&rows(0, falling(40, 0.8)), 2, 0.05, false), &[Some(0.8), Some(0.8)]);
        // An error in 100 is a fifth of 5 %.
        let one = |error: usize| rows(0, (0..100).map(move |row| (1.0 - row as f32 / 200.0, row != error)));
        check(propose(&one(40), 1, 0.05, true), &[Some(0.505)]);
        check(propose(&one(40), 1, 0.04, true), &[Some(1.0 - 39.0 / 200.0)]);
        check(propose(&one(5), 1, 0.04, true), &[None]);
        check(propose(&rows(0, falling(9, 0.0)), 1, 0.05, true), &[None]);
        check(propose(&rows(7, falling(40, 0.0)), 2, 0.05, false), &[None, None]);
    }

    #[test]
    fn ties_stand_or_fall_together() {
        let mut tied = rows(0, (0..30).map(|_| (0.9, true)));
        tied.push(OutOfFold { class: 0, probability: 0.9, right: false });
        assert_eq!(propose(&tied, 1, 0.05, true), [None]);
    }
}
