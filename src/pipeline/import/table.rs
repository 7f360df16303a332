//! Reading tables, JSON and text lines by a plan, chunk by chunk, so that no file is ever in memory whole.

use super::apostrophes;
use super::columns::is_own_column;
use super::dialect::{Sniffed, sniff};
use super::encoding::{TextDecoder, decode_head, guess_encoding, is_text};
use super::json::{ObjectSplitter, fields_of_object, layout};
use super::plan::{ImportPlan, LabelSource, Problem, Role, SourceFile, Target, TestSet};
use super::records::{MAX_RECORD_BYTES, RecordSplitter};
use super::shapes::{Cell, Remark, several_labels};
use super::single::MAX_TEXT_BYTES;
use super::source::extension;
use super::{GivenLabel, Imported, ProblemList};
use crate::pipeline::class_name;
use crate::pipeline::features::cell::{NumberFormat, is_missing};
use crate::pipeline::item::{Content, ContentHash, Item, Kind};
use crate::pipeline::regression::target::{canonical, parse_in};
use std::collections::{BTreeMap, HashMap};

/// How much of a file is looked at to find how it is written; as much as an import's guess sees of it.
const HEAD_BYTES: usize = 1 << 20;

/// Reads one file of rows.
///
/// Feed it the file's bytes in chunks of any size, then finish; both hand over the items read so far. How the file is
/// written (encoding, delimiter, quotation marks) is found from its own beginning. The plan's columns are found by name,
/// so files of one import may order theirs differently and have more of them (which come along as extra). A file that
/// lacks a content column is left out with a problem. Every row is an item or in a problem's `lost`.
pub struct TableReader {
    plan: ImportPlan,
    file: SourceFile,
    batch: u32,
    roles: Roles,
    /// The file's beginning, until there is enough of it to know how it is written.
    head: Vec<u8>,
    body: Option<Body>,
    /// Rows so far, good or bad, the header included.
    rows: u64,
    items: u64,
    /// Why the rest of the file is not read, if it is not; the rows are counted all the same.
    refused: Option<String>,
    lost_to_refusal: u64,
    remarks: BTreeMap<String, (u64, u64)>,
    /// Whether what follows in the file is not even counted.
    is_over: bool,
}

/// A file whose way of writing is known.
struct Body {
    decoder: TextDecoder,
    splitter: Splitter,
}

enum Splitter {
    /// Delimited cells; the columns' names and roles.
    Cells {
        splitter: RecordSplitter,
        columns: Vec<(String, RoleAt)>,
        has_header: bool,
        /// The place of the column that tells of each row whether it was made harmless for spreadsheets.
        defused: Option<usize>,
    },
    /// JSON objects.
    Objects(ObjectSplitter),
    /// A text a line.
    Lines { splitter: LineSplitter, has_header: bool },
}

/// Where each column of the plan goes.
struct Roles {
    by_name: HashMap<String, RoleAt>,
    content_names: Vec<String>,
    has_labels: bool,
    names_images: bool,
    /// How labels write numbers, if they are to be numbers.
    numbers: Option<NumberFormat>,
}

#[derive(Clone, Copy, PartialEq)]
enum RoleAt {
    Content(usize),
    Label,
    Extra,
    Split,
    File,
    /// A label that the plan leaves out: it must not come along as extra, where the annotator would read it.
    Withheld,
}

impl TableReader {
    /// A reader of `file` under `plan`, for items of the import with the number `batch`.
    pub fn new(plan: &ImportPlan, file: &SourceFile, batch: u32) -> Self {
        Self {
            plan: plan.clone(),
            file: file.clone(),
            batch,
            roles: Roles::of(plan),
            head: Vec::new(),
            body: None,
            rows: 0,
            items: 0,
            refused: None,
            lost_to_refusal: 0,
            remarks: BTreeMap::new(),
            is_over: false,
        }
    }

    /// Reads the next chunk of the file.
    pub fn feed(&mut self, bytes: &[u8], problems: &mut ProblemList) -> Vec<Imported> {
        if self.body.is_none() {
            self.head.extend_from_slice(bytes);
            if self.head.len() < HEAD_BYTES {
                return Vec::new();
            }
            return self.begin(false, problems);
        }
        self.read(bytes, false, problems)
    }

