//! Accuracy from the audit stream.

use super::bootstrap::{middle_of, replicates};
use super::interval::{Estimate, clopper_pearson_of};
use serde::{Deserialize, Serialize};

/// One audit: how wrong the model is on it, and how likely it was to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeighedLoss {
    /// 0 (right) to 1 (wrong).
    pub loss: f64,
    /// The probability q, above 0 and at most 1, with which just this item was drawn among those that could be then,
    /// as it was logged.
    pub probability: f64,
}

/// Two right and two wrong audits beside the real ones, in LURE's bootstrap alone: without them, audits that are all right
/// would give an interval without width. (The same four make Wald's binomial interval cover: Agresti & Coull, 1998.)
const PSEUDO_LOSSES: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

/// The mean loss over `population` items, from audits in the order drawn, each from the items not audited before with
/// any logged probabilities: LURE, R̂ = (1/M) Σ v_m ℓ_m with v_m = 1 + (N−M)/(N−m) · (1/((N−m+1) q_m) − 1) (Farquhar,
/// Gal & Rainforth, "On statistical bias in active learning", 2021). Unbiased where every item that is left can be
/// drawn and where items leave the population by being audited only; see [`audit_accuracy`] for when they don't. With
/// q_m = 1/(N−m+1) it is the plain mean.
///
/// The interval, at `confidence` of 0 to 1, is a bootstrap over v_m ℓ_m with four pseudo-audits, narrowed by the finite
/// population's √((N−M)/N). `None` without audits or if a probability is out of its range. A population smaller than
/// the audits counts as the audits.
pub fn lure(population: usize, audits: &[WeighedLoss], confidence: f64, seed: u64) -> Option<Estimate> {
    if audits.is_empty() || !all_drawable(audits) {
        return None;
    }
    let count = audits.len() as f64;
    let population = population.max(audits.len()) as f64;
    let mut terms: Vec<f64> = audits
        .iter()
        .zip(1..)
        .map(|(audit, number)| {
            let left = population - f64::from(number);
            // Everything audited: 0/0, and the plain mean is the truth.
            let later = if population > count { (population - count) / left } else { 0.0 };
            audit.loss * (1.0 + later * (1.0 / ((left + 1.0) * audit.probability) - 1.0))
        })
        .collect();
    let estimate = terms.iter().sum::<f64>() / count;
    terms.extend(PSEUDO_LOSSES);
    let means = replicates(terms.len(), seed, |rows| mean_of(rows, &terms));
    let (low, high) = middle_of(&means, confidence);
    let unseen = ((population - count) / population).sqrt();
    Some(around(estimate, estimate + unseen * (low - estimate), estimate + unseen * (high - estimate)))
}

