//! Whether the parts of a project file fit together: what is read once is relied on ever after.

use super::{ArchiveError, Snapshot};
use crate::pipeline::item::{Content, Item, Kind};
use crate::pipeline::label::{MOST_CLASSES, places_are_plausible};
use crate::storage::records::ProjectRecord;

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

fn fits(item: &Item, project: &ProjectRecord) -> bool {
    match (&item.content, project.kind) {
        (Content::Image | Content::Text(_), Kind::Image | Kind::Text) => true,
        (Content::Row(cells), Kind::Table) => cells.len() == project.columns.len(),
        _ => false,
    }
}
