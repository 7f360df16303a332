//! What becomes of a state: it is logged when it changes, it voids certificates when it worsens, and a person may ask
//! for the audit that decides or for the labels that mend it.

use super::super::audits::Audited;
use super::super::runs::metric;
use super::super::{Project, Session, SessionError, refused};
use crate::pipeline::log::{Run, RunKind, RunStatus};
use crate::protocol::{Health, ItemIndex, MonitorState};
use crate::storage::records::{HealthRecord, LabellingRecord};

/// Most labels that one way back asks for.
const MOST_LABELS: u32 = 10_000;

impl Session {
    /// Logs the changes of state since the last call; `false` if there were none.
    pub(in super::super) async fn log_changes(&mut self, now_ms: f64) -> Result<bool, SessionError> {
        let project = self.opened_mut()?;
        let audited = project.audited();
        let Some((batch, after)) = project.change_of_health(&audited) else { return Ok(false) };
        if project.record.monitor.floor.is_none() {
            // Frozen now: the level that new data are held to must not move with them.
            project.record.monitor.floor = project.level_of_reference(&audited);
        }
        let before = project.health_so_far(batch);
        let Some(champion) = project.champion.as_ref().map(|champion| (champion.run.clone(), champion.number)) else {
            return Ok(false);
        };
        let name = project.batches[batch as usize].name.clone();
        let run = project.monitor_run(batch, after, &audited, now_ms);
        let change = HealthRecord { batch, model: champion.0, health: after, run: run.id.clone(), time_ms: now_ms };
        project.record.monitor.changes.push(change);
        if after == Health::Healthy && project.record.monitor.audit_of == Some(batch) {
            project.end_audit_of_batch();
        }
        project.touch();
        self.keep_run(run, &[]).await?;
        self.save_record(now_ms).await?;
        if after > before.unwrap_or(Health::Healthy).max(Health::Healthy) {
            self.void_certificates(&format!("“{name}” was judged {} under r{}", after.word(), champion.1)).await?;
        }
        match (before, after) {
            (_, Health::TooSmall) | (None | Some(Health::TooSmall), Health::Healthy) => {}
            (_, Health::Healthy) => self.notice(format!("r{} is healthy again on “{name}”.", champion.1)),
            (_, Health::Watch) => {
                self.notice(format!("“{name}” differs from what r{} knows. Monitor asks for an audit.", champion.1));
            }
            (_, Health::Deteriorated) => {
                self.notice(format!("r{} has deteriorated on “{name}”. Monitor shows two ways back.", champion.1));
            }
        }
        Ok(true)
    }

    /// What the Monitor screen shows. The suspects are looked for from then on: reviewing them is part of one way back.
    pub(in super::super) fn monitor(&mut self) -> Result<MonitorState, SessionError> {
        let project = self.opened_mut()?;
        let state = project.monitor_state();
        if state.ways.is_some() {
            project.want_review();
        }
        Ok(state)
    }

    /// The user's acceptable level.
    pub(in super::super) async fn set_floor(&mut self, floor: f64, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        if !(floor > 0.0 && floor < 1.0) {
            return refused("The acceptable level lies between 0 and 100 %. Nothing was changed.");
        }
        let project = self.opened_mut()?;
        project.record.monitor.floor = Some(floor);
        project.record.monitor.floor_is_set = true;
        project.monitor.revision += 1;
        project.touch();
        self.save_record(now_ms).await
    }

    /// The next questions are blind audits of this import, as many as would decide.
    pub(in super::super) async fn audit_batch(&mut self, batch: u32, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        let needed = project.judgement(batch, &project.audited()).and_then(|judgement| judgement.audits_needed);
        let Some(needed) = needed else {
            return refused("This import needs no audit: its state is decided. Nothing was changed.");
        };
        let open = project.pool_of(batch).into_iter().map(|batch| project.open_of(batch)).sum();
        if open == 0 {
            return refused("Every item of this import is labelled, so none is left to audit. Nothing was changed.");
        }
        let count = needed.min(open);
        project.record.monitor.audit_of = Some(batch);
        project.record.deployment.audits_wished = count;
        project.mark_rank_due();
        project.touch();
        self.save_record(now_ms).await?;
        Ok(count)
    }

    /// The next questions are the most useful items of this import; then a model is trained.
    pub(in super::super) async fn label_batch(
        &mut self,
        batch: u32,
        count: u32,
        now_ms: f64,
    ) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened_mut()?;
        if batch as usize >= project.batches.len() {
            return refused("That import is not in this project. Nothing was changed.");
        }
        let count = count.min(MOST_LABELS).min(project.open_of(batch));
        let wish = LabellingRecord { batch, before: project.training_of(batch), wished: count };
        project.record.monitor.label_of = (count > 0).then_some(wish);
        project.mark_rank_due();
        project.touch();
        self.save_record(now_ms).await?;
        Ok(count)
    }

    /// Once the labels that a way back asked for are given, a model is trained and brought to the gate; `false` if that
    /// isn't so.
    pub(in super::super) async fn conclude_labelling(&mut self, now_ms: f64) -> Result<bool, SessionError> {
        let project = self.opened_mut()?;
        let Some(label_of) = project.record.monitor.label_of else { return Ok(false) };
        let done = project.labelled_of(label_of) >= label_of.wished || project.open_of(label_of.batch) == 0;
        if !done || project.experiments.is_busy() {
            return Ok(false);
        }
        project.record.monitor.label_of = None;
        project.mark_rank_due();
        project.touch();
        let untrained = project.labels_since_run() > 0;
        self.save_record(now_ms).await?;
        if untrained && let Err(SessionError::Refused(why)) = self.train(false, now_ms).await {
            self.notice(why);
        }
        Ok(true)
    }
}

