//! May the challenger replace the champion? One sentence, one drawing, two buttons.

use crate::protocol::{ClassGateState, DeploymentState, ProjectState, PromotionState};
use crate::ui::app::use_app;
use crate::ui::experiments;
use crate::ui::parts::action::ActionButton;
use crate::ui::parts::chart::figure::{ChartFigure, data_table};
use crate::ui::parts::chart::table::{Cell, Table};
use crate::ui::parts::chart::{Drawing, verdict as drawing};
use crate::ui::parts::show::Show;
use crate::ui::parts::views::redrawn;
use crate::ui::{format, words};
use leptos::prelude::*;

/// The part "Verdict".
#[component]
pub fn Verdict() -> impl IntoView {
    let state = use_app().state;
    let sentence = move || state.project.with(|project| project.as_ref().map(words::verdict));
    view! {
        <section id="verdict" class="block" aria-labelledby="verdict-title" tabindex="-1">
            <h2 id="verdict-title">"Verdict"</h2>
            <p class="verdict" role="status">{move || sentence()}</p>
            <Drawn />
            <Buttons />
            <ClassByClass />
            <History />
        </section>
    }
}

/// Champion and challenger, or the champion alone; nothing before there is a figure.
#[component]
fn Drawn() -> impl IntoView {
    let state = use_app().state;
    let draw = move |width: f64| {
        state.project.with(|project| project.as_ref().and_then(|project| compared(project, width.min(720.0))))
    };
    let any = Memo::new(move |_| draw(480.0).is_some());
    let drawing = Callback::new(move |width| draw(width).unwrap_or_default());
    view! { <Show when=move || any.get()><ChartFigure drawing /></Show> }
}

fn compared(project: &ProjectState, width: f64) -> Option<Drawing> {
    let deployment = &project.deployment;
    let champion = deployment.champion.as_ref()?;
    let figures = deployment.gate.as_ref().and_then(|gate| gate.figures.as_ref());
    match (&deployment.challenger, figures) {
        (Some(challenger), Some(figures)) => Some(drawing::draw(width, champion.number, challenger.number, figures)),
        _ => {
            let audit = champion.audit?;
            Some(drawing::alone(width, champion.number, audit.share()))
        }
    }
}

#[component]
fn Buttons() -> impl IntoView {
    let app = use_app();
    let state = app.state;
    let with =
        move |read: fn(&ProjectState) -> Option<String>| state.project.with(|project| project.as_ref().and_then(read));
    let promote = Signal::derive(move || {
        let number =
            |project: &ProjectState| project.deployment.challenger.as_ref().map(|c| format!("Promote r{}", c.number));
        with(number).unwrap_or_else(|| "Promote".to_owned())
    });
    let why_not =
        Signal::derive(move || state.why_read_only().map(str::to_owned).or_else(|| with(words::why_not_promote)));
    let roll_back = Signal::derive(move || {
        let number =
            |project: &ProjectState| words::earlier_champion(project).map(|number| format!("Roll back to r{number}"));
        with(number).unwrap_or_else(|| "Roll back".to_owned())
    });
    let no_earlier = Signal::derive(move || {
        let none = |project: &ProjectState| match words::earlier_champion(project) {
            None => Some("There is no earlier champion to go back to.".to_owned()),
            Some(_) => None,
        };
        state.why_read_only().map(str::to_owned).or_else(|| with(none))
    });
    view! {
        <div class="row" class:ready=move || why_not.with(Option::is_none)>
            <ActionButton class="primary" name=promote why=why_not press=Callback::new(move |()| experiments::promote(app)) />
            <ActionButton name=roll_back why=no_earlier press=Callback::new(move |()| experiments::ask_to_roll_back(app)) />
        </div>
    }
}

/// The gate class by class: which passed, which stands in the way, which has too few audits to say.
#[component]
fn ClassByClass() -> impl IntoView {
    let state = use_app().state;
    let classes = Memo::new(move |_| {
        state.project.with(|project| {
            let gate = project.as_ref()?.deployment.gate.as_ref()?;
            Some(gate.figures.as_ref()?.classes.clone()).filter(|classes| !classes.is_empty())
        })
    });
    redrawn(move || {
        classes.get().map(|classes| {
            let mut table = Table::new(&["class", "audits", "challenger − champion", "lower bound", "gate"]);
            for class in classes {
                let word = match class.state {
                    ClassGateState::Passed => "passed",
                    ClassGateState::Vetoed => "vetoed: it may have become worse",
                    ClassGateState::Skipped => "skipped: too few audits to say",
                };
                table.rows.push(vec![
                    Cell::Text(state.class_name(class.class)),
                    Cell::Count(class.audits),
                    Cell::Text(format::points(class.difference)),
                    Cell::Text(format::points(class.low)),
                    Cell::Text(word.to_owned()),
                ]);
            }
            view! { <details><summary>"Class by class"</summary>{data_table(&table, "The gate, class by class")}</details> }.into_any()
        })
    })
}

#[component]
fn History() -> impl IntoView {
    let app = use_app();
    let promotions = Memo::new(move |_| {
        let of = |deployment: &DeploymentState| deployment.promotions.clone();
        app.state.project.with(|project| project.as_ref().map(|project| of(&project.deployment)).unwrap_or_default())
    });
    let row = move |promotion: PromotionState| {
        let number = promotion.number;
        view! {
            <li>
                <button class="link" on:click=move |_| experiments::show_run(app, number)>{format!("r{number}")}</button>" "
                <span>{promotion.why}</span>" "
                <span class="muted">{format::ago(promotion.time_ms, js_sys::Date::now())}</span>
            </li>
        }
        .into_any()
    };
    view! {
        <Show when=move || promotions.with(|promotions| !promotions.is_empty())>
            <details><summary>"Champions so far"</summary>
                <ol class="champions">{move || promotions.get().into_iter().map(row).collect::<Vec<AnyView>>()}</ol>
            </details>
        </Show>
    }
}
