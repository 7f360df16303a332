//! Accept or ask: what is proposed to be accepted without a person, its audit, and what came of it.

use super::audits::{Audited, share_right};
use super::labels::id_after;
use super::project::SEED;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::label::{Action, LabelEvent, Shown, Source};
use crate::pipeline::triage::{Budget, audits_needed, certify, e_value, propose, spent_delta};
use crate::protocol::{
    AuditState, CertificatePart, CertificateState, CertificateStatus, ItemIndex, PartStatus, TriagePlan, TriageState,
};
use crate::storage::records::{CertificateEnd, CertificatePartRecord, CertificateRecord, CertifiedItem, Settled};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

impl Session {
    /// Freezes what the champion would accept under this plan and begins its audit.
    pub(super) async fn propose_triage(&mut self, plan: TriagePlan, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        if let Err(error) = Budget::new(plan.alpha, plan.delta) {
            return refused(format!("{error} Nothing was changed."));
        }
        let project = self.opened_mut()?;
        if let Some(why) = project.why_no_triage() {
            return refused(format!("{why} Nothing was changed."));
        }
        let record = project.draft_certificate(plan, now_ms)?;
        let id = project.record.id.clone();
        // Another threshold of the same model: what the old one accepted is part of the new proposal.
        for old in project.certificates.iter_mut().filter(|old| old.ended.is_none()) {
            old.ended =
                Some(CertificateEnd::Void(format!("another threshold was proposed (certificate {})", record.number)));
            store.put_certificate(&id, old).await?;
        }
        store.put_certificate(&id, &record).await?;
        project.certificates.push(record);
        project.mark_rank_due();
        project.touch();
        Ok(())
    }

    /// Gives up the audit under way.
    pub(super) async fn stop_triage(&mut self) -> Result<(), SessionError> {
        self.must_write()?;
        self.end_certificates(|project, record| project.is_auditing(record), || CertificateEnd::Stopped).await
    }

    /// All certificates in force end: the promise was on another model or another world.
    pub(super) async fn void_certificates(&mut self, why: &str) -> Result<(), SessionError> {
        self.end_certificates(|_, _| true, || CertificateEnd::Void(why.into())).await
    }

