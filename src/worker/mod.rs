//! The session worker and the embed workers.
//!
//! Invariant: knows of no screen. `session` is platform-free and runs natively in tests; what needs a browser is
//! behind `wasm32`.

pub mod jobs;
pub mod session;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod import_job;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod serve;

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod pool;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod helper;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod embed_wire;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod embed;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod extract;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod picture;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod weights;
