//! The few things the page asks of the document itself.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement, KeyboardEvent, Window};

/// The element that takes the keyboard while a card is on screen.
pub const CARD_ID: &str = "card";
/// The main region, which takes focus when the screen changes.
pub const MAIN_ID: &str = "main";

/// The window. A page always has one.
pub fn window() -> Window {
    leptos::prelude::window()
}

/// The document. A page always has one.
pub fn document() -> Document {
    leptos::prelude::document()
}

/// Milliseconds since the page began, unaffected by changes of the clock.
pub fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// What has the focus, if anything but the body.
pub fn focused() -> Option<HtmlElement> {
    document()
        .active_element()
        .filter(|element| element.tag_name() != "BODY")
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
}

/// Focuses the element with this id, if it is there, without scrolling.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        focus_element(&element);
    }
}

/// Scrolls to the element with this id and focuses it. Says whether it is there.
pub fn scroll_to(id: &str) -> bool {
    let Some(element) = document().get_element_by_id(id) else { return false };
    focus_element(&element);
    element.scroll_into_view();
    true
}

fn focus_element(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>()
        && let Err(error) = element.focus()
    {
        leptos::logging::warn!("could not move the focus: {error:?}");
    }
}

/// Puts the focus back where it was before a dialog; if that is gone, on the card or the main region, so that it is
/// never lost.
pub fn give_focus_back(element: Option<HtmlElement>) {
    match element {
        Some(element) if element.is_connected() => focus_element(&element),
        _ if document().get_element_by_id(CARD_ID).is_some() => focus(CARD_ID),
        _ => focus(MAIN_ID),
    }
}

/// Whether a key press belongs to the page, not to a box being typed in, a dialog, or a shortcut of the browser.
pub fn is_free_key(event: &KeyboardEvent) -> bool {
    let busy = event.ctrl_key() || event.meta_key() || event.alt_key() || event.is_composing();
    !busy && !is_typing(event) && document().query_selector("dialog[open]").ok().flatten().is_none()
}

/// Whether the key press goes into a text box, a list or the like.
pub fn is_typing(event: &KeyboardEvent) -> bool {
    let Some(target) = target_element(event) else { return false };
    match target.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => !matches!(target.get_attribute("type").as_deref(), Some("checkbox" | "radio" | "button")),
        _ => false,
    }
}

/// Whether this key is how a number begins.
pub fn begins_number(event: &KeyboardEvent) -> bool {
    let key = event.key();
    matches!(key.as_bytes(), [b'0'..=b'9' | b'-' | b'.' | b','])
}

/// Whether Enter and Space already mean something to what has the focus.
pub fn is_on_control(event: &KeyboardEvent) -> bool {
    target_element(event)
        .is_some_and(|target| matches!(target.tag_name().as_str(), "BUTTON" | "A" | "SUMMARY" | "INPUT"))
}

fn target_element(event: &KeyboardEvent) -> Option<Element> {
    event.target().and_then(|target| target.dyn_into::<Element>().ok())
}

/// A setting this browser remembers for the page: theme, last project. `None` as well where storage is forbidden.
pub fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

/// Remembers a setting, or forgets it. Where storage is forbidden nothing is remembered, which harms nothing.
pub fn remember(key: &str, value: Option<&str>) {
    let Ok(Some(storage)) = window().local_storage() else { return };
    let done: Result<(), JsValue> = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
    if let Err(error) = done {
        leptos::logging::warn!("a setting was not remembered: {error:?}");
    }
}
