//! Removing an import again: its items and its labels leave the project at once and stay in the store, so that it can be
//! brought back, until the next import begins. Which imports are out is one mark in an import's record: whatever happens
//! in between, all of an import is in the project or none of it.

use super::{Project, Session, SessionError, refused};
use crate::pipeline::item::ContentHash;
use crate::storage::Purge;
use crate::storage::records::{BatchRecord, Ending, ItemRecord};
use std::collections::HashSet;

impl Session {
    /// Takes an import out of the project, with its items and the labels that it brought. Returns how many items.
    pub(super) async fn remove_import(&mut self, batch: u32, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let record = match project.batches.get(batch as usize) {
            Some(record) if !record.is_out() => record.clone(),
            Some(_) => return refused("That import was removed before. Nothing was changed."),
            None => return refused("That import is not in this project. Nothing was changed."),
        };
        if let Some(why) = project.why_fixed().into_iter().nth(batch as usize).flatten() {
            return refused(format!("{why} Nothing was changed."));
        }
        // What is under way rests on what goes.
        self.stop_experiments(now_ms).await?;
        let project = self.opened_mut()?;
        let monitor = &mut project.record.monitor;
        if monitor.audit_of == Some(batch) {
            monitor.audit_of = None;
            project.record.deployment.audits_wished = 0;
        }
        if monitor.label_of.is_some_and(|label_of| label_of.batch == batch) {
            monitor.label_of = None;
        }
        let items = record.items;
        let removed = BatchRecord { ending: Ending::Removed, ended_before: record.ending, ..record };
        self.mark(removed, now_ms).await?;
        Ok(items)
    }

    /// Brings back an import that was removed. Returns how many items.
    pub(super) async fn restore_import(&mut self, batch: u32, now_ms: f64) -> Result<u32, SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let record = match project.batches.get(batch as usize) {
            Some(record) if record.ending == Ending::Removed => record.clone(),
            Some(record) if record.ending == Ending::Gone => return refused(format!("{GONE} Nothing was changed.")),
            Some(_) => return refused("That import was not removed. Nothing was changed."),
            None => return refused("That import is not in this project. Nothing was changed."),
        };
        let items = record.items;
        let restored = BatchRecord { ending: record.ended_before, ..record };
        self.mark(restored, now_ms).await?;
        Ok(items)
    }

    async fn mark(&mut self, record: BatchRecord, now_ms: f64) -> Result<(), SessionError> {
        let id = self.opened()?.record.id.clone();
        self.save_record(now_ms).await?;
        self.store.put_batch(&id, &record).await?;
        self.reload(now_ms).await
    }

    /// Loads the open project anew from the store.
    pub(super) async fn reload(&mut self, now_ms: f64) -> Result<(), SessionError> {
        let id = self.opened()?.record.id.clone();
        self.open_project(&id).await?;
        let project = self.opened_mut()?;
        let labels = project.training_rows().len() as u32;
        // Else as many new labels as were removed would have to come before a model is trained again.
        let at_last_run = &mut project.record.deployment.labels_at_last_run;
        *at_last_run = labels.min(*at_last_run);
        self.save_record_or_later(now_ms).await;
        Ok(())
    }

    /// Takes imports that were removed out of the store, too: from then on they can't be brought back.
    pub(super) async fn purge_removed(&mut self) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened()?;
        let removed: Vec<&BatchRecord> =
            project.batches.iter().filter(|record| record.ending == Ending::Removed).collect();
        if removed.is_empty() {
            return Ok(());
        }
        let goes = |record: &ItemRecord| removed.iter().any(|batch| batch.index == record.item.batch);
        let id = project.record.id.clone();
        let items = store.items(&id).await?;
        let from = items.iter().find(|record| goes(record)).map_or(items.len() as u32, |record| record.index);
        let gone: HashSet<ContentHash> =
            items.iter().filter(|record| goes(record)).map(|record| record.item.hash).collect();
        let stay: Vec<ItemRecord> = (from..)
            .zip(items.into_iter().filter(|record| record.index > from && !goes(record)))
            .map(|(index, record)| ItemRecord { index, ..record })
            .collect();
        let events: Vec<String> = store
            .events(&id)
            .await?
            .into_iter()
            .filter(|event| gone.contains(&event.item) || removed.iter().any(|batch| batch.brought_event(event)))
            .map(|event| event.id)
            .collect();
        let batches: Vec<BatchRecord> = removed
            .into_iter()
            .map(|record| BatchRecord {
                ending: Ending::Gone,
                problems: Vec::new(),
                findings: Vec::new(),
                brought: Vec::new(),
                ..record.clone()
            })
            .collect();
        let gone_items: Vec<ContentHash> = gone.into_iter().collect();
        let purge = Purge { from, stay: &stay, gone: &gone_items, events: &events, batches: &batches };
        store.purge(&id, purge).await?;
        let project = self.opened_mut()?;
        for record in batches {
            let index = record.index as usize;
            project.batches[index] = record;
        }
        project.forget_removed();
        Ok(())
    }
}

