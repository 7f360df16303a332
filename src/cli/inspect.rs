//! `hone inspect`: what is in DATA, how it is read, and what does not come in. No model, no features.

use super::arguments::InspectArguments;
use super::class_names::Spellings;
use super::failure::Failure;
use super::input::{Entry, Input, Looked, ProjectLabels, Wanted, absorb, nothing_in};
use super::output::{self, counted, item_word, problem_line, thousands};
use super::progress::Progress;
use super::project;
use super::roles::fit_to_arguments;
use super::seen::{First, Seen, UNLABELLED};
use crate::pipeline::import::ProblemList;
use crate::pipeline::import::plan::{Column, ImportPlan, LabelSource, Problem, Role, TableFormat, Target};
use crate::pipeline::item::Kind;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Classes told apart; a label column with more is none.
const MOST_CLASSES: usize = 100_000;
/// Lines of a kind for people; `--json` has them all.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct Report<'a> {
    kind: Kind,
    /// How the tables are read, the main one if there are several; null for files that are an item each.
    format: Option<Format<'a>>,
    columns: Vec<ColumnRow<'a>>,
    /// What labels are: classes or numbers.
    target: Target,
    /// Items of each class, by the first label of each content.
    classes: Map<String, Value>,
    /// Rows (or files) in the data: items, duplicates and those of the problems.
    rows: u64,
    items: u64,
    /// Rows (or files) whose content came before.
    duplicates: u64,
    problems: Vec<ProblemRow<'a>>,
    problem_count: u64,
    notes: Vec<NoteRow<'a>>,
    note_count: u64,
    /// Hidden and system files, which are passed over.
    hidden: u64,
    /// Items whose labels measure and never train.
    held_out: u64,
    /// What marks them.
    test_set: Option<String>,
    /// Items without a label.
    unlabelled: u64,
}

#[derive(Serialize)]
struct Format<'a> {
    /// A JSON file, or cells between delimiters.
    json: bool,
    encoding: &'a str,
    /// Null for JSON.
    delimiter: Option<&'static str>,
    /// Null for JSON.
    quoting: Option<&'static str>,
    /// Whether the first row names the columns; null for JSON.
    header: Option<bool>,
    /// Lines above the table that are none of its rows.
    preamble: u32,
}

#[derive(Serialize)]
struct ColumnRow<'a> {
    name: &'a str,
    role: Role,
    why: &'a str,
    numeric: bool,
}

#[derive(Serialize)]
struct ProblemRow<'a> {
    file: &'a str,
    row: Option<u64>,
    what: &'a str,
    /// How many rows (or files) did not come in because of it.
    rows: u64,
}

#[derive(Serialize)]
struct NoteRow<'a> {
    file: &'a str,
    row: Option<u64>,
    what: &'a str,
}

/// What was counted while DATA was read.
#[derive(Default)]
struct Counts {
    items: u64,
    duplicates: u64,
    unlabelled: u64,
    held_out: u64,
    classes: Vec<u64>,
    spellings: Spellings,
    /// Labels beyond the most classes that are told apart.
    uncounted: u64,
    seen: Seen,
    files: Vec<String>,
    file_of: HashMap<String, u32>,
    /// What did not come in.
    problems: ProblemList,
    /// Remarks on what did.
    notes: ProblemList,
}

