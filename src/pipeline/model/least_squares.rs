//! Ridge regression of several outputs at once, its strength chosen by exact leave-one-out, in slices.
//!
//! It minimises Σ wᵢ ‖yᵢ − b − W xᵢ‖² + λ ‖W‖² over features of unit spread. The residual of a row that was left out is
//! exactly eᵢ = (yᵢ − ŷᵢ) / (1 − hᵢ), with h the diagonal of the hat matrix (Allen's PRESS; Rifkin & Lippert, "Notes on
//! regularized least squares", 2007), so all strengths are compared without a single refit. Whichever of the two
//! Gram matrices is smaller, features × features or rows × rows, is made tridiagonal once and serves every λ, and any
//! further outputs of the same rows.

use super::linear::Linear;
use super::logistic::Progress;
use super::sparse_weights::SparseWeights;
use super::training_set::TrainingSet;
use super::tridiagonal::{Shifted, Tridiagonal, Tridiagonalisation};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};

/// Strengths to choose from: every step costs next to nothing, and between neighbours no accuracy differs noticeably.
pub const STRENGTHS: [f64; 10] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// The largest Gram matrix, in rows: 72 MB of f64.
pub const MOST_SIDE: usize = 3000;
/// Rows multiplied at a time; the same whatever the slices, so that sums are rounded the same.
const CHUNK: usize = 8;
/// 1 − h is kept above this: a row on which everything hangs predicts nothing when left out.
const LEAST_FREEDOM: f64 = 1e-9;

/// A fit under way; the same [`TrainingSet`] must come with every call. What the set says of classes plays no part.
#[derive(Debug, Clone)]
pub struct LeastSquares {
    rows: Vec<usize>,
    /// rows × K: what is to be predicted.
    outputs: Array2<f64>,
    /// √wᵢ for each row.
    roots: Vec<f64>,
    /// Weighted mean of each dense, then each compact sparse column; primal only.
    centre: Vec<f64>,
    primal: bool,
    strengths: Vec<f64>,
    stage: Stage,
    /// What was found for each strength so far: the mean squared leave-one-out residual and the predictions behind it.
    errors: Vec<f64>,
    /// The leave-one-out predictions of each strength so far, if they are wanted.
    every_left_out: Option<Vec<Array2<f64>>>,
    best: Option<Best>,
}

#[derive(Debug, Clone)]
enum Stage {
    /// The Gram matrix and how many rows are in it.
    Gram(Array2<f64>, usize),
    Reduce(Tridiagonalisation),
    /// Primal only: how many rows are rotated.
    Rotate(Tridiagonal, Array2<f64>, usize),
    /// Trying one strength after the other; over when all are tried.
    Choose(Box<Choice>),
    /// Between two stages.
    Changing,
}

#[derive(Debug, Clone)]
struct Choice {
    tridiagonal: Tridiagonal,
    /// Primal: the design rows in the tridiagonal matrix's basis; dual: that basis itself, which is not kept twice.
    rotated: Option<Array2<f64>>,
    /// Which strength is next.
    next: usize,
    /// rotatedᵀ · √w (Y − ȳ), a vector an output; filled while the first strength is tried.
    right_sides: Vec<Vec<f64>>,
    trial: Option<Trial>,
}

/// One strength being tried.
#[derive(Debug, Clone)]
struct Trial {
    shifted: Shifted,
    next_output: usize,
    found: Best,
}

#[derive(Debug, Clone)]
struct Best {
    error: f64,
    strength: f64,
    /// 1 − hᵢ.
    freedom: Vec<f64>,
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

impl LeastSquares {
    /// Prepares a fit of the set's rows `rows` to their `outputs` (rows × K), where row i counts `roots[i]`². The best of
    /// `strengths`, all above 0, will be taken.
    ///
    /// The Gram matrix takes m² f64, see [`gram_side`].
    pub fn begin(
        set: &TrainingSet,
        rows: Vec<usize>,
        outputs: Array2<f64>,
        roots: Vec<f64>,
        strengths: Vec<f64>,
    ) -> Self {
        let columns = set.dense_columns() + set.sparse_columns();
        let primal = columns < rows.len();
        let side = columns.min(rows.len());
        let centre = if primal { weighted_mean(set, &rows, &roots) } else { Vec::new() };
        let stage = Stage::Gram(Array2::zeros((side, side)), 0);
        let errors = Vec::new();
        Self { rows, outputs, roots, centre, primal, strengths, stage, errors, every_left_out: None, best: None }
    }

    /// Keeps the leave-one-out predictions of all strengths, see [`LeastSquares::every_left_out`].
    pub fn keep_every_left_out(mut self) -> Self {
        self.every_left_out = Some(Vec::new());
        self
    }

