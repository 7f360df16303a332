//! Reading tables, JSON Lines and text lines by a plan, chunk by chunk, so that no file is ever in memory whole.

use super::delimited::{MAX_RECORD_BYTES, RecordSplitter, unique_names};
use super::encoding::TextDecoder;
use super::json_lines::{LineSplitter, cells_of_line};
use super::plan::{ImportPlan, LabelSource, Problem, Role, SourceFile, Target};
use super::{GivenLabel, Imported, ProblemList};
use crate::pipeline::features::cell::{NumberFormat, is_missing};
use crate::pipeline::item::{Content, ContentHash, Item, Kind};
use crate::pipeline::regression::target::{canonical, parse_in};
use std::collections::HashMap;

/// Reads one file of rows.
///
/// Feed it the file's bytes in chunks of any size, then finish; both hand over the items read so far. The plan's
/// columns are found by name, so files of one import may order theirs differently and have more of them (which come
/// along as extra). A file that lacks a content column is left out with a problem.
pub struct TableReader {
    path: String,
    kind: Kind,
    batch: u32,
    decoder: TextDecoder,
    splitter: Splitter,
    roles: Roles,
    /// Rows seen, good or bad, header included.
    rows: u64,
    items: u64,
    /// Set when the rest of the file cannot be read; the problem was reported.
    stopped: bool,
}

enum Splitter {
    /// Delimited cells; the columns' names and roles once the header was read.
    Cells { splitter: RecordSplitter, columns: Option<Vec<(String, RoleAt)>>, has_header: bool },
    /// A JSON object a line.
    Objects(LineSplitter),
    /// A text a line.
    Lines { splitter: LineSplitter, has_header: bool },
}

/// Where each column of the plan goes.
struct Roles {
    by_name: HashMap<String, RoleAt>,
    content_names: Vec<String>,
    has_labels: bool,
    /// How labels write numbers, if they are to be numbers.
    numbers: Option<NumberFormat>,
}

#[derive(Clone, Copy)]
enum RoleAt {
    Content(usize),
    Label,
    Extra,
    /// A label that the plan leaves out: it must not come along as extra, where the annotator would read it.
    Withheld,
}

impl TableReader {
    /// A reader of `file` under `plan`, for items of the import with the number `batch`.
    pub fn new(plan: &ImportPlan, file: &SourceFile, batch: u32) -> Self {
        let encoding = plan.format.as_ref().map_or("UTF-8", |format| format.encoding.as_str());
        let splitter = match &plan.format {
            Some(format) if format.json_lines => Splitter::Objects(LineSplitter::default()),
            Some(format) if format.delimiter == b'\n' => {
                Splitter::Lines { splitter: LineSplitter::default(), has_header: format.header }
            }
            format => {
                let (delimiter, has_header) = format.as_ref().map_or((b',', true), |it| (it.delimiter, it.header));
                Splitter::Cells { splitter: RecordSplitter::new(delimiter), columns: None, has_header }
            }
        };
        let roles = Roles::of(plan);
        Self {
            path: file.path.clone(),
            kind: plan.kind,
            batch,
            decoder: TextDecoder::new(encoding),
            splitter,
            rows: 0,
            items: 0,
            stopped: roles.content_names.is_empty(),
            roles,
        }
    }

    /// Reads the next chunk of the file.
    pub fn feed(&mut self, bytes: &[u8], problems: &mut ProblemList) -> Vec<Imported> {
        if self.stopped {
            return Vec::new();
        }
        let text = self.decoder.decode(bytes, false);
        self.read(&text, false, problems)
    }

    /// The file has ended: reads what was still open and reports what concerns the file as a whole.
    pub fn finish(mut self, problems: &mut ProblemList) -> Vec<Imported> {
        if self.roles.content_names.is_empty() {
            problems.push(Problem::of_file(&self.path, "left out: no column of it was chosen as content"));
        }
        if self.stopped {
            return Vec::new();
        }
        let text = self.decoder.decode(&[], true);
        let items = self.read(&text, true, problems);
        if self.decoder.has_replaced() {
            problems.push(Problem::of_file(
                &self.path,
                format!(
                    "some characters are not valid {} and became \u{fffd}; the rows were imported all the same. Save the file as UTF-8",
                    self.decoder.encoding()
                ),
            ));
        }
        if self.items == 0 && !self.stopped {
            let what = if self.rows == 0 { "it is empty" } else { "no row in it could be used" };
            problems.push(Problem::of_file(&self.path, format!("gave no items: {what}")));
        }
        items
    }

