//! The embed workers, seen from the session worker: a few of them, lent out one job at a time.

use super::embed_wire::{Job, Outcome};
use super::extract::{weight_files, words};
use super::helper::Helper;
use super::session::FeatureSource;
use crate::browser::worker_side::scope;
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::item::Kind;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Response};

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
    prepared: RefCell<HashMap<Kind, Preparation>>,
}

type Preparation = Shared<LocalBoxFuture<'static, Result<Prepared, String>>>;

/// What every worker needs to extract the same features of one kind. Fetched once, so that no two workers can come to
/// different ones under the same name.
#[derive(Debug, Clone)]
struct Prepared {
    source: FeatureSource,
    /// `ArrayBuffer`s; none for the stand-in.
    files: Vec<JsValue>,
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
                prepared: RefCell::default(),
            }),
        }
    }

    /// How many jobs run at once; more of them wait.
    pub fn workers(&self) -> usize {
        self.inner.workers
    }

    /// Which extractor makes a kind's vectors, for as long as this pool lives. The first call for a kind fetches its
    /// weights; where they are missing or damaged, a stand-in is used and says so.
    pub async fn source(&self, kind: Kind) -> FeatureSource {
        match self.prepared(kind).await {
            Ok(prepared) => prepared.source,
            Err(error) => FeatureSource { id: String::new(), words: String::new(), warning: Some(error) },
        }
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
        let prepared = self.prepared(kind).await?;
        let loan = self.inner.lend().await?;
        loan.helper.load(kind, &prepared.files).await?;
        loan.helper.ask(&job, attachments).await
    }

    async fn prepared(&self, kind: Kind) -> Result<Prepared, String> {
        let preparation = {
            let mut prepared = self.inner.prepared.borrow_mut();
            let inner = Rc::clone(&self.inner);
            prepared.entry(kind).or_insert_with(|| inner.prepare(kind).boxed_local().shared()).clone()
        };
        let outcome = preparation.await;
        if outcome.is_err() {
            // No worker would start: worth another try with the next job.
            self.inner.prepared.borrow_mut().remove(&kind);
        }
        outcome
    }
}

impl Inner {
    /// Fetches a kind's weights and tries them on one worker.
    async fn prepare(self: Rc<Self>, kind: Kind) -> Result<Prepared, String> {
        let files = fetch_all(weight_files(kind)).await;
        let loan = self.lend().await?;
        let (reason, files) = match files {
            Err(error) => (Some(error), Vec::new()),
            Ok(files) => match loan.helper.load(kind, &files).await {
                Ok(_) => (None, files),
                Err(error) => (Some(error), Vec::new()),
            },
        };
        let id = loan.helper.load(kind, &files).await?;
        let warning = reason.map(|reason| {
            let words = words(kind, false);
            format!(
                "The model files could not be loaded, so plain {words} are used: suggestions will be less accurate. \
                 Labels are safe either way. Reload the page while online to try again. ({reason})"
            )
        });
        let words = words(kind, warning.is_none()).to_owned();
        Ok(Prepared { source: FeatureSource { id, words, warning }, files })
    }

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

async fn fetch_all(names: &[&str]) -> Result<Vec<JsValue>, String> {
    let mut files = Vec::new();
    for name in names {
        files.push(fetch(name).await.map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(files)
}

/// A file's bytes, as an `ArrayBuffer`. Names are relative to the worker's script, which lies beside the page.
async fn fetch(name: &str) -> Result<JsValue, String> {
    let get = async {
        let url = web_sys::Url::new_with_base(name, &scope().location().href())?.href();
        let response: Response = JsFuture::from(scope().fetch_with_str(&url)).await?.unchecked_into();
        if !response.ok() {
            return Err(format!("the server answered {}", response.status()).into());
        }
        JsFuture::from(response.array_buffer()?).await
    };
    get.await.map_err(|error: JsValue| match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => error.as_string().unwrap_or_else(|| "no answer".into()),
    })
}
