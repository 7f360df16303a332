//! The browser's process is killed again and again, at seeded random moments, in whatever a person does: every label that the page
//! called saved is there afterwards, none twice, what comes in many at once is whole or not there, and the projects open.

use super::{Surroundings, leave, stored_decisions};
use crate::visit::{Visit, until};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use xtask::server::Server;

/// As many as take each act twice, unless HONE_KILLS says otherwise.
const KILLS: u32 = 2 * ACTS.len() as u32;
const ROWS: usize = 4000;
/// Labelled at once on the Data screen.
const MANY: u64 = 6;
const CLASSES: [&str; 3] = ["Adelie", "Gentoo", "Chinstrap"];

/// What is under way when the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum During {
    Labelling,
    Undo,
    Bulk,
    Export,
    Import,
    Merge,
    Restore,
    RenameClass,
    Training,
    Search,
    Embedding,
    Migration,
}

const ACTS: [During; 12] = [
    During::Labelling,
    During::Undo,
    During::Bulk,
    During::Export,
    During::Import,
    During::Merge,
    During::Restore,
    During::RenameClass,
    During::Training,
    During::Search,
    During::Embedding,
    During::Migration,
];

/// How many decisions there can be afterwards, over those of before.
struct Expected {
    /// The page called so many saved.
    least: u64,
    /// So many more were asked for.
    most: u64,
    /// So many come together, or none of them.
    together: u64,
}

impl Expected {
    fn allows(&self, more: u64) -> bool {
        let within = |more: u64| (self.least..=self.most).contains(&more);
        within(more) || (self.together > 0 && more.checked_sub(self.together).is_some_and(within))
    }
}

