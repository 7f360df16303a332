//! How a delimited file is written, found by trying: which of the ways to read it explains it best.

use super::apostrophes::{defused_column, undo_names, undo_row};
use super::columns::names_columns;
use super::encoding::{decode_head, guess_encoding};
use super::plan::TableFormat;
use super::records::{CellParser, RecordSplitter, literal_cells};
use std::collections::HashMap;

/// So many lines of a file's beginning are tried.
const LINES_TRIED: usize = 400;
/// … and of these, so many bytes.
const BYTES_TRIED: usize = 256 << 10;
/// Rows of a table in a `.txt` file must be this much alike: a text may hold tabs and semicolons, too.
const ALIKE_ENOUGH: f64 = 0.95;

/// What the beginning of a file says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sniffed {
    /// How it is written.
    pub format: TableFormat,
    /// The columns' names, from its header or made up.
    pub names: Vec<String>,
    /// The rows of its beginning, header and a last one that may be cut left out.
    pub rows: Vec<Vec<String>>,
}

/// Finds how the file is written whose first bytes are `head` (all of them if `whole`). `header` is what the person said
/// of its first row. The name's `extension` decides where nothing else does.
pub fn sniff(head: &[u8], whole: bool, extension: &str, header: Option<bool>) -> Sniffed {
    let encoding = guess_encoding(head);
    let text = decode_head(head, encoding);
    let text = text.as_str();
    let mut format = sniff_text(text, whole, extension);
    format.encoding = encoding.into();
    let mut records: Vec<Vec<String>> = if format.delimiter == b'\n' {
        let lines = text.lines().skip(format.preamble as usize).filter(|line| !line.trim().is_empty());
        lines.map(|line| vec![line.to_owned()]).collect()
    } else {
        let mut splitter = RecordSplitter::new(&format, None);
        let mut records = splitter.push(text);
        if whole {
            records.extend(splitter.finish());
        }
        records.into_iter().map(|record| record.cells).collect()
    };
    if format.delimiter == b'\n' && !whole {
        records.pop();
    }
    if let Some(first) = records.first_mut().and_then(|record| record.first_mut())
        && format.delimiter != b'\n'
        && let Some(bare) = first.strip_prefix('#')
    {
        // `#id` above ids: the mark of a comment before names.
        *first = bare.trim_start().to_owned();
    }
    format.header = header.unwrap_or_else(|| guess_header(&records));
    if format.header
        && let Some((names, rows)) = records.split_first_mut()
        && let Some(place) = defused_column(names.iter().map(String::as_str))
    {
        undo_names(names);
        for row in rows {
            undo_row(row, place);
        }
    }
    let first = if format.header && !records.is_empty() { records.remove(0) } else { Vec::new() };
    let names = column_names(first, &records);
    Sniffed { format, names, rows: records }
}

/// Whether a text file holds a table: columns set off by tabs or semicolons, in (nearly) all of its lines.
pub fn is_table_text(head: &[u8], whole: bool) -> bool {
    let text = decode_head(head, guess_encoding(head));
    let lines = lines_tried(&text, whole);
    if lines.len() < 3 {
        return false;
    }
    [b'\t', b';'].into_iter().any(|delimiter| {
        let widths: Vec<usize> = lines.iter().map(|line| literal_cells(line, delimiter).len()).collect();
        let (width, count) = most_common(&widths);
        width >= 2 && count as f64 >= ALIKE_ENOUGH * widths.len() as f64
    })
}

/// Everything but encoding and header.
fn sniff_text(text: &str, whole: bool, extension: &str) -> TableFormat {
    let mut format = TableFormat::default();
    let mut fixed = None;
    let first = text.lines().next().unwrap_or_default().trim();
    if let Some(named) = first.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).and(first.get(4..)) {
        // Excel's own way to say it.
        fixed = match named.trim_matches('"') {
            "" | "\\t" => Some(b'\t'),
            mark => mark.bytes().next().filter(u8::is_ascii),
        };
        format.preamble = 1;
    }
    let rest: Vec<&str> = text.lines().skip(format.preamble as usize).collect();
    let comments = rest.iter().take_while(|line| line.trim_start().starts_with('#') || line.trim().is_empty()).count();
    let comments = if rest[..comments].iter().any(|line| line.starts_with('#')) { comments } else { 0 };
    let body: String = text.split_inclusive('\n').skip(format.preamble as usize + comments).take(LINES_TRIED).collect();
    let lines = lines_tried(&body, whole && rest.len() <= LINES_TRIED);
    let preferred = if matches!(extension, "tsv" | "tab") { b'\t' } else { b',' };
    let candidates = match fixed {
        Some(delimiter) => vec![delimiter],
        None => vec![preferred, b',', b'\t', b';', b'|'],
    };
    let mut best: Option<(f64, TableFormat)> = None;
    for delimiter in candidates {
        for (quoted, backslash) in [(true, false), (true, true), (false, false)] {
            let tried = TableFormat { delimiter, quoted, backslash, ..format.clone() };
            let Some(score) = score(&lines, &tried) else { continue };
            if best.as_ref().is_none_or(|(before, _)| score > *before) {
                best = Some((score, tried));
            }
        }
    }
    match best {
        Some((_, found)) => format = found,
        None => {
            format.delimiter = fixed.unwrap_or(preferred);
            // A lone column whose lines fall into pieces at commas is no table of cells but a text a line.
            let ragged = lines.iter().any(|line| !is_one_cell(line, format.delimiter));
            if ragged && fixed.is_none() {
                format.delimiter = b'\n';
            }
        }
    }
    format.preamble += comments_above(&rest[..comments], &lines, &format);
    format
}

