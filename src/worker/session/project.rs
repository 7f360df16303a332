//! The open project: what is loaded, what is derived from it, and the background work on it.

use super::SessionError;
use super::audits::Drawn;
use super::experiments::Experiments;
use super::frozen::Frozen;
use super::imports::{Arriving, LOOKS_ID};
use super::labels::{ANNOTATOR, first_id_at};
use super::monitor::Monitor;
use super::nearest::NearestLabels;
use super::numeric::Numeric;
use super::review::Review;
use crate::pipeline::drift::looks::Looks;
use crate::pipeline::features::dense_columns;
use crate::pipeline::features::matrix::{FeatureVector, Features};
use crate::pipeline::features::ngrams::NGRAM_COLUMNS;
use crate::pipeline::features::table::{TABLE_FEATURE_ID, TableEncoder};
use crate::pipeline::import::plan::Target;
use crate::pipeline::item::{Content, ContentHash, Item, Kind};
use crate::pipeline::label::{self, ItemLabels, LabelEvent};
use crate::pipeline::log::Run;
use crate::pipeline::model::calibration::is_temperature;
use crate::pipeline::model::tensors::{head_from_tensors, head_to_tensors};
use crate::pipeline::rank::{Ranker, Strategy};
use crate::pipeline::train::{Learner, LearnerConfig, Step};
use crate::protocol::{Card, ClassIndex, ItemIndex};
use crate::storage::records::{BatchRecord, CertificateRecord, Ending, ItemRecord, ModelRecord, ProjectRecord};
use crate::storage::{Store, StoreError, brought_with};
use ndarray::ArrayView1;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Cards decided ahead, so that images can be decoded before they are needed.
pub(super) const CARDS_AHEAD: usize = 8;

/// All randomness of a project (folds, projections, audits) comes from this seed and the project's own state, so a
/// reopened project behaves as if it had never been closed.
pub(super) const SEED: u64 = 0x686f_6e65;

/// Which extractor makes a kind's vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSource {
    /// Keys the cache: vectors of one id are comparable, of two are not.
    pub id: String,
    /// In words, for the screen.
    pub words: String,
    /// Set if this is a stand-in for a better extractor, and why.
    pub warning: Option<String>,
}

impl FeatureSource {
    /// Tables are encoded by an encoder fitted to their own columns.
    pub fn table() -> Self {
        Self {
            id: TABLE_FEATURE_ID.into(),
            words: "standardised numbers, one-hot categories, missing-value marks".into(),
            warning: None,
        }
    }
}

/// An item that waits for its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Which.
    pub item: ItemIndex,
    /// Its hash, for the image in the store.
    pub hash: ContentHash,
    /// Its content, for texts.
    pub content: Content,
}

/// A card of the queue, before it is drawn.
pub(super) struct Planned {
    pub card: Card,
    /// For audits: the number of the request they answer.
    pub request: Option<u64>,
}

