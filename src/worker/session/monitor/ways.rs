//! What the two ways back would gain, measured on audits of the batch in idle time. Two throw-away experiments, of
//! which nothing is deployed: the champion's kind of model, trained also on four fifths of these audits and asked about
//! the fifth, in turn (more data); and the first models that a search would try, on the labels there are (a better
//! model).

use super::super::Project;
use super::super::audits::Audited;
use super::super::deployment::interval;
use super::super::experiments::SLICE_WORK;
use super::super::project::SEED;
use crate::pipeline::drift::ways::{Gain, gain, seconds_for};
use crate::pipeline::experiment::{Experiment, OutOfFoldRow};
use crate::pipeline::label::Source;
use crate::pipeline::model::folds::FOLDS;
use crate::pipeline::predict::likeliest;
use crate::pipeline::search::Search;
use crate::protocol::{WayBack, WaysBack};
use ndarray::ArrayView1;
use std::collections::HashMap;

/// Fewer audits of a batch measure no gain.
const FEWEST_AUDITS: usize = 20;
/// More make the measurement slow and the answer no clearer.
const MOST_AUDITS: usize = 400;
/// Models of the search that are tried for the estimate.
const MODELS_TRIED: usize = 3;
/// The way that asks for labels asks for at least so many.
const LEAST_LABELS: usize = 25;
/// Seconds that a search is given.
const SEARCH_SECONDS: f64 = 60.0;
/// The latest decisions, by which a person's time is reckoned.
const LATEST: usize = 100;
/// A gain by labels must be larger than the other by this to be worth a person's time.
const WORTH_LABELLING: f64 = 0.02;

/// What the measurement rests on: the batch, the champion's run, audits of the batch, training labels.
type Basis = (u32, String, usize, usize);

/// What is being measured, and what was.
#[derive(Default)]
pub(super) struct Ways {
    under_way: Option<Measuring>,
    found: Option<Found>,
}

struct Measuring {
    basis: Basis,
    /// Feature row and class of the audits.
    audits: Vec<(usize, usize)>,
    champion: Vec<bool>,
    labels: Vec<(usize, usize)>,
    data: Option<Gain>,
    search: Search,
    tried: usize,
    best: Option<(f64, Gain)>,
    experiment: Option<(Experiment, Tried)>,
}

enum Tried {
    Data,
    Model(Box<crate::pipeline::model::spec::HeadSpec>),
}

struct Found {
    basis: Basis,
    data: Option<Gain>,
    model: Option<Gain>,
    tried: usize,
}

impl Project {
    /// Audits of a batch by feature row; of one that came labelled, its labels.
    fn measuring_rows(&self, batch: u32, audited: &[Audited]) -> Vec<(usize, usize)> {
        let came_labelled = self.measured(batch, audited).is_some_and(|measured| measured.came_labelled);
        let mut rows: Vec<(usize, usize)> = match came_labelled {
            true => {
                let of_batch = self.rows_of(|other| other == batch).into_iter();
                of_batch
                    .filter_map(|row| {
                        let labels = &self.labels[self.item_of[row] as usize];
                        let label = labels.test.as_ref().or(labels.label.as_ref())?;
                        Some((row, usize::from(self.class_of_key(&label.class)?)))
                    })
                    .collect()
            }
            false => audited
                .iter()
                .filter(|audit| self.batch_of(audit.item) == batch)
                .map(|audit| (audit.row, usize::from(audit.truth)))
                .collect(),
        };
        if rows.len() > MOST_AUDITS {
            // Evenly spread over the order they came in.
            rows = (0..MOST_AUDITS).map(|place| rows[place * rows.len() / MOST_AUDITS]).collect();
        }
        rows
    }