/// Kills it that often.
pub fn killed(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-killed-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = again_and_again(surroundings, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn again_and_again(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let kills = number("HONE_KILLS").unwrap_or(KILLS);
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "killed")?;
    visit.session()?.open(&server.url())?;
    let archive = archive_of_screws(&mut visit, folder)?;
    visit.session()?.open(&format!("{}#/", server.url()))?;
    visit.open_demo("penguins")?;
    let mut random = Lcg(number("HONE_SEED").unwrap_or(5));
    let mut stored = stored_decisions(&visit)?;
    let mut times: BTreeMap<During, u32> = BTreeMap::new();
    for kill in 0..kills {
        let during = ACTS[kill as usize % ACTS.len()];
        let at = |problem: String| format!("kill {kill}, in {during:?}: {problem}");
        let expected = act(&mut visit, during, kill, folder, &archive, &mut random).map_err(at)?;
        sleep(Duration::from_millis(random.below(700)));
        visit.kill_and_restart()?;
        let there = look(&mut visit, &server).map_err(at)?;
        if there.checked_sub(stored).is_none_or(|more| !expected.allows(more)) {
            let Expected { least, most, together } = expected;
            return Err(at(format!(
                "{there} decisions are stored: over the {stored} of before there can be {least} to {most}, and {together} that come together"
            )));
        }
        stored = there;
        *times.entry(during).or_default() += 1;
    }
    for (during, times) in times {
        println!("killed in the browser in {during:?}: {times}");
    }
    println!("  killed: {kills} kills, {stored} decisions, none lost");
    leave(visit, &server)
}

/// A small table with labels as a project's file; its project stays.
fn archive_of_screws(visit: &mut Visit<'_>, folder: &Path) -> Result<PathBuf, String> {
    let mut table = String::from("length,width,label\n");
    for row in 0..60 {
        let _ = writeln!(table, "{}.25,{}.5,{}", row * 7, row % 9, ["red", "blue"][row % 2]);
    }
    let file = folder.join("screws.csv");
    fs::write(&file, table).map_err(|error| error.to_string())?;
    visit.choose("Import files", &[&file])?;
    visit.see_later("button", "Import")?;
    visit.click("button", "Import")?;
    visit.see_later("link", "Data")?;
    until("the labels of the screws", 60, || Ok((stored_decisions(visit)? == 60).then_some(())))?;
    visit.dismiss_messages()?;
    visit.click("link", "Data")?;
    visit.click("button", "Export")?;
    let kept = folder.join("screws.hone");
    let saved = visit.save_file("Whole project")?;
    fs::copy(saved, &kept).map_err(|error| error.to_string())?;
    Ok(kept)
}

/// Does it up to the moment of the kill.
fn act(
    visit: &mut Visit<'_>,
    during: During,
    kill: u32,
    folder: &Path,
    archive: &Path,
    random: &mut Lcg,
) -> Result<Expected, String> {
    let mut made = 0;
    for _ in 0..=random.below(3) {
        visit.label(CLASSES[random.below(3) as usize])?;
        made += 1;
    }
    if during != During::Labelling && during != During::Undo {
        // These leave the page or the project: what is on its way must not be confused with what they bring.
        visit.all_saved()?;
    }
    let saved = made - waiting(visit)?;
    let mut together = 0;
    match during {
        During::Labelling => {
            let key = visit.key_of(CLASSES[0])?.ok_or("no key")?;
            visit.session()?.press(&key)?;
            made += 1;
        }
        During::Undo => {
            visit.click("button", "Undo")?;
            made += 1;
        }
        During::Bulk => {
            visit.click("link", "Data")?;
            until("rows to tick", 30, || {
                let tick = "const boxes = [...document.querySelectorAll('.items input[type=checkbox]')].slice(0, arguments[0]);
                    if (boxes.length === arguments[0]) boxes.forEach((box) => box.click());
                    return boxes.length === arguments[0];";
                Ok((visit.session()?.run(tick, &json!([MANY]))? == json!(true)).then_some(()))
            })?;
            visit.click("button", CLASSES[1])?;
            together = MANY;
        }
        During::Export => {
            visit.click("link", "Data")?;
            visit.click("button", "Export")?;
            visit.click("menuitem", "Labels as CSV")?;
        }
        During::Import => {
            let file = folder.join(format!("screws-{kill}.csv"));
            fs::write(&file, many_screws(kill)).map_err(|error| error.to_string())?;
            visit.session()?.run("location.hash = '#/';", &json!([]))?;
            visit.choose("Import files", &[&file])?;
            visit.see("button", "Import")?;
            visit.click("button", "Import")?;
        }
        During::Merge => {
            // The project's own log with other ids: decisions that somebody else made about the same items.
            let log = visit.export("Label log, for another annotator’s project")?;
            let (log, new) = with_other_ids(&log, kill)?;
            let file = folder.join("log.jsonl");
            fs::write(&file, log).map_err(|error| error.to_string())?;
            visit.click("link", "Review")?;
            visit.choose("Merge a file…", &[&file])?;
            together = new;
        }
        During::Restore => {
            visit.session()?.run("location.hash = '#/';", &json!([]))?;
            visit.choose("Import files", &[archive])?;
            together = 60;
        }
        During::RenameClass => {
            visit.click("button", &format!("Rename class {}", CLASSES[2]))?;
            let name = visit.see("textbox", "New name")?;
            // The same name in the end: the next acts know it.
            visit.session()?.write(&name, "s")?;
            visit.click("button", "Rename")?;
        }
        During::Training => {
            visit.click("link", "Models")?;
            visit.click("button", "Train now")?;
        }
        During::Search => {
            visit.click("link", "Models")?;
            visit.click("button", "Search")?;
            visit.click("button", "Keep searching")?;
        }
        During::Embedding => {
            visit.session()?.run("location.hash = '#/';", &json!([]))?;
            let again = visit.find("button", "Go on with the demo: sentences").is_some();
            visit.click("button", if again { "Go on with the demo: sentences" } else { "Open the demo: sentences" })?;
            sleep(Duration::from_millis(500));
        }
        During::Migration => back_to_the_first_schema(visit)?,
    }
    Ok(Expected { least: saved, most: made, together })
}

fn many_screws(kill: u32) -> String {
    let mut table = String::from("length,width,colour\n");
    for row in 0..ROWS {
        let length = row * 7919 % 4001 + kill as usize;
        let _ = writeln!(table, "{length}.25,{}.5,{}", row % 97, ["red", "blue"][row % 2]);
    }
    table
}

/// The events of a log under new ids, and how many they are.
fn with_other_ids(log: &str, kill: u32) -> Result<(String, u64), String> {
    let (mut text, mut events) = (String::new(), 0);
    for line in log.lines() {
        let mut value: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("the log: {error}"))?;
        if let Some(id) = value.get("id").and_then(|id| id.as_str()).filter(|id| id.len() == 26) {
            // ULIDs: the first ten letters are the time, the rest is random.
            let id = format!("{}{:08}{:08}", &id[..10], kill, events);
            value["id"] = json!(id);
            if value.get("undoes").is_none() {
                events += 1;
            }
        }
        let _ = writeln!(text, "{value}");
    }
    Ok((text, events))
}

