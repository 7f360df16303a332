//! Agreement with cleanlab's Datalab, and what is found in real data. See `tests/golden/quality/make_neighbours.py`.

use super::test_data::neighbours;
use super::*;
use crate::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use crate::pipeline::features::table::TableEncoder;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/quality/neighbours.json")).expect("golden file")
}

/// The digits' pixels.
fn digits() -> Vec<Vec<f32>> {
    let lines = include_str!("../../../tests/golden/learn/digits.csv").lines();
    let rows = lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect::<Vec<f32>>());
    rows.map(|row| row[1..].to_vec()).collect()
}

fn features(rows: impl IntoIterator<Item = Vec<f32>>) -> Features {
    let mut rows = rows.into_iter().peekable();
    let mut features = Features::new(rows.peek().map_or(0, Vec::len), 0);
    rows.for_each(|dense| features.push(FeatureVector { dense, sparse: SparseRow::default() }));
    features
}

fn numbers(value: &Value) -> Vec<usize> {
    serde_json::from_value(value.clone()).expect("row numbers")
}

#[test]
fn near_duplicates_are_datalabs() {
    let golden = golden();
    let added: Vec<Vec<f32>> = serde_json::from_value(golden["added"].clone()).expect("rows");
    let neighbours = neighbours(&features(digits().into_iter().chain(added)), 10);
    let limit = duplicates::duplicate_limit(&neighbours);
    assert!((f64::from(limit) - golden["limit"].as_f64().expect("a number")).abs() < 1e-5, "{limit}");
    let mut linked = 0;
    for row in 0..neighbours.len() {
        let mut near: Vec<usize> =
            neighbours.nearest(row).filter(|near| near.distance < limit).map(|near| near.row).collect();
        near.sort_unstable();
        let expected = golden["near_duplicates"].get(row.to_string()).map(numbers).unwrap_or_default();
        assert_eq!(near, expected, "row {row}");
        linked += near.len();
    }
    let groups = duplicate_groups(&neighbours);
    assert!(groups.len() > 20 && groups.len() * 2 == linked, "each is a pair: {} {linked}", groups.len());
}

#[test]
fn outliers_are_datalabs() {
    let golden = golden();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["scattered"].clone()).expect("rows");
    let neighbours = neighbours(&features(rows), 10);
    let found = outliers(&neighbours);
    let mut names: Vec<usize> = found.iter().map(|one| one.row).collect();
    names.sort_unstable();
    assert_eq!(names, numbers(&golden["outliers"]));
    assert!(names.len() >= 2);
    let limit = f64::from(found[0].limit);
    assert!((limit - golden["outlier_limit"].as_f64().expect("a number")).abs() < 1e-5, "{limit}");
}

#[test]
fn class_imbalance_is_datalabs() {
    let golden = golden();
    let cases = golden["imbalance"].as_array().expect("cases");
    for case in cases {
        let found: Vec<usize> = imbalance(&numbers(&case["labels"])).iter().map(|one| one.class).collect();
        assert_eq!(found, numbers(&case["rare"]), "{case}");
    }
    assert!(cases.len() >= 5);
}

/// Three penguins are written down twice, as two species.
#[test]
fn penguins_under_two_names_are_contradictions() {
    let mut rows: Vec<Vec<String>> = include_str!("../../../public/demo/penguins.csv")
        .lines()
        .map(|line| line.split(',').map(String::from).collect())
        .collect();
    let mut header = rows.remove(0);
    let label = header.iter().position(|name| name == "label").expect("a label column");
    header.remove(label);
    let mut labels: Vec<String> = rows.iter_mut().map(|row| row.remove(label)).collect();
    let count = rows.len();
    let twins = [(10, "Gentoo"), (200, "Chinstrap"), (300, "Adelie")];
    for (original, other) in twins {
        assert_ne!(labels[original], other);
        let mut twin = rows[original].clone();
        // Written otherwise, so that its content hash is another.
        twin[4] = format!("{}.0", twin[4]);
        rows.push(twin);
        labels.push(other.into());
    }
    let encoder = TableEncoder::fit(&header, rows.iter().map(Vec::as_slice));
    let neighbours = neighbours(&features(rows.iter().map(|row| encoder.encode(row))), 10);
    let groups = duplicate_groups(&neighbours);
    let species = ["Adelie", "Chinstrap", "Gentoo"];
    let class = |row: usize| species.iter().position(|name| *name == labels[row]);
    let found = contradictions(&neighbours, &groups, class);
    for (place, (original, _)) in twins.into_iter().enumerate() {
        let one = found.iter().find(|one| one.rows.contains(&original) && one.rows.contains(&(count + place)));
        assert!(one.is_some_and(|one| one.distance < 1e-6), "{original}: {found:?}");
    }
    // Among the penguins as they are, 344 in three well separated species, no contradiction is expected.
    assert_eq!(found.len(), 3, "{found:?}");
}
