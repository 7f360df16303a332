//! Items about which annotators differ and nobody has had the last word yet.

use super::opinions::{is_own_decision, stated_class};
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{Action, LabelEvent, Source, standing};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// An item to adjudicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Which.
    pub item: ContentHash,
    /// Each annotator's latest opinion, by annotator: name and class key. At least two, and not all alike.
    pub opinions: Vec<(String, String)>,
}

/// The items whose annotators' latest opinions (see [`super::opinions()`]) differ and that are not settled. Most evenly
/// split first: by the lead of the most frequent class over the next one as a share of all opinions; of these the higher
/// entropy, the more opinions, and the item's hash decide.
///
/// Events count in the order of their ids, so the same set of events gives the same queue in any order of arrival:
/// - A [`Source::Review`] label or an [`Action::Keep`] **adjudicates** if, before it, the latest opinions of at least two
///   annotators differed. Whoever decides may be one of them. (A single correction of somebody's label is a second
///   opinion, not an adjudication: there was nothing to adjudicate yet.)
/// - The item is settled by its latest adjudication, until somebody says another class: that opens it again, unless it is
///   an adjudication itself.
/// - An item that is excluded is not asked, until it is labelled again.
/// - What was undone never happened.
pub fn disagreements<'log>(events: impl IntoIterator<Item = &'log LabelEvent>) -> Vec<Disagreement> {
    let mut items: BTreeMap<ContentHash, Talk> = BTreeMap::new();
    for event in standing(events) {
        items.entry(event.item).or_default().hear(event);
    }
    let mut open: Vec<(Split, Disagreement)> = items
        .into_iter()
        .filter(|(_, talk)| talk.differs() && talk.settled.is_none() && !talk.excluded)
        .map(|(item, talk)| {
            let opinions: Vec<(String, String)> =
                talk.latest.into_iter().map(|(annotator, class)| (annotator.into(), class.into())).collect();
            (Split::of(&opinions), Disagreement { item, opinions })
        })
        .collect();
    open.sort_by(|(a, first), (b, second)| a.compare(b).then_with(|| first.item.cmp(&second.item)));
    open.into_iter().map(|(_, disagreement)| disagreement).collect()
}

/// What has been said about one item so far.
#[derive(Debug, Default)]
struct Talk<'log> {
    /// By annotator: the class they hold it to be.
    latest: BTreeMap<&'log str, &'log str>,
    /// The class of the adjudication that holds.
    settled: Option<&'log str>,
    excluded: bool,
}

impl<'log> Talk<'log> {
    fn differs(&self) -> bool {
        let mut classes = self.latest.values();
        classes.next().is_some_and(|first| classes.any(|class| class != first))
    }

    fn hear(&mut self, event: &'log LabelEvent) {
        match &event.action {
            Action::Exclude => {
                self.latest.remove(event.annotator.as_str());
                self.excluded = true;
            }
            // As in `label::fold`: any label but a repeated question's brings an excluded item back.
            Action::Label(_) if event.source != Source::Repeat => self.excluded = false,
            _ => {}
        }
        let Some(class) = stated_class(event) else { return };
        let decides = event.source == Source::Review || matches!(event.action, Action::Keep(_));
        debug_assert!(is_own_decision(event.source));
        if decides && self.differs() {
            self.settled = Some(class);
        } else if self.settled.is_some_and(|settled| settled != class) {
            self.settled = None;
        }
        self.latest.insert(&event.annotator, class);
    }
}

/// How evenly opinions are split.
struct Split {
    opinions: usize,
    /// Opinions for the most frequent class beyond those for the next one.
    lead: usize,
    /// In nats.
    entropy: f64,
}

impl Split {
    fn of(opinions: &[(String, String)]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, class) in opinions {
            *counts.entry(class).or_default() += 1;
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let total = opinions.len() as f64;
        let entropy = counts.iter().map(|&count| count as f64 / total).map(|share| -share * share.ln()).sum();
        Self { opinions: opinions.len(), lead: counts[0] - counts.get(1).unwrap_or(&0), entropy }
    }

