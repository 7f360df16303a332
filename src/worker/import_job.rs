//! The import job: reads files one after the other and hands what they hold to the session, chunk by chunk. Only one
//! chunk is in memory at a time; the job waits until it is stored.

mod blobs;
mod demos;
mod hopper;
mod inspect;

pub(super) use self::blobs::{BlobReader, blob};
pub(super) use self::demos::demo;
pub(super) use self::inspect::{inspect, read_to_merge};

use self::blobs::{bytes_of, fetch, slice};
use self::hopper::Hopper;
use self::inspect::open_zip;
use super::jobs::CancelFlag;
use super::serve::{Import, Input};
use crate::pipeline::import::plan::{ImportPlan, Problem, Role, SourceFile};
use crate::pipeline::import::source::{SourceKind, source_kind};
use crate::pipeline::import::{self, Imported, ProblemList, Reading, TableReader};
use crate::pipeline::item::Kind;
use crate::protocol::JobStatus;
use futures_channel::mpsc;
use std::collections::HashMap;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

/// How much of a file is read at once. The first such piece tells what the file is.
const SLICE_BYTES: f64 = 1_048_576.0;

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

    /// Finds how large the file is, if it is the person's.
    fn measure(&mut self) {
        if let Place::Local(blob) = &self.place {
            self.file.size = blob.size() as u64;
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

enum Stop {
    Cancelled,
    Failed(String),
}

/// Runs an import to its end.
pub(super) async fn run(
    plan: ImportPlan,
    origins: Vec<Origin>,
    import: Import,
    cancel: CancelFlag,
    sender: mpsc::UnboundedSender<Input>,
) {
    let mut hopper = Hopper::new(&plan, import.clone(), sender.clone());
    let mut status = match read_all(&plan, &origins, &cancel, &mut hopper).await {
        Ok(()) => JobStatus::Finished,
        Err(Stop::Cancelled) => JobStatus::Cancelled,
        Err(Stop::Failed(error)) => JobStatus::Failed(error),
    };
    hopper.conclude(&plan, &status);
    if let Err(Stop::Failed(error)) = hopper.flush_last().await {
        status = JobStatus::Failed(error);
    }
    let _ = sender.unbounded_send(Input::ImportEnded { import, status });
}

async fn read_all(plan: &ImportPlan, origins: &[Origin], cancel: &CancelFlag, hopper: &mut Hopper) -> Result<(), Stop> {
    let has_tables_beside = plan.kind == Kind::Image && plan.columns_of(Role::File).next().is_some();
    if has_tables_beside {
        // An image takes what is known of it when it comes in, so the tables come first.
        for origin in origins {
            read(plan, origin, Pass::Tables, cancel, hopper).await?;
        }
    }
    for origin in origins {
        read(plan, origin, Pass::Items { keep_names: has_tables_beside }, cancel, hopper).await?;
    }
    Ok(())
}

/// What a walk through the files is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// The tables beside images.
    Tables,
    /// The items.
    Items {
        /// Whether the images' names are kept, to be compared with the tables'.
        keep_names: bool,
    },
}

async fn read(
    plan: &ImportPlan,
    origin: &Origin,
    pass: Pass,
    cancel: &CancelFlag,
    hopper: &mut Hopper,
) -> Result<(), Stop> {
    if cancel.is_set() {
        return Err(Stop::Cancelled);
    }
    let Origin { file, .. } = origin;
    let by_name = import::reading(plan, file, &[]);
    if by_name == Reading::Skip || (pass == Pass::Tables && by_name == Reading::Image) {
        return Ok(());
    }
    let unread = |error: String| Problem::of_file(&file.path, format!("could not be read ({error})"));
    let (blob, first) = match origin.blob().await {
        Ok(blob) => match slice(&blob, 0.0, SLICE_BYTES).await {
            Ok(first) => (blob, first),
            Err(error) => return tell(hopper, pass, unread(error)),
        },
        Err(error) => return tell(hopper, pass, Problem::of_file(&file.path, error)),
    };
    if source_kind(&file.path, &first) == SourceKind::Zip {
        return read_zip(plan, origin, pass, cancel, hopper).await;
    }
    match import::reading(plan, file, &first) {
        Reading::Skip => Ok(()),
        Reading::LeftOut(problem) => tell(hopper, pass, problem),
        reading @ (Reading::Rows | Reading::Beside) if (reading == Reading::Beside) == (pass == Pass::Tables) => {
            read_rows(plan, file, &blob, first, pass, cancel, hopper).await
        }
        reading @ (Reading::Image | Reading::Text) if pass != Pass::Tables => {
            met(hopper, pass, file);
            let whole = if blob.size() <= SLICE_BYTES { Ok(first) } else { bytes_of(&blob).await };
            match whole {
                Ok(bytes) => hopper.take_file(plan, &reading, file, &bytes, Some(blob)).await,
                Err(error) => tell(hopper, pass, unread(error)),
            }
        }
        Reading::Beside | Reading::Rows | Reading::Image | Reading::Text => Ok(()),
    }
}

/// Adds a problem of a file, in the one pass that comes to every file.
fn tell(hopper: &mut Hopper, pass: Pass, problem: Problem) -> Result<(), Stop> {
    if pass != Pass::Tables {
        hopper.problems.push(problem);
    }
    Ok(())
}

fn met(hopper: &mut Hopper, pass: Pass, file: &SourceFile) {
    if pass == (Pass::Items { keep_names: true }) {
        hopper.images.push(file.path.clone());
    }
}

/// Reads a table whose `first` piece is there already: into items, or into what is known of images.
async fn read_rows(
    plan: &ImportPlan,
    file: &SourceFile,
    blob: &Blob,
    first: Vec<u8>,
    pass: Pass,
    cancel: &CancelFlag,
    hopper: &mut Hopper,
) -> Result<(), Stop> {
    let mut reader = TableReader::new(plan, file, hopper.import.batch);
    let size = blob.size();
    let mut from = first.len() as f64;
    let mut piece = first;
    loop {
        take_rows(hopper, pass, |problems| reader.feed(&piece, problems)).await?;
        if from >= size {
            break;
        }
        if cancel.is_set() {
            return Err(Stop::Cancelled);
        }
        let to = (from + SLICE_BYTES).min(size);
        piece = match slice(blob, from, to).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("could not be read to its end ({error}); the rows before are in");
                hopper.problems.push(Problem::of_file(&file.path, message));
                break;
            }
        };
        from = to;
    }
    take_rows(hopper, pass, |problems| reader.finish(problems)).await
}

