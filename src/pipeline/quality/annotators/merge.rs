//! Two label logs become one, without loss or duplication.

use crate::pipeline::label::LabelEvent;
use crate::pipeline::log::canonical::canonical_json;
use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The union of two logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The events of both in the log's order, each once.
    pub events: Vec<LabelEvent>,
    /// How many came from theirs alone.
    pub added: usize,
    /// How many of theirs were in ours already.
    pub already_here: usize,
    /// The ids of events of ours that were replaced by theirs of the same id, see [`merge`]. Ascending.
    pub replaced: Vec<String>,
    /// A sentence for each id that came with two contents.
    pub conflicts: Vec<String>,
}

/// The union of two logs by event id. Merging is commutative, associative and idempotent: any number of logs, in any order
/// and any number of times, give the same events, and so the same labels and disagreements.
///
/// An event never changes once it is written, so one id with two contents means that a file was damaged or edited. Which of
/// them is genuine can't be known; the one with the smaller canonical JSON (RFC 8785) is kept, whoever brings it.
pub fn merge(ours: &[LabelEvent], theirs: &[LabelEvent]) -> Merged {
    let mut union: BTreeMap<&str, &LabelEvent> = BTreeMap::new();
    let mut conflicting = BTreeSet::new();
    for event in ours {
        add(&mut union, &mut conflicting, event);
    }
    let own = union.clone();
    let mut already_here = BTreeSet::new();
    for event in theirs {
        if own.contains_key(event.id.as_str()) {
            already_here.insert(event.id.as_str());
        }
        add(&mut union, &mut conflicting, event);
    }
    let mut events: Vec<LabelEvent> = union.values().copied().cloned().collect();
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    let is_replaced = |(id, event): &(&&str, &&LabelEvent)| compare(union[**id], event).is_lt();
    Merged {
        added: union.len() - own.len(),
        already_here: already_here.len(),
        replaced: own.iter().filter(is_replaced).map(|(id, _)| id.to_string()).collect(),
        conflicts: conflicting.into_iter().map(conflict).collect(),
        events,
    }
}

fn add<'log>(
    union: &mut BTreeMap<&'log str, &'log LabelEvent>,
    conflicting: &mut BTreeSet<&'log str>,
    event: &'log LabelEvent,
) {
    match union.entry(&event.id) {
        Entry::Vacant(place) => {
            place.insert(event);
        }
        Entry::Occupied(mut place) => {
            let order = compare(event, place.get());
            if order.is_ne() {
                conflicting.insert(&event.id);
            }
            if order.is_lt() {
                place.insert(event);
            }
        }
    }
}

fn conflict(id: &str) -> String {
    format!(
        "The decision {id} came with two different contents, so a file was damaged or edited. One of the two is kept, the same \
         one in whatever order files are merged; no other decision is touched. Look at its item, and label it again if it is \
         wrong."
    )
}

/// The order of contents: equal only if nothing differs.
fn compare(a: &LabelEvent, b: &LabelEvent) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    // Only what isn't a finite number has no JSON; no file can bring it.
    let text = |event: &LabelEvent| canonical_json(event).unwrap_or_else(|_| format!("{event:?}"));
    text(a).cmp(&text(b))
}

#[cfg(test)]
mod tests {
    use super::super::disagreements::disagreements;
    use super::super::random_log::{label, random_logs};
    use super::*;
    use crate::pipeline::label::{Source, fold};

    /// What must be the same, whatever was merged with what when.
    fn view(events: &[LabelEvent]) -> String {
        let mut labels: Vec<String> = fold(events).iter().map(|(item, labels)| format!("{item} {labels:?}")).collect();
        labels.sort();
        format!("{events:?}\n{labels:?}\n{:?}", disagreements(events))
    }

    type Merge = dyn Fn(&[LabelEvent], &[LabelEvent]) -> Vec<LabelEvent>;

