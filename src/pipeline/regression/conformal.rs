//! Intervals for single predictions, from the residuals of rows that were held out; and what may be accepted by them.
//!
//! A new row's error is exchangeable with those of held-out rows, so the ⌈(n + 1)(1 − α)⌉-th smallest held-out error is
//! exceeded with a probability of at most α (Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World", 2005).
//! Three ways differ in what "held out" means:
//!
//! - **Split**: residuals of rows the model never saw. Coverage ≥ 1 − α whatever the data.
//! - **Leave-one-out**, here for ridge ([`super::RidgeRegressor::conformal`]): no label is lost. Exact leave-one-out
//!   residuals are those of models of n − 1 rows, which predict a new row as well as the model of n but for next to
//!   nothing; 1 − α is then held in simulation, not by theorem.
//! - **CV+ and jackknife+** ([`cross_validation_plus`]; Barber, Candès, Ramdas & Tibshirani, "Predictive inference with
//!   the jackknife+", 2021): where the models of the folds are at hand. Coverage ≥ 1 − 2α by theorem (CV+: less
//!   √(2/n)), about 1 − α in practice.
//!
//! Errors may be divided by a local scale first: then intervals are wide where the data are noisy.

use crate::pipeline::evaluate::Estimate;
use serde::{Deserialize, Serialize};

/// A range of values; an end is infinite where there are too few residuals to say more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Half its length: how far off the middle can be.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Whether the value lies in it.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Intervals of one coverage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conformal {
    /// How many scales an error reaches.
    reach: f64,
    alpha: f64,
}

impl Conformal {
    /// From held-out errors, each a (residual, scale above 0), for an interval that misses with a probability of `alpha`,
    /// above 0 and below 1. With equal scales it is the plain interval.
    pub fn fit(held_out: impl Iterator<Item = (f64, f64)>, alpha: f64) -> Self {
        let mut errors: Vec<f64> = held_out.map(|(residual, scale)| residual.abs() / scale).collect();
        errors.sort_by(f64::total_cmp);
        Self { reach: nth_smallest(&errors, 1.0 - alpha), alpha }
    }

    /// About `value`, where errors have the size `scale`.
    pub fn interval(&self, value: f64, scale: f64) -> Interval {
        let reach = self.reach * scale;
        Interval { low: value - reach, high: value + reach }
    }

    /// The probability of missing.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether there were enough errors for an interval of finite width: n ≥ 1/α − 1, which is 9 for 90 % and 19 for 95 %.
    pub fn is_finite(&self) -> bool {
        self.reach.is_finite()
    }
}

/// The CV+ interval of one row; the jackknife+ where every label was a fold of its own.
///
/// - `held_out`: for each label its absolute out-of-fold residual and its fold.
/// - `by_fold`: what the model that was fitted without each fold says of the row.
pub fn cross_validation_plus(held_out: &[(f64, usize)], by_fold: &[f64], alpha: f64) -> Interval {
    let ends = |side: f64| {
        let mut ends: Vec<f64> =
            held_out.iter().map(|&(residual, fold)| side * by_fold[fold] + residual.abs()).collect();
        ends.sort_by(f64::total_cmp);
        side * nth_smallest(&ends, 1.0 - alpha)
    };
    Interval { low: ends(-1.0), high: ends(1.0) }
}

/// The ⌈(n + 1) · share⌉-th of ascending values; infinite if there are not as many.
fn nth_smallest(ascending: &[f64], share: f64) -> f64 {
    // A little less, or rounding would ask for one more: 0.9 · 10 must be 9.
    let place = ((ascending.len() + 1) as f64 * share - 1e-9).ceil().max(1.0) as usize;
    ascending.get(place - 1).copied().unwrap_or(f64::INFINITY)
}

/// Whether a prediction may stand without being asked: its interval reaches no further than the tolerance, in the
/// target's unit, to either side.
pub fn accept(interval: Interval, tolerance: f64) -> bool {
    interval.half_width() <= tolerance
}

