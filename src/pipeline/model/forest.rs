//! Extremely randomised trees (Geurts, Ernst & Wehenkel, "Extremely randomized trees", 2006), grown node by node.
//!
//! Written here rather than taken from a crate. Looked at: smartcore 0.7, linfa-trees and linfa-ensemble 0.8, biosphere 0.4,
//! perpetual 2.3, forust-ml 0.8. None can pause while it fits, which a worker that answers a person must. smartcore's
//! and linfa's forests give votes and no probabilities, biosphere's are regressions; smartcore draws from a generator
//! whose stream depends on the word size, so a browser's forest would not be the command line's, and the form in which it
//! stores trees changes between releases.

use super::linear::ABSENT_INTERCEPT;
use super::logistic::{ClassWeight, Progress};
use super::weights::ClassCounts;
use ndarray::{Array2, ArrayView1, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What [`Node::column`] is in a leaf.
pub const LEAF: u32 = u32::MAX;

/// Trees, whose leaves' class shares are averaged: logits = ln of the mean + offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// Where each tree's root is in `nodes`.
    pub roots: Vec<u32>,
    /// All trees' nodes; children come after their parent.
    pub nodes: Vec<Node>,
    /// Leaves × K: the share of each class, smoothed by one row shared out as the classes are.
    pub leaves: Array2<f32>,
    /// Added to each logit: the prior that balanced weights leave out, and what bars classes without rows.
    pub offsets: Vec<f32>,
}

/// A split, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// The dense column that is compared; [`LEAF`] in a leaf.
    pub column: u32,
    /// Rows with a value of at most this go left.
    pub threshold: f32,
    /// The left child; in a leaf its row in [`Forest::leaves`].
    pub left: u32,
    /// The right child; 0 in a leaf.
    pub right: u32,
}

impl Forest {
    /// n × K logits of these dense rows.
    pub fn logits(&self, rows: ArrayView2<f32>) -> Array2<f32> {
        let mut logits = Array2::zeros((rows.nrows(), self.offsets.len()));
        for (mut logits, row) in logits.rows_mut().into_iter().zip(rows.rows()) {
            for &root in &self.roots {
                logits += &self.leaves.row(self.leaf(root, row));
            }
            for (logit, offset) in logits.iter_mut().zip(&self.offsets) {
                let mean = *logit / self.roots.len() as f32;
                *logit = if mean > 0.0 { mean.ln() + offset } else { ABSENT_INTERCEPT };
            }
        }
        logits
    }

    /// Comparisons and additions that predicting one row costs, as multiply-adds.
    pub fn work_per_row(&self) -> usize {
        // A step down a tree is a jump in memory.
        self.roots.len() * (256 + self.offsets.len())
    }

    fn leaf(&self, root: u32, row: ArrayView1<f32>) -> usize {
        let mut node = self.nodes[root as usize];
        while node.column != LEAF {
            let left = row[node.column as usize] <= node.threshold;
            node = self.nodes[if left { node.left } else { node.right } as usize];
        }
        node.left as usize
    }
}

/// A forest being grown.
#[derive(Debug, Clone)]
pub struct ForestFit {
    rows: Array2<f32>,
    targets: Vec<usize>,
    weights: Vec<f64>,
    /// K: the smoothing row's part for each class.
    shares: Vec<f64>,
    trees: usize,
    depth: usize,
    seed: u64,
    random: ChaCha8Rng,
    /// The order in which rows lie, so that each node's are next to each other.
    order: Vec<u32>,
    /// Nodes of the present tree that are still to be looked at.
    open: Vec<Open>,
    leaves: Vec<f32>,
    forest: Forest,
}

/// A node that may be split, and the places in `order` of its rows.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: u32,
    begin: usize,
    end: usize,
    depth: usize,
}

struct Split {
    column: usize,
    threshold: f32,
    impurity: f64,
}

