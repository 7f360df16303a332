//! The whole cycle, natively and seeded: arrivals → features → labels → model → queue → export → reopen.

use hone::pipeline::features::matrix::FeatureVector;
use hone::pipeline::import::Imported;
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{
    Decision, Event, Export, ItemFilter, ItemIndex, ItemQuery, ItemSort, ProjectState, QueueState, Reply, Request,
    Verdict,
};
use hone::storage::Store;
use hone::worker::session::{Arrival, Attachment, Chunk, FeatureSource, Session};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PROJECT: &str = "01JD0000000000000000000000";
const CLASSES: [&str; 3] = ["round", "square", "star"];

/// Drives a session as the page and the embed workers would.
struct Driver {
    session: Session,
    clock_ms: f64,
    state: Option<ProjectState>,
    queue: QueueState,
    ids: u128,
}

impl Driver {
    fn new(store: Store) -> Self {
        let source = FeatureSource { id: "planted-1".into(), words: "planted clusters".into(), warning: None };
        Self {
            session: Session::new(store, false, source.clone(), source),
            clock_ms: 1_700_000_000_000.0,
            state: None,
            queue: QueueState { cards: Vec::new(), left: 0, empty: None },
            ids: 0,
        }
    }

    /// With a new project of `count` items, all embedded and the first cards chosen.
    async fn ready(store: Store, count: usize) -> Self {
        let mut driver = Self::new(store);
        driver.import(count).await;
        driver.embed().await;
        driver.settle().await;
        driver
    }

    fn now(&mut self) -> f64 {
        self.clock_ms += 1_000.0;
        self.clock_ms
    }

    fn listen(&mut self) {
        for event in self.session.take_events() {
            match event {
                Event::Project(state) => self.state = Some(*state),
                Event::Queue(queue) => self.queue = queue,
                Event::Job(_) | Event::Notice(_) => {}
            }
        }
    }

    async fn ask(&mut self, request: Request) -> (Reply, Option<Vec<u8>>) {
        let now = self.now();
        let answer = self.session.handle(request, now).await;
        self.listen();
        let file = answer.attachment.map(|attachment| match attachment {
            Attachment::Stored(bytes) | Attachment::Made { bytes, .. } => bytes,
        });
        (answer.reply, file)
    }

    /// Background work until there is none: training and ranking.
    async fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.session.background().await {
                self.listen();
                return;
            }
        }
        panic!("background work never ends");
    }

    async fn import(&mut self, count: usize) {
        let now = self.now();
        let classes = CLASSES.map(String::from);
        let created = self.session.create_project(PROJECT.into(), "Shapes", Kind::Image, Vec::new(), &classes, now);
        created.await.expect("a new project");
        let batch = self.session.begin_batch("shapes", Kind::Image, &[], now).await.expect("a new batch");
        let arrivals = (0..count).map(|index| {
            let bytes = format!("image {index}").into_bytes();
            let hash = ContentHash::of(&bytes);
            let item =
                Item { hash, name: format!("{index}.png"), content: Content::Image, batch: 0, extra: Vec::new() };
            Arrival { imported: Imported { item, label: None }, media: Some(bytes) }
        });
        let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
        self.session.add_chunk(batch, chunk, now).await.expect("stored");
        self.session.finish_batch(batch, now).await.expect("stored");
        self.listen();
    }

    /// Gives every pending item its planted vector, a few at a time.
    async fn embed(&mut self) {
        loop {
            let Some(project) = self.session.project_mut() else { return };
            let pending = project.take_pending(16);
            if pending.is_empty() {
                break;
            }
            let vectors =
                pending.iter().map(|pending| (pending.item, pending.hash, Ok(planted(pending.item)))).collect();
            self.session.embedded(PROJECT, vectors, "planted-1").await.expect("cached");
        }
        self.listen();
    }

    async fn decide(&mut self, item: ItemIndex, verdict: Verdict, audit: Option<f64>) -> Reply {
        self.ids += 1;
        let id = ulid::Ulid::from_parts(self.clock_ms as u64, self.ids).to_string();
        self.ask(Request::Decide(Decision { id, item, verdict, shown: None, audit, took_ms: Some(900) })).await.0
    }

    /// Labels the queue's first card by the truth.
    async fn label_next(&mut self) -> ItemIndex {
        let card = self.queue.cards.first().cloned().unwrap_or_else(|| panic!("no card: {:?}", self.queue.empty));
        let reply = self.decide(card.item, Verdict::Label(truth(card.item)), card.audit).await;
        assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
        self.settle().await;
        card.item
    }

    fn state(&self) -> &ProjectState {
        self.state.as_ref().expect("a project is open")
    }
}

