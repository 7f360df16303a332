//! `cargo xtask soak`: faults and damaged input for as long as it is asked, and what came of them in `docs/reliability.md`.

use crate::command::{command, run_reading};
use crate::places;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

/// How long a round tries each kind of damaged input.
const SECONDS_A_TARGET: u64 = 30;

/// What was found so far.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Inputs tried, the longest answer in milliseconds and the peak in megabytes, by kind.
    inputs: BTreeMap<String, (u64, u64, u64)>,
    /// Kills, by what was under way.
    kills: BTreeMap<String, u64>,
    /// Times that the store failed for a while.
    failures: u64,
    rounds: u64,
}

impl Found {
    /// Takes in what a test said: lines of `tests/fuzz` and `tests/crash_cycle.rs`.
    fn take(&mut self, line: &str) {
        // The harness's dots, one a test that passed, stand before what the next one says.
        let line = line.trim_start_matches('.');
        if let Some((name, rest)) = line.strip_prefix("fuzzed ").and_then(|line| line.split_once(": ")) {
            let numbers: Vec<u64> =
                rest.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
            if let [tried, longest, peak] = numbers[..] {
                let known = self.inputs.entry(name.to_owned()).or_default();
                *known = (known.0 + tried, known.1.max(longest), known.2.max(peak));
            }
        } else if let Some(rest) = line.strip_prefix("killed in ") {
            if let Some((what, times)) = rest.rsplit_once(": ")
                && let Ok(times) = times.parse::<u64>()
            {
                *self.kills.entry(what.to_owned()).or_default() += times;
            }
        } else if let Some(times) =
            line.strip_prefix("failed for a while: ").and_then(|times| times.parse::<u64>().ok())
        {
            self.failures += times;
        }
    }

    /// The page.
    fn page(&self, minutes: u64) -> String {
        let grouped = |number: u64| {
            let digits = number.to_string();
            let groups: Vec<&str> =
                digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
            groups.join(",")
        };
        let kills: u64 = self.kills.values().sum();
        let inputs: u64 = self.inputs.values().map(|found| found.0).sum();
        let mut page = format!(
            "# Reliability\n\nWhat `cargo xtask soak` found natively, asked for {minutes} minutes (rounds: {}). It writes this page.\n\n## Kills and failing storage\n\n\
             The session is killed after each write of a seeded life: imports, labels, undo, class changes, training, merges, restores, removals. Afterwards all \
             that was acknowledged must be there, what was not whole or not at all, every project must open, and the act must lead where it would have led when it \
             is done again (`tests/crash_cycle.rs`).\n\n| killed in | kills | lost |\n| --- | --- | --- |\n",
            self.rounds
        );
        for (what, times) in &self.kills {
            let _ = writeln!(page, "| {what} | {} | 0 |", grouped(*times));
        }
        let _ = writeln!(
            page,
            "| **all** | **{}** | **0** |\n\nThe store refused to write for a while {} times, and went on: 0 decisions lost.\n\n## Damaged input\n\n\
             Sound and hostile files of each kind, changed by a seeded generator (`tests/fuzz`): none may panic, take over five seconds or over a \
             gigabyte.\n\n| kind | inputs | panics | longest, ms |\n| --- | --- | --- | --- |",
            grouped(kills),
            grouped(self.failures)
        );
        for (name, (tried, longest, _)) in &self.inputs {
            let _ = writeln!(page, "| {name} | {} | 0 | {} |", grouped(*tried), grouped(*longest));
        }
        let peak = self.inputs.values().map(|found| found.2).max().unwrap_or(0);
        let _ = writeln!(
            page,
            "| **all** | **{}** | **0** | |\n\nPeak memory of the process that tries them all: {} MB.",
            grouped(inputs),
            grouped(peak)
        );
        page
    }
}

/// Goes on for so many minutes, then writes the page.
///
/// # Errors
/// With the first thing that was lost, panicked or hung: its seed is in the output, its input in `target/fuzz`.
pub fn soak(minutes: u64) -> Result<(), String> {
    let begun = Instant::now();
    let mut found = Found::default();
    while begun.elapsed() < Duration::from_secs(60 * minutes) {
        found.rounds += 1;
        let round = found.rounds;
        for test in ["crash_cycle", "fuzz"] {
            let mut cargo = command("cargo");
            cargo.args(["test", "--quiet", "--test", test, "--", "--nocapture"]).current_dir(places::root());
            cargo.env("HONE_SEED", round.to_string()).env("HONE_FUZZ_SECONDS", SECONDS_A_TARGET.to_string());
            let mut problem = false;
            let succeeded = run_reading(&mut cargo, |line| {
                problem |= line.contains("panicked at");
                found.take(line);
            })?;
            if problem || !succeeded {
                return Err(format!(
                    "round {round} of {test} failed; HONE_SEED={round} cargo test --test {test} shows it again"
                ));
            }
        }
        let inputs: u64 = found.inputs.values().map(|found| found.0).sum();
        println!("round {round}: {} kills, {inputs} inputs so far", found.kills.values().sum::<u64>());
    }
    let file = places::root().join("docs/reliability.md");
    fs::write(&file, found.page(minutes)).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("docs/reliability.md is written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_say_is_added_up() {
        let mut found = Found::default();
        for line in [
            "fuzzed tables: 3000 inputs, longest 276 ms, peak 207 MB",
            "..fuzzed tables: 1000 inputs, longest 12 ms, peak 300 MB",
            "killed in Import(0, 24, false): 9",
            "killed in Undo: 3",
            "killed in Undo: 4",
            "failed for a while: 81",
            "test result: ok. 14 passed",
        ] {
            found.take(line);
        }
        assert_eq!(found.inputs["tables"], (4000, 276, 300));
        assert_eq!((found.kills["Undo"], found.kills.len(), found.failures), (7, 2, 81));
        let page = found.page(5);
        assert!(
            page.contains("| **all** | **16** | **0** |") && page.contains("| tables | 4,000 | 0 | 276 |"),
            "{page}"
        );
    }
}
