//! The browser is killed between any two writes, in everything that a person does: whatever was acknowledged is there afterwards, whatever
//! was not is there whole or not at all, and the act can be done again.

mod driver;

use driver::{Driver, PROJECT, everything, planted, run, truth};
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::pipeline::label::Source;
use hone::protocol::{Decision, Export, ImportStatus, Reply, Request, Verdict};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming, FeatureSource, Session};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

const CLASSES: [&str; 3] = ["round", "square", "star"];

/// What a person does. Those that come in pieces may be there in part afterwards, and are gone on with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Create,
    /// Items from, to; labelled or not.
    Import(u32, u32, bool),
    Label(u32),
    Bulk(u32, u32),
    Undo,
    AddClass,
    RenameClass,
    RemoveImport(u32),
    RestoreImport(u32),
    Train,
    Merge,
    Restore,
    DeleteRestored,
}

const ACTS: [Act; 20] = [
    Act::Create,
    Act::Import(0, 24, false),
    Act::Label(0),
    Act::Label(1),
    Act::Label(2),
    Act::Label(4),
    Act::Bulk(5, 9),
    Act::Undo,
    Act::AddClass,
    Act::RenameClass,
    Act::Import(24, 36, true),
    Act::RemoveImport(1),
    Act::RestoreImport(1),
    Act::Train,
    Act::RemoveImport(1),
    Act::Import(36, 42, true),
    Act::Merge,
    Act::Restore,
    Act::Label(10),
    Act::DeleteRestored,
];

/// The life of seed 0 has everything; those of others are drawn. What can't be done, such as a second class of one name, is refused and
/// changes nothing.
fn acts(seed: u64) -> Vec<Act> {
    if seed == 0 {
        return ACTS.to_vec();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut acts = ACTS[..4].to_vec();
    let mut items = 24;
    for _ in 0..random.random_range(8..16) {
        acts.push(match random.random_range(0..14) {
            0..4 => Act::Label(random.random_range(0..items)),
            4 => {
                let from = random.random_range(0..items);
                Act::Bulk(from, (from + random.random_range(1..6)).min(items))
            }
            5..7 => Act::Undo,
            7 => Act::AddClass,
            8 => Act::RenameClass,
            9 => {
                let from = items;
                items += random.random_range(1..12);
                Act::Import(from, items, random.random())
            }
            10 => Act::RemoveImport(random.random_range(0..3)),
            11 => Act::RestoreImport(random.random_range(0..3)),
            12 => *[Act::Merge, Act::Restore].choose(&mut random).expect("two"),
            _ => *[Act::Train, Act::DeleteRestored].choose(&mut random).expect("two"),
        });
    }
    acts
}

/// `cargo xtask soak` asks for others than those of every day.
fn seeds() -> std::ops::Range<u64> {
    match std::env::var("HONE_SEED").ok().and_then(|round| round.parse::<u64>().ok()) {
        Some(round) => 10 * round..10 * round + 10,
        None => 0..3,
    }
}

/// Whether the store was in the way, rather than the act one that can't be done.
fn is_of_the_store(why: &str) -> bool {
    why.contains("storage did not answer")
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Act::Create => "a new project",
            Act::Import(..) => "an import",
            Act::Label(_) => "a label",
            Act::Bulk(..) => "labels in bulk",
            Act::Undo => "undo",
            Act::AddClass => "a new class",
            Act::RenameClass => "a class’s new name",
            Act::RemoveImport(_) => "an import’s removal",
            Act::RestoreImport(_) => "an import’s return",
            Act::Train => "training",
            Act::Merge => "a merge",
            Act::Restore => "a project file",
            Act::DeleteRestored => "a project’s deletion",
        }
    }

    fn comes_in_pieces(self) -> bool {
        matches!(self, Act::Import(..) | Act::Merge)
    }
}

/// Files that somebody else brings.
struct Files {
    log: Vec<u8>,
    project: Vec<u8>,
}

fn source() -> FeatureSource {
    FeatureSource { id: "planted-1".into(), words: "planted clusters".into(), warning: None }
}

fn ok(reply: Reply) -> Result<(), String> {
    match reply {
        Reply::Failed(why) => Err(why),
        _ => Ok(()),
    }
}

