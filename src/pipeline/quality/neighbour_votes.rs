//! The second opinion: the classes of the labels that lie nearest.

use super::among::Among;
use super::neighbours::Neighbours;
use crate::pipeline::features::matrix::Features;
use std::collections::HashMap;

/// How many neighbours vote.
pub const NEIGHBOURS: usize = 10;

/// Decides how features wider than the geometry's are narrowed; any number would do.
const SEED: u64 = 0;

/// A search for the nearest labelled neighbours of every label, in slices (see [`Among`]).
#[derive(Debug, Clone)]
pub struct NeighbourVotes {
    labelled: Vec<(usize, usize)>,
    among: Among,
}

impl NeighbourVotes {
    /// Prepares the search among `labelled`, each a (row, class), no row twice, for up to `neighbours` votes a label.
    pub fn new(labelled: &[(usize, usize)], neighbours: usize) -> Self {
        let rows: Vec<usize> = labelled.iter().map(|&(row, _)| row).collect();
        Self { labelled: labelled.to_vec(), among: Among::new(neighbours, rows.clone(), rows) }
    }

    /// One slice of the work; true when everything is done. `all` must know the labelled rows.
    pub fn step(&mut self, all: &Neighbours) -> bool {
        self.among.step(all)
    }

    /// For each label the classes of its neighbours, the nearest first, itself excluded, once [`NeighbourVotes::step`]
    /// returned true.
    pub fn finish(&self) -> Vec<Vec<usize>> {
        let class_of: HashMap<usize, usize> = self.labelled.iter().copied().collect();
        let votes = |&(row, _): &(usize, usize)| self.among.nearest(row).map(|near| class_of[&near.row]).collect();
        self.labelled.iter().map(votes).collect()
    }
}

/// All votes at once.
pub fn neighbour_votes(features: &Features, labelled: &[(usize, usize)], neighbours: usize) -> Vec<Vec<usize>> {
    let mut all = Neighbours::new(1, SEED);
    while !all.step(features) {}
    let mut votes = NeighbourVotes::new(labelled, neighbours);
    while !votes.step(&all) {}
    votes.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn features(rows: usize, columns: usize) -> Features {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let mut features = Features::new(columns, 0);
        for _ in 0..rows {
            let dense = (0..columns).map(|_| random.random_range(0.0..1.0f32)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        features
    }

    #[test]
    fn the_nearest_labels_vote_and_no_label_for_itself() {
        let features = features(60, 5);
        // Each label its own class, so votes name the neighbours.
        let labelled: Vec<(usize, usize)> = (0..60).filter(|row| row % 3 != 0).map(|row| (row, row)).collect();
        let centre = features.dense.mean_axis(ndarray::Axis(0)).expect("rows");
        let unit = |row: usize| {
            let vector = &features.dense.row(row) - &centre;
            &vector / vector.dot(&vector).sqrt()
        };
        for (votes, &(row, _)) in neighbour_votes(&features, &labelled, 7).iter().zip(&labelled) {
            let mut others: Vec<usize> = labelled.iter().map(|label| label.0).filter(|&other| other != row).collect();
            others.sort_by(|&a, &b| unit(b).dot(&unit(row)).total_cmp(&unit(a).dot(&unit(row))));
            assert_eq!(votes, &others[..7]);
        }
    }

    #[test]
    fn few_labels_have_few_neighbours() {
        let features = features(4, 300);
        assert_eq!(neighbour_votes(&features, &[(2, 1), (0, 0)], 10), [[0], [1]]);
        assert_eq!(neighbour_votes(&features, &[(2, 1)], 10), [[0; 0]; 1]);
        assert!(neighbour_votes(&features, &[], 10).is_empty());
    }
}
