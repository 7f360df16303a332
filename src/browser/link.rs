//! The page's end of the link to the session worker: questions and answers by id, and a worker that is started again
//! if it dies. What the person decided is never lost: a decision that was not acknowledged is asked again.

use super::wire::{self, Body, Frame, Parcel};
use super::worker_side::{MISMATCH, SUCCESSOR, WORKER};
use crate::protocol::{Event, Reply, Request};
use futures_channel::oneshot;
use gloo::timers::callback::Interval;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, Worker, WorkerOptions, console};

const BEAT_EVERY_MS: u32 = 2000;
/// Beats that may go unanswered before the worker is given up: an endless loop is found within ten seconds. Background work comes in
/// slices of a fraction of a second.
const BEATS_WHEN_RUNNING: u32 = 4;
/// The same while it does what may take it long in one piece, see [`may_take_long`].
const BEATS_WHEN_ASKED_MUCH: u32 = 20;
/// The same while it loads, perhaps over a slow network.
const BEATS_WHEN_LOADING: u32 = 60;
/// So many deaths in a row without a single answer, and it is not started again.
const DEATHS: u32 = 3;

const RESTARTED: &str = "The background worker stopped and was started again. Every label is safe. Please try again.";
const STOPPED: &str = "The background worker keeps stopping. Everything saved is safe. Reload the page; if it happens \
                       again, close other tabs to free memory.";

/// The link. Clones are the same link.
#[derive(Clone)]
pub struct Link {
    inner: Rc<Inner>,
}

struct Inner {
    script: String,
    worker: RefCell<Option<Worker>>,
    state: Cell<State>,
    /// By id, so in the order in which they were asked.
    pending: RefCell<BTreeMap<u64, Pending>>,
    last_id: Cell<u64>,
    /// The project to open again after a restart.
    project: RefCell<Option<String>>,
    /// Whose decisions they are, to say again after a restart.
    annotator: RefCell<Option<String>>,
    unanswered_beats: Cell<u32>,
    deaths: Cell<u32>,
    /// A worker of this page was started before.
    restarted: Cell<bool>,
    on_event: Box<dyn Fn(Event, Vec<JsValue>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The worker's code is being fetched and compiled; questions wait.
    Loading,
    /// It runs again, but the project has to be opened first; questions wait.
    Restoring,
    /// Questions go out at once.
    Running,
    /// It died too often.
    Stopped,
}

struct Pending {
    request: Request,
    attachments: Vec<JsValue>,
    /// With the worker that runs now.
    posted: bool,
    /// Workers that died while they had it.
    deaths: u32,
    answer: oneshot::Sender<(Reply, Vec<JsValue>)>,
}

impl Link {
    /// Starts the session worker. `on_event` hears whatever it says unasked.
    pub fn start(on_event: impl Fn(Event, Vec<JsValue>) + 'static) -> Link {
        // Beside the page, wherever that is. Trunk gives the name of a worker no hash.
        Link::start_script("worker_loader.js", on_event)
    }

    /// The same with another script, for tests.
    pub fn start_script(script: &str, on_event: impl Fn(Event, Vec<JsValue>) + 'static) -> Link {
        let link = Link {
            inner: Rc::new(Inner {
                script: script.to_owned(),
                worker: RefCell::default(),
                state: Cell::new(State::Loading),
                pending: RefCell::default(),
                last_id: Cell::default(),
                project: RefCell::default(),
                annotator: RefCell::default(),
                unanswered_beats: Cell::default(),
                deaths: Cell::default(),
                restarted: Cell::default(),
                on_event: Box::new(on_event),
            }),
        };
        link.spawn();
        let watched = link.clone();
        Interval::new(BEAT_EVERY_MS, move || watched.watch()).forget();
        link
    }

    /// Asks, at once or as soon as the worker is ready. Whatever goes wrong is a [`Reply::Failed`].
    pub fn ask(
        &self,
        request: Request,
        attachments: Vec<JsValue>,
    ) -> impl Future<Output = (Reply, Vec<JsValue>)> + use<> {
        let (id, answered) = self.enqueue(request, attachments);
        match self.inner.state.get() {
            State::Running => self.post(id),
            State::Stopped => self.answer(id, Reply::Failed(STOPPED.into()), Vec::new()),
            State::Loading | State::Restoring => {}
        }
        answered
    }

