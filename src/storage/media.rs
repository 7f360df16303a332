//! Media as bytes, and back: the one place where the two platforms' media differ.

use super::{Media, StoreError};

#[cfg(target_arch = "wasm32")]
pub use blobs::{from_bytes, to_bytes};

/// The bytes of stored media.
///
/// # Errors
/// None natively; in the browser, if the blob cannot be read.
#[cfg(not(target_arch = "wasm32"))]
pub async fn to_bytes(media: &Media) -> Result<Vec<u8>, StoreError> {
    Ok(media.clone())
}

/// Media that hold these bytes.
///
/// # Errors
/// None natively; in the browser, if there is no memory for them.
#[cfg(not(target_arch = "wasm32"))]
pub fn from_bytes(bytes: Vec<u8>) -> Result<Media, StoreError> {
    Ok(bytes)
}

#[cfg(target_arch = "wasm32")]
mod blobs {
    use super::{Media, StoreError};
    use js_sys::{Array, Uint8Array};
    use wasm_bindgen_futures::JsFuture;

    /// The bytes of stored media.
    ///
    /// # Errors
    /// If the blob cannot be read.
    pub async fn to_bytes(media: &Media) -> Result<Vec<u8>, StoreError> {
        let buffer = JsFuture::from(media.array_buffer()).await;
        let buffer = buffer.map_err(|error| StoreError::Platform(format!("{error:?}")))?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }

    /// Media that hold these bytes.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Media, StoreError> {
        let parts = Array::of1(&Uint8Array::from(bytes.as_slice()));
        web_sys::Blob::new_with_u8_array_sequence(&parts).map_err(|error| StoreError::Platform(format!("{error:?}")))
    }
}
