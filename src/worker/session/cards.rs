//! The queue's cards: which items are asked next, which of them as blind audits, and what each card shows.

use super::audits::Drawn;
use super::project::{CARDS_AHEAD, Planned, Project, SEED};
use super::{SessionError, refused};
use crate::pipeline::item::Content;
use crate::pipeline::predict;
use crate::pipeline::quality::annotators::consistency::{re_ask_candidates, re_ask_draw};
use crate::pipeline::rank::audit_draw;
use crate::protocol::{Card, CardContent, ClassIndex, ItemIndex, QueueState, Suggestion};
use ndarray::ArrayView1;

impl Project {
    /// Rows the queue may ask: undecided, not accepted, not passed by, not drawn as an audit. Once only skipped ones are left,
    /// those come back.
    pub(super) fn candidate_rows(&self) -> Vec<usize> {
        // Whoever takes labels of an import as the way back is asked about that import.
        let about = self.asks_about().map(|batch| [batch]);
        let about = about.as_ref().map(|about| about.as_slice());
        let open: Vec<usize> =
            (0..self.item_of.len()).filter(|&row| self.is_open(row) && self.is_of(self.item_of[row], about)).collect();
        let fresh: Vec<usize> =
            open.iter().copied().filter(|&row| !self.labels[self.item_of[row] as usize].skipped).collect();
        if fresh.is_empty() && self.drawn.is_empty() { open } else { fresh }
    }

    fn is_open(&self, row: usize) -> bool {
        let item = self.item_of[row];
        !self.labels[item as usize].is_decided() && !self.is_accepted(item) && self.drawn_with(item).is_none()
    }

    /// Lays out the next cards: ranked items in order, with blind audits at the places the audit stream says.
    pub(super) fn plan_cards(&mut self, ranked: Vec<(ItemIndex, String)>) {
        let mut ranked = ranked.into_iter();
        let mut planned: Vec<Planned> = Vec::new();
        // Whoever began the audit of a certificate wants it done: its questions come first.
        for (item, q, number) in self.certificate_audits(CARDS_AHEAD) {
            let why = format!(
                "Drawn at random from what certificate {number} would accept. No suggestion is shown, and it will not train."
            );
            let card = Card { audit: Some(q), label: None, given: None, ..self.bare_card(item, why) };
            planned.push(Planned { card, request: None });
        }
        // Then those of the label audit that a person has begun.
        for card in self.label_audit_cards(CARDS_AHEAD.saturating_sub(planned.len())) {
            planned.push(Planned { card, request: None });
        }
        // What a person asked for comes next, until it is decided.
        for item in self.review.asked_first.clone() {
            let row = self.row_of[item as usize];
            if planned.len() < CARDS_AHEAD && row.is_some_and(|row| self.is_open(row)) {
                let why = "You asked for more items like some that are rare or often wrong.".into();
                planned.push(Planned { card: self.asked_card(item, why), request: None });
            }
        }
        let repeatable = self.repeatable();
        let first = self.requests;
        for request in first..first + CARDS_AHEAD.saturating_sub(planned.len()) as u64 {
            match self.audit_at(request, &planned) {
                Some(Drawn { item, probability }) => {
                    let card = self.audit_card(item, probability);
                    planned.push(Planned { card, request: Some(request) });
                }
                None => {
                    let taken = |item| planned.iter().any(|planned: &Planned| planned.card.item == item);
                    let card = self
                        .repeat_at(request, &repeatable, &planned)
                        .map(|item| self.repeat_card(item))
                        .or_else(|| {
                            let (item, why) =
                                ranked.find(|&(item, _)| self.drawn_with(item).is_none() && !taken(item))?;
                            Some(self.asked_card(item, why))
                        });
                    planned.extend(card.map(|card| Planned { card, request: None }));
                }
            }
        }
        // Audits drawn for requests already passed (a reload, an undo) must still be answered: they come first.
        let answered: Vec<ItemIndex> = planned.iter().map(|planned| planned.card.item).collect();
        let late: Vec<(u64, Drawn)> = self
            .drawn
            .iter()
            .filter(|(_, drawn)| !answered.contains(&drawn.item))
            .map(|(&request, &drawn)| (request, drawn))
            .collect();
        for (request, Drawn { item, probability }) in late {
            let card = self.audit_card(item, probability);
            planned.insert(0, Planned { card, request: Some(request) });
        }
        self.planned = planned;
        self.show_neighbours();
        self.touch_queue();
    }

