//! What a comparison found.

use super::corrections::correct_family;
use crate::pipeline::evaluate::Estimate;
use serde::{Deserialize, Serialize};

/// A batch raises the alarm when any corrected p-value falls below this: at most so many batches of the reference's own
/// distribution do, over all tests together.
pub const LEVEL: f64 = 0.02;

/// One test of "the batch is like the reference".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// How far apart; what it measures depends on the test.
    pub statistic: f64,
    /// The chance of at least so much if nothing changed, 0 to 1.
    pub p: f64,
    /// The p-value corrected for all tests of the comparison.
    pub corrected: f64,
}

impl Test {
    /// Not corrected yet.
    pub(super) fn new(statistic: f64, p: f64) -> Self {
        Self { statistic, p, corrected: p }
    }

    /// The one with the smaller p-value; of equals the first.
    fn stronger(self, other: Self) -> Self {
        if other.p < self.p { other } else { self }
    }

    /// Whether it raises the alarm.
    pub fn alarms(&self) -> bool {
        self.corrected < LEVEL
    }
}

/// How well a linear classifier tells the batch's rows from the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// Area under the ROC curve on rows it was not fitted to, with its 95 % interval: ½ if they cannot be told apart.
    pub auc: Estimate,
    /// The classifier two-sample test; the statistic is the area.
    pub test: Test,
}

/// One class's share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassShift {
    /// The share of rows predicted as it: in the reference, in the batch.
    pub predicted: (f64, f64),
    /// Its estimated share in the reference, and in the batch with the 95 % interval; `None` where nothing can be estimated.
    pub estimated: Option<(f64, Estimate)>,
    /// Fisher's exact test of how many rows are predicted as this class; the statistic is the difference of these shares, −1 to 1.
    pub test: Test,
}

/// Why a batch's accuracy is not estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoEstimate {
    /// It has fewer than [`FEWEST_ROWS`](super::accuracy::FEWEST_ROWS) items.
    FewItems,
    /// Fewer than [`FEWEST_HELD_OUT`](super::accuracy::FEWEST_HELD_OUT) labels, or labels of one class alone, tell how far the
    /// model's probabilities can be believed.
    FewLabels,
    /// A classifier tells its items from the reference's: what the probabilities were worth there says nothing here.
    Unlike,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Words, few of them.
    Category,
}

/// One column, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnShift {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// The population stability index: below 0.1 is usually called stable, above 0.25 a shift.
    pub psi: f64,
    /// Kolmogorov–Smirnov for numbers (the statistic is the largest distance of the distribution functions), χ² for categories.
    /// The p-value covers missing cells, too. 1 where nothing can be compared.
    pub test: Test,
    /// The share of missing cells in the reference, 0 to 1.
    pub missing_reference: f64,
    /// The same in the batch.
    pub missing_batch: f64,
    /// Categories that the reference does not have, the most frequent first; at most 20.
    pub unseen: Vec<String>,
    /// The share of the batch's cells, missing ones left out, in such categories.
    pub unseen_share: f64,
    /// The share of the batch's numbers below the reference's least or above its largest.
    pub out_of_range: f64,
    /// The reference's middle: the median of numbers, the most frequent category. Empty if all is missing.
    pub usual_reference: String,
    /// The batch's.
    pub usual_batch: String,
}

/// An item of the batch, and how unlike the reference it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Novel {
    /// Its feature row.
    pub row: usize,
    /// The share of reference rows that are less far from their neighbours: ½ is usual, 1 is farther than any.
    pub novelty: f64,
    /// The feature rows of the nearest reference items, nearest first; at most 3.
    pub nearest: Vec<usize>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One Kolmogorov–Smirnov test a class on the model's calibrated outputs.
    pub outputs: Vec<Test>,
    /// `None` where rows are too few.
    pub separation: Option<Separation>,
    /// Kolmogorov–Smirnov of the distances to the nearest reference rows; `None` where rows are too few.
    pub distance: Option<Test>,
    /// One entry a class, in the classes' order; none if either side is empty.
    pub classes: Vec<ClassShift>,
    /// One entry a column, in their order.
    pub columns: Vec<ColumnShift>,
    /// The batch's estimated accuracy with its 95 % band, or why there is none.
    pub accuracy: Result<Estimate, NoEstimate>,
    /// The reference's, estimated in the same way; `None` where held-out predictions are too few.
    pub reference_accuracy: Option<Estimate>,
    /// The batch's most novel rows, the most novel first; at most 48.
    pub novel: Vec<Novel>,
    /// The alarm: whether any corrected p-value is below [`LEVEL`].
    pub moved: bool,
    /// All tests, in words, the most significant first.
    pub tests: Vec<(String, Test)>,
}

impl Report {
    /// What all of it says in a sentence or two, `findings` in the data themselves included: nothing is out of the ordinary only if
    /// no test says otherwise.
    pub fn summary(&self, findings: usize) -> String {
        let alarms = self.tests.iter().filter(|(_, test)| test.alarms()).count();
        let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let tests = plural(self.tests.len(), "test", "tests");
        let found = plural(findings, "finding", "findings");
        match (findings, alarms) {
            (0, 0) => format!(
                "Nothing out of the ordinary: no finding in the data themselves, and none of {tests} tells them from the reference."
            ),
            (0, alarms) => {
                format!("The rows are well formed, but they are not like the reference: {alarms} of {tests} say so.")
            }
            (_, 0) => format!("{found} in the data themselves; none of {tests} tells them from the reference."),
            (_, alarms) => {
                format!("{found} in the data themselves, and {alarms} of {tests} tell them from the reference.")
            }
        }
    }

    /// Corrects the tests for each other, puts them in words and in order, and decides whether they alarm.
    pub(super) fn conclude(&mut self) {
        let present = [
            !self.outputs.is_empty(),
            !self.classes.is_empty(),
            self.separation.is_some(),
            self.distance.is_some(),
            !self.columns.is_empty(),
        ];
        let families = present.into_iter().filter(|&present| present).count();
        // Of two classes one test says it all; the other is its mirror image.
        let mirrored = self.outputs.len() == 2;
        let of_classes = |tests: &mut dyn Iterator<Item = &mut Test>| match mirrored {
            true => tests.for_each(|test| correct_family([test], families)),
            false => correct_family(tests, families),
        };
        of_classes(&mut self.outputs.iter_mut());
        of_classes(&mut self.classes.iter_mut().map(|class| &mut class.test));
        correct_family(self.separation.iter_mut().map(|separation| &mut separation.test), families);
        correct_family(self.distance.iter_mut(), families);
        correct_family(self.columns.iter_mut().map(|column| &mut column.test), families);

        let shares = self.classes.iter().map(|class| class.test);
        let of_all: [(&str, Option<Test>); 4] = [
            ("model outputs", self.outputs.iter().copied().reduce(Test::stronger)),
            ("class shares", shares.reduce(Test::stronger)),
            ("separability", self.separation.map(|separation| separation.test)),
            ("distance to the reference", self.distance),
        ];
        let of_all = of_all.into_iter().filter_map(|(name, test)| Some((name.to_owned(), test?)));
        self.tests = of_all.chain(self.columns.iter().map(|column| (column.name.clone(), column.test))).collect();
        self.tests.sort_by(|a, b| a.1.corrected.total_cmp(&b.1.corrected).then(a.1.p.total_cmp(&b.1.p)));
        self.moved = self.tests.iter().any(|(_, test)| test.alarms());
    }
}
