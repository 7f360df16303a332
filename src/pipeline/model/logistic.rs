//! Multinomial logistic regression: L-BFGS on centred features, resumable and warm-started.

use super::lbfgs::{Lbfgs, Status};
use super::linear::{ABSENT_INTERCEPT, Linear};
use super::products::{add_classes_by_columns, rows_by_classes};
use super::rough::rough_head;
use super::sparse_weights::SparseWeights;
use super::training_set::{BLOCK, Scaling, TrainingSet};
use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

/// Rows evaluated at a time: few enough that their features are still in the cache when the second product wants them.
const CHUNK: usize = 64;
const _: () = assert!(BLOCK.is_multiple_of(CHUNK), "a block ends with a chunk");

/// Evaluations that a fit from zero usually takes.
const USUAL_EVALUATIONS: f64 = 40.0;

/// Multiply-adds that a fit may take, some ten seconds.
///
/// A fit to so many classes and rows that this would end it before [`ENOUGH_ITERATIONS`] begins at the class means and stops
/// short of the tolerance: early stopping, whose solution is also the more regularised one (Yao, Rosasco & Caponnetto, "On early
/// stopping in gradient descent learning", 2007). Where it would end before [`FEWEST_ITERATIONS`] the class means are the model: the
/// first steps find out how long a step should be, and lead to less than where they began. Out of fold, on generated texts:
///
/// | classes × labels | class means | 1 | 2 | 4 | 8 iterations |
/// | --- | --- | --- | --- | --- | --- |
/// | 300 × 67 | .819 | .831 | .722 | .848 | .854 |
/// | 1,000 × 10 | .510 | .298 | .486 | .521 | .558 |
const MOST_WORK: f64 = 30e9;
const FEWEST_ITERATIONS: usize = 6;
const ENOUGH_ITERATIONS: usize = 60;

/// How a logistic regression is fitted; unchecked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticParams {
    /// scikit-learn's C: the inverse strength of the L2 penalty, greater than 0.
    pub c: f64,
    /// Stop when no component of the mean loss's gradient exceeds this.
    pub tolerance: f64,
    /// Line searches at most.
    pub max_iterations: usize,
    /// What each training row counts.
    pub class_weight: ClassWeight,
    /// In which scale the penalty is measured.
    pub scaling: Scaling,
}

impl Default for LogisticParams {
    /// `c` = 10 on features of unit spread. Accuracy with herding, mean of 10 seeds on the demo photos (195 rows of
    /// 1280 columns, 5 classes) and of 4 on Fashion-MNIST (10 classes):
    ///
    /// | c | photos at 20 / 30 / 60 labels | Fashion-MNIST at 50 / 100 |
    /// | --- | --- | --- |
    /// | 3 | .759 / .876 / .933 | .756 / .802 |
    /// | 10 | .833 / .902 / .940 | .754 / .805 |
    /// | 30 | .850 / .896 / .945 | .765 / .799 |
    fn default() -> Self {
        Self {
            c: 10.0,
            tolerance: 1e-6,
            max_iterations: 300,
            class_weight: ClassWeight::Equal,
            scaling: Scaling::UnitSpread,
        }
    }
}

/// What each training row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassWeight {
    /// Every row 1.
    Equal,
    /// n / (K · rows of its class): every class the same in sum. Probabilities are then those of a world where
    /// classes are equally frequent.
    Balanced,
}

/// Why parameters cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LogisticError {
    /// C out of range.
    #[error("the inverse penalty c must be a finite number above 0, got {0}")]
    Strength(f64),
    /// Tolerance out of range.
    #[error("the tolerance must be a finite number of at least 0, got {0}")]
    Tolerance(f64),
    /// No iterations allowed.
    #[error("max_iterations must be at least 1")]
    Iterations,
}

impl LogisticParams {
    /// Only checked parameters can fit.
    ///
    /// # Errors
    /// Says which value is out of its range.
    pub fn check(self) -> Result<Logistic, LogisticError> {
        if !(self.c.is_finite() && self.c > 0.0) {
            return Err(LogisticError::Strength(self.c));
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(LogisticError::Tolerance(self.tolerance));
        }
        if self.max_iterations == 0 {
            return Err(LogisticError::Iterations);
        }
        Ok(Logistic { params: self })
    }
}

