//! The k nearest neighbours of every item among all items: what duplicates, outliers and contradictions are read from.
//!
//! Exact in the geometry of [`Geometry`] (dense features about the pool's centre, on the unit sphere, narrowed to 256
//! dimensions where they are wider). Blocks are compared by matrix products; sketches of 64 numbers rule most pairs out
//! without error (see `sketch.rs`).
//!
//! Measured with k = 10 on one core, rows of 256 numbers, natively / in WebAssembly with vector instructions (V8): 5,000
//! rows 0.1 s / 0.25 s in a hundred groups and 0.2 s / 0.6 s without any structure, which is the worst case; 20,000 rows
//! 0.9 s / 2.4 s and 1.5 s / 6.2 s. No slice took more than 40 ms.

use super::nearest::{BLOCK, Blocks, Lists};
use super::sketch::Sketch;
use crate::pipeline::features::geometry::Geometry;
use crate::pipeline::features::matrix::Features;

/// Multiply-adds of one [`Neighbours::step`], give or take a block.
pub(super) const SLICE_WORK: usize = 16 << 20;

/// One neighbour of an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Its row.
    pub row: usize,
    /// The cosine distance about the pool's centre, 1 − cos = ‖a − b‖² / 2 of unit vectors: 0 for equal features, 1 for
    /// unrelated ones, 2 for opposite ones; ½ to an item at the very centre.
    pub distance: f32,
}

/// The k nearest neighbours of all rows, found in slices.
///
/// The pool may grow: new rows cost their own comparisons only, until it has grown by a tenth. Then the geometry takes
/// another centre, all distances change, and everything is found anew. Rows mean the same item as long as this lives;
/// when features change other than by growing, make a new one.
#[derive(Debug, Clone)]
pub struct Neighbours {
    geometry: Geometry,
    sketch: Sketch,
    lists: Lists,
    centred_on: usize,
    /// Rows compared with each other.
    done: usize,
    /// The end of the block under way, which begins at `done`.
    end: usize,
    /// Rows that this block was compared with.
    column: usize,
}

impl Neighbours {
    /// No rows yet. `k` neighbours a row (10 serve all that is built on this; fewer come back in a pool of k rows or
    /// fewer). The seed decides the projection of wide features.
    pub fn new(k: usize, seed: u64) -> Self {
        Self {
            geometry: Geometry::new(seed),
            sketch: Sketch::new(seed),
            lists: Lists::new(k),
            centred_on: 0,
            done: 0,
            end: 0,
            column: 0,
        }
    }

    /// One slice of the work; true when the neighbours of all rows are known.
    pub fn step(&mut self, features: &Features) -> bool {
        let mut work = SLICE_WORK;
        if features.is_empty() {
            return true;
        }
        if !self.geometry.extend(features, &mut work) || !self.sketch.extend(&self.geometry, &mut work) {
            return false;
        }
        if self.centred_on != self.geometry.centred_on() {
            self.centred_on = self.geometry.centred_on();
            self.lists.clear();
            (self.done, self.column) = (0, 0);
        }
        let rows = self.geometry.rows();
        self.lists.grow(rows);
        while self.done < rows {
            if work == 0 {
                return false;
            }
            if self.column == 0 {
                // Stays while the columns are gone through, even if the pool grows meanwhile.
                self.end = (self.done + BLOCK).min(rows);
            }
            let end = self.end;
            let left: Vec<usize> = (self.done..end).collect();
            let right: Vec<usize> = (self.column..(self.column + BLOCK).min(end)).collect();
            let blocks = Blocks { first_place: self.done, left: &left, right: &right, both: true };
            work = work.saturating_sub(self.lists.compare(&blocks, &self.geometry, &self.sketch));
            self.column += right.len();
            if self.column == end {
                (self.done, self.column) = (end, 0);
            }
        }
        true
    }

    /// The share of all comparisons that are done, 0 to 1.
    pub fn progress(&self) -> f64 {
        let rows = self.geometry.rows().max(1) as f64;
        let (done, column) = (self.done as f64, self.column as f64);
        ((done * done + 2.0 * BLOCK as f64 * column) / (rows * rows)).min(1.0)
    }

    /// How many rows there are whose neighbours are known.
    pub fn len(&self) -> usize {
        self.done
    }

    /// Whether no row's neighbours are known.
    pub fn is_empty(&self) -> bool {
        self.done == 0
    }

    /// How many neighbours are kept a row.
    pub fn k(&self) -> usize {
        self.lists.k()
    }