/// The open project.
pub struct Project {
    pub(super) record: ProjectRecord,
    pub(super) items: Vec<Item>,
    pub(super) by_hash: HashMap<ContentHash, ItemIndex>,
    pub(super) batches: Vec<BatchRecord>,
    /// The import that is coming in.
    pub(super) arriving: Option<Arriving>,
    pub(super) log: Vec<LabelEvent>,
    /// Events about items that are not here, by item: another annotator's, whose items may yet be imported.
    orphans: HashMap<ContentHash, Vec<LabelEvent>>,
    /// Items of imports that were removed and can still be brought back.
    removed: HashSet<ContentHash>,
    /// Labels that such imports brought for items of others.
    set_aside: Vec<LabelEvent>,
    /// The largest place of an event of all, see [`LabelEvent::clock`].
    clock: u64,
    /// The largest id of an event that was ever here.
    newest: Option<String>,
    /// Up to which place in the log, since which backup, and how many decisions people made since it.
    counted: Cell<(usize, Option<u64>, u32)>,
    /// Positions in the log, by item. An undo carries its target's item, so an item's fold needs only its own events.
    own_events: Vec<Vec<usize>>,
    /// The fold, by item.
    pub(super) labels: Vec<ItemLabels>,
    pub(super) source: FeatureSource,
    pub(super) features: Features,
    /// The Euclidean length of each dense row.
    pub(super) lengths: Vec<f32>,
    pub(super) nearest_labels: NearestLabels,
    /// Feature row by item, once embedded.
    pub(super) row_of: Vec<Option<usize>>,
    /// Item by feature row.
    pub(super) item_of: Vec<ItemIndex>,
    /// Items without a vector, ordered by their hash, which is as good as shuffled: files come sorted, often by class,
    /// and the first cards should not all be of one.
    pending: BTreeSet<(ContentHash, ItemIndex)>,
    /// How many feature rows the learner has been told of.
    rows_learnt: usize,
    /// Items whose vector could not be made, and why.
    pub(super) failed: BTreeMap<ItemIndex, String>,
    pub(super) encoder: Option<TableEncoder>,
    pub(super) learner: Learner,
    /// Learns in the learner's place if the target is a number.
    pub(super) numeric: Option<Numeric>,
    ranker: Ranker,
    ranking: bool,
    rank_due: bool,
    pub(super) planned: Vec<Planned>,
    /// Audits drawn but not answered, by request number: once drawn, always an audit.
    pub(super) drawn: BTreeMap<u64, Drawn>,
    /// How many requests people have answered: the audit stream's position.
    pub(super) requests: u64,
    /// The experiment log, oldest first.
    pub(super) runs: Vec<Run>,
    pub(super) runs_revision: u32,
    pub(super) champion: Option<Frozen>,
    pub(super) challenger: Option<Frozen>,
    pub(super) certificates: Vec<CertificateRecord>,
    pub(super) experiments: Experiments,
    pub(super) review: Review,
    pub(super) monitor: Monitor,
    /// What images look like, by item, where it was measured.
    pub(super) looks: HashMap<ItemIndex, Looks>,
    /// Who decides.
    pub(super) annotator: String,
    state_changed: bool,
    queue_changed: bool,
    /// When decisions came of which the stored record's counts do not know yet.
    pub(super) record_due: Option<f64>,
}

/// How a slice of background work ended.
pub(super) enum Background {
    Idle,
    Working,
    /// A polish ended: the model may be stored.
    Polished,
}

impl Project {
    /// An empty project around its record.
    pub fn new(record: ProjectRecord, source: FeatureSource) -> Self {
        let classes = record.classes.len();
        let config = LearnerConfig::for_kind(record.kind, SEED);
        let numeric = (record.target == Target::Number).then(Numeric::new);
        Self {
            record,
            items: Vec::new(),
            by_hash: HashMap::new(),
            batches: Vec::new(),
            arriving: None,
            log: Vec::new(),
            orphans: HashMap::new(),
            removed: HashSet::new(),
            set_aside: Vec::new(),
            clock: 0,
            newest: None,
            counted: Cell::default(),
            own_events: Vec::new(),
            labels: Vec::new(),
            source,
            features: Features::new(0, 0),
            lengths: Vec::new(),
            nearest_labels: NearestLabels::default(),
            row_of: Vec::new(),
            item_of: Vec::new(),
            pending: BTreeSet::new(),
            rows_learnt: 0,
            failed: BTreeMap::new(),
            encoder: None,
            learner: Learner::new(classes, config),
            numeric,
            ranker: Ranker::new(SEED),
            ranking: false,
            rank_due: true,
            planned: Vec::new(),
            drawn: BTreeMap::new(),
            requests: 0,
            runs: Vec::new(),
            runs_revision: 0,
            champion: None,
            challenger: None,
            certificates: Vec::new(),
            experiments: Experiments::default(),
            review: Review::default(),
            monitor: Monitor::default(),
            looks: HashMap::new(),
            annotator: ANNOTATOR.into(),
            state_changed: true,
            queue_changed: true,
            record_due: None,
        }
    }