/// Checked parameters: minimises mean loss + ‖W‖²/(2Cn), scikit-learn's objective, over the classes that have
/// rows. With just two such classes the penalty is doubled: scikit-learn fits one weight vector w = w₁ − w₀ there, and
/// a 2-class softmax with C/2 has the same optimum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Logistic {
    params: LogisticParams,
}

/// What one slice of fitting achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More to do.
    Working,
    /// Within tolerance, or out of iterations; [`Fit::head`] is final.
    Done,
}

impl Logistic {
    /// For texts, whose many n-grams overfit sooner: `c` = 3. Accuracy of scikit-learn on the demo sentences with these
    /// features, by number of labels (means of 8 random draws, 3 of the last):
    ///
    /// | c | 30 | 100 | 300 | 1,500 |
    /// | --- | --- | --- | --- | --- |
    /// | 1 | .586 | .737 | .797 | .841 |
    /// | 3 | .613 | .744 | .791 | .835 |
    /// | 10 | .628 | .741 | .787 | .826 |
    pub fn for_texts() -> Self {
        Self { params: LogisticParams { c: 3.0, ..LogisticParams::default() } }
    }

    /// The parameters that were checked.
    pub fn params(&self) -> &LogisticParams {
        &self.params
    }

    /// Prepares a fit to the rows of `set` that `used` keeps (all, if `None`), from `start` or else from zero.
    ///
    /// `None` if fewer than two classes have a used row: there is nothing to tell apart.
    pub fn begin(&self, set: &TrainingSet, used: Option<&[bool]>, start: Option<&Linear>) -> Option<Fit> {
        let classes = set.classes();
        let is_used = |row: usize| used.is_none_or(|used| used[row]);
        let mut counts = vec![0usize; classes];
        for (row, &class) in set.targets().iter().enumerate() {
            counts[class] += usize::from(is_used(row));
        }
        let active: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
        let present = active.iter().filter(|&&active| active).count();
        if present < 2 {
            return None;
        }
        let rows: usize = counts.iter().sum();
        let weight = |row: usize| match (is_used(row), self.params.class_weight) {
            (false, _) => 0.0,
            (true, ClassWeight::Equal) => 1.0,
            (true, ClassWeight::Balanced) => rows as f64 / (present * counts[set.targets()[row]]) as f64,
        };
        // Balanced weights, too, sum to n.
        let row_weights = (0..set.len()).map(|row| (weight(row) / rows as f64) as f32).collect();
        let c = if present == 2 { self.params.c / 2.0 } else { self.params.c };
        let affordable = (MOST_WORK / evaluation_work(set)) as usize;
        let iterations = match affordable {
            ENOUGH_ITERATIONS.. => self.params.max_iterations,
            FEWEST_ITERATIONS.. => affordable.min(self.params.max_iterations),
            _ => 0,
        };
        let by_means = iterations == 0 || (affordable < ENOUGH_ITERATIONS && start.is_none());
        let mut rough = if by_means { rough_head(set, used, CALIBRATION_SEED) } else { None };
        if let (Some(rough), ClassWeight::Balanced) = (&mut rough, self.params.class_weight) {
            // Where classes count alike their shares play no part.
            let share = |class: usize| (counts[class] * present) as f32 / rows as f32;
            let known = rough.intercepts.iter_mut().enumerate().filter(|&(class, _)| active[class]);
            known.for_each(|(class, intercept)| *intercept -= share(class).ln());
        }
        let point = match rough.as_ref().or(start) {
            Some(head) => to_parameters(head, set, &active),
            None => vec![0.0; classes * (set.dense_columns() + set.sparse_columns() + 1)],
        };
        let lbfgs = Lbfgs::new(point, self.params.tolerance, iterations);
        let penalty = 1.0 / (c * rows as f64);
        Some(Fit { lbfgs, row_weights, active, penalty, evaluation: None, evaluations: 0, done: iterations == 0 })
    }

