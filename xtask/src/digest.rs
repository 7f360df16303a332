//! Digests of files: what a build is made from, and what it made.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// All files below these paths (each a file or a folder, or absent), sorted by path.
///
/// # Errors
/// When a folder can't be read.
pub fn files_below(root: &Path, parts: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut left: Vec<PathBuf> = parts.iter().map(|part| root.join(part)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, &error))? {
                left.push(entry.map_err(|error| unreadable(&path, &error))?.path());
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// SHA-256 over the names (relative to `root`) and contents of these files, in hexadecimal.
///
/// # Errors
/// When a file can't be read.
pub fn of_files(root: &Path, files: &[PathBuf]) -> Result<String, String> {
    let mut whole = Sha256::new();
    for file in files {
        whole.update(relative(root, file).as_bytes());
        whole.update(Sha256::digest(fs::read(file).map_err(|error| unreadable(file, &error))?));
    }
    Ok(hexadecimal(&whole.finalize()))
}

/// SHA-256 of one file's content, in hexadecimal.
///
/// # Errors
/// When it can't be read.
pub fn of_file(file: &Path) -> Result<String, String> {
    Ok(hexadecimal(&Sha256::digest(fs::read(file).map_err(|error| unreadable(file, &error))?)))
}

/// A file's path below `root`, with `/` on every system.
pub fn relative(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} can't be read: {error}", path.display())
}
