//! A folder of photos, from the click that imports it until all are embedded and stored.

use super::long_tasks;
use super::trace::Trace;
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// What the embed workers do with a photo, in its order; see `src/worker/picture.rs` and `embed.rs`.
const EMBED_STAGES: [&str; 5] = ["decode", "pixels", "thumbnail", "crop", "embed"];
/// What the session worker does with what comes in; see `src/worker/serve.rs`.
const SESSION_STAGES: [&str; 2] = ["store items", "store vectors"];

/// Imports the folder and waits until nothing is under way.
///
/// # Errors
/// When it takes more than ten minutes.
pub fn photos(visit: &Visit<'_>, folder: &Path) -> Result<Value, String> {
    let count = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.count();
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    visit.choose("Import a folder", &[&folder])?;
    visit.see("button", "Import")?;
    let before = long_tasks(visit)?;
    visit.click("button", "Import")?;
    let working = "return document.querySelector('progress') !== null;";
    let mut idle = 0;
    until("progress", 60, || Ok((visit.session()?.run(working, &json!([]))? == json!(true)).then_some(())))?;
    until("the end of the import", 600, || {
        // Between the import's end and the features' there may be a moment without progress.
        thread::sleep(Duration::from_millis(200));
        let works = visit.session()?.run(working, &json!([]))? == json!(true);
        idle = if works { 0 } else { idle + 1 };
        Ok((idle >= 5).then_some(()))
    })?;
    Ok(json!({ "photos": count, "long_tasks_before": before, "long_tasks": long_tasks(visit)? }))
}

/// Adds what the workers measured: how long all took, and each stage's part of it.
///
/// # Errors
/// When the workers measured another number of photos.
pub fn add_stages(imported: &mut Value, trace: &Trace) -> Result<(), String> {
    let photos = imported["photos"].as_u64().unwrap_or_default() as f64;
    let embedded: Vec<_> = trace.named("embed").collect();
    if embedded.len() as f64 != photos {
        return Err(format!("{photos} photos were imported, but {} embedded", embedded.len()));
    }
    let first = trace.named("store items").map(|measure| measure.from).fold(f64::INFINITY, f64::min);
    let last_embedded = embedded.iter().map(|measure| measure.to).fold(0.0, f64::max);
    // The vectors that came last are stored by the first store that begins after they were made.
    let end = trace.named("store vectors").filter(|measure| measure.from >= last_embedded).map(|measure| measure.to);
    let end = end.fold(f64::INFINITY, f64::min);
    let clicked = trace.clicks.iter().copied().filter(|&click| click < first).fold(f64::NEG_INFINITY, f64::max);
    let milliseconds = end - clicked;
    if !milliseconds.is_finite() {
        return Err("the trace lacks the click or the last store of the import".to_owned());
    }
    let within = |name: &str| -> f64 {
        trace.named(name).filter(|measure| measure.to <= end).map(|measure| measure.to - measure.from).sum()
    };
    let per_photo = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|&name| (name.to_owned(), json!(within(name) / photos)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let workers = embedded.iter().map(|measure| measure.thread).collect::<BTreeSet<_>>().len();
    let busy: f64 = EMBED_STAGES.iter().map(|name| within(name)).sum();
    imported["seconds"] = json!(milliseconds / 1000.0);
    imported["per_second"] = json!(photos * 1000.0 / milliseconds);
    imported["embed_workers"] = json!(workers);
    imported["embed_workers_busy"] = json!(busy / (milliseconds * workers as f64));
    imported["embed_worker_ms_a_photo"] = per_photo(&EMBED_STAGES);
    imported["session_worker_ms_a_photo"] = per_photo(&SESSION_STAGES);
    Ok(())
}
