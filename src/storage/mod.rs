//! What is kept: projects, items, the label log, media, vectors, models.
//!
//! Invariant: knows the pipeline's types but computes nothing. Both stores offer the same functions; which one
//! `Store` is depends on the platform alone.

use crate::pipeline::item::ContentHash;

pub mod archive;
#[cfg(any(not(target_arch = "wasm32"), feature = "worker"))]
pub mod media;
pub mod records;
#[cfg(feature = "engine")]
pub mod vector_block;

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod database;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub mod browser;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub use browser::{Media, Store};

#[cfg(not(target_arch = "wasm32"))]
pub mod memory;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::{Media, Store};

/// What a removed import takes with it when it goes for good, and what moves up to close the gap.
#[derive(Debug, Clone, Copy)]
pub struct Purge<'a> {
    /// The first place among the items that changes.
    pub from: u32,
    /// The items that stay, from that place on, at their new places.
    pub stay: &'a [records::ItemRecord],
    /// The items that go.
    pub gone: &'a [ContentHash],
    /// The ids of the log's events that go with them.
    pub events: &'a [String],
    /// The imports' records as they are from then on.
    pub batches: &'a [records::BatchRecord],
}

/// Under which name vectors are kept that a project's file brought. They serve that project alone: what a stranger computed, or made up,
/// for some content is not what this device would have, and the cache under the extractor's own name serves every project.
pub fn brought_with(project: &str, feature_id: &str) -> String {
    format!("{feature_id}{BROUGHT}{project}")
}

const BROUGHT: char = '@';

/// Whether a project's file brought what is kept under this name.
#[cfg(any(not(target_arch = "wasm32"), feature = "worker"))]
fn is_brought_with(project: &str, name: &str) -> bool {
    name.rsplit_once(BROUGHT).is_some_and(|(_, owner)| owner == project)
}

/// Why the store could not do it, in words for the user: what happened, what is safe, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The device is full.
    #[error(
        "This browser's storage is full. Everything saved so far is safe. Free some space or export a project, then try again."
    )]
    Full,
    /// Another tab holds the lock.
    #[error(
        "Another tab of this browser labels at the moment. Nothing was changed here. Press “Take over here”, or close that tab."
    )]
    ReadOnly,
    /// This page is older than what is stored.
    #[error(
        "A newer version of Hone has been opened in this browser. Everything saved is safe. Reload this page to go on."
    )]
    Outdated,
    /// There is no database to be had.
    #[error(
        "This browser offers no storage to this page, as in some private windows or where site data are blocked. Nothing could be kept, so \
         nothing is begun. Allow site data for this page, or open it in an ordinary window."
    )]
    Absent,
    /// Somebody deleted the database while it was open.
    #[error(
        "Hone’s storage in this browser was deleted while this page was open, as when site data are cleared. What it held is gone from \
         here, and nothing can be stored now. What this page still knows can be saved: export the label log or save the unsaved labels \
         as a file. Then reload the page."
    )]
    Deleted,
    /// The browser took it away while it was open.
    #[error(
        "The browser closed Hone’s storage while this page was open: site data were cleared, the disk is full, or it fails. Nothing can be \
         stored now; what was saved may be gone. What this page still knows can be saved: export the label log or save the unsaved \
         labels as a file. Then reload the page and look."
    )]
    Lost,
    /// Records that can't be read.
    #[error(
        "{0} stored records can’t be read and are left out, as after a crash of the disk or an edit by another program. All others are \
         here. Save a copy of the project now; a backup from before may hold what is missing."
    )]
    Damaged(u32),
    /// Features that can't be read.
    #[error(
        "The stored features of {0} items were damaged, as by a crash of the disk. They are computed again; no label is touched."
    )]
    DamagedFeatures(u32),
    /// A record that is needed can't be read.
    #[error(
        "What is stored of this can’t be read ({0}), as after a crash of the disk or an edit by another program. Nothing was changed. Its \
         labels can still be saved as a file; a backup brings back the rest."
    )]
    Unreadable(String),
    /// Anything else, with the platform's own words.
    #[error(
        "The browser's storage did not answer ({0}). What was saved before is safe. Reload the page; if it persists, restart the browser."
    )]
    Platform(String),
}
