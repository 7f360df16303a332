//! L-BFGS, asked and told: it names a point, the caller evaluates it, whenever and in whatever slices suit.

use std::collections::VecDeque;

/// Pairs kept to model the curvature; fewer where the parameters are so many that they would not fit in memory.
const MEMORY: usize = 10;
/// At most this many numbers in the pairs: 64 MB of f32.
const MEMORY_NUMBERS: usize = 16 << 20;
/// A step must gain this share of what the slope promises (Armijo).
const SUFFICIENT_DECREASE: f64 = 1e-4;
/// A step must leave less than this share of the slope (curvature, weak Wolfe).
const CURVATURE: f64 = 0.9;
/// Losses nearer than this are equal as far as f32 features can tell; then the slopes decide (Hager & Zhang's
/// approximate Wolfe condition, "A new conjugate gradient method with guaranteed descent", 2005).
const NOISE: f64 = 1e-7;
/// A step that proves too short is lengthened to where the slope would end if it went on changing as it did (the secant), but by
/// no more than this factor, and by no less than 2. The first step of all is a guess; doubled, it took five evaluations more.
const LONGEST_STRIDE: f64 = 128.0;
/// Bisections before a direction is given up.
const TRIALS: usize = 25;

/// Where an optimisation stands after [`Lbfgs::tell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Evaluate [`Lbfgs::point`] and tell again.
    Continue,
    /// The gradient is within tolerance, or no step gains anything that arithmetic can see.
    Converged,
    /// The permitted iterations are used up.
    OutOfIterations,
}

/// A minimisation of a smooth function of many variables (Nocedal & Wright, Numerical Optimization, algorithm 7.5),
/// with a bracketing weak-Wolfe line search (Lewis & Overton, 2013). Limits: no bounds, no noise-averaging.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    tolerance: f64,
    max_iterations: usize,
    iterations: usize,
    /// The best point, its loss and gradient; `None` before the first evaluation.
    base: Option<Base>,
    point: Vec<f64>,
    search: Search,
    pairs: VecDeque<Pair>,
    memory: usize,
    /// The gradient's largest component at the start.
    first_slope: f64,
    /// And at the best point.
    present_slope: f64,
}

#[derive(Debug, Clone)]
struct Base {
    point: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

#[derive(Debug, Clone, Default)]
struct Search {
    direction: Vec<f64>,
    slope: f64,
    step: f64,
    low: f64,
    /// The slope at `low`.
    low_slope: f64,
    high: f64,
    trials: usize,
}

/// A step and the gradient's change over it, in f32: they only shape the direction.
#[derive(Debug, Clone)]
struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
    inverse_product: f64,
}

impl Lbfgs {
    /// Starts at `point`; done once every component of the gradient is within `tolerance`, or after
    /// `max_iterations` line searches.
    pub fn new(point: Vec<f64>, tolerance: f64, max_iterations: usize) -> Self {
        let memory = (MEMORY_NUMBERS / (2 * point.len().max(1))).clamp(3, MEMORY);
        let (search, pairs) = (Search::default(), VecDeque::new());
        Self {
            tolerance,
            max_iterations,
            iterations: 0,
            base: None,
            point,
            search,
            pairs,
            memory,
            first_slope: 0.0,
            present_slope: 0.0,
        }
    }

    /// The point to evaluate next.
    pub fn point(&self) -> &[f64] {
        &self.point
    }

    /// The best point so far: the start before anything was told.
    pub fn best(&self) -> &[f64] {
        self.base.as_ref().map_or(&self.point, |base| &base.point)
    }

    /// The loss at [`Lbfgs::best`]; infinite before anything was told.
    pub fn loss(&self) -> f64 {
        self.base.as_ref().map_or(f64::INFINITY, |base| base.loss)
    }

    /// Line searches completed.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// How far the gradient's largest component has come from its first value down to the tolerance, by orders of magnitude, or
    /// how many of the permitted iterations are over, whichever is nearer the end; 0 to 1.
    pub fn progress(&self) -> f64 {
        let way = (self.first_slope / self.tolerance).ln();
        let come = (self.first_slope / self.present_slope.max(self.tolerance)).ln();
        let by_slope = if way > 0.0 && come.is_finite() { (come / way).clamp(0.0, 1.0) } else { 0.0 };
        by_slope.max(self.iterations as f64 / self.max_iterations.max(1) as f64)
    }

