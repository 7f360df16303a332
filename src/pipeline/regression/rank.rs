//! What to label next for a numeric target: what makes the whole pool better known, not just itself.
//!
//! For a linear model with prior precision λ, the variance of the prediction at z, in units of the noise's, is v(z) = zᵀPz
//! with P = (λI + Σ zᵢzᵢᵀ)⁻¹ over labelled rows. It does not depend on what labels say. Labelling x lowers the mean of v
//! over the pool by exactly (zₓᵀ P M P zₓ) / (1 + zₓᵀPzₓ), where M is the mean of zzᵀ over the pool (Cohn, Ghahramani &
//! Jordan, "Active learning with statistical models", 1996; Yu, Bi & Tresp, "Active learning via transductive experimental
//! design", 2006). Rows are chosen one after the other, each knowing of those before it. The largest v(z) alone would ask
//! for outliers: uncertain, and like nothing else.

mod design;

use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::folds::row_hash;
use design::{Design, Information};
use ndarray::{Array2, Axis, s};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Wider rows are projected to this many dimensions at random, which keeps inner products to within some per cent.
const DIMENSIONS: usize = 128;
/// Most rows that stand for the pool, and most candidates weighed at once.
const MOST_ROWS: usize = 2048;
/// Rows narrowed at a time.
const CHUNK: usize = 64;
/// Multiply-adds of one [`NumericRanker::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 16 << 20;
/// λ before the first model.
const FIRST_STRENGTH: f64 = 1.0;

/// One row to ask, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumericRanked {
    /// The row.
    pub row: usize,
    /// How uncertain the model is of this row beyond the noise of a label: the variance of its prediction in units of the
    /// noise's, at least 0.
    pub variance: f64,
    /// The share of the pool's mean of that variance which asking takes away, 0 to 1.
    pub gain: f64,
}

/// Ranks unlabelled rows, in slices. Rows mean the same item as long as it lives; when features change other than by
/// growing, make a new one.
#[derive(Debug, Clone)]
pub struct NumericRanker {
    seed: u64,
    /// d × [`DIMENSIONS`], where d is larger.
    projection: Option<Array2<f32>>,
    /// All rows so far, narrowed.
    narrowed: Array2<f32>,
    request: Option<Request>,
}

#[derive(Debug, Clone)]
struct Request {
    labelled: Vec<usize>,
    candidates: Vec<usize>,
    strength: f64,
    want: usize,
    stage: Stage,
}

#[derive(Debug, Clone)]
enum Stage {
    Begin,
    /// Labelled rows are taken in.
    Inform(Information),
    /// Candidates are weighed, then chosen from.
    Choose(Box<Design>, Vec<NumericRanked>),
}

impl NumericRanker {
    /// The seed decides which rows stand for a large pool, and how wide rows are narrowed.
    pub fn new(seed: u64) -> Self {
        Self { seed, projection: None, narrowed: Array2::zeros((0, 0)), request: None }
    }

    /// Begins to rank; a ranking under way is dropped.
    ///
    /// - `labelled`: rows whose label is known, the model's or not.
    /// - `candidates`: rows that may be asked.
    /// - `strength`: λ of the ridge regression, `None` before the first.
    /// - `want`: how many to return; fewer come back if there are fewer candidates.
    pub fn begin(&mut self, labelled: &[usize], candidates: &[usize], strength: Option<f64>, want: usize) {
        self.request = Some(Request {
            labelled: labelled.to_vec(),
            candidates: self.sample(candidates.to_vec()),
            strength: strength.unwrap_or(FIRST_STRENGTH),
            want,
            stage: Stage::Begin,
        });
    }

    /// One slice of the work; `None` if more is needed. After the result, or without a [`NumericRanker::begin`], an empty
    /// ranking.
    ///
    /// # Panics
    /// If a row is out of the features' range.
    pub fn step(&mut self, features: &Features) -> Option<Vec<NumericRanked>> {
        let Some(mut request) = self.request.take() else { return Some(Vec::new()) };
        let mut work = SLICE_WORK;
        let ready = self.narrow(features, &mut work);
        while ready && work > 0 {
            let stage = std::mem::replace(&mut request.stage, Stage::Begin);
            request.stage = match self.advance(stage, &request, &mut work) {
                Stage::Choose(_, ranked) if ranked.len() >= request.want.min(request.candidates.len()) => {
                    return Some(ranked);
                }
                stage => stage,
            };
        }
        self.request = Some(request);
        None
    }

