//! What a file is, by its name and its first bytes, and whether a plan reads it.

use super::columns::{says_test, says_train};
use super::plan::{ImportPlan, LabelSource, Problem, Role, SourceFile};
use crate::pipeline::class_name;
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
    /// JSON objects: one a line, one after the other, or the members of an array.
    JsonLines,
    /// A zip of any of these.
    Zip,
    /// A project saved by Hone.
    Project,
    /// What systems and programs keep for themselves (`.DS_Store`, `.git`, `@eaDir`, `Thumbs.db`): passed over and counted.
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
    /// Not at all: it is a hidden or system file, which is counted.
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
    if is_clutter(path) {
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
        "jsonl" | "ndjson" | "json" => SourceKind::JsonLines,
        "zip" => SourceKind::Zip,
        "hone" => SourceKind::Project,
        "svg" => SourceKind::Foreign("a drawing, not a picture: save it as PNG"),
        "xls" | "xlsx" | "ods" => SourceKind::Foreign("a spreadsheet: save it as CSV"),
        "parquet" | "feather" | "arrow" => SourceKind::Foreign("a binary table: save it as CSV or JSON Lines"),
        "pdf" | "doc" | "docx" | "odt" => SourceKind::Foreign("a document: save its text as .txt"),
        "gz" | "tgz" | "tar" | "7z" | "rar" | "bz2" | "xz" => {
            SourceKind::Foreign("an archive that Hone does not open: unpack it, or make it a zip")
        }
        _ => SourceKind::Foreign("not a kind of file that Hone reads: images, .txt, CSV, TSV, JSON or a zip of them"),
    }
}

/// Folders and files that systems and programs keep for themselves, beside all whose names begin with a dot.
const CLUTTER: [&str; 14] = [
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "#recycle",
    "@recycle",
    "lost+found",
    "__pycache__",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "synofile_thumb_m.png",
];

/// Whether any part of the path is hidden or a system's own. The folder that a person chose may begin with a dot: it is
/// the first part, and what is in it was meant.
fn is_clutter(path: &str) -> bool {
    let known = |part: &str| CLUTTER.contains(&part.to_lowercase().as_str());
    let hidden = |part: &str| part.starts_with('.') && part != "." && part != ".." || part.starts_with("~$");
    let own = |part: &str| matches!(part, ".git" | ".svn" | ".hg" | ".ipynb_checkpoints" | ".thumbnails" | ".DS_Store");
    path.split('/').enumerate().any(|(place, part)| {
        let chosen = place == 0 && path.contains('/');
        known(part) || own(part) || (hidden(part) && !chosen)
    })
}

/// Whether a file lies in a folder called test (or validation), or a table is called so.
pub fn is_test_path(path: &str) -> bool {
    path_says(path, says_test)
}

/// Whether a file lies in a folder called train, or a table is called so.
pub fn is_train_path(path: &str) -> bool {
    path_says(path, says_train)
}

