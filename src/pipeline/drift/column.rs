//! One column compared: numbers or categories, in the reference and in the batch.

use super::corrections::bonferroni;
use super::report::{ColumnKind, ColumnShift, Test};
use super::two_sample::{chi_squared, fisher, kolmogorov_smirnov, population_stability_index};
use std::collections::HashMap;

/// The stability index of numbers is over so many bins, equally full in the reference.
const BINS: usize = 10;
/// Only the most frequent categories of both samples together are told apart.
const MOST_CATEGORIES: usize = 32;
/// Unseen categories named.
const MOST_NAMED: usize = 20;

/// The values of a column, one a row; `None` where the cell is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers, all finite.
    Number(Vec<Option<f64>>),
    /// Words.
    Category(Vec<Option<String>>),
}

/// A column in both samples. They may have any numbers of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedColumn {
    /// Its name, for people.
    pub name: String,
    /// In the reference.
    pub reference: Column,
    /// In the batch.
    pub batch: Column,
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Number(values) => values.len(),
            Column::Category(values) => values.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn missing(&self) -> usize {
        match self {
            Column::Number(values) => values.iter().filter(|value| value.is_none()).count(),
            Column::Category(values) => values.iter().filter(|value| value.is_none()).count(),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match self {
            Column::Number(values) => values.iter().copied().flatten().collect(),
            Column::Category(_) => Vec::new(),
        }
    }

    /// Every value as a word.
    fn words(&self) -> Vec<String> {
        match self {
            Column::Number(values) => values.iter().flatten().map(f64::to_string).collect(),
            Column::Category(values) => values.iter().flatten().cloned().collect(),
        }
    }
}

impl NamedColumn {
    /// Compares the samples. Numbers against words are compared as words.
    pub fn compare(&self) -> ColumnShift {
        let missing_share = |column: &Column| column.missing() as f64 / column.len().max(1) as f64;
        let mut shift = match (&self.reference, &self.batch) {
            (Column::Number(_), Column::Number(_)) => self.compare_numbers(),
            _ => self.compare_categories(),
        };
        shift.missing_reference = missing_share(&self.reference);
        shift.missing_batch = missing_share(&self.batch);
        shift
    }

    fn missing_counts(&self) -> [(u64, u64); 2] {
        [&self.reference, &self.batch].map(|column| (column.missing() as u64, column.len() as u64))
    }

    fn compare_numbers(&self) -> ColumnShift {
        let (mut reference, batch) = (self.reference.numbers(), self.batch.numbers());
        reference.sort_unstable_by(f64::total_cmp);
        let [missing_reference, missing_batch] = self.missing_counts();
        let values = kolmogorov_smirnov(&reference, &batch).unwrap_or(Test::new(0.0, 1.0));
        // Two questions, one answer: are those that are there alike, and are as many missing?
        let p = if missing_reference.0 + missing_batch.0 == 0 {
            values.p
        } else {
            bonferroni(values.p.min(fisher(missing_reference, missing_batch)), 2)
        };
        let outside = match (reference.first(), reference.last()) {
            (Some(least), Some(most)) => batch.iter().filter(|value| *value < least || *value > most).count(),
            _ => 0,
        };
        let bins = |sample: &[f64], missing: u64| {
            let edges: Vec<f64> =
                (1..BINS).filter_map(|bin| reference.get(bin * reference.len() / BINS)).copied().collect();
            let mut counts = vec![0u64; BINS + 1];
            sample.iter().for_each(|value| counts[edges.partition_point(|edge| edge <= value)] += 1);
            counts[BINS] = missing;
            // Equal edges leave bins empty on both sides.
            counts
        };
        let (in_reference, in_batch) = (bins(&reference, missing_reference.0), bins(&batch, missing_batch.0));
        let (in_reference, in_batch): (Vec<u64>, Vec<u64>) =
            in_reference.into_iter().zip(in_batch).filter(|(reference, batch)| reference + batch > 0).unzip();
        ColumnShift {
            name: self.name.clone(),
            kind: ColumnKind::Number,
            psi: population_stability_index(&in_reference, &in_batch),
            test: Test::new(values.statistic, p),
            missing_reference: 0.0,
            missing_batch: 0.0,
            unseen: Vec::new(),
            unseen_share: 0.0,
            out_of_range: outside as f64 / batch.len().max(1) as f64,
            usual_reference: median(&reference),
            usual_batch: median(&sorted(batch)),
        }
    }