async fn import(driver: &mut Driver, from: u32, to: u32, labelled: bool) -> Result<(), String> {
    let words = |error: hone::worker::session::SessionError| error.to_string();
    let now = driver.now();
    let name = format!("items {from} to {to}");
    let interrupted = driver.state.as_ref().and_then(|state| {
        state
            .batches
            .iter()
            .position(|batch| batch.name == name && batch.status == ImportStatus::Interrupted)
            .map(|place| place as u32)
    });
    let coming = Coming { resume: interrupted, ..Coming::default() };
    let batch = driver.session.begin_batch(&name, Kind::Image, &[], coming, now).await.map_err(words)?;
    for part in (from..to).collect::<Vec<_>>().chunks(8) {
        let arrivals = part.iter().map(|&index| {
            let bytes = format!("image {index}").into_bytes();
            let hash = ContentHash::of(&bytes);
            let label = GivenLabel { name: CLASSES[usize::from(truth(index))].into(), annotator: None, time_ms: None };
            let labels = if labelled { vec![label] } else { Vec::new() };
            let item =
                Item { hash, name: format!("{index}.png"), content: Content::Image, batch: 0, extra: Vec::new() };
            Arrival { imported: Imported { item, labels, held_out: false }, media: Some(bytes) }
        });
        let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
        driver.session.add_chunk(batch, chunk, now).await.map_err(words)?;
    }
    driver.session.finish_batch(batch, Ending::Finished, now).await.map_err(words)
}

/// Features come in the background; nobody waits for an answer.
async fn embed(driver: &mut Driver) {
    while let Some(project) = driver.session.project_mut() {
        let id = project.id().to_owned();
        let pending = project.take_pending(16);
        if pending.is_empty() {
            break;
        }
        let vectors = pending.iter().map(|pending| (pending.item, pending.hash, Ok(planted(pending.item, 16, 0.5))));
        if driver.session.embedded(&id, vectors.collect(), "planted-1").await.is_err() {
            break;
        }
    }
    driver.listen();
}

/// Returns once it is acknowledged.
async fn act(driver: &mut Driver, act: Act, files: &Files) -> Result<(), String> {
    driver.ids += 1;
    let id = ulid::Ulid::from_parts(driver.now() as u64, driver.ids).to_string();
    let request = match act {
        Act::Create => {
            let classes = CLASSES.map(String::from);
            let now = driver.now();
            let created = driver.session.create_project(PROJECT.into(), "Shapes", Kind::Image, vec![], &classes, now);
            return created.await.map_err(|error| error.to_string());
        }
        Act::Import(from, to, labelled) => return import(driver, from, to, labelled).await,
        Act::Label(item) => Request::Decide(Decision {
            id,
            item,
            verdict: Verdict::Label(truth(item)),
            shown: None,
            audit: None,
            repeat: false,
            took_ms: None,
        }),
        Act::Bulk(from, to) => {
            let ids = (from..to).map(|item| ulid::Ulid::from_parts(driver.clock_ms as u64, 1 << 70 | u128::from(item)));
            Request::DecideMany {
                ids: ids.map(|id| id.to_string()).collect(),
                items: (from..to).collect(),
                verdict: Verdict::Label(1),
            }
        }
        Act::Undo => Request::Undo,
        Act::AddClass => Request::AddClass { name: "heart".into() },
        Act::RenameClass => Request::RenameClass { class: 0, name: "ring".into() },
        Act::RemoveImport(batch) => Request::RemoveImport { batch },
        Act::RestoreImport(batch) => Request::RestoreImport { batch },
        Act::Train => Request::Train { anyway: false },
        Act::Merge => {
            let now = driver.now();
            return driver.session.merge(&files.log, now).await.map(drop).map_err(|error| error.to_string());
        }
        Act::Restore => {
            let now = driver.now();
            return driver
                .session
                .restore_archive(&files.project, now)
                .await
                .map(drop)
                .map_err(|error| error.to_string());
        }
        Act::DeleteRestored => Request::DeleteProject { project: OTHER.into() },
    };
    ok(driver.ask(request).await.0)
}

const OTHER: &str = "01JD0000000000000000000007";

/// What Ben did in a project of his own with the same items, as a log and as a whole project.
async fn files() -> Files {
    let mut ben = Driver::new(Store::default());
    let now = ben.now();
    ben.session
        .create_project(OTHER.into(), "Bens", Kind::Image, vec![], &CLASSES.map(String::from), now)
        .await
        .expect("new");
    ben.ask(Request::SetAnnotator { name: "Ben".into() }).await;
    import(&mut ben, 0, 12, false).await.expect("imported");
    embed(&mut ben).await;
    ben.settle().await;
    ok(ben.ask(Request::AddClass { name: "moon".into() }).await.0).expect("a class");
    for item in [3, 11, 6] {
        act(&mut ben, Act::Label(item), &Files { log: vec![], project: vec![] }).await.expect("labelled");
        ben.settle().await;
    }
    let log = ben.ask(Request::Export(Export::LabelLog)).await.1.expect("a log");
    let project = ben.ask(Request::Export(Export::Project)).await.1.expect("a project");
    Files { log, project }
}

