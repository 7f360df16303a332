//! What the Data screen shows: search, filter chips, order, grid or list.

use crate::protocol::{ItemFilter, ItemSort, Judged, ProjectState};
use crate::ui::app::use_app;
use crate::ui::format;
use crate::ui::parts::rows::class_rows;
use crate::ui::parts::views::CollectAny;
use crate::ui::screens::data::{DataView, Layout};
use crate::ui::state::AppState;
use leptos::html;
use leptos::prelude::*;

const FILTERS: [(ItemFilter, &str); 9] = [
    (ItemFilter::All, "All"),
    (ItemFilter::Unlabelled, "Unlabelled"),
    (ItemFilter::Labelled, "Labelled"),
    (ItemFilter::Audit, "Audits"),
    (ItemFilter::Accepted, "Accepted"),
    (ItemFilter::ToConfirm, "To confirm"),
    (ItemFilter::Skipped, "Skipped"),
    (ItemFilter::Flagged, "Flagged"),
    (ItemFilter::Disagreeing, "Label ≠ prediction"),
];

const SORTS: [(ItemSort, &str); 3] = [
    (ItemSort::Imported, "As imported"),
    (ItemSort::LeastSure, "Least sure first"),
    (ItemSort::MostSure, "Surest first"),
];

/// The toolbar.
#[component]
pub fn Toolbar(
    /// What the screen shows.
    view: DataView,
) -> impl IntoView {
    let app = use_app();
    let choose_sort = move |event| {
        let text = event_target_value(&event);
        if let Some((sort, _)) = SORTS.into_iter().find(|(_, each)| *each == text) {
            view.sort.set(sort);
            view.restart(app);
        }
    };
    let layout = move |layout: Layout, title: &'static str| {
        view! {
            <button aria-pressed=move || (view.layout.get() == layout).to_string() on:click=move |_| {
                view.layout.set(layout);
                view.restart(app);
            }>{title}</button>
        }
    };
    view! {
        <div class="toolbar">
            <Search view />
            <select aria-label="Sort" on:change=choose_sort>
                {SORTS.map(|(_, title)| view! { <option value=title>{title}</option> }).collect_any()}
            </select>
            <div class="segmented" role="group" aria-label="Layout">{layout(Layout::Grid, "Grid")}{layout(Layout::List, "List")}</div>
            <p class="figures muted" role="status">
                {move || view.total.get().map(|total| format::counted(total.into(), "item", "items"))}
            </p>
            <Filters view />
        </div>
    }
}

#[component]
fn Search(view: DataView) -> impl IntoView {
    let app = use_app();
    let input = NodeRef::<html::Input>::new();
    input.on_load(move |input| {
        if app.state.finding.get_untracked() {
            app.state.finding.set(false);
            request_animation_frame(move || {
                // A search box in the document can always be focused.
                let _ = input.focus();
            });
        }
    });
    let on_input = move |event| {
        view.search.set(event_target_value(&event));
        view.restart(app);
    };
    view! { <input node_ref=input class="search" type="search" aria-label="Search items" placeholder="Search names and texts" on:input=on_input /> }
}

#[component]
fn Filters(view: DataView) -> impl IntoView {
    let app = use_app();
    let chip = move |filter: ItemFilter, title: String| {
        view! {
            <button class="chip" aria-pressed=move || (view.filter.get() == filter).to_string() on:click=move |_| {
                view.filter.set(filter);
                view.restart(app);
            }>{title}</button>
        }
        .into_any()
    };
    // The cell of a confusion matrix or the import that led here stays among the chips, to come back to.
    let led_here = |filter: &ItemFilter| matches!(filter, ItemFilter::AuditCell { .. } | ItemFilter::Batch(_));
    let cell = Some(view.filter.get_untracked()).filter(led_here);
    view! {
        <div class="filters" role="group" aria-label="Show only">
            {move || cell.map(|cell| chip(cell, cell_name(app.state, cell)))}
            {FILTERS.map(|(filter, title)| chip(filter, title.to_owned())).collect_any()}
            {class_rows(move |class, name| chip(ItemFilter::Class(class), format!("Class: {name}")))}
        </div>
    }
}

fn cell_name(state: AppState, filter: ItemFilter) -> String {
    let ItemFilter::AuditCell { model, truth, predicted } = filter else {
        let ItemFilter::Batch(batch) = filter else { return String::new() };
        let name = |project: &ProjectState| Some(project.batches.get(batch as usize)?.name.clone());
        let name = state.project.with_untracked(|project| project.as_ref().and_then(name));
        return format!("Import: {}", name.unwrap_or_default());
    };
    let model = match model {
        Judged::Working => "working model",
        Judged::Champion => "champion",
        Judged::Challenger => "challenger",
    };
    format!("Audited {}, {model} says {}", state.class_name(truth), state.class_name(predicted))
}
