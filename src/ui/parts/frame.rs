//! The frame around every screen: the rail, the top bar, and on a phone the bottom bar.

use crate::protocol::Export;
use crate::ui::app::use_app;
use crate::ui::commands::{self, EXPORTS};
use crate::ui::parts::dialog::Dialog;
use crate::ui::parts::icon::{Icon, IconName};
use crate::ui::parts::jobs::Jobs;
use crate::ui::parts::menu::{Menu, MenuItem};
use crate::ui::parts::rows::{Row, rows};
use crate::ui::parts::show::Show;
use crate::ui::parts::views::redrawn;
use crate::ui::route::Route;
use crate::ui::state::Phase;
use crate::ui::{actions, dom, experiments, format, words};
use leptos::prelude::*;

/// The screens there are now: without an open project only the settings.
fn reachable(open: bool) -> Vec<Route> {
    Route::RAIL.into_iter().filter(|route| open || !route.needs_project()).collect()
}

#[component]
fn Links() -> impl IntoView {
    let state = use_app().state;
    let open = Memo::new(move |_| state.project.with(Option::is_some));
    let link = move |route: Route| {
        let icon = match route {
            Route::Start => IconName::Start,
            Route::Label => IconName::Label,
            Route::Data => IconName::Data,
            Route::Review => IconName::Review,
            Route::Models => IconName::Models,
            Route::Monitor => IconName::Monitor,
            Route::Settings | Route::Glossary => IconName::Settings,
        };
        view! {
            <a class="rail-link" class:foot=route == Route::Settings href=route.hash() aria-current=move || (state.route.get() == route).then_some("page")>
                <Icon name=icon /><span>{route.title()}</span>
            </a>
        }
        .into_any()
    };
    let row = move |route: Route| Row::new(route, move || link(route));
    rows(move || reachable(open.get()).into_iter().map(row).collect())
}

/// The screens in the order of the flow, at the left.
#[component]
pub fn Rail() -> impl IntoView {
    view! {
        <nav class="rail" aria-label="Screens">
            <a class="brand" href=Route::Start.hash() aria-label="Hone: start screen"><Icon name=IconName::Brand /></a>
            <Links />
        </nav>
    }
}

/// The same on a phone, at the bottom. Only one of the two is displayed.
#[component]
pub fn BottomBar() -> impl IntoView {
    view! { <nav class="bottom-bar" aria-label="Screens"><Links /></nav> }
}

/// Project, state, work, saved or not.
#[component]
pub fn TopBar() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let open = Memo::new(move |_| state.project.with(Option::is_some));
    let exports = Callback::new(move |()| {
        EXPORTS.map(|(export, title): (Export, &str)| MenuItem::new(title, move || actions::export(app, export))).into()
    });
    view! {
        <header class="top-bar">
            <ProjectMenu />
            <p class="state-sentence">{move || state.project.with(|project| project.as_ref().map(words::state_sentence))}</p>
            <Promotable />
            <Alarm />
            <span class="grow"></span>
            <UpdateOffer />
            <Jobs />
            <Show when=move || open.get()>
                <Menu name="Export" class="to-the-left" items=exports><Icon name=IconName::Export /><span class="wide-only">"Export"</span></Menu>
            </Show>
            <button class="quiet" aria-label="Commands" aria-keyshortcuts="Control+K Meta+K"
                on:click=move |_| state.dialog.set(Some(Dialog::Palette))>
                <Icon name=IconName::Command /><kbd class="wide-only" aria-hidden="true">"Ctrl K"</kbd>
            </button>
            <BackUp />
            <SaveState />
        </header>
    }
}

/// Says that a challenger may be promoted, and leads to it.
#[component]
fn Promotable() -> impl IntoView {
    let app = use_app();
    let number = Memo::new(move |_| app.state.project.with(|project| project.as_ref().and_then(words::promotable)));
    redrawn(move || {
        number.get().map(|number| {
            view! {
                <button class="chip ok" aria-label=format!("r{number} may be promoted: show the verdict")
                    on:click=move |_| experiments::show_section(app, "verdict")>{format!("r{number} may be promoted")}</button>
            }
            .into_any()
        })
    })
}

