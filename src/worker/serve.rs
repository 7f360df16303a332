//! The session worker's loop: one queue of inputs, one match. Requests come before background work, so a label never
//! waits for training.

use super::extract::expected_source;
use super::import_job::{self, Origin};
use super::jobs::{CancelFlag, Jobs};
use super::pool::EmbedPool;
use super::session::{Answer, Attachment, Chunk, FeatureSource, Pending, Session};
use crate::browser::breath::Breath;
use crate::browser::user_timing;
use crate::browser::worker_side::{emit, listen, reply};
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role, Target};
use crate::pipeline::item::{Content, ContentHash, Kind};
use crate::protocol::{Demo, Event, ItemIndex, JobStatus, Reply, Request};
use crate::storage::Store;
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use std::collections::HashMap;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

/// All that can happen to the session.
pub(super) enum Input {
    /// The page asks.
    Ask { id: u64, request: Request, attachments: Vec<JsValue> },
    /// Files were looked at: keep them for the import that may follow.
    Staged { origins: Vec<Origin> },
    /// A project file was read.
    Restored { id: u64, bytes: Vec<u8> },
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
}

/// Which import, into which project and batch.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub job: u32,
    pub project: String,
    pub batch: u32,
}

/// Whose vectors these are, and of which extractor: another project may have been opened since they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    project: String,
    feature_id: String,
}

pub(super) struct Embedded {
    item: ItemIndex,
    hash: ContentHash,
    vector: Result<FeatureVector, String>,
    thumbnail: Option<web_sys::Blob>,
    /// Of images.
    looks: Option<[f32; 6]>,
}

