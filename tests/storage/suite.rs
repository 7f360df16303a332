//! What every store must do, written once for the one in memory and the one in the browser.

use super::platform::{bytes_of, media_of};
use hone::pipeline::features::matrix::{FeatureVector, SparseRow};
use hone::pipeline::import::plan::Problem;
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::pipeline::label::{Action, Class, LabelEvent, Shown, Source};
use hone::pipeline::log::{Artifact, Metric, Run, RunKind, RunStatus};
use hone::protocol::{Options, TriagePlan};
use hone::storage::records::{
    BatchRecord, CertificateEnd, CertificatePartRecord, CertificateRecord, CertifiedItem, DeploymentRecord, Ending,
    ItemRecord, ModelRecord, ProjectRecord, Settled,
};
use hone::storage::{Purge, Store};

fn project(id: &str) -> ProjectRecord {
    ProjectRecord {
        id: id.into(),
        name: "Birds & bees 🐝".into(),
        kind: Kind::Image,
        target: Default::default(),
        columns: vec!["a".into(), String::new()],
        classes: vec![Class { key: "bird".into(), name: "Bird".into() }],
        options: Options::default(),
        created_ms: 1_700_000_000_000.5,
        changed_ms: 1_700_000_000_001.0,
        items: 3,
        labelled: 1,
        encoder: None,
        deployment: DeploymentRecord::default(),
        review: Default::default(),
        monitor: Default::default(),
        backed_up: None,
    }
}

fn hash(number: u32) -> ContentHash {
    ContentHash::of(&number.to_le_bytes())
}

fn item(index: u32, number: u32) -> ItemRecord {
    let content = match number % 3 {
        0 => Content::Image,
        1 => Content::Text("line\nline \u{1f} ünï".into()),
        _ => Content::Row(vec!["1.5".into(), String::new()]),
    };
    let extra = vec![("id".into(), number.to_string())];
    ItemRecord { index, item: Item { hash: hash(number), name: format!("{number}.webp"), content, batch: 0, extra } }
}

fn label(id: &str, number: u32) -> LabelEvent {
    LabelEvent {
        id: id.into(),
        item: hash(number),
        annotator: "me".into(),
        action: Action::Label("bird".into()),
        source: Source::Audit,
        shown: Some(Shown { class: "bird".into(), probability: 0.1, model: 3, quality: None }),
        drawn_with: Some(1e-9),
        certificate: Some(2),
        took_ms: Some(4_000_000_000),
        time_ms: 1_700_000_000_000.25,
        clock: 0,
    }
}

fn vector(number: u32) -> FeatureVector {
    // Halves hold these exactly, so that both stores give back the same.
    let sparse = SparseRow { indices: (0..number % 3).map(|step| step * 100_000).collect(), values: Vec::new() };
    let values = sparse.indices.iter().map(|&index| index as f32 / 100_000.0 + 0.5).collect();
    FeatureVector { dense: vec![number as f32, -0.25, 6.0], sparse: SparseRow { values, ..sparse } }
}

fn vectors(numbers: std::ops::Range<u32>) -> Vec<(ContentHash, FeatureVector)> {
    numbers.map(|number| (hash(number), vector(number))).collect()
}

fn hashes(numbers: std::ops::Range<u32>) -> Vec<ContentHash> {
    numbers.map(hash).collect()
}

pub async fn projects_are_kept_apart_and_replaced_whole(store: Store) {
    assert_eq!(store.projects().await.unwrap(), []);
    assert_eq!(store.project("b").await.unwrap(), None);
    store.put_project(&project("b")).await.unwrap();
    store.put_project(&project("a")).await.unwrap();
    let renamed = ProjectRecord { name: "New".into(), encoder: Some("{}".into()), ..project("b") };
    store.put_project(&renamed).await.unwrap();
    assert_eq!(store.projects().await.unwrap(), [project("a"), renamed.clone()]);
    assert_eq!(store.project("b").await.unwrap(), Some(renamed));
}