impl ForestFit {
    /// To the used rows of n × d. `None` if fewer than two classes have one.
    pub fn begin(
        rows: ArrayView2<f32>,
        targets: &[usize],
        used: &[bool],
        classes: usize,
        (trees, depth): (usize, usize),
        class_weight: ClassWeight,
        seed: u64,
    ) -> Option<Self> {
        let counts = ClassCounts::of_targets(targets, used, classes)?;
        let kept: Vec<usize> = (0..targets.len()).filter(|&row| used[row]).collect();
        let targets: Vec<usize> = kept.iter().map(|&row| targets[row]).collect();
        let share = |class: usize| match counts.active(class) {
            true => counts.share(class) * counts.weight(class, class_weight),
            false => 0.0,
        };
        let offset = |class: usize| match counts.active(class) {
            true => counts.log_prior(class, class_weight) as f32,
            false => ABSENT_INTERCEPT,
        };
        let offsets = (0..classes).map(offset).collect();
        Some(Self {
            rows: rows.select(ndarray::Axis(0), &kept),
            weights: targets.iter().map(|&class| counts.weight(class, class_weight)).collect(),
            shares: (0..classes).map(share).collect(),
            order: (0..targets.len() as u32).collect(),
            targets,
            trees,
            depth,
            seed,
            random: ChaCha8Rng::seed_from_u64(seed),
            open: Vec::new(),
            leaves: Vec::new(),
            forest: Forest { roots: Vec::new(), nodes: Vec::new(), leaves: Array2::zeros((0, classes)), offsets },
        })
    }

    /// Works until about `work` multiply-adds are done, at least one node.
    pub fn step(&mut self, work: usize) -> Progress {
        let mut left = work;
        loop {
            let Some(open) = self.open.pop() else {
                if self.forest.roots.len() == self.trees {
                    let classes = self.shares.len();
                    let leaves = std::mem::take(&mut self.leaves);
                    if !leaves.is_empty() {
                        self.forest.leaves =
                            Array2::from_shape_vec((leaves.len() / classes, classes), leaves).expect("K a leaf");
                    }
                    return Progress::Done;
                }
                self.plant();
                continue;
            };
            left = left.saturating_sub(self.grow(open));
            if left == 0 {
                return Progress::Working;
            }
        }
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.forest.roots.len() as f64 / self.trees as f64
    }

    /// The forest, once [`ForestFit::step`] is done.
    pub fn head(&self) -> Forest {
        self.forest.clone()
    }

    /// Begins the next tree. Each has a stream of random numbers of its own.
    fn plant(&mut self) {
        let tree = self.forest.roots.len();
        self.random = ChaCha8Rng::seed_from_u64(self.seed);
        self.random.set_stream(tree as u64);
        let node = self.new_node();
        self.forest.roots.push(node);
        self.open.push(Open { node, begin: 0, end: self.order.len(), depth: 0 });
    }

    fn new_node(&mut self) -> u32 {
        self.forest.nodes.push(Node { column: LEAF, threshold: 0.0, left: 0, right: 0 });
        self.forest.nodes.len() as u32 - 1
    }

    /// Splits a node or makes it a leaf; returns the work.
    fn grow(&mut self, open: Open) -> usize {
        let Open { node, begin, end, depth } = open;
        let first = self.targets[self.order[begin] as usize];
        let pure = self.order[begin..end].iter().all(|&row| self.targets[row as usize] == first);
        let mut work = 16 + (end - begin);
        if !pure && depth < self.depth {
            let (split, looked_at) = self.best_split(begin, end);
            work += 4 * looked_at * (end - begin);
            if let Some(split) = split {
                let middle = self.partition(begin, end, &split);
                let (left, right) = (self.new_node(), self.new_node());
                let column = split.column as u32;
                self.forest.nodes[node as usize] = Node { column, threshold: split.threshold, left, right };
                self.open.push(Open { node: right, begin: middle, end, depth: depth + 1 });
                self.open.push(Open { node: left, begin, end: middle, depth: depth + 1 });
                return work;
            }
        }
        self.make_leaf(node, begin, end);
        work
    }