/// Texts that go to an embed worker together.
const TEXTS_AT_ONCE: usize = 64;
/// Vectors that are stored together, once the first screenful is there.
const VECTORS_AT_ONCE: usize = 32;

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Serves the page until the browser ends the worker.
pub async fn run() {
    let (sender, inputs) = mpsc::unbounded();
    let asks = sender.clone();
    listen(move |id, request, attachments| {
        // The receiver lives as long as the worker.
        let _ = asks.unbounded_send(Input::Ask { id, request, attachments });
    });
    let read_only = !crate::browser::tab_lock::acquire().await;
    match Store::open().await {
        Ok(store) => {
            // A project must open, and take labels, before any weights are there: they are taken to be there until one needs
            // them and they are not.
            let (images, texts) = (expected_source(Kind::Image), expected_source(Kind::Text));
            let session = Session::new(store, read_only, images, texts);
            Server {
                session,
                jobs: Jobs::default(),
                sender,
                pool: None,
                weights: HashMap::new(),
                staged: Vec::new(),
                flight: Flight::default(),
                experiments: None,
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
}

/// How far the model of a kind is loaded.
enum Weights {
    /// A job shows how much has come.
    Coming { job: u32, cancel: CancelFlag },
    /// The embed workers have them, or a stand-in.
    There,
    /// They can't be had, nor can a stand-in; or nobody wants them now.
    GivenUp,
}

/// Items at the embed workers, and what came back and is not stored yet.
#[derive(Default)]
struct Flight {
    out: usize,
    back: Vec<(Owner, Embedded)>,
    job: Option<(u32, CancelFlag)>,
    done: u64,
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
        for event in self.session.take_events() {
            emit(&event);
        }
    }

    fn tell_job(&self, state: Option<crate::protocol::JobState>) {
        if let Some(state) = state {
            emit(&Event::Job(state));
        }
    }

    /// Shows what experiments are under way as a job, and stops them if the user cancels it.
    async fn follow_experiments(&mut self) {
        const STEPS: u64 = 100;
        let progress = self.session.experiment_progress();
        let state = match (progress, self.experiments.take()) {
            (Some((title, _)), None) => {
                let (job, cancel, state) = self.jobs.start(&title, Some(STEPS), now_ms());
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
                    self.jobs.advance(job, (share * STEPS as f64) as u64, Some(STEPS), now_ms())
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
            Input::Restored { id, bytes } => {
                let restored = self.session.restore_archive(&bytes, now_ms()).await;
                reply(id, &restored.map_or_else(|error| Reply::Failed(error.to_string()), Reply::Restored), &[]);
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
        }
    }

    async fn ask(&mut self, id: u64, request: Request, attachments: Vec<JsValue>) {
        let answer: Answer = match request {
            Request::Inspect { sources } => {
                let origins = import_job::files(sources, attachments);
                spawn_local(import_job::inspect(id, origins, self.sender.clone()));
                return;
            }
            Request::Import { plan, into } => {
                let origins = std::mem::take(&mut self.staged);
                let name = plan.name.clone();
                self.start_import(plan, &name, origins, into).await
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

    /// Whether the embed workers can embed items of this kind. If nobody has asked, their model is fetched now.
    fn prepare(&mut self, kind: Kind) -> bool {
        if let Some(weights) = self.weights.get(&kind) {
            return matches!(weights, Weights::There);
        }
        let title = format!("Fetching the model for {}s, in kilobytes", kind.word());
        let (job, cancel, state) = self.jobs.start(&title, None, now_ms());
        self.tell_job(Some(state));
        self.weights.insert(kind, Weights::Coming { job, cancel: cancel.clone() });
        let pool = self.pool.get_or_insert_with(EmbedPool::start).clone();
        let sender = self.sender.clone();
        spawn_local(async move {
            let go_on = |bytes, total| {
                let _ = sender.unbounded_send(Input::Fetched { kind, bytes, total });
                !cancel.is_set()
            };
            let source = pool.prepare(kind, go_on).await;
            let _ = sender.unbounded_send(Input::Prepared { kind, source });
        });
        false
    }

    async fn prepared(&mut self, kind: Kind, source: Result<FeatureSource, String>) {
        let Some(Weights::Coming { job, cancel }) = self.weights.remove(&kind) else { return };
        let (weights, status) = match source {
            Ok(source) => {
                self.session.set_source(kind, source);
                (Weights::There, JobStatus::Finished)
            }
            Err(error) => {
                let why = "No features are computed, so nothing new can be asked. What is labelled is safe. Open the project again \
                           to try again.";
                self.session.notice(format!("{error} {why}"));
                (Weights::GivenUp, if cancel.is_set() { JobStatus::Cancelled } else { JobStatus::Failed(error) })
            }
        };
        let state = self.jobs.end(job, status);
        self.tell_job(state);
        self.weights.insert(kind, weights);
        self.follow_source().await;
    }

    /// A project that was opened with other features than there turned out to be is loaded anew; the items of an import under way
    /// come in first.
    async fn follow_source(&mut self) {
        let outdated = self.session.project().filter(|open| self.session.is_outdated(open) && !open.is_importing());
        let Some(id) = outdated.map(|open| open.id().to_owned()) else { return };
        if let Err(error) = self.session.open_project(&id).await {
            self.session.notice(error.to_string());
        }
    }

    async fn start_import(
        &mut self,
        plan: ImportPlan,
        batch_name: &str,
        origins: Vec<Origin>,
        into: Option<String>,
    ) -> Answer {
        match self.try_start_import(plan, batch_name, origins, into).await {
            Ok((job, project)) => Reply::Started { job, project }.into(),
            Err(error) => Reply::Failed(error).into(),
        }
    }

    async fn try_start_import(
        &mut self,
        mut plan: ImportPlan,
        batch_name: &str,
        origins: Vec<Origin>,
        into: Option<String>,
    ) -> Result<(u32, String), String> {
        if origins.is_empty() {
            return Err("The files of this import are gone. Nothing was imported. Choose them again.".into());
        }
        let classes: Vec<String> = plan.classes.iter().map(|(name, _)| name.clone()).collect();
        if plan.kind != Kind::Table {
            // It comes while the items do.
            self.prepare(plan.kind);
        }
        let project = match into {
            Some(project) => {
                if self.session.project().is_none_or(|open| open.id() != project) {
                    self.close_project();
                    self.session.open_project(&project).await.map_err(|error| error.to_string())?;
                }
                if let Some(open) = self.session.project() {
                    plan.fit_to_project(open.kind(), open.columns(), open.target())?;
                }
                project
            }
            None => {
                self.close_project();
                let project = new_ulid();
                let columns = content_columns(&plan);
                let created = match plan.target {
                    Target::Number => {
                        self.session
                            .create_numeric_project(project.clone(), &plan.name, plan.kind, columns, now_ms())
                            .await
                    }
                    Target::Classes => {
                        self.session
                            .create_project(project.clone(), &plan.name, plan.kind, columns, &classes, now_ms())
                            .await
                    }
                };
                created.map_err(|error| error.to_string())?;
                project
            }
        };
        let batch = self
            .session
            .begin_batch(batch_name, plan.kind, &content_columns(&plan), now_ms())
            .await
            .map_err(|error| error.to_string())?;
        let title = format!("Importing {}", counted(plan.expected_items, plan.kind));
        let (job, cancel, state) = self.jobs.start(&title, Some(plan.expected_items).filter(|&n| n > 0), now_ms());
        self.tell_job(Some(state));
        let import = Import { job, project: project.clone(), batch };
        spawn_local(import_job::run(plan, origins, import, cancel, self.sender.clone()));
        Ok((job, project))
    }

    async fn open_demo(&mut self, demo: Demo) -> Answer {
        match import_job::demo(demo).await {
            Ok((mut plan, origins)) => {
                // The demo is for labelling, so what its files know is withheld, but for the names of the classes.
                plan.labels = LabelSource::None;
                plan.target = Target::Classes;
                let name = plan.name.clone();
                self.start_import(plan, &name, origins, None).await
            }
            Err(error) => Reply::Failed(error).into(),
        }
    }

    async fn store_chunk(&mut self, import: &Import, chunk: Chunk) -> Result<(), String> {
        if self.session.project().is_none_or(|open| open.id() != import.project) {
            return Err("Another project was opened. What came in is safe.".into());
        }
        let begun = user_timing::now();
        let added = self.session.add_chunk(import.batch, chunk, now_ms()).await.map_err(|error| error.to_string());
        user_timing::measure("store items", begun);
        added
    }

    async fn end_import(&mut self, import: Import, status: JobStatus) {
        let mut status = status;
        if self.session.project().is_some_and(|open| open.id() == import.project)
            && let Err(error) = self.session.finish_batch(import.batch, now_ms()).await
        {
            status = JobStatus::Failed(error.to_string());
        }
        let state = self.jobs.end(import.job, status);
        self.tell_job(state);
        self.follow_source().await;
    }

    /// Keeps the embed workers busy, but not more than that: items wait in the store, not in memory.
    fn feed_pool(&mut self) {
        let Some(open) = self.session.project() else { return };
        let (kind, waits) = (open.kind(), open.pending_count() > 0);
        if kind == Kind::Table || !waits || !self.prepare(kind) {
            return;
        }
        let Some(pool) = self.pool.clone() else { return };
        // What came in while the model was on its way may be a project's with other features.
        if self.session.project().is_none_or(|open| self.session.is_outdated(open)) {
            return;
        }
        if self.session.is_read_only() || self.flight.job.as_ref().is_some_and(|(_, cancel)| cancel.is_set()) {
            return;
        }
        let limit = pool.workers() + 1;
        while self.flight.out < limit {
            let Some(project) = self.session.project_mut() else { return };
            if project.kind() == Kind::Table || project.pending_count() == 0 {
                return;
            }
            let at_once = if project.kind() == Kind::Text { TEXTS_AT_ONCE } else { 1 };
            let pending = project.take_pending(at_once);
            let kind = project.kind();
            let owner = Owner { project: project.id().into(), feature_id: project.feature_id().into() };
            if self.flight.job.is_none() {
                let title = format!("Computing features of {}s", kind.word());
                let (job, cancel, state) = self.jobs.start(&title, None, now_ms());
                self.flight.job = Some((job, cancel));
                self.tell_job(Some(state));
            }
            self.flight.out += 1;
            spawn_local(embed(pool.clone(), self.session.store().clone(), owner, kind, pending, self.sender.clone()));
        }
    }

    async fn embedded(&mut self, owner: Owner, results: Vec<Embedded>) {
        self.flight.out -= 1;
        let open = self.session.project().filter(|open| open.id() == owner.project);
        let counts = open.map(|open| (open.pending_count(), open.embedded_count()));
        if counts.is_some() {
            self.flight.done += results.len() as u64;
        }
        self.flight.back.extend(results.into_iter().map(|result| (owner.clone(), result)));
        let (pending, ready) = counts.unwrap_or((0, usize::MAX));
        let last = pending == 0 && self.flight.out == 0;
        // The first cards should come at once; later, a store transaction for each vector would cost more than it gives.
        if last || ready < VECTORS_AT_ONCE || self.flight.back.len() >= VECTORS_AT_ONCE {
            self.store_vectors().await;
        }
        if let Some((job, _)) = &self.flight.job {
            let total = self.flight.done + (pending + self.flight.out) as u64;
            let state = match last {
                true => self.jobs.end(*job, JobStatus::Finished),
                false => self.jobs.advance(*job, self.flight.done, Some(total), now_ms()),
            };
            self.tell_job(state);
            if last {
                self.flight.job = None;
                self.flight.done = 0;
            }
        }
    }

    /// Stores what came back, each project's vectors under the extractor that made them.
    async fn store_vectors(&mut self) {
        let begun = user_timing::now();
        let mut back = std::mem::take(&mut self.flight.back);
        while let Some((owner, _)) = back.first() {
            let owner = owner.clone();
            let (own, others) = back.into_iter().partition(|(other, _)| *other == owner);
            back = others;
            let own: Vec<(Owner, Embedded)> = own;
            if let Err(error) = self.store_own(&owner, own.into_iter().map(|(_, embedded)| embedded)).await {
                self.session.notice(error);
            }
        }
        user_timing::measure("store vectors", begun);
    }

    async fn store_own(&mut self, owner: &Owner, embedded: impl Iterator<Item = Embedded>) -> Result<(), String> {
        let mut thumbnails = Vec::new();
        let mut looks = Vec::new();
        let mut vectors = Vec::new();
        for Embedded { item, hash, vector, thumbnail, looks: look } in embedded {
            thumbnails.extend(thumbnail.map(|thumbnail| (hash, thumbnail)));
            looks.extend(look.map(|look| (item, hash, look)));
            vectors.push((item, hash, vector));
        }
        if !thumbnails.is_empty() {
            self.session.store().put_thumbnails(thumbnails).await.map_err(|error| error.to_string())?;
        }
        self.session.looked_at(&owner.project, looks).await.map_err(|error| error.to_string())?;
        let stored = self.session.embedded(&owner.project, vectors, &owner.feature_id).await;
        stored.map_err(|error| error.to_string())
    }
}

/// Computes the vectors of a few items and sends them to the loop.
async fn embed(
    pool: EmbedPool,
    store: Store,
    owner: Owner,
    kind: Kind,
    pending: Vec<Pending>,
    sender: mpsc::UnboundedSender<Input>,
) {
    let results = match kind {
        Kind::Text => embed_texts(&pool, pending).await,
        Kind::Image | Kind::Table => {
            let mut results = Vec::new();
            for pending in pending {
                results.push(embed_image(&pool, &store, pending).await);
            }
            results
        }
    };
    let _ = sender.unbounded_send(Input::Embedded { owner, results });
}

async fn embed_image(pool: &EmbedPool, store: &Store, Pending { item, hash, .. }: Pending) -> Embedded {
    let result = match store.media(hash).await {
        Ok(Some(blob)) => pool.image(blob).await,
        Ok(None) => Err("The image is missing from the store. Import it again.".into()),
        Err(error) => Err(error.to_string()),
    };
    let (vector, thumbnail, looks) = match result {
        Ok(image) => {
            (Ok(FeatureVector { dense: image.vector, ..FeatureVector::default() }), image.thumbnail, Some(image.looks))
        }
        Err(error) => (Err(error), None, None),
    };
    Embedded { item, hash, vector, thumbnail, looks }
}

async fn embed_texts(pool: &EmbedPool, pending: Vec<Pending>) -> Vec<Embedded> {
    let texts = pending
        .iter()
        .map(|pending| match &pending.content {
            Content::Text(text) => text.clone(),
            Content::Image | Content::Row(_) => String::new(),
        })
        .collect();
    let vectors: Vec<Result<FeatureVector, String>> = match pool.texts(texts).await {
        Ok(vectors) => vectors.into_iter().map(Ok).collect(),
        Err(error) => pending.iter().map(|_| Err(error.clone())).collect(),
    };
    let embedded = pending.into_iter().zip(vectors);
    let embedded = embedded.map(|(Pending { item, hash, .. }, vector)| (item, hash, vector));
    embedded.map(|(item, hash, vector)| Embedded { item, hash, vector, thumbnail: None, looks: None }).collect()
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

/// The columns that a table's items consist of; a text's column is not one of several.
fn content_columns(plan: &ImportPlan) -> Vec<String> {
    if plan.kind != Kind::Table {
        return Vec::new();
    }
    plan.columns.iter().filter(|column| column.role == Role::Content).map(|column| column.name.clone()).collect()
}

/// "2,000 images", "1 text".
fn counted(count: u64, kind: Kind) -> String {
    let digits = count.to_string();
    let grouped: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("decimal digits are ASCII"))
        .collect();
    format!("{} {}{}", grouped.join(","), kind.noun(), if count == 1 { "" } else { "s" })
}

/// A fresh ULID.
fn new_ulid() -> String {
    let random = (0..2).fold(0u128, |random, _| random << 40 | (js_sys::Math::random() * (1u64 << 40) as f64) as u128);
    ulid::Ulid::from_parts(now_ms() as u64, random).to_string()
}
