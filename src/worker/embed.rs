//! An embed worker: turns images and texts into vectors, one at a time, with extractors of its own.

use super::embed_wire::{Job, Outcome};
use super::extract::{ImageExtractor, load_texts};
use super::picture;
use crate::browser::user_timing;
use crate::browser::wire::{self, Body, Frame, Parcel};
use crate::browser::worker_side::scope;
use crate::pipeline::drift::looks::Looks;
use crate::pipeline::features::image::crop_from_rgba;
use crate::pipeline::features::text::TextEncoder;
use crate::pipeline::item::Kind;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, MessageEvent};

#[derive(Default)]
struct Extractors {
    image: RefCell<Option<ImageExtractor>>,
    text: RefCell<Option<TextEncoder>>,
}

/// Serves the session worker until it ends this one.
pub fn run() {
    let extractors = Rc::new(Extractors::default());
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let Frame { id, body, attachments } = wire::unpack(event.data());
        let extractors = Rc::clone(&extractors);
        spawn_local(async move {
            let answer = match body {
                Body::Said(job) => extractors.work(job, attachments).await,
                Body::Beat | Body::Unreadable => Err("the workers are of different releases; reload the page".into()),
            };
            let (outcome, attachments) = answer.unwrap_or_else(|error| (Outcome::Failed(error), Vec::new()));
            match wire::pack(id, &outcome, &attachments) {
                Ok(parcel) => post(&parcel),
                Err(error) => wasm_bindgen::throw_str(&error.to_string()),
            }
        });
    });
    scope().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    post(&wire::beat());
}

fn post(parcel: &Parcel) {
    if let Err(error) = scope().post_message_with_transfer(&parcel.message, &parcel.transfer) {
        // The session worker hears of an error that nobody catches, and starts another worker.
        wasm_bindgen::throw_val(error);
    }
}

impl Extractors {
    async fn work(&self, job: Job, attachments: Vec<JsValue>) -> Result<(Outcome, Vec<JsValue>), String> {
        match job {
            Job::Load(kind) => {
                let files: Vec<Vec<u8>> = attachments.iter().map(|file| Uint8Array::new(file).to_vec()).collect();
                Ok((Outcome::Loaded { feature_id: self.load(kind, &files)?.to_owned() }, Vec::new()))
            }
            Job::Image => {
                let blob: Blob =
                    attachments.into_iter().next().unwrap_or_default().dyn_into().map_err(|_| "no image")?;
                self.image(&blob).await
            }
            Job::Texts(texts) => {
                let encoder = self.text.borrow();
                let encoder = encoder.as_ref().ok_or("the text encoder is not loaded")?;
                let vectors = texts.iter().map(|text| encoder.encode(text).into()).collect();
                Ok((Outcome::Texts(vectors), Vec::new()))
            }
        }
    }

    fn load(&self, kind: Kind, files: &[Vec<u8>]) -> Result<&'static str, String> {
        match kind {
            Kind::Image => {
                let extractor = ImageExtractor::load(files)?;
                let id = extractor.feature_id();
                *self.image.borrow_mut() = Some(extractor);
                Ok(id)
            }
            Kind::Text => {
                let encoder = load_texts(files)?;
                let id = encoder.feature_id();
                *self.text.borrow_mut() = Some(encoder);
                Ok(id)
            }
            Kind::Table => Err("tables are encoded where they are trained".into()),
        }
    }

    async fn image(&self, blob: &Blob) -> Result<(Outcome, Vec<JsValue>), String> {
        let picture = picture::decode(blob).await?;
        let begun = user_timing::now();
        let crop = crop_from_rgba(&picture.rgba, picture.rgba_width, picture.rgba_height);
        let crop = crop.map_err(|error| error.to_string())?;
        user_timing::measure("crop", begun);
        let begun = user_timing::now();
        let vector = self.image.borrow().as_ref().ok_or("the image network is not loaded")?.vector(&crop);
        user_timing::measure("embed", begun);
        let (width, height) = (picture.width, picture.height);
        let looks = Looks::of(&crop, width, height).to_array();
        let outcome = Outcome::Image { vector, width, height, looks };
        Ok((outcome, picture.thumbnail.map(JsValue::from).into_iter().collect()))
    }
}
