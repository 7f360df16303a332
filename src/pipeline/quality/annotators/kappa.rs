//! Cohen's κ: how far two annotators agree beyond chance.

use super::answers::{Answers, Undefined};
use crate::pipeline::evaluate::{Estimate, clopper_pearson};

/// Of a 95 % interval: the normal distribution's 97.5 % quantile.
const QUANTILE: f64 = 1.959_963_984_540_054;
/// A variance below this is nothing but rounding.
const NO_VARIANCE: f64 = 1e-12;

/// The agreement of two series of answers about the same items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// Items that both answered, at least 1.
    pub items: usize,
    /// The share of them answered alike, 0 to 1.
    pub observed: f64,
    /// The share that would be answered alike by chance, given how often each names each class, 0 to 1.
    pub expected: f64,
    /// κ = (observed − expected) / (1 − expected): 1 is full agreement, 0 what chance brings, −1 the least possible. With
    /// its 95 % interval, see [`cohen_kappa`].
    pub kappa: Estimate,
}

/// Cohen's κ ("A coefficient of agreement for nominal scales", 1960) of pairs (first's class, second's class), one for
/// each item.
///
/// The interval is κ ± 1.96 standard errors, within −1 to 1, by the large-sample error of Fleiss, Cohen & Everitt ("Large
/// sample standard errors of kappa and weighted kappa", 1969). Where that error is 0, such as at complete agreement, it
/// would claim to be certain of three items; there the ends are those of the exact 95 % interval of `observed`
/// (Clopper–Pearson), with `expected` as it is.
///
/// # Errors
/// Without pairs, or if all answers of both name one class.
pub fn cohen_kappa(pairs: &[(usize, usize)]) -> Result<Kappa, Undefined> {
    let items = pairs.len();
    if items == 0 {
        return Err(Undefined::NoOverlap);
    }
    let classes = pairs.iter().map(|&(first, second)| first.max(second)).max().unwrap_or(0) + 1;
    let n = items as f64;
    let (mut first, mut second) = (vec![0.0; classes], vec![0.0; classes]);
    let mut alike = 0;
    for &(a, b) in pairs {
        first[a] += 1.0 / n;
        second[b] += 1.0 / n;
        alike += usize::from(a == b);
    }
    if pairs.iter().all(|&(a, b)| a == b && a == pairs[0].0) {
        return Err(Undefined::OneClass);
    }
    let observed = alike as f64 / n;
    let expected: f64 = first.iter().zip(&second).map(|(a, b)| a * b).sum();
    let beyond_chance = |share: f64| (share - expected) / (1.0 - expected);
    let kappa = beyond_chance(observed);
    let variance = variance(pairs, &first, &second, observed, expected);
    let (low, high) = if variance > NO_VARIANCE {
        let margin = QUANTILE * variance.sqrt();
        (kappa - margin, kappa + margin)
    } else {
        let (low, high) = clopper_pearson(alike as u64, items as u64, 0.95);
        (beyond_chance(low), beyond_chance(high))
    };
    let kappa = Estimate { estimate: kappa, low: low.clamp(-1.0, 1.0), high: high.clamp(-1.0, 1.0) };
    Ok(Kappa { items, observed, expected, kappa })
}

/// Fleiss, Cohen & Everitt's variance of κ, with pᵢⱼ the share of items that the first puts in class i, the second in j:
/// {Σᵢ pᵢᵢ[(1 − e) − (p.ᵢ + pᵢ.)(1 − o)]² + (1 − o)² Σᵢ≠ⱼ pᵢⱼ(p.ᵢ + pⱼ.)² − (oe − 2e + o)²} / (n (1 − e)⁴), where o is the
/// observed and e the expected agreement. Both sums are taken item by item: each item brings 1/n to its pᵢⱼ.
fn variance(pairs: &[(usize, usize)], first: &[f64], second: &[f64], observed: f64, expected: f64) -> f64 {
    let n = pairs.len() as f64;
    let sum: f64 = pairs
        .iter()
        .map(|&(i, j)| {
            let margins = (second[i] + first[j]) * (1.0 - observed);
            if i == j { (1.0 - expected - margins).powi(2) } else { margins.powi(2) }
        })
        .sum();
    let centre = observed * expected - 2.0 * expected + observed;
    (sum / n - centre * centre) / (n * (1.0 - expected).powi(4))
}

