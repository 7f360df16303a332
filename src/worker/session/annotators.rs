//! Several annotators: who labelled, how far they agree, and what is to be settled between them.

use super::Project;
use super::deployment::interval;
use super::project::SEED;
use crate::pipeline::item::ContentHash;
use crate::pipeline::quality::annotators::alpha::{Alpha, AlphaBootstrap};
use crate::pipeline::quality::annotators::answers::Answers;
use crate::pipeline::quality::annotators::consistency::self_agreement;
use crate::pipeline::quality::annotators::dawid_skene::{DawidSkene, DawidSkeneFit, DawidSkeneSettings};
use crate::pipeline::quality::annotators::disagreements::disagreements;
use crate::pipeline::quality::annotators::drift::annotator_drift;
use crate::pipeline::quality::annotators::kappa::agreement_matrix;
use crate::pipeline::quality::annotators::opinions::opinions;
use crate::protocol::{AnnotatorState, AnnotatorsState, ClassIndex, ItemIndex, ReviewRow};
use std::collections::HashMap;

/// What annotators say together, and how far the computation has come.
pub(super) struct People {
    /// Events it rests on.
    pub events: usize,
    answers: Answers,
    bootstrap: Option<AlphaBootstrap>,
    alpha: Option<Alpha>,
    fitting: Option<DawidSkene>,
    fit: Option<DawidSkeneFit>,
}

impl People {
    /// Begins anew from the log.
    pub fn of(project: &Project) -> Self {
        let answers = Answers::from_opinions(&opinions(&project.log));
        let several = answers.annotators.len() > 1;
        let bootstrap = if several { AlphaBootstrap::new(&answers, SEED).ok() } else { None };
        let fitting = if several { DawidSkene::new(&answers, DawidSkeneSettings::default()) } else { None };
        Self { events: project.log.len(), answers, bootstrap, alpha: None, fitting, fit: None }
    }

    /// One slice; `true` when all is known.
    pub fn step(&mut self) -> bool {
        if let Some(fitting) = &mut self.fitting {
            self.fit = fitting.step();
            if self.fit.is_some() {
                self.fitting = None;
            }
            return false;
        }
        let Some(bootstrap) = &mut self.bootstrap else { return true };
        self.alpha = bootstrap.step();
        if self.alpha.is_some() {
            self.bootstrap = None;
        }
        false
    }

    /// The class that the annotators' answers make likeliest, and how likely.
    fn consensus(&self) -> HashMap<ContentHash, (String, f64)> {
        let fit = self.fit.iter().flat_map(|fit| fit.consensus(&self.answers));
        fit.map(|consensus| (consensus.item, (consensus.class, consensus.probability))).collect()
    }
}

impl Project {
    /// Items on which annotators differ, the most evenly split first, with the consensus as the suggestion.
    pub(super) fn disagreement_rows(&self) -> Vec<ReviewRow> {
        let open = disagreements(&self.log);
        if open.is_empty() {
            return Vec::new();
        }
        let consensus = self.review.people.as_ref().map(People::consensus).unwrap_or_default();
        open.into_iter()
            .filter_map(|disagreement| {
                let &item = self.by_hash.get(&disagreement.item)?;
                let suggested = consensus.get(&disagreement.item).and_then(|(class, _)| self.class_of_key(class));
                (!self.waits_as_audit(item)).then(|| ReviewRow { suggested, ..self.plain_row(item) })
            })
            .collect()
    }

    /// Why an item is to be settled, the consensus with its probability, and no quality: people are at odds, not a label.
    pub(super) fn what_annotators_say(&self, item: ItemIndex) -> (String, Option<(ClassIndex, f32)>, Option<f32>) {
        let consensus = self.review.people.as_ref().map(People::consensus).unwrap_or_default();
        let agreed = consensus
            .get(&self.items[item as usize].hash)
            .and_then(|(class, probability)| Some((self.class_of_key(class)?, *probability as f32)));
        let sentence =
            "Annotators differ. The suggestion weighs their answers by how often each is right (Dawid & Skene).";
        (sentence.into(), agreed, None)
    }

    /// What each annotator says about an item; empty if only one does.
    pub(super) fn opinions_on(&self, item: ItemIndex) -> Vec<(String, ClassIndex)> {
        let said: Vec<(String, ClassIndex)> = opinions(self.events_of(item))
            .into_iter()
            .filter_map(|opinion| Some((opinion.annotator, self.class_of_key(&opinion.class)?)))
            .collect();
        if said.len() > 1 { said } else { Vec::new() }
    }

    /// Who labelled, and how far they agree with each other and with themselves.
    pub(super) fn annotators_state(&self) -> AnnotatorsState {
        let mut state = AnnotatorsState { me: self.annotator.clone(), ..AnnotatorsState::default() };
        if let Some(people) = &self.review.people {
            state.annotators = self.annotator_states(people);
            state.alpha = people.alpha.as_ref().map(|alpha| interval(alpha.alpha, people.answers.items.len()));
            state.pairs = agreement_matrix(&people.answers)
                .into_iter()
                .filter(|pair| pair.both > 0)
                .map(|pair| {
                    let kappa = pair.kappa.ok().map(|kappa| interval(kappa.kappa, pair.both));
                    (pair.first as u32, pair.second as u32, pair.both as u32, kappa)
                })
                .collect();
        }
        if let Some(own) = self_agreement(&self.log, &self.annotator) {
            let steadiness = if own.drifting { " You have become less steady lately." } else { "" };
            state.consistency = Some(format!(
                "Asked again, you gave the same label {} of {} times: {:.1} % ({:.1}–{:.1}).{steadiness}",
                own.same,
                own.asked,
                own.share.estimate * 100.0,
                own.share.low * 100.0,
                own.share.high * 100.0
            ));
            state.drifting = own.drifting;
        }
        state
    }

    fn annotator_states(&self, people: &People) -> Vec<AnnotatorState> {
        let Answers { annotators, classes, .. } = &people.answers;
        let opinions = opinions(&self.log);
        let several = people.fit.as_ref().filter(|_| annotators.len() > 1);
        annotators
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let confusion = several.map(|fit| {
                    let row = |truth: usize| {
                        (0..classes.len()).map(|class| fit.confusion[[place, truth, class]] as f32).collect()
                    };
                    (0..classes.len()).map(row).collect()
                });
                let drift = several.and_then(|fit| annotator_drift(&opinions, &people.answers, fit, name));
                AnnotatorState {
                    name: name.clone(),
                    items: people.answers.votes().iter().filter(|vote| vote.annotator == place).count() as u32,
                    confusion: confusion.unwrap_or_default(),
                    agreement: drift.as_ref().map(|drift| drift.share.estimate as f32),
                    drifting: drift.is_some_and(|drift| drift.drifting),
                }
            })
            .collect()
    }
}
