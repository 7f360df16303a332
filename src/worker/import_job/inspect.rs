//! Looking at files before their import: a plan, or a project file that is restored.

use super::super::serve::Input;
use super::Origin;
use super::blobs::{BlobReader, bytes_of, slice};
use crate::browser::breath::Breath;
use crate::browser::worker_side::reply;
use crate::pipeline::import::plan::{ImportPlan, Problem};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{self, Head, ProblemList, ZipListing, ZipSource, head_bytes, is_project_file};
use crate::protocol::Reply;
use futures_channel::mpsc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

/// Of very many files, this many heads are looked at to guess the plan …
const HEADS_LOOKED_AT: usize = 200;
/// … and of the others, if their name says nothing, so many bytes, to know an image by.
const MAGIC_BYTES: usize = 64;
/// After so many file sizes, others are let in: a browser asks the disk for each.
const SIZES_AT_ONCE: usize = 64;

/// Looks at files and answers request `id` with a plan; or restores a project file.
pub(crate) async fn inspect(
    id: u64,
    mut origins: Vec<Origin>,
    header: Option<bool>,
    sender: mpsc::UnboundedSender<Input>,
) {
    measure(&mut origins).await;
    match try_inspect(&origins, header).await {
        Ok(Inspected::Plan(plan)) => {
            // Staged before the reply is sent, so that the page's next request finds the files.
            let _ = sender.unbounded_send(Input::Staged { origins });
            reply(id, &Reply::Plan(Box::new(plan)), &[]);
        }
        Ok(Inspected::Project(file)) => {
            let _ = sender.unbounded_send(Input::Restore { id, file });
        }
        Err(error) => reply(id, &Reply::Failed(error), &[]),
    }
}

/// Reads the file that request `id` wants merged.
pub(crate) async fn read_to_merge(id: u64, attachments: Vec<JsValue>, sender: mpsc::UnboundedSender<Input>) {
    let file = attachments.into_iter().next().and_then(|file| file.dyn_into::<Blob>().ok());
    let read = match file {
        Some(file) => bytes_of(&file).await,
        None => Err("There was no file. Nothing was changed. Choose it again.".into()),
    };
    match read {
        Ok(bytes) => drop(sender.unbounded_send(Input::Merge { id, bytes })),
        Err(error) => reply(id, &Reply::Failed(error), &[]),
    }
}

/// Finds how large the person's files are. The page leaves it to the worker: a browser asks the disk for each, about a
/// millisecond a file, and the page must not stand still for that.
async fn measure(origins: &mut [Origin]) {
    let breath = Breath::new();
    for part in origins.chunks_mut(SIZES_AT_ONCE) {
        part.iter_mut().for_each(Origin::measure);
        breath.take().await;
    }
}

pub(super) enum Inspected {
    Plan(ImportPlan),
    Project(Blob),
}

pub(super) async fn try_inspect(origins: &[Origin], header: Option<bool>) -> Result<Inspected, String> {
    if let [only] = origins {
        let blob = only.blob().await?;
        if is_project_file(&slice(&blob, 0.0, 1_024.0).await?) {
            return Ok(Inspected::Project(blob));
        }
    }
    let mut heads: Vec<Vec<u8>> = Vec::with_capacity(origins.len());
    let mut zips: Vec<ZipListing> = Vec::new();
    let mut problems = ProblemList::default();
    let mut looked_at = 0;
    for origin in origins {
        let mut wanted = head_bytes(&origin.file.path);
        if looked_at >= HEADS_LOOKED_AT {
            let is_known = !matches!(source_kind(&origin.file.path, &[]), SourceKind::Foreign(_));
            wanted = if is_known { 0 } else { wanted.min(MAGIC_BYTES) };
        }
        let head = if wanted == 0 {
            Vec::new()
        } else {
            looked_at += 1;
            match origin.blob().await {
                Ok(blob) => slice(&blob, 0.0, wanted as f64).await.unwrap_or_default(),
                Err(error) => {
                    problems.push(Problem::of_file(&origin.file.path, error));
                    Vec::new()
                }
            }
        };
        if source_kind(&origin.file.path, &head) == SourceKind::Zip {
            match open_zip(origin, &mut problems).await {
                Ok(mut zip) => zips.push(zip.listing(&mut problems)),
                Err(problem) => problems.push(problem),
            }
        }
        heads.push(head);
    }
    let heads: Vec<Head<'_>> =
        origins.iter().zip(&heads).map(|(origin, bytes)| Head { file: &origin.file, bytes }).collect();
    Ok(Inspected::Plan(import::inspect(&heads, &zips, header, problems)))
}

pub(super) async fn open_zip(origin: &Origin, problems: &mut ProblemList) -> Result<ZipSource<BlobReader>, Problem> {
    let path = &origin.file.path;
    let blob = origin.blob().await.map_err(|error| Problem::of_file(path, error))?;
    let reader = BlobReader::new(blob).map_err(|error| Problem::of_file(path, error.to_string()))?;
    ZipSource::open(path, reader, problems)
}
