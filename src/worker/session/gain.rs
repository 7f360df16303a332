//! What a review gained: the same kind of model trained on the labels before and after it, compared on the same audits.

use super::audits::Audited;
use super::experiments::{SLICE_WORK, TrainingData, Trial, ended, from_log, log_outcome};
use super::runs::metric;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::evaluate::too_few;
use crate::pipeline::experiment::Outcome;
use crate::pipeline::gate::gate;
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{self, Action, LabelEvent, Source};
use crate::pipeline::log::{Run, RunKind, RunStatus, finished_twin, merkle_root};
use crate::pipeline::predict::softmax;
use crate::protocol::{ClassIndex, ExperimentReply, GainState, Interval, ItemIndex, RoundState};
use ndarray::{Array2, s};
use std::collections::HashMap;

/// A gain being measured: first the model of the labels before the review, then that of the labels after it.
pub(super) struct Measuring {
    /// The run that compares.
    run: Run,
    under_way: Trial,
    /// The second model, until the first is trained.
    next: Option<Trial>,
    /// The first model, once it is trained.
    before: Option<Outcome>,
    /// The newest event when it began: the next review begins after it.
    until: Option<(u64, String)>,
}

impl Measuring {
    /// Title and share done, 0 to 1.
    pub fn progress(&self) -> (String, f64) {
        let half = if self.before.is_some() { 0.5 } else { 0.0 };
        (
            format!("Measuring what the review gained (r{})", self.run.number),
            half + self.under_way.experiment.progress() / 2.0,
        )
    }
}

/// What a review did to one item.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reviewed {
    item: ItemIndex,
    /// The class it trained as before.
    before: Option<ClassIndex>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Changed,
    Kept,
    Excluded,
}

impl Session {
    /// Begins to measure the gain, unless the log has that very comparison.
    pub(super) async fn measure_gain(&mut self, now_ms: f64) -> Result<ExperimentReply, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        project.may_experiment()?;
        let reviewed = project.reviewed();
        if let Some(why) = project.no_gain_yet(&reviewed, &project.audited()) {
            return refused(format!("{why} Nothing was begun."));
        }
        let spec = project.spec_to_train();
        let after = project.training_data();
        let before = project.data_before(&reviewed);
        let mut fingerprints =
            [&before, &after].map(|data| project.fingerprint(&spec, data, Some(project.audits_root())));
        let compared = ContentHash::of(fingerprints.concat().as_bytes()).to_hex();
        if let Some(twin) = finished_twin(&project.runs, &compared) {
            return Ok(from_log(twin));
        }
        let count = |what: What| reviewed.iter().filter(|reviewed| reviewed.what == what).count().to_string();
        let name = format!("{} before the review", spec.name());
        let mut run = project.new_run(RunKind::Trial, &name, None, now_ms);
        project.describe(&mut run, &spec, &before, std::mem::take(&mut fingerprints[0]), false);
        let before = project.begin_trial(run, spec.clone(), &before)?;
        project.log_run(before.run.clone());
        let name = format!("{} after the review", spec.name());
        let mut run = project.new_run(RunKind::Review, &name, Some(&before.run.id), now_ms);
        project.describe(&mut run, &spec, &after, compared, false);
        for (key, what) in [("changed", What::Changed), ("kept", What::Kept), ("excluded", What::Excluded)] {
            run.params.insert(key.into(), count(what));
        }
        let after = project.begin_trial(run.clone(), spec, &after)?;
        let newest = project.log.iter().map(LabelEvent::order).max();
        let until = newest.map(|(clock, id)| (clock, id.to_owned()));
        let number = run.number;
        self.keep_run(before.run.clone(), &[]).await?;
        self.keep_run(run.clone(), &[]).await?;
        let project = self.opened_mut()?;
        project.experiments.measuring =
            Some(Measuring { run, under_way: before, next: Some(after), before: None, until });
        project.touch();
        Ok(ExperimentReply::Started { number })
    }

    /// One slice of it.
    pub(super) async fn step_gain(&mut self, mut measuring: Measuring, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        if !measuring.under_way.experiment.step(&project.features, SLICE_WORK) {
            project.experiments.measuring = Some(measuring);
            return Ok(());
        }
        if let Some(next) = measuring.next.take() {
            let Trial { mut run, experiment, .. } = std::mem::replace(&mut measuring.under_way, next);
            let outcome = experiment.finish();
            log_outcome(&mut run, &outcome, now_ms);
            measuring.before = Some(outcome);
            self.keep_run(ended(run, RunStatus::Finished, now_ms), &[]).await?;
            self.opened_mut()?.experiments.measuring = Some(measuring);
            return Ok(());
        }
        let (Some(before), after) = (measuring.before, measuring.under_way.experiment.finish()) else { return Ok(()) };
        let mut run = measuring.run;
        log_outcome(&mut run, &after, now_ms);
        let project = self.opened_mut()?;
        if let Some(verdict) = project.compared(&before, &after) {
            for (key, value) in [
                ("audits", verdict.audits as f64),
                ("accuracy_before", verdict.champion.estimate),
                ("accuracy_before_low", verdict.champion.low),
                ("accuracy_before_high", verdict.champion.high),
                ("accuracy", verdict.challenger.estimate),
                ("accuracy_low", verdict.challenger.low),
                ("accuracy_high", verdict.challenger.high),
                ("gain", verdict.difference.estimate),
                ("gain_low", verdict.difference.low),
                ("gain_high", verdict.difference.high),
                ("log_loss_before", verdict.champion_log_loss),
                ("log_loss", verdict.challenger_log_loss),
            ] {
                run.metrics.push(metric(key, value, 0, now_ms));
            }
        }
        let (clock, id) = measuring.until.unzip();
        project.record.review.since = id;
        project.record.review.since_clock = clock.unwrap_or_default();
        let sentence = gain_of(&run).map(|gain| gain.sentence);
        self.keep_run(ended(run, RunStatus::Finished, now_ms), &[]).await?;
        self.opened_mut()?.touch();
        self.save_record(now_ms).await?;
        if let Some(sentence) = sentence {
            self.notice(sentence);
        }
        Ok(())
    }

    /// Gives the measurement up.
    pub(super) async fn stop_gain(&mut self, measuring: Measuring, now_ms: f64) -> Result<(), SessionError> {
        if measuring.before.is_none() {
            self.keep_run(ended(measuring.under_way.run, RunStatus::Cancelled, now_ms), &[]).await?;
        }
        self.keep_run(ended(measuring.run, RunStatus::Cancelled, now_ms), &[]).await
    }
}

