//! Champion and challenger: who is deployed, and who may be.

use super::audits::Audited;
use super::frozen::Frozen;
use super::{Project, Session, SessionError, refused};
use crate::pipeline::evaluate::{Estimate, too_few};
use crate::pipeline::gate::{ClassState, EVIDENCE_NEEDED, Verdict, gate, spelt};
use crate::pipeline::log::{Run, RunKind, RunStatus};
use crate::protocol::{
    ClassGate, ClassGateState, ClassIndex, DeploymentState, GateFigures, GateState, Interval, PromotionState,
};
use crate::storage::Store;
use crate::storage::records::PromotionRecord;
use ndarray::Array2;

impl Session {
    /// The challenger becomes champion if the gate lets it.
    pub(super) async fn promote(&mut self, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let project = self.opened()?;
        let Some(challenger) = &project.challenger else {
            return refused("There is no challenger. Nothing was changed. Train a model or search for one first.");
        };
        if project.champion.is_none() {
            return self.deploy(Successor::Challenger, "first model", now_ms).await;
        }
        let Some(compared) = project.verdict() else {
            return refused(format!(
                "No audit compares r{} with the champion yet. Nothing was changed. Answer some audits first.",
                challenger.number
            ));
        };
        if !compared.verdict.promote {
            return refused(format!("{} Nothing was changed.", project.verdict_sentence(&compared)));
        }
        let why = format!("promoted, evidence {}", spelt(compared.verdict.e_value));
        self.deploy(Successor::Challenger, &why, now_ms).await
    }

    /// The champion before the present one is deployed again.
    pub(super) async fn roll_back(&mut self, now_ms: f64) -> Result<(), SessionError> {
        self.must_write()?;
        let store = self.store.clone();
        let project = self.opened()?;
        let Some(run) = project.earlier_champion().cloned() else {
            return refused("There is no earlier champion to go back to. Nothing was changed.");
        };
        let Some(model) = project.load_frozen(&store, &run).await? else {
            return refused(format!(
                "r{} was made for other features and can't be used any more. Nothing was changed.",
                run.number
            ));
        };
        self.deploy(Successor::Earlier(Box::new(model)), "rolled back", now_ms).await
    }

    /// Changes the champion, logs it, and voids what was promised on the one before.
    pub(super) async fn deploy(&mut self, successor: Successor, why: &str, now_ms: f64) -> Result<(), SessionError> {
        let project = self.opened_mut()?;
        let compared = match successor {
            Successor::Challenger => project.verdict(),
            Successor::Earlier(_) => None,
        };
        let model = match successor {
            Successor::Challenger => {
                project.record.deployment.challenger = None;
                project.challenger.take()
            }
            Successor::Earlier(model) => Some(*model),
        };
        let Some(model) = model else { return refused("There is no model to deploy. Nothing was changed.") };
        let promoted = format!("r{}", model.number);
        let mut run = project.new_run(RunKind::Promotion, &format!("{promoted} {why}"), Some(&model.run), now_ms);
        run.params.insert("champion".into(), promoted.clone());
        if let Some(before) = &project.champion {
            run.params.insert("champion_before".into(), format!("r{}", before.number));
        }
        if let Some(Compared { verdict, tests }) = &compared {
            for (key, value) in [
                ("e_value", verdict.e_value),
                ("wins", verdict.wins as f64),
                ("losses", verdict.losses as f64),
                ("audits", (verdict.audits - tests) as f64),
                ("test_labels", *tests as f64),
                ("accuracy_difference", verdict.difference.estimate),
            ] {
                run.metrics.push(super::runs::metric(key, value, 0, now_ms));
            }
        }
        (run.status, run.end_ms) = (RunStatus::Finished, Some(now_ms));
        let promotion = PromotionRecord { run: model.run.clone(), why: why.into(), time_ms: now_ms };
        project.record.deployment.promotions.push(promotion);
        let first = project.champion.is_none();
        project.champion = Some(model);
        project.touch();
        self.keep_run(run, &[]).await?;
        self.save_record(now_ms).await?;
        if !first {
            self.void_certificates(&format!("{promoted} became champion")).await?;
        }
        self.notice(format!("{promoted} is champion now ({why})."));
        Ok(())
    }
}