    /// Takes the loss and the gradient at [`Lbfgs::point`].
    pub fn tell(&mut self, loss: f64, gradient: &[f64]) -> Status {
        let Some(base) = self.base.take() else {
            self.first_slope = largest(gradient);
            self.base = Some(Base { point: self.point.clone(), loss, gradient: gradient.to_vec() });
            return self.begin_search();
        };
        let slope = dot(gradient, &self.search.direction);
        let search = &mut self.search;
        let decreases = loss <= base.loss + SUFFICIENT_DECREASE * search.step * search.slope
            || (loss <= base.loss + NOISE * base.loss.abs()
                && slope <= (2.0 * SUFFICIENT_DECREASE - 1.0) * search.slope);
        if decreases && slope >= CURVATURE * search.slope {
            self.accept(base, loss, gradient);
            return self.begin_search();
        }
        let before = (search.low, search.low_slope);
        if decreases {
            (search.low, search.low_slope) = (search.step, slope);
        } else {
            search.high = search.step;
        }
        search.step = match search.high.is_finite() {
            true => (search.low + search.high) / 2.0,
            false => lengthened(before, (search.low, search.low_slope)),
        };
        search.trials += 1;
        if search.trials > TRIALS {
            self.base = Some(base);
            return self.give_up_direction();
        }
        move_along(&mut self.point, &base.point, search);
        self.base = Some(base);
        Status::Continue
    }

    /// The curvature model may have misled: try plain descent once, then it is as good as arithmetic allows.
    fn give_up_direction(&mut self) -> Status {
        if self.pairs.is_empty() {
            return Status::Converged;
        }
        self.pairs.clear();
        self.begin_search()
    }

    fn accept(&mut self, base: Base, loss: f64, gradient: &[f64]) {
        let step: Vec<f32> = self.point.iter().zip(&base.point).map(|(new, old)| (new - old) as f32).collect();
        let change: Vec<f32> = gradient.iter().zip(&base.gradient).map(|(new, old)| (new - old) as f32).collect();
        let product: f64 = step.iter().zip(&change).map(|(s, y)| f64::from(*s) * f64::from(*y)).sum();
        if product > 0.0 {
            if self.pairs.len() == self.memory {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, change, inverse_product: 1.0 / product });
        }
        self.base = Some(Base { point: self.point.clone(), loss, gradient: gradient.to_vec() });
        self.iterations += 1;
    }

    fn begin_search(&mut self) -> Status {
        let Some(base) = &self.base else { return Status::Continue };
        self.present_slope = largest(&base.gradient);
        if self.present_slope <= self.tolerance {
            return Status::Converged;
        }
        if self.iterations >= self.max_iterations {
            return Status::OutOfIterations;
        }
        let mut direction = self.two_loops(&base.gradient);
        let mut slope = dot(&direction, &base.gradient);
        if slope >= 0.0 {
            self.pairs.clear();
            direction = self.two_loops(&base.gradient);
            slope = dot(&direction, &base.gradient);
        }
        self.search =
            Search { direction, slope, step: 1.0, low: 0.0, low_slope: slope, high: f64::INFINITY, trials: 0 };
        move_along(&mut self.point, &base.point, &self.search);
        Status::Continue
    }

    /// −H·gradient by the two-loop recursion; a step of length at most 1 before any pair is known.
    fn two_loops(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|component| -component).collect();
        let Some(last) = self.pairs.back() else {
            let scale = 1.0 / dot(gradient, gradient).sqrt().max(1.0);
            direction.iter_mut().for_each(|component| *component *= scale);
            return direction;
        };
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = pair.inverse_product * mixed_dot(&pair.step, &direction);
            add_scaled(&mut direction, -weight, &pair.change);
            weights.push(weight);
        }
        let squares: f64 = last.change.iter().map(|y| f64::from(*y).powi(2)).sum();
        let scale = 1.0 / (last.inverse_product * squares);
        direction.iter_mut().for_each(|component| *component *= scale);
        for (pair, weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let correction = weight - pair.inverse_product * mixed_dot(&pair.change, &direction);
            add_scaled(&mut direction, correction, &pair.step);
        }
        direction
    }
}

