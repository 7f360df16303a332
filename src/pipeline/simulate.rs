//! Label-efficiency curves: what a strategy would have gained, replayed on labelled data.

use crate::pipeline::features::matrix::Features;
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

/// Replays labelling: ask a batch, learn from the true classes, measure, until the budget is spent. The model is
/// polished before each measurement; there are no audits. While only one class has labels, it is what is predicted.
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

    let mut learner = Learner::new(classes, LearnerConfig { seed, ..LearnerConfig::default() });
    let mut ranker = Ranker::new(seed);
    let mut labelled: Vec<usize> = Vec::new();
    let mut unlabelled: Vec<usize> = (0..pool.len()).collect();
    let mut curve = Curve::default();
    let budget = simulation.budget.min(pool.len());
    while labelled.len() < budget {
        let want = simulation.batch.max(1).min(budget - labelled.len());
        ranker.begin(strategy, &pool, learner.probabilities(), &labelled, &unlabelled, want);
        let ranked = loop {
            if let Some(ranked) = ranker.step(&pool) {
                break ranked;
            }
        };
        labelled.extend(ranked.iter().map(|ranked| ranked.row));
        unlabelled.retain(|row| !labelled.contains(row));
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
