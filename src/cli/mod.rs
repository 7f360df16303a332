//! The command line `hone`: inspect, train, search, score, evaluate, gate, watch for drift, find label issues, simulate and certify
//! with the pipeline that runs in the browser, and look at the experiment log.
//!
//! Invariant: reads files, calls the pipeline, prints. It computes nothing of its own.
//!
//! Results go to standard output, remarks and problems to standard error, each on a line of its own. The exit code is
//! 0 when the command did its work, 1 when the data or a model stood in the way, 2 when the command was misspelt; `drift` answers
//! with it, too: 0 healthy, 10 watch, 20 deteriorated.

pub mod arguments;
pub mod failure;
pub mod input;
pub mod pieces;
pub mod dataset;
pub mod class_names;
pub mod sample;
pub mod seen;
pub mod progress;
pub mod project;
pub mod source;
pub mod roles;
pub mod cache;
pub mod embed;
pub mod photo;
pub mod weights;
pub mod model_file;
pub mod scorer;
pub mod inspect;
pub mod inspect_report;
pub mod side_by_side;
pub mod train;
pub mod score;
pub mod search;
pub mod evaluate;
pub mod gate;
pub mod drift;
pub mod drift_report;
pub mod issues;
pub mod numeric_issues;
pub mod npy;
pub mod simulate;
pub mod certify;
pub mod runs;
pub mod output;

use arguments::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use failure::Failure;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command; `arguments` starts with the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::print(&error.render().to_string());
            return ExitCode::SUCCESS;
        }
        Err(error) => return Failure::usage(arguments::in_one_line(&error)).report(),
    };
    let outcome = match arguments.command {
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Drift(arguments) => return drift::run(&arguments).unwrap_or_else(|failure| failure.report()),
        Command::Issues(arguments) => issues::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Certify(arguments) => certify::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
