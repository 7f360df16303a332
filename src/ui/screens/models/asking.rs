//! How the queue asks, and what happens by itself when new labels are in.

use crate::protocol::{Options, Strategy};
use crate::ui::app::use_app;
use crate::ui::parts::views::CollectAny;
use crate::ui::{actions, order, text};
use leptos::prelude::*;

const STRATEGIES: [(Strategy, &str, &str); 3] = [
    (
        Strategy::Herding,
        "Uncertainty herding",
        "Uncertain items that stand for many others. Best from the first label on.",
    ),
    (Strategy::Margin, "Margin", "The smallest gap between the two likeliest classes. Good late, narrow early."),
    (Strategy::Random, "Random", "Uniformly. Slow, but a fair sample."),
];

/// The strategy and the share of audits.
#[component]
pub fn Asking() -> impl IntoView {
    let app = use_app();
    let options = Memo::new(move |_| {
        app.state.project.with(|project| project.as_ref().map(|project| project.options).unwrap_or_default())
    });
    let strategy = move |(strategy, title, text): (Strategy, &'static str, &'static str)| {
        view! {
            <label class="choice"><input type="radio" name="strategy" prop:checked=move || options.get().strategy == strategy
                on:change=move |_| actions::set_options(app, Options { strategy, ..options.get_untracked() }) />
                <span><strong>{title}</strong><br /><span class="muted">{text}</span></span></label>
        }
    };
    let set_share = move |event| {
        if let Some(percent) = text::number(&event_target_value(&event)) {
            actions::set_options(
                app,
                Options { audit_share: order::within(percent / 100.0, 0.0, 0.5), ..options.get_untracked() },
            );
        }
    };
    let set_repeats = move |event| {
        if let Some(percent) = text::number(&event_target_value(&event)) {
            let repeat_share = order::within(percent / 100.0, 0.0, 0.5);
            actions::set_options(app, Options { repeat_share, ..options.get_untracked() });
        }
    };
    view! {
        <section id="asking" class="block" aria-labelledby="asking-title" tabindex="-1">
            <h2 id="asking-title">"How it asks"</h2>
            <fieldset class="choices column"><legend>"What is asked first"</legend>{STRATEGIES.map(strategy).collect_any()}</fieldset>
            <label class="field">"Audit share"
                <span class="row"><input type="range" min="0" max="50" step="5" prop:value=move || text::fixed(options.get().audit_share * 100.0, 0) on:change=set_share
                    aria-valuetext=move || format!("{} per cent", text::fixed(options.get().audit_share * 100.0, 0)) />
                <span class="figures">{move || format!("{} %", text::fixed(options.get().audit_share * 100.0, 0))}</span></span>
            </label>
            <p class="muted">"So many of the cards are drawn at random, asked without a suggestion and kept out of training. They cost effort and buy an honest figure."</p>
            <label class="field">"Repeated questions, per cent of the cards"
                <input type="number" min="0" max="50" step="1" prop:value=move || text::fixed(options.get().repeat_share * 100.0, 0) on:change=set_repeats /></label>
            <p class="muted">"What you labelled some time ago is asked again, blind, to see how steady your labels are. Review shows the figure; no label is changed."</p>
            {view! { <Pipeline options /> }.into_any()}
        </section>
    }
}

/// What happens by itself when new labels are in.
#[component]
fn Pipeline(options: Memo<Options>) -> impl IntoView {
    let app = use_app();
    let set_after = move |event| {
        if let Ok(retrain_after) = event_target_value(&event).trim().parse::<u32>() {
            actions::set_options(app, Options { retrain_after, ..options.get_untracked() });
        }
    };
    let switch = move |_| {
        let present = options.get_untracked();
        actions::set_options(app, Options { auto_promote: !present.auto_promote, ..present });
    };
    view! {
        <h3>"The pipeline"</h3>
        <label class="field">"Retrain after new labels"
            <span class="row"><input type="number" min="0" max="10000" step="1" aria-label="Retrain after so many new labels"
                prop:value=move || options.get().retrain_after.to_string() on:change=set_after />
            <span class="muted">"0: never by itself"</span></span>
        </label>
        <label class="check"><input type="checkbox" prop:checked=move || options.get().auto_promote on:change=switch />
            "Promote by itself what passes the gate"</label>
        <p class="muted">"After so many new labels a model is trained, measured on the audits and brought to the gate. Otherwise it asks you before it promotes."</p>
    }
}
