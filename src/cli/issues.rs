//! `hone issues`: labels that are likely wrong, the most suspicious first.

use super::arguments::{DataArguments, IssuesArguments};
use super::embed::Extractor;
use super::failure::Failure;
use super::input::ProjectLabels;
use super::npy;
use super::numeric_issues;
use super::output::{self, ToldOfLabels, counted, remark};
use super::side_by_side;
use super::train::{LabelledData, must_be_writable};
use crate::pipeline::export::spreadsheet::for_spreadsheets;
use crate::pipeline::import::ProblemList;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::quality::confident_learning::check;
use crate::pipeline::quality::filter::{FilterOptions, find_label_issues};
use crate::pipeline::quality::label_quality::{LabelQuality, label_quality_scores};
use crate::pipeline::quality::neighbour_votes::{NEIGHBOURS, neighbour_votes};
use crate::pipeline::quality::opinions::opinions;
use crate::pipeline::quality::out_of_fold;
use crate::pipeline::quality::suspects::{self, Suspect};
use crate::pipeline::quality::why::why;
use ndarray::Array2;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Report<'a> {
    /// Labels looked at.
    items: usize,
    /// Items without a label, left out.
    unlabelled: usize,
    classes: &'a [String],
    filter_by: &'a str,
    rank_by: &'a str,
    /// How many labels are issues.
    issues: usize,
    /// How many are estimated to be wrong, from the confident joint.
    expected_errors: f64,
    /// How many have another likeliest class.
    prediction_differs: usize,
    rows: Vec<Row<'a>>,
    /// Items of the data's test set, left aside.
    held_out: usize,
    #[serde(flatten)]
    told: ToldOfLabels<'a>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// Its place in the data, from 0.
    index: usize,
    is_issue: bool,
    score: f64,
    given: &'a str,
    suggested: &'a str,
    given_probability: f64,
    suggested_probability: f64,
    /// The item's name, if there are items.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbours: Option<Neighbours>,
    why: String,
}

#[derive(Serialize)]
struct Neighbours {
    given: usize,
    suggested: usize,
    of: usize,
}

/// What decides the order of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankBy {
    /// Everything that is known, see `pipeline/quality/suspects.rs`.
    Joint,
    /// One of cleanlab's scores.
    Quality(LabelQuality),
}

impl RankBy {
    /// All of them.
    pub const ALL: [RankBy; 4] = [
        RankBy::Joint,
        RankBy::Quality(LabelQuality::SelfConfidence),
        RankBy::Quality(LabelQuality::NormalizedMargin),
        RankBy::Quality(LabelQuality::ConfidenceWeightedEntropy),
    ];

    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            RankBy::Joint => "joint",
            RankBy::Quality(method) => method.word(),
        }
    }
}

/// Labels, and what is said of them without having seen them.
struct Evidence {
    labels: Vec<usize>,
    classes: Vec<String>,
    probabilities: Array2<f64>,
    votes: Option<Vec<Vec<usize>>>,
    /// See [`opinions`].
    opinions: Option<(Array2<f64>, Vec<f64>)>,
    /// Where each label's item lies in the data, and what it is called; empty if there are only labels.
    items: Vec<(usize, String)>,
    unlabelled: usize,
    held_out: usize,
    hidden: u64,
    problems: ProblemList,
}

/// Runs the command.
pub fn run(arguments: &IssuesArguments) -> Result<(), Failure> {
    if let (Some(data), Some(column)) = (&arguments.data, &arguments.target_column) {
        return numeric_issues::run(arguments, data, column);
    }
    if let Some(path) = &arguments.output {
        must_be_writable(path)?;
    }
    let evidence = match (&arguments.probs, &arguments.labels) {
        (Some(probabilities), Some(labels)) => of_files(probabilities, labels)?,
        _ => of_data(arguments)?,
    };
    check(&evidence.labels, evidence.probabilities.view()).map_err(Failure::data)?;
    report(arguments, &evidence)
}

