//! The journeys, each with a name and what it needs.

mod demos;
mod deployment;
mod faults;
mod folder;
mod harness;
mod hostile;
mod imports;
mod killed;
mod long_texts;
mod mlflow;
mod monitor;
mod numbers;
mod offline;
mod review;
mod site;
mod site_integrity;
mod storage;
mod tabs;
mod update;
mod weights;

pub use long_texts::{MODEL, texts};

use crate::visit::{Programs, Visit, until};
use serde_json::json;
use std::path::{Path, PathBuf};
use xtask::server::Server;

/// What every journey may use.
pub struct Surroundings {
    /// The browser and its driver.
    pub programs: Programs,
    /// The repository.
    pub root: PathBuf,
    /// The built site.
    pub dist: PathBuf,
    /// Where pictures of the screens go.
    pub screenshots: PathBuf,
}

impl Surroundings {
    fn demo(&self) -> PathBuf {
        self.root.join("public/demo")
    }

    /// Serves the built site below `prefix`.
    ///
    /// # Errors
    /// When no port is free.
    pub fn serve(&self, prefix: &str) -> Result<Server, String> {
        Server::start(&self.dist, 0, prefix).map_err(|error| format!("the site can't be served: {error}"))
    }
}

/// A journey: a name and what happens.
pub type Journey = (&'static str, fn(&Surroundings) -> Result<(), String>);

/// All of them, cheapest first.
pub const JOURNEYS: [Journey; 40] = [
    ("site-policy", site::policy),
    ("site-page-without-network", site::no_neural_network_in_the_page),
    ("site-size", site::size),
    ("site-relative", site::relative_addresses),
    ("site-files", site_integrity::files),
    ("site-trusted-types", site::trusted_types),
    ("harness", harness::nothing_escapes),
    ("mlflow-script", mlflow::import_script),
    ("mlflow-page", mlflow::push_page),
    ("reload", demos::reload),
    ("impatient", demos::impatient),
    ("penguins", demos::penguins),
    ("photos", demos::photos),
    ("without-model", weights::without_the_model),
    ("sentences", demos::sentences),
    ("deployment", deployment::deployment),
    ("review", review::review),
    ("numbers", numbers::numbers),
    ("monitor-unlike", monitor::unlike),
    ("monitor-data", monitor::better_data),
    ("monitor-model", monitor::better_model),
    ("import-losing", imports::losing),
    ("import-mixed-folder", imports::mixed_folder),
    ("import-contradictions", imports::contradictions),
    ("import-round-trip", imports::round_trip),
    ("import-removed", imports::removed),
    ("import-split-column", imports::split_column),
    ("import-interrupted", imports::interrupted),
    ("offline", offline::offline),
    ("site-exchanged", site_integrity::exchanged),
    ("storage-deleted", storage::deleted),
    ("storage-faults", faults::of_the_storage),
    ("worker-faults", faults::of_the_worker),
    ("tabs", tabs::two_tabs),
    ("update", update::update),
    ("killed", killed::killed),
    ("hostile-import", hostile::hostile),
    ("hostile-projects", hostile::projects),
    ("long-texts", long_texts::long_texts),
    ("folder-import", folder::two_thousand_images),
];

/// Takes the README's picture: the photo demo after some labels.
///
/// # Errors
/// When it can't be taken.
pub fn picture(surroundings: &Surroundings, file: &Path) -> Result<(), String> {
    demos::picture(surroundings, file)
}

/// Ends a visit: nothing on the console, nothing asked of another origin.
fn leave(mut visit: Visit<'_>, server: &Server) -> Result<(), String> {
    if let Some(reason) = visit.unwatched() {
        println!("  {reason}");
        visit.close();
        return Ok(());
    }
    let errors = visit.session()?.console_errors()?;
    if !errors.is_empty() {
        return Err(format!("errors on the console:\n  {}", errors.join("\n  ")));
    }
    only_own_origin(&visit.close_and_list_requests()?, server)
}

/// How many decisions the browser has in its database, of all projects.
fn stored_decisions(visit: &Visit<'_>) -> Result<u64, String> {
    let count = "window.storedDecisions = null;
        indexedDB.open('hone').onsuccess = (opened) => {
          const database = opened.target.result;
          database.transaction('events').objectStore('events').count().onsuccess = (counted) => {
            window.storedDecisions = counted.target.result;
            database.close();
          };
        };";
    visit.session()?.run(count, &json!([]))?;
    until("the number of stored decisions", 30, || {
        Ok(visit.session()?.run("return window.storedDecisions;", &json!([]))?.as_u64())
    })
}

fn only_own_origin(requests: &[String], server: &Server) -> Result<(), String> {
    let origin = server.origin();
    let foreign: Vec<&String> = requests
        .iter()
        .filter(|url| !url.starts_with(&origin) && !url.starts_with("blob:") && !url.starts_with("data:"))
        .collect();
    if !foreign.is_empty() {
        return Err(format!("requests left the origin: {foreign:?}"));
    }
    // An empty log would prove nothing.
    if !requests.iter().any(|url| url.contains("_bg.wasm")) {
        return Err("the network log doesn't even hold the page's own code".to_owned());
    }
    Ok(())
}
