//! The IndexedDB database itself: its schema, the migrations that led to it, and transactions that are all or nothing.

use super::StoreError;
use idb::event::VersionChangeEvent;
use idb::{DatabaseEvent, Event, Factory, IndexParams, KeyPath, ObjectStoreParams, Request, Transaction};
use js_sys::{Array, Object, Promise, Reflect};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomException, IdbDatabase, IdbTransaction, IdbVersionChangeEvent};

/// Key: the record's `id`. Value: a `ProjectRecord`.
pub const PROJECTS: &str = "projects";
/// Key: `[project, index]`. Value: an `ItemRecord`. Index [`ITEMS_BY_HASH`].
pub const ITEMS: &str = "items";
/// Finds the projects that an image is used in.
pub const ITEMS_BY_HASH: &str = "hash";
/// Key: `[project, id]`. Value: a `LabelEvent`.
pub const EVENTS: &str = "events";
/// Key: `[project, index]`. Value: a `BatchRecord`.
pub const BATCHES: &str = "batches";
/// Key: the content hash. Value: a `Blob`.
pub const MEDIA: &str = "media";
/// Key: the content hash. Value: a `Blob`.
pub const THUMBNAILS: &str = "thumbnails";
/// Key: `[feature id, number]`. Value: the content hashes in the vector block of the same key, 32 bytes each.
pub const VECTOR_KEYS: &str = "vector_keys";
/// Key: `[feature id, number]`. Value: the four parts of a `VectorBlock`, each an `ArrayBuffer`.
pub const VECTOR_BLOCKS: &str = "vector_blocks";
/// Key: the project. Value: a `ModelRecord`.
pub const MODELS: &str = "models";
/// Key: `[project, id]`. Value: a `Run`.
pub const RUNS: &str = "runs";
/// Key: `[project, run, path]`. Value: an `ArrayBuffer`.
pub const ARTIFACTS: &str = "artifacts";
/// Key: `[project, number]`. Value: a `CertificateRecord`.
pub const CERTIFICATES: &str = "certificates";
/// Key: the name. Value: a string.
pub const SETTINGS: &str = "settings";

/// All stores of the present schema.
pub const ALL: [&str; 13] = [
    PROJECTS,
    ITEMS,
    EVENTS,
    BATCHES,
    MEDIA,
    THUMBNAILS,
    VECTOR_KEYS,
    VECTOR_BLOCKS,
    MODELS,
    RUNS,
    ARTIFACTS,
    CERTIFICATES,
    SETTINGS,
];

/// One step from a version of the schema to the next, run inside the upgrade transaction.
pub type Migration = fn(&idb::Database, &Transaction) -> Result<(), idb::Error>;

/// Every step from nothing to the present schema, oldest first. The database's version is their number. A step that
/// was released is never changed, only followed by another.
pub const MIGRATIONS: &[Migration] = &[lay_out_stores, add_experiment_log];

fn lay_out_stores(database: &idb::Database, _: &Transaction) -> Result<(), idb::Error> {
    let mut by_id = ObjectStoreParams::new();
    by_id.key_path(Some(KeyPath::new_single("id")));
    database.create_object_store("projects", by_id)?;
    let items = database.create_object_store("items", ObjectStoreParams::new())?;
    items.create_index("hash", KeyPath::new_single("item.hash"), Some(IndexParams::new()))?;
    for name in ["events", "batches", "media", "thumbnails", "vector_keys", "vector_blocks", "models", "settings"] {
        database.create_object_store(name, ObjectStoreParams::new())?;
    }
    Ok(())
}

fn add_experiment_log(database: &idb::Database, _: &Transaction) -> Result<(), idb::Error> {
    for name in ["runs", "artifacts", "certificates"] {
        database.create_object_store(name, ObjectStoreParams::new())?;
    }
    Ok(())
}

/// How long a write takes to be called done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk: survives a crash or a power cut. For all that a person did or brought.
    Strict,
    /// When the operating system has it. For what can be computed again.
    Relaxed,
}

/// An open database. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Database {
    connection: Rc<IdbDatabase>,
    closed: Rc<Cell<Option<Closed>>>,
}

/// Why the connection is closed.
#[derive(Debug, Clone, Copy)]
enum Closed {
    /// A newer release, in another tab, wanted to migrate.
    ForNewer,
    /// The database is being deleted.
    ForDeletion,
    /// The browser took it away.
    ByBrowser,
}

