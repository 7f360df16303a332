//! Reliability, learning curve and slices of the measured model.

use super::evaluation::Measured;
use crate::protocol::{EvaluationState, HaltingState, Light};
use crate::ui::format;
use crate::ui::parts::chart::figure::ChartFigure;
use crate::ui::parts::chart::{Drawing, lines, reliability, rows};
use leptos::prelude::*;

/// A chart of the measured model.
fn chart(measured: Measured, draw: fn(f64, &EvaluationState) -> Drawing) -> Callback<f64, Drawing> {
    Callback::new(move |width| {
        measured.with(|measured| measured.as_ref().map(|measured| draw(width, measured)).unwrap_or_default())
    })
}

/// How right it is by how sure it is.
#[component]
pub fn Reliability(
    /// The measured model.
    measured: Measured,
) -> impl IntoView {
    let figures = move || {
        measured.with(|measured| {
            measured.as_ref().map(|m| {
                let (error, brier, loss) =
                    (format::estimate(m.calibration_error), format::number(m.brier), format::number(m.log_loss));
                match m.few {
                    true => format!("ECE {error}"),
                    false => format!("ECE {error} · Brier {brier} · NLL {loss}"),
                }
            })
        })
    };
    view! {
        <section class="chart-tile" aria-labelledby="reliability-title">
            <h3 id="reliability-title">"Reliability"</h3>
            <p class="muted figures">{move || figures()}</p>
            <ChartFigure drawing=chart(measured, |width, m| reliability::draw(width, &m.reliability)) />
        </section>
    }
}

/// What labels have brought so far, and whether more are worth it.
#[component]
pub fn Curve(
    /// The measured model.
    measured: Measured,
) -> impl IntoView {
    let halting = move || {
        measured.with(|measured| measured.as_ref().map(|m| view! { <Halting halting=m.halting.clone() /> }.into_any()))
    };
    view! {
        <section class="chart-tile" aria-labelledby="curve-title">
            <h3 id="curve-title">"Learning curve"</h3>
            {move || halting()}
            <ChartFigure drawing=chart(measured, |width, m| lines::learning_curve(width, &m.curve, &m.random_baseline)) />
        </section>
    }
}

/// The traffic light in a word, and why.
#[component]
pub fn Halting(
    /// What was found.
    halting: HaltingState,
) -> impl IntoView {
    let (class, word) = match halting.light {
        Light::Green => ("light green", "Green"),
        Light::Amber => ("light amber", "Amber"),
        Light::Red => ("light red", "Red"),
    };
    view! {
        <p class="halting"><span class=class aria-hidden="true"></span><span><strong>{word}</strong>" · "{halting.sentence}</span></p>
    }
}

/// Accuracy of parts of the audits, worst first.
#[component]
pub fn Slices(
    /// The measured model.
    measured: Measured,
) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    let groups = Memo::new(move |_| {
        let by = |m: &EvaluationState| m.slices.iter().map(|group| group.by.clone()).collect::<Vec<String>>();
        measured.with(|measured| measured.as_ref().map(|m| by(m)).unwrap_or_default())
    });
    let drawing = Callback::new(move |width| {
        let group = chosen.get();
        measured.with(|measured| {
            let group = measured.as_ref().and_then(|m| m.slices.get(group).or(m.slices.first()));
            group.map(|group| rows::slices(width, group)).unwrap_or_default()
        })
    });
    let choose = move |event| chosen.set(event_target_value(&event).parse().unwrap_or(0));
    let option = |(place, by): (usize, String)| view! { <option value=place.to_string()>{by}</option> }.into_any();
    view! {
        <section class="chart-tile" aria-labelledby="slices-title">
            <h3 id="slices-title">"Slices"</h3>
            <label class="row">"By"
                <select aria-label="Slices by" on:change=choose prop:value=move || chosen.get().to_string()>
                    {move || groups.get().into_iter().enumerate().map(option).collect::<Vec<AnyView>>()}
                </select><span class="muted">"worst first"</span>
            </label>
            <ChartFigure drawing />
        </section>
    }
}
