//! What an import will do, for the person to correct and confirm.

use crate::pipeline::import::plan::{ImportPlan, LabelSource, Problem, Role, Target};
use crate::pipeline::item::Kind;
use crate::ui::app::use_app;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::dialog::Modal;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::{actions, format, plan_edit};
use leptos::prelude::*;

/// The dialog after the files were looked at.
#[component]
pub fn ImportDialog(
    /// What the session guessed.
    plan: ImportPlan,
) -> impl IntoView {
    let app = use_app();
    let guessed = plan.labels;
    let plan = RwSignal::new(plan);
    let into = RwSignal::new(None::<String>);
    let obstacle = Memo::new(move |_| plan.with(plan_edit::obstacle));
    let confirm = move |_| {
        if obstacle.get_untracked().is_none() {
            actions::import(app, plan.get_untracked(), into.get_untracked());
        }
    };
    view! {
        <Modal title="Import" class="wide">
            <div class="import">
                <p class="lead">{move || plan.with(summary)}</p>
                <Destination plan into />
                <KindChoice plan />
                <Columns plan />
                <Labels plan guessed />
                <Problems problems=plan.with_untracked(|plan| plan.problems.clone()) />
            </div>
            <footer class="row end">
                <p class="watch grow" id="import-obstacle" role="status">{move || obstacle.get()}</p>
                <button on:click=move |_| app.state.dialog.set(None)>"Cancel"</button>
                <button class="primary" autofocus aria-describedby="import-obstacle" aria-disabled=move || obstacle.with(Option::is_some).to_string()
                    on:click=confirm>"Import"</button>
            </footer>
        </Modal>
    }
}

fn summary(plan: &ImportPlan) -> String {
    let noun = plan.kind.noun();
    let items = format::counted(plan.expected_items, noun, &format!("{noun}s"));
    match plan.problems.len() {
        0 => items,
        problems => format!("{items} · {}", format::counted(problems as u64, "problem", "problems")),
    }
}

/// Into the open project, or a new one.
#[component]
fn Destination(plan: RwSignal<ImportPlan>, into: RwSignal<Option<String>>) -> impl IntoView {
    let open = use_app().state.project.get_untracked();
    let fits = open.as_ref().is_some_and(|open| open.kind == plan.with_untracked(|plan| plan.kind));
    if fits {
        into.set(open.as_ref().map(|open| open.id.clone()));
    }
    let choice = open.map(|open| {
        let id = open.id.clone();
        let note = (!fits).then(|| format!("It holds {}s, these are of another kind.", open.kind.noun()));
        view! {
            <fieldset class="choices"><legend>"Where to"</legend>
                <label><input type="radio" name="into" prop:checked=fits disabled=!fits
                    on:change=move |_| into.set(Some(id.clone())) />{format!("Into “{}”", open.name)}</label>
                <span class="muted">{note}</span>
                <label><input type="radio" name="into" prop:checked=!fits on:change=move |_| into.set(None) />"A new project"</label>
            </fieldset>
        }
    });
    view! {
        {choice}
        <Show when=move || into.with(Option::is_none)>
            <label class="field">"Project name"
                <input type="text" prop:value=move || plan.with(|plan| plan.name.clone()) on:input=move |event| plan.update(|plan| plan.name = event_target_value(&event)) />
            </label>
        </Show>
    }
}

/// Whether rows are texts or table rows. Pictures can't be anything else.
#[component]
fn KindChoice(plan: RwSignal<ImportPlan>) -> impl IntoView {
    let choosable = plan.with_untracked(|plan| !plan.columns.is_empty());
    let choice = move |kind: Kind, text: &'static str| {
        view! {
            <label><input type="radio" name="kind" prop:checked=move || plan.with(|plan| plan.kind == kind)
                on:change=move |_| plan.update(|plan| plan_edit::set_kind(plan, kind)) />{text}</label>
        }
    };
    choosable.then(|| {
        view! {
            <fieldset class="choices"><legend>"Each row is"</legend>
                {choice(Kind::Text, "a text: one column is read")}
                {choice(Kind::Table, "a table row: several columns are compared")}
            </fieldset>
        }
    })
}

/// The columns with what they are for.
#[component]
fn Columns(plan: RwSignal<ImportPlan>) -> impl IntoView {
    let count = plan.with_untracked(|plan| plan.columns.len());
    let row = move |place: usize| {
        let column = plan.with_untracked(|plan| plan.columns[place].clone());
        let kind = if column.numeric { "number" } else { "words" };
        view! {
            <tr>
                <th scope="row">{column.name.clone()}</th>
                <td><RoleChoice plan place name=column.name /></td>
                <td class="muted">{kind}</td>
                <td class="figures">{format::count(column.distinct.into())}</td>
                <td class="samples muted">{column.samples.join(" · ")}</td>
            </tr>
        }
    };
    (count > 0).then(|| {
        view! {
            <div class="scroll-x">
                <table class="columns">
                    <caption>"Columns"</caption>
                    <thead><tr><th scope="col">"Column"</th><th scope="col">"Use as"</th><th scope="col">"Holds"</th>
                        <th scope="col">"Distinct"</th><th scope="col">"For example"</th></tr></thead>
                    <tbody>{(0..count).map(row).collect_any()}</tbody>
                </table>
            </div>
        }
    })
}

