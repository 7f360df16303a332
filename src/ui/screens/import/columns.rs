//! How a table is read: its format, what its rows are, and what its columns are for.

use crate::pipeline::import::plan::Role;
use crate::pipeline::item::Kind;
use crate::ui::app::use_app;
use crate::ui::parts::show::Show;
use crate::ui::parts::views::CollectAny;
use crate::ui::plan_edit::Draft;
use crate::ui::{format, import_words, imports};
use leptos::prelude::*;

/// How the text is read, and whether its first row is a header.
#[component]
pub fn Format(draft: RwSignal<Draft>) -> impl IntoView {
    let app = use_app();
    let format = draft.with_untracked(|draft| draft.plan.format.clone());
    format.map(|format| {
        let has_header = format.header;
        view! {
            <div class="row">
                <p class="muted">{import_words::table_format(&format)}</p>
                {(!format.json_lines).then(|| view! {
                    <label class="check"><input type="checkbox" prop:checked=has_header
                        on:change=move |event| imports::inspect_again(app, draft, event_target_checked(&event)) />"First row is a header"</label>
                }.into_any())}
            </div>
        }
    })
}

/// Whether rows are texts or table rows. Pictures can't be anything else.
#[component]
pub fn KindChoice(draft: RwSignal<Draft>) -> impl IntoView {
    let choosable = draft.with_untracked(|draft| !draft.plan.columns.is_empty() && draft.plan.kind != Kind::Image);
    let choice = move |kind: Kind, text: &'static str| {
        view! {
            <label><input type="radio" name="kind" prop:checked=move || draft.with(|draft| draft.plan.kind == kind)
                on:change=move |_| draft.update(|draft| draft.set_kind(kind)) />{text}</label>
        }
    };
    let several =
        move || draft.with(|draft| draft.plan.kind == Kind::Text && draft.plan.columns_of(Role::Content).count() > 1);
    choosable.then(|| {
        view! {
            <fieldset class="choices"><legend>"Each row is"</legend>
                {choice(Kind::Text, "a text to read")}
                {choice(Kind::Table, "a table row: several columns are compared")}
                <Show when=several><span class="muted">"The text columns are shown one under the other and learnt together."</span></Show>
            </fieldset>
        }
    })
}

/// The columns with what they are for.
#[component]
pub fn Columns(draft: RwSignal<Draft>) -> impl IntoView {
    let count = draft.with_untracked(|draft| draft.plan.columns.len());
    let row = move |place: usize| {
        let column = draft.with_untracked(|draft| draft.plan.columns[place].clone());
        let kind = if column.numeric { "number" } else { "words" };
        view! {
            <tr>
                <th scope="row">{column.name.clone()}</th>
                <td title=column.why><RoleChoice draft place name=column.name /></td>
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
                    <tbody>{(0..count.min(COLUMNS_SHOWN)).map(row).collect_any()}</tbody>
                </table>
                {(count > COLUMNS_SHOWN).then(|| format!("and {} more columns, used as guessed", format::count((count - COLUMNS_SHOWN) as u64)))}
            </div>
        }
    })
}

/// Of a table with ten thousand columns, so many are listed.
const COLUMNS_SHOWN: usize = 200;

const ROLES: [(Role, &str); 5] = [
    (Role::Content, "Content"),
    (Role::Label, "Label"),
    (Role::Extra, "Keep beside"),
    (Role::Split, "Train/test split"),
    (Role::File, "Image file"),
];

#[component]
fn RoleChoice(draft: RwSignal<Draft>, place: usize, name: String) -> impl IntoView {
    let images = draft.with_untracked(|draft| draft.plan.kind == Kind::Image);
    // A row about an image has no content of its own.
    let offered = ROLES.into_iter().filter(move |(role, _)| *role != if images { Role::Content } else { Role::File });
    let option = move |(role, text): (Role, &'static str)| {
        view! { <option value=text prop:selected=move || draft.with(|draft| draft.plan.columns.get(place).is_some_and(|column| column.role == role))>{text}</option> }
    };
    let choose = move |event| {
        let text = event_target_value(&event);
        if let Some((role, _)) = ROLES.into_iter().find(|(_, each)| *each == text) {
            draft.update(|draft| draft.set_role(place, role));
        }
    };
    view! { <select aria-label=format!("Use column {name} as") on:change=choose>{offered.map(option).collect_any()}</select> }
}
