//! What `hone inspect` prints: a page for people, or JSON.

use super::output::{counted, problem_line, thousands};
use crate::pipeline::import::plan::{Column, ImportPlan, LabelSource, Problem, Role, TableFormat, Target};
use crate::pipeline::item::Kind;
use serde::Serialize;
use serde_json::{Map, Value};

/// Lines of a kind for people; `--json` has them all.
const SHOWN: usize = 10;

#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) kind: Kind,
    /// How the tables are read, the main one if there are several; null for files that are an item each.
    pub(super) format: Option<Format<'a>>,
    pub(super) columns: Vec<ColumnRow<'a>>,
    /// What labels are: classes or numbers.
    pub(super) target: Target,
    /// Items of each class; one with two labels counts for both.
    pub(super) classes: Map<String, Value>,
    /// Rows (or files) in the data: items, duplicates and those of the problems.
    pub(super) rows: u64,
    pub(super) items: u64,
    /// Rows (or files) whose content came before.
    pub(super) duplicates: u64,
    pub(super) problems: Vec<ProblemRow<'a>>,
    pub(super) problem_count: u64,
    pub(super) notes: Vec<NoteRow<'a>>,
    pub(super) note_count: u64,
    /// Hidden and system files, which are passed over.
    pub(super) hidden: u64,
    /// Items whose labels measure and never train.
    pub(super) held_out: u64,
    /// What marks them.
    pub(super) test_set: Option<String>,
    /// Items without a label.
    pub(super) unlabelled: u64,
}

#[derive(Serialize)]
pub(super) struct Format<'a> {
    /// A JSON file, or cells between delimiters.
    pub(super) json: bool,
    pub(super) encoding: &'a str,
    /// Null for JSON.
    pub(super) delimiter: Option<&'static str>,
    /// Null for JSON.
    pub(super) quoting: Option<&'static str>,
    /// Whether the first row names the columns; null for JSON.
    pub(super) header: Option<bool>,
    /// Lines above the table that are none of its rows.
    pub(super) preamble: u32,
}

#[derive(Serialize)]
pub(super) struct ColumnRow<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) why: &'a str,
    pub(super) numeric: bool,
}

#[derive(Serialize)]
pub(super) struct ProblemRow<'a> {
    pub(super) file: &'a str,
    pub(super) row: Option<u64>,
    pub(super) what: &'a str,
    /// How many rows (or files) did not come in because of it.
    pub(super) rows: u64,
}

#[derive(Serialize)]
pub(super) struct NoteRow<'a> {
    pub(super) file: &'a str,
    pub(super) row: Option<u64>,
    pub(super) what: &'a str,
}

/// How a table is read, in words.
pub(super) fn format_of(format: &TableFormat) -> Format<'_> {
    let cells = !format.json_lines;
    let quoting = match (format.quoted && format.delimiter != b'\n', format.backslash) {
        (false, _) => "none",
        (true, false) => "double quotes",
        (true, true) => "double quotes, escaped by a backslash",
    };
    let delimiter = match format.delimiter {
        b',' => "comma",
        b'\t' => "tab",
        b';' => "semicolon",
        b'|' => "vertical bar",
        b'\n' => "line break",
        b' ' => "space",
        b':' => "colon",
        _ => "another character",
    };
    Format {
        json: format.json_lines,
        encoding: &format.encoding,
        delimiter: cells.then_some(delimiter),
        quoting: cells.then_some(quoting),
        header: cells.then_some(format.header),
        preamble: format.preamble,
    }
}

/// A column as it is printed.
pub(super) fn column_of(column: &Column) -> ColumnRow<'_> {
    ColumnRow { name: &column.name, role: column.role, why: &column.why, numeric: column.numeric }
}

