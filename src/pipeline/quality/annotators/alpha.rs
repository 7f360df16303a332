//! Krippendorff's α: how far any number of annotators agree beyond chance, whoever left out what.

use super::answers::{Answers, Undefined};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::evaluate::bootstrap::middle_of;
use crate::pipeline::evaluate::interval::binomial_upper_bound;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples: enough for the ends of a 95 % interval to be stable to about a twentieth of its width.
const REPLICATES: usize = 600;
/// Additions of one [`AlphaBootstrap::step`]: below 20 ms of wasm.
const SLICE_WORK: usize = 4 << 20;
/// What drawing one item costs, in additions.
const DRAW_COST: usize = 8;

/// α of all annotators.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alpha {
    /// Items with at least two answers; others say nothing about agreement.
    pub items: usize,
    /// Answers about these.
    pub answers: usize,
    /// α: 1 is full agreement, 0 what chance brings, negative if they differ more than by chance. With its 95 % interval, see
    /// [`AlphaBootstrap`].
    pub alpha: Estimate,
}

/// What α is computed from; sums over items, so that a resample is a sum as well.
#[derive(Debug, Clone, Default)]
struct Sums {
    /// Answers of each class, about items with at least two.
    per_class: Vec<f64>,
    /// Σ over items of Σ over classes m_c(m_c − 1)/(m − 1), where m_c of an item's m answers name class c: the answers that
    /// agree, the diagonal of Krippendorff's coincidence matrix.
    alike: f64,
}

impl Sums {
    /// 1 − D_o/D_e = 1 − (n − 1)(n − alike)/(n² − Σ n_c²); `None` if one class has all answers.
    fn alpha(&self) -> Option<f64> {
        let n: f64 = self.per_class.iter().sum();
        let unlike_by_chance = n * n - self.per_class.iter().map(|count| count * count).sum::<f64>();
        (unlike_by_chance > 0.0).then(|| 1.0 - (n - 1.0) * (n - self.alike) / unlike_by_chance)
    }
}

/// Krippendorff's α for nominal data ("Computing Krippendorff's Alpha-Reliability", 2011), without an interval.
///
/// # Errors
/// If no item has two answers, or all that have name one class.
pub fn alpha(answers: &Answers) -> Result<f64, Undefined> {
    Pairable::of(answers).sums.alpha().ok_or(undefined(answers))
}

fn undefined(answers: &Answers) -> Undefined {
    match (0..answers.items.len()).any(|item| answers.of(item).len() > 1) {
        true => Undefined::OneClass,
        false => Undefined::NoOverlap,
    }
}

/// The items with at least two answers.
#[derive(Debug, Clone)]
struct Pairable {
    /// The classes named, item after item.
    classes: Vec<u32>,
    /// Of each item, where its answers begin; one more entry at the end.
    starts: Vec<usize>,
    /// Of each item, what it adds to [`Sums::alike`].
    alike: Vec<f64>,
    /// Over all of them.
    sums: Sums,
}

impl Pairable {
    fn of(answers: &Answers) -> Self {
        let mut all = Self {
            classes: Vec::new(),
            starts: vec![0],
            alike: Vec::new(),
            sums: Sums { per_class: vec![0.0; answers.classes.len()], alike: 0.0 },
        };
        let mut counts = vec![0.0; answers.classes.len()];
        for item in 0..answers.items.len() {
            let votes = answers.of(item);
            if votes.len() < 2 {
                continue;
            }
            for vote in votes {
                counts[vote.class] += 1.0;
                all.sums.per_class[vote.class] += 1.0;
                all.classes.push(vote.class as u32);
            }
            // Σ m_c(m_c − 1) over classes is Σ (m_c − 1) over answers.
            let alike: f64 = votes.iter().map(|vote| counts[vote.class] - 1.0).sum();
            all.alike.push(alike / (votes.len() - 1) as f64);
            votes.iter().for_each(|vote| counts[vote.class] = 0.0);
            all.starts.push(all.classes.len());
        }
        all.sums.alike = all.alike.iter().sum();
        all
    }

    fn items(&self) -> usize {
        self.alike.len()
    }
}

/// α with its 95 % interval, in slices: items are drawn anew with replacement (Efron's bootstrap), each with all of its
/// answers. Resamples in which all answers name one class say nothing and are left out.
///
/// Where nobody ever differed, every resample would say 1. There the low end is that of the exact bound of the share of
/// items that are answered differently (Clopper–Pearson), each such item as unlike as can be.
#[derive(Debug, Clone)]
pub struct AlphaBootstrap {
    pairable: Pairable,
    alpha: f64,
    unanimous: bool,
    random: ChaCha8Rng,
    drawn: usize,
    found: Vec<f64>,
}

impl AlphaBootstrap {
    /// Starts.
    ///
    /// # Errors
    /// As [`alpha`].
    pub fn new(answers: &Answers, seed: u64) -> Result<Self, Undefined> {
        let pairable = Pairable::of(answers);
        let alpha = pairable.sums.alpha().ok_or(undefined(answers))?;
        // An item whose m answers are alike adds m(m − 1)/(m − 1), which is m without rounding; so are sums of these.
        let unanimous = pairable.sums.alike >= pairable.classes.len() as f64;
        let random = ChaCha8Rng::seed_from_u64(seed);
        Ok(Self { pairable, alpha, unanimous, random, drawn: 0, found: Vec::new() })
    }

