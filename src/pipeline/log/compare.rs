//! Several runs side by side: one row a parameter, metric or tag, and whether they differ in it.

use super::canonical::number;
use super::run::Run;
use std::collections::BTreeSet;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowGroup {
    /// What the runs were told.
    Param,
    /// What was measured, at its latest step.
    Metric,
    /// What else is known.
    Tag,
}

impl RowGroup {
    /// The word for it in queries and on screen: `params`, `metrics`, `tags`.
    pub fn word(self) -> &'static str {
        match self {
            RowGroup::Param => "params",
            RowGroup::Metric => "metrics",
            RowGroup::Tag => "tags",
        }
    }
}

/// One parameter, metric or tag of all the runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedRow {
    /// What it is about.
    pub group: RowGroup,
    /// The name of the parameter, metric or tag.
    pub key: String,
    /// One value a run, in the order of [`Comparison::runs`]; none where a run lacks it.
    pub values: Vec<Option<String>>,
    /// Whether two runs differ in it; a missing value differs from any other. `0.1` and `0.10` are the same number.
    pub differs: bool,
}

/// Runs side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The runs' ids, in the order given.
    pub runs: Vec<String>,
    /// Parameters, then metrics, then tags, each by name.
    pub rows: Vec<ComparedRow>,
}

/// Puts runs side by side.
pub fn compare(runs: &[&Run]) -> Comparison {
    let mut rows = Vec::new();
    for group in [RowGroup::Param, RowGroup::Metric, RowGroup::Tag] {
        let keys: BTreeSet<&str> = runs.iter().flat_map(|run| keys(run, group)).collect();
        rows.extend(keys.into_iter().map(|key| {
            let values: Vec<Option<String>> = runs.iter().map(|run| value(run, group, key)).collect();
            let differs = values.windows(2).any(|pair| !same(pair[0].as_deref(), pair[1].as_deref()));
            ComparedRow { group, key: key.into(), values, differs }
        }));
    }
    Comparison { runs: runs.iter().map(|run| run.id.clone()).collect(), rows }
}

fn keys(run: &Run, group: RowGroup) -> Vec<&str> {
    match group {
        RowGroup::Param => run.params.keys().map(String::as_str).collect(),
        RowGroup::Metric => run.metrics.iter().map(|metric| metric.key.as_str()).collect(),
        RowGroup::Tag => run.tags.keys().map(String::as_str).collect(),
    }
}

fn value(run: &Run, group: RowGroup, key: &str) -> Option<String> {
    match group {
        RowGroup::Param => run.params.get(key).cloned(),
        RowGroup::Metric => run.metric(key).map(number),
        RowGroup::Tag => run.tags.get(key).cloned(),
    }
}

fn same(a: Option<&str>, b: Option<&str>) -> bool {
    let as_number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    a == b || as_number(a).is_some_and(|number| as_number(b) == Some(number))
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::{example, metric};
    use super::*;

    #[test]
    fn rows_say_where_runs_differ() {
        let (mut a, mut b) = (example(1), example(2));
        a.params.extend([("c".into(), "0.1".into()), ("seed".into(), "7".into())]);
        b.params.extend([("c".into(), "0.10".into())]);
        b.metrics.push(metric("accuracy", 0.5, 9, 0.0));
        b.tags.insert("state".into(), "best".into());
        let comparison = compare(&[&a, &b, &b]);
        assert_eq!(comparison.runs, [a.id.clone(), b.id.clone(), b.id.clone()]);
        let rows: Vec<_> = comparison
            .rows
            .iter()
            .map(|row| {
                let values: Vec<&str> = row.values.iter().map(|value| value.as_deref().unwrap_or("–")).collect();
                (row.group.word(), row.key.as_str(), values, row.differs)
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("params", "c", vec!["0.1", "0.10", "0.10"], false),
                ("params", "head", vec!["ridge"; 3], false),
                ("params", "seed", vec!["7", "–", "–"], true),
                ("metrics", "accuracy", vec!["0.875", "0.5", "0.5"], true),
                ("tags", "state", vec!["–", "best", "best"], true),
            ]
        );
        assert!(compare(&[]).rows.is_empty());
        assert!(compare(&[&a]).rows.iter().all(|row| !row.differs));
    }
}
