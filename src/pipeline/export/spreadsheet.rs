//! Tables for spreadsheets: cells that one would run as a formula get an apostrophe, and an import takes it away again.
//!
//! A spreadsheet takes a cell for a formula that begins with `=`, `+`, `-` or `@`, and reads on behind a tab or a line break. With an
//! apostrophe before it, it is text. Plain numbers (`-3.5`) stay as they are: they compute nothing. A cell that has such apostrophes
//! already gets one more, so that taking one away always gives what was there.

use super::item_columns::ITEM_COLUMN;

/// The last column of a table of items for spreadsheets: how many cells of the row got an apostrophe. Each row tells for itself, as
/// rows may be sorted, taken out or put under others before they come back.
pub const DEFUSED_COLUMN: &str = "hone_defused";

/// A table in which no cell is a formula.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defused {
    /// The table, as CSV.
    pub csv: String,
    /// How many of its cells got an apostrophe, names of columns included.
    pub cells: u32,
}

/// A CSV table with its header, defused. A table of items has one more column, [`DEFUSED_COLUMN`].
pub fn for_spreadsheets(csv: &str) -> Defused {
    defuse_table(csv, csv.split([',', '\n', '\r']).next() == Some(ITEM_COLUMN))
}

/// Rows of CSV, with or without a header, defused. Nothing is added to them.
pub fn rows_for_spreadsheets(csv: &str) -> Defused {
    defuse_table(csv, false)
}

fn defuse_table(csv: &str, counted: bool) -> Defused {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut cells = 0;
    for (place, record) in reader.records().enumerate() {
        // It was written a moment ago, as UTF-8, and memory does not fail to be read.
        let Ok(record) = record else { continue };
        let mut in_row = 0_u32;
        let mut row: Vec<String> = record
            .iter()
            .map(|cell| match defuse(cell) {
                Some(defused) => {
                    in_row += 1;
                    defused
                }
                None => cell.to_owned(),
            })
            .collect();
        cells += in_row;
        if counted {
            row.push(if place == 0 { DEFUSED_COLUMN.to_owned() } else { in_row.to_string() });
        }
        let written = writer.write_record(&row);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    Defused { csv: String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default(), cells }
}

/// The cell with an apostrophe before it, if a spreadsheet would run it without.
pub fn defuse(cell: &str) -> Option<String> {
    let bare = cell.trim_start_matches('\'');
    let harmless = !begins_formula(bare) || (bare.len() == cell.len() && is_plain_number(cell));
    (!harmless).then(|| format!("'{cell}"))
}

/// What the cell was before [`defuse`]; `None` if that did not change it.
pub fn undo(cell: &str) -> Option<&str> {
    let rest = cell.strip_prefix('\'')?;
    begins_formula(rest.trim_start_matches('\'')).then_some(rest)
}

/// Whether a spreadsheet reads on from here as a formula. Blanks before it are passed over, and East Asian keyboards write signs of
/// double width, which some programs take for the others.
fn begins_formula(cell: &str) -> bool {
    let is_sign = |letter: char| matches!(letter, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    cell.starts_with(['\t', '\r', '\n']) || cell.trim_start().starts_with(is_sign)
}

/// Whether all of the cell is one number with its sign. By its letters: what reads numbers would cost the page 12 KB, and a cell of
/// digits and the marks between them computes nothing, whatever number it is.
fn is_plain_number(cell: &str) -> bool {
    let Some(number) = cell.strip_prefix(['+', '-']) else { return false };
    let number = number.strip_suffix('%').unwrap_or(number);
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_mark = |letter: char| matches!(letter, '.' | ',' | ' ' | '\u{a0}' | '\u{202f}');
    digits.contains(|letter: char| letter.is_ascii_digit())
        && digits.chars().all(|letter| letter.is_ascii_digit() || is_mark(letter))
        && !exponent.is_empty()
        && exponent.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_that_would_run_get_an_apostrophe_and_numbers_none() {
        for (cell, expected) in [
            ("=1+1", Some("'=1+1")),
            ("=HYPERLINK(\"x\",\"y\")", Some("'=HYPERLINK(\"x\",\"y\")")),
            ("+cmd|' /C calc'!A0", Some("'+cmd|' /C calc'!A0")),
            ("-2+3", Some("'-2+3")),
            ("-", Some("'-")),
            ("@SUM(A1)", Some("'@SUM(A1)")),
            ("\t=1", Some("'\t=1")),
            ("\rx", Some("'\rx")),
            ("\t-5", Some("'\t-5")),
            ("  =1", Some("'  =1")),
            ("＝1+1", Some("'＝1+1")),
            ("'=1", Some("''=1")),
            ("'-3.5", Some("''-3.5")),
            ("-3.5", None),
            ("+2", None),
            ("-1e-7", None),
            ("+49 170", None),
            ("-1,234.5", None),
            ("-1.234,5", None),
            ("-12.5%", None),
            ("-inf", Some("'-inf")),
            ("-1e", Some("'-1e")),
            ("-1e5+2", Some("'-1e5+2")),
            ("-1E+5", None),
            ("a=1", None),
            ("'tis", None),
            ("", None),
            ("3-4", None),
        ] {
            assert_eq!(defuse(cell).as_deref(), expected, "{cell:?}");
            assert_eq!(expected.and_then(undo).unwrap_or(cell), cell, "and back: {cell:?}");
        }
        for untouched in ["'tis", "-3.5", "=1", "'"] {
            assert_eq!(undo(untouched), None, "{untouched}");
        }
    }

    #[test]
    fn a_table_without_formulas_stays_as_it_was_to_the_byte() {
        let csv = "item,prediction,\"x, y\"\na,-0.5,\"two\nlines\"\n";
        assert_eq!(for_spreadsheets(csv), Defused { csv: csv.into(), cells: 0 });
    }

    #[test]
    fn rows_of_items_tell_how_many_cells_were_changed() {
        let defused = for_spreadsheets("hone_item,=name,text\n1,a,=b\n2,-1,\"+c, d\"\n3,4,e\n");
        let expected = "hone_item,'=name,text,hone_defused\n1,a,'=b,1\n2,-1,\"'+c, d\",1\n3,4,e,0\n";
        assert_eq!(defused, Defused { csv: expected.into(), cells: 3 });
        assert_eq!(rows_for_spreadsheets("=a,1\n").csv, "'=a,1\n");
    }

    proptest! {
        #[test]
        fn whatever_was_in_a_cell_can_be_had_back(cell in "['=+@ \t\r\n0-9a.,-]{0,8}") {
            match defuse(&cell) {
                Some(defused) => {
                    prop_assert!(!begins_formula(&defused));
                    prop_assert_eq!(undo(&defused), Some(cell.as_str()));
                }
                None => {
                    prop_assert_eq!(undo(&cell), None);
                    prop_assert!(!begins_formula(&cell) || is_plain_number(&cell));
                }
            }
        }
    }
}
