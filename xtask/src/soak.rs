//! `cargo xtask soak`: faults and damaged input for as long as it is asked, and what came of them in `docs/reliability.md`, on top of what
//! earlier runs found.

use crate::build;
use crate::command::{command, output, run, run_reading};
use crate::places;
use crate::steps;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a round tries each kind of damaged input.
const SECONDS_A_TARGET: u64 = 30;
/// How often a round in the browser kills it.
const KILLS_A_ROUND: u32 = 48;

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq)]
struct Found {
    /// Runs of this command: of which commit, for how many minutes, with how many rounds natively and in the browser.
    runs: Vec<(String, u64, u64, u64)>,
    /// Kills, by what was under way.
    kills: BTreeMap<String, u64>,
    /// The same in the browser.
    browser: BTreeMap<String, u64>,
    /// Times that the store failed for a while.
    failures: u64,
    /// Inputs tried, and the longest answer in milliseconds, by kind.
    inputs: BTreeMap<String, (u64, u64)>,
    /// The most memory that a process took which tries them, in megabytes.
    peak: u64,
}

const NATIVE: &str = "killed in";
const BROWSER: &str = "killed in the browser in";
const KIND: &str = "kind";
const RUN: &str = "commit";
const FAILED: &str = "The store refused to write for a while ";
const PEAK: &str = "Peak memory of the process that tries them all: ";

impl Found {
    /// Takes in what a test said: lines of `tests/fuzz`, `tests/crash_cycle.rs` and the journey `killed`.
    fn take(&mut self, line: &str) {
        // The harness's dots, one a test that passed, stand before what the next one says.
        let line = line.trim_start_matches('.');
        let counted = |rest: &str| {
            rest.rsplit_once(": ").and_then(|(what, times)| Some((what.to_owned(), times.parse::<u64>().ok()?)))
        };
        if let Some((name, rest)) = line.strip_prefix("fuzzed ").and_then(|line| line.split_once(": ")) {
            if let [tried, longest, peak] = numbers(rest)[..] {
                let known = self.inputs.entry(name.to_owned()).or_default();
                *known = (known.0 + tried, known.1.max(longest));
                self.peak = self.peak.max(peak);
            }
        } else if let Some(rest) = line.strip_prefix(BROWSER) {
            if let Some((what, times)) = counted(rest.trim_start()) {
                *self.browser.entry(what).or_default() += times;
            }
        } else if let Some(rest) = line.strip_prefix(NATIVE) {
            if let Some((what, times)) = counted(rest.trim_start()) {
                *self.kills.entry(what).or_default() += times;
            }
        } else if let Some(times) =
            line.strip_prefix("failed for a while: ").and_then(|times| times.parse::<u64>().ok())
        {
            self.failures += times;
        }
    }

