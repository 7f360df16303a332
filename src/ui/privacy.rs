//! Proof for the promise that nothing leaves: every request this page makes is counted by where it went.

use crate::ui::dom;
use js_sys::{Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{PerformanceEntry, PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit};

/// Requests since the page was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// To the page's own origin: its own files, answered by the server or the cache.
    pub own: u32,
    /// To anywhere else.
    pub foreign: u32,
}

/// Counts from the page's beginning, as the browser's own performance timeline tells it. Stops with the component.
pub fn count_requests() -> RwSignal<Requests> {
    let requests = RwSignal::new(Requests::default());
    let origin = dom::window().location().origin().unwrap_or_default();
    let on_entries = Closure::<dyn Fn(PerformanceObserverEntryList, JsValue)>::new(
        move |entries: PerformanceObserverEntryList, _observer: JsValue| {
            for entry in entries.get_entries().iter() {
                let name = entry.unchecked_into::<PerformanceEntry>().name();
                // Blob and data URLs stay inside the browser.
                if name.starts_with("blob:") || name.starts_with("data:") {
                    continue;
                }
                requests.update(
                    |requests| {
                        if name.starts_with(&origin) { requests.own += 1 } else { requests.foreign += 1 }
                    },
                );
            }
        },
    );
    match PerformanceObserver::new(on_entries.as_ref().unchecked_ref()) {
        Ok(observer) => {
            match options() {
                Ok(options) => observer.observe(&options),
                Err(error) => leptos::logging::warn!("requests cannot be counted: {error:?}"),
            }
            let kept = StoredValue::new_local((observer, on_entries));
            on_cleanup(move || {
                kept.with_value(|(observer, _)| observer.disconnect());
            });
        }
        Err(error) => leptos::logging::warn!("requests cannot be counted: {error:?}"),
    }
    requests
}

/// `{type: "resource", buffered: true}`; web-sys only knows the older `entryTypes`, which can't look back.
fn options() -> Result<PerformanceObserverInit, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &"resource".into())?;
    Reflect::set(&options, &"buffered".into(), &true.into())?;
    Ok(options.unchecked_into())
}
