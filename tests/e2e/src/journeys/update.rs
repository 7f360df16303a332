//! A new release: it comes in the background, a kill meanwhile loses nothing, and no page is loaded anew unless a person says so, not even
//! when the browser clears everything that the site has stored.

use super::{Surroundings, stored_decisions};
use crate::altered::Altered;
use crate::browser::chromium::devtools;
use crate::visit::{Visit, until};
use serde_json::json;
use std::thread::sleep;
use std::time::Duration;

/// Kills of the browser while the new release is fetched.
const KILLS: u64 = 3;

/// Labels on one release, is killed while the next one comes, goes over to it, and has its storage cleared.
pub fn update(surroundings: &Surroundings) -> Result<(), String> {
    let site = Altered::copy(&surroundings.dist, "update")?;
    let server = site.serve()?;
    let mut visit = Visit::start(&surroundings.programs, "update")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    for class in ["Adelie", "Gentoo", "Adelie"] {
        visit.label(class)?;
    }
    visit.all_saved()?;
    visit.ready_for_offline()?;

    let mut made = 3;
    for kill in 0..KILLS {
        site.as_another_release(&format!("r{kill}"))?;
        // To be loaded again is what makes a browser look for another one.
        visit.session()?.reload()?;
        visit.see_later("region", "Card")?;
        visit.label("Gentoo")?;
        visit.all_saved()?;
        made += 1;
        sleep(Duration::from_millis(150 * kill));
        visit.kill_and_restart()?;
        visit.session()?.open(&server.url())?;
        visit.open_project("Demo: penguins")?;
        let stored = stored_decisions(&visit)?;
        if stored != made {
            return Err(format!("after kill {kill}: {stored} decisions are stored, not {made}"));
        }
    }

    site.as_another_release("last")?;
    visit.session()?.reload()?;
    visit.session()?.run("window.neverReloaded = true;", &json!([]))?;
    until("the offer of the new release", 180, || {
        Ok(visit.all_text()?.contains("A new version is ready").then_some(()))
    })?;
    still_here(&visit)?;
    visit.pictures(&surroundings.screenshots, "update-offered")?;
    visit.click("button", "Reload")?;
    until("the new release's page", 60, || {
        let loaded = visit
            .session()?
            .run("return window.neverReloaded !== true && document.readyState === 'complete';", &json!([]));
        Ok(loaded.is_ok_and(|loaded| loaded == json!(true)).then_some(()))
    })?;
    visit.see_later("region", "Card")?;
    let releases = "window.releases = null; caches.keys().then((names) => {
        window.releases = names.filter((name) => name.startsWith('hone-shell-')).join(' '); });";
    until("the old release's files to go", 60, || {
        visit.session()?.run(releases, &json!([]))?;
        sleep(Duration::from_millis(200));
        let names = visit.session()?.run("return window.releases;", &json!([]))?;
        Ok(names
            .as_str()
            .is_some_and(|names| names.starts_with("hone-shell-last-") && !names.contains(' '))
            .then_some(()))
    })?;
    let stored = stored_decisions(&visit)?;
    if stored != made {
        return Err(format!("on the new release {stored} decisions are stored, not {made}"));
    }

    // What a browser does whose disk is full. The page stays, with what it knows.
    visit.session()?.run("window.neverReloaded = true;", &json!([]))?;
    let origin = visit.session()?.run("return location.origin;", &json!([]))?;
    devtools(visit.session()?, "Storage.clearDataForOrigin", &json!({ "origin": origin, "storageTypes": "all" }))?;
    let key = visit.key_of("Adelie")?.ok_or("there is no class")?;
    visit.session()?.press(&key)?;
    until("what became of the storage", 60, || {
        let text = visit.all_text()?;
        Ok((text.contains("1 not saved") && text.contains("storage in this browser was deleted")
            || text.contains("closed Hone’s storage"))
        .then_some(()))
    })?;
    sleep(Duration::from_secs(2));
    still_here(&visit)?;
    let log = visit.save("Save as a file")?;
    let labels = log.lines().filter(|line| line.contains("\"label\":")).count() as u64;
    if labels != made + 1 {
        return Err(format!("{labels} labels are in the file, not {}", made + 1));
    }
    Ok(())
}

fn still_here(visit: &Visit<'_>) -> Result<(), String> {
    match visit.session()?.run("return window.neverReloaded === true;", &json!([]))? == json!(true) {
        true => Ok(()),
        false => Err("the page was loaded anew, and nobody asked for it".to_owned()),
    }
}