/// The step after `last`, each a step and its slope, both still falling.
fn lengthened(before: (f64, f64), last: (f64, f64)) -> f64 {
    let flattening = (last.1 - before.1) / (last.0 - before.0);
    let level = if flattening > 0.0 { last.0 - last.1 / flattening } else { f64::INFINITY };
    level.clamp(2.0 * last.0, LONGEST_STRIDE * last.0)
}

fn move_along(point: &mut [f64], base: &[f64], search: &Search) {
    for ((to, from), direction) in point.iter_mut().zip(base).zip(&search.direction) {
        *to = from + search.step * direction;
    }
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, component| component.abs().max(largest))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum_of_products(a, b, |a| a)
}

fn mixed_dot(a: &[f32], b: &[f64]) -> f64 {
    sum_of_products(a, b, f64::from)
}

/// Several sums side by side: one would have to wait for itself at every addition.
fn sum_of_products<T: Copy>(a: &[T], b: &[f64], widen: impl Fn(T) -> f64) -> f64 {
    const SUMS: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<SUMS>(), b.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += widen(*a) * b;
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| widen(*a) * b);
    sums.into_iter().chain(rest).sum()
}

fn add_scaled(to: &mut [f64], scale: f64, from: &[f32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += scale * f64::from(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minimises by asking and telling; returns the point and how often the function was evaluated.
    fn minimise(start: Vec<f64>, function: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> (Vec<f64>, usize) {
        let mut lbfgs = Lbfgs::new(start, 1e-9, 1000);
        let mut evaluations = 0;
        loop {
            let (loss, gradient) = function(lbfgs.point());
            evaluations += 1;
            if lbfgs.tell(loss, &gradient) != Status::Continue {
                return (lbfgs.best().to_vec(), evaluations);
            }
        }
    }

    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        // Rosenbrock's function: the minimum is at (1, 1).
        let (point, evaluations) = minimise(vec![-1.2, 1.0], |p| {
            let (a, b) = (1.0 - p[0], p[1] - p[0] * p[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * p[0] * b, 200.0 * b])
        });
        assert!(point.iter().all(|x| (x - 1.0).abs() < 1e-6), "{point:?}");
        assert!(evaluations < 100, "{evaluations}");
    }

    #[test]
    fn a_stretched_bowl_takes_few_steps() {
        let scales: Vec<f64> = (0..50).map(|i| 10f64.powf(f64::from(i) / 16.0)).collect();
        let (point, evaluations) = minimise(vec![1.0; 50], |p| {
            let gradient: Vec<f64> = p.iter().zip(&scales).map(|(x, scale)| x * scale).collect();
            (dot(&gradient, p) / 2.0, gradient)
        });
        assert!(point.iter().all(|x| x.abs() < 1e-6), "{point:?}");
        assert!(evaluations < 400, "{evaluations}");
    }

    #[test]
    fn a_far_bottom_is_reached_in_a_few_strides() {
        let (point, evaluations) = minimise(vec![100.0], |p| (p[0] * p[0] / 2e3, vec![p[0] / 1e3]));
        assert!(point[0].abs() < 1e-5, "{point:?}");
        // Doubling a first step of a thousandth of the way takes ten.
        assert!(evaluations <= 5, "{evaluations}");
    }

    #[test]
    fn stops_when_out_of_iterations_and_keeps_the_best() {
        // x⁴ / 4: no step lands at the bottom.
        let (loss, slope) = (|x: f64| x.powi(4) / 4.0, |x: f64| x.powi(3));
        let mut lbfgs = Lbfgs::new(vec![10.0], 0.0, 1);
        let mut last = lbfgs.tell(loss(10.0), &[slope(10.0)]);
        // One line search: lengthening until the curvature condition holds, then out of iterations.
        while last == Status::Continue {
            let x = lbfgs.point()[0];
            last = lbfgs.tell(loss(x), &[slope(x)]);
        }
        assert_eq!((last, lbfgs.iterations()), (Status::OutOfIterations, 1));
        assert!(lbfgs.loss() < loss(10.0) && lbfgs.best()[0].abs() < 10.0);
    }
}
