//! What an import will do, for the person to correct and confirm.

mod columns;
mod destination;
mod labels;
mod problems;
pub mod report;
mod test_set;

pub use self::problems::Problems;

use self::columns::{Columns, Format, KindChoice};
use self::destination::Destination;
use self::labels::Labels;
use self::test_set::TestSetChoice;
use crate::pipeline::import::plan::ImportPlan;
use crate::ui::app::use_app;
use crate::ui::parts::dialog::Modal;
use crate::ui::parts::views::redrawn;
use crate::ui::plan_edit::Draft;
use crate::ui::{import_words, imports};
use leptos::prelude::*;

/// The dialog after the files were looked at.
#[component]
pub fn ImportDialog(
    /// What the session guessed.
    plan: ImportPlan,
    /// The import that it goes on with, if one was interrupted.
    resume: Option<u32>,
) -> impl IntoView {
    let app = use_app();
    let draft = RwSignal::new(Draft::new(plan));
    let into = RwSignal::new(None::<String>);
    let obstacle = Memo::new(move |_| draft.with(Draft::obstacle));
    let confirm = move |_| {
        if obstacle.get_untracked().is_none() {
            imports::import(app, draft.with_untracked(Draft::finished), into.get_untracked(), resume);
        }
    };
    // Other columns, other folders or other problems: what is drawn from the plan as it was guessed is drawn anew.
    let header = Memo::new(move |_| draft.with(|draft| draft.plan.header));
    view! {
        <Modal title="Import" class="wide">
            <div class="import">
                <div>
                    <p class="lead">{move || draft.with(|draft| import_words::preview(&draft.plan))}</p>
                    <p class="muted">{move || draft.with(|draft| import_words::passed_over(draft.plan.hidden))}</p>
                </div>
                <Destination draft into resume />
                {redrawn(move || {
                    header.track();
                    let problems = draft.with_untracked(|draft| draft.plan.problems.clone());
                    view! {
                        <Format draft />
                        <KindChoice draft />
                        <Columns draft />
                        <Labels draft />
                        <TestSetChoice draft />
                        <Problems problems />
                    }
                })}
            </div>
            <footer class="row end">
                <p class="watch grow" id="import-obstacle" role="status">{move || obstacle.get()}</p>
                <button on:click=move |_| app.state.dialog.set(None)>"Cancel"</button>
                <button class="primary" autofocus aria-describedby="import-obstacle" aria-disabled=move || obstacle.with(Option::is_some).to_string()
                    on:click=confirm>"Import"</button>
            </footer>
        </Modal>
    }
}
