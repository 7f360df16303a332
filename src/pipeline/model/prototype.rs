//! Nearest class mean by cosine, with the means shrunk towards the grand mean (compare Tibshirani, Hastie, Narasimhan &
//! Chu, "Diagnosis of multiple cancer types by shrunken centroids", 2002). The best head below some five labels a class.

use super::calibration::{PRIOR_DEVIATION, fit_temperature};
use super::cosine::to_unit_rows;
use super::linear::{ABSENT_INTERCEPT, Linear};
use super::logistic::Progress;
use super::sparse_weights::SparseWeights;
use super::weights::ClassCounts;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array1, Array2, ArrayView1, s};

/// Cosines differ little between classes: multiplied by this, their softmax is about as sure as a classifier should be;
/// the exact factor is fitted.
const SHARPNESS: f64 = 16.0;

/// Logits = sharpness · cos(x, mean of the class). The means, of unit length and times the sharpness, are the weights
/// of a linear head that reads unit rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Prototype(pub Linear);

impl Prototype {
    /// n × K logits of these rows.
    pub fn logits(&self, mut rows: Features) -> Array2<f32> {
        to_unit_rows(&mut rows);
        self.0.logits(&rows)
    }
}

/// A fit under way.
#[derive(Debug, Clone)]
pub struct PrototypeFit {
    /// Used rows at unit length, their sparse half in the columns that occur.
    rows: Features,
    /// The sparse width before, and the column of each that occurs.
    sparse: (usize, Vec<u32>),
    targets: Vec<usize>,
    counts: ClassCounts,
    shrinkage: f64,
    /// K sums and the sum of all, dense and sparse columns side by side.
    sums: Vec<Array1<f32>>,
    total: Array1<f32>,
    /// Products of these: each sum with itself and with the sum of all, and that with itself.
    sum_sum: Vec<f64>,
    sum_total: Vec<f64>,
    total_total: f64,
    /// Leave-one-out cosines of the rows so far.
    cosines: Array2<f32>,
    head: Option<Linear>,
}

impl PrototypeFit {
    /// To the used rows. `None` if fewer than two classes have one.
    pub fn begin(rows: &Features, targets: &[usize], used: &[bool], classes: usize, shrinkage: f64) -> Option<Self> {
        let counts = ClassCounts::of_targets(targets, used, classes)?;
        let kept: Vec<usize> = (0..targets.len()).filter(|&row| used[row]).collect();
        let mut rows = rows.select(&kept);
        to_unit_rows(&mut rows);
        let sparse = (rows.sparse_columns, keep_occurring(&mut rows));
        let targets: Vec<usize> = kept.iter().map(|&row| targets[row]).collect();
        let mut sums = vec![Array1::zeros(rows.columns()); classes];
        let mut total = Array1::zeros(rows.columns());
        for (row, &class) in targets.iter().enumerate() {
            add(&mut sums[class], &rows, row, 1.0);
            add(&mut total, &rows, row, 1.0);
        }
        let dot = |a: &Array1<f32>, b: &Array1<f32>| f64::from(a.dot(b));
        Some(Self {
            sum_sum: sums.iter().map(|sum| dot(sum, sum)).collect(),
            sum_total: sums.iter().map(|sum| dot(sum, &total)).collect(),
            total_total: dot(&total, &total),
            cosines: Array2::zeros((0, classes)),
            head: None,
            rows,
            sparse,
            targets,
            counts,
            shrinkage,
            sums,
            total,
        })
    }

    /// Works until about `work` multiply-adds are done.
    pub fn step(&mut self, work: usize) -> Progress {
        let entries = self.rows.sparse.first().map_or(0, |row| row.indices.len());
        let per_row = 2 * (self.rows.dense_columns() + 4 * entries + 8) * (1 + self.counts.classes());
        let end = (self.cosines.nrows() + (work / per_row).max(1)).min(self.rows.len());
        for row in self.cosines.nrows()..end {
            let cosines = self.left_out_cosines(row);
            self.cosines.push_row(ArrayView1::from(&cosines)).expect("as many classes");
        }
        if end < self.rows.len() {
            return Progress::Working;
        }
        if self.head.is_none() {
            self.head = Some(self.means());
        }
        Progress::Done
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.cosines.nrows() as f64 / self.rows.len() as f64
    }

    /// The head, once [`PrototypeFit::step`] is done.
    pub fn head(&self) -> Option<Prototype> {
        self.head.clone().map(Prototype)
    }

