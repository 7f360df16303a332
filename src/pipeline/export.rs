//! What a user takes away: labels, predictions, problems, the model.
//!
//! All delimited files are RFC 4180 with a header, in UTF-8 without a byte order mark; cells are never altered.

pub mod mlflow;
pub mod model_card;
pub mod time;

use super::import::plan::Problem;
use super::item::{ContentHash, Item};
use super::label::{Class, LabelEvent, fold};
use super::log::Run;
use super::predict::likeliest;
use super::regression::{NumericPrediction, canonical};
use ndarray::ArrayView1;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
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
            // What a person took out of the project has no label to give.
            let standing = labels.get(&item.hash).filter(|labels| !labels.excluded)?.current()?;
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
pub fn labels_csv<'a>(items: impl IntoIterator<Item = &'a Item>, events: &[LabelEvent], classes: &[Class]) -> String {
    let rows = label_rows(items, events, classes).into_iter().map(|row| {
        let probability = row.probability.map(|probability| probability.to_string()).unwrap_or_default();
        let source = row.source.to_string();
        vec![row.item, row.label, source, probability, row.annotator, row.time, row.hash.to_hex(), row.event]
    });
    csv_of(&["item", "label", "source", "probability", "annotator", "time", "hash", "event"], rows)
}

/// [`label_rows`] as JSON Lines, the columns of [`labels_csv`] as keys.
pub fn labels_jsonl<'a>(items: impl IntoIterator<Item = &'a Item>, events: &[LabelEvent], classes: &[Class]) -> String {
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
        let best = likeliest(ArrayView1::from(probabilities));
        let best = probabilities.get(best).zip(classes.get(best));
        let (probability, prediction) =
            best.map_or_else(Default::default, |(probability, class)| (format!("{probability:.6}"), class.clone()));
        let by_class =
            (0..classes.len()).map(|class| probabilities.get(class).map(|p| format!("{p:.6}")).unwrap_or_default());
        [item.to_string(), prediction, probability].into_iter().chain(by_class).collect()
    });
    csv_of(&header, rows)
}

/// Predictions of a numeric target as CSV: `item,prediction,low,high`; an end of an interval that is not known is empty.
pub fn numeric_predictions_csv<'a>(rows: impl IntoIterator<Item = (&'a str, NumericPrediction)>) -> String {
    let known = |value: f64| if value.is_finite() { canonical(value) } else { String::new() };
    let rows = rows.into_iter().map(|(item, NumericPrediction { value, low, high })| {
        vec![item.to_string(), known(value), known(low), known(high)]
    });
    csv_of(&["item", "prediction", "low", "high"], rows)
}

/// The problems of an import as CSV: `file,row,message`.
pub fn problems_csv(problems: &[Problem]) -> String {
    let rows = problems.iter().map(|problem| {
        let row = problem.row.map(|row| row.to_string()).unwrap_or_default();
        vec![problem.file.clone(), row, problem.message.clone()]
    });
    csv_of(&["file", "row", "message"], rows)
}

/// The experiment log as CSV: what every run has, then one column a parameter and one a metric (its latest value), each
/// headed by `params.` or `metrics.` and its name.
pub fn runs_csv(runs: &[Run]) -> String {
    let params: BTreeSet<&str> = runs.iter().flat_map(|run| run.params.keys().map(String::as_str)).collect();
    let metrics: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.metrics.iter().map(|metric| metric.key.as_str())).collect();
    let named =
        |group: &str, keys: &BTreeSet<&str>| keys.iter().map(|key| format!("{group}.{key}")).collect::<Vec<_>>();
    let fixed = ["run", "id", "name", "kind", "status", "parent", "start", "end", "fingerprint", "note"];
    let mut header: Vec<String> = fixed.map(str::to_owned).into();
    header.extend(named("params", &params));
    header.extend(named("metrics", &metrics));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = runs.iter().map(|run| {
        let mut row = vec![
            run.label(),
            run.id.clone(),
            run.name.clone(),
            run.kind.word().to_string(),
            run.status.word().to_string(),
            run.parent.clone().unwrap_or_default(),
            rfc_3339(run.start_ms),
            run.end_ms.map(rfc_3339).unwrap_or_default(),
            run.fingerprint.clone().unwrap_or_default(),
            run.note.clone(),
        ];
        row.extend(params.iter().map(|key| run.params.get(*key).cloned().unwrap_or_default()));
        row.extend(metrics.iter().map(|key| run.metric(key).map(|value| value.to_string()).unwrap_or_default()));
        row
    });
    csv_of(&header, rows)
}

