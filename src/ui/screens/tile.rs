//! One item on the Data screen: what it is, its label or prediction, and where the label came from.

use crate::pipeline::item::Kind;
use crate::pipeline::label::Source;
use crate::protocol::ItemRow;
use crate::ui::app::use_app;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::picture::Picture;
use crate::ui::screens::data::{DataView, class_of};
use crate::ui::{actions, format};
use leptos::ev::MouseEvent;
use leptos::prelude::*;

/// The letter and the word for a label's source, as its corner mark.
fn mark(source: Source) -> (&'static str, &'static str) {
    match source {
        Source::Human | Source::Review | Source::Repeat => ("P", "labelled by a person"),
        Source::Audit => ("A", "labelled as a blind audit"),
        Source::Import => ("D", "label came with the data"),
        Source::Test => ("T", "test label that came with the data"),
        Source::Model => ("M", "accepted from the model"),
    }
}

/// The tile: a press opens the card on the Label screen, the box selects.
#[component]
pub fn Tile(
    /// What the screen shows.
    view: DataView,
    /// The place in the list.
    place: u32,
    /// The item.
    row: ItemRow,
    /// What it is.
    kind: Kind,
) -> impl IntoView {
    let app = use_app();
    let item = row.item;
    let name = row.name.clone();
    let hue = class_of(&row).map_or_else(|| "hue-none".to_owned(), |class| hue_class(class.into()));
    let standing = class_of(&row);
    let number = row.given_value.map(|(number, _)| number);
    let from = row.label.map(|(_, source)| source).or(row.given_value.map(|(_, source)| source));
    // Of a number the words say the prediction and its interval.
    let guess = row.predicted_value.filter(|_| from.is_none()).map(|value| value.words);
    let class = move || app.state.label_words(standing, number);
    let (letter, source) = from.map(mark).unzip();
    let predicted =
        row.predicted.filter(|_| from.is_none()).map(|(_, probability)| format::probability(probability)).or(guess);
    let selected = move || view.selected.with(|selected| selected.contains(&item));
    let share = predicted.clone();
    let description = move || match (class(), source, &share) {
        (Some(class), Some(source), _) => format!("{class}, {source}"),
        (Some(class), None, Some(share)) => format!("predicted {class}, {share}"),
        (None, _, Some(said)) => format!("predicted {said}"),
        _ if row.embedded => "not labelled".to_owned(),
        _ => "not read yet".to_owned(),
    };
    let on_select = move |event: MouseEvent| view.toggle(place, item, event.shift_key());
    let preview = match kind {
        Kind::Image => {
            view! { <Picture item alt="" thumbnail=true /><span class="tile-name">{name.clone()}</span> }.into_any()
        }
        Kind::Text | Kind::Table => view! { <span class="preview">{row.preview}</span> }.into_any(),
    };
    view! {
        <li class=format!("tile {hue}") class:selected=selected data-item=item.to_string()>
            <input type="checkbox" aria-label=format!("Select {name}") prop:checked=selected on:click=on_select />
            <button class="tile-open" aria-label=format!("Open {name}") aria-description=description title=name.clone() on:click=move |_| actions::visit(app, item)>
                {preview}
                <span class="tile-foot">
                    <span class="swatch"></span>
                    <span class="class-name">{move || class().unwrap_or_else(|| "—".to_owned())}</span>
                    <span class="figures muted">{predicted}</span>
                    {row.flagged.then(|| view! { <span class="flag-mark" title="flagged">"⚑"</span> }.into_any())}
                    {letter.map(|letter| view! { <span class="corner" title=source>{letter}</span> }.into_any())}
                </span>
            </button>
        </li>
    }
}
