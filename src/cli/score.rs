//! `hone score`: a model's prediction for each item, written as it is made.

use super::arguments::ScoreArguments;
use super::failure::Failure;
use super::input::{Input, ProjectLabels, Wanted, nothing_in};
use super::model_file::SavedModel;
use super::output::{self, Told, counted};
use super::progress::Progress;
use super::scorer::{Scored, Scorer};
use super::train::must_be_writable;
use crate::pipeline::export::predictions_csv;
use crate::pipeline::export::spreadsheet::{Defused, rows_for_spreadsheets};
use crate::pipeline::import::ProblemList;
use crate::pipeline::predict::likeliest;
use ndarray::ArrayView1;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;

#[derive(Serialize)]
struct Report<'a> {
    items: u64,
    /// How many items were predicted as each class.
    predicted: BTreeMap<&'a str, u64>,
    /// The file with the scores, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
struct Score<'a> {
    item: &'a str,
    prediction: &'a str,
    probability: f32,
    probabilities: BTreeMap<&'a str, f32>,
}

/// Runs the command.
pub fn run(arguments: &ScoreArguments) -> Result<(), Failure> {
    let model = SavedModel::read(&arguments.model)?;
    let wanted = Wanted {
        kind: Some(model.kind),
        labels: ProjectLabels::Decided,
        header: arguments.table.first_row_is_header(),
    };
    let input = Input::open(&arguments.data, wanted, |plan| {
        model.fit_plan(plan, arguments.text_column.as_deref(), None, &arguments.table)
    })?;
    if let Some(path) = &arguments.output {
        must_be_writable(path)?;
        must_be_apart(path, &arguments.data, &input)?;
    }
    let scorer = Scorer::new(&model, &input, &arguments.run)?;
    let mut scores = Scores::new(arguments, &model.classes);
    let mut problems = ProblemList::default();
    let mut counts = vec![0_u64; model.classes.len()];
    let progress = Progress::new(output::item_word(model.kind), input.bytes());
    input.read(&mut problems, &progress, |entries, problems| {
        let scored = scorer.score(&input, entries, false, problems)?;
        for row in &scored.probabilities {
            counts[likeliest(ArrayView1::from(row))] += 1;
        }
        scores.write(&scored)
    })?;
    let items: u64 = counts.iter().sum();
    if items == 0 {
        return Err(nothing_in(&arguments.data, problems.as_slice()));
    }
    output::remark_problems(&problems);
    let report = Report {
        items,
        predicted: model.classes.iter().map(String::as_str).zip(counts).collect(),
        output: arguments.output.as_ref().map(|path| path.display().to_string()),
        told: Told::of(items + problems.lost(), input.hidden, &problems),
    };
    scores.end(&report)?;
    if let Some(cells) = scores.defused.filter(|_| !scores.as_json) {
        output::remark_defused(cells);
    }
    match &arguments.output {
        Some(_) if arguments.run.json => output::print_json(&report),
        Some(path) => {
            let mut rows = vec![vec!["predicted".to_string(), "items".to_string()]];
            rows.extend(report.predicted.iter().map(|(class, count)| vec![class.to_string(), count.to_string()]));
            let scored = counted(items, output::item_word(model.kind));
            output::print(&format!("Scored {scored}, saved {}.\n{}", path.display(), output::aligned(&rows)));
            Ok(())
        }
        None => Ok(()),
    }
}

/// What is read while it is written must not be written over.
fn must_be_apart(output: &Path, data: &Path, input: &Input) -> Result<(), Failure> {
    let same = output.canonicalize().ok().is_some_and(|output| data.canonicalize().ok() == Some(output));
    if same || input.reads(output) {
        return Err(Failure::data(format!(
            "cannot write {}: it is part of the data. Nothing was changed; choose another name",
            output.display()
        )));
    }
    Ok(())
}

/// Where scores go, and as what.
struct Scores<'a> {
    classes: &'a [String],
    as_json: bool,
    path: Option<&'a Path>,
    /// Opened when there is something to write: a command that fails leaves the file as it was.
    out: Option<Box<dyn Write>>,
    /// For spreadsheets: how many cells got an apostrophe so far.
    defused: Option<u64>,
}

impl<'a> Scores<'a> {
    fn new(arguments: &'a ScoreArguments, classes: &'a [String]) -> Self {
        let path = arguments.output.as_deref();
        let defused = arguments.for_spreadsheets.then_some(0);
        Self { classes, as_json: arguments.run.json && path.is_none(), path, out: None, defused }
    }

    fn write(&mut self, scored: &Scored) -> Result<ControlFlow<()>, Failure> {
        if scored.entries.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let is_first = self.out.is_none();
        let mut text = if self.as_json { self.json(scored, is_first)? } else { self.csv(scored, is_first) };
        if let (Some(cells), false) = (&mut self.defused, self.as_json) {
            let Defused { csv, cells: more } = rows_for_spreadsheets(&text);
            *cells += u64::from(more);
            text = csv;
        }
        if is_first {
            self.out = Some(match self.path {
                Some(path) => {
                    let file = File::create(path).map_err(|error| Failure::file("write", path, &error))?;
                    Box::new(BufWriter::new(file))
                }
                None => Box::new(std::io::stdout().lock()),
            });
        }
        self.put(&text)
    }

    /// Closes what is open.
    fn end(&mut self, report: &Report) -> Result<(), Failure> {
        let rest = if self.as_json {
            let report = serde_json::to_string_pretty(report)
                .map_err(|error| Failure::data(format!("the result does not fit into JSON: {error}")))?;
            format!("\n  ],{}\n", report.strip_prefix('{').unwrap_or(&report))
        } else {
            String::new()
        };
        self.put(&rest).map(|_| ())
    }

    /// A reader that has gone away (`| head`) wants no more, which is no failure.
    fn put(&mut self, text: &str) -> Result<ControlFlow<()>, Failure> {
        let Some(out) = &mut self.out else { return Ok(ControlFlow::Continue(())) };
        match (out.write_all(text.as_bytes()).and_then(|()| out.flush()), self.path) {
            (Ok(()), _) => Ok(ControlFlow::Continue(())),
            (Err(error), None) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            (Err(error), path) => {
                Err(Failure::file("write", path.unwrap_or(Path::new("the scores to standard output")), &error))
            }
        }
    }

    fn csv(&self, scored: &Scored, with_heading: bool) -> String {
        let names = scored.entries.iter().map(|entry| entry.item.name.as_str());
        let rows = names.zip(scored.probabilities.iter().map(Vec::as_slice));
        let text = predictions_csv(rows, self.classes);
        if with_heading {
            return text;
        }
        let heading = predictions_csv([], self.classes);
        text.strip_prefix(&heading).map(String::from).unwrap_or(text)
    }

    fn json(&self, scored: &Scored, is_first: bool) -> Result<String, Failure> {
        let mut text = if is_first { "{\n  \"scores\": [".to_string() } else { String::new() };
        for (place, (entry, row)) in scored.entries.iter().zip(&scored.probabilities).enumerate() {
            let class = likeliest(ArrayView1::from(row));
            let score = Score {
                item: &entry.item.name,
                prediction: &self.classes[class],
                probability: row[class],
                probabilities: self.classes.iter().map(String::as_str).zip(row.iter().copied()).collect(),
            };
            let score = serde_json::to_string(&score)
                .map_err(|error| Failure::data(format!("a score does not fit into JSON: {error}")))?;
            text += if is_first && place == 0 { "\n    " } else { ",\n    " };
            text += &score;
        }
        Ok(text)
    }
}
