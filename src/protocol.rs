//! All that the link between the page and its session worker carries: requests, replies, events and the release id.
//!
//! Files and image data do not fit in a message; they travel beside it as attachments (see [`crate::browser::link`]),
//! in the order that the variant's documentation gives.

mod measures;
mod monitor;
mod numeric;
mod review;
mod runs;

pub use measures::*;
pub use monitor::*;
pub use numeric::*;
pub use review::*;
pub use runs::*;

pub use crate::pipeline::import::plan::Target;
use crate::pipeline::import::plan::{ImportPlan, Problem, SourceFile};
use crate::pipeline::item::Kind;
use crate::pipeline::label::{Class, Shown, Source};
pub use crate::pipeline::predict::LabelEffect;
pub use crate::pipeline::rank::Strategy;
use serde::{Deserialize, Serialize};

/// Which build this is. Page and worker must be of the same one: the service worker may have cached two.
pub const RELEASE: &str = match option_env!("HONE_RELEASE") {
    Some(release) => release,
    None => env!("CARGO_PKG_VERSION"),
};

/// An item's place in its project: dense, in import order, never reused.
pub type ItemIndex = u32;

/// A class's place in its project's class list: dense, never reused.
pub type ClassIndex = u16;

/// What the page asks of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The first message. → [`Reply::Welcome`]
    Hello,
    /// → [`Reply::Projects`]
    ListProjects,
    /// A project's label log as a file, read from the log alone, with decisions of the open project that could not be stored.
    /// → [`Reply::File`]
    Rescue {
        /// Which project.
        project: String,
        /// What was decided and is not stored.
        decisions: Vec<Decision>,
    },
    /// Loads a project; events follow. → [`Reply::Done`]
    OpenProject {
        /// Which.
        project: String,
    },
    /// → [`Reply::Done`]
    RenameProject {
        /// Which.
        project: String,
        /// The new name.
        name: String,
    },
    /// Removes a project and what only it used. → [`Reply::Done`]
    DeleteProject {
        /// Which.
        project: String,
    },
    /// Looks at files without importing them. Attachments: one `File` a source, in order. → [`Reply::Plan`]
    Inspect {
        /// The files.
        sources: Vec<SourceFile>,
    },
    /// Looks anew at the files last inspected, by what the person said of their first row. → [`Reply::Plan`]
    InspectAgain {
        /// Whether it names the columns.
        header: bool,
    },
    /// Removes an import, with its items and their labels. → [`Reply::Count`]
    RemoveImport {
        /// Its place among the imports.
        batch: u32,
    },
    /// Brings back the import removed last. → [`Reply::Count`]
    RestoreImport {
        /// Its place among the imports.
        batch: u32,
    },
    /// Imports what was last inspected. → [`Reply::Started`], then [`Event::Job`]s
    Import {
        /// The plan as the user confirmed it.
        plan: ImportPlan,
        /// Into this project, or a new one.
        into: Option<String>,
        /// Goes on with this import of that project, which was interrupted: items that are in are passed over.
        resume: Option<u32>,
    },
    /// Imports one of the demos that ship with the page. → [`Reply::Started`]
    OpenDemo {
        /// Which.
        demo: Demo,
    },
    /// Stops a job; what it did so far stays. → [`Reply::Done`]
    Cancel {
        /// The job's number.
        job: u32,
    },
    /// A decision about one item. Sending the same `id` twice is safe. → [`Reply::Decided`]
    Decide(Decision),
    /// The same decision about many items at once. → [`Reply::Decided`]
    DecideMany {
        /// One ULID an item, made by the page.
        ids: Vec<String>,
        /// The items.
        items: Vec<ItemIndex>,
        /// What.
        verdict: Verdict,
    },
    /// Takes back the latest decision that stands. → [`Reply::Undone`]
    Undo,
    /// → [`Reply::ClassAdded`]
    AddClass {
        /// Its name; refused if empty or taken.
        name: String,
    },
    /// → [`Reply::Done`]
    RenameClass {
        /// Which.
        class: ClassIndex,
        /// Its new name; refused if empty or taken.
        name: String,
    },
    /// How the queue asks. → [`Reply::Done`]
    SetOptions(Options),
    /// Content of an item. Attachments of the reply: the image's `Blob`, for images. → [`Reply::Media`]
    Media {
        /// Which.
        item: ItemIndex,
        /// A small version (longest side at most 256 px) if there is one.
        thumbnail: bool,
    },
    /// A card for this very item, as if the queue had asked for it. → [`Reply::Card`]
    CardFor {
        /// Which.
        item: ItemIndex,
    },
    /// A window on the items. → [`Reply::Items`]
    Items(ItemQuery),
    /// What every figure on screen means. → [`Reply::Glossary`]
    Glossary,
    /// A file to take away. Attachment of the reply: its `Blob`. → [`Reply::File`]
    Export(Export),
    /// → [`Reply::Storage`]
    Storage,
    /// The next `count` questions are blind audits. → [`Reply::Done`]
    AuditNow {
        /// How many; 0 takes the wish back.
        count: u32,
    },
    /// A model measured on the audits. → [`Reply::Evaluation`]
    Evaluate(Judged),
    /// How good the model of a numeric target is. → [`Reply::Numeric`]
    Numeric {
        /// How far off a prediction may be, in the target's unit; at least 0.
        tolerance: f64,
    },
    /// Trains the champion's kind of model on all labels now. → [`Reply::Experiment`]
    Train {
        /// Even if the log has the very same experiment.
        anyway: bool,
    },
    /// Looks for a better model in the background. → [`Reply::Experiment`]
    Search {
        /// For how long at most.
        seconds: u32,
        /// Even what the log has already.
        anyway: bool,
    },
    /// Stops the experiment or search under way; finished trials stay. → [`Reply::Done`]
    StopExperiments,
    /// The challenger becomes champion, if the gate lets it. → [`Reply::Done`]
    Promote,
    /// The champion before becomes champion again. → [`Reply::Done`]
    RollBack,
    /// Proposes what to accept under an error budget and begins its audit. → [`Reply::Done`]
    ProposeTriage(TriagePlan),
    /// Gives up the audit under way; its answers stay audits. → [`Reply::Done`]
    StopTriage,
    /// Accepts the predictions that the newest certificate covers. → [`Reply::Count`]
    AcceptCertified,
    /// Takes back all labels accepted under a certificate. → [`Reply::Count`]
    RevertAccepted {
        /// The certificate's number.
        certificate: u32,
    },
    /// One part of what there is to review. → [`Reply::Review`]
    Review(ReviewKind),
    /// One case of it. → [`Reply::ReviewCase`]
    ReviewCase {
        /// Which part.
        kind: ReviewKind,
        /// Its items, as the list has them.
        items: Vec<ItemIndex>,
    },
    /// Measures on the audits what the review gained, and begins a new one. → [`Reply::Experiment`]
    MeasureGain,
    /// So many labels, drawn at random, are asked again, blind: the label audit. 0 ends it. → [`Reply::Count`]
    AuditLabels {
        /// How many.
        count: u32,
    },
    /// These items are asked next. → [`Reply::Count`]
    AskFirst {
        /// Which.
        items: Vec<ItemIndex>,
    },
    /// Who decides from now on. → [`Reply::Done`]
    SetAnnotator {
        /// The name that goes with each decision.
        name: String,
    },
    /// Takes in another person's label log or project file. Attachment: the `File`. → [`Reply::Merged`]
    Merge,
    /// How the champion holds on what came in since. → [`Reply::Monitor`]
    Monitor,
    /// One import in detail. → [`Reply::BatchDetails`]
    BatchDetails {
        /// Its place among the imports.
        batch: u32,
    },
    /// The acceptable level: below it, the champion has deteriorated. → [`Reply::Done`]
    SetFloor {
        /// A share right, above 0 and below 1.
        floor: f64,
    },
    /// The next questions are blind audits of this import, as many as would decide. → [`Reply::Count`]
    AuditBatch {
        /// Its place among the imports.
        batch: u32,
    },
    /// The next questions are the most useful items of this import, then a model is trained. → [`Reply::Count`]
    LabelBatch {
        /// Its place among the imports.
        batch: u32,
        /// How many labels; 0 takes the wish back.
        count: u32,
    },
    /// The experiment log. → [`Reply::Runs`]
    Runs(RunQuery),
    /// Runs side by side. → [`Reply::Compared`]
    Compare {
        /// Their ids.
        runs: Vec<String>,
    },
    /// What the user thinks of a run. → [`Reply::Done`]
    NoteRun {
        /// Its id.
        run: String,
        /// Replaces the note.
        note: String,
    },
    /// A file of a run. Attachment of the reply: its `Blob`. → [`Reply::File`]
    Artifact {
        /// The run's id.
        run: String,
        /// The file's path in the run.
        path: String,
    },
    /// This tab wants to write in the place of the one that does. → [`Reply::Done`], and [`Event::Writer`] once it may.
    TakeOver,
}

