//! Drives a session natively as the page and the embed workers would, on planted clusters.

// Each test crate uses its own part of this.
#![allow(dead_code)]

use hone::pipeline::features::matrix::FeatureVector;
use hone::pipeline::import::Imported;
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{
    Decision, Event, ItemFilter, ItemIndex, ItemQuery, ItemSort, ProjectState, QueueState, Reply, Request, Verdict,
};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Attachment, Chunk, Coming, FeatureSource, Session};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The slices of background work follow each other as in a browser.
const SLICE_MS: f64 = 20.0;

pub const PROJECT: &str = "01JD0000000000000000000000";
pub const CLASSES: [&str; 3] = ["round", "square", "star"];

/// Drives a session as the page and the embed workers would.
pub struct Driver {
    pub session: Session,
    pub clock_ms: f64,
    pub state: Option<ProjectState>,
    pub queue: QueueState,
    /// How many queues have been told.
    pub queues: usize,
    pub ids: u128,
    /// How many dimensions the planted clusters have; only the first 16 tell them apart.
    pub dimensions: usize,
    /// How far they overlap.
    pub noise: f32,
}

impl Driver {
    pub fn new(store: Store) -> Self {
        let source = FeatureSource { id: "planted-1".into(), words: "planted clusters".into(), warning: None };
        Self {
            session: Session::new(store, false, source.clone(), source),
            clock_ms: 1_700_000_000_000.0,
            state: None,
            queue: QueueState { cards: Vec::new(), left: 0, empty: None },
            queues: 0,
            ids: 0,
            dimensions: 16,
            noise: 0.5,
        }
    }

    /// With a new project of `count` items, all embedded and the first cards chosen.
    pub async fn ready(store: Store, count: usize) -> Self {
        Self::new(store).made_ready(count).await
    }

    /// The same, of this driver.
    pub async fn made_ready(self, count: usize) -> Self {
        let mut driver = self;
        driver.import(count).await;
        driver.embed().await;
        driver.settle().await;
        driver
    }

    pub fn now(&mut self) -> f64 {
        self.clock_ms += 1_000.0;
        self.clock_ms
    }

    pub fn listen(&mut self) {
        for event in self.session.take_events() {
            match event {
                Event::Project(state) => self.state = Some(*state),
                Event::Queue(queue) => {
                    self.queue = queue;
                    self.queues += 1;
                }
                Event::Job(_) | Event::Notice(_) | Event::Writer(_) => {}
            }
        }
    }

    pub async fn ask(&mut self, request: Request) -> (Reply, Option<Vec<u8>>) {
        let now = self.now();
        let answer = self.session.handle(request, now).await;
        self.listen();
        let file = answer.attachment.map(|attachment| match attachment {
            Attachment::Stored(bytes) | Attachment::Made { bytes, .. } => bytes,
        });
        (answer.reply, file)
    }

    /// Background work until there is none: training and ranking.
    pub async fn settle(&mut self) {
        for _ in 0..10_000 {
            self.clock_ms += SLICE_MS;
            if !self.session.background(self.clock_ms).await {
                self.listen();
                return;
            }
        }
        panic!("background work never ends");
    }

    /// Background work for so long at most: with many labels it would go on for minutes.
    pub async fn work_for(&mut self, most: std::time::Duration) {
        let begun = std::time::Instant::now();
        while begun.elapsed() < most {
            let now = self.now();
            if !self.session.background(now).await {
                break;
            }
        }
        self.listen();
    }

    pub async fn import(&mut self, count: usize) {
        let now = self.now();
        let classes = CLASSES.map(String::from);
        let created = self.session.create_project(PROJECT.into(), "Shapes", Kind::Image, Vec::new(), &classes, now);
        created.await.expect("a new project");
        let batch =
            self.session.begin_batch("shapes", Kind::Image, &[], Coming::default(), now).await.expect("a new batch");
        // The worker's loop goes on while the files are read.
        self.settle().await;
        let arrivals = (0..count).map(|index| {
            let bytes = format!("image {index}").into_bytes();
            let hash = ContentHash::of(&bytes);
            let item =
                Item { hash, name: format!("{index}.png"), content: Content::Image, batch: 0, extra: Vec::new() };
            Arrival { imported: Imported { item, labels: Vec::new(), held_out: false }, media: Some(bytes) }
        });
        let chunk = Chunk { arrivals: arrivals.collect(), problems: Vec::new() };
        self.session.add_chunk(batch, chunk, now).await.expect("stored");
        self.session.finish_batch(batch, Ending::Finished, now).await.expect("stored");
        self.listen();
    }

    /// Gives every pending item its planted vector, a few at a time.
    pub async fn embed(&mut self) {
        loop {
            let Some(project) = self.session.project_mut() else { return };
            let pending = project.take_pending(16);
            if pending.is_empty() {
                break;
            }
            let vector = |item| planted(item, self.dimensions, self.noise);
            let vectors =
                pending.iter().map(|pending| (pending.item, pending.hash, Ok(vector(pending.item)))).collect();
            self.session.embedded(PROJECT, vectors, "planted-1").await.expect("cached");
        }
        self.listen();
    }

    pub async fn decide(&mut self, item: ItemIndex, verdict: Verdict, audit: Option<f64>) -> Reply {
        self.ids += 1;
        let id = ulid::Ulid::from_parts(self.clock_ms as u64, self.ids).to_string();
        // As the page does: a question that is asked again is answered as such, or it would be asked for ever.
        let repeat = self.queue.cards.first().is_some_and(|card| card.item == item && card.repeat);
        self.ask(Request::Decide(Decision { id, item, verdict, shown: None, audit, repeat, took_ms: Some(900) }))
            .await
            .0
    }

    /// Labels the queue's first card by the truth.
    pub async fn label_next(&mut self) -> ItemIndex {
        let card = self.queue.cards.first().cloned().unwrap_or_else(|| panic!("no card: {:?}", self.queue.empty));
        let reply = self.decide(card.item, Verdict::Label(truth(card.item)), card.audit).await;
        assert!(matches!(reply, Reply::Decided(_)), "{reply:?}");
        self.settle().await;
        card.item
    }

    pub fn state(&self) -> &ProjectState {
        self.state.as_ref().expect("a project is open")
    }
}

pub fn truth(item: ItemIndex) -> u16 {
    (item % 3) as u16
}

/// Three overlapping clusters.
pub fn planted(item: ItemIndex, dimensions: usize, noise: f32) -> FeatureVector {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(item));
    let class = usize::from(truth(item));
    let dense = (0..dimensions)
        .map(|dimension| {
            let noise: f32 = (0..4).map(|_| random.random_range(-noise..noise)).sum();
            noise + if dimension < 16 && dimension % 3 == class { 1.0 } else { 0.0 }
        })
        .collect();
    FeatureVector { dense, ..FeatureVector::default() }
}

pub fn run(test: impl Future<Output = ()>) {
    futures_executor::block_on(test);
}

pub fn everything() -> ItemQuery {
    ItemQuery { search: String::new(), filter: ItemFilter::All, sort: ItemSort::Imported, offset: 0, limit: 10_000 }
}

pub async fn accuracy_on_unlabelled(driver: &mut Driver) -> f64 {
    let (reply, _) = driver.ask(Request::Items(everything())).await;
    let Reply::Items { rows, .. } = reply else { panic!("{reply:?}") };
    let unlabelled: Vec<_> = rows.iter().filter(|row| row.label.is_none()).collect();
    let right = unlabelled.iter().filter(|row| row.predicted.is_some_and(|(class, _)| class == truth(row.item)));
    right.count() as f64 / unlabelled.len() as f64
}
