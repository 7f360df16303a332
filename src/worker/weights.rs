//! Fetches the files of a model, telling how far it has come.

use crate::browser::worker_side::scope;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamDefaultReader, Response};

/// Why there are no files.
#[derive(Debug)]
pub enum Stopped {
    /// Whoever asked for them does not want them any more.
    ByUser,
    /// In words.
    Failed(String),
}

impl From<JsValue> for Stopped {
    fn from(error: JsValue) -> Self {
        Self::Failed(match error.dyn_ref::<js_sys::Error>() {
            Some(error) => error.message().into(),
            None => error.as_string().unwrap_or_else(|| "no answer".into()),
        })
    }
}

/// The files' bytes, each as an `ArrayBuffer`. Names are relative to the worker's script, which lies beside the page.
///
/// `go_on` hears of the bytes of all files that came so far, and of those to come if the server told before the last of
/// them began; once it answers false, no more are read.
///
/// # Errors
/// If a file could not be had, or `go_on` did not want it.
pub async fn fetch(names: &[&str], go_on: impl Fn(u64, Option<u64>) -> bool) -> Result<Vec<JsValue>, Stopped> {
    let mut responses = Vec::new();
    for name in names {
        let response = ask_for(name).await.map_err(|error| error.about(name))?;
        responses.push((name, length(&response), response));
    }
    let all: Option<u64> = responses.iter().map(|(_, length, _)| *length).sum();
    let mut files = Vec::new();
    let mut before = 0;
    for (name, _, response) in responses {
        let (file, length) =
            read(response, |bytes| go_on(before + bytes, all)).await.map_err(|error| error.about(name))?;
        before += length;
        files.push(file);
    }
    Ok(files)
}

impl Stopped {
    fn about(self, name: &str) -> Self {
        match self {
            Self::ByUser => Self::ByUser,
            Self::Failed(error) => Self::Failed(format!("{name}: {error}")),
        }
    }
}

async fn ask_for(name: &str) -> Result<Response, Stopped> {
    let url = web_sys::Url::new_with_base(name, &scope().location().href())?.href();
    let response: Response = JsFuture::from(scope().fetch_with_str(&url)).await?.unchecked_into();
    match response.ok() {
        true => Ok(response),
        false => Err(Stopped::Failed(format!("the server answered {}", response.status()))),
    }
}

/// How many bytes there will be, if the server says so: of a compressed answer it tells another number.
fn length(response: &Response) -> Option<u64> {
    let headers = response.headers();
    let told = |name| headers.get(name).ok().flatten();
    told("content-length").filter(|_| told("content-encoding").is_none())?.parse().ok()
}

async fn read(response: Response, go_on: impl Fn(u64) -> bool) -> Result<(JsValue, u64), Stopped> {
    let body = response.body().ok_or_else(|| Stopped::Failed("an empty answer".into()))?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let parts = Array::new();
    let mut bytes = 0;
    loop {
        let part = JsFuture::from(reader.read()).await?;
        let Ok(part) = Reflect::get(&part, &"value".into())?.dyn_into::<Uint8Array>() else { break };
        bytes += u64::from(part.length());
        parts.push(&part);
        if !go_on(bytes) {
            // The rest of the answer is nobody's concern, nor is whether it can be turned away.
            let _ = reader.cancel();
            return Err(Stopped::ByUser);
        }
    }
    let whole = Blob::new_with_u8_array_sequence(&parts)?;
    Ok((JsFuture::from(whole.array_buffer()).await?, bytes))
}
