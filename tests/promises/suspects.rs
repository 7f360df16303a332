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
use hone::pipeline::quality::opinions::opinions;
use hone::pipeline::quality::out_of_fold::of_labels;
use hone::pipeline::quality::suspects::{Evidence, suspects};
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

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

/// See [`photos`].
static PHOTOS: LazyLock<(Features, Vec<usize>)> = LazyLock::new(photos);

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
    let (features, truth) = &*PHOTOS;
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
        let outcome = experiment::run(features, &labels, classes, &spec, seed).expect("five classes");
        let known =
            Known::of(features, &labels, classes, Kind::Image, of_labels(&labels, classes, &outcome.out_of_fold));
        let found = |evidence: &Evidence| {
            let report = suspects(&given, evidence);
            found_in_first(0.15, report.ranked.iter().map(|suspect| suspect.index), &given, truth)
        };
        let share = found(&known.all());
        (least, mean) = (least.min(share), mean + share / RUNS as f64);
        without += found(&Evidence::of(known.probabilities.view())) / RUNS as f64;
        // Naive: ask a model that was trained on the labels which of them it would give otherwise; or look in any order.
        let in_sample = outcome.head.logits(features);
        let contradicted = (0..given.len()).filter(|&label| likeliest(in_sample.row(label)) != given[label]);
        seen += found_in_first(0.15, contradicted, &given, truth) / RUNS as f64;
        order.shuffle(&mut random);
        at_random += found_in_first(0.15, order.iter().copied(), &given, truth) / RUNS as f64;
    }
    println!("found in the first 15 %: {mean:.3}, least {least:.3}; the model alone {without:.3}");
    println!("naive: contradicted in-sample {seen:.3}, in any order {at_random:.3}");
    assert!(least >= 0.9, "{least}");
    assert!(seen < 0.5 && at_random < 0.5, "in-sample {seen}, in any order {at_random}");
}

/// All that is known of labels.
struct Known {
    probabilities: Array2<f64>,
    class_means: Array2<f64>,
    votes: Vec<Vec<usize>>,
    margins: Vec<f64>,
}

impl Known {
    fn of(
        features: &Features,
        labels: &[(usize, usize)],
        classes: usize,
        kind: Kind,
        probabilities: Array2<f64>,
    ) -> Self {
        let (class_means, margins) = opinions(features, labels, classes, kind);
        Self { probabilities, class_means, votes: neighbour_votes(features, labels, NEIGHBOURS), margins }
    }

    fn all(&self) -> Evidence<'_> {
        Evidence {
            class_means: Some(self.class_means.view()),
            margins: Some(&self.margins),
            ..self.model_and_neighbours()
        }
    }

    fn model_and_neighbours(&self) -> Evidence<'_> {
        Evidence { neighbour_votes: Some(&self.votes), ..Evidence::of(self.probabilities.view()) }
    }
}

/// Errors as people make them: each class is mistaken for one other, and some classes for it more often.
fn mistaken(truth: &[usize], classes: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut rates: Vec<f64> = (0..classes).map(|class| if class % 2 == 0 { 0.18 } else { 0.03 }).collect();
    rates.shuffle(random);
    let other: Vec<usize> = (0..classes).map(|class| (class + random.random_range(1..classes)) % classes).collect();
    truth.iter().map(|&class| if random.random::<f64>() < rates[class] { other[class] } else { class }).collect()
}

#[test]
fn errors_of_one_direction_are_ranked_better_than_by_model_and_neighbours() {
    let (features, truth) = &*PHOTOS;
    let known: Vec<Option<usize>> = truth.iter().copied().map(Some).collect();
    const RUNS: u64 = 6;
    let (mut all, mut before, mut own) = (0.0, 0.0, 0.0);
    for seed in 0..RUNS {
        let given = mistaken(truth, 5, &mut ChaCha8Rng::seed_from_u64(seed));
        let labels: Vec<(usize, usize)> = given.iter().copied().enumerate().collect();
        let spec = HeadSpec::default_for(Kind::Image);
        let outcome = experiment::run(features, &labels, 5, &spec, 0).expect("five classes");
        let evidence = Known::of(features, &labels, 5, Kind::Image, of_labels(&labels, 5, &outcome.out_of_fold));
        let precision = |evidence: &Evidence| {
            let report = suspects(&given, evidence);
            average_precision(report.ranked.iter().map(|suspect| suspect.index), &given, &known) / RUNS as f64
        };
        all += precision(&evidence.all());
        before += precision(&evidence.model_and_neighbours());
        own += precision(&Evidence::of(evidence.probabilities.view()));
    }
    println!("average precision {all:.3}; by model and neighbours {before:.3}, by the model alone {own:.3}");
    assert!(all >= 0.94, "{all}");
    assert!(before < 0.93 && own < 0.93, "{before} {own}");
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
        let mut scores = NAMES.map(|name| (name, Vec::new()));
        for seed in 0..5 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let given: Vec<usize> = votes.iter().map(|votes| votes[random.random_range(0..votes.len())]).collect();
            let labels: Vec<(usize, usize)> = given.iter().copied().enumerate().collect();
            let spec = HeadSpec::default_for(Kind::Text);
            let outcome = experiment::run(&features, &labels, 3, &spec, 0).expect("three classes");
            let known = Known::of(&features, &labels, 3, Kind::Text, of_labels(&labels, 3, &outcome.out_of_fold));
            let by_quality = |method| {
                let order = ranked(&given, known.probabilities.view(), &vec![true; given.len()], method);
                average_precision(order.into_iter(), &given, &truth)
            };
            let by_evidence = |evidence: &Evidence| {
                let report = suspects(&given, evidence);
                average_precision(report.ranked.iter().map(|suspect| suspect.index), &given, &truth)
            };
            let of_seed = [
                by_quality(LabelQuality::SelfConfidence),
                by_quality(LabelQuality::NormalizedMargin),
                by_evidence(&Evidence::of(known.probabilities.view())),
                by_evidence(&known.model_and_neighbours()),
                by_evidence(&Evidence { margins: None, ..known.all() }),
                by_evidence(&Evidence { class_means: None, ..known.all() }),
                by_evidence(&known.all()),
            ];
            println!("  {seed}: {of_seed:.3?}");
            scores.iter_mut().zip(of_seed).for_each(|((_, scores), score)| scores.push(score));
        }
        println!("{}", path.display());
        for (name, scores) in &scores {
            let (mean, deviation) = mean_and_deviation(scores);
            println!("  {name}: {mean:.3} ± {deviation:.3}");
        }
        let [own, _, model, neighbours, .., all] = &scores;
        for seed in 0..own.1.len() {
            assert!(model.1[seed] >= own.1[seed], "{scores:?}");
            assert!(neighbours.1[seed] > model.1[seed], "{scores:?}");
        }
        let gain = mean_and_deviation(&all.1).0 - mean_and_deviation(&neighbours.1).0;
        assert!(gain >= 0.001, "{gain}");
    }
}

/// The rankings compared.
const NAMES: [&str; 7] = [
    "self-confidence",
    "normalised margin",
    "the model alone",
    "model and neighbours",
    "without the margins",
    "without the class means",
    "all",
];

#[test]
fn average_precision_by_hand() {
    let truth = [Some(0), Some(1), None, Some(1)];
    let given = [1, 1, 0, 0];
    assert_eq!(average_precision([0, 2, 3, 1].into_iter(), &given, &truth), 1.0);
    assert_eq!(average_precision([1, 3, 2, 0].into_iter(), &given, &truth), (1.0 / 2.0 + 2.0 / 3.0) / 2.0);
}
