//! What the page knows. The session's events change it through [`AppState::apply`] alone; everything on screen is
//! derived from it.

use crate::protocol::{Card, ClassIndex, ClassState, Event, ItemFilter, ItemIndex, JobState, JobStatus, LabelEffect};
use crate::protocol::{HaltingState, ProjectState, ProjectSummary, Request, Target};
use crate::ui::deck::Deck;
use crate::ui::outbox::Outbox;
use crate::ui::parts::dialog::Dialog;
use crate::ui::parts::toast::{Toast, Tone};
use crate::ui::route::Route;
use crate::ui::text;
use leptos::prelude::*;
use std::time::Duration;

/// How long what is good to know stays over the screen; what went wrong stays until it is dismissed.
const NOTE_STAYS: Duration = Duration::from_secs(10);

/// How far the page has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The session has not answered yet.
    Starting,
    /// The stored projects are known.
    Ready,
    /// Page and worker are of different releases: nothing is written until the page is reloaded.
    WrongRelease,
}

/// What the last label changed, and which label it was.
#[derive(Debug, Clone, PartialEq)]
pub struct LastEffect {
    /// The decision in words: "photo 7.jpg as fish".
    pub decision: String,
    /// What it changed.
    pub effect: LabelEffect,
}

/// An experiment that the log had already.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated {
    /// The stored run's number.
    pub number: u32,
    /// In words, with its result.
    pub sentence: String,
    /// What runs it all the same.
    pub anyway: Request,
}

/// The signals of the page. Cheap to copy; they live as long as the page.
#[derive(Clone, Copy)]
pub struct AppState {
    /// How far the page has come.
    pub phase: RwSignal<Phase>,
    /// The screen.
    pub route: RwSignal<Route>,
    /// The stored projects, as last heard.
    pub projects: RwSignal<Vec<ProjectSummary>>,
    /// Another tab holds the lock: this one may only read.
    pub read_only: RwSignal<bool>,
    /// The open project.
    pub project: RwSignal<Option<ProjectState>>,
    /// Whether the session's project is the page's: not after the person closed it, though the session keeps it.
    pub following: StoredValue<bool>,
    /// The cards at hand.
    pub deck: RwSignal<Deck>,
    /// When the card on screen appeared, in milliseconds of `performance.now`.
    pub shown_at: StoredValue<f64>,
    /// Decisions on their way to the disk.
    pub outbox: RwSignal<Outbox>,
    /// What the latest decisions changed, the last one last; `None` for one of which nothing is told.
    pub effects: RwSignal<Vec<Option<LastEffect>>>,
    /// Labels stored in this visit.
    pub labels_stored: StoredValue<u32>,
    /// Whether little room was told in this visit.
    pub warned_of_room: StoredValue<bool>,
    /// Background jobs, oldest first.
    pub jobs: RwSignal<Vec<JobState>>,
    /// Messages on screen.
    pub toasts: RwSignal<Vec<Toast>>,
    /// What a screen reader is told of the last decision.
    pub announcement: RwSignal<String>,
    /// The open dialog.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the inline box for a new class is open.
    pub naming_class: RwSignal<bool>,
    /// The Data screen opens with the search box focused, because the person asked to find something.
    pub finding: RwSignal<bool>,
    /// What the Data screen opens with, because the person pressed on a figure that stands for items.
    pub showing: RwSignal<Option<ItemFilter>>,
    /// The part of the Models screen that was asked for by name.
    pub section: RwSignal<Option<&'static str>>,
    /// The run whose details are shown, by its number.
    pub open_run: RwSignal<Option<u32>>,
    /// The experiment just asked for was run before.
    pub repeated: RwSignal<Option<Repeated>>,
    /// How many audits "audit now" asked for, while any of them is left.
    pub audits_asked: RwSignal<u32>,
    /// Whether more labels are worth it, as last heard.
    pub halting: RwSignal<Option<HaltingState>>,
    /// The import that has just ended and of which something is to be said, by its place.
    pub report: RwSignal<Option<u32>>,
    /// Something is being read before its dialog can open: what, in words.
    pub reading: RwSignal<Option<String>>,
    /// Whether the browser says it has no network.
    pub offline: RwSignal<bool>,
    /// A new version waits to be activated.
    pub update_waiting: RwSignal<bool>,
    /// The classes of the open project.
    pub classes: Memo<Vec<ClassState>>,
    /// The class made last, which the project's state may not tell of yet.
    pub newest_class: RwSignal<Option<(ClassIndex, String)>>,
    /// Whether the open project learns a number instead of classes.
    pub numeric: Memo<bool>,
    /// The card on screen.
    pub card: Memo<Option<Card>>,
    /// The item on screen; changes less often than its card.
    pub card_item: Memo<Option<ItemIndex>>,
}

