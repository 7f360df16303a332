//! A real MLflow, for the tests that push runs to it: a virtual environment of its own in the cache.

use super::python;
use std::path::PathBuf;

/// The version that the tests talk to. It needs Python 3.10 or newer, and 0.9 GB.
const MLFLOW: &str = "3.17.2";

/// The folder with `mlflow` and a `python` that can import it; installs them on first need.
///
/// # Errors
/// When it is missing and can't be installed: says what to do.
pub fn server() -> Result<PathBuf, String> {
    python::environment(&format!("mlflow-{MLFLOW}"), &[&format!("mlflow=={MLFLOW}")]).map_err(|problem| {
        format!(
            "{problem}: the MLflow tests need Python 3.10 or newer with `venv` and `pip` (Debian: `apt-get install python3-venv`)"
        )
    })
}
