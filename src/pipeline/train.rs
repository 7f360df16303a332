//! The learner: labels in, a calibrated head out, in steps short enough for a worker.
//!
//! A label is folded in at once and roughly; a polish follows in slices: a full refit from all labels, five
//! out-of-fold fits, the temperature, the pool's probabilities. The polish never chains on earlier updates, so
//! the same labels give the same model, however they came.

use crate::pipeline::features::matrix::Features;
use crate::pipeline::item::Kind;
use crate::pipeline::model::folds::OutOfFoldRow;
use crate::pipeline::model::linear::Linear;
use crate::pipeline::model::logistic::Logistic;
use crate::pipeline::model::online::{self, OnlineUpdate};
use crate::pipeline::model::training_set::TrainingSet;
use crate::pipeline::predict::{LabelEffect, effect, softmax};
use ndarray::{Array2, ArrayView1, Axis, concatenate, s};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

mod history;
mod polish;

use history::{History, Moment};
use polish::{Polish, Polishing};

/// Multiply-adds of one [`Learner::step`]: 10–25 ms of wasm.
const SLICE_WORK: usize = 20 << 20;
/// Multiply-adds that [`Learner::observe`] may spend on including rows or on iterations.
const AT_ONCE_WORK: usize = 40 << 20;

/// What a learner is made with.
#[derive(Debug, Clone, Default)]
pub struct LearnerConfig {
    /// Decides the folds.
    pub seed: u64,
    /// The head.
    pub head: Logistic,
}

impl LearnerConfig {
    /// What suits items of this kind.
    pub fn for_kind(kind: Kind, seed: u64) -> Self {
        let head = match kind {
            Kind::Text => Logistic::for_texts(),
            Kind::Image | Kind::Table => Logistic::default(),
        };
        Self { seed, head }
    }
}

/// What one slice of background work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing was due.
    Idle,
    /// Something was done, more is due.
    Working,
    /// There is a head where there was none, or a better rough one; it will be polished.
    Rough,
    /// A polish has just ended: head, temperature and all probabilities are new.
    Polished,
}

/// The session's only door to training. Rows are those of the features handed in, which only ever grow between calls
/// (a change of features is a new learner); classes are numbers below `classes`.
#[derive(Debug, Clone)]
pub struct Learner {
    config: LearnerConfig,
    classes: usize,
    labels: BTreeMap<usize, usize>,
    excluded: HashSet<usize>,
    model: Model,
    /// Labels changed since the last polish began.
    due: bool,
    polish: Option<Polish>,
    /// How many polishes have begun.
    begun: u64,
    /// Labels that came while the polish was under way: it does not know them.
    meanwhile: Vec<(usize, usize)>,
    /// The labelled rows gathered for quick refits; dropped when labels are set anew.
    gathered: Option<TrainingSet>,
    /// What the model was before the latest changes of labels.
    history: History,
}

/// What was learnt. Its large parts are shared with the moments of the history and copied only where a label moves them.
#[derive(Debug, Clone)]
struct Model {
    head: Option<Arc<Linear>>,
    temperature: f64,
    logits: Option<Arc<Array2<f32>>>,
    probabilities: Option<Arc<Array2<f32>>>,
    version: u32,
    learnt: u32,
    curve: Vec<(u32, f64)>,
    out_of_fold: Option<f64>,
    held_out: Arc<Vec<OutOfFoldRow>>,
    online: Option<Arc<OnlineUpdate>>,
    /// Not polished yet: made in one pass, or not calibrated.
    rough: bool,
}

impl Model {
    fn none() -> Self {
        Self {
            head: None,
            temperature: 1.0,
            logits: None,
            probabilities: None,
            version: 0,
            learnt: 0,
            curve: Vec::new(),
            out_of_fold: None,
            held_out: Arc::default(),
            online: None,
            rough: false,
        }
    }
}

impl Learner {
    /// Knows nothing yet.
    pub fn new(classes: usize, config: LearnerConfig) -> Learner {
        Learner {
            config,
            classes,
            labels: BTreeMap::new(),
            excluded: HashSet::new(),
            model: Model::none(),
            due: false,
            polish: None,
            begun: 0,
            meanwhile: Vec::new(),
            gathered: None,
            history: History::default(),
        }
    }