#[component]
fn RoleChoice(plan: RwSignal<ImportPlan>, place: usize, name: String) -> impl IntoView {
    const ROLES: [(Role, &str); 3] = [(Role::Content, "Content"), (Role::Label, "Label"), (Role::Extra, "Keep beside")];
    let option = move |(role, text): (Role, &'static str)| {
        view! { <option value=text prop:selected=move || plan.with(|plan| plan.columns[place].role == role)>{text}</option> }
    };
    let choose = move |event| {
        let text = event_target_value(&event);
        if let Some((role, _)) = ROLES.into_iter().find(|(_, each)| *each == text) {
            plan.update(|plan| plan_edit::set_role(plan, place, role));
        }
    };
    view! { <select aria-label=format!("Use column {name} as") on:change=choose>{ROLES.map(option).collect_any()}</select> }
}

/// Where labels come from, and the classes found there.
#[component]
fn Labels(plan: RwSignal<ImportPlan>, guessed: LabelSource) -> impl IntoView {
    let folders = guessed == LabelSource::Folder;
    let use_folders = move |event| {
        plan.update(|plan| {
            plan.labels = if event_target_checked(&event) { LabelSource::Folder } else { LabelSource::None }
        });
    };
    let choice = move |target: Target, text: &'static str| {
        view! {
            <label><input type="radio" name="target" prop:checked=move || plan.with(|plan| plan.target == target)
                on:change=move |_| plan.update(|plan| plan.target = target) />{text}</label>
        }
    };
    let choosable = move || plan.with(|plan| plan.labels != LabelSource::Folder);
    let classes = move || {
        plan.with(|plan| {
            if plan.labels == guessed && plan.target == Target::Classes { plan.classes.clone() } else { Vec::new() }
        })
    };
    let sentence = move || {
        plan.with(|plan| match plan.labels {
            LabelSource::None if plan.target == Target::Number => {
                "No labels come along: you type the numbers.".to_owned()
            }
            LabelSource::None => "No labels come along: you name the classes as you meet them.".to_owned(),
            LabelSource::Folder => {
                format!("{} found in folder names.", format::counted(plan.classes.len() as u64, "class", "classes"))
            }
            LabelSource::Column => {
                let name =
                    plan.columns.iter().find(|column| column.role == Role::Label).map_or("", |column| &column.name);
                let distinct =
                    plan.columns.iter().find(|column| column.role == Role::Label).map_or(0, |column| column.distinct);
                match plan.target {
                    Target::Classes => {
                        format!("{} in the column “{name}”.", format::counted(distinct.into(), "class", "classes"))
                    }
                    Target::Number => format!("A number is learnt, from the column “{name}”."),
                }
            }
        })
    };
    let chip = |(place, (name, count)): (usize, (String, u32))| {
        view! { <li class=format!("class-chip {}", hue_class(place))><span class="swatch"></span>{name}<span class="figures muted">{format::count(count.into())}</span></li> }
    };
    view! {
        <section class="import-labels">
            <h3>"Labels"</h3>
            <p>{move || sentence()}</p>
            <Show when=choosable>
                <fieldset class="choices"><legend>"Labels are"</legend>{choice(Target::Classes, "Classes")}{choice(Target::Number, "Numbers")}</fieldset>
            </Show>
            {folders.then(|| view! {
                <label class="check"><input type="checkbox" prop:checked=true on:change=use_folders />"Use folder names as labels"</label>
            }.into_any())}
            <ul class="class-chips">{move || classes().into_iter().take(40).enumerate().map(chip).collect_any()}</ul>
        </section>
    }
}

/// What is wrong with the sources. The rest is imported all the same.
#[component]
pub fn Problems(
    /// The problems, or the first of them.
    problems: Vec<Problem>,
) -> impl IntoView {
    let row = |problem: Problem| {
        view! {
            <tr><td>{problem.file}</td><td class="figures">{problem.row.map(format::count)}</td><td>{problem.message}</td></tr>
        }
    };
    let count = problems.len();
    (count > 0).then(|| view! {
        <details class="problems" open=count <= 5>
            <summary>{format::counted(count as u64, "problem", "problems")}", the rest is imported"</summary>
            <div class="scroll-x"><table>
                <thead><tr><th scope="col">"File"</th><th scope="col">"Row"</th><th scope="col">"What is wrong"</th></tr></thead>
                <tbody>{problems.into_iter().take(200).map(row).collect_any()}</tbody>
            </table></div>
        </details>
    })
}
