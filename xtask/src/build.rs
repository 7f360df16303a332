//! Builds the static site with Trunk, then tells the service worker what to keep.

use crate::command::run;
use crate::digest;
use crate::models;
use crate::places;
use crate::setup::{toolchain::Toolchain, tools};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// What the compiled code depends on: page and worker of the same code have the same release.
const CODE: [&str; 4] = ["src", "Cargo.toml", "Cargo.lock", ".cargo/config.toml"];
/// What the site depends on besides.
const SITE: [&str; 5] = ["public", "style", "index.html", "Trunk.toml", "xtask/src"];
/// Kept by content through updates of the app: large, and mostly the same in the next release.
const CONTENT: [&str; 2] = ["models/", "demo/"];

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
    let files = stamp_service_worker(&places::dist(), &release)?;
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

/// Writes the list of files to keep into `sw.js` and names it after its content; gives the number of files.
fn stamp_service_worker(dist: &Path, release: &str) -> Result<usize, String> {
    let mut shell = Vec::new();
    let mut content = Vec::new();
    let mut files = digest::files_below(dist, &[""])?;
    files.retain(|file| digest::relative(dist, file) != "sw.js");
    for file in &files {
        let path = digest::relative(dist, file);
        if CONTENT.iter().any(|folder| path.starts_with(folder)) {
            content.push(format!("{}: {}", quoted(&path), quoted(&digest::of_file(file)?[..16])));
        } else {
            // Asked for as the folder: some hosts redirect from the file's own name, and a redirect can't be kept.
            shell.push(quoted(if path == "index.html" { "./" } else { &path }));
        }
    }
    let name = format!("{release}-{}", &digest::of_files(dist, &files)?[..8]);
    let path = dist.join("sw.js");
    let mut script = fs::read_to_string(&path).map_err(|error| format!("dist/sw.js can't be read: {error}"))?;
    for (unstamped, stamped) in [
        ("const RELEASE = \"unstamped\";", format!("const RELEASE = {};", quoted(&name))),
        ("const SHELL = [];", format!("const SHELL = [{}];", shell.join(", "))),
        ("const CONTENT = {};", format!("const CONTENT = {{{}}};", content.join(", "))),
    ] {
        if !script.contains(unstamped) {
            return Err(format!("public/sw.js has no line `{unstamped}` to fill in"));
        }
        script = script.replace(unstamped, &stamped);
    }
    write(&path, &script)?;
    Ok(files.len() + 1)
}

/// A string as JavaScript has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{} can't be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::stamp_service_worker;
    use std::fs;

    #[test]
    fn the_service_worker_learns_every_file() {
        let dist = std::env::temp_dir().join(format!("hone-stamp-{}", std::process::id()));
        fs::create_dir_all(dist.join("models")).unwrap();
        fs::write(dist.join("index.html"), "page").unwrap();
        fs::write(dist.join("app.js"), "code").unwrap();
        fs::write(dist.join("models/a.bin"), "weights").unwrap();
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../public/sw.js"), dist.join("sw.js")).unwrap();

        let count = stamp_service_worker(&dist, "1.0.0").unwrap();
        let script = fs::read_to_string(dist.join("sw.js")).unwrap();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(count, 4);
        assert!(script.contains("const SHELL = [\"app.js\", \"./\"];"), "{script}");
        // The first 16 digits of `printf weights | sha256sum`.
        assert!(script.contains("const CONTENT = {\"models/a.bin\": \"9a129038d9a00aed\"};"), "{script}");
        assert!(script.contains("const RELEASE = \"1.0.0-"), "{script}");
    }
}
