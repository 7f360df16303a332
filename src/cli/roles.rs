//! What each column is for: the app's guess, corrected by the arguments or by what a model was trained on.

use super::arguments::{ReadingArguments, TableArguments};
use super::failure::Failure;
use super::output::listed;
use crate::pipeline::import::plan::{ImportPlan, LabelSource, Role, TestSet};
use crate::pipeline::item::Kind;

/// What a saved model reads, as far as columns are concerned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelColumns {
    /// The columns it was trained on: a table's, in order, or the one that held the text; none if it learnt from files.
    pub content: Vec<String>,
    /// The column its labels came from, if they came from one.
    pub label: Option<String>,
}

/// Corrects a guessed plan by the arguments. `label_column` must be found; without it the guessed one stays.
///
/// # Errors
/// If a column named does not exist, or what is asked for makes no sense for this data; names the columns there are.
pub fn fit_to_arguments(
    plan: &mut ImportPlan,
    label_column: Option<&str>,
    reading: &ReadingArguments,
) -> Result<(), Failure> {
    if plan.format.is_none() {
        fit_files(plan, reading)?;
        return fit_split(plan, &reading.table);
    }
    if reading.kind == Some(Kind::Image) {
        return Err(Failure::data("--kind image: these are tables; images are files in folders or in a zip"));
    }
    let names = [label_column, reading.text_column.as_deref()].into_iter().flatten();
    for name in names.chain(reading.ignore.iter().map(String::as_str)) {
        must_exist(plan, name)?;
    }
    if let Some(label) = label_column {
        set_label(plan, label);
    }
    if let Some(text) = &reading.text_column {
        set_text(plan, text);
    } else if reading.kind == Some(Kind::Table) && plan.kind == Kind::Text {
        set_table(plan);
    } else if reading.kind == Some(Kind::Text) && plan.kind != Kind::Text {
        return Err(Failure::data(format!(
            "--kind text: which column holds the text? Add --text-column NAME. The columns are {}",
            column_names(plan)
        )));
    }
    for column in plan.columns.iter_mut().filter(|column| reading.ignore.contains(&column.name)) {
        if column.role == Role::Label && label_column == Some(column.name.as_str()) {
            return Err(Failure::usage(format!("the column {} is both --label-column and in --ignore", column.name)));
        }
        if column.role != Role::Split {
            column.role = Role::Extra;
        }
    }
    fit_split(plan, &reading.table)?;
    if plan.columns_of(Role::Label).next().is_none() {
        plan.labels = LabelSource::None;
    }
    must_have_content(plan)
}

/// Corrects what says which items are held out.
///
/// # Errors
/// If the column named does not exist, or holds the labels.
fn fit_split(plan: &mut ImportPlan, table: &TableArguments) -> Result<(), Failure> {
    let Some(name) = table.split_column.as_deref() else {
        // The column that was guessed may have been given another role.
        if plan.test_set == TestSet::Column && plan.columns_of(Role::Split).next().is_none() {
            plan.test_set = TestSet::None;
        }
        return Ok(());
    };
    let is_off = name == "none" && !has_column(plan, name);
    if !is_off && plan.format.is_none() {
        return Err(Failure::data("--split-column: the data is files in folders, which have no columns"));
    }
    if !is_off {
        must_exist(plan, name)?;
    }
    for column in &mut plan.columns {
        if column.name == name {
            if column.role == Role::Label {
                return Err(Failure::usage(format!("the column {name} holds the labels and cannot be --split-column")));
            }
            column.role = Role::Split;
        } else if column.role == Role::Split {
            column.role = Role::Extra;
        }
    }
    plan.test_set = if is_off { TestSet::None } else { TestSet::Column };
    Ok(())
}

