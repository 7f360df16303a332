//! The image network, as the page calls it.

use hone::nn::{Lite0, Precision};
use hone::pipeline::features::image::{Crop, crop_from_rgba};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The image network.
#[wasm_bindgen]
pub struct Network {
    network: Lite0,
}

#[wasm_bindgen]
impl Network {
    /// From the bytes of `lite0.safetensors`; its products in 16-bit integers, as in the app, or in floats.
    ///
    /// # Errors
    /// When the bytes are not those weights.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], integers: bool) -> Result<Network, JsError> {
        let precision = if integers { Precision::Integer } else { Precision::Float };
        Ok(Network { network: Lite0::load_as(weights, precision)? })
    }

    /// The 1280 features of a crop of 224 × 224 × 3 bytes.
    ///
    /// # Errors
    /// When there are more bytes or fewer.
    pub fn embed(&self, rgb: Vec<u8>) -> Result<Vec<f32>, JsError> {
        Ok(self.network.embed(&Crop::from_rgb(rgb)?))
    }
}

/// The crop of a decoded picture, `width` × `height` × 4 bytes, as 224 × 224 × 3 bytes.
///
/// # Errors
/// When the picture has no pixels or another number of bytes.
#[wasm_bindgen]
pub fn crop(rgba: &[u8], width: u32, height: u32) -> Result<Vec<u8>, JsError> {
    Ok(crop_from_rgba(rgba, width, height)?.rgb().to_vec())
}
