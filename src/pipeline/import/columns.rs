//! What each column of a table is for, guessed from its name and its cells.

use super::dialect::{is_code, is_missing, is_number};
use super::plan::{Column, Role};
use crate::pipeline::features::cell::NumberFormat;
use crate::pipeline::item::Kind;
use std::collections::{HashMap, HashSet};

/// What the columns were taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// Text if one column holds texts, a table otherwise.
    pub kind: Kind,
    /// The columns with their roles, in the order given.
    pub columns: Vec<Column>,
}

/// Names of label columns, the most telling first.
const LABEL_NAMES: [&str; 30] = [
    "label",
    "labels",
    "target",
    "gold",
    "y",
    "species",
    "diagnosis",
    "sentiment",
    "outcome",
    "survived",
    "churn",
    "fraud",
    "category",
    "class",
    "intent",
    "topic",
    "majority",
    "classification",
    "annotation",
    "class_name",
    "classname",
    "tags",
    "rating",
    "type",
    "tag",
    "spam",
    "verdict",
    "language",
    "emotion",
    "stance",
];

/// Names of columns that tell items apart rather than describe them.
const ID_NAMES: [&str; 20] = [
    "id",
    "uuid",
    "guid",
    "key",
    "index",
    "idx",
    "row",
    "rowid",
    "unnamed: 0",
    "file",
    "filename",
    "path",
    "url",
    "link",
    "name",
    "image",
    "hash",
    "timestamp",
    "email",
    "phone",
];

/// Names of text columns.
const TEXT_NAMES: [&str; 15] = [
    "text",
    "sentence",
    "review",
    "content",
    "body",
    "message",
    "tweet",
    "comment",
    "document",
    "question",
    "utterance",
    "abstract",
    "description",
    "headline",
    "title",
];

/// Names of columns that say what a row is for.
const SPLIT_NAMES: [&str; 7] = ["split", "set", "subset", "fold", "partition", "data_split", "dataset_split"];

/// Names of columns that name the image a row describes.
const FILE_NAMES: [&str; 12] = [
    "file_name",
    "filename",
    "file",
    "image",
    "image_name",
    "image_file",
    "image_id",
    "image_path",
    "path",
    "filepath",
    "img",
    "photo",
];

/// A column of up to so many different values is taken for labels, whatever its name.
const FEW_CLASSES: usize = 50;

/// Guesses kind and roles from the rows inspected, one cell a column in each.
pub fn guess_columns(names: &[String], rows: &[Vec<String>]) -> Guess {
    let facts: Vec<Facts> = (0..names.len()).map(|place| Facts::of(&names[place], rows, place)).collect();
    let split = facts.iter().position(|facts| facts.is_split(rows));
    let label = guess_label(&facts, rows.len(), split);
    let text = guess_text(&facts, label, split);
    let kind = if text.is_some() { Kind::Text } else { Kind::Table };
    let mut roles: Vec<(Role, &str)> = facts
        .iter()
        .enumerate()
        .map(|(place, facts)| match kind {
            _ if Some(place) == label => (Role::Label, facts.why_label()),
            _ if Some(place) == split => (Role::Split, "says train or test"),
            _ if is_own_column(&facts.name) => (Role::Extra, "was written by Hone, and is written anew at export"),
            Kind::Text if Some(place) == text => (Role::Content, "holds the texts"),
            Kind::Text => (Role::Extra, "is not the text"),
            Kind::Image | Kind::Table if facts.is_id() => (Role::Extra, "tells rows apart"),
            Kind::Image | Kind::Table if says_the_same(rows, label, place) => {
                (Role::Extra, "says the same as the label")
            }
            Kind::Image | Kind::Table => (Role::Content, if facts.numeric { "holds numbers" } else { "holds words" }),
        })
        .collect();
    if !roles.iter().any(|(role, _)| *role == Role::Content) {
        // Something must be learnt from, be it an id.
        let only = (Role::Content, "nothing else is there to learn from");
        let own = facts.iter().map(|facts| is_own_column(&facts.name));
        let others = roles.iter_mut().zip(own).filter(|((role, _), own)| *role == Role::Extra && !own);
        others.for_each(|(role, _)| *role = only);
    }
    let column = |((facts, name), (role, why)): ((&Facts, &String), (Role, &str))| facts.column(name, role, why);
    let columns = facts.iter().zip(names).zip(roles).map(column).collect();
    Guess { kind, columns }
}

