//! Blind re-asks: does an annotator say again what they said before?

use super::kappa::cohen_kappa;
use super::over_time::{Comparison, Window, is_drifting, windows};
use crate::pipeline::evaluate::Estimate;
use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{Action, LabelEvent, Source, standing};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Decisions that must have passed since the annotator last decided about an item before it is asked again: fewer, and
/// memory answers.
pub const GAP: usize = 20;
/// Keeps the draws apart from those of audits, which have the project's seed and the number of requests, too.
const RE_ASK_SEED: u64 = 0x5265_2d61_736b_0001;

/// Decides whether the next request asks one of the rows of `pool` again, and which: with probability `share`, all rows
/// equally likely. The same seed, number of requests so far and rows give the same answer, independent of
/// [`crate::pipeline::rank::audit_draw`]'s.
pub fn re_ask_draw(seed: u64, request: u64, share: f64, pool: &[usize]) -> Option<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ RE_ASK_SEED);
    random.set_stream(request);
    if pool.is_empty() || random.random::<f64>() >= share {
        return None;
    }
    Some(pool[random.random_range(0..pool.len())])
}

/// The items that may be asked again, ascending: the annotator labelled them ([`Source::Human`] or [`Source::Review`]) and
/// took at least [`GAP`] other decisions since they last decided about them; they were not asked again before, and are not
/// excluded. An item that was ever a blind audit is left out: its label measures the model.
pub fn re_ask_candidates<'log>(
    events: impl IntoIterator<Item = &'log LabelEvent>,
    annotator: &str,
) -> Vec<ContentHash> {
    let mut decisions = 0;
    let mut last_decided: BTreeMap<ContentHash, usize> = BTreeMap::new();
    let (mut labelled, mut out, mut excluded) = (HashSet::new(), HashSet::new(), HashSet::new());
    for event in standing(events) {
        let own = event.annotator == annotator;
        match (&event.action, event.source) {
            (Action::Label(_), Source::Repeat) if own => {
                out.insert(event.item);
            }
            (Action::Label(_), Source::Repeat) => {}
            (Action::Label(_), source) => {
                excluded.remove(&event.item);
                if source == Source::Audit {
                    out.insert(event.item);
                } else if own && matches!(source, Source::Human | Source::Review) {
                    labelled.insert(event.item);
                }
            }
            (Action::Exclude, _) => {
                excluded.insert(event.item);
            }
            _ => {}
        }
        if own && !matches!(event.source, Source::Import | Source::Model) {
            decisions += 1;
            last_decided.insert(event.item, decisions);
        }
    }
    last_decided
        .into_iter()
        .filter(|(item, last)| {
            labelled.contains(item) && !out.contains(item) && !excluded.contains(item) && decisions - last >= GAP
        })
        .map(|(item, _)| item)
        .collect()
}

/// How far an annotator agrees with themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfAgreement {
    /// Items asked again, at least 1.
    pub asked: usize,
    /// How many of them got the same class again.
    pub same: usize,
    /// Their share, with its exact 95 % interval.
    pub share: Estimate,
    /// Cohen's κ of first and second answers, see [`cohen_kappa`]; `None` if all of them name one class.
    pub kappa: Option<Estimate>,
    /// The items that got another class, in the order asked again: the first answer's class key, and the second's.
    pub changed: Vec<(ContentHash, String, String)>,
    /// In the order asked again, 10 to 19 items a window.
    pub over_time: Vec<Window>,
    /// Whether later answers agree significantly less often than earlier ones; a constant annotator is ever called so with
    /// a probability below 5 %.
    pub drifting: bool,
}

/// Compares the annotator's answers to repeated questions with the labels of theirs ([`Source::Human`] or
/// [`Source::Review`]) that stood when the question was repeated. Each item counts once, by its first repeat. `None` if
/// nothing was asked again.
pub fn self_agreement<'log>(
    events: impl IntoIterator<Item = &'log LabelEvent>,
    annotator: &str,
) -> Option<SelfAgreement> {
    let mut before: HashMap<ContentHash, &str> = HashMap::new();
    let mut repeated = HashSet::new();
    let mut pairs: Vec<(&LabelEvent, &str, &str)> = Vec::new();
    for event in standing(events) {
        let Action::Label(class) = &event.action else { continue };
        if event.annotator != annotator {
            continue;
        }
        match event.source {
            Source::Human | Source::Review => {
                before.insert(event.item, class);
            }
            Source::Repeat => {
                if let Some(first) = before.get(&event.item)
                    && repeated.insert(event.item)
                {
                    pairs.push((event, first, class));
                }
            }
            Source::Audit | Source::Import | Source::Test | Source::Model => {}
        }
    }
    let comparisons: Vec<Comparison> = pairs
        .iter()
        .map(|(event, first, second)| Comparison { time_ms: event.time_ms, same: first == second })
        .collect();
    let same = comparisons.iter().filter(|each| each.same).count();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut place = |class| {
        let next = places.len();
        *places.entry(class).or_insert(next)
    };
    let numbered: Vec<(usize, usize)> = pairs.iter().map(|&(_, first, second)| (place(first), place(second))).collect();
    let changed = pairs.iter().filter(|(_, first, second)| first != second);
    Some(SelfAgreement {
        asked: pairs.len(),
        same,
        share: Estimate::of_share(same, pairs.len())?,
        kappa: cohen_kappa(&numbered).ok().map(|kappa| kappa.kappa),
        changed: changed.map(|(event, first, second)| (event.item, first.to_string(), second.to_string())).collect(),
        over_time: windows(&comparisons),
        drifting: is_drifting(&comparisons),
    })
}

#[cfg(test)]
mod tests {
    use super::super::random_log::{event, label};
    use super::*;

