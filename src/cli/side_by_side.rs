//! An experiment on all cores: its fits side by side.

use super::train::SEED;
use crate::pipeline::experiment::{Experiment, Outcome};
use crate::pipeline::features::matrix::Features;
use crate::pipeline::model::spec::HeadSpec;
use rayon::prelude::*;
use std::time::Instant;

/// Between two looks at the clock.
const SLICE_WORK: usize = 20 << 20;

/// One experiment; `None` if time is up first. The outcome is the same, to the bit, on any number of cores.
///
/// # Errors
/// As [`Experiment::begin`].
pub fn run(
    features: &Features,
    labels: &[(usize, usize)],
    classes: usize,
    spec: &HeadSpec,
    ends: Option<Instant>,
) -> Result<Option<Outcome>, String> {
    let is_over = || ends.is_some_and(|ends| Instant::now() >= ends);
    let mut parts = Experiment::begin(features, labels, classes, spec, SEED)?.apart();
    let all_done = parts
        .par_iter_mut()
        .map(|part| {
            loop {
                if part.step(features, SLICE_WORK) {
                    return true;
                }
                if is_over() {
                    return false;
                }
            }
        })
        .all(|done| done);
    if all_done { Experiment::joined(parts).map(Some) } else { Ok(None) }
}
