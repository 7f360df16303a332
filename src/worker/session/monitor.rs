//! Does the champion hold on what came in since it was deployed? Each import after that is compared, in slices, with
//! what the champion was trained and audited on; the state follows from the comparison and from audits. `changes.rs`
//! keeps what becomes of it, `ways.rs` measures the ways back, `details.rs` has what is shown of one import.

mod changes;
mod columns;
mod details;
mod ways;

use super::Project;
use super::audits::Audited;
use super::cards::likeliest;
use super::deployment::interval;
use super::frozen::{Frozen, HeldOut};
use super::project::SEED;
use crate::pipeline::drift::accuracy::FEWEST_ROWS;
use crate::pipeline::drift::judge::{Evidence, Judgement, acceptable_level, is_vague, judge};
use crate::pipeline::drift::{Comparison, Input, NoEstimate, Report};
use crate::pipeline::evaluate::{Estimate, FEWEST_FOR_SHARE, clopper_pearson, too_few};
use crate::pipeline::label::Source;
use crate::protocol::{
    AuditState, BatchMonitor, ClassIndex, Health, HealthChange, Interval, ItemIndex, MonitorState, MonitorSummary,
};
use ndarray::Array2;
use std::collections::{BTreeMap, HashMap};
use ways::Ways;

/// Labels that came with the data measure the champion if at least this share of the batch has one; else somebody chose
/// which have.
const CAME_LABELLED: f64 = 0.95;
/// Fewer audits don't set the acceptable level.
const LEAST_AUDITS: usize = 30;

/// What a comparison rests on: the champion's run, rows of the reference, rows of the batch.
type Basis = (String, usize, usize);

/// What is known of the batches, and what is being found out.
#[derive(Default)]
pub(super) struct Monitor {
    under_way: Option<(u32, Basis, Comparison)>,
    /// By the first import of their pool.
    reports: BTreeMap<u32, (Basis, Report)>,
    ways: Ways,
    revision: u32,
}

/// The audits of a batch, or the labels that came with it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    right: u64,
    total: u64,
    came_labelled: bool,
}

impl Project {
    /// Whether the champion was trained and audited on this import: whether it was there when the champion was first
    /// deployed.
    fn is_reference(&self, batch: u32) -> bool {
        let Some(champion) = &self.champion else { return true };
        let mut promotions = self.record.deployment.promotions.iter();
        let first = promotions.find(|promotion| promotion.run == champion.run);
        let begun = self.batches.get(batch as usize).map_or(0.0, |batch| batch.time_ms);
        first.is_none_or(|first| begun <= first.time_ms)
    }

    fn rows_of(&self, which: impl Fn(u32) -> bool) -> Vec<usize> {
        (0..self.item_of.len()).filter(|&row| which(self.batch_of(self.item_of[row]))).collect()
    }

    fn batch_of(&self, item: ItemIndex) -> u32 {
        self.items[item as usize].batch
    }

    fn new_batches(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        (0..self.batches.len() as u32).filter(|&batch| !self.is_reference(batch))
    }

    /// Imports since the champion was deployed that are judged as one: one of enough items by itself; smaller ones with those that
    /// come after them, until they are enough.
    fn pools(&self) -> Vec<Vec<u32>> {
        let mut counts = vec![0; self.batches.len()];
        self.item_of.iter().for_each(|&item| counts[self.batch_of(item) as usize] += 1);
        let (mut pools, mut small, mut gathered) = (Vec::new(), Vec::new(), 0);
        for batch in self.new_batches().filter(|&batch| counts[batch as usize] > 0) {
            if counts[batch as usize] >= FEWEST_ROWS {
                pools.push(vec![batch]);
                continue;
            }
            small.push(batch);
            gathered += counts[batch as usize];
            if gathered >= FEWEST_ROWS {
                pools.push(std::mem::take(&mut small));
                gathered = 0;
            }
        }
        pools.extend((!small.is_empty()).then_some(small));
        pools
    }

    /// The imports that this one is judged with, itself among them.
    pub(super) fn pool_of(&self, batch: u32) -> Vec<u32> {
        if self.is_reference(batch) {
            return vec![batch];
        }
        self.pools().into_iter().find(|pool| pool.contains(&batch)).unwrap_or_else(|| vec![batch])
    }

