//! Virtual environments of Python in the cache, each for one purpose.

use crate::command::{command, find, run};
use crate::places;
use std::fs;
use std::path::PathBuf;

/// The folder with the programs of the environment `name`, whose `python` can import the packages `requirements`; makes it
/// on first need.
///
/// # Errors
/// When Python is missing or a package can't be installed.
pub fn environment(name: &str, requirements: &[&str]) -> Result<PathBuf, String> {
    let home = places::cache()?.join("tools").join(name);
    let programs = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
    // Written last: an installation that was cut off is begun anew.
    let complete = home.join("complete");
    if complete.is_file() {
        return Ok(programs);
    }
    println!("Installing {} by pip; this takes a minute, once …", requirements.join(" and "));
    let python = find("python3").or_else(|| find("python")).ok_or("Python 3 isn't on PATH")?;
    run(command(python).args(["-m", "venv", "--clear"]).arg(&home))?;
    run(command(programs.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(requirements))?;
    fs::write(&complete, requirements.join("\n"))
        .map_err(|error| format!("{} can't be written: {error}", complete.display()))?;
    Ok(programs)
}