    fn advance(&self, stage: Stage, request: &Request, work: &mut usize) -> Stage {
        match stage {
            Stage::Begin => {
                let references = self.sample((0..self.narrowed.nrows()).collect());
                let information = Information::new(self.narrowed.select(Axis(0), &references), request.strength);
                *work = work.saturating_sub(information.work_per_row() * references.len());
                Stage::Inform(information)
            }
            Stage::Inform(mut information) => {
                let rows = (*work / information.work_per_row()).max(1);
                let new = request.labelled.iter().skip(information.rows()).take(rows).copied().collect::<Vec<_>>();
                information.add(&self.narrowed.select(Axis(0), &new));
                *work = work.saturating_sub(information.work_per_row() * new.len().max(1));
                if information.rows() < request.labelled.len() {
                    return Stage::Inform(information);
                }
                *work = work.saturating_sub(information.work_of_inverting());
                Stage::Choose(Box::new(information.design(request.candidates.len())), Vec::new())
            }
            Stage::Choose(mut design, mut ranked) => {
                if design.weighed() < request.candidates.len() {
                    let rows = (*work / design.work_per_row()).max(1);
                    let new = &request.candidates[design.weighed()..];
                    let new = &new[..rows.min(new.len())];
                    design.weigh(&self.narrowed.select(Axis(0), new));
                    *work = work.saturating_sub(design.work_per_row() * new.len());
                } else if let Some((place, variance, gain)) = design.choose() {
                    ranked.push(NumericRanked { row: request.candidates[place], variance, gain });
                    *work = work.saturating_sub(design.work_of_choosing());
                }
                Stage::Choose(design, ranked)
            }
        }
    }

    /// Narrows the rows that are missing, as far as the work reaches; true when all are there.
    fn narrow(&mut self, features: &Features, work: &mut usize) -> bool {
        let columns = features.dense_columns();
        if self.narrowed.nrows() == 0 {
            self.projection = (columns > DIMENSIONS).then(|| random_signs(self.seed, columns));
            self.narrowed = Array2::zeros((0, columns.min(DIMENSIONS)));
        }
        while self.narrowed.nrows() < features.len() {
            if *work == 0 {
                return false;
            }
            let known = self.narrowed.nrows();
            let rows = features.dense.slice(s![known..(known + CHUNK).min(features.len()), ..]);
            let new = match &self.projection {
                Some(projection) => rows.dot(projection),
                None => rows.to_owned(),
            };
            *work = work.saturating_sub(rows.len() * new.ncols());
            self.narrowed.append(Axis(0), new.view()).expect("as many dimensions");
        }
        true
    }

    /// At most [`MOST_ROWS`] of the rows, ascending: those whose hashes are smallest, so the same from call to call.
    fn sample(&self, rows: Vec<usize>) -> Vec<usize> {
        if rows.len() <= MOST_ROWS {
            return rows;
        }
        let mut order: Vec<(u64, usize)> = rows.into_iter().map(|row| (row_hash(self.seed, row), row)).collect();
        order.select_nth_unstable(MOST_ROWS);
        order.truncate(MOST_ROWS);
        let mut rows: Vec<usize> = order.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable();
        rows
    }
}

/// Signs in place of Gaussians (Achlioptas, "Database-friendly random projections", 2003).
fn random_signs(seed: u64, columns: usize) -> Array2<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let size = 1.0 / (DIMENSIONS as f32).sqrt();
    Array2::from_shape_simple_fn((columns, DIMENSIONS), || if random.random::<bool>() { size } else { -size })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod measurement {
    use super::tests::{simulate, table};

    /// `HONE_TABLE=file.csv HONE_TARGET=column cargo test --lib regression::rank -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement on any table"]
    fn asking_on_a_table_of_ones_own() {
        let read = |name: &str| std::env::var(name).expect(name);
        let text = std::fs::read_to_string(read("HONE_TABLE")).expect("a table");
        let (features, labels) = table(&text, &read("HONE_TARGET"));
        let found = simulate(&features, &labels, &[10, 20, 40, 80, 160], 24);
        println!("RMSE (asked, random) at 10, 20, 40, 80, 160 labels: {found:.4?}");
    }
}
