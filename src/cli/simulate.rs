//! `hone simulate`: label-efficiency curves. How accurate is the model after so many labels, asked in this order or that?

use super::arguments::{SimulateArguments, TableArguments};
use super::dataset::Dataset;
use super::embed::Extractor;
use super::failure::Failure;
use super::input::{ProjectLabels, Wanted};
use super::output::{self, Told, listed, remark, thousands};
use super::pieces::absorb;
use super::roles::{ModelColumns, fit_to_model};
use super::train::LabelledData;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::import::ProblemList;
use crate::pipeline::item::Kind;
use crate::pipeline::simulate::{Curve, Simulation, simulate};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

#[derive(Serialize)]
struct Report<'a> {
    strategies: BTreeMap<&'static str, MeanCurve>,
    kind: Kind,
    features: String,
    /// Items that could be asked for, and test items where they were given apart.
    items: usize,
    test_items: Option<usize>,
    classes: &'a [String],
    budget: u32,
    batch: u32,
    seeds: u32,
    /// Items of the data's test set, left aside.
    held_out: usize,
    #[serde(flatten)]
    told: Told<'a>,
}

/// Means over the seeds, one entry a batch.
#[derive(Debug, PartialEq, Serialize)]
struct MeanCurve {
    /// Labels given.
    labels: Vec<usize>,
    /// Mean share of test items predicted right, 0 to 1.
    accuracy: Vec<f64>,
    /// Its standard deviation over the seeds (0 for one seed).
    sd: Vec<f64>,
}

/// Runs the command.
pub fn run(arguments: &SimulateArguments) -> Result<(), Failure> {
    let mut data = LabelledData::open(&arguments.data, ProjectLabels::Decided)?;
    let duplicates = data.dataset.drop_duplicates();
    if duplicates > 0 {
        remark(&format!("{} duplicates are left out, as in an import", thousands(duplicates as u64)));
    }
    let extractor = Extractor::for_training(&data.dataset, &arguments.run)?;
    let features = data.embed(&extractor, &arguments.run)?;
    let rows = data.dataset.rows;
    let mut test = None;
    if arguments.test.is_some() {
        let (features, targets, problems) = read_test(arguments, &data, &extractor)?;
        absorb(&mut data.dataset.problems, problems);
        test = Some((features, targets));
    }
    let mut strategies = arguments.strategy.clone();
    let mut seen = HashSet::new();
    strategies.retain(|strategy| seen.insert(*strategy));
    let curves: Vec<Curve> = strategies
        .iter()
        .flat_map(|&strategy| (0..u64::from(arguments.seeds)).map(move |seed| (strategy, seed)))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(strategy, seed)| {
            simulate(&Simulation {
                features: &features,
                targets: &data.targets,
                classes: data.classes.len(),
                test: test.as_ref().map(|(features, targets)| (features, targets.as_slice())),
                kind: data.dataset.kind,
                strategy,
                budget: arguments.budget as usize,
                batch: arguments.batch as usize,
                seed,
            })
        })
        .collect();
    let means: Vec<MeanCurve> = curves.chunks(arguments.seeds as usize).map(mean).collect();
    if let Some(reached) = means.first().and_then(|curve| curve.labels.last())
        && *reached < arguments.budget as usize
    {
        remark(&format!("the data has only {reached} items to ask for; the budget of {} is cut", arguments.budget));
    }
    data.remark_held_out();
    output::remark_problems(&data.dataset.problems);
    if arguments.run.json {
        return output::print_json(&Report {
            strategies: strategies.iter().map(|&strategy| strategy.word()).zip(means).collect(),
            kind: data.dataset.kind,
            features: extractor.feature_id(),
            items: data.targets.len(),
            test_items: test.as_ref().map(|(_, targets)| targets.len()),
            classes: &data.classes,
            budget: arguments.budget,
            batch: arguments.batch,
            seeds: arguments.seeds,
            held_out: data.held_out.len(),
            told: Told::of(rows, data.dataset.input.hidden, &data.dataset.problems),
        });
    }
    let mut rows = vec![vec!["labels".to_string()]];
    rows[0].extend(strategies.iter().map(|&strategy| strategy.word().to_string()));
    for (place, labels) in means[0].labels.iter().enumerate() {
        let cell = |curve: &MeanCurve| match (curve.accuracy.get(place), curve.sd.get(place)) {
            (Some(accuracy), Some(sd)) => format!("{accuracy:.3} ± {sd:.3}"),
            _ => String::new(),
        };
        rows.push(std::iter::once(labels.to_string()).chain(means.iter().map(cell)).collect());
    }
    output::print(&if arguments.markdown {
        output::markdown(&rows)
    } else {
        heading(arguments) + &output::aligned(&rows)
    });
    Ok(())
}