/// Everything that a person would miss: each project with its items, its classes and who labelled what as what, sorted.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    projects: Vec<(String, usize)>,
    labels: Vec<String>,
    classes: Vec<String>,
}

/// Starts anew on what is stored, as after a kill.
async fn reopened(store: &Store) -> Driver {
    store.fail_after(None);
    let mut driver = Driver::new(store.clone());
    driver.session = Session::new(store.clone(), false, source(), source());
    driver.session.clear_unfinished().await.expect("cleared");
    driver
}

async fn look(driver: &mut Driver) -> Seen {
    let Reply::Welcome { projects, .. } = driver.ask(Request::Hello).await.0 else { panic!("no welcome") };
    let mut seen = Seen { projects: Vec::new(), labels: Vec::new(), classes: Vec::new() };
    for project in projects {
        let opened = driver.ask(Request::OpenProject { project: project.id.clone() }).await.0;
        assert_eq!(opened, Reply::Done, "{} can't be opened", project.name);
        let Reply::Items { rows, total } = driver.ask(Request::Items(everything())).await.0 else { panic!("no items") };
        assert_eq!(total as usize, rows.len());
        seen.projects.push((project.name.clone(), rows.len()));
        let classes: Vec<String> = driver.state().classes.iter().map(|class| class.class.name.clone()).collect();
        for row in rows {
            if let Some((class, source)) = row.label {
                let class = classes.get(usize::from(class)).expect("each label has its class");
                // Which questions are audits is drawn by what was asked before, in this visit, too.
                let source = if source == Source::Audit { Source::Human } else { source };
                seen.labels.push(format!("{} {} {class} {source:?}", project.name, row.name));
            }
        }
        // No decision names a class that is not there.
        let log = driver.ask(Request::Export(Export::LabelLog)).await.1.expect("a log");
        let read = hone::pipeline::quality::annotators::log_file::read_log("log", &log).expect("a log");
        assert_eq!(read.problems, []);
        seen.classes.push(format!("{classes:?}"));
    }
    seen.projects.sort();
    seen.labels.sort();
    seen.classes.sort();
    driver.ask(Request::OpenProject { project: PROJECT.into() }).await;
    seen
}

/// Does the acts until one fails; how many were acknowledged.
async fn live(driver: &mut Driver, acts: &[Act], files: &Files, mut after: impl AsyncFnMut(&mut Driver)) -> usize {
    for (number, &one) in acts.iter().enumerate() {
        if let Err(why) = act(driver, one, files).await
            && is_of_the_store(&why)
        {
            return number;
        }
        embed(driver).await;
        driver.settle().await;
        after(driver).await;
    }
    acts.len()
}

fn new_driver(store: &Store) -> Driver {
    let mut driver = Driver::new(store.clone());
    driver.session = Session::new(store.clone(), false, source(), source());
    driver
}

#[test]
fn a_kill_between_any_two_writes_loses_nothing_that_was_acknowledged() {
    run(async {
        let files = files().await;
        let mut killed_in = BTreeMap::new();
        for seed in seeds() {
            kill_after_each_write(seed, &files, &mut killed_in).await;
        }
        for (what, times) in &killed_in {
            println!("killed in {what}: {times}");
        }
        // The first life has each act.
        assert!(std::env::var("HONE_SEED").is_ok() || killed_in.len() == 13, "{killed_in:?}");
    });
}

async fn kill_after_each_write(seed: u64, files: &Files, killed_in: &mut BTreeMap<&'static str, u32>) {
    let acts = acts(seed);
    {
        // Once in peace: what is to be seen after each act.
        let store = Store::default();
        let mut expected = vec![Seen { projects: vec![], labels: vec![], classes: vec![] }];
        let mut driver = new_driver(&store);
        let done = live(&mut driver, &acts, files, async |_| {
            let mut other = reopened(&store).await;
            expected.push(look(&mut other).await);
        })
        .await;
        assert_eq!(done, acts.len());
        for kill in 0..store.writes() {
            let store = Store::default();
            store.fail_after(Some(kill));
            let mut driver = new_driver(&store);
            let acknowledged = live(&mut driver, &acts, files, async |_| {}).await;
            // Looking at what is there writes, too, which one life does not do.
            let Some(&during) = acts.get(acknowledged) else { break };
            *killed_in.entry(during.word()).or_insert(0) += 1;
            let mut driver = reopened(&store).await;
            let seen = look(&mut driver).await;
            let (before, after) = (&expected[acknowledged], &expected[acknowledged + 1]);
            let name = format!("seed {seed}, killed after write {kill}, in {during:?}");
            if during.comes_in_pieces() {
                let lost: Vec<_> = before.labels.iter().filter(|label| !seen.labels.contains(label)).collect();
                assert!(lost.is_empty() || &seen == after, "{name}: lost {lost:?}");
                assert!(before.projects.len() == seen.projects.len(), "{name}: {:?}", seen.projects);
            } else {
                assert!(&seen == before || &seen == after, "{name}:\n{seen:?}\nbefore {before:?}\nafter {after:?}");
            }
            // Done again it leads where it would have led.
            if &seen != after {
                act(&mut driver, during, files).await.unwrap_or_else(|why| panic!("{name}, again: {why}"));
                driver.settle().await;
                let mut driver = reopened(&store).await;
                assert_eq!(&look(&mut driver).await, after, "{name}, again");
            }
        }
    }
}

