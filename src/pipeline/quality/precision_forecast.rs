//! How many wrong labels the next part of a ranking holds, from the part that was looked at.
//!
//! The first of a ranking are the worst, so the precision so far says too much of what comes: a person who found 9 wrong labels
//! among 40 will not find 9 among the next 40. [`forecast`] supposes only that precision stays or falls with rank, band by band of
//! log rank. From one band to the next its log odds fall by a Poisson number of steps; the mean of that, the slope, stays as it
//! is or now and then changes; and now and then precision drops to anything lower at once. What was seen decides between all levels
//! and slopes (a hidden Markov model: the forward algorithm, then paths drawn backwards; Frühwirth-Schnatter, 1994). The number of wrong
//! labels to come is binomial about each path's mean, in all a mixture of these. (Of the numbers of independent successes with
//! one mean the binomial one spreads widest: Hoeffding, 1956.)

use crate::pipeline::evaluate::tails::binomial_at_most;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The chance that the number lies below the interval, by the model; the same above. It promises 5 % each and leaves room for
/// curves of another kind: with it the interval of 100 labels held in at least 90 % of 100 runs for each of eleven curves after 10, 20,
/// 40, 100 and 300 reviewed (docs/label-quality.md). One case failed: a cliff right behind the last label seen, which nobody can foresee.
const TAIL: f64 = 0.03;
/// Bands are even in the logarithm of the rank plus this: the first few ranks are all first.
const FIRST_RANKS: f64 = 10.0;
/// Bands to a doubling of that.
const BANDS_PER_OCTAVE: f64 = 4.0;
/// Levels of precision are this far apart, by log odds, from the lowest to the highest.
const LEVEL_STEP: f64 = 0.2;
/// The lowest level's log odds: 0.5 %.
const LOWEST: f64 = -5.3;
/// How many levels there are: up to 97 %.
const LEVELS: usize = 45;
/// Slopes, in levels a band, and how likely each is before anything is seen.
const SLOPES: [(f64, f64); 6] = [(0.0, 0.6), (0.5, 0.1), (1.0, 0.1), (2.0, 0.1), (4.0, 0.06), (8.0, 0.04)];
/// How likely the slope is drawn anew from one band to the next.
const TURN: f64 = 0.05;
/// How likely precision drops to any lower level from one band to the next.
const CLIFF: f64 = 0.02;
/// Decides the paths drawn; any number would do.
const SEED: u64 = 0;
/// Paths drawn.
const PATHS: usize = 600;
/// Means are told apart by so many steps of arcsin √mean.
const STEPS: usize = 300;

/// A label of the ranking that a person looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// Its place in the ranking, the most suspicious first, from 0.
    pub rank: usize,
    /// Whether it was wrong.
    pub wrong: bool,
}

/// What is to be expected of labels that nobody looked at yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionForecast {
    /// How many were looked at.
    pub reviewed: usize,
    /// How many of these were wrong.
    pub found: usize,
    /// How many labels the forecast is of.
    pub next: usize,
    /// How many of them are expected to be wrong, 0 to `next`.
    pub expected: f64,
    /// The lower end of the 90 % interval.
    pub low: usize,
    /// The upper end.
    pub high: usize,
}

/// Whether looking on is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorthIt {
    /// As many are expected as it takes, or more.
    Yes,
    /// Fewer are expected, but it may be as many.
    Hardly,
    /// Even the upper end of the interval is not as many.
    No,
}

impl PrecisionForecast {
    /// Of the next labels the share expected to be wrong, 0 to 1; NaN if none is left.
    pub fn expected_precision(&self) -> f64 {
        self.expected / self.next as f64
    }

    /// Whether the next labels are worth a look, if it takes at least `least` wrong ones of each that is looked at, 0 to 1: the time
    /// that one look takes over the time that one finding may take. Where nothing is left, it isn't.
    pub fn worth_it(&self, least: f64) -> WorthIt {
        let needed = least * self.next as f64;
        if self.next == 0 || (self.high as f64) < needed {
            WorthIt::No
        } else if self.expected < needed {
            WorthIt::Hardly
        } else {
            WorthIt::Yes
        }
    }
}

