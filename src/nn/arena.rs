//! The memory that one pass through the network works in, allocated once and lent out again and again.

use super::arithmetic::Arithmetic;
use std::sync::{Mutex, PoisonError};

/// One pass's buffers, each as large as its largest use.
#[derive(Debug)]
pub(super) struct Arena<A: Arithmetic> {
    /// The image with its margin: side padded² × 3.
    pub pixels: Vec<A::Value>,
    /// One line of the first convolution's windows.
    pub windows: Vec<A::Value>,
    /// What flows between blocks: side² × channels; lastly what the head makes of it.
    pub stream: Vec<f32>,
    /// The stream as a product's inputs.
    pub inputs: Vec<A::Value>,
    /// A band of a block's wide activations with their margin: groups of lines × side padded × channels × lines of a group.
    pub wide: Vec<A::Value>,
    /// The band's convolved activations: lines × side out × channels.
    pub convolved: Vec<A::Value>,
    /// What products work in.
    pub scratch: Vec<A::Value>,
}

/// How long each buffer of an arena must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ArenaSizes {
    pub pixels: usize,
    pub windows: usize,
    pub stream: usize,
    pub inputs: usize,
    pub wide: usize,
    pub convolved: usize,
    pub scratch: usize,
}

impl ArenaSizes {
    /// The larger of each.
    pub(super) fn or_larger(self, other: ArenaSizes) -> ArenaSizes {
        ArenaSizes {
            pixels: self.pixels.max(other.pixels),
            windows: self.windows.max(other.windows),
            stream: self.stream.max(other.stream),
            inputs: self.inputs.max(other.inputs),
            wide: self.wide.max(other.wide),
            convolved: self.convolved.max(other.convolved),
            scratch: self.scratch.max(other.scratch),
        }
    }
}

impl<A: Arithmetic> Arena<A> {
    fn new(sizes: &ArenaSizes) -> Self {
        Arena {
            pixels: vec![A::Value::default(); sizes.pixels],
            windows: vec![A::Value::default(); sizes.windows],
            stream: vec![0.0; sizes.stream],
            inputs: vec![A::Value::default(); sizes.inputs],
            wide: vec![A::Value::default(); sizes.wide],
            convolved: vec![A::Value::default(); sizes.convolved],
            scratch: vec![A::Value::default(); sizes.scratch],
        }
    }
}

/// Arenas not in use: one for each thread that ever embedded at the same time.
#[derive(Debug)]
pub(super) struct Arenas<A: Arithmetic> {
    sizes: ArenaSizes,
    idle: Mutex<Vec<Arena<A>>>,
}

impl<A: Arithmetic> Arenas<A> {
    pub(super) fn new(sizes: ArenaSizes) -> Self {
        Arenas { sizes, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `pass` in an idle arena, or in a new one if there is none. Its contents are what the last pass left.
    pub(super) fn with<R>(&self, pass: impl FnOnce(&mut Arena<A>) -> R) -> R {
        // A pass that panicked holds no lock and took its arena along.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let arena = idle().pop();
        let mut arena = arena.unwrap_or_else(|| Arena::new(&self.sizes));
        let result = pass(&mut arena);
        idle().push(arena);
        result
    }
}
