use super::*;
use crate::pipeline::import::dialect::sniff;
use proptest::prelude::*;

fn read(text: &str, format: &TableFormat) -> Vec<Vec<String>> {
    records(text, format).into_iter().map(|record| record.cells).collect()
}

fn csv() -> TableFormat {
    TableFormat::default()
}

#[test]
fn what_the_standard_allows_is_read_as_it_says() {
    for (text, expected) in [
        ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
        ("a,b\r\n1,2", vec![vec!["a", "b"], vec!["1", "2"]]),
        ("a,b\r1,2\r", vec![vec!["a", "b"], vec!["1", "2"]]),
        ("a,b\n\n\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
        ("\"x, y\",\"say \"\"hi\"\"\"\n", vec![vec!["x, y", "say \"hi\""]]),
        ("\"two\nlines\",b\nc,d\n", vec![vec!["two\nlines", "b"], vec!["c", "d"]]),
        ("\"two\r\nlines\",b\r\n", vec![vec!["two\r\nlines", "b"]]),
        (",\n", vec![vec!["", ""]]),
        ("\"\",\"\"\"\"\n", vec![vec!["", "\""]]),
    ] {
        assert_eq!(read(text, &csv()), expected, "{text:?}");
    }
}

#[test]
fn what_people_write_is_read_as_they_mean_it() {
    for (text, expected) in [
        // Blanks before a mark, and after one.
        ("1, \"x, y\", b\n", vec![vec!["1", "x, y", " b"]]),
        ("\"x\" ,b\n", vec![vec!["x", "b"]]),
        // Inches, in the middle and at the beginning.
        ("a 6\" pipe,b\n", vec![vec!["a 6\" pipe", "b"]]),
        ("\"6\" pipe,b\n", vec![vec!["\"6\" pipe", "b"]]),
        // Marks that nobody doubled.
        ("\"he said \"hi\" to me\",b\n", vec![vec!["he said \"hi\" to me", "b"]]),
    ] {
        assert_eq!(read(text, &csv()), expected, "{text:?}");
    }
    let backslash = TableFormat { backslash: true, ..csv() };
    assert_eq!(read("\"say \\\"hi\\\", C:\\\\\",b\n", &backslash), [["say \"hi\", C:\\", "b"]]);
    let literal = TableFormat { quoted: false, delimiter: b'\t', ..csv() };
    assert_eq!(read("\"open\tb\nc\"\td\n", &literal), [["\"open", "b"], ["c\"", "d"]]);
    let below = TableFormat { preamble: 2, ..csv() };
    assert_eq!(read("sep=,\n# made by hand\na,b\n", &below), [["a", "b"]]);
}

/// Rows of a text and a label, with these lines put in after the tenth.
fn among_others(lines: &str) -> String {
    let row = |n: usize| format!("the text of number {n},{}\n", ["good", "bad"][n % 2]);
    let (before, after): (String, String) = ((0..10).map(row).collect(), (10..20).map(row).collect());
    format!("text,label\n{before}{lines}{after}")
}

#[test]
fn a_mark_that_encloses_nothing_swallows_no_row() {
    // Opened here, closed by a mark that stands alone in a later row.
    let text = among_others("\"open here,good\nnothing odd,bad\nand closed\",good\n");
    let all = records(&text, &csv());
    assert_eq!(all.len(), 24);
    assert_eq!(all[11].cells, ["\"open here", "good"]);
    assert_eq!(all[13].cells, ["and closed\"", "good"]);
    assert!(all[11].doubt.is_some());
    // Never closed: all rows after it are there.
    let all = records(&among_others("\"open here,good\n"), &csv());
    assert_eq!((all.len(), all[11].cells.clone()), (22, vec!["\"open here".to_owned(), "good".to_owned()]));
    assert!(all[11].doubt.is_some());
    // Closed by the mark that opens an honest cell.
    let all = records(&among_others("\"open here,good\nplain,bad\n\"x, y\",good\n"), &csv());
    assert_eq!((all.len(), all[13].cells.clone()), (24, vec!["x, y".to_owned(), "good".to_owned()]));
}

#[test]
fn a_cell_of_several_lines_stays_one() {
    // Each line alone would be a row of two cells; but “ hello” is no label of this table.
    let all = records(&among_others("\"well, hello\nworld\",good\n"), &csv());
    assert_eq!((all.len(), all[11].cells[0].as_str()), (22, "well, hello\nworld"));
    assert!(all[11].doubt.is_some(), "it could be two rows: that is told");
    let all = records(&among_others("\"line\nafter\nline\",good\n"), &csv());
    assert_eq!((all.len(), all[11].doubt.as_deref()), (22, None));
    let long = format!("\"{}\",good\n", "a line\n".repeat(30));
    let all = records(&among_others(&long), &csv());
    assert_eq!(all.len(), 22);
    assert!(all[11].doubt.as_ref().is_some_and(|doubt| doubt.contains("31 lines")), "{:?}", all[11].doubt);
}

#[test]
fn a_mark_left_open_does_not_fill_the_memory() {
    let mut splitter = RecordSplitter::new(&csv(), Some(2));
    assert_eq!(splitter.push("a,b\n\"open,x\n").len(), 1);
    let line = format!("{}\n", "x".repeat(1 << 16));
    let mut told = Vec::new();
    for _ in 0..600 {
        told.extend(splitter.push(&line));
        assert!(splitter.pending_bytes <= MAX_RECORD_BYTES + line.len());
    }
    assert_eq!(told[0].cells, ["\"open", "x"]);
    assert!(told.len() > 256, "the lines that were held back are read anew");
}

/// A way to write tables.
#[derive(Debug, Clone)]
struct Writing {
    delimiter: u8,
    terminator: csv::Terminator,
    style: csv::QuoteStyle,
    backslash: bool,
}

fn ten_ways() -> Vec<Writing> {
    let way = |delimiter, terminator, style, backslash| Writing { delimiter, terminator, style, backslash };
    let (lf, cr) = (csv::Terminator::Any(b'\n'), csv::Terminator::Any(b'\r'));
    use csv::QuoteStyle::{Always, Necessary, NonNumeric};
    use csv::Terminator::CRLF;
    vec![
        way(b',', lf, Necessary, false),
        way(b',', CRLF, Always, false),
        way(b',', cr, Necessary, false),
        way(b',', lf, Always, true),
        way(b';', CRLF, Necessary, false),
        way(b';', lf, NonNumeric, false),
        way(b'\t', lf, Necessary, false),
        way(b'\t', CRLF, Always, true),
        way(b'|', lf, Always, false),
        way(b'|', lf, Necessary, false),
    ]
}

fn write(writing: &Writing, rows: &[Vec<String>]) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(writing.delimiter)
        .terminator(writing.terminator)
        .quote_style(writing.style)
        .double_quote(!writing.backslash)
        .escape(b'\\')
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("memory can be written to");
    }
    String::from_utf8(writer.into_inner().expect("flushed")).expect("UTF-8 in, UTF-8 out")
}

