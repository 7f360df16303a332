//! Delimited cells: guessing how a file is delimited, and splitting it into records chunk by chunk.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// A record longer than this many bytes is taken for a quotation mark left open: it must not swallow a gigabyte.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Splits text into records of cells (RFC 4180, generously read: any of LF, CR LF and CR ends a record, blank lines
/// are passed over). Text may arrive in chunks cut anywhere.
pub struct RecordSplitter {
    reader: Box<Reader>,
    /// The cells of the record under way, one after the other, …
    cells: Vec<u8>,
    filled: usize,
    /// … and where each of them ends.
    ends: Vec<usize>,
    ended: usize,
    overflowed: bool,
}

impl RecordSplitter {
    /// For cells between `delimiter` bytes.
    pub fn new(delimiter: u8) -> Self {
        Self {
            reader: Box::new(ReaderBuilder::new().delimiter(delimiter).build()),
            cells: vec![0; 1 << 10],
            filled: 0,
            ends: vec![0; 1 << 6],
            ended: 0,
            overflowed: false,
        }
    }

    /// Takes the next chunk and hands over the records it completes. After [`RecordSplitter::has_overflowed`] no
    /// more come.
    pub fn push(&mut self, text: &str) -> Vec<Vec<String>> {
        // An empty chunk would tell the reader that the file has ended.
        if text.is_empty() { Vec::new() } else { self.read(text.as_bytes()) }
    }

    /// The file has ended: hands over the record that no line end closed, if any.
    pub fn finish(&mut self) -> Vec<Vec<String>> {
        self.read(&[])
    }

    /// Whether a record was longer than [`MAX_RECORD_BYTES`]; the rest of the file is not split.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    fn read(&mut self, mut input: &[u8]) -> Vec<Vec<String>> {
        let mut records = Vec::new();
        while !self.overflowed {
            let (result, read, written, ended) =
                self.reader.read_record(input, &mut self.cells[self.filled..], &mut self.ends[self.ended..]);
            input = &input[read..];
            self.filled += written;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull if self.cells.len() >= MAX_RECORD_BYTES => self.overflowed = true,
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => records.push(self.take_record()),
            }
        }
        records
    }

    fn take_record(&mut self) -> Vec<String> {
        let mut start = 0;
        let record = self.ends[..self.ended]
            .iter()
            // The text was UTF-8 and cells are cut at ASCII bytes, so nothing is replaced here.
            .map(|&end| String::from_utf8_lossy(&self.cells[std::mem::replace(&mut start, end)..end]).into_owned())
            .collect();
        (self.filled, self.ended) = (0, 0);
        record
    }
}

/// All records of a text.
pub fn records(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut splitter = RecordSplitter::new(delimiter);
    let mut records = splitter.push(text);
    records.extend(splitter.finish());
    records
}

/// Guesses the byte between cells from the head of a file: the one of `,` tab `;` `|` with which most records have as
/// many cells as the first; a line feed if the first record has one cell but commas in later ones cut lines apart.
pub fn guess_delimiter(head: &str, extension: &str) -> u8 {
    const LOOKED_AT: usize = 200;
    let start: String = head.split_inclusive('\n').take(LOOKED_AT).collect();
    let preferred = if matches!(extension, "tsv" | "tab") { b'\t' } else { b',' };
    let mut best = (0.0, preferred);
    for delimiter in [preferred, b',', b'\t', b';', b'|'] {
        let records = records(&start, delimiter);
        let width = records.first().map_or(0, Vec::len);
        if width < 2 {
            continue;
        }
        let alike = records.iter().filter(|record| record.len() == width).count() as f64 / records.len() as f64;
        // A wider table of equal regularity is the better reading: `a;b;c` rather than `1,5 … 2,5`.
        let score = alike + 0.01 * (1.0 - 1.0 / width as f64);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    let (score, delimiter) = best;
    if score > 0.0 {
        return delimiter;
    }
    let ragged = records(&start, delimiter).iter().any(|record| record.len() != 1);
    if ragged { b'\n' } else { delimiter }
}

/// Guesses whether the first record names the columns. It does not if it holds a number in every column that holds
/// numbers below (and there is one); names like `1990` and `1991` are still names.
pub fn guess_header(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return true };
    let is_year = |cell: &str| cell.trim().parse::<u32>().is_ok_and(|year| (1900..2100).contains(&year));
    let numeric: Vec<&String> = first
        .iter()
        .enumerate()
        .filter(|(place, _)| {
            let below = || rest.iter().filter_map(|record| record.get(*place)).filter(|cell| !is_missing(cell));
            below().next().is_some() && below().all(|cell| is_number(cell))
        })
        .map(|(_, cell)| cell)
        .collect();
    numeric.is_empty() || numeric.iter().any(|cell| !is_number(cell)) || numeric.iter().all(|cell| is_year(cell))
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

/// Whether a cell is a number: with a decimal point or comma, a sign, an exponent, a percent sign.
pub fn is_number(cell: &str) -> bool {
    let cell = cell.trim().trim_end_matches('%');
    cell.bytes().any(|byte| byte.is_ascii_digit())
        && cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte))
        && cell.replace(',', ".").parse::<f64>().is_ok()
}

