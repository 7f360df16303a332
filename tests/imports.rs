//! What each file of `tests/golden/import` comes in as: the same natively and, run by `cargo xtask test`, in Chromium.
//! `make.py` there makes the files and says, by hand, what is expected.

mod reading;

use hone::pipeline::class_name;
use hone::pipeline::import;
use hone::pipeline::item::ContentHash;
use reading::{Read, read};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

const CASES: &[(&str, &[u8])] = include!("golden/import/cases.rs");
const EXPECTED: &str = include_str!("golden/import/expected.json");

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The record that `expected.json` has of a file.
fn record(read: &Read) -> Value {
    let mut seen: HashMap<ContentHash, HashSet<String>> = HashMap::new();
    let mut classes: BTreeMap<String, u32> = BTreeMap::new();
    let (mut duplicates, mut told) = (0_u32, 0_u64);
    for imported in &read.items {
        let known = seen.contains_key(&imported.item.hash);
        duplicates += u32::from(known);
        told += u64::from(known);
        let given = seen.entry(imported.item.hash).or_default();
        if let Some(label) = imported.label()
            && given.insert(class_name::folded(label))
        {
            *classes.entry(class_name::folded(label)).or_insert(0) += 1;
        }
    }
    let one_class = import::one_class_problem(classes.keys().map(String::as_str)).is_some();
    let held_out = read.items.iter().filter(|imported| imported.held_out).count();
    let notes = read.problems.as_slice().iter().filter(|problem| problem.lost == 0).count() as u64;
    let lost = read.problems.lost();
    json!({
        "kind": read.plan.kind.word(),
        "rows": read.items.len() as u64 + lost,
        "items": seen.len(),
        "duplicates": duplicates,
        "lost": lost,
        "classes": classes,
        "notes": notes + told + read.plan.merged.len() as u64 + u64::from(one_class),
        "held_out": held_out,
        "hidden": read.hidden,
    })
}

/// Says where a file's record is not the one expected.
fn differences(name: &str, found: &Value, expected: &Map<String, Value>) -> Vec<String> {
    let mut told = Vec::new();
    for (key, wanted) in expected {
        let folded: Value = match (key.as_str(), wanted) {
            ("classes", Value::Object(classes)) => classes
                .iter()
                .map(|(class, count)| (class_name::folded(class), count.clone()))
                .collect::<Map<_, _>>()
                .into(),
            _ => wanted.clone(),
        };
        let fine = match key.as_str() {
            "notes" => found[key].as_u64() >= wanted.as_u64(),
            "first_extra" => continue,
            _ => found[key] == folded,
        };
        if !fine {
            told.push(format!("{name}: {key} is {}, expected {folded}", found[key]));
        }
    }
    told
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn every_file_comes_in_as_what_it_is() {
    let expected: Map<String, Value> = serde_json::from_str(EXPECTED).expect("JSON");
    assert!(CASES.len() >= 60 && CASES.len() == expected.len());
    let mut told = Vec::new();
    for (name, bytes) in CASES {
        let read = read(name, bytes).expect("a zip");
        let wanted = expected[*name].as_object().expect("a record");
        let mut here = differences(name, &record(&read), wanted);
        if let Some(Value::Object(extra)) = wanted.get("first_extra") {
            let found: Map<String, Value> =
                read.items[0].item.extra.iter().map(|(column, cell)| (column.clone(), cell.clone().into())).collect();
            if found != *extra {
                here.push(format!("{name}: beside the first item stands {found:?}"));
            }
        }
        if !here.is_empty() {
            here.extend(read.problems.as_slice().iter().take(4).map(|problem| format!("    {problem:?}")));
        }
        told.extend(here);
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What the preview says is what comes in, where the whole source was looked at.
#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn previews_add_up() {
    for (name, bytes) in CASES {
        let read = read(name, bytes).expect("a zip");
        let rows = read.items.len() as u64 + read.problems.lost();
        if !read.plan.estimated
            && !["header-only.csv", "empty.csv", "binary.csv", "unknown.xyz", "mixed.zip"].contains(name)
        {
            assert_eq!(read.plan.expected_items, rows, "{name}");
        }
    }
}
