//! Where things are. Nothing here is written into a file of the repository.

use std::env;
use std::path::PathBuf;

/// The repository.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// What cargo builds into.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The built site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The weights, built and not in git.
pub fn models() -> PathBuf {
    root().join("public/models")
}

/// Tools and downloads that outlive `target/` and are shared by all clones: `hone` in the user's cache.
///
/// # Errors
/// When the environment names no home.
pub fn cache() -> Result<PathBuf, String> {
    let named = env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home =
        || env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(|home| PathBuf::from(home).join(".cache"));
    let cache =
        named.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set, so there is no place to keep the tools")?;
    Ok(cache.join("hone"))
}
