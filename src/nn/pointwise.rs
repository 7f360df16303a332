//! Matrix products by candle: the pointwise (1 × 1) convolutions, and the first convolution once unfolded.

use super::weights::{Weights, transposed};
use super::{Activation, NetworkError};
use candle_core::{Device, Tensor};

/// A matrix product with a bias, followed by an activation.
#[derive(Debug)]
pub(super) struct Pointwise {
    columns_in: usize,
    /// columns_in × columns_out.
    weights: Tensor,
    bias: Vec<f32>,
    activation: Activation,
}

impl Pointwise {
    /// Reads `NAME.weight` (columns out × columns in × 1 × 1) and `NAME.bias` (columns out).
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        columns_in: usize,
        columns_out: usize,
        activation: Activation,
    ) -> Result<Pointwise, NetworkError> {
        let stored = weights.read(&format!("{name}.weight"), &[columns_out, columns_in, 1, 1])?;
        let bias = weights.read(&format!("{name}.bias"), &[columns_out])?;
        Pointwise::new(transposed(&stored, columns_out, columns_in), bias, columns_in, activation)
    }

    /// `weights` is columns in × columns out, row-major; `bias` has an entry for each column out.
    pub(super) fn new(
        weights: Vec<f32>,
        bias: Vec<f32>,
        columns_in: usize,
        activation: Activation,
    ) -> Result<Pointwise, NetworkError> {
        let weights = Tensor::from_vec(weights, (columns_in, bias.len()), &Device::Cpu)?;
        Ok(Pointwise { columns_in, weights, bias, activation })
    }

    /// `values` is rows × columns in; returns rows × columns out.
    pub(super) fn forward(&self, values: Vec<f32>) -> Result<Vec<f32>, NetworkError> {
        let rows = values.len() / self.columns_in;
        let product = Tensor::from_vec(values, (rows, self.columns_in), &Device::Cpu)?.matmul(&self.weights)?;
        let mut values: Vec<f32> = product.flatten_all()?.to_vec1()?;
        for row in values.chunks_exact_mut(self.bias.len()) {
            let biased = row.iter_mut().zip(&self.bias);
            match self.activation {
                Activation::Linear => biased.for_each(|(value, bias)| *value += bias),
                Activation::Relu6 => biased.for_each(|(value, bias)| *value = (*value + bias).clamp(0.0, 6.0)),
            }
        }
        Ok(values)
    }
}
