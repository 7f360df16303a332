//! Nothing that a person brings is lost unseen: counts that add up, losses told, test sets, contradictions, interruptions,
//! removal, and labels that come back as they left.

use super::demos::features_are_there;
use super::{Surroundings, leave};
use crate::demo::Rows;
use crate::images::{self, Picture};
use crate::visit::{Visit, until};
use crate::webdriver::Session;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use xtask::server::Server;

/// A labelled table with a split column: its train part trains, its test part measures, and each says so.
pub fn split_column(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("split", |folder| {
        let mut text = "width,height,label,split\n".to_owned();
        for row in 0..200_u32 {
            let (class, side) = if row % 2 == 0 { ("wide", 8) } else { ("narrow", 2) };
            let split = if row % 4 < 3 { "train" } else { "test" };
            text.push_str(&format!("{}.{row:03},{}.{row:03},{class},{split}\n", side + row % 3, 3 + row % 5));
        }
        let file = written(folder, "boxes.csv", text)?;
        let (server, visit) = begin(surroundings, "split-column")?;
        visit.choose("Import files", &[&file])?;
        let held_out = visit.see("checkbox", "Labels marked test are held out")?;
        visit.pictures(&surroundings.screenshots, "import-split")?;
        let checked = visit.session()?.run("return arguments[0].checked;", &json!([Session::argument(&held_out)]))?;
        if checked != json!(true) {
            return Err("labels marked test would train".to_owned());
        }
        visit.click("button", "Import")?;
        page_says(&visit, "200 rows = 200 items")?;
        visit.click("link", "Data")?;
        open_imports(&visit)?;
        page_says(&visit, "50 labels held out as a test set")?;
        let labels = Rows::parse(&visit.export("Labels as CSV")?)?;
        let of =
            |wanted: &str| Ok::<usize, String>(labels.column("hone_source")?.iter().filter(|it| *it == wanted).count());
        if (of("import")?, of("test")?) != (150, 50) {
            return Err(format!(
                "{} labels are from the import and {} for testing, not 150 and 50",
                of("import")?,
                of("test")?
            ));
        }
        visit.click("link", "Models")?;
        page_says(&visit, "imported test labels, not blind")?;
        visit.pictures(&surroundings.screenshots, "models-test-set")?;
        leave(visit, &server)
    })
}

/// An import that loses rows says so, shows them, and can be removed.
pub fn losing(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("losing", |folder| {
        let mut text = "text,label\n".to_owned();
        for row in 0..40 {
            text.push_str(&match row {
                11 | 29 => format!("too,many,cells,in,row {row}\n"),
                _ => format!("a sentence with the number {row},{}\n", if row % 2 == 0 { "even" } else { "odd" }),
            });
        }
        let file = written(folder, "numbers.csv", text)?;
        let (server, visit) = begin(surroundings, "losing-import")?;
        visit.choose("Import files", &[&file])?;
        visit.click("button", "Import")?;
        let report = visit.see_later("alert", "Import report")?;
        let said = visit.session()?.text(&report)?;
        if !said.contains("40 rows = 38 items + 2 left out") {
            return Err(format!("the report says “{said}”"));
        }
        visit.pictures(&surroundings.screenshots, "import-report")?;
        visit.click("button", "Show the rows")?;
        for row in ["13", "31"] {
            visit.see("cell", row)?;
        }
        visit.click("button", "Close")?;
        visit.click("button", "Remove this import")?;
        visit.click("button", "Remove")?;
        visit.click("link", "Data")?;
        open_imports(&visit)?;
        visit.see("button", "Bring back")?;
        leave(visit, &server)
    })
}

/// A folder as systems leave it: what is hidden is passed over and counted, the images come in, one more under no name.
pub fn mixed_folder(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("mixed", |folder| {
        let photos = folder.join("photos");
        let picture = |path: &str, number: usize| {
            images::encode(&Picture::pattern(number, 28)).and_then(|bytes| written(&photos, path, bytes))
        };
        for number in 0..12 {
            picture(&format!("{}/{number}.png", if number % 2 == 0 { "cat" } else { "dog" }), number)?;
        }
        picture("cat/without-extension", 20)?;
        for (place, hidden) in
            ["__MACOSX/cat/._0.png", "@eaDir/0.png", "$RECYCLE.BIN/1.png", "cat/Thumbs.db"].into_iter().enumerate()
        {
            picture(hidden, 30 + place)?;
        }
        let (server, visit) = begin(surroundings, "mixed-folder")?;
        visit.choose("Import a folder", &[&photos])?;
        page_says(&visit, "4 hidden or system files are passed over")?;
        page_says(&visit, "2 classes found in folder names")?;
        visit.pictures(&surroundings.screenshots, "import-folder")?;
        visit.click("button", "Import")?;
        page_says(&visit, "13 files = 13 items")?;
        leave(visit, &server)
    })
}

