//! The command line as scripts see it: the built program, real files, exit codes, one line an error.

use hone::pipeline::item::{Content, ContentHash, Item, Kind};
use hone::pipeline::label::{Action, Class, LabelEvent, Source};
use hone::pipeline::log::{Metric, Run, RunKind, RunStatus};
use hone::protocol::Options;
use hone::storage::archive::{Snapshot, write_archive};
use hone::storage::records::{BatchRecord, ItemRecord, ProjectRecord};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/left_out.rs"]
mod left_out;
#[path = "cli/spreadsheets.rs"]
mod spreadsheets;
#[path = "cli/streaming.rs"]
mod streaming;

/// A folder that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hone-cli-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a temporary folder");
        fs::write(&path, content).expect("a temporary file");
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path in UTF-8").to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The system clears what is left in its temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Outcome {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program away from the repository, so that it finds no weights unless a test says where they are.
fn hone(folder: &Folder, arguments: &[&str]) -> Outcome {
    let no_weights = folder.path("no-weights");
    fs::create_dir_all(&no_weights).expect("a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_hone"))
        .args(arguments)
        .current_dir(&folder.0)
        .env("HONE_MODELS", no_weights)
        .env("XDG_CACHE_HOME", folder.0.join("cache"))
        .output()
        .expect("the program starts");
    Outcome {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn works(folder: &Folder, arguments: &[&str]) -> String {
    let outcome = hone(folder, arguments);
    assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.err);
    outcome.out
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&works(folder, arguments)).expect("JSON on standard output")
}

/// The command fails with this code and one line, which holds all of `words`.
fn fails(folder: &Folder, arguments: &[&str], code: i32, words: &[&str]) {
    let outcome = hone(folder, arguments);
    assert_eq!(outcome.code, code, "{arguments:?}: {}{}", outcome.out, outcome.err);
    let last = outcome.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("hone: "), "{arguments:?}: {}", outcome.err);
    for word in words {
        assert!(last.contains(word), "{arguments:?}: no “{word}” in: {last}");
    }
    assert_eq!(outcome.err.lines().count(), 1, "{arguments:?}: {}", outcome.err);
    assert_eq!(outcome.out, "", "{arguments:?}");
}

/// Two classes that differ clearly in length and mostly in colour, with an id and a missing cell.
fn flowers() -> String {
    let mut csv = "id,length,colour,species\n".to_string();
    for i in 0..60 {
        let (length, species) = if i % 2 == 0 { (1.0, "rose") } else { (3.0, "iris") };
        let colour = if i % 2 == 0 || i % 10 == 1 { "red" } else { "blue" };
        let length = if i == 7 { String::new() } else { (length + 0.01 * f64::from(i)).to_string() };
        csv += &format!("f-{i},{length},{colour},{species}\n");
    }
    csv
}

fn reviews() -> String {
    let mut csv = "id,review,sentiment\n".to_string();
    for i in 0..40 {
        let (words, sentiment) = if i % 2 == 0 {
            ("wonderful and lovely, we enjoyed", "good")
        } else {
            ("terrible, awful, we hated", "bad")
        };
        csv += &format!("r{i},\"{words} the dinner number {i} at this place\",{sentiment}\n");
    }
    csv
}

/// A small picture, red or blue.
fn picture(red: bool, number: u8) -> Vec<u8> {
    let pixel = if red { image::Rgb([220, number, 30]) } else { image::Rgb([30, number, 220]) };
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 30, pixel).write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

fn pictures(folder: &Folder) -> String {
    for number in 0..12 {
        folder.file(&format!("pictures/red/{number}.png"), picture(true, number));
        folder.file(&format!("pictures/blue/{number}.png"), picture(false, number));
    }
    folder.path("pictures")
}

#[test]
fn a_table_is_trained_scored_and_evaluated() {
    let folder = Folder::new("table");
    let data = folder.file("flowers.csv", flowers());
    let model = folder.path("flowers.model.zip");
    let trained = json(&folder, &["train", &data, "--label-column", "species", "-o", &model, "--json"]);
    assert_eq!(trained["items"], 60);
    assert_eq!(trained["classes"]["iris"], 30);
    assert_eq!(trained["columns"], serde_json::json!(["length", "colour"]), "ids are not learnt from");

    let evaluated = json(&folder, &["evaluate", &model, &data, "--label-column", "species", "--json"]);
    let accuracy = &evaluated["accuracy"];
    assert_eq!(accuracy["estimate"], 1.0);
    assert!(accuracy["low"].as_f64() > Some(0.9) && accuracy["high"] == 1.0, "{accuracy}");
    assert_eq!(evaluated["classes"], serde_json::json!(["iris", "rose"]));
    assert_eq!(evaluated["confusion_matrix"], serde_json::json!([[30, 0], [0, 30]]));
    for number in ["balanced_accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "expected_calibration_error"] {
        assert!(evaluated[number].is_number(), "{number}");
    }
    assert!(works(&folder, &["evaluate", &model, &data]).contains("100.0 %"), "the label column is known to the model");

    let scores = folder.path("scores.csv");
    works(&folder, &["score", &model, &data, "-o", &scores]);
    let scores = fs::read_to_string(scores).expect("the scores");
    let mut lines = scores.lines();
    assert_eq!(lines.next(), Some("item,prediction,probability,iris,rose"));
    assert!(lines.next().expect("a score").starts_with("flowers.csv:2,rose,0.9"), "{scores}");
    assert_eq!(scores.lines().count(), 61);
    assert_eq!(works(&folder, &["score", &model, &data]), scores, "to standard output without -o");
    let scored = json(&folder, &["score", &model, &data, "--json"]);
    assert_eq!(scored["scores"][1]["prediction"], "iris");
    assert_eq!(scored["predicted"]["rose"], 30);
}

