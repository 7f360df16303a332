//! What is there only while something holds.

use crate::ui::parts::views::redrawn;
use leptos::prelude::*;

/// Its children while the condition holds, otherwise what stands in their place. As Leptos' own of that name, which
/// however is compiled anew for each condition and each child; this one is compiled once.
#[component]
pub fn Show(
    /// The condition.
    #[prop(into)]
    when: Signal<bool>,
    /// What is there while it holds.
    children: ChildrenFn,
    /// What is there otherwise; nothing, if left out.
    #[prop(into, optional)]
    fallback: ViewFn,
) -> impl IntoView {
    let shown = Memo::new(move |_| when.get());
    redrawn(move || if shown.get() { children() } else { fallback.run() })
}
