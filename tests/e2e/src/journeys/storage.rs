//! The browser takes the storage away under the page: what is said is true, and no label is lost.

use super::{Surroundings, leave};
use crate::visit::{Visit, until};
use serde_json::json;
use std::fs;

const BEFORE: usize = 4;

/// Labels penguins, deletes the database, labels one more, saves all as a file, and merges that into a new project.
pub fn deleted(surroundings: &Surroundings) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "storage-deleted")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    for number in 0..BEFORE {
        visit.label(["Adelie", "Gentoo"][number % 2])?;
    }
    visit.all_saved()?;

    let delete =
        "window.deletion = 'asked'; indexedDB.deleteDatabase('hone').onsuccess = () => { window.deletion = 'done'; };";
    visit.session()?.run(delete, &json!([]))?;
    until("the deletion", 30, || {
        Ok((visit.session()?.run("return window.deletion;", &json!([]))? == json!("done")).then_some(()))
    })?;
    let key = visit.key_of("Adelie")?.ok_or("there is no class Adelie")?;
    visit.session()?.press(&key)?;
    let text = until("what happened", 30, || {
        let text = visit.all_text()?;
        Ok(text.contains("was deleted while this page was open").then_some(text))
    })?;
    if text.contains("newer version of Hone") || !text.contains("1 not saved") {
        return Err("the deletion is told as something else".to_owned());
    }
    visit.pictures(&surroundings.screenshots, "storage-deleted")?;
    let log = visit.save("Save as a file")?;
    let labels = log.lines().filter(|line| line.contains("\"label\":")).count();
    if labels != BEFORE + 1 {
        return Err(format!("{labels} labels are in the file, not {}", BEFORE + 1));
    }

    // The same page as a new one: it says that the project is gone, and the file brings the labels back.
    visit.session()?.open("about:blank")?;
    visit.session()?.open(&server.url())?;
    until("that the project is gone", 30, || {
        Ok(visit.all_text()?.contains("is not in this browser any more").then_some(()))
    })?;
    visit.pictures(&surroundings.screenshots, "storage-gone")?;
    visit.open_demo("penguins")?;
    let file = std::env::temp_dir().join(format!("hone-rescued-{}.jsonl", std::process::id()));
    fs::write(&file, log).map_err(|error| error.to_string())?;
    visit.click("link", "Review")?;
    visit.choose("Merge a file…", &[&file])?;
    let merged = until("the merged labels", 30, || {
        Ok(visit.all_text()?.contains(&format!("{} new decisions", BEFORE + 1)).then_some(()))
    });
    let _ = fs::remove_file(&file);
    merged?;
    leave(visit, &server)
}