/// Corrects a guessed plan so that it gives a model what it reads. Labels are read where `label_column` or, without
/// it, the training data's label column says.
///
/// # Errors
/// If a column that the model needs, or one named, does not exist; names the columns there are.
pub fn fit_to_model(
    plan: &mut ImportPlan,
    kind: Kind,
    columns: &ModelColumns,
    text_column: Option<&str>,
    label_column: Option<&str>,
    table: &TableArguments,
) -> Result<(), Failure> {
    let other_kind = |found: &str| {
        Failure::data(format!("this model reads items of the kind {}, and the data is {found}", kind.word()))
    };
    if plan.format.is_none() {
        let matches = plan.kind == kind;
        return if matches {
            fit_split(plan, table)
        } else {
            Err(other_kind(&format!("of the kind {}", plan.kind.word())))
        };
    }
    for name in [text_column, label_column].into_iter().flatten() {
        must_exist(plan, name)?;
    }
    let known_label = columns.label.as_deref().filter(|name| has_column(plan, name));
    if let Some(label) = label_column.or(known_label) {
        set_label(plan, label);
    }
    match kind {
        Kind::Image => return Err(other_kind("a table")),
        Kind::Text => {
            let known_text = columns.content.first().map(String::as_str).filter(|name| has_column(plan, name));
            match text_column.or(known_text) {
                Some(text) => set_text(plan, text),
                None if plan.kind == Kind::Text => {}
                None => {
                    let wanted = columns.content.first().map_or(String::new(), |name| format!(" “{name}”"));
                    return Err(Failure::data(format!(
                        "the data has no text column{wanted}; name it with --text-column. Its columns are {}",
                        column_names(plan)
                    )));
                }
            }
        }
        Kind::Table => {
            let missing: Vec<&str> =
                columns.content.iter().map(String::as_str).filter(|name| !has_column(plan, name)).collect();
            if !missing.is_empty() {
                return Err(Failure::data(format!(
                    "the model needs the column {}, which the data lacks. Its columns are {}",
                    quoted(&missing),
                    column_names(plan)
                )));
            }
            plan.kind = Kind::Table;
            plan.fit_to_project(kind, &columns.content, plan.target).map_err(Failure::data)?;
        }
    }
    fit_split(plan, table)?;
    must_have_content(plan)
}

fn fit_files(plan: &ImportPlan, reading: &ReadingArguments) -> Result<(), Failure> {
    match reading.kind {
        Some(kind) if kind != plan.kind => Err(Failure::data(format!(
            "--kind {}: no such items here; the files are of the kind {}",
            kind.word(),
            plan.kind.word()
        ))),
        _ if reading.text_column.is_some() => {
            Err(Failure::data("--text-column: the data is files in folders, which have no columns"))
        }
        _ => Ok(()),
    }
}

fn set_label(plan: &mut ImportPlan, name: &str) {
    let kind = plan.kind;
    for column in &mut plan.columns {
        if column.name == name {
            column.role = Role::Label;
        } else if column.role == Role::Label {
            // The guess was wrong: in a table it is a column like the others.
            column.role = if kind == Kind::Table { Role::Content } else { Role::Extra };
        }
    }
    plan.labels = LabelSource::Column;
}

fn set_text(plan: &mut ImportPlan, name: &str) {
    plan.kind = Kind::Text;
    for column in &mut plan.columns {
        if column.name == name {
            column.role = Role::Content;
        } else if column.role == Role::Content {
            column.role = Role::Extra;
        }
    }
}

/// A guessed text becomes a table: every column is learnt from but the label and those named like ids.
fn set_table(plan: &mut ImportPlan) {
    plan.kind = Kind::Table;
    for column in plan.columns.iter_mut().filter(|column| column.role == Role::Extra) {
        let name = column.name.to_lowercase();
        if !["id", "uuid", "key", "index", "file", "filename", "path", "url"].contains(&name.as_str()) {
            column.role = Role::Content;
        }
    }
}

fn must_exist(plan: &ImportPlan, name: &str) -> Result<(), Failure> {
    if has_column(plan, name) {
        return Ok(());
    }
    Err(Failure::data(format!("there is no column “{name}”. The columns are {}", column_names(plan))))
}

fn must_have_content(plan: &ImportPlan) -> Result<(), Failure> {
    // Of images, the picture is what is learnt from.
    if plan.kind == Kind::Image || plan.columns_of(Role::Content).next().is_some() {
        return Ok(());
    }
    Err(Failure::data(format!("no column is left to learn from. The columns are {}", column_names(plan))))
}

fn has_column(plan: &ImportPlan, name: &str) -> bool {
    plan.columns.iter().any(|column| column.name == name)
}

