//! Asking for a run of blind audits, and what stands in place of the figures while there are none.

use crate::ui::app::use_app;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::show::Show;
use crate::ui::route::Route;
use crate::ui::state::AppState;
use crate::ui::{experiments, format};
use leptos::prelude::*;

fn model(state: AppState) -> bool {
    // The session refuses audits of numbers while there is no model of them.
    state.numeric.get() || state.project.with(|project| project.as_ref().is_some_and(|project| project.model.is_some()))
}

/// How many, a button, and how many of them are still to answer.
#[component]
pub fn AuditNow() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let count = RwSignal::new(experiments::AUDITS.to_string());
    let wished = Memo::new(move |_| state.project.with(|project| project.as_ref().map_or(0, |p| p.audits_wished)));
    let number = move || count.with(|count| count.parse::<u32>().ok()).filter(|count| (1..=1000).contains(count));
    let why = Signal::derive(move || {
        let no_model = || (!model(state)).then(|| format!("Audits measure a model. {}", state.why_no_model()));
        let bad = || number().is_none().then(|| "How many? Between 1 and 1,000.".to_owned());
        state.why_read_only().map(str::to_owned).or_else(no_model).or_else(bad)
    });
    let ask = Callback::new(move |()| {
        if let Some(count) = untrack(number) {
            experiments::audit_now(app, count);
        }
    });
    let left = move || {
        let asked = state.audits_asked.get().max(wished.get());
        format!(
            "{} of {} still to answer",
            format::count(wished.get().into()),
            format::counted(asked.into(), "audit", "audits")
        )
    };
    view! {
        <div class="row audit-now">
            <input type="number" min="1" max="1000" step="1" aria-label="Number of audits" bind:value=count />
            <ActionButton name="Audit now".to_owned() why press=ask />
            <Show when=move || { wished.get() > 0 }>
                <span class="figures" role="status">{move || left()}</span>
                <a href=Route::Label.hash()>"Answer them"</a>
                <button class="quiet" on:click=move |_| experiments::audit_now(app, 0)>"Don’t ask them"</button>
            </Show>
        </div>
    }
}

const HERE: &str = "Accuracy, confusion matrix, reliability, learning curve and slices will be here.";

/// What will be here, and how it begins.
#[component]
pub fn NoAudits(
    /// Whether the session has answered that there are none.
    loaded: RwSignal<bool>,
) -> impl IntoView {
    let state = use_app().state;
    let sentence = move || match (loaded.get(), model(state)) {
        (false, _) => "Measuring…".to_owned(),
        (true, false) => format!("{HERE} {}", state.why_no_model()),
        (true, true) => {
            format!("{HERE} They are measured on blind audits: press “Audit now”, then answer on the Label screen.")
        }
    };
    view! { <p class="placeholder">{move || sentence()}</p> }
}