    /// What a page says that this program wrote; nothing of one that it can't read.
    fn of_page(page: &str) -> Found {
        let mut found = Found::default();
        let mut table = String::new();
        for line in page.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let count = |cell: usize| cells.get(cell).map_or(0, |text| number(text));
            if !line.starts_with('|') {
                table.clear();
                if let Some(rest) = line.strip_prefix(FAILED) {
                    found.failures = number(rest.split(' ').next().unwrap_or_default());
                } else if let Some(rest) = line.strip_prefix(PEAK) {
                    found.peak = number(rest);
                }
            } else if table.is_empty() {
                cells[0].clone_into(&mut table);
            } else if !cells[0].starts_with(['-', '*']) {
                let name = cells[0].to_owned();
                match table.as_str() {
                    RUN => found.runs.push((name, count(1), count(2), count(3))),
                    NATIVE => drop(found.kills.insert(name, count(1))),
                    BROWSER => drop(found.browser.insert(name, count(1))),
                    KIND => drop(found.inputs.insert(name, (count(1), count(3)))),
                    _ => {}
                }
            }
        }
        found
    }

    fn page(&self) -> String {
        let mut page = format!(
            "# Reliability\n\nWhat `cargo xtask soak` found; it writes this page, and adds to it. Its first failure would have ended it: what is \
             counted here held.\n\n| {RUN} | minutes | rounds | in the browser |\n| --- | --- | --- | --- |\n"
        );
        for (commit, minutes, rounds, in_the_browser) in &self.runs {
            let _ = writeln!(page, "| {commit} | {minutes} | {rounds} | {in_the_browser} |");
        }
        let minutes: u64 = self.runs.iter().map(|run| run.1).sum();
        let _ = write!(
            page,
            "| **all** | **{minutes}** | | |\n\n## Kills and failing storage\n\n\
             The session is killed after each write of a seeded life: imports, labels, undo, class changes, training, merges, restores, removals. \
             Afterwards all that was acknowledged must be there, what was not whole or not at all, every project must open, and the act must lead \
             where it would have led when it is done again (`tests/crash_cycle.rs`).\n\n"
        );
        kills(&mut page, NATIVE, &self.kills);
        let _ = write!(
            page,
            "\n{FAILED}{} times, and went on: 0 decisions lost.\n\nThe browser's processes are killed at seeded random moments, while a person labels, \
             and the rest of what one does is under way. Afterwards every label that the page called saved must be there once, what comes in many at \
             once whole or not at all, and the projects must open (`tests/e2e/src/journeys/killed.rs`).\n\n",
            grouped(self.failures)
        );
        kills(&mut page, BROWSER, &self.browser);
        let _ = write!(
            page,
            "\n## Damaged input\n\nSound and hostile files of each kind, changed by a seeded generator (`tests/fuzz`): none may panic, take over five \
             seconds or over a gigabyte.\n\n| {KIND} | inputs | panics | longest, ms |\n| --- | --- | --- | --- |\n"
        );
        for (name, (tried, longest)) in &self.inputs {
            let _ = writeln!(page, "| {name} | {} | 0 | {} |", grouped(*tried), grouped(*longest));
        }
        let inputs: u64 = self.inputs.values().map(|found| found.0).sum();
        let _ = writeln!(page, "| **all** | **{}** | **0** | |\n\n{PEAK}{} MB.", grouped(inputs), grouped(self.peak));
        page
    }
}