impl Project {
    /// Items of a batch that nobody has decided about.
    fn open_of(&self, batch: u32) -> u32 {
        let open = |&item: &ItemIndex| {
            self.batch_of(item) == batch
                && self.row_of[item as usize].is_some()
                && !self.labels[item as usize].is_decided()
        };
        (0..self.items.len() as ItemIndex).filter(open).count() as u32
    }

    /// Items of a batch that train.
    fn training_of(&self, batch: u32) -> u32 {
        let trains = |&item: &ItemIndex| self.batch_of(item) == batch && self.training_class(item).is_some();
        (0..self.items.len() as ItemIndex).filter(trains).count() as u32
    }

    /// Labels given since a way back asked for some.
    pub(super) fn labelled_of(&self, label_of: LabellingRecord) -> u32 {
        self.training_of(label_of.batch).saturating_sub(label_of.before)
    }

    /// The import that the queue asks about, while a way back is taken.
    pub(in super::super) fn asks_about(&self) -> Option<u32> {
        self.record.monitor.label_of.map(|label_of| label_of.batch)
    }

    /// The imports that wished audits are drawn from: those that are judged together; all items if none.
    pub(in super::super) fn audits_of(&self) -> Option<Vec<u32>> {
        let batch = self.record.monitor.audit_of.filter(|_| self.record.deployment.audits_wished > 0);
        batch.map(|batch| self.pool_of(batch))
    }

    /// Whether this item is of one of these imports; of `None` all are.
    pub(in super::super) fn is_of(&self, item: ItemIndex, batches: Option<&[u32]>) -> bool {
        batches.is_none_or(|batches| batches.contains(&self.batch_of(item)))
    }

    /// An audit is over before all of it was answered: it is decided.
    fn end_audit_of_batch(&mut self) {
        self.record.monitor.audit_of = None;
        self.record.deployment.audits_wished = 0;
        self.mark_rank_due();
    }

    fn health_so_far(&self, batch: u32) -> Option<Health> {
        let mut newest = self.record.monitor.changes.iter().rev();
        newest.find(|change| change.batch == batch).map(|change| change.health)
    }

    /// The first batch whose state is not the one last logged. What belongs to the reference is news only if an audit
    /// speaks against it, or it was news before.
    fn change_of_health(&self, audited: &[Audited]) -> Option<(u32, Health)> {
        (0..self.batches.len() as u32).find_map(|batch| {
            let now = self.judgement(batch, audited)?.state;
            let before = self.health_so_far(batch);
            let silent = before.is_none() && now == Health::Healthy && self.is_reference(batch);
            // That little is known is no news, and no change of what was known.
            let silent = silent || (now == Health::TooSmall && before.is_none_or(|before| before <= Health::Healthy));
            (before != Some(now) && !silent).then_some((batch, now))
        })
    }

    /// Whether [`Session::log_changes`] has something to log.
    pub(in super::super) fn health_is_news(&self) -> bool {
        self.champion.is_some() && !self.is_numeric() && self.change_of_health(&self.audited()).is_some()
    }

    fn monitor_run(&self, batch: u32, after: Health, audited: &[Audited], now_ms: f64) -> Run {
        let name = format!("{} {}", self.batches[batch as usize].name, after.word());
        let champion = self.champion.as_ref().map(|champion| champion.run.as_str());
        let mut run = self.new_run(RunKind::Monitor, &name, champion, now_ms);
        run.params.insert("batch".into(), self.batches[batch as usize].name.clone());
        run.params.insert("state".into(), after.word().into());
        if let Some(before) = self.health_so_far(batch) {
            run.params.insert("state_before".into(), before.word().into());
        }
        let mut add = |key: &str, value: f64| run.metrics.push(metric(key, value, 0, now_ms));
        if let Some(floor) = self.floor(audited) {
            add("acceptable_accuracy", floor);
        }
        if let Some(report) = self.report(batch) {
            if let Ok(accuracy) = report.accuracy {
                add("estimated_accuracy", accuracy.estimate);
                add("estimated_accuracy_low", accuracy.low);
                add("estimated_accuracy_high", accuracy.high);
            }
            if let Some(separation) = &report.separation {
                add("domain_classifier_auc", separation.auc.estimate);
            }
            if let Some((_, strongest)) = report.tests.first() {
                add("least_corrected_p", strongest.corrected);
            }
        }
        if let Some(measured) = self.measured(batch, audited) {
            add("audits", measured.total as f64);
            add("accuracy", measured.right as f64 / measured.total as f64);
        }
        (run.status, run.end_ms) = (RunStatus::Finished, Some(now_ms));
        run
    }
}
