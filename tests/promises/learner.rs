//! A small classification task and Hone's own head on it.

use hone::pipeline::evaluate::WeighedLoss;
use hone::pipeline::features::matrix::{FeatureVector, Features, SparseRow};
use hone::pipeline::model::calibration::{PRIOR_DEVIATION, fit_temperature};
use hone::pipeline::model::linear::Linear;
use hone::pipeline::model::logistic::Logistic;
use hone::pipeline::model::training_set::{Scaling, TrainingSet};
use hone::pipeline::predict::{TopTwo, likeliest, softmax};
use hone::pipeline::triage::OutOfFold;
use ndarray::Array2;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

pub const CLASSES: usize = 3;

/// Items in overlapping classes.
pub struct Task {
    pub features: Features,
    pub targets: Vec<usize>,
}

/// `items` of three equally likely classes, normal around corners that lie `apart` from the origin, in 4 dimensions.
pub fn draw_task(random: &mut ChaCha8Rng, items: usize, apart: f32) -> Task {
    let mut features = Features::new(4, 0);
    let targets: Vec<usize> = (0..items).map(|_| random.random_range(0..CLASSES)).collect();
    for &target in &targets {
        let coordinate = |column| normal(random) + if column == target { apart } else { 0.0 };
        features.push(FeatureVector { dense: (0..4).map(coordinate).collect(), sparse: SparseRow::default() });
    }
    Task { features, targets }
}

/// The sum of twelve uniform numbers, centred: variance 1, and normal enough.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
}

impl Task {
    /// The head fitted to `labelled` rows, but for those where `left_out`.
    pub fn fit(&self, labelled: &[usize], start: Option<&Linear>) -> Option<Linear> {
        let labels: Vec<(usize, usize)> = labelled.iter().map(|&row| (row, self.targets[row])).collect();
        Logistic::default().fit(&TrainingSet::gather(&self.features, &labels, CLASSES, Scaling::AsGiven), start)
    }

    pub fn is_right(&self, logits: &Array2<f32>, row: usize) -> bool {
        likeliest(logits.row(row)) == self.targets[row]
    }

    /// Five-fold out-of-fold logits of the labelled rows, in their order.
    pub fn out_of_fold_logits(&self, labelled: &[usize]) -> Array2<f32> {
        let mut logits = Array2::zeros((labelled.len(), CLASSES));
        for fold in 0..5 {
            let kept: Vec<usize> =
                (0..labelled.len()).filter(|place| place % 5 != fold).map(|place| labelled[place]).collect();
            let head = self.fit(&kept, None).expect("several classes");
            for place in (fold..labelled.len()).step_by(5) {
                logits.row_mut(place).assign(&head.logits_of_row(&self.features, labelled[place]));
            }
        }
        logits
    }

    /// The labelled rows as triage sees them, and the temperature.
    pub fn out_of_fold(&self, labelled: &[usize]) -> (Vec<OutOfFold>, f64) {
        let logits = self.out_of_fold_logits(labelled);
        let targets: Vec<usize> = labelled.iter().map(|&row| self.targets[row]).collect();
        let temperature = fit_temperature(&logits, &targets, PRIOR_DEVIATION);
        (predictions(&softmax(&logits, temperature), &targets), temperature)
    }
}

/// Rows of probabilities as triage sees them.
pub fn predictions(probabilities: &Array2<f32>, targets: &[usize]) -> Vec<OutOfFold> {
    let row = |(row, &target): (ndarray::ArrayView1<f32>, &usize)| {
        let top = TopTwo::of(row);
        OutOfFold { class: top.first, probability: top.first_probability, right: top.first == target }
    };
    probabilities.rows().into_iter().zip(targets).map(row).collect()
}

/// How one project ended.
pub struct Labelled {
    /// In the order drawn, by the last model.
    pub audits: Vec<WeighedLoss>,
    pub undecided: usize,
    /// Share of training labels predicted right out of fold.
    pub out_of_fold: f64,
    pub labels: usize,
    /// The accuracy on audits and undecided items.
    pub truth: f64,
}

/// A person labels what the model is least sure of; `share` of the requests are audits, drawn as Hone draws them. The
/// model is refitted every 15 labels.
pub fn label_the_uncertain(random: &mut ChaCha8Rng, task: &Task, labels: usize, share: f64) -> Labelled {
    let mut undecided: Vec<usize> = (0..task.targets.len()).collect();
    undecided.shuffle(random);
    let (mut labelled, mut audited) = (Vec::new(), Vec::new());
    let mut head = None;
    // By ascending margin, best last.
    let mut queue: Vec<usize> = undecided.clone();
    while labelled.len() < labels {
        if random.random::<f64>() < share {
            let probability = 1.0 / undecided.len() as f64;
            audited.push((undecided.swap_remove(random.random_range(0..undecided.len())), probability));
            continue;
        }
        let next = loop {
            let next = queue.pop().expect("items are left");
            if undecided.contains(&next) {
                break next;
            }
        };
        undecided.retain(|&row| row != next);
        labelled.push(next);
        if labelled.len() % 15 == 0 {
            head = task.fit(&labelled, head.as_ref());
            if let Some(head) = &head {
                let logits = head.logits(&task.features);
                let uncertainty = |row: usize| TopTwo::of(softmax_row(&logits, row).row(0)).uncertainty();
                let mut ranked: Vec<(f32, usize)> = undecided.iter().map(|&row| (uncertainty(row), row)).collect();
                ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
                queue = ranked.into_iter().map(|ranked| ranked.1).collect();
            }
        }
    }
    let logits = task.fit(&labelled, head.as_ref()).expect("several classes").logits(&task.features);
    let held_out = task.out_of_fold_logits(&labelled);
    let held_out_right =
        (0..labelled.len()).filter(|&place| likeliest(held_out.row(place)) == task.targets[labelled[place]]);
    let loss = |row| f64::from(u8::from(!task.is_right(&logits, row)));
    let everything: Vec<usize> = audited.iter().map(|audit| audit.0).chain(undecided.iter().copied()).collect();
    Labelled {
        audits: audited.iter().map(|&(row, probability)| WeighedLoss { loss: loss(row), probability }).collect(),
        undecided: undecided.len(),
        out_of_fold: held_out_right.count() as f64 / labelled.len() as f64,
        labels: labelled.len(),
        truth: 1.0 - everything.iter().map(|&row| loss(row)).sum::<f64>() / everything.len() as f64,
    }
}

fn softmax_row(logits: &Array2<f32>, row: usize) -> Array2<f32> {
    softmax(&logits.select(ndarray::Axis(0), &[row]), 1.0)
}
