//! From labels to a deployed model and back, by what is on screen: label, audit, certify, accept, search, gate, promote, roll
//! back, compare two runs, see a repeated experiment answered from the log, push to MLflow and read it back.

use super::demos::{features_are_there, label_next};
use super::{Surroundings, only_own_origin};
use crate::demo::{self, Rows, Truth};
use crate::mlflow::MlflowServer;
use crate::visit::{ENTER, Visit, until};
use serde_json::Value;
use std::collections::BTreeSet;

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
    // The first model is deployed at once: there is nothing to protect. It knows two of the five classes, so that a later
    // one is really better, whichever photos come first.
    while labelled.values().collect::<BTreeSet<_>>().len() < 2 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.click("link", "Models")?;
    visit.click("button", "Train now")?;
    says(&visit, "Verdict", "r1")?;

    // Blind audits, and labels enough for a model that is really better.
    let audits = visit.see("spinbutton", "Number of audits")?;
    visit.session()?.clear(&audits)?;
    visit.session()?.write(&audits, "24")?;
    visit.click("button", "Audit now")?;
    visit.click("link", "Label")?;
    while labelled.len() < 105 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.click("link", "Models")?;
    train_now(&visit)?;
    let promote = until("a challenger that may be promoted", 120, || enabled_button(&visit, "Promote r"))?;
    pictures(&visit, "models-challenger")?;
    visit.click("button", "Evaluation")?;
    pictures(&visit, "models-evaluation")?;
    visit.click("button", "Verdict")?;
    visit.click("button", &promote)?;
    let second = promote.trim_start_matches("Promote ").to_owned();
    until("the new champion", 60, || Ok(visit.find("button", "Roll back to r1").map(drop)))?;

    certify_and_accept(&mut visit, &truth, &mut labelled)?;
    visit.click("button", "Triage")?;
    pictures(&visit, "models-certified")?;

    // A search, and the same search again: nothing is run twice.
    visit.click("button", "Search")?;
    visit.click("button", "Keep searching")?;
    until("the end of the search", 300, || Ok(visit.find("button", "Keep searching").map(drop)))?;
    visit.click("button", "Runs")?;
    pictures(&visit, "models-searched")?;
    let trials = |visit: &Visit<'_>| runs_that_match(visit, "attributes.kind = \"trial\"");
    let before = trials(&visit)?;
    visit.click("button", "Search")?;
    visit.click("button", "Keep searching")?;
    says(&visit, "Search", "from the log")?;
    if before == 0 || trials(&visit)? != before {
        return Err(format!("{before} trials were logged, {} after the same search again", trials(&visit)?));
    }

    compare_two(&visit)?;
    pictures(&visit, "models-compared")?;

    no_errors(&visit)?;
    let mlflow = MlflowServer::start("deployment", &server.origin())?;
    push_and_read_back(&visit, &mlflow, &second)?;
    // The push page asks for what may not be there yet, which the browser reports.
    visit.session()?.console_errors()?;

    visit.click("button", "Verdict")?;
    visit.click("button", "Roll back to r1")?;
    visit.click("button", "Roll back")?;
    until("the champion of before", 60, || Ok(visit.find("button", &format!("Roll back to {second}")).map(drop)))?;
    says(&visit, "Triage", "became champion")?;
    pictures(&visit, "models-rolled-back")?;
    no_errors(&visit)?;
    // Nothing left the origin but what was pushed.
    let requests = visit.close_and_list_requests()?;
    let own: Vec<String> = requests.into_iter().filter(|url| !url.starts_with(&mlflow.uri())).collect();
    only_own_origin(&own, &server)
}

fn no_errors(visit: &Visit<'_>) -> Result<(), String> {
    let errors = visit.session()?.console_errors()?;
    if errors.is_empty() { Ok(()) } else { Err(format!("errors on the console:\n  {}", errors.join("\n  "))) }
}

/// Trains on all labels there are, once what is under way has ended.
pub(super) fn train_now(visit: &Visit<'_>) -> Result<(), String> {
    until("the button that trains", 120, || enabled_button(visit, "Train now"))?;
    visit.click("button", "Train now")
}

/// The text of a region.
fn region_text(visit: &Visit<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(region) = visit.find("region", name) else { return Ok(None) };
    Ok(visit.session()?.text(&region).ok())
}

/// Waits until a region says so.
pub(super) fn says(visit: &Visit<'_>, region: &str, text: &str) -> Result<(), String> {
    until(&format!("“{text}” in {region}"), 120, || {
        Ok(region_text(visit, region)?.filter(|found| found.contains(text)).map(drop))
    })
}

