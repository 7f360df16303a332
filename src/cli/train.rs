//! `hone train`: labelled data in, a model file out.

use super::arguments::{DataArguments, RunArguments, TrainArguments};
use super::class_names::ClassNames;
use super::dataset::Dataset;
use super::embed::Extractor;
use super::failure::Failure;
use super::input::{Entry, ProjectLabels, Wanted};
use super::model_file::SavedModel;
use super::output::{self, Told, counted, listed, percent, remark, thousands};
use super::roles::{ModelColumns, fit_to_arguments};
use super::side_by_side;
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::experiment::Outcome;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::Kind;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::predict::likeliest;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Decides the folds, and whatever a head draws at random.
pub const SEED: u64 = 0;

#[derive(Serialize)]
struct Report<'a> {
    model: String,
    kind: Kind,
    features: String,
    /// The columns learnt from, for tables and texts in a column.
    columns: &'a [String],
    label_column: Option<&'a str>,
    /// How many items trained.
    items: usize,
    /// Items without a label, left out.
    unlabelled: usize,
    /// Training items by class.
    classes: BTreeMap<&'a str, usize>,
    /// What was trained, see [`HeadSpec::name`].
    head: String,
    /// Share of training labels predicted right out of fold.
    out_of_fold: Option<f64>,
    temperature: f64,
    /// How good it is on the data's test set, which did not train; null if there is none.
    held_out: Option<HeldOut>,
    #[serde(flatten)]
    told: Told<'a>,
}

/// A model on the test set that came with its data.
#[derive(Debug, Clone, Copy, Serialize)]
struct HeldOut {
    /// Items compared.
    items: usize,
    /// The share predicted right, with its exact 95 % interval.
    accuracy: Estimate,
}

/// Runs the command.
pub fn run(arguments: &TrainArguments) -> Result<(), Failure> {
    must_be_writable(&arguments.output)?;
    let mut labelled = LabelledData::open(&arguments.data, ProjectLabels::Training)?;
    let extractor = Extractor::for_training(&labelled.dataset, &arguments.run)?;
    let features = labelled.embed(&extractor, &arguments.run)?;
    let spec = HeadSpec::named(&arguments.head, labelled.dataset.kind)
        .ok_or_else(|| Failure::usage(format!("there is no head “{}”", arguments.head)))?;
    let labels: Vec<(usize, usize)> = labelled.targets.iter().copied().enumerate().collect();
    let no_model = |why: String| Failure::data(format!("the model could not be trained: {why}"));
    let outcome = side_by_side::run(&features, &labels, labelled.classes.len(), &spec, None)
        .map_err(no_model)?
        .ok_or_else(|| no_model("it ended too early".into()))?;
    if outcome.class_means {
        remark(&format!(
            "{} labels of {} classes are too many to fit a logistic regression to in some seconds; the model is the nearest class \
             mean",
            thousands(labels.len() as u64),
            thousands(labelled.classes.len() as u64)
        ));
    }
    let out_of_fold = (!outcome.out_of_fold.is_empty()).then_some(outcome.out_of_fold_accuracy);
    let model = labelled.saved_model(&extractor, outcome);
    model.write(&arguments.output)?;
    let held_out = labelled.measure(&model, &extractor, &arguments.run)?;

    let LabelledData { dataset, classes, targets, unlabelled, .. } = &labelled;
    output::remark_problems(&dataset.problems);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &target in targets {
        *counts.entry(&classes[target]).or_insert(0) += 1;
    }
    if arguments.run.json {
        return output::print_json(&Report {
            model: arguments.output.display().to_string(),
            kind: dataset.kind,
            features: model.feature_id.clone(),
            columns: &dataset.content_columns,
            label_column: dataset.label_column.as_deref(),
            items: targets.len(),
            unlabelled: *unlabelled,
            classes: counts,
            head: spec.name(),
            out_of_fold,
            temperature: model.temperature,
            held_out,
            told: Told::of(dataset.rows, dataset.input.hidden, &dataset.problems),
        });
    }
    let of_classes: Vec<String> = counts.iter().map(|(class, count)| format!("{class} {count}")).collect();
    output::print(&format!(
        "Trained on {} of {}: {}.\n",
        counted(targets.len() as u64, output::item_word(dataset.kind)),
        format_args!("{} classes", classes.len()),
        listed(of_classes.iter().map(String::as_str))
    ));
    if let Some(share) = out_of_fold {
        output::print(&format!(
            "Training labels predicted right out of fold: {}. `hone evaluate` on unseen data gives the accuracy.\n",
            percent(share)
        ));
    }
    if let Some(HeldOut { items, accuracy: Estimate { estimate, low, high } }) = held_out {
        let set = dataset.input.test_set().unwrap_or_else(|| "the data".into());
        output::print(&format!(
            "On the test set that {set} marks ({}, none of which trained): {} right, 95 % interval {} to {}.\n",
            counted(items as u64, output::item_word(dataset.kind)),
            percent(estimate),
            percent(low),
            percent(high)
        ));
    }
    output::print(&format!("Saved {}.\n", arguments.output.display()));
    Ok(())
}

