//! Guessing what an import should do, from the names and heads of its files.

use super::columns::guess_columns;
use super::delimited::{guess_delimiter, guess_header, records, unique_names};
use super::encoding::{decode_head, guess_encoding, is_text};
use super::json_lines::{LineSplitter, cells_of_line};
use super::plan::{Column, ImportPlan, LabelSource, Problem, Role, SourceFile, TableFormat, Target, TestSet};
use super::source::{
    Reading, SourceKind, extension, file_name, is_companion, last_folder, reading, source_kind, without_zip,
};
use super::{ProblemList, one_class_problem};
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
}

/// Folder names that say what files are for rather than what they show.
const SPLIT_NAMES: [&str; 14] = [
    "train",
    "training",
    "test",
    "testing",
    "val",
    "valid",
    "validation",
    "dev",
    "eval",
    "images",
    "img",
    "data",
    "photos",
    "texts",
];

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
        hidden: 0,
        problems: Vec::new(),
    };
    let mut problems = problems;
    // On a tie a table wins: it holds many items, the others are one each.
    let most = images.len().max(texts.len()).max(tables.len()).max(objects.len());
    if most == 0 {
        problems.push(Problem::of_file(
            "",
            "there is nothing here to import: Hone reads images, .txt, CSV, TSV, JSON Lines and zips of them",
        ));
    } else if tables.len() == most {
        plan_table(&mut plan, &tables, &mut problems);
    } else if objects.len() == most {
        plan_json_lines(&mut plan, &objects, &mut problems);
    } else if images.len() == most {
        plan_folders(&mut plan, &images);
    } else if let [only] = texts[..] {
        plan_lines(&mut plan, only);
    } else {
        plan.kind = Kind::Text;
        plan_folders(&mut plan, &texts);
    }
    if most > 0 {
        problems.extend(all.iter().filter_map(|head| match reading(&plan, head.file, head.bytes) {
            Reading::LeftOut(problem) => Some(problem),
            _ => None,
        }));
    } else {
        problems.extend(all.iter().filter_map(|head| match source_kind(&head.file.path, head.bytes) {
            SourceKind::Foreign(what) => Some(Problem::of_file(&head.file.path, format!("left out: it is {what}"))),
            _ => None,
        }));
    }
    if plan.labels != LabelSource::None && plan.target == Target::Classes {
        problems.extend(one_class_problem(plan.classes.iter().map(|(class, _)| class.as_str())));
    }
    plan.problems = problems.into_vec();
    plan
}

