//! Accepted by the model, decided by people, still to ask: one bar, and the same in words.

use crate::protocol::TriageState;
use crate::ui::app::use_app;
use crate::ui::{format, text};
use leptos::prelude::*;

/// The bar with its figures.
#[component]
pub fn TriageBar() -> impl IntoView {
    let state = use_app().state;
    let triage = Memo::new(move |_| {
        state.project.with(|project| project.as_ref().map(|project| project.triage.clone()).unwrap_or_default())
    });
    let part = move |name: &'static str, class: &'static str, of: fn(&TriageState) -> u32| {
        let count = Memo::new(move |_| triage.with(of));
        let share = move || {
            let all = triage.with(|triage| triage.accepted + triage.to_confirm + triage.decided + triage.left);
            f64::from(count.get()) / f64::from(all.max(1))
        };
        let figures = move || format!("{} · {}", format::count(count.get().into()), format::percent(share()));
        let stripe = view! { <span class=format!("triage-part {class}") style:width=move || format!("{}%", text::fixed(share() * 100.0, 3))></span> };
        let words = view! {
            <li hidden=move || name == "to confirm" && count.get() == 0>
                <span class=format!("triage-key {class}") aria-hidden="true"></span>{name}" "<span class="figures muted">{move || figures()}</span>
            </li>
        };
        (stripe, words)
    };
    let (accepted_stripe, accepted) = part("accepted by model", "by-model", |triage| triage.accepted);
    let (decided_stripe, decided) = part("decided by people", "by-people", |triage| triage.decided);
    let (confirm_stripe, confirm) = part("to confirm", "to-confirm", |triage| triage.to_confirm);
    let (left_stripe, left) = part("still to ask", "to-ask", |triage| triage.left);
    view! {
        <div class="triage">
            <div class="triage-bar" aria-hidden="true">{accepted_stripe}{decided_stripe}{confirm_stripe}{left_stripe}</div>
            <ul class="triage-words" aria-label="Accepted and asked">{accepted}{decided}{confirm}{left}</ul>
        </div>
    }
}
