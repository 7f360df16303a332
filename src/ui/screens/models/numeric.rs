//! How good the model of a numeric target is, and what could be accepted from it.

use super::audits::AuditNow;
use crate::protocol::{Interval, NumericFigures, NumericState, Reply, Request};
use crate::ui::app::use_app;
use crate::ui::parts::live::keep_asking;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::words::test_labels;
use crate::ui::{format, text};
use leptos::prelude::*;

/// The part "How good": figures on the audits first, then on the training labels.
#[component]
pub fn HowGood() -> impl IntoView {
    let app = use_app();
    let tolerance = RwSignal::new("1".to_owned());
    let number = move || tolerance.with(|typed| text::typed_number(typed)).filter(|&it| it >= 0.0);
    let state = RwSignal::new(None::<NumericState>);
    // The state of the project follows each label and each refit.
    let question = Callback::new(move |()| {
        app.state.project.track();
        number().map(|tolerance| Request::Numeric { tolerance })
    });
    let take = Callback::new(move |reply| match reply {
        Reply::Numeric(numeric) => state.set(Some(*numeric)),
        other => app.unexpected(other),
    });
    keep_asking(app, question, take);
    let problem = move || match number() {
        None => Some("The tolerance is a number of 0 or more.".to_owned()),
        Some(_) => state.with(|state| state.as_ref().and_then(|state| state.problem.clone())),
    };
    let tile = |(title, value, note): (&'static str, String, String)| {
        Row::new((title, value.clone(), note.clone()), move || {
            view! { <div class="figure-tile"><dt>{title}</dt><dd class="big figures">{value}</dd><dd class="muted">{note}</dd></div> }
                .into_any()
        })
    };
    let tiles = move || state.with(|state| state.iter().flat_map(figures).map(tile).collect());
    view! {
        <section id="evaluation" class="block" aria-labelledby="evaluation-title" tabindex="-1">
            <h2 id="evaluation-title">"How good"</h2>
            <div class="row">
                <label class="field">"Tolerance, in the unit of the labels"
                    <input type="text" inputmode="decimal" autocomplete="off" bind:value=tolerance /></label>
                <span class="grow"></span>
                <AuditNow />
            </div>
            <p class="watch" role="status">{problem}</p>
            <dl class="figure-tiles">{rows(tiles)}</dl>
        </section>
    }
}

/// Each figure: title, value, and what it is measured on.
fn figures(state: &NumericState) -> Vec<(&'static str, String, String)> {
    let on_audits = format!("On {}, 95\u{a0}% interval", format::counted(state.audits.into(), "audit", "audits"));
    let on_labels =
        format!("On {} by itself left out", format::counted(state.labels.into(), "label, each", "labels, each"));
    let NumericFigures { mae, rmse, r2 } = state.on_audits;
    let few = if state.audits < 10 { "From 10 audits on".to_owned() } else { on_audits.clone() };
    let within = state.within_tolerance.map_or_else(|| "–".to_owned(), format::estimate);
    let own = state.out_of_fold;
    let mut figures = vec![
        ("Mean absolute error", words(mae), few.clone()),
        ("Root mean squared error", words(rmse), few.clone()),
        ("R²", words(r2), few),
        ("Within the tolerance", within, on_audits),
        (
            "Could be accepted",
            format::count(state.acceptable.into()),
            "Items without a label whose 90\u{a0}% interval reaches no further than the tolerance".to_owned(),
        ),
        ("Mean absolute error, training labels", words(own.mae), on_labels.clone()),
        ("Root mean squared error, training labels", words(own.rmse), on_labels.clone()),
        ("R², training labels", words(own.r2), on_labels),
    ];
    if state.tests > 0 {
        let on_tests = format!("On {}", test_labels(state.tests));
        figures.push(("Mean absolute error, test set", words(state.on_tests.mae), on_tests.clone()));
        figures.push(("R², test set", words(state.on_tests.r2), on_tests));
    }
    figures
}

/// A figure with its interval; a dash for what is not known.
fn words(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |it| format!("{} ({}–{})", format::number(it.estimate), format::number(it.low), format::number(it.high)),
    )
}