    fn basis(&self, champion: &Frozen, pool: &[u32]) -> Basis {
        let count =
            |which: &dyn Fn(u32) -> bool| self.item_of.iter().filter(|&&item| which(self.batch_of(item))).count();
        (champion.run.clone(), count(&|other| self.is_reference(other)), count(&|other| pool.contains(&other)))
    }

    /// The comparison of a batch with the champion's reference, as far as it is known and still holds.
    fn report(&self, batch: u32) -> Option<&Report> {
        self.report_of(&self.pool_of(batch))
    }

    /// The same of imports that are judged together.
    fn report_of(&self, pool: &[u32]) -> Option<&Report> {
        let champion = self.champion.as_ref()?;
        let (basis, report) = self.monitor.reports.get(pool.first()?)?;
        (basis.0 == champion.run).then_some(report)
    }

    /// One slice of the comparisons; `false` if there is nothing to do.
    pub(super) fn step_monitor(&mut self) -> bool {
        if let Some((batch, basis, mut comparison)) = self.monitor.under_way.take() {
            match comparison.step(&self.features) {
                Some(report) => {
                    self.monitor.reports.insert(batch, (basis, report));
                    self.monitor.revision += 1;
                    self.touch();
                }
                None => self.monitor.under_way = Some((batch, basis, comparison)),
            }
            return true;
        }
        let Some(champion) = &self.champion else { return false };
        if self.is_numeric() || self.pending_count() > 0 || !champion.is_complete(&self.features) {
            return false;
        }
        let due = self.pools().into_iter().find_map(|pool| {
            let basis = self.basis(champion, &pool);
            let known = self.monitor.reports.get(&pool[0]).is_some_and(|(known, _)| *known == basis);
            (!known && basis.2 >= FEWEST_ROWS && basis.1 >= FEWEST_ROWS).then_some((pool, basis))
        });
        let Some((pool, basis)) = due else { return false };
        let Some(input) = self.comparison_input(&pool) else { return false };
        self.monitor.under_way = Some((pool[0], basis, Comparison::new(input, SEED)));
        self.touch();
        true
    }

    /// What the champion says of its reference, as it would of new items: of what it was trained on, by models that had not
    /// seen it.
    fn comparison_input(&self, pool: &[u32]) -> Option<Input> {
        let champion = self.champion.as_ref()?;
        let held_out: HashMap<ItemIndex, &HeldOut> = champion.held_out.iter().map(|held| (held.item, held)).collect();
        let classes = champion.head.classes();
        let mut reference = Vec::new();
        let mut said = Array2::zeros((0, classes));
        for row in self.rows_of(|other| self.is_reference(other)) {
            let item = self.item_of[row];
            let opinion = match (held_out.get(&item), self.training_class(item)) {
                (Some(held), _) => Some(ndarray::ArrayView1::from(&held.probabilities)),
                // It may have been trained on this one, and nothing held it out.
                (None, Some(_)) if champion.held_out.is_empty() => None,
                _ => champion.row(row),
            };
            if let Some(opinion) = opinion.filter(|opinion| opinion.len() == classes) {
                said.push_row(opinion).ok()?;
                reference.push(row);
            }
        }
        let batch_rows = self.rows_of(|other| pool.contains(&other));
        let mut batch_said = Array2::zeros((0, classes));
        for &row in &batch_rows {
            batch_said.push_row(champion.row(row)?).ok()?;
        }
        let audits = self.audited().into_iter().chain(self.tested());
        let audits = audits.filter(|audit| self.is_reference(self.batch_of(audit.item)));
        let audits = audits.filter_map(|audit| Some((champion.row(audit.row)?.to_vec(), usize::from(audit.truth))));
        let trained = champion.held_out.iter().map(|held| (held.probabilities.clone(), held.class));
        Some(Input {
            columns: self.columns_to_compare(&reference, &batch_rows),
            held_out: trained.chain(audits).filter(|(_, class)| *class < classes).collect(),
            reference,
            batch: batch_rows,
            reference_probabilities: said,
            batch_probabilities: batch_said,
        })
    }

