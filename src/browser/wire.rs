//! The shape of every message between two threads: `[id, Uint8Array or null, attachments]`. The bytes are postcard; what
//! postcard cannot carry (files, blobs, buffers) is an attachment. No bytes at all is a beat: "I am here".

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<T> {
    /// Nothing but that the sender is there.
    Beat,
    /// This.
    Said(T),
    /// Something of another release: page and worker do not match.
    Unreadable,
}

/// A message that arrived.
#[derive(Debug, Clone)]
pub struct Frame<T> {
    /// Which question it asks or answers; 0 for what is said unasked.
    pub id: u64,
    /// What it says.
    pub body: Body<T>,
    /// What came along.
    pub attachments: Vec<JsValue>,
}

/// A message ready to post.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The message.
    pub message: Array,
    /// What changes hands rather than being copied: the bytes. Attachments are copied, which for a blob costs nothing.
    pub transfer: Array,
}

/// The message "I am here".
pub fn beat() -> Parcel {
    Parcel { message: Array::of3(&0.into(), &JsValue::NULL, &Array::new()), transfer: Array::new() }
}

/// Wraps a value.
///
/// # Errors
/// What postcard says of a value that it cannot carry: a map of unknown length, an untagged enum.
pub fn pack(id: u64, body: &impl Serialize, attachments: &[JsValue]) -> Result<Parcel, postcard::Error> {
    let bytes = Uint8Array::from(postcard::to_stdvec(body)?.as_slice());
    let transfer = Array::of1(&bytes.buffer());
    // An id counts questions: far below 2^53, where JavaScript's numbers would lose it.
    Ok(Parcel { message: Array::of3(&(id as f64).into(), &bytes, &attachments.iter().collect::<Array>()), transfer })
}

/// The inverse of [`pack`] and [`beat`].
pub fn unpack<T: DeserializeOwned>(message: JsValue) -> Frame<T> {
    let message = Array::from(&message);
    let bytes = message.get(1);
    let body = match bytes.dyn_into::<Uint8Array>() {
        Err(_) => Body::Beat,
        Ok(bytes) => postcard::from_bytes(&bytes.to_vec()).map_or(Body::Unreadable, Body::Said),
    };
    let id = message.get(0).as_f64().unwrap_or(0.0) as u64;
    Frame { id, body, attachments: Array::from(&message.get(2)).to_vec() }
}