    async fn end_certificates(
        &mut self,
        which: impl Fn(&Project, &CertificateRecord) -> bool,
        end: impl Fn() -> CertificateEnd,
    ) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let id = project.record.id.clone();
        for place in 0..project.certificates.len() {
            let record = &project.certificates[place];
            if record.ended.is_some() || !which(project, record) {
                continue;
            }
            project.certificates[place].ended = Some(end());
            store.put_certificate(&id, &project.certificates[place]).await?;
        }
        project.mark_rank_due();
        project.touch();
        Ok(())
    }

    /// After answers: parts whose evidence suffices are certified for good, parts that can't make it are refused.
    pub(super) async fn settle_certificates(&mut self) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let id = project.record.id.clone();
        let mut told = Vec::new();
        for place in 0..project.certificates.len() {
            let record = &project.certificates[place];
            if !project.is_auditing(record) {
                continue;
            }
            let verdicts: Vec<Option<Settled>> = record
                .parts
                .iter()
                .map(|part| part.settled.or_else(|| project.progress(record, part).verdict()))
                .collect();
            if record.parts.iter().zip(&verdicts).all(|(part, verdict)| part.settled == *verdict) {
                continue;
            }
            let record = &mut project.certificates[place];
            for (part, verdict) in record.parts.iter_mut().zip(verdicts) {
                part.settled = verdict;
            }
            store.put_certificate(&id, record).await?;
            let record = &project.certificates[place];
            if !project.is_auditing(record) {
                told.push(project.outcome_sentence(record));
                project.mark_rank_due();
            }
        }
        told.into_iter().for_each(|sentence| self.notice(sentence));
        Ok(())
    }

    /// Writes the predictions that the newest certificate covers as labels of source `model`.
    pub(super) async fn accept_certified(&mut self, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let Some(record) = project.certificates.iter().rev().find(|record| record.ended.is_none()) else {
            return refused(
                "There is no certificate in force. Nothing was accepted. Propose one and answer its audit.",
            );
        };
        let certified = |part: &&CertificatePartRecord| part.settled.is_some_and(|settled| settled.certified);
        if !record.parts.iter().any(|part| certified(&part)) {
            return refused(format!(
                "Certificate {} is not certified. Nothing was accepted. Its audit has to be answered first.",
                record.number
            ));
        }
        let mut newest = project.newest_id(now_ms);
        let mut events = Vec::new();
        for certified in record.parts.iter().filter(certified).flat_map(|part| &part.items) {
            let Some(&item) = project.by_hash.get(&certified.item) else { continue };
            if project.is_settled(item) {
                continue;
            }
            let id = id_after(newest.as_deref(), now_ms, certified.item);
            newest = Some(id.clone());
            events.push(LabelEvent {
                id,
                item: certified.item,
                annotator: format!("r{}", record.model),
                action: Action::Label(certified.class.clone()),
                source: Source::Model,
                shown: Some(Shown {
                    class: certified.class.clone(),
                    probability: certified.probability,
                    model: record.model,
                    quality: None,
                }),
                drawn_with: None,
                certificate: Some(record.number),
                took_ms: None,
                time_ms: now_ms,
                clock: 0,
            });
        }
        let count = events.len() as u32;
        self.record_events(events, now_ms).await?;
        Ok(count)
    }

    /// Takes back what was accepted under a certificate; labels by people stay.
    pub(super) async fn revert_accepted(&mut self, certificate: u32, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let mut newest = project.newest_id(now_ms);
        let mut events = Vec::new();
        for (item, labels) in project.items.iter().zip(&project.labels) {
            let Some(accepted) = labels.accepted.as_ref().filter(|label| label.certificate == Some(certificate)) else {
                continue;
            };
            let id = id_after(newest.as_deref(), now_ms, item.hash);
            newest = Some(id.clone());
            events.push(LabelEvent {
                id,
                item: item.hash,
                annotator: self.annotator.clone(),
                action: Action::Undo(accepted.event.clone()),
                source: Source::Model,
                shown: None,
                drawn_with: None,
                certificate: Some(certificate),
                took_ms: None,
                time_ms: now_ms,
                clock: 0,
            });
        }
        let count = events.len() as u32;
        self.record_events(events, now_ms).await?;
        Ok(count)
    }
}

/// How far the audit of a part has come.
struct Progress {
    items: u32,
    audited: u32,
    errors: u32,
    budget: Budget,
}

impl Progress {
    fn evidence(&self) -> f64 {
        e_value(self.audited.into(), self.errors.into(), self.budget.alpha(), Some(self.items.into()))
    }

    fn more_needed(&self) -> Option<u64> {
        audits_needed(self.audited.into(), self.errors.into(), self.budget, Some(self.items.into()))
    }

    /// Valid however often it is asked, because the evidence is an e-value.
    fn verdict(&self) -> Option<Settled> {
        let settled = |certified| Settled { audits: self.audited, errors: self.errors, certified };
        if self.audited > 0 && self.evidence() >= 1.0 / self.budget.delta() {
            Some(settled(true))
        } else if self.more_needed().is_none() {
            Some(settled(false))
        } else {
            None
        }
    }
}

impl Project {
    /// Why no certificate can be proposed now.
    pub(super) fn why_no_triage(&self) -> Option<String> {
        if self.is_numeric() {
            return Some("Certificates are for projects that learn classes; this one learns a number.".into());
        }
        let Some(champion) = &self.champion else {
            return Some("There is no champion yet: a model accepts only once it is deployed.".into());
        };
        if champion.out_of_fold.is_empty() {
            return Some(format!("r{} learnt from too few labels to hold any out.", champion.number));
        }
        if !champion.is_complete(&self.features) {
            return Some(format!("r{} is still predicting the items.", champion.number));
        }
        if self.certificates.iter().any(|record| self.is_auditing(record)) {
            return Some("The audit of a certificate is under way: answer it, or stop it.".into());
        }
        None
    }

