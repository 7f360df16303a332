//! Sentences on imports: what one would bring, what it brought, what was lost and why.

use crate::pipeline::import::plan::{ImportPlan, Problem, TableFormat};
use crate::pipeline::item::Kind;
use crate::protocol::{BatchState, ImportStatus};
use crate::ui::format::{count, counted};
use std::collections::HashMap;

/// An import that loses more than this share of its rows says so in the open.
const LOSS_TO_TELL: f64 = 0.01;

/// So many rows or, where items are files, files.
fn rows(number: u64, kind: Kind) -> String {
    if kind == Kind::Image { counted(number, "file", "files") } else { counted(number, "row", "rows") }
}

/// What an import would bring: `about 9,000 texts (judged from the first part) · 3 problems so far`.
pub fn preview(plan: &ImportPlan) -> String {
    let noun = plan.kind.noun();
    let items = counted(plan.expected_items, noun, &format!("{noun}s"));
    let mut parts = vec![if plan.estimated { format!("About {items}, judged from the first part") } else { items }];
    let lost = plan.problems.iter().filter(|problem| problem.lost > 0).count() as u64;
    let remarks = plan.problems.len() as u64 - lost;
    if lost > 0 {
        parts.push(format!("{} so far", counted(lost, "problem", "problems")));
    }
    if remarks > 0 {
        parts.push(counted(remarks, "remark", "remarks"));
    }
    parts.join(" · ")
}

/// What is passed over: `14 hidden or system files are passed over`; empty if nothing is.
pub fn passed_over(hidden: u64) -> String {
    match hidden {
        0 => String::new(),
        1 => "1 hidden or system file is passed over.".to_owned(),
        hidden => format!("{} hidden or system files are passed over.", count(hidden)),
    }
}

/// How a table's text is read: `CSV · UTF-8 · comma · quotes`.
pub fn table_format(format: &TableFormat) -> String {
    if format.json_lines {
        return format!("JSON · {}", format.encoding);
    }
    let (name, delimiter) = match format.delimiter {
        b'\n' => return format!("One text a line · {}", format.encoding),
        b',' => ("CSV", "comma"),
        b'\t' => ("TSV", "tab"),
        b';' => ("CSV", "semicolon"),
        b'|' => ("CSV", "bar"),
        _ => ("CSV", "other delimiter"),
    };
    let mut parts = vec![name, &format.encoding, delimiter];
    parts.push(if format.quoted { "quotes" } else { "no quotes" });
    if format.quoted && format.backslash {
        parts.push("\\\" is a quote");
    }
    let above = counted(format.preamble.into(), "line above skipped", "lines above skipped");
    if format.preamble > 0 {
        parts.push(&above);
    }
    parts.join(" · ")
}

/// The exact sum of an import: `9,000 rows = 8,900 items + 60 already there + 40 left out`.
pub fn sum(batch: &BatchState, kind: Kind) -> String {
    let mut parts = vec![counted(batch.items.into(), "item", "items")];
    if batch.duplicates > 0 {
        parts.push(format!("{} already there", count(batch.duplicates.into())));
    }
    if batch.lost > 0 {
        parts.push(format!("{} left out", count(batch.lost)));
    }
    format!("{} = {}", rows(batch.rows, kind), parts.join(" + "))
}

/// Where an import stands if that is not simply done: `2,000 of about 9,000 rows came in before it was interrupted`.
pub fn standing(batch: &BatchState, kind: Kind) -> Option<String> {
    let part = |what: &str| {
        if batch.expected > batch.rows {
            format!("{} of about {} came in before it {what}", count(batch.rows), rows(batch.expected, kind))
        } else {
            format!("{} came in before it {what}", rows(batch.rows, kind))
        }
    };
    match batch.status {
        ImportStatus::Running => Some("coming in".to_owned()),
        ImportStatus::Finished => None,
        ImportStatus::Cancelled => Some(part("was stopped")),
        ImportStatus::Failed => Some(part("failed")),
        ImportStatus::Interrupted => Some(part("was interrupted")),
        ImportStatus::Removed => Some("removed; it can be brought back until the next import".to_owned()),
    }
}

