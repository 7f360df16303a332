//! What is read, each with its corpus.

use super::fuzz;
use super::reading::read;
use hone::pipeline::export::model_card::ModelCard;
use hone::pipeline::features::table::TableEncoder;
use hone::pipeline::log::query::Query;
use hone::pipeline::model::head::TrainedHead;
use hone::pipeline::quality::annotators::log_file::{looks_like_log, read_log, write_log};
use hone::protocol::{Event, Reply, Request};
use hone::storage::Store;
use hone::storage::archive::read_archive;
use hone::storage::records::{BatchRecord, CertificateRecord, ProjectRecord};
use hone::storage::vector_block::VectorBlock;
use hone::worker::session::{FeatureSource, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

const CASES: &[(&str, &[u8])] = include!("../golden/import/cases.rs");

/// The import cases whose name ends so.
fn cases(ending: &[&str]) -> Vec<Vec<u8>> {
    let fits = |name: &&str| ending.iter().any(|ending| name.ends_with(ending));
    CASES.iter().filter(|(name, _)| fits(name)).map(|(_, bytes)| bytes.to_vec()).collect()
}

/// The hostile files with one of these endings.
fn hostile(ending: &[&str]) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hostile");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.retain(|path| ending.iter().any(|ending| path.to_string_lossy().ends_with(ending)));
    files.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

/// Every picture below a folder, whatever it is for.
fn pictures(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.to_string_lossy().to_lowercase();
        if path.is_dir() {
            found.extend(pictures(&path));
        } else if [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"].iter().any(|ending| name.ends_with(ending)) {
            found.push(std::fs::read(&path).expect("a picture"));
        }
    }
    found
}

fn import_as(name: &'static str) -> impl Fn(&[u8]) {
    move |bytes| {
        if let Some(read) = read(name, bytes) {
            assert!(read.problems.as_slice().iter().all(|problem| !problem.message.is_empty()));
        }
    }
}

#[test]
fn tables() {
    fuzz("tables", &cases(&[".csv", ".tsv", ".txt"]), import_as("rows.csv"));
}

#[test]
fn texts() {
    fuzz("texts", &cases(&[".csv", ".tsv", ".txt"]), import_as("notes.txt"));
}

#[test]
fn json() {
    fuzz("json", &cases(&[".json", ".jsonl"]), import_as("rows.json"));
}

#[test]
fn json_lines() {
    fuzz("json lines", &cases(&[".json", ".jsonl"]), import_as("rows.jsonl"));
}

#[test]
fn zips() {
    fuzz("zips", &[cases(&[".zip"]), hostile(&[".zip"])].concat(), import_as("all.zip"));
}

#[test]
fn images() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let corpus = pictures(&golden);
    fuzz("images", &corpus, |bytes| {
        let _ = hone::picture::decode(bytes);
        let _ = hone::picture::closed(bytes);
        let _ = hone::picture::orientation::Orientation::of(bytes);
    });
}

#[test]
fn project_files() {
    let source = || FeatureSource { id: "wordllama256-i8-ngrams-1".into(), words: "planted".into(), warning: None };
    fuzz("project files", &hostile(&[".hone"]), |bytes| {
        if read_archive(Cursor::new(bytes)).is_err() {
            return;
        }
        futures_executor::block_on(async {
            let mut session = Session::new(Store::default(), false, source(), source());
            let Ok(restored) = session.restore_archive(bytes, 0.0).await else { return };
            session.handle(Request::OpenProject { project: restored.id.clone() }, 0.0).await;
            for step in 0..30 {
                if !session.background(f64::from(step)).await {
                    break;
                }
            }
            session.handle(Request::Undo, 100.0).await;
            session.handle(Request::Export(hone::protocol::Export::LabelLog), 100.0).await;
            session.take_events();
            session.handle(Request::DeleteProject { project: restored.id }, 200.0).await;
            assert!(session.store().projects().await.expect("in memory").is_empty());
        });
    });
}

#[test]
fn label_logs() {
    let mut corpus = hostile(&[".jsonl"]);
    for file in hostile(&[".hone"]) {
        let Ok((snapshot, _)) = read_archive(Cursor::new(&file[..])) else { continue };
        corpus.push(write_log("p", snapshot.project.target, &snapshot.project.classes, &snapshot.events));
    }
    fuzz("label logs", &corpus, |bytes| {
        looks_like_log(bytes);
        if let Ok(log) = read_log("log", bytes) {
            let labels = hone::pipeline::label::fold(&log.events);
            assert!(labels.len() <= log.events.len());
        }
    });
}

