//! The benchmark: builds what it runs of Hone and the peers' models, and hands over to `benches/run.mjs`.

use crate::build;
use crate::command::{command, find, path_with, run};
use crate::places;
use crate::setup::toolchain::Toolchain;
use crate::setup::{browser::Browser, peers, tools};
use std::fs;
use std::path::{Path, PathBuf};

const ENGINE: &str = "bench-engine";
/// As index.html asks for the workers.
const WASM_OPT: [&str; 9] = [
    "-O3",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Measures and writes `benches/results.json` and `benches/results.md`.
///
/// # Errors
/// When something is missing that can't be installed, or the contenders did not compute the same.
pub fn bench(quick: bool) -> Result<(), String> {
    let (root, work) = (places::root(), places::target().join("bench"));
    fs::create_dir_all(&work).map_err(|error| format!("{} can't be made: {error}", work.display()))?;
    build::install_models();
    let weights = places::models().join("lite0.safetensors");
    if !weights.is_file() {
        return Err("the benchmark needs the image network's weights; `cargo xtask models` installs them".to_owned());
    }
    let node = find("node").ok_or("the benchmark needs Node.js on PATH")?;
    let python = peers::scikit_learn()?;
    let modules = peers::runtimes()?;
    let browser = Browser::find_or_install()?;
    let models = work.join("peers");
    run(command(&python).arg("-B").arg(root.join("benches/models.py")).arg(&weights).arg(&models))?;
    let engine = engine(&work)?;

    let places = [
        ("root", root.clone()),
        ("engine", engine),
        ("peers", models),
        ("modules", modules),
        ("pictures", pictures()),
        ("python", python),
        ("chromium", browser.chromium),
        ("work", work.clone()),
        // A quick look doesn't replace what was measured with care.
        ("results", if quick { work.clone() } else { root.join("benches") }),
    ];
    let settings = work.join("settings.json");
    fs::write(&settings, settings_text(&places, quick)).map_err(|error| format!("{}: {error}", settings.display()))?;
    run(command(node).arg(root.join("benches/run.mjs")).arg(&settings))
}

/// Where the pictures are whose embeddings heads are trained on, a folder for each class: HONE_BENCH_DATA names another.
fn pictures() -> PathBuf {
    std::env::var_os("HONE_BENCH_DATA")
        .map(|folder| PathBuf::from(folder).join("fashion_mnist/train"))
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(|| places::root().join("public/demo/photos"))
}

/// Compiles the engine as the workers are compiled; returns the folder with it.
fn engine(work: &Path) -> Result<PathBuf, String> {
    let folder = work.join("engine");
    let toolchain = Toolchain::for_wasm()?;
    let tools = tools::for_build()?;
    let folders: Vec<&Path> = tools.iter().map(AsRef::as_ref).collect();
    let mut cargo = toolchain.command("cargo", &folders);
    run(cargo
        .args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", ENGINE])
        .current_dir(places::root()))?;
    let target = match toolchain {
        Toolchain::OnPath => places::target(),
        Toolchain::Debian { .. } => places::target().join("debian"),
    };
    let name = ENGINE.replace('-', "_");
    let compiled = target.join("wasm32-unknown-unknown/release").join(&name).with_extension("wasm");
    let with_tools = |program: &str| {
        let path = folders.iter().map(|folder| folder.join(program)).find(|path| path.exists());
        let mut command = command(path.unwrap_or_else(|| PathBuf::from(program)));
        command.env("PATH", path_with(&folders));
        command
    };
    run(with_tools("wasm-bindgen")
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(&folder)
        .arg(compiled))?;
    let module = folder.join(format!("{name}_bg.wasm"));
    run(with_tools("wasm-opt").args(WASM_OPT).arg(&module).arg("-o").arg(&module))?;
    Ok(folder)
}

/// What `benches/run.mjs` and its page read.
fn settings_text(places: &[(&str, PathBuf)], quick: bool) -> String {
    let object = |entries: Vec<(String, String)>| {
        let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
        format!("{{{}}}", entries.join(", "))
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let places = places.iter().map(|(name, path)| pair(name, &quoted(&path.display().to_string()))).collect();
    let versions = peers::PACKAGES.iter().map(|(name, version)| pair(name, &quoted(version))).collect();
    object(vec![
        pair("places", &object(places)),
        pair("versions", &object(versions)),
        pair("quick", if quick { "true" } else { "false" }),
        pair("rounds", if quick { "9" } else { "15" }),
        pair("coldRounds", if quick { "3" } else { "9" }),
        pair("rows", if quick { "[1000]" } else { "[1000, 5000]" }),
        pair("headRounds", if quick { "3" } else { "5" }),
        // The default head's penalty, on features of unit spread.
        pair("c", "10"),
        pair("excess", "1e-3"),
        // Of Adam: the rates it is tried at, the best one counts, and its steps at most.
        pair("rates", if quick { "[0.3, 0.1]" } else { "[1, 0.3, 0.1, 0.03]" }),
        pair("steps", "3000"),
    ])
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_an_object() {
        let text = settings_text(&[("root", PathBuf::from("a \"b\""))], true);
        assert!(
            text.starts_with("{\"places\": {\"root\": \"a \\\"b\\\"\"}, \"versions\": {\"onnxruntime-web\": "),
            "{text}"
        );
        assert!(text.ends_with("\"steps\": 3000}"), "{text}");
    }
}
