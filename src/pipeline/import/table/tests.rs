use super::super::inspect::{Head, inspect};
use super::*;
use proptest::prelude::*;

fn file(path: &str, bytes: &[u8]) -> SourceFile {
    SourceFile { path: path.into(), size: bytes.len() as u64 }
}

fn guess(path: &str, bytes: &[u8]) -> ImportPlan {
    inspect(&[Head { file: &file(path, bytes), bytes }], &[], None, ProblemList::default())
}

fn read(plan: &ImportPlan, path: &str, bytes: &[u8], chunk: usize) -> (Vec<Imported>, Vec<Problem>) {
    let mut problems = ProblemList::default();
    let mut reader = TableReader::new(plan, &file(path, bytes), 3);
    let mut items = Vec::new();
    for chunk in bytes.chunks(chunk) {
        items.extend(reader.feed(chunk, &mut problems));
    }
    items.extend(reader.finish(&mut problems));
    (items, problems.into_vec())
}

fn read_guessed(path: &str, bytes: &[u8]) -> (Vec<Imported>, Vec<Problem>) {
    read(&guess(path, bytes), path, bytes, 7)
}

fn summary(items: &[Imported]) -> Vec<String> {
    items
        .iter()
        .map(|imported| {
            let content = match &imported.item.content {
                Content::Text(text) => text.clone(),
                Content::Row(cells) => cells.join("|"),
                Content::Image => unreachable!("tables hold no images"),
            };
            format!("{} {content} {}", imported.item.name, imported.label().unwrap_or("-"))
        })
        .collect()
}

const MEASURES: &[u8] = b"width,height,label\n1,2,big\n3,4,\n5,6\n,,\n7,8,small,x\n9,10,small\n";

#[test]
fn bad_rows_are_left_out_and_named() {
    let (items, problems) = read_guessed("m.csv", MEASURES);
    assert_eq!(summary(&items), ["m.csv:2 1|2 big", "m.csv:3 3|4 -", "m.csv:4 5|6 -", "m.csv:7 9|10 small"]);
    let told: Vec<(Option<u64>, u64)> = problems.iter().map(|problem| (problem.row, problem.lost)).collect();
    assert_eq!(told, [(Some(5), 1), (Some(6), 1), (Some(4), 0)]);
    assert!(problems[2].message.contains("shorter than the header"), "{problems:?}");
    assert!(items.iter().all(|imported| imported.item.batch == 3));
    assert_eq!(Some(items[0].item.hash), items[0].item.content.hash());
}

#[test]
fn the_plan_is_obeyed_not_the_guess() {
    let mut plan = guess("m.csv", MEASURES);
    plan.labels = LabelSource::None;
    plan.columns[0].role = Role::Extra;
    let (items, _) = read(&plan, "m.csv", MEASURES, 100);
    assert_eq!(summary(&items)[0], "m.csv:2 2 -");
    // The label is withheld: it does not come along as extra either.
    assert_eq!(items[0].item.extra, [("width".to_string(), "1".to_string())]);
    plan.kind = Kind::Text;
    assert_eq!(read(&plan, "m.csv", MEASURES, 100).0[0].item.content, Content::Text("2".into()));
}

#[test]
fn files_of_one_import_may_order_their_columns_differently() {
    let plan = guess("m.csv", MEASURES);
    let (items, problems) = read(&plan, "n.csv", b"new,height,label,width\nz,2,big,1\n", 5);
    assert_eq!((summary(&items), problems.len()), (vec!["n.csv:2 1|2 big".to_string()], 0));
    assert_eq!(items[0].item.extra, [("new".to_string(), "z".to_string())]);
    let (items, problems) = read(&plan, "n.csv", b"height,label\n2,big\n", 5);
    assert_eq!((items.len(), problems.len()), (0, 1));
    assert!(problems[0].message.contains("no column “width”"), "{}", problems[0].message);
    let (items, problems) = read(&plan, "n.csv", b"height,width\n2,1\n", 5);
    assert_eq!((items.len(), problems.len()), (1, 1));
}

