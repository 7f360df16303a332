//! A small blocking WebDriver client. See <https://www.w3.org/TR/webdriver2/>; what the standard doesn't have is in
//! [`crate::browser`].

use crate::browser::{Browser, Start, VirtualScreen};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The name under which WebDriver passes elements around.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running WebDriver server; ends with this value.
pub struct Driver {
    /// The kind of browser that it drives.
    pub browser: &'static dyn Browser,
    /// The browser's program.
    program: PathBuf,
    process: Child,
    /// What the browser shows itself on, for as long as the server runs.
    _screen: Option<VirtualScreen>,
    /// Holds what the server and its browsers write.
    output: PathBuf,
    address: String,
    agent: ureq::Agent,
}

impl Driver {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When it or its browser can't be installed or started, or it doesn't answer within ten seconds.
    pub fn start(browser: &'static dyn Browser) -> Result<Driver, String> {
        let (program, server) = browser.programs()?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let output = std::env::temp_dir().join(format!("hone-e2e-{}-driver.log", std::process::id()));
        let file = File::create(&output).map_err(|error| format!("{} can't be made: {error}", output.display()))?;
        let too = file.try_clone().map_err(|error| error.to_string())?;
        let screen = browser.screen()?;
        let process = Command::new(&server)
            .arg(format!("--port={port}"))
            .args(browser.driver_arguments())
            .envs(screen.iter().map(|screen| ("DISPLAY", screen.name.as_str())))
            .stdout(Stdio::from(file))
            .stderr(Stdio::from(too))
            .spawn()
            .map_err(|error| format!("{} can't be started: {error}", server.display()))?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(300)))
            .build()
            .new_agent();
        let address = format!("http://127.0.0.1:{port}");
        let driver = Driver { browser, program, process, _screen: screen, output, address, agent };
        let started = Instant::now();
        while driver.call("GET", "/status", &Value::Null).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                let said = fs::read_to_string(&driver.output).unwrap_or_default();
                return Err(format!("{} doesn't answer; it said:\n{said}", server.display()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(driver)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.address);
        let answer = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).send_json(body),
        };
        let mut answer = answer.map_err(|error| format!("{path}: {error}"))?;
        let mut value: Value =
            answer.body_mut().with_config().limit(256 << 20).read_json().map_err(|error| format!("{path}: {error}"))?;
        let value = value["value"].take();
        match value["error"].as_str() {
            Some(kind) => Err(format!(
                "{kind}: {}",
                value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default()
            )),
            None => Ok(value),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.output);
    }
}

/// An element of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Element(String);

impl Element {
    /// The element that a script gave.
    pub fn read(value: &Value) -> Option<Element> {
        value[ELEMENT].as_str().map(|id| Element(id.to_owned()))
    }
}

/// A window or tab of the browser.
#[derive(Debug, Clone, PartialEq)]
pub struct Window(Value);

/// A browser under control; ends with this value.
pub struct Session<'driver> {
    driver: &'driver Driver,
    path: String,
    process: Option<u64>,
    /// How much of the driver's output has been read.
    read: Cell<usize>,
}

