//! An image file to pixels: by the browser's own decoders, which know every kind that it can show.

use crate::browser::user_timing;
use crate::browser::worker_side::scope;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, ImageBitmap, ImageBitmapOptions, ImageEncodeOptions, OffscreenCanvas, OffscreenCanvasRenderingContext2d,
    ResizeQuality,
};

/// Above this, a picture is first scaled down by the browser, which is faster: its pixels are then fewer to copy.
const LARGE_SIDE: f64 = 1024.0;
/// To this, twice what the network's own scaling makes of it.
const REDUCED_SIDE: f64 = 512.0;
/// No more pixels than this are copied, however long and thin the picture is.
const MOST_PIXELS: f64 = 16_777_216.0;
/// The longest side of a thumbnail.
const THUMBNAIL_SIDE: f64 = 256.0;

/// A decoded image.
pub struct Picture {
    /// Its pixels, four bytes each, perhaps of a reduced version.
    pub rgba: Vec<u8>,
    /// Pixels across in `rgba`.
    pub rgba_width: u32,
    /// Pixels down in `rgba`.
    pub rgba_height: u32,
    /// Pixels across in the file, turned as its orientation says.
    pub width: u32,
    /// Pixels down in the file.
    pub height: u32,
    /// A small version; none if the image is no larger than one.
    pub thumbnail: Option<Blob>,
}

/// Decodes an image file.
///
/// # Errors
/// Says, for people, that the browser cannot.
pub async fn decode(blob: &Blob) -> Result<Picture, String> {
    let begun = user_timing::now();
    let bitmap = scope().create_image_bitmap_with_blob(blob).map_err(undecodable)?;
    let bitmap: ImageBitmap = JsFuture::from(bitmap).await.map_err(undecodable)?.unchecked_into();
    user_timing::measure("decode", begun);
    let picture = read(&bitmap).await.map_err(undecodable);
    // Its memory is the browser's, and would stay until some garbage collection.
    bitmap.close();
    picture
}

async fn read(bitmap: &ImageBitmap) -> Result<Picture, JsValue> {
    let (width, height) = (bitmap.width(), bitmap.height());
    let shortest = f64::from(width.min(height));
    let longest = f64::from(width.max(height));
    let to_side = if shortest > LARGE_SIDE { REDUCED_SIDE / shortest } else { 1.0 };
    let to_area = (MOST_PIXELS / (shortest * longest)).sqrt();
    let begun = user_timing::now();
    let canvas = draw(bitmap, to_side.min(to_area)).await?;
    let (rgba_width, rgba_height) = (canvas.canvas.width(), canvas.canvas.height());
    let rgba = canvas.context.get_image_data(0.0, 0.0, rgba_width.into(), rgba_height.into())?.data().0;
    user_timing::measure("pixels", begun);
    let begun = user_timing::now();
    let thumbnail = match longest > THUMBNAIL_SIDE {
        false => None,
        true => {
            let options = ImageEncodeOptions::new();
            options.set_type("image/webp");
            options.set_quality(0.8);
            let small = draw(bitmap, THUMBNAIL_SIDE / longest).await?;
            Some(JsFuture::from(small.canvas.convert_to_blob_with_options(&options)?).await?.unchecked_into())
        }
    };
    user_timing::measure("thumbnail", begun);
    Ok(Picture { rgba, rgba_width, rgba_height, width, height, thumbnail })
}

struct Drawn {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

/// Draws a bitmap on a canvas of its own, scaled down by `scale` (1 or more: not scaled).
async fn draw(bitmap: &ImageBitmap, scale: f64) -> Result<Drawn, JsValue> {
    if scale >= 1.0 {
        return draw_as_is(bitmap);
    }
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let options = ImageBitmapOptions::new();
    options.set_resize_width(scaled(bitmap.width()));
    options.set_resize_height(scaled(bitmap.height()));
    options.set_resize_quality(ResizeQuality::High);
    let reduced = scope().create_image_bitmap_with_image_bitmap_and_image_bitmap_options(bitmap, &options)?;
    let reduced: ImageBitmap = JsFuture::from(reduced).await?.unchecked_into();
    let drawn = draw_as_is(&reduced);
    reduced.close();
    drawn
}

fn draw_as_is(bitmap: &ImageBitmap) -> Result<Drawn, JsValue> {
    let canvas = OffscreenCanvas::new(bitmap.width(), bitmap.height())?;
    // The pixels are read back at once, so they had better not go to a graphics card first.
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.ok_or("no canvas")?;
    let context: OffscreenCanvasRenderingContext2d = context.unchecked_into();
    context.draw_image_with_image_bitmap(bitmap, 0.0, 0.0)?;
    Ok(Drawn { canvas, context })
}

fn undecodable(error: JsValue) -> String {
    let reason = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let reason = reason.or_else(|| error.dyn_ref::<web_sys::DomException>().map(|error| error.message()));
    format!(
        "this browser cannot decode the image ({}); it may be damaged, try saving it again as PNG or JPEG",
        reason.unwrap_or_else(|| "it does not say why".into())
    )
}