#[test]
fn a_single_column_is_enough() {
    let folder = Folder::new("narrow");
    let rows: String = (0..20).map(|i| format!("{},{}\n", i, if i < 10 { "low" } else { "high" })).collect();
    let data = folder.file("levels.csv", format!("level,size\n{rows}"));
    let model = folder.path("model.zip");
    works(&folder, &["train", &data, "--label-column", "size", "-o", &model]);
    let evaluated = json(&folder, &["evaluate", &model, &data, "--json"]);
    assert!(evaluated["accuracy"]["estimate"].as_f64() >= Some(0.9), "{evaluated}");
}

#[test]
fn columns_in_another_order_and_missing_ones() {
    let folder = Folder::new("columns");
    let data = folder.file("flowers.csv", flowers());
    let model = folder.path("model.zip");
    works(&folder, &["train", &data, "--label-column", "species", "-o", &model]);
    let other = folder.file(
        "other.jsonl",
        "{\"colour\": \"blue\", \"more\": 1, \"length\": 3.2}\n{\"colour\": \"red\", \"length\": 1.1}\n",
    );
    let scores = works(&folder, &["score", &model, &other]);
    assert!(scores.contains("other.jsonl:1,iris") && scores.contains("other.jsonl:2,rose"), "{scores}");
    let lacking = folder.file("lacking.csv", "colour,weight\nred,1\nblue,2\n");
    fails(&folder, &["score", &model, &lacking], 1, &["“length”", "colour and weight"]);
    let pictures = pictures(&folder);
    fails(&folder, &["score", &model, &pictures], 1, &["kind table", "image"]);
}

#[test]
fn texts_from_a_column_and_from_folders() {
    let folder = Folder::new("texts");
    let data = folder.file("reviews.csv", reviews());
    let model = folder.path("model.zip");
    let train = ["train", &data, "--label-column", "sentiment", "-o", &model];
    let outcome = hone(&folder, &train);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(outcome.err.contains("text embeddings are not installed"), "the fallback is told: {}", outcome.err);
    let evaluated = json(&folder, &["evaluate", &model, &data, "--label-column", "sentiment", "--json"]);
    assert_eq!(evaluated["accuracy"]["estimate"], 1.0);

    for number in 0..6 {
        folder.file(&format!("mail/good/{number}.txt"), format!("a wonderful day, number {number}"));
        folder.file(&format!("mail/bad/{number}.txt"), format!("a terrible day, number {number}"));
    }
    let mail = folder.path("mail");
    let evaluated = json(&folder, &["evaluate", &model, &mail, "--json"]);
    assert_eq!((&evaluated["items"], &evaluated["accuracy"]["estimate"]), (&Value::from(12), &Value::from(1.0)));
}