impl<'driver> Session<'driver> {
    /// Starts a browser.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start(driver: &'driver Driver, start: &Start<'_>) -> Result<Self, String> {
        let browser = driver.browser;
        let wanted = json!({ "capabilities": { "alwaysMatch": browser.capabilities(&driver.program, start) }});
        let output = fs::metadata(&driver.output).map_or(0, |file| file.len() as usize);
        let started = driver
            .call("POST", "/session", &wanted)
            .map_err(|problem| format!("{} doesn't start: {problem}", browser.name()))?;
        let id = started["sessionId"].as_str().ok_or("the WebDriver server gave no session")?;
        let process = started["capabilities"][browser.process_capability()].as_u64();
        let session = Session { driver, path: format!("/session/{id}"), process, read: Cell::new(output) };
        browser.prepare(&session, start)?;
        Ok(session)
    }

    /// The browser's process.
    ///
    /// # Errors
    /// When the WebDriver server didn't tell it.
    pub fn process(&self) -> Result<u64, String> {
        self.process.ok_or_else(|| format!("the driver of {} doesn't tell its process", self.driver.browser.name()))
    }

    /// What the WebDriver server and the browser have written since the last call.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn driver_output(&self) -> Result<String, String> {
        let all =
            fs::read(&self.driver.output).map_err(|error| format!("the driver's output can't be read: {error}"))?;
        // A line that isn't finished is read the next time.
        let end = all.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
        let from = self.read.replace(end).min(end);
        Ok(String::from_utf8_lossy(&all[from..end]).into_owned())
    }

    /// A command of this session that only asks.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub fn get(&self, path: &str) -> Result<Value, String> {
        self.driver.call("GET", &format!("{}{path}", self.path), &Value::Null)
    }

    /// A command of this session.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.driver.call("POST", &format!("{}{path}", self.path), body)
    }

    /// Opens an address and waits until it has loaded.
    ///
    /// # Errors
    /// When it doesn't load.
    pub fn open(&self, url: &str) -> Result<(), String> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Loads the present address again.
    ///
    /// # Errors
    /// When it doesn't load.
    pub fn reload(&self) -> Result<(), String> {
        self.post("/refresh", &json!({})).map(drop)
    }

    /// Runs a function body in the page, with arguments, and gives what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub fn run(&self, script: &str, arguments: &Value) -> Result<Value, String> {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// All elements with this role and accessible name (any name if `None`), as the browser's accessibility tree has
    /// them: what is hidden isn't there.
    ///
    /// # Errors
    /// When the page is just being replaced.
    pub fn find(&self, role: &str, name: Option<&str>) -> Result<Vec<Element>, String> {
        self.driver.browser.find(self, role, name)
    }

    /// The same by the standard alone. It can't search by role or name, only tell those of an element. So a script names the few
    /// elements that can have them, and the browser is asked about each. One that goes away meanwhile was about to be replaced.
    ///
    /// # Errors
    /// When the page is just being replaced.
    pub fn find_computed(&self, role: &str, name: Option<&str>) -> Result<Vec<Element>, String> {
        for _ in 0..4 {
            if let Ok((found, true)) = self.find_computed_once(role, name) {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(30));
        }
        self.find_computed_once(role, name).map(|(found, _)| found)
    }

    /// Also tells whether the browser knows all candidates: one that is new comes into the accessibility tree a little later.
    fn find_computed_once(&self, role: &str, name: Option<&str>) -> Result<(Vec<Element>, bool), String> {
        let candidates = self.run(include_str!("candidates.js"), &json!([role, name]))?;
        let (mut found, mut all_known) = (Vec::new(), true);
        for element in candidates.as_array().into_iter().flatten().filter_map(Element::read) {
            let computed = |what: &str| {
                let value = self.get(&format!("/element/{}/{what}", element.0))?;
                Ok::<String, String>(value.as_str().unwrap_or_default().to_owned())
            };
            let same_name = match name {
                Some(name) => {
                    let label = computed("computedlabel")?;
                    all_known &= !label.is_empty();
                    same_words(&label, name)
                }
                None => true,
            };
            if same_name && computed("computedrole")? == role {
                found.push(element);
            }
        }
        Ok((found, all_known))
    }

    /// An element as an argument for [`Session::run`].
    pub fn argument(element: &Element) -> Value {
        json!({ ELEMENT: element.0 })
    }

    /// Clicks it, as a mouse does.
    ///
    /// # Errors
    /// When it can't be clicked: covered, disabled or gone.
    pub fn click(&self, element: &Element) -> Result<(), String> {
        self.post(&format!("/element/{}/click", element.0), &json!({})).map(drop)
    }

    /// What a person reads in it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn text(&self, element: &Element) -> Result<String, String> {
        Ok(self.get(&format!("/element/{}/text", element.0))?.as_str().unwrap_or_default().to_owned())
    }

    /// One of its attributes.
    ///
    /// # Errors
    /// When it is gone.
    pub fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>, String> {
        Ok(self.get(&format!("/element/{}/attribute/{name}", element.0))?.as_str().map(str::to_owned))
    }

    /// Empties it.
    ///
    /// # Errors
    /// When it takes no text.
    pub fn clear(&self, element: &Element) -> Result<(), String> {
        self.post(&format!("/element/{}/clear", element.0), &json!({})).map(drop)
    }

    /// Types into it.
    ///
    /// # Errors
    /// When it takes no text.
    pub fn write(&self, element: &Element, text: &str) -> Result<(), String> {
        self.post(&format!("/element/{}/value", element.0), &json!({ "text": text })).map(drop)
    }

    /// Turns to a window that a page opened, and gives the one left; gives none as long as there is no other.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn enter_other_window(&self) -> Result<Option<Window>, String> {
        let present = self.get("/window")?;
        let windows = self.get("/window/handles")?;
        match windows.as_array().into_iter().flatten().find(|window| **window != present) {
            Some(other) => self.enter(other).map(|()| Some(Window(present))),
            None => Ok(None),
        }
    }

    /// Closes the present window and turns to this one.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn close_window_and_enter(&self, window: &Window) -> Result<(), String> {
        self.driver.call("DELETE", &format!("{}/window", self.path), &Value::Null)?;
        self.enter(&window.0)
    }

    /// Turns to a window.
    ///
    /// # Errors
    /// When it is gone.
    pub fn turn_to(&self, window: &Window) -> Result<(), String> {
        self.enter(&window.0)
    }

    fn enter(&self, window: &Value) -> Result<(), String> {
        self.post("/window", &json!({ "handle": window })).map(drop)
    }

    /// Presses and releases a key wherever the focus is: a character, or one of WebDriver's code points.
    ///
    /// # Errors
    /// When the browser doesn't take it.
    pub fn press(&self, key: &str) -> Result<(), String> {
        let actions = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }))
            .map(drop)
    }

    /// The picture of the window, as PNG.
    ///
    /// # Errors
    /// When the browser doesn't give it.
    pub fn screenshot(&self) -> Result<Vec<u8>, String> {
        use base64::Engine;
        let encoded = self.get("/screenshot")?;
        base64::engine::general_purpose::STANDARD
            .decode(encoded.as_str().unwrap_or_default())
            .map_err(|error| format!("the screenshot is damaged: {error}"))
    }

    /// Errors on the console since the last call.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn console_errors(&self) -> Result<Vec<String>, String> {
        self.driver.browser.console_errors(self)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let ended = self.driver.call("DELETE", &self.path, &Value::Null);
        // One that hangs, as behind a question that nobody expected, would keep the next from starting.
        if let (Err(_), Some(process)) = (ended, self.process) {
            let _ = Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

/// Whether two names are the same but for their spaces.
fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}
