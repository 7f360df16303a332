//! What is compared of texts and table rows: columns that people can name.

use super::column::{Column, NamedColumn};
use super::language::guess_language;
use crate::pipeline::features::cell::{NumberFormat, is_missing, parse_number};
use std::collections::HashSet;

/// A column counts as numeric when at least this share of the reference's cells that are not missing are numbers.
const NUMERIC_SHARE: f64 = 0.95;

/// The columns of a table in two samples. `names` gives the order of every row's cells; cells that a short row lacks are missing.
///
/// A column is numeric if the reference's cells are numbers, 95 % of them; a cell that is no number then counts as missing.
pub fn table_columns(names: &[String], reference: &[&[String]], batch: &[&[String]]) -> Vec<NamedColumn> {
    let one = |(place, name): (usize, &String)| {
        let (reference, batch) = (cells(reference, place), cells(batch, place));
        let known: Vec<&str> = reference.iter().copied().flatten().collect();
        let format = NumberFormat::guess(&known);
        let numbers = known.iter().filter(|cell| parse_number(cell, format).is_some()).count();
        let numeric = !known.is_empty() && numbers as f64 >= NUMERIC_SHARE * known.len() as f64;
        let column = |cells: Vec<Option<&str>>| {
            if numeric {
                Column::Number(cells.into_iter().map(|cell| parse_number(cell?, format)).collect())
            } else {
                Column::Category(cells.into_iter().map(|cell| cell.map(str::to_owned)).collect())
            }
        };
        NamedColumn { name: name.clone(), reference: column(reference), batch: column(batch) }
    };
    names.iter().enumerate().map(one).collect()
}

/// The cells at `place`, without surrounding spaces; `None` where missing.
pub(super) fn cells<'a>(rows: &[&'a [String]], place: usize) -> Vec<Option<&'a str>> {
    let cell = |row: &&'a [String]| row.get(place).map(|cell| cell.trim()).filter(|cell| !is_missing(cell));
    rows.iter().map(cell).collect()
}

/// What can be told of texts without a model: how many words, how long they are, how much is neither letter nor space, how
/// many words are new, and which language it seems to be.
///
/// New words are those that one half of the reference (every other text) does not have. So only the other half is compared with the
/// batch, and that column has fewer reference rows than the others: each text is held against words it had no part in.
pub fn text_columns<'a>(
    reference: impl Iterator<Item = &'a str>,
    batch: impl Iterator<Item = &'a str>,
) -> Vec<NamedColumn> {
    let (reference, batch): (Vec<&str>, Vec<&str>) = (reference.collect(), batch.collect());
    let known: HashSet<String> = reference.iter().step_by(2).flat_map(|text| words(text)).collect();
    let new_words = |text: &&str| {
        let words = words(text);
        let new = words.iter().filter(|word| !known.contains(*word)).count();
        (!words.is_empty()).then(|| new as f64 / words.len() as f64)
    };
    let number = |name: &str, of: &dyn Fn(&&str) -> Option<f64>| NamedColumn {
        name: name.into(),
        reference: Column::Number(reference.iter().map(of).collect()),
        batch: Column::Number(batch.iter().map(of).collect()),
    };
    let language = |text: &&str| Some(guess_language(text).to_owned());
    vec![
        number("words", &|text| Some(words(text).len() as f64)),
        number("letters a word", &|text| {
            let words = words(text);
            let letters: usize = words.iter().map(|word| word.chars().count()).sum();
            (!words.is_empty()).then(|| letters as f64 / words.len() as f64)
        }),
        number("digits and signs", &|text| {
            let inked = text.chars().filter(|character| !character.is_whitespace()).count();
            let letters = text.chars().filter(|character| character.is_alphabetic()).count();
            (inked > 0).then(|| (inked - letters.min(inked)) as f64 / inked as f64)
        }),
        NamedColumn {
            name: "new words".into(),
            reference: Column::Number(reference.iter().skip(1).step_by(2).map(new_words).collect()),
            batch: Column::Number(batch.iter().map(new_words).collect()),
        },
        NamedColumn {
            name: "language".into(),
            reference: Column::Category(reference.iter().map(language).collect()),
            batch: Column::Category(batch.iter().map(language).collect()),
        },
    ]
}

/// Runs of letters and digits, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::drift::report::ColumnKind;

    #[test]
    fn columns_of_a_table_are_what_the_reference_says() {
        let names = ["mass".to_string(), "island".to_string()];
        let row = |mass: &str, island: &str| vec![mass.to_string(), island.to_string()];
        let reference: Vec<Vec<String>> = (0..40).map(|i| row(&format!("{}", 3000 + i), "Dream")).collect();
        let batch = [row("3,010", "NA"), row("heavy", "Biscoe"), vec!["3020".to_string()]];
        let reference: Vec<&[String]> = reference.iter().map(Vec::as_slice).collect();
        let batch: Vec<&[String]> = batch.iter().map(Vec::as_slice).collect();
        let found = table_columns(&names, &reference, &batch);
        assert_eq!(found[0].batch, Column::Number(vec![Some(3010.0), None, Some(3020.0)]));
        assert_eq!(found[1].batch, Column::Category(vec![None, Some("Biscoe".into()), None]));
        assert_eq!(found[1].compare().kind, ColumnKind::Category);
    }

    #[test]
    fn texts_that_changed_are_described() {
        let reference: Vec<String> =
            (0..80).map(|i| format!("The phone number {} works and the case is good.", i % 7)).collect();
        let batch: Vec<String> =
            (0..40).map(|i| format!("Das Essen war nicht gut und der Kellner {} zu langsam!!!", i % 5)).collect();
        let found = text_columns(reference.iter().map(String::as_str), batch.iter().map(String::as_str));
        let shifts: Vec<_> = found.iter().map(NamedColumn::compare).collect();
        let of = |name: &str| shifts.iter().find(|shift| shift.name == name).expect("a column");
        assert!(of("new words").test.p < 1e-9 && of("language").test.p < 1e-9, "{shifts:?}");
        assert_eq!(
            (of("language").usual_reference.as_str(), of("language").usual_batch.as_str()),
            ("English", "German")
        );
        assert!(of("digits and signs").test.p < 1e-9 && of("words").test.p < 1e-9);
        assert_eq!(text_columns([""].into_iter(), [].into_iter()).len(), 5);
    }
}
