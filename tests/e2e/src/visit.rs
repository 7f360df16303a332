//! A visit to the app: a browser with its own profile, and what a person does in it, by roles and accessible names.

mod labels;

use crate::browser::{Screen, Start};
use crate::measure::trace;
use crate::webdriver::{Driver, Element, Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// WebDriver's code point for the Enter key.
pub const ENTER: &str = "\u{e007}";

/// Long enough for what should be there at once, on a busy machine.
pub const SOON: u64 = 15;
/// Long enough for files to be read and a model to be made.
const LATER: u64 = 180;

/// What starts browsers.
pub struct Programs {
    /// Where a picture goes of the screen at which a journey failed.
    pub screenshots: PathBuf,
    /// The WebDriver server, which starts the browser.
    pub driver: Driver,
}

/// A browser with its own profile. Both go with this value.
pub struct Visit<'programs> {
    programs: &'programs Programs,
    name: String,
    folder: PathBuf,
    session: Option<Session<'programs>>,
    starts: u32,
    /// What a browser that is measured is started with; `None` for a journey, whose network log is kept instead.
    measured: Option<Vec<String>>,
    keys: BTreeMap<String, String>,
}

impl<'programs> Visit<'programs> {
    /// Starts a browser with a fresh profile.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start(programs: &'programs Programs, name: &str) -> Result<Self, String> {
        Self::start_as(programs, name, None)
    }

    /// The same for a measurement: nothing is logged but, if it is named, a trace, which is there after [`Visit::close`].
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn measured(programs: &'programs Programs, name: &str, trace: Option<&Path>) -> Result<Self, String> {
        Self::start_as(programs, name, Some(trace.map_or_else(Vec::new, trace::arguments)))
    }

    fn start_as(programs: &'programs Programs, name: &str, measured: Option<Vec<String>>) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("hone-e2e-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("downloads")).map_err(|error| error.to_string())?;
        let mut visit = Visit {
            programs,
            name: name.to_owned(),
            folder,
            session: None,
            starts: 0,
            measured,
            keys: BTreeMap::new(),
        };
        visit.start_browser()?;
        Ok(visit)
    }

    fn start_browser(&mut self) -> Result<(), String> {
        let (profile, downloads) = (self.folder.join("profile"), self.folder.join("downloads"));
        fs::create_dir_all(&profile).map_err(|error| format!("{} can't be made: {error}", profile.display()))?;
        self.starts += 1;
        let log = self.measured.is_none().then(|| self.network_log(self.starts));
        let start = Start {
            profile: &profile,
            downloads: &downloads,
            network_log: log.as_deref(),
            arguments: self.measured.as_deref().unwrap_or_default(),
        };
        self.session = Some(Session::start(&self.programs.driver, &start)?);
        Ok(())
    }

    /// Each start of the browser writes a log of its own: a killed one's must not be lost.
    fn network_log(&self, start: u32) -> PathBuf {
        self.folder.join(format!("network-{start}.json"))
    }

    /// The browser.
    ///
    /// # Errors
    /// When it was closed.
    pub fn session(&self) -> Result<&Session<'programs>, String> {
        self.session.as_ref().ok_or_else(|| "the browser is closed".to_owned())
    }

    /// Why nothing is known of the browser's console and requests, if nothing is.
    pub fn unwatched(&self) -> Option<&'static str> {
        self.programs.driver.browser.unwatched()
    }

    /// Ends the browser as a person does.
    pub fn close(&mut self) {
        self.session = None;
    }

    /// Ends the browser as a person does, and starts a new one with the same profile.
    ///
    /// # Errors
    /// When the new one doesn't start.
    pub fn restart(&mut self) -> Result<(), String> {
        self.close();
        self.start_browser()
    }

    /// Kills the browser's process, without warning and without mercy, and starts a new one with the same profile.
    ///
    /// # Errors
    /// When the process doesn't end or the new one doesn't start.
    pub fn kill_and_restart(&mut self) -> Result<(), String> {
        let process = self.session()?.process()?.to_string();
        let killed = Command::new("kill").args(["-9", &process]).status().map_err(|error| error.to_string())?;
        if !killed.success() {
            return Err(format!("the browser's process {process} couldn't be killed"));
        }
        // The WebDriver server notices, and lets go of what is left of it.
        self.session = None;
        self.start_browser()
    }

    /// Everything that the page and its workers asked of the network, then the browser is closed.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn close_and_list_requests(&mut self) -> Result<Vec<String>, String> {
        self.session = None;
        let mut requests = Vec::new();
        for start in 1..=self.starts {
            let log = fs::read_to_string(self.network_log(start))
                .map_err(|error| format!("the network log can't be read: {error}"))?;
            requests.extend(self.programs.driver.browser.requests_of_pages(&log));
        }
        Ok(requests)
    }

    /// Waits for an element.
    ///
    /// # Errors
    /// When it isn't there soon.
    pub fn see(&self, role: &str, name: &str) -> Result<Element, String> {
        self.see_within(SOON, role, name)
    }

    /// Waits for an element that takes work to appear.
    ///
    /// # Errors
    /// When it isn't there in time.
    pub fn see_later(&self, role: &str, name: &str) -> Result<Element, String> {
        self.see_within(LATER, role, name)
    }

    fn see_within(&self, seconds: u64, role: &str, name: &str) -> Result<Element, String> {
        until(&format!("{role} “{name}”"), seconds, || Ok(self.find(role, name)))
    }

    /// The element, if it is there now.
    pub fn find(&self, role: &str, name: &str) -> Option<Element> {
        self.session().ok()?.find(role, Some(name)).ok()?.into_iter().next()
    }

    /// Waits for an element, then clicks it; tries again while it is being replaced.
    ///
    /// # Errors
    /// When that doesn't succeed soon.
    pub fn click(&self, role: &str, name: &str) -> Result<(), String> {
        self.click_any(&[role], name)
    }

    fn click_any(&self, roles: &[&str], name: &str) -> Result<(), String> {
        let mut last = "not there".to_owned();
        until(&format!("a click on {} “{name}”", roles.join(" or ")), SOON, || {
            let Some(element) = roles.iter().find_map(|role| self.find(role, name)) else { return Ok(None) };
            match self.session()?.click(&element) {
                Ok(()) => Ok(Some(())),
                Err(problem) => {
                    last = problem;
                    Ok(None)
                }
            }
        })
        .map_err(|problem| format!("{problem} ({last})"))
    }

    /// All text of the page, hidden or not.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn all_text(&self) -> Result<String, String> {
        let text = self.session()?.run("return document.body.textContent;", &json!([]))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Takes the messages off the screen, as a person who has read them.
    ///
    /// # Errors
    /// When the page is gone.
    pub fn dismiss_messages(&self) -> Result<(), String> {
        until("no message", SOON, || {
            let script = "const messages = [...document.querySelectorAll('.toast')];
                messages.forEach((message) => message.querySelector('[aria-label=\"Dismiss message\"]')?.click());
                return messages.length;";
            Ok((self.session()?.run(script, &json!([]))? == json!(0)).then_some(()))
        })
    }

    /// Takes a file away by the Export menu of the Data screen, then returns to the Label screen.
    ///
    /// # Errors
    /// When no file comes.
    pub fn export(&self, what: &str) -> Result<String, String> {
        self.click("link", "Data")?;
        self.click("button", "Export")?;
        let text = self.save(what)?;
        self.click("link", "Label")?;
        Ok(text)
    }

    /// Clicks what saves a file, and reads it.
    ///
    /// # Errors
    /// When no file comes.
    pub fn save(&self, what: &str) -> Result<String, String> {
        let file = self.save_file(what)?;
        fs::read_to_string(&file).map_err(|error| format!("{} can't be read: {error}", file.display()))
    }

    /// Clicks what saves a file, and tells where it is; the next one takes its place.
    ///
    /// # Errors
    /// When no file comes.
    pub fn save_file(&self, what: &str) -> Result<PathBuf, String> {
        let downloads = self.folder.join("downloads");
        let _ = fs::remove_dir_all(&downloads);
        fs::create_dir_all(&downloads).map_err(|error| error.to_string())?;
        self.click_any(&["menuitem", "button"], what)?;
        until(&format!("the file of “{what}”"), SOON, || Ok(finished_download(&downloads)))
    }

    /// Exports until `enough` is satisfied: predictions follow a moment after the labels.
    ///
    /// # Errors
    /// When it isn't in time.
    pub fn export_until<T>(&self, what: &str, mut enough: impl FnMut(&str) -> Option<T>) -> Result<T, String> {
        until(&format!("a complete “{what}”"), LATER, || Ok(enough(&self.export(what)?)))
    }

    /// Chooses files, or one folder, where a button opens the system's dialog.
    ///
    /// # Errors
    /// When the button opens none.
    pub fn choose(&self, button: &str, files: &[&Path]) -> Result<(), String> {
        self.programs.driver.browser.choose(self.session()?, files, &|| self.click("button", button))
    }

    /// Waits until the service worker has kept everything.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn ready_for_offline(&self) -> Result<(), String> {
        let script = "return navigator.serviceWorker.controller?.state ?? null;";
        until("the service worker to have kept the app", LATER, || {
            let state: Value = self.session()?.run(script, &json!([]))?;
            Ok((state == "activated").then_some(()))
        })
    }

    /// Stores a picture of the window in this size and colour scheme.
    ///
    /// # Errors
    /// When it can't be taken or stored.
    pub fn picture(&self, file: &Path, width: u32, scheme: &str) -> Result<(), String> {
        let session = self.session()?;
        let height = if width < 600 { 844 } else { 900 };
        let window_width = || session.run("return window.innerWidth;", &json!([]));
        let before = window_width()?;
        let browser = self.programs.driver.browser;
        browser.emulate(session, Some(Screen { width, height, scheme }))?;
        until("the picture's width", SOON, || Ok((window_width()? == json!(width)).then_some(())))?;
        // Two frames: one to lay out, one to paint.
        thread::sleep(Duration::from_millis(200));
        let picture = session.screenshot()?;
        browser.emulate(session, None)?;
        until("the window's own size", SOON, || Ok((window_width()? == before).then_some(())))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(file, picture))
            .map_err(|error| format!("{} can't be written: {error}", file.display()))
    }

    /// Pictures of the present screen, narrow and wide, light and dark.
    ///
    /// # Errors
    /// When one can't be taken.
    pub fn pictures(&self, folder: &Path, name: &str) -> Result<(), String> {
        for width in [390, 1440] {
            for scheme in ["light", "dark"] {
                self.picture(&folder.join(format!("{name}-{width}-{scheme}.png")), width, scheme)?;
            }
        }
        Ok(())
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        // A journey that came to its end has closed the browser.
        if let Some(session) = &self.session {
            for error in session.console_errors().unwrap_or_default() {
                println!("  console: {error}");
            }
            let _ =
                self.picture(&self.programs.screenshots.join(format!("unfinished-{}.png", self.name)), 1440, "light");
        }
        self.session = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Probes until there is something, at most this many seconds.
///
/// # Errors
/// When a probe fails, or time runs out.
pub fn until<T>(what: &str, seconds: u64, mut probe: impl FnMut() -> Result<Option<T>, String>) -> Result<T, String> {
    let started = Instant::now();
    loop {
        if let Some(found) = probe()? {
            return Ok(found);
        }
        if started.elapsed() > Duration::from_secs(seconds) {
            return Err(format!("waited {seconds} s in vain for {what}"));
        }
        thread::sleep(Duration::from_millis(40));
    }
}

fn finished_download(folder: &Path) -> Option<PathBuf> {
    let files: Vec<PathBuf> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // While a download runs, a browser keeps a hidden, `.crdownload` or `.part` file beside it; Firefox makes an empty file of
    // its name first.
    let unfinished =
        |path: &Path| path.extension().is_none_or(|extension| extension == "crdownload" || extension == "part");
    match files.as_slice() {
        [only] if !unfinished(only) && fs::metadata(only).is_ok_and(|file| file.len() > 0) => Some(only.clone()),
        _ => None,
    }
}
