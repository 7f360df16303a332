//! Builds the static site with Trunk, then tells the service worker what to keep, and everybody which files belong to it.

use crate::command::run;
use crate::digest;
use crate::models;
use crate::places;
use crate::setup::{toolchain::Toolchain, tools};
use crate::stamp;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// What the compiled code depends on: page and worker of the same code have the same release.
const CODE: [&str; 4] = ["src", "Cargo.toml", "Cargo.lock", ".cargo/config.toml"];
/// What the site depends on besides.
const SITE: [&str; 5] = ["public", "style", "index.html", "Trunk.toml", "xtask/src"];

/// Leaves the site in `dist/`. Does nothing if it is there already, built from the very same files.
///
/// # Errors
/// When a tool is missing or the code doesn't compile.
pub fn build() -> Result<(), String> {
    let started = Instant::now();
    let root = places::root();
    install_models();
    let code = digest::of_files(&root, &digest::files_below(&root, &CODE)?)?;
    let site = digest::of_files(&root, &digest::files_below(&root, &SITE)?)?;
    let made_from = format!("{code} {site}");
    let stamp = places::target().join("xtask").join("dist-made-from");
    let page = places::dist().join("index.html");
    if page.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == made_from) {
        println!("dist/ is up to date.");
        return Ok(());
    }
    let release = format!("{}-{}", tools::locked_version("hone")?, &code[..8]);
    trunk(&release)?;
    let files = stamp::stamp(&places::dist(), &release)?;
    write(&stamp, &made_from)?;
    println!("dist/ holds release {release}: {files} files, built in {:.0} s.", started.elapsed().as_secs_f64());
    Ok(())
}

/// Puts the weights into `public/models`. Without them the page still works, with simpler features, and says so itself.
pub fn install_models() {
    let folder = places::models();
    // Trunk copies the folder, empty or not.
    let made = fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()));
    if let Err(problem) = made.and_then(|()| models::install(&folder)) {
        eprintln!("warning: {problem}");
    }
}

fn trunk(release: &str) -> Result<(), String> {
    let toolchain = Toolchain::for_wasm()?;
    let tools = tools::for_build()?;
    let folders: Vec<&Path> = tools.iter().map(AsRef::as_ref).collect();
    run(toolchain
        .command("trunk", &folders)
        .args(["build", "--release"])
        .current_dir(places::root())
        .env("HONE_RELEASE", release)
        // What went wrong is in the compiler's words above; where in Trunk that was, is not.
        .env("RUST_BACKTRACE", "0"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{} can't be written: {error}", path.display()))
}
