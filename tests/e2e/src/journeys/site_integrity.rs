//! Files that are not what the release says: never kept, never served, and the release before goes on working.

use super::{Surroundings, only_own_origin};
use crate::altered::copy;
use crate::visit::{Visit, until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use xtask::server::Server;
use xtask::{digest, stamp};

/// The published list names every file of the site, each with its hash.
pub fn files(surroundings: &Surroundings) -> Result<(), String> {
    let list = read(&surroundings.dist.join(stamp::HASHES))?;
    let mut shipped = Vec::new();
    for file in digest::files_below(&surroundings.dist, &[""])? {
        let path = digest::relative(&surroundings.dist, &file);
        if path != stamp::HASHES {
            shipped.push(format!("{}  {path}", digest::of_file(&file)?));
        }
    }
    shipped.sort_by(|a, b| a[64..].cmp(&b[64..]));
    let listed: Vec<&str> = list.lines().collect();
    match shipped == listed {
        true if listed.len() > 100 => Ok(()),
        true => Err(format!("the site can't have {} files alone", listed.len())),
        false => {
            Err(format!("{} lists {} files; {} are shipped, or others", stamp::HASHES, listed.len(), shipped.len()))
        }
    }
}

/// A host that offers an update with an exchanged file, then with one that is cut off, then the right one.
pub fn exchanged(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-integrity-{}", std::process::id()));
    let done = copy(&surroundings.dist, &folder).and_then(|()| updates(surroundings, &folder));
    let _ = fs::remove_dir_all(&folder);
    done
}

fn updates(surroundings: &Surroundings, site: &Path) -> Result<(), String> {
    let mut server = Server::start(site, 0, "/hone/").map_err(|error| format!("the site can't be served: {error}"))?;
    let mut visit = Visit::start(&surroundings.programs, "integrity")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("sentences")?;
    visit.see_later("region", "Card")?;
    visit.ready_for_offline()?;
    let before = kept(&visit)?;
    let starter = read(&site.join("boot.js"))?;
    let style = read(&site.join("mlflow.css"))?;

    // The next release differs in one file. Its starter is exchanged after the release was made.
    write(&site.join("mlflow.css"), &format!("{style}\n/* the next release */\n"))?;
    fs::copy(surroundings.root.join("public/sw.js"), site.join("sw.js")).map_err(|error| error.to_string())?;
    stamp::stamp(site, "next")?;
    write(&site.join("boot.js"), &format!("{starter}\nglobalThis.exchanged = true;\n"))?;
    refused(&visit, &before, "an exchanged file")?;
    visit.pictures(&surroundings.screenshots, "refused-release")?;

    let worker = fs::read(site.join("worker_bg.wasm")).map_err(|error| error.to_string())?;
    write(&site.join("boot.js"), &starter)?;
    fs::write(site.join("worker_bg.wasm"), &worker[..worker.len() / 2]).map_err(|error| error.to_string())?;
    refused(&visit, &before, "a file that was cut off")?;

    // Without the host, the release before still has all it needs.
    server.stop();
    visit.session()?.reload()?;
    visit.open_project("Demo: sentences")?;
    visit.see_later("region", "Card")?;

    // A file that was damaged where it is kept is not served either: it is fetched anew, if it is the right one.
    let server = Server::start(site, 0, "/hone/").map_err(|error| format!("the site can't be served: {error}"))?;
    fs::write(site.join("worker_bg.wasm"), &worker).map_err(|error| error.to_string())?;
    visit.close();
    let mut visit = Visit::start(&surroundings.programs, "integrity-kept")?;
    visit.session()?.open(&server.url())?;
    visit.see_later("button", "Import files")?;
    visit.ready_for_offline()?;
    let damage = "return caches.keys().then(async (names) => {
          const cache = await caches.open(names.find((name) => name.startsWith('hone-shell-')));
          const response = new Response('globalThis.exchanged = true;', { headers: { 'Content-Type': 'text/javascript' } });
          await cache.put(new URL('boot.js', document.baseURI).href, response);
        });";
    visit.session()?.run(damage, &json!([]))?;
    // A new browser, as a worker that still runs has looked at the file before.
    visit.restart()?;
    visit.session()?.open(&server.url())?;
    visit.see_later("button", "Import files")?;
    let runs = visit.session()?.run("return globalThis.exchanged ?? false;", &json!([]))?;
    if runs != json!(false) {
        return Err("a file that was damaged where it is kept was served".to_owned());
    }
    measure(&visit)?;

    // And a release that is whole is offered as ever.
    let style = read(&site.join("mlflow.css"))?;
    write(&site.join("mlflow.css"), &format!("{style}\n/* the one after */\n"))?;
    fs::copy(surroundings.root.join("public/sw.js"), site.join("sw.js")).map_err(|error| error.to_string())?;
    stamp::stamp(site, "after")?;
    ask_for_update(&visit)?;
    until("the offer of a release that is whole", 30, || {
        Ok(visit.all_text()?.contains("A new version is ready").then_some(()))
    })?;
    visit.click("button", "Reload")?;
    until("the release after", 30, || Ok(kept(&visit).ok().filter(|names| names.contains("after")).map(drop)))?;
    only_own_origin(&visit.close_and_list_requests()?, &server)
}