fn char_boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Tables of random cells, written in ten ways and read as an import reads them: found out by the file alone.
    #[test]
    fn tables_come_back_equal_or_the_row_is_told(
        rows in prop::collection::vec(("[a-z,;|\t\"\n\r é日]{0,12}", "[a-z ]{1,5}", 0..9_u8), 5..30),
        way in 0..10_usize,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let writing = &ten_ways()[way];
        let mut table = vec![vec!["text".to_owned(), "note".to_owned(), "n".to_owned()]];
        table.extend(rows.iter().map(|(text, note, n)| vec![text.clone(), note.clone(), n.to_string()]));
        let text = write(writing, &table);
        let found = sniff(text.as_bytes(), true, "csv", Some(true));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| char_boundary(&text, cut.index(text.len()))).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let mut splitter = RecordSplitter::new(&found.format, Some(3));
        let (mut read, mut start) = (Vec::new(), 0);
        for cut in cuts {
            read.extend(splitter.push(&text[start..cut]));
            start = cut;
        }
        read.extend(splitter.finish());
        // A row that is not there as it was written must be told; there may be one doubt for several.
        let told = read.iter().any(|record| record.doubt.is_some() || record.cells.len() != 3);
        for row in &table {
            let there = read.iter().any(|record| record.cells == *row);
            prop_assert!(there || told, "{:?} is lost without a word of {:?}: {:?}", row, text, found.format);
        }
        if !told {
            prop_assert_eq!(read.len(), table.len());
        }
    }
}
