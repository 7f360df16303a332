//! Accuracy from audits and the probabilities of all items: a candidate that Hone measures and does not use (docs/methods.md), since
//! on texts it saves next to no audits.

use hone::pipeline::evaluate::{Estimate, clopper_pearson_of, hypergeometric_interval};

/// One audit: how likely the model was held to be right, and whether it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoweredAudit {
    /// The calibrated probability, 0 to 1, of the class predicted, from a model that was not trained on this item.
    pub probability: f64,
    /// Whether the prediction was right.
    pub right: bool,
}

/// What the probabilities add to the audits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Powered {
    /// The accuracy on the population with its 95 % interval.
    pub accuracy: Estimate,
    /// As many audits without the probabilities would say as much: at least the audits there are.
    pub effective_audits: f64,
}

/// Below this many audits two coefficients cannot be told from luck, and the exact interval stands alone.
const LEAST_AUDITS: usize = 10;
/// Probabilities are kept this far from 0 and 1, so that none has an endless logit.
const LEAST_PROBABILITY: f64 = 1e-4;
/// Standard deviation of the prior on the intercept, around the audits' share right.
const INTERCEPT_DEVIATION: f64 = 2.0;
/// Standard deviation of the prior on the slope, around 0: without audits that say so, the probabilities count nothing.
const SLOPE_DEVIATION: f64 = 1.0;
/// Newton's steps; from the start chosen here four do.
const STEPS: usize = 12;
/// A leverage above this would divide a residual by nearly nothing.
const MOST_LEVERAGE: f64 = 0.95;

/// The accuracy on a population from `audits` drawn uniformly from it without replacement; `population` has the
/// probability of each of its items, the audited ones included. Not for a stream whose population others take items
/// from between the audits: see `audit_accuracy`.
///
/// **Estimate.** That of PPI++ (Angelopoulos, Duchi & Zrnic, 2023), mean of g over the population + mean of (Y − g) over
/// the audits, but with g = σ(a + b z), z the logit of the probability standardised over the population, in place of λ p. a
/// and b are fitted to the audits by penalised likelihood, so probabilities that are over-confident, or lowest where the
/// model is right, serve as well as calibrated ones (a model-assisted estimator; Lehtonen & Veijanen, 1998).
///
/// **Interval.** The normal one of PPI++ held the truth in about 55 % of runs at 10 audits and 67 % at 20: audits that are
/// nearly all right give residuals of nearly no variance. So the audits count as n r ones, r the variance of Y over that of
/// Y − g, both of leave-one-out residuals, and the interval is Clopper & Pearson's of so many (as Korn & Graubard, 1998,
/// do for surveys), narrowed by the finite population's √(1 − n/N). Where r ≤ 1, or that interval is no narrower, the
/// exact one of the audits alone stands: it is never wider than without probabilities. `tests/promises/audits.rs` holds it
/// to its coverage.
///
/// `None` without audits, with more audits than the population has items, or with a probability that is not one.
pub fn powered_accuracy(audits: &[PoweredAudit], population: &[f64]) -> Option<Powered> {
    let is_probability = |probability: f64| (0.0..=1.0).contains(&probability);
    let (drawn, all) = (audits.len(), population.len());
    if drawn == 0 || drawn > all {
        return None;
    }
    if !audits.iter().map(|audit| audit.probability).chain(population.iter().copied()).all(is_probability) {
        return None;
    }
    let plain = audits_alone(audits, all);
    let helped = Standard::of(population)
        .filter(|_| drawn >= LEAST_AUDITS && drawn < all)
        .and_then(|standard| with_probabilities(audits, population, standard));
    Some(helped.filter(|helped| width(helped) < width(&plain)).unwrap_or(plain))
}

/// The share right of the audits with the exact interval of a finite set.
fn audits_alone(audits: &[PoweredAudit], population: usize) -> Powered {
    let total = audits.len();
    let count = audits.iter().filter(|audit| audit.right).count();
    let (low, high) = hypergeometric_interval(count as u64, total as u64, population as u64, 0.95);
    Powered { accuracy: Estimate { estimate: count as f64 / total as f64, low, high }, effective_audits: total as f64 }
}

