//! PNG to pixels, also where the file breaks off.

use super::{Pixels, room, to_eight};
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Transformations};
use std::io::Cursor;

/// What stands where a file broke off: grey, as in a JPEG.
const MISSING: u8 = 0x80;

/// Decodes a PNG as it is stored. Of one that `is_partial`, what is there.
pub(super) fn decode(bytes: &[u8], is_partial: bool) -> Result<Pixels, String> {
    // What it holds beside the pixels, profiles and the like; the pixels' room is ours.
    let limits = Limits { bytes: 64 << 20 };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(in_words)?;
    let (width, height) = reader.info().size();
    let (colour, depth) = reader.output_color_type();
    let pixels = u64::from(width) * u64::from(height);
    let bytes_each = colour.samples() * if depth == BitDepth::Sixteen { 2 } else { 1 };
    let mut samples = room(pixels, bytes_each as u64)?;
    samples.resize(pixels as usize * bytes_each, MISSING);
    match reader.next_frame(&mut samples) {
        Err(_) if is_partial => {}
        frame => {
            frame.map_err(in_words)?;
        }
    }
    if depth == BitDepth::Sixteen {
        samples = samples.as_chunks::<2>().0.iter().map(|two| to_eight(u16::from_be_bytes(*two))).collect();
    }
    let mut rgba = room(pixels, 4)?;
    match colour {
        ColorType::Grayscale => samples.iter().for_each(|&grey| rgba.extend([grey, grey, grey, 255])),
        ColorType::GrayscaleAlpha => {
            samples.as_chunks().0.iter().for_each(|&[grey, alpha]| rgba.extend([grey, grey, grey, alpha]));
        }
        ColorType::Rgb => samples.as_chunks().0.iter().for_each(|&[r, g, b]| rgba.extend([r, g, b, 255])),
        ColorType::Rgba => rgba = samples,
        ColorType::Indexed => return Err("left out: the image cannot be decoded (its palette is missing)".into()),
    }
    Ok(Pixels { rgba, width, height })
}

fn in_words(error: DecodingError) -> String {
    match error {
        DecodingError::LimitsExceeded => {
            "left out: the image holds too much beside its pixels; save it again as PNG or JPEG".into()
        }
        other => format!("left out: the image cannot be decoded ({other}); try saving it again as PNG or JPEG"),
    }
}
