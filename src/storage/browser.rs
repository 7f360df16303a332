//! The store in IndexedDB.

use super::database::*;
use super::records::{BatchRecord, CertificateRecord, ItemRecord, ModelRecord, ProjectRecord};
use super::vector_block::{BLOCK_MAXIMUM, BLOCK_MINIMUM, VectorBlock, share_out};
use super::{Purge, StoreError, is_brought_with};
use crate::pipeline::features::matrix::FeatureVector;
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::LabelEvent;
use crate::pipeline::log::Run;
use idb::{KeyRange, Query, Transaction};
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The bytes of an image, or of a file to take away. The browser keeps them, on disk if they are many.
pub type Media = web_sys::Blob;

/// The store. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    damaged: Rc<Cell<u32>>,
    damaged_vectors: Rc<Cell<u32>>,
}

impl Store {
    /// Opens the database `hone` and brings it to the present schema.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] if a newer release has been here; otherwise what the platform says, such as that
    /// storage is switched off. `on_blocked` as in [`Database::open`].
    pub async fn open(on_blocked: impl FnOnce() + 'static) -> Result<Store, StoreError> {
        Store::open_at("hone", on_blocked).await
    }

    /// The same under another name, for tests.
    pub async fn open_named(name: &str) -> Result<Store, StoreError> {
        Store::open_at(name, || ()).await
    }

    async fn open_at(name: &str, on_blocked: impl FnOnce() + 'static) -> Result<Store, StoreError> {
        let database = Database::open(name, MIGRATIONS, on_blocked).await?;
        Ok(Store { database, damaged: Rc::default(), damaged_vectors: Rc::default() })
    }

