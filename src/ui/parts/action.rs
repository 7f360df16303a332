//! A button that may be out of reach, and then says why, on hover and on focus.

use leptos::prelude::*;

/// The button. While there is a reason against it, a press does nothing.
#[component]
pub fn ActionButton(
    /// What it does.
    #[prop(into)]
    name: Signal<String>,
    /// Why it can't be pressed now; `None` if it can.
    #[prop(into)]
    why: Signal<Option<String>>,
    /// Does it.
    press: Callback<()>,
    /// Another style class.
    #[prop(default = "")]
    class: &'static str,
) -> impl IntoView {
    let on_click = move |_| {
        if why.with_untracked(Option::is_none) {
            press.run(());
        }
    };
    view! {
        <span class="action">
            <button type="button" class=class aria-disabled=move || why.with(Option::is_some).to_string()
                aria-description=move || why.get() on:click=on_click>{move || name.get()}</button>
            <span class="reason" aria-hidden="true">{move || why.get()}</span>
        </span>
    }
}
