//! The worker stops, or its storage fails, in every way that a browser has: nothing that was acknowledged is lost, nothing that was pressed
//! is dropped without a word, and each message is true.

use super::{Surroundings, stored_decisions};
use crate::altered::Altered;
use crate::visit::{Visit, until};
use serde_json::json;
use std::time::Duration;

const FAULTS: &str = include_str!("../faults.js");
/// Notes when the page says that its worker was started again: the message goes by itself.
const LISTEN: &str = "const begun = performance.now();
    window.restartedAfter = null;
    new MutationObserver((changes, observer) => {
      if (!document.querySelector('.toasts').textContent.includes('was started again')) return;
      window.restartedAfter = performance.now() - begun;
      observer.disconnect();
    }).observe(document.querySelector('.toasts'), { childList: true, subtree: true, characterData: true });";
const CLASSES: [&str; 2] = ["Adelie", "Gentoo"];

/// The worker throws, closes itself, loops for ever, and runs out of memory, each in the middle of labelling.
pub fn of_the_worker(surroundings: &Surroundings) -> Result<(), String> {
    let site = Altered::copy(&surroundings.dist, "worker-faults")?;
    site.with_faults(FAULTS)?;
    let server = site.serve()?;
    let mut visit = Visit::start(&surroundings.programs, "worker-faults")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    let mut made = 0;
    for stop in ["throw", "close", "loop", "memory"] {
        for class in CLASSES {
            visit.label(class)?;
            made += 1;
        }
        visit.all_saved()?;
        visit.session()?.run(LISTEN, &json!([]))?;
        ask(&visit, &format!("{{ stop: '{stop}' }}"))?;
        // What a person does who noticed nothing. The memory is missed by whatever comes next that needs some.
        for class in CLASSES {
            visit.label(class).map_err(|problem| format!("after {stop}: {problem}"))?;
            made += 1;
        }
        let found = until(&format!("that the worker stopped ({stop})"), 60, || {
            Ok(visit.session()?.run("return window.restartedAfter;", &json!([]))?.as_f64())
        })?;
        // Nothing but the silence tells of two of them; a loaded machine answers later.
        if found > 15_000.0 {
            return Err(format!("{stop} was noticed only after {:.1} s", found / 1000.0));
        }
        visit.all_saved()?;
        let stored = stored_decisions(&visit)?;
        if stored != made {
            return Err(format!("after {stop}: {stored} decisions are stored, not {made}"));
        }
        println!("  worker-faults: {stop} noticed after {:.1} s, {stored} decisions", found / 1000.0);
        visit.dismiss_messages()?;
    }
    let strangers: Vec<String> = visit
        .session()?
        .console_errors()?
        .into_iter()
        .filter(|error| {
            !["injected", "session worker failed", "unreachable", "memory", "panicked"]
                .iter()
                .any(|own| error.contains(own))
        })
        .collect();
    match strangers.is_empty() {
        true => {
            visit.close();
            Ok(())
        }
        false => Err(format!("errors on the console:\n  {}", strangers.join("\n  "))),
    }
}

