//! `hone drift`: is new data like the data a model was audited on, and is the model still good enough for it?

use super::arguments::DriftArguments;
use super::class_names::ClassNames;
use super::drift_report;
use super::failure::Failure;
use super::input::{Entry, Input, ProjectLabels, Wanted};
use super::model_file::SavedModel;
use super::output::{self, counted, remark, thousands};
use super::photo::looks_of_file;
use super::pieces::weight;
use super::progress::Progress;
use super::roles::fit_to_model;
use super::sample::Sample;
use super::scorer::{Scored, Scorer, matrix_of};
use super::seen::{First, Seen, UNLABELLED};
use crate::pipeline::drift::judge::{Evidence, Judgement, State, acceptable_level, judge};
use crate::pipeline::drift::{
    Comparison, Finding, Input as Samples, Looks, NamedColumn, Report, Severity, check_rows, look_columns,
    table_columns, text_columns,
};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::features::matrix::{FeatureVector, Features};
use crate::pipeline::import::ProblemList;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role};
use crate::pipeline::item::{Content, Kind};
use crate::pipeline::predict::likeliest;
use ndarray::{Array2, ArrayView1, Axis, concatenate};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

/// Decides what is drawn at random.
const SEED: u64 = 1;
/// Items compared on either side: the novelty of no more is looked at …
const MOST_ITEMS: usize = 20_000;
/// … and bytes that they, their features and their probabilities take together.
const MOST_BYTES: usize = 48 << 20;
/// Labelled items whose probabilities are kept for calibration.
const MOST_HELD_OUT: usize = 8_192;
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
    /// The acceptable level; `None` if it was not given and does not follow from the reference.
    pub floor: Option<f64>,
    /// About the data itself, the worst first.
    pub findings: Vec<Finding>,
}

/// One of the two data sets, and what the model says of it. Of many items, only those drawn at random are kept.
pub struct Side {
    /// The items that are compared, in order.
    pub entries: Vec<Entry>,
    /// n × K.
    pub probabilities: Array2<f32>,
    /// Items in all.
    pub items: u64,
    /// Labelled items predicted right, and all labelled ones; `None` without any.
    pub audited: Option<(u64, u64)>,
    /// Rows (or files) in the data.
    pub rows: u64,
    /// What was wrong with the data.
    pub problems: ProblemList,
    /// The data.
    pub input: Input,
    /// The share of the most frequent class among the labelled items, 0 to 1.
    largest_class: f64,
    /// The labelled items' probabilities and classes, for calibration.
    held_out: Vec<(Vec<f32>, usize)>,
    /// The names of all columns of the data, whatever they are for.
    columns: Vec<String>,
    /// The dense half: nothing here compares the other.
    features: Features,
    /// What the items are, to find them again.
    seen: Seen,
    /// Items that are in the reference, too.
    repeated: u64,
}

/// An item that is kept: with its probabilities and its dense features.
struct Kept {
    entry: Entry,
    probabilities: Vec<f32>,
    dense: Vec<f32>,
}

/// Runs the command: the state is the exit code.
///
/// # Errors
/// If the model or the data cannot be used. A batch that lacks columns can.
pub fn run(arguments: &DriftArguments) -> Result<ExitCode, Failure> {
    let found = find(arguments)?;
    for (side, name) in [(&found.reference, "reference"), (&found.batch, "new data")] {
        output::remark_problems(&side.problems);
        if side.items > side.entries.len() as u64 {
            remark(&format!(
                "of the {name}, {} drawn at random from {} are compared",
                thousands(side.entries.len() as u64),
                counted(side.items, "item")
            ));
        }
    }
    if arguments.run.json {
        drift_report::print_json(&found)?;
    } else {
        output::print(&drift_report::in_words(&found));
    }
    Ok(ExitCode::from(exit_code(found.judgement.state)))
}

/// 0 healthy or too small to say, 10 watch, 20 deteriorated: apart from the codes of failures, and the worse the greater.
pub fn exit_code(state: State) -> u8 {
    match state {
        State::TooSmall | State::Healthy => 0,
        State::Watch => 10,
        State::Deteriorated => 20,
    }
}

