//! Hone: label images, texts or tables while a small classifier learns beside you, on your own device.
//!
//! The modules, in the order the data flows. `ARCHITECTURE.md` gives the bird's-eye view.

pub mod pipeline;
#[cfg(feature = "engine")]
pub mod nn;
#[cfg(feature = "picture")]
pub mod picture;
pub mod protocol;
pub mod storage;
#[cfg(feature = "engine")]
pub mod worker;
#[cfg(all(target_arch = "wasm32", feature = "browser"))]
pub mod browser;
pub mod ui;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg_attr(not(feature = "engine"), allow(dead_code, reason = "the image network alone multiplies integers"))]
mod lanes;
