//! Media as bytes, and back: the one place where the two platforms' media differ.

use super::{Media, StoreError};

#[cfg(target_arch = "wasm32")]
pub use blobs::{MediaWriter, from_bytes, to_bytes};

/// Media that are written bit by bit: a file to take away that may be larger than what fits into memory.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Default)]
pub struct MediaWriter(Vec<u8>);

#[cfg(not(target_arch = "wasm32"))]
impl MediaWriter {
    /// What was written, as media of this type.
    ///
    /// # Errors
    /// None natively; in the browser, if there is no room for them.
    pub fn finish(self, _mime: &str) -> Result<Media, StoreError> {
        Ok(self.0)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl std::io::Write for MediaWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

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
    use std::io;
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Blob, BlobPropertyBag};

    /// Media that are written bit by bit. The browser keeps the parts, on disk if they are many.
    #[derive(Debug, Default)]
    pub struct MediaWriter {
        parts: Array,
        last: Vec<u8>,
    }

    /// How much of it is in this worker's memory at most.
    const PART_BYTES: usize = 4 << 20;

    impl MediaWriter {
        /// What was written, as media of this type.
        ///
        /// # Errors
        /// If the browser has no room for them.
        pub fn finish(mut self, mime: &str) -> Result<Media, StoreError> {
            self.hand_over()?;
            let options = BlobPropertyBag::new();
            options.set_type(mime);
            let whole = Blob::new_with_blob_sequence_and_options(&self.parts, &options);
            whole.map_err(|error| StoreError::Platform(format!("{error:?}")))
        }

        fn hand_over(&mut self) -> Result<(), StoreError> {
            let part = from_bytes(std::mem::take(&mut self.last))?;
            self.parts.push(&part);
            Ok(())
        }
    }

    impl io::Write for MediaWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.last.extend_from_slice(bytes);
            if self.last.len() >= PART_BYTES {
                self.hand_over().map_err(io::Error::other)?;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

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
        Blob::new_with_u8_array_sequence(&parts).map_err(|error| StoreError::Platform(format!("{error:?}")))
    }
}
