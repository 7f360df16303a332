//! What an import brought, said in the open where something is missing: on any screen, until it is dismissed.

use super::problems::table;
use crate::protocol::{BatchState, Export};
use crate::ui::app::{App, use_app};
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::dialog::{Dialog, Modal};
use crate::ui::parts::views::redrawn;
use crate::ui::{actions, import_words, imports};
use leptos::prelude::*;

/// An import's state, and what is said of it.
fn reported(app: App, place: u32) -> Option<(BatchState, String)> {
    app.state.project.with_untracked(|project| {
        let project = project.as_ref()?;
        let batch = project.batches.get(place as usize)?;
        Some((batch.clone(), import_words::report(batch, project.kind).1))
    })
}

/// The report on the import that has just ended.
#[component]
pub fn ImportReport() -> impl IntoView {
    let app = use_app();
    let report = app.state.report;
    let shown = move || {
        let place = report.get()?;
        let (batch, sentence) = reported(app, place)?;
        let why = batch.fixed.clone();
        let has_problems = batch.problem_count > 0;
        let remove = Callback::new(move |()| imports::ask_to_remove(app, place, &batch));
        Some(view! {
            <section class="import-report" role="alert" aria-label="Import report">
                <p>{sentence}</p>
                <div class="row">
                    {has_problems.then(|| view! {
                        <button on:click=move |_| app.state.dialog.set(Some(Dialog::Problems(place)))>"Show the rows"</button>
                    }.into_any())}
                    <ActionButton name="Remove this import" why press=remove />
                    <button class="quiet" on:click=move |_| report.set(None)>"Dismiss"</button>
                </div>
            </section>
        })
    };
    redrawn(shown)
}

/// What was wrong with an import.
#[component]
pub fn ProblemsDialog(
    /// Its place.
    batch: u32,
) -> impl IntoView {
    let app = use_app();
    let Some((state, sentence)) = reported(app, batch) else { return ().into_any() };
    let listed = state.problems.len() as u32;
    let more = state.problem_count > listed;
    view! {
        <Modal title="What did not come in" class="wide">
            <p>{sentence}</p>
            {table(state.problems)}
            {more.then(|| format!("These are the first {listed}."))}
            <footer class="row end">
                <button on:click=move |_| actions::export(app, Export::Problems { batch })>"Download all as CSV"</button>
                <button class="primary" autofocus on:click=move |_| app.state.dialog.set(None)>"Close"</button>
            </footer>
        </Modal>
    }
    .into_any()
}
