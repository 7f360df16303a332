//! The second opinion: the classes of the labels that lie nearest.

use crate::pipeline::features::geometry::Geometry;
use crate::pipeline::features::matrix::Features;
use ndarray::{Array2, ArrayView1, s};

/// How many neighbours vote.
pub const NEIGHBOURS: usize = 10;

/// Multiply-adds of one [`NeighbourVotes::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 16 << 20;

/// Decides how features wider than the geometry's are narrowed; any number would do.
const SEED: u64 = 0;

/// A search for the nearest labelled neighbours of every label, by cosine about the centre of all items
/// ([`Geometry`]). Exact, in slices: n²·d multiply-adds for n labels and d ≤ 256 dimensions.
#[derive(Debug, Clone)]
pub struct NeighbourVotes {
    labelled: Vec<(usize, usize)>,
    neighbours: usize,
    geometry: Geometry,
    /// n × d unit vectors, once the geometry is there.
    vectors: Option<Array2<f32>>,
    votes: Vec<Vec<usize>>,
}

impl NeighbourVotes {
    /// Prepares the search among `labelled`, each a (row, class), no row twice, for up to `neighbours` votes a label.
    pub fn new(labelled: &[(usize, usize)], neighbours: usize) -> Self {
        let geometry = Geometry::new(SEED);
        Self { labelled: labelled.to_vec(), neighbours, geometry, vectors: None, votes: Vec::new() }
    }

    /// One slice of the work; true when everything is done. The same features must come with every call.
    ///
    /// # Panics
    /// If a labelled row is not among the features.
    pub fn step(&mut self, features: &Features) -> bool {
        let Some(vectors) = &self.vectors else {
            if self.geometry.extend(features, &mut SLICE_WORK.clone()) {
                let rows: Vec<usize> = self.labelled.iter().map(|&(row, _)| row).collect();
                self.vectors = Some(self.geometry.select(&rows));
                // Only the labels' vectors are needed from here on.
                self.geometry = Geometry::new(SEED);
            }
            return false;
        };
        let (count, dimensions) = vectors.dim();
        let begin = self.votes.len();
        let end = (begin + (SLICE_WORK / (count * dimensions).max(1)).max(1)).min(count);
        let cosines = vectors.slice(s![begin..end, ..]).dot(&vectors.t());
        for (place, cosines) in (begin..end).zip(cosines.rows()) {
            let nearest = nearest(cosines, place, self.neighbours);
            self.votes.push(nearest.into_iter().map(|other| self.labelled[other].1).collect());
        }
        end == count
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.votes.len() as f64 / self.labelled.len().max(1) as f64
    }

    /// For each label the classes of its neighbours, the nearest first, itself excluded, once [`NeighbourVotes::step`]
    /// returned true.
    pub fn finish(self) -> Vec<Vec<usize>> {
        self.votes
    }
}

/// All votes at once.
pub fn neighbour_votes(features: &Features, labelled: &[(usize, usize)], neighbours: usize) -> Vec<Vec<usize>> {
    let mut votes = NeighbourVotes::new(labelled, neighbours);
    while !votes.step(features) {}
    votes.finish()
}

/// The places with the greatest cosines but for `own`, greatest first, of equals the lowest place first.
fn nearest(cosines: ArrayView1<f32>, own: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..cosines.len()).filter(|&place| place != own).collect();
    let order = |a: &usize, b: &usize| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b));
    if count < places.len() {
        places.select_nth_unstable_by(count, order);
        places.truncate(count);
    }
    places.sort_unstable_by(order);
    places
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