pub async fn items_come_back_by_index_with_media_and_labels(store: Store) {
    let media = vec![(hash(0), media_of(b"zero")), (hash(3), media_of(b""))];
    let items = [item(10, 0), item(2, 1), item(0, 2), item(9, 3)];
    store.add_items("p", &items, media, &[label("e2", 1), label("e1", 0)]).await.unwrap();
    store.add_items("pp", &[item(0, 4)], Vec::new(), &[]).await.unwrap();
    assert_eq!(store.items("p").await.unwrap(), [item(0, 2), item(2, 1), item(9, 3), item(10, 0)]);
    assert_eq!(store.events("p").await.unwrap(), [label("e1", 0), label("e2", 1)]);
    assert_eq!(bytes_of(&store.media(hash(0)).await.unwrap().unwrap()).await, b"zero");
    assert_eq!(bytes_of(&store.media(hash(3)).await.unwrap().unwrap()).await, b"");
    assert!(store.media(hash(1)).await.unwrap().is_none());
    assert!(store.thumbnail(hash(0)).await.unwrap().is_none());
    store.put_thumbnails(vec![(hash(0), media_of(b"small"))]).await.unwrap();
    assert_eq!(bytes_of(&store.thumbnail(hash(0)).await.unwrap().unwrap()).await, b"small");
}

pub async fn an_event_sent_twice_is_kept_once(store: Store) {
    let skip = LabelEvent {
        action: Action::Skip,
        shown: None,
        drawn_with: None,
        certificate: None,
        took_ms: None,
        ..label("2", 5)
    };
    let undo = LabelEvent { action: Action::Undo("2".into()), ..label("3", 5) };
    store.append_events("p", &[undo.clone(), label("1", 5)]).await.unwrap();
    store.append_events("p", &[label("1", 5), skip.clone()]).await.unwrap();
    store.append_events("q", &[label("1", 6)]).await.unwrap();
    store.append_events("q", &[]).await.unwrap();
    assert_eq!(store.events("p").await.unwrap(), [label("1", 5), skip, undo]);
    assert_eq!(store.events("q").await.unwrap(), [label("1", 6)]);
}

pub async fn batches_models_and_settings_come_back(store: Store) {
    let problem = Problem { file: "a.csv".into(), row: Some(7), message: "ragged".into(), lost: 1 };
    let batch = |index| BatchRecord {
        index,
        name: format!("import {index}"),
        items: 2,
        duplicates: 1,
        findings: vec![(true, "All cells of age are empty.".into())],
        problems: vec![problem.clone(), Problem { row: None, ..problem.clone() }],
        time_ms: 5.0,
        lost: 0,
        hidden: 0,
        expected: 0,
        ending: Ending::Removed,
        ended_before: Ending::Cancelled,
        brought: vec![("01".into(), "02".into())],
    };
    for index in [1, 0, 10, 2] {
        store.put_batch("p", &batch(index)).await.unwrap();
    }
    assert_eq!(store.batches("p").await.unwrap(), [batch(0), batch(1), batch(2), batch(10)]);

    let model = ModelRecord {
        version: 4,
        feature_id: "f".into(),
        classes: vec!["a".into()],
        tensors: (0..=255).collect(),
        temperature: 1.25,
        labels: 9,
        curve: vec![(3, 0.5), (9, 1.0)],
    };
    assert_eq!(store.model("p").await.unwrap(), None);
    store.put_model("p", &model).await.unwrap();
    assert_eq!(store.model("p").await.unwrap(), Some(model));

    assert_eq!(store.setting("theme").await.unwrap(), None);
    store.put_setting("theme", "dark").await.unwrap();
    store.put_setting("theme", "light").await.unwrap();
    assert_eq!(store.setting("theme").await.unwrap().as_deref(), Some("light"));
}

