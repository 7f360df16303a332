//! Which predictions may stand without a person: the split, the error budget, the certificates.

use super::certificate::{Card, Earlier};
use crate::protocol::TriagePlan;
use crate::ui::app::use_app;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::triage_bar::TriageBar;
use crate::ui::{experiments, text};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// The part "Triage".
#[component]
pub fn Triage() -> impl IntoView {
    view! {
        <section id="triage" class="block" aria-labelledby="triage-title" tabindex="-1">
            <h2 id="triage-title">"Triage"</h2>
            <p class="muted">"State how many wrong predictions you can live with. A blind audit then proves that the surest ones keep to it, or they are asked."</p>
            <TriageBar />
            {view! { <Budget /> }.into_any()}
            {view! { <Card /> }.into_any()}
            {view! { <Earlier /> }.into_any()}
        </section>
    }
}

/// A number of per cent between 0 and 100, both left out, as a share.
fn share(text: &str) -> Option<f64> {
    let percent = text::number(&text.trim().replace(',', "."))?;
    (percent > 0.0 && percent < 100.0).then_some(percent / 100.0)
}

/// The error budget, the confidence, and what must keep to it.
#[component]
fn Budget() -> impl IntoView {
    let app = use_app();
    let (alpha, confidence) = (RwSignal::new("5".to_owned()), RwSignal::new("95".to_owned()));
    let by_class = RwSignal::new(false);
    let plan = move || {
        let (alpha, confidence) = (share(&alpha.read())?, share(&confidence.read())?);
        // 100 − 95 is written as 0.05, not as the nearest that floating point finds.
        Some(TriagePlan { alpha, delta: ((1.0 - confidence) * 1e6).round() / 1e6, by_class: by_class.get() })
    };
    let why = Signal::derive(move || {
        let project =
            app.state.project.with(|project| project.as_ref().and_then(|project| project.triage.why_not.clone()));
        let numbers = plan().is_none().then(|| "Both numbers must lie between 0 and 100.".to_owned());
        app.state.why_read_only().map(str::to_owned).or(numbers).or(project)
    });
    let propose = move || {
        if let Some(plan) = untrack(plan).filter(|_| why.with_untracked(Option::is_none)) {
            experiments::propose(app, plan);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        propose();
    };
    view! {
        <form class="budget" on:submit=submit>
            <label class="field">"Error budget"<span class="row"><input type="number" min="0.1" max="50" step="any" aria-label="Error budget in per cent" bind:value=alpha />"%"</span></label>
            <label class="field">"Confidence"<span class="row"><input type="number" min="50" max="99.9" step="any" aria-label="Confidence in per cent" bind:value=confidence />"%"</span></label>
            <fieldset class="choices"><legend>"The budget holds for"</legend>
                <label><input type="radio" name="budget-scope" prop:checked=move || !by_class.get() on:change=move |_| by_class.set(false) />"the whole batch"</label>
                <label><input type="radio" name="budget-scope" prop:checked=move || by_class.get() on:change=move |_| by_class.set(true) />"each class"</label>
            </fieldset>
            <ActionButton class="primary" name="Propose and audit".to_owned() why press=Callback::new(move |()| propose()) />
        </form>
    }
}
