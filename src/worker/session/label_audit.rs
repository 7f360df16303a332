//! The label audit: labels drawn at random are asked again, blind, to measure how many of all labels are wrong.

use super::deployment::interval;
use super::project::SEED;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::label::{Action, LabelEvent, Source, fold, standing};
use crate::pipeline::model::folds::row_hash;
use crate::pipeline::quality::annotators::consistency::GAP;
use crate::pipeline::quality::label_audit::LabelAudit;
use crate::protocol::{Card, ItemIndex, LabelAuditState};
use std::collections::HashSet;

/// Keeps the order of the draw apart from every other that the project's seed decides.
const LABEL_AUDIT_SEED: u64 = SEED ^ 0x6c61_6265_6c73;

impl Session {
    /// The next questions ask so many labels again; 0 ends the audit.
    pub(super) async fn audit_labels(&mut self, count: u32, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        project.must_have_classes("Label audits are")?;
        let left = project.labels_to_ask().len() as u32;
        if count > 0 && left == 0 {
            return refused(
                "No label is left to ask again: all were, or were given just now. Nothing was changed. Label or import more first.",
            );
        }
        project.record.review.label_audits_wished = count.min(left);
        project.mark_rank_due();
        project.touch();
        self.save_record(now_ms).await?;
        Ok(count.min(left))
    }
}

impl Project {
    /// Labels that can still be drawn, in the order drawn: a permutation that seed and item decide, so that the first of it are as
    /// good as drawn at random, and a question put off is not lost.
    fn labels_to_ask(&self) -> Vec<ItemIndex> {
        let recent: HashSet<_> = standing(&self.log)
            .into_iter()
            .rev()
            .filter(|event| !matches!(event.source, Source::Import | Source::Test | Source::Model))
            .take(GAP)
            .map(|event| event.item)
            .collect();
        let may_be = |&item: &ItemIndex| {
            let labels = &self.labels[item as usize];
            labels.training_key().is_some()
                && !recent.contains(&self.items[item as usize].hash)
                && self.asked_again(item).is_none()
        };
        let mut items: Vec<ItemIndex> = (0..self.items.len() as ItemIndex).filter(may_be).collect();
        items.sort_by_cached_key(|&item| row_hash(LABEL_AUDIT_SEED, item as usize));
        items
    }

    /// The answer of the label audit about an item, if it was asked.
    fn asked_again(&self, item: ItemIndex) -> Option<&LabelEvent> {
        let asks = |event: &&LabelEvent| event.source == Source::Repeat && event.drawn_with.is_some();
        if !self.events_of(item).any(|event| asks(&event)) {
            return None;
        }
        standing(self.events_of(item)).into_iter().find(asks)
    }

    /// The label that stood when it was asked again, and whether the answer was another; `None` of an answer of "not sure".
    fn answered_otherwise(&self, item: ItemIndex, answer: &LabelEvent) -> Option<bool> {
        let Action::Label(class) = &answer.action else { return None };
        let before = fold(self.events_of(item).filter(|event| event.order() < answer.order()));
        let given = before.into_values().next()?.label?;
        Some(given.class != *class)
    }

    /// The cards of the label audit under way.
    pub(super) fn label_audit_cards(&self, most: usize) -> Vec<Card> {
        let wished = self.record.review.label_audits_wished as usize;
        if wished == 0 {
            return Vec::new();
        }
        let why = "A label audit: drawn at random from all labels and asked again, blind, to measure how many are wrong. Skip if you can’t tell; no label changes.";
        let card =
            |item| Card { repeat: true, label: None, given: None, flagged: false, ..self.bare_card(item, why.into()) };
        self.labels_to_ask().into_iter().take(wished.min(most)).map(card).collect()
    }

    /// The probability with which this item's label was drawn, if the audit asks about it now.
    pub(super) fn label_drawn_with(&self, item: ItemIndex) -> Option<f64> {
        let planned = self.planned.iter().any(|planned| planned.card.item == item && planned.card.repeat);
        if self.record.review.label_audits_wished == 0 || !planned {
            return None;
        }
        let left = self.labels_to_ask();
        left.contains(&item).then(|| 1.0 / left.len() as f64)
    }

    /// Items whose label was answered otherwise, and nobody has looked at it since.
    pub(super) fn labels_in_doubt(&self) -> Vec<ItemIndex> {
        let unsettled = |&item: &ItemIndex| {
            let Some(answer) = self.asked_again(item) else { return false };
            let settles = |event: &&LabelEvent| {
                event.order() > answer.order()
                    && !matches!(event.source, Source::Repeat | Source::Import | Source::Model)
            };
            self.answered_otherwise(item, answer) == Some(true) && !standing(self.events_of(item)).iter().any(settles)
        };
        (0..self.items.len() as ItemIndex).filter(unsettled).collect()
    }

    /// What the answers say.
    fn label_audit(&self) -> LabelAudit {
        let mut audit = LabelAudit::default();
        for item in 0..self.items.len() as ItemIndex {
            audit.labels += usize::from(self.labels[item as usize].training_key().is_some());
            let Some(answer) = self.asked_again(item) else { continue };
            match self.answered_otherwise(item, answer) {
                None => audit.unsure += 1,
                Some(true) => audit.different += 1,
                Some(false) => audit.same += 1,
            }
        }
        audit
    }

    /// What the Review screen shows of it.
    pub(super) fn label_audit_state(&self) -> LabelAuditState {
        let audit = self.label_audit();
        let rate = audit.error_rate();
        LabelAuditState {
            wished: self.record.review.label_audits_wished,
            answered: audit.answered() as u32,
            different: audit.different as u32,
            unsure: audit.unsure as u32,
            rate: rate.map(|rate| interval(rate.share, audit.answered())),
            wrong: rate.map(|rate| (rate.wrong.0 as u32, rate.wrong.1 as u32)),
            left: self.labels_to_ask().len() as u32,
        }
    }
}