    /// Computes for some milliseconds; the result when it is done.
    pub fn step(&mut self) -> Option<Alpha> {
        let items = self.pairable.items();
        let cost = items * DRAW_COST + self.pairable.classes.len();
        for _ in 0..(SLICE_WORK / cost).max(1) {
            if self.unanimous || self.drawn == REPLICATES {
                return Some(self.result());
            }
            self.drawn += 1;
            let resampled = self.resample();
            self.found.extend(resampled);
        }
        None
    }

    fn resample(&mut self) -> Option<f64> {
        let all = &self.pairable;
        let mut sums = Sums { per_class: vec![0.0; all.sums.per_class.len()], alike: 0.0 };
        for _ in 0..all.items() {
            let item = self.random.random_range(0..all.items());
            sums.alike += all.alike[item];
            for &class in &all.classes[all.starts[item]..all.starts[item + 1]] {
                sums.per_class[class as usize] += 1.0;
            }
        }
        sums.alpha()
    }

    fn result(&mut self) -> Alpha {
        let (items, answers) = (self.pairable.items(), self.pairable.classes.len());
        let (low, high) = if self.found.is_empty() {
            let n = answers as f64;
            let chance = self.pairable.sums.per_class.iter().map(|count| count * count).sum::<f64>();
            let unlike_by_chance = (n * n - chance) / (n * (n - 1.0));
            let unlike = binomial_upper_bound(0, items as u64, 0.025);
            ((1.0 - unlike / unlike_by_chance).max(-1.0), 1.0)
        } else {
            self.found.sort_by(f64::total_cmp);
            middle_of(&self.found, 0.95)
        };
        // A lopsided bootstrap may miss the estimate itself by a hair.
        let alpha = Estimate { estimate: self.alpha, low: low.min(self.alpha), high: high.max(self.alpha) };
        Alpha { items, answers, alpha }
    }
}

/// [`AlphaBootstrap`] to its end.
///
/// # Errors
/// As [`alpha`].
pub fn krippendorff_alpha(answers: &Answers, seed: u64) -> Result<Alpha, Undefined> {
    let mut bootstrap = AlphaBootstrap::new(answers, seed)?;
    loop {
        if let Some(alpha) = bootstrap.step() {
            return Ok(alpha);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::from_table;
    use super::*;

    fn table(rows: &[&[i64]]) -> Answers {
        from_table(rows.iter().copied())
    }

    /// Krippendorff 2011, section C: "nominal data, any number of observers, missing data".
    #[test]
    fn the_published_example() {
        const NONE: i64 = -1;
        let by_observer = [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
            [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
        ];
        let rows: Vec<Vec<i64>> = (0..12).map(|item| by_observer.iter().map(|row| row[item]).collect()).collect();
        let answers = from_table(rows.iter().map(Vec::as_slice));
        assert!((alpha(&answers).unwrap() - 0.743).abs() < 5e-4);
        let found = krippendorff_alpha(&answers, 1).unwrap();
        // The last item has one answer.
        assert_eq!((found.items, found.answers), (11, 40));
        assert!(found.alpha.low < 0.6 && found.alpha.high > 0.85, "{found:?}");
        assert_eq!(krippendorff_alpha(&answers, 1), Ok(found));
        assert_ne!(krippendorff_alpha(&answers, 2), Ok(found));
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        assert_eq!(alpha(&table(&[])), Err(Undefined::NoOverlap));
        assert_eq!(alpha(&table(&[&[0, -1], &[-1, 1]])), Err(Undefined::NoOverlap));
        assert_eq!(alpha(&table(&[&[0, 0], &[-1, 1]])), Err(Undefined::OneClass));
        assert_eq!(krippendorff_alpha(&table(&[&[0, 0]]), 1), Err(Undefined::OneClass));
    }

    #[test]
    fn a_few_alike_answers_are_no_certainty() {
        let few = krippendorff_alpha(&table(&[&[0, 0], &[1, 1], &[1, 1, 1]]), 1).unwrap().alpha;
        assert!(few.estimate == 1.0 && few.high == 1.0 && few.low < 0.0, "{few:?}");
        let rows: Vec<&[i64]> = (0..300).map(|item| if item % 2 == 0 { &[0, 0][..] } else { &[1, 1, 1] }).collect();
        assert!(krippendorff_alpha(&table(&rows), 1).unwrap().alpha.low > 0.95);
    }

    /// Annotators that say the truth with probability a, else any class: α = a².
    #[test]
    fn the_interval_covers_the_truth() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let (accuracy, trials) = (0.8, 300);
        let covered = (0..trials)
            .filter(|&trial| {
                let rows: Vec<Vec<i64>> = (0..80)
                    .map(|_| {
                        let truth = random.random_range(0..3);
                        let mut say = || match (random.random_bool(0.3), random.random_bool(accuracy)) {
                            (true, _) => -1,
                            (_, true) => truth,
                            _ => random.random_range(0..3),
                        };
                        vec![say(), say(), say(), say()]
                    })
                    .collect();
                let alpha = krippendorff_alpha(&from_table(rows.iter().map(Vec::as_slice)), trial).unwrap().alpha;
                (alpha.low..=alpha.high).contains(&(accuracy * accuracy))
            })
            .count();
        // 285 promised for large samples; 4 standard deviations of the binomial are 15.
        assert!(covered >= 268, "{covered} of {trials}");
    }
}
