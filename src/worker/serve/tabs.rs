//! Several tabs of one browser: one writes, the others read what it wrote, and the right to write is handed over when it closes or when
//! another asks for it.

use super::{Input, Server};
use crate::browser::tab_lock::{self, Held};
use crate::browser::worker_side::emit;
use crate::protocol::Event;
use futures_channel::mpsc::UnboundedSender;
use gloo::timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "hone-tabs";
/// How long a tab that reads waits before it reads what was written: a label a second is read once.
const FOLLOW_AFTER_MS: u32 = 1500;
/// How long the tab that writes may take to let go: it may have to finish what it is at.
const ANSWERED_WITHIN_MS: u32 = 10_000;

const TAKEN: &str = "Another tab labels now, and this one shows what it does. Everything saved is safe. “Take over here” brings it back.";
const GOT: &str = "This tab labels now.";
const BUSY: &str =
    "The other tab is in the middle of an import. Nothing was changed: wait until it has ended, or stop it there.";
const UNANSWERED: &str =
    "The other tab did not answer. Nothing was changed. Close it: a few seconds later this one labels.";

/// What tabs say to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::worker) enum Word {
    /// To the one that writes: let go.
    Give,
    /// From the one that wrote: it has let go.
    Given,
    /// From the one that writes: not now.
    Busy,
    /// From the one that writes: this project has changed.
    Wrote(String),
}

impl Word {
    fn to_text(&self) -> String {
        match self {
            Word::Give => "give".to_owned(),
            Word::Given => "given".to_owned(),
            Word::Busy => "busy".to_owned(),
            Word::Wrote(project) => format!("wrote {project}"),
        }
    }

    /// `None` for the words of another release.
    fn from_text(text: &str) -> Option<Word> {
        match text {
            "give" => Some(Word::Give),
            "given" => Some(Word::Given),
            "busy" => Some(Word::Busy),
            _ => Some(Word::Wrote(text.strip_prefix("wrote ")?.to_owned())),
        }
    }
}

/// This tab among the others.
pub(super) struct Tabs {
    /// The writer's lock, if this tab has it.
    lock: Option<Held>,
    /// It looks whether nobody has it.
    watching: bool,
    /// The person asked for it here.
    asked: bool,
    /// What was written is about to be read.
    following: bool,
    /// Nothing in a browser without such channels.
    channel: Option<BroadcastChannel>,
    sender: UnboundedSender<Input>,
}

impl Tabs {
    pub(super) fn listen(lock: Option<Held>, sender: UnboundedSender<Input>) -> Tabs {
        let channel = BroadcastChannel::new(CHANNEL).ok();
        if let Some(channel) = &channel {
            let heard = sender.clone();
            let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                if let Some(word) = event.data().as_string().as_deref().and_then(Word::from_text) {
                    // The receiver lives as long as the worker.
                    let _ = heard.unbounded_send(Input::Heard(word));
                }
            });
            channel.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        }
        let mut tabs = Tabs { lock, watching: false, asked: false, following: false, channel, sender };
        tabs.watch();
        tabs
    }

    /// As long as another tab writes: sees when it is closed.
    fn watch(&mut self) {
        if self.lock.is_some() || std::mem::replace(&mut self.watching, true) {
            return;
        }
        let sender = self.sender.clone();
        spawn_local(async move {
            let _ = sender.unbounded_send(Input::Granted(tab_lock::when_left().await));
        });
    }

    fn say(&self, word: &Word) {
        if let Some(channel) = &self.channel
            && let Err(error) = channel.post_message(&word.to_text().into())
        {
            web_sys::console::warn_2(&"the other tabs can't be told".into(), &error);
        }
    }

    /// Tells the tabs that read.
    pub(super) fn wrote(&self, project: &str) {
        if self.lock.is_some() {
            self.say(&Word::Wrote(project.to_owned()));
        }
    }

    /// Asks whoever writes to let go.
    pub(super) fn ask(&mut self) {
        if self.lock.is_some() {
            return;
        }
        self.asked = true;
        self.say(&Word::Give);
        let sender = self.sender.clone();
        Timeout::new(ANSWERED_WITHIN_MS, move || drop(sender.unbounded_send(Input::Unanswered))).forget();
    }

    /// It has let go.
    fn take(&mut self) {
        let sender = self.sender.clone();
        spawn_local(async move {
            if let Some(held) = tab_lock::acquire(false).await {
                let _ = sender.unbounded_send(Input::Granted(held));
            }
        });
    }
}

impl Server {
    /// This tab writes from now on.
    pub(super) async fn granted(&mut self, held: Held) {
        self.tabs.asked = false;
        self.tabs.watching = false;
        self.tabs.lock = Some(held);
        self.session.notice(GOT.to_owned());
        self.change_writer(true).await;
    }

    async fn change_writer(&mut self, writer: bool) {
        self.close_project();
        if let Err(error) = self.session.set_writer(writer).await {
            self.session.notice(error.to_string());
        }
    }

    pub(super) async fn heard(&mut self, word: Word) {
        match word {
            Word::Give if self.tabs.lock.is_some() => {
                if self.session.project().is_some_and(|open| open.is_importing()) {
                    return self.tabs.say(&Word::Busy);
                }
                self.session.notice(TAKEN.to_owned());
                self.change_writer(false).await;
                // Last, so that all of this is stored before the other one reads it.
                self.tabs.lock = None;
                self.tabs.say(&Word::Given);
                self.tabs.watch();
            }
            Word::Given if self.tabs.asked => self.tabs.take(),
            Word::Busy if std::mem::take(&mut self.tabs.asked) => emit(&Event::Notice(BUSY.to_owned())),
            Word::Wrote(project) if self.session.project().is_some_and(|open| open.id() == project) => {
                if self.tabs.lock.is_none() && !std::mem::replace(&mut self.tabs.following, true) {
                    let sender = self.tabs.sender.clone();
                    let follow = move || drop(sender.unbounded_send(Input::Follow));
                    Timeout::new(FOLLOW_AFTER_MS, follow).forget();
                }
            }
            Word::Give | Word::Given | Word::Busy | Word::Wrote(_) => {}
        }
    }

    /// The tab that was asked to let go may have said nothing.
    pub(super) fn unanswered(&mut self) {
        if std::mem::take(&mut self.tabs.asked) {
            emit(&Event::Notice(UNANSWERED.to_owned()));
        }
    }

    /// Reads what another tab wrote, unless this one writes by now.
    pub(super) async fn follow(&mut self) {
        self.tabs.following = false;
        if self.tabs.lock.is_none()
            && let Err(error) = self.session.read_anew().await
        {
            self.session.notice(error.to_string());
        }
    }
}