/// Lays the database out as the first release did, with all that it holds for such a release, and begins to open it anew.
fn back_to_the_first_schema(visit: &Visit<'_>) -> Result<(), String> {
    let url = visit.session()?.run("return location.origin + '/';", &json!([]))?;
    let url = url.as_str().unwrap_or_default().to_owned();
    visit.session()?.open(&format!("{url}boot.js"))?;
    visit.session()?.run(include_str!("first_schema.js"), &json!([]))?;
    until("the first schema", 60, || {
        let state = visit.session()?.run("return window.firstSchema;", &json!([]))?;
        match state.as_str() {
            Some("done") => Ok(Some(())),
            Some("working") => Ok(None),
            other => Err(format!("{other:?}")),
        }
    })?;
    visit.session()?.open(&url)
}

/// How many decisions the page says are on their way.
fn waiting(visit: &Visit<'_>) -> Result<u64, String> {
    let state = visit.see("status", "Save state")?;
    let text = visit.session()?.text(&state)?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse().unwrap_or(0))
}

/// Opens the latest two of the other projects, then the penguins; how many decisions are stored.
fn look(visit: &mut Visit<'_>, server: &Server) -> Result<u64, String> {
    let start = format!("{}#/", server.url());
    let others = "return [...document.querySelectorAll('.projects button')].map((button) => button.getAttribute('aria-label') ?? '')
        .filter((name) => name.startsWith('Open ') && name !== 'Open Demo: penguins').slice(0, 2).length;";
    let open = "[...document.querySelectorAll('.projects button')].filter((button) =>
          /^Open (?!Demo: penguins$)/.test(button.getAttribute('aria-label') ?? ''))[arguments[0]].click();";
    visit.session()?.open(&start)?;
    visit.see_later("button", "Open Demo: penguins")?;
    let others = visit.session()?.run(others, &json!([]))?.as_u64().unwrap_or(0);
    for other in 0..others {
        visit.session()?.open("about:blank")?;
        visit.session()?.open(&start)?;
        visit.see_later("button", "Open Demo: penguins")?;
        visit.session()?.run(open, &json!([other]))?;
        visit.see_later("link", "Data")?;
        until("another project", 60, || {
            let text = visit.all_text()?;
            Ok((!text.contains("Opening the project")).then_some(()))
        })?;
        let text = visit.all_text()?;
        if text.contains("can’t be read") || text.contains("stopped and was started again") {
            return Err(format!("another project doesn't open well: {text}"));
        }
    }
    visit.session()?.open("about:blank")?;
    visit.session()?.open(&start)?;
    visit.open_project("Demo: penguins")?;
    stored_decisions(visit)
}

/// A generator with a seed (Numerical Recipes' constants).
struct Lcg(u32);

impl Lcg {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(self.0 >> 8) % most
    }
}