    /// One slice of the measurement; `false` if there is nothing to do.
    pub(in super::super) fn step_ways(&mut self) -> bool {
        if let Some(measuring) = self.monitor.ways.under_way.take() {
            self.step_measuring(measuring);
            return true;
        }
        // While an audit is being answered, each answer would begin it anew.
        if self.champion.is_none() || self.is_numeric() || self.audits_of().is_some() || self.asks_about().is_some() {
            return false;
        }
        let audited = self.audited();
        let Some(batch) = self.needs_a_way_back(&audited) else { return false };
        let audits = self.measuring_rows(batch, &audited);
        let Some(champion) = self.champion.as_ref().filter(|_| audits.len() >= FEWEST_AUDITS) else { return false };
        let asked: std::collections::HashSet<usize> = audits.iter().map(|&(row, _)| row).collect();
        let labels: Vec<(usize, usize)> =
            self.training_rows().into_iter().filter(|(row, _)| !asked.contains(row)).collect();
        let basis = (batch, champion.run.clone(), audits.len(), labels.len());
        if self.monitor.ways.found.as_ref().is_some_and(|found| found.basis == basis) {
            return false;
        }
        let says = |row: usize| champion.prediction(row).map(|(class, _)| usize::from(class));
        let right = audits.iter().map(|&(row, class)| says(row) == Some(class)).collect();
        let classes = self.record.classes.len();
        let search = Search::new(self.record.kind, &self.features, labels.len(), classes, SEED);
        self.monitor.ways.under_way = Some(Measuring {
            basis,
            audits,
            champion: right,
            labels,
            data: None,
            search,
            tried: 0,
            best: None,
            experiment: None,
        });
        true
    }

    fn step_measuring(&mut self, mut measuring: Measuring) {
        if let Some((mut experiment, tried)) = measuring.experiment.take() {
            match experiment.step(&self.features, SLICE_WORK) {
                false => measuring.experiment = Some((experiment, tried)),
                true => self.hear(&mut measuring, experiment, tried),
            }
            self.monitor.ways.under_way = Some(measuring);
            return;
        }
        let classes = self.record.classes.len();
        let begun = if measuring.data.is_none() && measuring.tried == 0 {
            let labels: Vec<(usize, usize)> = measuring.labels.iter().chain(&measuring.audits).copied().collect();
            let spec = self.spec_to_train();
            measuring.tried = 1;
            Experiment::begin(&self.features, &labels, classes, &spec, SEED).ok().map(|it| (it, Tried::Data))
        } else if measuring.tried <= MODELS_TRIED
            && let Some(spec) = measuring.search.next()
        {
            measuring.tried += 1;
            let experiment = Experiment::begin(&self.features, &measuring.labels, classes, &spec, SEED);
            experiment.ok().map(|it| (it, Tried::Model(Box::new(spec))))
        } else {
            let Measuring { basis, data, best, tried, .. } = measuring;
            let model = best.map(|(_, gain)| gain);
            self.monitor.ways.found = Some(Found { basis, data, model, tried: tried.saturating_sub(1) });
            self.monitor.revision += 1;
            self.touch();
            return;
        };
        measuring.experiment = begun;
        self.monitor.ways.under_way = Some(measuring);
    }

    fn hear(&self, measuring: &mut Measuring, experiment: Experiment, tried: Tried) {
        let Ok(outcome) = experiment.try_finish() else { return };
        match tried {
            Tried::Data => {
                let said = |row: &OutOfFoldRow| (row.row, likeliest(ArrayView1::from(&row.probabilities)));
                let held_out: HashMap<usize, usize> = outcome.out_of_fold.iter().map(said).collect();
                let right: Vec<bool> =
                    measuring.audits.iter().map(|(row, class)| held_out.get(row) == Some(class)).collect();
                measuring.data = gain(&measuring.champion, &right);
            }
            Tried::Model(spec) => {
                let loss = outcome.out_of_fold_log_loss;
                measuring.search.tell(&spec, loss);
                // As the search does, the best is chosen by what is known without the audits.
                if loss.is_finite() && measuring.best.as_ref().is_none_or(|(best, _)| loss < *best) {
                    let says = |row: usize| likeliest(outcome.head.logits_of_rows(&self.features, row..row + 1).row(0));
                    let right: Vec<bool> = measuring.audits.iter().map(|&(row, class)| says(row) == class).collect();
                    measuring.best = gain(&measuring.champion, &right).map(|gain| (loss, gain));
                }
            }
        }
    }

