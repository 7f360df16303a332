//! A model measured on the audit stream, as the Evaluation panel shows it.

use super::Project;
use super::audits::{Audited, share_right};
use super::baseline::{RANDOM_BASELINE, audits_behind};
use super::deployment::interval;
use super::frozen::Frozen;
use super::runs::metric;
use crate::pipeline::evaluate::{
    Estimate, Evaluation, FEWEST_FOR_CALIBRATION, Halting, WeighedLoss, audit_accuracy, clopper_pearson, evaluate,
    halting_hint, slices, too_few,
};
use crate::pipeline::log::{Run, RunKind, RunStatus};
use crate::pipeline::predict::softmax;
use crate::protocol::{
    AuditState, ClassIndex, ClassMeasures, CurvePoint, EvaluationState, HaltingState, Interval, ItemIndex, Judged,
    Light, ReliabilityBar, SliceGroup, SliceState,
};
use ndarray::{Array1, Array2, ArrayView1, Axis};
use std::cmp::Ordering;

/// Test labels that a model is asked about when its run is logged.
const MOST_TESTED: usize = 2_000;
/// A column whose audits have more different values than this makes no slices.
const MOST_SLICES: usize = 12;

impl Project {
    /// The opinion of one of the models on a feature row.
    fn opinion(&self, model: Judged, row: usize) -> Option<ArrayView1<'_, f32>> {
        match model {
            Judged::Working => self.row_probabilities(row),
            Judged::Champion => self.champion.as_ref()?.row(row),
            Judged::Challenger => self.challenger.as_ref()?.row(row),
        }
    }

    /// The share of its training labels that a model had right which had not seen them.
    fn out_of_fold_of(&self, model: Judged) -> Option<f64> {
        let share = |model: &Frozen| {
            let right = model.out_of_fold.iter().filter(|row| row.right).count();
            (!model.out_of_fold.is_empty()).then(|| right as f64 / model.out_of_fold.len() as f64)
        };
        match model {
            Judged::Working => self.learner.out_of_fold(),
            Judged::Champion => self.champion.as_ref().and_then(share),
            Judged::Challenger => self.challenger.as_ref().and_then(share),
        }
    }

    fn name_of(&self, model: Judged) -> Option<String> {
        let frozen = |model: &Frozen| format!("r{} · {}", model.number, model.config.spec.name());
        match model {
            Judged::Working => self.learner.head().map(|_| format!("working model {}", self.learner.version())),
            Judged::Champion => self.champion.as_ref().map(frozen),
            Judged::Challenger => self.challenger.as_ref().map(frozen),
        }
    }

    /// Whether this item is an audit, or of the test set if that is what the model is measured on, of the first class that
    /// the model predicts as the second.
    pub(super) fn is_measured_cell(
        &self,
        item: ItemIndex,
        model: Judged,
        (truth, predicted): (ClassIndex, ClassIndex),
        on_test: bool,
    ) -> bool {
        let labels = &self.labels[item as usize];
        let measuring = if on_test { &labels.test } else { &labels.audit };
        let Some(standing) = measuring.as_ref().filter(|_| !on_test || !self.trained_before_its_test(item)) else {
            return false;
        };
        let row = self.row_of[item as usize];
        standing.certificate.is_none()
            && self.class_of_key(&standing.class) == Some(truth)
            && row.and_then(|row| super::cards::likeliest(self.opinion(model, row)?)).map(|best| best.0)
                == Some(predicted)
    }

    /// What a model is measured on: the audits that it has seen or, if there are none, the imported test labels; whether the
    /// latter.
    pub(super) fn measured_on(&self, model: Judged) -> (Vec<Audited>, bool) {
        let seen = |all: Vec<Audited>| -> Vec<Audited> {
            all.into_iter().filter(|one| self.opinion(model, one.row).is_some()).collect()
        };
        let audited = seen(self.audited());
        if audited.is_empty() { (seen(self.tested()), true) } else { (audited, false) }
    }

    /// Everything measured of a model; `None` without such a model or without audits and test labels that it has seen.
    pub(super) fn evaluation_state(&self, model: Judged) -> Option<EvaluationState> {
        let name = self.name_of(model)?;
        let (audited, on_test) = self.measured_on(model);
        let on_tests =
            share_right(&self.tested(), |test| Some(super::cards::likeliest(self.opinion(model, test.row)?)?.0));
        let (probabilities, targets) =
            self.opinions(&audited, |audit| Some(self.opinion(model, audit.row)?.to_owned()))?;
        let evaluation = evaluate(&probabilities, &targets)?;
        let right: Vec<bool> = probabilities
            .rows()
            .into_iter()
            .zip(&targets)
            .map(|(row, &target)| super::cards::likeliest(row).is_some_and(|(class, _)| usize::from(class) == target))
            .collect();
        let losses: Vec<WeighedLoss> = audited
            .iter()
            .zip(&right)
            .map(|(audit, &right)| WeighedLoss { loss: f64::from(u8::from(!right)), probability: audit.probability })
            .collect();
        let undecided = self.labels.iter().filter(|labels| !labels.is_decided()).count();
        let count = audited.len();
        let estimate = match (on_test, undecided) {
            // Only what was drawn at random says what holds for the rest.
            (true, _) => Interval { low: 0.0, high: 1.0, ..interval(evaluation.accuracy, count) },
            // Of nothing left it would be a point; what is told is how the model does on items like these.
            (false, 0) => interval(evaluation.accuracy, count),
            (false, _) => interval(audit_accuracy(&losses, undecided, self.out_of_fold_of(model))?, count),
        };
        let curve = self.learning_curve();
        let decided = (0..self.items.len() as ItemIndex).filter(|&item| self.is_settled(item)).count();
        let share_done = decided as f64 / self.items.len().max(1) as f64;
        Some(EvaluationState {
            model,
            name,
            audits: if on_test { 0 } else { audited.len() as u32 },
            test: on_tests,
            on_test,
            accuracy: interval(evaluation.accuracy, count),
            few: too_few(count),
            estimate,
            balanced_accuracy: evaluation.balanced_accuracy,
            macro_f1: evaluation.macro_f1,
            log_loss: evaluation.log_loss,
            brier: evaluation.brier,
            roc_auc: evaluation.roc_auc,
            calibration_error: Interval {
                few: count < FEWEST_FOR_CALIBRATION,
                ..interval(evaluation.calibration, count)
            },
            classes: evaluation.classes.iter().map(class_measures).collect(),
            confusion: counts(&evaluation.confusion),
            reliability: evaluation.reliability.iter().map(reliability_bar).collect(),
            slices: self.slice_groups(
                &audited.iter().map(|audit| audit.item).collect::<Vec<_>>(),
                &probabilities,
                &right,
            ),
            halting: halting(&curve, self.told_accuracy(), share_done),
            curve,
            random_baseline: self.random_baseline(),
        })
    }

    /// The accuracy that stands on top of the screen: the champion's, before there is one the working model's; on audits, before
    /// there are any on imported test labels.
    fn told_accuracy(&self) -> Option<Estimate> {
        let model = if self.champion.is_some() { Judged::Champion } else { Judged::Working };
        let says = |audit: &Audited| Some(super::cards::likeliest(self.opinion(model, audit.row)?)?.0);
        let told = share_right(&self.audited(), says).or_else(|| share_right(&self.tested(), says))?;
        Some(Estimate { estimate: told.estimate, low: told.low, high: told.high })
    }

    /// A model that has not predicted the pool yet, measured on the audits.
    pub(super) fn evaluate_head(&self, model: &Frozen) -> Option<Evaluation> {
        let audited = self.audited();
        let (probabilities, targets) = self.opinions(&audited, |audit| {
            let logits = model.head.logits_of_rows(&self.features, audit.row..audit.row + 1);
            Some(softmax(&logits, model.config.temperature).remove_axis(Axis(0)))
        })?;
        evaluate(&probabilities, &targets)
    }

    /// The same on imported test labels; of very many, on some evenly spread over all.
    pub(super) fn test_share(&self, model: &Frozen) -> Option<AuditState> {
        let mut tested = self.tested();
        if tested.len() > MOST_TESTED {
            tested = (0..MOST_TESTED).map(|place| tested[place * tested.len() / MOST_TESTED]).collect();
        }
        share_right(&tested, |test| {
            let logits = model.head.logits_of_rows(&self.features, test.row..test.row + 1);
            Some(super::cards::likeliest(logits.row(0))?.0)
        })
    }

    /// Audits × classes probabilities and the audited classes. A class added since the model was trained has
    /// probability 0. `None` if the model has no opinion on one of the audits.
    fn opinions(
        &self,
        audited: &[Audited],
        opinion: impl Fn(&Audited) -> Option<Array1<f32>>,
    ) -> Option<(Array2<f32>, Vec<usize>)> {
        let mut probabilities = Array2::zeros((audited.len(), self.record.classes.len()));
        for (mut out, audit) in probabilities.rows_mut().into_iter().zip(audited) {
            out.iter_mut().zip(opinion(audit)?).for_each(|(out, probability)| *out = probability);
        }
        Some((probabilities, audited.iter().map(|audit| usize::from(audit.truth)).collect()))
    }

    /// Accuracy by number of labels, from the training runs: what was measured then, on the audits of then.
    fn learning_curve(&self) -> Vec<CurvePoint> {
        let mut points: Vec<CurvePoint> = self
            .runs
            .iter()
            .filter(|run| run.kind == RunKind::Train && run.status == RunStatus::Finished)
            .filter_map(|run| {
                let labels = run.params.get("labels")?.parse().ok()?;
                let audits = run.metric("accuracy").zip(run.metric("audits")).map(|(accuracy, audits)| {
                    let (low, high) = clopper_pearson((accuracy * audits).round() as u64, audits as u64, 0.95);
                    interval(Estimate { estimate: accuracy, low, high }, audits as usize)
                });
                Some(CurvePoint { labels, audits, out_of_fold: run.metric("out_of_fold_accuracy") })
            })
            .collect();
        // Between the runs, the working model's own estimate on training labels.
        for &(labels, share) in self.learner.curve() {
            if points.iter().all(|point| point.labels != labels) {
                points.push(CurvePoint { labels, audits: None, out_of_fold: Some(share) });
            }
        }
        points.sort_by_key(|point| point.labels);
        points.dedup_by_key(|point| point.labels);
        points
    }

    /// What as many labels drawn at random would have given, from the newest run that measured it.
    fn random_baseline(&self) -> Vec<(u32, Interval)> {
        let measured = self.runs.iter().rev().find(|run| run.metric(RANDOM_BASELINE).is_some());
        let Some(run) = measured else { return Vec::new() };
        run.curve(RANDOM_BASELINE)
            .into_iter()
            .map(|(labels, share)| {
                let audits = audits_behind(labels);
                let (low, high) = clopper_pearson((share * audits as f64).round() as u64, audits, 0.95);
                (labels, interval(Estimate { estimate: share, low, high }, audits as usize))
            })
            .collect()
    }

    fn slice_groups(&self, items: &[ItemIndex], probabilities: &Array2<f32>, right: &[bool]) -> Vec<SliceGroup> {
        let by = |by: &str, name: &dyn Fn(usize) -> Option<String>| {
            let named: Vec<(String, bool)> =
                (0..items.len()).filter_map(|place| Some((name(place)?, right[place]))).collect();
            let mut slices: Vec<SliceState> = slices(named.iter().map(|(name, right)| (name.as_str(), *right)))
                .into_iter()
                .map(|slice| SliceState {
                    name: slice.name,
                    audits: slice.rows as u32,
                    accuracy: interval(slice.accuracy, slice.rows),
                })
                .collect();
            // Of two that are equally often right, the one that is less surely so is the worse.
            let badness = |slice: &SliceState| (slice.accuracy.estimate, slice.accuracy.low);
            slices.sort_by(|a, b| badness(a).partial_cmp(&badness(b)).unwrap_or(Ordering::Equal));
            (2..=MOST_SLICES).contains(&slices.len()).then(|| SliceGroup { by: by.into(), slices })
        };
        let item = |place: usize| &self.items[items[place] as usize];
        let mut groups = vec![
            by("class", &|place| {
                let class = self.labelled_class(items[place])?;
                Some(self.record.classes[usize::from(class)].name.clone())
            }),
            by("confidence", &|place| {
                let (_, probability) = super::cards::likeliest(probabilities.row(place))?;
                Some(confidence_band(probability).into())
            }),
            by("import", &|place| Some(self.batches.get(item(place).batch as usize)?.name.clone())),
        ];
        let mut columns: Vec<&String> =
            items.iter().flat_map(|&item| self.items[item as usize].extra.iter().map(|(column, _)| column)).collect();
        columns.sort();
        columns.dedup();
        for column in columns {
            groups.push(by(column, &|place| {
                item(place).extra.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone())
            }));
        }
        for (place, column) in self.record.columns.iter().enumerate() {
            groups.push(by(column, &|at| match &item(at).content {
                crate::pipeline::item::Content::Row(cells) => cells.get(place).cloned(),
                _ => None,
            }));
        }
        groups.into_iter().flatten().collect()
    }
}