#[test]
fn image_folders_need_no_label_column_and_bad_files_are_left_out() {
    let folder = Folder::new("images");
    let data = pictures(&folder);
    folder.file("pictures/red/broken.png", b"\x89PNG\r\n\x1a\n broken");
    folder.file("pictures/credits.csv", "file,author\na,b\n");
    let model = folder.path("model.zip");
    let outcome = hone(&folder, &["train", &data, "-o", &model, "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(outcome.err.contains("histograms") && outcome.err.contains("2 problems"), "{}", outcome.err);
    let trained: Value = serde_json::from_str(&outcome.out).expect("JSON");
    assert_eq!((&trained["items"], &trained["problem_count"]), (&Value::from(24), &Value::from(2)));
    assert_eq!(trained["features"], "histograms-1");
    let evaluated = json(&folder, &["evaluate", &model, &data, "--json"]);
    assert_eq!(evaluated["accuracy"]["estimate"], 1.0);
    assert!(folder.0.join("cache/hone/vectors/histograms-1").is_dir(), "vectors are kept for the next run");
}

#[test]
fn simulate_compares_strategies() {
    let folder = Folder::new("simulate");
    let data = folder.file("flowers.csv", flowers());
    let run = ["simulate", &data, "--label-column", "species", "--strategy", "herding,random", "--budget", "12"];
    let simulated = json(&folder, &[&run[..], &["--batch", "5", "--seeds", "3", "--json"]].concat());
    let strategies = simulated["strategies"].as_object().expect("an object");
    assert_eq!(strategies.keys().collect::<Vec<_>>(), ["herding", "random"]);
    for curve in strategies.values() {
        assert_eq!(curve["labels"], serde_json::json!([5, 10, 12]));
        let shares: Vec<f64> = serde_json::from_value(curve["accuracy"].clone()).expect("shares");
        assert!(shares.len() == 3 && shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    }
    assert_eq!(strategies["herding"]["accuracy"][2], 1.0);
    let again = json(&folder, &[&run[..], &["--batch", "5", "--seeds", "3", "--json"]].concat());
    assert_eq!(simulated, again, "the same seeds give the same curves");
    let table = works(&folder, &[&run[..], &["--seeds", "1", "--markdown"]].concat());
    assert!(table.starts_with("| labels | herding | random |\n| --- | --- | --- |\n| 10 | "), "{table}");
    let apart = json(&folder, &[&run[..], &["--seeds", "1", "--test", &data, "--json"]].concat());
    assert_eq!(apart["test_items"], 60);
}

#[test]
fn a_project_file_is_data() {
    let folder = Folder::new("project");
    let mut items = Vec::new();
    let mut events = Vec::new();
    for index in 0..20_u32 {
        let cells = vec![if index % 2 == 0 { "1".into() } else { "9".into() }, index.to_string()];
        let content = Content::Row(cells);
        let hash = content.hash().unwrap_or(ContentHash([0; 32]));
        let item = Item { hash, name: format!("row {index}"), content, batch: 0, extra: Vec::new() };
        items.push(ItemRecord { index, item });
        events.push(LabelEvent {
            id: format!("{index:026}"),
            item: hash,
            annotator: "me".into(),
            action: Action::Label(if index % 2 == 0 { "low" } else { "high" }.into()),
            source: if index < 6 { Source::Audit } else { Source::Human },
            shown: None,
            drawn_with: None,
            certificate: None,
            took_ms: None,
            time_ms: 0.0,
            clock: 0,
        });
    }
    let class = |key: &str| Class { key: key.into(), name: key.to_uppercase() };
    let project = ProjectRecord {
        id: "1".into(),
        name: "levels".into(),
        kind: Kind::Table,
        target: Default::default(),
        columns: vec!["level".into(), "number".into()],
        classes: vec![class("low"), class("high")],
        options: Options::default(),
        created_ms: 0.0,
        changed_ms: 0.0,
        items: 20,
        labelled: 20,
        encoder: None,
        deployment: Default::default(),
        review: Default::default(),
        monitor: Default::default(),
        backed_up: None,
    };
    let snapshot = Snapshot {
        project,
        items,
        events,
        batches: vec![BatchRecord::begun(0, "levels", 0.0)],
        model: None,
        vectors: Vec::new(),
        runs: Vec::new(),
        artifacts: Vec::new(),
        certificates: Vec::new(),
    };
    let mut bytes = Vec::new();
    write_archive(&snapshot, |_| None, &mut bytes).expect("a project file");
    let data = folder.file("levels.hone", &bytes);
    let model = folder.path("model.zip");
    let trained = json(&folder, &["train", &data, "-o", &model, "--json"]);
    assert_eq!(trained["items"], 14, "audits never train");
    assert_eq!(trained["classes"], serde_json::json!({"HIGH": 7, "LOW": 7}));
    let evaluated = json(&folder, &["evaluate", &model, &data, "--json"]);
    assert_eq!((&evaluated["items"], &evaluated["accuracy"]["estimate"]), (&Value::from(6), &Value::from(1.0)));
    let cut = folder.file("cut.hone", &bytes[..bytes.len() / 2]);
    fails(&folder, &["train", &cut, "-o", &model], 1, &["damaged"]);
}

/// A project file with these runs and nothing else.
fn project_with_runs(runs: Vec<Run>) -> Vec<u8> {
    let project = ProjectRecord {
        id: "1".into(),
        name: "log".into(),
        kind: Kind::Text,
        target: Default::default(),
        columns: Vec::new(),
        classes: Vec::new(),
        options: Options::default(),
        created_ms: 0.0,
        changed_ms: 0.0,
        items: 0,
        labelled: 0,
        encoder: None,
        deployment: Default::default(),
        review: Default::default(),
        monitor: Default::default(),
        backed_up: None,
    };
    let snapshot = Snapshot {
        project,
        items: Vec::new(),
        events: Vec::new(),
        batches: Vec::new(),
        model: None,
        vectors: Vec::new(),
        runs,
        artifacts: Vec::new(),
        certificates: Vec::new(),
    };
    let mut bytes = Vec::new();
    write_archive(&snapshot, |_| None, &mut bytes).expect("a project file");
    bytes
}

#[test]
fn the_experiment_log_is_listed_and_searched() {
    let folder = Folder::new("runs");
    let run = |number: u32, head: &str, accuracy: f64| Run {
        id: format!("01J{number:023}"),
        number,
        name: format!("{head} on words"),
        kind: RunKind::Trial,
        parent: None,
        status: RunStatus::Finished,
        error: None,
        fingerprint: None,
        params: BTreeMap::from([("head".into(), head.into())]),
        metrics: vec![
            Metric { key: "accuracy".into(), value: 0.5, step: 0, time_ms: 0.0 },
            Metric { key: "accuracy".into(), value: accuracy, step: 1, time_ms: 1.0 },
        ],
        tags: BTreeMap::new(),
        artifacts: Vec::new(),
        start_ms: 1_700_000_000_000.0,
        end_ms: None,
        note: String::new(),
    };
    let data = folder.file("log.hone", project_with_runs(vec![run(2, "ridge", 0.925), run(1, "knn", 0.75)]));
    assert_eq!(
        works(&folder, &["runs", &data]),
        "run                 kind    status           started  accuracy\n\
         r1 knn on words    trial  finished  2023-11-14 22:13    0.7500\n\
         r2 ridge on words  trial  finished  2023-11-14 22:13    0.9250\n"
    );
    let found =
        json(&folder, &["runs", &data, "--json", "--where", "metrics.accuracy > 0.9 and params.head = 'ridge'"]);
    assert_eq!((&found["total"], &found["runs"][0]["number"]), (&Value::from(2), &Value::from(2)));
    assert_eq!(found["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["runs"][0]["metrics"][1]["value"], 0.925);
    let none = hone(&folder, &["runs", &data, "--where", "status = 'failed'"]);
    assert_eq!((none.code, none.out.as_str(), none.err.trim()), (0, "", "hone: no run matches"));
    fails(&folder, &["runs", &data, "--where", "metrics.accuracy > high"], 2, &["At character 20", "a number"]);
    let other = folder.file("table.csv", "a,b\n1,2\n");
    fails(&folder, &["runs", &other], 1, &["table.csv", "zip"]);
}

#[test]
fn every_head_is_trained_saved_and_read_back() {
    let folder = Folder::new("heads");
    let tables = folder.file("flowers.csv", flowers());
    let texts = folder.file("reviews.csv", reviews());
    for head in ["logistic", "ridge", "prototype", "knn", "mlp", "forest"] {
        for (data, label) in [(&tables, "species"), (&texts, "sentiment")] {
            let model = folder.path(&format!("{head}-{label}.zip"));
            let train = ["train", data, "--label-column", label, "--head", head, "-o", &model, "--json"];
            let trained = json(&folder, &train);
            assert_eq!(trained["head"], head);
            assert!(trained["out_of_fold"].as_f64() >= Some(0.9), "{head}: {}", trained["out_of_fold"]);
            let evaluated = json(&folder, &["evaluate", &model, data, "--json"]);
            assert!(evaluated["accuracy"]["estimate"].as_f64() >= Some(0.95), "{head} on {label}: {evaluated}");
            let scored = json(&folder, &["score", &model, data, "--json"]);
            assert_eq!(scored["scores"][0]["prediction"], if label == "species" { "rose" } else { "good" });

            let file = fs::File::open(&model).expect("the model");
            let mut zip = zip::ZipArchive::new(file).expect("a zip");
            let card: Value = serde_json::from_reader(zip.by_name("model.json").expect("a card")).expect("JSON");
            let linear = ["logistic", "ridge"].contains(&head);
            assert_eq!(
                card["format_version"],
                if linear { 1 } else { 2 },
                "older releases refuse what they cannot read"
            );
            let mut tensors = Vec::new();
            let mut file = zip.by_name("model.safetensors").expect("weights");
            std::io::Read::read_to_end(&mut file, &mut tensors).expect("weights");
            let tensors = safetensors::SafeTensors::deserialize(&tensors).expect("safetensors");
            let usage = card["usage"].as_str().expect("words");
            for name in tensors.names().into_iter().filter(|name| usage.contains("sparse") || !name.contains("sparse"))
            {
                assert!(usage.contains(name), "{head}: the card says nothing of `{name}`: {usage}");
            }
        }
    }
    let model = folder.path("model.zip");
    fails(&folder, &["train", &tables, "-o", &model, "--head", "tree"], 2, &["tree", "forest"]);
}

/// Made by the release before there were heads other than linear ones, see `tests/golden/cli/make.py`.
#[test]
fn a_model_of_an_earlier_release_still_predicts_the_same() {
    let folder = Folder::new("earlier");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli");
    let path = |name: &str| golden.join(name).to_str().expect("a path in UTF-8").to_string();
    let scores = works(&folder, &["score", &path("earlier-release.model.zip"), &path("penguins-test.csv")]);
    assert_eq!(scores, fs::read_to_string(path("earlier-release-scores.csv")).expect("golden file"));
}

#[test]
fn search_ranks_heads_and_saves_the_best() {
    let folder = Folder::new("search");
    let data = folder.file("flowers.csv", flowers());
    let model = folder.path("best.zip");
    let search = ["search", &data, "--label-column", "species", "--minutes", "1", "-o", &model, "--json"];
    let found = json(&folder, &search);
    let trials = found["trials"].as_array().expect("trials");
    assert!(trials.len() >= 8, "{found}");
    let losses: Vec<f64> = trials.iter().filter_map(|trial| trial["out_of_fold_log_loss"].as_f64()).collect();
    assert!(losses.len() == trials.len() && losses.is_sorted(), "{losses:?}");
    assert_eq!(trials.iter().filter(|trial| trial["kept"] == true).count(), 1);
    let params: std::collections::HashSet<String> = trials.iter().map(|trial| trial["params"].to_string()).collect();
    assert_eq!(params.len(), trials.len(), "nothing is tried twice");
    let default = trials.iter().find(|trial| trial["name"] == "logistic" && trial["params"]["c"] == "10");
    assert!(default.expect("the default is among them")["out_of_fold_log_loss"].as_f64() >= Some(losses[0]));
    let evaluated = json(&folder, &["evaluate", &model, &data, "--json"]);
    assert!(evaluated["accuracy"]["estimate"].as_f64() >= Some(0.95), "{evaluated}");
    let table = works(&folder, &["search", &data, "--label-column", "species", "--minutes", "0.02"]);
    assert!(table.starts_with("rank head") && table.contains("\n   1 ") && table.contains("Tried "), "{table}");
    fails(&folder, &["search", &data, "--minutes", "0"], 2, &["above 0"]);
    let few = folder.file("few.csv", "length,species\n1,rose\n9,iris\n");
    fails(&folder, &["search", &few, "--label-column", "species", "--minutes", "1"], 1, &["held out"]);
}

/// Lengths tell the classes apart, colours hardly: two models that read one each, on the same data.
#[test]
fn the_gate_promotes_what_is_proven_better_and_nothing_else() {
    let folder = Folder::new("gate");
    let mut csv = String::from("length,colour,species\n");
    for i in 0..120 {
        let (length, species) = if i % 2 == 0 { (1.0, "rose") } else { (3.0, "iris") };
        csv += &format!("{},{},{species}\n", length + 0.001 * f64::from(i), ["red", "red", "blue"][i as usize % 3]);
    }
    let data = folder.file("flowers.csv", csv);
    let train = |ignored: &str, name: &str| {
        let model = folder.path(name);
        works(&folder, &["train", &data, "--label-column", "species", "--ignore", ignored, "-o", &model]);
        model
    };
    let (by_colour, by_length) = (train("length", "colour.zip"), train("colour", "length.zip"));
    let better = json(&folder, &["gate", &by_colour, &by_length, &data, "--json"]);
    assert_eq!((&better["promote"], &better["items"], &better["losses"]), (&true.into(), &120.into(), &0.into()));
    assert!(better["e_value"].as_f64() > Some(20.0) && better["wins"].as_f64() > Some(30.0), "{better}");
    assert_eq!(better["challenger"]["estimate"], 1.0);
    assert!(better["difference"]["low"].as_f64() > Some(0.2), "{better}");
    assert!(better["sentence"].as_str().is_some_and(|words| words.contains("Promote length.zip")), "{better}");

    let worse = json(&folder, &["gate", &by_length, &by_colour, &data, "--json"]);
    assert_eq!(worse["promote"], false);
    let same = works(&folder, &["gate", &by_length, &by_length, &data]);
    assert!(same.starts_with("Not proven") && same.contains("difference"), "{same}");

    // Another order and number of classes: what counts is their names.
    let more = folder.file(
        "more.csv",
        fs::read_to_string(&data).expect("data") + "5,green,aster\n5.1,green,aster\n5.2,green,aster\n",
    );
    let wider = folder.path("wider.zip");
    works(&folder, &["train", &more, "--label-column", "species", "--ignore", "colour", "-o", &wider]);
    let across = json(&folder, &["gate", &by_length, &wider, &more, "--json"]);
    assert_eq!(across["classes"], serde_json::json!(["iris", "rose", "aster"]));
    assert_eq!((&across["wins"], &across["losses"]), (&3.into(), &0.into()), "{across}");
    assert_eq!(across["promote"], false, "three wins prove nothing");

    let pictures = pictures(&folder);
    let photos = folder.path("photos.zip");
    works(&folder, &["train", &pictures, "-o", &photos]);
    fails(&folder, &["gate", &by_length, &photos, &data], 1, &["kind table", "kind image"]);
}

/// A table by columns: what `change` makes of each row, by its place.
fn changed(
    columns: &[&str],
    rows: &[Vec<String>],
    change: impl Fn(usize, &mut Vec<String>),
    without: &[&str],
) -> String {
    let kept = |cells: &[String]| -> String {
        let cells = columns.iter().zip(cells).filter(|(name, _)| !without.contains(name));
        cells.map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join(",") + "\n"
    };
    let mut csv = kept(&columns.iter().map(|name| (*name).to_string()).collect::<Vec<_>>());
    for (place, row) in rows.iter().enumerate() {
        let mut row = row.clone();
        change(place, &mut row);
        csv += &kept(&row);
    }
    csv
}

#[test]
fn drift_answers_with_its_exit_code() {
    let folder = Folder::new("drift");
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(name);
    let test = fs::read_to_string(golden("penguins-test.csv")).expect("golden file");
    let mut lines = test.lines().map(|line| line.split(',').map(String::from).collect::<Vec<String>>());
    let columns = lines.next().expect("a heading");
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let place = |name: &str| columns.iter().position(|column| *column == name).expect("the column");
    let (mass, label) = (place("body_mass_g"), place("label"));
    let (even, odd): (Vec<_>, Vec<_>) = lines.enumerate().partition(|(place, _)| place % 2 == 0);
    let rows = |side: Vec<(usize, Vec<String>)>| side.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let (even, odd) = (rows(even), rows(odd));
    let file = |name: &str, change: &dyn Fn(usize, &mut Vec<String>), without: &[&str]| {
        folder.file(name, changed(&columns, &odd, change, without))
    };
    let model = folder.path("model.zip");
    let train = golden("penguins-train.csv").to_str().expect("a path in UTF-8").to_string();
    works(&folder, &["train", &train, "--label-column", "label", "-o", &model]);
    let reference = folder.file("reference.csv", changed(&columns, &even, |_, _| {}, &[]));
    let answer = |batch: &str, code: i32| -> Value {
        let outcome = hone(&folder, &["drift", &model, &reference, batch, "--json"]);
        assert_eq!(outcome.code, code, "{} {}", outcome.out, outcome.err);
        serde_json::from_str(&outcome.out).expect("JSON")
    };
    let healthy = answer(&file("same.csv", &|_, _| {}, &["label"]), 0);
    assert_eq!((&healthy["state"], &healthy["moved"]), (&"healthy".into(), &false.into()), "{healthy}");
    assert_eq!((&healthy["findings"], &healthy["audited_accuracy"]), (&serde_json::json!([]), &Value::Null));
    assert_eq!((&healthy["items"], &healthy["reference_items"]), (&86.into(), &86.into()));
    let accuracy = |of: &Value| ["low", "estimate", "high"].map(|end| of["accuracy"][end].as_f64().expect("a share"));
    let [low, estimate, high] = accuracy(&healthy);
    assert!(0.9 < low && low < estimate && estimate <= high && estimate > 0.96, "{healthy}");

    // Pounds instead of grams, in one row of two.
    let pounds = |place: usize, row: &mut Vec<String>| {
        if let (Ok(grams), 0) = (row[mass].parse::<f64>(), place % 2) {
            row[mass] = format!("{:.1}", grams / 453.6);
        }
    };
    let moved = answer(&file("pounds.csv", &pounds, &["label"]), 10);
    assert_eq!(moved["tests"][0]["name"], "body_mass_g", "{}", moved["tests"]);
    let finding = moved["findings"][0]["sentence"].as_str().expect("a finding");
    assert!(finding.contains("“body_mass_g”") && finding.contains("Is the unit still the same?"), "{finding}");
    assert!(
        moved["audits_needed"].as_u64() >= Some(60) && moved["novel"].as_array().is_some_and(|all| all.len() == 48)
    );

    // A column is gone: told, not fatal.
    let lacking = file("lacking.csv", &|_, _| {}, &["label", "flipper_length_mm"]);
    let found = answer(&lacking, 10);
    assert_eq!(found["tests"][0]["name"], "flipper_length_mm");
    let said = hone(&folder, &["drift", &model, &reference, &lacking]);
    assert!(
        said.out.starts_with("Watch:") && said.out.contains("The column “flipper_length_mm” is missing."),
        "{}",
        said.out
    );
    assert!(said.err.is_empty(), "{}", said.err);

    // What an item is called has changed: no test can see it, the labels do.
    let renamed = |_: usize, row: &mut Vec<String>| {
        row[label] = match row[label].as_str() {
            "Adelie" => "Gentoo".into(),
            "Gentoo" => "Chinstrap".into(),
            _ => "Adelie".into(),
        };
    };
    let concept = answer(&file("concept.csv", &renamed, &[]), 20);
    assert_eq!((&concept["moved"], &concept["by_audit"]), (&false.into(), &true.into()), "{concept}");
    let audited = answer(&file("labelled.csv", &|_, _| {}, &[]), 0);
    assert!(audited["audited_accuracy"]["estimate"].as_f64() >= Some(0.95), "{audited}");

    // The floor decides, too.
    let same = folder.path("same.csv");
    let strict = hone(&folder, &["drift", &model, &reference, &same, "--floor", "0.9999"]);
    assert_eq!((strict.code, strict.out.starts_with("Watch:")), (10, true), "{}", strict.out);
    fails(&folder, &["drift", &model, &reference, &same, "--floor", "80"], 2, &["80", "0.9 for 90 %"]);
    fails(&folder, &["drift", &model, &reference, "no-such-file"], 1, &["no-such-file"]);
    let other = folder.file("other.csv", "weight,colour\n1,red\n2,blue\n");
    fails(&folder, &["drift", &model, &reference, &other], 1, &["body_mass_g", "weight and colour"]);
    fails(&folder, &["drift", &model, &lacking, &same], 1, &["“flipper_length_mm”"]);
}

#[test]
fn drift_of_texts_and_pictures() {
    let folder = Folder::new("drift-kinds");
    let data = folder.file("reviews.csv", reviews());
    let model = folder.path("model.zip");
    works(&folder, &["train", &data, "--label-column", "sentiment", "-o", &model]);
    let german: String = (0..60).map(|i| format!("{i},Das Essen war am {i}. Tag leider nicht so gut\n")).collect();
    let batch = folder.file("german.csv", format!("id,review\n{german}"));
    let outcome = hone(&folder, &["drift", &model, &data, &batch, "--text-column", "review", "--json"]);
    assert!(outcome.code == 10 || outcome.code == 20, "{} {}", outcome.out, outcome.err);
    let found: Value = serde_json::from_str(&outcome.out).expect("JSON");
    let language = found["columns"].as_array().expect("columns").iter().find(|column| column["name"] == "language");
    assert_eq!(language.expect("a language")["usual_batch"], "German", "{found}");

    let pictures = pictures(&folder);
    let photos = folder.path("photos.zip");
    works(&folder, &["train", &pictures, "-o", &photos]);
    let outcome = hone(&folder, &["drift", &photos, &pictures, &pictures, "--json"]);
    let found: Value = serde_json::from_str(&outcome.out).expect("JSON");
    assert_eq!((outcome.code, &found["columns"][0]["name"]), (0, &"brightness".into()), "{found}");
    assert!(
        found["findings"][0]["sentence"].as_str().is_some_and(|words| words.contains("in the reference, too")),
        "{found}"
    );
}

#[test]
fn each_error_is_one_line_with_its_code() {
    let folder = Folder::new("errors");
    let data = folder.file("flowers.csv", flowers());
    let model = folder.path("model.zip");
    let check = |arguments: &[&str], code: i32, words: &[&str]| fails(&folder, arguments, code, words);
    check(&[], 2, &["inspect, train, search, score, evaluate, gate, drift, issues, simulate, certify or runs"]);
    check(&["fly"], 2, &["fly"]);
    check(&["train", &data], 2, &["--output"]);
    check(&["train", &data, "-o", &model, "--kind", "sound"], 2, &["sound", "image, text, table"]);
    check(&["simulate", &data, "--strategy", "tea"], 2, &["tea", "herding"]);
    check(&["simulate", &data, "--batch", "0"], 2, &["0"]);
    check(&["train", "no-such-file", "-o", &model], 1, &["no-such-file"]);
    check(&["train", &data, "--label-column", "price", "-o", &model], 1, &["“price”", "length", "species"]);
    check(&["train", &data, "--label-column", "species", "-o", "no/such/folder/m.zip"], 1, &["does not exist"]);
    let lone = folder.file("lone.csv", "length,species\n1,rose\n2,rose\n3,rose\n");
    check(&["train", &lone, "--label-column", "species", "-o", &model], 1, &["rose", "two classes"]);
    let empty = folder.file("empty.csv", "");
    check(&["train", &empty, "--label-column", "species", "-o", &model], 1, &["empty"]);
    let header = folder.file("header.csv", "length,species\n");
    check(&["train", &header, "--label-column", "species", "-o", &model], 1, &["header.csv"]);
    let noise = folder.file("noise.csv", [0_u8, 159, 146, 150, 0, 255, 7, 0, 1, 2, 3, 0].repeat(40));
    check(&["train", &noise, "--label-column", "species", "-o", &model], 1, &["noise.csv"]);
    let broken = folder.file("broken.json", "{\"a\": 1, \"b\": \n");
    check(&["train", &broken, "--label-column", "a", "-o", &model], 1, &["broken.json"]);
    check(&["score", &data, &data], 1, &["flowers.csv is not a model"]);
    check(&["evaluate", "no-such-model", &data], 1, &["no-such-model"]);
    let flat = folder.file("flat/a.png", picture(true, 1));
    folder.file("flat/b.png", picture(false, 1));
    let flat = Path::new(&flat).parent().and_then(Path::to_str).expect("a folder").to_string();
    check(&["train", &flat, "-o", &model], 1, &["no labels", "folder of its own"]);
    let sorted = pictures(&folder);
    check(&["train", &sorted, "-o", &model, "--weights", "nowhere"], 1, &["nowhere", "cargo xtask models"]);
}

#[test]
fn certify_tells_what_audits_prove() {
    let folder = Folder::new("certify");
    let line = |counts: &str| -> Vec<String> {
        format!("certify {counts} --alpha 0.05 --delta 0.05").split(' ').map(String::from).collect()
    };
    let answer = |counts: &str, json: bool| -> Outcome {
        let mut arguments = line(counts);
        arguments.extend(json.then(|| "--json".to_string()));
        hone(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // (counts, certified, upper bound, needed): scipy.stats.beta.ppf, and hypergeom by trying every number of errors.
    let cases = [
        ("--audits 59 --errors 0", true, 0.049_508, Some(59)),
        ("--audits 58 --errors 0", false, 0.050_339, Some(59)),
        ("--audits 0 --errors 0", false, 1.0, Some(59)),
        ("--audits 93 --errors 1", true, 0.049_994, Some(93)),
        ("--audits 39 --errors 0 --of 100", true, 0.05, Some(39)),
        ("--audits 40 --errors 6 --of 100", false, 0.24, None),
    ];
    for (counts, certified, upper_bound, needed) in cases {
        let outcome = answer(counts, true);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{counts}");
        let found: Value = serde_json::from_str(&outcome.out).expect("JSON");
        let keys: Vec<&String> = found.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["certified", "upper_bound", "needed"]);
        assert_eq!(
            (&found["certified"], &found["needed"]),
            (&Value::from(certified), &Value::from(needed)),
            "{counts}"
        );
        let bound = found["upper_bound"].as_f64().expect("a number");
        assert!((bound - upper_bound).abs() < 1e-6, "{counts}: {bound}");
        let said = answer(counts, false).out;
        assert_eq!(said.starts_with("certified:"), certified, "{said}");
    }
    assert!(answer("--audits 58 --errors 0", false).out.contains("1 more audit without an error would do"));
    assert!(answer("--audits 40 --errors 6 --of 100", false).out.contains("no number of audits"));
    let refused = |counts: &str, words: &[&str]| {
        let arguments = line(counts);
        fails(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), 2, words);
    };
    refused("--audits 3 --errors 4", &["4 errors in 3 audits"]);
    refused("--audits 30 --errors 0 --of 20", &["30 audits of 20 items"]);
    refused("--audits -3 --errors 0", &["-3"]);
    for wrong in ["0", "1", "5", "nan"] {
        let arguments = ["certify", "--audits", "9", "--errors", "0", "--alpha", wrong, "--delta", "0.05"];
        fails(&folder, &arguments, 2, &["alpha", "between 0 and 1"]);
        let arguments = ["certify", "--audits", "9", "--errors", "0", "--alpha", "0.05", "--delta", wrong];
        fails(&folder, &arguments, 2, &["delta", "between 0 and 1"]);
    }
}

/// An array as `numpy.save` writes it.
fn npy(descr: &str, shape: &str, data: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("a short header").to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// Twelve labels of two classes, the third and the last of which are wrong, and their probabilities.
fn labels_and_probabilities(folder: &Folder) -> (String, String) {
    let labels: Vec<i64> = vec![0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0];
    let of_one = [0.1_f64, 0.2, 0.05, 0.1, 0.25, 0.3, 0.9, 0.8, 0.95, 0.7, 0.85, 0.99];
    let probabilities: Vec<u8> = of_one.iter().flat_map(|p| [1.0 - p, *p]).flat_map(f64::to_le_bytes).collect();
    (
        folder.file("labels.npy", npy("<i8", "(12,)", labels.iter().flat_map(|label| label.to_le_bytes()))),
        folder.file("probabilities.npy", npy("<f8", "(12, 2)", probabilities)),
    )
}

#[test]
fn issues_of_saved_probabilities_are_ranked() {
    let folder = Folder::new("issues-npy");
    let (labels, probabilities) = labels_and_probabilities(&folder);
    let files = ["issues", "--probs", &probabilities, "--labels", &labels];
    let csv = works(&folder, &files);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "index,is_issue,score,given,suggested");
    assert!(lines[1].starts_with("11,true,0.01") && lines[1].ends_with(",0,1"), "{csv}");
    assert_eq!((lines[2], lines.len()), ("2,true,0.05,1,0", 13));
    assert!(lines[3..].iter().all(|line| line.contains(",false,")), "{csv}");
    let found = json(&folder, &[&files[..], &["--filter-by", "low_self_confidence", "--json"]].concat());
    assert_eq!((&found["issues"], &found["expected_errors"]), (&Value::from(2), &Value::from(2.0)), "{found}");
    for rank_by in ["joint", "self_confidence", "normalized_margin", "confidence_weighted_entropy"] {
        let found = json(&folder, &[&files[..], &["--rank-by", rank_by, "--json"]].concat());
        assert_eq!((&found["rank_by"], found["rows"].as_array().map(Vec::len)), (&Value::from(rank_by), Some(12)));
        let indices = [&found["rows"][0]["index"], &found["rows"][1]["index"]];
        assert!(indices.contains(&&Value::from(11)) && indices.contains(&&Value::from(2)), "{rank_by}: {indices:?}");
    }
    let output = folder.path("issues.csv");
    assert!(works(&folder, &[&files[..], &["-o", &output]].concat()).contains("2 of 12 labels are issues"));
    assert_eq!(fs::read_to_string(&output).expect("the table"), csv);
}

#[test]
fn issues_of_data_are_found_by_a_model_that_has_not_seen_them() {
    let folder = Folder::new("issues");
    // Rows 10 and 31 are labelled wrong, row 5 not at all.
    let mut lines: Vec<String> = flowers().lines().map(str::to_string).collect();
    lines[11] = lines[11].replace("rose", "iris");
    lines[32] = lines[32].replace("iris", "rose");
    lines[6] = lines[6].replace("iris", "");
    let data = folder.file("flowers.csv", lines.join("\n"));
    let csv = works(&folder, &["issues", &data, "--label-column", "species"]);
    let mut first: Vec<&str> = csv.lines().skip(1).take(2).collect();
    first.sort_unstable();
    assert!(first[0].starts_with("10,true,0.0") && first[0].ends_with(",iris,rose"), "{csv}");
    assert!(first[1].starts_with("31,true,0.0") && first[1].ends_with(",rose,iris"), "{csv}");
    assert_eq!(csv.lines().count(), 60);
    let found = json(&folder, &["issues", &data, "--label-column", "species", "--json"]);
    assert_eq!((&found["items"], &found["unlabelled"]), (&Value::from(59), &Value::from(1)));
    let suspect = &found["rows"][0];
    assert!(suspect["item"].as_str().is_some_and(|item| item.starts_with("flowers.csv:")), "{suspect}");
    assert!(
        suspect["neighbours"]["of"] == 10 && suspect["why"].as_str().is_some_and(|why| why.ends_with('.')),
        "{suspect}"
    );

    let pictures = pictures(&folder);
    fs::rename(folder.path("pictures/red/3.png"), folder.path("pictures/blue/wrong.png")).expect("a picture to move");
    let found = json(&folder, &["issues", &pictures, "--json"]);
    let suspect = &found["rows"][0];
    assert_eq!(
        (&suspect["item"], &suspect["suggested"]),
        (&"pictures/blue/wrong.png".into(), &"red".into()),
        "{suspect}"
    );
}

#[test]
fn issues_of_numbers_are_ranked() {
    let folder = Folder::new("issues-numbers");
    // y = 3a − 2b and a little noise; row 20 slipped a digit, row 35 the decimal point, row 7 has a unit.
    let value = |row: usize| (row * 7 % 50) as f64 * 3.0 - (row * 11 % 30) as f64 * 2.0 + (row * 13 % 10) as f64 / 10.0;
    let cell = |row: usize| match row {
        20 => "900".to_owned(),
        35 => format!("{}", value(35) * 10.0 + 400.0),
        7 => "12 kg".to_owned(),
        _ => value(row).to_string(),
    };
    let line = |row: usize| format!("{},{},{}\n", row * 7 % 50, row * 11 % 30, cell(row));
    let data = folder.file("levels.csv", "a,b,y\n".to_owned() + &(0..80).map(line).collect::<String>());
    let csv = works(&folder, &["issues", &data, "--target-column", "y"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[0], lines.len()), ("index,is_issue,score,given,predicted", 80));
    let mut first: Vec<&str> = lines[1..3].iter().map(|line| line.split(',').next().unwrap_or_default()).collect();
    first.sort_unstable();
    assert_eq!(first, ["20", "35"], "{csv}");
    assert!(lines[1].contains(",true,0.0") && lines[2].contains(",true,") && lines[10].contains(",false,"), "{csv}");
    let found = json(&folder, &["issues", &data, "--target-column", "y", "--json"]);
    assert_eq!((&found["items"], &found["unlabelled"]), (&Value::from(79), &Value::from(1)), "{found}");
    assert_eq!((&found["problem_count"], &found["problems"][0]["row"]), (&Value::from(1), &Value::from(9)), "{found}");
    for row in found["rows"].as_array().into_iter().flatten().take(2) {
        let index = row["index"].as_u64().unwrap_or_default() as usize;
        let predicted = row["predicted"].as_f64().unwrap_or(f64::NAN);
        let given = row["given"].as_f64().unwrap_or(f64::NAN);
        assert!((predicted - value(index)).abs() < (given - value(index)).abs() / 10.0, "{row}");
    }
    let output = folder.path("issues.csv");
    assert!(works(&folder, &["issues", &data, "--target-column", "y", "-o", &output]).contains("of 79 numbers"));
    assert_eq!(fs::read_to_string(&output).expect("the table"), csv);
}

#[test]
fn issues_says_what_does_not_go_together() {
    let folder = Folder::new("issues-wrong");
    let (labels, probabilities) = labels_and_probabilities(&folder);
    let wrong = |name: &str, descr: &str, shape: &str, data: &[u8]| folder.file(name, npy(descr, shape, data.to_vec()));
    let few = wrong("few.npy", "|u1", "(2,)", &[0, 1]);
    let third = wrong("third.npy", "|u1", "(12,)", &[0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let alone = wrong("alone.npy", "|u1", "(12,)", &[1; 12]);
    let minus = wrong("minus.npy", "|i1", "(12,)", &[255; 12]);
    let flat = wrong("flat.npy", "|u1", "(24,)", &[0; 24]);
    let high = wrong("high.npy", "|u1", "(12, 2)", &[2; 24]);
    let big_endian = wrong("big.npy", ">f8", "(12, 2)", &[0; 192]);
    let text = folder.file("labels.csv", "0\n1\n");
    for (probabilities, labels, words) in [
        (&probabilities, &few, "2 labels and 12 rows"),
        (&probabilities, &third, "row 2 has the label 2"),
        (&probabilities, &alone, "every label is 1"),
        (&probabilities, &minus, "label 0 is -1"),
        (&probabilities, &probabilities, "one dimension"),
        (&probabilities, &text, "numpy.save"),
        (&flat, &labels, "two dimensions"),
        (&high, &labels, "row 0, column 0 is 2"),
        (&big_endian, &labels, "astype(\"<f8\")"),
        (&folder.path("none.npy"), &labels, "cannot read"),
    ] {
        fails(&folder, &["issues", "--probs", probabilities, "--labels", labels], 1, &[words]);
    }
    fails(&folder, &["issues"], 2, &["<DATA>"]);
    fails(&folder, &["issues", "--probs", &probabilities], 2, &["--labels"]);
    fails(&folder, &["issues", "--probs", &probabilities, "--labels", &labels, "--rank-by", "magic"], 2, &["magic"]);
    let data = folder.file("one.csv", "length,species\n1,rose\n2,rose\n3,rose\n");
    fails(&folder, &["issues", &data, "--label-column", "species"], 1, &["two classes"]);
}

#[test]
fn help_has_examples() {
    let folder = Folder::new("help");
    assert!(works(&folder, &["--help"]).contains("simulate"));
    for command in
        ["inspect", "train", "search", "score", "evaluate", "gate", "drift", "issues", "simulate", "certify", "runs"]
    {
        let help = works(&folder, &[command, "--help"]);
        assert!(help.contains("Examples:") && help.contains("--json"), "{help}");
    }
    assert!(works(&folder, &["--version"]).starts_with("hone "));
}

/// See `tests/golden/cli/make.py`; the full check on more data is `tests/parity`.
#[test]
fn as_accurate_as_scikit_learn_on_the_penguins() {
    let folder = Folder::new("parity");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli");
    let path = |name: &str| golden.join(name).to_str().expect("a path in UTF-8").to_string();
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(golden.join("penguins.json")).expect("golden file")).expect("JSON");
    let model = folder.path("penguins.zip");
    works(&folder, &["train", &path("penguins-train.csv"), "--label-column", "label", "-o", &model]);
    let found = json(&folder, &["evaluate", &model, &path("penguins-test.csv"), "--label-column", "label", "--json"]);
    assert_eq!(found["items"], expected["test_items"]);
    let ours = found["accuracy"]["estimate"].as_f64().expect("a share");
    let theirs = expected["scikit_learn_accuracy"].as_f64().expect("a share");
    assert!(ours >= theirs - 0.01, "{ours}, scikit-learn {theirs}");
}
