//! A batch compared with the reference, in slices.

use super::accuracy::{Calibration, CalibrationFit, Estimated, Estimation, FEWEST_ROWS};
use super::column::NamedColumn;
use super::novelty::{Distances, Novelty};
use super::report::{ClassShift, ColumnShift, NoEstimate, Novel, Report, Separation, Test};
use super::separation::separation;
use super::two_sample::{fisher, kolmogorov_smirnov};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::projection::{Projection, ProjectionFit};
use crate::pipeline::predict::likeliest;
use ndarray::{Array2, Axis, concatenate};
use rand::seq::{SliceRandom, index};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Multiply-adds of one [`Comparison::step`], give or take.
const SLICE_WORK: usize = 16 << 20;
/// Features wider than this are reduced to so many principal directions: what carries most of the spread, and few enough to fit a
/// classifier to some hundred rows.
const DIMENSIONS: usize = 48;
/// Distances and classifier see at most so many reference rows, drawn at random.
const MOST_REFERENCE: usize = 2000;
/// The classifier sees at most so many batch rows.
const MOST_BATCH: usize = 2000;
/// Rows that the directions are found on.
const MOST_PROJECTED: usize = 2048;
/// Of a larger batch, so many rows drawn at random get a novelty.
const MOST_NOVELTY: usize = 20_000;

/// Two samples of items. Rows are rows of the features.
#[derive(Debug, Clone)]
pub struct Input {
    /// The items the model was trained and audited on.
    pub reference: Vec<usize>,
    /// The new items.
    pub batch: Vec<usize>,
    /// One row a reference item, one column a class, calibrated: held-out predictions for items that the model was trained on, the
    /// model's own for the others. (On items it was trained on, a model is surer than on any other, and every batch would look different.)
    pub reference_probabilities: Array2<f32>,
    /// One row a batch item: the model's own calibrated probabilities.
    pub batch_probabilities: Array2<f32>,
    /// Calibrated held-out predictions with the true class: out-of-fold rows of the training labels, and audits of the reference.
    pub held_out: Vec<(Vec<f32>, usize)>,
    /// What else is compared, in the order of the report.
    pub columns: Vec<NamedColumn>,
}

/// The comparison, being made.
#[derive(Debug, Clone)]
pub struct Comparison {
    input: Input,
    stage: Stage,
    random: ChaCha8Rng,
    outputs: Vec<Test>,
    columns: Vec<ColumnShift>,
    calibration: Option<Calibration>,
    estimated: Vec<Estimated>,
    chosen: Chosen,
    separation: Option<Separation>,
}

#[derive(Debug, Clone)]
enum Stage {
    Outputs,
    Columns,
    Calibrate(Option<Box<CalibrationFit>>),
    /// First the reference, then the batch.
    Estimate(Box<Estimation>),
    Gather,
    Project(Box<ProjectionFit>),
    /// The rows that are reduced so far, in blocks.
    Reduce(Option<Projection>, Vec<Array2<f32>>),
    Separate(Array2<f32>),
    Distances(Box<Distances>),
    Done,
}

/// The feature rows that are looked at, in a random order.
#[derive(Debug, Clone, Default)]
struct Chosen {
    reference: Vec<usize>,
    batch: Vec<usize>,
}

impl Comparison {
    /// Begins. The seed decides which rows of many are looked at, and the resamples; the same input and seed give the same report.
    pub fn new(input: Input, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut choose = |rows: &[usize], most: usize| {
            let mut rows: Vec<usize> = if rows.len() > most {
                index::sample(&mut random, rows.len(), most).into_iter().map(|place| rows[place]).collect()
            } else {
                rows.to_vec()
            };
            rows.shuffle(&mut random);
            rows
        };
        let reference = choose(&input.reference, MOST_REFERENCE);
        let batch = choose(&input.batch, MOST_NOVELTY);
        Self {
            input,
            stage: Stage::Outputs,
            random,
            outputs: Vec::new(),
            columns: Vec::new(),
            calibration: None,
            estimated: Vec::new(),
            chosen: Chosen { reference, batch },
            separation: None,
        }
    }

