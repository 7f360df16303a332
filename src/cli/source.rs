//! The files behind DATA: a folder's, one file, or those inside zips; where each is and how to read it.

use super::failure::Failure;
use crate::pipeline::import::plan::{Problem, SourceFile};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{Head, ProblemList, ZipListing, ZipSource, head_bytes};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file on disk.
    Disk(PathBuf),
    /// A file inside a zip.
    InZip {
        /// The zip's place in [`Sources`].
        zip: usize,
        /// The file's place in the zip.
        at: usize,
    },
}

/// A file that may be imported.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path below DATA, as the app would show it, and its size.
    pub file: SourceFile,
    /// As many of its first bytes as the import wants to see.
    pub head: Vec<u8>,
    /// Where it is.
    pub place: Place,
}

/// All files of DATA, in the order of their paths.
pub struct Sources {
    /// The files, those inside zips included.
    pub files: Vec<Source>,
    /// What could not be opened.
    pub problems: ProblemList,
    /// Hidden and system files, those in zips included, which are passed over.
    pub hidden: u64,
    zips: Vec<Mutex<ZipSource<BufReader<File>>>>,
    opened: Vec<PathBuf>,
}

impl Sources {
    /// Lists the files of DATA and reads their heads.
    ///
    /// # Errors
    /// If DATA does not exist or cannot be listed.
    pub fn open(data: &Path) -> Result<Self, Failure> {
        let refused = |error: std::io::Error| Failure::file("read", data, &error);
        let resolved = data.canonicalize().map_err(refused)?;
        let name = resolved.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned());
        let mut sources = Self {
            files: Vec::new(),
            problems: ProblemList::default(),
            hidden: 0,
            zips: Vec::new(),
            opened: Vec::new(),
        };
        if resolved.is_dir() {
            sources.add_folder(&name, &resolved).map_err(refused)?;
        } else {
            sources.add_file(name, &resolved).map_err(refused)?;
        }
        Ok(sources)
    }

    fn add_folder(&mut self, path: &str, folder: &Path) -> std::io::Result<()> {
        let mut entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let inside = format!("{path}/{}", entry.file_name().to_string_lossy());
            if source_kind(&inside, &[]) == SourceKind::Clutter {
                self.hidden += files_at(&entry);
                continue;
            }
            // A link to a file is followed, a link to a folder is not: it might lead back up.
            let outcome = match entry.file_type()? {
                kind if kind.is_dir() => self.add_folder(&inside, &entry.path()),
                kind if kind.is_symlink() && entry.path().is_dir() => Ok(()),
                _ => self.add_file(inside.clone(), &entry.path()),
            };
            if let Err(error) = outcome {
                self.problems.push(Problem::of_file(inside, format!("left out: it cannot be read ({error})")));
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: String, place: &Path) -> std::io::Result<()> {
        let mut file = File::open(place)?;
        let size = file.metadata()?.len();
        let mut head = Vec::new();
        file.by_ref().take(head_bytes(&path) as u64).read_to_end(&mut head)?;
        let kind = source_kind(&path, &head);
        if kind == SourceKind::Zip {
            self.add_zip(&path, place)?;
        } else {
            shorten(&mut head, &kind);
            self.files.push(Source { file: SourceFile { path, size }, head, place: Place::Disk(place.into()) });
        }
        Ok(())
    }

    fn add_zip(&mut self, path: &str, place: &Path) -> std::io::Result<()> {
        let mut zip = match ZipSource::open(path, BufReader::new(File::open(place)?), &mut self.problems) {
            Ok(zip) => zip,
            Err(problem) => {
                self.problems.push(problem);
                return Ok(());
            }
        };
        let ZipListing { files, hidden, .. } = zip.listing(&mut self.problems);
        self.hidden += hidden;
        self.opened.push(place.to_path_buf());
        let number = self.zips.len();
        // A file whose head is damaged is not in the listing, so places are looked up by path.
        let at_of: HashMap<&str, usize> = zip.files().enumerate().map(|(at, file)| (file.path.as_str(), at)).collect();
        for (file, mut head) in files {
            let kind = source_kind(&file.path, &head);
            shorten(&mut head, &kind);
            let Some(&at) = at_of.get(file.path.as_str()) else { continue };
            self.files.push(Source { file, head, place: Place::InZip { zip: number, at } });
        }
        self.zips.push(Mutex::new(zip));
        Ok(())
    }

    /// What the import wants to see of each file.
    pub fn heads(&self) -> Vec<Head<'_>> {
        self.files.iter().map(|source| Head { file: &source.file, bytes: &source.head }).collect()
    }

    /// Reads the whole file at `path`, which lies at `place`.
    ///
    /// # Errors
    /// The problem, if it is unreadable or damaged.
    pub fn read(&self, path: &str, place: &Place) -> Result<Vec<u8>, Problem> {
        match place {
            Place::Disk(at) => std::fs::read(at).map_err(|error| unreadable(path, &error)),
            Place::InZip { zip, at } => self.zip(*zip).read(*at),
        }
    }

    /// Whether the file at `path` on disk is one of these, or a zip that holds some.
    pub fn reads(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        let is_it = |other: &Path| other.canonicalize().is_ok_and(|other| other == path);
        self.opened.iter().any(|zip| is_it(zip))
            || self.files.iter().any(|source| matches!(&source.place, Place::Disk(at) if is_it(at)))
    }

    /// Reads the file at `path`, which lies at `place`, in chunks, until `take` wants no more.
    ///
    /// # Errors
    /// The problem, if it is unreadable or damaged; what came before has been handed over.
    pub fn read_in_chunks(
        &self,
        path: &str,
        place: &Place,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Problem> {
        let at = match place {
            Place::Disk(at) => at,
            Place::InZip { zip, at } => {
                let mut wanted = true;
                return self.zip(*zip).read_in_chunks(*at, |chunk| wanted = wanted && take(chunk));
            }
        };
        let mut file = File::open(at).map_err(|error| unreadable(path, &error))?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer).map_err(|error| unreadable(path, &error))? {
                0 => return Ok(()),
                read if take(&buffer[..read]) => {}
                _ => return Ok(()),
            }
        }
    }

    fn zip(&self, number: usize) -> std::sync::MutexGuard<'_, ZipSource<BufReader<File>>> {
        // A reader that panicked left no half-done state behind: each read seeks anew.
        self.zips[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of a picture, or of what Hone does not read, the first bytes say what it is: there may be ten thousand of them.
fn shorten(head: &mut Vec<u8>, kind: &SourceKind) {
    const MAGIC_BYTES: usize = 4 << 10;
    if matches!(kind, SourceKind::Image | SourceKind::Foreign(_) | SourceKind::Clutter) && head.len() > MAGIC_BYTES {
        head.truncate(MAGIC_BYTES);
        head.shrink_to_fit();
    }
}

/// One file, or all those below a folder. What cannot be listed is not counted: nobody asked for it.
fn files_at(entry: &std::fs::DirEntry) -> u64 {
    if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        return 1;
    }
    let Ok(entries) = std::fs::read_dir(entry.path()) else { return 0 };
    entries.flatten().map(|entry| files_at(&entry)).sum()
}

fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    Problem::of_file(path, format!("left out: it cannot be read ({error})"))
}