impl From<Closed> for StoreError {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::ForNewer => StoreError::Outdated,
            Closed::ForDeletion => StoreError::Deleted,
            Closed::ByBrowser => StoreError::Lost,
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// web-sys has `IDBDatabase.transaction` with options only behind its unstable flag.
    #[wasm_bindgen(extends = IdbDatabase)]
    type DatabaseWithOptions;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction(
        this: &DatabaseWithOptions,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

impl Database {
    /// Opens a database, first running the migrations that it has not seen. `on_blocked` is called if they have to wait for a tab
    /// that has an older schema open; this resolves once that tab lets go.
    ///
    /// # Errors
    /// [`StoreError::Absent`] if the browser offers no database; [`StoreError::Outdated`] if it has seen more of the migrations than
    /// there are; otherwise what the platform says. A migration that fails leaves the database as it was.
    pub async fn open(
        name: &str,
        migrations: &'static [Migration],
        on_blocked: impl FnOnce() + 'static,
    ) -> Result<Database, StoreError> {
        let factory = Factory::new().map_err(|_| StoreError::Absent)?;
        let mut request = factory.open(name, Some(migrations.len() as u32))?;
        request.on_blocked(move |_| on_blocked());
        let failure = Rc::new(RefCell::new(None));
        let upgrade_failure = Rc::clone(&failure);
        request.on_upgrade_needed(move |event| {
            if let Err(error) = upgrade(&event, migrations) {
                *upgrade_failure.borrow_mut() = Some(error);
            }
        });
        let opened = request.await;
        if let Some(error) = failure.take() {
            return Err(error.into());
        }
        let connection = IdbDatabase::from(opened?);
        // Another tab with a newer release wants to migrate, or to delete all: let go rather than block it.
        let closed = Rc::new(Cell::new(None));
        let (closing, why) = (connection.clone(), Rc::clone(&closed));
        let on_change = Closure::once_into_js(move |event: IdbVersionChangeEvent| {
            why.set(Some(if event.new_version().is_some() { Closed::ForNewer } else { Closed::ForDeletion }));
            closing.close();
        });
        connection.set_onversionchange(Some(on_change.unchecked_ref()));
        let why = Rc::clone(&closed);
        let on_close = Closure::once_into_js(move || why.set(Some(Closed::ByBrowser)));
        connection.set_onclose(Some(on_close.unchecked_ref()));
        Ok(Database { connection: Rc::new(connection), closed })
    }

    /// Reads within one transaction, so that what is read belongs together.
    ///
    /// # Errors
    /// What `operation` answers, or what the platform says.
    pub async fn read<T>(
        &self,
        stores: &[&str],
        operation: impl AsyncFnOnce(&Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.begin(stores, "readonly", Durability::Relaxed)?;
        operation(&transaction.into()).await
    }

    /// Writes within one transaction: all of it, once this has resolved, or nothing.
    ///
    /// `operation` must await requests of this transaction only: anything else would end it early. Requests whose
    /// result it does not need it need not await at all.
    ///
    /// # Errors
    /// What `operation` answers, or [`StoreError::Full`], or what the platform says. Nothing was written then.
    pub async fn write<T>(
        &self,
        stores: &[&str],
        durability: Durability,
        operation: impl AsyncFnOnce(&Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.begin(stores, "readwrite", durability)?;
        let finished = Promise::new(&mut |resolve, reject| {
            transaction.set_oncomplete(Some(&resolve));
            transaction.set_onabort(Some(&reject));
        });
        let outcome = operation(&transaction.clone().into()).await;
        if outcome.is_err() {
            // Refused only if the transaction has aborted already.
            let _ = transaction.abort();
        }
        match (JsFuture::from(finished).await, transaction.error()) {
            (Ok(_), _) => outcome,
            // A transaction that the browser ended with the connection says only that it was aborted, if anything.
            (Err(_), _) if self.closed.get().is_some() => {
                Err(self.closed.get().map_or(StoreError::Lost, StoreError::from))
            }
            (Err(_), Some(cause)) => Err(cause.into()),
            (Err(_), None) => Err(outcome.err().unwrap_or(StoreError::Platform("a write was aborted".into()))),
        }
    }

    fn begin(&self, stores: &[&str], mode: &str, durability: Durability) -> Result<IdbTransaction, StoreError> {
        let names: Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
        let options = Object::new();
        let word = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        Reflect::set(&options, &"durability".into(), &word.into())?;
        let connection: &DatabaseWithOptions = self.connection.unchecked_ref();
        connection.transaction(&names, mode, &options).map_err(|error| match error.dyn_ref::<DomException>() {
            Some(exception) if exception.name() == "InvalidStateError" => {
                self.closed.get().map_or(StoreError::Lost, StoreError::from)
            }
            _ => error.into(),
        })
    }

    /// Closes the connection once the running transactions have finished.
    pub fn close(&self) {
        self.connection.close();
    }
}

/// Runs the migrations that the database has not seen; on an error nothing of them remains.
fn upgrade(event: &VersionChangeEvent, migrations: &[Migration]) -> Result<(), idb::Error> {
    let transaction = event.target()?.transaction().ok_or(idb::Error::EventTargetNotFound)?;
    let database = event.database()?;
    for migration in &migrations[event.old_version()? as usize..] {
        if let Err(error) = migration(&database, &transaction) {
            transaction.abort()?;
            return Err(error);
        }
    }
    Ok(())
}

impl From<DomException> for StoreError {
    fn from(exception: DomException) -> Self {
        match exception.name().as_str() {
            "QuotaExceededError" => StoreError::Full,
            "VersionError" => StoreError::Outdated,
            name => StoreError::Platform(format!("{name}: {}", exception.message())),
        }
    }
}

impl From<JsValue> for StoreError {
    fn from(error: JsValue) -> Self {
        match error.dyn_into::<DomException>() {
            Ok(exception) => exception.into(),
            Err(error) => StoreError::Platform(format!("{error:?}")),
        }
    }
}

impl From<idb::Error> for StoreError {
    fn from(error: idb::Error) -> Self {
        match error {
            idb::Error::DomException(exception) => exception.into(),
            error => StoreError::Platform(error.to_string()),
        }
    }
}

impl From<serde_wasm_bindgen::Error> for StoreError {
    fn from(error: serde_wasm_bindgen::Error) -> Self {
        StoreError::Unreadable(error.to_string())
    }
}
