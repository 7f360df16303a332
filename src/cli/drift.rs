//! `hone drift`: is new data like the data a model was audited on, and is the model still good enough for it?

use super::arguments::DriftArguments;
use super::dataset::{Dataset, ProjectLabels};
use super::drift_report;
use super::failure::Failure;
use super::model_file::SavedModel;
use super::output;
use super::photo::looks_of_file;
use super::roles::fit_to_model;
use crate::pipeline::drift::judge::{Evidence, Judgement, State, acceptable_level, judge};
use crate::pipeline::drift::{
    Comparison, Finding, Input, Looks, NamedColumn, Report, Severity, check_rows, look_columns, table_columns,
    text_columns,
};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role};
use crate::pipeline::item::{Content, ContentHash, Kind};
use crate::pipeline::predict::{likeliest, softmax};
use ndarray::{Array2, Axis, concatenate};
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

/// Decides what is drawn at random.
const SEED: u64 = 1;
/// Pictures looked at on either side.
const MOST_LOOKS: usize = 2000;

/// All that was found.
pub struct Found {
    /// The model.
    pub model: SavedModel,
    /// What was compared with.
    pub reference: Side,
    /// What was compared.
    pub batch: Side,
    /// The comparison.
    pub report: Report,
    /// The state.
    pub judgement: Judgement,
    /// The acceptable level.
    pub floor: f64,
    /// About the data itself, the worst first.
    pub findings: Vec<Finding>,
}

/// One of the two data sets, and what the model says of it.
pub struct Side {
    /// Its items.
    pub dataset: Dataset,
    /// n × K.
    pub probabilities: Array2<f32>,
    /// Labelled items predicted right, and all labelled ones; `None` without any.
    pub audited: Option<(u64, u64)>,
    /// The names of all columns of the data, whatever they are for.
    columns: Vec<String>,
    features: Features,
}

/// Runs the command: the state is the exit code.
///
/// # Errors
/// If the model or the data cannot be used. A batch that lacks columns can.
pub fn run(arguments: &DriftArguments) -> Result<ExitCode, Failure> {
    let found = find(arguments)?;
    output::remark_problems(&found.reference.dataset.problems);
    output::remark_problems(&found.batch.dataset.problems);
    if arguments.run.json {
        drift_report::print_json(&found)?;
    } else {
        output::print(&drift_report::in_words(&found));
    }
    Ok(ExitCode::from(exit_code(found.judgement.state)))
}

/// 0 healthy, 10 watch, 20 deteriorated: apart from the codes of failures, and the worse the greater.
pub fn exit_code(state: State) -> u8 {
    match state {
        State::Healthy => 0,
        State::Watch => 10,
        State::Deteriorated => 20,
    }
}

fn find(arguments: &DriftArguments) -> Result<Found, Failure> {
    let model = SavedModel::read(&arguments.model)?;
    let reference = Side::open(&model, &arguments.reference, false, arguments)?;
    let batch = Side::open(&model, &arguments.batch, true, arguments)?;
    let floor = arguments.floor.unwrap_or_else(|| acceptable_level(reference.accuracy()));
    let findings = check(&model, &reference, &batch);
    let report = compare(&model, &reference, &batch);
    let evidence = Evidence {
        moved: report.moved,
        estimate: report.accuracy,
        audited: batch.audited,
        items: batch.dataset.entries.len() as u64,
        floor,
    };
    Ok(Found { judgement: judge(&evidence), model, reference, batch, report, floor, findings })
}

impl Side {
    /// Reads data as the model needs it. With `lenient`, columns that the model needs may be missing: their cells are empty.
    fn open(model: &SavedModel, data: &Path, lenient: bool, arguments: &DriftArguments) -> Result<Self, Failure> {
        let (text_column, label_column) = (arguments.text_column.as_deref(), arguments.label_column.as_deref());
        let mut columns = Vec::new();
        let mut dataset = Dataset::open(data, Some(model.kind), ProjectLabels::Measuring, |plan| {
            columns = plan.columns.iter().map(|column| column.name.clone()).collect();
            let mut known = model.columns.clone();
            if lenient && known.content.iter().any(|name| columns.contains(name)) {
                known.content.retain(|name| columns.contains(name));
            }
            // New data need not have the label column.
            let named = label_column.filter(|name| !lenient || columns.iter().any(|column| column == name));
            fit_to_model(plan, model.kind, &known, text_column, named)?;
            drop_guessed_labels(plan, label_column.or(model.columns.label.as_deref()));
            columns.retain(|name| !plan.columns_of(Role::Label).any(|label| label.name == *name));
            Ok(())
        })?;
        if model.kind == Kind::Table {
            dataset.place_columns(&model.columns.content);
        }
        let features = model.features(&mut dataset, &arguments.run)?;
        let probabilities = softmax(&model.head.logits(&features), model.temperature);
        let labelled = || dataset.entries.iter().zip(probabilities.rows()).filter(|(entry, _)| entry.label.is_some());
        let right = |entry: &super::dataset::Entry, row| entry.label.as_ref() == Some(&model.classes[likeliest(row)]);
        let total = labelled().count() as u64;
        let audited = (total > 0).then(|| (labelled().filter(|(entry, row)| right(entry, *row)).count() as u64, total));
        Ok(Self { dataset, probabilities, audited, columns, features })
    }

