//! Ridge regression on one-hot classes, its strength chosen by exact leave-one-out, in slices.
//!
//! It minimises Σ wᵢ ‖yᵢ − b − W xᵢ‖² + λ ‖W‖² over features of unit spread. The residual of a row that was left out is
//! exactly eᵢ = (yᵢ − ŷᵢ) / (1 − hᵢ), with h the diagonal of the hat matrix (Allen's PRESS; Rifkin & Lippert, "Notes on
//! regularized least squares", 2007), so all strengths are compared without a single refit. Whichever of the two
//! Gram matrices is smaller, features × features or rows × rows, is made tridiagonal once and serves every λ.

use super::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::linear::Linear;
use super::logistic::{ClassWeight, Progress};
use super::training_set::TrainingSet;
use super::tridiagonal::{Shifted, Tridiagonal, Tridiagonalisation};
use super::weights::ClassCounts;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};

/// Strengths to choose from: every step costs next to nothing, and between neighbours no accuracy differs noticeably.
pub const STRENGTHS: [f64; 10] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// The largest Gram matrix, in rows: 72 MB of f64.
pub const MOST_SIDE: usize = 3000;
/// Regression values lie between 0 and 1: multiplied by this, a softmax of them is about as sure as a classifier should
/// be; the exact factor is fitted.
const SHARPNESS: f64 = 8.0;
/// Rows multiplied at a time; the same whatever the slices, so that sums are rounded the same.
const CHUNK: usize = 8;
/// 1 − h is kept above this: a row on which everything hangs predicts nothing when left out.
const LEAST_FREEDOM: f64 = 1e-9;

/// A fit under way; the same [`TrainingSet`] must come with every call.
#[derive(Debug, Clone)]
pub struct RidgeFit {
    rows: Vec<usize>,
    targets: Vec<usize>,
    counts: ClassCounts,
    /// √wᵢ for each row.
    roots: Vec<f64>,
    /// Weighted mean of each dense, then each compact sparse column; primal only.
    centre: Vec<f64>,
    primal: bool,
    strengths: Vec<f64>,
    stage: Stage,
    /// What was found for each strength so far: the mean squared leave-one-out residual and the predictions behind it.
    errors: Vec<f64>,
    best: Option<Best>,
}

#[derive(Debug, Clone)]
enum Stage {
    /// The Gram matrix and how many rows are in it.
    Gram(Array2<f64>, usize),
    Reduce(Tridiagonalisation),
    /// Primal only: how many rows are rotated.
    Rotate(Tridiagonal, Array2<f64>, usize),
    /// Trying one strength after the other.
    Choose(Box<Choice>),
    Done,
}

#[derive(Debug, Clone)]
struct Choice {
    tridiagonal: Tridiagonal,
    /// Primal: the design rows in the tridiagonal matrix's basis; dual: that basis itself, which is not kept twice.
    rotated: Option<Array2<f64>>,
    /// Which strength is next.
    next: usize,
    /// rotatedᵀ · √w (Y − ȳ), a vector a class; filled while the first strength is tried.
    right_sides: Vec<Vec<f64>>,
    trial: Option<Trial>,
}

/// One strength being tried.
#[derive(Debug, Clone)]
struct Trial {
    shifted: Shifted,
    /// 1 − hᵢ.
    freedom: Vec<f64>,
    next_class: usize,
    found: Best,
}

#[derive(Debug, Clone)]
struct Best {
    error: f64,
    strength: f64,
    /// Dual: rows × K coefficients; primal: columns × K weights.
    coefficients: Array2<f64>,
    /// rows × K leave-one-out predictions.
    left_out: Array2<f64>,
}

/// How wide the smaller Gram matrix of these rows is.
pub fn gram_side(set: &TrainingSet, used: &[bool]) -> usize {
    let rows = used.iter().filter(|&&used| used).count();
    rows.min(set.dense_columns() + set.sparse_columns())
}