fn path_says(path: &str, says: impl Fn(&str) -> bool) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or_default();
    let mut words = stem.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let of_rows = matches!(source_kind(path, &[]), SourceKind::Table | SourceKind::JsonLines);
    let first = words.next();
    let last = words.next_back();
    folders.split('/').any(|folder| says(without_zip(folder)))
        || (of_rows && [first, last].into_iter().flatten().any(says))
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
        Kind::Text | Kind::Table if plan.format.as_ref().is_some_and(|format| format.json_lines) => "a JSON file",
        Kind::Text | Kind::Table => "a table",
    };
    let left_out = |reason: &str| Reading::LeftOut(Problem::of_file(&file.path, format!("left out: {reason}")));
    let wanted = match (&kind, plan.kind) {
        (SourceKind::Clutter, _) => return Reading::Skip,
        (SourceKind::Foreign(what), _) => return left_out(&format!("it is {what}")),
        (SourceKind::Image, Kind::Image) => Some(Reading::Image),
        (SourceKind::Table | SourceKind::JsonLines, Kind::Image) => {
            let fits = |json_lines: bool| json_lines == (kind == SourceKind::JsonLines);
            let names_images = plan.columns_of(Role::File).next().is_some();
            plan.format.as_ref().filter(|format| names_images && fits(format.json_lines)).map(|_| Reading::Beside)
        }
        (SourceKind::Text, Kind::Text) if !from_rows && is_companion(&file.path) => None,
        (SourceKind::Text, Kind::Text) if !from_rows => Some(Reading::Text),
        (SourceKind::Table | SourceKind::JsonLines | SourceKind::Text, Kind::Text | Kind::Table) => plan
            .format
            .as_ref()
            .filter(|format| match kind {
                SourceKind::JsonLines => format.json_lines,
                SourceKind::Text => !format.json_lines && !is_companion(&file.path),
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

/// The label that `plan` reads off the place of the file: the name of its folder at the plan's level, if that is one of
/// the plan's classes (the folder above all class folders is not).
pub fn folder_label(plan: &ImportPlan, path: &str) -> Option<String> {
    if plan.labels != LabelSource::Folder {
        return None;
    }
    let level = plan.folder_levels.iter().find(|level| level.above == plan.folder_level)?;
    let folder = folder_at(path, level.at as usize, level.root as usize)?;
    let folded = class_name::folded(folder);
    plan.classes.iter().map(|(class, _)| class).find(|class| class_name::folded(class) == folded).cloned()
}

/// The folder of a file at this place of its path, or its own where that lies higher up; none above `root`. A zip counts
/// as a folder without its `.zip`.
pub(super) fn folder_at(path: &str, at: usize, root: usize) -> Option<&str> {
    let folders: Vec<&str> = path.rsplit_once('/')?.0.split('/').collect();
    let at = at.min(folders.len() - 1);
    (at >= root).then(|| without_zip(folders[at]))
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
                    "not a kind of file that Hone reads: images, .txt, CSV, TSV, JSON or a zip of them",
                ),
            ),
            ("a.csv", b"", SourceKind::Table),
            ("a.json", b"{\"a\":1}", SourceKind::JsonLines),
            ("a.json", b" [{}]", SourceKind::JsonLines),
            ("a.zip", b"PK\x03\x04", SourceKind::Zip),
            ("a.hone", b"", SourceKind::Project),
            ("a/.DS_Store", b"", SourceKind::Clutter),
            ("__MACOSX/a/b.jpg", b"", SourceKind::Clutter),
            ("a/Thumbs.db", b"", SourceKind::Clutter),
            ("a/.git/hooks/x.txt", b"", SourceKind::Clutter),
            (".git/x.txt", b"", SourceKind::Clutter),
            ("a/cat/@eaDir/1.jpg/SYNOFILE_THUMB_M.jpg", b"", SourceKind::Clutter),
            ("$RECYCLE.BIN/1.jpg", b"", SourceKind::Clutter),
            ("a/.thumbnails/1.jpg", b"", SourceKind::Clutter),
            (".private photos/1.jpg", b"", SourceKind::Image),
        ] {
            assert_eq!(source_kind(path, head), expected, "{path}");
        }
        for (path, head, hint) in [
            ("a.xlsx", &b"PK\x03\x04"[..], "spreadsheet"),
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
        for (path, at, expected) in [
            ("photos.zip/a.jpg", 0, Some("photos")),
            ("x/cats/a.jpg", 1, Some("cats")),
            ("x/cats/a.jpg", 5, Some("cats")),
            ("a.jpg", 0, None),
            (".zip/a", 0, Some(".zip")),
        ] {
            assert_eq!(folder_at(path, at, 0), expected, "{path}");
        }
        assert_eq!(folder_at("x/a.jpg", 1, 1), None, "x holds all files");
    }

    #[test]
    fn test_sets_are_told_by_folders_and_names() {
        for path in ["set/test/cat/1.jpg", "set/val/1.txt", "set/test.csv", "reviews_test.jsonl", "test-0-of-1.csv"] {
            assert!(is_test_path(path), "{path}");
        }
        for path in ["set/cat/test.jpg", "contest.csv", "set/train/1.jpg", "latest/1.jpg"] {
            assert!(!is_test_path(path), "{path}");
        }
        assert!(is_train_path("train.zip/cat/1.jpg"));
    }
}
