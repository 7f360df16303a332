//! What every figure means.

use crate::protocol::{Reply, Request};
use crate::ui::app::use_app;
use crate::ui::parts::views::CollectAny;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The Glossary screen.
#[component]
pub fn GlossaryScreen() -> impl IntoView {
    let app = use_app();
    let terms = RwSignal::new(Vec::<(String, String)>::new());
    spawn_local(async move {
        match app.ask(Request::Glossary, Vec::new()).await.0 {
            // The screen may be gone.
            Reply::Glossary(told) => drop(terms.try_set(told)),
            other => app.unexpected(other),
        }
    });
    let term = |(name, meaning): (String, String)| view! { <div><dt>{name}</dt><dd>{meaning}</dd></div> };
    view! {
        <div class="page">
            <h1>"Glossary"</h1>
            <p class="muted">"Every figure on screen, and how it is computed."</p>
            <dl class="glossary">{move || terms.get().into_iter().map(term).collect_any()}</dl>
        </div>
    }
}