/// The metrics of a run on imported test labels: of their own names, for they are not blind.
pub(super) fn log_test(run: &mut Run, test: &AuditState, now_ms: f64) {
    let metrics = [
        ("test_labels", f64::from(test.total)),
        ("test_accuracy", test.estimate),
        ("test_accuracy_low", test.low),
        ("test_accuracy_high", test.high),
    ];
    run.metrics.extend(metrics.map(|(key, value)| metric(key, value, 0, now_ms)));
}

/// The metrics of a measured run, by scikit-learn's names.
pub(super) fn log_evaluation(run: &mut Run, evaluation: &Evaluation, now_ms: f64) {
    let mut add = |key: &str, value: f64| run.metrics.push(metric(key, value, 0, now_ms));
    add("audits", evaluation.rows as f64);
    add("accuracy", evaluation.accuracy.estimate);
    add("accuracy_low", evaluation.accuracy.low);
    add("accuracy_high", evaluation.accuracy.high);
    add("balanced_accuracy", evaluation.balanced_accuracy);
    add("macro_f1", evaluation.macro_f1);
    add("log_loss", evaluation.log_loss);
    add("brier", evaluation.brier);
    add("calibration_error", evaluation.calibration.estimate);
    if let Some(area) = evaluation.roc_auc {
        add("roc_auc", area);
    }
}

