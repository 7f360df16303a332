//! Why a command could not do its work, in one line.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

/// A failed command: what happened and what to do, and the exit code that scripts see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The command line is wrong. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The data, the model or the machine stood in the way. Exit code 1.
    #[error("{0}")]
    Data(String),
}

impl Failure {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// The data or a model cannot be used.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data(message.into())
    }

    /// The platform refused to `verb` ("read", "write") a file.
    pub fn file(verb: &str, path: &Path, error: &dyn Display) -> Self {
        Self::Data(format!("cannot {verb} {}: {error}", path.display()))
    }

    /// 2 for a wrong command line, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Data(_) => 1,
        }
    }

    /// Tells the person and gives the code to end with.
    pub fn report(&self) -> ExitCode {
        // A message quotes file names and cells, which may hold line breaks; the promise is one line.
        let line = self.to_string().split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
        eprintln!("hone: {line}");
        ExitCode::from(self.exit_code())
    }
}
