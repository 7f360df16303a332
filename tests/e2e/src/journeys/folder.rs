//! A folder of 2,000 images comes in, with progress shown.

use super::{Surroundings, leave};
use crate::demo::Rows;
use crate::images::{self, Picture};
use crate::visit::{Visit, until};
use std::fs;
use std::path::{Path, PathBuf};

const IMAGES: usize = 2_000;
const CLASSES: usize = 10;

/// Imports Fashion-MNIST if it is beside the repository, else as many generated images; their folders are their labels.
pub fn two_thousand_images(surroundings: &Surroundings) -> Result<(), String> {
    let beside = surroundings.root.join("../shared/data/bench/fashion_mnist/train");
    if beside.is_dir() {
        return import(surroundings, &beside.canonicalize().map_err(|error| error.to_string())?);
    }
    let folder = std::env::temp_dir().join(format!("hone-folder-{}", std::process::id()));
    let done = generate(&folder).and_then(|()| import(surroundings, &folder));
    let _ = fs::remove_dir_all(&folder);
    done
}

fn import(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let different = different_files(folder)?;
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "folder")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import a folder", &[folder])?;
    visit.click("button", "Import")?;
    until("progress", 30, || {
        Ok(visit.session()?.find("progressbar", None).ok().and_then(|bars| bars.into_iter().next()))
    })?;
    visit.see_later("link", "Data")?;
    let labels = visit.export_until("Labels as CSV", |text| {
        let rows = Rows::parse(text).ok()?;
        (rows.len() == different).then_some(rows)
    })?;
    let sources = labels.column("source")?;
    if sources.iter().any(|source| !["import", "test"].contains(&source.as_str())) {
        return Err("a label from a folder's name is exported with another source".to_owned());
    }
    // All are labelled, so a tenth is held out to test with, drawn at random.
    let held_out = sources.iter().filter(|source| *source == "test").count();
    if !(different / 20..=different / 7).contains(&held_out) {
        return Err(format!("{held_out} of {different} labels are held out, not about a tenth"));
    }
    leave(visit, &server)
}

/// How many files differ in content: equal ones are imported once.
fn different_files(folder: &Path) -> Result<usize, String> {
    let mut contents = std::collections::BTreeSet::new();
    let mut left: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(|error| error.to_string())? {
                left.push(entry.map_err(|error| error.to_string())?.path());
            }
        } else {
            contents.insert(fs::read(&path).map_err(|error| error.to_string())?);
        }
    }
    Ok(contents.len())
}

fn generate(folder: &Path) -> Result<(), String> {
    for place in 0..IMAGES {
        let class = folder.join(format!("class-{}", place % CLASSES));
        let bytes = images::encode(&Picture::pattern(place, 28))?;
        fs::create_dir_all(&class)
            .and_then(|()| fs::write(class.join(format!("{place}.png")), bytes))
            .map_err(|error| format!("an image can't be written: {error}"))?;
    }
    Ok(())
}
