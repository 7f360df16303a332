//! The browser's trace: what page and workers told by User Timing.

use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What the trace holds of User Timing; times in milliseconds of one clock for all processes and threads.
pub struct Trace {
    /// Measures that ended, in no particular order.
    pub measures: Vec<Measure>,
    /// When the page was clicked.
    pub clicks: Vec<f64>,
}

/// One measure.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// When it began.
    pub from: f64,
    /// When it ended.
    pub to: f64,
    /// The thread that took it.
    pub thread: u64,
}

impl Trace {
    /// The measures of this name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(move |measure| measure.name == name)
    }
}

/// The command line arguments that have a browser write User Timing to this file when it ends.
pub fn arguments(file: &Path) -> Vec<String> {
    vec![
        "--enable-tracing=blink.user_timing".to_owned(),
        format!("--enable-tracing-output={}", file.display()),
        "--enable-tracing-format=json".to_owned(),
    ]
}

/// Reads a trace that a browser wrote.
///
/// # Errors
/// When it isn't there or isn't whole.
pub fn read(file: &Path) -> Result<Trace, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("the browser's trace can't be read: {error}"))?;
    let whole: Value =
        serde_json::from_str(&text).map_err(|error| format!("the browser's trace is damaged: {error}"))?;
    Ok(parse(whole["traceEvents"].as_array().map_or(&[], Vec::as_slice)))
}

/// The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>. A measure is a pair of
/// asynchronous events, `b` and `e`, with the same id; times are in microseconds.
fn parse(events: &[Value]) -> Trace {
    let mut begun: HashMap<(String, String, String), f64> = HashMap::new();
    let mut trace = Trace { measures: Vec::new(), clicks: Vec::new() };
    for event in events.iter().filter(|event| event["cat"] == "blink.user_timing") {
        let (Some(name), Some(microseconds)) = (event["name"].as_str(), event["ts"].as_f64()) else { continue };
        let at = microseconds / 1000.0;
        let key = || (name.to_owned(), event["pid"].to_string(), event["id2"].to_string());
        match event["ph"].as_str() {
            Some("b") => drop(begun.insert(key(), at)),
            Some("e") => trace.measures.extend(begun.remove(&key()).map(|from| Measure {
                name: name.to_owned(),
                from,
                to: at,
                thread: event["tid"].as_u64().unwrap_or_default(),
            })),
            _ if name == "click" => trace.clicks.push(at),
            _ => {}
        }
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::{Measure, parse};
    use serde_json::json;

    #[test]
    fn pairs_the_ends_of_a_measure() {
        let event = |phase: &str, name: &str, id: &str, at: u64| {
            json!({
                "cat": "blink.user_timing", "ph": phase, "name": name, "id2": { "local": id }, "pid": 1, "tid": 2, "ts": at,
            })
        };
        let events = [
            event("I", "click", "0x0", 500),
            event("b", "decode", "0x1", 1000),
            event("b", "decode", "0x2", 2000),
            event("e", "decode", "0x1", 4000),
            event("e", "decode", "0x2", 4500),
            event("e", "embed", "0x9", 5000),
        ];
        let trace = parse(&events);
        let measure = |from, to| Measure { name: "decode".to_owned(), from, to, thread: 2 };
        assert_eq!(trace.measures, [measure(1.0, 4.0), measure(2.0, 4.5)]);
        assert_eq!(trace.clicks, [0.5]);
    }
}
