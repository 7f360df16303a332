//! What the screens show, derived from the project on request.

use super::Project;
use super::audits::{Audited, share_right};
use super::cards::likeliest;
use crate::pipeline::item::{Content, Kind};
use crate::pipeline::label::{self, Action, Source};
use crate::protocol::{
    BatchState, ClassIndex, ClassState, HistoryEntry, ImportStatus, ItemFilter, ItemIndex, ItemQuery, ItemRow,
    ItemSort, ModelState, ProjectState, Verdict,
};
use crate::storage::records::Ending;
use std::collections::HashSet;

/// Decisions in the history strip.
const HISTORY: usize = 12;
/// Problems sent with the state; all of them are in the export.
const PROBLEMS_SHOWN: usize = 50;
/// Characters of a text shown in a row of the Data screen.
const ROW_CHARACTERS: usize = 200;
/// Characters of a text shown in the history strip.
const HISTORY_CHARACTERS: usize = 40;

impl Project {
    /// Everything the frame and the panels show.
    pub(super) fn state(&self, read_only: bool) -> ProjectState {
        let count =
            |test: fn(&label::ItemLabels) -> bool| self.labels.iter().filter(|labels| test(labels)).count() as u32;
        // Gathered once: every model's figures rest on them, and the state follows each label.
        let (audited, tested) = (self.audited(), self.tested());
        ProjectState {
            id: self.record.id.clone(),
            name: self.record.name.clone(),
            kind: self.record.kind,
            target: self.record.target,
            unsaved: self.unsaved(),
            columns: self.record.columns.clone(),
            classes: self.class_states(),
            items: self.items.len() as u32,
            embedded: self.item_of.len() as u32,
            labelled: count(|labels| labels.label.is_some() && !labels.measures()),
            audits: count(|labels| labels.audit.as_ref().is_some_and(|audit| audit.certificate.is_none())),
            checks: count(|labels| labels.audit.as_ref().is_some_and(|audit| audit.certificate.is_some())),
            tests: count(|labels| labels.test.is_some()),
            skipped: count(|labels| labels.skipped && !labels.is_decided()),
            flagged: count(|labels| labels.flagged),
            options: self.record.options,
            model: self.model_state(&audited, &tested),
            why_no_model: self.why_no_model(),
            deployment: self.deployment_state(&audited, &tested),
            triage: self.triage_state(&tested),
            review: self.review_summary(&audited),
            monitor: self.monitor_summary(&audited),
            audits_wished: self.record.deployment.audits_wished,
            history: self.history(),
            batches: self.batch_states(),
            features: self.source.words.clone(),
            warning: self.source.warning.clone(),
            read_only,
        }
    }

    fn class_states(&self) -> Vec<ClassState> {
        let mut classes: Vec<ClassState> = self
            .record
            .classes
            .iter()
            .map(|class| ClassState { class: class.clone(), labelled: 0, predicted: 0 })
            .collect();
        for (index, labels) in self.labels.iter().enumerate() {
            if let Some(class) = labels.given().and_then(|standing| self.class_of_key(&standing.class)) {
                classes[usize::from(class)].labelled += 1;
            } else if let Some((class, _)) = self.prediction(index as ItemIndex) {
                classes[usize::from(class)].predicted += 1;
            }
        }
        classes
    }

    fn model_state(&self, audited: &[Audited], tested: &[Audited]) -> Option<ModelState> {
        self.learner.probabilities()?;
        Some(ModelState {
            version: self.learner.version(),
            labels: self.learner.labels(),
            polishing: self.learner.polishing(),
            rough: self.learner.is_rough(),
            out_of_fold: self.learner.out_of_fold(),
            temperature: self.learner.temperature(),
            audit: share_right(audited, |audit| Some(self.prediction(audit.item)?.0)),
            test: share_right(tested, |test| Some(self.prediction(test.item)?.0)),
            curve: self.learner.curve().to_vec(),
        })
    }

    /// Why nothing predicts yet; `None` if something does.
    pub(super) fn why_no_model(&self) -> Option<String> {
        if self.has_model() {
            return None;
        }
        if self.items.is_empty() {
            return Some("Nothing imported yet".into());
        }
        if self.is_numeric() {
            return Some("No model yet: it needs three items with their numbers".into());
        }
        if self.learner.polish_due() {
            let labels = grouped(u64::from(self.training_labels()));
            return Some(format!("The first model is being made from {labels} labels"));
        }
        let labelled: HashSet<ClassIndex> =
            (0..self.items.len() as ItemIndex).filter_map(|item| self.training_class(item)).collect();
        match labelled.len() {
            // What has come in so far says nothing of what will have.
            0 | 1 if self.is_importing() => Some("No model yet: items are still coming in".into()),
            0 | 1 => Some("No model yet: it needs two classes with a label each".into()),
            // The learner is told of labels once their items are read.
            _ => Some("No model yet: the labelled items are being read".into()),
        }
    }

