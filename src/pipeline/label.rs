//! The append-only label log and its fold. Everything the project knows about labels is derived from these events.

use super::item::ContentHash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// So many classes a project can have. A model of them all is asked about every item: of 100,000 items in 1,000 classes the answers
/// take 400 MB. A column with more values is mostly something else than the label: a number, a name, a text.
pub const MOST_CLASSES: usize = 1000;

/// Who or what a label came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A person, asked by the queue or labelling in bulk.
    Human,
    /// A person, asked blind at random: measures the model, never trains it.
    Audit,
    /// The model, accepted under an error budget: revertible, never used as human truth.
    Model,
    /// Came with the data: a folder's name, a column.
    Import,
    /// A person, correcting an earlier label.
    Review,
    /// A person, asked again blind what they had labelled before: measures their consistency, changes no label.
    Repeat,
    /// Came with the data as part of a test set: measures the model, never trains it, and is not blind.
    Test,
}

impl Source {
    /// The word used for this source on screen and in exports.
    pub fn word(self) -> &'static str {
        match self {
            Source::Human => "human",
            Source::Audit => "audit",
            Source::Model => "model",
            Source::Import => "import",
            Source::Review => "review",
            Source::Repeat => "repeat",
            Source::Test => "test",
        }
    }

    /// The inverse of [`Source::word`].
    pub fn from_word(word: &str) -> Option<Source> {
        use Source::{Audit, Human, Import, Model, Repeat, Review, Test};
        [Human, Audit, Model, Import, Review, Repeat, Test].into_iter().find(|source| source.word() == word)
    }

    /// Whether the model may learn from labels of this source.
    pub fn trains(self) -> bool {
        matches!(self, Source::Human | Source::Import | Source::Review)
    }
}

/// What was decided about an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The item is of this class (the class's stable key, see [`Class`]).
    Label(String),
    /// Not now: the queue passes it by until everything else was asked.
    Skip,
    /// Something is odd here; kept for review. Does not touch the label.
    Flag,
    /// Reviewed: the label of this class stands, however suspicious it looked ([`Shown::quality`]).
    Keep(String),
    /// Not one of the classes, or not fit to learn from: neither trains nor is asked, until it is labelled again.
    Exclude,
    /// Somebody else should look at the label. Does not touch it; a later label or [`Action::Keep`] settles it.
    SecondOpinion,
    /// Takes back the event with this id, whatever it was. An undo can itself be undone.
    Undo(String),
}

/// What the person saw when they decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The suggested class's key.
    pub class: String,
    /// The calibrated probability shown with it, 0 to 1.
    pub probability: f32,
    /// The version of the model that suggested it.
    pub model: u32,
    /// In a review: the quality of the label on screen, 0 (surely wrong) to 1.
    #[serde(default)]
    pub quality: Option<f32>,
}

/// One line of the log. Never changed, never deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelEvent {
    /// A ULID: 26 characters, sorts by time. Also the key against double delivery.
    pub id: String,
    /// What it is about.
    pub item: ContentHash,
    /// Who decided.
    pub annotator: String,
    /// What was decided.
    pub action: Action,
    /// Where the decision came from.
    pub source: Source,
    /// The suggestion on screen, if there was one. Audits never show one.
    pub shown: Option<Shown>,
    /// For audits: the probability with which this item was drawn from the unlabelled pool, 0 to 1.
    pub drawn_with: Option<f64>,
    /// For audits: the certificate it was drawn for, if for one. For labels accepted from the model: the certificate
    /// that covers them.
    #[serde(default)]
    pub certificate: Option<u32>,
    /// Milliseconds from showing the card to the decision, if a person took it.
    pub took_ms: Option<u32>,
    /// Milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// Its place in the log's order: larger than that of every event that its maker knew (Lamport, 1978). No clock on a wall has a
    /// say, so one that is set back, or years ahead, makes no decision count for less or for more. 0 in what releases before it
    /// wrote: those events come first, in the order of their ids.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock: u64,
}

fn is_zero(clock: &u64) -> bool {
    *clock == 0
}

/// So much may the places of a log be above twice the number of its events: imports that were removed took theirs along.
const CLOCK_HEADROOM: u64 = 100_000_000;

