//! What is read, computed and written in pieces: the same numbers in the same order, and little memory.

use super::*;
use std::process::{Child, Stdio};
use std::time::Duration;

fn texts(rows: usize) -> String {
    let mut csv = "id,review,sentiment\n".to_string();
    for row in 0..rows {
        let (words, sentiment) =
            if row % 2 == 0 { ("wonderful and lovely", "good") } else { ("terrible and awful", "bad") };
        csv +=
            &format!("r{row},\"a {words} dinner, the number {row} of so many at this place by the sea\",{sentiment}\n");
    }
    csv
}

fn model(folder: &Folder) -> String {
    let data = folder.file("train.csv", texts(60));
    let model = folder.path("model.zip");
    works(folder, &["train", &data, "--label-column", "sentiment", "-o", &model]);
    model
}

#[test]
fn many_pieces_are_one_answer_in_the_order_of_the_data() {
    let folder = Folder::new("pieces");
    let model = model(&folder);
    let data = folder.file("many.csv", texts(9_001));
    let csv = works(&folder, &["score", &model, &data]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[0], lines.len()), ("item,prediction,probability,bad,good", 9_002), "one heading");
    for (row, line) in lines[1..].iter().enumerate() {
        let class = if row % 2 == 0 { "good" } else { "bad" };
        assert!(line.starts_with(&format!("many.csv:{},{class},", row + 2)), "row {row}: {line}");
    }
    let found = json(&folder, &["score", &model, &data, "--json"]);
    assert_eq!((&found["items"], &found["predicted"]["good"]), (&9_001.into(), &4_501.into()));
    let scores = found["scores"].as_array().expect("scores");
    assert_eq!((scores.len(), &scores[9_000]["item"]), (9_001, &"many.csv:9002".into()));
    let output = folder.path("scores.csv");
    works(&folder, &["score", &model, &data, "-o", &output]);
    assert_eq!(fs::read_to_string(&output).expect("the scores"), csv);
    let evaluated = json(&folder, &["evaluate", &model, &data, "--json"]);
    assert_eq!((&evaluated["items"], &evaluated["accuracy"]["estimate"]), (&9_001.into(), &1.0.into()));
    let found = json(&folder, &["inspect", &data, "--json"]);
    assert_eq!((&found["rows"], &found["classes"]["good"]), (&9_001.into(), &4_501.into()));
}

#[test]
fn data_is_never_written_over() {
    let folder = Folder::new("overwrite");
    let model = model(&folder);
    let data = folder.file("few.csv", texts(20));
    fails(&folder, &["score", &model, &data, "-o", &data], 1, &["part of the data", "Nothing was changed"]);
    let parts = folder.file("parts/a.csv", texts(20));
    fails(&folder, &["score", &model, &folder.path("parts"), "-o", &parts], 1, &["part of the data"]);
    assert_eq!(fs::read_to_string(&data).expect("the data"), texts(20));
    let kept = folder.file("scores.csv", "of last week\n");
    fails(&folder, &["score", &model, "no-such-file", "-o", &kept], 1, &["no-such-file"]);
    assert_eq!(fs::read_to_string(&kept).expect("the scores"), "of last week\n", "a failure leaves what was there");
}

#[test]
fn a_large_batch_is_compared_through_a_sample_that_is_told() {
    let folder = Folder::new("sampled");
    let data = folder.file("flowers.csv", flowers());
    let model = folder.path("model.zip");
    works(&folder, &["train", &data, "--label-column", "species", "-o", &model]);
    let mut csv = String::from("length,colour,species\n");
    for row in 0..21_000 {
        let (length, species) = if row % 2 == 0 { (1.0, "rose") } else { (3.0, "iris") };
        csv += &format!(
            "{},{},{species}\n",
            length + 0.001 * f64::from(row % 600),
            if row % 2 == 0 { "red" } else { "blue" }
        );
    }
    let batch = folder.file("batch.csv", csv);
    let outcome = hone(&folder, &["drift", &model, &data, &batch, "--json"]);
    let found: Value = serde_json::from_str(&outcome.out).expect("JSON");
    assert_eq!((&found["items"], &found["compared"]), (&21_000.into(), &20_000.into()), "{}", outcome.err);
    assert!(outcome.err.contains("20,000 drawn at random from 21,000 items"), "{}", outcome.err);
    assert_eq!(found["audited_accuracy"]["estimate"], 1.0, "all labels count");
}

/// The most memory that the program held, in megabytes, as long as it could be asked.
#[cfg(target_os = "linux")]
fn peak_megabytes(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = kilobytes.map_or(peak, |kilobytes| peak.max(kilobytes / 1024));
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}

/// Five kilobytes a row, as features take, would be 200 MB and more.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_rows() {
    let folder = Folder::new("memory");
    let model = model(&folder);
    let data = folder.file("many.csv", texts(40_000));
    let output = folder.path("scores.csv");
    for arguments in [&["score", &model, &data, "-o", &output][..], &["inspect", &data], &["evaluate", &model, &data]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hone"))
            .args(arguments)
            .env("HONE_MODELS", folder.path("no-weights"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let peak = peak_megabytes(&mut child);
        assert!(child.wait().expect("a child").success(), "{arguments:?}");
        assert!((1..130).contains(&peak), "{arguments:?} took {peak} MB");
    }
}
