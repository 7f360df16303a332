//! Chromium, Firefox and WebKit and their drivers, for the tests that need a browser.

use super::{apt, tools};
use crate::command::find;
use std::env;
use std::fs;
use std::path::PathBuf;

/// A browser and what drives it.
pub struct Browser {
    /// The browser itself.
    pub chromium: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
}

impl Browser {
    /// Finds them (CHROME and CHROMEDRIVER name others than those on PATH), or installs them.
    ///
    /// # Errors
    /// When they can't be installed: says what to install.
    pub fn find_or_install() -> Result<Browser, String> {
        if let Some(browser) = Self::find() {
            return Ok(browser);
        }
        let advice = "the browser tests need Chromium (or Chrome) and a ChromeDriver of the same version, on PATH or named by \
                      CHROME and CHROMEDRIVER. On Debian: `apt-get install chromium chromium-driver`; on Ubuntu: \
                      `snap install chromium`; elsewhere: the Chrome for Testing downloads";
        if !apt::usable() {
            return Err(advice.to_owned());
        }
        println!("Installing Chromium and its driver by apt-get, for the tests in the browser …");
        // The names in Debian, then those in Ubuntu.
        apt::install(&["chromium", "chromium-driver"])
            .or_else(|_| apt::install(&["chromium-browser", "chromium-chromedriver"]))
            .map_err(|problem| format!("{problem}: {advice}"))?;
        Self::find().ok_or_else(|| advice.to_owned())
    }

    fn find() -> Option<Browser> {
        let chromium = named("CHROME").or_else(|| {
            ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().find_map(find)
        })?;
        let driver = named("CHROMEDRIVER").or_else(|| find("chromedriver"))?;
        Some(Browser { chromium, driver })
    }
}

/// Firefox and what drives it.
pub struct Firefox {
    /// The browser itself.
    pub firefox: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
}

impl Firefox {
    /// Finds them (FIREFOX and GECKODRIVER name others than those on PATH), or installs them.
    ///
    /// # Errors
    /// When they can't be installed: says what to install.
    pub fn find_or_install() -> Result<Firefox, String> {
        let firefox = match Self::find() {
            Some(found) => found,
            None => Self::install()?,
        };
        let driver = match named("GECKODRIVER") {
            Some(driver) => driver,
            None => tools::geckodriver()?.join("geckodriver").with_extension(env::consts::EXE_EXTENSION),
        };
        Ok(Firefox { firefox, driver })
    }

    fn install() -> Result<PathBuf, String> {
        let advice = "the tests in Firefox need it on PATH or named by FIREFOX. On Debian: `apt-get install firefox-esr`; on \
                      Ubuntu: `snap install firefox`; elsewhere: Mozilla's downloads";
        if !apt::usable() {
            return Err(advice.to_owned());
        }
        println!("Installing Firefox by apt-get, for the tests in it …");
        // The name in Debian, then that in Ubuntu.
        apt::install(&["firefox-esr"])
            .or_else(|_| apt::install(&["firefox"]))
            .map_err(|problem| format!("{problem}: {advice}"))?;
        Self::find().ok_or_else(|| advice.to_owned())
    }

    fn find() -> Option<PathBuf> {
        named("FIREFOX").or_else(|| ["firefox-esr", "firefox"].into_iter().find_map(find))
    }
}

/// WebKitGTK's small browser and what drives it. Only whoever asks for it has it installed.
pub struct WebKit {
    /// The browser itself.
    pub browser: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
}

impl WebKit {
    /// Finds them (WEBKIT and WEBKITDRIVER name others than Debian's), and the virtual screen that they need, or installs them.
    ///
    /// # Errors
    /// When they can't be installed: says what to install.
    pub fn find_or_install() -> Result<WebKit, String> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        let advice = "the test in WebKit needs WebKitGTK's MiniBrowser and WebKitWebDriver, and Xvfb. On Debian and Ubuntu: \
                      `apt-get install webkit2gtk-driver xvfb`";
        if !apt::usable() {
            return Err(advice.to_owned());
        }
        println!("Installing WebKitGTK's driver by apt-get, for the test in it …");
        apt::install(&["webkit2gtk-driver", "xvfb"]).map_err(|problem| format!("{problem}: {advice}"))?;
        Self::find().ok_or_else(|| advice.to_owned())
    }

    fn find() -> Option<WebKit> {
        find("Xvfb")?;
        let driver = named("WEBKITDRIVER").or_else(|| find("WebKitWebDriver"))?;
        let browser = named("WEBKIT").or_else(Self::mini_browser)?;
        Some(WebKit { browser, driver })
    }

    /// It is beside the library, in a folder named for machine and version.
    fn mini_browser() -> Option<PathBuf> {
        let inside = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()
        };
        let mut found: Vec<PathBuf> = inside("/usr/lib".into())
            .into_iter()
            .flat_map(inside)
            .filter(|folder| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("webkit2gtk-")))
            .map(|folder| folder.join("MiniBrowser"))
            .filter(|program| program.is_file())
            .collect();
        found.sort();
        found.pop()
    }
}

/// The program that a variable of the environment names.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file())
}
