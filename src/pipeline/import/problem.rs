//! What was wrong with an import, collected: bad input is data, not an error.

use super::plan::Problem;

impl Problem {
    /// A file that did not come in.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), row: None, message: message.into(), lost: 1 }
    }

    /// A row of a table, or a line of a file, that did not come in.
    pub fn of_row(file: impl Into<String>, row: u64, message: impl Into<String>) -> Self {
        Self { file: file.into(), row: Some(row), message: message.into(), lost: 1 }
    }

    /// So many rows of a file that did not come in, for one reason.
    pub fn of_rows(file: impl Into<String>, lost: u64, message: impl Into<String>) -> Self {
        Self { file: file.into(), row: None, message: message.into(), lost }
    }

    /// A remark on a file, or on all of them if its name is empty, that came in all the same.
    pub fn note(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), row: None, message: message.into(), lost: 0 }
    }

    /// A remark on a row that came in all the same.
    pub fn note_on_row(file: impl Into<String>, row: u64, message: impl Into<String>) -> Self {
        Self { file: file.into(), row: Some(row), message: message.into(), lost: 0 }
    }
}

/// The problem of labels that are all the same, if they are. `classes` are the distinct ones found.
pub fn one_class_problem<'a>(classes: impl IntoIterator<Item = &'a str>) -> Option<Problem> {
    let mut classes = classes.into_iter();
    match (classes.next(), classes.next()) {
        (Some(only), None) => Some(Problem::note(
            "",
            format!("all labels found are “{only}”: a model needs two classes. Add another while labelling"),
        )),
        _ => None,
    }
}

/// How many problems are kept in words; the others are only counted, for a file with ten million bad rows must not
/// fill the memory with complaints.
pub const MAX_PROBLEMS: usize = 10_000;

/// The problems of one import: the first [`MAX_PROBLEMS`] in words, all of them counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProblemList {
    kept: Vec<Problem>,
    count: u64,
    lost: u64,
}

impl ProblemList {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.count += 1;
        self.lost += problem.lost;
        if self.kept.len() < MAX_PROBLEMS {
            self.kept.push(problem);
        }
    }

    /// Adds several.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// The problems kept.
    pub fn as_slice(&self) -> &[Problem] {
        &self.kept
    }

    /// How many there were in all, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many rows (or files) did not come in.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The problems kept, closed by one that says how many more there were.
    pub fn into_vec(mut self) -> Vec<Problem> {
        let dropped = self.count - self.kept.len() as u64;
        if dropped > 0 {
            self.kept.push(Problem::note("", format!("and {dropped} more problems, not listed")));
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_million_problems_fit() {
        let mut list = ProblemList::default();
        list.extend((0..MAX_PROBLEMS as u64 + 5).map(|row| Problem::of_row("a.csv", row, "bad")));
        assert_eq!(list.count(), MAX_PROBLEMS as u64 + 5);
        let all = list.into_vec();
        assert_eq!(all.len(), MAX_PROBLEMS + 1);
        assert!(all[MAX_PROBLEMS].message.contains(" 5 more"));
    }
}