    /// The file has ended: reads what was still open and reports what concerns the file as a whole.
    pub fn finish(mut self, problems: &mut ProblemList) -> Vec<Imported> {
        let mut items = Vec::new();
        if self.body.is_none() {
            items = self.begin(true, problems);
        }
        items.extend(self.read(&[], true, problems));
        let replaced = self.body.as_ref().filter(|body| body.decoder.has_replaced());
        if let Some(body) = replaced {
            let encoding = body.decoder.encoding();
            problems.push(Problem::note(
                &self.file.path,
                format!("some characters are not valid {encoding} and became \u{fffd}; the rows came in all the same. Save the file as UTF-8"),
            ));
        }
        for (message, (count, first)) in std::mem::take(&mut self.remarks) {
            let more = if count > 1 { format!(" (and {} more rows)", count - 1) } else { String::new() };
            problems.push(Problem::note_on_row(&self.file.path, first, message + &more));
        }
        match self.refused.take() {
            // A file without rows is one thing that did not come in.
            Some(reason) => problems.push(Problem::of_rows(&self.file.path, self.lost_to_refusal.max(1), reason)),
            None if self.items == 0 && !self.roles.names_images => {
                let what = if self.rows == 0 { "it is empty" } else { "no row in it could be used" };
                problems.push(Problem::note(&self.file.path, format!("gave no items: {what}")));
            }
            None => {}
        }
        items
    }

    /// Finds how the file is written and reads its beginning.
    fn begin(&mut self, whole: bool, problems: &mut ProblemList) -> Vec<Imported> {
        let head = std::mem::take(&mut self.head);
        let encoding = guess_encoding(&head);
        let planned = self.plan.format.clone().unwrap_or_default();
        if self.roles.content_names.is_empty() && !self.roles.names_images {
            self.refused = Some("left out: no column of it was chosen as content".into());
        } else if !is_text(&head, encoding) {
            self.refused = Some("left out: its content is not text, whatever its name says. Save it as CSV".into());
            // It has no rows to count.
            self.is_over = true;
        }
        let splitter = if planned.json_lines {
            Splitter::Objects(ObjectSplitter::new(layout(&decode_head(&head, encoding))))
        } else if planned.delimiter == b'\n' {
            Splitter::Lines { splitter: LineSplitter::default(), has_header: planned.header }
        } else {
            self.cells(&head, whole, problems)
        };
        self.body = Some(Body { decoder: TextDecoder::new(encoding), splitter });
        self.read(&head, false, problems)
    }

    /// A splitter for delimited cells, with the columns that the file has.
    fn cells(&mut self, head: &[u8], whole: bool, problems: &mut ProblemList) -> Splitter {
        let extension = extension(&self.file.path);
        let mut found = sniff(head, whole, &extension, self.plan.header);
        let missing =
            |found: &Sniffed| self.roles.content_names.iter().filter(|name| !found.names.contains(name)).count();
        if self.plan.header.is_none() && missing(&found) > 0 {
            // Its first row was perhaps misjudged: the plan knows what the columns are called.
            let other = sniff(head, whole, &extension, Some(!found.format.header));
            if missing(&other) == 0 {
                found = other;
            }
        }
        let Sniffed { format, names, .. } = found;
        if head.is_empty() {
            // It has no columns to check; that it is empty is told at its end.
            return Splitter::Lines { splitter: LineSplitter::default(), has_header: false };
        }
        self.check_columns(&names, problems);
        if !format.quoted {
            let message = "quotation marks in it enclose nothing, or not always: they were read as characters";
            problems.push(Problem::note(&self.file.path, message));
        }
        let defused = apostrophes::defused_column(names.iter().map(String::as_str)).filter(|_| format.header);
        let columns: Vec<(String, RoleAt)> =
            names.into_iter().map(|name| (name.clone(), self.roles.of_column(&name))).collect();
        if format.delimiter == b'\n' {
            return Splitter::Lines { splitter: LineSplitter::default(), has_header: format.header };
        }
        let splitter = RecordSplitter::new(&format, Some(columns.len()));
        Splitter::Cells { splitter, columns, has_header: format.header, defused }
    }