impl RidgeFit {
    /// Prepares a fit to the rows that `used` keeps, of one strength or, if `None`, the best of [`STRENGTHS`].
    ///
    /// `None` if fewer than two classes have a used row. The Gram matrix takes m² f64, see [`gram_side`].
    pub fn begin(set: &TrainingSet, used: &[bool], strength: Option<f64>, class_weight: ClassWeight) -> Option<Self> {
        let counts = ClassCounts::of(set, used)?;
        let rows: Vec<usize> = (0..set.len()).filter(|&row| used[row]).collect();
        let targets: Vec<usize> = rows.iter().map(|&row| set.targets()[row]).collect();
        let roots: Vec<f64> = targets.iter().map(|&class| counts.weight(class, class_weight).sqrt()).collect();
        let columns = set.dense_columns() + set.sparse_columns();
        let primal = columns < rows.len();
        let side = columns.min(rows.len());
        let centre = if primal { weighted_mean(set, &rows, &roots) } else { Vec::new() };
        Some(Self {
            rows,
            targets,
            counts,
            roots,
            centre,
            primal,
            strengths: strength.map_or(STRENGTHS.to_vec(), |strength| vec![strength]),
            stage: Stage::Gram(Array2::zeros((side, side)), 0),
            errors: Vec::new(),
            best: None,
        })
    }

