//! The screens. Invariant: never calls storage or training; asks the session and shows what it says.
//!
//! The first modules are pure and are tested on any machine; those below need a browser.

pub mod route;
pub mod hotkey;
pub mod deck;
pub mod outbox;
pub mod ids;
pub mod format;
pub mod words;
pub mod run_columns;
pub mod order;
pub mod text;
pub mod fuzzy;
pub mod import_words;
pub mod plan_edit;
pub mod destination;
pub mod parts;

#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod app;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod state;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod actions;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod keeping;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod imports;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod experiments;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod review;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod monitor;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod mlflow;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod commands;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod screens;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod media;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod privacy;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod theme;
#[cfg(all(target_arch = "wasm32", feature = "ui"))]
pub mod dom;
