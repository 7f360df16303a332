//! Labels with planted errors come in, are reviewed by the keyboard, and the gain is shown and logged; a second
//! annotator's label log is merged, and the disagreements are settled.

use super::demos::{features_are_there, label_next};
use super::{Surroundings, leave};
use crate::demo::{self, Rows, Truth};
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Of the 344 penguins, so many come with a label.
const LABELLED: usize = 150;
/// Every so many-th of these labels is wrong.
const EVERY: usize = 10;
/// Blind audits, to measure the gain with.
const AUDITS: usize = 40;
/// Labels on which the second annotator differs.
const DIFFERENT: usize = 4;

/// The journey, with the demo penguins.
pub fn review(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-review-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let done = reviewed(surroundings, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn reviewed(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let file = folder.join("penguins.csv");
    let planted = plant(&surroundings.demo().join("penguins.csv"), &file)?;
    let truth = demo::rows(&surroundings.demo(), "penguins.csv", "label")?;
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "review")?;
    let pictures = |visit: &Visit<'_>, name: &str| visit.pictures(&surroundings.screenshots, name);
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[&file])?;
    visit.click("button", "Import")?;
    visit.see_later("region", "Card")?;
    features_are_there(&visit)?;

    // Audits first: the gain is measured on them.
    visit.click("link", "Models")?;
    let audits = visit.see("spinbutton", "Number of audits")?;
    visit.session()?.clear(&audits)?;
    visit.session()?.write(&audits, &AUDITS.to_string())?;
    visit.click("button", "Audit now")?;
    visit.click("link", "Label")?;
    let mut audited = Truth::new();
    while audited.len() < AUDITS {
        label_next(&mut visit, &truth, &mut audited)?;
    }
    visit.all_saved()?;

    // Review by the keyboard: where the given label is not the right one it is put right, else it is kept.
    visit.click("link", "Review")?;
    visit.see_later("region", "Case")?;
    until("the suspects", 60, || Ok(visit.case_now()?.map(drop)))?;
    pictures(&visit, "review-suspects")?;
    let mut mended = BTreeSet::new();
    let mut looked_at = 0;
    while let Some((name, given)) = visit.next_case()? {
        let right = truth.get(&name).ok_or_else(|| format!("{name} is not in the file"))?;
        looked_at += 1;
        if *right == given {
            visit.session()?.press(" ")?;
        } else {
            visit.label_case(right)?;
            mended.insert(name.clone());
        }
        visit.case_after(&name)?;
        if looked_at > LABELLED {
            return Err("the review never ends".to_owned());
        }
    }
    let found = planted.intersection(&mended).count();
    println!("  review: {found} of {} planted errors found among {looked_at} suspects", planted.len());
    if found * 10 < planted.len() * 8 || mended.iter().any(|name| !planted.contains(name)) {
        return Err(format!("planted were {planted:?}, mended were {mended:?}"));
    }
    let progress = visit.see("status", "Review progress")?;
    let text = visit.session()?.text(&progress)?;
    if !text.contains(&format!("{} changed", mended.len())) {
        return Err(format!("{} labels were changed, and the screen says “{text}”", mended.len()));
    }

    // The last decision is taken back and taken again.
    visit.session()?.press("z")?;
    let (name, given) = until("the case taken back", 15, || visit.case_now())?;
    match truth.get(&name) {
        Some(right) if *right != given => visit.label_case(right)?,
        _ => visit.session()?.press(" ")?,
    }

    visit.click("button", "Measure the gain")?;
    let gain = until("the gain", 60, || Ok(visit.find("group", "Measured gain")))?;
    let gain = visit.session()?.text(&gain)?;
    println!("  review: {}", gain.lines().next().unwrap_or_default());
    if !gain.contains(&format!("changed {} labels", mended.len())) || !gain.contains("paired interval") {
        return Err(format!("the gain says “{gain}”"));
    }
    pictures(&visit, "review-gain")?;
    the_gain_is_logged(&visit)?;

    merge_and_adjudicate(&mut visit, &truth, folder, &pictures)?;
    leave(visit, &server)
}