fn heading(arguments: &SimulateArguments) -> String {
    let on = match &arguments.test {
        Some(test) => format!("on {}", test.display()),
        None => "on a held-out third".into(),
    };
    format!("Accuracy {on}: mean ± standard deviation over {} seeds.\n", arguments.seeds)
}

/// The test data, read like the data itself and embedded by the same extractor.
fn read_test(
    arguments: &SimulateArguments,
    data: &LabelledData,
    extractor: &Extractor,
) -> Result<(Features, Vec<usize>, ProblemList), Failure> {
    let Some(path) = &arguments.test else { return Err(Failure::usage("--test is missing")) };
    let train = &data.dataset;
    let columns = ModelColumns { content: train.content_columns.clone(), label: train.label_column.clone() };
    let label_column = arguments.data.label_column.as_deref();
    let table = &arguments.data.reading.table;
    let wanted = Wanted { kind: Some(train.kind), labels: ProjectLabels::Decided, header: table.first_row_is_header() };
    let mut test = Dataset::open(path, wanted, |plan| {
        // All of it is a test set, whatever a column says.
        fit_to_model(plan, train.kind, &columns, None, label_column, &TableArguments::default())
    })
    .and_then(
        |test| if test.kind == train.kind { Ok(test) } else { Err(Failure::data("the test data is of another kind")) },
    )
    .map_err(|failure| Failure::data(format!("--test: {failure}")))?;
    test.keep_labelled();
    test.spell_as(&data.classes);
    let foreign: Vec<String> = test.classes().into_iter().filter(|class| !data.classes.contains(class)).collect();
    if !foreign.is_empty() {
        return Err(Failure::data(format!(
            "--test: it has classes that the data lacks: {}. Give the same classes in both",
            listed(foreign.iter().map(String::as_str))
        )));
    }
    if test.entries.is_empty() {
        return Err(Failure::data(format!("--test: no item of {} has a label", path.display())));
    }
    let features = extractor.embed(&mut test, &arguments.run)?;
    let targets = test.targets(&data.classes);
    Ok((features, targets, test.problems))
}

/// Pool and budget are the same for all seeds, so all curves have the same labels; were one shorter, the mean ends there.
fn mean(curves: &[Curve]) -> MeanCurve {
    let length = curves.iter().map(|curve| curve.accuracy.len()).min().unwrap_or(0);
    let labels = curves.first().map_or_else(Vec::new, |curve| curve.labels[..length].to_vec());
    let count = curves.len() as f64;
    let (accuracy, sd) = (0..length)
        .map(|place| {
            let values = || curves.iter().map(|curve| curve.accuracy[place]);
            let mean = values().sum::<f64>() / count;
            let squares = values().map(|value| (value - mean).powi(2)).sum::<f64>();
            (mean, if curves.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 })
        })
        .unzip();
    MeanCurve { labels, accuracy, sd }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_averaged_entry_by_entry() {
        let curve = |accuracy: [f64; 2]| Curve { labels: vec![5, 10], accuracy: accuracy.into() };
        let mean = mean(&[curve([0.2, 0.5]), curve([0.4, 0.5])]);
        assert_eq!(mean.labels, [5, 10]);
        assert!((mean.accuracy[0] - 0.3).abs() < 1e-12 && (mean.sd[0] - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!((mean.accuracy[1], mean.sd[1]), (0.5, 0.0));
    }
}