    /// The share that the model has right, if anything is labelled.
    fn accuracy(&self) -> Option<Estimate> {
        self.audited.and_then(|(right, total)| Estimate::of_share(right as usize, total as usize))
    }

    /// The labelled items' probabilities and classes. Items of classes that the model does not know are no use for calibration.
    fn held_out(&self, classes: &[String]) -> Vec<(Vec<f32>, usize)> {
        let known = self.dataset.entries.iter().zip(self.probabilities.rows()).filter_map(|(entry, row)| {
            let class = classes.iter().position(|class| Some(class) == entry.label.as_ref())?;
            Some((row.to_vec(), class))
        });
        known.collect()
    }

    fn rows(&self) -> Vec<&[String]> {
        let cells = self.dataset.entries.iter().map(|entry| match &entry.item.content {
            Content::Row(cells) => cells.as_slice(),
            Content::Image | Content::Text(_) => &[],
        });
        cells.collect()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.dataset.entries.iter().filter_map(|entry| match &entry.item.content {
            Content::Text(text) => Some(text.as_str()),
            Content::Image | Content::Row(_) => None,
        })
    }

    /// Of so many pictures evenly spread; one that cannot be read again is left out.
    fn looks(&self) -> Vec<Looks> {
        let entries = &self.dataset.entries;
        let count = entries.len().min(MOST_LOOKS);
        let places: Vec<usize> = (0..count).map(|place| place * entries.len() / count).collect();
        let look = |place: &usize| {
            let bytes = self.dataset.image_bytes(&entries[*place]).ok()?;
            looks_of_file(&bytes).ok()
        };
        places.par_iter().filter_map(look).collect()
    }
}

/// A table's label column counts if it was named or known from training. A guess could be any column of few values, and would pass
/// for audits.
fn drop_guessed_labels(plan: &mut ImportPlan, wanted: Option<&str>) {
    if plan.format.is_none() {
        return;
    }
    for column in plan.columns.iter_mut().filter(|column| column.role == Role::Label) {
        if Some(column.name.as_str()) != wanted {
            column.role = Role::Extra;
        }
    }
    if plan.columns_of(Role::Label).next().is_none() {
        plan.labels = LabelSource::None;
    }
}

/// What a table's cells, or items that are in both, say before any model is asked.
fn check(model: &SavedModel, reference: &Side, batch: &Side) -> Vec<Finding> {
    let mut findings = Vec::new();
    if model.kind == Kind::Table {
        let owned = |side: &Side| side.rows().into_iter().map(<[String]>::to_vec).collect::<Vec<_>>();
        let content = &model.columns.content;
        // A project keeps no columns but those it learns from.
        let has = |name: &String| batch.dataset.is_project() || batch.columns.contains(name);
        let present: Vec<String> = content.iter().filter(|name| has(name)).cloned().collect();
        let extra = batch.columns.iter().filter(|name| !reference.columns.contains(name) && !content.contains(name));
        let batch_columns: Vec<String> = present.iter().chain(extra).cloned().collect();
        let places: Vec<usize> =
            present.iter().filter_map(|name| content.iter().position(|other| other == name)).collect();
        let batch_rows: Vec<Vec<String>> =
            owned(batch).into_iter().map(|row| places.iter().map(|&place| row[place].clone()).collect()).collect();
        findings.extend(check_rows(content, &owned(reference), &batch_columns, &batch_rows));
    }
    let known: HashSet<ContentHash> = reference.dataset.entries.iter().map(|entry| entry.item.hash).collect();
    let repeated = batch.dataset.entries.iter().filter(|entry| known.contains(&entry.item.hash)).count();
    if repeated > 0 {
        let of = batch.dataset.entries.len();
        let sentence = format!(
            "{repeated} of {of} items are in the reference, too; the two are less different than new data would be."
        );
        findings.push(Finding { severity: Severity::Note, sentence });
    }
    findings
}

fn compare(model: &SavedModel, reference: &Side, batch: &Side) -> Report {
    let (first, all) = (reference.features.len(), reference.features.len() + batch.features.len());
    let features = Features {
        dense: concatenate(Axis(0), &[reference.features.dense.view(), batch.features.dense.view()])
            .expect("the same extractor made both"),
        sparse: [reference.features.sparse.as_slice(), &batch.features.sparse].concat(),
        sparse_columns: reference.features.sparse_columns,
    };
    let input = Input {
        reference: (0..first).collect(),
        batch: (first..all).collect(),
        reference_probabilities: reference.probabilities.clone(),
        batch_probabilities: batch.probabilities.clone(),
        held_out: reference.held_out(&model.classes),
        columns: columns(model, reference, batch),
    };
    let mut comparison = Comparison::new(input, SEED);
    loop {
        if let Some(report) = comparison.step(&features) {
            return report;
        }
    }
}

fn columns(model: &SavedModel, reference: &Side, batch: &Side) -> Vec<NamedColumn> {
    match model.kind {
        Kind::Table => table_columns(&model.columns.content, &reference.rows(), &batch.rows()),
        Kind::Text => text_columns(reference.texts(), batch.texts()),
        Kind::Image => look_columns(&reference.looks(), &batch.looks()),
    }
}
