//! The import job: reads files one after the other and hands what they hold to the session, chunk by chunk. Only one
//! chunk is in memory at a time; the job waits until it is stored.

use super::jobs::CancelFlag;
use super::serve::{Import, Input, now_ms};
use super::session::{Arrival, Chunk};
use crate::browser::worker_side::reply;
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, SourceFile};
use crate::pipeline::import::problem::one_class_problem;
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{
    self, Beside, Head, Imported, ProblemList, Reading, TableReader, ZipListing, ZipSource, head_bytes, image_item,
    is_project_file, text_item,
};
use crate::protocol::{Demo, JobStatus, Reply};
use futures_channel::{mpsc, oneshot};
use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// A chunk is sent on when it holds this many items …
const CHUNK_ITEMS: usize = 64;
/// … or this many rows, which are far smaller …
const CHUNK_ROWS: usize = 1_000;
/// … or this many bytes of images …
const CHUNK_BYTES: u64 = 16 << 20;
/// … or after this many milliseconds, so that items appear as they come.
const CHUNK_MS: f64 = 400.0;
/// How much of a table is read at once.
const SLICE_BYTES: f64 = 1_048_576.0;
/// Of very many files, this many heads are looked at to guess the plan.
const HEADS_LOOKED_AT: usize = 200;

/// A file to import, and where its bytes are.
#[derive(Debug, Clone)]
pub struct Origin {
    file: SourceFile,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// Chosen or dropped by the user.
    Local(Blob),
    /// Ships with the page.
    Shipped(String),
}

impl Origin {
    async fn blob(&self) -> Result<Blob, String> {
        match &self.place {
            Place::Local(blob) => Ok(blob.clone()),
            Place::Shipped(url) => fetch(url).await,
        }
    }
}

/// Pairs the sources of a request with the files attached to it.
pub(super) fn files(sources: Vec<SourceFile>, attachments: Vec<JsValue>) -> Vec<Origin> {
    sources
        .into_iter()
        .zip(attachments)
        .filter_map(|(file, blob)| Some(Origin { file, place: Place::Local(blob.dyn_into().ok()?) }))
        .collect()
}

/// Bytes as a `Blob` of a media type.
pub(super) fn blob(bytes: &[u8], mime: &str) -> Result<Blob, String> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(mime);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options).map_err(said)
}

fn said(error: JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}

async fn fetch(url: &str) -> Result<Blob, String> {
    let missing = |reason: String| {
        format!("{url} could not be fetched ({reason}). Nothing was changed. Reload the page and try again.")
    };
    let response = gloo::net::http::Request::get(url).send().await.map_err(|error| missing(error.to_string()))?;
    if !response.ok() {
        return Err(missing(format!("status {}", response.status())));
    }
    let bytes = response.binary().await.map_err(|error| missing(error.to_string()))?;
    blob(&bytes, "application/octet-stream")
}

async fn bytes_of(blob: &Blob) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(blob.array_buffer()).await.map_err(said)?;
    Ok(js_sys::Uint8Array::new(&buffer).to_vec())
}

async fn slice(blob: &Blob, from: f64, to: f64) -> Result<Vec<u8>, String> {
    bytes_of(&blob.slice_with_f64_and_f64(from, to).map_err(said)?).await
}

/// Looks at files and answers request `id` with a plan; or restores a project file.
pub(super) async fn inspect(id: u64, origins: Vec<Origin>, header: Option<bool>, sender: mpsc::UnboundedSender<Input>) {
    match try_inspect(&origins, header).await {
        Ok(Inspected::Plan(plan)) => {
            // Staged before the reply is sent, so that the page's next request finds the files.
            let _ = sender.unbounded_send(Input::Staged { origins });
            reply(id, &Reply::Plan(Box::new(plan)), &[]);
        }
        Ok(Inspected::Project(bytes)) => {
            let _ = sender.unbounded_send(Input::Restored { id, bytes });
        }
        Err(error) => reply(id, &Reply::Failed(error), &[]),
    }
}

