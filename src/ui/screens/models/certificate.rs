//! A certificate: proposed, audited, certified or refused, perhaps void.

use crate::protocol::{CertificatePart, CertificateState, CertificateStatus, PartStatus, TriageState};
use crate::ui::app::{App, use_app};
use crate::ui::deck::Deck;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::views::redrawn;
use crate::ui::route::Route;
use crate::ui::{experiments, format, words};
use leptos::prelude::*;

fn triage(app: App) -> Memo<TriageState> {
    Memo::new(move |_| {
        app.state.project.with(|project| project.as_ref().map(|project| project.triage.clone()).unwrap_or_default())
    })
}

/// The newest certificate with what can be done now.
#[component]
pub fn Card() -> impl IntoView {
    let app = use_app();
    let triage = triage(app);
    redrawn(move || {
        triage.with(|triage| {
            triage.certificates.first().map(|newest| certificate_view(app, newest, words::acceptable(triage)))
        })
    })
}

fn certificate_view(app: App, certificate: &CertificateState, acceptable: u32) -> AnyView {
    let word = words::status_word(&certificate.status);
    let plan = format!(
        "Champion r{} · at most {} wrong · confidence {} · {}",
        certificate.model,
        format::whole_percent(certificate.plan.alpha),
        format::whole_percent(1.0 - certificate.plan.delta),
        if certificate.plan.by_class { "each class" } else { "the whole batch" }
    );
    let (audited, needed) = words::audit_progress(certificate);
    let auditing = certificate.status == CertificateStatus::Auditing;
    let progress = auditing.then(|| {
        view! { <progress aria-label="Audits answered" max=needed.max(1).to_string() value=audited.to_string()></progress> }
    });
    let parts: Vec<AnyView> = certificate.parts.iter().map(|part| part_view(app, part)).collect();
    let asked: Vec<AnyView> = certificate
        .asked
        .iter()
        .map(|(class, why)| view! { <li>{app.state.class_name(*class)}" is asked: "{why.clone()}</li> }.into_any())
        .collect();
    view! {
        <article class="certificate" aria-label=format!("Certificate {}", certificate.number)>
            <header class="row"><h3>{format!("Certificate {}", certificate.number)}</h3><span class=format!("chip status-{word}")>{word}</span>
                <span class="muted figures">{plan}</span></header>
            <p role="status">{words::certificate_sentence(certificate)}</p>
            {progress}
            <ul class="certificate-parts figures">{parts}{asked}</ul>
            {words::certificate_on_tests(certificate).map(|sentence| view! { <p class="muted figures">{sentence}</p> })}
            {buttons(app, certificate, acceptable)}
        </article>
    }
    .into_any()
}

fn part_view(app: App, part: &CertificatePart) -> AnyView {
    let name = part.class.map_or_else(|| "Whole batch".to_owned(), |class| app.state.class_name(class));
    let word = match part.status {
        PartStatus::Auditing => "auditing",
        PartStatus::Certified => "certified",
        PartStatus::Refused => "refused",
    };
    let errors = format::counted(part.errors.into(), "error", "errors");
    let sure = format::probability(part.threshold);
    view! {
        <li>
            <strong>{name}</strong>{format!(": {word}, {} predicted with {sure} or more. ", format::counted(part.items.into(), "item", "items"))}
            <span class="muted">{format!(
                "{} audited, {errors} · evidence {} of {} · upper bound {}",
                format::count(part.audited.into()),
                format::evidence(part.evidence),
                format::evidence(part.evidence_needed),
                format::percent(part.upper_bound)
            )}</span>
        </li>
    }
    .into_any()
}

fn buttons(app: App, certificate: &CertificateState, acceptable: u32) -> AnyView {
    let read_only = Signal::derive(move || app.state.why_read_only().map(str::to_owned));
    let (number, accepted) = (certificate.number, certificate.accepted);
    let button = |name: String, class: &'static str, press: Callback<()>| {
        view! { <ActionButton name class why=read_only press /> }.into_any()
    };
    let mut buttons = Vec::new();
    if certificate.status == CertificateStatus::Auditing {
        let answer = move |_| app.state.deck.update(Deck::ask_audits);
        let link = view! { <a class="button primary" href=Route::Label.hash() on:click=answer>"Answer the audit"</a> };
        buttons.push(link.into_any());
        buttons.push(button("Stop".to_owned(), "", Callback::new(move |()| experiments::stop_triage(app))));
    }
    if acceptable > 0 {
        let name = format!("Accept {}", format::counted(acceptable.into(), "prediction", "predictions"));
        buttons.push(button(name, "primary", Callback::new(move |()| experiments::accept_certified(app))));
    }
    if accepted > 0 {
        let name = format!("Revert {} accepted", format::count(accepted.into()));
        buttons.push(button(name, "", Callback::new(move |()| experiments::ask_to_revert(app, number, accepted))));
    }
    view! { <div class="row">{buttons}</div> }.into_any()
}

/// The certificates before the newest.
#[component]
pub fn Earlier() -> impl IntoView {
    let app = use_app();
    let triage = triage(app);
    redrawn(move || {
        let earlier: Vec<CertificateState> =
            triage.with(|triage| triage.certificates.iter().skip(1).cloned().collect());
        let row =
            |certificate: &CertificateState| view! { <li>{certificate_view(app, certificate, 0)}</li> }.into_any();
        (!earlier.is_empty()).then(|| {
            let rows: Vec<AnyView> = earlier.iter().map(row).collect();
            let title = format::counted(earlier.len() as u64, "earlier certificate", "earlier certificates");
            view! { <details><summary>{title}</summary><ol class="certificates">{rows}</ol></details> }.into_any()
        })
    })
}
