//! Files that are not what they claim to be: each is named as a problem, the others come in.

use super::{Surroundings, leave};
use crate::images::{self, Picture};
use crate::visit::{Visit, until};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// Imports a folder of good and bad images, then a table with ragged rows.
pub fn hostile(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-hostile-{}", std::process::id()));
    let done = in_folder(surroundings, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn in_folder(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|error| format!("{name} can't be written: {error}"))
    };
    for place in 0..6 {
        write(&format!("images/good-{place}.png"), &images::encode(&Picture::pattern(place, 28))?)?;
    }
    write("images/broken.png", b"\x89PNG\r\n\x1a\nno picture after all")?;
    write("images/empty.png", b"")?;
    write("images/bomb.png", &images::white(20_000, 20_000)?)?;
    write("ragged.csv", b"text,label\nfine,a\nalso fine,b\ntoo,many,cells\n=1+1 is fine,a\n")?;

    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "hostile")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import a folder", &[&folder.join("images")])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    problems_name(&visit, &["broken.png", "empty.png", "bomb.png"])?;

    visit.session()?.open(&format!("{}#/", server.url()))?;
    visit.choose("Import files", &[&folder.join("ragged.csv")])?;
    visit.click("button", "Import")?;
    problems_name(&visit, &["ragged.csv"])?;

    // What a spreadsheet would run is text in the table that is made for one, and as it was in the plain one.
    let sheet = visit.export("Labels for spreadsheets (CSV)")?;
    if !sheet.contains(",'=1+1 is fine,") {
        return Err(format!("a formula is left in the table for spreadsheets:\n{sheet}"));
    }
    let told = "1 cell that a spreadsheet would run as a formula got an apostrophe";
    until("what became of the formula", 10, || Ok(visit.all_text()?.contains(told).then_some(())))?;
    let plain = visit.export("Labels as CSV")?;
    if !plain.contains(",=1+1 is fine,") {
        return Err(format!("the plain table is not what was imported:\n{plain}"));
    }
    visit.click("link", "Data")?;
    visit.click("button", "Export")?;
    visit.pictures(&surroundings.screenshots, "export-menu")?;
    leave(visit, &server)
}

/// The Data screen names each of these files.
fn problems_name(visit: &Visit<'_>, files: &[&str]) -> Result<(), String> {
    visit.click("link", "Data")?;
    until(&format!("problems with {}", files.join(", ")), 60, || {
        let text = visit.all_text()?;
        Ok(files.iter().all(|file| text.contains(file)).then_some(()))
    })
}

/// Opens every hostile project file that is kept, beside a person's own project: each is refused in a sentence or opens, and of the own
/// project, and all else that was stored, no record changes.
pub fn projects(surroundings: &Surroundings) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "hostile-projects")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    for class in ["Adelie", "Gentoo", "Chinstrap", "Adelie"] {
        visit.label(class)?;
    }
    visit.all_saved()?;
    // Chromium reads no file by a path that goes up.
    let folder = surroundings.root.join("tests/golden/hostile").canonicalize().map_err(|error| error.to_string())?;
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "hone"));
    files.sort();
    if files.is_empty() {
        return Err(format!("there is no project file in {}", folder.display()));
    }
    let mut before = Map::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A new page: the project that was open before is closed, and what it had to store is stored.
        visit.session()?.open("about:blank")?;
        visit.session()?.open(&format!("{}#/", server.url()))?;
        visit.see_later("button", "Open Demo: penguins")?;
        let now = dump(&visit)?;
        if before.is_empty() {
            // Which project was opened last does change.
            before = now.into_iter().filter(|(key, _)| !key.starts_with("settings ")).collect();
        } else {
            unchanged(&before, &now).map_err(|problem| format!("before {name}: {problem}"))?;
        }
        visit.choose("Import files", &[file])?;
        until(&format!("what became of {name}"), 60, || {
            let text = visit.all_text()?;
            let refused = text.contains("Nothing was changed");
            let opened = visit.session()?.run("return location.hash;", &json!([]))? != json!("#/");
            Ok((refused || opened).then_some(()))
        })?;
        let text = visit.all_text()?;
        for wrong in ["NaN", "started again", "misunderstood", "undefined"] {
            if text.contains(wrong) {
                return Err(format!("{name}: the page says “{wrong}”"));
            }
        }
    }
    visit.session()?.open("about:blank")?;
    visit.session()?.open(&format!("{}#/", server.url()))?;
    visit.see_later("button", "Open Demo: penguins")?;
    unchanged(&before, &dump(&visit)?)?;
    visit.open_project("Demo: penguins")?;
    if visit.labelled_count()? != 4 {
        return Err("the own project has lost labels".to_owned());
    }
    println!("  hostile-projects: {} files, {} records unchanged", files.len(), before.len());
    leave(visit, &server)
}

fn unchanged(before: &Map<String, Value>, now: &Map<String, Value>) -> Result<(), String> {
    match before.iter().find(|(key, value)| now.get(*key) != Some(value)) {
        Some((key, _)) => Err(format!("{key} was changed or is gone")),
        None => Ok(()),
    }
}

fn dump(visit: &Visit<'_>) -> Result<Map<String, Value>, String> {
    visit.session()?.run(include_str!("dump.js"), &json!([]))?;
    let dump = until("the records", 60, || {
        let dump = visit.session()?.run("return window.dump;", &json!([]))?;
        Ok(dump.as_object().cloned())
    })?;
    match dump.get("error") {
        Some(error) => Err(format!("the records can't be read: {error}")),
        None => Ok(dump),
    }
}
