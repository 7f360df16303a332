//! Whether the champion holds on what came in since it was deployed, and the ways back if it doesn't.

use super::{AuditState, ClassIndex, Interval, ItemIndex};
use serde::{Deserialize, Serialize};

/// Where the champion stands on a batch.
pub use crate::pipeline::drift::judge::State as Health;

/// What the frame shows of it, on every screen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorSummary {
    /// The worst state of all batches; `None` before there is a champion.
    pub health: Option<Health>,
    /// The batch that is in it, and its name: of several the latest.
    pub batch: Option<(u32, String)>,
    /// Grows whenever the screen should ask again.
    pub revision: u32,
    /// The share done of a comparison under way, 0 to 1.
    pub comparing: Option<f32>,
    /// The batch that audits are asked of now, and how many are still wished for.
    pub auditing: Option<(u32, u32)>,
    /// The batch that labels are asked of now, how many were given and how many were wished for.
    pub labelling: Option<(u32, u32, u32)>,
}

/// The Monitor screen. Shares are 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorState {
    /// Why nothing is watched; `None` if it is.
    pub why_not: Option<String>,
    /// The acceptable level; `None` while nobody set one and the champion was measured on too little to set it.
    pub floor: Option<f64>,
    /// Whether the user set it; otherwise it follows from what the first champion was measured at.
    pub floor_is_set: bool,
    /// All imports, oldest first.
    pub batches: Vec<BatchMonitor>,
    /// The ways back from the batch that is worst off; none while all are healthy.
    pub ways: Option<WaysBack>,
    /// Every change of state, newest first.
    pub changes: Vec<HealthChange>,
}

/// One import under the champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchMonitor {
    /// Its place among the imports.
    pub batch: u32,
    /// What was imported, in words.
    pub name: String,
    /// Items in it.
    pub items: u32,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
    /// Whether it belongs to what the champion was trained and audited on, with which later ones are compared.
    pub is_reference: bool,
    /// Where the champion stands on it; `None` while that isn't known yet.
    pub health: Option<Health>,
    /// The same in a plain sentence.
    pub sentence: String,
    /// The accuracy that the champion's own confidence promises, with its 95 % band.
    pub estimate: Option<Interval>,
    /// Accuracy on blind audits of the batch, or on the labels that came with it.
    pub audited: Option<AuditState>,
    /// Whether `audited` rests on labels that came with the data.
    pub came_labelled: bool,
    /// How many more audits would decide.
    pub audits_needed: Option<u32>,
    /// The share accepted without a person under a certificate in force.
    pub accepted: f64,
    /// What was found in the data themselves.
    pub findings: u32,
}

/// A change of state, as it was logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthChange {
    /// The batch.
    pub batch: u32,
    /// Its name.
    pub name: String,
    /// The champion's run number.
    pub model: u32,
    /// The new state.
    pub health: Health,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
    /// The run that logs it.
    pub run: u32,
}

/// Two ways back from a deterioration, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaysBack {
    /// The batch that needs one.
    pub batch: u32,
    /// Its name.
    pub name: String,
    /// Other models on the labels there are.
    pub model: WayBack,
    /// More and better labels.
    pub data: WayBack,
    /// How many labels of the batch the second way asks for.
    pub labels: u32,
    /// Labels that look wrong.
    pub suspects: u32,
    /// Seconds that reviewing them takes, by how long decisions took lately.
    pub suspects_seconds: Option<f64>,
    /// Which is cheaper for what it gains, in a sentence.
    pub advice: String,
}

/// One way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WayBack {
    /// What it would gain, share right minus the champion's on the audits of the batch; `None` until it is measured.
    pub gain: Option<Interval>,
    /// How that was measured, or why it was not.
    pub how: String,
    /// What it costs: seconds of computing or of a person's time.
    pub seconds: Option<f64>,
}

/// What is known of one batch. Shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchDetails {
    /// Its place among the imports.
    pub batch: u32,
    /// What all tests and findings together say, in a sentence; empty while it is not compared.
    pub summary: String,
    /// What was found in the data themselves: whether it is a warning, and the sentence.
    pub findings: Vec<(bool, String)>,
    /// How well a linear classifier tells the batch from the reference: 0.5 not at all, 1 always.
    pub separation: Option<Interval>,
    /// Class by class.
    pub classes: Vec<ClassMoved>,
    /// Every test, most significant first.
    pub tests: Vec<TestResult>,
    /// Columns of a table, or what is measured of images and texts; the most moved first.
    pub columns: Vec<ColumnMoved>,
    /// The items that are least like the reference, most novel first.
    pub novel: Vec<NovelItem>,
}

/// One class in the reference and in the batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMoved {
    /// Which.
    pub class: ClassIndex,
    /// The share predicted as it: in the reference, in the batch.
    pub predicted: (f64, f64),
    /// Its estimated share in the reference, and in the batch; `None` where nothing can be estimated.
    pub estimated: Option<(f64, Interval)>,
    /// Audits of the batch that are of this class, and how many of them the champion had right.
    pub audited: (u32, u32),
}

/// One test of whether the batch differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Of what.
    pub name: String,
    /// The test's statistic.
    pub statistic: f64,
    /// Its p-value, corrected for all tests of the batch.
    pub corrected: f64,
}

/// One column in the reference and in the batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMoved {
    /// Which.
    pub name: String,
    /// Population stability index: below 0.1 little, above 0.25 much.
    pub stability: f64,
    /// The p-value, corrected.
    pub corrected: f64,
    /// Share without a value, before and now.
    pub missing: (f64, f64),
    /// Its middle, before and now: the median of numbers, the most frequent word.
    pub usual: (String, String),
    /// Values that the reference never had.
    pub unseen: Vec<String>,
    /// Their share.
    pub unseen_share: f64,
    /// Share of numbers beyond the reference's range.
    pub out_of_range: f64,
}

/// An item that is unlike what the champion knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NovelItem {
    /// Which.
    pub item: ItemIndex,
    /// Its name.
    pub name: String,
    /// The beginning of its text or row; empty for images.
    pub preview: String,
    /// Share of reference items that are nearer to the others than this one, 0 to 1.
    pub novelty: f64,
    /// What the champion says, unless it waits to be audited.
    pub predicted: Option<(ClassIndex, f32)>,
    /// The past items that are most like it.
    pub nearest: Vec<PastItem>,
}

/// A past item beside a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastItem {
    /// Which.
    pub item: ItemIndex,
    /// Its name.
    pub name: String,
    /// The beginning of its text or row; empty for images.
    pub preview: String,
    /// Its label.
    pub label: Option<ClassIndex>,
}
