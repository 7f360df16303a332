//! Arrivals: items with their blobs and their labels enter the project chunk by chunk; vectors follow.

use super::labels::id_after;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::class_name::{folded, tidy};
use crate::pipeline::drift::looks::Looks;
use crate::pipeline::drift::schema::{Severity, check_rows};
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::import::plan::{Problem, Target};
use crate::pipeline::import::problem::MAX_PROBLEMS;
use crate::pipeline::import::{GivenLabel, Imported};
use crate::pipeline::item::{Content, ContentHash, Item, Kind};
use crate::pipeline::label::{Action, LabelEvent, MOST_CLASSES, Source};
use crate::pipeline::regression::{canonical, parse};
use crate::protocol::{ClassIndex, ItemIndex, Options};
use crate::storage::Media;
use crate::storage::records::{BatchRecord, Ending, ItemRecord, ProjectRecord};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Under this name, what images look like is stored as if it were features.
pub(super) const LOOKS_ID: &str = "image-looks-1";
/// Who says what the data say, if they name nobody.
pub(super) const DATA: &str = "import";
/// Duplicates told one by one; all are counted.
const DUPLICATES_TOLD: u64 = 200;
/// Spellings of classes told one by one.
const SPELLINGS_TOLD: u64 = 200;
/// Rows looked at to check an import.
const ROWS_CHECKED: usize = 5_000;

/// One item on its way in.
pub struct Arrival {
    /// The item and the label that came with it.
    pub imported: Imported,
    /// The image's file, for images.
    pub media: Option<Media>,
}

/// A few items that are stored together.
#[derive(Default)]
pub struct Chunk {
    /// The items.
    pub arrivals: Vec<Arrival>,
    /// What was wrong with others.
    pub problems: Vec<Problem>,
}

impl Session {
    /// Makes a project and opens it. `classes` are the names known from the data, in the order to show them.
    pub async fn create_project(
        &mut self,
        id: String,
        name: &str,
        kind: Kind,
        columns: Vec<String>,
        classes: &[String],
        now_ms: f64,
    ) -> Result<(), SessionError> {
        let record = new_record(id, name, kind, columns, now_ms);
        self.create(record, classes).await
    }

    /// The same for items that are labelled with numbers.
    pub async fn create_numeric_project(
        &mut self,
        id: String,
        name: &str,
        kind: Kind,
        columns: Vec<String>,
        now_ms: f64,
    ) -> Result<(), SessionError> {
        let record = new_record(id, name, kind, columns, now_ms);
        self.create(ProjectRecord { target: Target::Number, ..record }, &[]).await
    }

    async fn create(&mut self, record: ProjectRecord, classes: &[String]) -> Result<(), SessionError> {
        self.must_write()?;
        self.save_due_record().await;
        let kind = record.kind;
        let mut project = Project::new(record, self.source(kind));
        for class in classes {
            let name = tidy(class);
            if !name.is_empty() && project.class_called(&name).is_none() {
                project.push_class(&name);
            }
        }
        project.relearn();
        self.store.put_project(&project.record).await?;
        self.open(project).await;
        Ok(())
    }

