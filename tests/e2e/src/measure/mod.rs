//! How fast the app is: cold starts, an import, labels. Prints one line of JSON for the benchmark, `benches/run.mjs`.

mod cold;
mod import;
mod labelling;
mod memory;
mod texts;
pub mod trace;

use crate::browser::chromium::devtools;
use crate::journeys::Surroundings;
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What is measured, and how often.
pub struct Plan {
    /// The photos to import, named `….CLASS.jpg`.
    pub photos: PathBuf,
    /// Rounds of cold starts.
    pub cold: usize,
    /// Labels whose next card is timed.
    pub labels: usize,
}

/// Measures everything.
///
/// # Errors
/// When the app can't be driven, or did not do what was measured.
pub fn measure(surroundings: &Surroundings, plan: &Plan) -> Result<(), String> {
    let cold = cold::starts(surroundings, plan.cold)?;
    let (import, labelling) = import_and_label(surroundings, plan)?;
    let texts = texts::first_model(surroundings)?;
    println!("{}", json!({ "cold": cold, "import": import, "labelling": labelling, "texts": texts }));
    Ok(())
}

/// Measures the first model of many classes alone.
///
/// # Errors
/// When the app can't be driven.
pub fn measure_texts(surroundings: &Surroundings) -> Result<(), String> {
    println!("{}", texts::first_model(surroundings)?);
    Ok(())
}

fn import_and_label(surroundings: &Surroundings, plan: &Plan) -> Result<(Value, Value), String> {
    let server = surroundings.serve("/")?;
    let file = std::env::temp_dir().join(format!("hone-trace-{}.json", std::process::id()));
    let mut visit = Visit::measured(&surroundings.programs, "measure", Some(&file))?;
    watch(&visit)?;
    visit.session()?.open(&server.url())?;
    let mut imported = import::photos(&visit, &plan.photos)?;
    imported["peak_memory_mb"] = json!(memory::peak_megabytes(visit.session()?.process()?));
    let mut labelled = labelling::presses(&mut visit, plan.labels)?;
    labelled["peak_memory_mb"] = json!(memory::peak_megabytes(visit.session()?.process()?));
    // The browser writes its trace when it ends.
    visit.close();
    let measures = trace::read(&file);
    let _ = std::fs::remove_file(&file);
    import::add_stages(&mut imported, &measures?)?;
    Ok((imported, labelled))
}

/// Has the page keep its times, from the next navigation on.
fn watch(visit: &Visit<'_>) -> Result<(), String> {
    let session = visit.session()?;
    devtools(session, "Page.enable", &json!({}))?;
    let script = json!({ "source": include_str!("page.js") });
    devtools(session, "Page.addScriptToEvaluateOnNewDocument", &script).map(drop)
}

/// One of the page's times, once it is there.
fn time(visit: &Visit<'_>, name: &str) -> Result<f64, String> {
    until(&format!("the time of “{name}”"), 60, || {
        let found = visit.session()?.run("return window.measured?.[arguments[0]];", &json!([name]))?;
        Ok(found.as_f64().filter(|&milliseconds| milliseconds > 0.0))
    })
}

/// The main thread's tasks of more than 50 ms since the last look: how many, the longest, and all of them.
fn long_tasks(visit: &Visit<'_>) -> Result<Value, String> {
    let tasks = visit.session()?.run("return window.measured.longTasks.splice(0);", &json!([]))?;
    let tasks: Vec<f64> = tasks.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let longest = tasks.iter().copied().fold(0.0, f64::max);
    Ok(json!({ "count": tasks.len(), "longest": longest, "milliseconds": tasks }))
}

/// The class that a photo's file name holds.
fn class_of(name: &str) -> Result<String, String> {
    let class = Path::new(name).file_stem().map(Path::new).and_then(Path::extension);
    class.map(|class| class.to_string_lossy().into_owned()).ok_or_else(|| format!("{name} isn't named “….CLASS.jpg”"))
}
