//! From a key to the next card, while the model learns beside it.

use super::{class_of, long_tasks};
use crate::browser::chromium::devtools;
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// Labels before the clock counts: every class is made, and there is a model.
const BEFORE: usize = 12;
/// Between a card and the key that answers it: a fast person.
const PAUSE: Duration = Duration::from_millis(300);

/// Labels so many cards as their names say. Milliseconds from each key's event to the frame with the next card.
///
/// # Errors
/// When a next card doesn't come.
pub fn presses(visit: &mut Visit<'_>, labels: usize) -> Result<Value, String> {
    for _ in 0..BEFORE {
        let card = visit.card()?;
        visit.label(&class_of(&card.name)?)?;
    }
    let seen = |visit: &Visit<'_>| -> Result<usize, String> {
        let count = visit.session()?.run("return window.measured.presses.length;", &json!([]))?;
        Ok(count.as_u64().unwrap_or_default() as usize)
    };
    // What the accessibility tree cost, by which the first labels found their buttons, is not the app's.
    visit.session()?.run("window.measured.presses.length = 0;", &json!([]))?;
    devtools(visit.session()?, "Accessibility.disable", &json!({}))?;
    long_tasks(visit)?;
    let mut done = 0;
    while done < labels {
        let name = visit.session()?.run("return document.querySelector('#card-name').textContent;", &json!([]))?;
        let class = class_of(name.as_str().unwrap_or_default())?;
        let Some(key) = visit.key_of(&class)? else {
            // A class that did not come before; what making it costs is not counted.
            visit.label(&class)?;
            continue;
        };
        thread::sleep(PAUSE);
        let before = seen(visit)?;
        visit.session()?.press(&key)?;
        until("the next card", 30, || Ok((seen(visit)? > before).then_some(())))?;
        done += 1;
    }
    let times = visit.session()?.run("return window.measured.presses;", &json!([]))?;
    Ok(json!({ "milliseconds": times, "labels_before": BEFORE, "long_tasks": long_tasks(visit)? }))
}
