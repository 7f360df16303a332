//! A button that opens a list of actions. Escape, a press elsewhere or a choice closes it.

use crate::ui::parts::views::CollectAny;
use leptos::ev;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Node};

/// One action of a menu.
#[derive(Clone)]
pub struct MenuItem {
    title: String,
    run: Callback<()>,
}

impl MenuItem {
    /// An action and its name.
    pub fn new(title: impl Into<String>, run: impl Fn() + Send + Sync + 'static) -> Self {
        Self { title: title.into(), run: Callback::new(move |()| run()) }
    }
}

/// The button and its menu.
#[component]
pub fn Menu(
    /// The button's accessible name.
    #[prop(into)]
    name: Signal<String>,
    /// What the button shows.
    children: Children,
    /// The actions, asked for when the menu opens.
    items: Callback<(), Vec<MenuItem>>,
    /// Another style class.
    #[prop(default = "")]
    class: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let focus_button = move || {
        if let Some(button) = button.get_untracked() {
            // A button in the document can always be focused.
            let _ = button.focus();
        }
    };
    let elsewhere = window_event_listener(ev::mousedown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        let inside = root.get_untracked().is_some_and(|root| root.contains(target.as_ref()));
        if !inside && open.get_untracked() {
            open.set(false);
        }
    });
    on_cleanup(move || elsewhere.remove());
    let on_key = move |event: KeyboardEvent| {
        let step = match event.key().as_str() {
            "Escape" if open.get_untracked() => {
                open.set(false);
                focus_button();
                0
            }
            "ArrowDown" if open.get_untracked() => 1,
            "ArrowUp" if open.get_untracked() => -1,
            "ArrowDown" => {
                open.set(true);
                0
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        move_focus(root.get_untracked().map(|root| root.unchecked_into()), step);
    };
    let row = move |item: MenuItem| {
        let choose = move |_| {
            open.set(false);
            focus_button();
            item.run.run(());
        };
        view! { <button role="menuitem" on:click=choose>{item.title}</button> }
    };
    view! {
        <div class=format!("menu {class}") node_ref=root on:keydown=on_key>
            <button node_ref=button class="quiet" aria-label=move || name.get() aria-haspopup="menu"
                aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|open| *open = !*open)>
                {children()}
            </button>
            {move || open.get().then(|| view! {
                <div role="menu" aria-label=move || name.get()>{items.run(()).into_iter().map(row).collect_any()}</div>
            }.into_any())}
        </div>
    }
}

/// Moves the focus by one among the menu's actions, round the ends.
fn move_focus(root: Option<HtmlElement>, step: i32) {
    let Some(items) = root.and_then(|root| root.query_selector_all("[role=menuitem]").ok()) else { return };
    let count = items.length();
    if count == 0 {
        return;
    }
    let focused = crate::ui::dom::focused();
    let present = (0..count).find(|&place| {
        items.item(place).is_some_and(|item| focused.as_deref().is_some_and(|f| f.is_same_node(Some(&item))))
    });
    let next = match present {
        Some(place) => (i64::from(place) + i64::from(step)).rem_euclid(i64::from(count)) as u32,
        None if step < 0 => count - 1,
        None => 0,
    };
    if let Some(item) = items.item(next).and_then(|item| item.dyn_into::<HtmlElement>().ok()) {
        // A menu item in the document can always be focused.
        let _ = item.focus();
    }
}
