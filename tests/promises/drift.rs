//! A batch of the reference's kind raises no alarm, a batch of another kind does, and the estimated accuracy is as near as its band says.

use super::suspects::{installed, sorted};
use hone::nn::{EMBEDDING_COLUMNS, Lite0};
use hone::pipeline::drift::accuracy::{Calibration, CalibrationFit, Estimated, Estimation};
use hone::pipeline::drift::{Comparison, Input, LEVEL, Looks, NamedColumn, Report, look_columns, text_columns};
use hone::pipeline::evaluate::tails::binomial_at_most;
use hone::pipeline::experiment;
use hone::pipeline::features::image::crop_from_rgba;
use hone::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use hone::pipeline::features::text::{NGRAM_COLUMNS, TEXT_DENSE_COLUMNS, TextEncoder};
use hone::pipeline::item::Kind;
use hone::pipeline::model::head::TrainedHead;
use hone::pipeline::model::spec::HeadSpec;
use hone::pipeline::predict::{likeliest, softmax};
use ndarray::{Array2, Axis, concatenate};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

const BATCH: usize = 200;

/// Items with their features and classes, and what else is compared of them.
pub struct World {
    features: Features,
    truth: Vec<usize>,
    pub classes: usize,
    kind: Kind,
    texts: Vec<String>,
    looks: Vec<Looks>,
}

/// A model trained on some rows, with its held-out predictions of these.
pub struct Model {
    head: TrainedHead,
    temperature: f64,
    trained: Vec<usize>,
    pub held_out: Vec<(Vec<f32>, usize)>,
}

impl World {
    pub fn train(&self, rows: &[usize], seed: u64) -> Model {
        let labels: Vec<(usize, usize)> = rows.iter().map(|&row| (row, self.truth[row])).collect();
        let spec = HeadSpec::default_for(self.kind);
        let outcome = experiment::run(&self.features, &labels, self.classes, &spec, seed).expect("several classes");
        Model {
            temperature: outcome.temperature,
            trained: outcome.out_of_fold.iter().map(|row| row.row).collect(),
            held_out: outcome.out_of_fold.into_iter().map(|row| (row.probabilities, row.target)).collect(),
            head: outcome.head,
        }
    }

    pub fn predict(&self, model: &Model, rows: &[usize]) -> Array2<f32> {
        softmax(&model.head.logits(&self.features.select(rows)), model.temperature)
    }

    /// The share of rows predicted right.
    pub fn accuracy(&self, probabilities: &Array2<f32>, rows: &[usize]) -> f64 {
        let right = rows.iter().zip(probabilities.rows()).filter(|(row, said)| likeliest(*said) == self.truth[**row]);
        right.count() as f64 / rows.len() as f64
    }

    fn columns(&self, reference: &[usize], batch: &[usize]) -> Vec<NamedColumn> {
        if self.texts.is_empty() {
            let looks = |rows: &[usize]| rows.iter().map(|&row| self.looks[row]).collect::<Vec<_>>();
            return look_columns(&looks(reference), &looks(batch));
        }
        let text = |&row: &usize| self.texts[row].as_str();
        text_columns(reference.iter().map(text), batch.iter().map(text))
    }

    /// What an import would compare: the reference is what was trained on (held out) and some other rows, whose audits are the
    /// first of them.
    pub fn compare(&self, model: &Model, others: &[usize], audits: usize, batch: &[usize], seed: u64) -> Report {
        let trained =
            Array2::from_shape_fn((model.trained.len(), self.classes), |(row, class)| model.held_out[row].0[class]);
        let of_others = self.predict(model, others);
        let reference = [model.trained.as_slice(), others].concat();
        let mut held_out = model.held_out.clone();
        let audits = others.iter().zip(of_others.rows()).take(audits);
        held_out.extend(audits.map(|(&row, said)| (said.to_vec(), self.truth[row])));
        let input = Input {
            columns: self.columns(&reference, batch),
            reference_probabilities: concatenate![Axis(0), trained, of_others],
            batch_probabilities: self.predict(model, batch),
            reference,
            batch: batch.to_vec(),
            held_out,
        };
        let mut comparison = Comparison::new(input, seed);
        std::iter::repeat_with(|| comparison.step(&self.features)).flatten().next().expect("it ends")
    }
}

