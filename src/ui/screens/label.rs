//! The heart: one card, one question. Keys label and advance; the next card is there in the frame of the key.

use crate::pipeline::item::Kind;
use crate::protocol::{ClassIndex, HistoryEntry, Verdict};
use crate::ui::app::use_app;
use crate::ui::hotkey::{Hotkey, class_key, hotkey};
use crate::ui::parts::bar::{Bar, hue_class};
use crate::ui::parts::dialog::Dialog;
use crate::ui::parts::icon::{Icon, IconName};
use crate::ui::parts::picture::Picture;
use crate::ui::parts::rows::{Row, class_rows, rows};
use crate::ui::parts::show::Show;
use crate::ui::parts::triage_bar::TriageBar;
use crate::ui::parts::views::redrawn;
use crate::ui::route::Route;
use crate::ui::screens::card::CardView;
use crate::ui::screens::insight::Insight;
use crate::ui::screens::models::charts::Halting;
use crate::ui::{actions, dom, format, import_words, imports, text, words};
use leptos::ev;
use leptos::html;
use leptos::prelude::*;

/// The box for a number.
const VALUE_ID: &str = "value";

/// The Label screen.
#[component]
pub fn LabelScreen() -> impl IntoView {
    let app = use_app();
    let keys = window_event_listener(ev::keydown, move |event| {
        if event.repeat() || !dom::is_free_key(&event) {
            return;
        }
        if app.state.numeric.get_untracked() && dom::begins_number(&event) {
            // The box has the focus before the digit arrives.
            return dom::focus(VALUE_ID);
        }
        let Some(key) = hotkey(&event.key()) else { return };
        if matches!(key, Hotkey::Accept | Hotkey::Skip) && dom::is_on_control(&event) {
            return;
        }
        event.prevent_default();
        match key {
            Hotkey::Class(class) if usize::from(class) < app.state.classes.with_untracked(Vec::len) => {
                actions::label(app, class);
            }
            // The page itself listens for `?`, on every screen.
            Hotkey::Class(_) | Hotkey::Help => {}
            Hotkey::Accept => actions::accept(app),
            Hotkey::Skip => actions::skip(app),
            Hotkey::Flag => actions::flag(app),
            Hotkey::Undo => actions::undo(app),
            Hotkey::NewClass => app.state.naming_class.set(true),
            Hotkey::Find => {
                app.state.finding.set(true);
                app.go(Route::Data);
            }
        }
    });
    on_cleanup(move || keys.remove());
    app.settle();
    view! {
        <div class="label-screen">
            <h1 class="visually-hidden">"Label"</h1>
            <ClassPanel />
            <div class="stage">
                <CardView />
                <Answers />
                <History />
            </div>
            <Insight />
        </div>
    }
}

/// The classes with their counts, and how far the work has come.
#[component]
fn ClassPanel() -> impl IntoView {
    let row = |class, name| view! { <ClassRow class name /> }.into_any();
    view! {
        <aside class="panel class-panel" aria-label="Classes">
            <Show when=use_app().state.numeric fallback=move || view! {
                <h2>"Classes"</h2>
                <ol class="class-list">{class_rows(row)}</ol>
                <NewClassHint />
            }>{view! { <h2>"Numbers"</h2> }.into_any()}</Show>
            <Progress />
        </aside>
    }
}

/// A class with its key and its count; a press on its name renames it.
#[component]
fn ClassRow(class: ClassIndex, name: String) -> impl IntoView {
    let state = use_app().state;
    let counts = Memo::new(move |_| {
        state.classes.with(|classes| classes.get(usize::from(class)).map_or((0, 0), |c| (c.labelled, c.predicted)))
    });
    let (accessible_name, old_name) = (format!("Rename class {name}"), name.clone());
    view! {
        <li class=hue_class(class.into())>
            <span class="swatch" aria-hidden="true"></span>
            <kbd aria-hidden="true">{class_key(class).map(String::from)}</kbd>
            <button class="quiet class-rename" aria-label=accessible_name title="Rename"
                on:click=move |_| state.dialog.set(Some(Dialog::RenameClass(class, old_name.clone())))>
                <span class="class-name">{name}</span>
            </button>
            <span class="figures" title=move || format!("{} labelled, {} more predicted", counts.get().0, counts.get().1)>{move || format::count(counts.get().0.into())}</span>
        </li>
    }
}