    /// One slice of the work; the report, once, when all is done, and `None` ever after.
    ///
    /// # Panics
    /// If the input's rows are beyond the features', or its probabilities have not a row an item.
    pub fn step(&mut self, features: &Features) -> Option<Report> {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        self.stage = match stage {
            Stage::Outputs => self.compare_outputs(),
            Stage::Columns => self.compare_column(),
            Stage::Calibrate(fit) => self.calibrate(fit),
            Stage::Estimate(estimation) => self.estimate(estimation),
            Stage::Gather => self.begin_reducing(features),
            Stage::Project(mut fit) => {
                if fit.step(SLICE_WORK) {
                    self.empty(Some(fit.finish()))
                } else {
                    Stage::Project(fit)
                }
            }
            Stage::Reduce(projection, rows) => self.reduce(features, projection, rows),
            Stage::Separate(rows) => self.separate(&rows),
            Stage::Distances(mut distances) => {
                if distances.step(SLICE_WORK) {
                    return Some(self.report(distances.finish()));
                }
                Stage::Distances(distances)
            }
            Stage::Done => return None,
        };
        None
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        let part = |done: usize, of: usize| done as f64 / of.max(1) as f64;
        match &self.stage {
            Stage::Outputs => 0.05 * part(self.outputs.len(), self.classes()),
            Stage::Columns => 0.05 + 0.1 * part(self.columns.len(), self.input.columns.len()),
            Stage::Calibrate(_) => 0.16,
            Stage::Estimate(estimation) => 0.17 + 0.14 * (self.estimated.len() as f64 + estimation.progress()),
            Stage::Gather | Stage::Project(_) => 0.45,
            Stage::Reduce(_, rows) => {
                0.5 + 0.2
                    * part(rows.iter().map(Array2::nrows).sum(), self.chosen.reference.len() + self.chosen.batch.len())
            }
            Stage::Separate(_) => 0.7,
            Stage::Distances(distances) => 0.72 + 0.28 * distances.progress(),
            Stage::Done => 1.0,
        }
    }

    fn classes(&self) -> usize {
        self.input.batch_probabilities.ncols()
    }

    /// Of two classes the second output is one minus the first and says nothing new.
    fn compare_outputs(&mut self) -> Stage {
        let class = self.outputs.len();
        if class >= self.classes() {
            return Stage::Columns;
        }
        let test = match self.outputs.first() {
            Some(first) if self.classes() == 2 => Some(*first),
            _ => {
                let of = |probabilities: &Array2<f32>| -> Vec<f64> {
                    probabilities.column(class).iter().map(|&p| f64::from(p)).collect()
                };
                kolmogorov_smirnov(&of(&self.input.reference_probabilities), &of(&self.input.batch_probabilities))
            }
        };
        self.outputs.push(test.unwrap_or(Test::new(0.0, 1.0)));
        Stage::Outputs
    }

    fn compare_column(&mut self) -> Stage {
        let Some(column) = self.input.columns.get(self.columns.len()) else {
            let fit = CalibrationFit::new(&self.input.held_out, self.classes(), self.random.random());
            return Stage::Calibrate(fit.map(Box::new));
        };
        self.columns.push(column.compare());
        Stage::Columns
    }

    fn calibrate(&mut self, fit: Option<Box<CalibrationFit>>) -> Stage {
        let Some(mut fit) = fit else { return Stage::Gather };
        match fit.step() {
            Some(calibration) => {
                self.calibration = Some(calibration);
                Stage::Estimate(Box::new(Estimation::new(&self.input.reference_probabilities, self.random.random())))
            }
            None => Stage::Calibrate(Some(fit)),
        }
    }

    fn estimate(&mut self, mut estimation: Box<Estimation>) -> Stage {
        let Some(calibration) = &self.calibration else { return Stage::Gather };
        let Some(estimated) = estimation.step(calibration, SLICE_WORK) else { return Stage::Estimate(estimation) };
        self.estimated.push(estimated);
        match self.estimated.len() {
            1 => Stage::Estimate(Box::new(Estimation::new(&self.input.batch_probabilities, self.random.random()))),
            _ => Stage::Gather,
        }
    }

    /// The directions of both samples together, which favours neither: the tests stay valid.
    fn begin_reducing(&mut self, features: &Features) -> Stage {
        if features.dense_columns() <= DIMENSIONS {
            return self.empty(None);
        }
        let batch = &self.chosen.batch[..self.chosen.batch.len().min(MOST_BATCH)];
        let mut pool: Vec<usize> = self.chosen.reference.iter().chain(batch).copied().collect();
        pool.shuffle(&mut self.random);
        pool.truncate(MOST_PROJECTED);
        Stage::Project(Box::new(ProjectionFit::new(
            features.dense.select(Axis(0), &pool),
            DIMENSIONS,
            self.random.random(),
        )))
    }

