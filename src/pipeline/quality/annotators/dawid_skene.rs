//! What annotators say together: each one's reliability and the items' true classes, estimated at once.

use super::answers::Answers;
use crate::pipeline::item::ContentHash;
use ndarray::{Array2, Array3, s};

/// Multiply-adds of one [`DawidSkene::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 8 << 20;
/// What one logarithm or exponential costs, in multiply-adds.
const EXPONENTIAL_COST: usize = 16;
/// No probability counts as smaller than this, so that a class nobody confused yet is not impossible for ever.
const LEAST: f64 = 1e-10;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DawidSkeneSettings {
    /// At most so many iterations, at least 1.
    pub iterations: usize,
    /// Stop once an iteration raises the bound by less than this per answer.
    pub tolerance: f64,
}

impl Default for DawidSkeneSettings {
    /// crowd-kit's.
    fn default() -> Self {
        Self { iterations: 100, tolerance: 1e-5 }
    }
}

/// The outcome. Items, annotators and classes are those of the [`Answers`], in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct DawidSkeneFit {
    /// Items × classes: the probability that the item is of the class. Rows sum to 1.
    pub posteriors: Array2<f64>,
    /// How frequent each class is: the mean of the posteriors.
    pub priors: Vec<f64>,
    /// Annotators × true class × answer: how often an annotator answers so about an item of that class. Rows sum to 1; answers
    /// that an annotator never gave have probability 0.
    pub confusion: Array3<f64>,
    /// Iterations done.
    pub iterations: usize,
}

impl DawidSkeneFit {
    /// The likeliest class and its probability; of equals, the first.
    pub fn likeliest(&self, item: usize) -> (usize, f64) {
        likeliest(self.posteriors.row(item).iter().copied())
    }

    /// The likeliest class of an item by all answers but one annotator's, by the estimated reliabilities; `None` if nobody
    /// else answered.
    pub fn likeliest_without(&self, answers: &Answers, item: usize, annotator: usize) -> Option<usize> {
        let mut log_likelihoods: Vec<f64> = self.priors.iter().map(|&prior| prior.max(LEAST).ln()).collect();
        let mut others = 0;
        for vote in answers.of(item).iter().filter(|vote| vote.annotator != annotator) {
            others += 1;
            for (truth, sum) in log_likelihoods.iter_mut().enumerate() {
                *sum += self.confusion[[vote.annotator, truth, vote.class]].ln();
            }
        }
        (others > 0).then(|| likeliest(log_likelihoods).0)
    }

    /// The outcome in words, by item.
    pub fn consensus(&self, answers: &Answers) -> Vec<Consensus> {
        let of_item = |item: usize| {
            let (class, probability) = self.likeliest(item);
            Consensus {
                item: answers.items[item],
                class: answers.classes[class].clone(),
                probability,
                majority: answers.majority(item).map(|class| answers.classes[class].clone()),
            }
        };
        (0..answers.items.len()).map(of_item).collect()
    }
}

/// What all annotators together say about one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Consensus {
    /// Which.
    pub item: ContentHash,
    /// The key of the likeliest class; of equally likely ones, the first key.
    pub class: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
    /// The class that more annotators named than any other; `None` on a tie.
    pub majority: Option<String>,
}

fn likeliest(values: impl IntoIterator<Item = f64>) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (class, value) in values.into_iter().enumerate() {
        if value > best.1 {
            best = (class, value);
        }
    }
    best
}

