//! After one visit, without the server: everything still works, below a sub-path.

use super::demos::label_next;
use super::{Surroundings, only_own_origin};
use crate::demo::{self, Rows, Truth};
use crate::visit::{Visit, until};

/// Opens the site at `/hone/`, labels, stops the server, and goes on as if nothing had happened.
pub fn offline(surroundings: &Surroundings) -> Result<(), String> {
    let truth = demo::photos(&surroundings.demo())?;
    let mut server = surroundings.serve("/hone/")?;
    let mut visit = Visit::start(&surroundings.programs, "offline")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("photos")?;
    let mut labelled = Truth::new();
    for _ in 0..8 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.ready_for_offline()?;
    let errors = visit.session()?.console_errors()?;
    if !errors.is_empty() {
        return Err(format!("errors on the console while online: {errors:?}"));
    }

    server.stop();
    visit.session()?.reload()?;
    visit.open_project("Demo: photos")?;
    let before = visit.export("Predictions as CSV")?;
    for _ in 0..6 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;
    visit.export_until("Predictions as CSV", |after| (after != before).then_some(()))?;
    let exported = Rows::parse(&visit.export("Labels as CSV")?)?.map("hone_name", "label")?;
    if exported != labelled {
        return Err(format!("{} labels were given, and {} exported, or others", labelled.len(), exported.len()));
    }

    // A demo that was never opened works, too.
    visit.session()?.open(&format!("{}#/", server.url()))?;
    visit.open_demo("penguins")?;
    until("the penguins' first card", 15, || {
        Ok(visit.card().ok().filter(|card| card.name.starts_with("penguins.csv")))
    })?;
    only_own_origin(&visit.close_and_list_requests()?, &server)
}
