//! How well labelled items stand for the others: kernel coverage of a reference sample of the pool.

use super::fixed::{FixedVectors, SQUARED_ONE, Squared};
use super::kernel::{NOTHING_NEAR, Standing};
use super::row_hash;
use crate::pipeline::features::geometry::Geometry;
use crate::pipeline::predict::TopTwo;
use ndarray::Array2;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most rows that stand for the pool.
const REFERENCES: usize = 4096;
/// The squared kernel width before two labels say better: unit vectors, as in the paper.
const FIRST_WIDTH_SQUARED: f32 = 1.0;
/// No distance known: farther than any two unit vectors.
const FAR: f32 = f32::INFINITY;
/// Items whose kernel value exceeds this are "much like" each other.
const ALIKE: f32 = 0.5;
/// Candidates whose distances are measured at a time.
const MEASURED_TOGETHER: usize = 16;
/// Rows whose distances are kept at most, 8 KB each: those about the shortlist's end come and go.
const KEPT: usize = 6144;

/// The distance to the nearest labelled item, and which one that is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Nearest<D> {
    squared: D,
    label: usize,
}

const NOBODY: Nearest<f32> = Nearest { squared: FAR, label: usize::MAX };
const NOBODY_NEAR: Nearest<Squared> = Nearest { squared: NOTHING_NEAR, label: usize::MAX };

/// References, distances from candidates to them, and what the labelled items cover.
#[derive(Debug, Clone)]
pub(super) struct Coverage {
    seed: u64,
    references: Vec<usize>,
    vectors: FixedVectors,
    /// Tells one geometry from the next.
    centred_on: usize,
    pool: usize,
    /// Squared distances to each reference, by candidate row.
    distances: HashMap<usize, Vec<Squared>>,
    /// Each labelled row's nearest labelled row among those followed before it.
    labelled: BTreeMap<usize, Nearest<f32>>,
    /// Per reference.
    nearest: Vec<Nearest<Squared>>,
}