    /// What every used row would be called by means made without it: n × K uncalibrated logits, once
    /// [`PrototypeFit::step`] is done.
    pub fn left_out(&self) -> Array2<f32> {
        self.cosines.mapv(|cosine| (SHARPNESS as f32 * cosine).max(ABSENT_INTERCEPT))
    }

    fn means(&self) -> Linear {
        let sharpness = SHARPNESS / fit_temperature(&self.left_out(), &self.targets, PRIOR_DEVIATION);
        let (classes, dense) = (self.counts.classes(), self.rows.dense_columns());
        let (width, columns) = &self.sparse;
        let mut head = Linear::absent(classes, dense, *width);
        let mut sparse = vec![0.0; classes * columns.len()];
        let grand = &self.total / self.rows.len() as f32;
        for class in (0..classes).filter(|&class| self.counts.active(class)) {
            let rows = self.counts.rows(class) as f64;
            let mean = self.mean(&self.sums[class], rows, &grand) * sharpness as f32;
            head.dense.row_mut(class).assign(&mean.slice(s![..dense]));
            mean.iter().skip(dense).enumerate().for_each(|(place, &weight)| sparse[place * classes + class] = weight);
            head.intercepts[class] = 0.0;
        }
        head.sparse = SparseWeights::of_columns(classes, *width, columns, &sparse);
        head
    }

    /// (sum + shrinkage · grand mean) / (rows + shrinkage), at unit length.
    fn mean(&self, sum: &Array1<f32>, rows: f64, grand: &Array1<f32>) -> Array1<f32> {
        let mut mean = sum / (rows + self.shrinkage) as f32;
        mean.scaled_add((self.shrinkage / (rows + self.shrinkage)) as f32, grand);
        let length = mean.dot(&mean).sqrt();
        if length > 0.0 { mean / length } else { mean }
    }

    /// Cosines of a row x to the means as they would be without it, by products alone: no mean is made. Its class, if it
    /// was its only row, then has nothing but the grand mean; a class without rows is as far as can be.
    fn left_out_cosines(&self, row: usize) -> Vec<f32> {
        let own = self.targets[row];
        // v = a + c·b with a the class's sum without x and b the sum of all without x; c·b is the shrinkage.
        let c = self.shrinkage / (self.rows.len() - 1).max(1) as f64;
        let x_x = square(&self.rows, row);
        let total_x = product(&self.total, &self.rows, row);
        let b_b = self.total_total - 2.0 * total_x + x_x;
        let cosine = |class: usize| {
            if !self.counts.active(class) {
                return ABSENT_INTERCEPT;
            }
            let without = f64::from(class == own);
            let sum_x = product(&self.sums[class], &self.rows, row);
            let a_a = self.sum_sum[class] - without * (2.0 * sum_x - x_x);
            let a_b = self.sum_total[class] - sum_x - without * (total_x - x_x);
            let v_x = sum_x - without * x_x + c * (total_x - x_x);
            let length = (a_a + 2.0 * c * a_b + c * c * b_b).max(0.0).sqrt();
            // Below this the sums have cancelled out to rounding: there is no direction.
            if length < 1e-4 { 0.0 } else { (v_x / (length * x_x.sqrt().max(1e-9))) as f32 }
        };
        (0..self.counts.classes()).map(cosine).collect()
    }
}

