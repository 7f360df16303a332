//! What a person does about a model that may have deteriorated: set the level, audit an import, take a way back.

use crate::protocol::{ItemFilter, Request};
use crate::ui::app::App;
use crate::ui::deck::Deck;
use crate::ui::experiments::perform;
use crate::ui::route::Route;
use crate::ui::{experiments, format};
use leptos::prelude::{Set, Update};

/// The acceptable level, as a share.
pub fn set_floor(app: App, floor: f64) {
    perform(app, Request::SetFloor { floor }, format!("{} is acceptable from now on", format::whole_percent(floor)));
}

/// Asks the audits that decide about an import.
pub fn audit(app: App, batch: u32) {
    perform(app, Request::AuditBatch { batch }, "The next questions are audits of this import".to_owned());
    app.state.deck.update(Deck::ask_audits);
    app.go(Route::Label);
}

/// Asks the most useful items of an import, and trains a model after.
pub fn label(app: App, batch: u32, count: u32) {
    let said = match count {
        0 => "All items are asked about again",
        _ => "The next questions are of this import",
    };
    perform(app, Request::LabelBatch { batch, count }, said.to_owned());
    if count > 0 {
        app.go(Route::Label);
    }
}

/// Looks for a better model on the labels there are, for so many seconds.
pub fn search(app: App, seconds: u32) {
    experiments::search(app, seconds);
    experiments::show_section(app, "search");
}

/// Shows an import's items.
pub fn show_items(app: App, batch: u32) {
    app.state.showing.set(Some(ItemFilter::Batch(batch)));
    app.go(Route::Data);
}
