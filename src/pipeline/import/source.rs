//! What a file is, by its name and its first bytes, and whether a plan reads it.

use super::plan::{ImportPlan, LabelSource, Problem, SourceFile};
use crate::pipeline::item::Kind;

/// What a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A picture. Whether it can be decoded is known once it is read: of HEIC and AVIF, that depends on where.
    Image,
    /// A plain text file.
    Text,
    /// Delimited cells.
    Table,
    /// One JSON object a line.
    JsonLines,
    /// A zip of any of these.
    Zip,
    /// A project saved by Hone.
    Project,
    /// What systems leave behind (`.DS_Store`, `Thumbs.db`, `__MACOSX`): passed over without a word.
    Clutter,
    /// Nothing Hone reads; the text says what it is and what would be right.
    Foreign(&'static str),
}

/// How a plan wants a file read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// With [`image_item`](super::image_item), from all its bytes.
    Image,
    /// With [`text_item`](super::text_item), from all its bytes.
    Text,
    /// With a [`TableReader`](super::TableReader), chunk by chunk.
    Rows,
    /// With a [`TableReader`](super::TableReader), before all others, into a [`Beside`](super::Beside).
    Beside,
    /// Not at all, and nobody misses it.
    Skip,
    /// Not at all, for this reason.
    LeftOut(Problem),
}

/// How many bytes [`inspect`](super::inspect()) wants to see of the file at `path`: none of an image, most of a table.
pub fn head_bytes(path: &str) -> usize {
    match source_kind(path, &[]) {
        SourceKind::Image | SourceKind::Clutter => 0,
        // There may be ten thousand of these, and they tell little.
        SourceKind::Text => 64 << 10,
        _ => 1 << 20,
    }
}

/// What the file at `path` is. `head` may be empty; then the name alone decides.
pub fn source_kind(path: &str, head: &[u8]) -> SourceKind {
    let name = file_name(path);
    if name.starts_with('.')
        || path.split('/').any(|folder| folder == "__MACOSX")
        || ["thumbs.db", "desktop.ini"].iter().any(|clutter| name.eq_ignore_ascii_case(clutter))
    {
        return SourceKind::Clutter;
    }
    if is_project_file(head) {
        return SourceKind::Project;
    }
    if let Some(kind) = kind_by_magic(head) {
        return kind;
    }
    match extension(path).as_str() {
        "png" | "jpg" | "jpeg" | "jfif" | "gif" | "webp" | "bmp" | "avif" | "heic" | "heif" | "tif" | "tiff" => {
            SourceKind::Image
        }
        "txt" | "text" => SourceKind::Text,
        "csv" | "tsv" | "tab" => SourceKind::Table,
        "jsonl" | "ndjson" => SourceKind::JsonLines,
        "json" if first_visible(head) == Some(b'[') => SourceKind::Foreign(
            "a JSON array: Hone reads JSON Lines, one object a line. `jq -c '.[]' file.json > file.jsonl` makes that of it",
        ),
        "json" => SourceKind::JsonLines,
        "zip" => SourceKind::Zip,
        "hone" => SourceKind::Project,
        "svg" => SourceKind::Foreign("a drawing, not a picture: save it as PNG"),
        "xls" | "xlsx" | "ods" => SourceKind::Foreign("a spreadsheet: save it as CSV"),
        "parquet" | "feather" | "arrow" => SourceKind::Foreign("a binary table: save it as CSV or JSON Lines"),
        "pdf" | "doc" | "docx" | "odt" => SourceKind::Foreign("a document: save its text as .txt"),
        "gz" | "tgz" | "tar" | "7z" | "rar" | "bz2" | "xz" => {
            SourceKind::Foreign("an archive that Hone does not open: unpack it, or make it a zip")
        }
        _ => SourceKind::Foreign(
            "not a kind of file that Hone reads: images, .txt, CSV, TSV, JSON Lines or a zip of them",
        ),
    }
}

