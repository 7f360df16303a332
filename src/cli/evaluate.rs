//! `hone evaluate`: a model's predictions against the labels of data that it has not seen.

use super::arguments::{EvaluateArguments, MeasuredArguments};
use super::class_names::ClassNames;
use super::dataset::Dataset;
use super::failure::Failure;
use super::input::{Entry, Input, ProjectLabels, Wanted, nothing_in};
use super::model_file::SavedModel;
use super::output::{self, Told, counted, listed, percent, remark};
use super::progress::Progress;
use super::sample::Sample;
use super::scorer::Scorer;
use super::train::SEED;
use crate::pipeline::evaluate::{ClassScore, Estimate, Evaluation, evaluate, too_few};
use crate::pipeline::import::ProblemList;
use ndarray::Array2;
use serde::Serialize;
use std::ops::ControlFlow;

/// The figures are of at most so many labelled items, drawn at random from more …
const MOST_ITEMS: usize = 1 << 19;
/// … and of at most so many probabilities.
const MOST_PROBABILITIES: usize = 1 << 23;

#[derive(Serialize)]
struct Report<'a> {
    /// Items compared.
    items: usize,
    /// Items with a label; more than were compared if these were drawn from them.
    labelled: u64,
    /// Items without a label, left out.
    unlabelled: u64,
    /// Whether only the data's test set was compared.
    held_out: bool,
    /// Labelled items that are not of the test set, left out.
    not_held_out: u64,
    /// The share predicted right, with its exact 95 % interval.
    accuracy: Estimate,
    balanced_accuracy: f64,
    macro_f1: f64,
    log_loss: f64,
    brier: f64,
    /// One class against the rest, averaged; `null` if a class is missing.
    roc_auc: Option<f64>,
    expected_calibration_error: f64,
    /// The same with its bootstrap interval.
    calibration: Estimate,
    classes: &'a [String],
    /// Precision, recall and F1 of each class, with intervals.
    class_scores: &'a [ClassScore],
    /// Rows: true classes; columns: predicted classes.
    confusion_matrix: &'a [Vec<usize>],
    /// Classes of the data that the model has never seen; their items count as wrong.
    unknown_classes: &'a [String],
    #[serde(flatten)]
    told: Told<'a>,
}

/// The labelled items so far.
struct Compared {
    names: ClassNames,
    sample: Sample<(usize, Vec<f32>)>,
    most: usize,
    /// Whether an item of a test set has come: then only these count.
    held_out: bool,
    not_held_out: u64,
    unlabelled: u64,
}

impl Compared {
    fn new(classes: &[String]) -> Self {
        let most = MOST_ITEMS.min(MOST_PROBABILITIES / classes.len().max(1)).max(1);
        Self {
            names: ClassNames::of_model(classes),
            sample: Sample::new(most, usize::MAX, SEED),
            most,
            held_out: false,
            not_held_out: 0,
            unlabelled: 0,
        }
    }

    /// Those of a piece that are to be compared, as far as can be told by now.
    fn wanted(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let before = entries.len();
        entries.retain(|entry| entry.label.is_some());
        self.unlabelled += (before - entries.len()) as u64;
        if !self.held_out && entries.iter().any(|entry| entry.held_out) {
            self.held_out = true;
            self.not_held_out = self.sample.seen();
            self.sample = Sample::new(self.most, usize::MAX, SEED);
            // Classes that only the others had are none of the test set's.
            self.names =
                ClassNames::of_model(&self.names.names()[..self.names.names().len() - self.names.unknown().len()]);
        }
        if self.held_out {
            let before = entries.len();
            entries.retain(|entry| entry.held_out);
            self.not_held_out += (before - entries.len()) as u64;
        }
        entries
    }

    fn add(&mut self, entries: &[Entry], probabilities: Vec<Vec<f32>>) {
        for (entry, row) in entries.iter().zip(probabilities) {
            let class = self.names.place(entry.label.as_deref().unwrap_or_default());
            self.sample.offer(size_of_val(row.as_slice()), || (class, row));
        }
    }
}

