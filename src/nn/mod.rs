//! Tensors and kernels: the image backbone's forward pass. Invariant: knows of no item, label or project.
//!
//! Activations are `f32`, one image at a time, height × width × channels with the channels innermost: a pointwise
//! convolution is then one matrix product, and every kernel reads memory in order.

pub mod lite0;
mod depthwise;
mod pointwise;
mod weights;

pub use lite0::{EMBEDDING_COLUMNS, Lite0};

/// Why the network could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The bytes are not safetensors.
    #[error("the network's weights cannot be read ({0}); install them again with `cargo xtask models`")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor is not there.
    #[error("the network's weights lack the tensor `{name}`; install them again with `cargo xtask models`")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// A tensor is of another shape than this network's.
    #[error("the tensor `{name}` has the shape {found:?}, this network needs {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// What the network needs.
        expected: Vec<usize>,
        /// What the file has.
        found: Vec<usize>,
    },
    /// A tensor's numbers are stored in a way this reader does not know.
    #[error("the tensor `{name}` is stored as {found}, not as F16 or F32")]
    Storage {
        /// The tensor.
        name: String,
        /// How it is stored.
        found: String,
    },
    /// candle refused a product.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// One image's activations between two layers.
#[derive(Debug, Clone)]
struct Activations {
    /// Pixels along each side; the network's inputs and all that follows are square.
    side: usize,
    /// side × side × channels, row-major, channels innermost; each layer knows how many channels it takes.
    values: Vec<f32>,
}

/// What follows a layer's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activation {
    /// Nothing: the narrow ends of a block are linear.
    Linear,
    /// min(max(x, 0), 6).
    Relu6,
}

/// How many pixels an output side has, and how many pixels of zeros precede the input, in TensorFlow's "SAME"
/// padding: the padding is split evenly and an odd pixel goes *after*, unlike PyTorch's symmetric padding.
fn same_padding(side: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let out = side.div_ceil(stride);
    let padding = ((out - 1) * stride + kernel).saturating_sub(side);
    (out, padding / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_pixel_after() {
        let check = |side, kernel, stride, expected| assert_eq!(same_padding(side, kernel, stride), expected);
        check(224, 3, 2, (112, 0));
        check(112, 3, 1, (112, 1));
        check(112, 5, 2, (56, 1));
        check(7, 5, 1, (7, 2));
    }
}
