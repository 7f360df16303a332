//! `hone inspect`: what is in DATA, how it is read, and what does not come in. No model, no features.

use super::arguments::InspectArguments;
use super::class_names::Spellings;
use super::failure::Failure;
use super::input::{Entry, Input, Looked, ProjectLabels, Wanted, nothing_in};
use super::inspect_report::{NoteRow, ProblemRow, Report, column_of, format_of, in_words};
use super::output::{self, counted, item_word, thousands};
use super::pieces::absorb;
use super::progress::Progress;
use super::project;
use super::roles::fit_to_arguments;
use super::seen::{First, Seen, UNLABELLED};
use crate::pipeline::import::plan::{ImportPlan, Problem, Target};
use crate::pipeline::import::{ProblemList, one_class_problem};
use crate::pipeline::item::{ContentHash, Kind};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// Classes told apart; a label column with more is none.
const MOST_CLASSES: usize = 100_000;

/// What was counted while DATA was read.
#[derive(Default)]
struct Counts {
    items: u64,
    duplicates: u64,
    unlabelled: u64,
    held_out: u64,
    classes: Vec<u64>,
    spellings: Spellings,
    /// Labels beyond the most classes that are told apart.
    uncounted: u64,
    seen: Seen,
    /// Further classes of contents that came with several.
    contradictions: HashSet<(ContentHash, u32)>,
    files: Vec<String>,
    file_of: HashMap<String, u32>,
    /// What did not come in.
    problems: ProblemList,
    /// Remarks on what did.
    notes: ProblemList,
}

/// Runs the command.
///
/// # Errors
/// If DATA cannot be opened, an argument does not fit it, or nothing in it can be read (that is told first).
pub fn run(arguments: &InspectArguments) -> Result<(), Failure> {
    let data = &arguments.data;
    let wanted = Wanted {
        kind: data.reading.kind,
        labels: ProjectLabels::Decided,
        header: data.reading.table.first_row_is_header(),
    };
    let mut counts = Counts::default();
    if project::is_project(&data.data) {
        let input = project::open(&data.data, wanted.labels)?;
        counts.read(&input)?;
        return counts.tell(arguments, input.kind, None, &input);
    }
    let mut looked = Looked::at(&data.data, wanted)?;
    let nothing = looked.nothing(&data.data);
    // Where nothing is to be expected there is nothing that arguments could fit; reading says why.
    let expects_some = looked.plan.expected_items > 0;
    if expects_some {
        fit_to_arguments(&mut looked.plan, data.label_column.as_deref(), &data.reading)?;
        if data.label_column.is_some() {
            looked.plan.target = looked.plan.guess_target();
        }
    }
    let plan = looked.plan.clone();
    let input = looked.input();
    counts.read(&input)?;
    let nothing = (counts.items == 0).then(|| match counts.problems.as_slice() {
        problems if expects_some && !problems.is_empty() => nothing_in(&data.data, problems),
        _ => nothing,
    });
    counts.tell(arguments, plan.kind, Some(&plan), &input)?;
    nothing.map_or(Ok(()), Err)
}

impl Counts {
    fn read(&mut self, input: &Input) -> Result<(), Failure> {
        let numbers = input.plan().is_some_and(|plan| plan.target == Target::Number);
        let mut problems = ProblemList::default();
        let progress = Progress::new(item_word(input.kind), input.bytes());
        input.read(&mut problems, &progress, |entries, problems| {
            self.sort(std::mem::take(problems));
            entries.iter().for_each(|entry| self.count(entry, numbers));
            Ok(ControlFlow::Continue(()))
        })?;
        self.sort(problems);
        for merge in self.spellings.merges(input.foreseen_merges()) {
            self.notes.push(merge);
        }
        let classes: Vec<String> = self.spellings.counts().map(|(name, _)| name).collect();
        if let Some(note) = one_class_problem(classes.iter().map(String::as_str)) {
            self.notes.push(note);
        }
        if self.uncounted > 0 {
            let message = format!(
                "{} beyond the first {} classes are not told apart: is this the label column?",
                counted(self.uncounted, "label"),
                thousands(MOST_CLASSES as u64)
            );
            self.notes.push(Problem::note("", message));
        }
        Ok(())
    }

    /// What did not come in, and remarks, apart: neither may crowd out the other.
    fn sort(&mut self, problems: ProblemList) {
        let mut lost = ProblemList::default();
        absorb(&mut lost, problems);
        self.take(lost.as_slice().iter().cloned());
    }

    fn take(&mut self, problems: impl Iterator<Item = Problem>) {
        for problem in problems {
            let list = if problem.lost > 0 { &mut self.problems } else { &mut self.notes };
            list.push(problem);
        }
    }

