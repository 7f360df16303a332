//! The session worker's loop: one queue of inputs, one match. Requests come before background work, so a label never
//! waits for training.

mod features;
mod imports;
mod tabs;

use self::features::{Embedded, Flight, Owner, Weights};
use self::tabs::{Tabs, Word};
use super::extract::expected_source;
use super::import_job::{self, BlobReader, Origin};
use super::jobs::{CancelFlag, Jobs};
use super::pool::EmbedPool;
use super::session::{Answer, Attachment, Chunk, FeatureSource, Session};
use crate::browser::breath::Breath;
use crate::browser::tab_lock::{self, Held};
use crate::browser::worker_side::{emit, is_successor, listen, reply};
use crate::pipeline::item::Kind;
use crate::protocol::{Event, JobState, JobStatus, ProjectSummary, Reply, Request};
use crate::storage::Store;
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use std::collections::HashMap;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

/// All that can happen to the session.
pub(super) enum Input {
    /// The page asks.
    Ask { id: u64, request: Request, attachments: Vec<JsValue> },
    /// Files were looked at: keep them for the import that may follow.
    Staged { origins: Vec<Origin> },
    /// A project file was chosen.
    Restore { id: u64, file: Blob },
    /// Another person's label log or project file was read.
    Merge { id: u64, bytes: Vec<u8> },
    /// An import has read some items; it waits for the answer before it reads on.
    Chunk { import: Import, chunk: Chunk, done: u64, total: Option<u64>, stored: oneshot::Sender<Result<(), String>> },
    /// An import has ended.
    ImportEnded { import: Import, status: JobStatus },
    /// Some of a model's weights have come.
    Fetched { kind: Kind, bytes: u64, total: Option<u64> },
    /// The embed workers can embed a kind's items, or never will.
    Prepared { kind: Kind, source: Result<FeatureSource, String> },
    /// An embed worker has answered.
    Embedded { owner: Owner, results: Vec<Embedded> },
    /// The writer's lock is this tab's.
    Granted(Held),
    /// Another tab said something.
    Heard(Word),
    /// A tab that was asked to let go has had its time.
    Unanswered,
    /// What another tab wrote is to be read.
    Follow,
}

/// Which import, into which project and batch.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub job: u32,
    pub project: String,
    pub batch: u32,
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> f64 {
    js_sys::Date::now()
}

const BLOCKED: &str = "Hone in another tab or window holds the storage in the form of an earlier release. What is stored is safe. Close \
                       that tab, or reload it: this one goes on by itself then.";

/// Serves the page until the browser ends the worker.
pub async fn run() {
    let (sender, inputs) = mpsc::unbounded();
    let asks = sender.clone();
    listen(move |id, request, attachments| {
        // The receiver lives as long as the worker.
        let _ = asks.unbounded_send(Input::Ask { id, request, attachments });
    });
    let lock = tab_lock::acquire(is_successor()).await;
    let read_only = lock.is_none();
    match Store::open(|| emit(&Event::Notice(BLOCKED.into()))).await {
        Ok(store) => {
            // A project must open, and take labels, before any weights are there: they are taken to be there until one needs
            // them and they are not.
            let (images, texts) = (expected_source(Kind::Image), expected_source(Kind::Text));
            let mut session = Session::new(store, read_only, images, texts);
            if let Err(error) = session.clear_unfinished().await {
                session.notice(error.to_string());
            }
            Server {
                session,
                jobs: Jobs::default(),
                sender: sender.clone(),
                pool: None,
                weights: HashMap::new(),
                staged: Vec::new(),
                flight: Flight::default(),
                experiments: None,
                tabs: Tabs::listen(lock, sender),
            }
            .run(inputs)
            .await;
        }
        Err(error) => answer_all_with(inputs, error.to_string()).await,
    }
}