/// The name of the enabled button that begins so.
pub(super) fn enabled_button(visit: &Visit<'_>, beginning: &str) -> Result<Option<String>, String> {
    // A button that is being replaced while it is looked for is found the next time.
    for button in visit.session()?.find("button", None).unwrap_or_default() {
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
    visit.click("button", "Triage")?;
    let budget = visit.see("spinbutton", "Error budget in per cent")?;
    visit.session()?.clear(&budget)?;
    visit.session()?.write(&budget, "20")?;
    visit.click("button", "Propose and audit")?;
    says(visit, "Triage", "Certificate 1")?;
    visit.click("link", "Label")?;
    let asks = |visit: &Visit<'_>| Ok::<bool, String>(visit.all_text()?.contains("certificate 1 would accept"));
    // The question on screen stays until it is answered; the certificate's come after it.
    label_next(visit, truth, labelled)?;
    until("the certificate's first question", 60, || Ok(asks(visit)?.then_some(())))?;
    while asks(visit)? {
        label_next(visit, truth, labelled)?;
        visit.all_saved()?;
    }
    visit.click("link", "Models")?;
    let accept = until("what may be accepted", 60, || enabled_button(visit, "Accept "))?;
    visit.click("button", "Triage")?;
    visit.click("button", &accept)?;
    until("a button that takes it back", 60, || enabled_button(visit, "Revert "))?;

    // What was accepted is exported as the model's, and is as right as promised.
    let rows = Rows::parse(&visit.export("Labels as CSV")?)?;
    let (items, labels, sources) = (rows.column("hone_name")?, rows.column("label")?, rows.column("hone_source")?);
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

/// Pushes the log by the page that the app opens, and compares what MLflow's own client reads with the log as exported.
fn push_and_read_back(visit: &Visit<'_>, mlflow: &MlflowServer, champion: &str) -> Result<(), String> {
    visit.click("button", "Runs")?;
    let log = Rows::parse(&visit.save("Runs as CSV")?)?;
    visit.click("button", "Push to MLflow…")?;
    let app = until("the push page's own window", 15, || visit.session()?.enter_other_window())?;
    until("the runs", 60, || Ok(status(visit, "Plan")?.filter(|text| text.contains("From Hone")).map(drop)))?;
    let field = visit.see("textbox", "Tracking server")?;
    visit.session()?.clear(&field)?;
    visit.session()?.write(&field, &mlflow.uri())?;
    visit.click("button", "Push")?;
    until("the runs on the server", 180, || {
        Ok(status(visit, "Result")?.filter(|text| text.contains("runs are on the server")).map(drop))
    })?;
    visit.session()?.close_window_and_enter(&app)?;

    let found = mlflow.read_back("Demo: photos")?;
    let runs = found["runs"].as_array().cloned().unwrap_or_default();
    let (ids, names) = (log.column("id")?, log.column("name")?);
    if runs.len() != ids.len() {
        return Err(format!("{} runs are logged, and {} were read back", ids.len(), runs.len()));
    }
    for (place, id) in ids.iter().enumerate() {
        let run = runs.iter().find(|pair| pair[0] == **id).map(|pair| &pair[1]);
        let run = run.ok_or_else(|| format!("run {id} was not read back"))?;
        if !run["name"].as_str().is_some_and(|name| name.ends_with(&names[place])) {
            return Err(format!("run {id} was read back with the name {}", run["name"]));
        }
        for column in log.columns() {
            let cell = &log.column(column)?[place];
            let read = match column.split_once('.') {
                Some(("params", key)) => run["params"][key].as_str().unwrap_or_default().to_owned(),
                Some(("metrics", key)) => latest(&run["metrics"], key),
                _ => continue,
            };
            let same =
                read == *cell || read.parse::<f64>().ok().zip(cell.parse::<f64>().ok()).is_some_and(|(a, b)| a == b);
            if !same {
                return Err(format!("{column} of run {id} was read back as {read}, not {cell}"));
            }
        }
    }
    let alias = found["models"].as_object().and_then(|models| models.values().next()?["aliases"]["champion"].as_str());
    let expected = ids.iter().zip(log.column("run")?).find(|(_, label)| label == champion).map(|(id, _)| id.as_str());
    if alias == expected { Ok(()) } else { Err(format!("the champion was read back as {alias:?}, not {expected:?}")) }
}

/// The value of a metric at its latest step, of `[key, step, value, time]` rows.
fn latest(metrics: &Value, key: &str) -> String {
    let rows = metrics.as_array().into_iter().flatten().filter(|row| row[0] == *key);
    let last = rows.max_by_key(|row| row[1].as_i64());
    last.and_then(|row| row[2].as_str()).unwrap_or_default().to_owned()
}

fn status(visit: &Visit<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(element) = visit.find("status", name) else { return Ok(None) };
    Ok(visit.session()?.text(&element).ok())
}

fn compare_two(visit: &Visit<'_>) -> Result<(), String> {
    let all = until("the runs' boxes", 30, || Ok(visit.session()?.find("checkbox", None).ok()))?;
    let boxes: Vec<_> = all
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