    /// The row's neighbours, nearest first, of equals the lower row first; itself is not among them. Empty for a row
    /// that is not known yet.
    pub fn nearest(&self, row: usize) -> impl Iterator<Item = Neighbour> + '_ {
        let known = (row < self.done).then(|| self.lists.list(row));
        known.into_iter().flatten().map(|(row, squared)| Neighbour { row, distance: squared / 2.0 })
    }

    /// The cosine distance between any two rows, as in [`Neighbour`].
    ///
    /// # Panics
    /// If a row is beyond the geometry's.
    pub fn distance(&self, a: usize, b: usize) -> f32 {
        self.geometry.squared_distance(a, b) / 2.0
    }

    /// Where the rows lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(super) fn sketch(&self) -> &Sketch {
        &self.sketch
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_data::{clusters, neighbours};
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    /// (row, distance) of each row's k nearest, the slow way.
    fn by_force(geometry: &Geometry, k: usize) -> Vec<Vec<Neighbour>> {
        let rows = geometry.rows();
        let one = |row: usize| {
            let mut all: Vec<Neighbour> = (0..rows)
                .filter(|&other| other != row)
                .map(|other| Neighbour { row: other, distance: geometry.squared_distance(row, other) / 2.0 })
                .collect();
            all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
            all.truncate(k);
            all
        };
        (0..rows).map(one).collect()
    }

    fn check(found: &Neighbours, k: usize) {
        let expected = by_force(found.geometry(), k);
        for (row, expected) in expected.iter().enumerate() {
            assert_eq!(found.nearest(row).collect::<Vec<_>>(), *expected, "row {row}");
        }
    }

    #[test]
    fn exactly_the_nearest_are_found() {
        // Narrow, wide and projected; clustered and shapeless; fewer rows than k.
        for (groups, rows, columns, spread, k) in [
            (9, 700, 8, 0.3, 10),
            (12, 600, 120, 0.4, 5),
            (1, 400, 100, 1.0, 10),
            (5, 300, 500, 0.3, 3),
            (2, 4, 3, 0.1, 10),
        ] {
            let (features, _) = clusters(groups, rows, columns, spread, 11);
            let found = neighbours(&features, k);
            assert_eq!(found.len(), rows);
            assert_eq!(found.progress(), 1.0);
            check(&found, k);
        }
    }

    #[test]
    fn a_growing_pool_and_the_slices_change_nothing() {
        let (features, _) = clusters(8, 900, 90, 0.4, 5);
        let until = |rows: usize| features.select(&(0..rows).collect::<Vec<_>>());
        let mut found = Neighbours::new(6, 0);
        // Slices are cut off by growth at every stage, and the centre moves once.
        for rows in [10, 400, 410, 415, 850, 851, 853, 880] {
            found.step(&until(rows));
        }
        while !found.step(&features) {}
        assert_eq!(found.len(), 900);
        check(&found, 6);
    }

    #[test]
    fn rows_that_came_later_compare_only_themselves() {
        let (features, _) = clusters(8, 2000, 90, 0.4, 5);
        let first = features.select(&(0..1990).collect::<Vec<_>>());
        let count = |found: &mut Neighbours, features: &Features| {
            let mut slices = 1;
            while !found.step(features) {
                slices += 1;
            }
            slices
        };
        let mut found = Neighbours::new(6, 0);
        let whole = count(&mut found, &first);
        let grown = count(&mut found, &features);
        assert!(whole > 10 && grown == 1, "{whole} {grown}");
        check(&found, 6);
    }

    #[test]
    fn equal_rows_are_at_distance_zero_and_centred_ones_at_a_half() {
        let mut features = Features::new(70, 0);
        for sign in [1.0, -1.0, 1.0, -1.0, 0.0] {
            let dense = (0..70).map(|column| sign * (column as f32 - 7.3)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        let found = neighbours(&features, 10);
        let first: Vec<(usize, f32)> = found.nearest(0).map(|near| (near.row, near.distance)).collect();
        assert_eq!(first[0], (2, 0.0));
        assert_eq!(first[1].0, 4);
        assert!((first[1].1 - 0.5).abs() < 1e-5 && (first[2].1 - 2.0).abs() < 1e-5, "{first:?}");
        assert_eq!(found.nearest(9).count(), 0);
        assert!(Neighbours::new(3, 0).step(&Features::new(4, 0)), "nothing to do in an empty pool");
    }
}
