//! Other people's labels: what people decided in a label log or a whole project file is taken into the open project. In any
//! order, any number of times, the same files give the same labels.

use super::files::{RESTORED_AT_ONCE, unarchived};
use super::project::known_vectors;
use super::{Coming, Project, Session, SessionError, refused};
use crate::pipeline::import::plan::Problem;
use crate::pipeline::item::{ContentHash, Item, Kind};
use crate::pipeline::label::{Class, LabelEvent, MOST_CLASSES, Source};
use crate::pipeline::quality::annotators::class_mapping::class_mapping;
use crate::pipeline::quality::annotators::log_file::{looks_like_log, read_log};
use crate::pipeline::quality::annotators::merge::{Merged, merge};
use crate::storage::archive::{Snapshot, image_hashes, read_archive};
use crate::storage::brought_with;
use crate::storage::media::from_bytes;
use crate::storage::records::{Ending, ItemRecord};
use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;

impl Session {
    /// Takes in a label log or a project file, and says in a sentence what came in. Nothing is taken in unless the file can be
    /// read.
    pub async fn merge(&mut self, bytes: &[u8], now_ms: f64) -> Result<String, SessionError> {
        self.must_write()?;
        self.opened()?;
        let mut items = 0;
        let (classes, events, problems) = if looks_like_log(bytes) {
            let log = read_log("the label log", bytes).map_err(SessionError::Refused)?;
            if log.target != self.opened()?.target() {
                return refused(
                    "One of the label log and this project holds classes and the other numbers, so they can't be merged. Nothing was changed.",
                );
            }
            self.must_have_room(&log.classes)?;
            (log.classes, log.events, log.problems)
        } else {
            let (snapshot, mut images) = read_archive(Cursor::new(bytes)).map_err(unarchived)?;
            self.opened()?.check_alike(&snapshot)?;
            self.must_have_room(&snapshot.project.classes)?;
            let (classes, events) = (snapshot.project.classes.clone(), snapshot.events.clone());
            let (came, problems) = self.merge_items(snapshot, |hash| images.read(hash), now_ms).await?;
            items = came;
            (classes, events, problems)
        };
        let (merged, who) = self.merge_events(&classes, events, now_ms).await?;
        Ok(sentence(&merged, who, items, &problems))
    }

    fn must_have_room(&self, classes: &[Class]) -> Result<(), SessionError> {
        let own = &self.opened()?.record.classes;
        let all = own.len() + class_mapping(own, classes).added.len();
        if all > MOST_CLASSES {
            return refused(format!(
                "With that file’s classes there would be {all}, more than the {MOST_CLASSES} that a project can have. Nothing was changed."
            ));
        }
        Ok(())
    }

    /// The items of another project file that are not here yet, with their images and features.
    async fn merge_items(
        &mut self,
        snapshot: Snapshot,
        mut image: impl FnMut(ContentHash) -> Result<Vec<u8>, Problem>,
        now_ms: f64,
    ) -> Result<(usize, Vec<Problem>), SessionError> {
        let name = format!("Merged from {}", snapshot.project.name);
        let project = self.opened()?;
        let new: Vec<Item> = snapshot
            .items
            .into_iter()
            .map(|record| record.item)
            .filter(|item| !project.by_hash.contains_key(&item.hash))
            .collect();
        if new.is_empty() {
            return Ok((0, Vec::new()));
        }
        let (kind, columns) = (project.record.kind, project.record.columns.clone());
        let expected = new.len() as u64;
        let batch = self.begin_batch(&name, kind, &columns, Coming { expected, ..Coming::default() }, now_ms).await?;
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let first = project.items.len();
        let records: Vec<ItemRecord> = new
            .into_iter()
            .enumerate()
            .map(|(place, item)| ItemRecord { index: (first + place) as u32, item: Item { batch, ..item } })
            .collect();
        let mut problems = Vec::new();
        for chunk in records.chunks(RESTORED_AT_ONCE) {
            let mut media = Vec::new();
            for hash in image_hashes(chunk) {
                match image(hash) {
                    Ok(bytes) => media.push((hash, from_bytes(bytes)?)),
                    Err(problem) => problems.push(problem),
                }
            }
            store.add_items(&project.record.id, chunk, media, &[]).await?;
        }
        for set in snapshot.vectors {
            store.append_vectors(&brought_with(&project.record.id, &set.feature_id), &set.vectors).await?;
        }
        let count = records.len();
        let hashes: Vec<ContentHash> = records.iter().map(|record| record.item.hash).collect();
        if let Some(record) = project.batches.get_mut(batch as usize) {
            record.items += count as u32;
            record.problems.extend(problems.iter().cloned());
        }
        for record in records {
            project.push_item(record.item);
        }
        // Features that came along need not be computed again.
        let mut known = known_vectors(&store, &project.record.id, &project.source.id, &hashes).await?;
        for hash in hashes {
            let vector = known.remove(&hash).filter(|vector| project.accepts(vector));
            if let (Some(vector), Some(&index)) = (vector, project.by_hash.get(&hash)) {
                project.push_row(index, vector);
                project.no_longer_pending(index, hash);
            }
        }
        project.rows_arrived();
        self.finish_batch(batch, Ending::Finished, now_ms).await?;
        Ok((count, problems))
    }

