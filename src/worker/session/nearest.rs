//! The labelled items that are most like an item, as its card shows them.

use super::Project;
use crate::pipeline::model::products::rows_by_classes;
use crate::protocol::{ClassIndex, ItemIndex, Neighbour};
use ndarray::{Axis, s};
use std::collections::HashMap;

/// Nearest labelled items on a card.
const SHOWN: usize = 3;

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Near {
    similarity: f32,
    row: usize,
    class: ClassIndex,
}

/// What was found for the cards that were planned last. Most of them are planned again after the next label, and then only that
/// label has to be looked at: to look at all labels takes a walk over their features.
#[derive(Debug, Default)]
pub(super) struct NearestLabels {
    found: HashMap<usize, Vec<Near>>,
    /// Rows that train since.
    new: Vec<usize>,
}

impl NearestLabels {
    /// A row trains that did not.
    pub fn add(&mut self, row: usize) {
        self.new.push(row);
    }

    /// Labels were changed or taken back, or classes.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Project {
    /// The items most like this row, by cosine, of those that train: the nearest first.
    pub(super) fn neighbours(&self, row: usize) -> Vec<Neighbour> {
        let mut found = self.search(&[row], &self.training_rows_and_classes());
        self.as_shown(&found.remove(&row).unwrap_or_default())
    }

    /// The same for each of these rows, and what is found is kept for the next time.
    pub(super) fn neighbours_of(&mut self, rows: &[usize]) -> Vec<Vec<Neighbour>> {
        let mut kept = std::mem::take(&mut self.nearest_labels);
        kept.found.retain(|row, _| rows.contains(row));
        let known: Vec<usize> = kept.found.keys().copied().collect();
        let class = |&row: &usize| Some((row, self.training_class(self.item_of[row])?));
        let new: Vec<(usize, ClassIndex)> = kept.new.iter().filter_map(class).collect();
        for (row, more) in self.search(&known, &new) {
            let near = kept.found.entry(row).or_default();
            more.into_iter().for_each(|more| take_in(near, more));
        }
        let unknown: Vec<usize> = rows.iter().copied().filter(|row| !kept.found.contains_key(row)).collect();
        if !unknown.is_empty() {
            kept.found.extend(self.search(&unknown, &self.training_rows_and_classes()));
        }
        kept.new.clear();
        let shown = rows.iter().map(|row| self.as_shown(kept.found.get(row).map_or(&[], Vec::as_slice))).collect();
        self.nearest_labels = kept;
        shown
    }

    fn training_rows_and_classes(&self) -> Vec<(usize, ClassIndex)> {
        let class = |(row, &item): (usize, &ItemIndex)| Some((row, self.training_class(item)?));
        self.item_of.iter().enumerate().filter_map(class).collect()
    }

    /// One walk over the features of `among`, rows in ascending order, serves all.
    fn search(&self, rows: &[usize], among: &[(usize, ClassIndex)]) -> HashMap<usize, Vec<Near>> {
        let targets = self.features.dense.select(Axis(0), rows);
        let mut found: Vec<Vec<Near>> = vec![Vec::new(); rows.len()];
        for &(other, class) in among {
            let products = rows_by_classes(self.features.dense.slice(s![other..=other, ..]), targets.view());
            for ((&row, near), product) in rows.iter().zip(&mut found).zip(products) {
                if other != row {
                    let similarity = product / (self.lengths[row] * self.lengths[other]).max(f32::MIN_POSITIVE);
                    take_in(near, Near { similarity, row: other, class });
                }
            }
        }
        rows.iter().copied().zip(found).collect()
    }

    fn as_shown(&self, near: &[Near]) -> Vec<Neighbour> {
        let shown = |near: &Near| {
            let item = self.item_of[near.row];
            let name = self.items[item as usize].name.clone();
            Neighbour { item, name, class: near.class, similarity: near.similarity }
        };
        near.iter().map(shown).collect()
    }
}

/// Keeps the nearest few, of equally near ones the lower rows.
fn take_in(near: &mut Vec<Near>, new: Near) {
    let before =
        |other: &Near| other.similarity > new.similarity || (other.similarity == new.similarity && other.row < new.row);
    let place = near.partition_point(before);
    if place < SHOWN {
        near.truncate(SHOWN - 1);
        near.insert(place, new);
    }
}