/// The first `most` of `labels` ranks that were not reviewed, ascending: those that were skipped, then those that follow.
pub fn next_ranks(reviewed: &[Reviewed], labels: usize, most: usize) -> Vec<usize> {
    let mut seen = vec![false; labels];
    reviewed.iter().filter(|one| one.rank < labels).for_each(|one| seen[one.rank] = true);
    (0..labels).filter(|&rank| !seen[rank]).take(most).collect()
}

/// Forecasts how many of the labels at the ranks `next` are wrong. `reviewed` is in any order, no rank twice.
pub fn forecast(reviewed: &[Reviewed], next: &[usize]) -> PrecisionForecast {
    let means = Means::of(&bands(reviewed, next));
    PrecisionForecast {
        reviewed: reviewed.len(),
        found: reviewed.iter().filter(|one| one.wrong).count(),
        next: next.len(),
        expected: means.mean() * next.len() as f64,
        low: means.quantile(TAIL, next.len()),
        high: means.quantile(1.0 - TAIL, next.len()),
    }
}

/// Labels of nearly the same rank.
#[derive(Debug, Clone, Copy, Default)]
struct Band {
    wrong: f64,
    right: f64,
    coming: f64,
}

/// All bands from the first rank to the last that is reviewed or to come.
fn bands(reviewed: &[Reviewed], next: &[usize]) -> Vec<Band> {
    let ranks = reviewed.iter().map(|one| one.rank).chain(next.iter().copied());
    let mut bands = vec![Band::default(); ranks.map(band_of).max().map_or(0, |last| last + 1)];
    for one in reviewed {
        let band = &mut bands[band_of(one.rank)];
        *(if one.wrong { &mut band.wrong } else { &mut band.right }) += 1.0;
    }
    next.iter().for_each(|&rank| bands[band_of(rank)].coming += 1.0);
    bands
}

fn band_of(rank: usize) -> usize {
    ((rank as f64 / FIRST_RANKS).ln_1p() / std::f64::consts::LN_2 * BANDS_PER_OCTAVE) as usize
}

/// A chance for every slope and level.
type Chances = [[f64; LEVELS]; SLOPES.len()];

/// What may happen from one band to the next.
struct Fall {
    /// The chance to come, with this slope, from one level to another.
    chances: Vec<[[f64; LEVELS]; LEVELS]>,
    levels: [f64; LEVELS],
}

impl Fall {
    fn new() -> Self {
        let levels = std::array::from_fn(|level| 1.0 / (1.0 + (-LOWEST - LEVEL_STEP * level as f64).exp()));
        Self { chances: SLOPES.iter().map(|&(slope, _)| fall_with(slope)).collect(), levels }
    }

    /// Before anything is seen: levels by Jeffreys' prior, whose density by log odds is √(p(1 − p)).
    fn start(&self) -> Chances {
        SLOPES.map(|(_, chance)| self.levels.map(|level| chance * (level * (1.0 - level)).sqrt()))
    }

    /// One band further, before that is looked at.
    fn next(&self, before: &Chances) -> Chances {
        let turned = turned(before);
        let mut after = [[0.0; LEVELS]; SLOPES.len()];
        for ((after, turned), chances) in after.iter_mut().zip(&turned).zip(&self.chances) {
            for (from, &chance) in turned.iter().enumerate() {
                after[..=from].iter_mut().zip(&chances[from]).for_each(|(after, fall)| *after += chance * fall);
            }
        }
        after
    }

    /// The chances once the band was looked at; they sum to 1.
    fn look(&self, band: &Band, chances: &mut Chances) {
        let likelihoods = self.levels.map(|level| band.wrong * level.ln() + band.right * (-level).ln_1p());
        let most = likelihoods.iter().fold(f64::NEG_INFINITY, |most, &each| most.max(each));
        for chances in chances.iter_mut() {
            chances.iter_mut().zip(likelihoods).for_each(|(chance, each)| *chance *= (each - most).exp());
        }
        let total: f64 = chances.iter().flatten().sum();
        chances.iter_mut().flatten().for_each(|chance| *chance /= total);
    }

