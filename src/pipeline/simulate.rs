//! Label-efficiency curves: what a strategy would have gained, replayed on labelled data.

use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::Kind;
use crate::pipeline::predict::likeliest;
use crate::pipeline::rank::{Ranker, Strategy};
use crate::pipeline::train::{Learner, LearnerConfig};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is replayed.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// The pool to label from; without `test`, the held-out rows as well.
    pub features: &'a Features,
    /// The true class of each row.
    pub targets: &'a [usize],
    /// K.
    pub classes: usize,
    /// Rows to measure on, and their true classes. `None`: a stratified third of the rows is held out.
    pub test: Option<(&'a Features, &'a [usize])>,
    /// Decides how the model is trained.
    pub kind: Kind,
    /// What is asked first.
    pub strategy: Strategy,
    /// Labels in all; fewer if the pool is smaller.
    pub budget: usize,
    /// Labels between two polishes, at least 1.
    pub batch: usize,
    /// Decides the split, the folds and all draws.
    pub seed: u64,
}

/// Accuracy against the number of labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Labels given, ascending, one entry a batch.
    pub labels: Vec<usize>,
    /// The share of test rows predicted right, 0 to 1.
    pub accuracy: Vec<f64>,
}

/// Replays labelling as the app does it: after each label the at-once update and a new ranking, after each batch a
/// polish and a measurement, until the budget is spent. There are no audits. While only one class has labels, it is
/// what is predicted.
pub fn simulate(simulation: &Simulation) -> Curve {
    let Simulation { features, targets, classes, strategy, seed, .. } = *simulation;
    let (pool_rows, held_out) = match simulation.test {
        Some(_) => ((0..features.len()).collect(), Vec::new()),
        None => stratified_third(targets, classes, seed),
    };
    let pool = features.select(&pool_rows);
    let pool_targets: Vec<usize> = pool_rows.iter().map(|&row| targets[row]).collect();
    let held_out_targets: Vec<usize> = held_out.iter().map(|&row| targets[row]).collect();
    let held_out = features.select(&held_out);
    let (test, test_targets) = simulation.test.unwrap_or((&held_out, &held_out_targets));

    let mut learner = Learner::new(classes, LearnerConfig::for_kind(simulation.kind, seed));
    let mut ranker = Ranker::new(seed);
    let mut labelled: Vec<usize> = Vec::new();
    let mut unlabelled: Vec<usize> = (0..pool.len()).collect();
    let mut curve = Curve::default();
    let budget = simulation.budget.min(pool.len());
    while labelled.len() < budget {
        let batch_ends = budget.min(labelled.len() + simulation.batch.max(1));
        while labelled.len() < batch_ends {
            // What chance asks does not depend on what was learnt, so a whole batch can be asked at once.
            let want = if strategy == Strategy::Random { batch_ends - labelled.len() } else { 1 };
            ranker.begin(strategy, &pool, learner.probabilities(), &labelled, &unlabelled, want);
            let ranked = loop {
                if let Some(ranked) = ranker.step(&pool) {
                    break ranked;
                }
            };
            let asked: Vec<usize> = ranked.iter().map(|ranked| ranked.row).collect();
            unlabelled.retain(|row| !asked.contains(row));
            labelled.extend(&asked);
            if labelled.len() < batch_ends {
                for row in asked {
                    learner.observe(&pool, row, pool_targets[row]);
                }
            }
        }
        learner.set_labels(labelled.iter().map(|&row| (row, pool_targets[row])).collect());
        while learner.polish_due() {
            learner.step(&pool);
        }
        curve.labels.push(labelled.len());
        let only_class = pool_targets[labelled[0]];
        curve.accuracy.push(share_right(&learner, test, test_targets, only_class));
    }
    curve
}

fn share_right(learner: &Learner, test: &Features, targets: &[usize], only_class: usize) -> f64 {
    let right = match learner.head() {
        Some(head) => {
            let logits = head.logits(test);
            logits.rows().into_iter().zip(targets).filter(|(row, target)| likeliest(*row) == **target).count()
        }
        None => targets.iter().filter(|&&target| target == only_class).count(),
    };
    right as f64 / targets.len().max(1) as f64
}

