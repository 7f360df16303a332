//! What is said of a batch from a model's own confidence: on small batches, few labels and weak models no false alarm and no
//! comfort, and on another kind of data no figure that misses the truth.

use super::drift::{Model, World, at_least, at_most, sentences, shuffled};
use hone::pipeline::drift::judge::{Evidence, Judgement, State, acceptable_level, judge};
use hone::pipeline::drift::{NoEstimate, Report};
use hone::pipeline::evaluate::Estimate;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Rows of the batches.
const SIZES: [usize; 8] = [1, 2, 3, 5, 10, 20, 50, 200];
/// Labels that a champion is trained on.
const LABELS: [usize; 5] = [40, 60, 100, 200, 600];
/// Other items of the reference, and how many of them are audited.
const OTHERS: usize = 150;
const AUDITS: usize = 20;

/// What is counted over many batches.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    runs: u64,
    alarms: u64,
    deteriorated: u64,
    estimated: u64,
    missed: u64,
    naive_alarms: u64,
    naive_missed: u64,
}

/// The level that follows from what the reference's labels say, and the judgement.
fn judged(world: &World, model: &Model, report: &Report, batch: &[usize]) -> Judgement {
    let right = model.held_out.iter().filter(|(said, truth)| largest(said) == *truth).count();
    let mut counts = vec![0; world.classes];
    model.held_out.iter().for_each(|(_, truth)| counts[*truth] += 1);
    let most = counts.into_iter().max().unwrap_or(0) as f64 / model.held_out.len() as f64;
    let floor = acceptable_level(Estimate::of_share(right, model.held_out.len()), most);
    let items = batch.len() as u64;
    judge(&Evidence { moved: report.moved, estimate: report.accuracy, audited: None, items, floor })
}

fn largest(said: &[f32]) -> usize {
    hone::pipeline::predict::likeliest(ndarray::ArrayView1::from(said))
}

/// The estimate of before: shares of the highest likelihood, on the boundary where a weak model can hardly tell, and the
/// spread of the outcomes as far as the shares leave one.
fn naive(model: &Model, said: &Array2<f32>) -> Estimate {
    let classes = said.ncols();
    let mut source = vec![0.0; classes];
    model.held_out.iter().for_each(|(row, _)| row.iter().zip(&mut source).for_each(|(p, sum)| *sum += f64::from(*p)));
    source.iter_mut().for_each(|sum| *sum /= model.held_out.len() as f64);
    let mut shares = source.clone();
    let adjusted = |row: ndarray::ArrayView1<f32>, shares: &[f64]| -> Vec<f64> {
        let weighed: Vec<f64> =
            (0..classes).map(|class| f64::from(row[class]) * shares[class] / source[class]).collect();
        let sum: f64 = weighed.iter().sum();
        weighed.into_iter().map(|weight| weight / sum).collect()
    };
    for _ in 0..100 {
        let mut next = vec![0.0; classes];
        said.rows().into_iter().for_each(|row| {
            adjusted(row, &shares).into_iter().zip(&mut next).for_each(|(q, sum)| *sum += q / said.nrows() as f64);
        });
        shares = next;
    }
    let right = |row: ndarray::ArrayView1<f32>| adjusted(row, &shares)[hone::pipeline::predict::likeliest(row)];
    let of_rows: Vec<f64> = said.rows().into_iter().map(right).collect();
    let mean = of_rows.iter().sum::<f64>() / of_rows.len() as f64;
    let spread = of_rows.iter().map(|q| q * (1.0 - q)).sum::<f64>().sqrt() / of_rows.len() as f64;
    Estimate { estimate: mean, low: mean - 1.96 * spread, high: mean + 1.96 * spread }
}