    /// The audits of a batch. Of a new one that came labelled, these labels say the same: the champion never saw them.
    fn measured(&self, batch: u32, audited: &[Audited]) -> Option<Measured> {
        self.measured_together(&[batch], audited)
    }

    /// The same of several.
    fn measured_together(&self, pool: &[u32], audited: &[Audited]) -> Option<Measured> {
        let champion = self.champion.as_ref()?;
        let says = |row: usize| champion.prediction(row).map(|(class, _)| class);
        if !pool.iter().any(|&batch| self.is_reference(batch)) {
            let rows = self.rows_of(|other| pool.contains(&other));
            let given = |row: &usize| {
                let labels = &self.labels[self.item_of[*row] as usize];
                let label = labels.test.as_ref().or(labels.label.as_ref())?;
                matches!(label.source, Source::Import | Source::Test)
                    .then_some((*row, self.class_of_key(&label.class)?))
            };
            let labelled: Vec<(usize, ClassIndex)> = rows.iter().filter_map(given).collect();
            if !rows.is_empty() && labelled.len() as f64 >= CAME_LABELLED * rows.len() as f64 {
                let right = labelled.iter().filter(|(row, class)| says(*row) == Some(*class)).count() as u64;
                return Some(Measured { right, total: labelled.len() as u64, came_labelled: true });
            }
        }
        let own: Vec<bool> = audited
            .iter()
            .filter(|audit| pool.contains(&self.batch_of(audit.item)))
            .filter_map(|audit| Some(says(audit.row)? == audit.truth))
            .collect();
        let right = own.iter().filter(|right| **right).count() as u64;
        (!own.is_empty()).then_some(Measured { right, total: own.len() as u64, came_labelled: false })
    }

    /// The acceptable level: set by the user, or by the first champion that met new data.
    fn floor(&self, audited: &[Audited]) -> Option<f64> {
        self.record.monitor.floor.or_else(|| self.level_of_reference(audited))
    }

    /// The level that follows from what the champion was measured at on its reference: by audits and imported test labels if there
    /// are enough, else by its training labels out of fold.
    fn level_of_reference(&self, audited: &[Audited]) -> Option<f64> {
        let champion = self.champion.as_ref()?;
        let tested = self.tested();
        let mut known: Vec<(ClassIndex, bool)> = audited
            .iter()
            .chain(&tested)
            .filter(|audit| self.is_reference(self.batch_of(audit.item)))
            .filter_map(|audit| Some((audit.truth, champion.prediction(audit.row)?.0 == audit.truth)))
            .collect();
        if known.len() < LEAST_AUDITS {
            let says = |held: &HeldOut| likeliest(ndarray::ArrayView1::from(&held.probabilities));
            let right = |held: &HeldOut| Some((held.class as ClassIndex, usize::from(says(held)?.0) == held.class));
            known = champion.held_out.iter().filter_map(right).collect();
        }
        let right = known.iter().filter(|(_, right)| *right).count();
        let mut counts = HashMap::new();
        known.iter().for_each(|(class, _)| *counts.entry(class).or_insert(0) += 1);
        let largest = counts.into_values().max().unwrap_or(0) as f64 / known.len().max(1) as f64;
        acceptable_level(Estimate::of_share(right, known.len()), largest)
    }