/// Reads the file that request `id` wants merged.
pub(super) async fn read_to_merge(id: u64, attachments: Vec<JsValue>, sender: mpsc::UnboundedSender<Input>) {
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

enum Inspected {
    Plan(ImportPlan),
    Project(Vec<u8>),
}

async fn try_inspect(origins: &[Origin], header: Option<bool>) -> Result<Inspected, String> {
    if let [only] = origins {
        let blob = only.blob().await?;
        if is_project_file(&slice(&blob, 0.0, 1_024.0).await?) {
            return Ok(Inspected::Project(bytes_of(&blob).await?));
        }
    }
    let mut heads: Vec<Vec<u8>> = Vec::with_capacity(origins.len());
    let mut zips: Vec<ZipListing> = Vec::new();
    let mut problems = ProblemList::default();
    let mut looked_at = 0;
    for origin in origins {
        let wanted = head_bytes(&origin.file.path);
        let head = if wanted == 0 || looked_at >= HEADS_LOOKED_AT {
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

async fn open_zip(origin: &Origin, problems: &mut ProblemList) -> Result<ZipSource<BlobReader>, Problem> {
    let path = &origin.file.path;
    let blob = origin.blob().await.map_err(|error| Problem::of_file(path, error))?;
    let reader = BlobReader::new(blob).map_err(|error| Problem::of_file(path, error.to_string()))?;
    ZipSource::open(path, reader, problems)
}

/// The plan and the files of a demo. The files' own labels are withheld; the names of the classes are given.
pub(super) async fn demo(demo: Demo) -> Result<(ImportPlan, Vec<Origin>), String> {
    let (title, origins) = match demo {
        Demo::Photos => ("Demo: photos", photo_origins().await?),
        Demo::Sentences => ("Demo: sentences", vec![shipped("demo/sentences.csv", "sentences.csv").await?]),
        Demo::Penguins => ("Demo: penguins", vec![shipped("demo/penguins.csv", "penguins.csv").await?]),
    };
    let Inspected::Plan(mut plan) = try_inspect(&origins, None).await? else {
        return Err("The demo's files are not what they should be. Reload the page.".into());
    };
    plan.name = title.into();
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

/// Runs an import to its end.
pub(super) async fn run(
    plan: ImportPlan,
    origins: Vec<Origin>,
    import: Import,
    cancel: CancelFlag,
    sender: mpsc::UnboundedSender<Input>,
) {
    let counts_rows = plan.columns.iter().any(|column| column.role == Role::Content);
    let mut hopper = Hopper {
        sender: sender.clone(),
        import: import.clone(),
        chunk: Chunk::default(),
        problems: ProblemList::default(),
        problems_sent: 0,
        bytes: 0,
        since_ms: now_ms(),
        read: 0,
        items: 0,
        classes: BTreeSet::new(),
        total: Some(plan.expected_items).filter(|&total| total > 0),
        most: if counts_rows { CHUNK_ROWS } else { CHUNK_ITEMS },
    };
    let mut status = JobStatus::Finished;
    for origin in &origins {
        let step = match cancel.is_set() {
            true => Err(Stop::Cancelled),
            false => read(&plan, origin, &cancel, &mut hopper).await,
        };
        match step {
            Ok(()) => {}
            Err(Stop::Cancelled) => {
                status = JobStatus::Cancelled;
                break;
            }
            Err(Stop::Failed(error)) => {
                status = JobStatus::Failed(error);
                break;
            }
        }
    }
    hopper.conclude(&status);
    if let Err(Stop::Failed(error)) = hopper.flush().await {
        status = JobStatus::Failed(error);
    }
    let _ = sender.unbounded_send(Input::ImportEnded { import, status });
}

enum Stop {
    Cancelled,
    Failed(String),
}

async fn read(plan: &ImportPlan, origin: &Origin, cancel: &CancelFlag, hopper: &mut Hopper) -> Result<(), Stop> {
    let Origin { file, .. } = origin;
    if source_kind(&file.path, &[]) == SourceKind::Zip {
        return read_zip(plan, origin, cancel, hopper).await;
    }
    let blob = match origin.blob().await {
        Ok(blob) => blob,
        Err(error) => {
            hopper.problems.push(Problem::of_file(&file.path, error));
            return Ok(());
        }
    };
    match import::reading(plan, file, &[]) {
        Reading::Skip | Reading::Beside => Ok(()),
        Reading::LeftOut(problem) => {
            hopper.problems.push(problem);
            Ok(())
        }
        reading @ (Reading::Image | Reading::Text) => match bytes_of(&blob).await {
            Ok(bytes) => hopper.take_file(plan, &reading, file, &bytes, Some(blob)).await,
            Err(error) => {
                hopper.problems.push(Problem::of_file(&file.path, format!("could not be read ({error})")));
                Ok(())
            }
        },
        Reading::Rows => read_rows(plan, file, &blob, cancel, hopper).await,
    }
}

async fn read_rows(
    plan: &ImportPlan,
    file: &SourceFile,
    blob: &Blob,
    cancel: &CancelFlag,
    hopper: &mut Hopper,
) -> Result<(), Stop> {
    let mut reader = TableReader::new(plan, file, hopper.import.batch);
    let size = blob.size();
    let mut from = 0.0;
    while from < size {
        if cancel.is_set() {
            return Err(Stop::Cancelled);
        }
        let to = (from + SLICE_BYTES).min(size);
        let bytes = match slice(blob, from, to).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("could not be read to its end ({error}); the rows before are in");
                hopper.problems.push(Problem::of_file(&file.path, message));
                break;
            }
        };
        let rows = reader.feed(&bytes, &mut hopper.problems);
        hopper.take_rows(rows).await?;
        from = to;
    }
    let rows = reader.finish(&mut hopper.problems);
    hopper.take_rows(rows).await
}

async fn read_zip(plan: &ImportPlan, origin: &Origin, cancel: &CancelFlag, hopper: &mut Hopper) -> Result<(), Stop> {
    let mut zip = match open_zip(origin, &mut hopper.problems).await {
        Ok(zip) => zip,
        Err(problem) => {
            hopper.problems.push(problem);
            return Ok(());
        }
    };
    let files: Vec<SourceFile> = zip.files().cloned().collect();
    for (at, file) in files.iter().enumerate() {
        if cancel.is_set() {
            return Err(Stop::Cancelled);
        }
        match import::reading(plan, file, &[]) {
            Reading::Skip | Reading::Beside => {}
            Reading::LeftOut(problem) => hopper.problems.push(problem),
            reading @ (Reading::Image | Reading::Text) => match zip.read(at) {
                Ok(bytes) => hopper.take_file(plan, &reading, file, &bytes, None).await?,
                Err(problem) => hopper.problems.push(problem),
            },
            Reading::Rows => {
                let mut reader = TableReader::new(plan, file, hopper.import.batch);
                let mut rows = Vec::new();
                let problems = &mut hopper.problems;
                let end = zip.read_in_chunks(at, |bytes| rows.extend(reader.feed(bytes, problems)));
                hopper.problems.extend(end.err());
                rows.extend(reader.finish(&mut hopper.problems));
                hopper.take_rows(rows).await?;
            }
        }
    }
    Ok(())
}

/// Gathers items until there are enough for a chunk.
struct Hopper {
    sender: mpsc::UnboundedSender<Input>,
    import: Import,
    chunk: Chunk,
    problems: ProblemList,
    problems_sent: usize,
    bytes: u64,
    since_ms: f64,
    read: u64,
    items: u64,
    classes: BTreeSet<String>,
    total: Option<u64>,
    most: usize,
}

impl Hopper {
    async fn take_file(
        &mut self,
        plan: &ImportPlan,
        reading: &Reading,
        file: &SourceFile,
        bytes: &[u8],
        original: Option<Blob>,
    ) -> Result<(), Stop> {
        let batch = self.import.batch;
        let (imported, media) = match reading {
            Reading::Image => {
                let imported = image_item(plan, &Beside::default(), file, bytes, batch, &mut self.problems);
                // A copy of the bytes, not the user's file: that may be moved or deleted tomorrow.
                let mime = original.map(|blob| blob.type_()).unwrap_or_default();
                (imported, Some(blob(bytes, &mime).map_err(Stop::Failed)?))
            }
            _ => (text_item(plan, file, bytes, batch, &mut self.problems), None),
        };
        self.read += 1;
        if let Some(imported) = imported {
            self.bytes += bytes.len() as u64;
            self.push(Arrival { imported, media });
        }
        self.flush_if_due().await
    }

    async fn take_rows(&mut self, rows: Vec<Imported>) -> Result<(), Stop> {
        for imported in rows {
            self.read += 1;
            self.push(Arrival { imported, media: None });
            self.flush_if_due().await?;
        }
        Ok(())
    }

    fn push(&mut self, arrival: Arrival) {
        self.items += 1;
        if let Some(label) = arrival.imported.label() {
            self.classes.insert(label.to_owned());
        }
        self.chunk.arrivals.push(arrival);
    }

    /// What can be said only at the end: that nothing came in, or labels of one class alone.
    fn conclude(&mut self, status: &JobStatus) {
        if self.items == 0 && *status == JobStatus::Finished {
            let message = "nothing could be imported: the problems above say why. The project is empty";
            self.problems.push(Problem::of_file("", message));
        }
        self.problems.extend(one_class_problem(self.classes.iter().map(String::as_str)));
    }

    async fn flush_if_due(&mut self) -> Result<(), Stop> {
        let is_due =
            self.chunk.arrivals.len() >= self.most || self.bytes >= CHUNK_BYTES || now_ms() - self.since_ms >= CHUNK_MS;
        if is_due { self.flush().await } else { Ok(()) }
    }

    /// Sends what there is to the session and waits until it is stored.
    async fn flush(&mut self) -> Result<(), Stop> {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.problems = self.problems.as_slice()[self.problems_sent..].to_vec();
        self.problems_sent = self.problems.as_slice().len();
        self.bytes = 0;
        self.since_ms = now_ms();
        let (stored, waiting) = oneshot::channel();
        let input = Input::Chunk { import: self.import.clone(), chunk, done: self.read, total: self.total, stored };
        if self.sender.unbounded_send(input).is_err() {
            return Err(Stop::Failed("The session has ended. What came in is safe.".into()));
        }
        match waiting.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Stop::Failed(error)),
            Err(_) => Err(Stop::Failed("The session has ended. What came in is safe.".into())),
        }
    }
}

/// Reads a `Blob` synchronously, as the zip reader wants it; workers may.
struct BlobReader {
    reader: web_sys::FileReaderSync,
    blob: Blob,
    position: f64,
    /// The last block read, since the zip reader asks for a few bytes at a time.
    block: Vec<u8>,
    block_from: f64,
}

/// How much a [`BlobReader`] fetches at once.
const BLOCK_BYTES: f64 = 262_144.0;

impl BlobReader {
    fn new(blob: Blob) -> io::Result<Self> {
        let reader = web_sys::FileReaderSync::new().map_err(|error| io::Error::other(said(error)))?;
        Ok(Self { reader, blob, position: 0.0, block: Vec::new(), block_from: 0.0 })
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let inside = self.position - self.block_from;
        if inside < 0.0 || inside >= self.block.len() as f64 {
            let to = (self.position + BLOCK_BYTES.max(into.len() as f64)).min(self.blob.size());
            if self.position >= to {
                return Ok(0);
            }
            let part =
                self.blob.slice_with_f64_and_f64(self.position, to).map_err(|error| io::Error::other(said(error)))?;
            let buffer = self.reader.read_as_array_buffer(&part).map_err(|error| io::Error::other(said(error)))?;
            self.block = js_sys::Uint8Array::new(&buffer).to_vec();
            self.block_from = self.position;
        }
        let available = &self.block[(self.position - self.block_from) as usize..];
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.position += count as f64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(from_start) => from_start as f64,
            SeekFrom::End(from_end) => self.blob.size() + from_end as f64,
            SeekFrom::Current(by) => self.position + by as f64,
        };
        if position < 0.0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a position before the file's start"));
        }
        self.position = position;
        Ok(position as u64)
    }
}
