//! What an import will do, guessed from the sources and confirmed by the user. Only a confirmed plan imports.

use crate::pipeline::item::Kind;
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
}

/// How the text of a delimited file is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFormat {
    /// The byte between cells: `,`, tab, `;` or `|`. Ignored for JSONL.
    pub delimiter: u8,
    /// The encoding's WHATWG name, such as `UTF-8` or `windows-1252`.
    pub encoding: String,
    /// One JSON object a line rather than delimited cells.
    pub json_lines: bool,
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
}

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

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// The project's name, guessed from the folder or file.
    pub name: String,
    /// What the items are.
    pub kind: Kind,
    /// Where labels come from.
    pub labels: LabelSource,
    /// The classes found and how many items each has, most frequent first. A user may drop or rename none here:
    /// classes are edited in the project.
    pub classes: Vec<(String, u32)>,
    /// For tables, JSONL and text columns; empty for folders.
    pub columns: Vec<Column>,
    /// For delimited files.
    pub format: Option<TableFormat>,
    /// How many items are expected: exact for folders, an estimate for large tables.
    pub expected_items: u64,
    /// What is already known to be wrong.
    pub problems: Vec<Problem>,
}
