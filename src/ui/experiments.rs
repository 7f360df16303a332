//! What a person can do about models: audit, train, search, promote, accept. The figures that follow come by themselves.

use crate::protocol::{ExperimentReply, Export, Reply, Request, TriagePlan};
use crate::ui::app::App;
use crate::ui::format;
use crate::ui::parts::dialog::{Dialog, Question};
use crate::ui::parts::toast::Tone;
use crate::ui::route::Route;
use crate::ui::state::Repeated;
use crate::ui::words;
use crate::ui::{actions, dom};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// How many audits "audit now" asks for unless another number is given.
pub const AUDITS: u32 = 20;

/// Asks for something, and says it when it is done.
pub fn perform(app: App, request: Request, said: String) {
    if let Some(reason) = untrack(|| app.state.why_read_only()) {
        return app.state.tell(Tone::Bad, format!("Nothing was changed. {reason}"));
    }
    let moves_items = matches!(request, Request::RemoveImport { .. } | Request::RestoreImport { .. });
    spawn_local(async move {
        match app.ask(request, Vec::new()).await.0 {
            Reply::Done => app.state.announcement.set(said),
            Reply::Count(count) => {
                if moves_items {
                    app.forget_items();
                }
                let items = format::counted(count.into(), "item", "items");
                app.state.announcement.set(format!("{said}: {items}"));
            }
            other => app.unexpected(other),
        }
    });
}

/// The next questions are blind audits.
pub fn audit_now(app: App, count: u32) {
    app.state.audits_asked.set(count);
    perform(
        app,
        Request::AuditNow { count },
        match count {
            0 => "No more audits are asked for".to_owned(),
            count => format!("The next {} are audits", format::counted(count.into(), "question", "questions")),
        },
    );
}

/// Trains the champion's kind of model on all labels.
pub fn train(app: App) {
    experiment(app, Request::Train { anyway: false }, Request::Train { anyway: true });
}

/// Looks for a better model for so many seconds.
pub fn search(app: App, seconds: u32) {
    experiment(app, Request::Search { seconds, anyway: false }, Request::Search { seconds, anyway: true });
}

/// Runs an experiment that the log has already.
pub fn run_anyway(app: App, request: Request) {
    experiment(app, request.clone(), request);
}

/// Begins an experiment; `anyway` runs it even if the log has it.
pub fn experiment(app: App, request: Request, anyway: Request) {
    let state = app.state;
    if let Some(reason) = untrack(|| state.why_read_only()) {
        return state.tell(Tone::Bad, format!("Nothing was begun. {reason}"));
    }
    state.repeated.set(None);
    spawn_local(async move {
        match app.ask(request, Vec::new()).await.0 {
            Reply::Experiment(ExperimentReply::Started { number }) => {
                state.announcement.set(format!("Run r{number} has begun"));
            }
            Reply::Experiment(ExperimentReply::FromLog { number, sentence, .. }) => {
                state.announcement.set(sentence.clone());
                state.repeated.set(Some(Repeated { number, sentence, anyway }));
            }
            other => app.unexpected(other),
        }
    });
}

/// Stops what is trained or searched.
pub fn stop(app: App) {
    perform(app, Request::StopExperiments, "Stopped; finished trials stay".to_owned());
}

/// The challenger becomes champion.
pub fn promote(app: App) {
    perform(app, Request::Promote, "Promoted".to_owned());
}

/// Asks whether the champion before is to be champion again.
pub fn ask_to_roll_back(app: App) {
    let numbers = app.state.project.with_untracked(|project| {
        let project = project.as_ref()?;
        Some((project.deployment.champion.as_ref()?.number, words::earlier_champion(project)?))
    });
    let Some((present, earlier)) = numbers else { return };
    app.state.dialog.set(Some(Dialog::Confirm(Box::new(Question {
        title: format!("Roll back to r{earlier}?"),
        text: format!(
            "r{earlier} becomes champion again in place of r{present}. No label and no run is lost; a certificate earned with r{present} becomes void."
        ),
        verb: "Roll back",
        keep: "Keep the champion",
        request: Request::RollBack,
        said: format!("r{earlier} is champion again"),
    }))));
}

/// Proposes what to accept and begins its audit.
pub fn propose(app: App, plan: TriagePlan) {
    perform(app, Request::ProposeTriage(plan), "Proposed; its audit has begun".to_owned());
}

/// Accepts what the newest certificate covers.
pub fn accept_certified(app: App) {
    perform(app, Request::AcceptCertified, "Accepted from the model".to_owned());
}

/// Gives up the audit of a certificate.
pub fn stop_triage(app: App) {
    perform(app, Request::StopTriage, "The audit for the certificate is given up".to_owned());
}

/// Asks whether accepted labels are to be taken back.
pub fn ask_to_revert(app: App, certificate: u32, accepted: u32) {
    let items = format::counted(accepted.into(), "accepted label", "accepted labels");
    app.state.dialog.set(Some(Dialog::Confirm(Box::new(Question {
        title: "Take back what was accepted?".to_owned(),
        text: format!("{items} of certificate {certificate} will be gone, and these items are to be asked again. Labels by people stay."),
        verb: "Revert",
        keep: "Keep them",
        request: Request::RevertAccepted { certificate },
        said: "Taken back".to_owned(),
    }))));
}

/// Replaces what is noted about a run.
pub fn note_run(app: App, run: String, note: String) {
    perform(app, Request::NoteRun { run, note }, "Note saved".to_owned());
}

/// Saves a file of a run.
pub fn save_artifact(app: App, run: String, path: String) {
    actions::save_file(app, Request::Artifact { run, path });
}

/// Shows a run's details on the Models screen.
pub fn show_run(app: App, number: u32) {
    app.state.open_run.set(Some(number));
    show_section(app, "run-details");
}

/// Shows a part of the Models screen.
pub fn show_section(app: App, id: &'static str) {
    app.go(Route::Models);
    app.state.section.set(Some(id));
}

/// The exports of the log, and what they are called.
pub const RUN_EXPORTS: [(Export, &str); 3] = [
    (Export::RunsCsv, "Runs as CSV"),
    (Export::RunsMlflow, "Runs for MLflow (zip)"),
    (Export::RunsPushPlan, "Runs for MLflow (plan)"),
];

/// Scrolls to the part that was asked for, once it is there.
pub fn reach_section(app: App) {
    if let Some(id) = app.state.section.get_untracked()
        && dom::scroll_to(id)
    {
        app.state.section.set(None);
    }
}
