//! Stored shapes and their way to and from the pipeline's types.
//!
//! Every field added later needs `#[serde(default)]`: an old record must always be readable.

use crate::pipeline::import::plan::{Problem, Target};
use crate::pipeline::item::{ContentHash, Item, Kind};
use crate::pipeline::label::{Class, LabelEvent, Source};
use crate::protocol::{Health, Options, TriagePlan};
use serde::{Deserialize, Serialize};

/// One project's head matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// A ULID.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// What it learns.
    #[serde(default)]
    pub target: Target,
    /// The names of the content columns, for tables.
    pub columns: Vec<String>,
    /// In creation order.
    pub classes: Vec<Class>,
    /// How the queue asks.
    pub options: Options,
    /// Milliseconds since the epoch.
    pub created_ms: f64,
    /// Milliseconds since the epoch.
    pub changed_ms: f64,
    /// Items, for the start screen.
    pub items: u32,
    /// Labelled by people, for the start screen.
    pub labelled: u32,
    /// The fitted table encoder as JSON, for tables once fitted.
    #[serde(default)]
    pub encoder: Option<String>,
    /// Which models were and are deployed.
    #[serde(default)]
    pub deployment: DeploymentRecord,
    /// How far the review has come.
    #[serde(default)]
    pub review: ReviewRecord,
    /// How the champion held on what came in since.
    #[serde(default)]
    pub monitor: MonitorRecord,
    /// How far the log had come when it, or the whole project, was last saved as a file.
    #[serde(default)]
    pub backed_up: Option<u64>,
}

/// How the champion held on what came in since.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorRecord {
    /// The acceptable level.
    pub floor: Option<f64>,
    /// Whether the user set it.
    pub floor_is_set: bool,
    /// Every change of state, oldest first.
    pub changes: Vec<HealthRecord>,
    /// The import that audits are asked of, while they are.
    pub audit_of: Option<u32>,
    /// The import that labels are asked of, while they are.
    pub label_of: Option<LabellingRecord>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthRecord {
    /// The import.
    pub batch: u32,
    /// The champion's run.
    pub model: String,
    /// The state.
    pub health: Health,
    /// The run that logs it.
    pub run: String,
    /// Milliseconds since the epoch.
    pub time_ms: f64,
}

/// Labels asked of one import as a way back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabellingRecord {
    /// The import.
    pub batch: u32,
    /// Labels of it that trained when it began.
    pub before: u32,
    /// How many are wished for.
    pub wished: u32,
}

/// How far the review has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewRecord {
    /// How many labels are still to be asked again by the label audit under way.
    #[serde(default)]
    pub label_audits_wished: u32,
    /// Suspects that a person decided about, in that order.
    #[serde(default)]
    pub seen: Vec<SeenSuspect>,
    /// The newest event of the label log when a gain was last measured: the present review is what came after it.
    pub since: Option<String>,
    /// That event's place in the log's order.
    #[serde(default)]
    pub since_clock: u64,
}

/// A suspect that a person decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSuspect {
    /// The decision's event: one that is taken back no longer counts.
    pub event: String,
    /// Its place in the ranking, from 0, those decided before it counted.
    pub rank: u32,
    /// Whether its label was wrong.
    pub wrong: bool,
}

/// Who is champion, who was, and who wants to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    /// Oldest first; the last one is champion.
    pub promotions: Vec<PromotionRecord>,
    /// The run that wants to be.
    pub challenger: Option<String>,
    /// Training labels that the last training run learnt from.
    pub labels_at_last_run: u32,
    /// Audits still wished for by "audit now".
    pub audits_wished: u32,
}

/// One change of champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionRecord {
    /// The run that became champion.
    pub run: String,
    /// Why, in words.
    pub why: String,
    /// Milliseconds since the epoch.
    pub time_ms: f64,
}