    fn enqueue(
        &self,
        request: Request,
        attachments: Vec<JsValue>,
    ) -> (u64, impl Future<Output = (Reply, Vec<JsValue>)> + use<>) {
        let id = self.inner.last_id.get() + 1;
        self.inner.last_id.set(id);
        let (answer, answered) = oneshot::channel();
        self.inner.pending.borrow_mut().insert(id, Pending { request, attachments, posted: false, deaths: 0, answer });
        // The sender is dropped unused only with the link itself, and then nobody is left to wait.
        (id, async move { answered.await.unwrap_or_else(|_| (Reply::Failed(RESTARTED.into()), Vec::new())) })
    }

    fn post(&self, id: u64) {
        let parcel = match self.inner.pending.borrow_mut().get_mut(&id) {
            None => return,
            Some(pending) => {
                pending.posted = true;
                wire::pack(id, &pending.request, &std::mem::take(&mut pending.attachments))
            }
        };
        let posted = parcel.map_err(|error| error.to_string()).and_then(|parcel| self.send(&parcel));
        if let Err(error) = posted {
            self.answer(
                id,
                Reply::Failed(format!("This could not be passed on ({error}). Nothing changed.")),
                Vec::new(),
            );
        }
    }

    fn send(&self, parcel: &Parcel) -> Result<(), String> {
        match &*self.inner.worker.borrow() {
            None => Err(STOPPED.into()),
            Some(worker) => worker
                .post_message_with_transfer(&parcel.message, &parcel.transfer)
                .map_err(|error| format!("{error:?}")),
        }
    }

    fn answer(&self, id: u64, reply: Reply, attachments: Vec<JsValue>) {
        let Some(pending) = self.inner.pending.borrow_mut().remove(&id) else { return };
        match (&reply, pending.request) {
            (Reply::Done, Request::OpenProject { project }) => *self.inner.project.borrow_mut() = Some(project),
            (Reply::Done, Request::SetAnnotator { name }) => *self.inner.annotator.borrow_mut() = Some(name),
            (Reply::Started { project, .. }, _) => *self.inner.project.borrow_mut() = Some(project.clone()),
            (Reply::Done, Request::DeleteProject { project }) => {
                self.inner.project.borrow_mut().take_if(|open| *open == project);
            }
            _ => {}
        }
        // Nobody waits any more: that is theirs to decide.
        let _ = pending.answer.send((reply, attachments));
    }

    fn hear(&self, message: JsValue) {
        self.inner.unanswered_beats.set(0);
        // Id 0 marks an event; which type the bytes have is known only from the id.
        if js_sys::Array::from(&message).get(0).as_f64() == Some(0.0) {
            let Frame { body, attachments, .. } = wire::unpack::<Event>(message);
            match body {
                Body::Beat => self.on_beat(),
                Body::Said(event) => (self.inner.on_event)(event, attachments),
                Body::Unreadable => (self.inner.on_event)(Event::Notice(MISMATCH.into()), Vec::new()),
            }
            return;
        }
        self.inner.deaths.set(0);
        let Frame { id, body, attachments } = wire::unpack::<Reply>(message);
        match body {
            Body::Said(reply) => self.answer(id, reply, attachments),
            Body::Beat | Body::Unreadable => self.answer(id, Reply::Failed(MISMATCH.into()), Vec::new()),
        }
    }

    fn on_beat(&self) {
        if self.inner.state.get() != State::Loading {
            return;
        }
        self.inner.state.set(State::Restoring);
        let link = self.clone();
        spawn_local(async move {
            // If the project cannot be opened, the questions that wait for it are answered so one by one. If the
            // worker dies meanwhile, these two are answered for it, and the next worker gets a task of its own.
            let annotator = link.inner.annotator.borrow().clone();
            let project = link.inner.project.borrow().clone();
            let again = annotator.map(|name| Request::SetAnnotator { name }).into_iter();
            let again =
                again.chain(project.into_iter().flat_map(|project| [Request::Hello, Request::OpenProject { project }]));
            for request in again {
                let (id, answered) = link.enqueue(request, Vec::new());
                link.post(id);
                answered.await;
            }
            link.run();
        });
    }

    fn run(&self) {
        if self.inner.state.get() != State::Restoring {
            return;
        }
        self.inner.state.set(State::Running);
        let waiting: Vec<u64> = {
            let pending = self.inner.pending.borrow();
            pending.iter().filter(|(_, pending)| !pending.posted).map(|(id, _)| *id).collect()
        };
        waiting.into_iter().for_each(|id| self.post(id));
    }

