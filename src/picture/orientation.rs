//! How a camera was held: the mark that says so, read from every format that carries one.

use super::Format;
use std::ops::Range;

/// The EXIF tag of the mark.
const TAG: u16 = 0x0112;

/// How a stored picture is to be turned, as EXIF numbers it: 1, the default, is upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Orientation(1)
    }
}

impl Orientation {
    /// EXIF's number; none if it means nothing.
    pub fn from_exif(number: u16) -> Option<Orientation> {
        (1..=8).contains(&number).then_some(Orientation(number as u8))
    }

    /// What an image file's mark says; upright if there is none.
    pub fn of(bytes: &[u8]) -> Orientation {
        let exif = match Format::of(bytes) {
            Some(Format::Tiff) => Some(bytes),
            _ => exif(bytes).and_then(|range| bytes.get(range)),
        };
        exif.and_then(|exif| first_directory(exif, TAG))
            .and_then(|field| Orientation::from_exif(field.value))
            .unwrap_or_default()
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.0 >= 5
    }

    /// The place, in a stored picture of `across` × `down` pixels, of the pixel that is at `x`, `y` once it is turned.
    pub(super) fn source(self, x: usize, y: usize, across: usize, down: usize) -> (usize, usize) {
        match self.0 {
            2 => (across - 1 - x, y),
            3 => (across - 1 - x, down - 1 - y),
            4 => (x, down - 1 - y),
            5 => (y, x),
            6 => (y, down - 1 - x),
            7 => (across - 1 - y, down - 1 - x),
            8 => (across - 1 - y, x),
            _ => (x, y),
        }
    }
}

/// The image file without its EXIF data, so that a decoder that obeys the mark and one that does not give the same picture.
pub fn without_exif(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(exif) = exif(&bytes).and_then(|range| bytes.get_mut(range)) {
        exif.fill(0);
    }
    bytes
}

/// Where the EXIF data of a JPEG, PNG or WebP lies.
fn exif(bytes: &[u8]) -> Option<Range<usize>> {
    let found = match Format::of(bytes)? {
        Format::Jpeg => segment(bytes),
        Format::Png => chunk(bytes, 8, b"eXIf", |length, kind| (u32::from_be_bytes(*length), kind, 4)),
        Format::WebP => chunk(bytes, 12, b"EXIF", |kind, length| (u32::from_le_bytes(*length), kind, 0)),
        _ => None,
    }?;
    // JPEG's introduction to it is found elsewhere, too.
    let introduced = bytes.get(found.clone())?.starts_with(b"Exif\0\0");
    Some(if introduced { found.start + 6..found.end } else { found })
}

fn segment(bytes: &[u8]) -> Option<Range<usize>> {
    let mut at = 2;
    loop {
        let [mark, marker, length @ ..] = bytes.get(at..)?.first_chunk::<4>()?;
        match (mark, marker) {
            (0xff, 0xff) => at += 1,
            // From here on there are pixels.
            (0xff, 0xda | 0xd9) => return None,
            (0xff, _) => {
                let end = at + 2 + usize::from(u16::from_be_bytes(*length.first_chunk()?));
                if *marker == 0xe1 && bytes.get(at + 4..)?.starts_with(b"Exif\0\0") {
                    return Some(at + 4..end);
                }
                at = end;
            }
            _ => return None,
        }
    }
}

/// Takes a chunk's first eight bytes to its length, its kind and how much follows its data.
type ChunkHead = for<'a> fn(&'a [u8; 4], &'a [u8; 4]) -> (u32, &'a [u8; 4], usize);

/// The data of the chunk `wanted`. `head` takes a chunk's first eight bytes to its length, its kind and what follows its data.
fn chunk(bytes: &[u8], mut at: usize, wanted: &[u8; 4], head: ChunkHead) -> Option<Range<usize>> {
    let is_padded = wanted == b"EXIF";
    loop {
        let (first, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        let (length, kind, after) = head(first, rest.first_chunk()?);
        let (from, length) = (at + 8, usize::try_from(length).ok()?);
        let end = from.checked_add(length)?;
        if kind == wanted {
            return Some(from..end);
        }
        let padding = if is_padded { length % 2 } else { 0 };
        at = end.checked_add(after + padding)?;
    }
}

/// A field of one number in a TIFF's or EXIF's first directory.
pub(super) struct Field {
    /// Its value.
    pub value: u16,
    /// Where the value's two bytes lie.
    pub at: usize,
}

/// The field `tag`, if it is a short number.
pub(super) fn first_directory(bytes: &[u8], tag: u16) -> Option<Field> {
    let is_big = match bytes.first_chunk()? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let short = |at: usize| {
        let two = *bytes.get(at..)?.first_chunk()?;
        Some(if is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let four = *bytes.get(4..)?.first_chunk()?;
    let start = if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } as usize;
    let entry = |place: u16| start.checked_add(2 + usize::from(place) * 12);
    for place in 0..short(start)? {
        let at = entry(place)?;
        // Its tag, its type (3: short), how many, the value.
        if short(at)? == tag && short(at + 2)? == 3 {
            return Some(Field { value: short(at + 8)?, at: at + 8 });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif_of(orientation: u16) -> Vec<u8> {
        let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend(orientation.to_be_bytes());
        exif.extend([0; 6]);
        exif
    }

    #[test]
    fn every_format_s_mark_is_read() {
        let exif = exif_of(6);
        let png = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes(), kind, data, b"crc!"].concat();
        let webp = |kind: &[u8], data: &[u8]| [kind, &(data.len() as u32).to_le_bytes(), data].concat();
        let introduced = [b"Exif\0\0", &exif[..]].concat();
        let length = (introduced.len() as u16 + 2).to_be_bytes();
        let files = [
            [b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xe1", &length[..], &introduced].concat(),
            [b"\x89PNG\r\n\x1a\n".to_vec(), png(b"IHDR", b"x"), png(b"IDAT", b"xyz"), png(b"eXIf", &exif)].concat(),
            [&b"RIFF\0\0\0\0WEBP"[..], &webp(b"VP8X", b"abc"), b"\0", &webp(b"EXIF", &exif)].concat(),
            [&b"RIFF\0\0\0\0WEBP"[..], &webp(b"EXIF", &introduced)].concat(),
            exif.clone(),
        ];
        for file in &files {
            assert_eq!(Orientation::of(file), Orientation(6), "{file:x?}");
            for length in 0..file.len() {
                // No panic, whatever is missing.
                Orientation::of(&file[..length]);
            }
        }
        for file in &files[..4] {
            assert_eq!(Orientation::of(&without_exif(file)), Orientation(1));
            assert_eq!(without_exif(file).len(), file.len());
        }
        assert_eq!(Orientation::of(&exif_of(9)), Orientation(1));
        assert_eq!(Orientation::of(b"\xff\xd8\xff\xda\0\x04"), Orientation(1));
    }
}
