//! What was decided and is on its way to the disk. Each decision stays here until the session says that it is safe.

use crate::protocol::{Decision, ItemIndex, Request, Verdict};

/// What is not yet acknowledged, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outbox {
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    id: String,
    request: Request,
    refused: bool,
}

impl Outbox {
    /// Keeps a request that is being sent, by the id of its (first) decision. The same one again is one.
    pub fn keep(&mut self, id: &str, request: Request) {
        match self.waiting.iter_mut().find(|waiting| waiting.id == id) {
            Some(waiting) => waiting.refused = false,
            None => self.waiting.push(Waiting { id: id.to_owned(), request, refused: false }),
        }
    }

    /// It is safe on disk.
    pub fn acknowledge(&mut self, id: &str) {
        self.waiting.retain(|waiting| waiting.id != id);
    }

    /// The session could not do it. A decision stays until it is sent again, which is safe because the log knows its
    /// id; anything else (an undo, a new class) is given up, for the person to ask for again.
    pub fn refuse(&mut self, id: &str) {
        self.waiting.retain(|waiting| waiting.id != id || is_decision(&waiting.request));
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.id == id) {
            waiting.refused = true;
        }
    }

    /// Those that could not be saved, oldest first, to be sent again under the same id.
    pub fn refused(&self) -> Vec<(String, Request)> {
        let refused = self.waiting.iter().filter(|waiting| waiting.refused);
        refused.map(|waiting| (waiting.id.clone(), waiting.request.clone())).collect()
    }

    /// The decisions that could not be saved, one an item, for a file.
    pub fn unsaved(&self) -> Vec<Decision> {
        let one = |id: &str, item: ItemIndex, verdict: Verdict| {
            let id = id.to_owned();
            Decision { id, item, verdict, shown: None, audit: None, repeat: false, took_ms: None }
        };
        let of = |request: Request| -> Vec<Decision> {
            match request {
                Request::Decide(decision) => vec![decision],
                Request::DecideMany { ids, items, verdict } => {
                    ids.iter().zip(items).map(|(id, item)| one(id, item, verdict)).collect()
                }
                _ => Vec::new(),
            }
        };
        self.refused().into_iter().flat_map(|(_, request)| of(request)).collect()
    }

    /// Whether nothing would be lost if the page closed now.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The sentence in the top bar.
    pub fn sentence(&self) -> String {
        let count = |refused: bool| -> usize {
            self.waiting.iter().filter(|waiting| waiting.refused == refused).map(|waiting| size(&waiting.request)).sum()
        };
        match (count(true), count(false)) {
            (0, 0) => "All saved".to_owned(),
            (0, sending) => format!("Saving {sending}…"),
            (refused, _) => format!("{refused} not saved"),
        }
    }
}

fn is_decision(request: &Request) -> bool {
    matches!(request, Request::Decide(_) | Request::DecideMany { .. })
}

/// How many decisions it carries.
fn size(request: &Request) -> usize {
    match request {
        Request::DecideMany { items, .. } => items.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(id: &str) -> Request {
        let id = id.to_owned();
        Request::Decide(Decision {
            id,
            item: 0,
            verdict: Verdict::Skip,
            shown: None,
            audit: None,
            repeat: false,
            took_ms: None,
        })
    }

    #[test]
    fn nothing_leaves_before_it_is_safe() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.sentence(), "All saved");
        for id in ["a", "b", "b"] {
            outbox.keep(id, decide(id));
        }
        assert_eq!(outbox.sentence(), "Saving 2…");
        outbox.refuse("a");
        outbox.acknowledge("b");
        assert_eq!(outbox.sentence(), "1 not saved");
        assert!(!outbox.is_empty());
        for (id, again) in outbox.refused() {
            assert_eq!(again, decide("a"));
            outbox.keep(&id, again);
        }
        assert_eq!(outbox.sentence(), "Saving 1…");
        outbox.acknowledge("a");
        assert!(outbox.is_empty());
    }

    #[test]
    fn many_at_once_count_each_and_a_failed_undo_is_given_up() {
        let mut outbox = Outbox::default();
        let ids = vec!["a".to_owned(), "b".to_owned()];
        outbox.keep("a", Request::DecideMany { ids, items: vec![1, 2], verdict: Verdict::Skip });
        outbox.keep("u", Request::Undo);
        assert_eq!(outbox.sentence(), "Saving 3…");
        outbox.refuse("u");
        outbox.refuse("a");
        assert_eq!(outbox.sentence(), "2 not saved");
        outbox.acknowledge("a");
        assert_eq!(outbox.sentence(), "All saved");
    }
}
