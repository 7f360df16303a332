//! What of the items themselves is compared: a table's columns, and what is measured of images and texts.

use super::super::Project;
use crate::pipeline::drift::NamedColumn;
use crate::pipeline::drift::describe::{table_columns, text_columns};
use crate::pipeline::drift::looks::{Looks, look_columns};
use crate::pipeline::item::{Content, Kind};

impl Project {
    /// The columns of these feature rows' items, the reference's beside the batch's.
    pub(super) fn columns_to_compare(&self, reference: &[usize], batch: &[usize]) -> Vec<NamedColumn> {
        let content = |row: &usize| &self.items[self.item_of[*row] as usize].content;
        let text = |row: &usize| match content(row) {
            Content::Text(text) => text.as_str(),
            _ => "",
        };
        let cells = |row: &usize| match content(row) {
            Content::Row(cells) => cells.as_slice(),
            _ => &[],
        };
        match self.record.kind {
            Kind::Text => text_columns(reference.iter().map(text), batch.iter().map(text)),
            Kind::Table => {
                let (reference, batch): (Vec<&[String]>, Vec<&[String]>) =
                    (reference.iter().map(cells).collect(), batch.iter().map(cells).collect());
                table_columns(&self.record.columns, &reference, &batch)
            }
            Kind::Image => {
                // Images of an earlier release were not looked at.
                let looks = |rows: &[usize]| -> Vec<Looks> {
                    rows.iter().filter_map(|row| self.looks.get(&self.item_of[*row]).copied()).collect()
                };
                look_columns(&looks(reference), &looks(batch))
            }
        }
    }
}
