//! What differs between the browsers; the rest of the journeys speaks the WebDriver standard.

pub mod chromium;
mod firefox;
mod webkit;

use crate::webdriver::{Element, Session};
use chromium::Chromium;
use firefox::Firefox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Child;
use webkit::WebKit;

/// What a browser is started with.
pub struct Start<'visit> {
    /// Where its profile is, or will be.
    pub profile: &'visit Path,
    /// Where downloads go.
    pub downloads: &'visit Path,
    /// Where it keeps a list of what it asks of the network, if it keeps one.
    pub network_log: Option<&'visit Path>,
    /// More arguments of its command line.
    pub arguments: &'visit [String],
}

/// A size of the page and a colour scheme, to take a picture in.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'name> {
    /// Width in CSS pixels; below 600 it is a phone's.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// `light` or `dark`.
    pub scheme: &'name str,
}

/// A screen of the X Window System that nobody sees. Ends with this value.
pub struct VirtualScreen {
    /// What it is called in DISPLAY.
    pub name: String,
    /// The server that draws it.
    pub process: Child,
}

impl Drop for VirtualScreen {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A kind of browser.
pub trait Browser: Sync {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Why a journey makes no sense in this browser, if it doesn't.
    fn leaves_out(&self, _journey: &str) -> Option<&'static str> {
        None
    }

    /// Whether its WebDriver server has two sessions at a time.
    fn runs_two_at_once(&self) -> bool {
        false
    }

    /// The browser and its WebDriver server, installed if need be.
    ///
    /// # Errors
    /// When they can't be installed: says what to install.
    fn programs(&self) -> Result<(PathBuf, PathBuf), String>;

    /// Arguments of the WebDriver server beyond its port.
    fn driver_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// A screen to show itself on, if it can't do without.
    ///
    /// # Errors
    /// When there can be none.
    fn screen(&self) -> Result<Option<VirtualScreen>, String> {
        Ok(None)
    }

    /// Why its console and its requests can't be watched, if they can't.
    fn unwatched(&self) -> Option<&'static str> {
        None
    }

    /// What a session is asked for, as WebDriver's `alwaysMatch`.
    fn capabilities(&self, program: &Path, start: &Start<'_>) -> Value;

    /// The name of the capability that tells the browser's process.
    fn process_capability(&self) -> &'static str;

    /// What must be done before the first page is opened.
    ///
    /// # Errors
    /// When the browser refuses it.
    fn prepare(&self, _session: &Session<'_>, _start: &Start<'_>) -> Result<(), String> {
        Ok(())
    }

    /// All elements with this role and accessible name (any name if `None`), as the browser's accessibility tree has them:
    /// what is hidden isn't there.
    ///
    /// # Errors
    /// When the page is just being replaced.
    fn find(&self, session: &Session<'_>, role: &str, name: Option<&str>) -> Result<Vec<Element>, String> {
        session.find_computed(role, name)
    }

    /// Errors of pages and workers on the console since the last call.
    ///
    /// # Errors
    /// When the browser is gone.
    fn console_errors(&self, session: &Session<'_>) -> Result<Vec<String>, String>;

    /// The addresses in a network log that pages and their workers asked for.
    fn requests_of_pages(&self, log: &str) -> Vec<String>;

    /// Answers the file dialog that `click` opens with these files, or with one folder.
    ///
    /// # Errors
    /// When no dialog opens.
    fn choose(
        &self,
        session: &Session<'_>,
        files: &[&Path],
        click: &dyn Fn() -> Result<(), String>,
    ) -> Result<(), String>;

    /// Gives the page this screen, or its own again.
    ///
    /// # Errors
    /// When the browser refuses it.
    fn emulate(&self, session: &Session<'_>, screen: Option<Screen<'_>>) -> Result<(), String>;
}

/// The browser of this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<&'static dyn Browser, String> {
    match name {
        "chromium" => Ok(&Chromium),
        "firefox" => Ok(&Firefox),
        "webkit" => Ok(&WebKit),
        other => Err(format!("there is no browser `{other}`; there are chromium, firefox and webkit")),
    }
}