    /// Makes room for more classes; a class without labels has probability 0. Classes never shrink.
    pub fn set_classes(&mut self, classes: usize) {
        self.classes = self.classes.max(classes);
        let classes = self.classes;
        let model = &mut self.model;
        if let Some(head) = model.head.as_mut().filter(|head| head.classes() < classes) {
            Arc::make_mut(head).grow(classes);
        }
        for (table, absent) in
            [(&mut model.logits, crate::pipeline::model::linear::ABSENT_INTERCEPT), (&mut model.probabilities, 0.0)]
        {
            if let Some(table) = table.as_mut().filter(|table| table.ncols() < classes) {
                let missing = Array2::from_elem((table.nrows(), classes - table.ncols()), absent);
                *table = Arc::new(concatenate![Axis(1), **table, missing]);
            }
        }
    }

    /// Takes over a stored head, so that a reopened project predicts (after [`Learner::refresh`]) before it trains.
    pub fn restore(&mut self, head: Linear, temperature: f64, version: u32, labels: u32, curve: Vec<(u32, f64)>) {
        let classes = head.classes();
        let out_of_fold = curve.last().map(|&(_, share)| share);
        let head = Some(Arc::new(head));
        self.model = Model { head, temperature, version, learnt: labels, curve, out_of_fold, ..Model::none() };
        self.set_classes(classes.max(self.classes));
    }

    /// All training labels, each (row, class): on opening, after an undo, a relabelling, a bulk decision. If they are what they
    /// were before one of the latest changes, the model is again what it was then, to the bit. Else it
    /// follows with the next polish; until then the present one stands, unless fewer than two classes are left.
    ///
    /// A row named twice has its last class. Classes beyond the known ones make room for themselves.
    pub fn set_labels(&mut self, labels: Vec<(usize, usize)>) {
        let labels: BTreeMap<usize, usize> = labels.into_iter().collect();
        if labels == self.labels {
            return;
        }
        self.gathered = None;
        let known = self.history.at(&self.labels, &labels);
        self.history.push(self.moment(history::difference(&labels, &self.labels)));
        if let Some(moment) = known {
            self.labels = labels;
            self.go_back(moment);
            return;
        }
        let most = labels.values().max().map_or(0, |&class| class + 1);
        self.set_classes(most);
        self.labels = labels;
        self.polish = None;
        self.meanwhile.clear();
        self.due = true;
        if self.labelled_classes() < 2 {
            self.forget_model();
        }
    }

    /// The present, to be gone back to; `undo` are the labels that a change is taken back by.
    fn moment(&self, undo: Vec<(usize, Option<usize>)>) -> Moment {
        let polish = self.polish.is_some().then_some((self.begun, self.meanwhile.len()));
        Moment { undo, model: self.model.clone(), due: self.due, polish }
    }

    /// The model of that moment. A polish that was under way then and still is goes on without what came since; one that has begun
    /// since knows what was taken back, and ends.
    fn go_back(&mut self, moment: Moment) {
        let goes_on = moment.polish.filter(|&(begun, _)| self.polish.is_some() && begun == self.begun);
        match goes_on {
            Some((_, meanwhile)) => self.meanwhile.truncate(meanwhile),
            None => {
                self.polish = None;
                self.meanwhile.clear();
            }
        }
        self.due = moment.due || (moment.polish.is_some() && goes_on.is_none());
        // A version names one model for ever.
        self.model = Model { version: self.model.version, ..moment.model };
        self.set_classes(self.classes);
    }

    /// Rows that are not counted as unlabelled: audits, for which the model's opinion must not show.
    pub fn set_excluded(&mut self, rows: Vec<usize>) {
        self.excluded = rows.into_iter().collect();
    }

