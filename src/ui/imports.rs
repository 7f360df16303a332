//! What a person can do about imports: look at files, import them, go on after an interruption, take one back.

use crate::browser::files::{self, Given};
use crate::pipeline::import::plan::{ImportPlan, SourceFile};
use crate::protocol::{BatchState, Demo, ImportStatus, ProjectState, ProjectSummary, Reply, Request};
use crate::ui::actions::{LAST_PROJECT, leave, open_project, refresh_projects};
use crate::ui::app::App;
use crate::ui::format::counted;
use crate::ui::parts::dialog::{Dialog, Question};
use crate::ui::parts::toast::Tone;
use crate::ui::plan_edit::Draft;
use crate::ui::route::Route;
use crate::ui::{dom, experiments, import_words, keeping};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

/// The project of a demo that was opened before.
pub fn begun_demo(projects: &[ProjectSummary], demo: Demo) -> Option<&ProjectSummary> {
    projects.iter().find(|project| project.name == demo.title() && project.items > 0)
}

/// Goes on with a demo or, the first time, imports it into a project of its own.
pub fn open_demo(app: App, demo: Demo) {
    let begun =
        app.state.projects.with_untracked(|projects| begun_demo(projects, demo).map(|project| project.id.clone()));
    if let Some(project) = begun {
        app.go(Route::Label);
        return open_project(app, project);
    }
    leave(app);
    app.state.reading.set(Some("Opening the demo…".to_owned()));
    spawn_local(async move { started(app, app.ask(Request::OpenDemo { demo }, Vec::new()).await.0) });
}

/// Looks at files and shows what their import would do.
pub fn inspect(app: App, files: Vec<Given>) {
    inspect_for(app, files, None);
}

fn inspect_for(app: App, files: Vec<Given>, resume: Option<u32>) {
    if files.is_empty() {
        return;
    }
    app.state.reading.set(Some(format!("Looking at {}…", counted(files.len() as u64, "file", "files"))));
    spawn_local(async move {
        let (sources, attachments): (Vec<SourceFile>, Vec<JsValue>) =
            files.into_iter().map(|(source, file)| (source, JsValue::from(file))).unzip();
        let (reply, _) = app.ask(Request::Inspect { sources }, attachments).await;
        app.state.reading.set(None);
        match reply {
            Reply::Plan(plan) => app.state.dialog.set(Some(Dialog::Import(plan, resume))),
            Reply::Restored(project) => {
                app.state.tell(Tone::Note, format!("“{}” was restored from its file.", project.name));
                refresh_projects(app);
                open_project(app, project.id);
            }
            other => app.unexpected(other),
        }
    });
}

/// Looks at the same files anew, by what the person says of their first row.
pub fn inspect_again(app: App, draft: RwSignal<Draft>, header: bool) {
    spawn_local(async move {
        match app.ask(Request::InspectAgain { header }, Vec::new()).await.0 {
            Reply::Plan(plan) => {
                // The dialog may be closed by now.
                let _ = draft.try_update(|draft| draft.reread(*plan));
            }
            other => app.unexpected(other),
        }
    });
}

/// Imports what was inspected, as the person confirmed it.
pub fn import(app: App, plan: ImportPlan, into: Option<String>, resume: Option<u32>) {
    let stays =
        app.state.project.with_untracked(|open| open.as_ref().is_some_and(|open| Some(&open.id) == into.as_ref()));
    if !stays {
        leave(app);
    }
    app.state.dialog.set(None);
    spawn_local(async move { started(app, app.ask(Request::Import { plan, into, resume }, Vec::new()).await.0) });
}

fn started(app: App, reply: Reply) {
    app.state.reading.set(None);
    match reply {
        Reply::Started { project, .. } => {
            dom::remember(LAST_PROJECT, Some(&project));
            app.go(Route::Label);
            refresh_projects(app);
        }
        other => {
            app.unexpected(other);
            if app.state.project.with_untracked(Option::is_none) {
                app.go(Route::Start);
            }
        }
    }
}

/// The import that was interrupted, if one was: its place and state.
pub fn interrupted(project: &ProjectState) -> Option<(u32, &BatchState)> {
    (0..).zip(&project.batches).find(|(_, batch)| batch.status == ImportStatus::Interrupted)
}

/// Lets the person choose the files of an interrupted import again, to go on with it.
pub fn take_again(app: App, batch: u32, folder: bool) {
    spawn_local(async move {
        let given = if folder { files::pick_folder().await } else { files::pick_files().await };
        inspect_for(app, given, Some(batch));
    });
}

/// Asks whether an import is to go, with its items and their labels.
pub fn ask_to_remove(app: App, index: u32, batch: &BatchState) {
    app.state.dialog.set(Some(Dialog::Confirm(Box::new(Question {
        title: "Remove this import?".to_owned(),
        text: format!(
            "{} of “{}” go, with their labels, also those that a later import brought again. They can be brought back until the next import. Your original files are not touched.",
            counted(batch.items.into(), "item", "items"),
            batch.name
        ),
        verb: "Remove",
        keep: "Keep it",
        request: Request::RemoveImport { batch: index },
        said: "Removed".to_owned(),
    }))));
}

/// Brings back the import that was removed last.
pub fn bring_back(app: App, batch: u32) {
    experiments::perform(app, Request::RestoreImport { batch }, "Brought back".to_owned());
}

/// Which imports were known, and where they stood.
pub struct Known {
    /// The open project.
    pub project: String,
    standing: Vec<ImportStatus>,
}

impl Known {
    /// Of the open project, if one is.
    pub fn of(app: &App) -> Option<Known> {
        app.state.project.with_untracked(|project| {
            let project = project.as_ref()?;
            let standing = project.batches.iter().map(|batch| batch.status).collect();
            Some(Known { project: project.id.clone(), standing })
        })
    }
}

/// Says what an import brought that has ended since: in passing if all is well, else until it is dismissed.
pub fn tell_ended(app: App, since: Option<Known>) {
    let ended = app.state.project.with_untracked(|project| {
        let project = project.as_ref()?;
        let known = since.filter(|known| known.project == project.id)?.standing;
        let was_running = |place: u32| known.get(place as usize).is_none_or(|status| *status == ImportStatus::Running);
        let has_ended = |batch: &BatchState| {
            matches!(batch.status, ImportStatus::Finished | ImportStatus::Cancelled | ImportStatus::Failed)
        };
        let (place, batch) =
            (0..).zip(&project.batches).filter(|(place, batch)| was_running(*place) && has_ended(batch)).last()?;
        Some((place, import_words::report(batch, project.kind)))
    });
    if ended.is_some() {
        keeping::look_for_room(app);
    }
    match ended {
        Some((place, (true, _))) => app.state.report.set(Some(place)),
        Some((_, (false, sentence))) => {
            app.state.report.set(None);
            app.state.tell(Tone::Note, sentence);
        }
        None => {}
    }
}