/// The same text twice with two labels is a case for Review, not a duplicate that is dropped.
pub fn contradictions(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("contradictions", |folder| {
        let mut text = "text,label\n".to_owned();
        for row in 0..20 {
            text.push_str(&format!("sentence number {row},{}\n", if row % 2 == 0 { "even" } else { "odd" }));
        }
        text.push_str("sentence number 4,odd\n");
        let file = written(folder, "twice.csv", text)?;
        let (server, visit) = begin(surroundings, "contradictions")?;
        visit.choose("Import files", &[&file])?;
        visit.click("button", "Import")?;
        page_says(&visit, "21 rows = 20 items + 1 already there")?;
        visit.see_later("region", "Card")?;
        visit.click("link", "Review")?;
        let parts = ["Contradictions", "Disagreements"];
        until("the contradiction", 60, || {
            for part in parts {
                if visit.find("button", part).is_some() {
                    visit.click("button", part)?;
                    if visit.find("region", "Case").is_some() && visit.all_text()?.contains("sentence number 4") {
                        return Ok(Some(()));
                    }
                }
            }
            Ok(None)
        })?;
        visit.pictures(&surroundings.screenshots, "review-contradiction")?;
        leave(visit, &server)
    })
}

/// The browser dies in the middle of an import. The page had asked before leaving; the project says how far it came, and
/// goes on with the same file without doubling what is in.
pub fn interrupted(surroundings: &Surroundings) -> Result<(), String> {
    const ROWS: usize = 120_000;
    with_folder("interrupted", |folder| {
        let mut text = "length,width,colour\n".to_owned();
        for row in 0..ROWS {
            // All different, and no mere count of the rows.
            text.push_str(&format!(
                "{}.25,{}.5,{}\n",
                row * 7919 % 120_011,
                row % 97,
                ["red", "green", "blue"][row % 3]
            ));
        }
        let file = written(folder, "screws.csv", text)?;
        let (server, mut visit) = begin(surroundings, "interrupted-import")?;
        let asks_before_leaving = |visit: &Visit<'_>| {
            let script = "const leaving = new Event('beforeunload', { cancelable: true });
                window.dispatchEvent(leaving);
                return leaving.defaultPrevented;";
            Ok::<bool, String>(visit.session()?.run(script, &json!([]))? == json!(true))
        };
        visit.choose("Import files", &[&file])?;
        visit.click("button", "Import")?;
        until("the first rows", 60, || Ok(some_items(&visit)?.then_some(())))?;
        if !asks_before_leaving(&visit)? {
            return Err("the page can be left in the middle of an import without being asked".to_owned());
        }
        visit.kill_and_restart()?;
        visit.session()?.open(&server.url())?;
        visit.click("button", "Open screws")?;
        until("how far it came", 60, || {
            Ok(visit.all_text()?.contains("came in before it was interrupted").then_some(()))
        })?;
        if visit.all_text()?.contains("Everything is labelled") {
            return Err("everything is said to be labelled, with half of the rows missing".to_owned());
        }
        visit.click("link", "Data")?;
        visit.pictures(&surroundings.screenshots, "import-interrupted")?;
        visit.choose("Take the same file again", &[&file])?;
        visit.click("button", "Import")?;
        page_says(&visit, "120,000 rows = 120,000 items")?;
        until("that leaving is free", 60, || Ok((!asks_before_leaving(&visit)?).then_some(())))?;
        leave(visit, &server)
    })
}

