//! The audit stream: which blind answers measure a model, and in which order they came.

use super::Project;
use crate::pipeline::evaluate::clopper_pearson;
use crate::pipeline::label::{self, Action, LabelEvent, Source};
use crate::protocol::{AuditState, ClassIndex, ItemIndex};

/// An audit that waits to be answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drawn {
    pub item: ItemIndex,
    /// With which probability it was drawn from the items then open.
    pub probability: f64,
}

/// An answered audit of the stream, with features. Audits of a certificate are not among them: those were drawn from
/// what the model is sure of, so they say nothing on all items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Audited {
    pub item: ItemIndex,
    pub row: usize,
    pub truth: ClassIndex,
    pub probability: f64,
}

/// The share of these audits that `predict` has right; what it has no opinion on does not count. `None` if that is all.
pub(super) fn share_right(audited: &[Audited], predict: impl Fn(&Audited) -> Option<ClassIndex>) -> Option<AuditState> {
    let compared: Vec<bool> = audited.iter().filter_map(|audit| Some(predict(audit)? == audit.truth)).collect();
    let right = compared.iter().filter(|right| **right).count() as u32;
    let total = compared.len() as u32;
    (total > 0).then(|| {
        let (low, high) = clopper_pearson(u64::from(right), u64::from(total), 0.95);
        AuditState { right, total, estimate: f64::from(right) / f64::from(total), low, high }
    })
}

impl Project {
    /// The stream's answered audits, oldest first.
    pub(super) fn audited(&self) -> Vec<Audited> {
        let mut found: Vec<(&str, Audited)> = Vec::new();
        for (index, labels) in self.labels.iter().enumerate() {
            let Some(standing) = labels.audit.as_ref().filter(|_| !labels.excluded) else { continue };
            let (Some(row), Some(truth)) = (self.row_of[index], self.class_of_key(&standing.class)) else { continue };
            let item = index as ItemIndex;
            let Some(asked) = self.audit_event(item).filter(|event| event.certificate.is_none()) else { continue };
            let probability = asked.drawn_with.unwrap_or(1.0);
            found.push((&asked.id, Audited { item, row, truth, probability }));
        }
        found.sort_by(|a, b| a.0.cmp(b.0));
        found.into_iter().map(|(_, audited)| audited).collect()
    }

    /// Imported test labels that measure a model, in item order: of items that no model can have learnt before they became
    /// part of a test set, and that are not audits as well.
    pub(super) fn tested(&self) -> Vec<Audited> {
        let measures = |item: ItemIndex| {
            let labels = &self.labels[item as usize];
            let standing = labels.test.as_ref().filter(|_| !labels.excluded && labels.audit.is_none())?;
            let (row, truth) = (self.row_of[item as usize]?, self.class_of_key(&standing.class)?);
            (!self.trained_before_its_test(item)).then_some(Audited { item, row, truth, probability: 1.0 })
        };
        (0..self.items.len() as ItemIndex).filter_map(measures).collect()
    }

    /// Whether a label that trains was given to this item before it came as part of a test set.
    pub(super) fn trained_before_its_test(&self, item: ItemIndex) -> bool {
        let labels = |event: &&LabelEvent| matches!(event.action, Action::Label(_));
        let first = self.events_of(item).filter(labels).filter(|event| event.source == Source::Test);
        let Some(first) = first.map(LabelEvent::order).min() else { return false };
        self.events_of(item).filter(labels).any(|event| event.source.trains() && event.order() < first)
    }

    /// The event by which an item was first answered as an audit, of those that stand.
    fn audit_event(&self, item: ItemIndex) -> Option<&LabelEvent> {
        let own: Vec<&LabelEvent> = self.events_of(item).collect();
        let standing = label::standing(own);
        standing.into_iter().find(|event| event.source == Source::Audit && matches!(event.action, Action::Label(_)))
    }

    /// Whether a label that trains was ever given to this item, even one taken back since: a model may have learnt
    /// from it, so it can no longer measure one.
    pub(super) fn ever_trained(&self, item: ItemIndex) -> bool {
        self.events_of(item).any(|event| event.source.trains() && matches!(event.action, Action::Label(_)))
    }

    /// Whether this item waits to be answered blind: showing what a model thinks would spoil it.
    pub(super) fn waits_as_audit(&self, item: ItemIndex) -> bool {
        self.drawn_with(item).is_some()
            || self.planned.iter().any(|planned| planned.card.item == item && planned.card.audit.is_some())
    }
}