/// Runs the command.
///
/// # Errors
/// If DATA cannot be opened, an argument does not fit it, or nothing in it can be read (that is told first).
pub fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let data = &arguments.data;
    let wanted = Wanted {
        kind: data.reading.kind,
        labels: ProjectLabels::Decided,
        header: data.reading.table.first_row_is_header(),
    };
    let mut counts = Counts::default();
    if project::is_project(&data.data) {
        let input = project::open(&data.data, wanted.labels)?;
        counts.read(&input)?;
        return counts.tell(arguments, input.kind, None, &input);
    }
    let mut looked = Looked::at(&data.data, wanted)?;
    if looked.plan.expected_items == 0 {
        let nothing = looked.nothing(&data.data);
        counts.take(std::mem::take(&mut looked.plan.problems).into_iter());
        let plan = looked.plan.clone();
        counts.tell(arguments, plan.kind, Some(&plan), &looked.input())?;
        return Err(nothing);
    }
    fit_to_arguments(&mut looked.plan, data.label_column.as_deref(), &data.reading)?;
    if data.label_column.is_some() {
        looked.plan.target = looked.plan.guess_target();
    }
    let plan = looked.plan.clone();
    let input = looked.input();
    counts.read(&input)?;
    let nothing = (counts.items == 0).then(|| nothing_in(&data.data, counts.problems.as_slice()));
    counts.tell(arguments, plan.kind, Some(&plan), &input)?;
    nothing.map_or(Ok(()), Err)
}

impl Counts {
    fn read(&mut self, input: &Input) -> Result<(), Failure> {
        let numbers = input.plan().is_some_and(|plan| plan.target == Target::Number);
        let mut problems = ProblemList::default();
        let progress = Progress::new(item_word(input.kind), input.bytes());
        input.read(&mut problems, &progress, |entries, problems| {
            self.sort(std::mem::take(problems));
            entries.iter().for_each(|entry| self.count(entry, numbers));
            Ok(ControlFlow::Continue(()))
        })?;
        self.sort(problems);
        for merge in self.spellings.merges() {
            self.notes.push(merge);
        }
        if self.uncounted > 0 {
            let message = format!(
                "{} beyond the first {} classes are not told apart: is this the label column?",
                counted(self.uncounted, "label"),
                thousands(MOST_CLASSES as u64)
            );
            self.notes.push(Problem::note("", message));
        }
        Ok(())
    }

    /// What did not come in, and remarks, apart: neither may crowd out the other.
    fn sort(&mut self, problems: ProblemList) {
        let mut lost = ProblemList::default();
        absorb(&mut lost, problems);
        self.take(lost.as_slice().iter().cloned());
    }

    fn take(&mut self, problems: impl Iterator<Item = Problem>) {
        for problem in problems {
            let list = if problem.lost > 0 { &mut self.problems } else { &mut self.notes };
            list.push(problem);
        }
    }

    fn count(&mut self, entry: &Entry, numbers: bool) {
        let class = match &entry.label {
            Some(label) if !numbers => self.class(label),
            _ => None,
        };
        let (file, row) = self.place(&entry.item.name);
        let here = First { file, row, class: class.unwrap_or(UNLABELLED) };
        if let Some(first) = self.seen.insert(entry.item.hash, here) {
            self.duplicates += 1;
            let there = self.where_is(first);
            let message = match (class, first.class) {
                (Some(class), other) if other != UNLABELLED && class != other => {
                    let name = |class: u32| self.spellings.name(class as usize).unwrap_or_default();
                    format!("the same as {there} with another label: “{}” here, “{}” there", name(class), name(other))
                }
                (Some(class), UNLABELLED) => {
                    self.unlabelled -= 1;
                    self.classes[class as usize] += 1;
                    self.held_out += u64::from(entry.held_out);
                    self.seen.label(entry.item.hash, class);
                    let name = self.spellings.name(class as usize).unwrap_or_default();
                    format!("the same as {there}, which has no label: “{name}” here counts for both")
                }
                _ => format!("the same as {there}: already there"),
            };
            let row = (row > 0).then_some(u64::from(row));
            self.notes.push(Problem { file: self.files_name(file, &entry.item.name), row, message, lost: 0 });
            return;
        }
        self.items += 1;
        self.unlabelled += u64::from(entry.label.is_none());
        self.held_out += u64::from(entry.held_out && entry.label.is_some());
        if let Some(class) = class {
            self.classes[class as usize] += 1;
        }
    }

