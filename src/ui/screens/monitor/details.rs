//! One import: what its data show, which classes and columns moved, and its most novel items beside similar past ones.

use super::Watched;
use crate::pipeline::drift::LEVEL;
use crate::protocol::{BatchDetails, NovelItem, Reply, Request};
use crate::ui::app::{App, use_app};
use crate::ui::parts::chart::figure::data_table;
use crate::ui::parts::chart::table::{Cell, Table};
use crate::ui::parts::live::keep_asking;
use crate::ui::parts::picture::Picture;
use crate::ui::parts::views::{CollectAny, redrawn};
use crate::ui::{dom, format};
use leptos::prelude::*;

/// The chosen import; unless one is chosen, the newest that isn't healthy.
#[component]
pub fn Details(
    /// The state.
    watched: Watched,
    /// The import that was chosen.
    chosen: RwSignal<Option<u32>>,
) -> impl IntoView {
    let app = use_app();
    let details = RwSignal::new(None::<BatchDetails>);
    let question = Callback::new(move |()| {
        let batch = chosen.get()?;
        watched.track();
        Some(Request::BatchDetails { batch })
    });
    let take = Callback::new(move |reply| match reply {
        Reply::BatchDetails(found) => details.set(found.map(|found| *found)),
        other => app.unexpected(other),
    });
    keep_asking(app, question, take);
    let name = move |batch: u32| {
        watched.with(|state| Some(state.as_ref()?.batches.get(batch as usize)?.name.clone())).unwrap_or_default()
    };
    let shown_last = StoredValue::new(None::<u32>);
    redrawn(move || {
        let batch = chosen.get();
        let shown = details.get().filter(|details| Some(details.batch) == batch);
        if shown.is_some() && shown_last.get_value() != batch {
            request_animation_frame(|| {
                dom::scroll_to("moved");
            });
        }
        shown_last.set_value(shown.as_ref().and(batch));
        Some(whole(app, name(batch?), shown?))
    })
}

fn whole(app: App, name: String, details: BatchDetails) -> AnyView {
    let BatchDetails { summary, findings, separation, tests, columns, classes, novel, .. } = details;
    let told = separation.map(|area| {
        format!(
            "A linear classifier tells its items from the reference’s with an area under the curve of {}; 0.50 is not at all.",
            format::decimals(area)
        )
    });
    let estimated = classes.iter().all(|class| class.estimated.is_some());
    let (before, now) =
        if estimated { ("share before", "share now") } else { ("predicted so before", "predicted so now") };
    let mut by_class = Table::new(&["class", before, now, "audits", "of them right"]);
    for class in classes {
        let (audits, right) = class.audited;
        by_class.rows.push(vec![
            Cell::Text(app.state.class_name(class.class)),
            Cell::Share(Some(class.estimated.map_or(class.predicted.0, |(before, _)| before))),
            class.estimated.map_or(Cell::Share(Some(class.predicted.1)), |(_, now)| Cell::Interval(Some(now))),
            Cell::Count(audits),
            Cell::Count(right),
        ]);
    }
    let mut by_column = Table::new(&[
        "column",
        "moved",
        "stability index",
        "usual before",
        "usual now",
        "missing before",
        "missing now",
        "unseen values",
        "out of range",
    ]);
    for column in columns {
        let unseen = match column.unseen.is_empty() {
            true => "–".to_owned(),
            false => format!("{} ({})", column.unseen.join(", "), format::percent(column.unseen_share)),
        };
        by_column.rows.push(vec![
            Cell::Text(column.name),
            Cell::Text(moved(column.corrected)),
            Cell::Number(Some(column.stability)),
            Cell::Text(column.usual.0),
            Cell::Text(column.usual.1),
            Cell::Share(Some(column.missing.0)),
            Cell::Share(Some(column.missing.1)),
            Cell::Text(unseen),
            Cell::Share(Some(column.out_of_range)),
        ]);
    }
    let mut by_test = Table::new(&["test of", "statistic", "corrected p", "moved"]);
    for test in tests {
        by_test.rows.push(vec![
            Cell::Text(test.name),
            Cell::Number(Some(test.statistic)),
            Cell::Number(Some(test.corrected)),
            Cell::Text(moved(test.corrected)),
        ]);
    }
    let finding = |(warning, sentence): (bool, String)| view! { <li class:watch=warning>{sentence}</li> };
    let part = |table: Table, caption: &str| (!table.rows.is_empty()).then(|| data_table(&table, caption));
    let by_class = part(
        by_class,
        match estimated {
            true => "Class shares, estimated from what the champion predicts",
            false => "What the champion predicts; no shares can be estimated from it",
        },
    );
    view! {
        <section id="moved" class="block" aria-labelledby="moved-title" tabindex="-1">
            <h2 id="moved-title">{format!("What moved in {name}")}</h2>
            <div class="said">
                <p>{summary}</p>
                <ul class="findings">{findings.into_iter().map(finding).collect_any()}</ul>
                {told.map(|told| view! { <p>{told}</p> })}
                {by_class}
                {part(by_column, "Column by column")}
                <details><summary>"Every test"</summary>{part(by_test, "Every test, most significant first")}</details>
            </div>
            <h3>"Most novel items, and the past items most like them"</h3>
            <ul class="novel">{novel.into_iter().take(12).map(|item| beside(app, item)).collect_any()}</ul>
        </section>
    }
    .into_any()
}

fn moved(corrected: f64) -> String {
    (if corrected < LEVEL { "yes" } else { "no" }).to_owned()
}

fn beside(app: App, item: NovelItem) -> AnyView {
    let said = item.predicted.map(|(class, probability)| {
        format!("predicted {} {}", app.state.class_name(class), format::probability(probability))
    });
    let of = |item: u32, name: String, preview: String, note: String| {
        let shown = match preview.is_empty() {
            true => view! { <Picture item alt=name.clone() thumbnail=true /> }.into_any(),
            false => view! { <p>{preview}</p> }.into_any(),
        };
        view! { <div class="novel-item" title=name>{shown}<span class="muted small">{note}</span></div> }.into_any()
    };
    let past = item.nearest.into_iter().map(|past| {
        let label = past.label.map_or_else(|| "no label".to_owned(), |class| app.state.class_name(class));
        of(past.item, past.name, past.preview, label)
    });
    let past: Vec<AnyView> = past.collect();
    view! {
        <li>{of(item.item, item.name, item.preview, said.unwrap_or_else(|| "waits for its audit".to_owned()))}<span aria-hidden="true">"≈"</span>{past}</li>
    }
    .into_any()
}