    /// Begins a batch in the open project and returns its index, or goes on with one that was interrupted. Columns must be
    /// among the project's, for tables; those that are missing are empty and become a finding. An import that was removed
    /// before can't be brought back from here on.
    pub async fn begin_batch(
        &mut self,
        name: &str,
        kind: Kind,
        columns: &[String],
        coming: Coming,
        now_ms: f64,
    ) -> Result<u32, SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        let project = self.opened()?;
        if project.record.kind != kind {
            return refused(format!(
                "This project holds {}s and these are {}s. Nothing was imported. Import them into a new project.",
                project.record.kind.noun(),
                kind.noun()
            ));
        }
        if project.is_importing() {
            return refused(
                "Another import is under way. Nothing was imported. Wait until it has ended, then try again.",
            );
        }
        let places = match kind {
            Kind::Table => project.places_of(columns)?,
            Kind::Image | Kind::Text => Vec::new(),
        };
        let begun = match coming.resume {
            Some(batch) => project.begun_again(batch)?,
            None => BatchRecord::begun(project.batches.len() as u32, name, now_ms),
        };
        self.purge_removed().await?;
        let project = self.opened_mut()?;
        let batch = BatchRecord { expected: coming.expected, hidden: coming.hidden, ..begun };
        store.put_batch(&project.record.id, &batch).await?;
        let index = batch.index;
        let own = project.items.iter().filter(|item| coming.resume.is_some() && item.batch == index);
        project.arriving = Some(Arriving {
            batch: index,
            places,
            waiting: own.map(|item| item.hash).collect(),
            is_resumed: coming.resume.is_some(),
            ..Arriving::default()
        });
        match project.batches.get_mut(index as usize) {
            Some(record) => *record = batch,
            None => project.batches.push(batch),
        }
        project.touch();
        Ok(index)
    }

    /// Stores a chunk and shows it. Items already in the project are counted as duplicates and told; a label that comes with
    /// one goes to the log all the same if it says something new.
    pub async fn add_chunk(&mut self, batch: u32, chunk: Chunk, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let arriving = project.arriving.take_if(|arriving| arriving.batch == batch);
        let (Some(mut arriving), Some(record)) = (arriving, project.batches.get(batch as usize)) else {
            return refused("That import was interrupted. What came in is safe. Take the same files again to go on.");
        };
        let mut record = record.clone();
        let classes_before = project.record.classes.len();
        let newest = project.newest_id(now_ms);
        let Intake { records, media, mut events, met, duplicates, problems } =
            project.take_in(&mut arriving, chunk, newest.clone(), now_ms);
        project.put_in_order(&mut events);
        record.items += met + records.len() as u32;
        record.duplicates += duplicates;
        for problem in problems {
            record.lost += problem.lost;
            match record.problems.len() < MAX_PROBLEMS {
                true => record.problems.push(problem),
                false => arriving.untold += 1,
            }
        }
        if let (Some(first), Some(last)) = (events.first(), events.last()) {
            match record.brought.last_mut().filter(|run| Some(&run.1) == newest.as_ref()) {
                Some(run) => run.1 = last.id.clone(),
                None => record.brought.push((first.id.clone(), last.id.clone())),
            }
        }
        project.arriving = Some(arriving);
        if project.record.classes.len() > classes_before
            && let Err(error) = store.put_project(&project.record).await
        {
            // A class that is not stored may not get labels that are.
            project.record.classes.truncate(classes_before);
            return Err(error.into());
        }
        // Before the items: ids of events that never came name nothing, but events that no import owned could not be removed.
        store.put_batch(&project.record.id, &record).await?;
        store.add_items(&project.record.id, &records, media, &events).await?;
        project.batches[batch as usize] = record;
        for ItemRecord { item, .. } in records {
            project.push_item(item);
        }
        let mut relearn = project.record.classes.len() > classes_before;
        for event in events {
            if let Some(item) = project.push_event(event) {
                project.refold(item);
                relearn |= project.row_of[item as usize].is_some();
            }
        }
        if relearn {
            project.part_duplicates();
            project.relearn();
            project.drop_decided_cards();
        }
        project.touch();
        // How many are left is part of it, and why there is no card yet.
        project.touch_queue();
        Ok(())
    }

    /// Ends a batch: its record is written, tables are encoded, counts are saved. Does nothing if it is not the one that is
    /// coming in.
    pub async fn finish_batch(&mut self, batch: u32, ending: Ending, now_ms: f64) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let Some(arriving) = project.arriving.take_if(|arriving| arriving.batch == batch) else { return Ok(()) };
        let Some(mut record) = project.batches.get(batch as usize).cloned() else { return Ok(()) };
        record.findings = project.check_arrived(&arriving);
        record.ending = ending;
        record.items += arriving.waiting.len() as u32;
        record.problems.extend(arriving.last_words(ending));
        project.touch();
        project.touch_queue();
        // If this can't be stored, it is an import that was interrupted, here as in the store.
        store.put_batch(&project.record.id, &record).await?;
        project.batches[batch as usize] = record;
        if project.record.kind == Kind::Table {
            if arriving.is_resumed && project.runs.is_empty() {
                // What came before it was interrupted was encoded by itself; now that all of it is here, it is encoded anew.
                project.record.encoder = None;
                self.save_record(now_ms).await?;
                return self.reload(now_ms).await;
            }
            project.encode_rows();
            project.relearn();
        }
        self.save_record_or_later(now_ms).await;
        Ok(())
    }

    /// Takes in what the images of project `id` look like: stored beside their vectors, for the comparison of imports.
    pub async fn looked_at(
        &mut self,
        id: &str,
        looks: Vec<(ItemIndex, ContentHash, [f32; 6])>,
    ) -> Result<(), SessionError> {
        let vector = |look: &[f32; 6]| FeatureVector { dense: look.to_vec(), ..FeatureVector::default() };
        let made: Vec<(ContentHash, FeatureVector)> =
            looks.iter().map(|(_, hash, look)| (*hash, vector(look))).collect();
        if !self.read_only && !made.is_empty() {
            self.store.append_vectors(LOOKS_ID, &made).await?;
        }
        if let Some(project) = self.open.as_mut().filter(|open| open.record.id == id) {
            // By the hash: an import may have been removed meanwhile, and other items have its places now.
            let here = looks.into_iter().filter_map(|(_, hash, look)| Some((*project.by_hash.get(&hash)?, look)));
            let here: Vec<(ItemIndex, [f32; 6])> = here.collect();
            project.looks.extend(here.into_iter().map(|(item, look)| (item, Looks::from_array(look))));
        }
        Ok(())
    }

    /// Takes in vectors that were computed for [`super::Pending`] items of project `id`: caches them, and gives the
    /// items to the learner and the queue. Vectors for a project no longer open are cached all the same.
    pub async fn embedded(
        &mut self,
        id: &str,
        vectors: Vec<(ItemIndex, ContentHash, Result<FeatureVector, String>)>,
        feature_id: &str,
    ) -> Result<(), SessionError> {
        let made: Vec<(ContentHash, FeatureVector)> =
            vectors.iter().filter_map(|(_, hash, vector)| Some((*hash, vector.as_ref().ok()?.clone()))).collect();
        if !self.read_only && !made.is_empty() {
            self.store.append_vectors(feature_id, &made).await?;
        }
        let Some(project) = self.open.as_mut().filter(|open| open.record.id == id && open.source.id == feature_id)
        else {
            return Ok(());
        };
        for (_, hash, vector) in vectors {
            // By the hash: an import may have been removed meanwhile, and other items have its places now.
            let Some(&item) = project.by_hash.get(&hash) else { continue };
            project.no_longer_pending(item, hash);
            if project.row_of[item as usize].is_some() {
                continue;
            }
            match vector {
                Ok(vector) if project.accepts(&vector) => project.push_row(item, vector),
                Ok(_) => {
                    let why = "Its features don’t have the form that this project’s have. Reload the page to compute them again.";
                    project.failed.insert(item, why.into());
                }
                Err(reason) => {
                    project.failed.insert(item, reason);
                }
            }
        }
        project.rows_arrived();
        Ok(())
    }
}

