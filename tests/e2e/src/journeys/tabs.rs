//! Two tabs: the second one follows the first, takes over by a press, and is left the work when the other closes.

use super::{Surroundings, leave, stored_decisions};
use crate::visit::{Visit, until};
use serde_json::json;

const CLASSES: [&str; 2] = ["Adelie", "Gentoo"];

/// Labels by turns in two tabs.
pub fn two_tabs(surroundings: &Surroundings) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "tabs")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    let mut made = label(&mut visit, 4)?;

    // The second tab shows what the first one does, and says why it does not label.
    visit.session()?.run("window.open('./#/label');", &json!([]))?;
    let first = until("the second tab", 30, || visit.session()?.enter_other_window())?;
    visit.see_later("region", "Card")?;
    says(&visit, "Read only")?;
    counts(&visit, made)?;
    visit.pictures(&surroundings.screenshots, "tabs-second")?;
    let key = visit.key_of(CLASSES[0])?.ok_or("there is no class")?;
    visit.session()?.press(&key)?;
    until("why nothing is labelled", 30, || {
        Ok(visit.all_text()?.contains("Nothing was labelled. Another tab").then_some(()))
    })?;
    visit.dismiss_messages()?;
    let second = visit.session()?.enter_other_window()?.ok_or("the first tab is gone")?;
    made += label(&mut visit, 2)?;
    visit.session()?.turn_to(&second)?;
    counts(&visit, made)?;

    // By a press it labels, and the first one follows.
    visit.click("button", "Take over here")?;
    says(&visit, "All saved")?;
    made += label(&mut visit, 3)?;
    visit.session()?.turn_to(&first)?;
    says(&visit, "Read only")?;
    counts(&visit, made)?;

    // When it closes, the first one labels again, without being loaded anew.
    visit.session()?.run("window.neverReloaded = true;", &json!([]))?;
    visit.session()?.turn_to(&second)?;
    visit.session()?.close_window_and_enter(&first)?;
    says(&visit, "All saved")?;
    made += label(&mut visit, 2)?;
    if visit.session()?.run("return window.neverReloaded === true;", &json!([]))? != json!(true) {
        return Err("the first tab was loaded anew".to_owned());
    }
    let stored = stored_decisions(&visit)?;
    if stored != u64::from(made) {
        return Err(format!("{stored} decisions are stored, not {made}"));
    }
    leave(visit, &server)
}

fn label(visit: &mut Visit<'_>, count: u32) -> Result<u32, String> {
    for number in 0..count {
        visit.label(CLASSES[number as usize % 2])?;
    }
    visit.all_saved()?;
    Ok(count)
}

fn says(visit: &Visit<'_>, words: &str) -> Result<(), String> {
    until(&format!("“{words}”"), 30, || {
        let Some(state) = visit.find("status", "Save state") else { return Ok(None) };
        Ok(visit.session()?.text(&state).is_ok_and(|text| text.contains(words)).then_some(()))
    })
}

fn counts(visit: &Visit<'_>, labelled: u32) -> Result<(), String> {
    until(&format!("{labelled} labelled"), 30, || Ok((visit.labelled_count()? == labelled).then_some(())))
}
