//! `hone gate`: may a new model replace the old one? Both on the same labels, which neither has seen.

use super::arguments::{GateArguments, MeasuredArguments};
use super::class_names::ClassNames;
use super::dataset::Dataset;
use super::evaluate::open_labelled;
use super::failure::Failure;
use super::model_file::SavedModel;
use super::output::{self, Told, listed, percent, remark};
use crate::pipeline::class_name::folded;
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::gate::{Verdict, gate};
use crate::pipeline::import::ProblemList;
use ndarray::{Array2, ArrayView1};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::path::Path;

#[derive(Serialize)]
struct Report<'a> {
    /// Whether the new model should replace the old one.
    promote: bool,
    e_value: f64,
    /// Items that only the new model got right.
    wins: u64,
    /// Items that only the old model got right.
    losses: u64,
    /// Items compared.
    items: usize,
    champion: Estimate,
    challenger: Estimate,
    /// The new model's minus the old one's share right.
    difference: Estimate,
    champion_log_loss: f64,
    challenger_log_loss: f64,
    /// The classes of either model and of the data.
    classes: &'a [String],
    sentence: &'a str,
    /// Items without a label, or outside the data's test set, left out.
    left_out: usize,
    #[serde(flatten)]
    told: Told<'a>,
}

/// Runs the command. "Not proven" is an answer, too, not a failure.
pub fn run(arguments: &GateArguments) -> Result<(), Failure> {
    let (old, new) = (SavedModel::read(&arguments.old)?, SavedModel::read(&arguments.new)?);
    if old.kind != new.kind {
        return Err(Failure::data(format!(
            "the old model classifies items of the kind {}, the new one of the kind {}; they cannot be compared",
            old.kind.word(),
            new.kind.word()
        )));
    }
    let (old_answers, new_answers) = (Answers::of(&old, &arguments.measured)?, Answers::of(&new, &arguments.measured)?);
    let classes = all_classes(&[&old.classes, &new.classes, &old_answers.data_classes]);
    let place_of: HashMap<String, usize> = classes.iter().enumerate().map(|(at, name)| (folded(name), at)).collect();
    let mut truth = Vec::new();
    let mut rows = Vec::new();
    for (key, old_row, label) in &old_answers.items {
        let Some((new_row, new_label)) = new_answers.row_of.get(key) else { continue };
        if folded(label) != folded(new_label) {
            return Err(Failure::data(
                "the two models were trained with different label columns; say which holds the truth with --label-column",
            ));
        }
        truth.push(place_of[&folded(label)]);
        rows.push((*old_row, *new_row));
    }
    let spread = |answers: &Answers, model: &SavedModel, row_of: &dyn Fn(&(usize, usize)) -> usize| {
        let mut wide = Array2::zeros((rows.len(), classes.len()));
        for (at, row) in rows.iter().enumerate() {
            put(answers.probabilities.row(row_of(row)), &model.classes, &place_of, wide.row_mut(at));
        }
        wide
    };
    let champion = spread(&old_answers, &old, &|row| row.0);
    let challenger = spread(&new_answers, &new, &|row| row.1);
    let Some(verdict) = gate(&truth, &champion, &challenger) else {
        return Err(Failure::data("no item can be read by both models; there is nothing to compare"));
    };
    let sentence = verdict.sentence(&classes, &file_name(&arguments.old), &file_name(&arguments.new));
    output::remark_problems(&old_answers.problems);
    tell_unknown(&old, &new, &old_answers.data_classes);
    if arguments.measured.run.json {
        return output::print_json(&Report {
            promote: verdict.promote,
            e_value: verdict.e_value,
            wins: verdict.wins,
            losses: verdict.losses,
            items: verdict.audits,
            champion: verdict.champion,
            challenger: verdict.challenger,
            difference: verdict.difference,
            champion_log_loss: verdict.champion_log_loss,
            challenger_log_loss: verdict.challenger_log_loss,
            classes: &classes,
            sentence: &sentence,
            left_out: old_answers.left_out,
            told: Told::of(old_answers.rows, old_answers.hidden, &old_answers.problems),
        });
    }
    output::print(&in_words(&verdict, &sentence));
    Ok(())
}

/// What one model says of the labelled items.
struct Answers {
    /// Each item: what it is known by, its row of probabilities, its label.
    items: Vec<(String, usize, String)>,
    /// The same by what an item is known by.
    row_of: HashMap<String, (usize, String)>,
    probabilities: Array2<f32>,
    data_classes: Vec<String>,
    problems: ProblemList,
    left_out: usize,
    rows: u64,
    hidden: u64,
}

impl Answers {
    /// Reads the data as this model needs it: two models may read different columns of the same table.
    fn of(model: &SavedModel, measured: &MeasuredArguments) -> Result<Self, Failure> {
        let (mut dataset, left_out) = open_labelled(model, measured)?;
        let probabilities = model.predict(&mut dataset, &measured.run)?;
        // A project's items are told apart by their content; files and rows by their place, for their content depends on
        // the columns read.
        let by_content = dataset.is_project();
        let entries = dataset.entries.iter().enumerate();
        let items: Vec<(String, usize, String)> = entries
            .map(|(row, entry)| {
                let key = if by_content { entry.item.hash.to_hex() } else { entry.item.name.clone() };
                (key, row, entry.label.clone().unwrap_or_default())
            })
            .collect();
        let row_of = items.iter().map(|(key, row, label)| (key.clone(), (*row, label.clone()))).collect();
        let data_classes = dataset.classes();
        let Dataset { rows, problems, input, .. } = dataset;
        Ok(Self { items, row_of, probabilities, data_classes, problems, left_out, rows, hidden: input.hidden })
    }
}

/// Every class once, in the order of first appearance and as it was spelt there.
fn all_classes(lists: &[&[String]]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut keys = HashSet::new();
    for name in lists.iter().copied().flatten() {
        if keys.insert(folded(name)) {
            all.push(name.clone());
        }
    }
    all
}

/// Puts a model's probabilities where its classes are among all.
fn put(
    from: ArrayView1<f32>,
    names: &[String],
    place_of: &HashMap<String, usize>,
    mut to: ndarray::ArrayViewMut1<f32>,
) {
    for (name, probability) in names.iter().zip(from) {
        to[place_of[&folded(name)]] += *probability;
    }
}

fn tell_unknown(old: &SavedModel, new: &SavedModel, data: &[String]) {
    for (which, model) in [("old", old), ("new", new)] {
        let names = ClassNames::of_model(&model.classes);
        let unknown: Vec<&str> = data.iter().filter(|class| names.find(class).is_none()).map(String::as_str).collect();
        if !unknown.is_empty() {
            let names = listed(unknown);
            remark(&format!("the {which} model has never seen the class {names}; items of it count as wrong for it"));
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn in_words(verdict: &Verdict, sentence: &str) -> String {
    let share = |estimate: &Estimate| {
        let Estimate { estimate, low, high } = *estimate;
        (percent(estimate), format!("{} to {}", percent(low), percent(high)))
    };
    let row = |name: &str, estimate: &Estimate, log_loss: Option<f64>| {
        let (value, interval) = share(estimate);
        vec![name.into(), value, interval, log_loss.map_or(String::new(), |loss| format!("{loss:.3}"))]
    };
    let table = output::aligned(&[
        ["", "accuracy", "95 % interval", "log-loss"].map(String::from).to_vec(),
        row("old", &verdict.champion, Some(verdict.champion_log_loss)),
        row("new", &verdict.challenger, Some(verdict.challenger_log_loss)),
        row("difference", &verdict.difference, None),
    ]);
    format!("{sentence}\n\n{table}")
}
