//! Splitting delimited text into records of cells, chunk by chunk, with care that no cell swallows rows unseen.
//!
//! Our own rather than a CSV crate's because of that care: quotes left open, quotes that are just characters, `\"` and
//! blanks before a quote all occur in files that people have, and a reader that follows RFC 4180 to the letter merges
//! their rows without a word. It reads what RFC 4180 allows as RFC 4180 says (a property test holds it to the `csv`
//! crate's writer); what may be meant otherwise is weighed row by row, and what stays doubtful is told.

use super::plan::TableFormat;
use std::collections::HashSet;

/// A record longer than this many bytes is taken for a quotation mark left open: it must not swallow a gigabyte.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// A column of up to so many different cells says which cells to expect in it.
const MOST_EXPECTED: usize = 60;
/// So many rows must have been seen before what a column holds is evidence.
const ENOUGH_ROWS: u32 = 8;
/// A cell of so many lines is told where the file has none other.
const LONG_CELL_LINES: usize = 20;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its cells.
    pub cells: Vec<String>,
    /// What about it may be meant otherwise, in words.
    pub doubt: Option<String>,
}

/// Splits text into records: any of LF, CR LF and CR ends a line, blank lines are passed over. Text may arrive in
/// chunks cut anywhere.
pub struct RecordSplitter {
    format: TableFormat,
    /// How many cells a row has, where that is known.
    width: Option<usize>,
    /// The line under way.
    open: String,
    /// Whether the last chunk ended in CR, which may be half of a CR LF: then its line is still under way.
    after_return: bool,
    /// Lines read so far.
    lines: u64,
    /// The lines, with their ends, of a record whose cell is still open.
    pending: Vec<String>,
    pending_bytes: usize,
    parser: CellParser,
    /// Flaws that the parser had found before the record under way.
    flaws: u32,
    /// Of each column the cells seen, as long as they are few.
    expected: Vec<Option<HashSet<String>>>,
    rows: u32,
    /// Records of several lines that could be nothing else.
    of_lines: u32,
}

impl RecordSplitter {
    /// For rows of this format; `width` is how many cells a row should have, if that is known.
    pub fn new(format: &TableFormat, width: Option<usize>) -> Self {
        Self {
            format: format.clone(),
            width: width.filter(|&width| width > 0),
            open: String::new(),
            after_return: false,
            lines: 0,
            pending: Vec::new(),
            pending_bytes: 0,
            parser: CellParser::default(),
            flaws: 0,
            expected: vec![Some(HashSet::new()); width.unwrap_or(0)],
            rows: 0,
            of_lines: 0,
        }
    }

    /// Takes the next chunk and hands over the records it completes.
    pub fn push(&mut self, text: &str) -> Vec<Record> {
        let mut records = Vec::new();
        let mut rest = text;
        if self.after_return && !rest.is_empty() {
            // The line was held back at its CR, which may have been half of a CR LF.
            self.after_return = false;
            let end = usize::from(rest.starts_with('\n'));
            self.open.push_str(&rest[..end]);
            let line = std::mem::take(&mut self.open);
            self.line(line, &mut records);
            rest = &rest[end..];
        }
        while let Some(at) = rest.bytes().position(|byte| byte == b'\n' || byte == b'\r') {
            let bytes = rest.as_bytes();
            let end = match (bytes[at], bytes.get(at + 1)) {
                (b'\r', None) => {
                    self.after_return = true;
                    break;
                }
                (b'\r', Some(b'\n')) => at + 2,
                _ => at + 1,
            };
            self.open.push_str(&rest[..end]);
            let line = std::mem::take(&mut self.open);
            self.line(line, &mut records);
            rest = &rest[end..];
        }
        self.open.push_str(rest);
        if self.open.len() > MAX_RECORD_BYTES {
            // A line without an end: whatever it is, it must not fill the memory.
            let line = std::mem::take(&mut self.open);
            self.line(line, &mut records);
        }
        records
    }

    /// The text has ended: hands over the records that no line end closed, if any.
    pub fn finish(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        if !self.open.is_empty() {
            let line = std::mem::take(&mut self.open);
            self.line(line, &mut records);
        }
        while !self.pending.is_empty() {
            self.give_up(&mut records);
        }
        records
    }

    fn line(&mut self, line: String, records: &mut Vec<Record>) {
        self.lines += 1;
        if self.lines <= u64::from(self.format.preamble) {
            return;
        }
        if self.pending.is_empty() && line.trim_end_matches(['\r', '\n']).is_empty() {
            return;
        }
        if self.pending.is_empty() {
            self.flaws = self.parser.flaws;
        }
        self.parser.feed(&line, &self.format);
        if self.parser.is_open() {
            self.pending_bytes += line.len();
            self.pending.push(line);
            if self.pending_bytes > MAX_RECORD_BYTES {
                self.give_up(records);
            }
            return;
        }
        let cells = self.parser.take();
        if self.pending.is_empty() {
            self.emit(cells, None, records);
            return;
        }
        self.pending.push(line);
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        self.weigh(pending, cells, records);
    }

