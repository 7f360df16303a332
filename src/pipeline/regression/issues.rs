//! Which numbers look wrong, ranked: the session's and the command line's door to label quality of numeric targets.
//!
//! After `cleanlab.regression.learn.CleanLearning.find_label_issues` (Zhou, Mueller & Kumar, "Detecting Errors in Numerical
//! Data via any Regression Model", 2023): the labels that are farthest off are left out, as many as makes the rest predict
//! all labels best; then residuals are divided by how large an error is to be expected of that row. What is resampled
//! there is exact here, because the model is ridge regression: leave-one-out residuals, and their variance by 1/(1 − h).

use super::RegressionError;
use super::ridge::{RidgeRegressionFit, RidgeRegressor};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::logistic::Progress;

/// Shares of the labels that may be left out: cleanlab's.
const SHARES: [f64; 5] = [0.01, 0.05, 0.1, 0.15, 0.2];

/// Of errors in units of what is to be expected, by how many medians one stands out: 3.5 standard deviations of a normal
/// distribution (Iglewicz & Hoaglin, "How to detect and handle outliers", 1993). cleanlab flags as many as are best left
/// out, which for a linear model are far too many: 20 % in every simulation with 10 % wrong.
const FLAGGED: f64 = 3.5 / 0.674_489_750_196_081_7;

/// What is told of one label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumericIssue {
    /// The row.
    pub row: usize,
    /// Its label.
    pub given: f64,
    /// What a model that has not seen this label says.
    pub predicted: f64,
    /// How likely the label is right, 0 to 1; ½ or so is usual.
    pub score: f64,
    /// Whether so large an error would hardly come about by noise.
    pub is_issue: bool,
}

/// Ranks all labels at once, see [`IssueRanking`].
///
/// # Errors
/// As [`IssueRanking::begin`].
pub fn rank(features: &Features, labels: &[(usize, f64)]) -> Result<Vec<NumericIssue>, RegressionError> {
    let mut ranking = IssueRanking::begin(features, labels)?;
    loop {
        if let Some(issues) = ranking.step(features, usize::MAX)? {
            return Ok(issues);
        }
    }
}

/// A ranking under way.
#[derive(Debug, Clone)]
pub struct IssueRanking {
    labels: Vec<(usize, f64)>,
    /// Labels by how far off they are at first, the farthest last.
    order: Vec<usize>,
    /// Which share is next.
    next: usize,
    /// How many of the farthest the fit under way leaves out.
    dropped: usize,
    fit: RidgeRegressionFit,
    best: Option<Opinion>,
}

/// What one fit says of all labels.
#[derive(Debug, Clone)]
struct Opinion {
    /// The sum of squared errors over all labels, right or wrong.
    error: f64,
    /// Prediction, and the error to be expected, in no particular unit.
    rows: Vec<(f64, f64)>,
}