/// Without a store nothing can be kept, so nothing is begun.
async fn answer_all_with(mut inputs: mpsc::UnboundedReceiver<Input>, error: String) {
    while let Some(input) = inputs.next().await {
        if let Input::Ask { id, .. } = input {
            reply(id, &Reply::Failed(error.clone()), &[]);
        }
    }
}

struct Server {
    session: Session,
    jobs: Jobs,
    sender: mpsc::UnboundedSender<Input>,
    /// Started with the first item that needs it.
    pool: Option<EmbedPool>,
    /// Of the kinds that were asked for.
    weights: HashMap<Kind, Weights>,
    staged: Vec<Origin>,
    flight: Flight,
    /// The job by which experiments under way are shown: its number, title and cancel flag.
    experiments: Option<(u32, String, CancelFlag)>,
    tabs: Tabs,
}

impl Server {
    async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        let breath = Breath::new();
        loop {
            let input = match inputs.try_recv() {
                Ok(input) => Some(input),
                Err(_) if self.session.background(now_ms()).await => {
                    self.follow_experiments().await;
                    self.tell();
                    // Lets messages in between two slices of training.
                    breath.take().await;
                    None
                }
                Err(_) => inputs.next().await,
            };
            if let Some(input) = input {
                self.take(input).await;
                self.follow_experiments().await;
                self.feed_pool();
                self.tell();
            }
        }
    }

    fn tell(&mut self) {
        let events = self.session.take_events();
        if let Some(Event::Project(project)) = events.iter().find(|event| matches!(event, Event::Project(_))) {
            self.tabs.wrote(&project.id);
        }
        events.iter().for_each(emit);
    }

    fn tell_job(&self, state: Option<JobState>) {
        if let Some(state) = state {
            emit(&Event::Job(state));
        }
    }

    /// Shows what experiments are under way as a job, and stops them if the user cancels it.
    async fn follow_experiments(&mut self) {
        let progress = self.session.experiment_progress();
        let state = match (progress, self.experiments.take()) {
            (Some((title, _)), None) => {
                let (job, cancel, state) = self.jobs.start_share(&title, self.session.can_stop_progress(), now_ms());
                self.experiments = Some((job, title, cancel));
                Some(state)
            }
            // One ended and the next began between two looks.
            (Some((title, _)), Some((job, was, _))) if title != was => self.jobs.end(job, JobStatus::Finished),
            (Some((_, share)), Some((job, title, cancel))) => {
                if cancel.is_set() {
                    if let Err(error) = self.session.stop_experiments(now_ms()).await {
                        self.session.notice(error.to_string());
                    }
                    self.jobs.end(job, JobStatus::Cancelled)
                } else {
                    self.experiments = Some((job, title, cancel));
                    self.jobs.advance_share(job, share, now_ms())
                }
            }
            (None, Some((job, _, _))) => self.jobs.end(job, JobStatus::Finished),
            (None, None) => None,
        };
        self.tell_job(state);
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Ask { id, request, attachments } => self.ask(id, request, attachments).await,
            Input::Staged { origins } => self.staged = origins,
            Input::Restore { id, file } => {
                let restored = self.restore(file).await;
                reply(id, &restored.map_or_else(Reply::Failed, Reply::Restored), &[]);
            }
            Input::Merge { id, bytes } => {
                let merged = self.session.merge(&bytes, now_ms()).await;
                reply(id, &merged.map_or_else(|error| Reply::Failed(error.to_string()), Reply::Merged), &[]);
            }
            Input::Chunk { import, chunk, done, total, stored } => {
                let result = self.store_chunk(&import, chunk).await;
                // The job may have gone; what it sent is stored all the same.
                let _ = stored.send(result);
                let state = self.jobs.advance(import.job, done, total, now_ms());
                self.tell_job(state);
            }
            Input::ImportEnded { import, status } => self.end_import(import, status).await,
            Input::Fetched { kind, bytes, total } => {
                if let Some(Weights::Coming { job, .. }) = self.weights.get(&kind) {
                    let state = self.jobs.advance(*job, bytes / 1000, total.map(|total| total / 1000), now_ms());
                    self.tell_job(state);
                }
            }
            Input::Prepared { kind, source } => self.prepared(kind, source).await,
            Input::Embedded { owner, results } => self.embedded(owner, results).await,
            Input::Granted(held) => self.granted(held).await,
            Input::Heard(word) => self.heard(word).await,
            Input::Unanswered => self.unanswered(),
            Input::Follow => self.follow().await,
        }
    }

    /// Stores a project file, with a job that shows how far it is.
    async fn restore(&mut self, file: Blob) -> Result<ProjectSummary, String> {
        let reader = BlobReader::new(file).map_err(|error| error.to_string())?;
        let (job, _, state) = self.jobs.start_share("Bringing in a project", false, now_ms());
        self.tell_job(Some(state));
        let jobs = &mut self.jobs;
        let progress = |done: u64, total: u64| {
            if let Some(state) = jobs.advance_share(job, done as f64 / total.max(1) as f64, now_ms()) {
                emit(&Event::Job(state));
            }
        };
        let restored = self.session.restore_from(reader, now_ms(), progress).await.map_err(|error| error.to_string());
        // What went wrong is in the reply.
        let state = self.jobs.end(job, JobStatus::Finished);
        self.tell_job(state);
        restored
    }

    async fn ask(&mut self, id: u64, request: Request, attachments: Vec<JsValue>) {
        let answer: Answer = match request {
            Request::Inspect { sources } => {
                let origins = import_job::files(sources, attachments);
                spawn_local(import_job::inspect(id, origins, None, self.sender.clone()));
                return;
            }
            Request::InspectAgain { header } => {
                let origins = self.staged.clone();
                spawn_local(import_job::inspect(id, origins, Some(header), self.sender.clone()));
                return;
            }
            Request::Import { plan, into, resume } => {
                let origins = std::mem::take(&mut self.staged);
                let into = imports::Into::asked(&plan, into, resume);
                self.start_import(plan, origins, into).await
            }
            Request::OpenDemo { demo } => self.open_demo(demo).await,
            Request::Merge => {
                spawn_local(import_job::read_to_merge(id, attachments, self.sender.clone()));
                return;
            }
            Request::Cancel { job } => {
                self.jobs.cancel(job);
                Reply::Done.into()
            }
            Request::TakeOver => {
                self.tabs.ask();
                Reply::Done.into()
            }
            Request::Storage => {
                crate::browser::storage_quota::state().await.map_or_else(Reply::Failed, Reply::Storage).into()
            }
            Request::OpenProject { project } => {
                self.close_project();
                let answer = self.session.handle(Request::OpenProject { project }, now_ms()).await;
                // Before the reply, so that the page that hears "done" has the project.
                self.tell();
                answer
            }
            other => self.session.handle(other, now_ms()).await,
        };
        send(id, answer);
    }

    /// Before another project is opened: its imports and embeddings stop; what they brought is stored.
    fn close_project(&mut self) {
        // The model on its way serves the next project as well.
        let kept = |job| {
            self.weights.values().any(|weights| matches!(weights, Weights::Coming { job: own, .. } if *own == job))
        };
        self.jobs.cancel_all_but(kept);
        if let Some((job, _)) = self.flight.job.take() {
            let state = self.jobs.end(job, JobStatus::Cancelled);
            self.tell_job(state);
        }
        self.flight.done = 0;
        self.weights.retain(|_, weights| !matches!(weights, Weights::GivenUp));
    }
}

fn send(id: u64, answer: Answer) {
    let attachment = answer.attachment.map(|attachment| match attachment {
        Attachment::Stored(blob) => Ok(JsValue::from(blob)),
        Attachment::Made { bytes, mime } => import_job::blob(&bytes, mime).map(JsValue::from),
    });
    match attachment.transpose() {
        Ok(attachment) => reply(id, &answer.reply, attachment.as_slice()),
        Err(error) => reply(id, &Reply::Failed(error), &[]),
    }
}