impl Request {
    /// Whether it is one of those that come label by label, in which a person waits for the next card.
    pub fn is_of_labelling(&self) -> bool {
        matches!(self, Self::Decide(_) | Self::DecideMany { .. } | Self::Media { .. } | Self::CardFor { .. })
    }
}

/// The demos in `public/demo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Demo {
    /// 195 photos, 5 classes (folder names withheld).
    Photos,
    /// 3,000 review sentences, positive or negative (withheld).
    Sentences,
    /// 344 penguins measured, 3 species (withheld).
    Penguins,
}

impl Demo {
    /// What its project is called, and known by: opened again, the demo goes on with it.
    pub fn title(self) -> &'static str {
        match self {
            Demo::Photos => "Demo: photos",
            Demo::Sentences => "Demo: sentences",
            Demo::Penguins => "Demo: penguins",
        }
    }
}

/// How the title of an import's job begins.
pub const IMPORTING: &str = "Importing";

/// A decision as the page sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// A ULID made by the page when the key was pressed.
    pub id: String,
    /// About which item.
    pub item: ItemIndex,
    /// What.
    pub verdict: Verdict,
    /// The suggestion that was on screen, if any.
    pub shown: Option<Shown>,
    /// `Some(q)` if the card was a blind audit, drawn with probability q.
    pub audit: Option<f64>,
    /// Whether the card asked again, blind, what this person had labelled before.
    pub repeat: bool,
    /// From showing the card to the key, in milliseconds.
    pub took_ms: Option<u32>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is of this class.
    Label(ClassIndex),
    /// It is this number, for a numeric target.
    Value(f64),
    /// Not now.
    Skip,
    /// Mark, or unmark, for a second look; the card stays.
    Flag,
    /// The label was reviewed and stands.
    Keep,
    /// Not one of the classes, or not fit to learn from: it neither trains nor is asked.
    Exclude,
    /// Somebody else should look at the label.
    SecondOpinion,
}

