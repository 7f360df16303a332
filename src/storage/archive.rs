//! A whole project in one file, and back.
//!
//! A `.hone` file is a zip, so that a person can look inside: `mimetype` (first and uncompressed, by which the file is
//! recognised), `manifest.json`, `items.jsonl`, `events.jsonl`, `batches.jsonl`, `runs.jsonl`,
//! `certificates.jsonl`, `artifacts/N`, `model.json` with `model.safetensors`, `vectors/N.bin` (postcard; may be
//! missing, features can be computed anew) and `media/<hash>` for images.

use super::records::{BatchRecord, CertificateRecord, ItemRecord, ModelRecord, ProjectRecord};
use crate::pipeline::export::model_card::{MODEL_FORMAT, MODEL_FORMAT_VERSION, ModelCard, TENSORS_FILE, usage};
use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
use crate::pipeline::import::converted;
use crate::pipeline::import::plan::Problem;
use crate::pipeline::import::single::MAX_IMAGE_BYTES;
use crate::pipeline::import::source::PROJECT_MIMETYPE;
use crate::pipeline::item::{Content, ContentHash};
use crate::pipeline::label::MOST_CLASSES;
use crate::pipeline::label::{Class, LabelEvent};
use crate::pipeline::log::Run;
use crate::protocol::RELEASE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Cursor, Read, Seek, Write};
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The version of the file format that this release writes and the newest it reads.
pub const ARCHIVE_FORMAT_VERSION: u32 = 2;

/// Everything in a project but its images.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The head matter.
    pub project: ProjectRecord,
    /// By index, without gaps.
    pub items: Vec<ItemRecord>,
    /// The whole log.
    pub events: Vec<LabelEvent>,
    /// The imports.
    pub batches: Vec<BatchRecord>,
    /// The model, once there is one.
    pub model: Option<ModelRecord>,
    /// The features computed so far, one set a feature extractor; may be left empty.
    pub vectors: Vec<VectorSet>,
    /// The experiment log. Files of version 1 have none.
    pub runs: Vec<Run>,
    /// The files of its runs.
    pub artifacts: Vec<ArtifactFile>,
    /// The certificates, by number. Files of version 1 have none.
    pub certificates: Vec<CertificateRecord>,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactFile {
    /// The run's id.
    pub run: String,
    /// Its path in the run.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The features of many items by one extractor.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSet {
    /// The extractor.
    pub feature_id: String,
    /// Item and features.
    pub vectors: Vec<(ContentHash, FeatureVector)>,
}

/// Why a project file could not be written or read, in words for the user.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Some other file.
    #[error("This is not a project saved by Hone. Nothing was changed. Choose a file that ends in .hone.")]
    NotAProject,
    /// A project file, but broken; the text says which part.
    #[error(
        "This project file is damaged or incomplete ({0}). Nothing was changed. If you have another copy of it, try that one."
    )]
    Damaged(String),
    /// More than can be learnt.
    #[error(
        "This project has {0} classes, more than the {MOST_CLASSES} that a project can have. Nothing was changed. Join or drop classes where the file was made."
    )]
    TooManyClasses(usize),
    /// A part that would take more memory than any real project's.
    #[error(
        "This project file can’t be brought in: {0} in it would unpack to {1} MB, more than Hone writes or this device can hold. Nothing was changed. Save the project again where it was made, in parts if it is that large."
    )]
    TooLarge(String, u64),
    /// Written by a release after this one.
    #[error("This project was saved by a newer Hone ({0}). Nothing was changed. Update Hone, then open it again.")]
    TooNew(String),
    /// The output did not take the bytes.
    #[error("The project file could not be written ({0}). The project itself is safe. Free some space and try again.")]
    Write(String),
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    format_version: u32,
    release: String,
    project: ProjectRecord,
    items: usize,
    events: usize,
    batches: usize,
    has_model: bool,
    /// The extractor of `vectors/0.bin`, `vectors/1.bin`, …
    feature_ids: Vec<String>,
    #[serde(default)]
    runs: usize,
    #[serde(default)]
    certificates: usize,
    /// Run and path of `artifacts/0`, `artifacts/1`, …
    #[serde(default)]
    artifacts: Vec<(String, String)>,
}

