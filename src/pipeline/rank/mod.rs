//! What to label next: uncertainty herding, margin, random, and the blind audits among them.
//!
//! Invariant: ranking sees features, probabilities and row numbers; it never learns what a label said.

pub mod audit;
pub mod strategy;
pub mod why;
mod coverage;
mod fixed;
mod kernel;

pub use audit::{AuditDraw, audit_draw};
pub use strategy::Strategy;
pub use why::Why;

use crate::pipeline::features::geometry::Geometry;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::folds::row_hash;
use crate::pipeline::predict::TopTwo;
use coverage::Coverage;
use kernel::Standing;
use ndarray::Array2;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Most candidates that herding weighs at once.
const CANDIDATES: usize = 4096;
/// Multiply-adds of one [`Ranker::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 16 << 20;
/// What one reference costs in a candidate's gain, in multiply-adds.
const GAIN_COST: usize = 2;

/// One item to ask, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Its row.
    pub row: usize,
    /// Why it is asked.
    pub why: Why,
}

/// Ranks unlabelled items, in slices. Keeps distances between calls, so that ranking anew after one label is cheap.
///
/// Rows mean the same item as long as the ranker lives; when features change other than by growing, make a new one.
#[derive(Debug, Clone)]
pub struct Ranker {
    seed: u64,
    draws: u64,
    /// What orders the rows as if at random, by row; as far as it was asked for.
    hashes: Vec<u64>,
    geometry: Geometry,
    coverage: Coverage,
    request: Option<Request>,
}

/// A ranking under way.
#[derive(Debug, Clone)]
struct Request {
    strategy: Strategy,
    candidates: Vec<usize>,
    labelled: Vec<usize>,
    want: usize,
    /// For each row of the pool; empty before the first model.
    tops: Vec<TopTwo>,
    /// Herding: what stands for the references, once distances are known.
    standing: Option<Standing>,
    /// Herding's gains, found so far in the order of `candidates`.
    gains: Vec<f32>,
}

/// A candidate in the lazy greedy queue, by gain; of equals, the lower row first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bid {
    gain: f32,
    row: usize,
    /// How many items were chosen when the gain was computed.
    round: usize,
}

impl Eq for Bid {}

impl Ord for Bid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Bid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ranker {
    /// The same seed and the same calls give the same rankings.
    pub fn new(seed: u64) -> Ranker {
        Ranker {
            seed,
            draws: 0,
            hashes: Vec::new(),
            geometry: Geometry::new(seed),
            coverage: Coverage::new(seed),
            request: None,
        }
    }

    /// Begins to rank; a ranking under way is dropped.
    ///
    /// - `probabilities`: n × K, calibrated; `None` before the first model: then margin asks at random, and herding
    ///   takes every item as uncertain. Rows beyond its end count as wholly uncertain, too.
    /// - `labelled`: rows whose label is known, the model's or not.
    /// - `candidates`: rows that may be asked.
    /// - `want`: how many to return; fewer come back if there are fewer candidates.
    pub fn begin(
        &mut self,
        strategy: Strategy,
        features: &Features,
        probabilities: Option<&Array2<f32>>,
        labelled: &[usize],
        candidates: &[usize],
        want: usize,
    ) {
        self.draws += 1;
        let tops: Vec<TopTwo> = match probabilities {
            Some(probabilities) if probabilities.ncols() >= 2 => {
                probabilities.rows().into_iter().take(features.len()).map(TopTwo::of).collect()
            }
            _ => Vec::new(),
        };
        let candidates = match strategy {
            Strategy::Herding => self.shortlist(candidates, &tops),
            Strategy::Margin | Strategy::Random => candidates.to_vec(),
        };
        let (labelled, gains) = (labelled.to_vec(), Vec::new());
        self.request = Some(Request { strategy, candidates, labelled, want, tops, standing: None, gains });
    }

    /// One slice of the work; `None` if more is needed. After the result, or without a [`Ranker::begin`], an empty
    /// ranking.
    pub fn step(&mut self, features: &Features) -> Option<Vec<Ranked>> {
        let Some(mut request) = self.request.take() else { return Some(Vec::new()) };
        let ranked = match request.strategy {
            Strategy::Random => Some(self.random(&request)),
            Strategy::Margin => Some(self.margin(&request)),
            Strategy::Herding => self.herding(features, &mut request),
        };
        if ranked.is_none() {
            self.request = Some(request);
        }
        ranked
    }

    fn random(&self, request: &Request) -> Vec<Ranked> {
        let shuffled = self.shuffled(&request.candidates);
        shuffled.into_iter().take(request.want).map(|row| Ranked { row, why: Why::Random }).collect()
    }

