//! The cards at hand. The page moves through them by itself, so that the next card is there in the frame of the key;
//! the session's queue replaces what follows whenever it arrives.

use crate::protocol::{Card, ItemIndex, QueueState};
use std::collections::{HashSet, VecDeque};

/// The card on screen, those after it, and what was decided but not yet acknowledged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deck {
    current: Option<Card>,
    ahead: VecDeque<Card>,
    decided: HashSet<ItemIndex>,
    left: u32,
    empty: Option<String>,
    arrived: bool,
    /// A person has come to answer audits: the first one takes the place of whatever is on screen.
    audit_first: bool,
}

impl Deck {
    /// The card on screen.
    pub fn current(&self) -> Option<&Card> {
        self.current.as_ref()
    }

    /// The card on screen, to mark it.
    pub fn current_mut(&mut self) -> Option<&mut Card> {
        self.current.as_mut()
    }

    /// The card on screen and those after it, in order.
    pub fn upcoming(&self) -> impl Iterator<Item = &Card> {
        self.current.iter().chain(&self.ahead)
    }

    /// How many items are left to ask, those just decided already taken off.
    pub fn left(&self) -> u32 {
        self.left.saturating_sub(u32::try_from(self.decided.len()).unwrap_or(u32::MAX))
    }

    /// Why there is no card. `None` while cards are on their way.
    pub fn why_empty(&self) -> Option<&str> {
        self.empty.as_deref().filter(|_| self.arrived && self.current.is_none())
    }

    /// Takes over the session's queue. The card on screen stays where it is: what changes under a moving finger is
    /// answered wrongly. Only a card that came without a suggestion, from before the first model, gains its details.
    pub fn merge(&mut self, queue: QueueState) {
        self.arrived = true;
        self.left = queue.left;
        self.empty = queue.empty;
        let mut cards: VecDeque<Card> =
            queue.cards.into_iter().filter(|card| !self.decided.contains(&card.item)).collect();
        match &mut self.current {
            Some(current) => {
                if let Some(place) = cards.iter().position(|card| card.item == current.item)
                    && let Some(newer) = cards.remove(place)
                    && current.suggestion.is_none()
                    && current.value.is_none()
                    && current.audit.is_none()
                    && newer.audit.is_none()
                {
                    *current = Card { flagged: current.flagged, ..newer };
                }
            }
            None => self.current = cards.pop_front(),
        }
        self.ahead = cards;
        self.bring_audit();
    }

    /// The next audit, of the model or of labels, comes first, now or with the next queue; the card on screen comes after it.
    pub fn ask_audits(&mut self) {
        self.audit_first = true;
        self.bring_audit();
    }

    fn bring_audit(&mut self) {
        if !self.audit_first {
            return;
        }
        let asked_blind = |card: &Card| card.audit.is_some() || card.repeat;
        let is_there = self.current.as_ref().is_some_and(asked_blind);
        let place = self.ahead.iter().position(asked_blind);
        if let Some(audit) = place.filter(|_| !is_there).and_then(|place| self.ahead.remove(place)) {
            self.ahead.extend(self.current.replace(audit));
        }
        self.audit_first = !is_there && place.is_none();
    }

    /// Moves on: the card on screen is decided, the next one takes its place. Returns the decided card.
    pub fn advance(&mut self) -> Option<Card> {
        let done = self.current.take()?;
        self.decided.insert(done.item);
        self.ahead.retain(|card| card.item != done.item);
        self.current = self.ahead.pop_front();
        Some(done)
    }

    /// The session knows of the decision: from its next queue on, the item is there only if it is to be asked again.
    pub fn acknowledge(&mut self, item: ItemIndex) {
        if self.decided.remove(&item) {
            self.left = self.left.saturating_sub(1);
        }
    }

