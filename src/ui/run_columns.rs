//! The columns of the runs table: which there are, which are shown at first, and what stands in them.

use crate::protocol::RunRow;
use crate::ui::{format, order};

/// Columns that every run has, with their headings. They are always shown, and sorted by under these keys.
pub const FIXED: [(&str, &str); 6] = [
    ("number", "Run"),
    ("name", "Name"),
    ("status", "Status"),
    ("kind", "Kind"),
    ("alias", "Alias"),
    ("start_time", "Started"),
];

/// What is shown at first, as far as the runs have it.
const AT_FIRST: [&str; 5] = [
    "metrics.accuracy",
    "metrics.out_of_fold_accuracy",
    "metrics.out_of_fold_log_loss",
    "params.head",
    "params.labels",
];

/// The metrics and parameters that any of these runs has, each in alphabetical order, metrics first.
pub fn available(rows: &[RunRow]) -> Vec<String> {
    let metrics = rows.iter().flat_map(|row| &row.metrics).map(|(name, _)| format!("metrics.{name}")).collect();
    let params = rows.iter().flat_map(|row| &row.params).map(|(name, _)| format!("params.{name}")).collect();
    let mut names = order::distinct(metrics);
    names.append(&mut order::distinct(params));
    names
}

/// The columns shown: those chosen, or else a few that matter, of what there is.
pub fn shown(available: &[String], chosen: Option<&str>) -> Vec<String> {
    let wanted: Vec<&str> = match chosen {
        Some(chosen) => chosen.lines().collect(),
        None => AT_FIRST.to_vec(),
    };
    wanted.into_iter().filter(|wanted| available.iter().any(|name| name == wanted)).map(str::to_owned).collect()
}

/// What stands in a metric's or parameter's column; empty where the run has none.
pub fn cell(row: &RunRow, column: &str) -> String {
    match column.split_once('.') {
        Some(("metrics", key)) => row
            .metrics
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| format::number(*value))
            .unwrap_or_default(),
        Some(("params", key)) => {
            row.params.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// A column's heading: its name without its group.
pub fn heading(column: &str) -> String {
    column.split_once('.').map_or(column, |(_, name)| name).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(metrics: &[(&str, f64)], params: &[(&str, &str)]) -> RunRow {
        RunRow {
            id: "01J".into(),
            number: 1,
            name: "ridge".into(),
            kind: "trial".into(),
            status: "finished".into(),
            error: None,
            parent: None,
            fingerprint: None,
            params: params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            metrics: metrics.iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
            tags: Vec::new(),
            artifacts: Vec::new(),
            alias: None,
            start_ms: 0.0,
            end_ms: None,
            note: String::new(),
        }
    }

    #[test]
    fn a_few_columns_at_first_and_what_was_chosen_after() {
        let rows = [
            run(&[("accuracy", 0.91), ("brier", 0.2)], &[("head", "ridge")]),
            run(&[("accuracy", 0.8)], &[("c", "1")]),
        ];
        let there = available(&rows);
        assert_eq!(there, ["metrics.accuracy", "metrics.brier", "params.c", "params.head"]);
        assert_eq!(shown(&there, None), ["metrics.accuracy", "params.head"]);
        assert_eq!(shown(&there, Some("params.c\nmetrics.gone")), ["params.c"]);
        assert!(shown(&there, Some("")).is_empty());
    }

    #[test]
    fn a_cell_is_the_runs_value_or_empty() {
        let row = run(&[("accuracy", 0.91234)], &[("head", "ridge")]);
        for (column, expected) in
            [("metrics.accuracy", "0.9123"), ("params.head", "ridge"), ("params.c", ""), ("metrics.head", "")]
        {
            assert_eq!(cell(&row, column), expected, "{column}");
        }
        assert_eq!(heading("metrics.out_of_fold_accuracy"), "out of fold accuracy");
    }
}