/// Renumbers the sparse columns so that only those that occur are left, ascending; returns which they were.
fn keep_occurring(rows: &mut Features) -> Vec<u32> {
    let mut columns: Vec<u32> = rows.sparse.iter().flat_map(|row| row.indices.iter().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut place = vec![0u32; rows.sparse_columns];
    columns.iter().zip(0..).for_each(|(&column, at)| place[column as usize] = at);
    rows.sparse.iter_mut().for_each(|row| row.indices.iter_mut().for_each(|column| *column = place[*column as usize]));
    rows.sparse_columns = columns.len();
    columns
}

fn add(to: &mut Array1<f32>, rows: &Features, row: usize, times: f32) {
    let dense = rows.dense_columns();
    to.slice_mut(s![..dense]).scaled_add(times, &rows.dense.row(row));
    if let Some(sparse) = rows.sparse.get(row) {
        let entries = sparse.indices.iter().zip(&sparse.values);
        entries.for_each(|(&column, value)| to[dense + column as usize] += times * value);
    }
}

fn product(vector: &Array1<f32>, rows: &Features, row: usize) -> f64 {
    let dense = rows.dense_columns();
    let sparse = rows.sparse.get(row).map_or(0.0, |sparse| {
        let entries = sparse.indices.iter().zip(&sparse.values);
        entries.map(|(&column, value)| vector[dense + column as usize] * value).sum()
    });
    f64::from(vector.slice(s![..dense]).dot(&rows.dense.row(row)) + sparse)
}

fn square(rows: &Features, row: usize) -> f64 {
    let dense = rows.dense.row(row);
    let sparse = rows.sparse.get(row).map_or(0.0, |sparse| sparse.values.iter().map(|value| value * value).sum());
    f64::from(dense.dot(&dense) + sparse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    fn rows(dense: &[[f32; 2]]) -> Features {
        let mut features = Features::new(2, 0);
        for row in dense {
            features.push(FeatureVector { dense: row.to_vec(), sparse: SparseRow::default() });
        }
        features
    }

    fn fit(rows: &Features, targets: &[usize], classes: usize, shrinkage: f64) -> Prototype {
        let used = vec![true; targets.len()];
        let mut fit = PrototypeFit::begin(rows, targets, &used, classes, shrinkage).expect("two classes");
        while fit.step(1) == Progress::Working {}
        fit.head().expect("done")
    }

    #[test]
    fn means_by_hand() {
        // Unit rows (1,0), (0,1) and (0,1): means (1,0) and (0,1); with one row's shrinkage towards (1/3, 2/3):
        // (4/3, 2/3)/2 = (2/3, 1/3) and (1/3, 8/3)/3 = (1/9, 8/9).
        let data = rows(&[[3.0, 0.0], [0.0, 2.0], [0.0, 9.0]]);
        let plain = fit(&data, &[0, 1, 1], 3, 0.0);
        let direction = |head: &Prototype, class: usize| head.0.dense[[class, 1]] / head.0.dense[[class, 0]];
        assert_eq!((plain.0.dense[[0, 1]], plain.0.dense[[1, 0]]), (0.0, 0.0));
        let shrunk = fit(&data, &[0, 1, 1], 3, 1.0);
        assert!((direction(&shrunk, 0) - 0.5).abs() < 1e-5 && (direction(&shrunk, 1) - 8.0).abs() < 1e-4);
        assert!(!plain.0.knows(2));
        // Length plays no part.
        let logits = plain.logits(rows(&[[5.0, 1.0], [0.5, 0.1]]));
        assert!((logits[[0, 0]] - logits[[1, 0]]).abs() < 1e-4 && logits[[0, 0]] > logits[[0, 1]]);
    }

    #[test]
    fn left_out_cosines_are_those_to_means_made_without_the_row() {
        let angles = [0.1f32, 0.3, 0.5, 1.2, 1.4, 0.9, 1.1];
        let targets = [0, 0, 0, 1, 1, 1, 2];
        let data = rows(&angles.map(|angle| [2.0 * angle.cos(), 2.0 * angle.sin()]));
        for shrinkage in [0.0, 0.7] {
            let fit = PrototypeFit::begin(&data, &targets, &[true; 7], 3, shrinkage).expect("classes");
            for row in 0..6 {
                let used: Vec<bool> = (0..7).map(|other| other != row).collect();
                let mut without = PrototypeFit::begin(&data, &targets, &used, 3, shrinkage).expect("classes");
                while without.step(1) == Progress::Working {}
                let head = without.head().expect("done");
                let logits = head.logits(data.select(&[row]));
                let lengths = head.0.dense.rows().into_iter().map(|mean| mean.dot(&mean).sqrt());
                for ((found, logit), length) in fit.left_out_cosines(row).iter().zip(logits.row(0)).zip(lengths) {
                    assert!((found - logit / length).abs() < 1e-4, "{found} for {}", logit / length);
                }
            }
        }
    }

    #[test]
    fn sharpness_follows_how_well_the_means_tell_apart() {
        let clear: Vec<[f32; 2]> = (0..40).map(|i| if i % 2 == 0 { [1.0, 0.1] } else { [0.1, 1.0] }).collect();
        let vague: Vec<[f32; 2]> = (0..40).map(|i| if (i / 2) % 2 == 0 { [1.0, 0.1] } else { [0.1, 1.0] }).collect();
        let targets: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let spread = |data: &[[f32; 2]]| {
            let head = fit(&rows(data), &targets, 2, 0.5);
            let logits = head.logits(rows(&[[1.0, 0.0]]));
            (logits[[0, 0]] - logits[[0, 1]]).abs()
        };
        assert!(spread(&clear) > 3.0 && spread(&vague) < 1.0, "{} {}", spread(&clear), spread(&vague));
    }
}