    fn margin(&self, request: &Request) -> Vec<Ranked> {
        if request.tops.is_empty() {
            return self.random(request);
        }
        let mut rows = self.shuffled(&request.candidates);
        rows.sort_by(|&a, &b| uncertainty(&request.tops, b).total_cmp(&uncertainty(&request.tops, a)));
        rows.into_iter()
            .take(request.want)
            .map(|row| Ranked { row, why: request.tops.get(row).map_or(Why::Random, |&top| Why::Margin(top)) })
            .collect()
    }

    /// Candidates in an order that seed, call and row decide.
    fn shuffled(&self, candidates: &[usize]) -> Vec<usize> {
        let mut rows: Vec<(u64, usize)> =
            candidates.iter().map(|&row| (row_hash(self.seed.wrapping_add(self.draws), row), row)).collect();
        rows.sort_unstable();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// At most [`CANDIDATES`]: half by smallest margin, half at random, the random half the same from call to call as
    /// long as its items stay candidates, so that their distances are known already.
    fn shortlist(&mut self, candidates: &[usize], tops: &[TopTwo]) -> Vec<usize> {
        if candidates.len() <= CANDIDATES {
            return candidates.to_vec();
        }
        let rows = candidates.iter().max().map_or(0, |last| last + 1);
        self.hashes.extend((self.hashes.len()..rows).map(|row| row_hash(self.seed, row)));
        let mut rows: Vec<(u64, usize)> = candidates.iter().map(|&row| (self.hashes[row], row)).collect();
        let random = if tops.is_empty() { CANDIDATES } else { CANDIDATES / 2 };
        rows.select_nth_unstable(random);
        let mut rest = rows.split_off(random);
        let most = CANDIDATES - random;
        if most > 0 && most < rest.len() {
            let closest = |a: &(u64, usize), b: &(u64, usize)| {
                uncertainty(tops, b.1).total_cmp(&uncertainty(tops, a.1)).then(a.cmp(b))
            };
            rest.select_nth_unstable_by(most, closest);
        }
        rows.extend(rest.into_iter().take(most));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Uncertainty herding (Bae et al., arXiv 2412.20644): greedily the items that most raise Σ_j u_j max_i k(x_i, x_j).
    fn herding(&mut self, features: &Features, request: &mut Request) -> Option<Vec<Ranked>> {
        let mut work = SLICE_WORK;
        if !self.geometry.extend(features, &mut work)
            || !self.coverage.follow(&self.geometry, &request.labelled, &mut work)
            || !self.coverage.measure(&self.geometry, &request.candidates, &mut work)
        {
            return None;
        }
        let standing = request.standing.get_or_insert_with(|| self.coverage.standing(&request.tops));
        while request.gains.len() < request.candidates.len() {
            if work == 0 {
                return None;
            }
            let distances = self.coverage.distances(request.candidates[request.gains.len()]);
            request.gains.push(standing.gain(distances));
            work = work.saturating_sub(GAIN_COST * distances.len());
        }
        Some(self.greedy(request))
    }

    /// Gains only shrink as items are chosen (the objective is submodular), so a stale gain is an upper bound: an item
    /// whose fresh gain still leads is the best without looking at the others (Minoux, 1978).
    fn greedy(&self, request: &mut Request) -> Vec<Ranked> {
        let Some(mut standing) = request.standing.take() else { return Vec::new() };
        let bids = request.candidates.iter().zip(&request.gains).map(|(&row, &gain)| Bid { gain, row, round: 0 });
        let mut queue: BinaryHeap<Bid> = bids.collect();
        let mut chosen: Vec<Ranked> = Vec::new();
        while chosen.len() < request.want {
            let Some(bid) = queue.pop() else { break };
            let distances = self.coverage.distances(bid.row);
            if bid.round < chosen.len() {
                queue.push(Bid { gain: standing.gain(distances), round: chosen.len(), ..bid });
                continue;
            }
            let alike = self.coverage.alike(bid.row, standing.nearest());
            let why = match request.tops.get(bid.row) {
                Some(&top) => Why::Herding { top, alike },
                None => Why::Herald { alike },
            };
            chosen.push(Ranked { row: bid.row, why });
            standing.choose(distances);
        }
        chosen
    }
}

fn uncertainty(tops: &[TopTwo], row: usize) -> f32 {
    tops.get(row).map_or(1.0, TopTwo::uncertainty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use ndarray::Array2;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Three tight groups in three directions, of 60, 30 and 10 rows.
    fn groups() -> Features {
        let mut random = ChaCha8Rng::seed_from_u64(6);
        let mut features = Features::new(3, 0);
        for row in 0..100 {
            let group = usize::from(row >= 60) + usize::from(row >= 90);
            let dense = (0..3).map(|axis| random.random_range(0.0..0.1) + if axis == group { 1.0 } else { 0.0 });
            features.push(FeatureVector { dense: dense.collect(), sparse: SparseRow::default() });
        }
        features
    }

    fn group(row: usize) -> usize {
        usize::from(row >= 60) + usize::from(row >= 90)
    }

    fn rank(
        ranker: &mut Ranker,
        strategy: Strategy,
        features: &Features,
        probabilities: Option<&Array2<f32>>,
        labelled: &[usize],
        want: usize,
    ) -> Vec<Ranked> {
        let candidates: Vec<usize> = (0..features.len()).filter(|row| !labelled.contains(row)).collect();
        ranker.begin(strategy, features, probabilities, labelled, &candidates, want);
        loop {
            if let Some(ranked) = ranker.step(features) {
                return ranked;
            }
        }
    }

    #[test]
    fn herding_asks_for_each_group_once_the_largest_first() {
        let features = groups();
        let ranked = rank(&mut Ranker::new(1), Strategy::Herding, &features, None, &[], 3);
        let asked: Vec<usize> = ranked.iter().map(|ranked| group(ranked.row)).collect();
        assert_eq!(asked, [0, 1, 2]);
        assert_eq!(ranked[0].why, Why::Herald { alike: 59 });
    }

    #[test]
    fn herding_weighs_by_uncertainty() {
        let features = groups();
        // Sure of the two large groups, torn over the small one.
        let probabilities =
            Array2::from_shape_fn((100, 2), |(row, class)| if row >= 90 { 0.5 } else { [0.99, 0.01][class] });
        let ranked = rank(&mut Ranker::new(1), Strategy::Herding, &features, Some(&probabilities), &[0, 60], 1);
        assert_eq!(group(ranked[0].row), 2);
        assert!(matches!(ranked[0].why, Why::Herding { alike: 9, top } if top.first_probability == 0.5));
    }

    #[test]
    fn distances_kept_from_earlier_calls_change_no_answer() {
        let features = groups();
        let mut used = Ranker::new(4);
        // Labels come, are taken back, and the pool grows under the ranker's feet.
        rank(&mut used, Strategy::Herding, &features.select(&(0..80).collect::<Vec<_>>()), None, &[3], 2);
        for labelled in [&[5, 70][..], &[5, 70, 95, 20, 33, 41, 57], &[5, 70, 95, 20, 33, 41], &[70, 95, 20, 33, 41]] {
            let kept = rank(&mut used, Strategy::Herding, &features, None, labelled, 5);
            let fresh = rank(&mut Ranker::new(4), Strategy::Herding, &features, None, labelled, 5);
            assert_eq!(kept, fresh, "{labelled:?}");
        }
    }

    #[test]
    fn margin_asks_the_closest_call_first() {
        let features = groups();
        let probabilities = Array2::from_shape_fn((100, 2), |(row, class)| {
            let p = 0.5 + row as f32 / 250.0;
            if class == 0 { p } else { 1.0 - p }
        });
        let ranked = rank(&mut Ranker::new(1), Strategy::Margin, &features, Some(&probabilities), &[0], 3);
        assert_eq!(ranked.iter().map(|ranked| ranked.row).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn odd_pools_are_ranked_as_far_as_they_go() {
        let mut alike = Features::new(2, 0);
        for _ in 0..5 {
            alike.push(FeatureVector { dense: vec![0.0, 0.0], sparse: SparseRow::default() });
        }
        for strategy in [Strategy::Herding, Strategy::Margin, Strategy::Random] {
            let all = rank(&mut Ranker::new(0), strategy, &alike, None, &[1, 2], 10);
            let mut rows: Vec<usize> = all.iter().map(|ranked| ranked.row).collect();
            rows.sort_unstable();
            assert_eq!(rows, [0, 3, 4], "{strategy:?}: each once, none twice");
            let none = rank(&mut Ranker::new(0), strategy, &Features::new(2, 0), None, &[], 3);
            assert!(none.is_empty(), "{strategy:?}");
        }
    }

    /// `cargo test --release --no-default-features --lib rank -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn time_of_ranking_after_one_label() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut features = Features::new(1280, 0);
        for _ in 0..20_000 {
            let dense = (0..1280).map(|_| random.random_range(0.0..1.0)).collect();
            features.push(FeatureVector { dense, sparse: SparseRow::default() });
        }
        let probabilities = Array2::from_shape_fn((20_000, 10), |_| random.random_range(0.0..1.0));
        let mut ranker = Ranker::new(0);
        let mut labelled: Vec<usize> = (0..5000).collect();
        for round in ["first", "after one label", "after another"] {
            let start = std::time::Instant::now();
            let ranked = rank(&mut ranker, Strategy::Herding, &features, Some(&probabilities), &labelled, 8);
            println!("{round}: {:?}", start.elapsed());
            labelled.push(ranked[0].row);
        }
    }
}