/// Hands rows on as they are read. A row about an image is no item: what is wrong with it is a remark.
async fn take_rows(
    hopper: &mut Hopper,
    pass: Pass,
    read: impl FnOnce(&mut ProblemList) -> Vec<Imported>,
) -> Result<(), Stop> {
    if pass != Pass::Tables {
        let rows = read(&mut hopper.problems);
        return hopper.take_rows(rows).await;
    }
    let mut found = ProblemList::default();
    let rows = read(&mut found);
    hopper.beside.add(rows, &mut found);
    hopper.problems.extend(found.into_vec().into_iter().map(|problem| Problem { lost: 0, ..problem }));
    Ok(())
}

async fn read_zip(
    plan: &ImportPlan,
    origin: &Origin,
    pass: Pass,
    cancel: &CancelFlag,
    hopper: &mut Hopper,
) -> Result<(), Stop> {
    // What is wrong with the zip itself is told once, whatever is read of it.
    let mut found = ProblemList::default();
    let opened = open_zip(origin, &mut found).await;
    if pass != Pass::Tables {
        hopper.problems.extend(found.into_vec());
    }
    let mut zip = match opened {
        Ok(zip) => zip,
        Err(problem) => return tell(hopper, pass, problem),
    };
    let files: Vec<SourceFile> = zip.files().cloned().collect();
    // Damaged entries are told when they are read.
    let heads = zip.listing(&mut ProblemList::default()).files;
    let heads: HashMap<String, Vec<u8>> = heads.into_iter().map(|(file, head)| (file.path, head)).collect();
    for (at, file) in files.iter().enumerate() {
        if cancel.is_set() {
            return Err(Stop::Cancelled);
        }
        match import::reading(plan, file, heads.get(&file.path).map_or(&[], Vec::as_slice)) {
            Reading::Skip => {}
            Reading::LeftOut(problem) => tell(hopper, pass, problem)?,
            reading @ (Reading::Image | Reading::Text) if pass != Pass::Tables => {
                met(hopper, pass, file);
                match zip.read(at) {
                    Ok(bytes) => hopper.take_file(plan, &reading, file, &bytes, None).await?,
                    Err(problem) => hopper.problems.push(problem),
                }
            }
            reading @ (Reading::Rows | Reading::Beside) if (reading == Reading::Beside) == (pass == Pass::Tables) => {
                let mut reader = TableReader::new(plan, file, hopper.import.batch);
                let read = |problems: &mut ProblemList| {
                    let mut rows = Vec::new();
                    let end = zip.read_in_chunks(at, |bytes| rows.extend(reader.feed(bytes, problems)));
                    problems.extend(end.err());
                    rows.extend(reader.finish(problems));
                    rows
                };
                take_rows(hopper, pass, read).await?;
            }
            Reading::Image | Reading::Text | Reading::Rows | Reading::Beside => {}
        }
    }
    Ok(())
}