    fn draft_certificate(&self, plan: TriagePlan, now_ms: f64) -> Result<CertificateRecord, SessionError> {
        let Some(champion) = &self.champion else { return refused("There is no champion yet. Nothing was changed.") };
        let number = self.certificates.last().map_or(0, |last| last.number) + 1;
        let classes = self.record.classes.len();
        let thresholds = propose(&champion.out_of_fold, classes, plan.alpha, plan.by_class);
        let mut by_class: Vec<Vec<CertifiedItem>> = vec![Vec::new(); classes];
        for (row, &item) in self.item_of.iter().enumerate() {
            let open = !self.labels[item as usize].is_decided() && self.drawn_with(item).is_none();
            let Some((class, probability)) = champion.prediction(row).filter(|_| open) else { continue };
            let accepts =
                thresholds.get(usize::from(class)).copied().flatten().is_some_and(|least| probability >= least);
            if accepts {
                let hash = self.items[item as usize].hash;
                let key = self.record.classes[usize::from(class)].key.clone();
                by_class[usize::from(class)].push(CertifiedItem { item: hash, class: key, probability });
            }
        }
        let mut asked = Vec::new();
        let mut parts = Vec::new();
        let least = thresholds.iter().copied().flatten().fold(f32::INFINITY, f32::min);
        let sets: Vec<(Option<usize>, f32, Vec<CertifiedItem>)> = if plan.by_class {
            let sets = by_class.into_iter().enumerate();
            sets.map(|(class, items)| (Some(class), thresholds[class].unwrap_or(f32::INFINITY), items)).collect()
        } else {
            vec![(None, least, by_class.into_iter().flatten().collect())]
        };
        let share = spent_delta(plan.delta, number) / sets.len().max(1) as f64;
        let budget = Budget::new(plan.alpha, share).map_err(|error| SessionError::Refused(error.to_string()))?;
        for (class, threshold, mut items) in sets {
            let key = class.map(|class| self.record.classes[class].key.clone());
            let needed = audits_needed(0, 0, budget, Some(items.len() as u64));
            let why = match needed {
                _ if items.is_empty() => Some("no open item is predicted so surely enough".to_string()),
                None => Some(format!("its {} items are too few to certify", items.len())),
                Some(needed) if needed as usize >= items.len() => {
                    Some(format!("its {} items would all have to be audited", items.len()))
                }
                Some(_) => None,
            };
            if let Some(why) = why {
                asked.push((key.unwrap_or_default(), why));
                continue;
            }
            items.sort_by_key(|item| item.item);
            items.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED ^ (u64::from(number) << 32 | parts.len() as u64)));
            parts.push(CertificatePartRecord { class: key, threshold, items, settled: None });
        }
        if parts.is_empty() {
            let why = match asked.as_slice() {
                [(key, why)] if key.is_empty() => why.clone(),
                _ => "no class has enough items that are predicted surely".into(),
            };
            return refused(format!(
                "Nothing can be certified at this budget: {why}. Nothing was changed. Label more, or allow more errors."
            ));
        }
        Ok(CertificateRecord {
            number,
            run: champion.run.clone(),
            model: champion.number,
            plan,
            parts,
            asked,
            ended: None,
            time_ms: now_ms,
        })
    }

    fn progress(&self, record: &CertificateRecord, part: &CertificatePartRecord) -> Progress {
        let (mut audited, mut errors) = (0, 0);
        // The order is random and was frozen, so its decided beginning is a random sample, whoever asked for which.
        for certified in &part.items {
            let Some(&item) = self.by_hash.get(&certified.item) else { break };
            let labels = &self.labels[item as usize];
            let Some(truth) = labels.given() else { break };
            audited += 1;
            errors += u32::from(truth.class != certified.class);
        }
        let parts = if record.plan.by_class { record.parts.len() + record.asked.len() } else { 1 };
        let delta = spent_delta(record.plan.delta, record.number) / parts as f64;
        let budget = Budget::new(record.plan.alpha, delta).expect("a stored plan was checked when it was proposed");
        Progress { items: part.items.len() as u32, audited, errors, budget }
    }

    /// Whether people are still asked for this certificate.
    pub(super) fn is_auditing(&self, record: &CertificateRecord) -> bool {
        record.ended.is_none() && record.parts.iter().any(|part| part.settled.is_none())
    }

    /// The certificate that an item is being audited for, if for one.
    pub(super) fn certificate_asking(&self, item: ItemIndex) -> Option<u32> {
        let hash = self.items[item as usize].hash;
        let asks = |part: &CertificatePartRecord| {
            part.settled.is_none() && part.items.iter().any(|certified| certified.item == hash)
        };
        let mut open = self.certificates.iter().filter(|record| self.is_auditing(record));
        open.find(|record| record.parts.iter().any(asks)).map(|record| record.number)
    }

    /// The next items to audit for certificates, at most `most`: item, probability of the draw, certificate.
    pub(super) fn certificate_audits(&self, most: usize) -> Vec<(ItemIndex, f64, u32)> {
        let mut next = Vec::new();
        for record in self.certificates.iter().filter(|record| self.is_auditing(record)) {
            for part in record.parts.iter().filter(|part| part.settled.is_none()) {
                let progress = self.progress(record, part);
                // Not more than can still be needed: each answer may settle it.
                let needed = progress.more_needed().unwrap_or(0) as usize;
                let open = part.items.iter().skip(progress.audited as usize).filter_map(|certified| {
                    let &item = self.by_hash.get(&certified.item)?;
                    (!self.labels[item as usize].is_decided()).then_some(item)
                });
                let left = f64::from(progress.items - progress.audited);
                next.extend(open.take(needed.min(most)).map(|item| (item, 1.0 / left, record.number)));
            }
        }
        next.truncate(most);
        next
    }

    /// Whether the item's prediction is accepted under a certificate in force, and no person has decided otherwise.
    pub(super) fn is_accepted(&self, item: ItemIndex) -> bool {
        let labels = &self.labels[item as usize];
        !labels.is_decided() && labels.accepted.as_ref().is_some_and(|label| self.in_force(label.certificate))
    }

    /// Whether the item was accepted once, and the certificate is void.
    pub(super) fn is_to_confirm(&self, item: ItemIndex) -> bool {
        let labels = &self.labels[item as usize];
        !labels.is_decided() && labels.accepted.as_ref().is_some_and(|label| !self.in_force(label.certificate))
    }

    /// Whether nothing is left to ask about the item.
    pub(super) fn is_settled(&self, item: ItemIndex) -> bool {
        self.labels[item as usize].is_decided() || self.is_accepted(item)
    }

    fn in_force(&self, certificate: Option<u32>) -> bool {
        self.certificates.iter().any(|record| Some(record.number) == certificate && record.ended.is_none())
    }

    fn outcome_sentence(&self, record: &CertificateRecord) -> String {
        let certified: usize = record
            .parts
            .iter()
            .filter(|part| part.settled.is_some_and(|s| s.certified))
            .map(|part| part.items.len())
            .sum();
        let alpha = record.plan.alpha * 100.0;
        match certified {
            0 => format!(
                "Certificate {} is refused: the audit found too many errors for a budget of {alpha} %. Your answers stay as audits.",
                record.number
            ),
            items => format!(
                "Certificate {} holds: at most {alpha} % of {items} predictions are wrong. They can be accepted now.",
                record.number
            ),
        }
    }

    /// Where the certificate stands.
    fn certificate_status(&self, record: &CertificateRecord) -> CertificateStatus {
        match &record.ended {
            Some(CertificateEnd::Stopped) => CertificateStatus::Stopped,
            Some(CertificateEnd::Void(why)) => CertificateStatus::Void(why.clone()),
            None if self.is_auditing(record) => CertificateStatus::Auditing,
            None if record.parts.iter().any(|part| part.settled.is_some_and(|s| s.certified)) => {
                CertificateStatus::Certified
            }
            None => CertificateStatus::Refused,
        }
    }

    /// What the Triage panel shows.
    pub(super) fn triage_state(&self, tested: &[Audited]) -> TriageState {
        let count = |test: &dyn Fn(ItemIndex) -> bool| {
            (0..self.items.len() as ItemIndex).filter(|&item| test(item)).count() as u32
        };
        let decided = count(&|item| self.labels[item as usize].is_decided());
        let accepted = count(&|item| self.is_accepted(item));
        let to_confirm = count(&|item| self.is_to_confirm(item));
        TriageState {
            accepted,
            to_confirm,
            decided,
            left: self.items.len() as u32 - decided - accepted - to_confirm,
            certificates: self.certificates.iter().rev().map(|record| self.certificate_state(record, tested)).collect(),
            why_not: self.why_no_triage(),
        }
    }

    fn certificate_state(&self, record: &CertificateRecord, tested: &[Audited]) -> CertificateState {
        let standing = self.labels.iter().filter(|labels| {
            let accepted = labels.accepted.as_ref().filter(|_| !labels.is_decided());
            accepted.is_some_and(|label| label.certificate == Some(record.number))
        });
        let class = |key: &String| self.class_of_key(key);
        CertificateState {
            number: record.number,
            model: record.model,
            plan: record.plan,
            spent_delta: spent_delta(record.plan.delta, record.number),
            parts: record.parts.iter().map(|part| self.part_state(record, part)).collect(),
            asked: record.asked.iter().filter_map(|(key, why)| Some((class(key)?, why.clone()))).collect(),
            status: self.certificate_status(record),
            accepted: standing.count() as u32,
            test: self.certificate_on_tests(record, tested),
            time_ms: record.time_ms,
        }
    }

    fn certificate_on_tests(&self, record: &CertificateRecord, tested: &[Audited]) -> Option<AuditState> {
        let champion = self.champion.as_ref().filter(|champion| champion.run == record.run)?;
        share_right(tested, |one| {
            let (class, probability) = champion.prediction(one.row)?;
            let covers = |part: &CertificatePartRecord| {
                probability >= part.threshold
                    && part.class.as_ref().is_none_or(|key| self.class_of_key(key) == Some(class))
            };
            record.parts.iter().any(covers).then_some(class)
        })
    }

    fn part_state(&self, record: &CertificateRecord, part: &CertificatePartRecord) -> CertificatePart {
        let mut progress = self.progress(record, part);
        if let Some(settled) = part.settled {
            (progress.audited, progress.errors) = (settled.audits, settled.errors);
        }
        let population = Some(u64::from(progress.items));
        let bound = certify(progress.audited.into(), progress.errors.into(), progress.budget, population);
        CertificatePart {
            class: part.class.as_ref().and_then(|key| self.class_of_key(key)),
            threshold: part.threshold,
            items: progress.items,
            audited: progress.audited,
            errors: progress.errors,
            evidence: progress.evidence(),
            evidence_needed: 1.0 / progress.budget.delta(),
            upper_bound: bound.map_or(1.0, |bound| bound.upper_bound),
            more_needed: progress.more_needed().map(|needed| needed as u32),
            status: match part.settled {
                None => PartStatus::Auditing,
                Some(Settled { certified: true, .. }) => PartStatus::Certified,
                Some(_) => PartStatus::Refused,
            },
        }
    }
}
