//! Only one tab writes. It holds a Web Lock for as long as it lives; whoever comes second may only read.

use futures_channel::oneshot;
use gloo::timers::callback::Timeout;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const NAME: &str = "hone-writer";
/// A reloaded tab, or a restarted worker, may ask before the browser has cleared away its predecessor.
const ATTEMPTS: u32 = 4;
const PAUSE_MS: u32 = 150;

#[wasm_bindgen]
extern "C" {
    /// web-sys has Web Locks only behind its unstable flag.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// Takes the lock, for good, if it is free. Works on pages and in workers: the lock goes with whichever asked.
/// `false`: another tab has it. A browser without Web Locks is taken to have one tab.
pub async fn acquire() -> bool {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            pause().await;
        }
        if try_acquire().await.unwrap_or(true) {
            return true;
        }
    }
    false
}

async fn try_acquire() -> Result<bool, JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    if !locks.is_object() {
        return Ok(true);
    }
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    let (answer, answered) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| {
        let ours = !lock.is_null();
        // If nobody listens any more, the lock is let go.
        let wanted = answer.send(ours).is_ok();
        // The lock is held until the promise returned settles: for good, then.
        if ours && wanted { Promise::new(&mut |_, _| {}) } else { Promise::resolve(&JsValue::NULL) }
    });
    let locks: &LockManager = locks.unchecked_ref();
    let released = locks.request(NAME, &options, granted.unchecked_ref())?;
    match answered.await {
        Ok(ours) => Ok(ours),
        // Refused without asking the callback: the promise says why.
        Err(_) => JsFuture::from(released).await.map(|_| true),
    }
}

async fn pause() {
    let (over, waited) = oneshot::channel::<()>();
    Timeout::new(PAUSE_MS, move || drop(over)).forget();
    let _ = waited.await;
}
