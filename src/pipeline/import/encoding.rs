//! From bytes to characters, chunk by chunk.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Guesses the encoding of a file from its head: a byte order mark, else UTF-8 if it is valid, else UTF-16 by its
/// zero bytes, else what chardetng (the detector of Firefox) says. Returns the WHATWG name.
pub fn guess_encoding(head: &[u8]) -> &'static str {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return encoding.name();
    }
    if let Some(encoding) = utf_16_without_mark(head) {
        return encoding.name();
    }
    if is_utf_8_up_to_a_cut(head) {
        return UTF_8.name();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    detector.guess(None, Utf8Detection::Deny).name()
}

/// Whether the bytes are text at all, in the given encoding: a zero byte is in no text but UTF-16.
pub fn is_text(head: &[u8], encoding: &str) -> bool {
    encoding.starts_with("UTF-16") || !head.contains(&0)
}

/// The head as text; a character cut in two at its end is left out.
pub fn decode_head(head: &[u8], encoding: &str) -> String {
    TextDecoder::new(encoding).decode(head, false)
}

/// Decodes a file of any length, chunk by chunk; a byte order mark overrides the encoding given.
pub struct TextDecoder {
    decoder: Decoder,
    replaced: bool,
}

impl TextDecoder {
    /// For an encoding by its WHATWG name; an unknown name means UTF-8.
    pub fn new(encoding: &str) -> Self {
        let encoding = Encoding::for_label(encoding.as_bytes()).unwrap_or(UTF_8);
        Self { decoder: encoding.new_decoder(), replaced: false }
    }

    /// Decodes the next chunk; set `last` on the last one, which may be empty.
    pub fn decode(&mut self, bytes: &[u8], last: bool) -> String {
        let mut text = String::with_capacity(self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
        let mut rest = bytes;
        loop {
            let (result, read, replaced) = self.decoder.decode_to_string(rest, &mut text, last);
            self.replaced |= replaced;
            rest = &rest[read..];
            match result {
                encoding_rs::CoderResult::InputEmpty => return text,
                encoding_rs::CoderResult::OutputFull => text.reserve(rest.len() + 64),
            }
        }
    }

    /// Whether some bytes made no character in this encoding and became U+FFFD.
    pub fn has_replaced(&self) -> bool {
        self.replaced
    }

    /// The encoding in use: the one given, or the byte order mark's.
    pub fn encoding(&self) -> &'static str {
        self.decoder.encoding().name()
    }
}

fn is_utf_8_up_to_a_cut(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // No error length: the head ends in the middle of a character.
        Err(error) => error.error_len().is_none(),
    }
}

/// Mostly Latin text in UTF-16 has a zero in every other byte.
fn utf_16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let sample = &head[..head.len().min(4096)];
    if sample.len() < 8 {
        return None;
    }
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    if odd * 10 > half * 7 && even * 10 < half {
        Some(UTF_16LE)
    } else if even * 10 > half * 7 && odd * 10 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let with_mark = |text: &str| [vec![0xff, 0xfe], utf_16(text)].concat();
        let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let cyrillic = "Это предложение написано по-русски, чтобы узнать кодировку файла. Привет, мир!";
        for (bytes, encoding, text) in [
            (b"plain".to_vec(), "UTF-8", "plain"),
            ("\u{feff}mark é".as_bytes().to_vec(), "UTF-8", "mark é"),
            ("cut é".as_bytes()[..5].to_vec(), "UTF-8", "cut "),
            (with_mark("text,é"), "UTF-16LE", "text,é"),
            (utf_16("text,label\n"), "UTF-16LE", "text,label\n"),
            (latin("Das Café an der Straße war schön"), "windows-1252", "Das Café an der Straße war schön"),
            (encoding_rs::WINDOWS_1251.encode(cyrillic).0.into_owned(), "windows-1251", cyrillic),
        ] {
            let guessed = guess_encoding(&bytes);
            assert_eq!((guessed, decode_head(&bytes, guessed).as_str()), (encoding, text));
        }
    }

    #[test]
    fn a_character_may_be_cut_between_chunks() {
        let mut decoder = TextDecoder::new("UTF-8");
        let text: String = "naïve – 日本".bytes().map(|byte| decoder.decode(&[byte], false)).collect();
        assert_eq!((text.as_str(), decoder.has_replaced()), ("naïve – 日本", false));
        assert_eq!(decoder.decode(b"\xff", true), "\u{fffd}");
        assert!(decoder.has_replaced());
    }
}
