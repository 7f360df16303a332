//! `hone search`: heads and features tried until time is up, ranked by how well they predict labels they have not seen.

use super::arguments::SearchArguments;
use super::embed::Extractor;
use super::failure::Failure;
use super::input::ProjectLabels;
use super::output::{self, Told, counted, percent, remark};
use super::side_by_side;
use super::train::{LabelledData, SEED, must_be_writable};
use crate::pipeline::experiment::Outcome;
use crate::pipeline::item::Kind;
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::search::Search;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Multiply-adds between two looks at the clock: some milliseconds.

#[derive(Serialize)]
struct Report<'a> {
    kind: Kind,
    /// How many items trained.
    items: usize,
    classes: usize,
    /// Whether there was nothing more to try before time was up.
    exhausted: bool,
    /// The best first.
    trials: Vec<Trial>,
    /// The model file with the head that was kept, if one was asked for.
    model: Option<String>,
    /// Items of the data's test set, which did not train.
    held_out: usize,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
struct Trial {
    rank: usize,
    name: String,
    params: BTreeMap<String, String>,
    /// Share of training labels predicted right out of fold.
    out_of_fold_accuracy: f64,
    out_of_fold_log_loss: f64,
    /// Whether this is the one that the search settles on.
    kept: bool,
    seconds: f64,
    #[serde(skip)]
    hyper_parameters: String,
}

/// Runs the command.
pub fn run(arguments: &SearchArguments) -> Result<(), Failure> {
    if let Some(output) = &arguments.output {
        must_be_writable(output)?;
    }
    let mut labelled = LabelledData::open(&arguments.data, ProjectLabels::Training)?;
    let extractor = Extractor::for_training(&labelled.dataset, &arguments.run)?;
    let features = labelled.embed(&extractor, &arguments.run)?;
    labelled.remark_held_out();
    output::remark_problems(&labelled.dataset.problems);
    let kind = labelled.dataset.kind;
    let labels: Vec<(usize, usize)> = labelled.targets.iter().copied().enumerate().collect();
    let classes = labelled.classes.len();
    let mut search = Search::new(kind, &features, labels.len(), classes, SEED);
    let ends = Instant::now() + Duration::from_secs_f64(60.0 * arguments.minutes);
    let mut trials: Vec<Trial> = Vec::new();
    let mut kept: Option<Kept> = None;
    let exhausted = loop {
        let Some(spec) = search.next() else { break true };
        let begun = Instant::now();
        let outcome = match side_by_side::run(&features, &labels, classes, &spec, Some(ends)) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => break false,
            Err(why) => {
                remark(&format!("{} was left out: {why}", spec.name()));
                continue;
            }
        };
        let (accuracy, loss) = (outcome.out_of_fold_accuracy, outcome.out_of_fold_log_loss);
        if !loss.is_finite() {
            return Err(Failure::data(
                "too few labels to compare heads: none can be held out. Label at least two items of two classes",
            ));
        }
        progress(&spec, accuracy, loss);
        match &mut kept {
            None => kept = Some(Kept { params: spec.params(), outcome: outcome.clone(), reference: outcome }),
            Some(kept) => kept.consider(&spec, outcome),
        }
        search.tell(&spec, loss);
        trials.push(Trial {
            rank: 0,
            name: spec.name(),
            params: spec.params(),
            out_of_fold_accuracy: accuracy,
            out_of_fold_log_loss: loss,
            kept: false,
            seconds: begun.elapsed().as_secs_f64(),
            hyper_parameters: spec.hyper_parameters(),
        });
    };
    let Some(kept) = kept else {
        return Err(Failure::data("time was up before the first head was trained; give it more --minutes"));
    };
    trials.sort_by(|a, b| a.out_of_fold_log_loss.total_cmp(&b.out_of_fold_log_loss));
    trials.iter_mut().zip(1..).for_each(|(trial, rank)| {
        trial.rank = rank;
        trial.kept = trial.params == kept.params;
    });
    if let Some(path) = &arguments.output {
        labelled.saved_model(&extractor, kept.outcome).write(path)?;
    }
    let model = arguments.output.as_ref().map(|path| path.display().to_string());
    let dataset = &labelled.dataset;
    let told = Told::of(dataset.rows, dataset.input.hidden, &dataset.problems);
    let held_out = labelled.held_out.len();
    let report = Report { kind, items: labels.len(), classes, exhausted, trials, model, held_out, told };
    if arguments.run.json {
        return output::print_json(&report);
    }
    output::print(&in_words(&report));
    Ok(())
}

/// The head that the search settles on: the best of those that are clearly better than the default, else the default.
struct Kept {
    params: BTreeMap<String, String>,
    outcome: Outcome,
    /// The default's.
    reference: Outcome,
}

impl Kept {
    fn consider(&mut self, spec: &HeadSpec, outcome: Outcome) {
        if outcome.out_of_fold_log_loss < self.outcome.out_of_fold_log_loss
            && outcome.clearly_better_than(&self.reference)
        {
            self.params = spec.params();
            self.outcome = outcome;
        }
    }
}

/// A line a trial, for people.
fn progress(spec: &HeadSpec, accuracy: f64, loss: f64) {
    if std::io::stderr().is_terminal() {
        remark(&format!("{} {}: {}, log-loss {loss:.3}", spec.name(), spec.hyper_parameters(), percent(accuracy)));
    }
}

fn in_words(report: &Report) -> String {
    let heading = ["rank head", "out of fold", "log-loss", "seconds"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for trial in &report.trials {
        let head = match trial.hyper_parameters.as_str() {
            "" => trial.name.clone(),
            hyper_parameters => format!("{} ({hyper_parameters})", trial.name),
        };
        rows.push(vec![
            format!("{:>4} {head}{}", trial.rank, if trial.kept { " *" } else { "" }),
            percent(trial.out_of_fold_accuracy),
            format!("{:.4}", trial.out_of_fold_log_loss),
            format!("{:.1}", trial.seconds),
        ]);
    }
    let mut text = output::aligned(&rows);
    let tried = counted(report.trials.len() as u64, "head");
    text += &match report.exhausted {
        true => format!("Tried {tried}; there is nothing more to try.\n"),
        false => format!("Tried {tried} before time was up.\n"),
    };
    text += "* is what the search settles on: the best that beats the default by more than luck, else the default.\n";
    if let Some(model) = &report.model {
        text += &format!("Saved it as {model}. `hone evaluate` on unseen data gives its accuracy.\n");
    }
    text
}