/// Data in which every item has a label, and those of its labelled items that are held out.
pub struct LabelledData {
    /// The items.
    pub dataset: Dataset,
    /// The classes' names, in alphabetical order.
    pub classes: Vec<String>,
    /// The class of each item.
    pub targets: Vec<usize>,
    /// Items without a label, left out.
    pub unlabelled: usize,
    /// The labelled items of the data's test set: they measure and never train.
    pub held_out: Vec<Entry>,
}

impl LabelledData {
    /// Reads DATA and keeps what has a label.
    ///
    /// # Errors
    /// If it cannot be read, or fewer than two classes have an item.
    pub fn open(data: &DataArguments, labels: ProjectLabels) -> Result<Self, Failure> {
        let wanted = Wanted { kind: data.reading.kind, labels, header: data.reading.table.first_row_is_header() };
        let mut dataset = Dataset::open(&data.data, wanted, |plan| {
            fit_to_arguments(plan, data.label_column.as_deref(), &data.reading)
        })?;
        let unlabelled = dataset.keep_labelled();
        let held_out = dataset.take_held_out();
        let classes = dataset.classes();
        match classes.as_slice() {
            [] if !held_out.is_empty() => Err(Failure::data(
                "every labelled item belongs to the test set, which never trains; to train on it all the same, add --split-column none",
            )),
            [] => Err(no_labels(&dataset)),
            [only] => Err(Failure::data(format!("every label is “{only}”; a model needs at least two classes"))),
            _ => Ok(Self { targets: dataset.targets(&classes), dataset, classes, unlabelled, held_out }),
        }
    }

    /// The features of the items; an item that cannot be embedded leaves the data.
    ///
    /// # Errors
    /// If fewer than two classes have an item left.
    pub fn embed(&mut self, extractor: &Extractor, run: &RunArguments) -> Result<Features, Failure> {
        let features = extractor.embed(&mut self.dataset, run)?;
        self.targets = self.dataset.targets(&self.classes);
        if self.targets.iter().all(|target| *target == self.targets[0]) {
            return Err(Failure::data(
                "fewer than two classes have an item that can be used; see the problems with the data",
            ));
        }
        Ok(features)
    }

    /// Says that a command which has no use for the test set leaves it aside.
    pub fn remark_held_out(&self) {
        if !self.held_out.is_empty() {
            let count = counted(self.held_out.len() as u64, "item");
            remark(&format!("{count} of the test set left aside: they measure and never train"));
        }
    }

    /// How good a model is on the held-out items, if there are any that can be used.
    fn measure(
        &mut self,
        model: &SavedModel,
        extractor: &Extractor,
        run: &RunArguments,
    ) -> Result<Option<HeldOut>, Failure> {
        let entries = std::mem::take(&mut self.held_out);
        if entries.is_empty() {
            return Ok(None);
        }
        let (entries, features) = extractor.embed_entries(entries, &mut self.dataset, run)?;
        let names = ClassNames::of_model(&model.classes);
        let logits = model.head.logits(&features);
        let right = |(entry, row): &(&Entry, ndarray::ArrayView1<f32>)| {
            entry.label.as_deref().and_then(|label| names.find(label)) == Some(likeliest(*row))
        };
        let right = entries.iter().zip(logits.rows()).filter(right).count();
        Ok(Estimate::of_share(right, entries.len()).map(|accuracy| HeldOut { items: entries.len(), accuracy }))
    }

    /// What was trained on this data, as it is saved.
    pub fn saved_model(&self, extractor: &Extractor, outcome: Outcome) -> SavedModel {
        let dataset = &self.dataset;
        SavedModel {
            name: dataset.name.clone(),
            kind: dataset.kind,
            feature_id: extractor.feature_id(),
            classes: self.classes.clone(),
            columns: ModelColumns { content: dataset.content_columns.clone(), label: dataset.label_column.clone() },
            encoder: extractor.table_encoder().cloned(),
            head: outcome.head,
            temperature: outcome.temperature,
            labels: self.targets.len() as u32,
        }
    }
}

fn no_labels(dataset: &Dataset) -> Failure {
    Failure::data(match (dataset.is_project(), &dataset.label_column) {
        (true, _) => "no item of the project has a label; label some in the app first".into(),
        (false, Some(column)) => format!("the label column “{column}” is empty"),
        (false, None) if dataset.content_columns.is_empty() => {
            "the data has no labels: put the files of each class into a folder of its own".into()
        }
        (false, None) => "which column holds the labels? Name it with --label-column".to_string(),
    })
}

/// Whether a file can be written there: found out before the work rather than after it.
///
/// # Errors
/// Says why not.
pub fn must_be_writable(output: &Path) -> Result<(), Failure> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if output.is_dir() {
        return Err(Failure::data(format!("cannot write {}: it is a folder", output.display())));
    }
    if !folder.is_dir() {
        return Err(Failure::data(format!(
            "cannot write {}: the folder {} does not exist",
            output.display(),
            folder.display()
        )));
    }
    Ok(())
}
