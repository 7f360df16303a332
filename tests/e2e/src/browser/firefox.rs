//! Firefox, by geckodriver. Where the WebDriver standard doesn't reach, a script runs in the browser's own context, as the
//! scripts of Firefox's own tests do: the list of requests, the file dialog, the page's size and colour scheme.

use super::{Browser, Screen, Start};
use crate::visit::{SOON, until};
use crate::webdriver::Session;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// See the module.
pub struct Firefox;

/// Values of the preference that decides what `prefers-color-scheme` says.
const DARK: u32 = 0;
const LIGHT: u32 = 1;

/// Runs a function body in the browser's own context.
fn in_the_browser(session: &Session<'_>, script: &str, arguments: &Value) -> Result<Value, String> {
    session.post("/moz/context", &json!({ "context": "chrome" }))?;
    let done = session.run(script, arguments);
    session.post("/moz/context", &json!({ "context": "content" }))?;
    done
}

impl Browser for Firefox {
    fn name(&self) -> &'static str {
        "Firefox"
    }

    fn leaves_out(&self, journey: &str) -> Option<&'static str> {
        let without_a_browser = journey.starts_with("site-") || journey == "mlflow-script";
        without_a_browser.then_some("no browser takes part in it")
    }

    fn programs(&self) -> Result<(PathBuf, PathBuf), String> {
        xtask::setup::browser::Firefox::find_or_install().map(|found| (found.firefox, found.driver))
    }

    fn driver_arguments(&self) -> &'static [&'static str] {
        // Without it no script may run in the browser's own context.
        &["--allow-system-access"]
    }

    fn capabilities(&self, program: &Path, start: &Start<'_>) -> Value {
        let mut arguments = vec!["-headless".to_owned(), "-profile".to_owned(), start.profile.display().to_string()];
        arguments.extend(start.arguments.iter().cloned());
        json!({
            "moz:firefoxOptions": {
                "binary": program,
                "args": arguments,
                "prefs": {
                    // 2: the folder that follows.
                    "browser.download.folderList": 2,
                    "browser.download.dir": start.downloads,
                    "browser.download.alwaysOpenPanel": false,
                    // What pages and workers say on the console goes to geckodriver's output, too; not what Firefox itself says.
                    "devtools.console.stdout.content": true,
                    "devtools.console.stdout.chrome": false,
                    // A question whose button can't be pressed at once would be answered in vain.
                    "security.dialog_enable_delay": 0,
                    "layout.css.prefers-color-scheme.content-override": LIGHT,
                },
            },
        })
    }

    fn process_capability(&self) -> &'static str {
        "moz:processID"
    }

    fn prepare(&self, session: &Session<'_>, start: &Start<'_>) -> Result<(), String> {
        if let Some(log) = start.network_log {
            in_the_browser(session, include_str!("firefox_requests.js"), &json!([log]))?;
        }
        // The window's own bars take 86 of its height.
        session.post("/window/rect", &json!({ "width": 1440, "height": 986 })).map(drop)
    }

    /// Exceptions, and what the browser says of a page, are kept by the browser; what a page says itself is in the output.
    fn console_errors(&self, session: &Session<'_>) -> Result<Vec<String>, String> {
        let kept = in_the_browser(session, include_str!("firefox_errors.js"), &json!([]))?;
        let kept = kept.as_array().into_iter().flatten().filter_map(|error| error.as_str().map(str::to_owned));
        Ok(kept.chain(said_by_pages(&session.driver_output()?)).collect())
    }

    /// The log has one request a line; the browser's own have the system as their principal.
    fn requests_of_pages(&self, log: &str) -> Vec<String> {
        let requests = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut urls: Vec<String> = requests
            .filter(|request| request["system"] == false)
            .filter_map(|request| request["url"].as_str().map(str::to_owned))
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
        in_the_browser(session, include_str!("firefox_picker.js"), &json!([files]))?;
        click()?;
        if files.iter().any(|file| file.is_dir()) {
            // Firefox asks whether all these files may go to the page. Any command but these would dismiss the question.
            until("Firefox's question about the folder", SOON, || Ok(session.get("/alert/text").ok()))?;
            session.post("/alert/accept", &json!({}))?;
        }
        let opened = "return Services.wm.getMostRecentWindow('navigator:browser').honePicker.opened;";
        until(
            "a file chooser",
            SOON,
            || Ok((in_the_browser(session, opened, &json!([]))? == json!(true)).then_some(())),
        )
    }

    fn emulate(&self, session: &Session<'_>, screen: Option<Screen<'_>>) -> Result<(), String> {
        // A window can't be narrower than its own bars, but the page in it can.
        let script = "const [width, height, scheme] = arguments;
            const { style } = Services.wm.getMostRecentWindow('navigator:browser').gBrowser.selectedBrowser;
            style.minWidth = style.maxWidth = width ? `${width}px` : '';
            style.minHeight = style.maxHeight = height ? `${height}px` : '';
            Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', scheme);";
        let arguments = match screen {
            Some(Screen { width, height, scheme }) => {
                json!([width, height, if scheme == "dark" { DARK } else { LIGHT }])
            }
            None => json!([null, null, LIGHT]),
        };
        in_the_browser(session, script, &arguments).map(drop)
    }
}

/// What pages and workers wrote by `console.error`, in the browser's output. There an argument stands as source text, such as
/// a string in quotes; a part of the browser itself puts its own name there instead.
fn said_by_pages(output: &str) -> impl Iterator<Item = String> {
    let is_name = |text: &str| {
        text.split_once(':')
            .is_some_and(|(name, _)| name.chars().all(|letter| letter.is_alphanumeric() || letter == '.'))
    };
    output.lines().filter_map(move |line| {
        let said = line.strip_prefix("console.error: ")?;
        (!is_name(said)).then(|| said.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::{Browser, Firefox, said_by_pages};

    #[test]
    fn tells_the_pages_requests_from_the_browsers_own() {
        let log = "{\"system\":true,\"url\":\"https://update.example/\"}\n\
                   {\"system\":false,\"url\":\"http://127.0.0.1:1/a.js\"}\n\
                   {\"system\":false,\"url\":\"http://127.0.0.1:1/a.js\"}\n{\"system\":false,\"ur";
        assert_eq!(Firefox.requests_of_pages(log), ["http://127.0.0.1:1/a.js"]);
    }

    #[test]
    fn tells_what_pages_say_from_what_the_browser_says() {
        let output = "console.warn: \"a warning\"\nconsole.error: RSLoader: \n  Failed\nconsole.error: \"panicked: at 5\" 7\n\
                      console.error: (new Error(\"x: y\", \"a.js\", 1))\n";
        let said: Vec<String> = said_by_pages(output).collect();
        assert_eq!(said, ["\"panicked: at 5\" 7", "(new Error(\"x: y\", \"a.js\", 1))"]);
    }
}
