//! Tables that Hone wrote for spreadsheets: what is before a formula there is taken away again. In all other tables an apostrophe is
//! part of its cell, for nobody knows who wrote it.

use crate::pipeline::export::spreadsheet::{DEFUSED_COLUMN, undo};

/// What the person is told, once a file.
pub(super) const REMARK: &str =
    "has the apostrophes before formulas that Hone writes for spreadsheets: they were taken away again";

/// The place of the column that tells of each row whether it got apostrophes.
pub(super) fn defused_column<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
    names.into_iter().position(|name| name.trim() == DEFUSED_COLUMN)
}

/// Takes the apostrophes away from the names of the columns.
pub(super) fn undo_names(names: &mut [String]) {
    undo_cells(names);
}

/// Takes the apostrophes away from a row, if its cell at `place` says that it got some; whether there were any.
pub(super) fn undo_row(cells: &mut [String], place: usize) -> bool {
    let got_some = cells.get(place).and_then(|count| count.trim().parse::<u32>().ok()).is_some_and(|count| count > 0);
    got_some && undo_cells(cells)
}

fn undo_cells(cells: &mut [String]) -> bool {
    let mut any = false;
    for cell in cells {
        if let Some(before) = undo(cell) {
            *cell = before.to_owned();
            any = true;
        }
    }
    any
}
