//! Files and rows that do not come in are told by every command.

use super::*;

/// Two tables of flowers among five files of other kinds, and a system's file.
fn mixed(folder: &Folder) -> String {
    let lines: Vec<String> = flowers().lines().map(str::to_string).collect();
    let part = |rows: std::ops::Range<usize>| format!("{}\n{}\n", lines[0], lines[rows].join("\n"));
    folder.file("mixed/a.csv", part(1..31));
    folder.file("mixed/b.csv", part(31..61));
    for number in 0..3 {
        folder.file(&format!("mixed/{number}.png"), picture(true, number));
    }
    folder.file("mixed/paper.pdf", "%PDF-1.4");
    folder.file("mixed/notes.txt", "a note that is no row");
    folder.file("mixed/.DS_Store", "x");
    folder.path("mixed")
}

#[test]
fn files_of_another_kind_are_told_by_every_command() {
    let folder = Folder::new("left-out");
    let whole = folder.file("flowers.csv", flowers());
    let data = mixed(&folder);
    let model = folder.path("model.zip");
    works(&folder, &["train", &whole, "--label-column", "species", "-o", &model]);
    let check = |arguments: &[&str], has_rows: bool| {
        let outcome = hone(&folder, arguments);
        assert!(outcome.code == 0 || outcome.code == 10, "{arguments:?}: {}", outcome.err);
        let found: Value = serde_json::from_str(&outcome.out).expect("JSON");
        let told = found["problems"].as_array().expect("problems");
        for file in ["0.png", "1.png", "2.png", "paper.pdf", "notes.txt"] {
            let of_file = |problem: &&Value| problem["file"].as_str().is_some_and(|name| name.ends_with(file));
            assert_eq!(told.iter().filter(of_file).count(), 1, "{arguments:?}: {file} in {told:?}");
        }
        assert_eq!((&found["problem_count"], &found["hidden"]), (&5.into(), &1.into()), "{arguments:?}: {found}");
        if has_rows {
            assert_eq!(found["rows"], 65, "{arguments:?}");
        }
        assert!(outcome.err.contains("5 problems with the data, 5 left out"), "{arguments:?}: {}", outcome.err);
        found
    };
    let label = ["--label-column", "species"];
    let scored = check(&["score", &model, &data, "--json"], true);
    assert_eq!((&scored["items"], &scored["lost"]), (&60.into(), &5.into()));
    assert_eq!(check(&["evaluate", &model, &data, "--json"], true)["items"], 60);
    check(&["gate", &model, &model, &data, "--json"], true);
    check(&[&["train", &data, "--kind", "table", "-o", &folder.path("m.zip"), "--json"], &label[..]].concat(), true);
    check(&[&["issues", &data, "--kind", "table", "--json"], &label[..]].concat(), false);
    check(&[&["search", &data, "--kind", "table", "--minutes", "0.02", "--json"], &label[..]].concat(), true);
    let simulate = ["simulate", &data, "--kind", "table", "--seeds", "1", "--budget", "10", "--json"];
    check(&[&simulate[..], &label[..]].concat(), true);
    let drifted = check(&["drift", &model, &whole, &data, "--json"], true);
    assert_eq!((&drifted["items"], &drifted["reference_rows"]), (&60.into(), &60.into()));
}

#[test]
fn spellings_of_a_class_are_one_class() {
    let folder = Folder::new("spellings");
    let data = folder.file("flowers.csv", flowers());
    let shouted = folder.file("shouted.csv", flowers().replace(",rose\n", ",ROSE\n").replace(",iris\n", ", Iris\n"));
    let model = folder.path("model.zip");
    works(&folder, &["train", &data, "--label-column", "species", "-o", &model]);
    let evaluated = json(&folder, &["evaluate", &model, &shouted, "--json"]);
    assert_eq!(
        (&evaluated["accuracy"]["estimate"], &evaluated["unknown_classes"]),
        (&1.0.into(), &serde_json::json!([]))
    );
    let half = folder.file("half.csv", flowers().replacen(",rose\n", ",Rose\n", 4));
    let trained = json(&folder, &["train", &half, "--label-column", "species", "-o", &folder.path("m.zip"), "--json"]);
    assert_eq!(trained["classes"], serde_json::json!({"iris": 30, "rose": 30}), "{trained}");
    assert!(trained["problems"].to_string().contains("“Rose” (4)"), "{trained}");
    assert_eq!((&trained["lost"], &trained["rows"]), (&0.into(), &60.into()));
    let upper = folder.path("upper.zip");
    works(&folder, &["train", &shouted, "--label-column", "species", "-o", &upper]);
    let gated = json(&folder, &["gate", &model, &upper, &data, "--json"]);
    assert_eq!((&gated["wins"], &gated["losses"]), (&0.into(), &0.into()), "{gated}");
}