pub fn shuffled(rows: &[usize], random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.shuffle(random);
    rows
}

/// Whether so many alarms in so many runs go together with a rate of at most `rate`: a larger number has a chance below 1 in 1,000.
pub fn at_most(alarms: u64, runs: u64, rate: f64) -> bool {
    alarms == 0 || binomial_at_most(alarms - 1, runs, rate) < 0.999
}

/// And with a rate of at least `rate`.
pub fn at_least(alarms: u64, runs: u64, rate: f64) -> bool {
    binomial_at_most(alarms, runs, rate) > 0.001
}

/// The demo sentences, and the rows of each domain: product, film, restaurant.
pub fn sentences() -> (World, [Vec<usize>; 3]) {
    let encoder = TextEncoder::load(&installed("text.safetensors"), &installed("text-tokenizer.bin"));
    let encoder = encoder.expect("the installed weights");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/demo/sentences.csv");
    let mut reader = csv::Reader::from_path(path).expect("the demo");
    let mut domains = [Vec::new(), Vec::new(), Vec::new()];
    let features = Features::new(TEXT_DENSE_COLUMNS, NGRAM_COLUMNS);
    let mut world =
        World { features, truth: Vec::new(), classes: 2, kind: Kind::Text, texts: Vec::new(), looks: Vec::new() };
    for (place, row) in reader.records().enumerate() {
        let row = row.expect("id, sentiment, domain, text");
        world.features.push(encoder.encode(&row[3]));
        world.truth.push(usize::from(&row[1] == "positive"));
        world.texts.push(row[3].to_owned());
        let domain = ["product", "film", "restaurant"].iter().position(|name| *name == &row[2]).expect("a domain");
        domains[domain].push(place);
    }
    (world, domains)
}

/// 100 batches of 200 for each of two references: one of mostly other items, one that the model was trained on but for a few.
#[test]
fn another_domain_alarms_and_the_same_one_does_not() {
    let (world, [product, film, restaurant]) = sentences();
    for (name, trained, others) in [("few labels", 200, 400), ("nearly all is training data", 600, 60)] {
        let (mut runs, mut false_alarms, mut uncorrected, mut in_sample, mut others_runs, mut alarms) =
            (0, 0, 0, 0, 0, [0, 0]);
        for seed in 0..10 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let product = shuffled(&product, &mut random);
            let model = world.train(&product[..trained], seed);
            for run in 0..10 {
                let rest = shuffled(&product[trained..], &mut random);
                let (others, batch) = (&rest[..others], &rest[others..others + BATCH]);
                let report = world.compare(&model, others, 40, batch, run);
                runs += 1;
                false_alarms += u64::from(report.moved);
                // Naive: every test at 5 %.
                uncorrected += u64::from(report.tests.iter().any(|(_, test)| test.p < 0.05));
                // Naive: what the model says of its own training data.
                if run < 4 && trained == 600 {
                    let own = world.predict(&model, &model.trained);
                    let held_out =
                        own.rows().into_iter().zip(&model.held_out).map(|(row, known)| (row.to_vec(), known.1));
                    let known = Model {
                        head: model.head.clone(),
                        temperature: model.temperature,
                        trained: model.trained.clone(),
                        held_out: held_out.collect(),
                    };
                    in_sample += u64::from(world.compare(&known, others, 40, batch, run).moved);
                }
                if run < 2 {
                    others_runs += 1;
                    for (domain, alarms) in [&film, &restaurant].into_iter().zip(&mut alarms) {
                        let batch = &shuffled(domain, &mut random)[..BATCH];
                        *alarms += u64::from(world.compare(&model, others, 40, batch, run).moved);
                    }
                }
            }
        }
        println!(
            "{name}: alarms in {false_alarms} of {runs} batches of the same domain (uncorrected {uncorrected}; in-sample {in_sample} of 40), film {} and restaurant {} of {others_runs}",
            alarms[0], alarms[1]
        );
        assert!(at_most(false_alarms, runs, 0.05) && LEVEL <= 0.05, "{false_alarms} of {runs}");
        assert!(alarms.iter().all(|&alarms| at_least(alarms, others_runs, 0.95)), "{alarms:?} of {others_runs}");
        assert!(!at_most(uncorrected, runs, 0.05), "{uncorrected}");
        assert!(trained != 600 || !at_most(in_sample, 40, 0.05), "{in_sample}");
    }
}

