//! The benchmark: builds the site, what it runs of Hone apart, and the peers' models, and hands over to `benches/run.mjs`.

use crate::build;
use crate::command::{command, find, path_with, run};
use crate::digest;
use crate::places;
use crate::setup::toolchain::Toolchain;
use crate::setup::{browser::Browser, peers, tools};
use std::fs;
use std::path::{Path, PathBuf};

/// What is compiled for the page: the contender, and the rest of the pipeline.
const ENGINES: [&str; 2] = ["bench-engine", "bench-pipeline"];
/// As index.html asks for the workers.
const WASM_OPT: [&str; 10] = [
    "-O3",
    "--one-caller-inline-max-function-size=20",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Measures and writes `benches/results.json` and `benches/results.md`. The app that is driven is the site in `dist`, or the one
/// that is built for it.
///
/// # Errors
/// When something is missing that can't be installed, or the contenders did not compute the same.
pub fn bench(quick: bool, dist: Option<PathBuf>) -> Result<(), String> {
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
    let encoder = peers::sentence_encoder(&python);
    if let Err(problem) = &encoder {
        eprintln!("error: all-MiniLM-L6-v2 can't be installed, and will not be measured: {problem}");
    }
    let browser = Browser::find_or_install()?;
    let models = work.join("peers");
    run(command(&python).arg("-B").arg(root.join("benches/models.py")).arg(&weights).arg(&models))?;
    let site = match dist {
        Some(dist) => dist,
        None => {
            build::build()?;
            places::dist()
        }
    };
    let engine = engines(&work)?;
    let driver_of_the_app = driver_of_the_app()?;

    let mut places = vec![
        ("root", root.clone()),
        ("engine", engine),
        ("peers", models),
        ("modules", modules),
        ("pictures", pictures()),
        ("python", python),
        ("chromium", browser.chromium),
        ("driver", browser.driver),
        ("work", work.clone()),
        // A quick look doesn't replace what was measured with care.
        ("results", if quick { work.clone() } else { root.join("benches") }),
    ];
    let missing = match encoder {
        Ok(encoder) => {
            places.push(("minilm", encoder.minilm));
            places.push(("transformers", encoder.transformers));
            places.push(("ortOfTransformers", encoder.runtime));
            None
        }
        Err(problem) => Some(format!("all-MiniLM-L6-v2 can't be installed: {problem}")),
    };
    let app = [("program", driver_of_the_app), ("site", site.clone())];
    let settings = work.join("settings.json");
    fs::write(&settings, settings_text(&places, &app, &work, missing, quick))
        .map_err(|error| format!("{}: {error}", settings.display()))?;
    // What could not be measured there fails the command, after the rest.
    let measured = run(command(node).arg(root.join("benches/run.mjs")).arg(&settings));
    score(quick, Some(site))?;
    measured
}

/// Measures the native `hone score` on a file of short texts, `hone train` with many classes and, in the built site if there is one, the
/// first model of many classes, and adds them to the results.
///
/// # Errors
/// When the program can't be built or fails.
pub fn score(quick: bool, dist: Option<PathBuf>) -> Result<(), String> {
    let (root, work) = (places::root(), places::target().join("bench"));
    let node = find("node").ok_or("the benchmark needs Node.js on PATH")?;
    run(command("cargo").args(["build", "--quiet", "--release", "--bin", "hone"]).current_dir(&root))?;
    let hone = places::target().join("release/hone").with_extension(std::env::consts::EXE_EXTENSION);
    let results = if quick { work.clone() } else { root.join("benches") };
    let (rows, rounds) = if quick { ("50000", "1") } else { ("300000", "3") };
    let mut measure = command(node);
    measure.arg(root.join("benches/score.mjs")).arg(hone).arg(work.join("score")).arg(results).args([rows, rounds]);
    let site = dist.unwrap_or_else(places::dist);
    if site.join("index.html").is_file() {
        let browser = Browser::find_or_install()?;
        measure.arg(driver_of_the_app()?).arg(site).env("CHROME", browser.chromium).env("CHROMEDRIVER", browser.driver);
    }
    run(&mut measure)
}

/// Builds and finds what drives the app.
fn driver_of_the_app() -> Result<PathBuf, String> {
    run(command("cargo").args(["build", "--quiet", "--package", "e2e"]).current_dir(places::root()))?;
    Ok(places::target().join("debug/e2e").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Where the pictures are whose embeddings heads are trained on, a folder for each class: HONE_BENCH_DATA names another.
fn pictures() -> PathBuf {
    std::env::var_os("HONE_BENCH_DATA")
        .map(|folder| PathBuf::from(folder).join("fashion_mnist/train"))
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(|| places::root().join("public/demo/photos"))
}

/// Compiles the engines as the workers are compiled; returns the folder with them.
fn engines(work: &Path) -> Result<PathBuf, String> {
    let folder = work.join("engine");
    let toolchain = Toolchain::for_wasm()?;
    let tools = tools::for_build()?;
    let folders: Vec<&Path> = tools.iter().map(AsRef::as_ref).collect();
    let target = match toolchain {
        Toolchain::OnPath => places::target(),
        Toolchain::Debian { .. } => places::target().join("debian"),
    };
    let with_tools = |program: &str| {
        let path = folders.iter().map(|folder| folder.join(program)).find(|path| path.exists());
        let mut command = command(path.unwrap_or_else(|| PathBuf::from(program)));
        command.env("PATH", path_with(&folders));
        command
    };
    for engine in ENGINES {
        let mut cargo = toolchain.command("cargo", &folders);
        run(cargo
            .args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", engine])
            .current_dir(places::root()))?;
        let name = engine.replace('-', "_");
        let compiled = target.join("wasm32-unknown-unknown/release").join(&name).with_extension("wasm");
        let module = folder.join(format!("{name}_bg.wasm"));
        // The tools take longer than the measuring; they need not run again for the same code.
        let stamp = folder.join(format!("{name}.made-from"));
        let made_from = digest::of_file(&compiled)?;
        if module.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == made_from) {
            continue;
        }
        run(with_tools("wasm-bindgen")
            .args(["--target", "web", "--no-typescript", "--out-dir"])
            .arg(&folder)
            .arg(&compiled))?;
        run(with_tools("wasm-opt").args(WASM_OPT).arg(&module).arg("-o").arg(&module))?;
        fs::write(&stamp, made_from).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(folder)
}

/// What `benches/run.mjs` and its page read.
fn settings_text(
    places: &[(&str, PathBuf)],
    app: &[(&str, PathBuf)],
    work: &Path,
    missing: Option<String>,
    quick: bool,
) -> String {
    let object = |entries: Vec<(String, String)>| {
        let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
        format!("{{{}}}", entries.join(", "))
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let path = |path: &Path| quoted(&path.display().to_string());
    let paths = |places: &[(&str, PathBuf)]| -> Vec<(String, String)> {
        places.iter().map(|(name, place)| pair(name, &path(place))).collect()
    };
    let version = |(name, version): &(&str, &str)| pair(name, &quoted(version));
    let mut versions: Vec<(String, String)> = peers::PACKAGES.iter().map(version).collect();
    versions.push(version(&peers::TRANSFORMERS[0]));
    versions.push(version(&peers::MINILM[0]));
    let of = |careful: &str, fast: &str| if quick { fast.to_owned() } else { careful.to_owned() };
    let photos = of("1000", "150");
    let counts = object(vec![pair("cold", &of("7", "3")), pair("labels", &of("120", "50"))]);
    let mut app = paths(app);
    app.push(pair("counts", &counts));
    object(vec![
        pair("places", &object(paths(places))),
        pair("versions", &object(versions)),
        pair("missing", &missing.map_or("null".to_owned(), |problem| quoted(&problem))),
        pair("quick", if quick { "true" } else { "false" }),
        pair("rounds", &of("15", "9")),
        pair("coldRounds", &of("9", "3")),
        pair("rows", &of("[1000, 5000]", "[1000]")),
        pair("headRounds", &of("5", "3")),
        // The default head's penalty, on features of unit spread.
        pair("c", "10"),
        pair("excess", "1e-3"),
        // Of Adam: the rates it is tried at, the best one counts, and its steps at most.
        pair("rates", &of("[1, 0.3, 0.1, 0.03]", "[0.3, 0.1]")),
        pair("steps", "3000"),
        // From a label to a new queue: how many are labelled, how many are left, how many labels are timed, milliseconds
        // between them, and of background work before them at most.
        pair(
            "labelling",
            &format!(
                "{{\"labelled\": 5000, \"pool\": 20000, \"labels\": {}, \"pace\": 2000, \"settle\": {}}}",
                of("25", "9"),
                of("null", "20000")
            ),
        ),
        pair("scoringPool", "100000"),
        // Sentences: rounds, how many of them the peer embeds in a round and the batches it is tried with; labels and seeds.
        pair("everySentence", &of("1", "2")),
        pair("textRounds", &of("11", "5")),
        pair("peerSentences", &of("600", "150")),
        pair("batches", &of("[1, 4, 8, 16, 32, 64]", "[1, 8]")),
        pair("textLabels", "[100, 400]"),
        pair("textSeeds", &of("20", "3")),
        pair("tableRows", "10000"),
        pair(
            "photos",
            &object(vec![pair("folder", &path(&work.join(format!("photos-{photos}")))), pair("count", &photos)]),
        ),
        pair("app", &object(app)),
    ])
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_an_object() {
        let root = [("root", PathBuf::from("a \"b\""))];
        let text = settings_text(&root, &root, Path::new("work"), Some("no \"network\"".to_owned()), true);
        assert!(
            text.starts_with("{\"places\": {\"root\": \"a \\\"b\\\"\"}, \"versions\": {\"onnxruntime-web\": "),
            "{text}"
        );
        assert!(text.contains("\"missing\": \"no \\\"network\\\"\""), "{text}");
        assert!(text.ends_with("\"counts\": {\"cold\": 3, \"labels\": 50}}}"), "{text}");
    }
}
