//! What a person can do. Each action changes the page at once and asks the session in the background.

use crate::pipeline::label::Shown;
use crate::protocol::{
    Card, ClassIndex, Decision, Export, ItemIndex, Options, ProjectSummary, RELEASE, Reply, Request, Verdict,
};
use crate::ui::app::App;
use crate::ui::format::counted;
use crate::ui::parts::toast::Tone;
use crate::ui::route::Route;
use crate::ui::state::{LastEffect, Phase};
use crate::ui::{dom, format, keeping, order, review, text, words};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::Blob;

/// Under which name the browser remembers the open project.
pub const LAST_PROJECT: &str = "hone.project";

const PROJECT_GONE: &str = "The project that was open here last is not in this browser any more. If you did not delete it in \
                            another tab, the browser has cleared its data, as it may when the disk is nearly full. A saved \
                            project (.hone) brings it back: import that file.";

/// Says hello, and goes on where the person left off if the address asks for a screen of a project.
pub fn start(app: App) {
    // As the address was when the page opened: whoever is quick has opened a project before the answers are here.
    let resuming = app.state.route.get_untracked().needs_project();
    let remembered = dom::remembered(LAST_PROJECT);
    spawn_local(async move {
        match app.ask(Request::Hello, Vec::new()).await.0 {
            Reply::Welcome { release, projects, read_only, last } => {
                review::introduce(app).await;
                let is_here = |id: &String| projects.iter().any(|project| &project.id == id);
                if remembered.as_ref().is_some_and(|id| !is_here(id)) {
                    // Once: it is forgotten with this, unless another was opened meanwhile.
                    if dom::remembered(LAST_PROJECT) == remembered {
                        dom::remember(LAST_PROJECT, None);
                    }
                    app.state.tell(Tone::Bad, PROJECT_GONE.to_owned());
                }
                let last = last.filter(&is_here).or(remembered.filter(&is_here)).filter(|_| resuming);
                app.state.projects.set(projects);
                app.state.read_only.set(read_only);
                app.state.phase.set(if release == RELEASE { Phase::Ready } else { Phase::WrongRelease });
                let busy =
                    untrack(|| app.state.project.with(Option::is_some) || app.state.reading.with(Option::is_some));
                match last {
                    _ if busy => {}
                    Some(project) => load_project(app, project).await,
                    None if resuming => app.go(Route::Start),
                    None => {}
                }
            }
            other => app.unexpected(other),
        }
    });
}

/// Opens a project and shows its next card.
pub fn open_project(app: App, project: String) {
    spawn_local(async move {
        load_project(app, project).await;
        if app.state.project.with_untracked(Option::is_some) && !app.state.route.get_untracked().needs_project() {
            app.go(Route::Label);
        }
    });
}

async fn load_project(app: App, project: String) {
    let same = app.state.project.with_untracked(|open| open.as_ref().is_some_and(|open| open.id == project));
    if same {
        return;
    }
    leave(app);
    app.state.reading.set(Some("Opening the project…".to_owned()));
    let (reply, _) = app.ask(Request::OpenProject { project: project.clone() }, Vec::new()).await;
    app.state.reading.set(None);
    match reply {
        Reply::Done => dom::remember(LAST_PROJECT, Some(&project)),
        other => {
            if let Reply::Failed(why) = &other {
                app.state.offer_rescue(why.clone(), project);
            } else {
                app.unexpected(other);
            }
            app.go(Route::Start);
        }
    }
}

/// Leaves the open project. The session keeps it loaded; it costs nothing to come back.
pub fn close_project(app: App) {
    leave(app);
    app.state.following.set_value(false);
    dom::remember(LAST_PROJECT, None);
    app.go(Route::Start);
    refresh_projects(app);
}

/// Forgets the open project on the page.
pub fn leave(app: App) {
    app.state.following.set_value(true);
    app.state.project.set(None);
    app.state.forget_cards();
    app.media.clear();
}

/// Asks for the stored projects again.
pub fn refresh_projects(app: App) {
    spawn_local(async move {
        match app.ask(Request::ListProjects, Vec::new()).await.0 {
            Reply::Projects(projects) => app.state.projects.set(projects),
            other => app.unexpected(other),
        }
    });
}

