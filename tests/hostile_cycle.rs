//! Project files made to do harm, beside a person's own project: each is refused with a sentence or opens and works, and the own
//! project has to the byte what it had before.
//!
//! `tests/golden/hostile` holds small files of the kinds that once did harm; others are made here from a sound file.

mod driver;

use driver::{Driver, everything, planted, run};
use hone::pipeline::features::matrix::{FeatureVector, SparseRow};
use hone::pipeline::import::Imported;
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{Decision, Export, Judged, Reply, Request, ReviewKind, Verdict};
use hone::storage::Store;
use hone::storage::archive::{ArchiveWriter, Snapshot, read_archive};
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming, FeatureSource, Session};
use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

const OWN: &str = "01JD0000000000000000000001";
const TEXTS: &str = "wordllama256-i8-ngrams-1";

fn sources() -> [FeatureSource; 2] {
    let source = |id: &str| FeatureSource { id: id.into(), words: "planted".into(), warning: None };
    [source("lite0-f16-2"), source(TEXTS)]
}

fn text_of(item: u32) -> String {
    if item.is_multiple_of(2) { format!("bad film {item} alas") } else { format!("good film {item} indeed") }
}

/// As the text extractor's: 256 dense columns and n-grams.
fn vector_of(hash: ContentHash) -> FeatureVector {
    let seed = u32::from_le_bytes(hash.0[..4].try_into().expect("four bytes"));
    let sparse = SparseRow { indices: vec![seed % 1000, 1000 + seed % 7], values: vec![0.5, 0.5] };
    FeatureVector { sparse, ..planted(seed % 60, 256, 0.5) }
}

/// A store with a labelled project of texts, those of the hostile files, and the session that made it.
async fn own_project(store: Store) -> Driver {
    let [images, texts] = sources();
    let mut driver = Driver { session: Session::new(store, false, images, texts), ..Driver::new(Store::default()) };
    let now = driver.now();
    let classes = ["neg".to_owned(), "pos".to_owned()];
    let created = driver.session.create_project(OWN.into(), "Mine", Kind::Text, Vec::new(), &classes, now);
    created.await.expect("a new project");
    let batch =
        driver.session.begin_batch("s.csv", Kind::Text, &[], Coming::default(), now).await.expect("a new batch");
    let arrivals = (0..40).map(|index| {
        let text = text_of(index);
        let hash = ContentHash::of(text.as_bytes());
        let item = Item { hash, name: format!("s.csv:{index}"), content: Content::Text(text), batch: 0, extra: vec![] };
        Arrival { imported: Imported { item, labels: Vec::new(), held_out: false }, media: None }
    });
    let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
    driver.session.add_chunk(batch, chunk, now).await.expect("stored");
    driver.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
    driver.listen();
    embed(&mut driver).await;
    driver.settle().await;
    for _ in 0..8 {
        label_next(&mut driver).await;
    }
    driver
}

async fn embed(driver: &mut Driver) {
    while let Some(project) = driver.session.project_mut() {
        let (id, feature_id) = (project.id().to_owned(), project.feature_id().to_owned());
        let pending = project.take_pending(16);
        if pending.is_empty() {
            break;
        }
        let vectors = pending.iter().map(|pending| (pending.item, pending.hash, Ok(vector_of(pending.hash)))).collect();
        driver.session.embedded(&id, vectors, &feature_id).await.expect("cached");
    }
    driver.listen();
}

async fn label_next(driver: &mut Driver) {
    let card = driver.queue.cards.first().cloned().expect("a card");
    driver.ids += 1;
    let id = ulid::Ulid::from_parts(driver.now() as u64, driver.ids).to_string();
    let verdict = Verdict::Label((card.item % 2) as u16);
    let audit = card.audit;
    let decision = Decision { id, item: card.item, verdict, shown: None, audit, repeat: card.repeat, took_ms: None };
    let (reply, _) = driver.ask(Request::Decide(decision)).await;
    assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
    driver.settle().await;
}

/// All that the own project can be taken away as, after it was opened anew.
async fn taken_away(driver: &mut Driver) -> Vec<Vec<u8>> {
    let (reply, _) = driver.ask(Request::OpenProject { project: OWN.into() }).await;
    assert_eq!(reply, Reply::Done);
    embed(driver).await;
    driver.settle().await;
    let mut files = Vec::new();
    for export in [Export::LabelsCsv, Export::LabelLog, Export::PredictionsCsv] {
        let (reply, file) = driver.ask(Request::Export(export)).await;
        files.push(file.unwrap_or_else(|| panic!("{export:?}: {reply:?}")));
    }
    files
}

