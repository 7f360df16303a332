//! The session worker's end of the link. The page's is [`super::link`].

use super::wire::{self, Body, Frame, Parcel};
use crate::protocol::{Event, Reply, Request};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Why a message between page and worker could not be read, for the user.
pub(super) const MISMATCH: &str =
    "This page and its background worker are of different releases. Everything saved is safe. Reload the page.";

/// Hands every request to `handle`, with the id to [`reply`] to, and tells the page that it may ask. Beats are answered
/// here, so that a busy session still shows that it is alive between two tasks.
pub fn listen(handle: impl Fn(u64, Request, Vec<JsValue>) + 'static) {
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let Frame { id, body, attachments } = wire::unpack(event.data());
        match body {
            Body::Beat => post(&wire::beat()),
            Body::Said(request) => handle(id, request, attachments),
            Body::Unreadable => reply(id, &Reply::Failed(MISMATCH.into()), &[]),
        }
    });
    scope().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    post(&wire::beat());
}

/// What a page calls its session worker.
pub(super) const WORKER: &str = "session";
/// The same if it takes the place of one that stopped.
pub(super) const SUCCESSOR: &str = "session-again";

/// Whether this worker takes the place of one that stopped.
pub fn is_successor() -> bool {
    scope().name() == SUCCESSOR
}

/// Answers a request. Exactly once for each.
pub fn reply(id: u64, reply: &Reply, attachments: &[JsValue]) {
    say(id, reply, attachments);
}

/// Tells the page something unasked.
pub fn emit(event: &Event) {
    say(0, event, &[]);
}

fn say(id: u64, what: &impl Serialize, attachments: &[JsValue]) {
    match wire::pack(id, what, attachments) {
        Ok(parcel) => post(&parcel),
        Err(error) => web_sys::console::error_1(&format!("a message cannot be packed: {error}").into()),
    }
}

fn post(parcel: &Parcel) {
    if let Err(error) = scope().post_message_with_transfer(&parcel.message, &parcel.transfer) {
        web_sys::console::error_2(&"a message cannot be posted".into(), &error);
    }
}

/// The worker that this code runs in.
///
/// # Panics
/// On a page.
pub fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
