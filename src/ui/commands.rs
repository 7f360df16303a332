//! Every action by name, for the command palette. What has a key says so.

use crate::browser::files;
use crate::protocol::{CertificateStatus, ClassIndex, Demo, Export, ProjectState, ProjectSummary, Sheet};
use crate::ui::app::App;
use crate::ui::hotkey::class_key;
use crate::ui::parts::dialog::Dialog;
use crate::ui::route::Route;
use crate::ui::screens::models::SECTIONS;
use crate::ui::theme::{self, Theme};
use crate::ui::{actions, experiments, format, imports, mlflow, outbox::Outbox, text, words};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Something the person can ask for by name.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Label the card with a class.
    Label(ClassIndex, String),
    /// Accept the suggestion.
    Accept,
    /// Pass the card by.
    Skip,
    /// Mark the card.
    Flag,
    /// Take back the last decision.
    Undo,
    /// Name a new class.
    NewClass,
    /// Show a screen.
    Go(Route),
    /// Show a part of the Models screen: its id and name.
    Section(&'static str, &'static str),
    /// Ask for a run of audits.
    AuditNow,
    /// Train the champion's kind of model.
    Train,
    /// Look for a better model: seconds.
    Search(u32),
    /// Stop what is trained or searched.
    StopExperiments,
    /// Make the challenger champion: its number.
    Promote(u32),
    /// Go back to the champion before: its number.
    RollBack(u32),
    /// Accept what is certified: how many predictions.
    AcceptCertified(u32),
    /// Give up the audit of a certificate.
    StopTriage,
    /// Open the page that pushes the log to MLflow.
    PushToMlflow,
    /// Take something away.
    Export(Export),
    /// Choose files to import.
    ImportFiles,
    /// Choose a folder to import.
    ImportFolder,
    /// Open a demo.
    Demo(Demo),
    /// Open another project.
    Open(ProjectSummary),
    /// Leave the open project.
    Close,
    /// Send again what could not be saved.
    SendAgain,
    /// Show the keys.
    Keys,
    /// Choose light or dark.
    Theme(Theme),
}

/// What can be taken away from the open project, and what it is called.
pub const EXPORTS: [(Export, &str); 13] = [
    (Export::LabelsCsv, "Labels as CSV"),
    (Export::LabelsJsonLines, "Labels as JSONL"),
    (Export::LabelLog, "Label log, for another annotator’s project"),
    (Export::PredictionsCsv, "Predictions as CSV"),
    (Export::ChampionPredictionsCsv, "Champion’s predictions as CSV"),
    (Export::Model, "Model"),
    (Export::RunsCsv, "Runs as CSV"),
    (Export::RunsMlflow, "Runs for MLflow (zip)"),
    (Export::Project, "Whole project"),
    // After the plain ones, which come back equal: these are to be looked at.
    (Export::ForSpreadsheets(Sheet::Labels), "Labels for spreadsheets (CSV)"),
    (Export::ForSpreadsheets(Sheet::Predictions), "Predictions for spreadsheets (CSV)"),
    (Export::ForSpreadsheets(Sheet::ChampionPredictions), "Champion’s predictions for spreadsheets (CSV)"),
    (Export::ForSpreadsheets(Sheet::Runs), "Runs for spreadsheets (CSV)"),
];

/// The demos, with their names as in "Open the demo: photos".
pub const DEMOS: [(Demo, &str); 3] =
    [(Demo::Photos, "photos"), (Demo::Sentences, "sentences"), (Demo::Penguins, "penguins")];

impl Command {
    /// What can be asked for now, the likeliest first.
    pub fn available(app: App) -> Vec<Command> {
        let state = app.state;
        let mut commands = Vec::new();
        let open = state.project.with_untracked(|project| project.as_ref().map(|project| project.id.clone()));
        if open.is_some() {
            if state.route.get_untracked() == Route::Label {
                // A card is labelled only while it is seen.
                let classes = state.classes.get_untracked();
                commands.extend((0..).zip(classes).map(|(place, class)| Command::Label(place, class.class.name)));
                commands.extend([Command::Accept, Command::Skip, Command::Flag]);
            }
            commands.extend([Command::Undo, Command::NewClass]);
            commands.extend(Route::RAIL.map(Command::Go));
            state
                .project
                .with_untracked(|project| commands.extend(project.as_ref().map(deploying).into_iter().flatten()));
            commands.push(Command::Go(Route::Glossary));
            commands.extend(EXPORTS.map(|(export, _)| Command::Export(export)));
            commands.push(Command::Close);
        } else {
            commands.push(Command::Go(Route::Settings));
        }
        commands.extend([Command::ImportFiles, Command::ImportFolder]);
        commands.extend(DEMOS.map(|(demo, _)| Command::Demo(demo)));
        let others = state.projects.get_untracked().into_iter().filter(|project| Some(&project.id) != open.as_ref());
        commands.extend(others.map(Command::Open));
        if state.outbox.with_untracked(|outbox: &Outbox| !outbox.refused().is_empty()) {
            commands.push(Command::SendAgain);
        }
        commands.push(Command::Keys);
        commands.extend(Theme::ALL.map(Command::Theme));
        commands
    }

