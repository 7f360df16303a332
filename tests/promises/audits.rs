//! Fewer audits for the same certainty: what the probabilities of the whole pool add, and where they add nothing.
//!
//! Every item has a chance of being right, drawn from a beta distribution about the accuracy, and comes out so or not. The
//! model states this chance, or something that is worse. Audits are drawn uniformly without replacement.

use crate::prediction_powered::{PoweredAudit, powered_accuracy};
use hone::pipeline::evaluate::hypergeometric_interval;

use rand::seq::{SliceRandom, index::sample};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the model states of an item whose chance of being right is c.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stated {
    /// c.
    Calibrated,
    /// σ(2 logit c + 0.7).
    OverConfident,
    /// Another item's c.
    Uninformative,
    /// The least where c is the largest.
    Misleading,
}

const EVERY_STATED: [Stated; 4] =
    [Stated::Calibrated, Stated::OverConfident, Stated::Uninformative, Stated::Misleading];
const AUDITS: [usize; 5] = [10, 20, 40, 80, 200];

/// The stated probability of each item and whether the model is right on it.
struct Pool {
    probabilities: Vec<f64>,
    right: Vec<bool>,
}

impl Pool {
    /// `knowledge`: the share of the outcomes' variance that the chances explain.
    fn draw(random: &mut ChaCha8Rng, items: usize, accuracy: f64, knowledge: f64, stated: Stated) -> Self {
        let size = 1.0 / knowledge - 1.0;
        let chances: Vec<f64> =
            (0..items).map(|_| beta(random, accuracy * size, (1.0 - accuracy) * size).clamp(0.001, 0.999)).collect();
        let right = chances.iter().map(|&chance| random.random::<f64>() < chance).collect();
        let logit = |chance: f64| (chance / (1.0 - chance)).ln();
        let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
        let mut probabilities: Vec<f64> = chances
            .iter()
            .map(|&chance| match stated {
                Stated::OverConfident => logistic(2.0 * logit(chance) + 0.7),
                Stated::Misleading => logistic(2.0 * logit(accuracy) - logit(chance)),
                Stated::Calibrated | Stated::Uninformative => chance,
            })
            .collect();
        if stated == Stated::Uninformative {
            probabilities.shuffle(random);
        }
        Self { probabilities, right }
    }

    fn accuracy(&self) -> f64 {
        self.right.iter().filter(|&&right| right).count() as f64 / self.right.len() as f64
    }

    fn audit(&self, random: &mut ChaCha8Rng, audits: usize) -> Vec<PoweredAudit> {
        let audit = |row: usize| PoweredAudit { probability: self.probabilities[row], right: self.right[row] };
        sample(random, self.right.len(), audits).into_iter().map(audit).collect()
    }
}

/// A draw from Beta(a, b) as a ratio of two gamma draws.
fn beta(random: &mut ChaCha8Rng, a: f64, b: f64) -> f64 {
    let (first, second) = (gamma(random, a), gamma(random, b));
    first / (first + second).max(f64::MIN_POSITIVE)
}

/// A draw from the gamma distribution of this shape (Marsaglia & Tsang, 2000); of a shape below 1 by the next one's.
fn gamma(random: &mut ChaCha8Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(random, shape + 1.0) * random.random::<f64>().powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    loop {
        let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * random.random::<f64>()).cos();
        let v = (1.0 + normal / (9.0 * d).sqrt()).powi(3);
        if v > 0.0 && (1.0 - random.random::<f64>()).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// How often the intervals of one kind held the truth, and how wide they were.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    held: u32,
    runs: u32,
    width: f64,
}

impl Record {
    fn count(&mut self, (low, high): (f64, f64), truth: f64) {
        self.held += u32::from(low - 1e-9 <= truth && truth <= high + 1e-9);
        self.runs += 1;
        self.width += high - low;
    }

    fn add(&mut self, other: Self) {
        self.held += other.held;
        self.runs += other.runs;
        self.width += other.width;
    }

    fn coverage(&self) -> f64 {
        f64::from(self.held) / f64::from(self.runs)
    }

    fn mean_width(&self) -> f64 {
        self.width / f64::from(self.runs)
    }
}

/// The exact interval of the audits alone, the one with probabilities, and the normal one of PPI++.
#[derive(Debug, Clone, Copy, Default)]
struct Compared {
    exact: Record,
    powered: Record,
    normal: Record,
}

impl Compared {
    fn add(&mut self, other: Self) {
        self.exact.add(other.exact);
        self.powered.add(other.powered);
        self.normal.add(other.normal);
    }
}

fn exact_interval(audits: &[PoweredAudit], items: usize) -> (f64, f64) {
    let right = audits.iter().filter(|audit| audit.right).count() as u64;
    hypergeometric_interval(right, audits.len() as u64, items as u64, 0.95)
}

