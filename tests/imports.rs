//! What each file of `tests/golden/import` comes in as: the same natively and, run by `cargo xtask test`, in Chromium.
//! `make.py` there makes the files and says, by hand, what is expected.

use hone::pipeline::class_name;
use hone::pipeline::import::plan::{ImportPlan, SourceFile};
use hone::pipeline::import::{
    self, Beside, Head, Imported, ProblemList, Reading, TableReader, ZipListing, ZipSource, head_bytes, image_item,
    text_item,
};
use hone::pipeline::item::ContentHash;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Cursor;

const CASES: &[(&str, &[u8])] = include!("golden/import/cases.rs");
const EXPECTED: &str = include_str!("golden/import/expected.json");

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// One file read as an import reads it.
struct Read {
    plan: ImportPlan,
    items: Vec<Imported>,
    problems: ProblemList,
    hidden: u64,
}

fn read(name: &str, bytes: &[u8]) -> Read {
    let mut problems = ProblemList::default();
    let file = SourceFile { path: name.into(), size: bytes.len() as u64 };
    if name.ends_with(".zip") {
        let mut zip = ZipSource::open(name, Cursor::new(bytes), &mut problems).expect("a zip");
        let listing: ZipListing = zip.listing(&mut problems);
        let hidden = zip.hidden();
        let plan = import::inspect(&[], std::slice::from_ref(&listing), None, ProblemList::default());
        let files: Vec<SourceFile> = zip.files().cloned().collect();
        let heads: HashMap<&str, &[u8]> =
            listing.files.iter().map(|(file, head)| (file.path.as_str(), head.as_slice())).collect();
        let sources: Vec<(SourceFile, Vec<u8>, Vec<u8>)> = files
            .iter()
            .enumerate()
            .map(|(at, file)| {
                let whole = zip.read(at).expect("sound");
                let head = heads.get(file.path.as_str()).map_or_else(Vec::new, |head| head.to_vec());
                (file.clone(), head, whole)
            })
            .collect();
        let items = read_all(&plan, &sources, &mut problems);
        return Read { plan, items, problems, hidden };
    }
    let head = &bytes[..bytes.len().min(head_bytes(name))];
    let plan = import::inspect(&[Head { file: &file, bytes: head }], &[], None, ProblemList::default());
    let items = read_all(&plan, &[(file, head.to_vec(), bytes.to_vec())], &mut problems);
    let hidden = plan.hidden;
    Read { plan, items, problems, hidden }
}

fn read_all(
    plan: &ImportPlan,
    sources: &[(SourceFile, Vec<u8>, Vec<u8>)],
    problems: &mut ProblemList,
) -> Vec<Imported> {
    let mut beside = Beside::default();
    let mut images = Vec::new();
    let rows = |file: &SourceFile, bytes: &[u8], problems: &mut ProblemList| {
        let mut reader = TableReader::new(plan, file, 0);
        let mut items = Vec::new();
        for chunk in bytes.chunks(1000) {
            items.extend(reader.feed(chunk, problems));
        }
        items.extend(reader.finish(problems));
        items
    };
    for (file, head, bytes) in sources {
        if import::reading(plan, file, head) == Reading::Beside {
            let read = rows(file, bytes, problems);
            beside.add(read, problems);
        }
    }
    let mut items = Vec::new();
    for (file, head, bytes) in sources {
        match import::reading(plan, file, head) {
            Reading::Skip | Reading::Beside => {}
            Reading::LeftOut(problem) => problems.push(problem),
            Reading::Image => {
                images.push(file.path.as_str());
                items.extend(image_item(plan, &beside, file, bytes, 0, problems));
            }
            Reading::Text => items.extend(text_item(plan, file, bytes, 0, problems)),
            Reading::Rows => items.extend(rows(file, bytes, problems)),
        }
    }
    beside.tell_unmatched(images, problems);
    items
}

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
        let read = read(name, bytes);
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
        let read = read(name, bytes);
        let rows = read.items.len() as u64 + read.problems.lost();
        if !read.plan.estimated
            && !["header-only.csv", "empty.csv", "binary.csv", "unknown.xyz", "mixed.zip"].contains(name)
        {
            assert_eq!(read.plan.expected_items, rows, "{name}");
        }
    }
}