/// Who becomes champion.
pub(super) enum Successor {
    Challenger,
    Earlier(Box<Frozen>),
}

/// Champion and challenger, compared.
pub(super) struct Compared {
    pub verdict: Verdict,
    /// How many of what the verdict calls audits are imported test labels, which are not blind.
    pub tests: usize,
}

impl Project {
    /// Loads the log and the models it says are deployed.
    pub(super) async fn load_log(&mut self, store: &Store) -> Result<(), SessionError> {
        self.runs = store.runs(&self.record.id).await?;
        for run in self.runs.iter_mut().filter(|run| run.status == RunStatus::Running) {
            // The page was closed meanwhile: what was not finished is gone, and can be run again.
            run.status = RunStatus::Cancelled;
            run.error = Some("The page was closed before it ended.".into());
        }
        let champion = self.record.deployment.promotions.last().map(|promotion| promotion.run.clone());
        let challenger = self.record.deployment.challenger.clone();
        self.champion = self.load_by_id(store, champion).await?;
        self.challenger = self.load_by_id(store, challenger).await?;
        Ok(())
    }

    async fn load_by_id(&self, store: &Store, id: Option<String>) -> Result<Option<Frozen>, SessionError> {
        match id.and_then(|id| self.runs.iter().find(|run| run.id == id)) {
            Some(run) => self.load_frozen(store, run).await,
            None => Ok(None),
        }
    }

    pub(super) async fn load_frozen(&self, store: &Store, run: &Run) -> Result<Option<Frozen>, SessionError> {
        let classes: Vec<&str> = self.record.classes.iter().map(|class| class.key.as_str()).collect();
        let mut model = Frozen::load(store, &self.record.id, run, self.feature_id(), &classes).await?;
        // One that does not fit could not be asked; without items there are no widths to fit yet.
        model = model.filter(|model| self.features.is_empty() || model.head.fits(&self.features));
        if let Some(model) = &mut model {
            self.place_held_out(model);
        }
        Ok(model)
    }

    /// The newest of the earlier champions that is not the present one.
    fn earlier_champion(&self) -> Option<&Run> {
        let promotions = &self.record.deployment.promotions;
        let present = &promotions.last()?.run;
        let earlier = promotions.iter().rev().find(|promotion| promotion.run != *present)?;
        self.runs.iter().find(|run| run.id == earlier.run)
    }

    /// Champion against challenger on the audit stream and the imported test labels, pair by pair; `None` unless there are
    /// both models, with predictions of some.
    pub(super) fn verdict(&self) -> Option<Compared> {
        self.verdict_on(&self.audited(), &self.tested())
    }

    fn verdict_on(&self, audited: &[Audited], tested: &[Audited]) -> Option<Compared> {
        let (champion, challenger) = (self.champion.as_ref()?, self.challenger.as_ref()?);
        let both = |one: &&Audited| champion.row(one.row).is_some() && challenger.row(one.row).is_some();
        let tests = tested.iter().filter(both).count();
        let compared: Vec<_> = audited.iter().chain(tested).filter(both).collect();
        let truth: Vec<usize> = compared.iter().map(|audit| usize::from(audit.truth)).collect();
        let rows: Vec<usize> = compared.iter().map(|audit| audit.row).collect();
        let verdict = gate(&truth, &stacked(champion, &rows), &stacked(challenger, &rows))?;
        Some(Compared { verdict, tests })
    }