    fn read(&mut self, bytes: &[u8], last: bool, problems: &mut ProblemList) -> Vec<Imported> {
        if self.is_over {
            return Vec::new();
        }
        let Some(mut body) = self.body.take() else { return Vec::new() };
        let text = body.decoder.decode(bytes, last);
        let text = text.as_str();
        let mut items = Vec::new();
        match &mut body.splitter {
            Splitter::Cells { splitter, columns, has_header, defused } => {
                let mut records = splitter.push(text);
                if last {
                    records.extend(splitter.finish());
                }
                for mut record in records {
                    self.rows += 1;
                    if self.rows == 1 && *has_header {
                        continue;
                    }
                    if let Some(doubt) = record.doubt {
                        problems.push(Problem::note_on_row(&self.file.path, self.rows, doubt));
                    }
                    if defused.is_some_and(|place| apostrophes::undo_row(&mut record.cells, place)) {
                        self.remark(apostrophes::REMARK);
                    }
                    items.extend(self.record(record.cells, columns, problems));
                }
            }
            Splitter::Objects(splitter) => {
                let mut elements = splitter.push(text);
                if last {
                    elements.extend(splitter.finish());
                }
                for (number, element) in elements {
                    self.rows = number;
                    if !element.trim().is_empty() {
                        items.extend(self.object(number, &element, problems));
                    }
                }
                if splitter.has_overflowed() {
                    self.is_over = true;
                    let message = "left out: it is longer than 16 MB, so a bracket or a quotation mark before it was probably never closed. The rest of the file was left out with it";
                    problems.push(Problem::of_row(&self.file.path, self.rows + 1, message));
                }
                if last && splitter.has_others() {
                    problems.push(Problem::note(&self.file.path, "has more than one list; the first was read"));
                }
            }
            Splitter::Lines { splitter, has_header } => {
                let mut lines = splitter.push(text);
                if last {
                    lines.extend(splitter.finish());
                }
                for (number, line) in lines {
                    self.rows = number;
                    if line.trim().is_empty() || (*has_header && number == 1) {
                        continue;
                    }
                    items.extend(self.item(
                        number,
                        std::iter::once((RoleAt::Content(0), "", Cell::of_text(line))),
                        problems,
                    ));
                }
            }
        }
        self.items += items.len() as u64;
        self.body = Some(body);
        items
    }

    /// A record's cells under their columns. Missing last cells are empty; empty ones too many are passed over.
    fn record(
        &mut self,
        mut record: Vec<String>,
        columns: &[(String, RoleAt)],
        problems: &mut ProblemList,
    ) -> Option<Imported> {
        if self.refused.is_some() {
            self.lost_to_refusal += 1;
            return None;
        }
        let expected = columns.len();
        if record.len() < expected {
            if record.iter().all(|cell| cell.trim().is_empty()) {
                // A row of delimiters, or of blanks.
                record.clear();
            } else {
                self.remark("is shorter than the header: its missing last cells were taken for empty");
            }
            record.resize(expected, String::new());
        }
        if record.len() > expected {
            if record[expected..].iter().any(|cell| !cell.trim().is_empty()) {
                let message = format!("left out: it has {} where {expected} are expected", count(record.len(), "cell"));
                problems.push(Problem::of_row(&self.file.path, self.rows, message));
                return None;
            }
            record.truncate(expected);
        }
        let cells = columns.iter().zip(record).map(|((name, role), cell)| (*role, name.as_str(), Cell::of_text(cell)));
        self.item(self.rows, cells, problems)
    }

    /// Counts a remark on the present row; it is told once, with the first row and how many more there are.
    fn remark(&mut self, message: &str) {
        let row = self.rows;
        self.remarks.entry(message.to_owned()).or_insert((0, row)).0 += 1;
    }

