use super::*;

fn format(text: &str, extension: &str) -> TableFormat {
    sniff(text.as_bytes(), true, extension, None).format
}

#[test]
fn delimiters_are_guessed() {
    for (head, extension, expected) in [
        ("a,b\n1,2\n", "csv", b','),
        ("a;b;c\n1,5;2,5;x\n2,5;3,5;y\n", "csv", b';'),
        ("text\tlabel\nWell, yes, no\tgood\nHm, no\tbad\n", "txt", b'\t'),
        ("a|b\n1|2\n", "csv", b'|'),
        ("text,label\n\"a; b; c\",x\n\"d; e; f\",y\n", "csv", b','),
        ("text\nfine\nvery good\n", "csv", b','),
        ("text\nfine, really\nwell, yes, no\n", "csv", b'\n'),
        ("", "tsv", b'\t'),
        ("sep=;\ntext;label\na, b, c;x\n", "csv", b';'),
        ("sep=\t\r\ntext\tlabel\r\na\tx\r\n", "csv", b'\t'),
    ] {
        assert_eq!(format(head, extension).delimiter as char, expected as char, "{head:?}");
    }
}

#[test]
fn lines_above_the_table_are_none_of_its_rows() {
    for (text, preamble, names) in [
        ("sep=,\r\ntext,label\r\na,x\r\nb,y\r\n", 1, ["text", "label"]),
        ("# made by a program\n# on a Monday\ntext,label\na,x\nb,y\n", 2, ["text", "label"]),
        ("# made by a program\n#text,label\na,x\nb,y\n", 1, ["text", "label"]),
        ("#text,label\na,x\nb,y\n", 0, ["text", "label"]),
        ("\u{feff}sep=,\ntext,label\na,x\nb,y\n", 1, ["text", "label"]),
    ] {
        let found = sniff(text.as_bytes(), true, "csv", None);
        assert_eq!(
            (found.format.preamble, found.names.as_slice()),
            (preamble, &names.map(String::from)[..]),
            "{text:?}"
        );
        assert_eq!(found.rows, [["a", "x"], ["b", "y"]], "{text:?}");
    }
}

#[test]
fn quotation_marks_are_what_explains_the_file() {
    let rows = |row: &dyn Fn(usize) -> String| -> String { (0..40).map(|n| row(n) + "\n").collect() };
    let quoted = rows(&|n| format!("\"well, number {n}\",x"));
    let escaped = rows(&|n| format!("\"\\\"well, number {n}\\\"\",x"));
    let inches = rows(&|n| if n % 9 == 7 { format!("\"{n} inches\tx") } else { format!("number {n}\tx") });
    let doubled = rows(&|n| format!("\"say \"\"{n}\"\"\",C:\\dir\\"));
    for (text, extension, expected) in [
        (format!("text,label\n{quoted}"), "csv", (true, false)),
        (format!("text,label\n{escaped}"), "csv", (true, true)),
        (format!("text\tlabel\n{inches}"), "tsv", (false, false)),
        (format!("text,label\n{doubled}"), "csv", (true, false)),
    ] {
        let found = format(&text, extension);
        assert_eq!((found.quoted, found.backslash), expected, "{text}");
    }
}

#[test]
fn headers_are_guessed() {
    let sentences = |first: &str| -> String {
        let row = |n: usize| format!("the text of number {n},{}\n", ["good", "bad"][n % 2]);
        first.to_owned() + &(0..20).map(row).collect::<String>()
    };
    for (text, expected) in [
        ("length,species\n5.1,setosa\n".to_owned(), true),
        ("5.1,setosa\n4.9,setosa\n".into(), false),
        ("good,yes\nbad,no\n".into(), true),
        ("country,1990,1991\nFrance,1.5,2.5\n".into(), true),
        ("id,7\nx,8\n".into(), false),
        (String::new(), true),
        (sentences("text,label\n"), true),
        (sentences("what they said,verdict\n"), true),
        (sentences("the very first of the texts,good\n"), false),
        (sentences("the very first of the texts,great\n"), false),
        (sentences("message,question\n"), true),
    ] {
        assert_eq!(format(&text, "csv").header, expected, "{text:?}");
    }
}

#[test]
fn columns_are_counted_as_the_rows_have_them() {
    for (text, expected) in [
        ("text,label\na,x,\nb,y,\n", vec!["text", "label"]),
        ("text,label,\na,x,\nb,y,\n", vec!["text", "label"]),
        ("text,label,\na,x,1\nb,y,2\n", vec!["text", "label", "column 3"]),
        // As R writes row names.
        ("\"text\",\"label\"\n\"1\",\"a\",\"x\"\n\"2\",\"b\",\"y\"\n", vec!["row", "text", "label"]),
    ] {
        assert_eq!(sniff(text.as_bytes(), true, "csv", Some(true)).names, expected, "{text:?}");
    }
}

#[test]
fn tables_in_text_files_are_told_from_prose() {
    for (text, expected) in [
        ("ham\tsee you\nspam\tbuy; buy\nham\tok\n", true),
        ("ham;see you\nspam;buy\nham;ok\n", true),
        ("a line\nanother; longer one\na third\n", false),
        ("a, b\nc, d\ne, f\n", false),
        ("ham\tone line\n", false),
    ] {
        assert_eq!(is_table_text(text.as_bytes(), true), expected, "{text:?}");
    }
}

#[test]
fn names_are_made_unique() {
    let header = ["a", " a ", "", "a (2)", "column 3"].map(String::from);
    assert_eq!(unique_names(&header, 5), ["a", "a (2)", "column 3", "a (2) (2)", "column 3 (2)"]);
}

#[test]
fn numbers_are_numbers() {
    for cell in ["1", "-1.5", "1,5", "3e-4", " 12 ", "45%", "0", "0.5", "-0"] {
        assert!(is_number(cell), "{cell}");
    }
    for cell in ["", "e", "a1", "1.2.3", "2024-01-02", "inf", "NaN", "-", "00037", "007"] {
        assert!(!is_number(cell), "{cell}");
    }
}