/// Whether some of the cells are names that columns usually have: then they are a header.
pub(super) fn names_columns(cells: &[String]) -> bool {
    const TELLING: [&str; 9] =
        ["label", "labels", "class", "category", "target", "sentiment", "id", "file_name", "filename"];
    cells.iter().map(|cell| plain_name(cell)).any(|name| {
        [&TELLING[..], &TEXT_NAMES[..], &SPLIT_NAMES[..1]].iter().any(|names| names.contains(&name.as_str()))
    })
}

/// The column of a table beside images that names them: the one most of whose cells are among the images' `names`
/// (lower case, with and without folders and extensions), if half of them are.
pub(super) fn guess_file_column(names: &[String], rows: &[Vec<String>], images: &HashSet<String>) -> Option<usize> {
    let share = |place: usize| {
        let cells: Vec<&str> = rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.trim()).collect();
        let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
        let found = cells.iter().filter(|cell| images.contains(&super::beside::plain_path(cell))).count();
        // A column of numbers would match images called 1.jpg, 2.jpg only by chance, unless it is called so.
        let named = FILE_NAMES.contains(&plain_name(&names[place]).as_str()) || plain_name(&names[place]) == "id";
        let written = cells.iter().any(|cell| super::beside::has_extension(cell));
        if filled > 0 && (named || written) { found as f64 / filled as f64 } else { 0.0 }
    };
    (0..names.len())
        .map(|place| (place, share(place)))
        .filter(|(_, share)| *share >= 0.5)
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        .map(|(place, _)| place)
}

/// Of Hone's own exports: where a label came from.
const OWN_SOURCE_COLUMN: &str = "hone_source";

/// Whether a column of this name was written by one of Hone's exports: it says what the next one will say anew.
pub(super) fn is_own_column(name: &str) -> bool {
    name.starts_with("hone_")
}

/// Whether a cell of a split column says that its row is for measuring: test or validation.
pub fn says_test(cell: &str) -> bool {
    matches!(
        plain_name(cell).as_str(),
        "test" | "testing" | "val" | "valid" | "validation" | "dev" | "eval" | "evaluation" | "holdout" | "held_out"
    )
}

/// Whether a cell of a split column says that its row is for training.
pub fn says_train(cell: &str) -> bool {
    matches!(plain_name(cell).as_str(), "train" | "training" | "tr" | "trn" | "learn")
}

/// In lower case, words joined by `_`.
fn plain_name(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}

/// What the rows inspected say about one column.
struct Facts {
    /// In lower case, words joined by `_`.
    name: String,
    filled: usize,
    numeric: bool,
    distinct: usize,
    /// Cells with a space between letters.
    worded: usize,
    /// Characters a non-empty cell, on average.
    mean_length: f64,
    /// Numbers that go up by one from row to row.
    counts_up: bool,
    samples: Vec<String>,
    number_format: NumberFormat,
    /// Whether all its numbers are whole.
    whole: bool,
    place: usize,
}