    /// All projects, by id (so by age).
    pub async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        self.all(PROJECTS, None).await
    }

    /// One project's head matter.
    pub async fn project(&self, project: &str) -> Result<Option<ProjectRecord>, StoreError> {
        self.one(PROJECTS, project).await
    }

    /// Adds a project or replaces its head matter.
    pub async fn put_project(&self, record: &ProjectRecord) -> Result<(), StoreError> {
        let value = to_js(record)?;
        self.put(PROJECTS, Durability::Strict, vec![(None, value)]).await
    }

    /// Removes a project with its items, events, batches, models, runs and certificates, and the media, thumbnails and vectors that no
    /// other project uses.
    pub async fn delete_project(&self, project: &str) -> Result<(), StoreError> {
        self.database
            .write(&ALL, Durability::Strict, async |transaction| {
                let items: Vec<ItemRecord> = all(transaction, ITEMS, Some(within(project)?)).await?;
                transaction.object_store(PROJECTS)?.delete(JsValue::from_str(project))?;
                transaction.object_store(MODELS)?.delete(JsValue::from_str(project))?;
                for store in [ITEMS, EVENTS, BATCHES, RUNS, ARTIFACTS, CERTIFICATES] {
                    transaction.object_store(store)?.delete(within(project)?)?;
                }
                for (key, _) in block_keys(transaction, None).await? {
                    if Array::from(&key).get(0).as_string().is_some_and(|name| is_brought_with(project, &name)) {
                        transaction.object_store(VECTOR_KEYS)?.delete(key.clone())?;
                        transaction.object_store(VECTOR_BLOCKS)?.delete(key)?;
                    }
                }
                drop_unused(transaction, items.into_iter().map(|record| record.item.hash)).await
            })
            .await
    }

    /// A project's items, by index.
    pub async fn items(&self, project: &str) -> Result<Vec<ItemRecord>, StoreError> {
        self.all(ITEMS, Some(within(project)?)).await
    }

    /// Adds items with the media they are made of and the labels that came with them: all of it or nothing.
    pub async fn add_items(
        &self,
        project: &str,
        items: &[ItemRecord],
        media: Vec<(ContentHash, Media)>,
        events: &[LabelEvent],
    ) -> Result<(), StoreError> {
        self.database
            .write(&[ITEMS, MEDIA, EVENTS], Durability::Strict, async |transaction| {
                let store = transaction.object_store(ITEMS)?;
                for record in items {
                    store.put(&to_js(record)?, Some(&number_key(project, record.index)))?;
                }
                let store = transaction.object_store(MEDIA)?;
                for (hash, blob) in &media {
                    store.put(blob, Some(&hash_key(*hash)))?;
                }
                put_events(transaction, project, events)
            })
            .await
    }

    /// Takes items and events out for good, with the media, thumbnails and vectors that nothing uses any more: all of it or
    /// nothing.
    pub async fn purge(&self, project: &str, purge: Purge<'_>) -> Result<(), StoreError> {
        self.database
            .write(&ALL, Durability::Strict, async |transaction| {
                let items = transaction.object_store(ITEMS)?;
                let upper = Array::of2(&project.into(), &Array::new());
                let changed = KeyRange::bound(&number_key(project, purge.from), &upper, None, None)?;
                items.delete(changed)?;
                for record in purge.stay {
                    items.put(&to_js(record)?, Some(&number_key(project, record.index)))?;
                }
                let events = transaction.object_store(EVENTS)?;
                for event in purge.events {
                    events.delete(JsValue::from(Array::of2(&project.into(), &event.as_str().into())))?;
                }
                let batches = transaction.object_store(BATCHES)?;
                for record in purge.batches {
                    batches.put(&to_js(record)?, Some(&number_key(project, record.index)))?;
                }
                drop_unused(transaction, purge.gone.iter().copied()).await
            })
            .await
    }

    /// A project's label log, by id (so by time).
    pub async fn events(&self, project: &str) -> Result<Vec<LabelEvent>, StoreError> {
        self.all_sound(EVENTS, project).await
    }

    /// Adds to the label log; once this resolves the events are on the disk. The same event twice is kept once.
    pub async fn append_events(&self, project: &str, events: &[LabelEvent]) -> Result<(), StoreError> {
        self.database
            .write(&[EVENTS], Durability::Strict, async |transaction| put_events(transaction, project, events))
            .await
    }

    /// A project's imports, by index.
    pub async fn batches(&self, project: &str) -> Result<Vec<BatchRecord>, StoreError> {
        self.all(BATCHES, Some(within(project)?)).await
    }

    /// Adds an import or replaces it.
    pub async fn put_batch(&self, project: &str, record: &BatchRecord) -> Result<(), StoreError> {
        let entry = (Some(number_key(project, record.index)), to_js(record)?);
        self.put(BATCHES, Durability::Strict, vec![entry]).await
    }

    /// An image's bytes as they were imported.
    pub async fn media(&self, hash: ContentHash) -> Result<Option<Media>, StoreError> {
        self.blob(MEDIA, hash).await
    }

    /// An image's small version, once there is one.
    pub async fn thumbnail(&self, hash: ContentHash) -> Result<Option<Media>, StoreError> {
        self.blob(THUMBNAILS, hash).await
    }

    /// Adds small versions.
    pub async fn put_thumbnails(&self, thumbnails: Vec<(ContentHash, Media)>) -> Result<(), StoreError> {
        let entries = thumbnails.into_iter().map(|(hash, blob)| (Some(hash_key(hash)), blob.into())).collect();
        self.put(THUMBNAILS, Durability::Relaxed, entries).await
    }

    /// Those of the wanted vectors that `feature_id` has been computed for, rounded to 16-bit floats.
    pub async fn vectors(
        &self,
        feature_id: &str,
        wanted: &[ContentHash],
    ) -> Result<HashMap<ContentHash, FeatureVector>, StoreError> {
        let wanted: HashSet<ContentHash> = wanted.iter().copied().collect();
        self.database
            .read(&[VECTOR_KEYS, VECTOR_BLOCKS], async |transaction| {
                let blocks = transaction.object_store(VECTOR_BLOCKS)?;
                let (mut found, mut lost) = (HashMap::new(), HashSet::new());
                for (key, hashes) in block_keys(transaction, Some(within(feature_id)?)).await? {
                    if !hashes.iter().any(|hash| wanted.contains(hash)) {
                        continue;
                    }
                    // What is damaged is missing: it can be computed again, and nothing here may keep a project from opening.
                    let Ok(vectors) = block_from_js(blocks.get(key)?.await?, &hashes) else {
                        lost.extend(hashes.into_iter().filter(|hash| wanted.contains(hash)));
                        continue;
                    };
                    found.extend(hashes.into_iter().zip(vectors).filter(|(hash, _)| wanted.contains(hash)));
                }
                // A later block may have them anew.
                let lost = lost.iter().filter(|&hash| !found.contains_key(hash)).count() as u32;
                self.damaged_vectors.set(self.damaged_vectors.get() + lost);
                Ok(found)
            })
            .await
    }

    /// Adds vectors, shared by all projects, as 16-bit floats in blocks.
    pub async fn append_vectors(
        &self,
        feature_id: &str,
        vectors: &[(ContentHash, FeatureVector)],
    ) -> Result<(), StoreError> {
        self.database
            .write(&[VECTOR_KEYS, VECTOR_BLOCKS], Durability::Relaxed, async |transaction| {
                let keys = transaction.object_store(VECTOR_KEYS)?;
                let blocks = transaction.object_store(VECTOR_BLOCKS)?;
                let numbers = keys.get_all_keys(Some(within(feature_id)?.into()), None)?.await?;
                let last = numbers.last().cloned().unwrap_or_else(|| number_key(feature_id, 0));
                let mut hashes = keys.get(last.clone())?.await?.map_or(Vec::new(), |value| hashes_from_js(&value));
                let mut before = Vec::new();
                if !hashes.is_empty() && hashes.len() < BLOCK_MINIMUM {
                    // A damaged block is written over; one of another width is left as it is.
                    before = block_from_js(blocks.get(last.clone())?.await?, &hashes).unwrap_or_default();
                    before.truncate(hashes.len());
                    hashes.truncate(before.len());
                }
                let new_width = vectors.first().map(|(_, vector)| vector.dense.len());
                let others = before.iter().any(|vector| Some(vector.dense.len()) != new_width);
                let (filled_up, sizes) = share_out(if others { BLOCK_MAXIMUM } else { hashes.len() }, vectors.len());
                let (fill, mut rest) = vectors.split_at(filled_up);
                if !fill.is_empty() {
                    hashes.extend(fill.iter().map(|(hash, _)| *hash));
                    let block: Vec<&FeatureVector> =
                        before.iter().chain(fill.iter().map(|(_, vector)| vector)).collect();
                    put_block(transaction, &last, &hashes, &block)?;
                }
                let mut number = Array::from(&last).get(1).as_f64().unwrap_or(0.0) as u32;
                for size in sizes {
                    let (part, after) = rest.split_at(size);
                    rest = after;
                    number += 1;
                    let hashes: Vec<ContentHash> = part.iter().map(|(hash, _)| *hash).collect();
                    let block: Vec<&FeatureVector> = part.iter().map(|(_, vector)| vector).collect();
                    put_block(transaction, &number_key(feature_id, number), &hashes, &block)?;
                }
                Ok(())
            })
            .await
    }

    /// A project's model as last put.
    pub async fn model(&self, project: &str) -> Result<Option<ModelRecord>, StoreError> {
        match self.one(MODELS, project).await {
            // It is made again from the labels.
            Err(StoreError::Unreadable(_)) => Ok(None),
            model => model,
        }
    }

    /// Adds a project's model or replaces it.
    pub async fn put_model(&self, project: &str, record: &ModelRecord) -> Result<(), StoreError> {
        let entry = (Some(JsValue::from_str(project)), to_js(record)?);
        self.put(MODELS, Durability::Relaxed, vec![entry]).await
    }

    /// A project's experiment log, by id (so by time).
    pub async fn runs(&self, project: &str) -> Result<Vec<Run>, StoreError> {
        self.all_sound(RUNS, project).await
    }

    /// Adds a run or replaces it, with files of it: all of it or nothing.
    pub async fn put_run(&self, project: &str, run: &Run, artifacts: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        self.database
            .write(&[RUNS, ARTIFACTS], Durability::Strict, async |transaction| {
                let key = Array::of2(&project.into(), &run.id.as_str().into());
                transaction.object_store(RUNS)?.put(&to_js(run)?, Some(&key))?;
                let store = transaction.object_store(ARTIFACTS)?;
                for (path, bytes) in artifacts {
                    store.put(&buffer(bytes), Some(&artifact_key(project, &run.id, path)))?;
                }
                Ok(())
            })
            .await
    }

    /// A file of a run.
    pub async fn artifact(&self, project: &str, run: &str, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.value(ARTIFACTS, artifact_key(project, run, path)).await?;
        Ok(value.map(|bytes| Uint8Array::new(&bytes).to_vec()))
    }

    /// A project's certificates, by number.
    pub async fn certificates(&self, project: &str) -> Result<Vec<CertificateRecord>, StoreError> {
        self.all_sound(CERTIFICATES, project).await
    }

    /// Adds a certificate or replaces it.
    pub async fn put_certificate(&self, project: &str, record: &CertificateRecord) -> Result<(), StoreError> {
        let entry = (Some(number_key(project, record.number)), to_js(record)?);
        self.put(CERTIFICATES, Durability::Strict, vec![entry]).await
    }

    /// A setting of this browser, not of a project.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.one(SETTINGS, name).await
    }

    /// Adds a setting or replaces it.
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let entry = (Some(JsValue::from_str(name)), JsValue::from_str(value));
        self.put(SETTINGS, Durability::Strict, vec![entry]).await
    }

    async fn all<T: DeserializeOwned>(&self, store: &str, range: Option<KeyRange>) -> Result<Vec<T>, StoreError> {
        self.database.read(&[store], async |transaction| all(transaction, store, range).await).await
    }

    /// A project's records, but for those that can't be read: they are counted, see [`Store::take_damaged`].
    async fn all_sound<T: DeserializeOwned>(&self, store: &str, project: &str) -> Result<Vec<T>, StoreError> {
        let range = within(project)?;
        let read = async |transaction: &Transaction| {
            Ok(transaction.object_store(store)?.get_all(Some(range.into()), None)?.await?)
        };
        let values: Vec<JsValue> = self.database.read(&[store], read).await?;
        let all = values.len();
        let sound: Vec<T> = values.into_iter().filter_map(|value| serde_wasm_bindgen::from_value(value).ok()).collect();
        self.damaged.set(self.damaged.get() + (all - sound.len()) as u32);
        Ok(sound)
    }

    /// How many records could not be read since it was last asked.
    pub fn take_damaged(&self) -> u32 {
        self.damaged.take()
    }

    /// How many features could not be read since it was last asked.
    pub fn take_damaged_vectors(&self) -> u32 {
        self.damaged_vectors.take()
    }

    async fn value(&self, store: &str, key: JsValue) -> Result<Option<JsValue>, StoreError> {
        let get = async |transaction: &Transaction| Ok(transaction.object_store(store)?.get(key)?.await?);
        self.database.read(&[store], get).await
    }

    async fn one<T: DeserializeOwned>(&self, store: &str, key: &str) -> Result<Option<T>, StoreError> {
        let value = self.value(store, JsValue::from_str(key)).await?;
        Ok(value.map(serde_wasm_bindgen::from_value).transpose()?)
    }

    async fn blob(&self, store: &str, hash: ContentHash) -> Result<Option<Media>, StoreError> {
        let value = self.value(store, hash_key(hash)).await?;
        Ok(value.map(JsCast::dyn_into).transpose()?)
    }

    async fn put(
        &self,
        store: &str,
        durability: Durability,
        entries: Vec<(Option<JsValue>, JsValue)>,
    ) -> Result<(), StoreError> {
        let put = async |transaction: &Transaction| {
            let store = transaction.object_store(store)?;
            for (key, value) in &entries {
                store.put(value, key.as_ref())?;
            }
            Ok(())
        };
        self.database.write(&[store], durability, put).await
    }
}

