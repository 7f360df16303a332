use super::*;
use proptest::prelude::*;

fn split(text: &str, chunk: usize) -> (Layout, Vec<(u64, String)>) {
    let layout = layout(text);
    let mut splitter = ObjectSplitter::new(layout);
    let mut elements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.char_indices().nth(chunk).map_or(rest.len(), |(at, _)| at);
        elements.extend(splitter.push(&rest[..at]));
        rest = &rest[at..];
    }
    elements.extend(splitter.finish());
    (layout, elements)
}

#[test]
fn objects_are_found_however_they_are_laid_out() {
    for (text, expected) in [
        ("{\"a\":1}\n{\"a\":2}\n", Layout::Lines),
        ("{\"a\":1}\r\n{\"a\":2}", Layout::Lines),
        ("{\"a\": \"broken\n{\"a\":1}\n{\"a\":2}\n", Layout::Lines),
        ("[{\"a\":1},{\"a\":2}]", Layout::Array),
        ("\n[\n  {\n    \"a\": 1\n  },\n  {\"a\": 2}\n]\n", Layout::Array),
        ("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", Layout::Sequence),
        ("{\"data\": [{\"a\":1},{\"a\":2}], \"version\": \"1.0\"}", Layout::Wrapped),
        ("{\n \"version\": 1,\n \"rows\": [\n {\"a\":1},\n {\"a\":2}\n ]\n}", Layout::Wrapped),
    ] {
        for chunk in [1, 3, 1000] {
            let (found, elements) = split(text, chunk);
            assert_eq!(found, expected, "{text:?}");
            let read: Vec<String> = elements
                .iter()
                .filter_map(|(_, element)| fields_of_object(element).ok())
                .map(|fields| fields.cells[0].1.text.clone())
                .collect();
            assert_eq!(read, ["1", "2"], "{text:?} in pieces of {chunk}: {elements:?}");
        }
    }
}

#[test]
fn brackets_in_strings_are_no_brackets() {
    let text = r#"[{"a":"} ] , { \" ["}, {"a":"]"}]"#;
    let (_, elements) = split(text, 2);
    assert_eq!(elements.len(), 2, "{elements:?}");
    assert_eq!(
        fields_of_object(&elements[0].1).map(|fields| fields.cells[0].1.text.clone()),
        Ok("} ] , { \" [".into())
    );
}

#[test]
fn other_things_say_what_they_are() {
    for (text, expected) in
        [("[1, 2]", "not a JSON object"), ("{\"a\": ", "not valid JSON"), ("\"text\"", "not a JSON object")]
    {
        let error = fields_of_object(text).expect_err("no object");
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(split("[1, \"two\", [3]]", 2).1.len(), 3, "each is counted, and told");
    assert_eq!(split("[]", 1).1, []);
    assert_eq!(split("[{\"a\":1}", 1).1.len(), 1, "a bracket left open loses no object");
}

#[test]
fn numbers_keep_their_digits_and_no_number_is_none() {
    let text = r#"{"big": 12345678901234567890123, "code": "00037", "n": 0.50, "x": NaN, "y": -Infinity, "z": "NaN", "l": [1, NaN]}"#;
    let fields = fields_of_object(text).expect("an object");
    let cells: Vec<(&str, &str)> =
        fields.cells.iter().map(|(name, cell)| (name.as_str(), cell.text.as_str())).collect();
    let expected = [
        ("big", "12345678901234567890123"),
        ("code", "00037"),
        ("n", "0.50"),
        ("x", ""),
        ("y", ""),
        ("z", "NaN"),
        ("l", "[1,null]"),
    ];
    assert_eq!(cells, expected);
}

#[test]
fn ten_thousand_brackets_are_a_cell_or_a_sentence() {
    let deep = format!("{{\"text\": \"so\", \"deep\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    match fields_of_object(&deep) {
        Ok(fields) => assert_eq!(fields.cells[0].1.text, "so"),
        Err(error) => assert!(error.contains("JSON"), "{error}"),
    }
}

#[test]
fn a_bracket_left_open_does_not_fill_the_memory() {
    let mut splitter = ObjectSplitter::new(Layout::Array);
    splitter.push("[{\"a\": \"");
    for _ in 0..20 {
        splitter.push(&"x".repeat(1 << 20));
    }
    assert!(splitter.has_overflowed());
}

proptest! {
    #[test]
    fn any_text_is_split_alike_in_any_pieces(text in "[\\[\\]{}\",:a1 \n\\\\]{0,60}", chunk in 1_usize..9) {
        let whole = split(&text, 1000);
        prop_assert_eq!(split(&text, chunk), whole);
    }
}