/// Why an import can't be brought back.
const GONE: &str = "Another import has begun since it was removed, so it is gone for good. Import its files again.";

impl Project {
    /// Of each import why it can't be removed, if it can't; of one that was removed why it can't be brought back.
    pub(super) fn why_fixed(&self) -> Vec<Option<String>> {
        let mut audits = vec![0; self.batches.len()];
        let mut tests = vec![0; self.batches.len()];
        let mut certificates: Vec<Option<u32>> = vec![None; self.batches.len()];
        for (item, labels) in self.items.iter().zip(&self.labels) {
            let batch = item.batch as usize;
            if batch < self.batches.len() {
                audits[batch] += u32::from(labels.audit.is_some());
                tests[batch] += u32::from(labels.test.is_some());
            }
        }
        for record in self.certificates.iter().filter(|record| record.ended.is_none()) {
            for certified in record.parts.iter().flat_map(|part| &part.items) {
                // Mostly the first item settles it for all imports, of thousands.
                if certificates.iter().all(Option::is_some) {
                    break;
                }
                let batch = self.by_hash.get(&certified.item).map(|&item| self.items[item as usize].batch as usize);
                if let Some(number) = batch.and_then(|batch| certificates.get_mut(batch)) {
                    *number = Some(record.number);
                }
            }
        }
        let champion = self.champion.as_ref().map(|champion| champion.number);
        let promoted_ms = self.promoted_by_gate_ms();
        self.batches
            .iter()
            .enumerate()
            .map(|(place, batch)| match (batch.ending, champion) {
                (Ending::Gone, _) => Some(GONE.to_owned()),
                (Ending::Removed, _) => None,
                _ if self.is_importing() => Some("An import is under way: wait until it has ended.".to_owned()),
                (_, Some(champion)) if audits[place] > 0 => Some(format!(
                    "The champion r{champion} is measured on {} blind audits of this import, so it can't be removed. To be \
                     without it, import what you want to keep into a new project.",
                    audits[place]
                )),
                (_, Some(champion)) if tests[place] > 0 && promoted_ms.is_some_and(|when| batch.time_ms <= when) => {
                    Some(format!(
                        "r{champion} became champion by {} test labels of this import, so it can't be removed. Go back to \
                         the champion before on Models first, or import what you want to keep into a new project.",
                        tests[place]
                    ))
                }
                _ => certificates[place].map(|number| {
                    format!(
                        "Certificate {number} covers items of this import, so it can't be removed. Stop its audit on \
                         Models first, or import what you want to keep into a new project."
                    )
                }),
            })
            .collect()
    }

    /// When the present champion was let through by the gate, if it was.
    fn promoted_by_gate_ms(&self) -> Option<f64> {
        let promotions = &self.record.deployment.promotions;
        let present = &promotions.last()?.run;
        let by_gate = |why: &str| why.starts_with("promoted");
        promotions.iter().rev().find(|one| one.run == *present && by_gate(&one.why)).map(|one| one.time_ms)
    }
}
