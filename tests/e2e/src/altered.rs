//! A copy of the built site in which something is changed: faults that can be asked for, or another release.

use std::fs;
use std::path::{Path, PathBuf};
use xtask::server::Server;

/// The copy; it goes with this value.
pub struct Altered {
    folder: PathBuf,
}

impl Altered {
    /// Copies the site, under a name of its own.
    ///
    /// # Errors
    /// When the disk is full or the site isn't there.
    pub fn copy(site: &Path, name: &str) -> Result<Altered, String> {
        let folder = std::env::temp_dir().join(format!("hone-site-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        copy(site, &folder)?;
        Ok(Altered { folder })
    }

    /// Serves it at an address of its own.
    ///
    /// # Errors
    /// When no port is free.
    pub fn serve(&self) -> Result<Server, String> {
        Server::start(&self.folder, 0, "/").map_err(|error| format!("the site can't be served: {error}"))
    }

    /// Changes a file; `change` must change it.
    ///
    /// # Errors
    /// When it isn't there, or stays as it was.
    pub fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) -> Result<(), String> {
        let path = self.folder.join(file);
        let before = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        let after = change(&before);
        if after == before {
            return Err(format!("nothing in {file} was changed"));
        }
        fs::write(&path, after).map_err(|error| format!("{file}: {error}"))
    }

    /// Makes its session worker do what [`crate::faults`] asks for, from `script`.
    ///
    /// # Errors
    /// When the site has another loader.
    pub fn with_faults(&self, script: &str) -> Result<(), String> {
        self.edit("worker_loader.js", |loader| {
            format!("{script}\n{}", loader.replace("wasm_bindgen(", "faults.started = wasm_bindgen("))
        })?;
        self.keep_nothing()
    }

    /// Its service worker keeps nothing: it would refuse a file that was changed.
    ///
    /// # Errors
    /// When the site has none.
    pub fn keep_nothing(&self) -> Result<(), String> {
        self.edit("sw.js", |_| "self.addEventListener('fetch', () => {});".to_owned())
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn add(&self, file: &str, text: &str) -> Result<(), String> {
        fs::write(self.folder.join(file), text).map_err(|error| format!("{file}: {error}"))
    }

    /// Makes it another release to the service worker, with the same files.
    ///
    /// # Errors
    /// When its service worker names no release.
    pub fn as_another_release(&self, name: &str) -> Result<(), String> {
        self.edit("sw.js", |script| script.replacen("const RELEASE = \"", &format!("const RELEASE = \"{name}-"), 1))
    }
}

impl Drop for Altered {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// Names the file that can't be copied.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let told = |path: &Path, error: std::io::Error| format!("{} can't be copied: {error}", path.display());
    fs::create_dir_all(to).map_err(|error| told(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| told(from, error))? {
        let entry = entry.map_err(|error| told(from, error))?;
        let (own, copied) = (entry.path(), to.join(entry.file_name()));
        match own.is_dir() {
            true => copy(&own, &copied)?,
            false => drop(fs::copy(&own, &copied).map_err(|error| told(&own, error))?),
        }
    }
    Ok(())
}