fn truth(item: ItemIndex) -> u16 {
    (item % 3) as u16
}

/// Three overlapping clusters in 16 dimensions.
fn planted(item: ItemIndex) -> FeatureVector {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(item));
    let class = usize::from(truth(item));
    let dense = (0..16)
        .map(|dimension| {
            let noise: f32 = (0..4).map(|_| random.random_range(-0.5..0.5)).sum();
            noise + if dimension % 3 == class { 1.0 } else { 0.0 }
        })
        .collect();
    FeatureVector { dense, ..FeatureVector::default() }
}

fn run(test: impl Future<Output = ()>) {
    futures_executor::block_on(test);
}

fn everything() -> ItemQuery {
    ItemQuery { search: String::new(), filter: ItemFilter::All, sort: ItemSort::Imported, offset: 0, limit: 10_000 }
}

async fn accuracy_on_unlabelled(driver: &mut Driver) -> f64 {
    let (reply, _) = driver.ask(Request::Items(everything())).await;
    let Reply::Items { rows, .. } = reply else { panic!("{reply:?}") };
    let unlabelled: Vec<_> = rows.iter().filter(|row| row.label.is_none()).collect();
    let right = unlabelled.iter().filter(|row| row.predicted.is_some_and(|(class, _)| class == truth(row.item)));
    right.count() as f64 / unlabelled.len() as f64
}

#[test]
fn thirty_labels_teach_the_model_and_a_reopened_project_is_the_same() {
    run(async {
        let store = Store::default();
        let mut driver = Driver::ready(store.clone(), 180).await;
        assert!(driver.state().model.is_none(), "no labels, no model");
        for _ in 0..30 {
            driver.label_next().await;
        }
        let state = driver.state().clone();
        assert_eq!(state.labelled + state.audits, 30);
        assert!((1..=10).contains(&state.audits), "15 % of 30 requests, drawn at random: {}", state.audits);
        let before = accuracy_on_unlabelled(&mut driver).await;
        assert!(before > 0.9, "{before}");

        // The tab is killed: only the store is left.
        let mut reopened = Driver::new(store);
        let (reply, _) = reopened.ask(Request::OpenProject { project: PROJECT.into() }).await;
        assert_eq!(reply, Reply::Done);
        assert!(reopened.state().model.is_some(), "the stored model predicts at once");
        reopened.settle().await;
        assert_eq!(reopened.state().history, state.history);
        assert_eq!((reopened.state().labelled, reopened.state().audits), (state.labelled, state.audits));
        let after = accuracy_on_unlabelled(&mut reopened).await;
        assert!((before - after).abs() < 0.02, "{before} before, {after} after");
        reopened.label_next().await;
        assert_eq!(reopened.state().labelled + reopened.state().audits, 31);
    });
}

#[test]
fn audits_are_blind_and_never_train() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 120).await;
        for _ in 0..40 {
            for card in driver.queue.cards.iter().filter(|card| card.audit.is_some()) {
                assert!(card.suggestion.is_none() && card.probabilities.is_empty() && card.neighbours.is_empty());
            }
            driver.label_next().await;
        }
        let state = driver.state();
        let model = state.model.as_ref().expect("a model");
        assert!(state.audits > 0);
        assert_eq!(model.labels, state.labelled, "the model has learnt from the labels that train and no others");
        let audit = model.audit.expect("audits were answered");
        assert!(audit.total == state.audits && audit.low < audit.estimate && audit.estimate <= audit.high);
    });
}

#[test]
fn undo_goes_back_to_the_first_label_and_the_model_forgets() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        let mut asked = Vec::new();
        for _ in 0..12 {
            asked.push(driver.label_next().await);
        }
        for expected in asked.iter().rev() {
            let (reply, _) = driver.ask(Request::Undo).await;
            let Reply::Undone(Some(card)) = reply else { panic!("{reply:?}") };
            assert_eq!(card.item, *expected);
        }
        let (reply, _) = driver.ask(Request::Undo).await;
        assert_eq!(reply, Reply::Undone(None));
        driver.settle().await;
        assert_eq!(driver.state().labelled + driver.state().audits, 0);
        assert!(driver.state().model.is_none(), "nothing is labelled, so nothing is known");
    });
}