    /// The best of √d random columns that differ among the rows, each cut at a random place; and how many columns were
    /// looked at.
    fn best_split(&mut self, begin: usize, end: usize) -> (Option<Split>, usize) {
        let columns = self.rows.ncols();
        let wanted = (columns as f64).sqrt().round().max(1.0) as usize;
        let mut candidates: Vec<u32> = (0..columns as u32).collect();
        let mut best: Option<Split> = None;
        let mut tried = 0;
        for place in 0..columns {
            let drawn = self.random.random_range(place as u32..columns as u32) as usize;
            candidates.swap(place, drawn);
            let column = candidates[place] as usize;
            let values = self.order[begin..end].iter().map(|&row| self.rows[[row as usize, column]]);
            let (least, most) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, m), x| (l.min(x), m.max(x)));
            if least < most {
                let cut = least + self.random.random::<f32>() * (most - least);
                // Rounding must not send every row left.
                let threshold = if cut < most { cut } else { least };
                let impurity = self.impurity(begin, end, column, threshold);
                if best.as_ref().is_none_or(|best| impurity < best.impurity) {
                    best = Some(Split { column, threshold, impurity });
                }
                tried += 1;
            }
            if tried == wanted {
                return (best, place + 1);
            }
        }
        (best, columns)
    }

    /// Gini impurity of both sides, weighted by their rows: Σ over sides of (weight − Σ class weight² / weight).
    fn impurity(&self, begin: usize, end: usize, column: usize, threshold: f32) -> f64 {
        let classes = self.shares.len();
        let mut sums = vec![0.0; 2 * classes];
        for &row in &self.order[begin..end] {
            let row = row as usize;
            let right = usize::from(self.rows[[row, column]] > threshold);
            sums[right * classes + self.targets[row]] += self.weights[row];
        }
        sums.chunks(classes)
            .map(|side| {
                let weight: f64 = side.iter().sum();
                weight - side.iter().map(|sum| sum * sum).sum::<f64>() / weight.max(f64::MIN_POSITIVE)
            })
            .sum()
    }

    /// Puts the left rows before the right ones, each in their order; returns where the right ones begin.
    fn partition(&mut self, begin: usize, end: usize, split: &Split) -> usize {
        let rows = &self.rows;
        let goes_left = |row: &u32| rows[[*row as usize, split.column]] <= split.threshold;
        let (left, right): (Vec<u32>, Vec<u32>) = self.order[begin..end].iter().partition(|row| goes_left(row));
        let middle = begin + left.len();
        self.order[begin..middle].copy_from_slice(&left);
        self.order[middle..end].copy_from_slice(&right);
        middle
    }

    fn make_leaf(&mut self, node: u32, begin: usize, end: usize) {
        let mut sums = self.shares.clone();
        let mut total = 1.0;
        for &row in &self.order[begin..end] {
            sums[self.targets[row as usize]] += self.weights[row as usize];
            total += self.weights[row as usize];
        }
        let leaf = (self.leaves.len() / sums.len()) as u32;
        self.leaves.extend(sums.into_iter().map(|sum| (sum / total) as f32));
        self.forest.nodes[node as usize].left = leaf;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::predict::{likeliest, softmax};

    /// Two classes that no line parts: inside and outside a ring, and a column that says nothing.
    fn ring(rows: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let rows = Array2::from_shape_fn((rows, 3), |_| random.random_range(-1.0..1.0f32));
        let targets = rows.rows().into_iter().map(|row| usize::from(row[0].powi(2) + row[1].powi(2) > 0.5)).collect();
        (rows, targets)
    }

    fn grow(data: &(Array2<f32>, Vec<usize>), work: usize, seed: u64) -> Forest {
        let used = vec![true; data.1.len()];
        let mut fit =
            ForestFit::begin(data.0.view(), &data.1, &used, 3, (60, 12), ClassWeight::Equal, seed).expect("classes");
        while fit.step(work) == Progress::Working {}
        fit.head()
    }

    #[test]
    fn parts_what_no_line_parts_the_same_in_any_slices() {
        let (train, test) = (ring(400, 1), ring(300, 2));
        let forest = grow(&train, usize::MAX, 7);
        assert_eq!(forest, grow(&train, 1, 7), "slices change nothing");
        assert_ne!(forest, grow(&train, usize::MAX, 8), "the seed does");
        let logits = forest.logits(test.0.view());
        let right = logits.rows().into_iter().zip(&test.1).filter(|(row, target)| likeliest(*row) == **target).count();
        assert!(right >= 270, "{right} of 300");
        let probabilities = softmax(&logits, 1.0);
        assert_eq!(probabilities.column(2).sum(), 0.0);
    }

    #[test]
    fn a_single_leaf_has_the_smoothed_shares() {
        let same = (Array2::ones((4, 2)), vec![0, 0, 0, 1]);
        let forest = grow(&same, usize::MAX, 1);
        assert_eq!((forest.nodes.len(), forest.roots.len()), (60, 60));
        // (3 + 3/4) / (4 + 1)
        assert!((forest.leaves[[0, 0]] - 0.75).abs() < 1e-6);
        let mut fit = ForestFit::begin(same.0.view(), &same.1, &[true; 4], 3, (5, 3), ClassWeight::Balanced, 1)
            .expect("two classes");
        while fit.step(1) == Progress::Working {}
        // Balanced leaves are even; the prior gives the shares back.
        let probabilities = softmax(&fit.head().logits(same.0.view()), 1.0);
        assert!((probabilities[[0, 0]] - 0.75).abs() < 1e-5, "{probabilities}");
    }
}
