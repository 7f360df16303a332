//! The imports: where the champion stands on each, and the audit that decides.

use super::{Watched, chip};
use crate::protocol::BatchMonitor;
use crate::ui::app::use_app;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::{format, monitor};
use leptos::prelude::*;

/// One row an import, newest first.
#[component]
pub fn Imports(
    /// The state.
    watched: Watched,
    /// The import whose details are shown.
    chosen: RwSignal<Option<u32>>,
) -> impl IntoView {
    let row = move |batch: BatchMonitor| {
        let key = (batch.batch, batch.health.map(|health| health as u8), batch.sentence.clone(), batch.audits_needed);
        Row::new((key, batch.findings, batch.items), move || view! { <Import batch chosen /> }.into_any())
    };
    let newest_first = move || {
        watched.with(|state| state.iter().flat_map(|state| state.batches.iter().rev().cloned()).map(row).collect())
    };
    view! {
        <section class="block" aria-labelledby="imports-title">
            <h2 id="imports-title">"Imports"</h2>
            <ul class="imports">{rows(newest_first)}</ul>
        </section>
    }
}

#[component]
fn Import(batch: BatchMonitor, chosen: RwSignal<Option<u32>>) -> impl IntoView {
    let app = use_app();
    let place = batch.batch;
    let mut facts =
        vec![format::counted(batch.items.into(), "item", "items"), format::ago(batch.time_ms, js_sys::Date::now())];
    if batch.is_reference {
        facts.push("part of the reference".to_owned());
    }
    if batch.findings > 0 {
        facts.push(format::counted(batch.findings.into(), "finding in the data", "findings in the data"));
    }
    let why = Signal::derive(move || app.state.why_read_only().map(str::to_owned));
    let audit = batch.audits_needed.map(|needed| {
        let name = format!("Audit {}", format::counted(needed.into(), "item", "items"));
        view! { <ActionButton class="primary" name why press=Callback::new(move |()| monitor::audit(app, place)) /> }
            .into_any()
    });
    let open = move || (chosen.get() == Some(place)).to_string();
    let toggle = move |_| chosen.update(|chosen| *chosen = if *chosen == Some(place) { None } else { Some(place) });
    let about = batch.name.clone();
    view! {
        <li>
            <div class="row"><strong>{batch.name}</strong>{chip(batch.health)}<span class="muted figures">{facts.join(" · ")}</span></div>
            <p>{batch.sentence}</p>
            <div class="row">{audit}
                <button aria-expanded=open aria-label=format!("What moved in {about}") on:click=toggle>"What moved"</button>
                <button class="quiet" aria-label=format!("Show the items of {about}") on:click=move |_| monitor::show_items(app, place)>"Show its items"</button>
            </div>
        </li>
    }
}
