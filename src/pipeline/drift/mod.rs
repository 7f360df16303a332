//! Deterioration: does the deployed model still hold on new data, and which way back is cheaper?
//!
//! Invariant: compares what it is given, a batch with a reference; never a project, a clock or a store.

pub mod judge;
pub mod ways;
