//! What every figure means.

use crate::ui::glossary::TERMS;
use crate::ui::parts::views::CollectAny;
use leptos::prelude::*;

/// The Glossary screen.
#[component]
pub fn GlossaryScreen() -> impl IntoView {
    view! {
        <div class="page">
            <h1>"Glossary"</h1>
            <p class="muted">"Every figure on screen, and how it is computed."</p>
            <dl class="glossary">
                {TERMS.map(|term| view! { <div><dt>{term.name}</dt><dd>{term.meaning}</dd></div> }).collect_any()}
            </dl>
        </div>
    }
}
