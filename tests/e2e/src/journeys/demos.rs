//! The demos: label some by the keyboard, let the model do the rest, lose the browser, lose nothing.

use super::{Surroundings, leave};
use crate::altered::Altered;
use crate::demo::{self, Rows, Truth, agreement};
use crate::visit::{Visit, until};
use std::collections::BTreeMap;
use std::path::Path;

/// One such journey.
struct Demo {
    name: &'static str,
    truth: Truth,
    /// Label this many.
    labels: usize,
    /// Then this share of the rest is predicted right, at least.
    at_least: f64,
}

/// The photos, 80 % after 30 labels.
pub fn photos(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::photos(&surroundings.demo())?;
    journey(surroundings, &Demo { name: "photos", truth, labels: 30, at_least: 0.8 })
}

/// The sentences, 70 % after 100 labels.
pub fn sentences(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::rows(&surroundings.demo(), "sentences.csv", "sentiment")?;
    journey(surroundings, &Demo { name: "sentences", truth, labels: 100, at_least: 0.7 })
}

/// The penguins, 90 % after 30 labels.
pub fn penguins(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::rows(&surroundings.demo(), "penguins.csv", "label")?;
    journey(surroundings, &Demo { name: "penguins", truth, labels: 30, at_least: 0.9 })
}

fn journey(surroundings: &Surroundings, demo: &Demo) -> Result<(), String> {
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, demo.name)?;
    visit.session()?.open(&server.url())?;
    visit.see("button", &format!("Open the demo: {}", demo.name))?;
    if demo.name == "photos" {
        visit.pictures(&surroundings.screenshots, "start")?;
    }
    visit.open_demo(demo.name)?;
    // A person looks at each item for a moment, and meanwhile the features arrive. Labelling ten a second from the
    // start, as this journey could, would measure that race rather than the model.
    features_are_there(&visit)?;

    let mut labelled = Truth::new();
    for _ in 0..demo.labels {
        label_next(&mut visit, &demo.truth, &mut labelled)?;
    }
    undo_and_repeat(&mut visit, &labelled)?;
    visit.all_saved()?;
    visit.pictures(&surroundings.screenshots, &format!("label-{}", demo.name))?;

    let predicted = predictions(&visit, demo.truth.len())?;
    let share = agreement(&predicted, &labelled, &demo.truth)?;
    println!("  {}: {:.1} % of the unlabelled predicted right after {} labels", demo.name, share * 100.0, demo.labels);
    if share < demo.at_least {
        return Err(format!("{share:.3} of the unlabelled predicted right, not {}", demo.at_least));
    }

    let count = visit.labelled_count()?;
    visit.kill_and_restart()?;
    visit.session()?.open(&server.url())?;
    visit.open_project(&format!("Demo: {}", demo.name))?;
    let after = visit.labelled_count()?;
    if after != count {
        return Err(format!("{count} items were labelled before the browser was killed, {after} after"));
    }
    for _ in 0..3 {
        label_next(&mut visit, &demo.truth, &mut labelled)?;
    }
    visit.all_saved()?;
    predictions(&visit, demo.truth.len())?;
    the_export_is_the_log(&visit.export("Labels as CSV")?, &labelled)?;
    leave(visit, &server)
}

/// Labels some, reloads the page, and labels on: what every browser must do.
pub fn reload(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::rows(&surroundings.demo(), "penguins.csv", "label")?;
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "reload")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    let mut labelled = Truth::new();
    for expected in [6, 9] {
        while labelled.len() < expected {
            label_next(&mut visit, &truth, &mut labelled)?;
        }
        visit.all_saved()?;
        visit.session()?.reload()?;
        visit.open_project("Demo: penguins")?;
        let count = visit.labelled_count()?;
        if count as usize != expected {
            return Err(format!("{expected} items were labelled before the page was loaded again, {count} after"));
        }
    }
    leave(visit, &server)
}

/// A demo opened before the page's first questions are answered stays open: the answers to those come later than its own.
pub fn impatient(surroundings: &Surroundings) -> Result<(), String> {
    let site = Altered::copy(&surroundings.dist, "impatient")?;
    site.edit("index.html", |page| page.replacen("<title>", "<script src=hurry.js></script><title>", 1))?;
    site.add("hurry.js", HURRY)?;
    site.keep_nothing()?;
    open_twice(surroundings, &site)
}