/// (pool, test): of each class a third of the rows, rounded at random so that the sizes are right on average.
pub fn stratified_third(targets: &[usize], classes: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut pool, mut test) = (Vec::new(), Vec::new());
    for class in 0..classes {
        let mut rows: Vec<usize> = (0..targets.len()).filter(|&row| targets[row] == class).collect();
        rows.shuffle(&mut random);
        let third = rows.len() as f64 / 3.0;
        let count = third.floor() as usize + usize::from(random.random::<f64>() < third.fract());
        test.extend(&rows[..count]);
        pool.extend(&rows[count..]);
    }
    pool.sort_unstable();
    test.sort_unstable();
    (pool, test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};

    fn digits(text: &str) -> (Features, Vec<usize>) {
        let mut features = Features::new(64, 0);
        let mut targets = Vec::new();
        for line in text.lines() {
            let mut numbers = line.split(',').map(|cell| cell.parse::<f32>().expect("a number"));
            targets.push(numbers.next().expect("a class") as usize);
            features.push(FeatureVector { dense: numbers.collect(), sparse: SparseRow::default() });
        }
        (features, targets)
    }

    /// Mean accuracy over seeds, one entry a batch.
    fn mean_curve(data: &(Features, Vec<usize>), strategy: Strategy, budget: usize, batch: usize, seeds: u64) -> Curve {
        let (features, targets) = data;
        let mut mean = Curve::default();
        for seed in 0..seeds {
            let curve = simulate(&Simulation {
                features,
                targets,
                classes: 10,
                test: None,
                kind: Kind::Image,
                strategy,
                budget,
                batch,
                seed,
            });
            mean.labels = curve.labels;
            mean.accuracy.resize(mean.labels.len(), 0.0);
            for (sum, accuracy) in mean.accuracy.iter_mut().zip(curve.accuracy) {
                *sum += accuracy / seeds as f64;
            }
        }
        mean
    }

    #[test]
    fn herding_beats_random_clearly() {
        let data = digits(include_str!("../../tests/golden/learn/digits.csv"));
        let random = mean_curve(&data, Strategy::Random, 40, 10, 6);
        let herding = mean_curve(&data, Strategy::Herding, 40, 10, 6);
        assert_eq!(herding.labels, [10, 20, 30, 40]);
        for ((labels, herding), random) in herding.labels.iter().zip(&herding.accuracy).zip(&random.accuracy) {
            assert!(herding > &(random + 0.04), "{labels} labels: herding {herding:.3}, random {random:.3}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_curve() {
        let data = digits(include_str!("../../tests/golden/learn/digits.csv"));
        for strategy in [Strategy::Random, Strategy::Margin, Strategy::Herding] {
            let curve = |seeds| mean_curve(&data, strategy, 20, 7, seeds);
            assert_eq!(curve(1), curve(1));
            assert_eq!(curve(1).labels, [7, 14, 20]);
        }
    }

    #[test]
    fn a_third_of_every_class_is_held_out() {
        let targets: Vec<usize> = (0..90).map(|row| usize::from(row % 3 == 0)).collect();
        let (pool, test) = stratified_third(&targets, 2, 4);
        assert_eq!((pool.len(), test.len()), (60, 30));
        assert_eq!(test.iter().filter(|&&row| targets[row] == 1).count(), 10);
        assert!(test.iter().all(|row| !pool.contains(row)));
    }

    /// The table behind the defaults: `HONE_DIGITS=digits.csv cargo test --no-default-features --lib simulate -- --ignored
    /// --nocapture`, with all 1,797 digits in the layout of `tests/golden/learn/digits.csv`.
    #[test]
    #[ignore = "a measurement"]
    fn table_of_strategies() {
        let path = std::env::var("HONE_DIGITS").expect("HONE_DIGITS names a file");
        let data = digits(&std::fs::read_to_string(path).expect("readable"));
        for strategy in [Strategy::Random, Strategy::Margin, Strategy::Herding] {
            let start = std::time::Instant::now();
            let curve = mean_curve(&data, strategy, 100, 5, 12);
            let at = |labels: usize| curve.accuracy[labels / 5 - 1];
            println!(
                "{strategy:?}: 10 {:.3}, 20 {:.3}, 50 {:.3}, 100 {:.3} ({:?})",
                at(10),
                at(20),
                at(50),
                at(100),
                start.elapsed()
            );
        }
    }
}