    /// A whole fit at once; `None` if fewer than two classes have a row.
    pub fn fit(&self, set: &TrainingSet, start: Option<&Linear>) -> Option<Linear> {
        let mut fit = self.begin(set, None, start)?;
        while fit.step(set, usize::MAX) == Progress::Working {}
        Some(fit.head(set))
    }
}

/// A fit under way. Rows and parameters stay the caller's: the same [`TrainingSet`] must come with every call.
///
/// Parameters lie in one vector: K × d dense weights, then one run of K for each sparse column, then K
/// intercepts divided by [`TrainingSet::intercept_scale`], all for features as the training set scaled them.
#[derive(Debug, Clone)]
pub struct Fit {
    lbfgs: Lbfgs,
    row_weights: Vec<f32>,
    active: Vec<bool>,
    penalty: f64,
    evaluation: Option<Evaluation>,
    /// How many are over.
    evaluations: usize,
    done: bool,
}

/// Loss and gradient at one point, summed up over the rows so far.
#[derive(Debug, Clone)]
struct Evaluation {
    dense: Array2<f32>,
    sparse: Vec<f32>,
    intercepts: Vec<f32>,
    next_row: usize,
    loss: f64,
    gradient: Vec<f64>,
    /// Residuals of the present block's rows so far, K each.
    residuals: Vec<f32>,
}

impl Fit {
    /// Works until about `work` multiply-adds are done, at least for one chunk of rows.
    pub fn step(&mut self, set: &TrainingSet, work: usize) -> Progress {
        let classes = set.classes();
        let mut left = work;
        while !self.done {
            let evaluation = self.evaluation.get_or_insert_with(|| Evaluation::begin(self.lbfgs.point(), set));
            let rows = evaluation.next_row..(evaluation.next_row + CHUNK).min(set.len());
            let done = evaluation.add_rows(set, rows, &self.row_weights, &self.active);
            if evaluation.next_row == set.len() {
                let Evaluation { loss, gradient, .. } = self.evaluation.take().expect("just evaluated");
                self.tell(loss, gradient, classes);
            }
            left = left.saturating_sub(done);
            if left == 0 {
                break;
            }
        }
        if self.done { Progress::Done } else { Progress::Working }
    }

    fn tell(&mut self, mut loss: f64, mut gradient: Vec<f64>, classes: usize) {
        let point = self.lbfgs.point();
        let penalised = point.len() - classes;
        for (slope, weight) in gradient[..penalised].iter_mut().zip(point) {
            loss += 0.5 * self.penalty * weight * weight;
            *slope += self.penalty * weight;
        }
        self.evaluations += 1;
        self.done = self.lbfgs.tell(loss, &gradient) != Status::Continue;
    }

    /// The objective at the best point so far.
    pub fn loss(&self) -> f64 {
        self.lbfgs.loss()
    }

    /// Line searches so far.
    pub fn iterations(&self) -> usize {
        self.lbfgs.iterations()
    }

    /// How much is done, 0 to 1: an estimate by how far the gradient has come down on its way to the tolerance, and by the rows of
    /// the evaluation under way.
    pub fn progress(&self, set: &TrainingSet) -> f64 {
        if self.done {
            return 1.0;
        }
        let within = self.evaluation.as_ref().map_or(0.0, |evaluation| evaluation.next_row as f64 / set.len() as f64);
        let evaluations = self.evaluations as f64;
        let come = self.lbfgs.progress();
        // Before there is a trend, as many evaluations as fits from zero take.
        let expected = if come > 0.05 { evaluations / come } else { USUAL_EVALUATIONS.max(evaluations + 1.0) };
        ((evaluations + within) / expected.max(evaluations + 1.0)).min(0.99)
    }

    /// Whether the class means are all that so many classes and rows leave time for.
    pub fn is_class_means(&self) -> bool {
        self.done && self.evaluations == 0
    }

    /// Which classes are told apart; the others' logits are no use.
    pub fn active(&self) -> &[bool] {
        &self.active
    }

    /// Which rows of the training set count.
    pub fn used(&self) -> impl Iterator<Item = bool> {
        self.row_weights.iter().map(|&weight| weight > 0.0)
    }