/// `None` where the probabilities do not predict the audits better than their mean.
fn with_probabilities(audits: &[PoweredAudit], population: &[f64], standard: Standard) -> Option<Powered> {
    let count = audits.len() as f64;
    let rows: Vec<(f64, f64)> = audits.iter().map(|audit| (standard.logit(audit.probability), right(audit))).collect();
    let share = mean(rows.iter().map(|row| row.1))?;
    let fit = Recalibrated::fit(&rows, share);
    // Of the mean itself the leverage is 1/n.
    let alone = share * (1.0 - share) * (count / (count - 1.0)).powi(2);
    let left = mean(rows.iter().map(|row| fit.left_out_residual(row).powi(2)))?;
    if left <= 0.0 || left >= alone {
        return None;
    }
    let effective_audits = count * alone / left;
    let of_population = mean(population.iter().map(|&probability| fit.at(standard.logit(probability))))?;
    let controls = rows.iter().map(|row| (row.1, fit.at(row.0)));
    let estimate = rectified(controls, of_population)?.clamp(0.0, 1.0);
    let (low, high) = clopper_pearson_of(estimate * effective_audits, effective_audits);
    let unseen = (1.0 - count / population.len() as f64).sqrt();
    let end = |end: f64| estimate + unseen * (end - estimate);
    Some(Powered { accuracy: Estimate { estimate, low: end(low), high: end(high) }, effective_audits })
}

/// The mean outcome of a population of which the mean control is known, from pairs of outcome and control of some.
fn rectified(audits: impl ExactSizeIterator<Item = (f64, f64)>, of_population: f64) -> Option<f64> {
    Some(of_population + mean(audits.map(|(outcome, control)| outcome - control))?)
}

/// Logits with mean 0 and variance 1 over the population.
#[derive(Debug, Clone, Copy)]
struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    /// `None` where all are alike.
    fn of(population: &[f64]) -> Option<Self> {
        let centre = mean(population.iter().map(|&probability| logit(probability)))?;
        let variance = mean(population.iter().map(|&probability| (logit(probability) - centre).powi(2)))?;
        (variance > 1e-6).then(|| Self { mean: centre, deviation: variance.sqrt() })
    }

    fn logit(&self, probability: f64) -> f64 {
        (logit(probability) - self.mean) / self.deviation
    }
}

/// g(z) = σ(a + b z), with the inverse of the penalised likelihood's curvature in (a, b).
#[derive(Debug, Clone, Copy)]
struct Recalibrated {
    intercept: f64,
    slope: f64,
    /// Of a with a, a with b, b with b.
    covariance: [f64; 3],
}

impl Recalibrated {
    /// By Newton's method; `rows` are pairs of z and 0 or 1.
    fn fit(rows: &[(f64, f64)], share: f64) -> Self {
        // As of two more audits, one of them right, so that it is finite.
        let count = rows.len() as f64;
        let centre = logit((share * count + 1.0) / (count + 2.0));
        let mut fit = Self { intercept: centre, slope: 0.0, covariance: [0.0; 3] };
        for _ in 0..STEPS {
            let (intercept_weight, slope_weight) = (INTERCEPT_DEVIATION.powi(-2), SLOPE_DEVIATION.powi(-2));
            let mut gradient = [-(fit.intercept - centre) * intercept_weight, -fit.slope * slope_weight];
            let mut curvature = [intercept_weight, 0.0, slope_weight];
            for &(z, outcome) in rows {
                let g = fit.at(z);
                let weight = g * (1.0 - g);
                gradient[0] += outcome - g;
                gradient[1] += (outcome - g) * z;
                curvature[0] += weight;
                curvature[1] += weight * z;
                curvature[2] += weight * z * z;
            }
            let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
            fit.covariance = [curvature[2], -curvature[1], curvature[0]].map(|entry| entry / determinant);
            let [aa, ab, bb] = fit.covariance;
            fit.intercept += (aa * gradient[0] + ab * gradient[1]).clamp(-2.0, 2.0);
            fit.slope += (ab * gradient[0] + bb * gradient[1]).clamp(-2.0, 2.0);
        }
        fit
    }

    fn at(&self, z: f64) -> f64 {
        1.0 / (1.0 + (-(self.intercept + self.slope * z)).exp())
    }

    /// The residual of a row under a fit without it, to first order: e / (1 − leverage).
    fn left_out_residual(&self, &(z, outcome): &(f64, f64)) -> f64 {
        let g = self.at(z);
        let [aa, ab, bb] = self.covariance;
        let leverage = g * (1.0 - g) * (aa + 2.0 * ab * z + bb * z * z);
        (outcome - g) / (1.0 - leverage.min(MOST_LEVERAGE))
    }
}

fn logit(probability: f64) -> f64 {
    let kept = probability.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
    (kept / (1.0 - kept)).ln()
}

fn right(audit: &PoweredAudit) -> f64 {
    f64::from(u8::from(audit.right))
}