    /// The chances in a band, given those without what follows, and where the path is in the next band.
    fn before(&self, chances: &Chances, (slope, level): (usize, usize)) -> Chances {
        let (mut before, drawn_anew) = (*chances, TURN * SLOPES[slope].1);
        for (old_slope, before) in before.iter_mut().enumerate() {
            let turn = drawn_anew + if old_slope == slope { 1.0 - TURN } else { 0.0 };
            before.iter_mut().zip(&self.chances[slope]).for_each(|(before, fall)| *before *= turn * fall[level]);
        }
        before
    }
}

/// From one level (the first place) to another (the second).
fn fall_with(slope: f64) -> [[f64; LEVELS]; LEVELS] {
    let mut chances = [[0.0; LEVELS]; LEVELS];
    for (from, chances) in chances.iter_mut().enumerate() {
        let (mut poisson, mut left) = ((-slope).exp(), 1.0);
        for down in 0..from {
            chances[from - down] = (1.0 - CLIFF) * poisson;
            left -= poisson;
            poisson *= slope / (down + 1) as f64;
        }
        // Whatever would fall lower stays at the lowest level.
        chances[0] = (1.0 - CLIFF) * left.max(0.0);
        chances[..=from].iter_mut().for_each(|chance| *chance += CLIFF / (from + 1) as f64);
    }
    chances
}

/// The slope may be drawn anew.
fn turned(before: &Chances) -> Chances {
    let of_level: [f64; LEVELS] = std::array::from_fn(|level| before.iter().map(|levels| levels[level]).sum());
    std::array::from_fn(|slope| {
        std::array::from_fn(|level| (1.0 - TURN) * before[slope][level] + TURN * SLOPES[slope].1 * of_level[level])
    })
}

/// How likely each mean precision of the labels to come is.
struct Means {
    /// By step of arcsin √mean; they sum to 1.
    chances: Vec<f64>,
}

