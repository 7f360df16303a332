//! A breath between two slices of work, in which the browser delivers messages.

use futures_channel::oneshot;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

/// Lets the messages in that wait: it sends one to itself, which comes after them.
///
/// A timer of 0 ms would do the same, but browsers make nested ones wait for 4 ms, and a queue takes several slices.
pub struct Breath {
    to_self: MessagePort,
    waiting: Rc<RefCell<Option<oneshot::Sender<()>>>>,
}

#[expect(clippy::new_without_default, reason = "it opens a channel")]
impl Breath {
    /// One is enough for a loop. It lives as long as its worker.
    ///
    /// # Panics
    /// In a browser without message channels; there is none that runs wasm.
    pub fn new() -> Breath {
        let waiting: Rc<RefCell<Option<oneshot::Sender<()>>>> = Rc::default();
        let channel = MessageChannel::new().expect("message channels are older than wasm");
        let waiter = Rc::clone(&waiting);
        let on_message = Closure::<dyn Fn()>::new(move || {
            if let Some(waiter) = waiter.borrow_mut().take() {
                // Who waited may have gone.
                let _ = waiter.send(());
            }
        });
        channel.port1().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        Breath { to_self: channel.port2(), waiting }
    }

    /// Resolves in a later task of the event loop.
    pub async fn take(&self) {
        let (done, waiting) = oneshot::channel();
        *self.waiting.borrow_mut() = Some(done);
        if self.to_self.post_message(&JsValue::NULL).is_ok() {
            let _ = waiting.await;
        }
    }
}
