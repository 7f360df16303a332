//! A shorter stand-in for each vector, that tells which pairs are too far apart to be looked at.
//!
//! With an orthonormal basis Q of a few leading directions and r = x − QQᵀx what they leave of x, the product of two
//! vectors is x·y = Qᵀx·Qᵀy + r_x·r_y ≤ Qᵀx·Qᵀy + ‖r_x‖‖r_y‖ (Cauchy & Schwarz). So (Qᵀx, ‖r_x‖) is a sketch whose
//! products are never below the vectors' own: what it calls far is far. It costs a quarter of a full product, and saves
//! the more the more of the data's spread lies in few directions.

use crate::pipeline::features::geometry::Geometry;
use crate::pipeline::model::projection::ProjectionFit;
use ndarray::{Array2, Axis, s};

/// A sketch's width: 63 directions, and the length of what they leave.
const WIDTH: usize = 64;
/// The directions are found on at most this many rows, evenly spread.
const FITTED_ON: usize = 1024;
/// Rows sketched at a time.
const CHUNK: usize = 256;
/// Keeps the length of the rest from being rounded below what it is.
const REST_SLACK: f32 = 1e-6;

/// The sketches of all rows of a geometry.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    seed: u64,
    /// Tells one geometry from the next.
    centred_on: usize,
    fit: Option<ProjectionFit>,
    basis: Option<Array2<f32>>,
    rows: Array2<f32>,
    half_squared: Vec<f32>,
}

impl Sketch {
    pub fn new(seed: u64) -> Self {
        let rows = Array2::zeros((0, 0));
        Self { seed, centred_on: 0, fit: None, basis: None, rows, half_squared: Vec::new() }
    }

    /// Whether the sketches are the vectors themselves, because these are narrow.
    pub fn is_exact(&self) -> bool {
        self.basis.is_none()
    }

    /// Adds the rows that are missing, as far as `work` multiply-adds reach; true when all are there. Begins anew
    /// whenever the geometry has another centre.
    pub fn extend(&mut self, geometry: &Geometry, work: &mut usize) -> bool {
        if self.centred_on != geometry.centred_on() {
            self.begin(geometry);
        }
        if let Some(mut fit) = self.fit.take() {
            if !fit.step(*work) {
                self.fit = Some(fit);
                *work = 0;
                return false;
            }
            self.basis = Some(fit.finish().basis);
            *work /= 2;
        }
        while self.rows.nrows() < geometry.rows() {
            if *work == 0 {
                return false;
            }
            let known = self.rows.nrows();
            let vectors = geometry.vectors();
            let vectors = vectors.slice(s![known..(known + CHUNK).min(geometry.rows()), ..]);
            self.half_squared.extend(vectors.rows().into_iter().map(|row| row.dot(&row) / 2.0));
            let mut sketches = Array2::zeros((vectors.nrows(), self.rows.ncols()));
            match &self.basis {
                Some(basis) => {
                    let leading = vectors.dot(basis);
                    for (mut sketch, (leading, vector)) in
                        sketches.rows_mut().into_iter().zip(leading.rows().into_iter().zip(vectors.rows()))
                    {
                        sketch.slice_mut(s![..WIDTH - 1]).assign(&leading);
                        let rest = vector.dot(&vector) - leading.dot(&leading);
                        sketch[WIDTH - 1] = (rest.max(0.0) + REST_SLACK).sqrt();
                    }
                }
                None => sketches.assign(&vectors),
            }
            *work = work.saturating_sub(vectors.len() * WIDTH);
            self.rows.append(Axis(0), sketches.view()).expect("as wide");
        }
        true
    }

    fn begin(&mut self, geometry: &Geometry) {
        self.centred_on = geometry.centred_on();
        self.half_squared.clear();
        (self.fit, self.basis) = (None, None);
        let width = geometry.dimensions().min(WIDTH);
        self.rows = Array2::zeros((0, width));
        if geometry.dimensions() > WIDTH {
            let count = geometry.rows().min(FITTED_ON);
            let chosen: Vec<usize> = (0..count).map(|place| place * geometry.rows() / count).collect();
            self.fit = Some(ProjectionFit::new(geometry.select(&chosen), WIDTH - 1, self.seed));
        }
    }

    /// How many rows are sketched.
    pub fn len(&self) -> usize {
        self.rows.nrows()
    }

    /// The width of a sketch.
    pub fn width(&self) -> usize {
        self.rows.ncols()
    }

    /// Half the squared length of the row's vector: ½, or 0 at the centre.
    pub fn half_squared(&self, row: usize) -> f32 {
        self.half_squared[row]
    }

    /// The sketches of these rows, in that order.
    pub fn select(&self, rows: &[usize]) -> Array2<f32> {
        self.rows.select(Axis(0), rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_data::clusters;
    use super::*;

    #[test]
    fn products_of_sketches_are_never_below_those_of_the_vectors() {
        for (columns, exact) in [(20, true), (100, false), (400, false)] {
            let (features, _) = clusters(7, 300, columns, 0.5, 3);
            let mut geometry = Geometry::new(1);
            while !geometry.extend(&features, &mut 1) {}
            let mut sketch = Sketch::new(1);
            while !sketch.extend(&geometry, &mut 100_000) {}
            assert_eq!(sketch.is_exact(), exact);
            let rows: Vec<usize> = (0..300).collect();
            let products = sketch.select(&rows).dot(&sketch.select(&rows).t());
            let vectors = geometry.vectors().dot(&geometry.vectors().t());
            let gap = &products - &vectors;
            assert!(gap.iter().all(|&gap| gap > -1e-5), "{columns}");
            let mean = gap.mean().expect("pairs");
            assert!(if exact { mean.abs() < 1e-6 } else { mean < 0.5 }, "{columns}: {mean}");
        }
    }
}
