//! Whether answers get worse with time: agreement in windows, and a test that may be watched.

use crate::pipeline::evaluate::tails::hypergeometric_at_most;

/// Answers in one window.
const WINDOW: usize = 10;
/// Answers at the first look for drift; each further look waits for twice as many.
const FIRST_LOOK: usize = 20;
/// The chance that somebody who does not change is ever said to.
const FALSE_ALARMS: f64 = 0.05;

/// An answer that agrees with what it is compared with, or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// Whether it agrees.
    pub same: bool,
}

/// Answers that follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// When the last of them was given, in milliseconds since the Unix epoch.
    pub until_ms: f64,
    /// How many were compared, at least 1.
    pub asked: usize,
    /// How many of these agreed.
    pub same: usize,
}

/// The comparisons in windows of equal length: 10 to 19 in each, fewer if there are fewer in all.
pub(super) fn windows(comparisons: &[Comparison]) -> Vec<Window> {
    let count = (comparisons.len() / WINDOW).max(1);
    let bound = |window: usize| window * comparisons.len() / count;
    let parts = (0..count).map(|window| &comparisons[bound(window)..bound(window + 1)]);
    parts
        .filter_map(|part| {
            let same = part.iter().filter(|each| each.same).count();
            Some(Window { until_ms: part.last()?.time_ms, asked: part.len(), same })
        })
        .collect()
}

/// Whether the later half agrees significantly less often than the earlier one: Fisher's exact test, one-sided (of all
/// agreements, as few or fewer fall in the later half by chance).
///
/// Looking after every answer would raise a false alarm far more often than in one of twenty. So it looks at the first 20,
/// 40, 80, 160, … comparisons, the j-th time at the level 5 % / 2ʲ, and keeps the latest look's verdict until the next: a
/// constant annotator is called drifting with a probability below 5 %, however long they are watched.
pub(super) fn is_drifting(comparisons: &[Comparison]) -> bool {
    let (mut look, mut level, mut drifting) = (FIRST_LOOK, FALSE_ALARMS / 2.0, false);
    while look <= comparisons.len() {
        drifting = later_half_is_worse(&comparisons[..look]) <= level;
        (look, level) = (2 * look, level / 2.0);
    }
    drifting
}

/// The p-value of the one-sided test.
fn later_half_is_worse(comparisons: &[Comparison]) -> f64 {
    let count = |part: &[Comparison]| part.iter().filter(|each| each.same).count() as u64;
    let later = &comparisons[comparisons.len() / 2..];
    hypergeometric_at_most(count(later), later.len() as u64, count(comparisons), comparisons.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn comparisons(same: impl IntoIterator<Item = bool>) -> Vec<Comparison> {
        same.into_iter().enumerate().map(|(n, same)| Comparison { time_ms: n as f64, same }).collect()
    }

    #[test]
    fn windows_share_all_answers_evenly() {
        for (answers, expected) in [
            (0_usize, &[][..]),
            (1, &[1]),
            (9, &[9]),
            (19, &[19]),
            (20, &[10, 10]),
            (39, &[13, 13, 13]),
            (41, &[10, 10, 10, 11]),
        ] {
            let found = windows(&comparisons((0..answers).map(|n| n % 2 == 0)));
            assert_eq!(found.iter().map(|window| window.asked).collect::<Vec<_>>(), expected);
            assert_eq!(found.iter().map(|window| window.same).sum::<usize>(), answers.div_ceil(2));
            assert_eq!(found.last().map(|window| window.until_ms), (answers > 0).then_some(answers as f64 - 1.0));
        }
    }

    #[test]
    fn fishers_exact_test() {
        // scipy.stats.fisher_exact([[4, 6], [9, 1]], alternative="less")
        let halves = comparisons((0..10).map(|n| n < 9).chain((0..10).map(|n| n < 4)));
        assert!((later_half_is_worse(&halves) - 0.028_637_770_9).abs() < 1e-9, "{}", later_half_is_worse(&halves));
    }

    /// Watched after every answer, up to 320 of them.
    #[test]
    fn a_constant_annotator_is_rarely_accused_and_a_drifting_one_is_found() {
        let ever =
            |random: &mut ChaCha8Rng, share_at: &dyn Fn(usize) -> f64, accuse: &dyn Fn(&[Comparison]) -> bool| {
                let all = comparisons((0..320).map(|n| random.random_bool(share_at(n))));
                (1..=all.len()).any(|seen| accuse(&all[..seen]))
            };
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for share in [0.6, 0.8, 0.95] {
            let accused = (0..1000).filter(|_| ever(&mut random, &|_| share, &is_drifting)).count();
            // At most 50 promised; 4 standard deviations of the binomial are 28.
            assert!(accused <= 50, "{accused} of 1000 at {share}");
        }
        let naive = |seen: &[Comparison]| seen.len() >= FIRST_LOOK && later_half_is_worse(seen) <= FALSE_ALARMS;
        let accused = (0..300).filter(|_| ever(&mut random, &|_| 0.8, &naive)).count();
        assert!(accused > 45, "the naive test accused only {accused} of 300");
        let found = (0..300)
            .filter(|_| {
                let all = comparisons((0..80).map(|n| random.random_bool(if n < 40 { 0.95 } else { 0.65 })));
                is_drifting(&all)
            })
            .count();
        assert!(found > 210, "{found} of 300");
    }
}
