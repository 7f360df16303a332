//! Probabilities that are right on average for each class: bias-corrected temperature scaling.

use super::cholesky::Cholesky;
use ndarray::{Array2, ArrayView1};

/// Standard deviation of the prior on the inverse temperature around 1: what comes in is calibrated already.
const TEMPERATURE_DEVIATION: f64 = 0.5;
/// Standard deviation of the prior on each class's bias around 0; a class of a few rows keeps a bias near it.
const BIAS_DEVIATION: f64 = 1.0;
/// Probabilities are kept this far from 0: the resolution of f32.
const LEAST_PROBABILITY: f64 = f32::EPSILON as f64;
/// Newton's steps at most; five do.
const STEPS: usize = 30;
/// Steps of a resampled fit from the fit to all rows, with its curvature.
const CHORD_STEPS: usize = 4;

/// Held-out predictions with the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// n × K logarithms of calibrated probabilities.
    logarithms: Array2<f64>,
    targets: Vec<usize>,
}

/// q = softmax(a · ln p + b): bias-corrected temperature scaling (Alexandari, Kundaje & Shrikumar, "Maximum likelihood with
/// bias-corrected calibration is hard-to-beat at label shift adaptation", 2020). A temperature alone leaves the mean probability
/// of a class off its share, and what is told of class shares would be off by as much.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalibration {
    /// a, then one b a class.
    parameters: Vec<f64>,
}

/// A fit with what resampling needs.
#[derive(Debug, Clone)]
pub struct RecalibrationFit {
    /// The fit to all rows.
    pub fitted: Recalibration,
    curvature: Cholesky,
}

impl HeldOut {
    /// From probabilities and true classes. A row of another width than the first, of a class beyond it, or not of
    /// numbers is left out.
    pub fn new(rows: &[(Vec<f32>, usize)], classes: usize) -> Self {
        let fits = |(probabilities, target): &&(Vec<f32>, usize)| {
            probabilities.len() == classes && *target < classes && probabilities.iter().all(|p| p.is_finite())
        };
        let rows: Vec<&(Vec<f32>, usize)> = rows.iter().filter(fits).collect();
        let logarithms = Array2::from_shape_fn((rows.len(), classes), |(row, class)| logarithm(rows[row].0[class]));
        Self { logarithms, targets: rows.iter().map(|row| row.1).collect() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// n × K logarithms of the probabilities.
    pub fn logarithms(&self) -> &Array2<f64> {
        &self.logarithms
    }

    /// The true class of each row.
    pub fn targets(&self) -> &[usize] {
        &self.targets
    }

    /// How many rows each class has, each row counted `weights` times.
    pub fn class_counts(&self, weights: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; self.logarithms.ncols()];
        self.targets.iter().zip(weights).for_each(|(&target, weight)| counts[target] += weight);
        counts
    }

    /// The gradient of the penalised loss, and into `hessian` its second derivatives.
    fn slopes(&self, parameters: &[f64], weights: &[f64], mut hessian: Option<&mut Array2<f64>>) -> Vec<f64> {
        let size = parameters.len();
        let mut gradient = vec![0.0; size];
        let prior = |place: usize| if place == 0 { TEMPERATURE_DEVIATION.powi(-2) } else { BIAS_DEVIATION.powi(-2) };
        for place in 0..size {
            let centre = if place == 0 { 1.0 } else { 0.0 };
            gradient[place] = prior(place) * (parameters[place] - centre);
            if let Some(hessian) = hessian.as_deref_mut() {
                hessian.row_mut(place).fill(0.0);
                hessian[[place, place]] = prior(place);
            }
        }
        let mut probabilities = vec![0.0; size - 1];
        for ((row, &target), &weight) in self.logarithms.rows().into_iter().zip(&self.targets).zip(weights) {
            if weight == 0.0 {
                continue;
            }
            softmax_into(parameters, row, &mut probabilities);
            let mean: f64 = probabilities.iter().zip(row).map(|(q, x)| q * x).sum();
            gradient[0] += weight * (mean - row[target]);
            for (class, q) in probabilities.iter().enumerate() {
                gradient[class + 1] += weight * (q - f64::from(u8::from(class == target)));
            }
            let Some(hessian) = hessian.as_deref_mut() else { continue };
            let square: f64 = probabilities.iter().zip(row).map(|(q, x)| q * x * x).sum();
            hessian[[0, 0]] += weight * (square - mean * mean);
            for (class, q) in probabilities.iter().enumerate() {
                hessian[[class + 1, 0]] += weight * q * (row[class] - mean);
                hessian[[class + 1, class + 1]] += weight * q;
                for (other, q_other) in probabilities[..=class].iter().enumerate() {
                    hessian[[class + 1, other + 1]] -= weight * q * q_other;
                }
            }
        }
        gradient
    }
}

impl Recalibration {
    /// Leaves probabilities as they are.
    pub fn identity(classes: usize) -> Self {
        let mut parameters = vec![0.0; classes + 1];
        parameters[0] = 1.0;
        Self { parameters }
    }