impl Facts {
    fn of(name: &str, rows: &[Vec<String>], place: usize) -> Self {
        const SAMPLES: usize = 5;
        const SAMPLE_LENGTH: usize = 80;
        let cells: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.get(place))
            .map(|cell| cell.trim())
            .filter(|cell| !is_missing(cell))
            .collect();
        let distinct: HashSet<&str> = cells.iter().copied().collect();
        let numbers = cells.iter().filter(|cell| is_number(cell)).count();
        let integers: Vec<i64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
        let characters: usize = cells.iter().map(|cell| cell.chars().count()).sum();
        let mut samples: Vec<String> = Vec::new();
        for cell in cells.iter().take(1000) {
            let sample: String = cell.chars().take(SAMPLE_LENGTH).collect();
            if samples.len() < SAMPLES && !samples.contains(&sample) {
                samples.push(sample);
            }
        }
        Self {
            name: plain_name(name),
            filled: cells.len(),
            numeric: !cells.is_empty() && numbers * 20 >= cells.len() * 19 && !cells.iter().any(|cell| is_code(cell)),
            distinct: distinct.len(),
            worded: cells.iter().filter(|cell| is_worded(cell)).count(),
            mean_length: characters as f64 / cells.len().max(1) as f64,
            counts_up: integers.len() == cells.len()
                && integers.len() >= 5
                && integers.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(1)),
            samples,
            number_format: NumberFormat::guess(&cells),
            whole: integers.len() == cells.len(),
            place,
        }
    }

    /// Whether it is called as label columns are, and its values repeat: then it is one, however many classes it has.
    fn names_classes(&self, rows: usize) -> bool {
        let few = self.distinct <= FEW_CLASSES.max(rows / 100);
        // Whole numbers may number classes; but prices repeat, too.
        let repeats = if self.numeric {
            self.whole && self.distinct * 5 <= self.filled
        } else {
            self.distinct * 2 <= self.filled
        };
        self.filled > 0 && (few || repeats)
    }

    fn is_split(&self, rows: &[Vec<String>]) -> bool {
        if self.name == OWN_SOURCE_COLUMN {
            return rows.iter().filter_map(|row| row.get(self.place)).any(|cell| cell == "test" || cell == "audit");
        }
        let cells = || rows.iter().filter_map(|row| row.get(self.place)).filter(|cell| !cell.trim().is_empty());
        self.is_named(&SPLIT_NAMES)
            && cells().any(|cell| says_test(cell))
            && cells().all(|cell| says_test(cell) || says_train(cell) || plain_name(cell).starts_with("unlabel"))
    }

    fn why_label(&self) -> &'static str {
        if self.has_label_name() {
            "is called as labels are, and its values repeat"
        } else {
            "holds few different words"
        }
    }

    fn has_label_name(&self) -> bool {
        LABEL_NAMES.iter().any(|name| self.name.contains(name))
    }

    fn is_named(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    fn has_id_name(&self) -> bool {
        self.is_named(&ID_NAMES) || self.name.ends_with("_id") || self.name.starts_with("id_")
    }

    fn is_id(&self) -> bool {
        let all_different = self.distinct == self.filled && self.filled >= 5;
        self.has_id_name() || self.counts_up || (all_different && !self.numeric)
    }

    fn column(&self, name: &str, role: Role, why: &str) -> Column {
        Column {
            name: name.to_string(),
            role,
            numeric: self.numeric,
            distinct: self.distinct as u32,
            samples: self.samples.clone(),
            number_format: self.number_format,
            why: why.to_owned(),
        }
    }
}

/// Words, with spaces between them or in a script that writes none, and more letters than other signs.
fn is_worded(cell: &str) -> bool {
    let letters = cell.chars().filter(|character| character.is_alphabetic()).count();
    let spaced =
        cell.split_whitespace().nth(1).is_some() || cell.chars().filter(|c| !c.is_ascii()).count() * 2 > letters;
    spaced && letters * 2 > cell.chars().count()
}

fn guess_label(facts: &[Facts], rows: usize, split: Option<usize>) -> Option<usize> {
    let few = |facts: &Facts| facts.distinct <= FEW_CLASSES.max(rows / 100) && facts.filled > 0;
    let by_name = |matches: &dyn Fn(&str, &str) -> bool| {
        let fits = |facts: &Facts, name: &str| {
            matches(&facts.name, name)
                && Some(facts.place) != split
                && !is_own_column(&facts.name)
                && facts.names_classes(rows)
        };
        LABEL_NAMES.iter().find_map(|name| facts.iter().position(|facts| fits(facts, name)))
    };
    by_name(&|column, name| column == name)
        .or_else(|| {
            by_name(&|column, name| {
                name.len() > 3 && (column.ends_with(&format!("_{name}")) || column.starts_with(&format!("{name}_")))
            })
        })
        .or_else(|| {
            let last = facts.len().checked_sub(1).filter(|&last| last > 0)?;
            [last, 0].into_iter().find(|&place| {
                let facts = &facts[place];
                few(facts)
                    && Some(place) != split
                    && !is_own_column(&facts.name)
                    && !facts.numeric
                    && !facts.has_id_name()
                    && facts.distinct >= 2
                    && facts.distinct * 2 <= facts.filled
            })
        })
}

