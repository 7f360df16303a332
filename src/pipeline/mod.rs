//! What Hone computes, in the order the data flows.
//!
//! Invariant: pure and synchronous. No I/O, no clock, no browser; time and seed are arguments.

pub mod item;
pub mod import;
pub mod features;
pub mod model;
pub mod predict;
pub mod rank;
pub mod class_name;
pub mod label;
pub mod train;
#[cfg(feature = "engine")]
pub mod experiment;
pub mod search;
pub mod evaluate;
pub mod quality;
pub mod regression;
pub mod drift;
pub mod triage;
pub mod gate;
pub mod simulate;
pub mod export;
pub mod log;