/// One item at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// Its place in the project, from 0.
    pub index: u32,
    /// The item.
    pub item: Item,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Its place in the project, from 0.
    pub index: u32,
    /// What was imported, in words.
    pub name: String,
    /// Items that came in.
    pub items: u32,
    /// Items left out because they were already there.
    pub duplicates: u32,
    /// What the data themselves show before any model: whether it is a warning, and the sentence.
    #[serde(default)]
    pub findings: Vec<(bool, String)>,
    /// All that was wrong.
    pub problems: Vec<Problem>,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
    /// Rows (or files) that did not come in: with items and duplicates they make up what the sources held.
    #[serde(default)]
    pub lost: u64,
    /// Hidden and system files that were passed over.
    #[serde(default)]
    pub hidden: u64,
    /// How many rows (or files) the plan expected.
    #[serde(default)]
    pub expected: u64,
    /// How it ended.
    #[serde(default)]
    pub ending: Ending,
    /// How it had ended when it was removed, to be so again if it is brought back.
    #[serde(default)]
    pub ended_before: Ending,
    /// The first and the last id of each run of log events that it brought: labels that came with the data have none but
    /// these ids to tell them from another import's.
    #[serde(default)]
    pub brought: Vec<(String, String)>,
}

impl BatchRecord {
    /// An import that has just begun.
    pub fn begun(index: u32, name: &str, now_ms: f64) -> Self {
        Self {
            index,
            name: name.into(),
            items: 0,
            duplicates: 0,
            findings: Vec::new(),
            problems: Vec::new(),
            time_ms: now_ms,
            lost: 0,
            hidden: 0,
            expected: 0,
            ending: Ending::Open,
            ended_before: Ending::Open,
            brought: Vec::new(),
        }
    }

    /// Whether its items and labels are out of the project, for now or for good.
    pub fn is_out(&self) -> bool {
        matches!(self.ending, Ending::Removed | Ending::Gone)
    }

    /// Whether it brought this event of the log.
    pub fn brought_event(&self, event: &LabelEvent) -> bool {
        matches!(event.source, Source::Import | Source::Test)
            && self.brought.iter().any(|(first, last)| *first <= event.id && event.id <= *last)
    }
}

/// How an import ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It read its sources to their end. (Imports of earlier releases are taken for such.)
    #[default]
    Finished,
    /// It is under way or, when the project is opened, was interrupted.
    Open,
    /// The person stopped it.
    Cancelled,
    /// An error stopped it.
    Failed,
    /// It was removed again with its items; it can be brought back until the next import.
    Removed,
    /// It was removed, and another import has begun since: its items are gone for good.
    Gone,
}

/// The head as last polished, so that a reopened project predicts before it has trained again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Counts refits.
    pub version: u32,
    /// Which features it reads.
    pub feature_id: String,
    /// The class keys, in weight order.
    pub classes: Vec<String>,
    /// safetensors bytes: `weights` (K × columns, f32), `intercepts` (K, f32).
    #[serde(with = "serde_bytes")]
    pub tensors: Vec<u8>,
    /// The calibration temperature.
    pub temperature: f64,
    /// How many labels it learnt from.
    pub labels: u32,
    /// Out-of-fold share right, by number of labels.
    pub curve: Vec<(u32, f64)>,
}

/// What was proposed to be accepted without a person, and what came of it. Its audit's answers are in the label log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// 1, 2, 3, … in its project.
    pub number: u32,
    /// The run whose model predicts.
    pub run: String,
    /// That run's number.
    pub model: u32,
    /// What was asked for.
    pub plan: TriagePlan,
    /// What is certified, each part by itself.
    pub parts: Vec<CertificatePartRecord>,
    /// The keys of predicted classes that are asked, not accepted, and why.
    pub asked: Vec<(String, String)>,
    /// Why it no longer holds or is no longer pursued.
    pub ended: Option<CertificateEnd>,
    /// Milliseconds since the epoch.
    pub time_ms: f64,
}

/// A frozen set of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificatePartRecord {
    /// The key of the predicted class, or none for the whole batch.
    pub class: Option<String>,
    /// Items predicted with at least this probability are in it.
    pub threshold: f32,
    /// The items, in the random order in which they are audited.
    pub items: Vec<CertifiedItem>,
    /// The verdict, once there is one: audits, errors, and whether the budget holds.
    pub settled: Option<Settled>,
}

/// One item of the set, with the prediction as it was frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertifiedItem {
    /// Which.
    pub item: ContentHash,
    /// The key of the predicted class.
    pub class: String,
    /// Its calibrated probability.
    pub probability: f32,
}

/// The verdict on a part. It stays, however the evidence moves later: that is what valid under peeking means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Audits at the verdict.
    pub audits: u32,
    /// Errors among them.
    pub errors: u32,
    /// Whether the budget holds.
    pub certified: bool,
}

/// Why a certificate ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateEnd {
    /// The user gave its audit up.
    Stopped,
    /// It no longer holds; why, in words.
    Void(String),
}