    /// A cell went on over several lines and was closed: is it one cell, or did a quotation mark that encloses nothing
    /// swallow the rows between it and the next one?
    fn weigh(&mut self, pending: Vec<String>, cells: Vec<String>, records: &mut Vec<Record>) {
        let as_lines = self.as_lines(&pending);
        // Who writes cells of several lines doubles the marks in them.
        let is_flawed = self.parser.flaws > self.flaws;
        let fits = |cells: &Vec<String>| self.width.is_none_or(|width| cells.len() == width);
        let lines_are_rows = match (&as_lines, fits(&cells)) {
            (None, _) => false,
            (Some(_), false) => true,
            (Some(rows), true) => match self.are_expected(rows) {
                Some(expected) => expected && (is_flawed || self.of_lines == 0),
                None => is_flawed || (pending.len() > 2 && self.of_lines == 0),
            },
        };
        if lines_are_rows {
            let doubt = "its quotation mark encloses nothing, so it was read as a character";
            for (place, row) in as_lines.unwrap_or_default().into_iter().enumerate() {
                let doubt = (place == 0).then(|| doubt.to_owned());
                self.emit(row, doubt, records);
            }
            return;
        }
        if !fits(&cells) && pending.len() > LONG_CELL_LINES {
            // Whatever it is, it is no row; what follows its first line may hold rows.
            self.pending = pending;
            self.give_up(records);
            return;
        }
        let ambiguous = as_lines.is_some();
        let long = pending.len() > LONG_CELL_LINES && self.of_lines == 0;
        let doubt = (ambiguous || long).then(|| {
            format!("one cell of it goes over {} lines: if these are rows, a quotation mark is missing", pending.len())
        });
        if !ambiguous {
            self.of_lines += 1;
        }
        self.emit(cells, doubt, records);
    }

    /// The lines as a row each, if each of them can be one.
    fn as_lines(&self, pending: &[String]) -> Option<Vec<Vec<String>>> {
        let width = self.width.filter(|&width| width > 1)?;
        pending.iter().map(|line| Some(self.alone(line)).filter(|cells| cells.len() == width)).collect()
    }

    /// One line by itself: by its quotation marks if they are closed in it, else with them as characters.
    fn alone(&self, line: &str) -> Vec<String> {
        let mut parser = CellParser::default();
        parser.feed(line, &self.format);
        if !parser.is_open() {
            let cells = parser.take();
            if self.width.is_none_or(|width| cells.len() == width) {
                return cells;
            }
        }
        literal_cells(line, self.format.delimiter)
    }

    /// Whether all rows hold, in the columns of few different cells, cells that were seen there; `None` if there are no
    /// such columns, or too few rows were seen.
    fn are_expected(&self, rows: &[Vec<String>]) -> Option<bool> {
        if self.rows < ENOUGH_ROWS {
            return None;
        }
        let few: Vec<(usize, &HashSet<String>)> = self
            .expected
            .iter()
            .enumerate()
            .filter_map(|(place, seen)| Some((place, seen.as_ref()?)))
            .filter(|(_, seen)| seen.len() * 2 <= self.rows as usize)
            .collect();
        if few.is_empty() {
            return None;
        }
        Some(rows.iter().all(|row| few.iter().all(|(place, seen)| seen.contains(row[*place].trim()))))
    }

    /// A cell was not closed at the end of the text, or for 16 MB: its first line is a row of its own, and the lines after
    /// it are read anew.
    fn give_up(&mut self, records: &mut Vec<Record>) {
        self.parser = CellParser::default();
        let mut pending = std::mem::take(&mut self.pending).into_iter();
        self.pending_bytes = 0;
        let Some(first) = pending.next() else { return };
        let rest: Vec<String> = pending.collect();
        let cells = self.alone(&first);
        let doubt = "a quotation mark in it is never closed, so it was read as a character".to_owned();
        self.emit(cells, Some(doubt), records);
        self.lines -= rest.len() as u64;
        for line in rest {
            self.line(line, records);
        }
    }

    fn emit(&mut self, cells: Vec<String>, doubt: Option<String>, records: &mut Vec<Record>) {
        if self.width.is_none() {
            self.width = Some(cells.len());
            self.expected = vec![Some(HashSet::new()); cells.len()];
        } else if Some(cells.len()) == self.width && doubt.is_none() {
            self.rows = self.rows.saturating_add(1);
            for (seen, cell) in self.expected.iter_mut().zip(&cells) {
                let Some(set) = seen else { continue };
                if !set.contains(cell.trim()) {
                    set.insert(cell.trim().to_owned());
                }
                if set.len() > MOST_EXPECTED {
                    *seen = None;
                }
            }
        }
        records.push(Record { cells, doubt });
    }
}

/// The cells of a line where quotation marks are characters like any other.
pub fn literal_cells(line: &str, delimiter: u8) -> Vec<String> {
    let line = line.trim_end_matches(['\r', '\n']);
    line.split(char::from(delimiter)).map(str::to_owned).collect()
}