    /// Works until about `work` multiply-adds are done.
    pub fn step(&mut self, set: &TrainingSet, work: usize) -> Progress {
        let mut left = work;
        loop {
            let done = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Gram(mut gram, next) => {
                    let (end, done) = self.add_to_gram(set, &mut gram, next, left);
                    self.stage = if end < self.rows.len() {
                        Stage::Gram(gram, end)
                    } else {
                        if !self.primal {
                            self.centre_gram(&mut gram);
                        }
                        Stage::Reduce(Tridiagonalisation::new(gram))
                    };
                    done
                }
                Stage::Reduce(mut reduction) => {
                    let finished = reduction.step(left / 2);
                    self.stage = match finished {
                        false => Stage::Reduce(reduction),
                        true if self.primal => {
                            let tridiagonal = reduction.finish();
                            let rotated = Array2::zeros((self.rows.len(), tridiagonal.basis.nrows()));
                            Stage::Rotate(tridiagonal, rotated, 0)
                        }
                        true => Stage::Choose(Box::new(Choice::new(reduction.finish(), None))),
                    };
                    left
                }
                Stage::Rotate(tridiagonal, mut rotated, next) => {
                    let per_row = tridiagonal.basis.len().max(1);
                    let end = (next + CHUNK).min(self.rows.len());
                    let rows: Vec<f64> = (next..end).flat_map(|place| self.design_row(set, place)).collect();
                    let rows = Array2::from_shape_vec((end - next, tridiagonal.basis.nrows()), rows).expect("as wide");
                    rotated.slice_mut(s![next..end, ..]).assign(&rows.dot(&tridiagonal.basis));
                    self.stage = if end < self.rows.len() {
                        Stage::Rotate(tridiagonal, rotated, end)
                    } else {
                        Stage::Choose(Box::new(Choice::new(tridiagonal, Some(rotated))))
                    };
                    per_row * (end - next)
                }
                Stage::Choose(mut choice) => {
                    let done = self.try_on(&mut choice);
                    if choice.next < self.strengths.len() {
                        self.stage = Stage::Choose(choice);
                    }
                    done
                }
                Stage::Done => return Progress::Done,
            };
            // Numbers of 64 bits count double.
            left = left.saturating_sub(done.saturating_mul(2));
            if left == 0 && !matches!(self.stage, Stage::Done) {
                return Progress::Working;
            }
        }
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        match &self.stage {
            Stage::Gram(_, next) => 0.2 * *next as f64 / self.rows.len() as f64,
            Stage::Reduce(reduction) => 0.2 + 0.6 * reduction.progress(),
            Stage::Rotate(_, _, next) => 0.8 + 0.1 * *next as f64 / self.rows.len() as f64,
            Stage::Choose(choice) => 0.9 + 0.1 * choice.next as f64 / self.strengths.len() as f64,
            Stage::Done => 1.0,
        }
    }

    /// The mean squared leave-one-out residual of each strength tried, in their order.
    pub fn errors(&self) -> &[f64] {
        &self.errors
    }

    /// The strength that was taken; `None` before the fit is done.
    pub fn strength(&self) -> Option<f64> {
        self.best.as_ref().map(|best| best.strength)
    }

    /// The head for the features the set was gathered from. Its logits are the regression values times a sharpness that
    /// makes the left-out rows' labels most plausible; after balanced training they hold the classes' shares as a prior.
    pub fn head(&self, set: &TrainingSet, class_weight: ClassWeight) -> Linear {
        let best = self.best.as_ref().expect("a finished fit has a best strength");
        let sharpness = self.sharpness(best);
        let (weights, intercepts) = self.weights(set, best);
        let (centre, dense_scale, sparse_scale) = set.transformation();
        let (classes, columns) = (self.counts.classes(), set.dense_columns());
        let mut head = Linear::absent(classes, columns, set.hashed_columns());
        for class in (0..classes).filter(|&class| self.counts.active(class)) {
            let mut intercept = intercepts[class];
            for column in 0..columns {
                let weight = weights[[column, class]] * f64::from(dense_scale);
                head.dense[[class, column]] = (weight * sharpness) as f32;
                intercept -= weight * f64::from(centre[column]);
            }
            for (compact, &hashed) in set.hashed_column().iter().enumerate() {
                let weight = weights[[columns + compact, class]] * f64::from(sparse_scale);
                head.sparse[[class, hashed as usize]] = (weight * sharpness) as f32;
            }
            head.intercepts[class] = (intercept * sharpness + self.counts.log_prior(class, class_weight)) as f32;
        }
        head
    }

    /// rows × K predictions of each used row by a fit without it, as regression values.
    pub fn left_out(&self) -> Option<&Array2<f64>> {
        self.best.as_ref().map(|best| &best.left_out)
    }

    fn sharpness(&self, best: &Best) -> f64 {
        let logit = |value: f64, class: usize| match self.counts.active(class) {
            true => (SHARPNESS * value) as f32,
            false => super::linear::ABSENT_INTERCEPT,
        };
        let logits = Array2::from_shape_fn(best.left_out.dim(), |at| logit(best.left_out[at], at.1));
        SHARPNESS / fit_temperature(&logits, &self.targets, PRIOR_DEVIATION)
    }

    /// Columns × K weights for the set's scaled features, and K intercepts.
    fn weights(&self, set: &TrainingSet, best: &Best) -> (Array2<f64>, Vec<f64>) {
        let classes = self.counts.classes();
        let columns = set.dense_columns() + set.sparse_columns();
        let total = self.total();
        let shares: Vec<f64> = (0..classes).map(|class| self.class_weight_sum(class) / total).collect();
        if self.primal {
            let weights = best.coefficients.clone();
            let intercept = |class: usize| shares[class] - ArrayView1::from(&self.centre).dot(&weights.column(class));
            let intercepts = (0..classes).map(intercept).collect();
            return (weights, intercepts);
        }
        // W = X̃ᵀ c; rows of X̃ are centred, which subtracts Σ √wᵢ cᵢ times the mean row.
        let mut sums = vec![0.0; classes];
        let mut multiples = best.coefficients.clone();
        for (mut row, root) in multiples.rows_mut().into_iter().zip(&self.roots) {
            row *= *root;
            sums.iter_mut().zip(&row).for_each(|(sum, value)| *sum += value);
        }
        let mut means = Array2::zeros((self.rows.len(), classes));
        for (mut row, root) in means.rows_mut().into_iter().zip(&self.roots) {
            row.iter_mut().zip(&sums).for_each(|(value, sum)| *value = root * root / total * sum);
        }
        multiples -= &means;
        let mut weights = Array2::zeros((columns, classes));
        for (place, &row) in self.rows.iter().enumerate() {
            for (column, value) in entries(set, row) {
                weights.row_mut(column).scaled_add(value, &multiples.row(place));
            }
        }
        // b = ȳ − W x̄.
        let mut intercepts = shares;
        for (place, &row) in self.rows.iter().enumerate() {
            let share = self.roots[place] * self.roots[place] / total;
            for (column, value) in entries(set, row) {
                intercepts.iter_mut().zip(weights.row(column)).for_each(|(b, weight)| *b -= share * value * weight);
            }
        }
        (weights, intercepts)
    }

    fn class_weight_sum(&self, class: usize) -> f64 {
        self.targets.iter().zip(&self.roots).filter(|(target, _)| **target == class).map(|(_, root)| root * root).sum()
    }

    /// Adds rows to the Gram matrix until about `work` is done; returns the next row and the work.
    fn add_to_gram(&self, set: &TrainingSet, gram: &mut Array2<f64>, next: usize, work: usize) -> (usize, usize) {
        let count = self.rows.len();
        if self.primal {
            let per_row = gram.len().max(1);
            let end = (next + CHUNK).min(count);
            let rows: Vec<f64> = (next..end).flat_map(|place| self.design_row(set, place)).collect();
            let rows = Array2::from_shape_vec((end - next, gram.nrows()), rows).expect("as wide");
            *gram += &rows.t().dot(&rows);
            return (end, per_row * (end - next));
        }
        let entries_per_row = self.rows.iter().filter_map(|&row| set.sparse_row(row)).map(|row| row.indices.len());
        let per_row = count * set.dense_columns() + entries_per_row.sum::<usize>() + 1;
        let end = (next + (work / per_row).max(1)).min(count);
        let mut row_dense = vec![0.0f32; set.sparse_columns()];
        for place in next..end {
            let row = self.rows[place];
            let dense = set.dense_rows(row..row + 1);
            if let Some(sparse) = set.sparse_row(row) {
                sparse.indices.iter().zip(&sparse.values).for_each(|(&at, &value)| row_dense[at as usize] = value);
            }
            // The lower triangle is mirrored, so each pair is multiplied once.
            for other_place in 0..=place {
                let other = self.rows[other_place];
                let mut product = f64::from(dense.row(0).dot(&set.dense_rows(other..other + 1).row(0)));
                if let Some(sparse) = set.sparse_row(other) {
                    let parts = sparse.indices.iter().zip(&sparse.values);
                    product += f64::from(parts.map(|(&at, &value)| row_dense[at as usize] * value).sum::<f32>());
                }
                gram[[place, other_place]] = product;
                gram[[other_place, place]] = product;
            }
            if let Some(sparse) = set.sparse_row(row) {
                sparse.indices.iter().for_each(|&at| row_dense[at as usize] = 0.0);
            }
        }
        (end, per_row * (end - next))
    }

    /// √w Π K Πᵀ √w with Π = I − 1 wᵀ/Σw: the Gram matrix of centred and weighted rows.
    fn centre_gram(&self, gram: &mut Array2<f64>) {
        let total = self.total();
        let shares: Vec<f64> = self.roots.iter().map(|root| root * root / total).collect();
        let means: Vec<f64> = gram.rows().into_iter().map(|row| row.dot(&ArrayView1::from(&shares))).collect();
        let grand: f64 = means.iter().zip(&shares).map(|(mean, share)| mean * share).sum();
        for (i, mut row) in gram.axis_iter_mut(Axis(0)).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = self.roots[i] * self.roots[j] * (*value - means[i] - means[j] + grand);
            }
        }
    }

    /// √wᵢ (xᵢ − x̄), dense and compact sparse columns side by side; primal only.
    fn design_row(&self, set: &TrainingSet, place: usize) -> Vec<f64> {
        let mut row: Vec<f64> = self.centre.iter().map(|centre| -centre).collect();
        entries(set, self.rows[place]).for_each(|(column, value)| row[column] += value);
        row.iter_mut().for_each(|value| *value *= self.roots[place]);
        row
    }

    /// √w (Y − ȳ) of one class.
    fn weighted_residual(&self, class: usize) -> Vec<f64> {
        let total = self.total();
        let share = self.class_weight_sum(class) / total;
        let rows = self.targets.iter().zip(&self.roots);
        rows.map(|(&target, root)| root * (f64::from(target == class) - share)).collect()
    }

    /// Begins a strength or does one class of it; returns the multiply-adds.
    fn try_on(&mut self, choice: &mut Choice) -> usize {
        let Choice { tridiagonal, rotated, next, right_sides, trial } = choice;
        let basis = &tridiagonal.basis;
        let rotated = rotated.as_ref().unwrap_or(basis);
        let classes = self.counts.classes();
        let Some(current) = trial else {
            let strength = self.strengths[*next];
            let shifted = tridiagonal.shifted(strength);
            let freedom = self.freedom(rotated, &shifted, strength);
            let found = Best {
                error: 0.0,
                strength,
                coefficients: Array2::zeros((basis.nrows(), classes)),
                left_out: Array2::zeros((self.rows.len(), classes)),
            };
            *trial = Some(Trial { shifted, freedom, next_class: 0, found });
            return 2 * rotated.len();
        };
        let class = current.next_class;
        if self.counts.active(class) {
            if right_sides.len() <= class {
                right_sides.resize(class + 1, Vec::new());
            }
            let residual = Array1::from(self.weighted_residual(class));
            if right_sides[class].is_empty() {
                right_sides[class] = rotated.t().dot(&residual).to_vec();
            }
            let solved = Array1::from(current.shifted.solve(right_sides[class].clone()));
            let found = &mut current.found;
            let coefficient = basis.dot(&solved);
            let fitted_residual =
                if self.primal { &residual - &rotated.dot(&solved) } else { &coefficient * found.strength };
            let total = self.total();
            for place in 0..self.rows.len() {
                let left = fitted_residual[place] / (self.roots[place] * current.freedom[place]);
                found.left_out[[place, class]] = f64::from(self.targets[place] == class) - left;
                found.error += self.roots[place].powi(2) * left * left / total;
            }
            found.coefficients.column_mut(class).assign(&coefficient);
        }
        current.next_class += 1;
        if current.next_class == classes {
            let found = trial.take().map(|trial| trial.found);
            *next += 1;
            self.errors.extend(found.as_ref().map(|found| found.error));
            let least = self.best.as_ref().map_or(f64::INFINITY, |best| best.error);
            if found.as_ref().is_some_and(|found| found.error < least) {
                self.best = found;
            }
        }
        3 * rotated.len()
    }

    /// 1 − hᵢ, of which wᵢ/Σw is the intercept's part.
    fn freedom(&self, rotated: &Array2<f64>, shifted: &Shifted, strength: f64) -> Vec<f64> {
        let total = self.total();
        let rows = rotated.rows().into_iter().zip(&self.roots);
        rows.map(|(row, root)| {
            let form = shifted.quadratic_form(row.iter());
            let slope_free = if self.primal { 1.0 - form } else { strength * form };
            (slope_free - root * root / total).max(LEAST_FREEDOM)
        })
        .collect()
    }

    /// Σ wᵢ: n, unless a test says otherwise.
    fn total(&self) -> f64 {
        self.roots.iter().map(|root| root * root).sum()
    }
}