#[test]
fn json_lines_texts_and_headerless_tables_are_read() {
    for (path, bytes, expected, problem_rows) in [
        (
            "a.jsonl",
            &b"{\"text\":\"so it goes\",\"label\":\"x\"}\n\n[1]\n{\"label\":\"y\"}\n{\"text\":\"on\",\"label\":2}"[..],
            vec!["a.jsonl:1 so it goes x", "a.jsonl:5 on 2"],
            vec![Some(3), Some(4)],
        ),
        ("a.txt", b"one, \"two\r\n\n three\n", vec!["a.txt:1 one, \"two -", "a.txt:3  three -"], vec![]),
        (
            "a.csv",
            b"1.5,2,a\n2.5,1,b\n3.5,0,a\n1.5,4,b\n",
            vec!["a.csv:1 1.5|2 a", "a.csv:2 2.5|1 b", "a.csv:3 3.5|0 a", "a.csv:4 1.5|4 b"],
            vec![],
        ),
    ] {
        let (items, problems) = read_guessed(path, bytes);
        assert_eq!(summary(&items), expected, "{path}");
        assert_eq!(problems.iter().map(|problem| problem.row).collect::<Vec<_>>(), problem_rows, "{path} {problems:?}");
    }
}

#[test]
fn encodings_are_read_and_a_wrong_one_is_told_once() {
    let text = "text,label\nEin schöner Tag im Café an der Straße,gut\nÜber die Brücke war es zu weit gewesen,übel\n";
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let with_mark = format!("\u{feff}{text}").into_bytes();
    for bytes in [text.as_bytes().to_vec(), utf_16, latin.clone(), with_mark] {
        let (items, problems) = read_guessed("a.csv", &bytes);
        assert_eq!(items.last().and_then(|imported| imported.label()), Some("übel"));
        assert_eq!(problems, []);
    }
    // Each file has its own encoding, whatever the plan's first had.
    let plan = guess("a.csv", text.as_bytes());
    assert_eq!(read(&plan, "a.csv", &latin, 9).1, []);
    let long = [text.repeat(12_000).as_bytes(), b"\xff,x\n"].concat();
    let (items, problems) = read(&plan, "a.csv", &long, 1 << 20);
    assert_eq!((items.len(), problems.len()), (2 + 3 * 11_999 + 1, 1));
    assert!(problems[0].message.contains("UTF-8") && problems[0].lost == 0, "{problems:?}");
}

#[test]
fn a_file_without_rows_is_told() {
    let plan = guess("m.csv", MEASURES);
    for bytes in [&b""[..], b"width,height,label\n", b"width,height,label\n,,\n"] {
        let (items, problems) = read(&plan, "e.csv", bytes, 8);
        assert_eq!(items.len(), 0);
        assert!(problems.last().is_some_and(|problem| problem.message.contains("gave no items")), "{problems:?}");
    }
}

#[test]
fn a_row_of_missing_values_is_kept_if_it_has_a_label() {
    let (items, problems) = read_guessed("m.csv", b"a,b,label\n1,2,x\n,,y\n3,4,x\n5,6,y\n");
    assert_eq!((summary(&items)[1].as_str(), problems.len()), ("m.csv:3 | y", 0));
}

#[test]
fn a_plan_without_content_reads_nothing_and_says_so() {
    for (path, bytes) in [("m.csv", MEASURES), ("a.tsv", b"\0\n\t\0")] {
        let mut plan = guess(path, bytes);
        plan.columns.iter_mut().for_each(|column| column.role = Role::Extra);
        let (items, problems) = read(&plan, path, bytes, 3);
        assert_eq!((items.len(), problems.len()), (0, 1), "{problems:?}");
    }
}