fn kills(page: &mut String, table: &str, kills: &BTreeMap<String, u64>) {
    let _ = writeln!(page, "| {table} | kills | lost |\n| --- | --- | --- |");
    for (what, times) in kills {
        let _ = writeln!(page, "| {what} | {} | 0 |", grouped(*times));
    }
    let _ = writeln!(page, "| **all** | **{}** | **0** |", grouped(kills.values().sum()));
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// The digits of a text, as one number.
fn number(text: &str) -> u64 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// A run under way, which two threads add to.
struct Soak {
    found: Mutex<Found>,
    begun: Instant,
    minutes: u64,
    page: PathBuf,
}

impl Soak {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn goes_on(&self) -> bool {
        self.begun.elapsed() < Duration::from_secs(60 * self.minutes)
    }

    /// Takes in what a round said, and writes the page: a run that is ended from outside keeps its rounds.
    fn end_round(&self, lines: &[String], in_the_browser: bool) -> Result<(), String> {
        let mut found = self.found();
        lines.iter().for_each(|line| found.take(line));
        let minutes = self.begun.elapsed().as_secs() / 60;
        if let Some((_, so_far, rounds, browser_rounds)) = found.runs.last_mut() {
            *so_far = minutes;
            *if in_the_browser { browser_rounds } else { rounds } += 1;
        }
        println!(
            "{minutes} minutes: {} kills, {} in the browser, {} inputs in all",
            grouped(found.kills.values().sum()),
            grouped(found.browser.values().sum()),
            grouped(found.inputs.values().map(|found| found.0).sum())
        );
        fs::write(&self.page, found.page()).map_err(|error| format!("{}: {error}", self.page.display()))
    }

    /// Runs something that says what it found; `again` shows a failure anew.
    fn round(&self, mut command: Command, in_the_browser: bool, again: &str) -> Result<(), String> {
        let mut lines = Vec::new();
        let mut problem = false;
        let succeeded = run_reading(&mut command, |line| {
            problem |= line.contains("panicked at");
            lines.push(line.to_owned());
        })?;
        if problem || !succeeded {
            return Err(format!("a round failed; `{again}` shows it again"));
        }
        self.end_round(&lines, in_the_browser)
    }

    fn natively(&self, first_seed: u64) -> Result<(), String> {
        let mut seed = first_seed;
        while self.goes_on() {
            seed += 1;
            let mut cargo = command("cargo");
            cargo.args(["test", "--quiet", "--test", "crash_cycle", "--test", "fuzz", "--", "--nocapture"]);
            cargo.current_dir(places::root()).env("HONE_SEED", seed.to_string());
            cargo.env("HONE_FUZZ_SECONDS", SECONDS_A_TARGET.to_string());
            self.round(cargo, false, &format!("HONE_SEED={seed} cargo test --test crash_cycle --test fuzz"))?;
        }
        Ok(())
    }

    fn in_the_browser(&self, first_seed: u64) -> Result<(), String> {
        let mut seed = first_seed;
        while self.goes_on() {
            seed += 1;
            let mut journey = steps::end_to_end()?;
            journey.arg("killed").env("HONE_SEED", seed.to_string()).env("HONE_KILLS", KILLS_A_ROUND.to_string());
            let again = format!("HONE_SEED={seed} HONE_KILLS={KILLS_A_ROUND} cargo run --package e2e -- killed");
            self.round(journey, true, &again)?;
        }
        Ok(())
    }
}

/// Goes on for so many minutes, natively and in the browser at once, and writes the page after each round.
///
/// # Errors
/// With the first thing that was lost, panicked or hung: its seed is in the output, its input in `target/fuzz`.
pub fn soak(minutes: u64) -> Result<(), String> {
    build::build()?;
    // Before the clock starts: the two would wait for each other.
    run(command("cargo")
        .args(["test", "--no-run", "--test", "crash_cycle", "--test", "fuzz"])
        .current_dir(places::root()))?;
    run(command("cargo").args(["build", "--package", "e2e"]).current_dir(places::root()))?;
    let page = places::root().join("docs/reliability.md");
    let mut found = Found::of_page(&fs::read_to_string(&page).unwrap_or_default());
    let (rounds, browser_rounds) =
        found.runs.iter().fold((0, 0), |(rounds, browser), run| (rounds + run.2, browser + run.3));
    let git = |arguments: &[&str]| output(command("git").args(arguments).current_dir(places::root()));
    let commit = git(&["log", "-1", "--format=%h of %cs"]).unwrap_or_else(|| "unknown".to_owned());
    found.runs.push((commit, 0, 0, 0));
    let soak = Soak { found: Mutex::new(found), begun: Instant::now(), minutes, page };
    let (native, browser) = std::thread::scope(|scope| {
        let browser = scope.spawn(|| soak.in_the_browser(browser_rounds));
        (soak.natively(rounds), browser.join())
    });
    native?;
    browser.map_err(|_| "the rounds in the browser ended in a panic".to_owned())??;
    println!("docs/reliability.md is written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_say_is_added_up_and_read_back() {
        let mut found = Found::default();
        for line in [
            "fuzzed tables: 3000 inputs, longest 276 ms, peak 207 MB",
            "..fuzzed tables: 1000 inputs, longest 12 ms, peak 300 MB",
            "killed in Import(0, 24, false): 9",
            "killed in Undo: 3",
            "killed in Undo: 4",
            "killed in the browser in Undo: 5",
            "failed for a while: 1081",
            "test result: ok. 14 passed",
        ] {
            found.take(line);
        }
        found.runs.push(("1234567 of 2026-01-02".to_owned(), 130, 12, 3));
        assert_eq!((found.inputs["tables"], found.peak), ((4000, 276), 300));
        assert_eq!((found.kills["Undo"], found.kills.len(), found.failures), (7, 2, 1081));
        assert_eq!(found.browser, BTreeMap::from([("Undo".to_owned(), 5)]));
        let page = found.page();
        for row in ["| **all** | **16** | **0** |", "| tables | 4,000 | 0 | 276 |", "| **all** | **130** | | |"] {
            assert!(page.contains(row), "{page}");
        }
        assert_eq!(Found::of_page(&page), found);
        assert_eq!(Found::of_page("# Something else\n\n| a | b |\n"), Found::default());
    }
}