impl Project {
    /// The review since the last measured gain, and what that one gained.
    pub(super) fn round_state(&self, audited: &[Audited]) -> RoundState {
        let reviewed = self.reviewed();
        let count = |what: What| reviewed.iter().filter(|reviewed| reviewed.what == what).count() as u32;
        let newest = self.runs.iter().filter(|run| run.kind == RunKind::Review && run.status == RunStatus::Finished);
        RoundState {
            changed: count(What::Changed),
            kept: count(What::Kept),
            excluded: count(What::Excluded),
            measuring: self.experiments.measuring.is_some(),
            why_not: self.no_gain_yet(&reviewed, audited),
            gain: newest.max_by_key(|run| run.number).and_then(gain_of),
        }
    }

    fn no_gain_yet(&self, reviewed: &[Reviewed], audited: &[Audited]) -> Option<String> {
        if self.is_numeric() {
            return Some("The gain is measured for classes only.".into());
        }
        if !reviewed.iter().any(|reviewed| reviewed.what != What::Kept) {
            return Some("No label was changed since the last measured gain, so there is none to measure.".into());
        }
        if audited.is_empty() {
            return Some(
                "The gain is measured on blind audits, and there are none. Press “Audit now” on Models and answer some."
                    .into(),
            );
        }
        None
    }

    /// The items that a person reviewed since the last measured gain. What was labelled for the first time since is not a
    /// review.
    fn reviewed(&self) -> Vec<Reviewed> {
        let review = &self.record.review;
        let since = (review.since_clock, review.since.as_deref().unwrap_or_default());
        let mut items: Vec<ItemIndex> = label::standing(&self.log)
            .into_iter()
            .filter(|event| event.source == Source::Review && event.order() > since)
            .filter_map(|event| self.by_hash.get(&event.item).copied())
            .collect();
        items.sort_unstable();
        items.dedup();
        items.into_iter().filter_map(|item| self.reviewed_item(item, since)).collect()
    }