/// The column whose cells are texts: named so, else the longest one of long and various wordings, else the only
/// column besides the label.
fn guess_text(facts: &[Facts], label: Option<usize>, split: Option<usize>) -> Option<usize> {
    let various = |facts: &Facts| facts.distinct * 2 > facts.filled;
    let candidates: Vec<usize> = (0..facts.len())
        .filter(|&place| Some(place) != label && Some(place) != split)
        .filter(|&place| !facts[place].numeric && facts[place].filled > 0 && !is_own_column(&facts[place].name))
        .collect();
    let longest = |matches: &dyn Fn(&Facts) -> bool| {
        candidates
            .iter()
            .copied()
            .filter(|&place| matches(&facts[place]))
            .max_by(|&a, &b| facts[a].mean_length.total_cmp(&facts[b].mean_length))
    };
    longest(&|facts| facts.is_named(&TEXT_NAMES) && facts.worded * 2 > facts.filled && various(facts))
        .or_else(|| {
            longest(&|facts| {
                facts.mean_length >= 25.0 && facts.worded * 2 > facts.filled && various(facts) && !facts.has_id_name()
            })
        })
        .or_else(|| {
            let others: Vec<usize> = (0..facts.len())
                .filter(|&place| Some(place) != label && Some(place) != split)
                .filter(|&place| {
                    !facts[place].has_id_name() && !facts[place].counts_up && !is_own_column(&facts[place].name)
                })
                .collect();
            match others[..] {
                [only] if !facts[only].numeric && facts[only].filled > 0 && various(&facts[only]) => Some(only),
                _ => None,
            }
        })
}

/// Whether a column only renames the classes (`target` 0, 1, 2 beside `species`): learning from it would be cheating.
fn says_the_same(rows: &[Vec<String>], label: Option<usize>, place: usize) -> bool {
    let Some(label) = label else { return false };
    let mut class_of: HashMap<&str, &str> = HashMap::new();
    let mut value_of: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        let (Some(class), Some(value)) = (row.get(label), row.get(place)) else { return false };
        if *class_of.entry(value).or_insert(class) != class || *value_of.entry(class).or_insert(value) != value {
            return false;
        }
    }
    class_of.len() >= 2 && class_of.len() * 2 <= rows.len()
}

#[cfg(test)]
mod tests {
    use super::super::plan::TableFormat;
    use super::super::records::records as records_of;
    use super::*;
    use std::fmt::Write;

    fn records(text: &str, _: u8) -> Vec<Vec<String>> {
        records_of(text, &TableFormat::default()).into_iter().map(|record| record.cells).collect()
    }

    /// Each column's role as a letter: Content, Label, Extra.
    fn check(table: &str, kind: Kind, roles: &str) {
        let mut rows = records(table, b',');
        let names = rows.remove(0);
        let guess = guess_columns(&names, &rows);
        let letters: String = guess
            .columns
            .iter()
            .map(|column| match column.role {
                Role::Content => 'C',
                Role::Label => 'L',
                Role::Extra => 'E',
                Role::Split => 'S',
                Role::File => 'F',
            })
            .collect();
        assert_eq!((guess.kind, letters.as_str()), (kind, roles), "{}", &table[..table.len().min(200)]);
    }

    /// A header and `count` rows made by `row`.
    fn table(header: &str, count: usize, row: impl Fn(usize) -> String) -> String {
        let mut table = format!("{header}\n");
        for number in 0..count {
            writeln!(table, "{}", row(number)).unwrap();
        }
        table
    }

    #[test]
    fn reviews_are_texts() {
        let row = |n: usize| {
            format!(
                "amazon-{n},{},product,So there is no way for me to plug number {n} in here",
                ["negative", "positive"][n % 2]
            )
        };
        check(&table("id,sentiment,domain,text", 40, row), Kind::Text, "ELEC");
    }

    #[test]
    fn measurements_are_a_table_and_the_named_column_the_label() {
        let row = |n: usize| {
            format!(
                "{},{}.{n},{},{}",
                ["Dream", "Biscoe"][n % 2],
                30 + n,
                n * 7 % 11,
                ["Adelie", "Gentoo", "Chinstrap"][n % 3]
            )
        };
        check(&table("island,bill_length,depth,label", 60, row), Kind::Table, "CCCL");
    }

