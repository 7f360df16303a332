//! What a head learns from embeddings computed in integers is as accurate as what it learns from floats'.

use hone::nn::{EMBEDDING_COLUMNS, Lite0, Precision};
use hone::pipeline::features::image::{Crop, crop_from_rgba};
use hone::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use hone::pipeline::model::folds::assign_folds;
use hone::pipeline::model::logistic::{Logistic, Progress};
use hone::pipeline::model::training_set::{Scaling, TrainingSet};
use std::path::{Path, PathBuf};

/// Points of accuracy between the two at most.
const MOST_APART: f64 = 0.2;

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

/// The pictures of a folder of folders, each with its class.
fn pictures(folder: &Path) -> Vec<(Crop, usize)> {
    let mut crops = Vec::new();
    for (class, folder) in sorted(folder).iter().filter(|path| path.is_dir()).enumerate() {
        for picture in sorted(folder) {
            let pixels = image::open(&picture).expect("a picture").into_rgba8();
            crops.push((crop_from_rgba(&pixels, pixels.width(), pixels.height()).expect("a crop"), class));
        }
    }
    crops
}

fn embeddings(precision: Precision, pictures: &[(Crop, usize)]) -> Features {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("public/models/lite0.safetensors");
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. Install the weights with `cargo xtask models`.", path.display()));
    let network = Lite0::load_as(&bytes, precision).expect("the installed weights");
    let mut features = Features::new(EMBEDDING_COLUMNS, 0);
    for (crop, _) in pictures {
        features.push(FeatureVector { dense: network.embed(crop), sparse: SparseRow::default() });
    }
    features
}

/// The share of rows, in points, whose class a head names that was trained on the other folds; the mean over `seeds` ways to
/// deal the folds.
fn out_of_fold_accuracy(features: &Features, labels: &[(usize, usize)], seeds: u64) -> f64 {
    let classes = labels.iter().map(|(_, class)| class + 1).max().expect("labels");
    let set = TrainingSet::gather(features, labels, classes, Scaling::UnitSpread);
    let mut right = 0;
    for seed in 0..seeds {
        let folds = assign_folds(labels, seed);
        for fold in 0..=*folds.iter().max().expect("labels") {
            let used: Vec<bool> = folds.iter().map(|other| *other != fold).collect();
            let mut fit = Logistic::default().begin(&set, Some(&used), None).expect("two classes");
            while fit.step(&set, usize::MAX) == Progress::Working {}
            let held: Vec<usize> = (0..labels.len()).filter(|row| !used[*row]).collect();
            for (logits, row) in fit.logits(&set, &held).rows().into_iter().zip(held) {
                let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
                right += usize::from(best == Some(labels[row].1));
            }
        }
    }
    100.0 * right as f64 / (labels.len() as f64 * seeds as f64)
}

fn check(name: &str, folder: &Path, seeds: u64) {
    let pictures = pictures(folder);
    let labels: Vec<(usize, usize)> = pictures.iter().map(|(_, class)| *class).enumerate().collect();
    let [integer, float] = [Precision::Integer, Precision::Float]
        .map(|precision| out_of_fold_accuracy(&embeddings(precision, &pictures), &labels, seeds));
    println!("{name}, {} pictures: integers {integer:.2}, floats {float:.2}", pictures.len());
    assert!((integer - float).abs() <= MOST_APART, "{name}: integers {integer}, floats {float}");
}

#[test]
#[ignore = "two embeddings of every demo photo and of 2,000 pictures more take minutes; needs HONE_BENCH_DATA, see benches/README.md"]
fn integers_cost_no_accuracy() {
    check("demo photos", &Path::new(env!("CARGO_MANIFEST_DIR")).join("public/demo/photos"), 10);
    let folder = std::env::var("HONE_BENCH_DATA").expect("HONE_BENCH_DATA names the folder with the data");
    check("Fashion-MNIST", &Path::new(&folder).join("fashion_mnist/train"), 2);
}