/// How the queue asks, per project.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// What is asked first.
    pub strategy: Strategy,
    /// The share of requests drawn at random, asked blind and kept out of training; 0 to 0.5.
    pub audit_share: f64,
    /// After so many new training labels a model is trained, measured and brought to the gate by itself; 0: never.
    #[serde(default = "retrain_after")]
    pub retrain_after: u32,
    /// Whether a challenger that passes the gate is promoted without asking.
    #[serde(default)]
    pub auto_promote: bool,
    /// The share of requests that ask again, blind, what this person labelled before; 0 to 0.5.
    #[serde(default)]
    pub repeat_share: f64,
}

/// The share of audits, and that of repeated questions, that can be asked for.
const SHARES: std::ops::RangeInclusive<f64> = 0.0..=0.5;

impl Options {
    /// Whether all are within their ranges.
    pub fn are_in_range(&self) -> bool {
        [self.audit_share, self.repeat_share].iter().all(|share| SHARES.contains(share))
    }

    /// These, with what is out of its range as it is by default.
    pub fn within_range(self) -> Self {
        let usual = Self::default();
        let share = |given: f64, usual: f64| if SHARES.contains(&given) { given } else { usual };
        Self {
            audit_share: share(self.audit_share, usual.audit_share),
            repeat_share: share(self.repeat_share, usual.repeat_share),
            ..self
        }
    }
}

