//! Ridge regression on one-hot classes: the least squares of `least_squares.rs`, made a classifier.

use super::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::least_squares::LeastSquares;
pub use super::least_squares::{MOST_SIDE, STRENGTHS, gram_side};
use super::linear::{ABSENT_INTERCEPT, Linear};
use super::logistic::{ClassWeight, Progress};
use super::training_set::TrainingSet;
use super::weights::ClassCounts;
use ndarray::Array2;

/// Regression values lie between 0 and 1: multiplied by this, a softmax of them is about as sure as a classifier should
/// be; the exact factor is fitted.
const SHARPNESS: f64 = 8.0;

/// A fit under way; the same [`TrainingSet`] must come with every call.
#[derive(Debug, Clone)]
pub struct RidgeFit {
    targets: Vec<usize>,
    counts: ClassCounts,
    squares: LeastSquares,
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
        let outputs = Array2::from_shape_fn((rows.len(), counts.classes()), |(place, class)| {
            f64::from(u8::from(targets[place] == class))
        });
        let strengths = strength.map_or(STRENGTHS.to_vec(), |strength| vec![strength]);
        Some(Self { targets, counts, squares: LeastSquares::begin(set, rows, outputs, roots, strengths) })
    }

    /// Works until about `work` multiply-adds are done.
    pub fn step(&mut self, set: &TrainingSet, work: usize) -> Progress {
        self.squares.step(set, work)
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.squares.progress()
    }

    /// The mean squared leave-one-out residual of each strength tried, in their order.
    pub fn errors(&self) -> &[f64] {
        self.squares.errors()
    }

    /// The strength that was taken; `None` before the fit is done.
    pub fn strength(&self) -> Option<f64> {
        self.squares.strength()
    }

    /// The head for the features the set was gathered from. Its logits are the regression values times a sharpness that
    /// makes the left-out rows' labels most plausible; after balanced training they hold the classes' shares as a prior.
    ///
    /// # Panics
    /// Before the fit is done.
    pub fn head(&self, set: &TrainingSet, class_weight: ClassWeight) -> Linear {
        let classes = self.counts.classes();
        let priors: Vec<f64> = (0..classes).map(|class| self.counts.log_prior(class, class_weight)).collect();
        let mut head = self.squares.head(set, self.sharpness(), &priors);
        for class in (0..classes).filter(|&class| !self.counts.active(class)) {
            // Regressed on nothing but zeros, its weights are 0.
            head.intercepts[class] = ABSENT_INTERCEPT;
        }
        head
    }

    /// rows × K predictions of each used row by a fit without it, as regression values.
    pub fn left_out(&self) -> Option<&Array2<f64>> {
        self.squares.left_out()
    }

    fn sharpness(&self) -> f64 {
        let left_out = self.left_out().expect("a finished fit has left rows out");
        let logit = |value: f64, class: usize| match self.counts.active(class) {
            true => (SHARPNESS * value) as f32,
            false => ABSENT_INTERCEPT,
        };
        let logits = Array2::from_shape_fn(left_out.dim(), |at| logit(left_out[at], at.1));
        SHARPNESS / fit_temperature(&logits, &self.targets, PRIOR_DEVIATION)
    }
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

    #[test]
    fn balanced_left_out_rows_are_nearer_to_the_rare_class() {
        // 6 rows of class 2 weigh as 18 of class 0.
        let (features, labels) = data(36, 5, 0);
        let set = TrainingSet::gather(&features, &labels, 3, Scaling::UnitSpread);
        let rare =
            |weight: ClassWeight| fit(&set, &[true; 36], Some(1.0), weight).left_out().expect("done").column(2).sum();
        assert!(rare(ClassWeight::Balanced) > 1.5 * rare(ClassWeight::Equal));
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