    /// Shows this card now, a revisit; the one on screen comes right after it.
    pub fn visit(&mut self, card: Card) {
        self.decided.remove(&card.item);
        self.ahead.retain(|other| other.item != card.item);
        if let Some(interrupted) = self.current.replace(card)
            && self.current.as_ref().is_some_and(|card| card.item != interrupted.item)
        {
            self.ahead.push_front(interrupted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{CardContent, Suggestion};

    #[test]
    fn whoever_comes_to_answer_audits_is_shown_one_first() {
        let audit = |item| Card { audit: Some(0.1), ..card(item) };
        let queue = |cards| QueueState { cards, left: 9, empty: None };
        let items = |deck: &Deck| deck.upcoming().map(|card| card.item).collect::<Vec<_>>();
        let mut deck = Deck::default();
        deck.merge(queue(vec![card(1), card(2), audit(3)]));
        deck.ask_audits();
        assert_eq!(items(&deck), [3, 2, 1], "it was at hand");
        let mut deck = Deck::default();
        deck.merge(queue(vec![card(1), card(2)]));
        deck.ask_audits();
        assert_eq!(items(&deck), [1, 2], "nothing to bring yet");
        deck.merge(queue(vec![audit(5), audit(6), card(1)]));
        assert_eq!(items(&deck), [5, 6, 1], "the queue has brought it");
        deck.advance();
        deck.merge(queue(vec![card(1), audit(6)]));
        assert_eq!(deck.current().map(|card| card.item), Some(6), "once");
    }

    fn card(item: ItemIndex) -> Card {
        Card {
            item,
            name: format!("item {item}"),
            content: CardContent::Image,
            extra: Vec::new(),
            why: String::new(),
            audit: None,
            repeat: false,
            suggestion: None,
            probabilities: Vec::new(),
            neighbours: Vec::new(),
            label: None,
            given: None,
            value: None,
            flagged: false,
        }
    }

    fn queue(items: &[ItemIndex]) -> QueueState {
        QueueState { cards: items.iter().map(|&item| card(item)).collect(), left: 10, empty: None }
    }

    fn order(deck: &Deck) -> Vec<ItemIndex> {
        deck.upcoming().map(|card| card.item).collect()
    }

    #[test]
    fn a_new_queue_replaces_what_follows_and_leaves_the_card_on_screen() {
        let mut deck = Deck::default();
        deck.merge(queue(&[1, 2, 3]));
        deck.merge(queue(&[7, 1, 8]));
        assert_eq!(order(&deck), [1, 7, 8]);
    }

    #[test]
    fn a_decided_item_does_not_come_back_before_the_session_knows() {
        let mut deck = Deck::default();
        deck.merge(queue(&[1, 2, 3]));
        assert_eq!(deck.advance().map(|card| card.item), Some(1));
        assert_eq!(deck.left(), 9);
        deck.merge(queue(&[1, 2, 3, 4]));
        assert_eq!(order(&deck), [2, 3, 4]);
        deck.acknowledge(1);
        assert_eq!(deck.left(), 9);
        deck.merge(queue(&[3, 1]));
        assert_eq!(order(&deck), [2, 3, 1], "asked again, say after a skip");
    }

    #[test]
    fn a_visit_interrupts_and_then_goes_on() {
        let mut deck = Deck::default();
        deck.merge(queue(&[1, 2]));
        deck.visit(card(9));
        assert_eq!(order(&deck), [9, 1, 2]);
        deck.visit(card(9));
        assert_eq!(order(&deck), [9, 1, 2]);
        deck.advance();
        assert_eq!(order(&deck), [1, 2]);
    }

    #[test]
    fn the_suggestion_on_screen_never_changes_under_the_finger_but_may_appear() {
        let suggest = |class| Some(Suggestion { class, probability: 0.8, model: 1 });
        let mut deck = Deck::default();
        deck.merge(queue(&[1]));
        for (arriving, expected) in [(0, 0), (1, 0)] {
            let mut newer = queue(&[1]);
            newer.cards[0].suggestion = suggest(arriving);
            deck.merge(newer);
            assert_eq!(deck.current().and_then(|card| card.suggestion.clone()), suggest(expected));
        }
    }

    #[test]
    fn an_empty_queue_says_why_only_once_it_is_known() {
        let mut deck = Deck::default();
        assert_eq!(deck.why_empty(), None);
        deck.merge(QueueState { cards: Vec::new(), left: 0, empty: Some("All labelled.".into()) });
        assert_eq!(deck.why_empty(), Some("All labelled."));
        assert_eq!(deck.advance(), None);
    }
}
