//! Guessing what an import should do, from the names and heads of its files.

use super::beside::names_of;
use super::columns::{guess_columns, guess_file_column};
use super::dialect::{Sniffed, is_table_text, sniff, unique_names};
use super::encoding::{decode_head, guess_encoding, is_text};
use super::folders::plan_folders;
use super::json::{ObjectSplitter, fields_of_object, layout};
use super::plan::{Column, ImportPlan, LabelSource, Problem, Role, SourceFile, TableFormat, Target, TestSet};
use super::source::{
    Reading, SourceKind, extension, file_name, is_companion, is_test_path, is_train_path, reading, source_kind,
    without_zip,
};
use super::{ProblemList, one_class_problem};
use crate::pipeline::class_name;
use crate::pipeline::features::cell::NumberFormat;
use crate::pipeline::item::Kind;
use std::collections::{HashMap, HashSet};

/// The beginning of a file: as many bytes as [`head_bytes`](super::head_bytes) says, or all there are.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The file.
    pub file: &'a SourceFile,
    /// Its first bytes; none for images.
    pub bytes: &'a [u8],
}

/// What is inside one zip, see [`ZipSource::listing`](super::ZipSource::listing).
#[derive(Debug, Clone, PartialEq)]
pub struct ZipListing {
    /// The zip's path.
    pub path: String,
    /// Its files and their heads.
    pub files: Vec<(SourceFile, Vec<u8>)>,
    /// How many hidden and system files in it are passed over.
    pub hidden: u64,
}

/// Guesses the plan of an import. The majority of the files decides the kind; every other file becomes a problem, as
/// does what is known to be wrong already. `problems` are those met in opening zips. The plan's problems are a preview:
/// reading the files meets them again, so an import keeps only those of its reading. `header` is what the person said of
/// tables' first rows, if they did: whether they name the columns.
pub fn inspect(heads: &[Head<'_>], zips: &[ZipListing], header: Option<bool>, problems: ProblemList) -> ImportPlan {
    let in_zips = zips.iter().flat_map(|zip| zip.files.iter().map(|(file, bytes)| Head { file, bytes }));
    let opened: HashSet<&str> = zips.iter().map(|zip| zip.path.as_str()).collect();
    let all: Vec<Head<'_>> =
        heads.iter().copied().filter(|head| !opened.contains(head.file.path.as_str())).chain(in_zips).collect();
    let of_kind = |wanted: &dyn Fn(&SourceKind) -> bool| -> Vec<Head<'_>> {
        all.iter().copied().filter(|head| wanted(&source_kind(&head.file.path, head.bytes))).collect()
    };
    let images = of_kind(&|kind| *kind == SourceKind::Image);
    let mut texts = of_kind(&|kind| *kind == SourceKind::Text);
    texts.retain(|head| !is_companion(&head.file.path));
    let tables = of_kind(&|kind| *kind == SourceKind::Table);
    let objects = of_kind(&|kind| *kind == SourceKind::JsonLines);
    let hidden = of_kind(&|kind| *kind == SourceKind::Clutter).len() as u64;
    let mut plan = ImportPlan {
        name: guess_name(&all),
        kind: Kind::Image,
        labels: LabelSource::None,
        target: Target::Classes,
        classes: Vec::new(),
        columns: Vec::new(),
        format: None,
        expected_items: 0,
        estimated: false,
        header,
        folder_levels: Vec::new(),
        folder_level: 0,
        test_set: TestSet::None,
        merged: Vec::new(),
        hidden: hidden + zips.iter().map(|zip| zip.hidden).sum::<u64>(),
        problems: Vec::new(),
    };
    let mut problems = problems;
    // On a tie a table wins: it holds many items, the others are one each.
    let most = images.len().max(texts.len()).max(tables.len()).max(objects.len());
    if most == 0 {
        let message = "there is nothing here to import: Hone reads images, .txt, CSV, TSV, JSON and zips of them";
        problems.push(Problem::note("", message));
    } else if !images.is_empty() && plan_beside(&mut plan, &images, &tables, &objects) {
    } else if tables.len() == most {
        plan_table(&mut plan, &tables, &mut problems);
    } else if objects.len() == most {
        plan_objects(&mut plan, &objects, &mut problems);
    } else if images.len() == most {
        plan_folders(&mut plan, &images);
    } else {
        match texts[..] {
            [only] if is_table_text(only.bytes, is_whole(only)) => plan_table(&mut plan, &texts, &mut problems),
            [only] => plan_lines(&mut plan, only),
            _ => {
                plan.kind = Kind::Text;
                plan_folders(&mut plan, &texts);
            }
        }
    }
    guess_test_set(&mut plan, &all);
    problems.extend(all.iter().filter_map(|head| match reading(&plan, head.file, head.bytes) {
        Reading::LeftOut(problem) => Some(problem),
        _ => None,
    }));
    if plan.labels != LabelSource::None && plan.target == Target::Classes {
        problems.extend(one_class_problem(plan.classes.iter().map(|(class, _)| class.as_str())));
    }
    plan.problems = problems.into_vec();
    plan
}

