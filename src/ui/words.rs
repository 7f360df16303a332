//! Sentences on models and certificates, the same wherever they are shown.

use crate::protocol::{
    AuditState, CertificatePart, CertificateState, CertificateStatus, Health, LabelAuditState, MonitorSummary,
    ProjectState, SearchState, StorageState, Target, TriageState,
};
use crate::ui::format;

/// Accuracy on audits or, without any, on imported test labels: `91.2 % (88.4–93.5) on 164 audits`.
fn measured(audit: Option<&AuditState>, test: Option<&AuditState>) -> String {
    let told = |on: &AuditState, what: String| match on.share().few {
        true => format!("{} on {what}, too few to say", format::range(on.low, on.high)),
        false => format!("{} on {what}", format::interval(on.estimate, on.low, on.high)),
    };
    match (audit, test) {
        (Some(audit), _) => told(audit, format::counted(audit.total.into(), "audit", "audits")),
        (None, Some(test)) => told(test, test_labels(test.total)),
        (None, None) => "not audited yet".to_owned(),
    }
}

/// What imported test labels say beside a certificate, which rests on its own audits alone.
pub fn certificate_on_tests(certificate: &CertificateState) -> Option<String> {
    let test = certificate.test.as_ref()?;
    let share = test.share();
    let figure = match share.few {
        true => format!("{} are right, too few to say", format::range(test.low, test.high)),
        false => format!("{} are right", format::interval(test.estimate, test.low, test.high)),
    };
    let labels = format::counted(test.total.into(), "imported test label", "imported test labels");
    Some(format!(
        "Of the {labels} that it would accept, {figure}. They are not blind: the certificate rests on its audits alone."
    ))
}

/// A release of Hone that was not taken, and why; `stays` if this page is of an earlier one.
pub fn refused_release(why: &str, stays: bool) -> String {
    match stays {
        true => format!(
            "A new version of Hone was not taken: {why}. The version you have goes on working, and your labels are safe. If this comes \
             again tomorrow, tell whoever runs this site."
        ),
        false => format!(
            "Hone was not kept for offline use: {why}. Your labels are safe. Reload the page; if this comes again, tell whoever runs this site \
             before you go on."
        ),
    }
}

/// What became of a table for spreadsheets in which so many cells got an apostrophe.
pub fn defused(name: &str, cells: u32) -> String {
    match cells {
        0 => format!("{name}: no cell in it would run as a formula, so none was changed."),
        _ => format!(
            "{name}: {} that a spreadsheet would run as a formula got an apostrophe before it. Your data here is as it was.",
            format::counted(cells.into(), "cell", "cells")
        ),
    }
}

/// `50 imported test labels, not blind`.
pub fn test_labels(count: u32) -> String {
    format!("{}, not blind", format::counted(count.into(), "imported test label", "imported test labels"))
}

/// The project's state in one sentence, for the top bar.
pub fn state_sentence(project: &ProjectState) -> String {
    if let Some(champion) = &project.deployment.champion {
        // That there is too little to say of is said with the figure.
        let health = project.monitor.health.filter(|health| *health != Health::TooSmall);
        let health = health.map(|health| format!(" · {}", health.word())).unwrap_or_default();
        return format!(
            "Champion r{} · {}{health}",
            champion.number,
            measured(champion.audit.as_ref(), champion.test.as_ref())
        );
    }
    match &project.model {
        None if project.target == Target::Number && project.why_no_model.is_none() => {
            "Learns a number: how well is on Models".to_owned()
        }
        None => project.why_no_model.clone().unwrap_or_default(),
        Some(model) if model.rough => {
            let labels = format::counted(model.labels.into(), "label", "labels");
            format!("A first, rough model of {labels} · a better one is being made")
        }
        Some(model) => {
            let measured = measured(model.audit.as_ref(), model.test.as_ref());
            format!("Model {} · {measured}{}", model.version, if model.polishing { " · refining" } else { "" })
        }
    }
}

/// What a label audit says of how many labels are wrong.
pub fn label_errors(audit: &LabelAuditState) -> String {
    let unsure = match audit.unsure {
        0 => String::new(),
        count => format!(" {} not sure.", format::counted(count.into(), "answer was", "answers were")),
    };
    let (Some(rate), Some((least, most))) = (audit.rate, audit.wrong) else {
        return format!(
            "How many labels are wrong? Some, drawn at random, can be asked again, blind: that tells, whatever any model thinks.{unsure}"
        );
    };
    let answered = format::counted(audit.answered.into(), "label asked again", "labels asked again");
    let labels = format::count(most.into());
    format!(
        "{} of {answered} got another answer: {} are wrong, {} to {labels} labels.{unsure}",
        format::count(audit.different.into()),
        format::estimate(rate),
        format::count(least.into())
    )
}

