//! The card: the item as large as the window allows, in a frame that never moves.

use crate::protocol::{Card, CardContent, JobStatus};
use crate::ui::app::use_app;
use crate::ui::parts::picture::Picture;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::{CollectAny, redrawn};
use crate::ui::screens::batches::TakeAgain;
use crate::ui::{dom, imports};
use leptos::prelude::*;

/// The card on screen, or why there is none.
#[component]
pub fn CardView() -> impl IntoView {
    let state = use_app().state;
    // The content is made anew only when the item changes: a flag must not make the picture blink.
    let content = move || {
        state.card_item.get().and_then(|_| state.card.get_untracked()).map(|card| view! { <Content card /> }.into_any())
    };
    let name = move || state.card.with(|card| card.as_ref().map(|card| card.name.clone()));
    let blind = move || {
        state.card.with(|card| match card {
            Some(card) if card.audit.is_some() => Some("Audit: no suggestion shown"),
            Some(card) if card.repeat => Some("Asked again: no suggestion shown"),
            _ => None,
        })
    };
    let flagged = move || state.card.with(|card| card.as_ref().is_some_and(|card| card.flagged));
    let revisit =
        move || state.card.with(|card| card.as_ref().and_then(|card| state.label_words(card.label, card.given)));
    view! {
        <section id=dom::CARD_ID class="card" role="region" aria-label="Card" aria-describedby="card-name" tabindex="-1"
            data-item=move || state.card_item.get().map(|item| item.to_string())>
            <header class="card-head">
                <h2 id="card-name" class="card-name">{move || name()}</h2>
                <Show when=flagged><span class="chip watch">"Flagged"</span></Show>
                {move || revisit().map(|class| view! { <span class="chip">{format!("Now {class}")}</span> }.into_any())}
                {move || blind().map(|words| view! { <span class="chip audit">{words}</span> }.into_any())}
            </header>
            <div class="card-content">{move || content()}<NoCard /></div>
        </section>
    }
}

/// What an item is, as large as there is room.
#[component]
pub fn Content(
    /// The item.
    card: Card,
) -> impl IntoView {
    match card.content {
        CardContent::Image => view! { <Picture item=card.item alt=card.name /> }.into_any(),
        CardContent::Text(text) => {
            // A sentence is set large; a page is set to be read.
            let size = match text.chars().count() {
                0..=140 => "text short",
                141..=600 => "text",
                _ => "text long",
            };
            view! { <div class=size tabindex=(size == "text long").then_some("0")><p>{text}</p></div> }.into_any()
        }
        CardContent::Row(cells) => {
            let row = |(column, cell): (String, String)| {
                let cell = if cell.is_empty() {
                    view! { <span class="muted">"missing"</span> }.into_any()
                } else {
                    cell.into_any()
                };
                view! { <tr><th scope="row">{column}</th><td class="figures">{cell}</td></tr> }
            };
            view! { <div class="row-table"><table><tbody>{cells.into_iter().map(row).collect_any()}</tbody></table></div> }.into_any()
        }
    }
}

/// What is said when there is no card: that items are being read, or why the queue is empty. Never silent.
#[component]
fn NoCard() -> impl IntoView {
    let state = use_app().state;
    let sentence = move || {
        if state.card_item.with(Option::is_some) {
            return None;
        }
        if let Some(why) = state.deck.with(|deck| deck.why_empty().map(str::to_owned)) {
            return Some(why);
        }
        let working = state.jobs.with(|jobs| jobs.iter().any(|job| job.status == JobStatus::Running));
        Some(
            if working {
                "The first card comes as soon as the first items are in."
            } else {
                "Fetching the next card…"
            }
            .to_owned(),
        )
    };
    let cut = Memo::new(move |_| {
        state.project.with(|project| project.as_ref().and_then(imports::interrupted).map(|(place, _)| place))
    });
    redrawn(move || {
        sentence().map(|sentence| {
            let again = cut.get().map(|index| view! { <div class="row"><TakeAgain index /></div> }.into_any());
            view! { <div class="no-card"><p role="status">{sentence}</p>{again}</div> }.into_any()
        })
    })
}