async fn all<T: DeserializeOwned>(
    transaction: &Transaction,
    store: &str,
    range: Option<KeyRange>,
) -> Result<Vec<T>, StoreError> {
    let values = transaction.object_store(store)?.get_all(range.map(Query::from), None)?.await?;
    Ok(values.into_iter().map(serde_wasm_bindgen::from_value).collect::<Result<_, _>>()?)
}

fn put_events(transaction: &Transaction, project: &str, events: &[LabelEvent]) -> Result<(), StoreError> {
    let store = transaction.object_store(EVENTS)?;
    for event in events {
        store.put(&to_js(event)?, Some(&Array::of2(&project.into(), &event.id.as_str().into())))?;
    }
    Ok(())
}

/// The keys of the vector blocks within a range, each with the hashes of what the block holds.
async fn block_keys(
    transaction: &Transaction,
    range: Option<KeyRange>,
) -> Result<Vec<(JsValue, Vec<ContentHash>)>, StoreError> {
    let store = transaction.object_store(VECTOR_KEYS)?;
    let keys = store.get_all_keys(range.clone().map(Query::from), None)?.await?;
    let values = store.get_all(range.map(Query::from), None)?.await?;
    Ok(keys.into_iter().zip(values.iter().map(hashes_from_js)).collect())
}

