//! What there is to review: labels that look wrong, that contradict each other, or on which people differ.

use super::{Card, ClassIndex, Interval, ItemIndex};
use serde::{Deserialize, Serialize};

/// Why something is to be reviewed. Also the parts of the Review screen, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReviewKind {
    /// A label that the model, out of fold, or the nearest labelled items speak against.
    Suspect,
    /// Near-identical items with different labels.
    Contradiction,
    /// Annotators differ and nobody has decided between them.
    Disagreement,
    /// Somebody asked for another opinion.
    SecondOpinion,
    /// Near-identical items.
    Duplicate,
    /// Far from everything else, or from every item of its class.
    Outlier,
}

impl ReviewKind {
    /// All of them, in the order of the screen.
    pub const ALL: [ReviewKind; 6] = [
        ReviewKind::Suspect,
        ReviewKind::Contradiction,
        ReviewKind::Disagreement,
        ReviewKind::SecondOpinion,
        ReviewKind::Duplicate,
        ReviewKind::Outlier,
    ];

    /// What the part is called.
    pub fn title(self) -> &'static str {
        match self {
            ReviewKind::Suspect => "Suspects",
            ReviewKind::Contradiction => "Contradictions",
            ReviewKind::Disagreement => "Disagreements",
            ReviewKind::SecondOpinion => "Second opinions",
            ReviewKind::Duplicate => "Duplicates",
            ReviewKind::Outlier => "Outliers",
        }
    }
}

/// What the frame shows of the review, on every screen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewSummary {
    /// Grows whenever the list may have changed: ask for it again.
    pub revision: u32,
    /// What was decided since the last measured gain.
    pub round: RoundState,
    /// Labels left out of training because they nearly duplicate an audit.
    pub left_out: u32,
}

/// The review under way, and what the last one gained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoundState {
    /// Labels changed.
    pub changed: u32,
    /// Labels kept.
    pub kept: u32,
    /// Items excluded.
    pub excluded: u32,
    /// Whether the gain is being measured.
    pub measuring: bool,
    /// Why the gain can't be measured now; `None` if it can.
    pub why_not: Option<String>,
    /// What the last measured review gained.
    pub gain: Option<GainState>,
}

/// What a review gained on the audits, by the same kind of model trained on the labels before and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GainState {
    /// The number of the run that logs it.
    pub run: u32,
    /// In one sentence.
    pub sentence: String,
    /// Share of the audits right before.
    pub before: Interval,
    /// After.
    pub after: Interval,
    /// The paired difference, after − before, −1 to 1.
    pub difference: Interval,
}

/// One part of the review, ranked, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewState {
    /// Which part.
    pub kind: ReviewKind,
    /// How many cases each part has, in the order of [`ReviewKind::ALL`].
    pub counts: Vec<u32>,
    /// Most urgent first; the first 500.
    pub rows: Vec<ReviewRow>,
    /// Still computing: the share done, 0 to 1.
    pub progress: Option<f32>,
    /// What the list means and how long it is, in one sentence.
    pub headline: String,
    /// What the label audit says, beside the suspects.
    pub label_audit: LabelAuditState,
    /// What was found so far in the ranking of suspects and what is to be expected of the next ones, in a sentence; empty before
    /// anything was looked at.
    pub forecast: String,
    /// Rare classes and weak parts of the data.
    pub findings: Vec<Finding>,
    /// Who labelled, how far they agree with each other and with themselves.
    pub annotators: AnnotatorsState,
}

/// Labels drawn at random and asked again, blind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelAuditState {
    /// How many are still to be asked.
    pub wished: u32,
    /// How many got an answer.
    pub answered: u32,
    /// How many of these another one than the label.
    pub different: u32,
    /// How many were answered with "not sure".
    pub unsure: u32,
    /// The share of labels that are wrong, with its exact interval; `None` before the first answer.
    pub rate: Option<Interval>,
    /// The same interval in labels.
    pub wrong: Option<(u32, u32)>,
    /// How many labels can still be asked again.
    pub left: u32,
}

/// A case in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// The items it is about; a suspect is one, a contradiction at least two.
    pub items: Vec<ItemIndex>,
    /// The first item's name.
    pub name: String,
    /// The first item's text or row, at most 60 characters; empty for images.
    pub preview: String,
    /// Its label.
    pub given: Option<ClassIndex>,
    /// What it may be instead.
    pub suggested: Option<ClassIndex>,
    /// How good the label is, 0 (surely wrong) to 1, for suspects.
    pub quality: Option<f32>,
    /// The label of a numeric target.
    pub given_value: Option<f64>,
    /// What a model without it says instead.
    pub suggested_value: Option<f64>,
}

/// A case, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewCase {
    /// Which part it belongs to.
    pub kind: ReviewKind,
    /// Its items side by side; at most 12.
    pub sides: Vec<ReviewSide>,
    /// Why it is here, in a sentence.
    pub why: String,
    /// What it may be instead: class and probability.
    pub suggested: Option<(ClassIndex, f32)>,
    /// The same of a numeric target.
    pub suggested_value: Option<f64>,
    /// The label's quality, for suspects.
    pub quality: Option<f32>,
    /// The model's version.
    pub model: u32,
}

/// One item of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewSide {
    /// The item, its label, what the model thinks out of fold, and its nearest labelled items.
    pub card: Card,
    /// What each annotator says, if several do.
    pub opinions: Vec<(String, ClassIndex)>,
    /// For texts beside another: the text in pieces, and whether a piece differs.
    pub pieces: Vec<(String, bool)>,
    /// For rows beside another: whether each column differs.
    pub differs: Vec<bool>,
}

/// Something about the data as a whole, and the items that more labels like these would help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// In a sentence.
    pub sentence: String,
    /// Unlabelled items most like those it is about: [`super::Request::AskFirst`] asks them first.
    pub like_these: Vec<ItemIndex>,
}

/// Who labelled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnnotatorsState {
    /// Whose decisions this page records.
    pub me: String,
    /// By number of opinions, most first.
    pub annotators: Vec<AnnotatorState>,
    /// Krippendorff's α over all of them, −1 to 1, if anything was labelled twice.
    pub alpha: Option<Interval>,
    /// Cohen's κ of each pair that labelled the same items: two places in `annotators`, items, κ.
    pub pairs: Vec<(u32, u32, u32, Option<Interval>)>,
    /// Blind repeats of one's own labels, in a sentence; `None` before the first.
    pub consistency: Option<String>,
    /// Whether one's consistency is falling.
    pub drifting: bool,
}

/// One annotator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnnotatorState {
    /// The name in the log.
    pub name: String,
    /// Items they said something about.
    pub items: u32,
    /// Rows: the consensus' class; columns: the share of each class among their answers (Dawid & Skene). Empty with
    /// fewer than two annotators.
    pub confusion: Vec<Vec<f32>>,
    /// Share of their answers that the consensus supports, 0 to 1; `None` with fewer than two annotators.
    pub agreement: Option<f32>,
    /// Whether they agree with the consensus less than they used to.
    pub drifting: bool,
}
