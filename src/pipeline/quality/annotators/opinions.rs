//! Who says what: each annotator's own latest answer about each item.

use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{Action, LabelEvent, Source, standing};
use std::collections::BTreeMap;

/// What one annotator says about one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Who.
    pub annotator: String,
    /// About what.
    pub item: ContentHash,
    /// The class's key.
    pub class: String,
    /// The id of the event that says so.
    pub event: String,
    /// Where it came from: [`Source::Human`], [`Source::Audit`] or [`Source::Review`].
    pub source: Source,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: f64,
}

/// Whether a person looked at the item and decided for themselves: not the data, not the model, and not a repeated
/// question, which measures the annotator and changes no label.
pub(super) fn is_own_decision(source: Source) -> bool {
    matches!(source, Source::Human | Source::Audit | Source::Review)
}

/// The class that an event says the item is of, if a person says so in it: a label, or letting a label stand.
pub(super) fn stated_class(event: &LabelEvent) -> Option<&str> {
    match &event.action {
        Action::Label(class) | Action::Keep(class) if is_own_decision(event.source) => Some(class),
        _ => None,
    }
}

/// Each annotator's latest standing opinion about each item, by item and then annotator. The same set of events gives
/// the same opinions in any order of arrival.
///
/// A label that was kept is the opinion of whoever kept it. Excluding an item says that it is none of the classes, so it
/// takes the annotator's own opinion back until they label again; skipping, flagging and asking for a second opinion
/// leave it as it was.
pub fn opinions<'log>(events: impl IntoIterator<Item = &'log LabelEvent>) -> Vec<Opinion> {
    let mut latest: BTreeMap<(ContentHash, &str), &LabelEvent> = BTreeMap::new();
    for event in standing(events) {
        let key = (event.item, event.annotator.as_str());
        if stated_class(event).is_some() {
            latest.insert(key, event);
        } else if event.action == Action::Exclude {
            latest.remove(&key);
        }
    }
    latest.into_values().filter_map(opinion_of).collect()
}

fn opinion_of(event: &LabelEvent) -> Option<Opinion> {
    Some(Opinion {
        annotator: event.annotator.clone(),
        item: event.item,
        class: stated_class(event)?.to_string(),
        event: event.id.clone(),
        source: event.source,
        time_ms: event.time_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::super::random_log::{label, said};
    use super::*;

    fn check(events: &[LabelEvent], expected: &[(&str, &str)]) {
        let found = opinions(events);
        let found: Vec<(&str, &str)> =
            found.iter().map(|opinion| (opinion.annotator.as_str(), opinion.class.as_str())).collect();
        assert_eq!(found, expected);
        let backwards: Vec<LabelEvent> = events.iter().rev().cloned().collect();
        assert_eq!(opinions(events), opinions(&backwards));
    }

    #[test]
    fn the_latest_own_answer_counts() {
        let ada = label("1", "Ada", "cat", Source::Human);
        let log = [
            label("0", "Ada", "fox", Source::Import),
            ada.clone(),
            label("2", "Bo", "dog", Source::Audit),
            label("3", "Ada", "dog", Source::Repeat),
            label("4", "model", "dog", Source::Model),
        ];
        check(&log, &[("Ada", "cat"), ("Bo", "dog")]);
        check(&[ada.clone(), label("5", "Ada", "fox", Source::Review)], &[("Ada", "fox")]);
        check(&[ada.clone(), said("5", "Ada", Action::Undo("1".into()))], &[]);
    }

    #[test]
    fn keeping_is_an_opinion_and_excluding_takes_it_back() {
        let log = [
            label("1", "Ada", "cat", Source::Human),
            label("2", "Bo", "dog", Source::Human),
            said("3", "Bo", Action::Keep("cat".into())),
        ];
        check(&log, &[("Ada", "cat"), ("Bo", "cat")]);
        let mut log = log.to_vec();
        for action in [Action::Skip, Action::Flag, Action::SecondOpinion] {
            log.push(said(&format!("4{action:?}"), "Ada", action));
        }
        check(&log, &[("Ada", "cat"), ("Bo", "cat")]);
        log.push(said("5", "Ada", Action::Exclude));
        check(&log, &[("Bo", "cat")]);
        log.push(label("6", "Ada", "fox", Source::Review));
        check(&log, &[("Ada", "fox"), ("Bo", "cat")]);
    }
}