/// Expectation–maximisation after Dawid & Skene ("Maximum Likelihood Estimation of Observer Error-Rates Using the EM
/// Algorithm", 1979), in slices.
///
/// It starts from the shares of the votes. Each iteration estimates the classes of the items from reliabilities and class
/// frequencies, and then these from the classes. It follows crowd-kit's `DawidSkene` to the letter, and so stops where that
/// one does: after so many iterations, or once the evidence lower bound, divided by the number of answers, rises by less than
/// the tolerance. In that bound the class's frequency counts once an answer, not once an item; so it may even fall, which
/// ends the fit, too. Probabilities are floored at 1e-10, those of a confusion matrix before its rows are normalised.
///
/// Deterministic; the order of the opinions plays no part. Reliabilities of annotators with a handful of answers are fitted
/// to these: with few answers the majority may be the better judge.
#[derive(Debug, Clone)]
pub struct DawidSkene {
    settings: DawidSkeneSettings,
    answers: Answers,
    /// Classes as estimated by the latest iteration, items × classes.
    posteriors: Array2<f64>,
    /// The next iteration's, as far as they are known.
    next: Array2<f64>,
    /// Logarithms of the class frequencies that follow from `posteriors`.
    log_priors: Vec<f64>,
    /// Logarithms of the confusion matrices that follow from `posteriors`, annotators × answer × true class.
    log_confusion: Array3<f64>,
    /// Of `next`: what the annotators answered, summed by class, annotators × answer × true class.
    counts: Array3<f64>,
    /// The bound under `posteriors`, summed over the items passed so far.
    bound: f64,
    previous_bound: f64,
    iteration: usize,
    next_item: usize,
}

impl DawidSkene {
    /// Starts; `None` without answers.
    pub fn new(answers: &Answers, settings: DawidSkeneSettings) -> Option<Self> {
        let (items, classes) = (answers.items.len(), answers.classes.len());
        if items == 0 {
            return None;
        }
        let shape = (answers.annotators.len(), classes, classes);
        let mut posteriors = Array2::zeros((items, classes));
        for item in 0..items {
            let votes = answers.of(item);
            for vote in votes {
                posteriors[[item, vote.class]] += 1.0;
            }
            posteriors.row_mut(item).mapv_inplace(|count: f64| count / votes.len() as f64);
        }
        let mut machine = Self {
            settings,
            answers: answers.clone(),
            next: posteriors,
            posteriors: Array2::zeros((items, classes)),
            log_priors: vec![0.0; classes],
            log_confusion: Array3::zeros(shape),
            counts: Array3::zeros(shape),
            bound: 0.0,
            previous_bound: f64::NEG_INFINITY,
            iteration: 0,
            next_item: 0,
        };
        for item in 0..items {
            machine.count(item);
        }
        machine.adopt_next();
        Some(machine)
    }

    /// Computes for some milliseconds; the outcome when it is done.
    pub fn step(&mut self) -> Option<DawidSkeneFit> {
        let classes = self.answers.classes.len();
        let mut work = 0;
        while work < SLICE_WORK {
            if self.next_item == self.answers.items.len() {
                if self.has_converged() {
                    return Some(self.outcome());
                }
                self.adopt_next();
                self.iteration += 1;
                self.next_item = 0;
                work += self.counts.len() * EXPONENTIAL_COST;
            }
            let item = self.next_item;
            self.pass(item);
            self.count(item);
            self.next_item += 1;
            work += classes * (3 * self.answers.of(item).len() + 3 * EXPONENTIAL_COST);
        }
        None
    }

    /// One item: its part of the bound under the present estimates, and its classes as the next iteration has them.
    fn pass(&mut self, item: usize) {
        let votes = self.answers.of(item);
        let now = self.posteriors.row(item);
        let mut next = self.next.row_mut(item);
        next.fill(0.0);
        for vote in votes {
            let log_confusion = self.log_confusion.slice(s![vote.annotator, vote.class, ..]);
            next.zip_mut_with(&log_confusion, |sum, log| *sum += log);
        }
        for ((likelihood, &probability), &log_prior) in next.iter_mut().zip(&now).zip(&self.log_priors) {
            let floored = probability.max(LEAST);
            self.bound += probability * (*likelihood + votes.len() as f64 * log_prior) - floored * floored.ln();
            *likelihood += log_prior;
        }
        let most = next.fold(f64::NEG_INFINITY, |most, &value| most.max(value));
        next.mapv_inplace(|value| (value - most).exp());
        let sum = next.sum();
        next.mapv_inplace(|value| value / sum);
    }

