//! Runs side by side: where they differ, how they lie on every axis, how they got there.

use super::runs::RunsView;
use crate::protocol::{ComparedRow, RunComparison};
use crate::ui::app::use_app;
use crate::ui::dom;
use crate::ui::parts::chart::figure::ChartFigure;
use crate::ui::parts::chart::{Drawing, lines, parallel};
use crate::ui::parts::show::Show;
use crate::ui::{experiments, format, order};
use leptos::prelude::*;

/// The comparison asked for, if one is.
#[component]
pub fn Comparison(
    /// What the part "Runs" shows.
    runs: RunsView,
) -> impl IntoView {
    let app = use_app();
    let only_differences = RwSignal::new(true);
    let close = move |_| {
        runs.compared.set(None);
        dom::focus("runs");
    };
    // Its section has just come into the page.
    Effect::new(move |_| {
        if runs.compared.with(Option::is_some) {
            request_animation_frame(move || experiments::reach_section(app));
        }
    });
    let body = move || {
        runs.compared.with(|compared| compared.as_ref().map(|compared| side_by_side(compared, only_differences.get())))
    };
    view! {
        <Show when=move || runs.compared.with(Option::is_some)>
            <section id="comparison" class="block wide" aria-labelledby="comparison-title" tabindex="-1">
                <header class="row"><h2 id="comparison-title">"Comparison"</h2><span class="grow"></span>
                    <button class="quiet" aria-label="Close the comparison" on:click=close>"×"</button></header>
                <label class="check"><input type="checkbox" prop:checked=move || only_differences.get() on:change=move |_| only_differences.update(|only| *only = !*only) />
                    "Hide rows that are the same"</label>
                {move || body()}
                {view! { <Curves runs /> }.into_any()}
            </section>
        </Show>
    }
}

fn side_by_side(compared: &RunComparison, only_differences: bool) -> AnyView {
    let head: Vec<AnyView> = compared
        .runs
        .iter()
        .map(|run| {
            view! { <th scope="col">{format!("r{}", run.number)}" "<span class="muted">{run.name.clone()}</span></th> }
                .into_any()
        })
        .collect();
    let row = |row: &ComparedRow| {
        let cell = |value: &Option<String>| {
            let exact = value.clone().unwrap_or_default();
            view! { <td class="figures" title=exact>{value.as_deref().map_or_else(|| "–".to_owned(), format::shown)}</td> }
                .into_any()
        };
        let cells: Vec<AnyView> = row.values.iter().map(cell).collect();
        view! { <tr class:differs=row.differs && !only_differences><th scope="row"><span class="muted">{row.group.clone()}" "</span>{row.key.clone()}</th>{cells}</tr> }.into_any()
    };
    let rows: Vec<AnyView> = compared.rows.iter().filter(|row| row.differs || !only_differences).map(row).collect();
    let none = rows.is_empty().then(|| view! { <p class="muted">"Nothing differs."</p> }.into_any());
    view! {
        <div class="scroll-x"><table class="compared" aria-label="Side by side"><thead><tr><th scope="col">"Property"</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>
        {none}
    }
    .into_any()
}

/// Parallel coordinates, and a chart for each metric with more than one step.
#[component]
fn Curves(runs: RunsView) -> impl IntoView {
    let draw = move |width: f64, draw: &dyn Fn(f64, &RunComparison) -> Drawing| {
        runs.compared.with(|compared| compared.as_ref().map(|compared| draw(width, compared)).unwrap_or_default())
    };
    let coordinates = Callback::new(move |width| {
        draw(width, &|width, compared| {
            let names: Vec<String> = compared.runs.iter().map(|run| format!("r{}", run.number)).collect();
            parallel::draw(width, &names, &compared.axes)
        })
    });
    let keys = Memo::new(move |_| {
        let keys: Vec<String> = runs.compared.with(|compared| {
            compared
                .as_ref()
                .map(|compared| compared.curves.iter().map(|curve| curve.key.clone()).collect())
                .unwrap_or_default()
        });
        order::distinct(keys)
    });
    let curve = move |key: String| {
        let title = key.clone();
        let drawing = Callback::new(move |width| {
            draw(width, &|width, compared| {
                let runs: Vec<u32> = compared.runs.iter().map(|run| run.number).collect();
                lines::metric(width, &key, &runs, &compared.curves)
            })
        });
        view! { <div class="chart-tile"><h3>{title}</h3><ChartFigure drawing /></div> }.into_any()
    };
    view! {
        <h3>"Parallel coordinates"</h3>
        <ChartFigure drawing=coordinates />
        <div class="chart-tiles">{move || keys.get().into_iter().map(curve).collect::<Vec<AnyView>>()}</div>
    }
}
