//! A session with many labels in it, as the session worker has one: labels go in, new queues come out.

use hone::browser::breath::Breath;
use hone::pipeline::features::matrix::FeatureVector;
use hone::pipeline::import::Imported;
use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::protocol::{Decision, Event, ItemIndex, QueueState, Reply, Request, Verdict};
use hone::storage::Store;
use hone::storage::records::Ending;
use hone::worker::session::{Arrival, Chunk, Coming, FeatureSource, Session};
use ulid::Ulid;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Items that come in together, and vectors that are stored together.
const AT_ONCE: usize = 1_000;
/// Keys the vectors in the store.
const FEATURE_ID: &str = "benchmark-1";

/// What a slice of background work led to.
#[wasm_bindgen]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// There was nothing to do.
    Idle,
    /// Something was done.
    Worked,
    /// A new queue is there.
    NewQueue,
}

/// An open project in a session over this browser's store.
#[wasm_bindgen]
pub struct Labelling {
    session: Session,
    classes: Vec<u32>,
    queue: Option<QueueState>,
    decisions: u128,
    breath: Breath,
}

#[wasm_bindgen]
impl Labelling {
    /// A new project. `features` is items × `columns`, `classes` a class for each item; the first `labelled` items come in with
    /// their labels.
    ///
    /// # Errors
    /// When the numbers do not fit together, or the store does not take them.
    pub async fn create(
        features: Vec<f32>,
        columns: usize,
        classes: Vec<u32>,
        labelled: usize,
        now: f64,
    ) -> Result<Labelling, JsError> {
        if features.len() != classes.len() * columns {
            return Err(JsError::new("one row of features and one class an item"));
        }
        let store = Store::open_named("hone-benchmark").await?;
        let source = FeatureSource { id: FEATURE_ID.into(), words: "embeddings".into(), warning: None };
        let mut session = Session::new(store, false, source.clone(), source);
        let names: Vec<String> =
            (0..=classes.iter().copied().max().unwrap_or(0)).map(|class| format!("class {class}")).collect();
        let project = Ulid::from_parts(now as u64, 0).to_string();
        session.create_project(project.clone(), "Benchmark", Kind::Image, Vec::new(), &names, now).await?;
        let batch = session.begin_batch("embeddings", Kind::Image, &[], Coming::default(), now).await?;
        let arrival = |item: usize| {
            let hash = ContentHash::of(&item.to_le_bytes());
            let label = (item < labelled).then(|| names[classes[item] as usize].clone());
            let item = Item { hash, name: format!("{item}"), content: Content::Image, batch, extra: Vec::new() };
            Arrival { imported: Imported { item, label }, media: None }
        };
        let items: Vec<usize> = (0..classes.len()).collect();
        for some in items.chunks(AT_ONCE) {
            let arrivals = some.iter().map(|&item| arrival(item)).collect();
            session.add_chunk(batch, Chunk { arrivals, problems: Vec::new() }, now).await?;
        }
        session.finish_batch(batch, Ending::Finished, now).await?;
        while let Some(open) = session.project_mut()
            && open.pending_count() > 0
        {
            let vector = |item: ItemIndex| {
                let from = item as usize * columns;
                FeatureVector { dense: features[from..from + columns].to_vec(), ..FeatureVector::default() }
            };
            let pending = open.take_pending(AT_ONCE);
            let vectors =
                pending.iter().map(|pending| (pending.item, pending.hash, Ok(vector(pending.item)))).collect();
            session.embedded(&project, vectors, FEATURE_ID).await?;
        }
        Ok(Labelling { session, classes, queue: None, decisions: 0, breath: Breath::new() })
    }

    /// One slice of background work, as the session worker's loop takes them one after another while nobody asks.
    pub async fn slice(&mut self, now: f64) -> Slice {
        match (self.session.background(now).await, self.listen()) {
            (_, true) => Slice::NewQueue,
            (true, false) => Slice::Worked,
            (false, false) => Slice::Idle,
        }
    }

    /// The pause between two slices, in which messages get through.
    pub async fn pause(&self) {
        self.breath.take().await;
    }

    /// Decides the queue's first card by its true class: stored, learnt at once, answered. The new queue follows by slices.
    ///
    /// # Errors
    /// When there is no card, or the decision was refused.
    pub async fn label(&mut self, now: f64) -> Result<(), JsError> {
        let queue = self.queue.as_ref();
        let card = queue.and_then(|queue| queue.cards.first()).ok_or_else(|| JsError::new("there is no card"))?;
        self.decisions += 1;
        let class = self.classes[card.item as usize] as u16;
        let decision = Decision {
            id: Ulid::from_parts(now as u64, self.decisions).to_string(),
            item: card.item,
            verdict: Verdict::Label(class),
            shown: None,
            audit: card.audit,
            repeat: card.repeat,
            took_ms: None,
        };
        let answer = self.session.handle(Request::Decide(decision), now).await;
        self.listen();
        match answer.reply {
            Reply::Decided(_) => Ok(()),
            other => Err(JsError::new(&format!("{other:?}"))),
        }
    }

    /// Takes in what the session told; whether a queue was among it.
    fn listen(&mut self) -> bool {
        let mut heard = false;
        for event in self.session.take_events() {
            if let Event::Queue(queue) = event {
                self.queue = Some(queue);
                heard = true;
            }
        }
        heard
    }
}