/// A split column holds out what it calls test; else folders or tables called train and test do.
fn guess_test_set(plan: &mut ImportPlan, all: &[Head<'_>]) {
    if plan.columns_of(Role::Split).next().is_some() {
        plan.test_set = TestSet::Column;
        return;
    }
    let read = || {
        let is_read = |head: &&Head<'_>| {
            matches!(reading(plan, head.file, head.bytes), Reading::Image | Reading::Text | Reading::Rows)
        };
        all.iter().filter(is_read).map(|head| head.file.path.as_str())
    };
    if read().any(is_test_path) && read().any(is_train_path) {
        plan.test_set = TestSet::Folder;
    }
}

/// Images with tables that say something of each: whether there are such tables.
fn plan_beside(plan: &mut ImportPlan, images: &[Head<'_>], tables: &[Head<'_>], objects: &[Head<'_>]) -> bool {
    let names: HashSet<String> = images.iter().flat_map(|head| names_of(&head.file.path)).collect();
    let read = tables
        .iter()
        .map(|head| {
            let Sniffed { format, names, rows } = sniffed(*head, plan.header);
            (format, names, rows)
        })
        .chain(objects.iter().map(|head| {
            let (names, rows, _) = rows_of_objects(&[*head], &mut ProblemList::default());
            (json_format(*head), names, rows)
        }));
    // The first table that names images says which columns there are; others of its kind add their rows.
    let mut naming = read.filter_map(|(format, columns, rows)| {
        let place = guess_file_column(&columns, &rows, &names)?;
        Some((format, columns, rows, place))
    });
    let Some((format, columns, mut rows, place)) = naming.next() else { return false };
    for (other, known, more, _) in naming {
        if other.json_lines == format.json_lines && known == columns {
            rows.extend(more);
        }
    }
    plan_folders(plan, images);
    plan.format = Some(format);
    let folders = (plan.labels, std::mem::take(&mut plan.classes));
    plan_columns(plan, &columns, &rows);
    plan.kind = Kind::Image;
    plan.target = Target::Classes;
    for (at, column) in plan.columns.iter_mut().enumerate() {
        if at == place {
            (column.role, column.why) = (Role::File, "names the images".into());
        } else if column.role == Role::Content {
            (column.role, column.why) = (Role::Extra, "comes along with the image".into());
        }
    }
    if plan.columns_of(Role::Label).next().is_none() {
        (plan.labels, plan.classes) = folders;
    }
    true
}

/// A lone text file: each line an item.
fn plan_lines(plan: &mut ImportPlan, file: Head<'_>) {
    let encoding = guess_encoding(file.bytes);
    let text = decode_head(file.bytes, encoding);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    plan.kind = Kind::Text;
    let header = plan.header.unwrap_or(false);
    plan.format = Some(TableFormat { delimiter: b'\n', encoding: encoding.into(), header, ..TableFormat::default() });
    let lines = &lines[usize::from(header).min(lines.len())..];
    plan.columns = vec![Column {
        name: "text".into(),
        role: Role::Content,
        numeric: false,
        distinct: lines.iter().collect::<HashSet<_>>().len() as u32,
        samples: lines.iter().take(5).map(|line| line.chars().take(80).collect()).collect(),
        number_format: NumberFormat::Point,
        why: "each line is a text".into(),
    }];
    expect(plan, lines.len(), file);
}

fn plan_table(plan: &mut ImportPlan, tables: &[Head<'_>], problems: &mut ProblemList) {
    let Some(main) = tables.iter().max_by_key(|head| head.file.size) else { return };
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    // The largest file says which columns there are; the others are checked against it where they are read.
    for table in std::iter::once(main).chain(tables.iter().filter(|head| head.file.path != main.file.path)) {
        if !is_text(table.bytes, guess_encoding(table.bytes)) {
            let message = "left out: its content is not text, whatever its name says. Save it as CSV";
            problems.push(Problem::of_file(&table.file.path, message));
            continue;
        }
        let here = match names.is_empty() {
            true => sniffed(*table, plan.header),
            false => sniff_like(*table, plan.header, &names),
        };
        if here.rows.is_empty() && table.file.size > 0 {
            problems.push(Problem::note(&table.file.path, "has no rows below its header"));
        }
        if names.is_empty() {
            names.clone_from(&here.names);
            plan.format = Some(here.format);
        }
        expect(plan, here.rows.len(), *table);
        let places: Vec<Option<usize>> =
            names.iter().map(|name| here.names.iter().position(|other| other == name)).collect();
        // Rows of too many cells are left out where they are read; what stands in them says nothing of the columns.
        let width = here.names.len();
        let fits = |record: &Vec<String>| record.iter().skip(width).all(|cell| cell.trim().is_empty());
        rows.extend(here.rows.into_iter().filter(fits).map(|record| {
            places.iter().map(|place| place.and_then(|place| record.get(place).cloned()).unwrap_or_default()).collect()
        }));
    }
    if plan.format.is_none() {
        names = unique_names(&[], 1);
        plan.format = Some(TableFormat::default());
    }
    plan_columns(plan, &names, &rows);
}

fn sniffed(table: Head<'_>, header: Option<bool>) -> Sniffed {
    sniff(table.bytes, is_whole(table), &extension(&table.file.path), header)
}

/// The same for a further table: if its columns are none of those known, its first row was perhaps misjudged.
fn sniff_like(table: Head<'_>, header: Option<bool>, known: &[String]) -> Sniffed {
    let first = sniffed(table, header);
    if header.is_some() || first.names.iter().any(|name| known.contains(name)) {
        return first;
    }
    let other = sniffed(table, Some(!first.format.header));
    if other.names.iter().any(|name| known.contains(name)) { other } else { first }
}

fn json_format(file: Head<'_>) -> TableFormat {
    TableFormat { encoding: guess_encoding(file.bytes).into(), json_lines: true, ..TableFormat::default() }
}

fn plan_objects(plan: &mut ImportPlan, files: &[Head<'_>], problems: &mut ProblemList) {
    plan.format = files.first().map(|file| json_format(*file));
    let (names, rows, counts) = rows_of_objects(files, problems);
    for (file, count) in files.iter().zip(counts) {
        expect(plan, count, *file);
    }
    plan_columns(plan, &names, &rows);
}

/// The names of all columns, the rows, and how many of them each file has.
fn rows_of_objects(files: &[Head<'_>], problems: &mut ProblemList) -> (Vec<String>, Vec<Vec<String>>, Vec<usize>) {
    let mut names: Vec<String> = Vec::new();
    let mut place_of: HashMap<String, usize> = HashMap::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut counts = Vec::new();
    for file in files {
        let text = decode_head(file.bytes, guess_encoding(file.bytes));
        let mut splitter = ObjectSplitter::new(layout(&text));
        let mut elements = splitter.push(&text);
        if is_whole(*file) {
            elements.extend(splitter.finish());
        }
        let elements: Vec<_> = elements.into_iter().filter(|(_, element)| !element.trim().is_empty()).collect();
        counts.push(elements.len());
        let objects: Vec<_> = elements.iter().filter_map(|(_, element)| fields_of_object(element).ok()).collect();
        if objects.is_empty() && file.file.size > 0 {
            problems.push(Problem::note(&file.file.path, "nothing in it is a JSON object, like {\"text\": \"…\"}"));
        }
        for object in objects {
            let mut row = vec![String::new(); names.len()];
            for (name, cell) in object.cells {
                let place = *place_of.entry(name).or_insert_with_key(|name| {
                    names.push(name.clone());
                    names.len() - 1
                });
                row.resize(row.len().max(place + 1), String::new());
                row[place] = cell.text;
            }
            rows.push(row);
        }
    }
    rows.iter_mut().for_each(|row| row.resize(names.len(), String::new()));
    (names, rows, counts)
}

fn plan_columns(plan: &mut ImportPlan, names: &[String], rows: &[Vec<String>]) {
    let guess = guess_columns(names, rows);
    plan.kind = guess.kind;
    plan.columns = guess.columns;
    if let Some(place) = plan.columns.iter().position(|column| column.role == Role::Label) {
        plan.labels = LabelSource::Column;
        (plan.classes, plan.merged) = classes_of(rows.iter().map(|row| row.get(place).map_or("", String::as_str)));
        plan.target = plan.guess_target();
    }
}

/// Classes and how many items each has.
type Counts = Vec<(String, u32)>;
/// Classes and how each is spelt.
type Spellings = Vec<(String, Vec<String>)>;

/// Classes and how many items each has, most frequent first; and the spellings that are taken for one, the commonest first.
pub(super) fn classes_of<'a>(labels: impl IntoIterator<Item = &'a str>) -> (Counts, Spellings) {
    let mut spellings: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for label in labels {
        let folded = class_name::folded(label);
        if !folded.is_empty() {
            *spellings.entry(folded).or_default().entry(label.to_owned()).or_insert(0) += 1;
        }
    }
    let mut classes = Vec::with_capacity(spellings.len());
    let mut merged = Vec::new();
    for counts in spellings.into_values() {
        let total = counts.values().sum();
        let mut by_count: Vec<(String, u32)> = counts.into_iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let name = class_name::tidy(&by_count[0].0);
        if by_count.len() > 1 {
            merged.push((name.clone(), by_count.into_iter().map(|(spelling, _)| spelling).collect()));
        }
        classes.push((name, total));
    }
    classes.sort_by(|a: &(String, u32), b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    merged.sort();
    (classes, merged)
}

fn is_whole(head: Head<'_>) -> bool {
    head.bytes.len() as u64 >= head.file.size
}

/// Adds the rows of a file, which has so many in its head and goes on as it begins.
fn expect(plan: &mut ImportPlan, rows: usize, head: Head<'_>) {
    if is_whole(head) || head.bytes.is_empty() {
        plan.expected_items += rows as u64;
    } else {
        plan.expected_items += (rows as f64 * head.file.size as f64 / head.bytes.len() as f64).round() as u64;
        plan.estimated = true;
    }
}

/// The deepest folder that holds all paths; empty if there is none.
pub(super) fn common_folder<'a>(paths: &[&'a str]) -> &'a str {
    let folder = |path: &'a str| path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some((first, rest)) = paths.split_first() else { return "" };
    let mut common = folder(first);
    for path in rest {
        let inside =
            |common: &str| common.is_empty() || folder(path) == common || path.starts_with(&format!("{common}/"));
        while !inside(common) {
            common = folder(common);
        }
    }
    common
}

/// The folder that was picked, else the only file, else how many there are.
fn guess_name(files: &[Head<'_>]) -> String {
    let paths: Vec<&str> = files
        .iter()
        .map(|head| head.file.path.as_str())
        .filter(|path| source_kind(path, &[]) != SourceKind::Clutter)
        .collect();
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string();
    match (common_folder(&paths), &paths[..]) {
        (_, []) => "Untitled".into(),
        (_, [only]) => stem(file_name(only)),
        ("", [first, ..]) => format!("{} and {} more", stem(file_name(first)), paths.len() - 1),
        (folder, _) => without_zip(file_name(folder)).to_string(),
    }
}

#[cfg(test)]
mod tests;
