//! DATA opened and planned, not yet read: then read piece by piece, so that any number of rows fits into memory.

use super::class_names::Spellings;
use super::failure::Failure;
use super::output::{item_word, problem_line};
use super::photo::decodable;
use super::progress::Progress;
use super::project;
use super::source::{Place, Source, Sources};
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, Target, TestSet};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{
    Beside, Imported, ProblemList, Reading, TableReader, image_item, inspect, reading, text_item,
};
use crate::pipeline::item::{Content, Item, Kind};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;

/// A piece has at most this many items …
pub const PIECE_ITEMS: usize = 4_096;
/// … or little more than this many bytes of texts and cells.
const PIECE_BYTES: usize = 16 << 20;
/// Files that are an item each are read so many at a time, on all cores.
const FILES_AT_ONCE: usize = 256;

/// One item as it was read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// Its class's name, if it has a label.
    pub label: Option<String>,
    /// Whether its label belongs to a test set: it measures and never trains.
    pub held_out: bool,
    /// Its place in the data, from 0, whatever was left out since.
    pub index: usize,
    place: Option<Place>,
}

/// Which of a project's labels are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectLabels {
    /// Those that may train: never an audit, never a test label.
    Training,
    /// The blind audits if there are any, else the imported test labels if there are any, else all that people or the data
    /// decided.
    Measuring,
    /// All that people or the data decided.
    Decided,
}

/// How DATA is to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What the items must be, if that was said or a model says it.
    pub kind: Option<Kind>,
    /// Which of a project's labels are wanted.
    pub labels: ProjectLabels,
    /// Whether tables' first rows name the columns, if that was said.
    pub header: Option<bool>,
}

/// DATA, ready to be read.
pub struct Input {
    /// The folder's, file's or project's name.
    pub name: String,
    /// What the items are.
    pub kind: Kind,
    /// The columns learnt from: a table's, in order, or those that hold the text; none if items are files.
    pub content_columns: Vec<String>,
    /// The column that the labels came from.
    pub label_column: Option<String>,
    /// Hidden and system files, passed over.
    pub hidden: u64,
    /// Where cells go, if the columns are to come in another order, see [`Input::place_columns`].
    places: Option<Vec<Option<usize>>>,
    /// What was wrong before anything was read.
    problems: ProblemList,
    origin: Origin,
}

enum Origin {
    Files { sources: Sources, plan: Box<ImportPlan> },
    Project { entries: Vec<Entry>, media: project::MediaReader },
}

/// The files of DATA and the plan that was guessed for them, which may still be corrected.
pub struct Looked {
    /// The plan.
    pub plan: ImportPlan,
    sources: Sources,
    problems: ProblemList,
}

impl Looked {
    /// Lists the files of DATA, which is no project, and guesses a plan.
    ///
    /// # Errors
    /// If DATA cannot be opened.
    pub fn at(data: &Path, wanted: Wanted) -> Result<Self, Failure> {
        let mut sources = Sources::open(data)?;
        let mut problems = std::mem::take(&mut sources.problems);
        let mut plan = inspect(&sources.heads(), &[], wanted.header, problems.clone());
        if let Some(kind) = wanted.kind.filter(|kind| !gives(&plan, *kind)) {
            let of_kind = |source: &Source| holds(&source_kind(&source.file.path, &source.head), kind);
            if sources.files.iter().any(of_kind) {
                let (kept, others): (Vec<Source>, Vec<Source>) =
                    std::mem::take(&mut sources.files).into_iter().partition(of_kind);
                sources.files = kept;
                for other in &others {
                    match source_kind(&other.file.path, &other.head) {
                        SourceKind::Clutter => sources.hidden += 1,
                        found => problems.push(of_another_kind(&other.file.path, &found, kind)),
                    }
                }
                plan = inspect(&sources.heads(), &[], wanted.header, problems.clone());
            }
        }
        plan.hidden += sources.hidden;
        Ok(Self { plan, sources, problems })
    }

    /// Why there is nothing in DATA to read.
    pub fn nothing(&self, data: &Path) -> Failure {
        nothing_in(data, &self.plan.problems)
    }

    /// Ready to be read by the plan as it is now.
    pub fn input(self) -> Input {
        let Self { plan, sources, problems } = self;
        let label_column = plan.columns_of(Role::Label).next().map(|column| column.name.clone());
        Input {
            name: plan.name.clone(),
            kind: plan.kind,
            content_columns: plan.content_columns(),
            label_column,
            hidden: plan.hidden,
            places: None,
            problems,
            origin: Origin::Files { sources, plan: Box::new(plan) },
        }
    }
}