/// Gives a project a new name.
pub fn rename_project(app: App, project: ProjectSummary, name: String) {
    done(app, Request::RenameProject { project: project.id, name }, refresh_projects);
}

/// Deletes a project, after the person confirmed it.
pub fn delete_project(app: App, project: ProjectSummary) {
    if app.state.project.with_untracked(|open| open.as_ref().is_some_and(|open| open.id == project.id)) {
        leave(app);
        app.state.following.set_value(false);
        dom::remember(LAST_PROJECT, None);
        app.go(Route::Start);
    }
    done(app, Request::DeleteProject { project: project.id }, refresh_projects);
}

/// Stops a job; what came in stays.
pub fn cancel(app: App, job: u32) {
    done(app, Request::Cancel { job }, |_| {});
}

/// Labels the card on screen.
pub fn label(app: App, class: ClassIndex) {
    let name = untrack(|| app.state.class_name(class));
    label_as(app, class, name);
}

fn label_as(app: App, class: ClassIndex, name: String) {
    if let Some(card) = decide(app, Verdict::Label(class)) {
        app.state.announcement.set(format!("Labelled {card} as {name}"));
    }
}

/// Labels the card on screen with a number.
pub fn label_value(app: App, value: f64) {
    if let Some(card) = decide(app, Verdict::Value(value)) {
        app.state.announcement.set(format!("Labelled {card} as {}", text::plain(value)));
    }
}

/// Labels the card on screen with the number typed, or with its suggestion if nothing is. Whether it could be read.
pub fn answer_value(app: App, typed: &str) -> bool {
    let typed = typed.trim();
    match text::typed_number(typed) {
        Some(value) => label_value(app, value),
        _ if typed.is_empty() => accept(app),
        _ => {
            app.state.tell(
                Tone::Bad,
                format!("“{typed}” can’t be read as a number. Nothing was labelled. Write it without thousands, such as 1234.5."),
            );
            return false;
        }
    }
    true
}

/// Labels the card on screen with its suggestion.
pub fn accept(app: App) {
    if let Some(value) = app.state.card.with_untracked(|card| Some(card.as_ref()?.value.as_ref()?.value)) {
        return label_value(app, value);
    }
    let suggested = app.state.card.with_untracked(|card| Some(card.as_ref()?.suggestion.as_ref()?.class));
    match suggested {
        Some(class) => label(app, class),
        None => app.state.announcement.set("No suggestion to accept on this card".to_owned()),
    }
}

/// Passes the card on screen by.
pub fn skip(app: App) {
    if let Some(card) = decide(app, Verdict::Skip) {
        app.state.announcement.set(format!("Skipped {card}"));
    }
}

/// Marks the card on screen for a second look, or takes the mark away.
pub fn flag(app: App) {
    let was = app.state.card.with_untracked(|card| card.as_ref().is_some_and(|card| card.flagged));
    if let Some(card) = decide(app, Verdict::Flag) {
        app.state.announcement.set(format!("{} {card}", if was { "Unflagged" } else { "Flagged" }));
    }
}

/// Records a decision about the card on screen and shows the next one, in this very frame. Returns the card's name.
fn decide(app: App, verdict: Verdict) -> Option<String> {
    let state = app.state;
    if let Some(reason) = untrack(|| state.why_read_only()) {
        state.tell(Tone::Bad, format!("Nothing was labelled. {reason}"));
        return None;
    }
    let card = state.card.get_untracked()?;
    let took = dom::now() - state.shown_at.get_value();
    let shown = card.suggestion.as_ref().filter(|_| card.audit.is_none()).and_then(|suggestion| {
        state.classes.with_untracked(|classes| {
            let class = classes.get(usize::from(suggestion.class))?.class.key.clone();
            Some(Shown { class, probability: suggestion.probability, model: suggestion.model, quality: None })
        })
    });
    let decision = Decision {
        id: app.new_id(),
        item: card.item,
        verdict,
        shown,
        audit: card.audit,
        repeat: card.repeat,
        took_ms: Some(order::within(took, 0.0, f64::from(u32::MAX)) as u32),
    };
    if verdict == Verdict::Flag {
        state.deck.update(|deck| {
            if let Some(card) = deck.current_mut() {
                card.flagged = !card.flagged;
            }
        });
    } else {
        state.deck.update(|deck| {
            deck.advance();
        });
        app.settle();
        dom::focus(dom::CARD_ID);
    }
    let class = match verdict {
        Verdict::Label(class) => Some(class),
        _ => None,
    };
    send(
        app,
        Request::Decide(decision),
        class.map(|class| format!("{} as {}", card.name, untrack(|| state.class_name(class)))),
    );
    Some(card.name)
}