    /// What the background does while labels are learnt.
    pub(super) fn learning_title(&self) -> String {
        let labels = grouped(u64::from(self.training_labels()));
        match self.experiments.is_busy() {
            true => format!("Learning from {labels} labels; experiments wait for it"),
            false => format!("Learning from {labels} labels"),
        }
    }

    fn training_labels(&self) -> u32 {
        (0..self.items.len() as ItemIndex).filter(|&item| self.training_class(item).is_some()).count() as u32
    }

    /// The likeliest class of an item and its calibrated probability.
    pub(super) fn prediction(&self, item: ItemIndex) -> Option<(ClassIndex, f32)> {
        likeliest(self.row_probabilities(self.row_of[item as usize]?)?)
    }

    fn history(&self) -> Vec<HistoryEntry> {
        let mut newest: Vec<HistoryEntry> = Vec::new();
        for event in label::standing(&self.log).into_iter().rev() {
            if newest.len() == HISTORY {
                break;
            }
            let Some(&item) = self.by_hash.get(&event.item) else { continue };
            let verdict = match &event.action {
                _ if matches!(event.source, Source::Import | Source::Test) => continue,
                Action::Label(key) => match (self.class_of_key(key), self.number_of_key(key)) {
                    (Some(class), _) => Verdict::Label(class),
                    (None, Some(number)) => Verdict::Value(number),
                    (None, None) => continue,
                },
                Action::Skip => Verdict::Skip,
                Action::Flag => Verdict::Flag,
                Action::Keep(_) => Verdict::Keep,
                Action::Exclude => Verdict::Exclude,
                Action::SecondOpinion => Verdict::SecondOpinion,
                Action::Undo(_) => continue,
            };
            newest.push(HistoryEntry {
                event: event.id.clone(),
                item,
                name: self.items[item as usize].name.clone(),
                preview: preview(&self.items[item as usize].content, HISTORY_CHARACTERS),
                verdict,
                source: event.source,
            });
        }
        newest
    }

    /// Whether this import is coming in.
    fn is_arriving(&self, batch: u32) -> bool {
        self.arriving.as_ref().is_some_and(|arriving| arriving.batch == batch)
    }

    /// What to say while the newest import is not all here, because it was interrupted.
    pub(super) fn interrupted(&self) -> Option<String> {
        let newest = self.batches.iter().rev().find(|batch| !batch.is_out())?;
        if newest.ending != Ending::Open || self.is_arriving(newest.index) {
            return None;
        }
        let noun = if self.record.kind == Kind::Image { "images" } else { "rows" };
        let came = grouped(u64::from(newest.items) + u64::from(newest.duplicates) + newest.lost);
        let of = if newest.expected > 0 { format!("{came} of about {}", grouped(newest.expected)) } else { came };
        Some(format!("{of} {noun} came in before the import was interrupted. Take the same file again to go on."))
    }

    fn batch_states(&self) -> Vec<BatchState> {
        let mut held_out = vec![0; self.batches.len()];
        for (item, _) in self.items.iter().zip(&self.labels).filter(|(_, labels)| labels.test.is_some()) {
            if let Some(count) = held_out.get_mut(item.batch as usize) {
                *count += 1;
            }
        }
        self.batches
            .iter()
            .zip(self.why_fixed())
            .zip(held_out)
            .map(|((batch, fixed), held_out)| BatchState {
                name: batch.name.clone(),
                items: batch.items,
                duplicates: batch.duplicates,
                findings: batch.findings.clone(),
                problems: batch.problems.iter().take(PROBLEMS_SHOWN).cloned().collect(),
                problem_count: batch.problems.len() as u32,
                time_ms: batch.time_ms,
                rows: u64::from(batch.items) + u64::from(batch.duplicates) + batch.lost,
                lost: batch.lost,
                hidden: batch.hidden,
                expected: batch.expected,
                status: match batch.ending {
                    Ending::Finished => ImportStatus::Finished,
                    Ending::Cancelled => ImportStatus::Cancelled,
                    Ending::Failed => ImportStatus::Failed,
                    Ending::Removed | Ending::Gone => ImportStatus::Removed,
                    Ending::Open if self.is_arriving(batch.index) => ImportStatus::Running,
                    Ending::Open => ImportStatus::Interrupted,
                },
                held_out,
                fixed,
            })
            .collect()
    }