fn retrain_after() -> u32 {
    25
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strategy: Strategy::Herding,
            audit_share: 0.15,
            retrain_after: retrain_after(),
            auto_promote: false,
            repeat_share: 0.0,
        }
    }
}

/// What to take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Export {
    /// Every standing label: the item with its kept columns and its content, then label, source, probability, annotator, time.
    LabelsCsv,
    /// The same, one JSON object a line.
    LabelsJsonLines,
    /// The model's prediction for every item: the item with its kept columns and its content, then prediction, probability,
    /// one column a class.
    PredictionsCsv,
    /// The head's weights as safetensors, with its card as JSON, in a zip.
    Model,
    /// The champion's prediction for every item, in the same form.
    ChampionPredictionsCsv,
    /// Every event of the label log, one a line, for somebody else's project to take in.
    LabelLog,
    /// Everything, as one file that can be dropped back in.
    Project,
    /// The experiment log as a table.
    RunsCsv,
    /// The experiment log as a zip for MLflow, with the script that imports it.
    RunsMlflow,
    /// The experiment log as the page that pushes to an MLflow server wants it (JSON).
    RunsPushPlan,
    /// The problems of one import. They are for people alone, so no cell is left that a spreadsheet would run.
    Problems {
        /// Index of the batch.
        batch: u32,
    },
    /// A table in which no cell is left that a spreadsheet would run as a formula.
    ForSpreadsheets(Sheet),
}

/// A table that can be had for spreadsheets, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sheet {
    /// [`Export::LabelsCsv`].
    Labels,
    /// [`Export::PredictionsCsv`].
    Predictions,
    /// [`Export::ChampionPredictionsCsv`].
    ChampionPredictions,
    /// [`Export::RunsCsv`].
    Runs,
}

/// A window on the items, for the Data screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemQuery {
    /// Only names and texts that contain this, ignoring case; empty for all.
    pub search: String,
    /// Which items.
    pub filter: ItemFilter,
    /// In which order.
    pub sort: ItemSort,
    /// Skip this many.
    pub offset: u32,
    /// Return at most this many.
    pub limit: u32,
}

/// Which items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemFilter {
    /// All of them.
    All,
    /// Without a human or imported label.
    Unlabelled,
    /// With one.
    Labelled,
    /// Asked as audits.
    Audit,
    /// Passed by.
    Skipped,
    /// Marked for a second look.
    Flagged,
    /// Whose label, or else prediction, is this class.
    Class(ClassIndex),
    /// Labelled otherwise than the model predicts.
    Disagreeing,
    /// Accepted from the model under a certificate in force.
    Accepted,
    /// Once accepted, to confirm.
    ToConfirm,
    /// Of one import, by its place.
    Batch(u32),
    /// Audits of one class that a model predicts as another, or the same: a cell of its confusion matrix.
    AuditCell {
        /// Which model.
        model: Judged,
        /// The audited class.
        truth: ClassIndex,
        /// The predicted class.
        predicted: ClassIndex,
    },
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemSort {
    /// As imported.
    Imported,
    /// Least sure first.
    LeastSure,
    /// Surest first.
    MostSure,
}

