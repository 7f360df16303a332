//! The figures of a chart as a table, for reading and as CSV.

use crate::pipeline::export::spreadsheet::defuse;
use crate::protocol::Interval;
use crate::ui::{format, text};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u32),
    /// A share from 0 to 1.
    Share(Option<f64>),
    /// A share from 0 to 1 with its interval.
    Interval(Option<Interval>),
    /// Any other number.
    Number(Option<f64>),
}

impl Cell {
    /// What a person reads. A value that there isn't is a dash.
    pub fn shown(&self) -> String {
        let none = || "–".to_owned();
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(number) => format::count((*number).into()),
            Cell::Share(share) => share.map_or_else(none, format::percent),
            Cell::Interval(interval) => interval.map_or_else(none, format::estimate),
            Cell::Number(number) => number.map_or_else(none, format::number),
        }
    }

    /// The same as fields of a CSV file, at full precision: an interval has three.
    fn plain(&self, fields: &mut Vec<String>) {
        let number = |value: &Option<f64>| value.map(text::plain).unwrap_or_default();
        match self {
            Cell::Text(text) => fields.push(text.clone()),
            Cell::Count(count) => fields.push(count.to_string()),
            Cell::Share(value) | Cell::Number(value) => fields.push(number(value)),
            Cell::Interval(interval) => fields.extend(
                [
                    interval.map(|interval| interval.estimate),
                    interval.map(|interval| interval.low),
                    interval.map(|interval| interval.high),
                ]
                .map(|value| number(&value)),
            ),
        }
    }
}

/// A table with a heading a column. The first cell of a row is its heading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What the columns are.
    pub head: Vec<String>,
    /// The rows, each as long as the heading.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// As CSV (RFC 4180), and how many of its cells got an apostrophe: the figures are for people, with classes named by whoever made
    /// the data, so no cell is left that a spreadsheet would run.
    pub fn csv(&self) -> (String, u32) {
        let mut text = String::new();
        let mut defused = 0;
        let mut head = Vec::new();
        for (column, name) in self.head.iter().enumerate() {
            head.push(name.clone());
            if self.rows.iter().any(|row| matches!(row.get(column), Some(Cell::Interval(_)))) {
                head.extend([format!("{name}, low"), format!("{name}, high")]);
            }
        }
        defused += push_record(&mut text, &head);
        for row in &self.rows {
            let mut fields = Vec::new();
            row.iter().for_each(|cell| cell.plain(&mut fields));
            defused += push_record(&mut text, &fields);
        }
        (text, defused)
    }
}

/// How many fields were defused.
fn push_record(text: &mut String, fields: &[String]) -> u32 {
    let mut defused = 0;
    for (place, field) in fields.iter().enumerate() {
        let harmless = defuse(field);
        defused += u32::from(harmless.is_some());
        let field = harmless.as_ref().unwrap_or(field);
        if place > 0 {
            text.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push_str("\r\n");
    defused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_in_short_and_saved_in_full() {
        let mut table = Table::new(&["class", "audits", "recall"]);
        let recall = Interval { estimate: 0.912345, low: 0.5, high: 1.0, few: false };
        table.rows = vec![
            vec![Cell::Text("say \"a, b\"".into()), Cell::Count(1200), Cell::Interval(Some(recall))],
            vec![Cell::Text("c".into()), Cell::Count(0), Cell::Interval(None)],
        ];
        let shown: Vec<String> = table.rows[0].iter().map(Cell::shown).collect();
        assert_eq!(shown, ["say \"a, b\"", "1,200", "91.2\u{a0}% (50.0–100.0)"]);
        assert_eq!(table.rows[1][2].shown(), "–");
        let csv = "class,audits,recall,\"recall, low\",\"recall, high\"\r\n\
                   \"say \"\"a, b\"\"\",1200,0.912345,0.5,1\r\nc,0,,,\r\n";
        assert_eq!(table.csv(), (csv.to_owned(), 0));
    }

    #[test]
    fn numbers_and_shares_that_are_not_there_are_dashes_and_empty_fields() {
        let mut table = Table::new(&["a", "b"]);
        table.rows = vec![vec![Cell::Share(None), Cell::Number(Some(0.25))]];
        assert_eq!(table.rows[0][0].shown(), "–");
        assert_eq!(table.csv().0, "a,b\r\n,0.25\r\n");
    }

    #[test]
    fn a_class_named_like_a_formula_is_saved_as_text() {
        let mut table = Table::new(&["=class", "gain"]);
        table.rows = vec![vec![Cell::Text("@SUM(1)".into()), Cell::Number(Some(-0.25))]];
        assert_eq!(table.csv(), ("'=class,gain\r\n'@SUM(1),-0.25\r\n".to_owned(), 2));
    }
}
