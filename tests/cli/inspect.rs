//! `hone inspect`, and what overrules the guess.

use super::*;
use hone::pipeline::class_name;

/// Rows (or files) = items + already there + problems, always.
fn inspected(folder: &Folder, arguments: &[&str]) -> Value {
    let found = json(folder, &[&["inspect"], arguments, &["--json"]].concat());
    adds_up(&found);
    found
}

fn adds_up(found: &Value) {
    let number = |name: &str| found[name].as_u64().expect("a number");
    let lost: u64 = found["problems"].as_array().into_iter().flatten().filter_map(|it| it["rows"].as_u64()).sum();
    assert_eq!(number("rows"), number("items") + number("duplicates") + lost, "{found}");
    let labels: u64 = found["classes"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    if found["target"] == "classes" {
        // An item with two labels counts for both.
        let both = notes(found).matches("with another label").count() as u64;
        let labelled = number("items") - number("unlabelled");
        assert!((labelled..=labelled + both).contains(&labels), "{found}");
    }
}

/// The files that `tests/imports.rs` reads, with the records that stand beside them.
#[test]
fn inspect_prints_what_comes_in() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import");
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(golden.join("expected.json")).expect("golden file")).expect("JSON");
    let folder = Folder::new("golden");
    let mut told = Vec::new();
    for (name, wanted) in expected.as_object().expect("records") {
        let outcome = hone(&folder, &["inspect", golden.join(name).to_str().expect("UTF-8"), "--json"]);
        let found: Value = serde_json::from_str(&outcome.out).unwrap_or_default();
        if found.is_null() {
            told.push(format!("{name}: {}", outcome.err));
            continue;
        }
        adds_up(&found);
        assert_eq!(outcome.code, i32::from(wanted["items"] == 0), "{name}: {}", outcome.err);
        for key in ["kind", "rows", "items", "duplicates", "hidden"] {
            if found[key] != wanted[key] {
                told.push(format!("{name}: {key} is {}, expected {}", found[key], wanted[key]));
            }
        }
        let classes = |of: &Value| -> BTreeMap<String, u64> {
            let counts = of["classes"].as_object().into_iter().flatten();
            counts.map(|(class, count)| (class_name::folded(class), count.as_u64().unwrap_or(0))).collect()
        };
        if found["target"] == "classes" && classes(&found) != classes(wanted) {
            told.push(format!("{name}: classes are {}, expected {}", found["classes"], wanted["classes"]));
        }
        if found["note_count"].as_u64() < wanted["notes"].as_u64() {
            told.push(format!("{name}: {} notes, expected {}", found["note_count"], wanted["notes"]));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn notes(found: &Value) -> String {
    found["notes"].to_string()
}

#[test]
fn every_row_is_accounted_for() {
    let folder = Folder::new("inspect");
    let mut csv = reviews();
    // Rows 42 to 48: a copy, a copy with another label, an empty text, a spelling, and one without a label.
    csv += "a,\"wonderful and lovely, we enjoyed the dinner number 0 at this place\",good\n";
    csv += "b,\"terrible, awful, we hated the dinner number 1 at this place\",good\n";
    csv += "c,,good\n";
    csv += "d,\"a lovely and quiet evening with friends at this place\",GOOD \n";
    csv += "e,\"an evening like any other, with friends at this place\",\n";
    // A text without a label, and the same with one: a label is never lost.
    csv += "f,\"a rainy evening, alone at this place\",\ng,\"a rainy evening, alone at this place\",bad\n";
    let data = folder.file("reviews.csv", csv);
    let found = inspected(&folder, &[&data]);
    assert_eq!((&found["kind"], &found["rows"], &found["items"]), (&"text".into(), &47.into(), &43.into()), "{found}");
    assert_eq!((&found["duplicates"], &found["unlabelled"]), (&3.into(), &1.into()));
    assert_eq!(found["classes"], serde_json::json!({"good": 22, "bad": 21}));
    assert_eq!(found["problems"][0]["row"], 44);
    assert!(found["problems"][0]["what"].as_str().is_some_and(|what| what.contains("empty")), "{found}");
    assert_eq!(found["problem_count"], 1);
    let notes = notes(&found);
    assert!(notes.contains("row 3 of reviews.csv") && notes.contains("“good” here, “bad” there"), "{notes}");
    assert!(notes.contains("row 2 of reviews.csv: already there"), "{notes}");
    assert!(notes.contains("“GOOD” (1)"), "the merge is told: {notes}");
    let format = &found["format"];
    assert_eq!(
        (&format["delimiter"], &format["encoding"], &format["header"]),
        (&"comma".into(), &"UTF-8".into(), &true.into())
    );
    assert_eq!((&found["columns"][1]["role"], &found["columns"][2]["role"]), (&"content".into(), &"label".into()));

    let page = works(&folder, &["inspect", &data]);
    for words in [
        "  items           43",
        "  already there   3",
        "  left out        1",
        "sentiment: label",
        "good: 22",
        "reviews.csv:44",
    ] {
        assert!(page.contains(words), "no “{words}” in:\n{page}");
    }
}

#[test]
fn folders_tell_what_is_passed_over_and_what_is_left_out() {
    let folder = Folder::new("inspect-folders");
    let data = pictures(&folder);
    folder.file("pictures/red/.hidden/1.png", picture(true, 90));
    folder.file("pictures/.git/objects/ab/1", "x");
    folder.file("pictures/.git/HEAD", "x");
    folder.file("pictures/Thumbs.db", "x");
    folder.file("pictures/paper.pdf", "%PDF-1.4");
    folder.file("pictures/blue/copy.png", picture(true, 0));
    let found = inspected(&folder, &[&data]);
    assert_eq!((&found["kind"], &found["format"]), (&"image".into(), &Value::Null));
    assert_eq!((&found["rows"], &found["items"], &found["duplicates"]), (&26.into(), &24.into(), &1.into()), "{found}");
    assert_eq!(found["hidden"], 4, "{found}");
    assert_eq!(found["problems"][0]["file"], "pictures/paper.pdf");
    assert!(notes(&found).contains("with another label"), "{found}");

    let model = folder.path("model.zip");
    let trained = json(&folder, &["train", &data, "-o", &model, "--json"]);
    assert_eq!((&trained["rows"], &trained["lost"], &trained["hidden"]), (&26.into(), &1.into(), &4.into()));
}

#[test]
fn the_first_row_is_what_the_person_says() {
    let folder = Folder::new("inspect-header");
    let data = folder.file("flowers.csv", flowers());
    assert_eq!(inspected(&folder, &[&data, "--header"])["rows"], 60);
    let found = inspected(&folder, &[&data, "--no-header"]);
    assert_eq!((&found["rows"], &found["format"]["header"]), (&61.into(), &false.into()), "{found}");
    assert_eq!(found["columns"][0]["name"], "column 1");
    let lines: Vec<String> = flowers().lines().skip(1).map(str::to_string).collect();
    let bare = folder.file("bare.csv", lines.join("\n"));
    let model = folder.path("model.zip");
    let train = ["train", &bare, "--no-header", "--label-column", "column 4", "-o", &model, "--json"];
    let trained = json(&folder, &train);
    assert_eq!((&trained["items"], &trained["classes"]["iris"]), (&60.into(), &30.into()), "{trained}");
    let scored = json(&folder, &["score", &model, &bare, "--no-header", "--json"]);
    assert_eq!(scored["items"], 60);
    fails(&folder, &["inspect", &data, "--header", "--no-header"], 2, &["cannot be used with"]);
}

/// Two thirds of the flowers train, a third is for testing; one test flower has the wrong name.
fn split_flowers() -> String {
    let mut csv = String::from("id,length,colour,species,set\n");
    for (place, line) in flowers().lines().skip(1).enumerate() {
        let set = if place % 3 == 2 { "test" } else { "train" };
        let line = if place == 5 { line.replace("iris", "rose") } else { line.to_string() };
        csv += &format!("{line},{set}\n");
    }
    csv
}

#[test]
fn a_test_set_measures_and_never_trains() {
    let folder = Folder::new("split");
    let data = folder.file("flowers.csv", split_flowers());
    let model = folder.path("model.zip");
    let train = ["train", &data, "--label-column", "species", "--split-column", "set", "-o", &model];
    let trained = json(&folder, &[&train[..], &["--json"]].concat());
    assert_eq!((&trained["items"], &trained["rows"]), (&40.into(), &60.into()), "{trained}");
    let held_out = &trained["held_out"];
    assert_eq!((&held_out["items"], &held_out["accuracy"]["estimate"]), (&20.into(), &0.95.into()), "{trained}");
    assert!(held_out["accuracy"]["low"].as_f64() < Some(0.8) && held_out["accuracy"]["high"].as_f64() > Some(0.99));
    assert_eq!(trained["columns"], serde_json::json!(["length", "colour"]), "the split is not learnt from");
    let said = works(&folder, &train);
    assert!(said.contains("“set”") && said.contains("95.0 % right"), "{said}");

    let evaluated = json(&folder, &["evaluate", &model, &data, "--split-column", "set", "--json"]);
    assert_eq!((&evaluated["items"], &evaluated["held_out"]), (&20.into(), &true.into()), "{evaluated}");
    assert_eq!((&evaluated["not_held_out"], &evaluated["accuracy"]), (&40.into(), &held_out["accuracy"]));
    let guessed = hone(&folder, &["evaluate", &model, &data]);
    assert!(guessed.err.contains("the test set that the column “set” marks: 20 items"), "{}", guessed.err);
    let all = json(&folder, &["evaluate", &model, &data, "--split-column", "none", "--json"]);
    assert_eq!((&all["items"], &all["held_out"]), (&60.into(), &false.into()), "{all}");
    let all = json(&folder, &[&train[..3], &["species", "--split-column", "none", "-o", &model, "--json"]].concat());
    assert_eq!((&all["items"], &all["held_out"]), (&60.into(), &Value::Null), "{all}");

    let found = inspected(&folder, &[&data, "--label-column", "species"]);
    assert_eq!((&found["held_out"], &found["columns"][4]["role"]), (&20.into(), &"split".into()), "{found}");
    let gated = json(&folder, &["gate", &model, &model, &data, "--json"]);
    assert_eq!((&gated["items"], &gated["left_out"]), (&20.into(), &40.into()), "{gated}");
    let issues = json(&folder, &["issues", &data, "--label-column", "species", "--json"]);
    assert_eq!((&issues["items"], &issues["held_out"]), (&40.into(), &20.into()));
    fails(&folder, &["train", &data, "--split-column", "part", "-o", &model], 1, &["“part”", "set"]);
    let pictures = pictures(&folder);
    fails(&folder, &["train", &pictures, "--split-column", "set", "-o", &model], 1, &["no columns"]);
}

#[test]
fn what_is_odd_is_told_in_a_sentence() {
    let folder = Folder::new("odd");
    let nothing = |name: &str, content: &str| {
        let data = folder.file(name, content);
        let outcome = hone(&folder, &["inspect", &data, "--json"]);
        assert_eq!(outcome.code, 1, "{name}: {}{}", outcome.out, outcome.err);
        assert!(outcome.err.lines().count() == 1 && outcome.err.starts_with("hone: "), "{name}: {}", outcome.err);
        let found: Value = serde_json::from_str(&outcome.out).expect("the JSON comes all the same");
        assert_eq!(found["items"], 0, "{name}: {found}");
        adds_up(&found);
        let said = hone(&folder, &["train", &data, "-o", &folder.path("model.zip")]);
        assert!(said.code == 1 && said.err.contains(name), "{name}: {}", said.err);
    };
    nothing("empty.csv", "");
    nothing("header.csv", "text,label\n");
    nothing("nothing.bin", "\0\0\0\0");
    let deep = format!("{}{}\n", "{\"a\":".repeat(10_000), "1".to_string() + &"}".repeat(10_000));
    let deep = inspected(&folder, &[&folder.file("deep.jsonl", deep)]);
    assert_eq!((&deep["rows"], &deep["items"]), (&1.into(), &1.into()), "brackets below the third are a cell: {deep}");

    let one = folder.file(
        "one.csv",
        (0..30).fold("text,label\n".to_string(), |csv, i| csv + &format!("the text number {i} of them,same\n")),
    );
    let found = inspected(&folder, &[&one]);
    assert_eq!(found["items"], 30);
    fails(
        &folder,
        &["train", &one, "--label-column", "label", "-o", &folder.path("m.zip")],
        1,
        &["“same”", "two classes"],
    );

    let names: Vec<String> = (0..10_000).map(|column| format!("c{column}")).collect();
    let row = |row: usize| (0..10_000).map(|column| (column * row % 13).to_string()).collect::<Vec<_>>().join(",");
    let wide: Vec<String> = (0..12).map(|at| format!("{},{}", row(at), if at % 2 == 0 { "a" } else { "b" })).collect();
    let wide = folder.file("wide.csv", format!("{},label\n{}\n", names.join(","), wide.join("\n")));
    let found = inspected(&folder, &[&wide, "--label-column", "label"]);
    assert_eq!((&found["items"], &found["classes"]["a"]), (&12.into(), &6.into()), "{}", found["problems"]);

    let long = "word ".repeat(2 << 20);
    let long = folder
        .file("long.csv", format!("text,label\n\"{long}\",a\n\"a short one for once\",b\n\"another short one\",a\n"));
    let found = inspected(&folder, &[&long, "--text-column", "text", "--label-column", "label"]);
    assert_eq!(found["rows"], 3, "{}", found["problems"]);
}

#[test]
fn a_project_is_inspected_too() {
    let folder = Folder::new("inspect-project");
    let data = folder.file("log.hone", project_with_runs(Vec::new()));
    let found = inspected(&folder, &[&data]);
    assert_eq!(
        (&found["kind"], &found["items"], &found["columns"]),
        (&"text".into(), &0.into(), &serde_json::json!([]))
    );
}