    /// Loads all that is stored of a project.
    pub async fn load(store: &Store, record: ProjectRecord, source: FeatureSource) -> Result<Self, SessionError> {
        let record = ProjectRecord { options: record.options.within_range(), ..record };
        let mut project = Self::new(record, source);
        let encoder = project.record.encoder.as_deref().and_then(|json| serde_json::from_str(json).ok());
        project.encoder = encoder.filter(TableEncoder::is_sound);
        let id = project.record.id.clone();
        project.batches = store.batches(&id).await?;
        for ItemRecord { item, .. } in store.items(&id).await? {
            let item = project.in_place(item);
            match project.batches.get(item.batch as usize).is_some_and(BatchRecord::is_out) {
                true => {
                    project.removed.insert(item.hash);
                }
                false => {
                    project.push_item(item);
                }
            }
        }
        project.recount_interrupted();
        let mut events = store.events(&id).await?;
        events.sort_by(|a, b| a.order().cmp(&b.order()));
        for event in events {
            project.push_event(event);
        }
        project.refold_all();
        if project.record.kind == Kind::Table {
            project.encode_rows();
        } else {
            let hashes: Vec<ContentHash> = project.items.iter().map(|item| item.hash).collect();
            let mut vectors = known_vectors(store, &id, &project.source.id, &hashes).await?;
            for (index, hash) in hashes.iter().enumerate() {
                if let Some(vector) = vectors.remove(hash).filter(|vector| project.accepts(vector)) {
                    project.push_row(index as ItemIndex, vector);
                }
            }
            project.pending.retain(|&(_, item)| project.row_of[item as usize].is_none());
        }
        if project.record.kind == Kind::Image {
            project.load_looks(store).await?;
        }
        project.restore_model(store.model(&id).await?);
        project.certificates = store.certificates(&id).await?;
        project.load_log(store).await?;
        project.relearn();
        Ok(project)
    }

    /// An item as the project can hold it. What is stored is always so; but a store can be damaged, and a project must open.
    fn in_place(&self, mut item: Item) -> Item {
        item.batch = item.batch.min(self.batches.len().saturating_sub(1) as u32);
        if let Content::Row(cells) = &mut item.content {
            cells.resize(self.record.columns.len(), String::new());
        }
        item
    }

    /// Of an import that was interrupted, what is in the store counts: its record may be a chunk ahead.
    fn recount_interrupted(&mut self) {
        for record in self.batches.iter_mut().filter(|record| record.ending == Ending::Open) {
            record.items = self.items.iter().filter(|item| item.batch == record.index).count() as u32;
        }
    }

    /// The newest id of all that this clock, or one that was a day ahead at most, can have made: the next ones are made to follow it.
    pub(super) fn newest_id(&self, now_ms: f64) -> Option<String> {
        const DAY_MS: f64 = 86_400_000.0;
        let later = first_id_at(now_ms + DAY_MS);
        if self.newest.as_ref().is_none_or(|newest| *newest < later) {
            return self.newest.clone();
        }
        let events = self.log.iter().chain(self.orphans.values().flatten()).chain(&self.set_aside);
        events.map(|event| &event.id).filter(|&id| *id < later).max().cloned()
    }

    /// Gives new events their places in the log's order: after all that is known here.
    pub(super) fn put_in_order(&self, events: &mut [LabelEvent]) {
        (self.clock + 1..).zip(events).for_each(|(clock, event)| event.clock = clock);
    }

    /// The log was saved as a file.
    pub(super) fn note_backup(&mut self) {
        self.record.backed_up = Some(self.clock);
        self.touch();
    }

    /// Decisions of people since the log was last saved as a file. What is asked with each state counts only what came since.
    pub(super) fn unsaved(&self) -> u32 {
        use label::Source::{Audit, Human, Repeat, Review};
        let saved = self.record.backed_up;
        let (from, known) = match self.counted.get() {
            (place, since, known) if since == saved && place <= self.log.len() => (place, known),
            _ => (0, 0),
        };
        let is_new = |event: &&LabelEvent| {
            matches!(event.source, Human | Audit | Review | Repeat) && saved.is_none_or(|saved| event.clock > saved)
        };
        let unsaved = known + self.log[from..].iter().filter(is_new).count() as u32;
        self.counted.set((self.log.len(), saved, unsaved));
        unsaved
    }

