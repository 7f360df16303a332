//! Either regressor behind one door: fitted in slices, and what it says of rows it had not seen.

use super::RegressionError;
use super::conformal::Conformal;
#[cfg(feature = "engine")]
use super::mlp::{MlpRegressionFit, MlpRegressionParams, MlpRegressor};
use super::ridge::{LeftOut, RidgeRegressionFit, RidgeRegressor};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::logistic::Progress;
use std::ops::Range;

/// Which regressor is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumericHead {
    /// See `regression/ridge.rs`.
    Ridge {
        /// λ on features of unit spread, above 0; `None`: chosen by exact leave-one-out.
        strength: Option<f64>,
    },
    /// See `regression/mlp.rs`.
    #[cfg(feature = "engine")]
    Mlp(MlpRegressionParams),
}

impl Default for NumericHead {
    fn default() -> Self {
        NumericHead::Ridge { strength: None }
    }
}

/// A fit under way.
#[derive(Debug)]
pub enum NumericFit {
    /// See [`RidgeRegressionFit`].
    Ridge(Box<RidgeRegressionFit>),
    /// See [`MlpRegressionFit`].
    #[cfg(feature = "engine")]
    Mlp(Box<MlpRegressionFit>),
}

/// A regressor.
#[derive(Debug, Clone, PartialEq)]
pub enum NumericModel {
    /// See [`RidgeRegressor`].
    Ridge(RidgeRegressor),
    /// See [`MlpRegressor`].
    #[cfg(feature = "engine")]
    Mlp(MlpRegressor),
}

impl NumericFit {
    /// To `labels`, each a (row, number).
    ///
    /// # Errors
    /// If there are too few labels, one is not usable, or the fit would take too much memory.
    ///
    /// # Panics
    /// If a row is out of range.
    #[cfg_attr(not(feature = "engine"), expect(unused_variables, reason = "ridge leaves nothing to chance"))]
    pub fn begin(
        head: NumericHead,
        features: &Features,
        labels: &[(usize, f64)],
        seed: u64,
    ) -> Result<Self, RegressionError> {
        match head {
            NumericHead::Ridge { strength } => {
                Ok(NumericFit::Ridge(Box::new(RidgeRegressionFit::begin(features, labels, strength)?)))
            }
            #[cfg(feature = "engine")]
            NumericHead::Mlp(params) => {
                Ok(NumericFit::Mlp(Box::new(MlpRegressionFit::begin(features, labels, params, seed)?)))
            }
        }
    }

    /// Works until about `work` multiply-adds are done; the regressor when all is.
    ///
    /// # Errors
    /// If a network's arithmetic fails, which would be a fault of Hone's.
    pub fn step(&mut self, work: usize) -> Result<Progress, RegressionError> {
        match self {
            NumericFit::Ridge(fit) => Ok(fit.step(work)),
            #[cfg(feature = "engine")]
            NumericFit::Mlp(fit) => fit.step(work),
        }
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        match self {
            NumericFit::Ridge(fit) => fit.progress(),
            #[cfg(feature = "engine")]
            NumericFit::Mlp(fit) => fit.progress(),
        }
    }

    /// The regressor, once [`NumericFit::step`] is done; `None` before.
    pub fn finish(self) -> Option<NumericModel> {
        match self {
            NumericFit::Ridge(fit) => fit.finish().map(NumericModel::Ridge),
            #[cfg(feature = "engine")]
            NumericFit::Mlp(fit) => fit.finish().map(NumericModel::Mlp),
        }
    }
}

impl NumericModel {
    /// The numbers of a run of rows, in the target's unit.
    ///
    /// # Panics
    /// If the features' widths are not those it was fitted to, or the run ends past the last row.
    pub fn predict_rows(&self, features: &Features, rows: Range<usize>) -> Vec<f64> {
        match self {
            NumericModel::Ridge(ridge) => ridge.predict_rows(features, rows),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => mlp.predict_rows(features, rows),
        }
    }

    /// How large an error is to be expected in each of a run of rows, for [`Conformal::interval`].
    ///
    /// # Panics
    /// As [`NumericModel::predict_rows`].
    pub fn scale_of_rows(&self, features: &Features, rows: Range<usize>) -> Vec<f64> {
        match self {
            NumericModel::Ridge(ridge) => ridge.scale_of_rows(features, rows),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => vec![mlp.scale(); rows.len()],
        }
    }

    /// Intervals that miss with a probability of `alpha`.
    pub fn conformal(&self, alpha: f64) -> Conformal {
        match self {
            NumericModel::Ridge(ridge) => ridge.conformal(alpha),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => mlp.conformal(alpha),
        }
    }

    /// Its labels as fits without them predict them, by ascending row.
    pub fn out_of_fold(&self) -> &[LeftOut] {
        match self {
            NumericModel::Ridge(ridge) => ridge.left_out(),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => mlp.out_of_fold(),
        }
    }

    /// Whether it was fitted to features of these widths.
    pub fn fits(&self, features: &Features) -> bool {
        match self {
            NumericModel::Ridge(ridge) => ridge.fits(features),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => mlp.fits(features),
        }
    }

    /// Multiply-adds that predicting one row costs.
    pub fn work_per_row(&self) -> usize {
        match self {
            NumericModel::Ridge(ridge) => ridge.work_per_row(),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(mlp) => mlp.work_per_row(),
        }
    }

    /// Of ridge, the strength λ it was fitted with: what [`super::NumericRanker`] wants to know.
    pub fn strength(&self) -> Option<f64> {
        match self {
            NumericModel::Ridge(ridge) => Some(ridge.strength()),
            #[cfg(feature = "engine")]
            NumericModel::Mlp(_) => None,
        }
    }
}