impl LabelEvent {
    /// What the log is ordered by. Among events that did not know each other the id decides: the same way wherever they meet.
    pub fn order(&self) -> (u64, &str) {
        (self.clock, &self.id)
    }
}

/// Whether these events can have been made one after the other. In a log that nobody tampered with no place is above the number of
/// events ever made; one at the end of what can be counted would leave no place for a decision after it. Merging logs of which this
/// holds, and adding to them, gives logs of which it holds.
pub fn places_are_plausible(events: &[LabelEvent]) -> bool {
    let most = (events.len() as u64).saturating_mul(2).saturating_add(CLOCK_HEADROOM);
    events.iter().all(|event| event.clock <= most)
}

/// A class of the project. The key is what the log stores and never changes; the name is what people read and may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The name at creation.
    pub key: String,
    /// The name now.
    pub name: String,
}

/// What the log says about one item now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemLabels {
    /// The label that trains: the latest human or review one that stands or, without one, the latest imported one.
    pub label: Option<Standing>,
    /// The latest audit label that stands. An item asked as an audit is an audit for ever.
    pub audit: Option<Standing>,
    /// The latest label of an imported test set that stands. Such an item never trains.
    pub test: Option<Standing>,
    /// The latest label accepted from the model.
    pub accepted: Option<Standing>,
    /// Passed by, after the latest label.
    pub skipped: bool,
    /// Flagged for a second look.
    pub flagged: bool,
    /// Taken out of the project's questions and training, after the latest label.
    pub excluded: bool,
    /// Waits for somebody else's opinion, after the latest label.
    pub second_opinion: bool,
    /// The latest review that let a label stand.
    pub kept: Option<Kept>,
}

/// A label that a person reviewed and let stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The label's class key; for any other label the review says nothing.
    pub class: String,
    /// The label's quality at the review, 0 to 1, if it was shown.
    pub quality: Option<f32>,
}

impl ItemLabels {
    /// The label a person would read off the item: an audit or a human decision before the model's.
    pub fn current(&self) -> Option<&Standing> {
        self.given().or(self.accepted.as_ref())
    }

    /// The label that people or the data gave, audits and test labels before what trains.
    pub fn given(&self) -> Option<&Standing> {
        self.audit.as_ref().or(self.test.as_ref()).or(self.label.as_ref())
    }

    /// Whether it measures the model, as an audit or as part of a test set: then it never trains.
    pub fn measures(&self) -> bool {
        self.audit.is_some() || self.test.is_some()
    }

    /// Whether a person, or the data, has said what this is, or a person that it is none of the classes.
    pub fn is_decided(&self) -> bool {
        self.excluded || self.given().is_some()
    }

    /// The class key it trains as, if it trains: audits, test labels and excluded items never do.
    pub fn training_key(&self) -> Option<&str> {
        self.label.as_ref().filter(|_| !self.excluded && !self.measures()).map(|standing| standing.class.as_str())
    }
}

/// A label that stands, and the event that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The class's key.
    pub class: String,
    /// Where it came from.
    pub source: Source,
    /// The event's id.
    pub event: String,
    /// The certificate it was asked or accepted for, if for one.
    pub certificate: Option<u32>,
}

/// The log's events that stand, in order: those not undone (and undos themselves left out).
///
/// Undoing an undo brings the first event back, so a chain is resolved from its newest link down.
pub fn standing<'log>(events: impl IntoIterator<Item = &'log LabelEvent>) -> Vec<&'log LabelEvent> {
    let mut undone: HashSet<&str> = HashSet::new();
    let mut ordered: Vec<&LabelEvent> = events.into_iter().collect();
    ordered.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut seen = HashSet::new();
    ordered.retain(|event| seen.insert(event.id.as_str()));
    for event in ordered.iter().rev() {
        if let Action::Undo(target) = &event.action
            && !undone.contains(event.id.as_str())
        {
            undone.insert(target);
        }
    }
    ordered.retain(|event| !matches!(event.action, Action::Undo(_)) && !undone.contains(event.id.as_str()));
    ordered
}