fn report(arguments: &IssuesArguments, evidence: &Evidence) -> Result<(), Failure> {
    let (labels, probabilities) = (&evidence.labels, evidence.probabilities.view());
    let options = FilterOptions { filter_by: arguments.filter_by, ..FilterOptions::default() };
    let issues = find_label_issues(labels, probabilities, &options);
    let (class_means, margins) = match &evidence.opinions {
        Some((class_means, margins)) => (Some(class_means.view()), Some(margins.as_slice())),
        None => (None, None),
    };
    let neighbour_votes = evidence.votes.as_deref();
    let evidence_of_all = suspects::Evidence { probabilities, class_means, neighbour_votes, margins };
    let mut found = suspects::suspects(labels, &evidence_of_all);
    // What cleanlab would do with its own files; the better order for data.
    let rank_by = arguments.rank_by.unwrap_or(match arguments.probs {
        Some(_) => RankBy::Quality(LabelQuality::SelfConfidence),
        None => RankBy::Joint,
    });
    if let RankBy::Quality(method) = rank_by {
        let scores = label_quality_scores(labels, probabilities, method, false);
        found.ranked.iter_mut().for_each(|suspect| suspect.score = scores[suspect.index]);
        found.ranked.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.index.cmp(&b.index)));
    }
    let class = |class: usize| evidence.classes[class].as_str();
    let row = |suspect: &Suspect| Row {
        index: evidence.items.get(suspect.index).map_or(suspect.index, |item| item.0),
        is_issue: issues[suspect.index],
        score: suspect.score,
        given: class(suspect.given),
        suggested: class(suspect.suggested),
        given_probability: suspect.given_probability,
        suggested_probability: suspect.suggested_probability,
        item: evidence.items.get(suspect.index).map(|item| item.1.as_str()),
        neighbours: suspect.neighbour_vote.map(|vote| Neighbours {
            given: vote.given,
            suggested: vote.suggested,
            of: vote.of,
        }),
        why: why(suspect, class),
    };
    let report = Report {
        items: labels.len(),
        unlabelled: evidence.unlabelled,
        classes: &evidence.classes,
        filter_by: arguments.filter_by.word(),
        rank_by: rank_by.word(),
        issues: issues.iter().filter(|&&issue| issue).count(),
        expected_errors: found.expected_errors,
        prediction_differs: found.wide,
        rows: found.ranked.iter().map(row).collect(),
        held_out: evidence.held_out,
        told: ToldOfLabels::of(evidence.hidden, &evidence.problems),
    };
    give(arguments, &report, &csv(&report.rows)?, &summary(&report))
}

/// Saves the table where the arguments want it; prints the report as JSON, or the summary, or table and summary.
pub(super) fn give(
    arguments: &IssuesArguments,
    report: &impl Serialize,
    table: &str,
    summary: &str,
) -> Result<(), Failure> {
    let defused = arguments.for_spreadsheets.then(|| for_spreadsheets(table));
    let table = defused.as_ref().map_or(table, |defused| &defused.csv);
    if let Some(path) = &arguments.output {
        std::fs::write(path, table).map_err(|error| Failure::file("write", path, &error))?;
    }
    if let Some(defused) = defused.as_ref().filter(|_| !arguments.run.json || arguments.output.is_some()) {
        output::remark_defused(defused.cells.into());
    }
    match (arguments.run.json, &arguments.output) {
        (true, _) => return output::print_json(report),
        (false, Some(path)) => output::print(&format!("{summary} Saved {}.\n", path.display())),
        (false, None) => {
            output::print(table);
            remark(summary);
        }
    }
    Ok(())
}