    fn class(&mut self, label: &str) -> Option<u32> {
        if self.spellings.len() >= MOST_CLASSES && !self.spellings.knows(label) {
            self.uncounted += 1;
            return None;
        }
        let place = self.spellings.count(label);
        self.classes.resize(self.spellings.len(), 0);
        u32::try_from(place).ok()
    }

    /// The file and row that an item's name tells: `file.csv:17`, or the file alone.
    fn place(&mut self, name: &str) -> (u32, u32) {
        let (file, row) = match name.rsplit_once(':').and_then(|(file, row)| Some((file, row.parse::<u32>().ok()?))) {
            Some((file, row)) => (file, row),
            None => (name, 0),
        };
        if let Some(&place) = self.file_of.get(file) {
            return (place, row);
        }
        let place = self.files.len() as u32;
        self.files.push(file.to_string());
        self.file_of.insert(file.to_string(), place);
        (place, row)
    }

    fn where_is(&self, first: First) -> String {
        let file = self.files.get(first.file as usize).map_or("", String::as_str);
        if first.row > 0 { format!("row {} of {file}", first.row) } else { file.to_string() }
    }

    fn files_name(&self, file: u32, name: &str) -> String {
        self.files.get(file as usize).cloned().unwrap_or_else(|| name.to_string())
    }

    fn tell(
        &self,
        arguments: &InspectArguments,
        kind: Kind,
        plan: Option<&ImportPlan>,
        input: &Input,
    ) -> Result<(), Failure> {
        let report = self.report(kind, plan, input);
        if arguments.json {
            return output::print_json(&report);
        }
        output::print(&in_words(&report, plan));
        Ok(())
    }

    fn report<'a>(&'a self, kind: Kind, plan: Option<&'a ImportPlan>, input: &Input) -> Report<'a> {
        let problem = |problem: &'a Problem| ProblemRow {
            file: &problem.file,
            row: problem.row,
            what: &problem.message,
            rows: problem.lost,
        };
        let mut problems: Vec<ProblemRow<'_>> = self.problems.as_slice().iter().map(problem).collect();
        let told: u64 = problems.iter().map(|problem| problem.rows).sum();
        if told < self.problems.lost() {
            let rows = self.problems.lost() - told;
            problems.push(ProblemRow { file: "", row: None, what: "more problems, not listed", rows });
        }
        let note = |note: &'a Problem| NoteRow { file: &note.file, row: note.row, what: &note.message };
        Report {
            kind,
            format: plan.and_then(|plan| plan.format.as_ref()).map(format_of),
            columns: plan.map_or(&[][..], |plan| plan.columns.as_slice()).iter().map(column_of).collect(),
            target: plan.map_or(Target::Classes, |plan| plan.target),
            classes: self.classes(),
            rows: self.items + self.duplicates + self.problems.lost(),
            items: self.items,
            duplicates: self.duplicates,
            problems,
            problem_count: self.problems.count(),
            notes: self.notes.as_slice().iter().map(note).collect(),
            note_count: self.notes.count(),
            hidden: input.hidden,
            held_out: self.held_out,
            test_set: input.test_set(),
            unlabelled: self.unlabelled,
        }
    }

    /// Items by class, most frequent first.
    fn classes(&self) -> Map<String, Value> {
        let mut classes: Vec<(String, u64)> = self
            .classes
            .iter()
            .enumerate()
            .filter_map(|(place, count)| Some((self.spellings.name(place)?, *count)))
            .collect();
        classes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        classes.into_iter().map(|(name, count)| (name, Value::from(count))).collect()
    }
}

fn format_of(format: &TableFormat) -> Format<'_> {
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

fn column_of(column: &Column) -> ColumnRow<'_> {
    ColumnRow { name: &column.name, role: column.role, why: &column.why, numeric: column.numeric }
}

fn in_words(report: &Report<'_>, plan: Option<&ImportPlan>) -> String {
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