    /// Whether the log has this very event.
    pub(super) fn has_event(&self, event: &LabelEvent) -> bool {
        let Some(&index) = self.by_hash.get(&event.item) else { return false };
        self.own_events[index as usize].iter().any(|&position| self.log[position].id == event.id)
    }

    /// What was removed can't come back: the store has let go of it.
    pub(super) fn forget_removed(&mut self) {
        for hash in self.removed.drain() {
            self.orphans.remove(&hash);
        }
        self.set_aside.clear();
    }

    /// What its images look like, as far as that was measured.
    async fn load_looks(&mut self, store: &Store) -> Result<(), SessionError> {
        let hashes: Vec<ContentHash> = self.items.iter().map(|item| item.hash).collect();
        let known = known_vectors(store, &self.record.id, LOOKS_ID, &hashes).await?;
        let look = |(item, hash): (ItemIndex, &ContentHash)| {
            let look: [f32; 6] = known.get(hash)?.dense.as_slice().try_into().ok()?;
            Some((item, Looks::from_array(look)))
        };
        self.looks = (0..).zip(&hashes).filter_map(look).collect();
        Ok(())
    }

    /// Its ULID.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.record.kind
    }

    /// The names of its content columns, for tables.
    pub fn columns(&self) -> &[String] {
        &self.record.columns
    }

    /// Keys the vector cache.
    pub fn feature_id(&self) -> &str {
        &self.source.id
    }

    /// Whether an import into it is under way.
    pub fn is_importing(&self) -> bool {
        self.arriving.is_some()
    }

    /// How many items it holds.
    pub fn item_count(&self) -> usize {
        self.items.len()
    }

    /// How many of them have a vector.
    pub fn embedded_count(&self) -> usize {
        self.item_of.len()
    }

    pub(super) fn push_item(&mut self, item: Item) -> ItemIndex {
        let index = self.items.len() as ItemIndex;
        let hash = item.hash;
        self.by_hash.insert(hash, index);
        self.items.push(item);
        self.own_events.push(Vec::new());
        self.labels.push(ItemLabels::default());
        self.row_of.push(None);
        self.pending.insert((hash, index));
        if let Some(events) = self.orphans.remove(&hash) {
            for event in events {
                self.push_event(event);
            }
            self.refold(index);
        }
        index
    }

    /// Adds an event to the log in memory, unless it is there already; `None` as well if its item is not here (yet). The fold
    /// is refreshed apart.
    pub(super) fn push_event(&mut self, event: LabelEvent) -> Option<ItemIndex> {
        self.clock = self.clock.max(event.clock);
        if self.newest.as_ref().is_none_or(|newest| *newest < event.id) {
            self.newest = Some(event.id.clone());
        }
        if self.batches.iter().any(|record| record.is_out() && record.brought_event(&event)) {
            if !self.set_aside.iter().any(|other| other.id == event.id) {
                self.set_aside.push(event);
            }
            return None;
        }
        let Some(&index) = self.by_hash.get(&event.item) else {
            let waiting = self.orphans.entry(event.item).or_default();
            if !waiting.iter().any(|other| other.id == event.id) {
                waiting.push(event);
            }
            return None;
        };
        if self.has_event(&event) {
            return None;
        }
        self.own_events[index as usize].push(self.log.len());
        self.log.push(event);
        Some(index)
    }

    /// Takes a merged log in place of the one there was.
    pub(super) fn replace_log(&mut self, events: Vec<LabelEvent>) {
        self.log.clear();
        self.counted.set(Default::default());
        self.orphans.clear();
        self.own_events.iter_mut().for_each(Vec::clear);
        for event in events {
            self.push_event(event);
        }
        self.refold_all();
    }

    /// An item whose features came along with it.
    pub(super) fn no_longer_pending(&mut self, index: ItemIndex, hash: ContentHash) {
        self.pending.remove(&(hash, index));
    }

    /// The whole log, in its order, but for what went with imports that were removed.
    pub(super) fn whole_log(&self) -> Vec<LabelEvent> {
        let waiting = self.orphans.values().flatten().filter(|event| !self.removed.contains(&event.item));
        let mut events: Vec<LabelEvent> = self.log.iter().chain(waiting).cloned().collect();
        events.sort_by(|a, b| a.order().cmp(&b.order()));
        events
    }

    pub(super) fn refold(&mut self, index: ItemIndex) {
        let hash = self.items[index as usize].hash;
        self.labels[index as usize] = label::fold(self.events_of(index)).remove(&hash).unwrap_or_default();
    }

    /// An item's own events, in the order they arrived.
    pub(super) fn events_of(&self, index: ItemIndex) -> impl Iterator<Item = &LabelEvent> {
        self.own_events[index as usize].iter().map(|&position| &self.log[position])
    }

    fn refold_all(&mut self) {
        let mut folded = label::fold(&self.log);
        for (item, labels) in self.items.iter().zip(&mut self.labels) {
            *labels = folded.remove(&item.hash).unwrap_or_default();
        }
        self.requests = label::standing(&self.log)
            .iter()
            .filter(|event| matches!(event.source, label::Source::Human | label::Source::Audit | label::Source::Repeat))
            .count() as u64;
    }

    /// Whether this can be an item's feature row: it came from the store, a file or a worker, and need not be.
    pub(super) fn accepts(&self, vector: &FeatureVector) -> bool {
        if !self.features.is_empty() {
            return self.features.accepts(vector);
        }
        let known = dense_columns(&self.source.id).unwrap_or(vector.dense.len());
        Features::new(known, self.sparse_columns()).accepts(vector)
    }

    fn sparse_columns(&self) -> usize {
        if self.record.kind == Kind::Text { NGRAM_COLUMNS } else { 0 }
    }

    /// Gives an item its feature row, which [`Project::accepts`] it.
    pub(super) fn push_row(&mut self, index: ItemIndex, vector: FeatureVector) {
        if self.features.is_empty() {
            self.features = Features::new(vector.dense.len(), self.sparse_columns());
        }
        self.row_of[index as usize] = Some(self.features.len());
        self.item_of.push(index);
        let row = ArrayView1::from(&vector.dense);
        self.lengths.push(row.dot(&row).sqrt());
        self.features.push(vector);
        self.failed.remove(&index);
    }

    /// Tables: fits the encoder to all rows if there is none yet, then encodes the rows that wait.
    pub(super) fn encode_rows(&mut self) {
        let cells = |item: &Item| match &item.content {
            Content::Row(cells) => cells.clone(),
            Content::Image | Content::Text(_) => Vec::new(),
        };
        if self.encoder.is_none() && !self.items.is_empty() {
            let rows: Vec<Vec<String>> = self.items.iter().map(cells).collect();
            let encoder = TableEncoder::fit(&self.record.columns, rows.iter().map(Vec::as_slice));
            self.record.encoder = serde_json::to_string(&encoder).ok();
            self.encoder = Some(encoder);
        }
        let Some(encoder) = self.encoder.take() else { return };
        let mut pending: Vec<ItemIndex> = std::mem::take(&mut self.pending).into_iter().map(|(_, item)| item).collect();
        pending.sort_unstable();
        for index in pending {
            let dense = encoder.encode(&cells(&self.items[index as usize]));
            self.push_row(index, FeatureVector { dense, ..FeatureVector::default() });
        }
        self.encoder = Some(encoder);
    }

    /// The next items to embed, at most `most`, in the order of their hashes. They are the caller's now: each must come back by
    /// [`super::Session::embedded`].
    pub fn take_pending(&mut self, most: usize) -> Vec<Pending> {
        let taken: Vec<(ContentHash, ItemIndex)> = self.pending.iter().take(most).copied().collect();
        for pending in &taken {
            self.pending.remove(pending);
        }
        taken
            .into_iter()
            .map(|(hash, item)| Pending { item, hash, content: self.items[item as usize].content.clone() })
            .collect()
    }

    /// How many items still wait for a vector.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// After vectors came in: while many more are on their way, learning and ranking anew at each would take the
    /// processor from the embedding, and no model would ever be made before the next ones come. So both wait for a good number of
    /// rows, a growing one, or for the end. Where nothing can be asked yet, as in an import that is all labelled, they wait for as many
    /// as there are, at first.
    pub(super) fn rows_arrived(&mut self) {
        const WORTH_LEARNING: usize = 256;
        let unseen = self.features.len() - self.rows_learnt;
        let few = if self.planned.is_empty() { self.rows_learnt.min(WORTH_LEARNING) } else { WORTH_LEARNING };
        self.state_changed = true;
        if self.pending.is_empty() || unseen >= few.max(self.rows_learnt / 4) {
            self.relearn();
        }
    }

    fn restore_model(&mut self, record: Option<ModelRecord>) {
        let Some(record) = record else { return };
        // A model of other features is of no use here; the log will train a new one.
        if record.feature_id != self.source.id {
            return;
        }
        // Classes that came since it was stored are absent from it until the next polish; one that is gone is forgotten.
        let place = |key: &str| record.classes.iter().position(|known| known == key);
        let places: Vec<Option<usize>> = self.record.classes.iter().map(|class| place(&class.key)).collect();
        if places.iter().flatten().count() < 2 {
            return;
        }
        if let Ok(head) = head_from_tensors(&record.tensors)
            && head.classes() == record.classes.len()
            && head.fits(&self.features)
            && is_temperature(record.temperature)
        {
            let head =
                if places.iter().copied().eq((0..head.classes()).map(Some)) { head } else { head.picked(&places) };
            self.learner.restore(head, record.temperature, record.version, record.labels, record.curve);
        }
    }

    pub(super) fn model_record(&self) -> Option<ModelRecord> {
        let head = self.learner.head()?;
        Some(ModelRecord {
            version: self.learner.version(),
            feature_id: self.source.id.clone(),
            classes: self.record.classes.iter().map(|class| class.key.clone()).collect(),
            tensors: head_to_tensors(head).ok()?,
            temperature: self.learner.temperature(),
            labels: self.learner.labels(),
            curve: self.learner.curve().to_vec(),
        })
    }

    pub(super) fn class_of_key(&self, key: &str) -> Option<ClassIndex> {
        self.record.classes.iter().position(|class| class.key == key).map(|index| index as ClassIndex)
    }

    /// The class an item trains as, if it trains.
    pub(super) fn training_class(&self, index: ItemIndex) -> Option<ClassIndex> {
        if self.duplicates_an_audit(index) {
            return None;
        }
        self.class_of_key(self.labels[index as usize].training_key()?)
    }

    /// Hands the learner all training labels anew: on opening, after an undo or a changed label.
    pub(super) fn relearn(&mut self) {
        let rows: Vec<(usize, usize)> = self
            .item_of
            .iter()
            .enumerate()
            .filter_map(|(row, &item)| Some((row, usize::from(self.training_class(item)?))))
            .collect();
        self.learner.set_classes(self.record.classes.len());
        self.exclude_audits();
        self.learner.set_labels(rows);
        self.learner.refresh(&self.features);
        self.nearest_labels.forget();
        self.relearn_numbers();
        self.rows_learnt = self.features.len();
        self.mark_rank_due();
        self.state_changed = true;
    }

    /// What a label changed is told over unlabelled items; audits, drawn or answered, and test labels are not among them.
    pub(super) fn exclude_audits(&mut self) {
        let audits = (0..self.item_of.len()).filter(|&row| {
            let item = self.item_of[row];
            self.labels[item as usize].measures() || self.drawn_with(item).is_some()
        });
        self.learner.set_excluded(audits.collect());
    }

    pub(super) fn mark_rank_due(&mut self) {
        self.rank_due = true;
        self.ranking = false;
    }

    pub(super) fn touch(&mut self) {
        self.state_changed = true;
    }

    pub(super) fn touch_queue(&mut self) {
        self.queue_changed = true;
    }

    pub(super) fn take_state_changed(&mut self) -> bool {
        std::mem::take(&mut self.state_changed)
    }

    pub(super) fn take_queue_changed(&mut self) -> bool {
        std::mem::take(&mut self.queue_changed)
    }

    pub(super) fn refresh_record(&mut self, now_ms: f64) {
        self.record.items = self.items.len() as u32;
        self.record.labelled = self.labels.iter().filter(|labels| labels.is_decided()).count() as u32;
        self.record.changed_ms = now_ms;
    }

    /// The probability with which an item was drawn as an audit, if it waits to be answered as one.
    pub(super) fn drawn_with(&self, item: ItemIndex) -> Option<f64> {
        self.drawn.values().find(|drawn| drawn.item == item).map(|drawn| drawn.probability)
    }

    /// Ranking first, since a person waits for the next card; then training.
    pub(super) fn background(&mut self) -> Background {
        if self.rank_due {
            self.rank_due = false;
            self.begin_ranking();
            return Background::Working;
        }
        if self.ranking {
            return self.step_ranking();
        }
        let step = match self.is_numeric() {
            true => self.step_numbers(),
            false if self.learner.polish_due() => self.learner.step(&self.features),
            false => Step::Idle,
        };
        match step {
            Step::Idle => Background::Idle,
            Step::Working => Background::Working,
            Step::Rough => {
                self.mark_rank_due();
                self.state_changed = true;
                Background::Working
            }
            Step::Polished => {
                self.mark_rank_due();
                self.state_changed = true;
                Background::Polished
            }
        }
    }

    /// Whether somebody waits for the next card.
    pub(super) fn is_ranking(&self) -> bool {
        self.rank_due || self.ranking
    }

    fn begin_ranking(&mut self) {
        let candidates = self.candidate_rows();
        if candidates.is_empty() {
            self.plan_cards(Vec::new());
            return;
        }
        self.ranking = true;
        if self.ranks_by_variance() {
            let trains = |&row: &usize| self.training_number(self.item_of[row]).is_some();
            let labelled: Vec<usize> = (0..self.item_of.len()).filter(trains).collect();
            if let Some(numeric) = &mut self.numeric {
                numeric.begin_ranking(&labelled, &candidates);
            }
            return;
        }
        let labelled: Vec<usize> = (0..self.item_of.len()).filter(|&row| self.is_decided_row(row)).collect();
        self.ranker.begin(
            self.record.options.strategy,
            &self.features,
            self.learner.probabilities(),
            &labelled,
            &candidates,
            CARDS_AHEAD,
        );
    }

    /// Whether the numeric target's own ranking chooses: unless the user wants it random.
    fn ranks_by_variance(&self) -> bool {
        self.is_numeric() && self.record.options.strategy != Strategy::Random
    }

    fn step_ranking(&mut self) -> Background {
        let by_variance = self.ranks_by_variance();
        let ranked = match self.numeric.as_mut().filter(|_| by_variance) {
            Some(numeric) => numeric.step_ranking(&self.features),
            None => self.ranker.step(&self.features).map(|ranked| {
                let names = self.class_names();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                ranked.into_iter().map(|ranked| (ranked.row, ranked.why.sentence(&names))).collect()
            }),
        };
        if let Some(ranked) = ranked {
            self.ranking = false;
            let ranked = ranked.into_iter().map(|(row, why)| (self.item_of[row], why)).collect();
            self.plan_cards(ranked);
        }
        Background::Working
    }

    fn is_decided_row(&self, row: usize) -> bool {
        self.labels[self.item_of[row] as usize].is_decided()
    }
}

/// The sound vectors of these items: this device's own, and where there is none the one that came in the project's file.
pub(super) async fn known_vectors(
    store: &Store,
    project: &str,
    feature_id: &str,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, FeatureVector>, StoreError> {
    let mut known = store.vectors(feature_id, hashes).await?;
    known.retain(|_, vector| vector.is_sound());
    let missing: Vec<ContentHash> = hashes.iter().filter(|hash| !known.contains_key(hash)).copied().collect();
    if !missing.is_empty() {
        let brought = store.vectors(&brought_with(project, feature_id), &missing).await?;
        known.extend(brought.into_iter().filter(|(_, vector)| vector.is_sound()));
    }
    Ok(known)
}