fn run(id: &str, note: &str) -> Run {
    Run {
        id: id.into(),
        number: 7,
        name: "ridge".into(),
        kind: RunKind::Trial,
        parent: Some("00".into()),
        status: RunStatus::Failed,
        error: Some("not enough labels".into()),
        fingerprint: Some("ab".repeat(32)),
        params: [("lambda".to_string(), "0.1".to_string())].into(),
        metrics: [0.25, -1e300, f64::INFINITY]
            .map(|value| Metric { key: "loss".into(), value, step: 3, time_ms: 1.5 })
            .into(),
        tags: [("a.b".to_string(), "ü".to_string())].into(),
        artifacts: vec![Artifact {
            path: "a/b.json".into(),
            mime: "application/json".into(),
            bytes: 3,
            sha256: "00".into(),
        }],
        start_ms: 1.0,
        end_ms: None,
        note: note.into(),
    }
}

pub async fn runs_with_their_files_and_certificates_come_back(store: Store) {
    store.put_run("p", &run("2", ""), &[("a/b.json".into(), vec![0, 255, 7]), ("empty".into(), vec![])]).await.unwrap();
    store.put_run("p", &run("1", ""), &[]).await.unwrap();
    store.put_run("pp", &run("3", ""), &[("a/b.json".into(), vec![1])]).await.unwrap();
    // A note later, the files stay.
    store.put_run("p", &run("2", "good"), &[]).await.unwrap();
    assert_eq!(store.runs("p").await.unwrap(), [run("1", ""), run("2", "good")]);
    assert_eq!(store.artifact("p", "2", "a/b.json").await.unwrap(), Some(vec![0, 255, 7]));
    assert_eq!(store.artifact("p", "2", "empty").await.unwrap(), Some(vec![]));
    assert_eq!(store.artifact("p", "1", "a/b.json").await.unwrap(), None);

    let certificate = |number| CertificateRecord {
        number,
        run: "2".into(),
        model: 7,
        plan: TriagePlan::default(),
        parts: vec![CertificatePartRecord {
            class: Some("bird".into()),
            threshold: 0.75,
            items: vec![CertifiedItem { item: hash(1), class: "bird".into(), probability: 0.875 }],
            settled: Some(Settled { audits: 59, errors: 0, certified: true }),
        }],
        asked: vec![("fish".into(), "too few".into())],
        ended: Some(CertificateEnd::Void("a new champion".into())),
        time_ms: 2.5,
    };
    for number in [10, 2] {
        store.put_certificate("p", &certificate(number)).await.unwrap();
    }
    assert_eq!(store.certificates("p").await.unwrap(), [certificate(2), certificate(10)]);

    store.put_project(&project("p")).await.unwrap();
    store.delete_project("p").await.unwrap();
    assert_eq!((store.runs("p").await.unwrap(), store.certificates("p").await.unwrap()), (vec![], vec![]));
    assert_eq!(store.artifact("p", "2", "a/b.json").await.unwrap(), None);
    assert_eq!(store.artifact("pp", "3", "a/b.json").await.unwrap(), Some(vec![1]), "another project's stay");
}

pub async fn vectors_come_back_whatever_the_portions(store: Store) {
    // Single ones, a few, and more than a block, so that blocks are filled up, begun and split.
    let portions = [0..1, 1..2, 2..40, 40..63, 63..70, 70..70, 70..700, 700..701];
    for portion in portions {
        store.append_vectors("f", &vectors(portion)).await.unwrap();
    }
    store.append_vectors("other", &[(hash(1), vector(99))]).await.unwrap();

    let all = store.vectors("f", &hashes(0..800)).await.unwrap();
    assert_eq!(all.len(), 701);
    for number in 0..701 {
        assert_eq!(all[&hash(number)], vector(number), "{number}");
    }
    let some = store.vectors("f", &[hash(650), hash(3)]).await.unwrap();
    assert_eq!((some.len(), &some[&hash(650)], &some[&hash(3)]), (2, &vector(650), &vector(3)));
    assert_eq!(store.vectors("other", &hashes(0..3)).await.unwrap()[&hash(1)], vector(99));
    assert!(store.vectors("none", &hashes(0..3)).await.unwrap().is_empty());
}

