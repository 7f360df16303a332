//! The ranking of suspicious labels finds what is wrong: planted errors on the demo photos, and real people's errors.

use hone::nn::{EMBEDDING_COLUMNS, Lite0};
use hone::pipeline::experiment;
use hone::pipeline::features::image::crop_from_rgba;
use hone::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use hone::pipeline::features::text::{NGRAM_COLUMNS, TEXT_DENSE_COLUMNS, TextEncoder};
use hone::pipeline::item::Kind;
use hone::pipeline::model::spec::HeadSpec;
use hone::pipeline::predict::likeliest;
use hone::pipeline::quality::label_quality::{LabelQuality, ranked};
use hone::pipeline::quality::neighbour_votes::{NEIGHBOURS, neighbour_votes};
use hone::pipeline::quality::out_of_fold::of_labels;
use hone::pipeline::quality::suspects::suspects;
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

pub fn installed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models").join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. Install the weights with `cargo xtask models`.", path.display()))
}

pub fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

/// The demo photos' features and classes.
fn photos() -> (Features, Vec<usize>) {
    let network = Lite0::load(&installed("lite0.safetensors")).expect("the installed weights");
    let mut features = Features::new(EMBEDDING_COLUMNS, 0);
    let mut truth = Vec::new();
    let folders = sorted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("public/demo/photos"));
    for (class, folder) in folders.iter().filter(|path| path.is_dir()).enumerate() {
        for photo in sorted(folder) {
            let pixels = image::open(&photo).expect("a demo photo").into_rgba8();
            let crop = crop_from_rgba(&pixels, pixels.width(), pixels.height()).expect("a crop");
            let dense = network.embed(&crop);
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
            truth.push(class);
        }
    }
    (features, truth)
}

/// The share of wrong labels among the first of the ranking: `part` of it.
fn found_in_first(part: f64, order: impl Iterator<Item = usize>, given: &[usize], truth: &[usize]) -> f64 {
    let wrong = given.iter().zip(truth).filter(|(given, truth)| given != truth).count();
    let shown = (part * given.len() as f64) as usize;
    order.take(shown).filter(|&label| given[label] != truth[label]).count() as f64 / wrong as f64
}

#[test]
fn planted_errors_are_among_the_first() {
    let (features, truth) = photos();
    let classes = 1 + truth.iter().max().expect("photos");
    assert_eq!((truth.len(), classes), (195, 5));
    const RUNS: u64 = 5;
    let (mut least, mut mean, mut without, mut at_random, mut seen) = (1.0_f64, 0.0, 0.0, 0.0, 0.0);
    for seed in 0..RUNS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..truth.len()).collect();
        order.shuffle(&mut random);
        let mut given = truth.clone();
        for &label in &order[..truth.len() / 10] {
            given[label] = (truth[label] + random.random_range(1..classes)) % classes;
        }
        let labels: Vec<(usize, usize)> = given.iter().copied().enumerate().collect();
        let spec = HeadSpec::default_for(Kind::Image);
        let outcome = experiment::run(&features, &labels, classes, &spec, seed).expect("five classes");
        let probabilities = of_labels(&labels, classes, &outcome.out_of_fold);
        let votes = neighbour_votes(&features, &labels, NEIGHBOURS);
        let found = |probabilities: &Array2<f64>, votes: Option<&[Vec<usize>]>| {
            let report = suspects(&given, probabilities.view(), votes);
            found_in_first(0.15, report.ranked.iter().map(|suspect| suspect.index), &given, &truth)
        };
        let share = found(&probabilities, Some(&votes));
        (least, mean) = (least.min(share), mean + share / RUNS as f64);
        without += found(&probabilities, None) / RUNS as f64;
        // Naive: ask a model that was trained on the labels which of them it would give otherwise; or look in any order.
        let in_sample = outcome.head.logits(&features);
        let contradicted = (0..given.len()).filter(|&label| likeliest(in_sample.row(label)) != given[label]);
        seen += found_in_first(0.15, contradicted, &given, &truth) / RUNS as f64;
        order.shuffle(&mut random);
        at_random += found_in_first(0.15, order.iter().copied(), &given, &truth) / RUNS as f64;
    }
    println!("found in the first 15 %: {mean:.3}, least {least:.3}; without neighbours {without:.3}");
    println!("naive: contradicted in-sample {seen:.3}, in any order {at_random:.3}");
    assert!(least >= 0.9, "{least}");
    assert!(seen < 0.5 && at_random < 0.5, "in-sample {seen}, in any order {at_random}");
}

/// Texts that many people judged.
struct Votes {
    features: Features,
    /// The class of each vote, by text: negative, neutral, positive.
    votes: Vec<Vec<usize>>,
    /// The clear majority; `None` where it is not clear.
    truth: Vec<Option<usize>>,
}