/// Asks for the update: it is not taken, the page says so, and what was kept before is kept.
fn refused(visit: &Visit<'_>, before: &str, what: &str) -> Result<(), String> {
    ask_for_update(visit)?;
    until(&format!("the page to say that {what} was refused"), 30, || {
        let text = visit.all_text()?;
        if text.contains("A new version is ready") {
            return Err(format!("a release with {what} was installed and is offered"));
        }
        Ok(text.contains("A new version of Hone was not taken").then_some(()))
    })?;
    let waits =
        "return navigator.serviceWorker.getRegistration().then((found) => Boolean(found.waiting || found.installing));";
    // The page hears the reason a moment before the browser has given the release up.
    until(&format!("a release with {what} not to wait to take over"), 15, || {
        Ok((visit.session()?.run(waits, &json!([]))? == json!(false)).then_some(()))
    })?;
    match kept(visit)? {
        now if now == before => Ok(()),
        now => Err(format!("with {what}, {now} is kept instead of {before}")),
    }?;
    let served = "return fetch('boot.js').then((answer) => answer.text());";
    match visit.session()?.run(served, &json!([]))?.as_str() {
        Some(text) if !text.contains("exchanged") => visit.click("button", "Dismiss message"),
        other => Err(format!("with {what}, the page is served {other:?}")),
    }
}

fn ask_for_update(visit: &Visit<'_>) -> Result<(), String> {
    // That the update fails is what is being looked at.
    let ask = "return navigator.serviceWorker.getRegistration().then((found) => found.update()).then(() => null, () => null);";
    visit.session()?.run(ask, &json!([])).map(drop)
}

/// The names of the caches with a release's files.
fn kept(visit: &Visit<'_>) -> Result<String, String> {
    let names =
        "return caches.keys().then((names) => names.filter((name) => name.startsWith('hone-shell-')).join(' '));";
    let names: Value = visit.session()?.run(names, &json!([]))?;
    names.as_str().map(str::to_owned).ok_or_else(|| format!("the caches are {names}"))
}

/// Says what the check costs a start: the time to hash the page's own files.
fn measure(visit: &Visit<'_>) -> Result<(), String> {
    let script = "return caches.keys().then(async (names) => {
          const cache = await caches.open(names.find((name) => name.startsWith('hone-shell-')));
          const files = await Promise.all((await cache.matchAll()).map((response) => response.arrayBuffer()));
          const started = performance.now();
          await Promise.all(files.map((file) => crypto.subtle.digest('SHA-256', file)));
          const bytes = files.reduce((sum, file) => sum + file.byteLength, 0);
          return `${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, hashed in ${(performance.now() - started).toFixed(1)} ms`;
        });";
    let told = visit.session()?.run(script, &json!([]))?;
    println!("  what a release keeps: {}", told.as_str().unwrap_or_default());
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} can't be written: {error}", path.display()))
}
