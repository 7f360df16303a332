use super::*;
use crate::pipeline::import::is_project_file;
use crate::pipeline::item::{Item, Kind};
use crate::pipeline::label::{Action, Source};
use crate::pipeline::log::{Artifact, Metric, RunKind, RunStatus};
use crate::protocol::{Options, TriagePlan};
use crate::storage::records::{
    CertificateEnd, CertificatePartRecord, CertifiedItem, DeploymentRecord, PromotionRecord, Settled,
};

const PICTURE: &[u8] = b"as if a picture";

fn snapshot() -> Snapshot {
    let item = |index: u32, content: Content, hash: ContentHash| ItemRecord {
        index,
        item: Item {
            hash,
            name: format!("é/{index}.png"),
            content,
            batch: 0,
            extra: vec![("id".into(), "7\n8".into())],
        },
    };
    let text = Content::Text("a \"line\"\nand another".into());
    let text_hash = text.hash().expect("a text");
    Snapshot {
        project: ProjectRecord {
            id: "01".into(),
            name: "Pets".into(),
            kind: Kind::Image,
            target: Default::default(),
            columns: vec![],
            classes: vec![Class { key: "cat".into(), name: "Cat".into() }],
            options: Options::default(),
            created_ms: 1_700_000_000_000.5,
            changed_ms: 1_700_000_000_001.25,
            items: 2,
            labelled: 1,
            encoder: Some("{\"columns\":[]}".into()),
            review: Default::default(),
            monitor: Default::default(),
            backed_up: None,
            deployment: DeploymentRecord {
                promotions: vec![PromotionRecord { run: "01R".into(), why: "first model".into(), time_ms: 5.0 }],
                challenger: None,
                labels_at_last_run: 30,
                audits_wished: 2,
            },
        },
        items: vec![item(0, Content::Image, ContentHash::of(PICTURE)), item(1, text, text_hash)],
        events: vec![LabelEvent {
            id: "01A".into(),
            item: ContentHash::of(PICTURE),
            annotator: "me".into(),
            action: Action::Label("cat".into()),
            source: Source::Human,
            shown: None,
            drawn_with: Some(0.1 + 0.2),
            certificate: None,
            took_ms: Some(812),
            time_ms: 1_700_000_000_123.0,
            clock: 0,
        }],
        batches: vec![BatchRecord {
            index: 0,
            name: "pets".into(),
            items: 2,
            duplicates: 1,
            findings: vec![(false, "island is new.".into())],
            problems: vec![Problem::of_row("a.csv", 3, "bad")],
            time_ms: 1.0,
            lost: 0,
            hidden: 0,
            expected: 0,
            ending: crate::storage::records::Ending::Finished,
            ended_before: crate::storage::records::Ending::Finished,
            brought: vec![("01".into(), "02".into())],
        }],
        model: Some(ModelRecord {
            version: 4,
            feature_id: "lite0".into(),
            classes: vec!["cat".into(), "gone".into()],
            tensors: (0..=255).collect(),
            temperature: 1.0 / 3.0,
            labels: 30,
            curve: vec![(10, 0.5), (20, 2.0 / 3.0)],
        }),
        vectors: vec![VectorSet {
            feature_id: "lite0/1".into(),
            vectors: vec![(
                text_hash,
                FeatureVector {
                    dense: vec![0.1, -2.5],
                    sparse: SparseRow { indices: vec![3, 70_000], values: vec![0.5, 1.0] },
                },
            )],
        }],
        runs: vec![run()],
        artifacts: vec![ArtifactFile { run: "01R".into(), path: "config.json".into(), bytes: b"{}".to_vec() }],
        certificates: vec![CertificateRecord {
            number: 1,
            run: "01R".into(),
            model: 1,
            plan: TriagePlan::default(),
            parts: vec![CertificatePartRecord {
                class: None,
                threshold: 0.9,
                items: vec![CertifiedItem { item: text_hash, class: "cat".into(), probability: 0.95 }],
                settled: Some(Settled { audits: 1, errors: 0, certified: true }),
            }],
            asked: vec![("cat".into(), "too few".into())],
            ended: Some(CertificateEnd::Void("a new champion".into())),
            time_ms: 6.0,
        }],
    }
}