    pub(super) fn verdict_sentence(&self, Compared { verdict, tests }: &Compared) -> String {
        let label = |model: &Option<Frozen>| model.as_ref().map_or(String::new(), |model| format!("r{}", model.number));
        let mut sentence = verdict.sentence(&self.class_names(), &label(&self.champion), &label(&self.challenger));
        if *tests > 0 {
            let audits = verdict.audits - tests;
            sentence +=
                &format!(" Compared on {audits} blind audits and {tests} imported test labels, which are not blind.");
        }
        sentence
    }

    /// What the Models screen shows of all this.
    pub(super) fn deployment_state(&self, audited: &[Audited], tested: &[Audited]) -> DeploymentState {
        let number_of = |id: &String| self.runs.iter().find(|run| run.id == *id).map_or(0, |run| run.number);
        let promotions = self.record.deployment.promotions.iter().rev();
        DeploymentState {
            champion: self.champion.as_ref().map(|model| self.deployed(model, audited, tested)),
            challenger: self.challenger.as_ref().map(|model| self.deployed(model, audited, tested)),
            gate: self.gate_state(audited, tested),
            promotions: promotions
                .map(|promotion| PromotionState {
                    run: promotion.run.clone(),
                    number: number_of(&promotion.run),
                    time_ms: promotion.time_ms,
                    why: promotion.why.clone(),
                })
                .collect(),
            can_roll_back: self.earlier_champion().is_some(),
            labels_since_run: self.labels_since_run(),
            training: self.experiments.training(),
            search: self.experiments.search_state(),
            runs: self.runs.len() as u32,
            runs_revision: self.runs_revision,
        }
    }

    fn gate_state(&self, audited: &[Audited], tested: &[Audited]) -> Option<GateState> {
        let challenger = self.challenger.as_ref()?;
        let Some(compared) = self.verdict_on(audited, tested) else {
            let sentence = format!(
                "No audit compares r{} with the champion yet. Answer some audits, and the evidence grows.",
                challenger.number
            );
            return Some(GateState { sentence, promote: self.champion.is_none(), figures: None });
        };
        Some(GateState {
            sentence: self.verdict_sentence(&compared),
            promote: compared.verdict.promote,
            figures: Some(figures(&compared)),
        })
    }
}

fn stacked(model: &Frozen, rows: &[usize]) -> Array2<f32> {
    let mut stacked = Array2::zeros((0, model.head.classes()));
    for view in rows.iter().filter_map(|&row| model.row(row)) {
        stacked.push_row(view).expect("rows of one model are equally wide");
    }
    stacked
}

/// An estimate from so many items as the protocol carries it.
pub(super) fn interval(Estimate { estimate, low, high }: Estimate, items: usize) -> Interval {
    Interval { estimate, low, high, few: too_few(items) }
}

fn figures(Compared { verdict, tests }: &Compared) -> GateFigures {
    let class = |class: &crate::pipeline::gate::ClassComparison| ClassGate {
        class: class.class as ClassIndex,
        audits: class.audits as u32,
        difference: class.difference,
        low: class.low,
        state: match class.state {
            ClassState::Passed => ClassGateState::Passed,
            ClassState::Vetoed => ClassGateState::Vetoed,
            ClassState::Skipped => ClassGateState::Skipped,
        },
    };
    GateFigures {
        audits: (verdict.audits - tests) as u32,
        tests: *tests as u32,
        wins: verdict.wins as u32,
        losses: verdict.losses as u32,
        evidence: verdict.e_value,
        evidence_needed: EVIDENCE_NEEDED,
        champion: interval(verdict.champion, verdict.audits),
        challenger: interval(verdict.challenger, verdict.audits),
        difference: interval(verdict.difference, verdict.audits),
        champion_log_loss: verdict.champion_log_loss,
        challenger_log_loss: verdict.challenger_log_loss,
        classes: verdict.classes.iter().map(class).collect(),
        audits_needed: verdict.audits_needed.map(|needed| needed as u32),
    }
}
