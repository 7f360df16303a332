//! What the model was before the latest labels, so that a label that is taken back leaves no trace.
//!
//! A model that has folded a label in does not forget it by learning the others again: until the next polish the mistake would be
//! what it suggests.

use super::Model;
use std::collections::{BTreeMap, VecDeque};

/// Changes that can be gone back over, at most.
const MOST_MOMENTS: usize = 20;
/// Bytes that moments may hold beyond the newest.
const MOST_BYTES: usize = 64 << 20;

/// The model as it was before one change of labels.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// What takes the change back: rows with their class before, `None` for no label.
    pub undo: Vec<(usize, Option<usize>)>,
    pub model: Model,
    pub due: bool,
    /// Which polish was under way, and how many labels had come since it began.
    pub polish: Option<(u64, usize)>,
}

/// The latest moments, the newest last.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    moments: VecDeque<Moment>,
}

impl History {
    /// Remembers the moment before a change; the oldest are forgotten where they are too many or too large.
    pub fn push(&mut self, moment: Moment) {
        self.moments.push_back(moment);
        let mut bytes = 0;
        let kept = self.moments.iter().rev().skip(1).take_while(|moment| {
            bytes += moment.model.bytes();
            bytes <= MOST_BYTES
        });
        let kept = (1 + kept.count()).min(MOST_MOMENTS);
        self.moments.drain(..self.moments.len() - kept);
    }

    /// The newest moment at which the labels were `wanted`, if they are `present` now.
    pub fn at(&self, present: &BTreeMap<usize, usize>, wanted: &BTreeMap<usize, usize>) -> Option<Moment> {
        let mut labels = present.clone();
        for moment in self.moments.iter().rev() {
            for &(row, before) in &moment.undo {
                match before {
                    Some(class) => labels.insert(row, class),
                    None => labels.remove(&row),
                };
            }
            if labels == *wanted {
                return Some(moment.clone());
            }
        }
        None
    }
}

/// What leads from labels `after` a change to those `before` it: rows whose class differs, with their class before.
pub(super) fn difference(
    after: &BTreeMap<usize, usize>,
    before: &BTreeMap<usize, usize>,
) -> Vec<(usize, Option<usize>)> {
    let changed =
        before.iter().filter(|(row, class)| after.get(row) != Some(class)).map(|(&row, &class)| (row, Some(class)));
    let added = after.keys().filter(|row| !before.contains_key(row)).map(|&row| (row, None));
    changed.chain(added).collect()
}

impl Model {
    /// About the bytes that this model alone may hold.
    fn bytes(&self) -> usize {
        let table =
            |table: &Option<std::sync::Arc<ndarray::Array2<f32>>>| table.as_ref().map_or(0, |table| 4 * table.len());
        let head = self.head.as_ref().map_or(0, |head| 4 * (head.dense.len() + head.sparse.len()));
        let online = self.online.as_ref().map_or(0, |online| online.bytes());
        table(&self.logits) + table(&self.probabilities) + head + online
    }
}