/// An import is removed with its items and labels, and brought back.
pub fn removed(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("removed", |folder| {
        let table = |from: u32, to: u32| {
            let rows = (from..to).map(|row| format!("{row},{}\n", row * 7 % 997)).collect::<String>();
            format!("length,width\n{rows}")
        };
        let first = written(folder, "first.csv", table(0, 40))?;
        let second = written(folder, "second.csv", table(100, 125))?;
        let (server, visit) = begin(surroundings, "removed-import")?;
        visit.choose("Import files", &[&first])?;
        visit.click("button", "Import")?;
        page_says(&visit, "of 40 labelled")?;
        features_are_there(&visit)?;
        // Into the project on screen, for it has the same columns.
        visit.click("link", "Monitor")?;
        visit.choose("Import new data", &[&second])?;
        visit.click("button", "Import")?;
        page_says(&visit, "of 65 labelled")?;
        features_are_there(&visit)?;
        visit.click("link", "Data")?;
        open_imports(&visit)?;
        // The newest comes first.
        visit.click("button", "Remove…")?;
        visit.click("button", "Remove")?;
        visit.see("button", "Bring back")?;
        visit.click("link", "Label")?;
        page_says(&visit, "of 40 labelled")?;
        visit.see_later("region", "Card")?;
        visit.click("link", "Data")?;
        open_imports(&visit)?;
        visit.click("button", "Bring back")?;
        visit.click("link", "Label")?;
        page_says(&visit, "of 65 labelled")?;
        leave(visit, &server)
    })
}

/// Labels leave with their text and id, and come back as what they were.
pub fn round_trip(surroundings: &Surroundings) -> Result<(), String> {
    with_folder("round-trip", |folder| {
        let mut text = "id,text,label\n".to_owned();
        for row in 0..30 {
            let class = if row % 3 == 0 { "fizz" } else { "plain" };
            text.push_str(&format!("00{row:03},\"sentence {row}, with \"\"quotes\"\" and a comma\",{class}\n"));
        }
        let file = written(folder, "sentences.csv", text)?;
        let (server, visit) = begin(surroundings, "round-trip")?;
        let exported = |file: &Path, sum: &str| {
            visit.choose("Import files", &[file])?;
            visit.click("button", "Import")?;
            page_says(&visit, sum)?;
            visit.see_later("region", "Card")?;
            visit.export("Labels as CSV")
        };
        let first = exported(&file, "30 rows = 30 items")?;
        let again = written(folder, "labels.csv", first.clone())?;
        visit.session()?.open(&format!("{}#/", server.url()))?;
        let second = exported(&again, "labels: 30 rows = 30 items")?;
        let (before, after) = (by_id(&first)?, by_id(&second)?);
        let original = by_id(&fs::read_to_string(&file).map_err(|error| error.to_string())?)?;
        if before != original || after != original {
            return Err("labels, ids or texts changed on their way out and in again".to_owned());
        }
        leave(visit, &server)
    })
}

fn by_id(table: &str) -> Result<BTreeMap<String, (String, String)>, String> {
    let rows = Rows::parse(table)?;
    let values = rows.column("text")?.into_iter().zip(rows.column("label")?);
    Ok(rows.column("id")?.into_iter().zip(values).collect())
}

fn begin<'programs>(surroundings: &'programs Surroundings, name: &str) -> Result<(Server, Visit<'programs>), String> {
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, name)?;
    visit.session()?.open(&server.url())?;
    Ok((server, visit))
}

/// Runs a journey that needs files; they are gone afterwards.
fn with_folder(name: &str, journey: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = journey(&folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn written(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf, String> {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap_or(folder))
        .and_then(|()| fs::write(&path, bytes))
        .map_err(|error| format!("{name} can't be written: {error}"))?;
    Ok(path)
}

fn page_says(visit: &Visit<'_>, text: &str) -> Result<(), String> {
    until(&format!("“{text}” on screen"), 240, || Ok(visit.all_text()?.contains(text).then_some(())))
}

/// Unfolds the list of imports on the Data screen.
fn open_imports(visit: &Visit<'_>) -> Result<(), String> {
    let script = "const list = document.querySelector('.batches'); if (list) list.open = true; return !!list;";
    until("the imports", 15, || Ok((visit.session()?.run(script, &json!([]))? == json!(true)).then_some(())))
}

/// Whether some items of the import under way are in.
fn some_items(visit: &Visit<'_>) -> Result<bool, String> {
    let script = "return / of [1-9][0-9,]* labelled/.test(document.body.textContent);";
    Ok(visit.session()?.run(script, &json!([]))? == json!(true))
}