/// The import on which the champion does not hold, or nobody knows whether: a chip's classes, its word, and the name.
pub fn alarm(monitor: &MonitorSummary) -> Option<(&'static str, &'static str, String)> {
    let (_, name) = monitor.batch.as_ref()?;
    let name = format::shorten(name, 24);
    match monitor.health? {
        Health::TooSmall | Health::Healthy => None,
        Health::Watch => Some(("chip watch", "Watch", name)),
        Health::Deteriorated => Some(("chip bad", "Deteriorated", name)),
    }
}

/// What is asked of one import: its name for a screen reader, and how far it has come.
pub fn asked_import(project: &ProjectState) -> Option<(&'static str, String)> {
    let name = |batch: u32| project.batches.get(batch as usize).map_or("this import", |batch| batch.name.as_str());
    if let Some((batch, given, wished)) = project.monitor.labelling {
        let said = format!("{given} of {} of {} given", format::counted(wished.into(), "label", "labels"), name(batch));
        return Some(("Labels of this import", said));
    }
    let (batch, left) = project.monitor.auditing?;
    let said = format!("{} of {} still to answer", format::counted(left.into(), "audit", "audits"), name(batch));
    Some(("Audits of this import", said))
}

/// The challenger that may be promoted now, by its run's number.
pub fn promotable(project: &ProjectState) -> Option<u32> {
    let passed = project.deployment.gate.as_ref().is_some_and(|gate| gate.promote);
    project.deployment.challenger.as_ref().filter(|_| passed).map(|challenger| challenger.number)
}

/// The verdict of the Models screen: what the gate says, or what to do next where there is nothing to compare.
pub fn verdict(project: &ProjectState) -> String {
    let deployment = &project.deployment;
    if let Some(gate) = &deployment.gate {
        return gate.sentence.clone();
    }
    let Some(champion) = &deployment.champion else {
        return match (&project.model, &deployment.training) {
            (None, _) => format!("{}.", project.why_no_model.as_deref().unwrap_or("There is no model yet")),
            (_, Some(training)) => format!("There is no champion yet. Under way: {training}."),
            (Some(model), None) => format!(
                "The working model has learnt from {}, but no model is deployed. Press “Train now” for the first champion.",
                format::counted(model.labels.into(), "label", "labels")
            ),
        };
    };
    let next = match project.options.retrain_after {
        0 => "Train or search for one that wants its place.".to_owned(),
        after => format!(
            "The next one is trained after {} ({} so far).",
            format::counted(after.into(), "new label", "new labels"),
            format::count(deployment.labels_since_run.into())
        ),
    };
    format!(
        "Champion r{}: {}. There is no challenger. {next}",
        champion.number,
        measured(champion.audit.as_ref(), champion.test.as_ref())
    )
}

/// Why the challenger can't be promoted; `None` if it can.
pub fn why_not_promote(project: &ProjectState) -> Option<String> {
    if promotable(project).is_some() {
        return None;
    }
    Some(match (&project.deployment.challenger, &project.deployment.gate) {
        (None, _) => "There is no challenger. Train or search for one.".to_owned(),
        (Some(_), Some(gate)) => gate.sentence.clone(),
        (Some(_), None) => "The gate has not compared it with the champion yet.".to_owned(),
    })
}

/// The champion that a rollback would bring back: the latest that isn't the present one.
pub fn earlier_champion(project: &ProjectState) -> Option<u32> {
    let present = project.deployment.champion.as_ref()?.number;
    let earlier = project.deployment.promotions.iter().find(|promotion| promotion.number != present)?;
    project.deployment.can_roll_back.then_some(earlier.number)
}

/// Where a certificate stands, in a word for its mark.
pub fn status_word(status: &CertificateStatus) -> &'static str {
    match status {
        CertificateStatus::Auditing => "auditing",
        CertificateStatus::Certified => "certified",
        CertificateStatus::Refused => "refused",
        CertificateStatus::Stopped => "stopped",
        CertificateStatus::Void(_) => "void",
    }
}

