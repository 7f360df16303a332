//! The keyboard shortcuts, as a dialog.

use crate::ui::app::use_app;
use crate::ui::hotkey::class_key;
use crate::ui::parts::dialog::Modal;
use crate::ui::parts::views::CollectAny;
use leptos::prelude::*;

const KEYS: [(&str, &str); 8] = [
    ("Enter", "Accept the suggestion"),
    ("Space", "Skip: not now"),
    ("F", "Flag for a second look"),
    ("Z", "Undo, as often as you like"),
    ("N or +", "New class"),
    ("/", "Find an item"),
    ("?", "These keys"),
    ("Ctrl K or ⌘ K", "All commands"),
];

/// Lists the keys of the commands and of the classes there are.
#[component]
pub fn Keys() -> impl IntoView {
    let classes = use_app().state.classes.get_untracked();
    let row = |key: String, what: String| view! { <tr><th scope="row"><kbd>{key}</kbd></th><td>{what}</td></tr> };
    let class_rows = (0..).zip(classes).filter_map(move |(place, class)| {
        class_key(place).map(|key| row(key.to_string(), format!("Label as {}", class.class.name)))
    });
    view! {
        <Modal title="Keys">
            <div class="key-lists">
                <table><caption>"Label screen"</caption><tbody>
                    {KEYS.map(|(key, what)| row(key.to_owned(), what.to_owned())).collect_any()}
                </tbody></table>
                <table><caption>"Classes"</caption><tbody>
                    {class_rows.collect_any()}
                </tbody></table>
            </div>
            <p class="muted">"A new class gets the next digit, then the next free letter, and keeps it."</p>
        </Modal>
    }
}