/// Writes the penguins with labels for the first so many, every tenth of them wrong. Gives the names of the wrong ones.
fn plant(from: &Path, to: &Path) -> Result<BTreeSet<String>, String> {
    let text = fs::read_to_string(from).map_err(|error| format!("{} can't be read: {error}", from.display()))?;
    let mut lines = text.lines();
    let mut out = format!("{}\n", lines.next().unwrap_or_default());
    // The file is sorted by species: those that come with a label are spread over it.
    let rows: Vec<&str> = lines.collect();
    let mut planted = BTreeSet::new();
    let mut labelled = 0;
    for (row, line) in rows.iter().enumerate() {
        let (cells, label) = line.rsplit_once(',').ok_or("a row without a comma")?;
        let comes_with_a_label = row * LABELLED / rows.len() != (row + 1) * LABELLED / rows.len();
        let written = match (comes_with_a_label, labelled % EVERY == EVERY / 2, label) {
            (false, ..) => "",
            (true, true, "Adelie") => "Gentoo",
            (true, true, _) => "Adelie",
            (true, false, label) => label,
        };
        if !written.is_empty() && written != label {
            planted.insert(format!("penguins.csv:{}", row + 2));
        }
        labelled += usize::from(comes_with_a_label);
        out.push_str(&format!("{cells},{written}\n"));
    }
    fs::write(to, out).map_err(|error| format!("{} can't be written: {error}", to.display()))?;
    Ok(planted)
}

fn the_gain_is_logged(visit: &Visit<'_>) -> Result<(), String> {
    visit.click("link", "Data")?;
    visit.click("button", "Export")?;
    let runs = Rows::parse(&visit.save("Runs as CSV")?)?;
    let kinds = runs.column("kind")?;
    let at = kinds.iter().position(|kind| kind == "review").ok_or("no run of the kind “review” is logged")?;
    let (parents, gains) = (runs.column("parent")?, runs.column("metrics.gain")?);
    if parents[at].is_empty() || gains[at].parse::<f64>().is_err() {
        return Err(format!("the review is logged with parent “{}” and gain “{}”", parents[at], gains[at]));
    }
    Ok(())
}

/// Another annotator's log, made from this one's: the same items, a few of them labelled otherwise.
fn others_log(log: &str) -> Result<(String, usize), String> {
    let mut out = Vec::new();
    let mut different = 0;
    let mut count = 0;
    for line in log.lines() {
        let mut event: Value = serde_json::from_str(line).map_err(|error| format!("the log: {error}"))?;
        if event.get("action").is_none() {
            out.push(line.to_owned());
            continue;
        }
        let Some(class) = event["action"]["label"].as_str().map(str::to_owned) else { continue };
        if event["source"] == "import" || event["source"] == "audit" {
            continue;
        }
        count += 1;
        event["annotator"] = json!("Ada");
        event["source"] = json!("human");
        event["shown"] = Value::Null;
        // Another id, a moment later: nobody has decided between the two yet.
        let id = event["id"].as_str().unwrap_or_default();
        event["id"] = json!(format!("{}Z{count:03}", &id[..id.len() - 4]));
        if different < DIFFERENT {
            different += 1;
            event["action"] = json!({ "label": if class == "Adelie" { "Gentoo" } else { "Adelie" } });
        }
        out.push(event.to_string());
    }
    Ok((out.join("\n") + "\n", different))
}

fn merge_and_adjudicate(
    visit: &mut Visit<'_>,
    truth: &Truth,
    folder: &Path,
    pictures: &impl Fn(&Visit<'_>, &str) -> Result<(), String>,
) -> Result<(), String> {
    visit.click("button", "Export")?;
    let (log, different) = others_log(&visit.save("Label log, for another annotator’s project")?)?;
    let file = folder.join("ada.jsonl");
    fs::write(&file, log).map_err(|error| error.to_string())?;
    visit.click("link", "Review")?;
    visit.choose("Merge a file…", &[&file])?;
    until("the merged labels", 30, || Ok(visit.all_text()?.contains("Ada").then_some(())))?;
    visit.click("button", "Disagreements")?;
    for _ in 0..different {
        let (name, _) = until("a disagreement", 30, || visit.case_now())?;
        if name == *truth.keys().next().unwrap_or(&name) {
            pictures(visit, "review-disagreement")?;
        }
        let right = truth.get(&name).ok_or_else(|| format!("{name} is not in the file"))?;
        visit.label_case(right)?;
        visit.case_after(&name)?;
    }
    pictures(visit, "review-adjudicated")?;
    if visit.next_case()?.is_some() {
        return Err("a disagreement is left after all were settled".to_owned());
    }
    // The same file again brings nothing new.
    visit.choose("Merge a file…", &[&file])?;
    until("what the second merge says", 30, || Ok(visit.all_text()?.contains("Nothing new").then_some(())))
}
