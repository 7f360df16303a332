//! A real MLflow, for the tests that push runs to it: a virtual environment of its own in the cache.

use crate::command::{command, find, run};
use crate::places;
use std::fs;
use std::path::PathBuf;

/// The version that the tests talk to. It needs Python 3.10 or newer.
const MLFLOW: &str = "3.17.2";

/// The folder with `mlflow` and a `python` that can import it; installs them on first need.
///
/// # Errors
/// When it is missing and can't be installed: says what to do.
pub fn server() -> Result<PathBuf, String> {
    let home = places::cache()?.join("tools").join(format!("mlflow-{MLFLOW}"));
    let programs = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
    // Written last: an installation that was cut off is begun anew.
    let complete = home.join("complete");
    if complete.is_file() {
        return Ok(programs);
    }
    println!("Installing MLflow {MLFLOW} (0.9 GB) by pip, to push runs to a real server; this takes a minute, once …");
    let python =
        find("python3").or_else(|| find("python")).ok_or("the MLflow tests need Python 3.10 or newer on PATH")?;
    let advice = |problem: String| {
        format!(
            "{problem}: the MLflow tests need Python 3.10 or newer with `venv` and `pip` (Debian: `apt-get install python3-venv`)"
        )
    };
    run(command(python).args(["-m", "venv", "--clear"]).arg(&home)).map_err(advice)?;
    run(command(programs.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .arg(format!("mlflow=={MLFLOW}")))
    .map_err(advice)?;
    fs::write(&complete, MLFLOW).map_err(|error| format!("{} can't be written: {error}", complete.display()))?;
    Ok(programs)
}