    /// Folds one label in at once, and says what it changed among the unlabelled rows. Audits are never passed in.
    ///
    /// Dense features: a Sherman–Morrison step and one matrix–vector product over the pool. Sparse ones, a class
    /// seen for the first time, or a model not yet caught up: a few iterations of the real fit, from where it stands.
    pub fn observe(&mut self, features: &Features, row: usize, class: usize) -> LabelEffect {
        self.set_classes(class + 1);
        self.refresh(features);
        self.history.push(self.moment(vec![(row, self.labels.get(&row).copied())]));
        let relabelled = self.labels.insert(row, class).is_some();
        self.due = true;
        if self.polish.is_some() {
            self.meanwhile.push((row, class));
        }
        match &mut self.gathered {
            Some(set) if !relabelled => set.push(features, row, class),
            gathered => *gathered = None,
        }
        if self.labelled_classes() < 2 {
            return LabelEffect::default();
        }
        let before = self.model.probabilities.clone();
        if !self.fold_in(features, row, class) {
            self.refit_briefly(features);
        }
        self.model.learnt = self.labels.len() as u32;
        self.calibrate();
        match (before, &self.model.probabilities) {
            (Some(before), Some(after)) => effect(&before, after, self.unlabelled_rows(features.len())),
            _ => LabelEffect::default(),
        }
    }

    /// The pool grew: predicts the new rows. Costs nothing if there are none.
    pub fn refresh(&mut self, features: &Features) {
        let model = &mut self.model;
        let Some(head) = model.head.as_ref().filter(|head| head.fits(features)) else {
            return;
        };
        let known = model.logits.as_ref().map_or(0, |logits| logits.nrows());
        if model.probabilities.is_some() && known >= features.len() {
            return;
        }
        let new = head.logits_of_rows(features, known..features.len());
        model.logits = Some(Arc::new(match model.logits.take() {
            Some(old) => concatenate![Axis(0), *old, new],
            None => new,
        }));
        self.calibrate();
    }

    /// One slice of background work. Call it until it is idle, with room for other work in between.
    pub fn step(&mut self, features: &Features) -> Step {
        let Some(polish) = &mut self.polish else {
            return self.begin_polish(features);
        };
        match polish.step(features, SLICE_WORK) {
            Polishing::Working => Step::Working,
            Polishing::Predicts => self.take_over(features),
            Polishing::Done => {
                self.finish_polish(features);
                Step::Polished
            }
        }
    }

    /// How much of the polish is done, 0 to 1; `None` while none is under way.
    pub fn progress(&self) -> Option<f64> {
        self.polish.as_ref().map(Polish::progress)
    }

    /// Whether the polish under way takes long enough for a person to be told how it gets on.
    pub fn is_long(&self) -> bool {
        self.polish.as_ref().is_some_and(Polish::is_long)
    }

    /// Whether the present head came in one pass and a better one is on its way.
    pub fn is_rough(&self) -> bool {
        self.model.rough
    }

    /// A project without a head, or with a rough one, does not wait for the folds: what predicts the pool already is shown.
    fn take_over(&mut self, features: &Features) -> Step {
        if self.model.head.is_some() && !self.model.rough {
            return Step::Working;
        }
        let Some((head, logits)) = self.polish.as_ref().and_then(Polish::predicting) else { return Step::Working };
        self.model.rough = true;
        self.model.learnt = self.labels.len() as u32;
        self.model.head = Some(Arc::new(head.clone()));
        self.model.logits = Some(Arc::new(logits.clone()));
        self.model.probabilities = None;
        self.set_classes(self.classes);
        self.refresh(features);
        self.calibrate();
        Step::Rough
    }

    /// Whether [`Learner::step`] has something to do: labels changed since the last polish, one is under way, or the
    /// at-once update has rows to catch up with.
    pub fn polish_due(&self) -> bool {
        self.polish.is_some() || (self.due && self.labelled_classes() >= 2) || self.lags()
    }

    /// Whether a polish is under way.
    pub fn polishing(&self) -> bool {
        self.polish.is_some()
    }

    /// n × K calibrated probabilities; `None` before two classes have a label.
    pub fn probabilities(&self) -> Option<&Array2<f32>> {
        self.model.probabilities.as_deref()
    }

    /// The head; `None` before two classes have a label.
    pub fn head(&self) -> Option<&Linear> {
        self.model.head.as_deref()
    }

    /// The calibration temperature, above 0; 1 before the first polish.
    pub fn temperature(&self) -> f64 {
        self.model.temperature
    }