    /// Its name.
    pub fn title(&self) -> String {
        match self {
            Command::Label(_, name) => format!("Label as {name}"),
            Command::Accept => "Accept the suggestion".to_owned(),
            Command::Skip => "Skip this item".to_owned(),
            Command::Flag => "Flag this item".to_owned(),
            Command::Undo => "Undo the last decision".to_owned(),
            Command::NewClass => "New class".to_owned(),
            Command::Go(route) => format!("Go to {}", route.title()),
            Command::Section(_, name) => format!("Show {}", text::lowercase(name)),
            Command::AuditNow => format!("Audit now: {} questions", experiments::AUDITS),
            Command::Train => "Train now".to_owned(),
            Command::Search(seconds) => format!("Keep searching for {} min", seconds / 60),
            Command::StopExperiments => "Stop training or searching".to_owned(),
            Command::Promote(number) => format!("Promote r{number}"),
            Command::RollBack(number) => format!("Roll back to r{number}"),
            Command::AcceptCertified(count) => {
                format!("Accept {}", format::counted((*count).into(), "prediction", "predictions"))
            }
            Command::StopTriage => "Stop the audit for the certificate".to_owned(),
            Command::PushToMlflow => "Push to MLflow…".to_owned(),
            Command::Export(export) => {
                let name = EXPORTS.iter().find(|(each, _)| each == export).map_or("Problems", |(_, name)| name);
                format!("Export: {name}")
            }
            Command::ImportFiles => "Import files".to_owned(),
            Command::ImportFolder => "Import a folder".to_owned(),
            Command::Demo(demo) => {
                let name = DEMOS.iter().find(|(each, _)| each == demo).map_or("", |(_, name)| name);
                format!("Open the demo: {name}")
            }
            Command::Open(project) => format!("Open project {}", project.name),
            Command::Close => "Close this project".to_owned(),
            Command::SendAgain => "Save again what was not saved".to_owned(),
            Command::Keys => "Show the keys".to_owned(),
            Command::Theme(theme) => format!("Appearance: {}", text::lowercase(theme.title())),
        }
    }

    /// Its key on the Label screen, if it has one.
    pub fn key(&self) -> Option<String> {
        let key = match self {
            Command::Label(class, _) => return class_key(*class).map(|key| key.to_string()),
            Command::Accept => "Enter",
            Command::Skip => "Space",
            Command::Flag => "F",
            Command::Undo => "Z",
            Command::NewClass => "N",
            Command::Keys => "?",
            _ => return None,
        };
        Some(key.to_owned())
    }

    /// Does it.
    pub fn run(self, app: App) {
        match self {
            Command::Label(class, _) => actions::label(app, class),
            Command::Accept => actions::accept(app),
            Command::Skip => actions::skip(app),
            Command::Flag => actions::flag(app),
            Command::Undo => actions::undo(app),
            Command::NewClass => {
                app.go(Route::Label);
                app.state.naming_class.set(true);
            }
            Command::Go(route) => app.go(route),
            Command::Section(id, _) => experiments::show_section(app, id),
            Command::AuditNow => experiments::audit_now(app, experiments::AUDITS),
            Command::Train => experiments::train(app),
            Command::Search(seconds) => experiments::search(app, seconds),
            Command::StopExperiments => experiments::stop(app),
            Command::Promote(_) => experiments::promote(app),
            Command::RollBack(_) => experiments::ask_to_roll_back(app),
            Command::AcceptCertified(_) => experiments::accept_certified(app),
            Command::StopTriage => experiments::stop_triage(app),
            Command::PushToMlflow => mlflow::open(app),
            Command::Export(export) => actions::export(app, export),
            Command::ImportFiles => import_files(app),
            Command::ImportFolder => import_folder(app),
            Command::Demo(demo) => imports::open_demo(app, demo),
            Command::Open(project) => {
                app.go(Route::Label);
                actions::open_project(app, project.id);
            }
            Command::Close => actions::close_project(app),
            Command::SendAgain => actions::send_again(app),
            Command::Keys => app.state.dialog.set(Some(Dialog::Keys)),
            Command::Theme(choice) => theme::choose(choice),
        }
    }
}

/// What can be done about models now.
fn deploying(project: &ProjectState) -> Vec<Command> {
    let deployment = &project.deployment;
    let mut commands = Vec::new();
    commands.extend(words::promotable(project).map(Command::Promote));
    match words::acceptable(&project.triage) {
        0 => {}
        count => commands.push(Command::AcceptCertified(count)),
    }
    commands.push(Command::AuditNow);
    let searching = deployment.search.as_ref().is_some_and(|search| search.running);
    if searching || deployment.training.is_some() {
        commands.push(Command::StopExperiments);
    } else if project.model.is_some() {
        commands.extend([Command::Train, Command::Search(60), Command::Search(300)]);
    }
    if project.triage.certificates.first().is_some_and(|newest| newest.status == CertificateStatus::Auditing) {
        commands.push(Command::StopTriage);
    }
    commands.extend(words::earlier_champion(project).map(Command::RollBack));
    commands.extend(SECTIONS.map(|(id, name)| Command::Section(id, name)));
    commands.push(Command::PushToMlflow);
    commands
}

/// Lets the person choose files and looks at them.
pub fn import_files(app: App) {
    spawn_local(async move { imports::inspect(app, files::pick_files().await) });
}

/// Lets the person choose a folder and looks at what is in it.
pub fn import_folder(app: App) {
    spawn_local(async move { imports::inspect(app, files::pick_folder().await) });
}
