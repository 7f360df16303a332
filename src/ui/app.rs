//! The page: starts the session, listens to the window, lays out the frame.

use crate::browser::{files, link::Link, service_worker};
use crate::protocol::{CardContent, Event, IMPORTING, Reply, Request};
use crate::ui::ids::IdMaker;
use crate::ui::media::Media;
use crate::ui::parts::dialog::{Dialog, DialogHost};
use crate::ui::parts::frame::{BottomBar, Rail, TopBar};
use crate::ui::parts::toast::{Toasts, Tone};
use crate::ui::parts::views::redrawn;
use crate::ui::route::Route;
use crate::ui::screens::import::report::ImportReport;
use crate::ui::screens::monitor::MonitorScreen;
use crate::ui::screens::review::ReviewScreen;
use crate::ui::screens::{data::DataScreen, glossary::GlossaryScreen, label::LabelScreen, models::ModelsScreen};
use crate::ui::screens::{settings::SettingsScreen, start::StartScreen};
use crate::ui::state::AppState;
use crate::ui::{actions, dom, imports, mlflow, theme, words};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::future::Future;
use wasm_bindgen::JsValue;

/// What every component and action works with: the state, the session, the pictures.
#[derive(Clone, Copy)]
pub struct App {
    /// What the page knows.
    pub state: AppState,
    /// Pictures decoded ahead.
    pub media: Media,
    link: StoredValue<Link, LocalStorage>,
    ids: StoredValue<IdMaker>,
}

/// The page's [`App`]. Only components under [`Page`] call this.
pub fn use_app() -> App {
    expect_context::<App>()
}

impl App {
    /// Asks the session. Never fails: what could not be done is [`Reply::Failed`].
    pub fn ask(&self, request: Request, attachments: Vec<JsValue>) -> impl Future<Output = (Reply, Vec<JsValue>)> {
        self.link.get_value().ask(request, attachments)
    }

    /// Goes to a screen.
    pub fn go(&self, route: Route) {
        if let Err(error) = dom::window().location().set_hash(route.hash()) {
            leptos::logging::error!("the address could not be changed: {error:?}");
        }
    }

    /// After items came or went out of turn: the cards and pictures at hand may be of others.
    pub fn forget_items(&self) {
        self.state.forget_cards();
        self.media.clear();
    }

    /// Shows why something could not be done.
    pub fn unexpected(&self, reply: Reply) {
        let sentence = match reply {
            Reply::Failed(sentence) => sentence,
            // Not which answer it was: to write it out would take code for every answer there is.
            _ => "Hone's two halves misunderstood each other. What was saved is safe. Reload the page.".to_owned(),
        };
        self.state.tell(Tone::Bad, sentence);
    }

    /// An id for a decision taken now.
    pub fn new_id(&self) -> String {
        let mut random = [0; 16];
        // Without randomness ids still grow within this page; only two browsers merged later could clash.
        if let Err(error) = getrandom::fill(&mut random) {
            leptos::logging::warn!("no randomness from the browser: {error}");
        }
        let mut id = String::new();
        self.ids.update_value(|maker| id = maker.next(js_sys::Date::now() as u64, u128::from_le_bytes(random)));
        id
    }

    /// After the deck changed: starts the card's clock and gets the pictures of the next cards ready.
    pub fn settle(&self) {
        self.state.shown_at.set_value(dom::now());
        self.fetch_ahead();
    }

    fn fetch_ahead(&self) {
        let images: Vec<_> = self.state.deck.with_untracked(|deck| {
            deck.upcoming().take(7).filter(|card| card.content == CardContent::Image).map(|card| card.item).collect()
        });
        for item in images {
            self.media.picture(*self, item, false);
        }
    }

    fn apply(&self, event: Event) {
        let before = self.state.card_item.get_untracked();
        let known = imports::Known::of(self);
        self.state.apply(event);
        let is_another = |known: &imports::Known| {
            self.state.project.with_untracked(|now| now.as_ref().is_none_or(|now| now.id != known.project))
        };
        if known.as_ref().is_none_or(is_another) {
            self.media.clear();
        }
        imports::tell_ended(*self, known);
        if self.state.card_item.get_untracked() == before { self.fetch_ahead() } else { self.settle() }
    }
}

/// Starts the page in the document's body.
pub fn run() {
    leptos::mount::mount_to_body(Page);
}

