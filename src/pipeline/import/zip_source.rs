//! The files inside a zip, listed with care: paths that point outside, encrypted entries, archives in archives and
//! decompression bombs become problems.

use super::plan::{Problem, SourceFile};
use super::source::{SourceKind, extension, head_bytes, source_kind};
use super::{ProblemList, ZipListing};
use std::io::{Read, Seek};
use zip::ZipArchive;
use zip::read::ZipFileEntry;

/// A single file in a zip may unpack to this many bytes.
pub const MAX_ENTRY_BYTES: u64 = 4 << 30;
/// All files in a zip together may unpack to this many bytes.
pub const MAX_UNPACKED_BYTES: u64 = 64 << 30;
/// A file of more than [`RATIO_FREE_BYTES`] may unpack to this many times its packed size: real tables and pictures
/// stay below 100, and deflate cannot exceed 1032.
pub const MAX_RATIO: u64 = 200;
/// Below this size, a file's ratio does not matter.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;

/// A zip opened for import.
pub struct ZipSource<R> {
    path: String,
    archive: ZipArchive<R>,
    /// The files that may be read, with their place in the archive.
    entries: Vec<(SourceFile, usize)>,
    /// How many hidden and system files were passed over.
    hidden: u64,
}

impl<R: Read + Seek> ZipSource<R> {
    /// Opens the zip at `path` and lists it; what in it is refused is added to `problems`. The entries' paths begin
    /// with the zip's own.
    ///
    /// # Errors
    /// The problem, if this is no zip that can be read at all.
    pub fn open(path: &str, reader: R, problems: &mut ProblemList) -> Result<Self, Problem> {
        let damaged = |_| Problem::of_file(path, "left out: it is not a zip, or it is damaged. Make it anew");
        let archive = ZipArchive::new(reader).map_err(damaged)?;
        let mut entries = Vec::new();
        let mut hidden = 0;
        let raw_names: Vec<Vec<u8>> = (0..archive.len())
            .filter_map(|place| Some(archive.by_index_data(place).ok()?.name_raw().to_vec()))
            .collect();
        let encoding = NameEncoding::guess(&raw_names);
        let (mut packed, mut unpacked) = (0_u64, 0_u64);
        for place in 0..archive.len() {
            let Ok(entry) = archive.by_index_data(place) else { continue };
            let decoded = entry.name().map(|name| name.into_owned()).unwrap_or_default();
            let name = encoding.decode(entry.name_raw(), decoded);
            if entry.is_dir() {
                continue;
            }
            // The zip is the folder that was chosen; what is in it is looked at whole.
            if source_kind(&format!("{path}/{}", name.replace('\\', "/")), &[]) == SourceKind::Clutter {
                hidden += 1;
                continue;
            }
            packed = packed.saturating_add(entry.compressed_size());
            unpacked = unpacked.saturating_add(entry.size());
            match refusal(&name, &entry) {
                Some(reason) => {
                    problems.push(Problem::of_file(format!("{path}/{name}"), format!("left out: {reason}")))
                }
                None => {
                    let inside = name.replace('\\', "/");
                    let file = SourceFile { path: format!("{path}/{inside}"), size: entry.size() };
                    entries.push((file, place));
                }
            }
        }
        // Entries that overlap are how a small zip claims to hold petabytes.
        if packed > archive.central_directory_start() {
            return Err(Problem::of_file(path, "left out: its entries overlap, as in a decompression bomb"));
        }
        if unpacked > MAX_UNPACKED_BYTES {
            return Err(Problem::of_file(
                path,
                format!("left out: it unpacks to {} GB; the limit is 64 GB: import it in parts", unpacked >> 30),
            ));
        }
        Ok(Self { path: path.to_string(), archive, entries, hidden })
    }