impl Counts {
    fn add(&mut self, world: &World, model: &Model, others: &[usize], batch: &[usize], seed: u64) {
        let report = world.compare(model, others, AUDITS, batch, seed);
        let judgement = judged(world, model, &report, batch);
        let said = world.predict(model, batch);
        let truth = world.accuracy(&said, batch);
        self.runs += 1;
        self.alarms += u64::from(judgement.state > State::Healthy);
        self.deteriorated += u64::from(judgement.state == State::Deteriorated);
        if let Ok(band) = report.accuracy {
            self.estimated += 1;
            self.missed += u64::from(!(band.low..=band.high).contains(&truth));
            assert!(band.low < band.high, "no band without width: {band:?}");
        } else {
            assert!(judgement.state != State::Healthy, "{judgement:?}");
        }
        assert_eq!(batch.len() < 20, report.accuracy == Err(NoEstimate::FewItems));
        let floor = (model.held_out.iter().filter(|(row, truth)| largest(row) == *truth).count() as f64
            / model.held_out.len() as f64)
            - 0.05;
        let naive = naive(model, &said);
        self.naive_alarms += u64::from(naive.estimate < floor);
        self.naive_missed += u64::from(!(naive.low - 1e-9..=naive.high + 1e-9).contains(&truth));
    }
}

/// How often a cell of the table is tried.
fn runs(few: u64) -> u64 {
    std::env::var("HONE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(few)
}

#[test]
fn batches_of_the_reference_s_own_kind() {
    let (world, [product, ..]) = sentences();
    let mut of_sizes = [Counts::default(); SIZES.len()];
    for labels in LABELS {
        let mut of_labels = [Counts::default(); SIZES.len()];
        for seed in 0..runs(3) {
            let mut random = ChaCha8Rng::seed_from_u64(300 + seed);
            let rows = shuffled(&product, &mut random);
            let model = world.train(&rows[..labels], seed);
            for run in 0..5 {
                let rest = shuffled(&rows[labels..], &mut random);
                let (others, new) = rest.split_at(OTHERS);
                for (size, (counts, all)) in SIZES.into_iter().zip(of_labels.iter_mut().zip(&mut of_sizes)) {
                    let before = *counts;
                    counts.add(&world, &model, others, &new[..size], 1000 * seed + run);
                    all.runs += counts.runs - before.runs;
                    all.alarms += counts.alarms - before.alarms;
                    all.deteriorated += counts.deteriorated - before.deteriorated;
                    all.estimated += counts.estimated - before.estimated;
                    all.missed += counts.missed - before.missed;
                    all.naive_alarms += counts.naive_alarms - before.naive_alarms;
                    all.naive_missed += counts.naive_missed - before.naive_missed;
                }
            }
        }
        for (size, counts) in SIZES.iter().zip(&of_labels) {
            println!("{labels} labels, {size} rows: {counts:?}");
        }
    }
    for (size, counts) in SIZES.iter().zip(&of_sizes) {
        println!("all, {size} rows: {counts:?}");
        assert!(at_most(counts.alarms, counts.runs, 0.05), "{size} rows: {counts:?}");
        assert!(counts.estimated == 0 || at_most(counts.missed, counts.estimated, 0.07), "{size} rows: {counts:?}");
    }
}

#[test]
fn another_kind_of_data_gets_no_comforting_figure() {
    let (world, [product, film, restaurant]) = sentences();
    let mut all = Counts::default();
    for (labels, size) in [(40, 20), (60, 50), (100, 50), (200, 200), (600, 20), (600, 200)] {
        let mut counts = Counts::default();
        for seed in 0..runs(2) {
            let mut random = ChaCha8Rng::seed_from_u64(700 + seed);
            let rows = shuffled(&product, &mut random);
            let model = world.train(&rows[..labels], seed);
            for run in 0..4 {
                let rest = shuffled(&rows[labels..], &mut random);
                let (others, own) = rest.split_at(OTHERS);
                for (domain, share) in [(&film, 1), (&restaurant, 1), (&film, 2)] {
                    // All of it, or every second one.
                    let foreign = size / share;
                    let batch = [&shuffled(domain, &mut random)[..foreign], &own[..size - foreign]].concat();
                    counts.add(&world, &model, others, &batch, 1000 * seed + run);
                }
            }
        }
        println!("{labels} labels, {size} rows of another kind: {counts:?}");
        for (sum, one) in [
            (&mut all.runs, counts.runs),
            (&mut all.estimated, counts.estimated),
            (&mut all.missed, counts.missed),
            (&mut all.naive_missed, counts.naive_missed),
        ] {
            *sum += one;
        }
    }
    println!("{all:?}");
    assert!(all.estimated < all.runs / 2, "{all:?}");
    assert!(all.estimated == 0 || at_most(all.missed, all.estimated.max(1), 0.07), "{all:?}");
    assert!(at_least(all.naive_missed, all.runs, 0.07), "{all:?}");
}
