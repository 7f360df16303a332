//! One run whole: what decided its result, the result, its files, and what the person noted.

use super::runs::RunsView;
use crate::protocol::{Reply, Request, RunQuery, RunRow};
use crate::ui::app::{App, use_app};
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::views::redrawn;
use crate::ui::{dom, experiments, format, text};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The details of the run that is open, if one is.
#[component]
pub fn RunDetails(
    /// What the part "Runs" shows.
    runs: RunsView,
) -> impl IntoView {
    let app = use_app();
    let elsewhere = RwSignal::new(None::<RunRow>);
    let open = app.state.open_run;
    let here = move || {
        let number = open.get()?;
        let found = runs.rows.with(|rows| rows.iter().find(|row| row.number == number).cloned());
        found.or_else(|| elsewhere.get().filter(|row| row.number == number))
    };
    let row = Memo::new(move |_| here());
    // A run that the search box hides is fetched by itself.
    Effect::new(move |_| {
        if open.get().is_some() && runs.total.get().is_some() && row.with(Option::is_none) {
            fetch(app, elsewhere);
        }
    });
    redrawn(move || row.get().map(|row| details(app, row)))
}

fn fetch(app: App, found: RwSignal<Option<RunRow>>) {
    let Some(number) = app.state.open_run.get_untracked() else { return };
    spawn_local(async move {
        match app.ask(Request::Runs(RunQuery::default()), Vec::new()).await.0 {
            Reply::Runs { rows, .. } => match rows.into_iter().find(|row| row.number == number) {
                // The person may have left the screen meanwhile.
                Some(row) => drop(found.try_set(Some(row))),
                None => app.state.open_run.set(None),
            },
            other => app.unexpected(other),
        }
    });
}

fn details(app: App, row: RunRow) -> AnyView {
    let number = row.number;
    let facts = facts(&row);
    let parent = row.parent.map(|parent| {
        view! { <p>"Belongs to "<button class="link" on:click=move |_| experiments::show_run(app, parent)>{format!("r{parent}")}</button></p> }
    });
    let metrics = row.metrics.iter().map(|(name, value)| (name.clone(), format::number(*value))).collect();
    let close = move |_| {
        app.state.open_run.set(None);
        dom::focus("runs");
    };
    view! {
        <section id="run-details" class="block run-details" aria-label=format!("Run r{number}") tabindex="-1">
            <header class="row"><h2>{format!("r{number} · {}", row.name)}</h2><span class="grow"></span>
                <button class="quiet" aria-label="Close the details" on:click=close>"×"</button></header>
            <p class="muted figures">{facts}</p>
            <p class="bad">{row.error.clone()}</p>
            {parent}
            <div class="run-lists">
                {pairs("Parameters", row.params.clone())}
                {pairs("Metrics", metrics)}
                {pairs("Tags", row.tags.clone())}
                {artifacts(app, &row)}
            </div>
            {row.fingerprint.clone().map(|fingerprint| view! { <p class="small muted">"Fingerprint "<code class="mono">{fingerprint}</code></p> }.into_any())}
            {note(app, &row)}
        </section>
    }
    .into_any()
}

fn facts(row: &RunRow) -> String {
    let mut facts = vec![row.kind.clone(), row.status.clone()];
    facts.extend(row.alias.clone());
    facts.push(format!("started {}", format::ago(row.start_ms, js_sys::Date::now())));
    facts.extend(row.end_ms.map(|end| format!("took {} s", text::fixed((end - row.start_ms).max(0.0) / 1000.0, 1))));
    facts.join(" · ")
}

fn pairs(title: &'static str, pairs: Vec<(String, String)>) -> Option<AnyView> {
    let row = |(name, value): (String, String)| view! { <dt>{name}</dt><dd class="figures">{value}</dd> }.into_any();
    (!pairs.is_empty()).then(|| {
        let rows: Vec<AnyView> = pairs.into_iter().map(row).collect();
        view! { <div><h3>{title}</h3><dl class="extras">{rows}</dl></div> }.into_any()
    })
}

fn artifacts(app: App, row: &RunRow) -> Option<AnyView> {
    let id = row.id.clone();
    let file = |(path, size): &(String, u64)| {
        let (run, wanted) = (id.clone(), path.clone());
        let save = move |_| experiments::save_artifact(app, run.clone(), wanted.clone());
        view! {
            <li><button class="link" aria-label=format!("Download {path}") on:click=save>{path.clone()}</button>" "
                <span class="muted figures">{format::bytes(*size as f64)}</span></li>
        }
        .into_any()
    };
    (!row.artifacts.is_empty()).then(|| {
        let files: Vec<AnyView> = row.artifacts.iter().map(file).collect();
        view! { <div><h3>"Files"</h3><ul>{files}</ul></div> }.into_any()
    })
}

fn note(app: App, row: &RunRow) -> AnyView {
    let (id, stored) = (row.id.clone(), row.note.clone());
    let text = RwSignal::new(row.note.clone());
    let why = Signal::derive(move || {
        let same = text.with(|text| *text == stored).then(|| "Nothing was changed.".to_owned());
        app.state.why_read_only().map(str::to_owned).or(same)
    });
    let save = Callback::new(move |()| experiments::note_run(app, id.clone(), text.get_untracked()));
    view! {
        <div class="note">
            <label class="field">"Note"<textarea rows="2" bind:value=text></textarea></label>
            <ActionButton name="Save note".to_owned() why press=save />
        </div>
    }
    .into_any()
}
