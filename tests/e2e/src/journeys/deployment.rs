//! From labels to a deployed model and back, by what is on screen: label, audit, certify, accept, search, gate, promote, roll
//! back, compare two runs, see a repeated experiment answered from the log, push to MLflow and read it back.

use super::demos::{features_are_there, label_next};
use super::{Surroundings, leave};
use crate::demo::{self, Rows, Truth};
use crate::visit::{ENTER, Visit, until};

/// The journey, with the demo photos.
pub fn deployment(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::photos(&surroundings.demo())?;
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "deployment")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("photos")?;
    features_are_there(&visit)?;
    let mut labelled = Truth::new();
    let pictures = |visit: &Visit<'_>, name: &str| visit.pictures(&surroundings.screenshots, name);

    visit.click("link", "Models")?;
    visit.see("region", "Verdict")?;
    pictures(&visit, "models-empty")?;
    visit.click("link", "Label")?;
    // A first model from a handful of labels is deployed at once: there is nothing to protect.
    for _ in 0..7 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.click("link", "Models")?;
    visit.click("button", "Train now")?;
    says(&visit, "Verdict", "r1")?;

    // Blind audits, and labels enough for a model that is really better.
    visit.click("button", "Audit now")?;
    visit.click("link", "Label")?;
    while labelled.len() < 90 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.click("link", "Models")?;
    let promote = until("a challenger that may be promoted", 120, || enabled_button(&visit, "Promote r"))?;
    pictures(&visit, "models-challenger")?;
    visit.click("button", &promote)?;
    let second = promote.trim_start_matches("Promote ").to_owned();
    until("the new champion", 60, || Ok(visit.find("button", "Roll back to r1").map(drop)))?;

    certify_and_accept(&mut visit, &truth, &mut labelled)?;
    pictures(&visit, "models-certified")?;

    // A search, and the same search again: nothing is run twice.
    visit.click("button", "Keep searching")?;
    until("the end of the search", 300, || Ok(visit.find("button", "Keep searching").map(drop)))?;
    pictures(&visit, "models-searched")?;
    let trials = |visit: &Visit<'_>| runs_that_match(visit, "attributes.kind = \"trial\"");
    let before = trials(&visit)?;
    visit.click("button", "Keep searching")?;
    says(&visit, "Search", "from the log")?;
    if before == 0 || trials(&visit)? != before {
        return Err(format!("{before} trials were logged, {} after the same search again", trials(&visit)?));
    }

    compare_two(&visit)?;
    pictures(&visit, "models-compared")?;

    visit.click("button", "Roll back to r1")?;
    visit.click("button", "Roll back")?;
    until("the champion of before", 60, || Ok(visit.find("button", &format!("Roll back to {second}")).map(drop)))?;
    says(&visit, "Triage", "became champion")?;
    pictures(&visit, "models-rolled-back")?;
    leave(visit, &server)
}

/// The text of a region.
fn region_text(visit: &Visit<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(region) = visit.find("region", name) else { return Ok(None) };
    Ok(visit.session()?.text(&region).ok())
}

/// Waits until a region says so.
fn says(visit: &Visit<'_>, region: &str, text: &str) -> Result<(), String> {
    until(&format!("“{text}” in {region}"), 120, || {
        Ok(region_text(visit, region)?.filter(|found| found.contains(text)).map(drop))
    })
}

/// The name of the enabled button that begins so.
fn enabled_button(visit: &Visit<'_>, beginning: &str) -> Result<Option<String>, String> {
    for button in visit.session()?.find("button", None)? {
        let text = visit.session()?.text(&button).unwrap_or_default();
        let disabled = visit.session()?.attribute(&button, "aria-disabled").unwrap_or_default();
        if text.starts_with(beginning) && disabled.as_deref() != Some("true") {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// A budget of one error in five, its audit answered to the end, and what is certified accepted.
fn certify_and_accept(visit: &mut Visit<'_>, truth: &Truth, labelled: &mut Truth) -> Result<(), String> {
    let budget = visit.see("spinbutton", "Error budget in per cent")?;
    visit.session()?.clear(&budget)?;
    visit.session()?.write(&budget, "20")?;
    visit.click("button", "Propose and audit")?;
    says(visit, "Triage", "certificate 1")?;
    visit.click("link", "Label")?;
    loop {
        visit.all_saved()?;
        if !visit.all_text()?.contains("certificate 1 would accept") {
            break;
        }
        label_next(visit, truth, labelled)?;
    }
    visit.click("link", "Models")?;
    let accept = until("what may be accepted", 60, || enabled_button(visit, "Accept "))?;
    visit.click("button", &accept)?;
    until("a button that takes it back", 60, || enabled_button(visit, "Revert "))?;

    // What was accepted is exported as the model's, and is as right as promised.
    let rows = Rows::parse(&visit.export("Labels as CSV")?)?;
    let (items, labels, sources) = (rows.column("item")?, rows.column("label")?, rows.column("source")?);
    let accepted: Vec<bool> = items
        .iter()
        .zip(&labels)
        .zip(&sources)
        .filter(|(_, source)| *source == "model")
        .map(|((item, label), _)| truth.get(item) == Some(label))
        .collect();
    let wrong = accepted.iter().filter(|right| !**right).count();
    println!("  deployment: {} accepted, {wrong} of them wrong, at a budget of 20 %", accepted.len());
    if accepted.is_empty() || wrong * 5 > accepted.len() {
        return Err(format!("{wrong} of {} accepted labels are wrong", accepted.len()));
    }
    visit.click("link", "Models")
}

/// How many runs the table shows for an expression; the box is emptied again.
fn runs_that_match(visit: &Visit<'_>, expression: &str) -> Result<usize, String> {
    let search = visit.see("searchbox", "Search runs")?;
    visit.session()?.clear(&search)?;
    visit.session()?.write(&search, &format!("{expression}{ENTER}"))?;
    let count = until("the runs that match", 30, || {
        let script = "const found = [...document.querySelectorAll('[aria-label=\"Runs that match\"]')];
            return found.length ? found[0].textContent : null;";
        let text = visit.session()?.run(script, &serde_json::json!([]))?;
        Ok(text.as_str().and_then(|text| text.split_whitespace().next()?.parse().ok()))
    })?;
    visit.session()?.clear(&search)?;
    visit.session()?.write(&search, ENTER)?;
    Ok(count)
}

fn compare_two(visit: &Visit<'_>) -> Result<(), String> {
    let boxes: Vec<_> = visit
        .session()?
        .find("checkbox", None)?
        .into_iter()
        .filter(|found| {
            let label = visit.session().and_then(|session| session.attribute(found, "aria-label")).ok().flatten();
            label.is_some_and(|label| label.starts_with("Select r"))
        })
        .collect();
    for found in boxes.iter().take(2) {
        visit.session()?.click(found)?;
    }
    visit.click("button", "Compare")?;
    says(visit, "Comparison", "r")
}