/// Which share of audits the prediction missed by at most `tolerance`, with its exact 95 % interval (Clopper & Pearson);
/// each audit a (label, prediction). The check of what was accepted; `None` without audits.
pub fn share_within(audits: impl Iterator<Item = (f64, f64)>, tolerance: f64) -> Option<Estimate> {
    let (within, total) = audits.fold((0, 0), |(within, total), (label, prediction)| {
        (within + usize::from((label - prediction).abs() <= tolerance), total + 1)
    });
    Estimate::of_share(within, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::regression::ridge::{RidgeRegressor, fit};
    use crate::pipeline::regression::simulated::{Noise, linear_data};

    #[test]
    fn intervals_by_hand() {
        let residuals = [1.0, -2.0, 3.0, -4.0, 5.0, 6.0, 7.0, 8.0, -9.0];
        let conformal = Conformal::fit(residuals.iter().map(|&residual| (residual, 1.0)), 0.1);
        assert_eq!(conformal.interval(10.0, 2.0), Interval { low: -8.0, high: 28.0 });
        let too_few = Conformal::fit(residuals.iter().skip(1).map(|&residual| (residual, 1.0)), 0.1);
        assert!(!too_few.is_finite() && !accept(too_few.interval(10.0, 1.0), 1e9));
        // Two folds; the model without fold 0 says 1, the other 2: ends are 1 + {1, 3} and 2 + {2, 4}.
        let plus = cross_validation_plus(&[(1.0, 0), (-3.0, 0), (2.0, 1), (4.0, 1)], &[1.0, 2.0], 0.4);
        assert_eq!(plus, Interval { low: -2.0, high: 4.0 });
    }

    #[test]
    fn accepted_is_what_is_known_well_enough() {
        let interval = Interval { low: 9.5, high: 10.5 };
        assert!(accept(interval, 0.5) && !accept(interval, 0.4) && interval.contains(9.5));
        let audits = [(1.0, 1.2), (2.0, 2.0), (3.0, 4.0)];
        let share = share_within(audits.into_iter(), 0.5).expect("audits");
        assert!((share.estimate - 2.0 / 3.0).abs() < 1e-12 && share.low < 0.1 && share.high > 0.99);
        assert_eq!(share_within(std::iter::empty(), 0.5), None);
    }

    /// Coverage of fresh rows by 90 % intervals: as ridge has them, from plain residuals, by ±1.645 in-sample root mean
    /// squares; and the first two in the noisiest quarter.
    fn coverage(noise: Noise, labelled: usize, columns: usize, runs: u64) -> [f64; 5] {
        const FRESH: usize = 200;
        let (mut held, mut total, mut noisiest) = ([0usize; 5], 0, 0);
        for run in 0..runs {
            let (features, labels) = linear_data(run, labelled + FRESH, columns, noise);
            let model: RidgeRegressor = fit(&features, &labels[..labelled], None).expect("labels");
            let local = model.conformal(0.1);
            let plain = Conformal::fit(model.left_out().iter().map(|left| (left.residual(), 1.0)), 0.1);
            let values = model.predict(&features);
            let scales = model.scale_of_rows(&features, 0..features.len());
            let in_sample = (0..labelled).map(|row| values[row] - labels[row].1);
            let naive = 1.645 * crate::pipeline::regression::metrics::root_mean_square_of(in_sample);
            for row in labelled..labelled + FRESH {
                let truth = labels[row].1;
                let loud = features.dense[[row, 0]] > 0.674;
                let by_local = local.interval(values[row], scales[row]).contains(truth);
                let by_plain = plain.interval(values[row], 1.0).contains(truth);
                held[0] += usize::from(by_local);
                held[1] += usize::from(by_plain);
                held[2] += usize::from((values[row] - truth).abs() <= naive);
                held[3] += usize::from(loud && by_local);
                held[4] += usize::from(loud && by_plain);
                (total, noisiest) = (total + 1, noisiest + usize::from(loud));
            }
        }
        [0, 1, 2, 3, 4].map(|which| held[which] as f64 / if which < 3 { total as f64 } else { noisiest as f64 })
    }

    #[test]
    fn new_rows_are_covered_as_often_as_promised() {
        for (noise, labelled, columns) in
            [(Noise::Even, 30, 5), (Noise::Even, 60, 40), (Noise::Uneven, 60, 40), (Noise::Uneven, 200, 10)]
        {
            let [local, plain, naive, loud, loud_plain] = coverage(noise, labelled, columns, 150);
            println!(
                "{noise:?} {labelled}×{columns}: local {local:.3}, plain {plain:.3}, naive {naive:.3}; \
                 noisiest quarter: local {loud:.3}, plain {loud_plain:.3}"
            );
            assert!(local >= 0.9, "{noise:?} {labelled}: {local}");
            if columns == 40 {
                assert!(naive < 0.85, "in-sample errors promise too much: {naive}");
            }
            if noise == Noise::Uneven && labelled == 200 {
                assert!(loud > loud_plain + 0.1 && loud > 0.78, "{loud} {loud_plain}");
            }
        }
    }

    #[test]
    fn jackknife_plus_covers_with_any_model() {
        // A model that is nothing but the two nearest labels' mean: each left-out model is made by hand.
        let (mut held, mut total) = (0, 0);
        for run in 0..200 {
            let (features, labels) = linear_data(1000 + run, 31, 1, Noise::Even);
            let nearest_two = |row: usize, without: &[usize]| {
                let distance = |other: usize| (features.dense[[other, 0]] - features.dense[[row, 0]]).abs();
                let mut others: Vec<usize> = (0..30).filter(|other| !without.contains(other)).collect();
                others.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
                (labels[others[0]].1 + labels[others[1]].1) / 2.0
            };
            let held_out: Vec<(f64, usize)> =
                (0..30).map(|row| (labels[row].1 - nearest_two(row, &[row]), row)).collect();
            let by_fold: Vec<f64> = (0..30).map(|row| nearest_two(30, &[row])).collect();
            held += usize::from(cross_validation_plus(&held_out, &by_fold, 0.1).contains(labels[30].1));
            total += 1;
        }
        assert!(held as f64 / total as f64 >= 0.88, "{held} of {total}");
    }
}
