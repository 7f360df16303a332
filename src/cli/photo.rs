//! Image files to pixels, natively. The browser decodes with its own decoders; both then share one crop.

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

/// The crop, and the pixels across and down of the picture it was cut from, upright.
fn crop_and_size(bytes: &[u8]) -> Result<(Crop, (u32, u32)), String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut decoder = reader.into_decoder().map_err(|error| in_words(&error))?;
    let mut limits = Limits::default();
    // Eight bytes a pixel covers 16-bit colour with alpha.
    limits.max_alloc = Some(MAX_MEGAPIXELS * 1_000_000 * 8);
    decoder.set_limits(limits).map_err(|error| in_words(&error))?;
    let orientation = decoder.orientation().map_err(|error| in_words(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| in_words(&error))?;
    picture.apply_orientation(orientation);
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let crop = crop_from_rgba(rgba.as_raw(), width, height).map_err(|error| error.to_string())?;
    Ok((crop, (width, height)))
}

fn in_words(error: &image::ImageError) -> String {
    match error {
        image::ImageError::Unsupported(_) => {
            "left out: the command line cannot decode this image format; save it as JPEG, PNG or WebP".into()
        }
        other => format!("left out: the image cannot be decoded ({other})"),
    }
}