/// A page for people.
pub(super) fn in_words(report: &Report<'_>, plan: Option<&ImportPlan>) -> String {
    let pair = |name: &str, value: String| vec![format!("{name:<16}"), value];
    let mut facts = vec![pair("kind", report.kind.word().into())];
    if let Some(format) = &report.format {
        facts.push(pair("format", format_in_words(format)));
    }
    facts.push(pair("rows", thousands(report.rows)));
    facts.push(pair("  items", thousands(report.items)));
    facts.push(pair("  already there", thousands(report.duplicates)));
    let lost: u64 = report.problems.iter().map(|problem| problem.rows).sum();
    facts.push(pair("  left out", thousands(lost)));
    if report.hidden > 0 {
        facts.push(pair("hidden files", format!("{}, passed over", thousands(report.hidden))));
    }
    facts.push(pair("unlabelled", thousands(report.unlabelled)));
    if report.held_out > 0 {
        let set = report.test_set.as_deref().unwrap_or("the data");
        facts.push(pair("test labels", format!("{}, marked by {set}", thousands(report.held_out))));
    }
    let mut text: String = facts.iter().map(|fact| format!("{}  {}\n", fact[0], fact[1])).collect();
    if !report.columns.is_empty() {
        text += "\nColumns:\n";
        let column = |column: &ColumnRow<'_>| {
            let why = if column.why.is_empty() { String::new() } else { format!(" ({})", column.why) };
            format!("  {}: {}{why}\n", column.name, role_in_words(column.role, plan))
        };
        text += &first_of(&report.columns, report.columns.len() as u64, "columns", column);
    }
    if !report.classes.is_empty() {
        text += "\nClasses:\n";
        let classes: Vec<(&String, &Value)> = report.classes.iter().collect();
        let class = |(name, count): &(&String, &Value)| format!("  {name}: {count}\n");
        text += &first_of(&classes, classes.len() as u64, "classes", class);
    }
    if !report.problems.is_empty() {
        text += "\nLeft out:\n";
        let line = |problem: &ProblemRow<'_>| place_and(problem.file, problem.row, problem.what, problem.rows);
        text += &first_of(&report.problems, report.problem_count, "problems", line);
    }
    if !report.notes.is_empty() {
        text += "\nRemarks:\n";
        let line = |note: &NoteRow<'_>| place_and(note.file, note.row, note.what, 0);
        text += &first_of(&report.notes, report.note_count, "remarks", line);
    }
    text
}

fn place_and(file: &str, row: Option<u64>, what: &str, rows: u64) -> String {
    let line = problem_line(&Problem { file: file.into(), row, message: what.into(), lost: 0 });
    // A message quotes cells, which may hold line breaks.
    let line = line.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
    if rows > 1 { format!("  {line} ({})\n", counted(rows, "row")) } else { format!("  {line}\n") }
}

/// The first few, one line each, and how many more there are.
fn first_of<T>(all: &[T], count: u64, what: &str, line: impl Fn(&T) -> String) -> String {
    let mut text: String = all.iter().take(SHOWN).map(line).collect();
    let more = count.saturating_sub(SHOWN as u64);
    if more > 0 {
        text += &format!("  and {} more {what} (--json lists them)\n", thousands(more));
    }
    text
}

fn format_in_words(format: &Format<'_>) -> String {
    let (Some(delimiter), Some(quoting), Some(header)) = (format.delimiter, format.quoting, format.header) else {
        return format!("JSON, {}", format.encoding);
    };
    let header = if header { "the first row names the columns" } else { "no header" };
    let above = match format.preamble {
        0 => String::new(),
        lines => format!(", {} above the table", counted(u64::from(lines), "line")),
    };
    let between =
        if delimiter == "line break" { "a text a line".into() } else { format!("cells between {delimiter}s") };
    let quotes = if quoting == "none" { "quotes are characters".into() } else { format!("quoting by {quoting}") };
    format!("{between}, {quotes}, {}, {header}{above}", format.encoding)
}

fn role_in_words(role: Role, plan: Option<&ImportPlan>) -> &'static str {
    match role {
        Role::Content if plan.is_some_and(|plan| plan.kind == Kind::Text) => "text",
        Role::Content => "learnt from",
        Role::Label if plan.is_some_and(|plan| plan.labels == LabelSource::None) => "label, not used",
        Role::Label => "label",
        Role::Extra => "kept beside",
        Role::Split => "test or training",
        Role::File => "image file name",
    }
}
