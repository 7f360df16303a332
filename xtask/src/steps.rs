//! The steps of `cargo xtask test`, each timed, and their totals.

use crate::build;
use crate::command::{command, run, run_reading, run_within};
use crate::places;
use crate::setup::browser::{Browser, Firefox};
use crate::setup::toolchain::Toolchain;
use crate::setup::tools;
use std::fmt;
use std::fs::{self, File};
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
    Firefox,
}

impl Step {
    const ALL: [Step; 10] = [
        Step::Format,
        Step::Clippy,
        Step::ClippyWorker,
        Step::ClippyPage,
        Step::Deny,
        Step::Native,
        Step::Browser,
        Step::Build,
        Step::EndToEnd,
        Step::Firefox,
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
            Step::Firefox => "firefox",
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
            Step::Firefox => in_firefox(),
        }
    }
}

/// What is built for the browser, beside what is built for this machine: most of either is one thread that links or optimises, so the
/// two lanes together take little longer than the longer one. They share no folder that Cargo locks for long.
const BESIDE: [Step; 2] = [Step::Browser, Step::Build];
/// What needs the site.
const LATE: [Step; 2] = [Step::EndToEnd, Step::Firefox];

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    step: Step,
    seconds: f64,
    count: Count,
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
    let started = Instant::now();
    let wanted: Vec<Step> =
        Step::ALL.into_iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name())).collect();
    let (beside, own): (Vec<Step>, Vec<Step>) = wanted.iter().partition(|step| BESIDE.contains(step));
    let mut rows = match own.iter().any(|step| !LATE.contains(step)) && !beside.is_empty() {
        true => in_two_lanes(&own, &beside)?,
        false => take_all(&wanted),
    };
    rows.sort_by_key(|row| Step::ALL.iter().position(|&step| step == row.step));
    let mut total = Count::default();
    println!("\n{:<14} {:>8} {:>8} {:>8}", "step", "seconds", "passed", "failed");
    for row in &rows {
        println!("{row}");
        total.add(row.count);
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!("\n{} passed, {} failed in {minutes:.1} minutes", total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err("not everything passed".to_owned()) }
}

fn take_all(steps: &[Step]) -> Vec<Row> {
    let mut rows = Vec::new();
    for &step in steps {
        println!("\n== {} ==", step.name());
        let started = Instant::now();
        let count = step.take().unwrap_or_else(|problem| {
            eprintln!("error: {problem}");
            Count::check(false)
        });
        let seconds = started.elapsed().as_secs_f64();
        rows.push(Row { step, seconds, count });
        println!("== {}: {seconds:.1} s ==", step.name());
    }
    rows
}

/// Takes the steps for the browser in a process of their own, whose words are shown when it has ended; the journeys need the site.
fn in_two_lanes(own: &[Step], beside: &[Step]) -> Result<Vec<Row>, String> {
    // Both lanes would install it.
    Toolchain::for_wasm()?;
    build::install_models();
    let log = places::target().join("xtask").join("beside.log");
    let cannot = |error: &std::io::Error| format!("{} can't be written: {error}", log.display());
    fs::create_dir_all(log.parent().unwrap_or(&log)).map_err(|error| cannot(&error))?;
    let words = File::create(&log).map_err(|error| cannot(&error))?;
    let program = std::env::current_exe().map_err(|error| format!("this program can't be found again: {error}"))?;
    let mut other = command(program);
    other.arg("test").args(beside.iter().flat_map(|step| ["--only", step.name()]));
    other.stdout(words.try_clone().map_err(|error| cannot(&error))?).stderr(words);
    let mut running = other.spawn().map_err(|error| format!("the other lane can't be started: {error}"))?;
    println!(
        "Beside these, in {}: {}",
        log.display(),
        beside.iter().map(|step| step.name()).collect::<Vec<_>>().join(" ")
    );
    let (early, late): (Vec<Step>, Vec<Step>) = own.iter().partition(|step| !LATE.contains(step));
    let mut rows = take_all(&early);
    let ended = running.wait().map_err(|error| format!("the other lane was lost: {error}"))?;
    let said = fs::read_to_string(&log).map_err(|error| format!("{} can't be read: {error}", log.display()))?;
    print!("{said}");
    let found: Vec<Row> = said.lines().filter_map(read_row).collect();
    for &step in beside {
        rows.push(match found.iter().find(|row| row.step == step) {
            // A lane that failed without a failure in its table failed all the same.
            Some(row) if ended.success() || found.iter().any(|row| row.count.failed > 0) => *row,
            _ => Row { step, seconds: 0.0, count: Count::check(false) },
        });
    }
    rows.extend(take_all(&late));
    Ok(rows)
}

impl fmt::Display for Row {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { step, seconds, count } = self;
        write!(to, "{:<14} {seconds:>8.1} {:>8} {:>8}", step.name(), count.passed, count.failed)
    }
}

/// Reads a line of the table of another run.
fn read_row(line: &str) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, seconds, passed, failed] = words[..] else { return None };
    let step = Step::ALL.into_iter().find(|step| step.name() == name)?;
    let count = Count { passed: passed.parse().ok()?, failed: failed.parse().ok()? };
    Some(Row { step, seconds: seconds.parse().ok()?, count })
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
pub(crate) fn end_to_end() -> Result<Command, String> {
    let browser = Browser::find_or_install()?;
    let mut journeys = journeys();
    journeys.env("CHROME", &browser.chromium).env("CHROMEDRIVER", &browser.driver);
    Ok(journeys)
}

/// Some of the journeys again, in Firefox: the page's start, a demo with labels and a killed browser, files in and out, a merge, and
/// storage that is taken away. All of them take longer than they tell; `e2e --browser firefox` runs them.
fn in_firefox() -> Result<Count, String> {
    let browser = Firefox::find_or_install()?;
    let mut journeys = journeys();
    journeys
        .args(["--browser", "firefox"])
        .args(["harness", "impatient", "penguins", "import-round-trip", "import-mixed-folder", "storage-deleted"])
        .env("FIREFOX", &browser.firefox)
        .env("GECKODRIVER", &browser.driver);
    tests(&mut journeys)
}

fn journeys() -> Command {
    let mut cargo = command("cargo");
    cargo
        .args(["run", "--quiet", "--package", "e2e", "--"])
        .arg("--dist")
        .arg(places::dist())
        .arg("--screenshots")
        .arg(places::target().join("screenshots"))
        .current_dir(places::root());
    cargo
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
    use super::{Count, Row, Step, read_result, read_row};

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

    #[test]
    fn reads_the_table_that_it_writes() {
        let row = Row { step: Step::Browser, seconds: 12.5, count: Count { passed: 24, failed: 1 } };
        assert_eq!(read_row(&row.to_string()), Some(row));
        for line in
            ["step            seconds   passed   failed", "== browser: 12.5 s ==", "25 passed, 0 failed in 3.0 minutes"]
        {
            assert_eq!(read_row(line), None, "{line}");
        }
    }
}
