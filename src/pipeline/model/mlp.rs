//! A network with one hidden layer; how it is trained is in `mlp_fit.rs`.

use ndarray::{Array2, ArrayView1, ArrayView2};

/// Logits = output weights · max(0, hidden weights · x + hidden bias) + output bias, for raw dense rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// H × d.
    pub hidden_weights: Array2<f32>,
    /// H.
    pub hidden_bias: Vec<f32>,
    /// K × H.
    pub output_weights: Array2<f32>,
    /// K; [`super::linear::ABSENT_INTERCEPT`] where the class had no label.
    pub output_bias: Vec<f32>,
}

impl Mlp {
    /// n × K logits of these dense rows.
    pub fn logits(&self, rows: ArrayView2<f32>) -> Array2<f32> {
        let mut hidden = rows.dot(&self.hidden_weights.t());
        hidden += &ArrayView1::from(&self.hidden_bias);
        hidden.mapv_inplace(|value| value.max(0.0));
        let mut logits = hidden.dot(&self.output_weights.t());
        logits += &ArrayView1::from(&self.output_bias);
        logits.as_standard_layout().into_owned()
    }

    /// Multiply-adds that predicting one row costs.
    pub fn work_per_row(&self) -> usize {
        self.hidden_weights.len() + self.output_weights.len()
    }
}
