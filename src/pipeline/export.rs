//! What a user takes away: labels, predictions, problems, the model.
//!
//! All delimited files are RFC 4180 with a header, in UTF-8 without a byte order mark; cells are never altered, except in what is asked
//! for spreadsheets ([`spreadsheet`]).

pub mod item_columns;
pub mod mlflow;
pub mod model_card;
pub mod spreadsheet;
pub mod time;

use super::import::plan::Problem;
use super::item::{Item, Kind};
use super::label::{Class, LabelEvent, fold};
use super::log::Run;
use super::predict::likeliest;
use super::regression::{NumericPrediction, canonical};
use item_columns::{ItemColumns, NAME_COLUMN};
use ndarray::ArrayView1;
use serde::Serializer;
use std::collections::{BTreeSet, HashMap};
use time::rfc_3339;

/// One label that stands, as exported: one row an item that has one.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow<'a> {
    /// The item.
    pub item: &'a Item,
    /// The class's name now.
    pub label: String,
    /// Where the label came from: `human`, `audit`, `test`, `model`, `import` or `review`.
    pub source: &'static str,
    /// The calibrated probability (0 to 1) that the model gave this very class when it was decided; none if it
    /// suggested another one, or none.
    pub probability: Option<f32>,
    /// Who decided.
    pub annotator: String,
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// The id of the event that set the label.
    pub event: String,
}

/// What a table of items is made from.
#[derive(Debug, Clone, Copy)]
pub struct Exported<'a> {
    /// The items, in the order of the table.
    pub items: &'a [Item],
    /// What they are.
    pub kind: Kind,
    /// The names of the content columns, for tables.
    pub columns: &'a [String],
}

/// The columns of a table of labels after those of its items.
const LABEL_COLUMNS: [&str; 7] =
    ["label", "hone_source", "hone_probability", "hone_annotator", "hone_time", NAME_COLUMN, "hone_event"];

/// The labels that stand, in the order of `items`.
pub fn label_rows<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    events: &[LabelEvent],
    classes: &[Class],
) -> Vec<LabelRow<'a>> {
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
                item,
                label: name_of.get(standing.class.as_str()).unwrap_or(&standing.class.as_str()).to_string(),
                source: standing.source.word(),
                probability: shown.map(|shown| shown.probability),
                annotator: event.annotator.clone(),
                time: rfc_3339(event.time_ms),
                event: event.id.clone(),
            })
        })
        .collect()
}

impl LabelRow<'_> {
    /// Its cells, in the order of [`LABEL_COLUMNS`].
    fn cells(&self) -> [Option<String>; LABEL_COLUMNS.len()] {
        [
            Some(self.label.clone()),
            Some(self.source.into()),
            self.probability.map(|probability| probability.to_string()),
            Some(self.annotator.clone()),
            Some(self.time.clone()),
            Some(self.item.name.clone()),
            Some(self.event.clone()),
        ]
    }
}

/// The labels as a table: its header, and a row an item that has a label.
fn label_table(exported: Exported<'_>, events: &[LabelEvent], classes: &[Class]) -> (ItemColumns, Vec<Cells>) {
    let rows = label_rows(exported.items, events, classes);
    let columns = exported.item_columns(rows.iter().map(|row| row.item), &LABEL_COLUMNS.map(String::from));
    let cells = rows.iter().map(|row| columns.cells(row.item).into_iter().chain(row.cells()).collect()).collect();
    (columns, cells)
}

/// The cells of a row; nothing where there is no value.
type Cells = Vec<Option<String>>;

impl<'a> Exported<'a> {
    fn item_columns(&self, items: impl IntoIterator<Item = &'a Item>, own: &[String]) -> ItemColumns {
        ItemColumns::new(items, self.kind, self.columns, own)
    }
}

/// The labels that stand as CSV: `hone_item`, what was kept of the source (ids first), the content (`text`, `file_name` or
/// the table's columns), then `label`, `hone_source`, `hone_probability`, `hone_annotator`, `hone_time`, `hone_name`,
/// `hone_event`.
pub fn labels_csv(exported: Exported<'_>, events: &[LabelEvent], classes: &[Class]) -> String {
    let (columns, rows) = label_table(exported, events, classes);
    table_csv(&columns, rows)
}

/// The same as JSON Lines, the columns of [`labels_csv`] as keys, without what has no value.
pub fn labels_jsonl(exported: Exported<'_>, events: &[LabelEvent], classes: &[Class]) -> String {
    let (columns, rows) = label_table(exported, events, classes);
    rows.iter().map(|row| json_line(columns.names(), row)).collect()
}

/// A JSON object with a line break. A probability is a number, all else is text.
fn json_line(names: &[String], cells: &[Option<String>]) -> String {
    let value = |name: &String, cell: &String| match cell.parse::<f64>() {
        Ok(number) if name == LABEL_COLUMNS[2] => serde_json::Value::from(number),
        _ => serde_json::Value::from(cell.as_str()),
    };
    let fields = names.iter().zip(cells).filter_map(|(name, cell)| Some((name, value(name, cell.as_ref()?))));
    let mut line = Vec::new();
    // Text and finite numbers always serialise, and memory does not fail to be written to.
    let written = serde_json::Serializer::new(&mut line).collect_map(fields);
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(line).unwrap_or_default() + "\n"
}

fn table_csv(columns: &ItemColumns, rows: Vec<Cells>) -> String {
    let header: Vec<&str> = columns.names().iter().map(String::as_str).collect();
    csv_of(&header, rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()))
}

