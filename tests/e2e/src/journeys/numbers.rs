//! A table whose target is a number, read by a cheap thermometer: the numbers are learnt, wrong readings are found and put
//! right, and the model says how good it is.

use super::demos::features_are_there;
use super::{Surroundings, leave};
use crate::visit::{ENTER, Visit, until};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const ROWS: usize = 160;
/// The first so many rows come with a reading.
const READ: usize = 110;
/// Every so many-th of them is far off.
const EVERY: usize = 14;
/// How far, in degrees; the thermometer's own noise is about one.
const OFF: f64 = 25.0;

/// The journey.
pub fn numbers(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-numbers-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = learnt(surroundings, &folder.join("readings.csv"));
    let _ = fs::remove_dir_all(&folder);
    done
}

fn learnt(surroundings: &Surroundings, file: &Path) -> Result<(), String> {
    let truth = write_readings(file)?;
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "numbers")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[file])?;
    let role = visit.see("combobox", "Use column temperature as")?;
    visit.session()?.write(&role, "Label")?;
    visit.click("radio", "Numbers")?;
    visit.pictures(&surroundings.screenshots, "numbers-import")?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    features_are_there(&visit)?;

    // Three readings by the keyboard.
    for _ in 0..3 {
        let card = visit.card()?;
        let value = visit.see("textbox", "Value")?;
        visit.session()?.write(&value, &format!("{:.1}{ENTER}", truth[&card.name]))?;
        until("the next card", 15, || Ok((visit.card()?.item != card.item).then_some(())))?;
    }
    visit.all_saved()?;
    visit.pictures(&surroundings.screenshots, "numbers-label")?;

    // The readings that are far off are replaced by what the others make likely.
    visit.click("link", "Review")?;
    visit.see_later("region", "Case")?;
    let mut mended = 0;
    for _ in 0..ROWS {
        let Some((name, given)) = visit.next_case()? else { break };
        let given: f64 = given.parse().map_err(|_| format!("{name} is labelled “{given}”, which is no number"))?;
        let wrong = (given - truth[&name]).abs() > OFF / 2.0;
        if mended == 0 {
            visit.pictures(&surroundings.screenshots, "numbers-review")?;
        }
        mended += usize::from(wrong);
        visit.session()?.press(if wrong { ENTER } else { " " })?;
        visit.case_after(&name)?;
    }
    println!("  numbers: {mended} of {} wrong readings found", READ / EVERY);
    if mended != READ / EVERY {
        return Err(format!("{mended} of {} wrong readings were found", READ / EVERY));
    }
    visit.click("link", "Models")?;
    until("how good the model is", 30, || {
        let text = visit.all_text()?;
        Ok((text.contains("Mean absolute error") && text.contains("R²")).then_some(()))
    })?;
    visit.pictures(&surroundings.screenshots, "numbers-models")?;
    leave(visit, &server)
}

/// Writes the table; gives the true temperature by the item's name.
fn write_readings(file: &Path) -> Result<BTreeMap<String, f64>, String> {
    let mut text = "hour,cloud,wind,temperature\n".to_owned();
    let mut truth = BTreeMap::new();
    let mut state = 7_u64;
    // A linear congruential generator (Knuth's MMIX): the same table on every machine.
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for row in 0..ROWS {
        let (hour, cloud, wind) = (random() * 12.0, random(), random() * 10.0);
        let temperature = 8.0 + 1.5 * hour - 6.0 * cloud - 0.4 * wind;
        let noise = random() + random() - random() - random();
        let off = if row % EVERY == EVERY - 1 { OFF } else { 0.0 };
        let reading = if row < READ { format!("{:.1}", temperature + noise + off) } else { String::new() };
        text.push_str(&format!("{hour:.2},{cloud:.3},{wind:.2},{reading}\n"));
        truth.insert(format!("readings.csv:{}", row + 2), temperature);
    }
    fs::write(file, text).map_err(|error| format!("{} can't be written: {error}", file.display()))?;
    Ok(truth)
}