/// Runs the command.
pub fn run(arguments: &EvaluateArguments) -> Result<(), Failure> {
    let model = SavedModel::read(&arguments.model)?;
    let measured = &arguments.measured;
    let input = Input::open(&measured.data, wanted(&model, measured), |plan| {
        model.fit_plan(plan, measured.text_column.as_deref(), measured.label_column.as_deref(), &measured.table)
    })?;
    let scorer = Scorer::new(&model, &input, &measured.run)?;
    let mut compared = Compared::new(&model.classes);
    let mut problems = ProblemList::default();
    let mut rows = 0;
    let progress = Progress::new(output::item_word(model.kind), input.bytes());
    input.read(&mut problems, &progress, |entries, problems| {
        rows += entries.len() as u64;
        let lost = problems.lost();
        let scored = scorer.score(&input, compared.wanted(entries), false, problems)?;
        rows -= problems.lost() - lost;
        compared.add(&scored.entries, scored.probabilities);
        Ok(ControlFlow::Continue(()))
    })?;
    rows += problems.lost();
    let Compared { names, sample, held_out, not_held_out, unlabelled, .. } = compared;
    let labelled = sample.seen();
    if labelled == 0 {
        let nothing_read = rows == problems.lost() && !input.is_project();
        return Err(if nothing_read { nothing_in(&measured.data, problems.as_slice()) } else { no_labels(&input) });
    }
    let compared = sample.into_rows();
    let classes = names.names();
    // Classes that the model does not know have the probability 0.
    let probabilities = Array2::from_shape_fn((compared.len(), classes.len()), |(row, class)| {
        compared[row].1.get(class).copied().unwrap_or(0.0)
    });
    let targets: Vec<usize> = compared.into_iter().map(|(class, _)| class).collect();
    let Some(evaluation) = evaluate(&probabilities, &targets) else {
        return Err(Failure::data("the model knows fewer than two classes; there is nothing to tell apart"));
    };
    if held_out {
        let set = input.test_set().unwrap_or_else(|| "the data".into());
        let others = if not_held_out > 0 {
            format!("; the other {} are left out", counted(not_held_out, "labelled item"))
        } else {
            String::new()
        };
        remark(&format!("measured on the test set that {set} marks: {}{others}", counted(labelled, "item")));
    }
    if labelled > targets.len() as u64 {
        remark(&format!(
            "the figures are of {} drawn at random from {}",
            counted(targets.len() as u64, "item"),
            counted(labelled, "labelled one")
        ));
    }
    if !names.unknown().is_empty() {
        let unknown = listed(names.unknown().iter().map(String::as_str));
        remark(&format!("the model has never seen the class {unknown}; items of it count as wrong"));
    }
    output::remark_problems(&problems);
    if measured.run.json {
        return output::print_json(&Report {
            items: evaluation.rows,
            labelled,
            unlabelled,
            held_out,
            not_held_out,
            accuracy: evaluation.accuracy,
            balanced_accuracy: evaluation.balanced_accuracy,
            macro_f1: evaluation.macro_f1,
            log_loss: evaluation.log_loss,
            brier: evaluation.brier,
            roc_auc: evaluation.roc_auc,
            expected_calibration_error: evaluation.calibration_error,
            calibration: evaluation.calibration,
            classes,
            class_scores: &evaluation.classes,
            confusion_matrix: &evaluation.confusion,
            unknown_classes: names.unknown(),
            told: Told::of(rows, input.hidden, &problems),
        });
    }
    output::print(&in_words(&evaluation, classes));
    Ok(())
}

fn wanted(model: &SavedModel, measured: &MeasuredArguments) -> Wanted {
    Wanted { kind: Some(model.kind), labels: ProjectLabels::Measuring, header: measured.table.first_row_is_header() }
}

/// The labelled items as this model needs them, those of the test set alone if there is one; and how many had no label or are
/// not of the test set.
///
/// # Errors
/// If the data can't be read as the model needs it, or holds no label.
pub fn open_labelled(model: &SavedModel, measured: &MeasuredArguments) -> Result<(Dataset, usize), Failure> {
    let mut dataset = Dataset::open(&measured.data, wanted(model, measured), |plan| {
        model.fit_plan(plan, measured.text_column.as_deref(), measured.label_column.as_deref(), &measured.table)
    })?;
    let mut left_out = dataset.keep_labelled();
    let held_out = dataset.take_held_out();
    if !held_out.is_empty() {
        left_out += dataset.entries.len();
        dataset.entries = held_out;
    }
    if dataset.entries.is_empty() {
        return Err(no_labels(&dataset.input));
    }
    dataset.spell_as(&model.classes);
    Ok((dataset, left_out))
}

fn no_labels(input: &Input) -> Failure {
    Failure::data(match &input.label_column {
        Some(column) => format!("the label column “{column}” is empty; there is nothing to compare with"),
        None => "the data has no labels to compare with; name their column with --label-column, or put the files of each class into a folder".into(),
    })
}

/// More classes than this do not fit across a terminal.
const CONFUSION_SHOWN: usize = 12;

fn in_words(evaluation: &Evaluation, classes: &[String]) -> String {
    let Estimate { estimate, low, high } = evaluation.accuracy;
    let row = |name: &str, value: String| vec![name.to_string(), value];
    let interval = format!("{} to {}", percent(low), percent(high));
    // Of few items the interval comes first, and what has none is not told.
    let accuracy = match too_few(evaluation.rows) {
        true => {
            let so_far = format!("{} so far: too few items to say", percent(estimate));
            let rows = [row("items", evaluation.rows.to_string()), row("accuracy", interval), row("", so_far)];
            return output::aligned(&rows) + &confusion_in_words(evaluation, classes);
        }
        false => [row("accuracy", percent(estimate)), row("  95 % interval", interval)],
    };
    let [accuracy, interval] = accuracy;
    let text = output::aligned(&[
        row("items", evaluation.rows.to_string()),
        accuracy,
        interval,
        row("balanced accuracy", percent(evaluation.balanced_accuracy)),
        row("macro F1", format!("{:.3}", evaluation.macro_f1)),
        row("log-loss", format!("{:.3}", evaluation.log_loss)),
        row("Brier score", format!("{:.3}", evaluation.brier)),
        row(
            "ROC-AUC",
            evaluation.roc_auc.map_or_else(|| "a class is missing".to_string(), |area| format!("{area:.3}")),
        ),
        row("calibration error", format!("{:.3}", evaluation.calibration_error)),
    ]);
    text + &confusion_in_words(evaluation, classes)
}

fn confusion_in_words(evaluation: &Evaluation, classes: &[String]) -> String {
    if classes.len() > CONFUSION_SHOWN {
        return format!("The confusion matrix of {} is in --json.\n", counted(classes.len() as u64, "label"));
    }
    let mut rows = vec![std::iter::once("true \\ predicted".to_string()).chain(classes.iter().cloned()).collect()];
    for (class, counts) in classes.iter().zip(&evaluation.confusion) {
        rows.push(std::iter::once(class.clone()).chain(counts.iter().map(usize::to_string)).collect());
    }
    "\n".to_owned() + &output::aligned(&rows)
}