    fn watch(&self) {
        let allowed = match self.inner.state.get() {
            State::Stopped => return,
            State::Loading => BEATS_WHEN_LOADING,
            State::Restoring | State::Running => {
                let pending = self.inner.pending.borrow();
                let mut posted = pending.values().filter(|pending| pending.posted);
                match posted.any(|pending| may_take_long(&pending.request)) {
                    true => BEATS_WHEN_ASKED_MUCH,
                    false => BEATS_WHEN_RUNNING,
                }
            }
        };
        // Counted, not timed: a computer that slept for an hour has missed only one.
        let unanswered = self.inner.unanswered_beats.get() + 1;
        self.inner.unanswered_beats.set(unanswered);
        if unanswered > allowed || self.send(&wire::beat()).is_err() {
            self.respawn();
        }
    }

    fn respawn(&self) {
        let deaths = self.inner.deaths.get() + 1;
        self.inner.deaths.set(deaths);
        if let Some(worker) = self.inner.worker.take() {
            worker.terminate();
        }
        self.inner.state.set(if deaths > DEATHS { State::Stopped } else { State::Loading });
        let lost: Vec<u64> = {
            let mut pending = self.inner.pending.borrow_mut();
            for pending in pending.values_mut().filter(|pending| pending.posted) {
                pending.posted = false;
                pending.deaths += 1;
            }
            let survives = |pending: &Pending| match pending.request {
                // Known to the store by its own id, so that asking twice is safe.
                Request::Decide(_) | Request::DecideMany { .. } | Request::Hello => pending.deaths < DEATHS,
                _ => pending.deaths == 0,
            };
            let lost = pending.iter().filter(|(_, pending)| deaths > DEATHS || !survives(pending));
            lost.map(|(id, _)| *id).collect()
        };
        let words = if deaths > DEATHS { STOPPED } else { RESTARTED };
        lost.into_iter().for_each(|id| self.answer(id, Reply::Failed(words.into()), Vec::new()));
        (self.inner.on_event)(Event::Notice(words.into()), Vec::new());
        if deaths <= DEATHS {
            self.spawn();
        }
    }

    fn spawn(&self) {
        self.inner.unanswered_beats.set(0);
        let options = WorkerOptions::new();
        options.set_name(if self.inner.restarted.replace(true) { SUCCESSOR } else { WORKER });
        let worker = match Worker::new_with_options(&self.inner.script, &options) {
            Ok(worker) => worker,
            Err(error) => {
                console::error_1(&error);
                self.inner.state.set(State::Stopped);
                (self.inner.on_event)(Event::Notice(STOPPED.into()), Vec::new());
                return;
            }
        };
        // What a worker said before it was given up may still be under way.
        let (link, speaker) = (self.clone(), worker.clone());
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if link.inner.worker.borrow().as_ref() == Some(&speaker) {
                link.hear(event.data());
            }
        });
        worker.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        let (link, speaker) = (self.clone(), worker.clone());
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            console::error_2(&"the session worker failed".into(), &event);
            let current = link.inner.worker.borrow().as_ref() == Some(&speaker);
            if current {
                link.respawn();
            }
        });
        worker.set_onerror(Some(on_error.into_js_value().unchecked_ref()));
        *self.inner.worker.borrow_mut() = Some(worker);
    }
}

/// Whether the worker may need many seconds for this without a pause in which it could answer a beat: what reads, writes or judges a whole
/// project, which can be large.
fn may_take_long(request: &Request) -> bool {
    matches!(
        request,
        Request::Hello
            | Request::Rescue { .. }
            | Request::OpenProject { .. }
            | Request::DeleteProject { .. }
            | Request::Inspect { .. }
            | Request::InspectAgain { .. }
            | Request::RemoveImport { .. }
            | Request::RestoreImport { .. }
            | Request::Import { .. }
            | Request::OpenDemo { .. }
            | Request::DecideMany { .. }
            | Request::Export(_)
            | Request::AcceptCertified
            | Request::RevertAccepted { .. }
            | Request::Review(_)
            | Request::Merge
            | Request::Monitor
            | Request::BatchDetails { .. }
            | Request::Promote
            | Request::RollBack
    )
}
