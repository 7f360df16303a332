//! Finds what the build needs and installs what is missing, saying what and why. Everything goes to the user's cache,
//! except what only a package manager can give.

mod apt;
pub mod browser;
pub mod mlflow;
pub mod peers;
mod python;
pub mod toolchain;
pub mod tools;