    /// Adds the nearest labelled items to the cards that show a suggestion.
    fn show_neighbours(&mut self) {
        let shows = |planned: &Planned| planned.card.audit.is_none() && !planned.card.repeat;
        let cards: Vec<(usize, usize)> = (0..self.planned.len())
            .filter(|&place| shows(&self.planned[place]))
            .filter_map(|place| Some((place, self.row_of[self.planned[place].card.item as usize]?)))
            .collect();
        let rows: Vec<usize> = cards.iter().map(|&(_, row)| row).collect();
        let neighbours = self.neighbours_of(&rows);
        for ((place, _), neighbours) in cards.into_iter().zip(neighbours) {
            self.planned[place].card.neighbours = neighbours;
        }
    }

    /// The audit at this place of the request stream, if the draw says so or the user wished for audits now. Audits
    /// measure a model, so they begin with the first one.
    fn audit_at(&mut self, request: u64, planned: &[Planned]) -> Option<Drawn> {
        if let Some(&drawn) = self.drawn.get(&request) {
            return Some(drawn);
        }
        if !self.has_model() {
            return None;
        }
        let ahead = planned.iter().filter(|planned| planned.request.is_some()).count();
        let wished = ahead < self.record.deployment.audits_wished as usize;
        let of = self.audits_of().filter(|_| wished);
        let share = if wished { 1.0 } else { self.record.options.audit_share };
        let may_be_drawn = |&row: &usize| {
            let item = self.item_of[row];
            self.is_of(item, of.as_deref())
                // What is accepted is audited, too: the stream measures the model on all that no person decided.
                && !self.labels[item as usize].is_decided()
                && self.drawn_with(item).is_none()
                && !self.ever_trained(item)
                && !self.has_trained_twin(row)
                && !planned.iter().any(|planned| planned.card.audit.is_some() && planned.card.item == item)
        };
        let draw = audit_draw(SEED, request, share, || (0..self.item_of.len()).filter(may_be_drawn).collect());
        let Some(draw) = draw else {
            if wished {
                // Nothing is left to draw: a wish that can't be granted must not hold the queue for ever.
                self.record.deployment.audits_wished = 0;
            }
            return None;
        };
        let drawn = Drawn { item: self.item_of[draw.row], probability: draw.probability };
        self.drawn.insert(request, drawn);
        Some(drawn)
    }

    /// What this person labelled some time ago and may be asked again; nothing while no question is to be repeated, for
    /// it takes a walk over the whole log.
    fn repeatable(&self) -> Vec<ItemIndex> {
        if self.record.options.repeat_share <= 0.0 {
            return Vec::new();
        }
        let candidates = re_ask_candidates(&self.log, &self.annotator);
        let items = candidates.iter().filter_map(|hash| self.by_hash.get(hash).copied());
        items.filter(|&item| !self.labels[item as usize].excluded).collect()
    }

    /// Which of these is asked again, blind, at this place of the request stream.
    fn repeat_at(&self, request: u64, repeatable: &[ItemIndex], planned: &[Planned]) -> Option<ItemIndex> {
        let free = |item: &&ItemIndex| !planned.iter().any(|planned| planned.card.item == **item);
        let pool: Vec<usize> = repeatable.iter().filter(free).map(|&item| item as usize).collect();
        re_ask_draw(SEED, request, self.record.options.repeat_share, &pool).map(|item| item as ItemIndex)
    }

    fn repeat_card(&self, item: ItemIndex) -> Card {
        let why = "You labelled this some time ago. It is asked again, blind, to see how steady your labels are; no label changes.";
        Card { repeat: true, label: None, given: None, flagged: false, ..self.bare_card(item, why.into()) }
    }

    /// After a decision: cards of decided or skipped items go, the rest move up until the new ranking is there.
    pub(super) fn drop_decided_cards(&mut self) {
        let labels = &self.labels;
        let before = self.planned.len();
        self.planned.retain(|planned| {
            let labels = &labels[planned.card.item as usize];
            planned.card.repeat || (!labels.is_decided() && !labels.skipped)
        });
        if self.planned.len() != before {
            self.touch_queue();
        }
    }

