//! Squared distances of unit vectors in 16-bit fixed point: twice as many products an instruction as of 32-bit floats, half
//! the memory, and sums that are exact, so every machine finds the same distances.

use crate::lanes::{Job, Lanes, fastest};
use ndarray::ArrayView2;

/// A component of 1. Products of two vectors no longer than 1 then add up to 2²⁸ at most, in any order.
const ONE: f32 = 16_384.0;
/// A squared distance of 1.
pub(super) const SQUARED_ONE: f32 = 16_384.0;
/// Columns are filled up to a multiple of this: the widest vector there is.
const COLUMNS: usize = 16;
/// Rows are filled up to a multiple of this.
const ROWS: usize = 8;
/// Rows of the many, and of the few, in a tile: their sums fill 8 of 16 registers.
const MANY: usize = 2;
const FEW: usize = 4;

/// ‖a − b‖² of unit vectors, 0 to 4, in steps of 2⁻¹⁴ (rounded; what two vectors' own rounding adds is of that size).
pub(super) type Squared = u16;

/// Unit vectors, components in steps of 2⁻¹⁴.
#[derive(Debug, Clone)]
pub(super) struct FixedVectors {
    columns: usize,
    values: Vec<i16>,
}

impl FixedVectors {
    /// Of rows no longer than 1. Rows are filled up with rows of zeros to a multiple of 8.
    pub fn of(rows: ArrayView2<f32>) -> Self {
        let columns = rows.ncols().max(1).next_multiple_of(COLUMNS);
        let mut values = vec![0; columns * rows.nrows().next_multiple_of(ROWS)];
        for (row, values) in rows.rows().into_iter().zip(values.chunks_mut(columns)) {
            for (value, fixed) in row.iter().zip(values) {
                *fixed = (value * ONE).round() as i16;
            }
        }
        Self { columns, values }
    }

    /// From each of the few to each of these, those that fill up included: as many lists as `few` has rows, filled up.
    pub fn squared_distances(&self, few: &FixedVectors) -> Vec<Vec<Squared>> {
        assert_eq!(self.columns, few.columns, "columns");
        let many = self.values.len() / self.columns;
        let mut squared = vec![vec![0; many]; few.values.len() / self.columns];
        fastest(Distances { many: &self.values, few: &few.values, columns: self.columns, squared: &mut squared });
        squared
    }
}

struct Distances<'a> {
    many: &'a [i16],
    few: &'a [i16],
    columns: usize,
    squared: &'a mut [Vec<Squared>],
}

impl Job for Distances<'_> {
    type Output = ();

    fn perform<L: Lanes>(self) {
        for (pair, many) in self.many.chunks_exact(MANY * self.columns).enumerate() {
            for (tile, few) in self.few.chunks_exact(FEW * self.columns).enumerate() {
                let products = products::<L>(many, few, self.columns);
                for (squared, products) in self.squared[tile * FEW..].iter_mut().zip(products) {
                    for (squared, product) in squared[pair * MANY..].iter_mut().zip(products) {
                        // 2 − 2 cos, from steps of 2⁻²⁸ to steps of 2⁻¹⁴.
                        let rounded = ((1 << 28) - product + (1 << 12)) >> 13;
                        *squared = rounded.clamp(0, Squared::MAX.into()) as Squared;
                    }
                }
            }
        }
    }
}

/// The inner products of a tile.
#[inline(never)]
fn products<L: Lanes>(many: &[i16], few: &[i16], columns: usize) -> [[i32; MANY]; FEW] {
    assert!(many.len() == MANY * columns && few.len() == FEW * columns && columns.is_multiple_of(COLUMNS));
    // As wide as any vector.
    let mut lanes = [[[0i32; 8]; MANY]; FEW];
    // SAFETY: a vector of 2 × `WIDTH` ≤ 16 values from a multiple of it lies within its row; `fastest` knows the processor.
    unsafe {
        L::run(
            #[inline(always)]
            || {
                let mut sums = [[L::no_integers(); MANY]; FEW];
                for column in (0..columns).step_by(2 * L::WIDTH) {
                    let many: [L::Pairs; MANY] =
                        std::array::from_fn(|row| L::load_pairs(many.as_ptr().add(row * columns + column)));
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let few = L::load_pairs(few.as_ptr().add(row * columns + column));
                        for (sum, many) in sums.iter_mut().zip(many) {
                            *sum = L::dot_add(*sum, few, many);
                        }
                    }
                }
                for (sums, lanes) in sums.into_iter().zip(&mut lanes) {
                    for (sum, lanes) in sums.into_iter().zip(lanes) {
                        L::store_integers(sum, lanes.as_mut_ptr());
                    }
                }
            },
        );
    }
    lanes.map(|lanes| lanes.map(|lanes| lanes.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis, s};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn unit_vectors(rows: usize, columns: usize) -> Array2<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let mut vectors = Array2::from_shape_simple_fn((rows, columns), || random.random_range(-1.0..1.0f32));
        for mut row in vectors.axis_iter_mut(Axis(0)) {
            let length = row.dot(&row).sqrt();
            row /= length;
        }
        vectors
    }

    #[test]
    fn distances_are_those_of_floats_to_a_few_steps() {
        for (rows, columns) in [(1, 1), (9, 6), (30, 100), (17, 256)] {
            let vectors = unit_vectors(rows, columns);
            let few = vectors.slice(s![..rows.min(5), ..]);
            let found = FixedVectors::of(vectors.view()).squared_distances(&FixedVectors::of(few));
            for (one, found) in few.rows().into_iter().zip(&found) {
                for (other, &found) in vectors.rows().into_iter().zip(found) {
                    let expected: f32 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
                    let found = f32::from(found) / SQUARED_ONE;
                    assert!((found - expected).abs() < 3e-4, "{columns} columns: {found} ≠ {expected}");
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_finds_the_same() {
        let vectors = FixedVectors::of(unit_vectors(16, 70).view());
        fn all<L: Lanes>(vectors: &FixedVectors) -> Vec<Vec<Squared>> {
            let mut squared = vec![vec![0; 16]; 16];
            let (values, columns) = (&vectors.values, vectors.columns);
            Distances { many: values, few: values, columns, squared: &mut squared }.perform::<L>();
            squared
        }
        let portable = all::<crate::lanes::Portable>(&vectors);
        assert_eq!(vectors.squared_distances(&vectors), portable);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(all::<crate::lanes::Sse2>(&vectors), portable);
    }
}
