//! Items that are a file each: images and plain texts.

use super::cut_off::{CutOff, cut_off};
use super::encoding::{TextDecoder, guess_encoding, is_text};
use super::plan::{ImportPlan, Problem, SourceFile};
use super::source::folder_label;
use super::{Beside, GivenLabel, Imported, ProblemList};
use crate::pipeline::item::{Content, ContentHash, Item};

/// An image file may have at most this many bytes.
pub const MAX_IMAGE_BYTES: u64 = 64 << 20;
/// An image may have at most this many megapixels: decoded, each takes 4 MB.
pub const MAX_MEGAPIXELS: u64 = 100;
/// A text that is a file of its own may have at most this many bytes.
pub const MAX_TEXT_BYTES: u64 = 4 << 20;

/// Checks, from its first bytes and without decoding it, that an image can be imported. The head may be the whole
/// file; a JPEG's size may stand behind 64 KB of metadata and more, so give 256 KB at least where there are as many.
/// Returns width and height in pixels.
///
/// # Errors
/// The problem, if it is no image of a known format, is cut off, is too heavy or too large.
pub fn check_image(head: &[u8], file: &SourceFile) -> Result<(u32, u32), Problem> {
    let problem = |message: String| Err(Problem::of_file(&file.path, message));
    if file.size == 0 || head.is_empty() {
        return problem("left out: the file is empty".into());
    }
    if file.size > MAX_IMAGE_BYTES {
        return problem(format!("left out: it is {} MB; the limit is 64 MB: scale it down", file.size >> 20));
    }
    let size = match imagesize::blob_size(head) {
        Ok(size) if size.width > 0 && size.height > 0 => size,
        Ok(_) => return problem("left out: it has no pixels".into()),
        Err(imagesize::ImageError::NotSupported) => {
            return problem("left out: its content is not an image, whatever its name says".into());
        }
        Err(_) => return problem("left out: the image is damaged or cut off".into()),
    };
    let megapixels = (size.width as u64).saturating_mul(size.height as u64) / 1_000_000;
    if megapixels > MAX_MEGAPIXELS {
        return problem(format!(
            "left out: {} × {} is {megapixels} megapixels; the limit is {MAX_MEGAPIXELS}: scale it down",
            size.width, size.height
        ));
    }
    Ok((size.width as u32, size.height as u32))
}

