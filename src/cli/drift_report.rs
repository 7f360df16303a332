//! What `hone drift` says: a page for people, or JSON.

use super::drift::{Found, exit_code};
use super::failure::Failure;
use super::output::{self, counted, item_word, percent};
use crate::pipeline::drift::accuracy::{FEWEST_HELD_OUT, FEWEST_ROWS};
use crate::pipeline::drift::{ColumnShift, Finding, LEVEL, NoEstimate, Novel, Separation};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::import::plan::Problem;
use serde::Serialize;

/// Tests, findings and novel items spelt out for people; `--json` has them all.
const SHOWN: usize = 8;

#[derive(Serialize)]
struct Json<'a> {
    state: &'a str,
    exit_code: u8,
    sentence: &'a str,
    /// Whether the batch's labels decided, rather than the estimate.
    by_audit: bool,
    /// How many audits of the batch would decide; null if nothing is to be decided.
    audits_needed: Option<u32>,
    /// The acceptable accuracy; null if it was not given and the reference's labels don't tell one.
    floor: Option<f64>,
    items: u64,
    reference_items: u64,
    /// How many of them were compared: all, or so many drawn at random.
    compared: usize,
    reference_compared: usize,
    /// Rows (or files) in the batch and in the reference, those left out included.
    rows: u64,
    reference_rows: u64,
    /// Whether any test alarms.
    moved: bool,
    /// The model's estimated accuracy on the batch, or null and why: `few_items`, `few_labels` in the reference, `unlike`.
    accuracy: Option<Estimate>,
    no_estimate: Option<NoEstimate>,
    /// Its accuracy on the labels of the reference; null without any.
    reference_accuracy: Option<Estimate>,
    /// Its accuracy on the labels of the batch; null without any.
    audited_accuracy: Option<Estimate>,
    /// The corrected p-value below which a test alarms.
    level: f64,
    tests: Vec<NamedTest<'a>>,
    classes: Vec<ClassRow<'a>>,
    columns: &'a [ColumnShift],
    separation: Option<Separation>,
    findings: &'a [Finding],
    novel: Vec<NovelItem<'a>>,
    /// Hidden and system files in either, passed over.
    hidden: u64,
    problem_count: u64,
    problems: Vec<&'a Problem>,
}

#[derive(Serialize)]
struct NamedTest<'a> {
    name: &'a str,
    statistic: f64,
    p: f64,
    corrected: f64,
}

#[derive(Serialize)]
struct ClassRow<'a> {
    class: &'a str,
    /// The share predicted as it, in the reference and in the batch.
    predicted_reference: f64,
    predicted_batch: f64,
    /// Its estimated share; null where nothing can be estimated.
    reference: Option<f64>,
    batch: Option<Estimate>,
}

#[derive(Serialize)]
struct NovelItem<'a> {
    item: &'a str,
    novelty: f64,
    nearest: Vec<&'a str>,
}

/// Prints everything.
pub fn print_json(found: &Found) -> Result<(), Failure> {
    let report = &found.report;
    let share = |audited: Option<(u64, u64)>| {
        audited.and_then(|(right, total)| Estimate::of_share(right as usize, total as usize))
    };
    let problems = [&found.reference.problems, &found.batch.problems];
    output::print_json(&Json {
        state: found.judgement.state.word(),
        exit_code: exit_code(found.judgement.state),
        sentence: &found.judgement.sentence,
        by_audit: found.judgement.by_audit,
        audits_needed: found.judgement.audits_needed,
        floor: found.floor,
        items: found.batch.items,
        reference_items: found.reference.items,
        compared: found.batch.entries.len(),
        reference_compared: found.reference.entries.len(),
        rows: found.batch.rows,
        reference_rows: found.reference.rows,
        moved: report.moved,
        accuracy: report.accuracy.ok(),
        no_estimate: report.accuracy.err(),
        reference_accuracy: share(found.reference.audited),
        audited_accuracy: share(found.batch.audited),
        level: LEVEL,
        tests: report
            .tests
            .iter()
            .map(|(name, test)| NamedTest { name, statistic: test.statistic, p: test.p, corrected: test.corrected })
            .collect(),
        classes: classes(found),
        columns: &report.columns,
        separation: report.separation,
        findings: &found.findings,
        novel: novel(found),
        hidden: found.reference.input.hidden + found.batch.input.hidden,
        problem_count: problems.iter().map(|problems| problems.count()).sum(),
        problems: problems.iter().flat_map(|problems| problems.as_slice()).collect(),
    })
}