    fn count(&mut self, entry: &Entry, numbers: bool) {
        let class = match &entry.label {
            Some(label) if !numbers => self.class(label),
            _ => None,
        };
        let (file, row) = self.place(&entry.item.name);
        let here = First { file, row, class: class.unwrap_or(UNLABELLED) };
        if let Some(first) = self.seen.insert(entry.item.hash, here) {
            self.duplicates += 1;
            let there = self.where_is(first);
            let message = match (class, first.class) {
                (Some(class), other) if other != UNLABELLED && class != other => {
                    if self.contradictions.insert((entry.item.hash, class)) {
                        self.classes[class as usize] += 1;
                    }
                    let name = |class: u32| self.spellings.name(class as usize).unwrap_or_default();
                    format!("the same as {there} with another label: “{}” here, “{}” there", name(class), name(other))
                }
                (Some(class), UNLABELLED) => {
                    self.unlabelled = self.unlabelled.saturating_sub(1);
                    self.classes[class as usize] += 1;
                    self.held_out += u64::from(entry.held_out);
                    self.seen.label(entry.item.hash, class);
                    let name = self.spellings.name(class as usize).unwrap_or_default();
                    format!("the same as {there}, which has no label: “{name}” here counts for both")
                }
                _ => format!("the same as {there}: already there"),
            };
            let row = (row > 0).then_some(u64::from(row));
            self.notes.push(Problem { file: self.files_name(file, &entry.item.name), row, message, lost: 0 });
            return;
        }
        self.items += 1;
        self.unlabelled += u64::from(entry.label.is_none());
        self.held_out += u64::from(entry.held_out && entry.label.is_some());
        if let Some(class) = class {
            self.classes[class as usize] += 1;
        }
    }

    fn class(&mut self, label: &str) -> Option<u32> {
        if self.spellings.len() >= MOST_CLASSES && !self.spellings.knows(label) {
            self.uncounted += 1;
            return None;
        }
        let place = self.spellings.count(label);
        self.classes.resize(self.spellings.len(), 0);
        u32::try_from(place).ok()
    }

    /// The file and row that an item's name tells: `file.csv:17`, or the file alone.
    fn place(&mut self, name: &str) -> (u32, u32) {
        let (file, row) = match name.rsplit_once(':').and_then(|(file, row)| Some((file, row.parse::<u32>().ok()?))) {
            Some((file, row)) => (file, row),
            None => (name, 0),
        };
        if let Some(&place) = self.file_of.get(file) {
            return (place, row);
        }
        let place = self.files.len() as u32;
        self.files.push(file.to_string());
        self.file_of.insert(file.to_string(), place);
        (place, row)
    }

    fn where_is(&self, first: First) -> String {
        let file = self.files.get(first.file as usize).map_or("", String::as_str);
        if first.row > 0 { format!("row {} of {file}", first.row) } else { file.to_string() }
    }

    fn files_name(&self, file: u32, name: &str) -> String {
        self.files.get(file as usize).cloned().unwrap_or_else(|| name.to_string())
    }

    fn tell(
        &self,
        arguments: &InspectArguments,
        kind: Kind,
        plan: Option<&ImportPlan>,
        input: &Input,
    ) -> Result<(), Failure> {
        let report = self.report(kind, plan, input);
        if arguments.json {
            return output::print_json(&report);
        }
        output::print(&in_words(&report, plan));
        Ok(())
    }

    fn report<'a>(&'a self, kind: Kind, plan: Option<&'a ImportPlan>, input: &Input) -> Report<'a> {
        let problem = |problem: &'a Problem| ProblemRow {
            file: &problem.file,
            row: problem.row,
            what: &problem.message,
            rows: problem.lost,
        };
        let mut problems: Vec<ProblemRow<'_>> = self.problems.as_slice().iter().map(problem).collect();
        let told: u64 = problems.iter().map(|problem| problem.rows).sum();
        if told < self.problems.lost() {
            let rows = self.problems.lost() - told;
            problems.push(ProblemRow { file: "", row: None, what: "more problems, not listed", rows });
        }
        let note = |note: &'a Problem| NoteRow { file: &note.file, row: note.row, what: &note.message };
        Report {
            kind,
            format: plan.and_then(|plan| plan.format.as_ref()).map(format_of),
            columns: plan.map_or(&[][..], |plan| plan.columns.as_slice()).iter().map(column_of).collect(),
            target: plan.map_or(Target::Classes, |plan| plan.target),
            classes: self.classes(),
            rows: self.items + self.duplicates + self.problems.lost(),
            items: self.items,
            duplicates: self.duplicates,
            problems,
            problem_count: self.problems.count(),
            notes: self.notes.as_slice().iter().map(note).collect(),
            note_count: self.notes.count(),
            hidden: input.hidden,
            held_out: self.held_out,
            test_set: input.test_set(),
            unlabelled: self.unlabelled,
        }
    }

    /// Items by class, most frequent first.
    fn classes(&self) -> Map<String, Value> {
        let mut classes: Vec<(String, u64)> = self
            .classes
            .iter()
            .enumerate()
            .filter_map(|(place, count)| Some((self.spellings.name(place)?, *count)))
            .collect();
        classes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        classes.into_iter().map(|(name, count)| (name, Value::from(count))).collect()
    }
}
