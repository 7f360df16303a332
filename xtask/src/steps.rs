//! The steps of `cargo xtask test`, each timed, and their totals.

use crate::build;
use crate::command::{command, run, run_reading, run_within};
use crate::places;
use crate::setup::browser::Browser;
use crate::setup::toolchain::Toolchain;
use crate::setup::tools;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a step found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    passed: u32,
    failed: u32,
}

impl Count {
    /// One check, rather than many tests.
    fn check(succeeded: bool) -> Count {
        Count { passed: u32::from(succeeded), failed: u32::from(!succeeded) }
    }

    fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The steps, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Format,
    Clippy,
    ClippyWorker,
    ClippyPage,
    Deny,
    Native,
    Browser,
    Build,
    EndToEnd,
}

impl Step {
    const ALL: [Step; 9] = [
        Step::Format,
        Step::Clippy,
        Step::ClippyWorker,
        Step::ClippyPage,
        Step::Deny,
        Step::Native,
        Step::Browser,
        Step::Build,
        Step::EndToEnd,
    ];

    fn name(self) -> &'static str {
        match self {
            Step::Format => "fmt",
            Step::Clippy => "clippy",
            Step::ClippyWorker => "clippy-worker",
            Step::ClippyPage => "clippy-page",
            Step::Deny => "deny",
            Step::Native => "native",
            Step::Browser => "browser",
            Step::Build => "build",
            Step::EndToEnd => "e2e",
        }
    }

    fn take(self) -> Result<Count, String> {
        match self {
            Step::Format => check(command("cargo").args(["fmt", "--all", "--check"])),
            Step::Clippy => check(clippy(command("cargo")).args(["--workspace", "--all-targets", "--", "-Dwarnings"])),
            Step::ClippyWorker => clippy_for_wasm("worker", "worker"),
            Step::ClippyPage => clippy_for_wasm("ui", "app"),
            Step::Deny => dependencies(),
            Step::Native => {
                // The golden tests of the networks need the weights.
                build::install_models();
                tests(command("cargo").args(["test", "--workspace", "--no-fail-fast"]))
            }
            Step::Browser => in_the_browser(),
            Step::Build => match build::build() {
                Ok(()) => Ok(Count::check(true)),
                Err(problem) => {
                    eprintln!("error: {problem}");
                    Ok(Count::check(false))
                }
            },
            Step::EndToEnd => tests(&mut end_to_end()?),
        }
    }
}

/// Takes these steps, or all if none is named, and prints what came of them.
///
/// # Errors
/// When anything failed, or no step has such a name.
pub fn test(only: &[String]) -> Result<(), String> {
    let names: Vec<&str> = Step::ALL.iter().map(|step| step.name()).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("there is no step `{unknown}`; the steps are {}", names.join(" ")));
    }
    let mut rows: Vec<(Step, Duration, Count)> = Vec::new();
    for step in Step::ALL {
        if !only.is_empty() && !only.iter().any(|name| name == step.name()) {
            continue;
        }
        println!("\n== {} ==", step.name());
        let started = Instant::now();
        let count = step.take().unwrap_or_else(|problem| {
            eprintln!("error: {problem}");
            Count::check(false)
        });
        rows.push((step, started.elapsed(), count));
        println!("== {}: {:.1} s ==", step.name(), started.elapsed().as_secs_f64());
    }
    let mut total = Count::default();
    println!("\n{:<14} {:>8} {:>8} {:>8}", "step", "seconds", "passed", "failed");
    for (step, took, count) in &rows {
        println!("{:<14} {:>8.1} {:>8} {:>8}", step.name(), took.as_secs_f64(), count.passed, count.failed);
        total.add(*count);
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err("not everything passed".to_owned()) }
}

/// Takes the README's picture of the app, `docs/app.png`.
///
/// # Errors
/// When the page can't be built or driven.
pub fn picture() -> Result<(), String> {
    build::build()?;
    let picture = places::root().join("docs/app.png");
    run(end_to_end()?.arg("--picture").arg(picture))
}

fn check(command: &mut Command) -> Result<Count, String> {
    Ok(Count::check(run_reading(command.current_dir(places::root()), |_| ())?))
}