    #[test]
    fn ids_and_counters_are_not_learnt_from() {
        let row = |n: usize| format!("{n},k{n},{},{}", n * 13 % 7, ["a", "b"][n % 2]);
        check(&table("number,code,value,target", 30, row), Kind::Table, "EECL");
        check(
            &table("patient_id,other,value,target", 30, |n| format!("{},{},{},{}", n * 3, n % 5, n % 4, n % 2)),
            Kind::Table,
            "ECCL",
        );
    }

    #[test]
    fn a_renamed_label_is_not_learnt_from() {
        let row = |n: usize| format!("{},{},{}", n * 13 % 7, n % 3, ["setosa", "versicolor", "virginica"][n % 3]);
        check(&table("width,code,species", 30, row), Kind::Table, "CEL");
    }

    #[test]
    fn an_unnamed_label_is_the_last_or_first_column_of_few_words() {
        let row = |n: usize| format!("{},{},{}", n * 13 % 7, n * 5 % 9, ["yes", "no"][n * n % 3 % 2]);
        check(&table("a,b,c", 30, row), Kind::Table, "CCL");
        let row = |n: usize| format!("{},{},{}", ["yes", "no"][n * n % 3 % 2], n * 13 % 7, n * 5 % 9);
        check(&table("a,b,c", 30, row), Kind::Table, "LCC");
    }

    #[test]
    fn a_number_to_predict_is_no_label() {
        check(&table("a,target", 200, |n| format!("{},{}", n * 7 % 13, n * 31 % 197)), Kind::Table, "CC");
    }

    #[test]
    fn short_texts_beside_a_label_are_texts() {
        check(&table("query,intent", 30, |n| format!("word{n},{}", ["play", "stop"][n % 2])), Kind::Text, "CL");
        check(&table("query", 30, |n| format!("word{n}")), Kind::Text, "C");
    }

    #[test]
    fn long_categories_are_not_texts() {
        let row = |n: usize| {
            format!(
                "{},{},{}",
                ["critical or other existing credit account", "no credits taken at all so far"][n % 2],
                n * 7 % 13,
                ["good", "bad"][n * n % 3 % 2]
            )
        };
        check(&table("history,amount,label", 40, row), Kind::Table, "CCL");
    }

    #[test]
    fn votes_are_not_texts() {
        let row = |n: usize| {
            format!(
                "{n},{},0.9,{},So nice to meet you again dear number {n}",
                "2 3 -1 2 ".repeat(20 + n % 3),
                ["pos", "neg"][n % 2]
            )
        };
        check(&table("id,votes,agreement,majority,tweet body", 40, row), Kind::Text, "EEELC");
    }

    #[test]
    fn a_label_column_wins_however_many_classes_it_has() {
        for classes in [60, 300] {
            let row = |n: usize| format!("some words about visit {n},class {},{}", n % classes, n * 7 % 13);
            check(&table("text,category,stars", classes * 4, row), Kind::Text, "CLE");
        }
        check(&table("text,label", 3000, |n| format!("some words about visit {n},{}", n % 300)), Kind::Text, "CL");
        check(&table("area,target", 3000, |n| format!("{},{}", n * 7 % 13, n * 31 % 997)), Kind::Table, "CC");
    }

    #[test]
    fn train_and_test_are_told_from_labels() {
        let row =
            |n: usize| format!("some words about visit {n},{},{}", ["train", "test"][n % 3 / 2], ["a", "b"][n % 2]);
        check(&table("text,split,label", 40, row), Kind::Text, "CSL");
        let row = |n: usize| format!("{},{},{}", n * 7 % 13, ["red", "blue"][n % 2], ["a", "b"][n / 2 % 2]);
        check(&table("size,set,label", 40, row), Kind::Table, "CCL");
    }

    #[test]
    fn codes_are_no_numbers() {
        let guess = guess_columns(&["zip".into()], &records("00037\n10115\n00402\n", b','));
        assert!(!guess.columns[0].numeric);
    }

    #[test]
    fn numeric_and_samples_are_told() {
        let guess = guess_columns(&["a".into(), "b".into()], &records("1,x\n?,y\n2,x\n", b','));
        assert_eq!(guess.columns[0].samples, ["1", "2"]);
        assert_eq!((guess.columns[0].numeric, guess.columns[1].numeric), (true, false));
        assert_eq!(guess.columns[1].distinct, 2);
    }
}