fn confidence_band(probability: f32) -> &'static str {
    match probability {
        p if p < 0.5 => "below 50 %",
        p if p < 0.7 => "50–70 %",
        p if p < 0.9 => "70–90 %",
        p if p < 0.97 => "90–97 %",
        _ => "97 % and more",
    }
}

fn counts(confusion: &[Vec<usize>]) -> Vec<Vec<u32>> {
    confusion.iter().map(|row| row.iter().map(|&count| count as u32).collect()).collect()
}

fn class_measures(class: &crate::pipeline::evaluate::ClassScore) -> ClassMeasures {
    ClassMeasures {
        occurs: class.occurs as u32,
        predicted: class.predicted as u32,
        precision: class.precision.map(|precision| interval(precision, class.predicted)),
        recall: class.recall.map(|recall| interval(recall, class.occurs)),
        f1: class.f1.map(|f1| interval(f1, class.occurs + class.predicted - class.right)),
    }
}

fn reliability_bar(bin: &crate::pipeline::evaluate::ReliabilityBin) -> ReliabilityBar {
    ReliabilityBar {
        low: bin.low,
        high: bin.high,
        mean_probability: bin.mean_probability,
        audits: bin.rows as u32,
        right: interval(bin.right, bin.rows),
    }
}

fn halting(curve: &[CurvePoint], accuracy: Option<Estimate>, share_done: f64) -> HaltingState {
    // What the audits say where they say something, else the training labels.
    let told = |point: &CurvePoint| Some((point.labels, point.audits.filter(|share| !share.few)?.estimate));
    let measured: Vec<(u32, f64)> = curve.iter().filter_map(told).collect();
    let guessed: Vec<(u32, f64)> = curve.iter().filter_map(|point| Some((point.labels, point.out_of_fold?))).collect();
    let hint = halting_hint(if measured.len() >= 3 { &measured } else { &guessed }, accuracy, share_done);
    let light = match hint.state {
        Halting::Green => Light::Green,
        Halting::Amber => Light::Amber,
        Halting::Red => Light::Red,
    };
    HaltingState { light, sentence: hint.sentence }
}