    /// The queue as the page shows it. Never silent: an empty queue says why.
    pub(super) fn queue(&self) -> QueueState {
        let undecided = (0..self.items.len()).filter(|&item| !self.is_settled(item as ItemIndex)).count() as u32;
        let cards: Vec<Card> = self.planned.iter().take(CARDS_AHEAD).map(|planned| planned.card.clone()).collect();
        let empty = cards.is_empty().then(|| {
            // What was interrupted is not all there is.
            let interrupted = self.interrupted().filter(|_| undecided as usize <= self.failed.len());
            if let Some(interrupted) = interrupted {
                interrupted
            } else if self.items.is_empty() {
                "There is nothing here yet. Import files to begin.".to_string()
            } else if undecided == 0 {
                "Everything is labelled or accepted. Import more, or take your labels with you.".to_string()
            } else if self.item_of.is_empty() || self.pending_count() > 0 {
                "The first items are being read. They appear here as they come.".to_string()
            } else if !self.failed.is_empty() && undecided as usize <= self.failed.len() {
                format!("The {undecided} items left could not be read; see Data. Everything else is labelled.")
            } else {
                "The next cards are being chosen.".to_string()
            }
        });
        QueueState { cards, left: undecided, empty }
    }

    /// A card for one item out of turn: a revisit, a search hit, an undone decision.
    pub fn card_for(&self, item: ItemIndex) -> Result<Card, SessionError> {
        let Some(labels) = self.labels.get(item as usize) else {
            return refused("That item is not in this project.");
        };
        Ok(match self.drawn_with(item) {
            Some(q) => self.audit_card(item, q),
            // A suggestion beside an answered audit would be a hint for the next change of mind.
            None if labels.audit.is_some() => self.bare_card(item, "You labelled this as a blind audit.".into()),
            None if labels.test.is_some() => self.bare_card(item, "It is part of an imported test set.".into()),
            None => {
                let mut card = self.asked_card(item, "You asked for this one.".into());
                if let Some(row) = self.row_of[item as usize] {
                    card.neighbours = self.neighbours(row);
                }
                card
            }
        })
    }

    fn audit_card(&self, item: ItemIndex, q: f64) -> Card {
        let why = "Drawn at random to measure the model. No suggestion is shown, and it will not train.".into();
        // Not even what was accepted from the model shows.
        Card { audit: Some(q), label: None, given: None, ..self.bare_card(item, why) }
    }

    pub(super) fn bare_card(&self, item: ItemIndex, why: String) -> Card {
        let stored = &self.items[item as usize];
        let labels = &self.labels[item as usize];
        Card {
            item,
            name: stored.name.clone(),
            content: match &stored.content {
                Content::Image => CardContent::Image,
                Content::Text(text) => CardContent::Text(text.clone()),
                Content::Row(cells) => {
                    CardContent::Row(self.record.columns.iter().cloned().zip(cells.iter().cloned()).collect())
                }
            },
            extra: stored.extra.clone(),
            why,
            audit: None,
            repeat: false,
            suggestion: None,
            probabilities: Vec::new(),
            neighbours: Vec::new(),
            label: labels.current().and_then(|standing| self.class_of_key(&standing.class)),
            given: self.given_value(item).map(|(number, _)| number),
            value: None,
            flagged: labels.flagged,
        }
    }

    /// Without its neighbours.
    fn asked_card(&self, item: ItemIndex, why: String) -> Card {
        let mut card = self.bare_card(item, why);
        let Some(row) = self.row_of[item as usize] else { return card };
        card.value = self.value_of(item);
        if let Some(probabilities) = self.row_probabilities(row) {
            card.suggestion = likeliest(probabilities).map(|(class, probability)| Suggestion {
                class,
                probability,
                model: self.learner.version(),
            });
            card.probabilities = probabilities.to_vec();
        }
        card
    }

    /// Calibrated class probabilities of a feature row, once there is a model that has seen it.
    pub(super) fn row_probabilities(&self, row: usize) -> Option<ArrayView1<'_, f32>> {
        let all = self.learner.probabilities()?;
        (row < all.nrows()).then(|| all.row(row))
    }

    pub(super) fn class_names(&self) -> Vec<String> {
        self.record.classes.iter().map(|class| class.name.clone()).collect()
    }
}

/// The likeliest class and its probability, by the same rule as what is measured.
pub(super) fn likeliest(probabilities: ArrayView1<'_, f32>) -> Option<(ClassIndex, f32)> {
    let class = predict::likeliest(probabilities);
    Some((class as ClassIndex, *probabilities.get(class)?))
}
