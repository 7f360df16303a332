//! Journeys through the built site in a browser, driven by roles and accessible names only.
//!
//! `cargo xtask test --only e2e` runs them in Chromium; the results are printed as `cargo test` prints them.
//! `cargo run --package e2e -- --browser firefox` runs them in Firefox, and names after it choose some.

mod altered;
mod browser;
mod demo;
mod images;
mod journeys;
mod measure;
mod mlflow;
mod visit;
mod webdriver;

use browser::Browser;
use journeys::{JOURNEYS, Journey, Surroundings};
use measure::Plan;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use visit::Programs;
use webdriver::Driver;

/// What to do.
struct Options {
    browser: &'static dyn Browser,
    dist: PathBuf,
    screenshots: PathBuf,
    picture: Option<PathBuf>,
    /// Measure how fast the app is, rather than drive journeys.
    measure: Option<Plan>,
    /// Measure the first model of many classes alone.
    measure_texts: bool,
    /// Names of journeys, or parts of names; all if empty.
    only: Vec<String>,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        browser: browser::named("chromium")?,
        dist: "dist".into(),
        screenshots: "target/screenshots".into(),
        picture: None,
        measure: None,
        measure_texts: false,
        only: Vec::new(),
    };
    let mut plan = Plan { photos: PathBuf::new(), cold: 3, labels: 40 };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--browser" => options.browser = browser::named(&value()?)?,
            "--dist" => options.dist = value()?.into(),
            "--screenshots" => options.screenshots = value()?.into(),
            "--picture" => options.picture = Some(value()?.into()),
            "--measure" => plan.photos = value()?.into(),
            "--measure-texts" => options.measure_texts = true,
            "--cold" => plan.cold = number(&value()?)?,
            "--labels" => plan.labels = number(&value()?)?,
            option if option.starts_with('-') => return Err(format!("there is no option {option}")),
            name => options.only.push(name.to_owned()),
        }
    }
    options.measure = Some(plan).filter(|plan| !plan.photos.as_os_str().is_empty());
    Ok(options)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` isn't a number"))
}

fn run(options: &Options) -> Result<bool, String> {
    let chosen = |name: &str| options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str()));
    if let Some(unknown) =
        options.only.iter().find(|part| !JOURNEYS.iter().any(|(name, _)| name.contains(part.as_str())))
    {
        return Err(format!("no journey's name contains `{unknown}`"));
    }
    let programs = Programs { screenshots: options.screenshots.clone(), driver: Driver::start(options.browser)? };
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let surroundings =
        Surroundings { programs, root, dist: options.dist.clone(), screenshots: options.screenshots.clone() };
    if let Some(file) = &options.picture {
        return journeys::picture(&surroundings, file).map(|()| true);
    }
    if let Some(plan) = &options.measure {
        return measure::measure(&surroundings, plan).map(|()| true);
    }
    if options.measure_texts {
        return measure::measure_texts(&surroundings).map(|()| true);
    }
    let (left_out, wanted): (Vec<Journey>, Vec<Journey>) = JOURNEYS
        .into_iter()
        .filter(|(name, _)| chosen(name))
        .partition(|(name, _)| options.browser.leaves_out(name).is_some());
    for (name, _) in left_out {
        let reason = options.browser.leaves_out(name).unwrap_or_default();
        println!("journey {name} ... not in {}: {reason}", options.browser.name());
    }
    let waiting: Mutex<VecDeque<Journey>> = Mutex::new(wanted.into());
    let take = |from_the_back: bool| {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if from_the_back { waiting.pop_back() } else { waiting.pop_front() }
    };
    let (passed, failed) = (AtomicU32::new(0), AtomicU32::new(0));
    let travel = |from_the_back: bool| {
        while let Some((name, journey)) = take(from_the_back) {
            let succeeded = report(name, || journey(&surroundings));
            if succeeded { &passed } else { &failed }.fetch_add(1, Ordering::Relaxed);
        }
    };
    // A journey mostly waits, for one thread: two at a time, one beginning with the cheapest, one with the dearest.
    std::thread::scope(|scope| {
        if options.browser.runs_two_at_once() {
            scope.spawn(|| travel(true));
        }
        travel(false);
    });
    let (passed, failed) = (passed.into_inner(), failed.into_inner());
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed");
    Ok(failed == 0)
}

/// Makes a journey and says how it went.
fn report(name: &str, journey: impl FnOnce() -> Result<(), String>) -> bool {
    let started = Instant::now();
    let done = journey();
    let seconds = started.elapsed().as_secs_f64();
    match done {
        Ok(()) => println!("journey {name} ... ok ({seconds:.1} s)"),
        Err(ref problem) => println!("journey {name} ... FAILED ({seconds:.1} s)\n  {problem}"),
    }
    done.is_ok()
}
