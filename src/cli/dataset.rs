//! DATA as items with labels, whatever it came as.

use super::failure::Failure;
use super::photo::decodable;
use super::project;
use super::source::{Place, Source, Sources};
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, Target};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{
    Beside, Imported, ProblemList, Reading, TableReader, image_item, inspect, reading, text_item,
};
use crate::pipeline::item::{ContentHash, Item, Kind};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// Everything read from DATA.
pub struct Dataset {
    /// The folder's, file's or project's name.
    pub name: String,
    /// What the items are.
    pub kind: Kind,
    /// The columns learnt from: a table's, in order, or the one that holds the text; none if items are files.
    pub content_columns: Vec<String>,
    /// The column that the labels came from.
    pub label_column: Option<String>,
    /// The items, in the order of the data.
    pub entries: Vec<Entry>,
    /// What was wrong with the rest.
    pub problems: ProblemList,
    media: Media,
}

/// One item as it was read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// Its class's name, if it has a label.
    pub label: Option<String>,
    /// Its place in the data, from 0, whatever was left out since.
    pub index: usize,
    place: Option<Place>,
}

/// Where images are read from when they are embedded.
enum Media {
    Files(Sources),
    Project(project::MediaReader),
}

/// Which of a project's labels are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectLabels {
    /// Those that may train: never an audit.
    Training,
    /// The blind audits if there are any, else all that people or the data decided.
    Measuring,
    /// All that people or the data decided.
    Decided,
}

impl Dataset {
    /// Reads DATA. `kind` is what files must be, if that was said; `fit` corrects the guessed plan before it is used.
    ///
    /// # Errors
    /// If DATA cannot be opened, `fit` refuses, or nothing usable is in it. Whatever is wrong with single files or
    /// rows is in [`Dataset::problems`].
    pub fn open(
        data: &Path,
        kind: Option<Kind>,
        labels: ProjectLabels,
        fit: impl FnOnce(&mut ImportPlan) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        if project::is_project(data) {
            return project::open(data, labels);
        }
        let mut sources = Sources::open(data)?;
        let of_kind = |source: &Source| match (kind, source_kind(&source.file.path, &source.head)) {
            (Some(Kind::Image), found) => found == SourceKind::Image,
            (Some(Kind::Table), found) => matches!(found, SourceKind::Table | SourceKind::JsonLines),
            (Some(Kind::Text), found) => found != SourceKind::Image,
            (None, _) => true,
        };
        if sources.files.iter().any(of_kind) {
            sources.files.retain(of_kind);
        }
        let problems = std::mem::take(&mut sources.problems);
        let mut plan = inspect(&sources.heads(), &[], None, problems);
        if plan.expected_items == 0 {
            return Err(nothing_in(data, &plan));
        }
        // The command says what is learnt, not the data.
        plan.target = Target::Classes;
        fit(&mut plan)?;
        Self::read(data, sources, plan)
    }

    /// A project's items, see [`project::open`].
    pub(super) fn of_project(
        name: String,
        kind: Kind,
        content_columns: Vec<String>,
        items: impl IntoIterator<Item = (Item, Option<String>)>,
        media: project::MediaReader,
    ) -> Self {
        let entry = |(index, (item, label))| Entry { item, label, index, place: None };
        let entries = items.into_iter().enumerate().map(entry).collect();
        let (label_column, problems) = (None, ProblemList::default());
        Self { name, kind, content_columns, label_column, entries, problems, media: Media::Project(media) }
    }

    fn read(data: &Path, sources: Sources, plan: ImportPlan) -> Result<Self, Failure> {
        let mut problems = ProblemList::default();
        problems.extend(plan.problems.iter().cloned());
        let of_files: Vec<(Vec<Entry>, ProblemList)> =
            sources.files.par_iter().map(|source| read_file(&plan, &sources, source)).collect();
        let mut entries = Vec::new();
        for (read, found) in of_files {
            entries.extend(read);
            problems.extend(found.into_vec());
        }
        if entries.is_empty() {
            let plan = ImportPlan { problems: problems.into_vec(), ..plan };
            return Err(nothing_in(data, &plan));
        }
        entries.iter_mut().enumerate().for_each(|(index, entry): (usize, &mut Entry)| entry.index = index);
        Ok(Self {
            name: plan.name.clone(),
            kind: plan.kind,
            content_columns: plan.content_columns(),
            label_column: plan.columns_of(Role::Label).next().map(|column| column.name.clone()),
            entries,
            problems,
            media: Media::Files(sources),
        })
    }

