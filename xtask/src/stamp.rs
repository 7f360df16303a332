//! What is written into a built site when all its files are there: what the service worker keeps, and the hash of every file.

use crate::digest;
use std::fs;
use std::path::Path;

/// The hash of every shipped file but itself, as `sha256sum --check` reads it.
pub const HASHES: &str = "files.sha256";
/// What keeps the app for use without a network.
const SERVICE_WORKER: &str = "sw.js";
/// Kept by content through updates of the app: large, and mostly the same in the next release.
const CONTENT: [&str; 2] = ["models/", "demo/"];

/// Writes the list of files to keep, each with its hash, into `sw.js`, names it after its content, and writes [`HASHES`]; gives the
/// number of files.
///
/// # Errors
/// When a file can't be read or written, or `sw.js` has been stamped already.
pub fn stamp(dist: &Path, release: &str) -> Result<usize, String> {
    let mut shell = Vec::new();
    let mut content = Vec::new();
    let mut hashes = Vec::new();
    let mut files = digest::files_below(dist, &[""])?;
    // They name the others, and so can't name each other both ways.
    files.retain(|file| ![SERVICE_WORKER, HASHES].contains(&digest::relative(dist, file).as_str()));
    for file in &files {
        let path = digest::relative(dist, file);
        let hash = digest::of_file(file)?;
        // Asked for as the folder: some hosts redirect from the file's own name, and a redirect can't be kept.
        let asked = if path == "index.html" { "./" } else { &path };
        let kept = format!("{}: {}", quoted(asked), quoted(&hash));
        if CONTENT.iter().any(|folder| path.starts_with(folder)) { &mut content } else { &mut shell }.push(kept);
        hashes.push((path, hash));
    }
    let name = format!("{release}-{}", &digest::of_files(dist, &files)?[..8]);
    let worker = dist.join(SERVICE_WORKER);
    let mut script = fs::read_to_string(&worker).map_err(|error| format!("dist/sw.js can't be read: {error}"))?;
    for (unstamped, stamped) in [
        ("const RELEASE = \"unstamped\";", format!("const RELEASE = {};", quoted(&name))),
        ("const SHELL = {};", format!("const SHELL = {{{}}};", shell.join(", "))),
        ("const CONTENT = {};", format!("const CONTENT = {{{}}};", content.join(", "))),
    ] {
        if !script.contains(unstamped) {
            return Err(format!("public/sw.js has no line `{unstamped}` to fill in"));
        }
        script = script.replace(unstamped, &stamped);
    }
    write(&worker, &script)?;
    hashes.push((SERVICE_WORKER.to_owned(), digest::of_file(&worker)?));
    hashes.sort();
    let lines: String = hashes.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    write(&dist.join(HASHES), &lines)?;
    Ok(files.len() + 2)
}

/// A string as JavaScript has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} can't be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // `printf page | sha256sum`, and so on.
    const PAGE: &str = "3660315a9af3df255d8f19ab077e4797822b41488a0e2a04bc6af71213c23274";
    const CODE: &str = "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b";
    const WEIGHTS: &str = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";

    #[test]
    fn the_service_worker_and_the_list_of_hashes_learn_every_file() {
        let dist = std::env::temp_dir().join(format!("hone-stamp-{}", std::process::id()));
        fs::create_dir_all(dist.join("models")).unwrap();
        fs::write(dist.join("index.html"), "page").unwrap();
        fs::write(dist.join("app.js"), "code").unwrap();
        fs::write(dist.join("models/a.bin"), "weights").unwrap();
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../public/sw.js"), dist.join("sw.js")).unwrap();

        let count = stamp(&dist, "1.0.0").unwrap();
        let script = fs::read_to_string(dist.join("sw.js")).unwrap();
        let hashes = fs::read_to_string(dist.join(HASHES)).unwrap();
        let worker = digest::of_file(&dist.join("sw.js")).unwrap();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(count, 5);
        assert!(script.contains(&format!("const SHELL = {{\"app.js\": \"{CODE}\", \"./\": \"{PAGE}\"}};")), "{script}");
        assert!(script.contains(&format!("const CONTENT = {{\"models/a.bin\": \"{WEIGHTS}\"}};")), "{script}");
        assert!(script.contains("const RELEASE = \"1.0.0-"), "{script}");
        assert_eq!(hashes, format!("{CODE}  app.js\n{PAGE}  index.html\n{WEIGHTS}  models/a.bin\n{worker}  sw.js\n"));
    }
}
