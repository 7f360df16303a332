//! The Monitor screen: does the champion hold on what came in since, where did the data move, which way back is cheaper.

pub mod details;
pub mod imports;
pub mod ways;

use crate::protocol::{Health, MonitorState, Reply, Request};
use crate::ui::app::{App, use_app};
use crate::ui::parts::chart::figure::{ChartFigure, data_table};
use crate::ui::parts::chart::lines;
use crate::ui::parts::chart::table::{Cell, Table};
use crate::ui::parts::live::keep_asking;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::redrawn;
use crate::ui::{commands, format, monitor, text};
use details::Details;
use imports::Imports;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ways::Ways;

/// The state as last heard.
pub type Watched = RwSignal<Option<MonitorState>>;

/// The Monitor screen.
#[component]
pub fn MonitorScreen() -> impl IntoView {
    let app = use_app();
    let watched: Watched = RwSignal::new(None);
    let chosen = RwSignal::new(None::<u32>);
    watch(app, watched);
    let why_not = Memo::new(move |_| watched.with(|state| state.as_ref().and_then(|state| state.why_not.clone())));
    let shown = Memo::new(move |_| watched.with(|state| state.as_ref().is_some_and(|state| state.why_not.is_none())));
    let drawing = Callback::new(move |width: f64| {
        watched.with(|state| state.as_ref().map(|state| lines::timeline(width.min(900.0), state)).unwrap_or_default())
    });
    view! {
        <div class="page models-page">
            <header class="models-head"><h1>"Monitor"</h1><span class="grow"></span>
                <button on:click=move |_| commands::import_files(app)>"Import new data"</button></header>
            {redrawn(move || why_not.get().map(|why| view! { <p class="placeholder">{why}</p> }.into_any()))}
            <Show when=shown>
                <section class="block" aria-labelledby="timeline-title">
                    <h2 id="timeline-title">"Accuracy by import"</h2>
                    {view! { <Floor watched /> }.into_any()}
                    <ChartFigure drawing />
                </section>
                {view! { <Ways watched /> }.into_any()}
                {view! { <Imports watched chosen /> }.into_any()}
                {view! { <Details watched chosen /> }.into_any()}
                {redrawn(move || watched.with(|state| state.as_ref().and_then(changes)))}
            </Show>
        </div>
    }
}

/// Asks again whenever the session says that there is something new.
fn watch(app: App, watched: Watched) {
    let revision = Memo::new(move |_| {
        app.state.project.with(|project| {
            project
                .as_ref()
                .map(|project| (project.monitor.revision, project.monitor.health, project.monitor.labelling))
        })
    });
    let question = Callback::new(move |()| revision.get().map(|_| Request::Monitor));
    let take = Callback::new(move |reply| match reply {
        Reply::Monitor(state) => watched.set(Some(*state)),
        other => app.unexpected(other),
    });
    keep_asking(app, question, take);
}

/// The acceptable level.
#[component]
fn Floor(
    /// The state.
    watched: Watched,
) -> impl IntoView {
    let app = use_app();
    let typed = RwSignal::new(None::<String>);
    let floor = Memo::new(move |_| watched.with(|state| state.as_ref().map(|state| (state.floor, state.floor_is_set))));
    let value = move || typed.get().or_else(|| Some(format::number((floor.get()?.0? * 1000.0).round() / 10.0)));
    let note = move || {
        floor.get().map(|(level, set)| match (level, set) {
            (_, true) => "Set by you: below it, the model has deteriorated.",
            (Some(_), _) => "Follows from what the first champion was measured at, until you set it.",
            (None, _) => "None yet: what the champion was measured at would allow less than always guessing the largest class gives. Answer more audits, or set it.",
        })
    };
    let set = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(percent) = untrack(value).and_then(|value| text::typed_number(&value)) {
            monitor::set_floor(app, percent / 100.0);
            typed.set(None);
        }
    };
    view! {
        <form class="row" on:submit=set>
            <label class="row">"Acceptable level"
                <input type="text" inputmode="decimal" autocomplete="off" class="short" aria-label="Acceptable level in per cent"
                    prop:value=value on:input=move |event| typed.set(Some(event_target_value(&event))) />"%"</label>
            <button type="submit">"Set the level"</button><span class="muted">{note}</span>
        </form>
    }
}

/// The chip of a state.
pub fn chip(health: Option<Health>) -> AnyView {
    let (class, word) = match health {
        None => ("chip", "comparing"),
        Some(Health::TooSmall) => ("chip", Health::TooSmall.word()),
        Some(Health::Healthy) => ("chip ok", Health::Healthy.word()),
        Some(Health::Watch) => ("chip watch", Health::Watch.word()),
        Some(Health::Deteriorated) => ("chip bad", Health::Deteriorated.word()),
    };
    view! { <span class=class>{word}</span> }.into_any()
}

fn changes(state: &MonitorState) -> Option<AnyView> {
    let mut table = Table::new(&["when", "import", "state", "champion", "logged as"]);
    for change in &state.changes {
        table.rows.push(vec![
            Cell::Text(format::ago(change.time_ms, js_sys::Date::now())),
            Cell::Text(change.name.clone()),
            Cell::Text(change.health.word().to_owned()),
            Cell::Text(format!("r{}", change.model)),
            Cell::Text(format!("r{}", change.run)),
        ]);
    }
    (!table.rows.is_empty()).then(|| {
        view! { <details class="block"><summary>"Changes of state"</summary>{data_table(&table, "Changes of state, newest first")}</details> }
            .into_any()
    })
}
