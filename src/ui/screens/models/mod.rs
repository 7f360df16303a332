//! The Models screen: the verdict first, then how good a model is, what may be accepted, what else could be tried, and all
//! that was.

pub mod asking;
pub mod audits;
pub mod certificate;
pub mod charts;
pub mod comparison;
pub mod confusion;
pub mod evaluation;
pub mod numeric;
pub mod run_details;
pub mod runs;
pub mod runs_table;
pub mod search;
pub mod triage;
pub mod verdict;

use crate::ui::app::use_app;
use crate::ui::dom;
use crate::ui::experiments;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use asking::Asking;
use comparison::Comparison;
use evaluation::Evaluation;
use leptos::prelude::*;
use numeric::HowGood;
use run_details::RunDetails;
use runs::{Runs, RunsView};
use search::Search;
use triage::Triage;
use verdict::Verdict;

/// The parts of the screen: their ids and headings.
pub const SECTIONS: [(&str, &str); 6] = [
    ("verdict", "Verdict"),
    ("evaluation", "Evaluation"),
    ("triage", "Triage"),
    ("search", "Search"),
    ("runs", "Runs"),
    ("asking", "How it asks"),
];

/// The Models screen.
#[component]
pub fn ModelsScreen() -> impl IntoView {
    let app = use_app();
    let runs = RunsView::new(app);
    // The part that was asked for is reached once it is laid out.
    Effect::new(move |_| {
        app.state.section.track();
        request_animation_frame(move || experiments::reach_section(app));
    });
    let link = |(id, title): (&'static str, &'static str)| {
        let go = move |_| {
            dom::scroll_to(id);
        };
        view! { <li><button class="quiet" on:click=go>{title}</button></li> }
    };
    view! {
        <div class="page models-page">
            <header class="models-head">
                <h1>"Models"</h1>
                <Show when=move || !app.state.numeric.get()>
                    <nav aria-label="On this page"><ul class="sections">{SECTIONS.map(link).collect_any()}</ul></nav>
                </Show>
            </header>
            <Show when=app.state.numeric fallback=move || view! {
                {view! { <Verdict /> }.into_any()}
                {view! { <Evaluation /> }.into_any()}
                {view! { <Triage /> }.into_any()}
                {view! { <Search /> }.into_any()}
                {view! { <Runs runs /> }.into_any()}
                {view! { <RunDetails runs /> }.into_any()}
                {view! { <Comparison runs /> }.into_any()}
                {view! { <Asking /> }.into_any()}
            }>{view! { <HowGood /> }.into_any()}</Show>
        </div>
    }
}
