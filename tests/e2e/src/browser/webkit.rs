//! WebKit, by WebKitGTK's driver and its small browser. The driver offers the standard and no more, so one journey is tried in it.

use super::{Browser, Screen, Start, VirtualScreen};
use crate::webdriver::Session;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// See the module.
pub struct WebKit;

const UNWATCHED: &str = "WebKit's driver tells nothing of the console and of requests";

impl Browser for WebKit {
    fn name(&self) -> &'static str {
        "WebKit"
    }

    fn leaves_out(&self, journey: &str) -> Option<&'static str> {
        (journey != "reload")
            .then_some("its driver tells neither requests nor the console, and can't choose files or kill the browser")
    }

    fn programs(&self) -> Result<(PathBuf, PathBuf), String> {
        xtask::setup::browser::WebKit::find_or_install().map(|found| (found.browser, found.driver))
    }

    fn screen(&self) -> Result<Option<VirtualScreen>, String> {
        // It has no mode without a screen. The server chooses a free number and writes it.
        let mut process = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xvfb can't be started, on whose screen WebKit would be: {error}"))?;
        let mut number = String::new();
        if let Some(output) = process.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut number);
        }
        let screen = VirtualScreen { name: format!(":{}", number.trim()), process };
        if number.trim().is_empty() { Err("Xvfb ended without a screen".to_owned()) } else { Ok(Some(screen)) }
    }

    fn unwatched(&self) -> Option<&'static str> {
        Some(UNWATCHED)
    }

    /// A browser that is automated keeps nothing beyond its end: it needs no profile.
    fn capabilities(&self, program: &Path, _start: &Start<'_>) -> Value {
        json!({ "webkitgtk:browserOptions": { "binary": program, "args": ["--automation"] } })
    }

    fn process_capability(&self) -> &'static str {
        "webkitgtk:processID"
    }

    fn prepare(&self, session: &Session<'_>, _start: &Start<'_>) -> Result<(), String> {
        self.emulate(session, None)
    }

    fn console_errors(&self, _session: &Session<'_>) -> Result<Vec<String>, String> {
        Err(UNWATCHED.to_owned())
    }

    fn requests_of_pages(&self, _log: &str) -> Vec<String> {
        Vec::new()
    }

    fn choose(
        &self,
        _session: &Session<'_>,
        _files: &[&Path],
        _click: &dyn Fn() -> Result<(), String>,
    ) -> Result<(), String> {
        Err("files can't be chosen in WebKit: its driver doesn't reach the system's dialog".to_owned())
    }

    fn emulate(&self, session: &Session<'_>, screen: Option<Screen<'_>>) -> Result<(), String> {
        let screen = screen.unwrap_or(Screen { width: 1440, height: 900, scheme: "light" });
        if screen.scheme != "light" {
            return Err("WebKit's driver can't change the colour scheme".to_owned());
        }
        session.post("/window/rect", &json!({ "width": screen.width, "height": screen.height })).map(drop)
    }
}