    /// The files inside.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &SourceFile> {
        self.entries.iter().map(|(file, _)| file)
    }

    /// Reads the head of each file that [`inspect`](super::inspect()) wants to see.
    pub fn listing(&mut self, problems: &mut ProblemList) -> ZipListing {
        let mut files = Vec::with_capacity(self.entries.len());
        for at in 0..self.entries.len() {
            let file = self.entries[at].0.clone();
            let wanted = head_bytes(&file.path);
            let head = if wanted == 0 { Ok(Vec::new()) } else { self.read_at_most(at, wanted as u64) };
            match head {
                Ok(head) => files.push((file, head)),
                Err(problem) => problems.push(problem),
            }
        }
        ZipListing { path: self.path.clone(), files, hidden: self.hidden }
    }

    /// How many hidden and system files in it are passed over.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    /// Reads the file `at` (its place in [`ZipSource::files`]) whole.
    ///
    /// # Errors
    /// The problem, if it is damaged or larger than it claims.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn read(&mut self, at: usize) -> Result<Vec<u8>, Problem> {
        let mut all = Vec::new();
        self.read_in_chunks(at, |chunk| all.extend_from_slice(chunk))?;
        Ok(all)
    }

    /// Reads the file `at` in chunks of 64 KB and hands each over.
    ///
    /// # Errors
    /// The problem, if it is damaged or larger than it claims; what came before has been handed over.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn read_in_chunks(&mut self, at: usize, mut take: impl FnMut(&[u8])) -> Result<(), Problem> {
        let (file, place) = self.entries[at].clone();
        let damaged = || Problem::of_file(&file.path, "is damaged inside the zip: what follows in it was left out");
        let mut entry = self.archive.by_index(place).map_err(|_| damaged())?;
        let mut buffer = vec![0; 64 << 10];
        let mut left = file.size;
        loop {
            let read = match entry.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(_) => return Err(damaged()),
            };
            // The size claimed was checked against the limits; a lie must not get past them.
            left = left.checked_sub(read as u64).ok_or_else(damaged)?;
            take(&buffer[..read]);
        }
    }

    fn read_at_most(&mut self, at: usize, bytes: u64) -> Result<Vec<u8>, Problem> {
        let (file, place) = self.entries[at].clone();
        let damaged = |_| Problem::of_file(&file.path, "left out: it is damaged inside the zip");
        let entry = self.archive.by_index(place).map_err(|error| damaged(error.into()))?;
        let mut head = Vec::new();
        entry.take(bytes.min(file.size)).read_to_end(&mut head).map_err(damaged)?;
        Ok(head)
    }
}

/// How the names of a zip's files are written that do not say so. Zips of today flag UTF-8; older ones were written in
/// whatever the machine used.
#[derive(Debug, Clone, Copy)]
enum NameEncoding {
    /// As the zip's rules have it: code page 437.
    Dos,
    /// What the names look like together.
    Other(&'static encoding_rs::Encoding),
}

impl NameEncoding {
    fn guess(names: &[Vec<u8>]) -> Self {
        let foreign: Vec<&Vec<u8>> = names.iter().filter(|name| std::str::from_utf8(name).is_err()).collect();
        if foreign.is_empty() {
            return Self::Dos;
        }
        if foreign.iter().all(|name| reads_as_japanese(name)) {
            // Names are short, and a detector wants more; but these are nothing else.
            return Self::Other(encoding_rs::SHIFT_JIS);
        }
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        for name in &foreign {
            detector.feed(name, false);
            detector.feed(b"\n", false);
        }
        detector.feed(b"", true);
        let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
        // Code page 437 has its letters where the Windows pages have signs.
        let high = || foreign.iter().flat_map(|name| name.iter()).filter(|byte| **byte >= 0x80);
        let low_half = high().filter(|byte| **byte < 0xb0).count() * 2 > high().count();
        if guess.is_single_byte() && !guess.name().starts_with("IBM") && low_half {
            Self::Dos
        } else {
            Self::Other(guess)
        }
    }