    fn read(&mut self, text: &str, last: bool, problems: &mut ProblemList) -> Vec<Imported> {
        let mut items = Vec::new();
        match &mut self.splitter {
            Splitter::Cells { splitter, .. } => {
                let mut records = splitter.push(text);
                if last {
                    records.extend(splitter.finish());
                }
                let overflowed = splitter.has_overflowed();
                for record in records {
                    if self.stopped {
                        break;
                    }
                    items.extend(self.record(record, problems));
                }
                if overflowed && !self.stopped {
                    self.stop_at_endless_row(problems);
                }
            }
            Splitter::Objects(splitter) | Splitter::Lines { splitter, .. } => {
                let mut lines = splitter.push(text);
                if last {
                    lines.extend(splitter.finish());
                }
                let overflowed = splitter.open_bytes() > MAX_RECORD_BYTES;
                for (number, line) in lines {
                    items.extend(self.line(number, &line, problems));
                }
                if overflowed {
                    self.stop_at_endless_row(problems);
                }
            }
        }
        self.items += items.len() as u64;
        items
    }

    fn stop_at_endless_row(&mut self, problems: &mut ProblemList) {
        self.stopped = true;
        let row = self.rows + 1;
        problems.push(Problem::of_row(
            &self.path,
            row,
            "the row is longer than 16 MB: a quotation mark before it was probably never closed. It and the rest of the file were left out",
        ));
    }

    fn record(&mut self, record: Vec<String>, problems: &mut ProblemList) -> Option<Imported> {
        self.rows += 1;
        if let Splitter::Cells { columns: columns @ None, has_header, .. } = &mut self.splitter {
            let is_header = *has_header;
            let names = unique_names(if is_header { &record } else { &[] }, record.len());
            let with_role = |name: &String| (name.clone(), self.roles.of_column(name));
            *columns = Some(names.iter().map(with_role).collect());
            self.check_header(&names, problems);
            if is_header || self.stopped {
                return None;
            }
        }
        let Splitter::Cells { columns: Some(columns), .. } = &self.splitter else { return None };
        if record.len() != columns.len() {
            let open_quote = record.last().is_some_and(|cell| cell.contains('\n'));
            let hint = if open_quote { "; is a quotation mark left open?" } else { "" };
            let (cells, expected) = (count(record.len(), "cell"), columns.len());
            let message = format!("left out: it has {cells} where {expected} are expected{hint}");
            problems.push(Problem::of_row(&self.path, self.rows, message));
            return None;
        }
        let cells = columns.iter().zip(record).map(|((name, role), cell)| (*role, name.as_str(), cell));
        self.item(self.rows, cells, problems)
    }

