//! The imports, with what was wrong with them.

use crate::protocol::{BatchState, Export};
use crate::ui::app::use_app;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::views::CollectAny;
use crate::ui::screens::import::Problems;
use crate::ui::{actions, format};
use leptos::prelude::*;

/// One line an import, newest first.
#[component]
pub fn Batches() -> impl IntoView {
    let state = use_app().state;
    let batches = Memo::new(move |_| {
        let batches = state.project.with(|project| project.as_ref().map(|p| p.batches.clone()).unwrap_or_default());
        let mut newest_first: Vec<(u32, BatchState)> = (0..).zip(batches).collect();
        newest_first.reverse();
        newest_first
    });
    let row = |(index, batch): (u32, BatchState)| {
        let key = (index, batch.items, batch.problem_count, batch.findings.len());
        Row::new(key, move || view! { <BatchRow index batch /> }.into_any())
    };
    view! {
        <details class="batches">
            <summary>{move || format::counted(batches.with(Vec::len) as u64, "import", "imports")}{move || problem_note(&batches.read())}</summary>
            <ul>{rows(move || batches.get().into_iter().map(row).collect())}</ul>
        </details>
    }
}

fn problem_note(batches: &[(u32, BatchState)]) -> String {
    match batches.iter().map(|(_, batch)| u64::from(batch.problem_count)).sum() {
        0 => String::new(),
        problems => format!(", {}", format::counted(problems, "problem", "problems")),
    }
}

#[component]
fn BatchRow(index: u32, batch: BatchState) -> impl IntoView {
    let app = use_app();
    let mut parts = vec![format::counted(batch.items.into(), "item", "items")];
    if batch.duplicates > 0 {
        parts.push(format!("{} already there", format::count(batch.duplicates.into())));
    }
    parts.push(format::ago(batch.time_ms, js_sys::Date::now()));
    let problems = batch.problem_count;
    view! {
        <li>
            <strong>{batch.name.clone()}</strong>" "<span class="muted figures">{parts.join(" · ")}</span>
            {(problems > 0).then(|| view! {
                <button aria-label=format!("Download the problems of {}", batch.name) on:click=move |_| actions::export(app, Export::Problems { batch: index })>
                    {format!("Download {}", format::counted(problems.into(), "problem", "problems"))}
                </button>
            }.into_any())}
            <ul class="findings">{batch.findings.into_iter().map(|(warning, sentence)| view! { <li class:watch=warning>{sentence}</li> }).collect_any()}</ul>
            <Problems problems=batch.problems />
        </li>
    }
}