#[test]
fn a_quote_left_open_is_pointed_at_and_loses_nothing() {
    let (items, problems) = read_guessed("q.csv", b"text,label\ngood stuff in here,a\n\"open,b\nmore of it here,a\n");
    assert_eq!((items.len(), problems.len()), (3, 1));
    assert!(problems[0].message.contains("quotation mark"), "{problems:?}");
    assert_eq!(problems[0].lost, 0);
}

#[test]
fn every_row_is_an_item_or_lost() {
    let plan = guess("m.csv", MEASURES);
    for (path, bytes, rows) in
        [("m.csv", MEASURES, 6), ("n.csv", b"height,label\n2,big\n3,big\n", 2), ("n.csv", b"\0\x01binary", 1)]
    {
        let (items, problems) = read(&plan, path, bytes, 4);
        assert_eq!(items.len() as u64 + problems.iter().map(|problem| problem.lost).sum::<u64>(), rows, "{problems:?}");
    }
}

#[test]
fn several_texts_are_read_one_under_the_other() {
    let bytes = b"title,body,label\nA fine day,It was so good all day long,x\nA bad day,,y\n";
    let mut plan = guess("t.csv", bytes);
    plan.columns[0].role = Role::Content;
    plan.columns[1].role = Role::Content;
    let (items, _) = read(&plan, "t.csv", bytes, 100);
    assert_eq!(items[0].item.content, Content::Text("A fine day\nIt was so good all day long".into()));
    assert_eq!(items[1].item.content, Content::Text("A bad day".into()));
}

#[test]
fn a_split_column_holds_out_its_test_rows() {
    let row = |n: usize| format!("the text of number {n},{},{}\n", ["train", "test", "val"][n % 3], ["a", "b"][n % 2]);
    let text = "text,split,label\n".to_owned() + &(0..12).map(row).collect::<String>() + "one without a label,test,\n";
    let (items, problems) = read_guessed("t.csv", text.as_bytes());
    assert_eq!((items.len(), problems.len()), (13, 0));
    assert_eq!(items.iter().filter(|imported| imported.held_out).count(), 8, "test and validation, where labelled");
    assert_eq!(items[0].item.extra, [("split".to_string(), "train".to_string())]);
}

#[test]
fn a_share_is_held_out_by_hash() {
    let row = |n: usize| format!("the text of number {n},{}\n", ["a", "b"][n % 2]);
    let text = "text,label\n".to_owned() + &(0..2000).map(row).collect::<String>();
    let mut plan = guess("t.csv", text.as_bytes());
    plan.test_set = TestSet::Random(0.1);
    let (items, _) = read(&plan, "t.csv", text.as_bytes(), 1000);
    let held = items.iter().filter(|imported| imported.held_out).count();
    assert!((150..250).contains(&held), "{held} of 2,000");
    assert_eq!(
        read(&plan, "other.csv", text.as_bytes(), 7).0.iter().filter(|imported| imported.held_out).count(),
        held
    );
}

#[test]
fn labels_of_other_tools_are_read() {
    let text = r#"{"text": "so it goes", "label": ["x "]}
{"text": "and on and on", "label": []}
{"text": "and more of it", "label": ["x", "y"]}
{"text": "and the end of it", "label": ["y"]}
"#;
    let (items, problems) = read_guessed("d.jsonl", text.as_bytes());
    let labels: Vec<Option<&str>> = items.iter().map(Imported::label).collect();
    assert_eq!(labels, [Some("x"), None, None, Some("y")]);
    assert_eq!((problems.len(), problems[0].row, problems[0].lost), (1, Some(3), 0));
}

proptest! {
    #[test]
    fn chunks_may_be_of_any_size(chunk in 1_usize..40) {
        let whole = read(&guess("m.csv", MEASURES), "m.csv", MEASURES, 1000);
        prop_assert_eq!(read(&guess("m.csv", MEASURES), "m.csv", MEASURES, chunk), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), path in "[a-z]\\.(csv|tsv|jsonl|txt|json)") {
        let (items, _) = read_guessed(&path, &bytes);
        prop_assert!(items.len() <= bytes.len());
    }
}