fn run() -> Run {
    Run {
        id: "01R".into(),
        number: 1,
        name: "logistic".into(),
        kind: RunKind::Train,
        parent: None,
        status: RunStatus::Finished,
        error: None,
        fingerprint: Some("ab".repeat(32)),
        params: [("c".to_string(), "10".to_string())].into(),
        metrics: vec![Metric { key: "accuracy".into(), value: 0.1 + 0.2, step: 3, time_ms: 4.0 }],
        tags: Default::default(),
        artifacts: vec![Artifact {
            path: "config.json".into(),
            mime: "application/json".into(),
            bytes: 2,
            sha256: "00".repeat(32),
        }],
        start_ms: 1.0,
        end_ms: Some(2.0),
        note: "a note\nin two lines".into(),
    }
}

fn file_of(snapshot: &Snapshot, picture: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let gone = write_archive(snapshot, |_| Some(picture.to_vec()), &mut file).expect("memory takes it");
    assert_eq!(gone, []);
    file
}

fn read_error(file: &[u8]) -> String {
    match read_archive(Cursor::new(file)) {
        Ok(_) => panic!("it should not have been read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_project_survives_its_file() {
    let original = snapshot();
    let file = file_of(&original, PICTURE);
    assert!(is_project_file(&file[..1000]));
    let (restored, mut media) = read_archive(Cursor::new(&file[..])).expect("a project file");
    assert_eq!(restored, original);
    assert_eq!(media.read(ContentHash::of(PICTURE)).as_deref(), Ok(PICTURE));
    assert!(media.read(ContentHash::of(b"another")).unwrap_err().message.contains("missing"));
}

#[test]
fn an_image_that_is_not_the_one_is_refused() {
    let file = file_of(&snapshot(), b"another picture");
    let (_, mut media) = read_archive(Cursor::new(&file[..])).expect("a project file");
    assert!(media.read(ContentHash::of(PICTURE)).unwrap_err().message.contains("damaged"));
}

#[test]
fn images_that_are_gone_are_told() {
    let mut file = Vec::new();
    assert_eq!(write_archive(&snapshot(), |_| None, &mut file).expect("memory takes it"), [ContentHash::of(PICTURE)]);
}

#[test]
fn other_and_broken_files_say_so() {
    let file = file_of(&snapshot(), PICTURE);
    assert!(read_error(&file[..file.len() / 2]).contains("damaged"));
    assert!(read_error(b"PNG or so").contains("project"));
    let other = zip_files(&[("manifest.json".into(), b"{\"manifest_version\": 3}".to_vec())]).expect("a zip");
    assert!(read_error(&other).contains("not a project"));
    assert!(!is_project_file(&other));
    let mut tampered = snapshot();
    tampered.items[1].item.content = Content::Text("tampered with".into());
    assert!(read_error(&file_of(&tampered, PICTURE)).contains("items.jsonl, line 2"));
}

#[test]
fn a_project_saved_before_there_was_a_log_opens() {
    let mut old = snapshot();
    (old.runs, old.artifacts, old.certificates) = (vec![], vec![], vec![]);
    // As version 1 wrote it: without the log's files and without what the manifest says of them.
    let written = file_of(&old, PICTURE);
    let mut archive = ZipArchive::new(Cursor::new(&written[..])).expect("a zip");
    let mut files = Vec::new();
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).expect("an entry");
        let (name, mut bytes) = (entry.name().expect("a readable name").to_string(), Vec::new());
        entry.read_to_end(&mut bytes).expect("readable");
        if name == "manifest.json" {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            manifest["format_version"] = 1.into();
            let manifest = manifest.as_object_mut().expect("an object");
            manifest.retain(|key, _| !matches!(key.as_str(), "runs" | "certificates" | "artifacts"));
            bytes = serde_json::to_vec(manifest).expect("JSON");
        }
        if !matches!(name.as_str(), "runs.jsonl" | "certificates.jsonl") {
            files.push((name, bytes));
        }
    }
    let (read, _) = read_archive(Cursor::new(zip_files(&files).expect("a zip"))).expect("a project of version 1");
    assert_eq!(read, old);
}

