//! Whether an experiment was already run.

use super::run::{Run, RunStatus};

/// The tag of a run that was answered from the log: the id of the run that did the work.
pub const CACHE_HIT_OF: &str = "cache_hit_of";

/// The newest finished run with this fingerprint: its result is the result. A run that was itself answered from the log
/// computed nothing, so it is passed over.
pub fn finished_twin<'a>(runs: &'a [Run], fingerprint: &str) -> Option<&'a Run> {
    runs.iter()
        .filter(|run| run.status == RunStatus::Finished && run.fingerprint.as_deref() == Some(fingerprint))
        .filter(|run| !run.tags.contains_key(CACHE_HIT_OF))
        .max_by(|a, b| a.start_ms.total_cmp(&b.start_ms).then_with(|| a.id.cmp(&b.id)))
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::example;
    use super::*;

    #[test]
    fn only_a_finished_run_of_the_same_experiment_answers() {
        let run = |number, fingerprint: &str, status| Run {
            fingerprint: Some(fingerprint.into()),
            status,
            ..example(number)
        };
        let mut runs = vec![
            run(4, "same", RunStatus::Finished),
            run(2, "same", RunStatus::Finished),
            run(5, "same", RunStatus::Failed),
            run(6, "same", RunStatus::Running),
            run(7, "same", RunStatus::Cancelled),
            run(8, "other", RunStatus::Finished),
            Run { fingerprint: None, ..example(9) },
        ];
        assert_eq!(finished_twin(&runs, "same").map(|run| run.number), Some(4));
        assert_eq!(finished_twin(&runs, "none of these"), None);
        let mut answered = run(10, "same", RunStatus::Finished);
        answered.tags.insert(CACHE_HIT_OF.into(), runs[0].id.clone());
        runs.push(answered);
        assert_eq!(finished_twin(&runs, "same").map(|run| run.number), Some(4));
    }
}