impl IssueRanking {
    /// Prepares to rank `labels`, each a (row, number).
    ///
    /// # Errors
    /// If there are too few labels, one is not usable, or a fit would take too much memory.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn begin(features: &Features, labels: &[(usize, f64)]) -> Result<Self, RegressionError> {
        let labels = super::checked_labels(labels)?;
        let fit = RidgeRegressionFit::begin(features, &labels, None)?;
        Ok(Self { order: (0..labels.len()).collect(), labels, next: 0, dropped: 0, fit, best: None })
    }

    /// Works until about `work` multiply-adds are done; all labels, the most suspicious first, when everything is.
    ///
    /// # Errors
    /// As [`IssueRanking::begin`].
    pub fn step(&mut self, features: &Features, work: usize) -> Result<Option<Vec<NumericIssue>>, RegressionError> {
        if self.fit.step(work) == Progress::Working {
            return Ok(None);
        }
        if let Some(model) = self.fit.finish() {
            self.hear(features, &model);
        }
        while let Some(share) = SHARES.get(self.next) {
            self.next += 1;
            let dropped = (share * self.labels.len() as f64).ceil() as usize;
            // The first share of few labels may be the second's, too.
            let kept = self.labels.len() - dropped;
            if dropped > self.dropped && kept >= super::LEAST_LABELS {
                self.dropped = dropped;
                let kept: Vec<(usize, f64)> = self.order[..kept].iter().map(|&place| self.labels[place]).collect();
                self.fit = RidgeRegressionFit::begin(features, &kept, None)?;
                return Ok(None);
            }
        }
        Ok(Some(self.ranked()))
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        (self.next as f64 + self.fit.progress()) / (SHARES.len() + 1) as f64
    }

    fn hear(&mut self, features: &Features, model: &RidgeRegressor) {
        let kept = &self.order[..self.labels.len() - self.dropped];
        let mut rows = vec![(0.0, 1.0); self.labels.len()];
        // The fit sorts its labels by row, and these are sorted already but for those left out.
        let mut places = kept.to_vec();
        places.sort_unstable();
        for (left, &place) in model.left_out().iter().zip(&places) {
            rows[place] = (left.predicted, left.scale / left.freedom.sqrt());
        }
        for &place in &self.order[kept.len()..] {
            let row = self.labels[place].0;
            let value = model.predict_rows(features, row..row + 1)[0];
            rows[place] = (value, model.scale_of_rows(features, row..row + 1)[0]);
        }
        let residual = |place: usize| (self.labels[place].1 - rows[place].0).abs();
        if self.dropped == 0 {
            self.order.sort_by(|&a, &b| residual(a).total_cmp(&residual(b)));
        }
        let error = (0..rows.len()).map(|place| residual(place).powi(2)).sum();
        if self.best.as_ref().is_none_or(|best| error < best.error) {
            self.best = Some(Opinion { error, rows });
        }
    }

    fn ranked(&self) -> Vec<NumericIssue> {
        let Some(best) = &self.best else { return Vec::new() };
        let sizes: Vec<f64> = self
            .labels
            .iter()
            .zip(&best.rows)
            .map(|(&(_, label), &(predicted, expected))| (label - predicted).abs() / expected)
            .collect();
        let mut sorted = sizes.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        let issue = |place: usize| NumericIssue {
            row: self.labels[place].0,
            given: self.labels[place].1,
            predicted: best.rows[place].0,
            score: (-sizes[place] / median).exp(),
            is_issue: sizes[place] > FLAGGED * median,
        };
        order.into_iter().map(issue).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::regression::ridge::fit;
    use crate::pipeline::regression::simulated::{Noise, linear_data, normal};
    use crate::pipeline::regression::suspects::{average_precision, outre_scores, residual_scores};
    use ndarray::ArrayView1;
    use rand::SeedableRng;
    use rand::seq::SliceRandom;
    use rand_chacha::ChaCha8Rng;

    /// Data where one label in ten is off by 1.5 to some 5 deviations of the target; also which.
    fn spoilt(seed: u64, noise: Noise, rows: usize) -> (Features, Vec<(usize, f64)>, Vec<bool>) {
        let (features, mut labels) = linear_data(seed, rows, 8, noise);
        let mut random = ChaCha8Rng::seed_from_u64(seed + 1000);
        let mut places: Vec<usize> = (0..rows).collect();
        places.shuffle(&mut random);
        let mut wrong = vec![false; rows];
        for &place in &places[..rows / 10] {
            let by = normal(&mut random);
            labels[place].1 += by.signum() * (3.0 + 2.5 * by.abs());
            wrong[place] = true;
        }
        (features, labels, wrong)
    }

    /// Mean average precision of planted errors: of this ranking, of plain leave-one-out residuals, of OUTRE on them.
    fn precision(noise: Noise) -> [f64; 3] {
        const RUNS: u64 = 12;
        let mut sums = [0.0; 3];
        for seed in 0..RUNS {
            let (features, labels, wrong) = spoilt(seed, noise, 250);
            let mut ours = vec![0.0; 250];
            for issue in rank(&features, &labels).expect("labels") {
                ours[issue.row] = issue.score;
            }
            let model = fit(&features, &labels, None).expect("labels");
            let predicted: Vec<f64> = model.left_out().iter().map(|left| left.predicted).collect();
            let given: Vec<f64> = labels.iter().map(|label| label.1).collect();
            let rankings = [ours, residual_scores(&given, &predicted), outre_scores(&given, &predicted)];
            for (sum, scores) in sums.iter_mut().zip(&rankings) {
                *sum += average_precision(ArrayView1::from(scores), |row| wrong[row]) / RUNS as f64;
            }
        }
        sums
    }

    #[test]
    fn planted_errors_are_ranked_better_than_by_residuals() {
        let [ours, residual, outre] = precision(Noise::Uneven);
        println!("uneven noise, average precision: normalised {ours:.3}, residual {residual:.3}, OUTRE {outre:.3}");
        assert!(ours > residual + 0.03 && ours > outre + 0.03, "{ours} {residual} {outre}");
        let [ours, residual, outre] = precision(Noise::Even);
        println!("even noise, average precision: normalised {ours:.3}, residual {residual:.3}, OUTRE {outre:.3}");
        assert!(ours > residual - 0.01 && ours > outre - 0.01, "{ours} {residual} {outre}");
    }

    #[test]
    fn what_is_flagged_is_mostly_wrong_and_nothing_is_where_nothing_is() {
        let (mut flagged, mut right, mut planted, mut false_alarms) = (0, 0, 0, 0);
        for seed in 0..8 {
            let (features, labels, wrong) = spoilt(seed, Noise::Even, 250);
            for issue in rank(&features, &labels).expect("labels").iter().filter(|issue| issue.is_issue) {
                (flagged, right) = (flagged + 1, right + usize::from(wrong[issue.row]));
            }
            planted += wrong.iter().filter(|&&wrong| wrong).count();
            let (features, labels) = linear_data(seed, 250, 8, Noise::Even);
            false_alarms += rank(&features, &labels).expect("labels").iter().filter(|issue| issue.is_issue).count();
        }
        println!("{flagged} flagged, {right} of {planted} planted; {false_alarms} of 2,000 where none is");
        assert!(10 * right > 9 * flagged && 10 * right > 6 * planted, "{flagged} {right} {planted}");
        assert!(false_alarms <= 10, "{false_alarms}");
    }

    #[test]
    fn the_worst_come_first_in_any_slices_and_orders() {
        let (features, mut labels, _) = spoilt(3, Noise::Even, 80);
        let whole = rank(&features, &labels).expect("labels");
        labels.reverse();
        let mut sliced = IssueRanking::begin(&features, &labels).expect("labels");
        let found = loop {
            if let Some(found) = sliced.step(&features, 1).expect("labels") {
                break found;
            }
        };
        assert_eq!(whole, found);
        assert!(found.windows(2).all(|pair| pair[0].score <= pair[1].score));
        assert!(matches!(rank(&features, &labels[..2]), Err(RegressionError::TooFewLabels { .. })));
    }
}