impl Input {
    /// Opens DATA. `fit` corrects the guessed plan before it is used.
    ///
    /// # Errors
    /// If DATA cannot be opened, `fit` refuses, or nothing usable is in it.
    pub fn open(
        data: &Path,
        wanted: Wanted,
        fit: impl FnOnce(&mut ImportPlan) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        if project::is_project(data) {
            return project::open(data, wanted.labels);
        }
        let mut looked = Looked::at(data, wanted)?;
        if looked.plan.expected_items == 0 {
            return Err(looked.nothing(data));
        }
        // The command says what is learnt, not the data.
        looked.plan.target = Target::Classes;
        fit(&mut looked.plan)?;
        Ok(looked.input())
    }

    /// A project's items, see [`project::open`].
    pub(super) fn of_project(
        name: String,
        kind: Kind,
        content_columns: Vec<String>,
        items: impl IntoIterator<Item = (Item, Option<String>)>,
        media: project::MediaReader,
    ) -> Self {
        let entry = |(index, (item, label))| Entry { item, label, held_out: false, index, place: None };
        let entries = items.into_iter().enumerate().map(entry).collect();
        Self {
            name,
            kind,
            content_columns,
            label_column: None,
            hidden: 0,
            places: None,
            problems: ProblemList::default(),
            origin: Origin::Project { entries, media },
        }
    }

    /// Whether the data is a project saved by Hone.
    pub fn is_project(&self) -> bool {
        matches!(self.origin, Origin::Project { .. })
    }

    /// The plan that files are read by; a project needs none.
    pub fn plan(&self) -> Option<&ImportPlan> {
        match &self.origin {
            Origin::Files { plan, .. } => Some(plan),
            Origin::Project { .. } => None,
        }
    }

    /// What says which items are held out, in words; `None` if nothing does.
    pub fn test_set(&self) -> Option<String> {
        let plan = self.plan()?;
        match plan.test_set {
            TestSet::None => None,
            TestSet::Column => {
                plan.columns_of(Role::Split).next().map(|column| format!("the column “{}”", column.name))
            }
            TestSet::Folder => Some("the folder or file name".into()),
            TestSet::All | TestSet::Random(_) => Some("the plan".into()),
        }
    }

    /// Bytes to be read.
    pub fn bytes(&self) -> u64 {
        match &self.origin {
            Origin::Files { sources, .. } => sources.files.iter().map(|source| source.file.size).sum(),
            Origin::Project { .. } => 0,
        }
    }

    /// Whether a file at `path` is one of those that are read.
    pub fn reads(&self, path: &Path) -> bool {
        match &self.origin {
            Origin::Files { sources, .. } => sources.reads(path),
            Origin::Project { .. } => false,
        }
    }

    /// From now on rows come with their cells in the order of `columns`; those of a column that the data lacks are empty. Others
    /// are dropped.
    pub fn place_columns(&mut self, columns: &[String]) {
        if self.content_columns == columns {
            return;
        }
        let place = |name: &String| self.content_columns.iter().position(|other| other == name);
        self.places = Some(columns.iter().map(place).collect());
        self.content_columns = columns.to_vec();
    }