    /// A name from its bytes; `dos` is what the zip's rules make of them.
    fn decode(self, raw: &[u8], dos: String) -> String {
        match (std::str::from_utf8(raw), self) {
            (Ok(name), _) => name.to_owned(),
            (Err(_), Self::Dos) => dos,
            (Err(_), Self::Other(encoding)) => encoding.decode_without_bom_handling(raw).0.into_owned(),
        }
    }
}

/// Whether a name makes kana and kanji in Shift-JIS, none of them in the middle of a Latin word (where code page 437 has its
/// accented letters).
fn reads_as_japanese(name: &[u8]) -> bool {
    let Some(decoded) = encoding_rs::SHIFT_JIS.decode_without_bom_handling_and_without_replacement(name) else {
        return false;
    };
    let is_japanese = |character: char| matches!(character, '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    let mut before = ' ';
    decoded.chars().all(|character| {
        let fits = character.is_ascii() || (is_japanese(character) && !before.is_ascii_lowercase());
        before = character;
        fits
    })
}

fn refusal(name: &str, entry: &ZipFileEntry<'_>) -> Option<String> {
    if !is_safe_path(name) {
        return Some("its path points outside the zip".into());
    }
    if entry.is_symlink() {
        return Some("it is a link, not a file".into());
    }
    if entry.encrypted() {
        return Some("it is encrypted: unpack it and import the files".into());
    }
    if extension(name) == "zip" || extension(name) == "hone" {
        return Some("it is an archive within an archive: unpack it first".into());
    }
    if entry.size() > MAX_ENTRY_BYTES {
        return Some(format!("it unpacks to {} GB; the limit is 4 GB: split it", entry.size() >> 30));
    }
    let ratio = entry.size() / entry.compressed_size().max(1);
    if entry.size() > RATIO_FREE_BYTES && ratio > MAX_RATIO {
        return Some(format!("it unpacks to {ratio} times its size, as a decompression bomb does"));
    }
    None
}

/// Whether an entry's path stays inside the archive on every system: relative, no `..`, no drive letter, no zero byte.
pub fn is_safe_path(path: &str) -> bool {
    let mut parts = path.split(['/', '\\']);
    let has_drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    !path.is_empty()
        && !path.starts_with(['/', '\\'])
        && !has_drive
        && !path.contains('\0')
        && parts.all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    type Opened<'a> = Result<ZipSource<Cursor<&'a [u8]>>, Problem>;

    fn open(bytes: &[u8]) -> (Opened<'_>, Vec<Problem>) {
        let mut problems = ProblemList::default();
        let source = ZipSource::open("set.zip", Cursor::new(bytes), &mut problems);
        (source, problems.into_vec())
    }

    #[test]
    fn safe_files_are_listed_and_read_and_the_rest_is_told() {
        let zeros = vec![0; 20 << 20];
        let bytes = zip_of(&[
            ("cat/1.txt", b"meow"),
            ("dog\\1.txt", b"woof"),
            ("__MACOSX/cat/._1.txt", b"x"),
            ("../up.txt", b"x"),
            ("/root.txt", b"x"),
            ("C:\\windows.txt", b"x"),
            ("more.zip", b"x"),
            ("bomb.txt", &zeros),
        ]);
        let (source, problems) = open(&bytes);
        let mut source = source.expect("a zip");
        let paths: Vec<&str> = source.files().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["set.zip/cat/1.txt", "set.zip/dog/1.txt"]);
        assert_eq!(source.read(1).as_deref(), Ok(&b"woof"[..]));
        let told: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
        assert_eq!(
            told,
            [
                "set.zip/../up.txt",
                "set.zip//root.txt",
                "set.zip/C:\\windows.txt",
                "set.zip/more.zip",
                "set.zip/bomb.txt"
            ]
        );
        let mut problems = ProblemList::default();
        let listing = source.listing(&mut problems);
        assert_eq!(listing.files[0].1, b"meow");
        let plan = crate::pipeline::import::inspect(&[], &[listing], None, problems);
        assert_eq!((plan.name.as_str(), plan.classes.len()), ("set", 2));
    }

    #[test]
    fn damage_is_a_problem_of_what_is_damaged() {
        let bytes = zip_of(&[("1.txt", &b"the quick brown fox".repeat(9)), ("2.txt", b"well")]);
        assert!(open(&bytes[..bytes.len() - 30]).0.is_err());
        assert!(open(b"not a zip at all").0.is_err());
        let mut broken = bytes.clone();
        broken[40] ^= 0xff;
        let mut source = open(&broken).0.expect("its directory is sound");
        assert!(source.read(0).is_err());
        assert_eq!(source.read(1).as_deref(), Ok(&b"well"[..]));
    }

    #[test]
    fn a_file_larger_than_it_claims_is_stopped() {
        let mut bytes = zip_of(&[("1.txt", &[7; 100_000])]);
        // The size unpacked stands at 24 in the directory's entry, which begins with PK 1 2.
        let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
        let mut source = open(&bytes).0.expect("its directory is sound");
        assert!(source.read(0).is_err());
    }

    proptest! {
        #[test]
        fn a_safe_path_never_leads_outside(parts in prop::collection::vec(prop::sample::select(vec!["..", ".", "a", "", "C:", "b c"]), 1..6), separator in "[/\\\\]") {
            let path = parts.join(&separator);
            let mut depth = 0_i32;
            let mut lowest = 0;
            for part in path.split(['/', '\\']) {
                depth += match part { ".." => -1, "" | "." => 0, _ => 1 };
                lowest = lowest.min(depth);
            }
            if is_safe_path(&path) {
                prop_assert!(lowest >= 0 && !path.starts_with(['/', '\\']) && !path.starts_with("C:"), "{}", path);
            }
        }
    }
}