/// How many of the lines that begin with `#` are comments: the last one is the header if it has as many cells as the rows,
/// all of a word or two, and the first row is no header itself.
fn comments_above(comments: &[&str], lines: &[&str], format: &TableFormat) -> u32 {
    let cells = |line: &str| literal_cells(line, format.delimiter);
    let is_header = |comment: &str, row: &str| {
        let (names, row) = (cells(comment), cells(row));
        let short = names.iter().all(|name| name.trim_start_matches('#').split_whitespace().count() <= 2);
        names.len() > 1 && names.len() == row.len() && short && !names_columns(&row)
    };
    match (comments.last(), lines.first()) {
        (Some(last), Some(row)) if format.delimiter != b'\n' && is_header(last, row) => comments.len() as u32 - 1,
        _ => comments.len() as u32,
    }
}

fn lines_tried(text: &str, whole: bool) -> Vec<&str> {
    let end = (0..=BYTES_TRIED.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let start = &text[..end];
    let cut = !whole || start.len() < text.len();
    let mut lines: Vec<&str> = start.split(['\n', '\r']).collect();
    if cut && lines.len() > 1 {
        lines.pop();
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.truncate(LINES_TRIED);
    lines
}

fn is_one_cell(line: &str, delimiter: u8) -> bool {
    let mut parser = CellParser::default();
    parser.feed(line, &TableFormat { delimiter, ..TableFormat::default() });
    parser.is_open() || parser.take().len() == 1
}

/// How well a format explains the lines: the share of records that are as wide as most, less what is odd about them.
/// `None` if it makes one column of them.
fn score(lines: &[&str], format: &TableFormat) -> Option<f64> {
    let mut widths: Vec<usize> = Vec::new();
    let mut flaws = 0_u32;
    let mut enclosed = 0_u32;
    let mut swallowed = 0_usize;
    if format.quoted {
        let mut parser = CellParser::default();
        let mut of_lines = 0;
        for line in lines {
            parser.feed(&format!("{line}\n"), format);
            of_lines += 1;
            if !parser.is_open() {
                widths.push(parser.take().len());
                // A cell of a few lines is nothing odd; of many it is.
                swallowed += usize::from(of_lines > 3) * of_lines;
                of_lines = 0;
            }
        }
        swallowed += of_lines;
        flaws = parser.flaws;
    } else {
        for line in lines {
            let cells = literal_cells(line, format.delimiter);
            let is_enclosed = |cell: &String| {
                let cell = cell.trim();
                cell.len() >= 2 && cell.starts_with('"') && cell.ends_with('"')
            };
            enclosed += u32::from(cells.iter().any(is_enclosed));
            widths.push(cells.len());
        }
    }
    let (width, count) = most_common(&widths);
    // A line of one cell above lines of several names no columns: the others are torn apart.
    if width < 2 || widths[0] < 2 {
        return None;
    }
    let rows = widths.len() as f64;
    let alike = count as f64 / rows;
    let odd = (f64::from(flaws) + swallowed as f64) / lines.len() as f64;
    // A wider table of equal regularity is the better reading: `a;b;c` rather than `1,5 … 2,5`. Quotation marks are
    // taken for what they usually are unless that explains the file worse.
    let wide = 0.01 * (1.0 - 1.0 / width as f64);
    let unusual = if format.quoted { 0.002 * f64::from(u8::from(format.backslash)) } else { 0.03 };
    Some(alike - 0.5 * odd - f64::from(enclosed) / rows + wide - unusual)
}

fn most_common(widths: &[usize]) -> (usize, usize) {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    widths.iter().for_each(|&width| *counts.entry(width).or_insert(0) += 1);
    counts.into_iter().max_by_key(|&(width, count)| (count, width)).unwrap_or((0, 0))
}

/// Guesses whether the first record names the columns. It does not if it holds a number in every column that holds
/// numbers below (and there is one; names like `1990` and `1991` are still names), if one of its cells occurs again below
/// in a column of few different cells, or if it holds a text as long as those below.
pub fn guess_header(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return true };
    let is_year = |cell: &str| cell.trim().parse::<u32>().is_ok_and(|year| (1900..2100).contains(&year));
    let below = |place: usize| rest.iter().filter_map(move |record| record.get(place)).filter(|cell| !is_missing(cell));
    let numeric: Vec<&String> = first
        .iter()
        .enumerate()
        .filter(|(place, _)| below(*place).next().is_some() && below(*place).all(|cell| is_number(cell)))
        .map(|(_, cell)| cell)
        .collect();
    if !numeric.is_empty() {
        return numeric.iter().any(|cell| !is_number(cell)) || numeric.iter().all(|cell| is_year(cell));
    }
    if rest.is_empty() {
        return true;
    }
    let mut repeats = false;
    let mut reads_on = false;
    for (place, cell) in first.iter().enumerate().filter(|(_, cell)| !is_missing(cell)) {
        let cells: Vec<&String> = below(place).collect();
        let distinct: std::collections::HashSet<&str> = cells.iter().map(|cell| cell.trim()).collect();
        let few = distinct.len() * 3 <= cells.len();
        repeats |= few && distinct.contains(cell.trim());
        let length = |cell: &str| cell.chars().count() as f64;
        let mean = cells.iter().map(|cell| length(cell)).sum::<f64>() / cells.len().max(1) as f64;
        let words = cell.split_whitespace().count();
        reads_on |= words >= 4 && length(cell) >= 20.0 && length(cell) >= 0.4 * mean;
    }
    !repeats && (names_columns(first) || !reads_on)
}

/// The names of a table's columns: its header's, one more where the rows have one more (row names, as R writes them).
fn column_names(header: Vec<String>, rows: &[Vec<String>]) -> Vec<String> {
    let widths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let (width, count) = most_common(&widths);
    if header.is_empty() {
        return unique_names(&[], width);
    }
    let filled = |row: &Vec<String>| row.last().is_some_and(|cell| !cell.trim().is_empty());
    if width == header.len() + 1
        && count * 2 > rows.len()
        && rows.iter().filter(|row| filled(row)).count() * 2 > rows.len()
    {
        let shifted: Vec<String> = std::iter::once("row".to_owned()).chain(header).collect();
        return unique_names(&shifted, width);
    }
    let used = header.iter().rposition(|name| !name.trim().is_empty()).map_or(0, |last| last + 1);
    // Delimiters at the end of all lines make a last column without name and cells.
    let trailing =
        used < header.len() && rows.iter().all(|row| row.iter().skip(used).all(|cell| cell.trim().is_empty()));
    unique_names(&header, if trailing { used.max(1) } else { header.len() })
}

/// The names of `columns` columns from their header: trimmed, `column 3` where there is none, `name (2)` where it was
/// there already.
pub fn unique_names(header: &[String], columns: usize) -> Vec<String> {
    let mut taken = std::collections::HashSet::with_capacity(columns);
    (0..columns)
        .map(|place| {
            let base = match header.get(place).map_or("", |cell| cell.trim()) {
                "" => format!("column {}", place + 1),
                name => name.to_string(),
            };
            let mut name = base.clone();
            let mut copy = 1;
            while !taken.insert(name.clone()) {
                copy += 1;
                name = format!("{base} ({copy})");
            }
            name
        })
        .collect()
}

/// Whether a cell is a number: with a decimal point or comma, a sign, an exponent, a percent sign. Digits after a leading
/// zero (`00037`) are a code, whose zeros would be lost.
pub fn is_number(cell: &str) -> bool {
    let cell = cell.trim().trim_end_matches('%');
    cell.bytes().any(|byte| byte.is_ascii_digit())
        && cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte))
        && cell.replace(',', ".").parse::<f64>().is_ok()
        && !is_code(cell)
}

/// Whether a cell is a code of digits: `00037`.
pub fn is_code(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a cell says that there is no value.
pub fn is_missing(cell: &str) -> bool {
    matches!(cell.trim().to_ascii_lowercase().as_str(), "" | "na" | "n/a" | "nan" | "null" | "none" | "?" | "-")
}

#[cfg(test)]
mod tests;