    /// Reads all of it, in order, and hands it over piece by piece until `each` breaks off. What is wrong with single files
    /// or rows is added to `problems`, which each piece sees, too.
    ///
    /// # Errors
    /// What `each` fails with.
    pub fn read(
        &self,
        problems: &mut ProblemList,
        progress: &Progress,
        each: impl FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        absorb(problems, self.problems.clone());
        let mut pieces =
            Pieces { each, progress, places: self.places.as_deref(), open: Vec::new(), bytes: 0, index: 0 };
        let outcome = match &self.origin {
            Origin::Project { entries, .. } => entries.chunks(PIECE_ITEMS).try_for_each(|piece| {
                pieces.open.extend_from_slice(piece);
                pieces.give(problems)
            }),
            Origin::Files { sources, plan } => read_files(sources, plan, problems, &mut pieces),
        };
        progress.end();
        match outcome {
            Ok(()) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// The bytes of an image.
    ///
    /// # Errors
    /// Says why they cannot be read.
    pub fn image_bytes(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        match (&self.origin, &entry.place) {
            (Origin::Files { sources, .. }, Some(place)) => {
                sources.read(&entry.item.name, place).map_err(|problem| problem.message)
            }
            (Origin::Project { media, .. }, _) => media.read(entry.item.hash),
            (Origin::Files { .. }, None) => Err("left out: it has no file".into()),
        }
    }
}

/// Why reading ends before the end.
enum Stop {
    Enough,
    Failed(Failure),
}

/// Items on their way into pieces.
struct Pieces<'a, F> {
    each: F,
    progress: &'a Progress,
    places: Option<&'a [Option<usize>]>,
    open: Vec<Entry>,
    bytes: usize,
    index: usize,
}

impl<F> Pieces<'_, F>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    fn add(
        &mut self,
        items: impl IntoIterator<Item = (Imported, Option<Place>)>,
        problems: &mut ProblemList,
    ) -> Result<(), Stop> {
        for (imported, place) in items {
            let label = imported.label().map(String::from);
            let Imported { mut item, held_out, .. } = imported;
            if let Some(places) = self.places {
                item.place_cells(places);
            }
            self.bytes += weight(&item);
            self.open.push(Entry { item, label, held_out, index: self.index, place });
            self.index += 1;
            if self.open.len() >= PIECE_ITEMS || self.bytes >= PIECE_BYTES {
                self.give(problems)?;
            }
        }
        Ok(())
    }

    fn give(&mut self, problems: &mut ProblemList) -> Result<(), Stop> {
        self.bytes = 0;
        let piece = std::mem::take(&mut self.open);
        if piece.is_empty() {
            return Ok(());
        }
        let count = piece.len() as u64;
        let flow = (self.each)(piece, problems).map_err(Stop::Failed)?;
        self.progress.advance(count);
        if flow.is_break() { Err(Stop::Enough) } else { Ok(()) }
    }
}

fn read_files<F>(
    sources: &Sources,
    plan: &ImportPlan,
    problems: &mut ProblemList,
    pieces: &mut Pieces<'_, F>,
) -> Result<(), Stop>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    let beside = read_beside(sources, plan, problems);
    let mut waiting: Vec<(&Source, Reading)> = Vec::new();
    let mut images: Vec<&str> = Vec::new();
    for source in &sources.files {
        let Source { file, head, place } = source;
        match reading(plan, file, head) {
            Reading::Skip | Reading::Beside => {}
            Reading::LeftOut(problem) => problems.push(problem),
            how @ (Reading::Image | Reading::Text) => {
                if how == Reading::Image {
                    images.push(&file.path);
                }
                waiting.push((source, how));
                if waiting.len() >= FILES_AT_ONCE {
                    read_whole(sources, plan, &beside, std::mem::take(&mut waiting), problems, pieces)?;
                }
            }
            Reading::Rows => {
                read_whole(sources, plan, &beside, std::mem::take(&mut waiting), problems, pieces)?;
                let mut reader = TableReader::new(plan, file, 0);
                let mut outcome = Ok(());
                let read = sources.read_in_chunks(&file.path, place, |chunk| {
                    pieces.progress.read(chunk.len() as u64);
                    let rows = reader.feed(chunk, problems);
                    outcome = pieces.add(rows.into_iter().map(|row| (row, None)), problems);
                    outcome.is_ok()
                });
                outcome?;
                let rows = reader.finish(problems);
                pieces.add(rows.into_iter().map(|row| (row, None)), problems)?;
                problems.extend(read.err());
            }
        }
    }
    read_whole(sources, plan, &beside, waiting, problems, pieces)?;
    pieces.give(problems)?;
    beside.tell_unmatched(images, problems);
    Ok(())
}

/// Tables beside images come first: an image then takes what is known of it.
fn read_beside(sources: &Sources, plan: &ImportPlan, problems: &mut ProblemList) -> Beside {
    let mut beside = Beside::default();
    for Source { file, head, place } in &sources.files {
        if reading(plan, file, head) != Reading::Beside {
            continue;
        }
        let mut reader = TableReader::new(plan, file, 0);
        let read = sources.read_in_chunks(&file.path, place, |chunk| {
            let rows = reader.feed(chunk, problems);
            beside.add(rows, problems);
            true
        });
        let rows = reader.finish(problems);
        beside.add(rows, problems);
        problems.extend(read.err());
    }
    beside
}