/// A [`VectorSet`]'s entry, as postcard writes it.
#[derive(Serialize, Deserialize)]
struct VectorEntry {
    hash: [u8; 32],
    dense: Vec<f32>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

const PROJECT_FORMAT: &str = "hone-project";

/// The model's record without its weights; not the card of an exported model, which stands alone.
const MODEL_FILE: &str = "model.json";

/// Writes a project file piece by piece: the snapshot at once, then images as the caller gets hold of them. Needs no
/// seeking, so that the output can be handed on in parts.
pub struct ArchiveWriter<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins a file with all of `snapshot`.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] if the output fails.
    pub fn new(out: W, snapshot: &Snapshot) -> Result<Self, ArchiveError> {
        let mut writer = Self { zip: ZipWriter::new_stream(out) };
        writer.entry("mimetype", CompressionMethod::Stored, |out| out.write_all(PROJECT_MIMETYPE.as_bytes()))?;
        let manifest = Manifest {
            format: PROJECT_FORMAT.into(),
            format_version: ARCHIVE_FORMAT_VERSION,
            release: RELEASE.into(),
            project: snapshot.project.clone(),
            items: snapshot.items.len(),
            events: snapshot.events.len(),
            batches: snapshot.batches.len(),
            has_model: snapshot.model.is_some(),
            feature_ids: snapshot.vectors.iter().map(|set| set.feature_id.clone()).collect(),
            runs: snapshot.runs.len(),
            certificates: snapshot.certificates.len(),
            artifacts: snapshot.artifacts.iter().map(|file| (file.run.clone(), file.path.clone())).collect(),
        };
        writer.json("manifest.json", &manifest)?;
        writer.json_lines("items.jsonl", &snapshot.items)?;
        writer.json_lines("events.jsonl", &snapshot.events)?;
        writer.json_lines("batches.jsonl", &snapshot.batches)?;
        writer.json_lines("runs.jsonl", &snapshot.runs)?;
        writer.json_lines("certificates.jsonl", &snapshot.certificates)?;
        for (number, file) in snapshot.artifacts.iter().enumerate() {
            writer
                .entry(&format!("artifacts/{number}"), CompressionMethod::Deflated, |out| out.write_all(&file.bytes))?;
        }
        if let Some(model) = &snapshot.model {
            // The weights go beside, as the file that other tools read.
            writer.json(MODEL_FILE, &ModelRecord { tensors: Vec::new(), ..model.clone() })?;
            writer.entry(TENSORS_FILE, CompressionMethod::Deflated, |out| out.write_all(&model.tensors))?;
        }
        for (number, set) in snapshot.vectors.iter().enumerate() {
            writer.entry(&format!("vectors/{number}.bin"), CompressionMethod::Deflated, |out| {
                for (hash, vector) in &set.vectors {
                    let entry = VectorEntry {
                        hash: hash.0,
                        dense: vector.dense.clone(),
                        indices: vector.sparse.indices.clone(),
                        values: vector.sparse.values.clone(),
                    };
                    out.write_all(&postcard::to_stdvec(&entry).map_err(std::io::Error::other)?)?;
                }
                Ok(())
            })?;
        }
        Ok(writer)
    }

    /// Adds the bytes of the image with this hash. Not twice for the same one.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] if the output fails.
    pub fn add_media(&mut self, hash: ContentHash, bytes: &[u8]) -> Result<(), ArchiveError> {
        // Images are compressed already.
        self.entry(&format!("media/{hash}"), CompressionMethod::Stored, |out| out.write_all(bytes))
    }

    /// Ends the file and gives the output back.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] if the output fails.
    pub fn finish(self) -> Result<W, ArchiveError> {
        self.zip.finish().map(StreamWriter::into_inner).map_err(unwritten)
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), ArchiveError> {
        self.entry(name, CompressionMethod::Deflated, |out| Ok(serde_json::to_writer_pretty(out, value)?))
    }

    fn json_lines(&mut self, name: &str, values: &[impl Serialize]) -> Result<(), ArchiveError> {
        self.entry(name, CompressionMethod::Deflated, |out| {
            for value in values {
                serde_json::to_writer(&mut *out, value)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    fn entry(
        &mut self,
        name: &str,
        method: CompressionMethod,
        write: impl FnOnce(&mut ZipWriter<StreamWriter<W>>) -> std::io::Result<()>,
    ) -> Result<(), ArchiveError> {
        self.zip.start_file(name, SimpleFileOptions::default().compression_method(method)).map_err(unwritten)?;
        write(&mut self.zip).map_err(|error| ArchiveError::Write(error.to_string()))
    }
}

/// Writes a whole project file: `media` gives the bytes of an image, or nothing if they are gone. Returns the hashes
/// of the images that were.
///
/// # Errors
/// [`ArchiveError::Write`] if the output fails.
pub fn write_archive(
    snapshot: &Snapshot,
    mut media: impl FnMut(ContentHash) -> Option<Vec<u8>>,
    out: impl Write,
) -> Result<Vec<ContentHash>, ArchiveError> {
    let mut writer = ArchiveWriter::new(out, snapshot)?;
    let mut gone = Vec::new();
    for hash in image_hashes(&snapshot.items) {
        match media(hash) {
            Some(bytes) => writer.add_media(hash, &bytes)?,
            None => gone.push(hash),
        }
    }
    writer.finish()?;
    Ok(gone)
}

/// The hashes of the images among the items, each once, in item order.
pub fn image_hashes(items: &[ItemRecord]) -> Vec<ContentHash> {
    let mut seen = std::collections::HashSet::new();
    items
        .iter()
        .filter(|record| record.item.content == Content::Image)
        .map(|record| record.item.hash)
        .filter(|hash| seen.insert(*hash))
        .collect()
}

/// Reads a project file: everything but the images, which the reader returned with it gives one by one.
///
/// # Errors
/// [`ArchiveError`] if it is another file, damaged, or of a newer release. Nothing is half read.
pub fn read_archive<R: Read + Seek>(bytes: R) -> Result<(Snapshot, MediaReader<R>), ArchiveError> {
    let mut archive = ZipArchive::new(bytes).map_err(|error| match error {
        // A file cut off lacks its directory at the end and looks like no zip at all; only its beginning could tell.
        ZipError::InvalidArchive(what) => ArchiveError::Damaged(format!("not a readable zip: {what}")),
        _ => ArchiveError::NotAProject,
    })?;
    check::within_limits(&mut archive)?;
    let manifest = match read_entry(&mut archive, "manifest.json") {
        Ok(json) => serde_json::from_slice::<Manifest>(&json).map_err(|_| ArchiveError::NotAProject)?,
        Err(ArchiveError::Damaged(_)) if archive.index_for_name("manifest.json").is_some() => {
            return Err(ArchiveError::Damaged("manifest.json".into()));
        }
        Err(_) => return Err(ArchiveError::NotAProject),
    };
    if manifest.format != PROJECT_FORMAT {
        return Err(ArchiveError::NotAProject);
    }
    if manifest.format_version > ARCHIVE_FORMAT_VERSION {
        return Err(ArchiveError::TooNew(manifest.release));
    }
    let items: Vec<ItemRecord> = read_lines(&mut archive, "items.jsonl", manifest.items)?;
    for (place, record) in items.iter().enumerate() {
        let hash = record.item.content.hash().unwrap_or(record.item.hash);
        if record.index as usize != place || hash != record.item.hash {
            return Err(ArchiveError::Damaged(format!("items.jsonl, line {}", place + 1)));
        }
    }
    let events = read_lines(&mut archive, "events.jsonl", manifest.events)?;
    let batches = read_lines(&mut archive, "batches.jsonl", manifest.batches)?;
    let model = if manifest.has_model {
        let json = read_entry(&mut archive, MODEL_FILE)?;
        let record: ModelRecord =
            serde_json::from_slice(&json).map_err(|_| ArchiveError::Damaged(MODEL_FILE.into()))?;
        Some(ModelRecord { tensors: read_entry(&mut archive, TENSORS_FILE)?, ..record })
    } else {
        None
    };
    let vectors = manifest
        .feature_ids
        .into_iter()
        .enumerate()
        .map(|(number, feature_id)| read_vectors(&mut archive, &format!("vectors/{number}.bin"), feature_id))
        .collect::<Result<_, _>>()?;
    let (runs, certificates) = match manifest.format_version {
        1 => (Vec::new(), Vec::new()),
        _ => (
            read_lines(&mut archive, "runs.jsonl", manifest.runs)?,
            read_lines(&mut archive, "certificates.jsonl", manifest.certificates)?,
        ),
    };
    let artifacts = manifest
        .artifacts
        .into_iter()
        .enumerate()
        .map(|(number, (run, path))| {
            let bytes = read_entry(&mut archive, &format!("artifacts/{number}"))?;
            Ok(ArtifactFile { run, path, bytes })
        })
        .collect::<Result<_, ArchiveError>>()?;
    let snapshot =
        Snapshot { project: manifest.project, items, events, batches, model, vectors, runs, artifacts, certificates };
    check::fit_together(&snapshot)?;
    Ok((snapshot, MediaReader { archive }))
}

/// Gives the images of a project file one by one.
pub struct MediaReader<R> {
    archive: ZipArchive<R>,
}

impl<R: Read + Seek> MediaReader<R> {
    /// The bytes of the image with this hash, checked against it. They may be of a picture that was made of it when it came in.
    ///
    /// # Errors
    /// The problem, if the image is not in the file, cannot be read, or is not the one it should be.
    pub fn read(&mut self, hash: ContentHash) -> Result<Vec<u8>, Problem> {
        let name = format!("media/{hash}");
        let problem = |message: &str| Problem::note(&name, message);
        let entry = self.archive.by_name(&name).map_err(|_| problem("the image is missing from the project file"))?;
        let mut bytes = Vec::new();
        let read = entry.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes);
        if read.is_err() || !converted::belongs(&bytes, hash) {
            return Err(problem("the image is damaged in the project file; its labels are kept"));
        }
        Ok(bytes)
    }
}

/// The card of a project's model, for export beside its weights. `preprocessing` says in words how an item becomes
/// features.
pub fn model_card(project: &ProjectRecord, model: &ModelRecord, preprocessing: &str) -> ModelCard {
    let class_of = |key: &String| {
        let known = project.classes.iter().find(|class| class.key == *key).cloned();
        known.unwrap_or_else(|| Class { key: key.clone(), name: key.clone() })
    };
    ModelCard {
        format: MODEL_FORMAT.into(),
        format_version: MODEL_FORMAT_VERSION,
        release: RELEASE.into(),
        project: project.name.clone(),
        kind: project.kind,
        classes: model.classes.iter().map(class_of).collect(),
        feature_id: model.feature_id.clone(),
        preprocessing: preprocessing.into(),
        columns: project.columns.clone(),
        label_column: None,
        encoder: project.encoder.as_ref().and_then(|json| serde_json::from_str(json).ok()),
        temperature: model.temperature,
        labels: model.labels,
        usage: usage(),
    }
}

/// A few small files as one zip, in memory: an exported model.
///
/// # Errors
/// [`ArchiveError::Write`] if two files have the same name.
pub fn zip_files(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, ArchiveError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).map_err(unwritten)?;
        zip.write_all(bytes).map_err(|error| ArchiveError::Write(error.to_string()))?;
    }
    zip.finish().map(Cursor::into_inner).map_err(unwritten)
}