/// Says that the champion does not hold on an import, or that nobody knows yet, and leads there.
#[component]
fn Alarm() -> impl IntoView {
    let app = use_app();
    let alarm = Memo::new(move |_| {
        app.state.project.with(|project| project.as_ref().and_then(|project| words::alarm(&project.monitor)))
    });
    redrawn(move || {
        alarm.get().map(|(class, word, name)| {
            view! {
                <a class=class href=Route::Monitor.hash() aria-label=format!("{word}: {name}: show Monitor")>
                    {word}<span class="wide-only">{format!("· {name}")}</span></a>
            }
            .into_any()
        })
    })
}

#[component]
fn ProjectMenu() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let name = Memo::new(move |_| state.project.with(|project| project.as_ref().map(|project| project.name.clone())));
    let items = Callback::new(move |()| {
        let open = state.project.with_untracked(|project| project.as_ref().map(|project| project.id.clone()));
        let projects = state.projects.get_untracked();
        let here = projects.iter().find(|project| Some(&project.id) == open.as_ref()).cloned();
        let mut items = vec![
            MenuItem::new("Import files", move || commands::import_files(app)),
            MenuItem::new("Import a folder", move || commands::import_folder(app)),
        ];
        if let Some(here) = here {
            items.push(MenuItem::new("Rename this project", move || {
                state.dialog.set(Some(Dialog::Rename(here.clone())));
            }));
        }
        items.push(MenuItem::new("Close this project", move || actions::close_project(app)));
        let others = projects.into_iter().filter(|project| Some(&project.id) != open.as_ref());
        items.extend(others.take(8).map(|project| {
            MenuItem::new(format!("Open {}", project.name), move || {
                app.go(Route::Label);
                actions::open_project(app, project.id.clone());
            })
        }));
        items
    });
    let label = Signal::derive(move || format!("Project {}", name.get().unwrap_or_default()));
    view! {
        {move || match name.get() {
            Some(_) => view! {
                <Menu name=label items><span class="project-name">{move || name.get()}</span><Icon name=IconName::Down /></Menu>
            }.into_any(),
            None => view! { <a class="project-name" href=Route::Start.hash()>"Hone"</a> }.into_any(),
        }}
    }
}

#[component]
fn UpdateOffer() -> impl IntoView {
    let state = use_app().state;
    let wrong = move || state.phase.get() == Phase::WrongRelease;
    let reload = move |_| {
        if state.update_waiting.get_untracked() {
            crate::browser::service_worker::apply_update();
        } else if let Err(error) = dom::window().location().reload() {
            leptos::logging::error!("the page did not reload: {error:?}");
        }
    };
    view! {
        <Show when=move || state.update_waiting.get() || wrong()>
            <span class="update-offer" role="status">
                {move || if wrong() { "This page is of another version than its worker." } else { "A new version is ready." }}
                <button on:click=reload>"Reload"</button>
            </span>
        </Show>
    }
}

/// Offers a backup of labels that are in this browser alone.
#[component]
fn BackUp() -> impl IntoView {
    let app = use_app();
    let due = Memo::new(move |_| app.state.project.with(|project| project.as_ref().and_then(words::backup_due)));
    redrawn(move || {
        due.get().map(|labels| {
            let said = format!("{} in this browser alone", format::counted(labels.into(), "label is", "labels are"));
            view! {
                <button class="quiet" aria-label=format!("Save a backup: {said}")
                    title=format!("{said}. Saves the whole project as a file.")
                    on:click=move |_| actions::export(app, Export::Project)>"Back up"</button>
            }
            .into_any()
        })
    })
}

#[component]
fn SaveState() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let sentence = move || match state.why_read_only() {
        Some(_) => "Read only".to_owned(),
        None => state.outbox.with(|outbox| outbox.sentence()),
    };
    let refused = move || state.outbox.with(|outbox| !outbox.refused().is_empty());
    view! {
        <Show when=move || state.offline.get()><span class="chip" title="No network. Everything goes on as before.">"Offline"</span></Show>
        <span class="save-state" role="status" aria-label="Save state" class:bad=refused title=move || state.why_read_only()>
            {move || sentence()}
        </span>
        <Show when=move || state.follows_another_tab()>
            <button title="Labels in this tab instead of the other one" on:click=move |_| actions::take_over(app)>"Take over here"</button>
        </Show>
        <Show when=refused>
            <button on:click=move |_| actions::send_again(app)>"Save again"</button>
            <button on:click=move |_| actions::save_unsaved(app)>"Save as a file"</button>
        </Show>
    }
}