pub async fn a_deleted_project_leaves_what_others_use(store: Store) {
    let media = |numbers: &[u32]| numbers.iter().map(|&number| (hash(number), media_of(b"x"))).collect::<Vec<_>>();
    for (name, numbers) in [("gone", [0, 3, 6]), ("stays", [3, 9, 12])] {
        let items: Vec<ItemRecord> = (0..).zip(numbers).map(|(index, number)| item(index, number)).collect();
        store.put_project(&project(name)).await.unwrap();
        store.add_items(name, &items, media(&numbers), &[label("1", 3)]).await.unwrap();
        store.put_thumbnails(media(&numbers)).await.unwrap();
        store.put_batch(name, &BatchRecord::begun(0, "", 0.0)).await.unwrap();
    }
    // One block of both projects' vectors and one of the deleted project's alone.
    store.append_vectors("f", &vectors(0..13)).await.unwrap();
    store.append_vectors("g", &[(hash(0), vector(0)), (hash(6), vector(6))]).await.unwrap();

    store.delete_project("gone").await.unwrap();

    assert_eq!(store.project("gone").await.unwrap(), None);
    assert_eq!(store.items("gone").await.unwrap(), []);
    assert_eq!(store.events("gone").await.unwrap(), []);
    assert_eq!(store.batches("gone").await.unwrap(), []);
    assert_eq!(store.items("stays").await.unwrap().len(), 3);
    assert_eq!(store.events("stays").await.unwrap(), [label("1", 3)]);
    assert_eq!(store.batches("stays").await.unwrap().len(), 1);
    for (number, kept) in [(0, false), (3, true), (6, false), (9, true)] {
        assert_eq!(store.media(hash(number)).await.unwrap().is_some(), kept, "media {number}");
        assert_eq!(store.thumbnail(hash(number)).await.unwrap().is_some(), kept, "thumbnail {number}");
        let vectors = store.vectors("f", &[hash(number)]).await.unwrap();
        assert_eq!(vectors.get(&hash(number)), kept.then(|| vector(number)).as_ref(), "vector {number}");
    }
    assert!(store.vectors("g", &hashes(0..13)).await.unwrap().is_empty());
    store.delete_project("never was").await.unwrap();
}

pub async fn a_purge_moves_what_stays_and_takes_the_rest_for_good(store: Store) {
    let media = |numbers: &[u32]| numbers.iter().map(|&number| (hash(number), media_of(b"x"))).collect::<Vec<_>>();
    let items: Vec<ItemRecord> = (0..).zip([0, 3, 6, 9, 12]).map(|(index, number)| item(index, number)).collect();
    let events = [label("1", 0), label("2", 3), label("3", 6), label("4", 9)];
    store.add_items("p", &items, media(&[0, 3, 6, 9, 12]), &events).await.unwrap();
    // Another project has one of the items that go, and an event of the same id.
    store.add_items("q", &[item(0, 6)], media(&[6]), &[label("2", 6)]).await.unwrap();
    store.append_vectors("f", &vectors(0..13)).await.unwrap();
    store.put_batch("p", &BatchRecord { ending: Ending::Removed, ..BatchRecord::begun(0, "a", 1.0) }).await.unwrap();

    let gone = BatchRecord { ending: Ending::Gone, ..BatchRecord::begun(0, "a", 1.0) };
    let (stay, go) = ([item(1, 9), item(2, 12)], [hash(3), hash(6)]);
    let purge = Purge {
        from: 1,
        stay: &stay,
        gone: &go,
        events: &["2".into(), "3".into()],
        batches: std::slice::from_ref(&gone),
    };
    store.purge("p", purge).await.unwrap();

    assert_eq!(store.items("p").await.unwrap(), [item(0, 0), item(1, 9), item(2, 12)]);
    assert_eq!(store.events("p").await.unwrap(), [label("1", 0), label("4", 9)]);
    assert_eq!(store.batches("p").await.unwrap(), [gone]);
    assert_eq!((store.items("q").await.unwrap().len(), store.events("q").await.unwrap().len()), (1, 1));
    for (number, kept) in [(0, true), (3, false), (6, true), (9, true), (12, true)] {
        assert_eq!(store.media(hash(number)).await.unwrap().is_some(), kept, "media {number}");
        assert_eq!(store.vectors("f", &[hash(number)]).await.unwrap().len(), usize::from(kept), "vector {number}");
    }
}