    fn check_columns(&mut self, names: &[String], problems: &mut ProblemList) {
        let missing: Vec<&str> =
            self.roles.content_names.iter().filter(|name| !names.contains(name)).map(String::as_str).collect();
        let has = |role: RoleAt| names.iter().any(|name| self.roles.of_column(name) == role);
        if self.refused.is_some() {
        } else if !missing.is_empty() {
            self.refused = Some(format!(
                "left out: it has no column {}. Its columns are {}",
                quoted_list(&missing),
                quoted_list(&names.iter().map(String::as_str).collect::<Vec<_>>())
            ));
        } else if self.roles.names_images && !has(RoleAt::File) {
            problems
                .push(Problem::note(&self.file.path, "has no column that names the images: nothing of it was used"));
        } else if self.roles.has_labels && !has(RoleAt::Label) {
            problems.push(Problem::note(&self.file.path, "has no label column: its rows came in without labels"));
        }
    }

    fn object(&mut self, number: u64, element: &str, problems: &mut ProblemList) -> Option<Imported> {
        if self.refused.is_some() {
            self.lost_to_refusal += 1;
            return None;
        }
        match fields_of_object(element) {
            Ok(fields) => {
                match fields.remark {
                    Some(Remark::OfAll(message)) => self.remark(&message),
                    Some(Remark::OfRow(message)) => {
                        problems.push(Problem::note_on_row(&self.file.path, number, message));
                    }
                    None => {}
                }
                let cells: Vec<(RoleAt, String, Cell)> =
                    fields.cells.into_iter().map(|(name, cell)| (self.roles.of_column(&name), name, cell)).collect();
                let cells = cells.iter().map(|(role, name, cell)| (*role, name.as_str(), cell.clone()));
                self.item(number, cells, problems)
            }
            Err(reason) => {
                problems.push(Problem::of_row(&self.file.path, number, format!("left out: it {reason}")));
                None
            }
        }
    }

    fn item<'a>(
        &mut self,
        row: u64,
        cells: impl Iterator<Item = (RoleAt, &'a str, Cell)>,
        problems: &mut ProblemList,
    ) -> Option<Imported> {
        if self.refused.is_some() {
            self.lost_to_refusal += 1;
            return None;
        }
        let mut content = vec![String::new(); self.roles.content_names.len()];
        let mut labels = Vec::new();
        let mut extra = Vec::new();
        let (mut split, mut image) = (None, None);
        let mut is_blank = true;
        for (role, name, cell) in cells {
            is_blank &= cell.text.trim().is_empty();
            match role {
                RoleAt::Content(place) => content[place] = cell.text,
                RoleAt::Label => labels = self.labels(row, cell, problems),
                RoleAt::File => image = Some((name.to_string(), cell.text)),
                RoleAt::Split => {
                    split = Some(cell.text.clone());
                    if !is_own_column(name) {
                        extra.push((name.to_string(), cell.text));
                    }
                }
                RoleAt::Extra if !cell.text.is_empty() => extra.push((name.to_string(), cell.text)),
                RoleAt::Extra | RoleAt::Withheld => {}
            }
        }
        extra.retain(|(_, cell)| !cell.is_empty());
        let kind = self.plan.kind;
        let heavy = content.iter().map(String::len).sum::<usize>() as u64;
        let refusal = match kind {
            Kind::Text if content.iter().all(|cell| cell.trim().is_empty()) => {
                Some("left out: its text is empty".into())
            }
            Kind::Text if heavy > MAX_TEXT_BYTES => {
                Some(format!("left out: its text has {} MB; a text may have 4 MB", heavy >> 20))
            }
            Kind::Text => None,
            // A row of missing values is still a row as long as something tells it from a blank line.
            Kind::Table => is_blank.then(|| "left out: all its cells are empty".into()),
            // It says something of an image, and is none itself.
            Kind::Image if image.as_ref().is_none_or(|(_, name)| name.trim().is_empty()) => {
                problems.push(Problem::note_on_row(&self.file.path, row, "names no image"));
                return None;
            }
            Kind::Image => None,
        };
        if let Some(message) = refusal {
            problems.push(Problem::of_row(&self.file.path, row, message));
            return None;
        }
        let (content, hash) = match kind {
            Kind::Text => {
                content.retain(|cell| !cell.trim().is_empty());
                let text = content.join("\n");
                let hash = ContentHash::of(text.as_bytes());
                (Content::Text(text), hash)
            }
            Kind::Table => {
                let row = Content::Row(content);
                let hash = row.hash()?;
                (row, hash)
            }
            Kind::Image => {
                extra.splice(0..0, image);
                (Content::Image, ContentHash::of(&[]))
            }
        };
        let path = &self.file.path;
        // Which images are held out by chance is decided by their own hashes.
        let drawn = matches!(self.plan.test_set, TestSet::Random(_)) && kind == Kind::Image;
        let held_out = !labels.is_empty() && !drawn && self.plan.holds_out(path, hash, split.as_deref());
        let name = format!("{path}:{row}");
        Some(Imported { item: Item { hash, name, content, batch: self.batch, extra }, labels, held_out })
    }

