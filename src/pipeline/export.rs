//! What a user takes away: labels, predictions, problems, the model.
//!
//! All delimited files are RFC 4180 with a header, in UTF-8 without a byte order mark; cells are never altered.

pub mod model_card;
pub mod time;

use super::import::plan::Problem;
use super::item::{ContentHash, Item};
use super::label::{Class, LabelEvent, fold};
use serde::Serialize;
use std::collections::HashMap;
use time::rfc_3339;

/// One label that stands, as exported: one row an item that has one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelRow {
    /// The item's name.
    pub item: String,
    /// The class's name now.
    pub label: String,
    /// Where the label came from: `human`, `audit`, `model`, `import` or `review`.
    pub source: &'static str,
    /// The calibrated probability (0 to 1) that the model gave this very class when it was decided; none if it
    /// suggested another one, or none.
    pub probability: Option<f32>,
    /// Who decided.
    pub annotator: String,
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// The SHA-256 of the item's content.
    pub hash: ContentHash,
    /// The id of the event that set the label.
    pub event: String,
}

/// The labels that stand, in the order of `items`.
pub fn label_rows<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    events: &[LabelEvent],
    classes: &[Class],
) -> Vec<LabelRow> {
    let labels = fold(events);
    let event_of: HashMap<&str, &LabelEvent> = events.iter().map(|event| (event.id.as_str(), event)).collect();
    let name_of: HashMap<&str, &str> = classes.iter().map(|class| (class.key.as_str(), class.name.as_str())).collect();
    items
        .into_iter()
        .filter_map(|item| {
            let standing = labels.get(&item.hash)?.current()?;
            let event = event_of.get(standing.event.as_str())?;
            let shown = event.shown.as_ref().filter(|shown| shown.class == standing.class);
            Some(LabelRow {
                item: item.name.clone(),
                label: name_of.get(standing.class.as_str()).unwrap_or(&standing.class.as_str()).to_string(),
                source: standing.source.word(),
                probability: shown.map(|shown| shown.probability),
                annotator: event.annotator.clone(),
                time: rfc_3339(event.time_ms),
                hash: item.hash,
                event: event.id.clone(),
            })
        })
        .collect()
}

/// [`label_rows`] as CSV: `item,label,source,probability,annotator,time,hash,event`.
pub fn labels_csv<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    events: &[LabelEvent],
    classes: &[Class],
) -> String {
    let rows = label_rows(items, events, classes).into_iter().map(|row| {
        let probability = row.probability.map(|probability| probability.to_string()).unwrap_or_default();
        let source = row.source.to_string();
        vec![row.item, row.label, source, probability, row.annotator, row.time, row.hash.to_hex(), row.event]
    });
    csv_of(&["item", "label", "source", "probability", "annotator", "time", "hash", "event"], rows)
}

/// [`label_rows`] as JSON Lines, the columns of [`labels_csv`] as keys.
pub fn labels_jsonl<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    events: &[LabelEvent],
    classes: &[Class],
) -> String {
    label_rows(items, events, classes)
        .iter()
        // A struct of text and numbers always serialises; a probability that is no number becomes null.
        .filter_map(|row| serde_json::to_string(row).ok())
        .map(|line| line + "\n")
        .collect()
}

/// Predictions as CSV: `item,prediction,probability`, then one column a class with its calibrated probability, headed
/// by its name. `rows` are item names with one probability a class; an empty slice means not predicted yet and leaves
/// the cells empty.
pub fn predictions_csv<'a>(rows: impl IntoIterator<Item = (&'a str, &'a [f32])>, classes: &[String]) -> String {
    let header: Vec<&str> =
        ["item", "prediction", "probability"].into_iter().chain(classes.iter().map(String::as_str)).collect();
    let rows = rows.into_iter().map(|(item, probabilities)| {
        let best = probabilities.iter().zip(classes).max_by(|a, b| a.0.total_cmp(b.0));
        let (probability, prediction) =
            best.map_or_else(Default::default, |(probability, class)| (format!("{probability:.6}"), class.clone()));
        let by_class =
            (0..classes.len()).map(|class| probabilities.get(class).map(|p| format!("{p:.6}")).unwrap_or_default());
        [item.to_string(), prediction, probability].into_iter().chain(by_class).collect()
    });
    csv_of(&header, rows)
}

/// The problems of an import as CSV: `file,row,message`.
pub fn problems_csv(problems: &[Problem]) -> String {
    let rows = problems.iter().map(|problem| {
        let row = problem.row.map(|row| row.to_string()).unwrap_or_default();
        vec![problem.file.clone(), row, problem.message.clone()]
    });
    csv_of(&["file", "row", "message"], rows)
}

fn csv_of(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Rows are as wide as the header and memory does not fail to be written to, so neither call can.
    let written = writer
        .write_record(header)
        .and_then(|()| rows.into_iter().try_for_each(|row| writer.write_record(&row)));
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