    /// The best head so far, for raw features.
    pub fn head(&self, set: &TrainingSet) -> Linear {
        from_parameters(self.lbfgs.best(), set, &self.active)
    }

    /// The logits of some rows of the training set at the best point so far, used for fitting or not.
    pub fn logits(&self, set: &TrainingSet, rows: &[usize]) -> Array2<f32> {
        let evaluation = Evaluation::begin(self.lbfgs.best(), set);
        let mut logits = Array2::zeros((rows.len(), set.classes()));
        for (mut out, &row) in logits.rows_mut().into_iter().zip(rows) {
            out.assign(&evaluation.logits(set, row..row + 1).row(0));
            for (logit, _) in out.iter_mut().zip(&self.active).filter(|(_, active)| !**active) {
                *logit = ABSENT_INTERCEPT;
            }
        }
        logits
    }
}

impl Evaluation {
    fn begin(point: &[f64], set: &TrainingSet) -> Self {
        let (classes, columns) = (set.classes(), set.dense_columns());
        let narrow = |slice: &[f64]| slice.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let (dense, rest) = point.split_at(classes * columns);
        let (sparse, intercepts) = rest.split_at(rest.len() - classes);
        Self {
            dense: Array2::from_shape_vec((classes, columns), narrow(dense)).expect("K × d"),
            sparse: narrow(sparse),
            intercepts: intercepts.iter().map(|&parameter| (parameter * set.intercept_scale()) as f32).collect(),
            next_row: 0,
            loss: 0.0,
            gradient: vec![0.0; point.len()],
            residuals: Vec::new(),
        }
    }

    fn logits(&self, set: &TrainingSet, rows: std::ops::Range<usize>) -> Array2<f32> {
        let classes = self.intercepts.len();
        let mut logits = rows_by_classes(set.dense_rows(rows.clone()), self.dense.view());
        for (mut out, row) in logits.rows_mut().into_iter().zip(rows) {
            out += &ArrayView1::from(&self.intercepts);
            let Some(sparse) = set.sparse_row(row) else { continue };
            let out = out.as_slice_mut().expect("row-major");
            for (&column, &value) in sparse.indices.iter().zip(&sparse.values) {
                let weights = &self.sparse[column as usize * classes..][..classes];
                for (out, weight) in out.iter_mut().zip(weights) {
                    *out += value * weight;
                }
            }
        }
        logits
    }

