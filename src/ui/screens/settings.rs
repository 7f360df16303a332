//! What the browser keeps, what leaves the machine (nothing), how it looks, what this is.

use crate::protocol::{RELEASE, Reply, Request, StorageState};
use crate::ui::app::use_app;
use crate::ui::parts::bar::Bar;
use crate::ui::parts::views::CollectAny;
use crate::ui::privacy::count_requests;
use crate::ui::route::Route;
use crate::ui::screens::projects::Projects;
use crate::ui::theme::{self, Theme};
use crate::ui::{format, review};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The Settings screen.
#[component]
pub fn SettingsScreen() -> impl IntoView {
    view! {
        <div class="page">
            <h1>"Settings"</h1>
            <Storage />
            <Privacy />
            <Annotator />
            <Appearance />
            <Projects />
            <About />
        </div>
    }
}

#[component]
fn Storage() -> impl IntoView {
    let app = use_app();
    let storage = RwSignal::new(None::<StorageState>);
    spawn_local(async move {
        match app.ask(Request::Storage, Vec::new()).await.0 {
            // The person may have left the screen meanwhile.
            Reply::Storage(state) => drop(storage.try_set(Some(state))),
            other => app.unexpected(other),
        }
    });
    let figures = move || {
        storage.with(|storage| {
            storage.as_ref().map_or_else(
                || "Asking the browser…".to_owned(),
                |state| format!("{} of {} used", format::bytes(state.used), format::bytes(state.quota)),
            )
        })
    };
    let share = Signal::derive(move || {
        storage.with(|storage| storage.as_ref().map_or(0.0, |state| state.used / state.quota.max(1.0)))
    });
    let safe = move || {
        storage.with(|storage| storage.as_ref().map(|state| if state.persistent {
        "The browser has promised to keep it until you delete it."
    } else {
        "The browser may clear it when the disk is nearly full. Export the whole project to keep a copy; using Hone often, or installing it, makes browsers keep it."
    }))
    };
    view! {
        <section aria-labelledby="storage-title">
            <h2 id="storage-title">"Storage"</h2>
            <p class="figures">{move || figures()}</p>
            <Bar share />
            <p>{move || safe()}</p>
            <p class="muted">"Every label is on disk before “All saved” shows; a crash or a power cut loses nothing that was saved."</p>
        </section>
    }
}

#[component]
fn Privacy() -> impl IntoView {
    let requests = count_requests();
    let left = move || match requests.get().foreign {
        1 => "1 request left this origin since load".to_owned(),
        many => format!("{many} requests left this origin since load"),
    };
    view! {
        <section aria-labelledby="privacy-title">
            <h2 id="privacy-title">"Privacy"</h2>
            <p class="big figures" class:bad=move || { requests.get().foreign > 0 }>{move || left()}</p>
            <p class="muted">{move || format!("{} went to this page's own files. The content security policy forbids all others.", format::counted(requests.get().own.into(), "request", "requests"))}</p>
        </section>
    }
}

/// Whose labels these are.
#[component]
fn Annotator() -> impl IntoView {
    let app = use_app();
    let rename = move |event| review::rename_annotator(app, event_target_value(&event));
    view! {
        <section aria-labelledby="annotator-title">
            <h2 id="annotator-title">"Annotator"</h2>
            <label class="field">"Your name on labels"
                <input type="text" maxlength="60" autocomplete="off" prop:value=review::annotator() on:change=rename /></label>
            <p class="muted">"It goes with each of your labels, so that several people’s can be told apart when their files are merged. It leaves this machine only in files that you save."</p>
        </section>
    }
}

#[component]
fn Appearance() -> impl IntoView {
    let chosen = RwSignal::new(theme::chosen());
    let choice = move |theme: Theme| {
        let choose = move |_| {
            theme::choose(theme);
            chosen.set(theme);
        };
        view! { <label><input type="radio" name="theme" prop:checked=move || chosen.get() == theme on:change=choose />{theme.title()}</label> }
    };
    view! {
        <section aria-labelledby="appearance-title">
            <h2 id="appearance-title">"Appearance"</h2>
            <fieldset class="choices"><legend class="visually-hidden">"Light or dark"</legend>{Theme::ALL.map(choice).collect_any()}</fieldset>
        </section>
    }
}

#[component]
fn About() -> impl IntoView {
    view! {
        <section aria-labelledby="about-title">
            <h2 id="about-title">"About"</h2>
            <p>"Hone "{RELEASE}". Free software under the MIT licence or the Apache License 2.0, at your choice."</p>
            <p>"What every figure means is in the "<a href=Route::Glossary.hash()>"glossary"</a>"."</p>
            <p class="muted">"Images are read by EfficientNet-Lite0 (Apache-2.0). The demos' authors and licences are in "
                <a href="demo/photos/credits.csv">"the demo credits"</a>"."</p>
        </section>
    }
}
