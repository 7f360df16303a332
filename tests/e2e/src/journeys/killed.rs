//! The browser's process is killed again and again, at seeded random moments, in whatever a person does: every label that the page
//! called saved is there afterwards, none twice, and the projects open.

use super::{Surroundings, leave};
use crate::visit::{Visit, until};
use serde_json::json;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use xtask::server::Server;

const KILLS: u32 = 20;
const ROWS: usize = 4000;
const CLASSES: [&str; 3] = ["Adelie", "Gentoo", "Chinstrap"];

/// What is under way when the process is killed.
#[derive(Debug, Clone, Copy)]
enum During {
    Labelling,
    Undo,
    Export,
    Import,
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
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "killed")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    let mut random = Lcg(5);
    let mut stored = 0;
    for kill in 0..KILLS {
        let during = match kill % 5 {
            1 => During::Undo,
            3 => During::Export,
            4 => During::Import,
            _ => During::Labelling,
        };
        let (least, most) = act(&mut visit, during, kill, folder, &mut random)?;
        sleep(Duration::from_millis(random.below(400)));
        visit.kill_and_restart()?;
        let there = look(&mut visit, &server)?;
        let (least, most) = (stored + least, stored + most);
        if there < least || there > most {
            return Err(format!("kill {kill}, in {during:?}: {there} decisions are stored, not {least} to {most}"));
        }
        stored = there;
    }
    println!("  killed: {KILLS} kills, {stored} decisions, none lost");
    leave(visit, &server)
}

/// Does it up to the moment of the kill; how many decisions the page called saved since the last one, and how many there can be.
fn act(
    visit: &mut Visit<'_>,
    during: During,
    kill: u32,
    folder: &Path,
    random: &mut Lcg,
) -> Result<(u64, u64), String> {
    let mut made = 0;
    for _ in 0..=random.below(3) {
        visit.label(CLASSES[random.below(3) as usize])?;
        made += 1;
    }
    let saved = made - waiting(visit)?;
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
        During::Export => {
            visit.click("link", "Data")?;
            visit.click("button", "Export")?;
            visit.click("menuitem", "Labels as CSV")?;
        }
        During::Import => {
            let mut table = String::from("length,width,colour\n");
            for row in 0..ROWS {
                let _ = writeln!(
                    table,
                    "{}.25,{}.5,{}",
                    row * 7919 % 4001 + kill as usize,
                    row % 97,
                    ["red", "blue"][row % 2]
                );
            }
            let file = folder.join(format!("screws-{kill}.csv"));
            fs::write(&file, table).map_err(|error| error.to_string())?;
            visit.session()?.run("location.hash = '#/';", &json!([]))?;
            visit.choose("Import files", &[&file])?;
            visit.see("button", "Import")?;
            visit.click("button", "Import")?;
        }
    }
    Ok((saved, made))
}

/// How many decisions the page says are on their way.
fn waiting(visit: &Visit<'_>) -> Result<u64, String> {
    let state = visit.see("status", "Save state")?;
    let text = visit.session()?.text(&state)?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse().unwrap_or(0))
}

/// Opens every project, the penguins last; how many decisions are stored.
fn look(visit: &mut Visit<'_>, server: &Server) -> Result<u64, String> {
    let names = "return [...document.querySelectorAll('.projects button')].map((button) => button.getAttribute('aria-label') ?? '')
        .filter((name) => name.startsWith('Open screws'));";
    visit.session()?.open(&server.url())?;
    visit.see_later("button", "Open Demo: penguins")?;
    let others = visit.session()?.run(names, &json!([]))?;
    for other in others.as_array().into_iter().flatten().filter_map(|name| name.as_str()) {
        visit.session()?.open("about:blank")?;
        visit.session()?.open(&server.url())?;
        visit.click("button", other)?;
        visit.see_later("link", "Data")?;
        until("a project of screws", 60, || {
            let text = visit.all_text()?;
            Ok((text.contains("screws") && !text.contains("Opening the project")).then_some(()))
        })?;
    }
    if others.as_array().is_some_and(|others| !others.is_empty()) {
        visit.session()?.open("about:blank")?;
        visit.session()?.open(&server.url())?;
    }
    visit.open_project("Demo: penguins")?;
    let count = "window.storedDecisions = null;
        indexedDB.open('hone').onsuccess = (opened) => {
          const database = opened.target.result;
          database.transaction('events').objectStore('events').count().onsuccess = (counted) => {
            window.storedDecisions = counted.target.result;
            database.close();
          };
        };";
    visit.session()?.run(count, &json!([]))?;
    until("the number of stored decisions", 30, || {
        Ok(visit.session()?.run("return window.storedDecisions;", &json!([]))?.as_u64())
    })
}

/// A generator with a seed (Numerical Recipes' constants).
struct Lcg(u32);

impl Lcg {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(self.0 >> 8) % most
    }
}