fn width(powered: &Powered) -> f64 {
    powered.accuracy.high - powered.accuracy.low
}

/// `None` of nothing.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forty audits of which `is_right`, of their number and probability, says which are right.
    fn audits(is_right: impl Fn(u32, f64) -> bool) -> Vec<PoweredAudit> {
        let audit = |number: u32| {
            let probability = 0.5 + 0.49 * f64::from(7 * number % 40) / 39.0;
            PoweredAudit { probability, right: is_right(number, probability) }
        };
        (0..40).map(audit).collect()
    }

    /// Wrong here and there.
    fn vaguely_known() -> Vec<PoweredAudit> {
        audits(|number, probability| !(number % 5 == 2 && probability < 0.85 || number == 11))
    }

    /// Wrong where the probability is low, and once where it is not.
    fn well_known() -> Vec<PoweredAudit> {
        audits(|number, probability| probability > 0.62 && number != 3)
    }

    fn population() -> Vec<f64> {
        (0..1000u32).map(|number| 0.5 + 0.49 * f64::from(number * number % 997) / 996.0).collect()
    }

    #[test]
    fn the_estimate_is_ppi_pythons() {
        // ppi_py.ppi_mean_pointestimate(y, p, population, lam=λ), ppi-python 0.2.3
        for (lambda, expected) in [(0.0, 0.85), (0.5, 0.849_633_729_92), (1.0, 0.849_267_459_839)] {
            let audits = vaguely_known();
            let controls = audits.iter().map(|audit| (right(audit), lambda * audit.probability));
            let of_population = lambda * mean(population().into_iter()).expect("a population");
            let found = rectified(controls, of_population).expect("audits");
            assert!((found - expected).abs() < 1e-11, "{lambda}: {found}");
        }
    }

    /// The same steps with scipy's `minimize` and `beta.ppf`.
    #[test]
    fn agrees_with_scipy() {
        let found = powered_accuracy(&well_known(), &population()).expect("audits");
        let Estimate { estimate, low, high } = found.accuracy;
        assert!((found.effective_audits - 85.084_716_511).abs() < 1e-5, "{found:?}");
        assert!((estimate - 0.724_030_886_19).abs() < 1e-7, "{found:?}");
        assert!((low - 0.618_626_179_8).abs() < 1e-7 && (high - 0.813_601_966_1).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn probabilities_that_say_nothing_leave_the_exact_interval() {
        let exact = |audits: &[PoweredAudit], population: usize| audits_alone(audits, population);
        let vague = vaguely_known();
        assert_eq!(
            powered_accuracy(&vague, &population()),
            Some(exact(&vague, 1000)),
            "38.5 effective audits by scipy"
        );
        let known = well_known();
        assert_eq!(powered_accuracy(&known, &[0.8; 1000]), Some(exact(&known, 1000)), "all alike");
        assert_eq!(powered_accuracy(&known[..9], &population()), Some(exact(&known[..9], 1000)), "too few");
        let all_right = audits(|_, _| true);
        assert_eq!(powered_accuracy(&all_right, &population()), Some(exact(&all_right, 1000)));
    }

    #[test]
    fn probabilities_turned_round_serve_as_well() {
        let turned: Vec<PoweredAudit> = well_known()
            .into_iter()
            .map(|audit| PoweredAudit { probability: 1.0 - audit.probability, ..audit })
            .collect();
        let of_population: Vec<f64> = population().into_iter().map(|probability| 1.0 - probability).collect();
        let found = powered_accuracy(&turned, &of_population).expect("audits").accuracy;
        let straight = powered_accuracy(&well_known(), &population()).expect("audits").accuracy;
        assert!((found.low - straight.low).abs() < 1e-9 && (found.high - straight.high).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn everything_audited_is_known() {
        let audits = well_known();
        let population: Vec<f64> = audits.iter().map(|audit| audit.probability).collect();
        let found = powered_accuracy(&audits, &population).expect("audits").accuracy;
        assert_eq!((found.low, found.high), (found.estimate, found.estimate));
    }

    #[test]
    fn impossible_input_gives_no_number() {
        assert_eq!(powered_accuracy(&[], &population()), None);
        assert_eq!(powered_accuracy(&well_known(), &[0.5; 39]), None);
        for probability in [-0.1, 1.1, f64::NAN] {
            assert_eq!(powered_accuracy(&[PoweredAudit { probability, right: true }], &population()), None);
            assert_eq!(powered_accuracy(&well_known(), &[probability; 50]), None);
        }
    }
}
