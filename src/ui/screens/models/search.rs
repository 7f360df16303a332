//! Training now, and looking for a better model for a while; what was run before is answered from the log.

use crate::protocol::SearchState;
use crate::ui::app::use_app;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::state::Repeated;
use crate::ui::{experiments, format, text, words};
use leptos::prelude::*;

/// Time budgets: seconds and words.
const BUDGETS: [(u32, &str); 4] = [(60, "1 minute"), (300, "5 minutes"), (900, "15 minutes"), (3600, "1 hour")];

/// The part "Search".
#[component]
pub fn Search() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let seconds = RwSignal::new(BUDGETS[0].0);
    let search =
        Memo::new(move |_| state.project.with(|project| project.as_ref().and_then(|p| p.deployment.search.clone())));
    let training =
        Memo::new(move |_| state.project.with(|project| project.as_ref().and_then(|p| p.deployment.training.clone())));
    let searching = Memo::new(move |_| search.with(|search| search.as_ref().is_some_and(|search| search.running)));
    let busy = Memo::new(move |_| searching.get() || training.with(Option::is_some));
    let model = move || state.project.with(|project| project.as_ref().is_some_and(|project| project.model.is_some()));
    let why = Signal::derive(move || {
        let none = || (!model()).then(|| format!("There is nothing to train on yet. {}", state.why_no_model()));
        let under_way = || busy.get().then(|| "An experiment is under way. Stop it first.".to_owned());
        state.why_read_only().map(str::to_owned).or_else(none).or_else(under_way)
    });
    let choose = move |event| seconds.set(event_target_value(&event).parse().unwrap_or(BUDGETS[0].0));
    let budget = |(seconds, title): (u32, &'static str)| view! { <option value=seconds.to_string()>{title}</option> };
    view! {
        <section id="search" class="block" aria-labelledby="search-title" tabindex="-1">
            <h2 id="search-title">"Search"</h2>
            <p class="muted">"Other models and other settings, tried on the labels there are. What was tried before is answered from the log."</p>
            <div class="row">
                <select aria-label="Time budget" on:change=choose prop:value=move || seconds.get().to_string()>{BUDGETS.map(budget).collect_any()}</select>
                <Show when=move || !searching.get()>
                    <ActionButton class="primary" name="Keep searching".to_owned() why press=Callback::new(move |()| experiments::search(app, seconds.get_untracked())) />
                </Show>
                <ActionButton name="Train now".to_owned() why press=Callback::new(move |()| experiments::train(app)) />
                <Show when=move || busy.get()>
                    <button on:click=move |_| experiments::stop(app)>{move || if searching.get() { "Stop searching" } else { "Stop training" }}</button>
                </Show>
            </div>
            <p class="figures" role="status">{move || training.get().map(|training| format!("Under way: {training}"))}</p>
            {move || search.get().map(|search| search_view(&search, seconds.get_untracked()))}
            {move || state.repeated.get().map(repeated_view)}
        </section>
    }
}

fn search_view(search: &SearchState, budget: u32) -> AnyView {
    let app = use_app();
    let number = search.number;
    // The budget is known only on the page that chose it: time left may be more than the one chosen now.
    let whole = f64::from(budget).max(search.seconds_left);
    let progress = search.running.then(|| {
        let done = text::fixed(1.0 - search.seconds_left / whole, 4);
        view! { <progress aria-label="Time used" max="1" value=done></progress> }
    });
    let state = if search.running {
        let trying = search.trying.as_ref().map(|trying| format!("Trying {trying} · ")).unwrap_or_default();
        format!("{trying}{}", format::time_left(search.seconds_left))
    } else {
        search.ended.clone().unwrap_or_else(|| "Ended.".to_owned())
    };
    view! {
        <div class="search-state">
            {progress}
            <p role="status">{state}</p>
            <p class="figures">{words::search_sentence(search)}" "
                <button class="link" on:click=move |_| experiments::show_run(app, number)>{format!("Show r{number}")}</button></p>
        </div>
    }
    .into_any()
}

/// The experiment was run before: its result, and how to run it all the same.
fn repeated_view(repeated: Repeated) -> AnyView {
    let app = use_app();
    let Repeated { number, sentence, anyway } = repeated;
    view! {
        <div class="from-log" role="status">
            <p><strong>"Answered from the log. "</strong>{sentence}</p>
            <div class="row">
                <button on:click=move |_| experiments::show_run(app, number)>{format!("Show r{number}")}</button>
                <button on:click=move |_| experiments::run_anyway(app, anyway.clone())>"Run anyway"</button>
                <button class="quiet" on:click=move |_| app.state.repeated.set(None)>"Dismiss"</button>
            </div>
        </div>
    }
    .into_any()
}