    /// The more even one first.
    fn compare(&self, other: &Self) -> Ordering {
        (self.lead * other.opinions)
            .cmp(&(other.lead * self.opinions))
            .then(other.entropy.total_cmp(&self.entropy))
            .then(other.opinions.cmp(&self.opinions))
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_log::{label, said};
    use super::*;

    const HUMAN: Source = Source::Human;
    const REVIEW: Source = Source::Review;

    fn is_open(events: &[LabelEvent]) -> bool {
        let backwards: Vec<LabelEvent> = events.iter().rev().cloned().collect();
        assert_eq!(disagreements(events), disagreements(&backwards));
        !disagreements(events).is_empty()
    }

    fn keep(id: &str, annotator: &str, class: &str) -> LabelEvent {
        said(id, annotator, Action::Keep(class.into()))
    }

    #[test]
    fn what_settles_a_disagreement() {
        let two = [label("1", "Ada", "cat", HUMAN), label("2", "Bo", "dog", HUMAN)];
        let after = |more: &[LabelEvent]| is_open(&[&two[..], more].concat());
        assert!(!is_open(&two[..1]));
        assert!(is_open(&two));
        assert!(is_open(&[two[0].clone(), label("2", "Bo", "dog", REVIEW)]), "a correction is a second opinion");
        assert!(!after(&[label("3", "Cy", "cat", REVIEW)]));
        assert!(!after(&[keep("3", "Ada", "cat")]));
        assert!(after(&[label("3", "Cy", "cat", HUMAN)]), "two to one is no verdict");
        assert!(!after(&[label("3", "Bo", "cat", HUMAN)]), "they agree now");
        // After the verdict: a voice for it changes nothing, one against it opens the item again, another verdict ends it.
        let verdict = label("3", "Cy", "cat", REVIEW);
        assert!(!after(&[verdict.clone(), label("4", "Di", "cat", HUMAN)]));
        assert!(after(&[verdict.clone(), label("4", "Di", "dog", HUMAN)]));
        assert!(!after(&[verdict.clone(), label("4", "Di", "dog", REVIEW)]));
        assert!(!after(&[verdict.clone(), label("4", "Di", "dog", HUMAN), keep("5", "Cy", "dog")]));
        // It came before the second opinion was known.
        assert!(is_open(&[two[0].clone(), keep("15", "Ada", "cat"), two[1].clone()]));
        assert!(after(&[verdict, said("4", "Cy", Action::Undo("3".into()))]), "the verdict was taken back");
    }

    #[test]
    fn excluded_items_and_withdrawn_opinions_are_not_asked() {
        let two = [label("1", "Ada", "cat", HUMAN), label("2", "Bo", "dog", HUMAN)];
        let after = |more: &[LabelEvent]| is_open(&[&two[..], more].concat());
        assert!(!after(&[said("3", "Cy", Action::Exclude)]));
        assert!(!after(&[said("3", "Cy", Action::Exclude), label("4", "Cy", "fox", Source::Repeat)]));
        assert!(after(&[said("3", "Cy", Action::Exclude), label("4", "Cy", "fox", HUMAN)]));
        assert!(!after(&[said("3", "Bo", Action::Exclude), label("4", "Cy", "cat", HUMAN)]));
    }

    #[test]
    fn the_most_evenly_split_come_first() {
        let splits = ["aab", "ab", "abc", "aaab", "aabb", "aaa"];
        let mut log = Vec::new();
        for (item, split) in splits.iter().enumerate() {
            for (who, class) in split.chars().enumerate() {
                let mut event = label(&format!("{item}{who}"), &format!("{who}"), &class.to_string(), HUMAN);
                event.item = ContentHash([item as u8; 32]);
                log.push(event);
            }
        }
        let found: Vec<&str> = disagreements(&log).iter().map(|each| splits[each.item.0[0] as usize]).collect();
        assert_eq!(found, ["abc", "aabb", "ab", "aab", "aaab"]);
    }
}
