//! The k nearest found so far, and the comparison of one block of rows with another that fills these lists.

use super::sketch::Sketch;
use crate::pipeline::features::geometry::Geometry;
use ndarray::Array2;
use std::cmp::Ordering;

/// Rows in a block: a block against a block is then one slice of work.
pub(super) const BLOCK: usize = 256;
/// What rounding may do to half a squared distance.
const SLACK: f32 = 1e-5;
/// If sketches leave more than one pair in this many, whole vectors are multiplied instead.
const WORTHWHILE: usize = 8;
/// After sketches left too many pairs, so many blocks go without them.
const BLOCKS_WITHOUT: usize = 7;

/// Pairs looked at together.
const LANES: usize = 16;

/// A pair that may be near.
struct Pair {
    left: usize,
    right: usize,
    /// No more than half the squared distance, rounding included.
    half_squared: f32,
}

/// For each of n places the nearest k rows, nearest first; of equals the lower row.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    k: usize,
    /// Squared distances, k a place; infinite where no row is known.
    squared: Vec<f32>,
    rows: Vec<u32>,
    /// How many of the next blocks don't try sketches.
    without: usize,
}

/// Two blocks of rows to be compared.
pub(super) struct Blocks<'a> {
    /// The place in the lists of the first of `left`; the others follow.
    pub first_place: usize,
    /// Rows whose lists are filled.
    pub left: &'a [usize],
    /// Rows that fill them.
    pub right: &'a [usize],
    /// Whether the lists of `right` are filled, too. Then places are rows, and only pairs left > right are compared.
    pub both: bool,
}

impl Lists {
    pub fn new(k: usize) -> Self {
        Self { k, squared: Vec::new(), rows: Vec::new(), without: 0 }
    }

    pub fn k(&self) -> usize {
        self.k
    }

    /// Places for `count` lists; new ones are empty.
    pub fn grow(&mut self, count: usize) {
        self.squared.resize(count * self.k, f32::INFINITY);
        self.rows.resize(count * self.k, u32::MAX);
    }

    pub fn clear(&mut self) {
        self.squared.clear();
        self.rows.clear();
    }

    /// (row, squared distance) of the place's list, nearest first.
    pub fn list(&self, place: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = place * self.k..(place + 1) * self.k;
        let pairs = self.rows[range.clone()].iter().zip(&self.squared[range]);
        pairs.filter(|(_, squared)| squared.is_finite()).map(|(&row, &squared)| (row as usize, squared))
    }

    /// What a squared distance must not exceed to enter the list.
    fn worst(&self, place: usize) -> f32 {
        if self.k == 0 { f32::NEG_INFINITY } else { self.squared[(place + 1) * self.k - 1] }
    }

    fn offer(&mut self, place: usize, row: usize, squared: f32) {
        let range = place * self.k..(place + 1) * self.k;
        let (distances, rows) = (&mut self.squared[range.clone()], &mut self.rows[range]);
        let before = |other: f32, other_row: u32| match other.total_cmp(&squared) {
            Ordering::Less => true,
            Ordering::Equal => (other_row as usize) < row,
            Ordering::Greater => false,
        };
        let mut at = distances.len();
        while at > 0 && !before(distances[at - 1], rows[at - 1]) {
            at -= 1;
        }
        if at < distances.len() {
            distances[at..].rotate_right(1);
            rows[at..].rotate_right(1);
            (distances[at], rows[at]) = (squared, row as u32);
        }
    }

    /// Compares the blocks; the multiply-adds that it took.
    pub fn compare(&mut self, blocks: &Blocks, geometry: &Geometry, sketch: &Sketch) -> usize {
        let pairs = blocks.left.len() * blocks.right.len();
        let mut work = 0;
        let mut near = None;
        if sketch.is_exact() || self.without == 0 {
            let products = sketch.select(blocks.left).dot(&sketch.select(blocks.right).t());
            work += pairs * sketch.width();
            let most = if sketch.is_exact() { pairs } else { pairs / WORTHWHILE };
            near = self.near(blocks, sketch, &products, most);
            if near.is_none() {
                self.without = BLOCKS_WITHOUT;
            }
        } else {
            self.without -= 1;
        }
        let near = near.unwrap_or_else(|| {
            let products = geometry.select(blocks.left).dot(&geometry.select(blocks.right).t());
            work += pairs * geometry.dimensions();
            self.near(blocks, sketch, &products, pairs).unwrap_or_default()
        });
        for Pair { left, right, half_squared } in near {
            let (place, a, b) = (blocks.first_place + left, blocks.left[left], blocks.right[right]);
            // The lists have filled since the pair was found.
            let (enters_left, enters_right) =
                (2.0 * half_squared <= self.worst(place), blocks.both && 2.0 * half_squared <= self.worst(b));
            if !enters_left && !enters_right {
                continue;
            }
            let squared = geometry.squared_distance(a, b);
            work += geometry.dimensions();
            if enters_left {
                self.offer(place, b, squared);
            }
            if enters_right {
                self.offer(b, a, squared);
            }
        }
        work
    }

    /// The pairs whose distances may enter a list, given products that are not below the vectors'; `None` if more than
    /// `most`.
    fn near(&self, blocks: &Blocks, sketch: &Sketch, products: &Array2<f32>, most: usize) -> Option<Vec<Pair>> {
        let mut near = Vec::new();
        let halves: Vec<f32> = blocks.right.iter().map(|&row| sketch.half_squared(row) - SLACK).collect();
        let limit = |row: &usize| if blocks.both { self.worst(*row) / 2.0 } else { f32::NEG_INFINITY };
        let limits: Vec<f32> = blocks.right.iter().map(limit).collect();
        for (left, (products, &row)) in products.rows().into_iter().zip(blocks.left).enumerate() {
            let products = products.to_slice().unwrap_or(&[]);
            let own_half = sketch.half_squared(row);
            let own_limit = self.worst(blocks.first_place + left) / 2.0;
            for start in (0..products.len()).step_by(LANES) {
                let end = (start + LANES).min(products.len());
                let (products, halves, limits) = (&products[start..end], &halves[start..end], &limits[start..end]);
                let half_squared = |at: usize| own_half + halves[at] - products[at];
                let enters = |at: usize| half_squared(at) <= own_limit.max(limits[at]);
                // Nearly always none of them does: to know that takes no branch a pair.
                if !(0..products.len()).fold(false, |any, at| any | enters(at)) {
                    continue;
                }
                for at in (0..products.len()).filter(|&at| enters(at)) {
                    let other = blocks.right[start + at];
                    let compared = if blocks.both { other < row } else { other != row };
                    if compared {
                        near.push(Pair { left, right: start + at, half_squared: half_squared(at) });
                    }
                }
            }
            if near.len() > most {
                return None;
            }
        }
        Some(near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_the_nearest_and_of_equals_the_lower_rows() {
        let mut lists = Lists::new(3);
        lists.grow(2);
        for (row, squared) in [(9, 0.5), (4, 0.5), (7, 0.1), (1, 0.9), (2, 0.5), (8, 0.5)] {
            lists.offer(1, row, squared);
        }
        assert_eq!(lists.list(0).count(), 0);
        assert_eq!(lists.list(1).collect::<Vec<_>>(), [(7, 0.1), (2, 0.5), (4, 0.5)]);
        lists.grow(3);
        assert_eq!((lists.list(1).count(), lists.list(2).count()), (3, 0));
        let mut none = Lists::new(0);
        none.grow(1);
        none.offer(0, 1, 0.0);
        assert_eq!(none.list(0).count(), 0);
    }
}