/// What is known of an import before its items come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coming {
    /// How many rows (or files) are expected; 0 if that is not known.
    pub expected: u64,
    /// Hidden and system files that are passed over.
    pub hidden: u64,
    /// The import that it goes on with, which was interrupted: items that are in are passed over.
    pub resume: Option<u32>,
}

/// What is known of an import while it comes in.
#[derive(Default)]
pub(super) struct Arriving {
    pub(super) batch: u32,
    /// Of each column of the project its place in the arriving rows; empty unless it is a table.
    places: Vec<Option<usize>>,
    /// Rows as they arrive, at most `ROWS_CHECKED`, for the checks of the data.
    rows: Vec<Vec<String>>,
    /// Whether it goes on with what was interrupted.
    is_resumed: bool,
    /// Its items that came in before it was interrupted and have not been met again yet.
    waiting: HashSet<ContentHash>,
    /// The class of each spelling met so far.
    spellings: HashMap<String, ClassIndex>,
    /// The class of each folded name, of so many classes as are looked at so far.
    folded: HashMap<String, ClassIndex>,
    looked_at: usize,
    /// Duplicates in all.
    duplicates: u64,
    /// Problems that were only counted.
    untold: u64,
}

/// What becomes of a chunk.
#[derive(Default)]
struct Intake {
    records: Vec<ItemRecord>,
    media: Vec<(ContentHash, Media)>,
    events: Vec<LabelEvent>,
    /// Items of this very import that were in before it was interrupted.
    met: u32,
    duplicates: u32,
    problems: Vec<Problem>,
}