impl Means {
    fn of(bands: &[Band]) -> Self {
        let fall = Fall::new();
        let mut filtered: Vec<Chances> = Vec::with_capacity(bands.len());
        for band in bands {
            let mut chances = filtered.last().map_or_else(|| fall.start(), |before| fall.next(before));
            fall.look(band, &mut chances);
            filtered.push(chances);
        }
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let first = bands.iter().position(|band| band.coming > 0.0).unwrap_or(bands.len());
        let coming: f64 = bands.iter().map(|band| band.coming).sum();
        let mut chances = vec![0.0; STEPS];
        for _ in 0..PATHS {
            let (mut wrong, mut at) = (0.0, None);
            for (band, filtered) in bands.iter().zip(&filtered).skip(first).rev() {
                let here = at.map_or(*filtered, |next| fall.before(filtered, next));
                let drawn = draw(&here, &mut random);
                wrong += band.coming * fall.levels[drawn.1];
                at = Some(drawn);
            }
            chances[step_of(wrong / coming.max(1.0))] += 1.0 / PATHS as f64;
        }
        Self { chances }
    }

    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let possible = self.chances.iter().enumerate().filter(|(_, chance)| **chance > 0.0);
        possible.map(|(step, &chance)| (mean_of(step), chance))
    }

    fn mean(&self) -> f64 {
        self.each().map(|(mean, chance)| mean * chance).sum()
    }

    /// The least number of wrong ones among `next` labels that is not exceeded with the probability `share`.
    fn quantile(&self, share: f64, next: usize) -> usize {
        let at_most = |wrong: usize| -> f64 {
            self.each().map(|(mean, chance)| chance * binomial_at_most(wrong as u64, next as u64, mean)).sum()
        };
        let (mut low, mut high) = (0, next);
        while low < high {
            let middle = (low + high) / 2;
            if at_most(middle) >= share {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// A slope and a level, as likely as the chances say, which need not sum to 1.
fn draw(chances: &Chances, random: &mut ChaCha8Rng) -> (usize, usize) {
    let of_slope: [f64; SLOPES.len()] = std::array::from_fn(|slope| chances[slope].iter().sum());
    let slope = draw_one(&of_slope, random);
    (slope, draw_one(&chances[slope], random))
}

fn draw_one(chances: &[f64], random: &mut ChaCha8Rng) -> usize {
    let mut left = random.random::<f64>() * chances.iter().sum::<f64>();
    let place = chances.iter().position(|chance| {
        left -= chance;
        left < 0.0
    });
    place.unwrap_or(chances.len() - 1)
}

fn step_of(mean: f64) -> usize {
    let turned = mean.clamp(0.0, 1.0).sqrt().asin() / std::f64::consts::FRAC_PI_2;
    ((turned * STEPS as f64) as usize).min(STEPS - 1)
}

/// The mean in the middle of a step.
fn mean_of(step: usize) -> f64 {
    ((step as f64 + 0.5) / STEPS as f64 * std::f64::consts::FRAC_PI_2).sin().powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `count` of a ranking, of which every `each`-th is wrong.
    fn every(each: usize, count: usize) -> Vec<Reviewed> {
        (0..count).map(|rank| Reviewed { rank, wrong: rank % each == 0 }).collect()
    }

    #[test]
    fn what_stays_even_goes_on_and_what_falls_goes_on_falling() {
        let even = every(4, 400);
        let found = forecast(&even, &next_ranks(&even, 3000, 100));
        assert_eq!((found.reviewed, found.found, found.next), (400, 100, 100));
        assert!((20.0..26.0).contains(&found.expected) && found.low >= 5 && found.high <= 40, "{found:?}");
        // As many found, nearly all of them among the first.
        let falling: Vec<Reviewed> =
            (0..400).map(|rank| Reviewed { rank, wrong: rank < 80 || (rank % 16 == 0 && rank < 400) }).collect();
        let found = forecast(&falling, &next_ranks(&falling, 3000, 100));
        assert!(found.found == 100 && found.expected < 9.0 && found.high < 20, "{found:?}");
    }

    #[test]
    fn nothing_seen_says_little_and_nothing_left_is_worth_nothing() {
        let found = forecast(&[], &next_ranks(&[], 50, 100));
        assert!(found.next == 50 && found.low <= 1 && found.high >= 40, "{found:?}");
        let all = every(2, 60);
        let none = forecast(&all, &next_ranks(&all, 60, 100));
        assert_eq!((none.next, none.expected, none.low, none.high), (0, 0.0, 0, 0));
        assert!(none.worth_it(0.0) == WorthIt::No && none.expected_precision().is_nan());
    }

    #[test]
    fn skipped_labels_come_first_and_are_judged_by_their_neighbours() {
        let mut seen: Vec<Reviewed> = (0..200).map(|rank| Reviewed { rank, wrong: rank < 40 }).collect();
        let skipped: Vec<Reviewed> = seen.iter().copied().filter(|one| !(10..30).contains(&one.rank)).collect();
        let next = next_ranks(&skipped, 1000, 30);
        assert_eq!((next[0], next[19], next[20]), (10, 29, 200));
        let found = forecast(&skipped, &next[..20]);
        assert!(found.low >= 14 && found.expected > 17.0, "{found:?}");
        // The order of reviewing plays no part.
        let next = next_ranks(&seen, 1000, 100);
        let in_order = forecast(&seen, &next);
        seen.reverse();
        assert_eq!(forecast(&seen, &next), in_order);
    }

    #[test]
    fn a_look_is_worth_it_while_enough_is_expected() {
        let found = PrecisionForecast { reviewed: 40, found: 9, next: 100, expected: 8.0, low: 2, high: 17 };
        assert_eq!(found.expected_precision(), 0.08);
        let cases = [(0.05, WorthIt::Yes), (0.08, WorthIt::Yes), (0.1, WorthIt::Hardly), (0.2, WorthIt::No)];
        for (least, expected) in cases {
            assert_eq!(found.worth_it(least), expected, "{least}");
        }
    }

    #[test]
    fn a_large_ranking_is_forecast_to_its_end() {
        let seen = every(3, 300);
        let found = forecast(&seen, &next_ranks(&seen, 100_000, usize::MAX));
        assert!(found.next == 99_700 && found.expected < 33_000.0 && found.low as f64 <= found.expected, "{found:?}");
    }

    #[test]
    fn every_fall_has_a_chance_and_they_sum_to_one() {
        for (slope, _) in SLOPES {
            for (from, chances) in fall_with(slope).iter().enumerate() {
                assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{slope}, {from}");
                assert!(
                    chances[..=from].iter().all(|&chance| chance > 0.0)
                        && chances[from + 1..].iter().all(|&c| c == 0.0)
                );
            }
        }
        assert!((SLOPES.iter().map(|slope| slope.1).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
