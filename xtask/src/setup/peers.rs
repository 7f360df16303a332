//! What the benchmark compares Hone with, at pinned versions, in the cache.

use super::python;
use crate::command::{command, find, run};
use crate::places;
use std::fs;
use std::path::PathBuf;

/// The runtimes, by npm.
pub const PACKAGES: [(&str, &str); 3] =
    [("onnxruntime-web", "1.30.0"), ("@tensorflow/tfjs", "4.22.0"), ("@tensorflow/tfjs-backend-wasm", "4.22.0")];
/// The native peer, by pip. It needs Python 3.11 or newer.
const SCIKIT_LEARN: &str = "1.9.1";

/// The folder `node_modules` with the runtimes.
///
/// # Errors
/// When they are missing and can't be installed.
pub fn runtimes() -> Result<PathBuf, String> {
    let versions: Vec<&str> = PACKAGES.iter().map(|(_, version)| *version).collect();
    let home = places::cache()?.join("tools").join(format!("peers-{}", versions.join("-")));
    let complete = home.join("complete");
    if !complete.is_file() {
        println!(
            "Installing onnxruntime-web and TensorFlow.js by npm, to measure against; this takes a minute, once …"
        );
        fs::create_dir_all(&home).map_err(|error| format!("{} can't be made: {error}", home.display()))?;
        let npm = find("npm").ok_or("the benchmark needs Node.js with npm on PATH")?;
        run(command(npm)
            .args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--ignore-scripts",
                "--prefix",
            ])
            .arg(&home)
            .args(PACKAGES.map(|(name, version)| format!("{name}@{version}")))
            .current_dir(&home))?;
        fs::write(&complete, "").map_err(|error| format!("{} can't be written: {error}", complete.display()))?;
    }
    Ok(home.join("node_modules"))
}

/// A `python` with scikit-learn.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn scikit_learn() -> Result<PathBuf, String> {
    let programs =
        python::environment(&format!("scikit-learn-{SCIKIT_LEARN}"), &[&format!("scikit-learn=={SCIKIT_LEARN}")])
            .map_err(|problem| format!("{problem}: the benchmark needs Python 3.11 or newer with `venv` and `pip`"))?;
    Ok(programs.join("python"))
}
