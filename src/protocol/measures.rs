//! How good the models are, whether one may replace the other, and what may be accepted without a person.

use super::{AuditState, ClassIndex};
use serde::{Deserialize, Serialize};

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether too little is behind it for the estimate to lead: the interval comes first.
    pub few: bool,
}

/// Which model is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Judged {
    /// The one that learns with each label and makes the suggestions.
    Working,
    /// The one that is deployed: it accepts, and it is what is exported.
    Champion,
    /// The one that wants to replace it.
    Challenger,
}

/// A model measured on the blind audits or, before there are any, on imported test labels. Shares are 0 to 1; classes are
/// in class order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationState {
    /// Which model.
    pub model: Judged,
    /// What it is called: `r12 · ridge`, or `working model 37`.
    pub name: String,
    /// Audits it is measured on.
    pub audits: u32,
    /// Its share right on imported test labels, which are not blind; none without such labels.
    pub test: Option<super::AuditState>,
    /// Whether there are no audits, so that all that follows is measured on the imported test labels.
    pub on_test: bool,
    /// Share right, with the exact interval.
    pub accuracy: Interval,
    /// Share right over the items nobody labelled for training, for display. Only audits say it: without any it is open,
    /// from 0 to 1.
    pub estimate: Interval,
    /// Whether the audits are too few for figures without an interval of their own.
    pub few: bool,
    /// Mean of the classes' recalls.
    pub balanced_accuracy: f64,
    /// Mean of the classes' F1.
    pub macro_f1: f64,
    /// Mean −ln p of the true class.
    pub log_loss: f64,
    /// Mean squared distance of the probabilities from the truth, 0 to 2.
    pub brier: f64,
    /// Area under the ROC curve, one class against the rest, averaged; `None` if a class is missing among the audits.
    pub roc_auc: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: Interval,
    /// One entry a class.
    pub classes: Vec<ClassMeasures>,
    /// K × K: audits of true class i predicted as class j.
    pub confusion: Vec<Vec<u32>>,
    /// Bins of the top probability, ascending.
    pub reliability: Vec<ReliabilityBar>,
    /// Accuracy of parts of the audits, by what they were parted.
    pub slices: Vec<SliceGroup>,
    /// Accuracy by number of training labels, ascending.
    pub curve: Vec<CurvePoint>,
    /// What as many labels drawn at random would have given, cross-validated on the audits: labels, share right.
    pub random_baseline: Vec<(u32, Interval)>,
    /// Whether to go on labelling.
    pub halting: HaltingState,
}

/// One class on the audits. `None` where there was nothing to divide by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMeasures {
    /// Audits of this class.
    pub occurs: u32,
    /// Audits predicted so.
    pub predicted: u32,
    /// Share of those predicted so that are so.
    pub precision: Option<Interval>,
    /// Share of those that are so that are predicted so.
    pub recall: Option<Interval>,
    /// Harmonic mean of the two.
    pub f1: Option<Interval>,
}

/// One bin of the reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBar {
    /// Least top probability in the bin.
    pub low: f64,
    /// Largest.
    pub high: f64,
    /// Mean.
    pub mean_probability: f64,
    /// Audits in it.
    pub audits: u32,
    /// Share right.
    pub right: Interval,
}

/// The audits parted in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceGroup {
    /// By what: `class`, `import`, `confidence`, or a column.
    pub by: String,
    /// The parts, worst first.
    pub slices: Vec<SliceState>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceState {
    /// The class, the import, the band or the value.
    pub name: String,
    /// Audits in it.
    pub audits: u32,
    /// Share right.
    pub accuracy: Interval,
}

/// One point of the learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Training labels.
    pub labels: u32,
    /// Share of the audits right.
    pub audits: Option<Interval>,
    /// Share of the training labels right out of fold.
    pub out_of_fold: Option<f64>,
}

/// Whether more labels are worth it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltingState {
    /// The light.
    pub light: Light,
    /// Why, in one sentence.
    pub sentence: String,
}

/// A traffic light for stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Light {
    /// Labelling may stop.
    Green,
    /// Something is to be looked at before deciding.
    Amber,
    /// Labels still pay, or it is too early to tell.
    Red,
}

/// Champion, challenger, and what is under way to find a better one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentState {
    /// The deployed model.
    pub champion: Option<DeployedModel>,
    /// The model that wants to replace it.
    pub challenger: Option<DeployedModel>,
    /// The verdict on it; none without a challenger.
    pub gate: Option<GateState>,
    /// Who was champion, newest first; the first entry is the present one.
    pub promotions: Vec<PromotionState>,
    /// Whether there is an earlier champion to go back to.
    pub can_roll_back: bool,
    /// Training labels given since the last training run.
    pub labels_since_run: u32,
    /// The experiment under way, in words.
    pub training: Option<String>,
    /// The search under way, or the last one of this visit.
    pub search: Option<SearchState>,
    /// How many runs are logged.
    pub runs: u32,
    /// Grows with every change of the log: ask for the runs again.
    pub runs_revision: u32,
}

/// A frozen model with its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeployedModel {
    /// The run's id.
    pub run: String,
    /// The run's number: r12.
    pub number: u32,
    /// The head and its features in words.
    pub name: String,
    /// Labels it was trained on.
    pub labels: u32,
    /// Accuracy on the audits so far; `None` without any.
    pub audit: Option<super::AuditState>,
    /// The same on imported test labels, which are not blind.
    pub test: Option<super::AuditState>,
}

/// One change of champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionState {
    /// The run that became champion.
    pub run: String,
    /// Its number.
    pub number: u32,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
    /// Why, in words: `first model`, `promoted, evidence 61`, `rolled back`.
    pub why: String,
}