    /// A window on the items, and how many match in all.
    pub fn items_window(&self, query: &ItemQuery) -> (u32, Vec<ItemRow>) {
        let search = query.search.trim().to_lowercase();
        let on_test = matches!(query.filter, ItemFilter::AuditCell { model, .. } if self.measured_on(model).1);
        let mut matching: Vec<ItemIndex> = (0..self.items.len() as ItemIndex)
            .filter(|&item| self.passes(item, query.filter, on_test) && self.contains(item, &search))
            .collect();
        if query.sort != ItemSort::Imported {
            let sureness = |item: ItemIndex| match self.is_numeric() {
                true => self.sureness_of_value(item),
                false => self.shown_prediction(item).map_or(-1.0, |(_, probability)| f64::from(probability)),
            };
            matching.sort_by(|&a, &b| match query.sort {
                ItemSort::MostSure => sureness(b).total_cmp(&sureness(a)),
                _ => sureness(a).total_cmp(&sureness(b)),
            });
        }
        let rows = matching
            .iter()
            .skip(query.offset as usize)
            .take(query.limit as usize)
            .map(|&item| self.row(item))
            .collect();
        (matching.len() as u32, rows)
    }

    fn passes(&self, item: ItemIndex, filter: ItemFilter, on_test: bool) -> bool {
        let labels = &self.labels[item as usize];
        match filter {
            ItemFilter::All => true,
            ItemFilter::Unlabelled => !labels.is_decided(),
            ItemFilter::Labelled => labels.is_decided(),
            ItemFilter::Audit => labels.audit.is_some(),
            ItemFilter::Skipped => labels.skipped && !labels.is_decided(),
            ItemFilter::Flagged => labels.flagged,
            ItemFilter::Class(class) => self.class_now(item) == Some(class),
            ItemFilter::Accepted => self.is_accepted(item),
            ItemFilter::ToConfirm => self.is_to_confirm(item),
            ItemFilter::Batch(batch) => self.items[item as usize].batch == batch,
            ItemFilter::AuditCell { model, truth, predicted } => {
                self.is_measured_cell(item, model, (truth, predicted), on_test)
            }
            ItemFilter::Disagreeing if self.is_numeric() => self.is_outside_interval(item),
            ItemFilter::Disagreeing => match (self.labelled_class(item), self.shown_prediction(item)) {
                (Some(label), Some((predicted, _))) => label != predicted,
                _ => false,
            },
        }
    }

    fn contains(&self, item: ItemIndex, search: &str) -> bool {
        if search.is_empty() {
            return true;
        }
        let item = &self.items[item as usize];
        let has = |text: &str| text.to_lowercase().contains(search);
        has(&item.name)
            || match &item.content {
                Content::Image => false,
                Content::Text(text) => has(text),
                Content::Row(cells) => cells.iter().any(|cell| has(cell)),
            }
            || item.extra.iter().any(|(_, value)| has(value))
    }

    pub(super) fn labelled_class(&self, item: ItemIndex) -> Option<ClassIndex> {
        self.labels[item as usize].current().and_then(|standing| self.class_of_key(&standing.class))
    }

    fn class_now(&self, item: ItemIndex) -> Option<ClassIndex> {
        self.labelled_class(item).or_else(|| self.shown_prediction(item).map(|(class, _)| class))
    }

    /// The prediction, unless the item waits to be audited: showing it would spoil the blind.
    fn shown_prediction(&self, item: ItemIndex) -> Option<(ClassIndex, f32)> {
        if self.waits_as_audit(item) { None } else { self.prediction(item) }
    }

    fn row(&self, index: ItemIndex) -> ItemRow {
        let item = &self.items[index as usize];
        let labels = &self.labels[index as usize];
        ItemRow {
            item: index,
            name: item.name.clone(),
            preview: preview(&item.content, ROW_CHARACTERS),
            label: labels
                .current()
                .filter(|_| labels.is_decided() || !self.waits_as_audit(index))
                .and_then(|standing| Some((self.class_of_key(&standing.class)?, standing.source))),
            predicted: self.shown_prediction(index),
            given_value: self.given_value(index).filter(|_| labels.is_decided() || !self.waits_as_audit(index)),
            predicted_value: self.shown_value(index),
            flagged: labels.flagged,
            embedded: self.row_of[index as usize].is_some(),
        }
    }
}

/// A count with its thousands apart: 12,345.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = digits.as_str();
    while rest.len() > 3 {
        let (before, last) = rest.split_at(rest.len() - 3);
        parts.push(last);
        rest = before;
    }
    parts.push(rest);
    parts.reverse();
    parts.join(",")
}

/// The beginning of a text or a row, at most this many characters; nothing of an image.
pub(super) fn preview(content: &Content, characters: usize) -> String {
    match content {
        Content::Image => String::new(),
        Content::Text(text) => text.chars().take(characters).collect(),
        Content::Row(cells) => cells.join(" · ").chars().take(characters).collect(),
    }
}
