//! The runs as a table: sorted by its headings, selected by its boxes.

use super::runs::RunsView;
use crate::protocol::RunRow;
use crate::ui::app::{App, use_app};
use crate::ui::parts::show::Show;
use crate::ui::run_columns::{self, FIXED};
use crate::ui::{experiments, format};
use leptos::prelude::*;

/// Rows that are drawn at first, and that each press adds.
const PAGE: usize = 100;

/// The table.
#[component]
pub fn RunsTable(
    /// What the part shows.
    runs: RunsView,
) -> impl IntoView {
    let app = use_app();
    let limit = RwSignal::new(PAGE);
    let columns = Memo::new(move |_| runs.columns());
    let head = move || {
        let fixed = FIXED.iter().map(|&(key, title)| (key.to_owned(), title.to_owned()));
        let chosen = columns.get().into_iter().map(|column| {
            let heading = run_columns::heading(&column);
            (column, heading)
        });
        fixed.chain(chosen).map(|(key, title)| heading(runs, key, title)).collect::<Vec<AnyView>>()
    };
    let body = move || {
        let columns = columns.get();
        let shown = limit.get();
        runs.rows.with(|rows| {
            rows.iter().take(shown).map(|row| row_view(app, runs, row, &columns)).collect::<Vec<AnyView>>()
        })
    };
    view! {
        <div class="scroll-x runs-scroll" tabindex="0" role="group" aria-label="Table of runs">
            <table class="runs" aria-label="Runs">
                <thead><tr><th scope="col"><span class="visually-hidden">"Selected"</span></th>{move || head()}</tr></thead>
                <tbody>{move || body()}</tbody>
            </table>
        </div>
        <Show when=move || { runs.rows.with(Vec::len) > limit.get() }>
            <button on:click=move |_| limit.update(|limit| *limit += PAGE)>"Show more runs"</button>
        </Show>
    }
}

/// A heading that sorts.
fn heading(runs: RunsView, key: String, title: String) -> AnyView {
    let name = key.clone();
    let sorted = move || {
        runs.query.with(|query| match (query.sort == name, query.descending) {
            (false, _) => None,
            (true, true) => Some("descending"),
            (true, false) => Some("ascending"),
        })
    };
    let arrow = {
        let sorted = sorted.clone();
        move || match sorted() {
            Some("descending") => " ↓",
            Some(_) => " ↑",
            None => "",
        }
    };
    let full = key.clone();
    view! {
        <th scope="col" aria-sort=sorted title=full>
            <button class="quiet" on:click=move |_| runs.sort_by(&key)>{title}<span aria-hidden="true">{move || arrow()}</span></button>
        </th>
    }
    .into_any()
}

fn row_view(app: App, runs: RunsView, row: &RunRow, columns: &[String]) -> AnyView {
    let number = row.number;
    let (id, own) = (row.id.clone(), row.id.clone());
    let selected = Memo::new(move |_| runs.selected.with(|selected| selected.contains(&own)));
    let select = move |_| {
        runs.selected.update(|selected| match selected.iter().position(|other| *other == id) {
            Some(place) => drop(selected.remove(place)),
            None => selected.push(id.clone()),
        });
    };
    let open = move || app.state.open_run.get() == Some(number);
    let cell = |column: &String| view! { <td class="figures">{run_columns::cell(row, column)}</td> }.into_any();
    let cells: Vec<AnyView> = columns.iter().map(cell).collect();
    view! {
        <tr class:selected=move || selected.get()>
            <td><input type="checkbox" aria-label=format!("Select r{number}") prop:checked=move || selected.get() on:change=select /></td>
            <th scope="row"><button class="link" aria-label=format!("Details of r{number}") aria-expanded=move || open().to_string()
                on:click=move |_| experiments::show_run(app, number)>{format!("r{number}")}</button></th>
            <td>{row.name.clone()}</td>
            <td class:bad=row.status == "failed">{row.status.clone()}</td>
            <td>{row.kind.clone()}</td>
            <td>{row.alias.clone().map(|alias| view! { <span class="chip alias">{alias}</span> }.into_any())}</td>
            <td class="figures">{format::ago(row.start_ms, js_sys::Date::now())}</td>
            {cells}
        </tr>
    }
    .into_any()
}
