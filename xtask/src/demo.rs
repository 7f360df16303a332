//! The list of demo photos, which a page can't find out by itself from a static host.

use crate::digest::{files_below, relative};
use crate::places;
use std::fs;

/// Writes `public/demo/index.json`: `{"files": ["photos/<class>/<file>.webp", …]}`, sorted.
///
/// # Errors
/// When the photos can't be listed or the file can't be written.
pub fn write_index() -> Result<(), String> {
    let demo = places::root().join("public/demo");
    let photos: Vec<String> = files_below(&demo, &["photos"])?
        .iter()
        .map(|file| relative(&demo, file))
        .filter(|path| path.ends_with(".webp"))
        .map(|path| format!("    \"{path}\""))
        .collect();
    let index = format!("{{\n  \"files\": [\n{}\n  ]\n}}\n", photos.join(",\n"));
    fs::write(demo.join("index.json"), index).map_err(|error| format!("index.json can't be written: {error}"))?;
    println!("public/demo/index.json lists {} photos.", photos.len());
    Ok(())
}