    /// Adds one item of `next` to the counts.
    fn count(&mut self, item: usize) {
        let classes = self.next.row(item);
        for vote in self.answers.of(item) {
            let mut counts = self.counts.slice_mut(s![vote.annotator, vote.class, ..]);
            counts += &classes;
        }
    }

    fn has_converged(&mut self) -> bool {
        if self.iteration == 0 {
            return false;
        }
        let bound = self.bound / self.answers.votes().len() as f64;
        let gain = bound - self.previous_bound;
        self.previous_bound = bound;
        gain < self.settings.tolerance || self.iteration >= self.settings.iterations
    }

    /// The next iteration becomes the present one: frequencies and confusion matrices follow from it.
    fn adopt_next(&mut self) {
        std::mem::swap(&mut self.posteriors, &mut self.next);
        let items = self.answers.items.len() as f64;
        for (log_prior, column) in self.log_priors.iter_mut().zip(self.posteriors.columns()) {
            *log_prior = (column.sum() / items).max(LEAST).ln();
        }
        for (mut log_confusion, counts) in self.log_confusion.outer_iter_mut().zip(self.counts.outer_iter()) {
            log_confusion.assign(&confusion(&counts.to_owned()));
            log_confusion.mapv_inplace(f64::ln);
        }
        self.counts.fill(0.0);
        self.bound = 0.0;
    }

    fn outcome(&self) -> DawidSkeneFit {
        let mut posteriors = self.posteriors.clone();
        posteriors.mapv_inplace(|probability| probability.max(LEAST));
        for mut row in posteriors.rows_mut() {
            let sum = row.sum();
            row.mapv_inplace(|probability| probability / sum);
        }
        let items = self.answers.items.len() as f64;
        DawidSkeneFit {
            priors: self.posteriors.columns().into_iter().map(|column| column.sum() / items).collect(),
            confusion: self.log_confusion.mapv(f64::exp).permuted_axes([0, 2, 1]).as_standard_layout().into_owned(),
            posteriors,
            iterations: self.iteration,
        }
    }
}

/// An annotator's confusion matrix from their counts, both answer × true class: columns sum to 1. Answers they never gave
/// stay at 0, the others are floored.
fn confusion(counts: &Array2<f64>) -> Array2<f64> {
    let mut matrix = counts.clone();
    for mut answer in matrix.rows_mut() {
        if answer.iter().any(|&count| count > 0.0) {
            answer.mapv_inplace(|count| count.max(LEAST));
        }
    }
    for mut truth in matrix.columns_mut() {
        let sum = truth.sum();
        truth.mapv_inplace(|count| count / sum);
    }
    matrix
}