/// Where a certificate stands, in a sentence.
pub fn certificate_sentence(certificate: &CertificateState) -> String {
    let items = |accept: fn(&CertificatePart) -> bool| -> u64 {
        certificate.parts.iter().filter(|part| accept(part)).map(|part| u64::from(part.items)).sum()
    };
    let predictions = |count| format::counted(count, "prediction", "predictions");
    let number = certificate.number;
    match &certificate.status {
        CertificateStatus::Auditing => {
            let (audited, needed) = audit_progress(certificate);
            format!("The audit for certificate {number}: {audited} of {needed} answered; more if one is wrong.")
        }
        CertificateStatus::Certified => format!(
            "Proven for {}: at most {} wrong, with {} confidence.",
            predictions(items(|part| part.status == crate::protocol::PartStatus::Certified)),
            format::whole_percent(certificate.plan.alpha),
            format::whole_percent(1.0 - certificate.plan.delta)
        ),
        CertificateStatus::Refused => format!(
            "The audit found too many errors: that at most {} of {} are wrong can't be shown. They stay to ask.",
            format::whole_percent(certificate.plan.alpha),
            predictions(items(|_| true))
        ),
        CertificateStatus::Stopped => "Given up. The answers stay audits.".to_owned(),
        CertificateStatus::Void(why) => {
            format!("Void: {}. What was accepted is to be confirmed; labels by people stay.", why.trim_end_matches('.'))
        }
    }
}

/// Audits answered, and how many it takes if none is wrong from now on, over all parts.
pub fn audit_progress(certificate: &CertificateState) -> (u32, u32) {
    let audited = certificate.parts.iter().map(|part| part.audited).sum();
    let more: u32 = certificate.parts.iter().filter_map(|part| part.more_needed).sum();
    (audited, audited + more)
}

/// Predictions that the newest certificate would accept now: those certified, less what is accepted already.
pub fn acceptable(triage: &TriageState) -> u32 {
    let Some(newest) = triage.certificates.first() else { return 0 };
    if newest.status != CertificateStatus::Certified || newest.accepted > 0 {
        return 0;
    }
    // An audited item has its label from a person.
    let certified = newest.parts.iter().filter(|part| part.status == crate::protocol::PartStatus::Certified);
    let covered: u32 = certified.map(|part| part.items - part.audited.min(part.items)).sum();
    // Some of the rest may have been decided by people meanwhile.
    covered.min(triage.left)
}

/// How a search is going, in one line.
pub fn search_sentence(search: &SearchState) -> String {
    let mut parts = vec![format!("{} tried", format::count(search.tried.into()))];
    if search.from_log > 0 {
        parts.push(format!("{} of them answered from the log", format::count(search.from_log.into())));
    }
    if let Some((best, share)) = &search.best {
        parts.push(format!("best so far: {best}, {} of training labels right out of fold", format::percent(*share)));
    }
    parts.join(" · ")
}

/// From so many labels in this browser alone on, a backup is offered.
const WORTH_A_BACKUP: u32 = 100;
/// Less room than this, in bytes, is told, or a larger share of it used than [`NEARLY_FULL`].
const LITTLE_ROOM: f64 = 100e6;
const NEARLY_FULL: f64 = 0.9;

/// How many labels are in this browser alone, if they are worth a backup.
pub fn backup_due(project: &ProjectState) -> Option<u32> {
    Some(project.unsaved).filter(|&unsaved| unsaved >= WORTH_A_BACKUP)
}

