//! The Review screen: what looks wrong, one decision at a time, and what putting it right has gained.

pub mod case;
pub mod consequences;
pub mod list;

use crate::protocol::Verdict;
use crate::ui::app::use_app;
use crate::ui::dom;
use crate::ui::hotkey::{Hotkey, hotkey};
use crate::ui::review::ReviewView;
use case::Case;
use consequences::Consequences;
use leptos::ev;
use leptos::prelude::*;
use list::Cases;

/// The Review screen.
#[component]
pub fn ReviewScreen() -> impl IntoView {
    let view = ReviewView::new(use_app());
    let keys = window_event_listener(ev::keydown, move |event| {
        if event.repeat() && !event.key().starts_with("Arrow") || !dom::is_free_key(&event) {
            return;
        }
        let key = event.key();
        if matches!(key.as_str(), "Enter" | " ") && dom::is_on_control(&event) {
            return;
        }
        match key.as_str() {
            "ArrowDown" => view.step(1),
            "ArrowUp" => view.step(-1),
            "Delete" | "Backspace" => view.decide(Verdict::Exclude),
            _ => match hotkey(&key) {
                Some(Hotkey::Accept) => view.take(),
                Some(Hotkey::Skip) => view.decide(Verdict::Keep),
                Some(Hotkey::Flag) => view.decide(Verdict::SecondOpinion),
                Some(Hotkey::Undo) => view.undo(),
                Some(Hotkey::Class(class)) => view.label(class),
                _ => return,
            },
        }
        event.prevent_default();
    });
    on_cleanup(move || keys.remove());
    view! {
        <div class="review-screen">
            <h1 class="visually-hidden">"Review"</h1>
            {view! { <Cases view /> }.into_any()}
            {view! { <Case view /> }.into_any()}
            {view! { <Consequences view /> }.into_any()}
        </div>
    }
}
