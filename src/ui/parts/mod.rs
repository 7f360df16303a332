//! What more than one screen is made of.

pub mod window;
pub mod chart;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod action;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod bar;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod dialog;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod frame;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod icon;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod jobs;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod keys;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod live;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod menu;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod palette;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod picture;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod rows;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod show;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod toast;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod triage_bar;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod views;
