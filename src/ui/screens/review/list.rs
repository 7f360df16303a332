//! The parts of the review and the ranked list of the one chosen.

use crate::protocol::{ReviewKind, ReviewRow};
use crate::ui::app::use_app;
use crate::ui::format;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::views::CollectAny;
use crate::ui::review::ReviewView;
use leptos::prelude::*;

/// The parts as tabs with their numbers, and the list.
#[component]
pub fn Cases(
    /// What the screen shows.
    view: ReviewView,
) -> impl IntoView {
    let state = use_app().state;
    let tab = move |(place, kind): (usize, ReviewKind)| {
        let count =
            move || view.list.with(|list| list.as_ref().and_then(|list| list.counts.get(place).copied()).unwrap_or(0));
        view! {
            <button class="tab" aria-label=kind.title() aria-pressed=move || (view.kind.get() == kind).to_string() on:click=move |_| view.kind.set(kind)>
                <span>{kind.title()}</span><span class="figures">{move || format::count(count().into())}</span></button>
        }
    };
    let headline = move || {
        view.list.with(|list| match list {
            None => "Looking…".to_owned(),
            Some(list) => match list.progress {
                Some(share) => format!("Looking… {}", format::whole_percent(share.into())),
                None => list.headline.clone(),
            },
        })
    };
    let forecast = move || view.list.with(|list| list.as_ref().map(|list| list.forecast.clone()));
    let draw = move |row: ReviewRow| {
        let items = row.items.clone();
        let present = {
            let items = items.clone();
            Memo::new(move |_| view.case.with(|_| view.items() == items))
        };
        let name = if row.preview.is_empty() { row.name } else { row.preview };
        let given = state.label_words(row.given, row.given_value);
        let suggested = state.label_words(row.suggested, row.suggested_value);
        let labels = match (given, suggested) {
            (Some(given), Some(suggested)) if given != suggested => format!("{given} → {suggested}"),
            (label, other) => label.or(other).unwrap_or_default(),
        };
        let hue = row.suggested.or(row.given).map_or_else(|| "hue-none".to_owned(), |class| hue_class(class.into()));
        view! {
            <li><button class=format!("case-row {hue}") aria-current=move || present.get().then_some("true") on:click=move |_| view.open(Some(items.clone()))>
                <span class="case-name">{name}</span>
                <span class="muted">{labels}</span>
                <span class="figures muted">{row.quality.map(format::probability)}</span>
            </button></li>
        }
        .into_any()
    };
    let cases = move || {
        let found = view.list.with(|list| list.as_ref().map(|list| list.rows.clone()).unwrap_or_default());
        found
            .into_iter()
            .map(|row| {
                let numbers = [row.given_value, row.suggested_value].map(|number| number.map(f64::to_bits));
                Row::new((row.items.clone(), row.given, row.suggested, numbers), move || draw(row))
            })
            .collect()
    };
    view! {
        <aside class="panel review-list" aria-label="To review">
            <div class="tabs" role="group" aria-label="What to review">{ReviewKind::ALL.into_iter().enumerate().map(tab).collect_any()}</div>
            <p class="muted small" role="status" aria-label="What the list means">{headline}" "{forecast}</p>
            <ol class="case-list" aria-label="Cases">{rows(cases)}</ol>
        </aside>
    }
}
