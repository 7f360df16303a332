//! The imports, with what they brought, what was wrong with them, and the ways to go on or back.

use crate::pipeline::item::Kind;
use crate::protocol::{BatchState, Export, ImportStatus};
use crate::ui::app::use_app;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::views::CollectAny;
use crate::ui::screens::import::Problems;
use crate::ui::{actions, format, import_words, imports};
use leptos::prelude::*;

/// One line an import, newest first.
#[component]
pub fn Batches() -> impl IntoView {
    let state = use_app().state;
    let kind = state.project.with_untracked(|project| project.as_ref().map_or(Kind::Text, |project| project.kind));
    let batches = Memo::new(move |_| {
        let batches = state.project.with(|project| project.as_ref().map(|p| p.batches.clone()).unwrap_or_default());
        let mut newest_first: Vec<(u32, BatchState)> = (0..).zip(batches).collect();
        newest_first.reverse();
        newest_first
    });
    // One that needs a decision is not folded away.
    let open =
        Memo::new(move |_| batches.with(|all| all.iter().any(|(_, batch)| batch.status == ImportStatus::Interrupted)));
    let row = move |(index, batch): (u32, BatchState)| {
        let counts = (batch.items, batch.rows, batch.problem_count, batch.findings.len(), batch.held_out);
        let key = (index, counts, batch.status as u8, batch.fixed.clone());
        Row::new(key, move || view! { <BatchRow index batch kind /> }.into_any())
    };
    view! {
        <details class="batches" open=move || open.get()>
            <summary>{move || format::counted(batches.with(Vec::len) as u64, "import", "imports")}{move || problem_note(&batches.read())}</summary>
            <ul>{rows(move || batches.get().into_iter().map(row).collect())}</ul>
        </details>
    }
}

fn problem_note(batches: &[(u32, BatchState)]) -> String {
    match batches.iter().map(|(_, batch)| batch.lost).sum() {
        0 => String::new(),
        lost => format!(", {} left out", format::count(lost)),
    }
}

#[component]
fn BatchRow(index: u32, batch: BatchState, kind: Kind) -> impl IntoView {
    let app = use_app();
    let mut parts: Vec<String> = import_words::standing(&batch, kind).into_iter().collect();
    parts.push(import_words::sum(&batch, kind));
    if batch.held_out > 0 {
        parts.push(format!("{} held out as a test set", format::counted(batch.held_out.into(), "label", "labels")));
    }
    if batch.hidden > 0 {
        parts.push(format!("{} hidden passed over", format::count(batch.hidden)));
    }
    parts.push(format::ago(batch.time_ms, js_sys::Date::now()));
    let problems = batch.problem_count;
    let name = batch.name.clone();
    let findings = batch.findings.clone();
    let listed = batch.problems.clone();
    view! {
        <li>
            <strong>{batch.name.clone()}</strong>" "<span class="muted figures" class:watch=batch.status == ImportStatus::Interrupted>{parts.join(" · ")}</span>
            <div class="row">
                {(problems > 0).then(|| view! {
                    <button aria-label=format!("Download the problems of {name}") on:click=move |_| actions::export(app, Export::Problems { batch: index })>
                        {format!("Download {}", format::counted(problems.into(), "problem", "problems"))}
                    </button>
                }.into_any())}
                <BatchActions index batch />
            </div>
            <ul class="findings">{findings.into_iter().map(|(warning, sentence)| view! { <li class:watch=warning>{sentence}</li> }).collect_any()}</ul>
            <Problems problems=listed />
        </li>
    }
}

/// Go on, remove or bring back.
#[component]
fn BatchActions(index: u32, batch: BatchState) -> impl IntoView {
    let app = use_app();
    match batch.status {
        ImportStatus::Running => ().into_any(),
        ImportStatus::Removed => {
            let back = Callback::new(move |()| imports::bring_back(app, index));
            view! { <ActionButton name="Bring back" why=batch.fixed press=back /> }.into_any()
        }
        status => {
            let why = batch.fixed.clone();
            let remove = Callback::new(move |()| imports::ask_to_remove(app, index, &batch));
            view! {
                {(status == ImportStatus::Interrupted).then(|| view! { <TakeAgain index /> })}
                <ActionButton name="Remove…" why press=remove />
            }
            .into_any()
        }
    }
}

/// The buttons that go on with an interrupted import.
#[component]
pub fn TakeAgain(
    /// Its place.
    index: u32,
) -> impl IntoView {
    let app = use_app();
    view! {
        <button on:click=move |_| imports::take_again(app, index, false)>"Take the same file again"</button>
        <button on:click=move |_| imports::take_again(app, index, true)>"Take the same folder again"</button>
    }
}
