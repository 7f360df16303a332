//! Decisions on their way to the disk. Each stays here until the session says that it is safe.

use crate::protocol::Decision;

/// What was decided and is not yet acknowledged, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outbox {
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    decision: Decision,
    refused: bool,
}

impl Outbox {
    /// Keeps a decision that is being sent. The same one again is one.
    pub fn keep(&mut self, decision: Decision) {
        match self.waiting.iter_mut().find(|waiting| waiting.decision.id == decision.id) {
            Some(waiting) => waiting.refused = false,
            None => self.waiting.push(Waiting { decision, refused: false }),
        }
    }

    /// It is safe on disk.
    pub fn acknowledge(&mut self, id: &str) {
        self.waiting.retain(|waiting| waiting.decision.id != id);
    }

    /// The session could not save it. It stays until it is sent again.
    pub fn refuse(&mut self, id: &str) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.decision.id == id) {
            waiting.refused = true;
        }
    }

    /// How many are on their way, refused ones left out.
    pub fn sending(&self) -> usize {
        self.waiting.iter().filter(|waiting| !waiting.refused).count()
    }

    /// Those that could not be saved, oldest first, to be sent again.
    pub fn refused(&self) -> Vec<Decision> {
        self.waiting.iter().filter(|waiting| waiting.refused).map(|waiting| waiting.decision.clone()).collect()
    }

    /// Whether nothing would be lost if the page closed now.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The sentence in the top bar.
    pub fn sentence(&self) -> String {
        let refused = self.waiting.len() - self.sending();
        match (refused, self.sending()) {
            (0, 0) => "All saved".to_owned(),
            (0, sending) => format!("Saving {sending}…"),
            (refused, _) => format!("{refused} not saved"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Verdict;

    fn decision(id: &str) -> Decision {
        Decision { id: id.into(), item: 0, verdict: Verdict::Skip, shown: None, audit: None, took_ms: None }
    }

    #[test]
    fn nothing_leaves_before_it_is_safe() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.sentence(), "All saved");
        outbox.keep(decision("a"));
        outbox.keep(decision("b"));
        assert_eq!(outbox.sentence(), "Saving 2…");
        outbox.refuse("a");
        outbox.acknowledge("b");
        assert_eq!(outbox.sentence(), "1 not saved");
        assert!(!outbox.is_empty());
        for again in outbox.refused() {
            outbox.keep(again);
        }
        assert_eq!((outbox.sending(), outbox.refused().len()), (1, 0));
        outbox.acknowledge("a");
        assert!(outbox.is_empty());
    }
}
