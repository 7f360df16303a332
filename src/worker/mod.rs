//! The session worker and the embed workers.
//!
//! Invariant: knows of no screen. `session` is platform-free and runs natively in tests; what needs a browser is
//! behind `wasm32`.

pub mod session;
