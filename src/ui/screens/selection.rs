//! What can be done with the items selected on the Data screen.

use crate::protocol::ClassIndex;
use crate::ui::app::use_app;
use crate::ui::parts::bar::hue_class;
use crate::ui::parts::rows::class_rows;
use crate::ui::parts::show::Show;
use crate::ui::screens::data::DataView;
use crate::ui::{actions, format};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The bar. It keeps its place while nothing is selected, and then says how to select.
#[component]
pub fn SelectionBar(
    /// What the screen shows.
    view: DataView,
) -> impl IntoView {
    let app = use_app();
    let count = Memo::new(move |_| view.selected.with(BTreeSet::len));
    let has_any = Memo::new(move |_| count.get() > 0);
    let label = move |class: ClassIndex| {
        let items = view.selected.with_untracked(|selected| selected.iter().copied().collect());
        view.selected.set(BTreeSet::new());
        actions::label_many(app, items, class);
    };
    let button = move |class: ClassIndex, name: String| {
        view! { <button class=format!("class-button small {}", hue_class(class.into())) on:click=move |_| label(class)>{name}</button> }
            .into_any()
    };
    let sentence = move || match count.get() {
        0 => "Tick items to label many at once; Shift ticks all between.".to_owned(),
        selected => format!("{} selected", format::count(selected as u64)),
    };
    view! {
        <div class="selection-bar">
            <p class="figures" role="status">{move || sentence()}</p>
            <Show when=move || !has_any.get()>
                <button class="quiet" on:click=move |_| view.select_all(app)>"Select all"</button>
            </Show>
            <Show when=move || has_any.get()>
                <span class="muted">"Label as"</span>
                {class_rows(button)}
                <button class="quiet" on:click=move |_| view.selected.set(BTreeSet::new())>"Clear selection"</button>
            </Show>
        </div>
    }
}
