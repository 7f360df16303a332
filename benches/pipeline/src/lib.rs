//! What the benchmark's page runs of Hone's pipeline and session, compiled as its workers are. For a browser; elsewhere there is
//! nothing in it.

#[cfg(target_arch = "wasm32")]
pub mod texts;
#[cfg(target_arch = "wasm32")]
pub mod tables;
#[cfg(target_arch = "wasm32")]
pub mod scoring;
#[cfg(target_arch = "wasm32")]
pub mod labelling;