fn classes(found: &Found) -> Vec<ClassRow<'_>> {
    let report = &found.report;
    let names = found.model.classes.iter().zip(&report.classes);
    names
        .map(|(class, shift)| ClassRow {
            class,
            predicted_reference: shift.predicted.0,
            predicted_batch: shift.predicted.1,
            reference: shift.estimated.map(|(reference, _)| reference),
            batch: shift.estimated.map(|(_, batch)| batch),
        })
        .collect()
}

fn novel(found: &Found) -> Vec<NovelItem<'_>> {
    let first = found.reference.entries.len();
    let in_reference = |row: &usize| found.reference.entries[*row].item.name.as_str();
    let one = |novel: &Novel| NovelItem {
        item: &found.batch.entries[novel.row - first].item.name,
        novelty: novel.novelty,
        nearest: novel.nearest.iter().map(in_reference).collect(),
    };
    found.report.novel.iter().map(one).collect()
}

/// A short page.
pub fn in_words(found: &Found) -> String {
    let report = &found.report;
    let items = |count: u64| counted(count, item_word(found.model.kind));
    let mut text = format!("{}\n\n", found.judgement.sentence);
    text += &format!("{} compared with {} of the reference.\n", items(found.batch.items), items(found.reference.items));
    if let Some(needed) = found.judgement.audits_needed {
        text += &format!(
            "To decide, label {} of the new data, drawn at random, and run this again.\n",
            items(u64::from(needed))
        );
    }
    text += &report.accuracy.err().map(no_estimate).unwrap_or_default();
    if !found.findings.is_empty() {
        text += "\nThe data:\n";
        text += &lines(found.findings.iter().map(|finding| finding.sentence.clone()).collect(), "findings");
    }
    text += "\n";
    text += &output::aligned(&class_table(found));
    let moved: Vec<String> = report
        .tests
        .iter()
        .filter(|(_, test)| test.alarms())
        .map(|(name, test)| {
            let column = report.columns.iter().find(|column| column.name == *name);
            let change =
                column.filter(|column| column.usual_reference != column.usual_batch).map_or(String::new(), |column| {
                    let now = if column.usual_batch.is_empty() { "nothing" } else { &column.usual_batch };
                    format!(", usually {now} instead of {}", column.usual_reference)
                });
            let p = if test.corrected < 0.0001 { "< 0.0001".into() } else { format!("= {:.4}", test.corrected) };
            format!("{name} (corrected p {p}){change}")
        })
        .collect();
    text += &format!("\n{}\n", report.summary(found.findings.len()));
    if moved.is_empty() {
        return text;
    }
    text += "\nWhat moved:\n";
    text += &lines(moved, "tests");
    text += "\nMost novel:\n";
    let novel = novel(found).into_iter().take(SHOWN);
    let novel = novel.map(|novel| match novel.nearest.first() {
        Some(nearest) => format!("{}, nearest to {nearest}", novel.item),
        None => novel.item.to_owned(),
    });
    text + &lines(novel.collect(), "items")
}

/// Why nothing is estimated, a line.
fn no_estimate(why: NoEstimate) -> String {
    let why = match why {
        NoEstimate::FewItems => format!("that takes {FEWEST_ROWS} items in the new data"),
        NoEstimate::FewLabels => format!("that takes {FEWEST_HELD_OUT} labels of two classes in the reference"),
        NoEstimate::Unlike => "the new data are unlike the reference".into(),
    };
    format!("The accuracy can't be estimated: {why}.\n")
}

fn class_table(found: &Found) -> Vec<Vec<String>> {
    let heading = ["class", "reference", "new data", "95 % interval"].map(String::from).to_vec();
    let row = |row: ClassRow| match (row.reference, row.batch) {
        (Some(reference), Some(batch)) => vec![
            row.class.to_owned(),
            percent(reference),
            percent(batch.estimate),
            format!("{} to {}", percent(batch.low), percent(batch.high)),
        ],
        _ => vec![row.class.to_owned(), percent(row.predicted_reference), percent(row.predicted_batch), String::new()],
    };
    std::iter::once(heading).chain(classes(found).into_iter().map(row)).collect()
}

/// One line each, and how many more there are.
fn lines(all: Vec<String>, what: &str) -> String {
    let mut text: String = all.iter().take(SHOWN).map(|line| format!("  {line}\n")).collect();
    if all.len() > SHOWN {
        text += &format!("  and {} more {what} (--json lists them)\n", all.len() - SHOWN);
    }
    text
}
