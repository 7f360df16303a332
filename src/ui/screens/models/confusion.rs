//! What was taken for what: the confusion matrix, whose cells open their items, and the figures class by class.

use super::evaluation::Measured;
use crate::protocol::{ClassIndex, ItemFilter, Judged};
use crate::ui::app::use_app;
use crate::ui::format;
use crate::ui::parts::chart::figure::{Tools, data_table};
use crate::ui::parts::chart::matrix;
use crate::ui::parts::chart::table::{Cell, Table};
use crate::ui::route::Route;
use leptos::prelude::*;

/// The matrix: rows are the audited classes, columns the predicted ones.
#[component]
pub fn Confusion(
    /// The measured model.
    measured: Measured,
) -> impl IntoView {
    let state = use_app().state;
    let names = Memo::new(move |_| {
        state.classes.with(|classes| classes.iter().map(|class| class.class.name.clone()).collect::<Vec<String>>())
    });
    let counts = Memo::new(move |_| {
        measured.with(|measured| {
            measured.as_ref().map(|m| (m.model, m.confusion.clone())).unwrap_or((Judged::Working, Vec::new()))
        })
    });
    let drawn =
        Memo::new(move |_| counts.with(|(_, counts)| matrix::draw(&first(&names.read(), counts.len()), counts)));
    view! {
        <section class="chart-tile" aria-labelledby="confusion-title">
            <h3 id="confusion-title">"Confusion matrix"</h3>
            <p class="muted">"Audited class down, predicted class across. A cell opens its items."</p>
            <div class="scroll-x">{move || counts.with(|(model, counts)| matrix_view(*model, &first(&names.read(), counts.len()), counts))}</div>
            <Tools drawn />
        </section>
    }
}

/// The classes that the model was measured on: one added just now isn't there yet.
fn first(names: &[String], count: usize) -> Vec<String> {
    (0..count).map(|place| names.get(place).cloned().unwrap_or_else(|| format!("class {}", place + 1))).collect()
}

fn matrix_view(model: Judged, names: &[String], counts: &[Vec<u32>]) -> AnyView {
    let app = use_app();
    let head = |name: &String| view! { <th scope="col"><span>{name.clone()}</span></th> }.into_any();
    let cell = |truth: usize, predicted: usize| {
        let (row, count) = (&counts[truth], counts[truth].get(predicted).copied().unwrap_or(0));
        let right = if truth == predicted { "right" } else { "wrong" };
        let name =
            format!("{} audited as {}, predicted {}", format::count(count.into()), names[truth], names[predicted]);
        let (truth, predicted) = (truth as ClassIndex, predicted as ClassIndex);
        let open = move |_| {
            app.state.showing.set(Some(ItemFilter::AuditCell { model, truth, predicted }));
            app.go(Route::Data);
        };
        let class = format!("cell {right} shade-{}", matrix::shade(row, predicted.into()));
        view! { <td><button class=class aria-label=name on:click=open>{format::count(count.into())}</button></td> }
            .into_any()
    };
    let row = |truth: usize| {
        let cells: Vec<AnyView> = (0..names.len()).map(|predicted| cell(truth, predicted)).collect();
        view! { <tr><th scope="row">{names[truth].clone()}</th>{cells}</tr> }.into_any()
    };
    let heads: Vec<AnyView> = names.iter().map(head).collect();
    let rows: Vec<AnyView> = (0..names.len()).map(row).collect();
    view! {
        <table class="confusion" aria-label="Confusion matrix">
            <thead><tr><th scope="col"><span class="visually-hidden">"Audited class"</span></th>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Precision, recall and F1 of each class.
#[component]
pub fn Classes(
    /// The measured model.
    measured: Measured,
) -> impl IntoView {
    let state = use_app().state;
    let table = move || {
        let mut table = Table::new(&["class", "audits", "predicted so", "precision", "recall", "F1"]);
        let classes = measured.with(|measured| measured.as_ref().map(|m| m.classes.clone()).unwrap_or_default());
        for (place, class) in classes.into_iter().enumerate() {
            table.rows.push(vec![
                Cell::Text(state.class_name(place as ClassIndex)),
                Cell::Count(class.occurs),
                Cell::Count(class.predicted),
                Cell::Interval(class.precision),
                Cell::Interval(class.recall),
                Cell::Interval(class.f1),
            ]);
        }
        data_table(&table, "Class by class, on the audits")
    };
    view! { <div class="class-figures">{move || table()}</div> }
}
