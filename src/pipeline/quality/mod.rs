//! Label quality: which labels are likely wrong.
//!
//! Everything here judges labels by predictions made without them; nothing changes a label.

mod rounding;
pub mod confident_learning;
pub mod label_quality;
pub mod filter;
#[cfg(feature = "engine")]
pub mod out_of_fold;
pub mod neighbour_votes;
pub mod suspects;
pub mod why;

#[cfg(test)]
mod parity;
