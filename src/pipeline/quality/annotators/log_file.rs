//! A label log as a file: how annotators exchange what they decided.
//!
//! JSON Lines. The first line is a header, `{"format":"hone-label-log","version":1,"project":…,"classes":[{"key","name"}]}`,
//! and each further line one [`LabelEvent`].

use crate::pipeline::import::plan::{Problem, Target};
use crate::pipeline::import::problem::ProblemList;
use crate::pipeline::label::{Action, Class, LabelEvent, places_are_plausible};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use ulid::Ulid;

/// How the format calls itself.
const FORMAT: &str = "hone-label-log";
/// The version written, and the newest that is read.
const VERSION: u32 = 1;
/// How far into a file its format is looked for if the first line doesn't end before.
const SNIFFED: usize = 256;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    #[serde(default)]
    project: String,
    /// Left out where labels are classes, as in files of old.
    #[serde(default, skip_serializing_if = "is_classes")]
    target: Target,
    #[serde(default)]
    classes: Vec<Class>,
}

fn is_classes(target: &Target) -> bool {
    *target == Target::Classes
}

/// What a label log file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFile {
    /// The name of the project it comes from.
    pub project: String,
    /// Whether its labels are classes or numbers.
    pub target: Target,
    /// That project's classes, none where labels are numbers: those of the header, and any others that its events name.
    pub classes: Vec<Class>,
    /// The events that could be read, in the file's order.
    pub events: Vec<LabelEvent>,
    /// What could not be read, and why.
    pub problems: Vec<Problem>,
}

/// Whether a file begins like a label log. The beginning of the file will do.
pub fn looks_like_log(bytes: &[u8]) -> bool {
    let bytes = without_mark(bytes);
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) => serde_json::from_slice::<serde_json::Value>(&bytes[..end])
            .is_ok_and(|header| header.get("format").and_then(|format| format.as_str()) == Some(FORMAT)),
        None => {
            let head = String::from_utf8_lossy(&bytes[..bytes.len().min(SNIFFED)]);
            head.trim_start().starts_with('{') && head.contains(&format!("\"{FORMAT}\""))
        }
    }
}

/// Without the byte order mark that some editors put before UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads a label log file. Lines that can't be read are problems; the others are read all the same. `file` is its name, for
/// the problems.
///
/// # Errors
/// If it isn't a label log, or one of a newer version: a sentence for the user.
pub fn read_log(file: &str, bytes: &[u8]) -> Result<LogFile, String> {
    let mut lines = (1..).zip(without_mark(bytes).split(|&byte| byte == b'\n'));
    let header = lines.next().map_or(&[][..], |(_, line)| line);
    let header: serde_json::Value = serde_json::from_slice(header).unwrap_or_default();
    if header.get("format").and_then(|format| format.as_str()) != Some(FORMAT) {
        return Err(format!(
            "{file} is not a label log: its first line does not say so. Nothing was changed. Export the label log from Hone and \
             import that file."
        ));
    }
    if header.get("version").and_then(serde_json::Value::as_u64).is_some_and(|version| version > u64::from(VERSION)) {
        return Err(format!(
            "{file} was written by a newer version of Hone. Nothing was changed. Reload Hone to update it, and import the file \
             again."
        ));
    }
    let header: Header = serde_json::from_value(header).map_err(|error| {
        format!(
            "The first line of {file} is damaged ({error}). Nothing was changed. Export the label log again and import that file."
        )
    })?;
    let mut problems = ProblemList::default();
    let mut events = Vec::new();
    for (number, line) in lines {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match read_event(line) {
            Ok(event) => events.push(event),
            Err(message) => problems.push(Problem::of_row(file, number, message)),
        }
    }
    if !places_are_plausible(&events) {
        return Err(format!(
            "The decisions in {file} have places in the order that no log reaches, so the file was damaged or edited. Nothing was \
             changed. Export the label log again and import that file."
        ));
    }
    let mut classes = header.classes;
    let missing = if is_classes(&header.target) { missing_classes(&classes, &events) } else { Vec::new() };
    for key in missing {
        problems.push(Problem::of_file(
            file,
            format!(
                "the class “{key}” is missing in the first line; it is added under that name, and its labels are read"
            ),
        ));
        classes.push(Class { key: key.clone(), name: key });
    }
    Ok(LogFile { project: header.project, target: header.target, classes, events, problems: problems.into_vec() })
}

fn read_event(line: &[u8]) -> Result<LabelEvent, String> {
    let event: LabelEvent =
        serde_json::from_slice(line).map_err(|error| format!("is not a decision ({error}); it is left out"))?;
    // Among decisions that did not know each other the id decides, and is the key in the store: a ULID and nothing else.
    let is_ulid = Ulid::from_string(&event.id).is_ok_and(|ulid| ulid.to_string() == event.id);
    if !is_ulid {
        return Err(format!("has the id “{}”, which is not a ULID (26 digits and capitals); it is left out", event.id));
    }
    Ok(event)
}

