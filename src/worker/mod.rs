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
