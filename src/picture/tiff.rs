//! TIFF to pixels: grey, palettes, RGB, CMYK and YCbCr of up to 16 bits; of several pages the first.

use super::orientation::{Orientation, first_directory};
use super::{Pixels, room, to_eight};
use crate::pipeline::import::single::MAX_MEGAPIXELS;
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

/// The tag of what a sample means, and its values for "a place in the palette" and "grey, 0 is black".
const MEANING: u16 = 262;
const PALETTE: u16 = 3;
const GREY: u16 = 1;

/// Decodes a TIFF's first page, upright.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    // The decoder knows no palettes: it reads the places as greys, and they are looked up here.
    let greys = first_directory(bytes, MEANING).filter(|field| field.value == PALETTE).map(|field| {
        let mut bytes = bytes.to_vec();
        let value = if bytes.starts_with(b"MM") { GREY.to_be_bytes() } else { GREY.to_le_bytes() };
        bytes[field.at..field.at + 2].copy_from_slice(&value);
        bytes
    });
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_MEGAPIXELS as usize * 1_000_000 * 8;
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let source = Cursor::new(greys.as_deref().unwrap_or(bytes));
    let mut decoder = Decoder::new(source).map_err(in_words)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(in_words)?;
    let pixels = u64::from(width) * u64::from(height);
    let mut rgba = room(pixels, 4)?;
    let colour = decoder.colortype().map_err(in_words)?;
    let palette = match greys {
        Some(_) => Some(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(in_words)?),
        None => None,
    };
    let alpha = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(in_words)?;
    let alpha = Alpha::of(alpha.unwrap_or_default().first().copied());
    let orientation = decoder.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten();
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(in_words)?;
    if read.as_buffer(0).byte_len() < layout.complete_len {
        return Err("left out: there is not enough memory for the picture: scale it down".into());
    }
    let samples: Vec<u8> = match read {
        DecodingResult::U8(samples) if colour.bit_depth() < 8 => unpack(&samples, width, colour, palette.is_none())?,
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) if palette.is_none() => samples.into_iter().map(to_eight).collect(),
        _ => return Err(unsupported("its samples are not whole numbers of 1 to 16 bits")),
    };
    // Planes one after another are brought together, a pixel's samples side by side.
    let count = usize::from(colour.num_samples());
    let samples = if layout.planes > 1 { interleaved(&samples, layout.planes) } else { samples };
    if samples.len() as u64 != pixels * count as u64 {
        return Err(unsupported("its samples are laid out in an unusual way"));
    }
    let each = samples.chunks_exact(count);
    match (colour, palette) {
        (ColorType::Gray(_), Some(palette)) => {
            let entries = palette.len() / 3;
            let of = |channel: usize, place: u8| {
                palette.get(channel * entries + usize::from(place)).map_or(0, |value| (value >> 8) as u8)
            };
            samples.iter().for_each(|&place| rgba.extend([of(0, place), of(1, place), of(2, place), 255]));
        }
        (ColorType::Gray(_), None) => samples.iter().for_each(|&grey| rgba.extend([grey, grey, grey, 255])),
        (ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. }, _) => {
            each.for_each(|sample| rgba.extend(alpha.apply([sample[0]; 3], sample[1])));
        }
        (ColorType::RGB(_), _) => each.for_each(|sample| rgba.extend([sample[0], sample[1], sample[2], 255])),
        (ColorType::RGBA(_), _) => {
            each.for_each(|sample| rgba.extend(alpha.apply([sample[0], sample[1], sample[2]], sample[3])));
        }
        (ColorType::CMYK(_) | ColorType::CMYKA(_), _) => each.for_each(|sample| {
            let light = |ink: u8| (u16::from(255 - ink) * u16::from(255 - sample[3]) / 255) as u8;
            rgba.extend([light(sample[0]), light(sample[1]), light(sample[2]), 255]);
        }),
        (ColorType::YCbCr(_), _) => each.for_each(|sample| rgba.extend(from_ycbcr(sample[0], sample[1], sample[2]))),
        _ => return Err(unsupported("its colours are of an unusual kind")),
    }
    let orientation = orientation.and_then(Orientation::from_exif).unwrap_or_default();
    Ok(Pixels { rgba, width, height }.turned(orientation))
}

/// What a sample beside the colours means.
#[derive(Clone, Copy)]
enum Alpha {
    /// Nothing that can be seen.
    None,
    /// Opacity, and the colours are multiplied by it.
    Associated,
    /// Opacity.
    Unassociated,
}

impl Alpha {
    fn of(extra_sample: Option<u16>) -> Alpha {
        match extra_sample {
            Some(1) => Alpha::Associated,
            Some(2) => Alpha::Unassociated,
            _ => Alpha::None,
        }
    }

    fn apply(self, colour: [u8; 3], alpha: u8) -> [u8; 4] {
        let [r, g, b] = match self {
            Alpha::Associated if alpha > 0 => {
                colour.map(|channel| (u16::from(channel) * 255 / u16::from(alpha)).min(255) as u8)
            }
            _ => colour,
        };
        [r, g, b, if matches!(self, Alpha::None) { 255 } else { alpha }]
    }
}

/// Samples of fewer than eight bits, packed row by row, as bytes: spread over all greys, unless they are places in a palette.
fn unpack(packed: &[u8], width: u32, colour: ColorType, is_grey: bool) -> Result<Vec<u8>, String> {
    let (ColorType::Gray(bits @ (1 | 2 | 4)), Some(row_bytes)) =
        (colour, (width as usize).checked_mul(usize::from(colour.bit_depth())).map(|bits| bits.div_ceil(8)))
    else {
        return Err(unsupported("its samples are packed in an unusual way"));
    };
    let most = (1u8 << bits) - 1;
    let spread = if is_grey { 255 / most } else { 1 };
    let in_byte = |byte: &u8| {
        let byte = *byte;
        (0..8 / bits).map(move |place| (byte >> (8 - bits - place * bits) & most) * spread)
    };
    Ok(packed.chunks_exact(row_bytes).flat_map(|row| row.iter().flat_map(in_byte).take(width as usize)).collect())
}

fn interleaved(samples: &[u8], planes: usize) -> Vec<u8> {
    let each = samples.len() / planes;
    (0..each * planes).map(|at| samples[at % planes * each + at / planes]).collect()
}

/// Full-range BT.601, as JPEG has it.
fn from_ycbcr(luma: u8, blue: u8, red: u8) -> [u8; 4] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [byte(luma + 1.402 * red), byte(luma - 0.344_136 * blue - 0.714_136 * red), byte(luma + 1.772 * blue), 255]
}

fn unsupported(what: &str) -> String {
    format!("left out: a TIFF of a kind that Hone does not decode ({what}); save it as PNG")
}

fn in_words(error: TiffError) -> String {
    match error {
        TiffError::UnsupportedError(what) => unsupported(&what.to_string()),
        TiffError::LimitsExceeded => "left out: there is not enough memory for the picture: scale it down".into(),
        other => format!("left out: the image is damaged or cut off ({other}); save it again as PNG"),
    }
}