fn column_names(plan: &ImportPlan) -> String {
    listed(plan.columns.iter().map(|column| column.name.as_str()))
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("“{name}”")).collect();
    listed(quoted.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::cell::NumberFormat;
    use crate::pipeline::import::plan::{Column, TableFormat, Target};

    fn plan(kind: Kind, columns: &[(&str, Role)]) -> ImportPlan {
        let column = |&(name, role): &(&str, Role)| Column {
            name: name.into(),
            role,
            numeric: false,
            distinct: 2,
            samples: Vec::new(),
            number_format: NumberFormat::Point,
            why: String::new(),
        };
        ImportPlan {
            name: "test".into(),
            kind,
            labels: LabelSource::Column,
            target: Target::Classes,
            classes: Vec::new(),
            columns: columns.iter().map(column).collect(),
            format: Some(TableFormat::default()),
            expected_items: 2,
            estimated: false,
            header: None,
            folder_levels: Vec::new(),
            folder_level: 0,
            test_set: Default::default(),
            merged: Vec::new(),
            hidden: 0,
            problems: Vec::new(),
        }
    }

    fn roles(plan: &ImportPlan) -> String {
        let mark = |role| match role {
            Role::Content => 'c',
            Role::Label => 'l',
            Role::Split => 's',
            Role::Extra | Role::File => 'e',
        };
        plan.columns.iter().map(|column| mark(column.role)).collect()
    }

    #[test]
    fn arguments_overrule_the_guess() {
        let table = [("id", Role::Extra), ("a", Role::Content), ("b", Role::Content), ("y", Role::Label)];
        let text = [("id", Role::Extra), ("a", Role::Content), ("b", Role::Extra), ("y", Role::Label)];
        let none = ReadingArguments::default();
        let check = |kind,
                     columns: &[(&str, Role)],
                     label,
                     reading: &ReadingArguments,
                     expected: Result<(Kind, &str), &str>| {
            let mut plan = plan(kind, columns);
            match (fit_to_arguments(&mut plan, label, reading), expected) {
                (Ok(()), Ok((kind, expected))) => assert_eq!((plan.kind, roles(&plan).as_str()), (kind, expected)),
                (Err(failure), Err(expected)) => {
                    assert!(failure.to_string().contains(expected), "{failure}");
                }
                (outcome, expected) => panic!("{outcome:?} instead of {expected:?}"),
            }
        };
        check(Kind::Table, &table, None, &none, Ok((Kind::Table, "eccl")));
        check(Kind::Table, &table, Some("b"), &none, Ok((Kind::Table, "eclc")));
        check(Kind::Text, &text, Some("b"), &none, Ok((Kind::Text, "ecle")));
        check(Kind::Table, &table, Some("z"), &none, Err("no column “z”. The columns are id, a, b and y"));
        let ignore = ReadingArguments { ignore: vec!["a".into()], ..none.clone() };
        check(Kind::Table, &table, None, &ignore, Ok((Kind::Table, "eecl")));
        check(Kind::Text, &text, None, &ignore, Err("no column is left"));
        check(Kind::Table, &table, Some("a"), &ignore, Err("both --label-column and in --ignore"));
        let as_text = ReadingArguments { text_column: Some("b".into()), ..none.clone() };
        check(Kind::Table, &table, None, &as_text, Ok((Kind::Text, "eecl")));
        let as_kind = |kind| ReadingArguments { kind: Some(kind), ..none.clone() };
        check(Kind::Text, &text, None, &as_kind(Kind::Table), Ok((Kind::Table, "eccl")));
        check(Kind::Table, &table, None, &as_kind(Kind::Text), Err("--text-column NAME"));
        check(Kind::Table, &table, None, &as_kind(Kind::Image), Err("these are tables"));
        let split_by = |name: &str| ReadingArguments {
            table: TableArguments { split_column: Some(name.into()), ..TableArguments::default() },
            ..none.clone()
        };
        check(Kind::Table, &table, None, &split_by("b"), Ok((Kind::Table, "ecsl")));
        check(Kind::Table, &table, None, &split_by("none"), Ok((Kind::Table, "eccl")));
        check(Kind::Table, &table, None, &split_by("z"), Err("no column “z”"));
        check(Kind::Table, &table, None, &split_by("y"), Err("holds the labels"));
    }

    #[test]
    fn a_model_says_which_column_it_misses() {
        let guessed = [("b", Role::Content), ("a", Role::Content), ("more", Role::Content)];
        let needs = |names: &[&str]| ModelColumns {
            content: names.iter().map(|name| name.to_string()).collect(),
            label: Some("y".into()),
        };
        let unsaid = TableArguments::default();
        let mut fitting = plan(Kind::Table, &guessed);
        fit_to_model(&mut fitting, Kind::Table, &needs(&["a", "b"]), None, None, &unsaid).expect("both are there");
        assert_eq!(fitting.content_columns(), ["a", "b"]);
        let mut lacking = plan(Kind::Table, &guessed);
        let failure =
            fit_to_model(&mut lacking, Kind::Table, &needs(&["a", "c"]), None, None, &unsaid).expect_err("no c");
        assert!(failure.to_string().contains("needs the column “c”"), "{failure}");
        let failure = fit_to_model(&mut lacking, Kind::Image, &needs(&[]), None, None, &unsaid).expect_err("a table");
        assert!(failure.to_string().contains("kind image"), "{failure}");
    }
}