/// The whole page.
#[component]
pub fn Page() -> impl IntoView {
    let hash = || dom::window().location().hash().unwrap_or_default();
    let state = AppState::new(Route::parse(&hash()));
    let events = StoredValue::new_local(None::<App>);
    let link = Link::start(move |event, _attachments| {
        if let Some(app) = events.get_value() {
            app.apply(event);
        }
    });
    let app = App {
        state,
        media: Media::new(),
        link: StoredValue::new_local(link),
        ids: StoredValue::new(IdMaker::default()),
    };
    events.set_value(Some(app));
    provide_context(app);
    listen(app, hash);
    theme::restore();
    Effect::new(move |_| {
        let project = state.project.with(|project| project.as_ref().map(|project| format!("{} · ", project.name)));
        dom::document().set_title(&format!("{} · {}Hone", state.route.get().title(), project.unwrap_or_default()));
    });
    service_worker::register(
        move || state.update_waiting.set(true),
        move |why, stays| state.tell(Tone::Bad, words::refused_release(&why, stays)),
    );
    actions::start(app);
    view! {
        <a class="skip-link" href="#main" on:click=move |event| { event.prevent_default(); dom::focus(dom::MAIN_ID) }>
            "Skip to content"
        </a>
        <div class="frame">
            <Rail />
            <TopBar />
            <main id=dom::MAIN_ID class="main" tabindex="-1"><Screen /></main>
            <BottomBar />
        </div>
        <p class="visually-hidden" role="status">{move || state.announcement.get()}</p>
        <Toasts />
        <ImportReport />
        <DialogHost />
        <Reading />
        <DropZone />
    }
}

#[component]
fn Screen() -> impl IntoView {
    let state = use_app().state;
    let ready = Memo::new(move |_| state.project.with(Option::is_some));
    redrawn(move || match (state.route.get(), ready.get()) {
        (Route::Settings, _) => view! { <SettingsScreen /> }.into_any(),
        (Route::Glossary, _) => view! { <GlossaryScreen /> }.into_any(),
        (Route::Label, true) => view! { <LabelScreen /> }.into_any(),
        (Route::Data, true) => view! { <DataScreen /> }.into_any(),
        (Route::Review, true) => view! { <ReviewScreen /> }.into_any(),
        (Route::Models, true) => view! { <ModelsScreen /> }.into_any(),
        (Route::Monitor, true) => view! { <MonitorScreen /> }.into_any(),
        (Route::Start, _) => view! { <StartScreen /> }.into_any(),
        (Route::Label | Route::Data | Route::Review | Route::Models | Route::Monitor, false) => view! {
            <div class="empty"><p class="muted">"Opening…"</p></div>
        }
        .into_any(),
    })
}

/// What is being read before there is anything to show.
#[component]
fn Reading() -> impl IntoView {
    let reading = use_app().state.reading;
    view! { <div class="reading" role="status" class:shown=move || reading.with(Option::is_some)>{move || reading.get()}</div> }
}

/// Says that files may be dropped, while they hover over the page.
#[component]
fn DropZone() -> impl IntoView {
    let app = use_app();
    let hovering = RwSignal::new(false);
    let over = window_event_listener(ev::dragover, move |event| {
        if event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0)) {
            event.prevent_default();
            hovering.set(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        if event.related_target().is_none() {
            hovering.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        hovering.set(false);
        if let Some(data) = event.data_transfer() {
            event.prevent_default();
            // The files must be taken while the event lasts; only reading the folders may wait.
            let given = files::from_drop(data);
            spawn_local(async move { imports::inspect(app, given.await) });
        }
    });
    on_cleanup(move || [over, leave, drop].into_iter().for_each(|listener| listener.remove()));
    view! { <div class="drop-hint" class:shown=move || hovering.get() aria-hidden="true">"Drop to look at these files. Nothing is uploaded."</div> }
}

/// What the window tells the page for as long as it is open, so these listeners are never removed.
fn listen(app: App, hash: impl Fn() -> String + 'static) {
    let state = app.state;
    let _ = window_event_listener(ev::hashchange, move |_| {
        state.route.set(Route::parse(&hash()));
        if state.dialog.with_untracked(Option::is_none) {
            dom::focus(dom::MAIN_ID);
        }
    });
    let _ = window_event_listener(ev::online, move |_| state.offline.set(false));
    let _ = window_event_listener(ev::offline, move |_| state.offline.set(true));
    state.offline.set(!dom::window().navigator().on_line());
    let _ = window_event_listener(ev::keydown, move |event| {
        let palette = (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k");
        if palette {
            event.prevent_default();
            state.dialog.update(|dialog| {
                *dialog = if *dialog == Some(Dialog::Palette) { None } else { Some(Dialog::Palette) };
            });
        } else if event.key() == "?" && dom::is_free_key(&event) {
            event.prevent_default();
            state.dialog.set(Some(Dialog::Keys));
        }
    });
    let _ = window_event_listener(ev::paste, move |event| {
        let typing = dom::focused().is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA"));
        if !typing {
            imports::inspect(app, files::from_paste(&event));
        }
    });
    let _ = window_event_listener(ev::message, move |event| mlflow::answer(app, &event));
    let _ = window_event_listener(ev::beforeunload, move |event| {
        // What is on its way to the disk would be lost, and what is being imported: the browser asks.
        let importing = state.jobs.with_untracked(|jobs| jobs.iter().any(|job| job.title.starts_with(IMPORTING)));
        if importing || !state.outbox.with_untracked(|outbox| outbox.is_empty()) {
            event.prevent_default();
        }
    });
}