impl Choice {
    fn new(tridiagonal: Tridiagonal, rotated: Option<Array2<f64>>) -> Self {
        Self { tridiagonal, rotated, next: 0, right_sides: Vec::new(), trial: None }
    }
}

/// The non-zero entries of a row: dense columns, then compact sparse ones.
fn entries(set: &TrainingSet, row: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
    let columns = set.dense_columns();
    let dense = set.dense_rows(row..row + 1).remove_axis(Axis(0)).to_vec();
    let sparse = set.sparse_row(row).into_iter().flat_map(move |sparse| {
        sparse.indices.iter().zip(&sparse.values).map(move |(&at, &value)| (columns + at as usize, f64::from(value)))
    });
    dense.into_iter().map(f64::from).enumerate().chain(sparse)
}

fn weighted_mean(set: &TrainingSet, rows: &[usize], roots: &[f64]) -> Vec<f64> {
    let mut mean = vec![0.0; set.dense_columns() + set.sparse_columns()];
    let total: f64 = roots.iter().map(|root| root * root).sum();
    for (&row, root) in rows.iter().zip(roots) {
        entries(set, row).for_each(|(column, value)| mean[column] += root * root / total * value);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::super::training_set::Scaling;
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
    use crate::pipeline::predict::likeliest;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn data(rows: usize, dense: usize, sparse: u32) -> (Features, Vec<(usize, usize)>) {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let mut features = Features::new(dense, sparse as usize);
        let labels: Vec<(usize, usize)> = (0..rows).map(|row| (row, [0, 1, 2, 0, 1, 0][row % 6])).collect();
        for &(_, class) in &labels {
            let mut value = |j: usize| random.random_range(0.0..4.0f32) + f32::from(j % 3 == class) * 2.0;
            let values: Vec<f32> = (0..dense).map(&mut value).collect();
            let mut entries = SparseRow::default();
            if sparse > 0 {
                entries.indices = vec![class as u32, random.random_range(3..sparse)];
                entries.values = vec![0.5, random.random_range(0.1..1.0)];
            }
            features.push(FeatureVector { dense: values, sparse: entries });
        }
        (features, labels)
    }

    fn fit(set: &TrainingSet, used: &[bool], strength: Option<f64>, weight: ClassWeight) -> RidgeFit {
        let mut fit = RidgeFit::begin(set, used, strength, weight).expect("two classes");
        while fit.step(set, usize::MAX) == Progress::Working {}
        fit
    }

    /// Regression values of one row by a fit: logits without sharpness and prior.
    fn value(fit: &RidgeFit, set: &TrainingSet, row: usize) -> Vec<f64> {
        let (weights, mut intercepts) = fit.weights(set, fit.best.as_ref().expect("done"));
        for (column, value) in entries(set, row) {
            intercepts.iter_mut().zip(weights.row(column)).for_each(|(b, weight)| *b += value * weight);
        }
        intercepts
    }

    #[test]
    fn leave_one_out_is_what_refits_without_the_row_say() {
        for (rows, dense, sparse) in [(24, 5, 0), (12, 30, 0), (18, 4, 50), (40, 3, 12)] {
            let (features, labels) = data(rows, dense, sparse);
            let set = TrainingSet::gather(&features, &labels, 3, Scaling::UnitSpread);
            for strength in [0.1, 3.0] {
                let all = fit(&set, &vec![true; rows], Some(strength), ClassWeight::Equal);
                assert_eq!(all.primal, dense + set.sparse_columns() < rows);
                let left_out = all.left_out().expect("done");
                for row in 0..rows {
                    let used: Vec<bool> = (0..rows).map(|other| other != row).collect();
                    let expected = value(&fit(&set, &used, Some(strength), ClassWeight::Equal), &set, row);
                    for (class, expected) in expected.iter().enumerate() {
                        let found = left_out[[row, class]];
                        assert!((found - expected).abs() < 1e-4, "{rows}×{dense}: {found} for {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn balanced_leave_one_out_keeps_the_weights() {
        // With weights fixed, leaving a row out is giving it no weight; 6 rows of class 2 weigh as 18 of class 0.
        let (features, labels) = data(36, 5, 0);
        let set = TrainingSet::gather(&features, &labels, 3, Scaling::UnitSpread);
        let all = fit(&set, &[true; 36], Some(1.0), ClassWeight::Balanced);
        for row in [0, 2, 4] {
            let mut without = RidgeFit::begin(&set, &[true; 36], Some(1.0), ClassWeight::Balanced).expect("classes");
            without.roots[row] = 1e-6;
            without.centre = weighted_mean(&set, &without.rows, &without.roots);
            while without.step(&set, usize::MAX) == Progress::Working {}
            for (class, expected) in value(&without, &set, row).iter().enumerate() {
                let found = all.left_out().expect("done")[[row, class]];
                assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn primal_and_dual_agree_and_slices_change_nothing() {
        let (features, labels) = data(60, 8, 20);
        let set = TrainingSet::gather(&features, &labels, 3, Scaling::UnitSpread);
        let used = vec![true; 60];
        for weight in [ClassWeight::Equal, ClassWeight::Balanced] {
            let primal = fit(&set, &used, Some(0.3), weight);
            let mut dual = RidgeFit::begin(&set, &used, Some(0.3), weight).expect("two classes");
            dual.primal = false;
            dual.stage = Stage::Gram(Array2::zeros((60, 60)), 0);
            let mut slices = 1;
            while dual.step(&set, 1) == Progress::Working {
                slices += 1;
            }
            assert!(slices > 100, "{slices}");
            let (a, b) = (primal.head(&set, weight).logits(&features), dual.head(&set, weight).logits(&features));
            let off = (&a - &b).iter().fold(0.0f32, |most, difference| difference.abs().max(most));
            assert!(off < 1e-3, "{off}");
        }
    }

    #[test]
    fn the_strength_with_the_least_leave_one_out_error_is_taken_and_predicts() {
        let (features, labels) = data(120, 9, 0);
        let set = TrainingSet::gather(&features, &labels[..80], 4, Scaling::UnitSpread);
        let fit = fit(&set, &[true; 80], None, ClassWeight::Equal);
        let least = fit.errors().iter().copied().fold(f64::INFINITY, f64::min);
        let at = STRENGTHS.iter().position(|&strength| Some(strength) == fit.strength()).expect("one of them");
        assert_eq!((fit.errors().len(), fit.errors()[at]), (STRENGTHS.len(), least));
        let head = fit.head(&set, ClassWeight::Equal);
        let logits = head.logits_of_rows(&features, 80..120);
        let right = logits.rows().into_iter().zip(&labels[80..]).filter(|(row, (_, class))| likeliest(*row) == *class);
        assert!(right.count() >= 28 && !head.knows(3));
    }
}
