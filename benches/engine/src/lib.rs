//! What the benchmark's page runs of Hone against other runtimes, compiled as its workers are; apart from the rest, so that its
//! cold start is that of an image network. For a browser; elsewhere there is nothing in it.

#[cfg(target_arch = "wasm32")]
pub mod images;
#[cfg(target_arch = "wasm32")]
pub mod heads;
