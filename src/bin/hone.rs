//! The command line: the same pipeline as in the browser, on folders, tables and project files.

fn main() -> std::process::ExitCode {
    hone::cli::run(std::env::args_os())
}
