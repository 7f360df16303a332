//! `hone runs`: the experiment log of a project file.

use super::arguments::RunsArguments;
use super::failure::Failure;
use super::output;
use crate::pipeline::export::time::rfc_3339;
use crate::pipeline::log::Run;
use crate::pipeline::log::canonical::number;
use crate::storage::archive::read_archive;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

#[derive(Serialize)]
struct Report<'a> {
    /// The project's name.
    project: &'a str,
    /// How many runs the log has in all.
    total: usize,
    /// Those that match, by number.
    runs: &'a [&'a Run],
}

/// Runs the command.
pub fn run(arguments: &RunsArguments) -> Result<(), Failure> {
    let path = &arguments.project;
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let (snapshot, _) =
        read_archive(BufReader::new(file)).map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
    let mut runs: Vec<&Run> = snapshot.runs.iter().filter(|run| arguments.query.matches(run)).collect();
    runs.sort_by_key(|run| run.number);
    if arguments.json {
        let report = Report { project: &snapshot.project.name, total: snapshot.runs.len(), runs: &runs };
        return output::print_json(&report);
    }
    if runs.is_empty() {
        output::remark(match snapshot.runs.len() {
            0 => "the project has no runs yet",
            _ => "no run matches",
        });
        return Ok(());
    }
    output::print(&output::aligned(&table(&runs)));
    Ok(())
}

/// More metrics than this do not fit across a terminal; `--json` has them all.
const METRICS_SHOWN: usize = 4;

/// A heading, then one row a run: what it is, how it ended, and the metrics that most of them have.
fn table(runs: &[&Run]) -> Vec<Vec<String>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs {
        let mut keys: Vec<&str> = run.metrics.iter().map(|metric| metric.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
    }
    let mut metrics: Vec<(&str, usize)> = counts.into_iter().collect();
    // Stable: equally frequent ones stay in alphabetical order.
    metrics.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    metrics.truncate(METRICS_SHOWN);
    let heading = ["run", "kind", "status", "started"].into_iter().chain(metrics.iter().map(|&(key, _)| key));
    let mut rows = vec![heading.map(String::from).collect()];
    rows.extend(runs.iter().map(|run| {
        // To the minute.
        let started = rfc_3339(run.start_ms).chars().take(16).collect::<String>().replace('T', " ");
        let name = format!("{} {}", run.label(), run.name);
        let head = [name.trim_end().into(), run.kind.word().into(), run.status.word().into(), started];
        let values = metrics.iter().map(|(key, _)| run.metric(key).map_or_else(|| "–".into(), rounded));
        head.into_iter().chain(values).collect::<Vec<String>>()
    }));
    rows
}

/// Four decimals are enough to compare; whole numbers stay whole.
fn rounded(value: f64) -> String {
    if value.is_finite() && value.fract() != 0.0 { format!("{value:.4}") } else { number(value) }
}
