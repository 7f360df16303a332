//! One embed worker, seen from the session worker: questions, answers, and what happens if it dies.

use super::embed_wire::{Job, Outcome};
use crate::browser::wire::{self, Body, Frame};
use crate::browser::worker_side::scope;
use crate::pipeline::item::Kind;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::Shared;
use gloo::timers::callback::Timeout;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions};

/// No job takes longer, on any machine; a worker that does hangs.
const LONGEST_JOB_MS: u32 = 120_000;

/// Nor does a worker take longer to start, on any network: its code has been fetched once.
const LONGEST_START_MS: u32 = 60_000;

type Answer = (Outcome, Vec<JsValue>);

/// A worker and what it was asked.
pub struct Helper {
    worker: Option<Worker>,
    alive: Cell<bool>,
    /// Resolves once it listens; an error if it died first.
    ready: Shared<oneshot::Receiver<()>>,
    announce: RefCell<Option<oneshot::Sender<()>>>,
    last_id: Cell<u64>,
    pending: RefCell<HashMap<u64, oneshot::Sender<Answer>>>,
    /// The kinds it is ready for, with the names of the features.
    loaded: RefCell<HashMap<Kind, String>>,
}

impl Helper {
    /// Starts a worker. If the browser refuses, it is dead from the start.
    pub fn spawn() -> Rc<Helper> {
        let options = WorkerOptions::new();
        options.set_name("embed");
        let worker = Worker::new_with_options(&scope().location().href(), &options).ok();
        let (announce, ready) = oneshot::channel();
        let alive = worker.is_some();
        let helper = Rc::new(Helper {
            worker,
            alive: Cell::new(alive),
            ready: ready.shared(),
            announce: RefCell::new(alive.then_some(announce)),
            last_id: Cell::default(),
            pending: RefCell::default(),
            loaded: RefCell::default(),
        });
        helper.attend();
        let late = Rc::downgrade(&helper);
        let limit = Timeout::new(LONGEST_START_MS, move || {
            if late.upgrade().is_some_and(|helper| helper.announce.borrow().is_some()) {
                die(&late);
            }
        });
        limit.forget();
        helper
    }

    /// Whether it can be asked. A dead one stays dead.
    pub fn is_alive(&self) -> bool {
        self.alive.get()
    }

    /// Gets it ready for a kind, if it is not; answers the name of the features.
    ///
    /// # Errors
    /// What is wrong with the weights, or that the worker died.
    pub async fn load(self: &Rc<Self>, kind: Kind, files: &[JsValue]) -> Result<String, String> {
        if let Some(id) = self.loaded.borrow().get(&kind) {
            return Ok(id.clone());
        }
        match self.ask(&Job::Load(kind), files).await?.0 {
            Outcome::Loaded { feature_id } => {
                self.loaded.borrow_mut().insert(kind, feature_id.clone());
                Ok(feature_id)
            }
            other => Err(format!("a worker answered beside the question: {other:?}")),
        }
    }

    /// Asks it and waits for the answer.
    ///
    /// # Errors
    /// What it says is wrong, or that it died over this.
    pub async fn ask(self: &Rc<Self>, job: &Job, attachments: &[JsValue]) -> Result<Answer, String> {
        let died = || "a background worker stopped over this one; it was left out".to_owned();
        self.ready.clone().await.map_err(|_| "a background worker did not start".to_owned())?;
        let worker = self.worker.as_ref().filter(|_| self.is_alive()).ok_or_else(died)?;
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let (sender, receiver) = oneshot::channel();
        self.pending.borrow_mut().insert(id, sender);
        let parcel = wire::pack(id, job, attachments).map_err(|error| error.to_string())?;
        worker
            .post_message_with_transfer(&parcel.message, &parcel.transfer)
            .map_err(|error| format!("it could not be passed to a background worker: {error:?}"))?;
        let overdue = Rc::downgrade(self);
        let limit = Timeout::new(LONGEST_JOB_MS, move || die(&overdue));
        let answer = receiver.await;
        limit.cancel();
        match answer {
            Ok((Outcome::Failed(error), _)) => Err(error),
            Ok(answer) => Ok(answer),
            Err(_) => Err(died()),
        }
    }

    fn attend(self: &Rc<Self>) {
        let Some(worker) = &self.worker else { return };
        let listener = Rc::downgrade(self);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(helper) = listener.upgrade() else { return };
            let Frame { id, body, attachments } = wire::unpack(event.data());
            match body {
                Body::Beat => drop(helper.announce.take().map(|announce| announce.send(()))),
                Body::Said(outcome) => helper.answer(id, (outcome, attachments)),
                Body::Unreadable => die(&listener),
            }
        });
        let mourner = Rc::downgrade(self);
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            // Or else the error would go on to the page and take the session worker for the culprit.
            event.prevent_default();
            web_sys::console::warn_2(&"an embed worker failed".into(), &event);
            die(&mourner);
        });
        let (on_message, on_error) = (on_message.into_js_value(), on_error.into_js_value());
        worker.set_onmessage(Some(on_message.unchecked_ref()));
        worker.set_onerror(Some(on_error.unchecked_ref()));
    }

    fn answer(&self, id: u64, answer: Answer) {
        if let Some(sender) = self.pending.borrow_mut().remove(&id) {
            // Whoever asked may have been cancelled.
            let _ = sender.send(answer);
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.terminate();
        }
    }
}

/// Ends the worker; whoever waits for it hears so.
fn die(helper: &Weak<Helper>) {
    let Some(helper) = helper.upgrade() else { return };
    helper.alive.set(false);
    if let Some(worker) = &helper.worker {
        worker.terminate();
    }
    drop(helper.announce.take());
    helper.pending.borrow_mut().clear();
}