/// There before the page's own script: the demo's button is pressed as soon as it is there, and what the worker says is heard piece by
/// piece. So the page has gone to the demo's card before the last of its first answers comes.
const HURRY: &str = "
    const { set } = Object.getOwnPropertyDescriptor(Worker.prototype, 'onmessage');
    Object.defineProperty(Worker.prototype, 'onmessage', { set(hear) {
      let before = Promise.resolve();
      const later = (event) => (done) => setTimeout(() => done(hear.call(this, event)), 40);
      set.call(this, (event) => { before = before.then(() => new Promise(later(event))); });
    } });
    new MutationObserver((_, observer) => {
      const button = document.querySelector('[aria-label=\"Open the demo: penguins\"]');
      if (button) { observer.disconnect(); button.click(); }
    }).observe(document, { childList: true, subtree: true });";

fn open_twice(surroundings: &Surroundings, site: &Altered) -> Result<(), String> {
    let truth = demo::rows(&surroundings.demo(), "penguins.csv", "label")?;
    let server = site.serve()?;
    let mut visit = Visit::start(&surroundings.programs, "impatient")?;
    visit.session()?.open(&server.url())?;
    features_are_there(&visit)?;
    label_next(&mut visit, &truth, &mut Truth::new())?;
    visit.all_saved()?;
    // Opened a second time, the demo goes on where it was.
    visit.session()?.open(&format!("{}#/", server.url()))?;
    visit.click("button", "Go on with the demo: penguins")?;
    let labelled = visit.labelled_count()?;
    if labelled != 1 {
        return Err(format!("the demo was opened twice, and {labelled} of its items are labelled instead of one"));
    }
    leave(visit, &server)
}

/// Waits until every item has its features.
pub fn features_are_there(visit: &Visit<'_>) -> Result<(), String> {
    visit.card()?;
    until("the features", 120, || {
        // A bar that is being replaced while it is looked for is still there.
        let progress = visit.session()?.find("progressbar", None);
        Ok(progress.is_ok_and(|bars| bars.is_empty()).then_some(()))
    })
}

/// Labels the card on screen as the truth has it.
pub fn label_next(visit: &mut Visit<'_>, truth: &Truth, labelled: &mut Truth) -> Result<(), String> {
    let card = visit.card()?;
    let class =
        truth.get(&card.name).ok_or_else(|| format!("the card shows {}, which the demo doesn't have", card.name))?;
    if labelled.insert(card.name.clone(), class.clone()).is_some() {
        return Err(format!("{} was asked twice", card.name));
    }
    visit.label(class)
}

/// Takes the last label back by the keyboard, and gives it again.
fn undo_and_repeat(visit: &mut Visit<'_>, labelled: &Truth) -> Result<(), String> {
    visit.session()?.press("z")?;
    let card = until("the card whose label was taken back", 15, || {
        Ok(visit.card().ok().filter(|card| labelled.contains_key(&card.name)))
    })?;
    visit.label(&labelled[&card.name])
}

/// The exported predictions, once there is one for each item. Items that occur twice are imported once, so there may be
/// a few less of them than the demo has rows.
fn predictions(visit: &Visit<'_>, items: usize) -> Result<BTreeMap<String, String>, String> {
    visit.export_until("Predictions as CSV", |text| {
        let predicted = Rows::parse(text).ok()?.map("hone_name", "prediction").ok()?;
        let complete = predicted.len() * 100 >= items * 95 && predicted.values().all(|class| !class.is_empty());
        complete.then_some(predicted)
    })
}

fn the_export_is_the_log(export: &str, labelled: &Truth) -> Result<(), String> {
    let rows = Rows::parse(export)?;
    let exported = rows.map("hone_name", "label")?;
    if exported != *labelled {
        return Err(format!("{} labels were given, and {} exported, or others", labelled.len(), exported.len()));
    }
    let sources = rows.column("hone_source")?;
    if let Some(other) = sources.iter().find(|source| !matches!(source.as_str(), "human" | "audit")) {
        return Err(format!("a label given by a person is exported with the source {other}"));
    }
    Ok(())
}

/// The photo demo after 24 labels or a few more, with a suggestion on screen, as the README shows it.
pub fn picture(surroundings: &Surroundings, file: &Path) -> Result<(), String> {
    let truth = demo::photos(&surroundings.demo())?;
    let server = surroundings.serve("/")?;
    let mut visit = Visit::start(&surroundings.programs, "picture")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("photos")?;
    features_are_there(&visit)?;
    let mut labelled = Truth::new();
    while labelled.len() < 24 || visit.all_text()?.contains("no suggestion shown") {
        label_next(&mut visit, &truth, &mut labelled)?;
        visit.all_saved()?;
    }
    visit.picture(file, 1440, "light")
}
