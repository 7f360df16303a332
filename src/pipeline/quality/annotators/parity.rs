//! Agreement and consensus against scikit-learn, krippendorff, statsmodels and crowd-kit. See
//! `tests/golden/quality/annotators.py`.

use super::answers::{Answers, from_table, opinion};
use super::dawid_skene::{DawidSkene, DawidSkeneSettings};
use super::{agreement_matrix, alpha};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    agreement: Vec<AgreementCase>,
    consensus: Vec<ConsensusCase>,
}

#[derive(Deserialize)]
struct AgreementCase {
    /// Annotators × items.
    table: Vec<Vec<i64>>,
    kappa: Vec<(usize, usize, Option<f64>, Option<f64>)>,
    alpha: Option<f64>,
}

#[derive(Deserialize)]
struct ConsensusCase {
    iterations_allowed: usize,
    tolerance: f64,
    answers: Vec<(usize, usize, usize)>,
    posteriors: Vec<Vec<f64>>,
    errors: Vec<Vec<Vec<f64>>>,
    priors: Vec<f64>,
    iterations: usize,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../../tests/golden/quality/annotators.json")).expect("golden file")
}

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} instead of {expected}");
}

#[test]
fn agreement_is_that_of_the_libraries() {
    let (mut kappas, mut errors, mut alphas) = (0, 0, 0);
    for (number, case) in golden().agreement.iter().enumerate() {
        let rows: Vec<Vec<i64>> =
            (0..case.table[0].len()).map(|item| case.table.iter().map(|row| row[item]).collect()).collect();
        let answers = from_table(rows.iter().map(Vec::as_slice));
        let matrix = agreement_matrix(&answers);
        for &(first, second, value, error) in &case.kappa {
            let what = format!("table {number}, annotators {first} and {second}");
            let place =
                |annotator: usize| answers.annotators.iter().position(|name| *name == format!("{annotator:02}"));
            // Whoever answered nothing at all isn't in the matrix.
            let (Some(first), Some(second)) = (place(first), place(second)) else {
                assert_eq!(value, None, "{what}");
                continue;
            };
            let pair = matrix.iter().find(|pair| (pair.first, pair.second) == (first, second)).expect("every pair");
            match (pair.kappa, value) {
                (Ok(found), Some(value)) => {
                    kappas += 1;
                    near(found.kappa.estimate, value, 1e-9, &what);
                    if let Some(error) = error {
                        errors += 1;
                        let expected = (value - 1.959_963_984_540_054 * error).max(-1.0);
                        near(found.kappa.low, expected, 1e-9, &what);
                    }
                }
                (found, value) => assert!(found.is_err() && value.is_none(), "{what}: {found:?}, {value:?}"),
            }
        }
        match (alpha(&answers), case.alpha) {
            (Ok(found), Some(value)) => {
                alphas += 1;
                near(found, value, 1e-9, &format!("table {number}"));
            }
            (found, value) => assert!(found.is_err() && value.is_none(), "table {number}: {found:?}, {value:?}"),
        }
    }
    assert!(kappas > 40 && errors > 30 && alphas > 8, "{kappas} {errors} {alphas}");
}

#[test]
fn consensus_is_that_of_crowd_kit() {
    for (number, case) in golden().consensus.iter().enumerate() {
        let opinions: Vec<_> =
            case.answers.iter().map(|&(item, annotator, class)| opinion(item, annotator, class)).collect();
        let answers = Answers::from_opinions(&opinions);
        let settings = DawidSkeneSettings { iterations: case.iterations_allowed, tolerance: case.tolerance };
        let mut machine = DawidSkene::new(&answers, settings).expect("answers");
        let fit = (0..).find_map(|_| machine.step()).expect("an end");
        assert_eq!(fit.iterations, case.iterations, "data set {number}");
        assert_eq!(fit.posteriors.nrows(), case.posteriors.len());
        for (item, row) in case.posteriors.iter().enumerate() {
            for (class, &expected) in row.iter().enumerate() {
                near(fit.posteriors[[item, class]], expected, 1e-6, &format!("data set {number}, item {item}"));
            }
        }
        assert_eq!(fit.confusion.dim().0, case.errors.len());
        for (annotator, matrix) in case.errors.iter().enumerate() {
            for (truth, row) in matrix.iter().enumerate() {
                for (answer, &expected) in row.iter().enumerate() {
                    let what = format!("data set {number}, annotator {annotator}");
                    near(fit.confusion[[annotator, truth, answer]], expected, 1e-6, &what);
                }
            }
        }
        for (&found, &expected) in fit.priors.iter().zip(&case.priors) {
            near(found, expected, 1e-6, &format!("data set {number}, priors"));
        }
    }
}
