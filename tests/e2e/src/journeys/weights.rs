//! A site whose image model can't be had for a while: everything works with plainer features, and better once it is there.

use super::demos::{features_are_there, label_next};
use super::{Surroundings, only_own_origin};
use crate::altered::copy;
use crate::demo::{self, Truth};
use crate::visit::{Visit, until};
use std::fs;
use std::path::Path;
use xtask::server::Server;

const MODEL: &str = "models/lite0.safetensors";
const WARNING: &str = "The model files could not be loaded";

/// Opens the photos without the model, labels, opens them again without it, and then with it.
pub fn without_the_model(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-without-model-{}", std::process::id()));
    let done = copy(&surroundings.dist, &folder).and_then(|()| label_on(surroundings, &folder));
    let _ = fs::remove_dir_all(&folder);
    done
}

fn label_on(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let truth = demo::photos(&surroundings.demo())?;
    let away = folder.join("away");
    move_file(&folder.join(MODEL), &away)?;
    let server = Server::start(folder, 0, "/").map_err(|error| format!("the site can't be served: {error}"))?;
    let mut visit = Visit::start(&surroundings.programs, "without-model")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("photos")?;
    warned(&visit, true)?;
    features_are_there(&visit)?;
    let mut labelled = Truth::new();
    for _ in 0..5 {
        label_next(&mut visit, &truth, &mut labelled)?;
    }
    visit.all_saved()?;

    // Opened as if the model were there, the project finds the features that it had.
    visit.session()?.reload()?;
    visit.open_project("Demo: photos")?;
    warned(&visit, true)?;
    label_next(&mut visit, &truth, &mut labelled)?;
    visit.all_saved()?;

    move_file(&away, &folder.join(MODEL))?;
    visit.session()?.reload()?;
    visit.open_project("Demo: photos")?;
    features_are_there(&visit)?;
    warned(&visit, false)?;
    label_next(&mut visit, &truth, &mut labelled)?;
    visit.all_saved()?;
    let count = visit.labelled_count()?;
    if count as usize != labelled.len() {
        return Err(format!("{} labels were given, and {count} are there", labelled.len()));
    }
    only_own_origin(&visit.close_and_list_requests()?, &server)
}

fn warned(visit: &Visit<'_>, expected: bool) -> Result<(), String> {
    let what = if expected { "the warning about the model" } else { "the warning's end" };
    until(what, 30, || Ok((visit.all_text()?.contains(WARNING) == expected).then_some(())))
}

fn move_file(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| format!("{} can't be moved: {error}", from.display()))
}