/// The image `file`, with what a table beside it says, as an item of the import `batch`, from all its bytes; they are to be stored under its hash.
pub fn image_item(
    plan: &ImportPlan,
    beside: &Beside,
    file: &SourceFile,
    bytes: &[u8],
    batch: u32,
    problems: &mut ProblemList,
) -> Option<Imported> {
    let whole = check_image(bytes, file).and_then(|_| match cut_off(bytes) {
        Some(CutOff::Useless) => {
            let message = "left out: the file ends before its picture does, so it cannot be drawn: copy it again";
            Err(Problem::of_file(&file.path, message))
        }
        Some(CutOff::Partly) => {
            let message =
                "the file ends in the middle of the picture: what is missing is grey or coarse. Copy it again";
            problems.push(Problem::note(&file.path, message));
            Ok(())
        }
        None => Ok(()),
    });
    match whole {
        Ok(()) => {
            let hash = ContentHash::of(bytes);
            let known = beside.of(&file.path);
            let (labels, extra, split) = match known {
                Some(row) => (row.labels.clone(), row.item.extra.clone(), row.held_out),
                None => (folder_label(plan, &file.path).map(GivenLabel::of).into_iter().collect(), Vec::new(), false),
            };
            let labelled = !labels.is_empty();
            let held_out = labelled && (split || plan.holds_out(&file.path, hash, None));
            let item = Item { hash, name: file.path.clone(), content: Content::Image, batch, extra };
            Some(Imported { item, labels, held_out })
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// The text file `file` as an item of the import `batch`, from all its bytes.
pub fn text_item(
    plan: &ImportPlan,
    file: &SourceFile,
    bytes: &[u8],
    batch: u32,
    problems: &mut ProblemList,
) -> Option<Imported> {
    let encoding = guess_encoding(bytes);
    let mut decoder = TextDecoder::new(encoding);
    let refusal = if bytes.len() as u64 > MAX_TEXT_BYTES {
        Some(format!("left out: it is {} MB; a text may have 4 MB", bytes.len() >> 20))
    } else if !is_text(bytes, encoding) {
        Some("left out: its content is not text".to_string())
    } else {
        None
    };
    if let Some(message) = refusal {
        problems.push(Problem::of_file(&file.path, message));
        return None;
    }
    let text = decoder.decode(bytes, true).trim().to_string();
    if text.is_empty() {
        problems.push(Problem::of_file(&file.path, "left out: the text is empty"));
        return None;
    }
    if decoder.has_replaced() {
        let message = format!("some characters are not valid {encoding} and became \u{fffd}. Save the file as UTF-8");
        problems.push(Problem::note(&file.path, message));
    }
    let hash = ContentHash::of(text.as_bytes());
    let labels: Vec<GivenLabel> = folder_label(plan, &file.path).map(GivenLabel::of).into_iter().collect();
    let held_out = !labels.is_empty() && plan.holds_out(&file.path, hash, None);
    let item = Item { hash, name: file.path.clone(), content: Content::Text(text), batch, extra: Vec::new() };
    Some(Imported { item, labels, held_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::import::inspect::{Head, inspect};

    /// A PNG of this size, as far as anybody looks who does not decode it.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"\0\0\0\x04IDATdatacrc!\0\0\0\0IENDcrc!");
        bytes
    }

    fn file(path: &str, size: u64) -> SourceFile {
        SourceFile { path: path.into(), size }
    }

    #[test]
    fn images_are_checked_without_decoding() {
        let check =
            |bytes: &[u8], size: u64| check_image(bytes, &file("a.png", size)).map_err(|problem| problem.message);
        assert_eq!(check(&png(640, 480), 1000), Ok((640, 480)));
        for (bytes, size, hint) in [
            (png(20_000, 20_000), 1000, "20000 × 20000 is 400 megapixels; the limit is 100"),
            (png(0, 5), 1000, "no pixels"),
            (png(640, 480)[..14].to_vec(), 14, "damaged or cut off"),
            (b"<html>this is no picture</html>".to_vec(), 30, "not an image"),
            (Vec::new(), 0, "empty"),
            (png(640, 480), 65 << 20, "65 MB; the limit is 64 MB"),
        ] {
            let message = check(&bytes, size).unwrap_err();
            assert!(message.contains(hint), "{hint}: {message}");
        }
    }

    #[test]
    fn a_file_becomes_an_item_or_a_problem() {
        let sources = [file("pets/cat/1.txt", 5), file("pets/dog/1.txt", 5)];
        let heads: Vec<Head<'_>> = sources.iter().map(|file| Head { file, bytes: b"hello" }).collect();
        let plan = inspect(&heads, &[], None, ProblemList::default());
        let mut problems = ProblemList::default();
        let item = text_item(&plan, &sources[1], b" hello\n", 2, &mut problems).expect("a text");
        assert_eq!((item.label(), item.item.hash), (Some("dog"), ContentHash::of(b"hello")));
        for bytes in [&b" \n"[..], b"bin\0ary file"] {
            assert_eq!(text_item(&plan, &sources[0], bytes, 2, &mut problems), None);
        }
        let image = image_item(&plan, &Beside::default(), &sources[0], &png(3, 3), 2, &mut problems).expect("an image");
        assert_eq!(image.item.hash, ContentHash::of(&png(3, 3)));
        assert_eq!(image_item(&plan, &Beside::default(), &sources[0], b"nope", 2, &mut problems), None);
        assert_eq!((problems.count(), problems.lost()), (3, 3));
    }

    #[test]
    fn an_image_that_breaks_off_comes_in_with_a_note_or_not_at_all() {
        let sources = [file("a.png", 5)];
        let plan = inspect(&[Head { file: &sources[0], bytes: b"" }], &[], None, ProblemList::default());
        let whole = png(3, 3);
        let mut problems = ProblemList::default();
        let mut take = |bytes: &[u8]| {
            let is_in = image_item(&plan, &Beside::default(), &sources[0], bytes, 0, &mut problems).is_some();
            (is_in, problems.count(), problems.lost())
        };
        assert_eq!(take(&whole), (true, 0, 0));
        assert_eq!(take(&whole[..whole.len() - 15]), (true, 1, 0));
        assert_eq!(take(&whole[..33]), (false, 2, 1));
    }
}
