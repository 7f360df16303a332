//! The experiment log: new runs, the table, comparisons, notes, files.

use super::labels::id_after;
use super::{Answer, Attachment, Project, Session, SessionError, refused};
use crate::pipeline::item::ContentHash;
use crate::pipeline::log::{Metric, Query, Run, RunKind, RunStatus, compare};
use crate::protocol::{ComparedRow, MetricCurve, ParallelAxis, Reply, RunComparison, RunQuery, RunRow};
use crate::storage::archive::ArtifactFile;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A metric at a step.
pub(super) fn metric(key: &str, value: f64, step: u32, time_ms: f64) -> Metric {
    Metric { key: key.into(), value, step, time_ms }
}

impl Session {
    /// The runs that match, in the order asked for, how many there are in all, and what is wrong with the expression.
    pub(super) fn run_table(&self, query: &RunQuery) -> Result<Reply, SessionError> {
        let project = self.opened()?;
        let (parsed, problem) = match Query::parse(&query.expression) {
            Ok(parsed) => (Some(parsed), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let matches = |run: &&Run| parsed.as_ref().is_none_or(|parsed| parsed.matches(run));
        let mut rows: Vec<RunRow> = project.runs.iter().filter(matches).map(|run| project.run_row(run)).collect();
        let sort = if query.sort.is_empty() { "number" } else { &query.sort };
        rows.sort_by(|a, b| {
            let ordering = order(a, b, sort).then(a.number.cmp(&b.number));
            if query.descending { ordering.reverse() } else { ordering }
        });
        // Whichever the direction, runs without a value come last.
        rows.sort_by_key(|row| value_of(row, sort).is_none());
        Ok(Reply::Runs { rows, total: project.runs.len() as u32, problem })
    }

    /// Runs side by side.
    pub(super) fn compare_runs(&self, ids: &[String]) -> Result<RunComparison, SessionError> {
        let project = self.opened()?;
        let runs: Vec<&Run> = ids.iter().filter_map(|id| project.runs.iter().find(|run| run.id == *id)).collect();
        if runs.len() < 2 || runs.len() != ids.len() {
            return refused("Choose at least two runs of this project to compare.");
        }
        let rows: Vec<RunRow> = runs.iter().map(|run| project.run_row(run)).collect();
        let compared = compare(&runs).rows.into_iter().map(|row| ComparedRow {
            group: row.group.word().into(),
            key: row.key,
            values: row.values,
            differs: row.differs,
        });
        Ok(RunComparison {
            rows: compared.collect(),
            curves: runs.iter().flat_map(|run| curves(run)).collect(),
            axes: axes(&rows),
            runs: rows,
        })
    }

    /// Stores a run, with new files of it, in place of its earlier state.
    pub(super) async fn keep_run(&mut self, run: Run, files: &[(String, Vec<u8>)]) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        store.put_run(&project.record.id, &run, files).await?;
        project.log_run(run);
        Ok(())
    }

    /// Replaces a run's note.
    pub(super) async fn note_run(&mut self, id: &str, note: String) -> Result<(), SessionError> {
        self.must_write()?;
        let Some(mut run) = self.opened()?.runs.iter().find(|run| run.id == id).cloned() else {
            return refused("That run is not in this project. Nothing was changed.");
        };
        run.note = note;
        self.keep_run(run, &[]).await?;
        self.opened_mut()?.touch();
        Ok(())
    }

    /// A file of a run.
    pub(super) async fn run_artifact(&self, id: &str, path: &str) -> Result<Answer, SessionError> {
        let project = self.opened()?;
        let Some(run) = project.runs.iter().find(|run| run.id == id) else {
            return refused("That run is not in this project.");
        };
        let Some(bytes) = self.store.artifact(&project.record.id, id, path).await? else {
            return refused(format!("{} has no file {path}.", run.label()));
        };
        let mime = if path.ends_with(".json") { "application/json" } else { "application/octet-stream" };
        let name = format!("{}-{}", run.label(), path.replace('/', "-"));
        Ok(Answer { reply: Reply::File { name, defused: None }, attachment: Some(Attachment::Made { bytes, mime }) })
    }

    /// The files of all runs.
    pub(super) async fn run_files(&self, project: &Project) -> Result<Vec<ArtifactFile>, SessionError> {
        let mut files = Vec::new();
        for run in &project.runs {
            for artifact in &run.artifacts {
                if let Some(bytes) = self.store.artifact(&project.record.id, &run.id, &artifact.path).await? {
                    files.push(ArtifactFile { run: run.id.clone(), path: artifact.path.clone(), bytes });
                }
            }
        }
        Ok(files)
    }
}

impl Project {
    /// A run that begins now; `parent` by id.
    pub(super) fn new_run(&self, kind: RunKind, name: &str, parent: Option<&str>, now_ms: f64) -> Run {
        let newest = self.runs.iter().map(|run| run.id.as_str()).max();
        let number = self.runs.iter().map(|run| run.number).max().unwrap_or(0).saturating_add(1);
        Run {
            id: id_after(newest, now_ms, ContentHash::of(format!("{}/{number}", self.record.id).as_bytes())),
            number,
            name: name.into(),
            kind,
            parent: parent.map(str::to_owned),
            status: RunStatus::Running,
            error: None,
            fingerprint: None,
            params: BTreeMap::new(),
            metrics: Vec::new(),
            tags: [("release".to_string(), crate::protocol::RELEASE.to_string())].into(),
            artifacts: Vec::new(),
            start_ms: now_ms,
            end_ms: None,
            note: String::new(),
        }
    }