    /// Counts polishes, restored ones included.
    pub fn version(&self) -> u32 {
        self.model.version
    }

    /// How many labels the head has learnt from.
    pub fn labels(&self) -> u32 {
        self.model.learnt
    }

    /// Out-of-fold share of labels predicted right, by number of labels: one point a polish, labels ascending.
    pub fn curve(&self) -> &[(u32, f64)] {
        &self.model.curve
    }

    /// Out-of-fold share right at the last polish, 0 to 1; `None` while there are too few labels to hold any out.
    pub fn out_of_fold(&self) -> Option<f64> {
        self.model.out_of_fold
    }

    /// What the last polish of this visit predicted of the labels it held out, rows in no particular order. A label whose
    /// class no other fold has is not among them.
    pub fn held_out(&self) -> &[OutOfFoldRow] {
        &self.model.held_out
    }

    fn labelled_classes(&self) -> usize {
        self.labels.values().collect::<HashSet<_>>().len()
    }

    fn unlabelled_rows(&self, rows: usize) -> impl Iterator<Item = usize> {
        (0..rows).filter(|row| !self.labels.contains_key(row) && !self.excluded.contains(row))
    }

    fn forget_model(&mut self) {
        let Model { version, curve, online, .. } = std::mem::replace(&mut self.model, Model::none());
        self.model = Model { version, curve, online, ..Model::none() };
    }

    /// The at-once step; false if it is not to be had.
    fn fold_in(&mut self, features: &Features, row: usize, class: usize) -> bool {
        let model = &mut self.model;
        let (Some(head), Some(logits)) = (&mut model.head, &mut model.logits) else { return false };
        if features.sparse_columns > 0 || features.dense_columns() > online::WIDEST || !head.knows(class) {
            return false;
        }
        let c = self.config.head.params().c;
        let online = model.online.get_or_insert_with(|| Arc::new(OnlineUpdate::new(features, c)));
        let missing: Vec<usize> = self.labels.keys().copied().filter(|&row| !online.includes(row)).collect();
        if missing.len() * online.cost() > AT_ONCE_WORK {
            return false;
        }
        let online = Arc::make_mut(online);
        missing.into_iter().filter(|&other| other != row).for_each(|other| online.include(features, other));
        let residual = residual(logits.row(row), class);
        let direction = online.direction(features, row);
        direction.move_head(Arc::make_mut(head), residual.view());
        direction.move_logits(features, residual.view(), Arc::make_mut(logits));
        true
    }

    /// A few iterations over all labels, from where the head stands, and the pool predicted anew.
    fn refit_briefly(&mut self, features: &Features) {
        let labels: Vec<(usize, usize)> = self.labels.iter().map(|(&row, &class)| (row, class)).collect();
        let scaling = self.config.head.params().scaling;
        let classes = self.classes;
        let set = match &mut self.gathered {
            Some(set) if set.classes() == classes => set,
            gathered => gathered.insert(TrainingSet::gather(features, &labels, classes, scaling)),
        };
        let start = self.model.head.as_deref().filter(|head| head.fits(features));
        let Some(mut fit) = self.config.head.begin(set, None, start) else { return };
        fit.step(set, AT_ONCE_WORK);
        let head = fit.head(set);
        self.model.logits = Some(Arc::new(head.logits(features)));
        self.model.head = Some(Arc::new(head));
    }

    /// Renews the probabilities from the logits.
    fn calibrate(&mut self) {
        let model = &mut self.model;
        model.probabilities = model.logits.as_ref().map(|logits| Arc::new(softmax(logits, model.temperature)));
    }

    fn begin_polish(&mut self, features: &Features) -> Step {
        if self.due && self.labelled_classes() >= 2 {
            self.due = false;
            let labels: Vec<(usize, usize)> = self.labels.iter().map(|(&row, &class)| (row, class)).collect();
            let rough = self.model.rough;
            let start = self.model.head.as_deref().filter(|head| !rough && head.fits(features));
            self.begun += 1;
            self.polish = Polish::begin(features, &labels, self.classes, &self.config, start);
            return Step::Working;
        }
        self.catch_up(features)
    }