/// The model's accuracy on the items that nobody labelled for training: the audits so far and the `undecided_now` items
/// that could still be drawn. Audits in the order drawn, each drawn uniformly from the items then undecided and so
/// logged with q = 1 / their number; `out_of_fold` is the model's accuracy on its training labels, each predicted by a
/// model that had not seen it. 95 % interval.
///
/// **Why not LURE.** Between two audits the queue takes items away as training labels, and it takes the hard ones. An
/// early audit was drawn from the hard and the easy, of which only the easy are left, so neither the plain mean nor LURE
/// with any population is an estimate of what is left. In a simulation with an uncertainty-driven labeller (600 items,
/// 300 labelled, 53 audits), the truth was .967; the mean error of the plain mean (LURE with the remaining population
/// and its q) −.048, its exact 95 % interval held it in 71 % of runs; LURE with logged q: −.09; this estimate: +.004,
/// and 99 %.
///
/// **How.** Of the U = 1/q items that audit m was drawn from, F = `undecided_now` are still undecided, those audited
/// from then on are known, and the n others were labelled for training since. The loss on these is known, too, once
/// each is predicted out of fold: h = 1 − `out_of_fold` on average. So ℓ_m estimates (F f + Σ_{i ≥ m} ℓ_i + n h) / U,
/// and the loss f on the undecided is F f = Σ_m (ℓ_m − n_m h / U_m − Σ_{i ≥ m} ℓ_i / U_m) / Σ_m 1/U_m. It remains to
/// add the known losses of the audits themselves. Without `out_of_fold`, the labelled items count as no harder than the
/// others, which is the plain mean and understates the accuracy.
///
/// **Interval.** The exact one of the audits' mean loss (Clopper & Pearson), taken through the same correction: the undecided's loss
/// is a multiple of the audits' mean loss plus what is known. A bootstrap held the truth in 88 % of runs at 20 audits and an
/// accuracy of .97: most of its audits are all right, and resampling them finds no doubt.
///
/// `None` without audits or if a probability is out of its range. Items imported between two audits make the earlier
/// ones speak for the later items too; where a batch differs, audit it by itself.
pub fn audit_accuracy(audits: &[WeighedLoss], undecided_now: usize, out_of_fold: Option<f64>) -> Option<Estimate> {
    if audits.is_empty() || !all_drawable(audits) {
        return None;
    }
    let (count, undecided) = (audits.len(), undecided_now as f64);
    let everything = count as f64 + undecided;
    let total_loss: f64 = audits.iter().map(|audit| audit.loss).sum();
    let labelled_loss = out_of_fold.map_or(total_loss / count as f64, |accuracy| 1.0 - accuracy);
    // What audit m says of the sum of losses over the undecided is corrections[m] + ℓ_m, all of it times U_m.
    let (mut corrections, mut losses, mut inverse_pools) = (vec![], vec![], vec![]);
    let mut audited_loss = total_loss;
    for (number, audit) in audits.iter().enumerate() {
        let pool = 1.0 / audit.probability;
        let labelled_since = (pool - undecided - (count - number) as f64).max(0.0);
        corrections.push(-(labelled_since * labelled_loss + audited_loss) / pool);
        losses.push(audit.loss);
        inverse_pools.push(1.0 / pool);
        audited_loss -= audit.loss;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let undecided_loss = (mean(&corrections) + mean(&losses)) / mean(&inverse_pools);
    let accuracy = |undecided_loss: f64| 1.0 - (total_loss + undecided_loss.clamp(0.0, undecided)) / everything;
    if undecided_now == 0 {
        return Some(around(accuracy(0.0), accuracy(0.0), accuracy(0.0)));
    }
    // The undecided themselves are a draw from the same pools: their own mean varies by 1/F beside the audits' 1/M.
    let spread = (everything / undecided).sqrt();
    let (least, most) = clopper_pearson_of(total_loss, count as f64);
    let end = |mean_loss: f64| {
        let found = (mean(&corrections) + mean_loss) / mean(&inverse_pools);
        accuracy(undecided_loss + spread * (found - undecided_loss))
    };
    Some(around(accuracy(undecided_loss), end(most), end(least)))
}

fn all_drawable(audits: &[WeighedLoss]) -> bool {
    audits.iter().all(|audit| audit.probability > 0.0 && audit.probability <= 1.0)
}

fn mean_of(rows: &[usize], values: &[f64]) -> f64 {
    rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64
}

/// A share with ends that hold it.
fn around(estimate: f64, low: f64, high: f64) -> Estimate {
    let estimate = estimate.clamp(0.0, 1.0);
    Estimate { estimate, low: low.clamp(0.0, estimate), high: high.clamp(estimate, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform draws from a pool that shrinks by audits alone.
    fn uniform(losses: &[f64], population: usize) -> Vec<WeighedLoss> {
        let audit =
            |(number, &loss): (usize, &f64)| WeighedLoss { loss, probability: 1.0 / (population - number) as f64 };
        losses.iter().enumerate().map(audit).collect()
    }

    #[test]
    fn lure_of_uniform_draws_is_the_mean() {
        let audits = uniform(&[0.0, 1.0, 0.0, 0.0, 0.0], 50);
        let found = lure(50, &audits, 0.95, 1).expect("audits");
        assert!((found.estimate - 0.2).abs() < 1e-12 && found.low < 0.15 && found.high > 0.4, "{found:?}");
        assert_eq!(lure(50, &audits, 0.95, 1), Some(found), "the same seed, the same interval");
        let all = lure(5, &uniform(&[0.0, 1.0, 0.0, 0.0, 0.0], 5), 0.95, 1).expect("audits");
        assert!((all.estimate - 0.2).abs() < 1e-12 && all.high - all.low < 1e-12, "{all:?}");
    }

    #[test]
    fn lure_by_hand() {
        // N = 4, M = 2: v_1 = 1 + 2/3 (1/(4·½) − 1) = 2/3, v_2 = 1 + 2/2 (1/(3·¼) − 1) = 4/3.
        let audits = [WeighedLoss { loss: 1.0, probability: 0.5 }, WeighedLoss { loss: 0.5, probability: 0.25 }];
        let found = lure(4, &audits, 0.95, 1).expect("audits");
        assert!((found.estimate - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn without_training_labels_the_audits_speak_for_themselves() {
        // An order of losses that does not lean either way.
        let losses: Vec<f64> =
            (0..40).map(|number| f64::from(u8::from(number % 10 == 4 || number % 10 == 5)) / 2.0).collect();
        let found = audit_accuracy(&uniform(&losses, 400), 360, Some(0.3)).expect("audits");
        assert!((found.estimate - 0.9).abs() < 0.005 && found.low > 0.75 && found.high < 0.98, "{found:?}");
        let everything = audit_accuracy(&uniform(&losses, 40), 0, None).expect("audits");
        assert_eq!((everything.low, everything.high), (everything.estimate, everything.estimate));
        assert!((everything.estimate - 0.9).abs() < 1e-12);
    }

    #[test]
    fn audits_that_are_all_right_leave_doubt() {
        let found = audit_accuracy(&uniform(&[0.0; 20], 500), 480, None).expect("audits");
        assert!(found.estimate == 1.0 && found.high == 1.0 && (0.7..0.95).contains(&found.low), "{found:?}");
    }

    #[test]
    fn impossible_logs_give_no_number() {
        assert_eq!(lure(10, &[], 0.95, 1), None);
        assert_eq!(audit_accuracy(&[], 10, None), None);
        for probability in [0.0, -1.0, 1.5, f64::NAN] {
            let audits = [WeighedLoss { loss: 0.0, probability }];
            assert_eq!((lure(10, &audits, 0.95, 1), audit_accuracy(&audits, 9, None)), (None, None));
        }
    }
}
