//! A thin bar that shows a share.

use crate::ui::order::within;
use crate::ui::text;
use leptos::prelude::*;

/// The bar. It only repeats a figure that stands beside it, so it is hidden from screen readers.
#[component]
pub fn Bar(
    /// 0 to 1.
    #[prop(into)]
    share: Signal<f64>,
    /// The class whose colour it has; the accent's otherwise.
    #[prop(optional)]
    hue: Option<usize>,
) -> impl IntoView {
    let class = match hue {
        Some(hue) => format!("bar {}", hue_class(hue)),
        None => "bar".to_owned(),
    };
    view! { <span class=class aria-hidden="true"><span class="bar-fill" style:width=move || format!("{}%", text::fixed(within(share.get(), 0.0, 1.0) * 100.0, 2))></span></span> }
}

/// The style class of a class's colour: ten hues in turn.
pub fn hue_class(class: usize) -> String {
    format!("hue-{}", class % 10)
}
