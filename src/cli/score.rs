//! `hone score`: a model's prediction for each item.

use super::arguments::ScoreArguments;
use super::dataset::{Dataset, ProjectLabels};
use super::failure::Failure;
use super::model_file::SavedModel;
use super::output::{self, counted};
use crate::pipeline::export::predictions_csv;
use crate::pipeline::import::plan::Problem;
use crate::pipeline::predict::likeliest;
use ndarray::Array2;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Report<'a> {
    items: usize,
    /// How many items were predicted as each class.
    predicted: BTreeMap<&'a str, usize>,
    /// The file with the scores, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// The scores themselves, if no file was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Vec<Score<'a>>>,
    problem_count: u64,
    problems: &'a [Problem],
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
    let mut dataset = Dataset::open(&arguments.data, Some(model.kind), ProjectLabels::Decided, |plan| {
        model.fit_plan(plan, arguments.text_column.as_deref(), None)
    })?;
    let probabilities = model.predict(&mut dataset, &arguments.run)?;
    let names: Vec<&str> = dataset.entries.iter().map(|entry| entry.item.name.as_str()).collect();
    let slices: Vec<Vec<f32>> = probabilities.rows().into_iter().map(|row| row.to_vec()).collect();
    let csv =
        predictions_csv(names.iter().copied().zip(&slices).map(|(name, row)| (name, row.as_slice())), &model.classes);

    output::remark_problems(&dataset.problems);
    if let Some(path) = &arguments.output {
        std::fs::write(path, &csv).map_err(|error| Failure::file("write", path, &error))?;
    }
    let predicted = counts(&model.classes, &probabilities);
    if arguments.run.json {
        let to_file = arguments.output.is_some();
        return output::print_json(&Report {
            items: names.len(),
            predicted,
            output: arguments.output.as_ref().map(|path| path.display().to_string()),
            scores: (!to_file).then(|| scores(&names, &model.classes, &probabilities)),
            problem_count: dataset.problems.count(),
            problems: dataset.problems.as_slice(),
        });
    }
    match &arguments.output {
        None => output::print(&csv),
        Some(path) => {
            let mut rows = vec![vec!["predicted".to_string(), "items".to_string()]];
            rows.extend(predicted.iter().map(|(class, count)| vec![class.to_string(), count.to_string()]));
            let scored = counted(names.len() as u64, output::item_word(model.kind));
            output::print(&format!("Scored {scored}, saved {}.\n{}", path.display(), output::aligned(&rows)));
        }
    }
    Ok(())
}

fn counts<'a>(classes: &'a [String], probabilities: &Array2<f32>) -> BTreeMap<&'a str, usize> {
    let mut counts: BTreeMap<&str, usize> = classes.iter().map(|class| (class.as_str(), 0)).collect();
    for row in probabilities.rows() {
        *counts.entry(&classes[likeliest(row)]).or_insert(0) += 1;
    }
    counts
}

fn scores<'a>(names: &[&'a str], classes: &'a [String], probabilities: &Array2<f32>) -> Vec<Score<'a>> {
    let score = |(&item, row): (&&'a str, ndarray::ArrayView1<'_, f32>)| {
        let class = likeliest(row);
        Score {
            item,
            prediction: &classes[class],
            probability: row[class],
            probabilities: classes.iter().map(String::as_str).zip(row.iter().copied()).collect(),
        }
    };
    names.iter().zip(probabilities.rows()).map(score).collect()
}