#[component]
fn NewClassHint() -> impl IntoView {
    let state = use_app().state;
    redrawn(move || match state.classes.with(Vec::len) {
        0 => {
            Some(view! { <p class="hint">"What is on the first card? Type its class and press Enter."</p> }.into_any())
        }
        1 => Some(
            view! { <p class="hint">"Name a second class (N) when you meet one: from two on, the model learns."</p> }
                .into_any(),
        ),
        _ => None,
    })
}

#[component]
fn Progress() -> impl IntoView {
    let state = use_app().state;
    let figures = Memo::new(move |_| {
        state.project.with(|project| {
            project.as_ref().map_or((0, 0, 0, [0; 4]), |p| {
                (p.decided(), p.items, p.embedded, [p.audits, p.checks, p.tests, p.skipped])
            })
        })
    });
    let share = Signal::derive(move || {
        let (labelled, items, ..) = figures.get();
        f64::from(labelled) / f64::from(items.max(1))
    });
    let reading = move || {
        let (_, items, embedded, ..) = figures.get();
        (embedded < items).then(|| {
            format!("{} of {} read by the model so far", format::count(embedded.into()), format::count(items.into()))
        })
    };
    view! {
        <div class="progress">
            <p><strong class="figures" role="group" aria-label="Labelled items">{move || format::count(figures.get().0.into())}</strong>
                {move || format!(" of {} labelled", format::count(figures.get().1.into()))}</p>
            <Bar share />
            <p class="muted figures">{move || {
                let (_, _, _, [audits, checks, tests, skipped]) = figures.get();
                let mut parts = vec![format::counted(audits.into(), "audit", "audits")];
                for (count, what) in [(checks, "for certificates"), (tests, "in the test set"), (skipped, "skipped")] {
                    if count > 0 {
                        parts.push(format!("{} {what}", format::count(count.into())));
                    }
                }
                parts.join(" · ")
            }}</p>
            <p class="muted figures">{move || reading()}</p>
            <Standing />
        </div>
    }
}

/// What is accepted and what is to be asked, audits asked for, and whether more labels are worth it.
#[component]
fn Standing() -> impl IntoView {
    let state = use_app().state;
    let certified = Memo::new(move |_| {
        state.project.with(|project| project.as_ref().is_some_and(|project| !project.triage.certificates.is_empty()))
    });
    let import = Memo::new(move |_| state.project.with(|project| project.as_ref().and_then(words::asked_import)));
    let audits = move || {
        if import.with(Option::is_some) {
            return None;
        }
        let wished = state.project.with(|project| project.as_ref().map_or(0, |project| project.audits_wished));
        (wished > 0).then(|| {
            let asked = state.audits_asked.get().max(wished);
            format!("{} of {} audits still to answer", format::count(wished.into()), format::count(asked.into()))
        })
    };
    let cut = Memo::new(move |_| {
        state.project.with(|project| {
            let project = project.as_ref()?;
            import_words::standing(imports::interrupted(project)?.1, project.kind)
        })
    });
    view! {
        {redrawn(move || cut.get().map(|said| {
            view! { <p class="watch figures" role="status" aria-label="Interrupted import">{said}". "<a href=Route::Data.hash()>"Data"</a></p> }.into_any()
        }))}
        <p class="figures" role="status">{move || audits()}</p>
        {redrawn(move || import.get().map(|(what, said)| {
            view! { <p class="figures" role="status" aria-label=what>{said}" "<a href=Route::Monitor.hash()>"Monitor"</a></p> }.into_any()
        }))}
        <Show when=move || certified.get()>{view! { <TriageBar /> }.into_any()}</Show>
        {move || state.halting.get().map(|halting| view! { <Halting halting /> }.into_any())}
    }
}