/// The parts of models, and of the models in project files.
fn parts(name: &str) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for file in hostile(&[".model", ".zip", ".hone"]) {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(&file[..])) else { continue };
        for at in 0..archive.len() {
            let Ok(mut part) = archive.by_index(at) else { continue };
            let mut bytes = Vec::new();
            if part.name().is_ok_and(|part| part.ends_with(name)) && part.read_to_end(&mut bytes).is_ok() {
                parts.push(bytes);
            }
        }
    }
    parts
}

#[test]
fn weights() {
    let mut corpus = parts(".safetensors");
    corpus.extend(hostile(&[".model"]));
    fuzz("weights", &corpus, |bytes| {
        if let Ok(head) = TrainedHead::from_tensors(bytes) {
            let again = head.to_tensors().expect("what was read can be written");
            assert!(TrainedHead::from_tensors(&again).is_ok());
        }
    });
}

#[test]
fn model_cards() {
    fuzz("model cards", &parts(".json"), |bytes| {
        let _ = ModelCard::from_json(bytes);
        if let Ok(encoder) = serde_json::from_slice::<TableEncoder>(bytes) {
            encoder.is_sound();
        }
    });
}

#[test]
fn arrays() {
    let header = |text: &str| {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.as_bytes());
        file.extend([0, 0, 128, 63].repeat(6));
        file
    };
    let corpus = [
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"),
        header("{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }\n"),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (24,), }\n"),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (3, 1), }\n"),
    ];
    let file = std::env::temp_dir().join(format!("hone-fuzz-{}.npy", std::process::id()));
    fuzz("arrays", &corpus, |bytes| {
        std::fs::write(&file, bytes).expect("written");
        if let Ok(array) = hone::cli::npy::read(&file) {
            assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
        }
    });
    let _ = std::fs::remove_file(&file);
}

#[test]
fn run_queries() {
    let corpus = [
        r#"metrics.accuracy > 0.9 and params.head = "ridge""#,
        r#"not (tags.`a b` != 'x') or params.c in (1, 2)"#,
        r#"params.name ilike "%cat_" and attributes.kind = "train""#,
    ];
    let corpus = corpus.map(|text| text.as_bytes().to_vec());
    fuzz("run queries", &corpus, |bytes| {
        let _ = Query::parse(&String::from_utf8_lossy(bytes));
    });
}

/// What was written is read back; what is damaged is refused or is something else, and never more than it can be.
fn messages<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(message) = postcard::from_bytes::<T>(bytes) {
        postcard::to_allocvec(&message).expect("what was read can be written");
    }
}

#[test]
fn messages_between_page_and_worker() {
    let requests = [
        Request::Hello,
        Request::OpenProject { project: "01JD0000000000000000000000".into() },
        Request::Rescue { project: "01JD".into(), decisions: Vec::new() },
        Request::AddClass { name: "cat".into() },
        Request::Search { seconds: 30, anyway: false },
    ];
    let mut corpus: Vec<Vec<u8>> =
        requests.iter().map(|request| postcard::to_allocvec(request).expect("a request")).collect();
    for reply in [Reply::Done, Reply::Failed("why".into()), Reply::Count(7)] {
        corpus.push(postcard::to_allocvec(&reply).expect("a reply"));
    }
    corpus.push(postcard::to_allocvec(&Event::Notice("news".into())).expect("an event"));
    fuzz("messages", &corpus, |bytes| {
        messages::<Request>(bytes);
        messages::<Reply>(bytes);
        messages::<Event>(bytes);
    });
}

#[test]
fn stored_records() {
    let mut corpus = Vec::new();
    for file in hostile(&[".hone"]) {
        let Ok((snapshot, _)) = read_archive(Cursor::new(&file[..])) else { continue };
        corpus.push(serde_json::to_vec(&snapshot.project).expect("a record"));
        corpus.extend(snapshot.batches.iter().map(|record| serde_json::to_vec(record).expect("a record")));
        corpus.extend(snapshot.certificates.iter().map(|record| serde_json::to_vec(record).expect("a record")));
    }
    fuzz("stored records", &corpus, |bytes| {
        let _ = serde_json::from_slice::<ProjectRecord>(bytes);
        let _ = serde_json::from_slice::<BatchRecord>(bytes);
        let _ = serde_json::from_slice::<CertificateRecord>(bytes);
        let part = |number: usize| {
            let quarter = bytes.len() / 4;
            bytes[number * quarter..(number + 1) * quarter].to_vec()
        };
        let block = VectorBlock { dense: part(0), ends: part(1), indices: part(2), values: part(3) };
        if let Some(vectors) = block.unpack() {
            assert!(vectors.len() <= bytes.len());
        }
    });
}