/// The keys that events name and `classes` lack, in the order of the events.
fn missing_classes(classes: &[Class], events: &[LabelEvent]) -> Vec<String> {
    let mut known: HashSet<&str> = classes.iter().map(|class| class.key.as_str()).collect();
    let named = events.iter().filter_map(|event| match &event.action {
        Action::Label(class) | Action::Keep(class) => Some(class),
        _ => None,
    });
    named.filter(|class| known.insert(class)).cloned().collect()
}

/// Writes a label log file: UTF-8, one event a line, in the order given.
pub fn write_log(project: &str, target: Target, classes: &[Class], events: &[LabelEvent]) -> Vec<u8> {
    let (format, project, classes) = (FORMAT.into(), project.into(), classes.to_vec());
    let header = Header { format, version: VERSION, project, target, classes };
    let mut file = Vec::new();
    push_line(&mut file, &header);
    for event in events {
        push_line(&mut file, event);
    }
    file
}

fn push_line(file: &mut Vec<u8>, value: &impl Serialize) {
    // Neither texts nor numbers can fail to be JSON, and memory takes whatever is written.
    if let Ok(line) = serde_json::to_vec(value) {
        file.extend(line);
        file.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_log::random_logs;
    use super::*;
    use crate::pipeline::label::Shown;

    fn classes() -> Vec<Class> {
        ["cat", "dog", "fox"].map(|key| Class { key: key.into(), name: format!("{key}\n“é”") }).to_vec()
    }

    /// A random log with ids as they are in real ones, and with what decisions have beside a class.
    fn events(seed: u64) -> Vec<LabelEvent> {
        let mut log = random_logs(seed, 1).remove(0);
        for (number, event) in log.iter_mut().enumerate() {
            event.id = Ulid::from_parts(1_700_000_000_000 + number as u64, u128::from(seed)).to_string();
            event.shown = (number % 2 == 0).then(|| Shown {
                class: "dog".into(),
                probability: 0.1 + 0.7 * number as f32,
                model: 3,
                quality: Some(0.3),
            });
            event.drawn_with = (number % 3 == 0).then_some(1.0 / 3.0);
            event.time_ms = 1_700_000_000_000.25;
        }
        log
    }

    #[test]
    fn what_is_written_is_read() {
        for seed in 0..50 {
            let events = events(seed);
            let file = write_log("Cats & dogs\n", Target::Classes, &classes(), &events);
            assert!(looks_like_log(&file) && looks_like_log(&file[..60]));
            let read = read_log("a.jsonl", &file).unwrap();
            assert_eq!(
                read,
                LogFile {
                    project: "Cats & dogs\n".into(),
                    target: Target::Classes,
                    classes: classes(),
                    events,
                    problems: vec![]
                }
            );
        }
    }

    #[test]
    fn bad_lines_are_told_and_the_others_are_read() {
        let events = events(1);
        let file = String::from_utf8(write_log("p", Target::Classes, &classes()[..2], &events)).unwrap();
        let mut lines: Vec<&str> = file.lines().collect();
        let half = &lines[3][..40];
        let odd_id = lines[4].replace(&events[3].id, "zzz");
        lines[3] = half;
        lines[4] = &odd_id;
        lines.insert(5, "");
        let mut damaged = b"\xef\xbb\xbf".to_vec();
        damaged.extend(lines.join("\r\n").bytes());
        damaged.extend(b"\r\n\xff\xfe\r\n");
        assert!(looks_like_log(&damaged));
        let read = read_log("a.jsonl", &damaged).unwrap();
        assert_eq!(read.events.len(), events.len() - 2);
        let rows: Vec<Option<u64>> = read.problems.iter().map(|problem| problem.row).collect();
        assert_eq!(rows, [Some(4), Some(5), Some(lines.len() as u64 + 1), None]);
        assert!(read.problems[1].message.contains("“zzz”"), "{:?}", read.problems);
        assert!(read.problems[3].message.contains("“fox”"), "{:?}", read.problems);
        assert_eq!(read.classes[2], Class { key: "fox".into(), name: "fox".into() });
    }

    #[test]
    fn other_files_are_refused_in_a_sentence() {
        let newer = br#"{"format":"hone-label-log","version":2,"events":7}"#;
        let broken = br#"{"format":"hone-label-log","version":"one"}"#;
        for (bytes, looks, expected) in [
            (&b""[..], false, "not a label log"),
            (b"text,label\ngood,pos\n", false, "not a label log"),
            (b"{\"text\": \"about hone-label-log\"}\n", false, "not a label log"),
            (b"\xff\xfe\x00", false, "not a label log"),
            (newer, true, "newer version"),
            (broken, true, "damaged"),
        ] {
            assert_eq!(looks_like_log(bytes), looks);
            let error = read_log("a.jsonl", bytes).unwrap_err();
            assert!(error.contains(expected) && error.contains("Nothing was changed"), "{error}");
        }
    }
}