    fn empty(&self, projection: Option<Projection>) -> Stage {
        Stage::Reduce(projection, Vec::new())
    }

    fn reduce(&self, features: &Features, projection: Option<Projection>, mut rows: Vec<Array2<f32>>) -> Stage {
        let all = self.chosen.reference.iter().chain(&self.chosen.batch);
        let per_row = features.dense_columns() * DIMENSIONS;
        let size = (SLICE_WORK / per_row.max(1)).max(1);
        let next: Vec<usize> = all.skip(rows.len() * size).take(size).copied().collect();
        if next.is_empty() {
            let width = projection.as_ref().map_or(features.dense_columns(), Projection::dimensions);
            let views: Vec<_> = rows.iter().map(|block| block.view()).collect();
            let rows = concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, width)));
            return Stage::Separate(rows);
        }
        let block = features.dense.select(Axis(0), &next);
        rows.push(match &projection {
            Some(projection) => projection.project(block),
            None => block,
        });
        Stage::Reduce(projection, rows)
    }

    fn separate(&mut self, rows: &Array2<f32>) -> Stage {
        let between = |from: usize, to: usize| rows.select(Axis(0), &(from..to).collect::<Vec<_>>());
        let middle = self.chosen.reference.len();
        let (reference, batch) = (between(0, middle), between(middle, rows.nrows()));
        let few = between(middle, rows.nrows().min(middle + MOST_BATCH));
        self.separation = separation(&reference, &few);
        Stage::Distances(Box::new(Distances::new(&reference, &batch)))
    }

    fn report(&mut self, novelty: Novelty) -> Report {
        let estimated: Option<[Estimated; 2]> = std::mem::take(&mut self.estimated).try_into().ok();
        let [of_reference, of_batch] = estimated.map_or([None, None], |both| both.map(Some));
        let accuracy = match (&of_batch, self.separation) {
            _ if self.input.batch.len() < FEWEST_ROWS => Err(NoEstimate::FewItems),
            (None, _) => Err(NoEstimate::FewLabels),
            (_, Some(separation)) if separation.is_unlike() => Err(NoEstimate::Unlike),
            (Some(of_batch), _) => Ok(of_batch.accuracy),
        };
        let shares = of_reference.as_ref().zip(of_batch.as_ref()).filter(|_| accuracy.is_ok());
        let classes = self.class_shifts(|class| {
            shares.map(|(reference, batch)| (reference.shares[class].estimate, batch.shares[class]))
        });
        let novel = |novel: Novel| Novel {
            row: self.chosen.batch[novel.row],
            nearest: novel.nearest.into_iter().map(|place| self.chosen.reference[place]).collect(),
            ..novel
        };
        let mut report = Report {
            outputs: std::mem::take(&mut self.outputs),
            separation: self.separation,
            distance: novelty.test,
            classes,
            columns: std::mem::take(&mut self.columns),
            accuracy,
            reference_accuracy: of_reference
                .map(|estimated| estimated.accuracy)
                .filter(|_| !self.input.reference.is_empty()),
            novel: novelty.novel.into_iter().map(novel).collect(),
            moved: false,
            tests: Vec::new(),
        };
        report.conclude();
        report
    }

    /// How often each class is predicted on either side, and how it is estimated.
    fn class_shifts(&self, estimated: impl Fn(usize) -> Option<(f64, Estimate)>) -> Vec<ClassShift> {
        let (reference, batch) = (&self.input.reference_probabilities, &self.input.batch_probabilities);
        let (of_reference, of_batch) = (reference.nrows() as u64, batch.nrows() as u64);
        if of_reference == 0 || of_batch == 0 {
            return Vec::new();
        }
        let mut counts = vec![(0, 0); self.classes()];
        reference.rows().into_iter().for_each(|row| counts[likeliest(row)].0 += 1);
        batch.rows().into_iter().for_each(|row| counts[likeliest(row)].1 += 1);
        let shift = |(class, &(before, now)): (usize, &(u64, u64))| {
            let predicted = (before as f64 / of_reference as f64, now as f64 / of_batch as f64);
            let p = fisher((before, of_reference), (now, of_batch));
            ClassShift { predicted, estimated: estimated(class), test: Test::new(predicted.1 - predicted.0, p) }
        };
        counts.iter().enumerate().map(shift).collect()
    }
}

#[cfg(test)]
mod tests;
