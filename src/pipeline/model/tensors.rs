//! A head as safetensors bytes, and back: the form in which it is stored and taken away.

use super::linear::{Linear, by_columns};
use ndarray::Array2;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

/// Why bytes are not a head.
#[derive(Debug, thiserror::Error)]
pub enum TensorsError {
    /// Not safetensors at all, or damaged.
    #[error("This is not a safetensors file ({0}).")]
    Container(#[from] safetensors::SafeTensorError),
    /// A tensor is missing or of another type or shape.
    #[error("The tensor `{0}` is missing or not of the expected shape and type (f32).")]
    Tensor(&'static str),
}

/// Tensors `dense` (K × d), `sparse` (K × s, s may be 0) and `intercepts` (K), all f32 little-endian.
pub fn head_to_tensors(head: &Linear) -> Result<Vec<u8>, TensorsError> {
    let bytes = |values: &mut dyn Iterator<Item = f32>| -> Vec<u8> { values.flat_map(f32::to_le_bytes).collect() };
    let dense = bytes(&mut head.dense.iter().copied());
    let sparse = bytes(&mut head.sparse.iter().copied());
    let intercepts = bytes(&mut head.intercepts.iter().copied());
    let classes = head.classes();
    let tensors = [
        ("dense", TensorView::new(Dtype::F32, vec![classes, head.dense.ncols()], &dense)?),
        ("sparse", TensorView::new(Dtype::F32, vec![classes, head.sparse.ncols()], &sparse)?),
        ("intercepts", TensorView::new(Dtype::F32, vec![classes], &intercepts)?),
    ];
    Ok(serialize(tensors, None)?)
}

/// The inverse of [`head_to_tensors`].
pub fn head_from_tensors(bytes: &[u8]) -> Result<Linear, TensorsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let matrix = |name: &'static str| -> Result<Array2<f32>, TensorsError> {
        let view = file.tensor(name)?;
        let &[rows, columns] = view.shape() else { return Err(TensorsError::Tensor(name)) };
        Array2::from_shape_vec((rows, columns), floats(&view, name)?).map_err(|_| TensorsError::Tensor(name))
    };
    let (dense, sparse) = (matrix("dense")?, matrix("sparse")?);
    let intercepts = floats(&file.tensor("intercepts")?, "intercepts")?;
    if dense.nrows() != intercepts.len() || sparse.nrows() != intercepts.len() {
        return Err(TensorsError::Tensor("intercepts"));
    }
    Ok(Linear { dense, sparse: by_columns(sparse), intercepts })
}

fn floats(view: &TensorView<'_>, name: &'static str) -> Result<Vec<f32>, TensorsError> {
    if view.dtype() != Dtype::F32 {
        return Err(TensorsError::Tensor(name));
    }
    let words = view.data().chunks_exact(4);
    Ok(words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_bytes_and_damage_is_told() {
        for sparse_columns in [0, 3] {
            let head = Linear {
                dense: Array2::from_shape_fn((2, 4), |(k, j)| k as f32 - 0.5 * j as f32),
                sparse: Array2::from_elem((2, sparse_columns), 0.25),
                intercepts: vec![1.0, -1.0],
            };
            let bytes = head_to_tensors(&head).expect("a well-formed head");
            let back = head_from_tensors(&bytes).expect("the bytes just written");
            assert_eq!((&back.dense, &back.sparse, &back.intercepts), (&head.dense, &head.sparse, &head.intercepts));
            assert!(head_from_tensors(&bytes[..bytes.len() - 3]).is_err());
        }
        assert!(head_from_tensors(b"not a model").is_err());
    }
}
