//! Image files to pixels, natively. The browser decodes with its own decoders; both share what those do not agree on, and the crop.

use crate::picture::orientation::Orientation;
use crate::picture::{self, Format, Pixels};
use crate::pipeline::drift::Looks;
use crate::pipeline::features::image::{Crop, crop_from_rgba};
use crate::pipeline::import::single::MAX_MEGAPIXELS;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::io::Cursor;

/// Decodes an image file and cuts the network's crop from it, upright: a camera's orientation mark is obeyed, as
/// browsers do. Of an animation the first frame counts.
///
/// # Errors
/// Says why the bytes cannot be used, in words for the list of problems.
pub fn crop_of_file(bytes: &[u8]) -> Result<Crop, String> {
    Ok(crop_and_size(bytes)?.0)
}

/// What the picture in an image file looks like.
///
/// # Errors
/// As [`crop_of_file`].
pub fn looks_of_file(bytes: &[u8]) -> Result<Looks, String> {
    let (crop, (width, height)) = crop_and_size(bytes)?;
    Ok(Looks::of(&crop, width, height))
}

/// Whether the command line can decode an image file: of most formats its beginning says so; what only Hone's own code
/// decodes is rare, so it is tried.
///
/// # Errors
/// Says why not, in words for the list of problems.
pub fn decodable(bytes: &[u8]) -> Result<(), String> {
    match picture::decode(bytes) {
        Some(decoded) => decoded.map(drop),
        None => decoder(bytes).map(drop),
    }
}

/// Decodes an image file, upright.
///
/// # Errors
/// As [`crop_of_file`].
pub fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    if let Some(decoded) = picture::decode(bytes) {
        return decoded;
    }
    let decoded = DynamicImage::from_decoder(decoder(bytes)?).map_err(|error| in_words(&error))?;
    let rgba = decoded.into_rgba8();
    let (width, height) = rgba.dimensions();
    Ok(Pixels { rgba: rgba.into_raw(), width, height }.turned(Orientation::of(bytes)))
}

/// The crop, and the pixels across and down of the picture it was cut from.
fn crop_and_size(bytes: &[u8]) -> Result<(Crop, (u32, u32)), String> {
    let Pixels { rgba, width, height } = decode(bytes)?;
    let crop = crop_from_rgba(&rgba, width, height).map_err(|error| error.to_string())?;
    Ok((crop, (width, height)))
}

fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder, String> {
    if let Some(format @ (Format::Avif | Format::Heic)) = Format::of(bytes) {
        return Err(format!(
            "left out: its content is {}, which the command line cannot decode, whatever its name says; save it as JPEG, PNG or WebP",
            format.name()
        ));
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut decoder = reader.into_decoder().map_err(|error| in_words(&error))?;
    let mut limits = Limits::default();
    // Eight bytes a pixel covers 16-bit colour with alpha.
    limits.max_alloc = Some(MAX_MEGAPIXELS * 1_000_000 * 8);
    decoder.set_limits(limits).map_err(|error| in_words(&error))?;
    Ok(decoder)
}

fn in_words(error: &image::ImageError) -> String {
    match error {
        image::ImageError::Unsupported(_) => {
            "left out: the command line cannot decode this image format; save it as JPEG, PNG or WebP".into()
        }
        other => format!("left out: the image cannot be decoded ({other})"),
    }
}
