//! A project whose target is a number: its learner, what is asked next, which labels look wrong, and how good the model is.
//!
//! The label log is the same as of classes; a label's text is the number. What is for classes alone (training runs, the gate,
//! certificates) is refused with a sentence.

use super::deployment::interval;
use super::project::{CARDS_AHEAD, SEED};
use super::{Project, Session, SessionError, refused};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::export::numeric_predictions_table;
use crate::pipeline::features::matrix::Features;
use crate::pipeline::import::plan::Target;
use crate::pipeline::label::{ItemLabels, Source, Standing};
use crate::pipeline::regression::target::is_usable;
use crate::pipeline::regression::{
    IssueRanking, NumericIssue, NumericLearner, NumericLearnerConfig, NumericPrediction, NumericRanker, NumericScores,
    accept, canonical, parse, scores, share_within,
};
use crate::pipeline::train::Step;
use crate::protocol::{ClassIndex, ItemIndex, NumericFigures, NumericState, ReviewRow, ValueSuggestion};

/// Multiply-adds of one slice of the search for wrong labels: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;

/// What a label teaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TrainingTarget {
    Class(ClassIndex),
    Number(f64),
}

/// What the findings rest on: versions of the model, events, feature rows.
type Basis = (u32, usize, usize);

/// All that a numeric target needs beside what every project has.
pub(super) struct Numeric {
    pub learner: NumericLearner,
    ranker: NumericRanker,
    search: Option<(Basis, IssueRanking)>,
    found: Option<(Basis, Vec<NumericIssue>)>,
}

impl Numeric {
    pub fn new() -> Self {
        let config = NumericLearnerConfig { seed: SEED, ..NumericLearnerConfig::default() };
        Self { learner: NumericLearner::new(config), ranker: NumericRanker::new(SEED), search: None, found: None }
    }

    /// Begins to choose the next cards' rows.
    pub fn begin_ranking(&mut self, labelled: &[usize], candidates: &[usize]) {
        let strength = self.learner.model().and_then(|model| model.strength());
        self.ranker.begin(labelled, candidates, strength, CARDS_AHEAD);
    }

    /// One slice of it: the rows in order with the reason of each, once they are chosen.
    pub fn step_ranking(&mut self, features: &Features) -> Option<Vec<(usize, String)>> {
        let ranked = self.ranker.step(features)?;
        let why = |gain: f64| {
            format!("Its label makes the numbers of all items surer: it takes away {:.1} % of the doubt.", gain * 100.0)
        };
        Some(ranked.into_iter().map(|ranked| (ranked.row, why(ranked.gain))).collect())
    }

    /// Whether a model or the search for wrong labels is under way.
    pub fn is_busy(&self) -> bool {
        self.learner.refit_due() || self.search.is_some()
    }
}

impl Session {
    /// How good the model is, and what could be accepted from it.
    pub(super) fn numeric(&self, tolerance: f64) -> Result<NumericState, SessionError> {
        let project = self.opened()?;
        let Some(numeric) = &project.numeric else {
            return refused("This project learns classes, not a number. Nothing was changed; see its evaluation.");
        };
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return refused("A tolerance is a number of 0 or more, in the unit of the labels. Nothing was changed.");
        }
        Ok(project.numeric_state(numeric, tolerance))
    }
}

impl Project {
    /// What it learns.
    pub fn target(&self) -> Target {
        self.record.target
    }

    pub(super) fn is_numeric(&self) -> bool {
        self.record.target == Target::Number
    }

    /// Whether there is a model that predicts.
    pub(super) fn has_model(&self) -> bool {
        match &self.numeric {
            Some(numeric) => !numeric.learner.predictions().is_empty(),
            None => self.learner.probabilities().is_some(),
        }
    }

    /// Refuses what only classes have.
    pub(super) fn must_have_classes(&self, what: &str) -> Result<(), SessionError> {
        if self.is_numeric() {
            return refused(format!(
                "{what} for projects that learn classes; this one learns a number. Nothing was changed."
            ));
        }
        Ok(())
    }

    /// A number as the log keeps it.
    pub(super) fn number_key(&self, value: f64) -> Result<String, SessionError> {
        if !self.is_numeric() {
            return refused("This project learns classes, not a number. Nothing was changed. Choose a class.");
        }
        if !is_usable(value) {
            return refused("A label is a finite number below 1e100 in size. Nothing was changed.");
        }
        Ok(canonical(value))
    }

