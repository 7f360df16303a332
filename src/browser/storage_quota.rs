//! How much this browser lets Hone keep, and whether it promises not to evict it.

use crate::protocol::StorageState;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{StorageManager, window};

/// What is used, what is allowed, and whether it is persistent. Works on pages and in workers.
///
/// # Errors
/// Says, for people, that the browser does not tell, as in some private windows.
pub async fn state() -> Result<StorageState, String> {
    let ask = async {
        let storage = storage()?;
        let estimate = JsFuture::from(storage.estimate()?).await?;
        let bytes = |name: &str| {
            let value = Reflect::get(&estimate, &name.into()).ok();
            value.and_then(|value| value.as_f64()).unwrap_or(0.0)
        };
        let persistent = JsFuture::from(storage.persisted()?).await?.is_truthy();
        Ok(StorageState { used: bytes("usage"), quota: bytes("quota"), persistent })
    };
    ask.await.map_err(|error: JsValue| {
        format!("This browser does not tell how much it stores ({error:?}). What was saved is not affected.")
    })
}

/// Asks the browser never to evict what is kept; answers whether it promised. Only a page may ask. Some browsers ask
/// the person, so do it after something worth keeping was made, not at the start.
///
/// # Errors
/// What the browser says if it cannot be asked.
pub async fn request_persistence() -> Result<bool, JsValue> {
    let window = window().ok_or("only a page can ask")?;
    Ok(JsFuture::from(window.navigator().storage().persist()?).await?.is_truthy())
}

fn storage() -> Result<StorageManager, JsValue> {
    // Pages and workers have different types of navigator, with the same storage manager.
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let storage = Reflect::get(&navigator, &"storage".into())?;
    storage.dyn_into().map_err(|_| "no storage manager".into())
}
