//! Many tests, one alarm: p-values corrected so that the chance of any false alarm stays below the level.

use super::report::Test;

/// Bonferroni's correction: p × `count`, at most 1.
pub fn bonferroni(p: f64, count: usize) -> f64 {
    (p * count as f64).min(1.0)
}

/// Holm's correction ("A simple sequentially rejective multiple test procedure", 1979) of a family's p-values, in their order.
/// However the tests depend on each other, any true null hypothesis falls below a level with at most that chance. Never larger
/// than Bonferroni's.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max(bonferroni(p_values[place], p_values.len() - rank));
        corrected[place] = largest;
    }
    corrected
}

/// Corrects the tests of one family among `families`: Holm's within, Bonferroni's between. So a family of one test, such as the
/// domain classifier, does not pay for a family of a hundred columns.
pub fn correct_family<'a>(tests: impl IntoIterator<Item = &'a mut Test>, families: usize) {
    let mut tests: Vec<&mut Test> = tests.into_iter().collect();
    let corrected = holm(&tests.iter().map(|test| test.p).collect::<Vec<f64>>());
    for (test, corrected) in tests.iter_mut().zip(corrected) {
        test.corrected = bonferroni(corrected, families);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_by_hand() {
        let near = |found: &[f64], expected: &[f64]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        // 4 × .01, 3 × .02, then .06 again for .025 × 2 is smaller, then .9.
        near(&holm(&[0.9, 0.01, 0.025, 0.02]), &[0.9, 0.04, 0.06, 0.06]);
        near(&holm(&[0.5]), &[0.5]);
        near(&holm(&[0.6, 0.7]), &[1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn families_pay_for_each_other_but_not_for_their_sizes() {
        let mut tests = [Test::new(0.0, 0.01), Test::new(0.0, 0.001)];
        correct_family(&mut tests, 5);
        assert!((tests[0].corrected - 0.05).abs() < 1e-12 && (tests[1].corrected - 0.01).abs() < 1e-12);
    }
}
