//! The browser is killed between any two writes, in everything that a person does: whatever was acknowledged is there afterwards, whatever
//! was not is there whole or not at all, and the act can be done again.

mod driver;

use driver::{Driver, PROJECT, everything, planted, run, truth};
use hone::pipeline::import::{GivenLabel, Imported};
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{Decision, Export, ImportStatus, Reply, Request, Verdict};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming, FeatureSource, Session};

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

impl Act {
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
    projects: Vec<(String, String, usize)>,
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
        seen.projects.push((project.id.clone(), project.name.clone(), rows.len()));
        let classes: Vec<String> = driver.state().classes.iter().map(|class| class.class.name.clone()).collect();
        for row in rows {
            if let Some((class, source)) = row.label {
                let class = classes.get(usize::from(class)).expect("each label has its class");
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
async fn live(driver: &mut Driver, files: &Files, mut after: impl AsyncFnMut(&mut Driver)) -> usize {
    for (number, one) in ACTS.into_iter().enumerate() {
        if let Err(why) = act(driver, one, files).await {
            assert!(why.contains("storage") || why.contains("No project is open"), "{one:?}: {why}");
            return number;
        }
        embed(driver).await;
        driver.settle().await;
        after(driver).await;
    }
    ACTS.len()
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
        // Once in peace: what is to be seen after each act.
        let store = Store::default();
        let mut expected = vec![Seen { projects: vec![], labels: vec![], classes: vec![] }];
        let mut driver = new_driver(&store);
        let done = live(&mut driver, &files, async |_| {
            let mut other = reopened(&store).await;
            expected.push(look(&mut other).await);
        })
        .await;
        assert_eq!(done, ACTS.len());
        let writes = store.writes();
        assert!(writes > 60, "{writes}");
        assert!(expected[17].projects.len() == 2 || expected[18].projects.len() == 2);

        let mut killed_in = std::collections::BTreeMap::new();
        for kill in 0..writes {
            let store = Store::default();
            store.fail_after(Some(kill));
            let mut driver = new_driver(&store);
            let acknowledged = live(&mut driver, &files, async |_| {}).await;
            let Some(&during) = ACTS.get(acknowledged) else { continue };
            *killed_in.entry(format!("{during:?}")).or_insert(0) += 1;
            let mut driver = reopened(&store).await;
            let seen = look(&mut driver).await;
            let (before, after) = (&expected[acknowledged], &expected[acknowledged + 1]);
            let name = format!("killed after write {kill}, in {during:?}");
            if during.comes_in_pieces() {
                let lost: Vec<_> = before.labels.iter().filter(|label| !seen.labels.contains(label)).collect();
                assert!(lost.is_empty() || &seen == after, "{name}: lost {lost:?}");
                assert!(before.projects.len() == seen.projects.len(), "{name}: {:?}", seen.projects);
            } else {
                assert!(&seen == before || &seen == after, "{name}:\n{seen:?}\nbefore {before:?}\nafter {after:?}");
            }
            // Done again it leads where it would have led.
            if &seen != after {
                act(&mut driver, during, &files).await.unwrap_or_else(|why| panic!("{name}, again: {why}"));
                driver.settle().await;
                let mut driver = reopened(&store).await;
                assert_eq!(&look(&mut driver).await, after, "{name}, again");
            }
        }
        println!("{writes} kills: {killed_in:?}");
        // Each act was killed at least once; one of them comes twice.
        assert_eq!(killed_in.len(), ACTS.len() - 1, "{killed_in:?}");
    });
}

/// The page does not reload: what could not be stored is asked again by the same page once there is room, as a person would press
/// "Save again".
#[test]
fn a_store_that_fails_for_a_while_loses_nothing() {
    run(async {
        let files = files().await;
        let store = Store::default();
        let mut driver = new_driver(&store);
        live(&mut driver, &files, async |_| {}).await;
        let expected = look(&mut reopened(&store).await).await;
        let mut again = 0;
        for kept in 0..store.writes() {
            let store = Store::default();
            store.fail_after(Some(kept));
            let mut driver = new_driver(&store);
            for one in ACTS {
                if let Err(why) = act(&mut driver, one, &files).await {
                    assert!(why.contains("did not answer"), "after write {kept}, {one:?}: {why}");
                    store.fail_after(None);
                    again += 1;
                    if matches!(one, Act::Import(..)) {
                        // Its job has ended; the page shows it as interrupted once the project is opened again.
                        driver.ask(Request::OpenProject { project: PROJECT.into() }).await;
                    }
                    let done = act(&mut driver, one, &files).await;
                    done.unwrap_or_else(|why| panic!("after write {kept}, {one:?} again: {why}"));
                }
                embed(&mut driver).await;
                driver.settle().await;
            }
            assert_eq!(look(&mut reopened(&store).await).await, expected, "after write {kept}");
        }
        assert!(again > 60, "{again}");
    });
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