    /// Adds the rows' share to loss and gradient; returns the multiply-adds it took.
    fn add_rows(
        &mut self,
        set: &TrainingSet,
        rows: std::ops::Range<usize>,
        row_weights: &[f32],
        active: &[bool],
    ) -> usize {
        let classes = self.intercepts.len();
        let mut residuals = self.logits(set, rows.clone());
        for (mut row, index) in residuals.rows_mut().into_iter().zip(rows.clone()) {
            let (target, weight) = (set.targets()[index], row_weights[index]);
            self.loss += f64::from(weight) * to_residual(row.as_slice_mut().expect("row-major"), target, active);
            row *= weight;
        }
        let dense_weights = classes * set.dense_columns();
        let dense_sums = &mut self.gradient[..dense_weights];
        add_classes_by_columns(residuals.view(), set.dense_rows(rows.clone()), dense_sums);
        let entries: usize = rows.clone().map(|row| set.sparse_row(row).map_or(0, |sparse| sparse.indices.len())).sum();
        if set.sparse_columns() > 0 {
            self.residuals.extend_from_slice(residuals.as_slice().expect("row-major"));
            if rows.end.is_multiple_of(BLOCK) || rows.end == set.len() {
                self.add_sparse_block(set, (rows.end - 1) / BLOCK * BLOCK);
            }
        }
        let first_intercept = self.gradient.len() - classes;
        for (sum, column) in self.gradient[first_intercept..].iter_mut().zip(residuals.axis_iter(Axis(1))) {
            *sum += set.intercept_scale() * column.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
        self.next_row = rows.end;
        2 * classes * (rows.len() * (set.dense_columns() + 1) + entries)
    }
}

impl Evaluation {
    /// The sparse half's share of the block that begins at row `first`, whose residuals are all there.
    fn add_sparse_block(&mut self, set: &TrainingSet, first: usize) {
        let classes = self.intercepts.len();
        let dense_weights = classes * set.dense_columns();
        for of_column in set.sparse_block(first).chunk_by(|a, b| a.column == b.column) {
            let sums = &mut self.gradient[dense_weights + of_column[0].column as usize * classes..][..classes];
            for entry in of_column {
                let residuals = &self.residuals[entry.row as usize * classes..][..classes];
                for (sum, residual) in sums.iter_mut().zip(residuals) {
                    *sum += f64::from(entry.value * residual);
                }
            }
        }
        self.residuals.clear();
    }
}

/// Which rows find out how sure the class means may be: always the same.
const CALIBRATION_SEED: u64 = 0;

/// Multiply-adds of loss and gradient at one point.
fn evaluation_work(set: &TrainingSet) -> f64 {
    2.0 * set.classes() as f64 * (set.entries() + set.len()) as f64
}

/// Turns a row of logits into softmax − one-hot over the active classes (0 elsewhere); returns −ln p of the target.
/// A row that is not used may have an inactive target: its loss is weighed 0, but must be finite.
fn to_residual(logits: &mut [f32], target: usize, active: &[bool]) -> f64 {
    let active_logits = logits.iter().zip(active).filter(|(_, active)| **active);
    let top = active_logits.fold(f32::NEG_INFINITY, |top, (&logit, _)| top.max(logit));
    let target_logit = logits[target];
    let mut sum = 0.0f64;
    for (logit, &active) in logits.iter_mut().zip(active) {
        *logit = if active { (*logit - top).exp() } else { 0.0 };
        sum += f64::from(*logit);
    }
    for logit in logits.iter_mut() {
        *logit = (f64::from(*logit) / sum) as f32;
    }
    if !active[target] {
        return 0.0;
    }
    logits[target] -= 1.0;
    sum.ln() + f64::from(top) - f64::from(target_logit)
}

/// From a head on raw features to parameters on centred, scaled ones. Classes the head does not know start at the
/// mean intercept of those it does.
fn to_parameters(head: &Linear, set: &TrainingSet, active: &[bool]) -> Vec<f64> {
    let (centre, dense_scale, sparse_scale) = set.transformation();
    let classes = set.classes();
    let dense_weights = classes * set.dense_columns();
    let mut point = vec![0.0; classes * (set.dense_columns() + set.sparse_columns() + 1)];
    let first_intercept = point.len() - classes;
    let known: Vec<usize> = (0..classes).filter(|&class| active[class] && head.knows(class)).collect();
    for &class in &known {
        let mut intercept = f64::from(head.intercepts[class]);
        for (column, (&weight, &centre)) in head.dense.row(class).iter().zip(centre).enumerate() {
            point[class * set.dense_columns() + column] = f64::from(weight / dense_scale);
            intercept += f64::from(weight) * f64::from(centre);
        }
        point[first_intercept + class] = intercept / set.intercept_scale();
    }
    for (compact, &hashed) in set.hashed_column().iter().enumerate() {
        let Some(weights) = head.sparse.column(hashed) else { continue };
        for &class in &known {
            point[dense_weights + compact * classes + class] = f64::from(weights[class] / sparse_scale);
        }
    }
    let mean = known.iter().map(|class| point[first_intercept + class]).sum::<f64>() / known.len().max(1) as f64;
    for class in (0..classes).filter(|class| active[*class] && !known.contains(class)) {
        point[first_intercept + class] = mean;
    }
    point
}

/// The inverse of [`to_parameters`], with inactive classes absent.
fn from_parameters(point: &[f64], set: &TrainingSet, active: &[bool]) -> Linear {
    let (centre, dense_scale, sparse_scale) = set.transformation();
    let (classes, columns) = (set.classes(), set.dense_columns());
    let mut head = Linear::absent(classes, columns, set.hashed_columns());
    let first_intercept = point.len() - classes;
    // Adding the same number to all intercepts changes nothing; the mean of 0 makes heads comparable.
    let mut intercepts = vec![0.0; classes];
    for class in (0..classes).filter(|&class| active[class]) {
        intercepts[class] = point[first_intercept + class] * set.intercept_scale();
        for column in 0..columns {
            let weight = point[class * columns + column] * f64::from(dense_scale);
            head.dense[[class, column]] = weight as f32;
            intercepts[class] -= weight * f64::from(centre[column]);
        }
    }
    let sparse: Vec<f32> = point[classes * columns..first_intercept]
        .iter()
        .zip(active.iter().cycle())
        .map(|(&weight, &active)| if active { weight as f32 * sparse_scale } else { 0.0 })
        .collect();
    head.sparse = SparseWeights::of_columns(classes, set.hashed_columns(), set.hashed_column(), &sparse);
    let present = active.iter().filter(|&&active| active).count().max(1) as f64;
    let mean = intercepts.iter().sum::<f64>() / present;
    for class in (0..classes).filter(|&class| active[class]) {
        head.intercepts[class] = (intercepts[class] - mean) as f32;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
    use crate::pipeline::predict::softmax;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        c: f64,
        balanced: bool,
        classes: usize,
        sparse_columns: usize,
        dense: Vec<Vec<f32>>,
        sparse: Vec<Sparse>,
        targets: Vec<usize>,
        probabilities: Vec<Vec<f32>>,
    }

    #[derive(Deserialize)]
    struct Sparse {
        indices: Vec<u32>,
        values: Vec<f32>,
    }

    #[test]
    fn with_too_many_classes_the_class_means_are_the_model() {
        let (classes, columns) = (2000, 700);
        let mut features = Features::new(columns, 0);
        for row in 0..2 * classes {
            let dense = (0..columns)
                .map(|column| ((row % classes * 7 + column * 13) % 101) as f32 + (row / classes) as f32)
                .collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        let labels: Vec<(usize, usize)> = (0..2 * classes).map(|row| (row, row % classes)).collect();
        let set = TrainingSet::gather(&features, &labels, classes, Scaling::UnitSpread);
        let start = Linear::absent(classes, columns, 0);
        let mut fit = Logistic::default().begin(&set, None, Some(&start)).expect("many classes");
        assert_eq!((fit.step(&set, 1), fit.is_class_means()), (Progress::Done, true));
        let means = rough_head(&set, None, CALIBRATION_SEED).expect("many classes");
        let far = (&fit.head(&set).dense - &means.dense).iter().fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(far < 1e-5, "{far}");
        let few = TrainingSet::gather(&features, &labels[..300], classes, Scaling::UnitSpread);
        let mut fit = Logistic::default().begin(&few, None, None).expect("many classes");
        assert_eq!((fit.step(&few, 1), fit.is_class_means()), (Progress::Working, false));
    }

    /// Row and class of each label.
    type Labels = Vec<(usize, usize)>;

    fn golden() -> Vec<(Case, Features, Labels)> {
        let text = include_str!("../../../tests/golden/learn/logistic.json");
        let cases: Vec<Case> = serde_json::from_str(text).expect("golden file");
        let load = |case: Case| {
            let mut features = Features::new(case.dense[0].len(), case.sparse_columns);
            for (row, dense) in case.dense.iter().enumerate() {
                let sparse = case.sparse.get(row).map_or(SparseRow::default(), |sparse| SparseRow {
                    indices: sparse.indices.clone(),
                    values: sparse.values.clone(),
                });
                features.push(FeatureVector { dense: dense.clone(), sparse });
            }
            let labels = case.targets.iter().copied().enumerate().collect();
            (case, features, labels)
        };
        cases.into_iter().map(load).collect()
    }

    fn logistic(c: f64, balanced: bool, scaling: Scaling) -> Logistic {
        let class_weight = if balanced { ClassWeight::Balanced } else { ClassWeight::Equal };
        let params = LogisticParams { c, tolerance: 1e-8, max_iterations: 2000, class_weight, scaling };
        params.check().expect("valid")
    }

    fn furthest(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
        (a - b).iter().fold(0.0, |most, difference| difference.abs().max(most))
    }

    #[test]
    fn agrees_with_scikit_learn() {
        for (case, features, labels) in golden() {
            let set = TrainingSet::gather(&features, &labels, case.classes, Scaling::AsGiven);
            let head = logistic(case.c, case.balanced, Scaling::AsGiven).fit(&set, None).expect("two classes");
            let expected = Array2::from_shape_fn((case.dense.len(), case.classes), |(i, k)| case.probabilities[i][k]);
            let off = furthest(&softmax(&head.logits(&features), 1.0), &expected);
            println!("{}: {off:e}", case.name);
            assert!(off <= 1e-4, "{}: off by {off}", case.name);
        }
    }

    #[test]
    fn slices_and_warm_starts_lead_to_the_same_head() {
        for (case, features, labels) in golden() {
            let set = TrainingSet::gather(&features, &labels, case.classes, Scaling::UnitSpread);
            let logistic = logistic(case.c, case.balanced, Scaling::UnitSpread);
            let cold = logistic.fit(&set, None).expect("two classes");
            let mut sliced = logistic.begin(&set, None, None).expect("two classes");
            let mut slices = 1;
            while sliced.step(&set, 1) == Progress::Working {
                slices += 1;
            }
            assert!(slices > 5, "{}: {slices} slices", case.name);
            assert_eq!(sliced.head(&set), cold, "{}", case.name);
            let mut warm = logistic.begin(&set, None, Some(&cold)).expect("two classes");
            while warm.step(&set, usize::MAX) == Progress::Working {}
            assert!(warm.iterations() * 3 < sliced.iterations(), "{}: {} warm", case.name, warm.iterations());
            let off =
                furthest(&softmax(&warm.head(&set).logits(&features), 1.0), &softmax(&cold.logits(&features), 1.0));
            assert!(off < 1e-4, "{}: off by {off}", case.name);
        }
    }

    #[test]
    fn rows_left_out_leave_no_trace() {
        for (case, features, labels) in golden() {
            let logistic = logistic(case.c, case.balanced, Scaling::AsGiven);
            let all = TrainingSet::gather(&features, &labels, case.classes, Scaling::AsGiven);
            let used: Vec<bool> = (0..labels.len()).map(|row| row % 5 != 2).collect();
            let kept: Vec<(usize, usize)> = labels.iter().copied().filter(|&(row, _)| used[row]).collect();
            let alone = TrainingSet::gather(&features, &kept, case.classes, Scaling::AsGiven);
            let mut fit = logistic.begin(&all, Some(&used), None).expect("two classes");
            while fit.step(&all, usize::MAX) == Progress::Working {}
            let expected = logistic.fit(&alone, None).expect("two classes").logits(&features);
            let off = furthest(&softmax(&fit.head(&all).logits(&features), 1.0), &softmax(&expected, 1.0));
            assert!(off < 2e-4, "{}: off by {off}", case.name);
        }
    }

    #[test]
    fn a_class_without_rows_has_no_probability() {
        let (_, features, labels) = golden().swap_remove(2);
        let kept: Vec<(usize, usize)> = labels.into_iter().filter(|&(_, class)| class != 1).collect();
        let set = TrainingSet::gather(&features, &kept, 7, Scaling::UnitSpread);
        let head = Logistic::default().fit(&set, None).expect("two classes");
        let probabilities = softmax(&head.logits(&features), 1.0);
        assert!([1, 5, 6].iter().all(|&class| !head.knows(class) && probabilities.column(class).sum() == 0.0));
        let one: Vec<(usize, usize)> = kept.iter().copied().filter(|&(_, class)| class == 0).collect();
        let set = TrainingSet::gather(&features, &one, 7, Scaling::UnitSpread);
        assert_eq!(Logistic::default().fit(&set, None), None);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let good = LogisticParams::default();
        for (params, word) in [
            (LogisticParams { c: 0.0, ..good }, "penalty"),
            (LogisticParams { c: f64::NAN, ..good }, "penalty"),
            (LogisticParams { tolerance: -1.0, ..good }, "tolerance"),
            (LogisticParams { max_iterations: 0, ..good }, "iterations"),
        ] {
            let refusal = params.check().expect_err("out of range").to_string();
            assert!(refusal.contains(word), "{refusal}");
        }
    }
}
