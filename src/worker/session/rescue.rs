//! Labels as a file when all else fails: a project that can't be opened, or a store that takes nothing more.

use super::{Answer, Attachment, Session, SessionError, refused};
use crate::pipeline::quality::annotators::log_file::write_log;
use crate::protocol::{Decision, Reply};
use crate::storage::StoreError;

impl Session {
    /// A project's label log as a file, with `decisions` that could not be stored at its end: what merges into any copy of the project.
    /// Of the open project nothing is read from the store; of another its log and its classes alone, so that no other damage matters.
    pub(super) async fn rescue(
        &self,
        project: &str,
        decisions: Vec<Decision>,
        now_ms: f64,
    ) -> Result<Answer, SessionError> {
        let (record, events) = match self.open.as_ref().filter(|open| open.id() == project) {
            Some(open) => {
                let mut events = decisions
                    .into_iter()
                    .map(|decision| self.event_of(decision, now_ms))
                    .collect::<Result<Vec<_>, _>>()?;
                events.retain(|event| !open.has_event(event));
                open.put_in_order(&mut events);
                (open.record.clone(), [open.whole_log(), events].concat())
            }
            None => match self.store.project(project).await? {
                Some(record) => {
                    let mut events = self.store.events(project).await?;
                    events.sort_by(|a, b| a.order().cmp(&b.order()));
                    (record, events)
                }
                None => return refused("That project is gone. The others are untouched."),
            },
        };
        let bytes = write_log(&record.name, record.target, &record.classes, &events);
        let name = format!("{}-label-log.jsonl", super::files::file_stem(&record.name));
        Ok(Answer {
            reply: Reply::File { name, defused: None },
            attachment: Some(Attachment::Made { bytes, mime: "application/x-ndjson" }),
        })
    }

    /// Says once what could not be read of what is stored.
    pub(super) fn tell_damage(&mut self) {
        let damaged = self.store.take_damaged();
        if damaged > 0 {
            self.notice(StoreError::Damaged(damaged).to_string());
        }
        let vectors = self.store.take_damaged_vectors();
        if vectors > 0 {
            self.notice(StoreError::DamagedFeatures(vectors).to_string());
        }
    }
}