/// What somebody would do with a project that they were sent.
async fn use_it(driver: &mut Driver, project: &str, name: &str) {
    let (reply, _) = driver.ask(Request::OpenProject { project: project.into() }).await;
    let Reply::Done = reply else {
        assert!(said(&reply).is_some_and(|why| why.len() > 20), "{name}: {reply:?}");
        return;
    };
    embed(driver).await;
    driver.work_for(Duration::from_millis(1500)).await;
    for request in [
        Request::Items(everything()),
        Request::Evaluate(Judged::Champion),
        Request::Review(ReviewKind::Suspect),
        Request::Monitor,
        Request::Train { anyway: false },
    ] {
        driver.ask(request).await;
    }
    driver.work_for(Duration::from_millis(1500)).await;
    if let Some(card) = driver.queue.cards.first().cloned() {
        driver.ids += 1;
        let id = ulid::Ulid::from_parts(driver.now() as u64, driver.ids).to_string();
        let verdict = Verdict::Skip;
        let decision =
            Decision { id, item: card.item, verdict, shown: None, audit: None, repeat: false, took_ms: None };
        driver.ask(Request::Decide(decision)).await;
        driver.ask(Request::Undo).await;
    }
    // Labels can always be taken away.
    let (reply, file) = driver.ask(Request::Export(Export::LabelLog)).await;
    assert!(file.is_some(), "{name}: {reply:?}");
}

fn said(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Failed(why) => Some(why),
        _ => None,
    }
}

/// A file is brought in, used and deleted; returns whether it was taken.
async fn endure(driver: &mut Driver, bytes: &[u8], name: &str) -> bool {
    let before = taken_away(driver).await;
    driver.ask(Request::ListProjects).await;
    let stored = driver.session.store().contents();
    let now = driver.now();
    let taken = match driver.session.restore_archive(bytes, now).await {
        Err(refused) => {
            let why = refused.to_string();
            assert!(why.len() > 20 && why.ends_with('.'), "{name}: {why}");
            false
        }
        Ok(summary) => {
            assert_ne!(summary.id, OWN, "{name}");
            use_it(driver, &summary.id, name).await;
            // While it is still there, and when it is gone.
            assert!(taken_away(driver).await == before, "{name} changed another project");
            driver.ask(Request::DeleteProject { project: summary.id }).await;
            true
        }
    };
    // To the byte, in every store: what the device keeps for all projects, too.
    for ((store, now), (_, then)) in driver.session.store().contents().iter().zip(&stored) {
        // The own project was opened meanwhile, and so polished again; what its model predicts is compared below. That no restore is
        // under way is said by nothing, or by an empty setting.
        if *store != "models" && *store != "settings" {
            assert!(now == then, "{name} left something behind among the {store}");
        }
    }
    assert!(taken_away(driver).await == before, "{name} changed another project");
    taken
}

#[test]
fn files_that_once_did_harm_hurt_nobody() {
    run(async {
        let mut driver = own_project(Store::default()).await;
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hostile");
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "hone"));
        files.sort();
        assert!(files.len() >= 12, "{}", files.len());
        for path in files {
            let begun = std::time::Instant::now();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let taken = endure(&mut driver, &std::fs::read(&path).expect("a file"), &name).await;
            println!("{name}: {} {:?}", if taken { "taken" } else { "refused" }, begun.elapsed());
        }
    });
}