fn find(arguments: &DriftArguments) -> Result<Found, Failure> {
    let model = SavedModel::read(&arguments.model)?;
    let reference = Side::open(&model, &arguments.reference, None, arguments)?;
    let batch = Side::open(&model, &arguments.batch, Some(&reference.seen), arguments)?;
    let floor = arguments.floor.or_else(|| acceptable_level(reference.accuracy(), reference.largest_class));
    let findings = check(&model, &reference, &batch);
    let report = compare(&model, &reference, &batch);
    let evidence =
        Evidence { moved: report.moved, estimate: report.accuracy, audited: batch.audited, items: batch.items, floor };
    Ok(Found { judgement: judge(&evidence), model, reference, batch, report, floor, findings })
}

impl Side {
    /// Reads data as the model needs it. The batch, which comes after the reference, may lack columns that the model needs:
    /// their cells are empty.
    fn open(
        model: &SavedModel,
        data: &Path,
        reference: Option<&Seen>,
        arguments: &DriftArguments,
    ) -> Result<Self, Failure> {
        let (text_column, label_column) = (arguments.text_column.as_deref(), arguments.label_column.as_deref());
        let lenient = reference.is_some();
        let mut columns = Vec::new();
        let header = arguments.table.first_row_is_header();
        let wanted = Wanted { kind: Some(model.kind), labels: ProjectLabels::Measuring, header };
        let mut input = Input::open(data, wanted, |plan| {
            columns = plan.columns.iter().map(|column| column.name.clone()).collect();
            let mut known = model.columns.clone();
            if lenient && known.content.iter().any(|name| columns.contains(name)) {
                known.content.retain(|name| columns.contains(name));
            }
            // New data need not have the label column, nor the one that tells a test set.
            let is_there = |name: &&str| !lenient || columns.iter().any(|column| column == name);
            let mut table = arguments.table.clone();
            table.split_column = table.split_column.filter(|name| name == "none" || is_there(&name.as_str()));
            fit_to_model(plan, model.kind, &known, text_column, label_column.filter(is_there), &table)?;
            drop_guessed_labels(plan, label_column.or(model.columns.label.as_deref()));
            columns.retain(|name| !plan.columns_of(Role::Label).any(|label| label.name == *name));
            Ok(())
        })?;
        if model.kind == Kind::Table {
            input.place_columns(&model.columns.content);
        }
        Self::read(model, input, columns, reference, arguments)
    }

