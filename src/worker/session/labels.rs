//! Decisions: stored first, then applied. Nothing is acknowledged that is not on disk.

use super::audits::Drawn;
use super::numeric::TrainingTarget;
use super::{Session, SessionError, refused};
use crate::pipeline::class_name::{folded, tidy};
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{Action, Class, LabelEvent, MOST_CLASSES, Source, last_undoable};
use crate::protocol::{Card, ClassIndex, Decision, ItemIndex, LabelEffect, Options, Verdict};
use ulid::Ulid;

/// Who decides, until the page says who sits before it.
pub(super) const ANNOTATOR: &str = "me";
/// Longest name of an annotator, in characters.
const LONGEST_NAME: usize = 60;

impl Session {
    /// Writes one decision to the log, learns from it at once, and says what it changed.
    pub(super) async fn decide(&mut self, decision: Decision, now_ms: f64) -> Result<LabelEffect, SessionError> {
        self.must_write()?;
        let item = decision.item;
        let event = self.event_of(decision, now_ms)?;
        let project = self.opened()?;
        let seen = match event.source {
            Source::Review => project.seen_suspect(item, &event.action, &event.id),
            _ => None,
        };
        let effect = self.record_events(vec![event], now_ms).await?;
        self.opened_mut()?.record.review.seen.extend(seen);
        Ok(effect)
    }

    /// What the log says of a decision, but for its place.
    pub(super) fn event_of(&self, decision: Decision, now_ms: f64) -> Result<LabelEvent, SessionError> {
        let project = self.opened()?;
        let Some(item) = project.items.get(decision.item as usize) else {
            return refused("That item is not in this project. Nothing was changed.");
        };
        let action = project.action(decision.item, decision.verdict)?;
        let drawn = project.drawn_with(decision.item);
        let certificate = match (drawn, decision.audit) {
            (None, Some(_)) => project.certificate_asking(decision.item),
            _ => None,
        };
        let label_drawn_with = project.label_drawn_with(decision.item).filter(|_| decision.repeat);
        let asked_as_audit = decision.audit.is_some() || drawn.is_some();
        let source = match &action {
            Action::Label(_) if asked_as_audit => Source::Audit,
            Action::Label(_) | Action::Skip if decision.repeat => Source::Repeat,
            _ => project.source_of(decision.item, &action),
        };
        Ok(LabelEvent {
            id: decision.id,
            item: item.hash,
            annotator: self.annotator.clone(),
            action,
            source,
            shown: decision.shown,
            drawn_with: decision.audit.or(label_drawn_with),
            certificate,
            took_ms: decision.took_ms,
            time_ms: now_ms,
            clock: 0,
        })
    }