/// The current labels: a fold over the log. The same set of events gives the same result in any order of arrival.
pub fn fold<'log>(events: impl IntoIterator<Item = &'log LabelEvent>) -> HashMap<ContentHash, ItemLabels> {
    let mut items: HashMap<ContentHash, ItemLabels> = HashMap::new();
    for event in standing(events) {
        let item = items.entry(event.item).or_default();
        match &event.action {
            Action::Label(class) => {
                let set = Standing {
                    class: class.clone(),
                    source: event.source,
                    event: event.id.clone(),
                    certificate: event.certificate,
                };
                if event.source != Source::Repeat {
                    item.skipped = false;
                }
                // What comes with data later does not take back what a person decided.
                if !matches!(event.source, Source::Repeat | Source::Import | Source::Test) {
                    (item.excluded, item.second_opinion) = (false, false);
                }
                match event.source {
                    Source::Repeat => {}
                    Source::Audit => item.audit = Some(set),
                    Source::Model => item.accepted = Some(set),
                    Source::Test if by_person(&item.test) => {}
                    // What a person said measures in its place, and trains no more.
                    Source::Test if by_person(&item.label) => item.test = item.label.clone(),
                    Source::Test => item.test = Some(set),
                    Source::Import if by_person(&item.label) => {}
                    // An audited item that is corrected later stays an audit: it must never train.
                    Source::Human | Source::Review if item.audit.is_some() => item.audit = Some(set),
                    Source::Human | Source::Review if item.test.is_some() => item.test = Some(set),
                    Source::Human | Source::Review | Source::Import => item.label = Some(set),
                }
            }
            // "Not sure" of a label that is asked again: the label stays.
            Action::Skip if event.source == Source::Repeat => {}
            Action::Skip => item.skipped = true,
            Action::Flag => item.flagged = !item.flagged,
            Action::Keep(class) => {
                item.second_opinion = false;
                item.kept =
                    Some(Kept { class: class.clone(), quality: event.shown.as_ref().and_then(|shown| shown.quality) });
            }
            Action::Exclude => item.excluded = true,
            Action::SecondOpinion => item.second_opinion = true,
            Action::Undo(_) => {}
        }
    }
    items
}

fn by_person(label: &Option<Standing>) -> bool {
    label.as_ref().is_some_and(|standing| matches!(standing.source, Source::Human | Source::Review))
}

/// The class keys that the data give one item, if they differ and no person has settled it since, in the order in which
/// they came. `events` are the item's own. A decision of a person counts as one of them until the data say otherwise
/// after it; a label, a review or an exclusion after that settles it.
pub fn unsettled<'log>(events: impl IntoIterator<Item = &'log LabelEvent>) -> Vec<&'log str> {
    let mut said: Vec<&str> = Vec::new();
    let mut excluded = false;
    for event in standing(events) {
        match (&event.action, event.source) {
            (Action::Label(class), Source::Import | Source::Test) if !said.contains(&class.as_str()) => {
                said.push(class)
            }
            (Action::Label(class), Source::Human | Source::Review | Source::Audit) | (Action::Keep(class), _) => {
                (said, excluded) = (vec![class.as_str()], false);
            }
            (Action::Exclude, _) => excluded = true,
            _ => {}
        }
    }
    if excluded || said.len() < 2 { Vec::new() } else { said }
}

/// The newest event that `annotator` can take back: their own decisions, one press each (a bulk decision shares one
/// `took_ms`-less batch and is undone event by event).
pub fn last_undoable<'log>(events: &'log [LabelEvent], annotator: &str) -> Option<&'log LabelEvent> {
    let own = |event: &&LabelEvent| {
        event.annotator == annotator && !matches!(event.source, Source::Import | Source::Test | Source::Model)
    };
    standing(events).into_iter().rev().find(own)
}

