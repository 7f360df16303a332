//! Gathers what is read until there is enough for a chunk, and hands it to the session.

use super::super::picture::importable;
use super::super::serve::{Import, Input, now_ms};
use super::super::session::{Arrival, Chunk};
use super::Stop;
use super::blobs::blob;
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, SourceFile};
use crate::pipeline::import::problem::one_class_problem;
use crate::pipeline::import::{Beside, Imported, ProblemList, Reading, image_item, text_item};
use crate::protocol::JobStatus;
use futures_channel::{mpsc, oneshot};
use std::collections::BTreeSet;
use web_sys::Blob;

/// A chunk is sent on when it holds this many items …
const CHUNK_ITEMS: usize = 64;
/// … or this many rows, which are far smaller …
const CHUNK_ROWS: usize = 1_000;
/// … or this many bytes of images …
const CHUNK_BYTES: u64 = 16 << 20;
/// … or after this many milliseconds, so that items appear as they come.
const CHUNK_MS: f64 = 400.0;

/// What was read and is not sent yet, and the counts of the whole import.
pub(super) struct Hopper {
    sender: mpsc::UnboundedSender<Input>,
    pub(super) import: Import,
    /// What is wrong with the sources.
    pub(super) problems: ProblemList,
    /// What the tables beside images say.
    pub(super) beside: Beside,
    /// The images met, for the tables beside them; empty without such tables.
    pub(super) images: Vec<String>,
    chunk: Chunk,
    problems_sent: usize,
    bytes: u64,
    since_ms: f64,
    items: u64,
    classes: BTreeSet<String>,
    total: Option<u64>,
    most: usize,
}

impl Hopper {
    pub(super) fn new(plan: &ImportPlan, import: Import, sender: mpsc::UnboundedSender<Input>) -> Self {
        let counts_rows = plan.columns_of(Role::Content).next().is_some();
        Self {
            sender,
            import,
            problems: ProblemList::default(),
            beside: Beside::default(),
            images: Vec::new(),
            chunk: Chunk::default(),
            problems_sent: 0,
            bytes: 0,
            since_ms: now_ms(),
            items: 0,
            classes: BTreeSet::new(),
            total: Some(plan.expected_items).filter(|&total| total > 0),
            most: if counts_rows { CHUNK_ROWS } else { CHUNK_ITEMS },
        }
    }

    /// Takes a file that is one item.
    pub(super) async fn take_file(
        &mut self,
        plan: &ImportPlan,
        reading: &Reading,
        file: &SourceFile,
        bytes: &[u8],
        original: Option<Blob>,
    ) -> Result<(), Stop> {
        let batch = self.import.batch;
        let arrival = if *reading == Reading::Image {
            let imported = image_item(plan, &self.beside, file, bytes, batch, &mut self.problems);
            match imported {
                None => None,
                Some(imported) => match importable(bytes, file).await {
                    Ok(shown) => {
                        // A copy of the bytes, not the user's file: that may be moved or deleted tomorrow.
                        // What was converted says by its first bytes what it is.
                        let mime = original.filter(|_| shown.is_none()).map(|blob| blob.type_()).unwrap_or_default();
                        let media = blob(shown.as_deref().unwrap_or(bytes), &mime).map_err(Stop::Failed)?;
                        Some(Arrival { imported, media: Some(media) })
                    }
                    Err(problem) => {
                        self.problems.push(problem);
                        None
                    }
                },
            }
        } else {
            text_item(plan, file, bytes, batch, &mut self.problems).map(|imported| Arrival { imported, media: None })
        };
        if let Some(arrival) = arrival {
            self.bytes += bytes.len() as u64;
            self.push(arrival);
        }
        self.flush_if_due().await
    }

    /// Takes rows that are an item each.
    pub(super) async fn take_rows(&mut self, rows: Vec<Imported>) -> Result<(), Stop> {
        for imported in rows {
            self.push(Arrival { imported, media: None });
            self.flush_if_due().await?;
        }
        Ok(())
    }

    fn push(&mut self, arrival: Arrival) {
        self.items += 1;
        if let Some(label) = arrival.imported.label() {
            self.classes.insert(label.to_owned());
        }
        self.chunk.arrivals.push(arrival);
    }

    /// What can be said only at the end: rows whose image is missing, that nothing came in, or labels of one class alone.
    pub(super) fn conclude(&mut self, plan: &ImportPlan, status: &JobStatus) {
        if *status == JobStatus::Finished {
            self.beside.tell_unmatched(self.images.iter().map(String::as_str), &mut self.problems);
            if self.items == 0 {
                let message = "nothing could be imported: the problems above say why. The project is empty";
                self.problems.push(Problem::note("", message));
            }
        }
        if plan.target == crate::protocol::Target::Classes {
            self.problems.extend(one_class_problem(self.classes.iter().map(String::as_str)));
        }
    }

    async fn flush_if_due(&mut self) -> Result<(), Stop> {
        let is_due =
            self.chunk.arrivals.len() >= self.most || self.bytes >= CHUNK_BYTES || now_ms() - self.since_ms >= CHUNK_MS;
        if is_due { self.flush().await } else { Ok(()) }
    }

    /// Sends what there is to the session and waits until it is stored.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let unsent = &self.problems.as_slice()[self.problems_sent..];
        chunk.problems = unsent.to_vec();
        self.problems_sent += unsent.len();
        self.send(chunk).await
    }

    /// The last chunk, closed by one problem that stands for those that are counted but not kept in words, so that the
    /// rows of the import add up.
    pub(super) async fn flush_last(&mut self) -> Result<(), Stop> {
        let kept = self.problems.as_slice();
        let more = self.problems.count() - kept.len() as u64;
        let lost = self.problems.lost() - kept.iter().map(|problem| problem.lost).sum::<u64>();
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.problems = kept[self.problems_sent..].to_vec();
        if more > 0 {
            chunk.problems.push(Problem::of_rows("", lost, format!("and {more} more problems, not listed")));
        }
        self.problems_sent = kept.len();
        self.send(chunk).await
    }

    async fn send(&mut self, chunk: Chunk) -> Result<(), Stop> {
        self.bytes = 0;
        self.since_ms = now_ms();
        let (stored, waiting) = oneshot::channel();
        let done = self.items + self.problems.lost();
        let input = Input::Chunk { import: self.import.clone(), chunk, done, total: self.total, stored };
        if self.sender.unbounded_send(input).is_err() {
            return Err(Stop::Failed("The session has ended. What came in is safe.".into()));
        }
        match waiting.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Stop::Failed(error)),
            Err(_) => Err(Stop::Failed("The session has ended. What came in is safe.".into())),
        }
    }
}