/// What is said of an import when it ends, and whether it is to be said in the open: something is missing that a person
/// would miss.
pub fn report(batch: &BatchState, kind: Kind) -> (bool, String) {
    let sum = sum(batch, kind);
    let loses = batch.items == 0 && batch.duplicates == 0 || batch.lost as f64 > batch.rows as f64 * LOSS_TO_TELL;
    let reason = chief_reason(&batch.problems).map(|reason| format!(" Most of it: {reason}.")).unwrap_or_default();
    match standing(batch, kind) {
        Some(standing) => (true, format!("{}: {standing}. {sum}.{reason}", batch.name)),
        None if batch.items == 0 && batch.duplicates == 0 => {
            (true, format!("{}: nothing came in. {sum}.{}", batch.name, reason.replace("Most of it", "Why")))
        }
        None if batch.items == 0 => (true, format!("{}: everything in it is already there. {sum}.", batch.name)),
        None if loses => (true, format!("{}: {sum}.{reason}", batch.name)),
        None => (false, format!("{}: {sum}. {}", batch.name, passed_over(batch.hidden)).trim_end().to_owned()),
    }
}

/// The reason for which most was lost, without what differs from row to row.
pub fn chief_reason(problems: &[Problem]) -> Option<String> {
    let mut reasons: HashMap<String, (u64, &str)> = HashMap::new();
    for problem in problems.iter().filter(|problem| problem.lost > 0) {
        let alike = problem.message.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        reasons.entry(alike).or_insert((0, &problem.message)).0 += problem.lost;
    }
    // Of equals the first in the alphabet, so that the sentence does not change from one look to the next.
    let chief = reasons.into_iter().max_by(|(a, (m, _)), (b, (n, _))| m.cmp(n).then_with(|| b.cmp(a)))?;
    let words = chief.1.1.trim_start_matches("left out: ").trim_end_matches('.');
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(items: u32, duplicates: u32, lost: u64) -> BatchState {
        BatchState {
            name: "reviews".into(),
            items,
            duplicates,
            findings: Vec::new(),
            problems: Vec::new(),
            problem_count: 0,
            time_ms: 0.0,
            rows: u64::from(items) + u64::from(duplicates) + lost,
            lost,
            hidden: 0,
            expected: 9_000,
            status: ImportStatus::Finished,
            held_out: 0,
            fixed: None,
        }
    }

    #[test]
    fn the_sum_adds_up() {
        assert_eq!(sum(&batch(8_900, 60, 40), Kind::Text), "9,000 rows = 8,900 items + 60 already there + 40 left out");
        assert_eq!(sum(&batch(1, 0, 0), Kind::Image), "1 file = 1 item");
    }

    #[test]
    fn a_loss_is_told_in_the_open() {
        let open = |batch: &BatchState| report(batch, Kind::Text).0;
        assert!(!open(&batch(9_000, 0, 0)));
        assert!(!open(&batch(8_910, 0, 90)), "one in a hundred is little");
        assert!(open(&batch(8_909, 0, 91)));
        assert!(open(&batch(0, 0, 10)) && open(&batch(0, 0, 0)));
        assert!(open(&BatchState { status: ImportStatus::Cancelled, ..batch(5, 0, 0) }));
        let mut bad = batch(5, 0, 5);
        bad.problems = vec![
            Problem::of_row("a.csv", 4, "left out: it has 3 cells"),
            Problem::of_row("a.csv", 5, "left out: it has 4 cells"),
            Problem::of_row("a.csv", 9, "left out: it is empty"),
            Problem::note_on_row("a.csv", 9, "a remark"),
        ];
        let (_, said) = report(&bad, Kind::Table);
        assert_eq!(said, "reviews: 10 rows = 5 items + 5 left out. Most of it: it has 3 cells.");
    }

    #[test]
    fn an_interruption_says_how_far_it_came() {
        let cut = BatchState { status: ImportStatus::Interrupted, ..batch(2_000, 0, 0) };
        assert_eq!(
            standing(&cut, Kind::Text).as_deref(),
            Some("2,000 of about 9,000 rows came in before it was interrupted")
        );
        assert_eq!(standing(&batch(2_000, 0, 0), Kind::Text), None);
    }

    #[test]
    fn formats_are_told_in_words() {
        let check = |change: fn(&mut TableFormat), expected: &str| {
            let mut format = TableFormat::default();
            change(&mut format);
            assert_eq!(table_format(&format), expected);
        };
        check(|_| {}, "CSV · UTF-8 · comma · quotes");
        check(|format| format.json_lines = true, "JSON · UTF-8");
        check(|format| format.delimiter = b'\n', "One text a line · UTF-8");
        check(
            |format| {
                format.delimiter = b'\t';
                format.quoted = false;
                format.preamble = 1;
            },
            "TSV · UTF-8 · tab · no quotes · 1 line above skipped",
        );
    }
}
