//! Pictures that a browser or the usual decoders do not give as they are meant, decoded here, upright, to the same pixels in the
//! browser and natively: TIFF, and PNG of 16 bits, turned by a camera's mark or cut off. All others are left to the platform's
//! decoders; what those do not know of orientation, [`orientation`] reads.

pub mod orientation;
mod png;
mod tiff;

use crate::pipeline::import::cut_off::{CutOff, cut_off};
use crate::pipeline::import::single::MAX_MEGAPIXELS;
use orientation::Orientation;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Four bytes each (red, green, blue, alpha, not premultiplied), row-major.
    pub rgba: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The kinds of image files that are told apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
    /// Windows bitmaps.
    Bmp,
    /// TIFF.
    Tiff,
    /// AVIF.
    Avif,
    /// HEIC and its relatives: only some systems have a licence to decode it.
    Heic,
}

impl Format {
    /// The format of an image file, by its first bytes.
    pub fn of(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
            [b'G', b'I', b'F', b'8', ..] => Some(Format::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
            [b'B', b'M', ..] => Some(Format::Bmp),
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Some(Format::Tiff),
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some(Format::Avif),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if names_avif(bytes) => Some(Format::Avif),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Format::Heic),
            _ => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::Gif => "GIF",
            Format::WebP => "WebP",
            Format::Bmp => "BMP",
            Format::Tiff => "TIFF",
            Format::Avif => "AVIF",
            Format::Heic => "HEIC",
        }
    }
}

/// Whether a file of the family of AVIF and HEIC says of itself, among what it is compatible with, that it is the former.
fn names_avif(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map_or(0, |four| u32::from_be_bytes(*four) as usize);
    let brands = bytes.get(16..length.min(bytes.len())).unwrap_or_default();
    brands.as_chunks::<4>().0.iter().any(|brand| brand == b"avif")
}

/// Decodes what only this module decodes to the same pixels everywhere; none if any other decoder will do.
///
/// # Errors
/// Says, for the list of problems, why there is no picture.
pub fn decode(bytes: &[u8]) -> Option<Result<Pixels, String>> {
    match Format::of(bytes)? {
        Format::Tiff => Some(tiff::decode(bytes)),
        Format::Png => {
            let orientation = Orientation::of(bytes);
            let is_partial = cut_off(bytes) == Some(CutOff::Partly);
            // The header chunk's ninth byte is the depth.
            let is_deep = bytes.get(24) == Some(&16);
            (is_deep || is_partial || orientation != Orientation::default())
                .then(|| png::decode(bytes, is_partial).map(|pixels| pixels.turned(orientation)))
        }
        _ => None,
    }
}

/// A JPEG that breaks off among its pixels, closed, so that every decoder draws what is there; none for all other files.
pub fn closed(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_partial = Format::of(bytes) == Some(Format::Jpeg) && cut_off(bytes) == Some(CutOff::Partly);
    is_partial.then(|| [bytes, b"\xff\xd9"].concat())
}

impl Pixels {
    /// The picture turned so that it is upright.
    pub fn turned(self, orientation: Orientation) -> Pixels {
        if orientation == Orientation::default() {
            return self;
        }
        let (across, down) = (self.width as usize, self.height as usize);
        let (width, height) = if orientation.is_sideways() { (down, across) } else { (across, down) };
        let mut rgba = Vec::with_capacity(self.rgba.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = orientation.source(x, y, across, down);
                let at = (from_y * across + from_x) * 4;
                rgba.extend_from_slice(&self.rgba[at..at + 4]);
            }
        }
        Pixels { rgba, width: width as u32, height: height as u32 }
    }
}

/// Room for this many bytes, or the reason why there is none: a program that runs out of memory in a browser is ended there.
fn room(pixels: u64, bytes_each: u64) -> Result<Vec<u8>, String> {
    let too_large =
        || format!("left out: the picture is too large; the limit is {MAX_MEGAPIXELS} megapixels: scale it down");
    if pixels > MAX_MEGAPIXELS * 1_000_000 + 999_999 {
        return Err(too_large());
    }
    let bytes = usize::try_from(pixels.saturating_mul(bytes_each)).map_err(|_| too_large())?;
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).map_err(|_| "left out: there is not enough memory for the picture: scale it down")?;
    Ok(room)
}

/// Sixteen bits to the nearest eight.
fn to_eight(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a b` over `c d` over `e f`, each letter a pixel.
    fn letters(orientation: u16) -> String {
        let rgba = "abcdef".bytes().flat_map(|letter| [letter; 4]).collect();
        let orientation = Orientation::from_exif(orientation).unwrap_or_default();
        let turned = Pixels { rgba, width: 2, height: 3 }.turned(orientation);
        let row = |row: &[u8]| row.iter().step_by(4).map(|letter| char::from(*letter)).collect::<String>();
        turned.rgba.chunks(turned.width as usize * 4).map(row).collect::<Vec<_>>().join("/")
    }

    #[test]
    fn a_picture_is_turned_as_exif_has_it() {
        let expected =
            ["ab/cd/ef", "ba/dc/fe", "fe/dc/ba", "ef/cd/ab", "ace/bdf", "eca/fdb", "fdb/eca", "bdf/ace", "ab/cd/ef"];
        for (orientation, expected) in (1..).zip(expected) {
            assert_eq!(letters(orientation), expected, "{orientation}");
        }
    }

    #[test]
    fn a_family_s_members_are_told_apart() {
        let brands = |brands: &[u8]| [&(brands.len() as u32 + 8).to_be_bytes(), &b"ftyp"[..], brands, b"meta"].concat();
        assert_eq!(Format::of(&brands(b"avif\0\0\0\0")), Some(Format::Avif));
        assert_eq!(Format::of(&brands(b"mif1\0\0\0\0mif1avif")), Some(Format::Avif));
        assert_eq!(Format::of(&brands(b"mif1\0\0\0\0mif1heic")), Some(Format::Heic));
        assert_eq!(Format::of(&brands(b"heic")), Some(Format::Heic));
        assert_eq!(Format::of(b"ftyp"), None);
    }
}
