//! Image files that break off: seen by their structure, without decoding them.

/// How an image file that breaks off can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// A part of the picture is there, and decoders draw it.
    Partly,
    /// No decoder makes a picture of what is there.
    Useless,
}

/// Whether the image `bytes` break off before their (first) picture is complete; none for whole files and for formats whose
/// ends cannot be seen.
pub fn cut_off(bytes: &[u8]) -> Option<CutOff> {
    if bytes.starts_with(b"\xff\xd8\xff") {
        jpeg(bytes)
    } else if let Some(chunks) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") {
        png(chunks)
    } else if bytes.starts_with(b"GIF8") {
        gif(bytes).is_none().then_some(CutOff::Useless)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        let said = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
        (u64::from(said) + 8 > bytes.len() as u64).then_some(CutOff::Useless)
    } else if bytes.starts_with(b"BM") {
        bmp(bytes).filter(|needed| *needed > bytes.len() as u64).map(|_| CutOff::Useless)
    } else {
        None
    }
}

/// A JPEG is whole if its end is marked somewhere after its pixels began: phones put films and more behind it.
fn jpeg(bytes: &[u8]) -> Option<CutOff> {
    let mut at = 2;
    loop {
        let Some(&[0xff, marker]) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { return Some(CutOff::Useless) };
        match marker {
            // Bytes that fill up, and markers that stand alone.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => return Some(CutOff::Useless),
            _ => {
                let Some(length) = bytes.get(at + 2..).and_then(<[u8]>::first_chunk) else {
                    return Some(CutOff::Useless);
                };
                at += 2 + usize::from(u16::from_be_bytes(*length));
                if marker == 0xda {
                    break;
                }
            }
        }
    }
    match bytes.get(at..) {
        None | Some([]) => Some(CutOff::Useless),
        // Among pixels, 0xff is never followed by the end's second byte.
        Some(pixels) if pixels.windows(2).any(|two| two == b"\xff\xd9") => None,
        Some(_) => Some(CutOff::Partly),
    }
}

/// A PNG is whole if its end chunk has begun.
fn png(mut chunks: &[u8]) -> Option<CutOff> {
    let mut has_pixels = false;
    while let Some((length, rest)) = chunks.split_first_chunk::<4>() {
        let kind = rest.get(..4);
        if kind == Some(b"IEND") {
            return None;
        }
        let whole = u64::from(u32::from_be_bytes(*length)) + 8;
        has_pixels |= kind == Some(b"IDAT") && rest.len() > 4;
        let Some(next) = usize::try_from(whole).ok().and_then(|whole| rest.get(whole..)) else { break };
        chunks = next;
    }
    Some(if has_pixels { CutOff::Partly } else { CutOff::Useless })
}

/// The end of a GIF's first picture; none if it is not there.
fn gif(bytes: &[u8]) -> Option<usize> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let blocks_end = |mut at: usize| loop {
        match usize::from(*bytes.get(at)?) {
            0 => return Some(at + 1),
            length => at += 1 + length,
        }
    };
    let mut at = 13 + palette(*bytes.get(10)?);
    loop {
        match bytes.get(at)? {
            0x21 => at = blocks_end(at + 2)?,
            0x2c => return blocks_end(at + 11 + palette(*bytes.get(at + 9)?)),
            _ => return None,
        }
    }
}

/// The bytes that a BMP without compression needs; none if that is not known.
fn bmp(bytes: &[u8]) -> Option<u64> {
    let long = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|four| u32::from_le_bytes(*four));
    // Headers of 40 bytes and more say how the pixels are packed; 0 and 3 are not at all.
    if long(14)? < 40 || !matches!(long(30)?, 0 | 3) {
        return None;
    }
    let bits = u64::from(u16::from_le_bytes(*bytes.get(28..)?.first_chunk()?));
    let row = (u64::from(long(18)?) * bits).div_ceil(32) * 4;
    // A picture stored from the top down has a negative height.
    Some(u64::from(long(10)?) + row * u64::from((long(22)? as i32).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe1\0\x06\xff\xd9Ab\xff\xda\0\x04\x01\x02pixels\xff\0more";

    #[test]
    fn a_jpeg_ends_at_its_mark_and_nowhere_else() {
        let whole = [JPEG, b"\xff\xd9"].concat();
        for trailer in [&b""[..], b"\0\0\0", b"a film"] {
            assert_eq!(cut_off(&[&whole[..], trailer].concat()), None);
        }
        // The end within a thumbnail's segment is not the picture's.
        assert_eq!(cut_off(JPEG), Some(CutOff::Partly));
        for length in 3..17 {
            assert_eq!(cut_off(&whole[..length]), Some(CutOff::Useless), "{length} bytes");
        }
    }

    #[test]
    fn a_png_ends_with_its_last_chunk() {
        let chunk = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes()[..], kind, data, b"crc!"].concat();
        let head = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[0; 13])].concat();
        let whole = [head.clone(), chunk(b"IDAT", &[7; 20]), chunk(b"IEND", b"")].concat();
        assert_eq!(cut_off(&whole), None);
        assert_eq!(cut_off(&head), Some(CutOff::Useless));
        for length in head.len() + 9..whole.len() - 8 {
            assert_eq!(cut_off(&whole[..length]), Some(CutOff::Partly), "{length} bytes");
        }
    }

    #[test]
    fn of_a_gif_the_first_picture_counts() {
        let mut whole = b"GIF89a\x01\0\x01\0\x80\0\0".to_vec();
        whole.extend([0; 6]);
        whole.extend(b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
        assert_eq!(cut_off(&[&whole[..], b"\x21\xf9"].concat()), None);
        for length in 4..whole.len() {
            assert_eq!(cut_off(&whole[..length]), Some(CutOff::Useless), "{length} bytes");
        }
    }

    #[test]
    fn webp_and_bmp_say_their_length() {
        let webp = b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0";
        assert_eq!(cut_off(webp), None);
        assert_eq!(cut_off(&webp[..16]), Some(CutOff::Useless));
        let mut bmp = b"BM".to_vec();
        bmp.resize(54 + 8, 0);
        bmp[10] = 54;
        bmp[14] = 40;
        (bmp[18], bmp[22], bmp[28]) = (2, 1, 24);
        assert_eq!(cut_off(&bmp), None);
        assert_eq!(cut_off(&bmp[..61]), Some(CutOff::Useless));
        assert_eq!(cut_off(b"<html>"), None);
    }
}