    /// Where the champion stands on a batch; `None` while that isn't known.
    fn judgement(&self, batch: u32, audited: &[Audited]) -> Option<Judgement> {
        self.champion.as_ref()?;
        // Once: it counts all items, and every import is judged after each label.
        let pool = self.pool_of(batch);
        let report = self.report_of(&pool);
        let measured = self.measured_together(&pool, audited);
        let is_reference = self.is_reference(batch);
        let rows = self.item_of.iter().filter(|&&item| pool.contains(&self.batch_of(item))).count();
        let compared = is_reference || report.is_some() || rows < FEWEST_ROWS;
        if !compared || (rows == 0 && !is_reference) {
            return None;
        }
        let evidence = Evidence {
            moved: report.is_some_and(|report| report.moved),
            estimate: match is_reference {
                true => self.mean_confidence(batch).ok_or(NoEstimate::FewLabels),
                false => report.map_or(Err(NoEstimate::FewItems), |report| report.accuracy),
            },
            audited: measured.map(|measured| (measured.right, measured.total)),
            items: rows as u64,
            floor: self.floor(audited),
        };
        let mut judgement = judge(&evidence);
        if is_reference && !judgement.by_audit {
            // Its confidence there only says how large an audit would have to be.
            judgement.audits_needed = None;
            let audits = measured.map_or(0, |measured| measured.total);
            (judgement.state, judgement.sentence) = match too_few(audits as usize) {
                true => {
                    let noun = if audits == 1 { "audit" } else { "audits" };
                    let sentence = format!(
                        "Too small to say: part of what the champion was trained on, with {audits} {noun}; from {FEWEST_FOR_SHARE} on they say something."
                    );
                    (Health::TooSmall, sentence)
                }
                false => {
                    let (right, total) = measured.map_or((0, 0), |measured| (measured.right, measured.total));
                    let (low, high) = clopper_pearson(right, total, 0.95);
                    let sentence = format!(
                        "Healthy: part of what the champion was trained and audited on; {:.1} % ({:.1}–{:.1}) right on {total} audits of it.",
                        100.0 * right as f64 / total as f64,
                        100.0 * low,
                        100.0 * high
                    );
                    (Health::Healthy, sentence)
                }
            };
        }
        if let Some(report) = report.filter(|report| report.moved) {
            let moved: Vec<&str> =
                report.tests.iter().filter(|(_, test)| test.alarms()).map(|(name, _)| name.as_str()).take(3).collect();
            judgement.sentence += &format!(" What moved: {}.", moved.join(", "));
        }
        if pool.len() > 1 {
            let name = |&batch: &u32| format!("“{}”", self.batches[batch as usize].name);
            let others: Vec<String> = pool.iter().filter(|&&other| other != batch).map(name).collect();
            judgement.sentence += &format!(" Small imports are judged together: this one with {}.", others.join(", "));
        }
        if measured.is_some_and(|measured| measured.came_labelled) {
            judgement.sentence = judgement.sentence.replace("audits of it", "labels that came with it");
        }
        Some(judgement)
    }

    /// The batch in the worst state: of several the latest.
    fn worst_batch(&self, audited: &[Audited]) -> Option<(Health, u32)> {
        let all = 0..self.batches.len() as u32;
        all.filter_map(|batch| Some((self.judgement(batch, audited)?.state, batch))).max()
    }

    /// The batch that needs a way back most; `None` while all are healthy.
    fn needs_a_way_back(&self, audited: &[Audited]) -> Option<u32> {
        let worst = self.worst_batch(audited).filter(|(health, _)| *health > Health::Healthy);
        worst.map(|(_, batch)| batch)
    }

    /// What the frame shows.
    pub(super) fn monitor_summary(&self, audited: &[Audited]) -> MonitorSummary {
        let judged = self.worst_batch(audited);
        let batch = judged.filter(|(health, _)| *health > Health::Healthy);
        let name = |batch: u32| self.batches.get(batch as usize).map_or(String::new(), |batch| batch.name.clone());
        let monitor = &self.record.monitor;
        let wished = self.record.deployment.audits_wished;
        MonitorSummary {
            health: judged.filter(|_| !self.is_numeric()).map(|(health, _)| health),
            batch: batch.map(|(_, batch)| (batch, name(batch))),
            revision: self
                .monitor
                .revision
                .wrapping_add((self.log.len() + self.runs.len() + self.batches.len() + self.item_of.len()) as u32),
            comparing: self.monitor.under_way.as_ref().map(|(_, _, comparison)| comparison.progress() as f32),
            auditing: monitor.audit_of.filter(|_| wished > 0).map(|batch| (batch, wished)),
            labelling: monitor.label_of.map(|label_of| (label_of.batch, self.labelled_of(label_of), label_of.wished)),
        }
    }

