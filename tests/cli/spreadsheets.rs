//! Tables for spreadsheets: no cell of them is run, and the command says how many it changed.

use super::{Folder, hone, works};

/// Flowers of two species, one of which is named like a formula.
fn flowers() -> String {
    let row = |i: usize| format!("{},{}\n", i as f64 / 10.0 - 1.0, if i < 10 { "=rose()" } else { "iris" });
    "width,species\n".to_owned() + &(0..20).map(row).collect::<String>()
}

#[test]
fn scores_for_spreadsheets_run_nothing() {
    let folder = Folder::new("spreadsheet-scores");
    let (data, model) = (folder.file("flowers.csv", flowers()), folder.path("model.zip"));
    works(&folder, &["train", &data, "--label-column", "species", "-o", &model]);
    let plain = works(&folder, &["score", &model, &data]);
    let safe = hone(&folder, &["score", &model, &data, "--for-spreadsheets"]);
    assert_eq!(safe.code, 0, "{}", safe.err);
    let formulas = plain.matches("=rose()").count();
    // The heading and some rows; else there would be nothing to prove.
    assert!(formulas > 5 && plain.starts_with("item,prediction,probability,=rose(),iris\n"), "{plain}");
    assert_eq!(safe.out, plain.replace("=rose()", "'=rose()"));
    let told = format!("{formulas} cells that a spreadsheet would run as a formula got an apostrophe before it");
    assert!(safe.err.contains(&told), "{}", safe.err);
}

#[test]
fn issues_for_spreadsheets_run_nothing() {
    let folder = Folder::new("spreadsheet-issues");
    let data = folder.file("flowers.csv", flowers());
    let plain = works(&folder, &["issues", &data, "--label-column", "species"]);
    let safe = works(&folder, &["issues", &data, "--label-column", "species", "--for-spreadsheets"]);
    assert!(plain.contains(",=rose()"), "{plain}");
    assert_eq!(safe, plain.replace("=rose()", "'=rose()"));
    let numbers = hone(&folder, &["issues", &data, "--target-column", "width", "--for-spreadsheets"]);
    assert!(numbers.out.contains(",-0.") && !numbers.out.contains('\''), "numbers stay numbers: {}", numbers.out);
    assert!(numbers.err.contains("no cell would run as a formula"), "{}", numbers.err);
}