/// Whether a cell says that there is no value.
pub fn is_missing(cell: &str) -> bool {
    matches!(cell.trim().to_ascii_lowercase().as_str(), "" | "na" | "n/a" | "nan" | "null" | "none" | "?" | "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delimiters_are_guessed() {
        for (head, extension, expected) in [
            ("a,b\n1,2\n", "csv", b','),
            ("a;b;c\n1,5;2,5;x\n2,5;3,5;y\n", "csv", b';'),
            ("text\tlabel\nWell, yes, no\tgood\nHm, no\tbad\n", "txt", b'\t'),
            ("a|b\n1|2\n", "csv", b'|'),
            ("text,label\n\"a; b; c\",x\n\"d; e; f\",y\n", "csv", b','),
            ("text\nfine\nvery good\n", "csv", b','),
            ("text\nfine, really\nwell, yes, no\n", "csv", b'\n'),
            ("", "tsv", b'\t'),
        ] {
            assert_eq!(guess_delimiter(head, extension) as char, expected as char, "{head:?}");
        }
    }

    #[test]
    fn headers_are_guessed() {
        for (text, expected) in [
            ("length,species\n5.1,setosa\n", true),
            ("5.1,setosa\n4.9,setosa\n", false),
            ("good,yes\nbad,no\n", true),
            ("country,1990,1991\nFrance,1.5,2.5\n", true),
            ("id,7\nx,8\n", false),
            ("", true),
        ] {
            assert_eq!(guess_header(&records(text, b',')), expected, "{text:?}");
        }
    }

    #[test]
    fn names_are_made_unique() {
        let header = ["a", " a ", "", "a (2)", "column 3"].map(String::from);
        assert_eq!(unique_names(&header, 5), ["a", "a (2)", "column 3", "a (2) (2)", "column 3 (2)"]);
    }

    #[test]
    fn numbers_are_numbers() {
        for cell in ["1", "-1.5", "1,5", "3e-4", " 12 ", "45%"] {
            assert!(is_number(cell), "{cell}");
        }
        for cell in ["", "e", "a1", "1.2.3", "2024-01-02", "inf", "NaN", "-"] {
            assert!(!is_number(cell), "{cell}");
        }
    }

    #[test]
    fn a_quote_left_open_does_not_fill_the_memory() {
        let mut splitter = RecordSplitter::new(b',');
        assert_eq!(splitter.push("a,b\n\"open"), [["a", "b"]]);
        let megabyte = "x".repeat(1 << 20);
        for _ in 0..20 {
            splitter.push(&megabyte);
        }
        assert!(splitter.has_overflowed());
        assert!(splitter.cells.len() <= MAX_RECORD_BYTES);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[a-z,;|\t\"\n\r é日]{0,6}", 3), 1..8),
            delimiter in prop::sample::select(&b",;|\t"[..]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len()))).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let mut splitter = RecordSplitter::new(delimiter);
            let (mut read, mut start) = (Vec::new(), 0);
            for cut in cuts {
                read.extend(splitter.push(&text[start..cut]));
                start = cut;
            }
            read.extend(splitter.finish());
            prop_assert_eq!(read, rows);
        }
    }
}