    fn read(
        model: &SavedModel,
        input: Input,
        columns: Vec<String>,
        reference: Option<&Seen>,
        arguments: &DriftArguments,
    ) -> Result<Self, Failure> {
        let scorer = Scorer::new(model, &input, &arguments.run)?;
        let names = ClassNames::of_model(&model.classes);
        let mut problems = ProblemList::default();
        let mut sample = Sample::new(MOST_ITEMS, MOST_BYTES, SEED);
        let mut held_out = Sample::new(MOST_HELD_OUT, MOST_BYTES, SEED);
        let (mut right, mut labelled, mut repeated) = (0, 0, 0);
        let mut of_class = vec![0u64; model.classes.len()];
        let mut seen = Seen::default();
        let progress = Progress::new(output::item_word(model.kind), input.bytes());
        input.read(&mut problems, &progress, |entries, problems| {
            let Scored { entries, probabilities, dense } = scorer.score(&input, entries, true, problems)?;
            for ((entry, probabilities), dense) in entries.into_iter().zip(probabilities).zip(dense) {
                let hash = entry.item.hash;
                match reference {
                    Some(reference) => repeated += u64::from(reference.contains(hash)),
                    None => drop(seen.insert(hash, First { file: 0, row: 0, class: UNLABELLED })),
                }
                if let Some(label) = &entry.label {
                    let class = names.find(label);
                    labelled += 1;
                    right += u64::from(class == Some(likeliest(ArrayView1::from(&probabilities))));
                    // Items of classes that the model does not know are no use for calibration.
                    if let Some(class) = class {
                        of_class[class] += 1;
                        held_out.offer(size_of_val(probabilities.as_slice()), || (probabilities.clone(), class));
                    }
                }
                let bytes = weight(&entry.item) + size_of_val(dense.as_slice()) + size_of_val(probabilities.as_slice());
                sample.offer(bytes, || Kept { entry, probabilities, dense });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let items = sample.seen();
        if items == 0 {
            let name = &input.name;
            let why = problems.as_slice().first().map_or(String::new(), |problem| format!(": {}", problem.message));
            return Err(Failure::data(format!("no item of {name} can be used{why}")));
        }
        let mut features = Features::new(0, 0);
        let (mut entries, mut rows) = (Vec::new(), Vec::new());
        for Kept { entry, probabilities, dense } in sample.into_rows() {
            if entries.is_empty() {
                features = Features::new(dense.len(), 0);
            }
            features.push(FeatureVector { dense, ..FeatureVector::default() });
            entries.push(entry);
            rows.push(probabilities);
        }
        Ok(Self {
            entries,
            probabilities: matrix_of(&rows, model.classes.len()),
            items,
            audited: (labelled > 0).then_some((right, labelled)),
            rows: items + problems.lost(),
            problems,
            input,
            largest_class: of_class.into_iter().max().unwrap_or(0) as f64 / labelled.max(1) as f64,
            held_out: held_out.into_rows(),
            columns,
            features,
            seen,
            repeated,
        })
    }

    /// The share that the model has right, if anything is labelled.
    fn accuracy(&self) -> Option<Estimate> {
        self.audited.and_then(|(right, total)| Estimate::of_share(right as usize, total as usize))
    }

    fn cells(&self) -> Vec<&[String]> {
        let cells = self.entries.iter().map(|entry| match &entry.item.content {
            Content::Row(cells) => cells.as_slice(),
            Content::Image | Content::Text(_) => &[],
        });
        cells.collect()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match &entry.item.content {
            Content::Text(text) => Some(text.as_str()),
            Content::Image | Content::Row(_) => None,
        })
    }

    /// Of so many pictures evenly spread; one that cannot be read again is left out.
    fn looks(&self) -> Vec<Looks> {
        let count = self.entries.len().min(MOST_LOOKS);
        let places: Vec<usize> = (0..count).map(|place| place * self.entries.len() / count).collect();
        let look = |place: &usize| {
            let bytes = self.input.image_bytes(&self.entries[*place]).ok()?;
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
        let owned = |side: &Side| side.cells().into_iter().map(<[String]>::to_vec).collect::<Vec<_>>();
        let content = &model.columns.content;
        // A project keeps no columns but those it learns from.
        let has = |name: &String| batch.input.is_project() || batch.columns.contains(name);
        let present: Vec<String> = content.iter().filter(|name| has(name)).cloned().collect();
        let extra = batch.columns.iter().filter(|name| !reference.columns.contains(name) && !content.contains(name));
        let batch_columns: Vec<String> = present.iter().chain(extra).cloned().collect();
        let places: Vec<usize> =
            present.iter().filter_map(|name| content.iter().position(|other| other == name)).collect();
        let batch_rows: Vec<Vec<String>> =
            owned(batch).into_iter().map(|row| places.iter().map(|&place| row[place].clone()).collect()).collect();
        findings.extend(check_rows(content, &owned(reference), &batch_columns, &batch_rows));
    }
    if batch.repeated > 0 {
        let (repeated, of) = (batch.repeated, batch.items);
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
        sparse: Vec::new(),
        sparse_columns: 0,
    };
    let input = Samples {
        reference: (0..first).collect(),
        batch: (first..all).collect(),
        reference_probabilities: reference.probabilities.clone(),
        batch_probabilities: batch.probabilities.clone(),
        held_out: reference.held_out.clone(),
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
        Kind::Table => table_columns(&model.columns.content, &reference.cells(), &batch.cells()),
        Kind::Text => text_columns(reference.texts(), batch.texts()),
        Kind::Image => look_columns(&reference.looks(), &batch.looks()),
    }
}