    async fn merge_events(
        &mut self,
        classes: &[Class],
        mut events: Vec<LabelEvent>,
        now_ms: f64,
    ) -> Result<(Merged, BTreeSet<String>), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let ours = project.whole_log();
        // What a model accepted stands under a certificate of its own project, which is not here.
        events.retain(|event| event.source != Source::Model);
        let merged = merge(&ours, &events);
        let added = class_mapping(&project.record.classes, classes).added;
        if !added.is_empty() {
            // Before the decisions that name them: whatever happens in between, each label has its class.
            let mut record = project.record.clone();
            record.classes.extend(added);
            store.put_project(&record).await?;
            project.record = record;
        }
        // Written again is harmless: an event's id is its key.
        let own: HashMap<&str, &LabelEvent> = ours.iter().map(|event| (event.id.as_str(), event)).collect();
        let changed = |event: &&LabelEvent| own.get(event.id.as_str()) != Some(event);
        let changed: Vec<LabelEvent> = merged.events.iter().filter(changed).cloned().collect();
        store.append_events(&project.record.id, &changed).await?;
        project.replace_log(merged.events.clone());
        project.part_duplicates();
        project.relearn();
        project.drop_decided_cards();
        project.reviewed_anew();
        self.settle_certificates().await?;
        self.save_record(now_ms).await?;
        let who = changed.into_iter().map(|event| event.annotator).collect();
        Ok((merged, who))
    }
}

impl Project {
    /// Only what holds the same kind of items can be merged.
    fn check_alike(&self, other: &Snapshot) -> Result<(), SessionError> {
        let (own, other) = (&self.record, &other.project);
        if own.kind != other.kind {
            return refused(format!(
                "That project holds {}s and this one {}s, so they can't be merged. Nothing was changed.",
                other.kind.noun(),
                own.kind.noun()
            ));
        }
        if own.target != other.target {
            return refused(
                "One of the projects learns classes and the other a number, so they can't be merged. Nothing was changed.",
            );
        }
        if own.kind == Kind::Table && own.columns != other.columns {
            return refused(format!(
                "That project's columns are {}, and this one's {}, so their rows can't be merged. Nothing was changed.",
                other.columns.join(", "),
                own.columns.join(", ")
            ));
        }
        Ok(())
    }
}

/// What came in, in a sentence.
fn sentence(merged: &Merged, who: BTreeSet<String>, items: usize, problems: &[Problem]) -> String {
    let mut parts = Vec::new();
    if items > 0 {
        parts.push(format!("{items} new items"));
    }
    if merged.added > 0 {
        let names: Vec<String> = who.into_iter().collect();
        parts.push(format!("{} new decisions by {}", merged.added, names.join(", ")));
    }
    let mut sentence = match parts.is_empty() {
        true => "Nothing new: all of it was here already.".to_owned(),
        false => format!("Merged {}.", parts.join(" and ")),
    };
    if !merged.conflicts.is_empty() {
        sentence += &format!(
            " {} decisions came in two versions under one id; the same one is kept everywhere.",
            merged.conflicts.len()
        );
    }
    if let Some(problem) = problems.first() {
        sentence += &format!(" {} lines or images could not be read, the first: {}", problems.len(), problem.message);
    }
    sentence
}