    /// Includes labelled rows in the online update, so that the next label finds it ready.
    fn catch_up(&mut self, features: &Features) -> Step {
        if !self.lags() {
            return Step::Idle;
        }
        let c = self.config.head.params().c;
        let online = self.model.online.get_or_insert_with(|| Arc::new(OnlineUpdate::new(features, c)));
        let online = Arc::make_mut(online);
        let most = (SLICE_WORK / online.cost()).max(1);
        let missing: Vec<usize> = self.labels.keys().copied().filter(|&row| !online.includes(row)).take(most).collect();
        missing.into_iter().for_each(|row| online.include(features, row));
        Step::Working
    }

    /// Whether labelled rows are missing from the at-once update, where there can be one.
    fn lags(&self) -> bool {
        let fits = |head: &Linear| head.sparse.width() == 0 && head.dense.ncols() <= online::WIDEST;
        self.model.head.as_deref().is_some_and(fits)
            && self.model.online.as_ref().is_none_or(|online| self.labels.keys().any(|&row| !online.includes(row)))
    }

    fn finish_polish(&mut self, features: &Features) {
        let Some(polish) = self.polish.take() else { return };
        let result = polish.finish();
        let model = &mut self.model;
        model.learnt = result.labels as u32;
        model.rough = false;
        model.version += 1;
        model.temperature = result.temperature;
        model.out_of_fold = result.out_of_fold;
        model.held_out = Arc::new(result.held_out);
        if let Some(share) = result.out_of_fold {
            model.curve.retain(|&(labels, _)| labels < model.learnt);
            model.curve.push((model.learnt, share));
        }
        model.head = Some(Arc::new(result.head));
        model.logits = Some(Arc::new(result.logits));
        model.probabilities = None;
        self.set_classes(self.classes);
        self.refresh(features);
        for (row, class) in std::mem::take(&mut self.meanwhile) {
            if !self.fold_in(features, row, class) {
                self.refit_briefly(features);
                break;
            }
        }
        self.model.learnt = self.model.learnt.max(self.labels.len() as u32);
        self.calibrate();
    }
}

