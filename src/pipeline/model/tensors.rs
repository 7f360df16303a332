//! A linear head as safetensors bytes, and back: the form in which it is stored and taken away; and what reads and writes tensors
//! for heads of every kind.

use super::linear::Linear;
use super::sparse_weights::SparseWeights;
use ndarray::Array2;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::HashMap;

/// The widest sparse half that is believed: 64 times Hone's.
const WIDEST: usize = 1 << 24;
/// The note that says how many columns `sparse_columns` numbers.
const SPARSE_WIDTH: &str = "sparse_width";

/// Why bytes are not a head.
#[derive(Debug, thiserror::Error)]
pub enum TensorsError {
    /// Not safetensors at all, or damaged.
    #[error("This is not a safetensors file ({0}).")]
    Container(#[from] safetensors::SafeTensorError),
    /// A tensor is missing or of another type or shape.
    #[error("The tensor `{0}` is missing or not of the expected shape and type.")]
    Tensor(&'static str),
    /// A weight that would make every score one, too.
    #[error("The tensor `{0}` holds something that is not a finite number.")]
    NotFinite(&'static str),
}

/// Whether a tensor's shape or values make sense.
pub fn expect(name: &'static str, holds: bool) -> Result<(), TensorsError> {
    if holds { Ok(()) } else { Err(TensorsError::Tensor(name)) }
}

/// Tensors `dense` (K × d) and `intercepts` (K), f32 little-endian, and for the sparse half `sparse` (K × s, s may be 0) with
/// `sparse_columns` (s, u32, ascending: which of the `sparse_width` hashed columns each is).
///
/// # Errors
/// If a tensor does not have the shape it says, which would be a fault of Hone's.
pub fn head_to_tensors(head: &Linear) -> Result<Vec<u8>, TensorsError> {
    let mut file = Writer::default();
    file.linear(head);
    file.finish()
}

/// The inverse of [`head_to_tensors`]; reads files of earlier releases, whose `sparse` has all columns, too.
///
/// # Errors
/// If the bytes are not safetensors, are damaged, or hold something else.
pub fn head_from_tensors(bytes: &[u8]) -> Result<Linear, TensorsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let notes = metadata.metadata().clone().unwrap_or_default();
    Reader { file: SafeTensors::deserialize(bytes)?, notes: &notes }.linear()
}

/// Gathers tensors before they are written all at once.
#[derive(Default)]
pub struct Writer {
    tensors: Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>,
    notes: HashMap<String, String>,
}

impl Writer {
    /// Its three tensors, or four.
    pub fn linear(&mut self, head: &Linear) {
        self.matrix("dense", &head.dense);
        let (columns, classes) = (head.sparse.columns(), head.classes());
        let weights = head.sparse.by_class().flat_map(f32::to_le_bytes).collect();
        self.tensors.push(("sparse", Dtype::F32, vec![classes, columns.len()], weights));
        self.vector("intercepts", &head.intercepts);
        if head.sparse.width() > 0 {
            self.numbers("sparse_columns", columns.iter().copied());
            self.note(SPARSE_WIDTH, head.sparse.width());
        }
    }

    /// Rows one after the other.
    pub fn matrix(&mut self, name: &'static str, values: &Array2<f32>) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name, Dtype::F32, values.shape().to_vec(), bytes));
    }

    /// Numbers with a fraction.
    pub fn vector(&mut self, name: &'static str, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name, Dtype::F32, vec![values.len()], bytes));
    }

    /// Whole numbers.
    pub fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u32>) {
        let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
        self.tensors.push((name, Dtype::U32, vec![bytes.len() / 4], bytes));
    }

    /// An entry of the metadata.
    pub fn note(&mut self, name: &str, value: impl ToString) {
        self.notes.insert(name.into(), value.to_string());
    }

    /// The file.
    ///
    /// # Errors
    /// If a tensor does not have the shape it says, which would be a fault of Hone's.
    pub fn finish(self) -> Result<Vec<u8>, TensorsError> {
        let views: Result<Vec<_>, _> = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect();
        let views: Vec<(&str, TensorView<'_>)> = views.map_err(|error: safetensors::SafeTensorError| error)?;
        let notes = (!self.notes.is_empty()).then_some(self.notes);
        Ok(serialize(views, notes)?)
    }
}

/// What a file holds, each tensor checked as it is read.
pub struct Reader<'a> {
    /// The tensors.
    pub file: SafeTensors<'a>,
    /// The metadata.
    pub notes: &'a HashMap<String, String>,
}

impl Reader<'_> {
    /// See [`Writer::linear`].
    ///
    /// # Errors
    /// Names the tensor that is wrong.
    pub fn linear(&self) -> Result<Linear, TensorsError> {
        let (dense, intercepts) = (self.matrix("dense")?, self.vector("intercepts")?);
        let sparse = self.matrix("sparse")?;
        let classes = intercepts.len();
        expect("intercepts", dense.nrows() == classes && sparse.nrows() == classes)?;
        let columns = sparse.ncols();
        let sparse = if self.notes.contains_key(SPARSE_WIDTH) {
            let (width, numbers) = (self.note::<usize>(SPARSE_WIDTH)?, self.numbers("sparse_columns")?);
            expect(SPARSE_WIDTH, width <= WIDEST)?;
            expect("sparse_columns", numbers.len() == columns)?;
            expect("sparse_columns", numbers.windows(2).all(|pair| pair[0] < pair[1]))?;
            expect("sparse_columns", numbers.last().is_none_or(|&last| (last as usize) < width))?;
            let by_column: Vec<f32> = sparse.t().iter().copied().collect();
            SparseWeights::of_columns(classes, width, &numbers, &by_column)
        } else {
            let rows: Vec<f32> = sparse.iter().copied().collect();
            SparseWeights::of_rows(classes, columns, &rows)
        };
        Ok(Linear { dense, sparse, intercepts })
    }

