//! Events and whole logs for tests.

use crate::pipeline::item::ContentHash;
use crate::pipeline::label::{Action, LabelEvent, Source};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// An event about item 7.
pub fn event(id: &str, annotator: &str, action: Action, source: Source) -> LabelEvent {
    LabelEvent {
        id: id.into(),
        item: ContentHash([7; 32]),
        annotator: annotator.into(),
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

pub fn label(id: &str, annotator: &str, class: &str, source: Source) -> LabelEvent {
    event(id, annotator, Action::Label(class.into()), source)
}

/// Anything else that is decided in a review.
pub fn said(id: &str, annotator: &str, action: Action) -> LabelEvent {
    event(id, annotator, action, Source::Review)
}

/// Several overlapping logs of a few annotators about a few items: every action and source, undos and undos of undos,
/// clocks that differ, places or none, events delivered twice, and now and then one id with two contents, as in a damaged file.
pub fn random_logs(seed: u64, logs: usize) -> Vec<Vec<LabelEvent>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut all: Vec<LabelEvent> = Vec::new();
    for number in 0..random.random_range(5..60) {
        let class = ["cat", "dog", "fox"][random.random_range(0..3)].to_string();
        let target = all.get(random.random_range(0..all.len().max(1))).map(|event| event.id.clone());
        let (action, source) = match (random.random_range(0..20), target) {
            (0..4, Some(target)) => (Action::Undo(target), Source::Human),
            (4, _) => (Action::Skip, Source::Human),
            (5, _) => (Action::Flag, Source::Human),
            (6..8, _) => (Action::Keep(class), Source::Review),
            (8, _) => (Action::Exclude, Source::Review),
            (9, _) => (Action::SecondOpinion, Source::Review),
            (10, _) => (Action::Label(class), Source::Repeat),
            (11, _) => (Action::Label(class), Source::Import),
            (12, _) => (Action::Label(class), Source::Model),
            (13, _) => (Action::Label(class), Source::Audit),
            (14..16, _) => (Action::Label(class), Source::Review),
            _ => (Action::Label(class), Source::Human),
        };
        // Clocks differ: a later event may have the smaller id.
        let id = format!("{:03}-{number:02}", number * 4 + random.random_range(0..40));
        let annotator = ["Ada", "Bo", "Cy"][random.random_range(0..3)];
        let mut event = event(&id, annotator, action, source);
        event.item = ContentHash([random.random_range(0..6); 32]);
        event.time_ms = random.random_range(0..9) as f64;
        // The older half of some logs is from before there were places; some decided at the same time, not knowing each other.
        event.clock =
            if seed.is_multiple_of(2) && number < 20 { 0 } else { (number + 3 - random.random_range(0..3)) as u64 };
        all.push(event);
    }
    (0..logs)
        .map(|_| {
            let mut log: Vec<LabelEvent> = Vec::new();
            for event in &all {
                for _ in 0..[0, 1, 1, 1, 2][random.random_range(0..5)] {
                    let mut event = event.clone();
                    if random.random_bool(0.03) {
                        event.action = Action::Label(["cat", "dog", "fox"][random.random_range(0..3)].into());
                    }
                    let place = random.random_range(0..=log.len());
                    log.insert(place, event);
                }
            }
            log
        })
        .collect()
}