/// How many standing labels each class key has, by source that a person decided or the data brought.
pub fn class_counts(items: &HashMap<ContentHash, ItemLabels>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for labels in items.values() {
        if let Some(standing) = labels.given() {
            *counts.entry(standing.class.clone()).or_insert(0) += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, item: u8, action: Action, source: Source) -> LabelEvent {
        LabelEvent {
            id: id.into(),
            item: ContentHash([item; 32]),
            annotator: "me".into(),
            action,
            source,
            shown: None,
            drawn_with: None,
            certificate: None,
            took_ms: None,
            time_ms: 0.0,
            clock: 0,
        }
    }

    fn label(id: &str, item: u8, class: &str) -> LabelEvent {
        event(id, item, Action::Label(class.into()), Source::Human)
    }

    fn undo(id: &str, target: &str) -> LabelEvent {
        event(id, 0, Action::Undo(target.into()), Source::Human)
    }

    fn class_of(events: &[LabelEvent], item: u8) -> Option<String> {
        fold(events).get(&ContentHash([item; 32]))?.current().map(|standing| standing.class.clone())
    }

    #[test]
    fn the_latest_label_stands_and_undo_brings_back_the_one_before() {
        let mut log = vec![label("1", 7, "cat"), label("2", 7, "dog")];
        assert_eq!(class_of(&log, 7).as_deref(), Some("dog"));
        log.push(undo("3", "2"));
        assert_eq!(class_of(&log, 7).as_deref(), Some("cat"));
        log.push(undo("4", "3"));
        assert_eq!(class_of(&log, 7).as_deref(), Some("dog"));
    }

    #[test]
    fn arrival_order_and_double_delivery_change_nothing() {
        let log = vec![label("1", 7, "cat"), label("2", 7, "dog"), undo("3", "2"), label("4", 8, "cat")];
        let mut shuffled: Vec<LabelEvent> = log.iter().rev().cloned().collect();
        shuffled.extend(log.iter().cloned());
        assert_eq!(fold(&log), fold(&shuffled));
    }

    /// Ids are made from the clock on the wall; a decision that knew another comes after it all the same.
    #[test]
    fn no_clock_on_the_wall_makes_a_decision_win_or_lose() {
        let at = |clock: u64, event: LabelEvent| LabelEvent { clock, ..event };
        // The clock was set back between the two.
        let mut log = vec![at(1, label("9", 7, "cat")), at(2, label("1", 7, "dog"))];
        assert_eq!(class_of(&log, 7).as_deref(), Some("dog"));
        assert_eq!(last_undoable(&log, "me").map(|event| event.id.as_str()), Some("1"));
        log.push(at(3, undo("0", "1")));
        assert_eq!(class_of(&log, 7).as_deref(), Some("cat"));
        // What an earlier release wrote under a clock that was years ahead.
        let log = [label("7Z", 7, "cat"), at(1, label("1", 7, "dog"))];
        assert_eq!(class_of(&log, 7).as_deref(), Some("dog"));
        assert_eq!(last_undoable(&log, "me").map(|event| event.id.as_str()), Some("1"));
    }

    #[test]
    fn places_that_no_log_reaches_are_noticed() {
        let at = |clock: u64| LabelEvent { clock, ..label("1", 7, "cat") };
        assert!(places_are_plausible(&[]) && places_are_plausible(&[at(0), at(1), at(2)]));
        assert!(!places_are_plausible(&[at(1), at(u64::MAX)]));
        // What may be read may be gone on from.
        let most = at(CLOCK_HEADROOM + 2);
        assert!(places_are_plausible(std::slice::from_ref(&most)));
        assert!(places_are_plausible(&[most.clone(), at(most.clock + 1)]));
    }

    #[test]
    fn an_audit_never_becomes_training_data() {
        let log = vec![
            event("1", 7, Action::Label("cat".into()), Source::Audit),
            event("2", 7, Action::Label("dog".into()), Source::Review),
        ];
        let labels = &fold(&log)[&ContentHash([7; 32])];
        assert_eq!(labels.label, None);
        assert_eq!(labels.audit.as_ref().map(|standing| standing.class.as_str()), Some("dog"));
    }

    #[test]
    fn a_review_may_let_stand_exclude_or_ask_for_an_opinion_and_a_label_settles_all() {
        let mut log = vec![label("1", 7, "cat"), event("2", 7, Action::SecondOpinion, Source::Review)];
        let of = |log: &[LabelEvent]| fold(log)[&ContentHash([7; 32])].clone();
        assert!(of(&log).second_opinion);
        log.push(event("3", 7, Action::Keep("cat".into()), Source::Review));
        assert!(!of(&log).second_opinion);
        assert_eq!(of(&log).kept.map(|kept| kept.class).as_deref(), Some("cat"));
        log.push(event("4", 7, Action::Exclude, Source::Review));
        assert!(of(&log).excluded);
        log.push(event("5", 7, Action::Label("dog".into()), Source::Repeat));
        assert!(of(&log).excluded, "a repeated question changes nothing");
        assert_eq!(class_of(&log, 7).as_deref(), Some("cat"));
        log.push(event("6", 7, Action::Label("dog".into()), Source::Review));
        assert!(!of(&log).excluded);
        assert_eq!(class_of(&log, 7).as_deref(), Some("dog"));
    }

    #[test]
    fn what_comes_with_data_later_leaves_a_persons_decision_alone() {
        let import = |id: &str, class: &str| event(id, 7, Action::Label(class.into()), Source::Import);
        let test = |id: &str, class: &str| event(id, 7, Action::Label(class.into()), Source::Test);
        assert_eq!(class_of(&[import("1", "cat"), import("2", "dog")], 7).as_deref(), Some("dog"));
        assert_eq!(class_of(&[label("1", 7, "cat"), import("2", "dog")], 7).as_deref(), Some("cat"));
        assert_eq!(class_of(&[import("1", "dog"), label("2", 7, "cat"), test("3", "dog")], 7).as_deref(), Some("cat"));
        assert_eq!(class_of(&[test("1", "dog"), label("2", 7, "cat"), test("3", "dog")], 7).as_deref(), Some("cat"));
        let log = [event("1", 7, Action::Exclude, Source::Review), import("2", "dog")];
        assert!(fold(&log)[&ContentHash([7; 32])].excluded);
    }

    #[test]
    fn a_test_label_never_trains_even_when_it_is_corrected() {
        let log = [event("1", 7, Action::Label("cat".into()), Source::Test), label("2", 7, "dog")];
        let labels = &fold(&log)[&ContentHash([7; 32])];
        assert_eq!((labels.training_key(), labels.label.as_ref()), (None, None));
        assert_eq!(labels.test.as_ref().map(|standing| standing.class.as_str()), Some("dog"));
        // It came as training data first: from then on it measures, and trains no more.
        let log = [label("1", 7, "dog"), event("2", 7, Action::Label("cat".into()), Source::Test)];
        assert_eq!(fold(&log)[&ContentHash([7; 32])].training_key(), None);
    }

    #[test]
    fn data_that_contradict_themselves_wait_for_a_person() {
        let import = |id: &str, class: &str| event(id, 7, Action::Label(class.into()), Source::Import);
        let review = |id: &str, action: Action| event(id, 7, action, Source::Review);
        let two = [import("1", "cat"), import("2", "dog"), import("3", "cat")];
        let after = |more: &[LabelEvent]| unsettled(&[&two[..], more].concat()).len();
        assert_eq!(unsettled(&two), ["cat", "dog"]);
        assert_eq!(unsettled(&two[..1]), [""; 0]);
        assert_eq!(after(&[review("4", Action::Label("cat".into()))]), 0);
        assert_eq!(after(&[label("4", 7, "fox")]), 0);
        assert_eq!(after(&[review("4", Action::Keep("cat".into()))]), 0);
        assert_eq!(after(&[review("4", Action::Exclude)]), 0);
        assert_eq!(after(&[review("4", Action::Keep("cat".into())), undo("5", "4")]), 2);
        // The same again says nothing new; another one does.
        assert_eq!(after(&[label("4", 7, "cat"), import("5", "cat")]), 0);
        assert_eq!(after(&[label("4", 7, "cat"), import("5", "dog")]), 2);
        assert_eq!(
            unsettled(&[label("1", 7, "cat"), event("2", 7, Action::Label("dog".into()), Source::Test)]).len(),
            2
        );
    }

    #[test]
    fn nobody_takes_back_what_somebody_else_decided() {
        let mut theirs = label("2", 3, "dog");
        theirs.annotator = "Ada".into();
        let log = vec![label("1", 2, "cat"), theirs];
        assert_eq!(last_undoable(&log, "me").map(|event| event.id.as_str()), Some("1"));
        assert_eq!(last_undoable(&log, "Ada").map(|event| event.id.as_str()), Some("2"));
    }

    #[test]
    fn undo_reaches_back_without_limit_but_not_into_the_import() {
        let mut log = vec![
            event("0", 1, Action::Label("cat".into()), Source::Import),
            label("1", 2, "cat"),
            label("2", 3, "dog"),
        ];
        for (id, expected) in [("3", "2"), ("4", "1")] {
            let target = last_undoable(&log, "me").map(|event| event.id.clone());
            assert_eq!(target.as_deref(), Some(expected));
            log.push(undo(id, expected));
        }
        assert_eq!(last_undoable(&log, "me"), None);
    }
}
