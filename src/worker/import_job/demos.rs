//! The demos that ship with the page.

use super::blobs::{bytes_of, fetch};
use super::inspect::{Inspected, try_inspect};
use super::{Origin, Place};
use crate::pipeline::import::plan::{ImportPlan, SourceFile};
use crate::protocol::Demo;

/// The plan and the files of a demo. The files' own labels are withheld; the names of the classes are given.
pub(crate) async fn demo(demo: Demo) -> Result<(ImportPlan, Vec<Origin>), String> {
    let origins = match demo {
        Demo::Photos => photo_origins().await?,
        Demo::Sentences => vec![shipped("demo/sentences.csv", "sentences.csv").await?],
        Demo::Penguins => vec![shipped("demo/penguins.csv", "penguins.csv").await?],
    };
    let Inspected::Plan(mut plan) = try_inspect(&origins, None).await? else {
        return Err("The demo's files are not what they should be. Reload the page.".into());
    };
    plan.name = demo.title().into();
    let origins = origins
        .into_iter()
        .map(|mut origin| {
            // A photo's folder is its label.
            if demo == Demo::Photos
                && let Some((_, name)) = origin.file.path.rsplit_once('/')
            {
                origin.file.path = name.to_string();
            }
            origin
        })
        .collect();
    Ok((plan, origins))
}

async fn shipped(url: &str, path: &str) -> Result<Origin, String> {
    let blob = fetch(url).await?;
    let file = SourceFile { path: path.into(), size: blob.size() as u64 };
    Ok(Origin { file, place: Place::Local(blob) })
}

#[derive(serde::Deserialize)]
struct PhotoIndex {
    files: Vec<String>,
}

/// Photos are fetched one by one as they are imported, so the first are on screen before the last are here. Until
/// then a photo's size is not known; that it isn't empty is.
async fn photo_origins() -> Result<Vec<Origin>, String> {
    let index = bytes_of(&fetch("demo/index.json").await?).await?;
    let index: PhotoIndex = serde_json::from_slice(&index)
        .map_err(|error| format!("demo/index.json is damaged ({error}). Reload the page."))?;
    let origin =
        |path: String| Origin { place: Place::Shipped(format!("demo/{path}")), file: SourceFile { path, size: 1 } };
    Ok(index.files.into_iter().map(origin).collect())
}
