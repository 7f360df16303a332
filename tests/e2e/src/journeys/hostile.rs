//! Files that are not what they claim to be: each is named as a problem, the others come in.

use super::{Surroundings, leave};
use crate::images::{self, Picture};
use crate::visit::{Visit, until};
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
