//! `cargo xtask`: everything that is done to this repository rather than by the program. Installs what is missing.

mod bench;
mod build;
mod demo;
mod models;
mod options;
mod soak;
mod steps;

use options::Task;
use std::process::ExitCode;
// At the root, where the modules look for them.
use xtask::server::Server;
use xtask::{command, digest, places, setup, stamp};

fn main() -> ExitCode {
    let done = options::parse(std::env::args().skip(1)).and_then(perform);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<(), String> {
    match task {
        Task::Help => {
            print!("{}", options::HELP);
            Ok(())
        }
        Task::Build => build::build(),
        Task::Serve { port, prefix } => {
            build::build()?;
            let server = Server::start(&places::dist(), port, &prefix)
                .map_err(|error| format!("port {port} can't be used: {error}. Choose another with --port"))?;
            println!("Hone is at {}", server.url());
            server.wait();
            Ok(())
        }
        Task::Test { only } => steps::test(&only),
        Task::Bench { quick, dist, part: Some(options::Part::Score) } => bench::score(quick, dist),
        Task::Bench { quick, dist, part: None } => bench::bench(quick, dist),
        Task::Soak { minutes } => soak::soak(minutes),
        Task::Setup => {
            setup::toolchain::Toolchain::for_wasm()?;
            setup::tools::for_build()?;
            setup::browser::Browser::find_or_install()?;
            setup::browser::Firefox::find_or_install()?;
            setup::mlflow::server()?;
            setup::tools::cargo_deny()?;
            println!("Everything is there.");
            Ok(())
        }
        Task::Models => models::install(&places::models()),
        Task::Demo => demo::write_index(),
        Task::Picture => steps::picture(),
    }
}