    /// The number a text of the log stands for.
    pub(super) fn number_of_key(&self, key: &str) -> Option<f64> {
        if self.is_numeric() { parse(key).ok() } else { None }
    }

    /// The number an item trains as, if it trains.
    pub(super) fn training_number(&self, item: ItemIndex) -> Option<f64> {
        if self.duplicates_an_audit(item) {
            return None;
        }
        self.number_of_key(self.labels[item as usize].training_key()?)
    }

    /// What an item teaches, if it trains.
    pub(super) fn training_target(&self, item: ItemIndex) -> Option<TrainingTarget> {
        if self.is_numeric() {
            return self.training_number(item).map(TrainingTarget::Number);
        }
        self.training_class(item).map(TrainingTarget::Class)
    }

    /// The number an item is labelled as by people or the data.
    pub(super) fn number_on(&self, item: ItemIndex) -> Option<f64> {
        let labels = &self.labels[item as usize];
        let standing = labels.given().filter(|_| !labels.excluded)?;
        self.number_of_key(&standing.class)
    }

    /// An item's label and where it came from.
    pub(super) fn given_value(&self, item: ItemIndex) -> Option<(f64, Source)> {
        let standing = self.labels[item as usize].current()?;
        Some((self.number_of_key(&standing.class)?, standing.source))
    }

    /// Feature rows and numbers of what trains.
    fn training_numbers(&self) -> Vec<(usize, f64)> {
        let rows = self.item_of.iter().enumerate();
        rows.filter_map(|(row, &item)| Some((row, self.training_number(item)?))).collect()
    }

    /// Hands the learner all labels anew.
    pub(super) fn relearn_numbers(&mut self) {
        let labels = self.training_numbers();
        if let Some(numeric) = &mut self.numeric {
            numeric.learner.set_labels(&labels);
            numeric.learner.refresh(&self.features);
        }
    }

    /// One slice of learning.
    pub(super) fn step_numbers(&mut self) -> Step {
        match &mut self.numeric {
            Some(numeric) => numeric.learner.step(&self.features),
            None => Step::Idle,
        }
    }

    fn predicted_number(&self, item: ItemIndex) -> Option<NumericPrediction> {
        self.numeric.as_ref()?.learner.predict(self.row_of[item as usize]?)
    }

    /// The predicted number of an item.
    pub(super) fn value_of(&self, item: ItemIndex) -> Option<ValueSuggestion> {
        self.predicted_number(item).map(suggestion)
    }

    /// The prediction, unless the item waits to be audited.
    pub(super) fn shown_value(&self, item: ItemIndex) -> Option<ValueSuggestion> {
        if self.waits_as_audit(item) { None } else { self.value_of(item) }
    }

    /// How sure a shown prediction is: the narrower its interval, the larger.
    pub(super) fn sureness_of_value(&self, item: ItemIndex) -> f64 {
        let prediction = self.predicted_number(item).filter(|_| !self.waits_as_audit(item));
        prediction.map_or(f64::NEG_INFINITY, |own| -own.interval().half_width().min(f64::MAX))
    }

    /// Whether an item's label lies outside the interval of its prediction.
    pub(super) fn is_outside_interval(&self, item: ItemIndex) -> bool {
        let prediction = self.predicted_number(item).filter(|_| !self.waits_as_audit(item));
        prediction.zip(self.given_value(item)).is_some_and(|(own, (given, _))| !own.interval().contains(given))
    }

    /// The labels and predictions of answered audits, in the order of items.
    fn audited_numbers(&self) -> Vec<(f64, f64)> {
        self.measured_numbers(|_, labels| labels.audit.as_ref())
    }

    /// The same of imported test labels.
    fn tested_numbers(&self) -> Vec<(f64, f64)> {
        self.measured_numbers(|item, labels| {
            labels.test.as_ref().filter(|_| labels.audit.is_none() && !self.trained_before_its_test(item))
        })
    }

    fn measured_numbers<'a>(
        &'a self,
        measuring: impl Fn(ItemIndex, &'a ItemLabels) -> Option<&'a Standing>,
    ) -> Vec<(f64, f64)> {
        (0..self.items.len() as ItemIndex)
            .filter_map(|item| {
                let labels = &self.labels[item as usize];
                let standing = measuring(item, labels).filter(|_| !labels.excluded)?;
                Some((self.number_of_key(&standing.class)?, self.predicted_number(item)?.value))
            })
            .collect()
    }

