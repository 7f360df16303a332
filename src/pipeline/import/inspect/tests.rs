use super::*;

fn plan_of(files: &[(&str, &str)]) -> ImportPlan {
    let sources: Vec<SourceFile> =
        files.iter().map(|(path, text)| SourceFile { path: path.to_string(), size: text.len() as u64 }).collect();
    let heads: Vec<Head<'_>> =
        sources.iter().zip(files).map(|(file, (_, text))| Head { file, bytes: text.as_bytes() }).collect();
    inspect(&heads, &[], None, ProblemList::default())
}

fn classes(plan: &ImportPlan) -> Vec<(&str, u32)> {
    plan.classes.iter().map(|(class, count)| (class.as_str(), *count)).collect()
}

#[test]
fn class_folders_label_their_images() {
    let plan = plan_of(&[
        ("pets/cat/1.jpg", "x"),
        ("pets/cat/2.jpg", "x"),
        ("pets/dog/1.png", "x"),
        ("pets/stray.png", "x"),
        ("pets/cat/empty.png", ""),
        ("pets/credits.csv", "a,b\n"),
        ("pets/README.md", "x"),
        ("pets/.DS_Store", "x"),
    ]);
    assert_eq!((plan.name.as_str(), plan.kind, plan.labels), ("pets", Kind::Image, LabelSource::Folder));
    assert_eq!(classes(&plan), [("cat", 2), ("dog", 1)]);
    assert_eq!((plan.expected_items, plan.hidden), (5, 1));
    let left_out: Vec<&str> = plan.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(left_out, ["pets/cat/empty.png", "pets/credits.csv", "pets/README.md"]);
    assert!(plan.problems[1].message.contains("not an image"), "{}", plan.problems[1].message);
    use super::super::source::folder_label;
    assert_eq!(folder_label(&plan, "pets/dog/1.png").as_deref(), Some("dog"));
    assert_eq!(folder_label(&plan, "pets/stray.png"), None);
}

#[test]
fn folders_that_are_no_classes_give_no_labels() {
    for files in [
        &[("pets/1.jpg", "x"), ("pets/2.jpg", "x")][..],
        &[("pets/train/1.jpg", "x"), ("pets/test/2.jpg", "x")],
        &[("1.jpg", "x"), ("2.jpg", "x")],
    ] {
        let plan = plan_of(files);
        assert_eq!((plan.labels, classes(&plan)), (LabelSource::None, vec![]), "{files:?}");
    }
}

#[test]
fn nested_class_folders_count_together() {
    let plan = plan_of(&[("m/train/0/a.png", "x"), ("m/train/1/a.png", "x"), ("m/test/1/b.png", "x")]);
    assert_eq!(classes(&plan), [("1", 2), ("0", 1)]);
}

#[test]
fn text_files_in_folders_are_texts() {
    let plan = plan_of(&[("mail/spam/1.txt", "buy"), ("mail/ham/1.txt", "hello"), ("mail/readme.txt", "about")]);
    assert_eq!((plan.kind, plan.labels, plan.format.is_none()), (Kind::Text, LabelSource::Folder, true));
    assert_eq!(classes(&plan), [("ham", 1), ("spam", 1)]);
    assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
}

#[test]
fn a_lone_text_file_is_read_line_by_line() {
    let plan = plan_of(&[("notes.txt", "one, two\n\nthree\n")]);
    assert_eq!((plan.kind, plan.expected_items, plan.name.as_str()), (Kind::Text, 2, "notes"));
    assert_eq!(plan.format.map(|format| (format.delimiter, format.header)), Some((b'\n', false)));
    assert_eq!(plan.columns[0].samples, ["one, two", "three"]);
}

#[test]
fn a_table_tells_its_columns_and_classes() {
    let plan = plan_of(&[
        ("a.csv", "id;width;label\nx1;1,5;big\nx2;0,5;small\nx3;2,5;big\nx4;3,5;\nx5;9,5;big\n"),
        ("b.csv", "label;id;width\nsmall;x6;1,5\n"),
        ("plot.png", "x"),
    ]);
    assert_eq!((plan.kind, plan.labels), (Kind::Table, LabelSource::Column));
    assert_eq!(plan.format.as_ref().map(|format| format.delimiter), Some(b';'));
    assert_eq!(classes(&plan), [("big", 3), ("small", 2)]);
    assert_eq!((plan.expected_items, plan.content_columns()), (6, vec!["width".to_string()]));
    assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
}

#[test]
fn json_lines_may_differ_in_their_keys() {
    let plan = plan_of(&[(
        "a.jsonl",
        "{\"text\":\"so it goes\",\"label\":\"x\"}\n\n{\"label\":\"y\",\"text\":\"and so on\",\"more\":1}\n",
    )]);
    let names: Vec<(&str, Role)> = plan.columns.iter().map(|column| (column.name.as_str(), column.role)).collect();
    assert_eq!(names, [("text", Role::Content), ("label", Role::Label), ("more", Role::Extra)]);
    assert_eq!((plan.kind, plan.expected_items), (Kind::Text, 2));
}

#[test]
fn a_large_table_is_estimated_from_its_head() {
    let text = "a,label\n".to_string() + &"1.5,x\n".repeat(1000);
    let file = SourceFile { path: "a.csv".into(), size: text.len() as u64 * 100 };
    let plan = inspect(&[Head { file: &file, bytes: text.as_bytes() }], &[], None, ProblemList::default());
    assert!((98_000..=101_000).contains(&plan.expected_items), "{}", plan.expected_items);
}

#[test]
fn what_is_wrong_is_told_before_the_import() {
    for (files, hint) in [
        (&[][..], "nothing here"),
        (&[("a.pdf", "%PDF-1.7")], "PDF"),
        (&[("a.csv", "a,label\n")], "no rows"),
        (&[("a.csv", "")], "empty"),
        (&[("a.csv", "a,label\n1,cat\n2,cat\n")], "two classes"),
        (&[("a.jsonl", "[1]\n")], "JSON object"),
        (&[("a.csv", "PK\0\0binary")], "not text"),
    ] {
        let plan = plan_of(files);
        assert!(plan.problems.iter().any(|problem| problem.message.contains(hint)), "{files:?}: {:?}", plan.problems);
    }
}