/// What the session answers. Exactly one a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Done, nothing to tell.
    Done,
    /// To `Hello`.
    Welcome {
        /// The worker's release; if it is not [`RELEASE`], the page asks for a reload.
        release: String,
        /// The stored projects.
        projects: Vec<ProjectSummary>,
        /// This tab may only read: another one holds the lock.
        read_only: bool,
        /// The project that was open last.
        last: Option<String>,
    },
    /// To `ListProjects`.
    Projects(Vec<ProjectSummary>),
    /// To `Inspect`.
    Plan(Box<ImportPlan>),
    /// To `Inspect` of a project file: it was restored and can be opened.
    Restored(ProjectSummary),
    /// To `Import` and `OpenDemo`.
    Started {
        /// The job that reports progress.
        job: u32,
        /// The project, already open.
        project: String,
    },
    /// To `Decide` and `DecideMany`: the events are safe on disk.
    Decided(LabelEffect),
    /// To `Undo`; `None` if there was nothing left to undo.
    Undone(Option<Box<Card>>),
    /// To `AddClass`.
    ClassAdded(ClassIndex),
    /// To `Media`. `None` where there is no such media (yet).
    Media {
        /// Whether an attachment came along.
        present: bool,
    },
    /// To `CardFor`.
    Card(Box<Card>),
    /// To `Items`.
    Items {
        /// How many match in all.
        total: u32,
        /// The window.
        rows: Vec<ItemRow>,
    },
    /// To `Export`.
    File {
        /// A good file name.
        name: String,
        /// Of a table for spreadsheets: how many cells got an apostrophe, so that none is run as a formula.
        defused: Option<u32>,
    },
    /// To `Storage`.
    Storage(StorageState),
    /// To `Evaluate`; `None` without such a model or without audits.
    Evaluation(Option<Box<EvaluationState>>),
    /// To `Numeric`.
    Numeric(Box<NumericState>),
    /// To `Train` and `Search`.
    Experiment(ExperimentReply),
    /// To `AcceptCertified`, `RevertAccepted`, `AskFirst`, `AuditBatch`, `LabelBatch`, `RemoveImport` and `RestoreImport`: how
    /// many items.
    Count(u32),
    /// To `Review`.
    Review(Box<ReviewState>),
    /// To `ReviewCase`; `None` if it is settled meanwhile.
    ReviewCase(Option<Box<ReviewCase>>),
    /// To `Monitor`.
    Monitor(Box<MonitorState>),
    /// To `BatchDetails`; `None` while they are not known.
    BatchDetails(Option<Box<BatchDetails>>),
    /// To `Glossary`: each term with its meaning.
    Glossary(Vec<(String, String)>),
    /// To `Merge`: what came in, in a sentence.
    Merged(String),
    /// To `Runs`.
    Runs {
        /// Those that match, in the order asked for.
        rows: Vec<RunRow>,
        /// How many there are in all.
        total: u32,
        /// What is wrong with the expression; then all runs are returned.
        problem: Option<String>,
    },
    /// To `Compare`.
    Compared(Box<RunComparison>),
    /// Any request: it could not be done. Says what happened, what is safe, what to do.
    Failed(String),
}

/// What the session says unasked. A later event of a kind replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The open project, whole.
    Project(Box<ProjectState>),
    /// The next cards, best first: the present one and those to decode ahead.
    Queue(QueueState),
    /// A background job moved on.
    Job(JobState),
    /// Something a person should know, in one sentence.
    Notice(String),
    /// Whether this tab is the one that writes: another one closed, or took over.
    Writer(bool),
}

/// A stored project, for the start screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectSummary {
    /// Its ULID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// How many items.
    pub items: u32,
    /// How many a person labelled.
    pub labelled: u32,
    /// When it was last changed, milliseconds since the epoch.
    pub changed_ms: f64,
}

/// All that the frame and the panels show of the open project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectState {
    /// Its ULID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it learns classes or a number; of a number there are no classes and no [`ModelState`].
    pub target: Target,
    /// Decisions of people since it, or its label log, was last saved as a file.
    pub unsaved: u32,
    /// Column names, for tables.
    pub columns: Vec<String>,
    /// The classes, in creation order; the place is the [`ClassIndex`].
    pub classes: Vec<ClassState>,
    /// How many items.
    pub items: u32,
    /// How many have features, so can be asked and predicted.
    pub embedded: u32,
    /// How many train: labelled by people or the data.
    pub labelled: u32,
    /// How many audits of the stream are answered: what models are measured on.
    pub audits: u32,
    /// How many audits of certificates are answered: they check what would be accepted, and measure no model.
    pub checks: u32,
    /// How many have an imported test label, so measure and never train.
    pub tests: u32,
    /// How many are passed by.
    pub skipped: u32,
    /// How many are flagged.
    pub flagged: u32,
    /// How the queue asks.
    pub options: Options,
    /// The working model, once there is one (two classes with a label each).
    pub model: Option<ModelState>,
    /// Why there is none, or that the first one is being made: a sentence without its full stop.
    pub why_no_model: Option<String>,
    /// Champion, challenger, gate and search.
    pub deployment: DeploymentState,
    /// What is accepted, what is to be asked, and under which certificates.
    pub triage: TriageState,
    /// The review: what was decided and what it gained.
    pub review: ReviewSummary,
    /// Whether the champion holds on new data.
    pub monitor: MonitorSummary,
    /// Audits still wished for by "audit now".
    pub audits_wished: u32,
    /// The last decisions that stand, newest first, at most 12.
    pub history: Vec<HistoryEntry>,
    /// The imports.
    pub batches: Vec<BatchState>,
    /// Which features are used, in words, and why not the better ones if so.
    pub features: String,
    /// A sentence on a degraded feature extractor, shown until it is mended.
    pub warning: Option<String>,
    /// Whether this tab may only read.
    pub read_only: bool,
}