/// [`DawidSkene`] to its end, with crowd-kit's settings; `None` without answers.
pub fn dawid_skene(answers: &Answers) -> Option<DawidSkeneFit> {
    let mut machine = DawidSkene::new(answers, DawidSkeneSettings::default())?;
    loop {
        if let Some(fit) = machine.step() {
            return Some(fit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::{from_table, opinion};
    use super::*;
    use rand::{Rng, SeedableRng, seq::SliceRandom};
    use rand_chacha::ChaCha8Rng;

    /// Annotators who are right with their own probability and else say any class; the last ones' answers are a third
    /// missing. Rows and true classes.
    fn table(items: usize, accuracies: &[f64], classes: i64, seed: u64) -> (Vec<Vec<i64>>, Vec<i64>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let truth: Vec<i64> = (0..items).map(|_| random.random_range(0..classes)).collect();
        let rows = truth
            .iter()
            .map(|&truth| {
                let mut row: Vec<i64> = accuracies
                    .iter()
                    .map(|&accuracy| match random.random_bool(accuracy) {
                        true => truth,
                        false => random.random_range(0..classes),
                    })
                    .collect();
                row.iter_mut().skip(2).for_each(|answer| *answer = if random.random_bool(0.3) { -1 } else { *answer });
                row
            })
            .collect();
        (rows, truth)
    }

    #[test]
    fn reliabilities_beat_the_majority() {
        let (rows, truth) = table(400, &[0.95, 0.9, 0.2, 0.2, 0.2], 3, 1);
        let answers = from_table(rows.iter().map(Vec::as_slice));
        let fit = dawid_skene(&answers).unwrap();
        let consensus = fit.consensus(&answers);
        let right = |says: &dyn Fn(usize) -> Option<String>| {
            (0..400).filter(|&item| says(item) == Some(format!("{:02}", truth[item]))).count()
        };
        let together = right(&|item| Some(consensus[item].class.clone()));
        let majority = right(&|item| consensus[item].majority.clone());
        assert!(together > majority + 40, "{together} against {majority} of 400");
        let diagonal = |annotator: usize| (0..3).map(|k| fit.confusion[[annotator, k, k]]).sum::<f64>() / 3.0;
        assert!(diagonal(0) > 0.9 && diagonal(3) < 0.6, "{} {}", diagonal(0), diagonal(3));
        for row in fit.confusion.rows() {
            assert!((row.sum() - 1.0).abs() < 1e-9);
        }
        assert!(consensus.iter().all(|item| (1.0 / 3.0..=1.0).contains(&item.probability)));
    }

    #[test]
    fn one_answer_a_tie_and_none() {
        assert_eq!(dawid_skene(&from_table([])), None);
        let answers = from_table([&[0][..]]);
        let one = dawid_skene(&answers).unwrap();
        assert_eq!((one.posteriors[[0, 0]], one.confusion[[0, 0, 0]]), (1.0, 1.0));
        let answers = from_table([&[0, 1][..]]);
        let tie = &dawid_skene(&answers).unwrap().consensus(&answers)[0];
        assert_eq!((tie.class.as_str(), tie.probability, &tie.majority), ("00", 0.5, &None));
    }

    #[test]
    fn an_item_without_one_annotators_answer() {
        let (rows, _) = table(200, &[0.9, 0.9, 0.8], 2, 3);
        let answers = from_table(rows.iter().map(Vec::as_slice));
        let fit = dawid_skene(&answers).unwrap();
        for item in 0..200 {
            // Nobody left out: what the fit itself says.
            assert_eq!(fit.likeliest_without(&answers, item, 9), Some(fit.likeliest(item).0));
        }
        let single = from_table([&[0, -1][..], &[1, 1]]);
        assert_eq!(dawid_skene(&single).unwrap().likeliest_without(&single, 0, 0), None);
    }

    #[test]
    fn slices_and_the_order_of_opinions_change_nothing() {
        let mut opinions: Vec<_> = (0..3000).map(|n| opinion(n / 3, n % 3, (n * n / 7 + n / 3) % 40)).collect();
        let fit_of = |opinions: &[_]| {
            let mut machine = DawidSkene::new(&Answers::from_opinions(opinions), Default::default()).unwrap();
            let mut slices = 1;
            loop {
                match machine.step() {
                    Some(fit) => return (fit, slices),
                    None => slices += 1,
                }
            }
        };
        let (fit, slices) = fit_of(&opinions);
        assert!(slices > 1);
        opinions.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(fit_of(&opinions).0, fit);
    }

    /// Run by hand: `cargo test --release dawid_skene::tests::speed -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures, asserts nothing"]
    fn speed() {
        let (rows, _) = table(20_000, &[0.9, 0.8, 0.7, 0.6, 0.5], 10, 1);
        let answers = from_table(rows.iter().map(Vec::as_slice));
        let begin = std::time::Instant::now();
        let mut machine = DawidSkene::new(&answers, Default::default()).unwrap();
        let mut longest = begin.elapsed();
        let (fit, slices) = (1..)
            .find_map(|slices| {
                let begin = std::time::Instant::now();
                let fit = machine.step();
                longest = longest.max(begin.elapsed());
                fit.map(|fit| (fit, slices))
            })
            .unwrap();
        println!("{:?}: {} iterations, {slices} slices, longest {longest:?}", begin.elapsed(), fit.iterations);
    }
}