    fn reviewed_item(&self, item: ItemIndex, since: (u64, &str)) -> Option<Reviewed> {
        let own: Vec<&LabelEvent> = label::standing(self.events_of(item));
        let first = own.iter().find(|event| event.source == Source::Review && event.order() > since)?;
        let earlier = own.iter().copied().filter(|event| event.order() < first.order());
        let before = label::fold(earlier).remove(&self.items[item as usize].hash).unwrap_or_default();
        let before = before.training_key().and_then(|key| self.class_of_key(key));
        let labels = &self.labels[item as usize];
        let now = labels.training_key().and_then(|key| self.class_of_key(key));
        let kept = own.iter().any(|event| event.order() > since && matches!(event.action, Action::Keep(_)));
        let what = match (labels.excluded, before == now) {
            (true, false) => What::Excluded,
            (false, false) => What::Changed,
            (_, true) if kept => What::Kept,
            (_, true) => return None,
        };
        Some(Reviewed { item, before, what })
    }

    /// The labels as they would train if nothing had been reviewed.
    fn data_before(&self, reviewed: &[Reviewed]) -> TrainingData {
        let before: HashMap<ItemIndex, Option<ClassIndex>> =
            reviewed.iter().map(|reviewed| (reviewed.item, reviewed.before)).collect();
        let mut rows = Vec::new();
        let mut leaves = Vec::new();
        for (row, &item) in self.item_of.iter().enumerate() {
            let class = match before.get(&item) {
                Some(_) if self.duplicates_an_audit(item) => None,
                Some(&class) => class,
                None => self.training_class(item),
            };
            let Some(class) = class else { continue };
            rows.push((row, usize::from(class)));
            let key = self.record.classes[usize::from(class)].key.clone();
            leaves.push((self.items[item as usize].hash, key, String::new()));
        }
        TrainingData { root: merkle_root(leaves), rows }
    }

    /// Two models on the audits, the older one as the champion.
    fn compared(&self, before: &Outcome, after: &Outcome) -> Option<crate::pipeline::gate::Verdict> {
        let audited = self.audited();
        let truth: Vec<usize> = audited.iter().map(|audit| usize::from(audit.truth)).collect();
        let opinions = |outcome: &Outcome| {
            let mut all = Array2::zeros((audited.len(), self.record.classes.len()));
            for (row, audit) in audited.iter().enumerate() {
                let logits = outcome.head.logits_of_rows(&self.features, audit.row..audit.row + 1);
                let known = softmax(&logits, outcome.temperature);
                all.slice_mut(s![row..row + 1, ..known.ncols()]).assign(&known);
            }
            all
        };
        gate(&truth, &opinions(before), &opinions(after))
    }
}

/// The gain that a run has logged.
fn gain_of(run: &Run) -> Option<GainState> {
    let number = |key: &str| run.metric(key);
    let few = too_few(number("audits").unwrap_or(0.0) as usize);
    let three = |key: &str, low: &str, high: &str| {
        Some(Interval { estimate: number(key)?, low: number(low)?, high: number(high)?, few })
    };
    let before = three("accuracy_before", "accuracy_before_low", "accuracy_before_high")?;
    let after = three("accuracy", "accuracy_low", "accuracy_high")?;
    let difference = three("gain", "gain_low", "gain_high")?;
    let count = |key: &str| run.params.get(key).and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    let did = match (count("changed"), count("excluded")) {
        (changed, 0) => format!("changed {}", labels(changed)),
        (0, excluded) => format!("excluded {excluded}"),
        (changed, excluded) => format!("changed {} and excluded {excluded}", labels(changed)),
    };
    let sentence = format!(
        "This review {did}: audit accuracy {:.1} → {:.1} % (paired interval {:+.1}…{:+.1} points on {} audits).",
        before.estimate * 100.0,
        after.estimate * 100.0,
        difference.low * 100.0,
        difference.high * 100.0,
        number("audits")?,
    );
    Some(GainState { run: run.number, sentence, before, after, difference })
}

fn labels(count: u32) -> String {
    if count == 1 { "1 label".into() } else { format!("{count} labels") }
}
