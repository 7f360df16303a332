//! Parity with cleanlab 2.9: `tests/golden/quality/confident_learning.py` made the file, and says what it holds.

use super::confident_learning::{check, confident_joint, expected_errors, thresholds};
use super::filter::{FilterBy, FilterOptions, find_label_issues};
use super::label_quality::{LabelQuality, label_quality_scores, ranked};
use ndarray::Array2;
use serde::Deserialize;

const CLASSES: [usize; 8] = [2, 3, 4, 5, 7, 10, 20, 50];
const SHARES: [f64; 4] = [0.3, 0.5, 0.75, 0.9];
const LEAST: [usize; 5] = [0, 1, 2, 3, 5];

#[derive(Deserialize)]
struct Golden {
    random: Vec<Answers>,
    real: Vec<Real>,
}

#[derive(Deserialize)]
struct Answers {
    /// One mask for each of [`FilterBy::ALL`].
    issues: Vec<String>,
    /// One for each of the three that prune, with another share and another least number.
    changed: Vec<String>,
    ranked: Vec<usize>,
    joint: f64,
    errors: usize,
    scores: Vec<f64>,
    as_is: bool,
}

#[derive(Deserialize)]
struct Real {
    name: String,
    labels: Vec<usize>,
    probabilities: Vec<f64>,
    #[serde(flatten)]
    answers: Answers,
    first_scores: Vec<Vec<f64>>,
}

/// splitmix64, as in the recipe.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

fn random_case(number: usize) -> (Vec<usize>, Array2<f64>) {
    let mut random = Generator(number as u64);
    let classes = CLASSES[number % CLASSES.len()];
    let rows = 20 + random.below(50);
    let bound = if number % 7 == 3 { 5 } else { 1 << 20 };
    let present = if number.is_multiple_of(5) { classes - classes / 3 } else { classes };
    let shift = random.below(classes);
    let mut labels = Vec::new();
    let mut probabilities = Array2::zeros((rows, classes));
    for row in 0..rows {
        let truth = random.below(present);
        let drawn = if random.below(4) == 0 { random.below(present) } else { truth };
        let label = if row < 2 { row } else { drawn };
        let strength = 1 + random.below(2 * classes);
        let mut weights: Vec<usize> = (0..classes).map(|_| 1 + random.below(bound)).collect();
        weights[(truth + shift) % classes] *= strength;
        let total: usize = weights.iter().sum();
        labels.push((label + shift) % classes);
        for (class, weight) in weights.into_iter().enumerate() {
            probabilities[[row, class]] = weight as f64 / total as f64;
        }
    }
    (labels, probabilities)
}

/// The mask as a number in hexadecimal digits, the first label its lowest bit.
fn bits(mask: &[bool]) -> String {
    let digit = |four: &[bool]| four.iter().rev().fold(0, |digit, &issue| 2 * digit + u32::from(issue));
    let digits: String =
        mask.chunks(4).rev().map(|four| char::from_digit(digit(four), 16).expect("four bits")).collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".into() } else { digits.into() }
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found} instead of {expected}");
    }
}

fn checksum(values: &[f64]) -> f64 {
    let weight = |place: usize| 1.0 + (place * 7919 % 1009) as f64 / 1009.0;
    values.iter().enumerate().map(|(place, value)| value * weight(place)).sum()
}

fn all_scores(labels: &[usize], probabilities: &Array2<f64>) -> Vec<Vec<f64>> {
    let score = |method, adjust| label_quality_scores(labels, probabilities.view(), method, adjust);
    let mut scores: Vec<Vec<f64>> = LabelQuality::ALL.into_iter().map(|method| score(method, false)).collect();
    scores.extend(LabelQuality::ALL[..2].iter().map(|&method| score(method, true)));
    scores.push(thresholds(labels, probabilities.view()));
    scores
}

fn compare(number: usize, labels: &[usize], probabilities: &Array2<f64>, answers: &Answers, what: &str) {
    let view = probabilities.view();
    assert_eq!(check(labels, view), Ok(()), "{what}");
    let joint: Vec<f64> = confident_joint(labels, view).iter().map(|&count| count as f64).collect();
    close(&[checksum(&joint)], &[answers.joint], what);
    assert_eq!(expected_errors(labels, view), answers.errors as f64, "{what}");
    for (filter_by, expected) in FilterBy::ALL.into_iter().zip(&answers.issues) {
        let options = FilterOptions { filter_by, ..FilterOptions::default() };
        let mask = find_label_issues(labels, view, &options);
        assert_eq!(&bits(&mask), expected, "{what}: {}", filter_by.word());
        if filter_by == FilterBy::PredictedNeqGiven {
            let method = LabelQuality::ALL[number % 3];
            assert_eq!(ranked(labels, view, &mask, method), answers.ranked, "{what}: {}", method.word());
        }
    }
    for (filter_by, expected) in FilterBy::ALL.into_iter().zip(&answers.changed) {
        let (frac_noise, min_examples_per_class) = (SHARES[number % SHARES.len()], LEAST[number % LEAST.len()]);
        let options = FilterOptions { filter_by, frac_noise, min_examples_per_class };
        assert_eq!(&bits(&find_label_issues(labels, view, &options)), expected, "{what}: {options:?}");
    }
    let found: Vec<f64> = all_scores(labels, probabilities).iter().map(|scores| checksum(scores)).collect();
    close(&found, &answers.scores, what);
}

#[test]
fn indices_and_scores_are_those_of_cleanlab() {
    let golden: Golden = serde_json::from_str(include_str!("../../../tests/golden/quality/confident_learning.json"))
        .expect("the answers");
    assert!(golden.random.iter().filter(|case| case.as_is).count() >= 200, "cases that no tie decides");
    let (mut without_labels, mut single, mut flagged) = (0, 0, 0);
    for (number, answers) in golden.random.iter().enumerate() {
        let (labels, probabilities) = random_case(number);
        let count = |class: usize| labels.iter().filter(|&&label| label == class).count();
        without_labels += usize::from((0..probabilities.ncols()).any(|class| count(class) == 0));
        single += usize::from((0..probabilities.ncols()).any(|class| count(class) == 1));
        flagged += usize::from(answers.issues[0] != "0");
        compare(number, &labels, &probabilities, answers, &format!("case {number}"));
    }
    assert!(without_labels > 50 && single > 50 && flagged > 100, "{without_labels} {single} {flagged}");
    for Real { name, labels, probabilities, answers, first_scores } in golden.real {
        let classes = probabilities.len() / labels.len();
        let probabilities: Vec<f64> = probabilities.into_iter().map(|units| units / 1e5).collect();
        let probabilities = Array2::from_shape_vec((labels.len(), classes), probabilities).expect("a matrix");
        compare(0, &labels, &probabilities, &answers, &name);
        for (found, expected) in all_scores(&labels, &probabilities).iter().zip(&first_scores) {
            close(&found[..found.len().min(20)], expected, &name);
        }
    }
}
