//! Tables beside images: a row names an image and says what is known of it.

use super::plan::Problem;
use super::{Imported, ProblemList};
use std::collections::{HashMap, HashSet};

/// What the tables beside images say, by the images' names. Tables ([`Reading::Beside`](super::Reading::Beside)) are
/// read before the images; each image then takes what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    rows: Vec<Row>,
    by_name: HashMap<String, Found>,
}

#[derive(Debug, Clone)]
struct Row {
    /// The table and its row, for people.
    place: String,
    imported: Imported,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    Row(usize),
    /// Several rows, which say different things: `1.png` of two folders.
    Several,
}

/// Whether a name ends in what may be a picture's extension: `.jpg`, not `.5`.
pub(super) fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (2..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// A path as tables and folders may both write it: `/` between folders, no `./`, no extension, lower case.
pub(super) fn plain_path(path: &str) -> String {
    let path = path.trim().replace('\\', "/").to_lowercase();
    let path = path.trim_start_matches("./").trim_start_matches('/');
    match path.rsplit_once('.') {
        Some((stem, _)) if has_extension(path.rsplit('/').next().unwrap_or(path)) => stem.to_owned(),
        _ => path.to_owned(),
    }
}

/// The paths under which a table may name the image at `path`: whole, and without one folder after the other.
pub(super) fn names_of(path: &str) -> impl Iterator<Item = String> {
    let plain = plain_path(path);
    let mut starts: Vec<usize> = vec![0];
    starts.extend(plain.match_indices('/').map(|(at, _)| at + 1));
    starts.into_iter().map(move |start| plain[start..].to_owned())
}

impl Beside {
    /// Takes in rows of a table beside images, as a [`TableReader`](super::TableReader) reads them: an item's name is
    /// the table's path and row, and its first extra column what the row calls its image.
    pub fn add(&mut self, rows: Vec<Imported>, problems: &mut ProblemList) {
        for mut imported in rows {
            if imported.item.extra.is_empty() {
                continue;
            }
            let (_, named) = imported.item.extra.remove(0);
            let place = imported.item.name.clone();
            let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
            let row = self.rows.len();
            // Names are relative to the table's folder, as Hugging Face writes them; or to whatever the table meant.
            let own = if folder.is_empty() { plain_path(&named) } else { plain_path(&format!("{folder}/{named}")) };
            if let Some(Found::Row(before)) = self.by_name.get(&own) {
                let message = format!("names the same image as {}: the later row counts", self.rows[*before].place);
                problems.push(Problem::note(&place, message));
            }
            for name in names_of(&own) {
                let is_own = name == own;
                self.by_name
                    .entry(name)
                    .and_modify(|found| *found = if is_own { Found::Row(row) } else { Found::Several })
                    .or_insert(Found::Row(row));
            }
            self.rows.push(Row { place, imported });
        }
    }

    /// What is known of the image at `path`: under its whole path, the end of it, or its name alone.
    pub fn of(&self, path: &str) -> Option<&Imported> {
        match self.row(path)? {
            Found::Row(row) => Some(&self.rows[row].imported),
            Found::Several => None,
        }
    }

    fn row(&self, path: &str) -> Option<Found> {
        names_of(path).find_map(|name| self.by_name.get(&name).copied())
    }

    /// Tells the rows whose image is not among `paths`, and the images that no row names.
    pub fn tell_unmatched<'a>(&self, paths: impl IntoIterator<Item = &'a str>, problems: &mut ProblemList) {
        if self.rows.is_empty() {
            return;
        }
        let mut named: HashSet<usize> = HashSet::new();
        for path in paths {
            match self.row(path) {
                Some(Found::Row(row)) => {
                    named.insert(row);
                }
                Some(Found::Several) => problems
                    .push(Problem::note(path, "several rows of the table fit its name: it came in without a label")),
                None => problems.push(Problem::note(path, "no row of the table names it: it came in without a label")),
            }
        }
        for (_, row) in self.rows.iter().enumerate().filter(|(row, _)| !named.contains(row)) {
            problems.push(Problem::note(&row.place, "names an image that is not among the files"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::import::GivenLabel;
    use crate::pipeline::item::{Content, ContentHash, Item};

    fn row(place: &str, image: &str, label: &str) -> Imported {
        let extra = vec![("file_name".into(), image.into())];
        let (hash, content) = (ContentHash::of(b""), Content::Image);
        let item = Item { hash, name: place.into(), content, batch: 0, extra };
        Imported { item, labels: vec![GivenLabel::of(label)], held_out: false }
    }

    #[test]
    fn images_are_found_by_the_end_of_their_path() {
        let mut beside = Beside::default();
        let mut problems = ProblemList::default();
        let rows = vec![
            row("set/metadata.csv:2", "a/1.PNG", "cat"),
            row("set/metadata.csv:3", ".\\b\\1.png", "dog"),
            row("set/metadata.csv:4", "gone.png", "dog"),
            row("set/metadata.csv:5", "5", "emu"),
        ];
        beside.add(rows, &mut problems);
        let label = |path: &str| beside.of(path).and_then(Imported::label);
        assert_eq!(label("set/a/1.png"), Some("cat"));
        assert_eq!(label("top.zip/set/b/1.png"), Some("dog"));
        assert_eq!(label("set/images/5.jpg"), Some("emu"));
        assert_eq!(label("set/c/1.png"), None, "1.png is two images");
        let paths = ["set/a/1.png", "set/b/1.png", "set/5.jpg", "set/c/1.png", "set/d.png"];
        beside.tell_unmatched(paths, &mut problems);
        let told: Vec<&str> = problems.as_slice().iter().map(|problem| problem.file.as_str()).collect();
        assert_eq!(told, ["set/c/1.png", "set/d.png", "set/metadata.csv:4"]);
        assert_eq!(problems.lost(), 0);
    }
}