/// Whether `head` is the beginning of a project saved by Hone: a zip whose first entry says so.
pub fn is_project_file(head: &[u8]) -> bool {
    let field = |at: usize| head.get(at..at + 2).map(|bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    // A zip's local header is 30 bytes, then the name, then an extra field, then the content.
    let (Some(name_length), Some(extra_length)) = (field(26), field(28)) else { return false };
    let content = 30 + name_length + extra_length;
    head.starts_with(b"PK\x03\x04")
        && head.get(30..30 + name_length) == Some(b"mimetype")
        && head.get(content..).is_some_and(|rest| rest.starts_with(PROJECT_MIMETYPE.as_bytes()))
}

/// What the first entry of a project file holds.
pub const PROJECT_MIMETYPE: &str = "application/vnd.hone.project+zip";

/// How `plan` wants `file` read. `head` may be empty; then the name alone decides.
pub fn reading(plan: &ImportPlan, file: &SourceFile, head: &[u8]) -> Reading {
    let kind = source_kind(&file.path, head);
    let from_rows = plan.format.is_some();
    let expected = match plan.kind {
        Kind::Image => "an image",
        Kind::Text if !from_rows => "a .txt file",
        Kind::Text | Kind::Table if plan.format.as_ref().is_some_and(|format| format.json_lines) => "a JSON Lines file",
        Kind::Text | Kind::Table => "a table",
    };
    let left_out = |reason: &str| Reading::LeftOut(Problem::of_file(&file.path, format!("left out: {reason}")));
    let wanted = match (&kind, plan.kind) {
        (SourceKind::Clutter, _) => return Reading::Skip,
        (SourceKind::Foreign(what), _) => return left_out(&format!("it is {what}")),
        (SourceKind::Image, Kind::Image) => Some(Reading::Image),
        (SourceKind::Text, Kind::Text) if !from_rows && is_companion(&file.path) => None,
        (SourceKind::Text, Kind::Text) if !from_rows => Some(Reading::Text),
        (SourceKind::Table | SourceKind::JsonLines | SourceKind::Text, Kind::Text | Kind::Table) => plan
            .format
            .as_ref()
            .filter(|format| match kind {
                SourceKind::JsonLines => format.json_lines,
                SourceKind::Text => format.delimiter == b'\n' && !format.json_lines && !is_companion(&file.path),
                _ => !format.json_lines,
            })
            .map(|_| Reading::Rows),
        _ => None,
    };
    match wanted {
        Some(_) if file.size == 0 => left_out("the file is empty"),
        Some(reading) => reading,
        None => left_out(&format!("it is not {expected}, as the rest of this import is")),
    }
}

/// The label that `plan` reads off the place of the file: the name of its folder, if that is one of the plan's
/// classes (the folder above all class folders is not).
pub fn folder_label(plan: &ImportPlan, path: &str) -> Option<String> {
    if plan.labels != LabelSource::Folder {
        return None;
    }
    let folder = last_folder(path)?;
    let known = plan.classes.is_empty() || plan.classes.iter().any(|(class, _)| class == folder);
    known.then(|| folder.to_string())
}

/// The name of the folder a file lies in; a zip counts as a folder without its `.zip`.
pub(super) fn last_folder(path: &str) -> Option<&str> {
    let folder = file_name(path.rsplit_once('/')?.0);
    Some(without_zip(folder))
}

/// A zip's name without its extension; any other name as it is.
pub(super) fn without_zip(name: &str) -> &str {
    match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
        Some((stem, dot_zip)) if !stem.is_empty() && dot_zip.eq_ignore_ascii_case(".zip") => stem,
        _ => name,
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The part of a file's name after its last dot, in lower case; empty if there is none.
pub(super) fn extension(path: &str) -> String {
    file_name(path).rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether this is a file that explains the others rather than one of them.
pub(super) fn is_companion(path: &str) -> bool {
    let stem = file_name(path).split('.').next().unwrap_or_default().to_ascii_lowercase();
    ["readme", "license", "licence", "credits", "copying", "notice", "changelog", "sources"].contains(&stem.as_str())
}

/// What AVIF and HEIC files call themselves, after `ftyp`.
const HEIF_BRANDS: [&[u8; 4]; 12] =
    [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"];

fn kind_by_magic(head: &[u8]) -> Option<SourceKind> {
    let brand = head.get(4..12).unwrap_or_default();
    let is_image = head.starts_with(b"\x89PNG\r\n\x1a\n")
        || head.starts_with(b"\xff\xd8\xff")
        || head.starts_with(b"GIF8")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || [&b"II*\0"[..], b"MM\0*"].iter().any(|tiff| head.starts_with(tiff))
        || brand.strip_prefix(b"ftyp").is_some_and(|brand| HEIF_BRANDS.iter().any(|known| *known == brand));
    if is_image {
        Some(SourceKind::Image)
    } else if head.starts_with(b"%PDF-") {
        Some(SourceKind::Foreign("a PDF document: save its text as .txt"))
    } else if head.starts_with(b"PAR1") {
        Some(SourceKind::Foreign("a Parquet table: save it as CSV or JSON Lines"))
    } else {
        None
    }
}

fn first_visible(head: &[u8]) -> Option<u8> {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_their_name_and_beginning_say() {
        for (path, head, expected) in [
            ("a/b.JPG", &b""[..], SourceKind::Image),
            ("a/unnamed", b"\x89PNG\r\n\x1a\n", SourceKind::Image),
            ("scan.TIF", b"", SourceKind::Image),
            ("scan.jpg", b"MM\0*\0\0\0\x08", SourceKind::Image),
            ("photo.csv", b"\0\0\0\x24ftypheic", SourceKind::Image),
            (
                "film.mp4",
                b"\0\0\0\x20ftypisom",
                SourceKind::Foreign(
                    "not a kind of file that Hone reads: images, .txt, CSV, TSV, JSON Lines or a zip of them",
                ),
            ),
            ("a.csv", b"", SourceKind::Table),
            ("a.json", b"{\"a\":1}", SourceKind::JsonLines),
            ("a.zip", b"PK\x03\x04", SourceKind::Zip),
            ("a.hone", b"", SourceKind::Project),
            ("a/.DS_Store", b"", SourceKind::Clutter),
            ("__MACOSX/a/b.jpg", b"", SourceKind::Clutter),
            ("a/Thumbs.db", b"", SourceKind::Clutter),
        ] {
            assert_eq!(source_kind(path, head), expected, "{path}");
        }
        for (path, head, hint) in [
            ("a.json", &b" [{}]"[..], "JSON array"),
            ("a.xlsx", b"PK\x03\x04", "spreadsheet"),
            ("a.csv", b"PAR1", "Parquet"),
            ("a.exe", b"MZ", "not a kind of file"),
        ] {
            let kind = source_kind(path, head);
            assert!(matches!(kind, SourceKind::Foreign(what) if what.contains(hint)), "{path}: {kind:?}");
        }
    }

    #[test]
    fn a_zip_is_no_project() {
        for head in [&b""[..], b"PK\x03\x04", &[b'P'; 100], b"PK\x03\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert!(!is_project_file(head));
        }
    }

    #[test]
    fn a_zip_counts_as_a_folder() {
        for (path, expected) in [
            ("photos.zip/a.jpg", Some("photos")),
            ("x/cats/a.jpg", Some("cats")),
            ("a.jpg", None),
            (".zip/a", Some(".zip")),
        ] {
            assert_eq!(last_folder(path), expected, "{path}");
        }
    }
}