/// A label that came with an item of the chunk at hand.
struct Said {
    annotator: String,
    key: String,
    source: Source,
}

impl Arriving {
    /// What can be said only at the end.
    fn last_words(&self, ending: Ending) -> Vec<Problem> {
        let mut words = Vec::new();
        if self.duplicates > DUPLICATES_TOLD {
            let more = self.duplicates - DUPLICATES_TOLD;
            words.push(Problem::note("", format!("{more} more were already there, not listed")));
        }
        if self.untold > 0 {
            words.push(Problem::note("", format!("and {} more problems, not listed", self.untold)));
        }
        if !self.waiting.is_empty() && ending == Ending::Finished {
            let left = self.waiting.len();
            let message =
                format!("{left} items that came in before it was interrupted are not in these files; they stay");
            words.push(Problem::note("", message));
        }
        words
    }
}

impl Project {
    /// The record of an import that was interrupted, as it is when it is taken up again: all is counted anew.
    fn begun_again(&self, batch: u32) -> Result<BatchRecord, SessionError> {
        match self.batches.get(batch as usize) {
            Some(record) if matches!(record.ending, Ending::Open | Ending::Cancelled | Ending::Failed) => {
                // Labels of the first try are in the log and stay this import's.
                let (brought, time_ms) = (record.brought.clone(), record.time_ms);
                Ok(BatchRecord { brought, ..BatchRecord::begun(batch, &record.name, time_ms) })
            }
            Some(_) => refused("That import was not interrupted. Nothing was imported. Import the files as new ones."),
            None => refused("That import is not in this project. Nothing was imported."),
        }
    }

    /// Of each of the project's columns its place among these. Each of these must be one of the project's.
    fn places_of(&self, columns: &[String]) -> Result<Vec<Option<usize>>, SessionError> {
        let own = &self.record.columns;
        if columns.iter().any(|column| !own.contains(column)) || (columns.is_empty() && !own.is_empty()) {
            return refused(format!(
                "This project's columns are {}; these files have {}. Nothing was imported. Rename the columns, or import into a new project.",
                own.join(", "),
                columns.join(", ")
            ));
        }
        Ok(own.iter().map(|name| columns.iter().position(|column| column == name)).collect())
    }