    /// What the Monitor screen shows.
    pub(super) fn monitor_state(&self) -> MonitorState {
        let audited = self.audited();
        let why_not = if self.is_numeric() {
            Some("New data are watched for projects that learn classes; this one learns a number.")
        } else if self.champion.is_none() {
            Some(
                "There is no champion yet. Once a model is deployed, each later import is compared with what it was trained on.",
            )
        } else {
            None
        };
        let here = (0..self.batches.len() as u32).filter(|&batch| !self.batches[batch as usize].is_out());
        let batches = here.map(|batch| self.batch_monitor(batch, &audited));
        let changes = self.record.monitor.changes.iter().rev().filter_map(|change| {
            let number = |id: &str| self.runs.iter().find(|run| run.id == id).map_or(0, |run| run.number);
            Some(HealthChange {
                batch: change.batch,
                name: self.batches.get(change.batch as usize)?.name.clone(),
                model: number(&change.model),
                health: change.health,
                time_ms: change.time_ms,
                run: number(&change.run),
            })
        });
        MonitorState {
            why_not: why_not.map(String::from),
            floor: self.floor(&audited),
            floor_is_set: self.record.monitor.floor_is_set,
            batches: if why_not.is_none() { batches.collect() } else { Vec::new() },
            ways: self.ways_back(&audited),
            changes: changes.collect(),
        }
    }

    fn batch_monitor(&self, batch: u32, audited: &[Audited]) -> BatchMonitor {
        let record = &self.batches[batch as usize];
        let judgement = self.judgement(batch, audited);
        let measured = self.measured(batch, audited);
        let items = (0..self.items.len() as ItemIndex).filter(|&item| self.batch_of(item) == batch);
        let accepted = items.clone().filter(|&item| self.is_accepted(item)).count() as f64;
        let sentence = match &judgement {
            Some(judgement) => judgement.sentence.clone(),
            None if self.pending_count() > 0 => "Its items are still being read.".into(),
            None => "It is being compared.".into(),
        };
        BatchMonitor {
            batch,
            name: record.name.clone(),
            items: record.items,
            time_ms: record.time_ms,
            is_reference: self.is_reference(batch),
            health: judgement.as_ref().map(|judgement| judgement.state),
            sentence,
            estimate: match self.is_reference(batch) {
                true => self.out_of_sample_share(batch),
                // A band's width tells by itself what is behind it.
                false => self
                    .report(batch)
                    .and_then(|report| report.accuracy.ok())
                    .map(|band| Interval { few: is_vague(band), ..interval(band, usize::MAX) }),
            },
            audited: measured.map(|Measured { right, total, .. }| {
                let (low, high) = clopper_pearson(right, total, 0.95);
                let (right, total) = (right as u32, total as u32);
                AuditState { right, total, estimate: f64::from(right) / f64::from(total), low, high }
            }),
            came_labelled: measured.is_some_and(|measured| measured.came_labelled),
            audits_needed: judgement.and_then(|judgement| judgement.audits_needed),
            accepted: accepted / f64::max(1.0, items.count() as f64),
            findings: record.findings.len() as u32,
        }
    }

    /// The champion's mean probability of what it says on a batch.
    fn mean_confidence(&self, batch: u32) -> Option<Estimate> {
        let champion = self.champion.as_ref()?;
        let rows = self.rows_of(|other| other == batch);
        let said: Vec<f64> = rows.iter().filter_map(|&row| Some(f64::from(champion.prediction(row)?.1))).collect();
        let mean = said.iter().sum::<f64>() / said.len() as f64;
        (!said.is_empty()).then_some(Estimate { estimate: mean, low: mean, high: mean })
    }

    /// Of the reference, the share of its training labels that the champion had right without them.
    fn out_of_sample_share(&self, batch: u32) -> Option<Interval> {
        let champion = self.champion.as_ref()?;
        let own: Vec<bool> = champion
            .held_out
            .iter()
            .filter(|held| self.batch_of(held.item) == batch)
            .filter_map(|held| {
                Some(usize::from(likeliest(ndarray::ArrayView1::from(&held.probabilities))?.0) == held.class)
            })
            .collect();
        let share = Estimate::of_share(own.iter().filter(|right| **right).count(), own.len())?;
        Some(interval(share, own.len()))
    }
}
