//! Whether the parts of a project file fit together: what is read once is relied on ever after.

use super::{ArchiveError, Snapshot};
use crate::pipeline::item::{Content, Item, Kind};
use crate::pipeline::label::{MOST_CLASSES, places_are_plausible};
use crate::storage::records::ProjectRecord;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// No more classes than can be learnt, imports in order, every item of one of them, and rows, as wide as the table, in tables alone.
///
/// # Errors
/// Names the line that does not fit.
pub(super) fn fit_together(snapshot: &Snapshot) -> Result<(), ArchiveError> {
    let damaged = |file: &str, place: usize, what: &str| {
        Err(ArchiveError::Damaged(format!("{file}, line {}: {what}", place + 1)))
    };
    if snapshot.project.classes.len() > MOST_CLASSES {
        return Err(ArchiveError::TooManyClasses(snapshot.project.classes.len()));
    }
    if !places_are_plausible(&snapshot.events) {
        return Err(ArchiveError::Damaged(
            "events.jsonl: decisions have places in the order that no log reaches".to_owned(),
        ));
    }
    if let Some(place) = (0..).zip(&snapshot.batches).position(|(place, batch)| batch.index != place) {
        return damaged("batches.jsonl", place, "imports are not in order");
    }
    for (place, record) in snapshot.items.iter().enumerate() {
        if record.item.batch as usize >= snapshot.batches.len() {
            return damaged("items.jsonl", place, "its import is not in the file");
        }
        if !fits(&record.item, &snapshot.project) {
            return damaged("items.jsonl", place, "it is not of the project’s kind and columns");
        }
    }
    Ok(())
}

/// What one part may take, unpacked, by how its name begins. A million events are 300 MB, the features of 100,000 images 250.
const LARGEST: [(&str, u64); 6] = [
    ("manifest.json", 64 << 20),
    ("batches.jsonl", 256 << 20),
    ("runs.jsonl", 256 << 20),
    ("certificates.jsonl", 256 << 20),
    ("artifacts/", 512 << 20),
    ("", 1 << 30),
];
/// All parts but the images, which are read one by one, are in memory together.
const LARGEST_SUM: u64 = 2 << 30;
/// More than this many times its packed size no part is that Hone wrote, if it is not small anyway.
const LARGEST_RATIO: u64 = 200;
const RATIO_FREE: u64 = 4 << 20;

/// Refuses a file whose parts would take more memory than any real project's, before anything is unpacked. What the file claims of its
/// parts' sizes is held to when they are read.
///
/// # Errors
/// Names the part.
pub(super) fn within_limits<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<(), ArchiveError> {
    let mut sum = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| ArchiveError::Damaged(format!("entry {index}")))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        let name = entry.name().map_err(|_| ArchiveError::Damaged(format!("entry {index}")))?;
        if name.starts_with("media/") {
            continue;
        }
        sum = sum.saturating_add(size);
        let most = LARGEST.iter().find(|(start, _)| name.starts_with(start)).map_or(0, |(_, most)| *most);
        if size > most || sum > LARGEST_SUM || (size > RATIO_FREE && size / packed.max(1) > LARGEST_RATIO) {
            return Err(ArchiveError::TooLarge(name.into_owned(), size >> 20));
        }
    }
    Ok(())
}

fn fits(item: &Item, project: &ProjectRecord) -> bool {
    match (&item.content, project.kind) {
        (Content::Image | Content::Text(_), Kind::Image | Kind::Text) => true,
        (Content::Row(cells), Kind::Table) => cells.len() == project.columns.len(),
        _ => false,
    }
}
