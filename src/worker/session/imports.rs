//! Arrivals: items with their blobs and their labels enter the project chunk by chunk; vectors follow.

use super::labels::id_after;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::drift::looks::Looks;
use crate::pipeline::drift::schema::{Severity, check_rows};
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::import::Imported;
use crate::pipeline::import::plan::{Problem, Target};
use crate::pipeline::item::{Content, ContentHash, Item, Kind};
use crate::pipeline::label::{Action, LabelEvent, Source};
use crate::pipeline::regression::{canonical, parse};
use crate::protocol::{ItemIndex, Options};
use crate::storage::Media;
use crate::storage::records::{BatchRecord, Ending, ItemRecord, ProjectRecord};
use std::collections::{BTreeMap, HashSet};

/// Under this name, what images look like is stored as if it were features.
pub(super) const LOOKS_ID: &str = "image-looks-1";
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
            project.push_class(class);
        }
        project.relearn();
        self.store.put_project(&project.record).await?;
        self.open(project);
        Ok(())
    }

    /// Begins a batch in the open project and returns its index. Columns must be among the project's, for tables; those that are
    /// missing are empty and become a finding.
    pub async fn begin_batch(
        &mut self,
        name: &str,
        kind: Kind,
        columns: &[String],
        now_ms: f64,
    ) -> Result<u32, SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        let project = self.opened_mut()?;
        if project.record.kind != kind {
            return refused(format!(
                "This project holds {}s and these are {}s. Nothing was imported. Import them into a new project.",
                project.record.kind.noun(),
                kind.noun()
            ));
        }
        let places = match kind {
            Kind::Table => project.places_of(columns)?,
            Kind::Image | Kind::Text => Vec::new(),
        };
        let batch = BatchRecord {
            index: project.batches.len() as u32,
            name: name.into(),
            items: 0,
            duplicates: 0,
            findings: Vec::new(),
            problems: Vec::new(),
            time_ms: now_ms,
            lost: 0,
            hidden: 0,
            expected: 0,
            ending: Ending::Open,
        };
        store.put_batch(&project.record.id, &batch).await?;
        let index = batch.index;
        project.arriving = Some(Arriving { batch: index, places, rows: Vec::new() });
        project.batches.push(batch);
        project.touch();
        Ok(index)
    }

    /// Stores a chunk and shows it. Items already in the project are counted as duplicates; a label that comes with a
    /// duplicate is kept if the item had none.
    pub async fn add_chunk(&mut self, batch: u32, chunk: Chunk, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let mut newest = project.log.iter().map(|event| event.id.clone()).max();
        let mut records = Vec::new();
        let mut media = Vec::new();
        let mut events = Vec::new();
        let mut duplicates = 0;
        let mut unread = Vec::new();
        let mut seen: HashSet<ContentHash> = HashSet::new();
        let classes_before = project.record.classes.len();
        for arrival in chunk.arrivals {
            let Arrival { imported: Imported { item, labels, held_out: _ }, media: file } = arrival;
            let label = labels.into_iter().next().map(|label| label.name);
            let item = project.in_project_columns(item);
            let hash = item.hash;
            let is_new = !project.by_hash.contains_key(&hash) && seen.insert(hash);
            let undecided = match project.by_hash.get(&hash) {
                Some(&index) => !project.labels[index as usize].is_decided(),
                None => is_new,
            };
            let label = label.filter(|name| undecided && !name.trim().is_empty());
            let key = label.map(|name| project.import_key(name.trim())).transpose();
            let key = key.unwrap_or_else(|message| {
                unread.push(Problem::of_file(&item.name, format!("came in without a label: {message}")));
                None
            });
            if let Some(key) = key {
                let id = id_after(newest.as_deref(), now_ms, hash);
                newest = Some(id.clone());
                events.push(LabelEvent {
                    id,
                    item: hash,
                    annotator: "import".into(),
                    action: Action::Label(key),
                    source: Source::Import,
                    shown: None,
                    drawn_with: None,
                    certificate: None,
                    took_ms: None,
                    time_ms: now_ms,
                });
            }
            if !is_new {
                duplicates += 1;
                continue;
            }
            media.extend(file.map(|file| (hash, file)));
            let index = (project.items.len() + records.len()) as ItemIndex;
            records.push(ItemRecord { index, item: Item { batch, ..item } });
        }
        if project.record.classes.len() > classes_before {
            store.put_project(&project.record).await?;
        }
        store.add_items(&project.record.id, &records, media, &events).await?;
        let Some(record) = project.batches.get_mut(batch as usize) else {
            return refused("That import is unknown. What came in is safe.");
        };
        record.items += records.len() as u32;
        record.duplicates += duplicates;
        record.problems.extend(chunk.problems.into_iter().chain(unread));
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
            project.relearn();
        }
        project.touch();
        // How many are left is part of it, and why there is no card yet.
        project.touch_queue();
        Ok(())
    }

    /// Ends a batch: its record is written, tables are encoded, counts are saved.
    pub async fn finish_batch(&mut self, batch: u32, now_ms: f64) -> Result<(), SessionError> {
        let store = self.store.clone();
        let project = self.opened_mut()?;
        let findings = project.check_arrived(batch);
        if let Some(record) = project.batches.get_mut(batch as usize) {
            record.findings = findings;
            record.ending = Ending::Finished;
            store.put_batch(&project.record.id, record).await?;
        }
        if project.record.kind == Kind::Table {
            project.encode_rows();
            project.relearn();
        }
        self.save_record(now_ms).await
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
            project.looks.extend(looks.into_iter().map(|(item, _, look)| (item, Looks::from_array(look))));
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
        for (item, _, vector) in vectors {
            if project.row_of[item as usize].is_some() {
                continue;
            }
            match vector {
                Ok(vector) => {
                    project.push_row(item, vector);
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

/// What is known of an import while it comes in.
pub(super) struct Arriving {
    batch: u32,
    /// Of each column of the project its place in the arriving rows; empty unless it is a table.
    places: Vec<Option<usize>>,
    /// Rows as they arrive, at most `ROWS_CHECKED`, for the checks of the data.
    rows: Vec<Vec<String>>,
}

impl Project {
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

    /// A row with its cells in the project's columns, empty where the import lacks one.
    fn in_project_columns(&mut self, mut item: Item) -> Item {
        let Some(arriving) = &mut self.arriving else { return item };
        let Content::Row(cells) = &item.content else { return item };
        if arriving.rows.len() < ROWS_CHECKED {
            arriving.rows.push(cells.clone());
        }
        item.place_cells(&arriving.places);
        item
    }

    /// What an import's data show by themselves, before any model: compared with what was there before it.
    fn check_arrived(&mut self, batch: u32) -> Vec<(bool, String)> {
        let Some(arriving) = self.arriving.take().filter(|arriving| arriving.batch == batch) else { return Vec::new() };
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
        let earlier = self.items.iter().filter(|item| item.batch < batch);
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

    /// What the log keeps of a label that came with the data: its class's key, new if need be, or its number.
    fn import_key(&mut self, label: &str) -> Result<String, String> {
        if self.is_numeric() {
            return parse(label).map(canonical).map_err(|error| error.to_string());
        }
        let known = self.record.classes.iter().position(|class| class.name == label || class.key == label);
        let class = known.unwrap_or_else(|| usize::from(self.push_class(label)));
        Ok(self.record.classes[class].key.clone())
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
    }
}
