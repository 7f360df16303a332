//! The one dialog that may be open, as a native `<dialog>`: it traps focus, closes with Escape and gives focus back.

use crate::pipeline::import::plan::ImportPlan;
use crate::protocol::{ClassIndex, ProjectSummary, Request};
use crate::ui::app::use_app;
use crate::ui::parts::views::redrawn;
use crate::ui::screens::import::report::ProblemsDialog;
use crate::ui::screens::projects::{DeleteProject, RenameClass, RenameProject};
use crate::ui::{dom, experiments, parts::keys::Keys, parts::palette::Palette, screens::import::ImportDialog};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Which dialog is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// The keyboard shortcuts.
    Keys,
    /// The command palette.
    Palette,
    /// What an import will do; the import that it goes on with, if one was interrupted.
    Import(Box<ImportPlan>, Option<u32>),
    /// What was wrong with an import, by its place.
    Problems(u32),
    /// A project's new name.
    Rename(ProjectSummary),
    /// A class's new name.
    RenameClass(ClassIndex, String),
    /// Whether to delete a project.
    Delete(ProjectSummary),
    /// Whether to do something that can't be taken back by a key.
    Confirm(Box<Question>),
}

/// A question with two answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The heading.
    pub title: String,
    /// What would follow.
    pub text: String,
    /// The button that does it.
    pub verb: &'static str,
    /// The button that doesn't.
    pub keep: &'static str,
    /// What is asked of the session.
    pub request: Request,
    /// What is said once it is done.
    pub said: String,
}

/// Shows the open dialog.
#[component]
pub fn DialogHost() -> impl IntoView {
    let dialog = use_app().state.dialog;
    redrawn(move || {
        dialog.get().map(|dialog| match dialog {
            Dialog::Keys => view! { <Keys /> }.into_any(),
            Dialog::Palette => view! { <Palette /> }.into_any(),
            Dialog::Import(plan, resume) => view! { <ImportDialog plan=*plan resume /> }.into_any(),
            Dialog::Problems(batch) => view! { <ProblemsDialog batch /> }.into_any(),
            Dialog::Rename(project) => view! { <RenameProject project /> }.into_any(),
            Dialog::RenameClass(class, name) => view! { <RenameClass class name /> }.into_any(),
            Dialog::Delete(project) => view! { <DeleteProject project /> }.into_any(),
            Dialog::Confirm(question) => view! { <Confirm question=*question /> }.into_any(),
        })
    })
}

#[component]
fn Confirm(question: Question) -> impl IntoView {
    let app = use_app();
    let Question { title, text, verb, keep, request, said } = question;
    let go = move |_| {
        app.state.dialog.set(None);
        experiments::perform(app, request.clone(), said.clone());
    };
    view! {
        <Modal title>
            <p>{text}</p>
            <footer class="row end">
                <button autofocus on:click=move |_| app.state.dialog.set(None)>{keep}</button>
                <button class="danger" on:click=go>{verb}</button>
            </footer>
        </Modal>
    }
}

/// A modal dialog with a heading and a close button. It opens when it enters the document; closing it empties
/// [`crate::ui::state::AppState::dialog`].
#[component]
pub fn Modal(
    /// The heading, and the accessible name.
    #[prop(into)]
    title: String,
    /// Another style class.
    #[prop(default = "")]
    class: &'static str,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let state = use_app().state;
    let element = NodeRef::<html::Dialog>::new();
    let came_from = StoredValue::new_local(dom::focused());
    Effect::new(move |_| {
        if let Some(element) = element.get()
            && !element.open()
            && let Err(error) = element.show_modal()
        {
            leptos::logging::error!("the dialog could not open: {error:?}");
        }
    });
    on_cleanup(move || dom::give_focus_back(came_from.try_get_value().flatten()));
    let close = move || state.dialog.set(None);
    // A press on the backdrop hits the dialog itself; everything in it is covered by its children.
    let on_backdrop = move |event: leptos::ev::MouseEvent| {
        let on_itself = event
            .target()
            .is_some_and(|target| target.dyn_ref::<HtmlElement>().is_some_and(|target| target.tag_name() == "DIALOG"));
        if on_itself {
            close();
        }
    };
    let name = title.clone();
    view! {
        <dialog
            node_ref=element
            class=format!("modal {class}")
            aria-label=name
            on:close=move |_| close()
            on:mousedown=on_backdrop
        >
            <div class="modal-body">
                <header class="modal-head">
                    <h2>{title}</h2>
                    <button class="quiet" aria-label="Close" on:click=move |_| close()>"×"</button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}