    /// Which of the laws fail for three logs.
    fn broken_laws(merge: &Merge, [a, b, c]: [&[LabelEvent]; 3]) -> Vec<&'static str> {
        let mut broken = Vec::new();
        let mut check = |law, left: &[LabelEvent], right: &[LabelEvent]| {
            if view(left) != view(right) {
                broken.push(law);
            }
        };
        check("commutative", &merge(a, b), &merge(b, a));
        check("associative", &merge(&merge(a, b), c), &merge(a, &merge(b, c)));
        let once = merge(a, b);
        check("idempotent", &merge(&once, b), &once);
        check("idempotent", &merge(&once, a), &once);
        check("idempotent", &merge(&once, &once), &once);
        check("idempotent", &merge(b, &once), &once);
        broken
    }

    /// Appends, and of one id the last to arrive wins.
    fn naive(ours: &[LabelEvent], theirs: &[LabelEvent]) -> Vec<LabelEvent> {
        let union: BTreeMap<&str, &LabelEvent> =
            ours.iter().chain(theirs).map(|event| (event.id.as_str(), event)).collect();
        union.into_values().cloned().collect()
    }

    /// Appends what isn't there yet, in the order of arrival.
    fn naive_in_order(ours: &[LabelEvent], theirs: &[LabelEvent]) -> Vec<LabelEvent> {
        let mut union: Vec<LabelEvent> = Vec::new();
        for event in ours.iter().chain(theirs) {
            if !union.contains(event) {
                union.push(event.clone());
            }
        }
        union
    }

    #[test]
    fn merging_keeps_its_laws_and_the_naive_ways_do_not() {
        let mut naive_broken = [0, 0];
        let (mut with_conflicts, mut with_disagreements) = (0, 0);
        for seed in 0..300 {
            let logs = random_logs(seed, 3);
            let logs = [&logs[0][..], &logs[1], &logs[2]];
            let broken = broken_laws(&|a, b| merge(a, b).events, logs);
            assert!(broken.is_empty(), "seed {seed}: {broken:?}");
            with_conflicts += usize::from(!merge(logs[0], logs[1]).conflicts.is_empty());
            with_disagreements += usize::from(!disagreements(&merge(logs[0], logs[1]).events).is_empty());
            naive_broken[0] += usize::from(broken_laws(&naive, logs).contains(&"commutative"));
            naive_broken[1] += usize::from(broken_laws(&naive_in_order, logs).contains(&"commutative"));
        }
        assert!(with_conflicts > 30 && with_disagreements > 100, "{with_conflicts} {with_disagreements}");
        assert!(naive_broken.iter().all(|&broken| broken > 30), "{naive_broken:?}");
    }

    #[test]
    fn counts_add_up() {
        for seed in 0..100 {
            let logs = random_logs(seed, 2);
            let merged = merge(&logs[0], &logs[1]);
            let ids = |log: &[LabelEvent]| {
                let mut ids: Vec<String> = log.iter().map(|event| event.id.clone()).collect();
                ids.sort();
                ids.dedup();
                ids
            };
            assert_eq!(ids(&merged.events).len(), merged.events.len());
            assert!(merged.events.is_sorted_by(|a, b| a.order() < b.order()));
            assert_eq!(merged.events.len(), ids(&logs[0]).len() + merged.added);
            assert_eq!(ids(&logs[1]).len(), merged.added + merged.already_here);
            let again = merge(&merged.events, &logs[1]);
            assert_eq!((again.added, again.replaced.len()), (0, 0));
        }
    }

    #[test]
    fn one_id_with_two_contents_is_told_and_settled_alike() {
        let [cat, dog] = ["cat", "dog"].map(|class| [label("1", "Ada", class, Source::Human)]);
        let (one, other) = (merge(&dog, &cat), merge(&cat, &dog));
        assert_eq!(one.events, cat);
        assert_eq!(one.events, other.events);
        assert_eq!((one.replaced.len(), other.replaced.len()), (1, 0));
        assert_eq!((one.added, one.already_here), (0, 1));
        assert!(
            one.conflicts.len() == 1 && one.conflicts == other.conflicts && one.conflicts[0].contains("decision 1 ")
        );
    }
}
