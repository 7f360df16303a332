//! Tensors and kernels: the image backbone's forward pass. Invariant: knows of no item, label or project.
//!
//! One image at a time, height × width × channels with the channels innermost: a pointwise convolution is then one matrix
//! product, and every kernel reads memory in order. Nothing is allocated between the image and its embedding.

pub mod lite0;
mod network;
mod block;
mod stem;
mod pointwise;
mod strassen;
mod outputs;
mod depthwise;
mod arena;
mod arithmetic;
mod weights;

pub use lite0::{EMBEDDING_COLUMNS, Lite0, Precision};

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
}

/// What follows a layer's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activation {
    /// Nothing: the narrow ends of a block are linear.
    Linear,
    /// min(max(x, 0), 6).
    Relu6,
}

/// What a convolution over a square image makes of its sides, and the margin of zeros it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Padding {
    /// Pixels along a side of the input.
    side_in: usize,
    /// Pixels along a side of the output.
    side_out: usize,
    /// Pixels of zeros ahead of the input.
    before: usize,
    /// Pixels along a side of the input with its zeros.
    side_padded: usize,
}

impl Padding {
    /// TensorFlow's "SAME" padding: it is split evenly and an odd pixel goes *after*, unlike PyTorch's symmetric padding.
    fn same(side: usize, kernel: usize, stride: usize) -> Padding {
        let side_out = side.div_ceil(stride);
        let padding = ((side_out - 1) * stride + kernel).saturating_sub(side);
        Padding { side_in: side, side_out, before: padding / 2, side_padded: side + padding }
    }

    /// Lines of the padded input that so many neighbouring lines of the output need.
    fn lines_in(&self, lines_out: usize, kernel: usize, stride: usize) -> usize {
        lines_out.saturating_sub(1) * stride + kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_pixel_after() {
        let check = |side, kernel, stride, (side_out, before, side_padded)| {
            let expected = Padding { side_in: side, side_out, before, side_padded };
            assert_eq!(Padding::same(side, kernel, stride), expected);
        };
        check(224, 3, 2, (112, 0, 225));
        check(112, 3, 1, (112, 1, 114));
        check(112, 5, 2, (56, 1, 115));
        check(7, 5, 1, (7, 2, 11));
    }
}