/// All records of a text.
pub fn records(text: &str, format: &TableFormat) -> Vec<Record> {
    let mut splitter = RecordSplitter::new(format, None);
    let mut records = splitter.push(text);
    records.extend(splitter.finish());
    records
}

/// Reads the cells of one record, line by line.
#[derive(Default)]
pub(super) struct CellParser {
    cells: Vec<String>,
    cell: String,
    state: State,
    /// Quotation marks that stand where none should.
    pub(super) flaws: u32,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a cell's first character.
    #[default]
    Start,
    /// In a cell that nothing encloses.
    Plain,
    /// In an enclosed cell; whether it was opened in this line.
    Enclosed(bool),
    /// After the mark that may close it.
    Closing(bool),
    /// After the backslash that makes a character of the mark.
    Escaped(bool),
}

impl CellParser {
    /// Whether a cell goes on in the next line.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Enclosed(_) | State::Escaped(_))
    }

    /// The record's cells; the parser is ready for the next one.
    pub(super) fn take(&mut self) -> Vec<String> {
        self.cells.push(std::mem::take(&mut self.cell));
        self.state = State::Start;
        std::mem::take(&mut self.cells)
    }

    /// Reads a line with its end.
    pub(super) fn feed(&mut self, line: &str, format: &TableFormat) {
        let body = line.trim_end_matches(['\r', '\n']);
        if !format.quoted {
            self.cells = literal_cells(body, format.delimiter);
            self.cell = self.cells.pop().unwrap_or_default();
            return;
        }
        if let State::Enclosed(here) = &mut self.state {
            *here = false;
        }
        let delimiter = format.delimiter;
        let bytes = body.as_bytes();
        // Where the cell's text since the last copy begins: cells are copied in stretches, not by the character.
        let mut from = 0;
        let mut opened_at = 0;
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.state {
                State::Start if byte == delimiter => self.end_cell(&body[from..at], &mut from, at),
                State::Start if byte == b'"' => {
                    // What came before are blanks.
                    self.cell.clear();
                    (opened_at, from) = (at, at + 1);
                    self.state = State::Enclosed(true);
                }
                State::Start if byte == b' ' => {}
                State::Start => self.state = State::Plain,
                State::Plain if byte == delimiter => self.end_cell(&body[from..at], &mut from, at),
                State::Plain => {}
                State::Enclosed(here) if byte == b'"' => {
                    self.cell.push_str(&body[from..at]);
                    from = at + 1;
                    self.state = State::Closing(here);
                }
                State::Enclosed(here) if byte == b'\\' && format.backslash => {
                    let next = bytes.get(at + 1);
                    if matches!(next, Some(b'"' | b'\\')) {
                        self.cell.push_str(&body[from..at]);
                        from = at + 1;
                        self.state = State::Escaped(here);
                    }
                }
                State::Enclosed(_) => {}
                State::Escaped(here) => self.state = State::Enclosed(here),
                State::Closing(here) if byte == b'"' => {
                    // Doubled: one of the cell's own.
                    from = at;
                    self.state = State::Enclosed(here);
                }
                State::Closing(_) if byte == delimiter => {
                    from = at;
                    self.end_cell("", &mut from, at);
                }
                State::Closing(_) if byte == b' ' && is_blank_to_the_delimiter(&bytes[at..], delimiter) => {}
                State::Closing(here) => {
                    self.flaws += 1;
                    if here && !closes_later(&bytes[at..], delimiter) {
                        // The mark at the beginning encloses nothing: the cell is as it stands in the line.
                        self.cell.clear();
                        from = opened_at;
                        self.state = State::Plain;
                        // This byte may end it.
                        continue;
                    }
                    // The mark is one of the cell's own, though nobody doubled it.
                    self.cell.push('"');
                    from = at;
                    self.state = State::Enclosed(here);
                }
            }
            at += 1;
        }
        match self.state {
            State::Start | State::Plain => self.cell.push_str(&body[from..]),
            State::Enclosed(_) | State::Escaped(_) => self.cell.push_str(&line[from..]),
            State::Closing(_) => {}
        }
    }

    fn end_cell(&mut self, last: &str, from: &mut usize, at: usize) {
        self.cell.push_str(last);
        self.cells.push(std::mem::take(&mut self.cell));
        *from = at + 1;
        self.state = State::Start;
    }
}

fn is_blank_to_the_delimiter(rest: &[u8], delimiter: u8) -> bool {
    let first = rest.iter().find(|&&byte| byte != b' ');
    first.is_none_or(|&byte| byte == delimiter)
}

/// Whether a mark in the rest of the line closes the cell: one that the delimiter or the line's end follows.
fn closes_later(rest: &[u8], delimiter: u8) -> bool {
    let marks = rest.iter().enumerate().filter(|(_, byte)| **byte == b'"');
    let mut last_doubled = false;
    for (at, _) in marks {
        let next = rest.get(at + 1);
        if last_doubled {
            last_doubled = false;
        } else if next == Some(&b'"') {
            last_doubled = true;
        } else if is_blank_to_the_delimiter(&rest[at + 1..], delimiter) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