impl ProjectState {
    /// How many items people or the data have decided.
    pub fn decided(&self) -> u32 {
        self.labelled + self.audits + self.checks + self.tests
    }
}

/// A class and its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassState {
    /// Key and name.
    pub class: Class,
    /// Items labelled so by people or the data, audits included.
    pub labelled: u32,
    /// Unlabelled items predicted so.
    pub predicted: u32,
}

/// The working model: learns with each label, makes the suggestions, orders the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelState {
    /// Counts refits since the project began.
    pub version: u32,
    /// How many labels it has learnt from.
    pub labels: u32,
    /// The background polish is still under way.
    pub polishing: bool,
    /// It was made in one pass, or is not calibrated yet: a better one is on its way.
    pub rough: bool,
    /// Share of training labels predicted right out of fold: an optimistic or pessimistic guide, not the accuracy.
    pub out_of_fold: Option<f64>,
    /// The calibration temperature.
    pub temperature: f64,
    /// Accuracy on the blind audits, once there are any.
    pub audit: Option<AuditState>,
    /// Accuracy on imported test labels, which are not blind, if there are any.
    pub test: Option<AuditState>,
    /// Out-of-fold share by number of training labels, one point a polish: the learning curve on training labels.
    pub curve: Vec<(u32, f64)>,
}

/// Accuracy measured on blind random audits, or apart from those on imported test labels. All shares are 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AuditState {
    /// Right audits.
    pub right: u32,
    /// All audits.
    pub total: u32,
    /// The share.
    pub estimate: f64,
    /// Lower end of the exact 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl AuditState {
    /// Its share as it is shown.
    pub fn share(&self) -> Interval {
        let Self { total, estimate, low, high, .. } = *self;
        Interval { estimate, low, high, few: crate::pipeline::evaluate::too_few(total as usize) }
    }
}

/// One import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchState {
    /// What was imported, in words.
    pub name: String,
    /// Items that came in.
    pub items: u32,
    /// Items left out because they were already there.
    pub duplicates: u32,
    /// What the data themselves show before any model: whether it is a warning, and the sentence.
    pub findings: Vec<(bool, String)>,
    /// What was wrong: the first 50.
    pub problems: Vec<Problem>,
    /// How many problems in all.
    pub problem_count: u32,
    /// When, milliseconds since the epoch.
    pub time_ms: f64,
    /// Rows (or files) in the sources: items, duplicates and lost make them up.
    pub rows: u64,
    /// Rows (or files) that did not come in.
    pub lost: u64,
    /// Hidden and system files that were passed over.
    pub hidden: u64,
    /// How many rows (or files) were expected; an estimate for large tables.
    pub expected: u64,
    /// Whether it is under way, ended, was interrupted or removed.
    pub status: ImportStatus,
    /// Labels of it that are held out as a test set.
    pub held_out: u32,
    /// Why it can't be removed now, if it can't; of a removed one, why it can't be brought back, if it can't.
    pub fixed: Option<String>,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportStatus {
    /// Under way.
    Running,
    /// Its sources were read to their end.
    Finished,
    /// The person stopped it.
    Cancelled,
    /// An error stopped it.
    Failed,
    /// The page or the browser went away in the middle of it.
    Interrupted,
    /// It was removed; it can be brought back until the next import.
    Removed,
}

