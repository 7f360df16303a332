//! Files that the person gives: picked, dropped or pasted. Each comes with its path inside what was given, so that
//! folder names are not lost. Nothing is read here, not even a file's size: a browser asks the disk for each, about a
//! millisecond a file, and the page would stand still. The worker finds the sizes.

use crate::pipeline::import::plan::SourceFile;
use futures_channel::oneshot;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    ClipboardEvent, DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
    HtmlInputElement, window,
};

/// A file, and what the import calls it.
pub type Given = (SourceFile, File);

/// Lets the person pick files. Empty if they cancel. Must be called while a click or key press is being handled.
pub async fn pick_files() -> Vec<Given> {
    pick(|input| input.set_multiple(true)).await
}

/// Lets the person pick a folder; gives all the files in it, however deep. Empty if they cancel.
pub async fn pick_folder() -> Vec<Given> {
    pick(|input| {
        // Any value switches it on; every present browser knows it.
        let _ = input.set_attribute("webkitdirectory", "");
    })
    .await
}

async fn pick(set_up: impl FnOnce(&HtmlInputElement)) -> Vec<Given> {
    let Some(document) = window().and_then(|window| window.document()) else { return Vec::new() };
    let Ok(input) = document.create_element("input") else { return Vec::new() };
    let input: HtmlInputElement = input.unchecked_into();
    input.set_type("file");
    set_up(&input);
    let (answer, answered) = oneshot::channel();
    let picked = input.clone();
    let done: Function = Closure::once_into_js(move || {
        let _ = answer.send(picked.files());
    })
    .unchecked_into();
    // Whichever comes first; the other never does.
    let listened = input
        .add_event_listener_with_callback("change", &done)
        .and_then(|()| input.add_event_listener_with_callback("cancel", &done));
    if listened.is_err() {
        return Vec::new();
    }
    input.click();
    listed(answered.await.ok().flatten())
}

/// The files of a drop, with those in dropped folders, however deep. Read the event's data at once: a browser clears
/// it when the event is over, so call this inside the handler and await the result later.
pub fn from_drop(data: DataTransfer) -> impl Future<Output = Vec<Given>> {
    // Both are taken now, before the first await.
    let plain = listed(data.files());
    let items = data.items();
    let entries: Vec<FileSystemEntry> =
        (0..items.length()).filter_map(|place| items.get(place)?.webkit_get_as_entry().ok().flatten()).collect();
    async move {
        // Something dropped from another page has files but no entries.
        if entries.is_empty() { plain } else { walk(entries).await }
    }
}

/// The files, such as a picture, of a paste. Pasted text is not looked at.
pub fn from_paste(event: &ClipboardEvent) -> Vec<Given> {
    listed(event.clipboard_data().and_then(|data| data.files()))
}

fn listed(files: Option<FileList>) -> Vec<Given> {
    let files = files.iter().flat_map(|files| (0..files.length()).filter_map(|place| files.get(place)));
    files
        .map(|file| {
            let relative = Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
            let path = relative.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name());
            given(path, file)
        })
        .collect()
}

fn given(path: String, file: File) -> Given {
    (SourceFile { path, size: 0 }, file)
}

async fn walk(mut entries: Vec<FileSystemEntry>) -> Vec<Given> {
    let mut found = Vec::new();
    // Popped from the end, so kept in reverse: the files come in the order of a depth-first walk.
    entries.reverse();
    while let Some(entry) = entries.pop() {
        let path = entry.full_path().trim_start_matches('/').to_owned();
        if entry.is_directory() {
            let mut inside = read_directory(entry.unchecked_ref()).await;
            inside.reverse();
            entries.append(&mut inside);
        } else if let Ok(file) = file_of(entry.unchecked_ref()).await {
            found.push(given(path, file));
        }
    }
    found
}

/// A reader gives its entries a hundred at a time, and none once it is through.
async fn read_directory(directory: &FileSystemDirectoryEntry) -> Vec<FileSystemEntry> {
    let reader = directory.create_reader();
    let mut all: Vec<FileSystemEntry> = Vec::new();
    loop {
        let batch = called_back(|resolve, reject| reader.read_entries_with_callback_and_callback(resolve, reject));
        let batch = match batch.await {
            Ok(batch) => Array::from(&batch),
            // A folder that cannot be read holds nothing for us.
            Err(_) => return all,
        };
        if batch.length() == 0 {
            return all;
        }
        all.extend(batch.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

async fn file_of(entry: &FileSystemFileEntry) -> Result<File, JsValue> {
    let file = called_back(|resolve, reject| {
        entry.file_with_callback_and_callback(resolve, reject);
        Ok(())
    });
    Ok(file.await?.unchecked_into())
}

/// A callback interface as a future.
async fn called_back(call: impl FnOnce(&Function, &Function) -> Result<(), JsValue>) -> Result<JsValue, JsValue> {
    let mut call = Some(call);
    let promise = Promise::new(&mut |resolve, reject| {
        if let Some(Err(error)) = call.take().map(|call| call(&resolve, &reject)) {
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(promise).await
}