    /// Parts a chunk into what is new, what was there, and what is said of either.
    fn take_in(&mut self, arriving: &mut Arriving, chunk: Chunk, newest: Option<String>, now_ms: f64) -> Intake {
        let mut intake = Intake { problems: chunk.problems, ..Intake::default() };
        let mut newest = newest;
        let mut fresh: HashMap<ContentHash, usize> = HashMap::new();
        let mut said: HashMap<ContentHash, Vec<Said>> = HashMap::new();
        for Arrival { imported: Imported { item, labels, held_out }, media } in chunk.arrivals {
            let item = arriving.in_project_columns(item);
            let hash = item.hash;
            let known = self.by_hash.get(&hash).copied();
            let first = fresh.get(&hash).copied();
            let source = if held_out { Source::Test } else { Source::Import };
            let before = self.label_before(known, said.get(&hash));
            let mut other = None;
            for GivenLabel { name, annotator, time_ms } in labels {
                if tidy(&name).is_empty() {
                    continue;
                }
                let key = match self.import_key(arriving, &name, &mut intake.problems) {
                    Ok(key) => key,
                    Err(message) => {
                        let message = format!("came in without a label: {message}");
                        intake.problems.push(self.remark_on(&item.name, message));
                        continue;
                    }
                };
                let annotator = annotator.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| DATA.into());
                let new = Said { annotator, key, source };
                if before.as_ref().is_some_and(|before| *before != new.key) {
                    other = Some(new.key.clone());
                }
                if self.says_nothing_new(known, said.get(&hash), &new) {
                    continue;
                }
                let id = id_after(newest.as_deref(), now_ms, hash);
                newest = Some(id.clone());
                intake.events.push(LabelEvent {
                    id,
                    item: hash,
                    annotator: new.annotator.clone(),
                    action: Action::Label(new.key.clone()),
                    source,
                    shown: None,
                    drawn_with: None,
                    certificate: None,
                    took_ms: None,
                    time_ms: time_ms.filter(|time| time.is_finite()).unwrap_or(now_ms),
                    clock: 0,
                });
                said.entry(hash).or_default().push(new);
            }
            if known.is_none() && first.is_none() {
                let index = (self.items.len() + intake.records.len()) as ItemIndex;
                fresh.insert(hash, intake.records.len());
                intake.media.extend(media.map(|media| (hash, media)));
                intake.records.push(ItemRecord { index, item: Item { batch: arriving.batch, ..item } });
                continue;
            }
            if arriving.waiting.remove(&hash) {
                intake.met += 1;
                continue;
            }
            intake.duplicates += 1;
            arriving.duplicates += 1;
            if arriving.duplicates <= DUPLICATES_TOLD {
                let there = match (known, first) {
                    (Some(index), _) => &self.items[index as usize].name,
                    (None, Some(place)) => &intake.records[place].item.name,
                    (None, None) => &item.name,
                };
                let mut message = format!("the same as {there}, which is already there");
                if let Some((before, other)) = before.zip(other) {
                    let (here, there) = (self.name_of_key(&other), self.name_of_key(&before));
                    message += &format!("; it is labelled “{here}” here and “{there}” there: see Review");
                }
                intake.problems.push(self.remark_on(&item.name, message));
            }
        }
        intake
    }

    /// What an item was labelled as when the data first said so, before the row at hand; or else by a person.
    fn label_before(&self, known: Option<ItemIndex>, said: Option<&Vec<Said>>) -> Option<String> {
        let came = |event: &&LabelEvent| matches!(event.source, Source::Import | Source::Test);
        let first = known.and_then(|item| self.events_of(item).filter(came).min_by(|a, b| a.order().cmp(&b.order())));
        let first = first.and_then(|event| match &event.action {
            Action::Label(key) => Some(key.clone()),
            _ => None,
        });
        first
            .or_else(|| said?.first().map(|said| said.key.clone()))
            .or_else(|| self.labels[known? as usize].given().map(|standing| standing.class.clone()))
    }

    /// Whether this very label is known of the item: the same, by the same; or the same as it has, if nobody is named. What
    /// comes as a test label must be known as one.
    fn says_nothing_new(&self, known: Option<ItemIndex>, said: Option<&Vec<Said>>, new: &Said) -> bool {
        let is_same = |annotator: &str, key: &str, source: Source| {
            key == new.key
                && (annotator == new.annotator || new.annotator == DATA)
                && (source == Source::Test || new.source == Source::Import)
        };
        if said.into_iter().flatten().any(|said| is_same(&said.annotator, &said.key, said.source)) {
            return true;
        }
        let Some(index) = known else { return false };
        let came = self.events_of(index).any(|event| match (&event.action, event.source) {
            (Action::Label(key), Source::Import | Source::Test) => is_same(&event.annotator, key, event.source),
            _ => false,
        });
        let labels = &self.labels[index as usize];
        came || (new.annotator == DATA
            && (labels.measures() || new.source == Source::Import)
            && labels.given().is_some_and(|standing| standing.class == new.key))
    }

    /// A remark on one of the items, at its row if its name says which.
    fn remark_on(&self, name: &str, message: String) -> Problem {
        let at_row = name.rsplit_once(':').filter(|_| self.record.kind != Kind::Image);
        match at_row.and_then(|(file, row)| Some((file, row.parse().ok()?))) {
            Some((file, row)) => Problem::note_on_row(file, row, message),
            None => Problem::note(name, message),
        }
    }

    /// What an import's data show by themselves, before any model: compared with what was there before it.
    fn check_arrived(&self, arriving: &Arriving) -> Vec<(bool, String)> {
        if self.record.kind != Kind::Table {
            return Vec::new();
        }
        let own = &self.record.columns;
        let columns: Vec<String> = arriving
            .places
            .iter()
            .zip(own)
            .filter_map(|(place, name)| Some((*place.as_ref()?, name.clone())))
            .collect::<BTreeMap<usize, String>>()
            .into_values()
            .collect();
        let earlier = self.items.iter().filter(|item| item.batch < arriving.batch);
        let mut rows: Vec<&[String]> = earlier
            .filter_map(|item| match &item.content {
                Content::Row(cells) => Some(cells.as_slice()),
                Content::Image | Content::Text(_) => None,
            })
            .collect();
        if rows.len() > ROWS_CHECKED {
            rows = (0..ROWS_CHECKED).map(|place| rows[place * rows.len() / ROWS_CHECKED]).collect();
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(<[String]>::to_vec).collect();
        let findings = check_rows(own, &rows, &columns, &arriving.rows);
        findings.into_iter().map(|finding| (finding.severity == Severity::Warning, finding.sentence)).collect()
    }

    /// What the log keeps of a label that came with the data: its class's key, new if need be, or its number. That another
    /// spelling is taken for a class is told once.
    fn import_key(
        &mut self,
        arriving: &mut Arriving,
        label: &str,
        problems: &mut Vec<Problem>,
    ) -> Result<String, String> {
        if self.is_numeric() {
            return parse(label.trim()).map(canonical).map_err(|error| error.to_string());
        }
        let class = match arriving.spellings.get(label) {
            Some(&class) => class,
            None => {
                let classes_before = self.record.classes.len();
                let class = self.class_of_spelling(arriving, label).ok_or_else(|| {
                    format!(
                        "“{}” would be a class more than the {MOST_CLASSES} that a project can have; is this the column with the labels?",
                        label.trim()
                    )
                })?;
                let is_new = self.record.classes.len() > classes_before;
                let name = &self.record.classes[usize::from(class)].name;
                let written = label.trim();
                if !is_new && written != name && (arriving.spellings.len() as u64) < SPELLINGS_TOLD {
                    problems.push(Problem::note("", format!("“{written}” is taken for the class “{name}”")));
                }
                arriving.spellings.insert(label.to_owned(), class);
                class
            }
        };
        Ok(self.record.classes[usize::from(class)].key.clone())
    }

    /// The class that a spelling means: by its name, by the name it once had, or else a new one; `None` where there is no room for it.
    fn class_of_spelling(&mut self, arriving: &mut Arriving, label: &str) -> Option<ClassIndex> {
        // Classes that a person added meanwhile are looked at, too.
        let new = self.record.classes.iter().enumerate().skip(arriving.looked_at);
        for (index, class) in new {
            arriving.folded.entry(folded(&class.name)).or_insert(index as ClassIndex);
        }
        arriving.looked_at = self.record.classes.len();
        let key = folded(label);
        let by_key = || self.record.classes.iter().position(|class| folded(&class.key) == key);
        match arriving.folded.get(&key).copied().or_else(|| by_key().map(|class| class as ClassIndex)) {
            Some(class) => {
                arriving.folded.insert(key, class);
                Some(class)
            }
            None if self.has_most_classes() => None,
            None => Some(self.push_class(&tidy(label))),
        }
    }

    /// The name of a class, or the number, that the log has as this text.
    pub(super) fn name_of_key(&self, key: &str) -> String {
        self.class_of_key(key)
            .map_or_else(|| key.to_owned(), |class| self.record.classes[usize::from(class)].name.clone())
    }
}

impl Arriving {
    /// A row with its cells in the project's columns, empty where the import lacks one.
    fn in_project_columns(&mut self, mut item: Item) -> Item {
        let Content::Row(cells) = &item.content else { return item };
        if self.rows.len() < ROWS_CHECKED {
            self.rows.push(cells.clone());
        }
        item.place_cells(&self.places);
        item
    }
}

fn new_record(id: String, name: &str, kind: Kind, columns: Vec<String>, now_ms: f64) -> ProjectRecord {
    ProjectRecord {
        id,
        name: if name.trim().is_empty() { "Untitled".into() } else { name.trim().into() },
        kind,
        target: Target::Classes,
        columns,
        classes: Vec::new(),
        options: Options::default(),
        created_ms: now_ms,
        changed_ms: now_ms,
        items: 0,
        labelled: 0,
        encoder: None,
        deployment: Default::default(),
        review: Default::default(),
        monitor: Default::default(),
        backed_up: None,
    }
}