fn unwritten(error: ZipError) -> ArchiveError {
    ArchiveError::Write(error.to_string())
}

fn read_entry<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let damaged = || ArchiveError::Damaged(name.to_string());
    let entry = archive.by_name(name).map_err(|_| damaged())?;
    let size = entry.size();
    let mut bytes = Vec::new();
    let read = entry.take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| damaged())?;
    if read as u64 > size { Err(damaged()) } else { Ok(bytes) }
}

fn read_lines<T: DeserializeOwned, R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
    expected: usize,
) -> Result<Vec<T>, ArchiveError> {
    let damaged = |line: usize| ArchiveError::Damaged(format!("{name}, line {}", line + 1));
    let entry = archive.by_name(name).map_err(|_| ArchiveError::Damaged(name.to_string()))?;
    let size = entry.size();
    let mut records = Vec::new();
    for (place, line) in BufReader::new(entry.take(size)).lines().enumerate() {
        let line = line.map_err(|_| damaged(place))?;
        records.push(serde_json::from_str(&line).map_err(|_| damaged(place))?);
    }
    if records.len() == expected { Ok(records) } else { Err(damaged(records.len())) }
}

fn read_vectors<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
    feature_id: String,
) -> Result<VectorSet, ArchiveError> {
    let bytes = read_entry(archive, name)?;
    let mut rest = bytes.as_slice();
    let (mut vectors, mut number) = (Vec::new(), 0);
    while !rest.is_empty() {
        number += 1;
        let (entry, after) = postcard::take_from_bytes::<VectorEntry>(rest)
            .map_err(|_| ArchiveError::Damaged(format!("{name}, vector {number}")))?;
        let sparse = SparseRow { indices: entry.indices, values: entry.values };
        let vector = FeatureVector { dense: entry.dense, sparse };
        // One that no extractor could have made is computed anew, as one that is missing.
        let width = vectors.first().map(|(_, first): &(ContentHash, FeatureVector)| first.dense.len());
        if vector.is_sound() && width.is_none_or(|width| width == vector.dense.len()) {
            vectors.push((ContentHash(entry.hash), vector));
        }
        rest = after;
    }
    Ok(VectorSet { feature_id, vectors })
}

mod check;

#[cfg(test)]
mod tests;