/// Items that are a file each: the folder's name is the label if two folders or more hold some.
fn plan_folders(plan: &mut ImportPlan, files: &[Head<'_>]) {
    let sound: Vec<&str> = files.iter().filter(|head| head.file.size > 0).map(|head| head.file.path.as_str()).collect();
    plan.expected_items = sound.len() as u64;
    let root = common_folder(&sound);
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for path in &sound {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        // What lies above all class folders has no label.
        if folder.len() > root.len()
            && let Some(class) = last_folder(path)
        {
            *counts.entry(class).or_insert(0) += 1;
        }
    }
    let is_split = |name: &&str| SPLIT_NAMES.contains(&name.to_lowercase().as_str());
    if counts.len() >= 2 && !counts.keys().all(is_split) {
        plan.labels = LabelSource::Folder;
        plan.classes = most_frequent_first(counts);
    }
}

/// A lone text file: each line an item.
fn plan_lines(plan: &mut ImportPlan, file: Head<'_>) {
    let encoding = guess_encoding(file.bytes);
    let text = decode_head(file.bytes, encoding);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    plan.kind = Kind::Text;
    plan.format = Some(TableFormat {
        delimiter: b'\n',
        encoding: encoding.into(),
        json_lines: false,
        header: false,
        ..TableFormat::default()
    });
    plan.columns = vec![Column {
        name: "text".into(),
        role: Role::Content,
        numeric: false,
        distinct: lines.iter().collect::<HashSet<_>>().len() as u32,
        samples: lines.iter().take(5).map(|line| line.chars().take(80).collect()).collect(),
        number_format: NumberFormat::Point,
        why: String::new(),
    }];
    plan.expected_items = scaled(lines.len(), file);
}

fn plan_table(plan: &mut ImportPlan, tables: &[Head<'_>], problems: &mut ProblemList) {
    let Some(main) = tables.iter().max_by_key(|head| head.file.size) else { return };
    let encoding = guess_encoding(main.bytes);
    let text = decode_head(main.bytes, encoding);
    let delimiter = guess_delimiter(&text, &extension(&main.file.path));
    let mut format =
        TableFormat { delimiter, encoding: encoding.into(), json_lines: false, header: true, ..TableFormat::default() };
    format.header = guess_header(&head_records(*main, &format));
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    // The largest file says which columns there are; the others are checked against it where they are read.
    for table in std::iter::once(main).chain(tables.iter().filter(|head| head.file.path != main.file.path)) {
        if !is_text(table.bytes, guess_encoding(table.bytes)) {
            problems.push(Problem::of_file(
                &table.file.path,
                "its content is not text, whatever its name says: save it as CSV",
            ));
            continue;
        }
        let mut records = head_records(*table, &format);
        let width = records.first().map_or(0, Vec::len);
        let header = if format.header && !records.is_empty() { records.remove(0) } else { Vec::new() };
        if records.is_empty() && table.file.size > 0 {
            problems.push(Problem::of_file(&table.file.path, "has no rows below its header"));
        }
        let here = unique_names(&header, width);
        if names.is_empty() {
            names.clone_from(&here);
        }
        plan.expected_items += scaled(records.len(), *table);
        let places: Vec<Option<usize>> = names.iter().map(|name| here.iter().position(|other| other == name)).collect();
        rows.extend(records.into_iter().filter(|record| record.len() == width).map(|record| {
            places.iter().map(|place| place.and_then(|place| record.get(place).cloned()).unwrap_or_default()).collect()
        }));
    }
    plan.format = Some(format);
    plan_columns(plan, &names, &rows);
}

fn plan_json_lines(plan: &mut ImportPlan, files: &[Head<'_>], problems: &mut ProblemList) {
    let encoding = files.first().map_or("UTF-8", |head| guess_encoding(head.bytes));
    plan.format = Some(TableFormat {
        delimiter: b',',
        encoding: encoding.into(),
        json_lines: true,
        header: true,
        ..TableFormat::default()
    });
    let mut names: Vec<String> = Vec::new();
    let mut place_of: HashMap<String, usize> = HashMap::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for file in files {
        let mut splitter = LineSplitter::default();
        let mut lines = splitter.push(&decode_head(file.bytes, encoding));
        if is_whole(*file) {
            lines.extend(splitter.finish());
        }
        let objects: Vec<_> = lines.iter().filter_map(|(_, line)| cells_of_line(line).ok()).collect();
        if objects.is_empty() && file.file.size > 0 {
            problems.push(Problem::of_file(&file.file.path, "no line in it is a JSON object, like {\"text\": \"…\"}"));
        }
        plan.expected_items += scaled(objects.len(), *file);
        for object in objects {
            let mut row = vec![String::new(); names.len()];
            for (name, cell) in object {
                let place = *place_of.entry(name).or_insert_with_key(|name| {
                    names.push(name.clone());
                    names.len() - 1
                });
                row.resize(row.len().max(place + 1), String::new());
                row[place] = cell;
            }
            rows.push(row);
        }
    }
    rows.iter_mut().for_each(|row| row.resize(names.len(), String::new()));
    plan_columns(plan, &names, &rows);
}

fn plan_columns(plan: &mut ImportPlan, names: &[String], rows: &[Vec<String>]) {
    let guess = guess_columns(names, rows);
    plan.kind = guess.kind;
    plan.columns = guess.columns;
    if let Some(place) = plan.columns.iter().position(|column| column.role == Role::Label) {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for class in rows.iter().map(|row| row[place].trim()).filter(|class| !class.is_empty()) {
            *counts.entry(class).or_insert(0) += 1;
        }
        plan.labels = LabelSource::Column;
        plan.classes = most_frequent_first(counts);
        plan.target = plan.guess_target();
    }
}

/// The records in a head; the last one is left out if it may be cut.
fn head_records(head: Head<'_>, format: &TableFormat) -> Vec<Vec<String>> {
    let text = decode_head(head.bytes, &format.encoding);
    if format.delimiter == b'\n' {
        let mut lines: Vec<Vec<String>> =
            text.lines().filter(|line| !line.trim().is_empty()).map(|line| vec![line.to_string()]).collect();
        if !is_whole(head) {
            lines.pop();
        }
        return lines;
    }
    let mut records = records(&text, format.delimiter);
    if !is_whole(head) {
        records.pop();
    }
    records
}

fn is_whole(head: Head<'_>) -> bool {
    head.bytes.len() as u64 >= head.file.size
}

/// How many rows the whole file has if it goes on as in its head.
fn scaled(rows: usize, head: Head<'_>) -> u64 {
    if is_whole(head) || head.bytes.is_empty() {
        return rows as u64;
    }
    (rows as f64 * head.file.size as f64 / head.bytes.len() as f64).round() as u64
}

fn most_frequent_first(counts: HashMap<&str, u32>) -> Vec<(String, u32)> {
    let mut classes: Vec<(String, u32)> = counts.into_iter().map(|(class, count)| (class.to_string(), count)).collect();
    classes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    classes
}

/// The deepest folder that holds all paths; empty if there is none.
fn common_folder<'a>(paths: &[&'a str]) -> &'a str {
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