fn put_block(
    transaction: &Transaction,
    key: &JsValue,
    hashes: &[ContentHash],
    vectors: &[&FeatureVector],
) -> Result<(), StoreError> {
    let bytes = bytes_of(hashes);
    transaction.object_store(VECTOR_KEYS)?.put(&buffer(&bytes), Some(key))?;
    let block = VectorBlock::pack(vectors);
    let record = js_sys::Object::new();
    for (name, bytes) in
        [("dense", &block.dense), ("ends", &block.ends), ("indices", &block.indices), ("values", &block.values)]
    {
        Reflect::set(&record, &name.into(), &buffer(bytes))?;
    }
    Reflect::set(&record, &CHECKSUM.into(), &block.checksum(&bytes).into())?;
    transaction.object_store(VECTOR_BLOCKS)?.put(&record, Some(key))?;
    Ok(())
}

/// Drops what belongs to those of these items that no project holds any more.
async fn drop_unused(
    transaction: &Transaction,
    items: impl IntoIterator<Item = ContentHash>,
) -> Result<(), StoreError> {
    let by_hash = transaction.object_store(ITEMS)?.index(ITEMS_BY_HASH)?;
    let mut orphans = HashSet::new();
    for hash in items {
        let key = hash_key(hash);
        if by_hash.count(Some(key.clone().into()))?.await? == 0 {
            transaction.object_store(MEDIA)?.delete(key.clone())?;
            transaction.object_store(THUMBNAILS)?.delete(key)?;
            orphans.insert(hash);
        }
    }
    drop_vectors(transaction, &orphans).await
}

