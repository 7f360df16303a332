//! One screen a file, and the dialogs that belong to it.

pub mod start;
pub mod projects;
pub mod import;
pub mod label;
pub mod card;
pub mod insight;
pub mod data;
pub mod toolbar;
pub mod selection;
pub mod tile;
pub mod batches;
pub mod review;
pub mod models;
pub mod monitor;
pub mod settings;
pub mod glossary;
