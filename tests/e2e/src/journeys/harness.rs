//! The journeys find no error on the console and no request to elsewhere. That says something only if they would find them.

use super::{Surroundings, only_own_origin};
use crate::visit::{Visit, until};
use std::fs;
use std::path::Path;
use xtask::server::Server;

/// Opens a page that does all that the app must not do.
pub fn nothing_escapes(surroundings: &Surroundings) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("hone-harness-{}", std::process::id()));
    let done = in_folder(surroundings, &folder);
    let _ = fs::remove_dir_all(&folder);
    done
}

fn in_folder(surroundings: &Surroundings, folder: &Path) -> Result<(), String> {
    let serve = || Server::start(folder, 0, "/").map_err(|error| format!("the page can't be served: {error}"));
    let (server, elsewhere) = (serve()?, serve()?);
    let other = elsewhere.url();
    let worker = format!(
        "console.error('said by the worker'); fetch('{other}from-worker').catch(() => {{}});
         fetch('own_bg.wasm').finally(() => {{ postMessage(1); throw new Error('thrown in the worker'); }});"
    );
    let script = format!(
        "console.error('said by the page'); fetch('{other}from-page').catch(() => {{}});
         new Worker('worker.js').onmessage = () => setTimeout(() => {{
           document.body.append('done'); throw new Error('thrown in the page');
         }}, 500);"
    );
    let page = "<!doctype html><title>No good</title><link rel=icon href=data:,><body><script src=page.js></script>
        <button>Seen</button> <button aria-label='Seen'>by another name</button> <button>Seen by more</button>
        <button hidden>Seen</button> <button style='visibility: hidden'>Seen</button> <a>Seen</a>
        <div aria-hidden=true><button>Seen</button></div> <div inert><button>Seen</button></div>";
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join("index.html"), page))
        .and_then(|()| fs::write(folder.join("page.js"), script))
        .and_then(|()| fs::write(folder.join("worker.js"), worker))
        .and_then(|()| fs::write(folder.join("own_bg.wasm"), "nothing"))
        .map_err(|error| format!("the page can't be written: {error}"))?;

    let mut visit = Visit::start(&surroundings.programs, "harness")?;
    visit.session()?.open(&server.url())?;
    until("the page's end", 15, || Ok(visit.all_text()?.contains("done").then_some(())))?;
    let seen = visit.session()?.find("button", Some("Seen"))?.len();
    if seen != 2 {
        return Err(format!("{seen} buttons are found by their name, not the 2 that can be seen"));
    }
    let expected = ["said by the page", "said by the worker", "thrown in the page", "thrown in the worker"];
    let mut errors = String::new();
    until("all errors on the console", 15, || {
        errors.push_str(&visit.session()?.console_errors()?.join("\n"));
        Ok(expected.iter().all(|error| errors.contains(error)).then_some(()))
    })
    .map_err(|problem| format!("{problem}, but only:\n{errors}"))?;

    let requests = visit.close_and_list_requests()?;
    for name in ["from-page", "from-worker"] {
        if !requests.contains(&format!("{other}{name}")) {
            return Err(format!("the request {name} is not in the network log: {requests:?}"));
        }
    }
    match only_own_origin(&requests, &server) {
        Err(_) => Ok(()),
        Ok(()) => Err("requests to another origin are not told from others".to_owned()),
    }
}