/// What brings a fault about, or ends it.
type Doing = fn(&Visit<'_>) -> Result<(), String>;

/// A way in which the storage fails while a label is stored.
struct Fault {
    name: &'static str,
    /// Brings it about.
    begin: Doing,
    /// What is said then.
    says: &'static str,
    /// Ends it; nothing if only loading the page again can.
    end: Option<Doing>,
}

const TABLE: [Fault; 5] = [
    Fault {
        name: "full",
        begin: |visit| ask(visit, "{ write: 'full' }"),
        says: "storage is full",
        end: Some(|visit| ask(visit, "{ write: null }")),
    },
    Fault {
        name: "write-throws",
        begin: |visit| ask(visit, "{ write: 'throws' }"),
        says: "storage did not answer",
        end: Some(|visit| ask(visit, "{ write: null }")),
    },
    Fault {
        name: "write-aborts",
        begin: |visit| ask(visit, "{ write: 'aborts' }"),
        says: "storage did not answer",
        end: Some(|visit| ask(visit, "{ write: null }")),
    },
    Fault {
        name: "connection-closed",
        begin: |visit| ask(visit, "{ write: 'closes' }"),
        says: "The browser closed Hone’s storage",
        end: None,
    },
    Fault {
        name: "newer-schema",
        begin: |visit| {
            let open = "window.newer = null;
                indexedDB.open('hone', 99).onsuccess = ({ target }) => { target.result.close(); window.newer = 'open'; };";
            visit.session()?.run(open, &json!([]))?;
            until("the newer schema", 30, || {
                Ok((visit.session()?.run("return window.newer;", &json!([]))? == json!("open")).then_some(()))
            })
        },
        says: "A newer version of Hone has been opened",
        end: None,
    },
];

/// Each fault while labels are stored, then those in which the storage can't be opened.
pub fn of_the_storage(surroundings: &Surroundings) -> Result<(), String> {
    let site = Altered::copy(&surroundings.dist, "storage-faults")?;
    site.with_faults(FAULTS)?;
    let server = site.serve()?;
    let mut visit = Visit::start(&surroundings.programs, "storage-faults")?;
    visit.session()?.open(&server.url())?;
    visit.open_demo("penguins")?;
    let mut stored = 0;
    for fault in &TABLE {
        let at = |problem: String| format!("{}: {problem}", fault.name);
        visit.label(CLASSES[0])?;
        visit.all_saved().map_err(at)?;
        stored += 1;
        (fault.begin)(&visit).map_err(at)?;
        for class in CLASSES {
            visit.label(class).map_err(at)?;
        }
        until("what is not saved", 30, || Ok(visit.all_text()?.contains("2 not saved").then_some(()))).map_err(at)?;
        let text = visit.all_text()?;
        if !text.contains(fault.says) {
            return Err(at(format!("the page doesn't say “{}”", fault.says)));
        }
        for other in TABLE.iter().filter(|other| other.says != fault.says) {
            if text.contains(other.says) {
                return Err(at(format!("the page says “{}”, which is not so", other.says)));
            }
        }
        // Whatever it is: what is on the page can be taken away.
        let log = visit.save("Save as a file").map_err(at)?;
        let labels = log.lines().filter(|line| line.contains("\"label\":")).count() as u64;
        match fault.end {
            Some(end) => {
                if labels != stored + 2 {
                    return Err(at(format!("{labels} labels are in the file, not {}", stored + 2)));
                }
                end(&visit).map_err(at)?;
                visit.click("button", "Save again").map_err(at)?;
                visit.all_saved().map_err(at)?;
                stored += 2;
            }
            None if fault.name == "newer-schema" => {
                println!("  storage-faults: {} is said; {labels} labels in the file", fault.name);
                break;
            }
            None => {
                visit.session()?.open("about:blank")?;
                visit.session()?.open(&server.url())?;
                visit.open_project("Demo: penguins").map_err(at)?;
            }
        }
        let found = stored_decisions(&visit).map_err(at)?;
        if found != stored {
            return Err(at(format!("{found} decisions are stored, not {stored}")));
        }
        println!("  storage-faults: {} is said and {stored} decisions are stored", fault.name);
        visit.dismiss_messages()?;
    }
    visit.close();
    cannot_open(surroundings)
}

/// No database at all; one whose layout fails half-way; one that an older release holds open in another tab.
fn cannot_open(surroundings: &Surroundings) -> Result<(), String> {
    for (name, script, says) in [
        (
            "absent",
            "Object.defineProperty(self, 'indexedDB', { value: undefined });",
            "This browser offers no storage to this page",
        ),
        (
            "fails-half-way",
            "const create = IDBDatabase.prototype.createObjectStore;
             IDBDatabase.prototype.createObjectStore = function (name, ...asked) {
               if (name === 'runs') throw new DOMException('injected', 'UnknownError');
               return create.call(this, name, ...asked);
             };",
            "storage did not answer",
        ),
    ] {
        let site = Altered::copy(&surroundings.dist, name)?;
        site.with_faults(&format!("{FAULTS}\n{script}"))?;
        let server = site.serve()?;
        let visit = Visit::start(&surroundings.programs, name)?;
        visit.session()?.open(&server.url())?;
        until(&format!("that storage is {name}"), 60, || Ok(visit.all_text()?.contains(says).then_some(())))?;
        visit.pictures(&surroundings.screenshots, &format!("storage-{name}"))?;
        // Pressing on leads nowhere, and says so again.
        visit.click("button", "Open the demo: penguins")?;
        until("that nothing is begun", 30, || Ok(visit.all_text()?.contains(says).then_some(())))?;
        println!("  storage-faults: {name} is said");
    }
    let server = surroundings.serve("/")?;
    let visit = Visit::start(&surroundings.programs, "blocked")?;
    // Of the same origin, but not Hone: it never lets go of what it opened.
    visit.session()?.open(&format!("{}boot.js", server.url()))?;
    let hold = "window.held = null;
        indexedDB.open('hone', 1).onsuccess = ({ target }) => { window.held = target.result; };
        window.open('./');";
    visit.session()?.run(hold, &json!([]))?;
    until("the older schema", 30, || {
        Ok((visit.session()?.run("return window.held !== null;", &json!([]))? == json!(true)).then_some(()))
    })?;
    let older = until("the other window", 30, || visit.session()?.enter_other_window())?;
    until("that another tab holds the storage", 60, || {
        Ok(visit.all_text()?.contains("in the form of an earlier release").then_some(()))
    })?;
    visit.pictures(&surroundings.screenshots, "storage-blocked")?;
    visit.session()?.turn_to(&older)?;
    visit.session()?.run("window.held.close();", &json!([]))?;
    visit.session()?.enter_other_window()?.ok_or("the other window is gone")?;
    // A database of a schema that never was, but for its version: the migration does what it can, or says that it can't.
    until("that it goes on by itself", 60, || {
        let text = visit.all_text()?;
        Ok((visit.find("button", "Open the demo: penguins").is_some() || text.contains("storage did not answer"))
            .then_some(()))
    })?;
    println!("  storage-faults: blocked is said");
    Ok(())
}

fn ask(visit: &Visit<'_>, what: &str) -> Result<(), String> {
    let script = format!("window.faults ??= new BroadcastChannel('hone-faults'); window.faults.postMessage({what});");
    visit.session()?.run(&script, &json!([]))?;
    // It travels by a channel of its own.
    std::thread::sleep(Duration::from_millis(200));
    Ok(())
}