/// May the challenger replace the champion?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateState {
    /// The verdict in one plain sentence.
    pub sentence: String,
    /// Whether it may be promoted.
    pub promote: bool,
    /// The figures behind it; `None` before the first audit.
    pub figures: Option<GateFigures>,
}

/// Champion and challenger on the same audits and imported test labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFigures {
    /// Blind audits compared.
    pub audits: u32,
    /// Imported test labels compared, which are not blind. All that follows is of both together.
    pub tests: u32,
    /// Audits and test labels that only the challenger has right.
    pub wins: u32,
    /// Those that only the champion has right.
    pub losses: u32,
    /// The e-value.
    pub evidence: f64,
    /// What the e-value must reach.
    pub evidence_needed: f64,
    /// The champion's share right.
    pub champion: Interval,
    /// The challenger's share right.
    pub challenger: Interval,
    /// The paired difference, challenger − champion, −1 to 1.
    pub difference: Interval,
    /// Mean −ln p of the champion.
    pub champion_log_loss: f64,
    /// Mean −ln p of the challenger.
    pub challenger_log_loss: f64,
    /// Class by class.
    pub classes: Vec<ClassGate>,
    /// How many more audits like these would do; `None` if the challenger isn't ahead.
    pub audits_needed: Option<u32>,
}

/// One class at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassGate {
    /// Which.
    pub class: ClassIndex,
    /// Its audits.
    pub audits: u32,
    /// Challenger − champion, share right.
    pub difference: f64,
    /// Its lower bound.
    pub low: f64,
    /// What follows.
    pub state: ClassGateState,
}

/// What a class says at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassGateState {
    /// Not worse.
    Passed,
    /// It may have become worse: no promotion.
    Vetoed,
    /// Too few audits to say.
    Skipped,
}

/// A search for better models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchState {
    /// The run that the trials belong to.
    pub run: String,
    /// Its number.
    pub number: u32,
    /// Whether it is still under way.
    pub running: bool,
    /// Trials finished.
    pub tried: u32,
    /// How many of them were answered from the log.
    pub from_log: u32,
    /// The trial under way.
    pub trying: Option<String>,
    /// The best so far, with its out-of-fold share right.
    pub best: Option<(String, f64)>,
    /// Seconds left of the budget.
    pub seconds_left: f64,
    /// How it ended, in words.
    pub ended: Option<String>,
}

/// How predictions are to be accepted without a person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TriagePlan {
    /// The error budget: at most this share of the accepted items may be wrong; above 0, below 1.
    pub alpha: f64,
    /// The chance that the promise fails; above 0, below 1.
    pub delta: f64,
    /// Whether each predicted class must keep the budget by itself.
    pub by_class: bool,
}

impl Default for TriagePlan {
    fn default() -> Self {
        Self { alpha: 0.05, delta: 0.05, by_class: false }
    }
}

/// Accepted, decided, still to ask; and the certificates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TriageState {
    /// Items accepted from the model under a certificate in force.
    pub accepted: u32,
    /// Items once accepted whose certificate is void: to confirm.
    pub to_confirm: u32,
    /// Items decided by people or the data.
    pub decided: u32,
    /// Items still to ask, beside those to confirm: the four add up to all items.
    pub left: u32,
    /// All certificates, newest first.
    pub certificates: Vec<CertificateState>,
    /// Why no certificate can be proposed now; `None` if one can.
    pub why_not: Option<String>,
}

/// One certificate: proposed, audited, certified or refused, perhaps void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateState {
    /// 1, 2, 3, …
    pub number: u32,
    /// The model's run number.
    pub model: u32,
    /// What was asked for.
    pub plan: TriagePlan,
    /// What is left of δ for this certificate, so that all of them together keep the promise.
    pub spent_delta: f64,
    /// The whole batch, or one part a class.
    pub parts: Vec<CertificatePart>,
    /// Predicted classes that are asked, not accepted, and why.
    pub asked: Vec<(ClassIndex, String)>,
    /// Where it stands.
    pub status: CertificateStatus,
    /// Labels accepted under it that stand.
    pub accepted: u32,
    /// Of the imported test labels that its model would accept by it, how many are right: in figures of their own, for they are not
    /// blind and prove nothing of the certificate. None without such labels, or if its model is not champion any more.
    pub test: Option<AuditState>,
    /// When it was proposed, milliseconds since the epoch.
    pub time_ms: f64,
}

/// A set of items that is certified or not as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificatePart {
    /// The predicted class, or the whole batch.
    pub class: Option<ClassIndex>,
    /// Items predicted with at least this probability are in it.
    pub threshold: f32,
    /// How many items.
    pub items: u32,
    /// How many of them were audited.
    pub audited: u32,
    /// How many of those the model had wrong.
    pub errors: u32,
    /// The e-value.
    pub evidence: f64,
    /// What it must reach.
    pub evidence_needed: f64,
    /// Upper bound of the share wrong at the present number of audits.
    pub upper_bound: f64,
    /// More audits needed if none of them is wrong; `None` if it can't be certified any more.
    pub more_needed: Option<u32>,
    /// Where it stands.
    pub status: PartStatus,
}

/// Where a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartStatus {
    /// Audits are under way.
    Auditing,
    /// The budget holds.
    Certified,
    /// It can't be shown to hold.
    Refused,
}

/// Where a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateStatus {
    /// Audits are under way.
    Auditing,
    /// At least one part is certified and none is still being audited.
    Certified,
    /// No part could be certified.
    Refused,
    /// Given up by the user.
    Stopped,
    /// It held once; why it doesn't any more, in words.
    Void(String),
}