impl AppState {
    /// Nothing known yet. Call under the page's root owner, so that the signals live as long as the page.
    pub fn new(route: Route) -> Self {
        let project = RwSignal::new(None::<ProjectState>);
        let deck = RwSignal::new(Deck::default());
        let card = Memo::new(move |_| deck.with(|deck| deck.current().cloned()));
        Self {
            phase: RwSignal::new(Phase::Starting),
            route: RwSignal::new(route),
            projects: RwSignal::new(Vec::new()),
            read_only: RwSignal::new(false),
            project,
            following: StoredValue::new(true),
            deck,
            shown_at: StoredValue::new(0.0),
            outbox: RwSignal::new(Outbox::default()),
            effects: RwSignal::new(Vec::new()),
            labels_stored: StoredValue::new(0),
            warned_of_room: StoredValue::new(false),
            jobs: RwSignal::new(Vec::new()),
            toasts: RwSignal::new(Vec::new()),
            announcement: RwSignal::new(String::new()),
            dialog: RwSignal::new(None),
            naming_class: RwSignal::new(false),
            finding: RwSignal::new(false),
            showing: RwSignal::new(None),
            section: RwSignal::new(None),
            open_run: RwSignal::new(None),
            repeated: RwSignal::new(None),
            audits_asked: RwSignal::new(0),
            halting: RwSignal::new(None),
            report: RwSignal::new(None),
            reading: RwSignal::new(None),
            offline: RwSignal::new(false),
            update_waiting: RwSignal::new(false),
            newest_class: RwSignal::new(None),
            classes: Memo::new(move |_| {
                project.with(|project| project.as_ref().map(|project| project.classes.clone()).unwrap_or_default())
            }),
            numeric: Memo::new(move |_| {
                project.with(|project| project.as_ref().is_some_and(|project| project.target == Target::Number))
            }),
            card,
            card_item: Memo::new(move |_| card.with(|card| card.as_ref().map(|card| card.item))),
        }
    }

    /// Takes in what the session says.
    pub fn apply(&self, event: Event) {
        match event {
            Event::Project(_) | Event::Queue(_) if !self.following.get_value() => {}
            Event::Project(project) => {
                if self.project.with_untracked(|open| open.as_ref().map(|open| &open.id) != Some(&project.id)) {
                    self.forget_cards();
                }
                self.refresh_summary(&project);
                let wished = project.audits_wished;
                self.audits_asked.update(|asked| *asked = if wished == 0 { 0 } else { wished.max(*asked) });
                self.project.set(Some(*project));
            }
            Event::Queue(queue) => self.deck.update(|deck| deck.merge(queue)),
            Event::Job(job) => self.apply_job(job),
            Event::Notice(sentence) => self.tell(Tone::Note, sentence),
            Event::Writer(writes) => {
                self.read_only.set(!writes);
                // The card on screen may be one that the other tab has decided.
                self.deck.set(Deck::default());
            }
        }
    }

    /// The list of projects was read some time ago; the open one has changed since.
    fn refresh_summary(&self, project: &ProjectState) {
        self.projects.update(|projects| {
            if let Some(summary) = projects.iter_mut().find(|summary| summary.id == project.id) {
                summary.name.clone_from(&project.name);
                summary.items = project.items;
                summary.labelled = project.decided();
            }
        });
    }

