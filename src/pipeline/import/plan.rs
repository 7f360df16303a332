//! What an import will do, guessed from the sources and confirmed by the user. Only a confirmed plan imports.

use super::columns::says_test;
use super::source::is_test_path;
use crate::pipeline::features::cell::NumberFormat;
use crate::pipeline::item::{ContentHash, Kind};
use serde::{Deserialize, Serialize};

/// One file offered for import, before it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The path as the picker gave it, with `/` between folders.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// Something that was wrong with a source. The rest is imported all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The file, as a path inside the import.
    pub file: String,
    /// The row in a table (the header is row 1), if it concerns one.
    pub row: Option<u64>,
    /// What is wrong and what would be right, in one sentence.
    pub message: String,
    /// How many rows (or files) did not come in because of it; 0 for a remark on what came in all the same.
    #[serde(default)]
    pub lost: u64,
}

/// How the text of a delimited file is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFormat {
    /// The byte between cells: `,`, tab, `;` or `|`; a line feed where each line is one cell, quotes and all, as in
    /// a plain text file. Ignored for JSONL.
    pub delimiter: u8,
    /// The encoding's WHATWG name, such as `UTF-8` or `windows-1252`.
    pub encoding: String,
    /// JSON objects rather than delimited cells: one a line, one after the other, or the members of an array.
    pub json_lines: bool,
    /// Whether `"` encloses cells; without, it is a character like any other. Ignored for JSON.
    #[serde(default = "yes")]
    pub quoted: bool,
    /// Whether `\"` inside an enclosed cell stands for `"` (as `""` always does). Ignored for JSON.
    #[serde(default)]
    pub backslash: bool,
    /// Lines above the table that are none of its rows: `sep=;`, comments. Ignored for JSON.
    #[serde(default)]
    pub preamble: u32,
    /// Whether the first row names the columns. Without, they are `column 1`, `column 2`, … Ignored for JSONL.
    #[serde(default = "yes")]
    pub header: bool,
}

impl Default for TableFormat {
    fn default() -> Self {
        Self {
            delimiter: b',',
            encoding: "UTF-8".into(),
            json_lines: false,
            quoted: true,
            backslash: false,
            preamble: 0,
            header: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The text to label (kind text) or one feature among others (kind table).
    Content,
    /// Holds the label.
    Label,
    /// Kept beside the item, not learnt from: an id, a name, a date.
    Extra,
    /// Says what a row is for (train, validation, test), see [`TestSet::Column`].
    Split,
    /// The name of the image that the row describes, in a table beside images.
    File,
}

/// One column of a table or JSONL file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The header, or the JSON key.
    pub name: String,
    /// What it is for: guessed, then as the user says.
    pub role: Role,
    /// Whether its cells are numbers (at least 95 % of the non-empty ones seen).
    pub numeric: bool,
    /// Distinct values among the rows inspected.
    pub distinct: u32,
    /// The first few non-empty cells, for the user to recognise it by.
    pub samples: Vec<String>,
    /// How its cells write numbers, if they are numbers.
    #[serde(default = "point")]
    pub number_format: NumberFormat,
    /// Why it was given its role, in a few words.
    #[serde(default)]
    pub why: String,
}

fn point() -> NumberFormat {
    NumberFormat::Point
}

/// What is learnt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One of a few classes.
    #[default]
    Classes,
    /// A number.
    Number,
}

/// A label column of numbers is taken for classes up to so many different ones.
const MOST_NUMBERED_CLASSES: u32 = 20;

/// Where labels come from, if anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelSource {
    /// The data has no labels, or they are to be left out.
    None,
    /// The name of the folder a file lies in.
    Folder,
    /// The column whose role is [`Role::Label`].
    Column,
}

/// Which labelled items measure the model and never train it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestSet {
    /// None.
    #[default]
    None,
    /// Those whose [`Role::Split`] column says test.
    Column,
    /// Those in a folder (or a file) called test.
    Folder,
    /// All of them.
    All,
    /// A random share, 0 to 1, drawn by the items' hashes.
    Random(f64),
}

