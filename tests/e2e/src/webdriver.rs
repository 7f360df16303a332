//! A small blocking WebDriver client for ChromeDriver. See <https://www.w3.org/TR/webdriver2/>.

use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The name under which WebDriver passes elements around.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running ChromeDriver; ends with this value.
pub struct Driver {
    process: Child,
    address: String,
    agent: ureq::Agent,
}

impl Driver {
    /// Starts ChromeDriver on a free port.
    ///
    /// # Errors
    /// When it can't be started or doesn't answer within ten seconds.
    pub fn start(program: &Path) -> Result<Driver, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} can't be started: {error}", program.display()))?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        let driver = Driver { process, address: format!("http://127.0.0.1:{port}"), agent };
        let started = Instant::now();
        while driver.call("GET", "/status", &Value::Null).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                return Err("ChromeDriver doesn't answer".to_owned());
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
    }
}

/// An element of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Element(String);

/// A window or tab of the browser.
#[derive(Debug, Clone, PartialEq)]
pub struct Window(Value);

/// A browser under control; ends with this value.
pub struct Session<'driver> {
    driver: &'driver Driver,
    path: String,
    /// The browser's process.
    pub process: u64,
}

impl<'driver> Session<'driver> {
    /// Starts a browser with these command line arguments, downloading into `downloads`.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start(
        driver: &'driver Driver,
        chromium: &Path,
        arguments: &[String],
        downloads: &Path,
    ) -> Result<Self, String> {
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": {
                "binary": chromium,
                "args": arguments,
                "prefs": { "download.default_directory": downloads, "download.prompt_for_download": false },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let started = driver.call("POST", "/session", &wanted)?;
        let id = started["sessionId"].as_str().ok_or("ChromeDriver gave no session")?;
        let process = started["capabilities"]["goog:processID"]
            .as_u64()
            .ok_or("ChromeDriver didn't tell the browser's process")?;
        Ok(Session { driver, path: format!("/session/{id}"), process })
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        self.driver.call("GET", &format!("{}{path}", self.path), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
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

    /// A command of the Chrome DevTools Protocol.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// All elements with this role and accessible name (any name if `None`), as the browser's accessibility tree has
    /// them: what is hidden isn't there.
    ///
    /// # Errors
    /// When the page is just being replaced.
    pub fn find(&self, role: &str, name: Option<&str>) -> Result<Vec<Element>, String> {
        let document = self.devtools("DOM.getDocument", &json!({ "depth": 0 }))?;
        let mut query = json!({ "nodeId": document["root"]["nodeId"], "role": role });
        if let Some(name) = name {
            query["accessibleName"] = json!(name);
        }
        let found = self.devtools("Accessibility.queryAXTree", &query)?;
        let nodes = found["nodes"].as_array().cloned().unwrap_or_default();
        let mut elements = Vec::new();
        for node in nodes.iter().filter(|node| node["ignored"] != json!(true)) {
            let element = self.element(&node["backendDOMNodeId"])?;
            // The accessibility tree may lag behind a change of layout: rail and bottom bar have links of the same names.
            let displayed = self.run("return arguments[0].checkVisibility();", &json!([Self::argument(&element)]));
            if displayed.is_ok_and(|displayed| displayed == json!(true)) {
                elements.push(element);
            }
        }
        Ok(elements)
    }

    /// The accessibility tree and WebDriver number elements differently; they meet in a variable of the page.
    fn element(&self, backend_node: &Value) -> Result<Element, String> {
        let object = self.devtools("DOM.resolveNode", &json!({ "backendNodeId": backend_node }))?;
        self.devtools(
            "Runtime.callFunctionOn",
            &json!({
                "objectId": object["object"]["objectId"],
                "functionDeclaration": "function () { window.elementFound = this; }",
            }),
        )?;
        let element =
            self.run("const found = window.elementFound; delete window.elementFound; return found;", &json!([]))?;
        element[ELEMENT].as_str().map(|id| Element(id.to_owned())).ok_or_else(|| "an element went away".to_owned())
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
        let entries = self.post("/se/log", &json!({ "type": "browser" }))?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        Ok(severe.filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = self.driver.call("DELETE", &self.path, &Value::Null);
    }
}