/// One-hot minus probabilities, by the head's own (uncalibrated) opinion.
fn residual(logits: ArrayView1<f32>, class: usize) -> ndarray::Array1<f32> {
    let logits = logits.insert_axis(Axis(0)).to_owned();
    let mut residual = softmax(&logits, 1.0).slice(s![0, ..]).mapv(|probability| -probability);
    residual[class] += 1.0;
    residual
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::features::matrix::{FeatureVector, SparseRow};
    use crate::pipeline::predict::likeliest;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const CLASSES: usize = 3;

    /// Noisy clusters; with `sparse_columns`, a column of the row's class beside random ones.
    fn clusters(rows: usize, sparse_columns: usize) -> (Features, Vec<usize>) {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let mut features = Features::new(6, sparse_columns);
        let targets: Vec<usize> = (0..rows).map(|row| row % CLASSES).collect();
        for &class in &targets {
            let dense = (0..6).map(|column| {
                5.0 + random.random_range(-1.5..1.5f32) + if column % CLASSES == class { 1.0 } else { 0.0 }
            });
            let dense = dense.collect();
            let mut sparse = SparseRow::default();
            if sparse_columns > 0 {
                sparse.indices = vec![class as u32, random.random_range(10..sparse_columns as u32)];
                sparse.values = vec![0.7, 0.7];
            }
            features.push(FeatureVector { dense, sparse });
        }
        (features, targets)
    }

    fn polish(learner: &mut Learner, features: &Features) {
        while learner.polish_due() {
            assert_ne!(learner.step(features), Step::Idle);
        }
        assert_eq!(learner.step(features), Step::Idle);
    }

    fn furthest(a: &Learner, b: &Learner) -> f32 {
        let (a, b) = (a.probabilities().expect("a model"), b.probabilities().expect("a model"));
        (a - b).iter().fold(0.0, |most, difference| difference.abs().max(most))
    }

    fn new() -> Learner {
        Learner::new(CLASSES, LearnerConfig::default())
    }

    #[test]
    fn the_same_labels_give_the_same_model_however_they_came() {
        for sparse_columns in [0, 1 << 18] {
            let (features, targets) = clusters(200, sparse_columns);
            let labels: Vec<(usize, usize)> = (0..60).map(|row| (row * 7 % 200, targets[row * 7 % 200])).collect();
            let mut at_once = new();
            at_once.set_labels(labels.iter().rev().copied().collect());
            polish(&mut at_once, &features);
            let mut one_by_one = new();
            for (place, &(row, class)) in labels.iter().enumerate() {
                one_by_one.observe(&features, row, class);
                // Some labels come amid a polish, some before, some after.
                for _ in 0..place % 4 {
                    one_by_one.step(&features);
                }
            }
            polish(&mut one_by_one, &features);
            let off = furthest(&at_once, &one_by_one);
            assert!(off < 1e-3, "{sparse_columns} sparse columns: off by {off}");
            assert_eq!(one_by_one.labels(), 60);
        }
    }

    #[test]
    fn a_label_counts_at_once() {
        for sparse_columns in [0, 1 << 18] {
            let (features, targets) = clusters(300, sparse_columns);
            let mut learner = new();
            learner.set_labels((0..30).map(|row| (row, targets[row])).collect());
            polish(&mut learner, &features);
            let mut nearer = 0;
            for (row, &target) in targets.iter().enumerate().take(60).skip(30) {
                let before = learner.probabilities().expect("a model")[[row, target]];
                let version = learner.version();
                let effect = learner.observe(&features, row, target);
                nearer += usize::from(learner.probabilities().expect("a model")[[row, target]] > before);
                assert_eq!(effect.compared as usize, 300 - row - 1);
                assert_eq!(learner.version(), version, "no polish yet");
            }
            assert!(nearer >= 29, "{nearer} of 30 labelled rows became likelier");
            let right = |learner: &Learner| {
                let all = learner.probabilities().expect("a model");
                (60..300).filter(|&row| likeliest(all.row(row)) == targets[row]).count()
            };
            let rough = right(&learner);
            polish(&mut learner, &features);
            assert!(rough + 12 >= right(&learner), "{rough} right before the polish, {} after", right(&learner));
        }
    }

    #[test]
    fn audits_do_not_count_as_unlabelled() {
        let (features, targets) = clusters(50, 0);
        let mut learner = new();
        learner.set_excluded((40..50).collect());
        let effects: Vec<LabelEffect> = (0..6).map(|row| learner.observe(&features, row, targets[row])).collect();
        assert_eq!(effects[5].compared, 34);
        assert_eq!(effects[0], LabelEffect::default(), "one class is no model");
    }

    #[test]
    fn a_new_class_joins_and_an_unlabelled_one_stays_out() {
        let (features, targets) = clusters(90, 0);
        let mut learner = Learner::new(2, LearnerConfig::default());
        for row in [0, 1, 3, 4] {
            learner.observe(&features, row, targets[row]);
        }
        polish(&mut learner, &features);
        learner.set_classes(4);
        let column = |learner: &Learner, class| learner.probabilities().expect("a model").column(class).sum();
        assert_eq!((column(&learner, 2), column(&learner, 3)), (0.0, 0.0));
        learner.observe(&features, 2, 2);
        assert!(column(&learner, 2) > 1.0, "the first label of a class makes it likely somewhere");
        polish(&mut learner, &features);
        assert_eq!(column(&learner, 3), 0.0);
    }

    /// Labels, corrections, bulk decisions and background work in random turns: what is taken back leaves no trace.
    #[test]
    fn a_label_taken_back_leaves_the_model_as_it_was_to_the_bit() {
        for sparse_columns in [0, 1 << 18] {
            let (features, targets) = clusters(120, sparse_columns);
            let mut random = ChaCha8Rng::seed_from_u64(77);
            let mut naive_differs = 0;
            for _ in 0..12 {
                let mut learner = new();
                let start: Vec<(usize, usize)> =
                    (0..random.random_range(2..30)).map(|row| (row, targets[row])).collect();
                learner.set_labels(start);
                (0..random.random_range(0..40)).for_each(|_| {
                    learner.step(&features);
                });
                learner.refresh(&features);
                let mut before = Vec::new();
                for _ in 0..random.random_range(1..6) {
                    let labels: Vec<(usize, usize)> =
                        learner.labels.iter().map(|(&row, &class)| (row, class)).collect();
                    let seen = |learner: &Learner| {
                        (
                            learner.probabilities().cloned(),
                            learner.out_of_fold(),
                            learner.temperature(),
                            learner.labels(),
                        )
                    };
                    before.push((labels.clone(), seen(&learner)));
                    let row = random.random_range(0..120);
                    let class = random.random_range(0..CLASSES);
                    if learner.labels.contains_key(&row) {
                        let other = (learner.labels[&row] + 1) % CLASSES;
                        let corrected = labels.into_iter().filter(|&(at, _)| at != row).chain([(row, other)]);
                        learner.set_labels(corrected.collect());
                    } else {
                        learner.observe(&features, row, class);
                    }
                    (0..random.random_range(0..30)).for_each(|_| {
                        learner.step(&features);
                    });
                }
                // Naive: the labels that are left are learnt again from where the model stands.
                let kept = before.last().expect("a change").1.0.clone();
                naive_differs += usize::from(learner.probabilities() != kept.as_ref());
                while let Some((labels, (probabilities, out_of_fold, temperature, count))) = before.pop() {
                    learner.set_labels(labels);
                    learner.refresh(&features);
                    assert_eq!(learner.probabilities(), probabilities.as_ref());
                    assert_eq!(
                        (learner.out_of_fold(), learner.temperature(), learner.labels()),
                        (out_of_fold, temperature, count)
                    );
                }
                // And it goes on from there as a model that never saw them.
                let labels = learner.labels.iter().map(|(&row, &class)| (row, class)).collect();
                polish(&mut learner, &features);
                let mut fresh = new();
                fresh.set_labels(labels);
                polish(&mut fresh, &features);
                if learner.labelled_classes() > 1 {
                    assert!(furthest(&learner, &fresh) < 1e-3);
                }
            }
            assert!(naive_differs >= 6, "{naive_differs} of 12");
        }
    }

    #[test]
    fn undoing_back_to_one_class_leaves_no_model() {
        let (features, targets) = clusters(30, 0);
        let mut learner = new();
        learner.set_labels(vec![(0, targets[0]), (1, targets[1])]);
        polish(&mut learner, &features);
        assert!(learner.probabilities().is_some());
        learner.set_labels(vec![(0, targets[0])]);
        assert!(learner.probabilities().is_none() && learner.head().is_none() && !learner.polish_due());
    }

    #[test]
    fn a_restored_learner_predicts_before_it_trains_and_a_growing_pool_is_predicted() {
        let (features, targets) = clusters(120, 0);
        let mut first = new();
        first.set_labels((0..40).map(|row| (row, targets[row])).collect());
        polish(&mut first, &features);
        let mut second = new();
        let head = first.head().expect("a model").clone();
        second.restore(head, first.temperature(), first.version(), first.labels(), first.curve().to_vec());
        second.refresh(&features.select(&(0..70).collect::<Vec<_>>()));
        assert_eq!(second.probabilities().map(Array2::nrows), Some(70));
        second.refresh(&features);
        assert!(furthest(&first, &second) < 1e-6);
        assert_eq!((second.version(), second.out_of_fold()), (1, first.out_of_fold()));
    }

    #[test]
    fn out_of_fold_is_near_the_truth_on_random_labels() {
        let (features, targets) = clusters(900, 0);
        let mut learner = new();
        learner.set_labels((0..300).map(|row| (row, targets[row])).collect());
        polish(&mut learner, &features);
        let all = learner.probabilities().expect("a model");
        let truth = (300..900).filter(|&row| likeliest(all.row(row)) == targets[row]).count() as f64 / 600.0;
        let guess = learner.out_of_fold().expect("enough labels");
        // Both are binomial shares: 3 standard errors of their difference are about 0.09.
        assert!((truth - guess).abs() < 0.09, "out of fold {guess}, truth {truth}");
        assert_eq!(learner.curve(), [(300, guess)]);
    }
}