/// What to say where little room is left for what is stored.
pub fn room_warning(storage: &StorageState) -> Option<String> {
    let StorageState { used, quota, .. } = *storage;
    let is_little = quota > 0.0 && (quota - used < LITTLE_ROOM || used > NEARLY_FULL * quota);
    is_little.then(|| {
        format!(
            "Little room is left: this browser lets Hone keep {}, and {} of it is used. Everything so far is saved; the next import may not \
             fit. Free space on the disk, or save a project as a file and delete it here.",
            format::bytes(quota),
            format::bytes(used)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{PartStatus, TriagePlan};

    fn part(items: u32, audited: u32, status: PartStatus) -> CertificatePart {
        CertificatePart {
            class: None,
            threshold: 0.9,
            items,
            audited,
            errors: 0,
            evidence: 3.0,
            evidence_needed: 40.0,
            upper_bound: 0.1,
            more_needed: (status == PartStatus::Auditing).then_some(18),
            status,
        }
    }

    fn certificate(status: CertificateStatus, parts: Vec<CertificatePart>) -> CertificateState {
        CertificateState {
            number: 2,
            model: 7,
            plan: TriagePlan::default(),
            spent_delta: 0.03,
            parts,
            asked: Vec::new(),
            status,
            accepted: 0,
            test: None,
            time_ms: 0.0,
        }
    }

    #[test]
    fn what_is_measured_on_imported_labels_says_so() {
        let on = |total| AuditState { right: total, total, estimate: 1.0, low: 0.9, high: 1.0 };
        assert!(measured(Some(&on(20)), Some(&on(50))).ends_with("on 20 audits"));
        assert_eq!(measured(Some(&on(3)), None), "90.0–100.0\u{a0}% on 3 audits, too few to say");
        assert!(measured(None, Some(&on(50))).ends_with("on 50 imported test labels, not blind"));
        assert_eq!(measured(None, None), "not audited yet");
        let beside = |test| {
            certificate_on_tests(&CertificateState { test, ..certificate(CertificateStatus::Certified, vec![]) })
        };
        assert_eq!(beside(None), None);
        let told = beside(Some(on(50))).expect("told");
        assert!(told.starts_with("Of the 50 imported test labels that it would accept, 100.0"), "{told}");
        assert!(beside(Some(on(1))).expect("told").contains("too few to say"));
    }

    #[test]
    fn an_alarm_names_its_import() {
        let check = |health: Option<Health>, expected: Option<(&'static str, &'static str)>| {
            let batch = Some((1, "autumn".to_owned()));
            let found = alarm(&MonitorSummary { health, batch, ..MonitorSummary::default() });
            assert_eq!(found, expected.map(|(class, word)| (class, word, "autumn".to_owned())));
        };
        check(None, None);
        check(Some(Health::Healthy), None);
        check(Some(Health::TooSmall), None);
        check(Some(Health::Watch), Some(("chip watch", "Watch")));
        check(Some(Health::Deteriorated), Some(("chip bad", "Deteriorated")));
    }

    #[test]
    fn an_audit_counts_what_it_takes_over_all_parts() {
        let both = vec![part(500, 41, PartStatus::Auditing), part(100, 30, PartStatus::Certified)];
        let auditing = certificate(CertificateStatus::Auditing, both);
        assert_eq!(audit_progress(&auditing), (71, 89));
        assert!(certificate_sentence(&auditing).contains("71 of 89"));
    }

    #[test]
    fn only_what_is_certified_and_not_yet_accepted_can_be_accepted() {
        let check = |status: CertificateStatus, accepted: u32, expected: u32| {
            let mut newest =
                certificate(status, vec![part(500, 60, PartStatus::Certified), part(100, 30, PartStatus::Refused)]);
            newest.accepted = accepted;
            let triage = TriageState { certificates: vec![newest], left: 900, ..TriageState::default() };
            assert_eq!(acceptable(&triage), expected, "{triage:?}");
        };
        check(CertificateStatus::Certified, 0, 440);
        check(CertificateStatus::Certified, 440, 0);
        check(CertificateStatus::Auditing, 0, 0);
        check(CertificateStatus::Void("A new champion.".into()), 0, 0);
        assert_eq!(acceptable(&TriageState::default()), 0);
        let certified = certificate(CertificateStatus::Certified, vec![part(500, 60, PartStatus::Certified)]);
        let few_left = TriageState { certificates: vec![certified], left: 7, ..TriageState::default() };
        assert_eq!(acceptable(&few_left), 7);
    }

    #[test]
    fn a_certificate_says_its_promise_or_why_it_is_none() {
        let check = |status: CertificateStatus, part_status, expected: &str| {
            let sentence = certificate_sentence(&certificate(status, vec![part(500, 60, part_status)]));
            assert!(sentence.contains(expected), "{sentence}");
        };
        check(
            CertificateStatus::Certified,
            PartStatus::Certified,
            "500 predictions: at most 5\u{a0}% wrong, with 95\u{a0}%",
        );
        check(CertificateStatus::Refused, PartStatus::Refused, "too many errors");
        check(
            CertificateStatus::Void("A new champion took over.".into()),
            PartStatus::Certified,
            "Void: A new champion took over. What was",
        );
    }

    #[test]
    fn little_room_is_told_with_the_way_out() {
        let of = |used: f64, quota: f64| room_warning(&StorageState { used, quota, persistent: true });
        assert_eq!(of(1e9, 10e9), None);
        // A browser that doesn't tell its quota.
        assert_eq!(of(1e9, 0.0), None);
        for (used, quota) in [(9.5e9, 10e9), (250e6, 300e6), (5e9, 4e9)] {
            let warning = of(used, quota).expect("little room");
            assert!(warning.contains("delete it here"), "{warning}");
        }
    }
}