/// How far two annotators agree.
#[derive(Debug, Clone, PartialEq)]
pub struct PairAgreement {
    /// Place of the one in [`Answers::annotators`].
    pub first: usize,
    /// Place of the other, larger than `first`.
    pub second: usize,
    /// Items that both answered.
    pub both: usize,
    /// Their agreement, or why there is none to tell.
    pub kappa: Result<Kappa, Undefined>,
}

/// Cohen's κ of every pair of annotators on the items that both answered, by first and then second.
pub fn agreement_matrix(answers: &Answers) -> Vec<PairAgreement> {
    let annotators = answers.annotators.len();
    let mut pairs: Vec<Vec<(usize, usize)>> = vec![Vec::new(); annotators * annotators];
    for item in 0..answers.items.len() {
        let votes = answers.of(item);
        for (place, one) in votes.iter().enumerate() {
            for other in &votes[place + 1..] {
                pairs[one.annotator * annotators + other.annotator].push((one.class, other.class));
            }
        }
    }
    let mut matrix = Vec::new();
    for first in 0..annotators {
        for second in first + 1..annotators {
            let pairs = &pairs[first * annotators + second];
            matrix.push(PairAgreement { first, second, both: pairs.len(), kappa: cohen_kappa(pairs) });
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::super::answers::from_table;
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_worked_example() {
        // 20 yes–yes, 5 yes–no, 10 no–yes, 15 no–no: observed .7, expected .5.
        let pairs: Vec<(usize, usize)> = [((0, 0), 20), ((0, 1), 5), ((1, 0), 10), ((1, 1), 15)]
            .into_iter()
            .flat_map(|(pair, times)| std::iter::repeat_n(pair, times))
            .collect();
        let found = cohen_kappa(&pairs).unwrap();
        assert!((found.observed - 0.7).abs() < 1e-12 && (found.expected - 0.5).abs() < 1e-12);
        assert!((found.kappa.estimate - 0.4).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_told_says_why() {
        assert_eq!(cohen_kappa(&[]), Err(Undefined::NoOverlap));
        assert_eq!(cohen_kappa(&[(3, 3), (3, 3)]), Err(Undefined::OneClass));
        let matrix = agreement_matrix(&from_table([&[0, -1, 1][..], &[-1, 1, 1]]));
        let kappas: Vec<_> = matrix.iter().map(|pair| (pair.first, pair.second, pair.both, pair.kappa)).collect();
        assert_eq!(kappas[0], (0, 1, 0, Err(Undefined::NoOverlap)));
        assert_eq!(kappas[2], (1, 2, 1, Err(Undefined::OneClass)));
        assert_eq!(kappas[1].3.map(|kappa| kappa.kappa.estimate), Ok(0.0));
    }

    #[test]
    fn a_few_alike_answers_are_no_certainty() {
        let few = cohen_kappa(&[(0, 0), (1, 1), (0, 0)]).unwrap().kappa;
        assert_eq!((few.estimate, few.high), (1.0, 1.0));
        assert!(few.low < 0.0, "{few:?}");
        let many: Vec<(usize, usize)> = (0..300).map(|item| (item % 2, item % 2)).collect();
        assert!(cohen_kappa(&many).unwrap().kappa.low > 0.95);
        // The one always says the same: κ is 0 whatever the other says, and so would its error be.
        let constant = cohen_kappa(&[(0, 0), (0, 1), (0, 0), (0, 1)]).unwrap().kappa;
        assert!(constant.estimate == 0.0 && constant.low < -0.5 && constant.high > 0.5, "{constant:?}");
    }

    /// Annotators that both say the truth with probability a, else any class: answers alike with probability
    /// a² + (1 − a²)/K, so κ = a².
    #[test]
    fn the_interval_covers_the_truth() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (items, accuracy) in [(60, 0.7_f64), (100, 0.9), (200, 0.5)] {
            let covered = (0..2000)
                .filter(|_| {
                    let pairs: Vec<(usize, usize)> = (0..items)
                        .map(|_| {
                            let truth = random.random_range(0..3);
                            let mut say = || match random.random_bool(accuracy) {
                                true => truth,
                                false => random.random_range(0..3),
                            };
                            (say(), say())
                        })
                        .collect();
                    let kappa = cohen_kappa(&pairs).unwrap().kappa;
                    (kappa.low..=kappa.high).contains(&(accuracy * accuracy))
                })
                .count();
            // 1,900 promised for large samples; 4 standard deviations of the binomial are 39.
            assert!(covered >= 1850, "{items} items: {covered} of 2000");
        }
    }
}