    /// n × K recalibrated probabilities, from the logarithms of n × K calibrated ones.
    pub fn apply(&self, logarithms: &Array2<f64>) -> Array2<f64> {
        let mut out = Array2::zeros(logarithms.dim());
        let mut row_out = vec![0.0; logarithms.ncols()];
        for (row, mut into) in logarithms.rows().into_iter().zip(out.rows_mut()) {
            softmax_into(&self.parameters, row, &mut row_out);
            into.iter_mut().zip(&row_out).for_each(|(into, &q)| *into = q);
        }
        out
    }
}

/// A fit being made, one of Newton's steps at a time.
#[derive(Debug, Clone)]
pub struct Fitting {
    parameters: Vec<f64>,
    steps: usize,
}

impl Fitting {
    /// Minimises Σ −ln q of the true class plus the two Gaussian priors, by Newton's method with halved steps; the problem is
    /// convex.
    pub fn new(held_out: &HeldOut) -> Self {
        Self { parameters: Recalibration::identity(held_out.logarithms.ncols()).parameters, steps: 0 }
    }

    /// One step: n K² multiply-adds. The fit, once it is found.
    pub fn step(&mut self, held_out: &HeldOut) -> Option<RecalibrationFit> {
        let weights = vec![1.0; held_out.len()];
        let size = self.parameters.len();
        let mut hessian = Array2::zeros((size, size));
        let gradient = held_out.slopes(&self.parameters, &weights, Some(&mut hessian));
        let curvature = Cholesky::of(hessian);
        let norm = |gradient: &[f64]| gradient.iter().map(|x| x * x).sum::<f64>().sqrt();
        let better = (norm(&gradient) > 1e-8 * (1.0 + held_out.len() as f64) && self.steps < STEPS)
            .then(|| {
                let step = curvature.solve(&gradient);
                let moved = |share: f64| -> Vec<f64> {
                    self.parameters.iter().zip(&step).map(|(at, step)| at - share * step).collect()
                };
                let shares = [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125];
                let is_better = |to: &Vec<f64>| norm(&held_out.slopes(to, &weights, None)) < norm(&gradient);
                shares.into_iter().map(moved).find(is_better)
            })
            .flatten();
        match better {
            Some(better) => {
                (self.parameters, self.steps) = (better, self.steps + 1);
                None
            }
            None => Some(RecalibrationFit { fitted: Recalibration { parameters: self.parameters.clone() }, curvature }),
        }
    }
}

impl RecalibrationFit {
    /// The whole fit at once, see [`Fitting`].
    pub fn new(held_out: &HeldOut) -> Self {
        let mut fitting = Fitting::new(held_out);
        loop {
            if let Some(fit) = fitting.step(held_out) {
                return fit;
            }
        }
    }