/// One way to read classes off folders: which of the folders that a file lies in names its class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FolderLevel {
    /// 0 for the folder that the file lies in, 1 for the one above it, …
    pub above: u32,
    /// Its place in a file's path, from 0; files that lie higher up take their own folder, …
    pub at: u32,
    /// … unless that is above this place: what holds all files is no class.
    pub root: u32,
    /// The classes it would give and how many files each has, most frequent first.
    pub classes: Vec<(String, u32)>,
}

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// The project's name, guessed from the folder or file.
    pub name: String,
    /// What the items are.
    pub kind: Kind,
    /// Where labels come from.
    pub labels: LabelSource,
    /// Whether labels are classes or numbers: cells that are no number then become problems.
    #[serde(default)]
    pub target: Target,
    /// The classes found and how many items each has, most frequent first: exact for folders, among the rows
    /// inspected for tables. A user may drop or rename none here: classes are edited in the project.
    pub classes: Vec<(String, u32)>,
    /// For tables, JSONL and text columns, in the file's order; empty for folders.
    pub columns: Vec<Column>,
    /// For delimited files, JSONL and a text file read line by line; `None` for images and for texts that are a
    /// file each.
    pub format: Option<TableFormat>,
    /// How many rows (or files) the sources hold; an estimate if [`ImportPlan::estimated`].
    pub expected_items: u64,
    /// Whether only the first part of the sources was looked at, so that counts are estimates.
    #[serde(default)]
    pub estimated: bool,
    /// What the person said of the first row: whether it names the columns. Without, each file's is guessed.
    #[serde(default)]
    pub header: Option<bool>,
    /// The levels of folders that could name classes, the likeliest first; for items that are a file each.
    #[serde(default)]
    pub folder_levels: Vec<FolderLevel>,
    /// Which of them names the class, see [`FolderLevel::above`].
    #[serde(default)]
    pub folder_level: u32,
    /// Which labelled items are held out.
    #[serde(default)]
    pub test_set: TestSet,
    /// Spellings that are taken for one class: the class's name, and the others.
    #[serde(default)]
    pub merged: Vec<(String, Vec<String>)>,
    /// Hidden and system files, which are passed over.
    #[serde(default)]
    pub hidden: u64,
    /// What is already known to be wrong.
    pub problems: Vec<Problem>,
}

impl ImportPlan {
    /// The names of the columns whose role is [`Role::Content`], in order: a table project's columns.
    pub fn content_columns(&self) -> Vec<String> {
        self.columns_of(Role::Content).map(|column| column.name.clone()).collect()
    }

    /// The columns of one role, in order.
    pub fn columns_of(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    /// Whether an item is held out whose hash is `hash`, whose file is at `path`, and of which a split column says `split`.
    pub fn holds_out(&self, path: &str, hash: ContentHash, split: Option<&str>) -> bool {
        match self.test_set {
            TestSet::None => false,
            TestSet::All => true,
            // An audit that Hone exported measures, too.
            TestSet::Column => split.is_some_and(|cell| says_test(cell) || cell == "audit"),
            TestSet::Folder => is_test_path(path),
            TestSet::Random(share) => {
                let [.., a, b, c, d] = hash.0;
                f64::from(u32::from_be_bytes([a, b, c, d])) < share * (f64::from(u32::MAX) + 1.0)
            }
        }
    }

    /// What the label column holds, as far as its cells tell: numbers if it is numeric and has many different ones.
    pub fn guess_target(&self) -> Target {
        let numbers = |column: &Column| column.numeric && column.distinct > MOST_NUMBERED_CLASSES;
        let is_column = self.labels == LabelSource::Column;
        if is_column && self.columns_of(Role::Label).any(numbers) { Target::Number } else { Target::Classes }
    }

    /// Fits the plan to a project that already holds items: the same kind, labels read as what the project
    /// learns and, for a table, those of the project's content columns that there are, in the project's order; other columns that
    /// were content become extra.
    ///
    /// # Errors
    /// Says, for the user, why this import cannot go into that project.
    pub fn fit_to_project(&mut self, kind: Kind, columns: &[String], target: Target) -> Result<(), String> {
        if self.kind != kind {
            return Err(format!(
                "This project holds items of the kind {}, and these are of the kind {}. Import them into a new project.",
                kind.word(),
                self.kind.word()
            ));
        }
        self.target = target;
        if kind != Kind::Table {
            return Ok(());
        }
        // One that is missing is a finding, and its cells are empty; without any it is another table.
        if !self.columns.iter().any(|column| columns.contains(&column.name)) {
            return Err(format!(
                "This project's columns are {}, and these files have none of them. Nothing was imported. Name them alike, or import into a new project.",
                columns.join(", ")
            ));
        }
        for column in &mut self.columns {
            if columns.contains(&column.name) {
                column.role = Role::Content;
            } else if column.role == Role::Content {
                column.role = Role::Extra;
            }
        }
        let place = |column: &Column| columns.iter().position(|name| *name == column.name).unwrap_or(usize::MAX);
        self.columns.sort_by_key(place);
        Ok(())
    }
}
