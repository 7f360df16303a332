//! Names that MLflow accepts.

use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::char::is_combining_mark;

const MAX_KEY: usize = 250;

/// The names of one run's parameters, metrics or tags, each told apart from the others after it was changed.
pub(super) struct Keys<'a> {
    run: &'a str,
    what: &'static str,
    changed: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(run: &'a str, what: &'static str) -> Self {
        Self { run, what, changed: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// Keeps a name from being given to another.
    pub(super) fn reserve(&mut self, key: &str) {
        self.taken.insert(key.into());
    }

    /// The name itself if MLflow accepts it, else one like it; the same for the same name.
    pub(super) fn accepted(&mut self, key: &str, changes: &mut Vec<String>) -> String {
        if let Some(before) = self.changed.get(key) {
            return before.clone();
        }
        let wanted = plain(key);
        let mut accepted = wanted.clone();
        let mut count = 1;
        while self.taken.contains(&accepted) {
            count += 1;
            let end = format!("_{count}");
            accepted = first_letters(&wanted, MAX_KEY - end.len()) + &end;
        }
        self.taken.insert(accepted.clone());
        if accepted != key {
            changes.push(format!(
                "{}: MLflow refuses the {} name “{}”; it is pushed as “{accepted}”.",
                self.run,
                self.what,
                first_letters(key, MAX_KEY)
            ));
        }
        self.changed.insert(key.into(), accepted.clone());
        accepted
    }
}

/// MLflow's rule, as strict as it is on any platform: letters, digits, `_ - . /` and spaces; no path that another path
/// is short for; 250 characters.
fn plain(key: &str) -> String {
    let replaced: String = key
        .chars()
        .map(|letter| if is_word(letter) || "_-./ ".contains(letter) { letter } else { '_' })
        .take(MAX_KEY)
        .collect();
    let is_path = |text: &str| text.split('/').all(|part| !["", ".", ".."].contains(&part));
    if is_path(&replaced) && !replaced.starts_with("..") {
        return replaced;
    }
    let flat: String = replaced.replace('/', "_");
    if flat.is_empty() || flat.starts_with("..") || flat == "." {
        format!("_{}", first_letters(&flat, MAX_KEY - 1))
    } else {
        flat
    }
}

/// What `\w` means in Python: letters and numbers, but no marks and no letters in circles.
fn is_word(letter: char) -> bool {
    let in_a_circle = matches!(letter, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}');
    letter.is_alphanumeric() && !is_combining_mark(letter) && !in_a_circle
}

/// An id that may stand in a search expression or a file name.
pub(super) fn plain_id(id: &str) -> String {
    id.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' })
        .collect()
}

/// A registered model's name: anything but `/` and `:`. Empty stays empty.
pub(super) fn model_name(name: &str, changes: &mut Vec<String>) -> String {
    let name = name.trim();
    let mut accepted: String = name.chars().map(|letter| if "/:".contains(letter) { '_' } else { letter }).collect();
    if accepted.starts_with('.') {
        accepted.insert(0, '_');
    }
    accepted = first_letters(&accepted, MAX_KEY);
    if accepted != name {
        changes.push(format!("MLflow refuses the model name “{name}”; it is pushed as “{accepted}”."));
    }
    accepted
}

/// A relative path without a way out of its folder.
pub(super) fn artifact_path(path: &str) -> String {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !["", ".", ".."].contains(part)).collect();
    if parts.is_empty() { "file".into() } else { parts.join("/") }
}

/// The first `most` characters, and a remark if that isn't all.
pub(super) fn cut(text: &str, most: usize, what: &str, changes: &mut Vec<String>) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.into();
    }
    changes.push(format!("{what} has {length} characters; MLflow takes {most}, so the rest is left out."));
    first_letters(text, most)
}

fn first_letters(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_or_made_acceptable() {
        for (key, expected) in [
            ("accuracy", "accuracy"),
            ("f1/Größe 3.a-b", "f1/Größe 3.a-b"),
            ("f1: cats", "f1_ cats"),
            ("λ²", "λ²"),
            ("e\u{301}", "e_"),
            ("Ⓐ", "_"),
            ("", "_"),
            (".", "_."),
            ("..", "_.."),
            ("../up", "_.._up"),
            ("a//b", "a__b"),
            ("/a", "_a"),
            ("a/./b", "a_._b"),
            ("a/", "a_"),
            ("..a", "_..a"),
        ] {
            assert_eq!(plain(key), expected, "{key}");
        }
        assert_eq!(plain(&"é".repeat(300)).chars().count(), 250);
    }

    #[test]
    fn changed_names_stay_apart_and_are_told() {
        let mut changes = Vec::new();
        let mut keys = Keys::new("r1", "metric");
        keys.reserve("reserved");
        let names: Vec<String> =
            ["a_b", "a:b", "a?b", "a:b", "reserved"].map(|key| keys.accepted(key, &mut changes)).to_vec();
        assert_eq!(names, ["a_b", "a_b_2", "a_b_3", "a_b_2", "reserved_2"]);
        assert_eq!(changes.len(), 3, "{changes:?}");
        assert_eq!(changes[0], "r1: MLflow refuses the metric name “a:b”; it is pushed as “a_b_2”.");
        let long = "x".repeat(250);
        let mut keys = Keys::new("r1", "metric");
        keys.reserve(&long);
        assert_eq!(keys.accepted(&long, &mut changes), "x".repeat(248) + "_2");
    }

    #[test]
    fn paths_stay_inside() {
        for (path, expected) in
            [("a.json", "a.json"), ("../../a", "a"), ("/x/./y", "x/y"), ("..", "file"), ("a\\..\\b", "a/b")]
        {
            assert_eq!(artifact_path(path), expected, "{path}");
        }
    }
}