    /// The bytes of an image.
    ///
    /// # Errors
    /// Says why they cannot be read.
    pub fn image_bytes(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        match (&self.media, &entry.place) {
            (Media::Files(sources), Some(place)) => {
                sources.read(&entry.item.name, place).map_err(|problem| problem.message)
            }
            (Media::Project(reader), _) => reader.read(entry.item.hash),
            (Media::Files(_), None) => Err("left out: it has no file".into()),
        }
    }

    /// Leaves out the items without a label and returns how many there were.
    pub fn keep_labelled(&mut self) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.label.is_some());
        before - self.entries.len()
    }

    /// Leaves out items whose content was seen before, as an import does, and returns how many there were.
    pub fn drop_duplicates(&mut self) -> usize {
        let before = self.entries.len();
        let mut seen: HashSet<ContentHash> = HashSet::new();
        self.entries.retain(|entry| seen.insert(entry.item.hash));
        before - self.entries.len()
    }

    /// Puts each row's cells into the order of `columns`; those of a column that the data lacks are empty. Others are dropped.
    pub fn place_columns(&mut self, columns: &[String]) {
        if self.content_columns == columns {
            return;
        }
        let places: Vec<Option<usize>> =
            columns.iter().map(|name| self.content_columns.iter().position(|other| other == name)).collect();
        self.entries.iter_mut().for_each(|entry| entry.item.place_cells(&places));
        self.content_columns = columns.to_vec();
    }

    /// Whether the data is a project saved by Hone.
    pub fn is_project(&self) -> bool {
        matches!(self.media, Media::Project(_))
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

fn read_file(plan: &ImportPlan, sources: &Sources, source: &Source) -> (Vec<Entry>, ProblemList) {
    let mut problems = ProblemList::default();
    let Source { file, head, place } = source;
    let read = match reading(plan, file, head) {
        // What is left out is among the plan's problems already.
        Reading::Skip | Reading::Beside | Reading::LeftOut(_) => Vec::new(),
        Reading::Image => read_whole(sources, source, &mut problems, |bytes, problems| {
            image_item(plan, &Beside::default(), file, bytes, 0, problems).filter(|_| match decodable(bytes) {
                Ok(()) => true,
                Err(reason) => {
                    problems.push(Problem::of_file(&file.path, reason));
                    false
                }
            })
        }),
        Reading::Text => {
            read_whole(sources, source, &mut problems, |bytes, problems| text_item(plan, file, bytes, 0, problems))
        }
        Reading::Rows => {
            let mut reader = TableReader::new(plan, file, 0);
            let mut rows = Vec::new();
            let outcome =
                sources.read_in_chunks(&file.path, place, |chunk| rows.extend(reader.feed(chunk, &mut problems)));
            rows.extend(reader.finish(&mut problems));
            problems.extend(outcome.err());
            rows
        }
    };
    let is_file = matches!(reading(plan, file, head), Reading::Image | Reading::Text);
    // Its place among all files' items is set once they are together.
    let entry = |imported: Imported| {
        let label = imported.label().map(String::from);
        Entry { item: imported.item, label, index: 0, place: is_file.then(|| place.clone()) }
    };
    (read.into_iter().map(entry).collect(), problems)
}

fn read_whole(
    sources: &Sources,
    source: &Source,
    problems: &mut ProblemList,
    item: impl FnOnce(&[u8], &mut ProblemList) -> Option<Imported>,
) -> Vec<Imported> {
    match sources.read(&source.file.path, &source.place) {
        Ok(bytes) => item(&bytes, problems).into_iter().collect(),
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    }
}

/// Nothing could be read: the first problem says why.
fn nothing_in(data: &Path, plan: &ImportPlan) -> Failure {
    let why = plan.problems.first().map(super::output::problem_line);
    let others = plan.problems.len().saturating_sub(1);
    let more = if others > 0 { format!(" (and {others} more problems)") } else { String::new() };
    Failure::data(format!(
        "{} gives no items: {}{more}",
        data.display(),
        why.unwrap_or_else(|| "it has images, texts or rows of no kind that Hone reads".into())
    ))
}