/// The page does not reload: what could not be stored is asked again by the same page once there is room, as a person would press
/// "Save again".
#[test]
fn a_store_that_fails_for_a_while_loses_nothing() {
    run(async {
        let files = files().await;
        let mut again = 0;
        for seed in seeds() {
            again += fail_for_a_while_after_each_write(seed, &files).await;
        }
        println!("failed for a while: {again}");
        assert!(again > 60, "{again}");
    });
}

/// How often an act had to be done again.
async fn fail_for_a_while_after_each_write(seed: u64, files: &Files) -> u32 {
    let acts = acts(seed);
    let store = Store::default();
    let mut driver = new_driver(&store);
    live(&mut driver, &acts, files, async |_| {}).await;
    let writes = store.writes();
    let expected = look(&mut reopened(&store).await).await;
    let mut again = 0;
    for kept in 0..writes {
        let store = Store::default();
        store.fail_after(Some(kept));
        let mut driver = new_driver(&store);
        for &one in &acts {
            if let Err(why) = act(&mut driver, one, files).await
                && is_of_the_store(&why)
            {
                store.fail_after(None);
                again += 1;
                if matches!(one, Act::Import(..)) {
                    // Its job has ended; the page shows it as interrupted once the project is opened again.
                    driver.ask(Request::OpenProject { project: PROJECT.into() }).await;
                }
                if let Err(why) = act(&mut driver, one, files).await {
                    assert!(!is_of_the_store(&why), "seed {seed}, after write {kept}, {one:?} again: {why}");
                }
            }
            embed(&mut driver).await;
            driver.settle().await;
        }
        assert_eq!(look(&mut reopened(&store).await).await, expected, "seed {seed}, after write {kept}");
    }
    again
}

#[test]
fn what_can_not_be_stored_is_saved_as_a_file_that_merges() {
    run(async {
        let files = files().await;
        let store = Store::default();
        let mut driver = new_driver(&store);
        for one in &ACTS[..4] {
            act(&mut driver, *one, &files).await.expect("done");
            embed(&mut driver).await;
            driver.settle().await;
        }
        store.fail_after(Some(0));
        let mut decisions = Vec::new();
        for item in [7, 9] {
            driver.ids += 1;
            let id = ulid::Ulid::from_parts(driver.now() as u64, driver.ids).to_string();
            let verdict = Verdict::Label(truth(item));
            let decision = Decision { id, item, verdict, shown: None, audit: None, repeat: false, took_ms: None };
            let reply = driver.ask(Request::Decide(decision.clone())).await.0;
            assert!(matches!(reply, Reply::Failed(_)), "{reply:?}");
            decisions.push(decision);
        }
        // One of them was stored after all, and nobody heard.
        store.fail_after(None);
        driver.ask(Request::Decide(decisions[0].clone())).await;
        store.fail_after(Some(0));
        let request = Request::Rescue { project: PROJECT.into(), decisions };
        let file = driver.ask(request).await.1.expect("a file");

        let mut other = reopened(&store).await;
        other.ask(Request::OpenProject { project: PROJECT.into() }).await;
        // The log of a project that is not open is read from the store alone.
        let mut elsewhere = reopened(&store).await;
        let rescued = Request::Rescue { project: PROJECT.into(), decisions: Vec::new() };
        let stored = elsewhere.ask(rescued).await.1.expect("a file");
        assert_eq!(stored, other.ask(Request::Export(Export::LabelLog)).await.1.expect("a log"));
        let now = other.now();
        let said = other.session.merge(&file, now).await.expect("merged");
        assert!(said.contains("1 new decision"), "{said}");
        let labels = look(&mut other).await.labels;
        let item = |number: u32| format!("Shapes {number}.png {} Human", CLASSES[usize::from(truth(number))]);
        assert!(labels.contains(&item(7)) && labels.contains(&item(9)), "{labels:?}");
    });
}