fn clippy(mut cargo: Command) -> Command {
    cargo.args(["clippy", "--quiet"]);
    cargo
}

fn clippy_for_wasm(features: &str, binary: &str) -> Result<Count, String> {
    let cargo = Toolchain::for_wasm()?.command("cargo", &[]);
    check(clippy(cargo).args(WASM).args(["--features", features, "--lib", "--bin", binary, "--", "-Dwarnings"]))
}

/// Holds what is depended on to `deny.toml`. What is known of faults comes from a network; where it can't be had, that is said.
fn dependencies() -> Result<Count, String> {
    let program = tools::cargo_deny()?;
    let deny = |words: &[&str]| {
        let mut command = command(&program);
        command.args(["--workspace", "--log-level", "error"]).args(words).current_dir(places::root());
        command
    };
    let mut count = check(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    let mut fetch = deny(&["fetch", "db"]);
    match run_within(fetch.stdout(Stdio::null()).stderr(Stdio::null()), DATABASE_COMES_WITHIN) {
        Ok(()) => count.add(check(&mut deny(&["check", "--disable-fetch", "advisories"]))?),
        Err(_) => println!(
            "advisories not looked at: their database can't be fetched here. Licences, bans and sources were; go on, and look at \
             the advisories where there is a network."
        ),
    }
    Ok(count)
}

/// The database of known faults takes some megabytes.
const DATABASE_COMES_WITHIN: Duration = Duration::from_secs(90);

const WASM: [&str; 3] = ["--target", "wasm32-unknown-unknown", "--no-default-features"];

/// The tests that only a browser can run: they store, they decode, they start workers.
fn in_the_browser() -> Result<Count, String> {
    let browser = Browser::find_or_install()?;
    let tools = tools::wasm_bindgen()?;
    let mut cargo = Toolchain::for_wasm()?.command("cargo", &[&tools]);
    cargo
        .arg("test")
        .args(WASM)
        .args(["--features", "worker"])
        .args(["--test", "storage", "--test", "link", "--test", "pictures", "--test", "imports"])
        .env("CHROMEDRIVER", &browser.driver)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    tests(&mut cargo)
}

/// The journeys through the built site; the program prints its results as `cargo test` does.
fn end_to_end() -> Result<Command, String> {
    let browser = Browser::find_or_install()?;
    let mut cargo = command("cargo");
    cargo
        .args(["run", "--quiet", "--package", "e2e", "--"])
        .arg("--dist")
        .arg(places::dist())
        .arg("--screenshots")
        .arg(places::target().join("screenshots"))
        .current_dir(places::root())
        .env("CHROME", &browser.chromium)
        .env("CHROMEDRIVER", &browser.driver);
    Ok(cargo)
}

/// Runs tests and adds up their results; that the command failed without saying so in its results is one failure.
fn tests(command: &mut Command) -> Result<Count, String> {
    let mut count = Count::default();
    let succeeded = run_reading(command.current_dir(places::root()), |line| {
        if let Some(result) = read_result(line) {
            count.add(result);
        }
    })?;
    if !succeeded && count.failed == 0 {
        count.failed = 1;
    }
    Ok(count)
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
fn read_result(line: &str) -> Option<Count> {
    let numbers = line.trim().strip_prefix("test result: ")?;
    let number = |word: &str| {
        let before = numbers.split(word).next().filter(|before| before.len() < numbers.len())?;
        before.split_whitespace().last()?.parse::<u32>().ok()
    };
    Some(Count { passed: number(" passed")?, failed: number(" failed")? })
}

#[cfg(test)]
mod tests {
    use super::{Count, read_result};

    #[test]
    fn reads_results() {
        for (line, expected) in [
            ("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured", Some(Count { passed: 12, failed: 0 })),
            ("test result: FAILED. 3 passed; 2 failed", Some(Count { passed: 3, failed: 2 })),
            ("test reads_results ... ok", None),
            ("test result: unknown", None),
        ] {
            assert_eq!(read_result(line), expected, "{line}");
        }
    }
}
