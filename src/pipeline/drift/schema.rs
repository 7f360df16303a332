//! Data checks before any model: is the batch the table that the model knows?

use super::describe::cells;
use super::two_sample::fisher;
use crate::pipeline::features::cell::{NumberFormat, parse_number};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A column counts as numeric when at least this share of its cells that are not missing are numbers.
const NUMERIC_SHARE: f64 = 0.95;
/// A jump in the share of missing cells is told from so many points on, if chance does not explain it.
const MISSING_JUMP: f64 = 0.05;
/// What chance explains: p-values above this.
const CHANCE: f64 = 0.001;
/// Unseen categories and numbers out of range are told from this share of the batch on, if chance does not explain them.
const WORTH_TELLING: f64 = 0.01;
/// Names spelt out in a sentence.
const MOST_NAMED: usize = 5;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; predictions are what they would be.
    Note,
    /// Predictions suffer, or what is measured does.
    Warning,
}

/// Something about the data that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, what becomes of it, and what to do.
    pub sentence: String,
}

fn note(sentence: String) -> Finding {
    Finding { severity: Severity::Note, sentence }
}

fn warning(sentence: String) -> Finding {
    Finding { severity: Severity::Warning, sentence }
}

/// Checks a table against the reference. Rows may be a sample; their cells are in the order of the columns. Columns are matched by
/// name. Warnings come first, then notes, each in the order of the reference's columns.
pub fn check_rows(
    reference_columns: &[String],
    reference_rows: &[Vec<String>],
    batch_columns: &[String],
    batch_rows: &[Vec<String>],
) -> Vec<Finding> {
    let mut findings = check_names(reference_columns, batch_columns);
    let (reference_rows, batch_rows) = (slices(reference_rows), slices(batch_rows));
    for (place, name) in reference_columns.iter().enumerate() {
        let Some(in_batch) = batch_columns.iter().position(|other| other == name) else { continue };
        let (reference, batch) = (cells(&reference_rows, place), cells(&batch_rows, in_batch));
        findings.extend(Checked::new(name, reference, batch).findings());
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Checks how much of a batch was seen in training: `exact` items of `of` are training items once more, `near` others nearly so.
pub fn check_duplicates(exact: usize, near: usize, of: usize) -> Vec<Finding> {
    let share = |count: usize| format!("{count} of {of} items ({})", percent(count as f64 / of.max(1) as f64));
    let mut findings = Vec::new();
    if exact > 0 {
        findings.push(warning(format!(
            "{} are in the training data already. The model knows them by heart, so that accuracy on them says nothing: they are left out of what is measured.",
            share(exact)
        )));
    }
    if near > 0 {
        findings.push(warning(format!(
            "{} are nearly the same as training items. Accuracy on them flatters the model; look at them before trusting an audit.",
            share(near)
        )));
    }
    findings
}

fn check_names(reference: &[String], batch: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lacking = |of: &[String], other: &[String]| -> Vec<String> {
        let other: HashSet<&String> = other.iter().collect();
        of.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    let (missing, extra) = (lacking(reference, batch), lacking(batch, reference));
    for name in &missing {
        // A renamed column is the usual reason.
        let plain =
            |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
        let alike = extra.iter().find(|other| plain(other) == plain(name));
        let hint = alike.map_or(String::new(), |other| format!(" Is it “{other}” now? Then rename it."));
        findings.push(warning(format!(
            "The column “{name}” is missing. Its cells count as missing, and predictions suffer.{hint}"
        )));
    }
    if !extra.is_empty() {
        let (columns, are) = if extra.len() == 1 { ("column", "is") } else { ("columns", "are") };
        findings.push(note(format!("The {columns} {} {are} not in the reference and {are} left out.", quoted(&extra))));
    }
    let shared = |of: &[String], other: &[String]| -> Vec<String> {
        let other: HashSet<&String> = other.iter().collect();
        of.iter().filter(|name| other.contains(name)).cloned().collect()
    };
    if shared(reference, batch) != shared(batch, reference) {
        findings.push(note("The columns are in another order. They are matched by name, so nothing changes.".into()));
    }
    findings
}

/// One column that both have.
struct Checked<'a> {
    name: &'a str,
    reference: Vec<&'a str>,
    batch: Vec<&'a str>,
    reference_rows: usize,
    batch_rows: usize,
    format: NumberFormat,
}

impl<'a> Checked<'a> {
    fn new(name: &'a str, reference: Vec<Option<&'a str>>, batch: Vec<Option<&'a str>>) -> Self {
        let (reference_rows, batch_rows) = (reference.len(), batch.len());
        let reference: Vec<&str> = reference.into_iter().flatten().collect();
        let format = NumberFormat::guess(&reference);
        Self { name, reference, batch: batch.into_iter().flatten().collect(), reference_rows, batch_rows, format }
    }

    fn findings(&self) -> Vec<Finding> {
        let name = self.name;
        if self.batch_rows == 0 || self.reference.is_empty() {
            return Vec::new();
        }
        if self.batch.is_empty() {
            return vec![warning(format!(
                "The column “{name}” has no value in any row; predictions do without it and suffer."
            ))];
        }
        let mut findings: Vec<Finding> = self.missing().into_iter().collect();
        let numbers = |cells: &[&str], format| cells.iter().filter(|cell| parse_number(cell, format).is_some()).count();
        let is_numeric = |cells: &[&str], format| numbers(cells, format) as f64 >= NUMERIC_SHARE * cells.len() as f64;
        let was_numeric = is_numeric(&self.reference, self.format);
        let now = is_numeric(&self.batch, self.format);
        let now_otherwise = is_numeric(&self.batch, NumberFormat::guess(&self.batch));
        if was_numeric && !now {
            let readable = percent(numbers(&self.batch, self.format) as f64 / self.batch.len() as f64);
            let sample =
                self.batch.iter().find(|cell| parse_number(cell, self.format).is_none()).copied().unwrap_or("");
            findings.push(if now_otherwise {
                warning(format!(
                    "The column “{name}” writes numbers in another way (“{sample}”): only {readable} of its cells can be read. Write them as in the reference (“{}”).",
                    self.reference[0]
                ))
            } else {
                warning(format!(
                    "The column “{name}” held numbers and now holds words (“{sample}”): {readable} of its cells can be read, the others count as missing."
                ))
            });
        } else if !was_numeric && now && self.batch.len() > 1 {
            findings.push(warning(format!(
                "The column “{name}” held words (“{}”) and now holds numbers (“{}”), which the model does not know.",
                self.reference[0], self.batch[0]
            )));
        } else {
            findings.extend(self.constant());
            findings.extend(if was_numeric { self.out_of_range() } else { self.unseen() });
        }
        findings
    }

    fn missing(&self) -> Option<Finding> {
        let (before, now) = (self.reference_rows - self.reference.len(), self.batch_rows - self.batch.len());
        let (share_before, share_now) =
            (before as f64 / self.reference_rows as f64, now as f64 / self.batch_rows as f64);
        let p = fisher((before as u64, self.reference_rows as u64), (now as u64, self.batch_rows as u64));
        (share_now - share_before > MISSING_JUMP && p < CHANCE).then(|| {
            let (name, now, before) = (self.name, percent(share_now), percent(share_before));
            warning(format!("The column “{name}” is empty in {now} of the rows, before in {before}."))
        })
    }

    fn constant(&self) -> Option<Finding> {
        let one = |cells: &[&str]| cells.windows(2).all(|pair| pair[0] == pair[1]);
        // So that a few rows, alike by chance, say nothing.
        let share =
            self.reference.iter().filter(|cell| **cell == self.batch[0]).count() as f64 / self.reference.len() as f64;
        let by_chance = share.powf(self.batch.len() as f64 - 1.0);
        (self.batch.len() > 1 && one(&self.batch) && !one(&self.reference) && by_chance < CHANCE).then(|| {
            warning(format!(
                "The column “{}” is “{}” in every row; in the reference it varies.",
                self.name, self.batch[0]
            ))
        })
    }

    fn unseen(&self) -> Option<Finding> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.reference.iter().for_each(|cell| *counts.entry(cell).or_default() += 1);
        // The chance that the next cell is new is about the share of cells that came once (Good, "The population frequencies of
        // species", 1953).
        let once = counts.values().filter(|&&count| count == 1).count();
        let mut new: HashMap<&str, usize> = HashMap::new();
        self.batch
            .iter()
            .filter(|cell| !counts.contains_key(**cell))
            .for_each(|cell| *new.entry(cell).or_default() += 1);
        let cells: usize = new.values().sum();
        let share = cells as f64 / self.batch.len() as f64;
        let p = fisher((once as u64, self.reference.len() as u64), (cells as u64, self.batch.len() as u64));
        let more = share > once as f64 / self.reference.len() as f64;
        (share >= WORTH_TELLING && more && p < CHANCE).then(|| {
            let mut names: Vec<(&str, usize)> = new.into_iter().collect();
            names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let names: Vec<String> = names.into_iter().map(|(name, _)| name.to_owned()).collect();
            warning(format!(
                "The column “{}” has values that the model has never seen, in {} of the rows: {}.",
                self.name,
                percent(share),
                quoted(&names)
            ))
        })
    }

    fn out_of_range(&self) -> Option<Finding> {
        let numbers =
            |cells: &[&str]| -> Vec<f64> { cells.iter().filter_map(|cell| parse_number(cell, self.format)).collect() };
        let (reference, batch) = (numbers(&self.reference), numbers(&self.batch));
        let least = reference.iter().copied().min_by(f64::total_cmp)?;
        let most = reference.iter().copied().max_by(f64::total_cmp)?;
        let outside = batch.iter().filter(|&&value| value < least || value > most).count();
        let share = outside as f64 / batch.len().max(1) as f64;
        // Of n rows of the same distribution, the least and the largest are 2 of n that lie farthest out.
        let p = fisher((2.min(reference.len() as u64), reference.len() as u64), (outside as u64, batch.len() as u64));
        let more = share > 2.0 / reference.len() as f64;
        (share >= WORTH_TELLING && more && p < CHANCE).then(|| {
            warning(format!(
                "The column “{}” has numbers outside the reference's range, {least} to {most}, in {} of the rows. Is the unit still the same?",
                self.name,
                percent(share)
            ))
        })
    }
}

fn slices(rows: &[Vec<String>]) -> Vec<&[String]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 1.0 { "less than 1 %".into() } else { format!("{percent:.0} %") }
}

/// `“a”, “b” and 3 more`.
fn quoted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_NAMED).map(|name| format!("“{name}”")).collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    match (shown.as_slice(), more) {
        ([], _) => String::new(),
        ([only], 0) => only.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

#[cfg(test)]
mod tests;