    /// The labels in a cell as they are kept. A cell that should be a number and is none, or several at once, leaves its
    /// row without a label.
    fn labels(&self, row: u64, cell: Cell, problems: &mut ProblemList) -> Vec<GivenLabel> {
        let mut note = |message: String| problems.push(Problem::note_on_row(&self.file.path, row, message));
        if let Some(several) = cell.list.as_ref().filter(|list| list.len() > 1) {
            note(several_labels(several));
            return Vec::new();
        }
        let given = cell.labels.unwrap_or_else(|| vec![GivenLabel::of(cell.text)]);
        let mut labels: Vec<GivenLabel> = Vec::with_capacity(given.len());
        for label in given {
            let name = match self.roles.numbers {
                None => class_name::tidy(&label.name),
                Some(_) if is_missing(&label.name) => String::new(),
                Some(format) => match parse_in(label.name.trim(), format) {
                    Ok(value) => canonical(value),
                    Err(error) => {
                        note(format!("came in without a label: {error}"));
                        String::new()
                    }
                },
            };
            if !name.is_empty() {
                labels.push(GivenLabel { name, ..label });
            }
        }
        labels
    }
}

impl Roles {
    fn of(plan: &ImportPlan) -> Self {
        let content_names = plan.content_columns();
        let has_labels = plan.labels == LabelSource::Column;
        let label = plan.columns_of(Role::Label).next().filter(|_| plan.target == Target::Number);
        let numbers = label.map(|column| column.number_format);
        let names_images = plan.kind == Kind::Image;
        let mut places = 0..;
        let by_name = plan
            .columns
            .iter()
            .map(|column| {
                let role = match column.role {
                    Role::Content => RoleAt::Content(places.next().unwrap_or_default()),
                    Role::Label if has_labels => RoleAt::Label,
                    Role::Label => RoleAt::Withheld,
                    // What Hone's own exports say beside an item is said anew at the next one.
                    Role::Extra if is_own_column(&column.name) => RoleAt::Withheld,
                    Role::Extra => RoleAt::Extra,
                    Role::Split => RoleAt::Split,
                    Role::File => RoleAt::File,
                };
                (column.name.clone(), role)
            })
            .collect();
        Self { by_name, content_names, has_labels, names_images, numbers }
    }

    /// A column that the plan does not know comes along as extra, unless Hone writes it anew at the next export.
    fn of_column(&self, name: &str) -> RoleAt {
        let unknown = if is_own_column(name) { RoleAt::Withheld } else { RoleAt::Extra };
        self.by_name.get(name).copied().unwrap_or(unknown)
    }
}

/// Splits text into lines that may arrive in chunks cut anywhere; counts them from 1.
#[derive(Default)]
struct LineSplitter {
    open: String,
    lines: u64,
    /// Whether the last line ended in CR, which may be half of a CR LF.
    after_return: bool,
}

impl LineSplitter {
    fn push(&mut self, text: &str) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        for piece in text.split_inclusive(['\n', '\r']) {
            if std::mem::take(&mut self.after_return) && piece == "\n" {
                continue;
            }
            self.open.push_str(piece);
            if piece.ends_with(['\n', '\r']) {
                self.after_return = piece.ends_with('\r');
                lines.push(self.take_line());
            }
        }
        if self.open.len() > MAX_RECORD_BYTES {
            // Too long for a text anyway; it must not fill the memory until then.
            lines.push(self.take_line());
        }
        lines
    }

    fn finish(&mut self) -> Option<(u64, String)> {
        (!self.open.is_empty()).then(|| self.take_line())
    }

    fn take_line(&mut self) -> (u64, String) {
        self.lines += 1;
        let mut line = std::mem::take(&mut self.open);
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        (self.lines, line)
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