/// Estimates for one sample, whole.
fn estimated(calibration: &Calibration, probabilities: &Array2<f32>, seed: u64) -> Estimated {
    let mut estimation = Estimation::new(probabilities, seed);
    std::iter::repeat_with(|| estimation.step(calibration, usize::MAX)).flatten().next().expect("it ends")
}

fn calibrated(model: &Model, classes: usize) -> Calibration {
    let mut fit = CalibrationFit::new(&model.held_out, classes, 0).expect("held-out rows");
    std::iter::repeat_with(|| fit.step()).flatten().next().expect("it ends")
}

/// Batches in which one class is 10, 30, 50, 70 or 90 %, what each looks like being the same.
#[test]
fn the_estimated_accuracy_holds_when_the_classes_shift() {
    let (world, _) = sentences();
    let all: Vec<usize> = (0..world.truth.len()).collect();
    let (mut errors, mut naive_errors, mut covered, mut naive_covered, mut runs) = (Vec::new(), Vec::new(), 0, 0, 0);
    for seed in 0..16 {
        let mut random = ChaCha8Rng::seed_from_u64(100 + seed);
        let rows = shuffled(&all, &mut random);
        let (trained, rest) = rows.split_at(700);
        let model = world.train(trained, seed);
        let calibration = calibrated(&model, 2);
        let (positive, negative): (Vec<usize>, Vec<usize>) = rest.iter().partition(|&&row| world.truth[row] == 1);
        for share in [0.1, 0.3, 0.5, 0.7, 0.9] {
            let count = (share * 500.0) as usize;
            let batch =
                [&shuffled(&positive, &mut random)[..count], &shuffled(&negative, &mut random)[..500 - count]].concat();
            let probabilities = world.predict(&model, &batch);
            let truth = world.accuracy(&probabilities, &batch);
            let found = estimated(&calibration, &probabilities, seed).accuracy;
            errors.push((found.estimate - truth).abs());
            covered += u64::from((found.low..=found.high).contains(&truth));
            // Naive: the mean probability of what is predicted, and the binomial's spread around it.
            let plain = probabilities.rows().into_iter().map(|row| f64::from(row[likeliest(row)])).sum::<f64>() / 500.0;
            naive_errors.push((plain - truth).abs());
            naive_covered += u64::from((plain - truth).abs() <= 1.96 * (plain * (1.0 - plain) / 500.0).sqrt());
            runs += 1;
        }
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    errors.sort_by(f64::total_cmp);
    println!(
        "label shift: mean error {:.4}, 95th percentile {:.4}, covered {covered} of {runs}; naive: {:.4}, {naive_covered}",
        mean(&errors),
        errors[errors.len() * 95 / 100],
        mean(&naive_errors)
    );
    assert!(mean(&errors) <= 0.03, "{}", mean(&errors));
    assert!(at_least(covered, runs, 0.95), "{covered} of {runs}");
    assert!(!at_least(naive_covered, runs, 0.95) && mean(&naive_errors) > mean(&errors), "{naive_covered} of {runs}");
}

/// When the same sentence is called something else, the outputs cannot tell: no alarm, and the estimate stays where it was.
#[test]
fn no_estimate_sees_that_names_have_changed() {
    let (world, [product, ..]) = sentences();
    let rows = shuffled(&product, &mut ChaCha8Rng::seed_from_u64(7));
    let model = world.train(&rows[..500], 1);
    let batch = &rows[700..900];
    let report = world.compare(&model, &rows[500..700], 100, batch, 1);
    let estimate = report.accuracy.expect("held-out rows, of its own kind");
    let swapped = 1.0 - world.accuracy(&world.predict(&model, batch), batch);
    assert!(!report.moved && estimate.low > swapped + 0.3, "{estimate:?} {swapped}");
}

/// What is done to a picture of 28 × 28 grey pixels.
type Change = fn(&image::GrayImage) -> image::GrayImage;

/// The first pictures of each class of Fashion-MNIST, as they are and changed; the n-th row of each kind is of the same picture.
fn fashion(folder: &Path, changes: &[Change], a_class: usize) -> (World, Vec<Vec<usize>>) {
    let network = Lite0::load(&installed("lite0.safetensors")).expect("the installed weights");
    let mut world = World {
        features: Features::new(EMBEDDING_COLUMNS, 0),
        truth: Vec::new(),
        classes: 10,
        kind: Kind::Image,
        texts: Vec::new(),
        looks: Vec::new(),
    };
    let mut rows = vec![Vec::new(); changes.len()];
    for (class, of_class) in sorted(&folder.join("fashion_mnist/train")).iter().filter(|path| path.is_dir()).enumerate()
    {
        for path in sorted(of_class).iter().take(a_class) {
            let picture = image::open(path).expect("a picture").into_luma8();
            for (change, rows) in changes.iter().zip(&mut rows) {
                let pixels = image::DynamicImage::ImageLuma8(change(&picture)).into_rgba8();
                let crop = crop_from_rgba(&pixels, pixels.width(), pixels.height()).expect("a crop");
                let dense = network.embed(&crop);
                rows.push(world.features.len());
                world.features.push(FeatureVector { dense, sparse: SparseRow::default() });
                world.looks.push(Looks::of(&crop, pixels.width(), pixels.height()));
                world.truth.push(class);
            }
        }
    }
    (world, rows)
}

/// `HONE_BENCH_DATA=FOLDER cargo test --release -p hone --test promises fashion -- --ignored --nocapture`, where
/// FOLDER/fashion_mnist/train has a folder of pictures for each class.
#[test]
#[ignore = "needs data that is not in the repository, and minutes"]
fn fashion_that_is_blurred_inverted_or_of_other_classes_alarms() {
    let folder = std::env::var("HONE_BENCH_DATA").expect("HONE_BENCH_DATA names the folder with the data");
    let changes: [Change; 3] = [
        Clone::clone,
        |picture| image::imageops::blur(picture, 1.0),
        |picture| {
            let mut inverted = picture.clone();
            image::imageops::invert(&mut inverted);
            inverted
        },
    ];
    let (world, rows) = fashion(Path::new(&folder), &changes, 160);
    let [plain, blurred, inverted] = &rows[..] else { panic!("three kinds of pictures") };
    let (mut runs, mut false_alarms, mut alarms, mut other_runs) = (0, 0, [0; 3], 0);
    for seed in 0..10 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let order = shuffled(&(0..plain.len()).collect::<Vec<_>>(), &mut random);
        let of = |kind: &[usize], places: &[usize]| places.iter().map(|&place| kind[place]).collect::<Vec<_>>();
        let model = world.train(&of(plain, &order[..500]), seed);
        for run in 0..20 {
            let rest = shuffled(&order[500..], &mut random);
            let (others, batch) = (of(plain, &rest[..400]), &rest[400..400 + BATCH]);
            let moved = |batch: &[usize]| u64::from(world.compare(&model, &others, 100, batch, run).moved);
            false_alarms += moved(&of(plain, batch));
            runs += 1;
            if run < 6 {
                other_runs += 1;
                // Nearly a third of the batch is of one class, which was a tenth.
                let (class, rest): (Vec<usize>, Vec<usize>) =
                    of(plain, &rest[400..]).into_iter().partition(|&row| world.truth[row] == run as usize);
                let shifted = [&class[..class.len().min(67)], &rest[..BATCH - class.len().min(67)]].concat();
                for (alarms, batch) in alarms.iter_mut().zip([of(blurred, batch), of(inverted, batch), shifted]) {
                    *alarms += moved(&batch);
                }
            }
        }
    }
    println!("same: {false_alarms} of {runs}; blurred, inverted, other shares: {alarms:?} of {other_runs}");
    assert!(at_most(false_alarms, runs, 0.05), "{false_alarms} of {runs}");
    assert!(alarms.iter().all(|&alarms| at_least(alarms, other_runs, 0.95)), "{alarms:?} of {other_runs}");
}
