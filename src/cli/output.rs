//! What people and scripts read: results on standard output, remarks on standard error.

use super::failure::Failure;
use crate::pipeline::import::ProblemList;
use crate::pipeline::import::plan::Problem;
use crate::pipeline::item::Kind;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// How many problems are spelt out on standard error; `--json` has them all.
const PROBLEMS_SHOWN: usize = 5;

/// Writes to standard output. A reader that has gone away (`| head`) is no failure.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != ErrorKind::BrokenPipe
    {
        remark(&format!("cannot write to standard output: {error}"));
    }
}

/// Prints a value as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::data(format!("the result does not fit into JSON: {error}")))?;
    print(&format!("{json}\n"));
    Ok(())
}

/// Says something beside the result: one line on standard error.
pub fn remark(text: &str) {
    eprintln!("hone: {text}");
}

/// Tells on standard error how many cells of a table for spreadsheets got an apostrophe.
pub fn remark_defused(cells: u64) {
    match cells {
        0 => remark("no cell would run as a formula, so none was changed"),
        _ => remark(&format!(
            "{} that a spreadsheet would run as a formula got an apostrophe before it",
            counted(cells, "cell")
        )),
    }
}

/// What every command tells of the data in `--json`, beside what it made of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Told<'a> {
    /// Rows (or files) in the data.
    rows: u64,
    /// Those of them that were left out because of a problem.
    lost: u64,
    /// Hidden and system files, passed over and not counted as rows.
    hidden: u64,
    /// Problems and remarks in all.
    problem_count: u64,
    /// The first ten thousand of them; `lost` is 0 for a remark on what came in all the same.
    problems: &'a [Problem],
}

impl<'a> Told<'a> {
    /// Of data with so many rows.
    pub fn of(rows: u64, hidden: u64, problems: &'a ProblemList) -> Self {
        let (lost, problem_count) = (problems.lost(), problems.count());
        Self { rows, lost, hidden, problem_count, problems: problems.as_slice() }
    }
}

/// The same where `rows` are what was found of each label.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ToldOfLabels<'a> {
    /// Rows (or files) left out because of a problem.
    lost: u64,
    /// Hidden and system files, passed over.
    hidden: u64,
    /// Problems and remarks in all.
    problem_count: u64,
    /// The first ten thousand of them; `lost` is 0 for a remark on what came in all the same.
    problems: &'a [Problem],
}

impl<'a> ToldOfLabels<'a> {
    /// What was told while the labels were read.
    pub fn of(hidden: u64, problems: &'a ProblemList) -> Self {
        let (lost, problem_count) = (problems.lost(), problems.count());
        Self { lost, hidden, problem_count, problems: problems.as_slice() }
    }
}

/// Says what was wrong with the data: how many problems, how many rows or files were left out, and the first few.
pub fn remark_problems(problems: &ProblemList) {
    let (left_out, remarks): (Vec<&Problem>, Vec<&Problem>) =
        problems.as_slice().iter().partition(|problem| problem.lost > 0);
    // What is not kept in words is counted among the problems: it is the worse reading.
    let count = problems.count() - remarks.len() as u64;
    if count > 0 {
        let (problems_counted, lost) = (counted(count, "problem"), thousands(problems.lost()));
        remark(&format!("{problems_counted} with the data, {lost} left out; what could be read is used"));
        spell_out(&left_out, count);
    }
    if !remarks.is_empty() {
        remark(&format!("{} on what was read", counted(remarks.len() as u64, "remark")));
        spell_out(&remarks, remarks.len() as u64);
    }
}

fn spell_out(problems: &[&Problem], count: u64) {
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        eprintln!("  {}", problem_line(problem));
    }
    if count > PROBLEMS_SHOWN as u64 {
        eprintln!("  and {} more (--json lists them)", thousands(count - PROBLEMS_SHOWN as u64));
    }
}

/// `file:row: message`.
pub fn problem_line(problem: &Problem) -> String {
    let place = match problem.row {
        Some(row) => format!("{}:{row}", problem.file),
        None => problem.file.clone(),
    };
    if place.is_empty() { problem.message.clone() } else { format!("{place}: {}", problem.message) }
}

/// `1 item`, `1,234 items`.
pub fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{} {what}s", thousands(count)) }
}

/// What one item of a kind is called in a sentence.
pub fn item_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "image",
        Kind::Text => "text",
        Kind::Table => "row",
    }
}

/// Digits in groups of three.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `a, b and c`, at most ten of them.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => "none".into(),
        [only] => (*only).into(),
        [first @ .., last] if names.len() <= 10 => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..10].join(", "), names.len() - 10),
    }
}

/// A share between 0 and 1 as a percentage with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Columns aligned for a terminal: the first to the left, the others to the right; the first row is the heading.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(place, (cell, &width))| {
                    if place == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The same rows as a Markdown table.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let [heading, body @ ..] = rows else { return String::new() };
    let rule: Vec<String> = heading.iter().map(|_| "---".to_string()).collect();
    let body: String = body.iter().map(|row| line(row)).collect();
    line(heading) + &line(&rule) + &body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_read_well() {
        assert_eq!(thousands(0) + " " + &thousands(999) + " " + &thousands(1234567), "0 999 1,234,567");
        assert_eq!((counted(1, "item"), counted(2000, "item")), ("1 item".into(), "2,000 items".into()));
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
        assert!(listed(vec!["x"; 12]).ends_with("and 2 more"));
    }

    #[test]
    fn rows_line_up() {
        let rows = [["class", "n"], ["é", "10"]].map(|row| row.map(String::from).to_vec());
        assert_eq!(aligned(&rows), "class   n\né      10\n");
        assert_eq!(markdown(&rows), "| class | n |\n| --- | --- |\n| é | 10 |\n");
    }
}
