//! The service worker that makes the page work offline, and the offer to move to a newer release. Never by force: a
//! new release waits until the person agrees.

use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, ServiceWorkerContainer, ServiceWorkerRegistration, ServiceWorkerState, window};

/// Registers `sw.js`, which lies beside the page. `on_update` is called once a newer release is ready and waits; call
/// [`apply_update`] when the person agrees. `on_refused` is called with the reason when a release was refused because one of its files
/// is not what it should be, and whether this page came from a release that stays. Where there are no service workers (plain http, some
/// private windows) the page works, only not offline.
pub fn register(on_update: impl Fn() + 'static, on_refused: impl Fn(String, bool) + 'static) {
    let Some(container) = container() else { return };
    let on_update = Rc::new(on_update);
    let asked = container.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let told = |name: &str| js_sys::Reflect::get(&event.data(), &name.into()).ok()?.as_string();
        if told("hone").as_deref() == Some("refused") {
            on_refused(told("why").unwrap_or_default(), asked.controller().is_some());
        }
    });
    container.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    spawn_local(async move {
        match JsFuture::from(container.register("sw.js")).await {
            Ok(registration) => watch(&registration.unchecked_into(), &container, on_update),
            Err(error) => web_sys::console::warn_2(&"Hone will not work offline here".into(), &error),
        }
    });
}

/// Moves to the release that waits: it takes over, then this page reloads. In other tabs the person is asked, as here.
pub fn apply_update() {
    let Some(container) = container() else { return };
    let accepted = Closure::once_into_js(reload);
    spawn_local(async move {
        let Ok(registration) = JsFuture::from(container.get_registration()).await else { return };
        let Ok(registration) = registration.dyn_into::<ServiceWorkerRegistration>() else { return };
        match registration.waiting() {
            Some(waiting) => {
                container.set_oncontrollerchange(Some(accepted.unchecked_ref()));
                // A worker that cannot be reached has gone, and nothing waits any more.
                let _ = waiting.post_message(&"activate".into());
            }
            // It has taken over already, asked by another tab.
            None => reload(),
        }
    });
}

fn reload() {
    if let Some(window) = window() {
        // The page that can't be loaded again stays as it is.
        let _ = window.location().reload();
    }
}

fn watch(registration: &ServiceWorkerRegistration, container: &ServiceWorkerContainer, on_update: Rc<dyn Fn()>) {
    // Never reloads by itself: a browser that clears the site's data takes the controller away as well, and what this page still knows
    // would go with it. The very first visit has no controller: taking over then is no update.
    let first = container.controller().is_none();
    let (changed, news) = (container.clone(), Rc::clone(&on_update));
    let on_controller_change = Closure::<dyn FnMut()>::new({
        let mut first = first;
        move || {
            if !std::mem::replace(&mut first, false) && changed.controller().is_some() {
                news();
            }
        }
    });
    container.set_oncontrollerchange(Some(on_controller_change.into_js_value().unchecked_ref()));
    if registration.waiting().is_some() && container.controller().is_some() {
        on_update();
    }
    let (container, found_in) = (container.clone(), registration.clone());
    let on_found = Closure::<dyn Fn()>::new(move || {
        let Some(installing) = found_in.installing() else { return };
        let (container, on_update, newcomer) = (container.clone(), Rc::clone(&on_update), installing.clone());
        let on_state = Closure::<dyn Fn()>::new(move || {
            if newcomer.state() == ServiceWorkerState::Installed && container.controller().is_some() {
                on_update();
            }
        });
        installing.set_onstatechange(Some(on_state.into_js_value().unchecked_ref()));
    });
    registration.set_onupdatefound(Some(on_found.into_js_value().unchecked_ref()));
}

fn container() -> Option<ServiceWorkerContainer> {
    // web-sys takes it for granted; in an insecure context it is undefined.
    let navigator = window()?.navigator();
    js_sys::Reflect::get(&navigator, &"serviceWorker".into()).ok()?.dyn_into().ok()
}
