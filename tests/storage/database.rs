//! The IndexedDB database: old ones open and are migrated, failed writes leave nothing behind.

use super::platform::fresh;
use hone::storage::database::{
    Database, Durability, EVENTS, ITEMS, MIGRATIONS, MODELS, Migration, PROJECTS, SETTINGS, VECTOR_BLOCKS,
};
use hone::storage::{Store, StoreError};
use idb::{Factory, IndexParams, KeyPath, ObjectStoreParams, TransactionMode};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn name(what: &str) -> String {
    format!("{what} {}", js_sys::Math::random())
}

/// A database as version 1 left it, made by the code of then: frozen, whatever the program becomes.
async fn version_1(name: &str) {
    let mut request = Factory::new().unwrap().open(name, Some(1)).unwrap();
    request.on_upgrade_needed(|event| {
        let database = idb::DatabaseEvent::database(&event).unwrap();
        let mut by_id = ObjectStoreParams::new();
        by_id.key_path(Some(KeyPath::new_single("id")));
        database.create_object_store("projects", by_id).unwrap();
        let items = database.create_object_store("items", ObjectStoreParams::new()).unwrap();
        items.create_index("hash", KeyPath::new_single("item.hash"), Some(IndexParams::new())).unwrap();
        for store in ["events", "batches", "media", "thumbnails", "vector_keys", "vector_blocks", "models", "settings"]
        {
            database.create_object_store(store, ObjectStoreParams::new()).unwrap();
        }
    });
    let database = request.await.unwrap();
    let hash = "07".repeat(32);
    let records = [
        (
            "projects",
            None,
            r#"{"id":"01A","name":"Old","kind":"text","columns":[],"classes":[{"key":"a","name":"A"}],
                "options":{"strategy":"herding","audit_share":0.15},"created_ms":1,"changed_ms":2,"items":1,"labelled":1}"#
                .to_owned(),
        ),
        (
            "items",
            Some(r#"["01A",0]"#),
            format!(r#"{{"index":0,"item":{{"hash":"{hash}","name":"x.csv:2","content":{{"Text":"hello"}},"batch":0,"extra":[["id","7"]]}}}}"#),
        ),
        (
            "events",
            Some(r#"["01A","01B"]"#),
            format!(r#"{{"id":"01B","item":"{hash}","annotator":"me","action":{{"label":"a"}},"source":"human","shown":null,"drawn_with":null,"took_ms":12,"time_ms":3}}"#),
        ),
    ];
    let transaction = database.transaction(&["projects", "items", "events"], TransactionMode::ReadWrite).unwrap();
    for (store, key, record) in records {
        let key = key.map(|key| js_sys::JSON::parse(key).unwrap());
        let record = js_sys::JSON::parse(&record).unwrap();
        transaction.object_store(store).unwrap().put(&record, key.as_ref()).unwrap();
    }
    assert!(transaction.commit().unwrap().await.unwrap().is_committed());
    database.close();
}

#[wasm_bindgen_test]
async fn a_database_of_version_1_opens() {
    let name = name("old");
    version_1(&name).await;
    let store = Store::open_named(&name).await.unwrap();
    let projects = store.projects().await.unwrap();
    assert_eq!((projects.len(), projects[0].name.as_str()), (1, "Old"));
    let items = store.items("01A").await.unwrap();
    assert_eq!((items.len(), items[0].item.name.as_str()), (1, "x.csv:2"));
    let events = store.events("01A").await.unwrap();
    assert_eq!((events.len(), events[0].item, events[0].took_ms), (1, items[0].item.hash, Some(12)));
    // And it is writable, in every store of today.
    store.delete_project("01A").await.unwrap();
}

fn add_a_store(database: &idb::Database, _: &idb::Transaction) -> Result<(), idb::Error> {
    database.create_object_store("added", ObjectStoreParams::new()).map(drop)
}

fn add_one_that_exists(database: &idb::Database, _: &idb::Transaction) -> Result<(), idb::Error> {
    database.create_object_store("half way", ObjectStoreParams::new())?;
    database.create_object_store(PROJECTS, ObjectStoreParams::new()).map(drop)
}

static TOMORROW: [Migration; 3] = [MIGRATIONS[0], MIGRATIONS[1], add_a_store];
static BROKEN: [Migration; 3] = [MIGRATIONS[0], MIGRATIONS[1], add_one_that_exists];

#[wasm_bindgen_test]
async fn only_unseen_migrations_run_and_none_by_half() {
    let name = name("migrated");
    let store = Store::open_named(&name).await.unwrap();
    store.put_setting("kept", "yes").await.unwrap();

    assert!(matches!(Database::open(&name, &BROKEN, || ()).await, Err(StoreError::Platform(_))));
    let again = Store::open_named(&name).await.unwrap();
    assert_eq!(again.setting("kept").await.unwrap().as_deref(), Some("yes"));

    let tomorrow = Database::open(&name, &TOMORROW, || ()).await.unwrap();
    let kept = tomorrow.read(&[SETTINGS, "added"], async |transaction| {
        Ok(transaction.object_store(SETTINGS)?.get(JsValue::from_str("kept"))?.await?)
    });
    assert_eq!(kept.await.unwrap(), Some("yes".into()));

    // Whoever was open when the newer release came has been closed, and opening the older one is refused.
    assert_eq!(store.put_setting("kept", "no").await, Err(StoreError::Outdated));
    assert_eq!(Store::open_named(&name).await.err(), Some(StoreError::Outdated));
}

#[wasm_bindgen_test]
async fn a_write_that_fails_leaves_nothing_behind() {
    let name = name("aborted");
    let database = Database::open(&name, MIGRATIONS, || ()).await.unwrap();
    let full = database.write(&[SETTINGS], Durability::Strict, async |transaction| -> Result<(), StoreError> {
        transaction.object_store(SETTINGS)?.put(&"new".into(), Some(&"key".into()))?.await?;
        Err(StoreError::Full)
    });
    assert_eq!(full.await, Err(StoreError::Full));

    // The browser aborts by itself when a key is taken, long after the operation has returned.
    let taken = database.write(&[SETTINGS, ITEMS], Durability::Strict, async |transaction| {
        let settings = transaction.object_store(SETTINGS)?;
        settings.put(&"new".into(), Some(&"key".into()))?;
        settings.add(&"again".into(), Some(&"key".into()))?;
        Ok(())
    });
    assert!(matches!(taken.await, Err(StoreError::Platform(words)) if words.contains("ConstraintError")));

    let store = Store::open_named(&name).await.unwrap();
    assert_eq!(store.setting("key").await.unwrap(), None);
}

#[wasm_bindgen_test]
fn a_full_disk_is_told_apart() {
    let exception = web_sys::DomException::new_with_message_and_name("no room", "QuotaExceededError").unwrap();
    assert_eq!(StoreError::from(exception), StoreError::Full);
}

#[wasm_bindgen_test]
async fn twenty_thousand_items_open_quickly() {
    use hone::pipeline::features::matrix::FeatureVector;
    use hone::pipeline::item::ContentHash;
    let store = fresh("many").await;
    let hashes: Vec<ContentHash> = (0..20_000u32).map(|number| ContentHash::of(&number.to_le_bytes())).collect();
    let vector = FeatureVector { dense: vec![0.5; 1280], ..FeatureVector::default() };
    for part in hashes.chunks(256) {
        let part: Vec<_> = part.iter().map(|hash| (*hash, vector.clone())).collect();
        store.append_vectors("lite0", &part).await.unwrap();
    }
    let before = js_sys::Date::now();
    assert_eq!(store.vectors("lite0", &hashes).await.unwrap().len(), 20_000);
    let took = js_sys::Date::now() - before;
    wasm_bindgen_test::console_log!("20,000 vectors of 1,280 read in {took} ms");
    assert!(took < 10_000.0, "{took} ms");
}

#[wasm_bindgen_test]
async fn a_database_that_is_deleted_under_the_page_is_called_so() {
    let name = name("deleted");
    let store = Store::open_named(&name).await.unwrap();
    store.put_setting("kept", "yes").await.unwrap();
    Factory::new().unwrap().delete(&name).unwrap().await.unwrap();
    let refused = store.put_setting("kept", "no").await.unwrap_err();
    assert_eq!(refused, StoreError::Deleted);
    assert!(!refused.to_string().contains("is safe"), "{refused}");
    assert_eq!(store.setting("kept").await, Err(StoreError::Deleted));
}

#[wasm_bindgen_test]
async fn a_record_that_can_not_be_read_is_left_out_and_counted() {
    let name = name("damaged");
    version_1(&name).await;
    let store = Store::open_named(&name).await.unwrap();
    let database = Database::open(&name, MIGRATIONS, || ()).await.unwrap();
    let damage = database.write(&[EVENTS, MODELS], Durability::Strict, async |transaction| {
        let key = js_sys::JSON::parse(r#"["01A","01C"]"#)?;
        transaction.object_store(EVENTS)?.put(&"no event".into(), Some(&key))?;
        transaction.object_store(MODELS)?.put(&"no model".into(), Some(&"01A".into()))?;
        Ok(())
    });
    damage.await.unwrap();
    assert_eq!(store.events("01A").await.unwrap().len(), 1);
    assert_eq!((store.take_damaged(), store.take_damaged()), (1, 0));
    assert_eq!(store.model("01A").await.unwrap(), None);
}

#[wasm_bindgen_test]
async fn features_that_were_changed_are_missing_and_counted() {
    use hone::pipeline::features::matrix::FeatureVector;
    use hone::pipeline::item::ContentHash;
    let name = name("changed-features");
    let store = Store::open_named(&name).await.unwrap();
    let hashes: Vec<ContentHash> = (0..200u32).map(|number| ContentHash::of(&number.to_le_bytes())).collect();
    let vector = |place: usize| FeatureVector { dense: vec![place as f32; 8], ..FeatureVector::default() };
    let vectors: Vec<_> = hashes.iter().enumerate().map(|(place, hash)| (*hash, vector(place))).collect();
    store.append_vectors("lite0", &vectors[..100]).await.unwrap();
    store.append_vectors("lite0", &vectors[100..]).await.unwrap();

    // One value of the first block, which stays a number of a plausible size.
    let database = Database::open(&name, MIGRATIONS, || ()).await.unwrap();
    let change = database.write(&[VECTOR_BLOCKS], Durability::Strict, async |transaction| {
        let blocks = transaction.object_store(VECTOR_BLOCKS)?;
        let keys = blocks.get_all_keys(None, None)?.await?;
        let block = blocks.get(keys[0].clone())?.await?.unwrap();
        let dense = js_sys::Uint8Array::new(&js_sys::Reflect::get(&block, &"dense".into())?);
        dense.set_index(16, dense.get_index(16) ^ 1);
        blocks.put(&block, Some(&keys[0]))?;
        Ok(())
    });
    change.await.unwrap();
    let known = store.vectors("lite0", &hashes).await.unwrap();
    assert_eq!(known.len(), 100);
    assert!(hashes[100..].iter().all(|hash| known.contains_key(hash)));
    assert_eq!((store.take_damaged_vectors(), store.take_damaged_vectors()), (100, 0));

    // Computed again, they are there again.
    store.append_vectors("lite0", &vectors[..100]).await.unwrap();
    let known = store.vectors("lite0", &hashes).await.unwrap();
    assert_eq!(known.len(), 200);
    assert_eq!(known[&hashes[1]].dense, vec![1.0; 8]);
    assert_eq!(store.take_damaged_vectors(), 0);
}