    /// The same label for many items: one transaction, one event an item.
    pub(super) async fn decide_many(
        &mut self,
        ids: Vec<String>,
        items: Vec<ItemIndex>,
        verdict: Verdict,
        now_ms: f64,
    ) -> Result<LabelEffect, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        if ids.len() != items.len() || items.iter().any(|&item| item as usize >= project.items.len()) {
            return refused("Some of these items are not in this project. Nothing was changed.");
        }
        let mut events = Vec::new();
        for (id, item) in ids.into_iter().zip(items) {
            let action = project.action(item, verdict)?;
            events.push(LabelEvent {
                id,
                item: project.items[item as usize].hash,
                annotator: self.annotator.clone(),
                source: project.source_of(item, &action),
                action,
                shown: None,
                drawn_with: None,
                certificate: None,
                took_ms: None,
                time_ms: now_ms,
                clock: 0,
            });
        }
        self.record_events(events, now_ms).await
    }

    /// Takes back the latest decision that stands and returns its card, to decide anew.
    pub(super) async fn undo(&mut self, now_ms: f64) -> Result<Option<Card>, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let Some(target) = last_undoable(&project.log, &self.annotator) else { return Ok(None) };
        let (hash, target_id, drawn_with) = (target.item, target.id.clone(), target.drawn_with);
        let was_audit = target.source == Source::Audit && target.certificate.is_none();
        let newest = project.newest_id(now_ms);
        let event = LabelEvent {
            id: id_after(newest.as_deref(), now_ms, hash),
            item: hash,
            annotator: self.annotator.clone(),
            action: Action::Undo(target_id),
            source: Source::Human,
            shown: None,
            drawn_with: None,
            certificate: None,
            took_ms: None,
            time_ms: now_ms,
            clock: 0,
        };
        self.record_events(vec![event], now_ms).await?;
        let project = self.opened_mut()?;
        let Some(&item) = project.by_hash.get(&hash) else { return Ok(None) };
        // Its answer was taken back, but it stays an audit: what was drawn blind is asked blind again.
        if was_audit && !project.labels[item as usize].is_decided() {
            let request = project.requests;
            project.drawn.insert(request, Drawn { item, probability: drawn_with.unwrap_or(1.0) });
        }
        Ok(Some(project.card_for(item)?))
    }

    /// Gives the events their places in the log, stores and applies them. What the log has already, because a page that had no
    /// answer sent it again, stays as it is stored.
    pub(super) async fn record_events(
        &mut self,
        mut events: Vec<LabelEvent>,
        now_ms: f64,
    ) -> Result<LabelEffect, SessionError> {
        let store = self.store.clone();
        let project = self.opened()?;
        let id = project.record.id.clone();
        events.retain(|event| !project.has_event(event));
        project.put_in_order(&mut events);
        store.append_events(&id, &events).await?;
        let project = self.opened_mut()?;
        let mut effect = LabelEffect::default();
        let mut relearn = false;
        for event in events {
            let is_undo = matches!(event.action, Action::Undo(_));
            let is_request = matches!(event.source, Source::Human | Source::Audit | Source::Repeat);
            let is_repeat = event.source == Source::Repeat;
            if is_repeat && event.drawn_with.is_some() {
                let wished = &mut project.record.review.label_audits_wished;
                *wished = wished.saturating_sub(1);
            }
            let granted = event.source == Source::Audit && event.certificate.is_none();
            let Some(item) = project.push_event(event) else { continue };
            let before = project.training_target(item);
            project.refold(item);
            let after = project.training_target(item);
            if is_undo && is_request {
                project.requests = project.requests.saturating_sub(1);
            } else if is_request {
                project.requests += 1;
            }
            if granted && project.is_of(item, project.audits_of().as_deref()) {
                let wished = &mut project.record.deployment.audits_wished;
                *wished = wished.saturating_sub(1);
            }
            if is_repeat {
                project.planned.retain(|planned| !planned.card.repeat || planned.card.item != item);
            }
            if project.labels[item as usize].is_decided() || project.labels[item as usize].skipped {
                project.drawn.retain(|_, drawn| drawn.item != item);
            }
            match (before, after, project.row_of[item as usize]) {
                (None, Some(TrainingTarget::Number(value)), Some(row)) => {
                    if let Some(numeric) = &mut project.numeric {
                        numeric.learner.observe(row, value);
                    }
                }
                (None, Some(TrainingTarget::Class(class)), Some(row)) => {
                    effect = project.learner.observe(&project.features, row, usize::from(class));
                    project.nearest_labels.add(row);
                }
                (before, after, Some(_)) if before != after => relearn = true,
                _ => {}
            }
        }
        if project.part_duplicates() || relearn {
            project.relearn();
        } else {
            project.exclude_audits();
        }
        project.drop_decided_cards();
        project.mark_rank_due();
        project.touch();
        // The label is on disk; the start screen's counts follow once the next card is there.
        project.record_due = Some(now_ms);
        self.settle_certificates().await?;
        Ok(effect)
    }

    /// Adds a class at the end.
    pub(super) async fn add_class(&mut self, name: &str, now_ms: f64) -> Result<ClassIndex, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        project.must_have_classes("Classes are")?;
        let name = tidy(name);
        project.check_class_name(&name, None)?;
        if project.has_most_classes() {
            return refused(format!(
                "A project can have {MOST_CLASSES} classes, and this one has. Nothing was changed."
            ));
        }
        let index = project.push_class(&name);
        if let Err(error) = self.save_record(now_ms).await {
            // A class that is not stored may not get labels that are.
            self.opened_mut()?.record.classes.pop();
            return Err(error);
        }
        let project = self.opened_mut()?;
        project.learner.set_classes(project.record.classes.len());
        project.learner.refresh(&project.features);
        project.touch();
        project.touch_queue();
        Ok(index)
    }

    /// Renames a class; the log keeps its key.
    pub(super) async fn rename_class(
        &mut self,
        class: ClassIndex,
        name: &str,
        now_ms: f64,
    ) -> Result<(), SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        let name = tidy(name);
        project.class_key(class)?;
        project.check_class_name(&name, Some(class))?;
        let before = std::mem::replace(&mut project.record.classes[usize::from(class)].name, name);
        project.touch();
        let saved = self.save_record(now_ms).await;
        if saved.is_err() {
            self.opened_mut()?.record.classes[usize::from(class)].name = before;
        }
        saved
    }

    /// The next `count` questions of the stream are audits.
    pub(super) async fn audit_now(&mut self, count: u32, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        if !project.has_model() {
            return refused(
                "Audits measure a model, and there is none yet. Nothing was changed. Label some items first.",
            );
        }
        project.record.deployment.audits_wished = count;
        project.record.monitor.audit_of = None;
        project.mark_rank_due();
        project.touch();
        self.save_record(now_ms).await
    }

    /// Who decides from now on: a name that other people's labels are told from.
    pub(super) fn set_annotator(&mut self, name: &str) -> Result<(), SessionError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return refused(format!(
                "An annotator's name has 1 to {LONGEST_NAME} letters. Nothing was changed; labels keep the name they had."
            ));
        }
        self.annotator = name.into();
        if let Some(project) = &mut self.open {
            project.annotator.clone_from(&self.annotator);
            project.reviewed_anew();
            project.mark_rank_due();
        }
        Ok(())
    }

    /// Changes how the queue asks.
    pub(super) async fn set_options(&mut self, options: Options, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        if !options.are_in_range() {
            return refused(
                "The shares of audits and of repeated questions lie between 0 and 50 %. Nothing was changed.",
            );
        }
        let project = self.opened_mut()?;
        project.record.options = options;
        project.mark_rank_due();
        project.touch();
        self.save_record(now_ms).await
    }
}