    fn check_header(&mut self, header: &[String], problems: &mut ProblemList) {
        let lacks = |name: &String| !header.contains(name);
        let missing: Vec<&str> =
            self.roles.content_names.iter().filter(|name| lacks(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            self.stopped = true;
            problems.push(Problem::of_file(
                &self.path,
                format!(
                    "left out: it has no column {}. Its columns are {}",
                    quoted_list(&missing),
                    quoted_list(&header.iter().map(String::as_str).collect::<Vec<_>>())
                ),
            ));
        } else if self.roles.has_labels
            && !header.iter().any(|name| matches!(self.roles.of_column(name), RoleAt::Label))
        {
            problems.push(Problem::of_file(&self.path, "has no label column: its rows came in without labels"));
        }
    }

    fn line(&mut self, number: u64, line: &str, problems: &mut ProblemList) -> Option<Imported> {
        self.rows = number;
        if line.trim().is_empty() {
            return None;
        }
        if let Splitter::Lines { has_header, .. } = &self.splitter {
            if *has_header && number == 1 {
                return None;
            }
            return self.item(number, std::iter::once((RoleAt::Content(0), "", line.to_string())), problems);
        }
        match cells_of_line(line) {
            Ok(cells) => {
                let cells = cells.iter().map(|(name, cell)| (self.roles.of_column(name), name.as_str(), cell.clone()));
                self.item(number, cells, problems)
            }
            Err(reason) => {
                problems.push(Problem::of_row(&self.path, number, format!("left out: it {reason}")));
                None
            }
        }
    }

    fn item<'a>(
        &self,
        row: u64,
        cells: impl Iterator<Item = (RoleAt, &'a str, String)>,
        problems: &mut ProblemList,
    ) -> Option<Imported> {
        let mut content = vec![String::new(); self.roles.content_names.len()];
        let mut label = None;
        let mut extra = Vec::new();
        let mut is_blank = true;
        for (role, name, cell) in cells {
            is_blank &= cell.trim().is_empty();
            match role {
                RoleAt::Content(place) => content[place] = cell,
                RoleAt::Label => label = self.label(row, cell.trim(), problems),
                RoleAt::Extra if !cell.is_empty() => extra.push((name.to_string(), cell)),
                RoleAt::Extra | RoleAt::Withheld => {}
            }
        }
        let refusal = match self.kind {
            Kind::Text => content.iter().all(|cell| cell.trim().is_empty()).then_some("left out: its text is empty"),
            // A row of missing values is still a row as long as something tells it from a blank line.
            Kind::Image | Kind::Table => is_blank.then_some("left out: all its cells are empty"),
        };
        if let Some(message) = refusal {
            problems.push(Problem::of_row(&self.path, row, message));
            return None;
        }
        let (content, hash) = match self.kind {
            Kind::Text => {
                content.retain(|cell| !cell.trim().is_empty());
                let text = content.join("\n");
                let hash = ContentHash::of(text.as_bytes());
                (Content::Text(text), hash)
            }
            Kind::Image | Kind::Table => {
                let row = Content::Row(content);
                let hash = row.hash()?;
                (row, hash)
            }
        };
        let name = format!("{}:{row}", self.path);
        Some(Imported {
            item: Item { hash, name, content, batch: self.batch, extra },
            labels: label.map(GivenLabel::of).into_iter().collect(),
            held_out: false,
        })
    }
}

impl TableReader {
    /// A label as it is kept. A cell that should be a number and is none leaves its row without a label.
    fn label(&self, row: u64, cell: &str, problems: &mut ProblemList) -> Option<String> {
        let Some(format) = self.roles.numbers else { return Some(cell.to_string()).filter(|class| !class.is_empty()) };
        if is_missing(cell) {
            return None;
        }
        match parse_in(cell, format) {
            Ok(value) => Some(canonical(value)),
            Err(error) => {
                let message = format!("came in without a label: {error}");
                problems.push(Problem::of_row(&self.path, row, message));
                None
            }
        }
    }
}

impl Roles {
    fn of(plan: &ImportPlan) -> Self {
        let content_names = plan.content_columns();
        let has_labels = plan.labels == LabelSource::Column;
        let label = plan.columns_of(Role::Label).next().filter(|_| plan.target == Target::Number);
        let numbers = label.map(|column| column.number_format);
        let mut places = 0..;
        let by_name = plan
            .columns
            .iter()
            .map(|column| {
                let role = match column.role {
                    Role::Content => RoleAt::Content(places.next().unwrap_or_default()),
                    Role::Label if has_labels => RoleAt::Label,
                    Role::Label => RoleAt::Withheld,
                    Role::Extra | Role::Split | Role::File => RoleAt::Extra,
                };
                (column.name.clone(), role)
            })
            .collect();
        Self { by_name, content_names, has_labels, numbers }
    }

    /// A column that the plan does not know comes along as extra.
    fn of_column(&self, name: &str) -> RoleAt {
        self.by_name.get(name).copied().unwrap_or(RoleAt::Extra)
    }
}

/// `1 cell`, `2 cells`.
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `“a”, “b”`, at most ten of them.
fn quoted_list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|name| format!("“{name}”")).collect();
    let more = names.len().saturating_sub(10);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests;