/// The buttons under the card.
#[component]
fn Answers() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let disabled = move || state.card_item.with(Option::is_none);
    let why = move || if disabled() { Some("There is no card to decide about.") } else { None };
    let button = |class, name| view! { <ClassButton class name /> }.into_any();
    let flagged = move || state.card.with(|card| card.as_ref().is_some_and(|card| card.flagged));
    view! {
        <div class="answers">
            <div class="class-buttons" role="group" aria-label="Label as">
                <Show when=state.numeric fallback=move || view! { {class_rows(button)}<NewClass /> }>
                    {view! { <ValueBox /> }.into_any()}
                </Show>
            </div>
            <div class="commands row">
                <button aria-label="Skip" aria-keyshortcuts="Space" aria-disabled=move || disabled().to_string() title=why on:click=move |_| actions::skip(app)>
                    "Skip "<kbd aria-hidden="true">"Space"</kbd></button>
                <button aria-label="Flag" aria-keyshortcuts="F" aria-pressed=move || flagged().to_string() aria-disabled=move || disabled().to_string() title=why
                    on:click=move |_| actions::flag(app)><Icon name=IconName::Flag />"Flag "<kbd aria-hidden="true">"F"</kbd></button>
                <button aria-label="Undo" aria-keyshortcuts="Z" on:click=move |_| actions::undo(app)>"Undo "<kbd aria-hidden="true">"Z"</kbd></button>
                <span class="grow"></span>
                <p class="muted figures">{move || format!("{} to ask", format::count(state.deck.with(|deck| deck.left()).into()))}</p>
            </div>
        </div>
    }
}

/// The box for a number, and what the model would say: Enter on the empty box takes that.
#[component]
fn ValueBox() -> impl IntoView {
    let app = use_app();
    let suggestion = move || app.state.card.with(|card| Some(card.as_ref()?.value.as_ref()?.words.clone()));
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            event.stop_propagation();
            let input = event_target::<web_sys::HtmlInputElement>(&event);
            if actions::answer_value(app, &input.value()) {
                input.set_value("");
                dom::focus(VALUE_ID);
            }
        }
        "Escape" => dom::focus(dom::CARD_ID),
        _ => {}
    };
    view! {
        <input id=VALUE_ID class="class-name-box" type="text" inputmode="decimal" aria-label="Value" autocomplete="off"
            aria-description=move || suggestion().map(|words| format!("suggested: {words}")) placeholder="Number, then Enter" on:keydown=on_key />
        <span class="figures" aria-hidden="true">{move || suggestion().map(|words| format!("{words} "))}
            {move || suggestion().map(|_| view! { <kbd>"Enter"</kbd> })}</span>
    }
}

/// A class as an answer. The suggestion is a ring on its button, dotted while it is unsure.
#[component]
fn ClassButton(class: ClassIndex, name: String) -> impl IntoView {
    let app = use_app();
    let suggested = Memo::new(move |_| {
        app.state.card.with(|card| {
            let suggestion = card.as_ref()?.suggestion.as_ref()?;
            (suggestion.class == class).then_some(suggestion.probability)
        })
    });
    let present =
        Memo::new(move |_| app.state.card.with(|card| card.as_ref().is_some_and(|card| card.label == Some(class))));
    let key = class_key(class).map(String::from);
    let (accessible_name, shortcut) = (name.clone(), key.clone());
    let description = move || match (suggested.get(), present.get()) {
        (Some(probability), _) => Some(format!("suggested, {}", format::probability(probability))),
        (None, true) => Some("the present label".to_owned()),
        (None, false) => None,
    };
    view! {
        <button class=format!("class-button {}", hue_class(class.into())) aria-label=accessible_name aria-keyshortcuts=shortcut
            aria-description=description
            class:suggested=move || suggested.get().is_some()
            class:unsure=move || suggested.get().is_some_and(|probability| probability < 0.5)
            class:present=move || present.get()
            on:click=move |_| actions::label(app, class)>
            <kbd aria-hidden="true">{key}</kbd>
            <span class="class-name">{name}</span>
            <span class="figures suggestion-share" aria-hidden="true">{move || suggested.get().map(format::probability)}</span>
        </button>
    }
}