    /// The fit to the rows counted `weights` times: a few steps from the fit to all, with its curvature, which saves a
    /// resample the second derivatives.
    pub fn resampled(&self, held_out: &HeldOut, weights: &[f64]) -> Recalibration {
        let mut parameters = self.fitted.parameters.clone();
        for _ in 0..CHORD_STEPS {
            let gradient = held_out.slopes(&parameters, weights, None);
            let step = self.curvature.solve(&gradient);
            // A resample's curvature differs, so that a step may be too long; never by more than this.
            let longest = step.iter().fold(1.0f64, |most, x| most.max(x.abs()));
            parameters.iter_mut().zip(step).for_each(|(at, step)| *at -= step / longest);
        }
        Recalibration { parameters }
    }
}

/// The logarithms of probabilities, kept away from −∞.
pub fn logarithms(probabilities: &Array2<f32>) -> Array2<f64> {
    probabilities.mapv(logarithm)
}

fn logarithm(probability: f32) -> f64 {
    f64::from(probability).max(LEAST_PROBABILITY).ln()
}

fn softmax_into(parameters: &[f64], logarithms: ArrayView1<f64>, out: &mut [f64]) {
    let mut top = f64::NEG_INFINITY;
    for ((out, x), bias) in out.iter_mut().zip(logarithms).zip(&parameters[1..]) {
        *out = parameters[0] * x + bias;
        top = top.max(*out);
    }
    let mut sum = 0.0;
    for out in out.iter_mut() {
        *out = (*out - top).exp();
        sum += *out;
    }
    out.iter_mut().for_each(|out| *out /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Truths drawn from softmax(1.4 ln p + (1, 0, −1)).
    fn drawn(rows: usize) -> (Vec<(Vec<f32>, usize)>, Recalibration) {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let truth = Recalibration { parameters: vec![1.4, 1.0, 0.0, -1.0] };
        let rows = (0..rows)
            .map(|_| {
                let raw: Vec<f64> = (0..3).map(|_| random.random_range(0.05..1.0f64).powi(2)).collect();
                let sum: f64 = raw.iter().sum();
                let p: Vec<f32> = raw.iter().map(|value| (value / sum) as f32).collect();
                let mut q = vec![0.0; 3];
                let row: ndarray::Array1<f64> = p.iter().map(|&p| logarithm(p)).collect();
                softmax_into(&truth.parameters, row.view(), &mut q);
                let draw: f64 = random.random();
                let target = usize::from(draw > q[0]) + usize::from(draw > q[0] + q[1]);
                (p, target)
            })
            .collect();
        (rows, truth)
    }

    #[test]
    fn finds_what_the_truths_were_drawn_with() {
        let (rows, truth) = drawn(20_000);
        let held_out = HeldOut::new(&rows, 3);
        let fitted = RecalibrationFit::new(&held_out).fitted;
        let [a, first, second, third] = fitted.parameters[..] else { panic!("four parameters") };
        assert!((a - truth.parameters[0]).abs() < 0.06, "{fitted:?}");
        assert!((first - second - 1.0).abs() < 0.1 && (second - third - 1.0).abs() < 0.1, "{fitted:?}");
    }

    #[test]
    fn mean_probabilities_are_class_shares() {
        let (rows, _) = drawn(5000);
        let held_out = HeldOut::new(&rows, 3);
        let fit = RecalibrationFit::new(&held_out);
        let counts = held_out.class_counts(&vec![1.0; held_out.len()]);
        let calibrated = fit.fitted.apply(&held_out.logarithms);
        let before = held_out.logarithms.mapv(f64::exp);
        for (class, count) in counts.iter().enumerate() {
            let (share, mean) = (count / 5000.0, calibrated.column(class).mean().expect("rows"));
            assert!((share - mean).abs() < 0.002, "class {class}: {share} {mean}");
        }
        assert!((before.column(0).mean().expect("rows") - counts[0] / 5000.0).abs() > 0.1, "which they were not");
    }

    #[test]
    fn a_resample_is_fitted_nearly_as_if_anew() {
        let (rows, _) = drawn(300);
        let held_out = HeldOut::new(&rows, 3);
        let fit = RecalibrationFit::new(&held_out);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut worst = 0.0f64;
        for _ in 0..20 {
            let chosen: Vec<usize> = (0..300).map(|_| random.random_range(0..300)).collect();
            let mut weights = vec![0.0; 300];
            chosen.iter().for_each(|&row| weights[row] += 1.0);
            let anew: Vec<_> = chosen.iter().map(|&row| rows[row].clone()).collect();
            let anew = RecalibrationFit::new(&HeldOut::new(&anew, 3)).fitted;
            let quick = fit.resampled(&held_out, &weights);
            for (a, b) in quick.parameters.iter().zip(&anew.parameters) {
                worst = worst.max((a - b).abs());
            }
        }
        assert!(worst < 0.02, "{worst}");
    }

    #[test]
    fn no_rows_change_nothing_and_odd_ones_are_left_out() {
        let none = HeldOut::new(&[(vec![0.5], 0), (vec![0.5, 0.5], 2), (vec![f32::NAN, 0.5], 0)], 2);
        assert!(none.is_empty());
        let fitted = RecalibrationFit::new(&none).fitted;
        assert_eq!(fitted, Recalibration::identity(2));
        let p = Array2::from_shape_vec((1, 2), vec![0.0, 1.0]).expect("1 × 2");
        assert!(fitted.apply(&logarithms(&p)).iter().all(|q| q.is_finite()));
    }
}
