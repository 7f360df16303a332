//! `hone issues --target-column`: numbers that are likely wrong, the most suspicious first.

use super::arguments::IssuesArguments;
use super::dataset::Dataset;
use super::embed::Extractor;
use super::failure::Failure;
use super::input::{ProjectLabels, Wanted};
use super::issues::give;
use super::output::{self, ToldOfLabels, counted};
use super::project;
use super::roles::fit_to_arguments;
use super::train::must_be_writable;
use crate::pipeline::import::plan::Target;
use crate::pipeline::regression::issues::rank;
use crate::pipeline::regression::{NumericIssue, canonical, parse};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Report<'a> {
    /// Numbers looked at.
    items: usize,
    /// Items without a number, left out.
    unlabelled: usize,
    target_column: &'a str,
    /// How many numbers are issues.
    issues: usize,
    rows: Vec<Row<'a>>,
    #[serde(flatten)]
    told: ToldOfLabels<'a>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// Its place in the data, from 0.
    index: usize,
    is_issue: bool,
    score: f64,
    given: f64,
    /// What a model that has not seen this number says.
    predicted: f64,
    item: &'a str,
}

/// Runs the command.
pub fn run(arguments: &IssuesArguments, data: &Path, column: &str) -> Result<(), Failure> {
    if let Some(path) = &arguments.output {
        must_be_writable(path)?;
    }
    if project::is_project(data) {
        return Err(Failure::usage("--target-column names a column of a table; a project has none"));
    }
    let reading = &arguments.reading;
    let wanted =
        Wanted { kind: reading.kind, labels: ProjectLabels::Training, header: reading.table.first_row_is_header() };
    let mut dataset = Dataset::open(data, wanted, |plan| {
        if plan.columns.is_empty() {
            return Err(Failure::data("--target-column needs a table: files in folders have no columns"));
        }
        fit_to_arguments(plan, Some(column), &arguments.reading)?;
        plan.target = Target::Number;
        Ok(())
    })?;
    let unlabelled = dataset.keep_labelled();
    let extractor = Extractor::for_training(&dataset, &arguments.run)?;
    let features = extractor.embed(&mut dataset, &arguments.run)?;
    // What the reader let pass is a number.
    let number = |label: &Option<String>| label.as_deref().and_then(|text| parse(text).ok());
    let labels: Vec<(usize, f64)> =
        (0..).zip(&dataset.entries).filter_map(|(row, entry)| Some((row, number(&entry.label)?))).collect();
    let found = rank(&features, &labels)
        .map_err(|why| Failure::data(format!("the numbers of {column} can't be compared: {why}")))?;
    let row = |issue: &NumericIssue| {
        let entry = &dataset.entries[issue.row];
        let NumericIssue { is_issue, score, given, predicted, .. } = *issue;
        Row { index: entry.index, is_issue, score, given, predicted, item: &entry.item.name }
    };
    let report = Report {
        items: labels.len(),
        unlabelled,
        target_column: column,
        issues: found.iter().filter(|issue| issue.is_issue).count(),
        rows: found.iter().map(row).collect(),
        told: ToldOfLabels::of(dataset.input.hidden, &dataset.problems),
    };
    output::remark_problems(&dataset.problems);
    give(arguments, &report, &csv(&report.rows), &summary(&report))
}

/// `index,is_issue,score,given,predicted`, a line a number. None of them needs quotes.
fn csv(rows: &[Row]) -> String {
    let line = |row: &Row| {
        format!("{},{},{},{},{}\n", row.index, row.is_issue, row.score, canonical(row.given), canonical(row.predicted))
    };
    "index,is_issue,score,given,predicted\n".to_owned() + &rows.iter().map(line).collect::<String>()
}

fn summary(report: &Report) -> String {
    format!(
        "{} of {} {}.",
        report.issues,
        counted(report.items as u64, "number"),
        if report.issues == 1 { "is an issue" } else { "are issues" }
    )
}
