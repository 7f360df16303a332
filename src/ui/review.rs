//! What a person does on the Review screen: choose a part and a case, decide, take back, measure the gain, take in what
//! others labelled.

use crate::browser::files;
use crate::pipeline::label::Shown;
use crate::protocol::{
    ClassIndex, Decision, ItemIndex, Reply, Request, ReviewCase, ReviewKind, ReviewRow, ReviewState, Verdict,
};
use crate::ui::app::App;
use crate::ui::deck::Deck;
use crate::ui::experiments::{self, perform};
use crate::ui::parts::toast::Tone;
use crate::ui::route::Route;
use crate::ui::{actions, dom, order, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

/// The region of the present case, which has the focus while one decides.
pub const CASE_ID: &str = "case";
/// Where the browser remembers whose labels these are.
const ANNOTATOR: &str = "hone.annotator";

/// What the screen shows. Lives as long as the screen.
#[derive(Clone, Copy)]
pub struct ReviewView {
    app: App,
    /// The part.
    pub kind: RwSignal<ReviewKind>,
    /// Its list, as last heard.
    pub list: RwSignal<Option<ReviewState>>,
    /// The case on screen.
    pub case: RwSignal<Option<ReviewCase>>,
    /// When it appeared, in milliseconds of `performance.now`.
    shown_at: StoredValue<f64>,
}

impl ReviewView {
    /// Asks for the first list, and again whenever it may have changed.
    pub fn new(app: App) -> Self {
        let view = Self {
            app,
            kind: RwSignal::new(ReviewKind::Suspect),
            list: RwSignal::new(None),
            case: RwSignal::new(None),
            shown_at: StoredValue::new(0.0),
        };
        let revision = Memo::new(move |_| {
            app.state.project.with(|project| project.as_ref().map_or(0, |project| project.review.revision))
        });
        Effect::new(move |_| {
            // Read, not only tracked: a memo that nobody reads never learns of a change.
            let _ = (revision.get(), view.kind.get());
            view.fetch();
        });
        view
    }

    fn fetch(self) {
        let kind = self.kind.get_untracked();
        spawn_local(async move {
            match self.app.ask(Request::Review(kind), Vec::new()).await.0 {
                Reply::Review(list) if self.kind.try_get_untracked() == Some(list.kind) => self.show(*list),
                // The person has gone on meanwhile.
                Reply::Review(_) => {}
                other => self.app.unexpected(other),
            }
        });
    }

    /// Shows a list that came in; the case on screen stays as long as it is on it.
    fn show(self, list: ReviewState) {
        let present = self.items();
        let next = match list.rows.iter().any(|row| row.items == present) {
            true => None,
            false => Some(list.rows.first().map(|row| row.items.clone())),
        };
        self.list.set(Some(list));
        if let Some(next) = next {
            self.open(next);
        }
    }

    /// The items of the case on screen.
    pub fn items(self) -> Vec<ItemIndex> {
        self.case.with_untracked(|case| case.iter().flat_map(|case| &case.sides).map(|side| side.card.item).collect())
    }

    /// Shows a case, or none.
    pub fn open(self, items: Option<Vec<ItemIndex>>) {
        let Some(items) = items else { return self.case.set(None) };
        let kind = self.kind.get_untracked();
        spawn_local(async move {
            match self.app.ask(Request::ReviewCase { kind, items }, Vec::new()).await.0 {
                Reply::ReviewCase(case) => {
                    if self.case.try_set(case.map(|case| *case)).is_none() {
                        self.shown_at.set_value(dom::now());
                    }
                }
                other => self.app.unexpected(other),
            }
        });
    }

    /// Shows the case so many places further down.
    pub fn step(self, by: isize) {
        let present = self.items();
        let next = self.list.with_untracked(|list| {
            let rows = &list.as_ref()?.rows;
            let place = rows.iter().position(|row| row.items == present).unwrap_or(0);
            rows.get(place.checked_add_signed(by)?).map(|row| row.items.clone())
        });
        if next.is_some() {
            self.open(next);
        }
    }

    /// Takes the case off the list and shows the one after it, before the session has answered.
    fn advance(self) {
        let present = self.items();
        let mut next = None;
        self.list.update(|list| {
            let Some(list) = list else { return };
            let place = list.rows.iter().position(|row| row.items == present);
            list.rows.retain(|row| row.items != present);
            next = place
                .and_then(|place| list.rows.get(place).or(list.rows.last()))
                .map(|row: &ReviewRow| row.items.clone());
        });
        self.open(next);
        dom::focus(CASE_ID);
    }

    /// Labels the case's items as what is suggested.
    pub fn take(self) {
        let suggested = self.case.with_untracked(|case| case.as_ref().and_then(|case| case.suggested));
        let number = self.case.with_untracked(|case| case.as_ref().and_then(|case| case.suggested_value));
        match (suggested, number) {
            (Some((class, _)), _) => self.decide(Verdict::Label(class)),
            (None, Some(value)) => self.decide(Verdict::Value(value)),
            (None, None) => {}
        }
    }

    /// A key in the box for a number: Enter labels the case's items with it, Escape leaves the box.
    pub fn on_number_key(self, event: &web_sys::KeyboardEvent) {
        match event.key().as_str() {
            "Enter" => {
                let input = event_target::<web_sys::HtmlInputElement>(event);
                match text::typed_number(&input.value()) {
                    Some(value) => {
                        input.set_value("");
                        self.decide(Verdict::Value(value));
                    }
                    None => self.app.state.tell(
                        Tone::Bad,
                        "That can’t be read as a number. Nothing was changed. Write it without thousands, such as 1234.5.".to_owned(),
                    ),
                }
            }
            "Escape" => dom::focus(CASE_ID),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    /// Labels the case's items, if there is such a class.
    pub fn label(self, class: ClassIndex) {
        if usize::from(class) < self.app.state.classes.with_untracked(Vec::len) {
            self.decide(Verdict::Label(class));
        }
    }

    /// Decides about the case on screen and shows the next one.
    pub fn decide(self, verdict: Verdict) {
        let state = self.app.state;
        if let Some(reason) = untrack(|| state.why_read_only()) {
            return state.tell(Tone::Bad, format!("Nothing was changed. {reason}"));
        }
        let Some(case) = self.case.get_untracked() else { return };
        let Some(first) = case.sides.first() else { return };
        let words = match verdict {
            Verdict::Label(class) => format!("{} is {}", first.card.name, untrack(|| state.class_name(class))),
            Verdict::Value(value) => format!("{} is {}", first.card.name, text::plain(value)),
            Verdict::Keep => format!("Kept {}", first.card.name),
            Verdict::Exclude => format!("Excluded {}", first.card.name),
            _ => format!("Asked for a second opinion on {}", first.card.name),
        };
        let request = if case.sides.len() == 1 {
            let shown = case.suggested.and_then(|(class, probability)| {
                let class =
                    state.classes.with_untracked(|classes| Some(classes.get(usize::from(class))?.class.key.clone()))?;
                Some(Shown { class, probability, model: case.model, quality: case.quality })
            });
            Request::Decide(Decision {
                id: self.app.new_id(),
                item: first.card.item,
                verdict,
                shown,
                audit: None,
                repeat: false,
                took_ms: Some(order::within(dom::now() - self.shown_at.get_value(), 0.0, f64::from(u32::MAX)) as u32),
            })
        } else {
            let mut items: Vec<ItemIndex> = case.sides.iter().map(|side| side.card.item).collect();
            if verdict == Verdict::Exclude && case.kind == ReviewKind::Duplicate {
                items.remove(0);
            }
            let ids = items.iter().map(|_| self.app.new_id()).collect();
            Request::DecideMany { ids, items, verdict }
        };
        self.advance();
        state.announcement.set(words);
        actions::send(self.app, request, None);
    }

    /// Takes back the latest decision.
    pub fn undo(self) {
        spawn_local(async move {
            if let Some(card) = actions::take_back(self.app).await {
                self.open(Some(vec![card.item]));
            }
        });
    }
}

/// Measures what the review gained.
pub fn measure(app: App) {
    experiments::experiment(app, Request::MeasureGain, Request::MeasureGain);
}

/// Asks so many labels again, blind, on the Label screen; 0 ends it.
pub fn audit_labels(app: App, count: u32) {
    let said = if count == 0 { "No more labels are asked again" } else { "Labels to ask again" };
    perform(app, Request::AuditLabels { count }, said.to_owned());
    if count > 0 {
        app.state.deck.update(Deck::ask_audits);
        app.go(Route::Label);
    }
}

/// Asks these items next.
pub fn ask_first(app: App, items: Vec<ItemIndex>) {
    perform(app, Request::AskFirst { items }, "Asked next".to_owned());
}

/// Lets the person choose a label log or a project file and takes in what it says.
pub fn merge(app: App) {
    spawn_local(async move {
        let Some((_, file)) = files::pick_files().await.into_iter().next() else { return };
        app.state.reading.set(Some("Merging…".to_owned()));
        let (reply, _) = app.ask(Request::Merge, vec![JsValue::from(file)]).await;
        app.state.reading.set(None);
        match reply {
            Reply::Merged(sentence) => app.state.tell(Tone::Note, sentence),
            other => app.unexpected(other),
        }
    });
}

/// The name this browser remembers.
pub fn annotator() -> String {
    dom::remembered(ANNOTATOR).unwrap_or_default()
}

/// Says whose labels these are: the name this browser remembers, or one made up for it, told from all others.
pub async fn introduce(app: App) {
    let name = dom::remembered(ANNOTATOR).unwrap_or_else(|| {
        let id = app.new_id();
        let name = format!("annotator {}", &id[id.len() - 4..]);
        dom::remember(ANNOTATOR, Some(&name));
        name
    });
    if let (Reply::Failed(reason), _) = app.ask(Request::SetAnnotator { name }, Vec::new()).await {
        app.state.tell(Tone::Bad, reason);
    }
}

/// Takes another name.
pub fn rename_annotator(app: App, name: String) {
    let name = name.trim().to_owned();
    spawn_local(async move {
        match app.ask(Request::SetAnnotator { name: name.clone() }, Vec::new()).await.0 {
            Reply::Done => {
                dom::remember(ANNOTATOR, Some(&name));
                app.state.announcement.set(format!("Your labels are {name}’s from now on"));
            }
            other => app.unexpected(other),
        }
    });
}