/// The way to a new class: a button that opens a box in its place. With no class yet the box is open.
#[component]
fn NewClass() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let none_yet = Memo::new(move |_| state.classes.with(Vec::is_empty));
    let open = Memo::new(move |_| state.naming_class.get() || none_yet.get());
    let input = NodeRef::<html::Input>::new();
    let focus = move || {
        if let Some(input) = input.get_untracked() {
            // A text box in the document can always be focused.
            let _ = input.focus();
        }
    };
    Effect::new(move |_| {
        state.naming_class.track();
        if open.get() && input.get().is_some() {
            focus();
        }
    });
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            event.stop_propagation();
            if let Some(input) = input.get_untracked() {
                let name = input.value();
                input.set_value("");
                actions::add_class(app, name);
            }
        }
        "Escape" => {
            state.naming_class.set(false);
            dom::focus(dom::CARD_ID);
        }
        _ => {}
    };
    let ask = move |_| {
        state.naming_class.set(true);
        focus();
    };
    view! {
        <button class="new-class" aria-label="New class" aria-keyshortcuts="N" aria-expanded=move || open.get().to_string() on:click=ask>
            "+ New class "<kbd aria-hidden="true">"N"</kbd></button>
        <Show when=move || open.get()>
            <input node_ref=input class="class-name-box" type="text" aria-label="Class name" maxlength="80" autocomplete="off"
                placeholder=move || if none_yet.get() { "Name the first class" } else { "Name, then Enter" } on:keydown=on_key />
        </Show>
    }
}

/// The last twelve decisions; a press shows the card again.
#[component]
fn History() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let entries = Memo::new(move |_| {
        state.project.with(|project| project.as_ref().map(|p| p.history.clone()).unwrap_or_default())
    });
    let images =
        Memo::new(move |_| state.project.with(|project| project.as_ref().is_some_and(|p| p.kind == Kind::Image)));
    let entry = move |entry: HistoryEntry| {
        let short = move || match entry.verdict {
            Verdict::Label(class) => state.class_name(class),
            Verdict::Value(value) => text::plain(value),
            Verdict::Skip => "skipped".to_owned(),
            Verdict::Flag => "flagged".to_owned(),
            Verdict::Keep => "kept".to_owned(),
            Verdict::Exclude => "excluded".to_owned(),
            Verdict::SecondOpinion => "second opinion".to_owned(),
        };
        let labelled = if matches!(entry.verdict, Verdict::Label(_) | Verdict::Value(_)) { "labelled " } else { "" };
        let revisit = format!("Revisit {}, {labelled}", entry.name);
        let hue = match entry.verdict {
            Verdict::Label(class) => hue_class(class.into()),
            _ => "hue-none".to_owned(),
        };
        let item = entry.item;
        view! {
            <li><button class=format!("history-entry {hue}") aria-label=move || format!("{revisit}{}", short()) title=entry.name.clone()
                on:click=move |_| actions::visit(app, item)>
                {match images.get() {
                    true => view! { <Picture item alt="" thumbnail=true /> }.into_any(),
                    false => view! { <span class="history-text">{entry.preview.clone()}</span> }.into_any(),
                }}
                <span class="history-class">{move || short()}</span>
            </button></li>
        }
        .into_any()
    };
    let row = move |shown: HistoryEntry| Row::new((shown.event.clone(), shown.name.clone()), move || entry(shown));
    view! {
        <section class="history" aria-label="Last decisions">
            <ol>{rows(move || entries.get().into_iter().map(row).collect())}</ol>
        </section>
    }
}
