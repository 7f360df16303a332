//! DATA as items with labels, all in memory: for what is learnt from, or compared item by item.

use super::class_names::ClassNames;
use super::failure::Failure;
use super::input::{Entry, Input, Wanted, merge_spellings, nothing_in};
use super::progress::Progress;
use crate::pipeline::import::ProblemList;
use crate::pipeline::import::plan::ImportPlan;
use crate::pipeline::item::{ContentHash, Kind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

/// Everything read from DATA.
pub struct Dataset {
    /// The folder's, file's or project's name.
    pub name: String,
    /// What the items are.
    pub kind: Kind,
    /// The columns learnt from: a table's, in order, or those that hold the text; none if items are files.
    pub content_columns: Vec<String>,
    /// The column that the labels came from.
    pub label_column: Option<String>,
    /// The items, in the order of the data.
    pub entries: Vec<Entry>,
    /// Rows (or files) in the data, those left out included.
    pub rows: u64,
    /// What was wrong with the rest.
    pub problems: ProblemList,
    /// Where it came from.
    pub input: Input,
}

impl Dataset {
    /// Reads DATA. `fit` corrects the guessed plan before it is used.
    ///
    /// # Errors
    /// If DATA cannot be opened, `fit` refuses, or nothing usable is in it. Whatever is wrong with single files or
    /// rows is in [`Dataset::problems`].
    pub fn open(
        data: &Path,
        wanted: Wanted,
        fit: impl FnOnce(&mut ImportPlan) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let input = Input::open(data, wanted, fit)?;
        let mut problems = ProblemList::default();
        let mut entries = Vec::new();
        let progress = Progress::new(super::output::item_word(input.kind), input.bytes());
        input.read(&mut problems, &progress, |piece, _| {
            entries.extend(piece);
            Ok(ControlFlow::Continue(()))
        })?;
        if entries.is_empty() && !input.is_project() {
            return Err(nothing_in(data, problems.as_slice()));
        }
        let rows = entries.len() as u64 + problems.lost();
        if !input.is_project() {
            merge_spellings(&mut entries, &input, &mut problems);
        }
        Ok(Self {
            name: input.name.clone(),
            kind: input.kind,
            content_columns: input.content_columns.clone(),
            label_column: input.label_column.clone(),
            entries,
            rows,
            problems,
            input,
        })
    }

    /// Leaves out the items without a label and returns how many there were.
    pub fn keep_labelled(&mut self) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.label.is_some());
        before - self.entries.len()
    }

    /// Takes out the items of the test set.
    pub fn take_held_out(&mut self) -> Vec<Entry> {
        let (held_out, kept) = std::mem::take(&mut self.entries).into_iter().partition(|entry| entry.held_out);
        self.entries = kept;
        held_out
    }

    /// Leaves out items whose content was seen before, as an import does, and returns how many there were.
    pub fn drop_duplicates(&mut self) -> usize {
        let before = self.entries.len();
        let mut seen: HashSet<ContentHash> = HashSet::new();
        self.entries.retain(|entry| seen.insert(entry.item.hash));
        before - self.entries.len()
    }

    /// Whether the data is a project saved by Hone.
    pub fn is_project(&self) -> bool {
        self.input.is_project()
    }

    /// Calls classes as these do that are only spelt in another way.
    pub fn spell_as(&mut self, classes: &[String]) {
        let names = ClassNames::of_model(classes);
        for label in self.entries.iter_mut().filter_map(|entry| entry.label.as_mut()) {
            if let Some(place) = names.find(label) {
                label.clone_from(&names.names()[place]);
            }
        }
    }

    /// The place of each item's class in `classes`.
    ///
    /// # Panics
    /// If an item has no label or one of another class: see [`Dataset::keep_labelled`] and [`Dataset::classes`].
    pub fn targets(&self, classes: &[String]) -> Vec<usize> {
        let place_of: HashMap<&str, usize> = classes.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        self.entries
            .iter()
            .map(|entry| place_of[entry.label.as_deref().expect("only labelled items are kept")])
            .collect()
    }

    /// The names of the classes that occur, in alphabetical order.
    pub fn classes(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.entries.iter().filter_map(|entry| entry.label.as_ref()).collect();
        names.into_iter().cloned().collect()
    }
}
