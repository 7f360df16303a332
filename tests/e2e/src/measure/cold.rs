//! From a navigation to something to work with: at the first visit, at the next one, and going on where one left.

use super::{time, watch};
use crate::journeys::Surroundings;
use crate::visit::Visit;
use serde_json::{Value, json};

/// Milliseconds of each round. From the navigation: `start`, the start screen is drawn and takes clicks; `ready`, the session
/// worker has answered. From the click on the demo of photos: `card`, its first card is drawn. `going_on` is from a navigation
/// to an open project's next card. Each visit is a browser of its own; the second one finds what the service worker kept.
pub fn starts(surroundings: &Surroundings, rounds: usize) -> Result<Value, String> {
    let mut first = Visits::default();
    let mut second = Visits::default();
    let mut going_on = Vec::new();
    for _ in 0..rounds {
        let server = surroundings.serve("/")?;
        let mut visit = Visit::measured(&surroundings.programs, "cold", None)?;
        first.take(&mut visit, &server.url())?;
        visit.ready_for_offline()?;
        visit.restart()?;
        second.take(&mut visit, &server.url())?;
        visit.restart()?;
        watch(&visit)?;
        visit.session()?.open(&format!("{}#/label", server.url()))?;
        going_on.push(time(&visit, "card")?);
        visit.close();
    }
    Ok(json!({ "first": first.to_json(), "second": second.to_json(), "going_on": going_on }))
}

#[derive(Default)]
struct Visits {
    start: Vec<f64>,
    ready: Vec<f64>,
    card: Vec<f64>,
}

impl Visits {
    fn take(&mut self, visit: &mut Visit<'_>, url: &str) -> Result<(), String> {
        watch(visit)?;
        visit.session()?.open(url)?;
        self.start.push(time(visit, "start")?);
        self.ready.push(time(visit, "ready")?);
        visit.click("button", "Open the demo: photos")?;
        let card = time(visit, "card")?;
        self.card.push(card - time(visit, "clicked")?);
        Ok(())
    }

    fn to_json(&self) -> Value {
        json!({ "start": self.start, "ready": self.ready, "card": self.card })
    }
}
