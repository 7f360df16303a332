//! The network's weights from a safetensors file, widened to `f32` and put in the order the kernels read them.

use super::NetworkError;
use half::f16;
use safetensors::{Dtype, SafeTensors};

/// An opened weight file.
pub(super) struct Weights<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> Weights<'a> {
    /// Reads the header; the numbers stay where they are.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Weights<'a>, NetworkError> {
        Ok(Weights { tensors: SafeTensors::deserialize(bytes)? })
    }

    /// The tensor `name` as `f32`, row-major, after checking its shape.
    pub(super) fn read(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NetworkError> {
        let tensor = self.tensors.tensor(name).map_err(|_| NetworkError::Missing { name: name.to_owned() })?;
        if tensor.shape() != shape {
            return Err(NetworkError::Shape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: tensor.shape().to_vec(),
            });
        }
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F16 => {
                Ok(data.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect())
            }
            Dtype::F32 => {
                Ok(data.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
            }
            other => Err(NetworkError::Storage { name: name.to_owned(), found: format!("{other:?}") }),
        }
    }
}