    fn numeric_state(&self, numeric: &Numeric, tolerance: f64) -> NumericState {
        let audits = self.audited_numbers();
        let (labels, predictions): (Vec<f64>, Vec<f64>) = audits.iter().copied().unzip();
        let tests = self.tested_numbers();
        let (test_labels, test_predictions): (Vec<f64>, Vec<f64>) = tests.iter().copied().unzip();
        let open = (0..self.items.len() as ItemIndex).filter(|&item| !self.labels[item as usize].is_decided());
        let acceptable = open.filter_map(|item| self.predicted_number(item));
        NumericState {
            labels: numeric.learner.labels(),
            audits: audits.len() as u32,
            out_of_fold: numeric
                .learner
                .scores()
                .map(|scores| figures(scores, numeric.learner.labels() as usize))
                .unwrap_or_default(),
            on_audits: scores(&labels, &predictions).map(|scores| figures(scores, labels.len())).unwrap_or_default(),
            tests: tests.len() as u32,
            on_tests: scores(&test_labels, &test_predictions)
                .map(|scores| figures(scores, test_labels.len()))
                .unwrap_or_default(),
            within_tolerance: share_within(audits.iter().copied(), tolerance)
                .map(|share| interval(share, audits.len())),
            acceptable: acceptable.filter(|prediction| accept(prediction.interval(), tolerance)).count() as u32,
            problem: self.why_no_numbers(numeric),
        }
    }

    fn why_no_numbers(&self, numeric: &Numeric) -> Option<String> {
        if let Some(problem) = numeric.learner.problem() {
            return Some(format!("Nothing new was learnt: {problem}."));
        }
        (!self.has_model()).then(|| match numeric.learner.refit_due() {
            true => "The first model is being made.".into(),
            false => "There is no model yet: label three items with their numbers.".into(),
        })
    }

    /// Every prediction as CSV.
    pub(super) fn numeric_predictions(&self) -> Result<String, SessionError> {
        if !self.has_model() {
            return refused("There is no model yet. Label three items with their numbers first; your labels are safe.");
        }
        Ok(numeric_predictions_table(self.exported(), |item| self.predicted_number(item as ItemIndex)))
    }

    /// One slice of the search for wrong labels; `false` if there is nothing to do.
    pub(super) fn step_numeric_review(&mut self) -> bool {
        let Some(numeric) = &mut self.numeric else { return false };
        let basis = (numeric.learner.version(), self.log.len(), self.features.len());
        if numeric.learner.refit_due() || numeric.found.as_ref().is_some_and(|found| found.0 == basis) {
            return false;
        }
        let under_way = numeric.search.take().filter(|(of, _)| *of == basis);
        let begun = match under_way {
            Some((_, ranking)) => Ok(ranking),
            None => IssueRanking::begin(&self.features, &self.training_numbers()),
        };
        let stepped = begun.and_then(|mut ranking| {
            let issues = ranking.step(&self.features, SLICE_WORK)?;
            Ok((ranking, issues))
        });
        let Some(numeric) = &mut self.numeric else { return false };
        match stepped {
            Ok((ranking, None)) => numeric.search = Some((basis, ranking)),
            Ok((_, Some(issues))) => {
                numeric.found = Some((basis, issues));
                self.reviewed_anew();
            }
            // Too few labels, or too much for the memory: nothing is suspected.
            Err(_) => {
                numeric.found = Some((basis, Vec::new()));
                self.reviewed_anew();
            }
        }
        true
    }

    /// How far the search is, 0 to 1; `None` when nothing is under way.
    pub(super) fn numeric_review_progress(&self) -> Option<f32> {
        let numeric = self.numeric.as_ref()?;
        (numeric.found.is_none() && (numeric.is_busy() || self.has_model()))
            .then(|| numeric.search.as_ref().map_or(0.5, |(_, ranking)| 0.5 + ranking.progress() as f32 / 2.0))
    }

    pub(super) fn numeric_headline(&self) -> String {
        match self.numeric.as_ref().and_then(|numeric| numeric.found.as_ref()) {
            Some((_, issues)) if !issues.is_empty() => format!(
                "{} of {} numbers are farther from what was predicted without them than noise explains.",
                issues.iter().filter(|issue| issue.is_issue).count(),
                issues.len()
            ),
            _ => "The numbers are checked once a few items are labelled.".into(),
        }
    }

    fn numeric_issue(&self, item: ItemIndex) -> Option<&NumericIssue> {
        let (_, issues) = self.numeric.as_ref()?.found.as_ref()?;
        issues.iter().find(|issue| self.item_of[issue.row] == item)
    }

