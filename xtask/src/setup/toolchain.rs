//! The compiler for wasm32: rustup's, or else Debian's with a standard library built from its sources.

use super::apt;
use crate::command::{command, find, output, path_with, run_within};
use crate::places;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"];
/// Where Debian's packages put their programs; before rustup's on PATH.
const DEBIAN_PROGRAMS: &str = "/usr/bin";

/// Which compiler builds for wasm32.
pub enum Toolchain {
    /// The one on PATH, which has the target.
    OnPath,
    /// Debian's `rustc-web`, whose standard library is built along with the program, for want of a built one.
    Debian {
        /// The linker for wasm, borrowed from the compiler on PATH.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds one, or installs it. The environment variable HONE_TOOLCHAIN = `rustup` or `debian` forces either.
    ///
    /// # Errors
    /// When there is none and none can be installed: says what to do.
    pub fn for_wasm() -> Result<Toolchain, String> {
        match std::env::var("HONE_TOOLCHAIN").as_deref() {
            Ok("debian") => Self::debian(),
            Ok("rustup") => Self::rustup(),
            Ok(other) => Err(format!("HONE_TOOLCHAIN is `{other}`; it can be `rustup` or `debian`, or unset")),
            Err(_) if has_target() => Ok(Self::OnPath),
            // Once these are there, rustup was already tried in vain: don't wait for its network again.
            Err(_) if apt::installed(&DEBIAN_PACKAGES) => Self::debian(),
            Err(_) => Self::rustup().or_else(|problem| {
                eprintln!("{problem}");
                Self::debian()
            }),
        }
    }

    fn rustup() -> Result<Toolchain, String> {
        if has_target() {
            return Ok(Self::OnPath);
        }
        println!("Installing the {TARGET} target, which the page is compiled for, by rustup …");
        let mut add = command("rustup");
        // A rustup that can't reach its server should say so soon: there is another way.
        add.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
        run_within(&mut add, Duration::from_secs(180))?;
        if has_target() { Ok(Self::OnPath) } else { Err(format!("rustup installed no {TARGET} for the rustc on PATH")) }
    }

    fn debian() -> Result<Toolchain, String> {
        if !apt::installed(&DEBIAN_PACKAGES) {
            let advice = format!(
                "the {TARGET} standard library is missing. Install it by `rustup target add {TARGET}`, \
                 or, on Debian, `apt-get install {}`",
                DEBIAN_PACKAGES.join(" ")
            );
            if !apt::usable() {
                return Err(advice);
            }
            println!(
                "Installing Debian's Rust ({}), to build for {TARGET} without rustup's server …",
                DEBIAN_PACKAGES[0]
            );
            apt::install(&DEBIAN_PACKAGES).map_err(|problem| format!("{problem}: {advice}"))?;
        }
        let linker = rust_lld().ok_or(
            "found no `rust-lld`, the linker for wasm: it comes with rustup's toolchains; `apt-get install lld` gives one too",
        )?;
        Ok(Self::Debian { linker })
    }

    /// A command that compiles for wasm32 with this toolchain; `tools` are the folders of the tools it needs.
    pub fn command(&self, program: &str, tools: &[&Path]) -> Command {
        match self {
            Self::OnPath => {
                let mut command = command(program);
                command.env("PATH", path_with(tools));
                command
            }
            Self::Debian { linker } => {
                let mut folders = vec![Path::new(DEBIAN_PROGRAMS)];
                folders.extend(tools);
                let path = path_with(&folders);
                let mut command = command(on_path(program, &path));
                command
                    .env("PATH", path)
                    .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    // Two compilers in one target folder would throw away each other's work.
                    .env("CARGO_TARGET_DIR", places::target().join("debian"))
                    // Set by the rustup proxy that started us; they would bring its toolchain back.
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("CARGO")
                    .env_remove("RUSTC");
                command
            }
        }
    }
}

/// `Command` looks a bare name up on our own PATH, not on the one it passes on.
fn on_path(program: &str, path: &std::ffi::OsStr) -> PathBuf {
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(program))
}

fn sysroot() -> Option<PathBuf> {
    output(command("rustc").args(["--print", "sysroot"])).map(PathBuf::from)
}

fn has_target() -> bool {
    sysroot().is_some_and(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

fn rust_lld() -> Option<PathBuf> {
    let host = output(command("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
    let bundled = sysroot()?.join("lib/rustlib").join(host).join("bin/rust-lld");
    if bundled.is_file() { Some(bundled) } else { find("rust-lld").or_else(|| find("wasm-ld")) }
}
