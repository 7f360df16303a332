//! How good a model is, measured on the blind audits, live as they are answered.

use super::audits::{AuditNow, NoAudits};
use super::charts::{Curve, Reliability, Slices};
use super::confusion::{Classes, Confusion};
use crate::protocol::{EvaluationState, Judged, Reply, Request};
use crate::ui::app::{App, use_app};
use crate::ui::parts::live::keep_asking;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::{CollectAny, redrawn};
use crate::ui::{format, words};
use leptos::prelude::*;

/// The measured model; `None` before the first answer, or without audits.
pub type Measured = RwSignal<Option<Box<EvaluationState>>>;

const CHOICES: [(Judged, &str); 3] =
    [(Judged::Champion, "Champion"), (Judged::Challenger, "Challenger"), (Judged::Working, "Working model")];

/// The part "Evaluation".
#[component]
pub fn Evaluation() -> impl IntoView {
    let app = use_app();
    let chosen = RwSignal::new(None::<Judged>);
    let there = Memo::new(move |_| {
        app.state.project.with(|project| {
            project
                .as_ref()
                .map_or((false, false), |p| (p.deployment.champion.is_some(), p.deployment.challenger.is_some()))
        })
    });
    // The champion unless another is chosen; what is gone is not looked at.
    let model = Memo::new(move |_| match (chosen.get(), there.get()) {
        (Some(Judged::Working), _) | (_, (false, false)) => Judged::Working,
        (Some(Judged::Challenger), (_, true)) => Judged::Challenger,
        (_, (true, _)) => Judged::Champion,
        (_, (false, true)) => Judged::Working,
    });
    let measured: Measured = RwSignal::new(None);
    let loaded = RwSignal::new(false);
    measure(app, model, measured, loaded);
    let any = Memo::new(move |_| measured.with(Option::is_some));
    let name = move || measured.with(|measured| measured.as_ref().map(|measured| measured.name.clone()));
    view! {
        <section id="evaluation" class="block" aria-labelledby="evaluation-title" tabindex="-1">
            <h2 id="evaluation-title">"Evaluation"</h2>
            <div class="row">
                <div class="segmented" role="group" aria-label="Model">
                    {CHOICES.map(|(judged, title)| choice(judged, title, model, there, chosen)).collect_any()}
                </div>
                <p class="muted">{move || name()}</p>
                <span class="grow"></span>
                <AuditNow />
            </div>
            <Show when=move || any.get() fallback=move || view! { <NoAudits loaded /> }>
                {view! { <Tiles measured /> }.into_any()}
                <div class="chart-tiles">
                    {view! { <Confusion measured /> }.into_any()}
                    {view! { <Reliability measured /> }.into_any()}
                    {view! { <Curve measured /> }.into_any()}
                    {view! { <Slices measured /> }.into_any()}
                </div>
                {view! { <Classes measured /> }.into_any()}
            </Show>
        </section>
    }
}

fn choice(
    judged: Judged,
    title: &'static str,
    model: Memo<Judged>,
    there: Memo<(bool, bool)>,
    chosen: RwSignal<Option<Judged>>,
) -> impl IntoView {
    let missing = move || match (judged, there.get()) {
        (Judged::Champion, (false, _)) => Some("There is no champion yet."),
        (Judged::Challenger, (_, false)) => Some("There is no challenger now."),
        _ => None,
    };
    let choose = move |_| {
        if untrack(missing).is_none() {
            chosen.set(Some(judged));
        }
    };
    view! {
        <button aria-pressed=move || (model.get() == judged).to_string() aria-disabled=move || missing().is_some().to_string()
            title=missing aria-description=missing on:click=choose>{title}</button>
    }
}

/// Asks for the figures again whenever what they rest on changes.
fn measure(app: App, model: Memo<Judged>, measured: Measured, loaded: RwSignal<bool>) {
    let basis = Memo::new(move |_| {
        app.state.project.with(|project| {
            project.as_ref().map(|p| {
                let version = p.model.as_ref().map(|model| (model.version, model.polishing));
                (p.items, p.embedded, p.labelled, p.decided(), p.classes.len(), version, p.deployment.runs_revision)
            })
        })
    });
    let question = Callback::new(move |()| basis.get().map(|_| Request::Evaluate(model.get())));
    let take = Callback::new(move |reply| match reply {
        Reply::Evaluation(evaluation) => {
            app.state.halting.set(evaluation.as_ref().map(|evaluation| evaluation.halting.clone()));
            measured.set(evaluation);
            loaded.set(true);
        }
        other => app.unexpected(other),
    });
    keep_asking(app, question, take);
}

/// The figures that sum it up.
#[component]
fn Tiles(measured: Measured) -> impl IntoView {
    let of = move |read: fn(&EvaluationState) -> String| {
        move || measured.with(|measured| measured.as_ref().map(|measured| read(measured)).unwrap_or_default())
    };
    let tile = move |title: &'static str, note: &'static str, read: fn(&EvaluationState) -> String| {
        view! {
            <div class="figure-tile"><dt>{title}</dt><dd class="big figures">{of(read)}</dd><dd class="muted">{note}</dd></div>
        }
        .into_any()
    };
    let basis = of(|e| {
        let on = match &e.test {
            Some(test) if e.on_test => words::test_labels(test.total),
            _ => format::counted(e.audits.into(), "audit", "audits"),
        };
        let so_far = format::muted_point(e.accuracy).map(|point| format!("{point}. ")).unwrap_or_default();
        format!("{so_far}Share right on {on}, exact 95\u{a0}% interval")
    });
    // In a figure of its own beside that of the audits.
    let test = move || {
        let test = measured.with(|measured| measured.as_ref().filter(|e| !e.on_test).and_then(|e| e.test));
        test.map(|test| {
            let note = format!("Share right on {}", words::test_labels(test.total));
            view! {
                <div class="figure-tile"><dt>"Accuracy on the test set"</dt>
                    <dd class="big figures">{format::estimate(test.share())}</dd><dd class="muted">{note}</dd></div>
            }
            .into_any()
        })
    };
    view! {
        <dl class="figure-tiles">
            <div class="figure-tile"><dt>"Accuracy"</dt>
                <dd class="big figures">{of(|e| format::estimate(e.accuracy))}</dd><dd class="muted">{basis}</dd></div>
            {redrawn(test)}
            {tile("Estimate for the rest", "Share right among the items nobody labelled for training", |e| if e.on_test { "takes audits".to_owned() } else { format::estimate(e.estimate) })}
            {tile("Calibration error (ECE)", "Gap between how sure and how right it is", |e| format::estimate(e.calibration_error))}
            {tile("Brier score", "0 is perfect, 2 is worst", |e| alone(e, format::number(e.brier)))}
            {tile("Log loss (NLL)", "Mean −ln p of the true class", |e| alone(e, format::number(e.log_loss)))}
            {tile("Balanced accuracy", "Mean of the classes’ recalls", |e| alone(e, format::percent(e.balanced_accuracy)))}
            {tile("Macro F1", "Mean of the classes’ F1", |e| alone(e, format::percent(e.macro_f1)))}
            {tile("ROC AUC", "One class against the rest, averaged", |e| e.roc_auc.map_or_else(|| "a class has no audit".to_owned(), |area| alone(e, format::number(area))))}
        </dl>
    }
}

/// A figure without an interval is told once the audits are enough.
fn alone(evaluation: &EvaluationState, figure: String) -> String {
    if evaluation.few { "too few to say".to_owned() } else { figure }
}
