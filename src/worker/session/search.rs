//! A search for a better model: many trials under a time budget, each a run of its own, the best one brought to the gate.

use super::experiments::{SCORE, SLICE_WORK, TrainingData, Trial, ended, log_outcome};
use super::frozen::ModelConfig;
use super::project::SEED;
use super::runs::metric;
use super::{Session, SessionError, refused};
use crate::pipeline::experiment::Outcome;
use crate::pipeline::log::{Run, RunKind, RunStatus, finished_twin};
use crate::pipeline::model::spec::HeadSpec;
use crate::pipeline::search::Search;
use crate::protocol::{ExperimentReply, SearchState};

/// A search under way.
pub(super) struct Searching {
    run: Run,
    search: Search,
    data: TrainingData,
    ends_ms: f64,
    now_ms: f64,
    anyway: bool,
    tried: u32,
    from_log: u32,
    trial: Option<Trial>,
    /// The best trial so far: its run, its score, and its model if it was trained in this search.
    best: Option<Best>,
    /// Trials are over; the best one's model is being made again, for the log only has its figures.
    finale: bool,
}

/// A finished trial.
struct Best {
    run: String,
    number: u32,
    name: String,
    spec: HeadSpec,
    score: f64,
    accuracy: f64,
    model: Option<(ModelConfig, Box<Outcome>)>,
}

impl Searching {
    pub fn state(&self) -> SearchState {
        SearchState {
            run: self.run.id.clone(),
            number: self.run.number,
            running: true,
            tried: self.tried,
            from_log: self.from_log,
            trying: self.trial.as_ref().map(|trial| trial.spec.name()),
            best: self.best.as_ref().map(|best| (best.name.clone(), best.accuracy)),
            seconds_left: ((self.ends_ms - self.now_ms) / 1_000.0).max(0.0),
            ended: None,
        }
    }

    /// As a job: its title, and the share of the time that is used up.
    pub fn progress(&self) -> (String, f64) {
        let length = (self.ends_ms - self.run.start_ms).max(1.0);
        let share = (self.now_ms - self.run.start_ms) / length;
        (format!("Searching (r{})", self.run.number), share.clamp(0.0, 1.0))
    }

    /// A trial has its score, from the log or freshly: what is tried next depends on it.
    fn hear(&mut self, trial: Best) {
        self.tried += 1;
        self.search.tell(&trial.spec, trial.score);
        if self.best.as_ref().is_none_or(|best| trial.score < best.score) {
            self.best = Some(trial);
        }
    }
}

impl Session {
    /// Begins a search for a better model.
    pub(super) async fn search(
        &mut self,
        seconds: u32,
        anyway: bool,
        now_ms: f64,
    ) -> Result<ExperimentReply, SessionError> {
        self.must_write()?;
        if seconds == 0 {
            return refused("A search needs some time. Nothing was begun. Give it at least a second.");
        }
        let project = self.opened()?;
        project.may_experiment()?;
        let mut run = project.new_run(RunKind::Search, "search", None, now_ms);
        run.params.insert("seconds".into(), seconds.to_string());
        let number = run.number;
        self.keep_run(run.clone(), &[]).await?;
        let project = self.opened_mut()?;
        let data = project.training_data();
        let (kind, classes) = (project.record.kind, project.record.classes.len());
        let search = Search::new(kind, &project.features, data.rows.len(), classes, SEED);
        project.experiments.last_search = None;
        project.experiments.searching = Some(Searching {
            run,
            search,
            data,
            ends_ms: now_ms + f64::from(seconds) * 1_000.0,
            now_ms,
            anyway,
            tried: 0,
            from_log: 0,
            trial: None,
            best: None,
            finale: false,
        });
        project.touch();
        Ok(ExperimentReply::Started { number })
    }

    /// Gives a search up; what it found is kept.
    pub(super) async fn stop_search(&mut self, mut searching: Searching, now_ms: f64) -> Result<(), SessionError> {
        if let Some(trial) = searching.trial.take().filter(|_| !searching.finale) {
            self.keep_run(ended(trial.run, RunStatus::Cancelled, now_ms), &[]).await?;
        }
        self.finish_search(searching, RunStatus::Cancelled, now_ms).await
    }

