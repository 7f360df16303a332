//! An image file to pixels: by the browser's own decoders, which know every kind that it can show. What they do not know, or
//! not alike, is converted when it comes in.

use crate::browser::user_timing;
use crate::browser::worker_side::scope;
use crate::picture::orientation::{Orientation, without_exif};
use crate::picture::{self, Format, Pixels};
use crate::pipeline::import::converted::mark;
use crate::pipeline::import::plan::{Problem, SourceFile};
use crate::pipeline::import::single::MAX_IMAGE_BYTES;
use crate::pipeline::import::{check_image, cut_off};
use crate::pipeline::item::ContentHash;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::Clamped;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, ImageBitmap, ImageBitmapOptions, ImageData, ImageEncodeOptions, OffscreenCanvas,
    OffscreenCanvasRenderingContext2d, ResizeQuality,
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

/// What is to be stored of an image file that comes in, so that every browser shows and decodes it alike, upright: none if
/// that is the file as it is. It costs nothing for plain files of common formats; what only some browsers decode is tried.
/// What is converted is marked with the file's hash, which stays the item's.
///
/// # Errors
/// The problem, if this browser cannot decode it. What [`image_item`](crate::pipeline::import::image_item) refuses is left to that.
pub async fn importable(bytes: &[u8], file: &SourceFile) -> Result<Option<Vec<u8>>, Problem> {
    if check_image(bytes, file).is_err() || cut_off::cut_off(bytes) == Some(cut_off::CutOff::Useless) {
        return Ok(None);
    }
    let converted = match converted(bytes).await {
        Ok(None) => return Ok(None),
        Ok(Some(converted)) => mark(&converted, ContentHash::of(bytes)),
        Err(reason) => return Err(Problem::of_file(&file.path, reason)),
    };
    match converted.len() as u64 {
        0..=MAX_IMAGE_BYTES => Ok(Some(converted)),
        size => {
            let message =
                format!("left out: converted to PNG, it is {} MB; the limit is 64 MB: scale it down", size >> 20);
            Err(Problem::of_file(&file.path, message))
        }
    }
}

/// See [`importable`]; without the mark.
async fn converted(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    if let Some(pixels) = picture::decode(bytes) {
        return png(pixels?).await.map(Some).map_err(unconvertible);
    }
    match Format::of(bytes) {
        Some(Format::Jpeg) => Ok(picture::closed(bytes)),
        Some(Format::Png | Format::Gif | Format::Bmp) => Ok(None),
        Some(Format::WebP) => match Orientation::of(bytes) {
            upright if upright == Orientation::default() => Ok(None),
            // Some browsers obey the mark in a WebP and some do not: it is taken off, and obeyed here.
            orientation => {
                let bitmap = bitmap(&blob(&without_exif(bytes)).map_err(unconvertible)?).await?;
                let pixels = pixels(&bitmap);
                bitmap.close();
                png(pixels.map_err(unconvertible)?.turned(orientation)).await.map(Some).map_err(unconvertible)
            }
        },
        format => {
            let what = format.map_or("of a format", Format::name);
            match bitmap(&blob(bytes).map_err(unconvertible)?).await {
                Ok(bitmap) => {
                    bitmap.close();
                    Ok(None)
                }
                Err(_) => Err(format!(
                    "left out: its content is {what} that this browser does not decode, whatever its name says; save it as JPEG or PNG"
                )),
            }
        }
    }
}

/// The pixels of a bitmap, all of them.
fn pixels(bitmap: &ImageBitmap) -> Result<Pixels, JsValue> {
    let drawn = draw_as_is(bitmap)?;
    let (width, height) = (bitmap.width(), bitmap.height());
    let rgba = drawn.context.get_image_data(0.0, 0.0, width.into(), height.into())?.data().0;
    Ok(Pixels { rgba, width, height })
}

/// The picture as a PNG: by the browser's encoder, which is there already.
async fn png(pixels: Pixels) -> Result<Vec<u8>, JsValue> {
    let Pixels { rgba, width, height } = pixels;
    let canvas = canvas(width, height)?;
    // It is a view of our memory, not a copy: used at once, and never after the pixels are gone.
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&rgba[..]), width, height)?;
    canvas.context.put_image_data(&data, 0.0, 0.0)?;
    drop(rgba);
    let blob: Blob = JsFuture::from(canvas.canvas.convert_to_blob()?).await?.unchecked_into();
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn blob(bytes: &[u8]) -> Result<Blob, JsValue> {
    Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))
}

fn unconvertible(error: JsValue) -> String {
    format!("left out: this browser could not convert the image ({}); save it as JPEG or PNG", said(&error))
}

async fn bitmap(blob: &Blob) -> Result<ImageBitmap, String> {
    let bitmap = scope().create_image_bitmap_with_blob(blob).map_err(undecodable)?;
    Ok(JsFuture::from(bitmap).await.map_err(undecodable)?.unchecked_into())
}

/// Decodes an image file.
///
/// # Errors
/// Says, for people, that the browser cannot.
pub async fn decode(blob: &Blob) -> Result<Picture, String> {
    let begun = user_timing::now();
    let bitmap = bitmap(blob).await?;
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
    let drawn = canvas(bitmap.width(), bitmap.height())?;
    drawn.context.draw_image_with_image_bitmap(bitmap, 0.0, 0.0)?;
    Ok(drawn)
}

fn canvas(width: u32, height: u32) -> Result<Drawn, JsValue> {
    let canvas = OffscreenCanvas::new(width, height)?;
    // The pixels are read back at once, so they had better not go to a graphics card first.
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.ok_or("no canvas")?;
    let context: OffscreenCanvasRenderingContext2d = context.unchecked_into();
    Ok(Drawn { canvas, context })
}

fn undecodable(error: JsValue) -> String {
    format!(
        "this browser cannot decode the image ({}); it may be damaged, try saving it again as PNG or JPEG",
        said(&error)
    )
}

fn said(error: &JsValue) -> String {
    let reason = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let reason = reason.or_else(|| error.dyn_ref::<web_sys::DomException>().map(|error| error.message()));
    reason.unwrap_or_else(|| "it does not say why".into())
}
