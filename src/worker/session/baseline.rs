//! What as many labels drawn at random would have given. The audits are such labels: a throw-away model learns from
//! four fifths of the first n of them and is measured on the fifth, in turn. It is never deployed, and no model that is
//! learns from an audit.

use super::experiments::SLICE_WORK;
use super::project::SEED;
use super::runs::metric;
use super::{Session, SessionError};
use crate::pipeline::experiment::Experiment;
use crate::pipeline::model::spec::HeadSpec;

/// The metric's name; its step is the number of labels learnt from.
pub(super) const RANDOM_BASELINE: &str = "random_baseline";
/// Folds of an experiment.
const FOLDS: u64 = 5;
/// The first point; then twice as many each.
const FEWEST: usize = 20;

/// The audits that a point with so many labels was measured on.
pub(super) fn audits_behind(labels: u32) -> u64 {
    (u64::from(labels) * FOLDS).div_ceil(FOLDS - 1)
}

/// The points still to measure, and the one under way.
pub(super) struct Baseline {
    run: String,
    sizes: Vec<usize>,
    experiment: Option<(usize, Experiment)>,
}

impl Baseline {
    /// For this run, with so many audits; `None` if there are too few.
    pub fn new(run: &str, audits: usize) -> Option<Self> {
        let doubling =
            std::iter::successors(Some(FEWEST), |size| Some(size * 2)).take_while(|size| size * 3 / 2 <= audits);
        // The last point has all of them.
        let mut sizes: Vec<usize> = doubling.chain((audits >= FEWEST).then_some(audits)).collect();
        sizes.reverse();
        (!sizes.is_empty()).then(|| Self { run: run.into(), sizes, experiment: None })
    }
}

impl Session {
    /// One slice of the baseline.
    pub(super) async fn step_baseline(&mut self, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        let Some(mut baseline) = project.experiments.baseline.take() else { return Ok(()) };
        let Some((size, mut experiment)) = baseline.experiment.take() else {
            let Some(size) = baseline.sizes.pop() else { return Ok(()) };
            let audited = project.audited();
            let labels: Vec<(usize, usize)> =
                audited.iter().take(size).map(|audit| (audit.row, usize::from(audit.truth))).collect();
            let spec = HeadSpec::default_for(project.record.kind);
            // Audits of one class alone teach nothing; the next point may have two.
            let experiment = Experiment::begin(&project.features, &labels, project.record.classes.len(), &spec, SEED);
            baseline.experiment = experiment.ok().map(|experiment| (labels.len(), experiment));
            project.experiments.baseline = Some(baseline);
            return Ok(());
        };
        if !experiment.step(&project.features, SLICE_WORK) {
            baseline.experiment = Some((size, experiment));
            project.experiments.baseline = Some(baseline);
            return Ok(());
        }
        let outcome = experiment.finish();
        let labels = size as u64 * (FOLDS - 1) / FOLDS;
        if let Some(mut run) = project.runs.iter().find(|run| run.id == baseline.run).cloned() {
            run.metrics.push(metric(RANDOM_BASELINE, outcome.out_of_fold_accuracy, labels as u32, now_ms));
            self.keep_run(run, &[]).await?;
        }
        let project = self.opened_mut()?;
        project.touch();
        project.experiments.baseline = Some(baseline);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_double_and_end_with_all_audits() {
        let sizes = |audits| Baseline::new("r", audits).map(|baseline| baseline.sizes);
        assert_eq!(sizes(19), None);
        assert_eq!(sizes(20), Some(vec![20]));
        assert_eq!(sizes(100), Some(vec![100, 40, 20]));
        for audits in [20, 33, 100] {
            let labels = (audits * 4 / 5) as u32;
            assert!(audits_behind(labels).abs_diff(audits) <= 1, "{audits}");
        }
    }
}
