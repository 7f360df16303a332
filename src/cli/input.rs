//! DATA opened and planned, ready to be read piece by piece.

use super::class_names::Spellings;
use super::failure::Failure;
use super::output::{item_word, problem_line};
use super::pieces::{PIECE_ITEMS, Pieces, Stop, absorb, read_files};
use super::progress::Progress;
use super::project;
use super::source::{Place, Source, Sources};
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, Target, TestSet};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{ProblemList, inspect};
use crate::pipeline::item::{Item, Kind};
use std::ops::ControlFlow;
use std::path::Path;

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
    pub(super) place: Option<Place>,
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
        let no_columns = looked.plan.format.is_some() && looked.plan.columns.is_empty();
        if looked.plan.expected_items == 0 || no_columns {
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

    /// Spellings that the plan takes for one class: the class, and the others.
    pub fn foreseen_merges(&self) -> &[(String, Vec<String>)] {
        self.plan().map_or(&[], |plan| &plan.merged)
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
        let mut pieces = Pieces::new(each, progress, self.places.as_deref());
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

/// Gives all spellings of a class one name in these entries; the merges, those that the plan made among them, are notes.
pub fn merge_spellings(entries: &mut [Entry], input: &Input, problems: &mut ProblemList) {
    let mut spellings = Spellings::default();
    for label in entries.iter().filter_map(|entry| entry.label.as_deref()) {
        spellings.count(label);
    }
    for label in entries.iter_mut().filter_map(|entry| entry.label.as_mut()) {
        if let Some(name) = spellings.name_of(label).filter(|name| name != label) {
            *label = name;
        }
    }
    problems.extend(spellings.merges(input.foreseen_merges()));
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
