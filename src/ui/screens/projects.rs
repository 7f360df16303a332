//! The stored projects: open, rename, delete.

use crate::protocol::{ClassIndex, ProjectSummary};
use crate::ui::app::use_app;
use crate::ui::parts::dialog::{Dialog, Modal};
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::show::Show;
use crate::ui::{actions, format, order};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// The list, newest first; nothing at all while there are none.
#[component]
pub fn Projects() -> impl IntoView {
    let projects = use_app().state.projects;
    let newest_first = move || order::sorted(projects.get(), |a, b| b.changed_ms.total_cmp(&a.changed_ms));
    let row = |project: ProjectSummary| {
        let key = (project.id.clone(), project.name.clone(), project.labelled, project.items);
        Row::new(key, move || view! { <ProjectRow project /> }.into_any())
    };
    view! {
        <Show when=move || projects.with(|projects| !projects.is_empty())>
            <section aria-labelledby="projects-title">
                <h2 id="projects-title">"Your projects"</h2>
                <ul class="projects">{rows(move || newest_first().into_iter().map(row).collect())}</ul>
            </section>
        </Show>
    }
}

#[component]
fn ProjectRow(project: ProjectSummary) -> impl IntoView {
    let app = use_app();
    let dialog = app.state.dialog;
    let figures = format!(
        "{} · {} labelled · {}",
        format::counted(project.items.into(), project.kind.noun(), &format!("{}s", project.kind.noun())),
        format::count(project.labelled.into()),
        format::ago(project.changed_ms, js_sys::Date::now()),
    );
    let (id, name) = (project.id.clone(), project.name.clone());
    let (renamed, deleted) = (project.clone(), project);
    view! {
        <li>
            <button class="project-open" aria-label=format!("Open {name}") on:click=move |_| {
                app.go(crate::ui::route::Route::Label);
                actions::open_project(app, id.clone());
            }>
                <strong>{name.clone()}</strong><span class="muted figures">{figures}</span>
            </button>
            <button class="quiet" aria-label=format!("Rename {name}") on:click=move |_| dialog.set(Some(Dialog::Rename(renamed.clone())))>"Rename"</button>
            <button class="quiet" aria-label=format!("Delete {name}") on:click=move |_| dialog.set(Some(Dialog::Delete(deleted.clone())))>"Delete"</button>
        </li>
    }
}

/// Asks for a project's new name.
#[component]
pub fn RenameProject(
    /// Which.
    project: ProjectSummary,
) -> impl IntoView {
    let app = use_app();
    let name = project.name.clone();
    let rename = Callback::new(move |name| actions::rename_project(app, project.clone(), name));
    view! { <Rename title="Rename project" label="Project name" name rename /> }
}

/// Asks for a class's new name. Its labels stay.
#[component]
pub fn RenameClass(
    /// Which.
    class: ClassIndex,
    /// Its name so far.
    name: String,
) -> impl IntoView {
    let app = use_app();
    let rename = Callback::new(move |name| actions::rename_class(app, class, name));
    view! { <Rename title="Rename class" label="New name" name rename /> }
}

#[component]
fn Rename(title: &'static str, label: &'static str, name: String, rename: Callback<String>) -> impl IntoView {
    let dialog = use_app().state.dialog;
    let name = RwSignal::new(name);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_owned();
        if !name.is_empty() {
            dialog.set(None);
            rename.run(name);
        }
    };
    view! {
        <Modal title=title>
            <form on:submit=submit>
                <label class="field">{label}<input type="text" autofocus bind:value=name /></label>
                <footer class="row end">
                    <button type="button" on:click=move |_| dialog.set(None)>"Keep the old name"</button>
                    <button class="primary">"Rename"</button>
                </footer>
            </form>
        </Modal>
    }
}

/// Asks whether a project is really to be deleted.
#[component]
pub fn DeleteProject(
    /// Which.
    project: ProjectSummary,
) -> impl IntoView {
    let app = use_app();
    let sentence = format!(
        "“{}” with {} and {} will be gone from this browser. Your original files are not touched. To keep the labels, open it and export the whole project first.",
        project.name,
        format::counted(project.items.into(), "item", "items"),
        format::counted(project.labelled.into(), "label", "labels"),
    );
    let delete = move |_| {
        app.state.dialog.set(None);
        actions::delete_project(app, project.clone());
    };
    view! {
        <Modal title="Delete project?">
            <p>{sentence}</p>
            <footer class="row end">
                <button autofocus on:click=move |_| app.state.dialog.set(None)>"Keep it"</button>
                <button class="danger" on:click=delete>"Delete"</button>
            </footer>
        </Modal>
    }
}
