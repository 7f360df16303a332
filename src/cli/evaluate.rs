//! `hone evaluate`: a model's predictions against the labels of data that it has not seen.

use super::arguments::{EvaluateArguments, MeasuredArguments};
use super::dataset::{Dataset, ProjectLabels};
use super::failure::Failure;
use super::model_file::SavedModel;
use super::output::{self, counted, listed, percent, remark};
use crate::pipeline::evaluate::{ClassScore, Estimate, Evaluation, evaluate};
use crate::pipeline::import::plan::Problem;
use ndarray::{Array2, s};
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    /// Items compared.
    items: usize,
    /// Items without a label, left out.
    unlabelled: usize,
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
    problem_count: u64,
    problems: &'a [Problem],
}

/// Runs the command.
pub fn run(arguments: &EvaluateArguments) -> Result<(), Failure> {
    let model = SavedModel::read(&arguments.model)?;
    let (mut dataset, unlabelled) = open_labelled(&model, &arguments.measured)?;
    let known = model.predict(&mut dataset, &arguments.measured.run)?;
    let unknown: Vec<String> = dataset.classes().into_iter().filter(|class| !model.classes.contains(class)).collect();
    let classes = [model.classes.as_slice(), &unknown].concat();
    let probabilities = widened(&known, unknown.len());
    let Some(evaluation) = evaluate(&probabilities, &dataset.targets(&classes)) else {
        return Err(Failure::data("the model knows fewer than two classes; there is nothing to tell apart"));
    };
    if !unknown.is_empty() {
        let names = listed(unknown.iter().map(String::as_str));
        remark(&format!("the model has never seen the class {names}; items of it count as wrong"));
    }
    output::remark_problems(&dataset.problems);
    if arguments.measured.run.json {
        return output::print_json(&Report {
            items: evaluation.rows,
            unlabelled,
            accuracy: evaluation.accuracy,
            balanced_accuracy: evaluation.balanced_accuracy,
            macro_f1: evaluation.macro_f1,
            log_loss: evaluation.log_loss,
            brier: evaluation.brier,
            roc_auc: evaluation.roc_auc,
            expected_calibration_error: evaluation.calibration_error,
            calibration: evaluation.calibration,
            classes: &classes,
            class_scores: &evaluation.classes,
            confusion_matrix: &evaluation.confusion,
            unknown_classes: &unknown,
            problem_count: dataset.problems.count(),
            problems: dataset.problems.as_slice(),
        });
    }
    output::print(&in_words(&evaluation, &classes));
    Ok(())
}

/// The labelled items as this model needs them, and how many had no label.
///
/// # Errors
/// If the data can't be read as the model needs it, or holds no label.
pub fn open_labelled(model: &SavedModel, measured: &MeasuredArguments) -> Result<(Dataset, usize), Failure> {
    let mut dataset = Dataset::open(&measured.data, Some(model.kind), ProjectLabels::Measuring, |plan| {
        model.fit_plan(plan, measured.text_column.as_deref(), measured.label_column.as_deref())
    })?;
    let unlabelled = dataset.keep_labelled();
    if dataset.entries.is_empty() {
        return Err(Failure::data(match &dataset.label_column {
            Some(column) => format!("the label column “{column}” is empty; there is nothing to compare with"),
            None => "the data has no labels to compare with; name their column with --label-column, or put the files of each class into a folder".into(),
        }));
    }
    Ok((dataset, unlabelled))
}

/// Adds columns of probability 0 for classes that the model does not know.
fn widened(known: &Array2<f32>, unknown: usize) -> Array2<f32> {
    let (rows, classes) = known.dim();
    let mut wide = Array2::zeros((rows, classes + unknown));
    wide.slice_mut(s![.., ..classes]).assign(known);
    wide
}

/// More classes than this do not fit across a terminal.
const CONFUSION_SHOWN: usize = 12;

fn in_words(evaluation: &Evaluation, classes: &[String]) -> String {
    let Estimate { estimate, low, high } = evaluation.accuracy;
    let row = |name: &str, value: String| vec![name.to_string(), value];
    let mut text = output::aligned(&[
        row("items", evaluation.rows.to_string()),
        row("accuracy", percent(estimate)),
        row("  95 % interval", format!("{} to {}", percent(low), percent(high))),
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
    if classes.len() > CONFUSION_SHOWN {
        text += &format!("The confusion matrix of {} is in --json.\n", counted(classes.len() as u64, "label"));
        return text;
    }
    let mut rows = vec![std::iter::once("true \\ predicted".to_string()).chain(classes.iter().cloned()).collect()];
    for (class, counts) in classes.iter().zip(&evaluation.confusion) {
        rows.push(std::iter::once(class.clone()).chain(counts.iter().map(usize::to_string)).collect());
    }
    text + "\n" + &output::aligned(&rows)
}
