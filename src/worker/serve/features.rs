//! The vectors of a project's items: their model's weights are fetched, the embed workers kept busy, what they bring is
//! stored.

use super::super::jobs::CancelFlag;
use super::super::pool::EmbedPool;
use super::super::session::{FeatureSource, Pending};
use super::{Input, Server, now_ms};
use crate::browser::user_timing;
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::item::{Content, ContentHash, Kind};
use crate::protocol::{ItemIndex, JobStatus};
use crate::storage::Store;
use futures_channel::mpsc;
use wasm_bindgen_futures::spawn_local;

/// Whose vectors these are, and of which extractor: another project may have been opened since they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::worker) struct Owner {
    project: String,
    feature_id: String,
}

/// What an embed worker made of an item.
pub(in crate::worker) struct Embedded {
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

/// How far the model of a kind is loaded.
pub(super) enum Weights {
    /// A job shows how much has come.
    Coming { job: u32, cancel: CancelFlag },
    /// The embed workers have them, or a stand-in.
    There,
    /// They can't be had, nor can a stand-in; or nobody wants them now.
    GivenUp,
}

/// Items at the embed workers, and what came back and is not stored yet.
#[derive(Default)]
pub(super) struct Flight {
    out: usize,
    back: Vec<(Owner, Embedded)>,
    pub(super) job: Option<(u32, CancelFlag)>,
    pub(super) done: u64,
}

impl Server {
    /// Whether the embed workers can embed items of this kind. If nobody has asked, their model is fetched now.
    pub(super) fn prepare(&mut self, kind: Kind) -> bool {
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

    pub(super) async fn prepared(&mut self, kind: Kind, source: Result<FeatureSource, String>) {
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
    pub(super) async fn follow_source(&mut self) {
        let outdated = self.session.project().filter(|open| self.session.is_outdated(open) && !open.is_importing());
        let Some(id) = outdated.map(|open| open.id().to_owned()) else { return };
        if let Err(error) = self.session.open_project(&id).await {
            self.session.notice(error.to_string());
        }
    }

    /// Keeps the embed workers busy, but not more than that: items wait in the store, not in memory.
    pub(super) fn feed_pool(&mut self) {
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

    pub(super) async fn embedded(&mut self, owner: Owner, results: Vec<Embedded>) {
        self.flight.out -= 1;
        if self.session.is_read_only() {
            // Another tab took over meanwhile, and computes them itself.
            return;
        }
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
