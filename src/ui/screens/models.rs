//! How good the model is, said honestly, and how the queue asks.

use crate::protocol::{Export, ModelState, Options, Strategy};
use crate::ui::app::use_app;
use crate::ui::parts::chart::ShareByCount;
use crate::ui::{actions, format};
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

/// The Models screen.
#[component]
pub fn ModelsScreen() -> impl IntoView {
    let app = use_app();
    let model = Memo::new(move |_| {
        app.state.project.with(|project| project.as_ref().and_then(|project| project.model.clone()))
    });
    let verdict = move || {
        model.with(|model| {
            model.as_ref().map_or_else(
                || {
                    "There is no model yet. Label at least one item of each of two classes, and it appears here."
                        .to_owned()
                },
                verdict,
            )
        })
    };
    let curve =
        Signal::derive(move || model.with(|model| model.as_ref().map(|model| model.curve.clone()).unwrap_or_default()));
    view! {
        <div class="page">
            <h1>"Models"</h1>
            <p class="verdict">{verdict}</p>
            <Show when=move || model.with(Option::is_some)>
                <Figures model />
                <section aria-labelledby="curve-title">
                    <h2 id="curve-title">"Learning curve"</h2>
                    <p class="muted">"Share of training labels predicted right out of fold. These labels were chosen, not drawn at random: read the trend, not the height."</p>
                    <Show when=move || curve.with(|curve| curve.len() > 1) fallback=|| view! { <p class="muted">"It is drawn from the second refit on."</p> }>
                        <ShareByCount title="Learning curve on training labels" across="labels" up="Right, out of fold" points=curve />
                    </Show>
                </section>
                <p><button on:click=move |_| actions::export(app, Export::Model)>"Export model"</button></p>
            </Show>
            <Asking />
        </div>
    }
}

fn verdict(model: &ModelState) -> String {
    let learnt =
        format!("Model {} has learnt from {}", model.version, format::counted(model.labels.into(), "label", "labels"));
    match &model.audit {
        Some(audit) => format!(
            "{learnt} and is right on {} of items, measured on {}.",
            format::interval(audit.estimate, audit.low, audit.high),
            format::counted(audit.total.into(), "blind audit", "blind audits"),
        ),
        None => format!("{learnt}. No audit is answered yet, so its accuracy is not known."),
    }
}

#[component]
fn Figures(model: Memo<Option<ModelState>>) -> impl IntoView {
    let audit = move || {
        model.with(|model| {
            model.as_ref()?.audit.map(|audit| {
                (
                    format::interval(audit.estimate, audit.low, audit.high),
                    format!("{} of {} right, exact 95 % interval", audit.right, audit.total),
                )
            })
        })
    };
    let out_of_fold = move || model.with(|model| model.as_ref()?.out_of_fold.map(format::percent));
    let temperature = move || model.with(|model| model.as_ref().map(|model| format!("{:.2}", model.temperature)));
    let state = move || {
        model.with(|model| {
            if model.as_ref().is_some_and(|model| model.polishing) {
                "refining in the background"
            } else {
                "up to date"
            }
        })
    };
    view! {
        <div class="figure-tiles">
            <div class="figure-tile"><h2>"Audit accuracy"</h2>
                <p class="big figures">{move || audit().map_or_else(|| "not known yet".to_owned(), |(value, _)| value)}</p>
                <p class="muted">{move || audit().map_or_else(|| "Blind, random questions measure it; some of the cards are such.".to_owned(), |(_, note)| note)}</p></div>
            <div class="figure-tile"><h2>"Training labels, out of fold"</h2>
                <p class="big figures">{move || out_of_fold().unwrap_or_else(|| "not known yet".to_owned())}</p>
                <p class="muted">"A guide, not the accuracy."</p></div>
            <div class="figure-tile"><h2>"Calibration temperature"</h2>
                <p class="big figures">{temperature}</p>
                <p class="muted">{state}</p></div>
        </div>
    }
}

/// The strategy and the share of audits.
#[component]
fn Asking() -> impl IntoView {
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
        if let Ok(percent) = event_target_value(&event).parse::<f64>() {
            actions::set_options(
                app,
                Options { audit_share: (percent / 100.0).clamp(0.0, 0.5), ..options.get_untracked() },
            );
        }
    };
    view! {
        <section aria-labelledby="asking-title">
            <h2 id="asking-title">"How it asks"</h2>
            <fieldset class="choices column"><legend>"What is asked first"</legend>{STRATEGIES.map(strategy).collect_view()}</fieldset>
            <label class="field">"Audit share"
                <span class="row"><input type="range" min="0" max="50" step="5" prop:value=move || (options.get().audit_share * 100.0).round().to_string() on:change=set_share
                    aria-valuetext=move || format!("{:.0} per cent", options.get().audit_share * 100.0) />
                <span class="figures">{move || format!("{:.0} %", options.get().audit_share * 100.0)}</span></span>
            </label>
            <p class="muted">"So many of the cards are drawn at random, asked without a suggestion and kept out of training. They cost effort and buy an honest figure."</p>
        </section>
    }
}