/// Takes the vectors of these items out of every block, whatever the extractor.
async fn drop_vectors(transaction: &Transaction, orphans: &HashSet<ContentHash>) -> Result<(), StoreError> {
    let blocks = transaction.object_store(VECTOR_BLOCKS)?;
    for (key, hashes) in block_keys(transaction, None).await? {
        let stay: Vec<bool> = hashes.iter().map(|hash| !orphans.contains(hash)).collect();
        if stay.iter().all(|&stays| stays) {
            continue;
        }
        if !stay.contains(&true) {
            transaction.object_store(VECTOR_KEYS)?.delete(key.clone())?;
            blocks.delete(key)?;
            continue;
        }
        let Ok(vectors) = block_from_js(blocks.get(key.clone())?.await?, &hashes) else {
            transaction.object_store(VECTOR_KEYS)?.delete(key.clone())?;
            blocks.delete(key)?;
            continue;
        };
        let (hashes, vectors): (Vec<ContentHash>, Vec<&FeatureVector>) = hashes
            .iter()
            .zip(&vectors)
            .zip(&stay)
            .filter(|(_, stays)| **stays)
            .map(|((hash, vector), _)| (*hash, vector))
            .unzip();
        put_block(transaction, &key, &hashes, &vectors)?;
    }
    Ok(())
}

/// The checksum of a block's parts; the blocks of the first releases have none.
const CHECKSUM: &str = "checksum";

fn bytes_of(hashes: &[ContentHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

fn block_from_js(record: Option<JsValue>, hashes: &[ContentHash]) -> Result<Vec<FeatureVector>, StoreError> {
    let record = record.unwrap_or_default();
    let part = |name: &str| Reflect::get(&record, &name.into()).map(|value| Uint8Array::new(&value).to_vec());
    let damaged = || StoreError::Platform("a block of features is damaged".into());
    if !record.is_object() {
        return Err(damaged());
    }
    let block =
        VectorBlock { dense: part("dense")?, ends: part("ends")?, indices: part("indices")?, values: part("values")? };
    let sum = Reflect::get(&record, &CHECKSUM.into())?;
    if !sum.is_undefined() && sum.as_f64() != Some(block.checksum(&bytes_of(hashes)).into()) {
        return Err(damaged());
    }
    block.unpack().ok_or_else(damaged)
}

fn hashes_from_js(value: &JsValue) -> Vec<ContentHash> {
    let bytes = Uint8Array::new(value).to_vec();
    bytes.as_chunks::<32>().0.iter().map(|hash| ContentHash(*hash)).collect()
}

fn buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

fn to_js(record: &impl Serialize) -> Result<JsValue, StoreError> {
    // Plain objects and arrays, as the browser's developer tools show them best; bytes stay bytes.
    let serializer =
        serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(true);
    Ok(record.serialize(&serializer)?)
}

fn artifact_key(project: &str, run: &str, path: &str) -> JsValue {
    Array::of3(&project.into(), &run.into(), &path.into()).into()
}

fn hash_key(hash: ContentHash) -> JsValue {
    JsValue::from_str(&hash.to_hex())
}

fn number_key(owner: &str, number: u32) -> JsValue {
    Array::of2(&owner.into(), &number.into()).into()
}

/// All keys `[owner, …]`: an array sorts after every number and text.
fn within(owner: &str) -> Result<KeyRange, StoreError> {
    let lower = Array::of1(&owner.into());
    let upper = Array::of2(&owner.into(), &Array::new());
    Ok(KeyRange::bound(&lower, &upper, None, None)?)
}