#[test]
fn the_same_decision_delivered_twice_counts_once() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 20).await;
        let decision = Decision {
            id: "01JD0000000000000000000001".into(),
            item: 3,
            verdict: Verdict::Label(1),
            shown: None,
            audit: None,
            took_ms: None,
        };
        for _ in 0..2 {
            let (reply, _) = driver.ask(Request::Decide(decision.clone())).await;
            assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
        }
        assert_eq!(driver.state().labelled, 1);
        assert_eq!(driver.session.store().events(PROJECT).await.expect("the log").len(), 1);
    });
}

#[test]
fn exported_labels_equal_the_log_and_predictions_cover_every_item() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        for _ in 0..15 {
            driver.label_next().await;
        }
        let (_, file) = driver.ask(Request::Export(Export::LabelsCsv)).await;
        let labels = file.expect("a file");
        let mut reader = csv::Reader::from_reader(labels.as_slice());
        assert_eq!(
            reader.headers().expect("a header").iter().take(6).collect::<Vec<_>>(),
            ["item", "label", "source", "probability", "annotator", "time"]
        );
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("well-formed CSV");
        assert_eq!(rows.len(), 15);
        for row in &rows {
            let item: ItemIndex = row[0].trim_end_matches(".png").parse().expect("the item's name");
            assert_eq!(&row[1], CLASSES[usize::from(truth(item))]);
        }
        let (_, file) = driver.ask(Request::Export(Export::PredictionsCsv)).await;
        let predictions = file.expect("a file");
        assert_eq!(csv::Reader::from_reader(predictions.as_slice()).records().count(), 60);
    });
}

#[test]
fn a_project_file_brings_everything_back_in_another_browser() {
    run(async {
        let mut driver = Driver::ready(Store::default(), 60).await;
        for _ in 0..15 {
            driver.label_next().await;
        }
        let (_, file) = driver.ask(Request::Export(Export::Project)).await;
        let file = file.expect("a file");

        let mut other = Driver::new(Store::default());
        let now = other.now();
        let summary = other.session.restore_archive(&file, now).await.expect("a whole project");
        assert_eq!((summary.items, summary.name.as_str()), (60, "Shapes"));
        let (reply, _) = other.ask(Request::OpenProject { project: summary.id.clone() }).await;
        assert_eq!(reply, Reply::Done);
        other.settle().await;
        assert_eq!(other.state().history, driver.state().history);
        assert_eq!(other.state().embedded, 60, "the vectors came along");
        let (reply, image) = other.ask(Request::Media { item: 7, thumbnail: false }).await;
        assert_eq!((reply, image), (Reply::Media { present: true }, Some(b"image 7".to_vec())));
        let damaged = other.session.restore_archive(&file[..file.len() / 2], now).await;
        assert!(damaged.is_err());
    });
}

#[test]
fn a_second_tab_reads_but_does_not_write() {
    run(async {
        let store = Store::default();
        let mut first = Driver::new(store.clone());
        first.import(10).await;
        let source = FeatureSource { id: "planted-1".into(), words: String::new(), warning: None };
        let mut second = Session::new(store, true, source.clone(), source);
        assert!(matches!(
            second.handle(Request::OpenProject { project: PROJECT.into() }, 0.0).await.reply,
            Reply::Done
        ));
        for request in [
            Request::Undo,
            Request::AddClass { name: "new".into() },
            Request::DeleteProject { project: PROJECT.into() },
        ] {
            let reply = second.handle(request, 0.0).await.reply;
            let Reply::Failed(sentence) = reply else { panic!("{reply:?}") };
            assert!(sentence.contains("Another tab"), "{sentence}");
        }
    });
}

#[test]
fn requests_that_do_not_fit_are_refused_in_words() {
    run(async {
        let mut driver = Driver::new(Store::default());
        let (reply, _) = driver.ask(Request::Undo).await;
        assert!(matches!(&reply, Reply::Failed(sentence) if sentence.contains("No project is open")), "{reply:?}");
        driver.import(5).await;
        for (request, expected) in [
            (Request::AddClass { name: " ".into() }, "needs a name"),
            (Request::AddClass { name: "ROUND".into() }, "already"),
            (Request::CardFor { item: 99 }, "not in this project"),
        ] {
            let (reply, _) = driver.ask(request).await;
            assert!(matches!(&reply, Reply::Failed(sentence) if sentence.contains(expected)), "{reply:?}");
        }
        let reply = driver.decide(0, Verdict::Label(9), None).await;
        assert!(matches!(&reply, Reply::Failed(_)), "{reply:?}");
    });
}
