//! Thousands of labelled texts in hundreds of classes: how long until there is a first model.

use crate::journeys::{MODEL, Surroundings, texts};
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const TEXTS: usize = 20_100;
const CLASSES: usize = 300;
const WORDS: usize = 12;
/// What the labels are waiting for meanwhile.
const FEATURES: &str = "The first model is being made from";
/// Between two looks.
const OFTEN: Duration = Duration::from_millis(100);

/// Imports the texts and opens the project anew. Seconds: of the import, of the features, from there to the first model; and from a
/// reload to a model.
///
/// # Errors
/// When it takes more than ten minutes.
pub fn first_model(surroundings: &Surroundings) -> Result<Value, String> {
    let file = std::env::temp_dir().join(format!("hone-many-classes-{}.csv", std::process::id()));
    let done = fs::write(&file, texts(TEXTS, CLASSES, WORDS))
        .map_err(|error| error.to_string())
        .and_then(|()| driven(surroundings, &file));
    let _ = fs::remove_file(&file);
    done
}

fn driven(surroundings: &Surroundings, file: &Path) -> Result<Value, String> {
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "many-classes")?;
    visit.session()?.open(&server.url())?;
    visit.choose("Import files", &[file])?;
    visit.see("button", "Import")?;
    let begun = Instant::now();
    visit.click("button", "Import")?;
    let imported = seconds_until(&visit, begun, &[FEATURES, MODEL[0], MODEL[1]])?;
    let computing = "return [...document.querySelectorAll('.job-title')].some((job) => job.textContent.includes('Computing features'));";
    let computed = until("the features", 600, || {
        std::thread::sleep(OFTEN);
        let works = visit.session()?.run(computing, &json!([]))? == json!(true);
        Ok((!works).then(|| begun.elapsed().as_secs_f64()))
    })?;
    let model = seconds_until(&visit, begun, &MODEL)?;
    let begun = Instant::now();
    visit.session()?.reload()?;
    let opened = seconds_until(&visit, begun, &MODEL)?;
    Ok(json!({
        "texts": TEXTS, "classes": CLASSES, "imported_s": imported, "features_s": computed - imported,
        "first_model_s": model - computed, "opened_again_s": opened,
    }))
}

/// Seconds until one of these words is on the page.
fn seconds_until(visit: &Visit<'_>, begun: Instant, words: &[&str]) -> Result<f64, String> {
    until(&format!("“{}”", words[0]), 600, || {
        std::thread::sleep(OFTEN);
        let text = visit.all_text()?;
        Ok(words.iter().any(|words| text.contains(words)).then(|| begun.elapsed().as_secs_f64()))
    })
}
