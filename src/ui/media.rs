//! Pictures ready to be shown: fetched from the session as blobs and decoded before their turn.

use crate::protocol::{ItemIndex, Reply, Request};
use crate::ui::app::App;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::collections::{HashMap, VecDeque};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlImageElement, Url};

/// How many full pictures stay ready. The deck holds 8, the rest serves undo and revisits.
const FULL_KEPT: usize = 24;
/// How many thumbnails stay ready: a few screens of the Data grid.
const THUMBNAILS_KEPT: usize = 600;

/// A picture on its way to the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// Being fetched and decoded.
    Loading,
    /// Can be shown from this blob URL at once.
    Ready(String),
    /// The session has no such picture, or the browser can't decode it.
    Missing,
}

struct Entry {
    picture: ArcRwSignal<Picture>,
    /// Held so that the browser keeps the decoded pixels.
    decoded: Option<HtmlImageElement>,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<ItemIndex, Entry>,
    order: VecDeque<ItemIndex>,
}

/// The pictures of the open project, by item.
#[derive(Clone, Copy)]
pub struct Media {
    full: StoredValue<Shelf, LocalStorage>,
    thumbnails: StoredValue<Shelf, LocalStorage>,
}

impl Media {
    /// No pictures yet.
    pub fn new() -> Self {
        Self { full: StoredValue::new_local(Shelf::default()), thumbnails: StoredValue::new_local(Shelf::default()) }
    }

    /// An item's picture: starts to fetch it unless it is there already.
    pub fn picture(&self, app: App, item: ItemIndex, thumbnail: bool) -> ArcRwSignal<Picture> {
        let shelf = if thumbnail { self.thumbnails } else { self.full };
        let kept = if thumbnail { THUMBNAILS_KEPT } else { FULL_KEPT };
        let known = shelf.with_value(|shelf| shelf.entries.get(&item).map(|entry| entry.picture.clone()));
        if let Some(picture) = known.filter(|picture| *picture.read_untracked() != Picture::Missing) {
            shelf.update_value(|shelf| shelf.touch(item));
            return picture;
        }
        let picture = ArcRwSignal::new(Picture::Loading);
        shelf.update_value(|shelf| shelf.put(item, picture.clone(), kept));
        spawn_local(fetch(app, item, thumbnail, shelf, picture.clone()));
        picture
    }

    /// Forgets all pictures, when their project is left.
    pub fn clear(&self) {
        for shelf in [self.full, self.thumbnails] {
            shelf.update_value(|shelf| {
                for (_, entry) in shelf.entries.drain() {
                    revoke(&entry.picture);
                }
                shelf.order.clear();
            });
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self::new()
    }
}

impl Shelf {
    fn touch(&mut self, item: ItemIndex) {
        self.order.retain(|&other| other != item);
        self.order.push_back(item);
    }

    fn put(&mut self, item: ItemIndex, picture: ArcRwSignal<Picture>, kept: usize) {
        self.touch(item);
        self.entries.insert(item, Entry { picture, decoded: None });
        while self.order.len() > kept {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                revoke(&entry.picture);
            }
        }
    }
}

fn revoke(picture: &ArcRwSignal<Picture>) {
    if let Picture::Ready(url) = &*picture.read_untracked() {
        // Only a malformed URL could fail; ours came from createObjectURL.
        let _ = Url::revoke_object_url(url);
    }
}

async fn fetch(
    app: App,
    item: ItemIndex,
    thumbnail: bool,
    shelf: StoredValue<Shelf, LocalStorage>,
    picture: ArcRwSignal<Picture>,
) {
    let mut blob = ask(app, item, thumbnail).await;
    // Thumbnails are made with the features, so an item that came in just now has none yet.
    if blob.is_none() && thumbnail {
        blob = ask(app, item, false).await;
    }
    let ready = match blob {
        Some(blob) => decode(&blob).await.ok(),
        None => None,
    };
    let Some((url, element)) = ready else { return picture.set(Picture::Missing) };
    let wanted = shelf.try_update_value(|shelf| match shelf.entries.get_mut(&item) {
        Some(entry) => {
            entry.decoded = Some(element);
            true
        }
        None => false,
    });
    picture.set(Picture::Ready(url));
    if wanted != Some(true) {
        revoke(&picture);
    }
}

async fn ask(app: App, item: ItemIndex, thumbnail: bool) -> Option<Blob> {
    let (reply, attachments) = app.ask(Request::Media { item, thumbnail }, Vec::new()).await;
    match reply {
        Reply::Media { present: true } => attachments.into_iter().next()?.dyn_into::<Blob>().ok(),
        _ => None,
    }
}

async fn decode(blob: &Blob) -> Result<(String, HtmlImageElement), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let element = HtmlImageElement::new()?;
    element.set_src(&url);
    match JsFuture::from(element.decode()).await {
        Ok(_) => Ok((url, element)),
        Err(error) => {
            Url::revoke_object_url(&url)?;
            Err(error)
        }
    }
}