impl super::Project {
    /// What a verdict about an item says in the log.
    fn action(&self, item: ItemIndex, verdict: Verdict) -> Result<Action, SessionError> {
        Ok(match verdict {
            Verdict::Label(class) => Action::Label(self.class_key(class)?),
            Verdict::Value(value) => Action::Label(self.number_key(value)?),
            Verdict::Skip => Action::Skip,
            Verdict::Flag => Action::Flag,
            Verdict::Exclude => Action::Exclude,
            Verdict::SecondOpinion => Action::SecondOpinion,
            Verdict::Keep => match self.labels[item as usize].current() {
                Some(standing) => Action::Keep(standing.class.clone()),
                None => return refused("There is no label to keep. Nothing was changed. Label the item instead."),
            },
        })
    }

    /// Where a person's decision comes from: what was decided before is reviewed.
    fn source_of(&self, item: ItemIndex, action: &Action) -> Source {
        match action {
            Action::Label(_) if self.labels[item as usize].is_decided() => Source::Review,
            Action::Keep(_) | Action::Exclude | Action::SecondOpinion => Source::Review,
            _ => Source::Human,
        }
    }

    pub(super) fn class_key(&self, class: ClassIndex) -> Result<String, SessionError> {
        match self.record.classes.get(usize::from(class)) {
            Some(class) => Ok(class.key.clone()),
            None => refused("That class is not in this project. Nothing was changed."),
        }
    }

    fn check_class_name(&self, name: &str, except: Option<ClassIndex>) -> Result<(), SessionError> {
        if name.is_empty() {
            return refused("A class needs a name. Nothing was changed.");
        }
        if self.class_called(name).is_some_and(|taken| except != Some(taken)) {
            return refused(format!("There is a class “{name}” already. Nothing was changed."));
        }
        Ok(())
    }

    /// Whether there is no room for another class.
    pub(super) fn has_most_classes(&self) -> bool {
        self.record.classes.len() >= MOST_CLASSES
    }

    /// The class of this name, however it is spelt.
    pub(super) fn class_called(&self, name: &str) -> Option<ClassIndex> {
        let name = folded(name);
        self.record.classes.iter().position(|class| folded(&class.name) == name).map(|class| class as ClassIndex)
    }

    /// Adds a class whose key is its name, or its name and a number if an older class, renamed since, has that key.
    pub(super) fn push_class(&mut self, name: &str) -> ClassIndex {
        let mut key = name.to_string();
        let mut number = 2;
        while self.class_of_key(&key).is_some() {
            key = format!("{name} {number}");
            number += 1;
        }
        self.record.classes.push(Class { key, name: name.into() });
        (self.record.classes.len() - 1) as ClassIndex
    }
}

/// A ULID for an event at `now_ms` that sorts after `newest`, so that no two are alike and the ids that one import made lie between its
/// first and its last. The item's hash fills the random part, so that two browsers don't make the same id in the same millisecond.
pub(super) fn id_after(newest: Option<&str>, now_ms: f64, item: ContentHash) -> String {
    let salt = item.0[..10].iter().fold(0u128, |salt, &byte| salt << 8 | u128::from(byte));
    let now = Ulid::from_parts(now_ms.max(0.0) as u64, salt);
    let after = match newest.and_then(|id| Ulid::from_string(id).ok()) {
        Some(newest) if newest >= now => Ulid(newest.0.saturating_add(1)),
        _ => now,
    };
    after.to_string()
}

/// What every id of before `now_ms` is less than.
pub(super) fn first_id_at(now_ms: f64) -> String {
    Ulid::from_parts(now_ms.max(0.0) as u64, 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_sorts_after_the_newest_even_if_the_clock_went_back() {
        let item = ContentHash::of(b"item");
        let first = id_after(None, 1_000.0, item);
        let second = id_after(Some(&first), 1_000.0, item);
        let third = id_after(Some(&second), 1.0, item);
        assert!(first < second && second < third, "{first} {second} {third}");
        assert_ne!(first, id_after(None, 1_000.0, ContentHash::of(b"other")));
    }
}