    fn about(item: u8, mut event: LabelEvent) -> LabelEvent {
        event.item = ContentHash([item; 32]);
        event
    }

    fn own(number: usize, item: u8, class: &str, source: Source) -> LabelEvent {
        about(item, label(&format!("{number:04}"), "Ada", class, source))
    }

    #[test]
    fn re_asks_come_at_their_share_from_everywhere_and_apart_from_audits() {
        let pool: Vec<usize> = (50..60).collect();
        let draws: Vec<Option<usize>> = (0..4000).map(|request| re_ask_draw(3, request, 0.1, &pool)).collect();
        // 400 expected; 4 standard deviations of the binomial are 76.
        let count = draws.iter().flatten().count();
        assert!((324..476).contains(&count), "{count}");
        for row in &pool {
            let count = draws.iter().flatten().filter(|drawn| *drawn == row).count();
            assert!((15..66).contains(&count), "row {row}: {count}");
        }
        // With the same seed and request, an audit's generator would fall below its share whenever this one does.
        let also_audit = (0..4000_u64).filter(|&request| {
            let mut random = ChaCha8Rng::seed_from_u64(3);
            random.set_stream(request);
            draws[request as usize].is_some() && random.random::<f64>() < 0.15
        });
        assert!(also_audit.count() < 100);
        assert_eq!(re_ask_draw(3, 1, 1.0, &[]), None);
        assert_eq!(re_ask_draw(3, 1, 0.0, &pool), None);
    }

    #[test]
    fn only_old_labels_of_ones_own_are_asked_again_and_once() {
        let mut log = vec![
            own(0, 0, "cat", Source::Human),
            own(1, 1, "cat", Source::Audit),
            own(2, 2, "cat", Source::Import),
            about(3, label("0003", "Bo", "cat", Source::Human)),
            own(4, 4, "cat", Source::Human),
            own(5, 5, "cat", Source::Human),
            own(6, 6, "cat", Source::Human),
            about(6, event("0007", "Bo", Action::Exclude, Source::Review)),
            about(0, event("0008", "Ada", Action::Undo("0005".into()), Source::Human)),
        ];
        let items = |log: &[LabelEvent]| -> Vec<u8> {
            let backwards: Vec<LabelEvent> = log.iter().rev().cloned().collect();
            assert_eq!(re_ask_candidates(log, "Ada"), re_ask_candidates(&backwards, "Ada"));
            re_ask_candidates(log, "Ada").iter().map(|item| item.0[0]).collect()
        };
        assert!(items(&log).is_empty());
        // Items 4 and 6 were decided after items 0 and 1: item 0 needs 20 decisions, of which 3 are here.
        log.extend((10..10 + GAP - 3).map(|n| own(n, n as u8 + 90, "cat", Source::Human)));
        assert_eq!(items(&log), [0]);
        log.push(own(60, 200, "cat", Source::Human));
        log.push(own(61, 201, "cat", Source::Human));
        assert_eq!(items(&log), [0, 4]);
        log.push(own(62, 0, "dog", Source::Repeat));
        assert_eq!(items(&log)[0], 4);
        log.push(own(63, 4, "dog", Source::Review));
        assert!(!items(&log).contains(&4), "decided anew");
    }

    #[test]
    fn first_and_second_answers_are_compared() {
        let log = vec![
            own(0, 0, "fox", Source::Human),
            own(1, 0, "cat", Source::Review),
            own(2, 1, "dog", Source::Human),
            own(3, 2, "dog", Source::Human),
            about(3, label("0004", "Bo", "cat", Source::Human)),
            own(5, 0, "cat", Source::Repeat),
            own(6, 1, "cat", Source::Repeat),
            own(7, 1, "dog", Source::Repeat),
            own(8, 2, "dog", Source::Repeat),
            // No label of Ada's came before.
            own(9, 3, "dog", Source::Repeat),
            about(1, label("0010", "Bo", "fox", Source::Repeat)),
        ];
        let found = self_agreement(&log, "Ada").unwrap();
        assert_eq!((found.asked, found.same), (3, 2));
        assert_eq!(found.changed, [(ContentHash([1; 32]), "dog".to_string(), "cat".to_string())]);
        assert_eq!(found.over_time, [Window { until_ms: 0.0, asked: 3, same: 2 }]);
        // cat–cat, dog–cat, dog–dog: observed 2/3, expected 4/9.
        assert!((found.kappa.unwrap().estimate - 0.4).abs() < 1e-12);
        assert!(found.share.low < 0.1 && found.share.high > 0.99 && !found.drifting);
        assert_eq!(self_agreement(&log, "Bo"), None);
        assert_eq!(self_agreement(&log[..3], "Ada"), None);
        // Taken back, the repeat counts as not given, and the next one counts.
        let mut log = log;
        log.push(about(1, event("0011", "Ada", Action::Undo("0006".into()), Source::Human)));
        assert_eq!(self_agreement(&log, "Ada").map(|found| found.same), Some(3));
    }

    #[test]
    fn drift_is_seen() {
        let classes = ["cat", "dog"];
        let mut log: Vec<LabelEvent> = (0..80).map(|n| own(n, n as u8, classes[n % 2], Source::Human)).collect();
        let steady: Vec<LabelEvent> = (0..80).map(|n| own(100 + n, n as u8, classes[n % 2], Source::Repeat)).collect();
        assert!(!self_agreement(log.iter().chain(&steady), "Ada").unwrap().drifting);
        log.extend((0..80).map(|n| own(100 + n, n as u8, classes[if n < 40 { n } else { n / 3 } % 2], Source::Repeat)));
        let found = self_agreement(&log, "Ada").unwrap();
        assert!(found.drifting);
        assert_eq!(found.over_time.len(), 8);
        assert!(found.over_time[0].same == 10 && found.over_time[7].same < 10);
    }
}
