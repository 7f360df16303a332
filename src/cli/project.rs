//! A project saved by Hone as data: its items, and those of its labels that are asked for.

use super::failure::Failure;
use super::input::{Input, ProjectLabels};
use crate::pipeline::import::is_project_file;
use crate::pipeline::item::{ContentHash, Kind};
use crate::pipeline::label::{ItemLabels, Standing, fold};
use crate::storage::archive::{self, read_archive};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Gives the images of a project file, to several threads in turn.
pub struct MediaReader(Mutex<archive::MediaReader<BufReader<File>>>);

impl MediaReader {
    /// The bytes of the image with this hash.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub fn read(&self, hash: ContentHash) -> Result<Vec<u8>, String> {
        // A reader that panicked left no half-done state behind: each read seeks anew.
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.read(hash).map_err(|problem| problem.message)
    }
}

/// Whether the file at `path` is a project saved by Hone.
pub fn is_project(path: &Path) -> bool {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(1 << 10).read_to_end(&mut head)).is_ok() && is_project_file(&head)
}

/// Reads a project file.
///
/// # Errors
/// If it is damaged or of a newer release.
pub fn open(path: &Path, wanted: ProjectLabels) -> Result<Input, Failure> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let (snapshot, media) =
        read_archive(BufReader::new(file)).map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
    let labels = fold(&snapshot.events);
    let evidence = Evidence {
        audits: labels.values().any(|item| item.audit.is_some()),
        tests: labels.values().any(|item| item.test.is_some()),
    };
    let name_of: HashMap<&str, &str> =
        snapshot.project.classes.iter().map(|class| (class.key.as_str(), class.name.as_str())).collect();
    let class_of = |hash: &ContentHash| {
        let standing = chosen(labels.get(hash)?, wanted, evidence)?;
        Some(name_of.get(standing.class.as_str()).unwrap_or(&standing.class.as_str()).to_string())
    };
    let items = snapshot.items.into_iter().map(|record| (class_of(&record.item.hash), record.item));
    let items: Vec<_> = items.map(|(label, item)| (item, label)).collect();
    let project = snapshot.project;
    let columns = if project.kind == Kind::Table { project.columns } else { Vec::new() };
    Ok(Input::of_project(project.name, project.kind, columns, items, MediaReader(Mutex::new(media))))
}

/// What a project has to measure models by.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    audits: bool,
    tests: bool,
}

fn chosen(item: &ItemLabels, wanted: ProjectLabels, evidence: Evidence) -> Option<&Standing> {
    match wanted {
        // An item that measures is kept out of training whatever else is known of it.
        ProjectLabels::Training => item.label.as_ref().filter(|label| !item.measures() && label.source.trains()),
        ProjectLabels::Measuring if evidence.audits => item.audit.as_ref(),
        ProjectLabels::Measuring if evidence.tests => item.test.as_ref(),
        ProjectLabels::Measuring | ProjectLabels::Decided => item.given(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::label::Source;

    #[test]
    fn audits_measure_and_never_train() {
        let standing = |class: &str, source| {
            Some(Standing { class: class.into(), source, event: String::new(), certificate: None })
        };
        let human = ItemLabels { label: standing("cat", Source::Human), ..ItemLabels::default() };
        let audit = ItemLabels { audit: standing("dog", Source::Audit), ..human.clone() };
        let test = ItemLabels { test: standing("fish", Source::Test), ..human.clone() };
        let check = |item: &ItemLabels, wanted, audits, expected: Option<&str>| {
            let evidence = Evidence { audits, tests: true };
            assert_eq!(chosen(item, wanted, evidence).map(|standing| standing.class.as_str()), expected);
        };
        check(&human, ProjectLabels::Training, true, Some("cat"));
        check(&audit, ProjectLabels::Training, true, None);
        check(&human, ProjectLabels::Measuring, true, None);
        check(&human, ProjectLabels::Measuring, false, None);
        check(&test, ProjectLabels::Training, false, None);
        check(&test, ProjectLabels::Measuring, true, None);
        check(&test, ProjectLabels::Measuring, false, Some("fish"));
        let nothing_apart = Evidence { audits: false, tests: false };
        let all = chosen(&human, ProjectLabels::Measuring, nothing_apart).map(|standing| standing.class.as_str());
        assert_eq!(all, Some("cat"));
        check(&audit, ProjectLabels::Measuring, true, Some("dog"));
        check(&audit, ProjectLabels::Decided, true, Some("dog"));
        check(&human, ProjectLabels::Decided, true, Some("cat"));
    }
}