    /// Begins anew with other outputs of the same rows; a finished fit keeps all that does not depend on outputs.
    pub fn refit(&mut self, outputs: Array2<f64>) {
        self.outputs = outputs;
        self.errors.clear();
        self.every_left_out.iter_mut().for_each(Vec::clear);
        self.best = None;
        if let Stage::Choose(choice) = &mut self.stage {
            (choice.next, choice.trial) = (0, None);
            choice.right_sides.clear();
        }
    }

    /// Works until about `work` multiply-adds are done.
    pub fn step(&mut self, set: &TrainingSet, work: usize) -> Progress {
        let mut left = work;
        while !self.is_done() {
            let done = self.advance(set, left);
            // Numbers of 64 bits count double.
            left = left.saturating_sub(done.saturating_mul(2));
            if left == 0 && !self.is_done() {
                return Progress::Working;
            }
        }
        Progress::Done
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        match &self.stage {
            Stage::Gram(_, next) => 0.2 * *next as f64 / self.rows.len() as f64,
            Stage::Reduce(reduction) => 0.2 + 0.6 * reduction.progress(),
            Stage::Rotate(_, _, next) => 0.8 + 0.1 * *next as f64 / self.rows.len() as f64,
            Stage::Choose(choice) => 0.9 + 0.1 * choice.next as f64 / self.strengths.len() as f64,
            Stage::Changing => 1.0,
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

    /// rows × K predictions of each row by a fit without it.
    pub fn left_out(&self) -> Option<&Array2<f64>> {
        self.best.as_ref().map(|best| &best.left_out)
    }

    /// The same by each strength tried, in their order; empty unless asked for from the start.
    pub fn every_left_out(&self) -> &[Array2<f64>] {
        self.every_left_out.as_deref().unwrap_or_default()
    }

    /// 1 − hᵢ of each row, 0 to 1: the share of its residual that it did not take away itself. The variance of a
    /// left-out row's residual is that of its noise divided by this.
    pub fn freedom(&self) -> Option<&[f64]> {
        self.best.as_ref().map(|best| &best.freedom[..])
    }

    /// The outputs times `factor` plus `offsets`, as a linear head for the features the set was gathered from.
    ///
    /// # Panics
    /// Before the fit is done.
    pub fn head(&self, set: &TrainingSet, factor: f64, offsets: &[f64]) -> Linear {
        let (weights, intercepts) = self.weights(set);
        let (centre, dense_scale, sparse_scale) = set.transformation();
        let (outputs, columns) = (intercepts.len(), set.dense_columns());
        let mut head = Linear::absent(outputs, columns, set.hashed_columns());
        for output in 0..outputs {
            let mut intercept = intercepts[output];
            for column in 0..columns {
                let weight = weights[[column, output]] * f64::from(dense_scale);
                head.dense[[output, column]] = (weight * factor) as f32;
                intercept -= weight * f64::from(centre[column]);
            }
            head.intercepts[output] = (intercept * factor + offsets[output]) as f32;
        }
        let sparse: Vec<f32> = weights
            .rows()
            .into_iter()
            .skip(columns)
            .flat_map(|row| row.into_iter().map(|weight| (weight * f64::from(sparse_scale) * factor) as f32))
            .collect();
        head.sparse = SparseWeights::of_columns(outputs, set.hashed_columns(), set.hashed_column(), &sparse);
        head
    }

    fn is_done(&self) -> bool {
        matches!(&self.stage, Stage::Choose(choice) if choice.next >= self.strengths.len())
    }

    /// One piece of work, of about `left` multiply-adds where it can be cut; returns what it took.
    fn advance(&mut self, set: &TrainingSet, left: usize) -> usize {
        match std::mem::replace(&mut self.stage, Stage::Changing) {
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
                self.stage = Stage::Choose(choice);
                done
            }
            Stage::Changing => 0,
        }
    }

    /// Columns × K weights for the set's scaled features, and K intercepts.
    fn weights(&self, set: &TrainingSet) -> (Array2<f64>, Vec<f64>) {
        let best = self.best.as_ref().expect("a finished fit has a best strength");
        let outputs = self.outputs.ncols();
        let columns = set.dense_columns() + set.sparse_columns();
        let total = self.total();
        let means: Vec<f64> = (0..outputs).map(|output| self.mean(output)).collect();
        if self.primal {
            let weights = best.coefficients.clone();
            let intercept = |output: usize| means[output] - ArrayView1::from(&self.centre).dot(&weights.column(output));
            let intercepts = (0..outputs).map(intercept).collect();
            return (weights, intercepts);
        }
        // W = X̃ᵀ c; rows of X̃ are centred, which subtracts Σ √wᵢ cᵢ times the mean row.
        let mut sums = vec![0.0; outputs];
        let mut multiples = best.coefficients.clone();
        for (mut row, root) in multiples.rows_mut().into_iter().zip(&self.roots) {
            row *= *root;
            sums.iter_mut().zip(&row).for_each(|(sum, value)| *sum += value);
        }
        for (mut row, root) in multiples.rows_mut().into_iter().zip(&self.roots) {
            row.iter_mut().zip(&sums).for_each(|(value, sum)| *value -= root * root / total * sum);
        }
        let mut weights = Array2::zeros((columns, outputs));
        for (place, &row) in self.rows.iter().enumerate() {
            for (column, value) in entries(set, row) {
                weights.row_mut(column).scaled_add(value, &multiples.row(place));
            }
        }
        // b = ȳ − W x̄.
        let mut intercepts = means;
        for (place, &row) in self.rows.iter().enumerate() {
            let share = self.roots[place] * self.roots[place] / total;
            for (column, value) in entries(set, row) {
                intercepts.iter_mut().zip(weights.row(column)).for_each(|(b, weight)| *b -= share * value * weight);
            }
        }
        (weights, intercepts)
    }

    /// The weighted mean of one output.
    fn mean(&self, output: usize) -> f64 {
        let values = self.outputs.column(output);
        values.iter().zip(&self.roots).map(|(value, root)| root * root * value).sum::<f64>() / self.total()
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

    /// √w (Y − ȳ) of one output.
    fn weighted_residual(&self, output: usize) -> Array1<f64> {
        let mean = self.mean(output);
        self.outputs.column(output).iter().zip(&self.roots).map(|(value, root)| root * (value - mean)).collect()
    }

    /// Begins a strength or does one output of it; returns the multiply-adds.
    fn try_on(&mut self, choice: &mut Choice) -> usize {
        let Choice { tridiagonal, rotated, next, right_sides, trial } = choice;
        let basis = &tridiagonal.basis;
        let rotated = rotated.as_ref().unwrap_or(basis);
        let outputs = self.outputs.ncols();
        let Some(current) = trial else {
            let strength = self.strengths[*next];
            let shifted = tridiagonal.shifted(strength);
            let found = Best {
                error: 0.0,
                strength,
                freedom: self.freedom_at(rotated, &shifted, strength),
                coefficients: Array2::zeros((basis.nrows(), outputs)),
                left_out: Array2::zeros((self.rows.len(), outputs)),
            };
            *trial = Some(Trial { shifted, next_output: 0, found });
            return 2 * rotated.len();
        };
        let output = current.next_output;
        let residual = self.weighted_residual(output);
        if right_sides.len() <= output {
            right_sides.push(rotated.t().dot(&residual).to_vec());
        }
        let solved = Array1::from(current.shifted.solve(right_sides[output].clone()));
        let found = &mut current.found;
        let coefficient = basis.dot(&solved);
        let fitted_residual =
            if self.primal { &residual - &rotated.dot(&solved) } else { &coefficient * found.strength };
        let total = self.total();
        for place in 0..self.rows.len() {
            let left = fitted_residual[place] / (self.roots[place] * found.freedom[place]);
            found.left_out[[place, output]] = self.outputs[[place, output]] - left;
            found.error += self.roots[place].powi(2) * left * left / total;
        }
        found.coefficients.column_mut(output).assign(&coefficient);
        current.next_output += 1;
        if current.next_output == outputs {
            let found = trial.take().map(|trial| trial.found);
            *next += 1;
            self.errors.extend(found.as_ref().map(|found| found.error));
            if let (Some(every), Some(found)) = (&mut self.every_left_out, &found) {
                every.push(found.left_out.clone());
            }
            let least = self.best.as_ref().map_or(f64::INFINITY, |best| best.error);
            if found.as_ref().is_some_and(|found| found.error < least) {
                self.best = found;
            }
        }
        3 * rotated.len()
    }

    /// 1 − hᵢ, of which wᵢ/Σw is the intercept's part.
    fn freedom_at(&self, rotated: &Array2<f64>, shifted: &Shifted, strength: f64) -> Vec<f64> {
        let total = self.total();
        let rows = rotated.rows().into_iter().zip(&self.roots);
        rows.map(|(row, root)| {
            let form = shifted.quadratic_form(row.iter());
            let slope_free = if self.primal { 1.0 - form } else { strength * form };
            (slope_free - root * root / total).max(LEAST_FREEDOM)
        })
        .collect()
    }

    /// Σ wᵢ.
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
mod tests;