    fn apply_job(&self, job: JobState) {
        match &job.status {
            JobStatus::Failed(reason) => self.tell(Tone::Bad, format!("{}: {reason}", job.title)),
            JobStatus::Cancelled => self.tell(Tone::Note, format!("{}: cancelled. What came in stays.", job.title)),
            JobStatus::Running | JobStatus::Finished => {}
        }
        self.jobs.update(|jobs| {
            jobs.retain(|other| other.job != job.job);
            if job.status == JobStatus::Running {
                let place = jobs.partition_point(|other| other.job < job.job);
                jobs.insert(place, job);
            }
        });
    }

    /// Forgets the cards of a project that is being left.
    pub fn forget_cards(&self) {
        self.deck.set(Deck::default());
        self.effects.set(Vec::new());
        self.newest_class.set(None);
        self.naming_class.set(false);
        self.showing.set(None);
        self.open_run.set(None);
        self.repeated.set(None);
        self.audits_asked.set(0);
        self.halting.set(None);
        self.report.set(None);
    }

    /// Shows a message. The same words twice are one message.
    pub fn tell(&self, tone: Tone, text: String) {
        self.toasts.update(|toasts| {
            toasts.retain(|toast| toast.text != text);
            // What is good to know makes room for what is newer; what went wrong stays until it is read.
            if tone == Tone::Note {
                let notes: Vec<u32> = toasts.iter().filter(|toast| toast.tone == tone).map(|toast| toast.id).collect();
                let old = &notes[..notes.len().saturating_sub(1)];
                toasts.retain(|toast| !old.contains(&toast.id));
            }
            let id = toasts.iter().map(|toast| toast.id).max().unwrap_or(0) + 1;
            if tone == Tone::Note {
                // By its words, for a message that was dismissed may have left its number to another.
                let (all, words) = (self.toasts, text.clone());
                set_timeout(move || all.update(|toasts| toasts.retain(|toast| toast.text != words)), NOTE_STAYS);
            }
            toasts.push(Toast { id, tone, text, rescue: None });
        });
    }

    /// Says why a project can't be opened, and offers its labels as a file.
    pub fn offer_rescue(&self, why: String, project: String) {
        self.tell(Tone::Bad, why.clone());
        self.toasts.update(|toasts| {
            for toast in toasts.iter_mut().filter(|toast| toast.text == why) {
                toast.rescue = Some(project.clone());
            }
        });
    }

    /// A class that was just made is known by its name before the project's next state tells of it.
    pub fn expect_class(&self, class: ClassIndex, name: &str) {
        self.newest_class.set(Some((class, name.to_owned())));
    }

    /// A class's name.
    pub fn class_name(&self, class: ClassIndex) -> String {
        let known = self.classes.with(|classes| classes.get(usize::from(class)).map(|state| state.class.name.clone()));
        let newest = || self.newest_class.get().filter(|(newest, _)| *newest == class).map(|(_, name)| name);
        known.or_else(newest).unwrap_or_else(|| format!("class {}", class + 1))
    }

    /// A label in words: its class's name, or its number.
    pub fn label_words(&self, class: Option<ClassIndex>, number: Option<f64>) -> Option<String> {
        class.map(|class| self.class_name(class)).or(number.map(text::plain))
    }

    /// Why nothing predicts yet, or that the first model is being made, in a sentence; empty if there is a model.
    pub fn why_no_model(&self) -> String {
        let why = self.project.with(|project| project.as_ref().and_then(|project| project.why_no_model.clone()));
        why.map(|why| format!("{why}.")).unwrap_or_default()
    }

    /// Whether another tab is the one that writes.
    pub fn follows_another_tab(&self) -> bool {
        self.read_only.get() || self.project.with(|project| project.as_ref().is_some_and(|project| project.read_only))
    }

    /// Why nothing can be written now; `None` if it can.
    pub fn why_read_only(&self) -> Option<&'static str> {
        if self.phase.get() == Phase::WrongRelease {
            Some("Reload the page first: its parts are of different versions.")
        } else if self.follows_another_tab() {
            Some(
                "Another tab of this browser labels; this one shows what it does. Press “Take over here”, or close that tab.",
            )
        } else {
            None
        }
    }
}
