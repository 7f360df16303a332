//! Only one tab writes. Its session worker holds a Web Lock; whoever comes second may only read, until the lock is handed over.

use futures_channel::oneshot;
use gloo::timers::callback::Timeout;
use js_sys::{Function, Object, Promise, Reflect};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const NAME: &str = "hone-writer";
/// A reloaded tab may ask before the browser has cleared away its predecessor …
const ATTEMPTS: u32 = 4;
/// … and a worker that takes the place of one that hangs, which a browser needs seconds to end.
const ATTEMPTS_OF_SUCCESSOR: u32 = 60;
const PAUSE_MS: u32 = 150;
/// How long nobody may have had the lock before another tab takes it: a worker that is started again, or a tab that is reloaded, has it
/// back sooner.
const LEFT_MS: u32 = 4000;

#[wasm_bindgen]
extern "C" {
    /// web-sys has Web Locks only behind its unstable flag.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// The lock of the one that writes. It is let go of with this value, or with the worker or page that asked for it.
#[derive(Debug)]
pub struct Held {
    /// Settles the promise for which the browser holds it; nothing where there are no locks.
    release: Option<Function>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // A function of the browser's own, which can't throw.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Takes the lock if it is free; `None`: another tab has it. Works on pages and in workers. A browser without Web Locks is
/// taken to have one tab. `is_successor`: this worker takes the place of another of the same page, which may not be quite gone.
pub async fn acquire(is_successor: bool) -> Option<Held> {
    for attempt in 0..if is_successor { ATTEMPTS_OF_SUCCESSOR } else { ATTEMPTS } {
        if attempt > 0 {
            pause(PAUSE_MS).await;
        }
        if let Some(held) = request().await.unwrap_or(Some(Held { release: None })) {
            return Some(held);
        }
    }
    None
}

/// Waits until the tab that writes has gone for good, and takes the lock.
pub async fn when_left() -> Held {
    loop {
        pause(LEFT_MS).await;
        // Free, and let go of at once.
        if !matches!(request().await, Ok(None)) {
            pause(LEFT_MS).await;
            if let Ok(Some(held)) = request().await {
                return held;
            }
        }
    }
}

/// `None`: somebody has it.
async fn request() -> Result<Option<Held>, JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    if !locks.is_object() {
        return Ok(Some(Held { release: None }));
    }
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    let (answer, answered) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| {
        if lock.is_null() {
            let _ = answer.send(None);
            return Promise::resolve(&JsValue::NULL);
        }
        // The lock is held until this promise settles.
        let release = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&release);
        let until = Promise::new(&mut |settle, _| *kept.borrow_mut() = Some(settle));
        // If nobody listens any more, the value is dropped at once, and the lock with it.
        let _ = answer.send(Some(Held { release: release.take() }));
        until
    });
    let locks: &LockManager = locks.unchecked_ref();
    let released = locks.request(NAME, &options, granted.unchecked_ref())?;
    match answered.await {
        Ok(held) => Ok(held),
        // Refused without asking the callback: the promise says why.
        Err(_) => JsFuture::from(released).await.map(|_| Some(Held { release: None })),
    }
}

async fn pause(ms: u32) {
    let (over, waited) = oneshot::channel::<()>();
    Timeout::new(ms, move || drop(over)).forget();
    let _ = waited.await;
}