    /// Takes a run into the log in memory, in place of its earlier state.
    pub(super) fn log_run(&mut self, run: Run) {
        match self.runs.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => self.runs.push(run),
        }
        self.runs_revision += 1;
    }

    fn alias(&self, run: &Run) -> Option<String> {
        let is = |model: &Option<super::frozen::Frozen>| model.as_ref().is_some_and(|model| model.run == run.id);
        match (is(&self.champion), is(&self.challenger)) {
            (true, _) => Some("champion".into()),
            (_, true) => Some("challenger".into()),
            _ => None,
        }
    }

    fn run_row(&self, run: &Run) -> RunRow {
        let mut metrics: BTreeMap<&str, f64> = BTreeMap::new();
        for metric in &run.metrics {
            metrics.insert(&metric.key, run.metric(&metric.key).unwrap_or(metric.value));
        }
        let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter().collect();
        RunRow {
            id: run.id.clone(),
            number: run.number,
            name: run.name.clone(),
            kind: run.kind.word().into(),
            status: run.status.word().into(),
            error: run.error.clone(),
            parent: run
                .parent
                .as_ref()
                .and_then(|id| self.runs.iter().find(|run| run.id == *id))
                .map(|parent| parent.number),
            fingerprint: run.fingerprint.clone(),
            params: pairs(&run.params),
            metrics: metrics.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            tags: pairs(&run.tags),
            artifacts: run.artifacts.iter().map(|artifact| (artifact.path.clone(), artifact.bytes)).collect(),
            alias: self.alias(run),
            start_ms: run.start_ms,
            end_ms: run.end_ms,
            note: run.note.clone(),
        }
    }
}

/// What a column holds: a number where it is one.
enum Value {
    Number(f64),
    Text(String),
}

fn value_of(row: &RunRow, column: &str) -> Option<Value> {
    let text = |pairs: &[(String, String)], key: &str| {
        let (_, value) = pairs.iter().find(|(name, _)| name == key)?;
        Some(value.parse().map_or_else(|_| Value::Text(value.clone()), Value::Number))
    };
    match column.split_once('.') {
        Some(("metrics", key)) => {
            row.metrics.iter().find(|(name, _)| name == key).map(|(_, value)| Value::Number(*value))
        }
        Some(("params", key)) => text(&row.params, key),
        Some(("tags", key)) => text(&row.tags, key),
        _ => match column {
            "name" => Some(Value::Text(row.name.clone())),
            "kind" => Some(Value::Text(row.kind.clone())),
            "status" => Some(Value::Text(row.status.clone())),
            "alias" => row.alias.clone().map(Value::Text),
            "note" => Some(Value::Text(row.note.clone())).filter(|_| !row.note.is_empty()),
            "start_time" => Some(Value::Number(row.start_ms)),
            _ => Some(Value::Number(f64::from(row.number))),
        },
    }
}

fn order(a: &RunRow, b: &RunRow, column: &str) -> Ordering {
    match (value_of(a, column), value_of(b, column)) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.total_cmp(&b),
        (Some(Value::Text(a)), Some(Value::Text(b))) => a.cmp(&b),
        (Some(Value::Number(_)), Some(Value::Text(_))) => Ordering::Less,
        (Some(Value::Text(_)), Some(Value::Number(_))) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn curves(run: &Run) -> Vec<MetricCurve> {
    let mut keys: Vec<&str> = run.metrics.iter().map(|metric| metric.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|key| MetricCurve { run: run.number, key: key.into(), points: run.curve(key) })
        .filter(|curve| curve.points.len() > 1)
        .collect()
}

/// One axis for each number that at least two of the runs have, and that differs; metrics last, as results.
fn axes(rows: &[RunRow]) -> Vec<ParallelAxis> {
    let mut keys: Vec<String> = Vec::new();
    for row in rows {
        keys.extend(row.params.iter().map(|(key, _)| format!("params.{key}")));
    }
    let mut metrics: Vec<String> =
        rows.iter().flat_map(|row| row.metrics.iter().map(|(key, _)| format!("metrics.{key}"))).collect();
    for keys in [&mut keys, &mut metrics] {
        keys.sort();
        keys.dedup();
    }
    keys.extend(metrics);
    keys.into_iter()
        .filter_map(|key| {
            let number = |row: &RunRow| match value_of(row, &key) {
                Some(Value::Number(number)) if number.is_finite() => Some(number),
                _ => None,
            };
            let values: Vec<Option<f64>> = rows.iter().map(number).collect();
            let known: Vec<f64> = values.iter().copied().flatten().collect();
            let low = known.iter().copied().fold(f64::INFINITY, f64::min);
            let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (known.len() > 1 && low < high).then_some(ParallelAxis { key, low, high, values })
        })
        .collect()
}