impl Coverage {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            references: Vec::new(),
            vectors: FixedVectors::of(Array2::zeros((0, 0)).view()),
            centred_on: 0,
            pool: 0,
            distances: HashMap::new(),
            labelled: BTreeMap::new(),
            nearest: Vec::new(),
        }
    }

    /// Takes in labelled rows that are new, drops those no longer labelled, as far as `work` reaches; true when done.
    pub fn follow(&mut self, geometry: &Geometry, labelled: &[usize], work: &mut usize) -> bool {
        self.sample(geometry);
        let mut wanted = vec![false; geometry.rows()];
        labelled.iter().for_each(|&row| wanted[row] = true);
        let gone: Vec<usize> = self.labelled.keys().copied().filter(|&row| !wanted[row]).collect();
        if gone.len() * 4 > self.labelled.len() {
            self.labelled.clear();
            self.nearest.fill(NOBODY_NEAR);
        } else {
            gone.into_iter().for_each(|row| self.remove(geometry, row));
        }
        let new: Vec<usize> = labelled.iter().copied().filter(|row| !self.labelled.contains_key(row)).collect();
        for rows in new.chunks(MEASURED_TOGETHER) {
            if *work == 0 {
                return false;
            }
            let distances = self.to_references(geometry, rows);
            for (&row, distances) in rows.iter().zip(distances) {
                self.add(geometry, row, &distances);
            }
            let compared = self.references.len() + self.labelled.len();
            *work = work.saturating_sub(rows.len() * compared * geometry.dimensions());
        }
        true
    }

    /// Draws the references anew whenever the geometry has found another centre: the rows whose hashes are smallest.
    fn sample(&mut self, geometry: &Geometry) {
        let rows = geometry.rows();
        if self.centred_on == geometry.centred_on() {
            return;
        }
        self.centred_on = geometry.centred_on();
        let mut order: Vec<(u64, usize)> = (0..rows).map(|row| (row_hash(self.seed, row), row)).collect();
        if rows > REFERENCES {
            order.select_nth_unstable(REFERENCES);
            order.truncate(REFERENCES);
        }
        self.references = order.into_iter().map(|(_, row)| row).collect();
        self.references.sort_unstable();
        self.vectors = FixedVectors::of(geometry.select(&self.references).view());
        self.pool = rows;
        self.distances.clear();
        self.labelled.clear();
        self.nearest = vec![NOBODY_NEAR; self.references.len()];
    }

    fn add(&mut self, geometry: &Geometry, row: usize, to_references: &[Squared]) {
        for (nearest, &squared) in self.nearest.iter_mut().zip(to_references) {
            if squared < nearest.squared {
                *nearest = Nearest { squared, label: row };
            }
        }
        let own = self.nearest_label(geometry, row);
        self.labelled.insert(row, own);
    }

    /// The squared distances of these rows to the references, a list a row.
    fn to_references(&self, geometry: &Geometry, rows: &[usize]) -> Vec<Vec<Squared>> {
        let mut squared = self.vectors.squared_distances(&FixedVectors::of(geometry.select(rows).view()));
        squared.truncate(rows.len());
        squared
    }

    /// What the row was nearest to has to look for another.
    fn remove(&mut self, geometry: &Geometry, row: usize) {
        self.labelled.remove(&row);
        let bereft: Vec<usize> = (0..self.nearest.len()).filter(|&index| self.nearest[index].label == row).collect();
        if !bereft.is_empty() {
            self.look_for_others(geometry, &bereft);
        }
        let orphans: Vec<usize> =
            self.labelled.iter().filter(|(_, nearest)| nearest.label == row).map(|(&orphan, _)| orphan).collect();
        for orphan in orphans {
            let nearest = self.nearest_label(geometry, orphan);
            self.labelled.insert(orphan, nearest);
        }
    }

    /// Finds the labelled item that each of these references is nearest to.
    fn look_for_others(&mut self, geometry: &Geometry, references: &[usize]) {
        let labels: Vec<usize> = self.labelled.keys().copied().collect();
        let labelled = FixedVectors::of(geometry.select(&labels).view());
        for some in references.chunks(MEASURED_TOGETHER) {
            let rows: Vec<usize> = some.iter().map(|&index| self.references[index]).collect();
            let squared = labelled.squared_distances(&FixedVectors::of(geometry.select(&rows).view()));
            for (&index, squared) in some.iter().zip(squared) {
                let candidates = labels.iter().zip(squared).map(|(&label, squared)| Nearest { squared, label });
                self.nearest[index] = candidates.min_by_key(|nearest| nearest.squared).unwrap_or(NOBODY_NEAR);
            }
        }
    }

    fn nearest_label(&self, geometry: &Geometry, row: usize) -> Nearest<f32> {
        let vector = geometry.vector(row);
        let others = self.labelled.keys().filter(|&&label| label != row);
        others.fold(NOBODY, |nearest, &label| {
            let squared = (2.0 - 2.0 * vector.dot(&geometry.vector(label))).max(0.0);
            if squared < nearest.squared { Nearest { squared, label } } else { nearest }
        })
    }

    /// Computes the distances from candidates to references that are not known yet, and forgets other rows' if there are
    /// too many; true when done.
    pub fn measure(&mut self, geometry: &Geometry, candidates: &[usize], work: &mut usize) -> bool {
        let missing: Vec<usize> = candidates.iter().copied().filter(|row| !self.distances.contains_key(row)).collect();
        if missing.is_empty() {
            return true;
        }
        if self.distances.len() + missing.len() > KEPT {
            let wanted: HashSet<usize> = candidates.iter().copied().collect();
            self.distances.retain(|row, _| wanted.contains(row));
        }
        for rows in missing.chunks(MEASURED_TOGETHER) {
            if *work == 0 {
                return false;
            }
            self.distances.extend(rows.iter().copied().zip(self.to_references(geometry, rows)));
            *work = work.saturating_sub(rows.len() * self.references.len() * geometry.dimensions() / 2);
        }
        true
    }

    /// The kernel's squared width h²: the least squared distance between two labelled items, duplicates aside.
    fn width_squared(&self) -> f32 {
        let distances = self.labelled.values().map(|nearest| nearest.squared).filter(|&squared| squared > 1e-4);
        let least = distances.fold(FAR, f32::min);
        if least.is_finite() { least } else { FIRST_WIDTH_SQUARED }
    }

    /// What stands for each reference, weighted by u = 1 − (p₁ − p₂), or 1 where the model has no opinion.
    pub fn standing(&self, tops: &[TopTwo]) -> Standing {
        let nearest = self.nearest.iter().map(|nearest| nearest.squared).collect();
        let weights = self.references.iter().map(|&row| tops.get(row).map_or(1.0, TopTwo::uncertainty)).collect();
        Standing::new(self.width_squared(), nearest, weights)
    }

    /// The candidate's squared distances to the references; empty until [`Coverage::measure`] is done.
    pub fn distances(&self, row: usize) -> &[Squared] {
        self.distances.get(&row).map_or(&[], Vec::as_slice)
    }

    /// Unlabelled items of the pool that are much like the row and farther from everything labelled or chosen;
    /// counted among the references, and scaled up.
    pub fn alike(&self, row: usize, nearest: &[Squared]) -> usize {
        let Some(distances) = self.distances.get(&row) else { return 0 };
        let limit = -self.width_squared() * ALIKE.ln() * SQUARED_ONE;
        let count = (0..self.references.len())
            .filter(|&index| f32::from(distances[index]) <= limit && distances[index] < nearest[index])
            .filter(|&index| self.references[index] != row && !self.labelled.contains_key(&self.references[index]))
            .count();
        (count as f64 * self.pool as f64 / self.references.len().max(1) as f64).round() as usize
    }
}