fn csv_of(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Rows are as wide as the header and memory does not fail to be written to, so neither call can.
    let written =
        writer.write_record(header).and_then(|()| rows.into_iter().try_for_each(|row| writer.write_record(&row)));
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::item::Content;
    use crate::pipeline::label::{Action, Shown, Source};

    fn item(text: &str) -> Item {
        let content = Content::Text(text.into());
        Item {
            hash: content.hash().expect("a text"),
            name: format!("a \"{text}\", b"),
            content,
            batch: 0,
            extra: vec![],
        }
    }

    fn event(id: &str, item: &Item, action: Action, source: Source) -> LabelEvent {
        LabelEvent {
            id: id.into(),
            item: item.hash,
            annotator: "me".into(),
            action,
            source,
            shown: Some(Shown { class: "cat".into(), probability: 0.75, model: 2, quality: None }),
            drawn_with: None,
            certificate: None,
            took_ms: None,
            time_ms: 0.0,
        }
    }

    fn project() -> (Vec<Item>, Vec<LabelEvent>, Vec<Class>) {
        let items = vec![item("one"), item("two"), item("three"), item("four")];
        let label = |class: &str| Action::Label(class.into());
        let events = vec![
            event("1", &items[1], label("cat"), Source::Human),
            event("2", &items[0], label("dog"), Source::Audit),
            event("3", &items[2], label("cat"), Source::Human),
            event("4", &items[2], Action::Undo("3".into()), Source::Human),
            event("5", &items[3], Action::Skip, Source::Human),
        ];
        let classes = [("cat", "Cat, tame"), ("dog", "dog")];
        (items, events, classes.map(|(key, name)| Class { key: key.into(), name: name.into() }).to_vec())
    }

    #[test]
    fn labels_that_stand_are_exported_in_item_order() {
        let (items, events, classes) = project();
        let text = labels_csv(&items, &events, &classes);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().take(6).map(String::from).collect()).collect();
        assert_eq!(
            rows,
            [
                ["a \"one\", b", "dog", "audit", "", "me", "1970-01-01T00:00:00.000Z"],
                ["a \"two\", b", "Cat, tame", "human", "0.75", "me", "1970-01-01T00:00:00.000Z"],
            ]
        );
        assert!(text.starts_with("item,label,source,probability,annotator,time,hash,event\n"));
    }

    #[test]
    fn json_lines_say_the_same() {
        let (items, events, classes) = project();
        let text = labels_jsonl(&items, &events, &classes);
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), &rows[0]["probability"]), (2, &serde_json::Value::Null));
        assert_eq!((&rows[1]["label"], &rows[1]["hash"]), (&"Cat, tame".into(), &items[1].hash.to_hex().into()));
    }

    #[test]
    fn predictions_have_a_column_a_class() {
        let rows = [("a", &[0.25_f32, 0.75][..]), ("b", &[])];
        assert_eq!(
            predictions_csv(rows, &["x".into(), "y,z".into()]),
            "item,prediction,probability,x,\"y,z\"\na,\"y,z\",0.750000,0.250000,0.750000\nb,,,,\n"
        );
    }

    #[test]
    fn problems_keep_their_row() {
        let problems = [Problem::of_row("a.csv", 7, "left out: two, not three"), Problem::of_file("b.png", "cut off")];
        assert_eq!(problems_csv(&problems), "file,row,message\na.csv,7,\"left out: two, not three\"\nb.png,,cut off\n");
    }
}