#[test]
fn vectors_that_no_extractor_made_stay_with_the_project_that_brought_them() {
    run(async {
        let mut driver = own_project(Store::default()).await;
        let (_, file) = driver.ask(Request::Export(Export::Project)).await;
        let file = file.expect("a file");
        type Damage = fn(&mut FeatureVector);
        let damages: [(&str, Damage); 8] = [
            ("turned round", |vector| vector.dense.iter_mut().for_each(|x| *x = -*x)),
            ("no numbers", |vector| vector.dense[3] = f32::NAN),
            ("endless", |vector| vector.sparse.values[0] = f32::INFINITY),
            ("narrow", |vector| vector.dense.truncate(3)),
            ("of no width", |vector| vector.dense.clear()),
            ("out of range", |vector| vector.sparse.indices[1] = 1 << 20),
            ("falling", |vector| vector.sparse.indices.reverse()),
            ("uneven", |vector| vector.sparse.values.push(0.1)),
        ];
        for (name, damage) in damages {
            let (mut snapshot, _): (Snapshot, _) = read_archive(Cursor::new(file.as_slice())).expect("a whole file");
            snapshot.project.id = "01JD0000000000000000000009".into();
            for (at, (_, vector)) in snapshot.vectors[0].vectors.iter_mut().enumerate() {
                // All of them, or some among sound ones.
                if name == "narrow" || at % 3 == 0 {
                    damage(vector);
                }
            }
            let writer = ArchiveWriter::new(Cursor::new(Vec::new()), &snapshot).expect("a snapshot");
            let bytes = writer.finish().expect("an archive").into_inner();
            assert!(endure(&mut driver, &bytes, name).await, "{name}: labels that are sound were refused");
        }
    });
}

async fn class_of(driver: &mut Driver, item: u32) -> Option<String> {
    let (reply, _) = driver.ask(Request::Items(everything())).await;
    let Reply::Items { rows, .. } = reply else { panic!("{reply:?}") };
    let row = rows.into_iter().find(|row| row.item == item).expect("the item");
    row.label.map(|(class, _)| ["neg", "pos"][usize::from(class)].to_owned())
}

async fn say(driver: &mut Driver, item: u32, class: u16) {
    driver.ids += 1;
    let id = ulid::Ulid::from_parts(driver.now() as u64, driver.ids).to_string();
    let verdict = Verdict::Label(class);
    let decision = Decision { id, item, verdict, shown: None, audit: None, repeat: false, took_ms: None };
    let (reply, _) = driver.ask(Request::Decide(decision)).await;
    assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
}

#[test]
fn neither_a_clock_set_back_nor_one_that_is_ahead_decides_what_counts() {
    run(async {
        let mut driver = own_project(Store::default()).await;
        let item = 1;
        let (neg, pos) = (Some("neg".to_owned()), Some("pos".to_owned()));
        say(&mut driver, item, 1).await;
        assert_eq!(class_of(&mut driver, item).await, pos);
        // A year back: the correction counts, is taken back, and counts again, after a reload, too.
        driver.clock_ms -= 365.0 * 86_400_000.0;
        say(&mut driver, item, 0).await;
        assert_eq!(class_of(&mut driver, item).await, neg);
        driver.ask(Request::Undo).await;
        assert_eq!(class_of(&mut driver, item).await, pos);
        say(&mut driver, item, 0).await;
        driver.ask(Request::OpenProject { project: OWN.into() }).await;
        assert_eq!(class_of(&mut driver, item).await, neg);

        // Others' decisions, by a clock that is thousands of years ahead: own corrections count, and undo takes back those alone.
        let log =
            std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hostile/future-log.jsonl"));
        let now = driver.now();
        let said = driver.session.merge(&log.expect("a file"), now).await.expect("merged");
        assert!(said.contains("by future"), "{said}");
        say(&mut driver, item, 1).await;
        assert_eq!(class_of(&mut driver, item).await, pos, "after {said}");
        driver.ask(Request::Undo).await;
        assert_ne!(class_of(&mut driver, item).await, pos);
        say(&mut driver, item, 1).await;
        let before = driver.ask(Request::Export(Export::LabelLog)).await.1.expect("a log");
        driver.ask(Request::OpenProject { project: OWN.into() }).await;
        assert_eq!(class_of(&mut driver, item).await, pos);
        assert!(
            driver.ask(Request::Export(Export::LabelLog)).await.1.expect("a log") == before,
            "the reload changed the log"
        );

        // Places that no log reaches would leave none for what is decided next.
        let text = String::from_utf8(before).expect("a text");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let last = lines.last_mut().expect("a decision");
        let mut event: serde_json::Value = serde_json::from_str(last).expect("a decision");
        event["clock"] = serde_json::json!(u64::MAX);
        *last = event.to_string();
        let refused = driver.session.merge(lines.join("\n").as_bytes(), now).await.expect_err("damaged").to_string();
        assert!(refused.contains("Nothing was changed"), "{refused}");
        assert_eq!(class_of(&mut driver, item).await, pos);
    });
}
