//! What the user asked for, checked before any work starts.

use std::path::PathBuf;

/// What `cargo xtask` says about itself.
pub const HELP: &str = "\
cargo xtask COMMAND

  serve     builds the page, serves it and prints the address
              --port N        the port (8080)
              --prefix PATH   serve below this path, such as /hone/ (/)
  build     leaves the static site in dist/
  test      checks and tests everything
              --only STEP     only this step; may be repeated
              steps: fmt clippy clippy-worker clippy-page deny native browser build e2e firefox
  bench     measures Hone against other runtimes and writes benches/results.md
              --quick         fewer rounds, one size: 3 minutes
              --dist PATH     drive this built site rather than build it
              --part score    only `hone score` on 300,000 texts, and many classes
  soak      faults and damaged input for long, natively and in the browser;
            adds to docs/reliability.md
              --minutes N     how long (120)
  setup     installs what the other commands need, and does nothing else
  models    fetches and converts the weights into public/models
  demo      writes public/demo/index.json anew
  picture   takes the README's picture of the app, docs/app.png
";

/// A checked command line.
#[derive(Debug, PartialEq)]
pub enum Task {
    /// Say what there is.
    Help,
    /// Build the site.
    Build,
    /// Build and serve it.
    Serve {
        /// On which port.
        port: u16,
        /// Below which path.
        prefix: String,
    },
    /// Run the steps named, or all if none is.
    Test {
        /// Their names.
        only: Vec<String>,
    },
    /// Measure against other runtimes.
    Bench {
        /// Fewer rounds, one size.
        quick: bool,
        /// A built site to drive; builds it if there is none.
        dist: Option<PathBuf>,
        /// Only this part.
        part: Option<Part>,
    },
    /// Inject faults and damaged input.
    Soak {
        /// For how long.
        minutes: u64,
    },
    /// Install what is missing.
    Setup,
    /// Fetch and convert the weights.
    Models,
    /// Rewrite the list of demo photos.
    Demo,
    /// Take the README's picture.
    Picture,
}

/// What of the benchmark can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The native `hone score` on a file.
    Score,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// When they make no sense, in one line.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let mut arguments = arguments.into_iter();
    let name = arguments.next().unwrap_or_else(|| "help".to_owned());
    let mut task = match name.as_str() {
        "help" | "--help" | "-h" => return Ok(Task::Help),
        "build" => Task::Build,
        "serve" => Task::Serve { port: 8080, prefix: "/".to_owned() },
        "test" => Task::Test { only: Vec::new() },
        "bench" => Task::Bench { quick: false, dist: None, part: None },
        "soak" => Task::Soak { minutes: 120 },
        "setup" => Task::Setup,
        "models" => Task::Models,
        "demo" => Task::Demo,
        "picture" => Task::Picture,
        other => return Err(format!("there is no command `{other}`; `cargo xtask help` lists them")),
    };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{option} needs a value"));
        match (&mut task, option.as_str()) {
            (_, "--help" | "-h") => return Ok(Task::Help),
            (Task::Serve { port, .. }, "--port") => {
                let text = value()?;
                *port = text.parse().map_err(|_| format!("--port is `{text}`, not a number from 0 to 65535"))?;
            }
            (Task::Serve { prefix, .. }, "--prefix") => *prefix = value()?,
            (Task::Bench { quick, .. }, "--quick") => *quick = true,
            (Task::Bench { dist, .. }, "--dist") => *dist = Some(value()?.into()),
            (Task::Bench { part, .. }, "--part") => match value()?.as_str() {
                "score" => *part = Some(Part::Score),
                other => return Err(format!("there is no part `{other}`; there is `score`")),
            },
            (Task::Soak { minutes }, "--minutes") => {
                let text = value()?;
                *minutes = text.parse().map_err(|_| format!("--minutes is `{text}`, not a number"))?;
            }
            (Task::Test { only }, "--only") => only.push(value()?),
            _ => return Err(format!("`{name}` knows no {option}; `cargo xtask help` lists the options")),
        }
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Task, &str>) {
        let parsed = parse(line.split_whitespace().map(str::to_owned));
        match (parsed, expected) {
            (Ok(task), Ok(expected)) => assert_eq!(task, expected, "{line}"),
            (Err(problem), Err(part)) => assert!(problem.contains(part), "{line}: {problem}"),
            (parsed, expected) => panic!("{line}: {parsed:?}, not {expected:?}"),
        }
    }

    #[test]
    fn reads_command_lines() {
        check("", Ok(Task::Help));
        check("build --help", Ok(Task::Help));
        check("serve", Ok(Task::Serve { port: 8080, prefix: "/".to_owned() }));
        check("serve --port 0 --prefix /hone/", Ok(Task::Serve { port: 0, prefix: "/hone/".to_owned() }));
        check("test --only fmt --only e2e", Ok(Task::Test { only: vec!["fmt".to_owned(), "e2e".to_owned()] }));
        check("bench", Ok(Task::Bench { quick: false, dist: None, part: None }));
        check("bench --quick --dist site", Ok(Task::Bench { quick: true, dist: Some("site".into()), part: None }));
        check("bench --part score", Ok(Task::Bench { quick: false, dist: None, part: Some(Part::Score) }));
        check("bench --part tea", Err("no part `tea`"));
        check("soak", Ok(Task::Soak { minutes: 120 }));
        check("soak --minutes 5", Ok(Task::Soak { minutes: 5 }));
        check("soak --minutes long", Err("not a number"));
        check("serve --port", Err("--port needs a value"));
        check("serve --port 70000", Err("not a number from 0 to 65535"));
        check("build --port 1", Err("`build` knows no --port"));
        check("deploy", Err("no command `deploy`"));
    }
}
