//! Feature vectors packed into blocks: many in one record, so that twenty thousand are read in a few hundred requests,
//! and as 16-bit floats, half the space. Rounding keeps eleven bits, a cosine of 0.99999 and better.

use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// A block with fewer vectors than this is filled up before a new one is begun.
pub const BLOCK_MINIMUM: usize = 64;

/// No block has more vectors than this.
pub const BLOCK_MAXIMUM: usize = 256;

/// n vectors of one extractor as the bytes that are stored, all little-endian.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorBlock {
    /// n × d dense values as 16-bit floats, row-major.
    pub dense: Vec<u8>,
    /// Where each vector's sparse entries end in `indices` and `values`: n 32-bit integers, the last their number.
    pub ends: Vec<u8>,
    /// The columns of the sparse entries: 32-bit integers.
    pub indices: Vec<u8>,
    /// The values of the sparse entries: 16-bit floats.
    pub values: Vec<u8>,
}

impl VectorBlock {
    /// Packs vectors.
    ///
    /// # Panics
    /// If their dense halves differ in width: one block holds the vectors of one extractor.
    pub fn pack(vectors: &[&FeatureVector]) -> Self {
        let width = vectors.first().map_or(0, |vector| vector.dense.len());
        let mut block = Self { dense: Vec::new(), ends: Vec::new(), indices: Vec::new(), values: Vec::new() };
        let mut end = 0u32;
        for vector in vectors {
            assert_eq!(vector.dense.len(), width, "the vectors of one extractor are equally wide");
            push_halves(&mut block.dense, &vector.dense);
            push_halves(&mut block.values, &vector.sparse.values);
            block.indices.extend(vector.sparse.indices.iter().flat_map(|index| index.to_le_bytes()));
            end += vector.sparse.indices.len() as u32;
            block.ends.extend(end.to_le_bytes());
        }
        block
    }

    /// A checksum (CRC-32) over the hashes of what is packed and over what was made of it: values that a disk or another program changed
    /// would look like vectors.
    pub fn checksum(&self, hashes: &[u8]) -> u32 {
        let mut sum = crc32fast::Hasher::new();
        for part in [hashes, &self.dense, &self.ends, &self.indices, &self.values] {
            sum.update(part);
        }
        sum.finalize()
    }

    /// The inverse of [`VectorBlock::pack`], up to rounding; `None` if the parts do not fit together.
    pub fn unpack(&self) -> Option<Vec<FeatureVector>> {
        let dense = halves(&self.dense)?;
        let values = halves(&self.values)?;
        let ends = integers(&self.ends)?;
        let indices = integers(&self.indices)?;
        if ends.is_empty() {
            return dense.is_empty().then(Vec::new);
        }
        if dense.len() % ends.len() != 0 || indices.len() != values.len() {
            return None;
        }
        let width = dense.len() / ends.len();
        let mut start = 0;
        ends.iter()
            .enumerate()
            .map(|(row, &end)| {
                let range = start..end as usize;
                start = end as usize;
                Some(FeatureVector {
                    dense: dense[row * width..(row + 1) * width].to_vec(),
                    sparse: SparseRow {
                        indices: indices.get(range.clone())?.to_vec(),
                        values: values.get(range)?.to_vec(),
                    },
                })
            })
            .collect()
    }
}

fn push_halves(bytes: &mut Vec<u8>, values: &[f32]) {
    let mut rounded = vec![f16::ZERO; values.len()];
    rounded.convert_from_f32_slice(values);
    bytes.extend(rounded.iter().flat_map(|value| value.to_le_bytes()));
}

fn halves(bytes: &[u8]) -> Option<Vec<f32>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let rounded: Vec<f16> = pairs.iter().map(|pair| f16::from_le_bytes(*pair)).collect();
    let mut values = vec![0.0; rounded.len()];
    rounded.convert_to_f32_slice(&mut values);
    rest.is_empty().then_some(values)
}

fn integers(bytes: &[u8]) -> Option<Vec<u32>> {
    let (fours, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| fours.iter().map(|four| u32::from_le_bytes(*four)).collect())
}

/// Where `new` vectors go when the last block so far holds `last`: how many of them fill that one up (none unless it is
/// below [`BLOCK_MINIMUM`]), then the sizes of the new blocks.
pub fn share_out(last: usize, new: usize) -> (usize, Vec<usize>) {
    let filled_up = if last < BLOCK_MINIMUM { new.min(BLOCK_MAXIMUM - last) } else { 0 };
    let mut left = new - filled_up;
    let mut blocks = Vec::new();
    while left > 0 {
        let size = left.min(BLOCK_MAXIMUM);
        blocks.push(size);
        left -= size;
    }
    (filled_up, blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(dense: &[f32], sparse: &[(u32, f32)]) -> FeatureVector {
        let (indices, values) = sparse.iter().copied().unzip();
        FeatureVector { dense: dense.to_vec(), sparse: SparseRow { indices, values } }
    }

    #[test]
    fn packing_keeps_vectors_to_half_precision() {
        let cases: [&[FeatureVector]; 4] = [
            &[],
            &[vector(&[0.1, -2.5, 5.999], &[])],
            &[vector(&[1.0], &[(3, 0.25), (262_143, -0.33)]), vector(&[2.0], &[]), vector(&[3.0], &[(0, 1.0)])],
            &[vector(&[], &[(7, 0.5)]), vector(&[], &[])],
        ];
        for vectors in cases {
            let block = VectorBlock::pack(&vectors.iter().collect::<Vec<_>>());
            let unpacked = block.unpack().expect("what was packed");
            assert_eq!(unpacked.len(), vectors.len());
            for (given, got) in vectors.iter().zip(&unpacked) {
                assert_eq!(given.sparse.indices, got.sparse.indices);
                let pairs =
                    given.dense.iter().zip(&got.dense).chain(given.sparse.values.iter().zip(&got.sparse.values));
                for (given, got) in pairs {
                    // Half precision rounds to within 2^-11 of the value.
                    assert!((given - got).abs() <= given.abs() / 2048.0, "{given} became {got}");
                }
                assert_eq!((given.dense.len(), given.sparse.values.len()), (got.dense.len(), got.sparse.values.len()));
            }
        }
    }

    #[test]
    fn a_damaged_block_is_noticed() {
        let good = VectorBlock::pack(&[&vector(&[1.0, 2.0], &[(1, 1.0)]), &vector(&[3.0, 4.0], &[(2, 1.0)])]);
        let damages: [fn(&mut VectorBlock); 5] = [
            |block| block.dense.truncate(block.dense.len() - 1),
            |block| block.dense.truncate(6),
            |block| block.values.truncate(2),
            |block| block.ends[4] = 9,
            |block| block.ends[0] = 9,
        ];
        for (number, damage) in damages.iter().enumerate() {
            let mut block = good.clone();
            damage(&mut block);
            assert_eq!(block.unpack(), None, "damage {number}");
        }
    }

    #[test]
    fn blocks_are_neither_tiny_nor_huge() {
        let cases = [
            ((0, 10), (10, vec![])),
            ((63, 1), (1, vec![])),
            ((64, 1), (0, vec![1])),
            ((60, 300), (196, vec![104])),
            ((256, 600), (0, vec![256, 256, 88])),
            ((0, 0), (0, vec![])),
        ];
        for ((last, new), expected) in cases {
            assert_eq!(share_out(last, new), expected, "{new} after {last}");
        }
    }
}