#[test]
fn a_newer_format_is_not_guessed_at() {
    let manifest = Manifest {
        format: PROJECT_FORMAT.into(),
        format_version: ARCHIVE_FORMAT_VERSION + 1,
        release: "9.9".into(),
        project: snapshot().project,
        items: 0,
        events: 0,
        batches: 0,
        has_model: false,
        feature_ids: vec![],
        runs: 0,
        certificates: 0,
        artifacts: vec![],
    };
    let json = serde_json::to_vec(&manifest).expect("a manifest");
    assert!(read_error(&zip_files(&[("manifest.json".into(), json)]).expect("a zip")).contains("newer Hone (9.9)"));
}

#[test]
fn no_changed_byte_makes_it_panic_or_pass_a_wrong_picture() {
    let file = file_of(&snapshot(), PICTURE);
    for place in (0..file.len()).step_by(3) {
        let mut broken = file.clone();
        broken[place] ^= 0x5a;
        // The picture is either right or refused.
        if let Ok((_, mut media)) = read_archive(Cursor::new(&broken[..]))
            && let Ok(bytes) = media.read(ContentHash::of(PICTURE))
        {
            assert_eq!(bytes, PICTURE, "byte {place}");
        }
    }
}

#[test]
fn a_model_card_survives_and_knows_its_classes() {
    use crate::pipeline::export::model_card::model_files;
    let snapshot = snapshot();
    let model = snapshot.model.as_ref().expect("a model");
    let card = model_card(&snapshot.project, model, "as photographed");
    assert_eq!(card.classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), ["Cat", "gone"]);
    let files = model_files(&card, &model.tensors);
    assert_eq!(ModelCard::from_json(&files[0].1), Ok(card));
    assert_eq!(files[1], (TENSORS_FILE.to_string(), model.tensors.clone()));
    for json in [&b"{}"[..], b"[", &files[0].1.iter().map(|&b| if b == b'1' { b'9' } else { b }).collect::<Vec<u8>>()] {
        assert!(ModelCard::from_json(json).is_err());
    }
}

/// Each of a project file's parts, swollen: refused by its directory alone, before anything is unpacked.
#[test]
fn a_part_that_unpacks_to_more_than_a_project_has_is_refused() {
    let written = file_of(&snapshot(), PICTURE);
    let mut archive = ZipArchive::new(Cursor::new(&written[..])).expect("a zip");
    let mut files: Vec<(String, Vec<u8>)> = (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its bytes");
            (entry.name().expect("a name").into_owned(), bytes)
        })
        .collect();
    assert!(read_archive(Cursor::new(zip_files(&files).expect("a zip"))).is_ok(), "the copy is sound");
    for part in ["manifest.json", "items.jsonl", "events.jsonl", "batches.jsonl", "vectors/0.bin", "artifacts/0"] {
        let place = files.iter().position(|(name, _)| name == part).unwrap_or_else(|| panic!("{part}"));
        let sound = std::mem::replace(&mut files[place].1, vec![b' '; 32 << 20]);
        let swollen = zip_files(&files).expect("a zip");
        assert!(swollen.len() < 1 << 20);
        let why = read_error(&swollen);
        assert!(why.contains(part) && why.contains("32 MB") && why.contains("Nothing was changed"), "{why}");
        files[place].1 = sound;
    }
}