/// Reads files that are an item each, on all cores; they stay in order.
fn read_whole<F>(
    sources: &Sources,
    plan: &ImportPlan,
    beside: &Beside,
    files: Vec<(&Source, Reading)>,
    problems: &mut ProblemList,
    pieces: &mut Pieces<'_, F>,
) -> Result<(), Stop>
where
    F: FnMut(Vec<Entry>, &mut ProblemList) -> Result<ControlFlow<()>, Failure>,
{
    let one = |(Source { file, place, .. }, how): &(&Source, Reading)| {
        let mut found = ProblemList::default();
        let imported = match sources.read(&file.path, place) {
            Ok(bytes) if *how == Reading::Image => match decodable(&bytes) {
                Ok(()) => image_item(plan, beside, file, &bytes, 0, &mut found),
                // What is no image at all is told as such.
                Err(reason) => {
                    let known = image_item(plan, beside, file, &bytes, 0, &mut found);
                    found.extend(known.map(|_| Problem::of_file(&file.path, reason)));
                    None
                }
            },
            Ok(bytes) => text_item(plan, file, &bytes, 0, &mut found),
            Err(problem) => {
                found.push(problem);
                None
            }
        };
        pieces.progress.read(file.size);
        (imported.map(|imported| (imported, Some(place.clone()))), found)
    };
    let read: Vec<(Option<(Imported, Option<Place>)>, ProblemList)> = files.par_iter().map(one).collect();
    for (imported, found) in read {
        absorb(problems, found);
        pieces.add(imported, problems)?;
    }
    Ok(())
}

/// Adds all of `more`, those that are only counted, too.
pub fn absorb(problems: &mut ProblemList, more: ProblemList) {
    let in_words: u64 = more.as_slice().iter().map(|problem| problem.lost).sum();
    let rest = more.lost() - in_words;
    let unnamed = more.count() - more.as_slice().len() as u64;
    problems.extend(more.as_slice().iter().cloned());
    if unnamed > 0 {
        problems.push(Problem::of_rows("", rest, format!("and {unnamed} more problems, not listed")));
    }
}

/// Nothing could be read: the first problem says why.
pub fn nothing_in(data: &Path, problems: &[Problem]) -> Failure {
    // What was lost is the reason; a remark is one only if there is nothing else.
    let why = problems.iter().find(|problem| problem.lost > 0).or(problems.first()).map(problem_line);
    let others = problems.len().saturating_sub(1);
    let more = if others > 0 { format!(" (and {others} more problems)") } else { String::new() };
    Failure::data(format!(
        "{} gives no items: {}{more}",
        data.display(),
        why.unwrap_or_else(|| "it has images, texts or rows of no kind that Hone reads".into())
    ))
}

/// Gives all spellings of a class one name in these entries; the merges are notes.
pub fn merge_spellings(entries: &mut [Entry], problems: &mut ProblemList) {
    let mut spellings = Spellings::default();
    for label in entries.iter().filter_map(|entry| entry.label.as_deref()) {
        spellings.count(label);
    }
    for label in entries.iter_mut().filter_map(|entry| entry.label.as_mut()) {
        if let Some(name) = spellings.name_of(label).filter(|name| name != label) {
            *label = name;
        }
    }
    problems.extend(spellings.merges());
}

/// About how many bytes an item takes in memory.
pub fn weight(item: &Item) -> usize {
    let content = match &item.content {
        Content::Image => 0,
        Content::Text(text) => text.len(),
        Content::Row(cells) => cells.iter().map(|cell| cell.len() + size_of::<String>()).sum(),
    };
    let extra: usize = item.extra.iter().map(|(name, cell)| name.len() + cell.len() + 2 * size_of::<String>()).sum();
    content + extra + item.name.len() + size_of::<Entry>()
}

/// Whether a plan gives items of this kind, or columns that they can be made of.
fn gives(plan: &ImportPlan, kind: Kind) -> bool {
    match kind {
        Kind::Image => plan.kind == Kind::Image,
        Kind::Text => plan.kind == Kind::Text || plan.format.is_some(),
        Kind::Table => plan.format.is_some(),
    }
}

/// Whether a file may hold items of this kind.
fn holds(found: &SourceKind, kind: Kind) -> bool {
    match kind {
        Kind::Image => *found == SourceKind::Image,
        Kind::Table => matches!(found, SourceKind::Table | SourceKind::JsonLines),
        Kind::Text => matches!(found, SourceKind::Text | SourceKind::Table | SourceKind::JsonLines),
    }
}

fn of_another_kind(path: &str, found: &SourceKind, wanted: Kind) -> Problem {
    let what = match found {
        SourceKind::Image => "an image",
        SourceKind::Text => "a text file",
        SourceKind::Table => "a table",
        SourceKind::JsonLines => "a JSON file",
        SourceKind::Zip => "a zip",
        SourceKind::Project => "a project saved by Hone",
        SourceKind::Clutter => "a system file",
        SourceKind::Foreign(what) => return Problem::of_file(path, format!("left out: it is {what}")),
    };
    Problem::of_file(path, format!("left out: it is {what}, and {}s are wanted here", item_word(wanted)))
}
