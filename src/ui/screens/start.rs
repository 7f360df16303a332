//! Where everything begins: drop files, open a demo, or go on with a project. Teaches the rest at one glance.

use crate::protocol::Demo;
use crate::ui::app::use_app;
use crate::ui::commands::{self, DEMOS};
use crate::ui::imports;
use crate::ui::parts::icon::{Icon, IconName};
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::screens::projects::Projects;
use crate::ui::state::Phase;
use leptos::prelude::*;

/// The start screen.
#[component]
pub fn StartScreen() -> impl IntoView {
    let state = use_app().state;
    view! {
        <div class="start">
            <section class="start-intro">
                <h1>"Label less, on your own device"</h1>
                <p>"Name the classes and label a handful. A small classifier learns as you go and asks about what helps it most."</p>
                <p class="muted">"Nothing leaves this machine: no server, no account, and it works with the network cable pulled."</p>
            </section>
            <Drop />
            <Demos />
            <Show when=move || state.phase.get() == Phase::Starting><p class="muted" role="status">"Starting…"</p></Show>
            <Projects />
            <Steps />
        </div>
    }
}

#[component]
fn Drop() -> impl IntoView {
    let app = use_app();
    view! {
        <section class="drop-box" aria-labelledby="drop-title">
            <Icon name=IconName::Import />
            <h2 id="drop-title">"Drop files or a folder anywhere"</h2>
            <p class="muted">"Photos, texts, CSV, TSV, JSONL, zip, or a saved project. You can paste, too."</p>
            <div class="row">
                <button class="primary" on:click=move |_| commands::import_files(app)>"Import files"</button>
                <button on:click=move |_| commands::import_folder(app)>"Import a folder"</button>
            </div>
        </section>
    }
}

#[component]
fn Demos() -> impl IntoView {
    let app = use_app();
    let card = move |(demo, name): (Demo, &'static str)| {
        let (title, text) = match demo {
            Demo::Photos => ("Photos", "195 photos in 5 classes: monuments, tools, animals, energy, fish."),
            Demo::Sentences => ("Sentences", "3,000 sentences from reviews: is the writer pleased or not?"),
            Demo::Penguins => ("Penguins", "344 penguins, measured: which of 3 species is it?"),
        };
        let verb = move || match app.state.projects.with(|projects| imports::begun_demo(projects, demo).is_some()) {
            true => "Go on with the demo",
            false => "Open the demo",
        };
        view! {
            <button class="demo" aria-label=move || format!("{}: {name}", verb()) on:click=move |_| imports::open_demo(app, demo)>
                <strong>{title}</strong><span class="muted">{text}</span>
                <Show when=move || verb() == "Go on with the demo"><span class="small">"Go on"</span></Show>
            </button>
        }
    };
    view! {
        <section aria-labelledby="demos-title">
            <h2 id="demos-title">"Or try a demo"</h2>
            <div class="demos">{DEMOS.map(card).collect_any()}</div>
        </section>
    }
}

const STEPS: [(&str, &str); 3] = [
    ("Bring", "Drop in what you have. Kind, columns and classes are guessed; you confirm."),
    ("Label", "One card, one key. The next card is there at once, the model learns in between."),
    ("Take", "Labels, predictions and the model as plain files, whenever you like."),
];

#[component]
fn Steps() -> impl IntoView {
    view! {
        <section aria-labelledby="steps-title">
            <h2 id="steps-title">"How it goes"</h2>
            <ol class="steps">
                {STEPS.map(|(title, text)| view! { <li><strong>{title}</strong><span>{text}</span></li> }).collect_any()}
            </ol>
        </section>
    }
}
