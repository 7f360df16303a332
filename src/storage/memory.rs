//! The store in memory: the same functions as in the browser, for native tests and the command line.

use super::records::{BatchRecord, CertificateRecord, ItemRecord, ModelRecord, ProjectRecord};
use super::{Purge, StoreError, is_brought_with};
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::LabelEvent;
use crate::pipeline::log::Run;
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// The bytes of an image, or of a file to take away.
pub type Media = Vec<u8>;

/// The store. Clones are handles to the same data; it is gone with the last of them.
///
/// The functions are asynchronous only to be the same as the browser's: every future is ready at its first poll.
/// None of them fails, unless it was told to: [`Store::fail_after`].
#[derive(Debug, Clone, Default)]
pub struct Store {
    kept: Rc<RefCell<Kept>>,
    fault: Rc<Fault>,
}

/// When writes begin to fail, and how many there were.
#[derive(Debug, Default)]
struct Fault {
    written: Cell<usize>,
    fails_after: Cell<Option<usize>>,
}

#[derive(Debug, Default)]
struct Kept {
    projects: BTreeMap<String, ProjectRecord>,
    items: BTreeMap<(String, u32), ItemRecord>,
    events: BTreeMap<(String, String), LabelEvent>,
    batches: BTreeMap<(String, u32), BatchRecord>,
    media: HashMap<ContentHash, Media>,
    thumbnails: HashMap<ContentHash, Media>,
    vectors: HashMap<String, HashMap<ContentHash, FeatureVector>>,
    models: HashMap<String, ModelRecord>,
    runs: BTreeMap<(String, String), Run>,
    /// By project, run and path.
    artifacts: BTreeMap<(String, String, String), Vec<u8>>,
    certificates: BTreeMap<(String, u32), CertificateRecord>,
    settings: HashMap<String, String>,
}

impl Kept {
    /// Drops what belongs to those of these items that no project holds any more.
    fn drop_unused(&mut self, mut orphans: HashSet<ContentHash>) {
        for record in self.items.values() {
            orphans.remove(&record.item.hash);
        }
        self.media.retain(|hash, _| !orphans.contains(hash));
        self.thumbnails.retain(|hash, _| !orphans.contains(hash));
        for vectors in self.vectors.values_mut() {
            vectors.retain(|hash, _| !orphans.contains(hash));
        }
    }
}

/// The records of one project, in key order.
fn of_project<K: Ord, V: Clone>(kept: &BTreeMap<(String, K), V>, project: &str) -> Vec<V> {
    kept.iter().filter(|((owner, _), _)| owner == project).map(|(_, record)| record.clone()).collect()
}

impl Store {
    /// An empty store.
    ///
    /// # Errors
    /// None here; the browser's may be refused.
    pub async fn open() -> Result<Store, StoreError> {
        Ok(Store::default())
    }

    /// So many more writes are kept, and none that comes later: as if the browser were killed, or the disk full, between two of
    /// them. None: all are kept again.
    pub fn fail_after(&self, writes: Option<usize>) {
        self.fault.fails_after.set(writes.map(|writes| self.writes() + writes));
    }

    /// How many records could not be read since it was last asked: in memory none.
    pub fn take_damaged(&self) -> u32 {
        0
    }

    /// How many features could not be read since it was last asked: in memory none.
    pub fn take_damaged_vectors(&self) -> u32 {
        0
    }

    /// How many writes were kept.
    pub fn writes(&self) -> usize {
        self.fault.written.get()
    }

