//! Running other programs: what is shown, what is caught, and what a failure says.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A command without the variables that would silently change what is built.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // Either of these replaces the flags in .cargo/config.toml, and with them SIMD and the random source.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    // Trunk reads this one as a boolean, and fails on the usual `1`.
    command.env_remove("NO_COLOR");
    command
}

/// Runs it, showing all it says.
///
/// # Errors
/// When it can't be started or fails.
pub fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown(command))) }
}

/// Runs it and gives what it wrote to standard output, or `None` if it couldn't start or failed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs it, showing all it says and handing each line of standard output to `line`; says whether it succeeded.
///
/// # Errors
/// When it can't be started.
pub fn run_reading(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool, String> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_start(command, &error))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{text}");
            line(&text);
        }
    }
    let status = child.wait().map_err(|error| cannot_start(command, &error))?;
    Ok(status.success())
}

/// Runs it, but ends it after `limit`: for what may wait for a network that isn't there.
///
/// # Errors
/// When it can't be started, fails, or takes too long.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let mut child: Child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{}` failed ({status})", shown(command))),
            Ok(None) if started.elapsed() < limit => thread::sleep(Duration::from_millis(100)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{}` took longer than {} s", shown(command), limit.as_secs()));
            }
            Err(error) => return Err(cannot_start(command, &error)),
        }
    }
}

/// Where a program is on PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program).with_extension(std::env::consts::EXE_EXTENSION))
        .find(|path| path.is_file())
}

/// PATH with these folders before all others.
pub fn path_with(folders: &[&Path]) -> std::ffi::OsString {
    let present = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&present));
    // Only a folder with the separator in its name can make this fail; such a folder can't be on PATH at all.
    std::env::join_paths(all).unwrap_or(present)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be run: {error}", shown(command))
}