    fn compare_categories(&self) -> ColumnShift {
        let (reference, batch) = (self.reference.words(), self.batch.words());
        let mut counts: HashMap<&str, (u64, u64)> = HashMap::new();
        reference.iter().for_each(|word| counts.entry(word).or_default().0 += 1);
        batch.iter().for_each(|word| counts.entry(word).or_default().1 += 1);
        let mut ranked: Vec<(&str, (u64, u64))> = counts.into_iter().collect();
        // By both samples together: a choice by the reference alone would make every rare category look new in the batch.
        ranked.sort_by(|a, b| (b.1.0 + b.1.1).cmp(&(a.1.0 + a.1.1)).then(a.0.cmp(b.0)));
        let usual = |count: fn(&(u64, u64)) -> u64| {
            let most =
                ranked.iter().filter(|(_, counts)| count(counts) > 0).rev().max_by_key(|(_, counts)| count(counts));
            most.map_or(String::new(), |(word, _)| (*word).to_owned())
        };
        let mut unseen: Vec<&(&str, (u64, u64))> = ranked.iter().filter(|(_, counts)| counts.0 == 0).collect();
        unseen.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.1));
        let unseen_rows: u64 = if reference.is_empty() { 0 } else { unseen.iter().map(|(_, counts)| counts.1).sum() };
        // One that occurs once is as likely in either sample; which of them are told apart must not hang on their names.
        let repeated = ranked.iter().filter(|(_, counts)| counts.0 + counts.1 > 1).count().min(MOST_CATEGORIES);
        let (mut in_reference, mut in_batch): (Vec<u64>, Vec<u64>) =
            ranked.iter().take(repeated).map(|(_, counts)| *counts).unzip();
        let rest = ranked.iter().skip(repeated).fold((0, 0), |sum, (_, counts)| (sum.0 + counts.0, sum.1 + counts.1));
        let [missing_reference, missing_batch] = self.missing_counts();
        for (extra_reference, extra_batch) in [rest, (missing_reference.0, missing_batch.0)] {
            if extra_reference + extra_batch > 0 {
                in_reference.push(extra_reference);
                in_batch.push(extra_batch);
            }
        }
        ColumnShift {
            name: self.name.clone(),
            kind: ColumnKind::Category,
            psi: population_stability_index(&in_reference, &in_batch),
            test: chi_squared(&in_reference, &in_batch).unwrap_or(Test::new(0.0, 1.0)),
            missing_reference: 0.0,
            missing_batch: 0.0,
            unseen: if reference.is_empty() {
                Vec::new()
            } else {
                unseen.iter().take(MOST_NAMED).map(|(word, _)| (*word).to_owned()).collect()
            },
            unseen_share: unseen_rows as f64 / batch.len().max(1) as f64,
            out_of_range: 0.0,
            usual_reference: usual(|counts| counts.0),
            usual_batch: usual(|counts| counts.1),
        }
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The middle of ascending numbers, to four digits; empty of none.
fn median(sorted: &[f64]) -> String {
    let Some(&middle) = sorted.get(sorted.len() / 2) else { return String::new() };
    if middle == 0.0 {
        return "0".into();
    }
    let digits = (3 - middle.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{middle:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: impl IntoIterator<Item = f64>) -> Column {
        Column::Number(values.into_iter().map(|value| value.is_finite().then_some(value)).collect())
    }

    fn words(values: &[&str]) -> Column {
        Column::Category(values.iter().map(|word| (!word.is_empty()).then(|| (*word).to_owned())).collect())
    }

    fn compare(reference: Column, batch: Column) -> ColumnShift {
        NamedColumn { name: "c".into(), reference, batch }.compare()
    }

    #[test]
    fn numbers_that_moved_are_told_apart_from_those_that_did_not() {
        let spread = |from: f64| (0..100).map(move |i| from + f64::from(i * 37 % 100) / 10.0);
        let same = compare(numbers(spread(0.0)), numbers(spread(0.05)));
        assert!(same.psi < 0.05 && same.test.p > 0.9 && same.out_of_range <= 0.01, "{same:?}");
        let moved = compare(numbers(spread(0.0)), numbers(spread(5.0)));
        assert!(moved.psi > 1.0 && moved.test.p < 1e-9 && (moved.out_of_range - 0.5).abs() < 0.02, "{moved:?}");
        assert_eq!((moved.usual_reference.as_str(), moved.usual_batch.as_str()), ("5", "10"));
    }

    #[test]
    fn missing_cells_count_even_where_the_rest_is_alike() {
        let full = || (0..120).map(f64::from);
        let holes = full().map(|value| if value % 4.0 == 0.0 { f64::NAN } else { value });
        let found = compare(numbers(full()), numbers(holes));
        assert_eq!((found.missing_reference, found.missing_batch), (0.0, 0.25));
        assert!(found.test.p < 1e-6, "{found:?}");
        let gone = compare(numbers(full()), numbers([f64::NAN; 50]));
        assert!(gone.test.p < 1e-20 && gone.usual_batch.is_empty() && gone.missing_batch == 1.0, "{gone:?}");
        let never = compare(numbers([f64::NAN; 50]), numbers([f64::NAN; 20]));
        assert_eq!((never.test.p, never.psi), (1.0, 0.0));
    }

    #[test]
    fn categories_that_are_new_are_named() {
        let reference = ["Dream", "Biscoe", "Dream", "Torgersen", "Biscoe", "Dream"].repeat(20);
        let batch = ["Dream", "Anvers", "Biscoe", "Anvers", "", "Dream"].repeat(10);
        let found = compare(words(&reference), words(&batch));
        assert_eq!(found.unseen, ["Anvers"]);
        assert!((found.unseen_share - 0.4).abs() < 1e-12 && found.test.p < 1e-8, "{found:?}");
        assert_eq!((found.usual_reference.as_str(), found.kind), ("Dream", ColumnKind::Category));
        assert!((found.missing_batch - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn words_that_never_repeat_raise_no_alarm() {
        let name = |from: u32| Column::Category((from..from + 200).map(|i| Some(format!("item {i}"))).collect());
        let found = compare(name(0), name(1000));
        assert_eq!((found.test.p, found.unseen_share, found.unseen.len()), (1.0, 1.0, MOST_NAMED));
    }

    #[test]
    fn numbers_that_became_words_are_compared_as_words() {
        let found = compare(numbers((0..60).map(|i| f64::from(i % 3))), words(&["low", "high"].repeat(20)));
        assert!(
            found.kind == ColumnKind::Category && found.test.p < 1e-10 && found.unseen == ["high", "low"],
            "{found:?}"
        );
    }

    #[test]
    fn medians_are_short() {
        let check = |value: f64, expected: &str| assert_eq!(median(&[value]), expected);
        check(4201.37, "4201");
        check(0.012_345, "0.01235");
        check(-3.0, "-3");
        check(12.5, "12.5");
        check(0.0, "0");
        assert_eq!(median(&[]), "");
    }
}