/// `index,is_issue,score,given,suggested`, a line a label.
fn csv(rows: &[Row]) -> Result<String, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::data(format!("the table cannot be made: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["index", "is_issue", "score", "given", "suggested"]).map_err(|error| refused(&error))?;
    for row in rows {
        let (index, issue, score) = (row.index.to_string(), row.is_issue.to_string(), row.score.to_string());
        writer.write_record([&index, &issue, &score, row.given, row.suggested]).map_err(|error| refused(&error))?;
    }
    let table = writer.into_inner().map_err(|error| refused(&error))?;
    String::from_utf8(table).map_err(|error| refused(&error))
}

fn summary(report: &Report) -> String {
    format!(
        "{} of {} {} ({}). Confident learning counts about {} errors, the model’s own mistakes among them; asking some labels again, blind, tells how many there are.",
        report.issues,
        counted(report.items as u64, "label"),
        if report.issues == 1 { "is an issue" } else { "are issues" },
        report.filter_by,
        report.expected_errors
    )
}

/// The labels of DATA, with out-of-fold probabilities and the votes of the nearest labels.
fn of_data(arguments: &IssuesArguments) -> Result<Evidence, Failure> {
    let Some(data) = &arguments.data else {
        return Err(Failure::usage("say what to look at: DATA, or --probs and --labels (see `hone issues --help`)"));
    };
    let (label_column, reading) = (arguments.label_column.clone(), arguments.reading.clone());
    let data = DataArguments { data: data.clone(), label_column, reading };
    let mut labelled = LabelledData::open(&data, ProjectLabels::Training)?;
    let extractor = Extractor::for_training(&labelled.dataset, &arguments.run)?;
    let features = labelled.embed(&extractor, &arguments.run)?;
    labelled.remark_held_out();
    let LabelledData { dataset, classes, targets, unlabelled, held_out } = labelled;
    let spec = HeadSpec::named(&arguments.head, dataset.kind)
        .ok_or_else(|| Failure::usage(format!("there is no head “{}”", arguments.head)))?;
    let labels: Vec<(usize, usize)> = targets.iter().copied().enumerate().collect();
    let opinions = opinions(&features, &labels, classes.len(), dataset.kind);
    let no_model = |why: String| Failure::data(format!("no model could be trained to compare the labels with: {why}"));
    let outcome = side_by_side::run(&features, &labels, classes.len(), &spec, None)
        .map_err(no_model)?
        .ok_or_else(|| no_model("it ended too early".into()))?;
    let probabilities = out_of_fold::of_labels(&labels, classes.len(), &outcome.out_of_fold);
    output::remark_problems(&dataset.problems);
    Ok(Evidence {
        labels: targets,
        classes,
        probabilities,
        votes: Some(neighbour_votes(&features, &labels, NEIGHBOURS)),
        opinions: Some(opinions),
        items: dataset.entries.iter().map(|entry| (entry.index, entry.item.name.clone())).collect(),
        unlabelled,
        held_out: held_out.len(),
        hidden: dataset.input.hidden,
        problems: dataset.problems,
    })
}

/// The labels and probabilities that another program saved.
fn of_files(probabilities: &Path, labels: &Path) -> Result<Evidence, Failure> {
    let array = npy::read(probabilities)?;
    let [rows, columns] = array.shape[..] else {
        return Err(Failure::data(format!(
            "{}: probabilities need two dimensions, a row an item and a column a class",
            probabilities.display()
        )));
    };
    let values =
        Array2::from_shape_vec((rows, columns), array.values).map_err(|error| Failure::data(error.to_string()))?;
    let array = npy::read(labels)?;
    if array.shape.len() != 1 {
        return Err(Failure::data(format!("{}: labels need one dimension, not two", labels.display())));
    }
    let label = |(row, value): (usize, f64)| {
        if value >= 0.0 && value.fract() == 0.0 {
            return Ok(value as usize);
        }
        let place = labels.display();
        Err(Failure::data(format!("{place}: label {row} is {value}; labels are the numbers of columns, from 0")))
    };
    Ok(Evidence {
        labels: array.values.into_iter().enumerate().map(label).collect::<Result<_, _>>()?,
        classes: (0..columns).map(|class| class.to_string()).collect(),
        probabilities: values,
        votes: None,
        opinions: None,
        items: Vec::new(),
        unlabelled: 0,
        held_out: 0,
        hidden: 0,
        problems: ProblemList::default(),
    })
}