    /// What each of its stores holds, in words: alike if the same is kept.
    pub fn contents(&self) -> Vec<(&'static str, String)> {
        let kept = self.kept();
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines.join("\n")
        };
        let vectors = kept
            .vectors
            .iter()
            .flat_map(|(name, vectors)| vectors.iter().map(move |(hash, vector)| format!("{name} {hash} {vector:?}")));
        vec![
            ("projects", format!("{:?}", kept.projects)),
            ("items", format!("{:?}", kept.items)),
            ("events", format!("{:?}", kept.events)),
            ("batches", format!("{:?}", kept.batches)),
            ("media", sorted(kept.media.iter().map(|entry| format!("{entry:?}")).collect())),
            ("thumbnails", sorted(kept.thumbnails.iter().map(|entry| format!("{entry:?}")).collect())),
            ("vectors", sorted(vectors.collect())),
            ("models", sorted(kept.models.iter().map(|entry| format!("{entry:?}")).collect())),
            ("runs", format!("{:?}", kept.runs)),
            ("artifacts", format!("{:?}", kept.artifacts)),
            ("certificates", format!("{:?}", kept.certificates)),
            ("settings", sorted(kept.settings.iter().map(|entry| format!("{entry:?}")).collect())),
        ]
    }

    fn kept(&self) -> Ref<'_, Kept> {
        self.kept.borrow()
    }

    /// All of one write: it is kept whole or not at all.
    fn write(&self) -> Result<RefMut<'_, Kept>, StoreError> {
        let written = self.fault.written.get();
        if self.fault.fails_after.get().is_some_and(|last| written >= last) {
            return Err(StoreError::Platform("AbortError: told to fail".to_owned()));
        }
        self.fault.written.set(written + 1);
        Ok(self.kept.borrow_mut())
    }

    /// All projects, by id (so by age).
    pub async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        Ok(self.kept().projects.values().cloned().collect())
    }

    /// One project's head matter.
    pub async fn project(&self, project: &str) -> Result<Option<ProjectRecord>, StoreError> {
        Ok(self.kept().projects.get(project).cloned())
    }

    /// Adds a project or replaces its head matter.
    pub async fn put_project(&self, record: &ProjectRecord) -> Result<(), StoreError> {
        self.write()?.projects.insert(record.id.clone(), record.clone());
        Ok(())
    }

    /// Removes a project with its items, events, batches, models, runs and certificates, and the media, thumbnails and vectors that no
    /// other project uses.
    pub async fn delete_project(&self, project: &str) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        let orphans: HashSet<ContentHash> =
            of_project(&kept.items, project).iter().map(|record| record.item.hash).collect();
        kept.projects.remove(project);
        kept.models.remove(project);
        kept.items.retain(|(owner, _), _| owner != project);
        kept.events.retain(|(owner, _), _| owner != project);
        kept.batches.retain(|(owner, _), _| owner != project);
        kept.runs.retain(|(owner, _), _| owner != project);
        kept.artifacts.retain(|(owner, _, _), _| owner != project);
        kept.certificates.retain(|(owner, _), _| owner != project);
        kept.vectors.retain(|name, _| !is_brought_with(project, name));
        kept.drop_unused(orphans);
        Ok(())
    }

    /// A project's items, by index.
    pub async fn items(&self, project: &str) -> Result<Vec<ItemRecord>, StoreError> {
        Ok(of_project(&self.kept().items, project))
    }

    /// Adds items with the media they are made of and the labels that came with them: all of it or nothing.
    pub async fn add_items(
        &self,
        project: &str,
        items: &[ItemRecord],
        media: Vec<(ContentHash, Media)>,
        events: &[LabelEvent],
    ) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        kept.items.extend(items.iter().map(|record| ((project.to_owned(), record.index), record.clone())));
        kept.events.extend(events.iter().map(|event| ((project.to_owned(), event.id.clone()), event.clone())));
        kept.media.extend(media);
        Ok(())
    }

    /// Takes items and events out for good, with the media, thumbnails and vectors that nothing uses any more: all of it or
    /// nothing.
    pub async fn purge(&self, project: &str, purge: Purge<'_>) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        kept.items.retain(|(owner, index), _| owner != project || *index < purge.from);
        kept.items.extend(purge.stay.iter().map(|record| ((project.to_owned(), record.index), record.clone())));
        for event in purge.events {
            kept.events.remove(&(project.to_owned(), event.clone()));
        }
        kept.batches.extend(purge.batches.iter().map(|record| ((project.to_owned(), record.index), record.clone())));
        kept.drop_unused(purge.gone.iter().copied().collect());
        Ok(())
    }

    /// A project's label log, by id (so by time).
    pub async fn events(&self, project: &str) -> Result<Vec<LabelEvent>, StoreError> {
        Ok(of_project(&self.kept().events, project))
    }

    /// Adds to the label log. The same event twice is kept once.
    pub async fn append_events(&self, project: &str, events: &[LabelEvent]) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        kept.events.extend(events.iter().map(|event| ((project.to_owned(), event.id.clone()), event.clone())));
        Ok(())
    }

    /// A project's imports, by index.
    pub async fn batches(&self, project: &str) -> Result<Vec<BatchRecord>, StoreError> {
        Ok(of_project(&self.kept().batches, project))
    }

    /// Adds an import or replaces it.
    pub async fn put_batch(&self, project: &str, record: &BatchRecord) -> Result<(), StoreError> {
        self.write()?.batches.insert((project.to_owned(), record.index), record.clone());
        Ok(())
    }

    /// An image's bytes as they were imported.
    pub async fn media(&self, hash: ContentHash) -> Result<Option<Media>, StoreError> {
        Ok(self.kept().media.get(&hash).cloned())
    }

    /// An image's small version, once there is one.
    pub async fn thumbnail(&self, hash: ContentHash) -> Result<Option<Media>, StoreError> {
        Ok(self.kept().thumbnails.get(&hash).cloned())
    }

    /// Adds small versions.
    pub async fn put_thumbnails(&self, thumbnails: Vec<(ContentHash, Media)>) -> Result<(), StoreError> {
        self.write()?.thumbnails.extend(thumbnails);
        Ok(())
    }

    /// Those of the wanted vectors that `feature_id` has been computed for.
    pub async fn vectors(
        &self,
        feature_id: &str,
        wanted: &[ContentHash],
    ) -> Result<HashMap<ContentHash, FeatureVector>, StoreError> {
        let kept = self.kept();
        let Some(vectors) = kept.vectors.get(feature_id) else { return Ok(HashMap::new()) };
        Ok(wanted.iter().filter_map(|hash| Some((*hash, vectors.get(hash)?.clone()))).collect())
    }

    /// Adds vectors, shared by all projects. Kept as they are here, as 16-bit floats in the browser.
    pub async fn append_vectors(
        &self,
        feature_id: &str,
        vectors: &[(ContentHash, FeatureVector)],
    ) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        kept.vectors.entry(feature_id.to_owned()).or_default().extend(vectors.iter().cloned());
        Ok(())
    }

    /// A project's model as last put.
    pub async fn model(&self, project: &str) -> Result<Option<ModelRecord>, StoreError> {
        Ok(self.kept().models.get(project).cloned())
    }

    /// Adds a project's model or replaces it.
    pub async fn put_model(&self, project: &str, record: &ModelRecord) -> Result<(), StoreError> {
        self.write()?.models.insert(project.to_owned(), record.clone());
        Ok(())
    }

    /// A project's experiment log, by id (so by time).
    pub async fn runs(&self, project: &str) -> Result<Vec<Run>, StoreError> {
        Ok(of_project(&self.kept().runs, project))
    }

    /// Adds a run or replaces it, with files of it: all of it or nothing.
    pub async fn put_run(&self, project: &str, run: &Run, artifacts: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let kept = &mut *self.write()?;
        kept.runs.insert((project.to_owned(), run.id.clone()), run.clone());
        for (path, bytes) in artifacts {
            kept.artifacts.insert((project.to_owned(), run.id.clone(), path.clone()), bytes.clone());
        }
        Ok(())
    }

    /// A file of a run.
    pub async fn artifact(&self, project: &str, run: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (project.to_owned(), run.to_owned(), path.to_owned());
        Ok(self.kept().artifacts.get(&key).cloned())
    }

    /// A project's certificates, by number.
    pub async fn certificates(&self, project: &str) -> Result<Vec<CertificateRecord>, StoreError> {
        Ok(of_project(&self.kept().certificates, project))
    }

    /// Adds a certificate or replaces it.
    pub async fn put_certificate(&self, project: &str, record: &CertificateRecord) -> Result<(), StoreError> {
        self.write()?.certificates.insert((project.to_owned(), record.number), record.clone());
        Ok(())
    }

    /// A setting of this browser, not of a project.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.kept().settings.get(name).cloned())
    }

    /// Adds a setting or replaces it.
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write()?.settings.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}