/// Asks for something that changes the label log, kept in the outbox until it is answered.
async fn write(app: App, id: String, request: Request) -> Reply {
    app.state.outbox.update(|outbox| outbox.keep(&id, request.clone()));
    let (reply, _) = app.ask(request, Vec::new()).await;
    app.state.outbox.update(|outbox| match reply {
        Reply::Decided(_) | Reply::Undone(_) | Reply::ClassAdded(_) => outbox.acknowledge(&id),
        _ => outbox.refuse(&id),
    });
    reply
}

/// Sends decisions. `words` says which label it was, for the report on what it changed.
pub fn send(app: App, request: Request, words: Option<String>) {
    let id = match &request {
        Request::Decide(decision) => decision.id.clone(),
        Request::DecideMany { ids, .. } => ids.first().cloned().unwrap_or_default(),
        _ => return,
    };
    // A flag leaves its card on screen, so there is nothing to acknowledge in the deck.
    let decided = match &request {
        Request::Decide(decision) if decision.verdict != Verdict::Flag => Some(decision.item),
        _ => None,
    };
    spawn_local(async move {
        match write(app, id, request).await {
            Reply::Decided(effect) => {
                if let Some(item) = decided {
                    app.state.deck.update(|deck| deck.acknowledge(item));
                }
                let changed = words.map(|decision| LastEffect { decision, effect });
                app.state.effects.update(|effects| effects.push(changed));
                keeping::after_a_label(app);
            }
            other => app.unexpected(other),
        }
    });
}

/// Sends again what could not be saved.
pub fn send_again(app: App) {
    for (_, request) in app.state.outbox.with_untracked(|outbox| outbox.refused()) {
        send(app, request, None);
    }
}

/// Labels in this tab in place of the one that does.
pub fn take_over(app: App) {
    done(app, Request::TakeOver, |_| {});
}

/// Saves the label log with what could not be stored as a file, for a store that takes nothing more.
pub fn save_unsaved(app: App) {
    let Some(project) = app.state.project.with_untracked(|project| project.as_ref().map(|project| project.id.clone()))
    else {
        return;
    };
    let decisions = app.state.outbox.with_untracked(|outbox| outbox.unsaved());
    save_file(app, Request::Rescue { project, decisions });
}

/// Saves the labels of a project that can't be opened.
pub fn rescue(app: App, project: String) {
    save_file(app, Request::Rescue { project, decisions: Vec::new() });
}

/// Takes back the latest decision and shows its card again.
pub fn undo(app: App) {
    spawn_local(async move {
        if let Some(card) = take_back(app).await {
            show(app, card);
        }
    });
}

/// Takes back the latest decision, says so, and gives its card; `None`, and a message, if there is nothing to take back.
pub async fn take_back(app: App) -> Option<Card> {
    match write(app, app.new_id(), Request::Undo).await {
        Reply::Undone(Some(card)) => {
            app.state.effects.update(|effects| drop(effects.pop()));
            app.state.announcement.set(format!("Took back the decision about {}", card.name));
            return Some(*card);
        }
        Reply::Undone(None) => app.state.announcement.set("Nothing to undo".to_owned()),
        other => app.unexpected(other),
    }
    None
}

/// Makes a class and, if the card is still the one it was named for, labels it so. A name that is taken labels with
/// the class that has it.
pub fn add_class(app: App, name: String) {
    let name = name.trim().to_owned();
    let state = app.state;
    state.naming_class.set(false);
    dom::focus(dom::CARD_ID);
    if name.is_empty() {
        return;
    }
    let taken = state.classes.with_untracked(|classes| {
        classes.iter().position(|state| text::lowercase(&state.class.name) == text::lowercase(&name))
    });
    if let Some(class) = taken.and_then(|place| ClassIndex::try_from(place).ok()) {
        return label(app, class);
    }
    let named_for = state.card_item.get_untracked();
    spawn_local(async move {
        let reply = write(app, app.new_id(), Request::AddClass { name: name.clone() }).await;
        if let Reply::ClassAdded(class) = reply {
            // The project's new state may come later than what is said of its class.
            state.expect_class(class, &name);
        }
        match reply {
            Reply::ClassAdded(class) if named_for.is_some() && state.card_item.get_untracked() == named_for => {
                label_as(app, class, name);
            }
            Reply::ClassAdded(_) => state.announcement.set(format!("Added the class {name}")),
            other => app.unexpected(other),
        }
    });
}