    /// Labels that look wrong and that nobody has decided about, the most suspicious first.
    pub(super) fn numeric_suspect_rows(&self) -> Vec<ReviewRow> {
        let found = self.numeric.iter().filter_map(|numeric| numeric.found.as_ref()).flat_map(|(_, issues)| issues);
        found
            .filter(|issue| {
                let same = |key: &str| self.number_of_key(key) == Some(issue.given);
                issue.is_issue && !self.was_reviewed(self.item_of[issue.row], same, issue.score)
            })
            .map(|issue| ReviewRow {
                given_value: Some(issue.given),
                suggested_value: Some(self.as_meant(issue)),
                quality: Some(issue.score as f32),
                ..self.plain_row(self.item_of[issue.row])
            })
            .collect()
    }

    /// The number predicted instead, with the digits that the interval gives a meaning.
    fn as_meant(&self, issue: &NumericIssue) -> f64 {
        let own = self.predicted_number(self.item_of[issue.row]);
        own.map_or(issue.predicted, |own| rounded(issue.predicted, last_place(&own)))
    }

    /// Why a number is doubted, what it may be instead, and how good it is.
    pub(super) fn what_is_said_of_number(&self, item: ItemIndex) -> (String, Option<f64>, Option<f32>) {
        let Some(issue) = self.numeric_issue(item) else {
            let value = self.shown_value(item).map(|value| value.value);
            return ("You asked for this one.".into(), value, None);
        };
        let predicted = self.as_meant(issue);
        let sentence = format!(
            "It is labelled {}; the model without this label says {}. So large a difference is hardly noise.",
            canonical(issue.given),
            canonical(predicted)
        );
        (sentence, Some(predicted), Some(issue.score as f32))
    }
}

fn suggestion(prediction: NumericPrediction) -> ValueSuggestion {
    let place = last_place(&prediction);
    let end = |end: f64| Some(end).filter(|end| end.is_finite());
    let (value, low, high) = (rounded(prediction.value, place), end(prediction.low), end(prediction.high));
    let interval = low.zip(high).map_or_else(
        || "–".to_owned(),
        |(low, high)| format!("{}–{}", canonical(rounded(low, place)), canonical(rounded(high, place))),
    );
    ValueSuggestion { value, low, high, words: format!("{} ({interval})", canonical(value)) }
}

/// The power of ten of the last digit that says anything: the second of the interval's half, else the third of the number.
fn last_place(prediction: &NumericPrediction) -> i32 {
    let half = prediction.interval().half_width();
    let (size, digits) = if half.is_finite() && half > 0.0 { (half, 1) } else { (prediction.value.abs(), 2) };
    if size > 0.0 { size.log10().floor() as i32 - digits } else { 0 }
}

/// The nearest number with no digit below this power of ten.
fn rounded(number: f64, place: i32) -> f64 {
    // Through decimal digits, so that no binary remainder is left over.
    let text = match usize::try_from(-place) {
        Ok(places) => format!("{number:.places$}", places = places.min(320)),
        Err(_) => format!("{:.0}", (number / 10f64.powi(place)).round() * 10f64.powi(place)),
    };
    text.parse().map_or(number, |rounded: f64| rounded + 0.0)
}

fn figures(scores: NumericScores, items: usize) -> NumericFigures {
    let of = |estimate: Estimate| Some(interval(estimate, items));
    NumericFigures { mae: of(scores.mae), rmse: of(scores.rmse), r2: scores.r2.and_then(of) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_have_no_more_digits_than_they_mean() {
        let check = |value: f64, low: f64, high: f64, expected: &str| {
            let shown = suggestion(NumericPrediction { value, low, high });
            assert_eq!(shown.words, expected);
            assert!(expected.starts_with(&canonical(shown.value)), "{} {expected}", shown.value);
        };
        check(12.4321, 10.1, 14.72, "12.4 (10.1–14.7)");
        check(3751.8, 3120.0, 4383.6, "3750 (3120–4380)");
        check(-0.000_125_4, -0.000_13, -0.000_12, "-0.0001254 (-0.00013–-0.00012)");
        check(1234.567, f64::NEG_INFINITY, f64::INFINITY, "1230 (–)");
        check(0.0, f64::NEG_INFINITY, f64::INFINITY, "0 (–)");
        check(5.0, 5.0, 5.0, "5 (5–5)");
        check(1.5e30, 1.0e30, 2.0e30, "1.5e30 (1e30–2e30)");
    }
}
