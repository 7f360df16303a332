//! The mark in an image that was converted when it came in: which file it was. An item keeps the hash of the file that a person brought,
//! though other bytes are stored for it; the mark says that they belong together.

use crate::pipeline::item::ContentHash;

const KEYWORD: &[u8] = b"Hone original\0";
/// A PNG's signature and header chunk.
const PNG_HEAD: usize = 33;
/// A JPEG's first marker.
const JPEG_HEAD: usize = 2;

/// `converted`, a PNG or a JPEG, with the mark that it was made from the file with the hash `original`.
pub fn mark(converted: &[u8], original: ContentHash) -> Vec<u8> {
    let said = [KEYWORD, original.to_hex().as_bytes()].concat();
    let (at, mark) = if converted.starts_with(b"\x89PNG") {
        let chunk = [b"tEXt", &said[..]].concat();
        (PNG_HEAD, [&(said.len() as u32).to_be_bytes(), &chunk[..], &crc32(&chunk).to_be_bytes()].concat())
    } else {
        (JPEG_HEAD, [b"\xff\xfe", &(said.len() as u16 + 2).to_be_bytes(), &said[..]].concat())
    };
    let (head, rest) = converted.split_at(at.min(converted.len()));
    [head, &mark, rest].concat()
}

/// Whether `bytes` are the file with the hash `original`, or were made from it.
pub fn belongs(bytes: &[u8], original: ContentHash) -> bool {
    let at = if bytes.starts_with(b"\x89PNG") { PNG_HEAD + 8 } else { JPEG_HEAD + 4 };
    let said = bytes.get(at..).and_then(|rest| rest.strip_prefix(KEYWORD)).and_then(|rest| rest.get(..64));
    said == Some(original.to_hex().as_bytes()) || ContentHash::of(bytes) == original
}

/// The checksum of a PNG's chunks. Of these hundred bytes it needs no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_image_belongs_to_its_original_alone() {
        let (original, other) = (ContentHash::of(b"a scan"), ContentHash::of(b"another"));
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 60]].concat();
        for converted in [&png[..], b"\xff\xd8\xff\xda pixels"] {
            let marked = mark(converted, original);
            assert!(belongs(&marked, original) && !belongs(&marked, other));
            assert!(!belongs(converted, original) && belongs(converted, ContentHash::of(converted)));
        }
        assert!(!belongs(b"", original));
    }

    #[test]
    fn the_checksum_is_that_of_png() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
    }
}
