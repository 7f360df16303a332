//! Label quality: which labels are likely wrong.

mod rounding;
pub mod confident_learning;
pub mod label_quality;
pub mod filter;

#[cfg(test)]
mod parity;
