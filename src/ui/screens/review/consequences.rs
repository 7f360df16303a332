//! Beside the case: how far the review has come, what it gained, what else the data lacks, and who labelled.

use crate::protocol::{AnnotatorsState, Export, Finding, Interval, LabelAuditState, Options, RoundState};
use crate::ui::app::{App, use_app};
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::views::CollectAny;
use crate::ui::review::{self, ReviewView};
use crate::ui::route::Route;
use crate::ui::{actions, format, words};
use leptos::prelude::*;

/// Labels that one press asks again: as few as tell something.
const LABEL_AUDITS: u32 = 20;

/// The panel at the right.
#[component]
pub fn Consequences(
    /// What the screen shows.
    view: ReviewView,
) -> impl IntoView {
    let app = use_app();
    let round = Memo::new(move |_| {
        app.state
            .project
            .with(|project| project.as_ref().map(|project| project.review.round.clone()).unwrap_or_default())
    });
    let annotators = Memo::new(move |_| {
        view.list.with(|list| list.as_ref().map(|list| list.annotators.clone()).unwrap_or_default())
    });
    let findings =
        Memo::new(move |_| view.list.with(|list| list.as_ref().map(|list| list.findings.clone()).unwrap_or_default()));
    let audit = Memo::new(move |_| {
        view.list.with(|list| list.as_ref().map(|list| list.label_audit.clone()).unwrap_or_default())
    });
    let left_out = move || {
        let count = app.state.project.with(|project| project.as_ref().map_or(0, |project| project.review.left_out));
        (count > 0).then(|| {
            let labels = format::counted(count.into(), "label nearly duplicates", "labels nearly duplicate");
            view! { <p class="muted small">{format!("{labels} an audit and are left out of training, so that the audits stay honest.")}</p> }.into_any()
        })
    };
    view! {
        <aside class="panel consequences" aria-label="Consequences">
            <section><h2>"This review"</h2>{move || this_round(app, round)}{left_out}</section>
            <section aria-labelledby="label-audit-title"><h2 id="label-audit-title">"Label audit"</h2>{move || label_audit(app, audit.get())}</section>
            <section><h2>"What the data lacks"</h2>{move || findings.get().into_iter().map(|finding| lacking(app, finding)).collect_any()}
                <p class="muted">{move || findings.with(Vec::is_empty).then_some("Nothing stands out.")}</p></section>
            <section><h2>"Annotators"</h2>{move || people(annotators.get())}
                <div class="row">
                    <button on:click=move |_| review::merge(app)>"Merge a file…"</button>
                    <button class="quiet" on:click=move |_| actions::export(app, Export::LabelLog)>"Save my label log"</button>
                </div>
                {move || asking_again(app)}
            </section>
        </aside>
    }
}

fn this_round(app: App, round: Memo<RoundState>) -> AnyView {
    let RoundState { changed, kept, excluded, .. } = round.get();
    let why = Signal::derive(move || {
        round.with(|round| match round.measuring {
            true => Some("The gain is being measured.".to_owned()),
            false => round.why_not.clone(),
        })
    });
    let gain = round.with(|round| round.gain.clone()).map(|gain| {
        view! {
            <div class="gain" role="group" aria-label="Measured gain">
                <p><strong>{gain.sentence}</strong></p>
                <p class="figures muted small">{format!("before {} · after {} · r{}", format::estimate(gain.before), format::estimate(gain.after), gain.run)}</p>
            </div>
        }
        .into_any()
    });
    view! {
        <p class="figures" role="status" aria-label="Review progress">{format!(
            "{} reviewed, {} changed, {} excluded", format::count((changed + kept + excluded).into()), format::count(changed.into()), format::count(excluded.into())
        )}</p>
        <ActionButton name="Measure the gain".to_owned() why press=Callback::new(move |()| review::measure(app)) />
        {gain}
    }
    .into_any()
}

/// How many labels are wrong, as far as asking some again tells, and the way to ask.
fn label_audit(app: App, audit: LabelAuditState) -> AnyView {
    let why = Signal::derive(move || {
        let none = || (audit.left == 0).then(|| "Every label was asked again, or was given just now.".to_owned());
        app.state.why_read_only().map(str::to_owned).or_else(none)
    });
    let name = format!("Ask {} again", format::counted(LABEL_AUDITS.min(audit.left.max(1)).into(), "label", "labels"));
    let under_way = (audit.wished > 0).then(|| {
        view! {
            <p class="row"><span class="figures">{format!("{} still to answer.", format::count(audit.wished.into()))}</span>
                <a href=Route::Label.hash()>"Go on answering"</a>
                <button class="quiet" on:click=move |_| review::audit_labels(app, 0)>"Stop"</button></p>
        }
        .into_any()
    });
    view! {
        <p role="status" aria-label="Label error rate">{words::label_errors(&audit)}</p>
        {under_way}
        <ActionButton name why press=Callback::new(move |()| review::audit_labels(app, LABEL_AUDITS)) />
    }
    .into_any()
}

/// The way to measure one's own consistency, while it is off.
fn asking_again(app: App) -> Option<AnyView> {
    let options = app.state.project.with(|project| project.as_ref().map(|project| project.options))?;
    let begin = move |_| actions::set_options(app, Options { repeat_share: 0.05, ..options });
    (options.repeat_share == 0.0).then(|| {
        view! {
            <p class="muted small">"How steady are your own labels? 5 % of the cards can ask again, blind, what you labelled before."</p>
            <button on:click=begin>"Ask some of my labels again"</button>
        }
        .into_any()
    })
}

fn lacking(app: App, finding: Finding) -> AnyView {
    let items = finding.like_these;
    let ask = (!items.is_empty()).then(|| {
        let name = format!("Label {} more like these", items.len());
        view! { <button on:click=move |_| review::ask_first(app, items.clone())>{name}</button> }.into_any()
    });
    view! { <div class="finding"><p>{finding.sentence}</p>{ask}</div> }.into_any()
}

fn people(state: AnnotatorsState) -> AnyView {
    let interval = |interval: Interval| format::decimals(interval);
    let names: Vec<String> = state.annotators.iter().map(|annotator| annotator.name.clone()).collect();
    let row = |annotator: crate::protocol::AnnotatorState| {
        let agreement = annotator.agreement.map(|share| format::percent(share.into()));
        view! { <tr><th scope="row">{annotator.name}</th><td class="figures">{format::count(annotator.items.into())}</td><td class="figures">{agreement}</td></tr> }
    };
    let pair = |(a, b, items, kappa): (u32, u32, u32, Option<Interval>)| {
        let name = |place: u32| names.get(place as usize).cloned().unwrap_or_default();
        let kappa = kappa.map_or_else(|| "κ undefined".to_owned(), |kappa| format!("κ {}", interval(kappa)));
        view! { <li>{format!("{} and {}: {kappa} on {}", name(a), name(b), format::counted(items.into(), "item", "items"))}</li> }
    };
    view! {
        <p class="muted small">{format!("You label as {}; Settings gives you another name.", state.me)}</p>
        <table class="people"><thead><tr><th scope="col">"Annotator"</th><th scope="col">"Items"</th><th scope="col">"With the consensus"</th></tr></thead>
            <tbody>{state.annotators.into_iter().map(row).collect_any()}</tbody></table>
        <ul class="small figures">{state.pairs.into_iter().map(pair).collect_any()}</ul>
        <p class="small figures">{state.alpha.map(|alpha| format!("Krippendorff’s α {}", interval(alpha)))}</p>
        <p class="small" class:watch=state.drifting>{state.consistency}</p>
    }
    .into_any()
}