/// Predictions as CSV: the items' columns as in [`labels_csv`], then `prediction`, `probability`, a column a class with
/// its calibrated probability, headed by its name, and `hone_name`. `probabilities` gives one a class, or none of an item
/// that is not predicted: it is left out.
pub fn predictions_table<'a>(
    exported: Exported<'a>,
    classes: &[String],
    probabilities: impl Fn(usize) -> Option<ArrayView1<'a, f32>>,
) -> String {
    let own: Vec<String> = ["prediction", "probability"]
        .into_iter()
        .chain(classes.iter().map(String::as_str))
        .chain([NAME_COLUMN])
        .map(String::from)
        .collect();
    let predicted: Vec<(&Item, ArrayView1<'_, f32>)> =
        exported.items.iter().enumerate().filter_map(|(place, item)| Some((item, probabilities(place)?))).collect();
    let columns = exported.item_columns(predicted.iter().map(|(item, _)| *item), &own);
    let rows = predicted.iter().map(|(item, probabilities)| {
        let best = likeliest(*probabilities);
        let by_class = (0..classes.len()).map(|class| probabilities.get(class).map(|p| format!("{p:.6}")));
        let probability = probabilities.get(best).map(|probability| format!("{probability:.6}"));
        let own = [classes.get(best).cloned(), probability].into_iter().chain(by_class);
        columns.cells(item).into_iter().chain(own).chain([Some(item.name.clone())]).collect()
    });
    let rows = rows.collect();
    table_csv(&columns, rows)
}

/// Predictions of a numeric target as CSV: the items' columns as in [`labels_csv`], then `prediction`, `low`, `high` and
/// `hone_name`; an end of an interval that is not known is empty. Items without a prediction are left out.
pub fn numeric_predictions_table(
    exported: Exported<'_>,
    prediction: impl Fn(usize) -> Option<NumericPrediction>,
) -> String {
    let known = |value: f64| value.is_finite().then(|| canonical(value));
    let predicted: Vec<(&Item, NumericPrediction)> =
        exported.items.iter().enumerate().filter_map(|(place, item)| Some((item, prediction(place)?))).collect();
    let own = ["prediction", "low", "high", NAME_COLUMN].map(String::from);
    let columns = exported.item_columns(predicted.iter().map(|(item, _)| *item), &own);
    let rows = predicted.iter().map(|(item, NumericPrediction { value, low, high })| {
        let own = [known(*value), known(*low), known(*high), Some(item.name.clone())];
        columns.cells(item).into_iter().chain(own).collect()
    });
    let rows = rows.collect();
    table_csv(&columns, rows)
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

/// The problems of an import as CSV: `file,row,what,lost`; of a remark on what came in all the same, 0 are lost.
pub fn problems_csv(problems: &[Problem]) -> String {
    let rows = problems.iter().map(|problem| {
        let row = problem.row.map(|row| row.to_string()).unwrap_or_default();
        vec![problem.file.clone(), row, problem.message.clone(), problem.lost.to_string()]
    });
    csv_of(&["file", "row", "what", "lost"], rows)
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
            clock: 0,
        }
    }

    fn project() -> (Vec<Item>, Vec<LabelEvent>, Vec<Class>) {
        let mut items = vec![item("one"), item("two"), item("three"), item("four")];
        items[0].extra.push(("id".into(), "001".into()));
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
        let text = labels_csv(exported(&items), &events, &classes);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(String::from).collect()).collect();
        let row = |item: usize, id: &str, rest: [&str; 3]| {
            let [label, source, probability] = rest;
            let name = format!("a \"{}\", b", ["one", "two"][item]);
            let text = ["one", "two"][item];
            [
                items[item].hash.to_hex().as_str(),
                id,
                text,
                label,
                source,
                probability,
                "me",
                "1970-01-01T00:00:00.000Z",
                &name,
            ]
            .map(String::from)
        };
        assert_eq!(rows[0][..9], row(0, "001", ["dog", "audit", ""]));
        assert_eq!(rows[1][..9], row(1, "", ["Cat, tame", "human", "0.75"]));
        assert_eq!(rows.len(), 2);
        let header =
            "hone_item,id,text,label,hone_source,hone_probability,hone_annotator,hone_time,hone_name,hone_event\n";
        assert!(text.starts_with(header), "{text}");
    }

    fn exported(items: &[Item]) -> Exported<'_> {
        Exported { items, kind: Kind::Text, columns: &[] }
    }

    #[test]
    fn json_lines_say_the_same() {
        let (items, events, classes) = project();
        let text = labels_jsonl(exported(&items), &events, &classes);
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), rows[0].get("hone_probability")), (2, None));
        assert_eq!((&rows[1]["label"], &rows[1]["hone_item"]), (&"Cat, tame".into(), &items[1].hash.to_hex().into()));
        assert_eq!((&rows[1]["hone_probability"], rows[1].get("id")), (&0.75.into(), None));
        assert_eq!((&rows[0]["id"], &rows[0]["text"]), (&"001".into(), &"one".into()));
        assert!(text.starts_with("{\"hone_item\":"), "{text}");
    }

    #[test]
    fn predictions_say_what_the_items_are() {
        let (items, ..) = project();
        let probabilities = ndarray::arr2(&[[0.25_f32, 0.75], [0.5, 0.5]]);
        let text = predictions_table(exported(&items), &["text".into(), "b".into()], |place| {
            (place < 2).then(|| probabilities.row(place))
        });
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0], "hone_item,id,text (2),prediction,probability,text,b,hone_name");
        assert!(rows[1].ends_with(",001,one,b,0.750000,0.250000,0.750000,\"a \"\"one\"\", b\""), "{}", rows[1]);
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
        let problems = [Problem::of_row("a.csv", 7, "left out: two, not three"), Problem::note("b.png", "cut off")];
        assert_eq!(
            problems_csv(&problems),
            "file,row,what,lost\na.csv,7,\"left out: two, not three\",1\nb.png,,cut off,0\n"
        );
    }
}
