//! A vote of the nearest labelled rows by cosine (Cover & Hart, "Nearest neighbor pattern classification", 1967).

use super::cosine::to_unit_rows;
use super::linear::ABSENT_INTERCEPT;
use super::weights::ClassCounts;
use crate::pipeline::features::matrix::{Features, SparseRow};
use ndarray::Array2;

/// Votes, smoothed by one vote shared out as the classes are: logits = ln((votes + share) / (all votes + 1)).
#[derive(Debug, Clone)]
pub struct Knn {
    /// How many vote; all, if there are fewer.
    pub k: usize,
    /// The labelled rows, each of unit length.
    pub rows: Features,
    /// Their classes.
    pub targets: Vec<usize>,
    /// The one smoothing vote's part for each class; 0 for a class without rows.
    pub shares: Vec<f32>,
}

impl Knn {
    /// Remembers the used rows. `None` if fewer than two classes have one.
    pub fn fit(rows: &Features, targets: &[usize], used: &[bool], classes: usize, k: usize) -> Option<Self> {
        let counts = ClassCounts::of_targets(targets, used, classes)?;
        let kept: Vec<usize> = (0..targets.len()).filter(|&row| used[row]).collect();
        let mut rows = rows.select(&kept);
        to_unit_rows(&mut rows);
        Some(Self {
            k,
            rows,
            targets: kept.iter().map(|&row| targets[row]).collect(),
            shares: (0..classes).map(|class| counts.share(class) as f32).collect(),
        })
    }

    /// n × K logits of these rows.
    pub fn logits(&self, mut rows: Features) -> Array2<f32> {
        to_unit_rows(&mut rows);
        let mut similarities = rows.dense.dot(&self.rows.dense.t()).as_standard_layout().into_owned();
        let mut scattered = vec![0.0f32; self.rows.sparse_columns];
        for (mut similarities, row) in similarities.rows_mut().into_iter().zip(&rows.sparse) {
            entries(row).for_each(|(column, value)| scattered[column] = value);
            for (similarity, known) in similarities.iter_mut().zip(&self.rows.sparse) {
                *similarity += entries(known).map(|(column, value)| scattered[column] * value).sum::<f32>();
            }
            entries(row).for_each(|(column, _)| scattered[column] = 0.0);
        }
        let mut logits = Array2::zeros((rows.len(), self.shares.len()));
        for (mut logits, similarities) in logits.rows_mut().into_iter().zip(similarities.rows()) {
            let votes = self.votes(similarities.as_slice().unwrap_or_default());
            let all = votes.iter().sum::<f32>() + 1.0;
            for (class, logit) in logits.iter_mut().enumerate() {
                let vote = (votes[class] + self.shares[class]) / all;
                *logit = if vote > 0.0 { vote.ln() } else { ABSENT_INTERCEPT };
            }
        }
        logits
    }

    /// Multiply-adds that predicting one row costs.
    pub fn work_per_row(&self) -> usize {
        let entries: usize = self.rows.sparse.iter().map(|row| row.indices.len()).sum();
        self.rows.dense.len() + entries + 8 * self.targets.len()
    }

    /// Votes by class; of equally near rows the earlier one votes.
    fn votes(&self, similarities: &[f32]) -> Vec<f32> {
        let mut votes = vec![0.0; self.shares.len()];
        let mut order: Vec<usize> = (0..similarities.len()).collect();
        let nearer = |a: &usize, b: &usize| similarities[*b].total_cmp(&similarities[*a]).then(a.cmp(b));
        if self.k < order.len() {
            order.select_nth_unstable_by(self.k - 1, nearer);
            order.truncate(self.k);
        }
        for row in order {
            votes[self.targets[row]] += 1.0;
        }
        votes
    }
}

fn entries(row: &SparseRow) -> impl Iterator<Item = (usize, f32)> + '_ {
    row.indices.iter().zip(&row.values).map(|(&column, &value)| (column as usize, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::FeatureVector;

    fn angles(degrees: &[f32], sparse: bool) -> Features {
        let mut features = Features::new(2, if sparse { 4 } else { 0 });
        for degrees in degrees {
            let angle = degrees.to_radians();
            let sparse = match (sparse, *degrees < 45.0) {
                (false, _) => SparseRow::default(),
                (true, low) => SparseRow { indices: vec![u32::from(!low)], values: vec![3.0] },
            };
            features.push(FeatureVector { dense: vec![7.0 * angle.cos(), 7.0 * angle.sin()], sparse });
        }
        features
    }

    #[test]
    fn votes_by_hand() {
        for sparse in [false, true] {
            let rows = angles(&[0.0, 10.0, 20.0, 80.0, 90.0], sparse);
            let targets = [0, 0, 2, 2, 2];
            let head = Knn::fit(&rows, &targets, &[true; 5], 3, 3).expect("two classes");
            let logits = head.logits(angles(&[4.0, 85.0], sparse));
            // Near 4°: 0°, 10°, 20°, so two votes to one; shares are 0.4 and 0.6.
            assert!((logits[[0, 0]] - (2.4f32 / 4.0).ln()).abs() < 1e-5, "{logits}");
            assert!((logits[[0, 2]] - (1.6f32 / 4.0).ln()).abs() < 1e-5, "{logits}");
            assert!((logits[[1, 2]] - (3.6f32 / 4.0).ln()).abs() < 1e-5, "{logits}");
            assert_eq!(logits[[0, 1]], ABSENT_INTERCEPT);
        }
    }

    #[test]
    fn rows_that_are_not_used_do_not_vote() {
        let rows = angles(&[0.0, 1.0, 2.0, 90.0], false);
        let head = Knn::fit(&rows, &[0, 0, 1, 1], &[true, false, false, true], 2, 9).expect("two classes");
        let logits = head.logits(angles(&[0.0], false));
        assert_eq!((head.rows.len(), logits[[0, 0]]), (2, logits[[0, 1]]));
        assert!(Knn::fit(&rows, &[0, 0, 0, 1], &[true, true, true, false], 2, 3).is_none());
    }
}
