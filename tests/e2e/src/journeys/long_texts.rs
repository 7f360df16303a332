//! Thousands of long labelled texts in many classes: while they are learnt the screen says so, and never that labels are missing.

use super::{Surroundings, leave};
use crate::visit::Visit;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const TEXTS: usize = 5000;
const CLASSES: usize = 19;
const WORDS: usize = 120;
/// What would be false: there are thousands of labels.
const FALSE: [&str; 2] = ["it needs two classes", "First label one item of each"];

/// What is said once there is a model: a rough one, or the one that follows.
pub const MODEL: [&str; 2] = ["A first, rough model of", "right out of fold"];
/// Features take most of it.
const LONGEST: Duration = Duration::from_secs(120);

/// Imports them, then opens the project anew; prints when there was a model.
pub fn long_texts(surroundings: &Surroundings) -> Result<(), String> {
    let file = std::env::temp_dir().join(format!("hone-long-texts-{}.csv", std::process::id()));
    let done = fs::write(&file, texts(TEXTS, CLASSES, WORDS))
        .map_err(|error| error.to_string())
        .and_then(|()| driven(surroundings, &file));
    let _ = fs::remove_file(&file);
    done
}

fn driven(surroundings: &Surroundings, file: &Path) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "long-texts")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[file])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    watch(&visit, "after the import")?;
    visit.session()?.reload()?;
    watch(&visit, "opened again")?;
    leave(visit, &server)
}

/// Looks until there is a model, and may find nothing that is false.
fn watch(visit: &Visit<'_>, when: &str) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        let text = visit.all_text()?;
        if let Some(words) = FALSE.iter().find(|words| text.contains(**words)) {
            return Err(format!("{when}, after {:?}: “{words}” with {TEXTS} labels: {text:.600}", begun.elapsed()));
        }
        if MODEL.iter().any(|words| text.contains(words)) {
            println!("  long-texts: {when}, a model after {:.1} s", begun.elapsed().as_secs_f64());
            return Ok(());
        }
        sleep(Duration::from_millis(300));
    }
    Err(format!("{when}: no model after {LONGEST:?}"))
}

/// `rows` texts, a third of whose words are of their class's twenty.
pub fn texts(rows: usize, classes: usize, words: usize) -> String {
    let mut seed = 7u32;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let mut csv = String::from("text,label\n");
    for row in 0..rows {
        let class = row % classes;
        for _ in 0..words {
            let number = if random(3) == 0 { class * 20 + random(20) } else { 1000 + random(4000) };
            let _ = write!(csv, "w{number}x ");
        }
        let _ = writeln!(csv, ",class {class}");
    }
    csv
}
