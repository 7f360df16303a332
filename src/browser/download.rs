//! Saving a file to the device.

use wasm_bindgen::prelude::*;
use web_sys::{Blob, HtmlAnchorElement, Url, window};

/// Saves a blob under a name, the way a clicked link would.
///
/// # Errors
/// What the browser says if it refuses.
pub fn save(blob: &Blob, name: &str) -> Result<(), JsValue> {
    let document = window().and_then(|window| window.document()).ok_or("no document")?;
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The download has its own hold on the blob once it has begun, which is not before the click has been handled.
    gloo::timers::callback::Timeout::new(60_000, move || {
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}