/// PPI++ as published: λ p with the λ, from 0 to 1, that minimises the variance, and ± 1.96 standard errors.
fn normal_interval(audits: &[PoweredAudit], pool: &[f64]) -> (f64, f64) {
    let count = audits.len() as f64;
    let outcomes: Vec<f64> = audits.iter().map(|audit| f64::from(u8::from(audit.right))).collect();
    let stated: Vec<f64> = audits.iter().map(|audit| audit.probability).collect();
    let (share, of_audits, of_pool) = (mean(&outcomes), mean(&stated), mean(pool));
    let products: Vec<f64> = outcomes.iter().zip(&stated).map(|(y, p)| (y - share) * (p - of_audits)).collect();
    let all: Vec<f64> = stated.iter().chain(pool).copied().collect();
    let spread = variance(&all) * all.len() as f64 / (all.len() as f64 - 1.0);
    let lambda = (mean(&products) / ((1.0 + count / pool.len() as f64) * spread)).clamp(0.0, 1.0);
    let residuals: Vec<f64> = outcomes.iter().zip(&stated).map(|(y, p)| y - lambda * p).collect();
    let half = 1.96 * (lambda * lambda * variance(pool) / pool.len() as f64 + variance(&residuals) / count).sqrt();
    let estimate = share + lambda * (of_pool - of_audits);
    (estimate - half, estimate + half)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / values.len() as f64
}

/// One audit of a pool into the records.
fn audit_once(random: &mut ChaCha8Rng, pool: &Pool, audits: usize, found: &mut Compared) {
    let truth = pool.accuracy();
    let drawn = pool.audit(random, audits);
    let powered = powered_accuracy(&drawn, &pool.probabilities).expect("audits").accuracy;
    found.powered.count((powered.low, powered.high), truth);
    found.exact.count(exact_interval(&drawn, pool.right.len()), truth);
    found.normal.count(normal_interval(&drawn, &pool.probabilities), truth);
}

/// Over `runs` pools, each audited once.
fn compare_pools(setting: (usize, f64, f64, Stated), audits: usize, runs: usize, seed: u64) -> Compared {
    let (items, accuracy, knowledge, stated) = setting;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut found = Compared::default();
    for _ in 0..runs {
        let pool = Pool::draw(&mut random, items, accuracy, knowledge, stated);
        audit_once(&mut random, &pool, audits, &mut found);
    }
    found
}

#[test]
fn the_naive_variant_is_ppi_pythons() {
    let audits: Vec<PoweredAudit> = (0..40u32)
        .map(|number| {
            let probability = 0.5 + 0.49 * f64::from(7 * number % 40) / 39.0;
            PoweredAudit { probability, right: !(number % 5 == 2 && probability < 0.85 || number == 11) }
        })
        .collect();
    let pool: Vec<f64> = (0..1000u32).map(|number| 0.5 + 0.49 * f64::from(number * number % 997) / 996.0).collect();
    // ppi_py.ppi_mean_ci(y, p, pool, alpha=0.05), ppi-python 0.2.3
    let (low, high) = normal_interval(&audits, &pool);
    assert!((low - 0.739_434_27).abs() < 1e-5 && (high - 0.960_353_47).abs() < 1e-5, "{low} {high}");
}

/// Whatever is stated, however few the audits; the normal interval of PPI++ does not even where probabilities are right.
#[test]
fn powered_intervals_cover_and_normal_ones_do_not() {
    const RUNS: usize = 160;
    for stated in EVERY_STATED {
        for audits in AUDITS {
            let mut all = Compared::default();
            for (number, accuracy) in [0.6, 0.8, 0.9, 0.97].into_iter().enumerate() {
                let found = compare_pools((300, accuracy, 0.4, stated), audits, RUNS, 40 + number as u64);
                // 160 runs of 95 % are below 90 % once in 500.
                let coverage = found.powered.coverage();
                assert!(coverage >= 0.9, "{stated:?}, {audits} of accuracy {accuracy}: {coverage}");
                all.add(found);
            }
            let (powered, normal) = (all.powered.coverage(), all.normal.coverage());
            println!("{stated:?}, {audits} audits: {powered:.3}, exact {:.3}, PPI++ {normal:.3}", all.exact.coverage());
            assert!(powered >= 0.94, "{stated:?}, {audits} audits: {powered}");
            assert!(audits > 20 || normal < 0.85, "{stated:?}, {audits} audits: {normal}");
            assert!(all.powered.mean_width() <= all.exact.mean_width());
        }
    }
}

/// Where the model knows what it does not know, a fifth of the audits and more can go; where it does not, none.
#[test]
fn audits_are_saved_as_far_as_the_model_knows_what_it_does_not_know() {
    let saved = |knowledge, stated, audits| {
        let found = compare_pools((2000, 0.8, knowledge, stated), audits, 100, 50);
        assert!(found.powered.coverage() >= 0.9, "{knowledge}, {stated:?}: {}", found.powered.coverage());
        // Widths fall as one over the root of the number.
        1.0 - (found.powered.mean_width() / found.exact.mean_width()).powi(2)
    };
    let (little, much) = (saved(0.07, Stated::Calibrated, 80), saved(0.45, Stated::Calibrated, 80));
    let nothing = saved(0.45, Stated::Uninformative, 80);
    println!("saved of 80 audits: {little:.2} of 7 % known, {much:.2} of 45 %, {nothing:.2} of another item's");
    assert!(much > 0.3 && little < 0.2 && (0.0..0.05).contains(&nothing), "{much} {little} {nothing}");
}