    /// An entry of the metadata.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn note<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, TensorsError> {
        self.notes.get(name).and_then(|value| value.parse().ok()).ok_or(TensorsError::Tensor(name))
    }

    fn words(&self, name: &'static str, dtype: Dtype) -> Result<(Vec<usize>, Vec<[u8; 4]>), TensorsError> {
        let view = self.file.tensor(name)?;
        expect(name, view.dtype() == dtype)?;
        let words = view.data().chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]);
        Ok((view.shape().to_vec(), words.collect()))
    }

    fn floats(&self, name: &'static str) -> Result<(Vec<usize>, Vec<f32>), TensorsError> {
        let (shape, words) = self.words(name, Dtype::F32)?;
        let values: Vec<f32> = words.into_iter().map(f32::from_le_bytes).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(TensorsError::NotFinite(name));
        }
        Ok((shape, values))
    }

    /// Of two dimensions, finite.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn matrix(&self, name: &'static str) -> Result<Array2<f32>, TensorsError> {
        let (shape, values) = self.floats(name)?;
        let &[rows, columns] = shape.as_slice() else { return Err(TensorsError::Tensor(name)) };
        Array2::from_shape_vec((rows, columns), values).map_err(|_| TensorsError::Tensor(name))
    }

    /// Finite numbers, of any shape.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn vector(&self, name: &'static str) -> Result<Vec<f32>, TensorsError> {
        Ok(self.floats(name)?.1)
    }

    /// Whole numbers.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn numbers(&self, name: &'static str) -> Result<Vec<u32>, TensorsError> {
        Ok(self.words(name, Dtype::U32)?.1.into_iter().map(u32::from_le_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(width: usize) -> Linear {
        let columns: Vec<u32> = [7, 2].into_iter().filter(|&column| (column as usize) < width).collect();
        let weights: Vec<f32> = (0..2 * columns.len()).map(|at| at as f32 + 0.25).collect();
        Linear {
            dense: Array2::from_shape_fn((2, 4), |(k, j)| k as f32 - 0.5 * j as f32),
            sparse: SparseWeights::of_columns(2, width, &columns, &weights),
            intercepts: vec![1.0, -1.0],
        }
    }

    #[test]
    fn a_head_survives_its_bytes_and_damage_is_told() {
        for width in [0, 5, 300] {
            let bytes = head_to_tensors(&head(width)).expect("a well-formed head");
            assert_eq!(head_from_tensors(&bytes).expect("the bytes just written"), head(width));
            assert!(head_from_tensors(&bytes[..bytes.len() - 3]).is_err());
        }
        assert!(head_from_tensors(b"not a model").is_err());
    }

    #[test]
    fn a_file_of_an_earlier_release_with_all_columns_is_read() {
        let mut file = Writer::default();
        file.matrix("dense", &head(10).dense);
        file.matrix(
            "sparse",
            &Array2::from_shape_fn((2, 10), |(class, column)| head(10).sparse.get(class, column as u32)),
        );
        file.vector("intercepts", &[1.0, -1.0]);
        assert_eq!(head_from_tensors(&file.finish().expect("three tensors")).expect("a head"), head(10));
    }

    #[test]
    fn columns_out_of_range_and_weights_that_are_no_numbers_are_told() {
        let with = |columns: &[u32], width: usize, weight: f32| {
            let mut file = Writer::default();
            file.matrix("dense", &head(10).dense);
            file.matrix("sparse", &Array2::from_elem((2, columns.len()), weight));
            file.vector("intercepts", &[1.0, -1.0]);
            file.numbers("sparse_columns", columns.iter().copied());
            file.note(SPARSE_WIDTH, width);
            head_from_tensors(&file.finish().expect("four tensors"))
        };
        assert!(with(&[3, 8], 10, 1.0).is_ok());
        for (columns, width, weight) in [
            (&[8, 3][..], 10, 1.0),
            (&[3, 3], 10, 1.0),
            (&[3, 10], 10, 1.0),
            (&[3], WIDEST + 1, 1.0),
            (&[3, 8], 10, f32::NAN),
        ] {
            let refused = with(columns, width, weight).map(|_| ());
            assert!(refused.is_err(), "{columns:?} of {width}, weights {weight}");
        }
    }
}