/// Gives a class another name; its labels keep it.
pub fn rename_class(app: App, class: ClassIndex, name: String) {
    done(app, Request::RenameClass { class, name }, |_| {});
}

/// Shows an item's card on the Label screen, whatever the queue says.
pub fn visit(app: App, item: ItemIndex) {
    spawn_local(async move {
        match app.ask(Request::CardFor { item }, Vec::new()).await.0 {
            Reply::Card(card) => {
                show(app, *card);
                app.go(Route::Label);
            }
            other => app.unexpected(other),
        }
    });
}

fn show(app: App, card: Card) {
    app.state.deck.update(|deck| deck.visit(card));
    app.settle();
    dom::focus(dom::CARD_ID);
}

/// Labels many items at once.
pub fn label_many(app: App, items: Vec<ItemIndex>, class: ClassIndex) {
    let name = untrack(|| app.state.class_name(class));
    if let Some(reason) = untrack(|| app.state.why_read_only()) {
        return app.state.tell(Tone::Bad, format!("Nothing was labelled. {reason}"));
    }
    let ids = items.iter().map(|_| app.new_id()).collect();
    let words = format!("{} as {name}", counted(items.len() as u64, "item", "items"));
    app.state.announcement.set(format!("Labelled {words}"));
    send(app, Request::DecideMany { ids, items, verdict: Verdict::Label(class) }, Some(words));
}

/// Changes how the queue asks.
pub fn set_options(app: App, options: Options) {
    done(app, Request::SetOptions(options), |_| {});
}

/// Writes a file and saves it to the person's downloads.
pub fn export(app: App, export: Export) {
    save_file(app, Request::Export(export));
}

/// Asks for a file and saves it to the person's downloads.
pub fn save_file(app: App, request: Request) {
    spawn_local(async move {
        let is_sheet = matches!(request, Request::Export(Export::ForSpreadsheets(_)));
        if let Some((blob, name, defused)) = file(app, request).await {
            save(app, &blob, &name);
            // Who asked for it is told in any case; elsewhere, that nothing was changed is no news.
            if let Some(cells) = defused.filter(|cells| is_sheet || *cells > 0) {
                app.state.tell(Tone::Note, words::defused(&name, cells));
            }
        }
    });
}

/// Asks for a file: its bytes, its name and, of a table for spreadsheets, how many cells got an apostrophe. `None`, and a message, if
/// there is none.
pub async fn file(app: App, request: Request) -> Option<(Blob, String, Option<u32>)> {
    let (reply, attachments) = app.ask(request, Vec::new()).await;
    let blob = attachments.into_iter().next().and_then(|file| file.dyn_into::<Blob>().ok());
    match (reply, blob) {
        (Reply::File { name, defused }, Some(blob)) => Some((blob, name, defused)),
        (other, _) => {
            app.unexpected(other);
            None
        }
    }
}

/// Saves a file to the person's downloads, and says so.
pub fn save(app: App, blob: &Blob, name: &str) {
    match crate::browser::download::save(blob, name) {
        Ok(()) => {
            let size = format::bytes(blob.size());
            app.state.announcement.set(format!("Saved {name}, {size}"));
        }
        Err(error) => app.state.tell(
            Tone::Bad,
            format!("{name} was made but the browser did not save it ({error:?}). Your labels are safe. Try again."),
        ),
    }
}

/// Asks for something whose only answer is that it is done.
pub fn done(app: App, request: Request, then: impl FnOnce(App) + 'static) {
    spawn_local(async move {
        match app.ask(request, Vec::new()).await.0 {
            Reply::Done => then(app),
            other => app.unexpected(other),
        }
    });
}
