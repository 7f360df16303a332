//! Where the extractors' weights are: installed once by `cargo xtask models`, never fetched by this program.

use super::failure::Failure;
use std::path::{Path, PathBuf};

/// The image network's weights.
pub const IMAGE_WEIGHTS: &str = "lite0.safetensors";
/// The text embeddings.
pub const TEXT_WEIGHTS: &str = "text.safetensors";
/// The tokenizer of the text embeddings.
pub const TEXT_TOKENIZER: &str = "text-tokenizer.bin";

/// The folder with the weights: the one asked for, else `public/models` or `models` in the current folder, beside the
/// program, or in a folder above either; `None` if there is none.
///
/// # Errors
/// If the folder asked for does not exist.
pub fn folder(asked_for: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    if let Some(folder) = asked_for {
        return if folder.is_dir() {
            Ok(Some(folder.into()))
        } else {
            Err(Failure::data(format!(
                "the weights folder {} does not exist; `cargo xtask models` makes public/models",
                folder.display()
            )))
        };
    }
    let program = std::env::current_exe().ok();
    let starts = [std::env::current_dir().ok(), program.as_deref().and_then(Path::parent).map(Path::to_path_buf)];
    let candidates = starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .flat_map(|folder| [folder.join("public").join("models"), folder.join("models")]);
    Ok(candidates
        .into_iter()
        .find(|folder| folder.join(IMAGE_WEIGHTS).is_file() || folder.join(TEXT_WEIGHTS).is_file()))
}

/// A weights file in `folder`; `None` if it is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read(folder: Option<&Path>, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = folder.map(|folder| folder.join(name)).filter(|path| path.is_file()) else { return Ok(None) };
    std::fs::read(&path).map(Some).map_err(|error| Failure::file("read", &path, &error))
}