/// One decision in the history strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The event.
    pub event: String,
    /// The item.
    pub item: ItemIndex,
    /// Its name.
    pub name: String,
    /// The beginning of the text or the row, at most 40 characters; empty for images.
    pub preview: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Where it came from.
    pub source: Source,
}

/// The queue's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueState {
    /// The next cards, best first; at most 8.
    pub cards: Vec<Card>,
    /// How many items are left to ask.
    pub left: u32,
    /// Why there is no card, if there is none: never silent.
    pub empty: Option<String>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// About which item.
    pub item: ItemIndex,
    /// The item's name.
    pub name: String,
    /// What to show.
    pub content: CardContent,
    /// Columns that came along.
    pub extra: Vec<(String, String)>,
    /// Why it is asked, in one sentence.
    pub why: String,
    /// `Some(q)`: a blind audit, drawn with probability q. No suggestion, no probabilities.
    pub audit: Option<f64>,
    /// Asks again, blind, what this person labelled before. No suggestion, no present label.
    pub repeat: bool,
    /// The likeliest class and the model's version, unless an audit or there is no model.
    pub suggestion: Option<Suggestion>,
    /// Calibrated probabilities in class order; empty for audits and before the first model.
    pub probabilities: Vec<f32>,
    /// The nearest labelled items; empty for audits.
    pub neighbours: Vec<Neighbour>,
    /// The present label, when the card revisits a labelled item.
    pub label: Option<ClassIndex>,
    /// The same of a numeric target.
    pub given: Option<f64>,
    /// The predicted number, unless an audit or there is no model.
    pub value: Option<ValueSuggestion>,
    /// Whether it is flagged.
    pub flagged: bool,
}

/// What a card shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CardContent {
    /// Ask for [`Request::Media`].
    Image,
    /// The text.
    Text(String),
    /// Column and cell.
    Row(Vec<(String, String)>),
}

/// What the model would say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The likeliest class.
    pub class: ClassIndex,
    /// Its calibrated probability.
    pub probability: f32,
    /// The model's version.
    pub model: u32,
}

/// A labelled item near the one asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Which.
    pub item: ItemIndex,
    /// Its name.
    pub name: String,
    /// Its label.
    pub class: ClassIndex,
    /// Cosine similarity of the features, −1 to 1.
    pub similarity: f32,
}

/// A row of the Data screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    /// Which.
    pub item: ItemIndex,
    /// Its name.
    pub name: String,
    /// The text, or the row's cells joined, at most 200 characters; empty for images.
    pub preview: String,
    /// Its standing label and where that came from.
    pub label: Option<(ClassIndex, Source)>,
    /// The prediction, unless the item is an unanswered audit.
    pub predicted: Option<(ClassIndex, f32)>,
    /// The label of a numeric target.
    pub given_value: Option<(f64, Source)>,
    /// The prediction of a numeric target, unless the item is an unanswered audit.
    pub predicted_value: Option<ValueSuggestion>,
    /// Whether it is flagged.
    pub flagged: bool,
    /// Whether it has features yet.
    pub embedded: bool,
}

/// A background job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    /// Its number.
    pub job: u32,
    /// What it does, in words: "Importing 2,000 images".
    pub title: String,
    /// Steps done.
    pub done: u64,
    /// Steps in all, if known.
    pub total: Option<u64>,
    /// Whether steps are things to count, rather than parts of a share.
    pub counts: bool,
    /// Steps a second, lately.
    pub rate: f64,
    /// Seconds left, if that can be said.
    pub seconds_left: Option<f64>,
    /// Whether it runs, ended, or was cancelled or failed.
    pub status: JobStatus,
    /// Whether it can be cancelled.
    pub can_cancel: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Under way.
    Running,
    /// All done.
    Finished,
    /// Stopped by the user; what came in stays.
    Cancelled,
    /// Stopped by an error, in words; what came in stays.
    Failed(String),
}

/// What the browser keeps for Hone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StorageState {
    /// Bytes used.
    pub used: f64,
    /// Bytes allowed.
    pub quota: f64,
    /// Whether the browser promised not to evict it.
    pub persistent: bool,
}