/// Reads a file with the columns `votes` (numbers, their signs are the classes), `agreement`, `majority` and `text`.
fn votes(path: &Path) -> Votes {
    /// The share of votes from which a majority counts as the truth.
    const CLEAR: f64 = 0.8;
    let encoder = TextEncoder::load(&installed("text.safetensors"), &installed("text-tokenizer.bin"));
    let encoder = encoder.expect("the installed weights");
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let heading = reader.headers().expect("a heading").clone();
    let column = |name: &str| heading.iter().position(|other| other == name).expect("the column");
    let (of_votes, of_agreement, of_majority, of_text) =
        (column("votes"), column("agreement"), column("majority"), column("text"));
    let mut features = Features::new(TEXT_DENSE_COLUMNS, NGRAM_COLUMNS);
    let (mut votes, mut truth) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row.expect("a row");
        let class = |vote: &str| match vote.parse::<f64>().expect("a number") {
            vote if vote < 0.0 => 0,
            vote if vote > 0.0 => 2,
            _ => 1,
        };
        features.push(encoder.encode(&row[of_text]));
        votes.push(row[of_votes].split(' ').map(class).collect());
        let majority = ["neg", "neu", "pos"].iter().position(|word| *word == &row[of_majority]);
        let agreement: f64 = row[of_agreement].parse().expect("a share");
        truth.push(majority.filter(|_| agreement >= CLEAR));
    }
    Votes { features, votes, truth }
}

/// The mean over the wrong labels of the share of wrong ones among those ranked no later.
fn average_precision(order: impl Iterator<Item = usize>, given: &[usize], truth: &[Option<usize>]) -> f64 {
    let (mut wrong, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for label in order {
        let Some(truth) = truth[label] else { continue };
        seen += 1.0;
        if given[label] != truth {
            wrong += 1.0;
            sum += wrong / seen;
        }
    }
    sum / wrong
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}

/// `HONE_BENCH_DATA=FOLDER cargo test --release -p hone --test promises people -- --ignored --nocapture`, where
/// FOLDER/votes holds files as [`votes`] reads them.
#[test]
#[ignore = "needs data that is not in the repository, and minutes"]
fn errors_of_people_are_ranked_better_than_by_self_confidence() {
    let folder = std::env::var("HONE_BENCH_DATA").expect("HONE_BENCH_DATA names the folder with the data");
    for path in sorted(&Path::new(&folder).join("votes")) {
        let Votes { features, votes, truth } = votes(&path);
        let mut scores: [(&str, Vec<f64>); 6] = [
            ("self-confidence", Vec::new()),
            ("normalised margin", Vec::new()),
            ("self-confidence, not calibrated", Vec::new()),
            ("without the neighbours", Vec::new()),
            ("all, not calibrated", Vec::new()),
            ("all", Vec::new()),
        ];
        for seed in 0..5 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let given: Vec<usize> = votes.iter().map(|votes| votes[random.random_range(0..votes.len())]).collect();
            let labels: Vec<(usize, usize)> = given.iter().copied().enumerate().collect();
            let spec = HeadSpec::default_for(Kind::Text);
            let outcome = experiment::run(&features, &labels, 3, &spec, 0).expect("three classes");
            let calibrated = of_labels(&labels, 3, &outcome.out_of_fold);
            let mut plain = calibrated.mapv(|p| p.powf(outcome.temperature));
            plain.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
            let neighbours = neighbour_votes(&features, &labels, NEIGHBOURS);
            let by_quality = |probabilities: &Array2<f64>, method| {
                let order = ranked(&given, probabilities.view(), &vec![true; given.len()], method);
                average_precision(order.into_iter(), &given, &truth)
            };
            let by_all = |probabilities: &Array2<f64>, neighbours: Option<&[Vec<usize>]>| {
                let report = suspects(&given, probabilities.view(), neighbours);
                average_precision(report.ranked.iter().map(|suspect| suspect.index), &given, &truth)
            };
            let of_seed = [
                by_quality(&calibrated, LabelQuality::SelfConfidence),
                by_quality(&calibrated, LabelQuality::NormalizedMargin),
                by_quality(&plain, LabelQuality::SelfConfidence),
                by_all(&calibrated, None),
                by_all(&plain, Some(&neighbours)),
                by_all(&calibrated, Some(&neighbours)),
            ];
            scores.iter_mut().zip(of_seed).for_each(|((_, scores), score)| scores.push(score));
        }
        println!("{}", path.display());
        for (name, scores) in &scores {
            let (mean, deviation) = mean_and_deviation(scores);
            println!("  {name}: {mean:.3} ± {deviation:.3}");
        }
        let [own, _, _, without, _, all] = &scores;
        for seed in 0..own.1.len() {
            assert!(without.1[seed] >= own.1[seed], "{scores:?}");
            assert!(all.1[seed] > without.1[seed], "{scores:?}");
        }
    }
}

#[test]
fn average_precision_by_hand() {
    let truth = [Some(0), Some(1), None, Some(1)];
    let given = [1, 1, 0, 0];
    assert_eq!(average_precision([0, 2, 3, 1].into_iter(), &given, &truth), 1.0);
    assert_eq!(average_precision([1, 3, 2, 0].into_iter(), &given, &truth), (1.0 / 2.0 + 2.0 / 3.0) / 2.0);
}