    /// One slice of a search: of the trial under way, or the choice of the next one.
    pub(super) async fn step_search(&mut self, mut searching: Searching, now_ms: f64) -> Result<(), SessionError> {
        searching.now_ms = now_ms;
        if let Some(mut trial) = searching.trial.take() {
            let project = self.opened_mut()?;
            if trial.experiment.step(&project.features, SLICE_WORK) {
                return self.end_trial(searching, trial, now_ms).await;
            }
            if now_ms < searching.ends_ms || searching.finale {
                searching.trial = Some(trial);
                project.experiments.searching = Some(searching);
                project.touch_now_and_then(now_ms);
                return Ok(());
            }
            let mut run = ended(trial.run, RunStatus::Cancelled, now_ms);
            run.error = Some("The search's time was up.".into());
            self.keep_run(run, &[]).await?;
            return self.conclude(searching, now_ms).await;
        }
        if now_ms >= searching.ends_ms {
            return self.conclude(searching, now_ms).await;
        }
        let Some(spec) = searching.search.next() else { return self.conclude(searching, now_ms).await };
        let project = self.opened_mut()?;
        // Trials are not measured on the audits, so more of those change nothing.
        let fingerprint = project.fingerprint(&spec, &searching.data, None);
        if let Some(twin) = finished_twin(&project.runs, &fingerprint).filter(|_| !searching.anyway) {
            searching.from_log += 1;
            searching.hear(Best {
                run: twin.id.clone(),
                number: twin.number,
                name: spec.name(),
                accuracy: twin.metric("out_of_fold_accuracy").unwrap_or(0.0),
                score: twin.metric(SCORE).unwrap_or(f64::INFINITY),
                spec,
                model: None,
            });
            project.touch();
            project.experiments.searching = Some(searching);
            return Ok(());
        }
        let mut run = project.new_run(RunKind::Trial, &spec.name(), Some(&searching.run.id), now_ms);
        project.describe(&mut run, &spec, &searching.data, fingerprint, searching.anyway);
        match project.begin_trial(run.clone(), spec.clone(), &searching.data) {
            Ok(trial) => searching.trial = Some(trial),
            Err(error) => {
                run.error = Some(error.to_string());
                run = ended(run, RunStatus::Failed, now_ms);
                searching.search.tell(&spec, f64::INFINITY);
                searching.tried += 1;
            }
        }
        self.keep_run(run, &[]).await?;
        self.opened_mut()?.experiments.searching = Some(searching);
        Ok(())
    }

    async fn end_trial(&mut self, mut searching: Searching, trial: Trial, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened()?;
        let Trial { run, spec, experiment, labels } = trial;
        let outcome = experiment.finish();
        let config = project.model_config(spec.clone(), &outcome, labels);
        if searching.finale {
            if let Some(best) = &mut searching.best {
                best.model = Some((config, Box::new(outcome)));
            }
            return self.conclude(searching, now_ms).await;
        }
        let mut run = ended(run, RunStatus::Finished, now_ms);
        log_outcome(&mut run, &outcome, now_ms);
        self.keep_run(run.clone(), &[]).await?;
        searching.hear(Best {
            run: run.id,
            number: run.number,
            name: spec.name(),
            spec,
            score: if outcome.out_of_fold.is_empty() { f64::INFINITY } else { outcome.out_of_fold_log_loss },
            accuracy: outcome.out_of_fold_accuracy,
            model: Some((config, Box::new(outcome))),
        });
        let project = self.opened_mut()?;
        project.touch();
        project.experiments.searching = Some(searching);
        Ok(())
    }

    /// Trials are over: brings the best one to the gate, making its model again if only its figures are left.
    async fn conclude(&mut self, mut searching: Searching, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        if let Some(best) = &searching.best
            && best.model.is_none()
            && !searching.finale
            && !project.is_deployed(&best.run)
        {
            let run = project.runs.iter().find(|run| run.id == best.run).cloned();
            if let Some(trial) = run.and_then(|run| project.begin_trial(run, best.spec.clone(), &searching.data).ok()) {
                searching.finale = true;
                searching.trial = Some(trial);
                project.experiments.searching = Some(searching);
                return Ok(());
            }
        }
        self.finish_search(searching, RunStatus::Finished, now_ms).await
    }

    async fn finish_search(
        &mut self,
        mut searching: Searching,
        status: RunStatus,
        now_ms: f64,
    ) -> Result<(), SessionError> {
        let project = self.opened()?;
        let mut run = ended(searching.run.clone(), status, now_ms);
        run.metrics.push(metric("trials", f64::from(searching.tried), 0, now_ms));
        run.metrics.push(metric("trials_from_log", f64::from(searching.from_log), 0, now_ms));
        let mut state = searching.state();
        state.running = false;
        state.trying = None;
        state.seconds_left = 0.0;
        let best = searching.best.take();
        if let Some(best) = &best {
            run.params.insert("best".into(), format!("r{}", best.number));
            run.metrics.push(metric(SCORE, best.score, 0, now_ms));
            run.metrics.push(metric("out_of_fold_accuracy", best.accuracy, 0, now_ms));
        }
        state.ended = Some(match &best {
            None if status == RunStatus::Cancelled => "Stopped before a trial was finished.".to_string(),
            None => "No trial was finished in this time. Give it more.".to_string(),
            Some(best) if project.is_deployed(&best.run) => {
                format!(
                    "The best of {} is r{}, which is deployed or at the gate already.",
                    searching.tried, best.number
                )
            }
            Some(best) if best.model.is_none() => format!("Stopped. The best so far is r{}.", best.number),
            Some(best) => format!("The best of {} is r{}: it is brought to the gate.", searching.tried, best.number),
        });
        self.keep_run(run, &[]).await?;
        let project = self.opened_mut()?;
        project.experiments.last_search = Some(state);
        project.touch();
        let Some(Best { run, model: Some((config, outcome)), .. }) = best else { return Ok(()) };
        let project = self.opened()?;
        if project.is_deployed(&run) {
            return Ok(());
        }
        let Some(run) = project.runs.iter().find(|known| known.id == run).cloned() else { return Ok(()) };
        self.challenge(run, config, *outcome, now_ms).await
    }
}
