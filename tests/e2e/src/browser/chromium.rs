//! Chromium, by ChromeDriver, and by the Chrome DevTools Protocol where the WebDriver standard doesn't reach.

use super::{Browser, Screen, Start};
use crate::visit::{SOON, until};
use crate::webdriver::{Element, Session};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// See the module.
pub struct Chromium;

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
];

/// A command of the Chrome DevTools Protocol.
///
/// # Errors
/// When the browser refuses it.
pub fn devtools(session: &Session<'_>, command: &str, parameters: &Value) -> Result<Value, String> {
    session.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
}

impl Browser for Chromium {
    fn name(&self) -> &'static str {
        "Chromium"
    }

    fn runs_two_at_once(&self) -> bool {
        true
    }

    fn programs(&self) -> Result<(PathBuf, PathBuf), String> {
        xtask::setup::browser::Browser::find_or_install().map(|found| (found.chromium, found.driver))
    }

    fn capabilities(&self, program: &Path, start: &Start<'_>) -> Value {
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", start.profile.display()));
        arguments.extend(start.network_log.map(|log| format!("--log-net-log={}", log.display())));
        arguments.extend(start.arguments.iter().cloned());
        json!({
            "goog:chromeOptions": {
                "binary": program,
                "args": arguments,
                "prefs": { "download.default_directory": start.downloads, "download.prompt_for_download": false },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        })
    }

    fn process_capability(&self) -> &'static str {
        "goog:processID"
    }

    fn find(&self, session: &Session<'_>, role: &str, name: Option<&str>) -> Result<Vec<Element>, String> {
        let document = devtools(session, "DOM.getDocument", &json!({ "depth": 0 }))?;
        let mut query = json!({ "nodeId": document["root"]["nodeId"], "role": role });
        if let Some(name) = name {
            query["accessibleName"] = json!(name);
        }
        let found = devtools(session, "Accessibility.queryAXTree", &query)?;
        let nodes = found["nodes"].as_array().cloned().unwrap_or_default();
        let mut elements = Vec::new();
        for node in nodes.iter().filter(|node| node["ignored"] != json!(true)) {
            let element = element(session, &node["backendDOMNodeId"])?;
            // The accessibility tree may lag behind a change of layout: rail and bottom bar have links of the same names.
            let displayed =
                session.run("return arguments[0].checkVisibility();", &json!([Session::argument(&element)]));
            if displayed.is_ok_and(|displayed| displayed == json!(true)) {
                elements.push(element);
            }
        }
        Ok(elements)
    }

    fn console_errors(&self, session: &Session<'_>) -> Result<Vec<String>, String> {
        let entries = session.post("/se/log", &json!({ "type": "browser" }))?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        Ok(severe.filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect())
    }

    /// The log has one event a line; the browser's own requests have no origin as their initiator.
    fn requests_of_pages(&self, log: &str) -> Vec<String> {
        let field = |line: &str, name: &str| {
            let after = line.split_once(&format!("\"{name}\":\""))?.1;
            Some(after.split('"').next()?.to_owned())
        };
        let mut urls: Vec<String> = log
            .lines()
            .filter(|line| field(line, "initiator").is_some_and(|initiator| initiator.contains("://")))
            .filter_map(|line| field(line, "url"))
            .collect();
        urls.sort();
        urls.dedup();
        urls
    }

    fn choose(
        &self,
        session: &Session<'_>,
        files: &[&Path],
        click: &dyn Fn() -> Result<(), String>,
    ) -> Result<(), String> {
        // A headless browser has no such dialog: catch the input that asks for it and answer in its stead.
        let catch = "for (const method of ['click', 'showPicker']) {
              const usual = HTMLInputElement.prototype[method];
              HTMLInputElement.prototype[method] = function () {
                if (this.type === 'file') window.fileChooser = this; else usual.call(this);
              };
            }";
        session.run(catch, &json!([]))?;
        click()?;
        let chooser = until("a file chooser", SOON, || {
            let found = devtools(session, "Runtime.evaluate", &json!({ "expression": "window.fileChooser" }))?;
            Ok(found["result"]["objectId"].as_str().map(str::to_owned))
        })?;
        devtools(session, "DOM.setFileInputFiles", &json!({ "objectId": chooser, "files": files })).map(drop)
    }

    fn emulate(&self, session: &Session<'_>, screen: Option<Screen<'_>>) -> Result<(), String> {
        let Some(Screen { width, height, scheme }) = screen else {
            devtools(session, "Emulation.clearDeviceMetricsOverride", &json!({}))?;
            return devtools(session, "Emulation.setEmulatedMedia", &json!({ "features": [] })).map(drop);
        };
        devtools(
            session,
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        )?;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        devtools(session, "Emulation.setEmulatedMedia", &features).map(drop)
    }
}

/// The accessibility tree and WebDriver number elements differently; they meet in a variable of the page.
fn element(session: &Session<'_>, backend_node: &Value) -> Result<Element, String> {
    let object = devtools(session, "DOM.resolveNode", &json!({ "backendNodeId": backend_node }))?;
    devtools(
        session,
        "Runtime.callFunctionOn",
        &json!({
            "objectId": object["object"]["objectId"],
            "functionDeclaration": "function () { window.elementFound = this; }",
        }),
    )?;
    let element =
        session.run("const found = window.elementFound; delete window.elementFound; return found;", &json!([]))?;
    Element::read(&element).ok_or_else(|| "an element went away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Browser, Chromium};

    #[test]
    fn tells_the_pages_requests_from_the_browsers_own() {
        let log = "{\"params\":{\"initiator\":\"not an origin\",\"url\":\"https://update.example/\"},\"phase\":1}\n\
                   {\"params\":{\"initiator\":\"http://127.0.0.1:1\",\"url\":\"http://127.0.0.1:1/a.js\"},\"phase\":1}\n\
                   {\"params\":{\"url\":\"https://other.example/\"},\"phase\":2}\n";
        assert_eq!(Chromium.requests_of_pages(log), ["http://127.0.0.1:1/a.js"]);
    }
}
