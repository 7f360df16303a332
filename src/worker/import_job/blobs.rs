//! Bytes out of `Blob`s, and into them.

use std::io::{self, Read, Seek, SeekFrom};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// Bytes as a `Blob` of a media type.
pub(crate) fn blob(bytes: &[u8], mime: &str) -> Result<Blob, String> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(mime);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options).map_err(said)
}

pub(super) fn said(error: JsValue) -> String {
    if let Some(exception) = error.dyn_ref::<web_sys::DomException>()
        && matches!(exception.name().as_str(), "NotReadableError" | "NotFoundError")
    {
        return "The file can’t be read: it was changed, moved or deleted after it was chosen, or another program keeps it. Nothing was \
                changed. Choose it again."
            .to_owned();
    }
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}

pub(super) async fn fetch(url: &str) -> Result<Blob, String> {
    let missing = |reason: String| {
        format!("{url} could not be fetched ({reason}). Nothing was changed. Reload the page and try again.")
    };
    let response = gloo::net::http::Request::get(url).send().await.map_err(|error| missing(error.to_string()))?;
    if !response.ok() {
        return Err(missing(format!("status {}", response.status())));
    }
    let bytes = response.binary().await.map_err(|error| missing(error.to_string()))?;
    blob(&bytes, "application/octet-stream")
}

pub(super) async fn bytes_of(blob: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(blob.array_buffer()).await.map_err(said)?;
    Ok(js_sys::Uint8Array::new(&buffer).to_vec())
}

pub(super) async fn slice(blob: &Blob, from: f64, to: f64) -> Result<Vec<u8>, String> {
    bytes_of(&blob.slice_with_f64_and_f64(from, to).map_err(said)?).await
}

/// Reads a `Blob` synchronously, as the zip reader wants it; workers may.
pub(crate) struct BlobReader {
    reader: web_sys::FileReaderSync,
    blob: Blob,
    position: f64,
    /// The last block read, since the zip reader asks for a few bytes at a time.
    block: Vec<u8>,
    block_from: f64,
}

/// How much a [`BlobReader`] fetches at once.
const BLOCK_BYTES: f64 = 262_144.0;

impl BlobReader {
    pub(crate) fn new(blob: Blob) -> io::Result<Self> {
        let reader = web_sys::FileReaderSync::new().map_err(|error| io::Error::other(said(error)))?;
        Ok(Self { reader, blob, position: 0.0, block: Vec::new(), block_from: 0.0 })
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let inside = self.position - self.block_from;
        if inside < 0.0 || inside >= self.block.len() as f64 {
            let to = (self.position + BLOCK_BYTES.max(into.len() as f64)).min(self.blob.size());
            if self.position >= to {
                return Ok(0);
            }
            let part =
                self.blob.slice_with_f64_and_f64(self.position, to).map_err(|error| io::Error::other(said(error)))?;
            let buffer = self.reader.read_as_array_buffer(&part).map_err(|error| io::Error::other(said(error)))?;
            self.block = js_sys::Uint8Array::new(&buffer).to_vec();
            self.block_from = self.position;
        }
        let available = &self.block[(self.position - self.block_from) as usize..];
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.position += count as f64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(from_start) => from_start as f64,
            SeekFrom::End(from_end) => self.blob.size() + from_end as f64,
            SeekFrom::Current(by) => self.position + by as f64,
        };
        if position < 0.0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a position before the file's start"));
        }
        self.position = position;
        Ok(position as u64)
    }
}
