//! The embed workers, seen from the session worker: a few of them, lent out one job at a time.

use super::embed_wire::{Job, Outcome};
use super::extract::{expected_source, stand_in_source, weight_files};
use super::helper::Helper;
use super::session::FeatureSource;
use super::weights::{self, Stopped};
use crate::browser::worker_side::scope;
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::item::Kind;
use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::Blob;

/// An image's features and what its decoding told.
#[derive(Debug, Clone)]
pub struct EmbeddedImage {
    /// The dense features.
    pub vector: Vec<f32>,
    /// A small version; none if the image is no larger than one.
    pub thumbnail: Option<Blob>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Brightness, contrast and so on.
    pub looks: [f32; 6],
}

/// The embed workers. Clones are the same pool.
#[derive(Clone)]
pub struct EmbedPool {
    inner: Rc<Inner>,
}

struct Inner {
    workers: usize,
    idle: RefCell<Vec<Rc<Helper>>>,
    waiting: RefCell<VecDeque<oneshot::Sender<Loan>>>,
    /// What every worker needs to extract the same features of one kind: `ArrayBuffer`s; none for the stand-in. Fetched once, so
    /// that no two workers can come to different ones under the same name.
    weights: RefCell<HashMap<Kind, Vec<JsValue>>>,
}

/// A worker that is ours until this is dropped.
struct Loan {
    pool: Rc<Inner>,
    helper: Rc<Helper>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.pool.take_back(Rc::clone(&self.helper));
    }
}

impl EmbedPool {
    /// Starts the workers: one fewer than the processor has cores, at least one. Weights are fetched when first needed.
    pub fn start() -> EmbedPool {
        let workers = (scope().navigator().hardware_concurrency() as usize).saturating_sub(1).max(1);
        let idle = (0..workers).map(|_| Helper::spawn()).collect();
        EmbedPool {
            inner: Rc::new(Inner {
                workers,
                idle: RefCell::new(idle),
                waiting: RefCell::default(),
                weights: RefCell::default(),
            }),
        }
    }

    /// How many jobs run at once; more of them wait.
    pub fn workers(&self) -> usize {
        self.inner.workers
    }

    /// Fetches a kind's weights, tries them on one worker, and says which extractor makes the kind's vectors for as long as this
    /// pool lives: where the weights are missing or damaged, a stand-in, whose source says so. Before it, no item of
    /// the kind can be embedded.
    ///
    /// `go_on` hears of the bytes that came, and of all that will if that is known; once it is false, the fetching stops.
    ///
    /// # Errors
    /// If it was stopped, or no worker would start.
    pub async fn prepare(&self, kind: Kind, go_on: impl Fn(u64, Option<u64>) -> bool) -> Result<FeatureSource, String> {
        let reason = match weights::fetch(weight_files(kind), go_on).await {
            Err(Stopped::ByUser) => return Err("The model files are not loaded: that was stopped.".into()),
            Err(Stopped::Failed(error)) => error,
            Ok(files) => match self.inner.lend().await?.helper.load(kind, &files).await {
                Ok(_) => {
                    self.inner.weights.borrow_mut().insert(kind, files);
                    return Ok(expected_source(kind));
                }
                Err(error) => error,
            },
        };
        self.inner.lend().await?.helper.load(kind, &[]).await?;
        self.inner.weights.borrow_mut().insert(kind, Vec::new());
        Ok(stand_in_source(kind, &reason))
    }

    /// Embeds an image file. Waits while all workers are busy.
    ///
    /// # Errors
    /// Says, for people, why this image has no features: it cannot be decoded, or took a worker down.
    pub async fn image(&self, blob: Blob) -> Result<EmbeddedImage, String> {
        match self.work(Kind::Image, Job::Image, &[blob.into()]).await? {
            (Outcome::Image { vector, width, height, looks }, attachments) => {
                let thumbnail = attachments.into_iter().next().and_then(|blob| blob.dyn_into().ok());
                Ok(EmbeddedImage { vector, thumbnail, width, height, looks })
            }
            (other, _) => Err(unexpected(other)),
        }
    }

    /// Embeds texts, in their order. Waits while all workers are busy.
    ///
    /// # Errors
    /// Says, for people, why these texts have no features.
    pub async fn texts(&self, texts: Vec<String>) -> Result<Vec<FeatureVector>, String> {
        match self.work(Kind::Text, Job::Texts(texts), &[]).await? {
            (Outcome::Texts(vectors), _) => Ok(vectors.into_iter().map(FeatureVector::from).collect()),
            (other, _) => Err(unexpected(other)),
        }
    }

    async fn work(&self, kind: Kind, job: Job, attachments: &[JsValue]) -> Result<(Outcome, Vec<JsValue>), String> {
        let files = self.inner.weights.borrow().get(&kind).cloned().ok_or("the model files are not loaded yet")?;
        let loan = self.inner.lend().await?;
        loan.helper.load(kind, &files).await?;
        loan.helper.ask(&job, attachments).await
    }
}

impl Inner {
    async fn lend(self: &Rc<Self>) -> Result<Loan, String> {
        let idle = self.idle.borrow_mut().pop();
        match idle {
            Some(helper) => Ok(self.loan(helper)),
            None => {
                let (sender, receiver) = oneshot::channel();
                self.waiting.borrow_mut().push_back(sender);
                receiver.await.map_err(|_| "the workers were stopped".into())
            }
        }
    }

    fn loan(self: &Rc<Self>, helper: Rc<Helper>) -> Loan {
        let helper = if helper.is_alive() { helper } else { Helper::spawn() };
        Loan { pool: Rc::clone(self), helper }
    }

    fn take_back(self: &Rc<Self>, helper: Rc<Helper>) {
        let next = self.waiting.borrow_mut().pop_front();
        match next {
            // If that one does not wait any more, the loan comes straight back here.
            Some(sender) => drop(sender.send(self.loan(helper))),
            None => self.idle.borrow_mut().push(helper),
        }
    }
}

fn unexpected(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed(error) => error,
        other => format!("a worker answered beside the question: {other:?}"),
    }
}