    /// The two ways, as far as they are measured; `None` while every batch is healthy.
    pub(super) fn ways_back(&self, audited: &[Audited]) -> Option<WaysBack> {
        let batch = self.needs_a_way_back(audited)?;
        let audits = self.measuring_rows(batch, audited).len();
        let found = self.monitor.ways.found.as_ref();
        let found = found.filter(|found| found.basis.0 == batch && found.basis.2 == audits);
        let labels = (audits * (FOLDS - 1) / FOLDS).max(LEAST_LABELS) as u32;
        let took: Vec<u32> = self
            .log
            .iter()
            .rev()
            .filter(|event| matches!(event.source, Source::Human | Source::Audit | Source::Review))
            .filter_map(|event| event.took_ms)
            .take(LATEST)
            .collect();
        let suspects = self.suspects_found();
        let (data, model) = (found.and_then(|found| found.data), found.and_then(|found| found.model));
        let waits = match audits < FEWEST_AUDITS {
            true => format!("Measured once {FEWEST_AUDITS} audits of this import are answered; {audits} are."),
            false => "Being measured on the audits of this import.".to_string(),
        };
        let how = |gain: Option<Gain>, words: &dyn Fn(Gain) -> String| gain.map_or_else(|| waits.clone(), words);
        let tried = found.map_or(0, |found| found.tried);
        Some(WaysBack {
            batch,
            name: self.batches.get(batch as usize)?.name.clone(),
            model: WayBack {
                gain: model.map(|gain| interval(gain.difference, gain.audits)),
                how: how(model, &|gain| {
                    format!(
                        "The best by held-out labels of {tried} models on the labels there are: {:.1} % right on the same {} audits.",
                        gain.accuracy * 100.0,
                        gain.audits
                    )
                }),
                seconds: Some(SEARCH_SECONDS),
            },
            data: WayBack {
                gain: data.map(|gain| interval(gain.difference, gain.audits)),
                how: how(data, &|gain| {
                    format!(
                        "The champion’s kind of model with {} of these audits among its labels, asked about the others in turn: {:.1} % right.",
                        gain.audits * (FOLDS - 1) / FOLDS,
                        gain.accuracy * 100.0
                    )
                }),
                seconds: seconds_for(labels, &took),
            },
            labels,
            suspects,
            suspects_seconds: seconds_for(suspects, &took).filter(|_| suspects > 0),
            advice: advice(model, data),
        })
    }
}

/// Computing costs no person's time, so a better model is the cheaper way unless labels clearly gain more.
fn advice(model: Option<Gain>, data: Option<Gain>) -> String {
    let (Some(model), Some(data)) = (model, data) else {
        return "Which way is cheaper shows once both are measured on audits of this import.".into();
    };
    let points = |gain: Gain| format!("{:+.1} points", gain.difference.estimate * 100.0);
    let surely = |gain: Gain| gain.difference.low > 0.0;
    let ahead = data.difference.estimate - model.difference.estimate;
    match (surely(model), surely(data)) {
        (true, _) if ahead <= WORTH_LABELLING => format!(
            "A better model is the cheaper way: {} without a label, and labels would gain {}.",
            points(model),
            points(data)
        ),
        (_, true) => format!(
            "Better data are the way: labels of this import gain {}, other models {}.",
            points(data),
            points(model)
        ),
        (true, false) => format!("A better model gains {} for sure; labels may gain {}.", points(model), points(data)),
        (false, false) => format!(
            "Neither gains for sure yet: labels {}, other models {}. More labels of this import tell.",
            points(data),
            points(model)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_weighs_gain_against_a_persons_time() {
        let measured = |wins: usize, losses: usize| {
            let champion: Vec<bool> = (0..60).map(|audit| audit >= wins).collect();
            let trial: Vec<bool> = (0..60).map(|audit| audit < 60 - losses).collect();
            gain(&champion, &trial)
        };
        let cases = [
            (measured(30, 0), measured(31, 0), "A better model is the cheaper way"),
            (measured(2, 1), measured(30, 0), "Better data are the way"),
            (measured(10, 0), measured(30, 0), "Better data are the way"),
            (measured(2, 2), measured(3, 2), "Neither gains for sure"),
            (None, measured(30, 0), "shows once both are measured"),
        ];
        for (model, data, expected) in cases {
            let said = advice(model, data);
            assert!(said.contains(expected), "{said}");
        }
    }
}
