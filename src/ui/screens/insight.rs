//! Beside the card: why it is asked, what the model thinks, what is near, what the last label changed.

use crate::protocol::{Card, CardContent, ClassIndex, Neighbour};
use crate::ui::app::use_app;
use crate::ui::parts::bar::{Bar, hue_class};
use crate::ui::parts::picture::Picture;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::{CollectAny, redrawn};
use crate::ui::state::LastEffect;
use crate::ui::{actions, format, order, text};
use leptos::prelude::*;

/// How many probabilities are listed when there are many classes.
const LISTED: usize = 8;

/// The panel at the right.
#[component]
pub fn Insight() -> impl IntoView {
    let state = use_app().state;
    let why = move || state.card.with(|card| card.as_ref().map(|card| card.why.clone()));
    let prediction = move || {
        state.card.with(|card| match card.as_ref() {
            Some(card) if card.audit.is_some() => "Hidden: an audit is answered blind.".to_owned(),
            Some(card) => card
                .value
                .as_ref()
                .map_or_else(|| "No model yet. It needs three labels.".to_owned(), |value| value.words.clone()),
            None => "No card.".to_owned(),
        })
    };
    view! {
        <aside class="panel insight" aria-label="About this card">
            <section><h2>"Why this one"</h2><p>{move || why()}</p></section>
            <Show when=state.numeric fallback=|| view! {
                <section><h2>"Probabilities"</h2><Probabilities /></section>
                <section><h2>"Nearest labelled"</h2><Neighbours /></section>
                <section><h2>"The last label changed"</h2><Effect /></section>
            }>
                <section><h2>"Prediction"</h2><p class="figures">{move || prediction()}</p></section>
            </Show>
            <Extras />
            <ModelNote />
        </aside>
    }
}

#[component]
fn Probabilities() -> impl IntoView {
    let state = use_app().state;
    let row = move |(class, probability): (ClassIndex, f32)| {
        view! {
            <li>
                <span class="class-name">{state.class_name(class)}</span>
                <Bar share=Signal::stored(f64::from(probability)) hue=usize::from(class) />
                <span class="figures">{format::probability(probability)}</span>
            </li>
        }
    };
    redrawn(move || {
        state.card.with(|card| match card {
        None => view! { <p class="muted">"No card."</p> }.into_any(),
        Some(card) if card.audit.is_some() => {
            view! { <p class="muted">"Hidden: an audit is answered blind, so that it measures the model honestly."</p> }.into_any()
        }
        Some(card) if card.repeat => {
            view! { <p class="muted">"Hidden: you labelled this before, and are asked again to see how steady labels are."</p> }.into_any()
        }
        Some(card) if card.probabilities.is_empty() => {
            view! { <p class="muted">{move || state.why_no_model()}</p> }.into_any()
        }
        Some(card) => view! { <ul class="probabilities">{likeliest(card).into_iter().map(row).collect_any()}</ul> }.into_any(),
    })
    })
}

/// Class by class in their order, or only the likeliest ones when there are many.
fn likeliest(card: &Card) -> Vec<(ClassIndex, f32)> {
    let mut all: Vec<(ClassIndex, f32)> = (0..).zip(card.probabilities.iter().copied()).collect();
    if all.len() > LISTED {
        all = order::sorted(all, |a, b| b.1.total_cmp(&a.1));
        all.truncate(LISTED);
    }
    all
}

#[component]
fn Neighbours() -> impl IntoView {
    let state = use_app().state;
    redrawn(move || {
        let (neighbours, pictures) = state.card.with(|card| match card {
            Some(card) => (card.neighbours.clone(), card.content == CardContent::Image),
            None => (Vec::new(), false),
        });
        view! { <NeighbourList neighbours pictures /> }
    })
}

/// The labelled items nearest to one, each a way to its card.
#[component]
pub fn NeighbourList(
    /// Nearest first.
    neighbours: Vec<Neighbour>,
    /// Whether they are images.
    pictures: bool,
) -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let row = move |near: Neighbour| {
        let class = state.class_name(near.class);
        let item = near.item;
        let name = format!("Revisit {}, labelled {class}", near.name);
        let title = near.name.clone();
        view! {
            <li><button class=format!("neighbour {}", hue_class(near.class.into())) aria-label=name
                title=title on:click=move |_| actions::visit(app, item)>
                {pictures.then(|| view! { <Picture item alt="" thumbnail=true /> }.into_any())}
                <span class="neighbour-name">{if pictures { String::new() } else { near.name }}</span>
                <span class="swatch"></span><span class="class-name">{class}</span>
                <span class="figures muted">{text::fixed(near.similarity.into(), 2)}</span>
            </button></li>
        }
    };
    if neighbours.is_empty() {
        view! { <p class="muted">"None to show."</p> }.into_any()
    } else {
        view! { <ul class="neighbours">{neighbours.into_iter().map(row).collect_any()}</ul> }.into_any()
    }
}

#[component]
fn Effect() -> impl IntoView {
    let state = use_app().state;
    redrawn(move || match state.effects.with(|effects| effects.last().cloned().flatten()) {
        None => view! { <p class="muted">"Nothing yet."</p> }.into_any(),
        Some(LastEffect { decision, effect }) if effect.compared == 0 => {
            view! { <p class="muted">{decision}": it changed no prediction."</p> }.into_any()
        }
        Some(LastEffect { decision, effect }) => {
            let flipped = format::counted(effect.flipped.into(), "prediction flipped", "predictions flipped");
            let moved = format::points(effect.confidence_moved);
            view! {
                <p class="figures"><strong>{flipped}</strong>", confidence "{moved}</p>
                <p class="muted">{decision}", "{format!("compared on {}", format::counted(effect.compared.into(), "item", "items"))}</p>
            }
            .into_any()
        }
    })
}

/// Columns that came along with the item.
#[component]
fn Extras() -> impl IntoView {
    let state = use_app().state;
    redrawn(move || {
        let extra = state.card.with(|card| card.as_ref().map(|card| card.extra.clone()).unwrap_or_default());
        (!extra.is_empty()).then(|| view! {
            <section><h2>"Beside it"</h2>
                <dl class="extras">{extra.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect_any()}</dl>
            </section>
        }.into_any())
    })
}

/// Which features the model reads, and a warning while they are worse than they could be.
#[component]
fn ModelNote() -> impl IntoView {
    let state = use_app().state;
    let features = move || state.project.with(|project| project.as_ref().map(|project| project.features.clone()));
    let warning = move || state.project.with(|project| project.as_ref().and_then(|project| project.warning.clone()));
    view! {
        <section><p class="watch">{move || warning()}</p><p class="muted small">{move || features()}</p></section>
    }
}
